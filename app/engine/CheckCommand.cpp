#include "app/ConsoleProgress.h"
#include "app/engine/Commands.h"
#include "app/engine/Engine.h"
#include "app/engine/ModelArguments.h"
#include "assistant/engine/Prompt.h"
#include "assistant/engine/VilaNetworks.h"

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

void compare(const char* name, const Steps& reference, const Steps& other)
{
    double largest = 0, divergence = 0;
    int agree = 0;
    const std::size_t count = std::min(reference.logits.size(), other.logits.size());
    for (std::size_t n = 0; n < count; ++n) {
        const std::vector<double> p = logChances(reference.logits[n]), q = logChances(other.logits[n]);
        for (std::size_t id = 0; id < p.size(); ++id) {
            divergence += std::exp(p[id]) * (p[id] - q[id]);
            largest = std::max(largest, double(std::abs(reference.logits[n][id] - other.logits[n][id])));
        }
        const auto best = [](const std::vector<double>& chances) { return std::max_element(chances.begin(), chances.end()) - chances.begin(); };
        agree += best(p) == best(q) ? 1 : 0;
    }
    std::printf("%-6s largest difference of a logit %.3g, mean divergence (KL) %.3g nat, same first choice %d of %zu\n", name, largest,
        divergence / double(std::max<std::size_t>(count, 1)), agree, count);
}

} // namespace

int checkCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--model", "--tokens"}, {});
    const int count = std::max(1, int(arguments.number("--tokens", 32)));
    const auto load = [&](const std::string& dtype, const std::string& quantisation) {
        assistant::LoadOptions options;
        options.device = "cpu";
        options.dtype = dtype;
        options.quantisation = quantisation;
        return VilaModel::load(modelFolder(arguments), options);
    };
    const auto reference = load("fp32", "none");
    const Steps wanted = run(*reference, count, {});
    std::printf("%s, %d steps after a picture and a question; compared with fp32 of the same files:\n", reference->info().name.c_str(), count);
    compare("bf16", wanted, run(*load("bf16", "none"), count, wanted.tokens));
    for (const char* quantisation : {"int8", "int4"}) {
        compare(quantisation, wanted, run(*load("bf16", quantisation), count, wanted.tokens));
    }
    return 0;
}

int quantizeCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--model", "--output", "--to"}, {});
    const auto type = assistant::quantisationOf(arguments.value("--to"));
    if (!type || arguments.value("--output").empty()) {
        throw Error("quantize needs --to int8|int4 and --output FOLDER", "usage");
    }
    ConsoleProgress console;
    assistant::saveQuantised(assistant::checkpointRoot(modelFolder(arguments)), arguments.value("--output"), *type, console.progress(), {});
    return 0;
}

} // namespace hf::app
