// Masks to facts, against what NumPy, SciPy and scikit-image measure on the same mask (tests/oracles/record_facts.py).
#include "experts/engine/MaskFacts.h"
#include "support/Check.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <fstream>

using namespace hf;
using namespace hf::experts;

namespace {

const Geometry kGeometry({40, 44, 26}, {0.8, 0.9, 2.0}, {-12, 7, 100}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});

bool inBall(Index3 p, std::array<double, 3> centre, std::array<double, 3> radii)
{
    const double x = (p.i * 0.8 - centre[0]) / radii[0], y = (p.j * 0.9 - centre[1]) / radii[1], z = (p.k * 2.0 - centre[2]) / radii[2];
    return x * x + y * y + z * z <= 1;
}

LabelId labelAt(Index3 p)
{
    if (p.i == 39 && p.k == 25) {
        return 3;
    }
    if ((p.i == 0 && p.j == 0 && p.k == 0) || (p.i == 1 && p.j == 1 && p.k == 1)) {
        return 2;
    }
    if (inBall(p, {26, 33, 12}, {3, 3, 4}) || inBall(p, {5, 33, 40}, {3.4, 4, 5})) {
        return 2;
    }
    return inBall(p, {15, 18, 24}, {11, 12, 18}) ? 1 : 0;
}

struct Sample { LabelMap mask; Volume volume; };

Sample sample()
{
    std::vector<LabelId> labels;
    std::vector<std::int16_t> values;
    for (int k = 0; k < 26; ++k) {
        for (int j = 0; j < 44; ++j) {
            for (int i = 0; i < 40; ++i) {
                labels.push_back(labelAt({i, j, k}));
                values.push_back(std::int16_t((i * 37 + j * 101 + k * 211 + (i * j + k) % 17 * 13) % 1400 - 700));
            }
        }
    }
    const std::vector<Label> names{{1, "organ", {}, "", ""}, {2, "tumour, \"left\"", {}, "", ""}, {3, "line", {}, "", ""}, {4, "not there", {}, "", ""}};
    return {LabelMap(kGeometry, labels, names), Volume(kGeometry, values, {})};
}

} // namespace

HF_TEST(facts_are_those_of_scipy)
{
    const Sample made = sample();
    const std::vector<MaskFacts> facts = measureMask(made.mask, made.volume);
    const auto recorded = nlohmann::json::parse(std::ifstream(HF_SOURCE_DIR "/tests/data/facts.json"))["labels"];
    HF_CHECK_EQUAL(facts.size(), 4U);
    for (std::size_t n = 0; n < recorded.size(); ++n) {
        const auto& expected = recorded[n];
        const MaskFacts& fact = facts[n];
        HF_CHECK_EQUAL(fact.basic.voxels, expected["voxels"].get<std::size_t>());
        HF_CHECK_NEAR(fact.basic.volumeMl, expected["volume_ml"].get<double>(), 1e-9);
        HF_CHECK_NEAR(fact.diameterMm, expected["diameter"].get<double>(), 1e-9);
        HF_CHECK_NEAR(fact.axialDiameterMm, expected["axial_diameter"].get<double>(), 1e-9);
        HF_CHECK_EQUAL(fact.axialSlice, expected["axial_slice"].get<int>());
        HF_CHECK_NEAR(fact.basic.meanValue, expected["mean"].get<double>(), 1e-9);
        HF_CHECK_NEAR(fact.basic.sdValue, expected["sd"].get<double>(), 1e-9);
        HF_CHECK_EQUAL(fact.basic.minValue, expected["min"].get<double>());
        HF_CHECK_EQUAL(fact.basic.maxValue, expected["max"].get<double>());
        HF_CHECK_EQUAL(fact.components.size(), expected["components"].size());
        for (std::size_t c = 0; c < fact.components.size() && c < expected["components"].size(); ++c) {
            const auto& component = expected["components"][c];
            HF_CHECK_EQUAL(fact.components[c].voxels, component["voxels"].get<std::size_t>());
            HF_CHECK_NEAR(fact.components[c].centroid.x, component["centroid"][0].get<double>(), 1e-9);
            HF_CHECK_NEAR(fact.components[c].centroid.z, component["centroid"][2].get<double>(), 1e-9);
        }
    }
    std::printf("surface %.1f, mesh %.1f, ellipsoid %.1f mm2\n", facts[0].surfaceMm2, recorded[0]["mesh_surface"].get<double>(), recorded[0]["ellipsoid_surface"].get<double>());
    HF_CHECK_NEAR(facts[0].surfaceMm2 / recorded[0]["mesh_surface"].get<double>(), 1, 0.03);
    HF_CHECK_NEAR(facts[0].surfaceMm2 / recorded[0]["ellipsoid_surface"].get<double>(), 1, 0.04);
    HF_CHECK_EQUAL(facts[3].basic.voxels, 0U);
    HF_CHECK_EQUAL(facts[3].axialSlice, -1);
    HF_CHECK_EQUAL(facts[3].surfaceMm2, 0.0);
}

HF_TEST(the_axial_diameter_is_axial_however_the_series_was_acquired)
{
    // The same block in slices of each plane; index n goes along patient axis axes[n].
    constexpr int kAxes[3][3] = {{0, 1, 2}, {1, 2, 0}, {2, 0, 1}};
    constexpr int kBlock[3] = {5, 9, 7};        // voxels of 1 mm to the left, back and up
    for (const auto& axes : kAxes) {
        std::array<Vec3, 3> directions;
        Size3 size{12, 12, 12};
        for (std::size_t n = 0; n < 3; ++n) {
            directions[n] = {axes[n] == 0 ? 1.0 : 0, axes[n] == 1 ? 1.0 : 0, axes[n] == 2 ? 1.0 : 0};
        }
        const Geometry geometry(size, {1, 1, 1}, {0, 0, 0}, directions);
        std::vector<LabelId> labels(geometry.size().voxels(), 0);
        for (int k = 0; k < kBlock[axes[2]]; ++k) {
            for (int j = 0; j < kBlock[axes[1]]; ++j) {
                for (int i = 0; i < kBlock[axes[0]]; ++i) {
                    labels[geometry.offset({i + 2, j + 2, k + 2})] = 1;
                }
            }
        }
        const std::vector<std::int16_t> values(labels.size(), 1);
        const MaskFacts fact = measureMask(LabelMap(geometry, labels, {{1, "block", {}, "", ""}}), Volume(geometry, values, {})).at(0);
        HF_CHECK_NEAR(fact.axialDiameterMm, std::hypot(4, 8), 1e-9);
        HF_CHECK_NEAR(fact.diameterMm, std::sqrt(16.0 + 64 + 36), 1e-9);
        HF_CHECK_EQUAL(fact.axialSlice, 2);
    }
}

HF_TEST(the_table_quotes_what_must_be_quoted)
{
    const Sample made = sample();
    const std::string csv = factsAsCsv(made.mask, measureMask(made.mask, made.volume));
    HF_CHECK(csv.starts_with("label,name,component,voxels,volume_ml"));
    HF_CHECK(csv.find("2,\"tumour, \"\"left\"\"\",1,") != std::string::npos);
    // Head, four labels, one, three and one components; every line has the same number of fields (two more commas in the quoted names).
    HF_CHECK_EQUAL(std::count(csv.begin(), csv.end(), '\n'), 1 + 4 + 5);
    HF_CHECK_EQUAL(std::count(csv.begin(), csv.end(), ','), 15 * 10 + 4);
}

HF_TEST_MAIN()
