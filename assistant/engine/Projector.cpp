#include "assistant/engine/Projector.h"

#include "viewer/volume/Error.h"

#include <cmath>
#include <regex>

namespace hf::assistant {

namespace nn = torch::nn;

torch::Tensor downsample(const torch::Tensor& features)
{
    const auto n = features.size(0), width = features.size(2);
    const auto side = std::int64_t(std::floor(std::sqrt(double(features.size(1)))));
    if (side * side != features.size(1)) {
        throw Error("mlp_downsample needs a square number of patches, got " + std::to_string(features.size(1)), "config");
    }
    torch::Tensor grid = features.view({n, side, side, width});
    if (side % 2) {
        grid = at::constant_pad_nd(grid, {0, 0, 0, 1, 0, 1});
    }
    const auto half = (side + 1) / 2;
    // [n, row block, row in block, column block, column in block, C] -> column block first, then row block.
    grid = grid.view({n, half, 2, half, 2, width}).permute({0, 3, 1, 2, 4, 5});
    return grid.reshape({n, half * half, 4 * width});
}

ProjectorImpl::ProjectorImpl(const std::string& type, int visionWidth, int hiddenSize)
{
    std::smatch match;
    static const std::regex kMlp("mlp([1-9][0-9]?)x_gelu");
    if (type == "identity") {
        return;
    }
    if (type == "linear") {
        m_linears.push_back(register_module("layers", Linear(visionWidth, hiddenSize)));
        return;
    }
    auto layers = register_module("layers", std::make_shared<nn::Module>());
    if (type == "mlp_downsample") {
        m_downsamples = true;
        m_norm = layers->register_module("1", nn::LayerNorm(nn::LayerNormOptions({4 * visionWidth})));
        m_linears.push_back(layers->register_module("2", Linear(4 * visionWidth, hiddenSize)));
        m_linears.push_back(layers->register_module("4", Linear(hiddenSize, hiddenSize)));
    } else if (std::regex_match(type, match, kMlp)) {
        const int depth = std::stoi(match[1]);
        for (int layer = 0; layer < depth; ++layer) {
            m_linears.push_back(layers->register_module(std::to_string(2 * layer), Linear(layer ? hiddenSize : visionWidth, hiddenSize)));
        }
    } else {
        throw Error("mm_projector_type '" + type + "' is not supported", "config");
    }
}

torch::Tensor ProjectorImpl::forward(const torch::Tensor& features)
{
    torch::Tensor x = m_downsamples ? m_norm(downsample(features)) : features;
    for (std::size_t layer = 0; layer < m_linears.size(); ++layer) {
        x = m_linears[layer](layer ? at::gelu(x) : x);
    }
    return x;
}

} // namespace hf::assistant
