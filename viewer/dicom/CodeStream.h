#pragma once

#include "viewer/dicom/Header.h"

#include <cstdint>
#include <optional>
#include <span>

// Internal to hf_dicom: what a compressed frame says about itself, where its decoder takes the header's word for it.
namespace hf::dicom {

/// Of the frame header of a JPEG stream (ITU-T T.81, B.2.2).
struct JpegFrame {
    int rows = 0;           ///< 0 where the stream tells it behind the picture.
    int columns = 0, samples = 0, precision = 0;
};
std::optional<JpegFrame> findJpegFrame(std::span<const std::uint8_t> stream);

/// @throws Error "broken" when a JPEG stream is another picture than the header says.
void checkJpeg(const JpegFrame& frame, const PixelFormat& format);
/// @throws Error "broken" when a segment of an RLE frame (PS3.5 Annex G) holds fewer or clearly more bytes than the image has pixels.
void checkRle(std::span<const std::uint8_t> stream, const PixelFormat& format);

} // namespace hf::dicom
