#pragma once

#include "viewer/dicom/Tags.h"

#include <QDialog>

class QLabel;
class QLineEdit;
class QTreeWidget;

namespace hf {

class Scene;

/// The attributes of the file behind the shown slice, with search; follows the slice while it is open. Files are read on another thread.
class TagBrowser : public QDialog {
    Q_OBJECT
public:
    explicit TagBrowser(Scene* scene, QWidget* parent = nullptr);

    QTreeWidget* list() const { return m_list; }
    /// File of the slice that the cursor lies in; empty for other formats.
    std::filesystem::path file() const;

private:
    void follow();
    void read();
    void fill(const std::vector<dicom::TagRow>& rows);
    void filter();
    void copyChosen();

    Scene* m_scene;
    QLabel* m_title;
    QLineEdit* m_search;
    QTreeWidget* m_list;
    QLabel* m_count;
    std::filesystem::path m_shown;
    int m_total = 0;
};

} // namespace hf
