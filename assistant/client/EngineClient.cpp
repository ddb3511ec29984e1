#include "assistant/client/EngineClient.h"

#include "assistant/client/SharedMemory.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/Shutter.h"

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>
#include <QHash>
#include <QJsonArray>
#include <QJsonDocument>
#include <QPointer>
#include <QProcess>
#include <QThreadPool>
#include <QTimer>

#include <deque>
#include <map>

#include <unistd.h>

namespace hf::assistant {

namespace {

QJsonArray toJson(std::initializer_list<double> values)
{
    QJsonArray array;
    for (const double value : values) {
        array.append(value);
    }
    return array;
}

QJsonObject toJson(const Picture& picture)
{
    const QByteArray bytes(reinterpret_cast<const char*>(picture.rgb.data()), qsizetype(picture.rgb.size()));
    return {{"width", picture.width}, {"height", picture.height}, {"rgb", QString::fromLatin1(bytes.toBase64())}};
}

Picture pictureFrom(const QJsonObject& object)
{
    const QByteArray bytes = QByteArray::fromBase64(object["rgb"].toString().toLatin1());
    Picture picture{object["width"].toInt(), object["height"].toInt(), {}};
    picture.rgb.assign(bytes.begin(), bytes.end());
    if (qsizetype(picture.width) * picture.height * 3 != bytes.size()) {
        return {};
    }
    return picture;
}

QJsonArray toJson(const Shutter::Point& point) { return toJson({point[0], point[1]}); }

QJsonObject toJson(const Shutter& shutter)
{
    QJsonObject object{{"grey", shutter.grey}};
    if (shutter.rectangle) {
        object["rectangle"] = QJsonArray{toJson((*shutter.rectangle)[0]), toJson((*shutter.rectangle)[1])};
    }
    if (shutter.circle) {
        object["circle"] = QJsonObject{{"center", toJson(shutter.circle->center)}, {"radius", shutter.circle->radius}};
    }
    if (!shutter.polygon.empty()) {
        QJsonArray corners;
        for (const Shutter::Point& corner : shutter.polygon) {
            corners.append(toJson(corner));
        }
        object["polygon"] = corners;
    }
    if (shutter.bitmap) {
        const QByteArray bytes(reinterpret_cast<const char*>(shutter.bitmap->covered.data()), qsizetype(shutter.bitmap->covered.size()));
        object["bitmap"] = QJsonObject{{"columns", shutter.bitmap->columns}, {"rows", shutter.bitmap->rows}, {"covered", QString::fromLatin1(bytes.toBase64())}};
    }
    return object;
}

QJsonObject toJson(const View& view)
{
    QJsonObject object{{"plane", QString::fromStdString(toString(view.plane))}, {"slice", view.slice}, {"window", toJson({view.window.center, view.window.width})},
        {"function", int(view.window.function)}, {"invert", view.invert}, {"flipHorizontal", view.flipHorizontal}, {"flipVertical", view.flipVertical}};
    if (view.window.table) {
        QJsonArray levels;
        for (const float level : *view.window.table) {
            levels.append(level);
        }
        object["table"] = levels;
    }
    if (view.shutter) {
        object["shutter"] = toJson(*view.shutter);
    }
    return object;
}

QString roleName(Message::Role role) { return role == Message::Role::User ? "user" : role == Message::Role::Assistant ? "assistant" : "expert"; }

QJsonObject toJson(const Message& message)
{
    QJsonArray pictures;
    for (const Picture& picture : message.pictures) {
        pictures.append(toJson(picture));
    }
    return {{"role", roleName(message.role)}, {"text", message.text}, {"modality", message.modality}, {"pictures", pictures}};
}

Message messageFrom(const QJsonObject& object)
{
    Message message;
    const QString role = object["role"].toString();
    message.role = role == "user" ? Message::Role::User : role == "assistant" ? Message::Role::Assistant : Message::Role::Expert;
    message.text = object["text"].toString();
    message.modality = object["modality"].toString();
    for (const QJsonValue& picture : object["pictures"].toArray()) {
        message.pictures.append(pictureFrom(picture.toObject()));
    }
    return message;
}

QStringList strings(const QJsonValue& array)
{
    QStringList list;
    for (const QJsonValue& value : array.toArray()) {
        list.append(value.toString());
    }
    return list;
}

QJsonValue rangeJson(const std::optional<std::array<double, 2>>& range) { return range ? QJsonValue(toJson({(*range)[0], (*range)[1]})) : QJsonValue(); }

QJsonObject volumeJson(const Volume& volume, const std::string& path, const std::string& colors)
{
    const Geometry& geometry = volume.geometry();
    QJsonArray directions;
    for (int axis = 0; axis < 3; ++axis) {
        const Vec3 v = geometry.direction(axis);
        directions.append(v.x);
        directions.append(v.y);
        directions.append(v.z);
    }
    const auto spacing = geometry.spacingMm();
    const auto text = [](const std::string& s) { return QString::fromStdString(s); };
    return {{"path", text(path)}, {"type", text(toString(volume.type()))}, {"size", toJson({double(geometry.size().i), double(geometry.size().j), double(geometry.size().k)})},
        {"spacing", toJson({spacing[0], spacing[1], spacing[2]})}, {"origin", toJson({geometry.origin().x, geometry.origin().y, geometry.origin().z})}, {"directions", directions},
        {"modality", text(volume.info().modality)}, {"unit", text(toString(volume.info().unit))}, {"series", text(volume.info().seriesUid)}, {"bodyPart", text(volume.info().bodyPart)},
        {"inverted", volume.info().isInverted},
        {"padding", rangeJson(volume.info().padding)}, {"storedRange", rangeJson(volume.info().storedRange)}, {"colors", colors.empty() ? QJsonValue() : QJsonValue(text(colors))}};
}

std::vector<double> numbers(const QJsonValue& array)
{
    std::vector<double> list;
    for (const QJsonValue& value : array.toArray()) {
        list.push_back(value.toDouble());
    }
    return list;
}

/// A mask with its table; the grid is the volume's own. @throws Error when it does not fit.
LabelMap maskFrom(const QJsonObject& object, const Volume& volume)
{
    const std::vector<double> size = numbers(object["size"]);
    const Size3 expected = volume.geometry().size();
    if (size.size() != 3 || Size3{int(size[0]), int(size[1]), int(size[2])} != expected) {
        throw Error("the mask does not have the size of the volume", "protocol");
    }
    const auto bytes = readShared(object["path"].toString().toStdString(), expected.voxels());
    if (!bytes) {
        throw Error("the mask cannot be read", "protocol");
    }
    std::vector<Label> labels;
    for (const QJsonValue& value : object["labels"].toArray()) {
        const QJsonObject label = value.toObject();
        const std::vector<double> color = numbers(label["color"]);
        labels.push_back({LabelId(label["value"].toInt()), label["name"].toString().toStdString(),
            color.size() == 3 ? Rgb8{std::uint8_t(color[0]), std::uint8_t(color[1]), std::uint8_t(color[2])} : Rgb8{255, 0, 0}, label["code"].toString().toStdString(),
            label["meaning"].toString().toStdString()});
    }
    const QJsonObject p = object["provenance"].toObject();
    const auto text = [&](const char* name) { return p[QLatin1String(name)].toString().toStdString(); };
    return LabelMap(volume.geometry(), *bytes, std::move(labels), {text("expert"), text("version"), text("weightsSha256"), text("arguments"), text("timeUtc"), text("series"), text("notice")});
}

/// The labels of the slice get the colours that the model was told, so that its words fit what is on the screen.
LabelMap withLegendColors(const LabelMap& mask, const std::vector<LegendEntry>& legend)
{
    if (mask.isEmpty() || legend.empty()) {
        return mask;
    }
    std::vector<Label> labels = mask.labels();
    for (Label& label : labels) {
        for (const LegendEntry& entry : legend) {
            for (const NamedColor& color : overlayColors()) {
                if (entry.value == label.value && entry.colorName == color.name) {
                    label.color = color.rgb;
                }
            }
        }
    }
    return mask.withLabels(std::move(labels));
}

/// Findings that a model was trained for.
QList<ExpertScore> scoresFrom(const QJsonArray& array)
{
    QList<ExpertScore> scores;
    for (const QJsonValue& value : array) {
        const QJsonObject score = value.toObject();
        if (score["trainedModels"].toInt() > 0) {
            scores.append({score["label"].toString(), score["trainedMean"].toDouble(), score["lowest"].toDouble(), score["highest"].toDouble(), score["trainedModels"].toInt(), score["positive"].toBool()});
        }
    }
    std::stable_sort(scores.begin(), scores.end(), [](const ExpertScore& a, const ExpertScore& b) { return a.mean > b.mean; });
    return scores;
}

/// @param mask  of the outcome, read before.
ExpertOutcome outcomeFrom(const QJsonObject& object, const LabelMap& mask)
{
    ExpertOutcome outcome;
    outcome.expert = object["expert"].toString();
    outcome.version = object["version"].toString();
    outcome.arguments = object["arguments"].toString();
    outcome.sentence = object["sentence"].toString();
    outcome.milliseconds = object["milliseconds"].toDouble();
    outcome.licence = object["licence"].toString();
    outcome.notice = object["notice"].toString();
    outcome.weightsSha256 = object["weightsSha256"].toString();
    outcome.scores = scoresFrom(object["scores"].toArray());
    for (const QJsonValue& value : object["facts"].toArray()) {
        const QJsonObject f = value.toObject();
        const std::vector<double> slices = numbers(f["largestSlice"]), centroid = numbers(f["centroid"]);
        LabelFacts facts;
        facts.value = LabelId(f["value"].toInt());
        facts.voxels = std::size_t(f["voxels"].toDouble());
        facts.volumeMl = f["volumeMl"].toDouble();
        facts.meanValue = f["mean"].toDouble();
        facts.sdValue = f["sd"].toDouble();
        facts.minValue = f["min"].toDouble();
        facts.maxValue = f["max"].toDouble();
        if (slices.size() == 3) {
            facts.largestSlice = {int(slices[0]), int(slices[1]), int(slices[2])};
        }
        if (centroid.size() == 3) {
            facts.centroid = {centroid[0], centroid[1], centroid[2]};
        }
        outcome.facts.push_back(facts);
    }
    for (const QJsonValue& value : object["legend"].toArray()) {
        const QJsonObject entry = value.toObject();
        outcome.legend.push_back({LabelId(entry["value"].toInt()), entry["color"].toString().toStdString(), entry["name"].toString().toStdString()});
    }
    outcome.mask = withLegendColors(mask, outcome.legend);
    return outcome;
}

/// Voxels where the engine can read them.
struct HandedOver {
    std::unique_ptr<SharedMemory> voxels, colors;
};

/// A volume that an engine holds, or shall hold.
struct OpenVolume {
    std::shared_ptr<const Volume> volume;
    quint64 ticket = 0;     ///< Tells it from an earlier one of the same volume.
    std::shared_ptr<HandedOver> memory;     ///< Until the engine has copied it.
    int engineId = 0;       ///< 0: not answered yet.
};

/// A mask that was read, or why it could not be.
struct ReadMask {
    LabelMap mask;
    QString code, problem;
};

/// One chat or expert run.
struct Job {
    quint64 number = 0;
    bool isChat = false;
    std::shared_ptr<const Volume> volume;
    QList<std::shared_ptr<const Volume>> otherVolumes;
    QJsonObject parameters;     ///< Without the volumes.
    bool isSent = false, isCancelled = false;
    std::optional<ExpertOutcome> expert;
    QJsonObject result;         ///< Of a chat that has ended.
};

} // namespace

struct EngineClient::Private {
    explicit Private(EngineClient* owner) : q(owner) {}

    EngineClient* q;
    Options options;
    QProcess* process = nullptr;
    EngineState state = EngineState::Stopped;
    QString error;
    std::optional<EngineInfo> info;
    QByteArray buffer;
    quint64 lastId = 0;
    quint64 helloId = 0;
    QHash<quint64, const Volume*> openRequests;         ///< request -> volume
    std::map<const Volume*, OpenVolume> volumes;
    quint64 lastTicket = 0;
    std::deque<std::shared_ptr<Job>> jobs;
    std::deque<QJsonObject> inbox;      ///< In the order they came: one with a mask keeps the later ones waiting while it is read.
    bool isReadingMask = false;
    quint64 generation = 0;             ///< Of the process.
    QThreadPool copiers;                ///< Of its own: reading a series or making surfaces must not keep an answer waiting.

    /// Voxels are copied on another thread: `work()` there, then `take(result)` here, if the engine is still the same.
    template <typename Work, typename Take> void inBackground(Work work, Take take)
    {
        copiers.start([self = QPointer<EngineClient>(q), generation = generation, work = std::move(work), take = std::move(take)] {
            auto result = std::make_shared<decltype(work())>(work());
            QMetaObject::invokeMethod(qApp, [self, generation, take, result] {
                if (self && self->d->generation == generation) {
                    take(*result);
                }
            });
        });
    }

    void setState(EngineState next)
    {
        if (state != next) {
            state = next;
            Q_EMIT q->stateChanged(next);
        }
    }

    QString program() const
    {
        return options.program.isEmpty() ? QCoreApplication::applicationDirPath() + "/hounsfield-engine" : options.program;
    }

    void ensureRunning()
    {
        if (process) {
            return;
        }
        process = new QProcess(q);
        process->setProcessChannelMode(QProcess::SeparateChannels);
        // The reader's window comes first where both want the same processors; alone the engine is as fast as ever.
        process->setChildProcessModifier([] { [[maybe_unused]] const int ignored = ::nice(4); });
        QObject::connect(process, &QProcess::readyReadStandardOutput, q, [this] { readOutput(); });
        QObject::connect(process, &QProcess::readyReadStandardError, q, [this] {
            for (const QByteArray& line : process->readAllStandardError().split('\n')) {
                if (!line.trimmed().isEmpty()) {
                    Q_EMIT q->logLine(QString::fromUtf8(line));
                }
            }
        });
        QObject::connect(process, &QProcess::errorOccurred, q, [this](QProcess::ProcessError problem) {
            if (problem == QProcess::FailedToStart) {
                ended(QStringLiteral("the engine %1 cannot be started").arg(program()), true);
            }
        });
        QObject::connect(process, &QProcess::finished, q, [this] { ended(QStringLiteral("the engine ended unexpectedly"), false); });
        QStringList arguments{"serve"};
        if (!options.modelDirectory.isEmpty()) {
            arguments << "--model" << options.modelDirectory;
        }
        arguments << "--device" << options.device << "--precision" << options.precision << "--quantization" << options.quantisation;
        buffer.clear();
        inbox.clear();
        isReadingMask = false;
        ++generation;
        setState(EngineState::Starting);
        process->start(program(), arguments);
        helloId = request("hello", {{"protocol", 1}});
    }

    /// The process is gone: what ran has failed; the next request starts a new one.
    void ended(const QString& reason, bool failedToStart)
    {
        if (!process) {
            return;
        }
        process->disconnect(q);
        process->deleteLater();
        process = nullptr;
        error = reason;
        ++generation;
        volumes.clear();
        openRequests.clear();
        const std::deque<std::shared_ptr<Job>> lost = std::move(jobs);
        jobs.clear();
        setState(failedToStart ? EngineState::Failed : EngineState::Stopped);
        for (const auto& job : lost) {
            Q_EMIT q->failed(job->number, job->isCancelled ? "cancelled" : failedToStart ? "engine-start" : "engine-died", reason);
        }
    }

    quint64 request(const QString& method, const QJsonObject& parameters, quint64 id = 0)
    {
        if (id == 0) {
            id = ++lastId;
        }
        const QJsonObject message{{"jsonrpc", "2.0"}, {"id", double(id)}, {"method", method}, {"params", parameters}};
        process->write(QJsonDocument(message).toJson(QJsonDocument::Compact) + '\n');
        return id;
    }

    quint64 add(const std::shared_ptr<Job>& job)
    {
        ensureRunning();
        job->number = ++lastId;
        jobs.push_back(job);
        // Signals come after the caller knows the number.
        QTimer::singleShot(0, q, [this] { advance(); });
        return job->number;
    }

    /// Sends what can be sent: opens volumes, then jobs in their order.
    void advance()
    {
        if (!process || state == EngineState::Starting) {
            return;
        }
        forgetOldVolumes();
        for (const auto& job : jobs) {
            if (job->isSent) {
                continue;
            }
            QJsonArray numbers;
            for (const auto& volume : volumesOf(*job)) {
                const int number = openVolume(volume);
                if (number > 0) {
                    numbers.append(number);
                }
            }
            if (numbers.size() < 1 + job->otherVolumes.size()) {
                break;
            }
            job->isSent = true;
            job->parameters["volume"] = numbers.takeAt(0);
            if (!numbers.isEmpty()) {
                job->parameters["otherVolumes"] = numbers;
            }
            request(job->isChat ? "chat" : "expert/run", job->parameters, job->number);
        }
        setState(jobs.empty() ? EngineState::Ready : EngineState::Busy);
    }

    static QList<std::shared_ptr<const Volume>> volumesOf(const Job& job) { return QList<std::shared_ptr<const Volume>>{job.volume} + job.otherVolumes; }

    static bool needs(const Job& job, const Volume* volume)
    {
        const auto all = volumesOf(job);
        return std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.get() == volume; });
    }

    /// The engine's number of the volume; 0 while it is being opened.
    int openVolume(const std::shared_ptr<const Volume>& volume)
    {
        const Volume* key = volume.get();
        const auto found = volumes.find(key);
        if (found != volumes.end()) {
            return found->second.engineId;
        }
        const quint64 ticket = ++lastTicket;
        volumes.emplace(key, OpenVolume{volume, ticket, nullptr, 0});
        const auto handOver = [volume] {
            auto memory = std::make_shared<HandedOver>();
            QString problem;
            try {
                memory->voxels = std::make_unique<SharedMemory>(volume->data(), volume->bytes());
                if (volume->isColor()) {
                    memory->colors = std::make_unique<SharedMemory>(volume->rgb().data(), volume->rgb().size());
                }
            } catch (const Error& error) {
                problem = QString::fromUtf8(error.what());
            }
            return std::pair(memory, problem);
        };
        inBackground(handOver, [this, key, ticket](const std::pair<std::shared_ptr<HandedOver>, QString>& done) {
            const auto found = volumes.find(key);
            if (found == volumes.end() || found->second.ticket != ticket) {
                return;
            }
            if (!done.second.isEmpty()) {
                failVolume(key, "memory", done.second);
                return;
            }
            found->second.memory = done.first;
            const HandedOver& memory = *done.first;
            openRequests[request("volume/open", volumeJson(*key, memory.voxels->path(), memory.colors ? memory.colors->path() : std::string()))] = key;
        });
        return 0;
    }

    /// All jobs that need a volume which cannot be opened.
    void failVolume(const Volume* volume, const QString& code, const QString& text)
    {
        std::vector<quint64> lost;
        for (const auto& job : jobs) {
            if (needs(*job, volume)) {
                lost.push_back(job->number);
            }
        }
        volumes.erase(volume);
        for (const quint64 number : lost) {
            fail(number, code, text);
        }
    }

    /// The engine keeps the last few volumes only.
    void forgetOldVolumes()
    {
        constexpr std::size_t kKept = 3;
        for (auto entry = volumes.begin(); volumes.size() > kKept && entry != volumes.end();) {
            const bool needed = entry->second.engineId == 0 || std::any_of(jobs.begin(), jobs.end(), [&](const auto& job) { return needs(*job, entry->first); });
            if (needed) {
                ++entry;
                continue;
            }
            request("volume/close", {{"volume", entry->second.engineId}});
            entry = volumes.erase(entry);
        }
    }

    std::shared_ptr<Job> findJob(quint64 number) const
    {
        for (const auto& job : jobs) {
            if (job->number == number) {
                return job;
            }
        }
        return nullptr;
    }

    void removeJob(quint64 number)
    {
        std::erase_if(jobs, [&](const auto& job) { return job->number == number; });
    }

    void fail(quint64 number, const QString& code, const QString& message)
    {
        if (findJob(number)) {
            removeJob(number);
            Q_EMIT q->failed(number, code, message);
            advance();
        }
    }

    void readOutput()
    {
        buffer += process->readAllStandardOutput();
        qsizetype begin = 0;
        for (qsizetype end = buffer.indexOf('\n'); end >= 0; end = buffer.indexOf('\n', begin)) {
            const QByteArray line = buffer.mid(begin, end - begin);
            begin = end + 1;
            inbox.push_back(QJsonDocument::fromJson(line).object());
        }
        buffer.remove(0, begin);
        takeInbox();
    }

    void takeInbox()
    {
        while (process && !isReadingMask && !inbox.empty()) {
            const QJsonObject message = std::move(inbox.front());
            inbox.pop_front();
            receive(message);
        }
    }

    void receive(const QJsonObject& message)
    {
        if (message.contains("method")) {
            notified(message["method"].toString(), message["params"].toObject());
        } else if (message.contains("id")) {
            const quint64 id = quint64(message["id"].toDouble());
            if (message.contains("error")) {
                refused(id, message["error"].toObject());
            } else {
                answered(id, message["result"].toObject());
            }
        }
    }

    void notified(const QString& method, const QJsonObject& p)
    {
        if (method == "model/loaded" || method == "model/failed") {
            modelKnown(method == "model/loaded" ? p : QJsonObject(), p["message"].toString());
            return;
        }
        const quint64 number = quint64(p["job"].toDouble());
        const std::shared_ptr<Job> job = findJob(number);
        if (!job || job->isCancelled) {
            return;
        }
        const int stage = p["stage"].toInt();
        if (method == "chat/prompt") {
            Q_EMIT q->promptSent(number, stage, p["prompt"].toString());
        } else if (method == "chat/picture") {
            Q_EMIT q->pictureMade(number, stage, pictureFrom(p["picture"].toObject()));
        } else if (method == "chat/token") {
            Q_EMIT q->tokenReceived(number, stage, p["text"].toString());
        } else if (method == "expert/started") {
            Q_EMIT q->expertStarted(number, p["expert"].toString(), p["arguments"].toString());
        } else if (method == "expert/progress") {
            Q_EMIT q->expertProgress(number, p["fraction"].toDouble(), p["stage"].toString());
        } else if (method == "expert/partial") {
            readMask(job, p, [this, job](const QJsonObject& whole, const ReadMask& read) { takePartial(*job, whole, read); });
        } else if (method == "expert/result") {
            readMask(job, p, [this, job](const QJsonObject& whole, const ReadMask& read) {
                if (!job->isCancelled) {
                    takeExpert(job, whole, read);
                }
            });
        }
    }

    /// Calls `take(p, mask)` at once where `p` has none; else later messages wait until it is read.
    template <typename Take> void readMask(const std::shared_ptr<Job>& job, const QJsonObject& p, Take take)
    {
        if (!p["mask"].isObject()) {
            take(p, ReadMask());
            return;
        }
        isReadingMask = true;
        const auto work = [volume = job->volume, object = p["mask"].toObject()] {
            try {
                return ReadMask{maskFrom(object, *volume), {}, {}};
            } catch (const Error& problem) {
                return ReadMask{{}, QString::fromStdString(problem.code()), QString::fromUtf8(problem.what())};
            }
        };
        inBackground(work, [this, p, take](const ReadMask& read) {
            isReadingMask = false;
            take(p, read);
            takeInbox();
        });
    }

    /// One that cannot be read is left out: the whole mask follows.
    void takePartial(const Job& job, const QJsonObject& p, const ReadMask& read)
    {
        if (!read.problem.isEmpty()) {
            Q_EMIT q->logLine(read.problem);
        } else if (!job.isCancelled) {
            Q_EMIT q->expertPartial(job.number, job.volume, read.mask, p["share"].toDouble());
        }
    }

    void takeExpert(const std::shared_ptr<Job>& job, const QJsonObject& p, const ReadMask& read)
    {
        if (!read.problem.isEmpty()) {
            fail(job->number, read.code, read.problem);
            return;
        }
        job->expert = outcomeFrom(p, read.mask);
        job->expert->volume = job->volume;
        Q_EMIT q->expertFinished(job->number, *job->expert);
    }

    void modelKnown(const QJsonObject& model, const QString& problem)
    {
        if (!info) {
            info.emplace();
        }
        if (model.isEmpty()) {
            info->model.reset();
            Q_EMIT q->logLine(problem);
        } else {
            info->model = EngineInfo::Model{model["name"].toString(), model["version"].toString(), model["sha256"].toString(), model["licence"].toString(), model["demo"].toBool()};
        }
        Q_EMIT q->infoChanged();
    }

    void answered(quint64 id, const QJsonObject& result)
    {
        if (id == helloId) {
            helloId = 0;
            takeHello(result);
            setState(EngineState::Ready);
            advance();
            return;
        }
        if (openRequests.contains(id)) {
            const auto found = volumes.find(openRequests.take(id));
            if (found != volumes.end()) {
                found->second.engineId = result["volume"].toInt();
                // Much memory takes its time to be given back.
                copiers.start([memory = std::exchange(found->second.memory, nullptr)]() mutable { memory.reset(); });
            }
            advance();
            return;
        }
        const std::shared_ptr<Job> job = findJob(id);
        if (!job) {
            return;
        }
        const auto end = [this, job, id] {
            removeJob(id);
            if (job->isChat) {
                Q_EMIT q->chatFinished(id, chatFrom(*job, job->result));
            }
            advance();
        };
        if (job->isChat) {
            job->result = result;
            end();
        } else {
            readMask(job, result, [this, job, end](const QJsonObject& whole, const ReadMask& read) {
                takeExpert(job, whole, read);
                end();
            });
        }
    }

    void takeHello(const QJsonObject& result)
    {
        if (!info) {
            info.emplace();
        }
        info->version = result["version"].toString();
        info->device = result["device"].toString();
        info->experts.clear();
        for (const QJsonValue& value : result["experts"].toArray()) {
            const QJsonObject e = value.toObject();
            info->experts.append({e["name"].toString(), e["modality"].toString(), e["task"].toString(), e["overview"].toString(), e["accuracy"].toString(), e["version"].toString(),
                e["licence"].toString(), strings(e["arguments"]), strings(e["examplePrompts"]), strings(e["dicomModalities"]), strings(e["readerArguments"]), strings(e["channels"]),
                e["intendedUse"].toString(), e["researchOnly"].toBool(), e["takesClicks"].toBool(), strings(e["bodyParts"])});
        }
        Q_EMIT q->infoChanged();
    }

    ChatOutcome chatFrom(const Job& job, const QJsonObject& result) const
    {
        ChatOutcome outcome;
        outcome.answer = result["answer"].toString();
        outcome.plane = result["plane"].toString();
        outcome.modality = result["modality"].toString();
        outcome.slice = result["slice"].toInt();
        outcome.expert = job.expert;
        outcome.expertError = result["expertError"].toString();
        outcome.timingsMs = result["timingsMs"].toObject();
        for (const QJsonValue& message : result["messages"].toArray()) {
            outcome.newMessages.append(messageFrom(message.toObject()));
        }
        outcome.report = {{"prompts", result["prompts"]}, {"reports", result["reports"]}, {"model", result["model"]}, {"engine", result["engine"]}, {"firstAnswer", result["firstAnswer"]},
            {"expertErrorCode", result["expertErrorCode"]}};
        return outcome;
    }

    void refused(quint64 id, const QJsonObject& problem)
    {
        const QString text = problem["message"].toString();
        if (id == helloId) {
            QProcess* old = process;
            ended(text, true);
            old->kill();
            return;
        }
        if (openRequests.contains(id)) {
            failVolume(openRequests.take(id), problem["data"].toObject()["code"].toString(), text);
            return;
        }
        fail(id, problem["data"].toObject()["code"].toString(), text);
    }
};

EngineClient::EngineClient(Options options, QObject* parent) : QObject(parent), d(std::make_unique<Private>(this))
{
    d->options = std::move(options);
}

EngineClient::~EngineClient()
{
    if (d->process) {
        d->process->disconnect(this);
        // The end of its input ends the engine; one that hangs is killed.
        d->process->closeWriteChannel();
        if (!d->process->waitForFinished(1500)) {
            d->process->kill();
            d->process->waitForFinished(1000);
        }
    }
}

EngineState EngineClient::state() const { return d->state; }
QString EngineClient::errorString() const { return d->error; }
qint64 EngineClient::processId() const { return d->process ? d->process->processId() : 0; }
const std::optional<EngineInfo>& EngineClient::info() const { return d->info; }
void EngineClient::start() { d->ensureRunning(); }
const EngineClient::Options& EngineClient::options() const { return d->options; }

void EngineClient::setOptions(const Options& options)
{
    d->options = options;
    if (QProcess* const old = d->process) {
        d->ended(QStringLiteral("the engine was started anew with other settings"), false);
        old->kill();
        d->ensureRunning();
    }
}

quint64 EngineClient::chat(const ChatRequest& request)
{
    auto job = std::make_shared<Job>();
    job->isChat = true;
    job->volume = request.volume;
    QJsonArray history;
    for (const Message& message : request.history) {
        history.append(toJson(message));
    }
    job->parameters = {{"view", toJson(request.view)}, {"question", request.question}, {"history", history}, {"maxTokens", request.maxTokens}, {"temperature", request.temperature}};
    return d->add(job);
}

quint64 EngineClient::runExpert(const ExpertRequest& request)
{
    auto job = std::make_shared<Job>();
    job->volume = request.volume;
    job->otherVolumes = request.otherVolumes;
    QJsonArray clicks;
    for (const ExpertClick& click : request.clicks) {
        clicks.append(QJsonObject{{"place", toJson({click.place.x, click.place.y, click.place.z})}, {"inside", click.isInside}});
    }
    job->parameters = {{"view", toJson(request.view)}, {"expert", request.name}, {"arguments", request.arguments}, {"clicks", clicks}};
    return d->add(job);
}

void EngineClient::acceptLicence(const QString& expert)
{
    d->ensureRunning();
    d->request("expert/accept", {{"expert", expert}});
}

bool EngineClient::isChat(quint64 number) const
{
    const std::shared_ptr<Job> job = d->findJob(number);
    return job && job->isChat;
}

void EngineClient::cancel(quint64 number)
{
    const std::shared_ptr<Job> job = d->findJob(number);
    if (!job || job->isCancelled) {
        return;
    }
    job->isCancelled = true;
    if (job->isSent && d->process) {
        d->request("cancel", {{"id", double(number)}});
    } else {
        d->fail(number, "cancelled", "cancelled");
    }
}

} // namespace hf::assistant
