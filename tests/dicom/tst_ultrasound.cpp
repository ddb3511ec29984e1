#include "support/QtMain.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/dicom/UltrasoundRegions.h"

#include <cmath>

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

HF_TEST(otherFilesHaveNone)
{
    dicom::Series series;
    HF_CHECK(dicom::readUltrasoundRegions(series).empty());
    series.images.resize(1);
    series.images[0].path = "/nowhere/at/all.dcm";
    HF_CHECK(dicom::readUltrasoundRegions(series).empty());
}

HF_QT_TEST_MAIN()
