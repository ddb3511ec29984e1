#include "experts/runtime/cuda/NormPlugin.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>

namespace hf::runtime::cuda {

namespace {

constexpr int kAtOnce = 8;      ///< values in 16 bytes
constexpr int kAhead = 4;       ///< pieces that a thread fetches before it needs the first

template <bool kIsBf16> __device__ inline void unpack(const uint4& piece, float* values)
{
    const unsigned words[4] = {piece.x, piece.y, piece.z, piece.w};
#pragma unroll
    for (int n = 0; n < 4; ++n) {
        if constexpr (kIsBf16) {
            values[2 * n] = __uint_as_float(words[n] << 16);
            values[2 * n + 1] = __uint_as_float(words[n] & 0xFFFF0000U);
        } else {
            const float2 both = __half22float2(*reinterpret_cast<const __half2*>(&words[n]));
            values[2 * n] = both.x;
            values[2 * n + 1] = both.y;
        }
    }
}

template <bool kIsBf16> __device__ inline uint4 packed(const float* values)
{
    unsigned words[4];
#pragma unroll
    for (int n = 0; n < 4; ++n) {
        if constexpr (kIsBf16) {
            const __nv_bfloat162 both = __floats2bfloat162_rn(values[2 * n], values[2 * n + 1]);
            words[n] = *reinterpret_cast<const unsigned*>(&both);
        } else {
            const __half2 both = __floats2half2_rn(values[2 * n], values[2 * n + 1]);
            words[n] = *reinterpret_cast<const unsigned*>(&both);
        }
    }
    return {words[0], words[1], words[2], words[3]};
}

/// A thread stays with the same eight channels and goes through rows: its first one, and how far the next is.
struct Way {
    long long row, step;
    int eight, eights;
};

__device__ inline Way wayOf(int channels)
{
    const int eights = channels / kAtOnce, rows = kNormThreads / eights;
    return {(long long)blockIdx.x * rows + threadIdx.x / eights, (long long)gridDim.x * rows, int(threadIdx.x) % eights, eights};
}

/// Adds sums and sums of squares of (x - first row) to `sums` [2, channels].
template <bool kIsBf16> __global__ void __launch_bounds__(kNormThreads) addUp(const uint4* x, long long voxels, int channels, double* sums)
{
    __shared__ float parts[kNormThreads][2 * kAtOnce];
    const Way way = wayOf(channels);
    float pivot[kAtOnce], sum[kAtOnce] = {}, squares[kAtOnce] = {};
    unpack<kIsBf16>(x[way.eight], pivot);
    for (long long row = way.row; row < voxels; row += kAhead * way.step) {
        uint4 pieces[kAhead];
#pragma unroll
        for (int n = 0; n < kAhead; ++n) {
            // A row behind the end is the first one, which adds nothing.
            const long long at = row + n * way.step;
            pieces[n] = x[(at < voxels ? at : 0) * way.eights + way.eight];
        }
#pragma unroll
        for (int n = 0; n < kAhead; ++n) {
            float values[kAtOnce];
            unpack<kIsBf16>(pieces[n], values);
#pragma unroll
            for (int k = 0; k < kAtOnce; ++k) {
                const float off = values[k] - pivot[k];
                sum[k] += off;
                squares[k] += off * off;
            }
        }
    }
#pragma unroll
    for (int k = 0; k < kAtOnce; ++k) {
        parts[threadIdx.x][k] = sum[k];
        parts[threadIdx.x][kAtOnce + k] = squares[k];
    }
    __syncthreads();
    for (int n = threadIdx.x; n < 2 * channels; n += kNormThreads) {
        const int channel = n % channels, kind = n / channels;
        double all = 0;
        for (int thread = channel / kAtOnce; thread < kNormThreads; thread += way.eights) {
            all += parts[thread][kind * kAtOnce + channel % kAtOnce];
        }
        atomicAdd(sums + n, all);
    }
}

/// Factor and addend of each channel, affine [2, channels]. Before `out` is written, which may be x: its first row is the pivot.
template <bool kIsBf16> __global__ void __launch_bounds__(kNormThreads) findAffine(const __grid_constant__ NormRequest a, float* affine)
{
    const int perGroup = a.channels / a.groups;
    const double count = double(a.voxels);
    const auto pivotOf = [&](int channel) {
        float values[kAtOnce];
        unpack<kIsBf16>(static_cast<const uint4*>(a.x)[channel / kAtOnce], values);
        return double(values[channel % kAtOnce]);
    };
    for (int channel = threadIdx.x; channel < a.channels; channel += kNormThreads) {
        const int begin = channel / perGroup * perGroup;
        double mean = 0, squares = 0;
        for (int c = begin; c < begin + perGroup; ++c) {
            mean += (pivotOf(c) + a.scratch[c] / count) / perGroup;
        }
        for (int c = begin; c < begin + perGroup; ++c) {
            const double off = pivotOf(c) + a.scratch[c] / count - mean;
            squares += a.scratch[a.channels + c] - a.scratch[c] * a.scratch[c] / count + count * off * off;
        }
        const double factor = rsqrt(fmax(0.0, squares) / (count * perGroup) + double(a.eps)) * (a.weight ? double(a.weight[channel]) : 1.0);
        affine[channel] = float(factor);
        affine[a.channels + channel] = float((a.bias ? double(a.bias[channel]) : 0.0) - mean * factor);
    }
}

template <bool kIsBf16> __global__ void __launch_bounds__(kNormThreads) apply(const __grid_constant__ NormRequest a, const float* affine)
{
    const Way way = wayOf(a.channels);
    const auto* const x = static_cast<const uint4*>(a.x);
    const auto* const added = static_cast<const uint4*>(a.added);
    auto* const out = static_cast<uint4*>(a.out);
    float factors[kAtOnce], addends[kAtOnce];
#pragma unroll
    for (int k = 0; k < kAtOnce; ++k) {
        factors[k] = affine[way.eight * kAtOnce + k];
        addends[k] = affine[a.channels + way.eight * kAtOnce + k];
    }
    for (long long row = way.row; row < a.voxels; row += kAhead * way.step) {
        uint4 pieces[kAhead], more[kAhead];
#pragma unroll
        for (int n = 0; n < kAhead; ++n) {
            const long long at = row + n * way.step;
            if (at < a.voxels) {
                pieces[n] = x[at * way.eights + way.eight];
                more[n] = added ? added[at * way.eights + way.eight] : uint4{0, 0, 0, 0};
            }
        }
#pragma unroll
        for (int n = 0; n < kAhead; ++n) {
            const long long at = row + n * way.step;
            if (at < a.voxels) {
                float values[kAtOnce], others[kAtOnce];
                unpack<kIsBf16>(pieces[n], values);
                unpack<kIsBf16>(more[n], others);
#pragma unroll
                for (int k = 0; k < kAtOnce; ++k) {
                    const float value = values[k] * factors[k] + addends[k] + others[k];
                    values[k] = value < 0 ? value * a.slope : value;
                }
                out[at * way.eights + way.eight] = packed<kIsBf16>(values);
            }
        }
    }
}

template <bool kIsBf16> cudaError_t run(const NormRequest& a, int processors)
{
    // Blocks of 192 threads with about 100 registers: three or four on a processor.
    constexpr int kBlocks = 4;
    const long long rows = (long long)kNormThreads / (a.channels / kAtOnce) * kAhead;
    const auto blocks = unsigned(std::max<long long>(1, std::min<long long>((a.voxels + rows - 1) / rows, (long long)processors * kBlocks)));
    cudaError_t error = cudaMemsetAsync(a.scratch, 0, 2 * sizeof(double) * std::size_t(a.channels));
    if (error != cudaSuccess) {
        return error;
    }
    // Two floats a channel behind its two sums.
    auto* const affine = reinterpret_cast<float*>(a.scratch + 2 * a.channels);
    addUp<kIsBf16><<<blocks, kNormThreads>>>(static_cast<const uint4*>(a.x), a.voxels, a.channels, a.scratch);
    findAffine<kIsBf16><<<1, kNormThreads>>>(a, affine);
    apply<kIsBf16><<<blocks, kNormThreads>>>(a, affine);
    return cudaGetLastError();
}

int normalise(const NormRequest& a, char* error, int errorSize)
{
    int before = 0, processors = 1;
    cudaError_t result = cudaGetDevice(&before);
    result = result == cudaSuccess ? cudaSetDevice(a.device) : result;
    result = result == cudaSuccess ? cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, a.device) : result;
    if (result == cudaSuccess) {
        result = a.isBf16 ? run<true>(a, processors) : run<false>(a, processors);
        cudaSetDevice(before);
    }
    if (result == cudaSuccess) {
        return 0;
    }
    // The next call is not to be blamed for it.
    cudaGetLastError();
    std::snprintf(error, std::size_t(errorSize), "normalising on the GPU: %s", cudaGetErrorString(result));
    return 1;
}

} // namespace

} // namespace hf::runtime::cuda

extern "C" const hf::runtime::cuda::NormInterface* hfNormInterface()
{
    using namespace hf::runtime::cuda;
    static const NormInterface interface{kNormInterfaceVersion, normalise};
    return &interface;
}
