#pragma once

#include "viewer/volume/LabelMap.h"

#include <string>
#include <vector>

namespace hf::experts {

/// A connected part of a label (26 neighbours).
struct Component {
    LabelId label = 0;
    std::size_t voxels = 0;
    double volumeMl = 0;
    PointLps centroid;              ///< Mean of the voxel centres.
    Index3 first;                   ///< Its first voxel in memory order.
};

/// Components of every label, labels ascending, larger ones first, equal ones in memory order.
/// @param numbers  when given: for each voxel the index of its component in the result, or -1 for background.
std::vector<Component> findComponents(const LabelMap& map, std::vector<std::int32_t>* numbers = nullptr);

/// What is measured of one label; all by code from mask and volume, nothing by a model.
struct MaskFacts {
    LabelFacts basic;               ///< Volume, value statistics, centroid.
    double surfaceMm2 = 0;          ///< By Crofton's formula over 13 directions: within 4 % of the area of a smooth body that was cut into voxels.
    double diameterMm = 0;          ///< Largest distance of two voxel centres of the label.
    double axialDiameterMm = 0;     ///< The same within one axial slice, whatever way the series was acquired.
    int axialSlice = -1;            ///< The index of that slice along Geometry::axisAcross(Plane::Axial); the first of several.
    std::vector<Component> components;
};

/// One entry per label of `map`, in its order. @throws Error when the grids differ.
std::vector<MaskFacts> measureMask(const LabelMap& map, const Volume& volume);

/// A table: one line a label, then one line a component. Fields are quoted as RFC 4180 asks.
std::string factsAsCsv(const LabelMap& map, const std::vector<MaskFacts>& facts);

} // namespace hf::experts
