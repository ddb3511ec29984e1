#include "app/desktop/ViewActions.h"

#include "app/desktop/ActionTable.h"
#include "app/desktop/Hanging.h"
#include "app/desktop/MainWindow.h"
#include "app/desktop/SeriesPlacer.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/StudyBrowser.h"
#include "viewer/widgets/ViewGrid.h"

#include <QAction>
#include <QActionGroup>
#include <QMenu>

#include <numbers>

namespace hf::app {

ViewActions::ViewActions(MainWindow* window, ActionTable* table) : QObject(window), m_window(window), m_table(table)
{
    m_table->beginMenu(tr("&Layout"));
    addLayouts();
    addSeries();
    addLinks();
    addPlanes();
    addVolume();
}

void ViewActions::addLayouts()
{
    ViewGrid* grid = m_window->grid();
    auto* group = new QActionGroup(this);
    struct Entry { const char* id; QString text; const char* key; GridLayout layout; };
    const Entry entries[] = {{"layout-planes", tr("Planes and volume of one series"), "Alt+P", GridLayout::planes()}, {"layout-1x1", tr("1 view"), "Alt+1", GridLayout::grid(1, 1)},
        {"layout-1x2", tr("2 views side by side"), "Alt+2", GridLayout::grid(1, 2)}, {"layout-1x3", tr("3 views side by side"), "Alt+3", GridLayout::grid(1, 3)},
        {"layout-2x2", tr("2 x 2 views"), "Alt+4", GridLayout::grid(2, 2)}, {"layout-2x1", tr("2 views one above the other"), "Alt+5", GridLayout::grid(2, 1)},
        {"layout-2x3", tr("2 x 3 views"), "Alt+6", GridLayout::grid(2, 3)}, {"layout-2x4", tr("2 x 4 views"), "Alt+8", GridLayout::grid(2, 4)},
        {"layout-3x3", tr("3 x 3 views"), "Alt+9", GridLayout::grid(3, 3)}, {"layout-3x4", tr("3 x 4 views"), "Alt+0", GridLayout::grid(3, 4)}};
    for (const Entry& entry : entries) {
        QAction* action = m_table->add({entry.id, {}, entry.text, {QKeySequence(entry.key)}, ActionTable::NeedsImage | ActionTable::Checkable},
            [this, grid, layout = entry.layout] {
                grid->setGridLayout(layout);
                m_window->placer()->fillEmpty();
            });
        group->addAction(action);
        const auto follow = [grid, action, layout = entry.layout] { action->setChecked(grid->gridLayout() == layout); };
        connect(grid, &ViewGrid::layoutChanged, action, follow);
        follow();
    }
    // A layout of a rule may be none of these.
    group->setExclusionPolicy(QActionGroup::ExclusionPolicy::ExclusiveOptional);
    m_table->separator();
    MainWindow* w = m_window;
    QMenu* rules = m_table->beginSubmenu({}, tr("Saved layouts and hanging rules"));
    connect(rules, &QMenu::aboutToShow, this, [w, rules] { w->hanging()->fillMenu(*rules); });
    m_table->endSubmenu();
    m_table->add({"hangAgain", {}, tr("Arrange the study by its rule"), {QKeySequence("Ctrl+Shift+H")}, ActionTable::NeedsImage}, [w] { w->hanging()->open(w->scene()->series()); });
    m_table->add({"saveLayout", {}, tr("Save this layout ..."), {QKeySequence("Ctrl+Shift+S")}, ActionTable::NeedsImage}, [w] { w->hanging()->saveLayout(); });
    m_table->add({"reloadRules", {}, tr("Read the layouts again"), {}}, [w] { w->reloadHanging(); });
    m_table->add({"rulesFolder", {}, tr("Open the folder of layouts"), {}}, [w] { w->hanging()->openFolder(); });
    m_table->separator();
    m_table->add({"nextView", {}, tr("Next view"), {QKeySequence("F6")}, ActionTable::NeedsImage}, [grid] { grid->activateNext(1); });
    m_table->add({"previousView", {}, tr("Previous view"), {QKeySequence("Shift+F6")}, ActionTable::NeedsImage}, [grid] { grid->activateNext(-1); });
}

void ViewActions::addSeries()
{
    MainWindow* w = m_window;
    m_table->add({"showSeries", {}, tr("Show the listed series in the active view"), {QKeySequence("Shift+Return")}, ActionTable::NeedsImage}, [w] {
        if (const dicom::Series* series = w->browser()->findSeries(w->browser()->currentSeries())) {
            w->placer()->showIn(w->grid()->activeCell(), *series);
        }
    });
    StudyBrowser* list = w->browser();
    m_table->add({"nextStudy", {}, tr("Next study"), {}, ActionTable::NeedsImage}, [list] { list->chooseNextStudy(1); });
    m_table->add({"previousStudy", {}, tr("Previous study"), {}, ActionTable::NeedsImage}, [list] { list->chooseNextStudy(-1); });
    m_table->add({"clearView", {}, tr("Empty the active view"), {QKeySequence("Shift+Del")}, ActionTable::NeedsImage}, [w] { w->grid()->clearCell(w->grid()->activeCell()); });
    m_table->add({"studyList", {}, tr("Go to the list of studies"), {QKeySequence("Ctrl+L")}}, [w] {
        w->showPanelOf(w->browser());
        w->browser()->setFocus();
    });
}

void ViewActions::addLinks()
{
    Scene* scene = m_window->scene();
    ViewGrid* grid = m_window->grid();
    m_table->separator();
    QAction* linked = m_table->add({"link", {}, tr("Scroll together"), {QKeySequence("L")}, ActionTable::NeedsImage | ActionTable::Checkable | ActionTable::Checked}, [] {});
    connect(linked, &QAction::toggled, scene, &Scene::setLinked);
    connect(scene, &Scene::linkChanged, linked, [scene, linked] { linked->setChecked(scene->link().isOn()); });
    m_table->add({"matchPlaces", {}, tr("These places match: scroll together from here"), {QKeySequence("Ctrl+Shift+L")}, ActionTable::NeedsImage}, [scene] { scene->matchPlaces(); });
    m_table->add({"clearMatches", {}, tr("Forget the places that were matched"), {}, ActionTable::NeedsImage}, [scene] { scene->clearMatches(); });
    m_table->add({"pointHere", {}, tr("Show this place in all series"), {QKeySequence("J")}, ActionTable::NeedsImage}, [scene] { scene->pointAt(scene->series().key, scene->cursor()); });
    QAction* lines = m_table->add({"referenceLines", {}, tr("Reference lines"), {QKeySequence("Shift+X")}, ActionTable::NeedsImage | ActionTable::Checkable | ActionTable::Checked}, [] {});
    connect(lines, &QAction::toggled, grid, &ViewGrid::setReferenceLinesShown);
}

void ViewActions::addPlanes()
{
    Scene* scene = m_window->scene();
    m_table->separator();
    m_table->beginSubmenu({}, tr("Oblique planes"));
    struct Entry { const char* id; QString text; const char* key; int axis; double degrees; };
    // About the view's normal the two other planes turn; about its own sides the plane itself tilts.
    const Entry entries[] = {{"planes-right", tr("Turn the other planes right"), "]", 2, 1}, {"planes-left", tr("Turn the other planes left"), "[", 2, -1},
        {"planes-right-10", tr("Turn the other planes right by 10°"), "}", 2, 10}, {"planes-left-10", tr("Turn the other planes left by 10°"), "{", 2, -10},
        {"tilt-up", tr("Tilt the plane up"), "Alt+Up", 0, 1}, {"tilt-down", tr("Tilt the plane down"), "Alt+Down", 0, -1},
        {"tilt-right", tr("Tilt the plane right"), "Alt+Right", 1, 1}, {"tilt-left", tr("Tilt the plane left"), "Alt+Left", 1, -1}};
    for (const Entry& entry : entries) {
        m_table->add({entry.id, {}, entry.text, {QKeySequence(entry.key)}, ActionTable::NeedsImage, tr("Turn the planes")}, [this, axis = entry.axis, degrees = entry.degrees] { turn(axis, degrees); });
    }
    m_table->add({"planes-straight", {}, tr("Straight planes"), {QKeySequence("Shift+O")}, ActionTable::NeedsImage, tr("Turn the planes")}, [scene] { scene->setTurn({}); });
    m_table->endSubmenu();
}

void ViewActions::addVolume()
{
    Scene* scene = m_window->scene();
    VolumeView3D* volume = m_window->grid()->volumeView();
    const int toggle = ActionTable::NeedsImage | ActionTable::Checkable;
    m_table->beginSubmenu({}, tr("Volume"));
    QAction* crop = m_table->add({"cropVolume", {}, tr("Crop box"), {QKeySequence("Ctrl+Shift+E")}, toggle}, [] {});
    connect(crop, &QAction::toggled, volume, &VolumeView3D::setCropShown);
    connect(volume, &VolumeView3D::cropShownChanged, crop, &QAction::setChecked);
    m_cut = m_table->add({"cutVolume", {}, tr("Cut at the active plane"), {QKeySequence("Ctrl+Shift+X")}, toggle}, [] {});
    connect(m_cut, &QAction::toggled, this, &ViewActions::cutVolume);
    for (const auto signal : {&Scene::cursorChanged, &Scene::turnChanged, &Scene::volumeChanged, &Scene::activePlaneChanged}) {
        connect(scene, signal, this, [this] {
            if (m_cut->isChecked()) {
                cutVolume();
            }
        });
    }
    QAction* shade = m_table->add({"shadeVolume", {}, tr("Shading"), {}, toggle | ActionTable::Checked}, [] {});
    connect(shade, &QAction::toggled, volume, &VolumeView3D::setShaded);
    m_table->separator();
    struct Entry { const char* id; QString text; Vec3 from; };
    for (const Entry& entry : {Entry{"look-front", tr("From the front"), {0, -1, 0}}, Entry{"look-back", tr("From behind"), {0, 1, 0}}, Entry{"look-left", tr("From the left"), {1, 0, 0}},
             Entry{"look-right", tr("From the right"), {-1, 0, 0}}, Entry{"look-above", tr("From above"), {0, 0, 1}}, Entry{"look-below", tr("From below"), {0, 0, -1}}}) {
        m_table->add({entry.id, {}, entry.text, {}, ActionTable::NeedsImage}, [volume, from = entry.from] { volume->lookFrom(from); });
    }
    m_table->endSubmenu();
}

void ViewActions::cutVolume()
{
    const Scene* scene = m_window->scene();
    VolumeView3D* volume = m_window->grid()->volumeView();
    if (m_cut->isChecked() && scene->active().isVolume()) {
        // The reader looks along the normal: what lies in front of the plane goes.
        volume->setClipPlane(scene->cursor(), scene->active().normal(scene->activePlane()) * -1.0);
    } else {
        volume->clearClipPlane();
    }
}

void ViewActions::turn(int axis, double degrees)
{
    const SliceView* view = m_window->grid()->activeView();
    if (view->isEmpty()) {
        return;
    }
    const SliceFrame frame = view->frame();
    const Vec3 direction = axis == 0 ? frame.right : axis == 1 ? frame.down : frame.normal();
    Scene* scene = m_window->scene();
    scene->setTurn(scene->active().turn.turnedAbout(direction, degrees * std::numbers::pi / 180));
}

void ViewActions::fillSeriesMenu(QMenu& menu, const QString& seriesKey) const
{
    MainWindow* w = m_window;
    const auto show = [w, seriesKey](int cell) {
        if (const dicom::Series* series = w->browser()->findSeries(seriesKey.toStdString())) {
            cell < 0 ? w->placer()->show(*series) : w->placer()->showIn(cell, *series);
        }
    };
    QAction* here = menu.addAction(tr("Show"), w, [show] { show(-1); });
    menu.setDefaultAction(here);
    const ViewGrid* grid = w->grid();
    for (int cell = 0; cell < grid->count() && !w->scene()->isEmpty(); ++cell) {
        if (grid->gridLayout().show(cell) != CellShow::Volume) {
            menu.addAction(tr("Show in view &%1").arg(cell + 1), w, [show, cell] { show(cell); });
        }
    }
}

} // namespace hf::app
