#include "app/engine/Engine.h"

#include "experts/engine/neural/FolderExpert.h"
#include "experts/runs/UserFolders.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#ifdef HF_WITH_CLASSICAL
#include "experts/classical/ClassicalCt.h"
#include "experts/classical/ClickedOrgan.h"
#include "experts/classical/GreatVessels.h"
#include "experts/classical/HeadCt.h"
#include "experts/classical/RadiographLungs.h"
#endif

namespace hf::app {

namespace fs = std::filesystem;

namespace {

fs::path installedExpertsFolder() { return experts::userDataFolder() / "experts"; }

/// A folder that is no good is named on stderr and left out; so is one without its weights, which the model must not be told of.
void addInstalledExperts(experts::ExpertRegistry& registry, const experts::FolderOptions& options)
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
            auto expert = std::make_unique<experts::FolderExpert>(folder, options);
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

experts::FolderOptions userOptions(experts::Compute compute)
{
    experts::FolderOptions options{compute};
    options.isScriptAllowed = [](const std::string& sha256) { return experts::Consents::ofUser().allowsScript(sha256); };
    return options;
}

experts::ExpertRegistry makeRegistry(const experts::FolderOptions& options)
{
    experts::ExpertRegistry registry;
#ifdef HF_WITH_CLASSICAL
    registry.add(experts::makeClassicalCt());
    registry.add(experts::makeClickedOrgan());
    registry.add(experts::makeGreatVessels());
    registry.add(experts::makeHeadCt());
    registry.add(experts::makeRadiographLungs());
#endif
    addInstalledExperts(registry, options);
    return registry;
}

experts::ExpertRunner makeRunner(experts::ExpertRegistry& registry)
{
    const char* limit = std::getenv("HOUNSFIELD_RESULT_CACHE");
    constexpr std::uintmax_t kMostBytes = 512U << 20;
    return {registry, experts::Consents::ofUser(), experts::ResultCache(experts::userCacheFolder() / "results", limit && *limit ? std::strtoull(limit, nullptr, 10) : kMostBytes)};
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

std::string firstLineOf(const std::exception& error)
{
    const std::string text = error.what();
    return text.substr(0, text.find('\n'));
}

} // namespace hf::app
