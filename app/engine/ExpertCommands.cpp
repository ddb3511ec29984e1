#include "app/engine/Arguments.h"
#include "app/engine/Commands.h"
#include "app/engine/Engine.h"
#include "app/engine/VolumeFile.h"
#include "experts/engine/MaskFacts.h"
#include "experts/engine/neural/FolderExpert.h"
#include "experts/runtime/SlidingWindow.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <optional>

#include <unistd.h>

namespace hf::app {

namespace fs = std::filesystem;
using nlohmann::json;
using namespace hf::experts;

namespace {

const std::set<std::string> kOptions{"--volume", "--expert", "--arguments", "--args", "--output", "--modality", "--precision", "--bits", "--json"};

FolderOptions folderOptions(const Arguments& arguments)
{
    FolderOptions options;
    const std::string precision = arguments.value("--precision", "fastest");
    if (precision == "fp32" || precision == "bf16") {
        options.compute = {precision == "bf16" ? at::kBFloat16 : at::kFloat, true};
    } else if (precision == "exact") {
        options.compute = Compute::exact();
    } else if (precision != "fastest") {
        throw Error("--precision is fastest, exact, fp32 or bf16", "usage");
    }
    options.allowsTorchScript = arguments.has("--allow-torchscript");
    options.bitsStored = int(arguments.number("--bits", 0));
    return options;
}

/// One expert, of a folder with expert.json or of this build.
class ChosenExpert {
public:
    explicit ChosenExpert(const Arguments& arguments)
    {
        const std::string name = arguments.value("--expert");
        if (name.empty()) {
            throw Error("--expert FOLDER or NAME is missing", "usage");
        }
        if (fs::exists(fs::path(name) / "expert.json")) {
            m_folder = std::make_unique<FolderExpert>(fs::path(name), folderOptions(arguments));
            return;
        }
        m_registry = makeRegistry();
        m_built = m_registry.find(name);
        if (!m_built) {
            throw Error("there is no expert '" + name + "' in this build, and no folder of this name with an expert.json", "arguments");
        }
    }

    FolderExpert* folder() const { return m_folder.get(); }
    const ExpertCard& card() const { return m_folder ? m_folder->card() : m_built->card(); }
    std::size_t channels() const { return m_folder ? std::size_t(m_folder->manifest().suitability.channels) : 1; }

    ExpertResult run(const std::vector<Volume>& volumes, const std::string& arguments) const
    {
        View view;
        view.plane = volumes[0].geometry().acquisitionPlane();
        view.slice = volumes[0].geometry().size().along(volumes[0].geometry().axisAcross(view.plane)) / 2;
        view.window = volumes[0].defaultWindow();
        const Progress progress = [](double fraction, const std::string& stage) { std::fprintf(stderr, "\r%3.0f %% %-50s", fraction * 100, stage.c_str()); };
        ExpertResult result;
        if (m_folder) {
            result = m_folder->run(volumes, arguments, view, progress, {});
        } else {
            const ExpertRequest request{volumes[0], arguments.empty() ? card().defaultArgument : arguments, view};
            if (const auto refusal = m_built->check(request)) {
                throw Error(refusal->text, refusal->code);
            }
            result = m_built->run(request, progress, {});
        }
        std::fprintf(stderr, "\n");
        return result;
    }

private:
    std::unique_ptr<FolderExpert> m_folder;
    ExpertRegistry m_registry;
    Expert* m_built = nullptr;
};

json placeJson(PointLps point) { return {point.x, point.y, point.z}; }

json labelsJson(const LabelMap& mask, const std::vector<MaskFacts>& facts, const ChosenExpert& expert, const std::string& sentence)
{
    json labels = json::array();
    for (const MaskFacts& fact : facts) {
        const Label& label = *mask.findLabel(fact.basic.value);
        json components = json::array();
        for (const Component& component : fact.components) {
            components.push_back({{"voxels", component.voxels}, {"volumeMl", component.volumeMl}, {"centroidLps", placeJson(component.centroid)}});
        }
        char color[8];
        std::snprintf(color, sizeof color, "#%02x%02x%02x", label.color.r, label.color.g, label.color.b);
        labels.push_back({{"value", label.value}, {"name", label.name}, {"color", color}, {"snomed", label.snomedCode}, {"voxels", fact.basic.voxels}, {"volumeMl", fact.basic.volumeMl},
            {"surfaceMm2", fact.surfaceMm2}, {"diameterMm", fact.diameterMm}, {"axialDiameterMm", fact.axialDiameterMm}, {"axialSlice", fact.axialSlice}, {"mean", fact.basic.meanValue},
            {"sd", fact.basic.sdValue}, {"min", fact.basic.minValue}, {"max", fact.basic.maxValue}, {"centroidLps", placeJson(fact.basic.centroid)}, {"components", components}});
    }
    const Provenance& from = mask.provenance();
    json out{{"expert", from.expert}, {"version", from.version}, {"arguments", from.arguments}, {"weightsSha256", from.weightsSha256}, {"timeUtc", from.timeUtc},
        {"engine", engineVersion()}, {"licence", expert.card().licence}, {"labels", labels}};
    if (expert.folder()) {
        out["intendedUse"] = expert.folder()->manifest().intendedUse;
        out["researchOnly"] = expert.folder()->manifest().isResearchOnly;
    }
    if (!sentence.empty()) {
        out["note"] = sentence;
    }
    return out;
}

void writeText(const fs::path& file, const std::string& text)
{
    std::ofstream stream(file, std::ios::binary | std::ios::trunc);
    stream << text;
    stream.close();
    if (!stream) {
        throw Error("cannot write " + file.string(), "write");
    }
}

/// "scan" of scan.nii.gz.
std::string stemOf(const fs::path& file)
{
    const fs::path stem = file.stem();
    return stem.extension() == ".nii" ? stem.stem().string() : stem.string();
}

/// Mask, labels and table of one case; `out` is a .nii, .nii.gz or .raw file, the others stand beside it.
void writeCase(const fs::path& out, const ExpertResult& result, const Volume& volume, const ChosenExpert& expert)
{
    const LabelMap& mask = result.mask;
    const std::vector<MaskFacts> facts = measureMask(mask, volume);
    if (out.extension() == ".raw") {
        const auto& voxels = mask.voxels();
        writeText(out, {voxels.begin(), voxels.end()});
    } else {
        writeNifti(out, mask);
    }
    const fs::path beside = out.parent_path() / stemOf(out);
    writeText(beside.string() + ".json", labelsJson(mask, facts, expert, result.sentence).dump(1) + "\n");
    writeText(beside.string() + ".csv", factsAsCsv(mask, facts));
    for (const MaskFacts& fact : facts) {
        std::printf("%d\t%s\t%.3f mL\tmean %.2f\n", fact.basic.value, mask.findLabel(fact.basic.value)->name.c_str(), fact.basic.volumeMl, fact.basic.meanValue);
    }
}

std::vector<Volume> readAll(std::span<const std::string> files, const Arguments& arguments)
{
    std::vector<Volume> volumes;
    for (const std::string& file : files) {
        volumes.push_back(readVolumeFile(file, arguments.value("--modality")));
    }
    return volumes;
}

/// Runs `work` for each input and goes on after an error; 1 when any failed.
int forEachInput(std::span<const std::string> inputs, const std::function<void(const std::string&)>& work)
{
    int failed = 0;
    for (const std::string& input : inputs) {
        try {
            work(input);
        } catch (const Error& error) {
            ++failed;
            std::fprintf(stderr, "%s: %s\n", input.c_str(), error.what());
        }
    }
    if (inputs.size() > 1) {
        std::printf("%zu of %zu done, %d failed\n", inputs.size() - std::size_t(failed), inputs.size(), failed);
    }
    return failed ? 1 : 0;
}

json scoresJson(const std::vector<ChestScore>& scores)
{
    json list = json::array();
    for (const ChestScore& score : scores) {
        const bool isTrained = score.trainedModels > 0;
        list.push_back({{"label", score.label}, {"positive", score.isPositive}, {"mean", score.mean}, {"trainedMean", isTrained ? json(score.trainedMean) : json()},
            {"lowest", isTrained ? json(score.lowest) : json()}, {"highest", isTrained ? json(score.highest) : json()}, {"trainedModels", score.trainedModels}, {"models", score.models}});
    }
    return list;
}

} // namespace

int segmentCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, kOptions, {"--allow-torchscript"});
    std::vector<std::string> plain = arguments.plain();
    if (arguments.has("--volume")) {
        plain = {arguments.value("--volume"), arguments.value("--output")};
    }
    const ChosenExpert expert(arguments);
    const std::string wanted = arguments.value("--args", arguments.value("--arguments"));
    if (plain.size() < 1 + expert.channels()) {
        throw Error("segment needs " + (expert.channels() == 1 ? std::string("IN") : std::to_string(expert.channels()) + " inputs (channels of one study)") + " and OUT", "usage");
    }
    const fs::path out = plain.back();
    plain.pop_back();
    if (expert.channels() > 1 || (plain.size() == 1 && !fs::is_directory(out))) {
        const std::vector<Volume> volumes = readAll(plain, arguments);
        writeCase(out, expert.run(volumes, wanted), volumes[0], expert);
        return 0;
    }
    fs::create_directories(out);
    return forEachInput(plain, [&](const std::string& input) {
        std::printf("%s\n", input.c_str());
        const std::vector<Volume> volumes = readAll(std::span(&input, 1), arguments);
        writeCase(out / (stemOf(input) + "_mask.nii.gz"), expert.run(volumes, wanted), volumes[0], expert);
    });
}

int classifyCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, kOptions, {"--allow-torchscript"});
    const ChosenExpert expert(arguments);
    if (!expert.folder()) {
        throw Error(expert.card().name + " does not classify", "arguments");
    }
    if (arguments.plain().empty()) {
        throw Error("classify needs at least one picture", "usage");
    }
    json all = json::object();
    const int code = forEachInput(arguments.plain(), [&](const std::string& input) {
        const std::vector<ChestScore> scores = expert.folder()->classify(readVolumeFile(input, arguments.value("--modality")), {}, {});
        all[input] = {{"expert", expert.card().name}, {"version", expert.card().version}, {"weightsSha256", expert.card().weightsSha256}, {"licence", expert.card().licence},
            {"intendedUse", expert.folder()->manifest().intendedUse}, {"scores", scoresJson(scores)}};
        std::printf("%s\n", input.c_str());
        for (const ChestScore& score : scores) {
            std::printf("  %-28s %s  %.3f", score.label.c_str(), score.isPositive ? "yes" : "no ", score.mean);
            if (score.trainedModels > 0) {
                std::printf("  trained %.3f (%.3f to %.3f, %d of %d models)", score.trainedMean, score.lowest, score.highest, score.trainedModels, score.models);
            }
            std::printf("\n");
        }
    });
    if (arguments.has("--json")) {
        writeText(arguments.value("--json"), all.dump(1) + "\n");
    }
    return code;
}

} // namespace hf::app
