#include "support/QtMain.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#include <QCryptographicHash>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

// Every encoding of the shared data against the pixels that other decoders made of it (expected.json: GDCM, DCMTK, OpenJPEG, pydicom,
// their agreement is recorded there). Stored values are worked back from the volume through slope and intercept of expected.json.

using namespace hf;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const fs::path kData = HF_TEST_DATA_DIR;

json factsOf(const fs::path& folder) { return json::parse(std::ifstream(folder / "expected.json"))["files"]; }

/// Stored values as expected.json holds them: by pixel, little endian, of `width` bytes.
struct Pixels {
    std::vector<std::int64_t> values;
    int width = 1;
};

Pixels fromRaw(const fs::path& file, const std::string& type)
{
    std::ifstream in(file, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    Pixels pixels{{}, type.back() - '0'};
    for (std::size_t n = 0; n + std::size_t(pixels.width) <= bytes.size(); n += std::size_t(pixels.width)) {
        std::int64_t value = 0;
        std::memcpy(&value, bytes.data() + n, std::size_t(pixels.width));
        const int unused = 64 - 8 * pixels.width;
        pixels.values.push_back(type.find('i') != std::string::npos ? value << unused >> unused : value);
    }
    return pixels;
}

std::string hashOf(const Pixels& pixels)
{
    QByteArray bytes;
    for (const std::int64_t value : pixels.values) {
        bytes.append(reinterpret_cast<const char*>(&value), pixels.width);
    }
    return QCryptographicHash::hash(bytes, QCryptographicHash::Sha256).toHex().toStdString();
}

Pixels storedOf(const Volume& volume, const json& facts)
{
    Pixels pixels{{}, std::max(1, facts["bits_allocated"].get<int>() / 8)};
    if (volume.isColor()) {
        pixels.width = 1;
        pixels.values.assign(volume.rgb().begin(), volume.rgb().end());
        return pixels;
    }
    double slope = facts.value("rescale_slope", 1.0), intercept = facts.value("rescale_intercept", 0.0);
    const json sets = facts.value("multi_frame_geometry", json::object()).value("rescale_slope_intercept_sets", json::array());
    if (sets.size() == 1) {
        slope = sets[0][0];
        intercept = sets[0][1];
    }
    volume.visit([&](auto voxels) {
        for (const auto voxel : voxels) {
            pixels.values.push_back(std::llround((double(voxel) - intercept) / slope));
        }
    });
    return pixels;
}

/// Slices back in the order of their frames.
Pixels inFrameOrder(const Pixels& pixels, const dicom::Series& series)
{
    Pixels ordered = pixels;
    const std::size_t slice = pixels.values.size() / series.images.size();
    for (std::size_t n = 0; n < series.images.size(); ++n) {
        std::copy_n(pixels.values.begin() + std::ptrdiff_t(n * slice), slice, ordered.values.begin() + std::ptrdiff_t(std::size_t(series.images[n].frame) * slice));
    }
    return ordered;
}

/// Largest difference of the stored bits, which may be sign-extended or not.
std::int64_t largestDifference(const Pixels& a, const Pixels& b, int bits)
{
    if (a.values.size() != b.values.size()) {
        return INT64_MAX;
    }
    const std::int64_t mask = (std::int64_t(1) << bits) - 1;
    std::int64_t worst = 0;
    for (std::size_t n = 0; n < a.values.size(); ++n) {
        const std::int64_t apart = std::abs((a.values[n] & mask) - (b.values[n] & mask));
        worst = std::max(worst, std::min(apart, mask + 1 - apart));
    }
    return worst;
}

/// The facts whose pixels `name` must have: its own, or those of its uncompressed twin.
json pixelFacts(const json& all, const std::string& name)
{
    const json& facts = all.at(name);
    return facts.contains("uncompressed_twin") && !facts.contains("decoded_raw") ? pixelFacts(all, facts["uncompressed_twin"]) : facts;
}

bool isLossy(const std::string& uid)
{
    static const std::set<std::string> kLossy{"50", "51", "53", "55", "81", "91", "203"};
    const std::string prefix = "1.2.840.10008.1.2.4.";
    return uid.rfind(prefix, 0) == 0 && kLossy.contains(uid.substr(prefix.size()));
}

/// Kinds that are not read: the message must name them.
bool isBeyond(const std::string& name) { return name.rfind("jpegxl/", 0) == 0 || name.rfind("video/", 0) == 0; }

dicom::ScanResult scanOne(const fs::path& path)
{
    const std::vector<fs::path> paths{path};
    return dicom::scan(paths);
}

void checkFile(const fs::path& folder, const json& all, const std::string& name, int& compared)
{
    const json& own = all.at(name);
    const json facts = pixelFacts(all, name);
    const dicom::ScanResult found = scanOne(folder / name);
    HF_CHECK(found.mainSeries() != nullptr);
    if (!found.mainSeries()) {
        std::printf("%s: %s\n", name.c_str(), found.rejected.empty() ? "" : found.rejected[0].reason.c_str());
        return;
    }
    const Volume volume = dicom::readSeries(*found.mainSeries());
    const bool comparable = !volume.isColor() || (facts.value("decoded_photometric", "") == "RGB" && own.value("bits_allocated", 8) == 8);
    if (!comparable || volume.info().unit == Unit::Suv) {
        return;     // palettes, YBR and deep colour: tst_display
    }
    ++compared;
    const Pixels stored = inFrameOrder(storedOf(volume, own), *found.mainSeries());
    const int bits = std::min(own["bits_stored"].get<int>(), 32);
    if (facts.contains("decoded_raw")) {
        const Pixels expected = fromRaw(folder / facts["decoded_raw"].get<std::string>(), facts["dtype"]);
        const std::int64_t worst = largestDifference(stored, expected, bits);
        if (worst > (isLossy(own.value("transfer_syntax", "")) ? 1 : 0)) {
            hf::test::fail(__FILE__, __LINE__, name + " differs from other decoders by " + std::to_string(worst));
        }
    } else if (hashOf(stored) != facts["sha256_pixels"].get<std::string>()) {
        hf::test::fail(__FILE__, __LINE__, name + " does not have the recorded pixels");
    }
}

} // namespace

HF_TEST(every_transfer_syntax_decodes_as_elsewhere)
{
    const fs::path folder = kData / "transfer_syntaxes";
    if (!fs::exists(folder)) HF_SKIP("the real data is not there");
    const json all = factsOf(folder);
    int compared = 0, refused = 0;
    for (const auto& [name, facts] : all.items()) {
        if (!isBeyond(name)) {
            checkFile(folder, all, name, compared);
            continue;
        }
        const dicom::ScanResult found = scanOne(folder / name);
        ++refused;
        HF_CHECK(found.studies.empty());
        HF_CHECK(found.rejected.size() == 1 && found.rejected[0].code == "unsupported" && found.rejected[0].reason.find("are not supported") != std::string::npos);
    }
    std::printf("%d of %zu files compared, %d refused by name\n", compared, all.size(), refused);
    HF_CHECK(compared >= 75 && refused == 6);
}

HF_TEST(odd_files_give_their_pixels_or_a_reason)
{
    const fs::path folder = kData / "odd";
    if (!fs::exists(folder)) HF_SKIP("the real data is not there");
    const json all = factsOf(folder);
    int compared = 0, refused = 0;
    // Decoders differ on it: a modality LUT, padding bytes, depths that contradict each other, segments.
    static const std::set<std::string> kElsewhere{"CR-ModalitySequenceLUT.dcm", "mlut_18.dcm", "SC_rgb_small_odd_big_endian.dcm", "SC_rgb_32bit_2frame.dcm", "693_J2KR.dcm", "rtdose.dcm", "rtdose_1frame.dcm"};
    for (const auto& [name, facts] : all.items()) {
        const bool isSegmentation = facts.contains("segmentation");
        if (facts.contains("sha256_pixels") && facts.contains("bits_stored") && !isSegmentation && !kElsewhere.contains(name)) {
            checkFile(folder, all, name, compared);
            continue;
        }
        const dicom::ScanResult found = scanOne(folder / name);
        for (const dicom::Rejected& one : found.rejected) {
            ++refused;
            HF_CHECK(!one.reason.empty() && !one.code.empty());
        }
    }
    std::printf("%d of %zu files compared, %d refused\n", compared, all.size(), refused);
    HF_CHECK(compared >= 18 && refused >= 20);
}

HF_QT_TEST_MAIN()
