#pragma once

#include "viewer/volume/Picture.h"
#include "viewer/volume/Progress.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace hf::assistant {

/// What is loaded, for the reader and for records.
struct ModelInfo {
    std::string name;           ///< "Hounsfield demo" or the folder's name.
    std::string version;
    std::string sha256;         ///< Of the weight files, in the order llm, vision_tower, mm_projector.
    std::string licence;
    std::string conversation;   ///< "llama_3" or "vicuna_v1" (reference vila-m3.md section 4).
    bool isDemo = false;
    int imageSize = 0;          ///< Side of the square picture that the vision tower takes.
    int tokensPerImage = 0;
    std::size_t parameters = 0;
    std::string device, dtype;
};

struct LoadOptions {
    std::string device = "cpu";     ///< "cpu", "cuda:0"
    std::string dtype = "auto";     ///< "auto" (as stored, fp32 where that is faster), "fp32", "bf16", "fp16"
};

/// Reference vila-m3.md section 5. Temperature 0 is greedy.
struct GenerationOptions {
    int maxNewTokens = 1024;
    int minNewTokens = 2;
    double temperature = 0;
    double topP = 0.9;
    unsigned seed = 0;
};

struct GenerationReport {
    int promptTokens = 0;       ///< Rows after the splice, images included.
    int cachedTokens = 0;       ///< Of these, taken from the key/value cache.
    int newTokens = 0;
    double encodeMs = 0, prefillMs = 0, decodeMs = 0, firstTokenMs = 0;
};

/// A VILA-1.5 checkpoint (config.json, llm/, vision_tower/, mm_projector/) ready to answer. One caller at a time.
/// Torch is hidden behind the pimpl; the networks are in Siglip.h, Projector.h, Llama.h.
class VilaModel {
public:
    /// @throws Error naming the missing file, or the tensor with expected and found shape.
    static std::unique_ptr<VilaModel> load(const std::filesystem::path& directory, const LoadOptions& options,
                                           const Progress& progress = {}, std::stop_token stop = {});
    ~VilaModel();

    const ModelInfo& info() const;

    /// @param prompt   complete text in the checkpoint's template; every "<image>" takes the next picture.
    /// @param onText   called on this thread with each new piece of the decoded answer (valid UTF-8).
    /// @return the answer: special tokens skipped, stripped, stop string removed.
    /// @throws Error when markers and pictures differ in number; Cancelled within one token.
    std::string generate(const std::string& prompt, std::span<const Picture> pictures, const GenerationOptions& options,
                         const std::function<void(const std::string& piece)>& onText, std::stop_token stop,
                         GenerationReport* report = nullptr);

    /// The pixels that the vision tower gets for `picture`: resized by the checkpoint's rule (Pillow bicubic), 8-bit RGB.
    Picture preprocessed(const Picture& picture) const;

private:
    struct Private;
    explicit VilaModel(std::unique_ptr<Private> d);
    std::unique_ptr<Private> d;
};

} // namespace hf::assistant
