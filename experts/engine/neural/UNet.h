#pragma once

#include "experts/engine/neural/Layers.h"

#include <memory>

namespace hf::experts {

/// MONAI's UNet of residual units, for 2 or 3 spatial axes, in evaluation mode: the family of the spleen, prostate and cardiac bundles
/// (experts.md 7.2). Order in a unit: convolution, norm, activation.
struct UNetShape {
    enum class Norm { Batch, Instance /* not affine, no tensors */ };

    int rank = 3;
    std::int64_t in = 1, out = 2;
    std::vector<std::int64_t> channels{16, 32, 64, 128, 256};
    std::vector<int> strides{2, 2, 2, 2};       ///< One fewer than channels.
    int residualUnits = 2;                      ///< 1 or more.
    Norm norm = Norm::Batch;
    bool hasPrelu = true;                       ///< One slope a layer; otherwise ReLU, which has no tensor.

    std::int64_t divisor() const;
};

class UNet {
public:
    /// Names as in checkpoints after the uniform prefix "model." was taken off.
    UNet(const UNetShape& shape, WeightSource& source);
    ~UNet();
    UNet(UNet&&) noexcept;
    at::Tensor forward(const at::Tensor& x) const;

private:
    struct Level;
    std::unique_ptr<Level> m_top;
};

} // namespace hf::experts
