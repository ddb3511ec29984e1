#pragma once

#include "viewer/volume/Picture.h"

#include <variant>
#include <vector>

namespace hf {

/// How a thick slice is made of thin ones.
enum class SlabMode { Off, Maximum, Minimum, Mean };

/// A thick slice about the plane of a frame.
struct Slab {
    SlabMode mode = SlabMode::Off;
    double thicknessMm = 10;
    bool isOn() const { return mode != SlabMode::Off; }
    friend bool operator==(const Slab&, const Slab&) = default;
};

/// Distance of thin slices along a direction, mm: of the voxel axis that it runs along, else the finest spacing.
double sliceStepMm(const Geometry& geometry, Vec3 normal);

/// Distances from the plane, mm, at which a slab is sampled: the thin slices that lie in it whole, as many to each side. The steps are the
/// distance of voxels along `normal`; a slab thinner than three of them is one slice.
std::vector<double> slabOffsets(const Geometry& geometry, Vec3 normal, double thicknessMm);

/// What the sampled slices measure together, mm: never more than `thicknessMm` but for a single slice.
double shownThicknessMm(const Geometry& geometry, Vec3 normal, double thicknessMm);
/// The same of the slices that meet the volume at all: less near its ends. `onPlane` lies on the middle slice.
double thicknessInVolumeMm(const Geometry& geometry, PointLps onPlane, Vec3 normal, double thicknessMm);

/// Values of a frame, rows top to bottom; NaN outside the volume. Doubles of a volume of doubles, whose values a float would change.
using Samples = std::variant<std::vector<float>, std::vector<double>>;

/// Thread-safe.
Samples sampleValues(const Volume& volume, const SliceFrame& frame, Interpolation interpolation);

/// Largest, smallest or mean value through the slab for each pixel; what lies outside the volume does not count, and a pixel with nothing
/// inside is NaN. For SlabMode::Off as sampleValues. Thread-safe.
Samples sampleSlab(const Volume& volume, const SliceFrame& frame, Interpolation interpolation, const Slab& slab);

/// composeSlice of a slab. The mask is that of the plane itself. Colour images have no slabs: for them this is composeSlice. Thread-safe.
Picture composeSlab(const Volume& volume, const SliceFrame& frame, const WindowLevel& window, bool invert, Interpolation interpolation, const Slab& slab,
                    const LabelMap* mask = nullptr, const OverlayStyle& style = {});

} // namespace hf
