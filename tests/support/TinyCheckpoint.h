#pragma once

#include "assistant/engine/VilaNetworks.h"
#include "experts/runtime/Safetensors.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace hf::test {

/// The same stands in make_vila.py.
inline torch::Tensor formulaWeight(const std::string& name, at::IntArrayRef shape)
{
    std::uint32_t seed = 2166136261U;
    for (const char byte : name) {
        seed = (seed ^ std::uint8_t(byte)) * 16777619U;
    }
    torch::Tensor values = torch::empty(shape);
    float* out = values.data_ptr<float>();
    const double offset = shape.size() == 1 && name.ends_with("weight") ? 1 : 0;
    for (std::int64_t n = 0; n < values.numel(); ++n) {
        auto x = std::uint32_t(std::uint64_t(n) * 2654435761ULL + seed);
        x ^= x >> 16;
        x *= 0x45D9F3BU;
        x ^= x >> 16;
        out[n] = float(0.25 * (double(x) / 2147483648.0 - 1) + offset);
    }
    return values.to(torch::kBFloat16);
}

/// A checkpoint as published: config files as transformers wrote them (an entry of vila_reference.json), the language model in two shards with an index. One at a
/// time in a process.
class TinyCheckpoint {
public:
    explicit TinyCheckpoint(const nlohmann::json& shape) : m_folder(std::filesystem::temp_directory_path() / ("hf-reference-" + std::to_string(::getpid())))
    {
        std::filesystem::remove_all(m_folder);
        for (const auto& [file, content] : shape["files"].items()) {
            std::filesystem::create_directories((m_folder / file).parent_path());
            std::ofstream(m_folder / file) << content.dump();
        }
        for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(HF_SOURCE_DIR "/tests/data/tokenizers") / shape["tokenizer"].get<std::string>())) {
            std::filesystem::copy_file(entry.path(), m_folder / "llm" / entry.path().filename());
        }
        const assistant::VilaConfig config = assistant::loadVilaConfig(m_folder);
        const assistant::VilaNetworks networks(config);
        write(*networks.llm, "llm", 2);
        write(*networks.vision, "vision_tower", 1);
        write(*networks.projector, "mm_projector", 1);
    }
    ~TinyCheckpoint()
    {
        std::error_code error;
        std::filesystem::remove_all(m_folder, error);
    }
    TinyCheckpoint(const TinyCheckpoint&) = delete;
    TinyCheckpoint& operator=(const TinyCheckpoint&) = delete;
    const std::filesystem::path& folder() const { return m_folder; }

private:
    void write(const torch::nn::Module& module, const std::string& part, std::size_t shards)
    {
        nlohmann::json index{{"weight_map", nlohmann::json::object()}};
        std::vector<runtime::TensorMap> files(shards);
        std::size_t n = 0;
        for (const auto& parameter : module.named_parameters()) {
            const std::size_t shard = n++ % shards;
            files[shard][parameter.key()] = formulaWeight(parameter.key(), parameter.value().sizes());
            index["weight_map"][parameter.key()] = "model-" + std::to_string(shard) + ".safetensors";
        }
        for (std::size_t shard = 0; shard < shards; ++shard) {
            const std::string name = shards > 1 ? "model-" + std::to_string(shard) + ".safetensors" : "model.safetensors";
            runtime::writeSafetensors(m_folder / part / name, files[shard], {{"format", "pt"}});
        }
        if (shards > 1) {
            std::ofstream(m_folder / part / "model.safetensors.index.json") << index.dump();
        }
    }

    std::filesystem::path m_folder;
};

} // namespace hf::test
