#pragma once

#include "assistant/engine/PackedWeight.h"

#include <torch/types.h>

namespace hf::assistant {

/// The int8 or int4 form of a matrix with its rows one after the other, as a GPU reads it (cuda::Matrix says how); the same numbers as
/// PackedWeight. Made of tensor operations, so on any device.
struct RowPackedWeight {
    WeightView::Type type = WeightView::Type::Int8;
    std::int64_t rows = 0, columns = 0;
    torch::Tensor data;     ///< uint8 [rows, groups * 32 or 16]
    torch::Tensor scales;   ///< fp16 [rows, groups]

    /// Rounds a matrix on its own device; chooses the factors as quantiseBlocks() does.
    static RowPackedWeight of(const torch::Tensor& weight, WeightView::Type type);
    /// The same numbers in another order.
    static RowPackedWeight of(const PackedWeight& packed, torch::Device device);
    /// [rows, columns] on the same device.
    torch::Tensor dense(torch::ScalarType wanted) const;
    std::size_t bytes() const { return data.nbytes() + scales.nbytes(); }
};

} // namespace hf::assistant
