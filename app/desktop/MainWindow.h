#pragma once

#include "app/desktop/Loader.h"

#include <QMainWindow>

class QLabel;
class QProgressBar;
class QStackedWidget;
class QToolButton;

namespace hf {
class ChatPanel;
class LabelPanel;
class Scene;
class StudyBrowser;
class ViewGrid;
namespace assistant {
class EngineClient;
}
} // namespace hf

namespace hf::app {

/// The reader's window: studies at the left, views in the middle, assistant and labels at the right.
class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    /// @param modelFolder, engineProgram  empty: the embedded demo model, the engine beside the program.
    explicit MainWindow(const QString& modelFolder = {}, const QString& engineProgram = {}, QWidget* parent = nullptr);
    ~MainWindow() override;

    /// Adds what is there to the list and shows the main series.
    void openPaths(const QStringList& paths);
    void openSample();
    /// Ready to be sent once the study is shown.
    void setQuestion(const QString& question);

    Scene* scene() const { return m_scene; }
    ViewGrid* grid() const { return m_grid; }
    ChatPanel* chat() const { return m_chat; }
    LabelPanel* labels() const { return m_labels; }
    StudyBrowser* browser() const { return m_browser; }
    assistant::EngineClient* engine() const { return m_engine; }
    Loader* loader() const { return m_loader; }

protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    QWidget* makeEmptyState();
    void makeDocks();
    void makeActions();
    void makeStatusBar();
    void connectLoader();
    void chooseFolder();
    void chooseFiles();
    void applyPreset(int key);
    void savePicture();
    void showKeys();
    void showAbout();
    void showPresetMenu(QPoint at);
    void showProblem(const QString& code, const QString& message);
    void updateState();

    Scene* m_scene;
    assistant::EngineClient* m_engine;
    Loader* m_loader;
    QStackedWidget* m_pages;
    ViewGrid* m_grid;
    StudyBrowser* m_browser;
    ChatPanel* m_chat;
    LabelPanel* m_labels;
    QLabel* m_state;
    QProgressBar* m_progress;
    QToolButton* m_cancel;
    QList<QAction*> m_needVolume;
    QAction* m_showMask = nullptr;
    QString m_question;
};

/// Folder of the embedded sample study; empty when it is not installed.
QString sampleFolder();

} // namespace hf::app
