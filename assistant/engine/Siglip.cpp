#include "assistant/engine/Siglip.h"

#include "assistant/engine/Attention.h"
#include "assistant/engine/Recompute.h"

#include "viewer/volume/Error.h"
#include "viewer/volume/Progress.h"

namespace hf::assistant {

namespace nn = torch::nn;

SiglipLayerImpl::SiglipLayerImpl(const SiglipConfig& config) : m_heads(config.heads)
{
    const int width = config.hiddenSize;
    const auto norm = nn::LayerNormOptions({width}).eps(config.layerNormEps);
    layer_norm1 = register_module("layer_norm1", nn::LayerNorm(norm));
    layer_norm2 = register_module("layer_norm2", nn::LayerNorm(norm));
    auto attention = register_module("self_attn", std::make_shared<nn::Module>());
    q_proj = attention->register_module("q_proj", Linear(width, width));
    k_proj = attention->register_module("k_proj", Linear(width, width));
    v_proj = attention->register_module("v_proj", Linear(width, width));
    out_proj = attention->register_module("out_proj", Linear(width, width));
    auto mlp = register_module("mlp", std::make_shared<nn::Module>());
    fc1 = mlp->register_module("fc1", Linear(width, config.intermediateSize));
    fc2 = mlp->register_module("fc2", Linear(config.intermediateSize, width));
}

torch::Tensor SiglipLayerImpl::attend(const torch::Tensor& x)
{
    const auto n = x.size(0), tokens = x.size(1), width = x.size(2);
    const auto heads = [&](const torch::Tensor& t) { return t.view({n, tokens, m_heads, width / m_heads}).transpose(1, 2); };
    // Scale is head_dim^-0.5 by default; softmax runs in fp32 inside.
    const torch::Tensor mixed = attention(heads(q_proj(x)), heads(k_proj(x)), heads(v_proj(x)), false);
    return out_proj(mixed.transpose(1, 2).reshape({n, tokens, width}));
}

torch::Tensor SiglipLayerImpl::forward(const torch::Tensor& x)
{
    const torch::Tensor y = x + attend(layer_norm1(x));
    return y + fc2(at::gelu(fc1(layer_norm2(y)), "tanh"));
}

SiglipVisionImpl::SiglipVisionImpl(const SiglipConfig& config, int visionSelectLayer)
{
    // hidden_states has layers + 1 entries, the embedding first: entry e is the output of e layers.
    const int entries = config.layers + 1;
    const int selected = visionSelectLayer < 0 ? entries + visionSelectLayer : visionSelectLayer;
    if (selected < 0 || selected >= entries) {
        throw Error("mm_vision_select_layer " + std::to_string(visionSelectLayer) + " of a tower with " +
            std::to_string(config.layers) + " layers", "config");
    }
    auto model = register_module("vision_model", std::make_shared<nn::Module>());
    auto embeddings = model->register_module("embeddings", std::make_shared<nn::Module>());
    patch_embedding = embeddings->register_module("patch_embedding",
        nn::Conv2d(nn::Conv2dOptions(config.channels, config.hiddenSize, config.patchSize).stride(config.patchSize)));
    position_embedding = embeddings->register_module("position_embedding",
        Embedding(config.patchesPerSide() * config.patchesPerSide(), config.hiddenSize));
    auto encoder = model->register_module("encoder", std::make_shared<nn::Module>());
    auto layers = encoder->register_module("layers", std::make_shared<nn::Module>());
    for (int layer = 0; layer < selected; ++layer) {
        m_layers.push_back(layers->register_module(std::to_string(layer), SiglipLayer(config)));
    }
}

torch::Tensor SiglipVisionImpl::forward(const torch::Tensor& pixels, const std::stop_token& stop)
{
    // [n, C, rows, columns] -> [n, rows * columns, C]
    torch::Tensor x = patch_embedding(pixels).flatten(2).transpose(1, 2) + position_embedding->weight;
    for (SiglipLayer& layer : m_layers) {
        throwIfStopped(stop);
        x = m_recomputes ? recomputed([layer](const torch::Tensor& y) mutable { return layer(y); }, x) : layer(x);
    }
    return x;
}

} // namespace hf::assistant
