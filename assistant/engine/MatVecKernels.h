#pragma once

#include "assistant/engine/MatVec.h"

#include <cstring>

// Internal to MatVec: what each kind of processor does. All forms read the layouts of WeightView and give the same products.
namespace hf::assistant::matvec {

constexpr int kRows = WeightView::kBlockRows, kGroup = WeightView::kGroup;
constexpr std::int64_t kInt8Bytes = kRows * kGroup, kInt4Bytes = kRows * kGroup / 2;   // of one group of a block

/// Memory is read ahead by this much; a mapped file has small pages, which the processor's own prefetch does not cross.
constexpr std::int64_t kAheadBytes = 4096;

// What runs over whole models or many rows is compiled for wider processors too where the compiler finds the vectors itself.
#define HF_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))

/// Products with many rows go by tiles: some rows of x times a panel of blocks of weights, whose sums stay in registers.
constexpr int kTileRows = 6, kPanelBlocks = 2, kPanelRows = kPanelBlocks * kRows;

/// Successive blocks of weights, one byte a value in the layout of Int8 (0 to 15 for Int4), aligned to 64 bytes.
struct WeightPanel {
    WeightView::Type type;
    std::int64_t groups;
    const std::uint8_t* values[kPanelBlocks];
    const std::uint16_t* scales[kPanelBlocks];
};

/// Some rows of x rounded to int8: a group after the other, in each a row after the other.
struct InputTile {
    const std::int8_t* bytes;       ///< [groups, kTileRows, kGroup]
    const float* factors;           ///< [groups, kTileRows]
    const std::int32_t* offsets;    ///< [groups, kTileRows], what the weights' zero adds to the sum of a group's products, negated
};

struct Kernels {
    /// Rows `begin` to `end` of Fp32, Fp16 or Bf16.
    void (*floatRows)(const WeightView& w, const float* x, float* y, std::int64_t begin, std::int64_t end);
    void (*sumRows)(const WeightView& w, const float* p, float* y);
    /// One block of Int8 or Int4.
    void (*quantisedBlock)(const WeightView& w, const InputVector& x, float* y, std::int64_t block);
    std::uint64_t (*readAll)(const char* bytes, std::int64_t count, bool ahead);
    /// y [kTileRows, kPanelRows]
    void (*multiplyTile)(const WeightPanel& w, const InputTile& x, float* y);
    /// A group of a block of Int8 or Int4 as bf16 [kRows, kGroup].
    void (*unpackGroup)(WeightView::Type type, const std::uint8_t* stored, const std::uint16_t* scales, std::uint16_t* values);
};

const Kernels& kernelsOf(MatVecKind kind);

/// For processors with AVX2, FMA and F16C; not to be called on others.
const Kernels& avx2Kernels();
/// For processors with AVX-512 F, BW, VL and VNNI; not to be called on others.
const Kernels& avx512Kernels();

inline std::int64_t groupBytes(WeightView::Type type) { return type == WeightView::Type::Int8 ? kInt8Bytes : kInt4Bytes; }
/// The number that stands for zero in Int8 or Int4.
inline int zeroOf(WeightView::Type type) { return type == WeightView::Type::Int8 ? 128 : 8; }

/// A group of a block of Int8 or Int4 as fp32 [kRows, kGroup].
void unpackGroup(WeightView::Type type, const std::uint8_t* stored, const std::uint16_t* scales, float* values);

/// fp32 to bf16, to nearest even.
inline std::uint16_t bf16OfFloat(float value)
{
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return std::uint16_t((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/// A group of 32 values as int8 numbers times a factor.
struct RoundedGroup {
    float factor;
    std::int32_t sum;   ///< of the int8 numbers
};
RoundedGroup roundGroup(const float* values, std::int8_t* bytes);

/// Calls `work.operator()<type>()` for a type that is Fp32, Fp16 or Bf16.
template <typename Work> void withFloatType(WeightView::Type type, Work&& work)
{
    switch (type) {
    case WeightView::Type::Fp32: return work.template operator()<WeightView::Type::Fp32>();
    case WeightView::Type::Fp16: return work.template operator()<WeightView::Type::Fp16>();
    default: return work.template operator()<WeightView::Type::Bf16>();
    }
}

/// The products of the columns from `begin` on, one by one.
inline float tailDot(const WeightView& w, std::int64_t row, const float* x, std::int64_t begin)
{
    float sum = 0;
    for (std::int64_t k = begin; k < w.columns; ++k) {
        sum += valueAt(w, row * w.columns + k) * x[k];
    }
    return sum;
}

/// The sums of the columns from `begin` on, one by one.
inline void tailSums(const WeightView& w, const float* p, float* y, std::int64_t begin)
{
    for (std::int64_t k = begin; k < w.columns; ++k) {
        y[k] = 0;
        for (std::int64_t row = 0; row < w.rows; ++row) {
            y[k] += p[row] * valueAt(w, row * w.columns + k);
        }
    }
}

} // namespace hf::assistant::matvec
