#pragma once

#include <QDialog>

class QCheckBox;
class QLabel;
class QLineEdit;
class QListWidget;
class QProgressBar;
class QPushButton;
class QTreeWidget;

namespace hf::app {

class Library;

/// The studies on this computer: search while typing, open, import, remove. Arrow keys go from the search field into the list.
class LibraryWindow : public QDialog {
    Q_OBJECT
public:
    explicit LibraryWindow(Library* library, QWidget* parent = nullptr);

    void search(const QString& words);

Q_SIGNALS:
    void openAsked(qint64 study);

protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    void makeSearch();
    void makeList();
    void makeButtons();
    void connectLibrary();
    void fill();
    void showSeries();
    void updateState();
    void open();
    void importFolder();
    void importFiles();
    void removeChosen();

    Library* m_library;
    QLineEdit* m_search;
    QTreeWidget* m_list;
    QListWidget* m_series;
    QLabel* m_hint;         ///< In the middle of an empty list.
    QLabel* m_state;
    QCheckBox* m_copy;
    QProgressBar* m_progress;
    QPushButton *m_open, *m_remove, *m_cancel, *m_importFolder, *m_importFiles;
};

} // namespace hf::app
