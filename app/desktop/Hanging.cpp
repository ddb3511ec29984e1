#include "app/desktop/Hanging.h"

#include "app/desktop/MainWindow.h"
#include "app/desktop/SeriesPlacer.h"
#include "viewer/database/WholeFile.h"
#include "viewer/volume/Error.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/StudyBrowser.h"
#include "viewer/widgets/ViewGrid.h"

#include <QApplication>
#include <QDesktopServices>
#include <QDir>
#include <QFile>
#include <QInputDialog>
#include <QMenu>
#include <QStandardPaths>
#include <QUrl>

#include <algorithm>

namespace hf::app {

namespace {

QString shippedRules()
{
    const QString installed = QApplication::applicationDirPath() + "/../share/hounsfield/hanging/defaults.json";
    return QFile::exists(installed) ? installed : QStringLiteral(HF_HANGING_DIR "/defaults.json");
}

/// What tells a series from the others of its study, also of the next one that is made by the same protocol.
SeriesWanted likeSeries(const dicom::Series& series, bool ofPrior)
{
    SeriesWanted wanted;
    wanted.isAny = false;
    wanted.ofPrior = ofPrior;
    wanted.modalities = QStringList{QString::fromStdString(series.modality).toUpper()};
    wanted.modalities.removeAll(QString());
    wanted.kind = QString::fromStdString(dicom::toString(series.kind));
    wanted.plane = series.plane ? QString::fromStdString(toString(*series.plane)) : QString();
    const QString description = QString::fromStdString(series.text.seriesDescription);
    wanted.description = QRegularExpression(description.isEmpty() ? QString() : "^" + QRegularExpression::escape(description) + "$", QRegularExpression::CaseInsensitiveOption);
    return wanted;
}

} // namespace

Hanging::Hanging(MainWindow* window, const QString& userFolder) : QObject(window), m_window(window), m_userFolder(userFolder)
{
    if (m_userFolder.isEmpty()) {
        m_userFolder = QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + "/hanging";
    }
    reload();
}

void Hanging::reload()
{
    m_rules.clear();
    m_problems.clear();
    const QDir folder(m_userFolder);
    for (const QString& name : folder.entryList({"*.json"}, QDir::Files, QDir::Name)) {
        read(folder.filePath(name));
    }
    read(shippedRules());
}

void Hanging::read(const QString& path)
{
    const QString name = QFileInfo(path).fileName();
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly)) {
        m_problems << tr("%1: %2").arg(name, file.errorString());
        return;
    }
    try {
        std::vector<HangingRule> rules = hangingRulesFromJson(file.readAll());
        m_rules.insert(m_rules.end(), std::make_move_iterator(rules.begin()), std::make_move_iterator(rules.end()));
    } catch (const Error& error) {
        m_problems << QStringLiteral("%1, %2").arg(name, QString::fromUtf8(error.what()));
    }
}

HangingCase Hanging::presentCase() const { return hangingCase(m_window->browser()->studies(), m_window->scene()->series()); }

void Hanging::open(const dicom::Series& main)
{
    const HangingCase hanging = hangingCase(m_window->browser()->studies(), main);
    for (const HangingRule& rule : m_rules) {
        if (const auto chosen = rule.isAutomatic ? hang(rule, hanging) : std::nullopt) {
            m_window->placer()->arrange(rule, *chosen);
            return;
        }
    }
    HangingRule planes;
    planes.layout = GridLayout::planes();
    m_window->placer()->arrange(planes, {&main});
}

void Hanging::apply(const HangingRule& rule)
{
    if (const auto chosen = hang(rule, presentCase())) {
        m_window->placer()->arrange(rule, *chosen);
    }
}

void Hanging::fillMenu(QMenu& menu)
{
    menu.clear();
    const bool any = !m_window->scene()->isEmpty();
    for (std::size_t n = 0; n < m_rules.size(); ++n) {
        QAction* action = menu.addAction(m_rules[n].name(), this, [this, n] { apply(m_rules[n]); });
        action->setEnabled(any && hang(m_rules[n], presentCase()));
    }
}

void Hanging::saveLayout()
{
    bool isGiven = false;
    const QString name = QInputDialog::getText(m_window, tr("Save the layout"), tr("Name of the layout:"), QLineEdit::Normal, {}, &isGiven).trimmed();
    if (isGiven && !name.isEmpty()) {
        saveLayoutAs(name);
    }
}

QString Hanging::saveLayoutAs(const QString& name)
{
    HangingRule rule;
    rule.id = "saved " + name;
    rule.names["en"] = name;
    rule.isAutomatic = false;
    const ViewGrid* grid = m_window->grid();
    rule.layout = grid->gridLayout();
    const HangingCase hanging = presentCase();
    for (int cell = 0; cell < grid->count(); ++cell) {
        HangingView view;
        view.show = rule.layout.show(cell);
        const ShownSeries& shown = grid->view(cell)->shown();
        if (!shown.isEmpty() && (cell == 0 || !rule.layout.isLinked)) {
            view.series = likeSeries(shown.series, hanging.prior && shown.series.studyUid == hanging.prior->uid);
        }
        rule.views.push_back(view);
    }
    QString fileName = name;
    fileName.replace(QRegularExpression("[^\\w-]+", QRegularExpression::UseUnicodePropertiesOption), "_");
    QDir().mkpath(m_userFolder);
    const QString path = QDir(m_userFolder).filePath(fileName + ".json");
    if (const QString reason = replaceFile(path, toJson(rule)); !reason.isEmpty()) {
        m_window->showProblem("write", tr("The layout could not be saved: %1").arg(reason));
        return {};
    }
    reload();
    m_window->tell(tr("The layout \"%1\" was saved; it is in the menu Layout, Saved layouts and hanging rules.").arg(name));
    return path;
}

void Hanging::openFolder()
{
    QDir().mkpath(m_userFolder);
    QDesktopServices::openUrl(QUrl::fromLocalFile(m_userFolder));
}

} // namespace hf::app
