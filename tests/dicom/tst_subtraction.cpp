#include "support/AngiogramFile.h"
#include "support/QtMain.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/Subtraction.h"

#include <QTemporaryDir>

#include <algorithm>
#include <cmath>
#include <functional>

using namespace hf;
using test::AngiogramFile;
using test::put;
using test::require;

// Subtraction of frames (PS3.3 C.7.6.10.1) of files that DCMTK writes. What is expected is worked out by hand from the formula of the frames.

namespace {

constexpr int kFrames = AngiogramFile::kFrames;
int value(int frame) { return AngiogramFile::value(frame); }

struct Read {
    dicom::Series series;
    Volume volume;
};

Read read(AngiogramFile& file)
{
    const QTemporaryDir folder;
    const std::filesystem::path path = std::filesystem::path(folder.path().toStdString()) / "run.dcm";
    file.save(path);
    const dicom::ScanResult found = dicom::scan({&path, 1});
    return {*found.mainSeries(), dicom::readSeries(*found.mainSeries())};
}

/// Differences of frame f (from 1) at column x, row y.
using Expected = std::function<double(int frame, int x, int y)>;

bool isAll(const Volume& volume, const Expected& expected, int margin = 0)
{
    for (int frame = 1; frame <= kFrames; ++frame) {
        for (int y = margin; y < AngiogramFile::kRows - margin; ++y) {
            for (int x = margin; x < AngiogramFile::kColumns - margin; ++x) {
                if (std::abs(volume.valueAt(Index3{x, y, frame - 1}) - expected(frame, x, y)) > 1e-3) {
                    return false;
                }
            }
        }
    }
    return true;
}

Volume differences(const Read& read) { return subtracted(read.volume, dicom::planSubtraction(*read.series.subtraction, read.series.images)); }

double plain(int frame, int x, int y) { return value(frame) + 3 * x + 5 * y; }

} // namespace

HF_TEST(theAverageOfTheMaskFramesIsTaken)
{
    AngiogramFile file;
    AngiogramFile::addOperation(file.data(), "AVG_SUB", {1, 2});
    put(file.data(), DCM_RecommendedViewingMode, "SUB");
    const Read run = read(file);
    HF_CHECK(run.series.kind == dicom::SeriesKind::MultiImage);
    HF_CHECK(run.series.subtraction && run.series.subtraction->isRecommended);
    HF_CHECK(isAll(run.volume, plain));
    const Volume taken = differences(run);
    HF_CHECK(isAll(taken, [](int frame, int, int) { return value(frame) - (value(1) + value(2)) / 2.0; }));
    HF_CHECK(taken.info().isSubtracted && !run.volume.info().isSubtracted);
    HF_CHECK(taken.geometry().sameGridAs(run.volume.geometry()));
    // -15 to 335; the stored window is of other values.
    HF_CHECK(std::abs(taken.defaultWindow().center - 160) < 1 && std::abs(taken.defaultWindow().width - 350) < 2);
    HF_CHECK(std::abs(run.volume.defaultWindow().center - 1200) < 1e-9);
}

HF_TEST(framesOutsideTheRangesStayAsTheyAre)
{
    AngiogramFile file;
    AngiogramFile::addOperation(file.data(), "AVG_SUB", {2}, {3, 4, 6, 6});
    const Read run = read(file);
    HF_CHECK(!run.series.subtraction->isRecommended);
    const auto plan = dicom::planSubtraction(*run.series.subtraction, run.series.images);
    HF_CHECK(!plan.isSubtracted(0) && plan.isSubtracted(2) && plan.isSubtracted(3) && !plan.isSubtracted(4) && plan.isSubtracted(5));
    HF_CHECK(isAll(differences(run), [](int frame, int x, int y) { return frame == 3 || frame == 4 || frame == 6 ? value(frame) - value(2) : plain(frame, x, y); }));
}

HF_TEST(eachOperationHasItsOwnRange)
{
    AngiogramFile file;
    AngiogramFile::addOperation(file.data(), "AVG_SUB", {1}, {2, 3});
    AngiogramFile::addOperation(file.data(), "NONE", {}, {4, 4});
    AngiogramFile::addOperation(file.data(), "AVG_SUB", {4}, {5, 6});
    const auto mask = [](int frame) { return frame == 2 || frame == 3 ? 1 : frame > 4 ? 4 : 0; };
    HF_CHECK(isAll(differences(read(file)), [&](int frame, int x, int y) { return mask(frame) ? value(frame) - value(mask(frame)) : plain(frame, x, y); }));
}

HF_TEST(theMaskOfAnIntervalLiesBeforeTheFrame)
{
    AngiogramFile file;
    require(AngiogramFile::addOperation(file.data(), "TID").putAndInsertSint16(DCM_TIDOffset, 2));
    HF_CHECK(isAll(differences(read(file)), [](int frame, int x, int y) { return frame > 2 ? value(frame) - value(frame - 2) : plain(frame, x, y); }));
    // A mask that lies behind the frame.
    AngiogramFile back;
    require(AngiogramFile::addOperation(back.data(), "TID").putAndInsertSint16(DCM_TIDOffset, -1));
    HF_CHECK(isAll(differences(read(back)), [](int frame, int x, int y) { return frame < kFrames ? value(frame) - value(frame + 1) : plain(frame, x, y); }));
}

HF_TEST(theMasksOfAReversedIntervalGoBack)
{
    // Frames 4, 5, 6 get masks 3, 2, 1.
    AngiogramFile file;
    require(AngiogramFile::addOperation(file.data(), "REV_TID", {}, {4, 6}).putAndInsertSint16(DCM_TIDOffset, 1));
    HF_CHECK(isAll(differences(read(file)), [](int frame, int x, int y) { return frame > 3 ? value(frame) - value(7 - frame) : plain(frame, x, y); }));
}

HF_TEST(contrastFramesAreAveraged)
{
    AngiogramFile file;
    require(AngiogramFile::addOperation(file.data(), "AVG_SUB", {1}).putAndInsertUint16(DCM_ContrastFrameAveraging, 3));
    HF_CHECK(isAll(differences(read(file)), [](int frame, int x, int y) { return frame <= 4 ? (value(frame) + value(frame + 1) + value(frame + 2)) / 3.0 - value(1) : plain(frame, x, y); }));
}

HF_TEST(theMaskIsMovedByPartsOfPixels)
{
    // Half a row down, two and a quarter columns to the left: the mask is 3 * 2.25 higher and 5 * 0.5 lower where the frames are planes.
    AngiogramFile file;
    test::putFloats(AngiogramFile::addOperation(file.data(), "AVG_SUB", {1}), DCM_MaskSubPixelShift, {0.5F, -2.25F});
    const Volume taken = differences(read(file));
    HF_CHECK(isAll(taken, [](int frame, int, int) { return value(frame) - value(1) - 3 * 2.25 + 5 * 0.5; }, 3));
    // Beyond the edge the mask is as its edge: in the last column and the first row nothing of the slope is left.
    HF_CHECK(std::abs(taken.valueAt(Index3{AngiogramFile::kColumns - 1, 5, 1}) - (value(2) - value(1) + 2.5)) < 1e-3);
    HF_CHECK(std::abs(taken.valueAt(Index3{10, 0, 1}) - (value(2) - value(1) - 6.75)) < 1e-3);
}

HF_TEST(paddingIsNoDifference)
{
    AngiogramFile file;
    AngiogramFile::addOperation(file.data(), "AVG_SUB", {1});
    require(file.data().putAndInsertUint16(DCM_PixelPaddingValue, Uint16(value(1))));     // of frame 1, the first pixel
    const Volume taken = differences(read(file));
    HF_CHECK_EQUAL(taken.valueAt(Index3{0, 0, 3}), 0.0F);
    HF_CHECK_EQUAL(taken.valueAt(Index3{1, 0, 3}), float(value(4) - value(1)));
}

HF_TEST(whatCannotBeSubtractedIsLeftAlone)
{
    for (const auto& [operation, masks] : {std::pair<std::string, std::vector<Uint16>>{"AVG_SUB", {}}, {"REV_TID", {}}, {"SOMETHING", {1}}, {"AVG_SUB", std::vector<Uint16>(5000, 1)}}) {
        AngiogramFile file;
        AngiogramFile::addOperation(file.data(), operation, masks);
        HF_CHECK(!read(file).series.subtraction);
    }
    // A mask that the file does not have.
    AngiogramFile file;
    AngiogramFile::addOperation(file.data(), "AVG_SUB", {1, 40});
    const Read run = read(file);
    HF_CHECK(!dicom::planSubtraction(*run.series.subtraction, run.series.images).isAny());
    Subtraction wrong;
    wrong.slices.resize(kFrames);
    wrong.slices[0] = {{0}, {kFrames}, {0, 0}};
    HF_CHECK_THROWS(subtracted(run.volume, wrong), Error);
}

HF_TEST(linearIntensitiesAreSaid)
{
    const auto hasNote = [](const Read& run) {
        return std::any_of(run.series.notes.begin(), run.series.notes.end(), [](const Note& note) { return note.code == "linear-subtraction"; });
    };
    AngiogramFile file;
    AngiogramFile::addOperation(file.data(), "AVG_SUB", {1});
    HF_CHECK(!hasNote(read(file)));
    put(file.data(), DCM_PixelIntensityRelationship, "LIN");
    HF_CHECK(hasNote(read(file)));
}

HF_QT_TEST_MAIN()
