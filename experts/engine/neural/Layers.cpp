#include "experts/engine/neural/Layers.h"

#include <ATen/ATen.h>

namespace hf::experts {

namespace {

constexpr double kEpsilon = 1e-5;

std::vector<std::int64_t> weightShape(std::int64_t first, std::int64_t second, const ConvShape& shape)
{
    std::vector<std::int64_t> sizes{first, second};
    sizes.insert(sizes.end(), std::size_t(shape.rank), shape.kernel);
    return sizes;
}

std::vector<std::int64_t> everyAxis(const ConvShape& shape, std::int64_t value) { return std::vector<std::int64_t>(std::size_t(shape.rank), value); }

} // namespace

at::Tensor Conv::operator()(const at::Tensor& x) const
{
    const std::vector<std::int64_t> dilation(stride.size(), 1);
    return at::convolution(x, weight, bias.defined() ? std::optional(bias) : std::nullopt, stride, padding, dilation, isTransposed, outputPadding, 1);
}

Conv takeConv(WeightSource& source, const std::string& name, const ConvShape& shape)
{
    Conv conv;
    conv.weight = source.take(name + ".weight", weightShape(shape.out, shape.in, shape));
    if (shape.hasBias) {
        conv.bias = source.take(name + ".bias", {shape.out});
    }
    conv.stride = everyAxis(shape, shape.stride);
    conv.padding = everyAxis(shape, shape.kernel / 2);
    conv.outputPadding = everyAxis(shape, 0);
    return conv;
}

Conv takeDeconv(WeightSource& source, const std::string& name, const ConvShape& shape)
{
    Conv conv;
    conv.weight = source.take(name + ".weight", weightShape(shape.in, shape.out, shape));
    if (shape.hasBias) {
        conv.bias = source.take(name + ".bias", {shape.out});
    }
    const bool isOdd = shape.kernel % 2;
    conv.stride = everyAxis(shape, shape.stride);
    conv.padding = everyAxis(shape, isOdd ? shape.kernel / 2 : 0);
    conv.outputPadding = everyAxis(shape, isOdd ? shape.stride - 1 : 0);
    conv.isTransposed = true;
    return conv;
}

at::Tensor activated(const at::Tensor& x, Activation activation)
{
    switch (activation) {
    case Activation::None: return x;
    case Activation::Relu: return at::relu(x);
    case Activation::LeakyRelu: return at::leaky_relu(x, 0.01);
    case Activation::Gelu: return at::gelu(x);
    }
    return x;
}

at::Tensor GroupNorm::operator()(const at::Tensor& x, Activation activation) const
{
    const auto scale = weight.defined() ? std::optional(weight.to(x.scalar_type())) : std::nullopt;
    const auto shift = bias.defined() ? std::optional(bias.to(x.scalar_type())) : std::nullopt;
    const at::Tensor normed = groups == x.size(1) ? at::instance_norm(x, scale, shift, {}, {}, true, 0.1, kEpsilon, false) : at::group_norm(x, groups, scale, shift, kEpsilon, false);
    return activated(normed, activation);
}

at::Tensor GroupNorm::addThen(const at::Tensor& x, const at::Tensor& added, Activation activation) const { return activated((*this)(x).add_(added), activation); }

GroupNorm takeNorm(WeightSource& source, const std::string& name, std::int64_t channels, std::int64_t groups)
{
    return {source.takeFloat(name + ".weight", {channels}), source.takeFloat(name + ".bias", {channels}), groups};
}

GroupNorm instanceNorm(std::int64_t channels) { return {{}, {}, channels}; }

at::Tensor Linear::operator()(const at::Tensor& x) const { return at::linear(x, weight, bias); }

Linear takeLinear(WeightSource& source, const std::string& name, std::int64_t in, std::int64_t out)
{
    return {source.takeFloat(name + ".weight", {out, in}), source.takeFloat(name + ".bias", {out})};
}

} // namespace hf::experts
