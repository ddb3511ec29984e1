#include "app/desktop/SettingsActions.h"

#include "app/desktop/ActionTable.h"
#include "app/desktop/EngineDialog.h"
#include "app/desktop/MainWindow.h"
#include "viewer/widgets/Scene.h"

#include <QAction>
#include <QApplication>
#include <QSettings>

namespace hf::app {

namespace {

constexpr auto kThemeKey = "window/theme", kMouseKey = "window/mouse";
constexpr auto kModelKey = "assistant/model", kDeviceKey = "assistant/device", kPrecisionKey = "assistant/precision", kQuantisationKey = "assistant/quantization";

QSettings settings() { return QSettings(QSettings::IniFormat, QSettings::UserScope, "Hounsfield", QCoreApplication::applicationName()); }

} // namespace

theme::Kind savedTheme() { return settings().value(kThemeKey).toString() == "light" ? theme::Kind::Light : theme::Kind::Dark; }

assistant::EngineClient::Options savedEngine(const assistant::EngineClient::Options& commandLine)
{
    const assistant::EngineClient::Options usual;
    const QSettings file = settings();
    const auto value = [&](const char* key, const QString& given, const QString& otherwise) { return given != otherwise ? given : file.value(key, otherwise).toString(); };
    return {commandLine.program, value(kModelKey, commandLine.modelDirectory, usual.modelDirectory), value(kDeviceKey, commandLine.device, usual.device),
        value(kPrecisionKey, commandLine.precision, usual.precision), value(kQuantisationKey, commandLine.quantisation, usual.quantisation)};
}

namespace {

void changeEngine(MainWindow* window)
{
    EngineDialog dialog(window->engine()->options(), window);
    if (dialog.exec() != QDialog::Accepted) {
        return;
    }
    const assistant::EngineClient::Options options = dialog.options();
    QSettings file = settings();
    file.setValue(kModelKey, options.modelDirectory);
    file.setValue(kDeviceKey, options.device);
    file.setValue(kPrecisionKey, options.precision);
    file.setValue(kQuantisationKey, options.quantisation);
    window->engine()->setOptions(options);
}

} // namespace

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
    table->add({"assistantSettings", {}, MainWindow::tr("Assistant ..."), {QKeySequence("Ctrl+Shift+A")}, 0}, [window] { changeEngine(window); });
}

} // namespace hf::app
