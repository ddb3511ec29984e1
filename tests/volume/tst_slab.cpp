#include "support/Check.h"
#include "viewer/volume/Slab.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace hf;

namespace {

constexpr int kI = 13, kJ = 11, kK = 17;

int valueOf(int i, int j, int k) { return (i * 131 + j * 57 * (1 + k % 4) + k * k * 29) % 1777 - 800; }

Volume noisy()
{
    std::vector<std::int16_t> voxels;
    for (int k = 0; k < kK; ++k) {
        for (int j = 0; j < kJ; ++j) {
            for (int i = 0; i < kI; ++i) {
                voxels.push_back(std::int16_t(valueOf(i, j, k)));
            }
        }
    }
    return Volume(Geometry({kI, kJ, kK}, {1, 1.5, 2}, {-3, 4, 5}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), std::move(voxels), {.modality = "CT", .unit = Unit::Hu});
}

/// The slab of the axial slice `k`, straight from the formula.
double expected(SlabMode mode, int i, int j, int k, int each)
{
    double most = -1e9, least = 1e9, sum = 0;
    int count = 0;
    for (int n = std::max(0, k - each); n <= std::min(kK - 1, k + each); ++n, ++count) {
        most = std::max(most, double(valueOf(i, j, n)));
        least = std::min(least, double(valueOf(i, j, n)));
        sum += valueOf(i, j, n);
    }
    return mode == SlabMode::Maximum ? most : mode == SlabMode::Minimum ? least : sum / count;
}

std::vector<float> floats(const Samples& samples) { return std::get<std::vector<float>>(samples); }

} // namespace

HF_TEST(everyModeIsWhatItsFormulaSays)
{
    const Volume volume = noisy();
    for (const SlabMode mode : {SlabMode::Maximum, SlabMode::Minimum, SlabMode::Mean}) {
        // In the middle, and where the slab reaches over the end of the volume.
        for (const int slice : {8, 0, kK - 1}) {
            View view;
            view.slice = slice;
            const SliceFrame frame = frameOf(volume.geometry(), view);
            const std::vector<float> values = floats(sampleSlab(volume, frame, Interpolation::Linear, {mode, 10}));
            for (int j = 0; j < kJ; ++j) {
                for (int i = 0; i < kI; ++i) {
                    HF_CHECK_NEAR(values[std::size_t(j * kI + i)], expected(mode, i, j, slice, 2), 1e-3);
                }
            }
        }
    }
}

HF_TEST(thicknessIsOfWholeSlices)
{
    const Geometry geometry = noisy().geometry();
    const Vec3 z{0, 0, 1};
    HF_CHECK_EQUAL(slabOffsets(geometry, z, 10).size(), std::size_t(5));
    HF_CHECK_EQUAL(slabOffsets(geometry, z, 10).back(), 4.0);
    HF_CHECK_EQUAL(shownThicknessMm(geometry, z, 10), 10.0);
    HF_CHECK_EQUAL(shownThicknessMm(geometry, z, 13.9), 10.0);
    HF_CHECK_EQUAL(shownThicknessMm(geometry, z, 0.5), 2.0);
    HF_CHECK_EQUAL(shownThicknessMm(geometry, {0, -1, 0}, 4.5), 4.5);
    // Oblique: steps of the finest spacing.
    HF_CHECK_EQUAL(shownThicknessMm(geometry, normalized({0, 1, 1}), 5), 5.0);
}

HF_TEST(thicknessEndsWithTheVolume)
{
    // Slices of 2 mm: five of them, but for the ends.
    const Geometry geometry = noisy().geometry();
    const Vec3 z{0, 0, 1};
    const auto inside = [&](int slice) { return thicknessInVolumeMm(geometry, geometry.toLps(Index3{0, 0, slice}), z, 10); };
    HF_CHECK_EQUAL(inside(8), 10.0);
    HF_CHECK_EQUAL(inside(2), 10.0);
    HF_CHECK_EQUAL(inside(1), 8.0);
    HF_CHECK_EQUAL(inside(0), 6.0);
    HF_CHECK_EQUAL(inside(kK - 1), 6.0);
    HF_CHECK_EQUAL(thicknessInVolumeMm(geometry, geometry.toLps(Index3{0, 0, 8}), z * -1.0, 200), 34.0);     // all that there is
    // Oblique: wherever a pixel of a layer has a value.
    const Volume volume = noisy();
    const Vec3 normal = normalized({0, 1, 1});
    for (const double along : {-12.0, -9.5, -3.0, 4.0, 11.0}) {
        SliceFrame frame;
        frame.right = {1, 0, 0};
        frame.down = cross(normal, frame.right);
        frame.pixelMm = {0.25, 0.25};
        frame.width = 1;
        frame.height = 400;
        const PointLps middle = geometry.toLps(ContinuousIndex{6, 5, 8}) + normal * along;
        int layers = 0;
        for (const double offset : slabOffsets(geometry, normal, 7)) {
            frame.origin = middle + normal * offset + frame.down * -50.0;
            const std::vector<float> values = floats(sampleValues(volume, frame, Interpolation::Linear));
            layers += std::any_of(values.begin(), values.end(), [](float v) { return !std::isnan(v); });
        }
        HF_CHECK_EQUAL(thicknessInVolumeMm(geometry, middle, normal, 7), double(layers));
    }
}

HF_TEST(anObliqueSlabOfARampIsKnown)
{
    const int n = 40;
    std::vector<float> voxels;
    for (int k = 0; k < n; ++k) {
        voxels.insert(voxels.end(), std::size_t(n * n), float(k));
    }
    const Volume volume(Geometry({n, n, n}, {1, 1, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), std::move(voxels), {});
    SliceFrame frame;
    frame.right = {1, 0, 0};
    frame.down = normalized({0, 0.8, -0.6});
    frame.origin = {20, 20, 20};
    frame.width = frame.height = 1;
    const double slope = std::abs(frame.normal().z);
    HF_CHECK_NEAR(floats(sampleSlab(volume, frame, Interpolation::Linear, {SlabMode::Mean, 9})).front(), 20, 1e-4);
    HF_CHECK_NEAR(floats(sampleSlab(volume, frame, Interpolation::Linear, {SlabMode::Maximum, 9})).front(), 20 + 4 * slope, 1e-4);
    HF_CHECK_NEAR(floats(sampleSlab(volume, frame, Interpolation::Linear, {SlabMode::Minimum, 9})).front(), 20 - 4 * slope, 1e-4);
}

HF_TEST(outsideStaysOutsideAndOffIsThin)
{
    const Volume volume = noisy();
    SliceFrame frame = frameOf(volume.geometry(), {});
    const std::vector<float> thin = floats(sampleValues(volume, frame, Interpolation::Linear));
    HF_CHECK(floats(sampleSlab(volume, frame, Interpolation::Linear, {})) == thin);
    frame.origin = frame.origin + Vec3{500, 0, 0};
    for (const float value : floats(sampleSlab(volume, frame, Interpolation::Linear, {SlabMode::Mean, 10}))) {
        HF_CHECK(std::isnan(value));
    }
}

HF_TEST(thePictureIsTheWindowOfTheSlab)
{
    const Volume volume = noisy();
    View view;
    view.slice = 8;
    const SliceFrame frame = frameOf(volume.geometry(), view);
    const WindowLevel window{0, 1600, {}};
    const Picture picture = composeSlab(volume, frame, window, false, Interpolation::Linear, {SlabMode::Maximum, 10});
    for (int j = 0; j < kJ; ++j) {
        for (int i = 0; i < kI; ++i) {
            HF_CHECK_NEAR(picture.at(i, j).r, window.map(expected(SlabMode::Maximum, i, j, 8, 2)), 1);
        }
    }
    HF_CHECK(composeSlab(volume, frame, window, false, Interpolation::Linear, {}).rgb == composeSlice(volume, frame, window, false, Interpolation::Linear).rgb);
}

HF_TEST(doublesStayDoubles)
{
    // Values that floats would round to multiples of 256, and weights that are exact.
    constexpr double kBase = 4e9;
    const Geometry geometry({4, 3, 3}, {1, 1, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    std::vector<double> voxels;
    for (int n = 0; n < 36; ++n) {
        voxels.push_back(kBase + 3 * n);
    }
    const Volume volume(geometry, std::move(voxels), {});
    View view;
    view.slice = 1;
    const SliceFrame frame = frameOf(geometry, view);
    const auto values = [&](const SliceFrame& seen, Interpolation interpolation, const Slab& slab) { return std::get<std::vector<double>>(sampleSlab(volume, seen, interpolation, slab)); };
    const Slab mean{SlabMode::Mean, 3}, most{SlabMode::Maximum, 3};
    for (std::size_t n = 0; n < 12; ++n) {
        const double expected = kBase + 3 * double(n + 12);
        HF_CHECK_EQUAL(values(frame, Interpolation::Nearest, {})[n], expected);
        HF_CHECK_NEAR(values(frame, Interpolation::Linear, mean)[n], expected, 1e-6);
        HF_CHECK_EQUAL(values(frame, Interpolation::Linear, most)[n], expected + 36);
    }
    SliceFrame between = frame;
    between.origin = between.toLps(0.5, 0.25);
    HF_CHECK_NEAR(values(between, Interpolation::Linear, {})[0], kBase + 36 + 1.5 + 3, 1e-6);
    SliceFrame turned = between;
    turned.right = {std::sqrt(0.5), std::sqrt(0.5), 0};
    turned.down = {-std::sqrt(0.5), std::sqrt(0.5), 0};
    HF_CHECK_NEAR(values(turned, Interpolation::Linear, {})[0], kBase + 36 + 1.5 + 3, 1e-6);
    // A window of one grey a value: every grey is exact.
    const WindowLevel window{kBase + 127.5, 255, {}, VoiFunction::LinearExact};
    const Picture picture = composeSlab(volume, frame, window, false, Interpolation::Nearest, {});
    for (int n = 0; n < 12; ++n) {
        HF_CHECK_EQUAL(int(picture.at(n % 4, n / 4).r), 3 * (n + 12));
    }
}

HF_TEST(paddingOfDoublesIsThatValueAlone)
{
    const Geometry geometry({3, 1, 1}, {1, 1, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    VolumeInfo info;
    info.padding = {4294967295.0, 4294967295.0};
    const Volume volume(geometry, std::vector<double>{4294967295.0, 4294967294.0, 4294967200.0}, info);
    const SliceFrame frame = frameOf(geometry, {});
    const Picture picture = composeSlab(volume, frame, {4294967247.0, 95, {}, VoiFunction::LinearExact}, false, Interpolation::Nearest, {});
    HF_CHECK_EQUAL(int(picture.at(0, 0).r), 0);
    HF_CHECK(picture.at(1, 0).r > 245);
    HF_CHECK(picture.at(2, 0).r < 10);
    // The window of percentiles lies about what is left.
    HF_CHECK_NEAR(volume.percentileWindow().center, 4294967247.0, 1);
}

HF_TEST_MAIN()
