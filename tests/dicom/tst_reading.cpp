#include "support/QtMain.h"
#include "viewer/dicom/Header.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/dicom/WriteSeries.h"
#include "viewer/imaging/VolumeFile.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#include <fstream>

#include <unistd.h>

using namespace hf;
namespace fs = std::filesystem;

namespace {

const fs::path kData = HF_TEST_DATA_DIR;

fs::path scratch(const std::string& name)
{
    const fs::path folder = fs::temp_directory_path() / ("hf-reading-" + std::to_string(getpid())) / name;
    fs::remove_all(folder);
    fs::create_directories(folder);
    return folder;
}

dicom::ScanResult scanOne(const fs::path& path)
{
    const std::vector<fs::path> paths{path};
    return dicom::scan(paths);
}

phantom::CtPhantom smallPhantom(double tiltX = 0)
{
    phantom::CtPhantomOptions options;
    options.spacingMm = {6, 5, 7};
    options.tiltXDeg = tiltX;
    return phantom::makeCtPhantom(options);
}

} // namespace

HF_TEST(real_series_lie_where_independent_readers_put_them)
{
    if (!fs::exists(kData / "ct_chest_abdomen")) HF_SKIP("the real data is not there");
    const auto recorded = nlohmann::json::parse(std::ifstream(HF_SOURCE_DIR "/tests/data/series.json"));
    for (const auto& [name, expected] : recorded.items()) {
        const dicom::ScanResult found = scanOne(kData / name);
        HF_CHECK(found.mainSeries() != nullptr);
        const Volume volume = dicom::readSeries(*found.mainSeries());
        const auto size = expected["size"].get<std::vector<int>>();
        HF_CHECK(volume.geometry().size() == (Size3{size[0], size[1], size[2]}));
        const auto affine = volume.geometry().affineRas();
        double worst = 0;
        for (std::size_t n = 0; n < 16; ++n) {
            worst = std::max(worst, std::abs(affine[n] - expected["affine_ras"][n].get<double>()));
        }
        int wrong = 0;
        for (const auto& probe : expected["probes"]) {
            const float value = volume.valueAt(Index3{probe[0], probe[1], probe[2]});
            wrong += std::abs(value - probe[3].get<double>()) > expected["tolerance"].get<double>();
        }
        std::printf("%s: affine off by %.1e, %d of %zu values differ\n", name.c_str(), worst, wrong, expected["probes"].size());
        HF_CHECK(worst < 1e-3);
        // Straightening a tilt interpolates: a few voxels at edges may differ from another program's.
        HF_CHECK(wrong <= (expected["tolerance"].get<double>() > 1 ? 20 : 0));
    }
}

HF_TEST(a_written_series_comes_back)
{
    for (const double tilt : {0.0, 12.0}) {
        const phantom::CtPhantom made = smallPhantom(tilt);
        const fs::path folder = scratch("written");
        dicom::writeCtSeries(made.volume, {}, folder);
        const dicom::ScanResult found = scanOne(folder);
        HF_CHECK_EQUAL(found.studies.size(), std::size_t(1));
        const dicom::Series* series = found.mainSeries();
        HF_CHECK(series && series->kind == dicom::SeriesKind::Volume);
        const Volume read = dicom::readSeries(*series);
        HF_CHECK(read.geometry().sameGridAs(made.volume.geometry(), 1e-3));
        HF_CHECK(read.info().unit == Unit::Hu && read.info().modality == "CT");
        int differ = 0;
        for (std::size_t n = 0; n < read.geometry().size().voxels(); ++n) {
            differ += static_cast<const std::int16_t*>(read.data())[n] != static_cast<const std::int16_t*>(made.volume.data())[n];
        }
        HF_CHECK_EQUAL(differ, 0);
    }
}

HF_TEST(a_missing_slice_is_filled_and_told)
{
    const phantom::CtPhantom made = smallPhantom();
    const fs::path folder = scratch("missing");
    dicom::writeCtSeries(made.volume, {}, folder);
    fs::remove(folder / "IM0011.dcm");
    const dicom::ScanResult found = scanOne(folder);
    const Volume read = dicom::readSeries(*found.mainSeries());
    HF_CHECK(read.geometry().sameGridAs(made.volume.geometry(), 1e-3));
    const auto& notes = read.info().notes;
    HF_CHECK(std::any_of(notes.begin(), notes.end(), [](const Note& note) { return note.code == "missing-slices"; }));
    const Index3 inGap{30, 30, 10};
    const double between = (made.volume.valueAt(Index3{30, 30, 9}) + made.volume.valueAt(Index3{30, 30, 11})) / 2;
    HF_CHECK_NEAR(read.valueAt(inGap), between, 1);
}

HF_TEST(broken_files_are_listed_and_never_fatal)
{
    const phantom::CtPhantom made = smallPhantom();
    const fs::path folder = scratch("broken");
    dicom::writeCtSeries(made.volume, {}, folder);
    std::ofstream(folder / "notes.txt") << "hello";
    std::ofstream(folder / "empty.dcm");
    // Cut at every kind of place.
    std::ifstream in(folder / "IM0001.dcm", std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(in)), {});
    for (std::size_t cut = 0; cut < whole.size(); cut += whole.size() / 40 + 1) {
        std::ofstream(folder / ("cut" + std::to_string(cut)), std::ios::binary) << whole.substr(0, cut);
    }
    std::string garbled = whole;
    for (std::size_t n = 140; n < garbled.size(); n += 97) {
        garbled[n] = char(n * 31);
    }
    std::ofstream(folder / "garbled", std::ios::binary) << garbled;
    const dicom::ScanResult found = scanOne(folder);
    HF_CHECK(found.rejected.size() >= 2);
    for (const dicom::Study& study : found.studies) {
        for (const dicom::Series& series : study.series) {
            try {
                dicom::readSeries(series);
            } catch (const Error&) {
            }
        }
    }
    const dicom::Series* main = found.mainSeries();
    HF_CHECK(main && main->images.size() >= std::size_t(made.volume.geometry().size().k) - 1);
}

HF_TEST(every_file_of_the_data_is_taken_or_refused)
{
    if (!fs::exists(kData / "odd")) HF_SKIP("the real data is not there");
    for (const char* folder : {"odd", "transfer_syntaxes", "charsets", "seg", "sr", "palettes", "cxr"}) {
        const dicom::ScanResult found = scanOne(kData / folder);
        int read = 0, refused = 0;
        for (const dicom::Study& study : found.studies) {
            for (const dicom::Series& series : study.series) {
                try {
                    read += dicom::readSeries(series).geometry().size().voxels() > 0;
                } catch (const Error& error) {
                    ++refused;
                    HF_CHECK(!error.code().empty());
                }
            }
        }
        std::printf("%s: %zu files, %d series read, %d refused, %zu files rejected\n", folder, found.filesSeen, read, refused, found.rejected.size());
    }
}

HF_TEST(dicomdir_and_its_folder_give_the_same)
{
    if (!fs::exists(kData / "dicomdir" / "DICOMDIR")) HF_SKIP("the real data is not there");
    const auto count = [](const dicom::ScanResult& found) {
        std::size_t images = 0;
        for (const dicom::Study& study : found.studies) {
            for (const dicom::Series& series : study.series) images += series.images.size();
        }
        return images;
    };
    HF_CHECK_EQUAL(count(scanOne(kData / "dicomdir" / "DICOMDIR")), std::size_t(31));
    // Whatever it is called: media are mounted with small letters, copies are renamed.
    for (const char* name : {"DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-nooffset", "DICOMDIR-nopatient", "DICOMDIR-reordered"}) {
        HF_CHECK_EQUAL(count(scanOne(kData / "dicomdir" / name)), std::size_t(31));
    }
    const dicom::ScanResult empty = scanOne(kData / "dicomdir" / "DICOMDIR-empty.dcm");
    HF_CHECK(empty.studies.empty() && empty.rejected.size() == 1 && empty.rejected.front().reason == "the DICOMDIR names no files");
}

HF_TEST(a_stop_ends_the_reading)
{
    const phantom::CtPhantom made = smallPhantom();
    const fs::path folder = scratch("stop");
    dicom::writeCtSeries(made.volume, {}, folder);
    const dicom::ScanResult found = scanOne(folder);
    std::stop_source stop;
    stop.request_stop();
    bool cancelled = false;
    try {
        dicom::readSeries(*found.mainSeries(), {}, stop.get_token());
    } catch (const Cancelled&) {
        cancelled = true;
    }
    HF_CHECK(cancelled);
    HF_CHECK_THROWS(scanOne("/nowhere/at/all"), Error);
}

HF_TEST(nifti_keeps_geometry_and_values)
{
    const phantom::CtPhantom made = smallPhantom(9);
    const fs::path file = scratch("nifti") / "v.nii.gz";
    imaging::writeNifti(made.volume, file);
    const Volume read = imaging::readVolumeFile(file);
    HF_CHECK(read.geometry().sameGridAs(made.volume.geometry(), 1e-3));
    HF_CHECK_EQUAL(read.valueAt(Index3{20, 20, 20}), made.volume.valueAt(Index3{20, 20, 20}));
    fs::resize_file(file, fs::file_size(file) / 2);
    HF_CHECK_THROWS(imaging::readVolumeFile(file), Error);
}

HF_TEST(names_of_all_character_sets_are_right)
{
    if (!fs::exists(kData / "charsets")) HF_SKIP("the real data is not there");
    const auto expected = nlohmann::json::parse(std::ifstream(kData / "charsets" / "expected.json"))["files"];
    int names = 0;
    for (const auto& [file, facts] : expected.items()) {
        if (facts.contains("patient_name_utf8") && facts["patient_name_utf8"].is_string() && !facts["patient_name_utf8"].get<std::string>().empty()) {
            HF_CHECK_EQUAL(dicom::DicomFile(kData / "charsets" / file, false).header().patient.name, facts["patient_name_utf8"].get<std::string>());
            ++names;
        }
    }
    HF_CHECK(names >= 13);
}

HF_TEST(unsafe_grids_are_where_their_slices_were)
{
    if (!fs::exists(kData / "ct_tilt")) HF_SKIP("the real data is not there");
    // Tilt, and tilt with three different distances: values between the slices, by position alone.
    for (const char* folder : {"ct_tilt", "ct_vendors"}) {
        const auto all = nlohmann::json::parse(std::ifstream(kData / folder / "expected.json"))["series"];
        for (const auto& facts : all) {
            if (!facts.contains("interpolated_probes")) {
                continue;
            }
            const dicom::ScanResult found = scanOne(kData / folder / facts["directory"].get<std::string>());
            const Volume volume = dicom::readSeries(*found.mainSeries());
            std::vector<double> off;
            for (const auto& probe : facts["interpolated_probes"]) {
                const auto p = probe["lps_mm"].get<std::vector<double>>();
                const auto value = volume.valueAt(PointLps{p[0], p[1], p[2]});
                off.push_back(value ? std::abs(*value - probe["trilinear_value"].get<double>()) : INFINITY);
            }
            std::sort(off.begin(), off.end());
            // Resampled slices were interpolated twice: edges may differ, the middle of the list may not.
            const bool isResampled = std::any_of(volume.info().notes.begin(), volume.info().notes.end(), [](const Note& note) { return note.code == "tilt"; });
            HF_CHECK(isResampled ? off[off.size() / 2] < 25 : off.back() < 0.1);
            std::printf("%s: %zu places between voxels, median and worst difference %.2f, %.2f\n", facts["directory"].get<std::string>().c_str(), off.size(), off[off.size() / 2], off.back());
        }
    }
}

HF_TEST(names_are_shown_as_readers_write_them)
{
    dicom::PatientText patient;
    patient.name = "Yamada^Tarou=山田^太郎";
    HF_CHECK_EQUAL(patient.displayName(), std::string("Yamada, Tarou (山田, 太郎)"));
    patient.name = "Doe";
    HF_CHECK_EQUAL(patient.displayName(), std::string("Doe"));
}

HF_QT_TEST_MAIN()
