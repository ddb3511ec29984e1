#include "assistant/engine/Linear.h"

#include <cmath>

namespace hf::assistant {

thread_local int WithoutWeights::s_depth = 0;

namespace {

/// A weight that a checkpoint fills has its shape only: one element, seen everywhere.
torch::Tensor emptyWeight(at::IntArrayRef shape) { return WithoutWeights::active() ? torch::zeros({1}).expand(shape) : torch::empty(shape); }

} // namespace

LinearImpl::LinearImpl(int in, int out, bool hasBias)
{
    weight = register_parameter("weight", emptyWeight({out, in}));
    if (hasBias) {
        bias = register_parameter("bias", emptyWeight({out}));
    }
    if (!WithoutWeights::active()) {
        torch::nn::init::kaiming_uniform_(weight, std::sqrt(5));
        if (hasBias) {
            torch::nn::init::uniform_(bias, -1 / std::sqrt(double(in)), 1 / std::sqrt(double(in)));
        }
    }
}

torch::Tensor LinearImpl::forward(const torch::Tensor& x)
{
    const torch::Tensor y = packed ? at::linear(x, packed->dense(x.scalar_type()), bias) : at::linear(x, weight, bias);
    return adapter ? y + at::linear(at::linear(x, adapter->down), adapter->up) * adapter->scale : y;
}

torch::Tensor LinearImpl::merged() const
{
    const torch::Tensor wide = weight.detach().to(at::kFloat);
    return adapter ? wide + adapter->up.detach().matmul(adapter->down.detach()) * adapter->scale : wide;
}

void LinearImpl::setPacked(PackedWeight packedWeight)
{
    weight.set_data(at::empty({0}, weight.options()));
    packed = std::move(packedWeight);
}

EmbeddingImpl::EmbeddingImpl(int rows, int width) : weight(register_parameter("weight", emptyWeight({rows, width})))
{
    if (!WithoutWeights::active()) {
        torch::nn::init::normal_(weight);
    }
}

torch::Tensor EmbeddingImpl::forward(const torch::Tensor& ids) { return at::embedding(weight, ids); }

} // namespace hf::assistant
