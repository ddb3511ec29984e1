#include "support/Check.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Oblique.h"
#include "viewer/volume/Picture.h"
#include "viewer/volume/Slab.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <numbers>

using namespace hf;

namespace {

constexpr double kDegree = std::numbers::pi / 180;

/// A head-first scan, tilted in the scanner, with anisotropic voxels.
Geometry tilted()
{
    const double c = std::cos(20 * kDegree), s = std::sin(20 * kDegree);
    return Geometry({24, 20, 16}, {1.0, 1.25, 2.5}, {-11, 7, 30}, {Vec3{1, 0, 0}, Vec3{0, c, s}, Vec3{0, -s, c}});
}

/// As tests/oracles/record_oblique.py makes it.
Volume recorded()
{
    const Geometry geometry = tilted();
    std::vector<std::int16_t> voxels;
    for (int k = 0; k < 16; ++k) {
        for (int j = 0; j < 20; ++j) {
            for (int i = 0; i < 24; ++i) {
                voxels.push_back(std::int16_t((i * 37 + j * 101 + k * 59 + i * j * 13 + k * k * 7) % 1501 - 500));
            }
        }
    }
    return Volume(geometry, std::move(voxels), {.modality = "CT", .unit = Unit::Hu});
}

/// Values that are a linear function of the place: any right interpolation gives them exactly.
Volume ramp()
{
    const Geometry geometry = tilted();
    std::vector<float> voxels;
    for (int k = 0; k < 16; ++k) {
        for (int j = 0; j < 20; ++j) {
            for (int i = 0; i < 24; ++i) {
                const PointLps p = geometry.toLps(Index3{i, j, k});
                voxels.push_back(float(3 * p.x - 2 * p.y + 5 * p.z + 100));
            }
        }
    }
    return Volume(geometry, std::move(voxels), {.modality = "MR"});
}

double inPlane(Vec3 a, Vec3 b) { return std::acos(std::clamp(dot(a, b), -1.0, 1.0)) / kDegree; }

nlohmann::json oracle()
{
    std::ifstream file(HF_SOURCE_DIR "/tests/data/oblique.json");
    return nlohmann::json::parse(file);
}

PlaneTurn turnOf(const nlohmann::json& turns)
{
    PlaneTurn turn;
    for (const auto& step : turns) {
        turn = turn.turnedAbout({step[0], step[1], step[2]}, double(step[3]) * kDegree);
    }
    return turn;
}

} // namespace

HF_TEST(valuesOfObliqueSlicesAreThoseOfScipyAndItk)
{
    const Volume volume = recorded();
    int slices = 0, compared = 0;
    const nlohmann::json recordings = oracle();
    for (const auto& entry : recordings["slices"]) {
        const PlaneTurn turn = turnOf(entry["turns"]);
        const PointLps through{entry["through"][0], entry["through"][1], entry["through"][2]};
        const SliceFrame frame = obliqueFrame(volume.geometry(), planeFromString(entry["plane"]), turn, through);
        // The recorded points were made from the definition of the plane, not from our frame.
        Slab slab;
        if (entry.contains("slab")) {
            slab = {entry["slab"] == "max" ? SlabMode::Maximum : entry["slab"] == "min" ? SlabMode::Minimum : SlabMode::Mean, double(entry["thickness"])};
        }
        HF_CHECK_EQUAL(frame.width, int(entry["width"]));
        HF_CHECK_EQUAL(frame.height, int(entry["height"]));
        const auto values = std::get<std::vector<float>>(sampleSlab(volume, frame, Interpolation::Linear, slab));
        for (std::size_t n = 0; n < values.size(); ++n) {
            const auto& expected = entry["values"][n];
            HF_CHECK_EQUAL(std::isnan(values[n]), expected.is_null());
            if (!expected.is_null() && !std::isnan(values[n])) {
                HF_CHECK_NEAR(values[n], double(expected), 0.01);
                ++compared;
            }
        }
        ++slices;
    }
    HF_CHECK(slices >= 9);
    HF_CHECK(compared > 3000);
}

HF_TEST(labelsOfObliqueSlicesAreThoseOfTheNearestVoxels)
{
    const Volume volume = recorded();
    const Size3 size = volume.geometry().size();
    std::vector<LabelId> voxels;
    for (std::size_t n = 0; n < size.voxels(); ++n) {
        voxels.push_back(LabelId(1 + n * 7 % 250));
    }
    std::vector<Label> labels;
    for (int value = 1; value <= 250; ++value) {
        labels.push_back({LabelId(value), "label", {std::uint8_t(value), std::uint8_t(255 - value), 7}, {}, {}});
    }
    const LabelMap map(volume.geometry(), voxels, labels);
    const PlaneTurn turn = PlaneTurn{}.turnedAbout({1, 2, -0.5}, 33 * kDegree);
    SliceFrame frame = obliqueFrame(volume.geometry(), Plane::Axial, turn, volume.geometry().toLps(ContinuousIndex{11.3, 9.2, 7.7}));
    frame.pixelMm = {frame.pixelMm[0] / 3, frame.pixelMm[1] / 3};
    frame.width *= 3;
    frame.height *= 3;
    const Picture picture = composeSlice(volume, frame, {40, 400, {}}, false, Interpolation::Linear, &map, {1, false, {}});
    int inside = 0;
    for (int y = 0; y < frame.height; ++y) {
        for (int x = 0; x < frame.width; ++x) {
            const ContinuousIndex c = volume.geometry().toIndex(frame.toLps(x, y));
            const auto isTie = [](double v) { return std::abs(v - std::floor(v) - 0.5) < 1e-6; };
            const Index3 index{int(std::floor(c.i + 0.5)), int(std::floor(c.j + 0.5)), int(std::floor(c.k + 0.5))};
            if (isTie(c.i) || isTie(c.j) || isTie(c.k) || !volume.geometry().contains(index)) {
                continue;
            }
            HF_CHECK_EQUAL(int(picture.at(x, y).r), int(map.valueAt(index)));
            ++inside;
        }
    }
    HF_CHECK(inside > 2000);
}

HF_TEST(aLinearRampIsExactOnEveryPlane)
{
    const Volume volume = ramp();
    const PointLps middle = volume.geometry().toLps(ContinuousIndex{11.3, 9.2, 7.7});
    for (const Plane plane : {Plane::Axial, Plane::Sagittal, Plane::Coronal}) {
        for (const double degrees : {7.0, 33.0, 90.0, -61.0, 170.0}) {
            const PlaneTurn turn = PlaneTurn{}.turnedAbout({1, 2, -0.5}, degrees * kDegree);
            const SliceFrame frame = obliqueFrame(volume.geometry(), plane, turn, middle);
            const auto values = std::get<std::vector<float>>(sampleValues(volume, frame, Interpolation::Linear));
            int inside = 0;
            for (int y = 0; y < frame.height; ++y) {
                for (int x = 0; x < frame.width; ++x) {
                    const PointLps p = frame.toLps(x, y);
                    const ContinuousIndex c = volume.geometry().toIndex(p);
                    // Half a voxel beyond the outermost centres the edge goes on.
                    if (c.i < 0 || c.j < 0 || c.k < 0 || c.i > 23 || c.j > 19 || c.k > 15) {
                        continue;
                    }
                    HF_CHECK_NEAR(values[std::size_t(y * frame.width + x)], 3 * p.x - 2 * p.y + 5 * p.z + 100, 2e-3);
                    ++inside;
                }
            }
            HF_CHECK(inside > 100);
            // The plane goes through the point.
            HF_CHECK_NEAR(dot(middle - frame.origin, frame.normal()), 0, 1e-9);
        }
    }
}

HF_TEST(planesStayPerpendicularAfterManyTurns)
{
    const Geometry geometry = tilted();
    PlaneTurn turn;
    for (int n = 0; n < 5000; ++n) {
        turn = turn.turnedAbout(turnedNormal(geometry, n % 3 == 0 ? Plane::Axial : n % 3 == 1 ? Plane::Sagittal : Plane::Coronal, turn), 0.013);
    }
    const Vec3 a = turnedNormal(geometry, Plane::Axial, turn), s = turnedNormal(geometry, Plane::Sagittal, turn), c = turnedNormal(geometry, Plane::Coronal, turn);
    HF_CHECK_NEAR(dot(a, s), 0, 1e-12);
    HF_CHECK_NEAR(dot(a, c), 0, 1e-12);
    HF_CHECK_NEAR(dot(s, c), 0, 1e-12);
    HF_CHECK_NEAR(length(a), 1, 1e-12);
}

HF_TEST(thePlaneOfTheTurnKeepsItsPicture)
{
    const Geometry geometry = tilted();
    const PointLps through = geometry.toLps(ContinuousIndex{10, 9, 8});
    const PlaneTurn turn = PlaneTurn{}.turnedAbout(turnedNormal(geometry, Plane::Axial, {}), 40 * kDegree);
    HF_CHECK(!isOblique(geometry, Plane::Axial, turn));
    HF_CHECK(isOblique(geometry, Plane::Coronal, turn));
    const SliceFrame straight = obliqueFrame(geometry, Plane::Axial, {}, through), same = obliqueFrame(geometry, Plane::Axial, turn, through);
    HF_CHECK(straight.right == same.right && straight.origin == same.origin);
    // Turned by 40 degrees about the axis that they share.
    HF_CHECK_NEAR(inPlane(obliqueFrame(geometry, Plane::Coronal, turn, through).normal(), obliqueFrame(geometry, Plane::Coronal, {}, through).normal()), 40, 1e-6);
    HF_CHECK_NEAR(inPlane(obliqueFrame(geometry, Plane::Coronal, turn, through).right, obliqueFrame(geometry, Plane::Coronal, {}, through).right), 40, 1e-6);
}

HF_TEST(lettersAndAnglesOfObliquePlanes)
{
    const Geometry straight({40, 40, 40}, {1, 1, 1}, {-20, -20, -20}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    const PointLps middle{0, 0, 0};
    // About the head-foot axis from left to posterior.
    const PlaneTurn turn = PlaneTurn{}.turnedAbout({0, 0, 1}, 40 * kDegree);
    const SliceFrame coronal = obliqueFrame(straight, Plane::Coronal, turn, middle);
    HF_CHECK_EQUAL(orientationLetters(coronal.right), std::string("LP"));
    HF_CHECK_EQUAL(orientationLetters(coronal.right * -1.0), std::string("RA"));
    HF_CHECK_EQUAL(orientationLetters(coronal.down), std::string("I"));
    HF_CHECK_NEAR(obliqueAngleDeg(straight, Plane::Coronal, turn), 40, 1e-9);
    HF_CHECK_NEAR(obliqueAngleDeg(straight, Plane::Axial, turn), 0, 1e-6);
    // Double oblique, by hand: the normal is (-0.643, 0.627, 0.439), and v - (n + n') (n' v) / (1 + n n') takes the sides there.
    const SliceFrame twice = obliqueFrame(straight, Plane::Coronal, turn.turnedAbout({1, 0, 0}, 35 * kDegree), middle);
    HF_CHECK_NEAR(length(twice.right - Vec3{0.746, 0.643, 0.173}), 0, 2e-3);
    HF_CHECK_NEAR(length(twice.down - Vec3{-0.173, 0.439, -0.882}), 0, 2e-3);
    HF_CHECK_EQUAL(orientationLetters(twice.right), std::string("LP"));
    HF_CHECK_EQUAL(orientationLetters(twice.down), std::string("IP"));
    // A scan that was tilted as a whole is oblique without any turn.
    HF_CHECK_NEAR(obliqueAngleDeg(tilted(), Plane::Axial, {}), 20, 1e-9);
}

HF_TEST(slicesAreCountedAlongTheNormal)
{
    const Geometry geometry = tilted();
    const PlaneTurn turn = PlaneTurn{}.turnedAbout({1, 0, 0}, 31 * kDegree);
    const Vec3 normal = turnedNormal(geometry, Plane::Axial, turn);
    const int count = obliqueSliceCount(geometry, normal);
    HF_CHECK(count > 20);
    PointLps point = geometry.toLps(ContinuousIndex{3, 4, 5});
    for (const int slice : {0, 1, count / 2, count - 1}) {
        point = onObliqueSlice(geometry, normal, point, slice);
        HF_CHECK_EQUAL(obliqueSlice(geometry, normal, point), slice);
    }
    const PointLps a = onObliqueSlice(geometry, normal, point, 4), b = onObliqueSlice(geometry, normal, point, 5);
    HF_CHECK_NEAR(dot(b - a, normal), 1.0, 1e-9);       // the finest spacing
    HF_CHECK_NEAR(length(b - a), 1.0, 1e-9);
}

HF_TEST(slabsOnObliquePlanesAreAsThickAsTheySay)
{
    const Geometry geometry = tilted();
    const Vec3 normal = turnedNormal(geometry, Plane::Axial, PlaneTurn{}.turnedAbout({1, 0, 0}, 31 * kDegree));
    HF_CHECK_NEAR(shownThicknessMm(geometry, normal, 10), 9, 1e-9);     // an odd number of steps of 1 mm
    HF_CHECK_EQUAL(slabOffsets(geometry, normal, 10).size(), std::size_t(9));
}

HF_TEST(theCutOfTwoSlicesIsTheirLine)
{
    const Geometry geometry({40, 30, 20}, {1, 1, 2}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    View axial, sagittal;
    axial.slice = 7;
    sagittal.plane = Plane::Sagittal;
    sagittal.slice = 12;
    const auto line = cutLine(frameOf(geometry, sagittal), frameOf(geometry, axial));
    HF_CHECK(line.has_value());
    for (const PointLps& p : {line->first, line->second}) {
        HF_CHECK_NEAR(p.x, 12, 1e-9);
        HF_CHECK_NEAR(p.z, 14, 1e-9);
    }
    // From border to border of the voxels.
    HF_CHECK_NEAR(std::abs(line->first.y - line->second.y), 30, 1e-9);
    View other = axial;
    other.slice = 3;
    HF_CHECK(!cutLine(frameOf(geometry, axial), frameOf(geometry, other)));
    // Beside the other slice there is no line.
    sagittal.slice = 39;
    SliceFrame small = frameOf(geometry, axial);
    small.width = 10;
    HF_CHECK(!cutLine(frameOf(geometry, sagittal), small));
}

HF_TEST(theShortestTurnBetweenDirections)
{
    for (const Vec3 to : {Vec3{0, 0, 1}, Vec3{0, 0.6, 0.8}, Vec3{0.48, -0.6, 0.64}, Vec3{0, 0, -1}}) {
        HF_CHECK_NEAR(length(PlaneTurn::between({0, 0, 1}, to).apply({0, 0, 1}) - to), 0, 1e-9);
    }
    HF_CHECK(PlaneTurn::between({0, 1, 0}, {0, 1, 0}) == PlaneTurn());
}

HF_TEST_MAIN()
