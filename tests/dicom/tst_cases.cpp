#include "support/QtMain.h"
#include "viewer/dicom/Presentation.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/Picture.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

// Small DICOM objects of every kind of value, grey, colour and geometry, with what pydicom and NumPy make of them: tests/data/dicom and
// dicom.json, both made by tests/oracles/record_dicom.py.

using namespace hf;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const fs::path kFolder = fs::path(HF_SOURCE_DIR) / "tests" / "data";

json cases() { return json::parse(std::ifstream(kFolder / "dicom.json")); }

dicom::ScanResult scanCase(const std::string& name)
{
    const std::vector<fs::path> paths{kFolder / "dicom" / (name + ".zip")};
    return dicom::scan(paths);
}

void failCase(const std::string& name, const std::string& what) { hf::test::fail(__FILE__, __LINE__, name + ": " + what); }

std::vector<const dicom::Series*> partsOf(const dicom::ScanResult& found)
{
    std::vector<const dicom::Series*> parts;
    for (const dicom::Study& study : found.studies) {
        for (const dicom::Series& series : study.series) {
            parts.push_back(&series);
        }
    }
    return parts;
}

/// The whole first image at one pixel a voxel, as the screen composes it.
/// Of its first slice, by the newest presentation state where there is one.
Picture pictureOf(const dicom::Series& series, const Volume& volume)
{
    View view;
    view.plane = volume.geometry().acquisitionPlane();
    const dicom::Presentation* state = series.presentations.empty() ? nullptr : series.presentations.front().get();
    const WindowLevel window = dicom::presentedWindow(state, volume, series.images.front(), series.valueFactor);
    return composeSlice(volume, frameOf(volume.geometry(), view), window, state && state->inverts(volume), Interpolation::Linear);
}

void checkValues(const std::string& name, const json& facts, const Volume& volume)
{
    for (const json& probe : facts.value("values", json::array())) {
        const Index3 index{probe[0], probe[1], probe[2]};
        const double expected = probe[3];
        if (!volume.geometry().contains(index) || std::abs(volume.valueAt(index) - expected) > 1e-6 * std::max(1.0, std::abs(expected))) {
            failCase(name, "value " + std::to_string(volume.geometry().contains(index) ? volume.valueAt(index) : NAN) + " instead of " + std::to_string(expected));
            return;
        }
    }
}

void checkPicture(const std::string& name, const json& facts, const dicom::Series& series, const Volume& volume)
{
    const bool isColor = facts.contains("rgb");
    if (!isColor && !facts.contains("grey") && !facts.contains("black")) {
        return;
    }
    const Picture picture = pictureOf(series, volume);
    for (const json& place : facts.value("black", json::array())) {
        if (picture.at(place[0], place[1]).r != 0) {
            failCase(name, "padding is not black");
        }
    }
    const json expected = isColor ? facts["rgb"] : facts.value("grey", json::array());
    int worst = 0;
    for (std::size_t n = 0; n < expected.size(); ++n) {
        worst = std::max(worst, std::abs(int(picture.rgb.at(isColor ? n : 3 * n)) - expected[n].get<int>()));
    }
    if (worst > 1) {
        failCase(name, "the picture differs by " + std::to_string(worst) + " levels");
    }
}

void checkGrid(const std::string& name, const json& facts, const Volume& volume)
{
    if (facts.contains("size")) {
        const auto size = facts["size"].get<std::vector<int>>();
        if (volume.geometry().size() != Size3{size[0], size[1], size[2]}) {
            failCase(name, "wrong size, " + std::to_string(volume.geometry().size().k) + " slices");
        }
    }
    const auto affine = volume.geometry().affineRas();
    for (std::size_t n = 0; n < 16 && facts.contains("affine_ras"); ++n) {
        if (std::abs(affine[n] - facts["affine_ras"][n].get<double>()) > 1e-3) {
            failCase(name, "wrong affine");
            break;
        }
    }
}

/// The series hold a linear function of the place: each voxel tells where it lies. Resampled grids are checked away from their border.
void checkPlaces(const std::string& name, const json& facts, const Volume& volume)
{
    if (!facts.contains("plane")) {
        return;
    }
    const auto p = facts["plane"].get<std::vector<double>>();
    const Size3 size = volume.geometry().size();
    double worst = 0;
    int checked = 0;
    for (int k = 0; k < size.k; ++k) {
        for (int j = 0; j < size.j; ++j) {
            for (int i = 0; i < size.i; ++i) {
                const Index3 index{i, j, k};
                const float value = volume.valueAt(index);
                if (!facts["exact"].get<bool>() && (value <= -1000 || i < 2 || j < 2 || i > size.i - 3 || j > size.j - 3 || volume.valueAt(Index3{i, j - 1, k}) <= -1000 || volume.valueAt(Index3{i, j + 1, k}) <= -1000)) {
                    continue;
                }
                const PointLps at = volume.geometry().toLps(index);
                worst = std::max(worst, std::abs(double(value) - (p[0] * at.x + p[1] * at.y + p[2] * at.z + p[3])));
                ++checked;
            }
        }
    }
    // Stored in steps of 0.1; the function grows by 2 to 5 a millimetre: 0.06 is 0.01 to 0.03 mm.
    if (worst > 0.06 || checked < size.i * size.j * size.k / 3) {
        failCase(name, "places are off by " + std::to_string(worst / 5) + " mm or more, " + std::to_string(checked) + " voxels checked");
    }
}

void checkParts(const std::string& name, const json& facts, const std::vector<const dicom::Series*>& parts)
{
    if (parts.size() != facts.value("parts", std::size_t(1))) {
        failCase(name, std::to_string(parts.size()) + " parts");
        return;
    }
    for (std::size_t n = 0; n < parts.size(); ++n) {
        if (facts.contains("part_images") && parts[n]->images.size() != facts["part_images"][n].get<std::size_t>()) {
            failCase(name, "part " + std::to_string(n + 1) + " has " + std::to_string(parts[n]->images.size()) + " images");
        }
        if (facts.contains("part_names") && parts[n]->partName != facts["part_names"][n].get<std::string>()) {
            failCase(name, "part is called " + parts[n]->partName);
        }
    }
}

void checkNotes(const std::string& name, const json& facts, const Volume& volume)
{
    static const char* const kGeometry[] = {"tilt", "shifted-slices", "missing-slices", "duplicate-slices", "non-uniform-spacing", "split", "partial", "padding", "monochrome1"};
    const auto expected = facts.value("notes", std::vector<std::string>());
    const auto& notes = volume.info().notes;
    const auto has = [&](const std::string& code) { return std::any_of(notes.begin(), notes.end(), [&](const Note& note) { return note.code == code; }); };
    for (const std::string& code : expected) {
        if (!has(code)) {
            failCase(name, "no note " + code);
        }
    }
    for (const char* code : kGeometry) {
        if (has(code) && std::find(expected.begin(), expected.end(), code) == expected.end() && !(facts.value("parts", 1) > 1)) {
            failCase(name, std::string("unexpected note ") + code);
        }
    }
    if (facts.contains("unit") && toString(volume.info().unit) != facts["unit"].get<std::string>()) {
        failCase(name, "unit " + toString(volume.info().unit));
    }
}

} // namespace

HF_TEST(small_objects_of_every_kind_are_read_as_numpy_reads_them)
{
    int count = 0;
    const json all = cases();
    for (const auto& [name, facts] : all.items()) {
        const dicom::ScanResult found = scanCase(name);
        const std::vector<const dicom::Series*> parts = partsOf(found);
        if (parts.empty()) {
            failCase(name, found.rejected.empty() ? "nothing found" : found.rejected[0].reason);
            continue;
        }
        try {
            const Volume volume = dicom::readSeries(*parts[0]);
            checkParts(name, facts, parts);
            checkNotes(name, facts, volume);
            checkGrid(name, facts, volume);
            checkValues(name, facts, volume);
            checkPlaces(name, facts, volume);
            checkPicture(name, facts, *parts[0], volume);
            ++count;
        } catch (const Error& error) {
            failCase(name, error.what());
        }
    }
    std::printf("%d cases\n", count);
    HF_CHECK(count >= 60);
}

HF_QT_TEST_MAIN()
