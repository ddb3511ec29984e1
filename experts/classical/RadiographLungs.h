#pragma once

#include "experts/engine/Expert.h"

namespace hf::experts {

/// The two lung fields of a frontal chest radiograph, by brightness and shape; no weights.
std::unique_ptr<Expert> makeRadiographLungs();

} // namespace hf::experts
