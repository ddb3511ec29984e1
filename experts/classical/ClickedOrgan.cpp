#include "experts/classical/ClickedOrgan.h"

#include "experts/classical/Finish.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>

namespace hf::experts {

using namespace classical;

namespace {

struct Organ {
    const char* name;
    LabelId value;
    Rgb8 color;
    const char* code;
    const char* meaning;
    double mostMl;      ///< More than such an organ usually holds: what is larger has leaked.
};
constexpr Organ kOrgans[] = {{"structure", 1, {255, 140, 0}, "", "", 3000}, {"liver", 2, {170, 80, 60}, "10200004", "Liver", 3000}, {"spleen", 3, {150, 70, 160}, "78961009", "Spleen", 1500},
    {"kidney", 4, {200, 120, 40}, "64033007", "Kidney", 400}};

const Organ& organOf(const std::string& argument)
{
    const auto* found = std::find_if(std::begin(kOrgans), std::end(kOrgans), [&](const Organ& organ) { return argument == organ.name; });
    return found == std::end(kOrgans) ? kOrgans[0] : *found;
}

/// Mean and standard deviation of the blocks within some millimetres of the inside clicks.
struct Density { double mean = 0, sd = 0; };

Density densityAt(const WorkGrid& grid, const std::vector<std::size_t>& seeds)
{
    constexpr double kReachMm = 6;
    const Mask::Pointer marks = makeMask(grid);
    for (const std::size_t seed : seeds) {
        marks->GetBufferPointer()[seed] = 1;
    }
    const Mask::Pointer around = dilated(marks, kReachMm, grid);
    std::vector<double> values;
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        if (around->GetBufferPointer()[n]) {
            values.push_back(grid.values()[n]);
        }
    }
    // Without the tails: a click near the edge must not widen the band.
    std::sort(values.begin(), values.end());
    const std::vector<double> middle(values.begin() + std::ptrdiff_t(values.size() / 5), values.end() - std::ptrdiff_t(values.size() / 5));
    Density density;
    for (const double value : middle) {
        density.mean += value / double(middle.size());
    }
    for (const double value : middle) {
        density.sd += (value - density.mean) * (value - density.mean) / double(middle.size());
    }
    density.sd = std::sqrt(density.sd);
    return density;
}

/// Parts of an eroded mask that hold a seed, grown back within the mask. Empty when no seed is left in it, or a seed of the outside is.
Mask::Pointer partAround(const WorkGrid& grid, const Mask* band, double radiusMm, const std::vector<std::size_t>& inside, const std::vector<std::size_t>& outside)
{
    const Mask::Pointer core = eroded(band, radiusMm, grid);
    const Components parts = components(core, grid);
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    std::vector<bool> kept(parts.sizes.size());
    const auto labelNear = [&](std::size_t seed) {
        std::uint32_t found = label[seed];
        // A click at the edge of the core: the core is at most its radius away.
        for (int step = 1; !found && double(step) * grid.spacingMm[0] <= radiusMm + 2; ++step) {
            for (int axis = 0; axis < 3 && !found; ++axis) {
                const int at = grid.indexAlong(seed, axis);
                found = at >= step ? label[seed - std::size_t(step) * grid.stride(axis)] : 0;
                found = !found && at + step < grid.size[std::size_t(axis)] ? label[seed + std::size_t(step) * grid.stride(axis)] : found;
            }
        }
        return found;
    };
    for (const std::size_t seed : inside) {
        kept[labelNear(seed)] = true;
    }
    kept[0] = false;
    const bool isClean = std::none_of(outside.begin(), outside.end(), [&](std::size_t seed) { return kept[label[seed]]; });
    if (!isClean || std::none_of(kept.begin(), kept.end(), [](bool one) { return one; })) {
        return nullptr;
    }
    const Mask::Pointer chosen = maskWhere(grid, [&](std::size_t n) { return kept[label[n]]; });
    const Mask::Pointer grown = dilated(chosen, radiusMm + 0.5, grid);
    const std::uint8_t* g = grown->GetBufferPointer();
    const std::uint8_t* b = band->GetBufferPointer();
    return maskWhere(grid, [&](std::size_t n) { return g[n] && b[n]; });
}

/// Largest distance to the border of the band within about a centimetre of the clicks: of the thinnest place that was clicked.
double thicknessAt(const WorkGrid& grid, const Distances* toBorder, const std::vector<std::size_t>& seeds)
{
    constexpr double kReachMm = 12;
    double thinnest = 1e9;
    for (const std::size_t seed : seeds) {
        double deepest = 0;
        std::array<int, 3> reach{};
        for (std::size_t axis = 0; axis < 3; ++axis) {
            reach[axis] = int(kReachMm / grid.spacingMm[axis]);
        }
        for (int k = -reach[2]; k <= reach[2]; ++k) {
            for (int j = -reach[1]; j <= reach[1]; ++j) {
                for (int i = -reach[0]; i <= reach[0]; ++i) {
                    const std::array<int, 3> at{grid.indexAlong(seed, 0) + i, grid.indexAlong(seed, 1) + j, grid.indexAlong(seed, 2) + k};
                    if (at[0] >= 0 && at[1] >= 0 && at[2] >= 0 && at[0] < grid.size[0] && at[1] < grid.size[1] && at[2] < grid.size[2]) {
                        deepest = std::max(deepest, double(toBorder->GetBufferPointer()[std::size_t(at[0]) + std::size_t(at[1]) * grid.stride(1) + std::size_t(at[2]) * grid.stride(2)]));
                    }
                }
            }
        }
        thinnest = std::min(thinnest, deepest);
    }
    return thinnest;
}

class ClickedOrgan final : public Expert {
public:
    ClickedOrgan()
    {
        m_card.name = "CTCLICK";
        m_card.modality = "CT";
        m_card.dicomModalities = {"CT"};
        m_card.task = "segmentation";
        m_card.overview = "an organ of even density around the places that were clicked";
        m_card.accuracy = "On one scan without contrast, one click deep in the organ: Dice 0.87 to 0.91 for the liver, 0.78 to 0.82 for the spleen, 0.44 to 0.81 for the kidneys, by the place. Thin lobes are cut, and it leaks "
                          "where a neighbour of the same density is broadly attached; places outside stop that. Lesions of another density are left out";
        for (const Organ& organ : kOrgans) {
            m_card.readerArguments.push_back(organ.name);
        }
        m_card.defaultArgument = "structure";
        m_card.version = "1.0";
        m_card.licence = "Apache-2.0";
        m_card.takesClicks = true;
        m_card.isToldToModel = false;
    }
    const ExpertCard& card() const override { return m_card; }

    std::optional<Refusal> check(const ExpertRequest& request) const override
    {
        if (auto refusal = refuseUnlessCt(m_card, request.volume)) {
            return refusal;
        }
        if (std::none_of(request.clicks.begin(), request.clicks.end(), [](const Click& click) { return click.isInside; })) {
            return Refusal{"clicks", m_card.name + " needs a place inside the organ: put the crosshair there and mark it."};
        }
        if (!std::all_of(request.clicks.begin(), request.clicks.end(), [&](const Click& click) { return request.volume.valueAt(click.place).has_value(); })) {
            return Refusal{"clicks", "a marked place lies outside the series."};
        }
        return {};
    }

    ExpertResult run(const ExpertRequest& request, const Progress& progress, std::stop_token stop) override
    {
        report(progress, 0, "preparing");
        const Organ& organ = organOf(request.arguments);
        const WorkGrid grid = smoothed(makeWorkGrid(request.volume, 2.0, stop));
        std::vector<std::size_t> inside, outside;
        for (const Click& click : request.clicks) {
            (click.isInside ? inside : outside).push_back(*blockAt(request.volume, grid, click.place));
        }
        report(progress, 0.2, "density");
        const Density density = densityAt(grid, inside);
        constexpr double kLeastReachHu = 20;
        const double reach = std::max(kLeastReachHu, 2.5 * density.sd);
        const Mask::Pointer band = closed(maskWhere(grid, [&](std::size_t n) { return std::abs(grid.values()[n] - density.mean) <= reach; }), 3, grid);
        report(progress, 0.4, "shape");
        const Mask::Pointer found = separated(grid, band, inside, outside, organ, subProgress(progress, 0.4, 0.8));
        report(progress, 0.85, "borders");
        std::vector<LabelId> voxels(request.volume.geometry().size().voxels());
        // Single voxels are noisier than the means of 27 blocks.
        const double noise = 3 * reach;
        paint(request.volume, grid, closed(found, 3, grid), density.mean - noise, density.mean + noise, organ.value, voxels);
        report(progress, 1, "done");
        return {maskOf(m_card, request, std::move(voxels), {{organ.value, organ.name, organ.color, organ.code, organ.meaning}}), {}};
    }

private:
    /// The narrowest erosion, as shares of the organ's thickness at the clicks, that parts it from the places outside and keeps its volume credible.
    Mask::Pointer separated(const WorkGrid& grid, const Mask* band, const std::vector<std::size_t>& inside, const std::vector<std::size_t>& outside, const Organ& organ, const Progress& progress) const
    {
        const Distances::Pointer toBorder = distanceTo(maskWhere(grid, [b = band->GetBufferPointer()](std::size_t n) { return !b[n]; }), grid);
        constexpr double kShares[] = {0.25, 0.35, 0.5, 0.65, 0.8};
        for (std::size_t n = 0; n < std::size(kShares); ++n) {
            report(progress, double(n) / double(std::size(kShares)), "shape");
            const Mask::Pointer part = partAround(grid, band, kShares[n] * thicknessAt(grid, toBorder, inside), inside, outside);
            if (part && double(countSet(part, grid)) * grid.voxelMm3() / 1000 <= organ.mostMl) {
                return part;
            }
        }
        throw Error(m_card.name + " cannot part this from its surroundings: mark more places inside, in the middle of the organ, and places outside where it leaked", "clicks");
    }

    ExpertCard m_card;
};

} // namespace

std::unique_ptr<Expert> makeClickedOrgan() { return std::make_unique<ClickedOrgan>(); }

} // namespace hf::experts
