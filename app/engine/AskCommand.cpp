#include "app/engine/Arguments.h"
#include "app/engine/Commands.h"
#include "app/engine/Engine.h"
#include "app/engine/ModelArguments.h"
#include "app/engine/VolumeFile.h"
#include "app/engine/Wire.h"
#include "assistant/engine/DataFile.h"
#include "assistant/engine/M3Loop.h"
#include "assistant/engine/Tokenizer.h"
#include "assistant/engine/VilaConfig.h"
#include "experts/runtime/Cuda.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

namespace hf::app {

using nlohmann::json;

namespace {

View viewOf(const Arguments& arguments, const Volume& volume)
{
    View view;
    view.plane = planeFromString(arguments.value("--plane", toString(volume.geometry().acquisitionPlane())));
    const int slices = volume.geometry().size().along(volume.geometry().axisAcross(view.plane));
    view.slice = int(arguments.number("--slice", slices / 2));
    if (view.slice < 0 || view.slice >= slices) {
        throw Error("--slice must be between 0 and " + std::to_string(slices - 1), "usage");
    }
    view.window = volume.defaultWindow();
    return view;
}

} // namespace

int askCommand(std::span<const std::string> words)
{
    if (std::find(words.begin(), words.end(), "--prompt") != words.end()) {
        return promptCommand(words);
    }
    std::set<std::string> options{"--volume", "--plane", "--slice", "--question", "--modality"};
    options.merge(modelOptions());
    const Arguments arguments(words, options, {});
    if (arguments.value("--volume").empty() || arguments.value("--question").empty() || !arguments.plain().empty()) {
        throw Error("ask needs --prompt TEXT, or --volume HEADER.json and --question TEXT", "usage");
    }
    const Volume volume = readVolumeFile(arguments.value("--volume"), arguments.value("--modality"));
    const auto model = loadModel(arguments);
    experts::ExpertRegistry registry = makeRegistry(userOptions(experts::Compute::fastest(runtime::chooseDevice(loadOptions(arguments).device))));
    experts::ExpertRunner runner = makeRunner(registry);
    assistant::M3Loop loop(*model, runner);
    assistant::ChatTurn turn;
    turn.volume = &volume;
    turn.view = viewOf(arguments, volume);
    turn.question = arguments.value("--question");
    assistant::ChatEvents events;
    events.token = [](int, const std::string& piece) {
        std::fputs(piece.c_str(), stdout);
        std::fflush(stdout);
    };
    events.expertFinished = [](const assistant::ExpertRun& run) {
        std::printf("\n[%s %s: %s]\n", run.card.name.c_str(), run.arguments.c_str(), run.sentence.c_str());
        for (std::size_t n = 0; n < run.facts.size(); ++n) {
            std::printf("  %s: %.1f mL, mean %.0f\n", run.result.mask.labels()[n].name.c_str(), run.facts[n].volumeMl, run.facts[n].meanValue);
        }
    };
    const assistant::ChatAnswer answer = loop.answer(turn, events, {});
    std::printf("\n");
    if (!answer.expertError.empty()) {
        std::fprintf(stderr, "%s\n", answer.expertError.c_str());
    }
    return 0;
}

namespace {

/// All that is said in a file of conversations; of any other file its text.
std::vector<std::string> textsOf(const std::filesystem::path& file)
{
    if (file.extension() == ".json" || file.extension() == ".jsonl") {
        std::vector<std::string> texts;
        for (const assistant::JsonEntry& entry : assistant::readJsonEntries(file)) {
            const json turns = entry.value().value("conversations", json());
            if (!turns.is_array()) {
                entry.fail("\"conversations\" is missing");
            }
            for (const json& turn : turns) {
                if (!turn.is_object() || !turn.contains("value") || !turn["value"].is_string()) {
                    entry.fail("a turn has no text \"value\"");
                }
                texts.push_back(turn["value"].get<std::string>());
            }
        }
        return texts;
    }
    std::ifstream in(file, std::ios::binary);
    if (!in || std::filesystem::is_directory(file)) {
        throw Error("cannot read " + file.string(), "not-found");
    }
    return {assistant::repairedUtf8({std::istreambuf_iterator<char>(in), {}})};
}

int trainTokenizerCommand(const Arguments& arguments)
{
    if (!arguments.has("--output") || arguments.plain().empty()) {
        throw Error("tokenize --train SIZE needs --output FILE and files of text", "usage");
    }
    std::vector<std::string> texts;
    for (const std::string& file : arguments.plain()) {
        std::vector<std::string> more = textsOf(file);
        std::move(more.begin(), more.end(), std::back_inserter(texts));
    }
    const std::string trained = assistant::trainTokenizer(texts, int(arguments.whole("--train", 0)), assistant::llama3Specials());
    std::ofstream out(arguments.value("--output"), std::ios::binary);
    out << trained;
    if (!out.flush()) {
        throw Error("cannot write " + arguments.value("--output"), "write");
    }
    return 0;
}

} // namespace

int tokenizeCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--model", "--train", "--output"}, {"--json", "--decode"});
    if (arguments.has("--train")) {
        return trainTokenizerCommand(arguments);
    }
    const auto tokenizer = assistant::Tokenizer::load(assistant::tokenizerFolder(assistant::checkpointRoot(modelFolder(arguments))));
    const auto print = [&](const std::string& line) {
        const json result = arguments.has("--decode") ? json(tokenizer.decode(json::parse(line).get<std::vector<assistant::TokenId>>()))
            : json(tokenizer.encode(arguments.has("--json") ? json::parse(line).get<std::string>() : line));
        std::printf("%s\n", result.dump().c_str());
    };
    try {
        for (const std::string& text : arguments.plain()) {
            print(text);
        }
        for (std::string line; arguments.plain().empty() && std::getline(std::cin, line);) {
            print(line);
        }
    } catch (const json::exception& error) {
        throw Error(std::string("a line is no JSON of the expected kind: ") + error.what(), "arguments");
    }
    return 0;
}

} // namespace hf::app
