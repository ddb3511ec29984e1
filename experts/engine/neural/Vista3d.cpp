#include "experts/engine/neural/Vista3d.h"

#include "viewer/volume/Progress.h"

#include <ATen/ATen.h>

#include <numbers>

namespace hf::experts {

namespace {

constexpr std::int64_t kWidth = Vista3d::kWidth;
constexpr std::array<std::int64_t, 5> kChannels{48, 96, 192, 384, 768};
constexpr std::array<int, 5> kBlocks{1, 2, 2, 4, 4};
constexpr std::int64_t kHeads = 4;

ConvShape cube(std::int64_t in, std::int64_t out, int stride = 1, bool hasBias = false, int kernel = 3) { return {in, out, kernel, stride, 3, hasBias}; }

} // namespace

ResidualBlock Vista3d::takeBlock(WeightSource& source, const std::string& name, std::int64_t channels)
{
    return {takeNorm(source, name + ".norm1", channels, channels), takeNorm(source, name + ".norm2", channels, channels),
        takeConv(source, name + ".conv1", cube(channels, channels)), takeConv(source, name + ".conv2", cube(channels, channels))};
}

Vista3d::Decoder Vista3d::takeDecoder(WeightSource& source, const std::string& name)
{
    Decoder decoder;
    for (std::size_t level = 0; level < 4; ++level) {
        const std::string prefix = name + "." + std::to_string(level);
        const std::int64_t channels = kChannels[3 - level];
        decoder.deconv[level] = takeDeconv(source, prefix + ".upsample.deconv", cube(2 * channels, channels, 2));
        decoder.block[level] = takeBlock(source, prefix + ".blocks.0", channels);
    }
    decoder.head = takeConv(source, name + ".3.head", cube(kWidth, kWidth, 1, true, 1));
    return decoder;
}

Vista3d::Attention Vista3d::takeAttention(WeightSource& source, const std::string& name, std::int64_t inner)
{
    return {takeLinear(source, name + ".q_proj", kWidth, inner), takeLinear(source, name + ".k_proj", kWidth, inner), takeLinear(source, name + ".v_proj", kWidth, inner),
        takeLinear(source, name + ".out_proj", inner, kWidth)};
}

Vista3d::LayerNorm Vista3d::takeLayerNorm(WeightSource& source, const std::string& name)
{
    return {source.takeFloat(name + ".weight", {kWidth}), source.takeFloat(name + ".bias", {kWidth})};
}

Vista3d::Vista3d(WeightSource& source)
{
    const std::string encoder = "image_encoder.encoder.";
    m_first = takeConv(source, encoder + "conv_init", cube(1, kChannels[0]));
    for (std::size_t level = 0; level < kChannels.size(); ++level) {
        const std::string name = encoder + "layers." + std::to_string(level) + ".";
        for (int n = 0; n < kBlocks[level]; ++n) {
            m_levels[level].push_back(takeBlock(source, name + "blocks." + std::to_string(n), kChannels[level]));
        }
        if (level < 4) {
            m_shrink[level] = takeConv(source, name + "downsample", cube(kChannels[level], kChannels[level + 1], 2));
        }
    }
    m_pointDecoder = takeDecoder(source, "image_encoder.up_layers");
    m_classDecoder = takeDecoder(source, "image_encoder.up_layers_auto");
    for (std::size_t n = 0; n < 2; ++n) {
        const std::string name = "class_head.image_post_mapping." + std::to_string(n) + ".layer.";
        m_mapping[n] = {takeConv(source, name + "conv1.conv", cube(kWidth, kWidth)), takeConv(source, name + "conv2.conv", cube(kWidth, kWidth))};
    }
    m_classEmbeddings = source.takeFloat("class_head.class_embeddings.weight", {512, kWidth});
    m_mlp0 = takeLinear(source, "class_head.mlp.0", kWidth, kWidth);
    m_mlp3 = takeLinear(source, "class_head.mlp.3", kWidth, kWidth);
    takePointHead(source);
}

void Vista3d::takePointHead(WeightSource& source)
{
    const std::string head = "point_head.", transformer = head + "transformer.";
    m_featureShrink = {takeConv(source, head + "feat_downsample.0", cube(kWidth, kWidth, 2, true)), takeConv(source, head + "feat_downsample.3", cube(kWidth, kWidth, 1, true))};
    for (std::size_t n = 0; n < 2; ++n) {
        const std::string name = transformer + "layers." + std::to_string(n) + ".";
        TransformerLayer& layer = m_layers[n];
        layer.self = takeAttention(source, name + "self_attn", kWidth);
        layer.toImage = takeAttention(source, name + "cross_attn_token_to_image", kWidth / 2);
        layer.toTokens = takeAttention(source, name + "cross_attn_image_to_token", kWidth / 2);
        for (std::size_t k = 0; k < 4; ++k) {
            layer.norms[k] = takeLayerNorm(source, name + "norm" + std::to_string(k + 1));
        }
        layer.mlp1 = takeLinear(source, name + "mlp.linear1", kWidth, 512);
        layer.mlp2 = takeLinear(source, name + "mlp.linear2", 512, kWidth);
    }
    m_finalAttention = takeAttention(source, transformer + "final_attn_token_to_image", kWidth / 2);
    m_finalNorm = takeLayerNorm(source, transformer + "norm_final_attn");
    m_gaussian = source.takeFloat(head + "pe_layer.positional_encoding_gaussian_matrix", {3, kWidth / 2});
    const auto row = [&](const char* name) { return source.takeFloat(head + name + ".weight", {1, kWidth}); };
    m_pointEmbeddings = {row("point_embeddings.0"), row("point_embeddings.1")};
    m_notAPoint = row("not_a_point_embed");
    m_special = row("special_class_embed");
    m_maskToken = row("mask_tokens");
    m_zeroShot = row("zeroshot_embed");
    m_supported = row("supported_embed");
    m_outputDeconv = takeDeconv(source, head + "output_upscaling.0", cube(kWidth, kWidth, 2, true));
    m_outputConv = takeConv(source, head + "output_upscaling.3", cube(kWidth, kWidth, 1, true));
    for (std::size_t n = 0; n < 3; ++n) {
        m_hyper[n] = takeLinear(source, head + "output_hypernetworks_mlps.layers." + std::to_string(n), kWidth, kWidth);
    }
    source.skip(head + "mask_downsample.weight", {2, 2, 3, 3, 3});
    source.skip(head + "mask_downsample.bias", {2});
    source.skip(head + "class_embeddings.weight", {512, kWidth});
}

runtime::TensorMap Vista3d::adapted(runtime::TensorMap tensors)
{
    runtime::TensorMap renamed;
    for (auto& [name, tensor] : tensors) {
        if (name.starts_with("weight_mapper.") || name.starts_with("point_head.output_add_hypernetworks_mlps.")) {
            continue;
        }
        std::string now = name;
        if (const std::size_t place = name.find(".mlp.lin"); place != std::string::npos && name.find(".mlp.linear") == std::string::npos) {
            now.insert(place + 8, "ear");
        }
        renamed.emplace(now, std::move(tensor));
    }
    return renamed;
}

at::Tensor Vista3d::decode(const Decoder& decoder, at::Tensor x, std::vector<at::Tensor> skips, std::stop_token stop)
{
    for (std::size_t level = 0; level < 4; ++level) {
        throwIfStopped(stop);
        x = decoder.deconv[level](x).add_(skips.back());
        skips.pop_back();
        x = decoder.block[level](std::move(x));
    }
    return decoder.head(x);
}

Vista3d::Features Vista3d::encode(const at::Tensor& input, bool forPoints, bool forClasses, std::stop_token stop) const
{
    std::vector<at::Tensor> skips;
    at::Tensor x = m_first(input);
    for (std::size_t level = 0; level < m_levels.size(); ++level) {
        for (const ResidualBlock& block : m_levels[level]) {
            throwIfStopped(stop);
            x = block(std::move(x));
        }
        if (level < 4) {
            skips.push_back(x);
            x = m_shrink[level](x);
        }
    }
    Features features;
    if (forPoints) {
        features.points = decode(m_pointDecoder, x, forClasses ? skips : std::move(skips), stop);
    }
    if (forClasses) {
        features.classes = decode(m_classDecoder, std::move(x), std::move(skips), stop);
    }
    return features;
}

at::Tensor Vista3d::mapClasses(at::Tensor features) const
{
    const GroupNorm norm = instanceNorm(kWidth);
    for (const Mapping& mapping : m_mapping) {
        features = norm.overAdding(mapping.conv2.after(norm, mapping.conv1(features), Activation::LeakyRelu), features, Activation::LeakyRelu);
    }
    return features;
}

at::Tensor Vista3d::embeddings(const std::vector<std::int64_t>& ids) const
{
    const at::Tensor rows = m_mlp0(m_classEmbeddings.index_select(0, at::tensor(ids, at::kLong).to(m_classEmbeddings.device())));
    // Each row by its own mean and biased variance.
    const at::Tensor normed = at::layer_norm(rows, {kWidth}, {}, {}, 1e-5);
    return m_mlp3(at::gelu(normed));
}

at::Tensor Vista3d::classLogits(const at::Tensor& mapped, const at::Tensor& embeddings)
{
    HF_ASSERT(mapped.dim() == 5 && mapped.size(0) == 1);
    std::vector<std::int64_t> shape = mapped.sizes().vec();
    shape[0] = embeddings.size(0);
    shape[1] = 1;
    // Channels-last features are voxels by channels already.
    const at::Tensor flat = mapped.select(0, 0).reshape({kWidth, -1});
    return at::matmul(embeddings.to(flat.scalar_type()), flat).view(shape);
}

at::Tensor Vista3d::LayerNorm::operator()(const at::Tensor& x) const { return at::layer_norm(x, {kWidth}, weight, bias, 1e-5); }

/// q, k, v: [1, tokens, 48].
at::Tensor Vista3d::attend(const Attention& attention, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v)
{
    const auto heads = [](const at::Tensor& x) { return x.view({1, x.size(1), kHeads, -1}).transpose(1, 2); };
    const at::Tensor mixed = at::scaled_dot_product_attention(heads(attention.q(q)), heads(attention.k(k)), heads(attention.v(v)));
    return attention.out(mixed.transpose(1, 2).reshape({1, q.size(1), -1}));
}

/// @param places  [tokens, 3] in [0, 1]. @return [tokens, 48].
at::Tensor Vista3d::positionCode(const at::Tensor& places) const
{
    const at::Tensor phase = at::matmul(places * 2 - 1, m_gaussian) * (2 * std::numbers::pi);
    return at::cat({at::sin(phase), at::cos(phase)}, -1);
}

at::Tensor Vista3d::denseCode(at::IntArrayRef size) const
{
    std::vector<at::Tensor> axes;
    for (const std::int64_t n : size) {
        axes.push_back((at::arange(n, m_gaussian.options()) + 0.5) / double(n));
    }
    const auto grid = at::meshgrid(axes, "ij");
    return positionCode(at::stack(grid, -1).view({-1, 3}));
}

/// [1, 1 + points + 1, 48]: mask token, points, and whether the class is known.
at::Tensor Vista3d::tokensOf(const std::vector<Vista3dPoint>& points, at::IntArrayRef size, int classId) const
{
    std::vector<at::Tensor> rows{m_maskToken};
    for (const Vista3dPoint& point : points) {
        if (point.label < 0) {
            rows.push_back(m_notAPoint);
            continue;
        }
        const at::Tensor place = at::empty({1, 3}, at::kFloat);
        for (std::size_t axis = 0; axis < 3; ++axis) {
            place.data_ptr<float>()[axis] = float((point.place[axis] + 0.5) / double(size[axis]));
        }
        at::Tensor row = positionCode(place.to(m_gaussian.device())) + m_pointEmbeddings[point.label % 2];
        rows.push_back(point.label >= 2 ? row + m_special : row);
    }
    rows.push_back(classId > kClasses ? m_zeroShot : m_supported);
    return at::cat(rows, 0).unsqueeze(0);
}

/// The two-way transformer: tokens look at the image and the image at the tokens. @return tokens and keys after it.
std::pair<at::Tensor, at::Tensor> Vista3d::transform(at::Tensor keys, const at::Tensor& keyCode, const at::Tensor& tokenCode) const
{
    at::Tensor tokens = tokenCode;
    for (std::size_t n = 0; n < m_layers.size(); ++n) {
        const TransformerLayer& layer = m_layers[n];
        if (n == 0) {
            tokens = attend(layer.self, tokens, tokens, tokens);
        } else {
            const at::Tensor query = tokens + tokenCode;
            tokens = tokens + attend(layer.self, query, query, tokens);
        }
        tokens = layer.norms[0](tokens);
        at::Tensor codedKeys = keys + keyCode;
        tokens = layer.norms[1](tokens + attend(layer.toImage, tokens + tokenCode, codedKeys, keys));
        tokens = layer.norms[2](tokens + layer.mlp2(at::relu(layer.mlp1(tokens))));
        keys = layer.norms[3](keys + attend(layer.toTokens, codedKeys, tokens + tokenCode, tokens));
    }
    tokens = m_finalNorm(tokens + attend(m_finalAttention, tokens + tokenCode, keys + keyCode, keys));
    return {tokens, keys};
}

at::Tensor Vista3d::pointLogits(const at::Tensor& features, const std::vector<Vista3dPoint>& points, int classId) const
{
    const GroupNorm norm = instanceNorm(kWidth);
    const at::Tensor small = norm(m_featureShrink[1](norm(m_featureShrink[0](features), Activation::Gelu)));
    const std::vector<std::int64_t> size = small.sizes().slice(2).vec();
    const at::Tensor keys = small.to(at::kFloat).reshape({1, kWidth, -1}).transpose(1, 2).contiguous();
    const at::Tensor tokenCode = tokensOf(points, features.sizes().slice(2), classId);
    const auto [tokens, newKeys] = transform(keys, denseCode(size).unsqueeze(0), tokenCode);
    at::Tensor weights = tokens.select(1, 0);       // [1, 48]
    for (std::size_t n = 0; n < m_hyper.size(); ++n) {
        weights = m_hyper[n](weights);
        weights = n + 1 < m_hyper.size() ? at::relu(weights) : weights;
    }
    const at::Tensor image = newKeys.transpose(1, 2).reshape({1, kWidth, size[0], size[1], size[2]}).to(features.scalar_type());
    const at::Tensor large = m_outputConv(norm(m_outputDeconv(image), Activation::Gelu));
    return classLogits(large.to(at::kFloat), weights);
}

} // namespace hf::experts
