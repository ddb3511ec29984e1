#include "experts/engine/neural/ChestXray.h"

#include "viewer/volume/Error.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace hf::experts {

namespace {

ConvShape flat(std::int64_t in, std::int64_t out, int kernel, int stride = 1) { return {in, out, kernel, stride, 2, false}; }

/// Batch normalisation with its running statistics: one factor and one addend a channel.
struct BatchNorm {
    at::Tensor weight, bias, mean, variance;
    at::Tensor operator()(const at::Tensor& x) const { return at::batch_norm(x, weight, bias, mean, variance, false, 0.1, 1e-5, false); }
};

BatchNorm takeBatchNorm(WeightSource& source, const std::string& name, std::int64_t channels)
{
    return {source.takeFloat(name + ".weight", {channels}), source.takeFloat(name + ".bias", {channels}), source.takeFloat(name + ".running_mean", {channels}),
        source.takeFloat(name + ".running_var", {channels})};
}

class DenseNet121 : public ChestClassifier {
public:
    explicit DenseNet121(WeightSource& source)
    {
        constexpr std::int64_t kGrowth = 32, kInner = 128;
        std::int64_t channels = 64;
        m_first = takeConv(source, "features.conv0", flat(1, channels, 7, 2));
        m_firstNorm = takeBatchNorm(source, "features.norm0", channels);
        for (std::size_t block = 0; block < m_blocks.size(); ++block) {
            const std::string number = std::to_string(block + 1);
            for (int n = 1; n <= kLayers[block]; ++n, channels += kGrowth) {
                const std::string name = "features.denseblock" + number + ".denselayer" + std::to_string(n);
                m_blocks[block].push_back({takeBatchNorm(source, name + ".norm1", channels), takeConv(source, name + ".conv1", flat(channels, kInner, 1)),
                    takeBatchNorm(source, name + ".norm2", kInner), takeConv(source, name + ".conv2", flat(kInner, kGrowth, 3))});
            }
            if (block + 1 < m_blocks.size()) {
                const std::string name = "features.transition" + number;
                m_transitions[block] = {takeBatchNorm(source, name + ".norm", channels), takeConv(source, name + ".conv", flat(channels, channels / 2, 1))};
                channels /= 2;
            }
        }
        m_lastNorm = takeBatchNorm(source, "features.norm5", channels);
        m_classifier = takeLinear(source, "classifier", channels, std::int64_t(kChestLabels));
    }

    int side() const override { return 224; }

    at::Tensor forward(const at::Tensor& input) const override
    {
        at::Tensor x = at::max_pool2d(at::relu(m_firstNorm(m_first(input))), {3, 3}, {2, 2}, {1, 1});
        for (std::size_t block = 0; block < m_blocks.size(); ++block) {
            for (const Layer& layer : m_blocks[block]) {
                const at::Tensor inner = layer.conv1(at::relu(layer.norm1(x)));
                x = at::cat({x, layer.conv2(at::relu(layer.norm2(inner)))}, 1);
            }
            if (block + 1 < m_blocks.size()) {
                x = at::avg_pool2d(m_transitions[block].conv(at::relu(m_transitions[block].norm(x))), {2, 2}, {2, 2});
            }
        }
        return m_classifier(at::relu(m_lastNorm(x)).mean({2, 3}, false, at::kFloat));
    }

private:
    static constexpr std::array<int, 4> kLayers{6, 12, 24, 16};
    struct Layer { BatchNorm norm1; Conv conv1; BatchNorm norm2; Conv conv2; };
    struct Transition { BatchNorm norm; Conv conv; };

    Conv m_first;
    BatchNorm m_firstNorm, m_lastNorm;
    std::array<std::vector<Layer>, 4> m_blocks;
    std::array<Transition, 3> m_transitions;
    Linear m_classifier;
};

class ResNet50 : public ChestClassifier {
public:
    explicit ResNet50(WeightSource& source)
    {
        std::int64_t channels = 64;
        m_first = takeConv(source, "conv1", flat(1, channels, 7, 2));
        m_firstNorm = takeBatchNorm(source, "bn1", channels);
        std::int64_t in = channels;
        for (std::size_t stage = 0; stage < m_stages.size(); ++stage, channels *= 2) {
            for (int n = 0; n < kBlocks[stage]; ++n) {
                const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(n) + ".";
                m_stages[stage].push_back(takeBlock(source, name, in, channels, n == 0, n == 0 && stage > 0 ? 2 : 1));
                in = 4 * channels;
            }
        }
        m_classifier = takeLinear(source, "fc", in, std::int64_t(kChestLabels));
    }

    int side() const override { return 512; }

    at::Tensor forward(const at::Tensor& input) const override
    {
        at::Tensor x = at::max_pool2d(at::relu(m_firstNorm(m_first(input))), {3, 3}, {2, 2}, {1, 1});
        for (const std::vector<Block>& stage : m_stages) {
            for (const Block& block : stage) {
                at::Tensor inner = at::relu(block.norms[0](block.convs[0](x)));
                inner = at::relu(block.norms[1](block.convs[1](inner)));
                inner = block.norms[2](block.convs[2](inner));
                x = at::relu(inner.add_(block.shrink.weight.defined() ? block.shrinkNorm(block.shrink(x)) : x));
            }
        }
        return m_classifier(x.mean({2, 3}, false, at::kFloat));
    }

private:
    static constexpr std::array<int, 4> kBlocks{3, 4, 6, 3};
    struct Block { std::array<Conv, 3> convs; std::array<BatchNorm, 3> norms; Conv shrink; BatchNorm shrinkNorm; };

    static Block takeBlock(WeightSource& source, const std::string& name, std::int64_t in, std::int64_t channels, bool shrinks, int stride)
    {
        Block block;
        block.convs = {takeConv(source, name + "conv1", flat(in, channels, 1)), takeConv(source, name + "conv2", flat(channels, channels, 3, stride)),
            takeConv(source, name + "conv3", flat(channels, 4 * channels, 1))};
        block.norms = {takeBatchNorm(source, name + "bn1", channels), takeBatchNorm(source, name + "bn2", channels), takeBatchNorm(source, name + "bn3", 4 * channels)};
        if (shrinks) {
            block.shrink = takeConv(source, name + "downsample.0", flat(in, 4 * channels, 1, stride));
            block.shrinkNorm = takeBatchNorm(source, name + "downsample.1", 4 * channels);
        }
        return block;
    }

    Conv m_first;
    BatchNorm m_firstNorm;
    std::array<std::vector<Block>, 4> m_stages;
    Linear m_classifier;
};

constexpr float kNot = std::numeric_limits<float>::quiet_NaN();

struct Thresholds { const char* weights; std::array<float, kChestLabels> values; };

const Thresholds kThresholds[] = {
    {"all", {.07422872F, .038290843F, .09814756F, .0098118475F, .023601074F, .0022490358F, .010060724F, .103246614F, .056810737F, .026791653F, .050318155F, .023985857F, .01939503F,
        .042889766F, .053369623F, .035975814F, .20204692F, .05015312F}},
    {"nih", {.039117552F, .0034529066F, .11396341F, .0057298196F, .00045666535F, .0018880932F, .012037827F, .038744126F, .0037213727F, .014730946F, .016149804F, .054241467F,
        .037198864F, .0004403434F, kNot, kNot, kNot, kNot}},
    {"pc", {.031012505F, .013347598F, .081435576F, .001262615F, .002587246F, .0035944257F, .0023071F, .055412333F, .044385884F, .042766232F, .043258056F, .037629247F, .005658899F,
        .0091741895F, kNot, .026507627F, kNot, kNot}},
    {"chex", {.1988969F, .05710573F, kNot, .0531293F, .1435217F, kNot, kNot, .27212676F, .07749717F, kNot, .19712369F, kNot, kNot, kNot, .09932402F, .09273402F, .3270967F, .10888247F}},
    {"rsna", {kNot, kNot, kNot, kNot, kNot, kNot, kNot, kNot, .13486601F, kNot, kNot, kNot, kNot, kNot, kNot, kNot, .13511065F, kNot}},
    {"mimic_nb", {.08558747F, .011884617F, kNot, .0040595434F, .010733786F, kNot, kNot, .118761964F, .022924708F, kNot, .06358637F, kNot, kNot, kNot, .022143636F, .017476924F,
        .1258702F, .014020768F}},
    {"mimic_ch", {.09121389F, .010573786F, kNot, .005023008F, .003698257F, kNot, kNot, .08001232F, .037242252F, kNot, .05006329F, kNot, kNot, kNot, .019866971F, .03823637F,
        .11303808F, .0069147074F}},
    {"resnet50", {.51570356F, .50444704F, .53787947F, .50723547F, .5025118F, .5035252F, .5038076F, .51862943F, .5078151F, .50724894F, .5056339F, .510706F, .5053923F, .5020846F, kNot,
        .5080557F, .5138526F, kNot}}};

} // namespace

const std::array<const char*, kChestLabels>& chestLabels()
{
    static const std::array<const char*, kChestLabels> labels{"Atelectasis", "Consolidation", "Infiltration", "Pneumothorax", "Edema", "Emphysema", "Fibrosis", "Effusion", "Pneumonia",
        "Pleural_Thickening", "Cardiomegaly", "Nodule", "Mass", "Hernia", "Lung Lesion", "Fracture", "Lung Opacity", "Enlarged Cardiomediastinum"};
    return labels;
}

std::unique_ptr<ChestClassifier> makeDenseNet121(WeightSource& source) { return std::make_unique<DenseNet121>(source); }
std::unique_ptr<ChestClassifier> makeResNet50(WeightSource& source) { return std::make_unique<ResNet50>(source); }

const std::array<float, kChestLabels>& chestThresholds(const std::string& weights)
{
    const auto* found = std::find_if(std::begin(kThresholds), std::end(kThresholds), [&](const Thresholds& entry) { return weights == entry.weights; });
    if (found == std::end(kThresholds)) {
        throw Error("there are no thresholds for the weights '" + weights + "'", "arguments");
    }
    return found->values;
}

bool votesOn(const std::string& weights, std::size_t label)
{
    static const std::set<std::string> pneumothorax{"resnet50"}, fracture{"all", "nih", "chex", "resnet50"}, common{"all", "chex", "pc", "resnet50"};
    static const std::set<std::string> commonLabels{"Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion"};
    const std::string name = chestLabels().at(label);
    return name == "Pneumothorax" ? pneumothorax.contains(weights) : name == "Fracture" ? fracture.contains(weights) : !commonLabels.contains(name) || common.contains(weights);
}

bool isTrainedFor(const std::string& weights, std::size_t label) { return votesOn(weights, label) && !std::isnan(chestThresholds(weights).at(label)); }

at::Tensor calibrated(const at::Tensor& probabilities, std::span<const float> thresholds)
{
    const at::Tensor t = at::tensor(at::ArrayRef<float>(thresholds.data(), thresholds.size()));
    const at::Tensor below = probabilities / (t * 2), above = 1 - (1 - probabilities) / ((1 - t) * 2);
    return at::where(t.isnan(), at::full({}, 0.5F), at::where(probabilities < t, below, above));
}

at::Tensor chestInput(const at::Tensor& picture, int side, bool antialias)
{
    HF_ASSERT(picture.dim() == 2);
    const std::int64_t height = picture.size(0), width = picture.size(1), square = std::min(height, width);
    const at::Tensor crop = picture.narrow(0, height / 2 - square / 2, square).narrow(1, width / 2 - square / 2, square).unsqueeze(0).unsqueeze(0).contiguous();
    if (square == side) {
        return crop;
    }
    return antialias ? at::_upsample_bilinear2d_aa(crop, {side, side}, false) : at::upsample_bilinear2d(crop, {side, side}, false);
}

} // namespace hf::experts
