#pragma once

#include "experts/engine/neural/WeightSource.h"

namespace hf::experts {

/// Building blocks of the networks: plain values that hold their tensors. Activations are [N, C, ...] in the type and memory format of the weights.
/// Rank 4 is a picture, rank 5 a volume.

enum class Activation { None, Relu, LeakyRelu /* slope 0.01 */, Gelu };

/// Convolution or transposed convolution.
struct Conv {
    at::Tensor weight, bias;        ///< bias may be undefined.
    std::vector<std::int64_t> stride, padding, outputPadding;
    bool isTransposed = false;

    at::Tensor operator()(const at::Tensor& x) const;
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
struct GroupNorm {
    at::Tensor weight, bias;        ///< fp32; undefined: not affine.
    std::int64_t groups = 1;

    at::Tensor operator()(const at::Tensor& x, Activation activation = Activation::None) const;
    /// activation(norm(x) + added).
    at::Tensor addThen(const at::Tensor& x, const at::Tensor& added, Activation activation) const;
};

GroupNorm takeNorm(WeightSource& source, const std::string& name, std::int64_t channels, std::int64_t groups);
GroupNorm instanceNorm(std::int64_t channels);      ///< Not affine.

struct Linear {
    at::Tensor weight, bias;
    at::Tensor operator()(const at::Tensor& x) const;
};

/// fp32. Reads `name`.weight [out, in] and `name`.bias [out].
Linear takeLinear(WeightSource& source, const std::string& name, std::int64_t in, std::int64_t out);

at::Tensor activated(const at::Tensor& x, Activation activation);

} // namespace hf::experts
