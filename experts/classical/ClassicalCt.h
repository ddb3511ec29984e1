#pragma once

#include "experts/engine/Expert.h"

namespace hf::experts {

/// Lungs, airways, bones, body, fat and muscle of CT scans by density and shape; no weights. Shapes are found on blocks of about 2 mm
/// with ITK (connected components, distance maps), borders on the scan's own voxels. Masks have the scan's geometry.
std::unique_ptr<Expert> makeClassicalCt();

} // namespace hf::experts
