#pragma once

#include <cstdint>

/// The border between the engine and its CUDA plug-in libhf_cuda.so, which is built by nvcc, knows nothing of LibTorch, and is opened at
/// run time. Plain data only; every pointer to weights and results is one of the device. Not thread-safe: one caller a decoder.
namespace hf::assistant::cuda {

constexpr int kInterfaceVersion = 1;

/// As WeightView::Type, in the same order.
enum class Type : std::int32_t { Fp32, Fp16, Bf16, Int8, Int4 };

/// Rows one after the other. Int8 and Int4: in groups of 32 columns, of 32 or 16 bytes (int4: columns 0 to 15 in the low halves, 16 to 31
/// in the high ones); values are unsigned, 128 or 8 stands for zero; `scales` has an fp16 factor for each row and group.
struct Matrix {
    Type type = Type::Fp32;
    std::int64_t rows = 0, columns = 0;
    const void* data = nullptr;
    const void* scales = nullptr;
};

/// Norms are fp32.
struct Layer {
    Matrix q, k, v, o, gate, up, down;
    const float* inputNorm = nullptr;
    const float* postAttentionNorm = nullptr;
};

struct Setup {
    int device = 0;
    int hiddenSize = 0, innerSize = 0, heads = 0, keyValueHeads = 0, headDim = 0, layers = 0;
    float rmsNormEps = 0;
    Type cacheType = Type::Bf16;        ///< Fp32, Fp16 or Bf16
    std::int64_t choices = 0;           ///< only the first so many rows of the head can be the best token
    const Layer* layer = nullptr;       ///< [layers]
    const float* finalNorm = nullptr;
    Matrix head, embedding;
    float* logits = nullptr;            ///< receives [head rows]
};

/// Functions return 0, or another number with the reason in `error` (at most `errorSize` bytes with the closing zero).
struct Interface {
    int version = kInterfaceVersion;
    /// Takes no copy of weights: they must stay where they are. @return null when something about the setup cannot be done.
    void* (*create)(const Setup& setup, char* error, int errorSize) = nullptr;
    void (*destroy)(void* decoder) = nullptr;
    /// Each layer's keys and values, [key/value heads, capacity, head dim] of the cache's type.
    int (*setCaches)(void* decoder, void* const* keys, void* const* values, std::int64_t capacity, char* error, int errorSize) = nullptr;
    /// One token: writes row `position` of the caches and the logits; `best` is the place of the largest. Waits for its end.
    /// @param cosine, sine  of the position, [head dim], on the host.
    int (*step)(void* decoder, std::int64_t token, std::int64_t position, const float* cosine, const float* sine, std::int64_t* best, char* error, int errorSize) = nullptr;
    /// An int8 or int4 matrix in full, as fp32, fp16 or bf16 [rows, columns], on the default stream.
    int (*dequantise)(const Matrix& matrix, Type type, void* target, char* error, int errorSize) = nullptr;
};

} // namespace hf::assistant::cuda

/// The one symbol of the plug-in.
extern "C" const hf::assistant::cuda::Interface* hfCudaInterface();
