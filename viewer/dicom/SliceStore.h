#pragma once

#include "viewer/dicom/DecodedImage.h"
#include "viewer/volume/Volume.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <mutex>
#include <shared_mutex>
#include <type_traits>
#include <vector>

// Internal to hf_dicom.
namespace hf::dicom {

/// A value as a voxel: whole numbers are rounded, and clamped to what the type holds.
template <typename T> T toVoxel(double value)
{
    if constexpr (std::is_floating_point_v<T>) {
        return T(value);
    } else {
        return T(std::lround(std::clamp(value, double(std::numeric_limits<T>::lowest()), double(std::numeric_limits<T>::max()))));
    }
}

/// Decoded slices in the smallest type that has held all values so far, written once: no image is kept beside the voxels.
/// set() may be called by several threads for different slices; the rest is for one thread afterwards.
class SliceStore {
public:
    enum class Layout {
        Together,   ///< One buffer in slice order, which becomes the volume's.
        Apart,      ///< A buffer a slice, so that each can be let go when it has been resampled.
        Nothing,    ///< Only what the notes need.
    };
    /// @param pixels  of one slice.
    SliceStore(std::size_t slices, std::size_t pixels, Layout layout);

    /// @throws Error "broken" when the image has another size than the others.
    void set(std::size_t slice, DecodedImage image);
    std::size_t size() const { return m_slices.size(); }
    bool isSet(std::size_t slice) const { return m_slices[slice].isDecoded; }
    /// What was decoded, without values and colours.
    const DecodedImage& slice(std::size_t n) const { return m_slices[n]; }
    /// Of the volume that these slices make.
    VoxelType type() const;
    bool isColor() const { return m_anyColor; }
    /// Every image is grey, or every image is coloured.
    bool isOneKind() const { return !(m_anyColor && m_anyGrey); }

    /// Values of a slice that is set.
    std::vector<double> values(std::size_t slice) const;
    const std::uint8_t* rgb(std::size_t slice) const { return m_rgb.data() + 3 * m_pixels * slice; }
    /// Lets go of a slice of a layout apart.
    void release(std::size_t slice);
    /// All voxels of a layout together, in type(). The store is empty then.
    Volume::Voxels takeVoxels();
    std::vector<std::uint8_t> takeRgb() { return std::move(m_rgb); }

private:
    VoxelType neededType(const DecodedImage& image) const;
    void widen(VoxelType type);
    void write(std::size_t slice, const DecodedImage& image);
    std::size_t partOf(std::size_t slice) const { return m_layout == Layout::Together ? 0 : slice; }
    std::size_t offsetOf(std::size_t slice) const { return m_layout == Layout::Together ? slice * m_pixels : 0; }

    std::size_t m_pixels;
    Layout m_layout;
    std::vector<DecodedImage> m_slices;
    std::vector<Volume::Voxels> m_parts;
    std::vector<std::uint8_t> m_rgb;
    std::shared_mutex m_mutex;      ///< Exclusive: facts, widening. Shared: writing a slice's voxels.
    VoxelType m_stored = VoxelType::UInt8;
    double m_low, m_high;
    bool m_isInteger = true, m_needsDouble = false, m_anyColor = false, m_anyGrey = false;
};

} // namespace hf::dicom
