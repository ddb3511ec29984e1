#pragma once

#include "assistant/engine/VilaNetworks.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hf::assistant::train {

/// The published stages of training (reference vila-m3.md 7.1).
enum class Stage { Align, Pretrain, Instruct, Expert };
/// "align", "pretrain", "instruct", "expert". @throws Error "usage" for another word.
Stage stageOf(const std::string& word);
std::string nameOf(Stage stage);
/// The learning rate that was published for it.
double publishedRate(Stage stage);

/// Which parts of a model are tuned.
struct TunedParts {
    bool vision = false, projector = false, llm = false;
    bool operator==(const TunedParts&) const = default;
};
TunedParts partsOf(Stage stage);
/// "vision,projector,llm" or some of them. @throws Error "usage" for another word or none.
TunedParts partsOf(const std::string& words);
std::string nameOf(const TunedParts& parts);

/// Low-rank adapters in place of the matrices themselves.
struct LoraOptions {
    int rank = 16;
    double alpha = 32;          ///< The adapter's product counts alpha / rank times.
};

/// The networks of a checkpoint made ready for training: what is tuned has weights of its own in fp32 that want gradients.
class Tuning {
public:
    /// @param lora  vision tower and language model get adapters on the matrices of their layers and stay as they are otherwise; the projector is tuned itself.
    /// @param narrow  matrices that are not tuned keep the type of their files, for training in bf16.
    /// @throws Error for a checkpoint with int8 or int4 weights.
    Tuning(std::filesystem::path root, const TunedParts& parts, std::optional<LoraOptions> lora, bool narrow, torch::Device device, std::uint32_t seed);

    VilaNetworks& networks() { return m_networks; }
    const VilaNetworks& networks() const { return m_networks; }
    const TunedParts& parts() const { return m_parts; }
    /// What is learned, by name.
    const std::vector<std::pair<std::string, torch::Tensor>>& learned() const { return m_learned; }
    std::vector<torch::Tensor> learnedTensors() const;
    std::size_t learnedCount() const;

    /// Writes a checkpoint that loads as any other: tuned tensors rounded to the type that the file has, adapters merged, everything else copied. With LoRA
    /// also adapters/llm and adapters/vision_tower in the form of the PEFT library. All is written beside the target's files first: a checkpoint that lies there
    /// stays whole when writing fails. @param note  what config.json says about the training. @throws Error "file", "write".
    void save(const std::filesystem::path& target, const std::string& note) const;

private:
    void tune(torch::nn::Module& module, const std::string& part);
    void adapt(torch::nn::Module& module, const std::string& part);
    void write(const std::filesystem::path& target, const std::string& note) const;
    void saveAdapters(const torch::nn::Module& module, const std::filesystem::path& folder) const;
    std::filesystem::path m_root;
    TunedParts m_parts;
    std::optional<LoraOptions> m_lora;
    VilaNetworks m_networks;
    std::vector<std::pair<std::string, torch::Tensor>> m_learned;
};

} // namespace hf::assistant::train
