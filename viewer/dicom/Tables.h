#pragma once

#include "viewer/volume/WindowLevel.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

class DcmItem;

// Internal to hf_dicom.
namespace hf::dicom {

/// A table of a palette, a modality or a VOI LUT: value for stored value first + n; ends are clamped.
struct LookupTable {
    std::int32_t first = 0;
    int bits = 16;
    std::vector<std::uint16_t> values;
    std::uint16_t at(std::int32_t stored) const;
};

/// Red, green, blue of a PALETTE COLOR image, also of segmented tables (PS3.3 C.7.6.3.1.5, C.7.9.2). Stored values count from `first` as
/// the pixels' sign says.  @throws Error "broken" without tables or with tables that cannot be.
std::array<LookupTable, 3> readPalette(DcmItem& dataset, bool isSigned);

/// The first item of the Modality LUT Sequence (PS3.3 C.11.1); empty without one.  @throws Error "broken" when it cannot be read.
std::optional<LookupTable> findModalityLut(DcmItem& dataset, bool isSigned);

/// The first item of the Presentation LUT Sequence (PS3.3 C.11.6.1); empty without one.  @throws Error "broken" when it cannot be read.
std::optional<LookupTable> findPresentationLut(DcmItem& dataset);

/// A number that tells tables apart; never 0.
std::uint64_t fingerprint(const LookupTable& table);

/// All windows of an item: its VOI LUTs, then its centres and widths with their function (PS3.3 C.11.2). Unreadable ones are left out.
/// @param isSigned  the values that go into the tables may be negative.
std::vector<WindowLevel> readWindows(DcmItem& item, bool isSigned);

} // namespace hf::dicom
