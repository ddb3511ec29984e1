#pragma once

#include "viewer/volume/Shutter.h"

#include <cstdint>
#include <string>
#include <vector>

class DcmItem;

// Internal to hf_dicom.
namespace hf::dicom {

/// The display shutters of an image or a presentation state. What cannot be read is named in `leftOut`, in English: "shutter", "bitmap shutter".
Shutter readShutter(DcmItem& dataset, std::vector<std::string>& leftOut);

/// The overlay group (0x6000 ...) that is the bitmap of a shutter, no drawing; 0 without.
std::uint16_t shutterGroup(DcmItem& dataset);

/// An overlay plane as a bitmap of the image it lies on; null when it cannot be read.
std::shared_ptr<const Shutter::Bitmap> findBitmap(DcmItem& dataset, std::uint16_t group);

/// An 8-bit grey for a presentation value of 16 bits.
std::uint8_t greyOf(double value);

} // namespace hf::dicom
