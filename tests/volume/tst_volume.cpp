#include "support/Check.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Volume.h"

using namespace hf;

namespace {

Geometry cube(int n, double spacing = 1)
{
    return Geometry({n, n, n}, {spacing, spacing, spacing}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
}

/// Value 100 k + 10 j + i.
Volume ramp(int n)
{
    std::vector<std::int16_t> voxels;
    for (int k = 0; k < n; ++k) {
        for (int j = 0; j < n; ++j) {
            for (int i = 0; i < n; ++i) {
                voxels.push_back(std::int16_t(100 * k + 10 * j + i));
            }
        }
    }
    return Volume(cube(n, 2), std::move(voxels), {.modality = "CT", .unit = Unit::Hu});
}

} // namespace

HF_TEST(valuesAreWhereTheyWerePut)
{
    const Volume volume = ramp(5);
    HF_CHECK_EQUAL(volume.valueAt(Index3{1, 2, 3}), 321.0F);
    HF_CHECK_EQUAL(volume.range().maximum, 444.0F);
    HF_CHECK_EQUAL(int(volume.type()), int(VoxelType::Int16));
    HF_CHECK_EQUAL(volume.bytes(), std::size_t(250));
}

HF_TEST(betweenVoxelsIsTrilinear)
{
    const Volume volume = ramp(5);
    HF_CHECK_NEAR(*volume.valueAt(PointLps{3, 5, 1}), 100 * 0.5 + 10 * 2.5 + 1.5, 1e-4);
    HF_CHECK_NEAR(*volume.valueAt(PointLps{8, 8, 8}), 444, 1e-4);
    HF_CHECK_NEAR(*volume.valueAt(PointLps{8.9, 8, 8}), 444, 1e-4);
    HF_CHECK(!volume.valueAt(PointLps{9.1, 8, 8}).has_value());
    HF_CHECK(!volume.valueAt(PointLps{-1.1, 0, 0}).has_value());
}

HF_TEST(aWrongNumberOfVoxelsIsRefused)
{
    HF_CHECK_THROWS(Volume(cube(3), std::vector<float>(26), {}), Error);
    HF_CHECK_THROWS(Volume(cube(3), std::vector<std::uint8_t>(27), {}, std::vector<std::uint8_t>(27)), Error);
    HF_CHECK_THROWS(LabelMap(cube(3), std::vector<LabelId>(28), {}), Error);
}

HF_TEST(notANumberDoesNotSpoilTheRange)
{
    std::vector<float> voxels(27, 1.0F);
    voxels[5] = std::numeric_limits<float>::quiet_NaN();
    voxels[6] = -3;
    const Volume volume(cube(3), voxels, {});
    HF_CHECK_EQUAL(volume.range().minimum, -3.0F);
    HF_CHECK_EQUAL(volume.range().maximum, 1.0F);
}

HF_TEST(theFirstStoredWindowIsTheDefault)
{
    Volume volume(cube(3), std::vector<std::int16_t>(27), {.modality = "CT", .unit = Unit::Hu, .windows = {{10, 0}, {-500, 1400}}});
    HF_CHECK_NEAR(volume.defaultWindow().center, -500, 0);
    Volume plain(cube(3), std::vector<std::int16_t>(27), {.modality = "CT", .unit = Unit::Hu});
    HF_CHECK_NEAR(plain.defaultWindow().width, 400, 0);
}

HF_TEST(windowsFollowTheStandard)
{
    // PS3.3 C.11.2.1.2.1, the note's example: c = 2048, w = 4096, output 0 to 255.
    const WindowLevel window{2048, 4096, ""};
    HF_CHECK_NEAR(window.map(0), 0, 1e-9);
    HF_CHECK_NEAR(window.map(4095), 255, 1e-9);
    HF_CHECK_NEAR(window.map(2047.5), 127.5, 1e-9);
    HF_CHECK_NEAR((WindowLevel{10, 1, ""}.map(9.4)), 0, 0);
    HF_CHECK_NEAR((WindowLevel{10, 1, ""}.map(9.6)), 255, 0);
    HF_CHECK_NEAR((WindowLevel{50, 400, ""}.map(50, true)), 127.5, 1e-9);
}

HF_TEST(presetsFitTheValuesThatTheyAreMeantFor)
{
    const WindowPreset &lung = *findPreset("lung"), &uptake = *findPreset("pet-5");
    struct Row { VolumeInfo info; bool hasLung, hasUptake; };
    for (const Row& row : {Row{{.modality = "CT", .unit = Unit::Hu}, true, false}, Row{{.modality = "PT", .unit = Unit::Suv}, false, true}, Row{{.modality = "MR"}, false, false},
             Row{{.modality = "PT"}, false, false}, Row{{}, true, false}}) {
        HF_CHECK_EQUAL(fits(lung, row.info), row.hasLung);
        HF_CHECK_EQUAL(fits(uptake, row.info), row.hasUptake);
    }
}

HF_TEST(labelsAreMeasured)
{
    const Volume volume = ramp(5);
    std::vector<LabelId> mask(125, 0);
    for (const Index3 index : {Index3{0, 0, 1}, Index3{1, 0, 1}, Index3{4, 4, 2}}) {
        mask[volume.geometry().offset(index)] = 7;
    }
    const LabelMap map(volume.geometry(), mask, {{7, "thing", {255, 0, 0}, "", ""}, {9, "nothing", {}, "", ""}});
    const std::vector<LabelFacts> facts = measureLabels(map, volume);
    HF_CHECK_EQUAL(facts.size(), std::size_t(2));
    HF_CHECK_EQUAL(facts[0].voxels, std::size_t(3));
    HF_CHECK_NEAR(facts[0].volumeMl, 3 * 8 / 1000.0, 1e-12);
    HF_CHECK_NEAR(facts[0].meanValue, (100 + 101 + 244) / 3.0, 1e-9);
    HF_CHECK_NEAR(facts[0].sdValue, 67.6477806156, 1e-9);     // numpy.std([100, 101, 244])
    HF_CHECK_NEAR(facts[0].minValue, 100, 0);
    HF_CHECK_EQUAL(facts[0].largestSlice[2], 1);
    HF_CHECK_EQUAL(facts[0].largestSlice[1], 0);
    HF_CHECK_NEAR(facts[0].centroid.x, 2 * 5 / 3.0, 1e-9);
    HF_CHECK_EQUAL(facts[1].voxels, std::size_t(0));
    HF_CHECK_EQUAL(facts[1].largestSlice[0], -1);
    HF_CHECK_THROWS(measureLabels(map, ramp(4)), Error);
}

HF_TEST_MAIN()
