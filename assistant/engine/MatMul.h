#pragma once

#include "assistant/engine/MatVec.h"

namespace hf::assistant {

/// y[t, n] = sum over k of x[t, k] W[n, k] for an Int8 or Int4 matrix and many rows of x, which are rounded to int8 with a factor for each
/// 32 values as InputVector does it for one: products are made of integers. With all threads (OpenMP). Torch-free.
/// @param x  Fp32 or Bf16, [T, columns of W]
/// @param y  receives [T, rows of W] in the type of x
void multiplyRows(const WeightView& weights, const WeightView& x, void* y, MatVecKind kind = bestMatVec());

} // namespace hf::assistant
