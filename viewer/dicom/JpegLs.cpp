#include "viewer/dicom/CodeStream.h"
#include "viewer/dicom/DicomFileData.h"
#include "viewer/volume/Error.h"

#include <charls/charls.h>

namespace hf::dicom {

StoredFrame decodeJpegLs(const std::vector<std::uint8_t>& stream, const PixelFormat& format)
{
    try {
        charls::jpegls_decoder decoder(stream, true);
        const charls::frame_info& info = decoder.frame_info();
        // Checked before anything of the size is allocated.
        if (int(info.width) != format.columns || int(info.height) != format.rows || info.component_count != format.samples) {
            throw Error("a JPEG-LS frame does not fit its header", "broken");
        }
        StoredFrame stored{format.rows, format.columns, format.samples, info.bits_per_sample > 8 ? 2 : 1, format.isSigned, false, format.photometric, {}};
        stored.isLossy = decoder.near_lossless() > 0;
        stored.bytes = decoder.decode<std::vector<std::uint8_t>>();
        checkSamples(info.bits_per_sample, stored.bytes.size() / std::size_t(stored.bytesPerSample), format, [&](std::size_t n) {
            return stored.bytesPerSample == 2 ? std::int64_t(stored.bytes[2 * n] | stored.bytes[2 * n + 1] << 8) : std::int64_t(stored.bytes[n]);
        });
        if (format.samples > 1 && decoder.interleave_mode() == charls::interleave_mode::none) {
            stored.bytes = byPixel(stored);
        }
        return stored;
    } catch (const charls::jpegls_error& error) {
        throw Error(std::string("a JPEG-LS frame cannot be decoded: ") + error.what(), "broken");
    }
}

} // namespace hf::dicom
