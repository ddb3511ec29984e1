#pragma once

#include <torch/types.h>

#include <functional>

namespace hf::assistant {

/// body(x), whose inner values are not kept: a backward pass computes them a second time (gradient checkpointing, Chen et al. 2016). Tensors that the
/// body uses besides x get their gradients as usual; they must be leaves. Without gradients, simply body(x).
torch::Tensor recomputed(std::function<torch::Tensor(const torch::Tensor&)> body, const torch::Tensor& x);

} // namespace hf::assistant
