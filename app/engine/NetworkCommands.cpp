#include "app/engine/Arguments.h"
#include "app/engine/Commands.h"
#include "experts/engine/neural/ExpertManifest.h"
#include "experts/engine/neural/Vista3d.h"
#include "experts/runtime/Npy.h"
#include "experts/runtime/WeightFile.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>

namespace hf::app {

using namespace hf::experts;
using nlohmann::json;

namespace {

/// Numbers apart by commas. @throws Error "usage".
std::vector<double> numbersOf(const std::string& text)
{
    std::vector<double> numbers;
    std::istringstream stream(text);
    std::string word;
    while (std::getline(stream, word, ',')) {
        std::size_t used = 0;
        try {
            numbers.push_back(std::stod(word, &used));
        } catch (const std::logic_error&) {
            used = std::string::npos;
        }
        if (used != word.size()) {
            throw Error("'" + text + "' is no list of numbers", "usage");
        }
    }
    return numbers;
}

Compute computeOf(const Arguments& arguments)
{
    const std::string precision = arguments.value("--precision", "fp32");
    if (precision != "fp32" && precision != "bf16" && precision != "exact") {
        throw Error("--precision is exact, fp32 or bf16", "usage");
    }
    return {precision == "bf16" ? at::kBFloat16 : at::kFloat, precision != "exact"};
}

WeightList vistaList()
{
    WeightList list;
    Vista3d{list};
    return list;
}

/// The weights of a file, or with "hashed" the deterministic ones.
runtime::TensorMap weightsOf(const std::string& file, const std::function<WeightList()>& list)
{
    return file == "hashed" ? hashedWeights(list()) : runtime::readWeights(std::filesystem::path(file));
}

Vista3d loadVista(const std::string& file, Compute compute)
{
    LoadedWeights weights(Vista3d::adapted(weightsOf(file, vistaList)), compute);
    Vista3d network(weights);
    weights.finish(file);
    return network;
}

/// A built-in network, or that of an expert's folder.
NetworkSpec specOf(const std::string& name)
{
    return std::filesystem::exists(std::filesystem::path(name) / "expert.json") ? readManifest(name).network : NetworkSpec::named(name);
}

/// "x,y,z,label" a click, apart by semicolons.
std::vector<Vista3dPoint> pointsOf(const std::string& text)
{
    std::vector<Vista3dPoint> points;
    std::istringstream stream(text);
    std::string word;
    while (std::getline(stream, word, ';')) {
        const std::vector<double> numbers = numbersOf(word);
        if (numbers.size() != 4) {
            throw Error("a point is x,y,z,label", "usage");
        }
        points.push_back({{numbers[0], numbers[1], numbers[2]}, int(numbers[3])});
    }
    return points;
}

at::Tensor runVista(const Arguments& arguments, const at::Tensor& input)
{
    const Compute compute = computeOf(arguments);
    const Vista3d network = loadVista(arguments.value("--weights"), compute);
    const std::vector<Vista3dPoint> points = pointsOf(arguments.value("--points"));
    const std::vector<double> classes = numbersOf(arguments.value("--classes"));
    if (points.empty() == classes.empty()) {
        throw Error("vista3d needs either --classes 1,3 or --points x,y,z,label;... (with --class ID)", "usage");
    }
    const Vista3d::Features features = network.encode(prepared(input, compute), !points.empty(), points.empty());
    if (!points.empty()) {
        return network.pointLogits(features.points, points, int(arguments.number("--class", -1)));
    }
    const at::Tensor embeddings = network.embeddings({classes.begin(), classes.end()});
    return Vista3d::classLogits(network.mapClasses(features.classes).to(at::kFloat), embeddings);
}

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

/// Window of one pass for the bench, as the experts use it.
std::vector<std::int64_t> benchShape(const std::string& name, int side)
{
    if (name == "vista3d") {
        return {1, 1, side, side, side};
    }
    if (name == "brats") {
        return {1, 4, side, side, side};
    }
    return name == "densenet121" ? std::vector<std::int64_t>{1, 1, 224, 224} : std::vector<std::int64_t>{1, 1, 512, 512};
}

std::function<void(const at::Tensor&)> benchPass(const std::string& name, const std::string& weights, Compute compute)
{
    if (name == "vista3d") {
        auto network = std::make_shared<Vista3d>(loadVista(weights, compute));
        // What a window costs in a run: logits are made once a voxel, after the mean of all windows.
        return [network, compute](const at::Tensor& x) { network->mapClasses(network->encode(prepared(x, compute), false, true).classes); };
    }
    const NetworkSpec spec = specOf(name);
    auto network = std::make_shared<Network>(spec, weightsOf(weights, [&] { return weightList(spec); }), compute, weights);
    return [network](const at::Tensor& x) { network->forward(x); };
}

} // namespace

int runNetworkCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--network", "--weights", "--input", "--output", "--precision", "--classes", "--points", "--class"}, {});
    for (const char* needed : {"--network", "--weights", "--input", "--output"}) {
        if (!arguments.has(needed)) {
            throw Error(std::string(needed) + " is missing", "usage");
        }
    }
    const std::string name = arguments.value("--network");
    const at::Tensor input = runtime::readNpy(arguments.value("--input")).to(at::kFloat);
    at::Tensor output;
    if (name == "vista3d") {
        output = runVista(arguments, input);
    } else {
        const NetworkSpec spec = specOf(name);
        const Network network(spec, weightsOf(arguments.value("--weights"), [&] { return weightList(spec); }), computeOf(arguments), arguments.value("--weights"));
        output = network.forward(input);
    }
    runtime::writeNpy(arguments.value("--output"), output);
    std::ostringstream shape;
    shape << output.sizes();
    std::printf("%s %s\n", name.c_str(), shape.str().c_str());
    return 0;
}

int benchCommand(std::span<const std::string> words)
{
    if (std::find(words.begin(), words.end(), "--training") != words.end()) {
        return benchTrainingCommand(words);
    }
    if (words.empty() || words[0] != "experts") {
        return benchModelCommand(words);
    }
    const Arguments arguments(words.subspan(1), {"--network", "--precision", "--weights", "--side", "--passes"}, {"--json"});
    const std::string name = arguments.value("--network", "vista3d");
    const Compute compute = computeOf(arguments);
    const int side = int(arguments.number("--side", 128)), passes = std::max(1, int(arguments.number("--passes", 3)));
    const auto pass = benchPass(name, arguments.value("--weights", "hashed"), compute);
    const at::Tensor input = hashedInput(benchShape(name, side), 0, 1);
    std::vector<double> times;
    for (int n = 0; n <= passes; ++n) {     // the first warms up
        const auto begin = std::chrono::steady_clock::now();
        pass(input);
        const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
        if (n > 0) {
            times.push_back(ms);
        }
    }
    std::sort(times.begin(), times.end());
    const json result{{"network", name}, {"precision", arguments.value("--precision", "fp32")}, {"device", "cpu"}, {"threads", at::get_num_threads()}, {"input", benchShape(name, side)},
        {"window_ms", times[times.size() / 2]}, {"window_ms_best", times.front()}, {"passes", passes}, {"peak_rss_bytes", peakResidentBytes()}, {"peak_device_bytes", 0}};
    if (arguments.has("--json")) {
        std::printf("%s\n", result.dump().c_str());
    } else {
        std::printf("%s %s: %.1f ms a window (best %.1f), peak memory %.2f GB\n", name.c_str(), arguments.value("--precision", "fp32").c_str(), times[times.size() / 2], times.front(),
            double(peakResidentBytes()) / 1e9);
    }
    return 0;
}

} // namespace hf::app
