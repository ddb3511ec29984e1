#include "support/AngiogramFile.h"
#include "support/QtMain.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"

#include <QTemporaryDir>

#include <algorithm>
#include <cmath>
#include <fstream>

using namespace hf;
using test::AngiogramFile;
using test::put;
using test::require;
namespace fs = std::filesystem;

// Single attributes of a header and what becomes of them. DCMTK writes the files.

namespace {

dicom::ScanResult scanOf(AngiogramFile& file, const QTemporaryDir& folder)
{
    const fs::path path = fs::path(folder.path().toStdString()) / "a.dcm";
    file.save(path);
    const fs::path paths[] = {path};
    return dicom::scan(paths);
}

/// A PET image of counts, 500 counts everywhere, of a patient of 80 kg who got 370 MBq of F-18 an hour before.
AngiogramFile petFile()
{
    AngiogramFile file;
    DcmDataset& d = file.data();
    put(d, DCM_SOPClassUID, UID_PositronEmissionTomographyImageStorage);
    put(d, DCM_Modality, "PT");
    put(d, DCM_NumberOfFrames, "1");
    test::putPixels(d, AngiogramFile::kColumns, std::vector<Uint16>(std::size_t(AngiogramFile::kColumns * AngiogramFile::kRows), 500));
    put(d, DCM_Units, "CNTS");
    put(d, DCM_CorrectedImage, "ATTN\\DECY");
    put(d, DCM_DecayCorrection, "START");
    put(d, DCM_PatientWeight, "80");
    put(d, DCM_SeriesDate, "20240102");
    put(d, DCM_SeriesTime, "110000");
    put(d, DCM_AcquisitionTime, "110000");
    DcmItem& tracer = test::append(d, DCM_RadiopharmaceuticalInformationSequence);
    put(tracer, DCM_RadionuclideTotalDose, "370000000");
    put(tracer, DCM_RadionuclideHalfLife, "6586.2");
    put(tracer, DCM_RadiopharmaceuticalStartTime, "100000");
    return file;
}

double suvOf(AngiogramFile& file)
{
    const QTemporaryDir folder;
    const dicom::ScanResult found = scanOf(file, folder);
    const Volume volume = dicom::readSeries(*found.mainSeries());
    return volume.info().unit == Unit::Suv ? double(volume.valueAt(Index3{3, 3, 0})) : std::nan("");
}

} // namespace

HF_TEST(frames_of_different_lengths_are_played_at_their_mean_rate)
{
    const QTemporaryDir folder;
    AngiogramFile file;
    HF_CHECK_EQUAL(scanOf(file, folder).mainSeries()->framesPerSecond, 5.0);
    delete file.data().remove(DCM_FrameTime);
    HF_CHECK_EQUAL(scanOf(file, folder).mainSeries()->framesPerSecond, 0.0);
    put(file.data(), DCM_FrameTimeVector, "0\\50\\150\\100\\40\\160");
    HF_CHECK_EQUAL(scanOf(file, folder).mainSeries()->framesPerSecond, 10.0);
    put(file.data(), DCM_FrameTimeVector, "0\\nonsense");
    HF_CHECK_EQUAL(scanOf(file, folder).mainSeries()->framesPerSecond, 0.0);
}

HF_TEST(counts_become_uptake_values_by_either_factor_of_their_maker)
{
    // (7053,1000) makes SUV of counts; where it is 0, (7053,1009) makes Bq/ml of them. Without an acquisition date the day of the series counts.
    AngiogramFile direct = petFile();
    put(direct.data(), DcmTag(0x7053, 0x0010, EVR_LO), "Philips PET Private Group");
    require(direct.data().putAndInsertString(DcmTag(0x7053, 0x1000, EVR_DS), "0.004"));
    HF_CHECK(std::abs(suvOf(direct) - 2) < 1e-4);
    AngiogramFile concentration = petFile();
    put(concentration.data(), DcmTag(0x7053, 0x0010, EVR_LO), "Philips PET Private Group");
    require(concentration.data().putAndInsertString(DcmTag(0x7053, 0x1000, EVR_DS), "0"));
    require(concentration.data().putAndInsertString(DcmTag(0x7053, 0x1009, EVR_DS), "20"));
    const double left = 370e6 * std::exp2(-3600 / 6586.2), expected = 500 * 20 * 80000 / left;
    HF_CHECK(std::abs(suvOf(concentration) - expected) < 1e-3 * expected);
    AngiogramFile neither = petFile();
    HF_CHECK(std::isnan(suvOf(neither)));
}

HF_TEST(the_voxels_of_a_header_beside_them_are_listed_once_and_slices_are_counted)
{
    // NIfTI-1 in two files (magic "ni1"): 348 bytes of header, the voxels apart.
    const QTemporaryDir folder;
    const fs::path base = fs::path(folder.path().toStdString());
    std::string header(348, '\0');
    const auto put16 = [&](std::size_t at, int value) {
        header[at] = char(value & 255);
        header[at + 1] = char(value >> 8);
    };
    const auto putFloat = [&](std::size_t at, float value) { std::copy_n(reinterpret_cast<const char*>(&value), 4, header.data() + at); };
    put16(0, 348);
    const int dim[] = {3, 6, 5, 7, 1, 1, 1, 1};
    for (std::size_t n = 0; n < 8; ++n) {
        put16(40 + 2 * n, dim[n]);
        putFloat(76 + 4 * n, 1);
    }
    put16(70, 4);       // int16
    put16(72, 16);
    put16(254, 1);      // sform
    putFloat(280, 1);
    putFloat(300, 1);
    putFloat(320, 1);
    header.replace(344, 3, "ni1");
    std::ofstream(base / "brain.hdr", std::ios::binary) << header;
    std::ofstream(base / "brain.img", std::ios::binary) << std::string(6 * 5 * 7 * 2, '\1');
    const fs::path paths[] = {base};
    const dicom::ScanResult found = dicom::scan(paths);
    HF_CHECK_EQUAL(found.studies.size(), std::size_t(1));
    HF_CHECK_EQUAL(found.mainSeries()->count(), 7);
    HF_CHECK_EQUAL(dicom::readSeries(*found.mainSeries()).geometry().size().k, 7);
}

HF_QT_TEST_MAIN()
