#pragma once

#include "viewer/dicom/Study.h"
#include "viewer/volume/Progress.h"

#include <filesystem>
#include <span>
#include <stop_token>

namespace hf::dicom {

/// Finds what can be shown in folders (with their subfolders), files, DICOMDIRs, ZIP archives, volume files (NIfTI, NRRD, MHA, MHD)
/// and pictures (PNG, JPEG). Looks at the content, never at the name: no extension and no preamble is needed. Reads headers only.
/// Nothing is written but the content of archives, into a private temporary folder that goes when the last Series of it goes.
/// @return Also with nothing but rejected files; a broken file is listed with its reason and never ends the scan.
/// @throws Error      a path does not exist or cannot be read ("not-found").
/// @throws Cancelled  `stop` was requested.
/// Thread-safe. Sources: PS3.10 7.1 (file meta), PS3.3 F (DICOMDIR).
ScanResult scan(std::span<const std::filesystem::path> paths, const Progress& progress = {}, std::stop_token stop = {});

/// What has to be opened to have one of the files of a series again: the file, or the ZIP archive that a scan unpacked it from.
std::filesystem::path sourceOf(const Series& series, const std::filesystem::path& file);

/// A file of a series as a reader is told: its path, or its place in the archive that it was unpacked from.
std::filesystem::path shownPathOf(const Series& series, const std::filesystem::path& file);

} // namespace hf::dicom
