#include "app/engine/Arguments.h"
#include "app/engine/Commands.h"
#include "app/engine/Engine.h"
#include "app/engine/ModelArguments.h"
#include "app/engine/Wire.h"
#include "experts/engine/neural/BundleImport.h"
#include "experts/runs/UserFolders.h"

#include <cstdio>

namespace hf::app {

namespace fs = std::filesystem;
using namespace hf::experts;

namespace {

void printExpert(const Expert& expert, const Consents& consents)
{
    const ExpertCard& card = expert.card();
    const std::string weights = expert.weightsHash();
    std::printf("%s %s  %s, %s\n  weights: %s%s\n", card.name.c_str(), card.version.c_str(), card.modality.c_str(), card.task.c_str(), weights.empty() ? "none" : card.licence.c_str(),
        card.isResearchOnly ? " (research only)" : "");
    if (!weights.empty()) {
        std::printf("  sha256: %s\n  licence: %s\n", weights.c_str(), consents.hasAccepted(expert) ? "accepted" : "not accepted yet");
    }
    if (!card.intendedUse.empty()) {
        std::printf("  intended use: %s\n", card.intendedUse.c_str());
    }
}

int list()
{
    const ExpertRegistry registry = makeRegistry();
    for (const auto& expert : registry.experts()) {
        printExpert(*expert, Consents::ofUser());
    }
    return 0;
}

int accept(const std::string& name)
{
    ExpertRegistry registry = makeRegistry();
    if (fs::exists(fs::path(name) / "expert.json")) {
        registry = {};
        registry.add(std::make_unique<FolderExpert>(fs::path(name), userOptions()));
    }
    const Expert* expert = fs::exists(fs::path(name) / "expert.json") ? registry.experts().front().get() : registry.find(name);
    if (!expert) {
        throw Error("there is no expert '" + name + "', and no folder of this name with an expert.json", "no-expert");
    }
    Consents::ofUser().accept(*expert);
    printExpert(*expert, Consents::ofUser());
    return 0;
}

int allow(const fs::path& folder)
{
    const FolderExpert expert(folder);
    if (expert.manifest().engine != ExpertManifest::Engine::TorchScript) {
        throw Error(expert.card().name + " holds no TorchScript: there is nothing to allow", "arguments");
    }
    Consents::ofUser().allowScript(expert.weightsHash(), folder);
    std::printf("%s may run %s (sha256 %s)\n", expert.card().name.c_str(), expert.manifest().weights.file.c_str(), expert.weightsHash().c_str());
    return 0;
}

int import(const fs::path& bundle, const Arguments& arguments)
{
    const fs::path made = importBundle(bundle, arguments.has("--to") ? fs::path(arguments.value("--to")) : userDataFolder() / "experts", arguments.value("--modality"));
    const FolderExpert expert(made);
    std::printf("%s %s is now in %s\nWeights: %s\n", expert.card().name.c_str(), expert.card().version.c_str(), made.c_str(), expert.card().licence.c_str());
    if (expert.manifest().engine == ExpertManifest::Engine::TorchScript) {
        std::printf("Its network is TorchScript, which is code. When you trust it: hounsfield-engine models allow %s\n", made.c_str());
    }
    return 0;
}

} // namespace

int modelsCommand(std::span<const std::string> words)
{
    std::set<std::string> options{"--to"};
    options.merge(modelOptions());
    options.insert("--modality");
    const Arguments arguments(words, options, {});
    const std::vector<std::string>& plain = arguments.plain();
    if (plain.empty()) {
        std::printf("%s\n", toJson(loadModel(arguments)->info()).dump(2).c_str());
        return 0;
    }
    if (plain.size() == 1 && plain[0] == "list") {
        return list();
    }
    if (plain.size() != 2 || (plain[0] != "accept" && plain[0] != "allow" && plain[0] != "import")) {
        throw Error("models takes nothing, list, accept NAME or FOLDER, allow FOLDER, or import FOLDER", "usage");
    }
    return plain[0] == "accept" ? accept(plain[1]) : plain[0] == "allow" ? allow(plain[1]) : import(plain[1], arguments);
}

} // namespace hf::app
