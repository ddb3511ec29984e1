#include "experts/classical/Steps.h"

#include <algorithm>
#include <cmath>

namespace hf::experts::classical {

namespace {

constexpr int kMarrowHu = 65;

/// 0 where blocks are fine enough to show a cortex in full, 1 from 5 mm on, where it is always mixed with what is around.
double coarseness(const WorkGrid& grid) { return std::clamp((std::cbrt(grid.voxelMm3()) - 2.5) / 2.5, 0.0, 1.0); }

/// Density that only bone reaches; with contrast medium in the scan thin vessels come near it.
double sureHu(const WorkGrid& grid, bool hasContrast) { return 240 - (hasContrast ? 0 : 45 * coarseness(grid)); }

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

/// Standard deviation of the noise, from neighbours within soft tissue.
double noiseHu(const WorkGrid& grid, const std::uint8_t* body)
{
    const std::int16_t* hu = grid.values();
    std::vector<int> differences;
    for (std::size_t n = 0; n + 1 < grid.voxels(); n += 5) {
        if (body[n] && body[n + 1] && hu[n] + hu[n + 1] > 40 && hu[n] + hu[n + 1] < 180) {
            differences.push_back(std::abs(hu[n + 1] - hu[n]));
        }
    }
    if (differences.size() < 100) {
        return 0;
    }
    const auto middle = differences.begin() + std::ptrdiff_t(differences.size() / 2);
    std::nth_element(differences.begin(), middle, differences.end());
    return *middle / (0.6745 * std::sqrt(2.0));
}

/// Contrast medium in vessels and kidneys: thick, even, and with no brighter rind around, as bone has.
Mask::Pointer findContrast(const WorkGrid& grid, const Mask* bright, double rindHu)
{
    const Mask::Pointer result = makeMask(grid);
    std::uint8_t* out = result->GetBufferPointer();
    const Mask::Pointer cores = eroded(bright, std::max(4.5, grid.coarsestMm() * 1.5), grid);
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
            forFaceNeighbours(grid, n, [&](std::size_t m) {
                if (b[m] && !owner[m]) {
                    owner[m] = owner[n];
                    rindBright[owner[n]] += hu[m] > sum[owner[n]] / double(parts.sizes[owner[n]]) + rindHu;
                    ++rindCount[owner[n]];
                    next.push_back(m);
                }
            });
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
        out[n] = count * grid.voxelMm3() > 1000 && sd < 45 && mean < 600 && brightShare < 0.22;
    }
    return result;
}

/// In how many of 26 directions bone is met within a reach, in how many of the 8 in the axial plane, and in how many of the two across it.
/// Ends early, with fewer, where `least` of all cannot be reached any more.
struct Enclosure { int all = 0, axial = 0, across = 0; };
Enclosure enclosure(const WorkGrid& grid, const std::uint8_t* bone, std::size_t voxel, double reachMm, double least)
{
    int left = 26;
    const std::array<int, 3> at{grid.indexAlong(voxel, 0), grid.indexAlong(voxel, 1), grid.indexAlong(voxel, 2)};
    Enclosure hits;
    for (int direction = 0; direction < 27; ++direction) {
        const std::array<int, 3> step{direction % 3 - 1, direction / 3 % 3 - 1, direction / 9 - 1};
        if (step == std::array{0, 0, 0}) {
            continue;
        }
        if (hits.all + left-- < least) {
            return hits;
        }
        const bool inAxialPlane = step[std::size_t(grid.axial)] == 0;
        const bool isAcross = std::abs(step[0]) + std::abs(step[1]) + std::abs(step[2]) == 1 && !inAxialPlane;
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
                hits.across += isAcross;
                break;
            }
        }
    }
    return hits;
}

/// What surrounds a block and is no bone yet, within some mm.
struct Surroundings {
    std::vector<float> grains;  ///< Share that is brighter than soft tissue: spongy bone is grained, muscle is not.
    std::vector<float> meanHu;
};

Surroundings surroundings(const WorkGrid& grid, const std::uint8_t* bones)
{
    constexpr double kReachMm = 6;
    constexpr int kGrainHu = 100;
    std::array<int, 3> radius{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
        radius[axis] = std::max(1, int(std::lround(kReachMm / grid.spacingMm[axis])));
    }
    Surroundings result{std::vector<float>(grid.voxels()), std::vector<float>(grid.voxels())};
    std::vector<float> count(grid.voxels());
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        const float open = bones[n] ? 0 : 1;
        count[n] = open;
        result.grains[n] = grid.values()[n] > kGrainHu ? open : 0;
        result.meanHu[n] = open * float(grid.values()[n]);
    }
    sumInBox(grid, count, radius);
    sumInBox(grid, result.grains, radius);
    sumInBox(grid, result.meanHu, radius);
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        const float open = std::max(1.F, count[n]);
        result.grains[n] /= open;
        result.meanHu[n] /= open;
    }
    return result;
}

/// Marrow: dark bone within bone. The darker, the better it must be enclosed, the less so where it is grained.
void addMarrow(const WorkGrid& grid, const std::uint8_t* body, const std::uint8_t* contrast, Mask* bones, const Progress& progress)
{
    const std::int16_t* hu = grid.values();
    constexpr double kNearMm = 16;
    const Distances::Pointer distance = distanceTo(bones, grid, kNearMm);
    const float* d = distance->GetBufferPointer();
    std::uint8_t* b = bones->GetBufferPointer();
    const Surroundings around = surroundings(grid, b);
    const auto isMarrow = [&](std::size_t n) {
        if (b[n] || !body[n] || d[n] > float(kNearMm) || hu[n] < -90) {
            return false;
        }
        const bool grained = around.grains[n] > 0.2F;
        const double needed = contrast[n] ? 0.80 : (hu[n] > kMarrowHu + 45 ? 0.66 : hu[n] > kMarrowHu ? 0.70 : 0.80) - (grained ? 0.15 : 0);
        // A disc lies between end plates, but no cortex is around it in its own slice.
        const Enclosure met = enclosure(grid, b, n, 34, 26 * needed);
        // The spinal canal is a tube of even fluid and nerves.
        const bool isCanal = !grained && met.across == 0 && around.meanHu[n] > -20 && around.meanHu[n] < 50;
        return met.all >= 26 * needed && met.axial >= (grained ? 6 : 7) && !isCanal;
    };
    const std::vector<std::size_t> added = whereParallel(grid, isMarrow, subProgress(progress, 0.2, 1));
    for (const std::size_t n : added) {
        b[n] = 1;
    }
}

/// Marrow of thick bones: what a ball cannot reach from outside through the holes of the cortex.
void addCavities(const WorkGrid& grid, Mask* bones)
{
    constexpr double kBallMm = 5, kLeastHu = 45, kMostMm3 = 90000;
    const std::int16_t* hu = grid.values();
    const Distances::Pointer distance = distanceTo(bones, grid, kBallMm);
    const float* d = distance->GetBufferPointer();
    const Mask::Pointer free = maskWhere(grid, [&](std::size_t n) { return d[n] > float(kBallMm); });
    const Components parts = components(free, grid);
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    struct Cavity { double sum = 0; bool atEnd = false; };
    std::vector<Cavity> cavities(parts.sizes.size());
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        Cavity& cavity = cavities[label[n]];
        cavity.sum += hu[n];
        for (int axis = 0; axis < 3; ++axis) {
            const int index = grid.indexAlong(n, axis);
            cavity.atEnd = cavity.atEnd || index == 0 || index + 1 == grid.size[std::size_t(axis)];
        }
    }
    const Mask::Pointer cores = maskWhere(grid, [&](std::size_t n) {
        const std::uint32_t part = label[n];
        const double size = double(parts.sizes[part]);
        if (part == 0 || cavities[part].atEnd || size * grid.voxelMm3() > kMostMm3) return false;
        return cavities[part].sum / size > kLeastHu;
    });
    const Mask::Pointer grown = dilated(cores, kBallMm, grid);
    const std::uint8_t* g = grown->GetBufferPointer();
    std::uint8_t* b = bones->GetBufferPointer();
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        b[n] = b[n] || (g[n] && hu[n] > -120);
    }
}

/// Density of the brightest bone within some blocks of a block: the cortex that the block is a part of or next to.
int cortexNear(const WorkGrid& grid, const std::uint8_t* bones, std::size_t voxel, const std::array<int, 3>& radius)
{
    constexpr int kCortexHu = 550;
    const std::int16_t* hu = grid.values();
    std::array<int, 3> low{}, high{};
    for (int axis = 0; axis < 3; ++axis) {
        const int index = grid.indexAlong(voxel, axis), reach = radius[std::size_t(axis)];
        low[std::size_t(axis)] = -std::min(reach, index);
        high[std::size_t(axis)] = std::min(reach, grid.size[std::size_t(axis)] - 1 - index);
    }
    int brightest = hu[voxel];
    for (int z = low[2]; z <= high[2]; ++z) {
        for (int y = low[1]; y <= high[1]; ++y) {
            const std::ptrdiff_t row = std::ptrdiff_t(voxel) + z * std::ptrdiff_t(grid.stride(2)) + y * std::ptrdiff_t(grid.stride(1));
            for (std::ptrdiff_t n = row + low[0]; n <= row + high[0]; ++n) {
                brightest = std::max<int>(brightest, bones[n] ? hu[n] : 0);
            }
        }
    }
    return std::min(brightest, kCortexHu);
}

struct Trim {
    double share = 0.42;    ///< Of the way from soft tissue to the cortex: darker blocks go.
    double leastHu = 470;   ///< Where the cortex is darker nothing is taken away.
    double reachMm = 0;     ///< How far the cortex may be; at least to the next block.
    std::array<bool, 3> axes{true, true, true};     ///< Along which a border counts.
};

/// Takes away blocks at the border that are soft tissue mixed with cortex.
void trimBorder(const WorkGrid& grid, Mask* bones, const Trim& trim)
{
    constexpr double kSoftHu = 50;
    std::array<int, 3> radius{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
        radius[axis] = std::max(1, int(trim.reachMm / grid.spacingMm[axis]));
    }
    const std::int16_t* hu = grid.values();
    std::uint8_t* b = bones->GetBufferPointer();
    const auto isBorder = [&](std::size_t n) {
        for (int axis = 0; axis < 3; ++axis) {
            const int index = grid.indexAlong(n, axis);
            const std::size_t stride = grid.stride(axis);
            if (trim.axes[std::size_t(axis)] && ((index > 0 && !b[n - stride]) || (index + 1 < grid.size[std::size_t(axis)] && !b[n + stride]))) {
                return true;
            }
        }
        return false;
    };
    std::vector<std::size_t> removed;
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        if ((n & 0xFFFFF) == 0) {
            throwIfStopped(grid.stop);
        }
        if (b[n] && isBorder(n)) {
            const int cortex = cortexNear(grid, b, n, radius);
            if (cortex > trim.leastHu && hu[n] < kSoftHu + trim.share * (cortex - kSoftHu)) {
                removed.push_back(n);
            }
        }
    }
    for (const std::size_t n : removed) {
        b[n] = 0;
    }
}

} // namespace

Mask::Pointer findContrastMedium(const WorkGrid& grid, const Mask* bodyMask)
{
    const std::uint8_t* body = bodyMask->GetBufferPointer();
    // Noise makes holes in contrast medium and bright specks: on noisy scans it is looked for on means.
    constexpr double kMuchNoiseHu = 22;
    const bool isNoisy = noiseHu(grid, body) > kMuchNoiseHu;
    const WorkGrid calm = isNoisy ? smoothed(grid) : grid;
    const std::int16_t* calmHu = calm.values();
    const Mask::Pointer bright = maskWhere(grid, [&](std::size_t n) { return body[n] && calmHu[n] > maybeHu(grid); });
    const Mask::Pointer found = findContrast(calm, bright, isNoisy ? 30 : 60);
    return isNoisy ? dilated(found, 1.05 * grid.coarsestMm(), grid) : found;
}

Mask::Pointer findBones(const WorkGrid& grid, const Mask* bodyMask, const Progress& progress)
{
    const std::uint8_t* body = bodyMask->GetBufferPointer();
    const std::int16_t* hu = grid.values();
    const int kMaybeHu = maybeHu(grid);
    const Mask::Pointer contrastMask = findContrastMedium(grid, bodyMask);
    report(progress, 0.15, "bones");
    const std::uint8_t* contrast = contrastMask->GetBufferPointer();
    const bool hasContrast = double(countSet(contrastMask, grid)) * grid.voxelMm3() > 15000;
    const double sure = sureHu(grid, hasContrast);
    const Mask::Pointer sureMask = maskWhere(grid, [&](std::size_t n) { return body[n] && !contrast[n] && hu[n] > sure; });
    const float reach = float(std::max(9.0, 1.8 * grid.coarsestMm()));
    const Distances::Pointer toSure = distanceTo(sureMask, grid, reach);
    const float* d = toSure->GetBufferPointer();
    const Mask::Pointer near = maskWhere(grid, [&](std::size_t n) { return body[n] && !contrast[n] && hu[n] > kMaybeHu && d[n] <= reach; });
    report(progress, 0.25, "bones");
    const Components parts = components(near, grid);
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    std::vector<std::size_t> sureCount(parts.sizes.size());
    const std::uint8_t* s = sureMask->GetBufferPointer();
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        sureCount[label[n]] += s[n];
    }
    const double least = 150 / grid.voxelMm3();
    const Mask::Pointer bones = maskWhere(grid, [&](std::size_t n) {
        return label[n] > 0 && double(parts.sizes[label[n]]) >= least && double(sureCount[label[n]]) > 0.08 * double(parts.sizes[label[n]]);
    });
    report(progress, 0.35, "bones");
    addCavities(grid, bones);
    report(progress, 0.5, "bones");
    addMarrow(grid, body, contrast, bones, subProgress(progress, 0.5, 0.85));
    // What is left are small holes of the cortex in one of the three planes.
    for (int axis = 0; axis < 3; ++axis) {
        report(progress, 0.85 + 0.04 * axis, "bones");
        const double voxelMm2 = grid.voxelMm3() / grid.spacingMm[std::size_t(axis)];
        fillSlices(bones, grid, axis, [&](const Region& hole) {
            const double area = double(hole.voxels.size()) * voxelMm2;
            return area < 1500 && meanHu(grid, hole.voxels) > kMarrowHu;
        });
    }
    // A cortex in full is seen on fine grids only: on coarse ones less bright neighbours tell the same.
    const double coarse = coarseness(grid);
    trimBorder(grid, bones, {0.42 + 0.08 * coarse, 470 - 170 * coarse, 0, {true, true, true}});
    return bones;
}

void trimThickSlices(const WorkGrid& voxels, Mask* bones)
{
    constexpr double kThick = 2;
    constexpr int kPasses = 2;
    const double thin = kThick * *std::min_element(voxels.spacingMm.begin(), voxels.spacingMm.end());
    for (int pass = 0; pass < kPasses; ++pass) {
        trimBorder(voxels, bones, {0.46, 300, 3, {voxels.spacingMm[0] < thin, voxels.spacingMm[1] < thin, voxels.spacingMm[2] < thin}});
    }
}

} // namespace hf::experts::classical
