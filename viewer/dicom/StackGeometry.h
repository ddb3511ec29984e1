#pragma once

#include "viewer/volume/Geometry.h"
#include "viewer/volume/Volume.h"

#include <array>
#include <string>
#include <vector>

// Internal to hf_dicom: how parallel slices lie, from their positions alone.
namespace hf::dicom {

/// Where the slices of a stack go on a straight, even grid.
struct StackPlan {
    /// Slices kept, in order along the normal: index into the list that was planned.
    std::vector<std::size_t> order;
    /// Place of each kept slice along the normal, mm from the first.
    std::vector<double> placesMm;
    double spacingMm = 1;       ///< Of the even grid.
    int slices = 1;             ///< Of the even grid.
    bool isEven = true;         ///< Grid slice n is kept slice n: nothing is interpolated along the normal.
    /// In-plane shift of each kept slice against the first, mm along row and column direction; empty when they lie straight.
    std::vector<std::array<double, 2>> shiftsMm;
    double tiltDeg = 0;
    std::vector<Note> notes;
    int hidden = 0;                         ///< Images that the even grid hardly shows.
    bool isDescending = false;              ///< Slices follow each other against the normal: images in an order of their own.

    /// The grid's slices are the kept ones as stored: nothing is interpolated, neither along the normal nor in the plane.
    bool isStraight() const { return isEven && shiftsMm.empty(); }
};

/// @param positions  centres of the first voxels, as stored. @param axes  unit vectors of growing column and row index.
/// @param fallbackMm slice distance for a single slice.
StackPlan planStack(const std::vector<PointLps>& positions, const std::array<Vec3, 2>& axes, double fallbackMm);

} // namespace hf::dicom
