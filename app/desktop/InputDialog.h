#pragma once

#include "app/desktop/ActionTable.h"
#include "viewer/widgets/Scene.h"

#include <QDialog>
#include <QHash>

class QComboBox;
class QKeySequenceEdit;
class QLabel;
class QPushButton;
class QTreeWidget;
class QTreeWidgetItem;

namespace hf::app {

/// Lets the reader choose the key of every command and what the buttons of the mouse do. Nothing changes before it is accepted.
class InputDialog : public QDialog {
    Q_OBJECT
public:
    InputDialog(const ActionTable& table, const MouseMap& mouse, QWidget* parent);

    MouseMap mouse() const;
    /// Of all commands, by id.
    const QHash<QString, QList<QKeySequence>>& keys() const { return m_keys; }

private:
    QWidget* makeMouse(const MouseMap& mouse);
    QWidget* makeKeys();
    void fill();
    void showCommand();
    void setKey(const QKeySequence& key);
    void setKeys(const QString& id, const QList<QKeySequence>& keys);
    void restoreAll();
    void showScheme();
    QTreeWidgetItem* itemOf(const QString& id) const;
    const ActionTable::Command* current() const;

    QList<ActionTable::Command> m_commands;
    QHash<QString, QList<QKeySequence>> m_keys;
    QComboBox *m_scheme, *m_left, *m_middle, *m_right;
    QTreeWidget* m_list;
    QKeySequenceEdit* m_edit;
    QPushButton *m_none, *m_usual;
    QLabel* m_remark;
};

/// The map as a word in the settings, and back: "standard", "reporting", "slicer" or three words of drags.
QString toString(const MouseMap& map);
MouseMap mouseMapFromString(const QString& text);

} // namespace hf::app
