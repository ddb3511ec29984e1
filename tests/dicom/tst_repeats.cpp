#include "support/DcmtkItems.h"
#include "support/QtMain.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"

#include <dcmtk/dcmdata/dcuid.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include <unistd.h>

// Series that hold several images of each place: they must come apart by what makes them different, never be mixed. Files are written by DCMTK; instance
// numbers say nothing, each image holds the number of what it belongs to as its value.

using namespace hf;
using namespace hf::test;
namespace fs = std::filesystem;

namespace {

constexpr int kPlaces = 5, kSide = 8;

/// Writes images of one series: `kinds` of each place, told apart by what `mark` writes.
class RepeatedSeries {
public:
    /// @param left  images of the last kind at these last places are not there.
    RepeatedSeries(const std::string& name, const std::string& modality, int kinds, const std::function<void(DcmItem&, int kind, int place)>& mark, int left = 0)
        : m_folder(fs::temp_directory_path() / ("hounsfield-repeats-" + name + "-" + std::to_string(::getpid())))
    {
        fs::create_directories(m_folder);
        for (int place = 0; place < kPlaces; ++place) {
            for (int kind = 0; kind < kinds && !(kind == kinds - 1 && place >= kPlaces - left); ++kind) {
                // Neither by place nor by kind, and another order at each place.
                const int number = place * kinds + (kind * 7 + place * 3) % kinds;
                DcmFileFormat file;
                DcmDataset& d = *file.getDataset();
                const bool isMr = modality == "MR";
                put(d, DCM_SOPClassUID, isMr ? UID_MRImageStorage : UID_CTImageStorage);
                put(d, DCM_SOPInstanceUID, "2.25.88." + std::to_string(place) + "." + std::to_string(kind));
                put(d, DCM_StudyInstanceUID, "2.25.88.1");
                put(d, DCM_SeriesInstanceUID, "2.25.88.2");
                put(d, DCM_FrameOfReferenceUID, "2.25.88.3");
                put(d, DCM_Modality, modality);
                put(d, DCM_PatientName, "Phantom^Repeated");
                put(d, DCM_ImageType, "ORIGINAL\\PRIMARY\\AXIAL");
                put(d, DCM_InstanceNumber, std::to_string(number + 1));
                put(d, DCM_ImagePositionPatient, "-10\\-20\\" + std::to_string(3 * place));
                put(d, DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
                put(d, DCM_PixelSpacing, "1\\1");
                put(d, DCM_SliceThickness, "3");
                putPixels(d, kSide, std::vector<Uint16>(kSide * kSide, Uint16(100 * (kind + 1))));
                mark(d, kind, place);
                require(file.saveFile((m_folder / (std::to_string(number) + ".dcm")).c_str(), EXS_LittleEndianExplicit));
            }
        }
    }
    ~RepeatedSeries()
    {
        std::error_code ignored;
        fs::remove_all(m_folder, ignored);
    }
    const fs::path& folder() const { return m_folder; }
    /// The parts by name, each checked to be a volume of one kind; the value of each.
    /// @param lastSlices  of the last kind.
    std::map<std::string, double> parts(std::size_t expected, int lastSlices = kPlaces) const
    {
        const std::vector<fs::path> paths{m_folder};
        const dicom::ScanResult found = dicom::scan(paths);
        std::map<std::string, double> values;
        HF_CHECK_EQUAL(found.studies.size(), std::size_t(1));
        HF_CHECK_EQUAL(found.studies.at(0).series.size(), expected);
        for (const dicom::Series& part : found.studies.at(0).series) {
            const Volume volume = dicom::readSeries(part);
            const Size3 size = volume.geometry().size();
            HF_CHECK(size.k == kPlaces || (size.k == lastSlices && volume.valueAt(Index3{1, 1, 0}) == 100.0F * float(expected)));
            std::set<double> own;
            for (int k = 0; k < size.k; ++k) {
                own.insert(volume.valueAt(Index3{1, 1, k}));
            }
            if (own.size() != 1) {
                hf::test::fail(__FILE__, __LINE__, m_folder.filename().string() + ": part '" + part.partName + "' mixes " + std::to_string(own.size()) + " kinds");
            }
            values[part.partName] = *own.begin();
        }
        HF_CHECK_EQUAL(values.size(), expected);
        return values;
    }

private:
    fs::path m_folder;
};

std::string fixed(double value) { return std::to_string(value).substr(0, 6); }

} // namespace

HF_TEST(echoes_without_numbers_come_apart_by_their_time)
{
    const RepeatedSeries series("echo", "MR", 3, [](DcmItem& d, int kind, int) { put(d, DCM_EchoTime, std::to_string(20 + 30 * kind)); });
    const auto parts = series.parts(3);
    HF_CHECK_EQUAL(parts.at("TE 20 ms"), 100.0);
    HF_CHECK_EQUAL(parts.at("TE 50 ms"), 200.0);
    HF_CHECK_EQUAL(parts.at("TE 80 ms"), 300.0);
}

HF_TEST(diffusion_weightings_and_directions_come_apart)
{
    // b 0 once, b 1000 in three directions.
    const RepeatedSeries series("diffusion", "MR", 4, [](DcmItem& d, int kind, int) {
        require(d.putAndInsertFloat64(DCM_DiffusionBValue, kind == 0 ? 0 : 1000));
        if (kind > 0) {
            const Float64 direction[] = {kind == 1 ? 1.0 : 0.0, kind == 2 ? 1.0 : 0.0, kind == 3 ? 1.0 : 0.0};
            require(d.putAndInsertFloat64Array(DCM_DiffusionGradientOrientation, direction, 3));
        }
    });
    std::set<double> values;
    int weighted = 0;
    for (const auto& [name, value] : series.parts(4)) {
        values.insert(value);
        weighted += name.starts_with("b 1000, direction ");
    }
    HF_CHECK(values == std::set<double>({100, 200, 300, 400}));
    HF_CHECK_EQUAL(weighted, 3);
}

HF_TEST(a_b_value_of_a_maker_counts_too_and_another_owner_of_the_group_does_not)
{
    const auto own = [](const char* creator) {
        return [creator](DcmItem& d, int kind, int) {
            put(d, DcmTag(0x0019, 0x0010, EVR_LO), creator);
            require(d.putAndInsertString(DcmTag(0x0019, 0x100c, EVR_IS), std::to_string(500 * kind).c_str()));
            put(d, DCM_AcquisitionTime, kind == 0 ? "120000" : "120100");
        };
    };
    const auto parts = RepeatedSeries("siemens", "MR", 2, own("SIEMENS MR HEADER")).parts(2);
    HF_CHECK_EQUAL(parts.at("b 0"), 100.0);
    HF_CHECK_EQUAL(parts.at("b 500"), 200.0);
    const auto times = RepeatedSeries("other", "MR", 2, own("SOMEBODY ELSE")).parts(2);
    HF_CHECK_EQUAL(times.at("time point 1"), 100.0);
    HF_CHECK_EQUAL(times.at("time point 2"), 200.0);
}

HF_TEST(energies_come_apart_by_the_voltage)
{
    const auto parts = RepeatedSeries("energy", "CT", 2, [](DcmItem& d, int kind, int) { put(d, DCM_KVP, kind == 0 ? "140" : "80"); }).parts(2);
    HF_CHECK_EQUAL(parts.at("140 kV"), 100.0);
    HF_CHECK_EQUAL(parts.at("80 kV"), 200.0);
}

HF_TEST(kinds_of_images_beyond_the_third_word_come_apart)
{
    const auto parts = RepeatedSeries("dixon", "MR", 2, [](DcmItem& d, int kind, int) {
        put(d, DCM_ImageType, kind == 0 ? "DERIVED\\PRIMARY\\DIXON\\WATER" : "DERIVED\\PRIMARY\\DIXON\\FAT");
    }).parts(2);
    HF_CHECK_EQUAL(parts.at("WATER"), 100.0);
    HF_CHECK_EQUAL(parts.at("FAT"), 200.0);
}

HF_TEST(times_of_a_day_order_what_differs_in_nothing_else)
{
    // Each slice has a time of its own: slices of a pass follow each other, the next pass begins a minute later.
    const auto parts = RepeatedSeries("dynamic", "MR", 3, [](DcmItem& d, int kind, int place) {
        put(d, DCM_AcquisitionTime, "1015" + std::string(kind == 0 ? "00" : "") + (kind == 0 ? "." + std::to_string(place) : kind == 1 ? "30." + std::to_string(place) : "45." + std::to_string(place)));
    }).parts(3);
    HF_CHECK_EQUAL(parts.at("time point 1"), 100.0);
    HF_CHECK_EQUAL(parts.at("time point 2"), 200.0);
    HF_CHECK_EQUAL(parts.at("time point 3"), 300.0);
}

HF_TEST(passes_whose_numbers_run_to_and_fro_are_ordered_by_the_clock_of_their_pixels)
{
    const auto parts = RepeatedSeries("content", "MR", 3, [](DcmItem& d, int kind, int place) {
        put(d, DCM_InstanceNumber, std::to_string(3 * place + (place % 2 == 0 ? kind : 2 - kind) + 1));
        put(d, DCM_ContentTime, "1015" + std::to_string(10 + 10 * kind) + "." + std::to_string(place));
    }).parts(3);
    HF_CHECK_EQUAL(parts.at("time point 1"), 100.0);
    HF_CHECK_EQUAL(parts.at("time point 2"), 200.0);
    HF_CHECK_EQUAL(parts.at("time point 3"), 300.0);
}

HF_TEST(numbers_of_passes_behind_each_other_count_before_the_clock_of_their_pixels)
{
    // Made all at once, in any order.
    const auto parts = RepeatedSeries("made", "MR", 2, [](DcmItem& d, int kind, int place) {
        put(d, DCM_InstanceNumber, std::to_string(100 * kind + place + 1));
        put(d, DCM_ContentTime, "101500." + std::to_string((place * 7 + kind * 3) % 10));
    }).parts(2);
    HF_CHECK_EQUAL(parts.at("time point 1"), 100.0);
    HF_CHECK_EQUAL(parts.at("time point 2"), 200.0);
}

HF_TEST(two_echoes_at_two_times_are_four_parts)
{
    const auto parts = RepeatedSeries("both", "MR", 4, [](DcmItem& d, int kind, int place) {
        put(d, DCM_EchoTime, kind % 2 == 0 ? "10" : "90");
        put(d, DCM_AcquisitionTime, (kind / 2 == 0 ? "08000" : "09000") + std::to_string(place));
    }).parts(4);
    HF_CHECK_EQUAL(parts.at("TE 10 ms, time point 1"), 100.0);
    HF_CHECK_EQUAL(parts.at("TE 90 ms, time point 1"), 200.0);
    HF_CHECK_EQUAL(parts.at("TE 10 ms, time point 2"), 300.0);
    HF_CHECK_EQUAL(parts.at("TE 90 ms, time point 2"), 400.0);
}

HF_TEST(what_differs_from_slice_to_slice_tears_no_volume)
{
    // Modulated flip angles and voltages: no place comes twice, so nothing is told apart.
    const RepeatedSeries series("varying", "MR", 1, [](DcmItem& d, int, int place) {
        put(d, DCM_FlipAngle, std::to_string(10 + place));
        put(d, DCM_KVP, std::to_string(100 + place));
        put(d, DCM_EchoTime, fixed(2 + 0.1 * place));
    });
    HF_CHECK_EQUAL(series.parts(1).begin()->second, 100.0);
}

HF_TEST(passes_between_each_others_slices_come_apart)
{
    // Half a slice, a rounding error, and a third of one; the slices of one pass lie 3 mm apart.
    for (const double shift : {1.5, 0.02, 1.0}) {
        const auto at = [shift](DcmItem& d, int kind, int place) { put(d, DCM_ImagePositionPatient, "-10\\-20\\" + std::to_string(3 * place + shift * kind)); };
        const auto echoes = RepeatedSeries("between", "MR", 2, [&](DcmItem& d, int kind, int place) {
            at(d, kind, place);
            put(d, DCM_EchoTime, kind == 0 ? "10" : "80");
        }).parts(2);
        HF_CHECK(echoes.at("TE 10 ms") == 100.0 && echoes.at("TE 80 ms") == 200.0);
        const auto agents = RepeatedSeries("agent", "CT", 2, [&](DcmItem& d, int kind, int place) {
            at(d, kind, place);
            if (kind == 1) {
                put(d, DCM_ContrastBolusAgent, "Iodine");
            }
        }).parts(2);
        HF_CHECK(agents.at("") == 100.0 && agents.at("contrast") == 200.0);
        const auto passes = RepeatedSeries("pass", "CT", 2, [&](DcmItem& d, int kind, int place) {
            at(d, kind, place);
            put(d, DCM_AcquisitionNumber, std::to_string(kind + 1));
        }).parts(2);
        HF_CHECK(passes.at("time point 1") == 100.0 && passes.at("time point 2") == 200.0);
    }
}

HF_TEST(numbers_that_differ_by_rounding_tear_no_volume)
{
    const RepeatedSeries series("jitter", "MR", 2, [](DcmItem& d, int kind, int place) {
        put(d, DCM_ImagePositionPatient, "-10\\-20\\" + std::to_string(6 * place + 3 * kind));
        put(d, DCM_EchoTime, kind == 0 ? "2.3049" : "2.3051");
    });
    const std::vector<fs::path> paths{series.folder()};
    HF_CHECK_EQUAL(dicom::scan(paths).studies.at(0).series.size(), std::size_t(1));
}

HF_TEST(thick_slices_that_lie_close_stay_one_volume)
{
    const RepeatedSeries series("close", "CT", 1, [](DcmItem& d, int, int place) {
        put(d, DCM_ImagePositionPatient, "-10\\-20\\" + std::to_string(0.08 * place));
        put(d, DCM_SliceThickness, "1");
    });
    HF_CHECK_EQUAL(series.parts(1).size(), std::size_t(1));
}

HF_TEST(thin_slices_that_were_taken_by_turns_stay_one_volume)
{
    // Odd and even slices in two acquisitions: as thick as they lie apart.
    const RepeatedSeries series("turns", "MR", 2, [](DcmItem& d, int kind, int place) {
        put(d, DCM_ImagePositionPatient, "-10\\-20\\" + std::to_string(6 * place + 3 * kind));
        put(d, DCM_AcquisitionNumber, std::to_string(kind + 1));
    });
    const std::vector<fs::path> paths{series.folder()};
    const dicom::ScanResult found = dicom::scan(paths);
    HF_CHECK_EQUAL(found.studies.at(0).series.size(), std::size_t(1));
    HF_CHECK_EQUAL(dicom::readSeries(*found.mainSeries()).geometry().size().k, 2 * kPlaces);
}

HF_TEST(a_last_pass_that_was_stopped_hides_none_of_the_others)
{
    const auto none = [](DcmItem& d, int kind, int place) { put(d, DCM_AcquisitionTime, "1015" + std::to_string(10 + 10 * kind) + "." + std::to_string(place)); };
    const auto numbered = [](DcmItem& d, int kind, int) { put(d, DCM_AcquisitionNumber, std::to_string(kind + 1)); };
    for (const int left : {2, 4}) {
        for (const auto& parts : {RepeatedSeries("stopped", "MR", 4, none, left).parts(4, kPlaces - left), RepeatedSeries("stopped", "MR", 4, numbered, left).parts(4, kPlaces - left)}) {
            for (int n = 1; n <= 4; ++n) {
                HF_CHECK_EQUAL(parts.at("time point " + std::to_string(n)), 100.0 * n);
            }
        }
    }
}

HF_TEST(a_word_that_says_nothing_takes_no_slice_out_of_its_stack)
{
    for (const char* modality : {"CT", "MR"}) {
        for (const int odd : {0, 2, kPlaces - 1}) {
            const RepeatedSeries series("word", modality, 1, [odd](DcmItem& d, int, int place) {
                if (place == odd) {
                    put(d, DCM_ImageType, "ORIGINAL\\PRIMARY\\OTHER");
                }
            });
            HF_CHECK_EQUAL(series.parts(1).begin()->second, 100.0);
        }
    }
    // A slice is missing besides.
    const RepeatedSeries series("word-gap", "CT", 2, [](DcmItem& d, int kind, int place) {
        put(d, DCM_ImagePositionPatient, "-10\\-20\\" + std::to_string(3 * (place + (kind == 1 ? kPlaces + 1 : 0))));
        put(d, DCM_ImageType, kind == 1 ? "ORIGINAL\\PRIMARY" : "ORIGINAL\\PRIMARY\\AXIAL");
    });
    const std::vector<fs::path> paths{series.folder()};
    const dicom::ScanResult found = dicom::scan(paths);
    HF_CHECK_EQUAL(found.studies.at(0).series.size(), std::size_t(1));
    HF_CHECK_EQUAL(dicom::readSeries(*found.mainSeries()).geometry().size().k, 2 * kPlaces + 1);
}

HF_TEST(words_keep_apart_what_is_no_part_of_the_stack)
{
    const auto partsOf = [](const char* modality, const char* first, const char* other, const std::function<std::string(int kind, int place)>& positionOf, int kinds) {
        const RepeatedSeries series("apart", modality, kinds, [&](DcmItem& d, int kind, int place) {
            put(d, DCM_ImagePositionPatient, positionOf(kind, place));
            put(d, DCM_ImageType, std::string("ORIGINAL\\PRIMARY\\") + ((kinds == 1 ? place == kPlaces - 1 : kind == 1) ? other : first));
        });
        const std::vector<fs::path> paths{series.folder()};
        return dicom::scan(paths).studies.at(0).series.size();
    };
    const auto even = [](int, int place) { return "-10\\-20\\" + std::to_string(3 * place); };
    const auto behind = [](int kind, int place) { return "-10\\-20\\" + std::to_string(3 * (place + kind * kPlaces)); };
    const auto offGrid = [](int, int place) { return "-10\\-20\\" + std::to_string(3 * place + (place == kPlaces - 1 ? 1.3 : 0.0)); };
    const auto shifted = [](int, int place) { return std::string(place == kPlaces - 1 ? "-2" : "-10") + "\\-20\\" + std::to_string(3 * place); };
    HF_CHECK_EQUAL(partsOf("CT", "AXIAL", "OTHER", behind, 2), std::size_t(1));
    HF_CHECK_EQUAL(partsOf("CT", "AXIAL", "LOCALIZER", even, 1), std::size_t(2));
    HF_CHECK_EQUAL(partsOf("CT", "AXIAL", "LOCALIZER", behind, 2), std::size_t(2));
    HF_CHECK_EQUAL(partsOf("MR", "M", "P", behind, 2), std::size_t(2));
    HF_CHECK_EQUAL(partsOf("CT", "AXIAL", "OTHER", even, 2), std::size_t(2));       // two images of each place
    HF_CHECK_EQUAL(partsOf("CT", "AXIAL", "OTHER", offGrid, 1), std::size_t(2));
    HF_CHECK_EQUAL(partsOf("CT", "AXIAL", "OTHER", shifted, 1), std::size_t(2));
}

HF_TEST(projections_are_no_stacks_whatever_positions_they_have)
{
    const auto kindOf = [](const std::string& modality) {
        const RepeatedSeries series("projection", modality, 1, [](DcmItem&, int, int) {});
        const std::vector<fs::path> paths{series.folder()};
        return dicom::scan(paths).mainSeries()->kind;
    };
    for (const char* modality : {"CR", "DX", "RG", "RF", "XA", "MG", "IO", "PX"}) {
        HF_CHECK(dicom::isProjection(modality));
        HF_CHECK(kindOf(modality) != dicom::SeriesKind::Volume);
        HF_CHECK_EQUAL(dicom::isMammography(modality), std::string(modality) == "MG");
    }
    HF_CHECK(!dicom::isProjection("CT") && kindOf("CT") == dicom::SeriesKind::Volume);
}

HF_TEST(an_image_between_two_slices_is_seen_or_told)
{
    // Slices 3 mm apart; one more lies 0.9 mm behind one of them, so that a grid of all of them stays of a usual size; and one 0.2 mm.
    for (const double behind : {0.9, 0.2}) {
        const RepeatedSeries series("extra", "CT", 2, [behind](DcmItem& d, int kind, int place) {
            put(d, DCM_ImagePositionPatient, "-10\\-20\\" + std::to_string(kind == 0 ? 3.0 * place : 3 + behind));
            if (kind == 1) {
                require(d.putAndInsertString(DCM_ImageType, place == 1 ? "ORIGINAL\\PRIMARY\\AXIAL" : "DERIVED\\SECONDARY\\OTHER"));
            }
        });
        const std::vector<fs::path> paths{series.folder()};
        const dicom::ScanResult found = dicom::scan(paths);
        const Volume volume = dicom::readSeries(*found.mainSeries());
        double most = 0;
        for (int k = 0; k < volume.geometry().size().k; ++k) {
            most = std::max(most, volume.valueAt(Index3{1, 1, k}));
        }
        const auto& notes = volume.info().notes;
        const bool isTold = std::any_of(notes.begin(), notes.end(), [](const Note& note) { return note.code == "images-between"; });
        HF_CHECK(isTold || most > 120);
    }
}

HF_TEST(places_are_those_of_each_image_where_slices_lie_beside_the_grid)
{
    // Too little to be resampled: each slice is a bit off along the normal and in its plane, and turned by a twentieth of a degree.
    const auto firstOf = [](int place) { return PointLps{-10 + 0.04 * (place % 3), -20 - 0.05 * (place % 2), 3.0 * place + (place == 2 ? 0.02 : place == 3 ? -0.015 : 0)}; };
    const auto turnOf = [](int place) { return place == 1 ? 8e-4 : 0.0; };
    const RepeatedSeries series("jitter", "CT", 1, [&](DcmItem& d, int, int place) {
        const PointLps p = firstOf(place);
        char text[128];
        std::snprintf(text, sizeof text, "%.6f\\%.6f\\%.6f", p.x, p.y, p.z);
        put(d, DCM_ImagePositionPatient, text);
        const double a = turnOf(place);
        std::snprintf(text, sizeof text, "%.9f\\%.9f\\0\\%.9f\\%.9f\\0", std::cos(a), std::sin(a), -std::sin(a), std::cos(a));
        put(d, DCM_ImageOrientationPatient, text);
    });
    const std::vector<fs::path> paths{series.folder()};
    const dicom::ScanResult found = dicom::scan(paths);
    HF_CHECK_EQUAL(found.studies.at(0).series.size(), std::size_t(1));
    const dicom::Series& only = *found.mainSeries();
    const Volume volume = dicom::readSeries(only);
    HF_CHECK_EQUAL(volume.geometry().size().k, kPlaces);
    HF_CHECK_EQUAL(volume.info().places.size(), std::size_t(kPlaces));
    double worstOfGrid = 0;
    for (int place = 0; place < kPlaces; ++place) {
        const PointLps first = firstOf(place);
        const double a = turnOf(place), i = only.columns - 1, j = only.rows - 1;
        // PS3.3 C.7.6.2.1.1
        const PointLps expected{first.x + std::cos(a) * only.spacingMm[0] * i - std::sin(a) * only.spacingMm[1] * j, first.y + std::sin(a) * only.spacingMm[0] * i + std::cos(a) * only.spacingMm[1] * j, first.z};
        const PointLps onGrid = volume.geometry().toLps(ContinuousIndex{i, j, double(place)});
        HF_CHECK(length(volume.inPatient(onGrid) - expected) < 1e-5);
        worstOfGrid = std::max(worstOfGrid, length(onGrid - expected));
    }
    HF_CHECK(worstOfGrid > 0.03);
    // Between two slices, and beyond the last one.
    const auto alongZ = [&](double k) { return volume.inPatient(volume.geometry().toLps(ContinuousIndex{0, 0, k})).z; };
    HF_CHECK_NEAR(alongZ(1.5), (3.0 + 6.02) / 2, 1e-5);
    HF_CHECK_NEAR(alongZ(kPlaces - 1 + 0.5) - alongZ(kPlaces - 1), (firstOf(kPlaces - 1).z - firstOf(kPlaces - 2).z) / 2, 1e-5);
}

HF_TEST(slices_on_the_grid_have_no_places_of_their_own)
{
    const RepeatedSeries series("even", "CT", 1, [](DcmItem&, int, int) {});
    const std::vector<fs::path> paths{series.folder()};
    HF_CHECK(dicom::readSeries(*dicom::scan(paths).mainSeries()).info().places.empty());
}

HF_TEST(a_frame_of_reference_in_each_image_tears_no_volume)
{
    // As some de-identified collections have it. Two that each hold a stack are two systems of coordinates.
    const auto own = [](DcmItem& d, int, int place) { put(d, DCM_FrameOfReferenceUID, "2.25.88.9." + std::to_string(place)); };
    const RepeatedSeries series("frames", "CT", 1, own);
    const std::vector<fs::path> paths{series.folder()};
    const dicom::ScanResult found = dicom::scan(paths);
    HF_CHECK_EQUAL(found.studies.at(0).series.size(), std::size_t(1));
    const Volume volume = dicom::readSeries(*found.mainSeries());
    HF_CHECK_EQUAL(volume.geometry().size().k, kPlaces);
    HF_CHECK(std::any_of(volume.info().notes.begin(), volume.info().notes.end(), [](const Note& note) { return note.code == "frames-of-reference"; }));
    const RepeatedSeries two("systems", "CT", 2, [](DcmItem& d, int kind, int place) {
        put(d, DCM_ImagePositionPatient, "-10\\-20\\" + std::to_string(3 * place + kind));
        put(d, DCM_FrameOfReferenceUID, "2.25.88.9." + std::to_string(kind));
    });
    const std::vector<fs::path> twoPaths{two.folder()};
    HF_CHECK_EQUAL(dicom::scan(twoPaths).studies.at(0).series.size(), std::size_t(2));
}

HF_TEST(one_instance_uid_in_all_images_hides_none)
{
    const RepeatedSeries series("instance", "CT", 1, [](DcmItem& d, int, int) { put(d, DCM_SOPInstanceUID, "2.25.88.7"); });
    HF_CHECK_EQUAL(series.parts(1).size(), std::size_t(1));
}

HF_TEST(slices_without_a_series_uid_are_one_volume)
{
    const RepeatedSeries series("nouid", "CT", 1, [](DcmItem& d, int, int) { require(d.findAndDeleteElement(DCM_SeriesInstanceUID)); });
    HF_CHECK_EQUAL(series.parts(1).size(), std::size_t(1));
}

HF_TEST(orientations_of_two_digits_place_a_volume)
{
    // Turned by 7 degrees about z, then by 13 about x, rounded: 0.3 degrees from a right angle.
    const auto slanted = [](double third) {
        return [third](DcmItem& d, int, int place) {
            put(d, DCM_ImageOrientationPatient, "0.99\\0.12\\0.03\\-0.12\\0.97\\" + std::to_string(third));
            put(d, DCM_ImagePositionPatient, "0\\" + std::to_string(-0.67485 * place) + "\\" + std::to_string(2.92311 * place));
        };
    };
    const RepeatedSeries series("digits", "CT", 1, slanted(0.22));
    HF_CHECK_EQUAL(series.parts(1).size(), std::size_t(1));
    const std::vector<fs::path> paths{series.folder()};
    const Geometry geometry = dicom::readSeries(*dicom::scan(paths).mainSeries()).geometry();
    const double cosines[3][3] = {{0.99255, 0.11874, 0.02742}, {-0.12187, 0.96711, 0.22328}, {0, -0.22495, 0.97437}};
    for (int axis = 0; axis < 3; ++axis) {
        const Vec3 found = geometry.direction(axis);
        HF_CHECK(std::abs(found.x - cosines[axis][0]) < 0.01 && std::abs(found.y - cosines[axis][1]) < 0.01 && std::abs(found.z - cosines[axis][2]) < 0.01);
        HF_CHECK_NEAR(length(found), 1, 1e-9);
    }
    HF_CHECK_NEAR(dot(geometry.direction(0), geometry.direction(1)), 0, 1e-4);
    HF_CHECK_NEAR(geometry.spacingMm()[2], 3, 0.01);
    // No rounding: such a picture lies nowhere.
    const RepeatedSeries skew("skew", "CT", 1, slanted(0.4));
    const std::vector<fs::path> skewPaths{skew.folder()};
    HF_CHECK(dicom::scan(skewPaths).mainSeries()->kind != dicom::SeriesKind::Volume);
}

HF_TEST(frames_come_apart_by_when_they_were_taken_not_by_their_order)
{
    constexpr int kTimes = 3;
    const std::pair<DcmTagKey, DcmTagKey> clocks[] = {{DCM_TemporalPositionSequence, DCM_TemporalPositionTimeOffset}, {DCM_CardiacSynchronizationSequence, DCM_NominalPercentageOfCardiacPhase},
        {DCM_RespiratorySynchronizationSequence, DCM_NominalPercentageOfRespiratoryPhase}};
    for (const auto& [sequence, clock] : clocks) {
        const RepeatedSeries empty("clock", "MR", 0, [](DcmItem&, int, int) {});
        DcmFileFormat file;
        DcmDataset& d = *file.getDataset();
        put(d, DCM_SOPClassUID, UID_EnhancedMRImageStorage);
        put(d, DCM_SOPInstanceUID, "2.25.89.3");
        put(d, DCM_StudyInstanceUID, "2.25.89.1");
        put(d, DCM_SeriesInstanceUID, "2.25.89.2");
        put(d, DCM_Modality, "MR");
        put(d, DCM_NumberOfFrames, std::to_string(kTimes * kPlaces));
        std::vector<Uint16> stored;
        for (int frame = 0; frame < kTimes * kPlaces; ++frame) {
            // Each place has its times in another order.
            const int place = frame % kPlaces, time = (frame / kPlaces + place) % kTimes;
            stored.insert(stored.end(), kSide * kSide, Uint16(100 * (time + 1)));
            DcmItem& groups = append(d, DCM_PerFrameFunctionalGroupsSequence);
            put(append(groups, DCM_PlanePositionSequence), DCM_ImagePositionPatient, "0\\0\\" + std::to_string(3 * place));
            put(append(groups, DCM_PlaneOrientationSequence), DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
            put(append(groups, DCM_PixelMeasuresSequence), DCM_PixelSpacing, "1\\1");
            DcmItem& item = append(groups, sequence);
            require(DcmTag(clock).getEVR() == EVR_FD ? item.putAndInsertFloat64(clock, 2.5 * time) : item.putAndInsertFloat32(clock, 2.5F * float(time)));
        }
        putPixels(d, kSide, stored);
        require(d.putAndInsertUint16(DCM_Rows, kSide));
        require(file.saveFile((empty.folder() / "a.dcm").c_str(), EXS_LittleEndianExplicit));
        const auto parts = empty.parts(kTimes);
        for (int time = 1; time <= kTimes; ++time) {
            HF_CHECK_EQUAL(parts.at("time point " + std::to_string(time)), 100.0 * time);
        }
    }
}

HF_TEST(time_points_of_several_planes_are_told_apart)
{
    const RepeatedSeries series("planes", "MR", 4, [](DcmItem& d, int kind, int place) {
        put(d, DCM_TemporalPositionIdentifier, std::to_string(1 + kind % 2));
        if (kind >= 2) {
            put(d, DCM_ImageOrientationPatient, "0\\1\\0\\0\\0\\-1");
            put(d, DCM_ImagePositionPatient, std::to_string(3 * place) + "\\0\\0");
        }
    });
    const auto parts = series.parts(4);
    for (int n = 0; n < 4; ++n) {
        HF_CHECK_EQUAL(parts.at("time point " + std::to_string(1 + n % 2) + (n < 2 ? ", axial" : ", sagittal")), 100.0 * (n + 1));
    }
}

HF_TEST(outside_a_tilted_stack_lies_air_also_where_no_value_is_negative)
{
    // All values fit a byte; or are too large for 16 bits with a sign.
    for (const auto& [slope, type] : {std::pair{1, VoxelType::Int16}, {400, VoxelType::Float32}}) {
        const RepeatedSeries series("unsigned", "CT", 1, [slope](DcmItem& d, int, int place) {
            const double z = 3.0 * place;
            put(d, DCM_ImagePositionPatient, "0\\" + std::to_string(0.3 * z) + "\\" + std::to_string(z));
            put(d, DCM_RescaleIntercept, "0");
            put(d, DCM_RescaleSlope, std::to_string(slope));
        });
        const std::vector<fs::path> paths{series.folder()};
        const Volume volume = dicom::readSeries(*dicom::scan(paths).mainSeries());
        HF_CHECK(volume.type() == type && volume.info().unit == Unit::Hu);
        int inside = 0, outside = 0, others = 0;
        for (int k = 0; k < volume.geometry().size().k; ++k) {
            for (int j = 0; j < volume.geometry().size().j; ++j) {
                const float value = volume.valueAt(Index3{2, j, k});
                (value == 100.F * float(slope) ? inside : value == -1024 ? outside : others) += 1;
            }
        }
        HF_CHECK(inside > 0 && outside > 0 && others == 0);
    }
}

HF_TEST(a_gap_of_a_tilted_stack_mixes_nothing_with_what_lies_outside)
{
    const RepeatedSeries series("gap", "CT", 1, [](DcmItem& d, int, int place) {
        const double z = 3.0 * (place < 3 ? place : place + 2);
        put(d, DCM_ImagePositionPatient, "0\\" + std::to_string(0.3 * z) + "\\" + std::to_string(z));
        put(d, DCM_RescaleIntercept, "-200");
        put(d, DCM_RescaleSlope, "1");
    });
    const std::vector<fs::path> paths{series.folder()};
    const Volume volume = dicom::readSeries(*dicom::scan(paths).mainSeries());
    const Size3 size = volume.geometry().size();
    HF_CHECK(size.k == 7 && size.j > kSide);
    int inside = 0, others = 0;
    for (int k = 0; k < size.k; ++k) {
        for (int j = 0; j < size.j; ++j) {
            const float value = volume.valueAt(Index3{2, j, k});
            inside += value == -100;
            others += value != -100 && value != -1024;
        }
    }
    HF_CHECK_EQUAL(others, 0);
    HF_CHECK(inside > size.k * (kSide - 3));
}

HF_TEST(reconstructions_of_one_region_come_apart)
{
    const auto kernels = RepeatedSeries("kernel", "CT", 2, [](DcmItem& d, int kind, int) { put(d, DCM_ConvolutionKernel, kind == 0 ? "B30f" : "B60f"); }).parts(2);
    HF_CHECK(kernels.at("B30f") == 100.0 && kernels.at("B60f") == 200.0);
    // Thick slices are fewer, at places of thin ones and between them.
    for (const double shift : {0.0, 1.5}) {
        const auto thick = RepeatedSeries("thick", "CT", 2, [shift](DcmItem& d, int kind, int place) {
            put(d, DCM_SliceThickness, kind == 0 ? "3" : "6");
            put(d, DCM_ImagePositionPatient, "-10\\-20\\" + std::to_string(kind == 0 ? 3.0 * place : 6 * place + shift));
        }, 2).parts(2, kPlaces - 2);
        HF_CHECK(thick.at("3 mm") == 100.0 && thick.at("6 mm") == 200.0);
    }
    // Below each other they are one stack whose slices become thicker.
    const RepeatedSeries below("below", "CT", 2, [](DcmItem& d, int kind, int place) {
        put(d, DCM_SliceThickness, kind == 0 ? "3" : "6");
        put(d, DCM_ImagePositionPatient, "-10\\-20\\" + std::to_string(kind == 0 ? 3.0 * place : 16.5 + 6 * place));
    });
    const std::vector<fs::path> paths{below.folder()};
    HF_CHECK_EQUAL(dicom::scan(paths).studies.at(0).series.size(), std::size_t(1));
}

HF_QT_TEST_MAIN()
