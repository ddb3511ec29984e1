#include "viewer/widgets/StudyBrowser.h"

#include "viewer/dicom/ReadSeries.h"
#include "viewer/volume/Error.h"
#include "viewer/widgets/Theme.h"

#include <QApplication>
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

QString seriesTitle(const dicom::Series& series)
{
    const QString description = text(series.text.seriesDescription);
    QString title = series.modality.empty() ? description : text(series.modality) + "  " + description;
    if (!series.partName.empty()) {
        title += " (" + text(series.partName) + ")";
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
    const auto choose = [this](QTreeWidgetItem* item) {
        const std::string key = item->data(0, kKeyRole).toString().toStdString();
        for (const dicom::Study& study : m_studies) {
            for (const dicom::Series& series : study.series) {
                if (!key.empty() && series.key == key) {
                    const dicom::Series chosen = series;
                    Q_EMIT seriesChosen(chosen);
                    return;
                }
            }
        }
    };
    connect(this, &QTreeWidget::itemClicked, this, choose);
    connect(this, &QTreeWidget::itemActivated, this, choose);
}

StudyBrowser::~StudyBrowser() { m_stop.request_stop(); }

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
            top->setData(0, kStudyRole, text(study.uid));
            QStringList lines{text(study.patient.displayName()), (text(study.text.studyDate) + "  " + text(study.text.studyDescription)).trimmed()};
            lines.removeAll(QString());
            top->setText(0, lines.isEmpty() ? tr("Study") : lines.join('\n'));
            QFont bold = font();
            bold.setBold(true);
            top->setFont(0, bold);
            top->setExpanded(true);
            m_studies.push_back(study);
            m_studies.back().series.clear();
        }
        for (const dicom::Series& series : study.series) {
            bool known = false;
            for (int n = 0; n < top->childCount(); ++n) {
                known = known || top->child(n)->data(0, kKeyRole).toString() == text(series.key);
            }
            if (known) {
                continue;
            }
            auto* item = new QTreeWidgetItem(top);
            item->setData(0, kKeyRole, text(series.key));
            item->setText(0, seriesTitle(series) + "\n" + (series.images.size() == 1 ? tr("1 image") : tr("%n image(s)", nullptr, int(series.images.size()))) +
                    QStringLiteral("  %1 x %2").arg(series.columns).arg(series.rows));
            item->setSizeHint(0, {0, kThumbnail + 8});
            QPixmap empty(kThumbnail, kThumbnail);
            empty.fill(Qt::black);
            item->setIcon(0, QIcon(empty));
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
            QMetaObject::invokeMethod(qApp, [self, image, key = text(series.key)] {
                if (!self) {
                    return;
                }
                QPixmap pixmap(kThumbnail, kThumbnail);
                pixmap.fill(Qt::black);
                QPainter(&pixmap).drawImage((kThumbnail - image.width()) / 2, (kThumbnail - image.height()) / 2, image);
                for (int s = 0; s < self->topLevelItemCount(); ++s) {
                    for (int n = 0; n < self->topLevelItem(s)->childCount(); ++n) {
                        QTreeWidgetItem* item = self->topLevelItem(s)->child(n);
                        if (item->data(0, kKeyRole).toString() == key) {
                            item->setIcon(0, QIcon(pixmap));
                        }
                    }
                }
            });
        });
    }
}

void StudyBrowser::setCurrentSeries(const std::string& key)
{
    for (int s = 0; s < topLevelItemCount(); ++s) {
        for (int n = 0; n < topLevelItem(s)->childCount(); ++n) {
            if (topLevelItem(s)->child(n)->data(0, kKeyRole).toString() == text(key)) {
                setCurrentItem(topLevelItem(s)->child(n));
            }
        }
    }
}

} // namespace hf
