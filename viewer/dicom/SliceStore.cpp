#include "viewer/dicom/SliceStore.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hf::dicom {

namespace {

Volume::Voxels emptyVoxels(VoxelType type, std::size_t count)
{
    switch (type) {
    case VoxelType::Int16: return std::vector<std::int16_t>(count);
    case VoxelType::UInt8: return std::vector<std::uint8_t>(count);
    case VoxelType::UInt16: return std::vector<std::uint16_t>(count);
    case VoxelType::Float32: return std::vector<float>(count);
    case VoxelType::Float64: break;
    }
    return std::vector<double>(count);
}

std::size_t countOf(const Volume::Voxels& voxels)
{
    return std::visit([](const auto& list) { return list.size(); }, voxels);
}

/// The same values in another type; they fit.
Volume::Voxels converted(const Volume::Voxels& from, VoxelType type)
{
    Volume::Voxels to = emptyVoxels(type, countOf(from));
    std::visit([](const auto& in, auto& out) {
        using Out = typename std::decay_t<decltype(out)>::value_type;
        std::transform(in.begin(), in.end(), out.begin(), [](auto value) { return Out(value); });
    }, from, to);
    return to;
}

VoxelType typeFor(double low, double high, bool isInteger, bool needsDouble)
{
    if (needsDouble) {
        return VoxelType::Float64;
    }
    if (!isInteger) {
        return VoxelType::Float32;
    }
    return low >= 0 && high <= 255 ? VoxelType::UInt8 : low >= -32768 && high <= 32767 ? VoxelType::Int16 : low >= 0 && high <= 65535 ? VoxelType::UInt16 : VoxelType::Float32;
}

/// Every value of a type fits the other one.
bool holds(VoxelType type, VoxelType other)
{
    switch (type) {
    case VoxelType::UInt8: return other == VoxelType::UInt8;
    case VoxelType::Int16:
    case VoxelType::UInt16: return other == type || other == VoxelType::UInt8;
    case VoxelType::Float32: return other != VoxelType::Float64;
    case VoxelType::Float64: break;
    }
    return true;
}

} // namespace

SliceStore::SliceStore(std::size_t slices, std::size_t pixels, Layout layout)
    : m_pixels(pixels), m_layout(layout), m_slices(slices), m_parts(layout == Layout::Together ? 1 : slices), m_low(INFINITY), m_high(-INFINITY)
{
}

VoxelType SliceStore::type() const { return typeFor(m_low, m_high, m_isInteger, m_needsDouble); }

/// What the store must be to take one more image. A series of 16-bit images starts as one, also with a dark first slice.
VoxelType SliceStore::neededType(const DecodedImage& image) const
{
    const VoxelType all = type();
    return all == VoxelType::UInt8 && image.storedBits > 8 ? VoxelType::Int16 : all;
}

void SliceStore::set(std::size_t slice, DecodedImage image)
{
    if (image.pixels() != m_pixels) {
        throw Error("images of one series differ in size", "broken");
    }
    {
        const std::unique_lock lock(m_mutex);
        m_low = std::min(m_low, image.minimum);
        m_high = std::max(m_high, image.maximum);
        m_isInteger = m_isInteger && image.isInteger;
        m_needsDouble = m_needsDouble || image.needsDouble;
        (image.isColor ? m_anyColor : m_anyGrey) = true;
        if (m_layout != Layout::Nothing) {
            widen(neededType(image));
            if (image.isColor) {
                m_rgb.resize(3 * m_pixels * m_slices.size());
            }
        }
    }
    if (m_layout != Layout::Nothing) {
        const std::shared_lock lock(m_mutex);
        write(slice, image);
    } else {
        image.graphics = std::vector<std::uint16_t>();
    }
    image.dropValues();
    m_slices[slice] = std::move(image);
}

/// Makes room at first; later, values that are there move into the wider type.
void SliceStore::widen(VoxelType type)
{
    if (m_layout == Layout::Together && countOf(m_parts[0]) == 0) {
        m_stored = type;
        m_parts[0] = emptyVoxels(type, m_pixels * m_slices.size());
        return;
    }
    if (holds(m_stored, type)) {
        return;
    }
    m_stored = type;
    for (Volume::Voxels& part : m_parts) {
        if (countOf(part) > 0) {
            part = converted(part, type);
        }
    }
}

void SliceStore::write(std::size_t slice, const DecodedImage& image)
{
    Volume::Voxels& part = m_parts[partOf(slice)];
    if (m_layout == Layout::Apart) {
        part = emptyVoxels(m_stored, m_pixels);
    }
    std::visit([&](auto& list) {
        using T = typename std::decay_t<decltype(list)>::value_type;
        const auto out = list.begin() + std::ptrdiff_t(offsetOf(slice));
        if (image.whole.empty()) {
            std::transform(image.values.begin(), image.values.end(), out, toVoxel<T>);
        } else {
            std::transform(image.whole.begin(), image.whole.end(), out, [](std::int32_t value) { return T(value); });
        }
    }, part);
    std::copy(image.rgb.begin(), image.rgb.end(), m_rgb.begin() + (image.isColor ? std::ptrdiff_t(3 * m_pixels * slice) : 0));
}

std::vector<double> SliceStore::values(std::size_t slice) const
{
    return std::visit([&](const auto& list) {
        const auto from = list.begin() + std::ptrdiff_t(offsetOf(slice));
        return std::vector<double>(from, from + std::ptrdiff_t(m_pixels));
    }, m_parts[partOf(slice)]);
}

void SliceStore::release(std::size_t slice)
{
    if (m_layout == Layout::Apart) {
        m_parts[slice] = {};
    }
}

Volume::Voxels SliceStore::takeVoxels()
{
    Volume::Voxels voxels = std::move(m_parts.front());
    return m_stored == type() ? std::move(voxels) : converted(voxels, type());
}

} // namespace hf::dicom
