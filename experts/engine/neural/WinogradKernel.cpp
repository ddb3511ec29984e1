// No standard headers here: an inline function of theirs, compiled for a newer processor, could be linked into code that runs on an older one.
#include "experts/engine/neural/WinogradKernel.h"

#include <immintrin.h>

namespace hf::experts {

namespace {

using Bf16 = unsigned short;
using Vector = __m512;                  ///< 16 channels.

constexpr long kLanes = kWinogradLanes;
constexpr long kMostTiles = 96;

struct Tile { long d, h, w; };

/// How the scratch is divided: transformed inputs [point][in / 16][tiles][16], a cache line apart so that points do not meet in the same sets of the
/// cache; products of one plane of points [16][tiles][out]; what the planes before it gave [tiles][out / 16][2][4][16].
struct Layout {
    long tiles, pointStride;

    explicit Layout(const WinogradJob& job) : tiles(job.in <= 96 ? kMostTiles / 2 : kMostTiles), pointStride(tiles * job.in + 32) {}
    long transformed() const { return kWinogradPoints * pointStride; }
    long products(const WinogradJob& job) const { return 16 * tiles * job.out; }
    long partial(const WinogradJob& job) const { return 8 * tiles * job.out; }
};

constexpr long tilesAlong(long size) { return (size + 1) / 2; }

inline Vector loaded(const Bf16* place)
{
    const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(place));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

inline void store(Bf16* place, Vector x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(place), __builtin_bit_cast(__m256i, _mm512_cvtneps_pbh(x))); }

/// Four inputs along an axis to four points.
inline void toPoints(Vector& a, Vector& b, Vector& c, Vector& d)
{
    const Vector first = a - c, second = b + c, third = c - b, fourth = b - d;
    a = first;
    b = second;
    c = third;
    d = fourth;
}

/// The 4 x 4 rows of inputs of a line of tiles; bit 4 * d + h of `inside`: that row is in the volume.
struct Rows {
    const Bf16* first;
    long depthStride, heightStride;
    unsigned inside;
};

constexpr unsigned kAllInside = 0xffff;

Rows rowsOf(const WinogradJob& job, const Tile& tile)
{
    const long height = job.width * job.in, depth = job.height * height, d = 2 * tile.d - 1, h = 2 * tile.h - 1;
    Rows rows{job.x + d * depth + h * height, depth, height, 0};
    for (long i = 0; i < 16; ++i) {
        const bool isIn = d + i / 4 >= 0 && d + i / 4 < job.depth && h + i % 4 >= 0 && h + i % 4 < job.height;
        rows.inside |= unsigned(isIn) << i;
    }
    return rows;
}

struct Norm { Vector scale, shift, slope; };

/// 4 x 4 inputs of one column, transformed along depth and height.
template <bool kNormed, bool kEdge> inline void transformColumn(const Rows& rows, long offset, const Norm& norm, float* out)
{
    Vector v[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
        if (kEdge && !(rows.inside >> i & 1)) {
            v[i] = _mm512_setzero_ps();
            continue;
        }
        Vector x = loaded(rows.first + (i / 4) * rows.depthStride + (i % 4) * rows.heightStride + offset);
        if constexpr (kNormed) {
            x = _mm512_fmadd_ps(x, norm.scale, norm.shift);
            x = _mm512_mask_mul_ps(x, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), x, norm.slope);
        }
        v[i] = x;
    }
#pragma GCC unroll 4
    for (int d = 0; d < 4; ++d) {
        toPoints(v[4 * d], v[4 * d + 1], v[4 * d + 2], v[4 * d + 3]);
    }
#pragma GCC unroll 4
    for (int h = 0; h < 4; ++h) {
        toPoints(v[h], v[4 + h], v[8 + h], v[12 + h]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
        _mm512_store_ps(out + i * kLanes, v[i]);
    }
}

/// Tiles one after the other along the width; neighbours share two of their four columns.
template <bool kNormed, bool kEdge> void transformLine(const WinogradJob& job, const Rows& rows, long firstTile, long count, const Layout& layout, Bf16* out)
{
    alignas(64) float columns[4][16 * kLanes];
    for (long c = 0; c < job.in; c += kLanes) {
        Norm norm{};
        if constexpr (kNormed) {
            norm = {_mm512_loadu_ps(job.scale + c), _mm512_loadu_ps(job.shift + c), _mm512_set1_ps(job.slope)};
        }
        const auto fill = [&](long n) {
            const long w = 2 * firstTile - 1 + n;
            if (w >= 0 && w < job.width) {
                transformColumn<kNormed, kEdge>(rows, w * job.in + c, norm, columns[n & 3]);
                return;
            }
            for (float& value : columns[n & 3]) {
                value = 0;
            }
        };
        fill(0);
        fill(1);
        for (long t = 0; t < count; ++t) {
            fill(2 * t + 2);
            fill(2 * t + 3);
            const float* const near = columns[2 * t & 3];
            const float* const far = columns[(2 * t + 2) & 3];
            Bf16* place = out + c * layout.tiles + t * kLanes;
#pragma GCC unroll 4
            for (int i = 0; i < 16; ++i) {
                Vector x[4] = {_mm512_load_ps(near + i * kLanes), _mm512_load_ps(near + (16 + i) * kLanes), _mm512_load_ps(far + i * kLanes), _mm512_load_ps(far + (16 + i) * kLanes)};
                toPoints(x[0], x[1], x[2], x[3]);
                for (const Vector& point : x) {
                    store(place, point);
                    place += layout.pointStride;
                }
            }
        }
    }
}

void transform(const WinogradJob& job, const Layout& layout, const Tile* tiles, long count, Bf16* out)
{
    for (long t = 0; t < count;) {
        const long left = tilesAlong(job.width) - tiles[t].w, line = left < count - t ? left : count - t;
        const Rows rows = rowsOf(job, tiles[t]);
        const bool isEdge = rows.inside != kAllInside;
        const auto run = job.scale ? isEdge ? &transformLine<true, true> : &transformLine<true, false> : isEdge ? &transformLine<false, true> : &transformLine<false, false>;
        run(job, rows, tiles[t].w, line, layout, out + t * kLanes);
        t += line;
    }
}

/// kRows tiles by kVectors * 16 outputs.
template <int kRows, int kVectors> inline void product(const Bf16* x, long tiles, const Bf16* weights, float* out, const WinogradJob& job)
{
    Vector sums[kRows][kVectors];
#pragma GCC unroll 24
    for (int m = 0; m < kRows; ++m) {
        for (int v = 0; v < kVectors; ++v) {
            sums[m][v] = _mm512_setzero_ps();
        }
    }
    for (long c = 0; c < job.in; c += kLanes, x += tiles * kLanes) {
        for (long pair = 0; pair < kLanes / 2; ++pair, weights += 2 * kVectors * kLanes) {
            __m512bh w[kVectors];
#pragma GCC unroll 4
            for (int v = 0; v < kVectors; ++v) {
                w[v] = __builtin_bit_cast(__m512bh, _mm512_loadu_si512(weights + 2 * v * kLanes));
            }
#pragma GCC unroll 24
            for (int m = 0; m < kRows; ++m) {
                int both;
                __builtin_memcpy(&both, x + m * kLanes + 2 * pair, sizeof both);
                const auto value = __builtin_bit_cast(__m512bh, _mm512_set1_epi32(both));
#pragma GCC unroll 4
                for (int v = 0; v < kVectors; ++v) {
                    sums[m][v] = _mm512_dpbf16_ps(sums[m][v], value, w[v]);
                }
            }
        }
    }
#pragma GCC unroll 24
    for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
            _mm512_storeu_ps(out + m * job.out + v * kLanes, sums[m][v]);
        }
    }
}

template <int kRows, int kVectors> void multiplyBy(const Bf16* x, long tiles, const Bf16* weights, float* out, const WinogradJob& job)
{
    static_assert(kMostTiles / 2 % kRows == 0);
    for (long n = 0; n < job.out; n += kVectors * kLanes) {
        for (long t = 0; t < tiles; t += kRows) {
            product<kRows, kVectors>(x + t * kLanes, tiles, weights + n * job.in, out + t * job.out + n, job);
        }
    }
}

/// One point: [tiles, in] by [in, out]. 24 sums fit the registers beside weights and an input.
void multiply(const Bf16* x, long tiles, const Bf16* weights, float* out, const WinogradJob& job)
{
    switch (winogradVectors(job.out)) {
    case 4: return multiplyBy<6, 4>(x, tiles, weights, out, job);
    case 3: return multiplyBy<8, 3>(x, tiles, weights, out, job);
    case 2: return multiplyBy<12, 2>(x, tiles, weights, out, job);
    default: return multiplyBy<24, 1>(x, tiles, weights, out, job);
    }
}

/// Writes 2 x 2 outputs of 16 channels, as far as they are in the volume.
inline void finish(const WinogradJob& job, const Tile& tile, long d, long channel, const Vector* values)
{
    if (d >= job.depth) {
        return;
    }
    const Vector bias = job.bias ? _mm512_loadu_ps(job.bias + channel) : _mm512_setzero_ps();
    for (long i = 0; i < 4; ++i) {
        const long h = 2 * tile.h + i / 2, w = 2 * tile.w + i % 2;
        if (h < job.height && w < job.width) {
            const long at = ((d * job.height + h) * job.width + w) * job.out + channel;
            const Vector y = values[i] + bias;
            store(job.y + at, job.added ? y + loaded(job.added + at) : y);
        }
    }
}

/// Products at 4 x 4 points of a plane to 2 x 2 values.
inline void fromPoints(const float* products, long pointStride, Vector* out)
{
    Vector half[2][4];
#pragma GCC unroll 4
    for (int w = 0; w < 4; ++w) {
        const auto at = [&](int h) { return _mm512_loadu_ps(products + (4 * h + w) * pointStride); };
        const Vector first = at(0), second = at(1), third = at(2), fourth = at(3);
        half[0][w] = first + second + third;
        half[1][w] = second - third - fourth;
    }
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
        out[2 * h] = half[h][0] + half[h][1] + half[h][2];
        out[2 * h + 1] = half[h][1] - half[h][2] - half[h][3];
    }
}

/// Along depth the nearer outputs are planes 0 + 1 + 2, the farther ones 1 - 2 - 3: each is written with its last plane.
void transformBack(const WinogradJob& job, const Layout& layout, long plane, const float* products, const Tile* tiles, long count, float* partial)
{
    for (long t = 0; t < count; ++t) {
        for (long c = 0; c < job.out; c += kLanes) {
            Vector z[4], sum[4];
            fromPoints(products + t * job.out + c, layout.tiles * job.out, z);
            float* const near = partial + (t * job.out + c) * 8;
            float* const far = near + 4 * kLanes;
            for (int i = 0; i < 4; ++i) {
                float* const nearPlace = near + i * kLanes;
                float* const farPlace = far + i * kLanes;
                switch (plane) {
                case 0: _mm512_storeu_ps(nearPlace, z[i]); break;
                case 1:
                    _mm512_storeu_ps(nearPlace, _mm512_loadu_ps(nearPlace) + z[i]);
                    _mm512_storeu_ps(farPlace, z[i]);
                    break;
                case 2:
                    sum[i] = _mm512_loadu_ps(nearPlace) + z[i];
                    _mm512_storeu_ps(farPlace, _mm512_loadu_ps(farPlace) - z[i]);
                    break;
                default: sum[i] = _mm512_loadu_ps(farPlace) - z[i]; break;
                }
            }
            if (plane >= 2) {
                finish(job, tiles[t], 2 * tiles[t].d + plane - 2, c, sum);
            }
        }
    }
}

} // namespace

long winogradBlocks(const WinogradJob& job)
{
    const long tiles = Layout(job).tiles;
    return (tilesAlong(job.depth) * tilesAlong(job.height) * tilesAlong(job.width) + tiles - 1) / tiles;
}

long winogradScratch(const WinogradJob& job)
{
    const Layout layout(job);
    return layout.transformed() * long(sizeof(Bf16)) + (layout.products(job) + layout.partial(job)) * long(sizeof(float));
}

void winogradRun(const WinogradJob& job, long first, long last, void* scratch)
{
    const Layout layout(job);
    auto* const transformed = static_cast<Bf16*>(scratch);
    auto* const products = reinterpret_cast<float*>(transformed + layout.transformed());
    float* const partial = products + layout.products(job);
    const long wide = tilesAlong(job.width), high = tilesAlong(job.height), all = tilesAlong(job.depth) * high * wide;
    Tile tiles[kMostTiles];
    for (long block = first; block < last; ++block) {
        const long begin = block * layout.tiles, count = layout.tiles < all - begin ? layout.tiles : all - begin;
        for (long t = 0; t < count; ++t) {
            tiles[t] = {(begin + t) / (wide * high), (begin + t) / wide % high, (begin + t) % wide};
        }
        transform(job, layout, tiles, count, transformed);
        for (long plane = 0; plane < 4; ++plane) {
            for (long i = 0; i < 16; ++i) {
                const long point = 16 * plane + i;
                multiply(transformed + point * layout.pointStride, layout.tiles, job.weights + point * job.in * job.out, products + i * layout.tiles * job.out, job);
            }
            transformBack(job, layout, plane, products, tiles, count, partial);
        }
    }
}

} // namespace hf::experts
