#include "assistant/engine/train/Ahead.h"
#include "assistant/engine/train/JointTrainer.h"
#include "assistant/engine/train/VisionTrainer.h"
#include "assistant/engine/train/PackedTrees.h"
#include "assistant/engine/train/Samples.h"
#include "support/Check.h"

#include <torch/nn/functional/loss.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>
#include <torch/utils.h>

#include <filesystem>
#include <map>

#include <unistd.h>

// Training of all parts at once: what is computed together is what is computed one by one.

using namespace hf;
using namespace hf::assistant;
using namespace hf::assistant::train;

namespace {

VilaNetworks tinyNetworks()
{
    VilaConfig config;
    config.vision = {48, 96, 3, 4, 3, 28, 7, 1e-6};
    config.preprocessor.size = 28;
    config.preprocessor.mean = {0.4, 0.5, 0.6};
    config.preprocessor.standardDeviation = {0.3, 0.4, 0.5};
    config.llm.hiddenSize = 32;
    config.llm.intermediateSize = 64;
    config.llm.layers = 2;
    config.llm.heads = 4;
    config.llm.keyValueHeads = 2;
    config.llm.headDim = 8;
    config.llm.vocabSize = 50;
    config.llm.maxPositions = config.llm.maxSequence = 512;
    torch::manual_seed(3);
    return VilaNetworks(config);
}

Picture noisePicture(int seed)
{
    Picture picture{28, 28, {}};
    phantom::Random random{std::uint64_t(seed)};
    for (int n = 0; n < 28 * 28 * 3; ++n) {
        picture.rgb.push_back(std::uint8_t(random.below(256)));
    }
    return picture;
}

/// Three questions about a picture behind a beginning of so many words; the second answer of each has a picture of its own.
std::vector<Sample> samplesOf(int seed, int words)
{
    phantom::Random random{std::uint64_t(seed)};
    Sample beginning;
    const auto add = [&](Sample& sample, int count, int answer) {
        for (int n = 0; n < count; ++n) {
            sample.ids.push_back(random.below(50));
            sample.answerOf.push_back(answer);
        }
    };
    const auto show = [&](Sample& sample) {
        sample.ids.push_back(Sample::kImage);
        sample.answerOf.push_back(-1);
        sample.pictures.push_back(noisePicture(int(random.below(1000))));
    };
    add(beginning, words, -1);
    show(beginning);
    std::vector<Sample> samples;
    for (int n = 0; n < 3; ++n) {
        Sample sample = beginning;
        sample.ids.push_back(n);        // Where they part.
        sample.answerOf.push_back(-1);
        add(sample, 2 + random.below(4), -1);
        add(sample, 3, 0);
        show(sample);
        add(sample, 1 + random.below(3), -1);
        add(sample, 2, 1);
        samples.push_back(sample);
    }
    return samples;
}

} // namespace

HF_TEST(a_forest_gives_the_logits_and_gradients_of_its_trees)
{
    VilaNetworks networks = tinyNetworks();
    for (torch::Tensor& parameter : networks.parameters()) {
        parameter.set_requires_grad(true);
    }
    const std::vector<std::vector<Sample>> trees{samplesOf(1, 5), samplesOf(2, 17), samplesOf(3, 11)};
    std::vector<torch::Tensor> logits;
    torch::Tensor loss = torch::zeros({});
    for (const std::vector<Sample>& samples : trees) {
        const SampleTree tree = makeTree(samples, networks.config.tokensPerImage(), networks.config.preprocessor);
        logits.push_back(forward(networks, tree));
        loss = loss + torch::nn::functional::cross_entropy(logits.back(), tree.targets, torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum));
    }
    loss.backward();
    std::vector<torch::Tensor> expected;
    for (torch::Tensor& parameter : networks.parameters()) {
        expected.push_back(parameter.grad().clone());
        parameter.mutable_grad() = torch::Tensor();
    }
    const SampleForest forest = makeForest(trees, networks.config.tokensPerImage(), networks.config.preprocessor.size, 16);
    HF_CHECK(forest.beginnings.size(1) % 16 == 0 && forest.branches.size(1) % 16 == 0);
    HF_CHECK_EQUAL(forest.answers.size(), std::size_t(forest.targets.size(0)));
    const torch::Tensor together = forward(networks, forest);
    HF_CHECK_NEAR((together - torch::cat(logits)).abs().max().item<double>(), 0, 2e-5);
    torch::nn::functional::cross_entropy(together, forest.targets, torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum)).backward();
    const std::vector<torch::Tensor> parameters = networks.parameters();
    for (std::size_t n = 0; n < parameters.size(); ++n) {
        HF_CHECK_NEAR((parameters[n].grad() - expected[n]).abs().max().item<double>(), 0, 1e-4 * std::max(1.0, expected[n].abs().max().item<double>()));
    }
}

HF_TEST(packed_trees_give_the_logits_and_gradients_of_trees)
{
    VilaNetworks networks = tinyNetworks();
    for (torch::Tensor& parameter : networks.parameters()) {
        parameter.set_requires_grad(true);
    }
    const std::vector<std::vector<Sample>> trees{samplesOf(1, 5), samplesOf(2, 17), samplesOf(3, 11)};
    const auto sum = torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum);
    // Of each learned token by its branch and answer: groups of branches have an order of their own.
    const auto byAnswer = [](const std::vector<std::pair<int, int>>& answers, const torch::Tensor& logits, int firstBranch, std::map<std::pair<int, int>, std::vector<torch::Tensor>>& found) {
        for (std::size_t n = 0; n < answers.size(); ++n) {
            found[{answers[n].first + firstBranch, answers[n].second}].push_back(logits[std::int64_t(n)]);
        }
    };
    std::map<std::pair<int, int>, std::vector<torch::Tensor>> expected, found;
    torch::Tensor loss = torch::zeros({});
    int branches = 0;
    for (const std::vector<Sample>& samples : trees) {
        const SampleTree tree = makeTree(samples, networks.config.tokensPerImage(), networks.config.preprocessor);
        const torch::Tensor logits = forward(networks, tree);
        loss = loss + torch::nn::functional::cross_entropy(logits, tree.targets, sum);
        byAnswer(tree.answers, logits, branches, expected);
        branches += int(samples.size());
    }
    loss.backward();
    std::vector<torch::Tensor> gradients;
    for (torch::Tensor& parameter : networks.parameters()) {
        gradients.push_back(parameter.grad().clone());
        parameter.mutable_grad() = torch::Tensor();
    }
    const PackedTrees packed = packTrees(trees, networks.config.tokensPerImage(), networks.config.preprocessor);
    HF_CHECK_EQUAL(packed.branches, branches);
    HF_CHECK(packed.layout.rows % 64 == 0 && packed.ids.size(0) == packed.layout.rows);
    const torch::Tensor logits = forward(networks, packed, false);
    byAnswer(packed.answers, logits, 0, found);
    HF_CHECK_EQUAL(found.size(), expected.size());
    for (const auto& [answer, rows] : expected) {
        HF_CHECK_NEAR((torch::stack(rows) - torch::stack(found.at(answer))).abs().max().item<double>(), 0, 2e-5);
    }
    torch::nn::functional::cross_entropy(logits, packed.targets, sum).backward();
    const std::vector<torch::Tensor> parameters = networks.parameters();
    for (std::size_t n = 0; n < parameters.size(); ++n) {
        HF_CHECK_NEAR((parameters[n].grad() - gradients[n]).abs().max().item<double>(), 0, 1e-4 * std::max(1.0, gradients[n].abs().max().item<double>()));
    }
    // bf16 rounds what products take and give to 8 bits.
    const torch::Tensor rounded = forward(networks, packed, true);
    HF_CHECK_NEAR((rounded - logits).norm().item<double>() / logits.norm().item<double>(), 0, 0.02);
}

HF_TEST(pictures_are_normalised_as_elsewhere)
{
    const PreprocessorConfig config = tinyNetworks().config.preprocessor;
    const std::vector<Picture> pictures{noisePicture(1), noisePicture(2)};
    torch::Tensor bytes = torch::empty({2, 28, 28, 3}, torch::kByte);
    for (int n = 0; n < 2; ++n) {
        std::copy(pictures[std::size_t(n)].rgb.begin(), pictures[std::size_t(n)].rgb.end(), bytes.data_ptr<std::uint8_t>() + n * 28 * 28 * 3);
    }
    HF_CHECK_NEAR((normalised(bytes, config) - pixelTensor(pictures, config)).abs().max().item<double>(), 0, 1e-5);
}

HF_TEST(the_optimizer_steps_as_adamw_with_clipping)
{
    torch::manual_seed(5);
    std::vector<torch::Tensor> mine, theirs;
    for (int n = 0; n < 3; ++n) {
        mine.push_back(torch::randn({4, 5}).set_requires_grad(true));
        theirs.push_back(mine.back().detach().clone().set_requires_grad(true));
    }
    FusedAdamW fused({{{mine[0], mine[1]}, 1, 0.05}, {{mine[2]}, 0.5, 0}});
    using torch::optim::AdamWOptions;
    std::vector<torch::optim::OptimizerParamGroup> groups;
    groups.emplace_back(std::vector<torch::Tensor>{theirs[0], theirs[1]}, std::make_unique<AdamWOptions>(AdamWOptions(0.01).betas({0.9, 0.98}).weight_decay(0.05)));
    groups.emplace_back(std::vector<torch::Tensor>{theirs[2]}, std::make_unique<AdamWOptions>(AdamWOptions(0.005).betas({0.9, 0.98}).weight_decay(0)));
    torch::optim::AdamW adamw(groups, AdamWOptions(0.01));
    const auto lossOf = [](const std::vector<torch::Tensor>& all) { return (all[0] * all[1]).sum() * 3 + all[2].pow(2).sum(); };
    for (int step = 0; step < 5; ++step) {
        fused.forgetGradients();
        lossOf(mine).backward();
        fused.step(0.01, 1.0);
        adamw.zero_grad();
        lossOf(theirs).backward();
        torch::nn::utils::clip_grad_norm_(theirs, 1.0);
        adamw.step();
    }
    for (std::size_t n = 0; n < mine.size(); ++n) {
        HF_CHECK_NEAR((mine[n] - theirs[n]).abs().max().item<double>(), 0, 1e-5);
    }
    // A broken gradient changes nothing.
    const torch::Tensor before = mine[0].detach().clone();
    mine[0].mutable_grad() = torch::full({4, 5}, std::nan(""));
    fused.step(0.01, 1.0);
    HF_CHECK(mine[0].equal(before));
}

HF_TEST(varied_pictures_stay_pictures)
{
    torch::manual_seed(7);
    torch::Tensor grey = torch::zeros({64, 168, 168}, torch::kByte);
    grey.narrow(1, 40, 80).narrow(2, 40, 80).fill_(180);
    const torch::Tensor varied = variedThere(grey);
    HF_CHECK(varied.sizes() == grey.sizes() && varied.isfinite().all().item<bool>());
    HF_CHECK(varied.min().item<double>() >= 0 && varied.max().item<double>() <= 255);
    // Bright somewhere, dark somewhere, and each its own.
    HF_CHECK(varied.flatten(1).amax(1).min().item<double>() > 90 && varied.flatten(1).amin(1).max().item<double>() < 60);
    HF_CHECK((varied[0] - varied[1]).abs().max().item<double>() > 20);
}

HF_TEST(things_made_ahead_come_in_order_and_failures_arrive)
{
    Ahead<int> ahead([] { return [](std::int64_t n) { return int(n * n); }; }, 3, 4);
    for (int n = 0; n < 50; ++n) {
        HF_CHECK_EQUAL(ahead.next(), n * n);
    }
    Ahead<int> failing([]() -> Ahead<int>::Maker { return [](std::int64_t) -> int { throw std::runtime_error("no"); }; }, 2, 4);
    HF_CHECK_THROWS(failing.next(), std::runtime_error);
}

HF_TEST_MAIN()
