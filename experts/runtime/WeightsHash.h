#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hf::runtime {

/// sha256OfFiles(), but large files that are known by place, size, and time of change are not read again: their hash is kept in
/// $XDG_CACHE_HOME/hounsfield/weights.json (~/.cache without it). What cannot be kept is computed each time; that is no error.
/// @throws Error naming a file that cannot be read.
std::string sha256OfWeights(const std::vector<std::filesystem::path>& files);

} // namespace hf::runtime
