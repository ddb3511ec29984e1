#include "assistant/engine/train/RowKernels.h"

#include "assistant/engine/MatVecKernels.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hf::assistant::train {

namespace {

inline float wide(float value) { return value; }
inline float wide(std::uint16_t value) { return std::bit_cast<float>(std::uint32_t(value) << 16); }
inline void store(float value, float& place) { place = value; }
inline void store(float value, std::uint16_t& place)
{
    const auto bits = std::bit_cast<std::uint32_t>(value);
    place = std::uint16_t((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/// e^x within 2e-7 of it for x from -87 to 88, clamped to that; without branches, so that loops of it are made of vectors.
inline float exponential(float x)
{
    const float scaled = std::min(std::max(x, -87.0F), 88.0F) * 1.44269504F;
    const float whole = scaled + 12582912.0F;
    const float f = scaled - (whole - 12582912.0F);
    // 2^f for f from -0.5 to 0.5, terms of the series of e^(f ln 2).
    const float power = 1 + f * (0.69314718F + f * (0.24022651F + f * (0.05550411F + f * (0.00961813F + f * (0.00133336F + f * 0.00015403F)))));
    return power * std::bit_cast<float>((std::bit_cast<std::uint32_t>(whole) << 23) + 0x3F800000U);
}

} // namespace

#define HF_ROWS template <typename T> __attribute__((always_inline)) inline

HF_ROWS void normRowsOf(const float* x, const float* weight, double eps, std::int64_t width, std::int64_t first, std::int64_t last, T* h, float* scales)
{
    for (std::int64_t row = first; row < last; ++row) {
        const float* in = x + row * width;
        T* out = h + row * width;
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (std::int64_t n = 0; n < width; ++n) {
            sum += in[n] * in[n];
        }
        const float scale = 1 / std::sqrt(sum / float(width) + float(eps));
        scales[row] = scale;
#pragma omp simd
        for (std::int64_t n = 0; n < width; ++n) {
            store(in[n] * scale * weight[n], out[n]);
        }
    }
}

HF_ROWS void addRowsOf(const float* x, const T* d, std::int64_t width, std::int64_t first, std::int64_t last, float* y)
{
#pragma omp simd
    for (std::int64_t n = first * width; n < last * width; ++n) {
        y[n] = x[n] + wide(d[n]);
    }
}

HF_ROWS void normRowsBackOf(const T* dh, const float* x, const float* weight, const float* scales, std::int64_t width, std::int64_t first, std::int64_t last, float* dx, float* dweight)
{
    for (std::int64_t row = first; row < last; ++row) {
        const T* given = dh + row * width;
        const float* in = x + row * width;
        float* out = dx + row * width;
        const float scale = scales[row];
        float dot = 0;
#pragma omp simd reduction(+ : dot)
        for (std::int64_t n = 0; n < width; ++n) {
            dot += wide(given[n]) * weight[n] * in[n];
        }
        const float along = dot * scale * scale * scale / float(width);
#pragma omp simd
        for (std::int64_t n = 0; n < width; ++n) {
            const float value = wide(given[n]);
            dweight[n] += value * in[n] * scale;
            out[n] += value * weight[n] * scale - in[n] * along;
        }
    }
}

HF_ROWS void gateRowsOf(const T* gateUp, std::int64_t width, std::int64_t first, std::int64_t last, T* m)
{
    for (std::int64_t row = first; row < last; ++row) {
        const T *gate = gateUp + row * 2 * width, *up = gate + width;
        T* out = m + row * width;
#pragma omp simd
        for (std::int64_t n = 0; n < width; ++n) {
            const float g = wide(gate[n]);
            store(g / (1 + exponential(-g)) * wide(up[n]), out[n]);
        }
    }
}

HF_ROWS void gateRowsBackOf(const T* gateUp, const T* dm, std::int64_t width, std::int64_t first, std::int64_t last, T* dgateUp)
{
    for (std::int64_t row = first; row < last; ++row) {
        const T *gate = gateUp + row * 2 * width, *up = gate + width, *given = dm + row * width;
        T *dgate = dgateUp + row * 2 * width, *dup = dgate + width;
#pragma omp simd
        for (std::int64_t n = 0; n < width; ++n) {
            const float g = wide(gate[n]), share = 1 / (1 + exponential(-g)), value = wide(given[n]);
            store(value * wide(up[n]) * share * (1 + g * (1 - share)), dgate[n]);
            store(value * g * share, dup[n]);
        }
    }
}

template <typename In, typename Out>
__attribute__((always_inline)) inline void turnRowsOf(const In* in, std::int64_t strideIn, const float* cosine, const float* sine, float sign, std::int64_t heads, std::int64_t turned, std::int64_t dim, std::int64_t first, std::int64_t last, Out* out, std::int64_t strideOut)
{
    const std::int64_t half = dim / 2;
    for (std::int64_t row = first; row < last; ++row) {
        const float *c = cosine + row * dim, *s = sine + row * dim;
        for (std::int64_t head = 0; head < heads; ++head) {
            const In* from = in + row * strideIn + head * dim;
            Out* to = out + row * strideOut + head * dim;
            if (head < turned) {
#pragma omp simd
                for (std::int64_t n = 0; n < half; ++n) {
                    const float a = wide(from[n]), b = wide(from[n + half]), turn = sign * s[n];
                    store(a * c[n] - b * turn, to[n]);
                    store(b * c[n] + a * turn, to[n + half]);
                }
            } else {
#pragma omp simd
                for (std::int64_t n = 0; n < dim; ++n) {
                    store(wide(from[n]), to[n]);
                }
            }
        }
    }
}

// Each of both types, each of them for several processors.
#define HF_OF_TYPE(T) \
    template <> HF_CLONES void normRows<T>(const float* x, const float* weight, double eps, std::int64_t width, std::int64_t first, std::int64_t last, T* h, float* scales) { normRowsOf(x, weight, eps, width, first, last, h, scales); } \
    template <> HF_CLONES void addRows<T>(const float* x, const T* d, std::int64_t width, std::int64_t first, std::int64_t last, float* y) { addRowsOf(x, d, width, first, last, y); } \
    template <> HF_CLONES void normRowsBack<T>(const T* dh, const float* x, const float* weight, const float* scales, std::int64_t width, std::int64_t first, std::int64_t last, float* dx, float* dweight) { normRowsBackOf(dh, x, weight, scales, width, first, last, dx, dweight); } \
    template <> HF_CLONES void gateRows<T>(const T* gateUp, std::int64_t width, std::int64_t first, std::int64_t last, T* m) { gateRowsOf(gateUp, width, first, last, m); } \
    template <> HF_CLONES void gateRowsBack<T>(const T* gateUp, const T* dm, std::int64_t width, std::int64_t first, std::int64_t last, T* dgateUp) { gateRowsBackOf(gateUp, dm, width, first, last, dgateUp); }
#define HF_TURN(In, Out) \
    template <> HF_CLONES void turnRows<In, Out>(const In* in, std::int64_t strideIn, const float* cosine, const float* sine, float sign, std::int64_t heads, std::int64_t turned, std::int64_t dim, std::int64_t first, std::int64_t last, Out* out, std::int64_t strideOut) { turnRowsOf(in, strideIn, cosine, sine, sign, heads, turned, dim, first, last, out, strideOut); }

HF_OF_TYPE(float)
HF_OF_TYPE(std::uint16_t)
HF_TURN(float, float)
HF_TURN(std::uint16_t, float)
HF_TURN(float, std::uint16_t)

HF_CLONES void softmaxRows(float* before, std::int64_t past, float* own, std::int64_t width, float scale, std::int64_t first, std::int64_t last)
{
    for (std::int64_t row = first; row < last; ++row) {
        float *a = before + row * past, *b = own + row * width;
        const std::int64_t seen = row % width + 1;
        float top = b[0];
#pragma omp simd reduction(max : top)
        for (std::int64_t n = 0; n < past; ++n) {
            top = std::max(top, a[n]);
        }
#pragma omp simd reduction(max : top)
        for (std::int64_t n = 0; n < seen; ++n) {
            top = std::max(top, b[n]);
        }
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (std::int64_t n = 0; n < past; ++n) {
            a[n] = exponential(scale * (a[n] - top));
            sum += a[n];
        }
#pragma omp simd reduction(+ : sum)
        for (std::int64_t n = 0; n < seen; ++n) {
            b[n] = exponential(scale * (b[n] - top));
            sum += b[n];
        }
        const float factor = 1 / sum;
#pragma omp simd
        for (std::int64_t n = 0; n < past; ++n) {
            a[n] *= factor;
        }
#pragma omp simd
        for (std::int64_t n = 0; n < seen; ++n) {
            b[n] *= factor;
        }
        std::fill(b + seen, b + width, 0.0F);
    }
}

HF_CLONES void softmaxRowsBack(const float* before, float* dbefore, std::int64_t past, const float* own, float* down, std::int64_t width, float scale, std::int64_t first, std::int64_t last)
{
    for (std::int64_t row = first; row < last; ++row) {
        const float *a = before + row * past, *b = own + row * width;
        float *da = dbefore + row * past, *db = down + row * width;
        float dot = 0;
#pragma omp simd reduction(+ : dot)
        for (std::int64_t n = 0; n < past; ++n) {
            dot += a[n] * da[n];
        }
#pragma omp simd reduction(+ : dot)
        for (std::int64_t n = 0; n < width; ++n) {
            dot += b[n] * db[n];
        }
#pragma omp simd
        for (std::int64_t n = 0; n < past; ++n) {
            da[n] = scale * a[n] * (da[n] - dot);
        }
#pragma omp simd
        for (std::int64_t n = 0; n < width; ++n) {
            db[n] = scale * b[n] * (db[n] - dot);
        }
    }
}

} // namespace hf::assistant::train
