#pragma once

#include "assistant/engine/Linear.h"

#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <string>
#include <vector>

namespace hf::assistant {

/// [n, side^2, C] -> [n, ceil(side / 2)^2, 4 C]: 2 x 2 neighbours side by side, zero row and column for odd sides, tokens in
/// COLUMN-major order. Source: reference vila-m3.md 1.8.
torch::Tensor downsample(const torch::Tensor& features);

/// From vision features to language-model embeddings. Types: "mlp_downsample", "identity", "linear", "mlpNx_gelu";
/// parameter names are the checkpoint's keys (`layers.N.weight`; `layers.weight` for "linear").
class ProjectorImpl : public torch::nn::Module {
public:
    /// @throws Error for another type.
    ProjectorImpl(const std::string& type, int visionWidth, int hiddenSize);
    /// [n, T, visionWidth] -> [n, T', hiddenSize]
    torch::Tensor forward(const torch::Tensor& features);

private:
    bool m_downsamples = false;
    torch::nn::LayerNorm m_norm{nullptr};
    std::vector<Linear> m_linears;   ///< with exact GELU between
};
TORCH_MODULE(Projector);

} // namespace hf::assistant
