#pragma once

#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Volume.h"

#include <filesystem>
#include <string>

namespace hf::app {

/// A volume from a JSON header beside its raw voxels (as volume/open of assistant/PROTOCOL.md; a relative path is beside the header), or from
/// a NIfTI-1 or NIfTI-2 file (.nii, .nii.gz) of one grey volume.
/// @param modality  DICOM modality of a NIfTI file, which does not say it; a header's own goes first.
/// @param bitsStored  of a radiograph: how many bits its file holds; 0: not known.
/// @throws Error "broken" naming the file and what is wrong; "file" when it cannot be read.
Volume readVolumeFile(const std::filesystem::path& file, const std::string& modality = {}, int bitsStored = 0);

/// The file of raw voxels that a JSON header names, beside it if relative; empty if it names none or is no header.
std::filesystem::path voxelsOfHeader(const std::filesystem::path& header);

/// A radiograph as the public sets hold them: a PNG or JPEG file, of colours the red one, 0 to 255 as the file's 8 bits. A picture has no scale: its pixels are
/// taken for 1 mm. @throws Error "file", "picture" (readPictureFile).
Volume readPictureVolume(const std::filesystem::path& file, const std::string& modality);

/// Whether a file's name ends in .png, .jpg or .jpeg, whatever the case.
bool isPictureFile(const std::filesystem::path& file);

/// Labels as a NIfTI-1 file of uint8 with sform and qform, compressed when the name ends in .gz. Written beside and renamed.
/// @throws Error "write".
void writeNifti(const std::filesystem::path& file, const LabelMap& mask);

} // namespace hf::app
