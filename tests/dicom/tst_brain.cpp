// The four sequences of a brain tumour study: found by their attributes, brought onto one grid.
#include "support/BrainStudy.h"
#include "support/QtMain.h"
#include "viewer/dicom/BrainSequences.h"
#include "viewer/dicom/Scan.h"
#include "viewer/imaging/Registration.h"
#include "viewer/volume/Error.h"

#include <unistd.h>

using namespace hf;
using namespace hf::dicom;
namespace fs = std::filesystem;

HF_TEST(sequences_are_told_by_their_times)
{
    using enum BrainSequence;
    struct Case { SequenceFacts facts; std::optional<BrainSequence> expected; };
    const Case cases[] = {
        {{500, 12, 0, "", "se tra", ""}, T1},
        {{500, 12, 0, "MAGNEVIST 15 ML", "se tra", ""}, T1Contrast},
        {{2000, 3, 900, "", "mprage sag", ""}, T1},
        {{2000, 3, 900, "", "mprage post gd", ""}, T1Contrast},
        {{500, 12, 0, "Gadovist", "t1 tra nativ", ""}, T1},
        {{500, 12, 0, "NONE", "t1 tra", ""}, T1},
        {{2000, 10, 860, "", "t1 flair tra", ""}, T1},
        {{4500, 100, 0, "", "tse tra", ""}, T2},
        {{9000, 110, 2500, "", "tra", ""}, Flair},
        {{5000, 390, 1800, "Gadovist", "3d flair sag", ""}, Flair},
        {{6000, 120, 0, "", "flair tra", ""}, Flair},
        {{4000, 90, 0, "", "ep2d_diff dwi", "original\\primary\\diffusion"}, {}},
        {{4000, 90, 0, "", "adc map", ""}, {}},
        {{28, 20, 0, "", "swi tra", ""}, {}},
        {{25, 7, 0, "", "tof 3d mra", ""}, {}},
        {{700, 25, 0, "", "t2*_gre", ""}, {}},
        {{4000, 60, 160, "", "stir cor", ""}, {}},
        {{0, 0, 0, "", "t1 km tra", ""}, T1Contrast},
        {{0, 0, 0, "", "t1 with contrast", ""}, T1Contrast},
        {{0, 0, 0, "", "t1c", ""}, T1Contrast},
        {{0, 0, 0, "", "t2 tra", ""}, T2},
        {{0, 0, 0, "", "ax flair", ""}, Flair},
        {{0, 0, 0, "", "unnamed", ""}, {}},
    };
    for (const Case& item : cases) {
        if (sequenceOf(item.facts) != item.expected) {
            const auto found = sequenceOf(item.facts);
            test::fail(item.facts.description.c_str(), int(item.facts.echoMs), "taken for " + (found ? toString(*found) : "none") + ", expected " + (item.expected ? toString(*item.expected) : "none"));
        }
    }
}

HF_TEST(a_study_is_searched)
{
    const fs::path folder = fs::temp_directory_path() / ("hf-brain-" + std::to_string(getpid()));
    int number = 0;
    for (test::BrainSeries series : test::brainSequences()) {
        series.sliceMm = 10;        // few files
        test::writeBrainSeries(folder, series, ++number);
    }
    test::writeBrainSeries(folder, {"ep2d_dwi", 4000, 90, 0, "", {1, 2, 3, 4}, 0, 0, 20}, ++number);
    test::BrainSeries fine = test::brainSequences()[2];
    test::writeBrainSeries(folder, fine, ++number);
    const std::vector<fs::path> paths{folder};
    const ScanResult found = scan(paths);
    HF_CHECK_EQUAL(found.studies.size(), 1U);
    HF_CHECK_EQUAL(found.studies.at(0).series.size(), 6U);
    const auto sequences = findBrainSequences(found.studies[0]);
    for (std::size_t n = 0; n < kBrainSequences; ++n) {
        HF_CHECK_EQUAL(sequences[n].size(), n == 2 ? 2U : 1U);
        HF_CHECK_EQUAL(sequences[n].at(0)->text.seriesNumber, n == 2 ? "6" : std::to_string(n + 1));      // of two the finer one
    }
    fs::remove_all(folder);
}

HF_TEST(series_are_brought_onto_one_grid)
{
    const auto all = test::brainSequences();
    const Volume fixed = test::makeBrain(all[0]);
    for (std::size_t n = 1; n < all.size(); ++n) {
        const imaging::Registered found = imaging::registerRigid(fixed, test::makeBrain(all[n]), {}, {});
        test::BrainSeries resting = all[n];
        resting.shiftMm = resting.angleDeg = 0;
        resting.sliceMm = all[0].sliceMm;
        // The same head, had it not moved: how far the values are from these, and how far without the registration.
        const Volume expected = test::makeBrain(resting);
        test::BrainSeries moved = all[n];
        moved.sliceMm = all[0].sliceMm;
        const Volume unmoved = test::makeBrain(moved);
        double after = 0, before = 0;
        for (int k = 3; k < fixed.geometry().size().k - 3; ++k) {
            for (int j = 0; j < 100; ++j) {
                for (int i = 0; i < 100; ++i) {
                    after += std::abs(found.volume.valueAt(Index3{i, j, k}) - expected.valueAt(Index3{i, j, k}));
                    before += std::abs(unmoved.valueAt(Index3{i, j, k}) - expected.valueAt(Index3{i, j, k}));
                }
            }
        }
        std::printf("%s: shift %.2f mm, angle %.2f degrees, difference %.2f of what it was\n", all[n].description.c_str(), found.shiftMm, found.angleDeg, after / before);
        HF_CHECK(found.volume.geometry().sameGridAs(fixed.geometry()));
        HF_CHECK_NEAR(found.shiftMm, std::abs(all[n].shiftMm), 0.7);
        HF_CHECK_NEAR(found.angleDeg, std::abs(all[n].angleDeg), 0.5);
        HF_CHECK(after < 0.95 * before);        // slices of 4 mm blur what lies between them
    }
    // What lies on the grid already is left alone; a stop is heard.
    HF_CHECK(imaging::onGridOf(fixed, fixed, {}, {}).data() == fixed.data());
    std::stop_source stop;
    HF_CHECK_THROWS(imaging::registerRigid(fixed, test::makeBrain(all[1]), [&](double share, const std::string&) { if (share > 0.02) stop.request_stop(); }, stop.get_token()), Cancelled);
}

HF_QT_TEST_MAIN()
