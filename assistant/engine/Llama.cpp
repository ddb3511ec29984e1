#include "assistant/engine/Llama.h"

#include "assistant/engine/Attention.h"
#include "assistant/engine/CudaPlugin.h"
#include "assistant/engine/Recompute.h"

#include "viewer/volume/Error.h"

#include <ATen/autocast_mode.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace hf::assistant {

namespace nn = torch::nn;

namespace {

Linear withoutBias(int in, int out) { return Linear(in, out, false); }

/// Rotate-half layout: first and second half of the head dimension (not interleaved).
torch::Tensor rotate(const torch::Tensor& x, const Rotary& rotary)
{
    const std::vector<torch::Tensor> halves = x.chunk(2, -1);
    return x * rotary.cosine + at::cat({-halves[1], halves[0]}, -1) * rotary.sine;
}

} // namespace

RmsNormImpl::RmsNormImpl(int width, double eps) : m_eps(eps), weight(register_parameter("weight", torch::ones({width}))) {}

torch::Tensor RmsNormImpl::forward(const torch::Tensor& x)
{
    const torch::Tensor wide = x.to(at::kFloat);
    const torch::Tensor scaled = wide * at::rsqrt(wide.square().mean(-1, true) + m_eps);
    return scaled.to(x.scalar_type()) * weight.to(x.scalar_type());
}

std::vector<float> RmsNormImpl::weights() const
{
    const torch::Tensor wide = weight.detach().to(at::kCPU, at::kFloat).contiguous();
    return {wide.data_ptr<float>(), wide.data_ptr<float>() + wide.numel()};
}

LlamaLayerImpl::LlamaLayerImpl(const LlamaConfig& config)
    : m_heads(config.heads), m_keyValueHeads(config.keyValueHeads), m_headDim(config.headDim)
{
    input_layernorm = register_module("input_layernorm", RmsNorm(config.hiddenSize, config.rmsNormEps));
    post_attention_layernorm = register_module("post_attention_layernorm", RmsNorm(config.hiddenSize, config.rmsNormEps));
    auto attention = register_module("self_attn", std::make_shared<nn::Module>());
    q_proj = attention->register_module("q_proj", withoutBias(config.hiddenSize, m_heads * m_headDim));
    k_proj = attention->register_module("k_proj", withoutBias(config.hiddenSize, m_keyValueHeads * m_headDim));
    v_proj = attention->register_module("v_proj", withoutBias(config.hiddenSize, m_keyValueHeads * m_headDim));
    o_proj = attention->register_module("o_proj", withoutBias(m_heads * m_headDim, config.hiddenSize));
    auto mlp = register_module("mlp", std::make_shared<nn::Module>());
    gate_proj = mlp->register_module("gate_proj", withoutBias(config.hiddenSize, config.intermediateSize));
    up_proj = mlp->register_module("up_proj", withoutBias(config.hiddenSize, config.intermediateSize));
    down_proj = mlp->register_module("down_proj", withoutBias(config.intermediateSize, config.hiddenSize));
}

LlamaLayerImpl::Projections LlamaLayerImpl::project(const torch::Tensor& x, const Rotary& rotary)
{
    const auto heads = [&](const torch::Tensor& t, int count) { return t.view({x.size(0), x.size(1), count, m_headDim}).transpose(1, 2); };
    return {rotate(heads(q_proj(x), m_heads), rotary), rotate(heads(k_proj(x), m_keyValueHeads), rotary), heads(v_proj(x), m_keyValueHeads)};
}

torch::Tensor LlamaLayerImpl::mix(const Projections& p, const torch::Tensor& bias)
{
    return o_proj(attention(p.query, p.key, p.value, true, bias).transpose(1, 2).reshape({p.query.size(0), p.query.size(2), m_heads * m_headDim}));
}

torch::Tensor LlamaLayerImpl::attend(const torch::Tensor& x, const Rotary& rotary, KeyValueCache::Layer* cache, std::int64_t past)
{
    Projections p = project(x, rotary);
    if (cache) {
        const std::int64_t rows = x.size(1);
        cache->keys.narrow(2, past, rows).copy_(p.key);
        cache->values.narrow(2, past, rows).copy_(p.value);
        p.key = cache->keys.narrow(2, 0, past + rows);
        p.value = cache->values.narrow(2, 0, past + rows);
    }
    return mix(p);
}

DecoderLayer LlamaLayerImpl::decoderLayer() const
{
    return {input_layernorm->weights(), post_attention_layernorm->weights(), q_proj->view(), k_proj->view(), v_proj->view(), o_proj->view(),
        gate_proj->view(), up_proj->view(), down_proj->view()};
}

cuda::Layer LlamaLayerImpl::cudaLayer(std::vector<torch::Tensor>& kept) const
{
    const auto matrix = [&](const Linear& linear) { return cudaMatrix(*linear, kept); };
    kept.push_back(input_layernorm->wideWeights());
    const float* const inputNorm = kept.back().data_ptr<float>();
    kept.push_back(post_attention_layernorm->wideWeights());
    const float* const postAttentionNorm = kept.back().data_ptr<float>();
    return {matrix(q_proj), matrix(k_proj), matrix(v_proj), matrix(o_proj), matrix(gate_proj), matrix(up_proj), matrix(down_proj), inputNorm, postAttentionNorm};
}

void LlamaLayerImpl::pack(WeightView::Type type)
{
    for (Linear* matrix : {&q_proj, &k_proj, &v_proj, &o_proj, &gate_proj, &up_proj, &down_proj}) {
        (*matrix)->pack(type);
    }
}

torch::Tensor LlamaLayerImpl::forward(const torch::Tensor& x, const Rotary& rotary, KeyValueCache::Layer* cache, std::int64_t past)
{
    return perceive(x + attend(input_layernorm(x), rotary, cache, past));
}

torch::Tensor LlamaLayerImpl::perceive(const torch::Tensor& x)
{
    const torch::Tensor y = post_attention_layernorm(x);
    return x + down_proj(at::silu(gate_proj(y)) * up_proj(y));
}

namespace {

/// Rows of beginnings [B, .., P, D] and of their continuations [B * K, .., L, D], one after the other: [B * K, .., P + L, D].
torch::Tensor after(const torch::Tensor& first, const torch::Tensor& second)
{
    const std::int64_t count = first.size(0), each = second.size(0) / count;
    const torch::Tensor before = first.unsqueeze(1).expand({-1, each, -1, -1, -1});
    return at::cat({before, second.unflatten(0, {count, each})}, 3).flatten(0, 1);
}

} // namespace

torch::Tensor LlamaLayerImpl::forwardBranches(const torch::Tensor& branches, const Rotary& late, const KeyValueCache::Layer& cache, std::int64_t past)
{
    Projections own = project(input_layernorm(branches), late);
    own.key = after(cache.keys.narrow(2, 0, past), own.key.to(cache.keys.scalar_type()));
    own.value = after(cache.values.narrow(2, 0, past), own.value.to(cache.values.scalar_type()));
    return perceive(branches + mix(own));
}

void LlamaLayerImpl::forwardBranches(torch::Tensor& beginnings, torch::Tensor& branches, const Rotary& early, const Rotary& late, const torch::Tensor& bias)
{
    const Projections shared = project(input_layernorm(beginnings), early);
    Projections own = project(input_layernorm(branches), late);
    if (bias.defined()) {
        // Not copied for each branch wider than they are multiplied.
        own.key = own.key.to(own.value.scalar_type());
        own.key = after(shared.key.to(own.value.scalar_type()), own.key);
    } else {
        own.key = after(shared.key, own.key);
    }
    own.value = after(shared.value, own.value);
    beginnings = perceive(beginnings + mix(shared));
    branches = perceive(branches + mix(own, bias));
}

LlamaImpl::LlamaImpl(const LlamaConfig& config) : m_config(config)
{
    if (config.keyValueHeads < 1 || config.heads % config.keyValueHeads || config.headDim % 2) {
        throw Error("attention heads that do not fit each other in llm/config.json", "config");
    }
    auto model = register_module("model", std::make_shared<nn::Module>());
    embed_tokens = model->register_module("embed_tokens", Embedding(config.vocabSize, config.hiddenSize));
    auto layers = model->register_module("layers", std::make_shared<nn::Module>());
    for (int layer = 0; layer < config.layers; ++layer) {
        m_layers.push_back(layers->register_module(std::to_string(layer), LlamaLayer(config)));
    }
    norm = model->register_module("norm", RmsNorm(config.hiddenSize, config.rmsNormEps));
    if (!config.tiedEmbeddings) {
        lm_head = register_module("lm_head", withoutBias(config.hiddenSize, config.vocabSize));
    }
}

torch::Tensor LlamaImpl::embed(const torch::Tensor& ids) { return embed_tokens(ids); }

Rotary LlamaImpl::rotary(std::int64_t first, std::int64_t count, std::int64_t promptLength, const torch::Tensor& like) const
{
    const torch::Tensor positions = at::arange(first, first + count, at::TensorOptions().dtype(at::kFloat).device(like.device()));
    return rotaryAt(positions, std::max(promptLength, first + count), like.scalar_type());
}

Rotary LlamaImpl::rotaryAt(torch::Tensor positions, std::int64_t promptLength, torch::ScalarType type) const
{
    const double dim = m_config.headDim;
    double base = m_config.ropeTheta;
    if (m_config.ropeScaling == "dynamic" && promptLength > m_config.maxPositions) {
        const double stretched = m_config.ropeFactor * double(promptLength) / m_config.maxPositions - (m_config.ropeFactor - 1);
        base *= std::pow(stretched, dim / (dim - 2));
    }
    const torch::Tensor exponents = at::arange(0, m_config.headDim, 2, positions.options()) / dim;
    if (m_config.ropeScaling == "linear") {
        positions = positions / m_config.ropeFactor;
    }
    torch::Tensor frequencies = at::pow(base, exponents).reciprocal();
    if (m_config.ropeScaling == "llama3") {
        const torch::Tensor turns = frequencies * (m_config.ropeOriginalPositions / (2 * std::numbers::pi));
        const torch::Tensor kept = ((turns - m_config.ropeLowTurns) / (m_config.ropeHighTurns - m_config.ropeLowTurns)).clamp(0, 1);
        frequencies = frequencies * (kept + (1 - kept) / m_config.ropeFactor);
    }
    const torch::Tensor angles = positions.unsqueeze(-1) * frequencies;
    const torch::Tensor both = at::cat({angles, angles}, -1);
    return {both.cos().to(type), both.sin().to(type)};
}

torch::Tensor LlamaImpl::forward(const torch::Tensor& embeddings, KeyValueCache* cache, std::int64_t promptLength, const std::stop_token& stop)
{
    const std::int64_t past = cache ? cache->length : 0;
    const Rotary angles = rotary(past, embeddings.size(1), promptLength, embeddings);
    torch::Tensor x = embeddings;
    for (std::size_t layer = 0; layer < m_layers.size(); ++layer) {
        throwIfStopped(stop);
        if (m_recomputes && !cache) {
            x = recomputed([one = m_layers[layer], angles](const torch::Tensor& y) mutable { return one->forward(y, angles, nullptr, 0); }, x);
        } else {
            x = m_layers[layer](x, angles, cache ? &cache->layers[layer] : nullptr, past);
        }
    }
    if (cache) {
        cache->length += embeddings.size(1);
    }
    return norm(x);
}

torch::Tensor LlamaImpl::forwardBranches(const torch::Tensor& beginning, const torch::Tensor& branches)
{
    const std::int64_t first = beginning.size(1), longest = first + branches.size(1);
    const Rotary early = rotary(0, first, longest, beginning), late = rotary(first, branches.size(1), longest, branches);
    torch::Tensor x = beginning, y = branches;
    for (LlamaLayer& layer : m_layers) {
        layer->forwardBranches(x, y, early, late, {});
    }
    return norm(y);
}

torch::Tensor LlamaImpl::forwardBranches(const KeyValueCache& cache, const torch::Tensor& branches, const std::stop_token& stop)
{
    const Rotary late = rotary(cache.length, branches.size(1), 0, branches);
    torch::Tensor x = branches;
    for (std::size_t layer = 0; layer < m_layers.size(); ++layer) {
        throwIfStopped(stop);
        x = m_layers[layer]->forwardBranches(x, late, cache.layers[layer], cache.length);
    }
    return norm(x);
}

torch::Tensor LlamaImpl::forwardBranches(const torch::Tensor& beginnings, const torch::Tensor& branches, const torch::Tensor& lengths)
{
    const std::int64_t first = beginnings.size(1), count = branches.size(1), longest = first + count, each = branches.size(0) / beginnings.size(0);
    const torch::Device device = branches.device();
    const at::TensorOptions whole = at::TensorOptions().dtype(at::kLong).device(device);
    const torch::Tensor before = lengths.unsqueeze(1).expand({-1, each}).reshape({-1, 1});      // [B * K, 1]
    Rotary late = rotaryAt((before + at::arange(count, whole)).to(at::kFloat), longest, branches.scalar_type());
    late = {late.cosine.unsqueeze(1), late.sine.unsqueeze(1)};
    // [B * K, 1, L, P + L]: a branch sees its beginning without the padding, and its own rows up to each.
    const torch::Tensor seesBefore = (at::arange(first, whole) < before).view({-1, 1, 1, first}).expand({-1, 1, count, first});
    const torch::Tensor seesOwn = at::ones({count, count}, whole.dtype(at::kBool)).tril().expand({branches.size(0), 1, count, count});
    const torch::Tensor hidden = at::cat({seesBefore, seesOwn}, 3).logical_not();
    const at::ScalarType type = at::autocast::is_autocast_enabled(device.type()) ? at::autocast::get_autocast_dtype(device.type()) : branches.scalar_type();
    const torch::Tensor bias = at::zeros(hidden.sizes(), whole.dtype(type)).masked_fill_(hidden, -std::numeric_limits<double>::infinity());
    const Rotary early = rotary(0, first, longest, beginnings);
    torch::Tensor x = beginnings, y = branches;
    for (LlamaLayer& layer : m_layers) {
        layer->forwardBranches(x, y, early, late, bias);
    }
    return norm(y);
}

torch::Tensor LlamaImpl::logits(const torch::Tensor& hidden)
{
    const torch::Tensor scores = m_config.tiedEmbeddings ? product(hidden, embed_tokens->weight) : lm_head(hidden);
    return scores.to(at::kFloat);
}

std::unique_ptr<LlamaDecoder> LlamaImpl::makeDecoder() const
{
    const auto cacheType = viewOf(embed_tokens->weight).type;
    const DecoderShape shape{m_config.hiddenSize, m_config.intermediateSize, m_config.heads, m_config.keyValueHeads, m_config.headDim,
        float(m_config.rmsNormEps), cacheType};
    std::vector<DecoderLayer> layers;
    for (const LlamaLayer& layer : m_layers) {
        layers.push_back(layer->decoderLayer());
    }
    return std::make_unique<LlamaDecoder>(shape, std::move(layers), norm->weights(), m_config.tiedEmbeddings ? viewOf(embed_tokens->weight) : lm_head->view());
}

std::unique_ptr<CudaDecoder> LlamaImpl::makeCudaDecoder(std::int64_t choices) const
{
    std::vector<torch::Tensor> kept;
    std::vector<cuda::Layer> layers;
    for (const LlamaLayer& layer : m_layers) {
        layers.push_back(layer->cudaLayer(kept));
    }
    cuda::Setup setup;
    setup.device = embed_tokens->weight.device().index();
    setup.hiddenSize = m_config.hiddenSize;
    setup.innerSize = m_config.intermediateSize;
    setup.heads = m_config.heads;
    setup.keyValueHeads = m_config.keyValueHeads;
    setup.headDim = m_config.headDim;
    setup.rmsNormEps = float(m_config.rmsNormEps);
    setup.choices = choices;
    setup.embedding = cudaMatrix(embed_tokens->weight, kept);
    setup.cacheType = setup.embedding.type;
    setup.head = m_config.tiedEmbeddings ? setup.embedding : cudaMatrix(*lm_head, kept);
    kept.push_back(norm->wideWeights());
    setup.finalNorm = kept.back().data_ptr<float>();
    return std::make_unique<CudaDecoder>(setup, std::move(layers), std::move(kept));
}

void LlamaImpl::pack(WeightView::Type type, const Progress& progress, const std::stop_token& stop)
{
    for (std::size_t layer = 0; layer < m_layers.size(); ++layer) {
        throwIfStopped(stop);
        report(progress, double(layer) / double(m_layers.size()), "quantisation");
        m_layers[layer]->pack(type);
    }
    if (!m_config.tiedEmbeddings) {
        lm_head->pack(WeightView::Type::Int8);
    }
}

KeyValueCache LlamaImpl::makeCache(std::int64_t capacity) const
{
    KeyValueCache cache;
    const auto options = embed_tokens->weight.options().requires_grad(false);
    for (int layer = 0; layer < m_config.layers; ++layer) {
        const std::vector<std::int64_t> shape{1, m_config.keyValueHeads, capacity, m_config.headDim};
        cache.layers.push_back({at::empty(shape, options), at::empty(shape, options)});
    }
    return cache;
}

} // namespace hf::assistant
