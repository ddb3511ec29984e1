#pragma once

#include "viewer/volume/Geometry.h"
#include "viewer/volume/WindowLevel.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace hf {

struct Shutter;

enum class VoxelType { Int16, UInt8, UInt16, Float32, Float64 };
/// Values between whole numbers can be told apart.
inline bool isReal(VoxelType type) { return type == VoxelType::Float32 || type == VoxelType::Float64; }
/// What a voxel value means after the modality rescale.
enum class Unit { None, Hu, Suv };

std::string toString(VoxelType type);   // "int16", "uint8", "uint16", "float32", "float64"
VoxelType voxelTypeFromString(const std::string& name);
std::size_t bytesPerVoxel(VoxelType type);
std::string toString(Unit unit);        // "none", "HU", "SUV"
Unit unitFromString(const std::string& name);

/// Something the reader must know about how a volume came to be ("gantry tilt of 16 degrees, resampled").
/// `code` is stable ("tilt", "missing-slices", "non-uniform-spacing", ...); `text` is one English sentence.
struct Note {
    std::string code;
    std::string text;
};

/// Where the file puts a slice: (C.7.6.2.1.1) the centre of its first voxel, and the steps to the next one along i and along j; mm.
struct SlicePlace {
    PointLps first;
    Vec3 alongI, alongJ;
};

/// What a volume is, besides its voxels. Never holds a patient's name, id or dates.
struct VolumeInfo {
    std::string modality;           ///< DICOM Modality (0008,0060): "CT", "MR", "PT", "DX" ...; empty when unknown.
    Unit unit = Unit::None;
    std::string seriesUid;          ///< Series Instance UID, or a hash of the file for other formats.
    std::string description;        ///< Series Description.
    std::string bodyPart;           ///< Body Part Examined, may be empty.
    std::vector<WindowLevel> windows;   ///< Windows and VOI tables stored in the header; the one to start with first.
    /// The window to start with of each slice along axis 2, where the images of the file have different ones; else empty. Not of
    /// activities: their slices are compared with each other.
    std::vector<WindowLevel> imageWindows;
    bool isInverted = false;            ///< Low values are bright (MONOCHROME1, inverse presentation): pictures are turned over.
    /// Values that stand for "no picture here" (Pixel Padding Value after the rescale), both ends included: always shown black. Voxels that are not doubles are
    /// compared as floats.
    std::optional<std::array<double, 2>> padding;
    /// Values of the darkest and the brightest grey that the file's bits can hold, after the rescale; empty where the file does not say.
    std::optional<std::array<double, 2>> storedRange;
    /// Overlay planes (60xx), in voxel order: bit n is set where the plane of group 6000 + 2n draws; null without.
    std::shared_ptr<const std::vector<std::uint16_t>> graphics;
    bool isSubtracted = false;          ///< Values are differences of images (Subtraction).
    /// Display shutters of the images, one for each slice along axis 2, null where an image has none; empty when none has.
    std::vector<std::shared_ptr<const Shutter>> shutters;
    /// Places of the slices along axis 2 as the file tells them, where some lie beside the even grid: by less than what is resampled, or, of images
    /// that are paged through, by any distance. Else empty.
    std::vector<SlicePlace> places;
    std::vector<Note> notes;
};

/// Files that tell neither unit nor modality (NIfTI and the like) may hold Hounsfield units.
inline bool mayBeHu(const VolumeInfo& info) { return info.unit == Unit::Hu || (info.unit == Unit::None && info.modality.empty()); }

/// Whether a preset is meant for these values.
inline bool fits(const WindowPreset& preset, const VolumeInfo& info) { return preset.isSuv ? info.unit == Unit::Suv : mayBeHu(info); }

/// Voxels with geometry. Immutable after construction; cheap to copy (shared voxels); safe to read from several threads.
/// Memory layout: i fastest, then j, then k. Values are after the modality rescale (HU for CT).
class Volume {
public:
    /// In the order of VoxelType. Doubles where the file has values that a float would change: 32-bit numbers beyond 2^24, doubles.
    using Voxels = std::variant<std::vector<std::int16_t>, std::vector<std::uint8_t>, std::vector<std::uint16_t>, std::vector<float>, std::vector<double>>;

    Volume() = default;
    /// @param rgb  for colour images: 3 bytes a voxel, same order; `voxels` then hold the uint8 luminance. Else empty.
    /// @throws Error when the number of voxels or colours does not fit the geometry.
    Volume(Geometry geometry, Voxels voxels, VolumeInfo info, std::vector<std::uint8_t> rgb = {});

    bool isEmpty() const { return !m_voxels; }
    const Geometry& geometry() const { return m_geometry; }
    const VolumeInfo& info() const { return m_info; }
    VoxelType type() const { return VoxelType(m_voxels->index()); }
    std::size_t bytes() const { return m_geometry.size().voxels() * bytesPerVoxel(type()); }
    const void* data() const;
    /// Owned by the same as that of another volume only when both have the same voxels; unlike data(), never like those of a volume that is gone.
    std::weak_ptr<const void> identity() const { return m_voxels; }

    /// Colour images (US, SC, photographs) are shown in their own colours; windows do not apply to them.
    bool isColor() const { return m_rgb != nullptr; }
    /// 3 bytes a voxel, voxel order as data(); empty unless isColor().
    std::span<const std::uint8_t> rgb() const;

    /// `index` must be inside.
    double valueAt(Index3 index) const;
    /// Trilinear; empty outside the outermost voxel centres (half a voxel beyond them is clamped to the edge).
    std::optional<double> valueAt(PointLps point) const;

    /// The place in the patient of a place on the grid: the same, but for slices that lie beside it (VolumeInfo::places).
    PointLps inPatient(PointLps onGrid) const;

    /// Calls `function(std::span<const T>)` with the voxels in their own type.
    template <typename Function>
    decltype(auto) visit(Function&& function) const
    {
        return std::visit([&](const auto& voxels) -> decltype(auto) {
            return function(std::span<const typename std::decay_t<decltype(voxels)>::value_type>(voxels));
        }, *m_voxels);
    }

    struct Range { double minimum = 0, maximum = 0; };
    /// Smallest and largest finite value; computed once, on construction.
    Range range() const { return m_range; }

    /// The window to start with: the first stored one, soft tissue 400/40 for a CT without, else the 0.1-99.9 percentile.
    WindowLevel defaultWindow() const;
    /// From the 0.1 and 99.9 percentile of all voxels that are no padding (sampled for large volumes).
    WindowLevel percentileWindow() const;

private:
    Geometry m_geometry;
    VolumeInfo m_info;
    std::shared_ptr<const Voxels> m_voxels;
    std::shared_ptr<const std::vector<std::uint8_t>> m_rgb;
    Range m_range;
};

} // namespace hf
