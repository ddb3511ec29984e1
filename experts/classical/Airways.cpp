#include "experts/classical/Steps.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace hf::experts::classical {

namespace {

/// Gas-filled round regions of an axial slice that may be the trachea.
std::vector<Region> tracheaCandidates(const WorkGrid& grid, const std::uint8_t* body, int index)
{
    constexpr int kGasHu = -600;
    const std::int16_t* hu = grid.values();
    std::vector<Region> found;
    const double voxelMm2 = grid.voxelMm3() / grid.spacingMm[std::size_t(grid.axial)];
    std::size_t bodyCount = 0;
    double bodySum = 0;
    for (const Region& region : regionsOfSlice(grid, grid.axial, index, [&](std::size_t n) { return body[n] != 0; })) {
        bodyCount += region.voxels.size();
        for (const std::size_t voxel : region.voxels) {
            bodySum += grid.indexAlong(voxel, grid.sideways);
        }
    }
    if (bodyCount == 0) {
        return found;
    }
    const double middle = bodySum / double(bodyCount);
    for (Region& region : regionsOfSlice(grid, grid.axial, index, [&](std::size_t n) { return body[n] && hu[n] < kGasHu; })) {
        const double area = double(region.voxels.size()) * voxelMm2;
        if (region.touchesBorder || area < 60 || area > 900) {
            continue;
        }
        double side = 0;
        std::array<int, 3> low{INT32_MAX, INT32_MAX, INT32_MAX}, high{-1, -1, -1};
        for (const std::size_t voxel : region.voxels) {
            side += grid.indexAlong(voxel, grid.sideways);
            for (int axis = 0; axis < 3; ++axis) {
                low[std::size_t(axis)] = std::min(low[std::size_t(axis)], grid.indexAlong(voxel, axis));
                high[std::size_t(axis)] = std::max(high[std::size_t(axis)], grid.indexAlong(voxel, axis));
            }
        }
        const double offMiddle = std::abs(side / double(region.voxels.size()) - middle) * grid.spacingMm[std::size_t(grid.sideways)];
        double box = 1, longest = 0, shortest = 1e9;
        for (std::size_t axis = 0; axis < 3; ++axis) {
            if (int(axis) != grid.axial) {
                const double mm = (high[axis] - low[axis] + 1) * grid.spacingMm[axis];
                box *= mm;
                longest = std::max(longest, mm);
                shortest = std::min(shortest, mm);
            }
        }
        if (offMiddle < 35 && area / box > 0.45 && longest < 2.6 * shortest && medianHu(grid, region.voxels) < -850) {
            found.push_back(std::move(region));
        }
    }
    return found;
}

/// Is there aerated lung on both sides in the same slice?
bool liesBetweenLungs(const WorkGrid& grid, const std::uint8_t* body, int index, const std::vector<std::size_t>& region)
{
    double side = 0;
    for (const std::size_t voxel : region) {
        side += grid.indexAlong(voxel, grid.sideways);
    }
    side /= double(region.size());
    const std::int16_t* hu = grid.values();
    const double voxelMm2 = grid.voxelMm3() / grid.spacingMm[std::size_t(grid.axial)];
    double lower = 0, upper = 0;
    for (const Region& air : regionsOfSlice(grid, grid.axial, index, [&](std::size_t n) { return body[n] && hu[n] < -560 && hu[n] > -935; })) {
        for (const std::size_t voxel : air.voxels) {
            (grid.indexAlong(voxel, grid.sideways) < side ? lower : upper) += voxelMm2;
        }
    }
    return lower > 800 && upper > 800;
}

/// The longest chain of candidates through neighbouring slices, as seed voxels; at least 20 mm long.
std::vector<std::size_t> findTrachea(const WorkGrid& grid, const std::uint8_t* body, const Progress& progress)
{
    struct Chain { std::vector<std::size_t> voxels; int slices = 0, besideLung = 0; bool atCranialEnd = false; std::vector<std::size_t> last; };
    std::vector<Chain> open, done;
    const int slices = grid.size[std::size_t(grid.axial)];
    std::vector<std::vector<Region>> candidates(static_cast<std::size_t>(slices));
    inParallel(candidates.size(), grid.stop, [&](std::size_t index) { candidates[index] = tracheaCandidates(grid, body, int(index)); });
    for (int step = 0; step < slices; ++step) {
        const int index = grid.cranialIsHigh ? slices - 1 - step : step;
        const std::ptrdiff_t down = grid.cranialIsHigh ? -std::ptrdiff_t(grid.stride(grid.axial)) : std::ptrdiff_t(grid.stride(grid.axial));
        std::vector<Chain> next;
        for (Region& region : candidates[std::size_t(index)]) {
            Chain chain;
            for (Chain& above : open) {
                std::vector<std::size_t> shifted(above.last.size());
                std::transform(above.last.begin(), above.last.end(), shifted.begin(), [&](std::size_t n) { return std::size_t(std::ptrdiff_t(n) + down); });
                const bool overlaps = std::any_of(region.voxels.begin(), region.voxels.end(), [&](std::size_t n) { return std::binary_search(shifted.begin(), shifted.end(), n); });
                if (overlaps && above.slices > chain.slices) {
                    chain = above;
                }
            }
            std::sort(region.voxels.begin(), region.voxels.end());
            chain.voxels.insert(chain.voxels.end(), region.voxels.begin(), region.voxels.end());
            ++chain.slices;
            chain.besideLung += liesBetweenLungs(grid, body, index, region.voxels);
            chain.atCranialEnd = chain.atCranialEnd || step == 0;
            chain.last = std::move(region.voxels);
            next.push_back(std::move(chain));
        }
        done.insert(done.end(), open.begin(), open.end());
        open = std::move(next);
        throwIfStopped(grid.stop);
        report(progress, double(step) / slices, "airways");
    }
    done.insert(done.end(), open.begin(), open.end());
    // The windpipe runs between the lungs, or leaves the scan upwards in the neck; loops of bowel with gas do neither.
    const Chain* best = nullptr;
    for (const Chain& chain : done) {
        const double mm = chain.slices * grid.spacingMm[std::size_t(grid.axial)];
        const bool isLong = mm >= 20 && chain.slices >= 3;
        const bool inChest = chain.besideLung * 4 >= chain.slices || (chain.atCranialEnd && mm >= 60);
        if (isLong && inChest && (!best || chain.slices > best->slices)) {
            best = &chain;
        }
    }
    return best ? best->voxels : std::vector<std::size_t>();
}

std::vector<std::size_t> grow(const WorkGrid& grid, const std::vector<std::size_t>& seeds, const std::function<bool(std::size_t)>& inside, std::size_t most)
{
    std::vector<std::uint8_t> seen(grid.voxels());
    std::vector<std::size_t> region;
    const auto push = [&](std::size_t voxel) {
        if (!seen[voxel] && inside(voxel)) {
            seen[voxel] = 1;
            region.push_back(voxel);
        }
    };
    for (const std::size_t seed : seeds) {
        push(seed);
    }
    for (std::size_t head = 0; head < region.size() && region.size() <= most; ++head) {
        forFaceNeighbours(grid, region[head], push);
    }
    return region;
}

} // namespace

Mask::Pointer findAirways(const WorkGrid& grid, const Mask* bodyMask, const Progress& progress)
{
    const std::uint8_t* body = bodyMask->GetBufferPointer();
    const std::int16_t* hu = grid.values();
    const Mask::Pointer airways = makeMask(grid);
    const std::vector<std::size_t> seeds = findTrachea(grid, body, subProgress(progress, 0, 0.6));
    if (seeds.empty()) {
        return airways;
    }
    // The threshold rises until the region leaks into the lung: its volume leaps.
    const std::size_t most = std::size_t(120'000 / grid.voxelMm3());
    std::vector<std::size_t> best;
    double before = 0;
    for (int threshold = -985; threshold <= -820; threshold += 5) {
        const std::vector<std::size_t> region = grow(grid, seeds, [&](std::size_t n) { return body[n] && hu[n] < threshold; }, most);
        const double volume = double(region.size()) * grid.voxelMm3();
        // Bronchi come in steps of some mL; a leak brings the lung.
        const bool leaked = before > 4000 && volume > 1.35 * before + 14000;
        if (leaked || region.size() > most) {
            break;
        }
        throwIfStopped(grid.stop);
        report(progress, 0.6 + 0.3 * (threshold + 985) / 165.0, "airways");
        best = region;
        before = std::max(before, volume);
    }
    std::uint8_t* out = airways->GetBufferPointer();
    for (const std::size_t voxel : best) {
        out[voxel] = 1;
    }
    // Out to the wall: half way between gas and soft tissue, a little more because the wall is thin. The trachea's own slices are known in full.
    for (const std::size_t voxel : seeds) {
        out[voxel] = 1;
    }
    constexpr int kWallHu = -420;
    const float reach = float(*std::max_element(grid.spacingMm.begin(), grid.spacingMm.end())) * 1.05F;
    const Distances::Pointer distance = distanceTo(airways, grid, reach);
    const float* d = distance->GetBufferPointer();
    // What lies mostly in lung is lung.
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        if (!out[n] && body[n] && d[n] <= reach && hu[n] < kWallHu) {
            int lungLike = 0;
            forFaceNeighbours(grid, n, [&](std::size_t m) { lungLike += d[m] > 0 && hu[m] < -600 && hu[m] > -960; });
            out[n] = lungLike <= 3;
        }
    }
    return airways;
}

} // namespace hf::experts::classical
