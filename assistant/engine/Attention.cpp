#include "assistant/engine/Attention.h"

#include <ATen/autocast_mode.h>

#include <cmath>
#include <limits>

namespace hf::assistant {

torch::Tensor attention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value, bool causal)
{
    if (!query.is_cpu() || !at::autocast::is_autocast_enabled(at::kCPU)) {
        return at::scaled_dot_product_attention(query, key, value, {}, 0.0, causal);
    }
    torch::Tensor scores = (query / std::sqrt(double(query.size(3)))).matmul(key.transpose(2, 3));
    if (causal) {
        const std::int64_t rows = query.size(2);
        scores = scores + at::full({rows, rows}, -std::numeric_limits<double>::infinity(), scores.options()).triu(1);
    }
    return scores.softmax(-1).matmul(value);
}

} // namespace hf::assistant
