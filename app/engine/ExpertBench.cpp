#include "app/engine/Arguments.h"
#include "app/engine/Commands.h"
#include "app/engine/Networks.h"
#include "app/engine/TemporaryFolder.h"
#include "experts/engine/neural/ChestEnsemble.h"
#include "experts/engine/neural/FolderExpert.h"
#include "experts/runtime/Cuda.h"
#include "experts/runtime/Safetensors.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <set>

namespace hf::app {

namespace fs = std::filesystem;
using namespace hf::experts;
using nlohmann::json;

namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

std::size_t peakResidentBytes()
{
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word) {
        if (word == "VmHWM:") {
            std::size_t kilobytes = 0;
            status >> kilobytes;
            return kilobytes * 1024;
        }
    }
    return 0;
}

/// What a run takes of memory; `device_used_bytes` is all that this and other programs hold of a GPU, kept blocks and libraries too.
void addMemory(json& result, at::Device device)
{
    result["peak_rss_bytes"] = peakResidentBytes();
    result["peak_device_bytes"] = runtime::peakDeviceBytes(device);
    if (const auto memory = runtime::deviceMemory(device)) {
        result["device_used_bytes"] = memory->total - memory->free;
    }
}

/// Numbers apart by 'x' or ','. @throws Error "usage".
template <typename Number> std::array<Number, 3> threeOf(const Arguments& arguments, const std::string& option, const std::string& otherwise)
{
    std::array<double, 3> numbers{};
    char rest = 0;
    const std::string text = arguments.value(option, otherwise);
    const int read = std::sscanf(text.c_str(), "%lf%*[x,]%lf%*[x,]%lf%c", &numbers[0], &numbers[1], &numbers[2], &rest);
    constexpr double kMost = 4096;
    if (read != 3 || !std::all_of(numbers.begin(), numbers.end(), [](double n) { return n > 0 && n <= kMost; })) {
        throw Error(option + " needs three numbers, as " + otherwise, "usage");
    }
    return {Number(numbers[0]), Number(numbers[1]), Number(numbers[2])};
}

runtime::TensorMap hashedVista()
{
    WeightList list;
    Vista3d{list};
    return hashedWeights(list);
}

/// The published VISTA3D expert (resources/experts/vista3d) on hashed weights, which are written into the folder.
ExpertManifest vistaIn(const fs::path& folder, std::int64_t side)
{
    ExpertManifest manifest;
    manifest.folder = folder;
    manifest.text = "VISTA3D on hashed weights";
    manifest.engine = ExpertManifest::Engine::Vista3d;
    manifest.weights.file = "model.safetensors";
    manifest.card.name = "VISTA3D";
    manifest.card.task = "segmentation";
    manifest.card.dicomModalities = {"CT"};
    manifest.card.arguments = {"everything"};
    manifest.card.defaultArgument = "everything";
    manifest.pre = {{PreStep::Kind::Spacing, {1.5, 1.5, 1.5}, 0, {}}, {PreStep::Kind::CropForeground, {}, 10, {}},
        {PreStep::Kind::ScaleRange, {}, 0, {-963.8247715525971, 1053.678477684517}}, {PreStep::Kind::OrientationRas, {}, 0, {}}};
    manifest.window.roi = {side, side, side};
    manifest.window.overlap = {0.25, 0.25, 0.25};
    manifest.post.kind = PostSpec::Kind::Prompts;
    const std::set<std::int64_t> without{2, 16, 18, 20, 21, 23, 24, 25, 26, 27, 128, 129, 130, 131, 132};
    for (std::int64_t id = 1; id <= Vista3d::kClasses; ++id) {
        if (!without.contains(id)) {
            manifest.prompts["everything"].push_back(id);
        }
    }
    runtime::writeSafetensors(folder / manifest.weights.file, hashedVista());
    return manifest;
}

/// Noise of -1000 to 1000 HU.
Volume noiseCt(Size3 size, const std::array<double, 3>& spacingMm)
{
    VolumeInfo info;
    info.modality = "CT";
    info.unit = Unit::Hu;
    const Geometry geometry(size, spacingMm, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    std::vector<std::int16_t> voxels(geometry.size().voxels());
    std::uint32_t state = 1;
    for (std::int16_t& voxel : voxels) {
        state = state * 1664525 + 1013904223;
        voxel = std::int16_t(int(state >> 16) % 2001 - 1000);
    }
    return Volume(geometry, std::move(voxels), std::move(info));
}

/// Seconds of the parts of a run, from its progress.
class StageTimes {
public:
    Progress progress()
    {
        return [this](double, const std::string& stage) {
            m_prepared = stage == "preparing" ? Clock::now() : m_prepared;
            if (stage.starts_with("window ")) {
                m_windows = m_count == 0 ? Clock::now() : m_windows;
                m_count = std::size_t(std::stoul(stage.substr(stage.find(" of ") + 4)));
            }
            m_back = stage.starts_with("back") ? Clock::now() : m_back;
        };
    }
    void addTo(json& result) const
    {
        const auto between = [](Clock::time_point a, Clock::time_point b) { return std::chrono::duration<double>(b - a).count(); };
        result["load_s"] = between(m_begin, m_prepared);
        result["prepare_s"] = between(m_prepared, m_windows);
        result["windows"] = m_count;
        result["windows_s"] = between(m_windows, m_back);
        result["window_ms"] = 1e3 * between(m_windows, m_back) / double(std::max<std::size_t>(1, m_count));
        result["back_s"] = between(m_back, Clock::now());
        result["seconds"] = between(m_prepared, Clock::now());
    }

private:
    Clock::time_point m_begin = Clock::now(), m_prepared = m_begin, m_windows = m_begin, m_back = m_begin;
    std::size_t m_count = 0;
};

void print(const json& result, bool asJson)
{
    if (asJson) {
        std::printf("%s\n", result.dump().c_str());
    } else {
        for (const auto& [name, value] : result.items()) {
            std::printf("%-20s %s\n", name.c_str(), value.dump().c_str());
        }
    }
    std::fflush(stdout);
}

int benchVolume(const Arguments& arguments, Compute compute)
{
    if (arguments.value("--network", "vista3d") != "vista3d") {
        throw Error("--volume runs vista3d", "usage");
    }
    const auto size = threeOf<int>(arguments, "--volume", "512x512x768");
    const auto spacing = threeOf<double>(arguments, "--spacing", "1.5,1.5,1.5");
    const TemporaryFolder folder;
    ExpertManifest manifest = vistaIn(folder.path, std::int64_t(arguments.number("--side", 128)));
    if (!arguments.has("--everything")) {
        manifest.prompts["everything"] = {1};
    }
    const std::size_t classes = manifest.prompts["everything"].size();
    FolderExpert expert(std::move(manifest), {compute});
    const Volume volume = noiseCt({size[0], size[1], size[2]}, spacing);
    View view;
    view.slice = size[2] / 2;
    json result{{"network", "vista3d"}, {"classes", classes}, {"volume", size}, {"spacing_mm", spacing}, {"device", compute.device.str()}, {"device_name", runtime::deviceName(compute.device)},
        {"precision", compute.name()}, {"threads", at::get_num_threads()}};
    if (compute.device.is_cuda()) {
        // What a GPU does once in a program: fetching the kernels of every step, trying convolutions.
        const auto side = int(arguments.number("--side", 128));
        const auto begin = Clock::now();
        expert.run({noiseCt({side, side, side}, spacing), "everything", {}}, {}, {});
        result["first_window_s"] = secondsSince(begin);
    }
    runtime::resetPeakDeviceBytes(compute.device);
    StageTimes times;
    const ExpertResult found = expert.run({volume, "everything", view}, times.progress(), {});
    result["labels_found"] = found.mask.labels().size();
    times.addTo(result);
    addMemory(result, compute.device);
    print(result, arguments.has("--json"));
    return 0;
}

using Forward = std::function<at::Tensor(const at::Tensor&)>;

/// A network, or more, that must give the same on each device.
struct Trial {
    std::string name;
    std::vector<std::int64_t> shape;
    double low = 0, high = 1;
    std::function<Forward(Compute)> make;
};

Trial trialOf(const std::string& name, const NetworkSpec& spec, std::vector<std::int64_t> shape, double low, double high)
{
    return {name, std::move(shape), low, high, [spec](Compute compute) -> Forward {
        auto network = std::make_shared<Network>(loadNetwork(spec, "hashed", compute));
        return [network](const at::Tensor& x) { return network->forward(x); };
    }};
}

/// Classes, and the object at two points.
std::vector<Trial> vistaTrials(std::int64_t side)
{
    const auto weights = std::make_shared<runtime::TensorMap>(hashedVista());
    const auto load = [weights](Compute compute) {
        LoadedWeights source(*weights, compute);
        return std::make_shared<Vista3d>(source);
    };
    const auto classes = [load](Compute compute) -> Forward {
        return [network = load(compute), compute](const at::Tensor& x) {
            return Vista3d::classLogits(network->mapClasses(network->encode(prepared(x, compute), false, true).classes).to(at::kFloat), network->embeddings({1, 3, 132}));
        };
    };
    const auto points = [load](Compute compute) -> Forward {
        return [network = load(compute), compute](const at::Tensor& x) {
            return network->pointLogits(network->encode(prepared(x, compute), true, false).points, {{{10, 12, 14}, 1}, {{20, 8, 9}, 0}}, 3);
        };
    };
    return {{"vista3d classes", {1, 1, side, side, side}, 0, 1, classes}, {"vista3d points", {1, 1, side, side, side}, 0, 1, points}};
}

/// Scores of two members.
Forward chestScores(Compute compute)
{
    std::vector<ChestEnsemble::Member> members;
    for (const bool isResNet : {false, true}) {
        const NetworkSpec spec{NetworkSpec::Chest{isResNet}};
        members.push_back({isResNet ? "resnet50" : "all", isResNet, std::make_unique<Network>(loadNetwork(spec, "hashed", {at::kFloat, true, compute.device}))});
    }
    auto ensemble = std::make_shared<ChestEnsemble>(std::move(members));
    return [ensemble](const at::Tensor& x) {
        std::vector<double> means;
        for (const Score& score : ensemble->scores(x, {}, {})) {
            means.push_back(score.mean);
        }
        return at::tensor(means, at::kDouble);
    };
}

/// A whole run of an expert, with its resampling there and back: 1 where a label is the expected one.
Forward wholeRun(const fs::path& folder, Compute compute)
{
    const auto expert = std::make_shared<FolderExpert>(vistaIn(folder, 64), FolderOptions{compute});
    return [expert](const at::Tensor&) {
        const Volume volume = noiseCt({64, 60, 40}, {2, 2, 3});
        const LabelMap mask = expert->run({volume, "everything", {}}, {}, {}).mask;
        const auto& voxels = mask.voxels();
        return at::tensor(at::ArrayRef<std::uint8_t>(voxels.data(), voxels.size()));
    };
}

std::vector<Trial> trials(bool isFull, const fs::path& folder)
{
    std::vector<Trial> all = vistaTrials(isFull ? 128 : 64);
    const NetworkSpec deconvolving{SegResNetShape{3, 1, 6, 32, {1, 2, 2, 4}, {1, 1, 1}, true, 8}};
    all.push_back(trialOf("brats", NetworkSpec::named("brats"), isFull ? std::vector<std::int64_t>{1, 4, 240, 240, 160} : std::vector<std::int64_t>{1, 4, 64, 80, 48}, -2, 2));
    all.push_back(trialOf("segresnet", deconvolving, {2, 1, 64, 64, 64}, -1, 1));
    all.push_back(trialOf("unet", {UNetShape{}}, {1, 1, 96, 96, 96}, 0, 1));
    all.push_back(trialOf("densenet121", NetworkSpec::named("densenet121"), {1, 1, 224, 224}, -1024, 1024));
    all.push_back(trialOf("resnet50", NetworkSpec::named("resnet50"), {1, 1, 512, 512}, -1024, 1024));
    all.push_back({"chest ensemble", {600, 540}, -1024, 1024, chestScores});
    all.push_back({"expert", {1}, 0, 1, [folder](Compute compute) { return wholeRun(folder, compute); }});
    return all;
}

/// Each trial on the CPU in fp32 as the reference, then on the device; a line of JSON for each.
int benchCompare(const Arguments& arguments, at::Device device)
{
    const TemporaryFolder folder;
    int failed = 0;
    for (const Trial& trial : trials(arguments.has("--full"), folder.path)) {
        const at::Tensor input = hashedInput(trial.shape, trial.low, trial.high);
        const auto begin = Clock::now();
        const at::Tensor expected = trial.make(Compute::exact())(input).to(at::kCPU);
        const double cpuMs = 1e3 * secondsSince(begin);
        for (const Compute compute : {Compute::exact(device), Compute::fastest(device)}) {
            json line{{"trial", trial.name}, {"input", trial.shape}, {"compute", compute.name()}, {"cpu_ms", cpuMs}};
            try {
                runtime::resetPeakDeviceBytes(device);
                const Forward forward = trial.make(compute);
                const at::Tensor found = forward(input).to(at::kCPU);
                const auto again = Clock::now();
                forward(input).to(at::kCPU);
                line["ms"] = 1e3 * secondsSince(again);
                const Difference difference = differenceOf(found, expected);
                line["largest_difference"] = difference.largest;
                line["of_deviation"] = difference.ofDeviation;
                if (expected.scalar_type() == at::kByte) {
                    line["same_labels"] = (found == expected).to(at::kDouble).mean().item<double>();
                }
                line["peak_device_bytes"] = runtime::peakDeviceBytes(device);
            } catch (const std::exception& error) {
                line["error"] = error.what();
                ++failed;
            }
            print(line, true);
        }
    }
    return failed ? 1 : 0;
}

/// Window of one pass, as the experts use it.
std::vector<std::int64_t> windowShape(const std::string& name, int side)
{
    if (name == "vista3d") {
        return {1, 1, side, side, side};
    }
    if (name == "brats") {
        return {1, 4, side, side, side};
    }
    return name == "densenet121" ? std::vector<std::int64_t>{1, 1, 224, 224} : std::vector<std::int64_t>{1, 1, 512, 512};
}

Forward windowPass(const std::string& name, const std::string& weights, Compute compute)
{
    if (name == "vista3d") {
        auto network = std::make_shared<Vista3d>(loadVista(weights, compute));
        // What a window costs in a run: logits are made once a voxel, after the mean of all windows.
        return [network, compute](const at::Tensor& x) { return network->mapClasses(network->encode(prepared(x, compute), false, true).classes); };
    }
    auto network = std::make_shared<Network>(loadNetwork(specOf(name), weights, compute));
    return [network](const at::Tensor& x) { return network->forward(x); };
}

int benchWindow(const Arguments& arguments, Compute compute)
{
    const std::string name = arguments.value("--network", "vista3d"), precision = arguments.value("--precision", "fp32");
    const int side = int(arguments.number("--side", 128)), passes = std::max(1, int(arguments.number("--passes", 3)));
    const Forward pass = windowPass(name, arguments.value("--weights", "hashed"), compute);
    const at::Tensor input = hashedInput(windowShape(name, side), 0, 1);
    runtime::resetPeakDeviceBytes(compute.device);
    const runtime::TriedConvolutions tried(compute.device.is_cuda() && compute.type != at::kFloat);
    std::vector<double> times;
    for (int n = 0; n <= passes; ++n) {     // the first warms up
        const auto begin = Clock::now();
        pass(input);
        runtime::synchronise(compute.device);
        if (n > 0) {
            times.push_back(1e3 * secondsSince(begin));
        }
    }
    std::sort(times.begin(), times.end());
    json result{{"network", name}, {"precision", precision}, {"device", compute.device.str()}, {"threads", at::get_num_threads()}, {"input", windowShape(name, side)},
        {"window_ms", times[times.size() / 2]}, {"window_ms_best", times.front()}, {"passes", passes}};
    addMemory(result, compute.device);
    if (arguments.has("--json")) {
        print(result, true);
        return 0;
    }
    std::printf("%s %s on %s: %.1f ms a window (best %.1f), peak memory %.2f GB", name.c_str(), precision.c_str(), compute.device.str().c_str(), times[times.size() / 2], times.front(),
        double(peakResidentBytes()) / 1e9);
    compute.device.is_cuda() ? std::printf(", of the GPU %.2f GB\n", double(runtime::peakDeviceBytes(compute.device)) / 1e9) : std::printf("\n");
    return 0;
}

} // namespace

int benchExpertsCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--network", "--precision", "--weights", "--side", "--passes", "--device", "--volume", "--spacing"}, {"--json", "--everything", "--compare", "--full"});
    const at::Device device = runtime::chooseDevice(arguments.value("--device", "cpu"));
    if (arguments.has("--compare")) {
        return benchCompare(arguments, device);
    }
    if (arguments.has("--volume")) {
        return benchVolume(arguments, Compute::named(arguments.value("--precision", "fastest"), device));
    }
    return benchWindow(arguments, Compute::named(arguments.value("--precision", "fp32"), device));
}

} // namespace hf::app
