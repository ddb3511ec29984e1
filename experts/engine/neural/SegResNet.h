#pragma once

#include "experts/engine/neural/Layers.h"

#include <stop_token>

namespace hf::experts {

/// MONAI's SegResNet for 2 or 3 spatial axes, in evaluation mode. Names and shapes: experts.md 2; deconvolving upsampling: 7.2.
struct SegResNetShape {
    int rank = 3;
    std::int64_t in = 1, out = 2, filters = 8;
    std::vector<int> blocksDown{1, 2, 2, 4};
    std::vector<int> blocksUp{1, 1, 1};
    bool deconvolves = false;       ///< Upsampling by 1x1 convolution and deconvolution, not by interpolation.
    std::int64_t groups = 8;

    /// BRATS: 4 channels (T1c, T1, T2, FLAIR) to TC, WT, ET.
    static SegResNetShape brats() { return {3, 4, 3, 16, {1, 2, 2, 4}, {1, 1, 1}, false, 8}; }
    /// Sizes must be multiples of this.
    std::int64_t divisor() const { return std::int64_t(1) << (blocksDown.size() - 1); }
};

class SegResNet {
public:
    SegResNet(const SegResNetShape& shape, WeightSource& source);
    /// @param x  [N, in, ...], sizes multiples of the divisor. @return logits [N, out, ...].
    at::Tensor forward(const at::Tensor& x, std::stop_token stop = {}) const;

private:
    struct Up { Conv shrink, deconv; std::vector<ResidualBlock> blocks; };

    ResidualBlock takeBlock(WeightSource& source, const std::string& name, std::int64_t channels) const;
    at::Tensor upsample(const Up& up, const at::Tensor& x) const;

    SegResNetShape m_shape;
    Conv m_first;
    std::vector<Conv> m_shrink;                     ///< Between levels.
    std::vector<std::vector<ResidualBlock>> m_down;
    std::vector<Up> m_up;
    GroupNorm m_lastNorm;
    Conv m_last;
};

} // namespace hf::experts
