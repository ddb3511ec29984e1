#include "assistant/engine/VilaNetworks.h"

#include "experts/runtime/Safetensors.h"
#include "experts/runtime/WeightsHash.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>
#include <torch/utils.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <sys/mman.h>
#include <unistd.h>

namespace hf::assistant {

namespace fs = std::filesystem;

namespace {

/// Removes a folder unless it was finished.
struct Unfinished {
    const fs::path& folder;
    bool isFinished = false;
    ~Unfinished()
    {
        std::error_code error;
        if (!isFinished) {
            fs::remove_all(folder, error);
        }
    }
};

std::string shapeText(at::IntArrayRef shape)
{
    std::ostringstream text;
    text << shape;
    return text.str();
}

/// Reads the pages of a mapped tensor now, so that the first answer does not wait for the disk. On failure they come when they are used.
void readAhead(const at::Tensor& tensor)
{
#ifdef MADV_POPULATE_READ
    const auto page = std::uintptr_t(::sysconf(_SC_PAGESIZE));
    const auto begin = reinterpret_cast<std::uintptr_t>(tensor.data_ptr()) / page * page;
    const auto end = reinterpret_cast<std::uintptr_t>(tensor.data_ptr()) + tensor.nbytes();
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_READ);
#endif
}

const std::string kPacked = "_packed", kScales = "_scales";

/// Gives back the pages of a mapped tensor that was copied elsewhere.
void letGo(const at::Tensor& tensor)
{
    const auto page = std::uintptr_t(::sysconf(_SC_PAGESIZE));
    const auto begin = (reinterpret_cast<std::uintptr_t>(tensor.data_ptr()) + page - 1) / page * page;
    const auto end = (reinterpret_cast<std::uintptr_t>(tensor.data_ptr()) + tensor.nbytes()) / page * page;
    if (begin < end) {
        ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
}

/// Matrices that the file has in packed form; their names.
std::set<std::string> fillPacked(torch::nn::Module& module, const fs::path& folder, const runtime::TensorMap& tensors, WeightView::Type type, torch::Device device)
{
    std::set<std::string> filled;
    for (const auto& part : module.named_modules()) {
        auto* linear = part.value()->as<LinearImpl>();
        const std::string name = part.key() + ".weight";
        const auto data = tensors.find(name + kPacked), scales = tensors.find(name + kScales);
        if (!linear || data == tensors.end() || scales == tensors.end()) {
            continue;
        }
        const bool isHead = part.key() == "lm_head";
        const PackedWeight packed{isHead ? WeightView::Type::Int8 : type, linear->weight.size(0), linear->weight.size(1), data->second, scales->second};
        const WeightView view = packed.view();
        const std::vector<std::int64_t> dataShape{view.blocks(), view.blockBytes()}, scaleShape{view.blocks(), view.groups(), WeightView::kBlockRows};
        if (packed.data.scalar_type() != at::kByte || packed.scales.scalar_type() != at::kHalf || packed.data.sizes() != dataShape || packed.scales.sizes() != scaleShape) {
            throw Error(folder.string() + ": tensor " + name + kPacked + " should have the shape " + shapeText(dataShape) + ", its scales " + shapeText(scaleShape) +
                "; the file has " + shapeText(packed.data.sizes()) + " and " + shapeText(packed.scales.sizes()), "checkpoint");
        }
        readAhead(packed.data);
        if (device.is_cpu()) {
            linear->setPacked(packed);
        } else {
            linear->setPacked(RowPackedWeight::of(packed, device));
            letGo(packed.data);
        }
        filled.insert(name);
    }
    return filled;
}

/// The matrices that are rounded while they are loaded to a GPU, by the names of their weights.
std::map<std::string, LinearImpl*> packedWhileLoading(torch::nn::Module& module, const WeightPlace& place)
{
    std::map<std::string, LinearImpl*> linears;
    for (const auto& part : module.named_modules()) {
        if (auto* linear = part.value()->as<LinearImpl>(); linear && place.packs && !place.device.is_cpu()) {
            linears[part.key() + ".weight"] = linear;
        }
    }
    return linears;
}

/// Puts the file's tensors in the place of a module's parameters, without a copy where place, type and shape allow it.
void fill(torch::nn::Module& module, const fs::path& folder, const WeightPlace& place, const std::string& quantisation, const Progress& progress,
          const std::stop_token& stop)
{
    const runtime::TensorMap tensors = runtime::readSafetensors(folder);
    const auto packedType = quantisationOf(quantisation);
    const std::set<std::string> packed = packedType ? fillPacked(module, folder, tensors, *packedType, place.device) : std::set<std::string>();
    const std::map<std::string, LinearImpl*> rounded = packedWhileLoading(module, place);
    std::string missing;
    torch::NoGradGuard noGrad;
    const auto parameters = module.named_parameters();
    std::size_t filled = 0;
    for (auto& parameter : parameters) {
        throwIfStopped(stop);
        report(progress, double(filled++) / double(parameters.size()), folder.filename().string());
        if (packed.contains(parameter.key())) {
            continue;
        }
        const auto found = tensors.find(parameter.key());
        if (found == tensors.end()) {
            missing += (missing.empty() ? "" : ", ") + parameter.key() + " " + shapeText(parameter.value().sizes());
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
        readAhead(tensor);
        const auto linear = rounded.find(parameter.key());
        const bool isRounded = linear != rounded.end();
        const torch::Tensor placed = tensor.to(place.device, isRounded ? tensor.scalar_type() : place.type.value_or(tensor.scalar_type()));
        parameter.value().set_requires_grad(false);
        if (isRounded) {
            linear->second->setPacked(RowPackedWeight::of(placed, parameter.key() == "lm_head.weight" ? WeightView::Type::Int8 : *place.packs));
        } else {
            parameter.value().set_data(placed);
        }
        if (!place.device.is_cpu()) {
            letGo(tensor);
        }
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

} // namespace

StoredWeights storedWeights(const fs::path& root)
{
    StoredWeights stored;
    for (const auto& [name, tensor] : runtime::readSafetensors(partFolders(root).llm)) {
        stored.values += std::size_t(tensor.numel());
        if (name == "model.embed_tokens.weight") {
            stored.type = tensor.scalar_type();
        }
    }
    return stored;
}

VilaNetworks loadNetworks(const fs::path& root, const WeightPlace& place, const Progress& progress, std::stop_token stop)
{
    report(progress, 0, "configuration");
    const VilaConfig config = loadVilaConfig(root);
    const WithoutWeights withoutWeights;    // fill() replaces every parameter
    VilaNetworks networks(config);
    const PartFolders folders = partFolders(root);
    const auto step = [&](torch::nn::Module& module, const fs::path& folder, double begin, double end) {
        const bool isLlm = &module == networks.llm.get();
        const WeightPlace own{place.type, place.device, isLlm ? place.packs : std::nullopt};
        fill(module, folder, own, isLlm ? config.quantisation : "none", subProgress(progress, begin, end), stop);
        module.eval();
    };
    step(*networks.llm, folders.llm, 0, 0.85);
    step(*networks.vision, folders.visionTower, 0.85, 0.97);
    step(*networks.projector, folders.projector, 0.97, 1);
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

void saveQuantised(const fs::path& root, const fs::path& target, WeightView::Type type, const Progress& progress, std::stop_token stop)
{
    if (fs::exists(target) && !fs::is_empty(target)) {
        throw Error(target.string() + " is not empty; name another folder or remove this one", "arguments");
    }
    const VilaConfig config = loadVilaConfig(root);
    if (config.quantisation != "none") {
        throw Error(root.string() + " is quantised already", "arguments");
    }
    const PartFolders folders = partFolders(root);
    Unfinished unfinished{target};
    fs::create_directories(target / "llm");
    fs::copy(folders.visionTower, target / "vision_tower", fs::copy_options::recursive);
    fs::copy(folders.projector, target / "mm_projector", fs::copy_options::recursive);
    for (const auto& entry : fs::directory_iterator(tokenizerFolder(root))) {
        if (entry.is_regular_file() && entry.path().extension() != ".safetensors" && entry.path().filename() != "model.safetensors.index.json") {
            fs::copy_file(entry.path(), target / "llm" / entry.path().filename());
        }
    }
    fs::copy_file(folders.llm / "config.json", target / "llm/config.json", fs::copy_options::skip_existing);
    runtime::TensorMap packed;
    const runtime::TensorMap tensors = runtime::readSafetensors(folders.llm);
    std::size_t done = 0;
    for (const auto& [name, tensor] : tensors) {
        throwIfStopped(stop);
        report(progress, double(done++) / double(tensors.size()), name);
        const bool isHead = name == "lm_head.weight";
        if (!isHead && !(name.find("_proj.weight") != std::string::npos && tensor.dim() == 2)) {
            packed[name] = tensor;
            continue;
        }
        PackedWeight weight = PackedWeight::of(tensor, isHead ? WeightView::Type::Int8 : type);
        packed[name + kPacked] = std::move(weight.data);
        packed[name + kScales] = std::move(weight.scales);
    }
    runtime::writeSafetensors(target / "llm/model.safetensors", packed, {{"format", "pt"}});
    std::ifstream stream(root / "config.json");
    nlohmann::json top = nlohmann::json::parse(stream);
    for (const char* part : {"llm_cfg", "vision_tower_cfg", "mm_projector_cfg"}) {
        if (top.contains(part) && top[part].is_string()) {
            top.erase(part);    // all parts lie at their usual places now
        }
    }
    top["hounsfield"]["quantisation"] = type == WeightView::Type::Int8 ? "int8" : "int4";
    std::ofstream out(target / "config.json", std::ios::trunc);
    out << top.dump(2) << '\n';
    if (!out.flush()) {
        throw Error("cannot write " + (target / "config.json").string(), "write");
    }
    unfinished.isFinished = true;
}

std::string weightsSha256(const fs::path& root)
{
    std::vector<fs::path> files;
    const PartFolders folders = partFolders(root);
    for (const fs::path& part : {folders.llm, folders.visionTower, folders.projector}) {
        for (const fs::path& file : runtime::safetensorsFiles(part)) {
            files.push_back(file);
        }
    }
    return runtime::sha256OfWeights(files);
}

} // namespace hf::assistant
