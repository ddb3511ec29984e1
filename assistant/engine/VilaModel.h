#pragma once

#include "viewer/volume/Picture.h"
#include "viewer/volume/Progress.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
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
    std::string device, dtype;  ///< "cpu" or "cuda:0"; "fp32", "bf16", "fp16"
    std::string deviceName;     ///< "NVIDIA H100 80GB HBM3"
    std::string remark;         ///< what of the device could not be used, in words; usually empty
    std::string quantisation;   ///< of the language model's matrices: "none", "int8", "int4"
    std::size_t weightBytes = 0;    ///< in use
    std::size_t bytesPerToken = 0;  ///< of weights that are read for each token of an answer
};

struct LoadOptions {
    std::string device = "auto";    ///< "auto" (the first GPU that this build can use, else the CPU), "cpu", "cuda:0"
    /// "auto" (as stored; fp32 for small models, where that is faster; bf16 for large fp16 ones on the CPU), "fp32", "bf16", "fp16"
    std::string dtype = "auto";
    /// "none", "int8", "int4": the language model's matrices are rounded while loading. A checkpoint that was saved so stays so.
    std::string quantisation = "none";
    /// Bytes that the model may take; a larger one is refused before it is loaded. 0: what the system has free.
    std::uint64_t memoryLimit = 0;
    /// Bytes of keys and values that earlier conversations may keep, besides the one that goes on. Otherwise a quarter of what is free then, 4 GB at most.
    std::optional<std::uint64_t> conversationLimit;
};

/// Reference vila-m3.md section 5. Temperature 0 is greedy.
struct GenerationOptions {
    int maxNewTokens = 1024;
    int minNewTokens = 2;
    double temperature = 0;
    double topP = 0.9;
    unsigned seed = 0;
    /// As the reference: a sequence with pictures that is longer than the checkpoint's tokenizer_model_max_length loses its END (3.5).
    /// Otherwise a prompt that does not fit is an error, and the caller leaves out turns (see promptLength()).
    bool cutsPromptEnd = false;
    /// Called with the fp32 logits [V] of each step and the token that was chosen, the stop token too. May be empty.
    std::function<void(std::span<const float> logits, std::int64_t chosen)> onStep;
    /// Calls of experts that are offered, complete ("CTSEG(lungs)"): see CallGuide. None: all stays as the model writes it.
    std::vector<std::string> calls;
    /// For comparing models: these tokens are taken whatever the logits say.
    std::vector<std::int64_t> forcedTokens;
};

struct GenerationReport {
    int promptTokens = 0;       ///< Rows after the splice, images included.
    int cachedTokens = 0;       ///< Of these, taken from the key/value cache.
    int newTokens = 0;
    int guidedCalls = 0;        ///< Calls that were taken from those that are offered instead of what the model began to write.
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
    /// @throws Error when markers and pictures differ in number; "memory" when caches were freed and it still does not fit; Cancelled
    /// within one token, while reading the prompt within one layer.
    std::string generate(const std::string& prompt, std::span<const Picture> pictures, const GenerationOptions& options,
                         const std::function<void(const std::string& piece)>& onText, std::stop_token stop,
                         GenerationReport* report = nullptr);

    /// Rows of a prompt after the splice. @throws Error when markers and pictures differ in number.
    int promptLength(const std::string& prompt, std::size_t pictures) const;
    /// The most rows that a prompt and its answer may have together: what the model was trained for.
    int longestSequence() const;
    /// Bytes of the key/value cache and of kept picture rows. From any thread.
    std::size_t cacheBytes() const;

    /// The pixels that the vision tower gets for `picture`: resized by the checkpoint's rule (Pillow bicubic), 8-bit RGB.
    Picture preprocessed(const Picture& picture) const;

private:
    struct Private;
    std::string generateOnce(const std::string& prompt, std::span<const Picture> pictures, const GenerationOptions& options,
                             const std::function<void(const std::string& piece)>& onText, std::stop_token stop, GenerationReport* report);
    explicit VilaModel(std::unique_ptr<Private> d);
    std::unique_ptr<Private> d;
};

} // namespace hf::assistant
