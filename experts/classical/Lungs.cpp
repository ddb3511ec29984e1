#include "experts/classical/Steps.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace hf::experts::classical {

namespace {

constexpr int kAeratedHu = -420, kBoneHu = 200;
constexpr double kAnyMm = 1e5;

/// A component of air in the body: lung, or gas of bowel, stomach, sinuses.
struct AirPart {
    std::vector<std::size_t> voxels;
    double volumeMl = 0;
    double medianHu = 0;    ///< Of its inner voxels.
    bool atCranialEnd = false;
    bool atSide = false;    ///< Cut by the field of view.
    double boneShare = 0;   ///< Of its faces, those on bone: high for the air cells of the skull.
};

std::vector<AirPart> airParts(const WorkGrid& grid, const Mask* air)
{
    const Components parts = components(air, grid);
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    // Edges mix with the wall: what counts is the inside.
    const Mask::Pointer inner = eroded(air, 0.8 * *std::max_element(grid.spacingMm.begin(), grid.spacingMm.end()), grid);
    const std::uint8_t* in = inner->GetBufferPointer();
    std::vector<AirPart> result(parts.sizes.size());
    std::vector<std::vector<std::size_t>> innerVoxels(parts.sizes.size());
    std::vector<std::array<double, 2>> faces(parts.sizes.size());
    const int last = grid.size[std::size_t(grid.axial)] - 1;
    const std::size_t least = std::size_t(2000 / grid.voxelMm3());
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        const std::uint32_t part = label[n];
        if (part == 0 || parts.sizes[part] < least) {
            continue;
        }
        result[part].voxels.push_back(n);
        if (in[n]) {
            innerVoxels[part].push_back(n);
        }
        for (int axis = 0; axis < 3; ++axis) {
            const int index = grid.indexAlong(n, axis);
            const bool atBorder = index == 0 || index + 1 == grid.size[std::size_t(axis)];
            result[part].atSide = result[part].atSide || (axis != grid.axial && atBorder);
        }
        forFaceNeighbours(grid, n, [&](std::size_t other) {
            faces[part][0] += label[other] == 0;
            faces[part][1] += label[other] == 0 && grid.values()[other] > kBoneHu;
        });
        const int slice = grid.indexAlong(n, grid.axial);
        result[part].atCranialEnd = result[part].atCranialEnd || slice == (grid.cranialIsHigh ? last : 0);
    }
    std::vector<AirPart> kept;
    for (std::size_t part = 1; part < result.size(); ++part) {
        if (!result[part].voxels.empty()) {
            result[part].volumeMl = double(result[part].voxels.size()) * grid.voxelMm3() / 1000;
            result[part].medianHu = medianHu(grid, innerVoxels[part].size() > 20 ? innerVoxels[part] : result[part].voxels);
            result[part].boneShare = faces[part][1] / std::max(1.0, faces[part][0]);
            kept.push_back(std::move(result[part]));
        }
    }
    return kept;
}

/// Lung is grey, gas is black; lung is large, or cut by the cranial end of the scan or by the field of view.
bool isLung(const AirPart& part)
{
    const bool grey = part.medianHu > -935 && part.medianHu < -560;
    return grey && part.boneShare < 0.2 && (part.volumeMl > 200 || (part.atCranialEnd && part.volumeMl > 4) || (part.atSide && part.volumeMl > 20));
}

/// Gas of stomach or bowel that hangs on the lung through a wall thinner than a voxel is taken away: a core of it stands alone and is black.
void dropGas(const WorkGrid& grid, Mask* all)
{
    const Mask::Pointer core = eroded(all, std::max(4.0, 1.5 * *std::max_element(grid.spacingMm.begin(), grid.spacingMm.end())), grid);
    const Components parts = components(core, grid);
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    std::vector<std::vector<std::size_t>> voxels(parts.sizes.size());
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        if (label[n]) {
            voxels[label[n]].push_back(n);
        }
    }
    std::vector<bool> isGas(parts.sizes.size(), false);
    for (std::size_t part = 1; part < voxels.size(); ++part) {
        isGas[part] = double(voxels[part].size()) * grid.voxelMm3() > 500 && medianHu(grid, voxels[part]) < -935;
    }
    if (std::find(isGas.begin(), isGas.end(), true) == isGas.end()) {
        return;
    }
    const Mask::Pointer gas = maskWhere(grid, [&](std::size_t n) { return isGas[label[n]]; }), lung = maskWhere(grid, [&](std::size_t n) { return label[n] && !isGas[label[n]]; });
    const Box box = boxAround(all, grid);
    const Distances::Pointer toGas = distanceTo(gas, grid, kAnyMm, box), toLung = distanceTo(lung, grid, kAnyMm, box);
    std::uint8_t* out = all->GetBufferPointer();
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        out[n] = out[n] && toLung->GetBufferPointer()[n] <= toGas->GetBufferPointer()[n];
    }
}

/// The middle of the patient along the sideways axis, in voxels.
double midline(const WorkGrid& grid, const std::uint8_t* body)
{
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t n = 0; n < grid.voxels(); n += 3) {
        if (body[n]) {
            sum += grid.indexAlong(n, grid.sideways);
            ++count;
        }
    }
    return count ? sum / double(count) : grid.size[std::size_t(grid.sideways)] / 2.0;
}

/// Both lungs in one piece are cut where they touch: each voxel goes to the nearer of two cores.
void splitSides(const WorkGrid& grid, const Mask* all, double middle, Mask* left, Mask* right, const Progress& progress)
{
    const std::uint8_t* a = all->GetBufferPointer();
    std::uint8_t* l = left->GetBufferPointer();
    std::uint8_t* r = right->GetBufferPointer();
    const std::size_t total = countSet(all, grid);
    for (double radius = 0; radius <= 24; radius = radius == 0 ? 2 : radius * 1.6) {
        report(progress, radius / 30, "lungs");
        const Mask::Pointer core = radius == 0 ? maskWhere(grid, [&](std::size_t n) { return a[n] != 0; }) : eroded(all, radius, grid);
        const Components parts = components(core, grid);
        const std::uint32_t* label = parts.labels->GetBufferPointer();
        std::vector<double> sums(parts.sizes.size());
        std::vector<double> onLeft(parts.sizes.size());
        for (std::size_t n = 0; n < grid.voxels(); ++n) {
            if (label[n]) {
                const double side = (grid.indexAlong(n, grid.sideways) - middle) * (grid.leftIsHigh ? 1 : -1);
                sums[label[n]] += side;
                onLeft[label[n]] += side > 0;
            }
        }
        // No core of any size may straddle the middle.
        bool straddles = false;
        for (std::size_t part = 1; part < parts.sizes.size(); ++part) {
            const double share = onLeft[part] / double(parts.sizes[part]);
            straddles = straddles || (double(parts.sizes[part]) > 0.05 * double(total) && share > 0.2 && share < 0.8);
        }
        if (straddles && radius * 1.6 <= 24) {
            continue;
        }
        const Mask::Pointer leftCore = maskWhere(grid, [&](std::size_t n) { return label[n] && sums[label[n]] > 0; });
        const Mask::Pointer rightCore = maskWhere(grid, [&](std::size_t n) { return label[n] && sums[label[n]] <= 0; });
        const Box box = boxAround(all, grid);
        const Distances::Pointer toLeft = distanceTo(leftCore, grid, kAnyMm, box), toRight = distanceTo(rightCore, grid, kAnyMm, box);
        const float* dl = toLeft->GetBufferPointer();
        const float* dr = toRight->GetBufferPointer();
        for (std::size_t n = 0; n < grid.voxels(); ++n) {
            if (a[n]) {
                (dl[n] < dr[n] ? l : r)[n] = 1;
            }
        }
        return;
    }
}

/// Vessels and small solid spots within a lung belong to it.
Mask::Pointer filled(const WorkGrid& grid, const Mask* lung, const std::uint8_t* body)
{
    const Mask::Pointer result = closed(lung, 4.5, grid);
    std::uint8_t* r = result->GetBufferPointer();
    const std::uint8_t* l = lung->GetBufferPointer();
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        r[n] = (r[n] && body[n]) || l[n];
    }
    const double voxelMm2 = grid.voxelMm3() / grid.spacingMm[std::size_t(grid.axial)];
    fillSlices(result, grid, grid.axial, [&](const Region& hole) { return double(hole.voxels.size()) * voxelMm2 < 700; });
    return result;
}

} // namespace

Lungs findLungs(const WorkGrid& grid, const Mask* bodyMask, const Mask* airwayMask, const Progress& progress)
{
    const std::uint8_t* body = bodyMask->GetBufferPointer();
    const std::uint8_t* airway = airwayMask->GetBufferPointer();
    const std::int16_t* hu = grid.values();
    const Mask::Pointer air = maskWhere(grid, [&](std::size_t n) { return body[n] && !airway[n] && hu[n] < kAeratedHu; });
    const Mask::Pointer all = makeMask(grid);
    std::uint8_t* out = all->GetBufferPointer();
    for (const AirPart& part : airParts(grid, air)) {
        if (isLung(part)) {
            for (const std::size_t voxel : part.voxels) {
                out[voxel] = 1;
            }
        }
    }
    Lungs lungs{makeMask(grid), makeMask(grid)};
    report(progress, 0.3, "lungs");
    if (countSet(all, grid) == 0) {
        return lungs;
    }
    dropGas(grid, all);
    splitSides(grid, all, midline(grid, body), lungs.left, lungs.right, subProgress(progress, 0.3, 0.7));
    lungs.left = filled(grid, lungs.left, body);
    report(progress, 0.85, "lungs");
    lungs.right = filled(grid, lungs.right, body);
    std::uint8_t* l = lungs.left->GetBufferPointer();
    std::uint8_t* r = lungs.right->GetBufferPointer();
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        l[n] = l[n] && !airway[n] && !(r[n] && !out[n]);
        r[n] = r[n] && !airway[n] && !l[n];
    }
    return lungs;
}

} // namespace hf::experts::classical
