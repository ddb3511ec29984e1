#pragma once

#include "app/desktop/Loader.h"
#include "app/desktop/RefusedFiles.h"
#include "assistant/client/EngineClient.h"

#include <QMainWindow>

class QLabel;
class QProgressBar;
class QStackedWidget;
class QToolButton;

namespace hf {
class ChatPanel;
class Cine;
class Findings;
class LabelPanel;
class Scene;
class StudyBrowser;
class ViewGrid;
} // namespace hf

namespace hf::app {

class Hanging;
class SeriesPlacer;
class Library;
class LibraryWindow;
class StartPage;
class WindowActions;

/// The reader's window: studies at the left, views in the middle, assistant and labels at the right.
class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    struct Options {
        assistant::EngineClient::Options engine;
        QString findingsFolder;     ///< Empty: the user's data folder.
        QString hangingFolder;      ///< Hanging rules of the user; empty: in the user's data folder.
        QString libraryFolder;      ///< The list of studies; empty: in the user's data folder.
    };
    explicit MainWindow(const Options& options = {}, QWidget* parent = nullptr);
    ~MainWindow() override;

    /// Adds what is there to the list and shows the main series.
    void openPaths(const QStringList& paths);
    void openSample();
    /// The studies on this computer.
    void showLibrary();
    /// One of them, by its number in the list.
    void openListed(qint64 study);
    /// Ready to be sent once the study is shown.
    void setQuestion(const QString& question);
    void chooseFolder();
    void chooseFiles();
    void savePicture();
    void closeAll();
    bool hasRefused() const { return !m_refused.isEmpty(); }
    /// The files that the last scan could not use, with their reasons.
    void showRefused();
    /// Gives the keyboard to the active view.
    void focusImages();
    /// Shows the dock that a panel lies in, where it was hidden.
    void showPanelOf(const QWidget* content);
    /// Reads the hanging rules again and tells those that were refused.
    void reloadHanging();
    /// Tells in the status line, for some seconds, what was done.
    void tell(const QString& message);
    /// Tells what went wrong and why; `code` is an Error's.
    void showProblem(const QString& code, const QString& message);

    Scene* scene() const { return m_scene; }
    ViewGrid* grid() const { return m_grid; }
    ChatPanel* chat() const { return m_chat; }
    LabelPanel* labels() const { return m_labels; }
    StudyBrowser* browser() const { return m_browser; }
    assistant::EngineClient* engine() const { return m_engine; }
    Loader* loader() const { return m_loader; }
    Library* library() const { return m_library; }
    Findings* findings() const { return m_findings; }
    Cine* cine() const { return m_cine; }
    SeriesPlacer* placer() const { return m_placer; }
    Hanging* hanging() const { return m_hanging; }

protected:
    void changeEvent(QEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void makePages();
    void makeDocks();
    void makeStatusBar();
    void connectLoader();
    void endProgress();
    void updateState();

    Scene* m_scene;
    Findings* m_findings;
    Cine* m_cine;
    assistant::EngineClient* m_engine;
    Loader* m_loader;
    Library* m_library;
    LibraryWindow* m_libraryWindow = nullptr;   ///< Made when it is first asked for.
    QStackedWidget* m_pages;
    StartPage* m_start;
    ViewGrid* m_grid;
    StudyBrowser* m_browser;
    SeriesPlacer* m_placer;
    Hanging* m_hanging;
    ChatPanel* m_chat;
    LabelPanel* m_labels;
    QLabel* m_state;
    QProgressBar* m_progress;
    QToolButton* m_cancel;
    WindowActions* m_actions = nullptr;
    QString m_question;
    QList<RefusedFile> m_refused;       ///< By the last scan.
};

/// Folder of the embedded sample study; empty when it is not installed.
QString sampleFolder();

} // namespace hf::app
