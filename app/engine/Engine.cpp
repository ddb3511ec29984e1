#include "app/engine/Engine.h"

#include "viewer/volume/Error.h"

#ifdef HF_WITH_CLASSICAL
#include "experts/classical/ClassicalCt.h"
#endif

namespace hf::app {

namespace fs = std::filesystem;

experts::ExpertRegistry makeRegistry()
{
    experts::ExpertRegistry registry;
#ifdef HF_WITH_CLASSICAL
    registry.add(experts::makeClassicalCt());
#endif
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
