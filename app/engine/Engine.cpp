#include "app/engine/Engine.h"

#include "experts/engine/neural/FolderExpert.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#ifdef HF_WITH_CLASSICAL
#include "experts/classical/ClassicalCt.h"
#endif

namespace hf::app {

namespace fs = std::filesystem;

namespace {

/// $XDG_DATA_HOME/hounsfield/experts, or its default under the home folder.
fs::path installedExpertsFolder()
{
    const char* data = std::getenv("XDG_DATA_HOME");
    const char* home = std::getenv("HOME");
    return data && *data ? fs::path(data) / "hounsfield/experts" : fs::path(home ? home : "/") / ".local/share/hounsfield/experts";
}

/// A folder that is no good is named on stderr and left out; so is one without its weights, which the model must not be told of.
void addInstalledExperts(experts::ExpertRegistry& registry)
{
    std::error_code error;
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(installedExpertsFolder(), error)) {
        if (fs::exists(entry.path() / "expert.json", error)) {
            folders.push_back(entry.path());
        }
    }
    std::sort(folders.begin(), folders.end());
    for (const fs::path& folder : folders) {
        try {
            auto expert = std::make_unique<experts::FolderExpert>(folder);
            const std::string missing = expert->missingWeights();
            if (!missing.empty() || registry.find(expert->card().name)) {
                throw Error(missing.empty() ? "there is an expert of this name already" : missing + " is not there", "weights");
            }
            registry.add(std::move(expert));
        } catch (const Error& refused) {
            std::fprintf(stderr, "expert in %s left out: %s\n", folder.c_str(), refused.what());
        }
    }
}

} // namespace

experts::ExpertRegistry makeRegistry()
{
    experts::ExpertRegistry registry;
#ifdef HF_WITH_CLASSICAL
    registry.add(experts::makeClassicalCt());
#endif
    addInstalledExperts(registry);
    return registry;
}

fs::path demoModelFolder()
{
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    for (const fs::path& folder : {program.parent_path().parent_path() / "share/hounsfield/models/demo", fs::path(HF_SOURCE_MODELS) / "demo"}) {
        if (fs::exists(folder / "config.json", error)) {
            return folder;
        }
    }
    throw Error("the embedded demo model was not found; give a model folder with --model", "no-model");
}

std::string engineVersion() { return HF_VERSION; }

} // namespace hf::app
