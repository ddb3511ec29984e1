// Classical experts beside the main one: organs by click, great vessels, head CT, lung fields of radiographs. Phantoms with known truth; real scans where a
// reference exists, and where it does not, what must hold anyway.
#include "experts/classical/ClickedOrgan.h"
#include "experts/classical/GreatVessels.h"
#include "experts/classical/HeadCt.h"
#include "experts/classical/RadiographLungs.h"
#include "support/Check.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/imaging/VolumeFile.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/phantom/Random.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <set>

using namespace hf;
using phantom::CtLabel;
namespace fs = std::filesystem;

namespace {

const fs::path kData = HF_TEST_DATA_DIR;

double dice(const std::vector<LabelId>& a, const std::set<int>& inA, const std::vector<LabelId>& b, const std::set<int>& inB)
{
    double both = 0, sum = 0;
    for (std::size_t n = 0; n < a.size(); ++n) {
        const bool isA = inA.contains(a[n]), isB = inB.contains(b[n]);
        both += isA && isB;
        sum += isA + isB;
    }
    return sum > 0 ? 2 * both / sum : 1;
}

/// The place of a label that is farthest from its border along the axes: where a reader would click.
PointLps middleOf(const Geometry& geometry, const std::vector<LabelId>& voxels, int label)
{
    PointLps sum{};
    double count = 0;
    for (int k = 0; k < geometry.size().k; ++k) {
        for (int j = 0; j < geometry.size().j; ++j) {
            for (int i = 0; i < geometry.size().i; ++i) {
                if (voxels[geometry.offset({i, j, k})] == label) {
                    const PointLps p = geometry.toLps(Index3{i, j, k});
                    sum = {sum.x + p.x, sum.y + p.y, sum.z + p.z};
                    ++count;
                }
            }
        }
    }
    const PointLps centre{sum.x / count, sum.y / count, sum.z / count};
    // The nearest voxel whose neighbours all belong to it.
    PointLps best = centre;
    double nearest = 1e9;
    for (int k = 2; k + 2 < geometry.size().k; ++k) {
        for (int j = 3; j + 3 < geometry.size().j; ++j) {
            for (int i = 3; i + 3 < geometry.size().i; ++i) {
                bool isInner = true;
                for (int d = -3; d <= 3 && isInner; ++d) {
                    isInner = voxels[geometry.offset({i + d, j, k})] == label && voxels[geometry.offset({i, j + d, k})] == label && voxels[geometry.offset({i, j, k + std::clamp(d, -2, 2)})] == label;
                }
                const PointLps p = geometry.toLps(Index3{i, j, k});
                const double distance = std::hypot(p.x - centre.x, p.y - centre.y, p.z - centre.z);
                if (isInner && distance < nearest) {
                    nearest = distance;
                    best = p;
                }
            }
        }
    }
    return best;
}

/// The viewer's own reading of a NIfTI file, as a CT.
Volume ctFile(const fs::path& file)
{
    const Volume read = imaging::readVolumeFile(file);
    VolumeInfo info = read.info();
    info.modality = "CT";
    info.unit = Unit::Hu;
    return {read.geometry(), read.visit([](auto voxels) { return Volume::Voxels(std::vector<std::int16_t>(voxels.begin(), voxels.end())); }), info};
}

std::string refusalOf(experts::Expert& expert, const experts::ExpertRequest& request)
{
    const auto refusal = expert.check(request);
    return refusal ? refusal->code : "";
}

/// A head: scalp, skull with the opening of its base, fluid, brain, two ventricles. Truth: 1 brain, 2 ventricles, 3 fluid outside.
struct Head { Volume volume; std::vector<LabelId> truth; };

Head makeHead(std::array<double, 3> spacing, double noiseSd)
{
    const Geometry geometry({int(200 / spacing[0]), int(230 / spacing[1]), int(190 / spacing[2])}, spacing, {-100, -115, -95}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    std::vector<std::int16_t> hu(geometry.size().voxels());
    Head head{{}, std::vector<LabelId>(hu.size())};
    phantom::Random random(5);
    const auto ellipsoid = [](PointLps p, PointLps centre, PointLps radii) { return std::hypot((p.x - centre.x) / radii.x, (p.y - centre.y) / radii.y, (p.z - centre.z) / radii.z); };
    for (std::size_t n = 0; n < hu.size(); ++n) {
        const Size3 size = geometry.size();
        const PointLps p = geometry.toLps(Index3{int(n % std::size_t(size.i)), int(n / std::size_t(size.i)) % size.j, int(n / (std::size_t(size.i) * std::size_t(size.j)))});
        double value = -1000;
        LabelId label = 0;
        if (ellipsoid(p, {0, 0, 0}, {88, 105, 86}) < 1 || (std::hypot(p.x, p.y - 40) < 55 && p.z < -40)) value = 45;       // scalp and neck
        if (ellipsoid(p, {0, 0, 0}, {80, 97, 78}) < 1) value = 900;
        if (std::hypot(p.x, p.y - 20) < 16 && p.z < 0) value = std::min(value, 40.0);                                      // foramen magnum
        if (ellipsoid(p, {0, 0, 0}, {73, 90, 71}) < 1) value = 8, label = 3;
        if (ellipsoid(p, {0, 0, 0}, {70, 87, 68}) < 1) value = 34, label = 1;
        for (const double side : {-1.0, 1.0}) {
            if (ellipsoid(p, {side * 14, 5, 8}, {9, 38, 12}) < 1) value = 7, label = 2;
        }
        hu[n] = std::int16_t(std::lround(value + noiseSd * random.gaussian()));
        head.truth[n] = label;
    }
    VolumeInfo info;
    info.modality = "CT";
    info.unit = Unit::Hu;
    head.volume = Volume(geometry, std::move(hu), info);
    return head;
}

/// A frontal radiograph of the phantom: attenuation summed from front to back, bright is dense; truth where the ray meets much lung.
struct Projection { Volume volume; std::vector<LabelId> truth; };

Projection project(std::uint32_t seed, bool isInverted)
{
    phantom::CtPhantomOptions options;
    options.seed = seed;
    options.spacingMm = {2, 2, 2};
    options.table = false;
    options.lungNodule = false;
    options.box = std::array{PointLps{-210, -165, -40}, PointLps{210, 165, 260}};
    const phantom::CtPhantom made = phantom::makeCtPhantom(options);
    const Size3 size = made.volume.geometry().size();
    const Geometry geometry({size.i, size.k, 1}, {2, 2, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    std::vector<std::uint16_t> values(geometry.size().voxels());
    Projection projection{{}, std::vector<LabelId>(values.size())};
    for (int k = 0; k < size.k; ++k) {
        for (int i = 0; i < size.i; ++i) {
            double depth = 0, lungMm = 0;
            for (int j = 0; j < size.j; ++j) {
                const Index3 index{i, j, k};
                depth += std::max(0.0, 1 + made.volume.valueAt(index) / 1000.0) * 0.02 * 2;      // about 0.2 a centimetre of water
                const LabelId label = made.truth.valueAt(index);
                lungMm += 2 * (label == int(CtLabel::LeftLung) || label == int(CtLabel::RightLung));
            }
            // Rows from the head down. The detector's answer is logarithmic: grey follows the depth.
            const std::size_t n = std::size_t(size.k - 1 - k) * std::size_t(size.i) + std::size_t(i);
            const double grey = std::clamp(4095 * depth / 6, 0.0, 4095.0);
            values[n] = std::uint16_t(isInverted ? 4095 - grey : grey);
            projection.truth[n] = lungMm > 60;
        }
    }
    VolumeInfo info;
    info.modality = "DX";
    info.isInverted = isInverted;
    info.storedRange = std::array<double, 2>{0, 4095};
    projection.volume = Volume(geometry, std::move(values), info);
    return projection;
}

} // namespace

HF_TEST(organs_of_a_real_scan_by_one_click)
{
    const fs::path folder = kData / "ct_chest_abdomen";
    if (!fs::exists(folder / "segmentation.nii.gz")) HF_SKIP("the real data is not there");
    const Volume ct = ctFile(folder / "example_ct.nii.gz"), reference = imaging::readVolumeFile(folder / "segmentation.nii.gz");
    const std::vector<LabelId> truth(static_cast<const std::uint8_t*>(reference.data()), static_cast<const std::uint8_t*>(reference.data()) + reference.geometry().size().voxels());
    const auto expert = experts::makeClickedOrgan();
    struct Case { int label; const char* organ; double least; };
    for (const Case& item : {Case{5, "liver", 0.83}, Case{1, "spleen", 0.75}, Case{2, "kidney", 0.75}, Case{3, "kidney", 0.75}}) {
        const PointLps click = middleOf(ct.geometry(), truth, item.label);
        const LabelMap mask = expert->run({ct, item.organ, {}, {{click, true}}}, {}, {}).mask;
        const double found = dice(mask.voxels(), {mask.labels().at(0).value}, truth, {item.label});
        std::printf("%s (reference label %d): Dice %.3f\n", item.organ, item.label, found);
        HF_CHECK(found >= item.least);
    }
}

HF_TEST(clicks_are_needed_and_checked)
{
    phantom::CtPhantomOptions options;
    options.spacingMm = {3, 3, 4};
    options.box = std::array{PointLps{-210, -165, -60}, PointLps{210, 165, 20}};
    const phantom::CtPhantom made = phantom::makeCtPhantom(options);
    const auto expert = experts::makeClickedOrgan();
    const PointLps liver = middleOf(made.volume.geometry(), made.truth.voxels(), int(CtLabel::Liver));
    HF_CHECK_EQUAL(refusalOf(*expert, {made.volume, "liver", {}}), "clicks");
    HF_CHECK_EQUAL(refusalOf(*expert, {made.volume, "liver", {}, {{liver, false}}}), "clicks");
    HF_CHECK_EQUAL(refusalOf(*expert, {made.volume, "liver", {}, {{{900, 0, 0}, true}}}), "clicks");
    const LabelMap mask = expert->run({made.volume, "liver", {}, {{liver, true}}}, {}, {}).mask;
    const double found = dice(mask.voxels(), {2}, made.truth.voxels(), {int(CtLabel::Liver)});
    std::printf("phantom liver: Dice %.3f\n", found);
    HF_CHECK(found >= 0.85);
    std::stop_source stop;
    stop.request_stop();
    HF_CHECK_THROWS(expert->run({made.volume, "liver", {}, {{liver, true}}}, {}, stop.get_token()), Cancelled);
}

HF_TEST(great_vessels_of_an_enhanced_scan)
{
    for (const std::uint32_t seed : {3U, 4U}) {
        phantom::CtPhantomOptions options;
        options.seed = seed;
        options.spacingMm = {2, 2, 2};
        options.contrast = true;
        options.box = std::array{PointLps{-210, -165, -140}, PointLps{210, 165, 0}};
        const phantom::CtPhantom made = phantom::makeCtPhantom(options);
        const auto expert = experts::makeGreatVessels();
        const LabelMap mask = expert->run({made.volume, "great vessels", {}}, {}, {}).mask;
        double both = 0, marked = 0, real = 0;
        for (std::size_t n = 0; n < mask.voxels().size(); ++n) {
            const bool isTrue = made.truth.voxels()[n] == int(CtLabel::Vessels), isMarked = mask.voxels()[n] == 1;
            both += isTrue && isMarked;
            marked += isMarked;
            real += isTrue;
        }
        std::printf("great vessels, seed %u: of what is marked %.3f is vessel, of the vessels %.3f is marked\n", seed, both / marked, both / real);
        HF_CHECK(both / marked >= 0.9);
        HF_CHECK(both / real >= 0.45);
        options.contrast = false;
        HF_CHECK_THROWS(expert->run({phantom::makeCtPhantom(options).volume, "great vessels", {}}, {}, {}), Error);
    }
    const fs::path folder = kData / "ct_chest_abdomen";
    if (fs::exists(folder)) {
        // Without contrast medium nothing is said to be a vessel.
        HF_CHECK_THROWS(experts::makeGreatVessels()->run({ctFile(folder / "example_ct.nii.gz"), "great vessels", {}}, {}, {}), Error);
    }
}

HF_TEST(brain_and_ventricles)
{
    const auto expert = experts::makeHeadCt();
    for (const double slice : {1.5, 5.0}) {
        const Head head = makeHead({1, 1, slice}, 6);
        const LabelMap mask = expert->run({head.volume, "", {}}, {}, {}).mask;
        const double brain = dice(mask.voxels(), {1}, head.truth, {1}), ventricles = dice(mask.voxels(), {2}, head.truth, {2});
        std::printf("head with %.1f mm slices: brain %.3f, ventricles %.3f\n", slice, brain, ventricles);
        HF_CHECK(brain >= 0.93);
        HF_CHECK(ventricles >= 0.9);
    }
    const Head half = makeHead({2, 2, 4}, 6);
    VolumeInfo knee = half.volume.info();
    knee.bodyPart = "KNEE";
    HF_CHECK_EQUAL(refusalOf(*expert, {Volume(half.volume.geometry(), half.volume.visit([](auto v) { return Volume::Voxels(std::vector(v.begin(), v.end())); }), knee), "", {}}), "body-part");
    phantom::CtPhantomOptions trunk;
    trunk.spacingMm = {3, 3, 4};
    trunk.box = std::array{PointLps{-210, -165, -60}, PointLps{210, 165, 20}};
    HF_CHECK_THROWS(expert->run({phantom::makeCtPhantom(trunk).volume, "", {}}, {}, {}), Error);
}

HF_TEST(a_real_head_has_a_brain_of_credible_size)
{
    const fs::path folder = kData / "ct_vendors";
    if (!fs::exists(folder)) HF_SKIP("the real data is not there");
    // A plastic cylinder for quality checks has no skull.
    const std::vector<fs::path> plastic{folder / "philips_ingenuity_head_5mm"}, paths{folder / "ge_hispeed_head_tilt_varspacing"};
    HF_CHECK_THROWS(experts::makeHeadCt()->run({dicom::readSeries(*dicom::scan(plastic).mainSeries()), "", {}}, {}, {}), Error);
    const Volume head = dicom::readSeries(*dicom::scan(paths).mainSeries());
    const LabelMap mask = experts::makeHeadCt()->run({head, "", {}}, {}, {}).mask;
    const double millilitres = double(std::count(mask.voxels().begin(), mask.voxels().end(), LabelId(1))) * head.geometry().voxelVolumeMm3() / 1000;
    const double ventricles = double(std::count(mask.voxels().begin(), mask.voxels().end(), LabelId(2))) * head.geometry().voxelVolumeMm3() / 1000;
    std::printf("brain %.0f mL, ventricles %.1f mL\n", millilitres, ventricles);
    HF_CHECK(millilitres > 900 && millilitres < 1700);
    HF_CHECK(ventricles < 150);
}

HF_TEST(lung_fields_of_projected_phantoms)
{
    const auto expert = experts::makeRadiographLungs();
    for (const std::uint32_t seed : {1U, 2U, 5U}) {
        const Projection positive = project(seed, false), negative = project(seed, true);
        const LabelMap mask = expert->run({positive.volume, "", {}}, {}, {}).mask;
        const double found = dice(mask.voxels(), {1, 2}, positive.truth, {1});
        std::printf("lung fields, seed %u: Dice %.3f\n", seed, found);
        HF_CHECK(found >= 0.92);
        // MONOCHROME1 shows the same.
        HF_CHECK(dice(expert->run({negative.volume, "", {}}, {}, {}).mask.voxels(), {1, 2}, mask.voxels(), {1, 2}) > 0.99);
    }
    // An even picture has no lungs.
    const Geometry geometry({200, 200, 1}, {1, 1, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    VolumeInfo info;
    info.modality = "CR";
    HF_CHECK_THROWS(expert->run({Volume(geometry, std::vector<std::uint16_t>(40000, 100), info), "", {}}, {}, {}), Error);
    info.bodyPart = "HAND";
    HF_CHECK_EQUAL(refusalOf(*expert, {Volume(geometry, std::vector<std::uint16_t>(40000, 100), info), "", {}}), "body-part");
}

HF_TEST(lung_fields_of_real_radiographs)
{
    if (!fs::exists(kData / "cxr")) HF_SKIP("the real data is not there");
    const auto expert = experts::makeRadiographLungs();
    for (const char* name : {"nih_00000001_000_dx.dcm", "siim_cr_jpeg.dcm", "fuji_cr_mono1_10bit", "philips_rg1_cr_mono1_j2k.dcm"}) {
        const std::vector<fs::path> paths{kData / "cxr" / name};
        const Volume picture = dicom::readSeries(*dicom::scan(paths).mainSeries());
        const LabelMap mask = expert->run({picture, "", {}}, {}, {}).mask;
        std::array<double, 3> share{};
        for (const LabelId value : mask.voxels()) {
            share[value] += 1.0 / double(mask.voxels().size());
        }
        std::printf("%s: %.0f %% and %.0f %% of the picture\n", name, 100 * share[1], 100 * share[2]);
        HF_CHECK(share[1] > 0.05 && share[2] > 0.05 && share[1] + share[2] < 0.6);
    }
}

HF_TEST_MAIN()
