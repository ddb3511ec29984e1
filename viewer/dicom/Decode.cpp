#include "viewer/dicom/DicomFileData.h"
#include "viewer/dicom/Attributes.h"
#include "viewer/volume/Error.h"

#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>

namespace hf::dicom {

namespace {

/// Codecs are global in DCMTK; they stay registered for the life of the process.
void registerCodecs()
{
    static std::once_flag once;
    std::call_once(once, [] {
        // Its messages may quote values of a data set, names among them.
        OFLog::configure(OFLogger::OFF_LOG_LEVEL);
        DJDecoderRegistration::registerCodecs(EDC_photometricInterpretation, EUC_default, EPC_colorByPixel);
        DJLSDecoderRegistration::registerCodecs(EJLSUC_default, EJLSPC_colorByPixel);
        DcmRLEDecoderRegistration::registerCodecs();
    });
}

bool isJpeg2000(const std::string& uid)
{
    static const char* const kUids[] = {"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"};
    return std::any_of(std::begin(kUids), std::end(kUids), [&](const char* known) { return uid == known; });
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

/// The code stream of one frame, its fragments joined (PS3.5 A.4).
std::vector<std::uint8_t> encapsulatedFrame(DcmDataset& dataset, int frame, int frames)
{
    DcmPixelSequence* sequence = nullptr;
    if (pixelElement(dataset).getEncapsulatedRepresentation(dataset.getOriginalXfer(), nullptr, sequence).bad() || !sequence || sequence->card() < 2) {
        throw Error("encapsulated pixel data without fragments", "broken");
    }
    const unsigned long fragments = sequence->card() - 1;
    const auto bytesOf = [&](unsigned long n) {
        DcmPixelItem* item = nullptr;
        Uint8* data = nullptr;
        if (sequence->getItem(item, n).bad() || !item) {
            throw Error("encapsulated pixel data end early", "broken");
        }
        const Uint32 length = item->getLength();
        if (length > 0 && (item->getUint8Array(data).bad() || !data)) {
            throw Error("encapsulated pixel data end early", "broken");
        }
        return std::vector<std::uint8_t>(data, data + length);
    };
    unsigned long first = 1, last = fragments;
    if (fragments == static_cast<unsigned long>(frames)) {
        first = last = 1UL + static_cast<unsigned long>(frame);
    } else if (frames > 1) {
        // Several fragments a frame: the offset table tells where each begins.
        const std::vector<std::uint8_t> table = bytesOf(0);
        if (table.size() < 4UL * static_cast<unsigned long>(frames)) {
            throw Error("encapsulated frames in pieces without an offset table", "unsupported");
        }
        const auto offsetOf = [&](int n) {
            const std::uint8_t* p = table.data() + 4L * n;
            return std::uint64_t(p[0]) | std::uint64_t(p[1]) << 8 | std::uint64_t(p[2]) << 16 | std::uint64_t(p[3]) << 24;
        };
        const std::uint64_t begin = offsetOf(frame), end = frame + 1 < frames ? offsetOf(frame + 1) : UINT64_MAX;
        std::uint64_t at = 0;
        first = fragments + 1;
        last = 0;
        for (unsigned long n = 1; n <= fragments; ++n) {
            DcmPixelItem* item = nullptr;
            sequence->getItem(item, n);
            if (at >= begin && at < end) {
                first = std::min(first, n);
                last = n;
            }
            at += 8 + item->getLength();
        }
    }
    std::vector<std::uint8_t> stream;
    for (unsigned long n = first; n <= last; ++n) {
        const std::vector<std::uint8_t> part = bytesOf(n);
        stream.insert(stream.end(), part.begin(), part.end());
    }
    if (stream.empty()) {
        throw Error("an empty encapsulated frame", "broken");
    }
    return stream;
}

std::uint8_t clampByte(double value) { return std::uint8_t(std::clamp(value + 0.5, 0.0, 255.0)); }

/// PS3.3 C.7.6.3.1.2: full-range YBR to RGB.
void ybrToRgb(std::vector<std::uint8_t>& bytes)
{
    for (std::size_t n = 0; n + 2 < bytes.size(); n += 3) {
        const double y = bytes[n], cb = bytes[n + 1] - 128.0, cr = bytes[n + 2] - 128.0;
        bytes[n] = clampByte(y + 1.402 * cr);
        bytes[n + 1] = clampByte(y - 0.344136 * cb - 0.714136 * cr);
        bytes[n + 2] = clampByte(y + 1.772 * cb);
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

std::vector<std::uint8_t> interleaved(const std::vector<std::uint8_t>& planes, std::size_t pixels, std::size_t bytesPerSample)
{
    std::vector<std::uint8_t> result(planes.size());
    for (std::size_t n = 0; n < pixels; ++n) {
        for (std::size_t s = 0; s < 3; ++s) {
            std::memcpy(result.data() + (n * 3 + s) * bytesPerSample, planes.data() + (s * pixels + n) * bytesPerSample, bytesPerSample);
        }
    }
    return result;
}

/// One bit a pixel, lowest bit first (PS3.5 8.1.1).
std::vector<std::uint8_t> unpackBits(DcmDataset& dataset, const PixelFormat& format, int frame)
{
    const std::size_t pixels = std::size_t(format.rows) * std::size_t(format.columns);
    const Uint8* data = nullptr;
    unsigned long count = 0;
    if (dataset.findAndGetUint8Array(DCM_PixelData, data, &count).bad() || !data || count * 8 < pixels * std::size_t(frame + 1)) {
        throw Error("the pixel data are shorter than the image", "broken");
    }
    std::vector<std::uint8_t> result(pixels);
    for (std::size_t n = 0; n < pixels; ++n) {
        const std::size_t bit = pixels * std::size_t(frame) + n;
        result[n] = data[bit / 8] >> (bit % 8) & 1;
    }
    return result;
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

/// Files of transfer syntaxes that DCMTK does not know: the meta header is given one of the same kind (explicit, little endian, encapsulated).
std::vector<char> withKnownTransferSyntax(const std::filesystem::path& path, std::string& uid)
{
    std::ifstream stream(path, std::ios::binary);
    std::vector<char> bytes((std::istreambuf_iterator<char>(stream)), {});
    static const char kTag[] = "\x02\x00\x10\x00UI";
    const auto limit = bytes.begin() + std::ptrdiff_t(std::min<std::size_t>(bytes.size(), 4096));
    const auto found = std::search(bytes.begin(), limit, kTag, kTag + 6);
    if (limit - found < 8) {
        return {};
    }
    const std::size_t length = std::uint8_t(found[6]) | std::uint8_t(found[7]) << 8;
    if (std::size_t(limit - found) < 8 + length) {
        return {};
    }
    uid.assign(found + 8, found + 8 + std::ptrdiff_t(length));
    uid.erase(std::find(uid.begin(), uid.end(), '\0'), uid.end());
    std::string known = "1.2.840.10008.1.2.4.90";
    if (uid.rfind("1.2.840.10008.1.2.4.", 0) != 0 || known.size() > length) {
        return {};
    }
    known.resize(length, '\0');
    std::copy(known.begin(), known.end(), found + 8);
    return bytes;
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
    std::string laterUid;
    if (status.bad() || DcmXfer(m_data->file.getDataset()->getOriginalXfer()).getXfer() == EXS_Unknown) {
        const std::vector<char> bytes = withKnownTransferSyntax(path, laterUid);
        if (!bytes.empty() && transferSyntaxName(laterUid) != laterUid) {
            m_data->file.clear();
            DcmInputBufferStream buffer;
            buffer.setBuffer(bytes.data(), offile_off_t(bytes.size()));
            buffer.setEos();
            m_data->file.transferInit();
            status = m_data->file.read(buffer);
            m_data->file.transferEnd();
            m_data->file.loadAllDataIntoMemory();
        } else {
            laterUid.clear();
        }
    }
    // A truncated file may still hold a readable header and some frames.
    if (status.bad() && m_data->file.getDataset()->card() == 0) {
        throw Error(std::string("the file cannot be parsed: ") + status.text(), "broken");
    }
    m_data->header = parseHeader(m_data->file, path, needsPixels);
    if (!laterUid.empty()) {
        m_data->header.transferSyntaxUid = laterUid;
    }
}

DicomFile::~DicomFile() = default;
DicomFile::DicomFile(DicomFile&&) noexcept = default;
const Header& DicomFile::header() const { return m_data->header; }

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
    if (isJpeg2000(header.transferSyntaxUid)) {
        return decodeJpeg2000(encapsulatedFrame(dataset, frame, format.frames), format);
    }
    StoredFrame stored{format.rows, format.columns, format.samples, format.bitsAllocated / 8, format.isSigned, false, format.photometric, {}};
    if (format.bitsAllocated == 1) {
        stored.bytesPerSample = 1;
        stored.bytes = unpackBits(dataset, format, frame);
        return stored;
    }
    DcmPixelData& element = pixelElement(dataset);
    const DcmXfer xfer(dataset.getOriginalXfer());
    if (xfer.isEncapsulated() && !element.canChooseRepresentation(EXS_LittleEndianExplicit, nullptr)) {
        throw Error("images in " + transferSyntaxName(header.transferSyntaxUid) + " are not supported", "unsupported");
    }
    Uint32 size = 0;
    if (element.getUncompressedFrameSize(&dataset, size).bad() || size == 0) {
        throw Error("the size of a frame is not known", "broken");
    }
    const std::size_t pixels = std::size_t(format.rows) * std::size_t(format.columns);
    std::vector<std::uint8_t> bytes(std::size_t(size) + 1);
    OFString colorModel;
    if (frame != m_data->nextFrame) {
        m_data->nextFragment = 0;
    }
    const OFCondition status = element.getUncompressedFrame(&dataset, Uint32(frame), m_data->nextFragment, bytes.data(), Uint32(bytes.size()), colorModel, &m_data->cache);
    m_data->nextFrame = frame + 1;
    if (status.bad()) {
        throw Error(std::string("a frame cannot be decoded: ") + status.text(), "broken");
    }
    bytes.resize(size);
    if (!colorModel.empty()) {
        stored.photometric = colorModel.c_str();
    }
    const bool isNative422 = !xfer.isEncapsulated() && stored.photometric == "YBR_FULL_422";
    if (isNative422) {
        bytes = expand422(bytes, pixels);
    }
    const std::size_t needed = pixels * std::size_t(format.samples) * std::size_t(stored.bytesPerSample);
    if (bytes.size() < needed) {
        throw Error("the pixel data are shorter than the image", "broken");
    }
    bytes.resize(needed);
    const bool decoderWritesPlanes = !xfer.isEncapsulated() || header.transferSyntaxUid == "1.2.840.10008.1.2.5";
    if (format.samples == 3 && format.isPlanar && decoderWritesPlanes && !isNative422) {
        bytes = interleaved(bytes, pixels, std::size_t(stored.bytesPerSample));
    }
    if (format.samples == 3 && stored.photometric.rfind("YBR_FULL", 0) == 0 && stored.bytesPerSample == 1) {
        ybrToRgb(bytes);
        stored.photometric = "RGB";
    }
    stored.bytes = std::move(bytes);
    return stored;
}

std::array<LookupTable, 3> DicomFile::palette() const
{
    DcmDataset& dataset = *m_data->file.getDataset();
    const DcmTagKey descriptors[] = {DCM_RedPaletteColorLookupTableDescriptor, DCM_GreenPaletteColorLookupTableDescriptor, DCM_BluePaletteColorLookupTableDescriptor};
    const DcmTagKey tables[] = {DCM_RedPaletteColorLookupTableData, DCM_GreenPaletteColorLookupTableData, DCM_BluePaletteColorLookupTableData};
    const DcmTagKey segmented[] = {DCM_SegmentedRedPaletteColorLookupTableData, DCM_SegmentedGreenPaletteColorLookupTableData, DCM_SegmentedBluePaletteColorLookupTableData};
    std::array<LookupTable, 3> result;
    for (std::size_t n = 0; n < 3; ++n) {
        const std::vector<double> description = numbers(dataset, descriptors[n]);
        const Uint16* data = nullptr;
        unsigned long count = 0;
        if (description.size() != 3) {
            throw Error("a palette without its description", "broken");
        }
        if (dataset.findAndGetUint16Array(tables[n], data, &count).bad() || !data) {
            const bool isSegmented = dataset.findAndGetUint16Array(segmented[n], data, &count).good() && data;
            throw Error(isSegmented ? "segmented palettes are not supported" : "a palette without data", isSegmented ? "unsupported" : "broken");
        }
        const std::size_t entries = description[0] == 0 ? 65536 : std::size_t(std::abs(description[0]));
        LookupTable& table = result[n];
        table.first = std::int32_t(description[1]);
        table.bits = int(description[2]);
        if (count >= entries) {
            table.values.assign(data, data + entries);
        } else if (count * 2 >= entries) {
            // Two 8-bit entries a word.
            const auto* bytes = reinterpret_cast<const Uint8*>(data);
            table.values.assign(bytes, bytes + entries);
            table.bits = 8;
        } else {
            throw Error("a palette that is too short", "broken");
        }
        // Many writers say 16 bits and store 8.
        if (table.bits > 8 && *std::max_element(table.values.begin(), table.values.end()) < 256) {
            table.bits = 8;
        }
    }
    return result;
}

LookupTable DicomFile::modalityLut() const
{
    DcmItem* item = findItem(*m_data->file.getDataset(), DCM_ModalityLUTSequence);
    const std::vector<double> description = item ? numbers(*item, DCM_LUTDescriptor) : std::vector<double>();
    const Uint16* data = nullptr;
    unsigned long count = 0;
    if (description.size() != 3 || item->findAndGetUint16Array(DCM_LUTData, data, &count).bad() || !data || count == 0) {
        throw Error("a modality lookup table that cannot be read", "broken");
    }
    LookupTable table;
    table.first = std::int32_t(description[1]);
    table.bits = int(description[2]);
    table.values.assign(data, data + count);
    return table;
}

std::uint16_t LookupTable::at(std::int32_t stored) const
{
    const std::int64_t index = std::clamp<std::int64_t>(std::int64_t(stored) - first, 0, std::int64_t(values.size()) - 1);
    return values[std::size_t(index)];
}

} // namespace hf::dicom
