#include "experts/classical/ClassicalCt.h"

#include "experts/classical/Finish.h"
#include "experts/classical/Steps.h"
#include "experts/engine/Cards.h"
#include "experts/runtime/Sha256.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>
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

/// Every tissue class of a block.
std::vector<LabelId> classify(const WorkGrid& grid, const Progress& progress)
{
    const Mask::Pointer body = findBody(grid, subProgress(progress, 0.05, 0.2));
    const Mask::Pointer airways = findAirways(grid, body, subProgress(progress, 0.2, 0.3));
    const Lungs lungs = findLungs(grid, body, airways, subProgress(progress, 0.3, 0.45));
    const Mask::Pointer bones = findBones(grid, body, subProgress(progress, 0.45, 0.75));
    const Mask::Pointer inside = findInside(grid, body, bones, lungs, subProgress(progress, 0.75, 0.85));
    report(progress, 0.85, "borders");
    const std::uint8_t* b = body->GetBufferPointer();
    const std::uint8_t* a = airways->GetBufferPointer();
    const std::uint8_t* l = lungs.left->GetBufferPointer();
    const std::uint8_t* r = lungs.right->GetBufferPointer();
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
        std::vector<LabelId> voxels = classesOf(request.volume, progress, stop);
        const std::set<ClassicalLabel> labels = wanted(request.arguments);
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
    /// Every class of the scan, kept: the next question about the same scan asks for other ones.
    const std::vector<LabelId>& classesOf(const Volume& volume, const Progress& progress, const std::stop_token& stop)
    {
        report(progress, 0, "preparing");
        constexpr double kTargetMm = 2.0;
        const auto* bytes = static_cast<const std::byte*>(volume.data());
        Known known{volume.geometry(), runtime::sha256Of(std::span(bytes, volume.bytes())), {}};
        if (m_known.hash == known.hash && m_known.geometry == known.geometry) {
            return m_known.classes;
        }
        const WorkGrid grid = makeWorkGrid(volume, kTargetMm, stop);
        const std::vector<LabelId> blocks = classify(grid, progress);
        known.classes = refine(volume, grid, blocks, subProgress(progress, 0.9, 1));
        trimThickSlices(volume, stop, known.classes);
        m_known = std::move(known);
        return m_known.classes;
    }

    struct Known {
        Geometry geometry;
        std::string hash;       ///< SHA-256 of the voxels; empty before the first run.
        std::vector<LabelId> classes;
    };

    ExpertCard m_card;
    Known m_known;
};

} // namespace

std::unique_ptr<Expert> makeClassicalCt() { return std::make_unique<ClassicalCt>(); }

} // namespace hf::experts
