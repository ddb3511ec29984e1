#include "assistant/engine/MatMul.h"

#include "assistant/engine/MatVecKernels.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

namespace hf::assistant {

using namespace matvec;

namespace {

/// Row `row` of an Fp32 or Bf16 matrix as fp32, with zeros up to `padded`.
HF_CLONES void widenRow(const WeightView& x, std::int64_t row, float* values, std::int64_t padded)
{
    if (x.type == WeightView::Type::Fp32) {
        std::copy_n(static_cast<const float*>(x.data) + row * x.columns, x.columns, values);
    } else {
        const auto* halves = static_cast<const std::uint16_t*>(x.data) + row * x.columns;
        for (std::int64_t k = 0; k < x.columns; ++k) {
            const std::uint32_t bits = std::uint32_t(halves[k]) << 16;
            std::memcpy(values + k, &bits, sizeof bits);
        }
    }
    std::fill(values + x.columns, values + padded, 0.0F);
}

/// fp32 values to Fp32 or Bf16, rounded to nearest even.
HF_CLONES void storeRow(const float* values, std::int64_t count, WeightView::Type type, void* y, std::int64_t at)
{
    if (type == WeightView::Type::Fp32) {
        std::copy_n(values, count, static_cast<float*>(y) + at);
        return;
    }
    std::transform(values, values + count, static_cast<std::uint16_t*>(y) + at, bf16OfFloat);
}

/// Rows rounded to int8, in tiles. What is left of the last one has the last row again.
class InputTiles {
public:
    /// @param zero  the number that stands for zero in the weights
    InputTiles(const WeightView& x, int zero)
        : m_groups(x.groups()), m_count((x.rows + kTileRows - 1) / kTileRows),
          m_bytes(std::make_unique_for_overwrite<std::int8_t[]>(std::size_t(m_count * m_groups * kTileRows * kGroup))),
          m_factors(std::make_unique_for_overwrite<float[]>(std::size_t(m_count * m_groups * kTileRows))),
          m_offsets(std::make_unique_for_overwrite<std::int32_t[]>(std::size_t(m_count * m_groups * kTileRows)))
    {
#pragma omp parallel
        {
            std::vector<float> values(std::size_t(m_groups * kGroup));
#pragma omp for schedule(static)
            for (std::int64_t row = 0; row < m_count * kTileRows; ++row) {
                widenRow(x, std::min(row, x.rows - 1), values.data(), m_groups * kGroup);
                setRow(row, values.data(), zero);
            }
        }
    }

    std::int64_t count() const { return m_count; }
    InputTile at(std::int64_t tile) const
    {
        const std::int64_t first = tile * m_groups * kTileRows;
        return {m_bytes.get() + first * kGroup, m_factors.get() + first, m_offsets.get() + first};
    }

private:
    void setRow(std::int64_t row, const float* values, int zero)
    {
        for (std::int64_t group = 0; group < m_groups; ++group) {
            const std::int64_t at = (row / kTileRows * m_groups + group) * kTileRows + row % kTileRows;
            const RoundedGroup rounded = roundGroup(values + group * kGroup, m_bytes.get() + at * kGroup);
            m_factors[std::size_t(at)] = rounded.factor;
            m_offsets[std::size_t(at)] = -zero * rounded.sum;
        }
    }

    std::int64_t m_groups, m_count;
    std::unique_ptr<std::int8_t[]> m_bytes;
    std::unique_ptr<float[]> m_factors;
    std::unique_ptr<std::int32_t[]> m_offsets;
};

/// The halves of an int4 block's bytes, one a byte: the layout of int8.
HF_CLONES void widenBlock(const std::uint8_t* stored, std::int64_t groups, std::uint8_t* values)
{
    for (std::int64_t group = 0; group < groups; ++group, stored += kInt4Bytes, values += kInt8Bytes) {
        for (int n = 0; n < kInt4Bytes; ++n) {
            values[n] = stored[n] & 15;
            values[n + kInt4Bytes] = stored[n] >> 4;
        }
    }
}

/// A panel with memory of its own, which is read again for each tile.
class PanelBuffer {
public:
    explicit PanelBuffer(const WeightView& w) : m_lines(std::size_t(kPanelBlocks * w.groups() * kInt8Bytes / 64)) {}

    /// Blocks `first` and the next ones; where there is none, the last again.
    WeightPanel filled(const WeightView& w, std::int64_t first)
    {
        WeightPanel panel{w.type, w.groups(), {}, {}};
        for (int n = 0; n < kPanelBlocks; ++n) {
            const std::int64_t block = std::min(first + n, w.blocks() - 1);
            const auto* stored = static_cast<const std::uint8_t*>(w.data) + block * w.blockBytes();
            std::uint8_t* const values = m_lines[std::size_t(n * w.groups() * kInt8Bytes / 64)].bytes;
            if (w.type == WeightView::Type::Int4) {
                widenBlock(stored, w.groups(), values);
            } else {
                std::copy_n(stored, w.blockBytes(), values);
            }
            panel.values[n] = values;
            panel.scales[n] = w.scales + block * w.groups() * kRows;
        }
        return panel;
    }

private:
    struct alignas(64) Line { std::uint8_t bytes[64]; };
    std::vector<Line> m_lines;
};

} // namespace

void multiplyRows(const WeightView& w, const WeightView& x, void* y, MatVecKind kind)
{
    const auto multiplyTile = kernelsOf(kind).multiplyTile;
    const InputTiles tiles(x, zeroOf(w.type));
#pragma omp parallel
    {
        PanelBuffer buffer(w);
        alignas(64) float products[kTileRows * kPanelRows];
#pragma omp for schedule(dynamic)
        for (std::int64_t first = 0; first < w.blocks(); first += kPanelBlocks) {
            const WeightPanel panel = buffer.filled(w, first);
            const std::int64_t begin = first * kRows, count = std::min<std::int64_t>(kPanelRows, w.rows - begin);
            for (std::int64_t tile = 0; tile < tiles.count(); ++tile) {
                multiplyTile(panel, tiles.at(tile), products);
                for (std::int64_t row = tile * kTileRows; row < std::min(x.rows, (tile + 1) * kTileRows); ++row) {
                    storeRow(products + row % kTileRows * kPanelRows, count, x.type, y, row * w.rows + begin);
                }
            }
        }
    }
}

} // namespace hf::assistant
