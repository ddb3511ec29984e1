#pragma once

#include "viewer/imaging/StoredVoxels.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace hf::imaging {

/// In small letters, ASCII.
std::string lower(std::string text);

/// The lines of an NRRD or MetaImage header.
struct TextHeader {
    std::map<std::string, std::string> fields;  ///< Names in small letters without spaces: "spaceorigin", "elementdatafile".
    double bytes = 0;                           ///< Length up to the first byte of voxels, where they follow.
    std::size_t longestField = 0;               ///< The longest line of a field, in bytes; comments and free texts aside.

    /// Empty when there is no such field.
    std::string field(const std::string& name) const;
};

TextHeader readNrrdHeader(const std::filesystem::path& path);
TextHeader readMetaHeader(const std::filesystem::path& path);

/// Empty where the voxels are spread over many files.
std::optional<StoredVoxels> findNrrdVoxels(const TextHeader& header, const std::filesystem::path& path);
std::optional<StoredVoxels> findMetaVoxels(const TextHeader& header, const std::filesystem::path& path);

} // namespace hf::imaging
