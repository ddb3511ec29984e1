#include "viewer/widgets/StudyBrowser.h"

#include "viewer/dicom/ReadSeries.h"
#include "viewer/volume/Error.h"
#include "viewer/widgets/NoteText.h"
#include "viewer/widgets/ProjectionSides.h"
#include "viewer/widgets/SeriesMime.h"
#include "viewer/widgets/Theme.h"

#include <QApplication>
#include <QContextMenuEvent>
#include <QHeaderView>
#include <QImage>
#include <QPainter>
#include <QPointer>
#include <QThreadPool>

namespace hf {

namespace {

constexpr int kThumbnail = 72;
constexpr int kKeyRole = Qt::UserRole, kStudyRole = Qt::UserRole + 1;

QString text(const std::string& s) { return QString::fromStdString(s); }

/// An icon that looks the same when its row is chosen: the picture is an image of a patient.
QIcon plainIcon(const QPixmap& pixmap)
{
    QIcon icon(pixmap);
    icon.addPixmap(pixmap, QIcon::Selected);
    return icon;
}

QString seriesTitle(const dicom::Series& series)
{
    const QString description = text(series.text.seriesDescription);
    QString title = series.modality.empty() ? description : text(series.modality) + "  " + description;
    const QString view = text(projectionName(series));
    if (!view.isEmpty() && view != text(series.partName) && !description.split(' ').contains(view)) {
        title = title.trimmed() + "  " + view;
    }
    if (!series.partName.empty()) {
        title += " (" + partText(text(series.partName)) + ")";
    }
    return title.trimmed().isEmpty() ? QCoreApplication::translate("hf::StudyBrowser", "Series") : title;
}

} // namespace

StudyBrowser::StudyBrowser(QWidget* parent) : QTreeWidget(parent)
{
    setHeaderHidden(true);
    setIconSize({kThumbnail, kThumbnail});
    setIndentation(10);
    setWordWrap(true);
    setUniformRowHeights(false);
    setAccessibleName(tr("Studies and series"));
    setDragDropMode(QAbstractItemView::DragOnly);
    const auto choose = [this](QTreeWidgetItem* item) { chooseSeries(item->data(0, kKeyRole).toString().toStdString()); };
    connect(this, &QTreeWidget::itemClicked, this, [this, choose](QTreeWidgetItem* item) {
        choose(item);
        if (item->parent()) {
            Q_EMIT seriesClicked();
        }
    });
    connect(this, &QTreeWidget::itemActivated, this, choose);
}

StudyBrowser::~StudyBrowser() { m_stop.request_stop(); }

void StudyBrowser::paintEvent(QPaintEvent* event)
{
    QTreeWidget::paintEvent(event);
    if (topLevelItemCount() == 0) {
        QPainter painter(viewport());
        painter.setPen(theme::panel().dim);
        painter.drawText(viewport()->rect().adjusted(16, 16, -16, -16), Qt::AlignHCenter | Qt::AlignTop | Qt::TextWordWrap, tr("No study yet. What you open is listed here."));
    }
}

void StudyBrowser::clearStudies()
{
    m_stop.request_stop();
    m_stop = {};
    m_studies.clear();
    clear();
}

void StudyBrowser::addStudies(const std::vector<dicom::Study>& studies)
{
    std::vector<dicom::Series> fresh;
    for (const dicom::Study& study : studies) {
        QTreeWidgetItem* top = nullptr;
        for (int n = 0; n < topLevelItemCount(); ++n) {
            if (topLevelItem(n)->data(0, kStudyRole).toString() == text(study.uid)) {
                top = topLevelItem(n);
            }
        }
        if (!top) {
            top = new QTreeWidgetItem(this);
            top->setFlags(top->flags() & ~Qt::ItemIsDragEnabled);
            top->setData(0, kStudyRole, text(study.uid));
            QStringList lines{text(study.patient.displayName()), (text(study.text.studyDate) + "  " + text(study.text.studyDescription)).trimmed()};
            lines.removeAll(QString());
            top->setText(0, lines.isEmpty() ? tr("Study") : lines.join('\n'));
            top->setToolTip(0, top->text(0));
            QFont bold = font();
            bold.setBold(true);
            top->setFont(0, bold);
            top->setExpanded(true);
            m_studies.push_back(study);
            m_studies.back().series.clear();
        }
        for (const dicom::Series& series : study.series) {
            if (itemOf(series.key)) {
                continue;
            }
            auto* item = new QTreeWidgetItem(top);
            item->setData(0, kKeyRole, text(series.key));
            item->setText(0, seriesTitle(series) + "\n" + (series.count() == 1 ? tr("1 image") : tr("%1 images").arg(series.count())) +
                    QStringLiteral("\n%1 × %2").arg(series.columns).arg(series.rows));
            item->setToolTip(0, item->text(0));
            item->setSizeHint(0, {0, kThumbnail + 8});
            QPixmap empty(kThumbnail, kThumbnail);
            empty.fill(Qt::black);
            item->setIcon(0, plainIcon(empty));
            for (dicom::Study& own : m_studies) {
                if (own.uid == study.uid) {
                    own.series.push_back(series);
                }
            }
            fresh.push_back(series);
        }
        top->setExpanded(true);
    }
    makeThumbnails(fresh);
}

void StudyBrowser::makeThumbnails(const std::vector<dicom::Series>& list)
{
    const QPointer<StudyBrowser> self(this);
    for (const dicom::Series& series : list) {
        QThreadPool::globalInstance()->start([self, series, stop = m_stop.get_token()] {
            if (stop.stop_requested()) {
                return;
            }
            QImage image;
            try {
                const Picture picture = dicom::thumbnail(series, kThumbnail, stop);
                image = QImage(picture.rgb.data(), picture.width, picture.height, 3 * picture.width, QImage::Format_RGB888).copy();
            } catch (const Error&) {
                return;     // opening the series says what is wrong
            }
            QMetaObject::invokeMethod(qApp, [self, image, key = series.key] {
                if (!self) {
                    return;
                }
                QPixmap pixmap(kThumbnail, kThumbnail);
                pixmap.fill(Qt::black);
                QPainter(&pixmap).drawImage((kThumbnail - image.width()) / 2, (kThumbnail - image.height()) / 2, image);
                if (QTreeWidgetItem* item = self->itemOf(key)) {
                    item->setIcon(0, plainIcon(pixmap));
                }
            });
        });
    }
}

QTreeWidgetItem* StudyBrowser::itemOf(const std::string& key) const
{
    for (int s = 0; s < topLevelItemCount(); ++s) {
        for (int n = 0; n < topLevelItem(s)->childCount(); ++n) {
            if (topLevelItem(s)->child(n)->data(0, kKeyRole).toString() == text(key)) {
                return topLevelItem(s)->child(n);
            }
        }
    }
    return nullptr;
}

void StudyBrowser::setCurrentSeries(const std::string& key)
{
    if (QTreeWidgetItem* item = itemOf(key)) {
        setCurrentItem(item);
    }
}

const dicom::Series* StudyBrowser::findSeries(const std::string& key) const
{
    for (const dicom::Study& study : m_studies) {
        for (const dicom::Series& series : study.series) {
            if (!key.empty() && series.key == key) {
                return &series;
            }
        }
    }
    return nullptr;
}

std::string StudyBrowser::currentSeries() const { return currentItem() ? currentItem()->data(0, kKeyRole).toString().toStdString() : std::string(); }

void StudyBrowser::chooseSeries(const std::string& key)
{
    if (const dicom::Series* series = findSeries(key)) {
        const dicom::Series chosen = *series;
        Q_EMIT seriesChosen(chosen);
    }
}

QMimeData* StudyBrowser::mimeData(const QList<QTreeWidgetItem*>& items) const
{
    const QString key = items.isEmpty() ? QString() : items.front()->data(0, kKeyRole).toString();
    return key.isEmpty() ? nullptr : seriesMime(key);
}

QStringList StudyBrowser::mimeTypes() const { return {kSeriesMime}; }

void StudyBrowser::contextMenuEvent(QContextMenuEvent* event)
{
    const bool byKey = event->reason() == QContextMenuEvent::Keyboard;
    const QTreeWidgetItem* item = byKey ? currentItem() : itemAt(event->pos());
    const QString key = item ? item->data(0, kKeyRole).toString() : QString();
    if (!key.isEmpty()) {
        Q_EMIT menuAsked(key, byKey ? viewport()->mapToGlobal(visualItemRect(item).center()) : event->globalPos());
    }
}

void StudyBrowser::chooseNextStudy(int step)
{
    const QTreeWidgetItem* item = currentItem();
    const int next = item ? indexOfTopLevelItem(item->parent() ? item->parent() : const_cast<QTreeWidgetItem*>(item)) + step : -1;
    if (next < 0 || next >= topLevelItemCount()) {
        return;
    }
    dicom::ScanResult one;
    const QTreeWidgetItem* top = topLevelItem(next);
    for (const dicom::Study& study : m_studies) {
        const bool isIt = std::any_of(study.series.begin(), study.series.end(), [&](const dicom::Series& series) { return top->childCount() > 0 && text(series.key) == top->child(0)->data(0, kKeyRole).toString(); });
        if (isIt) {
            one.studies.push_back(study);
        }
    }
    if (const dicom::Series* main = one.mainSeries()) {
        setCurrentSeries(main->key);
        Q_EMIT studyChosen(*main);
    }
}

void StudyBrowser::chooseNext(int step)
{
    QTreeWidgetItem* item = currentItem();
    do {
        item = !item ? nullptr : step > 0 ? itemBelow(item) : itemAbove(item);
    } while (item && !item->parent());
    if (item) {
        setCurrentItem(item);
        chooseSeries(item->data(0, kKeyRole).toString().toStdString());
    }
}

} // namespace hf
