#include "viewer/volume/Oblique.h"

#include "viewer/volume/Slab.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hf {

namespace {

constexpr double kParallel = 1 - 1e-9;     // of a cosine

Vec3 anyPerpendicular(Vec3 v)
{
    const Vec3 other = std::abs(v.x) < 0.7 ? Vec3{1, 0, 0} : Vec3{0, 1, 0};
    return normalized(cross(v, other));
}

/// Rodrigues' formula. `axis` is a unit vector.
Vec3 turnVector(Vec3 v, Vec3 axis, double radians)
{
    return v * std::cos(radians) + cross(axis, v) * std::sin(radians) + axis * (dot(axis, v) * (1 - std::cos(radians)));
}

PointLps centreOf(const Geometry& geometry)
{
    const Size3 size = geometry.size();
    return geometry.toLps(ContinuousIndex{(size.i - 1) / 2.0, (size.j - 1) / 2.0, (size.k - 1) / 2.0});
}

/// How long the volume is along a direction, from border to border of its voxels.
double extentMm(const Geometry& geometry, Vec3 direction)
{
    double extent = 0;
    for (int axis = 0; axis < 3; ++axis) {
        extent += std::abs(dot(geometry.direction(axis), direction)) * geometry.size().along(axis) * geometry.spacingMm()[std::size_t(axis)];
    }
    return extent;
}

View straightView(const Geometry& geometry, Plane plane, PointLps through)
{
    const ContinuousIndex index = geometry.toIndex(through);
    const int axis = geometry.axisAcross(plane);
    View view;
    view.plane = plane;
    view.slice = std::clamp(int(std::lround(axis == 0 ? index.i : axis == 1 ? index.j : index.k)), 0, geometry.size().along(axis) - 1);
    return view;
}

Vec3 patientAxis(Plane plane) { return plane == Plane::Sagittal ? Vec3{1, 0, 0} : plane == Plane::Coronal ? Vec3{0, 1, 0} : Vec3{0, 0, 1}; }

} // namespace

PlaneTurn PlaneTurn::turnedAbout(Vec3 axis, double radians) const
{
    const Vec3 unit = normalized(axis);
    const Vec3 x = normalized(turnVector(columns[0], unit, radians));
    Vec3 y = turnVector(columns[1], unit, radians);
    y = normalized(y - x * dot(x, y));
    return {{x, y, cross(x, y)}};
}

PlaneTurn PlaneTurn::between(Vec3 from, Vec3 to)
{
    const Vec3 a = normalized(from), b = normalized(to);
    const double cosine = std::clamp(dot(a, b), -1.0, 1.0);
    if (cosine > kParallel) {
        return {};
    }
    const Vec3 axis = cosine < -kParallel ? anyPerpendicular(a) : normalized(cross(a, b));
    return PlaneTurn{}.turnedAbout(axis, std::acos(cosine));
}

Vec3 turnedNormal(const Geometry& geometry, Plane plane, const PlaneTurn& turn)
{
    View view;
    view.plane = plane;
    return turn.apply(frameOf(geometry, view).normal());
}

bool isOblique(const Geometry& geometry, Plane plane, const PlaneTurn& turn)
{
    return turn.isTurned() && dot(turnedNormal(geometry, plane, turn), turnedNormal(geometry, plane, {})) < kParallel;
}

double obliqueAngleDeg(const Geometry& geometry, Plane plane, const PlaneTurn& turn)
{
    const double along = std::abs(dot(turnedNormal(geometry, plane, turn), patientAxis(plane)));
    return std::acos(std::min(1.0, along)) * 180 / std::numbers::pi;
}

SliceFrame obliqueFrame(const Geometry& geometry, Plane plane, const PlaneTurn& turn, PointLps through)
{
    const SliceFrame straight = frameOf(geometry, straightView(geometry, plane, through));
    if (!isOblique(geometry, plane, turn)) {
        return straight;
    }
    const Vec3 normal = turn.apply(straight.normal());
    const PlaneTurn tilt = PlaneTurn::between(straight.normal(), normal);
    const auto spacing = geometry.spacingMm();
    const double fine = *std::min_element(spacing.begin(), spacing.end());
    SliceFrame frame;
    frame.right = tilt.apply(straight.right);
    frame.down = tilt.apply(straight.down);
    frame.pixelMm = {fine, fine};
    frame.width = std::max(1, int(std::ceil(extentMm(geometry, frame.right) / fine - 1e-6)));
    frame.height = std::max(1, int(std::ceil(extentMm(geometry, frame.down) / fine - 1e-6)));
    const PointLps centre = centreOf(geometry);
    const PointLps middle = centre + normal * dot(through - centre, normal);
    frame.origin = middle + frame.right * (-(frame.width - 1) / 2.0 * fine) + frame.down * (-(frame.height - 1) / 2.0 * fine);
    return frame;
}

int obliqueSliceCount(const Geometry& geometry, Vec3 normal)
{
    return std::max(1, int(std::floor(extentMm(geometry, normal) / sliceStepMm(geometry, normal) + 1e-6)));
}

int obliqueSlice(const Geometry& geometry, Vec3 normal, PointLps point)
{
    const int count = obliqueSliceCount(geometry, normal);
    const double along = dot(point - centreOf(geometry), normal) / sliceStepMm(geometry, normal);
    return std::clamp(int(std::lround(along + (count - 1) / 2.0)), 0, count - 1);
}

PointLps onObliqueSlice(const Geometry& geometry, Vec3 normal, PointLps point, int slice)
{
    const double wanted = (slice - (obliqueSliceCount(geometry, normal) - 1) / 2.0) * sliceStepMm(geometry, normal);
    return point + normal * (wanted - dot(point - centreOf(geometry), normal));
}

std::optional<std::pair<PointLps, PointLps>> cutLine(const SliceFrame& own, const SliceFrame& other)
{
    const Vec3 normal = own.normal();
    const double width = other.width * other.pixelMm[0], height = other.height * other.pixelMm[1];
    const PointLps corner = other.toLps(-0.5, -0.5);
    // Distance of the other rectangle's points to this plane: base + a * u + b * v with 0 <= a <= width, 0 <= b <= height.
    const double base = dot(corner - own.origin, normal), u = dot(other.right, normal), v = dot(other.down, normal);
    if (std::hypot(u, v) < 1e-3) {
        return std::nullopt;
    }
    std::vector<PointLps> ends;
    const auto add = [&](double a, double b) {
        const PointLps p = corner + other.right * a + other.down * b;
        if (a >= -1e-9 && a <= width + 1e-9 && b >= -1e-9 && b <= height + 1e-9 && (ends.empty() || length(p - ends.front()) > 1e-6)) {
            ends.push_back(p);
        }
    };
    if (std::abs(v) > 1e-9) {
        add(0, -base / v);
        add(width, -(base + width * u) / v);
    }
    if (std::abs(u) > 1e-9) {
        add(-base / u, 0);
        add(-(base + height * v) / u, height);
    }
    return ends.size() < 2 ? std::nullopt : std::optional(std::pair(ends[0], ends[1]));
}

} // namespace hf
