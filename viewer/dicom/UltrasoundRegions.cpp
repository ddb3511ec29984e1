#include "viewer/dicom/UltrasoundRegions.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <cmath>

namespace hf::dicom {

namespace {

constexpr Uint16 kCentimetres = 3, kTissue = 1;

std::optional<UltrasoundRegion> parseRegion(DcmItem& item)
{
    Uint16 format = 0, xUnit = 0, yUnit = 0;
    Uint32 x0 = 0, y0 = 0, x1 = 0, y1 = 0;
    Float64 dx = 0, dy = 0;
    const bool complete = item.findAndGetUint16(DCM_RegionSpatialFormat, format).good() && item.findAndGetUint16(DCM_PhysicalUnitsXDirection, xUnit).good() &&
        item.findAndGetUint16(DCM_PhysicalUnitsYDirection, yUnit).good() && item.findAndGetUint32(DCM_RegionLocationMinX0, x0).good() &&
        item.findAndGetUint32(DCM_RegionLocationMinY0, y0).good() && item.findAndGetUint32(DCM_RegionLocationMaxX1, x1).good() &&
        item.findAndGetUint32(DCM_RegionLocationMaxY1, y1).good() && item.findAndGetFloat64(DCM_PhysicalDeltaX, dx).good() &&
        item.findAndGetFloat64(DCM_PhysicalDeltaY, dy).good();
    if (!complete || format != kTissue || xUnit != kCentimetres || yUnit != kCentimetres || !std::isfinite(dx) || !std::isfinite(dy) || dx == 0 || dy == 0) {
        return std::nullopt;
    }
    return UltrasoundRegion{int(x0), int(y0), int(x1), int(y1), std::abs(dx) * 10, std::abs(dy) * 10};
}

} // namespace

std::vector<UltrasoundRegion> readUltrasoundRegions(const Series& series)
{
    std::vector<UltrasoundRegion> regions;
    DcmFileFormat file;
    if (series.format != SeriesFormat::Dicom || series.images.empty() ||
        file.loadFileUntilTag(OFFilename(series.images.front().path.c_str()), EXS_Unknown, EGL_noChange, DCM_MaxReadLength, ERM_autoDetect, DCM_PixelData).bad()) {
        return regions;
    }
    DcmSequenceOfItems* sequence = nullptr;
    if (file.getDataset()->findAndGetSequence(DCM_SequenceOfUltrasoundRegions, sequence).bad() || !sequence) {
        return regions;
    }
    for (unsigned long n = 0; n < sequence->card(); ++n) {
        if (const auto region = parseRegion(*sequence->getItem(n))) {
            regions.push_back(*region);
        }
    }
    return regions;
}

} // namespace hf::dicom
