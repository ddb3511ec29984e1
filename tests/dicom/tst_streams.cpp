#include "support/AngiogramFile.h"
#include "support/DicomBytes.h"
#include "support/QtMain.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/volume/Error.h"

#include <QBuffer>
#include <QImage>
#include <QTemporaryDir>

#include <charls/charls.h>

#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcrleerg.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>
#include <tuple>

#include <sys/resource.h>

using namespace hf;
using test::AngiogramFile;
using test::put;
using test::require;
namespace fs = std::filesystem;

// How pixels lie in a file: pieces of encapsulated frames, cut files, data sets in another encoding than the file says, retired colours. DCMTK writes them.

namespace {

class Folder {
public:
    fs::path file() const { return fs::path(m_folder.path().toStdString()) / "a.dcm"; }
    dicom::ScanResult scan() const
    {
        const fs::path paths[] = {file()};
        return dicom::scan(paths);
    }
    Volume read() const { return dicom::readSeries(*scan().mainSeries()); }

private:
    QTemporaryDir m_folder;
};

/// A run of six frames in run lengths.
class RunLengths {
public:
    RunLengths()
    {
        DcmRLEEncoderRegistration::registerCodecs();
        require(m_file.data().chooseRepresentation(EXS_RLELossless, nullptr));
        DcmElement* element = nullptr;
        require(m_file.data().findAndGetElement(DCM_PixelData, element));
        m_pixels = dynamic_cast<DcmPixelData*>(element);
        require(m_pixels->getEncapsulatedRepresentation(EXS_RLELossless, nullptr, m_sequence));
    }
    ~RunLengths() { DcmRLEEncoderRegistration::cleanup(); }
    std::vector<Uint8> frame(int number) const
    {
        DcmPixelItem* item = nullptr;
        Uint8* data = nullptr;
        require(m_sequence->getItem(item, static_cast<unsigned long>(number)));
        require(item->getUint8Array(data));
        return {data, data + item->getLength()};
    }
    void replace(const std::vector<std::vector<Uint8>>& pieces)
    {
        auto* sequence = new DcmPixelSequence(DCM_PixelSequenceTag);
        sequence->insert(new DcmPixelItem(DCM_PixelItemTag));
        for (const std::vector<Uint8>& piece : pieces) {
            auto* item = new DcmPixelItem(DCM_PixelItemTag);
            require(item->putUint8Array(piece.data(), static_cast<unsigned long>(piece.size())));
            require(sequence->insert(item));
        }
        m_pixels->putOriginalRepresentation(EXS_RLELossless, nullptr, sequence);
    }
    void save(const fs::path& path)
    {
        DcmFileFormat file(&m_file.data());
        require(file.saveFile(path.c_str(), EXS_RLELossless));
    }

private:
    AngiogramFile m_file;
    DcmPixelData* m_pixels = nullptr;
    DcmPixelSequence* m_sequence = nullptr;
};

void checkFrames(const Volume& volume, int frames)
{
    HF_CHECK_EQUAL(volume.geometry().size().k, frames);
    for (int n = 0; n < std::min(frames, volume.geometry().size().k); ++n) {
        HF_CHECK_EQUAL(volume.valueAt(Index3{3, 2, n}), float(AngiogramFile::value(n + 1) + 9 + 10));
    }
}

std::string bytesOf(const fs::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

/// The most memory that the process has had.
long mostKilobytes()
{
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/// The data set with one code stream as its pixels.
void saveStream(DcmDataset& data, std::vector<Uint8> stream, E_TransferSyntax syntax, const fs::path& path)
{
    stream.resize((stream.size() + 1) / 2 * 2);
    auto* sequence = new DcmPixelSequence(DCM_PixelSequenceTag);
    sequence->insert(new DcmPixelItem(DCM_PixelItemTag));
    auto* item = new DcmPixelItem(DCM_PixelItemTag);
    require(item->putUint8Array(stream.data(), static_cast<unsigned long>(stream.size())));
    require(sequence->insert(item));
    DcmElement* element = nullptr;
    require(data.findAndGetElement(DCM_PixelData, element));
    dynamic_cast<DcmPixelData*>(element)->putOriginalRepresentation(syntax, nullptr, sequence);
    DcmFileFormat file(&data);
    require(file.saveFile(path.c_str(), syntax));
}

} // namespace

HF_TEST(frames_in_pieces_without_a_table_are_found_by_their_heads)
{
    const Folder folder;
    RunLengths runs;
    std::vector<std::vector<Uint8>> pieces;
    for (int frame = 1; frame <= AngiogramFile::kFrames; ++frame) {
        const std::vector<Uint8> whole = runs.frame(frame);
        const std::size_t middle = whole.size() / 4 * 2 + (frame % 2) * 2;
        pieces.emplace_back(whole.begin(), whole.begin() + std::ptrdiff_t(middle));
        pieces.emplace_back(whole.begin() + std::ptrdiff_t(middle), whole.end());
    }
    runs.replace(pieces);
    runs.save(folder.file());
    checkFrames(folder.read(), AngiogramFile::kFrames);
}

HF_TEST(of_a_cut_file_the_frames_that_are_there_are_shown_and_the_loss_is_told)
{
    const Folder folder;
    RunLengths runs;
    runs.save(folder.file());
    checkFrames(folder.read(), AngiogramFile::kFrames);
    // From the middle of the fifth frame on everything is missing.
    const std::string whole = bytesOf(folder.file());
    const std::vector<Uint8> fifth = runs.frame(5);
    const std::size_t at = whole.find(std::string(fifth.begin(), fifth.end()));
    HF_CHECK(at != std::string::npos);
    std::ofstream(folder.file(), std::ios::binary).write(whole.data(), std::streamsize(at + fifth.size() / 2));
    const dicom::ScanResult found = folder.scan();
    HF_CHECK(found.mainSeries() != nullptr);
    const Volume volume = dicom::readSeries(*found.mainSeries());
    checkFrames(volume, 4);
    const std::vector<Note>& notes = volume.info().notes;
    const auto partial = std::find_if(notes.begin(), notes.end(), [](const Note& note) { return note.code == "partial"; });
    HF_CHECK(partial != notes.end());
    HF_CHECK(partial != notes.end() && partial->text.starts_with("2 of 6 images"));
}

HF_TEST(a_data_set_in_another_encoding_than_the_file_says_is_read_as_it_is)
{
    const Folder folder, implicit;
    AngiogramFile run;
    require(run.data().saveFile(implicit.file().c_str(), EXS_LittleEndianImplicit));
    test::DicomBytes().write(folder.file(), UID_XRayAngiographicImageStorage, AngiogramFile::kUid);
    std::ofstream(folder.file(), std::ios::binary | std::ios::app) << bytesOf(implicit.file());
    checkFrames(folder.read(), AngiogramFile::kFrames);
}

HF_TEST(a_text_of_a_length_beyond_the_file_is_not_loaded)
{
    // A UID and a name that claim two gigabytes: neither the memory nor the time is spent.
    for (const char* word : {AngiogramFile::kUid, "Phantom"}) {
        const Folder folder;
        AngiogramFile run;
        put(run.data(), DCM_PatientName, "Phantom");
        DcmFileFormat file(&run.data());
        require(file.saveFile(folder.file().c_str(), EXS_LittleEndianImplicit));
        std::string bytes = bytesOf(folder.file());
        const std::size_t at = bytes.rfind(word);
        HF_CHECK(at != std::string::npos);
        bytes.replace(at - 4, 4, std::string("\x00\x00\x00\x7f", 4));
        std::ofstream(folder.file(), std::ios::binary) << bytes;
        const long before = mostKilobytes();
        const dicom::ScanResult found = folder.scan();
        HF_CHECK(mostKilobytes() - before < 200'000);
        HF_CHECK(found.studies.empty() && found.rejected.size() == 1);
    }
}

HF_TEST(a_fragment_of_a_length_beyond_the_file_is_not_read)
{
    // The last fragment, and the offset table, claim two gigabytes.
    const std::string item("\xfe\xff\x00\xe0", 4), length("\x00\x00\x00\x7f", 4);
    for (const bool isTable : {false, true}) {
        const Folder folder;
        RunLengths runs;
        runs.save(folder.file());
        std::string bytes = bytesOf(folder.file());
        const std::size_t at = isTable ? bytes.find(item) : bytes.rfind(item);
        HF_CHECK(at != std::string::npos);
        bytes.replace(at + 4, 4, length);
        std::ofstream(folder.file(), std::ios::binary) << bytes;
        const long before = mostKilobytes();
        const dicom::ScanResult found = folder.scan();
        if (const dicom::Series* series = found.mainSeries()) {
            HF_CHECK(!dicom::inspect(*series).rejected.empty());
        }
        HF_CHECK(mostKilobytes() - before < 200'000);
        HF_CHECK(isTable || found.mainSeries());
    }
}

HF_TEST(native_pixel_data_of_a_length_beyond_the_file_are_not_read)
{
    const Folder folder;
    AngiogramFile run;
    DcmDataset& data = run.data();
    for (const auto& [tag, value] : {std::pair{DCM_BitsAllocated, 8}, {DCM_BitsStored, 8}, {DCM_HighBit, 7}}) {
        require(data.putAndInsertUint16(tag, Uint16(value)));
    }
    require(data.putAndInsertString(DCM_NumberOfFrames, "1"));
    DcmFileFormat file(&data);
    require(file.saveFile(folder.file().c_str(), EXS_LittleEndianExplicit));
    std::string bytes = bytesOf(folder.file());
    // 60000 rows and columns of bytes, and pixel data of 3.6 GB.
    const auto claim = [&](const std::string& element, const std::string& value) {
        const std::size_t at = bytes.find(element);
        HF_CHECK(at != std::string::npos);
        bytes.replace(at + element.size(), value.size(), value);
    };
    claim(std::string("\x28\x00\x10\x00US\x02\x00", 8), "\x60\xea");
    claim(std::string("\x28\x00\x11\x00US\x02\x00", 8), "\x60\xea");
    const std::size_t pixels = bytes.find(std::string("\xe0\x7f\x10\x00O", 5));
    HF_CHECK(pixels != std::string::npos);
    bytes.replace(pixels + 8, 4, std::string("\x00\xa4\x93\xd6", 4));
    std::ofstream(folder.file(), std::ios::binary) << bytes;
    const long before = mostKilobytes();
    const dicom::ScanResult found = folder.scan();
    if (const dicom::Series* series = found.mainSeries()) {
        HF_CHECK(!dicom::inspect(*series).rejected.empty());
    } else {
        HF_CHECK(!found.rejected.empty());
    }
    HF_CHECK(mostKilobytes() - before < 200'000);
}

HF_TEST(a_meta_header_may_be_wrong_about_its_length)
{
    for (const E_TransferSyntax syntax : {EXS_LittleEndianImplicit, EXS_LittleEndianExplicit}) {
        const Folder folder;
        AngiogramFile run;
        DcmFileFormat file(&run.data());
        require(file.saveFile(folder.file().c_str(), syntax));
        const std::string right = bytesOf(folder.file());
        for (const int length : {0, 5, 222, 4000}) {
            std::string wrong = right;
            wrong[140] = char(length & 255);
            wrong[141] = char(length >> 8);
            std::ofstream(folder.file(), std::ios::binary) << wrong;
            checkFrames(folder.read(), AngiogramFile::kFrames);
        }
    }
}

HF_TEST(encapsulated_pixels_of_an_implicit_data_set_are_read)
{
    const Folder folder, implicit, compressed;
    AngiogramFile head;
    require(head.data().findAndDeleteElement(DCM_PixelData));
    require(head.data().saveFile(implicit.file().c_str(), EXS_LittleEndianImplicit));
    RunLengths().save(compressed.file());
    const std::string whole = bytesOf(compressed.file()), pixels("\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff", 12);
    const std::size_t begin = 132 + 12 + std::size_t(Uint8(whole[140])) + 256 * std::size_t(Uint8(whole[141])), at = whole.find(pixels);
    HF_CHECK(at != std::string::npos);
    // The pixels without the VR that an implicit data set has none of.
    std::ofstream(folder.file(), std::ios::binary) << whole.substr(0, begin) + bytesOf(implicit.file()) + whole.substr(at, 4) + whole.substr(at + 8);
    checkFrames(folder.read(), AngiogramFile::kFrames);
    // The same, cut: what is there is shown.
    std::ofstream(folder.file(), std::ios::binary) << (whole.substr(0, begin) + bytesOf(implicit.file()) + whole.substr(at, 4) + whole.substr(at + 8, 40));
    const dicom::ScanResult cut = folder.scan();
    HF_CHECK(!cut.rejected.empty() || cut.mainSeries() != nullptr);
}

HF_TEST(retired_colours_of_part_of_the_range_are_converted_and_unknown_ones_refused)
{
    constexpr int kColumns = 16, kRows = 4;
    const std::array<int, 3> colors[] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}, {0, 0, 0}, {128, 64, 200}, {90, 90, 90}, {10, 240, 130}};
    std::vector<Uint8> bytes;
    for (int n = 0; n < kColumns * kRows / 2; ++n) {
        const auto [r, g, b] = colors[n % 8];
        // PS3.3 C.7.6.3.1.2, YBR_PARTIAL_422 (retired).
        const auto byte = [&](double x, double y, double z, double base) { return Uint8(std::lround(x * r + y * g + z * b + base)); };
        const Uint8 y = byte(.2568, .5041, .0979, 16), cb = byte(-.1482, -.2910, .4392, 128), cr = byte(.4392, -.3678, -.0714, 128);
        bytes.insert(bytes.end(), {y, y, cb, cr});
    }
    const auto write = [&](const Folder& folder, const char* photometric) {
        AngiogramFile run;
        DcmDataset& d = run.data();
        put(d, DCM_SOPClassUID, UID_SecondaryCaptureImageStorage);
        put(d, DCM_Modality, "OT");
        put(d, DCM_NumberOfFrames, "1");
        put(d, DCM_PhotometricInterpretation, photometric);
        for (const auto& [tag, value] : {std::pair{DCM_SamplesPerPixel, 3}, {DCM_Rows, kRows}, {DCM_Columns, kColumns}, {DCM_BitsAllocated, 8}, {DCM_BitsStored, 8}, {DCM_HighBit, 7}, {DCM_PlanarConfiguration, 0}}) {
            require(d.putAndInsertUint16(tag, Uint16(value)));
        }
        require(d.putAndInsertUint8Array(DCM_PixelData, bytes.data(), static_cast<unsigned long>(bytes.size())));
        run.save(folder.file());
    };
    const Folder folder;
    write(folder, "YBR_PARTIAL_422");
    const Volume volume = folder.read();
    HF_CHECK(volume.isColor());
    int worst = 0;
    for (int n = 0; n < kColumns * kRows; ++n) {
        for (int c = 0; c < 3; ++c) {
            worst = std::max(worst, std::abs(int(volume.rgb()[std::size_t(3 * n + c)]) - colors[n / 2 % 8][std::size_t(c)]));
        }
    }
    HF_CHECK(worst <= 2);   // rounded twice
    const Folder other;
    bytes.resize(std::size_t(kColumns * kRows * 3));
    write(other, "HSV");
    const dicom::ScanResult refused = other.scan();
    HF_CHECK_EQUAL(refused.rejected.size(), std::size_t(1));
    HF_CHECK_EQUAL(refused.rejected.at(0).code, std::string("unsupported"));
    HF_CHECK(refused.rejected.at(0).reason.find("HSV") != std::string::npos);
}

HF_TEST(a_stream_of_more_bits_than_the_header_says_is_read_where_its_values_fit)
{
    for (const bool isLarge : {false, true}) {
        const Folder folder;
        AngiogramFile run;
        DcmDataset& d = run.data();
        put(d, DCM_NumberOfFrames, "1");
        std::vector<Uint16> stored(std::size_t(AngiogramFile::kColumns * AngiogramFile::kRows), 3000);
        stored[7] = isLarge ? 5000 : 4000;
        test::putPixels(d, AngiogramFile::kColumns, stored);
        // 14 bits in the stream, 12 in the header.
        charls::jpegls_encoder encoder;
        encoder.frame_info({AngiogramFile::kColumns, AngiogramFile::kRows, 14, 1});
        std::vector<Uint8> stream(encoder.estimated_destination_size());
        encoder.destination(stream);
        stream.resize(encoder.encode(stored));
        saveStream(d, std::move(stream), EXS_JPEGLSLossless, folder.file());
        try {
            HF_CHECK_EQUAL(folder.read().valueAt(Index3{7, 0, 0}), 4000.0F);
            HF_CHECK(!isLarge);
        } catch (const Error& error) {
            HF_CHECK(isLarge);
            HF_CHECK_EQUAL(std::string(error.code()), std::string("broken"));
        }
    }
}

HF_TEST(colours_of_a_jpeg_are_what_its_marker_says)
{
    constexpr int kColumns = 32, kRows = 16;
    QImage image(kColumns, kRows, QImage::Format_RGB888);
    image.fill(QColor(200, 60, 30));
    QBuffer buffer;
    HF_CHECK(image.save(&buffer, "JPEG", 95));      // YCbCr with a JFIF marker
    const QByteArray& jpeg = buffer.data();
    HF_CHECK(jpeg.mid(6, 4) == "JFIF");
    for (const char* claimed : {"YBR_FULL_422", "RGB"}) {
        const Folder folder;
        AngiogramFile run;
        DcmDataset& d = run.data();
        put(d, DCM_SOPClassUID, UID_SecondaryCaptureImageStorage);
        put(d, DCM_Modality, "OT");
        put(d, DCM_NumberOfFrames, "1");
        put(d, DCM_PhotometricInterpretation, claimed);
        for (const auto& [tag, value] : {std::pair{DCM_SamplesPerPixel, 3}, {DCM_Rows, kRows}, {DCM_Columns, kColumns}, {DCM_BitsAllocated, 8}, {DCM_BitsStored, 8}, {DCM_HighBit, 7}, {DCM_PlanarConfiguration, 0}}) {
            require(d.putAndInsertUint16(tag, Uint16(value)));
        }
        saveStream(d, {jpeg.begin(), jpeg.end()}, EXS_JPEGProcess1, folder.file());
        const Volume volume = folder.read();
        const auto rgb = volume.rgb().subspan(3 * 100, 3);
        HF_CHECK(std::abs(int(rgb[0]) - 200) <= 3 && std::abs(int(rgb[1]) - 60) <= 3 && std::abs(int(rgb[2]) - 30) <= 3);
    }
}

HF_TEST(loss_is_told_by_the_stream_where_the_file_denies_it)
{
    constexpr int kColumns = AngiogramFile::kColumns, kRows = AngiogramFile::kRows;
    const auto isTold = [](const Folder& folder) {
        const std::vector<Note> notes = folder.read().info().notes;
        return std::any_of(notes.begin(), notes.end(), [](const Note& note) { return note.code == "lossy"; });
    };
    const auto prepare = [](DcmDataset& d) {
        put(d, DCM_NumberOfFrames, "1");
        test::putPixels(d, kColumns, std::vector<Uint16>(std::size_t(kColumns * kRows), 100));
        for (const auto& [tag, value] : {std::pair{DCM_BitsAllocated, 8}, {DCM_BitsStored, 8}, {DCM_HighBit, 7}}) {
            require(d.putAndInsertUint16(tag, Uint16(value)));
        }
    };
    QImage image(kColumns, kRows, QImage::Format_Grayscale8);
    image.fill(100);
    QBuffer buffer;
    HF_CHECK(image.save(&buffer, "JPEG", 95));
    const Folder baseline;
    AngiogramFile run;
    prepare(run.data());
    saveStream(run.data(), {buffer.data().begin(), buffer.data().end()}, EXS_JPEGProcess14SV1, baseline.file());
    HF_CHECK(isTold(baseline));
    for (const int near : {0, 2}) {
        const Folder folder;
        AngiogramFile other;
        prepare(other.data());
        charls::jpegls_encoder encoder;
        encoder.frame_info({kColumns, kRows, 8, 1}).near_lossless(near);
        std::vector<Uint8> stream(encoder.estimated_destination_size());
        encoder.destination(stream);
        stream.resize(encoder.encode(std::vector<Uint8>(std::size_t(kColumns * kRows), 100)));
        saveStream(other.data(), std::move(stream), EXS_JPEGLSLossless, folder.file());
        HF_CHECK_EQUAL(isTold(folder), near > 0);
    }
    // JPEG 2000 of the irreversible and of the reversible wavelet, both by files that say nothing of a loss.
    for (const auto& [name, uid, isLossy] : {std::tuple{"gray/JPEG2000.dcm", "1.2.840.10008.1.2.4.91", true}, {"ct_j2k_90.dcm", "1.2.840.10008.1.2.4.90", false}}) {
        const fs::path source = fs::path(HF_TEST_DATA_DIR) / "transfer_syntaxes" / name;
        if (!fs::exists(source)) {
            HF_SKIP("the test data are not there");
        }
        const Folder folder;
        std::string bytes = bytesOf(source);
        bytes.replace(bytes.find(uid), std::strlen(uid), "1.2.840.10008.1.2.4.90");
        if (const std::size_t at = bytes.find(std::string("\x28\x00\x10\x21" "CS", 6)); at != std::string::npos) {
            bytes.replace(at + 8, 2, "00");     // Lossy Image Compression
        }
        std::ofstream(folder.file(), std::ios::binary) << bytes;
        HF_CHECK_EQUAL(isTold(folder), isLossy);
    }
}

HF_QT_TEST_MAIN()
