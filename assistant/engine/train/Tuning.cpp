#include "assistant/engine/train/Tuning.h"

#include "experts/runtime/Safetensors.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>
#include <torch/utils.h>

#include <cmath>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

namespace hf::assistant::train {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

struct StageFacts {
    Stage stage;
    const char* name;
    double rate;
    TunedParts parts;
};
constexpr StageFacts kStages[]{{Stage::Align, "align", 1e-3, {false, true, false}}, {Stage::Pretrain, "pretrain", 5e-5, {false, true, true}}, {Stage::Instruct, "instruct", 1e-4, {true, true, true}},
    {Stage::Expert, "expert", 2e-5, {true, true, true}}};

const StageFacts& factsOf(Stage stage) { return kStages[std::size_t(stage)]; }

void writeJson(const fs::path& file, const json& content)
{
    std::ofstream out(file, std::ios::trunc);
    out << content.dump(2) << '\n';
    if (!out.flush()) {
        throw Error("cannot write " + file.string(), "write");
    }
}

/// Everything in a part's folder but its weights and the list of their files.
void copyFiles(const fs::path& from, const fs::path& to)
{
    for (const auto& entry : fs::directory_iterator(from)) {
        const std::string name = entry.path().filename().string();
        if (entry.is_regular_file() && !name.ends_with(".safetensors") && !name.ends_with(".safetensors.index.json") && !name.ends_with(".bin") && !name.ends_with(".bin.index.json")) {
            fs::copy_file(entry.path(), to / name, fs::copy_options::overwrite_existing);
        }
    }
}

/// A folder that is not there when this is gone.
struct Unfinished {
    explicit Unfinished(fs::path folder) : path(std::move(folder)) { remove(); }
    ~Unfinished() { remove(); }
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;
    fs::path path;

private:
    void remove() const
    {
        std::error_code error;
        fs::remove_all(path, error);
    }
};

/// Over files of the same names.
void moveFiles(const fs::path& from, const fs::path& to)
{
    const std::vector<fs::directory_entry> entries{fs::recursive_directory_iterator(from), fs::recursive_directory_iterator()};
    for (const auto& entry : entries) {
        fs::create_directories((to / fs::relative(entry.path(), from)).parent_path());
        if (!entry.is_directory()) {
            fs::rename(entry.path(), to / fs::relative(entry.path(), from));
        }
    }
}

bool isAdapted(const std::string& name) { return name != "lm_head"; }

/// The part's tensors as they lie in its files, those of the module with its values.
void savePart(const torch::nn::Module& module, bool isChanged, const fs::path& from, const fs::path& to)
{
    const torch::NoGradGuard noGrad;
    runtime::TensorMap tensors = runtime::readSafetensors(from);
    const auto put = [&](const std::string& name, const torch::Tensor& value) {
        torch::Tensor& stored = tensors.at(name);
        stored = value.detach().to(at::kCPU, stored.scalar_type()).contiguous();
    };
    if (isChanged) {
        for (const auto& parameter : module.named_parameters()) {
            put(parameter.key(), parameter.value());
        }
        for (const auto& one : module.named_modules()) {
            if (const auto* linear = one.value()->as<LinearImpl>(); linear && linear->adapter) {
                put(one.key() + ".weight", linear->merged());
            }
        }
    }
    runtime::writeSafetensors(to / "model.safetensors", tensors, {{"format", "pt"}});
}

} // namespace

Stage stageOf(const std::string& word)
{
    for (const StageFacts& one : kStages) {
        if (word == one.name) {
            return one.stage;
        }
    }
    throw Error("there is no stage '" + word + "'; the stages are align, pretrain, instruct, expert", "usage");
}

std::string nameOf(Stage stage) { return factsOf(stage).name; }
double publishedRate(Stage stage) { return factsOf(stage).rate; }
TunedParts partsOf(Stage stage) { return factsOf(stage).parts; }

TunedParts partsOf(const std::string& words)
{
    TunedParts parts;
    std::stringstream list(words);
    for (std::string word; std::getline(list, word, ',');) {
        bool* const part = word == "vision" ? &parts.vision : word == "projector" ? &parts.projector : word == "llm" ? &parts.llm : nullptr;
        if (!part) {
            throw Error("a model has no part '" + word + "' to tune; the parts are vision, projector, llm", "usage");
        }
        *part = true;
    }
    if (parts == TunedParts()) {
        throw Error("no part is to be tuned; the parts are vision, projector, llm", "usage");
    }
    return parts;
}

std::string nameOf(const TunedParts& parts)
{
    std::string text;
    for (const auto& [isTuned, name] : {std::pair(parts.vision, "vision"), std::pair(parts.projector, "projector"), std::pair(parts.llm, "llm")}) {
        text += isTuned ? (text.empty() ? "" : ",") + std::string(name) : "";
    }
    return text;
}

Tuning::Tuning(fs::path root, const TunedParts& parts, std::optional<LoraOptions> lora, bool narrow, torch::Device device, std::uint32_t seed)
    : m_root(std::move(root)), m_parts(parts), m_lora(lora), m_networks(loadNetworks(m_root, std::nullopt))
{
    if (m_networks.config.quantisation != "none") {
        throw Error(m_root.string() + " has " + m_networks.config.quantisation + " weights, which cannot be tuned; give the checkpoint that they were made of", "arguments");
    }
    torch::manual_seed(seed);
    const torch::NoGradGuard noGrad;
    const auto prepare = [&](torch::nn::Module& module, bool isTuned, bool isAdaptedOnly, const std::string& part) {
        module.train();
        std::set<const at::TensorImpl*> matrices;
        for (const auto& one : module.modules()) {
            if (const auto* linear = one->as<LinearImpl>()) {
                matrices.insert(linear->weight.unsafeGetTensorImpl());
            }
        }
        for (torch::Tensor& parameter : module.parameters()) {
            const bool staysNarrow = narrow && (!isTuned || isAdaptedOnly) && matrices.contains(parameter.unsafeGetTensorImpl());
            parameter.set_data(parameter.to(device, staysNarrow ? torch::kBFloat16 : torch::kFloat, false, isTuned && !isAdaptedOnly));
            parameter.set_requires_grad(false);
        }
        if (isTuned) {
            isAdaptedOnly ? adapt(module, part) : tune(module, part);
        }
    };
    prepare(*m_networks.vision, parts.vision, lora.has_value(), "vision_tower");
    prepare(*m_networks.projector, parts.projector, false, "mm_projector");
    prepare(*m_networks.llm, parts.llm, lora.has_value(), "llm");
}

void Tuning::tune(torch::nn::Module& module, const std::string& part)
{
    for (auto& parameter : module.named_parameters()) {
        parameter.value().set_requires_grad(true);
        m_learned.emplace_back(part + "." + parameter.key(), parameter.value());
    }
}

/// First values as in the paper: the product is zero.
void Tuning::adapt(torch::nn::Module& module, const std::string& part)
{
    for (const auto& one : module.named_modules()) {
        auto* linear = one.value()->as<LinearImpl>();
        if (!linear || !isAdapted(one.key())) {
            continue;
        }
        const std::int64_t in = linear->weight.size(1), out = linear->weight.size(0);
        const double bound = 1 / std::sqrt(double(in));
        torch::Tensor down = torch::empty({m_lora->rank, in}).uniform_(-bound, bound).to(linear->weight.device()), up = torch::zeros({out, m_lora->rank}, linear->weight.options().dtype(torch::kFloat));
        linear->adapter = LowRank{down.requires_grad_(true), up.requires_grad_(true), m_lora->alpha / m_lora->rank};
        m_learned.emplace_back(part + "." + one.key() + ".lora_A.weight", linear->adapter->down);
        m_learned.emplace_back(part + "." + one.key() + ".lora_B.weight", linear->adapter->up);
    }
}

std::vector<torch::Tensor> Tuning::learnedTensors() const
{
    std::vector<torch::Tensor> tensors;
    for (const auto& [name, tensor] : m_learned) {
        tensors.push_back(tensor);
    }
    return tensors;
}

std::size_t Tuning::learnedCount() const
{
    std::size_t count = 0;
    for (const auto& [name, tensor] : m_learned) {
        count += std::size_t(tensor.numel());
    }
    return count;
}

void Tuning::save(const fs::path& target, const std::string& note) const
{
    const Unfinished folder(target / "unfinished");
    write(folder.path, note);
    moveFiles(folder.path, target);
}

void Tuning::write(const fs::path& target, const std::string& note) const
{
    const PartFolders from = partFolders(m_root);
    for (const char* part : {"llm", "vision_tower", "mm_projector"}) {
        fs::create_directories(target / part);
    }
    copyFiles(tokenizerFolder(m_root), target / "llm");
    copyFiles(from.llm, target / "llm");
    copyFiles(from.visionTower, target / "vision_tower");
    copyFiles(from.projector, target / "mm_projector");
    savePart(*m_networks.llm, m_parts.llm, from.llm, target / "llm");
    savePart(*m_networks.vision, m_parts.vision, from.visionTower, target / "vision_tower");
    savePart(*m_networks.projector, m_parts.projector, from.projector, target / "mm_projector");
    if (m_lora && m_parts.llm) {
        saveAdapters(*m_networks.llm, target / "adapters/llm");
    }
    if (m_lora && m_parts.vision) {
        saveAdapters(*m_networks.vision, target / "adapters/vision_tower");
    }
    std::ifstream stream(m_root / "config.json");
    json top = json::parse(stream);
    for (const char* part : {"llm_cfg", "vision_tower_cfg", "mm_projector_cfg"}) {
        if (top.contains(part) && top[part].is_string()) {
            top.erase(part);    // all parts lie at their usual places now
        }
    }
    top["tune_language_model"] = m_parts.llm;
    top["tune_vision_tower"] = m_parts.vision;
    top["tune_mm_projector"] = m_parts.projector;
    top["hounsfield"]["training"] = note;
    writeJson(target / "config.json", top);
}

void Tuning::saveAdapters(const torch::nn::Module& module, const fs::path& folder) const
{
    fs::create_directories(folder);
    runtime::TensorMap tensors;
    std::set<std::string> names;
    for (const auto& one : module.named_modules()) {
        const auto* linear = one.value()->as<LinearImpl>();
        if (linear && linear->adapter) {
            tensors["base_model.model." + one.key() + ".lora_A.weight"] = linear->adapter->down.detach().cpu().contiguous();
            tensors["base_model.model." + one.key() + ".lora_B.weight"] = linear->adapter->up.detach().cpu().contiguous();
            names.insert(one.key().substr(one.key().rfind('.') + 1));
        }
    }
    runtime::writeSafetensors(folder / "adapter_model.safetensors", tensors, {{"format", "pt"}});
    writeJson(folder / "adapter_config.json", {{"peft_type", "LORA"}, {"r", m_lora->rank}, {"lora_alpha", m_lora->alpha}, {"lora_dropout", 0.0}, {"bias", "none"}, {"fan_in_fan_out", false}, {"inference_mode", true},
        {"target_modules", names}, {"base_model_name_or_path", nullptr}, {"task_type", nullptr}});
}

} // namespace hf::assistant::train
