#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Data sets that DCMTK writes, so that what our own code reads was written by another.
namespace hf::test {

inline void require(const OFCondition& condition)
{
    if (condition.bad()) {
        throw std::runtime_error(condition.text());
    }
}

inline void put(DcmItem& item, const DcmTagKey& tag, const std::string& value) { require(item.putAndInsertString(tag, value.c_str())); }

inline void putFloats(DcmItem& item, const DcmTagKey& tag, const std::vector<Float32>& values)
{
    require(item.putAndInsertFloat32Array(tag, values.data(), values.size()));
}

/// The next item of a sequence.
inline DcmItem& append(DcmItem& item, const DcmTagKey& sequence)
{
    DcmItem* added = nullptr;
    require(item.findOrCreateSequenceItem(sequence, added, -2));
    return *added;
}

/// 12 stored bits a pixel, row by row.
inline void putPixels(DcmItem& item, int columns, const std::vector<Uint16>& stored)
{
    put(item, DCM_PhotometricInterpretation, "MONOCHROME2");
    const std::pair<DcmTagKey, int> numbers[] = {{DCM_SamplesPerPixel, 1}, {DCM_Rows, int(stored.size()) / columns}, {DCM_Columns, columns}, {DCM_BitsAllocated, 16}, {DCM_BitsStored, 12},
        {DCM_HighBit, 11}, {DCM_PixelRepresentation, 0}};
    for (const auto& [tag, value] : numbers) {
        require(item.putAndInsertUint16(tag, Uint16(value)));
    }
    require(item.putAndInsertUint16Array(DCM_PixelData, stored.data(), static_cast<unsigned long>(stored.size())));
}

} // namespace hf::test
