#pragma once

#include "assistant/engine/VilaModel.h"
#include "experts/engine/neural/FolderExpert.h"
#include "experts/runs/ExpertRunner.h"

#include <exception>
#include <filesystem>
#include <string>

namespace hf::app {

/// Options of experts in folders, with what this user allowed: on the CPU, or as `compute` says.
experts::FolderOptions userOptions(experts::Compute compute = experts::Compute::fastest());

/// Experts that this build has, then those that the user installed: folders under $XDG_DATA_HOME/hounsfield/experts (~/.local/share) with their weights.
experts::ExpertRegistry makeRegistry(const experts::FolderOptions& options = userOptions());

/// Runs them with the consents and the cache of results of this user; $HOUNSFIELD_RESULT_CACHE is the cache's limit in bytes (512 MB).
experts::ExpertRunner makeRunner(experts::ExpertRegistry& registry);

/// The embedded demo model: beside the program (share/hounsfield/models/demo), or in the source tree while developing.
/// @throws Error "no-model" when it is nowhere.
std::filesystem::path demoModelFolder();

std::string engineVersion();

/// What a library says, in one line: LibTorch adds its call stack.
std::string firstLineOf(const std::exception& error);

} // namespace hf::app
