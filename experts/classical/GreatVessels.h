#pragma once

#include "experts/engine/Expert.h"

namespace hf::experts {

/// Aorta and other great vessels of CT with contrast medium, by density and shape; no weights.
std::unique_ptr<Expert> makeGreatVessels();

} // namespace hf::experts
