#pragma once

#include <QList>
#include <QObject>

class QAction;
class QSpinBox;

namespace hf {
class SliceView;
}

namespace hf::app {

class ActionTable;
class MainWindow;
class ViewActions;

/// Fills the window's menus, tool bar and keys, and the menu of a view.
class WindowActions : public QObject {
    Q_OBJECT
public:
    explicit WindowActions(MainWindow* window);

    ActionTable* table() const { return m_table; }
    /// Menu of a right click on a 2D view.
    void showViewMenu(SliceView* view, QPoint at);
    /// Menu of a series in the study list.
    void showSeriesMenu(const QString& seriesKey, QPoint at);
    void updateState();

private:
    void addFile();
    void addEdit();
    void addView();
    void addPanels();
    void addWindows();
    void addSlabs();
    void addTools();
    void addAssistant();
    void addHelp();
    void addCine();
    QString mouseAsHtml() const;
    void showKeys();
    void showAbout();
    void escape();

    MainWindow* m_window;
    ActionTable* m_table;
    ViewActions* m_views = nullptr;
    QSpinBox* m_speed = nullptr;
};

} // namespace hf::app
