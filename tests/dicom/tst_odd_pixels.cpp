#include "support/DcmtkItems.h"
#include "support/QtMain.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/volume/Error.h"

#include <QTemporaryDir>

#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcrleerg.h>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <tuple>

using namespace hf;
using test::put;
using test::require;
namespace fs = std::filesystem;

// Files whose header and pixels do not belong together, and images that must not be taken for one. DCMTK writes them.

namespace {

constexpr int kSide = 64;

class Folder {
public:
    fs::path file(const std::string& name) const { return fs::path(m_folder.path().toStdString()) / name; }
    dicom::ScanResult scan() const
    {
        const fs::path paths[] = {m_folder.path().toStdString()};
        return dicom::scan(paths);
    }

private:
    QTemporaryDir m_folder;
};

/// A computed radiograph, values n % 200.
void fill(DcmDataset& data, const std::string& number)
{
    put(data, DCM_SOPClassUID, UID_ComputedRadiographyImageStorage);
    put(data, DCM_SOPInstanceUID, "2.25.600." + number);
    put(data, DCM_StudyInstanceUID, "2.25.601");
    put(data, DCM_SeriesInstanceUID, "2.25.602");
    put(data, DCM_Modality, "CR");
    put(data, DCM_PatientID, "P");
    put(data, DCM_InstanceNumber, number);
    std::vector<Uint16> stored(std::size_t(kSide * kSide));
    for (std::size_t n = 0; n < stored.size(); ++n) {
        stored[n] = Uint16(n % 200);
    }
    test::putPixels(data, kSide, stored);
}

void save(DcmFileFormat& file, const fs::path& path, E_TransferSyntax syntax = EXS_LittleEndianExplicit) { require(file.saveFile(path.c_str(), syntax)); }

/// The reason why the only file is not shown; empty when it is.
std::string refusal(const Folder& folder)
{
    const dicom::ScanResult found = folder.scan();
    if (!found.rejected.empty()) {
        return found.rejected.front().code;
    }
    try {
        dicom::readSeries(*found.mainSeries());
    } catch (const Error& error) {
        return error.code();
    }
    return {};
}

/// An enhanced MR image of 8 x 8 pixels, frame f (from 0) at z = 3 f with the value 100 (f + 1).
/// @param frames  that it says it has.  @param described  with an item of their own.  @param stored  whose pixels are there.
void fillEnhanced(DcmDataset& data, int frames, int described, int stored)
{
    constexpr int kSmall = 8;
    put(data, DCM_SOPClassUID, UID_EnhancedMRImageStorage);
    put(data, DCM_SOPInstanceUID, "2.25.610.1");
    put(data, DCM_StudyInstanceUID, "2.25.610.2");
    put(data, DCM_SeriesInstanceUID, "2.25.610.3");
    put(data, DCM_Modality, "MR");
    put(data, DCM_NumberOfFrames, std::to_string(frames));
    std::vector<Uint16> values;
    for (int n = 0; n < stored; ++n) {
        values.insert(values.end(), kSmall * kSmall, Uint16(100 * (n + 1)));
    }
    for (int n = 0; n < described; ++n) {
        DcmItem& groups = test::append(data, DCM_PerFrameFunctionalGroupsSequence);
        put(test::append(groups, DCM_PlanePositionSequence), DCM_ImagePositionPatient, "0\\0\\" + std::to_string(3 * n));
    }
    DcmItem& shared = test::append(data, DCM_SharedFunctionalGroupsSequence);
    put(test::append(shared, DCM_PlaneOrientationSequence), DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
    put(test::append(shared, DCM_PixelMeasuresSequence), DCM_PixelSpacing, "1\\1");
    test::putPixels(data, kSmall, values);
    require(data.putAndInsertUint16(DCM_Rows, kSmall));
}

using Bytes = std::vector<Uint8>;

Bytes deflated(const Bytes& plain)
{
    z_stream state{};
    deflateInit2(&state, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    Bytes out(plain.size() + 100);
    state.next_in = const_cast<Bytef*>(plain.data());
    state.avail_in = uInt(plain.size());
    state.next_out = out.data();
    state.avail_out = uInt(out.size());
    deflate(&state, Z_FINISH);
    deflateEnd(&state);
    return {out.begin(), out.begin() + std::ptrdiff_t(state.total_out)};
}

/// Saves the data set with these fragments as Deflated Image Frame Compression, which DCMTK has no name for.
/// @param offsets  of the frames in the basic offset table; empty without.
void saveDeflated(DcmFileFormat& file, const std::vector<Bytes>& fragments, const fs::path& path, const std::vector<Uint32>& offsets = {})
{
    auto* sequence = new DcmPixelSequence(DCM_PixelSequenceTag);
    auto* table = new DcmPixelItem(DCM_PixelItemTag);
    if (!offsets.empty()) {
        Bytes bytes;
        for (const Uint32 offset : offsets) {
            for (int n = 0; n < 4; ++n) {
                bytes.push_back(Uint8(offset >> (8 * n)));
            }
        }
        require(table->putUint8Array(bytes.data(), static_cast<unsigned long>(bytes.size())));
    }
    sequence->insert(table);
    for (Bytes part : fragments) {
        part.resize(part.size() + part.size() % 2);
        auto* item = new DcmPixelItem(DCM_PixelItemTag);
        require(item->putUint8Array(part.data(), static_cast<unsigned long>(part.size())));
        require(sequence->insert(item));
    }
    file.getDataset()->remove(DCM_PixelData);
    auto* pixels = new DcmPixelData(DCM_PixelData);
    pixels->putOriginalRepresentation(EXS_JPEG2000LosslessOnly, nullptr, sequence);
    require(file.getDataset()->insert(pixels, true));
    save(file, path, EXS_JPEG2000LosslessOnly);
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    std::string bytes = text.str();
    const std::string known = "1.2.840.10008.1.2.4.90", meant("1.2.840.10008.1.2.8.1\0", 22);
    bytes.replace(bytes.find(known), known.size(), meant);
    std::ofstream(path, std::ios::binary) << bytes;
}

bool hasNote(const std::vector<Note>& notes, const std::string& code, const std::string& text = {})
{
    return std::any_of(notes.begin(), notes.end(), [&](const Note& note) { return note.code == code && (text.empty() || note.text == text); });
}

void setShort(DcmItem& item, const DcmTagKey& tag, int value) { require(item.putAndInsertUint16(tag, Uint16(value))); }

} // namespace

HF_TEST(framesThatNothingDescribesAreLeftOut)
{
    // Frames told, described, stored.
    for (const auto& [frames, described, stored] : {std::array{6, 4, 6}, {6, 4, 4}, {4, 6, 4}, {4, 4, 4}}) {
        const Folder folder;
        DcmFileFormat file;
        fillEnhanced(*file.getDataset(), frames, described, stored);
        save(file, folder.file("a.dcm"));
        HF_CHECK_EQUAL(refusal(folder), "");
        const dicom::ScanResult found = folder.scan();
        const dicom::Series& series = *found.mainSeries();
        HF_CHECK(series.kind == dicom::SeriesKind::Volume);
        HF_CHECK_EQUAL(series.count(), 4);
        const Volume volume = dicom::readSeries(series);
        HF_CHECK_EQUAL(volume.geometry().size().k, 4);
        for (int n = 0; n < 4; ++n) {
            HF_CHECK_EQUAL(volume.valueAt(Index3{1, 1, n}), 100.F * float(n + 1));
        }
        HF_CHECK_EQUAL(hasNote(volume.info().notes, "undescribed-frames", "The file does not describe 2 of its 6 frames; they are not shown."), frames > described);
        HF_CHECK_EQUAL(hasNote(volume.info().notes, "undescribed-frames"), frames > described);
    }
    // Pixels of described frames are missing.
    const Folder folder;
    DcmFileFormat file;
    fillEnhanced(*file.getDataset(), 6, 4, 3);
    save(file, folder.file("a.dcm"));
    HF_CHECK_EQUAL(refusal(folder), "broken");
}

HF_TEST(framesOfWhichNoneIsDescribedAreRefused)
{
    const Folder folder;
    DcmFileFormat file;
    fillEnhanced(*file.getDataset(), 2, 0, 2);
    require(file.getDataset()->insertEmptyElement(DCM_PerFrameFunctionalGroupsSequence));
    save(file, folder.file("a.dcm"));
    HF_CHECK_EQUAL(refusal(folder), "broken");
}

HF_TEST(framesThatAreColoursByTheirTypeAreShownSo)
{
    // Values 100 to 400 in four frames; the palette begins at 250.
    const auto made = [](const std::string& whole, const std::vector<std::string>& own, bool hasPalette = true) {
        const Folder folder;
        DcmFileFormat file;
        DcmDataset& data = *file.getDataset();
        fillEnhanced(data, 4, 4, 4);
        put(data, DCM_PixelPresentation, whole);
        if (hasPalette) {
            const Uint16 descriptor[] = {200, 250, 8};
            const std::tuple<DcmTagKey, DcmTagKey, int> colors[] = {{DCM_RedPaletteColorLookupTableDescriptor, DCM_RedPaletteColorLookupTableData, 10},
                {DCM_GreenPaletteColorLookupTableDescriptor, DCM_GreenPaletteColorLookupTableData, 20}, {DCM_BluePaletteColorLookupTableDescriptor, DCM_BluePaletteColorLookupTableData, 30}};
            for (const auto& [tag, values, color] : colors) {
                const std::vector<Uint16> table(100, Uint16(color << 8 | color));
                require(data.putAndInsertUint16Array(tag, descriptor, 3));
                require(data.putAndInsertUint16Array(values, table.data(), 100));
            }
        }
        for (std::size_t n = 0; n < own.size(); ++n) {
            DcmItem* groups = nullptr;
            require(data.findOrCreateSequenceItem(DCM_PerFrameFunctionalGroupsSequence, groups, long(n)));
            if (!own[n].empty()) {
                put(test::append(*groups, DCM_MRImageFrameTypeSequence), DCM_PixelPresentation, own[n]);
            }
        }
        save(file, folder.file("a.dcm"));
        const dicom::ScanResult found = folder.scan();
        std::vector<Volume> parts;
        for (const dicom::Series& series : found.studies.front().series) {
            parts.push_back(dicom::readSeries(series));
        }
        return parts;
    };
    const auto mixed = made("MIXED", {"MONOCHROME", "MONOCHROME", "COLOR", "TRUE_COLOR"});
    HF_CHECK_EQUAL(mixed.size(), std::size_t(2));
    for (const Volume& part : mixed) {
        HF_CHECK_EQUAL(part.geometry().size().k, 2);
        HF_CHECK(!hasNote(part.info().notes, "colors-left-out"));
        HF_CHECK_EQUAL(hasNote(part.info().notes, "supplemental-palette"), part.isColor());
        HF_CHECK(part.isColor() ? part.rgb()[0] == 10 && part.rgb()[1] == 20 && part.rgb()[2] == 30 : part.valueAt(Index3{0, 0, 1}) == 200.F);
    }
    HF_CHECK(mixed.size() == 2 && mixed[0].isColor() != mixed[1].isColor());
    // The shared group, or the file alone, tells it for all.
    const auto all = made("COLOR", {});
    HF_CHECK(all.size() == 1 && all[0].isColor() && all[0].rgb()[3 * 64 * 2] == 10 && all[0].rgb()[0] != 10);
    const auto none = made("MONOCHROME", {});
    HF_CHECK(none.size() == 1 && !none[0].isColor() && !hasNote(none[0].info().notes, "colors-left-out"));
    // Frames that nothing tells apart, and a palette that is missing.
    for (const auto& parts : {made("MIXED", {}), made("MIXED", {"COLOR", "COLOR", "COLOR", "COLOR"}, false)}) {
        HF_CHECK(parts.size() == 1 && !parts[0].isColor() && hasNote(parts[0].info().notes, "colors-left-out"));
    }
}

HF_TEST(deflatedFramesAreRead)
{
    constexpr int kFrames = 3, kSmall = 8;
    const auto frame = [](int n) {
        Bytes plain;
        for (int pixel = 0; pixel < kSmall * kSmall; ++pixel) {
            plain.push_back(Uint8(100 * (n + 1) + pixel));
            plain.push_back(Uint8((100 * (n + 1) + pixel) >> 8));
        }
        return plain;
    };
    const auto check = [&](const std::vector<Bytes>& fragments, const std::vector<Uint32>& offsets = {}) {
        const Folder folder;
        DcmFileFormat file;
        fillEnhanced(*file.getDataset(), kFrames, kFrames, kFrames);
        saveDeflated(file, fragments, folder.file("a.dcm"), offsets);
        HF_CHECK_EQUAL(refusal(folder), "");
        const Volume volume = dicom::readSeries(*folder.scan().mainSeries());
        for (int n = 0; n < kFrames; ++n) {
            HF_CHECK_EQUAL(volume.valueAt(Index3{0, 0, n}), 100.F * float(n + 1));
            HF_CHECK_EQUAL(volume.valueAt(Index3{7, 7, n}), 100.F * float(n + 1) + 63);
        }
        HF_CHECK(!hasNote(volume.info().notes, "lossy"));
    };
    std::vector<Bytes> whole, halves;
    std::vector<Uint32> offsets;
    Uint32 at = 0;
    for (int n = 0; n < kFrames; ++n) {
        whole.push_back(deflated(frame(n)));
        offsets.push_back(at);
        const auto middle = whole.back().begin() + 10;
        for (const Bytes& half : {Bytes(whole.back().begin(), middle), Bytes(middle, whole.back().end())}) {
            halves.push_back(half);
            at += Uint32(8 + half.size() + half.size() % 2);
        }
    }
    check(whole);
    check(halves, offsets);
}

HF_TEST(deflatedBitsAndColoursAreRead)
{
    const Folder bits, colors, planes;
    DcmFileFormat file;
    DcmDataset& data = *file.getDataset();
    fill(data, "1");
    for (const auto& [tag, value] : {std::pair{DCM_BitsAllocated, 1}, {DCM_BitsStored, 1}, {DCM_HighBit, 0}, {DCM_Rows, 3}, {DCM_Columns, 5}}) {
        setShort(data, tag, value);
    }
    saveDeflated(file, {deflated({0b10100101, 0b01000011})}, bits.file("a.dcm"));
    HF_CHECK_EQUAL(refusal(bits), "");
    const Volume mask = dicom::readSeries(*bits.scan().mainSeries());
    for (int n = 0; n < 15; ++n) {
        HF_CHECK_EQUAL(mask.valueAt(Index3{n % 5, n / 5, 0}), float(0b0100001110100101 >> n & 1));
    }
    const auto asColors = [&](int planar) {
        put(data, DCM_PhotometricInterpretation, "RGB");
        for (const auto& [tag, value] : {std::pair{DCM_SamplesPerPixel, 3}, {DCM_BitsAllocated, 8}, {DCM_BitsStored, 8}, {DCM_HighBit, 7}, {DCM_Rows, 1}, {DCM_Columns, 2}, {DCM_PlanarConfiguration, planar}}) {
            setShort(data, tag, value);
        }
    };
    asColors(0);
    saveDeflated(file, {deflated({1, 2, 3, 4, 5, 6})}, colors.file("a.dcm"));
    asColors(1);
    saveDeflated(file, {deflated({1, 4, 2, 5, 3, 6})}, planes.file("a.dcm"));
    for (const Folder* folder : {&colors, &planes}) {
        HF_CHECK_EQUAL(refusal(*folder), "");
        const Volume volume = dicom::readSeries(*folder->scan().mainSeries());
        HF_CHECK(volume.isColor() && std::equal(volume.rgb().begin(), volume.rgb().end(), Bytes({1, 2, 3, 4, 5, 6}).begin()));
    }
}

HF_TEST(deflatedFramesThatAreAnotherPictureAreRefused)
{
    Bytes plain(2 * kSide * kSide);
    for (std::size_t n = 0; n < plain.size(); n += 2) {
        plain[n] = Uint8(n * n % 251);
    }
    Bytes padded = plain;
    padded.push_back(0);
    const Bytes stream = deflated(plain);
    Bytes longer = plain, cut(stream.begin(), stream.begin() + std::ptrdiff_t(stream.size() / 2));
    longer.resize(50'000'000);
    const std::tuple<Bytes, std::string, int> cases[] = {{stream, "", kSide}, {deflated(padded), "", kSide}, {cut, "broken", kSide}, {deflated(longer), "broken", kSide},
        {deflated({plain.begin(), plain.end() - 2}), "broken", kSide}, {stream, "broken", 65535}, {{1, 2, 3, 4}, "broken", kSide}};
    for (const auto& [bytes, code, rows] : cases) {
        const Folder folder;
        DcmFileFormat file;
        fill(*file.getDataset(), "1");
        setShort(*file.getDataset(), DCM_Rows, rows);
        saveDeflated(file, {bytes}, folder.file("a.dcm"));
        HF_CHECK_EQUAL(refusal(folder), code);
    }
}

HF_TEST(coloursOfSingleBitsAreRefused)
{
    const Folder folder;
    DcmFileFormat file;
    fill(*file.getDataset(), "1");
    for (const auto& [tag, value] : {std::pair{DCM_SamplesPerPixel, 3}, {DCM_BitsAllocated, 1}, {DCM_BitsStored, 1}, {DCM_HighBit, 0}}) {
        setShort(*file.getDataset(), tag, value);
    }
    put(*file.getDataset(), DCM_PhotometricInterpretation, "RGB");
    save(file, folder.file("a.dcm"));
    HF_CHECK_EQUAL(refusal(folder), "unsupported");
}

HF_TEST(runLengthsThatAreAnotherPictureAreRefused)
{
    DcmRLEEncoderRegistration::registerCodecs();
    for (const int rows : {kSide, 80, 32}) {
        const Folder folder;
        DcmFileFormat file;
        fill(*file.getDataset(), "1");
        require(file.getDataset()->chooseRepresentation(EXS_RLELossless, nullptr));
        setShort(*file.getDataset(), DCM_Rows, rows);
        save(file, folder.file("a.dcm"), EXS_RLELossless);
        HF_CHECK_EQUAL(refusal(folder), rows == kSide ? "" : "broken");
    }
    DcmRLEEncoderRegistration::cleanup();
}

HF_TEST(jpegOfEightBitsInSixteenIsReadAsItIs)
{
    const fs::path source = fs::path(HF_TEST_DATA_DIR) / "transfer_syntaxes/ct_jpeg_50_8bit.dcm";
    if (!fs::exists(source)) {
        HF_SKIP("the test data are not there");
    }
    const Folder plain, wide, tall;
    fs::copy_file(source, plain.file("a.dcm"));
    DcmFileFormat file;
    require(file.loadFile(source.c_str()));
    setShort(*file.getDataset(), DCM_BitsAllocated, 16);
    save(file, wide.file("a.dcm"), file.getDataset()->getOriginalXfer());
    const Volume expected = dicom::readSeries(*plain.scan().mainSeries()), found = dicom::readSeries(*wide.scan().mainSeries());
    HF_CHECK(expected.geometry().size() == found.geometry().size());
    int differ = 0;
    for (int y = 0; y < expected.geometry().size().j; ++y) {
        for (int x = 0; x < expected.geometry().size().i; ++x) {
            differ += expected.valueAt(Index3{x, y, 0}) != found.valueAt(Index3{x, y, 0});
        }
    }
    HF_CHECK_EQUAL(differ, 0);
    HF_CHECK(expected.range().maximum > expected.range().minimum);
    setShort(*file.getDataset(), DCM_Rows, expected.geometry().size().j * 2);
    save(file, tall.file("a.dcm"), file.getDataset()->getOriginalXfer());
    HF_CHECK_EQUAL(refusal(tall), "broken");
}

HF_TEST(sixteenBitYbrIsConverted)
{
    const Folder folder;
    DcmFileFormat file;
    fill(*file.getDataset(), "1");
    DcmDataset& data = *file.getDataset();
    put(data, DCM_PhotometricInterpretation, "YBR_FULL");
    for (const auto& [tag, value] : {std::pair{DCM_SamplesPerPixel, 3}, {DCM_Rows, 1}, {DCM_Columns, 2}, {DCM_BitsStored, 16}, {DCM_HighBit, 15}, {DCM_PlanarConfiguration, 0}}) {
        setShort(data, tag, value);
    }
    // 200, 30, 40 of 255 by ITU-R BT.601, 257 for one of 255: Y 81.97, (B - Y) / 1.772 = -23.69, (R - Y) / 1.402 = 84.19 about 32768; and grey 100.
    const Uint16 samples[] = {21066, 26681, 54404, 25700, 32768, 32768};
    require(data.putAndInsertUint16Array(DCM_PixelData, samples, 6));
    save(file, folder.file("a.dcm"));
    const Volume volume = dicom::readSeries(*folder.scan().mainSeries());
    const std::array<int, 6> expected{200, 30, 40, 100, 100, 100};
    for (std::size_t n = 0; n < expected.size(); ++n) {
        HF_CHECK(std::abs(volume.rgb()[n] - expected[n]) <= 1);
    }
}

HF_TEST(unknownTransferSyntaxesAreNamed)
{
    const Folder folder;
    DcmFileFormat file;
    fill(*file.getDataset(), "1");
    save(file, folder.file("a.dcm"));
    // As long as that of explicit little endian, so that the bytes can be changed in place.
    std::ifstream in(folder.file("a.dcm"), std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    in.close();
    const std::string known = "1.2.840.10008.1.2.1", other = "1.2.840.10008.1.2.7";
    bytes.replace(bytes.find(known), known.size(), other);
    std::ofstream(folder.file("a.dcm"), std::ios::binary) << bytes;
    const dicom::ScanResult found = folder.scan();
    HF_CHECK_EQUAL(found.rejected.size(), std::size_t(1));
    HF_CHECK(found.rejected.front().code == "unsupported" && found.rejected.front().reason.find(other) != std::string::npos);
}

HF_TEST(encodingsWithoutADecoderAreNamedBeforeTheirColours)
{
    const fs::path folder = fs::path(HF_TEST_DATA_DIR) / "transfer_syntaxes";
    if (!fs::exists(folder)) {
        HF_SKIP("the test data are not there");
    }
    for (const auto& [name, word] : {std::pair{"video/us_hevc_107.dcm", "HEVC/H.265"}, {"video/us_h264_102.dcm", "H.264"}, {"video/us_mpeg2_100.dcm", "MPEG2"}, {"jpegxl/TestPattern_jxl_lossy_112.dcm", "JPEG XL"}}) {
        const fs::path paths[] = {folder / name};
        const dicom::ScanResult found = dicom::scan(paths);
        HF_CHECK_EQUAL(found.rejected.size(), std::size_t(1));
        HF_CHECK(found.rejected.front().code == "unsupported" && found.rejected.front().reason.find(word) != std::string::npos);
    }
}

HF_TEST(tablesWhoseAttributesAreEmptyAreNone)
{
    const Folder folder;
    DcmFileFormat file;
    fill(*file.getDataset(), "1");
    for (const DcmTagKey& sequence : {DCM_ModalityLUTSequence, DCM_VOILUTSequence}) {
        DcmItem& item = test::append(*file.getDataset(), sequence);
        for (const DcmTagKey& tag : {DCM_LUTDescriptor, DCM_LUTData}) {
            require(item.putAndInsertUint16Array(DcmTag(tag, EVR_US), nullptr, 0));
        }
    }
    save(file, folder.file("a.dcm"));
    const Volume volume = dicom::readSeries(*folder.scan().mainSeries());
    for (int n = 0; n < kSide; ++n) {
        HF_CHECK_EQUAL(volume.valueAt(Index3{n, n, 0}), float((n + n * kSide) % 200));
    }
    // One that has data, but no description, is broken: nobody knows what they belong to.
    const Uint16 data[] = {1, 2, 3};
    DcmItem* item = nullptr;
    require(file.getDataset()->findAndGetSequenceItem(DCM_ModalityLUTSequence, item));
    require(item->putAndInsertUint16Array(DcmTag(DCM_LUTData, EVR_US), data, 3));
    save(file, folder.file("a.dcm"));
    HF_CHECK_EQUAL(refusal(folder), "broken");
}

HF_TEST(ofCopiesTheWholeOneIsShown)
{
    for (const std::string whole : {"a.dcm", "z.dcm"}) {
        const Folder folder;
        DcmFileFormat file;
        fill(*file.getDataset(), "1");
        save(file, folder.file(whole));
        std::ifstream in(folder.file(whole), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), {}};
        std::ofstream(folder.file("m.dcm"), std::ios::binary) << bytes.substr(0, bytes.size() - 1000);
        const dicom::ScanResult found = folder.scan();
        HF_CHECK_EQUAL(found.rejected.size(), std::size_t(1));
        HF_CHECK(found.rejected.front().path == folder.file("m.dcm"));
        HF_CHECK_EQUAL(dicom::readSeries(*found.mainSeries()).valueAt(Index3{kSide - 1, kSide - 1, 0}), float((kSide * kSide - 1) % 200));
    }
}

HF_TEST(imagesOfTwoPatientsAreNeverOneSeries)
{
    const Folder folder;
    for (const int n : {1, 2, 3, 4}) {
        DcmFileFormat file;
        fill(*file.getDataset(), std::to_string(n));
        put(*file.getDataset(), DCM_PatientID, n < 4 ? "P" : "Q");
        save(file, folder.file(std::to_string(n)));
    }
    const dicom::ScanResult found = folder.scan();
    std::vector<std::string> patients, keys;
    for (const dicom::Study& study : found.studies) {
        for (const dicom::Series& series : study.series) {
            patients.push_back(series.patient.id + std::to_string(series.images.size()));
            keys.push_back(series.key);
        }
    }
    std::sort(patients.begin(), patients.end());
    HF_CHECK(patients == (std::vector<std::string>{"P3", "Q1"}));
    HF_CHECK(keys.at(0) != keys.at(1));
}

HF_TEST(imagesOfTwoPatientsAreNeverOneStudy)
{
    for (const bool hasUid : {true, false}) {
        const Folder folder;
        for (const int n : {1, 2, 3, 4}) {
            DcmFileFormat file;
            fill(*file.getDataset(), std::to_string(n));
            put(*file.getDataset(), DCM_PatientID, n < 4 ? "P" : "Q");
            put(*file.getDataset(), DCM_PatientName, n < 4 ? "One" : "Two");
            put(*file.getDataset(), DCM_SeriesInstanceUID, "2.25.602." + std::to_string(n));
            if (!hasUid) {
                require(file.getDataset()->findAndDeleteElement(DCM_StudyInstanceUID));
            }
            save(file, folder.file(std::to_string(n)));
        }
        const dicom::ScanResult found = folder.scan(), again = folder.scan();
        HF_CHECK_EQUAL(found.studies.size(), std::size_t(2));
        HF_CHECK(found.studies.at(0).uid != found.studies.at(1).uid);
        for (std::size_t n = 0; n < found.studies.size(); ++n) {
            const dicom::Study& study = found.studies[n];
            HF_CHECK_EQUAL(study.uid, again.studies.at(n).uid);
            HF_CHECK_EQUAL(study.series.size(), study.patient.id == "P" ? std::size_t(3) : std::size_t(1));
            HF_CHECK(std::all_of(study.series.begin(), study.series.end(), [&](const dicom::Series& series) { return series.patient.id == study.patient.id; }));
            // Nobody is told by the UID.
            HF_CHECK(study.uid.find("One") == std::string::npos && study.uid.find("Two") == std::string::npos);
        }
    }
}

HF_TEST(lettersAreThoseOfEachRadiograph)
{
    for (const char* modality : {"CR", "DX", "RG", "RF", "XA", "MG", "IO", "PX"}) {
        const Folder folder;
        for (const int n : {1, 2}) {
            DcmFileFormat file;
            fill(*file.getDataset(), std::to_string(n));
            put(*file.getDataset(), DCM_Modality, modality);
            put(*file.getDataset(), DCM_PatientOrientation, n == 1 ? "L\\F" : "P\\F");
            save(file, folder.file(std::to_string(n)));
        }
        const dicom::ScanResult found = folder.scan();
        HF_CHECK_EQUAL(found.studies.front().series.size(), std::size_t(2));
        for (const dicom::Series& series : found.studies.front().series) {
            HF_CHECK(series.patientOrientation[0] == (series.images.front().instanceNumber == 1 ? "L" : "P"));
        }
    }
}

HF_TEST(animalsHaveWordsOfTheirOwnForTheirSides)
{
    for (const char* type : {"QUADRUPED", "BIPED", ""}) {
        const Folder folder;
        DcmFileFormat file;
        fill(*file.getDataset(), "1");
        put(*file.getDataset(), DCM_Modality, "DX");
        put(*file.getDataset(), DCM_PatientOrientation, "CD\\V");
        put(*file.getDataset(), DCM_AnatomicalOrientationType, type);
        save(file, folder.file("1"));
        HF_CHECK_EQUAL(folder.scan().mainSeries()->isQuadruped, std::string(type) == "QUADRUPED");
    }
}

HF_TEST(imagesThatArePagedThroughKeepTheirWindows)
{
    const Folder folder;
    for (const int n : {1, 2, 3}) {
        DcmFileFormat file;
        fill(*file.getDataset(), std::to_string(n));
        put(*file.getDataset(), DCM_WindowCenter, std::to_string(100 * n));
        put(*file.getDataset(), DCM_WindowWidth, "50");
        save(file, folder.file(std::to_string(n)));
    }
    const Volume volume = dicom::readSeries(*folder.scan().mainSeries());
    HF_CHECK_EQUAL(volume.info().imageWindows.size(), std::size_t(3));
    for (std::size_t n = 0; n < volume.info().imageWindows.size(); ++n) {
        HF_CHECK_EQUAL(volume.info().imageWindows[n].center, 100.0 * double(n + 1));
    }
}

HF_TEST(valuesThatAFloatWouldChangeAreKept)
{
    const std::size_t pixels = std::size_t(kSide * kSide);
    const auto read = [](const auto& putPixels, bool isSigned, const char* slope) {
        const Folder folder;
        DcmFileFormat file;
        DcmDataset& data = *file.getDataset();
        fill(data, "1");
        putPixels(data);
        setShort(data, DCM_PixelRepresentation, isSigned);
        put(data, DCM_RescaleSlope, slope);
        put(data, DCM_RescaleIntercept, "0");
        save(file, folder.file("image"));
        return dicom::readSeries(*folder.scan().mainSeries());
    };
    const auto integers = [&](const std::vector<std::uint32_t>& first) {
        return [&, first](DcmDataset& data) {
            std::vector<std::uint32_t> stored(pixels, 7);
            std::copy(first.begin(), first.end(), stored.begin());
            require(data.putAndInsertUint16Array(DCM_PixelData, reinterpret_cast<const Uint16*>(stored.data()), static_cast<unsigned long>(2 * pixels)));
            setShort(data, DCM_BitsAllocated, 32);
            setShort(data, DCM_BitsStored, 32);
            setShort(data, DCM_HighBit, 31);
        };
    };
    const auto doubles = [&](DcmDataset& data) {
        delete data.remove(DCM_PixelData);
        std::vector<Float64> values(pixels, 0.1);
        values[1] = 1.0 + 1e-12;
        require(data.putAndInsertFloat64Array(DCM_DoubleFloatPixelData, values.data(), static_cast<unsigned long>(pixels)));
        setShort(data, DCM_BitsAllocated, 64);
    };
    const Volume positive = read(integers({0xFFFFFFFF, 0x01000001, 0x80000001}), false, "1");
    HF_CHECK(positive.type() == VoxelType::Float64);
    HF_CHECK_EQUAL(positive.valueAt(Index3{0, 0, 0}), 4294967295.0);
    HF_CHECK_EQUAL(positive.valueAt(Index3{1, 0, 0}), 16777217.0);
    HF_CHECK_EQUAL(positive.valueAt(Index3{2, 0, 0}), 2147483649.0);
    const Volume negative = read(integers({0xFFFFFFFF, 0x80000001}), true, "2");
    HF_CHECK_EQUAL(negative.valueAt(Index3{0, 0, 0}), -2.0);
    HF_CHECK_EQUAL(negative.valueAt(Index3{1, 0, 0}), -4294967294.0);
    HF_CHECK_EQUAL(negative.range().minimum, -4294967294.0);
    const Volume real = read(doubles, false, "1");
    HF_CHECK_EQUAL(real.valueAt(Index3{0, 0, 0}), 0.1);
    HF_CHECK_EQUAL(real.valueAt(Index3{1, 0, 0}), 1.0 + 1e-12);
    HF_CHECK(read(integers({16777216, 5}), false, "1").type() == VoxelType::Float32);
}

HF_TEST(fractionsInAWindowOfOneUnitAreGreys)
{
    for (const bool isFloat : {true, false}) {
        const Folder folder;
        DcmFileFormat file;
        DcmDataset& data = *file.getDataset();
        fill(data, "1");
        put(data, DCM_WindowCenter, "0.5");
        put(data, DCM_WindowWidth, "1");
        put(data, DCM_VOILUTFunction, "LINEAR");
        if (isFloat) {
            delete data.remove(DCM_PixelData);
            std::vector<Float32> values(std::size_t(kSide * kSide));
            for (std::size_t n = 0; n < values.size(); ++n) {
                values[n] = Float32(n) / Float32(values.size());
            }
            require(data.putAndInsertFloat32Array(DCM_FloatPixelData, values.data(), static_cast<unsigned long>(values.size())));
            setShort(data, DCM_BitsAllocated, 32);
        }
        save(file, folder.file("image"));
        const Volume volume = dicom::readSeries(*folder.scan().mainSeries());
        // 255 times the value (PS3.3 C.11.2.1.3.2); of whole numbers a threshold (C.11.2.1.2.1).
        HF_CHECK_NEAR(volume.info().windows.front().map(0.25, true), isFloat ? 63.75 : 255, 1e-6);
    }
}

HF_TEST(paddingThatDiffersBlacksNothingOut)
{
    for (const bool differs : {false, true}) {
        const Folder folder;
        for (const int n : {1, 2, 3}) {
            DcmFileFormat file;
            fill(*file.getDataset(), std::to_string(n));
            setShort(*file.getDataset(), DCM_PixelPaddingValue, 0);
            put(*file.getDataset(), DCM_RescaleSlope, "1");
            put(*file.getDataset(), DCM_RescaleIntercept, differs ? std::to_string(100 * n) : "0");
            save(file, folder.file(std::to_string(n)));
        }
        const Volume volume = dicom::readSeries(*folder.scan().mainSeries());
        const auto has = [&](const std::string& code) { return std::any_of(volume.info().notes.begin(), volume.info().notes.end(), [&](const Note& note) { return note.code == code; }); };
        HF_CHECK_EQUAL(volume.info().padding.has_value(), !differs);
        HF_CHECK_EQUAL(has("padding-differs"), differs);
        HF_CHECK_EQUAL(has("padding"), !differs);
    }
}

HF_TEST(unknownVrsAreThoseOfTheDictionary)
{
    const Folder folder;
    DcmFileFormat file;
    fill(*file.getDataset(), "1");
    put(*file.getDataset(), DCM_RescaleSlope, "1");
    put(*file.getDataset(), DCM_RescaleIntercept, "-1024");
    save(file, folder.file("a.dcm"));
    std::ifstream in(folder.file("a.dcm"), std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    in.close();
    // DS with a length of two bytes becomes UN with one of four.
    const std::string head("\x28\x00\x52\x10" "DS\x06\x00", 8);
    const std::size_t at = bytes.find(head);
    HF_CHECK(at != std::string::npos);
    bytes.replace(at, head.size(), std::string("\x28\x00\x52\x10" "UN\x00\x00\x06\x00\x00\x00", 12));
    std::ofstream(folder.file("a.dcm"), std::ios::binary) << bytes;
    const Volume volume = dicom::readSeries(*folder.scan().mainSeries());
    HF_CHECK_EQUAL(volume.valueAt(Index3{5, 0, 0}), 5.0F - 1024);
}

HF_QT_TEST_MAIN()
