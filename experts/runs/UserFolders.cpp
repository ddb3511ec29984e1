#include "experts/runs/UserFolders.h"

#include <cstdlib>

namespace hf::experts {

namespace {

std::filesystem::path folderOf(const char* variable, const char* underHome)
{
    const char* set = std::getenv(variable);
    const char* home = std::getenv("HOME");
    return (set && *set ? std::filesystem::path(set) : std::filesystem::path(home ? home : "/") / underHome) / "hounsfield";
}

} // namespace

std::filesystem::path userDataFolder() { return folderOf("XDG_DATA_HOME", ".local/share"); }
std::filesystem::path userCacheFolder() { return folderOf("XDG_CACHE_HOME", ".cache"); }

} // namespace hf::experts
