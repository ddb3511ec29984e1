#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace hf::runtime {

/// SHA-256 in lower-case hexadecimal.
std::string sha256Of(std::span<const std::byte> bytes);
std::string sha256Of(const std::string& text);
/// Of the files' bytes one after the other. @throws Error naming a file that cannot be read.
std::string sha256OfFiles(const std::vector<std::filesystem::path>& files);

} // namespace hf::runtime
