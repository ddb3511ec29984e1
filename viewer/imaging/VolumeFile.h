#pragma once

#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Volume.h"

#include <array>
#include <filesystem>
#include <optional>
#include <string>

namespace hf::imaging {

/// What the header of a NIfTI, NRRD or MetaImage file tells.
struct VolumeFileInfo {
    Size3 size;
    std::array<double, 3> spacingMm{1, 1, 1};
    int timePoints = 1;         ///< Length of a fourth dimension.
    bool color = false;
    std::string format;         ///< "NIfTI", "NRRD", "MetaImage".
    Plane plane = Plane::Axial; ///< Of slices of constant k.
};

/// Header alone, chosen by content and name. Empty when the file is none of these formats.
/// @throws Error when it is one and its header is broken.
std::optional<VolumeFileInfo> findVolumeFileInfo(const std::filesystem::path& path);

/// Does the name belong to one of these formats?
bool findVolumeFileInfoByName(const std::filesystem::path& path);

/// Reads NIfTI-1 and NIfTI-2 (.nii, .nii.gz, .hdr/.img), NRRD and MetaImage (.mha, .mhd). Keeps the index order and the place of the file: voxel
/// (i, j, k) is the file's. Scale and offset are applied. int16, uint8, uint16 and float32 stay; other types become int16 where every
/// value fits, else float32. Voxels that are not finite become 0, with a note. Of a 4D file the first volume is read, with a note.
/// Three or four bytes a voxel are colours; how opaque they are is left out, with a note ("no-opacity").
/// A NIfTI file lies by its sform where that has a code, else by its qform. Modality and unit are unknown (note "modality-unknown"),
/// and so are sides where the header does not tell them (note "unknown-sides"). seriesUid is "file-" and a hash of path, size and date.
/// @throws Error names what is wrong with the file ("broken", "unsupported", "not-found", "too-large").  Thread-safe.
Volume readVolumeFile(const std::filesystem::path& path);

/// Writes NIfTI-1 (.nii or .nii.gz by name): qform and sform (code 1, scanner) are exactly geometry.affineRas(); voxels in their own type
/// and order, colour as RGB24.  @throws Error when the file cannot be written.
void writeNifti(const Volume& volume, const std::filesystem::path& path);
/// The same for labels (uint8).
void writeNifti(const LabelMap& labels, const std::filesystem::path& path);

} // namespace hf::imaging
