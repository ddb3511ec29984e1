#pragma once

#include "assistant/engine/cuda/DecoderPlugin.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

// Kernels of one step of generation. Each may begin before the one in front of it has ended (programmatic dependent launch, on devices that
// have it): it fetches its first weights, then waits for the numbers that it needs. Each lets the next one begin first thing: a grid fits on the
// device as a whole, so blocks of the next one only take places that blocks of this one have left (8B in bf16 on an H100: 171 tokens/s; 169
// where it was let begin at the end).

namespace hf::assistant::cuda {

constexpr int kThreads = 512, kWarps = kThreads / 32;
constexpr int kBlocks = 2;          ///< of a processor, which they fill
constexpr int kUnroll = 4;          ///< pieces of each of two rows that a lane fetches before it needs the first
constexpr int kGroup = 32;          ///< columns with one factor
constexpr int kMostHeadDim = 128, kAttendThreads = 256, kAttendWarps = kAttendThreads / 32, kMostSplits = 64;

__device__ inline void waitForPrevious()
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    cudaGridDependencySynchronize();
#endif
}

__device__ inline void letNextBegin()
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    cudaTriggerProgrammaticLaunchCompletion();
#endif
}

__device__ inline float sumOfWarp(float value)
{
    for (int step = 16; step > 0; step /= 2) {
        value += __shfl_xor_sync(0xFFFFFFFF, value, step);
    }
    return value;
}

__device__ inline int sumOfWarp(int value)
{
    for (int step = 16; step > 0; step /= 2) {
        value += __shfl_xor_sync(0xFFFFFFFF, value, step);
    }
    return value;
}

__device__ inline float mostOfWarp(float value)
{
    for (int step = 16; step > 0; step /= 2) {
        value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFF, value, step));
    }
    return value;
}

/// 16 bytes of weights, which are read once and need no place in the first cache.
__device__ inline uint4 fetch(const void* from)
{
    uint4 words;
    asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(words.x), "=r"(words.y), "=r"(words.z), "=r"(words.w) : "l"(from));
    return words;
}

__device__ inline float lowBf16(unsigned word) { return __uint_as_float(word << 16); }
__device__ inline float highBf16(unsigned word) { return __uint_as_float(word & 0xFFFF0000U); }

template <Type kType> constexpr bool kIsPacked = kType == Type::Int8 || kType == Type::Int4;

/// Columns in 16 bytes.
template <Type kType> constexpr int kColumns = kType == Type::Fp32 ? 4 : kType == Type::Int8 ? 16 : kType == Type::Int4 ? 32 : 8;

/// What a lane holds of a row.
template <Type kType> struct Piece {
    uint4 words;
    __half scale;
};

/// The vector in shared memory: fp32, or bytes with a factor and a sum for each group.
struct Vector {
    float* values;
    signed char* bytes;
    float* factors;
    int* sums;
};

/// Rows of a matrix. `stride` in bytes.
struct Rows {
    const char* data;
    const __half* scales;
    long long stride;
    int count;
    float* result;
};

template <Type kType> __device__ inline Piece<kType> pieceOf(const Rows& rows, int row, int column, int columns)
{
    Piece<kType> piece{};
    if (column < columns) {
        piece.words = fetch(rows.data + row * rows.stride + column / kColumns<kType> * 16);
        if constexpr (kIsPacked<kType>) {
            piece.scale = rows.scales[(long long)row * ((columns + kGroup - 1) / kGroup) + column / kGroup];
        }
    }
    return piece;
}

/// Adds the product of a piece with its part of the vector. A piece behind the end is zero, but its place in the vector is not there.
template <Type kType> __device__ inline float product(const Piece<kType>& piece, const Vector& x, int column)
{
    const unsigned words[4] = {piece.words.x, piece.words.y, piece.words.z, piece.words.w};
    if constexpr (kType == Type::Fp32) {
        const float4 v = *reinterpret_cast<const float4*>(x.values + column);
        return __uint_as_float(words[0]) * v.x + __uint_as_float(words[1]) * v.y + __uint_as_float(words[2]) * v.z + __uint_as_float(words[3]) * v.w;
    } else if constexpr (kType == Type::Int8) {
        const int4 v = *reinterpret_cast<const int4*>(x.bytes + column);
        const int parts[4] = {v.x, v.y, v.z, v.w};
        int dot = 0;
#pragma unroll
        for (int n = 0; n < 4; ++n) {
            dot = __dp4a(int(words[n] ^ 0x80808080U), parts[n], dot);
        }
        return float(dot) * (__half2float(piece.scale) * x.factors[column / kGroup]);
    } else if constexpr (kType == Type::Int4) {
        const int4 low = *reinterpret_cast<const int4*>(x.bytes + column), high = *reinterpret_cast<const int4*>(x.bytes + column + 16);
        const int lows[4] = {low.x, low.y, low.z, low.w}, highs[4] = {high.x, high.y, high.z, high.w};
        int dot = -8 * x.sums[column / kGroup];
#pragma unroll
        for (int n = 0; n < 4; ++n) {
            dot = __dp4a(int(words[n] & 0x0F0F0F0FU), lows[n], dot);
            dot = __dp4a(int(words[n] >> 4 & 0x0F0F0F0FU), highs[n], dot);
        }
        return float(dot) * (__half2float(piece.scale) * x.factors[column / kGroup]);
    } else {
        const float4 first = *reinterpret_cast<const float4*>(x.values + column), second = *reinterpret_cast<const float4*>(x.values + column + 4);
        const float v[8] = {first.x, first.y, first.z, first.w, second.x, second.y, second.z, second.w};
        float sum = 0;
#pragma unroll
        for (int n = 0; n < 4; ++n) {
            if constexpr (kType == Type::Bf16) {
                sum += lowBf16(words[n]) * v[2 * n] + highBf16(words[n]) * v[2 * n + 1];
            } else {
                const float2 both = __half22float2(*reinterpret_cast<const __half2*>(&words[n]));
                sum += both.x * v[2 * n] + both.y * v[2 * n + 1];
            }
        }
        return sum;
    }
}

/// The sum over the block's threads, for all of them.
__device__ inline float sumOfBlock(float sum)
{
    __shared__ float parts[kWarps];
    sum = sumOfWarp(sum);
    if (threadIdx.x % 32 == 0) {
        parts[threadIdx.x / 32] = sum;
    }
    __syncthreads();
    return sumOfWarp(threadIdx.x % 32 < kWarps ? parts[threadIdx.x % 32] : 0.0F);
}

__device__ inline float squares(const float4& v) { return v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w; }

__device__ inline float4 scaled(const float4& v, float factor, const float4& weight)
{
    return {v.x * factor * weight.x, v.y * factor * weight.y, v.z * factor * weight.z, v.w * factor * weight.w};
}

/// Brings x to shared memory; `norm`: its RMS norm with these weights instead. Columns are multiples of 4.
__device__ inline void prepareFloats(const Vector& target, const float* x, const float* norm, float eps, int columns)
{
    auto* const values = reinterpret_cast<float4*>(target.values);
    const auto* const source = reinterpret_cast<const float4*>(x);
    const auto* const weights = reinterpret_cast<const float4*>(norm);
    float sum = 0;
#pragma unroll 4
    for (int n = threadIdx.x; n < columns / 4; n += kThreads) {
        const float4 v = source[n];
        values[n] = v;
        sum += squares(v);
    }
    if (norm) {
        const float factor = rsqrtf(sumOfBlock(sum) / float(columns) + eps);
#pragma unroll 4
        for (int n = threadIdx.x; n < columns / 4; n += kThreads) {
            values[n] = scaled(values[n], factor, weights[n]);
        }
    }
    __syncthreads();
}

/// The same as bytes with a factor for each group. Four neighbouring lanes have a group. Columns are multiples of 8.
__device__ inline void prepareBytes(const Vector& target, const float* x, const float* norm, float eps, int columns)
{
    const auto* const source = reinterpret_cast<const float4*>(x);
    const auto* const weights = reinterpret_cast<const float4*>(norm);
    const int eights = columns / 8, all = (columns + kGroup - 1) / kGroup * (kGroup / 8);
    float factor = 1;
    if (norm) {
        float sum = 0;
#pragma unroll 4
        for (int n = threadIdx.x; n < columns / 4; n += kThreads) {
            sum += squares(source[n]);
        }
        factor = rsqrtf(sumOfBlock(sum) / float(columns) + eps);
    }
#pragma unroll 1
    for (int first = threadIdx.x / 32 * 32; first < all; first += kThreads) {
        const int n = first + threadIdx.x % 32;
        float4 low{0, 0, 0, 0}, high{0, 0, 0, 0};
        if (n < eights) {
            low = source[2 * n];
            high = source[2 * n + 1];
            if (norm) {
                low = scaled(low, factor, weights[2 * n]);
                high = scaled(high, factor, weights[2 * n + 1]);
            }
        }
        float most = fmaxf(fmaxf(fmaxf(fabsf(low.x), fabsf(low.y)), fmaxf(fabsf(low.z), fabsf(low.w))), fmaxf(fmaxf(fabsf(high.x), fabsf(high.y)), fmaxf(fabsf(high.z), fabsf(high.w))));
        most = fmaxf(most, __shfl_xor_sync(0xFFFFFFFF, most, 1));
        most = fmaxf(most, __shfl_xor_sync(0xFFFFFFFF, most, 2));
        const float inverse = most > 0 ? 127 / most : 0;
        const int bytes[8] = {__float2int_rn(low.x * inverse), __float2int_rn(low.y * inverse), __float2int_rn(low.z * inverse), __float2int_rn(low.w * inverse),
            __float2int_rn(high.x * inverse), __float2int_rn(high.y * inverse), __float2int_rn(high.z * inverse), __float2int_rn(high.w * inverse)};
        int2 packed{0, 0};
        int sum = 0;
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            packed.x |= (bytes[k] & 255) << 8 * k;
            packed.y |= (bytes[k + 4] & 255) << 8 * k;
            sum += bytes[k] + bytes[k + 4];
        }
        sum += __shfl_xor_sync(0xFFFFFFFF, sum, 1);
        sum += __shfl_xor_sync(0xFFFFFFFF, sum, 2);
        if (n < all) {
            reinterpret_cast<int2*>(target.bytes)[n] = packed;
            if (n % 4 == 0) {
                target.factors[n / 4] = most / 127;
                target.sums[n / 4] = sum;
            }
        }
    }
    __syncthreads();
}

enum class Output { Store, Add, Gate, Head };

struct MultiplyArguments {
    Rows rows[3];               ///< several matrices times one vector; Gate: gate and up
    int parts;
    int columns;
    const float* x;
    const float* norm;          ///< or null
    float eps;
    int choices;                ///< Head
    unsigned long long* best;   ///< Head: see keyOf()
};

/// Larger for larger logits; of equal ones the first row wins.
__device__ inline unsigned long long keyOf(float value, int row)
{
    const unsigned bits = __float_as_uint(value);
    const unsigned ordered = bits & 0x80000000U ? ~bits : bits | 0x80000000U;
    return (unsigned long long)ordered << 32 | (0xFFFFFFFFU - unsigned(row));
}

__host__ __device__ inline int pairsOf(const MultiplyArguments& a, int part, Output output) { return output == Output::Gate ? a.rows[part].count : (a.rows[part].count + 1) / 2; }

/// y = W x by warps, each of which takes two rows at a time.
template <Type kType, Output kOutput> __global__ void __launch_bounds__(kThreads, 2) multiply(const __grid_constant__ MultiplyArguments a)
{
    letNextBegin();
    extern __shared__ __align__(16) char memory[];
    constexpr int kStep = 32 * kColumns<kType>;
    const int groups = (a.columns + kGroup - 1) / kGroup;
    Vector x;
    x.values = reinterpret_cast<float*>(memory);
    x.bytes = reinterpret_cast<signed char*>(memory);
    x.factors = reinterpret_cast<float*>(memory + groups * kGroup);
    x.sums = reinterpret_cast<int*>(x.factors + groups);

    const int lane = threadIdx.x % 32, from = lane * kColumns<kType>;
    int all = pairsOf(a, 0, kOutput);
    if (kOutput != Output::Gate) {
        for (int part = 1; part < a.parts; ++part) {
            all += pairsOf(a, part, kOutput);
        }
    }
    struct Pair { const Rows* first; const Rows* second; int row, other; };
    const auto pairAt = [&](int place) -> Pair {
        if constexpr (kOutput == Output::Gate) {
            return {&a.rows[0], &a.rows[1], place, place};
        } else {
            int part = 0;
            while (place >= pairsOf(a, part, kOutput)) {
                place -= pairsOf(a, part++, kOutput);
            }
            return {&a.rows[part], &a.rows[part], 2 * place, min(2 * place + 1, a.rows[part].count - 1)};
        }
    };
    Piece<kType> first[kUnroll], second[kUnroll];
    const auto load = [&](const Pair& pair, int column) {
#pragma unroll
        for (int n = 0; n < kUnroll; ++n) {
            first[n] = pieceOf<kType>(*pair.first, pair.row, column + n * kStep + from, a.columns);
            second[n] = pieceOf<kType>(*pair.second, pair.other, column + n * kStep + from, a.columns);
        }
    };

    // Neighbouring pairs go to different blocks, so that all have the same share.
    int place = threadIdx.x / 32 * gridDim.x + blockIdx.x;
    if (place < all) {
        load(pairAt(place), 0);
    }
    waitForPrevious();
    if constexpr (kIsPacked<kType>) {
        prepareBytes(x, a.x, a.norm, a.eps, a.columns);
    } else {
        prepareFloats(x, a.x, a.norm, a.eps, a.columns);
    }
    unsigned long long best = 0;
    bool isLoaded = true;
    for (; place < all; place += kWarps * gridDim.x) {
        const Pair pair = pairAt(place);
        float sum = 0, other = 0;
        for (int column = 0; column < a.columns; column += kUnroll * kStep) {
            if (!isLoaded) {
                load(pair, column);
            }
            isLoaded = false;
#pragma unroll
            for (int n = 0; n < kUnroll; ++n) {
                if (const int at = column + n * kStep + from; at < a.columns) {
                    sum += product<kType>(first[n], x, at);
                    other += product<kType>(second[n], x, at);
                }
            }
        }
        sum = sumOfWarp(sum);
        other = sumOfWarp(other);
        if (lane == 0) {
            float* const result = pair.first->result;
            if constexpr (kOutput == Output::Gate) {
                result[pair.row] = sum / (1 + expf(-sum)) * other;
            } else if constexpr (kOutput == Output::Add) {
                result[pair.row] += sum;
                if (pair.other != pair.row) {
                    result[pair.other] += other;
                }
            } else {
                result[pair.row] = sum;
                result[pair.other] = other;
            }
            if constexpr (kOutput == Output::Head) {
                if (pair.row < a.choices) {
                    best = max(best, keyOf(sum, pair.row));
                }
                if (pair.other < a.choices) {
                    best = max(best, keyOf(other, pair.other));
                }
            }
        }
    }
    if constexpr (kOutput == Output::Head) {
        __shared__ unsigned long long bests[kWarps];
        if (lane == 0) {
            bests[threadIdx.x / 32] = best;
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            for (int warp = 1; warp < kWarps; ++warp) {
                best = max(best, bests[warp]);
            }
            atomicMax(a.best, best);
        }
    }
}

/// What changes from step to step; copied from the host first thing.
struct StepInput {
    int token, position;
    float cosine[kMostHeadDim], sine[kMostHeadDim];
};

__device__ inline float valueAt(Type type, const void* data, long long at)
{
    switch (type) {
    case Type::Fp32: return static_cast<const float*>(data)[at];
    case Type::Fp16: return __half2float(static_cast<const __half*>(data)[at]);
    default: return __uint_as_float(unsigned(static_cast<const unsigned short*>(data)[at]) << 16);
    }
}

/// fp32 to bits of `type`, to nearest even, in place of a value of the array.
__device__ inline void storeAt(Type type, void* data, long long at, float value)
{
    if (type == Type::Fp32) {
        static_cast<float*>(data)[at] = value;
    } else if (type == Type::Fp16) {
        static_cast<__half*>(data)[at] = __float2half_rn(value);
    } else {
        const unsigned bits = __float_as_uint(value);
        static_cast<unsigned short*>(data)[at] = (unsigned short)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }
}

/// The token's row of the embedding; empties what the last step left.
__global__ void embed(const StepInput* input, Type type, const void* table, int width, float* row, unsigned long long* best)
{
    letNextBegin();
    const int n = blockIdx.x * blockDim.x + threadIdx.x;
    if (n < width) {
        row[n] = valueAt(type, table, (long long)input->token * width + n);
    }
    if (n == 0) {
        *best = 0;
    }
}

struct AttendArguments {
    const StepInput* input;
    const float* query;         ///< [heads, head dim], not yet turned
    const float* key;           ///< [key/value heads, head dim], the new row
    const float* value;
    void* const* keys;          ///< the layer's place in a table of the device, which is renewed when the cache moves
    void* const* values;
    const long long* capacity;
    int heads, keyValueHeads, headDim;
    float* parts;               ///< [key/value heads, splits (at most kMostSplits), group, head dim + 2]
    unsigned* finished;         ///< [key/value heads], zero before and after
    float* mixed;               ///< [heads, head dim]
};

/// Element n of a row of keys or queries turned by its position's angle (rotate-half layout).
__device__ inline float turned(const float* row, int n, int headDim, const StepInput* input)
{
    const int half = headDim / 2;
    return n < half ? row[n] * input->cosine[n] - row[n + half] * input->sine[n] : row[n] * input->cosine[n] + row[n - half] * input->sine[n];
}

template <Type kType> __device__ inline float4 fourOf(const void* data, long long at, int count)
{
    float4 v{0, 0, 0, 0};
    if (count >= 4) {
        if constexpr (kType == Type::Fp32) {
            v = *reinterpret_cast<const float4*>(static_cast<const float*>(data) + at);
        } else {
            const uint2 words = *reinterpret_cast<const uint2*>(static_cast<const unsigned short*>(data) + at);
            if constexpr (kType == Type::Bf16) {
                v = {lowBf16(words.x), highBf16(words.x), lowBf16(words.y), highBf16(words.y)};
            } else {
                const float2 a = __half22float2(*reinterpret_cast<const __half2*>(&words.x)), b = __half22float2(*reinterpret_cast<const __half2*>(&words.y));
                v = {a.x, a.y, b.x, b.y};
            }
        }
    }
    return v;
}

/// Asks for `count` elements of both from `at` on, ahead of their use.
template <Type kType> __device__ inline void prefetchRows(const void* keys, const void* values, long long at, int count)
{
    constexpr int kLine = 128, kBytes = kType == Type::Fp32 ? 4 : 2;
    for (int byte = threadIdx.x * kLine; byte < count * kBytes; byte += blockDim.x * kLine) {
        asm volatile("prefetch.global.L2 [%0];" ::"l"(static_cast<const char*>(keys) + at * kBytes + byte));
        asm volatile("prefetch.global.L2 [%0];" ::"l"(static_cast<const char*>(values) + at * kBytes + byte));
    }
}

/// Attention of the new row: a block takes a part of the rows for one head of keys and the kGroupHeads heads of queries that share it, the last
/// block of a head puts the parts together. Softmax in fp32, with a running maximum. Head dims are multiples of 4, at most 128.
template <Type kType, int kGroupHeads> __global__ void __launch_bounds__(kAttendThreads) attend(const __grid_constant__ AttendArguments a)
{
    letNextBegin();
    constexpr int kAhead = 4;
    __shared__ float query[kGroupHeads][kMostHeadDim];
    __shared__ float parts[kAttendWarps][kGroupHeads][kMostHeadDim + 2];
    __shared__ float shares[kGroupHeads][kMostSplits];
    __shared__ bool isLast;
    const int head = blockIdx.x, split = blockIdx.y, splits = gridDim.y, dim = a.headDim, group = a.heads / a.keyValueHeads;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const long long capacity = *a.capacity, rows = (long long)head * capacity * dim;
    void* const keys = *a.keys;
    void* const values = *a.values;
    const auto partOf = [&](int length) -> int2 {
        const int share = (length + splits - 1) / splits;
        return {split * share, min(length, (split + 1) * share)};
    };
    // All rows but the new one are there since the last step. A hint alone: what it was made for is read again behind the wait.
    const int2 likely = partOf(__ldcg(&a.input->position) + 1);
    prefetchRows<kType>(keys, values, rows + (long long)likely.x * dim, (likely.y - likely.x) * dim);
    waitForPrevious();
    const int position = a.input->position, length = position + 1;
    const int begin = partOf(length).x, end = partOf(length).y;
    const float scale = rsqrtf(float(dim));
    for (int n = threadIdx.x; n < group * dim; n += kAttendThreads) {
        query[n / dim][n % dim] = turned(a.query + (head * group + n / dim) * dim, n % dim, dim, a.input) * scale;
    }
    if (begin <= position && position < end) {
        for (int n = threadIdx.x; n < dim; n += kAttendThreads) {
            storeAt(kType, keys, rows + (long long)position * dim + n, turned(a.key + head * dim, n, dim, a.input));
            storeAt(kType, values, rows + (long long)position * dim + n, a.value[head * dim + n]);
        }
    }
    __syncthreads();

    float most[kGroupHeads], sum[kGroupHeads];
    float4 mixed[kGroupHeads];
#pragma unroll
    for (int g = 0; g < kGroupHeads; ++g) {
        most[g] = -INFINITY;
        sum[g] = 0;
        mixed[g] = {0, 0, 0, 0};
    }
    const int count = dim - lane * 4;
    for (int first = begin + warp; first < end; first += kAttendWarps * kAhead) {
        float4 key[kAhead], value[kAhead];
#pragma unroll
        for (int n = 0; n < kAhead; ++n) {
            const int row = first + n * kAttendWarps;
            const long long at = rows + (long long)row * dim + lane * 4;
            key[n] = fourOf<kType>(keys, at, row < end ? count : 0);
            value[n] = fourOf<kType>(values, at, row < end ? count : 0);
        }
#pragma unroll
        for (int g = 0; g < kGroupHeads; ++g) {
            if (g >= group) {
                break;
            }
            const float* const q = query[g] + lane * 4;
            float score[kAhead], newMost = most[g];
#pragma unroll
            for (int n = 0; n < kAhead; ++n) {
                const float dot = count >= 4 ? key[n].x * q[0] + key[n].y * q[1] + key[n].z * q[2] + key[n].w * q[3] : 0;
                score[n] = first + n * kAttendWarps < end ? sumOfWarp(dot) : -INFINITY;
                newMost = fmaxf(newMost, score[n]);
            }
            const float keep = __expf(most[g] - newMost);
            most[g] = newMost;
            sum[g] *= keep;
            float4 m{mixed[g].x * keep, mixed[g].y * keep, mixed[g].z * keep, mixed[g].w * keep};
#pragma unroll
            for (int n = 0; n < kAhead; ++n) {
                const float weight = __expf(score[n] - newMost);
                sum[g] += weight;
                m.x += weight * value[n].x;
                m.y += weight * value[n].y;
                m.z += weight * value[n].z;
                m.w += weight * value[n].w;
            }
            mixed[g] = m;
        }
    }
#pragma unroll
    for (int g = 0; g < kGroupHeads; ++g) {
        float* const part = parts[warp][g];
        if (count >= 4) {
            part[lane * 4] = mixed[g].x;
            part[lane * 4 + 1] = mixed[g].y;
            part[lane * 4 + 2] = mixed[g].z;
            part[lane * 4 + 3] = mixed[g].w;
        }
        if (lane == 0) {
            part[kMostHeadDim] = most[g];
            part[kMostHeadDim + 1] = sum[g];
        }
    }
    __syncthreads();
    const int width = dim + 2;
    for (int n = threadIdx.x; n < group * dim; n += kAttendThreads) {
        const int g = n / dim, d = n % dim;
        float all = -INFINITY;
        for (int w = 0; w < kAttendWarps; ++w) {
            all = fmaxf(all, parts[w][g][kMostHeadDim]);
        }
        float result = 0, weights = 0;
        for (int w = 0; w < kAttendWarps && all > -INFINITY; ++w) {
            const float keep = expf(parts[w][g][kMostHeadDim] - all);
            result += keep * parts[w][g][d];
            weights += keep * parts[w][g][kMostHeadDim + 1];
        }
        float* const target = a.parts + ((long long)(head * splits + split) * group + g) * width;
        target[d] = result;
        if (d == 0) {
            target[dim] = all;
            target[dim + 1] = weights;
        }
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        isLast = atomicAdd(a.finished + head, 1U) == unsigned(splits - 1);
    }
    __syncthreads();
    if (!isLast) {
        return;
    }
    __threadfence();
    const float* const source = a.parts + (long long)head * splits * group * width;
    for (int g = warp; g < group; g += kAttendWarps) {
        float all = -INFINITY, weights = 0;
        for (int s = lane; s < splits; s += 32) {
            all = fmaxf(all, __ldcg(source + (s * group + g) * width + dim));
        }
        all = mostOfWarp(all);
        for (int s = lane; s < splits; s += 32) {
            const float keep = expf(__ldcg(source + (s * group + g) * width + dim) - all);
            shares[g][s] = keep;
            weights += keep * __ldcg(source + (s * group + g) * width + dim + 1);
        }
        weights = sumOfWarp(weights);
        for (int s = lane; s < splits; s += 32) {
            shares[g][s] /= weights;
        }
    }
    __syncthreads();
    for (int n = threadIdx.x; n < group * dim; n += kAttendThreads) {
        const int g = n / dim, d = n % dim;
        float result = 0;
#pragma unroll 8
        for (int s = 0; s < splits; ++s) {
            result += shares[g][s] * __ldcg(source + (s * group + g) * width + d);
        }
        a.mixed[(head * group + g) * dim + d] = result;
    }
    if (threadIdx.x == 0) {
        a.finished[head] = 0;
    }
}

/// Two values as halves of a word.
__device__ inline unsigned bothHalves(Type type, float low, float high)
{
    if (type == Type::Fp16) {
        const __half2 both = __floats2half2_rn(low, high);
        return *reinterpret_cast<const unsigned*>(&both);
    }
    const __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
    return *reinterpret_cast<const unsigned*>(&both);
}

/// Eight values of one row, as one piece where the place allows it.
__device__ inline void storeEight(Type type, void* target, long long at, const float* values, int count)
{
    if (count < 8 || at % 8) {
        for (int n = 0; n < count; ++n) {
            storeAt(type, target, at + n, values[n]);
        }
    } else if (type == Type::Fp32) {
        auto* const pieces = reinterpret_cast<float4*>(static_cast<float*>(target) + at);
        pieces[0] = {values[0], values[1], values[2], values[3]};
        pieces[1] = {values[4], values[5], values[6], values[7]};
    } else {
        *reinterpret_cast<uint4*>(static_cast<unsigned short*>(target) + at) = {bothHalves(type, values[0], values[1]), bothHalves(type, values[2], values[3]),
            bothHalves(type, values[4], values[5]), bothHalves(type, values[6], values[7])};
    }
}

/// A thread unpacks 8 bytes.
template <Type kType> __global__ void dequantise(const uint2* data, const __half* scales, long long rows, int columns, Type type, void* target)
{
    const int groups = (columns + kGroup - 1) / kGroup, pieces = groups * (kType == Type::Int8 ? 4 : 2);
    const long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= rows * pieces) {
        return;
    }
    const long long row = place / pieces;
    const int piece = int(place % pieces), group = piece / (kType == Type::Int8 ? 4 : 2);
    const int column = kType == Type::Int8 ? piece * 8 : group * kGroup + piece % 2 * 8;
    const uint2 both = data[place];
    const unsigned words[2] = {both.x, both.y};
    const float scale = __half2float(scales[row * groups + group]);
    float low[8], high[8];
#pragma unroll
    for (int n = 0; n < 8; ++n) {
        const int byte = int(words[n / 4] >> n % 4 * 8 & 255);
        low[n] = kType == Type::Int8 ? float(byte - 128) * scale : float((byte & 15) - 8) * scale;
        high[n] = float((byte >> 4) - 8) * scale;
    }
    storeEight(type, target, row * columns + column, low, min(8, columns - column));
    if (kType == Type::Int4) {
        storeEight(type, target, row * columns + column + 16, high, min(8, columns - column - 16));
    }
}

} // namespace hf::assistant::cuda
