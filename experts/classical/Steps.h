#pragma once

#include "experts/classical/WorkGrid.h"

// Internal to hf_classical: one function per structure. Masks are on the work grid. Progress runs from 0 to 1 in each.
namespace hf::experts::classical {

/// The patient without couch and clothes: skin and all within, gas too.
Mask::Pointer findBody(const WorkGrid& grid, const Progress& progress);

/// Lumen of trachea and bronchi as far as they stand out from the lung; empty when no trachea is in the scan.
Mask::Pointer findAirways(const WorkGrid& grid, const Mask* body, const Progress& progress);

struct Lungs {
    Mask::Pointer left, right;
};
/// Aerated lung with its small vessels; gas of the bowel is not lung.
Lungs findLungs(const WorkGrid& grid, const Mask* body, const Mask* airways, const Progress& progress);

/// Contrast medium in vessels, heart and kidneys, where it is thicker than about a centimetre; much of it only in enhanced scans.
Mask::Pointer findContrastMedium(const WorkGrid& grid, const Mask* body);

/// Bones with their marrow.
Mask::Pointer findBones(const WorkGrid& grid, const Mask* body, const Progress& progress);

/// In slices that are thick beside their pixels the border of bones is looked at again, within the slice, voxel by voxel: there the sides of a
/// bone are cortex through and through, while its top and bottom are mixed with marrow too.
void trimThickSlices(const WorkGrid& voxels, Mask* bones);

/// What lies within the muscles of the wall: chest and belly. Fat inside is visceral, outside subcutaneous.
Mask::Pointer findInside(const WorkGrid& grid, const Mask* body, const Mask* bones, const Lungs& lungs, const Progress& progress);

} // namespace hf::experts::classical
