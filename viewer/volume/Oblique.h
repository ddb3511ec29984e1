#pragma once

#include "viewer/volume/Picture.h"

#include <array>
#include <optional>
#include <utility>

namespace hf {

/// A turn of the three planes of a volume in the patient: columns of a rotation matrix. The planes stay perpendicular to each other.
struct PlaneTurn {
    std::array<Vec3, 3> columns{Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}};

    Vec3 apply(Vec3 v) const { return columns[0] * v.x + columns[1] * v.y + columns[2] * v.z; }
    bool isTurned() const { return !(*this == PlaneTurn{}); }
    /// This turn, then one by `radians` about `axis` (right-handed, LPS); made orthonormal again.
    PlaneTurn turnedAbout(Vec3 axis, double radians) const;
    /// The smallest turn that takes one direction to another; about any perpendicular for opposite ones.
    static PlaneTurn between(Vec3 from, Vec3 to);
    friend bool operator==(const PlaneTurn&, const PlaneTurn&) = default;
};

/// Normal of a plane of the volume after the turn (away from the reader of the straight slice).
Vec3 turnedNormal(const Geometry& geometry, Plane plane, const PlaneTurn& turn);
/// Whether the turn tilts this plane; a turn about its own normal does not.
bool isOblique(const Geometry& geometry, Plane plane, const PlaneTurn& turn);
/// Angle in degrees between the normal and the patient axis of the plane, 0 to 90.
double obliqueAngleDeg(const Geometry& geometry, Plane plane, const PlaneTurn& turn);

/// The whole plane through `through`: frameOf's axes, tilted the shortest way (the image never spins in its own plane), the finest voxel
/// spacing both ways, as large as the volume looks from there. Scrolling along the normal does not shift it. For a plane that is not
/// tilted, frameOf of the slice that holds the point.
SliceFrame obliqueFrame(const Geometry& geometry, Plane plane, const PlaneTurn& turn, PointLps through);

/// Slices of a tilted plane: as many steps of sliceStepMm along its normal as the volume is deep there.
int obliqueSliceCount(const Geometry& geometry, Vec3 normal);
/// The slice that holds a point, 0 to count - 1 inside the volume; counted along the normal.
int obliqueSlice(const Geometry& geometry, Vec3 normal, PointLps point);
/// The point moved along the normal to a slice.
PointLps onObliqueSlice(const Geometry& geometry, Vec3 normal, PointLps point, int slice);

/// Where the rectangle of another frame cuts the plane of this one; empty when they are parallel or do not meet.
std::optional<std::pair<PointLps, PointLps>> cutLine(const SliceFrame& own, const SliceFrame& other);

} // namespace hf
