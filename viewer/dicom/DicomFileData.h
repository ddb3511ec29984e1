#pragma once

#include "viewer/dicom/Header.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfcache.h>
#include <dcmtk/dcmdata/dcfilefo.h>

// Internal to hf_dicom.
namespace hf::dicom {

struct DicomFile::Data {
    DcmFileFormat file;
    DcmFileCache cache;
    Uint32 nextFragment = 0;    ///< First fragment of frame `nextFrame`, where frames are decoded in order.
    int nextFrame = 0;
    Header header;
};

/// @throws Error as DicomFile.
Header parseHeader(DcmFileFormat& file, const std::filesystem::path& path, bool needsPixels);

/// Decodes a JPEG 2000 or HTJ2K code stream (bare or in a JP2 box) with OpenJPEG; the sample size and sign are the header's.
/// Colour comes out as RGB, also from YBR_RCT and YBR_ICT.
/// @throws Error "broken" with the reason.  Thread-safe.
StoredFrame decodeJpeg2000(const std::vector<std::uint8_t>& stream, const PixelFormat& format);

} // namespace hf::dicom
