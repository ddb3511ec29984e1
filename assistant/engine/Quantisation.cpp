#include "assistant/engine/Quantisation.h"

#include "assistant/engine/MatVecKernels.h"

#include <algorithm>
#include <array>
#include <vector>

namespace hf::assistant {

using namespace matvec;

namespace {

/// @param unpack  as Kernels::unpackGroup
template <typename Value, typename Unpack> void dequantise(const WeightView& w, Value* values, const Unpack& unpack)
{
#pragma omp parallel for schedule(static)
    for (std::int64_t block = 0; block < w.blocks(); ++block) {
        const auto* stored = static_cast<const std::uint8_t*>(w.data) + block * w.blockBytes();
        const std::int64_t first = block * kRows, rows = std::min<std::int64_t>(kRows, w.rows - first);
        for (std::int64_t group = 0; group < w.groups(); ++group) {
            std::array<Value, kRows * kGroup> part;
            unpack(w.type, stored + group * groupBytes(w.type), w.scales + (block * w.groups() + group) * kRows, part.data());
            const std::int64_t columns = std::min<std::int64_t>(kGroup, w.columns - group * kGroup);
            for (std::int64_t row = 0; row < rows; ++row) {
                std::copy_n(part.data() + row * kGroup, columns, values + (first + row) * w.columns + group * kGroup);
            }
        }
    }
}

} // namespace

void quantiseMatrix(const WeightView& source, const WeightView& target, std::uint8_t* data, std::uint16_t* scales)
{
#pragma omp parallel
    {
        std::vector<float> rows(std::size_t(kRows * source.columns));
#pragma omp for schedule(static)
        for (std::int64_t block = 0; block < source.blocks(); ++block) {
            const std::int64_t first = block * kRows * source.columns;
            const std::int64_t count = std::min<std::int64_t>(kRows, source.rows - block * kRows) * source.columns;
            for (std::int64_t n = 0; n < count; ++n) {
                rows[std::size_t(n)] = valueAt(source, first + n);
            }
            quantiseBlocks(target, rows.data(), data, scales, block, 1);
        }
    }
}

void dequantiseMatrix(const WeightView& weights, float* values) { dequantise(weights, values, unpackGroup); }

void dequantiseMatrix(const WeightView& weights, std::uint16_t* bf16Values, MatVecKind kind)
{
    dequantise(weights, bf16Values, kernelsOf(kind).unpackGroup);
}

} // namespace hf::assistant
