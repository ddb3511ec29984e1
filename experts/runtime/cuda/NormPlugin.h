#pragma once

#include <cstdint>

/// The part of the CUDA plug-in libhf_cuda.so that the experts' networks use. Plain data only; it knows nothing of LibTorch.
namespace hf::runtime::cuda {

constexpr int kNormInterfaceVersion = 1;

/// Group normalisation of one dense channels-last tensor, then something added and an activation: out = act(norm(x) * weight + bias + added).
/// Pointers are of the device; `out` may be `x`. Values are fp16, or bf16.
struct NormRequest {
    int device = 0;
    bool isBf16 = false;
    std::int64_t voxels = 0;            ///< x is [voxels, channels]
    int channels = 0;                   ///< see fits()
    int groups = 0;                     ///< as many as channels: instance normalisation
    float eps = 0;
    float slope = 1;                    ///< of negative results: 1 leaves them, 0 is ReLU
    const void* x = nullptr;            ///< at a multiple of 16 bytes, as are the next two
    const void* added = nullptr;        ///< or null
    void* out = nullptr;
    const float* weight = nullptr;      ///< [channels], or null
    const float* bias = nullptr;        ///< [channels], or null
    double* scratch = nullptr;          ///< [3, channels]
};

/// Threads of a block share rows evenly only for these widths.
constexpr int kNormThreads = 192, kNormMostChannels = 768;
constexpr bool fits(std::int64_t channels) { return channels >= 8 && channels <= kNormMostChannels && channels % 8 == 0 && kNormThreads % (channels / 8) == 0; }

struct NormInterface {
    int version = kNormInterfaceVersion;
    /// Statistics in fp32 around each channel's first value, added up in fp64. On the default stream; does not wait.
    /// @return 0, or another number with the reason in `error` (at most `errorSize` bytes with the closing zero).
    int (*normalise)(const NormRequest& request, char* error, int errorSize) = nullptr;
};

} // namespace hf::runtime::cuda

extern "C" const hf::runtime::cuda::NormInterface* hfNormInterface();
