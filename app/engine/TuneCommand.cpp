#include "app/engine/Arguments.h"
#include "app/engine/Commands.h"
#include "app/engine/ModelArguments.h"
#include "app/engine/StopOnSignal.h"
#include "assistant/engine/train/CheckpointTrainer.h"
#include "assistant/engine/train/Dialogues.h"

#include <cstdio>

namespace hf::app {

using namespace assistant::train;

namespace {

/// RANK or RANK,ALPHA; alpha is twice the rank unless given.
LoraOptions loraOf(const std::string& word)
{
    try {
        std::size_t used = 0;
        LoraOptions lora;
        lora.rank = std::stoi(word, &used);
        lora.alpha = 2.0 * lora.rank;
        if (used < word.size() && word[used] == ',') {
            const std::string rest = word.substr(used + 1);
            lora.alpha = std::stod(rest, &used);
            used += word.size() - rest.size();
        }
        if (used == word.size() && lora.rank > 0 && lora.alpha > 0) {
            return lora;
        }
    } catch (const std::logic_error&) {
    }
    throw Error("--lora needs RANK or RANK,ALPHA, not '" + word + "'", "usage");
}

TuneOptions optionsOf(const Arguments& arguments)
{
    TuneOptions options;
    options.model = modelFolder(arguments);
    options.output = arguments.value("--output");
    std::vector<std::string> data = arguments.values("--data");
    data.insert(data.end(), arguments.plain().begin(), arguments.plain().end());
    for (const std::string& word : data) {
        options.data.push_back(fileAndWeight(word));
    }
    for (const std::string& word : arguments.values("--validation")) {
        options.validation.emplace_back(word);
    }
    options.heldPart = arguments.number("--held-part", options.heldPart);
    options.validationLimit = int(arguments.whole("--validation-limit", options.validationLimit));
    options.stage = stageOf(arguments.value("--stage", nameOf(options.stage)));
    if (arguments.has("--tune")) {
        options.parts = partsOf(arguments.value("--tune"));
    }
    if (arguments.has("--lora")) {
        options.lora = loraOf(arguments.value("--lora"));
    }
    options.conversation = arguments.value("--template");
    options.steps = int(arguments.whole("--steps", 0));
    options.epochs = arguments.number("--epochs", options.epochs);
    options.batch = int(arguments.whole("--batch", options.batch));
    options.accumulate = int(arguments.whole("--accumulate", options.accumulate));
    options.rate = arguments.number("--rate", 0);
    options.warmup = arguments.number("--warmup", options.warmup);
    options.weightDecay = arguments.number("--weight-decay", options.weightDecay);
    options.clip = arguments.number("--clip", options.clip);
    options.checkpointing = arguments.has("--checkpointing");
    options.device = arguments.value("--device", options.device);
    options.seed = std::uint32_t(arguments.whole("--seed", options.seed));
    options.saveEvery = int(arguments.whole("--save-every", options.saveEvery));
    options.validateEvery = int(arguments.whole("--validate-every", options.validateEvery));
    options.resume = arguments.has("--resume");
    const std::string precision = arguments.value("--precision", hasFastBf16(options.device) ? "bf16" : "fp32");
    if (precision != "bf16" && precision != "fp32") {
        throw Error("--precision of a training is bf16 or fp32, not '" + precision + "'", "usage");
    }
    options.bf16 = precision == "bf16";
    return options;
}

void print(const TuneReport& report)
{
    std::printf("step %d of %d  loss %.4f  rate %.2e  %.2f samples/s  %.0f tokens/s  %.0f s left", report.step, report.steps, report.loss, report.rate, report.samplesPerSecond, report.tokensPerSecond, report.secondsLeft);
    if (report.validationLoss >= 0) {
        std::printf("  validation loss %.4f", report.validationLoss);
    }
    if (report.cut > 0) {
        std::printf("  (%d conversations too long, their end cut)", report.cut);
    }
    std::printf("\n");
    std::fflush(stdout);
}

} // namespace

int tuneCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--data", "--validation", "--held-part", "--validation-limit", "--model", "--output", "--stage", "--template", "--tune", "--lora", "--steps", "--epochs", "--batch", "--accumulate", "--rate", "--warmup",
        "--weight-decay", "--clip", "--precision", "--device", "--seed", "--save-every", "--validate-every"}, {"--checkpointing", "--resume"});
    if (!arguments.has("--output")) {
        throw Error("train needs --output FOLDER", "usage");
    }
    const StopOnSignal signal;
    const TuneOptions options = optionsOf(arguments);
    const auto onStart = [&](const TuneSummary& summary) {
        std::printf("stage %s, %s: %s%s tuned, %.2f of %.2f million weights; %lld conversations a pass, %zu only tried; %d steps of %d at a rate of %g\n", nameOf(options.stage).c_str(), options.bf16 ? "bf16" : "fp32", nameOf(summary.parts).c_str(),
            options.lora ? " (LoRA)" : "", double(summary.learned) / 1e6, double(summary.all) / 1e6, static_cast<long long>(summary.conversations), summary.tried, summary.steps, options.batch * options.accumulate, summary.rate);
        std::fflush(stdout);
    };
    trainCheckpoint(options, onStart, print, signal.token());
    return 0;
}

} // namespace hf::app
