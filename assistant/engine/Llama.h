#pragma once

#include "assistant/engine/Linear.h"
#include "assistant/engine/LlamaDecoder.h"
#include "assistant/engine/VilaConfig.h"
#include "assistant/engine/cuda/DecoderPlugin.h"

#include "viewer/volume/Progress.h"

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <memory>
#include <stop_token>
#include <vector>

namespace hf::assistant {

class CudaDecoder;

/// Keys and values of the rows seen so far, one pair a layer: [1, KV heads, capacity, head dim]; `length` rows are valid.
/// Inference only: rows are written in place.
struct KeyValueCache {
    struct Layer { torch::Tensor keys, values; };
    std::vector<Layer> layers;
    std::int64_t length = 0;
    /// Forgets rows from `newLength` on.
    void truncate(std::int64_t newLength) { length = std::min(length, newLength); }
};

class RmsNormImpl : public torch::nn::Module {
public:
    RmsNormImpl(int width, double eps);
    std::vector<float> weights() const;
    /// fp32, where they are.
    torch::Tensor wideWeights() const { return weight.detach().to(at::kFloat).contiguous(); }
    /// fp32 inside, cast back, then times the weight in the activation's type (reference vila-m3.md 1.5).
    torch::Tensor forward(const torch::Tensor& x);

private:
    double m_eps;
    torch::Tensor weight;
};
TORCH_MODULE(RmsNorm);

/// Rotary angles of some positions: cos and sin [T, head dim], or [n, 1, T, head dim], in the activation's type.
struct Rotary { torch::Tensor cosine, sine; };

class LlamaLayerImpl : public torch::nn::Module {
public:
    explicit LlamaLayerImpl(const LlamaConfig& config);
    /// @param x [B, T, H]; @param cache null in training, else this layer's, with `past` valid rows.
    torch::Tensor forward(const torch::Tensor& x, const Rotary& rotary, KeyValueCache::Layer* cache, std::int64_t past);
    /// As LlamaImpl::forwardBranches, in place. @param early, late  angles of the beginnings' and of the branches' rows. @param bias  of the branches'
    /// scores where beginnings are padded; else undefined.
    void forwardBranches(torch::Tensor& beginnings, torch::Tensor& branches, const Rotary& early, const Rotary& late, const torch::Tensor& bias);

    /// As LlamaImpl::forwardBranches after the first `past` rows of a cache.
    torch::Tensor forwardBranches(const torch::Tensor& branches, const Rotary& late, const KeyValueCache::Layer& cache, std::int64_t past);

    /// The weights as single rows are multiplied with them.
    DecoderLayer decoderLayer() const;
    /// The same for a GPU; what the pointers point to is added to `kept`.
    cuda::Layer cudaLayer(std::vector<torch::Tensor>& kept) const;
    /// Rounds the matrices to int8 or int4.
    void pack(WeightView::Type type);

private:
    struct Projections { torch::Tensor query, key, value; };    // [B, heads, T, D], key and value with the fewer heads
    Projections project(const torch::Tensor& x, const Rotary& rotary);
    torch::Tensor mix(const Projections& p, const torch::Tensor& bias = {});
    torch::Tensor perceive(const torch::Tensor& x);
    torch::Tensor attend(const torch::Tensor& x, const Rotary& rotary, KeyValueCache::Layer* cache, std::int64_t past);
    int m_heads, m_keyValueHeads, m_headDim;
    RmsNorm input_layernorm{nullptr}, post_attention_layernorm{nullptr};
    Linear q_proj{nullptr}, k_proj{nullptr}, v_proj{nullptr}, o_proj{nullptr};
    Linear gate_proj{nullptr}, up_proj{nullptr}, down_proj{nullptr};
};
TORCH_MODULE(LlamaLayer);

/// LlamaForCausalLM; parameter names are the checkpoint's keys. Source: reference vila-m3.md 1.4, 1.5.
class LlamaImpl : public torch::nn::Module {
public:
    explicit LlamaImpl(const LlamaConfig& config);
    /// ids [..] int64 -> [.., H]
    torch::Tensor embed(const torch::Tensor& ids);
    /// Embeddings [B, T, H] -> last hidden state after the final norm [B, T, H]. Rows are causal; with a cache (B = 1) they
    /// follow its rows and are added to it. @param promptLength  rows of the whole prompt that these belong to, which dynamic RoPE scaling
    /// depends on; 0: they are its end.
    /// @throws Cancelled between two layers; the cache then has the rows that it had.
    torch::Tensor forward(const torch::Tensor& embeddings, KeyValueCache* cache = nullptr, std::int64_t promptLength = 0, const std::stop_token& stop = {});
    /// Several continuations of one beginning, which is computed once: [1, P, H] and [K, L, H] -> the continuations' last hidden states
    /// [K, L, H], as forward() gives them for each sequence of P + L rows. Keeps what a backward pass needs.
    torch::Tensor forwardBranches(const torch::Tensor& beginning, const torch::Tensor& branches);
    /// The same for several beginnings, each with as many continuations: [B, P, H] and [B * K, L, H] -> [B * K, L, H].
    /// @param lengths  [B] int64: rows of each beginning; the others, at its end, are padding.
    torch::Tensor forwardBranches(const torch::Tensor& beginnings, const torch::Tensor& branches, const torch::Tensor& lengths);
    /// Several continuations of the rows in a cache, which stays as it is: [K, L, H] -> [K, L, H].
    torch::Tensor forwardBranches(const KeyValueCache& cache, const torch::Tensor& branches, const std::stop_token& stop);
    /// What the last layer gives, after the final norm: [.., H] -> [.., H].
    torch::Tensor finallyNormed(const torch::Tensor& hidden) { return norm(hidden); }
    /// Hidden [.., H] -> fp32 logits [.., V].
    torch::Tensor logits(const torch::Tensor& hidden);
    /// An empty cache with room for `capacity` rows.
    KeyValueCache makeCache(std::int64_t capacity) const;
    const LlamaConfig& config() const { return m_config; }
    /// In training: keeps only what enters each layer, for memory (see Recompute.h).
    void setRecomputes(bool on) { m_recomputes = on; }
    Rotary rotary(std::int64_t first, std::int64_t count, std::int64_t promptLength, const torch::Tensor& like) const;
    /// @param positions  fp32 [..] -> angles [.., head dim].
    Rotary rotaryAt(torch::Tensor positions, std::int64_t promptLength, torch::ScalarType type) const;
    /// What generates single tokens quickly, on the CPU; reads these weights, which must stay as they are. Null where a weight has a bias
    /// or another type.
    std::unique_ptr<LlamaDecoder> makeDecoder() const;
    /// The same on a GPU. @param choices  rows of the head that can be chosen. @throws Error "device" where it cannot be had.
    std::unique_ptr<CudaDecoder> makeCudaDecoder(std::int64_t choices) const;
    /// Rounds all matrices but the embeddings to int8 or int4; the head stays at int8.
    void pack(WeightView::Type type, const Progress& progress, const std::stop_token& stop);

private:
    LlamaConfig m_config;
    bool m_recomputes = false;
    Embedding embed_tokens{nullptr};
    std::vector<LlamaLayer> m_layers;
    RmsNorm norm{nullptr};
    Linear lm_head{nullptr};
};
TORCH_MODULE(Llama);

} // namespace hf::assistant
