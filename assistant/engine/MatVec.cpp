#include "assistant/engine/MatVecKernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace hf::assistant {

using namespace matvec;

namespace {

float floatOfBf16(std::uint16_t bits)
{
    const std::uint32_t wide = std::uint32_t(bits) << 16;
    float value;
    std::memcpy(&value, &wide, sizeof value);
    return value;
}

/// Unsigned value of row `row` and column `column` of a group.
int storedValue(WeightView::Type type, const std::uint8_t* group, int row, int column)
{
    if (type == WeightView::Type::Int8) {
        return group[column / 4 * 64 + row * 4 + column % 4];
    }
    const std::uint8_t both = group[column % 16 / 4 * 64 + row * 4 + column % 4];
    return column < 16 ? both & 15 : both >> 4;
}

void storeValue(WeightView::Type type, std::uint8_t* group, int row, int column, int value)
{
    if (type == WeightView::Type::Int8) {
        group[column / 4 * 64 + row * 4 + column % 4] = std::uint8_t(value);
        return;
    }
    std::uint8_t& both = group[column % 16 / 4 * 64 + row * 4 + column % 4];
    both = column < 16 ? std::uint8_t((both & 0xF0) | value) : std::uint8_t((both & 0x0F) | value << 4);
}


/// Rounds to nearest even, for sizes below 2^22.
inline float rounded(float value)
{
    constexpr float kShift = 12582912;  // 1.5 * 2^23
    return value + kShift - kShift;
}

void plainFloatRows(const WeightView& w, const float* x, float* y, std::int64_t begin, std::int64_t end)
{
    for (std::int64_t row = begin; row < end; ++row) {
        float sum = 0;
        for (std::int64_t k = 0; k < w.columns; ++k) {
            sum += valueAt(w, row * w.columns + k) * x[k];
        }
        y[row] = sum;
    }
}

void plainSumRows(const WeightView& w, const float* p, float* y)
{
    std::fill_n(y, w.columns, 0.0F);
    for (std::int64_t row = 0; row < w.rows; ++row) {
        for (std::int64_t k = 0; k < w.columns; ++k) {
            y[k] += p[row] * valueAt(w, row * w.columns + k);
        }
    }
}

void plainQuantisedBlock(const WeightView& w, const InputVector& x, float* y, std::int64_t block)
{
    const auto* data = static_cast<const std::uint8_t*>(w.data) + block * w.blockBytes();
    std::array<float, kRows> sums{};
    for (std::int64_t group = 0; group < w.groups(); ++group) {
        const std::uint8_t* stored = data + group * groupBytes(w.type);
        const std::uint16_t* scales = w.scales + (block * w.groups() + group) * kRows;
        for (int row = 0; row < kRows; ++row) {
            std::int32_t dot = -zeroOf(w.type) * x.sums()[group];
            for (int column = 0; column < kGroup; ++column) {
                dot += storedValue(w.type, stored, row, column) * x.bytes()[group * kGroup + column];
            }
            sums[std::size_t(row)] += float(dot) * (floatOfHalf(scales[row]) * x.factors()[group]);
        }
    }
    const std::int64_t first = block * kRows;
    std::copy_n(sums.begin(), std::min<std::int64_t>(kRows, w.rows - first), y + first);
}

void plainUnpackGroup(WeightView::Type type, const std::uint8_t* stored, const std::uint16_t* scales, std::uint16_t* values)
{
    std::array<float, kRows * kGroup> wide;
    unpackGroup(type, stored, scales, wide.data());
    std::transform(wide.begin(), wide.end(), values, bf16OfFloat);
}

void plainMultiplyTile(const WeightPanel& w, const InputTile& x, float* y)
{
    for (int row = 0; row < kTileRows; ++row) {
        for (int n = 0; n < kPanelRows; ++n) {
            float sum = 0;
            for (std::int64_t group = 0; group < w.groups; ++group) {
                const std::int64_t at = group * kTileRows + row;
                const std::uint8_t* values = w.values[n / kRows] + group * kInt8Bytes;
                std::int32_t dot = x.offsets[at];
                for (int column = 0; column < kGroup; ++column) {
                    dot += storedValue(WeightView::Type::Int8, values, n % kRows, column) * x.bytes[at * kGroup + column];
                }
                sum += float(dot) * (floatOfHalf(w.scales[n / kRows][group * kRows + n % kRows]) * x.factors[at]);
            }
            y[row * kPanelRows + n] = sum;
        }
    }
}

} // namespace

float valueAt(const WeightView& w, std::int64_t at)
{
    switch (w.type) {
    case WeightView::Type::Fp32: return static_cast<const float*>(w.data)[at];
    case WeightView::Type::Fp16: return floatOfHalf(static_cast<const std::uint16_t*>(w.data)[at]);
    default: return floatOfBf16(static_cast<const std::uint16_t*>(w.data)[at]);
    }
}

std::int64_t WeightView::blockBytes() const
{
    switch (type) {
    case Type::Fp32: return kBlockRows * columns * 4;
    case Type::Fp16:
    case Type::Bf16: return kBlockRows * columns * 2;
    default: return groups() * groupBytes(type);
    }
}

std::int64_t WeightView::bytes() const
{
    return isQuantised() ? blocks() * (blockBytes() + groups() * kBlockRows * 2) : rows * columns * (type == Type::Fp32 ? 4 : 2);
}

float floatOfHalf(std::uint16_t bits)
{
    const std::uint32_t sign = std::uint32_t(bits & 0x8000) << 16;
    const int exponent = bits >> 10 & 31;
    const std::uint32_t mantissa = bits & 1023;
    if (exponent == 0) {
        const float value = std::ldexp(float(mantissa), -24);
        return sign ? -value : value;
    }
    const std::uint32_t wide = sign | (exponent == 31 ? 0x7F800000U : std::uint32_t(exponent + 112) << 23) | mantissa << 13;
    float value;
    std::memcpy(&value, &wide, sizeof value);
    return value;
}

std::uint16_t halfOfFloat(float value)
{
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    const auto sign = std::uint16_t(bits >> 16 & 0x8000);
    const float size = std::abs(value);
    if (!(size < 65520)) {
        return std::uint16_t(sign | (std::isnan(value) ? 0x7E00 : 0x7C00));
    }
    if (size < 6.103515625e-05F) {
        return std::uint16_t(sign | std::uint16_t(std::nearbyint(std::ldexp(size, 24))));
    }
    // Round to nearest, ties to even.
    const std::uint32_t rounded = (bits & 0x7FFFFFFF) + 0xFFF + (bits >> 13 & 1);
    return std::uint16_t(sign | ((rounded >> 13) - (112 << 10)));
}

void InputVector::set(const float* values, std::int64_t count, bool quantised)
{
    m_values = values;
    if (!quantised) {
        return;
    }
    const std::int64_t groups = (count + kGroup - 1) / kGroup;
    m_bytes.assign(std::size_t(groups * kGroup), 0);
    m_factors.assign(std::size_t(groups), 0);
    m_sums.assign(std::size_t(groups), 0);
    for (std::int64_t group = 0; group < groups; ++group) {
        const std::int64_t begin = group * kGroup;
        std::array<float, kGroup> part{};
        std::copy_n(values + begin, std::min<std::int64_t>(kGroup, count - begin), part.begin());
        const RoundedGroup whole = roundGroup(part.data(), m_bytes.data() + begin);
        m_factors[std::size_t(group)] = whole.factor;
        m_sums[std::size_t(group)] = whole.sum;
    }
}

HF_CLONES RoundedGroup matvec::roundGroup(const float* values, std::int8_t* bytes)
{
    // Sizes compare as their bits do, of which the compiler makes vectors.
    std::int32_t largest = 0;
    for (int k = 0; k < kGroup; ++k) {
        std::int32_t bits;
        std::memcpy(&bits, values + k, sizeof bits);
        largest = std::max(largest, bits & 0x7FFFFFFF);
    }
    float most;
    std::memcpy(&most, &largest, sizeof most);
    const float inverse = most > 0 ? 127 / most : 0;
    std::int32_t sum = 0;
    for (int k = 0; k < kGroup; ++k) {
        const auto byte = std::int32_t(rounded(values[k] * inverse));
        bytes[k] = std::int8_t(byte);
        sum += byte;
    }
    return {most / 127, sum};
}

bool isSupported(MatVecKind kind)
{
    switch (kind) {
    case MatVecKind::Plain: return true;
    case MatVecKind::Avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    case MatVecKind::Avx512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
    }
    return false;
}

MatVecKind bestMatVec()
{
    static const MatVecKind kind = isSupported(MatVecKind::Avx512) ? MatVecKind::Avx512 : isSupported(MatVecKind::Avx2) ? MatVecKind::Avx2 : MatVecKind::Plain;
    return kind;
}

const char* nameOf(MatVecKind kind) { return kind == MatVecKind::Avx512 ? "AVX-512 VNNI" : kind == MatVecKind::Avx2 ? "AVX2" : "plain"; }

namespace {

std::uint64_t plainReadAll(const char* bytes, std::int64_t count, bool)
{
    std::uint64_t sum = 0;
    for (std::int64_t at = 0; at < count; at += 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes + at, sizeof word);
        sum += word;
    }
    return sum;
}

} // namespace

const Kernels& matvec::kernelsOf(MatVecKind kind)
{
    static const Kernels plain{plainFloatRows, plainSumRows, plainQuantisedBlock, plainReadAll, plainMultiplyTile, plainUnpackGroup};
    return kind == MatVecKind::Avx512 ? avx512Kernels() : kind == MatVecKind::Avx2 ? avx2Kernels() : plain;
}

void multiplyBlocks(const WeightView& w, const InputVector& x, float* y, std::int64_t firstBlock, std::int64_t endBlock, MatVecKind kind)
{
    const Kernels& kernels = kernelsOf(kind);
    if (!w.isQuantised()) {
        kernels.floatRows(w, x.values(), y, firstBlock * kRows, std::min(w.rows, endBlock * kRows));
        return;
    }
    for (std::int64_t block = firstBlock; block < endBlock; ++block) {
        kernels.quantisedBlock(w, x, y, block);
    }
}

void sumRows(const WeightView& w, const float* p, float* y, MatVecKind kind) { kernelsOf(kind).sumRows(w, p, y); }

std::uint64_t readAll(const char* bytes, std::int64_t count, bool ahead, MatVecKind kind) { return kernelsOf(kind).readAll(bytes, count, ahead); }

namespace {

HF_CLONES float squaredError(const float* values, float factor, float least, float most)
{
    const float inverse = 1 / factor;
    float error = 0;
    std::array<float, kGroup> parts;
    for (int k = 0; k < kGroup; ++k) {
        const float difference = values[k] - std::min(std::max(rounded(values[k] * inverse), least), most) * factor;
        parts[std::size_t(k)] = difference * difference;
    }
    for (const float part : parts) {
        error += part;
    }
    return error;
}

/// The factor of a group of 32 with the least squared error among a few around the one that just reaches the largest value.
float bestFactor(const float* values, float least, float most)
{
    float largest = 0;
    for (int k = 0; k < kGroup; ++k) {
        largest = std::abs(values[k]) > std::abs(largest) ? values[k] : largest;
    }
    // int8 is fine enough as it is.
    const int steps = least < -8 ? 0 : 4;
    float best = 0, bestError = INFINITY;
    for (int step = -steps; step <= steps; ++step) {
        // The negative end reaches one further: it is given to the largest value, whose sign the factor takes.
        const float factor = floatOfHalf(halfOfFloat(largest / (least - 0.15F * float(step))));
        if (largest == 0 || factor == 0 || !std::isfinite(factor)) {
            continue;
        }
        const float error = squaredError(values, factor, least, most);
        if (error < bestError) {
            bestError = error;
            best = factor;
        }
    }
    return best;
}

} // namespace

void quantiseBlocks(const WeightView& target, const float* values, std::uint8_t* data, std::uint16_t* scales, std::int64_t firstBlock, std::int64_t blocks)
{
    const int zero = zeroOf(target.type), least = -zero, most = zero - 1;
    for (std::int64_t block = firstBlock; block < firstBlock + blocks; ++block) {
        for (std::int64_t group = 0; group < target.groups(); ++group) {
            std::uint8_t* stored = data + block * target.blockBytes() + group * groupBytes(target.type);
            std::uint16_t* factors = scales + (block * target.groups() + group) * kRows;
            for (int row = 0; row < kRows; ++row) {
                std::array<float, kGroup> part{};
                const std::int64_t from = group * kGroup, count = std::min<std::int64_t>(kGroup, target.columns - from);
                if (block * kRows + row < target.rows) {
                    std::copy_n(values + ((block - firstBlock) * kRows + row) * target.columns + from, count, part.begin());
                }
                const float factor = bestFactor(part.data(), float(least), float(most));
                const float inverse = factor != 0 ? 1 / factor : 0;
                factors[row] = halfOfFloat(factor);
                for (int column = 0; column < kGroup; ++column) {
                    storeValue(target.type, stored, row, column, std::clamp(int(rounded(part[std::size_t(column)] * inverse)), least, most) + zero);
                }
            }
        }
    }
}

HF_CLONES void matvec::unpackGroup(WeightView::Type type, const std::uint8_t* stored, const std::uint16_t* scales, float* values)
{
    const int zero = zeroOf(type);
    for (int row = 0; row < kRows; ++row) {
        const float factor = floatOfHalf(scales[row]);
        for (int column = 0; column < kGroup; ++column) {
            values[row * kGroup + column] = float(storedValue(type, stored, row, column) - zero) * factor;
        }
    }
}

} // namespace hf::assistant
