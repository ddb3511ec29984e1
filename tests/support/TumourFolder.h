#pragma once

#include "experts/engine/neural/FolderExpert.h"
#include "experts/runtime/Safetensors.h"

#include <filesystem>
#include <fstream>
#include <string>

namespace hf::test {

/// Writes an expert with the name and labels of BRATS whose small network has deterministic weights: of one MR image, or of the four sequences.
inline void writeTumourFolder(const std::filesystem::path& folder, bool ofFourSequences)
{
    const std::string channels = ofFourSequences ? R"(, "bodyParts": ["HEAD", "BRAIN"], "channels": ["T1c", "T1", "T2", "FLAIR"])" : "";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "expert.json") << R"({"format": 1, "name": "BRATS", "version": "1", "task": "segmentation",
        "card": {"modality": "MRI", "overview": "MRI brain tumor segmentation model", "accuracy": "none"}, "suitability": {"modalities": ["MR"])" << channels << R"(},
        "network": {"name": "unet", "in": )" << (ofFourSequences ? 4 : 1) << R"(, "out": 3, "channels": [4, 8, 16], "strides": [2, 2], "residualUnits": 1, "norm": "batch", "activation": "prelu", "file": "w.safetensors"},
        "preprocessing": [{"do": "normalize", "nonZero": true, "perChannel": true}], "window": {"roi": [64, 64, 32], "overlap": 0.25, "blend": "constant"},
        "postprocessing": {"labels": "argmax"}, "labels": [{"value": 1, "name": "core", "color": "#ff0000"}, {"value": 2, "name": "edema", "color": "#00ff00"}],
        "arguments": {"brain tumor": [1, 2], "brain": [1]}, "defaultArgument": "brain tumor",
        "licence": {"weights": "test weights of tumours", "intendedUse": "tests"}})";
    runtime::writeSafetensors(folder / "w.safetensors", experts::hashedWeights(experts::weightList(experts::readManifest(folder).network)));
}

} // namespace hf::test
