#pragma once

#include "viewer/volume/Progress.h"
#include "viewer/volume/Volume.h"

#include <stop_token>

namespace hf::imaging {

/// A volume brought onto another's grid by a rigid motion.
struct Registered {
    Volume volume;              ///< Values of the moving volume at the fixed one's voxels, linear; float32; the least value outside.
    double shiftMm = 0;         ///< Length of the motion of the fixed volume's centre.
    double angleDeg = 0;
};

/// Finds the motion that gives two volumes of one head (of any contrast) the most mutual information, from where the scanner says that they lie.
/// The same input gives the same result. @throws Error "registration" when they do not overlap; Cancelled.
/// Source: Mattes et al. 2003, as in ITK.
Registered registerRigid(const Volume& fixed, const Volume& moving, const Progress& progress, std::stop_token stop);

/// The same grid already: `moving` itself. Else registerRigid().
Volume onGridOf(const Volume& fixed, const Volume& moving, const Progress& progress, std::stop_token stop);

} // namespace hf::imaging
