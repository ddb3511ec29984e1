#include "experts/classical/Steps.h"

#include <algorithm>

namespace hf::experts::classical {

namespace {

constexpr int kSkinHu = -480;

/// Lung that the field of view cuts is no hole of the body, for it is open to the border: grey air beside the body is body too.
void addCutLung(const WorkGrid& grid, Mask* body)
{
    constexpr int kBlackHu = -960, kGreyHu = -935;
    const std::int16_t* hu = grid.values();
    std::uint8_t* b = body->GetBufferPointer();
    const Mask::Pointer grey = maskWhere(grid, [&](std::size_t n) { return !b[n] && hu[n] < kSkinHu && hu[n] > kBlackHu; });
    const Components parts = components(grey, grid);
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    const std::size_t least = std::size_t(20000 / grid.voxelMm3());
    struct Part { double sum = 0; std::size_t toBody = 0, toOther = 0; };
    std::vector<Part> facts(parts.sizes.size());
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        if (label[n] == 0 || parts.sizes[label[n]] < least) {
            continue;
        }
        Part& part = facts[label[n]];
        part.sum += hu[n];
        forFaceNeighbours(grid, n, [&](std::size_t other) {
            part.toBody += b[other] != 0;
            part.toOther += !b[other] && label[other] != label[n];
        });
    }
    // Foam of the couch, air in clothes and the mixed blocks of the skin border on other things than the body; lung does so at its vessels only.
    std::vector<std::uint8_t> isLung(parts.sizes.size());
    for (std::size_t part = 1; part < parts.sizes.size(); ++part) {
        isLung[part] = parts.sizes[part] >= least && facts[part].sum > kGreyHu * double(parts.sizes[part]) && 2 * facts[part].toBody > 3 * facts[part].toOther;
    }
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        b[n] = b[n] || isLung[label[n]];
    }
}

} // namespace

Mask::Pointer findBody(const WorkGrid& grid, const Progress& progress)
{
    const std::int16_t* hu = grid.values();
    const Mask::Pointer dense = maskWhere(grid, [&](std::size_t n) { return hu[n] > kSkinHu; });
    // The couch is thin, or touches the back in thin places: it does not survive an erosion that the trunk survives.
    const double radius = std::max(4.0, 1.05 * *std::max_element(grid.spacingMm.begin(), grid.spacingMm.end()));
    Mask::Pointer core = eroded(dense, radius, grid);
    if (countSet(core, grid) == 0) {
        core = dense;
    }
    report(progress, 0.3, "body");
    // Arms and legs are parts of their own: everything that is big enough beside the largest.
    const Components parts = components(core, grid);
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    const std::size_t least = parts.sizes.size() > 1 ? std::max(parts.sizes[1] / 12, std::size_t(20000 / grid.voxelMm3())) : 0;
    const Mask::Pointer kept = maskWhere(grid, [&](std::size_t n) { return label[n] == 1 || (label[n] > 0 && parts.sizes[label[n]] >= least); });
    report(progress, 0.5, "body");
    const Mask::Pointer grown = dilated(kept, radius + 0.5, grid);
    const std::uint8_t* g = grown->GetBufferPointer();
    const std::uint8_t* d = dense->GetBufferPointer();
    const Mask::Pointer body = maskWhere(grid, [&](std::size_t n) { return g[n] && d[n]; });
    report(progress, 0.7, "body");
    addCutLung(grid, body);
    report(progress, 0.9, "body");
    fillSlices(body, grid, grid.axial, [](const Region&) { return true; });
    return body;
}

namespace {

/// Where fat goes through the wall (navel, hernia), a slice is open: what most slices around it have within is within there too.
Mask::Pointer withNeighbours(const Mask* inside, const WorkGrid& grid)
{
    constexpr double kReachMm = 16;
    const auto axis = std::size_t(grid.axial);
    std::array<int, 3> radius{};
    radius[axis] = int(kReachMm / grid.spacingMm[axis]);
    const std::uint8_t* i = inside->GetBufferPointer();
    std::vector<float> slices(i, i + grid.voxels());
    sumInBox(grid, slices, radius);
    return maskWhere(grid, [&](std::size_t n) {
        const int index = grid.indexAlong(n, grid.axial);
        const int around = std::min(index + radius[axis], grid.size[axis] - 1) - std::max(index - radius[axis], 0) + 1;
        return i[n] || 2 * slices[n] > float(around);
    });
}

} // namespace

Mask::Pointer findInside(const WorkGrid& grid, const Mask* body, const Mask* bones, const Lungs& lungs, const Progress& progress)
{
    constexpr int kLeanHu = -25, kGasHu = -400;     // gas of the bowel is often all that lies behind a thin wall
    const std::int16_t* hu = grid.values();
    // Without the skin.
    const Mask::Pointer under = eroded(body, std::max(5.0, 1.5 * grid.spacingMm[std::size_t(grid.sideways)]), grid);
    const std::uint8_t* u = under->GetBufferPointer();
    const std::uint8_t* b = bones->GetBufferPointer();
    const std::uint8_t* l = lungs.left->GetBufferPointer();
    const std::uint8_t* r = lungs.right->GetBufferPointer();
    report(progress, 0.3, "fat and muscle");
    const Mask::Pointer lean = maskWhere(grid, [&](std::size_t n) { return b[n] || l[n] || r[n] || (u[n] && hu[n] < 2000 && (hu[n] > kLeanHu || hu[n] < kGasHu)); });
    // Strands and vessels in the fat under the skin are no wall.
    const Components parts = components(lean, grid);
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    const std::size_t least = std::size_t(8000 / grid.voxelMm3());
    const Mask::Pointer wall = maskWhere(grid, [&](std::size_t n) { return label[n] > 0 && parts.sizes[label[n]] >= least; });
    report(progress, 0.5, "fat and muscle");
    Mask::Pointer inside = closed(wall, 9, grid);
    report(progress, 0.9, "fat and muscle");
    fillSlices(inside, grid, grid.axial, [](const Region&) { return true; });
    return withNeighbours(inside, grid);
}

} // namespace hf::experts::classical
