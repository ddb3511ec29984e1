#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace hf {

// Conventions of the whole project: world is LPS in millimetres (DICOM PS3.3 C.7.6.2.1.1); an integer index is a voxel
// centre; C++ speaks (i, j, k) = (column, row, slice) with i fastest in memory; tensors speak (K, J, I); DICOM Pixel
// Spacing lists the row distance first; angles are degrees in files and on screen, radians in maths; text is UTF-8.

/// A direction or a difference of points in LPS, mm.
struct Vec3 {
    double x = 0, y = 0, z = 0;
    friend Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
    friend Vec3 operator-(Vec3 a, Vec3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
    friend Vec3 operator*(Vec3 a, double s) { return {a.x * s, a.y * s, a.z * s}; }
    friend bool operator==(const Vec3&, const Vec3&) = default;
};

double dot(Vec3 a, Vec3 b);
Vec3 cross(Vec3 a, Vec3 b);
double length(Vec3 v);
/// @throws Error when `v` has no length.
Vec3 normalized(Vec3 v);

/// A place in the patient, LPS, mm.
struct PointLps {
    double x = 0, y = 0, z = 0;
    friend PointLps operator+(PointLps p, Vec3 v) { return {p.x + v.x, p.y + v.y, p.z + v.z}; }
    friend Vec3 operator-(PointLps a, PointLps b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
    friend bool operator==(const PointLps&, const PointLps&) = default;
};

/// A voxel: column i, row j, slice k.
struct Index3 {
    int i = 0, j = 0, k = 0;
    friend bool operator==(const Index3&, const Index3&) = default;
};

/// A place between voxel centres, in voxel units.
struct ContinuousIndex {
    double i = 0, j = 0, k = 0;
};

/// Number of voxels along i, j, k.
struct Size3 {
    int i = 0, j = 0, k = 0;
    std::size_t voxels() const { return std::size_t(i) * std::size_t(j) * std::size_t(k); }
    int along(int axis) const { return axis == 0 ? i : axis == 1 ? j : k; }
    friend bool operator==(const Size3&, const Size3&) = default;
};

/// A patient plane. A volume shows each along the voxel axis nearest to that plane's normal.
enum class Plane { Axial, Sagittal, Coronal };

/// "axial", "sagittal", "coronal".
std::string toString(Plane plane);
/// @throws Error for any other word.
Plane planeFromString(const std::string& name);

/// Where a regular grid of voxels lies in the patient. Immutable value.
class Geometry {
public:
    Geometry() = default;
    /// @param spacingMm   distance of voxel centres along i, j, k; all > 0.
    /// @param origin      centre of voxel (0, 0, 0).
    /// @param directions  unit vectors of growing i, j, k; made orthonormal when off by less than 1e-3, and k may be
    ///                    left- or right-handed.
    /// @throws Error for sizes < 1, spacings that are not positive and finite, or axes that are not perpendicular.
    Geometry(Size3 size, std::array<double, 3> spacingMm, PointLps origin, std::array<Vec3, 3> directions);

    Size3 size() const { return m_size; }
    std::array<double, 3> spacingMm() const { return m_spacingMm; }
    PointLps origin() const { return m_origin; }
    /// Unit vector of growing index along voxel axis 0 (i), 1 (j) or 2 (k).
    Vec3 direction(int axis) const { return m_directions[std::size_t(axis)]; }
    double voxelVolumeMm3() const { return m_spacingMm[0] * m_spacingMm[1] * m_spacingMm[2]; }

    PointLps toLps(ContinuousIndex index) const;
    PointLps toLps(Index3 index) const { return toLps(ContinuousIndex{double(index.i), double(index.j), double(index.k)}); }
    ContinuousIndex toIndex(PointLps point) const;
    bool contains(Index3 index) const;
    std::size_t offset(Index3 index) const
    {
        return (std::size_t(index.k) * std::size_t(m_size.j) + std::size_t(index.j)) * std::size_t(m_size.i) + std::size_t(index.i);
    }

    /// The voxel axis (0, 1, 2) that is perpendicular to `plane`: the three planes get three different axes.
    int axisAcross(Plane plane) const;
    /// The plane that slices of constant k show (the plane of acquisition for a DICOM series).
    Plane acquisitionPlane() const;
    /// Angle in degrees between the voxel axis across `plane` and the patient axis; 0 for a straight volume.
    double obliquityDeg(Plane plane) const;

    /// Row-major 4 x 4: voxel index (i, j, k, 1) to RAS+ millimetres, as NIfTI defines it.
    std::array<double, 16> affineRas() const;

    friend bool operator==(const Geometry&, const Geometry&) = default;
    /// Same size, and all corner voxels nearer than `toleranceMm` to each other.
    bool sameGridAs(const Geometry& other, double toleranceMm = 1e-3) const;

private:
    Size3 m_size;
    std::array<double, 3> m_spacingMm{1, 1, 1};
    PointLps m_origin;
    std::array<Vec3, 3> m_directions{Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}};
};

/// The patient direction letters of a vector, strongest first, parts under 0.3 left out: "L", "PS", "RAI" ...
/// Letters: L/R left/right, P/A posterior/anterior, S/I superior/inferior (DICOM uses H/F; readers expect S/I or H/F).
std::string orientationLetters(Vec3 direction);

} // namespace hf
