#include "assistant/panel/ChatPanel.h"

#include "viewer/widgets/Scene.h"
#include "viewer/widgets/Theme.h"

#include <QHBoxLayout>
#include <QJsonArray>
#include <QKeyEvent>
#include <QLabel>
#include <QLocale>
#include <QMap>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QRegularExpression>
#include <QScrollBar>
#include <QTabWidget>
#include <QTextBrowser>
#include <QUrl>
#include <QVBoxLayout>

#include <algorithm>

namespace hf {

namespace {

QString text(const std::string& s) { return QString::fromStdString(s); }

/// Scores of a classifier, the highest first, with their spread over its models.
QString scoreText(const assistant::ExpertOutcome& outcome)
{
    const QLocale locale;
    QString all = ChatPanel::tr("Scores by %1 %2 (0.5 is the operating point):").arg(outcome.expert, outcome.version);
    for (const assistant::ExpertScore& score : outcome.scores) {
        all += "\n" + ChatPanel::tr("%1 %2 (%3 to %4, %5 models)").arg(score.label, locale.toString(score.mean, 'f', 2), locale.toString(score.lowest, 'f', 2), locale.toString(score.highest, 'f', 2), locale.toString(score.models));
    }
    return all;
}

} // namespace

ChatPanel::ChatPanel(Scene* scene, assistant::EngineClient* client, QWidget* parent) : QWidget(parent), m_scene(scene), m_client(client)
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(8, 8, 8, 8);
    m_model = new QLabel(this);
    m_model->setWordWrap(true);
    m_model->setObjectName("modelLine");
    m_model->setProperty("tone", "warning");
    layout->addWidget(m_model);
    m_tabs = new QTabWidget(this);
    m_conversation = new QTextBrowser(this);
    m_conversation->setObjectName("conversation");
    m_conversation->setOpenLinks(false);
    m_conversation->setAccessibleName(tr("Conversation"));
    m_behind = new QTextBrowser(this);
    m_behind->setObjectName("behind");
    m_behind->setAccessibleName(tr("Behind the scene"));
    m_tabs->setAccessibleName(tr("Conversation and what is behind it"));
    m_tabs->addTab(m_conversation, tr("Conversation"));
    m_tabs->addTab(m_behind, tr("Behind the scene"));
    layout->addWidget(m_tabs, 1);
    m_examples = new QWidget(this);
    m_examples->setLayout(new QVBoxLayout);
    m_examples->layout()->setContentsMargins(0, 0, 0, 0);
    m_examples->layout()->setSpacing(4);
    layout->addWidget(m_examples);
    auto* row = new QHBoxLayout;
    m_input = new QPlainTextEdit(this);
    m_input->setObjectName("question");
    m_input->setPlaceholderText(tr("Ask about the active view"));
    m_input->setFixedHeight(64);
    m_input->setTabChangesFocus(true);
    m_input->setAcceptDrops(false);     // a dropped file is to be opened by the window
    m_input->installEventFilter(this);
    m_input->setAccessibleName(tr("Question"));
    m_send = new QPushButton(this);
    m_send->setObjectName("primary");
    m_send->setMinimumHeight(64);
    row->addWidget(m_input, 1);
    row->addWidget(m_send);
    layout->addLayout(row);

    connect(m_send, &QPushButton::clicked, this, [this] { isBusy() ? stop() : send(); });
    connect(m_input, &QPlainTextEdit::textChanged, this, [this] { updateButtons(); });
    connect(m_conversation, &QTextBrowser::anchorClicked, this, [this](const QUrl& url) {
        if (url.scheme() == "label") {
            m_scene->jumpToLabel(LabelId(url.path().toInt()));
        }
    });
    connect(scene, &Scene::volumeChanged, this, [this] { changeSeries(); });
    connect(scene, &Scene::maskChanged, this, [this] { render(); });
    connectClient();
    updateModelLine();
    updateExamples();
    updateButtons();
    render();
}

void ChatPanel::changeSeries()
{
    // Another image, another conversation; what was said about the last one cannot be about this one. A question goes on while views show
    // its series.
    if (m_job && !m_scene->find(m_jobSeries.toStdString())) {
        m_client->cancel(m_job);
        asked().problem = problemText("cancelled", {});
        finish();
    }
    if (m_scene->isEmpty()) {
        m_others.clear();
    } else if (!m_series.isEmpty()) {
        m_others[m_series] = {m_turns, m_history, m_behind->toHtml()};
    }
    m_series = m_scene->isEmpty() ? QString() : text(m_scene->series().key);
    const Conversation kept = m_others.value(m_series);
    m_turns = kept.turns;
    m_history = kept.history;
    m_behind->setHtml(kept.turns.isEmpty() ? QString() : kept.behind);
    updateExamples();
    updateButtons();
    render();
}

void ChatPanel::connectClient()
{
    using Client = assistant::EngineClient;
    connect(m_client, &Client::infoChanged, this, [this] {
        updateModelLine();
        updateExamples();
    });
    connect(m_client, &Client::promptSent, this, [this](quint64 job, int stage, const QString& prompt) {
        if (job == m_job) {
            asked().stages.resize(stage + 1);
            behind(tr("Prompt %1").arg(stage + 1), prompt);
        }
    });
    connect(m_client, &Client::tokenReceived, this, [this](quint64 job, int stage, const QString& piece) {
        if (job == m_job) {
            asked().stages.resize(std::max<qsizetype>(asked().stages.size(), stage + 1));
            asked().stages[stage] += piece;
            render();
        }
    });
    connect(m_client, &Client::expertStarted, this, [this](quint64 job, const QString& name, const QString& arguments) {
        if (job == m_job) {
            m_called = name;
            asked().status = tr("%1 (%2) is working on the whole volume ...").arg(name, arguments);
            behind(tr("Expert call"), name + "(" + arguments + ")");
            render();
        }
    });
    connect(m_client, &Client::expertProgress, this, [this](quint64 job, double fraction, const QString& stage) {
        if (job == m_job) {
            asked().status = tr("Expert: %1, %2 %").arg(stage, QLocale().toString(fraction * 100, 'f', 0));
            render();
        }
    });
    connect(m_client, &Client::expertFinished, this, [this](quint64 job, const assistant::ExpertOutcome& outcome) {
        if (job == m_job) {
            asked().status = outcome.scores.isEmpty()
                ? tr("Mask by %1 %2 (%3), %4 s").arg(outcome.expert, outcome.version, outcome.arguments, QLocale().toString(outcome.milliseconds / 1000, 'f', 1))
                : scoreText(outcome);
            if (!outcome.notice.isEmpty()) {
                asked().status += "\n" + outcome.notice;
            }
            behind(tr("Expert reply, %1 %2").arg(outcome.expert, outcome.version), outcome.sentence);
            render();
        }
    });
    connect(m_client, &Client::chatFinished, this, [this](quint64 job, const assistant::ChatOutcome& outcome) {
        if (job != m_job) {
            return;
        }
        Turn& turn = asked();
        // The final text, stripped as the model's rules say.
        if (!turn.stages.isEmpty()) {
            turn.stages.back() = outcome.answer;
        }
        if (!outcome.expertError.isEmpty()) {
            turn.problem = tr("The expert that the model asked for did not run: %1").arg(outcome.expertError);
        }
        (m_jobSeries == m_series ? m_history : m_others[m_jobSeries].history).append(outcome.newMessages);
        const QJsonObject model = outcome.report["model"].toObject();
        QString details = tr("Model: %1 %2, weights %3").arg(model["name"].toString(), model["version"].toString(), model["sha256"].toString().left(16)) + "\n";
        for (auto entry = outcome.timingsMs.begin(); entry != outcome.timingsMs.end(); ++entry) {
            details += entry.key() + ": " + QLocale().toString(entry.value().toDouble(), 'f', 0) + " ms\n";
        }
        for (const QJsonValue& report : outcome.report["reports"].toArray()) {
            details += tr("tokens: prompt %1 (cached %2), new %3").arg(report["promptTokens"].toInt()).arg(report["cachedTokens"].toInt()).arg(report["newTokens"].toInt()) + "\n";
        }
        behind(tr("Timings and versions"), details);
        finish();
        if (m_jobSeries == m_series && outcome.report["expertErrorCode"].toString() == "licence") {
            Q_EMIT licenceNeeded(m_called);
        }
    });
    connect(m_client, &Client::failed, this, [this](quint64 job, const QString& code, const QString& message) {
        if (job == m_job) {
            asked().problem = problemText(code, message);
            behind(tr("Error"), code + ": " + message);
            finish();
        }
    });
}

QString ChatPanel::problemText(const QString& code, const QString& message) const
{
    if (code == "cancelled") {
        return tr("Stopped.");
    }
    if (code == "engine-died") {
        return tr("The engine ended unexpectedly. The conversation is kept; ask again and it is started anew.");
    }
    if (code == "engine-start") {
        return tr("The engine cannot be started: %1").arg(message);
    }
    if (code == "too-long") {
        return tr("The conversation is too long for this model. Start a new one.");
    }
    return tr("This did not work: %1").arg(message);
}

ChatPanel::Turn& ChatPanel::asked() { return m_jobSeries == m_series ? m_turns.back() : m_others[m_jobSeries].turns.back(); }

void ChatPanel::behind(const QString& title, const QString& content)
{
    const QString html = "<p style='color:" + theme::panel().accent.name() + "'><b>" + title.toHtmlEscaped() + "</b></p><pre style='white-space: pre-wrap'>" + content.toHtmlEscaped() + "</pre>";
    if (m_jobSeries == m_series) {
        m_behind->append(html);
    } else {
        m_others[m_jobSeries].behind += html;
    }
}

void ChatPanel::setQuestion(const QString& question)
{
    m_input->setPlainText(question);
    m_input->moveCursor(QTextCursor::End);
}

QString ChatPanel::question() const { return m_input->toPlainText().trimmed(); }

void ChatPanel::changeEvent(QEvent* event)
{
    // The colours of the conversation are those of the theme.
    if (event->type() == QEvent::PaletteChange && m_conversation) {
        render();
    }
    QWidget::changeEvent(event);
}

void ChatPanel::focusInput() { m_input->setFocus(); }

void ChatPanel::send()
{
    if (isBusy() || m_scene->isEmpty() || question().isEmpty()) {
        return;
    }
    assistant::ChatRequest request;
    request.volume = m_scene->volume();
    request.view = m_scene->view(m_scene->activePlane());
    request.question = question();
    request.history = m_history;
    Turn turn;
    turn.question = request.question;
    const QString plane = request.view.plane == Plane::Axial ? tr("axial") : request.view.plane == Plane::Sagittal ? tr("sagittal") : tr("coronal");
    turn.view = m_scene->sliceCount(request.view.plane) > 1 ? tr("%1, image %2").arg(plane).arg(request.view.slice + 1) : QString();
    if (m_scene->slab().isOn()) {
        turn.view += (turn.view.isEmpty() ? QString() : QStringLiteral(", ")) + tr("thin slice");
    }
    if (m_scene->active().isOblique(request.view.plane)) {
        turn.view += (turn.view.isEmpty() ? QString() : QStringLiteral(", ")) + tr("the straight slice, not the oblique one");
    }
    m_turns.append(turn);
    m_historyBefore = m_history.size();
    m_jobSeries = m_series;
    behind(tr("Question"), request.question);
    m_job = m_client->chat(request);
    m_input->clear();
    updateButtons();
    render();
}

void ChatPanel::askAgain()
{
    if (isBusy() || m_turns.isEmpty() || m_jobSeries != m_series) {
        return;
    }
    const QString draft = question();
    setQuestion(m_turns.takeLast().question);
    m_history.resize(m_historyBefore);
    send();
    setQuestion(draft);
}

void ChatPanel::stop()
{
    if (m_job) {
        m_client->cancel(m_job);
    }
}

void ChatPanel::finish()
{
    asked().done = true;
    asked().source = asked().stages.isEmpty() ? QString() : modelName();
    m_job = 0;
    updateButtons();
    render();
    Q_EMIT answered();
}

void ChatPanel::clearConversation()
{
    m_turns.clear();
    m_history.clear();
    m_job = m_jobSeries == m_series ? 0 : m_job;
    m_behind->clear();
    updateButtons();
    render();
}

void ChatPanel::updateButtons()
{
    m_send->setText(isBusy() ? tr("Stop") : tr("Ask"));
    m_send->setIcon(theme::icon(isBusy() ? "stop" : "send"));
    m_send->setEnabled(isBusy() || (!m_scene->isEmpty() && !question().isEmpty()));
    m_input->setEnabled(!m_scene->isEmpty());
    m_examples->setEnabled(!isBusy());
}

QString ChatPanel::modelName() const
{
    const auto& info = m_client->info();
    if (!info || !info->model) {
        return {};
    }
    const QString name = info->model->name + " " + info->model->version;
    return info->model->isDemo ? tr("%1, demo").arg(name) : name;
}

void ChatPanel::updateModelLine()
{
    const auto& info = m_client->info();
    if (info && info->model) {
        const QString name = info->model->name + " " + info->model->version;
        m_model->setText(info->model->isDemo ? tr("%1: a demo model, for trying out only. Not for diagnosis.").arg(name) : tr("AI answers by %1. Check them.").arg(name));
    } else {
        m_model->setText(tr("AI answers need checking. The model is loaded with the first question."));
    }
}

void ChatPanel::updateExamples()
{
    while (QLayoutItem* item = m_examples->layout()->takeAt(0)) {
        delete item->widget();
        delete item;
    }
    if (m_scene->isEmpty() || !m_client->info()) {
        return;
    }
    const QString modality = text(m_scene->volume()->info().modality), bodyPart = text(m_scene->volume()->info().bodyPart);
    // What is made for this part of the body comes first, what is made for others not at all.
    QStringList prompts, general;
    for (const assistant::ExpertInfo& expert : m_client->info()->experts) {
        const bool isForPart = expert.bodyParts.contains(bodyPart, Qt::CaseInsensitive);
        // Experts measure values; colours have none.
        if (!m_scene->volume()->isColor() && expert.dicomModalities.contains(modality) && (isForPart || bodyPart.isEmpty() || expert.bodyParts.isEmpty())) {
            (isForPart ? prompts : general) += expert.examplePrompts;
        }
    }
    prompts += general;
    prompts.removeDuplicates();
    if (prompts.isEmpty()) {
        prompts << "What kind of image is this?";
    }
    for (const QString& prompt : prompts.mid(0, 4)) {
        // The models understand English.
        auto* button = new QPushButton(prompt, m_examples);
        button->setObjectName("chip");
        // A long one does not widen the window: it is cut, and told whole by the tool tip.
        button->setMinimumWidth(1);
        button->setToolTip(prompt);
        connect(button, &QPushButton::clicked, this, [this, prompt] {
            setQuestion(prompt);
            send();
        });
        m_examples->layout()->addWidget(button);
    }
}

QString ChatPanel::withLinks(const QString& answer) const
{
    QString html = answer.toHtmlEscaped();
    if (!m_scene->hasMask()) {
        return html;
    }
    // Longer names first: "muscle and soft tissue" before "muscle".
    QMap<QString, int> values;
    QStringList names;
    for (const Label& label : m_scene->mask().labels()) {
        const QString name = text(label.name).toHtmlEscaped();
        values[name.toLower()] = label.value;
        names << QRegularExpression::escape(name);
    }
    if (names.isEmpty()) {
        return html;
    }
    std::sort(names.begin(), names.end(), [](const QString& a, const QString& b) { return a.size() > b.size(); });
    const QRegularExpression anyName("\\b(?:" + names.join('|') + ")\\b", QRegularExpression::CaseInsensitiveOption);
    QString linked;
    qsizetype end = 0;
    for (auto match = anyName.globalMatch(html); match.hasNext();) {
        const QRegularExpressionMatch name = match.next();
        linked += html.mid(end, name.capturedStart() - end) +
            QStringLiteral("<a href='label:%1' style='color:%2'>%3</a>").arg(values.value(name.captured().toLower())).arg(theme::panel().accent.name(), name.captured());
        end = name.capturedEnd();
    }
    return linked + html.mid(end);
}

QString ChatPanel::turnHtml(const Turn& turn) const
{
    QString html = QStringLiteral("<table width='100%' cellpadding='6'><tr><td bgcolor='%1'><b>%2</b>%3</td></tr></table>")
                       .arg(theme::panel().raised.name(), turn.question.toHtmlEscaped(),
                           turn.view.isEmpty() ? QString() : "<br><span style='color:" + theme::panel().dim.name() + "'>" + turn.view.toHtmlEscaped() + "</span>");
    for (qsizetype stage = 0; stage < turn.stages.size(); ++stage) {
        html += "<p>" + withLinks(turn.stages[stage]) + "</p>";
        if (stage == 0 && !turn.status.isEmpty()) {
            html += "<p style='color:" + theme::panel().dim.name() + "'>" + turn.status.toHtmlEscaped().replace("\n", "<br>") + "</p>";
        }
    }
    if (!turn.done && turn.stages.isEmpty()) {
        html += "<p style='color:" + theme::panel().dim.name() + "'>" + tr("Looking at the view ...").toHtmlEscaped() + "</p>";
    }
    if (turn.done && !turn.source.isEmpty()) {
        html += "<p style='color:" + theme::panel().dim.name() + "'><small>" + tr("AI answer by %1").arg(turn.source).toHtmlEscaped() + "</small></p>";
    }
    if (!turn.problem.isEmpty()) {
        html += "<p style='color:" + theme::panel().warning.name() + "'>" + turn.problem.toHtmlEscaped() + "</p>";
    }
    return html;
}

void ChatPanel::render()
{
    QString html;
    for (const Turn& turn : m_turns) {
        html += turnHtml(turn);
    }
    if (m_turns.isEmpty()) {
        html = "<p style='color:" + theme::panel().dim.name() + "'>" +
            (m_scene->isEmpty() ? tr("Open a study, then ask about what you see.") : tr("Ask about the active view, or click one of the examples. The assistant sees the view as you do, and may call an expert for the whole volume."))
                .toHtmlEscaped() +
            "</p>";
    }
    QScrollBar* bar = m_conversation->verticalScrollBar();
    const bool atEnd = bar->value() >= bar->maximum() - 40;
    const int before = bar->value();
    m_conversation->setHtml(html);
    bar->setValue(atEnd ? bar->maximum() : before);
}

QString ChatPanel::conversationText() const { return m_conversation->toPlainText(); }
QString ChatPanel::behindText() const { return m_behind->toPlainText(); }

bool ChatPanel::eventFilter(QObject* object, QEvent* event)
{
    if (object == m_input && event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if ((key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter) && !(key->modifiers() & Qt::ShiftModifier)) {
            send();
            return true;
        }
    }
    return QWidget::eventFilter(object, event);
}

} // namespace hf
