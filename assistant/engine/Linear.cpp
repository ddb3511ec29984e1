#include "assistant/engine/Linear.h"

#include "experts/runtime/Processor.h"

#include <torch/nn/init.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace hf::assistant {

thread_local int WithoutWeights::s_depth = 0;

namespace {

/// A weight that a checkpoint fills has its shape only: one element, seen everywhere.
torch::Tensor emptyWeight(at::IntArrayRef shape) { return WithoutWeights::active() ? torch::zeros({1}).expand(shape) : torch::empty(shape); }

} // namespace

bool multipliesWide(const torch::Tensor& x)
{
    return x.is_cpu() && (x.scalar_type() == at::kBFloat16 || x.scalar_type() == at::kHalf) && !at::GradMode::is_enabled() && !runtime::hasFastBf16();
}

torch::Tensor product(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias)
{
    return multipliesWide(x) ? productInFloat(x, weight, bias) : at::linear(x, weight, bias);
}

torch::Tensor productInFloat(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias)
{
    // What has to be widened goes by parts; smaller ones make the products themselves slower.
    constexpr std::int64_t kRowsWidened = 2048;
    const std::int64_t rowsAtOnce = weight.scalar_type() == at::kFloat ? weight.size(0) : kRowsWidened;
    const torch::Tensor wide = x.to(at::kFloat);
    std::vector<std::int64_t> sizes = x.sizes().vec();
    sizes.back() = weight.size(0);
    torch::Tensor y = at::empty(sizes, x.options());
    for (std::int64_t begin = 0; begin < weight.size(0); begin += rowsAtOnce) {
        const std::int64_t count = std::min(rowsAtOnce, weight.size(0) - begin);
        const torch::Tensor part = weight.narrow(0, begin, count).to(at::kFloat);
        y.narrow(-1, begin, count).copy_(at::linear(wide, part, bias.defined() ? bias.narrow(0, begin, count).to(at::kFloat) : bias));
    }
    return y;
}

namespace {

/// Integers are multiplied where nothing is faster and no gradients are wanted.
torch::Tensor packedProduct(const torch::Tensor& x, const PackedWeight& weight, const torch::Tensor& bias)
{
    // For fewer rows a matrix unit does not gain what unpacking takes: 2 ms for a matrix of 16 million on two cores, where a row takes 5 us more in
    // integers. Reckoned from the speed of each, not measured on such a processor.
    constexpr std::int64_t kRowsOfMatrixUnit = 256;
    const bool fitsMatrixUnit = runtime::hasMatrixUnit() && x.scalar_type() == at::kBFloat16 && x.numel() >= kRowsOfMatrixUnit * weight.columns;
    if (at::GradMode::is_enabled() || fitsMatrixUnit) {
        return product(x, weight.dense(multipliesWide(x) ? at::kFloat : x.scalar_type()), bias);
    }
    const torch::Tensor y = weight.product(x);
    return bias.defined() ? y + bias : y;
}

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
    const torch::Tensor y = rowPacked ? product(x, rowPacked->dense(x.scalar_type()), bias) : packed ? packedProduct(x, *packed, bias) : product(x, weight, bias);
    return adapter ? y + at::linear(at::linear(x, adapter->down), adapter->up) * adapter->scale : y;
}

torch::Tensor LinearImpl::merged() const
{
    const torch::Tensor wide = weight.detach().to(at::kFloat);
    return adapter ? wide + adapter->up.detach().matmul(adapter->down.detach()) * adapter->scale : wide;
}

void LinearImpl::pack(WeightView::Type type)
{
    if (weight.is_cpu()) {
        setPacked(PackedWeight::of(weight, type));
    } else {
        setPacked(RowPackedWeight::of(weight, type));
    }
}

void LinearImpl::setPacked(RowPackedWeight packedWeight)
{
    weight.set_data(at::empty({0}, packedWeight.scales.options()));
    rowPacked = std::move(packedWeight);
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
