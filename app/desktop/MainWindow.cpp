#include "app/desktop/MainWindow.h"

#include "assistant/client/EngineClient.h"
#include "assistant/panel/ChatPanel.h"
#include "experts/panel/LabelPanel.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/StudyBrowser.h"
#include "viewer/widgets/Theme.h"
#include "viewer/widgets/ViewGrid.h"

#include <QActionGroup>
#include <QApplication>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QMenuBar>
#include <QMessageBox>
#include <QMimeData>
#include <QProgressBar>
#include <QPushButton>
#include <QStackedWidget>
#include <QStatusBar>
#include <QToolBar>
#include <QToolButton>
#include <QVBoxLayout>

namespace hf::app {

namespace {

/// Names of ctPresets(), so that they are collected for translation.
[[maybe_unused]] const char* const kPresetNames[] = {QT_TRANSLATE_NOOP("WindowPreset", "Soft tissue"), QT_TRANSLATE_NOOP("WindowPreset", "Lung"), QT_TRANSLATE_NOOP("WindowPreset", "Bone"),
    QT_TRANSLATE_NOOP("WindowPreset", "Brain"), QT_TRANSLATE_NOOP("WindowPreset", "Subdural"), QT_TRANSLATE_NOOP("WindowPreset", "Liver"), QT_TRANSLATE_NOOP("WindowPreset", "Angiography"),
    QT_TRANSLATE_NOOP("WindowPreset", "Stroke"), QT_TRANSLATE_NOOP("WindowPreset", "Mediastinum"), QT_TRANSLATE_NOOP("WindowPreset", "Spine"), QT_TRANSLATE_NOOP("WindowPreset", "Temporal bone")};

} // namespace

QString sampleFolder()
{
    const QString folder = QApplication::applicationDirPath() + "/../share/hounsfield/sample/dicom";
    return QFileInfo(folder).isDir() ? QFileInfo(folder).canonicalFilePath() : QString();
}

MainWindow::MainWindow(const QString& modelFolder, const QString& engineProgram, QWidget* parent)
    : QMainWindow(parent), m_scene(new Scene(this)), m_engine(new assistant::EngineClient({engineProgram, modelFolder}, this)), m_loader(new Loader(this)), m_pages(new QStackedWidget(this)),
      m_grid(new ViewGrid(m_scene, m_pages)), m_browser(new StudyBrowser(this))
{
    setWindowTitle(tr("Hounsfield"));
    setWindowIcon(theme::icon("hounsfield"));
    setAcceptDrops(true);
    m_pages->addWidget(makeEmptyState());
    m_pages->addWidget(m_grid);
    setCentralWidget(m_pages);
    m_chat = new ChatPanel(m_scene, m_engine, this);
    m_labels = new LabelPanel(m_scene, m_engine, this);
    makeDocks();
    makeStatusBar();
    makeActions();
    connectLoader();
    connect(m_browser, &StudyBrowser::seriesChosen, this, [this](const dicom::Series& series) {
        if (m_scene->isEmpty() || m_scene->series().key != series.key) {
            m_loader->read(series);
        }
    });
    connect(m_grid, &ViewGrid::contextMenuAsked, this, [this](QPoint at) { showPresetMenu(at); });
    connect(m_scene, &Scene::volumeChanged, this, [this] { updateState(); });
    connect(m_scene, &Scene::maskStyleChanged, this, [this] { m_showMask->setChecked(m_scene->isMaskShown()); });
    resize(1500, 940);
    updateState();
}

MainWindow::~MainWindow()
{
    m_loader->cancel();
}

QWidget* MainWindow::makeEmptyState()
{
    auto* page = new QWidget(m_pages);
    auto* layout = new QVBoxLayout(page);
    layout->addStretch();
    auto* mark = new QLabel(page);
    mark->setPixmap(theme::icon("hounsfield").pixmap(96, 96));
    mark->setAlignment(Qt::AlignCenter);
    auto* title = new QLabel(tr("Open a study"), page);
    title->setAlignment(Qt::AlignCenter);
    title->setStyleSheet("font-size: 22px; font-weight: 600;");
    auto* hint = new QLabel(tr("Drop a folder, DICOM files, a DICOMDIR or a ZIP archive here.\nNothing leaves this computer."), page);
    hint->setAlignment(Qt::AlignCenter);
    hint->setStyleSheet(QStringLiteral("color: %1").arg(theme::kDim.name()));
    auto* row = new QHBoxLayout;
    auto* folder = new QPushButton(theme::icon("open"), tr("Open folder ..."), page);
    folder->setObjectName("primary");
    auto* sample = new QPushButton(theme::icon("sample"), tr("Open the sample study"), page);
    sample->setObjectName("openSample");
    connect(folder, &QPushButton::clicked, this, [this] { chooseFolder(); });
    connect(sample, &QPushButton::clicked, this, [this] { openSample(); });
    row->addStretch();
    row->addWidget(folder);
    row->addWidget(sample);
    row->addStretch();
    layout->addWidget(mark);
    layout->addWidget(title);
    layout->addWidget(hint);
    layout->addSpacing(12);
    layout->addLayout(row);
    layout->addStretch();
    return page;
}

void MainWindow::makeDocks()
{
    const auto dock = [&](const QString& title, const char* name, QWidget* content, Qt::DockWidgetArea area) {
        auto* widget = new QDockWidget(title, this);
        widget->setObjectName(name);
        widget->setWidget(content);
        addDockWidget(area, widget);
        return widget;
    };
    QDockWidget* studies = dock(tr("Studies"), "studiesDock", m_browser, Qt::LeftDockWidgetArea);
    QDockWidget* chat = dock(tr("Assistant"), "assistantDock", m_chat, Qt::RightDockWidgetArea);
    QDockWidget* labels = dock(tr("Labels and experts"), "labelsDock", m_labels, Qt::RightDockWidgetArea);
    resizeDocks({studies, chat}, {250, 390}, Qt::Horizontal);
    resizeDocks({chat, labels}, {560, 320}, Qt::Vertical);
}

void MainWindow::makeStatusBar()
{
    m_state = new QLabel(this);
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
}

void MainWindow::makeActions()
{
    QToolBar* bar = addToolBar(tr("Tools"));
    bar->setObjectName("tools");
    bar->setMovable(false);
    bar->setIconSize({22, 22});
    const auto action = [&](QMenu* menu, const QString& icon, const QString& name, const QKeySequence& key, auto slot, bool needsVolume, bool inBar) {
        auto* made = new QAction(theme::icon(icon), name, this);
        made->setShortcut(key);
        made->setToolTip(key.isEmpty() ? name : QStringLiteral("%1 (%2)").arg(name, key.toString(QKeySequence::NativeText)));
        connect(made, &QAction::triggered, this, slot);
        menu->addAction(made);
        if (inBar) {
            bar->addAction(made);
        }
        if (needsVolume) {
            m_needVolume.append(made);
        }
        return made;
    };
    QMenu* file = menuBar()->addMenu(tr("&File"));
    action(file, "open", tr("Open folder ..."), QKeySequence("Ctrl+O"), [this] { chooseFolder(); }, false, true);
    action(file, "file", tr("Open files ..."), QKeySequence("Ctrl+Shift+O"), [this] { chooseFiles(); }, false, false);
    action(file, "sample", tr("Open the sample study"), {}, [this] { openSample(); }, false, false);
    file->addSeparator();
    action(file, "save", tr("Save the view as a picture ..."), QKeySequence("Ctrl+S"), [this] { savePicture(); }, true, false);
    action(file, "clear", tr("Close all studies"), QKeySequence("Ctrl+W"), [this] {
        m_loader->cancel();
        m_browser->clearStudies();
        m_scene->clear();
    }, false, false);
    file->addSeparator();
    action(file, {}, tr("Quit"), QKeySequence("Ctrl+Q"), [this] { close(); }, false, false);

    QMenu* view = menuBar()->addMenu(tr("&View"));
    bar->addSeparator();
    action(view, "layout", tr("One view / all views"), QKeySequence("M"), [this] { m_grid->toggleMaximized(m_grid->activeView()); }, true, true);
    action(view, "fit", tr("Fit to the window"), QKeySequence("F"), [this] { m_grid->fitAll(); }, true, true);
    action(view, "reset", tr("Reset"), QKeySequence("R"), [this] {
        m_scene->reset();
        m_grid->fitAll();
    }, true, true);
    action(view, "invert", tr("Invert"), QKeySequence("I"), [this] { m_scene->setInverted(!m_scene->isInverted()); }, true, true);
    QAction* crosshair = action(view, "crosshair", tr("Crosshair"), QKeySequence("X"), [] {}, true, true);
    crosshair->setCheckable(true);
    crosshair->setChecked(true);
    connect(crosshair, &QAction::toggled, m_grid, &ViewGrid::setCrosshairShown);
    QAction* texts = action(view, "text", tr("Texts"), QKeySequence("T"), [] {}, true, true);
    texts->setCheckable(true);
    texts->setChecked(true);
    connect(texts, &QAction::toggled, m_grid, &ViewGrid::setTextShown);
    m_showMask = action(view, "mask", tr("Mask"), QKeySequence("Space"), [] {}, true, true);
    m_showMask->setCheckable(true);
    m_showMask->setChecked(true);
    connect(m_showMask, &QAction::toggled, m_scene, &Scene::setMaskShown);
    QMenu* windows = view->addMenu(theme::icon("window"), tr("Window presets"));
    action(windows, {}, tr("Automatic"), QKeySequence("0"), [this] { applyPreset(0); }, true, false);
    action(windows, {}, tr("As stored"), QKeySequence("1"), [this] { applyPreset(1); }, true, false);
    for (const WindowPreset& preset : ctPresets()) {
        if (preset.key > 0) {
            action(windows, {}, QStringLiteral("%1  %2 / %3").arg(QCoreApplication::translate("WindowPreset", preset.window.name.c_str())).arg(preset.window.width).arg(preset.window.center),
                QKeySequence(QString::number(preset.key)), [this, key = preset.key] { applyPreset(key); }, true, false);
        }
    }
    QMenu* render = view->addMenu(tr("3D preset"));
    for (const RenderPreset& preset : VolumeView3D::presets()) {
        action(render, {}, preset.name, {}, [this, id = preset.id] { m_grid->volumeView()->setPreset(id); }, true, false);
    }

    QMenu* assistantMenu = menuBar()->addMenu(tr("&Assistant"));
    bar->addSeparator();
    action(assistantMenu, "chat", tr("Ask"), QKeySequence("Ctrl+K"), [this] { m_chat->focusInput(); }, true, true);
    action(assistantMenu, "stop", tr("Stop"), QKeySequence("Esc"), [this] {
        m_chat->stop();
        m_loader->cancel();
    }, false, false);
    action(assistantMenu, "clear", tr("New conversation"), {}, [this] { m_chat->clearConversation(); }, false, false);

    QMenu* help = menuBar()->addMenu(tr("&Help"));
    action(help, {}, tr("Keys and mouse"), QKeySequence("F1"), [this] { showKeys(); }, false, false);
    action(help, {}, tr("About Hounsfield"), {}, [this] { showAbout(); }, false, false);
}

void MainWindow::connectLoader()
{
    connect(m_loader, &Loader::started, this, [this](const QString& what) {
        m_state->setText(what + " ...");
        m_progress->setValue(0);
        m_progress->show();
        m_cancel->show();
    });
    connect(m_loader, &Loader::progressed, m_progress, [this](double fraction) { m_progress->setValue(int(fraction * 100)); });
    connect(m_loader, &Loader::scanned, this, [this](const dicom::ScanResult& result) {
        m_progress->hide();
        m_cancel->hide();
        m_browser->addStudies(result.studies);
        const dicom::Series* main = result.mainSeries();
        if (!main) {
            showProblem("empty", result.rejected.empty() ? QString() : QString::fromStdString(result.rejected.front().reason));
            return;
        }
        if (!result.rejected.empty()) {
            m_state->setText(tr("%n file(s) could not be used", nullptr, int(result.rejected.size())));
        }
        m_loader->read(*main);
    });
    connect(m_loader, &Loader::loaded, this, [this](const std::shared_ptr<const Volume>& volume, const dicom::Series& series) {
        m_progress->hide();
        m_cancel->hide();
        m_scene->setVolume(volume, series);
        m_browser->setCurrentSeries(series.key);
        m_engine->start();
        if (!m_question.isEmpty()) {
            m_chat->setQuestion(m_question);
            m_question.clear();
        }
        updateState();
    });
    connect(m_loader, &Loader::failed, this, [this](const QString& code, const QString& message) {
        m_progress->hide();
        m_cancel->hide();
        showProblem(code, message);
    });
}

void MainWindow::showProblem(const QString& code, const QString& message)
{
    if (code == "cancelled") {
        m_state->setText(tr("Cancelled."));
        return;
    }
    const QString what = code == "empty" ? tr("Nothing that can be shown was found.")
        : code == "not-found"            ? tr("The file or folder was not found.")
        : code == "unsupported"          ? tr("This kind of image is not supported.")
        : code == "broken"               ? tr("The file is damaged.")
        : code == "too-large" || code == "memory" ? tr("There is not enough memory for this series.")
                                         : tr("This could not be opened.");
    m_state->setText(what + " " + message);
    auto* box = new QMessageBox(QMessageBox::Warning, tr("Hounsfield"), what, QMessageBox::Ok, this);
    box->setInformativeText(message);
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->open();
}

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
    if (!path.isEmpty() && !m_grid->activeView()->grab().save(path, "PNG")) {
        showProblem("write", tr("The picture could not be written to %1.").arg(path));
    }
}

void MainWindow::applyPreset(int key)
{
    if (m_scene->isEmpty()) {
        return;
    }
    if (key == 0) {
        m_scene->setWindow(m_scene->volume()->percentileWindow());
    } else if (key == 1) {
        m_scene->setWindow(m_scene->volume()->defaultWindow());
    } else if (m_scene->volume()->info().unit == Unit::Hu) {
        for (const WindowPreset& preset : ctPresets()) {
            if (preset.key == key) {
                m_scene->setWindow(preset.window);
            }
        }
    }
}

void MainWindow::showPresetMenu(QPoint at)
{
    QMenu menu(this);
    menu.addAction(tr("Automatic"), this, [this] { applyPreset(0); });
    menu.addAction(tr("As stored"), this, [this] { applyPreset(1); });
    if (!m_scene->isEmpty() && m_scene->volume()->info().unit == Unit::Hu) {
        for (const WindowPreset& preset : ctPresets()) {
            menu.addAction(QCoreApplication::translate("WindowPreset", preset.window.name.c_str()), this, [this, window = preset.window] { m_scene->setWindow(window); });
        }
    }
    menu.addSeparator();
    menu.addAction(tr("Fit to the window"), m_grid, &ViewGrid::fitAll);
    menu.exec(at);
}

void MainWindow::updateState()
{
    const bool any = !m_scene->isEmpty();
    m_pages->setCurrentIndex(any ? 1 : 0);
    for (QAction* one : m_needVolume) {
        one->setEnabled(any);
    }
    if (!any) {
        m_state->setText(tr("Ready"));
        setWindowTitle(tr("Hounsfield"));
        return;
    }
    const dicom::Series& series = m_scene->series();
    setWindowTitle(tr("%1 - Hounsfield").arg(QString::fromStdString(series.patient.displayName().empty() ? series.text.seriesDescription : series.patient.displayName())));
    QStringList notes;
    for (const Note& note : m_scene->volume()->info().notes) {
        notes << QString::fromStdString(note.text);
    }
    m_state->setText(notes.isEmpty() ? tr("Ready") : notes.join("  "));
    m_state->setToolTip(notes.join('\n'));
}

void MainWindow::showKeys()
{
    QMessageBox::information(this, tr("Keys and mouse"),
        tr("<table cellpadding='3'>"
           "<tr><td>Wheel</td><td>next slice; with Shift ten; with Ctrl zoom</td></tr>"
           "<tr><td>Left drag</td><td>window width and level</td></tr>"
           "<tr><td>Left click</td><td>moves the crosshair in all planes</td></tr>"
           "<tr><td>Middle drag</td><td>pan</td></tr>"
           "<tr><td>Right drag / click</td><td>zoom / presets</td></tr>"
           "<tr><td>Double click, M</td><td>one view, all views</td></tr>"
           "<tr><td>Arrows, Home, End</td><td>slices</td></tr>"
           "<tr><td>0 ... 9</td><td>window presets</td></tr>"
           "<tr><td>R, F, I, X, T, Space</td><td>reset, fit, invert, crosshair, texts, mask</td></tr>"
           "<tr><td>Ctrl+K, Esc</td><td>ask, stop</td></tr></table>"));
}

void MainWindow::showAbout()
{
    QMessageBox::about(this, tr("About Hounsfield"),
        tr("<b>Hounsfield %1</b><p>DICOM viewer with a local radiology assistant. Everything runs on this computer.</p><p>Not a medical device. Not for diagnosis.</p>")
            .arg(QApplication::applicationVersion()));
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
    const int step = event->modifiers() & Qt::ShiftModifier ? 10 : 1;
    switch (event->key()) {
    case Qt::Key_Up:
    case Qt::Key_Left: m_scene->setSlice(plane, slice + step); break;
    case Qt::Key_Down:
    case Qt::Key_Right: m_scene->setSlice(plane, slice - step); break;
    case Qt::Key_Home: m_scene->setSlice(plane, last); break;
    case Qt::Key_End: m_scene->setSlice(plane, 0); break;
    default: QMainWindow::keyPressEvent(event); break;
    }
}

} // namespace hf::app
