#include "viewer/volume/LabelMap.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>
#include <ctime>

namespace hf {

const std::array<NamedColor, 16>& overlayColors()
{
    // Order and values: reference vila-m3.md 6.8; components are fractions of 255, rounded here. "orange" stands twice there.
    static const std::array<NamedColor, 16> colors{{
        {"red", {255, 0, 0}}, {"blue", {0, 0, 255}}, {"yellow", {255, 255, 0}}, {"magenta", {255, 0, 255}},
        {"green", {0, 128, 0}}, {"indigo", {75, 0, 130}}, {"darkorange", {255, 140, 0}}, {"cyan", {0, 255, 255}},
        {"pink", {255, 192, 203}}, {"brown", {165, 42, 42}}, {"orange", {255, 165, 0}}, {"lime", {0, 255, 0}},
        {"orange", {255, 165, 0}}, {"gold", {255, 215, 0}}, {"yellowgreen", {154, 205, 50}}, {"darkgreen", {0, 100, 0}},
    }};
    return colors;
}

std::string nowUtc()
{
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

LabelMap::LabelMap(Geometry geometry, std::vector<LabelId> voxels, std::vector<Label> labels, Provenance provenance)
    : m_geometry(geometry), m_labels(std::move(labels)), m_provenance(std::move(provenance))
{
    if (voxels.size() != geometry.size().voxels()) {
        throw Error("a label map of " + std::to_string(geometry.size().voxels()) + " voxels got " + std::to_string(voxels.size()), "volume-size");
    }
    m_voxels = std::make_shared<const std::vector<LabelId>>(std::move(voxels));
}

LabelMap LabelMap::withLabels(std::vector<Label> labels) const
{
    LabelMap other = *this;
    other.m_labels = std::move(labels);
    return other;
}

const Label* LabelMap::findLabel(LabelId value) const
{
    const auto place = std::find_if(m_labels.begin(), m_labels.end(), [&](const Label& label) { return label.value == value; });
    return place == m_labels.end() ? nullptr : &*place;
}

namespace {

struct Sums {
    std::size_t count = 0;
    double sum = 0, minimum = 0, maximum = 0, squares = 0;
    double i = 0, j = 0, k = 0;
    std::array<std::vector<std::size_t>, 3> perSlice;
};

void prepare(std::array<Sums, 256>& sums, const std::vector<Label>& labels, Size3 size)
{
    for (const Label& label : labels) {
        for (int axis = 0; axis < 3; ++axis) {
            sums[label.value].perSlice[std::size_t(axis)].assign(std::size_t(size.along(axis)), 0);
        }
    }
}

template <typename T> void accumulate(std::array<Sums, 256>& sums, std::span<const LabelId> mask, std::span<const T> values, Size3 size)
{
    std::size_t n = 0;
    for (int k = 0; k < size.k; ++k) {
        for (int j = 0; j < size.j; ++j) {
            for (int i = 0; i < size.i; ++i, ++n) {
                Sums& entry = sums[mask[n]];
                if (mask[n] == 0 || entry.perSlice[0].empty()) {
                    continue;
                }
                const double value = double(values[n]);
                entry.minimum = entry.count ? std::min(entry.minimum, value) : value;
                entry.maximum = entry.count ? std::max(entry.maximum, value) : value;
                ++entry.count;
                entry.sum += value;
                entry.i += i;
                entry.j += j;
                entry.k += k;
                ++entry.perSlice[0][std::size_t(i)];
                ++entry.perSlice[1][std::size_t(j)];
                ++entry.perSlice[2][std::size_t(k)];
            }
        }
    }
}

/// Squares about the mean in a second pass: exact for values far from zero.
template <typename T> void accumulateSquares(std::array<Sums, 256>& sums, std::span<const LabelId> mask, std::span<const T> values)
{
    for (std::size_t n = 0; n < mask.size(); ++n) {
        Sums& entry = sums[mask[n]];
        if (mask[n] != 0 && entry.count) {
            const double difference = double(values[n]) - entry.sum / double(entry.count);
            entry.squares += difference * difference;
        }
    }
}

LabelFacts factsOf(const Label& label, const Sums& sums, const Geometry& geometry)
{
    LabelFacts facts;
    facts.value = label.value;
    facts.voxels = sums.count;
    if (sums.count == 0) {
        return facts;
    }
    const double count = double(sums.count);
    facts.volumeMl = count * geometry.voxelVolumeMm3() / 1000;
    facts.meanValue = sums.sum / count;
    facts.sdValue = std::sqrt(sums.squares / count);
    facts.minValue = sums.minimum;
    facts.maxValue = sums.maximum;
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const auto& slices = sums.perSlice[axis];
        facts.largestSlice[axis] = int(std::max_element(slices.begin(), slices.end()) - slices.begin());
    }
    facts.centroid = geometry.toLps(ContinuousIndex{sums.i / count, sums.j / count, sums.k / count});
    return facts;
}

} // namespace

std::vector<LabelFacts> measureLabels(const LabelMap& map, const Volume& volume)
{
    if (!map.geometry().sameGridAs(volume.geometry())) {
        throw Error("mask and volume lie on different grids", "grid");
    }
    std::array<Sums, 256> sums;
    const Size3 size = map.geometry().size();
    prepare(sums, map.labels(), size);
    volume.visit([&](auto values) {
        accumulate(sums, std::span<const LabelId>(map.voxels()), values, size);
        accumulateSquares(sums, std::span<const LabelId>(map.voxels()), values);
    });
    std::vector<LabelFacts> facts;
    for (const Label& label : map.labels()) {
        facts.push_back(factsOf(label, sums[label.value], map.geometry()));
    }
    return facts;
}

} // namespace hf
