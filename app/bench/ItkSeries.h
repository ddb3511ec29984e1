#pragma once

#include <filesystem>

namespace hf::bench {

/// Reads the first series of a folder with ITK's series reader and GDCM, as a peer would. @return number of voxels.
/// @throws std::exception
std::size_t readWithItk(const std::filesystem::path& folder);

} // namespace hf::bench
