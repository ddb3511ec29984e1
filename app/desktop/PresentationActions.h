#pragma once

namespace hf::app {

class ActionTable;
class MainWindow;

/// The commands about presentation states of the active series: on and off, and which one. They stand in the menu that is open.
void addPresentationActions(MainWindow* window, ActionTable* table);

} // namespace hf::app
