#include "app/desktop/SettingsActions.h"

#include "app/desktop/ActionTable.h"
#include "app/desktop/MainWindow.h"
#include "viewer/widgets/Scene.h"

#include <QAction>
#include <QApplication>
#include <QSettings>

namespace hf::app {

namespace {

constexpr auto kThemeKey = "window/theme", kMouseKey = "window/mouse";

QSettings settings() { return QSettings(QSettings::IniFormat, QSettings::UserScope, "Hounsfield", QCoreApplication::applicationName()); }

} // namespace

theme::Kind savedTheme() { return settings().value(kThemeKey).toString() == "light" ? theme::Kind::Light : theme::Kind::Dark; }

void addSettingsActions(MainWindow* window, ActionTable* table)
{
    table->beginMenu(MainWindow::tr("&Settings"));
    const bool isLight = theme::kind() == theme::Kind::Light;
    QAction* light = table->add({"lightTheme", {}, MainWindow::tr("Light panels"), {QKeySequence("Ctrl+Shift+K")}, ActionTable::Checkable | (isLight ? ActionTable::Checked : 0)}, [] {});
    QObject::connect(light, &QAction::toggled, window, [](bool on) {
        theme::apply(*qApp, on ? theme::Kind::Light : theme::Kind::Dark);
        settings().setValue(kThemeKey, on ? "light" : "dark");
    });
    const bool isReporting = settings().value(kMouseKey).toString() == "reporting";
    QAction* mouse = table->add({"reportingMouse", {}, MainWindow::tr("Mouse: left drag scrolls, right drag changes the window"), {QKeySequence("Ctrl+Shift+M")},
                                    ActionTable::Checkable | (isReporting ? ActionTable::Checked : 0)}, [] {});
    Scene* scene = window->scene();
    scene->setMouseScheme(isReporting ? MouseScheme::Reporting : MouseScheme::Standard);
    QObject::connect(mouse, &QAction::toggled, window, [scene](bool on) {
        scene->setMouseScheme(on ? MouseScheme::Reporting : MouseScheme::Standard);
        settings().setValue(kMouseKey, on ? "reporting" : "standard");
    });
}

} // namespace hf::app
