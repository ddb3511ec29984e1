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

HF_TEST(times_of_the_predecessor_are_read_and_megabecquerels_are_not_believed)
{
    AngiogramFile colons = petFile();
    put(colons.data(), DCM_Units, "BQML");
    put(colons.data(), DCM_SeriesTime, "11:00:00");
    put(colons.data(), DCM_AcquisitionTime, "11:00:00");
    const double left = 370e6 * std::exp2(-3600 / 6586.2), expected = 500 * 80000 / left;
    HF_CHECK(std::abs(suvOf(colons) - expected) < 1e-3 * expected);
    AngiogramFile mega = petFile();
    put(mega.data(), DCM_Units, "BQML");
    DcmItem* tracer = nullptr;
    require(mega.data().findAndGetSequenceItem(DCM_RadiopharmaceuticalInformationSequence, tracer, 0));
    put(*tracer, DCM_RadionuclideTotalDose, "370");
    HF_CHECK(std::isnan(suvOf(mega)));
    // Images without a date of their own that were taken after midnight.
    AngiogramFile late = petFile();
    put(late.data(), DCM_Units, "BQML");
    put(late.data(), DCM_SeriesTime, "235000");
    put(late.data(), DCM_AcquisitionTime, "000500");
    require(late.data().findAndGetSequenceItem(DCM_RadiopharmaceuticalInformationSequence, tracer, 0));
    put(*tracer, DCM_RadiopharmaceuticalStartTime, "225000");
    HF_CHECK(std::abs(suvOf(late) - expected) < 1e-3 * expected);
}

HF_TEST(a_spacing_as_at_the_detector_is_the_one_at_the_detector)
{
    const auto hasNote = [](const dicom::ScanResult& found) {
        const auto& notes = found.mainSeries()->notes;
        return std::any_of(notes.begin(), notes.end(), [](const Note& note) { return note.code == "imager-spacing"; });
    };
    const QTemporaryDir folder;
    AngiogramFile file;
    put(file.data(), DCM_Modality, "DX");
    put(file.data(), DCM_PixelSpacing, "0.15\\0.15");
    HF_CHECK(!hasNote(scanOf(file, folder)));
    put(file.data(), DCM_ImagerPixelSpacing, "0.15\\0.15");
    HF_CHECK(hasNote(scanOf(file, folder)));
    put(file.data(), DCM_PixelSpacingCalibrationType, "FIDUCIAL");
    HF_CHECK(!hasNote(scanOf(file, folder)));
    delete file.data().remove(DCM_PixelSpacingCalibrationType);
    put(file.data(), DCM_PixelSpacing, "0.13\\0.13");
    HF_CHECK(!hasNote(scanOf(file, folder)));
}

HF_TEST(only_what_says_so_is_in_hounsfield_units)
{
    const QTemporaryDir folder;
    AngiogramFile file;
    DcmDataset& d = file.data();
    put(d, DCM_SOPClassUID, UID_CTImageStorage);
    put(d, DCM_Modality, "CT");
    const auto unit = [&] { return scanOf(file, folder).mainSeries()->unit; };
    HF_CHECK(unit() == Unit::None);
    put(d, DCM_RescaleIntercept, "-1024");
    put(d, DCM_RescaleSlope, "1");
    HF_CHECK(unit() == Unit::Hu);
    put(d, DCM_ImageType, "ORIGINAL\\PRIMARY\\LOCALIZER");
    HF_CHECK(unit() == Unit::None);
    put(d, DCM_ImageType, "ORIGINAL\\PRIMARY\\AXIAL");
    put(d, DCM_RescaleType, "MGML");
    HF_CHECK(unit() == Unit::None);
    // The same in the functional groups of an enhanced image.
    put(d, DCM_SOPClassUID, UID_EnhancedCTImageStorage);
    for (const DcmTagKey& tag : {DCM_RescaleType, DCM_RescaleIntercept, DCM_RescaleSlope}) {
        delete d.remove(tag);
    }
    DcmItem& shared = test::append(d, DCM_SharedFunctionalGroupsSequence);
    DcmItem& values = test::append(shared, DCM_PixelValueTransformationSequence);
    put(values, DCM_RescaleIntercept, "0");
    put(values, DCM_RescaleSlope, "1");
    put(values, DCM_RescaleType, "MGML");
    for (int frame = 0; frame < AngiogramFile::kFrames; ++frame) {
        test::append(test::append(d, DCM_PerFrameFunctionalGroupsSequence), DCM_FrameContentSequence);
    }
    HF_CHECK(unit() == Unit::None);
    put(values, DCM_RescaleType, "HU");
    HF_CHECK(unit() == Unit::Hu);
}

HF_TEST(planes_of_doses_and_of_tomographies_lie_where_the_file_says)
{
    const QTemporaryDir folder;
    AngiogramFile dose;
    DcmDataset& d = dose.data();
    put(d, DCM_SOPClassUID, UID_RTDoseStorage);
    put(d, DCM_Modality, "RTDOSE");
    put(d, DCM_ImagePositionPatient, "0\\0\\-100");
    put(d, DCM_PixelSpacing, "2\\2");
    put(d, DCM_GridFrameOffsetVector, "-100\\-97\\-94\\-91\\-88\\-85");
    for (const char* orientation : {"1\\0\\0\\0\\1\\0", "1\\0\\0\\0\\-1\\0"}) {
        put(d, DCM_ImageOrientationPatient, orientation);
        const dicom::ScanResult found = scanOf(dose, folder);
        const Volume volume = dicom::readSeries(*found.mainSeries());
        // Frame 6 of value 1360 and more lies at -85.
        const Index3 first{0, 0, 0}, last{0, 0, 5};
        const auto zOf = [&](const Index3& at) { return volume.geometry().toLps(ContinuousIndex{0, 0, double(at.k)}).z; };
        const bool isTurned = volume.valueAt(first) > volume.valueAt(last);
        HF_CHECK_EQUAL(zOf(isTurned ? first : last), -85.0);
        HF_CHECK_EQUAL(zOf(isTurned ? last : first), -100.0);
    }
    AngiogramFile spect;
    DcmDataset& n = spect.data();
    put(n, DCM_SOPClassUID, UID_NuclearMedicineImageStorage);
    put(n, DCM_Modality, "NM");
    put(n, DCM_ImageType, "ORIGINAL\\PRIMARY\\RECON TOMO\\EMISSION");
    put(n, DCM_PixelSpacing, "4\\4");
    put(n, DCM_SpacingBetweenSlices, "-5");
    const Uint16 slices[] = {2, 1, 3, 4, 5, 6};
    require(n.putAndInsertUint16Array(DCM_SliceVector, slices, 6));
    DcmItem& detector = test::append(n, DCM_DetectorInformationSequence);
    put(detector, DCM_ImagePositionPatient, "-60\\-60\\100");
    put(detector, DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
    const dicom::ScanResult found = scanOf(spect, folder);
    const Volume volume = dicom::readSeries(*found.mainSeries());
    HF_CHECK(found.mainSeries()->kind == dicom::SeriesKind::Volume);
    // Slice 1, the topmost, is frame 2.
    HF_CHECK_EQUAL(volume.geometry().toLps(ContinuousIndex{0, 0, 5}).z, 100.0);
    HF_CHECK_EQUAL(volume.geometry().toLps(ContinuousIndex{0, 0, 0}).z, 75.0);
    HF_CHECK_EQUAL(volume.valueAt(Index3{0, 0, 5}), float(AngiogramFile::value(2)));
    HF_CHECK_EQUAL(volume.valueAt(Index3{0, 0, 4}), float(AngiogramFile::value(1)));
}

HF_TEST(a_state_without_its_images_is_told)
{
    const QTemporaryDir folder;
    AngiogramFile state;
    DcmDataset& d = state.data();
    put(d, DCM_SOPClassUID, UID_GrayscaleSoftcopyPresentationStateStorage);
    put(d, DCM_Modality, "PR");
    delete d.remove(DCM_PixelData);
    DcmItem& series = test::append(d, DCM_ReferencedSeriesSequence);
    put(series, DCM_SeriesInstanceUID, "2.25.1");
    DcmItem& image = test::append(series, DCM_ReferencedImageSequence);
    put(image, DCM_ReferencedSOPClassUID, UID_CTImageStorage);
    put(image, DCM_ReferencedSOPInstanceUID, "2.25.2");
    const dicom::ScanResult found = scanOf(state, folder);
    HF_CHECK(found.studies.empty());
    HF_CHECK_EQUAL(found.rejected.size(), std::size_t(1));
    HF_CHECK(found.rejected.at(0).reason.find("images that are not here") != std::string::npos);
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
