#pragma once

#include "assistant/engine/Linear.h"
#include "assistant/engine/VilaConfig.h"

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <stop_token>
#include <vector>

namespace hf::assistant {

/// One pre-norm encoder layer. x: [n, T, C] -> [n, T, C].
class SiglipLayerImpl : public torch::nn::Module {
public:
    explicit SiglipLayerImpl(const SiglipConfig& config);
    torch::Tensor forward(const torch::Tensor& x);

private:
    torch::Tensor attend(const torch::Tensor& x);
    int m_heads;
    torch::nn::LayerNorm layer_norm1{nullptr}, layer_norm2{nullptr};
    Linear q_proj{nullptr}, k_proj{nullptr}, v_proj{nullptr}, out_proj{nullptr}, fc1{nullptr}, fc2{nullptr};
};
TORCH_MODULE(SiglipLayer);

/// The SigLIP vision tower as far as the selected hidden state; parameter names are the checkpoint's keys.
/// Source: reference vila-m3.md 1.6. `visionSelectLayer` -2 means that the last layer is not even built.
class SiglipVisionImpl : public torch::nn::Module {
public:
    SiglipVisionImpl(const SiglipConfig& config, int visionSelectLayer);
    /// @param pixels  [n, 3, S, S], normalised. @return [n, (S / patch)^2, C], row-major patches. @throws Cancelled between two layers.
    torch::Tensor forward(const torch::Tensor& pixels, const std::stop_token& stop = {});
    /// See LlamaImpl::setRecomputes().
    void setRecomputes(bool on) { m_recomputes = on; }

private:
    bool m_recomputes = false;
    torch::nn::Conv2d patch_embedding{nullptr};
    Embedding position_embedding{nullptr};
    std::vector<SiglipLayer> m_layers;
};
TORCH_MODULE(SiglipVision);

} // namespace hf::assistant
