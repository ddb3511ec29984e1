#include "app/engine/Arguments.h"
#include "app/engine/Commands.h"
#include "app/engine/Networks.h"
#include "experts/runtime/Cuda.h"
#include "experts/runtime/Npy.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numeric>
#include <sstream>

namespace hf::app {

using namespace hf::experts;

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

at::Tensor runVista(const Arguments& arguments, const at::Tensor& input, Compute compute)
{
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

/// "hashed:1,1,64,64,64" or, with a range, "hashed:1,1,224,224:-1024,1024": experts.md 9; else an .npy file.
at::Tensor inputOf(const std::string& word)
{
    const std::string start = "hashed:";
    if (!word.starts_with(start)) {
        return runtime::readNpy(word).to(at::kFloat);
    }
    const std::size_t colon = word.find(':', start.size());
    const std::vector<double> shape = numbersOf(word.substr(start.size(), colon - start.size())), range = colon == std::string::npos ? std::vector<double>{0, 1} : numbersOf(word.substr(colon + 1));
    const bool isShape = !shape.empty() && std::all_of(shape.begin(), shape.end(), [](double n) { return n >= 1 && n <= 4096 && n == std::floor(n); });
    if (!isShape || range.size() != 2 || std::accumulate(shape.begin(), shape.end(), 1.0, std::multiplies<>()) > 1e9) {
        throw Error("--input is FILE.npy, or hashed:SHAPE or hashed:SHAPE:LOW,HIGH", "usage");
    }
    return hashedInput(std::vector<std::int64_t>(shape.begin(), shape.end()), range[0], range[1]);
}

at::Tensor runOnce(const Arguments& arguments, const at::Tensor& input, Compute compute)
{
    const std::string name = arguments.value("--network"), weights = arguments.value("--weights");
    if (name == "vista3d") {
        return runVista(arguments, input, compute).to(at::kCPU);
    }
    return loadNetwork(specOf(name), weights, compute).forward(input).to(at::kCPU);
}

} // namespace

int runNetworkCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--network", "--weights", "--input", "--output", "--precision", "--device", "--classes", "--points", "--class"}, {"--compare"});
    for (const char* needed : {"--network", "--weights", "--input", "--output"}) {
        if (!arguments.has(needed) && !(arguments.has("--compare") && std::string(needed) == "--output")) {
            throw Error(std::string(needed) + " is missing", "usage");
        }
    }
    const Compute compute = Compute::named(arguments.value("--precision", "fp32"), runtime::chooseDevice(arguments.value("--device", "cpu")));
    const at::Tensor input = inputOf(arguments.value("--input")), output = runOnce(arguments, input, compute);
    if (arguments.has("--output")) {
        runtime::writeNpy(arguments.value("--output"), output);
    }
    std::ostringstream shape;
    shape << output.sizes();
    std::printf("%s %s\n", arguments.value("--network").c_str(), shape.str().c_str());
    if (arguments.has("--compare")) {
        const Difference difference = differenceOf(output, runOnce(arguments, input, Compute::exact()));
        std::printf("%s against the CPU in fp32: largest difference %.3g, %.3g of the standard deviation\n", compute.name().c_str(), difference.largest, difference.ofDeviation);
    }
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
    return benchExpertsCommand(words.subspan(1));
}

} // namespace hf::app
