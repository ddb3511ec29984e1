#include "assistant/engine/train/JointTrainer.h"

#include "assistant/engine/Autocast.h"
#include "assistant/engine/train/Ahead.h"
#include "assistant/engine/train/DemoModel.h"
#include "assistant/engine/train/Samples.h"
#include "assistant/engine/train/Stopwatch.h"
#include "assistant/engine/train/TrainingLog.h"
#include "assistant/engine/train/VisionTrainer.h"
#include "experts/runtime/Cuda.h"
#include "viewer/volume/Error.h"

#include <ATen/Context.h>
#include <torch/nn/functional/loss.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <malloc.h>

namespace hf::assistant::train {

using phantom::Random;

namespace {

constexpr int kSize = 168;
/// Questions about a picture of which the first answer is learned, and whole conversations about one.
constexpr int kFirstOnly = 8, kWhole = 4;
constexpr double kLongestGradient = 1;

/// What a step learns from questions.
struct Questions {
    SampleForest first, whole;
    double tokens = 0;
    int conversations = 0;
};

/// Writes the questions of steps; each thread has its own.
class QuestionMaker {
public:
    /// @param whole  writes those of which more than the first answer is learned.
    QuestionMaker(const ConversationWriter& writer, const ConversationWriter& whole, const Tokenizer& tokenizer, const VilaConfig& config, int batch, std::uint64_t seed)
        : m_writer(writer), m_whole(whole), m_maker(tokenizer), m_config(config), m_batch(batch), m_seed(seed)
    {
    }

    Questions make(std::int64_t number) const
    {
        Random random(m_seed + std::uint64_t(number + 1) * 0xD1342543DE82EF95ULL);
        const int firstTrees = std::max(1, m_batch / kFirstOnly), wholeTrees = std::max(1, m_batch / (2 * kWhole));
        Questions made{forest(m_writer, firstTrees, kFirstOnly, true, random), forest(m_whole, wholeTrees, kWhole, false, random), 0, firstTrees * kFirstOnly + wholeTrees * kWhole};
        made.tokens = double(made.first.targets.size(0) + made.whole.targets.size(0));
        return made;
    }

private:
    SampleForest forest(const ConversationWriter& writer, int trees, int questions, bool isFirstOnly, Random& random) const
    {
        std::vector<std::vector<Sample>> samples;
        for (int tree = 0; tree < trees; ++tree) {
            samples.emplace_back();
            for (const Conversation& conversation : writer.write(questions, random, isFirstOnly)) {
                samples.back().push_back(m_maker.make(conversation, isFirstOnly ? 1 : std::numeric_limits<int>::max()));
            }
        }
        return makeForest(samples, m_config.tokensPerImage(), m_config.preprocessor.size, 16);
    }

    const ConversationWriter &m_writer, &m_whole;
    SampleMaker m_maker;
    VilaConfig m_config;
    int m_batch;
    std::uint64_t m_seed;
};

/// The pool's pictures with their classes where they are looked at.
class PictureStore {
public:
    PictureStore(const GrowingPool& pool, int most, torch::Device device)
        : m_pool(pool), m_grey(torch::empty({most, kSize, kSize}, torch::dtype(torch::kByte).device(device))), m_classes(torch::empty({most}, torch::dtype(torch::kLong).device(device)))
    {
    }

    /// Takes what the pool has made since.
    void take()
    {
        const auto ready = std::int64_t(m_pool.ready()), count = ready - m_count;
        if (count == 0) {
            return;
        }
        const auto [grey, classes] = greyPictures(count, kSize, [&](std::int64_t n) -> const TrainingPicture& { return m_pool.at(std::size_t(m_count + n)); });
        m_grey.narrow(0, m_count, count).copy_(grey);
        m_classes.narrow(0, m_count, count).copy_(classes);
        m_count = ready;
    }

    /// Pictures [n, S, S] uint8 by chance, and their classes [n].
    std::pair<torch::Tensor, torch::Tensor> some(int count) const
    {
        const torch::Tensor chosen = torch::randint(m_count, {count}, torch::dtype(torch::kLong).device(m_grey.device()));
        return {m_grey.index_select(0, chosen), m_classes.index_select(0, chosen)};
    }

private:
    const GrowingPool& m_pool;
    torch::Tensor m_grey, m_classes;
    std::int64_t m_count = 0;
};

std::vector<FusedAdamW::Group> groupsOf(VilaNetworks& networks, const ClassHead& head)
{
    std::vector<FusedAdamW::Group> groups;
    const auto add = [&](const torch::nn::Module& module, double rate) {
        FusedAdamW::Group matrices{{}, rate, 0.05}, others{{}, rate, 0};
        for (const torch::Tensor& parameter : module.parameters()) {
            (parameter.dim() >= 2 ? matrices : others).parameters.push_back(parameter);
        }
        groups.push_back(std::move(matrices));
        groups.push_back(std::move(others));
    };
    add(*networks.vision, kTowerRate);
    add(*networks.projector, 1);
    add(*networks.llm, 1);
    add(*head, 1);
    return groups;
}

class JointTrainer {
public:
    JointTrainer(const TrainOptions& options, VilaNetworks& networks, const PictureStore& store, torch::Device device)
        : m_options(options), m_networks(networks), m_store(store), m_device(device), m_head(networks.config.vision.hiddenSize), m_optimizer(groups())
    {
    }

    ClassHead& head() { return m_head; }

    /// One step. @return the loss of the questions (nats a learned token), the loss of the pictures and the share that is told right: fp32 [3], on the device.
    torch::Tensor learn(Questions& questions, double rate)
    {
        m_optimizer.forgetGradients();
        torch::Tensor sum = torch::zeros({}, torch::dtype(torch::kFloat).device(m_device));
        for (SampleForest* forest : {&questions.first, &questions.whole}) {
            forest->to(m_device);
            // Which picture it is does not depend on what was varied; what is painted into one does.
            const torch::Tensor pixels = forest == &questions.first ? partlyVaried(*forest) : torch::Tensor();
            torch::Tensor loss;
            {
                const Autocast autocast(m_options.bf16, m_device.type());
                loss = torch::nn::functional::cross_entropy(forward(m_networks, *forest, pixels), forest->targets, torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum)) / questions.tokens;
            }
            loss.backward();
            sum = sum + loss.detach();
        }
        const torch::Tensor seen = lookAtSome();
        m_optimizer.step(rate, kLongestGradient);
        return torch::cat({sum.view({1}), seen});
    }

private:
    std::vector<FusedAdamW::Group> groups()
    {
        m_head->forget();
        m_head->to(m_device);
        return groupsOf(m_networks, m_head);
    }

    torch::Tensor partlyVaried(const SampleForest& forest) const
    {
        const torch::Tensor grey = forest.pictures.select(3, 0).contiguous();
        return towerInput(variedThere(grey, 0.5), m_networks.config.preprocessor);
    }

    torch::Tensor lookAtSome()
    {
        if (m_options.looked < 1) {
            return torch::zeros({2}, torch::dtype(torch::kFloat).device(m_device));
        }
        const auto [grey, classes] = m_store.some(m_options.looked);
        const Looked seen = look(m_networks, m_head, grey, classes, m_options.bf16);
        (kLookedWeight * seen.loss).backward();
        return torch::stack({seen.loss.detach(), seen.right});
    }

    const TrainOptions& m_options;
    VilaNetworks& m_networks;
    const PictureStore& m_store;
    torch::Device m_device;
    ClassHead m_head;
    FusedAdamW m_optimizer;
};

/// Unseen questions: which answers are right. The forests are on the device already.
void tryForests(VilaNetworks& networks, const Tokenizer& tokenizer, const std::vector<SampleForest>& forests, const TrainOptions& options, torch::Device device, TrainReport& report)
{
    torch::NoGradGuard noGrad;
    std::vector<AnswersRight> outcomes;
    for (const SampleForest& forest : forests) {
        const Autocast autocast(options.bf16, device.type());
        const torch::Tensor best = forward(networks, forest).argmax(1).cpu(), targets = forest.targets.cpu();
        const std::vector<AnswersRight> results = compared(networks.config, tokenizer, best, targets, forest.answers, std::size_t(forest.branches.size(0)));
        outcomes.insert(outcomes.end(), results.begin(), results.end());
    }
    countRight(outcomes, report);
}

std::vector<SampleForest> unseenForests(const QuestionMaker& maker, const TrainOptions& options, torch::Device device)
{
    std::vector<SampleForest> forests;
    for (int n = 0; int(forests.size()) * options.batch < options.unseenTrees * kFirstOnly; ++n) {
        Questions made = maker.make(n);
        made.first.to(device);
        made.whole.to(device);
        forests.push_back(std::move(made.first));
        forests.push_back(std::move(made.whole));
    }
    return forests;
}

} // namespace

FusedAdamW::FusedAdamW(std::vector<Group> groups) : m_groups(std::move(groups))
{
    torch::NoGradGuard noGrad;
    for (const Group& group : m_groups) {
        State state;
        for (const torch::Tensor& parameter : group.parameters) {
            state.means.push_back(torch::zeros_like(parameter));
            state.squares.push_back(torch::zeros_like(parameter));
            state.steps.push_back(torch::zeros({}, parameter.options().dtype(torch::kFloat)));
        }
        m_states.push_back(std::move(state));
    }
}

void FusedAdamW::forgetGradients()
{
    for (const Group& group : m_groups) {
        for (const torch::Tensor& parameter : group.parameters) {
            parameter.mutable_grad() = torch::Tensor();
        }
    }
}

void FusedAdamW::step(double rate, double longestGradient)
{
    torch::NoGradGuard noGrad;
    std::vector<std::vector<std::size_t>> tuned;
    std::vector<torch::Tensor> all;
    for (const Group& group : m_groups) {
        tuned.emplace_back();
        for (std::size_t n = 0; n < group.parameters.size(); ++n) {
            if (group.parameters[n].grad().defined()) {
                tuned.back().push_back(n);
                all.push_back(group.parameters[n].grad());
            }
        }
    }
    if (all.empty()) {
        return;
    }
    const torch::Tensor length = torch::stack(at::_foreach_norm(all, 2)).norm();
    // Gradients are divided by the first, and nothing is done where the second is 1.
    const torch::Tensor tooLong = (length / longestGradient).clamp_min(1).to(torch::kFloat), isBroken = length.isfinite().logical_not().to(torch::kFloat);
    for (std::size_t g = 0; g < m_groups.size(); ++g) {
        const Group& group = m_groups[g];
        std::vector<torch::Tensor> parameters, gradients, means, squares, steps;
        for (const std::size_t n : tuned[g]) {
            parameters.push_back(group.parameters[n]);
            gradients.push_back(group.parameters[n].grad());
            means.push_back(m_states[g].means[n]);
            squares.push_back(m_states[g].squares[n]);
            steps.push_back(m_states[g].steps[n]);
        }
        if (!parameters.empty()) {
            at::_foreach_add_(steps, 1);
            at::_fused_adamw_(parameters, gradients, means, squares, {}, steps, rate * group.rate, 0.9, 0.98, group.decay, 1e-8, false, false, tooLong, isBroken);
        }
    }
}

void trainTogether(const TrainOptions& options, const std::function<void(const TrainReport&)>& onReport, const Progress& progress, std::stop_token stop)
{
    const Stopwatch sinceStart;
    const torch::Device device = options.device;
    if (options.noFusedAttention || device.is_cuda()) {
        at::globalContext().setSDPUseFlash(!options.noFusedAttention);
        at::globalContext().setSDPUseMemEfficient(!options.noFusedAttention);
        at::globalContext().setUserEnabledCuDNN(!options.noFusedAttention);
    }
    const int threads = options.threads > 0 ? options.threads : std::max(1, int(std::thread::hardware_concurrency()) - 1);
    const PoolOptions poolOptions{options.pictures, kSize, options.seed, 0, options.realVolumes, {}};
    GrowingPool pool(poolOptions, std::min(options.pictures, options.firstPictures), threads, std::max(1, threads * 3 / 4));
    PoolOptions unseenOptions = poolOptions;
    unseenOptions.pictures = std::min(200, options.pictures);
    unseenOptions.seed = options.seed + 5000;
    const std::vector<TrainingPicture> unseenPool = makePool(unseenOptions, {}, stop), heldOut = plainPictures(options.heldOut, kSize);
    pool.waitForFirst(progress, stop);
    const auto ready = [&pool](Random& random) -> const TrainingPicture& { return pool.at(std::size_t(random.below(int(pool.ready())))); };
    const ConversationWriter writer(ready, kSize, {}, trainingMix()), whole(ready, kSize, {}, wholeMix()), unseenWriter(unseenPool, kSize, {}, trainingMix());

    const Tokenizer tokenizer = demoTokenizer(options, writer);
    VilaNetworks networks = demoNetworks(options, tokenizer, false);
    if (options.lend) {
        lendEmbeddings(networks.llm, tokenizer);
    }
    networks.to(device, torch::kFloat);
    torch::manual_seed(options.seed);
    const QuestionMaker unseenMaker(unseenWriter, unseenWriter, tokenizer, networks.config, options.batch, options.seed + 999);
    const std::vector<SampleForest> unseen = unseenForests(unseenMaker, options, device);
    PictureStore store(pool, options.pictures, device);
    store.take();
    JointTrainer trainer(options, networks, store, device);
    const auto newMaker = [&]() -> std::function<Questions(std::int64_t)> {
        return [maker = std::make_shared<QuestionMaker>(writer, whole, tokenizer, networks.config, options.batch, options.seed * 31)](std::int64_t n) { return maker->make(n); };
    };
    Ahead<Questions> ahead(newMaker, threads, threads + 4);

    TrainingLog log(options.output, 0);
    std::vector<torch::Tensor> figures;
    std::vector<std::pair<double, int>> rates;
    const Stopwatch clock;
    // By the clock the preparations count too.
    const double given = std::max(1.0, options.minutes * 60 - sinceStart.seconds());
    const auto share = [&](int step) { return options.minutes > 0 ? clock.seconds() / given : double(step) / options.steps; };
    std::int64_t conversations = 0;
    double waited = 0;
    int step = 0;
    const auto takeFigures = [&] {
        TrainReport report;
        report.step = step;
        report.steps = options.minutes > 0 ? int(step / std::max(1e-6, share(step))) : options.steps;
        if (!figures.empty()) {
            const torch::Tensor values = torch::stack(figures).to(torch::kCPU).contiguous();
            for (std::size_t n = 0; n < figures.size(); ++n) {
                log.add({step - int(figures.size() - n) + 1, values[std::int64_t(n)][0].item<double>(), rates[n].first, rates[n].second});
            }
            const torch::Tensor means = values.mean(0);
            report.loss = means[0].item<double>();
            report.lookedRight = means[2].item<double>();
            figures.clear();
            rates.clear();
        }
        report.samplesPerSecond = double(conversations) / clock.seconds();
        report.picturesReady = int(pool.ready());
        report.waitedShare = waited / clock.seconds();
        return report;
    };
    const auto save = [&](TrainReport report) {
        tryForests(networks, tokenizer, unseen, options, device, report);
        const ToldRight told = tryPictures(networks, trainer.head(), heldOut);
        report.heldOutKind = told.kind;
        report.heldOutPlane = told.plane;
        saveNetworks(networks, options.output, torch::kBFloat16);
        log.draw();
        onReport(report);
    };
    save(takeFigures());
    for (double done = 0; (done = share(step)) < 1;) {
        if (stop.stop_requested()) {
            save(takeFigures());
            throw Cancelled();
        }
        const double warm = std::min(1.0, std::max((step + 1) / 200.0, done / 0.04)), rate = options.learningRate * warm * (0.01 + 0.99 * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, done))));
        const Stopwatch waiting;
        Questions questions = ahead.next();
        waited += waiting.seconds();
        figures.push_back(trainer.learn(questions, rate));
        rates.emplace_back(rate, questions.conversations);
        conversations += questions.conversations;
        ++step;
        if (step % 20 == 0) {
            malloc_trim(0);     // as in trainDemoModel()
            store.take();
            const TrainReport report = takeFigures();
            step % options.saveEvery == 0 ? save(report) : onReport(report);
        }
    }
    save(takeFigures());
}

} // namespace hf::assistant::train
