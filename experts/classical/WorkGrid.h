#pragma once

#include "viewer/volume/Progress.h"
#include "viewer/volume/Volume.h"

#include <itkImage.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <stop_token>
#include <vector>

// Internal to hf_classical: the grid on which shapes are found, and what ITK does on it.
namespace hf::experts::classical {

using HuImage = itk::Image<std::int16_t, 3>;
using Mask = itk::Image<std::uint8_t, 3>;
using Labels = itk::Image<std::uint32_t, 3>;
using Distances = itk::Image<float, 3>;

/// A scan as blocks of voxels of about 2 mm: means of HU, index axes those of the volume.
struct WorkGrid {
    HuImage::Pointer hu;
    std::array<int, 3> factor{1, 1, 1};     ///< voxels a block
    std::array<int, 3> size{};
    std::array<double, 3> spacingMm{};
    int axial = 2;                          ///< Axis across axial slices.
    bool cranialIsHigh = true;              ///< Index grows towards the head along `axial`.
    int sideways = 0;                       ///< Axis along left-right.
    bool leftIsHigh = true;                 ///< Index grows towards the patient's left along `sideways`.
    std::stop_token stop;

    std::size_t voxels() const { return std::size_t(size[0]) * std::size_t(size[1]) * std::size_t(size[2]); }
    double voxelMm3() const { return spacingMm[0] * spacingMm[1] * spacingMm[2]; }
    double coarsestMm() const { return std::max({spacingMm[0], spacingMm[1], spacingMm[2]}); }
    std::size_t stride(int axis) const { return axis == 0 ? 1 : axis == 1 ? std::size_t(size[0]) : std::size_t(size[0]) * std::size_t(size[1]); }
    int indexAlong(std::size_t voxel, int axis) const { return int(voxel / stride(axis)) % size[std::size_t(axis)]; }
    const std::int16_t* values() const { return hu->GetBufferPointer(); }
};

/// Calls `visit(other)` for the up to six voxels that share a face with `voxel`.
template <typename Visit> void forFaceNeighbours(const WorkGrid& grid, std::size_t voxel, Visit&& visit)
{
    for (int axis = 0; axis < 3; ++axis) {
        const int index = grid.indexAlong(voxel, axis);
        if (index > 0) visit(voxel - grid.stride(axis));
        if (index + 1 < grid.size[std::size_t(axis)]) visit(voxel + grid.stride(axis));
    }
}

/// Calls `visit(other, sharesFace)` for the up to 26 voxels around `voxel`.
template <typename Visit> void forNeighbours(const WorkGrid& grid, std::size_t voxel, Visit&& visit)
{
    const std::array<int, 3> at{grid.indexAlong(voxel, 0), grid.indexAlong(voxel, 1), grid.indexAlong(voxel, 2)};
    for (int direction = 0; direction < 27; ++direction) {
        const std::array<int, 3> step{direction % 3 - 1, direction / 3 % 3 - 1, direction / 9 - 1};
        bool inside = direction != 13;
        std::ptrdiff_t other = std::ptrdiff_t(voxel);
        for (std::size_t axis = 0; axis < 3; ++axis) {
            const int place = at[axis] + step[axis];
            inside = inside && place >= 0 && place < grid.size[axis];
            other += step[axis] * std::ptrdiff_t(grid.stride(int(axis)));
        }
        if (inside) {
            visit(std::size_t(other), std::abs(step[0]) + std::abs(step[1]) + std::abs(step[2]) == 1);
        }
    }
}

/// @throws Cancelled.
WorkGrid makeWorkGrid(const Volume& volume, double targetMm, std::stop_token stop);

/// The sum over a box of 2 * radius + 1 blocks along each axis; beyond the border there is nothing. @throws Cancelled.
void sumInBox(const WorkGrid& grid, std::vector<float>& values, const std::array<int, 3>& radius);
/// The grid with each block the mean of 3 x 3 x 3.
WorkGrid smoothed(const WorkGrid& grid);

/// An empty image on the grid.
Mask::Pointer makeMask(const WorkGrid& grid);
/// Calls `work` for 0 to count - 1, on several threads, in any order. @throws Cancelled.
void inParallel(std::size_t count, const std::stop_token& stop, const std::function<void(std::size_t)>& work);
/// The voxels for which `test` holds; `test` runs on several threads. @throws Cancelled.
Mask::Pointer maskWhere(const WorkGrid& grid, const std::function<bool(std::size_t)>& test);
/// The same as a list in ascending order.
std::vector<std::size_t> whereParallel(const WorkGrid& grid, const std::function<bool(std::size_t)>& test, const Progress& progress);
std::size_t countSet(const Mask* mask, const WorkGrid& grid);
double millilitresOf(const Mask* mask, const WorkGrid& grid);

/// Voxels [begin, end) an axis.
struct Box {
    std::array<int, 3> begin{}, end{};
};
/// The box around the set voxels, `margin` voxels more on each side, within the grid; empty when nothing is set.
Box boxAround(const Mask* mask, const WorkGrid& grid, const std::array<int, 3>& margin = {});

/// Distance in mm to the nearest set voxel of the box; 0 inside. Far (1e6) where it is more than `mostMm`, outside the box, and everywhere when nothing is set.
/// The less is asked for, the quicker.
Distances::Pointer distanceTo(const Mask* mask, const WorkGrid& grid, double mostMm = 1e5);
Distances::Pointer distanceTo(const Mask* mask, const WorkGrid& grid, double mostMm, const Box& box);
Mask::Pointer dilated(const Mask* mask, double mm, const WorkGrid& grid);
Mask::Pointer eroded(const Mask* mask, double mm, const WorkGrid& grid);
Mask::Pointer closed(const Mask* mask, double mm, const WorkGrid& grid);

/// Face-connected components, the largest is 1. `sizes[n]` are voxels of component n (sizes[0] is 0).
struct Components {
    Labels::Pointer labels;
    std::vector<std::size_t> sizes;
};
Components components(const Mask* mask, const WorkGrid& grid);

/// A connected region of one slice.
struct Region {
    std::vector<std::size_t> voxels;
    bool touchesBorder = false;
};
/// Regions of voxels where `inside` holds, in the slice `index` along `axis`.
std::vector<Region> regionsOfSlice(const WorkGrid& grid, int axis, int index, const std::function<bool(std::size_t)>& inside);

/// Sets holes of each slice along `axis` that do not touch its border and pass `accept`, which runs on several threads.
void fillSlices(Mask* mask, const WorkGrid& grid, int axis, const std::function<bool(const Region&)>& accept);

/// Median HU of some voxels; 0 without any.
double medianHu(const WorkGrid& grid, const std::vector<std::size_t>& voxels);

} // namespace hf::experts::classical
