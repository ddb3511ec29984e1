#include "viewer/volume/Geometry.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hf {

double dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

Vec3 cross(Vec3 a, Vec3 b)
{
    return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

double length(Vec3 v) { return std::sqrt(dot(v, v)); }

Vec3 normalized(Vec3 v)
{
    const double size = length(v);
    if (!(size > 0) || !std::isfinite(size)) {
        throw Error("a direction without length", "geometry");
    }
    return v * (1 / size);
}

std::string toString(Plane plane)
{
    switch (plane) {
    case Plane::Axial: return "axial";
    case Plane::Sagittal: return "sagittal";
    case Plane::Coronal: return "coronal";
    }
    return "axial";
}

Plane planeFromString(const std::string& name)
{
    for (Plane plane : {Plane::Axial, Plane::Sagittal, Plane::Coronal}) {
        if (toString(plane) == name) {
            return plane;
        }
    }
    throw Error("unknown plane '" + name + "' (known: axial, sagittal, coronal)", "arguments");
}

namespace {

bool isFinite(Vec3 v) { return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z); }

/// Gram-Schmidt on i, then j, then k; refuses what is more than rounding away from perpendicular.
std::array<Vec3, 3> orthonormal(std::array<Vec3, 3> axes)
{
    constexpr double kTolerance = 1e-3;
    for (Vec3& axis : axes) {
        if (!isFinite(axis)) {
            throw Error("voxel axes that are not numbers", "geometry");
        }
        axis = normalized(axis);
    }
    for (int a = 0; a < 3; ++a) {
        for (int b = 0; b < a; ++b) {
            if (std::abs(dot(axes[a], axes[b])) > kTolerance) {
                throw Error("voxel axes that are not perpendicular", "geometry");
            }
        }
    }
    axes[1] = normalized(axes[1] - axes[0] * dot(axes[0], axes[1]));
    axes[2] = normalized(axes[2] - axes[0] * dot(axes[0], axes[2]) - axes[1] * dot(axes[1], axes[2]));
    return axes;
}

double component(Vec3 v, int axis) { return axis == 0 ? v.x : axis == 1 ? v.y : v.z; }

/// The patient axis across a plane: x for sagittal, y for coronal, z for axial.
int patientAxis(Plane plane) { return plane == Plane::Sagittal ? 0 : plane == Plane::Coronal ? 1 : 2; }

} // namespace

Geometry::Geometry(Size3 size, std::array<double, 3> spacingMm, PointLps origin, std::array<Vec3, 3> directions)
    : m_size(size), m_spacingMm(spacingMm), m_origin(origin), m_directions(orthonormal(directions))
{
    if (size.i < 1 || size.j < 1 || size.k < 1) {
        throw Error("a volume without voxels", "geometry");
    }
    for (double spacing : spacingMm) {
        if (!(spacing > 0) || !std::isfinite(spacing)) {
            throw Error("a voxel spacing that is not positive", "geometry");
        }
    }
    if (!isFinite(origin - PointLps{})) {
        throw Error("an origin that is not a number", "geometry");
    }
}

PointLps Geometry::toLps(ContinuousIndex index) const
{
    return m_origin + m_directions[0] * (index.i * m_spacingMm[0]) + m_directions[1] * (index.j * m_spacingMm[1]) +
        m_directions[2] * (index.k * m_spacingMm[2]);
}

ContinuousIndex Geometry::toIndex(PointLps point) const
{
    const Vec3 offset = point - m_origin;
    return {dot(offset, m_directions[0]) / m_spacingMm[0], dot(offset, m_directions[1]) / m_spacingMm[1],
        dot(offset, m_directions[2]) / m_spacingMm[2]};
}

bool Geometry::contains(Index3 index) const
{
    return index.i >= 0 && index.j >= 0 && index.k >= 0 && index.i < m_size.i && index.j < m_size.j && index.k < m_size.k;
}

int Geometry::axisAcross(Plane plane) const
{
    // The best of the six assignments of voxel axes to patient axes.
    constexpr int kPermutations[6][3] = {{0, 1, 2}, {1, 0, 2}, {0, 2, 1}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}};
    int best = 0;
    double bestScore = -1;
    for (int p = 0; p < 6; ++p) {
        double score = 0;
        for (int axis = 0; axis < 3; ++axis) {
            score += std::abs(component(m_directions[std::size_t(kPermutations[p][axis])], axis));
        }
        if (score > bestScore + 1e-12) {
            bestScore = score;
            best = p;
        }
    }
    return kPermutations[best][patientAxis(plane)];
}

Plane Geometry::acquisitionPlane() const
{
    for (Plane plane : {Plane::Axial, Plane::Sagittal, Plane::Coronal}) {
        if (axisAcross(plane) == 2) {
            return plane;
        }
    }
    return Plane::Axial;
}

double Geometry::obliquityDeg(Plane plane) const
{
    const double along = std::abs(component(direction(axisAcross(plane)), patientAxis(plane)));
    return std::acos(std::min(1.0, along)) * 180 / std::numbers::pi;
}

std::array<double, 16> Geometry::affineRas() const
{
    std::array<double, 16> matrix{};
    const double sign[3] = {-1, -1, 1};
    const Vec3 origin = m_origin - PointLps{};
    for (int row = 0; row < 3; ++row) {
        for (int axis = 0; axis < 3; ++axis) {
            matrix[std::size_t(row * 4 + axis)] = sign[row] * component(m_directions[std::size_t(axis)], row) * m_spacingMm[std::size_t(axis)];
        }
        matrix[std::size_t(row * 4 + 3)] = sign[row] * component(origin, row);
    }
    matrix[15] = 1;
    return matrix;
}

bool Geometry::sameGridAs(const Geometry& other, double toleranceMm) const
{
    if (m_size != other.m_size) {
        return false;
    }
    for (int corner = 0; corner < 8; ++corner) {
        const Index3 index{corner & 1 ? m_size.i - 1 : 0, corner & 2 ? m_size.j - 1 : 0, corner & 4 ? m_size.k - 1 : 0};
        if (!(length(toLps(index) - other.toLps(index)) <= toleranceMm)) {
            return false;
        }
    }
    return true;
}

std::string orientationLetters(Vec3 direction)
{
    struct Part { double size; char letter; };
    const Vec3 unit = normalized(direction);
    std::array<Part, 3> parts{
        Part{std::abs(unit.x), unit.x > 0 ? 'L' : 'R'},
        Part{std::abs(unit.y), unit.y > 0 ? 'P' : 'A'},
        Part{std::abs(unit.z), unit.z > 0 ? 'S' : 'I'}};
    std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.size > b.size; });
    constexpr double kLeftOut = 0.3;
    std::string letters;
    for (const Part& part : parts) {
        if (part.size >= kLeftOut) {
            letters += part.letter;
        }
    }
    return letters;
}

} // namespace hf
