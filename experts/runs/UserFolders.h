#pragma once

#include <filesystem>

namespace hf::experts {

/// $XDG_DATA_HOME/hounsfield, or ~/.local/share/hounsfield: installed experts, what the user agreed to.
std::filesystem::path userDataFolder();
/// $XDG_CACHE_HOME/hounsfield, or ~/.cache/hounsfield: what can be computed again.
std::filesystem::path userCacheFolder();

} // namespace hf::experts
