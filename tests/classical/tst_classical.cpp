#include "experts/classical/ClassicalCt.h"
#include "support/Check.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/imaging/VolumeFile.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/phantom/Scenes.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <thread>

using namespace hf;
using phantom::CtLabel;

namespace {

using Set = std::array<bool, 256>;

Set setOf(std::initializer_list<CtLabel> labels)
{
    Set set{};
    for (const CtLabel label : labels) set[std::size_t(label)] = true;
    return set;
}

Set values(std::initializer_list<int> list)
{
    Set set{};
    for (const int value : list) set[std::size_t(value)] = true;
    return set;
}

double dice(const std::vector<LabelId>& a, const Set& inA, const std::vector<LabelId>& b, const Set& inB)
{
    double both = 0, sum = 0;
    for (std::size_t n = 0; n < a.size(); ++n) {
        both += inA[a[n]] && inB[b[n]];
        sum += inA[a[n]] + inB[b[n]];
    }
    return sum > 0 ? 2 * both / sum : 1;
}

struct Limits { double lungs, airways, bones, fat, muscle, body; };

void checkPhantom(const phantom::CtPhantomOptions& options, const Limits& limits)
{
    const phantom::CtPhantom made = phantom::makeCtPhantom(options);
    const auto expert = experts::makeClassicalCt();
    const LabelMap all = expert->run({made.volume, "everything", {}}, {}, {}).mask;
    const LabelMap body = expert->run({made.volume, "body", {}}, {}, {}).mask;
    const auto& mask = all.voxels();
    const auto& truth = made.truth.voxels();
    const Set tissue = setOf({CtLabel::Muscle, CtLabel::Heart, CtLabel::Liver, CtLabel::Spleen, CtLabel::LeftKidney, CtLabel::RightKidney, CtLabel::Stomach, CtLabel::Bowel, CtLabel::Vessels,
        CtLabel::SpinalCord, CtLabel::LiverLesion, CtLabel::Skin});
    Set person{};
    for (int n = 1; n <= int(CtLabel::Skin); ++n) person[std::size_t(n)] = true;
    const double left = dice(mask, values({1}), truth, setOf({CtLabel::LeftLung})), right = dice(mask, values({2}), truth, setOf({CtLabel::RightLung}));
    const double lungs = dice(mask, values({1, 2}), truth, setOf({CtLabel::LeftLung, CtLabel::RightLung, CtLabel::LungNodule}));
    const double airways = dice(mask, values({3}), truth, setOf({CtLabel::Airways})), bones = dice(mask, values({4}), truth, setOf({CtLabel::Bones}));
    const double fat = dice(mask, values({6, 7}), truth, setOf({CtLabel::SubcutaneousFat, CtLabel::VisceralFat})), muscle = dice(mask, values({8}), truth, tissue);
    const double outline = dice(body.voxels(), values({5}), truth, person);
    std::printf("%.1f mm slices, tilt %.0f: lungs %.3f (left %.3f right %.3f) airways %.3f bones %.3f fat %.3f muscle %.3f body %.3f\n", options.spacingMm[2], options.tiltXDeg, lungs, left, right,
        airways, bones, fat, muscle, outline);
    HF_CHECK(lungs >= limits.lungs && left >= 0.95 && right >= 0.95);
    HF_CHECK(airways >= limits.airways);
    HF_CHECK(bones >= limits.bones);
    HF_CHECK(fat >= limits.fat);
    HF_CHECK(muscle >= limits.muscle);
    HF_CHECK(outline >= limits.body);
}

phantom::CtPhantomOptions phantomOf(std::uint32_t seed, std::array<double, 3> spacingMm)
{
    phantom::CtPhantomOptions options;
    options.seed = seed;
    options.spacingMm = spacingMm;
    return options;
}

LabelMap segment(const Volume& volume, const char* argument = "everything") { return experts::makeClassicalCt()->run({volume, argument, {}}, {}, {}).mask; }

double millilitres(const LabelMap& mask, std::initializer_list<int> labels)
{
    const Set wanted = values(labels);
    const auto count = std::count_if(mask.voxels().begin(), mask.voxels().end(), [&](LabelId id) { return wanted[id]; });
    return double(count) * mask.geometry().voxelVolumeMm3() / 1000;
}

/// The series that a viewer shows first.
Volume readFolder(const std::filesystem::path& folder)
{
    const std::vector<std::filesystem::path> paths{folder};
    const dicom::ScanResult found = dicom::scan(paths);
    return dicom::readSeries(*found.mainSeries());
}

/// @param mostAsBone  share of the enhanced organs and vessels that may be taken for bone.
void checkContrast(double noiseSdHu, double leastBones, double mostAsBone)
{
    phantom::CtPhantomOptions options = phantomOf(3, {2, 2, 2});
    options.noiseSdHu = noiseSdHu;
    options.contrast = true;
    options.box = std::array{PointLps{-210, -165, -120}, PointLps{210, 165, -60}};
    const phantom::CtPhantom made = phantom::makeCtPhantom(options);
    const LabelMap mask = segment(made.volume);
    const Set enhanced = setOf({CtLabel::Vessels, CtLabel::LeftKidney, CtLabel::RightKidney, CtLabel::Liver, CtLabel::Spleen});
    double bright = 0, asBone = 0;
    for (std::size_t n = 0; n < mask.voxels().size(); ++n) {
        bright += enhanced[made.truth.voxels()[n]];
        asBone += enhanced[made.truth.voxels()[n]] && mask.voxels()[n] == 4;
    }
    const double bones = dice(mask.voxels(), values({4}), made.truth.voxels(), setOf({CtLabel::Bones}));
    std::printf("contrast, noise %.0f HU: bones %.3f, %.0f of %.0f enhanced voxels taken for bone\n", noiseSdHu, bones, asBone, bright);
    HF_CHECK(bright > 20000 && asBone < mostAsBone * bright);
    HF_CHECK(bones >= leastBones);
}

} // namespace

// The figures of the main job: lungs, bones, body, fat, muscle 0.95, airways 0.85.
constexpr Limits kFigures{0.95, 0.85, 0.95, 0.95, 0.95, 0.95};

HF_TEST(phantom_one_millimetre)
{
    // From below the carina to the upper trachea: shoulder blades, ribs, breastbone, spine.
    phantom::CtPhantomOptions options = phantomOf(3, {1, 1, 1});
    options.box = std::array{PointLps{-210, -165, 110}, PointLps{210, 165, 160}};
    checkPhantom(options, kFigures);
}

HF_TEST(phantom_two_millimetres) { checkPhantom(phantomOf(3, {2, 2, 2}), kFigures); }

HF_TEST(phantom_oblique)
{
    phantom::CtPhantomOptions options = phantomOf(11, {2, 2, 3});
    options.tiltXDeg = 12;
    options.tiltZDeg = 8;
    checkPhantom(options, kFigures);
}

// Slices of 5 mm with the pixels that such scans have.
HF_TEST(phantom_five_millimetre_slices) { checkPhantom(phantomOf(5, {1, 1, 5}), kFigures); }

HF_TEST(phantom_five_millimetre_voxels)
{
    // Nine of ten bone voxels lie at a border at this size, and cortex and marrow mix in each: bones, and the muscle around them, stay
    // below the figures for finer scans.
    checkPhantom(phantomOf(5, {5, 5, 5}), {0.95, 0.85, 0.87, 0.95, 0.935, 0.95});
}

HF_TEST(contrast_medium_is_no_bone)
{
    checkContrast(12, 0.95, 0.002);
    // Noise of a low dose.
    checkContrast(30, 0.86, 0.05);
}

// The sample study: the wall between lung and stomach is thinner than a slice.
HF_TEST(gas_under_the_diaphragm_is_no_lung)
{
    phantom::CtPhantomOptions options = phantomOf(7, {1.5, 1.5, 3});
    options.box = std::array{PointLps{-210, -165, -40}, PointLps{210, 165, 150}};
    const phantom::CtPhantom made = phantom::makeCtPhantom(options);
    const LabelMap mask = segment(made.volume, "lungs");
    const Set gas = setOf({CtLabel::BowelGas, CtLabel::Stomach, CtLabel::Bowel});
    std::size_t inGut = 0, inLung = 0;
    for (std::size_t n = 0; n < mask.voxels().size(); ++n) {
        inGut += gas[made.truth.voxels()[n]];
        inLung += gas[made.truth.voxels()[n]] && mask.voxels()[n];
    }
    std::printf("gas under the diaphragm: %zu of %zu voxels taken for lung, lungs %.3f\n", inLung, inGut,
        dice(mask.voxels(), values({1, 2}), made.truth.voxels(), setOf({CtLabel::LeftLung, CtLabel::RightLung, CtLabel::LungNodule})));
    HF_CHECK(inGut > 2000 && inLung < 100);
}

HF_TEST(a_patient_who_lies_otherwise)
{
    // Turned by half about each axis: prone, and feet first.
    for (const auto& [x, z] : {std::array{180.0, 0.0}, std::array{0.0, 180.0}}) {
        phantom::CtPhantomOptions options = phantomOf(7, {4, 4, 4});
        options.tiltXDeg = x;
        options.tiltZDeg = z;
        const phantom::CtPhantom made = phantom::makeCtPhantom(options);
        const LabelMap mask = segment(made.volume);
        HF_CHECK(dice(mask.voxels(), values({1}), made.truth.voxels(), setOf({CtLabel::LeftLung})) > 0.95);
        HF_CHECK(dice(mask.voxels(), values({2}), made.truth.voxels(), setOf({CtLabel::RightLung})) > 0.95);
        HF_CHECK(dice(mask.voxels(), values({3}), made.truth.voxels(), setOf({CtLabel::Airways})) > 0.8);
    }
}

HF_TEST(a_field_of_view_within_the_chest)
{
    // No skin, no air outside: both lungs are cut on all sides.
    phantom::CtPhantomOptions options = phantomOf(3, {2, 2, 2});
    options.box = std::array{PointLps{-80, -80, 80}, PointLps{80, 80, 200}};
    const phantom::CtPhantom made = phantom::makeCtPhantom(options);
    const LabelMap mask = segment(made.volume);
    const double left = dice(mask.voxels(), values({1}), made.truth.voxels(), setOf({CtLabel::LeftLung})), right = dice(mask.voxels(), values({2}), made.truth.voxels(), setOf({CtLabel::RightLung}));
    std::printf("small field of view: left %.3f right %.3f\n", left, right);
    HF_CHECK(left >= 0.95 && right >= 0.95);
}

HF_TEST(what_is_kept_of_a_scan_is_of_that_scan)
{
    // Two scans of the same geometry, asked about in turn: as an expert that sees each for the first time.
    const auto trunk = [](std::uint32_t seed) {
        phantom::CtPhantomOptions options = phantomOf(seed, {5, 5, 5});
        options.box = std::array{PointLps{-210, -165, -100}, PointLps{210, 165, 200}};
        return phantom::makeCtPhantom(options);
    };
    const phantom::CtPhantom one = trunk(2), other = trunk(4);
    HF_CHECK(one.volume.geometry() == other.volume.geometry());
    const auto expert = experts::makeClassicalCt();
    for (const auto& [volume, argument] : {std::pair{&one.volume, "lungs"}, {&one.volume, "bones"}, {&other.volume, "bones"}, {&one.volume, "fat"}, {&one.volume, "body"}}) {
        HF_CHECK(expert->run({*volume, argument, {}}, {}, {}).mask.voxels() == segment(*volume, argument).voxels());
    }
}

// A hernia or the navel: without the slices around it the fat within would be taken for fat under the skin, up to the spine.
HF_TEST(fat_that_goes_through_the_wall_leaves_the_rest_within)
{
    phantom::CtPhantomOptions options = phantomOf(3, {3, 3, 3});
    options.box = std::array{PointLps{-210, -165, -150}, PointLps{210, 165, -40}};
    const phantom::CtPhantom made = phantom::makeCtPhantom(options);
    const Geometry& geometry = made.volume.geometry();
    const auto* values = static_cast<const std::int16_t*>(made.volume.data());
    std::vector<std::int16_t> voxels(values, values + geometry.size().voxels());
    constexpr int kOpen = 4;
    const int middle = geometry.size().k / 2;
    const auto isOpen = [&](int k) { return std::abs(k - middle) <= kOpen; };
    for (int k = middle - kOpen; k <= middle + kOpen; ++k) {
        for (int j = 0; j < geometry.size().j; ++j) {
            for (int i = 0; i < geometry.size().i; ++i) {
                const std::size_t n = geometry.offset({i, j, k});
                const PointLps place = geometry.toLps(Index3{i, j, k});
                if (std::abs(place.x) < 40 && place.y < 0 && made.truth.voxels()[n] == LabelId(CtLabel::Muscle)) {
                    voxels[n] = -100;
                }
            }
        }
    }
    const LabelMap mask = segment(Volume(geometry, std::move(voxels), made.volume.info()), "fat");
    double visceral = 0, found = 0;
    for (std::size_t n = 0; n < mask.voxels().size(); ++n) {
        if (isOpen(int(n / (std::size_t(geometry.size().i) * std::size_t(geometry.size().j)))) && made.truth.voxels()[n] == LabelId(CtLabel::VisceralFat)) {
            ++visceral;
            found += mask.voxels()[n] == 7;
        }
    }
    std::printf("an open wall: %.0f of %.0f voxels of visceral fat\n", found, visceral);
    HF_CHECK(visceral > 1000 && found > 0.9 * visceral);
}

HF_TEST(air_around_the_patient_changes_nothing)
{
    // The same scan in a wider field of view: what is found is found around the body.
    const phantom::CtPhantom made = phantom::makeCtPhantom(phantomOf(7, {3, 3, 4}));
    const Geometry& narrow = made.volume.geometry();
    constexpr int kMore = 25;
    const Size3 size = narrow.size(), wideSize{size.i + 2 * kMore, size.j + 2 * kMore, size.k};
    const Geometry wide(wideSize, narrow.spacingMm(), narrow.toLps(Index3{-kMore, -kMore, 0}), {narrow.direction(0), narrow.direction(1), narrow.direction(2)});
    std::vector<std::int16_t> voxels(wideSize.voxels(), -1000);
    const auto forVoxels = [&](const auto& visit) {
        for (int k = 0; k < size.k; ++k) {
            for (int j = 0; j < size.j; ++j) {
                for (int i = 0; i < size.i; ++i) {
                    visit(narrow.offset({i, j, k}), wide.offset({i + kMore, j + kMore, k}));
                }
            }
        }
    };
    const auto* values = static_cast<const std::int16_t*>(made.volume.data());
    HF_CHECK(made.volume.type() == VoxelType::Int16);
    forVoxels([&](std::size_t n, std::size_t w) { voxels[w] = values[n]; });
    const LabelMap found = segment(made.volume), inAir = segment(Volume(wide, std::move(voxels), made.volume.info()));
    std::size_t labelled = 0, different = 0, same = 0;
    forVoxels([&](std::size_t n, std::size_t w) {
        labelled += found.voxels()[n] != 0;
        different += found.voxels()[n] != inAir.voxels()[w];
        same += found.voxels()[n] != 0 && found.voxels()[n] == inAir.voxels()[w];
    });
    const auto allInAir = std::count_if(inAir.voxels().begin(), inAir.voxels().end(), [](LabelId label) { return label != 0; });
    std::printf("wider field of view: %zu voxels, %zu differ\n", labelled, different);
    HF_CHECK(labelled > 200000);
    HF_CHECK_EQUAL(different, 0U);
    HF_CHECK_EQUAL(std::size_t(allInAir), same);
}

HF_TEST(a_part_of_the_scan_is_found_as_in_the_whole)
{
    // Only the steps that the question needs: the same voxels as when all tissues are asked for, fine and coarse, before and after.
    for (const double spacing : {3.0, 1.0}) {
        phantom::CtPhantomOptions options = phantomOf(6, {spacing, spacing, 3});
        options.box = std::array{PointLps{-210, -165, 90}, PointLps{210, 165, 150}};
        const phantom::CtPhantom made = phantom::makeCtPhantom(options);
        const auto expert = experts::makeClassicalCt();
        const auto ask = [&](const char* argument) { return expert->run({made.volume, argument, {}}, {}, {}).mask.voxels(); };
        const auto lungs = ask("lungs"), airways = ask("airways"), body = ask("body"), all = ask("everything");
        std::size_t different = 0, inLungs = 0;
        for (std::size_t n = 0; n < all.size(); ++n) {
            const LabelId found = all[n];
            different += lungs[n] != (found == 1 || found == 2 ? found : 0);
            different += airways[n] != (found == 3 ? found : 0);
            different += found != 0 && body[n] == 0;
            inLungs += lungs[n] != 0;
        }
        HF_CHECK(inLungs > 10000);
        HF_CHECK_EQUAL(different, 0U);
        HF_CHECK(ask("lungs") == lungs && ask("body") == body);
    }
}

HF_TEST(heads_have_no_lungs)
{
    const Geometry geometry({90, 110, 100}, {2, 2, 2}, {-90, -115, -110}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    const LabelMap mask = segment(phantom::makeHead(4, phantom::HeadContrast::Ct, false, geometry));
    HF_CHECK_EQUAL(millilitres(mask, {1, 2}), 0.0);
    HF_CHECK(millilitres(mask, {4}) > 300);
}

HF_TEST(real_heads_have_no_lungs)
{
    const std::filesystem::path data = HF_TEST_DATA_DIR;
    if (!std::filesystem::exists(data / "ct_vendors")) HF_SKIP("the real data is not there");
    for (const char* folder : {"ct_vendors/ge_hispeed_head_tilt_varspacing", "ct_vendors/philips_ingenuity_head_5mm", "ct_tilt/philips_tilt_p16"}) {
        const Volume volume = readFolder(data / folder);
        HF_CHECK(!experts::makeClassicalCt()->check({volume, "everything", {}}));
        const LabelMap mask = segment(volume);
        std::printf("%s: bones %.0f mL\n", folder, millilitres(mask, {4}));
        HF_CHECK_EQUAL(millilitres(mask, {1, 2}), 0.0);
        HF_CHECK(millilitres(mask, {4}) > 40);
    }
}

// Gas behind a thin wall at many levels, fat through the navel at three.
HF_TEST(fat_within_a_real_abdomen_changes_little_from_slice_to_slice)
{
    const std::filesystem::path file = HF_TEST_DATA_DIR "/ct_chest_abdomen/example_ct.nii.gz";
    if (!std::filesystem::exists(file)) HF_SKIP("the real data is not there");
    const Volume read = imaging::readVolumeFile(file);
    VolumeInfo info = read.info();
    info.modality = "CT";
    info.unit = Unit::Hu;
    const Volume volume(read.geometry(), read.visit([](auto voxels) { return Volume::Voxels(std::vector(voxels.begin(), voxels.end())); }), info);
    const LabelMap mask = segment(volume, "fat");
    const Size3 size = volume.geometry().size();
    std::vector<double> share;
    for (int k = 0; k < size.k; ++k) {
        const auto first = mask.voxels().begin() + std::ptrdiff_t(volume.geometry().offset({0, 0, k})), last = first + size.i * size.j;
        share.push_back(double(std::count(first, last, 7)) / double(std::count(first, last, 6) + std::count(first, last, 7)));
    }
    double largest = 0;
    for (std::size_t k = 5; k < share.size(); ++k) {
        largest = std::max(largest, std::abs(share[k] - share[k - 5]));
    }
    std::printf("share of the fat that lies within: it changes by up to %.2f over 15 mm\n", largest);
    HF_CHECK(size.k > 100 && largest < 0.15);
}

HF_TEST(real_scan_against_reference)
{
    const std::filesystem::path data = HF_TEST_DATA_DIR "/ct_chest_abdomen";
    if (!std::filesystem::exists(data / "segmentation.nii.gz")) HF_SKIP("the real data is not there");
    const Volume volume = readFolder(data / "dicom");
    const LabelMap mask = segment(volume);
    const Volume reference = imaging::readVolumeFile(data / "segmentation.nii.gz");
    const auto names = nlohmann::json::parse(std::ifstream(data / "labels.json"));
    // The reference's voxel at the place of each of ours.
    std::vector<LabelId> truth(mask.voxels().size());
    const Size3 size = volume.geometry().size();
    for (int k = 0; k < size.k; ++k) {
        for (int j = 0; j < size.j; ++j) {
            for (int i = 0; i < size.i; ++i) {
                const ContinuousIndex c = reference.geometry().toIndex(volume.geometry().toLps(Index3{i, j, k}));
                const Index3 index{int(std::lround(c.i)), int(std::lround(c.j)), int(std::lround(c.k))};
                if (reference.geometry().contains(index)) truth[volume.geometry().offset({i, j, k})] = LabelId(reference.valueAt(index));
            }
        }
    }
    Set left{}, right{}, bones{}, withCartilage{}, gas{};
    for (const auto& [key, value] : names.items()) {
        const std::string name = value.get<std::string>();
        const auto id = std::size_t(std::stoi(key));
        const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
        left[id] = has("lung") && has("left");
        right[id] = has("lung") && has("right");
        bones[id] = has("vertebra") || has("rib") || has("hip_") || has("sacrum") || has("femur") || has("sternum");
        withCartilage[id] = bones[id] || has("costal");
        gas[id] = has("colon") || has("bowel") || has("stomach");
    }
    const double dLeft = dice(mask.voxels(), values({1}), truth, left), dRight = dice(mask.voxels(), values({2}), truth, right), dBones = dice(mask.voxels(), values({4}), truth, bones);
    std::size_t inBowel = 0;
    for (std::size_t n = 0; n < truth.size(); ++n) inBowel += gas[truth[n]] && (mask.voxels()[n] == 1 || mask.voxels()[n] == 2);
    const double dCartilage = dice(mask.voxels(), values({4}), truth, withCartilage);
    std::printf("left lung %.3f, right lung %.3f, bones %.3f (%.3f with costal cartilage), lung voxels in bowel %zu\n", dLeft, dRight, dBones, dCartilage, inBowel);
    HF_CHECK(dLeft >= 0.90 && dRight >= 0.90);
    HF_CHECK(dBones >= 0.88 && dCartilage >= 0.86);
    HF_CHECK(inBowel < 40);
}

HF_TEST(other_images_are_refused)
{
    const auto expert = experts::makeClassicalCt();
    VolumeInfo info;
    info.modality = "MR";
    const Geometry geometry({20, 20, 20}, {1, 1, 1}, {}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    const Volume mr(geometry, std::vector<std::int16_t>(8000), info);
    HF_CHECK_EQUAL(expert->check({mr, "lungs", {}})->code, std::string("modality"));
    info.modality = "CT";
    info.unit = Unit::Hu;
    const Volume air(geometry, std::vector<std::int16_t>(8000, -1000), info), dense(geometry, std::vector<std::int16_t>(8000, 3000), info);
    HF_CHECK(!expert->check({air, "lungs", {}}));
    HF_CHECK_EQUAL(expert->check({dense, "lungs", {}})->code, std::string("units"));
    // Nothing but air, nothing but metal: no crash, no lungs.
    for (const Volume* volume : {&air, &dense}) {
        const LabelMap mask = expert->run({*volume, "lungs", {}}, {}, {}).mask;
        HF_CHECK(std::all_of(mask.voxels().begin(), mask.voxels().end(), [](LabelId id) { return id == 0; }));
    }
}

HF_TEST(a_stop_acts_within_a_tenth_of_a_second)
{
    phantom::CtPhantomOptions options;
    options.spacingMm = {2, 2, 2};
    const phantom::CtPhantom made = phantom::makeCtPhantom(options);
    std::stop_source stop;
    std::chrono::steady_clock::time_point asked;
    std::jthread stopper([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(700));
        asked = std::chrono::steady_clock::now();
        stop.request_stop();
    });
    bool cancelled = false;
    try {
        experts::makeClassicalCt()->run({made.volume, "everything", {}}, {}, stop.get_token());
    } catch (const Cancelled&) {
        cancelled = true;
    }
    std::printf("stopped after %.0f ms\n", std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - asked).count());
    HF_CHECK(cancelled);
}

HF_TEST_MAIN()
