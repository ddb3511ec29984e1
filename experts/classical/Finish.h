#pragma once

#include "experts/classical/WorkGrid.h"
#include "experts/engine/Expert.h"

// Internal to hf_classical: what every expert does first and last.
namespace hf::experts::classical {

/// Empty for a CT in Hounsfield units of at least 16 x 16 x 3 voxels.
std::optional<Refusal> refuseUnlessCt(const ExpertCard& card, const Volume& volume);

/// The label map of a run, with its provenance.
LabelMap maskOf(const ExpertCard& card, const ExpertRequest& request, std::vector<LabelId> voxels, std::vector<Label> labels);

/// Blocks to voxels: sets `label` where the voxel's block (or, where blocks are larger than voxels, one that shares a face with it) is set, and its own value lies
/// in [low, high]; voxels that have a label keep it.
void paint(const Volume& volume, const WorkGrid& grid, const Mask* mask, double low, double high, LabelId label, std::vector<LabelId>& voxels);

/// The block that holds a place; empty outside.
std::optional<std::size_t> blockAt(const Volume& volume, const WorkGrid& grid, PointLps place);

} // namespace hf::experts::classical
