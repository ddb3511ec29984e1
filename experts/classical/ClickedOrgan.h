#pragma once

#include "experts/engine/Expert.h"

namespace hf::experts {

/// An organ of even density in CT around clicks: liver, spleen, kidney, or another. By density and shape, no weights.
std::unique_ptr<Expert> makeClickedOrgan();

} // namespace hf::experts
