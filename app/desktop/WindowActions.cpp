#include "app/desktop/WindowActions.h"

#include "app/desktop/ActionTable.h"
#include "app/desktop/MainWindow.h"
#include "app/desktop/PresentationActions.h"
#include "app/desktop/SettingsActions.h"
#include "app/desktop/ViewActions.h"
#include "assistant/panel/ChatPanel.h"
#include "experts/panel/LabelPanel.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/widgets/Cine.h"
#include "viewer/widgets/Findings.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/TagBrowser.h"
#include "viewer/widgets/Theme.h"
#include "viewer/widgets/ViewGrid.h"
#include "viewer/widgets/ViewHistory.h"

#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QDialog>
#include <QDialogButtonBox>
#include <QDockWidget>
#include <QMenu>
#include <QMessageBox>
#include <QSpinBox>
#include <QTextBrowser>
#include <QToolBar>
#include <QVBoxLayout>

namespace hf::app {

namespace {

/// Names of windowPresets(), so that they are collected for translation.
[[maybe_unused]] const char* const kPresetNames[] = {QT_TRANSLATE_NOOP("WindowPreset", "Soft tissue"), QT_TRANSLATE_NOOP("WindowPreset", "Lung"), QT_TRANSLATE_NOOP("WindowPreset", "Bone"),
    QT_TRANSLATE_NOOP("WindowPreset", "Brain"), QT_TRANSLATE_NOOP("WindowPreset", "Subdural"), QT_TRANSLATE_NOOP("WindowPreset", "Liver"), QT_TRANSLATE_NOOP("WindowPreset", "Angiography"),
    QT_TRANSLATE_NOOP("WindowPreset", "Stroke"), QT_TRANSLATE_NOOP("WindowPreset", "Mediastinum"), QT_TRANSLATE_NOOP("WindowPreset", "Spine"), QT_TRANSLATE_NOOP("WindowPreset", "Temporal bone"),
    QT_TRANSLATE_NOOP("WindowPreset", "PET 0 to 5"), QT_TRANSLATE_NOOP("WindowPreset", "PET 0 to 10")};

QString presetText(const WindowPreset& preset)
{
    return QStringLiteral("%1  %2 / %3").arg(QCoreApplication::translate("WindowPreset", preset.window.name.c_str())).arg(preset.window.width).arg(preset.window.center);
}

} // namespace

namespace {

/// The selected measurement, else the next one, in the view that shows it.
void moveByKeys(MainWindow* window)
{
    Findings* findings = window->findings();
    findings->selected() != 0 ? findings->jumpTo(findings->selected()) : findings->jumpToNext(1);
    ViewGrid* grid = window->grid();
    if (grid->activeView()->editByKeys(findings->selected())) {
        return;
    }
    for (int cell = 0; cell < grid->count(); ++cell) {
        if (grid->view(cell)->isVisible() && grid->view(cell)->editByKeys(findings->selected())) {
            return;
        }
    }
}

} // namespace

WindowActions::WindowActions(MainWindow* window)
    : QObject(window), m_window(window), m_table(new ActionTable(window, [history = window->grid()->history()](const QString& step, const std::function<void()>& slot) { history->change(step, slot); }))
{
    addFile();
    addEdit();
    addView();
    m_views = new ViewActions(m_window, m_table);
    addTools();
    addAssistant();
    addSettingsActions(m_window, m_table);
    addHelp();
    applySavedKeys(m_table);
}

void WindowActions::addFile()
{
    MainWindow* w = m_window;
    m_table->beginMenu(tr("&File"));
    m_table->add({"openFolder", "open", tr("Open folder ..."), {QKeySequence("Ctrl+O")}, ActionTable::InBar}, [w] { w->chooseFolder(); });
    m_table->add({"openFiles", "file", tr("Open files ..."), {QKeySequence("Ctrl+Shift+O")}}, [w] { w->chooseFiles(); });
    m_table->add({"library", {}, tr("Studies on this computer ..."), {QKeySequence("Ctrl+D")}}, [w] { w->showLibrary(); });
    m_table->add({"openSampleStudy", "sample", tr("Open the sample study"), {}}, [w] { w->openSample(); });
    m_table->add({"refusedFiles", {}, tr("Files that could not be used ..."), {QKeySequence("Ctrl+Shift+F")}}, [w] { w->showRefused(); });
    m_table->separator();
    m_table->add({"savePicture", "save", tr("Save the view as a picture ..."), {QKeySequence("Ctrl+S")}, ActionTable::NeedsImage}, [w] { w->savePicture(); });
    m_table->add({"closeAll", "clear", tr("Close all studies"), {QKeySequence("Ctrl+W")}}, [w] { w->closeAll(); });
    m_table->separator();
    m_table->add({"quit", {}, tr("Quit"), {QKeySequence("Ctrl+Q")}}, [w] { w->close(); });
}

void WindowActions::addEdit()
{
    MainWindow* w = m_window;
    ViewHistory* history = w->grid()->history();
    m_table->beginMenu(tr("&Edit"));
    QAction* undo = m_table->add({"undo", "undo", tr("Undo"), {QKeySequence("Ctrl+Z")}}, [history] { history->undo(); });
    QAction* redo = m_table->add({"redo", "redo", tr("Redo"), {QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")}}, [history] { history->redo(); });
    const auto follow = [history, undo, redo] {
        undo->setEnabled(history->canUndo());
        redo->setEnabled(history->canRedo());
        undo->setText(history->canUndo() ? tr("Undo: %1").arg(history->undoText()) : tr("Undo"));
        redo->setText(history->canRedo() ? tr("Redo: %1").arg(history->redoText()) : tr("Redo"));
    };
    connect(history, &ViewHistory::changed, this, follow);
    follow();
    m_table->separator();
    m_table->add({"nextFinding", {}, tr("Next measurement"), {QKeySequence("N")}, ActionTable::NeedsImage}, [w] { w->findings()->jumpToNext(1); });
    m_table->add({"previousFinding", {}, tr("Previous measurement"), {QKeySequence("Shift+N")}, ActionTable::NeedsImage}, [w] { w->findings()->jumpToNext(-1); });
    m_table->add({"editFinding", {}, tr("Text of the measurement"), {QKeySequence("F2")}, ActionTable::NeedsImage}, [w] { w->grid()->activeView()->editText(w->findings()->selected()); });
    m_table->add({"moveFinding", {}, tr("Move the measurement by keys"), {QKeySequence("Shift+F2")}, ActionTable::NeedsImage}, [w] { moveByKeys(w); });
    m_table->add({"removeFinding", "clear", tr("Remove the measurement"), {QKeySequence("Del")}, ActionTable::NeedsImage}, [w] { w->findings()->remove(w->findings()->selected()); });
    m_table->add({"removeFindings", {}, tr("Remove all measurements"), {}, ActionTable::NeedsImage}, [w] { w->findings()->removeAll(); });
}

void WindowActions::addView()
{
    MainWindow* w = m_window;
    Scene* scene = w->scene();
    ViewGrid* grid = w->grid();
    const int shown = ActionTable::NeedsImage | ActionTable::InBar;
    m_table->beginMenu(tr("&View"));
    m_table->bar()->addSeparator();
    m_table->add({"layout", "layout", tr("One view / all views"), {QKeySequence("M")}, shown}, [grid] { grid->toggleMaximized(grid->activeView()); });
    m_table->add({"fit", "fit", tr("Fit to the window"), {QKeySequence("F")}, shown, tr("Fit to the window")}, [grid] { grid->fitAll(); });
    m_table->add({"actualSize", "actual", tr("One to one"), {QKeySequence("Shift+F")}, shown, tr("One to one")}, [grid] { grid->activeView()->showOneToOne(); });
    m_table->add({"reset", "reset", tr("Reset"), {QKeySequence("R")}, shown, tr("Reset")}, [scene, grid] {
        scene->reset();
        grid->resetAll();
    });
    m_table->separator();
    m_table->add({"flipHorizontally", "flip-h", tr("Flip left and right"), {QKeySequence("H")}, ActionTable::NeedsImage, tr("Flip left and right")}, [grid] { grid->activeView()->flip(Qt::Horizontal); });
    m_table->add({"flipVertically", "flip-v", tr("Flip up and down"), {QKeySequence("V")}, ActionTable::NeedsImage, tr("Flip up and down")}, [grid] { grid->activeView()->flip(Qt::Vertical); });
    m_table->add({"turnRight", "turn-right", tr("Turn right"), {QKeySequence("Shift+R")}, ActionTable::NeedsImage, tr("Turn right")}, [grid] { grid->activeView()->turn(true); });
    m_table->add({"turnLeft", "turn-left", tr("Turn left"), {QKeySequence("Shift+L")}, ActionTable::NeedsImage, tr("Turn left")}, [grid] { grid->activeView()->turn(false); });
    m_table->add({"invert", "invert", tr("Invert"), {QKeySequence("I")}, shown, tr("Invert")}, [scene] { scene->setInverted(!scene->isInverted()); });
    m_table->add({"shutter", {}, tr("Open or close the shutter"), {QKeySequence("Shift+I")}, ActionTable::NeedsImage, tr("Open or close the shutter")}, [scene] { scene->setShutterOpen(!scene->isShutterOpen()); });
    m_table->separator(true);
    const int toggle = shown | ActionTable::Checkable | ActionTable::Checked;
    QAction* crosshair = m_table->add({"crosshair", "crosshair", tr("Crosshair"), {QKeySequence("X")}, toggle}, [] {});
    connect(crosshair, &QAction::toggled, grid, &ViewGrid::setCrosshairShown);
    QAction* texts = m_table->add({"texts", "texts", tr("Texts"), {QKeySequence("T")}, toggle}, [] {});
    connect(texts, &QAction::toggled, grid, &ViewGrid::setTextShown);
    QAction* mask = m_table->add({"mask", "mask", tr("Mask"), {QKeySequence("Space")}, toggle}, [] {});
    connect(mask, &QAction::toggled, scene, &Scene::setMaskShown);
    const auto follow = [scene, mask] { mask->setChecked(scene->isMaskShown()); };
    connect(scene, &Scene::maskStyleChanged, mask, follow);
    connect(scene, &Scene::maskChanged, mask, follow);
    addPanels();
    addWindows();
    addSlabs();
    m_table->beginSubmenu({}, tr("3D preset"));
    for (const RenderPreset& preset : renderPresets()) {
        m_table->add({"render-" + preset.id, {}, preset.name, {}, ActionTable::NeedsImage}, [grid, id = preset.id] { grid->volumeView()->setPreset(id); });
    }
    m_table->endSubmenu();
    m_table->separator();
    addPresentationActions(w, m_table);
    m_table->add({"tags", {}, tr("Tags of the image ..."), {QKeySequence("Ctrl+I")}, ActionTable::NeedsImage}, [w] { (new TagBrowser(w->scene(), w))->show(); });
}

/// What takes room from the images, and the whole screen for them.
void WindowActions::addPanels()
{
    MainWindow* w = m_window;
    m_table->separator();
    m_table->add({"fullScreen", {}, tr("Full screen"), {QKeySequence("F11")}, ActionTable::Checkable}, [w] { w->setWindowState(w->windowState() ^ Qt::WindowFullScreen); });
    struct Entry { const char* dock; const char* id; QString text; const char* key; };
    const Entry entries[] = {{"studiesDock", "panel-studies", tr("Panel: studies"), "Ctrl+1"}, {"findingsDock", "panel-findings", tr("Panel: measurements"), "Ctrl+2"},
        {"assistantDock", "panel-assistant", tr("Panel: assistant"), "Ctrl+3"}, {"labelsDock", "panel-labels", tr("Panel: labels and experts"), "Ctrl+4"}};
    for (const Entry& entry : entries) {
        QAction* shown = w->findChild<QDockWidget*>(entry.dock)->toggleViewAction();
        QAction* action = m_table->add({entry.id, {}, entry.text, {QKeySequence(entry.key)}, ActionTable::Checkable | ActionTable::Checked}, [shown] { shown->trigger(); });
        connect(shown, &QAction::toggled, action, &QAction::setChecked);
    }
    m_table->separator();
}

void WindowActions::addWindows()
{
    Scene* scene = m_window->scene();
    m_table->beginSubmenu("window", tr("Window presets"));
    m_table->add({"window-0", "auto", tr("Automatic"), {QKeySequence("0")}, ActionTable::NeedsImage, tr("Window and level")}, [scene] { scene->setWindow(scene->volume()->percentileWindow()); });
    m_table->add({"window-1", {}, tr("As stored, the next of several"), {QKeySequence("1")}, ActionTable::NeedsImage, tr("Window and level")}, [scene] { scene->setWindow(scene->nextStoredWindow()); });
    for (const WindowPreset& preset : windowPresets()) {
        QList<QKeySequence> keys;
        if (preset.key > 0) {
            keys << QKeySequence(QString::number(preset.key));
        }
        m_table->add({"window-" + QString::fromStdString(preset.id), {}, presetText(preset), keys, ActionTable::NeedsImage, tr("Window and level")}, [scene, window = preset.window] { scene->setWindow(window); });
    }
    m_table->endSubmenu();
}

void WindowActions::addSlabs()
{
    Scene* scene = m_window->scene();
    m_table->beginSubmenu("slab", tr("Thick slices"));
    auto* group = new QActionGroup(this);
    struct Entry { SlabMode mode; const char* id; QString text; const char* key; };
    for (const Entry& entry : {Entry{SlabMode::Off, "slab-off", tr("Thin slices"), "Shift+B"}, Entry{SlabMode::Maximum, "slab-mip", tr("Maximum (MIP)"), "B"},
             Entry{SlabMode::Minimum, "slab-minip", tr("Minimum (MinIP)"), "Ctrl+B"}, Entry{SlabMode::Mean, "slab-mean", tr("Mean"), "Ctrl+Shift+B"}}) {
        QAction* action = m_table->add({entry.id, {}, entry.text, {QKeySequence(entry.key)}, ActionTable::NeedsImage | ActionTable::Checkable, tr("Thick slices")},
            [scene, mode = entry.mode] { scene->setSlab({mode, scene->slab().thicknessMm}); });
        group->addAction(action);
        const auto follow = [scene, action, mode = entry.mode] { action->setChecked(scene->slab().mode == mode); };
        connect(scene, &Scene::slabChanged, action, follow);
        connect(scene, &Scene::volumeChanged, action, follow);
        follow();
    }
    m_table->separator();
    m_table->add({"slab-thicker", {}, tr("Thicker"), {QKeySequence(".")}, ActionTable::NeedsImage, tr("Thick slices")}, [scene] { scene->setSlab({scene->slab().mode, scene->slab().thicknessMm * 1.25}); });
    m_table->add({"slab-thinner", {}, tr("Thinner"), {QKeySequence(",")}, ActionTable::NeedsImage, tr("Thick slices")}, [scene] { scene->setSlab({scene->slab().mode, scene->slab().thicknessMm / 1.25}); });
    m_table->endSubmenu();
}

void WindowActions::addTools()
{
    Scene* scene = m_window->scene();
    m_table->beginMenu(tr("&Tools"));
    m_table->bar()->addSeparator();
    auto* group = new QActionGroup(this);
    struct Entry { Tool tool; const char* id; QString text; const char* key; };
    const Entry entries[] = {{Tool::Window, "window", tr("Window and level"), "W"}, {Tool::Pan, "pan", tr("Pan"), "P"}, {Tool::Zoom, "zoom", tr("Zoom"), "Z"},
        {Tool::Scroll, "scroll", tr("Scroll"), "S"}, {Tool::Magnify, "magnify", tr("Magnifier"), "G"}, {Tool::Length, "length", tr("Distance"), "D"},
        {Tool::Angle, "angle", tr("Angle"), "A"}, {Tool::Cobb, "cobb", tr("Cobb angle"), "Shift+A"}, {Tool::Ellipse, "ellipse", tr("Ellipse"), "E"},
        {Tool::Rectangle, "rectangle", tr("Rectangle"), "Shift+E"}, {Tool::Polygon, "polygon", tr("Polygon"), "Y"}, {Tool::Freehand, "freehand", tr("Freehand outline"), "Shift+Y"},
        {Tool::Arrow, "arrow", tr("Arrow"), "Shift+D"}, {Tool::Text, "text", tr("Text on the image"), "Shift+T"}, {Tool::Probe, "probe", tr("Probe"), "Shift+P"}, {Tool::Axes, "axes", tr("Move and turn the planes"), "O"}};
    for (const Entry& entry : entries) {
        if (entry.tool == Tool::Length) {
            m_table->separator(true);
        }
        QAction* action = m_table->add({QStringLiteral("tool-") + entry.id, entry.id, entry.text, {QKeySequence(entry.key)}, ActionTable::NeedsImage | ActionTable::InBar | ActionTable::Checkable},
            [scene, tool = entry.tool] { scene->setTool(tool); });
        group->addAction(action);
        const auto follow = [scene, action, tool = entry.tool] { action->setChecked(scene->tool() == tool); };
        connect(scene, &Scene::toolChanged, action, follow);
        follow();
    }
    MainWindow* w = m_window;
    m_table->add({"keyImage", "key-image", tr("Key image"), {QKeySequence("K")}, ActionTable::NeedsImage | ActionTable::InBar}, [w] { w->grid()->activeView()->toggleKeyImage(); });
    addCine();
}

void WindowActions::addAssistant()
{
    MainWindow* w = m_window;
    m_table->beginMenu(tr("&Assistant"));
    m_table->add({"ask", "chat", tr("Ask"), {QKeySequence("Ctrl+K")}, ActionTable::NeedsImage}, [w] {
        w->showPanelOf(w->chat());
        w->chat()->focusInput();
    });
    m_table->add({"stop", "stop", tr("Stop"), {QKeySequence("Esc")}}, [this] { escape(); });
    m_table->add({"experts", {}, tr("Choose an expert"), {QKeySequence("Ctrl+E")}, ActionTable::NeedsImage}, [w] {
        w->showPanelOf(w->labels());
        w->labels()->focusExperts();
    });
    m_table->add({"runExpert", {}, tr("Run the chosen expert, or stop it"), {QKeySequence("Ctrl+R")}, ActionTable::NeedsImage}, [w] {
        w->showPanelOf(w->labels());
        w->labels()->run();
    });
    m_table->add({"newConversation", "clear", tr("New conversation"), {}}, [w] {
        w->chat()->stop();
        w->chat()->clearConversation();
    });
}

void WindowActions::addHelp()
{
    m_table->beginMenu(tr("&Help"));
    m_table->add({"keys", {}, tr("Keys and mouse"), {QKeySequence("F1")}}, [this] { showKeys(); });
    m_table->add({"about", {}, tr("About Hounsfield"), {}}, [this] { showAbout(); });
}

void WindowActions::addCine()
{
    Cine* cine = m_window->cine();
    QToolBar* bar = m_table->bar();
    m_table->separator(true);
    QAction* play = m_table->add({"cine", "cine", tr("Play the images"), {QKeySequence("C")}, ActionTable::NeedsImage | ActionTable::InBar | ActionTable::Checkable}, [cine] { cine->toggle(); });
    m_speed = new QSpinBox(bar);
    m_speed->setObjectName("cineSpeed");
    m_speed->setAccessibleName(tr("Images a second"));
    m_speed->setToolTip(tr("Images a second"));
    m_speed->setRange(Cine::kSlowest, Cine::kFastest);
    m_speed->setValue(cine->framesPerSecond());
    m_speed->setSuffix(tr(" /s"));
    m_speed->setFocusPolicy(Qt::ClickFocus);
    m_speed->setButtonSymbols(QAbstractSpinBox::NoButtons);
    bar->addWidget(m_speed);
    m_table->add({"cineFaster", {}, tr("Play faster"), {QKeySequence("+")}, ActionTable::NeedsImage}, [cine] { cine->setFramesPerSecond(cine->framesPerSecond() + 2); });
    m_table->add({"cineSlower", {}, tr("Play slower"), {QKeySequence("-")}, ActionTable::NeedsImage}, [cine] { cine->setFramesPerSecond(cine->framesPerSecond() - 2); });
    connect(m_speed, &QSpinBox::valueChanged, cine, &Cine::setFramesPerSecond);
    connect(cine, &Cine::changed, play, [this, cine, play] {
        play->setChecked(cine->isPlaying());
        play->setIcon(theme::icon(cine->isPlaying() ? "pause" : "cine"));
        m_speed->setValue(cine->framesPerSecond());
    });
}

void WindowActions::escape()
{
    // The nearest thing first: a drawing, then the tool, then work in the background.
    SliceView* view = m_window->grid()->activeView();
    if (view->measureTool().isBusy()) {
        view->measureTool().cancel();
        view->update();
    } else if (m_window->cine()->isPlaying()) {
        m_window->cine()->stop();
    } else if (m_window->scene()->tool() != Tool::Window) {
        m_window->scene()->setTool(Tool::Window);
    } else {
        m_window->chat()->stop();
        m_window->labels()->stop();
        m_window->loader()->cancel();
    }
}

void WindowActions::showViewMenu(SliceView* view, QPoint at)
{
    QMenu menu(m_window);
    Findings* findings = m_window->findings();
    if (const int id = view->measurementAt(view->mapFromGlobal(at))) {
        findings->setSelected(id);
        menu.addAction(tr("Text of the measurement"), view, [view, id] { view->editText(id); });
        menu.addAction(theme::icon("clear"), tr("Remove the measurement"), findings, [findings, id] { findings->remove(id); });
        menu.addSeparator();
    }
    for (const QString id : {"window-0", "window-1"}) {
        menu.addAction(m_table->find(id));
    }
    for (const WindowPreset& preset : windowPresets()) {
        QAction* action = m_table->find("window-" + QString::fromStdString(preset.id));
        if (action->isEnabled()) {
            menu.addAction(action);
        }
    }
    menu.addSeparator();
    for (const QString id : {"fit", "actualSize", "invert", "flipHorizontally", "flipVertically", "turnRight", "turnLeft", "reset"}) {
        menu.addAction(m_table->find(id));
    }
    menu.exec(at);
}

void WindowActions::showSeriesMenu(const QString& seriesKey, QPoint at)
{
    QMenu menu(m_window);
    m_views->fillSeriesMenu(menu, seriesKey);
    menu.exec(at);
}

void WindowActions::updateState()
{
    const bool any = !m_window->scene()->isEmpty();
    m_table->setImageShown(any);
    // Presets are Hounsfield units, or uptake values.
    const bool hasValues = any && m_window->scene()->series().format != dicom::SeriesFormat::Picture && !m_window->scene()->volume()->isColor();
    for (const WindowPreset& preset : windowPresets()) {
        m_table->find("window-" + QString::fromStdString(preset.id))->setEnabled(hasValues && fits(preset, m_window->scene()->volume()->info()));
    }
    m_speed->setEnabled(any);
    m_table->find("refusedFiles")->setEnabled(m_window->hasRefused());
    m_table->find("fullScreen")->setChecked(m_window->isFullScreen());
}

QString WindowActions::mouseAsHtml() const
{
    const MouseMap mouse = m_window->scene()->mouseMap();
    const auto nameOf = [](MouseDrag drag) {
        switch (drag) {
        case MouseDrag::Window: return tr("window and level");
        case MouseDrag::Pan: return tr("pan");
        case MouseDrag::Zoom: return tr("zoom");
        case MouseDrag::Scroll: return tr("scroll");
        case MouseDrag::Crosshair: return tr("move the crosshair");
        }
        return QString();
    };
    const std::pair<QString, QString> rows[] = {{tr("Wheel"), tr("next slice; with Shift ten; with Ctrl zoom")}, {tr("Left drag"), tr("the chosen tool; at first: %1; with Shift pan").arg(nameOf(mouse.left))},
        {tr("Left click"), tr("moves the crosshair in all planes")}, {tr("Shift + move"), tr("the crosshair follows")}, {tr("Middle drag"), nameOf(mouse.middle)},
        {tr("Right drag, click"), tr("%1, menu").arg(nameOf(mouse.right))}, {tr("Double click"), tr("one view, all views; on a measurement its text")},
        {tr("Up, Down"), tr("next and previous slice; with Shift ten")}, {tr("Home, End"), tr("last and first slice")}, {tr("Right, Left"), tr("next and previous series")},
        {tr("Page Down, Page Up"), tr("next and previous study")}, {tr("Tab"), tr("next view")},
        {tr("Volume"), tr("left drag turns, with Ctrl it moves the values of the preset; middle drag pans, right drag zooms")},
        {tr("Enter, Backspace"), tr("while drawing: closes a polygon, takes a corner back")},
        {tr("With a drawing tool: arrows"), tr("move the cursor of the keyboard, with Shift by ten pixels; Enter brings it back after the mouse was used")},
        {tr("Enter, Space"), tr("set a point at that cursor; a second time at the same place they close a polygon; of a freehand outline they are its begin and its end")},
        {tr("Moving by keys: arrows"), tr("move the whole, Tab takes the next handle, Enter keeps it, Escape gives it up")}};
    QString html = "<table cellpadding='3'><tr><td colspan='2'><b>" + tr("Images").toHtmlEscaped() + "</b></td></tr>";
    for (const auto& [input, effect] : rows) {
        html += QStringLiteral("<tr><td>%1&nbsp;&nbsp;</td><td>%2</td></tr>").arg(input.toHtmlEscaped(), effect.toHtmlEscaped());
    }
    return html + "</table>";
}

void WindowActions::showKeys()
{
    auto* dialog = new QDialog(m_window);
    dialog->setObjectName("keysSheet");
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(tr("Keys and mouse"));
    auto* text = new QTextBrowser(dialog);
    text->setHtml(mouseAsHtml() + m_table->keysAsHtml());
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, dialog);
    connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::close);
    auto* layout = new QVBoxLayout(dialog);
    layout->addWidget(text);
    layout->addWidget(buttons);
    dialog->resize(520, 640);
    dialog->open();
}

void WindowActions::showAbout()
{
    QMessageBox::about(m_window, tr("About Hounsfield"),
        tr("<b>Hounsfield %1</b><p>DICOM viewer with a local radiology assistant. Everything runs on this computer.</p><p>Not a medical device. Not for diagnosis.</p>")
            .arg(QApplication::applicationVersion()));
}

} // namespace hf::app
