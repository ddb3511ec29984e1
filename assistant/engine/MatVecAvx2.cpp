#include "assistant/engine/MatVecKernels.h"

#include <algorithm>
#include <cstring>

#include <immintrin.h>

namespace hf::assistant::matvec {

namespace {

/// Read ahead by less than kAheadBytes: 24 GB/s become 31 on two cores of a Zen 3 that read 36 at most.
constexpr std::int64_t kAheadOfRows = 512;

#define HF_AVX2 __attribute__((target("avx2,fma,f16c")))

template <WeightView::Type type> HF_AVX2 inline __m256 load8(const void* data, std::int64_t at)
{
    if constexpr (type == WeightView::Type::Fp32) {
        return _mm256_loadu_ps(static_cast<const float*>(data) + at);
    } else {
        const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(static_cast<const std::uint16_t*>(data) + at));
        if constexpr (type == WeightView::Type::Fp16) {
            return _mm256_cvtph_ps(half);
        }
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
    }
}

HF_AVX2 inline float total(__m256 sum)
{
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/// Eight rows at a time: they share what is loaded of x, and memory is quickest with several streams.
template <WeightView::Type type> HF_AVX2 void floatRows(const WeightView& w, const float* x, float* y, std::int64_t begin, std::int64_t end)
{
    constexpr std::int64_t kWidth = type == WeightView::Type::Fp32 ? 4 : 2, kStep = 64 / kWidth;  // a line of the cache
    constexpr int kRowsAtOnce = 8;
    const std::int64_t columns = w.columns, whole = columns / kStep * kStep;
    std::int64_t row = begin;
    for (; row + kRowsAtOnce <= end; row += kRowsAtOnce) {
        __m256 sums[kRowsAtOnce];
        for (auto& sum : sums) {
            sum = _mm256_setzero_ps();
        }
        for (std::int64_t k = 0; k < whole; k += kStep) {
            for (int n = 0; n < kRowsAtOnce; ++n) {
                const std::int64_t at = (row + n) * columns + k;
                _mm_prefetch(static_cast<const char*>(w.data) + at * kWidth + kAheadOfRows, _MM_HINT_T0);
                for (int part = 0; part < kStep; part += 8) {
                    sums[n] = _mm256_fmadd_ps(load8<type>(w.data, at + part), _mm256_loadu_ps(x + k + part), sums[n]);
                }
            }
        }
        for (int n = 0; n < kRowsAtOnce; ++n) {
            y[row + n] = total(sums[n]) + tailDot(w, row + n, x, whole);
        }
    }
    for (; row < end; ++row) {
        __m256 sum = _mm256_setzero_ps();
        for (std::int64_t k = 0; k < whole; k += 8) {
            sum = _mm256_fmadd_ps(load8<type>(w.data, row * columns + k), _mm256_loadu_ps(x + k), sum);
        }
        y[row] = total(sum) + tailDot(w, row, x, whole);
    }
}

/// 32 columns at a time stay in registers while the rows go by; what is left over is summed plainly.
template <WeightView::Type type> HF_AVX2 void sumRowsOf(const WeightView& w, const float* p, float* y)
{
    const std::int64_t columns = w.columns, whole = columns / 32 * 32;
    for (std::int64_t k = 0; k < whole; k += 32) {
        __m256 sums[4];
        for (auto& sum : sums) {
            sum = _mm256_setzero_ps();
        }
        for (std::int64_t row = 0; row < w.rows; ++row) {
            const __m256 factor = _mm256_set1_ps(p[row]);
            for (int n = 0; n < 4; ++n) {
                sums[n] = _mm256_fmadd_ps(load8<type>(w.data, row * columns + k + n * 8), factor, sums[n]);
            }
        }
        for (int n = 0; n < 4; ++n) {
            _mm256_storeu_ps(y + k + n * 8, sums[n]);
        }
    }
    tailSums(w, p, y, whole);
}

HF_AVX2 std::uint64_t readAllOf(const char* bytes, std::int64_t count, bool ahead)
{
    __m256i sums[4];
    for (auto& sum : sums) {
        sum = _mm256_setzero_si256();
    }
    for (std::int64_t at = 0; at < count; at += 128) {
        if (ahead) {
            _mm_prefetch(bytes + at + kAheadBytes, _MM_HINT_T0);
            _mm_prefetch(bytes + at + 64 + kAheadBytes, _MM_HINT_T0);
        }
        for (int n = 0; n < 4; ++n) {
            sums[n] = _mm256_add_epi64(sums[n], _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + at + n * 32)));
        }
    }
    alignas(32) std::uint64_t parts[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(parts), _mm256_add_epi64(_mm256_add_epi64(sums[0], sums[1]), _mm256_add_epi64(sums[2], sums[3])));
    return parts[0] + parts[1] + parts[2] + parts[3];
}

/// The integer products of one group with the 16 rows of a block: rows 0 to 7 and 8 to 15.
struct Products {
    __m256i low, high;
};

/// Unsigned bytes times signed ones in 16 bits can overflow; sizes of 128 at most times 127 cannot, so that signs go over to x.
HF_AVX2 inline Products int8Products(const std::uint8_t* data, const std::int8_t* x)
{
    const __m256i zero = _mm256_set1_epi8(-128), ones = _mm256_set1_epi16(1);
    Products sums{_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (int n = 0; n < 8; ++n) {
        std::int32_t bits;
        std::memcpy(&bits, x + 4 * n, sizeof bits);
        const __m256i four = _mm256_set1_epi32(bits);
        for (int part = 0; part < 2; ++part) {
            const __m256i rows = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + n * 64 + part * 32)), zero);
            const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(rows), _mm256_sign_epi8(four, rows));
            __m256i& sum = part == 0 ? sums.low : sums.high;
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
        }
    }
    return sums;
}

/// 15 * 127 * 2 fits 16 bits, so that bytes are multiplied as they are.
HF_AVX2 inline Products int4Products(const std::uint8_t* data, const std::int8_t* x)
{
    const __m256i fifteen = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
    Products sums{_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (int n = 0; n < 4; ++n) {
        std::int32_t bits, laterBits;
        std::memcpy(&bits, x + 4 * n, sizeof bits);
        std::memcpy(&laterBits, x + 16 + 4 * n, sizeof laterBits);
        const __m256i four = _mm256_set1_epi32(bits), later = _mm256_set1_epi32(laterBits);
        for (int part = 0; part < 2; ++part) {
            const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + n * 64 + part * 32));
            const __m256i first = _mm256_maddubs_epi16(_mm256_and_si256(both, fifteen), four);
            const __m256i second = _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(both, 4), fifteen), later);
            __m256i& sum = part == 0 ? sums.low : sums.high;
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(first, second), ones));
        }
    }
    return sums;
}

template <WeightView::Type type> HF_AVX2 void quantisedBlock(const WeightView& w, const InputVector& x, float* y, std::int64_t block)
{
    constexpr std::int64_t kBytes = type == WeightView::Type::Int8 ? kInt8Bytes : kInt4Bytes;
    const std::int64_t groups = w.groups();
    const auto* data = static_cast<const std::uint8_t*>(w.data) + block * w.blockBytes();
    const std::uint16_t* scales = w.scales + block * groups * kRows;
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    for (std::int64_t group = 0; group < groups; ++group, data += kBytes, scales += kRows) {
        for (std::int64_t at = 0; at < kBytes; at += 64) {
            _mm_prefetch(reinterpret_cast<const char*>(data) + at + kAheadBytes, _MM_HINT_T0);
        }
        const std::int8_t* values = x.bytes() + group * kGroup;
        Products products;
        if constexpr (type == WeightView::Type::Int8) {
            products = int8Products(data, values);
        } else {
            products = int4Products(data, values);
        }
        const __m256i zero = _mm256_set1_epi32(type == WeightView::Type::Int8 ? 0 : -8 * x.sums()[group]);
        const __m256 factor = _mm256_set1_ps(x.factors()[group]);
        const __m256 lowScales = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales)));
        const __m256 highScales = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales + 8)));
        low = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(products.low, zero)), _mm256_mul_ps(lowScales, factor), low);
        high = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(products.high, zero)), _mm256_mul_ps(highScales, factor), high);
    }
    alignas(32) float rows[kRows];
    _mm256_store_ps(rows, low);
    _mm256_store_ps(rows + 8, high);
    const std::int64_t row = block * kRows;
    std::copy_n(rows, std::min<std::int64_t>(kRows, w.rows - row), y + row);
}

/// Rows of x that a block is multiplied with at once: more would not fit the registers.
constexpr int kRowsAtOnce = 3;

/// The integer products of one group with some rows of x, without what the zero of Int4 adds. A group's sums of Int4 fit 16 bits: 15 * 127 * 32 / 2.
template <WeightView::Type type> HF_AVX2 inline void productsOfGroup(const std::uint8_t* values, const std::int8_t* bytes, __m256i (&dots)[kRowsAtOnce][2])
{
    const __m256i zero = _mm256_set1_epi8(-128), ones = _mm256_set1_epi16(1);
    for (auto& row : dots) {
        row[0] = row[1] = _mm256_setzero_si256();
    }
#pragma GCC unroll 1
    for (int n = 0; n < kGroup / 4; ++n) {
        __m256i rows[2], sizes[2];
        for (int part = 0; part < 2; ++part) {
            rows[part] = _mm256_load_si256(reinterpret_cast<const __m256i*>(values + n * 64 + part * 32));
            if constexpr (type == WeightView::Type::Int8) {
                rows[part] = _mm256_xor_si256(rows[part], zero);
                sizes[part] = _mm256_abs_epi8(rows[part]);
            }
        }
        for (int row = 0; row < kRowsAtOnce; ++row) {
            std::int32_t bits;
            std::memcpy(&bits, bytes + row * kGroup + 4 * n, sizeof bits);
            const __m256i four = _mm256_set1_epi32(bits);
            for (int part = 0; part < 2; ++part) {
                if constexpr (type == WeightView::Type::Int8) {
                    const __m256i pairs = _mm256_maddubs_epi16(sizes[part], _mm256_sign_epi8(four, rows[part]));
                    dots[row][part] = _mm256_add_epi32(dots[row][part], _mm256_madd_epi16(pairs, ones));
                } else {
                    dots[row][part] = _mm256_add_epi16(dots[row][part], _mm256_maddubs_epi16(rows[part], four));
                }
            }
        }
    }
    if constexpr (type == WeightView::Type::Int4) {
        for (auto& row : dots) {
            row[0] = _mm256_madd_epi16(row[0], ones);
            row[1] = _mm256_madd_epi16(row[1], ones);
        }
    }
}

/// Rows `first` to `first` + kRowsAtOnce of the tile with one block.
template <WeightView::Type type> HF_AVX2 void multiplyPart(const WeightPanel& w, int block, const InputTile& x, int first, float* y)
{
    __m256 sums[kRowsAtOnce][2];
    for (auto& row : sums) {
        row[0] = row[1] = _mm256_setzero_ps();
    }
    for (std::int64_t group = 0; group < w.groups; ++group) {
        const std::int64_t at = group * kTileRows + first;
        __m256i dots[kRowsAtOnce][2];
        productsOfGroup<type>(w.values[block] + group * kInt8Bytes, x.bytes + at * kGroup, dots);
        for (int part = 0; part < 2; ++part) {
            const __m256 scales = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w.scales[block] + group * kRows + part * 8)));
            for (int row = 0; row < kRowsAtOnce; ++row) {
                const __m256i offset = _mm256_set1_epi32(type == WeightView::Type::Int8 ? 0 : x.offsets[at + row]);
                const __m256 factor = _mm256_mul_ps(scales, _mm256_set1_ps(x.factors[at + row]));
                sums[row][part] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(dots[row][part], offset)), factor, sums[row][part]);
            }
        }
    }
    for (int row = 0; row < kRowsAtOnce; ++row) {
        float* const target = y + (first + row) * kPanelRows + block * kRows;
        _mm256_storeu_ps(target, sums[row][0]);
        _mm256_storeu_ps(target + 8, sums[row][1]);
    }
}

template <WeightView::Type type> HF_AVX2 void multiplyTile(const WeightPanel& w, const InputTile& x, float* y)
{
    static_assert(kTileRows % kRowsAtOnce == 0);
    for (int block = 0; block < kPanelBlocks; ++block) {
        for (int first = 0; first < kTileRows; first += kRowsAtOnce) {
            multiplyPart<type>(w, block, x, first, y);
        }
    }
}

/// Eight by eight: what were the rows are the columns.
HF_AVX2 inline void transpose(__m256i (&x)[8])
{
    __m256i pairs[8], fours[8];
    for (int n = 0; n < 8; n += 2) {
        pairs[n] = _mm256_unpacklo_epi32(x[n], x[n + 1]);
        pairs[n + 1] = _mm256_unpackhi_epi32(x[n], x[n + 1]);
    }
    for (int n = 0; n < 8; n += 4) {
        for (int high = 0; high < 2; ++high) {
            fours[n + 2 * high] = _mm256_unpacklo_epi64(pairs[n + high], pairs[n + 2 + high]);
            fours[n + 2 * high + 1] = _mm256_unpackhi_epi64(pairs[n + high], pairs[n + 2 + high]);
        }
    }
    for (int n = 0; n < 4; ++n) {
        x[n] = _mm256_permute2x128_si256(fours[n], fours[n + 4], 0x20);
        x[n + 4] = _mm256_permute2x128_si256(fours[n], fours[n + 4], 0x31);
    }
}

/// Eight bytes as bf16, each in 32 bits.
HF_AVX2 inline __m256i bf16Of(__m128i bytes, __m256i zero, __m256 factor)
{
    const __m256i bits = _mm256_castps_si256(_mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_cvtepu8_epi32(bytes), zero)), factor));
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    return _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd), 16);
}

HF_AVX2 inline void unpackRow(__m256i bytes, __m256i zero, __m256 factor, std::uint16_t* values)
{
    for (int half = 0; half < 2; ++half) {
        const __m128i part = half == 0 ? _mm256_castsi256_si128(bytes) : _mm256_extracti128_si256(bytes, 1);
        const __m256i both = _mm256_packus_epi32(bf16Of(part, zero, factor), bf16Of(_mm_srli_si128(part, 8), zero, factor));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(values + half * 16), _mm256_permute4x64_epi64(both, 0xD8));
    }
}

HF_AVX2 void unpackGroup(WeightView::Type type, const std::uint8_t* stored, const std::uint16_t* scales, std::uint16_t* values)
{
    const __m256i zero = _mm256_set1_epi32(zeroOf(type)), fifteen = _mm256_set1_epi8(15);
    alignas(32) float factors[kRows];
    for (int part = 0; part < 2; ++part) {
        _mm256_store_ps(factors + part * 8, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales + part * 8))));
        __m256i rows[8];
        for (int n = 0; n < 8; ++n) {
            const int at = type == WeightView::Type::Int4 ? n % 4 : n;
            rows[n] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(stored + at * 64 + part * 32));
            if (type == WeightView::Type::Int4) {
                rows[n] = _mm256_and_si256(n < 4 ? rows[n] : _mm256_srli_epi16(rows[n], 4), fifteen);
            }
        }
        transpose(rows);
        for (int n = 0; n < 8; ++n) {
            unpackRow(rows[n], zero, _mm256_set1_ps(factors[part * 8 + n]), values + (part * 8 + n) * kGroup);
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

void anyMultiplyTile(const WeightPanel& w, const InputTile& x, float* y)
{
    w.type == WeightView::Type::Int8 ? multiplyTile<WeightView::Type::Int8>(w, x, y) : multiplyTile<WeightView::Type::Int4>(w, x, y);
}

} // namespace

const Kernels& avx2Kernels()
{
    static const Kernels kernels{anyFloatRows, anySumRows, anyQuantisedBlock, readAllOf, anyMultiplyTile, unpackGroup};
    return kernels;
}

} // namespace hf::assistant::matvec
