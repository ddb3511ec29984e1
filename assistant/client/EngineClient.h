#pragma once

#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Picture.h"
#include "viewer/volume/Volume.h"

#include <QByteArray>
#include <QJsonObject>
#include <QList>
#include <QObject>
#include <QString>
#include <QStringList>

#include <memory>
#include <optional>

namespace hf::assistant {

/// One message of the conversation as the desktop keeps it (the engine keeps none that must survive it).
struct Message {
    enum class Role { User, Assistant, Expert };
    Role role = Role::User;
    QString text;                   ///< The text for the model, without cards; may hold "<image>" markers.
    QList<Picture> pictures;        ///< One per marker (or the view's picture for a user message).
    QString modality;               ///< For a user message with a picture: the word of the modality sentence.
};

struct ChatRequest {
    std::shared_ptr<const Volume> volume;   ///< A single image is a volume of one slice.
    View view;
    QString question;
    QList<Message> history;         ///< Earlier messages, oldest first.
    int maxTokens = 512;
    double temperature = 0;
};

struct ExpertInfo {
    QString name, modality, task, overview, accuracy, version, licence;
    QStringList arguments, examplePrompts, dicomModalities;
    QStringList readerArguments;    ///< What a reader may ask for besides; the model is not told of it.
    QStringList channels;           ///< Names of the series that it needs, in order; empty: one.
    QString intendedUse;
    bool isResearchOnly = false, takesClicks = false;
    QStringList bodyParts;          ///< (0018,0015) values that it is made for; empty: any.
};

struct EngineInfo {
    QString version;
    QString device;
    struct Model { QString name, version, sha256, licence; bool isDemo = false; };
    std::optional<Model> model;
    QList<ExpertInfo> experts;
};

/// What a classifier says of one finding: 0.5 is the operating point.
struct ExpertScore {
    QString label;
    double mean = 0;                        ///< Of the models that were trained for it, `models` of them, spread from `lowest` to `highest`.
    double lowest = 0, highest = 0;
    int models = 0;
    bool isPositive = false;
};

/// A place that the reader marked for an expert.
struct ExpertClick {
    PointLps place;
    bool isInside = true;
};

/// An expert alone, without the language model.
struct ExpertRequest {
    std::shared_ptr<const Volume> volume;
    View view;
    QString name, arguments;
    QList<ExpertClick> clicks;
    QList<std::shared_ptr<const Volume>> otherVolumes;  ///< Further channels, on the grid of `volume`.
};

/// What an expert gave. `facts` are measured from the mask, in the order of mask.labels().
struct ExpertOutcome {
    QString expert, version, arguments;
    LabelMap mask;                          ///< Empty for a classifier.
    std::vector<LabelFacts> facts;
    QString sentence;                       ///< What the model was told.
    std::vector<LegendEntry> legend;        ///< Colours of the masked picture that the model saw.
    double milliseconds = 0;
    std::shared_ptr<const Volume> volume;   ///< What it ran on.
    QList<ExpertScore> scores;              ///< Of a classifier, by falling mean.
    QString licence, notice, weightsSha256; ///< The notice is shown with every result: "For research only: ...".
};

struct ChatOutcome {
    QString answer;
    QString plane, modality;
    int slice = 0;
    std::optional<ExpertOutcome> expert;
    QString expertError;                    ///< Shown to the reader; never part of the model's context.
    QList<Message> newMessages;             ///< To append to the history for the next question.
    QJsonObject timingsMs;                  ///< "picture", "first_token", "expert", "answer", "total" ...
    QJsonObject report;                     ///< Prompts, token counts, versions: what "behind the scene" shows.
};

enum class EngineState {
    Stopped,    ///< Not started yet, or shut down.
    Starting,   ///< Process started, hello not answered.
    Ready,      ///< Idle.
    Busy,       ///< At least one request runs.
    Failed      ///< Could not be started; errorString() says why. The next request tries again.
};

/// The desktop's end of the engine: starts `hounsfield-engine serve` on first use, restarts it after it died, hands volumes
/// over through shared memory, and turns its JSON-RPC messages into signals. GUI thread only; never blocks it.
class EngineClient : public QObject {
    Q_OBJECT
public:
    struct Options {
        QString program;        ///< Path of hounsfield-engine; empty: beside this program.
        QString modelDirectory; ///< Empty: the embedded demo model.
        QString device = "auto";            ///< "auto", "cpu", "cuda:N"
        QString precision = "auto";         ///< "auto", "fp32", "bf16", "fp16"
        QString quantisation = "none";      ///< "none", "int8", "int4"
    };
    explicit EngineClient(Options options, QObject* parent = nullptr);
    ~EngineClient() override;

    EngineState state() const;
    QString errorString() const;
    qint64 processId() const;
    const std::optional<EngineInfo>& info() const;
    const Options& options() const;
    /// Ends a running engine, whose jobs fail, and starts one with the new options.
    void setOptions(const Options& options);

    /// Starts the engine without a request, so that infoChanged comes early.
    void start();
    /// @return the job's number, which every signal about it carries.
    quint64 chat(const ChatRequest& request);
    /// Runs an expert without the language model.
    quint64 runExpert(const ExpertRequest& request);
    /// Records that the reader accepts the licence of the expert's weights: what failed with the code "licence" can be asked again.
    void acceptLicence(const QString& expert);
    /// Of a job that has not ended: whether it is a question, not an expert alone.
    bool isChat(quint64 job) const;
    /// The job ends with failed(job, "cancelled", ..) unless it had just finished.
    void cancel(quint64 job);

Q_SIGNALS:
    void stateChanged(hf::assistant::EngineState state);
    void infoChanged();
    /// stage 0 is the first generation, 1 the one after the expert.
    void promptSent(quint64 job, int stage, const QString& prompt);
    void pictureMade(quint64 job, int stage, const hf::Picture& picture);
    void tokenReceived(quint64 job, int stage, const QString& piece);
    void expertStarted(quint64 job, const QString& name, const QString& arguments);
    void expertProgress(quint64 job, double fraction, const QString& stage);
    /// Labels of the part of the volume that is done; the whole comes with expertFinished.
    void expertPartial(quint64 job, const std::shared_ptr<const hf::Volume>& volume, const hf::LabelMap& mask, double share);
    void expertFinished(quint64 job, const hf::assistant::ExpertOutcome& outcome);
    void chatFinished(quint64 job, const hf::assistant::ChatOutcome& outcome);
    /// code: "cancelled", "engine-died", or the engine's error code. The message is English; panels translate by code.
    void failed(quint64 job, const QString& code, const QString& message);
    /// A line of the engine's log, for "behind the scene".
    void logLine(const QString& line);

private:
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace hf::assistant
