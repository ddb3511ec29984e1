#pragma once

#include <filesystem>

namespace hf::imaging {

/// Where the voxels of a file lie and how they are packed.
struct StoredVoxels {
    enum class Packing { None, Deflate, Text, Unknown };
    std::filesystem::path file;
    double offset = 0;      ///< Of the first byte in the file.
    double skipped = 0;     ///< Bytes before the first voxel, after unpacking.
    Packing packing = Packing::None;
};

/// Can the file hold so many bytes of voxels? Quick: from its length alone, so that nothing is allocated for a header that lies.
/// @throws Error "broken" when it cannot.
void checkLength(const StoredVoxels& stored, double bytes);

/// Unpacks deflated voxels without keeping them, as libraries read what is missing as zeros. Nothing for other packings.
/// @throws Error "broken" when the stream is damaged or ends early.
void checkStream(const StoredVoxels& stored, double bytes);

} // namespace hf::imaging
