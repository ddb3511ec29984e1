#include "viewer/volume/Measurement.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace hf {

namespace {

struct KindName { MeasurementKind kind; const char* word; std::size_t points; };

constexpr KindName kKinds[] = {{MeasurementKind::Length, "length", 2}, {MeasurementKind::Angle, "angle", 3}, {MeasurementKind::Cobb, "cobb", 4},
    {MeasurementKind::Ellipse, "ellipse", 2}, {MeasurementKind::Rectangle, "rectangle", 2}, {MeasurementKind::Polygon, "polygon", 3},
    {MeasurementKind::Freehand, "freehand", 3}, {MeasurementKind::Arrow, "arrow", 2}, {MeasurementKind::Text, "text", 1}, {MeasurementKind::Probe, "probe", 1},
    {MeasurementKind::KeyImage, "key-image", 1}};

/// A place on the plane of a measurement, along right and down.
struct Flat { double x = 0, y = 0; };

Flat operator-(Flat a, Flat b) { return {a.x - b.x, a.y - b.y}; }
double lengthOf(Flat v) { return std::hypot(v.x, v.y); }

/// The plane of a measurement through its first point.
struct PlaneAxes {
    PointLps origin;
    Vec3 right, down;
    explicit PlaneAxes(const Measurement& m) : origin(m.points.front()), right(m.right), down(m.down) {}
    Flat flat(PointLps p) const { return {dot(p - origin, right), dot(p - origin, down)}; }
    PointLps lps(Flat f) const { return origin + right * f.x + down * f.y; }
};

/// How many units (mm or pixels) a millimetre of the volume's geometry is along the two directions of the plane.
struct UnitScale {
    ScaleSource source;
    Flat perMm;
    Flat apply(Flat f) const { return {f.x * perMm.x, f.y * perMm.y}; }
    double area() const { return perMm.x * perMm.y; }
};

/// Pixels per mm of geometry along a direction: how far the voxel index moves.
Flat pixelsPerMm(const Volume& volume, const PlaneAxes& plane)
{
    const auto along = [&](Vec3 direction) {
        const ContinuousIndex a = volume.geometry().toIndex(plane.origin), b = volume.geometry().toIndex(plane.origin + direction);
        return std::sqrt((b.i - a.i) * (b.i - a.i) + (b.j - a.j) * (b.j - a.j) + (b.k - a.k) * (b.k - a.k));
    };
    return {along(plane.right), along(plane.down)};
}

bool regionHolds(const UltrasoundRegion& region, const ContinuousIndex& index)
{
    // Bounds are pixels: the outer edge is half a pixel beyond their centres.
    const auto slice = std::lround(index.k);
    return slice >= region.firstSlice && slice <= region.lastSlice && index.i >= region.left - 0.5 && index.i <= region.right + 0.5 && index.j >= region.top - 0.5 && index.j <= region.bottom + 0.5;
}

const UltrasoundRegion* regionOf(const Measurement& m, const Volume& volume, const ImageScale& scale)
{
    for (const UltrasoundRegion& region : scale.regions) {
        if (std::all_of(m.points.begin(), m.points.end(), [&](PointLps p) { return regionHolds(region, volume.geometry().toIndex(p)); })) {
            return &region;
        }
    }
    return nullptr;
}

UnitScale unitScale(const Measurement& m, const Volume& volume, const ImageScale& scale, const PlaneAxes& plane)
{
    if (scale.source == ScaleSource::Patient || scale.source == ScaleSource::Detector) {
        return {scale.source, {1, 1}};
    }
    const Flat pixels = pixelsPerMm(volume, plane);
    const UltrasoundRegion* region = regionOf(m, volume, scale);
    if (!region) {
        return {ScaleSource::None, pixels};
    }
    // The views of an ultrasound image run along its rows and columns, possibly turned by 90 degrees.
    const bool isUpright = std::abs(dot(plane.right, volume.geometry().direction(0))) > 0.5;
    return {ScaleSource::Ultrasound, {pixels.x * (isUpright ? region->xMm : region->yMm), pixels.y * (isUpright ? region->yMm : region->xMm)}};
}

std::vector<Flat> flatPoints(const Measurement& m, const PlaneAxes& plane)
{
    std::vector<Flat> flat;
    for (const PointLps& p : m.points) {
        flat.push_back(plane.flat(p));
    }
    return flat;
}

double angleDeg(Flat a, Flat b) { return std::abs(std::atan2(a.x * b.y - a.y * b.x, a.x * b.x + a.y * b.y)) * 180 / std::numbers::pi; }

Flat towardsRight(Flat v) { return v.x < 0 || (v.x == 0 && v.y < 0) ? Flat{-v.x, -v.y} : v; }

// --- outlines ----------------------------------------------------------------------------------------------------------------------------

constexpr int kEllipseSteps = 96;

std::vector<Flat> flatOutline(const Measurement& m, const PlaneAxes& plane)
{
    const std::vector<Flat> p = flatPoints(m, plane);
    if (m.kind == MeasurementKind::Rectangle) {
        return {p[0], {p[1].x, p[0].y}, p[1], {p[0].x, p[1].y}};
    }
    if (m.kind == MeasurementKind::Ellipse) {
        std::vector<Flat> outline;
        for (int n = 0; n < kEllipseSteps; ++n) {
            const double t = 2 * std::numbers::pi * n / kEllipseSteps;
            outline.push_back({(p[0].x + p[1].x) / 2 + std::cos(t) * (p[1].x - p[0].x) / 2, (p[0].y + p[1].y) / 2 + std::sin(t) * (p[1].y - p[0].y) / 2});
        }
        return outline;
    }
    return p;
}

double side(Flat a, Flat b, Flat p) { return (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x); }

/// Whether two segments cross at a point that is inside both.
bool cross(Flat a, Flat b, Flat c, Flat d)
{
    return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

bool crossesItself(const std::vector<Flat>& outline)
{
    const std::size_t n = outline.size();
    for (std::size_t a = 0; a < n; ++a) {
        for (std::size_t b = a + 2; b < n; ++b) {
            if ((b + 1) % n != a && cross(outline[a], outline[(a + 1) % n], outline[b], outline[(b + 1) % n])) {
                return true;
            }
        }
    }
    return false;
}

/// Shoelace formula.
double areaOf(const std::vector<Flat>& outline)
{
    double twice = 0;
    for (std::size_t n = 0; n < outline.size(); ++n) {
        const Flat a = outline[n], b = outline[(n + 1) % outline.size()];
        twice += a.x * b.y - b.x * a.y;
    }
    return std::abs(twice) / 2;
}

double perimeterOf(const std::vector<Flat>& outline)
{
    double sum = 0;
    for (std::size_t n = 0; n < outline.size(); ++n) {
        sum += lengthOf(outline[(n + 1) % outline.size()] - outline[n]);
    }
    return sum;
}

/// Ramanujan's second approximation; relative error under 1e-4 up to an axis ratio of 10.
double ellipsePerimeter(double a, double b)
{
    const double h = a + b > 0 ? (a - b) * (a - b) / ((a + b) * (a + b)) : 0;
    return std::numbers::pi * (a + b) * (1 + 3 * h / (10 + std::sqrt(4 - 3 * h)));
}

/// Centres nearer to the outline than this, in mm, lie on it.
constexpr double kOnOutlineMm = 1e-6;

bool isOnSegment(Flat a, Flat b, Flat p)
{
    const Flat d = b - a;
    const double squared = d.x * d.x + d.y * d.y;
    const double t = squared > 0 ? std::clamp(((p.x - a.x) * d.x + (p.y - a.y) * d.y) / squared, 0.0, 1.0) : 0;
    return std::hypot(p.x - a.x - t * d.x, p.y - a.y - t * d.y) <= kOnOutlineMm;
}

bool polygonHolds(const std::vector<Flat>& outline, Flat p)
{
    bool inside = false;
    for (std::size_t n = 0; n < outline.size(); ++n) {
        const Flat a = outline[n], b = outline[(n + 1) % outline.size()];
        if (isOnSegment(a, b, p)) {
            return true;
        }
        if ((a.y > p.y) != (b.y > p.y) && p.x < a.x + (p.y - a.y) * (b.x - a.x) / (b.y - a.y)) {
            inside = !inside;
        }
    }
    return inside;
}

/// Answers whether points lie in the region of a measurement.
class Inside {
public:
    Inside(const Measurement& m, const PlaneAxes& plane) : m_kind(m.kind), m_outline(flatOutline(m, plane))
    {
        const std::vector<Flat> points = m.kind == MeasurementKind::Ellipse ? flatPoints(m, plane) : m_outline;
        m_low = m_high = points.front();
        for (const Flat& p : points) {
            m_low = {std::min(m_low.x, p.x), std::min(m_low.y, p.y)};
            m_high = {std::max(m_high.x, p.x), std::max(m_high.y, p.y)};
        }
    }
    Flat low() const { return m_low; }
    Flat high() const { return m_high; }
    bool holds(Flat p) const
    {
        if (p.x < m_low.x - kOnOutlineMm || p.x > m_high.x + kOnOutlineMm || p.y < m_low.y - kOnOutlineMm || p.y > m_high.y + kOnOutlineMm) {
            return false;
        }
        if (m_kind == MeasurementKind::Rectangle) {
            return true;
        }
        if (m_kind == MeasurementKind::Ellipse) {
            const double a = (m_high.x - m_low.x) / 2 + kOnOutlineMm, b = (m_high.y - m_low.y) / 2 + kOnOutlineMm;
            const double x = (p.x - (m_low.x + m_high.x) / 2) / a, y = (p.y - (m_low.y + m_high.y) / 2) / b;
            return x * x + y * y <= 1;
        }
        return polygonHolds(m_outline, p);
    }

private:
    MeasurementKind m_kind;
    std::vector<Flat> m_outline;
    Flat m_low, m_high;
};

// --- pixels ------------------------------------------------------------------------------------------------------------------------------

/// Sums of what is inside; in two passes' accuracy (Welford).
struct Sums {
    std::size_t count = 0;
    double mean = 0, squares = 0;
    double minimum = std::numeric_limits<double>::infinity(), maximum = -std::numeric_limits<double>::infinity();
    void add(double value)
    {
        if (!std::isfinite(value)) {
            return;
        }
        ++count;
        const double before = value - mean;
        mean += before / double(count);
        squares += before * (value - mean);
        minimum = std::min(minimum, value);
        maximum = std::max(maximum, value);
    }
};

double component(const ContinuousIndex& index, int axis) { return axis == 0 ? index.i : axis == 1 ? index.j : index.k; }

/// The voxel axis that the normal runs along; empty for an oblique plane.
std::optional<int> axisAlong(const Geometry& geometry, Vec3 normal)
{
    for (int axis = 0; axis < 3; ++axis) {
        if (std::abs(dot(geometry.direction(axis), normal)) > 1 - 1e-9) {
            return axis;
        }
    }
    return std::nullopt;
}

/// The voxels of the nearest slice across `axis`.
Sums sumVoxels(const Volume& volume, const PlaneAxes& plane, const Inside& inside, int axis)
{
    const Geometry& geometry = volume.geometry();
    std::array<int, 3> low{}, high{};
    for (int n = 0; n < 3; ++n) {
        double least = 1e300, most = -1e300;
        for (const Flat corner : {inside.low(), Flat{inside.high().x, inside.low().y}, inside.high(), Flat{inside.low().x, inside.high().y}}) {
            const double at = component(geometry.toIndex(plane.lps(corner)), n);
            least = std::min(least, at);
            most = std::max(most, at);
        }
        const int last = geometry.size().along(n) - 1;
        low[std::size_t(n)] = n == axis ? int(std::lround(least)) : std::max(0, int(std::floor(std::max(least, -1.0))));
        high[std::size_t(n)] = n == axis ? low[std::size_t(n)] : std::min(last, int(std::ceil(std::min(most, last + 1.0))));
    }
    Sums sums;
    if (low[std::size_t(axis)] < 0 || low[std::size_t(axis)] >= geometry.size().along(axis)) {
        return sums;
    }
    for (int k = low[2]; k <= high[2]; ++k) {
        for (int j = low[1]; j <= high[1]; ++j) {
            for (int i = low[0]; i <= high[0]; ++i) {
                if (inside.holds(plane.flat(geometry.toLps(Index3{i, j, k})))) {
                    sums.add(volume.valueAt(Index3{i, j, k}));
                }
            }
        }
    }
    return sums;
}

/// Points in steps of `stepMm`, from the middle of the outline's box.
Sums sumSamples(const Volume& volume, const PlaneAxes& plane, const Inside& inside, double stepMm)
{
    Sums sums;
    const Flat middle{(inside.low().x + inside.high().x) / 2, (inside.low().y + inside.high().y) / 2};
    const int halfX = int((inside.high().x - middle.x) / stepMm) + 1, halfY = int((inside.high().y - middle.y) / stepMm) + 1;
    for (int y = -halfY; y <= halfY; ++y) {
        for (int x = -halfX; x <= halfX; ++x) {
            const Flat at{middle.x + x * stepMm, middle.y + y * stepMm};
            if (inside.holds(at)) {
                if (const auto value = volume.valueAt(plane.lps(at))) {
                    sums.add(*value);
                }
            }
        }
    }
    return sums;
}

RegionFacts measureRegion(const Measurement& m, const Volume& volume, const PlaneAxes& plane, const UnitScale& units)
{
    const Inside inside(m, plane);
    const Geometry& geometry = volume.geometry();
    const auto spacing = geometry.spacingMm();
    const double finest = *std::min_element(spacing.begin(), spacing.end());
    const std::optional<int> axis = axisAlong(geometry, m.normal());
    const Sums sums = axis ? sumVoxels(volume, plane, inside, *axis) : sumSamples(volume, plane, inside, finest);
    RegionFacts facts;
    facts.pixels = sums.count;
    if (sums.count > 0) {
        facts.mean = sums.mean;
        facts.sd = std::sqrt(sums.squares / double(sums.count));
        facts.minimum = sums.minimum;
        facts.maximum = sums.maximum;
    }
    const double pixelMm2 = axis ? geometry.voxelVolumeMm3() / spacing[std::size_t(*axis)] : finest * finest;
    facts.pixelArea = double(sums.count) * pixelMm2 * units.area();
    std::vector<Flat> outline;
    for (const Flat& p : flatOutline(m, plane)) {
        outline.push_back(units.apply(p));
    }
    if (m.kind == MeasurementKind::Ellipse) {
        const Flat half = units.apply({(inside.high().x - inside.low().x) / 2, (inside.high().y - inside.low().y) / 2});
        facts.area = std::numbers::pi * half.x * half.y;
        facts.perimeter = ellipsePerimeter(half.x, half.y);
    } else {
        facts.area = crossesItself(outline) ? facts.pixelArea : areaOf(outline);
        facts.perimeter = perimeterOf(outline);
    }
    return facts;
}

} // namespace

std::string toString(MeasurementKind kind)
{
    return std::find_if(std::begin(kKinds), std::end(kKinds), [&](const KindName& k) { return k.kind == kind; })->word;
}

std::optional<MeasurementKind> findMeasurementKind(const std::string& word)
{
    for (const KindName& k : kKinds) {
        if (word == k.word) {
            return k.kind;
        }
    }
    return std::nullopt;
}

std::size_t pointsOf(MeasurementKind kind)
{
    return std::find_if(std::begin(kKinds), std::end(kKinds), [&](const KindName& k) { return k.kind == kind; })->points;
}

bool isRegion(MeasurementKind kind)
{
    return kind == MeasurementKind::Ellipse || kind == MeasurementKind::Rectangle || kind == MeasurementKind::Polygon || kind == MeasurementKind::Freehand;
}

ImageScale scaleOf(const Volume& volume)
{
    ImageScale scale;
    for (const Note& note : volume.info().notes) {
        if (note.code == "no-spacing" || note.code == "region-spacing") {
            scale.source = ScaleSource::None;
        } else if (note.code == "imager-spacing") {
            scale.source = ScaleSource::Detector;
        }
    }
    return scale;
}

MeasurementFacts measure(const Measurement& m, const Volume& volume, const ImageScale& scale)
{
    MeasurementFacts facts;
    if (m.points.empty() || m.points.size() < pointsOf(m.kind) || volume.isEmpty()) {
        return facts;
    }
    const PlaneAxes plane(m);
    const UnitScale units = unitScale(m, volume, scale, plane);
    facts.scale = units.source;
    facts.unit = volume.info().unit;
    facts.isColor = volume.isColor();
    std::vector<Flat> p;
    for (const Flat& f : flatPoints(m, plane)) {
        p.push_back(units.apply(f));
    }
    switch (m.kind) {
    case MeasurementKind::Length: facts.length = lengthOf(p[1] - p[0]); break;
    case MeasurementKind::Angle: facts.angleDeg = angleDeg(p[0] - p[1], p[2] - p[1]); break;
    case MeasurementKind::Cobb: facts.angleDeg = angleDeg(towardsRight(p[1] - p[0]), towardsRight(p[3] - p[2])); break;
    case MeasurementKind::Probe: {
        const ContinuousIndex c = volume.geometry().toIndex(m.points[0]);
        const Index3 index{int(std::lround(c.i)), int(std::lround(c.j)), int(std::lround(c.k))};
        if (!volume.geometry().contains(index)) {
            break;
        }
        if (volume.isColor()) {
            const auto rgb = volume.rgb().subspan(3 * volume.geometry().offset(index), 3);
            facts.color = {rgb[0], rgb[1], rgb[2]};
        } else {
            facts.value = volume.valueAt(index);
        }
        break;
    }
    case MeasurementKind::Arrow:
    case MeasurementKind::Text:
    case MeasurementKind::KeyImage: break;
    default: facts.region = measureRegion(m, volume, plane, units); break;
    }
    return facts;
}

std::vector<PointLps> outlineOf(const Measurement& m)
{
    std::vector<PointLps> outline;
    if (isRegion(m.kind) && m.points.size() >= 2) {
        const PlaneAxes plane(m);
        for (const Flat& p : flatOutline(m, plane)) {
            outline.push_back(plane.lps(p));
        }
    }
    return outline;
}

double distanceToPlaneMm(const Measurement& m, PointLps point) { return m.points.empty() ? 1e300 : std::abs(dot(point - m.points.front(), m.normal())); }

} // namespace hf
