#include "app/engine/Arguments.h"
#include "app/engine/Commands.h"
#include "app/engine/StopOnSignal.h"
#include "assistant/engine/train/Trainer.h"
#include "experts/runtime/Cuda.h"

#include <algorithm>
#include <cstdio>

namespace hf::app {

int trainCommand(std::span<const std::string> words)
{
    if (std::find(words.begin(), words.end(), "--data") != words.end()) {
        return tuneCommand(words);
    }
    if (std::any_of(words.begin(), words.end(), [](const std::string& word) { return word == "--model" || word == "--stage" || word == "--tune" || word == "--lora" || word.ends_with(".json") || word.ends_with(".jsonl"); })) {
        throw Error("a checkpoint is trained on --data FILE.json; without it train makes the demo model, which takes no --model, --stage, --tune or --lora", "usage");
    }
    const Arguments arguments(words, {"--output", "--pictures", "--held-out", "--pool-cache", "--steps", "--minutes", "--batch", "--rate", "--seed", "--pool", "--version", "--save-every", "--unseen", "--vision-minutes", "--vision-variants", "--device",
            "--threads", "--first-pictures", "--looked"},
        {"--resume", "--refine-tower", "--tower", "--lend", "--fp32", "--together", "--no-fused-attention"});
    // First of all: LibTorch keeps its first answer about CUDA.
    const at::Device device = runtime::chooseDevice(arguments.value("--device", "auto"));
    assistant::train::TrainOptions options;
    options.output = arguments.value("--output");
    if (options.output.empty() || !arguments.plain().empty()) {
        throw Error("train needs --output FOLDER", "usage");
    }
    options.realVolumes = arguments.value("--pictures");
    options.poolCache = arguments.value("--pool-cache");
    options.heldOut = arguments.value("--held-out");
    options.steps = int(arguments.whole("--steps", options.steps));
    options.minutes = arguments.number("--minutes", 0);
    options.batch = int(arguments.whole("--batch", options.batch));
    options.learningRate = arguments.number("--rate", options.learningRate);
    options.seed = std::uint32_t(arguments.whole("--seed", options.seed));
    options.pictures = int(arguments.whole("--pool", options.pictures));
    options.saveEvery = int(arguments.whole("--save-every", options.saveEvery));
    options.unseenTrees = int(arguments.whole("--unseen", options.unseenTrees));
    options.version = arguments.value("--version", options.version);
    options.visionMinutes = arguments.number("--vision-minutes", options.visionMinutes);
    options.visionVariants = int(arguments.whole("--vision-variants", options.visionVariants));
    options.resume = arguments.has("--resume");
    options.refineTower = arguments.has("--refine-tower");
    options.lend = arguments.has("--lend");
    options.device = device;
    options.isTogether = device.is_cuda() || arguments.has("--together");
    options.threads = int(arguments.whole("--threads", options.threads));
    options.firstPictures = int(arguments.whole("--first-pictures", options.firstPictures));
    options.tunesTower = arguments.has("--tower");
    options.looked = int(arguments.whole("--looked", options.isTogether ? options.looked : 64));
    options.noFusedAttention = arguments.has("--no-fused-attention");
    options.bf16 = (options.bf16 || device.is_cuda()) && !arguments.has("--fp32");
    const StopOnSignal signal;
    const auto onReport = [](const assistant::train::TrainReport& report) {
        std::printf("step %d of %d  loss %.4f  %.1f samples/s", report.step, report.steps, report.loss, report.samplesPerSecond);
        if (report.exactFirst >= 0) {
            std::printf("  unseen: first answer right %.3f (its first sentence %.3f, the rest %.3f), all right %.3f", report.exactFirst, report.sentenceRight, report.restRight,
                report.exactAll);
        }
        if (report.visionRight >= 0) {
            std::printf("  vision alone: %.3f right", report.visionRight);
        }
        if (report.lookedRight >= 0) {
            std::printf("  looked at: %.3f right", report.lookedRight);
        }
        if (report.heldOutKind >= 0) {
            std::printf("  held out: kind %.3f, plane %.3f right", report.heldOutKind, report.heldOutPlane);
        }
        if (report.picturesReady > 0) {
            std::printf("  %d pictures, waited %.2f", report.picturesReady, report.waitedShare);
        }
        std::printf("\n");
        std::fflush(stdout);
    };
    trainDemoModel(options, onReport, [](double fraction, const std::string& stage) { std::fprintf(stderr, "%s %.0f %%\n", stage.c_str(), fraction * 100); }, signal.token());
    return 0;
}

} // namespace hf::app
