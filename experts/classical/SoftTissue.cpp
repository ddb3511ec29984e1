#include "experts/classical/Steps.h"

#include <algorithm>

namespace hf::experts::classical {

Mask::Pointer findBody(const WorkGrid& grid)
{
    constexpr int kSkinHu = -480;
    const std::int16_t* hu = grid.values();
    const Mask::Pointer dense = maskWhere(grid, [&](std::size_t n) { return hu[n] > kSkinHu; });
    // The couch is thin, or touches the back in thin places: it does not survive an erosion that the trunk survives.
    const double radius = std::max(4.0, 1.05 * *std::max_element(grid.spacingMm.begin(), grid.spacingMm.end()));
    Mask::Pointer core = eroded(dense, radius, grid);
    if (countSet(core, grid) == 0) {
        core = dense;
    }
    // Arms and legs are parts of their own: everything that is big enough beside the largest.
    const Components parts = components(core, grid);
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    const std::size_t least = parts.sizes.size() > 1 ? std::max(parts.sizes[1] / 12, std::size_t(20000 / grid.voxelMm3())) : 0;
    const Mask::Pointer kept = maskWhere(grid, [&](std::size_t n) { return label[n] == 1 || (label[n] > 0 && parts.sizes[label[n]] >= least); });
    const Mask::Pointer grown = dilated(kept, radius + 0.5, grid);
    const std::uint8_t* g = grown->GetBufferPointer();
    const std::uint8_t* d = dense->GetBufferPointer();
    const Mask::Pointer body = maskWhere(grid, [&](std::size_t n) { return g[n] && d[n]; });
    fillSlices(body, grid, grid.axial, [](const Region&) { return true; });
    return body;
}

Mask::Pointer findInside(const WorkGrid& grid, const Mask* body, const Mask* bones, const Lungs& lungs)
{
    constexpr int kLeanHu = -25;
    const std::int16_t* hu = grid.values();
    // Without the skin.
    const Mask::Pointer under = eroded(body, std::max(5.0, 1.5 * grid.spacingMm[std::size_t(grid.sideways)]), grid);
    const std::uint8_t* u = under->GetBufferPointer();
    const std::uint8_t* b = bones->GetBufferPointer();
    const std::uint8_t* l = lungs.left->GetBufferPointer();
    const std::uint8_t* r = lungs.right->GetBufferPointer();
    const Mask::Pointer lean = maskWhere(grid, [&](std::size_t n) { return b[n] || l[n] || r[n] || (u[n] && hu[n] > kLeanHu && hu[n] < 2000); });
    // Strands and vessels in the fat under the skin are no wall.
    const Components parts = components(lean, grid);
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    const std::size_t least = std::size_t(8000 / grid.voxelMm3());
    const Mask::Pointer wall = maskWhere(grid, [&](std::size_t n) { return label[n] > 0 && parts.sizes[label[n]] >= least; });
    Mask::Pointer inside = closed(wall, 9, grid);
    fillSlices(inside, grid, grid.axial, [](const Region&) { return true; });
    // Closing reaches a little into the fat outside; opening the rest away keeps it near the wall.
    return inside;
}

} // namespace hf::experts::classical
