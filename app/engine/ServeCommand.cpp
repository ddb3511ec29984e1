#include "app/engine/Arguments.h"
#include "app/engine/Commands.h"
#include "app/engine/Engine.h"
#include "app/engine/Wire.h"
#include "app/engine/ModelArguments.h"
#include "assistant/engine/M3Loop.h"
#include "assistant/engine/MemoryNeed.h"
#include "experts/runtime/Cuda.h"

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <iostream>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include <malloc.h>
#include <unistd.h>

namespace hf::app {

using nlohmann::json;

namespace {

constexpr int kProtocol = 1;

/// Writes one message a line; from any thread.
class Output {
public:
    void send(const json& message)
    {
        const std::string line = message.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
        const std::lock_guard lock(m_mutex);
        std::fwrite(line.data(), 1, line.size(), stdout);
        std::fflush(stdout);
    }
    void result(const json& id, const json& value) { send({{"jsonrpc", "2.0"}, {"id", id}, {"result", value}}); }
    void error(const json& id, int number, const std::string& code, const std::string& text)
    {
        send({{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", number}, {"message", text}, {"data", {{"code", code}}}}}});
    }
    void notify(const std::string& method, const json& parameters) { send({{"jsonrpc", "2.0"}, {"method", method}, {"params", parameters}}); }

private:
    std::mutex m_mutex;
};

// JSON-RPC 2.0, and our own for errors of a job.
constexpr int kParseError = -32700, kInvalidRequest = -32600, kMethodNotFound = -32601, kInvalidParams = -32602, kJobFailed = -32000, kCancelled = -32001;

int numberOf(const std::string& code) { return code == "cancelled" ? kCancelled : code == "arguments" ? kInvalidParams : kJobFailed; }

/// A member from 0 to `most`. @throws Error "arguments".
double numberOf(const json& object, const char* name, double otherwise, double most)
{
    if (!object.contains(name) || object[name].is_null()) {
        return otherwise;
    }
    const double number = object[name].is_number() ? object[name].get<double>() : -1;
    if (!(number >= 0 && number <= most)) {
        throw Error(std::string("the member '") + name + "' should be a number from 0 to " + std::to_string(std::int64_t(most)), "arguments");
    }
    return number;
}

struct Job {
    json id, parameters;
    std::string method;
    std::stop_source stop;
};

/// Experts compute where the model does; where it cannot, which the model tells, on the CPU.
experts::FolderOptions optionsFor(const assistant::LoadOptions& options)
{
    try {
        return userOptions(experts::Compute::fastest(runtime::chooseDevice(options.device)));
    } catch (const Error&) {
        return userOptions();
    }
}

class Server {
public:
    Server(std::filesystem::path model, assistant::LoadOptions options) : m_modelFolder(std::move(model)), m_loadOptions(std::move(options)), m_registry(makeRegistry(optionsFor(m_loadOptions))) {}

    void run()
    {
        std::jthread worker([this] { work(); });
        std::string line;
        while (!m_shutdown && std::getline(std::cin, line)) {
            if (!line.empty()) {
                receive(line);
            }
        }
        // The desktop is gone, or asked for the end: what runs is stopped.
        const std::lock_guard lock(m_mutex);
        m_shutdown = true;
        m_loading.request_stop();
        for (const std::shared_ptr<Job>& job : m_queue) {
            job->stop.request_stop();
        }
        if (m_running) {
            m_running->stop.request_stop();
        }
        m_wake.notify_all();
    }

private:
    void receive(const std::string& line)
    {
        const json message = json::parse(line, nullptr, false);
        if (message.is_discarded()) {
            m_out.error(nullptr, kParseError, "parse", "the line is no JSON");
            return;
        }
        if (!message.is_object() || !message.contains("method") || !message["method"].is_string()) {
            m_out.error(message.is_object() && message.contains("id") ? message["id"] : json(), kInvalidRequest, "request", "no method");
            return;
        }
        auto job = std::make_shared<Job>();
        job->id = message.contains("id") ? message["id"] : json();
        job->method = message["method"];
        job->parameters = message.contains("params") ? message["params"] : json::object();
        try {
            take(job);
        } catch (...) {
            answerError(job->id);
        }
    }

    /// Answers at once, or puts the job into the queue.
    void take(const std::shared_ptr<Job>& job)
    {
        if (job->method == "hello") {
            hello(*job);
        } else if (job->method == "cancel") {
            cancel(*job);
        } else if (job->method == "status") {
            status(*job);
        } else if (job->method == "shutdown") {
            m_out.result(job->id, json::object());
            m_shutdown = true;
        } else if (job->method == "volume/open" || job->method == "volume/close" || job->method == "chat" || job->method == "expert/run" || job->method == "expert/accept") {
            const std::lock_guard lock(m_mutex);
            m_queue.push_back(job);
            m_wake.notify_all();
        } else {
            m_out.error(job->id, kMethodNotFound, "method", "there is no method " + job->method);
        }
    }

    /// Tells what the exception says that is being handled.
    void answerError(const json& id)
    {
        try {
            throw;
        } catch (const Error& error) {
            m_out.error(id, numberOf(error.code()), error.code(), error.what());
        } catch (const json::exception& error) {
            m_out.error(id, kInvalidParams, "arguments", "a member has the wrong type: " + firstLineOf(error));
        } catch (const std::bad_alloc&) {
            m_out.error(id, kJobFailed, "memory", "there is not enough memory for this");
        } catch (const std::exception& error) {
            m_out.error(id, kJobFailed, "internal", "unexpected: " + firstLineOf(error));
        }
    }

    json expertList() const
    {
        json list = json::array();
        for (const auto& expert : m_registry.experts()) {
            list.push_back(toJson(expert->card()));
        }
        return list;
    }

    void hello(const Job& job)
    {
        const int wanted = job.parameters.is_object() ? job.parameters.value("protocol", kProtocol) : kProtocol;
        if (wanted != kProtocol) {
            m_out.error(job.id, kJobFailed, "protocol", "this engine speaks protocol " + std::to_string(kProtocol));
            return;
        }
        m_out.result(job.id, {{"name", "hounsfield-engine"}, {"version", engineVersion()}, {"protocol", kProtocol}, {"pid", getpid()}, {"device", m_loadOptions.device}, {"experts", expertList()}});
    }

    void cancel(const Job& job)
    {
        const json target = job.parameters.is_object() && job.parameters.contains("id") ? job.parameters["id"] : json();
        bool found = false;
        {
            const std::lock_guard lock(m_mutex);
            for (const std::shared_ptr<Job>& waiting : m_queue) {
                if (waiting->id == target) {
                    waiting->stop.request_stop();
                    found = true;
                }
            }
            if (m_running && m_running->id == target) {
                m_running->stop.request_stop();
                found = true;
            }
        }
        m_out.result(job.id, {{"found", found}});
    }

    void status(const Job& job)
    {
        long pages = 0, resident = 0;
        if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
            if (std::fscanf(file, "%ld %ld", &pages, &resident) != 2) {
                resident = 0;
            }
            std::fclose(file);
        }
        const std::lock_guard lock(m_mutex);
        const std::string device = m_modelInfo.is_null() ? m_loadOptions.device : m_modelInfo.value("device", "cpu");
        std::optional<runtime::DeviceMemory> memory;
        if (device.starts_with("cuda")) {
            memory = runtime::deviceMemory(runtime::chooseDevice(device));
        }
        m_out.result(job.id, {{"device", device}, {"deviceFreeBytes", memory ? memory->free : 0}, {"deviceTotalBytes", memory ? memory->total : 0}, {"residentBytes", resident * sysconf(_SC_PAGESIZE)}, {"freeBytes", availableMemory().value_or(0)},
            {"cacheBytes", !m_modelInfo.is_null() ? m_model->cacheBytes() : 0}, {"volumes", m_volumeCount}, {"model", m_modelInfo}, {"queued", m_queue.size()}, {"busy", m_running != nullptr}});
    }

    void work()
    {
        loadModel();
        for (;;) {
            std::shared_ptr<Job> job;
            {
                std::unique_lock lock(m_mutex);
                m_wake.wait(lock, [&] { return m_shutdown || !m_queue.empty(); });
                if (m_shutdown) {
                    return;
                }
                job = m_queue.front();
                m_queue.pop_front();
                m_running = job;
            }
            try {
                throwIfStopped(job->stop.get_token());
                m_out.result(job->id, run(*job));
            } catch (...) {
                answerError(job->id);
            }
            const std::lock_guard lock(m_mutex);
            m_running = nullptr;
        }
    }

    void loadModel()
    {
        try {
            const auto folder = m_modelFolder.empty() ? demoModelFolder() : m_modelFolder;
            m_model = assistant::VilaModel::load(folder, m_loadOptions, {}, m_loading.get_token());
            m_loop = std::make_unique<assistant::M3Loop>(*m_model, m_runner);
            const std::lock_guard lock(m_mutex);
            m_modelInfo = toJson(m_model->info());
            m_out.notify("model/loaded", m_modelInfo);
        } catch (const std::exception& error) {
            m_modelError = error.what();
            m_out.notify("model/failed", {{"message", m_modelError}});
        }
    }

    json run(Job& job)
    {
        const json& p = job.parameters;
        if (!p.is_object()) {
            throw Error("params must be an object", "arguments");
        }
        if (job.method == "volume/open") {
            return openVolume(p);
        }
        if (job.method == "volume/close") {
            return closeVolume(p);
        }
        if (job.method == "expert/accept") {
            return acceptLicence(p);
        }
        return job.method == "chat" ? chat(job) : runExpert(job);
    }

    json openVolume(const json& p)
    {
        const int id = ++m_lastVolume;
        m_volumes.emplace(id, volumeFromJson(p));
        const std::lock_guard lock(m_mutex);
        m_volumeCount = m_volumes.size();
        return {{"volume", id}};
    }

    json closeVolume(const json& p)
    {
        const auto found = m_volumes.find(volumeId(p));
        m_runner.forget(found->second);
        m_volumes.erase(found);
        malloc_trim(0);
        const std::lock_guard lock(m_mutex);
        m_volumeCount = m_volumes.size();
        return json::object();
    }

    int volumeId(const json& p) const
    {
        if (!p.contains("volume") || !p["volume"].is_number_integer() || !m_volumes.contains(p["volume"].get<int>())) {
            throw Error("there is no such open volume", "arguments");
        }
        return p["volume"];
    }

    View checkedView(const json& p, const Volume& volume) const
    {
        if (!p.contains("view")) {
            throw Error("the member 'view' is missing", "arguments");
        }
        const View view = viewFromJson(p["view"]);
        const int slices = volume.geometry().size().along(volume.geometry().axisAcross(view.plane));
        if (view.slice < 0 || view.slice >= slices) {
            throw Error("there is no slice " + std::to_string(view.slice) + " in this plane", "arguments");
        }
        return view;
    }

    assistant::M3Loop& loop() const
    {
        if (!m_loop) {
            throw Error("no model is loaded: " + m_modelError, "no-model");
        }
        return *m_loop;
    }

    json finishedExpert(const json& id, const assistant::ExpertRun& run)
    {
        json result = toJson(run);
        result["job"] = id;
        result["mask"] = run.result.mask.isEmpty() ? json() : m_masks.add(run.result.mask);
        return result;
    }

    Progress expertProgress(const json& id)
    {
        // What a person can see: at most twenty messages a second.
        auto last = std::make_shared<std::chrono::steady_clock::time_point>();
        return [this, id, last](double fraction, const std::string& stage) {
            const auto now = std::chrono::steady_clock::now();
            if (now - *last > std::chrono::milliseconds(50)) {
                *last = now;
                m_out.notify("expert/progress", {{"job", id}, {"fraction", fraction}, {"stage", stage}});
            }
        };
    }

    json chat(Job& job)
    {
        const json& p = job.parameters;
        const Volume& volume = m_volumes.at(volumeId(p));
        assistant::ChatTurn turn;
        turn.volume = &volume;
        turn.view = checkedView(p, volume);
        if (!p.contains("question") || !p["question"].is_string()) {
            throw Error("the member 'question' is missing", "arguments");
        }
        turn.question = p["question"];
        turn.history = historyFromJson(p.value("history", json::array()));
        turn.generation.maxNewTokens = int(numberOf(p, "maxTokens", 512, 1'000'000));
        turn.generation.temperature = numberOf(p, "temperature", 0, 100);
        turn.generation.topP = numberOf(p, "topP", 0.9, 1);
        turn.generation.seed = unsigned(numberOf(p, "seed", 0, std::numeric_limits<unsigned>::max()));
        const std::string mode = p.value("mode", "corrected");
        if (mode != "corrected" && mode != "faithful") {
            throw Error("mode is 'corrected' or 'faithful'", "arguments");
        }
        turn.form = mode == "faithful" ? assistant::PromptForm::Demo : assistant::PromptForm::Training;
        assistant::ChatEvents events;
        const json id = job.id;
        events.prompt = [&](int stage, const std::string& prompt) { m_out.notify("chat/prompt", {{"job", id}, {"stage", stage}, {"prompt", prompt}}); };
        events.picture = [&](int stage, const Picture& picture) { m_out.notify("chat/picture", {{"job", id}, {"stage", stage}, {"picture", toJson(picture)}}); };
        events.token = [&](int stage, const std::string& piece) { m_out.notify("chat/token", {{"job", id}, {"stage", stage}, {"text", piece}}); };
        events.expertStarted = [&](const std::string& name, const std::string& arguments) { m_out.notify("expert/started", {{"job", id}, {"expert", name}, {"arguments", arguments}}); };
        events.expertProgress = expertProgress(id);
        events.expertPartial = partialSender(id);
        events.expertFinished = [&](const assistant::ExpertRun& run) { m_out.notify("expert/result", finishedExpert(id, run)); };
        const assistant::ChatAnswer answer = loop().answer(turn, events, job.stop.get_token());
        json messages = json::array(), reports = json::array();
        for (const assistant::ChatMessage& message : answer.newMessages) {
            messages.push_back(toJson(message));
        }
        for (const assistant::GenerationReport& report : answer.reports) {
            reports.push_back(toJson(report));
        }
        const json done{{"job", id}, {"answer", answer.answer}, {"firstAnswer", answer.firstAnswer}, {"modality", answer.modality}, {"plane", toString(turn.view.plane)}, {"slice", turn.view.slice},
            {"expert", answer.expert ? json(answer.expert->card.name) : json()}, {"expertErrorCode", answer.expertErrorCode}, {"expertError", answer.expertError}, {"messages", messages},
            {"timingsMs", answer.timingsMs}, {"reports", reports}, {"prompts", answer.prompts}, {"droppedTurns", answer.droppedTurns}, {"model", toJson(m_model->info())}, {"engine", engineVersion()}};
        m_out.notify("chat/done", done);
        return done;
    }

    /// Needs no language model.
    json runExpert(Job& job)
    {
        const json& p = job.parameters;
        const Volume& volume = m_volumes.at(volumeId(p));
        const std::string name = p.value("expert", ""), arguments = p.value("arguments", "");
        experts::ExpertRequest request{volume, arguments, checkedView(p, volume), clicksFromJson(p.value("clicks", json::array())), {}, partialSender(job.id)};
        for (const json& other : p.value("otherVolumes", json::array())) {
            request.otherChannels.push_back(m_volumes.at(volumeId({{"volume", other}})));
        }
        m_out.notify("expert/started", {{"job", job.id}, {"expert", name}, {"arguments", arguments}});
        return finishedExpert(job.id, m_runner.run(name, std::move(request), expertProgress(job.id), job.stop.get_token()));
    }

    json acceptLicence(const json& p)
    {
        const experts::Expert* expert = m_registry.find(p.value("expert", ""));
        if (!expert) {
            throw Error("there is no expert of this name", "no-expert");
        }
        m_runner.consents().accept(*expert);
        return json::object();
    }

    std::function<void(const LabelMap&, double)> partialSender(const json& id)
    {
        return [this, id](const LabelMap& mask, double share) { m_out.notify("expert/partial", {{"job", id}, {"share", share}, {"mask", m_masks.add(mask)}}); };
    }

    std::filesystem::path m_modelFolder;
    assistant::LoadOptions m_loadOptions;
    experts::ExpertRegistry m_registry;
    experts::ExpertRunner m_runner = makeRunner(m_registry);
    Output m_out;
    MaskStore m_masks;
    std::unique_ptr<assistant::VilaModel> m_model;
    std::unique_ptr<assistant::M3Loop> m_loop;
    std::string m_modelError = "it is still being loaded";
    std::stop_source m_loading;
    std::map<int, Volume> m_volumes;
    int m_lastVolume = 0;

    std::mutex m_mutex;     ///< Guards the rest.
    std::condition_variable m_wake;
    std::deque<std::shared_ptr<Job>> m_queue;
    std::shared_ptr<Job> m_running;
    std::atomic<bool> m_shutdown = false;
    json m_modelInfo;
    std::size_t m_volumeCount = 0;
};

} // namespace

int serveCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, modelOptions(), {});
    if (!arguments.plain().empty()) {
        throw Error("serve takes options only", "usage");
    }
    // Nothing but messages may go to stdout.
    Server(arguments.value("--model"), loadOptions(arguments)).run();
    return 0;
}

} // namespace hf::app
