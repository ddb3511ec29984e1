#pragma once

#include "viewer/dicom/Fragments.h"
#include "viewer/dicom/Header.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfcache.h>
#include <dcmtk/dcmdata/dcfilefo.h>

// Internal to hf_dicom.
namespace hf::dicom {

struct DicomFile::Data {
    DcmFileFormat file;
    DcmFileCache cache;
    std::optional<Fragments> fragments;     ///< Of encapsulated pixels, once a frame was asked for.
    Header header;
    std::uintmax_t fileBytes = 0;       ///< The largest number where that is not known.
    std::string decodedAs;                  ///< Photometric Interpretation that DCMTK's decoders go by now; empty before the first frame.
    std::optional<std::shared_ptr<const Shutter>> shutter;      ///< Once it was asked for.

    StoredFrame decodeNative(int frame);
    StoredFrame decodeWithDcmtk(int frame);
    std::vector<std::uint8_t> uncompressedFrame(int frame, StoredFrame& stored);
};

/// @throws Error as DicomFile.
Header parseHeader(DcmFileFormat& file, const std::filesystem::path& path, const std::string& transferSyntaxUid, bool needsPixels);

/// What makes SUV of the values of a PET image; header.modality is not looked at.
SuvScale suvScale(DcmItem& dataset);

/// The samples of a frame that lie plane by plane, as colour by pixel.
std::vector<std::uint8_t> byPixel(const StoredFrame& planes);

/// Decodes a JPEG 2000 or HTJ2K code stream (bare or in a JP2 box) with OpenJPEG; the sample size and sign are the header's.
/// Colour comes out as RGB, also from YBR_RCT and YBR_ICT; YBR_FULL stays.
/// @throws Error "broken" with the reason.  Thread-safe.
StoredFrame decodeJpeg2000(const std::vector<std::uint8_t>& stream, const PixelFormat& format);

/// Decodes a JPEG-LS code stream with CharLS, colour of all interleave modes to colour by pixel.
/// @throws Error "broken" with the reason.  Thread-safe.
StoredFrame decodeJpegLs(const std::vector<std::uint8_t>& stream, const PixelFormat& format);

} // namespace hf::dicom
