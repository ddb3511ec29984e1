#include "assistant/engine/VilaConfig.h"

#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <type_traits>
#include <utility>

namespace hf::assistant {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

json readJson(const fs::path& file)
{
    std::ifstream stream(file);
    if (!stream) {
        throw Error("the checkpoint has no " + file.string(), "checkpoint");
    }
    json content = json::parse(stream, nullptr, false);
    if (!content.is_object()) {
        throw Error(file.string() + " is not a JSON object", "checkpoint");
    }
    return content;
}

void writeJson(const fs::path& file, const json& content)
{
    std::ofstream stream(file, std::ios::trunc);
    stream << content.dump(2) << '\n';
    if (!stream) {
        throw Error("cannot write " + file.string(), "file");
    }
}

/// A value of a config file; a missing or null one keeps the default, one of a wrong type is an error that names it.
template <typename T> void take(const json& content, const char* key, T& target, const fs::path& file)
{
    if (!content.contains(key) || content[key].is_null()) {
        return;
    }
    if constexpr (std::is_same_v<T, int>) {
        const json& value = content[key];
        if (!value.is_number_integer() || !(value.is_number_unsigned() ? std::in_range<int>(value.get<std::uint64_t>()) : std::in_range<int>(value.get<std::int64_t>()))) {
            throw Error(file.string() + ": '" + key + "' is " + value.dump() + ", expected a whole number", "checkpoint");
        }
    }
    try {
        target = content[key].get<T>();
    } catch (const json::exception&) {
        throw Error(file.string() + ": the value of '" + key + "' has a wrong type", "checkpoint");
    }
}

template <typename T> void need(const json& content, const char* key, T& target, const fs::path& file)
{
    if (!content.contains(key) || content[key].is_null()) {
        throw Error(file.string() + " has no '" + key + "'", "checkpoint");
    }
    take(content, key, target, file);
}

/// Networks are built from these numbers before any weight is seen.
void checkRange(const char* key, int value, int least, int most, const fs::path& file)
{
    if (value < least || value > most) {
        throw Error(file.string() + ": '" + key + "' is " + std::to_string(value) + ", expected " + std::to_string(least) + " to " +
            std::to_string(most), "checkpoint");
    }
}

void checkRange(const char* key, double value, double least, double most, const fs::path& file)
{
    if (!(value >= least && value <= most)) {
        std::ostringstream text;
        text << file.string() << ": '" << key << "' is " << value << ", expected " << least << " to " << most;
        throw Error(text.str(), "checkpoint");
    }
}

void checkArchitecture(const json& content, const char* wanted, const fs::path& file)
{
    const std::string found = content.contains("architectures") && content["architectures"].is_array() && !content["architectures"].empty() &&
            content["architectures"][0].is_string() ? content["architectures"][0].get<std::string>() : "";
    std::string lower = found;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    if (lower.find(wanted) == std::string::npos) {
        throw Error(file.string() + ": architecture '" + found + "' is not supported (expected one with '" + wanted + "')", "checkpoint");
    }
}

/// Where a key is given it must have this value: the networks know no other.
void checkValue(const json& content, const char* key, const json& value, const fs::path& file)
{
    if (content.contains(key) && !content[key].is_null() && content[key] != value) {
        throw Error(file.string() + ": '" + key + "' is " + content[key].dump() + ", only " + value.dump() + " is supported", "checkpoint");
    }
}

/// The folder of a part: by rule `<root>/<name>`, or the string that config.json gives.
fs::path partPath(const json& top, const char* key, const fs::path& root, const char* name)
{
    if (top.contains(key) && top[key].is_string()) {
        const fs::path given = top[key].get<std::string>();
        return given.is_absolute() ? given : root / given;
    }
    return root / name;
}

SiglipConfig readSiglip(const fs::path& folder)
{
    const fs::path file = folder / "config.json";
    const json content = readJson(file);
    checkArchitecture(content, "siglip", file);
    SiglipConfig config;
    need(content, "hidden_size", config.hiddenSize, file);
    need(content, "intermediate_size", config.intermediateSize, file);
    need(content, "num_hidden_layers", config.layers, file);
    need(content, "num_attention_heads", config.heads, file);
    need(content, "image_size", config.imageSize, file);
    need(content, "patch_size", config.patchSize, file);
    take(content, "num_channels", config.channels, file);
    take(content, "layer_norm_eps", config.layerNormEps, file);
    checkRange("hidden_size", config.hiddenSize, 1, 16384, file);
    checkRange("intermediate_size", config.intermediateSize, 1, 65536, file);
    checkRange("num_hidden_layers", config.layers, 1, 256, file);
    checkRange("num_attention_heads", config.heads, 1, config.hiddenSize, file);
    checkRange("image_size", config.imageSize, 8, 4096, file);
    checkRange("patch_size", config.patchSize, 1, config.imageSize, file);
    checkRange("num_channels", config.channels, 3, 3, file);
    checkRange("layer_norm_eps", config.layerNormEps, 0.0, 1.0, file);
    checkValue(content, "hidden_act", "gelu_pytorch_tanh", file);
    if (config.hiddenSize % config.heads) {
        throw Error(file.string() + ": hidden_size is not a multiple of num_attention_heads", "checkpoint");
    }
    return config;
}

/// Older files call it "type", newer ones "rope_type"; the newest have it with rope_theta in "rope_parameters".
void readRopeScaling(const json& content, LlamaConfig& config, const fs::path& file)
{
    const bool isNewest = content.contains("rope_parameters") && !content["rope_parameters"].is_null();
    const char* const key = isNewest ? "rope_parameters" : "rope_scaling";
    if (!content.contains(key) || content[key].is_null()) {
        return;
    }
    const json& scaling = content[key];
    if (!scaling.is_object()) {
        throw Error(file.string() + ": '" + key + "' is not an object", "checkpoint");
    }
    take(scaling, "rope_theta", config.ropeTheta, file);
    const char* const type = scaling.contains("rope_type") ? "rope_type" : "type";
    if (!isNewest || scaling.contains(type)) {
        need(scaling, type, config.ropeScaling, file);
    }
    if (config.ropeScaling == "default" || config.ropeScaling == "none") {
        config.ropeScaling = "none";
        return;
    }
    if (config.ropeScaling != "linear" && config.ropeScaling != "dynamic" && config.ropeScaling != "llama3") {
        throw Error(file.string() + ": " + key + " of type '" + config.ropeScaling + "' is not supported (known: linear, dynamic, llama3)", "checkpoint");
    }
    need(scaling, "factor", config.ropeFactor, file);
    checkRange("factor", config.ropeFactor, 1.0, 1000.0, file);
    if (config.ropeScaling == "llama3") {
        need(scaling, "low_freq_factor", config.ropeLowTurns, file);
        need(scaling, "high_freq_factor", config.ropeHighTurns, file);
        need(scaling, "original_max_position_embeddings", config.ropeOriginalPositions, file);
        checkRange("original_max_position_embeddings", config.ropeOriginalPositions, 1, 100'000'000, file);
        checkRange("low_freq_factor", config.ropeLowTurns, 0.0, 1000.0, file);
        checkRange("high_freq_factor", config.ropeHighTurns, config.ropeLowTurns + 0.001, 1001.0, file);
    }
}

LlamaConfig readLlama(const fs::path& folder)
{
    constexpr int kMostPositions = 100'000'000;
    const fs::path file = folder / "config.json";
    const json content = readJson(file);
    checkArchitecture(content, "llama", file);
    LlamaConfig config;
    need(content, "hidden_size", config.hiddenSize, file);
    need(content, "intermediate_size", config.intermediateSize, file);
    need(content, "num_hidden_layers", config.layers, file);
    need(content, "num_attention_heads", config.heads, file);
    need(content, "vocab_size", config.vocabSize, file);
    config.keyValueHeads = config.heads;
    config.headDim = config.heads > 0 ? config.hiddenSize / config.heads : 0;
    take(content, "num_key_value_heads", config.keyValueHeads, file);
    take(content, "head_dim", config.headDim, file);
    config.ropeTheta = 10000;
    config.rmsNormEps = 1e-6;
    config.maxPositions = 2048;
    take(content, "rms_norm_eps", config.rmsNormEps, file);
    take(content, "rope_theta", config.ropeTheta, file);
    take(content, "max_position_embeddings", config.maxPositions, file);
    // Tokenizers without a limit write 1e30.
    if (double most = 0; content.contains("tokenizer_model_max_length")) {
        take(content, "tokenizer_model_max_length", most, file);
        config.maxSequence = most >= 1 && most <= kMostPositions ? int(most) : 0;
    }
    take(content, "tie_word_embeddings", config.tiedEmbeddings, file);
    readRopeScaling(content, config, file);
    checkValue(content, "hidden_act", "silu", file);
    checkValue(content, "attention_bias", false, file);
    checkValue(content, "mlp_bias", false, file);
    checkRange("hidden_size", config.hiddenSize, 1, 65536, file);
    checkRange("intermediate_size", config.intermediateSize, 1, 262144, file);
    checkRange("num_hidden_layers", config.layers, 1, 512, file);
    checkRange("num_attention_heads", config.heads, 1, config.hiddenSize, file);
    checkRange("num_key_value_heads", config.keyValueHeads, 1, config.heads, file);
    checkRange("head_dim", config.headDim, 2, 1024, file);
    checkRange("vocab_size", config.vocabSize, 1, 4'000'000, file);
    checkRange("max_position_embeddings", config.maxPositions, 1, kMostPositions, file);
    checkRange("rms_norm_eps", config.rmsNormEps, 0.0, 1.0, file);
    checkRange("rope_theta", config.ropeTheta, 1.0, 1e12, file);
    return config;
}

GenerationDefaults readGeneration(const fs::path& folder)
{
    GenerationDefaults defaults;
    const fs::path given = folder / "generation_config.json", general = folder / "config.json";
    const json first = fs::exists(given) ? readJson(given) : json::object(), second = readJson(general);
    // Older checkpoints have the ids in config.json only, some have one here and one there.
    const auto isIn = [&](const char* key) { return first.contains(key) && !first[key].is_null(); };
    const json& eos = isIn("eos_token_id") ? first : second;
    if (eos.contains("eos_token_id") && eos["eos_token_id"].is_number_integer()) {
        defaults.eosTokens = {eos["eos_token_id"].get<std::int64_t>()};
    } else {
        take(eos, "eos_token_id", defaults.eosTokens, isIn("eos_token_id") ? given : general);
    }
    const bool hasBos = isIn("bos_token_id");
    take(hasBos ? first : second, "bos_token_id", defaults.bosToken, hasBos ? given : general);
    return defaults;
}

PreprocessorConfig readPreprocessor(const fs::path& folder, const SiglipConfig& vision)
{
    PreprocessorConfig config;
    config.size = vision.imageSize;
    const fs::path file = folder / "preprocessor_config.json";
    if (!fs::exists(file)) {
        return config;
    }
    const json content = readJson(file);
    if (content.contains("size") && content["size"].is_object()) {
        take(content["size"], "height", config.size, file);
        checkValue(content["size"], "width", config.size, file);
    }
    take(content, "image_mean", config.mean, file);
    take(content, "image_std", config.standardDeviation, file);
    take(content, "rescale_factor", config.rescaleFactor, file);
    checkValue(content, "resample", 3, file);
    for (const char* step : {"do_resize", "do_rescale", "do_normalize"}) {
        checkValue(content, step, true, file);
    }
    if (config.mean.size() != 3 || config.standardDeviation.size() != 3 ||
        *std::min_element(config.standardDeviation.begin(), config.standardDeviation.end()) <= 0) {
        throw Error(file.string() + ": image_mean and image_std need three values, those of image_std greater than 0", "checkpoint");
    }
    if (config.size / vision.patchSize != vision.patchesPerSide()) {
        throw Error(file.string() + ": pictures of " + std::to_string(config.size) + " pixels do not fit the vision tower, which takes " +
            std::to_string(vision.imageSize), "checkpoint");
    }
    return config;
}

json siglipJson(const SiglipConfig& c)
{
    return {{"_name_or_path", "./vision_tower"}, {"architectures", {"SiglipVisionModel"}}, {"model_type", "siglip_vision_model"},
        {"attention_dropout", 0.0}, {"hidden_act", "gelu_pytorch_tanh"}, {"hidden_size", c.hiddenSize}, {"image_size", c.imageSize},
        {"intermediate_size", c.intermediateSize}, {"layer_norm_eps", c.layerNormEps}, {"num_attention_heads", c.heads},
        {"num_channels", c.channels}, {"num_hidden_layers", c.layers}, {"patch_size", c.patchSize}, {"torch_dtype", "bfloat16"}};
}

json ropeScalingJson(const LlamaConfig& c)
{
    if (c.ropeScaling == "none") {
        return {};
    }
    json scaling{{"type", c.ropeScaling}, {"factor", c.ropeFactor}};
    if (c.ropeScaling == "llama3") {
        scaling.update({{"low_freq_factor", c.ropeLowTurns}, {"high_freq_factor", c.ropeHighTurns}, {"original_max_position_embeddings", c.ropeOriginalPositions}});
    }
    return scaling;
}

json llamaJson(const LlamaConfig& c, const GenerationDefaults& g)
{
    json eos = g.eosTokens.size() == 1 ? json(g.eosTokens[0]) : json(g.eosTokens);
    return {{"_name_or_path", "./llm"}, {"architectures", {"LlamaForCausalLM"}}, {"model_type", "llama"}, {"attention_bias", false},
        {"attention_dropout", 0.0}, {"bos_token_id", g.bosToken}, {"eos_token_id", std::move(eos)}, {"hidden_act", "silu"}, {"hidden_size", c.hiddenSize},
        {"intermediate_size", c.intermediateSize}, {"max_position_embeddings", c.maxPositions}, {"num_attention_heads", c.heads},
        {"num_hidden_layers", c.layers}, {"num_key_value_heads", c.keyValueHeads}, {"head_dim", c.headDim}, {"pretraining_tp", 1},
        {"rms_norm_eps", c.rmsNormEps}, {"rope_scaling", ropeScalingJson(c)},
        {"rope_theta", c.ropeTheta}, {"tie_word_embeddings", c.tiedEmbeddings}, {"tokenizer_model_max_length", c.maxSequence ? json(c.maxSequence) : json()},
        {"tokenizer_padding_side", "right"}, {"torch_dtype", "bfloat16"}, {"use_cache", true}, {"vocab_size", c.vocabSize}};
}

} // namespace

int VilaConfig::tokensPerImage() const
{
    const int side = vision.patchesPerSide();
    const int half = (side + 1) / 2;
    return projectorType == "mlp_downsample" ? half * half : side * side;
}

std::int64_t VilaConfig::longestSequence() const
{
    const bool isStretched = llm.ropeScaling == "linear" || llm.ropeScaling == "dynamic";
    return std::int64_t(double(llm.maxPositions) * (isStretched ? llm.ropeFactor : 1));
}

PartFolders partFolders(const fs::path& root)
{
    const json top = readJson(root / "config.json");
    return {partPath(top, "llm_cfg", root, "llm"), partPath(top, "vision_tower_cfg", root, "vision_tower"), partPath(top, "mm_projector_cfg", root, "mm_projector")};
}

fs::path tokenizerFolder(const fs::path& root)
{
    const fs::path folder = partFolders(root).llm;
    return !fs::exists(folder / "tokenizer_config.json") && fs::exists(folder / "llm/tokenizer_config.json") ? folder / "llm" : folder;
}

fs::path checkpointRoot(const fs::path& directory)
{
    if (!fs::is_directory(directory)) {
        throw Error("there is no model folder " + directory.string(), "not-found");
    }
    if (!fs::exists(directory / "config.json") && fs::exists(directory / "model" / "config.json")) {
        return directory / "model";
    }
    return directory;
}

VilaConfig loadVilaConfig(const fs::path& root)
{
    const fs::path file = root / "config.json";
    const json top = readJson(file);
    checkArchitecture(top, "llava", file);
    VilaConfig config;
    take(top, "mm_vision_select_layer", config.visionSelectLayer, file);
    take(top, "image_aspect_ratio", config.imageAspectRatio, file);
    checkValue(top, "s2", false, file);
    checkValue(top, "mm_use_im_start_end", false, file);
    const PartFolders folders = partFolders(root);
    config.vision = readSiglip(folders.visionTower);
    config.preprocessor = readPreprocessor(folders.visionTower, config.vision);
    config.llm = readLlama(folders.llm);
    config.generation = readGeneration(folders.llm);
    const fs::path projector = folders.projector / "config.json";
    need(readJson(projector), "mm_projector_type", config.projectorType, projector);
    if (top.contains("hounsfield") && top["hounsfield"].is_object()) {
        const json& own = top["hounsfield"];
        take(own, "name", config.hounsfield.name, file);
        take(own, "version", config.hounsfield.version, file);
        take(own, "licence", config.hounsfield.licence, file);
        take(own, "conversation", config.hounsfield.conversation, file);
        take(own, "demo", config.hounsfield.isDemo, file);
        take(own, "quantisation", config.quantisation, file);
    }
    return config;
}

void saveVilaConfig(const VilaConfig& c, const fs::path& root)
{
    for (const char* part : {"llm", "vision_tower", "mm_projector"}) {
        fs::create_directories(root / part);
    }
    const json vision = siglipJson(c.vision), llm = llamaJson(c.llm, c.generation);
    const json projector{{"_name_or_path", "./mm_projector"}, {"architectures", {"MultimodalProjector"}},
        {"mm_projector_type", c.projectorType}, {"model_type", "v2l_projector"}, {"torch_dtype", "bfloat16"}};
    json top{{"architectures", {"LlavaLlamaModel"}}, {"model_type", "llava_llama"}, {"hidden_size", c.llm.hiddenSize},
        {"mm_hidden_size", c.vision.hiddenSize}, {"image_aspect_ratio", c.imageAspectRatio}, {"mm_vision_select_layer", c.visionSelectLayer},
        {"mm_vision_select_feature", "cls_patch"}, {"mm_use_im_start_end", false}, {"mm_use_im_patch_token", false}, {"s2", false},
        {"s2_scales", "336,672,1008"}, {"s2_max_split_size", 336}, {"vision_resolution", -1}, {"interpolate_mode", "linear"},
        {"num_video_frames", 8}, {"drop_path_rate", 0.0}, {"mm_projector_lr", nullptr}, {"model_dtype", "torch.bfloat16"},
        {"resume_path", "./vlm"}, {"tune_language_model", true}, {"tune_vision_tower", true}, {"tune_mm_projector", true},
        {"llm_cfg", llm}, {"vision_tower_cfg", vision}, {"mm_projector_cfg", projector}};
    if (!c.hounsfield.name.empty()) {
        top["hounsfield"] = {{"name", c.hounsfield.name}, {"version", c.hounsfield.version}, {"licence", c.hounsfield.licence},
            {"conversation", c.hounsfield.conversation}, {"demo", c.hounsfield.isDemo}};
    }
    writeJson(root / "config.json", top);
    writeJson(root / "llm" / "config.json", llm);
    writeJson(root / "llm" / "generation_config.json", {{"bos_token_id", c.generation.bosToken}, {"eos_token_id", c.generation.eosTokens}});
    writeJson(root / "vision_tower" / "config.json", vision);
    writeJson(root / "vision_tower" / "preprocessor_config.json",
        {{"do_normalize", true}, {"do_rescale", true}, {"do_resize", true}, {"image_mean", c.preprocessor.mean},
            {"image_processor_type", "SiglipImageProcessor"}, {"image_std", c.preprocessor.standardDeviation}, {"resample", 3},
            {"rescale_factor", c.preprocessor.rescaleFactor}, {"size", {{"height", c.preprocessor.size}, {"width", c.preprocessor.size}}}});
    writeJson(root / "mm_projector" / "config.json", projector);
}

} // namespace hf::assistant
