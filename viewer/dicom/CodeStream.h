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
    bool isLossy = false;   ///< Baseline, extended or progressive.
};
std::optional<JpegFrame> findJpegFrame(std::span<const std::uint8_t> stream);

/// Is the wavelet of a JPEG 2000 code stream (bare or in a JP2 box) the irreversible one (ITU-T T.800, A.6.1)?
bool isIrreversible(std::span<const std::uint8_t> stream);

/// @throws Error "broken" when a JPEG stream is another picture than the header says.
void checkJpeg(const JpegFrame& frame, const PixelFormat& format);
/// A stream of more bits than the header says: @throws Error "broken" when a sample needs them. Not of whole words, whose spare bits may hold anything
/// (overlays), nor of values that do not begin at bit 0; signed ones may be sign extended or not.
/// @param precision  of the stream. @param sample  n of `count`.
template <typename Sample> void checkSamples(int precision, std::size_t count, const PixelFormat& format, const Sample& sample)
{
    if (precision <= format.bitsStored || precision == format.bitsAllocated || format.highBit != format.bitsStored - 1) {
        return;
    }
    const std::int64_t range = std::int64_t(1) << format.bitsStored;
    for (std::size_t n = 0; n < count; ++n) {
        if (const std::int64_t value = sample(n); value < -range / 2 || value >= range) {
            throw Error("the compressed image holds larger values than its header says", "broken");
        }
    }
}

/// @throws Error "broken" when a segment of an RLE frame (PS3.5 Annex G) holds fewer or clearly more bytes than the image has pixels.
void checkRle(std::span<const std::uint8_t> stream, const PixelFormat& format);

} // namespace hf::dicom
