#include "app/engine/Arguments.h"
#include "app/engine/Commands.h"
#include "app/engine/Engine.h"
#include "app/engine/Wire.h"
#include "assistant/engine/M3Loop.h"
#include "assistant/engine/Tokenizer.h"

#include <cstdio>
#include <fstream>

namespace hf::app {

using nlohmann::json;

namespace {

/// A JSON header as of volume/open (assistant/PROTOCOL.md); a relative path of voxels is beside the header.
Volume readHeader(const std::string& file)
{
    std::ifstream stream(file);
    json header = json::parse(stream, nullptr, false);
    if (!stream || header.is_discarded() || !header.is_object()) {
        throw Error(file + " is no JSON header of a volume", "broken");
    }
    const std::filesystem::path voxels = header.value("path", "");
    if (voxels.is_relative()) {
        header["path"] = (std::filesystem::path(file).parent_path() / voxels).string();
    }
    return volumeFromJson(header);
}

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
    const Arguments arguments(words, {"--model", "--volume", "--plane", "--slice", "--question"}, {});
    const Volume volume = readHeader(arguments.value("--volume"));
    const auto folder = arguments.has("--model") ? std::filesystem::path(arguments.value("--model")) : demoModelFolder();
    const auto model = assistant::VilaModel::load(folder, {});
    experts::ExpertRegistry registry = makeRegistry();
    assistant::M3Loop loop(*model, registry);
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

int segmentCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--volume", "--expert", "--arguments", "--output"}, {});
    const Volume volume = readHeader(arguments.value("--volume"));
    experts::ExpertRegistry registry = makeRegistry();
    experts::Expert* expert = registry.find(arguments.value("--expert"));
    if (!expert) {
        throw Error("there is no expert '" + arguments.value("--expert") + "' in this build", "arguments");
    }
    const experts::ExpertRequest request{volume, arguments.value("--arguments", expert->card().defaultArgument), viewOf(Arguments({}, {}, {}), volume)};
    if (const auto refusal = expert->check(request)) {
        throw Error(refusal->text, refusal->code);
    }
    const experts::ExpertResult result = expert->run(request, [](double fraction, const std::string& stage) { std::fprintf(stderr, "%3.0f %% %s\n", fraction * 100, stage.c_str()); }, {});
    std::ofstream out(arguments.value("--output"), std::ios::binary);
    out.write(reinterpret_cast<const char*>(result.mask.voxels().data()), std::streamsize(result.mask.voxels().size()));
    if (!out.flush()) {
        throw Error("cannot write " + arguments.value("--output"), "write");
    }
    for (const LabelFacts& fact : measureLabels(result.mask, volume)) {
        std::printf("%d\t%s\t%.3f mL\tmean %.2f\n", fact.value, result.mask.findLabel(fact.value)->name.c_str(), fact.volumeMl, fact.meanValue);
    }
    return 0;
}

int modelsCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--model"}, {});
    const auto folder = arguments.has("--model") ? std::filesystem::path(arguments.value("--model")) : demoModelFolder();
    std::printf("%s\n", toJson(assistant::VilaModel::load(folder, {})->info()).dump(2).c_str());
    return 0;
}

int tokenizeCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--model"}, {});
    const auto folder = arguments.has("--model") ? std::filesystem::path(arguments.value("--model")) : demoModelFolder();
    const assistant::Tokenizer tokenizer = assistant::Tokenizer::load(folder / "llm");
    for (const std::string& text : arguments.plain()) {
        std::printf("%s\n", json(tokenizer.encode(text)).dump().c_str());
    }
    return 0;
}

} // namespace hf::app
