#include "experts/classical/Finish.h"

#include <algorithm>
#include <cmath>

namespace hf::experts::classical {

std::optional<Refusal> refuseUnlessCt(const ExpertCard& card, const Volume& volume)
{
    const VolumeInfo& info = volume.info();
    if (info.modality != "CT" || info.unit != Unit::Hu) {
        return Refusal{"modality", card.name + " works on CT in Hounsfield units, this is " + (info.modality.empty() ? "of unknown modality" : info.modality)};
    }
    const Size3 size = volume.geometry().size();
    if (size.i < 16 || size.j < 16 || size.k < 3) {
        return Refusal{"too-small", card.name + " needs a volume of at least 16 x 16 x 3 voxels"};
    }
    constexpr float kFatEdgeHu = -50;
    if (volume.range().minimum > kFatEdgeHu) {
        return Refusal{"units", card.name + " found neither air nor fat in this scan: its values are not in Hounsfield units, or they were cut off below"};
    }
    return std::nullopt;
}

LabelMap maskOf(const ExpertCard& card, const ExpertRequest& request, std::vector<LabelId> voxels, std::vector<Label> labels)
{
    return {request.volume.geometry(), std::move(voxels), std::move(labels), {card.name, card.version, {}, request.arguments, nowUtc(), request.volume.info().seriesUid}};
}

void paint(const Volume& volume, const WorkGrid& grid, const Mask* mask, double low, double high, LabelId label, std::vector<LabelId>& voxels)
{
    const Size3 size = volume.geometry().size();
    const bool isCoarse = grid.factor != std::array{1, 1, 1};
    const Mask::Pointer near = maskWhere(grid, [&, m = mask->GetBufferPointer()](std::size_t n) {
        bool set = m[n];
        if (isCoarse) {
            forFaceNeighbours(grid, n, [&](std::size_t other) { set = set || m[other]; });
        }
        return set;
    });
    const std::uint8_t* set = near->GetBufferPointer();
    volume.visit([&](auto values) {
        std::size_t offset = 0;
        for (int k = 0; k < size.k; ++k) {
            throwIfStopped(grid.stop);
            const std::size_t slice = std::size_t(std::min(k / grid.factor[2], grid.size[2] - 1)) * grid.stride(2);
            for (int j = 0; j < size.j; ++j) {
                const std::size_t row = slice + std::size_t(std::min(j / grid.factor[1], grid.size[1] - 1)) * grid.stride(1);
                for (int i = 0; i < size.i; ++i, ++offset) {
                    const std::size_t block = row + std::size_t(std::min(i / grid.factor[0], grid.size[0] - 1));
                    const double value = double(values[offset]);
                    if (voxels[offset] == 0 && set[block] && value >= low && value <= high) {
                        voxels[offset] = label;
                    }
                }
            }
        }
    });
}

std::optional<std::size_t> blockAt(const Volume& volume, const WorkGrid& grid, PointLps place)
{
    const ContinuousIndex index = volume.geometry().toIndex(place);
    const Index3 voxel{int(std::lround(index.i)), int(std::lround(index.j)), int(std::lround(index.k))};
    if (!volume.geometry().contains(voxel)) {
        return {};
    }
    return std::size_t(std::min(voxel.i / grid.factor[0], grid.size[0] - 1)) + std::size_t(std::min(voxel.j / grid.factor[1], grid.size[1] - 1)) * grid.stride(1) +
        std::size_t(std::min(voxel.k / grid.factor[2], grid.size[2] - 1)) * grid.stride(2);
}

} // namespace hf::experts::classical
