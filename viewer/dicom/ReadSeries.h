#pragma once

#include "viewer/dicom/Study.h"
#include "viewer/volume/Picture.h"
#include "viewer/volume/Progress.h"
#include "viewer/volume/Volume.h"

#include <stop_token>

namespace hf::dicom {

/// Reads one series into a volume.
/// @return Values after the modality rescale (HU for CT, SUV by body weight for PET whose header allows it): int16, uint16 or uint8
///         where they fit exactly, else float32; padding and MONOCHROME1 stay as they are (info().padding, info().isInverted);
///         colour images carry RGB. Voxel (i, j, k) = (column, row, slice); slices lie in order along the normal (row direction x
///         column direction), k grows along it. Images without a position are slices in their order.
///         What a reader must know is in info().notes, by code:
///         "tilt" (gantry tilt, resampled to a straight grid), "shifted-slices" (the same, without a tilt), "split" (part of a series), "non-uniform-spacing" (resampled to equal distances), "missing-slices"
///         (left open places filled by interpolation), "duplicate-slices" (left out), "no-spacing" (1 mm assumed), "imager-spacing"
///         (measured at the detector, not in the patient), "no-geometry", "monochrome1" (low values are bright), "padding", "lossy",
///         "modality-lut", "suv", "no-suv" (says what the header lacks), "dose" (Gy), "presentation" (Series::presentations; applied by who shows the volume), "rounded", "overlays-hidden", "partial" (images that cannot be decoded were left out), "modality-unknown", "frames" (slices are frames),
///         "undescribed-frames" (of an enhanced file that describes fewer frames than it has; left out),
///         "frames-of-reference" (each image names another one; taken for one).
/// @throws Error      nothing can be decoded: the reason in one line, "unsupported" with the name of the transfer syntax,
///                    "broken" for damaged files, "too-large" when the volume needs more memory than there is.
/// @throws Cancelled  `stop` was requested; nothing is kept.
/// Thread-safe. Sources: DICOM PS3.3 C.7.6.2 (image plane), C.7.6.16 (functional groups), C.11.1 (modality LUT), C.7.6.3 (pixels).
Volume readSeries(const Series& series, const Progress& progress = {}, std::stop_token stop = {});

/// What only decoding tells.
struct Inspection {
    std::vector<Note> notes;            ///< As readSeries would give them.
    std::vector<Rejected> rejected;     ///< Images that cannot be decoded, by file and reason; frames of one file are one entry.
    bool isReadable = false;            ///< Some image can be shown.
};

/// Decodes every image of a series once and keeps none. Takes about as long as reading it, without its memory.
/// @throws Cancelled  `stop` was requested.  Thread-safe.
Inspection inspect(const Series& series, const Progress& progress = {}, std::stop_token stop = {});

/// The middle image of a series, in its own window and upright proportions, fitted into size x size pixels. Decodes one image.
/// @throws Error when it cannot be decoded.  @throws Cancelled.  Thread-safe.
Picture thumbnail(const Series& series, int size, std::stop_token stop = {});

} // namespace hf::dicom
