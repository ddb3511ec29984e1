#include "experts/classical/Steps.h"

#include <algorithm>
#include <cmath>

namespace hf::experts::classical {

namespace {

constexpr int kSureHu = 240, kMarrowHu = 65;

/// Density from which a block may be bone: half way between muscle and a thin cortex, which thick slices thin out.
int maybeHu(const WorkGrid& grid) { return 140 + int(12 * std::clamp(*std::min_element(grid.spacingMm.begin(), grid.spacingMm.end()) - 2.0, 0.0, 4.0)); }

double meanHu(const WorkGrid& grid, const std::vector<std::size_t>& voxels)
{
    double sum = 0;
    for (const std::size_t voxel : voxels) {
        sum += grid.values()[voxel];
    }
    return voxels.empty() ? 0 : sum / double(voxels.size());
}

double coarsestMm(const WorkGrid& grid) { return *std::max_element(grid.spacingMm.begin(), grid.spacingMm.end()); }

/// Contrast medium in vessels and kidneys: thick, even, and with no brighter rind around, as bone has.
Mask::Pointer findContrast(const WorkGrid& grid, const Mask* bright)
{
    const Mask::Pointer result = makeMask(grid);
    std::uint8_t* out = result->GetBufferPointer();
    const Mask::Pointer cores = eroded(bright, std::max(4.5, coarsestMm(grid) * 1.05), grid);
    const Components parts = components(cores, grid);
    if (parts.sizes.size() < 2) {
        return result;
    }
    const std::int16_t* hu = grid.values();
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    std::vector<double> sum(parts.sizes.size()), squares(parts.sizes.size()), rindBright(parts.sizes.size()), rindCount(parts.sizes.size());
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        sum[label[n]] += hu[n];
        squares[label[n]] += double(hu[n]) * hu[n];
    }
    // The rind: bright voxels next to a core, out to its border. Grown step by step so that each belongs to one core.
    std::vector<std::uint32_t> owner(label, label + grid.voxels());
    const std::uint8_t* b = bright->GetBufferPointer();
    std::vector<std::size_t> front, next;
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        if (owner[n]) {
            front.push_back(n);
        }
    }
    const int steps = std::max(2, int(std::ceil(7.5 / *std::min_element(grid.spacingMm.begin(), grid.spacingMm.end()))));
    for (int step = 0; step < steps; ++step) {
        throwIfStopped(grid.stop);
        next.clear();
        for (const std::size_t n : front) {
            for (int axis = 0; axis < 3; ++axis) {
                const int index = grid.indexAlong(n, axis);
                const auto visit = [&](std::size_t m) {
                    if (b[m] && !owner[m]) {
                        owner[m] = owner[n];
                        rindBright[owner[n]] += hu[m] > sum[owner[n]] / double(parts.sizes[owner[n]]) + 60;
                        ++rindCount[owner[n]];
                        next.push_back(m);
                    }
                };
                if (index > 0) visit(n - grid.stride(axis));
                if (index + 1 < grid.size[std::size_t(axis)]) visit(n + grid.stride(axis));
            }
        }
        front.swap(next);
    }
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        const std::uint32_t part = owner[n];
        if (!part) {
            continue;
        }
        const double count = double(parts.sizes[part]), mean = sum[part] / count;
        const double sd = std::sqrt(std::max(0.0, squares[part] / count - mean * mean));
        // Where a vessel touches bone, a part of its rind is bright too.
        const double brightShare = rindCount[part] > 0 ? rindBright[part] / rindCount[part] : 0;
        out[n] = sd < 45 && mean < 600 && brightShare < 0.22;
    }
    return result;
}

/// In how many of 26 directions bone is met within a reach, and in how many of the 8 in the axial plane.
struct Enclosure { int all = 0, axial = 0; };
Enclosure enclosure(const WorkGrid& grid, const std::uint8_t* bone, std::size_t voxel, double reachMm)
{
    const std::array<int, 3> at{grid.indexAlong(voxel, 0), grid.indexAlong(voxel, 1), grid.indexAlong(voxel, 2)};
    Enclosure hits;
    for (int direction = 0; direction < 27; ++direction) {
        const std::array<int, 3> step{direction % 3 - 1, direction / 3 % 3 - 1, direction / 9 - 1};
        if (step == std::array{0, 0, 0}) {
            continue;
        }
        const bool inAxialPlane = step[std::size_t(grid.axial)] == 0;
        const auto count = [&] {
            ++hits.all;
            hits.axial += inAxialPlane;
        };
        double mm2 = 0;
        for (std::size_t axis = 0; axis < 3; ++axis) {
            mm2 += step[axis] * step[axis] * grid.spacingMm[axis] * grid.spacingMm[axis];
        }
        const int steps = int(reachMm / std::sqrt(mm2));
        std::array<int, 3> place = at;
        for (int n = 0; n < steps; ++n) {
            bool inside = true;
            for (std::size_t axis = 0; axis < 3; ++axis) {
                place[axis] += step[axis];
                inside = inside && place[axis] >= 0 && place[axis] < grid.size[axis];
            }
            if (!inside) {
                // The scan ends: neither here nor there, but a bone cut by it is still a bone.
                count();
                break;
            }
            if (bone[std::size_t(place[0]) + std::size_t(place[1]) * grid.stride(1) + std::size_t(place[2]) * grid.stride(2)]) {
                count();
                break;
            }
        }
    }
    return hits;
}

/// Marrow: dark bone within bone. The darker, the better it must be enclosed; the spinal canal is open upwards and downwards.
void addMarrow(const WorkGrid& grid, const std::uint8_t* body, const std::uint8_t* contrast, Mask* bones)
{
    const std::int16_t* hu = grid.values();
    const Distances::Pointer distance = distanceTo(bones, grid);
    const float* d = distance->GetBufferPointer();
    std::uint8_t* b = bones->GetBufferPointer();
    std::vector<std::size_t> added;
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        if ((n & 0xFFFF) == 0) {
            throwIfStopped(grid.stop);
        }
        if (b[n] || !body[n] || contrast[n] || d[n] > 16 || hu[n] < -90) {
            continue;
        }
        const double needed = hu[n] > kMarrowHu + 45 ? 0.66 : hu[n] > kMarrowHu ? 0.70 : 0.80;
        // A disc lies between end plates, but no cortex is around it in its own slice.
        const Enclosure met = enclosure(grid, b, n, 34);
        if (met.all >= 26 * needed && met.axial >= 7) {
            added.push_back(n);
        }
    }
    for (const std::size_t n : added) {
        b[n] = 1;
    }
}

/// Blocks at the border that are darker than half way to the brightest neighbour are soft tissue that a slice mixes with cortex.
void trimBorder(const WorkGrid& grid, Mask* bones)
{
    constexpr double kSoftHu = 50, kShare = 0.42;
    const std::int16_t* hu = grid.values();
    std::uint8_t* b = bones->GetBufferPointer();
    std::vector<std::size_t> removed;
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        if (!b[n]) {
            continue;
        }
        const std::array<int, 3> at{grid.indexAlong(n, 0), grid.indexAlong(n, 1), grid.indexAlong(n, 2)};
        bool border = false;
        int brightest = hu[n];
        for (int direction = 0; direction < 27; ++direction) {
            const std::array<int, 3> step{direction % 3 - 1, direction / 3 % 3 - 1, direction / 9 - 1};
            bool inside = true;
            std::ptrdiff_t offset = std::ptrdiff_t(n);
            for (std::size_t axis = 0; axis < 3; ++axis) {
                const int place = at[axis] + step[axis];
                inside = inside && place >= 0 && place < grid.size[axis];
                offset += step[axis] * std::ptrdiff_t(grid.stride(int(axis)));
            }
            if (inside) {
                const bool isFace = std::abs(step[0]) + std::abs(step[1]) + std::abs(step[2]) == 1;
                border = border || (isFace && !b[offset]);
                brightest = std::max<int>(brightest, b[offset] ? hu[offset] : 0);
            }
        }
        if (border && brightest > 470 && hu[n] < kSoftHu + kShare * (brightest - kSoftHu)) {
            removed.push_back(n);
        }
    }
    for (const std::size_t n : removed) {
        b[n] = 0;
    }
}

} // namespace

Mask::Pointer findBones(const WorkGrid& grid, const Mask* bodyMask)
{
    const std::uint8_t* body = bodyMask->GetBufferPointer();
    const std::int16_t* hu = grid.values();
    const int kMaybeHu = maybeHu(grid);
    const Mask::Pointer bright = maskWhere(grid, [&](std::size_t n) { return body[n] && hu[n] > kMaybeHu; });
    const Mask::Pointer contrastMask = findContrast(grid, bright);
    const std::uint8_t* contrast = contrastMask->GetBufferPointer();
    const Mask::Pointer sure = maskWhere(grid, [&](std::size_t n) { return body[n] && !contrast[n] && hu[n] > kSureHu; });
    const Distances::Pointer toSure = distanceTo(sure, grid);
    const float* d = toSure->GetBufferPointer();
    const float reach = float(std::max(9.0, 1.8 * coarsestMm(grid)));
    const Mask::Pointer near = maskWhere(grid, [&](std::size_t n) { return body[n] && !contrast[n] && hu[n] > kMaybeHu && d[n] <= reach; });
    const Components parts = components(near, grid);
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    std::vector<std::size_t> sureCount(parts.sizes.size());
    const std::uint8_t* s = sure->GetBufferPointer();
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        sureCount[label[n]] += s[n];
    }
    const double least = 150 / grid.voxelMm3();
    const Mask::Pointer bones = maskWhere(grid, [&](std::size_t n) {
        return label[n] > 0 && double(parts.sizes[label[n]]) >= least && double(sureCount[label[n]]) > 0.08 * double(parts.sizes[label[n]]);
    });
    addMarrow(grid, body, contrast, bones);
    // What is left are small holes of the cortex in one of the three planes.
    for (int axis = 0; axis < 3; ++axis) {
        const double voxelMm2 = grid.voxelMm3() / grid.spacingMm[std::size_t(axis)];
        fillSlices(bones, grid, axis, [&](const Region& hole) {
            const double area = double(hole.voxels.size()) * voxelMm2;
            return area < 1500 && meanHu(grid, hole.voxels) > kMarrowHu;
        });
    }
    trimBorder(grid, bones);
    return bones;
}

} // namespace hf::experts::classical
