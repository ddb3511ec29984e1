#pragma once

namespace hf::experts {

/// Inner loops of normalisation on channels-last activations, [voxels][channels]; bf16 values are the upper halves of floats. One set for each
/// level of the processor's vector instructions, made from NormKernels.inl.
struct NormKernels {
    /// Adds sum and squares of (x - pivot) of each channel. `scratch` holds 2 * channels floats.
    using Sums = void (*)(const void* x, long voxels, long channels, const float* pivot, float* scratch, double* sums, double* squares);
    /// y = t > 0 ? t : t * slope for t = x * scale + shift + added; `added` may be null, `y` may be `x`.
    using Apply = void (*)(const void* x, void* y, const void* added, long voxels, long channels, const float* scale, const float* shift, float slope);

    Sums sumsFloat, sumsBf16;
    Apply applyFloat, applyBf16;
};

extern const NormKernels kNormKernelsBase, kNormKernelsV3, kNormKernelsV4;

/// The best set for this processor.
const NormKernels& normKernels();

} // namespace hf::experts
