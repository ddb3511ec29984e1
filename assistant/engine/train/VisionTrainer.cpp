#include "assistant/engine/train/VisionTrainer.h"

#include "assistant/engine/Autocast.h"
#include "assistant/engine/train/Stopwatch.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/Progress.h"

#include <torch/nn/functional/loss.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

namespace hf::assistant::train {

using phantom::Random;

namespace {

constexpr int kFirstRegionLayer = 1, kRegionLayers = 2, kLayers = 5;

/// The tower's parameters by their short names: "layers.0.mlp.fc1.weight".
class TowerWeights {
public:
    explicit TowerWeights(VilaNetworks& networks)
    {
        for (auto& parameter : networks.vision->named_parameters()) {
            std::string key = parameter.key();
            for (const std::string prefix : {"vision_model.", "encoder.", "embeddings."}) {
                if (key.starts_with(prefix)) {
                    key.erase(0, prefix.size());
                }
            }
            m_byName.emplace(key, parameter.value());
        }
        if (!m_byName.contains("layers." + std::to_string(kLayers - 1) + ".mlp.fc1.weight")) {
            throw Error("the vision tower has too few layers to be trained", "config");
        }
    }

    torch::Tensor& at(const std::string& name) { return m_byName.at(name); }
    torch::Tensor& at(int layer, const std::string& name) { return at("layers." + std::to_string(layer) + "." + name); }
    auto begin() { return m_byName.begin(); }
    auto end() { return m_byName.end(); }

private:
    std::map<std::string, torch::Tensor> m_byName;
};

/// Sizes that everything here shares.
struct Shape {
    std::int64_t size, patch, side, tokens, area, width, half, heads, headDim;
    double epsilon;

    explicit Shape(const SiglipConfig& c)
        : size(c.imageSize), patch(c.patchSize), side(c.patchesPerSide()), tokens(side * side), area(patch * patch), width(c.hiddenSize), half(width / 2), heads(c.heads),
          headDim(width / c.heads), epsilon(c.layerNormEps)
    {
    }
};

/// Random numbers, one for each picture: [n, 1, 1] uniform in a range.
torch::Tensor eachOf(const torch::Tensor& like, double from, double to)
{
    return torch::rand({like.size(0), 1, 1}, torch::dtype(torch::kFloat).device(like.device())) * (to - from) + from;
}

/// True for a share of the pictures: [n, 1, 1].
torch::Tensor someOf(const torch::Tensor& like, double share) { return eachOf(like, 0, 1) < share; }

/// As if pixels had been larger.
torch::Tensor coarse(const torch::Tensor& pictures, std::int64_t rows, std::int64_t columns)
{
    const torch::Tensor small = at::avg_pool2d(pictures.unsqueeze(1), {rows, columns}, {rows, columns});
    return at::upsample_bilinear2d(small, {pictures.size(1), pictures.size(2)}, false).squeeze(1);
}

/// [T, half]: sines and cosines of row and column.
torch::Tensor positionWaves(const Shape& shape)
{
    const std::int64_t quarter = shape.half / 4;
    const torch::Tensor frequency = torch::linspace(0.13, std::numbers::pi / 2, quarter);
    const torch::Tensor place = torch::outer(torch::arange(shape.side, torch::kFloat), frequency);
    const torch::Tensor waves = torch::cat({place.sin(), place.cos()}, 1);
    const torch::Tensor rows = waves.unsqueeze(1).expand({shape.side, shape.side, 2 * quarter}), columns = waves.unsqueeze(0).expand({shape.side, shape.side, 2 * quarter});
    return 0.5 * torch::cat({rows, columns}, 2).reshape({shape.tokens, shape.half});
}

/// Patch filters that whiten the pool's patches (principal components, weak ones kept weak), in the first half of the channels.
void whitenPatches(TowerWeights& weights, const Shape& shape, const std::vector<TrainingPicture>& pool, const PreprocessorConfig& config)
{
    torch::Tensor covariance = torch::zeros({shape.area, shape.area}, torch::kDouble), sum = torch::zeros({shape.area}, torch::kDouble);
    double count = 0;
    for (std::size_t n = 0; n < std::min<std::size_t>(pool.size(), 1500); ++n) {
        const torch::Tensor grey = torch::from_blob(const_cast<std::uint8_t*>(pool[n].grey.data()), {shape.size, shape.size}, torch::kByte).to(torch::kDouble);
        const torch::Tensor patches = ((grey * config.rescaleFactor - config.mean[0]) / config.standardDeviation[0]).view({shape.side, shape.patch, shape.side, shape.patch}).permute({0, 2, 1, 3}).reshape({shape.tokens, shape.area});
        covariance += patches.t().mm(patches);
        sum += patches.sum(0);
        count += double(shape.tokens);
    }
    const torch::Tensor mean = sum / count;
    const auto [values, vectors] = torch::linalg_eigh(covariance / count - torch::outer(mean, mean), "L");
    // Ascending: the strongest come last.
    const torch::Tensor strong = values.narrow(0, shape.area - shape.half, shape.half).clamp_min(0), basis = vectors.narrow(1, shape.area - shape.half, shape.half);
    const torch::Tensor filters = (basis / (strong + 2e-3 * strong.max().clamp_max(1.0) + 1e-3).sqrt().unsqueeze(0)).t() * 0.3;     // [half, area]
    torch::Tensor& weight = weights.at("patch_embedding.weight");
    weight.zero_();
    weight.narrow(0, 0, shape.half).copy_((filters / 3).view({shape.half, 1, shape.patch, shape.patch}).expand({shape.half, 3, shape.patch, shape.patch}));
    torch::Tensor& bias = weights.at("patch_embedding.bias");
    bias.zero_();
    bias.narrow(0, 0, shape.half).copy_(-filters.mv(mean));
}

/// Each head's keys read positions only, and its query is the key of the middle of a region: a constant, as the weights of queries are zero.
void lookAtRegions(TowerWeights& weights, const Shape& shape, int layer, const torch::Tensor& positions)
{
    torch::Tensor keys = torch::zeros({shape.width, shape.width});
    for (std::int64_t head = 0; head < shape.heads; ++head) {
        const torch::Tensor basis = std::get<0>(torch::linalg_qr(torch::randn({shape.half, shape.headDim})));
        keys.narrow(0, head * shape.headDim, shape.headDim).narrow(1, shape.half, shape.half).copy_(basis.t());
    }
    weights.at(layer, "self_attn.k_proj.weight").copy_(keys);
    const torch::Tensor alone = torch::layer_norm(torch::cat({torch::zeros({shape.tokens, shape.half}), positions}, 1), {shape.width}, {}, {}, shape.epsilon);
    const torch::Tensor placed = alone.mm(keys.t()).view({shape.tokens, shape.heads, shape.headDim});
    const std::int64_t regions = shape.heads * kRegionLayers, across = std::int64_t(std::ceil(std::sqrt(double(regions))));
    torch::Tensor query = weights.at(layer, "self_attn.q_proj.bias").view({shape.heads, shape.headDim});
    for (std::int64_t head = 0; head < shape.heads; ++head) {
        const std::int64_t region = (layer - kFirstRegionLayer) * shape.heads + head;
        const auto middle = [&](std::int64_t n) { return std::min(shape.side - 1, std::int64_t((double(n) + 0.5) * double(shape.side) / double(across))); };
        query[head].copy_(3 * placed[middle(region / across) * shape.side + middle(region % across)][head]);
    }
    weights.at(layer, "self_attn.q_proj.weight").zero_();
}

void initialise(TowerWeights& weights, const Shape& shape, const std::vector<TrainingPicture>& pool, const PreprocessorConfig& config)
{
    torch::NoGradGuard noGrad;
    for (auto& [name, value] : weights) {
        if (value.dim() == 1) {
            name.find("norm") != std::string::npos && name.ends_with("weight") ? value.fill_(1) : value.zero_();
        } else if (value.dim() == 2) {
            const bool residual = name.find("out_proj") != std::string::npos || name.find("fc2") != std::string::npos;
            value.normal_(0, (residual ? 0.5 : 1.0) / std::sqrt(double(value.size(1))));
        }
    }
    const torch::Tensor positions = positionWaves(shape);
    torch::Tensor& embedding = weights.at("position_embedding.weight");
    embedding.zero_();
    embedding.narrow(1, shape.half, shape.half).copy_(positions);
    whitenPatches(weights, shape, pool, config);
    for (int layer = 0; layer < kLayers; ++layer) {
        if (layer >= kFirstRegionLayer && layer < kFirstRegionLayer + kRegionLayers) {
            lookAtRegions(weights, shape, layer, positions);
        } else {
            weights.at(layer, "self_attn.out_proj.weight").zero_();     // Does nothing yet.
        }
    }
    weights.at(kFirstRegionLayer, "mlp.fc2.weight").zero_();            // Neither does this.
}

/// The tower as `initialise` left it, without what does nothing, and after the regions for one token a picture.
class RegionReader {
public:
    RegionReader(TowerWeights& weights, const Shape& shape) : m_weights(weights), m_shape(shape) {}

    std::vector<torch::Tensor> learned()
    {
        std::vector<torch::Tensor> all;
        const auto add = [&](int layer, std::initializer_list<const char*> names) {
            for (const char* name : names) {
                all.push_back(m_weights.at(layer, std::string(name) + ".weight"));
                all.push_back(m_weights.at(layer, std::string(name) + ".bias"));
            }
        };
        for (int layer = 0; layer < kLayers; ++layer) {
            if (isRegion(layer)) {
                add(layer, {"layer_norm1", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"});
                all.push_back(m_weights.at(layer, "self_attn.q_proj.bias"));
            }
            if (layer != kFirstRegionLayer) {
                add(layer, {"layer_norm2", "mlp.fc1", "mlp.fc2"});
            }
        }
        return all;
    }

    /// @param contents  [n, T, half]: patches after the patch filters. @param probes  [n] the token that is followed.
    /// @return [n, 1, C] features of the probes.
    torch::Tensor forward(const torch::Tensor& contents, const torch::Tensor& probes)
    {
        const std::int64_t n = contents.size(0);
        const torch::Tensor positions = m_weights.at("position_embedding.weight").narrow(1, m_shape.half, m_shape.half);
        torch::Tensor x = torch::cat({contents, positions.expand({n, m_shape.tokens, m_shape.half})}, 2);
        x = perceive(x, 0);
        for (int layer = kFirstRegionLayer; layer < kFirstRegionLayer + kRegionLayers; ++layer) {
            x = x + regions(x, layer);
        }
        torch::Tensor probe = x.gather(1, probes.view({n, 1, 1}).expand({n, 1, m_shape.width}));
        for (int layer = kFirstRegionLayer + 1; layer < kLayers; ++layer) {
            probe = perceive(probe, layer);
        }
        return probe;
    }

private:
    static bool isRegion(int layer) { return layer >= kFirstRegionLayer && layer < kFirstRegionLayer + kRegionLayers; }
    torch::Tensor linear(const torch::Tensor& x, int layer, const std::string& name) { return at::linear(x, m_weights.at(layer, name + ".weight"), m_weights.at(layer, name + ".bias")); }
    torch::Tensor normed(const torch::Tensor& x, int layer, const std::string& name)
    {
        return at::layer_norm(x, {m_shape.width}, m_weights.at(layer, name + ".weight"), m_weights.at(layer, name + ".bias"), m_shape.epsilon);
    }
    torch::Tensor perceive(const torch::Tensor& x, int layer) { return x + linear(at::gelu(linear(normed(x, layer, "layer_norm2"), layer, "mlp.fc1"), "tanh"), layer, "mlp.fc2"); }

    /// [n, 1, C]: what every token gets.
    torch::Tensor regions(const torch::Tensor& x, int layer)
    {
        const std::int64_t n = x.size(0);
        const torch::Tensor y = normed(x, layer, "layer_norm1");
        const torch::Tensor keys = linear(y, layer, "self_attn.k_proj").view({n, m_shape.tokens, m_shape.heads, m_shape.headDim});
        const torch::Tensor values = linear(y, layer, "self_attn.v_proj").view({n, m_shape.tokens, m_shape.heads, m_shape.headDim});
        const torch::Tensor query = m_weights.at(layer, "self_attn.q_proj.bias").view({m_shape.heads, m_shape.headDim});
        const torch::Tensor seen = ((keys * query).sum(3) / std::sqrt(double(m_shape.headDim))).softmax(1);     // [n, T, heads]
        return linear((values * seen.unsqueeze(3)).sum(1).reshape({n, 1, m_shape.width}), layer, "self_attn.out_proj");
    }

    TowerWeights& m_weights;
    Shape m_shape;
};

struct Contents {
    torch::Tensor pictures;     ///< [n, T, half] bf16.
    torch::Tensor classes;      ///< [n] int64
};

/// Variations of the pool's pictures behind the patch filters, which do not learn here.
Contents makeContents(VilaNetworks& networks, TowerWeights& weights, const Shape& shape, const std::vector<TrainingPicture>& pool, int variants, Random& random,
    const std::stop_token& stop)
{
    torch::NoGradGuard noGrad;
    constexpr std::size_t kAtOnce = 64;
    const std::size_t count = pool.size() * std::size_t(variants);
    Contents contents{torch::empty({std::int64_t(count), shape.tokens, shape.half}, torch::kBFloat16), {}};
    std::vector<std::int64_t> classes;
    for (std::size_t at = 0; at < count; at += kAtOnce) {
        throwIfStopped(stop);
        std::vector<Picture> pictures;
        for (std::size_t n = at; n < std::min(count, at + kAtOnce); ++n) {
            TrainingPicture picture = varied(pool[n % pool.size()], int(shape.size), random);
            if (random.chance(0.3)) {
                picture = mirrored(picture, int(shape.size));
            }
            const bool masked = !picture.labels.empty() && random.chance(0.2);
            pictures.push_back(masked ? toMaskedPicture(picture, int(shape.size), picture.labels) : toPicture(picture, int(shape.size)));
            classes.push_back(pictureClass(picture));
        }
        const torch::Tensor patches = at::conv2d(pixelTensor(pictures, networks.config.preprocessor), weights.at("patch_embedding.weight").narrow(0, 0, shape.half),
            weights.at("patch_embedding.bias").narrow(0, 0, shape.half), {shape.patch, shape.patch});
        contents.pictures.narrow(0, std::int64_t(at), patches.size(0)).copy_(patches.flatten(2).transpose(1, 2));
    }
    contents.classes = torch::tensor(classes, torch::kLong);
    return contents;
}

} // namespace

ClassHeadImpl::ClassHeadImpl(int width)
{
    norm = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})));
    linear = register_module("linear", torch::nn::Linear(width, kPictureClasses));
}

void ClassHeadImpl::forget()
{
    torch::NoGradGuard noGrad;
    linear->weight.zero_();
}

torch::Tensor towerInput(const torch::Tensor& grey, const PreprocessorConfig& config)
{
    const double mean = config.mean[0], deviation = config.standardDeviation[0];
    return ((grey * config.rescaleFactor - mean) / deviation).unsqueeze(1).expand({-1, 3, -1, -1});
}

torch::Tensor variedThere(const torch::Tensor& grey, double share)
{
    torch::NoGradGuard noGrad;
    const std::int64_t n = grey.size(0);
    const torch::Tensor plain = grey.to(torch::kFloat);
    torch::Tensor x = plain / 255;
    // Thick slices, whatever lies across, and blur.
    x = torch::where(someOf(x, 0.12), coarse(x, 6, 1), x);
    x = torch::where(someOf(x, 0.06), coarse(x, 1, 6), x);
    x = torch::where(someOf(x, 0.15), coarse(x, 2, 2), x);
    x = torch::where(someOf(x, 0.06), coarse(x, 3, 3), x);
    const torch::Tensor zoom = eachOf(x, -0.35, 0.3).exp(), stretch = eachOf(x, -0.2, 0.2).exp(), turn = eachOf(x, -0.2, 0.2), mirror = torch::where(someOf(x, 0.3), -torch::ones_like(zoom), torch::ones_like(zoom));
    const torch::Tensor c = turn.cos() / zoom, s = turn.sin() / zoom;
    const torch::Tensor first = torch::cat({c * mirror, -s * stretch, eachOf(x, -0.2, 0.2)}, 2), second = torch::cat({s * mirror, c * stretch, eachOf(x, -0.2, 0.2)}, 2);
    const torch::Tensor grid = at::affine_grid_generator(torch::cat({first, second}, 1), {n, 1, grey.size(1), grey.size(2)}, false);
    const torch::Tensor moved = at::grid_sampler(x.unsqueeze(1), grid, 0, 0, false).squeeze(1);
    x = torch::where(someOf(x, 0.85), moved, x);
    const torch::Tensor toned = x.clamp(1e-4, 1).pow(eachOf(x, -0.4, 0.4).exp()) * eachOf(x, 0.8, 1.25) + eachOf(x, -0.06, 0.06);
    x = torch::where(x > 0.016, toned, x);
    const torch::Tensor place = torch::linspace(-0.5, 0.5, grey.size(2), torch::dtype(torch::kFloat).device(grey.device()));
    const torch::Tensor shade = 1 + eachOf(x, -0.3, 0.3) * place.view({1, 1, -1}) + eachOf(x, -0.3, 0.3) * place.view({1, -1, 1});
    x = torch::where(someOf(x, 0.3), x * shade, x);
    const torch::Tensor noise = torch::where(someOf(x, 0.5), eachOf(x, 0, 0.035), torch::zeros_like(zoom)) + torch::where(someOf(x, 0.1), eachOf(x, 0.02, 0.09), torch::zeros_like(zoom));
    x = x + noise * torch::randn_like(x);
    return share < 1 ? torch::where(someOf(x, share), x.clamp(0, 1) * 255, plain) : x.clamp(0, 1) * 255;
}

GreyPictures greyPictures(std::int64_t count, std::int64_t size, const std::function<const TrainingPicture&(std::int64_t)>& at)
{
    GreyPictures made{torch::empty({count, size, size}, torch::kByte), torch::empty({count}, torch::kLong)};
    for (std::int64_t n = 0; n < count; ++n) {
        const TrainingPicture& picture = at(n);
        std::copy(picture.grey.begin(), picture.grey.end(), made.grey.data_ptr<std::uint8_t>() + n * size * size);
        made.classes.data_ptr<std::int64_t>()[n] = pictureClass(picture);
    }
    return made;
}

Looked look(VilaNetworks& networks, ClassHead& head, const torch::Tensor& grey, const torch::Tensor& classes, bool bf16)
{
    const torch::Tensor pixels = towerInput(variedThere(grey), networks.config.preprocessor);
    const Autocast autocast(bf16, grey.device().type());
    const torch::Tensor logits = head(networks.vision(pixels).to(torch::kFloat)).to(torch::kFloat);
    return {torch::nn::functional::cross_entropy(logits, classes, torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(0.05)),
        logits.detach().argmax(1).eq(classes).to(torch::kFloat).mean()};
}

ToldRight tryPictures(VilaNetworks& networks, ClassHead& head, const std::vector<TrainingPicture>& pictures)
{
    torch::NoGradGuard noGrad;
    constexpr std::size_t kBatch = 64;
    const int size = networks.config.vision.imageSize;
    const auto kindOf = [](int c) { return c < 3 ? 0 : c < 6 ? 1 : c < 8 ? 2 : c; };
    int kinds = 0, planes = 0, withPlane = 0;
    for (std::size_t at = 0; at < pictures.size(); at += kBatch) {
        std::vector<Picture> part;
        for (std::size_t n = at; n < std::min(pictures.size(), at + kBatch); ++n) {
            part.push_back(toPicture(pictures[n], size));
        }
        const torch::Tensor pixels = pixelTensor(part, networks.config.preprocessor).to(head->parameters()[0].device());
        const torch::Tensor told = head(networks.vision(pixels).to(torch::kFloat)).argmax(1).cpu().contiguous();
        for (std::size_t n = 0; n < part.size(); ++n) {
            const int is = pictureClass(pictures[at + n]), said = int(told.data_ptr<std::int64_t>()[n]);
            kinds += kindOf(is) == kindOf(said);
            withPlane += is < 6;
            planes += is < 6 && said < 6 && is % 3 == said % 3;
        }
    }
    return {pictures.empty() ? -1 : double(kinds) / double(pictures.size()), withPlane > 0 ? double(planes) / withPlane : -1};
}

void trainVision(VilaNetworks& networks, ClassHead& head, const std::vector<TrainingPicture>& pool, const std::vector<TrainingPicture>& heldOut, const VisionOptions& options,
    Random& random, const std::function<void(const VisionReport&)>& onReport, const std::stop_token& stop)
{
    const Shape shape(networks.config.vision);
    TowerWeights weights(networks);
    if (!options.refine) {
        initialise(weights, shape, pool, networks.config.preprocessor);
    }
    const Contents contents = makeContents(networks, weights, shape, pool, options.variants, random, stop);
    RegionReader reader(weights, shape);
    std::vector<torch::Tensor> learned = reader.learned();
    for (const torch::Tensor& parameter : head->parameters()) {
        learned.push_back(parameter);
    }
    torch::optim::AdamW optimizer(learned, torch::optim::AdamWOptions(options.learningRate).betas({0.9, 0.98}).weight_decay(0.05));
    const Stopwatch clock;
    double loss = 0, right = 0;
    int count = 0;
    for (int step = 0;; ++step) {
        const double done = clock.seconds() / (options.minutes * 60);
        if (done >= 1) {
            return;
        }
        throwIfStopped(stop);
        const torch::Tensor chosen = torch::randint(contents.classes.size(0), {options.batch}, torch::kLong), probes = torch::randint(shape.tokens, {options.batch}, torch::kLong);
        const double warm = std::min(1.0, (step + 1) / 100.0);
        static_cast<torch::optim::AdamWOptions&>(optimizer.param_groups()[0].options()).lr(options.learningRate * warm * (0.02 + 0.98 * 0.5 * (1 + std::cos(std::numbers::pi * done))));
        optimizer.zero_grad();
        const torch::Tensor targets = contents.classes.index_select(0, chosen);
        torch::Tensor inputs = contents.pictures.index_select(0, chosen).to(torch::kFloat);
        inputs = inputs + 0.03 * torch::randn_like(inputs);
        torch::Tensor logits, error;
        {
            const Autocast autocast(options.bf16);
            logits = head(reader.forward(inputs, probes).to(torch::kFloat)).to(torch::kFloat);
            error = torch::nn::functional::cross_entropy(logits, targets);
        }
        error.backward();
        torch::nn::utils::clip_grad_norm_(learned, 1.0);
        optimizer.step();
        loss += error.item<double>();
        right += logits.argmax(1).eq(targets).to(torch::kFloat).mean().item<double>();
        if (++count == 200) {
            onReport({step + 1, loss / count, right / count, (step + 1) * options.batch / clock.seconds(), (step + 1) % 1000 == 0 ? tryPictures(networks, head, heldOut) : ToldRight{}});
            loss = right = count = 0;
        }
    }
}

} // namespace hf::assistant::train
