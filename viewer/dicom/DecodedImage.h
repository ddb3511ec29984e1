#pragma once

#include "viewer/dicom/Header.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

// Internal to hf_dicom.
namespace hf::dicom {

/// One image after the modality rescale (and SUV factor), with what the notes of a volume need. Pixels row by row.
struct DecodedImage {
    bool isColor = false;
    /// Values that are whole numbers by their rescale; the usual case. Of a colour image its luminance.
    std::vector<std::int32_t> whole;
    std::vector<double> values;         ///< All others; one of the two is empty.
    std::vector<std::uint8_t> rgb;
    int storedBits = 8;                 ///< Of a grey image in the file.
    bool isInteger = true;              ///< Every value is a whole number, in either list.
    bool needsDouble = false;           ///< The file has some value that a float would change: whole numbers beyond 2^24, doubles.
    double minimum = 0, maximum = 0;
    std::vector<WindowLevel> windows;
    std::optional<std::array<double, 2>> paddingSaid;    ///< What the header calls so, whether it is there or not.
    std::optional<std::array<double, 2>> padding;    ///< Values after the rescale that stand for no picture, where some are there.
    std::optional<std::array<double, 2>> storedRange;    ///< What the stored bits can hold, after the rescale; empty for floats and tables.
    std::vector<std::uint16_t> graphics;    ///< Overlay planes as VolumeInfo::graphics; empty without.
    std::shared_ptr<const Shutter> shutter;     ///< Display shutters; null without.
    bool isDecoded = false, isInverted = false, hasLut = false, wasLossy = false, hasGraphics = false;
    bool isSupplemented = false;        ///< Grey, with colours of a supplemental palette.
    std::size_t notFinite = 0;          ///< Floats that are no numbers, held as 0.

    std::size_t pixels() const { return whole.empty() ? values.size() : whole.size(); }
    /// Leaves the overlay planes and what the notes need.
    void dropValues();
};

/// @param unit  Suv: values are multiplied by the header's factor.
/// @throws Error "unsupported" or "broken".  Thread-safe for different files.
DecodedImage decodeImage(DicomFile& file, int frame, Unit unit);

} // namespace hf::dicom
