#include "app/ConsoleProgress.h"
#include "app/engine/Arguments.h"
#include "app/engine/Commands.h"
#include "app/engine/Engine.h"
#include "app/engine/VolumeFile.h"
#include "app/engine/Wire.h"
#include "experts/engine/MaskFacts.h"
#include "experts/runtime/Cuda.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <sstream>

#include <unistd.h>

namespace hf::app {

namespace fs = std::filesystem;
using nlohmann::json;
using namespace hf::experts;

namespace {

const std::set<std::string> kOptions{"--volume", "--expert", "--arguments", "--args", "--output", "--modality", "--precision", "--device", "--bits", "--json", "--clicks"};

FolderOptions folderOptions(const Arguments& arguments)
{
    return userOptions(Compute::named(arguments.value("--precision", "fastest"), runtime::chooseDevice(arguments.value("--device", "auto"))));
}

/// One expert, of a folder with expert.json or of this build, in a registry of its own or among the others.
class ChosenExpert {
public:
    explicit ChosenExpert(const Arguments& arguments)
    {
        m_name = arguments.value("--expert");
        if (m_name.empty()) {
            throw Error("--expert FOLDER or NAME is missing", "usage");
        }
        if (fs::exists(fs::path(m_name) / "expert.json")) {
            auto expert = std::make_unique<FolderExpert>(fs::path(m_name), folderOptions(arguments));
            m_name = expert->card().name;
            m_registry.add(std::move(expert));
        } else {
            m_registry = makeRegistry(folderOptions(arguments));
        }
        if (!m_registry.find(m_name)) {
            throw Error("there is no expert '" + m_name + "' in this build, and no folder of this name with an expert.json", "arguments");
        }
        if (arguments.has("--accept-licence")) {
            m_runner.consents().accept(*m_registry.find(m_name));
        }
    }

    const ExpertCard& card() const { return m_registry.find(m_name)->card(); }
    std::size_t channels() const { return std::max<std::size_t>(1, card().channels.size()); }

    ExpertRun run(const std::vector<Volume>& volumes, const std::string& arguments, std::vector<Click> clicks = {})
    {
        View view;
        view.plane = volumes[0].geometry().acquisitionPlane();
        view.slice = volumes[0].geometry().size().along(volumes[0].geometry().axisAcross(view.plane)) / 2;
        view.window = volumes[0].defaultWindow();
        ConsoleProgress console;
        return m_runner.run(m_name, {volumes[0], arguments, view, std::move(clicks), {volumes.begin() + 1, volumes.end()}}, console.progress(), {});
    }

private:
    std::string m_name;
    ExpertRegistry m_registry;
    ExpertRunner m_runner = makeRunner(m_registry);
};

/// "X,Y,Z" or "X,Y,Z,out" in LPS mm, apart by semicolons.
std::vector<Click> clicksOf(const std::string& text)
{
    std::vector<Click> clicks;
    std::istringstream stream(text);
    for (std::string word; std::getline(stream, word, ';');) {
        Click click;
        char rest[8] = "";
        const int read = std::sscanf(word.c_str(), "%lf,%lf,%lf,%7s", &click.place.x, &click.place.y, &click.place.z, rest);
        if (read < 3 || (read == 4 && std::string(rest) != "in" && std::string(rest) != "out")) {
            throw Error("a click is X,Y,Z or X,Y,Z,out in millimetres (LPS)", "usage");
        }
        click.isInside = std::string(rest) != "out";
        clicks.push_back(click);
    }
    return clicks;
}

json placeJson(PointLps point) { return {point.x, point.y, point.z}; }

json labelsJson(const LabelMap& mask, const std::vector<MaskFacts>& facts, const ChosenExpert& expert)
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
    const ExpertCard& card = expert.card();
    json out{{"expert", from.expert}, {"version", from.version}, {"arguments", from.arguments}, {"weightsSha256", from.weightsSha256}, {"timeUtc", from.timeUtc},
        {"engine", engineVersion()}, {"licence", card.licence}, {"intendedUse", card.intendedUse}, {"researchOnly", card.isResearchOnly}, {"labels", labels}};
    if (!from.notice.empty()) {
        out["note"] = from.notice;
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

/// Refuses before anything runs what would be lost or not be found: two results in one file, an input that is written over, an ending of another format.
void checkOutputs(std::span<const fs::path> outs, std::span<const std::string> inputs)
{
    std::set<std::string> names;
    for (const fs::path& out : outs) {
        const std::string name = out.filename().string(), beside = (out.parent_path() / stemOf(out)).string();
        if (!name.ends_with(".nii") && !name.ends_with(".nii.gz") && !name.ends_with(".raw")) {
            throw Error("OUT is a .nii, .nii.gz or .raw file, or an existing folder: " + out.string(), "usage");
        }
        if (!names.insert(name).second) {
            throw Error("two inputs would be written to " + out.string() + "; give them other names, or run them one by one", "usage");
        }
        for (const std::string& input : inputs) {
            std::error_code error;
            const fs::path voxels = fs::path(input).extension() == ".json" ? voxelsOfHeader(input) : fs::path();
            if (fs::equivalent(input, out, error) || fs::equivalent(input, beside + ".json", error) || fs::equivalent(voxels, out, error)) {
                throw Error("the result would be written over the input " + input, "usage");
            }
        }
        if (const fs::path folder = out.has_parent_path() ? out.parent_path() : "."; ::access(folder.c_str(), W_OK) != 0) {
            throw Error("cannot write to the folder " + folder.string(), "write");
        }
    }
}

/// "For research only: ...", where the weights are.
void printNotice(const std::string& notice)
{
    if (!notice.empty()) {
        std::printf("%s\n", notice.c_str());
    }
}

/// Mask, labels and table of one case; `out` is a .nii, .nii.gz or .raw file, the others stand beside it.
void writeCase(const fs::path& out, const LabelMap& mask, const Volume& volume, const ChosenExpert& expert)
{
    const std::vector<MaskFacts> facts = measureMask(mask, volume);
    if (out.extension() == ".raw") {
        const auto& voxels = mask.voxels();
        writeText(out, {voxels.begin(), voxels.end()});
    } else {
        writeNifti(out, mask);
    }
    const fs::path beside = out.parent_path() / stemOf(out);
    writeText(beside.string() + ".json", labelsJson(mask, facts, expert).dump(1) + "\n");
    writeText(beside.string() + ".csv", factsAsCsv(mask, facts));
    for (const MaskFacts& fact : facts) {
        std::printf("%d\t%s\t%.3f mL\tmean %.2f\n", fact.basic.value, mask.findLabel(fact.basic.value)->name.c_str(), fact.basic.volumeMl, fact.basic.meanValue);
    }
    printNotice(mask.provenance().notice);
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
        } catch (const std::exception& error) {     // memory that one of them lacks too
            ++failed;
            std::fprintf(stderr, "%s: %s\n", input.c_str(), firstLineOf(error).c_str());
        }
    }
    if (inputs.size() > 1) {
        std::printf("%zu of %zu done, %d failed\n", inputs.size() - std::size_t(failed), inputs.size(), failed);
    }
    return failed ? 1 : 0;
}

} // namespace

int segmentCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, kOptions, {"--accept-licence"});
    std::vector<std::string> plain = arguments.plain();
    if (arguments.has("--volume")) {
        plain = {arguments.value("--volume"), arguments.value("--output")};
    }
    ChosenExpert expert(arguments);
    const std::string wanted = arguments.value("--args", arguments.value("--arguments"));
    const std::vector<Click> clicks = clicksOf(arguments.value("--clicks"));
    if (expert.card().task == "classification") {
        throw Error(expert.card().name + " classifies; use classify", "arguments");
    }
    if (plain.size() < 1 + expert.channels()) {
        throw Error("segment needs " + (expert.channels() == 1 ? std::string("IN") : std::to_string(expert.channels()) + " inputs (channels of one study)") + " and OUT", "usage");
    }
    const fs::path out = plain.back();
    plain.pop_back();
    const bool isFolder = expert.channels() == 1 && (plain.size() > 1 || fs::is_directory(out) || !out.has_filename());
    std::vector<fs::path> outs{out};
    if (isFolder) {
        std::error_code error;
        fs::create_directories(out, error);
        if (!fs::is_directory(out)) {
            throw Error(out.string() + " is no folder and cannot become one", "write");
        }
        outs.clear();
        std::transform(plain.begin(), plain.end(), std::back_inserter(outs), [&](const std::string& input) { return out / (stemOf(input) + "_mask.nii.gz"); });
    }
    checkOutputs(outs, plain);
    if (!isFolder) {
        const std::vector<Volume> volumes = readAll(plain, arguments);
        writeCase(out, expert.run(volumes, wanted, clicks).result.mask, volumes[0], expert);
        return 0;
    }
    auto place = outs.begin();
    return forEachInput(plain, [&](const std::string& input) {
        const fs::path own = *place++;
        std::printf("%s\n", input.c_str());
        const std::vector<Volume> volumes = readAll(std::span(&input, 1), arguments);
        writeCase(own, expert.run(volumes, wanted, clicks).result.mask, volumes[0], expert);
    });
}

int classifyCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, kOptions, {"--accept-licence"});
    ChosenExpert expert(arguments);
    if (expert.card().task != "classification") {
        throw Error(expert.card().name + " does not classify", "arguments");
    }
    if (arguments.plain().empty()) {
        throw Error("classify needs at least one picture", "usage");
    }
    json all = json::object();
    const int code = forEachInput(arguments.plain(), [&](const std::string& input) {
        const std::string modality = arguments.value("--modality");
        const Volume picture = isPictureFile(input) ? readPictureVolume(input, modality.empty() ? "DX" : modality) : readVolumeFile(input, modality, int(arguments.number("--bits", 0)));
        const ExpertRun run = expert.run({picture}, "");
        const std::vector<Score>& scores = run.result.scores;
        all[input] = {{"expert", run.card.name}, {"version", run.card.version}, {"weightsSha256", run.card.weightsSha256}, {"licence", run.card.licence},
            {"intendedUse", run.card.intendedUse}, {"researchOnly", run.card.isResearchOnly}, {"scores", toJson(scores)}};
        if (!run.card.notice().empty()) {
            all[input]["note"] = run.card.notice();
        }
        std::printf("%s\n", input.c_str());
        for (const Score& score : scores) {
            std::printf("  %-28s %s  %.3f", score.label.c_str(), score.isPositive ? "yes" : "no ", score.mean);
            if (score.trainedModels > 0) {
                std::printf("  trained %.3f (%.3f to %.3f, %d of %d models)", score.trainedMean, score.lowest, score.highest, score.trainedModels, score.models);
            }
            std::printf("\n");
        }
        printNotice(run.card.notice());
    });
    if (arguments.has("--json")) {
        writeText(arguments.value("--json"), all.dump(1) + "\n");
    }
    return code;
}

} // namespace hf::app
