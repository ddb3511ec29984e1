#pragma once

#include "assistant/client/EngineClient.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/Theme.h"

namespace hf {
class Scene;
}

namespace hf::app {

class ActionTable;
class MainWindow;

/// The theme that the reader chose the last time; dark at first.
theme::Kind savedTheme();

/// How the reader wants the assistant to run. What the command line says of it goes first.
assistant::EngineClient::Options savedEngine(const assistant::EngineClient::Options& commandLine);

/// What the buttons of the mouse do, as it was left.
MouseMap savedMouse();
/// Keys that the reader chose; after all actions are there.
void applySavedKeys(ActionTable* table);
/// The menu of settings, keys among them: theme, mouse scheme and the assistant, kept for the next time.
void addSettingsActions(MainWindow* window, ActionTable* table);

} // namespace hf::app
