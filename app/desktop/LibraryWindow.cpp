#include "app/desktop/LibraryWindow.h"

#include "app/desktop/Library.h"
#include "viewer/volume/Error.h"
#include "viewer/widgets/Theme.h"

#include <QCheckBox>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMessageBox>
#include <QMimeData>
#include <QProgressBar>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

namespace hf::app {

namespace {

constexpr int kThumbnail = 96;

QString text(const std::string& s) { return QString::fromStdString(s); }

QStringList localFiles(const QMimeData* data)
{
    QStringList paths;
    for (const QUrl& url : data->urls()) {
        if (url.isLocalFile()) {
            paths << url.toLocalFile();
        }
    }
    return paths;
}

} // namespace

LibraryWindow::LibraryWindow(Library* library, QWidget* parent)
    : QDialog(parent), m_library(library), m_search(new QLineEdit(this)), m_list(new QTreeWidget(this)), m_series(new QListWidget(this)), m_hint(new QLabel(m_list->viewport())), m_state(new QLabel(this)),
      m_copy(new QCheckBox(tr("Copy the images when importing"), this)), m_progress(new QProgressBar(this)), m_open(new QPushButton(theme::icon("open"), tr("Open"), this)),
      m_remove(new QPushButton(theme::icon("clear"), tr("Remove ..."), this)), m_cancel(new QPushButton(tr("Cancel"), this)), m_importFolder(new QPushButton(tr("Import folder ..."), this)),
      m_importFiles(new QPushButton(tr("Import files ..."), this))
{
    setWindowTitle(tr("Studies on this computer"));
    setAcceptDrops(true);
    resize(980, 620);
    makeSearch();
    makeList();
    makeButtons();
    auto* buttons = new QHBoxLayout;
    for (QPushButton* button : {m_open, m_importFolder, m_importFiles}) {
        buttons->addWidget(button);
    }
    buttons->addWidget(m_copy);
    buttons->addStretch();
    buttons->addWidget(m_remove);
    auto* state = new QHBoxLayout;
    state->addWidget(m_state, 1);
    state->addWidget(m_progress);
    state->addWidget(m_cancel);
    auto* layout = new QVBoxLayout(this);
    layout->addWidget(m_search);
    layout->addWidget(m_list, 1);
    layout->addWidget(m_series);
    layout->addLayout(buttons);
    layout->addLayout(state);
    connectLibrary();
    fill();
    m_search->setFocus();
}

void LibraryWindow::makeSearch()
{
    m_search->setPlaceholderText(tr("Search name, ID, date, modality or description"));
    m_search->setAccessibleName(tr("Search the studies"));
    m_search->setObjectName("librarySearch");
    m_search->setClearButtonEnabled(true);
    m_search->installEventFilter(this);
    connect(m_search, &QLineEdit::textChanged, this, &LibraryWindow::fill);
}

void LibraryWindow::makeList()
{
    m_list->setObjectName("libraryList");
    m_list->setAccessibleName(tr("Studies"));
    m_list->setHeaderLabels({tr("Patient"), tr("ID"), tr("Born"), tr("Date"), tr("Modality"), tr("Description"), tr("Series"), tr("Images"), tr("Place")});
    m_list->setRootIsDecorated(false);
    m_list->setUniformRowHeights(true);
    m_list->setAlternatingRowColors(true);
    m_list->setSelectionMode(QAbstractItemView::ExtendedSelection);
    const int widths[] = {190, 110, 95, 95, 80, 200, 60, 65, 70};
    for (int column = 0; column < 9; ++column) {
        m_list->setColumnWidth(column, widths[column]);
    }
    m_list->header()->setStretchLastSection(false);
    m_list->header()->setSectionResizeMode(5, QHeaderView::Stretch);
    m_list->installEventFilter(this);
    connect(m_list, &QTreeWidget::itemActivated, this, &LibraryWindow::open);
    connect(m_list, &QTreeWidget::itemSelectionChanged, this, &LibraryWindow::showSeries);
    m_series->setObjectName("librarySeries");
    m_series->setAccessibleName(tr("Series of the chosen study"));
    m_series->setViewMode(QListView::IconMode);
    m_series->setIconSize({kThumbnail, kThumbnail});
    m_series->setGridSize({kThumbnail + 40, kThumbnail + 36});
    m_series->setFlow(QListView::LeftToRight);
    m_series->setWrapping(false);
    m_series->setMovement(QListView::Static);
    m_series->setSelectionMode(QAbstractItemView::NoSelection);
    m_series->setFocusPolicy(Qt::NoFocus);
    m_series->setFixedHeight(kThumbnail + 60);
    m_hint->setObjectName("libraryHint");
    m_hint->setAlignment(Qt::AlignCenter);
    m_hint->setWordWrap(true);
    auto* middle = new QVBoxLayout(m_list->viewport());
    middle->addWidget(m_hint);
}

void LibraryWindow::makeButtons()
{
    m_open->setDefault(true);
    m_remove->setObjectName("libraryRemove");
    m_open->setObjectName("libraryOpen");
    m_copy->setObjectName("libraryCopy");
    m_cancel->setObjectName("libraryCancel");
    m_progress->setObjectName("libraryProgress");
    m_state->setObjectName("libraryState");
    m_state->setWordWrap(true);
    m_copy->setToolTip(tr("Copies are kept in the program's own folder, for media that are taken out. Without copies the images are opened where they are."));
    m_progress->setFixedWidth(180);
    m_progress->setTextVisible(false);
    m_progress->hide();
    m_cancel->hide();
    connect(m_open, &QPushButton::clicked, this, &LibraryWindow::open);
    connect(m_remove, &QPushButton::clicked, this, &LibraryWindow::removeChosen);
    connect(m_importFolder, &QPushButton::clicked, this, &LibraryWindow::importFolder);
    connect(m_importFiles, &QPushButton::clicked, this, &LibraryWindow::importFiles);
    connect(m_cancel, &QPushButton::clicked, m_library, &Library::cancel);
    // Enter opens; other buttons are for the space bar and the mouse.
    for (QPushButton* button : {m_remove, m_cancel, m_importFolder, m_importFiles}) {
        button->setAutoDefault(false);
    }
}

void LibraryWindow::connectLibrary()
{
    const auto end = [this](const QString& told) {
        m_progress->hide();
        m_cancel->hide();
        m_state->setText(told);
    };
    connect(m_library, &Library::changed, this, &LibraryWindow::fill);
    const auto begin = [this](const QString& told, double fraction) {
        m_state->setText(told);
        m_progress->setValue(int(fraction * 100));
        m_progress->show();
        m_cancel->show();
    };
    connect(m_library, &Library::started, this, [begin] { begin(tr("Importing ..."), 0); });
    connect(m_library, &Library::progressed, this, [this](double fraction) { m_progress->setValue(int(fraction * 100)); });
    connect(m_library, &Library::finished, this, end);
    connect(m_library, &Library::failed, this, [end](const QString& code, const QString& message) {
        end(code == "cancelled" ? tr("Cancelled. What was taken in before stays.") : tr("The import did not work: %1.").arg(message));
    });
    m_state->setText(m_library->problem());
    if (m_library->isResuming()) {
        begin(tr("Going on with the import that was interrupted ..."), m_library->progress());
    }
}

void LibraryWindow::search(const QString& words) { m_search->setText(words); }

void LibraryWindow::fill()
{
    QSet<qint64> chosen;
    for (const QTreeWidgetItem* item : m_list->selectedItems()) {
        chosen.insert(item->data(0, Qt::UserRole).toLongLong());
    }
    const QSignalBlocker blocker(m_list);
    m_list->clear();
    QList<QTreeWidgetItem*> items;
    if (m_library->list()) {
        for (const database::StudyEntry& study : m_library->list()->search(m_search->text().toStdString())) {
            auto* item = new QTreeWidgetItem({text(study.patient.displayName()), text(study.patient.id), text(study.patient.birthDate), text(study.date), text(study.modalities),
                text(study.description), QString::number(study.series), QString::number(study.images), study.isCopied ? tr("copied") : tr("in place")});
            item->setData(0, Qt::UserRole, qint64(study.id));
            item->setData(8, Qt::UserRole, study.isCopied);
            items << item;
        }
    }
    m_list->addTopLevelItems(items);
    for (QTreeWidgetItem* item : items) {
        item->setSelected(chosen.contains(item->data(0, Qt::UserRole).toLongLong()));
    }
    if (m_list->selectedItems().isEmpty() && !items.isEmpty()) {
        m_list->setCurrentItem(items.front());
    }
    updateState();
    showSeries();
}

void LibraryWindow::updateState()
{
    const bool isEmpty = m_list->topLevelItemCount() == 0, isUsable = m_library->list() != nullptr;
    m_hint->setText(!isEmpty ? QString() : !isUsable ? m_library->problem() : !m_search->text().isEmpty() ? tr("No study matches. Fewer words find more.")
        : tr("No studies yet. What you open is listed here from then on.\nImport a folder, files, a DICOMDIR or a ZIP archive, or drop them here."));
    m_hint->setVisible(isEmpty);
    m_open->setEnabled(!isEmpty);
    m_remove->setEnabled(!isEmpty);
    for (QWidget* widget : {static_cast<QWidget*>(m_importFolder), static_cast<QWidget*>(m_importFiles), static_cast<QWidget*>(m_copy)}) {
        widget->setEnabled(isUsable);
    }
}

void LibraryWindow::showSeries()
{
    m_series->clear();
    const QList<QTreeWidgetItem*> chosen = m_list->selectedItems();
    if (chosen.size() != 1 || !m_library->list()) {
        return;
    }
    for (const database::SeriesEntry& series : m_library->list()->seriesOf(chosen.front()->data(0, Qt::UserRole).toLongLong())) {
        QPixmap picture(kThumbnail, kThumbnail);
        picture.fill(Qt::black);
        picture.loadFromData(series.thumbnail.data(), uint(series.thumbnail.size()), "PNG");
        const QString title = text(series.modality + " " + series.description).simplified();
        auto* item = new QListWidgetItem(QIcon(picture), title + "\n" + (series.images == 1 ? tr("1 image") : tr("%1 images").arg(series.images)), m_series);
        item->setToolTip(item->text());
    }
}

void LibraryWindow::open()
{
    const QList<QTreeWidgetItem*> chosen = m_list->selectedItems();
    if (chosen.isEmpty()) {
        return;
    }
    hide();
    for (const QTreeWidgetItem* item : chosen.mid(0, 1)) {
        Q_EMIT openAsked(item->data(0, Qt::UserRole).toLongLong());
    }
}

void LibraryWindow::importFolder()
{
    const QString folder = QFileDialog::getExistingDirectory(this, tr("Import folder"));
    m_library->import(folder.isEmpty() ? QStringList() : QStringList{folder}, m_copy->isChecked());
}

void LibraryWindow::importFiles() { m_library->import(QFileDialog::getOpenFileNames(this, tr("Import files")), m_copy->isChecked()); }

void LibraryWindow::removeChosen()
{
    const QList<QTreeWidgetItem*> chosen = m_list->selectedItems();
    if (chosen.isEmpty()) {
        return;
    }
    int copied = 0;
    QList<qint64> ids;
    for (const QTreeWidgetItem* item : chosen) {
        ids << item->data(0, Qt::UserRole).toLongLong();
        copied += item->data(8, Qt::UserRole).toBool();
    }
    auto* box = new QMessageBox(QMessageBox::Question, tr("Hounsfield"), chosen.size() == 1 ? tr("Remove this study from the list?") : tr("Remove %1 studies from the list?").arg(chosen.size()),
        QMessageBox::NoButton, this);
    box->setObjectName("removeQuestion");
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setInformativeText(copied > 0 ? tr("The copied images are deleted; this cannot be undone. Images that were opened in place stay where they are.") : tr("The images stay where they are; opening them lists them again."));
    box->addButton(tr("Remove"), QMessageBox::AcceptRole);
    box->setDefaultButton(box->addButton(QMessageBox::Cancel));
    connect(box, &QMessageBox::accepted, this, [this, ids] {
        for (const qint64 id : ids) {
            m_library->remove(id);
        }
    });
    box->open();
}

void LibraryWindow::dragEnterEvent(QDragEnterEvent* event)
{
    if (!localFiles(event->mimeData()).isEmpty()) {
        event->acceptProposedAction();
    }
}

void LibraryWindow::dropEvent(QDropEvent* event)
{
    m_library->import(localFiles(event->mimeData()), m_copy->isChecked());
    event->acceptProposedAction();
}

bool LibraryWindow::eventFilter(QObject* object, QEvent* event)
{
    if (event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent*>(event)->key();
        if (object == m_search && (key == Qt::Key_Down || key == Qt::Key_PageDown)) {
            m_list->setFocus();
            return true;
        }
        if (object == m_list && key == Qt::Key_Delete) {
            removeChosen();
            return true;
        }
    }
    return QDialog::eventFilter(object, event);
}

} // namespace hf::app
