#pragma once

#include "assistant/client/EngineClient.h"

#include <QHash>
#include <QWidget>

class QHBoxLayout;
class QLabel;
class QPlainTextEdit;
class QPushButton;
class QTabWidget;
class QTextBrowser;

namespace hf {

class Scene;

/// The conversation about the view: questions, streamed answers, links to structures; what happened behind the scene on a second page.
/// Each series has its own conversation, which is there again when the series is shown again. It lives here: an engine that dies takes nothing
/// of it along.
class ChatPanel : public QWidget {
    Q_OBJECT
public:
    ChatPanel(Scene* scene, assistant::EngineClient* client, QWidget* parent = nullptr);

    /// Puts a question ready to be sent.
    void setQuestion(const QString& question);
    QString question() const;
    /// Sends what stands in the input.
    void send();
    void stop();
    /// Takes the last question back and asks it again, about what is seen now.
    void askAgain();
    /// Begins anew.
    void clearConversation();
    bool isBusy() const { return m_job != 0; }
    /// The conversation as plain text.
    QString conversationText() const;
    QString behindText() const;
    void focusInput();

Q_SIGNALS:
    void answered();    ///< Also after an error or a stop.
    /// The model called an expert whose weights the reader has not accepted; askAgain() once they are.
    void licenceNeeded(const QString& expert);

protected:
    bool eventFilter(QObject* object, QEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    /// One question and what came of it, as shown.
    struct Turn {
        QString question, view;
        QStringList stages;     ///< Text of the first and second answer so far.
        QString status;         ///< Of the expert, while it runs and after.
        QString problem;        ///< Translated; empty when all went well.
        QString source;         ///< Who answered: model and version.
        bool done = false;
    };
    struct Conversation {
        QList<Turn> turns;
        QList<assistant::Message> history;
        QString behind;         ///< As rich text.
    };

    void connectClient();
    void changeSeries();
    void render();
    QString turnHtml(const Turn& turn) const;
    QString withLinks(const QString& text) const;
    /// The question that the engine works on; its series need not be the active one.
    Turn& asked();
    void finish();
    void updateButtons();
    void updateExamples();
    void updateModelLine();
    QString modelName() const;
    void behind(const QString& title, const QString& text);
    QString problemText(const QString& code, const QString& message) const;

    Scene* m_scene;
    assistant::EngineClient* m_client;
    QLabel* m_model;
    QTabWidget* m_tabs;
    QTextBrowser* m_conversation;
    QTextBrowser* m_behind;
    QWidget* m_examples;
    QPlainTextEdit* m_input;
    QPushButton* m_send;
    QList<Turn> m_turns;
    QList<assistant::Message> m_history;
    QString m_series;           ///< Key of the series that this is about.
    QHash<QString, Conversation> m_others;
    qsizetype m_historyBefore = 0;  ///< Messages before the last question.
    QString m_called;           ///< The expert that the model asked for.
    quint64 m_job = 0;
    QString m_jobSeries;        ///< That the question is about.
};

} // namespace hf
