#include "experts/panel/LabelPanel.h"

#include "experts/panel/ChannelDialog.h"
#include "experts/panel/ChannelLoader.h"
#include "experts/panel/ClickRow.h"
#include "experts/panel/MaskReceiver.h"
#include "experts/panel/ScoreTable.h"
#include "viewer/widgets/ReasonText.h"
#include "viewer/widgets/Scene.h"

#include <QCheckBox>
#include <QColorDialog>
#include <QComboBox>
#include <QEvent>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLocale>
#include <QMessageBox>
#include <QProgressBar>
#include <QPushButton>
#include <QSlider>
#include <QTableWidget>
#include <QVBoxLayout>

namespace hf {

namespace {

enum Column { Visible, Color, Name, VolumeMl, Mean, Columns };
constexpr int kValueRole = Qt::UserRole;

QString text(const std::string& s) { return QString::fromStdString(s); }

} // namespace

LabelPanel::LabelPanel(Scene* scene, assistant::EngineClient* client, QWidget* parent) : QWidget(parent), m_scene(scene), m_client(client)
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(8, 8, 8, 8);
    auto* runRow = new QHBoxLayout;
    m_experts = new QComboBox(this);
    m_experts->setObjectName("expertChooser");
    m_experts->setToolTip(tr("What an expert should segment in the whole volume"));
    m_experts->setAccessibleName(tr("Expert and structure"));
    m_run = new QPushButton(tr("Run"), this);
    m_run->setObjectName("runExpert");
    runRow->addWidget(m_experts, 1);
    runRow->addWidget(m_run);
    layout->addLayout(runRow);
    m_clicks = new ClickRow(scene, this);
    layout->addWidget(m_clicks);
    m_progress = new QProgressBar(this);
    m_progress->setRange(0, 100);
    m_progress->hide();
    layout->addWidget(m_progress);
    m_message = new QLabel(this);
    m_message->setWordWrap(true);
    m_message->hide();
    layout->addWidget(m_message);

    m_scores = new ScoreTable(this);
    layout->addWidget(m_scores, 1);
    m_source = new QLabel(this);
    m_source->setWordWrap(true);
    m_source->setObjectName("maskSource");
    layout->addWidget(m_source);
    m_table = new QTableWidget(0, Columns, this);
    m_table->setObjectName("labelTable");
    m_table->setHorizontalHeaderLabels({QString(), QString(), tr("Structure"), tr("mL"), tr("Mean HU")});
    m_table->horizontalHeader()->setSectionResizeMode(Name, QHeaderView::Stretch);
    for (const int column : {int(Visible), int(Color), int(VolumeMl), int(Mean)}) {
        m_table->horizontalHeader()->setSectionResizeMode(column, QHeaderView::ResizeToContents);
    }
    m_table->verticalHeader()->hide();
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_table->setShowGrid(false);
    m_table->setAccessibleName(tr("Structures of the mask"));
    m_table->setTabKeyNavigation(false);
    m_table->setToolTip(tr("Click a structure to go to the slice where it is largest; click its colour to change it"));
    layout->addWidget(m_table, 1);
    auto* styleRow = new QHBoxLayout;
    styleRow->addWidget(new QLabel(tr("Opacity"), this));
    m_opacity = new QSlider(Qt::Horizontal, this);
    m_opacity->setRange(0, 100);
    m_opacity->setValue(int(scene->maskOpacity() * 100));
    m_opacity->setAccessibleName(tr("Opacity of the mask"));
    m_outline = new QCheckBox(tr("Outline"), this);
    m_outline->setObjectName("maskOutline");
    m_outline->setChecked(scene->maskOutline());
    m_clear = new QPushButton(tr("Remove"), this);
    m_clear->setObjectName("removeMask");
    m_clear->setToolTip(tr("Takes the mask off the images; can be undone"));
    styleRow->addWidget(m_opacity, 1);
    styleRow->addWidget(m_outline);
    styleRow->addWidget(m_clear);
    layout->addLayout(styleRow);

    new MaskReceiver(scene, client, this);
    m_channels = new ChannelLoader(this);
    connect(m_channels, &ChannelLoader::progressed, this, [this](double fraction) { m_progress->setValue(int(fraction * 100)); });
    connect(m_channels, &ChannelLoader::loaded, this, [this](const QList<std::shared_ptr<const Volume>>& volumes) { startLoaded(volumes); });
    connect(m_channels, &ChannelLoader::failed, this, [this](const QString& code, const QString& message) {
        endRun(code == "cancelled" ? tr("Stopped.") : tr("The series were not prepared: %1").arg(reasonText(message)));
    });
    m_run->installEventFilter(this);
    connect(m_run, &QPushButton::clicked, this, [this] {
        run();
        if (m_isByMouse) {
            Q_EMIT imagesWanted();
        }
    });
    connect(m_experts, &QComboBox::currentIndexChanged, this, [this] { showClickRow(); });
    connect(m_scores, &ScoreTable::mapWanted, this, [this](const QString& expert, const QString& finding) { start(expert, finding, {}); });
    connect(m_table, &QTableWidget::itemChanged, this, [this](QTableWidgetItem* item) { itemChanged(item); });
    connect(m_table, &QTableWidget::cellClicked, this, [this](int row, int column) { cellActivated(row, column); });
    connect(m_table, &QTableWidget::cellActivated, this, [this](int row, int column) { cellActivated(row, column); });
    connect(m_opacity, &QSlider::valueChanged, scene, [scene](int value) { scene->setMaskOpacity(value / 100.0); });
    connect(m_outline, &QCheckBox::toggled, scene, &Scene::setMaskOutline);
    connect(m_clear, &QPushButton::clicked, scene, &Scene::clearMask);
    connect(scene, &Scene::maskChanged, this, [this] { fillTable(); });
    connect(scene, &Scene::maskStyleChanged, this, [this] { updateCells(); });
    connect(scene, &Scene::volumeChanged, this, [this] {
        m_scores->clear();
        fillExperts();
    });
    using Client = assistant::EngineClient;
    connect(client, &Client::infoChanged, this, [this] { fillExperts(); });
    connect(client, &Client::expertProgress, this, [this](quint64 job, double fraction, const QString& stage) {
        if (job == m_job) {
            m_progress->setValue(int(fraction * 100));
            m_progress->setToolTip(stage);
        }
    });
    // Scores also of runs that the assistant started.
    connect(client, &Client::expertFinished, this, [this](quint64 job, const assistant::ExpertOutcome& outcome) {
        if (!outcome.scores.isEmpty()) {
            m_scores->show(outcome);
        }
        if (job == m_job) {
            endRun({});
        }
    });
    connect(client, &Client::failed, this, [this](quint64 job, const QString& code, const QString& message) {
        if (job == m_job && code == "licence") {
            endRun(tr("The licence of the weights was not accepted."));
            if (acceptsLicence(m_last.name) && !m_job) {
                m_job = m_client->runExpert(m_last);
                beginRun();
            }
        } else if (job == m_job) {
            endRun(code == "cancelled" ? tr("Stopped.") : tr("The expert did not run: %1").arg(message));
        }
    });
    fillExperts();
    fillTable();
}

void LabelPanel::fillExperts()
{
    const QString before = m_experts->currentText();
    m_experts->clear();
    const QString modality = m_scene->isEmpty() ? QString() : text(m_scene->volume()->info().modality);
    if (m_client->info()) {
        for (const assistant::ExpertInfo& expert : m_client->info()->experts) {
            if (modality.isEmpty() || !expert.dicomModalities.contains(modality)) {
                continue;
            }
            if (expert.arguments.isEmpty()) {
                m_experts->addItem(expert.name, QStringList{expert.name, QString()});
            }
            for (const QString& argument : expert.arguments + (expert.task == "classification" ? QStringList() : expert.readerArguments)) {
                m_experts->addItem(expert.name + ": " + argument, QStringList{expert.name, argument});
            }
        }
    }
    m_experts->setCurrentIndex(std::max(0, m_experts->findText(before)));
    const bool any = m_experts->count() > 0;
    if (!any) {
        m_experts->addItem(m_scene->isEmpty() ? tr("Open a study first") : tr("No expert for this kind of image"));
    }
    m_experts->setEnabled(any);
    m_run->setEnabled(any || m_job != 0);
    showClickRow();
}

const assistant::ExpertInfo* LabelPanel::findExpert(const QString& name) const
{
    if (m_client->info()) {
        for (const assistant::ExpertInfo& expert : m_client->info()->experts) {
            if (expert.name == name) {
                return &expert;
            }
        }
    }
    return nullptr;
}

void LabelPanel::showClickRow()
{
    const assistant::ExpertInfo* expert = findExpert(m_experts->currentData().toStringList().value(0));
    m_clicks->setVisible(expert && expert->takesClicks);
}

bool LabelPanel::eventFilter(QObject* object, QEvent* event)
{
    if (object == m_run && (event->type() == QEvent::MouseButtonPress || event->type() == QEvent::KeyPress)) {
        m_isByMouse = event->type() == QEvent::MouseButtonPress;
    }
    return QWidget::eventFilter(object, event);
}

void LabelPanel::stop()
{
    if (m_job) {
        m_client->cancel(m_job);
    } else if (m_channels->isBusy()) {
        m_channels->cancel();
    }
}

void LabelPanel::focusExperts() { m_experts->setFocus(Qt::ShortcutFocusReason); }

void LabelPanel::run()
{
    if (m_job || m_channels->isBusy()) {
        stop();
        return;
    }
    const QStringList chosen = m_experts->currentData().toStringList();
    if (m_scene->isEmpty() || chosen.size() != 2) {
        return;
    }
    const assistant::ExpertInfo* expert = findExpert(chosen[0]);
    if (expert && expert->channels.size() > 1) {
        chooseChannels(*expert);
        return;
    }
    start(chosen[0], chosen[1], expert && expert->takesClicks ? m_clicks->clicks() : QList<assistant::ExpertClick>());
}

void LabelPanel::start(const QString& expert, const QString& argument, const QList<assistant::ExpertClick>& clicks)
{
    if (m_job || m_scene->isEmpty()) {
        return;
    }
    m_last = {m_scene->volume(), m_scene->view(m_scene->activePlane()), expert, argument, clicks, {}};
    m_job = m_client->runExpert(m_last);
    beginRun();
}

void LabelPanel::beginRun()
{
    m_message->hide();
    m_run->setText(tr("Stop"));
    m_progress->setValue(0);
    m_progress->show();
}

/// The reader confirms the series; they are read and registered, then the expert starts.
void LabelPanel::chooseChannels(const assistant::ExpertInfo& expert)
{
    const std::vector<dicom::Study> studies = m_studySource ? m_studySource() : std::vector<dicom::Study>();
    const auto study = std::find_if(studies.begin(), studies.end(), [&](const dicom::Study& one) { return one.uid == m_scene->series().studyUid; });
    if (study == studies.end()) {
        return;
    }
    ChannelDialog dialog(expert.name, expert.channels, *study, this);
    if (dialog.exec() != QDialog::Accepted || m_job || m_channels->isBusy()) {
        return;
    }
    const std::vector<dicom::Series> series = dialog.chosen();
    m_last = {nullptr, {}, expert.name, {}, {}, {}};
    Q_EMIT seriesWanted(QString::fromStdString(series.front().key));
    beginRun();
    m_channels->start(series);
}

void LabelPanel::startLoaded(const QList<std::shared_ptr<const Volume>>& volumes)
{
    const Volume& first = *volumes.front();
    m_last.volume = volumes.front();
    m_last.otherVolumes = volumes.mid(1);
    m_last.view.plane = first.geometry().acquisitionPlane();
    m_last.view.slice = first.geometry().size().along(first.geometry().axisAcross(m_last.view.plane)) / 2;
    m_last.view.window = first.defaultWindow();
    m_job = m_client->runExpert(m_last);
}

bool LabelPanel::acceptsLicence(const QString& name)
{
    const assistant::ExpertInfo* expert = findExpert(name);
    if (!expert) {
        return false;
    }
    QMessageBox box(QMessageBox::Question, tr("Licence of %1").arg(expert->name), tr("The weights of %1 have this licence:\n\n%2").arg(expert->name, expert->licence), QMessageBox::NoButton, this);
    QString more = tr("Intended use: %1").arg(expert->intendedUse);
    if (expert->isResearchOnly) {
        more += "\n\n" + tr("They are for research only; every result will say so.");
    }
    box.setInformativeText(more);
    const QPushButton* accepted = box.addButton(tr("Accept and run"), QMessageBox::AcceptRole);
    box.addButton(QMessageBox::Cancel);
    box.setObjectName("licenceBox");
    box.exec();
    if (box.clickedButton() != accepted) {
        return false;
    }
    m_client->acceptLicence(name);
    return true;
}

void LabelPanel::endRun(const QString& message)
{
    m_job = 0;
    m_run->setText(tr("Run"));
    m_progress->hide();
    m_message->setText(message);
    m_message->setVisible(!message.isEmpty());
}

void LabelPanel::fillTable()
{
    m_filling = true;
    m_table->setRowCount(0);
    const bool any = m_scene->hasMask();
    for (QWidget* widget : {static_cast<QWidget*>(m_opacity), static_cast<QWidget*>(m_outline), static_cast<QWidget*>(m_clear)}) {
        widget->setEnabled(any);
    }
    if (!any) {
        m_source->setText(tr("No mask yet. Ask the assistant, or run an expert."));
        m_filling = false;
        return;
    }
    m_table->horizontalHeaderItem(Mean)->setText(m_scene->volume()->info().unit == Unit::Hu ? tr("Mean HU") : tr("Mean"));
    const Provenance& p = m_scene->mask().provenance();
    m_source->setText(tr("AI result of %1 %2 (%3). Check it against the image.").arg(text(p.expert), text(p.version), text(p.arguments)) + (p.notice.empty() ? QString() : "\n" + text(p.notice)));
    const QLocale locale;
    for (const LabelFacts& facts : m_scene->facts()) {
        const Label* label = m_scene->mask().findLabel(facts.value);
        if (!label) {
            continue;
        }
        const int row = m_table->rowCount();
        m_table->insertRow(row);
        for (int column = 0; column < Columns; ++column) {
            auto* item = new QTableWidgetItem;
            item->setData(kValueRole, facts.value);
            m_table->setItem(row, column, item);
        }
        m_table->item(row, Visible)->setFlags(Qt::ItemIsEnabled | Qt::ItemIsUserCheckable);
        m_table->item(row, Name)->setText(text(label->name));
        m_table->item(row, VolumeMl)->setText(locale.toString(facts.volumeMl, 'f', 1));
        m_table->item(row, VolumeMl)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
        m_table->item(row, Mean)->setText(facts.voxels ? locale.toString(facts.meanValue, 'f', 0) : tr("none"));
        m_table->item(row, Mean)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
    }
    m_filling = false;
    updateCells();
}

void LabelPanel::updateCells()
{
    m_filling = true;
    for (int row = 0; row < m_table->rowCount(); ++row) {
        const auto value = LabelId(m_table->item(row, Visible)->data(kValueRole).toInt());
        m_table->item(row, Visible)->setCheckState(m_scene->isLabelVisible(value) ? Qt::Checked : Qt::Unchecked);
        if (const Label* label = m_scene->mask().findLabel(value)) {
            m_table->item(row, Color)->setBackground(QColor(label->color.r, label->color.g, label->color.b));
        }
    }
    m_filling = false;
}

void LabelPanel::itemChanged(QTableWidgetItem* item)
{
    if (!m_filling && item->column() == Visible) {
        m_scene->setLabelVisible(LabelId(item->data(kValueRole).toInt()), item->checkState() == Qt::Checked);
    }
}

void LabelPanel::cellActivated(int row, int column)
{
    const auto value = LabelId(m_table->item(row, column)->data(kValueRole).toInt());
    if (column == Color) {
        const Label* label = m_scene->mask().findLabel(value);
        const QColor chosen = QColorDialog::getColor(QColor(label->color.r, label->color.g, label->color.b), this, tr("Colour of %1").arg(text(label->name)));
        if (chosen.isValid()) {
            m_scene->setLabelColor(value, {std::uint8_t(chosen.red()), std::uint8_t(chosen.green()), std::uint8_t(chosen.blue())});
        }
    } else if (column != Visible) {
        m_scene->jumpToLabel(value);
    }
}

} // namespace hf
