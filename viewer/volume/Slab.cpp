#include "viewer/volume/Slab.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hf {

namespace {

/// Running combination of one pixel after the other layer; NaN does not count.
template <typename Value> class Combination {
public:
    Combination(SlabMode mode, std::size_t pixels) : m_mode(mode), m_values(pixels, std::numeric_limits<Value>::quiet_NaN()), m_sums(mode == SlabMode::Mean ? pixels : 0), m_counts(m_sums.size()) {}

    void add(const std::vector<Value>& layer)
    {
        for (std::size_t n = 0; n < layer.size(); ++n) {
            if (std::isnan(layer[n])) {
                continue;
            }
            if (m_mode == SlabMode::Mean) {
                m_sums[n] += double(layer[n]);
                ++m_counts[n];
            } else if (std::isnan(m_values[n]) || (m_mode == SlabMode::Maximum ? layer[n] > m_values[n] : layer[n] < m_values[n])) {
                m_values[n] = layer[n];
            }
        }
    }

    std::vector<Value> take()
    {
        for (std::size_t n = 0; n < m_sums.size(); ++n) {
            m_values[n] = m_counts[n] ? Value(m_sums[n] / m_counts[n]) : m_values[n];
        }
        return std::move(m_values);
    }

private:
    SlabMode m_mode;
    std::vector<Value> m_values;
    std::vector<double> m_sums;
    std::vector<int> m_counts;
};

template <typename Value> std::vector<Value> combined(const Volume& volume, const SliceFrame& frame, Interpolation interpolation, const Slab& slab)
{
    Combination<Value> combination(slab.mode, std::size_t(frame.width) * std::size_t(frame.height));
    SliceFrame layer = frame;
    for (const double offset : slabOffsets(volume.geometry(), frame.normal(), slab.thicknessMm)) {
        layer.origin = frame.origin + frame.normal() * offset;
        combination.add(std::get<std::vector<Value>>(sampleValues(volume, layer, interpolation)));
    }
    return combination.take();
}

} // namespace

double sliceStepMm(const Geometry& geometry, Vec3 normal)
{
    const auto spacing = geometry.spacingMm();
    for (int axis = 0; axis < 3; ++axis) {
        if (std::abs(dot(geometry.direction(axis), normal)) > 1 - 1e-6) {
            return spacing[std::size_t(axis)];
        }
    }
    return *std::min_element(spacing.begin(), spacing.end());
}

std::vector<double> slabOffsets(const Geometry& geometry, Vec3 normal, double thicknessMm)
{
    const double step = sliceStepMm(geometry, normal);
    // A slice of the border counts although thickness and step are not exact numbers.
    const int each = std::max(0, int(std::floor((thicknessMm / step - 1) / 2 + 1e-6)));
    std::vector<double> offsets;
    for (int n = -each; n <= each; ++n) {
        offsets.push_back(n * step);
    }
    return offsets;
}

double shownThicknessMm(const Geometry& geometry, Vec3 normal, double thicknessMm)
{
    return double(slabOffsets(geometry, normal, thicknessMm).size()) * sliceStepMm(geometry, normal);
}

double thicknessInVolumeMm(const Geometry& geometry, PointLps onPlane, Vec3 normal, double thicknessMm)
{
    const Size3 size = geometry.size();
    const auto spacing = geometry.spacingMm();
    const PointLps middle = geometry.toLps(ContinuousIndex{(size.i - 1) / 2.0, (size.j - 1) / 2.0, (size.k - 1) / 2.0});
    double reach = 0;       // from the middle to the faces of the outermost voxels
    for (int axis = 0; axis < 3; ++axis) {
        reach += std::abs(dot(geometry.direction(axis), normal)) * spacing[std::size_t(axis)] * size.along(axis) / 2;
    }
    const double place = dot(onPlane - middle, normal);
    const std::vector<double> offsets = slabOffsets(geometry, normal, thicknessMm);
    const auto inside = std::count_if(offsets.begin(), offsets.end(), [&](double offset) { return std::abs(place + offset) < reach; });
    return double(inside) * sliceStepMm(geometry, normal);
}

Samples sampleSlab(const Volume& volume, const SliceFrame& frame, Interpolation interpolation, const Slab& slab)
{
    if (!slab.isOn()) {
        return sampleValues(volume, frame, interpolation);
    }
    if (volume.type() == VoxelType::Float64) {
        return combined<double>(volume, frame, interpolation, slab);
    }
    return combined<float>(volume, frame, interpolation, slab);
}

} // namespace hf
