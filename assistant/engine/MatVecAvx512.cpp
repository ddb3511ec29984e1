#include "assistant/engine/MatVecKernels.h"

#include <algorithm>
#include <cstring>

#include <immintrin.h>

namespace hf::assistant::matvec {

namespace {

/// Memory is read ahead by this much.
constexpr std::int64_t kAhead = 2048;

#define HF_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,f16c")))

template <WeightView::Type type> HF_AVX512 inline __m512 load16(const void* data, std::int64_t at)
{
    if constexpr (type == WeightView::Type::Fp32) {
        return _mm512_loadu_ps(static_cast<const float*>(data) + at);
    } else {
        const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(static_cast<const std::uint16_t*>(data) + at));
        if constexpr (type == WeightView::Type::Fp16) {
            return _mm512_cvtph_ps(half);
        }
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
    }
}

/// One row after the other: a single stream is what the processor reads best (Zen 5: 50 GB/s on two cores; 37 with four rows side by side, 44 with eight), and
/// x stays in the first cache.
template <WeightView::Type type> HF_AVX512 void floatRows(const WeightView& w, const float* x, float* y, std::int64_t begin, std::int64_t end)
{
    constexpr std::int64_t kWidth = type == WeightView::Type::Fp32 ? 4 : 2, kStep = 128;
    const std::int64_t columns = w.columns, whole = columns / 16 * 16;
    for (std::int64_t row = begin; row < end; ++row) {
        __m512 sums[kStep / 16];
        for (auto& sum : sums) {
            sum = _mm512_setzero_ps();
        }
        std::int64_t k = 0;
        for (; k + kStep <= whole; k += kStep) {
            const std::int64_t at = row * columns + k;
            for (std::int64_t byte = 0; byte < kStep * kWidth; byte += 64) {
                _mm_prefetch(static_cast<const char*>(w.data) + at * kWidth + byte + kAhead, _MM_HINT_T0);
            }
            for (int n = 0; n < kStep / 16; ++n) {
                sums[n] = _mm512_fmadd_ps(load16<type>(w.data, at + 16 * n), _mm512_loadu_ps(x + k + 16 * n), sums[n]);
            }
        }
        for (; k < whole; k += 16) {
            sums[0] = _mm512_fmadd_ps(load16<type>(w.data, row * columns + k), _mm512_loadu_ps(x + k), sums[0]);
        }
        for (int width = kStep / 32; width > 0; width /= 2) {
            for (int n = 0; n < width; ++n) {
                sums[n] = _mm512_add_ps(sums[n], sums[n + width]);
            }
        }
        y[row] = _mm512_reduce_add_ps(sums[0]) + tailDot(w, row, x, whole);
    }
}

/// kRegisters times 16 columns stay in registers while the rows go by.
template <WeightView::Type type, int kRegisters> HF_AVX512 inline void sumColumns(const WeightView& w, const float* p, float* y, std::int64_t first)
{
    __m512 sums[kRegisters];
    for (auto& sum : sums) {
        sum = _mm512_setzero_ps();
    }
    for (std::int64_t row = 0; row < w.rows; ++row) {
        const __m512 factor = _mm512_set1_ps(p[row]);
        for (int n = 0; n < kRegisters; ++n) {
            sums[n] = _mm512_fmadd_ps(load16<type>(w.data, row * w.columns + first + n * 16), factor, sums[n]);
        }
    }
    for (int n = 0; n < kRegisters; ++n) {
        _mm512_storeu_ps(y + first + n * 16, sums[n]);
    }
}

/// A usual head's 128 columns at once, so that memory is read in one go; what is left over is summed plainly.
template <WeightView::Type type> HF_AVX512 void sumRowsOf(const WeightView& w, const float* p, float* y)
{
    std::int64_t first = 0;
    for (; first + 128 <= w.columns; first += 128) {
        sumColumns<type, 8>(w, p, y, first);
    }
    for (; first + 64 <= w.columns; first += 64) {
        sumColumns<type, 4>(w, p, y, first);
    }
    tailSums(w, p, y, first);
}

HF_AVX512 std::uint64_t readAllOf(const char* bytes, std::int64_t count, bool ahead)
{
    __m512i sums[4];
    for (auto& sum : sums) {
        sum = _mm512_setzero_si512();
    }
    for (std::int64_t at = 0; at < count; at += 256) {
        for (int n = 0; n < 4; ++n) {
            if (ahead) {
                _mm_prefetch(bytes + at + n * 64 + kAhead, _MM_HINT_T0);
            }
            sums[n] = _mm512_add_epi64(sums[n], _mm512_loadu_si512(bytes + at + n * 64));
        }
    }
    return std::uint64_t(_mm512_reduce_add_epi64(_mm512_add_epi64(_mm512_add_epi64(sums[0], sums[1]), _mm512_add_epi64(sums[2], sums[3]))));
}

/// A lane is a row of the block: no sums across lanes.
template <WeightView::Type type> HF_AVX512 void quantisedBlock(const WeightView& w, const InputVector& x, float* y, std::int64_t block)
{
    const std::int64_t groups = w.groups();
    const auto* data = static_cast<const std::uint8_t*>(w.data) + block * w.blockBytes();
    const std::uint16_t* scales = w.scales + block * groups * kRows;
    const __m512i low = _mm512_set1_epi8(15);
    __m512 sum = _mm512_setzero_ps();
    for (std::int64_t group = 0; group < groups; ++group) {
        const std::int8_t* values = x.bytes() + group * kGroup;
        const auto four = [values](int n) __attribute__((target("avx512f"))) {
            std::int32_t bits;
            std::memcpy(&bits, values + 4 * n, sizeof bits);
            return _mm512_set1_epi32(bits);
        };
        // Two chains, so that the next product does not wait for the last.
        __m512i first = _mm512_set1_epi32((type == WeightView::Type::Int8 ? -128 : -8) * x.sums()[group]);
        __m512i second = _mm512_setzero_si512();
        if constexpr (type == WeightView::Type::Int8) {
            for (int n = 0; n < 8; n += 2) {
                _mm_prefetch(reinterpret_cast<const char*>(data) + n * 64 + kAhead, _MM_HINT_T0);
                _mm_prefetch(reinterpret_cast<const char*>(data) + n * 64 + 64 + kAhead, _MM_HINT_T0);
                first = _mm512_dpbusd_epi32(first, _mm512_loadu_si512(data + n * 64), four(n));
                second = _mm512_dpbusd_epi32(second, _mm512_loadu_si512(data + n * 64 + 64), four(n + 1));
            }
            data += kInt8Bytes;
        } else {
            for (int n = 0; n < 4; ++n) {
                _mm_prefetch(reinterpret_cast<const char*>(data) + n * 64 + kAhead, _MM_HINT_T0);
                const __m512i both = _mm512_loadu_si512(data + n * 64);
                first = _mm512_dpbusd_epi32(first, _mm512_and_si512(both, low), four(n));
                second = _mm512_dpbusd_epi32(second, _mm512_and_si512(_mm512_srli_epi16(both, 4), low), four(n + 4));
            }
            data += kInt4Bytes;
        }
        const __m512 factor = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(scales + group * kRows)));
        sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(first, second)), _mm512_mul_ps(factor, _mm512_set1_ps(x.factors()[group])), sum);
    }
    const std::int64_t row = block * kRows;
    const auto mask = __mmask16(w.rows - row >= kRows ? 0xFFFF : (1 << (w.rows - row)) - 1);
    _mm512_mask_storeu_ps(y + row, mask, sum);
}

/// Two blocks at once share what is loaded of x. The sums of a tile are twelve chains, so that no product waits for another.
HF_AVX512 void multiplyTile(const WeightPanel& w, const InputTile& x, float* y)
{
    __m512 sums[kTileRows][kPanelBlocks];
    for (auto& row : sums) {
        row[0] = row[1] = _mm512_setzero_ps();
    }
    for (std::int64_t group = 0; group < w.groups; ++group) {
        const std::int8_t* bytes = x.bytes + group * kTileRows * kGroup;
        __m512i dots[kTileRows][kPanelBlocks];
        for (int row = 0; row < kTileRows; ++row) {
            dots[row][0] = dots[row][1] = _mm512_set1_epi32(x.offsets[group * kTileRows + row]);
        }
        for (int n = 0; n < kGroup / 4; ++n) {
            const __m512i first = _mm512_load_si512(w.values[0] + group * kInt8Bytes + n * 64);
            const __m512i second = _mm512_load_si512(w.values[1] + group * kInt8Bytes + n * 64);
            for (int row = 0; row < kTileRows; ++row) {
                std::int32_t bits;
                std::memcpy(&bits, bytes + row * kGroup + 4 * n, sizeof bits);
                const __m512i four = _mm512_set1_epi32(bits);
                dots[row][0] = _mm512_dpbusd_epi32(dots[row][0], first, four);
                dots[row][1] = _mm512_dpbusd_epi32(dots[row][1], second, four);
            }
        }
        for (int block = 0; block < kPanelBlocks; ++block) {
            const __m512 scales = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w.scales[block] + group * kRows)));
            for (int row = 0; row < kTileRows; ++row) {
                const __m512 factor = _mm512_mul_ps(scales, _mm512_set1_ps(x.factors[group * kTileRows + row]));
                sums[row][block] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[row][block]), factor, sums[row][block]);
            }
        }
    }
    for (int row = 0; row < kTileRows; ++row) {
        for (int block = 0; block < kPanelBlocks; ++block) {
            _mm512_storeu_ps(y + row * kPanelRows + block * kRows, sums[row][block]);
        }
    }
}

void anyFloatRows(const WeightView& w, const float* x, float* y, std::int64_t begin, std::int64_t end)
{
    withFloatType(w.type, [&]<WeightView::Type type>() { floatRows<type>(w, x, y, begin, end); });
}

void anySumRows(const WeightView& w, const float* p, float* y)
{
    withFloatType(w.type, [&]<WeightView::Type type>() { sumRowsOf<type>(w, p, y); });
}

void anyQuantisedBlock(const WeightView& w, const InputVector& x, float* y, std::int64_t block)
{
    w.type == WeightView::Type::Int8 ? quantisedBlock<WeightView::Type::Int8>(w, x, y, block) : quantisedBlock<WeightView::Type::Int4>(w, x, y, block);
}

} // namespace

const Kernels& avx512Kernels()
{
    // Unpacking waits for memory in the narrower form already.
    static const Kernels kernels{anyFloatRows, anySumRows, anyQuantisedBlock, readAllOf, multiplyTile, avx2Kernels().unpackGroup};
    return kernels;
}

} // namespace hf::assistant::matvec
