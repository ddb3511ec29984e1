#include "experts/engine/MaskFacts.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <numeric>

namespace hf::experts {

namespace {

using Voxels = std::vector<LabelId>;

/// Numbers that are joined: each points to an earlier one of its set, or to itself.
class Sets {
public:
    std::int32_t add()
    {
        m_parents.push_back(std::int32_t(m_parents.size()));
        return m_parents.back();
    }
    std::int32_t find(std::int32_t n)
    {
        while (m_parents[std::size_t(n)] != n) {
            n = m_parents[std::size_t(n)] = m_parents[std::size_t(m_parents[std::size_t(n)])];
        }
        return n;
    }
    void join(std::int32_t a, std::int32_t b)
    {
        a = find(a);
        b = find(b);
        m_parents[std::size_t(std::max(a, b))] = std::min(a, b);
    }

private:
    std::vector<std::int32_t> m_parents;
};

/// The 13 neighbours of a voxel that come before it in memory.
std::array<Index3, 13> earlierNeighbours()
{
    std::array<Index3, 13> list;
    std::size_t count = 0;
    for (int k = -1; k <= 0; ++k) {
        for (int j = -1; j <= 1; ++j) {
            for (int i = -1; i <= 1; ++i) {
                if (k < 0 || j < 0 || (j == 0 && i < 0)) {
                    list[count++] = {i, j, k};
                }
            }
        }
    }
    return list;
}

Index3 operator+(Index3 a, Index3 b) { return {a.i + b.i, a.j + b.j, a.k + b.k}; }

template <typename Visit> void forEachVoxel(Size3 size, const Visit& visit)
{
    std::size_t n = 0;
    for (int k = 0; k < size.k; ++k) {
        for (int j = 0; j < size.j; ++j) {
            for (int i = 0; i < size.i; ++i, ++n) {
                visit(Index3{i, j, k}, n);
            }
        }
    }
}

/// The set of each voxel; -1 for background.
std::vector<std::int32_t> joinNeighbours(const LabelMap& map, Sets& sets)
{
    const Voxels& voxels = map.voxels();
    std::vector<std::int32_t> numbers(voxels.size(), -1);
    const auto neighbours = earlierNeighbours();
    forEachVoxel(map.geometry().size(), [&](Index3 here, std::size_t n) {
        if (voxels[n] == 0) {
            return;
        }
        for (const Index3& step : neighbours) {
            const Index3 there = here + step;
            const std::size_t m = map.geometry().contains(there) ? map.geometry().offset(there) : n;
            if (m == n || voxels[m] != voxels[n]) {
                continue;
            }
            if (numbers[n] < 0) {
                numbers[n] = numbers[m];
            } else {
                sets.join(numbers[n], numbers[m]);
            }
        }
        if (numbers[n] < 0) {
            numbers[n] = sets.add();
        }
    });
    return numbers;
}

struct Direction {
    Index3 step;
    double lengthMm = 0;
    double share = 0;       ///< Of the sphere of directions.
    Vec3 unit;
};

/// The 13 directions between neighbours on this grid; each has the share of the sphere that lies nearest to it.
std::array<Direction, 13> croftonDirections(const Geometry& geometry)
{
    std::array<Direction, 13> directions;
    const auto spacing = geometry.spacingMm();
    const auto neighbours = earlierNeighbours();
    for (std::size_t n = 0; n < directions.size(); ++n) {
        const Vec3 step{neighbours[n].i * spacing[0], neighbours[n].j * spacing[1], neighbours[n].k * spacing[2]};
        directions[n] = {neighbours[n], length(step), 0, normalized(step)};
    }
    constexpr int kSamples = 50'000;
    const double golden = std::numbers::pi * (3 - std::sqrt(5.0));
    for (int n = 0; n < kSamples; ++n) {
        const double z = 1 - (n + 0.5) / kSamples, radius = std::sqrt(1 - z * z);     // half a sphere: directions have no sign
        const Vec3 sample{radius * std::cos(golden * n), radius * std::sin(golden * n), z};
        auto best = std::max_element(directions.begin(), directions.end(), [&](const Direction& a, const Direction& b) { return std::abs(dot(a.unit, sample)) < std::abs(dot(b.unit, sample)); });
        best->share += 1.0 / kSamples;
    }
    return directions;
}

/// Twice the mean over all directions of what lines cut: S = 2 sum share * cuts * area per line. Source: Legland et al. 2011, Crofton's formula.
std::array<double, 256> surfaces(const LabelMap& map)
{
    std::array<double, 256> areas{};
    const Voxels& voxels = map.voxels();
    for (const Direction& direction : croftonDirections(map.geometry())) {
        const double weight = 2 * direction.share * map.geometry().voxelVolumeMm3() / direction.lengthMm;
        std::array<std::size_t, 256> cuts{};
        forEachVoxel(map.geometry().size(), [&](Index3 here, std::size_t n) {
            const LabelId label = voxels[n];
            if (label == 0) {
                return;
            }
            // Each end of a run along the line is a cut; outside the grid there is no label.
            for (const int sign : {-1, 1}) {
                const Index3 there = here + Index3{sign * direction.step.i, sign * direction.step.j, sign * direction.step.k};
                cuts[label] += !map.geometry().contains(there) || voxels[map.geometry().offset(there)] != label;
            }
        });
        for (std::size_t label = 1; label < areas.size(); ++label) {
            areas[label] += weight * double(cuts[label]);
        }
    }
    return areas;
}

int along(Index3 index, int axis) { return axis == 0 ? index.i : axis == 1 ? index.j : index.k; }

/// First and last index of a label on lines along one axis.
class LineEnds {
public:
    LineEnds(Size3 size, int axis) : m_size(size), m_axis(axis), m_ends(std::size_t(across()), {-1, -1}) {}
    void add(Index3 index)
    {
        auto& [first, last] = m_ends[line(index)];
        const int place = along(index, m_axis);
        first = first < 0 ? place : std::min(first, place);
        last = std::max(last, place);
    }
    bool isEnd(Index3 index) const
    {
        const auto& [first, last] = m_ends[line(index)];
        const int place = along(index, m_axis);
        return place == first || place == last;
    }

private:
    int across() const { return m_axis == 0 ? m_size.j * m_size.k : m_axis == 1 ? m_size.i * m_size.k : m_size.i * m_size.j; }
    std::size_t line(Index3 index) const
    {
        return m_axis == 0 ? std::size_t(index.k) * std::size_t(m_size.j) + std::size_t(index.j) : m_axis == 1 ? std::size_t(index.k) * std::size_t(m_size.i) + std::size_t(index.i)
                                                                                                                : std::size_t(index.j) * std::size_t(m_size.i) + std::size_t(index.i);
    }

    Size3 m_size;
    int m_axis;
    std::vector<std::pair<int, int>> m_ends;
};

/// Largest distance of two points. Those far from the middle first: a pair can only be longer while both radii together are.
double largestDistance(const std::vector<Vec3>& points)
{
    if (points.size() < 2) {
        return 0;
    }
    Vec3 middle;
    for (const Vec3& point : points) {
        middle = middle + point * (1.0 / double(points.size()));
    }
    std::vector<std::pair<double, Vec3>> sorted;
    for (const Vec3& point : points) {
        sorted.emplace_back(length(point - middle), point);
    }
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    double longest = 0;
    for (std::size_t a = 0; a < sorted.size() && 2 * sorted[a].first > longest; ++a) {
        for (std::size_t b = a + 1; b < sorted.size() && sorted[a].first + sorted[b].first > longest; ++b) {
            longest = std::max(longest, length(sorted[a].second - sorted[b].second));
        }
    }
    return longest;
}

struct Diameters { double whole = 0, axial = 0; int slice = -1; };

/// The ends of the longest line are corners of the convex hull, hence ends of their lines along every axis; nothing else is compared.
/// @param axial  the axis across axial slices.
Diameters diametersOf(const std::vector<Index3>& voxels, const Geometry& geometry, int axial)
{
    std::array<LineEnds, 3> ends{LineEnds(geometry.size(), 0), LineEnds(geometry.size(), 1), LineEnds(geometry.size(), 2)};
    for (const Index3& index : voxels) {
        for (LineEnds& axis : ends) {
            axis.add(index);
        }
    }
    const auto spacing = geometry.spacingMm();
    const auto place = [&](Index3 index) { return Vec3{index.i * spacing[0], index.j * spacing[1], index.k * spacing[2]}; };
    std::vector<Vec3> whole;
    std::vector<std::vector<Vec3>> slices(std::size_t(geometry.size().along(axial)));
    for (const Index3& index : voxels) {
        if (ends[std::size_t((axial + 1) % 3)].isEnd(index) && ends[std::size_t((axial + 2) % 3)].isEnd(index)) {
            slices[std::size_t(along(index, axial))].push_back(place(index));
            if (ends[std::size_t(axial)].isEnd(index)) {
                whole.push_back(place(index));
            }
        }
    }
    Diameters diameters;
    for (std::size_t n = 0; n < slices.size(); ++n) {
        if (const double found = largestDistance(slices[n]); !slices[n].empty() && (diameters.slice < 0 || found > diameters.axial)) {
            diameters.axial = found;
            diameters.slice = int(n);
        }
    }
    diameters.whole = largestDistance(whole);
    return diameters;
}

std::string quoted(const std::string& text)
{
    if (text.find_first_of(",\"\n\r") == std::string::npos) {
        return text;
    }
    std::string out = "\"";
    for (const char c : text) {
        out += c == '"' ? "\"\"" : std::string(1, c);
    }
    return out + "\"";
}

} // namespace

std::vector<Component> findComponents(const LabelMap& map, std::vector<std::int32_t>* numbers)
{
    Sets sets;
    std::vector<std::int32_t> found = joinNeighbours(map, sets);
    std::vector<Component> components;
    std::vector<Vec3> sums;
    std::vector<std::int32_t> places;       // set to component
    forEachVoxel(map.geometry().size(), [&](Index3 here, std::size_t n) {
        if (found[n] < 0) {
            return;
        }
        const auto set = std::size_t(sets.find(found[n]));
        places.resize(std::max(places.size(), set + 1), -1);
        if (places[set] < 0) {
            places[set] = std::int32_t(components.size());
            components.push_back({map.voxels()[n], 0, 0, {}, here});
            sums.emplace_back();
        }
        found[n] = places[set];
        ++components[std::size_t(found[n])].voxels;
        sums[std::size_t(found[n])] = sums[std::size_t(found[n])] + Vec3{double(here.i), double(here.j), double(here.k)};
    });
    for (std::size_t n = 0; n < components.size(); ++n) {
        const Vec3 mean = sums[n] * (1.0 / double(components[n].voxels));
        components[n].centroid = map.geometry().toLps(ContinuousIndex{mean.x, mean.y, mean.z});
        components[n].volumeMl = double(components[n].voxels) * map.geometry().voxelVolumeMm3() / 1000;
    }
    std::vector<std::int32_t> order(components.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
        const Component &left = components[std::size_t(a)], &right = components[std::size_t(b)];
        return left.label != right.label ? left.label < right.label : left.voxels > right.voxels;
    });
    std::vector<Component> sorted;
    std::vector<std::int32_t> rank(components.size());
    for (std::size_t n = 0; n < order.size(); ++n) {
        sorted.push_back(components[std::size_t(order[n])]);
        rank[std::size_t(order[n])] = std::int32_t(n);
    }
    if (numbers) {
        for (std::int32_t& number : found) {
            number = number < 0 ? -1 : rank[std::size_t(number)];
        }
        *numbers = std::move(found);
    }
    return sorted;
}

std::vector<MaskFacts> measureMask(const LabelMap& map, const Volume& volume)
{
    const std::vector<LabelFacts> basic = measureLabels(map, volume);
    const std::vector<Component> components = findComponents(map);
    const std::array<double, 256> areas = surfaces(map);
    // Only voxels at an end of a run along a line of axial slices: no other can be an end of its line, and memory stays that of the surface.
    const Geometry& geometry = map.geometry();
    const int axial = geometry.axisAcross(Plane::Axial), line = axial == 0 ? 1 : 0;
    const std::size_t step = line == 0 ? 1 : std::size_t(geometry.size().i);
    const int last = geometry.size().along(line) - 1;
    std::array<std::vector<Index3>, 256> voxels;
    forEachVoxel(geometry.size(), [&](Index3 here, std::size_t n) {
        const LabelId label = map.voxels()[n];
        const int place = along(here, line);
        if (label && (place == 0 || place == last || map.voxels()[n - step] != label || map.voxels()[n + step] != label)) {
            voxels[label].push_back(here);
        }
    });
    std::vector<MaskFacts> facts;
    for (const LabelFacts& label : basic) {
        MaskFacts& entry = facts.emplace_back();
        entry.basic = label;
        entry.surfaceMm2 = areas[label.value];
        const Diameters diameters = diametersOf(voxels[label.value], geometry, axial);
        entry.diameterMm = diameters.whole;
        entry.axialDiameterMm = diameters.axial;
        entry.axialSlice = diameters.slice;
        std::copy_if(components.begin(), components.end(), std::back_inserter(entry.components), [&](const Component& component) { return component.label == label.value; });
    }
    return facts;
}

std::string factsAsCsv(const LabelMap& map, const std::vector<MaskFacts>& facts)
{
    std::string text = "label,name,component,voxels,volume_ml,surface_mm2,diameter_mm,axial_diameter_mm,axial_slice,mean,sd,min,max,centroid_x_lps,centroid_y_lps,centroid_z_lps\r\n";
    std::array<char, 512> line;
    for (const MaskFacts& fact : facts) {
        const Label* label = map.findLabel(fact.basic.value);
        const std::string head = std::to_string(fact.basic.value) + "," + quoted(label ? label->name : "");
        const LabelFacts& b = fact.basic;
        std::snprintf(line.data(), line.size(), ",,%zu,%.6g,%.6g,%.6g,%.6g,%d,%.6g,%.6g,%.6g,%.6g,%.3f,%.3f,%.3f\r\n", b.voxels, b.volumeMl, fact.surfaceMm2, fact.diameterMm,
            fact.axialDiameterMm, fact.axialSlice, b.meanValue, b.sdValue, b.minValue, b.maxValue, b.centroid.x, b.centroid.y, b.centroid.z);
        text += head + line.data();
        for (std::size_t n = 0; n < fact.components.size(); ++n) {
            const Component& c = fact.components[n];
            std::snprintf(line.data(), line.size(), ",%zu,%zu,%.6g,,,,,,,,,%.3f,%.3f,%.3f\r\n", n + 1, c.voxels, c.volumeMl, c.centroid.x, c.centroid.y, c.centroid.z);
            text += head + line.data();
        }
    }
    return text;
}

} // namespace hf::experts
