#include "assistant/engine/MemoryNeed.h"

#include "viewer/volume/Error.h"

#include <fmt/format.h>


namespace hf::assistant {

MemoryNeed memoryNeed(const VilaConfig& config, int bytesPerValue, const std::string& quantisation)
{
    const auto product = [](std::int64_t a, std::int64_t b) { return std::uint64_t(a) * std::uint64_t(b); };
    const LlamaConfig& l = config.llm;
    const SiglipConfig& v = config.vision;
    const std::uint64_t layer = product(l.hiddenSize, 2 * (l.heads + l.keyValueHeads) * l.headDim) + 3 * product(l.hiddenSize, l.intermediateSize);
    const std::uint64_t table = product(l.vocabSize, l.hiddenSize);
    const std::uint64_t vision = std::uint64_t(v.layers) * (4 * product(v.hiddenSize, v.hiddenSize) + 2 * product(v.hiddenSize, v.intermediateSize));
    const std::uint64_t projector = 4 * product(v.hiddenSize, l.hiddenSize) + product(l.hiddenSize, l.hiddenSize);
    // With a factor in fp16 for each 32 values: 34 or 18 bytes.
    const auto packed = [](std::uint64_t values, bool four) { return values / 32 * (four ? 18 : 34); };
    const auto wide = std::uint64_t(bytesPerValue);

    MemoryNeed need;
    const std::uint64_t matrices = layer * std::uint64_t(l.layers);
    const std::uint64_t head = l.tiedEmbeddings ? 0 : table;
    const bool isPacked = quantisation == "int8" || quantisation == "int4";
    need.weights = (table + vision + projector) * wide + (isPacked ? packed(matrices, quantisation == "int4") + packed(head, false) : (matrices + head) * wide);
    const std::int64_t longest = l.maxSequence > 0 ? std::min<std::int64_t>(l.maxSequence, config.longestSequence()) : config.longestSequence();
    need.cache = 2 * product(l.layers, longest) * product(l.keyValueHeads, l.headDim) * wide;
    // Some fp32 rows of a block of the prompt at once, and one matrix in full where it is packed.
    constexpr std::uint64_t kBlock = 1024, kLibraries = 64'000'000;
    need.working = kLibraries + kBlock * 4 * std::uint64_t(3 * l.intermediateSize + 8 * l.hiddenSize) + (isPacked ? product(l.hiddenSize, l.intermediateSize) * 4 : 0);
    return need;
}

void checkMemory(const VilaConfig& config, int bytesPerValue, const std::string& quantisation, std::uint64_t available)
{
    const auto needed = memoryNeed(config, bytesPerValue, quantisation).total();
    if (needed <= available) {
        return;
    }
    const auto gigabytes = [](std::uint64_t bytes) { return fmt::format("{:.1f} GB ({} bytes)", double(bytes) / 1e9, bytes); };
    std::string text = "the model needs " + gigabytes(needed) + ", " + gigabytes(available) + " are free; ";
    if (const auto then = memoryNeed(config, 2, quantisation).total(); bytesPerValue > 2 && then <= available) {
        throw Error(text + "with --precision bf16 it needs " + gigabytes(then), "memory");
    }
    for (const char* smaller : {"int8", "int4"}) {
        const auto then = memoryNeed(config, 2, smaller).total();
        if (then <= available && quantisation != smaller && quantisation != "int4") {
            throw Error(text + "with --quantization " + smaller + " (and --precision bf16) it needs " + gigabytes(then), "memory");
        }
    }
    throw Error(text + "no quantisation makes it fit", "memory");
}

} // namespace hf::assistant
