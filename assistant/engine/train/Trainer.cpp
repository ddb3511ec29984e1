#include "assistant/engine/train/Trainer.h"

#include "assistant/engine/train/DemoModel.h"
#include "assistant/engine/train/JointTrainer.h"
#include "assistant/engine/train/PackedTrees.h"
#include "assistant/engine/train/Samples.h"
#include "assistant/engine/train/Stopwatch.h"
#include "assistant/engine/train/TrainingLog.h"
#include "assistant/engine/train/TrainingState.h"
#include "assistant/engine/train/VisionTrainer.h"
#include "viewer/volume/Error.h"

#include <torch/nn/functional/loss.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>
#include <torch/utils.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <tuple>

#include <malloc.h>

namespace hf::assistant::train {

namespace fs = std::filesystem;
using phantom::Random;

namespace {

/// The share of a run from nothing after which common words are known well enough to lend their embeddings.
constexpr double kLendAfter = 0.4;

/// The shares of unseen conversations that are right word by word (teacher-forced, which is what greedy decoding gives while all is right).
void tryUnseen(VilaNetworks& networks, const Tokenizer& tokenizer, const std::vector<PackedTrees>& trees, const TrainOptions& options, TrainReport& report)
{
    torch::NoGradGuard noGrad;
    std::vector<AnswersRight> outcomes;
    for (const PackedTrees& some : trees) {
        const torch::Tensor best = forward(networks, some, options.bf16).argmax(1).contiguous();
        const std::vector<AnswersRight> results = compared(networks.config, tokenizer, best, some.targets, some.answers, std::size_t(some.branches));
        outcomes.insert(outcomes.end(), results.begin(), results.end());
    }
    countRight(outcomes, report);
}

/// Trees of new conversations: in half of them only the first answers are learned, of many questions; else the whole of some.
class TreeSource {
public:
    /// @param whole  writes those of which all answers are learned.
    TreeSource(const ConversationWriter& writer, const ConversationWriter& whole, const SampleMaker& maker, const VilaConfig& config) : m_writer(writer), m_whole(whole), m_maker(maker), m_config(config) {}

    /// At least so many conversations, packed by whole trees into pieces whose rows fit into a processor's cache.
    std::vector<PackedTrees> next(int conversations, Random& random) const
    {
        std::vector<PackedTrees> packs;
        std::vector<std::vector<Sample>> trees;
        for (int count = 0; count < conversations;) {
            trees.push_back(tree(random));
            count += int(trees.back().size());
            if (int(trees.size()) == kTreesOfPack || count >= conversations) {
                packs.push_back(packTrees(trees, m_config.tokensPerImage(), m_config.preprocessor));
                trees.clear();
            }
        }
        return packs;
    }

private:
    static constexpr int kWhole = 10, kFirstOnly = 20, kTreesOfPack = 2;

    std::vector<Sample> tree(Random& random) const
    {
        const bool whole = random.chance(0.5);
        std::vector<Sample> samples;
        for (const Conversation& conversation : (whole ? m_whole : m_writer).write(whole ? kWhole : kFirstOnly, random)) {
            samples.push_back(m_maker.make(conversation, whole ? std::numeric_limits<int>::max() : 1));
        }
        return samples;
    }

    const ConversationWriter &m_writer, &m_whole;
    const SampleMaker& m_maker;
    VilaConfig m_config;
};

/// Pictures that the tower looks at while it learns with the language model.
struct LookedAt {
    const std::vector<TrainingPicture>& pool;
    ClassHead head;
    int count = 0;                  ///< A step.

    /// Adds to the gradients. @return the share that is told right.
    double learn(VilaNetworks& networks, bool bf16, Random& random)
    {
        const auto [grey, classes] = greyPictures(count, networks.config.vision.imageSize, [&](std::int64_t) -> const TrainingPicture& { return pick(pool, random); });
        torch::manual_seed(std::uint64_t(random.below(1 << 30)));
        const Looked seen = look(networks, head, grey, classes, bf16);
        (kLookedWeight * seen.loss).backward();
        return seen.right.item<double>();
    }
};

/// One step of the optimizer over at least so many conversations. @param looked  null: the tower stays as it is.
/// @return loss (nats a learned token), conversations, share of the pictures looked at that are told right (-1 without).
std::tuple<double, int, double> learn(VilaNetworks& networks, torch::optim::AdamW& optimizer, const std::vector<torch::Tensor>& learned, const TreeSource& source, LookedAt* looked, int conversations, bool bf16, Random& random)
{
    const std::vector<PackedTrees> packs = source.next(conversations, random);
    int count = 0;
    double tokens = 0, sum = 0;
    for (const PackedTrees& pack : packs) {
        count += pack.branches;
        tokens += double(pack.targets.size(0));
    }
    optimizer.zero_grad();
    for (const PackedTrees& pack : packs) {
        const torch::Tensor loss = torch::nn::functional::cross_entropy(forward(networks, pack, bf16), pack.targets, torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum)) / tokens;
        loss.backward();
        sum += loss.item<double>();
    }
    const double right = looked && looked->count > 0 ? looked->learn(networks, bf16, random) : -1;
    torch::nn::utils::clip_grad_norm_(learned, 1.0);
    optimizer.step();
    return {sum, count, right};
}

/// Parameters whose learning rate is the step's times `rate`.
struct Tuned {
    std::vector<torch::Tensor> parameters;
    double rate = 1;
};

/// Decays matrices only: two groups of parameters for each of `all`.
torch::optim::AdamW optimizerFor(const std::vector<Tuned>& all, double learningRate)
{
    using torch::optim::AdamWOptions;
    std::vector<torch::optim::OptimizerParamGroup> groups;
    for (const Tuned& tuned : all) {
        std::vector<torch::Tensor> decayed, plain;
        for (const torch::Tensor& parameter : tuned.parameters) {
            (parameter.dim() >= 2 ? decayed : plain).push_back(parameter);
        }
        groups.emplace_back(decayed, std::make_unique<AdamWOptions>(AdamWOptions(learningRate).betas({0.9, 0.98}).weight_decay(0.05)));
        groups.emplace_back(plain, std::make_unique<AdamWOptions>(AdamWOptions(learningRate).betas({0.9, 0.98}).weight_decay(0)));
    }
    return torch::optim::AdamW(groups, AdamWOptions(learningRate));
}

std::vector<torch::Tensor> parametersOf(const std::vector<Tuned>& all)
{
    std::vector<torch::Tensor> parameters;
    for (const Tuned& tuned : all) {
        parameters.insert(parameters.end(), tuned.parameters.begin(), tuned.parameters.end());
    }
    return parameters;
}

void learnToSee(VilaNetworks& networks, const std::vector<TrainingPicture>& pool, const TrainOptions& options, Random& random,
    const std::function<void(const TrainReport&)>& onReport, const std::stop_token& stop)
{
    const std::vector<TrainingPicture> heldOut = plainPictures(options.heldOut, networks.config.vision.imageSize);
    ClassHead head(networks.config.vision.hiddenSize);
    VisionOptions vision;
    vision.minutes = options.visionMinutes;
    vision.bf16 = options.bf16;
    vision.variants = options.visionVariants;
    vision.refine = options.resume && options.refineTower;
    const auto tell = [&](const VisionReport& seen) {
        TrainReport report;
        report.step = seen.step;
        report.loss = seen.loss;
        report.visionRight = seen.right;
        report.samplesPerSecond = seen.samplesPerSecond;
        report.heldOutKind = seen.heldOut.kind;
        report.heldOutPlane = seen.heldOut.plane;
        onReport(report);
    };
    trainVision(networks, head, pool, heldOut, vision, random, tell, stop);
    VisionReport last;
    last.heldOut = tryPictures(networks, head, heldOut);
    tell(last);
}

/// What must be the same when an interrupted run goes on.
std::string settingsOf(const TrainOptions& options)
{
    std::string text;
    for (const double value : {double(options.steps), options.minutes, double(options.batch), double(options.pictures), double(options.vocabSize), options.learningRate, double(options.seed), double(options.bf16), double(options.tunesTower ? options.looked : -1)}) {
        text += std::to_string(value) + " ";
    }
    return text + options.realVolumes.string() + " " + options.poolCache.string();
}

fs::path stateFile(const TrainOptions& options) { return options.output / "training.safetensors"; }

/// Random numbers of one step, whatever was drawn before.
Random randomOfStep(std::int64_t stream, std::int64_t step) { return Random(std::uint64_t(stream) + std::uint64_t(step + 1) * 0xD1342543DE82EF95ULL); }

} // namespace

void trainDemoModel(const TrainOptions& options, const std::function<void(const TrainReport&)>& onReport, const Progress& progress, std::stop_token stop)
{
    if (options.isTogether) {
        trainTogether(options, onReport, progress, stop);
        return;
    }
    const PoolOptions poolOptions{options.pictures, 168, options.seed, 0, options.realVolumes, options.poolCache};
    const std::vector<TrainingPicture> pool = makePool(poolOptions, progress, stop);
    PoolOptions unseenOptions = poolOptions;
    unseenOptions.pictures = std::min(400, options.pictures);
    unseenOptions.seed = options.seed + 5000;
    unseenOptions.cache.clear();
    const std::vector<TrainingPicture> unseenPool = makePool(unseenOptions, progress, stop);
    const ConversationWriter writer(pool, 168, {}, trainingMix()), whole(pool, 168, {}, wholeMix()), unseenWriter(unseenPool, 168, {}, trainingMix());

    const Tokenizer tokenizer = demoTokenizer(options, writer);
    // A run that was killed goes on; else the weights are where a new run begins.
    const bool goesOn = options.resume && fs::exists(stateFile(options));
    const bool learnsToSeeFirst = options.visionMinutes > 0 && !goesOn;
    VilaNetworks networks = demoNetworks(options, tokenizer, learnsToSeeFirst && !options.refineTower);
    const SampleMaker maker(tokenizer);
    const TreeSource source(writer, whole, maker, networks.config), unseenSource(unseenWriter, unseenWriter, maker, networks.config);
    RunPlace place;
    place.stream = std::int64_t(options.seed * 31 + (options.resume ? std::uint64_t(std::chrono::steady_clock::now().time_since_epoch().count()) : 0));
    place.lendsAfter = options.resume ? (options.lend ? 0 : RunPlace::kNever) : std::int64_t(kLendAfter * 1000);
    Random unseenRandom(options.seed + 999);
    std::vector<PackedTrees> unseen;
    for (int n = 0; n < options.unseenTrees; ++n) {
        unseen.push_back(std::move(unseenSource.next(1, unseenRandom)[0]));
    }

    if (learnsToSeeFirst) {
        Random random(std::uint64_t(place.stream));
        learnToSee(networks, pool, options, random, onReport, stop);
        saveNetworks(networks, options.output, torch::kBFloat16);
    }
    // The tower mostly stays as it is from here on: half of the time goes into the language model that way.
    for (const torch::Tensor& parameter : networks.vision->parameters()) {
        parameter.requires_grad_(options.tunesTower);
    }
    std::vector<Tuned> tuned{{networks.projector->parameters()}, {networks.llm->parameters()}};
    std::vector<torch::Tensor> weights = networks.parameters();
    std::optional<LookedAt> looked;
    std::vector<TrainingPicture> heldOut;
    if (options.tunesTower) {
        looked.emplace(LookedAt{pool, ClassHead(networks.config.vision.hiddenSize), options.looked});
        looked->head->forget();
        const std::vector<torch::Tensor> head = looked->head->parameters();
        weights.insert(weights.end(), head.begin(), head.end());
        tuned.push_back({head});
        tuned.push_back({networks.vision->parameters(), kTowerRate});
        heldOut = plainPictures(options.heldOut, networks.config.vision.imageSize);
    }
    const std::vector<torch::Tensor> learned = parametersOf(tuned);
    torch::optim::AdamW optimizer = optimizerFor(tuned, options.learningRate);

    TrainingState state(stateFile(options), settingsOf(options), weights, learned);
    if (goesOn) {
        place = state.load(optimizer).value_or(place);
    } else {
        state.remove();
    }
    TrainingLog log(options.output, int(place.step));
    const Stopwatch clock;
    const auto seconds = [&] { return double(place.milliseconds) / 1000 + clock.seconds(); };
    // The clock may decide: the share of the whole run that is over.
    const auto share = [&](int step) { return options.minutes > 0 ? seconds() / (options.minutes * 60) : double(step) / options.steps; };
    double lossSum = 0, rightSum = 0;
    int lossCount = 0, step = int(place.step);
    std::int64_t conversations = place.conversations, lendsAfter = place.lendsAfter;
    const auto save = [&](int steps) {
        state.save(optimizer, {steps, std::int64_t(seconds() * 1000), conversations, place.stream, lendsAfter});
        saveNetworks(networks, options.output, torch::kBFloat16);
        log.draw();
    };
    for (double done = 0; (done = share(step)) < 1; ++step) {
        if (stop.stop_requested()) {
            save(step);
            throw Cancelled();
        }
        if (lendsAfter != RunPlace::kNever && done * 1000 >= double(lendsAfter)) {
            lendEmbeddings(networks.llm, tokenizer);
            lendsAfter = RunPlace::kNever;
        }
        const double warm = std::min(1.0, (step + 1) / 150.0);
        const double rate = options.learningRate * warm * (0.02 + 0.98 * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, done))));
        for (std::size_t group = 0; group < optimizer.param_groups().size(); ++group) {
            static_cast<torch::optim::AdamWOptions&>(optimizer.param_groups()[group].options()).lr(rate * tuned[group / 2].rate);
        }
        Random random = randomOfStep(place.stream, step);
        const auto [loss, count, right] = learn(networks, optimizer, learned, source, looked ? &*looked : nullptr, options.batch, options.bf16, random);
        log.add({step + 1, loss, rate, count});
        lossSum += loss;
        rightSum += right;
        conversations += count;
        ++lossCount;
        const bool saves = (step + 1) % options.saveEvery == 0;
        if ((step + 1) % 20 == 0 || saves) {
            TrainReport report;
            report.step = step + 1;
            report.steps = options.minutes > 0 ? int((step + 1) / std::max(1e-6, share(step))) : options.steps;
            report.loss = lossSum / lossCount;
            report.samplesPerSecond = double(conversations) / seconds();
            report.lookedRight = rightSum / lossCount;
            lossSum = rightSum = lossCount = 0;
            if (saves) {
                tryUnseen(networks, tokenizer, unseen, options, report);
                if (looked) {
                    const ToldRight told = tryPictures(networks, looked->head, heldOut);
                    report.heldOutKind = told.kind;
                    report.heldOutPlane = told.plane;
                }
                save(step + 1);
            }
            malloc_trim(0);     // no two steps are of one length: what they leave behind in pieces grows to twice what a step needs
            onReport(report);
        }
    }
    saveNetworks(networks, options.output, torch::kBFloat16);
    log.draw();
    state.remove();
    TrainReport report;
    report.step = report.steps = step;
    report.loss = lossCount > 0 ? lossSum / lossCount : 0;
    report.samplesPerSecond = double(conversations) / seconds();
    tryUnseen(networks, tokenizer, unseen, options, report);
    onReport(report);
}

} // namespace hf::assistant::train
