#pragma once

#include <array>

namespace hf {

/// The qform of a NIfTI header (method 2 of nifti1.h): three rows of four, voxel index to RAS+ millimetres.
/// @param quaternion  b, c, d of a unit quaternion (the first number is what they leave to 1), then where the first voxel lies, mm.
/// @param stepsMm     distances of the voxels along i, j, k.
/// @param isMirrored  the first of the header's pixdim (qfac) is negative: k runs against the rotation.
std::array<double, 12> niftiQform(const std::array<double, 6>& quaternion, const std::array<double, 3>& stepsMm, bool isMirrored);

/// Millimetres of the unit of length that xyzt_units of a NIfTI header names; one that is not told is taken for millimetres.
double niftiMillimetres(int units);

} // namespace hf
