#pragma once

#include "assistant/engine/VilaConfig.h"

#include <torch/torch.h>

#include <vector>

namespace hf::assistant {

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
    /// fp32 inside, cast back, then times the weight in the activation's type (reference vila-m3.md 1.5).
    torch::Tensor forward(const torch::Tensor& x);

private:
    double m_eps;
    torch::Tensor weight;
};
TORCH_MODULE(RmsNorm);

/// Rotary angles of some positions: cos and sin [T, head dim], in the activation's type.
struct Rotary { torch::Tensor cosine, sine; };

class LlamaLayerImpl : public torch::nn::Module {
public:
    explicit LlamaLayerImpl(const LlamaConfig& config);
    /// @param x [B, T, H]; @param cache null in training, else this layer's, with `past` valid rows.
    torch::Tensor forward(const torch::Tensor& x, const Rotary& rotary, KeyValueCache::Layer* cache, std::int64_t past);

private:
    torch::Tensor attend(const torch::Tensor& x, const Rotary& rotary, KeyValueCache::Layer* cache, std::int64_t past);
    int m_heads, m_keyValueHeads, m_headDim;
    RmsNorm input_layernorm{nullptr}, post_attention_layernorm{nullptr};
    torch::nn::Linear q_proj{nullptr}, k_proj{nullptr}, v_proj{nullptr}, o_proj{nullptr};
    torch::nn::Linear gate_proj{nullptr}, up_proj{nullptr}, down_proj{nullptr};
};
TORCH_MODULE(LlamaLayer);

/// LlamaForCausalLM; parameter names are the checkpoint's keys. Source: reference vila-m3.md 1.4, 1.5.
class LlamaImpl : public torch::nn::Module {
public:
    explicit LlamaImpl(const LlamaConfig& config);
    /// ids [..] int64 -> [.., H]
    torch::Tensor embed(const torch::Tensor& ids);
    /// Embeddings [B, T, H] -> last hidden state after the final norm [B, T, H]. Rows are causal; with a cache (B = 1) they
    /// follow its rows and are added to it.
    torch::Tensor forward(const torch::Tensor& embeddings, KeyValueCache* cache = nullptr);
    /// Hidden [.., H] -> fp32 logits [.., V].
    torch::Tensor logits(const torch::Tensor& hidden);
    /// An empty cache with room for `capacity` rows.
    KeyValueCache makeCache(std::int64_t capacity) const;
    const LlamaConfig& config() const { return m_config; }

private:
    Rotary rotary(std::int64_t first, std::int64_t count, const torch::Tensor& like) const;
    LlamaConfig m_config;
    torch::nn::Embedding embed_tokens{nullptr};
    std::vector<LlamaLayer> m_layers;
    RmsNorm norm{nullptr};
    torch::nn::Linear lm_head{nullptr};
};
TORCH_MODULE(Llama);

} // namespace hf::assistant
