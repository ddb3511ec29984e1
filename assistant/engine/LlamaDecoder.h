#pragma once

#include "assistant/engine/MatVec.h"

#include <cstdint>
#include <vector>

namespace hf::assistant {

/// The weights of one layer, where the checkpoint has them.
struct DecoderLayer {
    std::vector<float> inputNorm, postAttentionNorm;
    WeightView q, k, v, o, gate, up, down;
};

/// A layer's keys and values: [KV heads, capacity, head dim] each, of the cache's type.
struct DecoderCache {
    void* keys = nullptr;
    void* values = nullptr;
};

struct DecoderShape {
    int hiddenSize = 0, innerSize = 0, heads = 0, keyValueHeads = 0, headDim = 0;
    float rmsNormEps = 1e-5F;
    WeightView::Type cacheType = WeightView::Type::Fp32;    ///< Fp32, Fp16 or Bf16
};

/// One step of generation on the CPU: a row in, the next token's logits out. Reading the weights is what takes the time, so each is read
/// once, in place, and everything else stays in fp32 and in the processor's cache. Torch-free; LlamaImpl::forward() is its oracle.
/// Threads: those of OpenMP, as LibTorch. Source: reference vila-m3.md 1.4, 1.5.
class LlamaDecoder {
public:
    LlamaDecoder(const DecoderShape& shape, std::vector<DecoderLayer> layers, std::vector<float> finalNorm, const WeightView& head);

    /// @param embedding        [hiddenSize]
    /// @param cosine, sine     of this row's position, [headDim]
    /// @param position         rows that the cache has; this one is written behind them
    /// @param caches           one a layer, of `capacity` rows, more than `position`
    /// @param logits           receives [head rows]
    void step(const float* embedding, const float* cosine, const float* sine, std::int64_t position, const std::vector<DecoderCache>& caches,
              std::int64_t capacity, float* logits);

    /// Bytes of weights that one step reads.
    std::int64_t bytesPerStep() const;

private:
    void attend(const DecoderLayer& layer, const float* cosine, const float* sine, std::int64_t position, const DecoderCache& cache, std::int64_t capacity);
    void feedForward(const DecoderLayer& layer);

    DecoderShape m_shape;
    std::vector<DecoderLayer> m_layers;
    std::vector<float> m_finalNorm;
    WeightView m_head;
    InputVector m_input;
    std::vector<float> m_row, m_normed, m_query, m_key, m_value, m_mixed, m_projected, m_gate, m_up;
    std::vector<std::vector<float>> m_scores;   ///< per head
};

/// Speed of reading memory with all threads, bytes a second: the best of some passes over a buffer that no cache holds.
double measuredReadBandwidth();

} // namespace hf::assistant
