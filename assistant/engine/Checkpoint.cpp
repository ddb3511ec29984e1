#include "assistant/engine/VilaNetworks.h"

#include "experts/runtime/Safetensors.h"
#include "experts/runtime/Sha256.h"
#include "viewer/volume/Error.h"

#include <sstream>

namespace hf::assistant {

namespace fs = std::filesystem;

namespace {

std::string shapeText(at::IntArrayRef shape)
{
    std::ostringstream text;
    text << shape;
    return text.str();
}

/// Puts the file's tensors in the place of a module's parameters, without a copy where type and shape allow it.
void fill(torch::nn::Module& module, const fs::path& folder, std::optional<torch::ScalarType> type)
{
    const runtime::TensorMap tensors = runtime::readSafetensors(folder);
    std::string missing;
    torch::NoGradGuard noGrad;
    for (auto& parameter : module.named_parameters()) {
        const auto found = tensors.find(parameter.key());
        if (found == tensors.end()) {
            missing += (missing.empty() ? "" : ", ") + parameter.key();
            continue;
        }
        const at::Tensor& tensor = found->second;
        if (tensor.sizes() != parameter.value().sizes()) {
            throw Error(folder.string() + ": tensor " + parameter.key() + " should have the shape " + shapeText(parameter.value().sizes()) +
                ", the file has " + shapeText(tensor.sizes()), "checkpoint");
        }
        if (!tensor.is_floating_point()) {
            throw Error(folder.string() + ": tensor " + parameter.key() + " is not of a floating type", "checkpoint");
        }
        parameter.value().set_data(type ? tensor.to(*type) : tensor);
        parameter.value().set_requires_grad(false);
    }
    if (!missing.empty()) {
        throw Error(folder.string() + " lacks the tensors " + missing, "checkpoint");
    }
}

void save(const torch::nn::Module& module, const fs::path& folder, torch::ScalarType type)
{
    runtime::TensorMap tensors;
    torch::NoGradGuard noGrad;
    for (const auto& parameter : module.named_parameters()) {
        tensors[parameter.key()] = parameter.value().detach().to(at::kCPU, type).contiguous();
    }
    runtime::writeSafetensors(folder / "model.safetensors", tensors, {{"format", "pt"}});
}

const char* const kParts[] = {"llm", "vision_tower", "mm_projector"};

} // namespace

fs::path checkpointRoot(const fs::path& directory)
{
    if (!fs::is_directory(directory)) {
        throw Error("there is no model folder " + directory.string(), "not-found");
    }
    if (!fs::exists(directory / "config.json") && fs::exists(directory / "model" / "config.json")) {
        return directory / "model";
    }
    return directory;
}

VilaNetworks loadNetworks(const fs::path& root, std::optional<torch::ScalarType> type, const Progress& progress, std::stop_token stop)
{
    report(progress, 0, "configuration");
    const VilaConfig config = loadVilaConfig(root);
    // Modules are built empty in the wanted type; every parameter is replaced by fill().
    VilaNetworks networks(config);
    const auto step = [&](torch::nn::Module& module, int part, double before) {
        throwIfStopped(stop);
        report(progress, before, kParts[part]);
        fill(module, root / kParts[part], type);
        module.eval();
    };
    step(*networks.llm, 0, 0.1);
    step(*networks.vision, 1, 0.8);
    step(*networks.projector, 2, 0.95);
    report(progress, 1, "ready");
    return networks;
}

void saveNetworks(const VilaNetworks& networks, const fs::path& root, torch::ScalarType type)
{
    saveVilaConfig(networks.config, root);
    save(*networks.llm, root / "llm", type);
    save(*networks.vision, root / "vision_tower", type);
    save(*networks.projector, root / "mm_projector", type);
}

std::string weightsSha256(const fs::path& root)
{
    std::vector<fs::path> files;
    for (const char* part : kParts) {
        for (const fs::path& file : runtime::safetensorsFiles(root / part)) {
            files.push_back(file);
        }
    }
    return runtime::sha256OfFiles(files);
}

} // namespace hf::assistant
