#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>

namespace hf::imaging {

/// What the 348 bytes of a NIfTI-1 or Analyze header say, before a library makes something of it.
struct NiftiHeader {
    bool isAnalyze = false;             ///< No NIfTI magic: nothing is known of sides.
    std::filesystem::path voxelFile;    ///< The file itself, or the .img of a pair.
    double voxelOffset = 0;             ///< Of the first voxel in that file, after decompression.
    double voxelBytes = 0;              ///< Of all voxels, as stored.
    int dataType = 0;
    bool isSwapped = false;             ///< Of the other byte order.
    bool isScaled = true;               ///< False for a slope of 0, or that is no number: then the intercept means nothing too.
    int qformCode = 0, sformCode = 0;
    std::array<double, 12> sform{};     ///< Three rows of four: index to RAS+ millimetres.
    double millimetres = 1;             ///< Of the unit that the file's lengths have.
};

/// `path` is the file or either one of a pair. Empty when there is no such header (NIfTI-2, or something else).
/// @throws Error "broken" when a place or size of the header is no number.
std::optional<NiftiHeader> findNiftiHeader(const std::filesystem::path& path);

/// Which of the first `voxels` are no numbers: the NIfTI library reads such floats as 0 and does not tell.
std::size_t countNotFinite(const NiftiHeader& header, std::size_t voxels);

} // namespace hf::imaging
