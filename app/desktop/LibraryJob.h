#pragma once

#include "app/desktop/Headless.h"

#include <filesystem>

namespace hf::app {

/// Where the list of studies lies: the folder that was named, else the user's data folder.
std::filesystem::path libraryFolder(const QString& named);

/// `hounsfield --headless --import PATH [--copy]` and `--studies WORDS`. Interrupted imports are finished first.
/// @return exit code. @throws Error
int runLibraryJob(const HeadlessOptions& options);

} // namespace hf::app
