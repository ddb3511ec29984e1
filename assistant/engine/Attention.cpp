#include "assistant/engine/Attention.h"

#include "assistant/engine/Linear.h"

#include "experts/runtime/Processor.h"

#include <ATen/SDPBackend.h>
#include <ATen/autocast_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>

namespace hf::assistant {

namespace {

/// [rows, past + rows], true where allowed.
torch::Tensor causalMask(std::int64_t rows, std::int64_t past, torch::Device device)
{
    return at::ones({rows, past + rows}, at::TensorOptions().dtype(at::kBool).device(device)).tril(past);
}

/// [n, key heads, S, D] -> each as often as queries share it, one after the other.
torch::Tensor repeated(const torch::Tensor& x, std::int64_t heads)
{
    return x.unsqueeze(2).expand({-1, -1, heads / x.size(1), -1, -1}).reshape({x.size(0), heads, x.size(2), x.size(3)});
}

/// Whether the GPU's fused kernel takes these types and sizes. Called itself it aligns the causal triangle with the last key, where
/// scaled_dot_product_attention() would need a mask and a slower kernel.
bool fitsFusedKernel(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value)
{
    return query.is_cuda() && !at::GradMode::is_enabled() && query.size(3) % 8 == 0 &&
        at::_fused_sdp_choice(query, key, value, {}, 0.0, false, std::nullopt, true) == std::int64_t(at::SDPBackend::flash_attention);
}

/// Whether LibTorch's fused kernel is the slow way: it multiplies bf16 with MKL, which does it by way of fp32 but on processors with AMX.
bool isSlowFused(const torch::Tensor& query)
{
    return query.is_cpu() && query.scalar_type() == at::kBFloat16 && query.size(2) > 1 && !at::GradMode::is_enabled() && !runtime::hasMatrixUnit();
}

/// Spelled out for some queries at a time, which bounds the memory of scores and spares most of what the causal triangle hides.
torch::Tensor attentionByParts(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value, bool causal, const torch::Tensor& bias)
{
    constexpr std::int64_t kQueries = 256;
    const std::int64_t rows = query.size(2), past = key.size(2) - rows;
    const torch::Tensor scaled = query / std::sqrt(double(query.size(3))), keys = key.contiguous().transpose(2, 3), values = value.contiguous();
    const torch::Tensor hidden = at::full({std::min(kQueries, rows), std::min(kQueries, rows)}, -std::numeric_limits<double>::infinity(), query.options()).triu(1);
    // Rows first, as they are needed then.
    torch::Tensor mixed = at::empty({query.size(0), rows, query.size(1), value.size(3)}, query.options()).transpose(1, 2);
    for (std::int64_t first = 0; first < rows; first += kQueries) {
        const std::int64_t count = std::min(kQueries, rows - first), seen = causal && !bias.defined() ? past + first + count : key.size(2);
        torch::Tensor scores = scaled.narrow(2, first, count).matmul(keys.narrow(3, 0, seen));
        if (bias.defined()) {
            scores = scores + (bias.size(-2) > 1 ? bias.narrow(-2, first, count) : bias);
        } else if (causal) {
            scores.narrow(3, seen - count, count).add_(hidden.narrow(0, 0, count).narrow(1, 0, count));
        }
        mixed.narrow(2, first, count).copy_(scores.softmax(-1).matmul(values.narrow(2, 0, seen)));
    }
    return mixed;
}

} // namespace

torch::Tensor attention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value, bool causal, const torch::Tensor& bias)
{
    if (causal && !bias.defined() && fitsFusedKernel(query, key, value)) {
        return std::get<0>(at::_scaled_dot_product_flash_attention(query, key, value, 0.0, query.size(2) > 1));
    }
    if (key.size(1) != query.size(1)) {
        return attention(query, repeated(key, query.size(1)), repeated(value, query.size(1)), causal, bias);
    }
    if (multipliesWide(query)) {
        return attention(query.to(at::kFloat), key.to(at::kFloat), value.to(at::kFloat), causal, bias).to(query.scalar_type());
    }
    const std::int64_t rows = query.size(2), past = key.size(2) - rows;
    if (isSlowFused(query)) {
        return attentionByParts(query, key, value, causal, bias);
    }
    if (!query.is_cpu() || !at::autocast::is_autocast_enabled(at::kCPU)) {
        if (bias.defined()) {
            return at::scaled_dot_product_attention(query, key, value, bias);
        }
        if (causal && past > 0 && rows > 1) {
            return at::scaled_dot_product_attention(query, key, value, causalMask(rows, past, query.device()));
        }
        return at::scaled_dot_product_attention(query, key, value, {}, 0.0, causal && rows > 1);
    }
    torch::Tensor scores = (query / std::sqrt(double(query.size(3)))).matmul(key.transpose(2, 3));
    if (bias.defined()) {
        scores = scores + bias;
    } else if (causal) {
        scores = scores + at::full({rows, past + rows}, -std::numeric_limits<double>::infinity(), scores.options()).triu(past + 1);
    }
    return scores.softmax(-1).matmul(value);
}

} // namespace hf::assistant
