#include "experts/classical/ClassicalCt.h"

#include "experts/classical/Finish.h"
#include "experts/classical/Steps.h"
#include "experts/engine/Cards.h"
#include "experts/runtime/Sha256.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

namespace hf::experts {

using namespace classical;

namespace {

constexpr LabelId id(ClassicalLabel label) { return LabelId(label); }

struct LabelText { ClassicalLabel label; const char* name; Rgb8 color; const char* code; const char* meaning; };
// SNOMED CT codes of DICOM PS3.16 CID 7151 and related.
constexpr LabelText kLabels[] = {
    {ClassicalLabel::LeftLung, "left lung", {86, 156, 230}, "44029006", "Left lung"},
    {ClassicalLabel::RightLung, "right lung", {88, 200, 220}, "3341006", "Right lung"},
    {ClassicalLabel::Airways, "airways", {170, 120, 240}, "361380005", "Trachea and bronchus"},
    {ClassicalLabel::Bones, "bones", {241, 214, 145}, "272673000", "Bone"},
    {ClassicalLabel::Body, "body", {177, 122, 101}, "38266002", "Entire body"},
    {ClassicalLabel::SubcutaneousFat, "subcutaneous fat", {240, 200, 70}, "67769006", "Subcutaneous fatty tissue"},
    {ClassicalLabel::VisceralFat, "visceral fat", {230, 150, 50}, "725274000", "Visceral adipose tissue"},
    {ClassicalLabel::Muscle, "muscle and soft tissue", {204, 92, 92}, "87784001", "Soft tissue"}};

std::set<ClassicalLabel> wanted(const std::string& argument)
{
    using enum ClassicalLabel;
    if (argument == "lungs") return {LeftLung, RightLung};
    if (argument == "airways") return {Airways};
    if (argument == "bones") return {Bones};
    if (argument == "body") return {Body};
    if (argument == "fat") return {SubcutaneousFat, VisceralFat};
    if (argument == "muscles") return {Muscle};
    return {LeftLung, RightLung, Airways, Bones, SubcutaneousFat, VisceralFat, Muscle};
}

constexpr int kFatHu = -24;         ///< Half way between fat and muscle.
constexpr int kGasMixHu = -130;     ///< Darker than fat: mixed with gas.
constexpr int kSkinMixHu = -190;    ///< The skin with air outside.
constexpr int kGasHu = -500;        ///< Half way between gas and soft tissue.

/// Blocks that mix gas with a tissue look like none: they get the tissue that most of their neighbours are. At the surface they are skin,
/// or fat where there is little air in them.
void settleGasMixtures(const WorkGrid& grid, std::vector<LabelId>& labels)
{
    const std::int16_t* hu = grid.values();
    const std::vector<LabelId> before = labels;
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        if (before[n] != id(ClassicalLabel::Muscle) || hu[n] > kGasMixHu) {
            continue;
        }
        std::array<int, 16> votes{};
        bool atSurface = false;
        forNeighbours(grid, n, [&](std::size_t other, bool) {
            atSurface = atSurface || before[other] == 0;
            votes[before[other]] += hu[other] > kGasMixHu;
        });
        const int subcutaneous = votes[id(ClassicalLabel::SubcutaneousFat)], visceral = votes[id(ClassicalLabel::VisceralFat)];
        if (atSurface ? hu[n] > kSkinMixHu : subcutaneous + visceral > votes[id(ClassicalLabel::Muscle)]) {
            labels[n] = id(atSurface || subcutaneous > visceral ? ClassicalLabel::SubcutaneousFat : ClassicalLabel::VisceralFat);
        }
    }
}

/// What stands by itself; the tissues are what is left.
struct Regions {
    Mask::Pointer body, airways;
    Lungs lungs;
};

Regions findRegions(const WorkGrid& grid, const Progress& progress)
{
    Regions found;
    found.body = findBody(grid, subProgress(progress, 0.05, 0.2));
    found.airways = findAirways(grid, found.body, subProgress(progress, 0.2, 0.3));
    found.lungs = findLungs(grid, found.body, found.airways, subProgress(progress, 0.3, 0.45));
    return found;
}

/// Lungs, airways, and body for all the rest.
std::vector<LabelId> classify(const WorkGrid& grid, const Regions& regions)
{
    std::vector<LabelId> labels(grid.voxels());
    const auto set = [&](const Mask* mask, ClassicalLabel label) {
        const std::uint8_t* m = mask->GetBufferPointer();
        std::transform(m, m + grid.voxels(), labels.begin(), labels.begin(), [&](std::uint8_t isSet, LabelId before) { return isSet ? id(label) : before; });
    };
    set(regions.body, ClassicalLabel::Body);
    for (const auto& [mask, label] : {std::pair{&regions.lungs.right, ClassicalLabel::RightLung}, {&regions.lungs.left, ClassicalLabel::LeftLung}, {&regions.airways, ClassicalLabel::Airways}}) {
        set(*mask, label);
    }
    return labels;
}

/// Every tissue class of a block.
std::vector<LabelId> classifyTissues(const WorkGrid& grid, const Regions& regions, const Progress& progress)
{
    const Mask::Pointer bones = findBones(grid, regions.body, subProgress(progress, 0.45, 0.75));
    const Mask::Pointer inside = findInside(grid, regions.body, bones, regions.lungs, subProgress(progress, 0.75, 0.85));
    report(progress, 0.85, "borders");
    const std::uint8_t* b = regions.body->GetBufferPointer();
    const std::uint8_t* a = regions.airways->GetBufferPointer();
    const std::uint8_t* l = regions.lungs.left->GetBufferPointer();
    const std::uint8_t* r = regions.lungs.right->GetBufferPointer();
    const std::uint8_t* o = bones->GetBufferPointer();
    const std::uint8_t* i = inside->GetBufferPointer();
    const std::int16_t* hu = grid.values();
    // Gas that is no lung: bowel, stomach. Its edge mixes with soft tissue.
    const Mask::Pointer gasCore = maskWhere(grid, [&](std::size_t n) { return b[n] && !a[n] && !l[n] && !r[n] && hu[n] < -600; });
    const std::uint8_t* g = gasCore->GetBufferPointer();
    std::vector<LabelId> labels(grid.voxels());
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        ClassicalLabel label{};
        if (!b[n]) continue;
        if (a[n]) label = ClassicalLabel::Airways;
        else if (l[n]) label = ClassicalLabel::LeftLung;
        else if (r[n]) label = ClassicalLabel::RightLung;
        else if (o[n]) label = ClassicalLabel::Bones;
        else if (g[n] || hu[n] < kGasHu) label = ClassicalLabel::Body;     // gas: of the body, of no tissue
        else if (hu[n] < kFatHu && hu[n] > kGasMixHu) label = i[n] ? ClassicalLabel::VisceralFat : ClassicalLabel::SubcutaneousFat;
        else label = ClassicalLabel::Muscle;
        labels[n] = id(label);
    }
    report(progress, 0.88, "borders");
    settleGasMixtures(grid, labels);
    return labels;
}

/// What a block of this label looks like; decides at borders.
double typicalHu(LabelId label)
{
    switch (ClassicalLabel(label)) {
    case ClassicalLabel::LeftLung:
    case ClassicalLabel::RightLung: return -840;
    case ClassicalLabel::Airways: return -990;
    case ClassicalLabel::Bones: return 320;
    case ClassicalLabel::Body: return -980;
    case ClassicalLabel::SubcutaneousFat:
    case ClassicalLabel::VisceralFat: return -103;
    case ClassicalLabel::Muscle: return 48;
    }
    return -1000;
}

/// Labels of blocks to labels of voxels: inside a region all voxels are its own; at borders the density decides among the neighbours.
std::vector<LabelId> refine(const Volume& volume, const WorkGrid& grid, const std::vector<LabelId>& blocks, const Progress& progress)
{
    const Size3 size = volume.geometry().size();
    std::vector<LabelId> result(size.voxels());
    const bool isFine = grid.factor == std::array{1, 1, 1};
    if (isFine) {
        return blocks;
    }
    volume.visit([&](auto voxels) {
        for (int k = 0; k < size.k; ++k) {
            throwIfStopped(grid.stop);
            report(progress, double(k) / size.k, "borders");
            for (int j = 0; j < size.j; ++j) {
                for (int i = 0; i < size.i; ++i) {
                    // Voxels beyond the last whole block take the nearest one.
                    const std::array<int, 3> block{std::min(i / grid.factor[0], grid.size[0] - 1), std::min(j / grid.factor[1], grid.size[1] - 1), std::min(k / grid.factor[2], grid.size[2] - 1)};
                    const std::size_t at = std::size_t(block[0]) + std::size_t(block[1]) * grid.stride(1) + std::size_t(block[2]) * grid.stride(2);
                    const LabelId own = blocks[at];
                    LabelId best = own;
                    const std::array<int, 3> place{i, j, k};
                    bool border = false;
                    std::array<LabelId, 4> near{own, own, own, own};
                    for (std::size_t axis = 0; axis < 3; ++axis) {
                        // The neighbour on the voxel's own side of the block.
                        const bool upper = 2 * (place[axis] - block[axis] * grid.factor[axis]) + 1 > grid.factor[axis];
                        const int next = block[axis] + (upper ? 1 : -1);
                        if (grid.factor[axis] > 1 && next >= 0 && next < grid.size[axis]) {
                            near[axis + 1] = blocks[upper ? at + grid.stride(int(axis)) : at - grid.stride(int(axis))];
                            border = border || near[axis + 1] != own;
                        }
                    }
                    const std::size_t offset = volume.geometry().offset({i, j, k});
                    if (border) {
                        const double hu = double(voxels[offset]);
                        double bestDistance = 1e9;
                        for (const LabelId label : near) {
                            // The block's own label is kept when two fit alike.
                            const double distance = std::abs(hu - typicalHu(label)) + (label == own ? 0 : 12);
                            if (distance < bestDistance) {
                                bestDistance = distance;
                                best = label;
                            }
                        }
                    }
                    result[offset] = best;
                }
            }
        }
    });
    return result;
}

/// What lies beside bones in thick slices is soft tissue.
void trimThickSlices(const Volume& volume, std::stop_token stop, std::vector<LabelId>& voxels)
{
    const std::array<double, 3> spacing = volume.geometry().spacingMm();
    const auto [least, most] = std::minmax_element(spacing.begin(), spacing.end());
    if (*most < 4 || *most < 2 * *least) {
        return;
    }
    const WorkGrid grid = makeWorkGrid(volume, 0, stop);
    const Mask::Pointer bones = maskWhere(grid, [&](std::size_t n) { return voxels[n] == id(ClassicalLabel::Bones); });
    trimThickSlices(grid, bones);
    const std::uint8_t* b = bones->GetBufferPointer();
    for (std::size_t n = 0; n < voxels.size(); ++n) {
        if (voxels[n] == id(ClassicalLabel::Bones) && !b[n]) {
            voxels[n] = id(ClassicalLabel::Muscle);
        }
    }
}

class ClassicalCt final : public Expert {
public:
    ClassicalCt() : m_card(classicalCtCard()) {}
    const ExpertCard& card() const override { return m_card; }

    std::optional<Refusal> check(const ExpertRequest& request) const override
    {
        return refuseUnlessCt(m_card, request.volume);
    }

    ExpertResult run(const ExpertRequest& request, const Progress& progress, std::stop_token stop) override
    {
        const std::set<ClassicalLabel> labels = wanted(request.arguments);
        std::vector<LabelId> voxels = classesOf(request.volume, labels, progress, stop);
        const bool body = labels.contains(ClassicalLabel::Body);
        for (LabelId& voxel : voxels) {
            voxel = body ? (voxel ? id(ClassicalLabel::Body) : 0) : voxel && labels.contains(ClassicalLabel(voxel)) ? voxel : 0;
        }
        std::vector<Label> table;
        for (const LabelText& text : kLabels) {
            if (labels.contains(text.label)) {
                table.push_back({id(text.label), text.name, text.color, text.code, text.meaning});
            }
        }
        report(progress, 1, "done");
        return {maskOf(m_card, request, std::move(voxels), std::move(table)), {}};
    }

private:
    /// The classes of the scan, at least those that are asked for. What is found is kept: the next question about the same scan asks for other ones.
    std::vector<LabelId> classesOf(const Volume& volume, const std::set<ClassicalLabel>& asked, const Progress& progress, const std::stop_token& stop)
    {
        report(progress, 0, "preparing");
        constexpr double kTargetMm = 2.0;
        const auto* bytes = static_cast<const std::byte*>(volume.data());
        const std::string hash = runtime::sha256Of(std::span(bytes, volume.bytes()));
        if (m_known.hash != hash || m_known.geometry != volume.geometry()) {
            m_known = {volume.geometry(), hash, {}, {}};
        }
        if (!m_known.classes.empty()) {
            return m_known.classes;
        }
        const WorkGrid grid = makeWorkGrid(volume, kTargetMm, stop);
        if (!m_known.regions) {
            m_known.regions = findRegions(grid, progress);
        }
        // Where blocks are larger than voxels the tissues decide where a lung ends.
        const bool isFine = grid.factor == std::array{1, 1, 1};
        const auto isTissue = [](ClassicalLabel label) {
            using enum ClassicalLabel;
            return label != LeftLung && label != RightLung && label != Airways && label != Body;
        };
        if (isFine && std::none_of(asked.begin(), asked.end(), isTissue)) {
            return classify(grid, *m_known.regions);
        }
        std::vector<LabelId> classes = refine(volume, grid, classifyTissues(grid, *m_known.regions, progress), subProgress(progress, 0.9, 1));
        trimThickSlices(volume, stop, classes);
        m_known.classes = classes;
        return classes;
    }

    struct Known {
        Geometry geometry;
        std::string hash;       ///< SHA-256 of the voxels; empty before the first run.
        std::optional<Regions> regions;
        std::vector<LabelId> classes;   ///< Of all tissues; empty until one was asked for.
    };

    ExpertCard m_card;
    Known m_known;
};

} // namespace

std::unique_ptr<Expert> makeClassicalCt() { return std::make_unique<ClassicalCt>(); }

} // namespace hf::experts
