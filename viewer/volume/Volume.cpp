#include "viewer/volume/Volume.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hf {

namespace {

struct TypeName { VoxelType type; const char* name; std::size_t bytes; };
constexpr TypeName kTypes[] = {{VoxelType::Int16, "int16", 2}, {VoxelType::UInt8, "uint8", 1},
    {VoxelType::UInt16, "uint16", 2}, {VoxelType::Float32, "float32", 4}, {VoxelType::Float64, "float64", 8}};

struct UnitName { Unit unit; const char* name; };
constexpr UnitName kUnits[] = {{Unit::None, "none"}, {Unit::Hu, "HU"}, {Unit::Suv, "SUV"}};

template <typename T> Volume::Range rangeOf(std::span<const T> voxels)
{
    if constexpr (std::is_integral_v<T>) {
        // Compilers make wide instructions of this, of std::minmax_element they do not.
        T low = std::numeric_limits<T>::max(), high = std::numeric_limits<T>::lowest();
        for (const T value : voxels) {
            low = std::min(low, value);
            high = std::max(high, value);
        }
        return {double(low), double(high)};
    } else {
        T low = std::numeric_limits<T>::infinity(), high = -low;
        for (const T value : voxels) {
            if (std::isfinite(value)) {
                low = std::min(low, value);
                high = std::max(high, value);
            }
        }
        return low <= high ? Volume::Range{double(low), double(high)} : Volume::Range{};
    }
}

/// Every n-th finite value that is no padding, so that at most about a million are sorted.
std::vector<double> sample(const Volume& volume)
{
    constexpr std::size_t kMost = 1'000'000;
    const auto& padding = volume.info().padding;
    return volume.visit([&]<typename T>(std::span<const T> voxels) {
        using Value = std::conditional_t<std::is_same_v<T, double>, double, float>;
        // An odd step that does not fall in with the row length.
        std::size_t step = std::max<std::size_t>(1, voxels.size() / kMost);
        step |= 1;
        std::vector<double> values;
        values.reserve(voxels.size() / step + 1);
        for (std::size_t n = 0; n < voxels.size(); n += step) {
            const auto value = Value(voxels[n]);
            if (std::isfinite(value) && !(padding && value >= Value((*padding)[0]) && value <= Value((*padding)[1]))) {
                values.push_back(double(value));
            }
        }
        return values;
    });
}

double percentile(std::vector<double>& values, double fraction)
{
    const auto place = values.begin() + std::ptrdiff_t(std::lround(fraction * double(values.size() - 1)));
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

} // namespace

std::string toString(VoxelType type) { return kTypes[std::size_t(type)].name; }

VoxelType voxelTypeFromString(const std::string& name)
{
    for (const TypeName& entry : kTypes) {
        if (name == entry.name) {
            return entry.type;
        }
    }
    throw Error("unknown voxel type '" + name + "'", "voxel-type");
}

std::size_t bytesPerVoxel(VoxelType type) { return kTypes[std::size_t(type)].bytes; }

std::string toString(Unit unit) { return kUnits[std::size_t(unit)].name; }

Unit unitFromString(const std::string& name)
{
    for (const UnitName& entry : kUnits) {
        if (name == entry.name) {
            return entry.unit;
        }
    }
    throw Error("unknown unit '" + name + "'", "unit");
}

Volume::Volume(Geometry geometry, Voxels voxels, VolumeInfo info, std::vector<std::uint8_t> rgb)
    : m_geometry(geometry), m_info(std::move(info))
{
    const std::size_t expected = geometry.size().voxels();
    const std::size_t found = std::visit([](const auto& list) { return list.size(); }, voxels);
    if (found != expected || expected == 0) {
        throw Error("a volume of " + std::to_string(expected) + " voxels got " + std::to_string(found), "volume-size");
    }
    if (!rgb.empty() && rgb.size() != expected * 3) {
        throw Error("a colour volume of " + std::to_string(expected) + " voxels got " + std::to_string(rgb.size()) + " bytes", "volume-size");
    }
    if (m_info.graphics && m_info.graphics->size() != expected) {
        throw Error("overlay planes of " + std::to_string(m_info.graphics->size()) + " pixels do not fit the volume", "volume-size");
    }
    if (!m_info.places.empty() && m_info.places.size() != std::size_t(geometry.size().k)) {
        throw Error("places of " + std::to_string(m_info.places.size()) + " slices do not fit the volume", "volume-size");
    }
    m_voxels = std::make_shared<const Voxels>(std::move(voxels));
    if (!rgb.empty()) {
        m_rgb = std::make_shared<const std::vector<std::uint8_t>>(std::move(rgb));
    }
    m_range = visit([](auto list) { return rangeOf(list); });
}

const void* Volume::data() const
{
    return visit([](auto voxels) { return static_cast<const void*>(voxels.data()); });
}

std::span<const std::uint8_t> Volume::rgb() const
{
    return m_rgb ? std::span<const std::uint8_t>(*m_rgb) : std::span<const std::uint8_t>();
}

double Volume::valueAt(Index3 index) const
{
    HF_ASSERT(m_geometry.contains(index));
    return visit([offset = m_geometry.offset(index)](auto voxels) { return double(voxels[offset]); });
}

std::optional<double> Volume::valueAt(PointLps point) const
{
    const ContinuousIndex place = m_geometry.toIndex(point);
    const Size3 size = m_geometry.size();
    const double coordinate[3] = {place.i, place.j, place.k};
    int low[3], high[3];
    double weight[3];
    for (int axis = 0; axis < 3; ++axis) {
        const int last = size.along(axis) - 1;
        if (!(coordinate[axis] >= -0.5) || !(coordinate[axis] <= last + 0.5)) {
            return std::nullopt;
        }
        const double clamped = std::clamp(coordinate[axis], 0.0, double(last));
        low[axis] = std::min(int(clamped), std::max(0, last - 1));
        high[axis] = std::min(low[axis] + 1, last);
        weight[axis] = clamped - low[axis];
    }
    double value = 0;
    for (int corner = 0; corner < 8; ++corner) {
        const Index3 index{corner & 1 ? high[0] : low[0], corner & 2 ? high[1] : low[1], corner & 4 ? high[2] : low[2]};
        const double share = (corner & 1 ? weight[0] : 1 - weight[0]) * (corner & 2 ? weight[1] : 1 - weight[1]) *
            (corner & 4 ? weight[2] : 1 - weight[2]);
        if (share > 0) {
            value += share * valueAt(index);
        }
    }
    return value;
}

PointLps Volume::inPatient(PointLps onGrid) const
{
    const std::vector<SlicePlace>& places = m_info.places;
    if (places.empty()) {
        return onGrid;
    }
    // Between two slices in proportion; half a slice beyond the last ones goes on as between the last two.
    const ContinuousIndex index = m_geometry.toIndex(onGrid);
    const auto on = [&](const SlicePlace& slice) { return slice.first + slice.alongI * index.i + slice.alongJ * index.j; };
    if (places.size() == 1) {
        return on(places.front()) + m_geometry.direction(2) * (index.k * m_geometry.spacingMm()[2]);
    }
    const std::size_t before = std::size_t(std::clamp(std::floor(index.k), 0.0, double(places.size() - 2)));
    const PointLps low = on(places[before]);
    return low + (on(places[before + 1]) - low) * (index.k - double(before));
}

WindowLevel Volume::defaultWindow() const
{
    for (const WindowLevel& window : m_info.windows) {
        if (window.width >= 1 || (window.width > 0 && isReal(type()))) {
            return window;
        }
    }
    if (isColor()) {
        return {127.5, 256, ""};
    }
    return m_info.unit == Unit::Hu ? windowPresets().front().window : percentileWindow();
}

WindowLevel Volume::percentileWindow() const
{
    std::vector<double> values = sample(*this);
    if (values.empty()) {
        return {0, 1, ""};
    }
    const double low = percentile(values, 0.001);
    const double high = percentile(values, 0.999);
    return {(low + high) / 2, std::max(high - low, 1e-6), ""};
}

} // namespace hf
