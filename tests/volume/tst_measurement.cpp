#include "support/Check.h"
#include "viewer/volume/Measurement.h"

#include <nlohmann/json.hpp>

#include <fstream>
#include <numbers>

using namespace hf;

namespace {

/// The volume of tests/oracles/record_regions.py.
Volume oracleVolume(const nlohmann::json& oracle, std::vector<Note> notes = {})
{
    const Size3 size{oracle["size"][0], oracle["size"][1], oracle["size"][2]};
    std::vector<std::int16_t> voxels;
    for (int k = 0; k < size.k; ++k) {
        for (int j = 0; j < size.j; ++j) {
            for (int i = 0; i < size.i; ++i) {
                voxels.push_back(std::int16_t((i * i * 37 + j * 91 * (1 + k % 3) + k * 53 + i * j * 11) % 2001 - 1000));
            }
        }
    }
    const Geometry geometry(size, {oracle["spacing"][0], oracle["spacing"][1], oracle["spacing"][2]}, {10, -20, 30}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    return Volume(geometry, std::move(voxels), {.modality = "CT", .unit = Unit::Hu, .notes = std::move(notes)});
}

nlohmann::json readOracle()
{
    std::ifstream file(HF_SOURCE_DIR "/tests/data/regions.json");
    return nlohmann::json::parse(file);
}

Volume flat(int columns, int rows, std::array<double, 3> spacing, std::vector<Note> notes = {})
{
    return Volume(Geometry({columns, rows, 1}, spacing, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), std::vector<std::uint8_t>(std::size_t(columns * rows), 7),
        {.notes = std::move(notes)});
}

Measurement make(MeasurementKind kind, std::vector<PointLps> points)
{
    Measurement m;
    m.kind = kind;
    m.points = std::move(points);
    return m;
}

/// A place on an oblique plane through (5, 6, 7).
struct ObliquePlane {
    Vec3 right = normalized({1, 2, 0.5}), down = normalized(cross({0.3, -0.2, 1}, right));
    PointLps at(double x, double y) const { return PointLps{5, 6, 7} + right * x + down * y; }
};

} // namespace

HF_TEST(regionsAreWhatNumPySays)
{
    const nlohmann::json oracle = readOracle();
    const Volume volume = oracleVolume(oracle);
    HF_CHECK_EQUAL(oracle["regions"].size(), std::size_t(7));
    for (const auto& region : oracle["regions"]) {
        const int axis = region["axis"], a = axis == 0 ? 1 : 0, b = axis == 2 ? 1 : 2;
        Measurement m;
        m.kind = *findMeasurementKind(region["kind"]);
        m.right = volume.geometry().direction(a);
        m.down = volume.geometry().direction(b);
        const PointLps origin = volume.geometry().origin() + volume.geometry().direction(axis) * (double(region["index"]) * volume.geometry().spacingMm()[std::size_t(axis)]);
        for (const auto& p : region["points"]) {
            m.points.push_back(origin + m.right * double(p[0]) + m.down * double(p[1]));
        }
        const MeasurementFacts facts = measure(m, volume, scaleOf(volume));
        HF_CHECK(facts.region.has_value());
        HF_CHECK_EQUAL(facts.region->pixels, std::size_t(region["pixels"]));
        const auto near = [](double expected) { return 1e-6 * std::max(1.0, std::abs(expected)); };
        HF_CHECK_NEAR(facts.region->mean, double(region["mean"]), near(region["mean"]));
        HF_CHECK_NEAR(facts.region->sd, double(region["sd"]), near(region["sd"]));
        HF_CHECK_EQUAL(facts.region->minimum, double(region["minimum"]));
        HF_CHECK_EQUAL(facts.region->maximum, double(region["maximum"]));
        HF_CHECK_NEAR(facts.region->pixelArea, double(region["pixelArea"]), near(region["pixelArea"]));
        HF_CHECK_NEAR(facts.region->area, double(region["area"]), near(region["area"]));
    }
}

HF_TEST(lengthsAndAnglesOnAnObliquePlane)
{
    const Volume volume = flat(100, 100, {0.8, 0.5, 3});
    const ObliquePlane plane;
    Measurement length = make(MeasurementKind::Length, {plane.at(0, 0), plane.at(30, 40)});
    length.right = plane.right;
    length.down = plane.down;
    HF_CHECK_NEAR(*measure(length, volume, {}).length, 50, 1e-9);
    Measurement angle = length;
    angle.kind = MeasurementKind::Angle;
    angle.points = {plane.at(10, 0), plane.at(0, 0), plane.at(-5, 5 * std::sqrt(3.0))};
    HF_CHECK_NEAR(*measure(angle, volume, {}).angleDeg, 120, 1e-9);
    HF_CHECK(!measure(angle, volume, {}).length);
}

HF_TEST(cobbTakesBothLinesFromLeftToRight)
{
    const Volume volume = flat(100, 100, {1, 1, 1});
    // Each end plate tilted against the other; drawn in either direction.
    const auto cobb = [&](double upperDeg, double lowerDeg, bool turned) {
        const auto along = [](double deg) { return Vec3{std::cos(deg * std::numbers::pi / 180), std::sin(deg * std::numbers::pi / 180), 0}; };
        PointLps a{20, 20, 0}, b = a + along(upperDeg) * 30, c{25, 70, 0}, d = c + along(lowerDeg) * 30;
        if (turned) {
            std::swap(c, d);
        }
        return *measure(make(MeasurementKind::Cobb, {a, b, c, d}), volume, {}).angleDeg;
    };
    HF_CHECK_NEAR(cobb(15, -20, false), 35, 1e-9);
    HF_CHECK_NEAR(cobb(15, -20, true), 35, 1e-9);
    HF_CHECK_NEAR(cobb(50, -60, true), 110, 1e-9);
}

HF_TEST(withoutAScaleLengthsArePixels)
{
    const Volume volume = flat(100, 100, {0.5, 0.5, 1}, {{"no-spacing", ""}});
    const MeasurementFacts facts = measure(make(MeasurementKind::Length, {{0, 0, 0}, {15, 20, 0}}), volume, scaleOf(volume));
    HF_CHECK(facts.scale == ScaleSource::None);
    HF_CHECK_NEAR(*facts.length, 50, 1e-9);
    const MeasurementFacts box = measure(make(MeasurementKind::Rectangle, {{0, 0, 0}, {5, 10, 0}}), volume, scaleOf(volume));
    HF_CHECK_NEAR(box.region->area, 10 * 20, 1e-9);
    HF_CHECK_NEAR(box.region->perimeter, 60, 1e-9);
}

HF_TEST(aProjectionSaysSo)
{
    const Volume volume = flat(100, 100, {0.2, 0.2, 1}, {{"imager-spacing", ""}});
    HF_CHECK(measure(make(MeasurementKind::Length, {{0, 0, 0}, {3, 4, 0}}), volume, scaleOf(volume)).scale == ScaleSource::Detector);
}

HF_TEST(ultrasoundUsesTheRegionThatHoldsAllPoints)
{
    const Volume volume = flat(200, 100, {1, 1, 1}, {{"no-spacing", ""}});
    ImageScale scale{ScaleSource::Ultrasound, {{0, 0, 99, 99, 0.2, 0.4}, {100, 0, 199, 99, 0.05, 0.05}}};
    const auto length = [&](PointLps a, PointLps b) { return measure(make(MeasurementKind::Length, {a, b}), volume, scale); };
    HF_CHECK_NEAR(*length({10, 10, 0}, {40, 50, 0}).length, std::hypot(30 * 0.2, 40 * 0.4), 1e-9);
    HF_CHECK(length({10, 10, 0}, {40, 50, 0}).scale == ScaleSource::Ultrasound);
    HF_CHECK_NEAR(*length({110, 10, 0}, {140, 50, 0}).length, 50 * 0.05, 1e-9);
    HF_CHECK(length({90, 10, 0}, {120, 50, 0}).scale == ScaleSource::None);
    HF_CHECK_NEAR(*length({90, 10, 0}, {120, 50, 0}).length, 50, 1e-9);
    // Turned by a quarter on the screen: the same length.
    Measurement turned = make(MeasurementKind::Length, {{10, 10, 0}, {40, 50, 0}});
    turned.right = {0, 1, 0};
    turned.down = {-1, 0, 0};
    HF_CHECK_NEAR(*measure(turned, volume, scale).length, std::hypot(30 * 0.2, 40 * 0.4), 1e-9);
    Measurement box = make(MeasurementKind::Rectangle, {{10, 10, 0}, {20, 30, 0}});
    HF_CHECK_NEAR(measure(box, volume, scale).region->area, 10 * 0.2 * 20 * 0.4, 1e-9);
}

HF_TEST(ellipseAndSelfCrossingAreas)
{
    const Volume volume = flat(100, 100, {1, 1, 1});
    const auto ellipse = measure(make(MeasurementKind::Ellipse, {{10, 20, 0}, {50, 40, 0}}), volume, {});
    HF_CHECK_NEAR(ellipse.region->area, std::numbers::pi * 20 * 10, 1e-9);
    HF_CHECK_NEAR(ellipse.region->perimeter, 96.8844822055, 0.01);     // complete elliptic integral
    // A bow tie: the shoelace formula would say 0.
    const auto tie = measure(make(MeasurementKind::Polygon, {{10.5, 10.5, 0}, {40.5, 40.5, 0}, {40.5, 10.5, 0}, {10.5, 40.5, 0}}), volume, {});
    HF_CHECK(tie.region->pixels > 400);
    HF_CHECK_EQUAL(tie.region->area, tie.region->pixelArea);
}

HF_TEST(anObliquePlaneIsSampled)
{
    // Value = x coordinate: the mean over a symmetric region is the x of its middle.
    const int n = 40;
    std::vector<float> voxels;
    for (int k = 0; k < n; ++k) {
        for (int j = 0; j < n; ++j) {
            for (int i = 0; i < n; ++i) {
                voxels.push_back(float(i));
            }
        }
    }
    const Volume volume(Geometry({n, n, n}, {1, 1, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), std::move(voxels), {});
    Measurement m;
    m.kind = MeasurementKind::Ellipse;
    m.right = normalized({1, 1, 0});
    m.down = normalized(cross({1, -1, 1}, m.right));
    const PointLps middle{20.25, 19, 18};
    m.points = {middle + m.right * -6 + m.down * -4, middle + m.right * 6 + m.down * 4};
    const MeasurementFacts facts = measure(m, volume, {});
    HF_CHECK_NEAR(facts.region->mean, 20.25, 1e-3);
    HF_CHECK_NEAR(facts.region->pixelArea, std::numbers::pi * 24, 3);
}

HF_TEST(whatIsIncompleteOrOutsideHasNoFacts)
{
    const Volume volume = flat(10, 10, {1, 1, 1});
    HF_CHECK(!measure(make(MeasurementKind::Length, {{0, 0, 0}}), volume, {}).length);
    HF_CHECK(!measure(make(MeasurementKind::Length, {}), volume, {}).length);
    HF_CHECK(!measure(make(MeasurementKind::Probe, {{50, 0, 0}}), volume, {}).value);
    HF_CHECK_EQUAL(*measure(make(MeasurementKind::Probe, {{4.4, 3, 0}}), volume, {}).value, 7.0F);
    HF_CHECK_EQUAL(measure(make(MeasurementKind::Rectangle, {{40, 40, 0}, {50, 50, 0}}), volume, {}).region->pixels, std::size_t(0));
    HF_CHECK_EQUAL(measure(make(MeasurementKind::Rectangle, {{-1e9, -1e9, 0}, {1e9, 1e9, 0}}), volume, {}).region->pixels, std::size_t(100));
}

HF_TEST(aProbeOfAColourImageTellsItsColour)
{
    std::vector<std::uint8_t> rgb(3 * 16, 0);
    rgb[3 * 6] = 200;
    rgb[3 * 6 + 2] = 90;
    const Volume volume(Geometry({4, 4, 1}, {1, 1, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), std::vector<std::uint8_t>(16), {}, rgb);
    const MeasurementFacts facts = measure(make(MeasurementKind::Probe, {{2.2, 0.9, 0}}), volume, {});
    HF_CHECK(facts.color == (std::array<int, 3>{200, 0, 90}));
    HF_CHECK(!facts.value);
}

HF_TEST(kindsHaveWords)
{
    for (const MeasurementKind kind : {MeasurementKind::Length, MeasurementKind::Angle, MeasurementKind::Cobb, MeasurementKind::Ellipse, MeasurementKind::Rectangle, MeasurementKind::Polygon,
             MeasurementKind::Freehand, MeasurementKind::Arrow, MeasurementKind::Text, MeasurementKind::Probe}) {
        HF_CHECK(findMeasurementKind(toString(kind)) == kind);
    }
    HF_CHECK(!findMeasurementKind("circle"));
}

HF_TEST_MAIN()
