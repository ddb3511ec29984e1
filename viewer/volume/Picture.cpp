#include "viewer/volume/Picture.h"

#include "viewer/volume/Error.h"
#include "viewer/volume/SampledSlice.h"
#include "viewer/volume/Sampling.h"
#include "viewer/volume/Shutter.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cmath>
#include <limits>
#include <type_traits>

namespace hf {

Rgb8 Picture::at(int x, int y) const
{
    HF_ASSERT(x >= 0 && y >= 0 && x < width && y < height);
    const std::size_t n = (std::size_t(y) * std::size_t(width) + std::size_t(x)) * 3;
    return {rgb[n], rgb[n + 1], rgb[n + 2]};
}

PointLps SliceFrame::toLps(double x, double y) const
{
    return origin + right * (x * pixelMm[0]) + down * (y * pixelMm[1]);
}

std::array<double, 2> SliceFrame::toPixel(PointLps point) const
{
    const Vec3 offset = point - origin;
    return {dot(offset, right) / pixelMm[0], dot(offset, down) / pixelMm[1]};
}

namespace {

/// Where a screen direction of a plane points to in the patient (radiological convention).
struct ScreenAxes { Vec3 right, down; };

ScreenAxes screenAxes(Plane plane)
{
    switch (plane) {
    case Plane::Axial: return {{1, 0, 0}, {0, 1, 0}};       // right: patient left; down: posterior
    case Plane::Coronal: return {{1, 0, 0}, {0, 0, -1}};    // down: inferior
    case Plane::Sagittal: return {{0, 1, 0}, {0, 0, -1}};   // right: posterior
    }
    return {};
}

/// The planes whose normals the two screen directions of `plane` run along.
std::array<Plane, 2> inPlaneNormals(Plane plane)
{
    switch (plane) {
    case Plane::Axial: return {Plane::Sagittal, Plane::Coronal};
    case Plane::Coronal: return {Plane::Sagittal, Plane::Axial};
    case Plane::Sagittal: return {Plane::Coronal, Plane::Axial};
    }
    return {};
}

/// A voxel axis as one side of the screen: its step and whether it runs against the wanted direction.
struct Side {
    int axis;
    bool reversed;
};

Side sideAlong(const Geometry& geometry, Plane normalOf, Vec3 wanted)
{
    const int axis = geometry.axisAcross(normalOf);
    return {axis, dot(geometry.direction(axis), wanted) < 0};
}

double& at(ContinuousIndex& index, int axis) { return axis == 0 ? index.i : axis == 1 ? index.j : index.k; }
double at(const ContinuousIndex& index, int axis) { return axis == 0 ? index.i : axis == 1 ? index.j : index.k; }

void flipFrame(SliceFrame& frame, bool horizontal, bool vertical)
{
    if (horizontal) {
        frame.origin = frame.toLps(frame.width - 1, 0);
        frame.right = frame.right * -1;
    }
    if (vertical) {
        frame.origin = frame.toLps(0, frame.height - 1);
        frame.down = frame.down * -1;
    }
}

/// How pixel coordinates of a frame run through the voxel grid of a geometry.
struct IndexWalk {
    ContinuousIndex start, perX, perY;
    ContinuousIndex at(double x, double y) const
    {
        return {start.i + perX.i * x + perY.i * y, start.j + perX.j * x + perY.j * y, start.k + perX.k * x + perY.k * y};
    }
};

IndexWalk walkThrough(const Geometry& geometry, const SliceFrame& frame)
{
    const ContinuousIndex start = geometry.toIndex(frame.origin);
    const auto difference = [&](PointLps point) {
        const ContinuousIndex index = geometry.toIndex(point);
        return ContinuousIndex{index.i - start.i, index.j - start.j, index.k - start.k};
    };
    return {start, difference(frame.toLps(1, 0)), difference(frame.toLps(0, 1))};
}

/// One voxel coordinate along a row or column of pixels, ready for linear or nearest sampling; -1 where outside.
struct Tap {
    int low = -1, high = -1;
    float weight = 0;
};

Tap tapAt(double coordinate, int size, Interpolation interpolation)
{
    // Rounding at the very border of the outermost voxels must not decide about a row of pixels.
    constexpr double kSlack = 1e-6;
    if (!(coordinate >= -0.5 - kSlack) || !(coordinate <= size - 0.5 + kSlack)) {
        return {};
    }
    const double clamped = std::clamp(coordinate, 0.0, double(size - 1));
    if (interpolation == Interpolation::Nearest) {
        const int nearest = std::min(size - 1, int(clamped + 0.5));
        return {nearest, nearest, 0};
    }
    const int low = std::min(int(clamped), std::max(0, size - 2));
    return {low, std::min(low + 1, size - 1), float(clamped - low)};
}

/// The frame's sides run along two voxel axes and the third coordinate is constant: taps can be made once a row and column.
struct AlignedWalk {
    int axisX, axisY, axisAcross;
    double across;
};

std::optional<AlignedWalk> alignedWalk(const IndexWalk& walk)
{
    constexpr double kNegligible = 1e-7;
    const auto onlyAxis = [&](const ContinuousIndex& step) {
        int found = -1;
        for (int axis = 0; axis < 3; ++axis) {
            if (std::abs(hf::at(step, axis)) > kNegligible) {
                found = found == -1 ? axis : 3;
            }
        }
        return found;
    };
    const int x = onlyAxis(walk.perX), y = onlyAxis(walk.perY);
    if (x < 0 || y < 0 || x > 2 || y > 2 || x == y) {
        return std::nullopt;
    }
    const int across = 3 - x - y;
    return AlignedWalk{x, y, across, hf::at(walk.start, across)};
}

/// Values of a frame, as floats but for doubles; NaN outside the volume. `channels` values lie side by side for each voxel; `voxels` begins
/// with the one to sample.
template <typename T> class Sampler {
public:
    using Value = std::conditional_t<std::is_same_v<T, double>, double, float>;

    Sampler(std::span<const T> voxels, std::size_t channels, Size3 size, const IndexWalk& walk, Interpolation interpolation)
        : m_voxels(voxels), m_channels(channels), m_size(size), m_walk(walk), m_interpolation(interpolation), m_aligned(alignedWalk(walk)) {}

    std::vector<Value> sample(int width, int height) const
    {
        std::vector<Value> values(std::size_t(width) * std::size_t(height), std::numeric_limits<Value>::quiet_NaN());
        if (m_aligned) {
            sampleAligned(values, width, height);
        } else {
            sampleFree(values, width, height);
        }
        return values;
    }

    /// The voxels under the pixels, in their own type; 0 outside.
    std::vector<T> nearest(int width, int height) const
    {
        std::vector<T> values(std::size_t(width) * std::size_t(height));
        if (m_aligned) {
            nearestAligned(values, width, height);
            return values;
        }
        forBands(height, width, [&](int first, int last) {
            for (int y = first; y < last; ++y) {
                nearestFreeRow(values.data() + std::size_t(y) * std::size_t(width), width, y);
            }
        });
        return values;
    }

private:
    void nearestAligned(std::vector<T>& values, int width, int height) const
    {
        const int across = tapAt(m_aligned->across, m_size.along(m_aligned->axisAcross), Interpolation::Nearest).low;
        if (across < 0) {
            return;
        }
        const T* layer = m_voxels.data() + stride(m_aligned->axisAcross) * std::size_t(across);
        const std::vector<Tap> xTaps = taps(width, m_aligned->axisX, m_walk.perX), yTaps = taps(height, m_aligned->axisY, m_walk.perY);
        const std::size_t strideX = stride(m_aligned->axisX), strideY = stride(m_aligned->axisY);
        for (int y = 0; y < height; ++y) {
            const int row = yTaps[std::size_t(y)].low;
            T* out = values.data() + std::size_t(y) * std::size_t(width);
            for (int x = 0; row >= 0 && x < width; ++x) {
                const int column = xTaps[std::size_t(x)].low;
                out[x] = column < 0 ? T(0) : layer[strideY * std::size_t(row) + strideX * std::size_t(column)];
            }
        }
    }

    std::size_t stride(int axis) const
    {
        const std::size_t voxels = axis == 0 ? 1 : axis == 1 ? std::size_t(m_size.i) : std::size_t(m_size.i) * std::size_t(m_size.j);
        return voxels * m_channels;
    }

    std::vector<Tap> taps(int count, int axis, const ContinuousIndex& step) const
    {
        std::vector<Tap> list;
        list.reserve(std::size_t(count));
        for (int n = 0; n < count; ++n) {
            list.push_back(tapAt(at(m_walk.start, axis) + at(step, axis) * n, m_size.along(axis), m_interpolation));
        }
        return list;
    }

    void sampleAligned(std::vector<Value>& values, int width, int height) const
    {
        const Tap across = tapAt(m_aligned->across, m_size.along(m_aligned->axisAcross), m_interpolation);
        if (across.low < 0) {
            return;
        }
        // A slice within rounding of voxel centres needs one layer only.
        constexpr float kOnCentre = 1e-4F;
        const bool oneLayer = across.weight < kOnCentre || across.weight > 1 - kOnCentre || across.low == across.high;
        const std::size_t acrossStride = stride(m_aligned->axisAcross);
        const T* first = m_voxels.data() + acrossStride * std::size_t(across.weight > 0.5F ? across.high : across.low);
        sampleLayer(values, width, height, first);
        if (oneLayer) {
            return;
        }
        std::vector<Value> other(values.size(), std::numeric_limits<Value>::quiet_NaN());
        sampleLayer(other, width, height, m_voxels.data() + acrossStride * std::size_t(across.weight > 0.5F ? across.low : across.high));
        const float share = across.weight > 0.5F ? 1 - across.weight : across.weight;
        for (std::size_t n = 0; n < values.size(); ++n) {
            values[n] += (other[n] - values[n]) * share;
        }
    }

    /// A row of voxels at the columns of pixels; pixels outside are left as they are.
    static void sampleRow(const T* row, const std::vector<Tap>& taps, std::size_t stride, std::vector<Value>& out)
    {
        for (std::size_t x = 0; x < taps.size(); ++x) {
            const Tap& tap = taps[x];
            if (tap.low >= 0) {
                const Value low = Value(row[stride * std::size_t(tap.low)]);
                out[x] = low + (Value(row[stride * std::size_t(tap.high)]) - low) * tap.weight;
            }
        }
    }

    void sampleLayer(std::vector<Value>& values, int width, int height, const T* layer) const
    {
        const std::vector<Tap> xTaps = taps(width, m_aligned->axisX, m_walk.perX);
        const std::vector<Tap> yTaps = taps(height, m_aligned->axisY, m_walk.perY);
        const std::size_t strideX = stride(m_aligned->axisX), strideY = stride(m_aligned->axisY);
        // Neighbouring rows of pixels mostly need the same two rows of voxels.
        std::array<std::vector<Value>, 2> rows;
        rows.fill(std::vector<Value>(std::size_t(width), std::numeric_limits<Value>::quiet_NaN()));
        std::array<int, 2> held{-1, -1};
        const auto rowAt = [&](int row, int other) {
            const std::size_t slot = held[0] == row || (held[1] != row && held[1] == other) ? 0 : 1;
            if (held[slot] != row) {
                sampleRow(layer + strideY * std::size_t(row), xTaps, strideX, rows[slot]);
                held[slot] = row;
            }
            return rows[slot].data();
        };
        for (int y = 0; y < height; ++y) {
            const Tap& tap = yTaps[std::size_t(y)];
            if (tap.low < 0) {
                continue;
            }
            const Value* top = rowAt(tap.low, tap.high);
            const Value* bottom = rowAt(tap.high, tap.low);
            Value* out = values.data() + std::size_t(y) * std::size_t(width);
            for (int x = 0; x < width; ++x) {
                out[x] = top[x] + (bottom[x] - top[x]) * tap.weight;
            }
        }
    }

    static constexpr int kBlock = 64;   // pixels

    /// Pixels of a row, `first` to before `last`.
    struct Run { int first = 0, last = 0; };

    void sampleFree(std::vector<Value>& values, int width, int height) const
    {
        forBands(height, width, [&](int first, int last) {
            for (int y = first; y < last; ++y) {
                sampleFreeRow(values.data() + std::size_t(y) * std::size_t(width), width, y);
            }
        });
    }

    void sampleFreeRow(Value* out, int width, int y) const
    {
        const Run outer = outerRun(width, y), inner = m_interpolation == Interpolation::Linear ? innerRun(width, y) : Run{};
        for (int x = outer.first; x < inner.first; ++x) {
            out[x] = valueAt(m_walk.at(x, y));
        }
        for (int x = inner.first; x < inner.last; x += kBlock) {
            sampleBlock(out, {x, std::min(inner.last, x + kBlock)}, y);
        }
        for (int x = std::max(inner.last, outer.first); x < outer.last; ++x) {
            out[x] = valueAt(m_walk.at(x, y));
        }
    }

    /// Pixels of a row that may lie in the volume: all others are outside for certain.
    Run outerRun(int width, int y) const
    {
        constexpr double kMargin = 0.6;     // voxels: half of one belongs to the volume, rounding decides nothing
        double first = 0, last = width;
        const ContinuousIndex start = m_walk.at(0, y);
        for (int axis = 0; axis < 3; ++axis) {
            const double from = at(start, axis), step = at(m_walk.perX, axis);
            const double low = (-kMargin - from) / step, high = (m_size.along(axis) - 1 + kMargin - from) / step;
            constexpr double kSensible = 1e9;
            if (std::abs(low) < kSensible && std::abs(high) < kSensible) {
                first = std::max(first, std::min(low, high));
                last = std::min(last, std::max(low, high));
            }
        }
        return first <= last ? Run{int(std::floor(first)), std::min(width, int(std::ceil(last)) + 1)} : Run{};
    }

    /// Pixels of a row that lie among eight voxels: nothing about borders is to be asked there.
    Run innerRun(int width, int y) const
    {
        double first = 0, last = width;
        const ContinuousIndex start = m_walk.at(0, y);
        for (int axis = 0; axis < 3; ++axis) {
            const double from = at(start, axis), step = at(m_walk.perX, axis), most = m_size.along(axis) - 1;
            constexpr double kNegligible = 1e-9, kSensible = 1e9;
            if (!(std::abs(from) < kSensible) || !(std::abs(step) < kSensible)) {
                return {};
            }
            if (std::abs(step) < kNegligible) {
                // A whole row may not leave the volume by such steps.
                if (!(from > 1e-3 && from < most - 1e-3)) {
                    return {};
                }
                continue;
            }
            first = std::max(first, std::min(-from / step, (most - from) / step));
            last = std::min(last, std::max(-from / step, (most - from) / step));
        }
        // A pixel less on both sides: rounding decides nothing.
        return last - first > 4 ? Run{int(std::ceil(first)) + 1, int(std::floor(last)) - 1} : Run{};
    }

    /// Cells and weights along one axis for the pixels of a block.
    struct BlockAxis {
        std::array<int, kBlock> cell;
        std::array<float, kBlock> weight;

        void walk(double start, double step, int x)
        {
            for (int n = 0; n < kBlock; ++n) {
                const double coordinate = start + step * (x + n);
                cell[std::size_t(n)] = int(coordinate);
                weight[std::size_t(n)] = float(coordinate - int(coordinate));
            }
        }
    };

    /// At most a block, step by step: wide instructions are made of the first and the last.
    void sampleBlock(Value* out, Run run, int y) const
    {
        const std::size_t count = std::size_t(run.last - run.first);
        const ContinuousIndex start = m_walk.at(0, y), step = m_walk.perX;
        BlockAxis i, j, k;
        std::array<std::array<Value, kBlock>, 8> corners{};
        std::array<Value, kBlock> values;
        i.walk(start.i, step.i, run.first);
        j.walk(start.j, step.j, run.first);
        k.walk(start.k, step.k, run.first);
        readCorners(corners, i, j, k, count);
        blendCorners(values, corners, i, j, k);
        std::copy_n(values.begin(), count, out + run.first);
    }

    /// The eight voxels around each pixel: i runs fastest, then j, then k.
    void readCorners(std::array<std::array<Value, kBlock>, 8>& corners, const BlockAxis& i, const BlockAxis& j, const BlockAxis& k, std::size_t count) const
    {
        const std::size_t toI = stride(0), toJ = stride(1), toK = stride(2);
        for (std::size_t n = 0; n < count; ++n) {
            const T* cell = m_voxels.data() + toI * std::size_t(i.cell[n]) + toJ * std::size_t(j.cell[n]) + toK * std::size_t(k.cell[n]);
            const std::array<const T*, 4> rows{cell, cell + toJ, cell + toK, cell + toK + toJ};
            for (std::size_t row = 0; row < 4; ++row) {
                corners[2 * row][n] = Value(rows[row][0]);
                corners[2 * row + 1][n] = Value(rows[row][toI]);
            }
        }
    }

    static void blendCorners(std::array<Value, kBlock>& values, const std::array<std::array<Value, kBlock>, 8>& corners, const BlockAxis& i, const BlockAxis& j, const BlockAxis& k)
    {
        for (std::size_t n = 0; n < kBlock; ++n) {
            const auto along = [&](std::size_t row) { return corners[2 * row][n] + (corners[2 * row + 1][n] - corners[2 * row][n]) * i.weight[n]; };
            const Value frontTop = along(0), frontBottom = along(1), backTop = along(2), backBottom = along(3);
            const Value front = frontTop + (frontBottom - frontTop) * j.weight[n], back = backTop + (backBottom - backTop) * j.weight[n];
            values[n] = front + (back - front) * k.weight[n];
        }
    }

    void nearestFreeRow(T* out, int width, int y) const
    {
        const auto nearestAlong = [&](double coordinate, int axis) { return tapAt(coordinate, m_size.along(axis), Interpolation::Nearest).low; };
        const auto atBorder = [&](int x) {
            const ContinuousIndex index = m_walk.at(x, y);
            const int i = nearestAlong(index.i, 0), j = nearestAlong(index.j, 1), k = nearestAlong(index.k, 2);
            return i < 0 || j < 0 || k < 0 ? T(0) : m_voxels[stride(0) * std::size_t(i) + stride(1) * std::size_t(j) + stride(2) * std::size_t(k)];
        };
        const Run inner = innerRun(width, y), outer = outerRun(width, y);
        const ContinuousIndex start = m_walk.at(0, y), step = m_walk.perX;
        for (int x = outer.first; x < inner.first; ++x) {
            out[x] = atBorder(x);
        }
        for (int x = inner.first; x < inner.last; ++x) {
            const int i = int(start.i + step.i * x + 0.5), j = int(start.j + step.j * x + 0.5), k = int(start.k + step.k * x + 0.5);
            out[x] = m_voxels[stride(0) * std::size_t(i) + stride(1) * std::size_t(j) + stride(2) * std::size_t(k)];
        }
        for (int x = std::max(inner.last, outer.first); x < outer.last; ++x) {
            out[x] = atBorder(x);
        }
    }

    Value valueAt(const ContinuousIndex& index) const
    {
        const Tap i = tapAt(index.i, m_size.i, m_interpolation);
        const Tap j = tapAt(index.j, m_size.j, m_interpolation);
        const Tap k = tapAt(index.k, m_size.k, m_interpolation);
        if (i.low < 0 || j.low < 0 || k.low < 0) {
            return std::numeric_limits<Value>::quiet_NaN();
        }
        const auto row = [&](int jIndex, int kIndex) {
            const T* line = m_voxels.data() + stride(2) * std::size_t(kIndex) + stride(1) * std::size_t(jIndex);
            const Value low = Value(line[stride(0) * std::size_t(i.low)]), high = Value(line[stride(0) * std::size_t(i.high)]);
            return low + (high - low) * i.weight;
        };
        const Value front = row(j.low, k.low) + (row(j.high, k.low) - row(j.low, k.low)) * j.weight;
        const Value back = row(j.low, k.high) + (row(j.high, k.high) - row(j.low, k.high)) * j.weight;
        return front + (back - front) * k.weight;
    }

    std::span<const T> m_voxels;
    std::size_t m_channels;
    Size3 m_size;
    IndexWalk m_walk;
    Interpolation m_interpolation;
    std::optional<AlignedWalk> m_aligned;
};

template <typename T>
std::vector<typename Sampler<T>::Value> sampleFrame(std::span<const T> voxels, const Geometry& geometry, const SliceFrame& frame, Interpolation interpolation,
                               std::size_t channels = 1)
{
    return Sampler<T>(voxels, channels, geometry.size(), walkThrough(geometry, frame), interpolation).sample(frame.width, frame.height);
}

/// Components of the overlay colours as the reference defines them: fractions with three digits, not 8-bit values.
constexpr double kOverlayFractions[16][3] = {
    {1, 0, 0}, {0, 0, 1}, {1, 1, 0}, {1, 0, 1}, {0, 0.502, 0}, {0.294, 0, 0.51}, {1, 0.549, 0}, {0, 1, 1},
    {1, 0.753, 0.796}, {0.647, 0.165, 0.165}, {1, 0.647, 0}, {0, 1, 0}, {1, 0.647, 0}, {1, 0.843, 0}, {0.604, 0.804, 0.196}, {0, 0.392, 0}};

} // namespace

SliceFrame frameOf(const Geometry& geometry, const View& view)
{
    const ScreenAxes screen = screenAxes(view.plane);
    const std::array<Plane, 2> normals = inPlaneNormals(view.plane);
    const Side x = sideAlong(geometry, normals[0], screen.right);
    const Side y = sideAlong(geometry, normals[1], screen.down);
    const Size3 size = geometry.size();
    const int across = geometry.axisAcross(view.plane);
    if (view.slice < 0 || view.slice >= size.along(across)) {
        throw Error("slice " + std::to_string(view.slice) + " of a volume with " + std::to_string(size.along(across)) + " " +
            toString(view.plane) + " slices", "slice");
    }
    ContinuousIndex corner;
    at(corner, x.axis) = x.reversed ? size.along(x.axis) - 1 : 0;
    at(corner, y.axis) = y.reversed ? size.along(y.axis) - 1 : 0;
    at(corner, across) = view.slice;
    SliceFrame frame;
    frame.origin = geometry.toLps(corner);
    frame.right = geometry.direction(x.axis) * (x.reversed ? -1 : 1);
    frame.down = geometry.direction(y.axis) * (y.reversed ? -1 : 1);
    frame.pixelMm = {geometry.spacingMm()[std::size_t(x.axis)], geometry.spacingMm()[std::size_t(y.axis)]};
    frame.width = size.along(x.axis);
    frame.height = size.along(y.axis);
    flipFrame(frame, view.flipHorizontal, view.flipVertical);
    return frame;
}

SliceFrame squareFrameOf(const Geometry& geometry, const View& view)
{
    SliceFrame frame = frameOf(geometry, view);
    const double fine = std::min(frame.pixelMm[0], frame.pixelMm[1]);
    // The same field of view, outer edge to outer edge, in whole pixels.
    constexpr int kMost = 4096;
    const auto refined = [&](int count, double pixelMm) { return std::clamp(int(std::lround(count * pixelMm / fine)), 1, kMost); };
    const int width = refined(frame.width, frame.pixelMm[0]), height = refined(frame.height, frame.pixelMm[1]);
    const double stepX = frame.width * frame.pixelMm[0] / width, stepY = frame.height * frame.pixelMm[1] / height;
    frame.origin = frame.origin + frame.right * ((stepX - frame.pixelMm[0]) / 2) + frame.down * ((stepY - frame.pixelMm[1]) / 2);
    frame.pixelMm = {stepX, stepY};
    frame.width = width;
    frame.height = height;
    return frame;
}

Picture composeSlice(const Volume& volume, const SliceFrame& frame, const WindowLevel& window, bool invert,
                     Interpolation interpolation, const LabelMap* mask, const OverlayStyle& style)
{
    return SampledSlice(volume, frame, interpolation, {}, mask, style).compose(window, invert);
}

Picture composeSlab(const Volume& volume, const SliceFrame& frame, const WindowLevel& window, bool invert, Interpolation interpolation, const Slab& slab,
                    const LabelMap* mask, const OverlayStyle& style)
{
    return SampledSlice(volume, frame, interpolation, slab, mask, style).compose(window, invert);
}

std::vector<LabelId> sampleLabels(const LabelMap& mask, const SliceFrame& frame)
{
    return Sampler<LabelId>(mask.voxels(), 1, mask.geometry().size(), walkThrough(mask.geometry(), frame), Interpolation::Nearest).nearest(frame.width, frame.height);
}

std::vector<float> sampleChannel(const Volume& volume, std::size_t channel, const SliceFrame& frame, Interpolation interpolation)
{
    return sampleFrame(volume.rgb().subspan(channel), volume.geometry(), frame, interpolation, 3);
}

std::vector<float> sampleGraphics(const Volume& volume, const SliceFrame& frame)
{
    return sampleFrame(std::span<const std::uint16_t>(*volume.info().graphics), volume.geometry(), frame, Interpolation::Nearest);
}

Samples sampleValues(const Volume& volume, const SliceFrame& frame, Interpolation interpolation)
{
    return volume.visit([&](auto voxels) -> Samples { return sampleFrame(voxels, volume.geometry(), frame, interpolation); });
}

Picture modelPicture(const Volume& volume, const View& view)
{
    const SliceFrame frame = squareFrameOf(volume.geometry(), view);
    Picture picture = composeSlice(volume, frame, view.window, view.invert, Interpolation::Linear);
    if (view.shutter) {
        applyShutter(picture, frame, volume.geometry(), view.slice, *view.shutter);
    }
    return picture;
}

std::vector<LabelId> labelsInSlice(const LabelMap& mask, Plane plane, int slice)
{
    const Size3 size = mask.geometry().size();
    const int across = mask.geometry().axisAcross(plane);
    if (slice < 0 || slice >= size.along(across)) {
        throw Error("slice " + std::to_string(slice) + " is outside the mask", "slice");
    }
    std::bitset<256> present;
    Index3 first{}, last{size.i - 1, size.j - 1, size.k - 1};
    (across == 0 ? first.i : across == 1 ? first.j : first.k) = slice;
    (across == 0 ? last.i : across == 1 ? last.j : last.k) = slice;
    for (int k = first.k; k <= last.k; ++k) {
        for (int j = first.j; j <= last.j; ++j) {
            for (int i = first.i; i <= last.i; ++i) {
                present.set(mask.valueAt({i, j, k}));
            }
        }
    }
    std::vector<LabelId> labels;
    for (std::size_t value = 1; value < present.size(); ++value) {
        if (present.test(value)) {
            labels.push_back(LabelId(value));
        }
    }
    return labels;
}

MaskedPicture modelMaskedPicture(const Volume& volume, const View& view, const LabelMap& mask)
{
    if (!mask.geometry().sameGridAs(volume.geometry())) {
        throw Error("mask and volume lie on different grids", "grid");
    }
    MaskedPicture masked;
    std::array<int, 256> rank;
    rank.fill(-1);
    int next = 0;
    for (const LabelId value : labelsInSlice(mask, view.plane, view.slice)) {
        rank[value] = next % 16;
        if (const Label* label = mask.findLabel(value)) {
            masked.legend.push_back({value, overlayColors()[std::size_t(next % 16)].name, label->name});
        }
        ++next;
    }
    const SliceFrame frame = squareFrameOf(volume.geometry(), view);
    masked.picture = composeSlice(volume, frame, view.window, view.invert, Interpolation::Linear);
    const std::vector<LabelId> labels = sampleLabels(mask, frame);
    constexpr double kBlack[3] = {0, 0, 0};
    for (std::size_t n = 0; n < labels.size(); ++n) {
        const double* color = rank[labels[n]] < 0 ? kBlack : kOverlayFractions[rank[labels[n]]];
        for (std::size_t c = 0; c < 3; ++c) {
            std::uint8_t& pixel = masked.picture.rgb[n * 3 + c];
            pixel = std::uint8_t(255 * (0.3 * color[c] + 0.7 * (pixel / 255.0)));
        }
    }
    if (view.shutter) {
        applyShutter(masked.picture, frame, volume.geometry(), view.slice, *view.shutter);
    }
    return masked;
}

} // namespace hf
