// Included once for each level of vector instructions, with HF_KERNELS naming the set. No standard headers here: an inline function of theirs,
// compiled for a newer processor, could be linked into code that runs on an older one.
#include "experts/engine/neural/NormKernels.h"

namespace hf::experts {

namespace {

using Bf16 = unsigned short;

inline float load(float value) { return value; }

inline float load(Bf16 value)
{
    const unsigned bits = unsigned(value) << 16;
    return __builtin_bit_cast(float, bits);
}

inline void store(float& place, float value) { place = value; }

/// To the nearest, ties to even.
inline void store(Bf16& place, float value)
{
    const unsigned bits = __builtin_bit_cast(unsigned, value);
    place = Bf16((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}

template <typename T> void sums(const void* data, long voxels, long channels, const float* pivot, float* scratch, double* sums, double* squares)
{
    constexpr long kBlock = 512;    // fp32 within a block, fp64 over blocks
    const T* x = static_cast<const T*>(data);
    float* __restrict s = scratch;
    float* __restrict q = scratch + channels;
    for (long begin = 0; begin < voxels; begin += kBlock) {
        const long end = begin + kBlock < voxels ? begin + kBlock : voxels;
        for (long c = 0; c < 2 * channels; ++c) {
            scratch[c] = 0;
        }
        for (long v = begin; v < end; ++v) {
            const T* __restrict row = x + v * channels;
            for (long c = 0; c < channels; ++c) {
                const float d = load(row[c]) - pivot[c];
                s[c] += d;
                q[c] += d * d;
            }
        }
        for (long c = 0; c < channels; ++c) {
            sums[c] += double(s[c]);
            squares[c] += double(q[c]);
        }
    }
}

template <typename T> void apply(const void* data, void* out, const void* more, long voxels, long channels, const float* scale, const float* shift, float slope)
{
    const T* x = static_cast<const T*>(data);
    const T* added = static_cast<const T*>(more);
    T* y = static_cast<T*>(out);
    for (long v = 0; v < voxels; ++v) {
        const long offset = v * channels;
#pragma GCC ivdep
        for (long c = 0; c < channels; ++c) {
            const float t = load(x[offset + c]) * scale[c] + shift[c] + (added ? load(added[offset + c]) : 0.0F);
            store(y[offset + c], t > 0 ? t : t * slope);
        }
    }
}

} // namespace

const NormKernels HF_KERNELS{&sums<float>, &sums<Bf16>, &apply<float>, &apply<Bf16>};

} // namespace hf::experts
