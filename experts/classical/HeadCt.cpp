#include "experts/classical/HeadCt.h"

#include "experts/classical/Finish.h"
#include "experts/engine/Cards.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>

namespace hf::experts {

using namespace classical;

namespace {

constexpr LabelId kBrain = 1, kVentricles = 2;
constexpr int kBoneHu = 200;
constexpr int kFluidHu = 18;        ///< Half way between cerebrospinal fluid and white matter.

/// What lies within the skull: enclosed by bone in axial slices, where the openings of the base are bridged; the largest part.
Mask::Pointer findInside(const WorkGrid& grid)
{
    const std::int16_t* hu = grid.values();
    const Mask::Pointer bone = maskWhere(grid, [&](std::size_t n) { return hu[n] > kBoneHu; });
    const Mask::Pointer shell = closed(bone, 8, grid);
    Mask::Pointer filled = maskWhere(grid, [&, s = shell->GetBufferPointer()](std::size_t n) { return s[n]; });
    fillSlices(filled, grid, grid.axial, [](const Region&) { return true; });
    const std::uint8_t* f = filled->GetBufferPointer();
    const Mask::Pointer soft = maskWhere(grid, [&](std::size_t n) { return f[n] && hu[n] > -25 && hu[n] < 110; });
    // Orbits and the soft tissue of the face hang on through narrow openings.
    const double neck = std::max(5.0, 1.3 * grid.coarsestMm());
    const Mask::Pointer core = eroded(soft, neck, grid);
    const Components parts = components(core, grid);
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    const Mask::Pointer grown = dilated(maskWhere(grid, [&](std::size_t n) { return label[n] == 1; }), neck + 1, grid);
    const std::uint8_t* g = grown->GetBufferPointer();
    const std::uint8_t* s = soft->GetBufferPointer();
    return maskWhere(grid, [&](std::size_t n) { return g[n] && s[n]; });
}

/// Fluid deep within: parts of it that come near the middle; the fluid around the brain does not.
Mask::Pointer findVentricles(const WorkGrid& grid, const WorkGrid& calm, const Mask* inside)
{
    constexpr double kDeepMm = 22, kRimMm = 12;
    const std::uint8_t* i = inside->GetBufferPointer();
    // Dark specks of the fluid must not count as outside.
    const Mask::Pointer filled = closed(inside, 6, grid);
    const std::uint8_t* full = filled->GetBufferPointer();
    const Distances::Pointer depth = distanceTo(maskWhere(grid, [&](std::size_t n) { return !full[n]; }), grid);
    const float* d = depth->GetBufferPointer();
    const Mask::Pointer fluid = maskWhere(grid, [&](std::size_t n) { return i[n] && calm.values()[n] < kFluidHu && d[n] > kRimMm; });
    const Components parts = components(fluid, grid);
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    std::vector<bool> isDeep(parts.sizes.size());
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        isDeep[label[n]] = isDeep[label[n]] || d[n] > kDeepMm;
    }
    const double least = 300 / grid.voxelMm3();
    return maskWhere(grid, [&](std::size_t n) { return label[n] && isDeep[label[n]] && double(parts.sizes[label[n]]) >= least; });
}

class HeadCt final : public Expert {
public:
    HeadCt() : m_card(headCtCard()) {}
    const ExpertCard& card() const override { return m_card; }

    std::optional<Refusal> check(const ExpertRequest& request) const override
    {
        const std::string& part = request.volume.info().bodyPart;
        if (!m_card.isFor(part)) {
            return Refusal{"body-part", m_card.name + " is made for the head; this series shows " + part};
        }
        return refuseUnlessCt(m_card, request.volume);
    }

    ExpertResult run(const ExpertRequest& request, const Progress& progress, std::stop_token stop) override
    {
        report(progress, 0, "preparing");
        const WorkGrid grid = makeWorkGrid(request.volume, 2.0, stop), calm = smoothed(grid);
        report(progress, 0.15, "skull");
        const Mask::Pointer inside = findInside(grid);
        constexpr double kLeastMl = 400, kMostMl = 2500;
        if (const double volume = millilitresOf(inside, grid); volume < kLeastMl || volume > kMostMl) {
            throw Error(m_card.name + " found no brain within a whole skull in this scan", "not-found");
        }
        report(progress, 0.6, "ventricles");
        const Mask::Pointer ventricles = findVentricles(grid, calm, inside);
        report(progress, 0.85, "borders");
        std::vector<LabelId> voxels(request.volume.geometry().size().voxels());
        // The painted border reaches half a block into the mix with bone: left to the density there.
        paint(request.volume, grid, ventricles, -40, kFluidHu + 14, kVentricles, voxels);
        paint(request.volume, grid, inside, -60, 110, kBrain, voxels);
        report(progress, 1, "done");
        return {maskOf(m_card, request, std::move(voxels), {{kBrain, "brain", {230, 190, 170}, "12738006", "Brain"}, {kVentricles, "ventricles", {80, 140, 240}, "35764002", "Brain ventricle"}}), {}};
    }

private:
    ExpertCard m_card;
};

} // namespace

std::unique_ptr<Expert> makeHeadCt() { return std::make_unique<HeadCt>(); }

} // namespace hf::experts
