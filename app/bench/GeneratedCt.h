#pragma once

#include <filesystem>
#include <string>

namespace hf::bench {

/// A CT series as scanners write it: one object a slice, 12 bits stored in 16, HU by an intercept of -1024. The pictures are slices of the
/// synthetic trunk with quantum noise; 24 different ones take turns, so that an encoder is not what takes the time.
struct GeneratedCt {
    int size = 512;             ///< Rows and columns.
    int slices = 512;
    std::string encoding;       ///< "raw" (explicit little endian), "jpegls" (lossless), "j2k" (lossless).
    double rawBytes() const { return double(size) * size * slices * 2; }
};

/// @throws Error when a file cannot be written or an encoding is not known.
void writeGeneratedCt(const GeneratedCt& series, const std::filesystem::path& folder);

} // namespace hf::bench
