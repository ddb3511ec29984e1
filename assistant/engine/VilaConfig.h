#pragma once

#include "viewer/volume/LabelMap.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hf::assistant {

/// vision_tower/config.json (SiglipVisionModel).
struct SiglipConfig {
    int hiddenSize = 1152;
    int intermediateSize = 4304;
    int layers = 27;
    int heads = 16;
    int channels = 3;
    int imageSize = 384;
    int patchSize = 14;
    double layerNormEps = 1e-6;
    int patchesPerSide() const { return imageSize / patchSize; }
};

/// llm/config.json (LlamaForCausalLM).
struct LlamaConfig {
    int hiddenSize = 4096;
    int intermediateSize = 14336;
    int layers = 32;
    int heads = 32;
    int keyValueHeads = 8;
    int headDim = 128;
    int vocabSize = 128257;
    double rmsNormEps = 1e-5;
    double ropeTheta = 500000;
    /// "none", "linear", "dynamic" or "llama3" (rope_scaling), with its factor.
    std::string ropeScaling = "none";
    double ropeFactor = 1;
    /// Of "llama3": waves with fewer turns than the first within the original positions are stretched, with more than the second they stay.
    double ropeLowTurns = 1, ropeHighTurns = 4;
    int ropeOriginalPositions = 8192;
    int maxPositions = 8192;
    /// tokenizer_model_max_length: the longest spliced sequence with an image; 0 when the file names none.
    int maxSequence = 0;
    bool tiedEmbeddings = false;
};

/// llm/generation_config.json.
struct GenerationDefaults {
    std::vector<std::int64_t> eosTokens;
    std::int64_t bosToken = -1;
};

/// vision_tower/preprocessor_config.json.
struct PreprocessorConfig {
    int size = 384;
    std::vector<double> mean{0.5, 0.5, 0.5};
    std::vector<double> standardDeviation{0.5, 0.5, 0.5};
    double rescaleFactor = 1 / 255.0;

    /// What is around a picture that is padded to a square: the mean, rounded down (reference vila-m3.md 2.2).
    Rgb8 padColor() const
    {
        const auto value = [this](std::size_t channel) { return std::uint8_t(255 * std::clamp(mean[channel], 0.0, 1.0)); };
        return {value(0), value(1), value(2)};
    }
};

/// What this project adds to the top-level config.json of a checkpoint that it trained; absent in published ones.
struct HounsfieldInfo {
    std::string name, version, licence, conversation;
    bool isDemo = false;
};

/// A VILA 1.5 checkpoint's configuration. Source: reference vila-m3.md section 1.
struct VilaConfig {
    SiglipConfig vision;
    LlamaConfig llm;
    GenerationDefaults generation;
    PreprocessorConfig preprocessor;
    std::string projectorType = "mlp_downsample";
    int visionSelectLayer = -2;
    std::string imageAspectRatio = "resize";
    /// Of the language model's matrices as they lie in the files: "none", "int8", "int4" (our own addition, see saveQuantised()).
    std::string quantisation = "none";
    HounsfieldInfo hounsfield;

    int tokensPerImage() const;
    /// The longest sequence that the rotary positions are made for.
    std::int64_t longestSequence() const;
};

/// The folders of the three parts: sub-folders of the checkpoint, or where its config.json says.
struct PartFolders {
    std::filesystem::path llm, visionTower, projector;
};
PartFolders partFolders(const std::filesystem::path& root);
/// The language model's folder, or its `llm` sub-folder where that one has the tokenizer (reference 1.3).
std::filesystem::path tokenizerFolder(const std::filesystem::path& root);
/// The folder with config.json: `directory` itself or its `model` sub-folder (reference 1.1).
std::filesystem::path checkpointRoot(const std::filesystem::path& directory);

/// @param root  the folder that holds config.json (already the `model` sub-folder where there is one).
/// @throws Error naming the missing file or key, or an architecture that is not supported.
VilaConfig loadVilaConfig(const std::filesystem::path& root);

/// Writes the four config.json files, generation_config.json and preprocessor_config.json; makes the folders.
void saveVilaConfig(const VilaConfig& config, const std::filesystem::path& root);

} // namespace hf::assistant
