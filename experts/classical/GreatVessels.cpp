#include "experts/classical/GreatVessels.h"

#include "experts/classical/Finish.h"
#include "experts/classical/Steps.h"
#include "experts/engine/Cards.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>

namespace hf::experts {

using namespace classical;

namespace {

constexpr LabelId kVessels = 1, kWide = 2;

/// Middle of the body along left-right in each axial slice, in blocks; -1 where there is no body.
std::vector<double> midline(const WorkGrid& grid, const Mask* body)
{
    std::vector<double> sum(std::size_t(grid.size[std::size_t(grid.axial)])), count(sum.size());
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        if (body->GetBufferPointer()[n]) {
            const auto slice = std::size_t(grid.indexAlong(n, grid.axial));
            sum[slice] += grid.indexAlong(n, grid.sideways);
            ++count[slice];
        }
    }
    for (std::size_t slice = 0; slice < sum.size(); ++slice) {
        sum[slice] = count[slice] > 0 ? sum[slice] / count[slice] : -1;
    }
    return sum;
}

/// Cross-sections in axial slices whose middle lies near that of the trunk: those of kidneys, and of vessels of the arms, do not.
Mask::Pointer centralSections(const WorkGrid& grid, const Mask* mask, const Mask* body)
{
    constexpr double kNearMm = 45;
    const std::uint8_t* m = mask->GetBufferPointer();
    const std::vector<double> middle = midline(grid, body);
    const Mask::Pointer central = makeMask(grid);
    for (int slice = 0; slice < grid.size[std::size_t(grid.axial)]; ++slice) {
        for (const Region& region : regionsOfSlice(grid, grid.axial, slice, [&](std::size_t n) { return m[n] != 0; })) {
            double sum = 0;
            for (const std::size_t n : region.voxels) {
                sum += grid.indexAlong(n, grid.sideways);
            }
            const double off = std::abs(sum / double(region.voxels.size()) - middle[std::size_t(slice)]) * grid.spacingMm[std::size_t(grid.sideways)];
            for (const std::size_t n : region.voxels) {
                central->GetBufferPointer()[n] = off < kNearMm;
            }
        }
    }
    return central;
}

/// Parts that run along the middle of the trunk for some centimetres.
Mask::Pointer centralParts(const WorkGrid& grid, const Mask* mask, const Mask* body)
{
    constexpr double kLongMm = 30, kLeastMl = 3;
    const Mask::Pointer central = centralSections(grid, mask, body);
    const Components parts = components(central, grid);
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    std::vector<std::vector<bool>> slices(parts.sizes.size(), std::vector<bool>(std::size_t(grid.size[std::size_t(grid.axial)])));
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        slices[label[n]][std::size_t(grid.indexAlong(n, grid.axial))] = true;
    }
    std::vector<bool> kept(parts.sizes.size());
    for (std::size_t part = 1; part < parts.sizes.size(); ++part) {
        const double alongMm = double(std::count(slices[part].begin(), slices[part].end(), true)) * grid.spacingMm[std::size_t(grid.axial)];
        kept[part] = alongMm >= kLongMm && double(parts.sizes[part]) * grid.voxelMm3() / 1000 >= kLeastMl;
    }
    return maskWhere(grid, [&](std::size_t n) { return kept[label[n]]; });
}

class GreatVessels final : public Expert {
public:
    GreatVessels() : m_card(greatVesselsCard()) {}
    const ExpertCard& card() const override { return m_card; }
    std::optional<Refusal> check(const ExpertRequest& request) const override { return refuseUnlessCt(m_card, request.volume); }

    ExpertResult run(const ExpertRequest& request, const Progress& progress, std::stop_token stop) override
    {
        report(progress, 0, "preparing");
        const WorkGrid grid = makeWorkGrid(request.volume, 2.0, stop);
        const Mask::Pointer body = findBody(grid, subProgress(progress, 0.1, 0.3));
        report(progress, 0.3, "contrast medium");
        const Mask::Pointer contrast = findContrastMedium(grid, body);
        constexpr double kWideMm = 20;
        const Mask::Pointer core = eroded(contrast, kWideMm, grid);
        const Mask::Pointer wide = dilated(core, kWideMm + 1, grid);
        const std::uint8_t* c = contrast->GetBufferPointer();
        const std::uint8_t* w = wide->GetBufferPointer();
        report(progress, 0.6, "vessels");
        const Mask::Pointer vessels = centralParts(grid, maskWhere(grid, [&](std::size_t n) { return c[n] && !w[n]; }), body);
        const double millilitres = millilitresOf(vessels, grid);
        constexpr double kLeastMl = 5;
        if (millilitres < kLeastMl) {
            throw Error(m_card.name + " found no great vessel with contrast medium in this scan", "not-found");
        }
        const Mask::Pointer spaces = centralParts(grid, maskWhere(grid, [&](std::size_t n) { return c[n] && w[n]; }), body);
        report(progress, 0.85, "borders");
        std::vector<LabelId> voxels(request.volume.geometry().size().voxels());
        const double edge = edgeHu(grid, vessels);
        paint(request.volume, grid, vessels, edge, 3071, kVessels, voxels);
        paint(request.volume, grid, spaces, edge, 3071, kWide, voxels);
        report(progress, 1, "done");
        return {maskOf(m_card, request, std::move(voxels), {{kVessels, "great vessels", {220, 40, 40}, "59820001", "Blood vessel"}, {kWide, "wide spaces with contrast medium", {150, 60, 90}, "", ""}}), {}};
    }

private:
    /// Half way between the vessels and what surrounds them (soft tissue).
    static double edgeHu(const WorkGrid& grid, const Mask* vessels)
    {
        constexpr double kSoftHu = 45;
        std::vector<std::size_t> set;
        for (std::size_t n = 0; n < grid.voxels(); ++n) {
            if (vessels->GetBufferPointer()[n]) {
                set.push_back(n);
            }
        }
        return (medianHu(grid, set) + kSoftHu) / 2;
    }

    ExpertCard m_card;
};

} // namespace

std::unique_ptr<Expert> makeGreatVessels() { return std::make_unique<GreatVessels>(); }

} // namespace hf::experts
