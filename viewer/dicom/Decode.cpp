#include "viewer/dicom/DicomFileData.h"

#include "viewer/dicom/Shutters.h"
#include "viewer/dicom/Attributes.h"
#include "viewer/dicom/CodeStream.h"
#include "viewer/volume/Error.h"

#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcmetinf.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/oflog/oflog.h>

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <string_view>

namespace hf::dicom {

namespace {

/// Codecs are global in DCMTK; they stay registered for the life of the process.
void registerCodecs()
{
    static std::once_flag once;
    std::call_once(once, [] {
        // Its messages may quote values of a data set, names among them.
        OFLog::configure(OFLogger::OFF_LOG_LEVEL);
        // Standard attributes of unknown VR are what the dictionary says.
        dcmEnableUnknownVRConversion.set(OFTrue);
        // Some writers name an explicit transfer syntax before an implicit data set, or the other way round.
        dcmAutoDetectDatasetXfer.set(OFTrue);
        DJDecoderRegistration::registerCodecs(EDC_photometricInterpretation, EUC_default, EPC_colorByPixel);
        DcmRLEDecoderRegistration::registerCodecs();
    });
}

/// How the frames of a transfer syntax are decoded.
enum class Coding { Native, Jpeg2000, JpegLs, Deflated, Dcmtk, Unsupported };

/// Deflated Image Frame Compression (PS3.5 A.4.13), which DCMTK does not know.
const std::string kDeflatedFrames = "1.2.840.10008.1.2.8.1";
/// Deflated Explicit VR Little Endian: the whole data set is (PS3.5 A.5).
const std::string kDeflated = "1.2.840.10008.1.2.1.99";

Coding codingOf(const std::string& uid)
{
    static const std::set<std::string> kNative{"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", kDeflated};
    if (kNative.contains(uid)) {
        return Coding::Native;
    }
    if (uid == kDeflatedFrames) {
        return Coding::Deflated;
    }
    static const std::map<std::string, Coding> kJpegFamily{{"50", Coding::Dcmtk}, {"51", Coding::Dcmtk}, {"53", Coding::Dcmtk}, {"55", Coding::Dcmtk}, {"57", Coding::Dcmtk},
        {"70", Coding::Dcmtk}, {"80", Coding::JpegLs}, {"81", Coding::JpegLs}, {"90", Coding::Jpeg2000}, {"91", Coding::Jpeg2000}, {"201", Coding::Jpeg2000},
        {"202", Coding::Jpeg2000}, {"203", Coding::Jpeg2000}};
    const std::string prefix = "1.2.840.10008.1.2.4.";
    const auto found = uid.rfind(prefix, 0) == 0 ? kJpegFamily.find(uid.substr(prefix.size())) : kJpegFamily.end();
    return found != kJpegFamily.end() ? found->second : uid == "1.2.840.10008.1.2.5" ? Coding::Dcmtk : Coding::Unsupported;
}

DcmPixelData& pixelElement(DcmDataset& dataset)
{
    DcmElement* element = nullptr;
    if (dataset.findAndGetElement(DCM_PixelData, element).bad()) {
        throw Error("a DICOM object without pixels", "no-image");
    }
    auto* pixels = dynamic_cast<DcmPixelData*>(element);
    if (!pixels) {
        throw Error("pixel data with a wrong value representation", "broken");
    }
    return *pixels;
}

/// DCMTK's decoders take one fragment for one frame (of RLE always): pieces are joined first. Frames that a cut file has lost are empty.
void joinFragments(DcmDataset& dataset, Fragments& fragments, int frames, DcmFileCache& cache)
{
    auto joined = std::make_unique<DcmPixelSequence>(DCM_PixelSequenceTag);
    joined->insert(new DcmPixelItem(DCM_PixelItemTag));     // an empty offset table
    for (int frame = 0; frame < frames; ++frame) {
        std::vector<std::uint8_t> stream = fragments.has(frame) ? fragments.stream(frame, cache) : std::vector<std::uint8_t>();
        stream.resize(stream.size() + stream.size() % 2);
        auto item = std::make_unique<DcmPixelItem>(DCM_PixelItemTag);
        if ((!stream.empty() && item->putUint8Array(stream.data(), static_cast<unsigned long>(stream.size())).bad()) || joined->insert(item.get()).bad()) {
            throw Error("encapsulated frames in pieces cannot be joined", "broken");
        }
        item.release();
    }
    pixelElement(dataset).putOriginalRepresentation(dataset.getOriginalXfer(), nullptr, joined.release());
}

std::uint8_t clampByte(double value) { return std::uint8_t(std::clamp(value + 0.5, 0.0, 255.0)); }

/// PS3.3 C.7.6.3.1.2: YBR to RGB, of the full range or (retired) of Y from 16 to 235 and differences from 16 to 240.
void ybrToRgb(std::vector<std::uint8_t>& bytes, bool isPartial)
{
    const double black = isPartial ? 16 : 0, light = isPartial ? 255.0 / 219 : 1, color = isPartial ? 255.0 / 224 : 1;
    for (std::size_t n = 0; n + 2 < bytes.size(); n += 3) {
        const double y = light * (bytes[n] - black), cb = color * (bytes[n + 1] - 128.0), cr = color * (bytes[n + 2] - 128.0);
        bytes[n] = clampByte(y + 1.402 * cr);
        bytes[n + 1] = clampByte(y - 0.344136 * cb - 0.714136 * cr);
        bytes[n + 2] = clampByte(y + 1.772 * cb);
    }
}

/// The same for samples of two bytes, of which `bits` are used.
void wideYbrToRgb(std::vector<std::uint8_t>& bytes, int bits)
{
    const double middle = std::ldexp(1.0, bits - 1), most = 2 * middle - 1;
    for (std::size_t n = 0; n + 5 < bytes.size(); n += 6) {
        std::array<std::uint16_t, 3> samples;
        std::memcpy(samples.data(), bytes.data() + n, sizeof samples);
        const double y = samples[0], cb = samples[1] - middle, cr = samples[2] - middle;
        const double rgb[] = {y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb};
        std::transform(std::begin(rgb), std::end(rgb), samples.begin(), [&](double value) { return std::uint16_t(std::lround(std::clamp(value, 0.0, most))); });
        std::memcpy(bytes.data() + n, samples.data(), sizeof samples);
    }
}

/// Y1 Y2 Cb Cr to Y Cb Cr of each pixel.
std::vector<std::uint8_t> expand422(const std::vector<std::uint8_t>& bytes, std::size_t pixels)
{
    if (bytes.size() < pixels * 2) {
        throw Error("the pixel data are shorter than the image", "broken");
    }
    std::vector<std::uint8_t> result(pixels * 3);
    for (std::size_t pair = 0; pair < pixels / 2; ++pair) {
        const std::uint8_t* in = bytes.data() + pair * 4;
        std::uint8_t* out = result.data() + pair * 6;
        out[0] = in[0], out[1] = in[2], out[2] = in[3];
        out[3] = in[1], out[4] = in[2], out[5] = in[3];
    }
    return result;
}

/// One bit a pixel, lowest bit first (PS3.5 8.1.1). @param first  bit of the frame.
std::vector<std::uint8_t> unpackBits(const std::uint8_t* data, std::size_t first, std::size_t pixels)
{
    std::vector<std::uint8_t> result(pixels);
    for (std::size_t n = 0; n < pixels; ++n) {
        result[n] = data[(first + n) / 8] >> ((first + n) % 8) & 1;
    }
    return result;
}

/// Frames follow each other without a gap.
std::vector<std::uint8_t> unpackBits(DcmDataset& dataset, const PixelFormat& format, int frame)
{
    const std::size_t pixels = std::size_t(format.rows) * std::size_t(format.columns);
    const Uint8* data = nullptr;
    unsigned long count = 0;
    if (dataset.findAndGetUint8Array(DCM_PixelData, data, &count).bad() || !data || count * 8 < pixels * std::size_t(frame + 1)) {
        throw Error("the pixel data are shorter than the image", "broken");
    }
    return unpackBits(data, pixels * std::size_t(frame), pixels);
}

/// A stream of RFC 1951, without a head. @param size  of what comes out; what may be behind it is padding to an even length.
std::vector<std::uint8_t> inflated(const std::vector<std::uint8_t>& stream, std::size_t size)
{
    constexpr int kBare = -15;                  // of inflateInit2
    constexpr std::size_t kMostGrowth = 1032;   // of this encoding
    if (stream.size() * kMostGrowth < size) {
        throw Error("the pixel data are shorter than the image", "broken");     // and nothing is allocated for it
    }
    std::vector<std::uint8_t> bytes(size + 1);
    z_stream state{};
    if (inflateInit2(&state, kBare) != Z_OK) {
        throw std::bad_alloc();
    }
    const std::unique_ptr<z_stream, decltype(&inflateEnd)> ended(&state, inflateEnd);
    state.next_in = const_cast<Bytef*>(stream.data());
    state.avail_in = uInt(stream.size());
    state.next_out = bytes.data();
    state.avail_out = uInt(bytes.size());
    const int end = inflate(&state, Z_FINISH);
    if (state.avail_out == 0 && end != Z_STREAM_END) {
        throw Error("a frame holds more than the header says", "broken");
    }
    if (end != Z_STREAM_END) {
        throw Error(end == Z_DATA_ERROR ? "a deflated frame is damaged" : "a deflated frame ends early", "broken");
    }
    if (state.total_out < size) {
        throw Error("the pixel data are shorter than the image", "broken");
    }
    bytes.resize(size);
    return bytes;
}

template <typename T> std::vector<std::uint8_t> floatFrame(const T* data, unsigned long count, std::size_t pixels, int frame)
{
    if (!data || count < pixels * std::size_t(frame + 1)) {
        throw Error("the pixel data are shorter than the image", "broken");
    }
    std::vector<std::uint8_t> bytes(pixels * sizeof(T));
    std::memcpy(bytes.data(), data + pixels * std::size_t(frame), bytes.size());
    return bytes;
}

StoredFrame decodeFloat(DcmDataset& dataset, const PixelFormat& format, int frame)
{
    StoredFrame stored{format.rows, format.columns, 1, format.kind == PixelKind::Float ? 4 : 8, true, true, format.photometric, {}};
    const std::size_t pixels = std::size_t(format.rows) * std::size_t(format.columns);
    unsigned long count = 0;
    if (format.kind == PixelKind::Float) {
        const Float32* data = nullptr;
        dataset.findAndGetFloat32Array(DCM_FloatPixelData, data, &count);
        stored.bytes = floatFrame(data, count, pixels, frame);
    } else {
        const Float64* data = nullptr;
        dataset.findAndGetFloat64Array(DCM_DoubleFloatPixelData, data, &count);
        stored.bytes = floatFrame(data, count, pixels, frame);
    }
    return stored;
}

/// The transfer syntax that the file meta header names; empty without.
std::string declaredTransferSyntax(DcmFileFormat& file) { return file.getMetaInfo() ? code(*file.getMetaInfo(), DCM_TransferSyntaxUID) : std::string(); }

std::vector<char> contentOf(const std::filesystem::path& path)
{
    std::ifstream stream(path, std::ios::binary);
    return std::vector<char>((std::istreambuf_iterator<char>(stream)), {});
}

/// The first bytes of a file, where its meta header lies.
std::vector<char> headOf(const std::filesystem::path& path)
{
    std::vector<char> bytes(1 << 14);
    std::ifstream stream(path, std::ios::binary);
    stream.read(bytes.data(), std::streamsize(bytes.size()));
    bytes.resize(std::size_t(stream.gcount()));
    return bytes;
}

/// The whole file, its meta header changed to an encapsulated transfer syntax that DCMTK knows. Later ones are explicit little endian
/// like that; only the code streams differ.
std::vector<char> asKnownEncapsulated(const std::filesystem::path& path, const std::string& uid)
{
    std::vector<char> bytes = contentOf(path);
    const auto limit = bytes.begin() + std::ptrdiff_t(std::min<std::size_t>(bytes.size(), 4096));
    const auto found = std::search(bytes.begin(), limit, uid.begin(), uid.end());
    std::string known = uid == kDeflatedFrames ? "1.2.840.10008.1.2.5" : "1.2.840.10008.1.2.4.90";
    if (found == limit || known.size() > uid.size()) {
        return {};
    }
    known.resize(uid.size(), '\0');
    std::copy(known.begin(), known.end(), found);
    return bytes;
}

OFCondition loadBytes(const std::vector<char>& bytes, DcmFileFormat& file)
{
    DcmInputBufferStream buffer;
    buffer.setBuffer(bytes.data(), offile_off_t(bytes.size()));
    buffer.setEos();
    file.clear();
    file.transferInit();
    const OFCondition status = file.read(buffer);
    file.transferEnd();
    file.loadAllDataIntoMemory();
    return status;
}

std::uint32_t littleEndian(const std::vector<char>& bytes, std::size_t at, std::size_t count)
{
    std::uint32_t value = 0;
    for (std::size_t n = 0; n < count; ++n) {
        value |= std::uint32_t(std::uint8_t(bytes[at + n])) << (8 * n);
    }
    return value;
}

/// Where the elements of group 2 end, which are always explicit little endian (PS3.10 7.1); 0 when that cannot be told.
std::size_t endOfMetaHeader(const std::vector<char>& bytes)
{
    constexpr std::size_t kPreamble = 132, kHead = 8, kLongHead = 12;
    std::size_t at = kPreamble;
    while (at + kLongHead <= bytes.size() && littleEndian(bytes, at, 2) == 2) {
        const std::string vr(bytes.data() + at + 4, 2);
        const bool isLong = vr == "OB" || vr == "UN" || vr == "OW" || vr == "UT";
        at += isLong ? kLongHead + littleEndian(bytes, at + 8, 4) : kHead + littleEndian(bytes, at + 6, 2);
    }
    return at + kLongHead <= bytes.size() ? at : 0;
}

/// Reads a file anew whose meta header says another length than it has, with the right one.
void correctMetaLength(const std::filesystem::path& path, DcmFileFormat& file, OFCondition& status)
{
    constexpr std::size_t kMark = 128, kLengthAt = 140, kLengthEnd = 144;
    const std::vector<char> head = headOf(path);
    const std::size_t end = head.size() > kLengthEnd && std::memcmp(head.data() + kMark, "DICM\2\0\0\0UL", 10) == 0 ? endOfMetaHeader(head) : 0;
    if (end <= kLengthEnd || end - kLengthEnd == littleEndian(head, kLengthAt, 4)) {
        return;
    }
    std::vector<char> bytes = contentOf(path);
    for (std::size_t n = 0; n < 4; ++n) {
        bytes[kLengthAt + n] = char(std::uint8_t((end - kLengthEnd) >> (8 * n)));
    }
    status = loadBytes(bytes, file);
}

/// The whole of a file whose pixels are encapsulated while its data set is implicit, which no transfer syntax allows: the pixels are read as
/// the file says, all before them as implicit. False, and `file` as it was, when it is no such file.
bool loadImplicitEncapsulated(const std::filesystem::path& path, DcmFileFormat& file)
{
    const std::vector<char> bytes = contentOf(path);
    // Pixel Data of undefined length without a VR, then the first item.
    static constexpr std::string_view kBegin("\xe0\x7f\x10\x00\xff\xff\xff\xff\xfe\xff\x00\xe0", 12), kExplicit("\xe0\x7f\x10\x00OB\x00\x00", 8);
    constexpr std::size_t kPreamble = 132, kTagAndLength = 8;
    const auto found = std::search(bytes.begin(), bytes.end(), kBegin.begin(), kBegin.end());
    Uint32 groupLength = 0;
    if (found == bytes.end() || file.getMetaInfo()->findAndGetUint32(DCM_FileMetaInformationGroupLength, groupLength).bad()) {
        return false;
    }
    const std::size_t begin = kPreamble + kTagAndLength + sizeof(Uint32) + groupLength;
    if (begin > std::size_t(found - bytes.begin())) {
        return false;
    }
    std::vector<char> pixels(bytes.begin(), bytes.begin() + std::ptrdiff_t(begin));
    pixels.insert(pixels.end(), kExplicit.begin(), kExplicit.end());
    pixels.insert(pixels.end(), found + 4, bytes.end());
    DcmInputBufferStream before;
    before.setBuffer(bytes.data() + begin, offile_off_t(found - bytes.begin()) - offile_off_t(begin));
    before.setEos();
    DcmDataset parsed;
    parsed.transferInit();
    const bool isImplicit = parsed.read(before, EXS_LittleEndianImplicit).good() && parsed.tagExists(DCM_Rows);
    parsed.transferEnd();
    if (!isImplicit || loadBytes(pixels, file).bad()) {
        return false;
    }
    while (parsed.card() > 0) {
        std::unique_ptr<DcmElement> element(parsed.remove(0UL));
        if (file.getDataset()->insert(element.get()).good()) {
            element.release();
        }
    }
    return true;
}

} // namespace

DicomFile::DicomFile(const std::filesystem::path& path, bool needsPixels) : m_data(std::make_unique<Data>())
{
    registerCodecs();
    if (!looksLikeDicom(path)) {
        throw Error("not a DICOM file", "not-an-image");
    }
    // Long values stay in the file until they are asked for.
    OFCondition status = m_data->file.loadFile(path.c_str(), EXS_Unknown, EGL_noChange, 4096);
    if (needsPixels && !m_data->file.getDataset()->tagExists(DCM_Rows)) {
        correctMetaLength(path, m_data->file, status);
    }
    std::string syntax = declaredTransferSyntax(m_data->file);
    if (!syntax.empty() && DcmXfer(syntax.c_str()).getXfer() == EXS_Unknown && transferSyntaxName(syntax) != syntax) {
        status = loadBytes(asKnownEncapsulated(path, syntax), m_data->file);
    } else if (syntax.empty() || DcmXfer(syntax.c_str()).getXfer() != EXS_Unknown) {
        // What DCMTK found: the meta header may be wrong about the byte order.
        const bool lacksPixels = status.bad() && DcmXfer(m_data->file.getDataset()->getOriginalXfer()).isEncapsulated() && !m_data->file.getDataset()->tagExists(DCM_PixelData);
        if (lacksPixels && loadImplicitEncapsulated(path, m_data->file)) {
            status = EC_Normal;
        }
        syntax = DcmXfer(m_data->file.getDataset()->getOriginalXfer()).getXferID();
    }
    if (!syntax.empty() && DcmXfer(syntax.c_str()).getXfer() == EXS_Unknown && transferSyntaxName(syntax) == syntax) {
        throw Error("images in the transfer syntax " + syntax + " are not supported", "unsupported");
    }
    // A truncated file may still hold a readable header and some frames.
    if (status.bad() && m_data->file.getDataset()->card() == 0) {
        throw Error(std::string("the file cannot be parsed: ") + status.text(), "broken");
    }
    m_data->header = parseHeader(m_data->file, path, syntax, needsPixels);
    std::error_code unknown;
    m_data->fileBytes = std::filesystem::file_size(path, unknown);
}

DicomFile::~DicomFile() = default;
DicomFile::DicomFile(DicomFile&&) noexcept = default;
const Header& DicomFile::header() const { return m_data->header; }

namespace {

/// Y1 Y2 Cb Cr of pixel pairs, uncompressed; DCMTK takes such frames for three whole samples a pixel.
std::vector<std::uint8_t> nativeFrame422(DcmDataset& dataset, const PixelFormat& format, int frame, DcmFileCache& cache)
{
    const std::size_t pixels = std::size_t(format.rows) * std::size_t(format.columns), size = pixels * 2;
    std::vector<std::uint8_t> bytes(size);
    if (std::uint64_t(frame + 1) * size > pixelElement(dataset).getLengthField() ||
        pixelElement(dataset).getPartialValue(bytes.data(), Uint32(size * std::size_t(frame)), Uint32(size), &cache, EBO_LittleEndian).bad()) {
        throw Error("the pixel data are shorter than the image", "broken");
    }
    return expand422(bytes, pixels);
}

/// Colour by pixel, in RGB where the samples are YBR. @param bits  stored, of a sample.
void toRgb(StoredFrame& stored, bool isPlanar, int bits)
{
    if (stored.samples != 3) {
        return;
    }
    if (isPlanar) {
        stored.bytes = byPixel(stored);
    }
    const bool isPartial = stored.photometric == "YBR_PARTIAL_422";
    if ((isPartial && stored.bytesPerSample == 1) || (stored.photometric.starts_with("YBR_FULL") && stored.bytesPerSample <= 2)) {
        stored.bytesPerSample == 1 ? ybrToRgb(stored.bytes, isPartial) : wideYbrToRgb(stored.bytes, bits);
        stored.photometric = "RGB";
    }
}

bool isSubsampled(const PixelFormat& format) { return (format.photometric == "YBR_FULL_422" || format.photometric == "YBR_PARTIAL_422") && format.samples == 3; }

/// What comes out of the stream is the frame as it would be without an encoding, in bytes of its own also where a pixel is a bit.
StoredFrame decodeDeflated(const std::vector<std::uint8_t>& stream, const PixelFormat& format)
{
    StoredFrame stored{format.rows, format.columns, format.samples, std::max(1, format.bitsAllocated / 8), format.isSigned, false, format.photometric, {}};
    const std::size_t pixels = std::size_t(format.rows) * std::size_t(format.columns);
    if (format.bitsAllocated == 1) {
        stored.bytes = unpackBits(inflated(stream, (pixels + 7) / 8).data(), 0, pixels);
    } else if (isSubsampled(format)) {
        stored.bytes = expand422(inflated(stream, pixels * 2), pixels);
    } else {
        stored.bytes = inflated(stream, pixels * std::size_t(stored.samples) * std::size_t(stored.bytesPerSample));
    }
    toRgb(stored, format.isPlanar && !isSubsampled(format), format.bitsStored);
    return stored;
}

} // namespace

std::vector<std::uint8_t> byPixel(const StoredFrame& planes)
{
    const std::size_t pixels = std::size_t(planes.rows) * std::size_t(planes.columns), samples = std::size_t(planes.samples), bytes = std::size_t(planes.bytesPerSample);
    std::vector<std::uint8_t> result(planes.bytes.size());
    for (std::size_t n = 0; n < pixels; ++n) {
        for (std::size_t s = 0; s < samples; ++s) {
            std::memcpy(result.data() + (n * samples + s) * bytes, planes.bytes.data() + (s * pixels + n) * bytes, bytes);
        }
    }
    return result;
}

bool isDecodable(const std::string& transferSyntaxUid) { return codingOf(transferSyntaxUid) != Coding::Unsupported; }

StoredFrame DicomFile::decode(int frame)
{
    const Header& header = m_data->header;
    const PixelFormat& format = header.pixels;
    DcmDataset& dataset = *m_data->file.getDataset();
    if (frame < 0 || frame >= format.frames) {
        throw Error("there is no frame " + std::to_string(frame + 1), "broken");
    }
    if (format.kind != PixelKind::Integer) {
        return decodeFloat(dataset, format, frame);
    }
    const Coding coding = codingOf(header.transferSyntaxUid);
    if (coding == Coding::Native) {
        return m_data->decodeNative(frame);
    }
    if (!m_data->fragments) {
        m_data->fragments.emplace(dataset, format.frames, m_data->fileBytes);
        if (coding == Coding::Dcmtk && !m_data->fragments->isOneEach()) {
            joinFragments(dataset, *m_data->fragments, format.frames, m_data->cache);
            m_data->fragments.emplace(dataset, format.frames, m_data->fileBytes);
        }
    }
    if (coding == Coding::Dcmtk) {
        return m_data->decodeWithDcmtk(frame);
    }
    const std::vector<std::uint8_t> stream = m_data->fragments->stream(frame, m_data->cache);
    if (coding == Coding::Deflated) {
        return decodeDeflated(stream, format);
    }
    StoredFrame stored = coding == Coding::JpegLs ? decodeJpegLs(stream, format) : decodeJpeg2000(stream, format);
    stored.isLossy = stored.isLossy || (coding == Coding::Jpeg2000 && isIrreversible(stream));
    toRgb(stored, false, format.bitsStored);
    return stored;
}

StoredFrame DicomFile::Data::decodeNative(int frame)
{
    const PixelFormat& format = header.pixels;
    DcmDataset& dataset = *file.getDataset();
    StoredFrame stored{format.rows, format.columns, format.samples, std::max(1, format.bitsAllocated / 8), format.isSigned, false, format.photometric, {}};
    // Nothing is allocated for a frame that the file cannot hold, whatever its header says.
    const std::uintmax_t leastBits = std::uintmax_t(format.rows) * std::uintmax_t(format.columns) * std::uintmax_t(isSubsampled(format) ? 2 : format.samples) * std::uintmax_t(format.bitsAllocated);
    if (header.transferSyntaxUid != kDeflated && leastBits / 8 > fileBytes) {
        throw Error("the pixel data are shorter than the image", "broken");
    }
    if (format.bitsAllocated == 1) {
        stored.bytes = unpackBits(dataset, format, frame);
        return stored;
    }
    const bool is422 = isSubsampled(format);
    stored.bytes = is422 ? nativeFrame422(dataset, format, frame, cache) : uncompressedFrame(frame, stored);
    toRgb(stored, format.isPlanar && !is422, format.bitsStored);
    return stored;
}

namespace {

/// Samples of 8 bits that stand one after the other at the beginning of a buffer for 16-bit ones, as DCMTK leaves them.
std::vector<std::uint8_t> widened(const std::vector<std::uint8_t>& bytes)
{
    std::vector<std::uint8_t> wide(bytes.size(), 0);
    for (std::size_t n = 0; n < bytes.size() / 2; ++n) {
        wide[2 * n] = bytes[n];
    }
    return wide;
}

} // namespace

StoredFrame DicomFile::Data::decodeWithDcmtk(int frame)
{
    const PixelFormat& format = header.pixels;
    StoredFrame stored{format.rows, format.columns, format.samples, std::max(1, format.bitsAllocated / 8), format.isSigned, false, format.photometric, {}};
    // DCMTK takes the header's word for what the frame holds.
    const bool isRle = header.transferSyntaxUid == "1.2.840.10008.1.2.5";
    const std::vector<std::uint8_t> stream = fragments->stream(frame, cache);
    const auto jpeg = isRle ? std::nullopt : findJpegFrame(stream);
    if (jpeg) {
        stored.isLossy = jpeg->isLossy;
        checkJpeg(*jpeg, format);
    } else if (isRle && format.bitsAllocated >= 8) {
        checkRle(stream, format);
    }
    // Of the stream and the header that contradict each other about colours, the stream's marker is right.
    const bool isYccByHeader = format.photometric.starts_with("YBR");
    const bool isContradicted = jpeg && jpeg->isYcc && format.samples == 3 && *jpeg->isYcc != isYccByHeader;
    stored.photometric = !isContradicted ? format.photometric : *jpeg->isYcc ? "YBR_FULL_422" : "RGB";
    // What the decoder goes by; frames may differ.
    if (decodedAs != stored.photometric) {
        file.getDataset()->putAndInsertString(DCM_PhotometricInterpretation, stored.photometric.c_str());
        decodedAs = stored.photometric;
    }
    stored.bytes = uncompressedFrame(frame, stored);
    if (jpeg && jpeg->precision <= 8 && stored.bytesPerSample == 2) {
        stored.bytes = widened(stored.bytes);
    }
    // Its JPEG decoders were told to write colour by pixel, its RLE decoder writes what the header says.
    toRgb(stored, format.isPlanar && isRle, format.bitsStored);
    return stored;
}

/// One frame through DCMTK; `stored.photometric` becomes what the decoder made.
std::vector<std::uint8_t> DicomFile::Data::uncompressedFrame(int frame, StoredFrame& stored)
{
    DcmDataset& dataset = *file.getDataset();
    DcmPixelData& element = pixelElement(dataset);
    Uint32 size = 0;
    if (element.getUncompressedFrameSize(&dataset, size).bad() || size == 0) {
        throw Error("the size of a frame is not known", "broken");
    }
    std::vector<std::uint8_t> bytes(std::size_t(size) + 1);
    OFString colorModel;
    Uint32 fragment = Uint32(frame) + 1;    // behind the offset table; one each
    const OFCondition status = element.getUncompressedFrame(&dataset, Uint32(frame), fragment, bytes.data(), Uint32(bytes.size()), colorModel, &cache);
    if (status.bad()) {
        throw Error(std::string("a frame cannot be decoded: ") + status.text(), "broken");
    }
    if (!colorModel.empty()) {
        stored.photometric = colorModel.c_str();
    }
    const std::size_t needed = std::size_t(stored.rows) * std::size_t(stored.columns) * std::size_t(stored.samples) * std::size_t(stored.bytesPerSample);
    if (size < needed) {
        throw Error("the pixel data are shorter than the image", "broken");
    }
    bytes.resize(needed);
    return bytes;
}

std::optional<Presentation> DicomFile::findPresentation() const { return dicom::findPresentation(*m_data->file.getDataset()); }

std::array<LookupTable, 3> DicomFile::palette() const { return readPalette(*m_data->file.getDataset(), m_data->header.pixels.isSigned); }

std::shared_ptr<const Shutter> DicomFile::shutter()
{
    if (!m_data->shutter) {
        std::vector<std::string> leftOut;
        Shutter read = readShutter(*m_data->file.getDataset(), leftOut);
        m_data->shutter = read.isAny() ? std::make_shared<const Shutter>(std::move(read)) : nullptr;
    }
    return *m_data->shutter;
}

std::optional<LookupTable> DicomFile::findModalityLut() const { return dicom::findModalityLut(*m_data->file.getDataset(), m_data->header.pixels.isSigned); }

} // namespace hf::dicom
