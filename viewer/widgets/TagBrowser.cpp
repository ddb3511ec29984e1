#include "viewer/widgets/TagBrowser.h"

#include "viewer/volume/Error.h"
#include "viewer/widgets/ReasonText.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/Theme.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPointer>
#include <QThreadPool>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <cmath>

namespace hf {

namespace {

enum Column { Tag, Vr, Name, Value, Columns };

QString text(const std::string& s) { return QString::fromStdString(s); }

/// Shows rows that hold the words, with what they lie in and all that lies in them. @return how many hold them.
int showMatches(QTreeWidgetItem* item, const QString& words, bool parentMatches)
{
    bool own = words.isEmpty();
    for (int column = 0; column < Columns; ++column) {
        own = own || item->text(column).contains(words, Qt::CaseInsensitive);
    }
    int count = own && !item->text(Tag).isEmpty() ? 1 : 0;
    for (int n = 0; n < item->childCount(); ++n) {
        count += showMatches(item->child(n), words, parentMatches || own);
    }
    item->setHidden(!own && !parentMatches && count == 0);
    item->setExpanded(!words.isEmpty() && count > 0);
    return count;
}

} // namespace

TagBrowser::TagBrowser(Scene* scene, QWidget* parent) : QDialog(parent), m_scene(scene), m_title(new QLabel(this)), m_search(new QLineEdit(this)), m_list(new QTreeWidget(this)), m_count(new QLabel(this))
{
    setObjectName("tagBrowser");
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(tr("Tags of the image"));
    m_title->setWordWrap(true);
    m_title->setProperty("tone", "dim");
    m_search->setObjectName("tagSearch");
    m_search->setPlaceholderText(tr("Search for a number, a name or a value"));
    m_search->setAccessibleName(tr("Search"));
    m_search->setClearButtonEnabled(true);
    m_list->setObjectName("tagList");
    m_list->setAccessibleName(tr("Attributes"));
    m_list->setHeaderLabels({tr("Tag"), tr("VR"), tr("Name"), tr("Value")});
    m_list->setUniformRowHeights(true);
    m_list->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_list->header()->resizeSection(Tag, 130);
    m_list->header()->resizeSection(Vr, 44);
    m_list->header()->resizeSection(Name, 250);
    auto* copy = new QAction(tr("Copy the chosen"), this);
    copy->setShortcut(QKeySequence::Copy);
    copy->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    m_list->addAction(copy);
    m_list->setContextMenuPolicy(Qt::ActionsContextMenu);
    auto* layout = new QVBoxLayout(this);
    for (QWidget* widget : {static_cast<QWidget*>(m_title), static_cast<QWidget*>(m_search), static_cast<QWidget*>(m_list), static_cast<QWidget*>(m_count)}) {
        layout->addWidget(widget);
    }
    resize(820, 640);
    connect(m_search, &QLineEdit::textChanged, this, [this] { filter(); });
    connect(copy, &QAction::triggered, this, [this] { copyChosen(); });
    connect(scene, &Scene::cursorChanged, this, [this] { follow(); });
    connect(scene, &Scene::volumeChanged, this, [this] { follow(); });
    read();
}

std::filesystem::path TagBrowser::file() const
{
    const dicom::Series& series = m_scene->series();
    if (m_scene->isEmpty() || series.format != dicom::SeriesFormat::Dicom || series.images.empty()) {
        return {};
    }
    const Geometry& geometry = m_scene->volume()->geometry();
    const Vec3 normal = geometry.direction(2);
    // The image nearest to the cursor: a volume that was resampled has other slices than its files.
    const dicom::Image* best = nullptr;
    double nearest = 1e300;
    for (const dicom::Image& image : series.images) {
        const double away = image.position ? std::abs(dot(m_scene->cursor() - *image.position, normal)) : nearest;
        if (away < nearest) {
            nearest = away;
            best = &image;
        }
    }
    const int slice = m_scene->view(geometry.acquisitionPlane()).slice;
    return best ? best->path : series.images[std::min(std::size_t(slice), series.images.size() - 1)].path;
}

void TagBrowser::follow()
{
    if (file() != m_shown) {
        read();
    }
}

void TagBrowser::read()
{
    m_shown = file();
    if (m_shown.empty()) {
        m_title->setText(tr("This image has no DICOM file."));
        fill({});
        return;
    }
    m_title->setText(text(m_shown.string()));
    const QPointer<TagBrowser> self(this);
    // The series keeps the files of an unpacked archive.
    QThreadPool::globalInstance()->start([self, path = m_shown, series = m_scene->series()] {
        std::vector<dicom::TagRow> rows;
        QString problem;
        try {
            rows = dicom::readTags(path);
        } catch (const Error& error) {
            problem = reasonText(QString::fromUtf8(error.what()));
        }
        QMetaObject::invokeMethod(qApp, [self, path, rows, problem] {
            if (self && self->m_shown == path) {
                if (!problem.isEmpty()) {
                    self->m_title->setText(tr("The file cannot be read: %1").arg(problem));
                }
                self->fill(rows);
            }
        });
    });
}

void TagBrowser::fill(const std::vector<dicom::TagRow>& rows)
{
    m_list->clear();
    QList<QTreeWidgetItem*> open;
    QList<QTreeWidgetItem*> top;
    m_total = 0;
    for (const dicom::TagRow& row : rows) {
        open.resize(std::min<qsizetype>(open.size(), row.depth));
        auto* item = new QTreeWidgetItem({text(row.tag), text(row.vr), text(row.name), text(row.value)});
        item->setToolTip(Value, text(row.value));
        open.isEmpty() ? top.append(item) : open.back()->addChild(item);
        open.append(item);
        m_total += row.tag.empty() ? 0 : 1;
    }
    m_list->addTopLevelItems(top);
    filter();
}

void TagBrowser::filter()
{
    int count = 0;
    for (int n = 0; n < m_list->topLevelItemCount(); ++n) {
        count += showMatches(m_list->topLevelItem(n), m_search->text().trimmed(), false);
    }
    m_count->setText(tr("%1 of %2 attributes").arg(count).arg(m_total));
}

void TagBrowser::copyChosen()
{
    QStringList lines;
    for (const QTreeWidgetItem* item : m_list->selectedItems()) {
        lines << QStringList{item->text(Tag), item->text(Vr), item->text(Name), item->text(Value)}.join('\t');
    }
    QApplication::clipboard()->setText(lines.join('\n'));
}

} // namespace hf
