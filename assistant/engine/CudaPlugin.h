#pragma once

#include "assistant/engine/Llama.h"
#include "assistant/engine/RowPackedWeight.h"
#include "assistant/engine/cuda/DecoderPlugin.h"

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hf::assistant {

/// The plug-in libhf_cuda.so beside the program (or the file that HF_CUDA_PLUGIN names), opened once, after CUDA itself. Null where it is
/// not there or is one of another version; `problem` says why.
const cuda::Interface* cudaPlugin(std::string* problem = nullptr);

/// A matrix of a GPU as the plug-in takes it; what it points to is added to `kept`.
cuda::Matrix cudaMatrix(const torch::Tensor& weight, std::vector<torch::Tensor>& kept);
cuda::Matrix cudaMatrix(const LinearImpl& linear, std::vector<torch::Tensor>& kept);

/// RowPackedWeight::dense() by the plug-in; nothing where the matrix is not on a GPU or the plug-in is not there.
std::optional<torch::Tensor> unpackedByPlugin(const RowPackedWeight& packed, torch::ScalarType wanted);

/// Generates single tokens on a GPU, a whole step as one captured graph. The same numbers as LlamaDecoder: activations in fp32, vectors
/// rounded to int8 for packed weights. LlamaImpl::forward() is its oracle. One caller.
class CudaDecoder {
public:
    /// @param weights  what `setup` points to; kept. @throws Error "device" when the plug-in is not there or cannot take this model.
    CudaDecoder(cuda::Setup setup, std::vector<cuda::Layer> layers, std::vector<torch::Tensor> weights);
    ~CudaDecoder();
    CudaDecoder(const CudaDecoder&) = delete;
    CudaDecoder& operator=(const CudaDecoder&) = delete;

    struct Step {
        torch::Tensor logits;       ///< fp32 [head rows], on the device; the next step overwrites them
        std::int64_t best = 0;
    };
    /// Adds the token behind the rows of `cache`. @param cosine, sine  of its position, fp32 on the CPU.
    Step step(std::int64_t token, KeyValueCache& cache, const float* cosine, const float* sine);
    std::int64_t bytesPerStep() const { return m_bytesPerStep; }

private:
    void follow(const KeyValueCache& cache);

    const cuda::Interface& m_plugin;
    std::vector<torch::Tensor> m_weights;
    torch::Tensor m_logits;
    void* m_decoder = nullptr;
    std::vector<void*> m_keys, m_values;    ///< where the cache was, with its size: it moves when it grows or another one is used
    std::int64_t m_capacity = 0;
    std::int64_t m_bytesPerStep = 0;
};

} // namespace hf::assistant
