#pragma once

#include "experts/engine/Expert.h"

namespace hf::experts {

/// Brain and ventricles of head CT, by density and shape; no weights.
std::unique_ptr<Expert> makeHeadCt();

} // namespace hf::experts
