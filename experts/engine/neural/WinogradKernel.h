#pragma once

namespace hf::experts {

/// One 3 x 3 x 3 convolution of stride 1 and padding 1 by Winograd's minimal filtering F(2x2x2, 3x3x3) (Lavin and Gray 2016, arXiv 1509.09308): tiles of
/// 4 x 4 x 4 inputs and the weights are transformed once, multiplied at each of 64 points as matrices, and transformed back to 2 x 2 x 2 outputs: 64
/// products in place of 216. Transforms and sums are fp32, products bf16. Activations are bf16 [depth][height][width][channels] (upper halves of floats).
struct WinogradJob {
    const unsigned short* x = nullptr;
    unsigned short* y = nullptr;                ///< Not `x`.
    const unsigned short* added = nullptr;      ///< To the result; may be `y`, may be null.
    const unsigned short* weights = nullptr;    ///< As winogradWeights() lays them out.
    const float* bias = nullptr;                ///< [out] or null.
    /// Null, or [in] each: the convolution is of t > 0 ? t : t * slope for t = x * scale + shift, rounded to bf16 nowhere in between.
    const float* scale = nullptr;
    const float* shift = nullptr;
    float slope = 1;
    long depth = 0, height = 0, width = 0;
    long in = 0, out = 0;                       ///< Channels: multiples of kWinogradLanes.
};

constexpr long kWinogradLanes = 16;
constexpr long kWinogradPoints = 64;

/// Vectors of outputs that are computed together: weights are [point][out / (lanes * this)][in / 2][lanes * this][2].
constexpr long winogradVectors(long out)
{
    const long vectors = out / kWinogradLanes;
    return vectors % 3 == 0 ? 3 : vectors % 4 == 0 ? 4 : vectors % 2 == 0 ? 2 : 1;
}

/// Parts of a job that can run side by side, each in a scratch of its own (bytes, at multiples of 64, zero at first).
long winogradBlocks(const WinogradJob& job);
long winogradScratch(const WinogradJob& job);
/// Blocks [first, last). Needs AVX-512 F, BW, DQ, VL and BF16.
void winogradRun(const WinogradJob& job, long first, long last, void* scratch);

} // namespace hf::experts
