#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace hf::imaging {

/// What the header of a NIfTI or Analyze file says, before a library makes something of it.
struct NiftiHeader {
    bool isAnalyze = false;             ///< No NIfTI magic: nothing is known of sides.
    /// False for NIfTI-2, and for a compressed file beside an uncompressed one of the same name, which ITK's library reads in its place.
    bool isForItk = true;
    std::filesystem::path voxelFile;    ///< The file itself, or the .img of a pair.
    double voxelOffset = 0;             ///< Of the first voxel in that file, after decompression.
    double voxelBytes = 0;              ///< Of all voxels, as stored.
    int dataType = 0;
    bool isSwapped = false;             ///< Of the other byte order.
    bool isScaled = true;               ///< False for a slope of 0, or that is no number: then the intercept means nothing too.
    int qformCode = 0, sformCode = 0;
    std::array<double, 12> sform{};     ///< Three rows of four: index to RAS+ millimetres. Not for ITK: the qform's where only that has a code.
    double millimetres = 1;             ///< Of the unit that the file's lengths have.
    // What ITK reads by itself:
    std::vector<std::int64_t> sizes;    ///< Along each axis.
    std::array<double, 3> steps{1, 1, 1};   ///< Of the voxels, in millimetres.
    double slope = 1, intercept = 0;    ///< Where isScaled.
};

/// `path` is the file or either one of a pair. Empty when there is no such header.
/// @throws Error "broken" when a place or size of the header is no number.
std::optional<NiftiHeader> findNiftiHeader(const std::filesystem::path& path);

/// Which of the first `voxels` are no numbers: the NIfTI library reads such floats as 0 and does not tell.
std::size_t countNotFinite(const NiftiHeader& header, std::size_t voxels);

} // namespace hf::imaging
