#pragma once

#include "assistant/engine/PackedWeight.h"
#include "assistant/engine/RowPackedWeight.h"

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <optional>

namespace hf::assistant {

/// While one lives on this thread, networks are built without memory behind their weights, which a checkpoint's tensors then replace:
/// a model of 26 GB is built in no time. Weights that nothing replaced must not be used.
class WithoutWeights {
public:
    WithoutWeights() { ++s_depth; }
    ~WithoutWeights() { --s_depth; }
    WithoutWeights(const WithoutWeights&) = delete;
    WithoutWeights& operator=(const WithoutWeights&) = delete;
    static bool active() { return s_depth > 0; }

private:
    static thread_local int s_depth;
};

/// What low-rank adaptation adds to a weight: scale * up * down (Hu et al. 2021, arXiv 2106.09685).
struct LowRank {
    torch::Tensor down;     ///< [rank, in], "lora_A"
    torch::Tensor up;       ///< [out, rank], "lora_B"
    double scale = 1;
};

/// Whether products with `x` are made in fp32 although it is stored in 16 bits: inference on a processor that has no fast ones of bf16.
bool multipliesWide(const torch::Tensor& x);

/// y = x W^T + b as at::linear, where multipliesWide() says so in fp32. `bias` may be undefined.
torch::Tensor product(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias = {});
/// The fp32 form: x and W are widened, W in parts, and the result has the type of x.
torch::Tensor productInFloat(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias = {});

/// y = x W^T + b; parameters and their first values as torch::nn::Linear.
class LinearImpl : public torch::nn::Module {
public:
    LinearImpl(int in, int out, bool hasBias = true);
    /// [.., in] -> [.., out]
    torch::Tensor forward(const torch::Tensor& x);

    /// Replaces the weight, which is empty then, by its int8 or int4 form, on its device. For inference.
    void pack(WeightView::Type type);
    void setPacked(PackedWeight weight);
    void setPacked(RowPackedWeight weight);
    /// The weight as the kernels of single rows read it.
    WeightView view() const { return packed ? packed->view() : viewOf(weight); }

    torch::Tensor weight;   ///< [out, in]
    torch::Tensor bias;     ///< [out], or undefined
    std::optional<PackedWeight> packed;         ///< on the CPU
    std::optional<RowPackedWeight> rowPacked;   ///< on a GPU
    std::optional<LowRank> adapter;     ///< While it is trained; view() knows nothing of it.
    /// The weight with its adapter in it, fp32.
    torch::Tensor merged() const;
};
TORCH_MODULE(Linear);

/// Rows of a table; parameter and its first values as torch::nn::Embedding.
class EmbeddingImpl : public torch::nn::Module {
public:
    EmbeddingImpl(int rows, int width);
    /// ids [..] int64 -> [.., width]
    torch::Tensor forward(const torch::Tensor& ids);

    torch::Tensor weight;   ///< [rows, width]
};
TORCH_MODULE(Embedding);

} // namespace hf::assistant
