#pragma once

#include "viewer/widgets/Theme.h"

namespace hf {
class Scene;
}

namespace hf::app {

class ActionTable;
class MainWindow;

/// The theme that the reader chose the last time; dark at first.
theme::Kind savedTheme();

/// The menu of settings: theme and mouse scheme, kept for the next time.
void addSettingsActions(MainWindow* window, ActionTable* table);

} // namespace hf::app
