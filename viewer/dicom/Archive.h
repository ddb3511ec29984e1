#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>

// Internal to hf_dicom.
namespace hf::dicom {

/// True for a ZIP archive, by its first bytes.
bool looksLikeZip(const std::filesystem::path& path);

/// A private temporary folder; removed with its content when the last owner goes.
struct UnpackedArchive {
    std::filesystem::path folder;
    std::filesystem::path archive;      ///< Where it was unpacked from.
    ~UnpackedArchive();
};

/// Unpacks an archive. Names that would leave the folder are refused; more than 100 GB or 1,000,000 entries too.
/// @throws Error "archive" (broken, encrypted, too large); Cancelled.
std::shared_ptr<const UnpackedArchive> unpackZip(const std::filesystem::path& path, std::stop_token stop);

} // namespace hf::dicom
