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
    return UltrasoundRegion{.left = int(x0), .top = int(y0), .right = int(x1), .bottom = int(y1), .xMm = std::abs(dx) * 10, .yMm = std::abs(dy) * 10};
}

std::vector<UltrasoundRegion> regionsOfFile(const std::filesystem::path& path)
{
    std::vector<UltrasoundRegion> regions;
    DcmFileFormat file;
    if (file.loadFileUntilTag(OFFilename(path.c_str()), EXS_Unknown, EGL_noChange, DCM_MaxReadLength, ERM_autoDetect, DCM_PixelData).bad()) {
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

} // namespace

std::vector<UltrasoundRegion> readUltrasoundRegions(const Series& series)
{
    std::vector<UltrasoundRegion> regions, own, last;
    const bool isUltrasound = series.modality == "US" || series.modality == "IVUS";
    if (series.format != SeriesFormat::Dicom || series.images.empty()) {
        return regions;
    }
    // Of other kinds one file tells whether they have any.
    const int count = int(series.images.size());
    for (int slice = 0; slice < count; ++slice) {
        const bool isNewFile = slice == 0 || series.images[std::size_t(slice)].path != series.images[std::size_t(slice) - 1].path;
        if (isNewFile && (slice == 0 || isUltrasound || !last.empty())) {
            own = regionsOfFile(series.images[std::size_t(slice)].path);
        }
        if (slice == 0 || own != last) {
            regions.insert(regions.end(), own.begin(), own.end());
            for (std::size_t n = regions.size() - own.size(); n < regions.size(); ++n) {
                regions[n].firstSlice = slice;
            }
            last = own;
        }
        for (std::size_t n = regions.size() - own.size(); n < regions.size(); ++n) {
            regions[n].lastSlice = slice == count - 1 ? UltrasoundRegion().lastSlice : slice;
        }
    }
    return regions;
}

} // namespace hf::dicom
