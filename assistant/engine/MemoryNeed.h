#pragma once

#include "assistant/engine/VilaConfig.h"
#include "viewer/volume/Memory.h"

#include <cstdint>
#include <optional>
#include <string>

namespace hf::assistant {

/// Bytes that a checkpoint takes in use on the CPU.
struct MemoryNeed {
    std::uint64_t weights = 0;  ///< those that a file holds in the same form are mapped, not copied, but want to stay in memory all the same
    std::uint64_t cache = 0;    ///< keys and values of the longest sequence that it was trained for
    std::uint64_t working = 0;  ///< activations and what the libraries take
    std::uint64_t total() const { return weights + cache + working; }
};

/// @param bytesPerValue  4 for fp32, 2 for bf16 and fp16. @param quantisation  "none", "int8", "int4": of the language model's matrices.
MemoryNeed memoryNeed(const VilaConfig& config, int bytesPerValue, const std::string& quantisation);

/// @throws Error "memory" when the need is larger than `available`: with needed and free bytes, and the quantisation that would fit.
void checkMemory(const VilaConfig& config, int bytesPerValue, const std::string& quantisation, std::uint64_t available);

} // namespace hf::assistant
