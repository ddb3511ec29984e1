#include "experts/engine/neural/SegResNet.h"

#include "viewer/volume/Progress.h"

#include <ATen/ATen.h>

namespace hf::experts {

ResidualBlock SegResNet::takeBlock(WeightSource& source, const std::string& name, std::int64_t channels) const
{
    const ConvShape same{channels, channels, 3, 1, m_shape.rank, false};
    return {takeNorm(source, name + ".norm1", channels, m_shape.groups), takeNorm(source, name + ".norm2", channels, m_shape.groups),
        takeConv(source, name + ".conv1.conv", same), takeConv(source, name + ".conv2.conv", same)};
}

SegResNet::SegResNet(const SegResNetShape& shape, WeightSource& source) : m_shape(shape)
{
    HF_ASSERT(!shape.blocksDown.empty() && shape.blocksUp.size() + 1 == shape.blocksDown.size());
    const int rank = shape.rank;
    std::int64_t channels = shape.filters;
    m_first = takeConv(source, "convInit.conv", {shape.in, channels, 3, 1, rank, false});
    for (std::size_t level = 0; level < shape.blocksDown.size(); ++level) {
        const std::string name = "down_layers." + std::to_string(level) + ".";
        if (level > 0) {
            m_shrink.push_back(takeConv(source, name + "0.conv", {channels, 2 * channels, 3, 2, rank, false}));
            channels *= 2;
        }
        std::vector<ResidualBlock>& blocks = m_down.emplace_back();
        for (int n = 0; n < shape.blocksDown[level]; ++n) {
            blocks.push_back(takeBlock(source, name + std::to_string(n + 1), channels));
        }
    }
    for (std::size_t level = 0; level < shape.blocksUp.size(); ++level, channels /= 2) {
        const std::string number = std::to_string(level);
        Up& up = m_up.emplace_back();
        up.shrink = takeConv(source, "up_samples." + number + ".0.conv", {channels, channels / 2, 1, 1, rank, false});
        if (shape.deconvolves) {
            up.deconv = takeDeconv(source, "up_samples." + number + ".1.deconv", {channels / 2, channels / 2, 2, 2, rank, true});
        }
        for (int n = 0; n < shape.blocksUp[level]; ++n) {
            up.blocks.push_back(takeBlock(source, "up_layers." + number + "." + std::to_string(n), channels / 2));
        }
    }
    m_lastNorm = takeNorm(source, "conv_final.0", channels, shape.groups);
    m_last = takeConv(source, "conv_final.2.conv", {channels, shape.out, 1, 1, rank, true});
}

at::Tensor SegResNet::upsample(const Up& up, const at::Tensor& x) const
{
    const at::Tensor small = up.shrink(x);
    if (m_shape.deconvolves) {
        return up.deconv(small);
    }
    std::vector<std::int64_t> size;
    for (std::int64_t axis = 2; axis < small.dim(); ++axis) {
        size.push_back(2 * small.size(axis));
    }
    return m_shape.rank == 3 ? at::upsample_trilinear3d(small, size, false) : at::upsample_bilinear2d(small, size, false);
}

at::Tensor SegResNet::forward(const at::Tensor& input, std::stop_token stop) const
{
    std::vector<at::Tensor> skips;
    at::Tensor x = m_first(input);
    for (std::size_t level = 0; level < m_down.size(); ++level) {
        if (level > 0) {
            skips.push_back(x);
            x = m_shrink[level - 1](x);
        }
        for (const ResidualBlock& block : m_down[level]) {
            throwIfStopped(stop);
            x = block(std::move(x));
        }
    }
    for (const Up& up : m_up) {
        throwIfStopped(stop);
        x = upsample(up, x).add_(skips.back());
        skips.pop_back();
        for (const ResidualBlock& block : up.blocks) {
            x = block(std::move(x));
        }
    }
    return m_last(m_lastNorm.over(x, Activation::Relu));
}

} // namespace hf::experts
