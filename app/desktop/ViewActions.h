#pragma once

#include <QObject>

class QAction;
class QMenu;

namespace hf {
struct GridLayout;
}

namespace hf::app {

class ActionTable;
class MainWindow;

/// The commands about several views: layouts, which series stands where, what scrolls together, oblique planes.
class ViewActions : public QObject {
    Q_OBJECT
public:
    ViewActions(MainWindow* window, ActionTable* table);

    /// "Show in view 1" ... for a series of the study list.
    void fillSeriesMenu(QMenu& menu, const QString& seriesKey) const;

private:
    void addLayouts();
    void addSeries();
    void addLinks();
    void addPlanes();
    void addVolume();
    /// Moves the cut of the volume to the active plane, or takes it away.
    void cutVolume();
    /// Turns the planes of the active series about a direction of the active view.
    void turn(int axis, double degrees);

    MainWindow* m_window;
    ActionTable* m_table;
    QAction* m_cut = nullptr;
};

} // namespace hf::app
