#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

// Internal to hf_dicom.
namespace hf::dicom {

/// True for a ZIP archive, by its first bytes.
bool looksLikeZip(const std::filesystem::path& path);

/// A private temporary folder; removed with its content when the last owner goes. Files of one folder of the archive lie in one folder and keep
/// their names, by which headers find their voxels.
struct UnpackedArchive {
    std::filesystem::path folder;
    std::filesystem::path archive;      ///< The file that it was unpacked from; of an archive in an archive the outermost.
    std::filesystem::path shown;        ///< The same with the places of archives in archives, as a reader is told.
    std::vector<std::string> folders;   ///< Names of its folders, by the number of theirs in `folder`.
    ~UnpackedArchive();
    bool holds(const std::filesystem::path& file) const { return file.parent_path().parent_path() == folder; }
    /// Where a file of `folder` lies in the archive.
    std::filesystem::path placeOf(const std::filesystem::path& file) const;
};

/// What Series::storage points to: all archives that files of the series lie in.
using UnpackedArchives = std::vector<std::shared_ptr<const UnpackedArchive>>;

/// Unpacks an archive. More than 100 GB or 1,000,000 entries are refused.
/// @param outer  the archive that it lies in; null without.
/// @throws Error "archive" (broken, encrypted, too large); Cancelled.
std::shared_ptr<const UnpackedArchive> unpackZip(const std::filesystem::path& path, const UnpackedArchive* outer, std::stop_token stop);

} // namespace hf::dicom
