#pragma once

#include <torch/torch.h>

namespace hf::assistant {

/// Softmax attention of [n, heads, T, D] tensors without a past; scale D^-0.5. @param causal  row t sees rows 0 .. t.
/// Under bf16 autocast on a CPU (training) it is spelled out: LibTorch's fused kernel takes four times as long there.
torch::Tensor attention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value, bool causal);

} // namespace hf::assistant
