#pragma once

#include "assistant/engine/VilaModel.h"
#include "experts/engine/Expert.h"

#include <filesystem>
#include <string>

namespace hf::app {

/// Experts that this build has, then those that the user installed: folders under $XDG_DATA_HOME/hounsfield/experts (~/.local/share) with their weights.
experts::ExpertRegistry makeRegistry();

/// The embedded demo model: beside the program (share/hounsfield/models/demo), or in the source tree while developing.
/// @throws Error "no-model" when it is nowhere.
std::filesystem::path demoModelFolder();

std::string engineVersion();

} // namespace hf::app
