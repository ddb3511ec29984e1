#include "app/desktop/MainWindow.h"

#include "app/desktop/Hanging.h"
#include "app/desktop/ElidedLabel.h"
#include "app/desktop/PanelScroll.h"
#include "app/desktop/SeriesPlacer.h"
#include "app/desktop/Library.h"
#include "app/desktop/LibraryJob.h"
#include "app/desktop/LibraryWindow.h"
#include "app/desktop/StartPage.h"
#include "app/desktop/WindowActions.h"
#include "assistant/client/EngineClient.h"
#include "assistant/panel/ChatPanel.h"
#include "experts/panel/LabelPanel.h"
#include "viewer/database/WholeFile.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/widgets/Cine.h"
#include "viewer/widgets/Findings.h"
#include "viewer/widgets/FindingsPanel.h"
#include "viewer/widgets/NoteText.h"
#include "viewer/widgets/ReasonText.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/StudyBrowser.h"
#include "viewer/widgets/Theme.h"
#include "viewer/widgets/ViewGrid.h"

#include <QApplication>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QMessageBox>
#include <QMimeData>
#include <QProgressBar>
#include <QScreen>
#include <QStackedWidget>
#include <QStatusBar>
#include <QToolButton>

namespace hf::app {

QString sampleFolder()
{
    const QString folder = QApplication::applicationDirPath() + "/../share/hounsfield/sample/dicom";
    return QFileInfo(folder).isDir() ? QFileInfo(folder).canonicalFilePath() : QString();
}

MainWindow::MainWindow(const Options& options, QWidget* parent)
    : QMainWindow(parent), m_scene(new Scene(this)), m_findings(new Findings(m_scene, options.findingsFolder, this)), m_cine(new Cine(m_scene, this)),
      m_engine(new assistant::EngineClient(options.engine, this)), m_loader(new Loader(this)),
      m_library(new Library(QString::fromStdString(libraryFolder(options.libraryFolder).string()), this)), m_pages(new QStackedWidget(this)),
      m_start(new StartPage(m_pages)), m_grid(new ViewGrid(m_scene, m_findings, m_pages)), m_browser(new StudyBrowser(this)),
      m_placer(new SeriesPlacer({m_scene, m_findings, m_loader, m_browser, m_grid}, this)), m_hanging(new Hanging(this, options.hangingFolder))
{
    setWindowTitle(tr("Hounsfield"));
    setWindowIcon(theme::icon("hounsfield"));
    setAcceptDrops(true);
    makePages();
    m_chat = new ChatPanel(m_scene, m_engine, this);
    m_labels = new LabelPanel(m_scene, m_engine, this);
    makeDocks();
    makeStatusBar();
    m_actions = new WindowActions(this);
    connectLoader();
    connect(m_browser, &StudyBrowser::seriesChosen, m_placer, &SeriesPlacer::show);
    // The keys are for the series that was clicked, not for the list; who works the list by keys stays there.
    connect(m_browser, &StudyBrowser::seriesClicked, this, &MainWindow::focusImages);
    connect(m_labels, &LabelPanel::imagesWanted, this, &MainWindow::focusImages);
    connect(m_grid, &ViewGrid::seriesDropped, this, &MainWindow::focusImages);
    // A series that comes into another view takes the keyboard along.
    connect(m_grid, &ViewGrid::activeChanged, this, [this] {
        if (qobject_cast<SliceView*>(focusWidget()) && focusWidget() != m_grid->activeView()) {
            focusImages();
        }
    });
    connect(m_browser, &StudyBrowser::studyChosen, this, [this](const dicom::Series& main) {
        // A prior of the same patient is what the present layout is for; another patient gets one of his own.
        const bool isSamePatient = !m_scene->isEmpty() && m_scene->series().patient.id == main.patient.id && m_scene->series().patient.name == main.patient.name;
        isSamePatient ? m_placer->show(main) : m_hanging->open(main);
    });
    connect(m_browser, &StudyBrowser::menuAsked, m_actions, &WindowActions::showSeriesMenu);
    connect(m_chat, &ChatPanel::licenceNeeded, this, [this](const QString& expert) {
        if (m_labels->acceptsLicence(expert)) {
            m_chat->askAgain();
        }
    });
    m_labels->setStudySource([this] { return m_browser->studies(); });
    connect(m_labels, &LabelPanel::seriesWanted, m_browser, [this](const QString& key) { m_browser->chooseSeries(key.toStdString()); });
    connect(m_findings, &Findings::seriesWanted, m_browser, [this](const QString& key) { m_browser->chooseSeries(key.toStdString()); });
    connect(m_findings, &Findings::problem, this, [this](const QString& text) { showProblem("findings", text); });
    connect(m_grid, &ViewGrid::contextMenuAsked, m_actions, &WindowActions::showViewMenu);
    connect(m_scene, &Scene::volumeChanged, this, [this] { updateState(); });
    connect(m_scene, &Scene::subtractionFailed, this, [this](const QString& reason) { showProblem("subtraction", reasonText(reason)); });
    m_grid->volumeView()->prepare();
    // Never larger than the screen; the images get what is left beside the panels.
    const QSize room = screen()->availableGeometry().size() - QSize(8, 40);
    resize(QSize(1500, 940).boundedTo(room));
    const bool isNarrow = width() < 1400;
    resizeDocks({findChild<QDockWidget*>("studiesDock"), findChild<QDockWidget*>("assistantDock")}, {isNarrow ? 220 : 270, isNarrow ? 320 : 390}, Qt::Horizontal);
    updateState();
}

MainWindow::~MainWindow()
{
    m_loader->cancel();
}

void MainWindow::makePages()
{
    m_pages->addWidget(m_start);
    m_pages->addWidget(m_grid);
    setCentralWidget(m_pages);
    connect(m_start, &StartPage::folderAsked, this, &MainWindow::chooseFolder);
    connect(m_start, &StartPage::filesAsked, this, &MainWindow::chooseFiles);
    connect(m_start, &StartPage::sampleAsked, this, &MainWindow::openSample);
    connect(m_start, &StartPage::libraryAsked, this, &MainWindow::showLibrary);
    connect(m_start, &StartPage::cancelAsked, m_loader, &Loader::cancel);
}

void MainWindow::makeDocks()
{
    const auto dock = [&](const QString& title, const char* name, QWidget* content, Qt::DockWidgetArea area) {
        auto* widget = new QDockWidget(title, this);
        widget->setObjectName(name);
        // Lists scroll by themselves.
        widget->setWidget(qobject_cast<QAbstractScrollArea*>(content) ? content : new PanelScroll(content, widget));
        addDockWidget(area, widget);
        return widget;
    };
    QDockWidget* studies = dock(tr("Studies"), "studiesDock", m_browser, Qt::LeftDockWidgetArea);
    QDockWidget* chat = dock(tr("Assistant"), "assistantDock", m_chat, Qt::RightDockWidgetArea);
    QDockWidget* labels = dock(tr("Labels and experts"), "labelsDock", m_labels, Qt::RightDockWidgetArea);
    QDockWidget* findings = dock(tr("Measurements"), "findingsDock", new FindingsPanel(m_scene, m_findings, this), Qt::LeftDockWidgetArea);
    resizeDocks({studies, findings}, {600, 280}, Qt::Vertical);
    resizeDocks({chat, labels}, {560, 320}, Qt::Vertical);
}

void MainWindow::makeStatusBar()
{
    m_state = new ElidedLabel(this);
    m_state->setObjectName("state");
    m_progress = new QProgressBar(this);
    m_progress->setRange(0, 100);
    m_progress->setTextVisible(false);
    m_progress->setFixedWidth(180);
    m_cancel = new QToolButton(this);
    m_cancel->setText(tr("Cancel"));
    m_cancel->setObjectName("cancelLoading");
    connect(m_cancel, &QToolButton::clicked, m_loader, &Loader::cancel);
    statusBar()->addWidget(m_state, 1);
    statusBar()->addPermanentWidget(m_progress);
    statusBar()->addPermanentWidget(m_cancel);
    m_progress->hide();
    m_cancel->hide();
    m_start->setWork({});
}

void MainWindow::connectLoader()
{
    connect(m_loader, &Loader::started, this, [this](const QString& what) {
        m_state->setText(what + " ...");
        m_start->setWork(what + " ...");
        m_progress->setValue(0);
        m_progress->show();
        m_cancel->show();
    });
    connect(m_loader, &Loader::progressed, m_progress, [this](double fraction) {
        m_progress->setValue(int(fraction * 100));
        m_start->setProgress(int(fraction * 100));
    });
    connect(m_loader, &Loader::previewed, m_start, &StartPage::setPreview);
    connect(m_loader, &Loader::scanned, this, [this](const dicom::ScanResult& result) {
        endProgress();
        m_refused = refusedFiles(result.rejected);
        m_browser->addStudies(result.studies);
        m_library->record(result.studies);
        const dicom::Series* main = result.mainSeries();
        if (!main) {
            showProblem("empty", m_refused.isEmpty() ? QString() : m_refused.front().reason);
            m_actions->updateState();
            m_placer->resume();
            return;
        }
        m_hanging->open(*main);
    });
    connect(m_loader, &Loader::loaded, this, [this](const std::shared_ptr<const Volume>& volume, const dicom::Series& series, const std::vector<UltrasoundRegion>& regions) {
        endProgress();
        m_placer->loaded(volume, series, regions);
        m_engine->start();
        if (!m_question.isEmpty()) {
            m_chat->setQuestion(m_question);
            m_question.clear();
        }
    });
    connect(m_loader, &Loader::failed, this, [this](const QString& code, const QString& message) {
        endProgress();
        showProblem(code, reasonText(message));
        m_placer->failed(code);
    });
}

void MainWindow::endProgress()
{
    m_progress->hide();
    m_cancel->hide();
    m_start->setWork({});
}

void MainWindow::closeAll()
{
    m_loader->cancel();
    m_browser->clearStudies();
    m_placer->clear();
    m_refused.clear();
    m_scene->clear();
    m_actions->updateState();
}

void MainWindow::reloadHanging()
{
    m_hanging->reload();
    if (!m_hanging->problems().isEmpty()) {
        showProblem("hanging", m_hanging->problems().join('\n'));
    }
    updateState();
}

void MainWindow::tell(const QString& message)
{
    constexpr int kShownMs = 10000;
    statusBar()->showMessage(message, kShownMs);
}

void MainWindow::showProblem(const QString& code, const QString& message)
{
    if (code == "cancelled") {
        m_state->setText(tr("Cancelled."));
        return;
    }
    // What failed is said first. Of what could not be kept the sentence says it itself.
    const bool isSentence = code == "findings" || code == "write";
    const QString what = isSentence ? message
        : code == "empty"                ? tr("Nothing that can be shown was found.")
        : code == "moved"                ? tr("The images of this study are no longer where they were.")
        : code == "moved-partly"         ? tr("Some images of this study are no longer where they were.")
        : code == "not-found"            ? tr("The file or folder was not found.")
        : code == "hanging"              ? tr("These files of hanging rules were refused.")
        : code == "unsupported"          ? tr("This kind of image is not supported.")
        : code == "subtraction"          ? tr("The images could not be subtracted.")
        : code == "broken"               ? tr("The file is damaged.")
        : code == "too-large" || code == "memory" ? tr("There is not enough memory for this series.")
                                         : tr("This could not be opened.");
    m_state->setText(isSentence ? what : what + " " + message);
    auto* box = new QMessageBox(QMessageBox::Warning, tr("Hounsfield"), what, QMessageBox::Ok, this);
    box->setInformativeText(isSentence ? QString() : message);
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->open();
}

void MainWindow::showRefused() { (new RefusedFilesDialog(m_refused, this))->open(); }

void MainWindow::openPaths(const QStringList& paths)
{
    if (!paths.isEmpty()) {
        m_loader->scan(paths);
    }
}

void MainWindow::openSample()
{
    if (sampleFolder().isEmpty()) {
        showProblem("not-found", tr("The sample study is not installed."));
        return;
    }
    m_question = "Segment the lungs";
    openPaths({sampleFolder()});
}

void MainWindow::showLibrary()
{
    if (!m_libraryWindow) {
        m_libraryWindow = new LibraryWindow(m_library, this);
        connect(m_libraryWindow, &LibraryWindow::openAsked, this, &MainWindow::openListed);
    }
    m_libraryWindow->show();
    m_libraryWindow->raise();
    m_libraryWindow->activateWindow();
}

void MainWindow::openListed(qint64 study)
{
    const database::StudyFiles files = database::findFiles(*m_library->list(), study);
    if (files.present.empty()) {
        showProblem("moved", tr("They were at %1. Insert the medium, or open the folder where they are now; the list follows.").arg(QString::fromStdString(files.firstMissing.parent_path().string())));
        return;
    }
    if (files.missing > 0) {
        const QString first = QString::fromStdString(files.firstMissing.string());
        showProblem("moved-partly", files.missing == 1 ? tr("One file is no longer there: %1. The others are opened.").arg(first) : tr("%1 files are no longer there, the first is %2. The others are opened.").arg(files.missing).arg(first));
    }
    QStringList paths;
    for (const std::filesystem::path& path : files.present) {
        paths << QString::fromStdString(path.string());
    }
    openPaths(paths);
}

void MainWindow::setQuestion(const QString& question) { m_question = question; }

void MainWindow::chooseFolder()
{
    const QString folder = QFileDialog::getExistingDirectory(this, tr("Open folder"));
    openPaths(folder.isEmpty() ? QStringList() : QStringList{folder});
}

void MainWindow::chooseFiles() { openPaths(QFileDialog::getOpenFileNames(this, tr("Open files"))); }

void MainWindow::savePicture()
{
    if (m_scene->isEmpty()) {
        return;
    }
    const QString path = QFileDialog::getSaveFileName(this, tr("Save the view as a picture"), "view.png", tr("PNG pictures (*.png)"));
    if (!path.isEmpty() && !replacePng(path, m_grid->picture()).isEmpty()) {
        showProblem("write", tr("The picture could not be written to %1.").arg(path));
    }
}

void MainWindow::updateState()
{
    const bool any = !m_scene->isEmpty();
    if (any != (m_pages->currentIndex() == 1)) {
        m_pages->setCurrentIndex(any ? 1 : 0);
        // The keys of the images work at once; a question that is being typed is left alone.
        if (any && !m_chat->isAncestorOf(focusWidget())) {
            m_grid->activeView()->setFocus();
        }
    }
    m_actions->updateState();
    if (!any) {
        m_state->setText(tr("Ready"));
        setWindowTitle(tr("Hounsfield"));
        return;
    }
    const dicom::Series& series = m_scene->series();
    setWindowTitle(tr("%1 - Hounsfield").arg(QString::fromStdString(series.patient.displayName().empty() ? series.text.seriesDescription : series.patient.displayName())));
    QStringList notes, reasons;
    if (!m_refused.isEmpty()) {
        notes << (m_refused.size() == 1 ? tr("1 file could not be used.") : tr("%1 files could not be used.").arg(m_refused.size()));
    }
    constexpr qsizetype kMostReasons = 30;      // the dialog lists all
    for (const RefusedFile& file : m_refused.mid(0, kMostReasons)) {
        reasons << QFileInfo(file.path).fileName() + ": " + file.reason;
    }
    if (!m_hanging->problems().isEmpty()) {
        notes << tr("Hanging rules refused: %1").arg(m_hanging->problems().join("; "));
    }
    for (const Note& note : m_scene->volume()->info().notes) {
        notes << noteText(note);
    }
    m_state->setText(notes.isEmpty() ? tr("Ready") : notes.join("  "));
    m_state->setToolTip((notes + reasons).join('\n'));
}

void MainWindow::focusImages()
{
    QWidget* view = m_grid->activeView();
    if (!view->isVisible()) {
        view = m_grid->volumeView();
    }
    if (view->isVisible()) {
        view->setFocus();
    }
}

void MainWindow::showPanelOf(const QWidget* content)
{
    for (QWidget* widget = content->parentWidget(); widget; widget = widget->parentWidget()) {
        if (auto* dock = qobject_cast<QDockWidget*>(widget)) {
            dock->show();
            dock->raise();
        }
    }
}

void MainWindow::changeEvent(QEvent* event)
{
    QMainWindow::changeEvent(event);
    if (event->type() == QEvent::WindowStateChange && m_actions) {
        m_actions->updateState();
    }
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event)
{
    if (event->mimeData()->hasUrls()) {
        event->acceptProposedAction();
    }
}

void MainWindow::dropEvent(QDropEvent* event)
{
    QStringList paths;
    for (const QUrl& url : event->mimeData()->urls()) {
        if (url.isLocalFile()) {
            paths << url.toLocalFile();
        }
    }
    openPaths(paths);
    event->acceptProposedAction();
}

void MainWindow::keyPressEvent(QKeyEvent* event)
{
    if (m_scene->isEmpty()) {
        QMainWindow::keyPressEvent(event);
        return;
    }
    const Plane plane = m_scene->activePlane();
    const int slice = m_scene->slice(plane), last = m_scene->sliceCount(plane) - 1;
    // Up is towards the head in a stack, and to the image before of those that are paged through.
    const bool isStack = m_scene->active().isVolume();
    const int step = (event->modifiers() & Qt::ShiftModifier ? 10 : 1) * (isStack ? 1 : -1);
    switch (event->key()) {
    case Qt::Key_Up: m_scene->setSlice(plane, slice + step); break;
    case Qt::Key_Down: m_scene->setSlice(plane, slice - step); break;
    case Qt::Key_Right: m_browser->chooseNext(1); break;
    case Qt::Key_Left: m_browser->chooseNext(-1); break;
    case Qt::Key_PageDown: m_browser->chooseNextStudy(1); break;
    case Qt::Key_PageUp: m_browser->chooseNextStudy(-1); break;
    case Qt::Key_Home: m_scene->setSlice(plane, isStack ? last : 0); break;
    case Qt::Key_End: m_scene->setSlice(plane, isStack ? 0 : last); break;
    default: QMainWindow::keyPressEvent(event); break;
    }
}

} // namespace hf::app
