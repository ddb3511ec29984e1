#pragma once

#include "experts/engine/neural/FolderExpert.h"
#include "experts/runtime/Safetensors.h"

#include <ATen/ATen.h>

#include <filesystem>
#include <fstream>

namespace hf::test {

/// Writes a chest expert of `members` DenseNets with deterministic weights; the scores are neither 0 nor 1.
inline void writeChestFolder(const std::filesystem::path& folder, int members, bool isResearchOnly = true)
{
    const char* const names[] = {"all", "chex", "pc"};
    std::filesystem::create_directories(folder);
    std::string list;
    for (int n = 0; n < members; ++n) {
        const std::string file = std::string(names[n]) + ".safetensors";
        runtime::TensorMap weights = experts::hashedWeights(experts::weightList(experts::NetworkSpec{experts::NetworkSpec::Chest{false}}));
        // Logits near those of the thresholds, different for each member.
        weights["classifier.weight"] = weights["classifier.weight"] * (0.5 + 0.5 * n);
        weights["classifier.bias"] = at::full({18}, -3.0 + n);
        runtime::writeSafetensors(folder / file, weights);
        list += std::string(list.empty() ? "" : ", ") + R"({"network": "densenet121", "thresholds": ")" + names[n] + R"(", "file": ")" + file + "\"}";
    }
    std::ofstream(folder / "expert.json") << R"({"format": 1, "name": "CXR", "version": "1", "task": "classification",
        "card": {"modality": "CXR", "overview": "findings", "accuracy": "none"}, "suitability": {"modalities": ["DX"]},
        "network": {"name": "chestEnsemble", "members": [)" << list << R"(]},
        "licence": {"weights": "test weights", "researchOnly": )" << (isResearchOnly ? "true" : "false") << R"(, "intendedUse": "tests"}})";
}

/// A picture with a bright oval and a gradient, 12 bits: rows * columns values.
inline std::vector<std::uint16_t> chestLikePicture(int rows, int columns)
{
    std::vector<std::uint16_t> values;
    for (int y = 0; y < rows; ++y) {
        for (int x = 0; x < columns; ++x) {
            const double dx = (x - columns * 0.4) / (columns * 0.2), dy = (y - rows * 0.5) / (rows * 0.3);
            values.push_back(std::uint16_t(400 + 1000.0 * y / rows + (dx * dx + dy * dy < 1 ? 1500 : 0) + (x * 31 + y * 17) % 97));
        }
    }
    return values;
}

} // namespace hf::test
