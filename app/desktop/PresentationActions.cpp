#include "app/desktop/PresentationActions.h"

#include "app/desktop/ActionTable.h"
#include "app/desktop/MainWindow.h"
#include "viewer/dicom/Presentation.h"
#include "viewer/widgets/NoteText.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/ViewGrid.h"
#include "viewer/widgets/ViewHistory.h"

#include <QAction>
#include <QMenu>

namespace hf::app {

namespace {

QString titleOf(const dicom::Presentation& state)
{
    QStringList parts{QString::fromStdString(state.label)};
    if (!state.description.empty()) {
        parts << QString::fromStdString(state.description);
    }
    const QString created = QString::fromStdString(state.created);
    if (created.size() >= 12) {
        parts << QStringLiteral("%1-%2-%3 %4:%5").arg(created.mid(0, 4), created.mid(4, 2), created.mid(6, 2), created.mid(8, 2), created.mid(10, 2));
    }
    QStringList missing;
    for (const std::string& word : state.notApplied) {
        missing << wordText(QString::fromStdString(word));
    }
    const QString title = parts.join("  ");
    return missing.isEmpty() ? title : MainWindow::tr("%1 (without: %2)").arg(title, missing.join(", "));
}

void fill(QMenu& menu, Scene* scene, ViewHistory* history)
{
    const auto add = [&](const QString& title, int state) {
        QAction* action = menu.addAction(title, scene, [scene, history, state] { history->change(MainWindow::tr("Presentation state"), [scene, state] { scene->setPresentation(state); }); });
        action->setCheckable(true);
        action->setChecked(scene->active().presentation == state);
    };
    menu.clear();
    add(MainWindow::tr("None: the image as stored"), -1);
    const auto& states = scene->series().presentations;
    for (std::size_t n = 0; n < states.size(); ++n) {
        add(titleOf(*states[n]).replace('&', QLatin1String("&&")), int(n));
    }
}

/// Images that are paged through, taken from a mask (digital subtraction).
void addSubtraction(Scene* scene, ActionTable* table)
{
    QAction* toggle = table->add({"subtract", {}, MainWindow::tr("Subtract the mask"), {QKeySequence("Shift+M")}, ActionTable::Checkable, MainWindow::tr("Subtract the mask")}, [scene] { scene->setSubtracted(!scene->isSubtracted()); });
    QAction* mask = table->add({"subtractMask", {}, MainWindow::tr("Take this image as the mask"), {QKeySequence("Ctrl+M")}, 0, MainWindow::tr("Take this image as the mask")}, [scene] { scene->setMaskImage(); });
    const auto follow = [scene, toggle, mask] {
        const bool can = scene->active().canSubtract();
        toggle->setEnabled(can);
        mask->setEnabled(can);
        toggle->setChecked(can && scene->isSubtracted());
    };
    for (const auto signal : {&Scene::volumeChanged, &Scene::presentationChanged, &Scene::subtractionChanged}) {
        QObject::connect(scene, signal, toggle, follow);
    }
    follow();
}

} // namespace

void addPresentationActions(MainWindow* window, ActionTable* table)
{
    Scene* scene = window->scene();
    QAction* toggle = table->add({"presentation", {}, MainWindow::tr("Presentation state"), {QKeySequence("Shift+S")}, ActionTable::Checkable, MainWindow::tr("Presentation state")},
        [scene] { scene->setPresentation(scene->active().presentation < 0 ? 0 : -1); });
    QMenu* menu = table->beginSubmenu({}, MainWindow::tr("Choose the presentation state"));
    menu->setObjectName("presentationMenu");
    table->endSubmenu();
    QObject::connect(menu, &QMenu::aboutToShow, menu, [menu, scene, history = window->grid()->history()] { fill(*menu, scene, history); });
    const auto follow = [scene, toggle, menu] {
        const bool any = !scene->isEmpty() && !scene->series().presentations.empty();
        toggle->setEnabled(any);
        menu->menuAction()->setEnabled(any);
        toggle->setChecked(any && scene->active().presentation >= 0);
    };
    QObject::connect(scene, &Scene::volumeChanged, toggle, follow);
    QObject::connect(scene, &Scene::presentationChanged, toggle, follow);
    follow();
    addSubtraction(scene, table);
}

} // namespace hf::app
