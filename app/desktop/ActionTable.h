#pragma once

#include <QKeySequence>
#include <QList>
#include <QObject>
#include <QString>

#include <functional>

class QAction;
class QMainWindow;
class QMenu;
class QToolBar;

namespace hf::app {

/// Every command of the window, entered once: menus, tool bar, shortcuts and the sheet of keys are made from it. Single keys do not take
/// Space from a button or a list that has the focus.
class ActionTable : public QObject {
    Q_OBJECT
public:
    enum Flag { NeedsImage = 1, InBar = 2, Checkable = 4, Checked = 8 };
    struct Spec {
        QString id;             ///< Object name of the action, stable.
        QString icon;           ///< May be empty.
        QString text;
        QList<QKeySequence> keys;   ///< The first is shown.
        int flags = 0;
        QString step;           ///< Name of the step of undo that it makes of the views; empty: it makes none.
    };
    using Change = std::function<void(const QString& step, const std::function<void()>& slot)>;

    /// An action as the reader knows it, with its keys now and as delivered.
    struct Command {
        QString id, menu, text;
        QList<QKeySequence> keys, usual;
    };

    /// @param change  runs the slot of an action that makes a step, so that it can be undone.
    ActionTable(QMainWindow* window, Change change);

    /// A menu of the menu bar; what is added from now on stands there.
    QMenu* beginMenu(const QString& title);
    QMenu* beginSubmenu(const QString& icon, const QString& title);
    void endSubmenu();
    void separator(bool inBarToo = false);
    QAction* add(const Spec& spec, std::function<void()> slot);

    QToolBar* bar() const { return m_bar; }
    QAction* find(const QString& id) const;
    QList<Command> commands() const;
    /// Nothing where there is no such command.
    void setKeys(const QString& id, const QList<QKeySequence>& keys);
    /// Enables what needs an image.
    void setImageShown(bool shown);
    /// A rich text table of all commands with a key, menu by menu.
    QString keysAsHtml() const;

protected:
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    struct Entry {
        QString menu;
        QAction* action;
        bool needsImage;
        QString text;           ///< As delivered; an action may say more ("Undo: ...").
        QList<QKeySequence> usual;
    };
    QMainWindow* m_window;
    Change m_change;
    QToolBar* m_bar;
    QList<QMenu*> m_menus;      ///< The open ones, innermost last.
    QString m_title;            ///< Of the menu of the menu bar.
    QList<Entry> m_entries;
};

} // namespace hf::app
