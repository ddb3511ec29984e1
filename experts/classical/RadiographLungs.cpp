#include "experts/classical/RadiographLungs.h"

#include "experts/classical/Finish.h"
#include "experts/engine/Cards.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>

namespace hf::experts {

using namespace classical;

namespace {

constexpr LabelId kOnLeft = 1, kOnRight = 2;
constexpr int kWidth = 192;             ///< Blocks across the picture.
constexpr double kChestMm = 400;        ///< A picture is taken to be so wide: radii below are shares of it.
constexpr int kBlack = -1000, kWhite = 1000;

/// The picture as a reader sees it, on blocks, black and white at its percentiles: a grid of one slice.
WorkGrid blocksOf(const Volume& volume, const std::stop_token& stop)
{
    const Size3 size = volume.geometry().size();
    WorkGrid grid;
    grid.stop = stop;
    const int factor = std::max(1, size.i / kWidth);
    grid.factor = {factor, factor, 1};
    grid.size = {size.i / factor, size.j / factor, 1};
    grid.spacingMm = {kChestMm / grid.size[0], kChestMm / grid.size[0], 1};
    grid.hu = HuImage::New();
    HuImage::SizeType sizes;
    for (unsigned axis = 0; axis < 3; ++axis) {
        sizes[axis] = itk::SizeValueType(grid.size[axis]);
    }
    grid.hu->SetRegions(sizes);
    grid.hu->SetSpacing(grid.spacingMm.data());
    grid.hu->Allocate();
    const VolumeInfo& info = volume.info();
    const auto isPadding = [&](double value) { return info.padding && value >= (*info.padding)[0] && value <= (*info.padding)[1]; };
    std::vector<double> means(grid.voxels());
    volume.visit([&](auto values) {
        for (std::size_t n = 0; n < means.size(); ++n) {
            const int x = int(n % std::size_t(grid.size[0])) * factor, y = int(n / std::size_t(grid.size[0])) * factor;
            double sum = 0;
            int count = 0;
            for (int j = y; j < y + factor; ++j) {
                for (int i = x; i < x + factor; ++i) {
                    const double value = double(values[std::size_t(j) * std::size_t(size.i) + std::size_t(i)]);
                    if (!isPadding(value)) {
                        sum += info.isInverted ? -value : value;
                        ++count;
                    }
                }
            }
            means[n] = count ? sum / count : std::nan("");
        }
    });
    std::vector<double> sorted;
    std::copy_if(means.begin(), means.end(), std::back_inserter(sorted), [](double value) { return !std::isnan(value); });
    if (sorted.empty()) {
        throw Error("there is nothing but padding in this picture", "too-small");
    }
    std::sort(sorted.begin(), sorted.end());
    const double black = sorted[sorted.size() / 50], white = sorted[sorted.size() - 1 - sorted.size() / 50];
    for (std::size_t n = 0; n < means.size(); ++n) {
        const double share = std::isnan(means[n]) ? 0 : std::clamp((means[n] - black) / std::max(1e-9, white - black), 0.0, 1.0);
        grid.hu->GetBufferPointer()[n] = std::int16_t(std::lround(kBlack + share * (kWhite - kBlack)));
    }
    return grid;
}

/// Each block minus the mean around it, so that exposure that falls off to a side does not matter.
std::vector<float> contrastAround(const WorkGrid& grid, double reachMm)
{
    const int radius = std::max(1, int(reachMm / grid.spacingMm[0]));
    std::vector<float> sum(grid.values(), grid.values() + grid.voxels()), count(grid.voxels(), 1.F);
    sumInBox(grid, sum, {radius, radius, 0});
    sumInBox(grid, count, {radius, radius, 0});
    for (std::size_t n = 0; n < sum.size(); ++n) {
        sum[n] = float(grid.values()[n]) - sum[n] / count[n];
    }
    return sum;
}

struct Field {
    std::size_t voxels = 0;
    double x = 0, y = 0;        ///< Centroid, shares of the picture.
    bool touchesBorder = false;
};

std::vector<Field> fieldsOf(const WorkGrid& grid, const Components& parts)
{
    std::vector<Field> fields(parts.sizes.size());
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        Field& field = fields[label[n]];
        const int x = grid.indexAlong(n, 0), y = grid.indexAlong(n, 1);
        ++field.voxels;
        field.x += double(x) / grid.size[0];
        field.y += double(y) / grid.size[1];
        field.touchesBorder = field.touchesBorder || x == 0 || x + 1 == grid.size[0] || y == 0 || y + 1 == grid.size[1];
    }
    for (Field& field : fields) {
        field.x /= std::max<std::size_t>(1, field.voxels);
        field.y /= std::max<std::size_t>(1, field.voxels);
    }
    return fields;
}

/// The largest credible field of one half of the picture; 0 when there is none.
std::uint32_t fieldOfHalf(const WorkGrid& grid, const std::vector<Field>& fields, bool isLeftHalf)
{
    std::uint32_t best = 0;
    for (std::uint32_t n = 1; n < fields.size(); ++n) {
        const Field& field = fields[n];
        const double x = isLeftHalf ? field.x : 1 - field.x, share = double(field.voxels) / double(grid.voxels());
        const bool isCredible = !field.touchesBorder && x > 0.12 && x < 0.48 && field.y > 0.2 && field.y < 0.75 && share > 0.025 && share < 0.35;
        if (isCredible && (best == 0 || field.voxels > fields[best].voxels)) {
            best = n;
        }
    }
    return best;
}

/// Two fields, one a half, from the darkest threshold on which they are found; larger ones of a later threshold win while they stay credible.
struct Pair { Mask::Pointer left, right; std::size_t voxels = 0; };

Pair fieldsAt(const WorkGrid& grid, const std::vector<float>& contrast, float threshold)
{
    const Mask::Pointer dark = maskWhere(grid, [&](std::size_t n) { return contrast[n] < threshold; });
    constexpr double kNeckMm = 5;
    const Mask::Pointer core = eroded(dark, kNeckMm, grid);
    const Components parts = components(core, grid);
    const std::vector<Field> fields = fieldsOf(grid, parts);
    const std::uint32_t left = fieldOfHalf(grid, fields, true), right = fieldOfHalf(grid, fields, false);
    if (!left || !right || 4 * std::min(fields[left].voxels, fields[right].voxels) < std::max(fields[left].voxels, fields[right].voxels)) {
        return {};
    }
    const std::uint32_t* label = parts.labels->GetBufferPointer();
    const auto whole = [&](std::uint32_t part) {
        const Mask::Pointer grown = dilated(maskWhere(grid, [&](std::size_t n) { return label[n] == part; }), kNeckMm + 1, grid);
        const std::uint8_t* g = grown->GetBufferPointer();
        const std::uint8_t* d = dark->GetBufferPointer();
        // Ribs and vessels are bridged.
        const Mask::Pointer field = closed(maskWhere(grid, [&](std::size_t n) { return g[n] && d[n]; }), 14, grid);
        fillSlices(field, grid, 2, [](const Region&) { return true; });
        return field;
    };
    return {whole(left), whole(right), fields[left].voxels + fields[right].voxels};
}

class RadiographLungs final : public Expert {
public:
    RadiographLungs() : m_card(radiographLungsCard()) {}
    const ExpertCard& card() const override { return m_card; }

    std::optional<Refusal> check(const ExpertRequest& request) const override
    {
        const VolumeInfo& info = request.volume.info();
        const auto& takes = m_card.dicomModalities;
        if (std::find(takes.begin(), takes.end(), info.modality) == takes.end() || request.volume.isColor()) {
            return Refusal{"modality", m_card.name + " works on chest radiographs, this is " + (info.modality.empty() ? "of unknown modality" : info.modality)};
        }
        if (!m_card.isFor(info.bodyPart)) {
            return Refusal{"body-part", m_card.name + " is made for the chest; this series shows " + info.bodyPart};
        }
        const Size3 size = request.volume.geometry().size();
        constexpr int kLeast = 128;
        if (size.k != 1 || size.i < kLeast || size.j < kLeast) {
            return Refusal{size.k != 1 ? "slices" : "too-small", m_card.name + " takes one picture of at least 128 x 128 pixels"};
        }
        return {};
    }

    ExpertResult run(const ExpertRequest& request, const Progress& progress, std::stop_token stop) override
    {
        report(progress, 0, "preparing");
        const WorkGrid grid = blocksOf(request.volume, stop);
        const std::vector<float> contrast = contrastAround(grid, 90);
        Pair best;
        constexpr int kSteps = 9;
        for (int n = 0; n < kSteps; ++n) {
            throwIfStopped(stop);
            report(progress, 0.1 + 0.7 * n / kSteps, "lung fields");
            Pair pair = fieldsAt(grid, contrast, float(-300 + 50 * n));
            best = pair.voxels > best.voxels ? std::move(pair) : std::move(best);
        }
        if (best.voxels == 0) {
            throw Error("no two lung fields stand out in this picture: it may be no frontal chest radiograph, or a lung may be opaque", "not-found");
        }
        report(progress, 0.9, "borders");
        std::vector<LabelId> voxels(request.volume.geometry().size().voxels());
        // Which side of the patient it is the picture alone does not say.
        fill(grid, request.volume, best.left, kOnLeft, voxels);
        fill(grid, request.volume, best.right, kOnRight, voxels);
        report(progress, 1, "done");
        return {maskOf(m_card, request, std::move(voxels), {{kOnLeft, "lung field on the left of the picture", {88, 200, 220}, "39607008", "Lung"},
            {kOnRight, "lung field on the right of the picture", {86, 156, 230}, "39607008", "Lung"}}), {}};
    }

private:
    /// Blocks to pixels, bilinear at the edge so that it is smooth.
    static void fill(const WorkGrid& grid, const Volume& volume, const Mask* mask, LabelId label, std::vector<LabelId>& voxels)
    {
        const Size3 size = volume.geometry().size();
        const std::uint8_t* m = mask->GetBufferPointer();
        const auto at = [&](int x, int y) { return double(m[std::size_t(std::clamp(y, 0, grid.size[1] - 1)) * std::size_t(grid.size[0]) + std::size_t(std::clamp(x, 0, grid.size[0] - 1))]); };
        for (int j = 0; j < size.j; ++j) {
            const double y = (j + 0.5) / grid.factor[1] - 0.5;
            const int y0 = int(std::floor(y));
            for (int i = 0; i < size.i; ++i) {
                const double x = (i + 0.5) / grid.factor[0] - 0.5;
                const int x0 = int(std::floor(x));
                const double u = x - x0, v = y - y0;
                const double inside = (1 - v) * ((1 - u) * at(x0, y0) + u * at(x0 + 1, y0)) + v * ((1 - u) * at(x0, y0 + 1) + u * at(x0 + 1, y0 + 1));
                LabelId& voxel = voxels[std::size_t(j) * std::size_t(size.i) + std::size_t(i)];
                voxel = inside > 0.5 ? label : voxel;
            }
        }
    }

    ExpertCard m_card;
};

} // namespace

std::unique_ptr<Expert> makeRadiographLungs() { return std::make_unique<RadiographLungs>(); }

} // namespace hf::experts
