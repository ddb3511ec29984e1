#pragma once

#include <QWidget>

class QLabel;
class QPushButton;
class QTreeWidget;
class QTreeWidgetItem;

namespace hf {

class Findings;
class Scene;

/// The measurements of the study: one row each; choosing one goes there, its text can be edited in place.
class FindingsPanel : public QWidget {
    Q_OBJECT
public:
    FindingsPanel(Scene* scene, Findings* findings, QWidget* parent = nullptr);

    QTreeWidget* list() const { return m_list; }
    /// As lines with tabs, for a report or a spreadsheet.
    QString asText() const;

private:
    void fill();
    void updateSelection();
    QString whereText(int row) const;
    QTreeWidgetItem* itemOf(int id) const;

    Scene* m_scene;
    Findings* m_findings;
    QLabel* m_hint;
    QTreeWidget* m_list;
    QPushButton* m_copy;
    QPushButton* m_remove;
    bool m_isFilling = false;
};

} // namespace hf
