#pragma once

#include "assistant/engine/MatVec.h"

#include <torch/types.h>

#include <string>

namespace hf::assistant {

/// A weight matrix rounded to int8 or int4, in the layout of WeightView, on the CPU. It may lie in a mapped file.
struct PackedWeight {
    WeightView::Type type = WeightView::Type::Int8;
    std::int64_t rows = 0, columns = 0;
    torch::Tensor data;     ///< uint8 [blocks, bytes of a block]
    torch::Tensor scales;   ///< fp16 [blocks, groups, 16]

    static PackedWeight of(const torch::Tensor& weight, WeightView::Type type);
    WeightView view() const;
    /// [rows, columns] as fp32 or bf16; other types get fp32 first.
    torch::Tensor dense(torch::ScalarType wanted) const;
    /// x W^T for x [.., columns] on the CPU, in its type; x is rounded to int8, see multiplyRows(). Not for a backward pass.
    torch::Tensor product(const torch::Tensor& x) const;
};

/// "int8", "int4"; none for "none" and "". @throws Error "arguments" for another word.
std::optional<WeightView::Type> quantisationOf(const std::string& word);

/// A contiguous fp32, fp16 or bf16 matrix on the CPU as the kernels see it.
WeightView viewOf(const torch::Tensor& matrix);

} // namespace hf::assistant
