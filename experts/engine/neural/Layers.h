#pragma once

#include "experts/engine/neural/WeightSource.h"
#include "experts/engine/neural/Winograd.h"

#include <memory>
#include <optional>

namespace hf::experts {

/// Building blocks of the networks: plain values that hold their tensors. Activations are [N, C, ...] in the type and memory format of the weights.
/// Rank 4 is a picture, rank 5 a volume.

enum class Activation { None, Relu, LeakyRelu /* slope 0.01 */, Gelu };

class GroupNorm;

/// Convolution or transposed convolution.
struct Conv {
    at::Tensor weight, bias;        ///< bias may be undefined.
    std::vector<std::int64_t> stride, padding, outputPadding;
    bool isTransposed = false;
    std::shared_ptr<const Winograd> winograd;   ///< Computes it, without `weight`, where this processor gains by it; else null.

    at::Tensor operator()(const at::Tensor& x) const;
    /// Of activation(norm(x)); `x` may be overwritten.
    at::Tensor after(const GroupNorm& norm, at::Tensor x, Activation activation) const;
};

struct ConvShape {
    std::int64_t in = 0, out = 0;
    int kernel = 3, stride = 1;
    int rank = 3;                   ///< Spatial axes.
    bool hasBias = false;
};

/// Padding kernel / 2. Reads `name`.weight and, where it has one, `name`.bias.
Conv takeConv(WeightSource& source, const std::string& name, const ConvShape& shape);
/// The transposed one that multiplies sizes by the stride: padding kernel / 2 for odd kernels, none for even ones.
Conv takeDeconv(WeightSource& source, const std::string& name, const ConvShape& shape);

/// Group normalisation over channels and space; as many groups as channels is instance normalisation. eps 1e-5, statistics in fp32.
/// Channels-last activations are normalised in one pass over memory for the statistics and one for the rest, on the CPU by our own loops,
/// half values on a GPU by our own kernels; others by the library as the reference.
class GroupNorm {
public:
    GroupNorm() = default;
    /// @param weight, bias  fp32 [C]; undefined: not affine.
    GroupNorm(at::Tensor weight, at::Tensor bias, std::int64_t groups) : m_weight(std::move(weight)), m_bias(std::move(bias)), m_groups(groups) {}

    at::Tensor operator()(const at::Tensor& x, Activation activation = Activation::None) const;
    /// The same; `x` may be overwritten, so that no second tensor is needed.
    at::Tensor over(at::Tensor x, Activation activation) const;
    /// activation(norm(x) + added); `x` may be overwritten.
    at::Tensor overAdding(at::Tensor x, const at::Tensor& added, Activation activation) const;
    /// What it does to `x`, for a convolution that applies it to what it reads; none where that can't be.
    std::optional<Winograd::Before> asFactors(const at::Tensor& x, Activation activation) const;

private:
    using ChannelSums = std::pair<std::vector<double>, std::vector<double>>;    ///< Sums and squares a channel.
    using Affine = std::pair<std::vector<float>, std::vector<float>>;           ///< Factor and addend a channel.
    at::Tensor normed(const at::Tensor& x) const;
    at::Tensor plain(const at::Tensor& x) const;
    at::Tensor keepingFormat(const at::Tensor& x) const;
    Affine affineOf(const at::Tensor& x) const;
    Affine affineOf(const ChannelSums& sums, const at::Tensor& pivot, std::int64_t voxels) const;
    void fused(const at::Tensor& x, const at::Tensor& out, const at::Tensor& added, Activation activation) const;
    void fusedThere(const at::Tensor& x, const at::Tensor& out, const at::Tensor& added, Activation activation) const;

    at::Tensor m_weight, m_bias;
    std::int64_t m_groups = 1;
};

GroupNorm takeNorm(WeightSource& source, const std::string& name, std::int64_t channels, std::int64_t groups);
GroupNorm instanceNorm(std::int64_t channels);      ///< Not affine.

/// x + conv2(relu(norm2(conv1(relu(norm1(x)))))), the block of SegResNet and its kin.
struct ResidualBlock {
    GroupNorm norm1, norm2;
    Conv conv1, conv2;

    /// `x` may be overwritten.
    at::Tensor operator()(at::Tensor x) const;
};

/// Mean and 1 / deviation (eps 1e-5 in the variance) of groups of channels, from those of the channels; fp32 [C] each.
std::pair<at::Tensor, at::Tensor> groupMoments(const at::Tensor& mean, const at::Tensor& inverseDeviation, std::int64_t groups);

struct Linear {
    at::Tensor weight, bias;
    at::Tensor operator()(const at::Tensor& x) const;
};

/// fp32. Reads `name`.weight [out, in] and `name`.bias [out].
Linear takeLinear(WeightSource& source, const std::string& name, std::int64_t in, std::int64_t out);

} // namespace hf::experts
