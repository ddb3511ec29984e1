#include "assistant/engine/LlamaDecoder.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <initializer_list>

#include <omp.h>

namespace hf::assistant {

namespace {

/// body(begin, end) on parts of [0, count), one a thread.
template <typename Body> void parallelFor(std::int64_t count, const Body& body)
{
#pragma omp parallel
    {
        const std::int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
        const std::int64_t begin = count * thread / threads, end = count * (thread + 1) / threads;
        if (begin < end) {
            body(begin, end);
        }
    }
}

struct Product {
    const WeightView* weights;
    float* result;
};

/// Several matrices times the same vector, the blocks of all of them shared out together.
void multiply(std::initializer_list<Product> products, const InputVector& x)
{
    std::int64_t all = 0;
    for (const Product& product : products) {
        all += product.weights->blocks();
    }
    parallelFor(all, [&](std::int64_t begin, std::int64_t end) {
        std::int64_t before = 0;
        for (const Product& product : products) {
            const std::int64_t blocks = product.weights->blocks();
            const std::int64_t first = std::max<std::int64_t>(0, begin - before), last = std::min(blocks, end - before);
            if (first < last) {
                multiplyBlocks(*product.weights, x, product.result, first, last);
            }
            before += blocks;
        }
    });
}

void normalise(const std::vector<float>& x, const std::vector<float>& weight, float eps, std::vector<float>& result)
{
    double squares = 0;
    for (const float value : x) {
        squares += double(value) * value;
    }
    const auto factor = float(1 / std::sqrt(squares / double(x.size()) + eps));
    for (std::size_t n = 0; n < x.size(); ++n) {
        result[n] = x[n] * factor * weight[n];
    }
}

/// Rotate-half layout, in place.
void rotate(float* head, const float* cosine, const float* sine, int headDim)
{
    const int half = headDim / 2;
    for (int n = 0; n < half; ++n) {
        const float a = head[n], b = head[n + half];
        head[n] = a * cosine[n] - b * sine[n];
        head[n + half] = b * cosine[n + half] + a * sine[n + half];
    }
}

std::int64_t widthOf(WeightView::Type type) { return type == WeightView::Type::Fp32 ? 4 : 2; }

/// fp32 values into a row of the cache, rounded to nearest even.
void store(const float* values, int count, WeightView::Type type, void* target)
{
    if (type == WeightView::Type::Fp32) {
        std::copy_n(values, count, static_cast<float*>(target));
        return;
    }
    auto* halves = static_cast<std::uint16_t*>(target);
    for (int n = 0; n < count; ++n) {
        if (type == WeightView::Type::Fp16) {
            halves[n] = halfOfFloat(values[n]);
            continue;
        }
        std::uint32_t bits;
        std::memcpy(&bits, values + n, sizeof bits);
        halves[n] = std::uint16_t((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }
}

/// Scores to weights of sum 1, in place.
void softmax(float* scores, std::int64_t count, float scale)
{
    const float most = *std::max_element(scores, scores + count);
    float sum = 0;
    for (std::int64_t n = 0; n < count; ++n) {
        scores[n] = std::exp((scores[n] - most) * scale);
        sum += scores[n];
    }
    for (std::int64_t n = 0; n < count; ++n) {
        scores[n] /= sum;
    }
}

} // namespace

LlamaDecoder::LlamaDecoder(const DecoderShape& shape, std::vector<DecoderLayer> layers, std::vector<float> finalNorm, const WeightView& head)
    : m_shape(shape), m_layers(std::move(layers)), m_finalNorm(std::move(finalNorm)), m_head(head)
{
    const auto hidden = std::size_t(shape.hiddenSize), query = std::size_t(shape.heads * shape.headDim), key = std::size_t(shape.keyValueHeads * shape.headDim);
    for (auto* row : {&m_row, &m_normed, &m_projected}) {
        row->resize(hidden);
    }
    m_query.resize(query);
    m_mixed.resize(query);
    m_key.resize(key);
    m_value.resize(key);
    m_gate.resize(std::size_t(shape.innerSize));
    m_up.resize(std::size_t(shape.innerSize));
    m_scores.resize(std::size_t(shape.heads));
}

void LlamaDecoder::attend(const DecoderLayer& layer, const float* cosine, const float* sine, std::int64_t position, const DecoderCache& cache, std::int64_t capacity)
{
    const int dim = m_shape.headDim;
    m_input.set(m_normed.data(), m_shape.hiddenSize, layer.q.isQuantised());
    multiply({{&layer.q, m_query.data()}, {&layer.k, m_key.data()}, {&layer.v, m_value.data()}}, m_input);
    const std::int64_t rowBytes = dim * widthOf(m_shape.cacheType), headBytes = capacity * rowBytes;
    for (int head = 0; head < m_shape.keyValueHeads; ++head) {
        rotate(m_key.data() + head * dim, cosine, sine, dim);
        const std::int64_t at = head * headBytes + position * rowBytes;
        store(m_key.data() + head * dim, dim, m_shape.cacheType, static_cast<char*>(cache.keys) + at);
        store(m_value.data() + head * dim, dim, m_shape.cacheType, static_cast<char*>(cache.values) + at);
    }
    const int repeats = m_shape.heads / m_shape.keyValueHeads;
    parallelFor(m_shape.heads, [&](std::int64_t begin, std::int64_t end) {
        InputVector input;
        for (std::int64_t head = begin; head < end; ++head) {
            float* const query = m_query.data() + head * dim;
            rotate(query, cosine, sine, dim);
            std::vector<float>& scores = m_scores[std::size_t(head)];
            scores.resize(std::size_t(position + 1));
            const std::int64_t at = head / repeats * headBytes;
            const WeightView keys{m_shape.cacheType, position + 1, dim, static_cast<const char*>(cache.keys) + at, nullptr};
            const WeightView values{m_shape.cacheType, position + 1, dim, static_cast<const char*>(cache.values) + at, nullptr};
            input.set(query, dim, false);
            multiplyBlocks(keys, input, scores.data(), 0, keys.blocks());
            softmax(scores.data(), position + 1, 1 / std::sqrt(float(dim)));
            sumRows(values, scores.data(), m_mixed.data() + head * dim);
        }
    });
    m_input.set(m_mixed.data(), m_shape.heads * dim, layer.o.isQuantised());
    multiply({{&layer.o, m_projected.data()}}, m_input);
}

void LlamaDecoder::feedForward(const DecoderLayer& layer)
{
    m_input.set(m_normed.data(), m_shape.hiddenSize, layer.gate.isQuantised());
    parallelFor(layer.gate.blocks(), [&](std::int64_t begin, std::int64_t end) {
        multiplyBlocks(layer.gate, m_input, m_gate.data(), begin, end);
        multiplyBlocks(layer.up, m_input, m_up.data(), begin, end);
        const std::int64_t last = std::min<std::int64_t>(m_shape.innerSize, end * WeightView::kBlockRows);
        for (std::int64_t n = begin * WeightView::kBlockRows; n < last; ++n) {
            const float gate = m_gate[std::size_t(n)];
            m_gate[std::size_t(n)] = gate / (1 + std::exp(-gate)) * m_up[std::size_t(n)];
        }
    });
    m_input.set(m_gate.data(), m_shape.innerSize, layer.down.isQuantised());
    multiply({{&layer.down, m_projected.data()}}, m_input);
}

void LlamaDecoder::step(const float* embedding, const float* cosine, const float* sine, std::int64_t position, const std::vector<DecoderCache>& caches,
                        std::int64_t capacity, float* logits)
{
    const auto add = [&] {
        for (std::size_t n = 0; n < m_row.size(); ++n) {
            m_row[n] += m_projected[n];
        }
    };
    std::copy_n(embedding, m_shape.hiddenSize, m_row.begin());
    for (std::size_t n = 0; n < m_layers.size(); ++n) {
        normalise(m_row, m_layers[n].inputNorm, m_shape.rmsNormEps, m_normed);
        attend(m_layers[n], cosine, sine, position, caches[n], capacity);
        add();
        normalise(m_row, m_layers[n].postAttentionNorm, m_shape.rmsNormEps, m_normed);
        feedForward(m_layers[n]);
        add();
    }
    normalise(m_row, m_finalNorm, m_shape.rmsNormEps, m_normed);
    m_input.set(m_normed.data(), m_shape.hiddenSize, m_head.isQuantised());
    multiply({{&m_head, logits}}, m_input);
}

std::int64_t LlamaDecoder::bytesPerStep() const
{
    std::int64_t bytes = m_head.bytes();
    for (const DecoderLayer& layer : m_layers) {
        for (const WeightView* weights : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) {
            bytes += weights->bytes();
        }
    }
    return bytes;
}

double measuredReadBandwidth()
{
    constexpr std::int64_t kBytes = 1 << 30, kPart = 1 << 20, kPasses = 10;
    std::vector<char> buffer(kBytes, 1);
    double best = 0;
    std::uint64_t check = 0;
    for (int pass = 0; pass < kPasses; ++pass) {
        const auto start = std::chrono::steady_clock::now();
        std::uint64_t all = 0;
#pragma omp parallel for schedule(static) reduction(+ : all)
        for (std::int64_t part = 0; part < kBytes / kPart; ++part) {
            all += readAll(buffer.data() + part * kPart, kPart, pass % 2 == 0);
        }
        check += all;
        best = std::max(best, kBytes / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return check ? best : 0;
}

} // namespace hf::assistant
