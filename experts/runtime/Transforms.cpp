#include "experts/runtime/Transforms.h"

#include "viewer/volume/Volume.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace hf::runtime {

namespace {

using Sizes3 = std::array<std::int64_t, 3>;

at::Tensor identity4() { return at::eye(4, at::kDouble); }

double& at2(const at::Tensor& matrix, std::int64_t row, std::int64_t column) { return matrix.data_ptr<double>()[row * matrix.size(1) + column]; }

at::Tensor diagonal(const std::array<double, 3>& values)
{
    const at::Tensor matrix = at::zeros({3, 3}, at::kDouble);
    for (std::int64_t n = 0; n < 3; ++n) {
        at2(matrix, n, n) = values[std::size_t(n)];
    }
    return matrix;
}

at::Tensor rotationPart(const at::Tensor& affine) { return affine.narrow(0, 0, 3).narrow(1, 0, 3); }

Sizes3 sizesOf(const at::Tensor& data) { return {data.size(1), data.size(2), data.size(3)}; }

/// Corner voxels (index 0 and d - 1 an axis), axis 0 slowest: [4, 8].
at::Tensor corners(const Sizes3& size)
{
    const at::Tensor points = at::ones({4, 8}, at::kDouble);
    for (std::int64_t n = 0; n < 8; ++n) {
        for (std::int64_t axis = 0; axis < 3; ++axis) {
            at2(points, axis, n) = (n >> (2 - axis) & 1) ? double(size[std::size_t(axis)] - 1) : 0.0;
        }
    }
    return points;
}

/// Axis directions without shear, scaled to the spacing: Q diag(t) of R = Q U.
at::Tensor spacedDirections(const at::Tensor& affine, const std::array<double, 3>& spacing)
{
    const at::Tensor rotation = rotationPart(affine).contiguous();
    const at::Tensor upper = at::linalg_cholesky(at::matmul(rotation.t(), rotation), true);
    return at::matmul(at::matmul(rotation, at::linalg_inv(upper)), diagonal(spacing));
}

void setTranslation(const at::Tensor& affine, const at::Tensor& translation) { affine.narrow(0, 0, 3).select(1, 3).copy_(translation); }

/// S(d) of the reference: voxel index to the normalised index whose edges are -1 and 1.
at::Tensor normaliser(const Sizes3& size)
{
    const at::Tensor matrix = identity4();
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        at2(matrix, axis, axis) = 2.0 / double(size[std::size_t(axis)]);
        at2(matrix, axis, 3) = 1.0 / double(size[std::size_t(axis)]) - 1;
    }
    return matrix;
}

/// The map that grid_sampler takes: x is the last array axis there. [1, 3, 4] float64.
at::Tensor samplingMap(const at::Tensor& indexMap, const Sizes3& in, const Sizes3& out)
{
    const at::Tensor theta = at::matmul(at::matmul(normaliser(in), indexMap), at::linalg_inv(normaliser(out)));
    const at::Tensor order = at::tensor({2, 1, 0, 3}, at::kLong);
    return theta.index_select(0, order).index_select(1, order).narrow(0, 0, 3).unsqueeze(0).contiguous();
}

/// Centres of n voxels between edges at -1 and 1.
at::Tensor centres(std::int64_t n, const at::TensorOptions& options)
{
    return n <= 1 ? at::zeros({n}, options) : at::linspace(-1, 1, n, options) * double(n - 1) / double(n);
}

/// Where the voxels of a grid lie in an image, as affine_grid_generator(align_corners = false) says it and with its arithmetic, but rows of the first axis at a
/// time: a whole grid in fp64 would be 24 bytes a voxel.
class Places {
public:
    /// @param theta  of samplingMap(), on the host.
    Places(const at::Tensor& theta, const Sizes3& size, at::Device device) : m_theta(theta.to(device)), m_size(size)
    {
        const at::Tensor rows = theta.view({3, 4});
        for (std::int64_t row = 0; row < 3; ++row) {
            for (std::int64_t column = 0; column < 3; ++column) {
                m_isSeparable = m_isSeparable && (row == column || at2(rows, row, column) == 0);
            }
        }
        for (std::int64_t axis = 0; m_isSeparable && axis < 3; ++axis) {
            const std::int64_t row = 2 - axis;
            m_lines[std::size_t(axis)] = centres(size[std::size_t(axis)], m_theta.options()).mul_(at2(rows, row, row)).add_(at2(rows, row, 3));
        }
    }

    /// Without rotation and shear each axis depends on one axis of the grid alone.
    bool isSeparable() const { return m_isSeparable; }
    /// Then the places along this axis of the grid.
    const at::Tensor& line(std::int64_t axis) const { return m_lines[std::size_t(axis)]; }

    /// [1, end - begin, D1, D2, 3]: x, the last axis of the image, comes first.
    at::Tensor rows(std::int64_t begin, std::int64_t end) const
    {
        const at::Tensor base = at::empty({1, end - begin, m_size[1], m_size[2], m_isSeparable ? 3 : 4}, m_theta.options());
        const auto lineOf = [&](std::int64_t axis) { return m_isSeparable ? line(axis) : centres(m_size[std::size_t(axis)], m_theta.options()); };
        base.select(-1, 0).copy_(lineOf(2));
        base.select(-1, 1).copy_(lineOf(1).unsqueeze(-1));
        base.select(-1, 2).copy_(lineOf(0).narrow(0, begin, end - begin).unsqueeze(-1).unsqueeze(-1));
        if (m_isSeparable) {
            return base;
        }
        base.select(-1, 3).fill_(1);
        return at::bmm(base.view({1, -1, 4}), m_theta.transpose(1, 2)).view({1, end - begin, m_size[1], m_size[2], 3});
    }

private:
    at::Tensor m_theta;                     ///< [1, 3, 4]
    Sizes3 m_size;
    bool m_isSeparable = true;
    std::array<at::Tensor, 3> m_lines;      ///< [D0], [D1], [D2]
};

/// The index nearest to a place, as grid_sampler(nearest, border, align_corners = false).
at::Tensor nearestIndex(const at::Tensor& places, std::int64_t size)
{
    return ((places + 1) * double(size) - 1).div_(2).clamp_(0, double(size - 1)).round_().to(at::kLong);
}

/// grid_sampler(nearest, border, align_corners = false), the same arithmetic, for values of any type. @param values [D0, D1, D2]; grid as Places::rows().
at::Tensor nearestRows(const at::Tensor& values, const at::Tensor& grid)
{
    at::Tensor place;
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        const at::Tensor index = nearestIndex(grid.select(-1, 2 - axis), values.size(axis));
        place = axis == 0 ? index : place.mul_(values.size(axis)).add_(index);
    }
    return values.reshape({-1}).index_select(0, place.reshape({-1})).view(place.sizes().slice(1));
}

/// The same for separable places, the whole grid.
at::Tensor nearestOfLines(at::Tensor values, const Places& places)
{
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        values = values.index_select(axis, nearestIndex(places.line(axis), values.size(axis)));
    }
    return values;
}

bool isClose(const at::Tensor& a, const at::Tensor& b, double absolute) { return at::allclose(a, b, 1e-5, absolute); }

at::Tensor indexMapOf(const at::Tensor& from, const at::Tensor& to) { return at::linalg_solve(from, to); }

/// Translation by voxels as a matrix.
at::Tensor shift(const Sizes3& by, double sign)
{
    const at::Tensor matrix = identity4();
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        at2(matrix, axis, 3) = sign * double(by[std::size_t(axis)]);
    }
    return matrix;
}

} // namespace

std::array<float, 2> greyRange(const Volume& volume)
{
    const Volume::Range range = volume.range();
    if (const auto& stored = volume.info().storedRange; stored && (*stored)[0] <= range.minimum && range.maximum <= (*stored)[1]) {
        return {float((*stored)[0]), float((*stored)[1])};
    }
    constexpr double kFewestBits = 8;
    const bool isWhole = volume.visit([](auto voxels) { return std::all_of(voxels.begin(), voxels.end(), [](auto value) { return double(value) == std::floor(double(value)); }); });
    if (range.minimum < 0 || !isWhole) {
        return {float(range.minimum), float(range.maximum)};
    }
    return {0, float(std::exp2(std::max(kFewestBits, std::ceil(std::log2(range.maximum + 1)))) - 1)};
}

Image toImage(const Volume& volume, PaddingFill fill, at::Device device)
{
    const Size3 size = volume.geometry().size();
    Image image;
    bool mayLackNumbers = false;
    image.affine = at::empty({4, 4}, at::kDouble);
    const std::array<double, 16> affine = volume.geometry().affineRas();
    std::copy(affine.begin(), affine.end(), image.affine.data_ptr<double>());
    volume.visit([&](auto voxels) {
        using Voxel = std::remove_const_t<typename decltype(voxels)::element_type>;
        const auto type = c10::CppTypeToScalarType<Voxel>::value;
        const at::Tensor stored = at::from_blob(const_cast<Voxel*>(voxels.data()), {1, size.k, size.j, size.i}, at::TensorOptions().dtype(type));
        image.data = stored.to(device).permute({0, 3, 2, 1}).to(at::kFloat).contiguous();
        if (image.data.is_alias_of(stored)) {
            image.data = image.data.clone();
        }
        mayLackNumbers = std::is_floating_point_v<Voxel>;
    });
    const VolumeInfo& info = volume.info();
    at::Tensor isPadding = info.padding ? (image.data >= (*info.padding)[0]).logical_and_(image.data <= (*info.padding)[1]) : at::Tensor();
    // One that is no number would spread over every mean of the picture.
    if (const at::Tensor lacks = mayLackNumbers ? image.data.isfinite().logical_not() : at::Tensor(); lacks.defined() && lacks.any().item<bool>()) {
        isPadding = isPadding.defined() ? isPadding.logical_or(lacks) : lacks;
    }
    if (info.isInverted && info.unit == Unit::None) {
        const auto [black, white] = greyRange(volume);
        image.data.neg_().add_(double(black) + double(white));
    }
    if (isPadding.defined()) {
        const at::Tensor picture = image.data.masked_select(isPadding.logical_not());
        const double darkest = fill == PaddingFill::Zero || picture.numel() == 0 ? 0 : picture.min().item<double>();
        image.data.masked_fill_(isPadding, darkest);
    }
    return image;
}

std::array<double, 3> spacingOf(const at::Tensor& affine)
{
    std::array<double, 3> spacing;
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        const double norm = affine.narrow(0, 0, 3).select(1, axis).norm().item<double>();
        spacing[std::size_t(axis)] = norm == 0 ? 1 : norm;
    }
    return spacing;
}

Grid spacedGrid(const at::Tensor& affine, const Sizes3& size, const std::array<double, 3>& wanted)
{
    constexpr double kSame = 1e-3, kCorner = 1e-8;
    std::array<double, 3> spacing = spacingOf(affine);
    for (std::size_t axis = 0; axis < 3; ++axis) {
        if (wanted[axis] > 0 && std::abs(spacing[axis] - wanted[axis]) > kSame) {
            spacing[axis] = wanted[axis];
        }
    }
    Grid grid{identity4(), {}};
    grid.affine.narrow(0, 0, 3).narrow(1, 0, 3).copy_(spacedDirections(affine, spacing));
    const at::Tensor places = at::matmul(affine, corners(size));
    const at::Tensor indices = at::linalg_solve(grid.affine, places);
    const at::Tensor lowest = std::get<0>(indices.min(1)), extent = std::get<0>(indices.max(1)) - lowest;
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        grid.size[std::size_t(axis)] = std::int64_t(std::nearbyint(extent[axis].item<double>() + 1));
    }
    for (std::int64_t n = 0; n < 8; ++n) {
        const at::Tensor least = (indices - indices.narrow(1, n, 1)).narrow(0, 0, 3).amin(1);
        if (least.abs().max().item<double>() <= kCorner) {
            setTranslation(grid.affine, places.select(1, n).narrow(0, 0, 3));
            return grid;
        }
    }
    // Sheared: centres are aligned.
    const auto centre = [](const Sizes3& s) { return at::tensor({double(s[0]), double(s[1]), double(s[2])}, at::kDouble) / 2; };
    const at::Tensor inCentre = at::matmul(rotationPart(affine), centre(size)) + affine.narrow(0, 0, 3).select(1, 3);
    setTranslation(grid.affine, inCentre - at::matmul(rotationPart(grid.affine), centre(grid.size)));
    return grid;
}

Image resampled(const Image& image, const Grid& grid, Interpolation interpolation)
{
    const Sizes3 in = sizesOf(image.data);
    const at::Tensor indexMap = indexMapOf(image.affine, grid.affine);
    if (in == grid.size && (isClose(image.affine, grid.affine, 1e-3) || isClose(indexMap, identity4(), 1e-3))) {
        return image;
    }
    const bool isLinear = interpolation == Interpolation::Linear;
    const Places places(samplingMap(indexMap, in, grid.size), grid.size, image.data.device());
    const at::TensorOptions options = isLinear ? image.data.options().dtype(at::kFloat) : image.data.options();
    Image out{at::empty({image.data.size(0), grid.size[0], grid.size[1], grid.size[2]}, options), at::matmul(image.affine, indexMap)};
    // Rows a step, so that grid and values in fp64 stay near 64 MB.
    const std::int64_t rows = std::max<std::int64_t>(1, 2'000'000 / (grid.size[1] * grid.size[2]));
    constexpr std::int64_t kBilinear = 0, kBorder = 1;
    for (std::int64_t channel = 0; channel < image.data.size(0); ++channel) {
        const at::Tensor stored = image.data.select(0, channel), values = isLinear ? stored.to(at::kDouble).unsqueeze(0).unsqueeze(0) : stored;
        if (!isLinear && places.isSeparable()) {
            out.data.select(0, channel).copy_(nearestOfLines(values, places));
            continue;
        }
        for (std::int64_t begin = 0; begin < grid.size[0]; begin += rows) {
            const std::int64_t end = std::min(begin + rows, grid.size[0]);
            const at::Tensor rowPlaces = places.rows(begin, end);
            const at::Tensor sampled = isLinear ? at::grid_sampler(values, rowPlaces, kBilinear, kBorder, false).select(0, 0).select(0, 0) : nearestRows(values, rowPlaces);
            out.data.select(0, channel).narrow(0, begin, end - begin).copy_(sampled);
        }
    }
    return out;
}

Image spaced(const Image& image, const std::array<double, 3>& spacingMm, Interpolation interpolation)
{
    return resampled(image, spacedGrid(image.affine, sizesOf(image.data), spacingMm), interpolation);
}

AxisOrder orderToRas(const at::Tensor& affine)
{
    const at::Tensor rotation = rotationPart(affine).clone();
    const std::array<double, 3> norms = spacingOf(affine);
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        rotation.select(1, axis).div_(norms[std::size_t(axis)]);
    }
    const auto [u, s, vh] = at::linalg_svd(rotation, false);
    const at::Tensor polar = at::matmul(u, vh).contiguous();
    AxisOrder order;
    std::array<bool, 3> used{};
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        std::int64_t best = -1;
        for (std::int64_t row = 0; row < 3; ++row) {
            if (!used[std::size_t(row)] && (best < 0 || std::abs(at2(polar, row, axis)) > std::abs(at2(polar, best, axis)))) {
                best = row;
            }
        }
        used[std::size_t(best)] = true;
        order.source[std::size_t(best)] = int(axis);
        order.flipped[std::size_t(best)] = at2(polar, best, axis) < 0;
    }
    return order;
}

AxisOrder inverseOf(const AxisOrder& order)
{
    AxisOrder inverse;
    for (std::size_t axis = 0; axis < 3; ++axis) {
        inverse.source[std::size_t(order.source[axis])] = int(axis);
        inverse.flipped[std::size_t(order.source[axis])] = order.flipped[axis];
    }
    return inverse;
}

Image reordered(const Image& image, const AxisOrder& order)
{
    if (order.isIdentity()) {
        return image;
    }
    const at::Tensor map = at::zeros({4, 4}, at::kDouble);     // new index to old
    at2(map, 3, 3) = 1;
    std::vector<std::int64_t> flips, axes{0};
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        const std::int64_t source = order.source[std::size_t(axis)];
        const bool isFlipped = order.flipped[std::size_t(axis)];
        axes.push_back(source + 1);
        at2(map, source, axis) = isFlipped ? -1 : 1;
        if (isFlipped) {
            flips.push_back(source + 1);
            at2(map, source, 3) = double(image.data.size(source + 1) - 1);
        }
    }
    return {image.data.flip(flips).permute(axes).contiguous(), at::matmul(image.affine, map)};
}

Box foregroundBox(const at::Tensor& data, std::int64_t margin)
{
    const at::Tensor selected = (data > 0).any(0);
    Box box{};
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        at::Tensor line = selected;
        for (std::int64_t other = 3; other-- > 0;) {
            line = other == axis ? line : line.any(other);
        }
        const at::Tensor hits = line.nonzero();
        if (hits.size(0) == 0) {
            return Box{};
        }
        box.begin[std::size_t(axis)] = std::max<std::int64_t>(0, hits[0].item<std::int64_t>() - margin);
        box.end[std::size_t(axis)] = std::min(selected.size(axis), hits[-1].item<std::int64_t>() + margin + 1);
    }
    return box;
}

Image cropped(const Image& image, const Box& box)
{
    at::Tensor data = image.data;
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        data = data.narrow(axis + 1, box.begin[std::size_t(axis)], box.end[std::size_t(axis)] - box.begin[std::size_t(axis)]);
    }
    return {data.contiguous(), at::matmul(image.affine, shift(box.begin, 1))};
}

Image uncropped(const Image& image, const Box& box, const Sizes3& size)
{
    const at::Tensor data = at::zeros({image.data.size(0), size[0], size[1], size[2]}, image.data.options());
    at::Tensor inside = data;
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        inside = inside.narrow(axis + 1, box.begin[std::size_t(axis)], box.end[std::size_t(axis)] - box.begin[std::size_t(axis)]);
    }
    inside.copy_(image.data);
    return {data, at::matmul(image.affine, shift(box.begin, -1))};
}

at::Tensor scaledRange(const at::Tensor& data, const IntensityRange& range)
{
    const at::Tensor out = (data - range.from).div_(range.to - range.from).mul_(range.high - range.low).add_(range.low);
    return range.clips ? out.clamp_(range.low, range.high) : out;
}

at::Tensor scaled(const at::Tensor& data, double low, double high)
{
    const at::Tensor smallest = data.min(), largest = data.max();
    if (smallest.item<double>() == largest.item<double>()) {
        return data * low;
    }
    return (data - smallest) / (largest - smallest) * (high - low) + low;
}

at::Tensor normalized(const at::Tensor& data, bool nonZero, bool perChannel)
{
    const at::Tensor out = data.clone();
    for (std::int64_t channel = 0; channel < (perChannel ? data.size(0) : 1); ++channel) {
        const at::Tensor values = perChannel ? out.select(0, channel) : out;
        const at::Tensor mask = nonZero ? values != 0 : at::ones_like(values, at::kBool);
        const at::Tensor chosen = values.masked_select(mask);
        if (chosen.numel() == 0) {
            continue;
        }
        const at::Tensor mean = chosen.mean(), deviation = chosen.std(false);
        const at::Tensor normed = (chosen - mean) / (deviation.item<float>() == 0 ? at::ones_like(deviation) : deviation);
        values.masked_scatter_(mask, normed);
    }
    return out;
}

void Prepared::space(const std::array<double, 3>& spacingMm)
{
    m_steps.push_back({Step::Kind::Spacing, grid()});
    image = spaced(image, spacingMm);
}

void Prepared::orientToRas()
{
    const AxisOrder order = orderToRas(image.affine);
    m_steps.push_back({Step::Kind::Orientation, grid(), order});
    image = reordered(image, order);
}

bool Prepared::cropForeground(std::int64_t margin)
{
    const Box box = foregroundBox(image.data, margin);
    if (box.end[0] <= box.begin[0]) {
        return false;
    }
    m_steps.push_back({Step::Kind::Crop, grid(), {}, box});
    image = cropped(image, box);
    return true;
}

at::Tensor Prepared::invertedLabels(const at::Tensor& labels) const { return inverted(labels.to(at::kByte), Interpolation::Nearest); }
at::Tensor Prepared::invertedValues(const at::Tensor& values) const { return inverted(values.to(at::kFloat), Interpolation::Linear); }

at::Tensor Prepared::inverted(const at::Tensor& data, Interpolation interpolation) const
{
    Image back{data, image.affine};
    for (auto step = m_steps.rbegin(); step != m_steps.rend(); ++step) {
        switch (step->kind) {
        case Step::Kind::Spacing: back = resampled(back, step->before, interpolation); break;
        case Step::Kind::Orientation: back = reordered(back, inverseOf(step->order)); break;
        case Step::Kind::Crop: back = uncropped(back, step->box, step->before.size); break;
        }
    }
    return back.data.select(0, 0);
}

} // namespace hf::runtime
