#include "assistant/engine/Attention.h"

#include "assistant/engine/Linear.h"

#include <ATen/autocast_mode.h>

#include <cmath>
#include <limits>

namespace hf::assistant {

namespace {

/// [rows, past + rows], true where allowed.
torch::Tensor causalMask(std::int64_t rows, std::int64_t past, torch::Device device)
{
    return at::ones({rows, past + rows}, at::TensorOptions().dtype(at::kBool).device(device)).tril(past);
}

} // namespace

torch::Tensor attention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value, bool causal, const torch::Tensor& bias)
{
    if (multipliesWide(query)) {
        return attention(query.to(at::kFloat), key.to(at::kFloat), value.to(at::kFloat), causal, bias).to(query.scalar_type());
    }
    const std::int64_t rows = query.size(2), past = key.size(2) - rows;
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
