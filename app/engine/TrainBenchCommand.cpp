#include "app/engine/Commands.h"
#include "app/engine/ModelArguments.h"
#include "assistant/engine/Autocast.h"
#include "assistant/engine/train/CheckpointTrainer.h"
#include "assistant/engine/train/PackedTrees.h"
#include "assistant/engine/train/Samples.h"
#include "assistant/engine/train/Stopwatch.h"

#include <nlohmann/json.hpp>
#include <torch/nn/functional/loss.h>
#include <torch/optim/adamw.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstdio>

namespace hf::app {

using namespace assistant;
using namespace assistant::train;
using nlohmann::json;

namespace {

/// A conversation of exactly `rows` rows with one picture, whose last quarter is learned.
Sample noiseSample(const VilaConfig& config, int rows)
{
    Picture picture{config.preprocessor.size, config.preprocessor.size, {}};
    std::uint32_t state = 1;
    for (int n = 0; n < picture.width * picture.height * 3; ++n) {
        state = state * 1664525 + 1013904223;
        picture.rgb.push_back(std::uint8_t(state >> 24));
    }
    Sample sample;
    sample.pictures = {picture};
    sample.ids = {Sample::kImage};
    sample.answerOf = {-1};
    for (int row = config.tokensPerImage(); row < rows; ++row) {
        sample.ids.push_back((row * 7919) % config.llm.vocabSize);
        sample.answerOf.push_back(row >= rows - rows / 4 ? 0 : -1);
    }
    return sample;
}

double matrixWeights(const torch::nn::Module& module)
{
    double count = 0;
    for (const auto& one : module.named_modules()) {
        if (const auto* linear = one.value()->as<LinearImpl>(); linear && one.key() != "lm_head") {
            count += double(linear->weight.numel());
        }
    }
    return count;
}

/// Floating-point operations of one step: forward, and twice as many backward; matrices and attention alone, layers that are computed again not counted.
/// @param questions  all but the last quarter of the rows, and the picture, is computed once for all, and the vision tower only forward.
double operationsOf(const VilaNetworks& networks, int count, int rows, bool questions)
{
    const SiglipConfig& vision = networks.config.vision;
    const LlamaConfig& llm = networks.config.llm;
    const double patches = double(vision.patchesPerSide()) * vision.patchesPerSide(), layers = vision.layers + 1 + networks.config.visionSelectLayer;
    const double seen = patches * (matrixWeights(*networks.vision) + 3.0 * vision.patchSize * vision.patchSize * vision.hiddenSize) + 2 * layers * patches * patches * vision.hiddenSize;
    const double projected = networks.config.tokensPerImage() * matrixWeights(*networks.projector);
    const double ends = rows / 4, beginning = rows - ends, each = 2.0 * llm.layers * llm.heads * llm.headDim, chosen = ends * llm.hiddenSize * llm.vocabSize, weights = matrixWeights(*networks.llm);
    if (questions) {
        return 2 * seen + 3 * 2 * (projected + beginning * (weights + each * beginning) + count * (ends * (weights + each * rows) + chosen));
    }
    return 3 * 2 * count * (seen + projected + rows * (weights + each * rows) + chosen);
}

/// Operations a second of a product of large square matrices, the best of several.
double measuredGemmRate(torch::ScalarType type)
{
    constexpr std::int64_t kSide = 1536;
    const torch::Tensor a = torch::randn({kSide, kSide}).to(type), b = torch::randn({kSide, kSide}).to(type);
    double best = 0;
    for (int n = 0; n < 6; ++n) {
        const Stopwatch clock;
        torch::mm(a, b);
        best = std::max(best, 2.0 * kSide * kSide * kSide / clock.seconds());
    }
    return best;
}

} // namespace

int benchTrainingCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--model", "--precision", "--batch", "--rows", "--steps"}, {"--training", "--questions", "--checkpointing", "--json"});
    const std::string precision = arguments.value("--precision", hasFastBf16("cpu") ? "bf16" : "fp32");
    const int count = int(arguments.number("--batch", 4)), rows = int(arguments.number("--rows", 512)), steps = int(arguments.number("--steps", 5));
    const VilaConfig config = loadVilaConfig(checkpointRoot(modelFolder(arguments)));
    if ((precision != "bf16" && precision != "fp32") || count < 1 || steps < 1 || rows < config.tokensPerImage() + 8) {
        throw Error("bench --training takes --precision bf16 or fp32, a --batch and --steps of at least 1, and --rows above those of a picture", "usage");
    }
    const bool bf16 = precision == "bf16", questions = arguments.has("--questions");
    if (questions && arguments.has("--checkpointing")) {
        throw Error("bench --training --questions keeps what layers compute; it knows no --checkpointing", "usage");
    }
    torch::manual_seed(1);
    VilaNetworks networks(config);
    networks.llm->setRecomputes(arguments.has("--checkpointing"));
    networks.vision->setRecomputes(arguments.has("--checkpointing"));
    for (torch::Tensor& parameter : networks.parameters()) {
        parameter.set_requires_grad(true);
    }
    for (torch::Tensor& parameter : networks.vision->parameters()) {
        parameter.set_requires_grad(!questions);
    }
    torch::optim::AdamW optimizer(networks.parameters(), torch::optim::AdamWOptions(1e-5).weight_decay(0));
    const std::vector<std::vector<Sample>> trees{std::vector<Sample>(std::size_t(count), noiseSample(config, rows))};
    const SampleBatch batch = makeBatch(trees[0], config.tokensPerImage(), config.preprocessor, 0);
    const PackedTrees packed = packTrees(trees, config.tokensPerImage(), config.preprocessor);
    const auto step = [&] {
        optimizer.zero_grad();
        torch::Tensor logits;
        if (questions) {
            logits = forward(networks, packed, bf16);
        } else {
            const Autocast autocast(bf16);
            logits = forward(networks, batch);
        }
        torch::nn::functional::cross_entropy(logits, questions ? packed.targets : batch.targets).backward();
        optimizer.step();
    };
    step();     // what a first run sets up
    std::vector<double> seconds;
    for (int n = 0; n < steps; ++n) {
        const Stopwatch clock;
        step();
        seconds.push_back(clock.seconds());
    }
    std::sort(seconds.begin(), seconds.end());
    const double middle = seconds[seconds.size() / 2], rate = operationsOf(networks, count, rows, questions) / middle, peak = measuredGemmRate(bf16 ? torch::kBFloat16 : torch::kFloat);
    const json result{{"model", modelFolder(arguments).filename().string()}, {"parameters", networks.parameterCount()}, {"precision", precision}, {"questions", questions}, {"checkpointing", arguments.has("--checkpointing")}, {"threads", at::get_num_threads()},
        {"batch", count}, {"rows", rows}, {"step_s", middle}, {"step_s_best", seconds.front()}, {"samples_per_s", count / middle}, {"tokens_per_s", double(count) * rows / middle}, {"gflops", rate / 1e9}, {"gemm_gflops", peak / 1e9},
        {"share_of_gemm", rate / peak}};
    if (arguments.has("--json")) {
        std::printf("%s\n", result.dump().c_str());
        return 0;
    }
    for (const auto& [name, value] : result.items()) {
        std::printf("%-22s %s\n", name.c_str(), value.dump().c_str());
    }
    return 0;
}

} // namespace hf::app
