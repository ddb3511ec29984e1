#include "support/Check.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/Picture.h"
#include "viewer/volume/SampledSlice.h"

#include <cmath>

using namespace hf;

namespace {

/// 4 x 3 x 2 voxels of 1 x 2 x 5 mm, value 100 k + 10 j + i, along the patient axes or with every axis reversed.
Volume small(bool reversed = false)
{
    std::vector<std::int16_t> voxels;
    for (int k = 0; k < 2; ++k) {
        for (int j = 0; j < 3; ++j) {
            for (int i = 0; i < 4; ++i) {
                voxels.push_back(std::int16_t(100 * k + 10 * j + i));
            }
        }
    }
    const double s = reversed ? -1 : 1;
    const Geometry geometry({4, 3, 2}, {1, 2, 5}, {0, 0, 0}, {Vec3{s, 0, 0}, Vec3{0, s, 0}, Vec3{0, 0, s}});
    return Volume(geometry, std::move(voxels), {.modality = "CT", .unit = Unit::Hu});
}

/// Grey equals value for 0 <= value <= 255.
const WindowLevel kIdentity{128, 256, ""};

std::vector<int> greys(const Picture& picture)
{
    std::vector<int> list;
    for (int y = 0; y < picture.height; ++y) {
        for (int x = 0; x < picture.width; ++x) {
            list.push_back(picture.at(x, y).r);
        }
    }
    return list;
}

std::vector<int> greysOf(const Volume& volume, View view)
{
    return greys(composeSlice(volume, frameOf(volume.geometry(), view), kIdentity, false, Interpolation::Nearest));
}

} // namespace

HF_TEST(axialHasPatientLeftAtTheRightAndAnteriorUp)
{
    HF_CHECK(greysOf(small(), {.plane = Plane::Axial, .slice = 1}) ==
        (std::vector<int>{100, 101, 102, 103, 110, 111, 112, 113, 120, 121, 122, 123}));
    HF_CHECK(greysOf(small(true), {.plane = Plane::Axial, .slice = 1}) ==
        (std::vector<int>{123, 122, 121, 120, 113, 112, 111, 110, 103, 102, 101, 100}));
}

HF_TEST(coronalAndSagittalHaveTheHeadUp)
{
    HF_CHECK(greysOf(small(), {.plane = Plane::Coronal, .slice = 2}) == (std::vector<int>{120, 121, 122, 123, 20, 21, 22, 23}));
    HF_CHECK(greysOf(small(), {.plane = Plane::Sagittal, .slice = 3}) == (std::vector<int>{103, 113, 123, 3, 13, 23}));
}

HF_TEST(flipsMirrorPictureAndFrame)
{
    const View view{.plane = Plane::Axial, .slice = 0, .window = {}, .invert = false, .flipHorizontal = true, .flipVertical = true};
    HF_CHECK(greysOf(small(), view) == (std::vector<int>{23, 22, 21, 20, 13, 12, 11, 10, 3, 2, 1, 0}));
    const SliceFrame frame = frameOf(small().geometry(), view);
    HF_CHECK_NEAR(frame.toLps(0, 0).x, 3, 1e-12);
    HF_CHECK_NEAR(frame.toPixel({0, 0, 0})[0], 3, 1e-12);
}

HF_TEST(linearSamplingLiesBetweenItsNeighbours)
{
    const Volume volume = small();
    SliceFrame frame = frameOf(volume.geometry(), {.plane = Plane::Axial, .slice = 0});
    frame.origin = frame.origin + Vec3{0.5, 1, 2.5};   // half a voxel along i, j and k
    const Picture picture = composeSlice(volume, frame, kIdentity, false, Interpolation::Linear);
    HF_CHECK_EQUAL(int(picture.at(0, 0).r), 56);       // 0.5 + 5 + 50 = 55.5, rounded up
    // The last column is half a voxel outside the last centre: still the edge voxel. Beyond that: black.
    HF_CHECK_EQUAL(int(picture.at(3, 0).r), 58);
    frame.origin = frame.origin + Vec3{0.2, 0, 0};
    HF_CHECK_EQUAL(int(composeSlice(volume, frame, kIdentity, false, Interpolation::Linear).at(3, 0).r), 0);
}

HF_TEST(anObliqueFrameAgreesWithTheVolumesOwnInterpolation)
{
    const Volume volume = small();
    SliceFrame frame;
    frame.origin = {0.2, 0.4, 0.3};
    frame.right = normalized(Vec3{1, 0.2, 0.1});
    frame.down = normalized(cross(cross(frame.right, Vec3{0, 1, 0.3}), frame.right));
    frame.pixelMm = {0.7, 0.9};
    frame.width = 4;
    frame.height = 4;
    const Picture picture = composeSlice(volume, frame, kIdentity, false, Interpolation::Linear);
    int inside = 0;
    for (int y = 0; y < 4; ++y) {
        for (int x = 0; x < 4; ++x) {
            const auto value = volume.valueAt(frame.toLps(x, y));
            HF_CHECK_NEAR(picture.at(x, y).r, value ? std::floor(*value + 0.5) : 0, 1);
            inside += value.has_value();
        }
    }
    HF_CHECK(inside > 8);
}

HF_TEST(squarePixelsCoverTheSameField)
{
    const SliceFrame frame = squareFrameOf(small().geometry(), {.plane = Plane::Coronal, .slice = 0});
    HF_CHECK_EQUAL(frame.width, 4);
    HF_CHECK_EQUAL(frame.height, 10);
    HF_CHECK_NEAR(frame.pixelMm[1], 1, 1e-12);
    HF_CHECK_NEAR(frame.toLps(0, -0.5).z, 7.5, 1e-12);
    HF_CHECK_NEAR(frame.toLps(0, 9.5).z, -2.5, 1e-12);
}

HF_TEST(masksAreBlendedWithTheirColours)
{
    const Volume volume = small();
    std::vector<LabelId> voxels(24, 0);
    voxels[volume.geometry().offset({1, 1, 0})] = 3;
    const LabelMap mask(volume.geometry(), voxels, {{3, "thing", {200, 100, 0}, "", ""}});
    const SliceFrame frame = frameOf(volume.geometry(), {.plane = Plane::Axial, .slice = 0});
    const auto pixel = [&](OverlayStyle style) {
        return composeSlice(volume, frame, kIdentity, false, Interpolation::Nearest, &mask, style).at(1, 1);
    };
    HF_CHECK(pixel({.opacity = 0.5, .outline = false, .hidden = {}}) == (Rgb8{106, 56, 6}));     // half of 11 and the colour
    HF_CHECK(pixel({.opacity = 0.5, .outline = true, .hidden = {}}) == (Rgb8{200, 100, 0}));
    HF_CHECK(pixel({.opacity = 0.5, .outline = true, .hidden = {3}}) == (Rgb8{11, 11, 11}));
}

// Large pictures are put together by several threads, in bands of rows.
HF_TEST(aLargeMaskIsBlendedAsPixelByPixel)
{
    constexpr int kWidth = 613, kHeight = 587;
    const Geometry geometry({kWidth, kHeight, 1}, {1, 1, 1}, {}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    std::vector<std::int16_t> voxels;
    std::vector<LabelId> labels;
    for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
            voxels.push_back(std::int16_t((x * 7 + y * 13) % 256));
            // Blocks of nothing, of labels and of one without a colour, some of them at the edges of the picture.
            labels.push_back(LabelId((x / 9 + 5 * (y / 11)) % 7));
        }
    }
    const Rgb8 colors[] = {{}, {255, 0, 0}, {0, 255, 0}, {10, 20, 250}, {200, 100, 0}, {255, 255, 255}, {}};
    std::vector<Label> names;
    for (LabelId value = 1; value < 6; ++value) {
        names.push_back({value, "thing " + std::to_string(value), colors[value], "", ""});
    }
    const Volume volume(geometry, voxels, {});
    const SliceFrame frame = frameOf(geometry, {.plane = Plane::Axial, .slice = 0});
    const auto shownAt = [&](int x, int y) {
        const LabelId label = x < 0 || y < 0 || x >= kWidth || y >= kHeight ? LabelId(0) : labels[std::size_t(y) * kWidth + std::size_t(x)];
        return label == 2 || label == 6 ? LabelId(0) : label;       // hidden, unknown
    };
    const LabelMap mask(geometry, labels, names);
    for (const bool outline : {true, false}) {
        const Picture picture = composeSlice(volume, frame, kIdentity, false, Interpolation::Nearest, &mask, {.opacity = 0.3, .outline = outline, .hidden = {2}});
        HF_CHECK(picture.width == kWidth && picture.height == kHeight);
        int wrong = 0;
        for (int y = 0; y < kHeight; ++y) {
            for (int x = 0; x < kWidth; ++x) {
                const LabelId own = shownAt(x, y);
                const bool isBorder = shownAt(x - 1, y) != own || shownAt(x + 1, y) != own || shownAt(x, y - 1) != own || shownAt(x, y + 1) != own;
                const int grey = (x * 7 + y * 13) % 256;
                const auto level = [&](int color) { return own == 0 ? grey : outline && isBorder ? color : int(std::lround(grey + (color - grey) * 0.3)); };
                const Rgb8 is = picture.at(x, y), color = colors[own];
                wrong += is.r != level(color.r) || is.g != level(color.g) || is.b != level(color.b);
            }
        }
        HF_CHECK_EQUAL(wrong, 0);
    }
}

// A window that is dragged over a slice that was sampled before shows what a slice sampled for it shows.
HF_TEST(aSampledSliceIsComposedAgainForAnyWindow)
{
    const Geometry geometry({9, 7, 3}, {1, 1.5, 2}, {}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    std::vector<std::int16_t> voxels;
    std::vector<LabelId> labels;
    for (int n = 0; n < 9 * 7 * 3; ++n) {
        voxels.push_back(std::int16_t((n * 37) % 400 - 100));
        labels.push_back(LabelId(n / 4 % 3));
    }
    VolumeInfo info;
    info.padding = {-90, -80};
    info.isInverted = true;
    auto graphics = std::make_shared<std::vector<std::uint16_t>>(voxels.size());
    (*graphics)[9 * 7 + 12] = 1;
    info.graphics = graphics;
    const Volume volume(geometry, voxels, info);
    std::vector<std::uint8_t> rgb;
    for (int n = 0; n < 9 * 7 * 3 * 3; ++n) {
        rgb.push_back(std::uint8_t(n * 11));
    }
    const Volume color(geometry, std::vector<std::uint8_t>(voxels.size(), 9), info, rgb);
    const LabelMap mask(geometry, labels, {{1, "one", {255, 0, 0}, "", ""}, {2, "two", {0, 90, 255}, "", ""}});
    SliceFrame frame = squareFrameOf(geometry, {.plane = Plane::Axial, .slice = 1});
    frame.origin = frame.origin + frame.right * -2.3;    // a part lies outside
    for (const Volume* shown : {&volume, &color}) {
        for (const LabelMap* laid : {static_cast<const LabelMap*>(nullptr), &mask}) {
            for (const SlabMode mode : {SlabMode::Off, SlabMode::Mean}) {
                const Slab slab{mode, 6};
                const SampledSlice sampled(*shown, frame, Interpolation::Linear, slab, laid, {});
                for (const WindowLevel& window : {WindowLevel{50, 300, {}}, WindowLevel{0, 20, {}}, WindowLevel{100, 150, {}, VoiFunction::Sigmoid}}) {
                    for (const bool invert : {false, true}) {
                        HF_CHECK(sampled.compose(window, invert).rgb == composeSlab(*shown, frame, window, invert, Interpolation::Linear, slab, laid, {}).rgb);
                    }
                }
            }
        }
    }
    // An overlay plane is white, also in a picture that is turned over.
    int white = 0;
    const Picture plain = SampledSlice(volume, frame, Interpolation::Linear, {}, nullptr, {}).compose({150, 10000, {}}, true);
    for (int x = 0; x < plain.width; ++x) {
        for (int y = 0; y < plain.height; ++y) {
            white += plain.at(x, y) == Rgb8{255, 255, 255};
        }
    }
    HF_CHECK(white >= 1 && white <= 4);
}

HF_TEST(theModelsMaskedPictureIsTheReferencesBlend)
{
    // Check values of the reference (vila-m3.md 6.8) at grey 0, 100, 200, 255.
    std::vector<std::int16_t> voxels{0, 100, 200, 255, 0, 100, 200, 255, 0, 100, 200, 255};
    const Geometry geometry({4, 3, 1}, {1, 1, 1}, {}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    const Volume volume(geometry, voxels, {});
    const View view{.plane = Plane::Axial, .slice = 0, .window = kIdentity};
    const auto rowOf = [&](std::vector<LabelId> mask, std::vector<Label> labels) {
        const MaskedPicture masked = modelMaskedPicture(volume, view, LabelMap(geometry, std::move(mask), std::move(labels)));
        return masked;
    };
    const MaskedPicture two = rowOf({0, 0, 0, 0, 5, 5, 5, 5, 0, 0, 0, 0}, {{5, "liver", {}, "", ""}});
    HF_CHECK(two.picture.at(0, 0) == (Rgb8{0, 0, 0}));
    HF_CHECK(two.picture.at(1, 0) == (Rgb8{69, 69, 69}));
    HF_CHECK(two.picture.at(2, 0) == (Rgb8{139, 139, 139}));
    HF_CHECK(two.picture.at(3, 0) == (Rgb8{178, 178, 178}));
    HF_CHECK(two.picture.at(0, 1) == (Rgb8{76, 0, 0}));
    HF_CHECK(two.picture.at(1, 1) == (Rgb8{146, 69, 69}));
    HF_CHECK(two.picture.at(2, 1) == (Rgb8{216, 139, 139}));
    HF_CHECK(two.picture.at(3, 1) == (Rgb8{255, 178, 178}));
    HF_CHECK_EQUAL(two.legend.size(), std::size_t(1));
    HF_CHECK_EQUAL(two.legend[0].colorName, std::string("red"));
    HF_CHECK_EQUAL(two.legend[0].labelName, std::string("liver"));
    // The sixth label of a slice is indigo.
    const MaskedPicture six = rowOf({1, 2, 3, 4, 6, 6, 6, 6, 5, 0, 0, 0}, {{6, "spleen", {}, "", ""}});
    HF_CHECK(six.picture.at(0, 1) == (Rgb8{22, 0, 39}));
    HF_CHECK(six.picture.at(1, 1) == (Rgb8{92, 69, 109}));
    HF_CHECK(six.picture.at(2, 1) == (Rgb8{162, 139, 179}));
    HF_CHECK(six.picture.at(3, 1) == (Rgb8{200, 178, 217}));
    HF_CHECK_EQUAL(six.legend.size(), std::size_t(1));
    HF_CHECK_EQUAL(six.legend[0].colorName, std::string("indigo"));
}

HF_TEST(coloursAreShownAsTheyAre)
{
    const Geometry geometry({2, 1, 1}, {1, 1, 1}, {}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    const Volume volume(geometry, std::vector<std::uint8_t>{50, 60}, {}, {10, 20, 30, 200, 210, 220});
    const Picture picture = composeSlice(volume, frameOf(geometry, {}), {0, 1}, false, Interpolation::Linear);
    HF_CHECK(picture.at(0, 0) == (Rgb8{10, 20, 30}));
    HF_CHECK(picture.at(1, 0) == (Rgb8{200, 210, 220}));
}

HF_TEST(slicesOutsideAreRefused)
{
    HF_CHECK_THROWS(frameOf(small().geometry(), {.plane = Plane::Axial, .slice = 2}), Error);
    HF_CHECK_THROWS(frameOf(small().geometry(), {.plane = Plane::Axial, .slice = -1}), Error);
    HF_CHECK_THROWS(composeSlice(Volume(), SliceFrame{}, kIdentity, false, Interpolation::Linear), Error);
}

HF_TEST_MAIN()
