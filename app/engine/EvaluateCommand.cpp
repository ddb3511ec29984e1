#include "app/ConsoleProgress.h"
#include "app/engine/Arguments.h"
#include "app/engine/Commands.h"
#include "app/engine/ModelArguments.h"
#include "app/engine/StopOnSignal.h"
#include "assistant/engine/DataFile.h"
#include "assistant/engine/PictureFile.h"
#include "assistant/engine/evaluate/HeldOut.h"

#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>

namespace hf::app {

using nlohmann::json;
namespace fs = std::filesystem;
using namespace assistant::evaluate;
using assistant::JsonEntry;
using assistant::readJsonEntries;

namespace {

json number(double value) { return std::isfinite(value) ? json(value) : json(); }

json toJson(const Result& result, bool withExpert, const json& model)
{
    json figures = json::array(), published = json::array();
    for (const ResultRow& row : result.rows) {
        figures.push_back({{"figure", row.figure}, {"group", row.group}, {"value", number(row.estimate.value)}, {"low", number(row.estimate.low)}, {"high", number(row.estimate.high)}, {"method", row.estimate.method},
            {"cases", row.estimate.cases}, {"clusters", row.estimate.clusters}});
        for (const Published& one : row.isHeadline ? publishedResults(result.benchmark, row.figure, withExpert) : std::vector<Published>()) {
            published.push_back({{"figure", row.figure}, {"model", one.model}, {"value", one.percent / 100}});
        }
    }
    return {{"benchmark", result.benchmark}, {"withExpert", withExpert}, {"model", model}, {"partial", result.isPartial}, {"cases", result.cases}, {"answered", result.answered}, {"unread", result.unread},
        {"confidence", 0.95}, {"figures", figures}, {"published", published}};
}

/// Answers, one line of JSON each as they come.
class AnswersFile {
public:
    explicit AnswersFile(const std::string& path) : m_path(path)
    {
        if (!path.empty()) {
            m_out.open(path, std::ios::trunc);
            if (!m_out) {
                throw Error("cannot write " + path, "write");
            }
        }
    }
    /// In the published form (reference vila-m3.md 8.1).
    void add(const Case& one, const std::string& answer) { add(json{{"question_id", one.id}, {"prompt", one.messages.back().text}, {"text", answer}}); }
    void add(const json& line)
    {
        if (m_out.is_open()) {
            m_out << line.dump(-1, ' ', false, json::error_handler_t::replace) << std::endl;
            if (!m_out) {
                throw Error("cannot write " + m_path, "write");
            }
        }
    }

private:
    std::string m_path;
    std::ofstream m_out;
};

/// Answers that were recorded, in the order of the cases. Without one for some case the cases that have one are kept.
std::vector<std::string> recordedAnswers(Benchmark& benchmark, const fs::path& file)
{
    std::map<std::string, std::string> texts;
    for (const JsonEntry& entry : readJsonEntries(file)) {
        if (!texts.emplace(entry.text("question_id"), entry.text("text")).second) {
            entry.fail("a second answer to question " + entry.text("question_id"));
        }
    }
    std::vector<Case> kept;
    std::vector<std::string> answers;
    for (Case& one : benchmark.cases) {
        if (const auto found = texts.find(one.id); found != texts.end()) {
            answers.push_back(found->second);
            kept.push_back(std::move(one));
        }
    }
    if (answers.empty()) {
        throw Error(file.string() + " answers none of the questions", "data");
    }
    benchmark.cases = std::move(kept);
    return answers;
}

json modelJson(const assistant::ModelInfo& info)
{
    return {{"name", info.name}, {"version", info.version}, {"sha256", info.sha256}, {"device", info.device}, {"dtype", info.dtype}, {"quantisation", info.quantisation}};
}

int print(const Arguments& arguments, const Result& result, bool withExpert, const json& model, const std::stop_token& stop)
{
    if (arguments.has("--json")) {
        std::printf("%s\n", toJson(result, withExpert, model).dump(1).c_str());
    } else {
        std::string name = model.value("name", "");
        name += model.contains("version") ? " " : "";
        name += model.value("version", "");
        std::printf("%s", toTable(result, withExpert, name).c_str());
    }
    return stop.stop_requested() ? 130 : 0;
}

/// --limit N: N questions, a third as many that experts can answer, and as many exchanged and blanked pictures each.
int evaluateHeldOutSplit(const Arguments& arguments, const std::stop_token& stop)
{
    if (arguments.has("--data") || arguments.has("--answers") || arguments.has("--patients") || arguments.has("--expert-scores")) {
        throw Error("held-out makes its own questions: it takes --model, --limit, --seed, --free-calls, --write-answers and --json", "usage");
    }
    const auto model = loadModel(arguments);
    HeldOutOptions options;
    options.cases = int(arguments.whole("--limit", options.cases));
    if (options.cases < 1) {
        throw Error("--limit needs a number of questions", "usage");
    }
    options.asked = options.swapped = options.blanked = (options.cases + 2) / 3;
    options.seed = std::uint32_t(arguments.whole("--seed", options.seed));
    options.guidesCalls = !arguments.has("--free-calls");
    AnswersFile file(arguments.value("--write-answers"));
    options.onAnswer = [&](const assistant::train::Scene& scene, const assistant::ChatAnswer& answer) {
        int guided = 0;
        for (const assistant::GenerationReport& report : answer.reports) {
            guided += report.guidedCalls;
        }
        file.add(json{{"prompt", answer.prompts.front()}, {"wanted", scene.turn.answer}, {"text", answer.firstAnswer}, {"guidedCalls", guided},
            {"wantedAfterExpert", scene.turn.finalAnswer}, {"textAfterExpert", answer.expert ? json(answer.answer) : json()}});
    };
    const Result result = [&] {
        ConsoleProgress console;
        return evaluateHeldOut(*model, options, console.progress(), stop);
    }();
    return print(arguments, result, false, modelJson(model->info()), stop);
}

std::vector<std::string> modelAnswers(const Benchmark& benchmark, assistant::VilaModel& model, const Arguments& arguments, const std::stop_token& stop)
{
    assistant::GenerationOptions options;
    options.maxNewTokens = int(arguments.whole("--max-tokens", benchmark.scoring == Scoring::Report ? 512 : 1024));
    AnswersFile file(arguments.value("--write-answers"));
    const auto answer = [&](const Case& one) {
        std::vector<Picture> pictures;
        for (const fs::path& path : one.pictures) {
            try {
                pictures.push_back(assistant::readPictureFile(path));
            } catch (const Error& error) {
                throw Error(one.place + path.string() + ": " + error.what(), error.code());
            }
        }
        const std::string text = model.generate(assistant::buildPrompt(model.info().conversation, assistant::PromptForm::Training, one.messages), pictures, options, {}, stop);
        file.add(one, text);
        return text;
    };
    ConsoleProgress console;
    return askAll(benchmark, answer, console.progress(), stop);
}

} // namespace

int evaluateCommand(std::span<const std::string> words)
{
    std::set<std::string> options{"--benchmark", "--data", "--limit", "--patients", "--expert-scores", "--answers", "--write-answers", "--max-tokens", "--seed"};
    options.merge(modelOptions());
    const Arguments arguments(words, options, {"--json", "--free-calls"});
    const StopOnSignal signal;
    if (arguments.value("--benchmark") == "held-out") {
        return evaluateHeldOutSplit(arguments, signal.token());
    }
    if (!arguments.has("--benchmark") || !arguments.has("--data") || arguments.has("--free-calls") || !arguments.plain().empty()) {
        throw Error("evaluate needs --benchmark NAME and --data FILE|FOLDER", "usage");
    }
    const bool isRecorded = arguments.has("--answers");
    if (arguments.whole("--limit", 0) < 0 || arguments.whole("--max-tokens", 1) < 1) {
        throw Error("--limit and --max-tokens are not below 0 and 1", "usage");
    }
    BenchmarkFiles files{arguments.value("--data"), arguments.value("--patients"), arguments.value("--expert-scores"), std::size_t(arguments.whole("--limit", 0)), !isRecorded};
    Benchmark benchmark = readBenchmark(arguments.value("--benchmark"), files);
    json model = {{"name", "answers of " + fs::path(arguments.value("--answers")).filename().string()}};
    std::vector<std::string> answers;
    if (isRecorded) {
        answers = recordedAnswers(benchmark, arguments.value("--answers"));
    } else {
        const auto loaded = loadModel(arguments);
        model = modelJson(loaded->info());
        answers = modelAnswers(benchmark, *loaded, arguments, signal.token());
    }
    return print(arguments, score(benchmark, answers), benchmark.withExpert, model, signal.token());
}

} // namespace hf::app
