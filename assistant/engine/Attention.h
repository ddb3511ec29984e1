#pragma once

#include <torch/types.h>

namespace hf::assistant {

/// Softmax attention of queries [n, heads, T, D] to keys and values [n, key heads, S, D], S >= T; scale D^-0.5. Key heads divide heads: successive
/// queries share one.
/// @param causal  the queries are the last T rows of S, and each sees the rows up to itself.
/// @param bias  instead of `causal`: added to the scores, broadcast to [n, heads, T, S]; may be undefined.
/// On a CPU it is spelled out for bf16 rows (but not with AMX) and under bf16 autocast (training), where LibTorch's fused kernel takes two to four times as
/// long; scores are rounded to bf16 then, as in the reference's eager form.
torch::Tensor attention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value, bool causal, const torch::Tensor& bias = {});

} // namespace hf::assistant
