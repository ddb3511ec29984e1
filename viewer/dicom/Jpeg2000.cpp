#include "viewer/dicom/CodeStream.h"
#include "viewer/dicom/DicomFileData.h"
#include "viewer/volume/Error.h"

#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace hf::dicom {

namespace {

struct Source {
    const std::uint8_t* data;
    std::size_t size, at = 0;
};

OPJ_SIZE_T readSource(void* buffer, OPJ_SIZE_T count, void* user)
{
    auto& source = *static_cast<Source*>(user);
    const std::size_t n = std::min<std::size_t>(count, source.size - source.at);
    if (n == 0) {
        return OPJ_SIZE_T(-1);
    }
    std::memcpy(buffer, source.data + source.at, n);
    source.at += n;
    return n;
}

OPJ_OFF_T skipSource(OPJ_OFF_T count, void* user)
{
    auto& source = *static_cast<Source*>(user);
    if (count < 0) {
        return -1;
    }
    source.at = std::min(source.size, source.at + std::size_t(count));
    return count;
}

OPJ_BOOL seekSource(OPJ_OFF_T to, void* user)
{
    auto& source = *static_cast<Source*>(user);
    if (to < 0 || std::size_t(to) > source.size) {
        return OPJ_FALSE;
    }
    source.at = std::size_t(to);
    return OPJ_TRUE;
}

void keepMessage(const char* message, void* user)
{
    auto& text = *static_cast<std::string*>(user);
    if (text.empty()) {
        text = message;
        text.erase(text.find_last_not_of("\r\n ") + 1);
    }
}

using Codec = std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)>;
using Stream = std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)>;
using OpjImage = std::unique_ptr<opj_image_t, decltype(&opj_image_destroy)>;

OpjImage decodeImage(const std::vector<std::uint8_t>& bytes, const PixelFormat& format)
{
    // A JP2 file begins with its signature box, a bare code stream with SOC.
    const bool boxed = bytes.size() > 12 && std::memcmp(bytes.data() + 4, "jP  ", 4) == 0;
    Source source{bytes.data(), bytes.size()};
    std::string message;
    const Codec codec(opj_create_decompress(boxed ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K), opj_destroy_codec);
    const Stream stream(opj_stream_default_create(OPJ_TRUE), opj_stream_destroy);
    opj_stream_set_read_function(stream.get(), readSource);
    opj_stream_set_skip_function(stream.get(), skipSource);
    opj_stream_set_seek_function(stream.get(), seekSource);
    opj_stream_set_user_data(stream.get(), &source, nullptr);
    opj_stream_set_user_data_length(stream.get(), bytes.size());
    opj_set_error_handler(codec.get(), keepMessage, &message);
    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    opj_image_t* raw = nullptr;
    const bool hasHeader = opj_setup_decoder(codec.get(), &parameters) && opj_read_header(stream.get(), codec.get(), &raw) && raw;
    OpjImage image(raw, opj_image_destroy);
    // Checked before anything of the size is allocated.
    if (!hasHeader || image->numcomps != OPJ_UINT32(format.samples) || image->x1 - image->x0 != OPJ_UINT32(format.columns) ||
        image->y1 - image->y0 != OPJ_UINT32(format.rows)) {
        throw Error("a JPEG 2000 frame does not fit its header" + (message.empty() ? "" : ": " + message), "broken");
    }
    if (!opj_decode(codec.get(), stream.get(), image.get())) {
        throw Error("a JPEG 2000 frame cannot be decoded" + (message.empty() ? "" : ": " + message), "broken");
    }
    return image;
}

} // namespace

StoredFrame decodeJpeg2000(const std::vector<std::uint8_t>& stream, const PixelFormat& format)
{
    const OpjImage image = decodeImage(stream, format);
    StoredFrame stored{format.rows, format.columns, format.samples, format.bitsAllocated <= 8 ? 1 : format.bitsAllocated / 8, format.isSigned, false,
        format.samples == 3 && format.photometric.rfind("YBR_FULL", 0) != 0 ? "RGB" : format.photometric, {}};
    const std::size_t pixels = std::size_t(format.rows) * std::size_t(format.columns), samples = std::size_t(format.samples);
    stored.bytes.resize(pixels * samples * std::size_t(stored.bytesPerSample));
    for (std::size_t s = 0; s < samples; ++s) {
        const opj_image_comp_t& component = image->comps[s];
        if (!component.data || component.w != OPJ_UINT32(format.columns) || component.h != OPJ_UINT32(format.rows)) {
            throw Error("a JPEG 2000 frame with subsampled colour is not supported", "unsupported");
        }
        checkSamples(int(component.prec), pixels, format, [&](std::size_t n) { return std::int64_t(component.data[n]); });
        for (std::size_t n = 0; n < pixels; ++n) {
            const std::uint32_t value = std::uint32_t(component.data[n]);
            std::memcpy(stored.bytes.data() + (n * samples + s) * std::size_t(stored.bytesPerSample), &value, std::size_t(stored.bytesPerSample));
        }
    }
    // The code stream knows better than the header whether its samples are signed; sign extension above kept the bits.
    stored.isSigned = image->comps[0].sgnd != 0 || format.isSigned;
    return stored;
}

} // namespace hf::dicom
