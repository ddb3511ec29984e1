#pragma once

#include "viewer/dicom/Header.h"
#include "viewer/volume/Error.h"

#include <cstdint>
#include <optional>
#include <span>

// Internal to hf_dicom: what a compressed frame says about itself, where its decoder takes the header's word for it.
namespace hf::dicom {

/// Of the frame header of a JPEG stream (ITU-T T.81, B.2.2).
struct JpegFrame {
    int rows = 0;           ///< 0 where the stream tells it behind the picture.
    int columns = 0, samples = 0, precision = 0;
    /// Whether its colours are YCbCr, as a JFIF or Adobe marker says; empty without one.
    std::optional<bool> isYcc;
};
std::optional<JpegFrame> findJpegFrame(std::span<const std::uint8_t> stream);

/// @throws Error "broken" when a JPEG stream is another picture than the header says.
void checkJpeg(const JpegFrame& frame, const PixelFormat& format);
/// What a decoder of another precision than the header's has made: @throws Error "broken" when a sample does not fit into the bits that the header says.
/// @param sample  n of `count`, sign extended where it is signed.
template <typename Sample> void checkSamples(std::size_t count, const PixelFormat& format, const Sample& sample)
{
    const std::int64_t range = std::int64_t(1) << format.bitsStored, low = format.isSigned ? -range / 2 : 0, high = format.isSigned ? range / 2 : range;
    for (std::size_t n = 0; n < count; ++n) {
        if (const std::int64_t value = sample(n); value < low || value >= high) {
            throw Error("the compressed image holds larger values than its header says", "broken");
        }
    }
}

/// @throws Error "broken" when a segment of an RLE frame (PS3.5 Annex G) holds fewer or clearly more bytes than the image has pixels.
void checkRle(std::span<const std::uint8_t> stream, const PixelFormat& format);

} // namespace hf::dicom
