#include "app/ConsoleProgress.h"
#include "app/engine/Commands.h"
#include "app/engine/Engine.h"
#include "app/engine/ModelArguments.h"
#include "app/engine/StopOnSignal.h"
#include "assistant/engine/Prompt.h"
#include "assistant/engine/PillowResize.h"
#include "assistant/engine/VilaNetworks.h"
#include "experts/runtime/Cuda.h"

#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace hf::app {

namespace {

using assistant::VilaModel;

/// A picture with shapes and texture, the same on every machine.
Picture testPicture()
{
    Picture picture{256, 256, {}};
    for (int y = 0; y < picture.height; ++y) {
        for (int x = 0; x < picture.width; ++x) {
            const int inside = (x - 128) * (x - 128) + 2 * (y - 128) * (y - 128) < 9000 ? 120 : 20;
            const auto grey = std::uint8_t(inside + (x * 7 + y * 13) % 31);
            picture.rgb.insert(picture.rgb.end(), {grey, grey, grey});
        }
    }
    return picture;
}

struct Steps {
    std::vector<std::vector<float>> logits;
    std::vector<std::int64_t> tokens;
};

/// Logits of each step; with `forced` those of exactly these tokens, so that two models can be compared.
Steps run(VilaModel& model, int count, const std::vector<std::int64_t>& forced)
{
    const std::vector<assistant::PromptMessage> messages{{assistant::Role::User,
        assistant::userText(assistant::PromptForm::Training, {}, "CT", "What can be seen in this scan? Describe it in detail.")}};
    Steps steps;
    assistant::GenerationOptions options;
    options.maxNewTokens = count;
    options.minNewTokens = count;
    options.forcedTokens = forced;
    options.onStep = [&](std::span<const float> logits, std::int64_t chosen) {
        steps.logits.emplace_back(logits.begin(), logits.end());
        steps.tokens.push_back(chosen);
    };
    const Picture picture = testPicture();
    model.generate(buildPrompt(model.info().conversation, assistant::PromptForm::Training, messages), std::span(&picture, 1), options, {}, {});
    return steps;
}

std::vector<double> logChances(const std::vector<float>& logits)
{
    const double most = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float value : logits) {
        sum += std::exp(value - most);
    }
    std::vector<double> result;
    for (const float value : logits) {
        result.push_back(value - most - std::log(sum));
    }
    return result;
}

void compare(const std::string& name, const Steps& reference, const Steps& other)
{
    double first = 0, largest = 0, divergence = 0;
    int agree = 0;
    const std::size_t count = std::min(reference.logits.size(), other.logits.size());
    for (std::size_t n = 0; n < count; ++n) {
        const std::vector<double> p = logChances(reference.logits[n]), q = logChances(other.logits[n]);
        for (std::size_t id = 0; id < p.size(); ++id) {
            divergence += std::exp(p[id]) * (p[id] - q[id]);
            largest = std::max(largest, double(std::abs(reference.logits[n][id] - other.logits[n][id])));
        }
        first = n == 0 ? largest : first;
        const auto best = [](const std::vector<double>& chances) { return std::max_element(chances.begin(), chances.end()) - chances.begin(); };
        agree += best(p) == best(q) ? 1 : 0;
    }
    std::printf("%-24s largest difference of a logit %.3g (of the first answer %.3g), mean divergence (KL) %.3g nat, same first choice %d of %zu\n", name.c_str(),
        largest, first, divergence / double(std::max<std::size_t>(count, 1)), agree, count);
    std::fflush(stdout);
}

void compare(const char* stage, const torch::Tensor& reference, const torch::Tensor& other)
{
    const torch::Tensor difference = other.to(at::kCPU, at::kFloat) - reference;
    std::printf("  %-22s largest difference %.3g, mean %.3g, of numbers up to %.3g\n", stage, difference.abs().max().item<double>(), difference.abs().mean().item<double>(),
        reference.abs().max().item<double>());
}

/// The stages before the language model: pixels, vision tower, projector, and the language model's hidden states of the picture's rows.
struct Stages {
    torch::Tensor pixels, features, rows, hidden;
};

Stages stagesOf(const std::filesystem::path& root, torch::Device device, torch::ScalarType type)
{
    const torch::NoGradGuard noGrad;
    assistant::VilaNetworks networks = assistant::loadNetworks(root, assistant::WeightPlace{type, device, {}});
    const Picture square = assistant::preprocess(testPicture(), networks.config.preprocessor.size, networks.config.imageAspectRatio, networks.config.preprocessor.padColor());
    Stages stages;
    stages.pixels = assistant::pixelTensor(std::span(&square, 1), networks.config.preprocessor).to(device, type);
    stages.features = networks.vision(stages.pixels);
    stages.rows = networks.projector(stages.features);
    stages.hidden = networks.llm->forward(stages.rows);
    return stages;
}

const char* nameOf(torch::ScalarType type) { return type == at::kFloat ? "fp32" : type == at::kHalf ? "fp16" : "bf16"; }

void compareStages(const std::filesystem::path& root, torch::Device device)
{
    const Stages reference = stagesOf(root, at::kCPU, at::kFloat);
    for (const auto type : {at::kFloat, at::kHalf, at::kBFloat16}) {
        const Stages other = stagesOf(root, device, type);
        std::printf("%s on %s, beside fp32 on the CPU:\n", nameOf(type), runtime::deviceName(device).c_str());
        compare("pixels", reference.pixels, other.pixels);
        compare("vision tower", reference.features, other.features);
        compare("projector", reference.rows, other.rows);
        compare("language model", reference.hidden, other.hidden);
    }
}

} // namespace

int checkCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--model", "--tokens", "--device"}, {});
    const int count = int(arguments.number("--tokens", 32, 1, 1'000'000));
    const std::string device = arguments.value("--device", "cpu");
    const auto steps = [&](const std::string& place, const std::string& dtype, const std::string& quantisation, const std::vector<std::int64_t>& forced) {
        assistant::LoadOptions options;
        options.device = place;
        options.dtype = dtype;
        options.quantisation = quantisation;
        const auto model = VilaModel::load(modelFolder(arguments), options);
        if (!model->info().remark.empty()) {
            std::printf("%s %s: %s\n", place.c_str(), dtype.c_str(), model->info().remark.c_str());
        }
        return run(*model, count, forced);
    };
    // A checkpoint that was saved rounded has no other form.
    const std::string stored = assistant::loadVilaConfig(assistant::checkpointRoot(modelFolder(arguments))).quantisation;
    const std::vector<std::string> quantisations = stored == "none" ? std::vector<std::string>{"int8", "int4"} : std::vector<std::string>{stored};
    const Steps wanted = steps("cpu", "fp32", "none", {});
    std::printf("%d steps after a picture and a question; compared with fp32 of the same files on the CPU:\n", count);
    if (device == "cpu") {
        if (stored == "none") {
            compare("bf16", wanted, steps("cpu", "bf16", "none", wanted.tokens));
        }
        for (const std::string& quantisation : quantisations) {
            compare(quantisation, wanted, steps("cpu", "bf16", quantisation, wanted.tokens));
        }
        return 0;
    }
    const torch::Device chosen = runtime::chooseDevice(device);
    for (const char* dtype : {"fp32", "fp16", "bf16"}) {
        compare(device + " " + dtype, wanted, steps(device, dtype, "none", wanted.tokens));
    }
    // The same rounded weights on both sides: what differs is the order of sums.
    for (const std::string& quantisation : quantisations) {
        const Steps onCpu = steps("cpu", "fp32", quantisation, wanted.tokens), onDevice = steps(device, "fp32", quantisation, wanted.tokens);
        compare(device + " " + quantisation, wanted, onDevice);
        compare(device + " " + quantisation + ", CPU's", onCpu, onDevice);
    }
    compareStages(assistant::checkpointRoot(modelFolder(arguments)), chosen);
    return 0;
}

int quantizeCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--model", "--output", "--to"}, {});
    const auto type = assistant::quantisationOf(arguments.value("--to"));
    if (!type || arguments.value("--output").empty()) {
        throw Error("quantize needs --to int8|int4 and --output FOLDER", "usage");
    }
    const StopOnSignal signal;
    ConsoleProgress console;
    assistant::saveQuantised(assistant::checkpointRoot(modelFolder(arguments)), arguments.value("--output"), *type, console.progress(), signal.token());
    return 0;
}

} // namespace hf::app
