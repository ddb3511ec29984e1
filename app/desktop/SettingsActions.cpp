#include "app/desktop/SettingsActions.h"

#include "app/desktop/ActionTable.h"
#include "app/desktop/EngineDialog.h"
#include "app/desktop/InputDialog.h"
#include "app/desktop/MainWindow.h"
#include "viewer/widgets/Scene.h"

#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QSettings>

namespace hf::app {

namespace {

constexpr auto kThemeKey = "window/theme", kMouseKey = "window/mouse", kKeysGroup = "keys";
constexpr auto kModelKey = "assistant/model", kDeviceKey = "assistant/device", kPrecisionKey = "assistant/precision", kQuantisationKey = "assistant/quantization";

QSettings settings() { return QSettings(QSettings::IniFormat, QSettings::UserScope, "Hounsfield", QCoreApplication::applicationName()); }

} // namespace

MouseMap savedMouse() { return mouseMapFromString(settings().value(kMouseKey).toString()); }

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

/// Those that are as delivered are not kept, so that later versions may change them.
void saveKeys(const ActionTable& table)
{
    QSettings file = settings();
    file.remove(kKeysGroup);
    file.beginGroup(kKeysGroup);
    for (const ActionTable::Command& command : table.commands()) {
        if (command.keys != command.usual) {
            file.setValue(command.id, QKeySequence::listToString(command.keys, QKeySequence::PortableText));
        }
    }
}

void setMouse(Scene* scene, const MouseMap& map)
{
    scene->setMouseMap(map);
    settings().setValue(kMouseKey, toString(map));
}

/// Schemes to choose from, and a dialog for everything else.
void addMouse(MainWindow* window, ActionTable* table)
{
    Scene* scene = window->scene();
    scene->setMouseMap(savedMouse());
    table->separator();
    struct Entry { const char* id; QString text; const char* key; MouseMap map; };
    const Entry entries[] = {{"standardMouse", MainWindow::tr("Mouse: left drag changes the window, right drag zooms"), "", MouseMap::standard()},
        {"reportingMouse", MainWindow::tr("Mouse: left drag scrolls, right drag changes the window"), "Ctrl+Shift+M", MouseMap::reporting()},
        {"slicerMouse", MainWindow::tr("Mouse as in 3D Slicer: left drag moves the crosshair, right drag zooms"), "", MouseMap::slicer()}};
    auto* group = new QActionGroup(table);
    // The key switches to and fro.
    group->setExclusionPolicy(QActionGroup::ExclusionPolicy::ExclusiveOptional);
    const auto follow = [group, scene] {
        for (QAction* action : group->actions()) {
            action->setChecked(action->data().toString() == toString(scene->mouseMap()));
        }
    };
    for (const Entry& entry : entries) {
        const QList<QKeySequence> keys = *entry.key ? QList<QKeySequence>{QKeySequence(entry.key)} : QList<QKeySequence>();
        QAction* action = table->add({entry.id, {}, entry.text, keys, ActionTable::Checkable}, [scene, follow, map = entry.map] {
            setMouse(scene, scene->mouseMap() == map ? MouseMap::standard() : map);
            follow();
        });
        action->setData(toString(entry.map));
        group->addAction(action);
    }
    follow();
    table->add({"input", {}, MainWindow::tr("Keys and mouse ..."), {}, 0}, [window, table, scene, follow] {
        InputDialog dialog(*table, scene->mouseMap(), window);
        if (dialog.exec() != QDialog::Accepted) {
            return;
        }
        setMouse(scene, dialog.mouse());
        follow();
        for (auto at = dialog.keys().begin(); at != dialog.keys().end(); ++at) {
            table->setKeys(at.key(), at.value());
        }
        saveKeys(*table);
    });
    table->separator();
}

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

void applySavedKeys(ActionTable* table)
{
    QSettings file = settings();
    file.beginGroup(kKeysGroup);
    for (const QString& id : file.childKeys()) {
        // Of nothing it makes one key that is none.
        QList<QKeySequence> keys = QKeySequence::listFromString(file.value(id).toString(), QKeySequence::PortableText);
        keys.removeAll(QKeySequence());
        table->setKeys(id, keys);
    }
}

void addSettingsActions(MainWindow* window, ActionTable* table)
{
    table->beginMenu(MainWindow::tr("&Settings"));
    const bool isLight = theme::kind() == theme::Kind::Light;
    QAction* light = table->add({"lightTheme", {}, MainWindow::tr("Light panels"), {QKeySequence("Ctrl+Shift+K")}, ActionTable::Checkable | (isLight ? ActionTable::Checked : 0)}, [] {});
    QObject::connect(light, &QAction::toggled, window, [](bool on) {
        theme::apply(*qApp, on ? theme::Kind::Light : theme::Kind::Dark);
        settings().setValue(kThemeKey, on ? "light" : "dark");
    });
    addMouse(window, table);
    table->add({"assistantSettings", {}, MainWindow::tr("Assistant ..."), {QKeySequence("Ctrl+Shift+A")}, 0}, [window] { changeEngine(window); });
}

} // namespace hf::app
