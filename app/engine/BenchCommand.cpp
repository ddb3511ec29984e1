#include "app/engine/Commands.h"
#include "app/engine/ModelArguments.h"
#include "app/engine/StopOnSignal.h"
#include "app/engine/TemporaryFolder.h"
#include "assistant/engine/LlamaDecoder.h"
#include "assistant/engine/Prompt.h"
#include "assistant/engine/Tokenizer.h"
#include "assistant/engine/VilaNetworks.h"
#include "experts/runtime/Cuda.h"
#include "experts/runtime/Safetensors.h"

#include <nlohmann/json.hpp>
#include <torch/utils.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>

#include <sys/resource.h>

namespace hf::app {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Reference vila-m3.md 1.4.
assistant::VilaConfig shapeOf(const std::string& name, int layers)
{
    assistant::VilaConfig config;
    assistant::LlamaConfig& llm = config.llm;
    llm.maxPositions = 4096;
    llm.ropeTheta = 10000;
    llm.vocabSize = 32000;
    if (name == "3b") {
        llm.hiddenSize = 2560, llm.intermediateSize = 6912, llm.layers = 32, llm.heads = llm.keyValueHeads = 20;
    } else if (name == "13b") {
        llm.hiddenSize = 5120, llm.intermediateSize = 13824, llm.layers = 40, llm.heads = llm.keyValueHeads = 40;
    } else if (name == "8b") {
        llm.vocabSize = 128257;     // the rest is the default
        llm.ropeTheta = 500000;
        llm.maxPositions = 8192;
    } else {
        throw Error("--shape is 3b, 8b or 13b", "usage");
    }
    llm.layers = layers > 0 ? layers : llm.layers;
    llm.maxSequence = 4096;
    config.generation = {{1}, 0};
    return config;
}

/// Writes a checkpoint tensor by tensor: every weight is a piece of the same random numbers.
class RandomCheckpoint {
public:
    RandomCheckpoint(const assistant::VilaConfig& config, const fs::path& root, std::stop_token stop) : m_root(root), m_stop(std::move(stop))
    {
        torch::manual_seed(1);
        m_noise = (torch::randn({1 << 24}) * 0.02).to(torch::kBFloat16);
        assistant::saveVilaConfig(config, root);
        const assistant::WithoutWeights withoutWeights;
        const assistant::VilaNetworks networks(config);
        write(*networks.llm, "llm");
        write(*networks.vision, "vision_tower");
        write(*networks.projector, "mm_projector");
        writeTokenizer();
    }

private:
    torch::Tensor piece(at::IntArrayRef shape, const std::string& name)
    {
        if (shape.size() == 1 && name.ends_with("weight")) {
            return torch::ones(shape, torch::kBFloat16);
        }
        const std::int64_t count = c10::multiply_integers(shape);
        torch::Tensor values = torch::empty({count}, torch::kBFloat16);
        for (std::int64_t at = 0; at < count;) {
            m_from = (m_from + 7919) % (m_noise.numel() / 2);
            const std::int64_t part = std::min(count - at, m_noise.numel() - m_from);
            values.narrow(0, at, part).copy_(m_noise.narrow(0, m_from, part));
            at += part;
        }
        return values.view(shape);
    }

    /// In shards of about a gigabyte with an index, as published.
    void write(const torch::nn::Module& module, const std::string& part)
    {
        json index{{"weight_map", json::object()}};
        runtime::TensorMap shard;
        std::size_t bytes = 0, number = 0;
        const auto flush = [&] {
            const std::string file = "model-" + std::to_string(++number) + ".safetensors";
            runtime::writeSafetensors(m_root / part / file, shard, {{"format", "pt"}});
            for (const auto& [name, tensor] : shard) {
                index["weight_map"][name] = file;
            }
            shard.clear();
            bytes = 0;
        };
        for (const auto& parameter : module.named_parameters()) {
            throwIfStopped(m_stop);
            shard[parameter.key()] = piece(parameter.value().sizes(), parameter.key());
            bytes += shard[parameter.key()].nbytes();
            if (bytes > 1'000'000'000) {
                flush();
            }
        }
        flush();
        std::ofstream(m_root / part / "model.safetensors.index.json") << index.dump();
    }

    void writeTokenizer()
    {
        const std::vector<std::string> texts{"the image shows the lung and the liver and the spleen"}, specials{"<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"};
        std::ofstream(m_root / "llm/tokenizer.json") << assistant::trainTokenizer(texts, 300, specials);
    }

    fs::path m_root;
    std::stop_token m_stop;
    torch::Tensor m_noise;
    std::int64_t m_from = 0;
};

/// A prompt with one picture of exactly `rows` rows; `question` are the letters at its end.
std::string promptOf(const assistant::VilaModel& model, int rows, const std::string& question)
{
    std::string text;
    const auto prompt = [&] { return "<image>" + text + question; };
    // Letters are one token each in the benchmark's vocabulary, or nearly.
    while (model.promptLength(prompt(), 1) < rows) {
        text += char('A' + text.size() % 23);
    }
    return prompt();
}

Picture noisePicture(int size)
{
    Picture picture{size, size, {}};
    std::uint32_t state = 1;
    for (int n = 0; n < size * size * 3; ++n) {
        state = state * 1664525 + 1013904223;
        picture.rgb.push_back(std::uint8_t(state >> 24));
    }
    return picture;
}

assistant::GenerationReport ask(assistant::VilaModel& model, const std::string& prompt, const Picture& picture, int tokens, const std::stop_token& stop)
{
    assistant::GenerationOptions options;
    options.maxNewTokens = tokens;
    options.forcedTokens.assign(std::size_t(tokens), 40);   // an answer of random weights may end at once
    assistant::GenerationReport report;
    model.generate(prompt, std::span(&picture, 1), options, {}, stop, &report);
    return report;
}

} // namespace

namespace {

/// Bytes a second that the device reads: on the CPU with all threads; a GPU copies memory to itself, read and written bytes together.
double measuredBandwidth(torch::Device device)
{
    if (device.is_cpu()) {
        return assistant::measuredReadBandwidth();
    }
    constexpr std::int64_t kBytes = std::int64_t(1) << 31;
    constexpr int kPasses = 10;
    const torch::Tensor from = torch::ones({kBytes}, torch::TensorOptions().dtype(torch::kByte).device(device));
    torch::Tensor to = torch::empty_like(from);
    double best = 0;
    for (int pass = 0; pass < kPasses; ++pass) {
        runtime::synchronise(device);
        const auto start = Clock::now();
        to.copy_(from);
        runtime::synchronise(device);
        best = std::max(best, 2 * double(kBytes) / secondsSince(start));
    }
    return best;
}

json measure(const fs::path& folder, const std::string& shape, const std::string& precision, const std::string& device, int tokens, double bandwidth, const std::stop_token& stop)
{
    assistant::LoadOptions options;
    options.device = device;
    const bool isPacked = precision == "int8" || precision == "int4";
    options.dtype = isPacked ? "bf16" : precision;
    options.quantisation = isPacked ? precision : "none";
    const torch::Device place = runtime::chooseDevice(device);
    runtime::resetPeakDeviceBytes(place);
    const auto start = Clock::now();
    const auto model = assistant::VilaModel::load(folder, options, {}, stop);
    const double loadSeconds = secondsSince(start);

    constexpr int kRows = 700, kQuestionLetters = 24;
    const Picture picture = model->preprocessed(noisePicture(384));
    // Questions of as many tokens as one has that a reader types; nothing of the first ones' picture is left for the others.
    const std::string first(kQuestionLetters, 'Y'), second(kQuestionLetters, 'Z');
    ask(*model, promptOf(*model, kRows, first), noisePicture(100), 3, stop);      // what a first run sets up, for both lengths
    ask(*model, promptOf(*model, kRows, second), noisePicture(100), 3, stop);
    const auto cold = ask(*model, promptOf(*model, kRows, first), picture, tokens, stop);
    const auto warm = ask(*model, promptOf(*model, kRows, second), picture, 2, stop);
    const double decodePerSecond = (cold.newTokens - 1) / (cold.decodeMs / 1e3);
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return {{"shape", shape}, {"precision", precision}, {"device", model->info().device}, {"device_name", model->info().deviceName}, {"remark", model->info().remark},
        {"load_s", loadSeconds}, {"picture_ms", cold.encodeMs}, {"prefill_tokens_per_s", (cold.promptTokens - cold.cachedTokens) / (cold.prefillMs / 1e3)},
        {"decode_tokens_per_s", decodePerSecond}, {"decode_gb_per_s", decodePerSecond * double(model->info().bytesPerToken) / 1e9}, {"bandwidth_gb_per_s", bandwidth / 1e9},
        {"first_token_ms", cold.firstTokenMs}, {"first_token_warm_ms", warm.firstTokenMs}, {"prompt_tokens", cold.promptTokens},
        {"warm_cached_tokens", warm.cachedTokens}, {"peak_rss_bytes", std::int64_t(usage.ru_maxrss) * 1024}, {"peak_device_bytes", runtime::peakDeviceBytes(place)}};
}

} // namespace

int benchModelCommand(std::span<const std::string> words)
{
    const Arguments arguments(words, {"--shape", "--precision", "--device", "--layers", "--folder", "--tokens"}, {"--json", "--keep"});
    const StopOnSignal signal;  // the temporary folder goes then, too
    const std::string shape = arguments.value("--shape", "3b"), device = arguments.value("--device", "cpu");
    const int tokens = std::max(2, int(arguments.number("--tokens", 32, 1, 1'000'000)));
    const assistant::VilaConfig config = shapeOf(shape, int(arguments.number("--layers", 0, 0, 512)));
    const torch::Device place = runtime::chooseDevice(device);
    std::optional<TemporaryFolder> temporary;
    fs::path folder = arguments.value("--folder", fs::temp_directory_path().string());
    if (!arguments.has("--keep")) {
        folder = temporary.emplace(folder).path;
    }
    if (!fs::exists(folder / "config.json")) {
        RandomCheckpoint(config, folder, signal.token());
    }
    const double bandwidth = measuredBandwidth(place);
    std::istringstream precisions(arguments.value("--precision", "bf16"));
    for (std::string precision; std::getline(precisions, precision, ',');) {
        const json result = measure(folder, shape, precision, device, tokens, bandwidth, signal.token());
        if (arguments.has("--json")) {
            std::printf("%s\n", result.dump().c_str());
        } else {
            for (const auto& [name, value] : result.items()) {
                std::printf("%-22s %s\n", name.c_str(), value.dump().c_str());
            }
        }
        std::fflush(stdout);
    }
    return 0;
}

} // namespace hf::app
