#include "experts/engine/neural/UNet.h"

#include "viewer/volume/Error.h"

#include <ATen/ATen.h>

namespace hf::experts {

namespace {

using Norm = UNetShape::Norm;

/// Norm and activation after a convolution; a top level's last convolution has none.
struct Finish {
    bool exists = false;
    Norm norm = Norm::Batch;
    at::Tensor weight, bias, mean, variance;
    at::Tensor slope;       ///< Undefined: ReLU.

    at::Tensor operator()(const at::Tensor& x) const
    {
        if (!exists) {
            return x;
        }
        const at::Tensor normed = norm == Norm::Batch ? at::batch_norm(x, weight, bias, mean, variance, false, 0.1, 1e-5, false) : instanceNorm(x.size(1))(x);
        return slope.defined() ? at::prelu(normed, slope.to(normed.scalar_type())) : at::relu(normed);
    }
};

Finish takeFinish(WeightSource& source, const std::string& name, std::int64_t channels, const UNetShape& shape)
{
    Finish finish;
    finish.exists = true;
    finish.norm = shape.norm;
    if (shape.norm == Norm::Batch) {
        finish.weight = source.takeFloat(name + ".N.weight", {channels});
        finish.bias = source.takeFloat(name + ".N.bias", {channels});
        finish.mean = source.takeFloat(name + ".N.running_mean", {channels});
        finish.variance = source.takeFloat(name + ".N.running_var", {channels});
    }
    if (shape.hasPrelu) {
        finish.slope = source.takeFloat(name + ".A.weight", {1});
    }
    return finish;
}

/// Convolutions one after the other, and the input added, brought to their shape where it differs.
struct ResidualUnit {
    struct Step { Conv conv; Finish finish; };
    std::vector<Step> steps;
    Conv residual;

    at::Tensor operator()(const at::Tensor& x) const
    {
        at::Tensor y = x;
        for (const Step& step : steps) {
            y = step.finish(step.conv(y));
        }
        return y + (residual.weight.defined() ? residual(x) : x);
    }
};

struct UnitShape { std::int64_t in, out; int stride, convolutions; bool endsBare; };

ResidualUnit takeUnit(WeightSource& source, const std::string& prefix, const UnitShape& unit, const UNetShape& shape)
{
    ResidualUnit taken;
    for (int n = 0; n < unit.convolutions; ++n) {
        const std::string name = prefix + "conv.unit" + std::to_string(n);
        ResidualUnit::Step& step = taken.steps.emplace_back();
        step.conv = takeConv(source, name + ".conv", {n ? unit.out : unit.in, unit.out, 3, n ? 1 : unit.stride, shape.rank, true});
        if (!unit.endsBare || n + 1 < unit.convolutions) {
            step.finish = takeFinish(source, name + ".adn", unit.out, shape);
        }
    }
    if (unit.stride != 1 || unit.in != unit.out) {
        taken.residual = takeConv(source, prefix + "residual", {unit.in, unit.out, unit.stride == 1 ? 1 : 3, unit.stride, shape.rank, true});
    }
    return taken;
}

} // namespace

std::int64_t UNetShape::divisor() const
{
    std::int64_t product = 1;
    for (const int stride : strides) {
        product *= stride;
    }
    return product;
}

/// One level: down, the level below beside it, up; the lowest is a unit alone.
struct UNet::Level {
    ResidualUnit down;
    std::unique_ptr<Level> below;
    Conv upConv;
    Finish upFinish;
    ResidualUnit up;

    Level(WeightSource& source, const std::string& prefix, const UNetShape& shape, std::size_t depth)
    {
        const std::int64_t in = depth == 0 ? shape.in : shape.channels[depth - 1], channels = shape.channels[depth];
        if (depth + 1 == shape.channels.size()) {
            down = takeUnit(source, prefix, {in, channels, 1, shape.residualUnits, false}, shape);
            return;
        }
        const int stride = shape.strides[depth];
        const std::int64_t out = depth == 0 ? shape.out : shape.channels[depth - 1];
        const bool belowIsLowest = depth + 2 == shape.channels.size();
        const std::int64_t fromBelow = belowIsLowest ? shape.channels[depth + 1] : channels;
        down = takeUnit(source, prefix + "0.", {in, channels, stride, shape.residualUnits, false}, shape);
        below = std::make_unique<Level>(source, prefix + "1.submodule.", shape, depth + 1);
        upConv = takeDeconv(source, prefix + "2.0.conv", {channels + fromBelow, out, 3, stride, shape.rank, true});
        upFinish = takeFinish(source, prefix + "2.0.adn", out, shape);
        up = takeUnit(source, prefix + "2.1.", {out, out, 1, 1, depth == 0}, shape);
    }

    at::Tensor forward(const at::Tensor& x) const
    {
        const at::Tensor inner = down(x);
        if (!below) {
            return inner;
        }
        return up(upFinish(upConv(at::cat({inner, below->forward(inner)}, 1))));
    }
};

UNet::UNet(const UNetShape& shape, WeightSource& source)
{
    HF_ASSERT(shape.channels.size() >= 2 && shape.strides.size() + 1 == shape.channels.size() && shape.residualUnits >= 1);
    m_top = std::make_unique<Level>(source, "", shape, 0);
}

UNet::~UNet() = default;
UNet::UNet(UNet&&) noexcept = default;

at::Tensor UNet::forward(const at::Tensor& x) const { return m_top->forward(x); }

} // namespace hf::experts
