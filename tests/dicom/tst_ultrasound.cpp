#include "support/QtMain.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/dicom/UltrasoundRegions.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <unistd.h>

using namespace hf;

namespace {

/// The file that tests/oracles/write_ultrasound.py makes with pydicom.
dicom::ScanResult scanFile()
{
    const std::vector<std::filesystem::path> paths{HF_SOURCE_DIR "/tests/data/us_regions.dcm"};
    return dicom::scan(paths);
}

} // namespace

HF_TEST(regionsOfLengthsAreRead)
{
    const dicom::ScanResult result = scanFile();
    const auto regions = dicom::readUltrasoundRegions(*result.mainSeries());
    HF_CHECK_EQUAL(regions.size(), std::size_t(2));
    HF_CHECK(regions[0] == (UltrasoundRegion{0, 5, 39, 54, 0.2, 0.4}));
    HF_CHECK(regions[1] == (UltrasoundRegion{40, 5, 79, 54, 0.05, 0.05}));
    const auto& notes = result.mainSeries()->notes;
    HF_CHECK(std::any_of(notes.begin(), notes.end(), [](const Note& note) { return note.code == "region-spacing"; }));
    HF_CHECK(std::none_of(notes.begin(), notes.end(), [](const Note& note) { return note.code == "no-spacing"; }));
}

HF_TEST(lengthsAreOfTheRegionThatTheyLieIn)
{
    const dicom::ScanResult result = scanFile();
    const dicom::Series& series = *result.mainSeries();
    const Volume volume = dicom::readSeries(series);
    HF_CHECK_EQUAL(volume.geometry().size().k, 2);
    const ImageScale scale{ScaleSource::Ultrasound, dicom::readUltrasoundRegions(series)};
    const auto length = [&](Index3 a, Index3 b) {
        Measurement m;
        m.points = {volume.geometry().toLps(a), volume.geometry().toLps(b)};
        m.right = volume.geometry().direction(0);
        m.down = volume.geometry().direction(1);
        return measure(m, volume, scale);
    };
    HF_CHECK_NEAR(*length({5, 10, 1}, {35, 50, 1}).length, std::hypot(30 * 0.2, 40 * 0.4), 1e-6);
    HF_CHECK_NEAR(*length({45, 10, 0}, {75, 50, 0}).length, 50 * 0.05, 1e-6);
    HF_CHECK(length({35, 10, 0}, {45, 10, 0}).scale == ScaleSource::None);
    HF_CHECK_NEAR(*length({35, 10, 0}, {45, 10, 0}).length, 10, 1e-6);
    // Above the regions, where the machine writes its texts.
    HF_CHECK(length({5, 1, 0}, {25, 1, 0}).scale == ScaleSource::None);
}

/// Each image of a series may have been taken with another depth, and be divided at another place.
HF_TEST(eachImageHasItsOwnRegions)
{
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("hf-ultrasound-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    for (int n = 0; n < 4; ++n) {
        DcmFileFormat file;
        HF_CHECK(file.loadFile(HF_SOURCE_DIR "/tests/data/us_regions.dcm").good());
        DcmDataset& data = *file.getDataset();
        data.putAndInsertString(DCM_SOPInstanceUID, ("2.25.100" + std::to_string(n)).c_str());
        data.putAndInsertString(DCM_InstanceNumber, std::to_string(n + 1).c_str());
        data.putAndInsertString(DCM_NumberOfFrames, "1");
        // The second is as the first; the third is twice as deep; the last has none.
        DcmSequenceOfItems* regions = nullptr;
        HF_CHECK(data.findAndGetSequence(DCM_SequenceOfUltrasoundRegions, regions).good());
        if (n == 2) {
            regions->getItem(0)->putAndInsertFloat64(DCM_PhysicalDeltaX, 0.04);
        }
        if (n == 3) {
            data.findAndDeleteElement(DCM_SequenceOfUltrasoundRegions);
        }
        HF_CHECK(file.saveFile((folder / (std::to_string(n) + ".dcm")).c_str(), EXS_LittleEndianExplicit).good());
    }
    const std::vector<std::filesystem::path> paths{folder};
    const dicom::ScanResult result = dicom::scan(paths);
    const dicom::Series& series = *result.mainSeries();
    HF_CHECK_EQUAL(series.images.size(), std::size_t(4));
    const Volume volume = dicom::readSeries(series);
    const ImageScale scale{ScaleSource::Ultrasound, dicom::readUltrasoundRegions(series)};
    HF_CHECK_EQUAL(scale.regions.size(), std::size_t(4));
    for (const auto& [slice, expected] : {std::pair{0, 6.0}, {1, 6.0}, {2, 12.0}, {3, 30.0}}) {
        Measurement m;
        m.points = {volume.geometry().toLps(Index3{5, 20, slice}), volume.geometry().toLps(Index3{35, 20, slice})};
        m.right = volume.geometry().direction(0);
        m.down = volume.geometry().direction(1);
        const MeasurementFacts facts = measure(m, volume, scale);
        HF_CHECK_NEAR(*facts.length, expected, 1e-6);
        HF_CHECK(facts.scale == (slice == 3 ? ScaleSource::None : ScaleSource::Ultrasound));
    }
    std::filesystem::remove_all(folder);
}

HF_TEST(otherFilesHaveNone)
{
    dicom::Series series;
    HF_CHECK(dicom::readUltrasoundRegions(series).empty());
    series.images.resize(1);
    series.images[0].path = "/nowhere/at/all.dcm";
    HF_CHECK(dicom::readUltrasoundRegions(series).empty());
}

HF_QT_TEST_MAIN()
