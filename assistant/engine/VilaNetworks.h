#pragma once

#include "assistant/engine/Llama.h"
#include "assistant/engine/Projector.h"
#include "assistant/engine/Siglip.h"
#include "assistant/engine/VilaConfig.h"
#include "viewer/volume/Picture.h"
#include "viewer/volume/Progress.h"

#include <filesystem>
#include <span>
#include <stop_token>
#include <string>

namespace hf::assistant {

/// The three networks of a VILA checkpoint, for inference and training.
struct VilaNetworks {
    VilaConfig config;
    SiglipVision vision{nullptr};
    Projector projector{nullptr};
    Llama llm{nullptr};

    /// Networks with random weights. @throws Error for a configuration that cannot be built.
    explicit VilaNetworks(const VilaConfig& config);
    VilaNetworks() = default;

    /// Normalised pixels [n, 3, S, S] -> rows for the language model [n, tokensPerImage, H].
    /// @throws Cancelled between two layers.
    torch::Tensor encode(const torch::Tensor& pixels, const std::stop_token& stop = {});
    std::vector<torch::Tensor> parameters() const;
    std::size_t parameterCount() const;
    void to(torch::Device device, torch::ScalarType type);
};

/// 8-bit RGB pictures of S x S pixels -> [n, 3, S, S] fp32, rescaled and normalised (reference vila-m3.md 2.4).
torch::Tensor pixelTensor(std::span<const Picture> pictures, const PreprocessorConfig& config);

/// Where weights go. Those of a GPU are copied there one by one, and their pages given back, so that the host never holds many of them.
struct WeightPlace {
    std::optional<torch::ScalarType> type;          ///< as stored without one
    torch::Device device = torch::kCPU;
    /// On a GPU: the language model's matrices are rounded as they come (the head to int8), so that the whole model need not fit.
    std::optional<WeightView::Type> packs;
};

/// Builds the networks of a checkpoint and fills them. Weights on the CPU that keep their type are the mapped files themselves: no copy is
/// made, engines share the pages, and the files must not change while they are used.
/// @throws Error naming every missing tensor, or one with expected and found shape; Cancelled.
VilaNetworks loadNetworks(const std::filesystem::path& root, const WeightPlace& place, const Progress& progress = {}, std::stop_token stop = {});
inline VilaNetworks loadNetworks(const std::filesystem::path& root, std::optional<torch::ScalarType> type, const Progress& progress = {}, std::stop_token stop = {})
{
    return loadNetworks(root, WeightPlace{type, torch::kCPU, {}}, progress, std::move(stop));
}

/// Type of the language model's embeddings in the files, and how many values its tensors have.
struct StoredWeights { torch::ScalarType type = torch::kFloat; std::size_t values = 0; };
StoredWeights storedWeights(const std::filesystem::path& root);

/// A copy of a checkpoint whose language model's matrices are int8 or int4 (the head int8): `NAME.weight` is replaced by
/// `NAME.weight_packed` (uint8 [blocks, bytes]) and `NAME.weight_scales` (fp16 [blocks, groups, 16]) in the layout of WeightView, and
/// config.json says so under "hounsfield". Everything else is copied. @throws Error; Cancelled. Both leave nothing behind.
void saveQuantised(const std::filesystem::path& root, const std::filesystem::path& target, WeightView::Type type, const Progress& progress = {},
                   std::stop_token stop = {});

/// Writes config files and weights (as bf16, fp16 or fp32) in the layout of a VILA 1.5 checkpoint; tokenizer files are the caller's.
void saveNetworks(const VilaNetworks& networks, const std::filesystem::path& root, torch::ScalarType type);

/// SHA-256 over all weight files, in the order llm, vision_tower, mm_projector.
std::string weightsSha256(const std::filesystem::path& root);

} // namespace hf::assistant
