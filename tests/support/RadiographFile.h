#pragma once

#include "support/DicomBytes.h"

#include <optional>

namespace hf::test {

/// A digital radiograph.
struct Radiograph {
    int rows = 0, columns = 0, bitsStored = 12;
    std::vector<std::uint16_t> stored;      ///< Row by row.
    bool isMonochrome1 = false;
    std::optional<int> padding;             ///< Pixel Padding Value (0028,0120).
};

inline void writeRadiograph(const std::filesystem::path& file, const Radiograph& radiograph)
{
    const std::string dx = "1.2.840.10008.5.1.4.1.1.1.1", uid = "2.25.77";
    DicomBytes bytes;
    bytes.add(8, 0x16, "UI", dx);
    bytes.add(8, 0x18, "UI", uid + ".3");
    bytes.add(8, 0x60, "CS", "DX");
    bytes.add(0x10, 0x10, "PN", "Phantom");
    bytes.add(0x18, 0x15, "CS", "CHEST");
    bytes.add(0x18, 0x1164, "DS", "0.2\\0.2");
    bytes.add(0x20, 0xD, "UI", uid + ".1");
    bytes.add(0x20, 0xE, "UI", uid + ".2");
    bytes.addShort(0x28, 2, 1);
    bytes.add(0x28, 4, "CS", radiograph.isMonochrome1 ? "MONOCHROME1" : "MONOCHROME2");
    bytes.addShort(0x28, 0x10, radiograph.rows);
    bytes.addShort(0x28, 0x11, radiograph.columns);
    bytes.addShort(0x28, 0x100, 16);
    bytes.addShort(0x28, 0x101, radiograph.bitsStored);
    bytes.addShort(0x28, 0x102, radiograph.bitsStored - 1);
    bytes.addShort(0x28, 0x103, 0);
    if (radiograph.padding) {
        bytes.addShort(0x28, 0x120, *radiograph.padding);
    }
    bytes.addPixels(radiograph.stored);
    bytes.write(file, dx, uid + ".3");
}

} // namespace hf::test
