#pragma once

#include "assistant/engine/MatVec.h"

// Internal to MatVec: what each kind of processor does. All forms read the layouts of WeightView and give the same products.
namespace hf::assistant::matvec {

constexpr int kRows = WeightView::kBlockRows, kGroup = WeightView::kGroup;
constexpr std::int64_t kInt8Bytes = kRows * kGroup, kInt4Bytes = kRows * kGroup / 2;   // of one group of a block

/// Memory is read ahead by this much; a mapped file has small pages, which the processor's own prefetch does not cross.
constexpr std::int64_t kAheadBytes = 4096;

struct Kernels {
    /// Rows `begin` to `end` of Fp32, Fp16 or Bf16.
    void (*floatRows)(const WeightView& w, const float* x, float* y, std::int64_t begin, std::int64_t end);
    void (*sumRows)(const WeightView& w, const float* p, float* y);
    /// One block of Int8 or Int4.
    void (*quantisedBlock)(const WeightView& w, const InputVector& x, float* y, std::int64_t block);
    std::uint64_t (*readAll)(const char* bytes, std::int64_t count, bool ahead);
};

/// For processors with AVX2, FMA and F16C; not to be called on others.
const Kernels& avx2Kernels();
/// For processors with AVX-512 F, BW, VL and VNNI; not to be called on others.
const Kernels& avx512Kernels();

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
