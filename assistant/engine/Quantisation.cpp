#include "assistant/engine/Quantisation.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace hf::assistant {

namespace {

void copyRow(float* target, const float* values, std::int64_t count) { std::copy_n(values, count, target); }

void copyRow(std::uint16_t* target, const float* values, std::int64_t count)
{
    for (std::int64_t n = 0; n < count; ++n) {
        std::uint32_t bits;
        std::memcpy(&bits, values + n, sizeof bits);
        target[n] = std::uint16_t((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }
}

template <typename Value> void dequantise(const WeightView& weights, Value* values)
{
    constexpr std::int64_t kRows = WeightView::kBlockRows;
#pragma omp parallel
    {
        std::vector<float> rows(std::size_t(kRows * weights.columns));
#pragma omp for schedule(static)
        for (std::int64_t block = 0; block < weights.blocks(); ++block) {
            dequantiseBlock(weights, block, rows.data());
            const std::int64_t count = std::min(kRows, weights.rows - block * kRows);
            copyRow(values + block * kRows * weights.columns, rows.data(), count * weights.columns);
        }
    }
}

} // namespace

void quantiseMatrix(const WeightView& source, const WeightView& target, std::uint8_t* data, std::uint16_t* scales)
{
    constexpr std::int64_t kRows = WeightView::kBlockRows;
#pragma omp parallel
    {
        std::vector<float> rows(std::size_t(kRows * source.columns));
#pragma omp for schedule(static)
        for (std::int64_t block = 0; block < source.blocks(); ++block) {
            const std::int64_t first = block * kRows * source.columns;
            const std::int64_t count = std::min(kRows, source.rows - block * kRows) * source.columns;
            for (std::int64_t n = 0; n < count; ++n) {
                rows[std::size_t(n)] = valueAt(source, first + n);
            }
            quantiseBlocks(target, rows.data(), data, scales, block, 1);
        }
    }
}

void dequantiseMatrix(const WeightView& weights, float* values) { dequantise(weights, values); }
void dequantiseMatrix(const WeightView& weights, std::uint16_t* bf16Values) { dequantise(weights, bf16Values); }

} // namespace hf::assistant
