#pragma once

#include "assistant/engine/MatVec.h"

namespace hf::assistant {

// With all threads (OpenMP). Torch-free.

/// Rounds `source` (Fp32, Fp16 or Bf16) to the type of `target`, which has the same size; `data` and `scales` as of quantiseBlocks().
void quantiseMatrix(const WeightView& source, const WeightView& target, std::uint8_t* data, std::uint16_t* scales);

/// The other way, rows one after the other: fp32 or bf16 values [rows, columns].
void dequantiseMatrix(const WeightView& weights, float* values);
void dequantiseMatrix(const WeightView& weights, std::uint16_t* bf16Values, MatVecKind kind = bestMatVec());

} // namespace hf::assistant
