#include "assistant/engine/VilaModel.h"

#include "assistant/engine/CallGuide.h"
#include "assistant/engine/CudaPlugin.h"
#include "assistant/engine/MemoryNeed.h"
#include "assistant/engine/PillowResize.h"
#include "assistant/engine/Tokenizer.h"
#include "assistant/engine/VilaNetworks.h"
#include "experts/runtime/Cuda.h"
#include "experts/runtime/Sha256.h"
#include "viewer/volume/Error.h"

#include <torch/utils.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <future>
#include <list>
#include <random>

namespace hf::assistant {

namespace fs = std::filesystem;

namespace {

const std::string kImageMarker = "<image>";
constexpr std::size_t kCachedPictures = 32;

double millisecondsSince(std::chrono::steady_clock::time_point start)
{
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

std::vector<std::string> splitAtImages(const std::string& prompt)
{
    std::vector<std::string> chunks;
    std::size_t begin = 0;
    for (std::size_t at = prompt.find(kImageMarker); at != std::string::npos; at = prompt.find(kImageMarker, begin)) {
        chunks.push_back(prompt.substr(begin, at - begin));
        begin = at + kImageMarker.size();
    }
    chunks.push_back(prompt.substr(begin));
    return chunks;
}

/// A row of the spliced sequence: a token, or a row of a picture (negative, by content). Equal keys give equal keys and values.
using RowKey = std::int64_t;

/// Bytes of the white space that begins at `at`, as Python's str.strip() knows it; 0 for another character.
std::size_t spaceBytes(const std::string& text, std::size_t at)
{
    const auto byte = [&](std::size_t n) { return at + n < text.size() ? unsigned(std::uint8_t(text[at + n])) : 0; };
    const unsigned first = byte(0);
    if (first == ' ' || (first >= 0x09 && first <= 0x0D) || (first >= 0x1C && first <= 0x1F)) {
        return 1;
    }
    if (first == 0xC2 && (byte(1) == 0x85 || byte(1) == 0xA0)) {
        return 2;
    }
    const unsigned three = first << 16 | byte(1) << 8 | byte(2);    // U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000
    return three == 0xE19A80 || (three >= 0xE28080 && three <= 0xE2808A) || three == 0xE280A8 || three == 0xE280A9 || three == 0xE280AF || three == 0xE2819F ||
            three == 0xE38080 ? 3 : 0;
}

/// @param text  valid UTF-8.
std::string trimmed(const std::string& text)
{
    std::size_t begin = 0;
    while (const std::size_t bytes = spaceBytes(text, begin)) {
        begin += bytes;
    }
    std::size_t end = begin;
    for (std::size_t at = begin; at < text.size();) {
        const std::size_t bytes = spaceBytes(text, at);
        at += std::max<std::size_t>(bytes, 1);
        end = bytes ? end : at;
    }
    return text.substr(begin, end - begin);
}

/// Picks the next token from fp32 logits [V]. Order of operations as in reference vila-m3.md section 5.
class Sampler {
public:
    Sampler(const GenerationOptions& options, std::vector<TokenId> eos) : m_options(options), m_eos(std::move(eos)), m_random(options.seed) {}

    /// @param best  the place of the largest, where it is known.
    TokenId pick(torch::Tensor logits, int produced, std::optional<TokenId> best)
    {
        if (best && m_options.temperature <= 0 && produced >= m_options.minNewTokens) {
            return *best;
        }
        if (produced < m_options.minNewTokens) {
            for (const TokenId id : m_eos) {
                if (id < logits.size(0)) {
                    logits[id] = -std::numeric_limits<float>::infinity();
                }
            }
        }
        return m_options.temperature > 0 ? draw(logits) : logits.argmax().item<std::int64_t>();
    }

private:
    TokenId draw(const torch::Tensor& logits)
    {
        constexpr std::int64_t kTopK = 50;
        const auto [values, ids] = (logits / m_options.temperature).topk(std::min(kTopK, logits.size(0)));
        const torch::Tensor chances = at::softmax(values, 0).to(at::kCPU).contiguous();
        const float* chance = chances.data_ptr<float>();
        double kept = 0;
        std::int64_t count = 0;
        while (count < chances.size(0) && (count == 0 || kept < m_options.topP)) {
            kept += chance[count++];
        }
        double target = std::uniform_real_distribution<double>(0, kept)(m_random);
        std::int64_t chosen = 0;
        while (chosen + 1 < count && target >= chance[chosen]) {
            target -= chance[chosen++];
        }
        return ids[chosen].item<std::int64_t>();
    }

    GenerationOptions m_options;
    std::vector<TokenId> m_eos;
    std::mt19937 m_random;
};

} // namespace

/// What is kept of one conversation: keys and values of its rows.
struct KeptConversation {
    KeyValueCache cache;
    std::vector<RowKey> keys;

    std::size_t bytes() const
    {
        std::size_t bytes = 0;
        for (const KeyValueCache::Layer& layer : cache.layers) {
            bytes += layer.keys.nbytes() + layer.values.nbytes();
        }
        return bytes;
    }
    /// Rows that a sequence shares with it, the last one excepted, which is computed anew.
    std::int64_t shared(const std::vector<RowKey>& sequence) const
    {
        const auto place = std::mismatch(keys.begin(), keys.end(), sequence.begin(), sequence.end()).first;
        return std::min({std::int64_t(place - keys.begin()), std::int64_t(sequence.size()) - 1, cache.length});
    }
    /// The first `rows` rows, with room for `room`.
    KeptConversation copied(const Llama& llm, std::int64_t rows, std::int64_t room) const
    {
        constexpr std::int64_t kStep = 256;
        KeptConversation copy{llm->makeCache((room + kStep - 1) / kStep * kStep), {keys.begin(), keys.begin() + rows}};
        for (std::size_t layer = 0; layer < cache.layers.size() && rows > 0; ++layer) {
            copy.cache.layers[layer].keys.narrow(2, 0, rows).copy_(cache.layers[layer].keys.narrow(2, 0, rows));
            copy.cache.layers[layer].values.narrow(2, 0, rows).copy_(cache.layers[layer].values.narrow(2, 0, rows));
        }
        copy.cache.length = rows;
        return copy;
    }
};

struct VilaModel::Private {
    VilaNetworks networks;
    Tokenizer tokenizer;
    ModelInfo info;
    torch::Device device{torch::kCPU};
    torch::ScalarType type = torch::kFloat;
    std::vector<TokenId> stopTokens;

    /// Picture rows by content, most recently used first.
    std::list<std::pair<std::string, torch::Tensor>> pictureRows;
    std::list<KeptConversation> conversations;      ///< most recently used first; the first is the one that is gone on with
    std::uint64_t conversationLimit = 0;        ///< bytes of all but the first
    std::atomic<std::size_t> cacheBytes = 0;
    std::unique_ptr<LlamaDecoder> decoder;      ///< on the CPU
    std::unique_ptr<CudaDecoder> cudaDecoder;   ///< on a GPU
    Rotary angles;                              ///< of the first positions, fp32 on the CPU
    std::optional<TokenId> best;                ///< of the last logits, where it is known

    Private(VilaNetworks n, Tokenizer t) : networks(std::move(n)), tokenizer(std::move(t)) {}

    torch::Tensor rowsOf(const Picture& picture, std::string& hash, const std::stop_token& stop);
    std::vector<TokenId> promptIds(const std::string& prompt, std::size_t pictures) const;
    torch::Tensor splice(const std::vector<TokenId>& ids, std::span<const Picture> pictures, std::vector<RowKey>& keys, const std::stop_token& stop);
    std::int64_t reuse(const std::vector<RowKey>& keys, std::int64_t room);
    torch::Tensor prefill(const torch::Tensor& rows, const std::stop_token& stop);
    torch::Tensor singleRow(const torch::Tensor& row);
    Rotary anglesAt(std::int64_t position);
    torch::Tensor advance(TokenId token, const std::stop_token& stop);
    std::vector<double> logChances(std::int64_t row, std::span<const std::vector<TokenId>> wordings, const std::stop_token& stop);
    std::vector<TokenId> likeliestCall(const CallGuide& guide, std::int64_t row, std::span<const TokenId> written, const std::stop_token& stop);
    torch::Tensor replace(std::int64_t row, const std::vector<TokenId>& tokens, const std::stop_token& stop);
    void freeCaches();
    void countCaches();
    void findStopTokens();
};

torch::Tensor VilaModel::Private::rowsOf(const Picture& picture, std::string& hash, const std::stop_token& stop)
{
    hash = runtime::sha256Of(std::as_bytes(std::span(picture.rgb)));
    for (auto entry = pictureRows.begin(); entry != pictureRows.end(); ++entry) {
        if (entry->first == hash) {
            pictureRows.splice(pictureRows.begin(), pictureRows, entry);
            return pictureRows.front().second;
        }
    }
    const torch::Tensor pixels = pixelTensor(std::span(&picture, 1), networks.config.preprocessor).to(device, type);
    pictureRows.emplace_front(hash, networks.encode(pixels, stop)[0]);
    if (pictureRows.size() > kCachedPictures) {
        pictureRows.pop_back();
    }
    return pictureRows.front().second;
}

/// Reference vila-m3.md 3.2: chunks are tokenised one by one; what the tokenizer puts in front of every text is kept once. A picture is -200.
std::vector<TokenId> VilaModel::Private::promptIds(const std::string& prompt, std::size_t pictures) const
{
    const std::vector<std::string> chunks = splitAtImages(prompt);
    if (chunks.size() != pictures + 1) {
        throw Error("the prompt has " + std::to_string(chunks.size() - 1) + " <image> markers for " + std::to_string(pictures) + " pictures", "arguments");
    }
    std::vector<TokenId> ids;
    std::size_t offset = 0;
    for (std::size_t n = 0; n < chunks.size(); ++n) {
        const std::vector<TokenId> chunk = tokenizer.encode(chunks[n]);
        if (n == 0 && !chunk.empty() && chunk[0] == networks.config.generation.bosToken) {
            offset = 1;
            ids.push_back(chunk[0]);
        }
        if (n > 0) {
            ids.push_back(-200);
        }
        ids.insert(ids.end(), chunk.begin() + std::ptrdiff_t(std::min(offset, chunk.size())), chunk.end());
    }
    return ids;
}

torch::Tensor VilaModel::Private::splice(const std::vector<TokenId>& ids, std::span<const Picture> pictures, std::vector<RowKey>& keys, const std::stop_token& stop)
{
    std::vector<torch::Tensor> parts;
    std::vector<TokenId> text;
    const auto flush = [&] {
        if (!text.empty()) {
            parts.push_back(networks.llm->embed(at::tensor(text, at::kLong).to(device)));
            keys.insert(keys.end(), text.begin(), text.end());
            text.clear();
        }
    };
    std::size_t next = 0;
    const auto vocabulary = TokenId(networks.config.llm.vocabSize);
    for (const TokenId id : ids) {
        if (id != -200) {
            if (id >= vocabulary) {
                throw Error("the tokenizer gives the id " + std::to_string(id) + ", the language model knows " + std::to_string(vocabulary), "checkpoint");
            }
            text.push_back(id);
            continue;
        }
        flush();
        std::string hash;
        const torch::Tensor rows = rowsOf(pictures[next++], hash, stop);
        for (std::int64_t row = 0; row < rows.size(0); ++row) {
            keys.push_back(-1 - std::int64_t((std::hash<std::string>()(hash + "#" + std::to_string(row))) >> 1));
        }
        parts.push_back(rows);
    }
    flush();
    return at::cat(parts, 0);
}

/// Makes the conversation that shares most with the sequence the first one, with room for `room` rows. One that would lose most of its own
/// rows is left as it is, and a new one begins with what they share.
/// @return rows that are there already.
std::int64_t VilaModel::Private::reuse(const std::vector<RowKey>& keys, std::int64_t room)
{
    const LlamaConfig& llm = networks.config.llm;
    auto best = conversations.begin();
    std::int64_t same = 0;
    for (auto conversation = conversations.begin(); conversation != conversations.end(); ++conversation) {
        // With dynamic scaling, keys depend on the length of the prompt that they were computed for.
        const bool isOther = llm.ropeScaling == "dynamic" && std::int64_t(std::max(keys.size(), conversation->keys.size())) > llm.maxPositions;
        if (const std::int64_t shared = isOther ? 0 : conversation->shared(keys); shared > same) {
            best = conversation;
            same = shared;
        }
    }
    const bool isNew = best == conversations.end() || 2 * same < std::int64_t(best->keys.size());
    if (isNew) {
        conversations.push_front(best == conversations.end() ? KeptConversation().copied(networks.llm, 0, room) : best->copied(networks.llm, same, room));
    } else {
        conversations.splice(conversations.begin(), conversations, best);
        if (conversations.front().cache.layers[0].keys.size(2) < room) {
            conversations.front() = conversations.front().copied(networks.llm, same, room);
        }
    }
    std::size_t others = 0;
    for (auto conversation = std::next(conversations.begin()); conversation != conversations.end();) {
        others += conversation->bytes();
        conversation = others > conversationLimit ? conversations.erase(conversation) : std::next(conversation);
    }
    conversations.front().cache.truncate(same);
    conversations.front().keys.resize(std::size_t(same));
    return same;
}

void VilaModel::Private::freeCaches()
{
    pictureRows.clear();
    conversations.clear();
    countCaches();
}

void VilaModel::Private::countCaches()
{
    std::size_t bytes = 0;
    for (const KeptConversation& conversation : conversations) {
        bytes += conversation.bytes();
    }
    for (const auto& [hash, rows] : pictureRows) {
        bytes += rows.nbytes();
    }
    cacheBytes = bytes;
}

/// Of one position, fp32 on the CPU.
Rotary VilaModel::Private::anglesAt(std::int64_t position)
{
    const torch::Tensor like = at::empty({0}, at::kFloat);
    if (networks.config.llm.ropeScaling == "dynamic") {
        return networks.llm->rotary(position, 1, 0, like);
    }
    if (!angles.cosine.defined() || angles.cosine.size(0) <= position) {
        constexpr std::int64_t kMore = 1024;
        angles = networks.llm->rotary(0, position + kMore, 0, like);
    }
    return {angles.cosine[position], angles.sine[position]};
}

/// Logits after one more token of the answer.
torch::Tensor VilaModel::Private::advance(TokenId token, const std::stop_token& stop)
{
    if (!cudaDecoder) {
        return prefill(networks.llm->embed(at::tensor({token}, at::kLong).to(device)), stop);
    }
    throwIfStopped(stop);
    KeyValueCache& cache = conversations.front().cache;
    const Rotary here = anglesAt(cache.length);
    const CudaDecoder::Step step = cudaDecoder->step(token, cache, here.cosine.data_ptr<float>(), here.sine.data_ptr<float>());
    best = step.best;
    return step.logits.narrow(0, 0, std::min(step.logits.size(0), std::int64_t(tokenizer.size())));
}

/// Mean logarithm of the probabilities of each wording's tokens but the first, which is given: a name is one choice, spelt in several tokens, and
/// long ones are no less meant.
/// @param row  where their first token stands in the conversation.
std::vector<double> VilaModel::Private::logChances(std::int64_t row, std::span<const std::vector<TokenId>> wordings, const std::stop_token& stop)
{
    constexpr std::size_t kAtOnce = 16;
    KeyValueCache before = conversations.front().cache;
    before.truncate(row - 1);
    const TokenId last = conversations.front().keys[std::size_t(row - 1)];
    std::vector<double> chances;
    for (std::size_t first = 0; first < wordings.size(); first += kAtOnce) {
        const auto some = wordings.subspan(first, std::min(kAtOnce, wordings.size() - first));
        const std::size_t longest = std::max_element(some.begin(), some.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); })->size();
        torch::Tensor ids = at::zeros({std::int64_t(some.size()), std::int64_t(longest) + 1}, at::kLong);
        for (std::size_t n = 0; n < some.size(); ++n) {
            ids[std::int64_t(n)][0] = last;
            ids[std::int64_t(n)].narrow(0, 1, std::int64_t(some[n].size())).copy_(at::tensor(some[n], at::kLong));
        }
        const torch::Tensor hidden = networks.llm->forwardBranches(before, networks.llm->embed(ids.to(device)), stop);
        for (std::size_t n = 0; n < some.size(); ++n) {
            const auto count = std::int64_t(some[n].size());
            const torch::Tensor logits = networks.llm->logits(hidden[std::int64_t(n)].narrow(0, 0, count));
            const torch::Tensor logs = at::log_softmax(logits.narrow(1, 0, std::int64_t(tokenizer.size())), 1).to(at::kCPU).contiguous();
            const auto log = logs.accessor<float, 2>();
            double sum = 0;
            for (std::int64_t token = 1; token < count; ++token) {
                sum += log[token][some[n][std::size_t(token)]];
            }
            chances.push_back(sum / double(std::max<std::int64_t>(count - 1, 1)));
        }
    }
    return chances;
}

/// The tokens of an offered call with the arguments of the guide's last, up to what closes it, whose name the model finds likeliest after
/// `written`: one with the letter that was written first, where there is such a one. Nothing where the model means none.
/// @param row  where the token with the "<" stands in the conversation.
std::vector<TokenId> VilaModel::Private::likeliestCall(const CallGuide& guide, std::int64_t row, std::span<const TokenId> written, const std::stop_token& stop)
{
    struct Choice { bool isAlike; double chance; std::vector<TokenId> tokens; };
    if (conversations.front().keys[std::size_t(row - 1)] < 0) {
        return {};
    }
    std::vector<std::vector<TokenId>> names;
    std::vector<Choice> choices;
    for (const std::string& call : guide.alternatives()) {
        const std::size_t parenthesis = call.find('('), close = call.ends_with(')') ? call.size() - 1 : call.size();
        // What closes a call belongs to a token with more in it: ")>."
        std::vector<TokenId> name = guide.tokensOf(written, call.substr(0, parenthesis)), whole = guide.tokensOf(written, call.substr(0, call.ends_with("()") ? parenthesis : close));
        if (!name.empty() && !whole.empty()) {
            names.push_back(std::move(name));
            choices.push_back({call[0] == guide.text()[0], 0, std::move(whole)});
        }
    }
    const std::vector<double> chances = logChances(row, names, stop);
    for (std::size_t n = 0; n < choices.size(); ++n) {
        choices[n].chance = chances[n];
    }
    const auto best = std::max_element(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) { return std::pair(a.isAlike, a.chance) < std::pair(b.isAlike, b.chance); });
    return best != choices.end() && (guide.hasArguments() || best->chance >= std::log(CallGuide::kMeant)) ? best->tokens : std::vector<TokenId>();
}

/// Logits after `tokens` instead of what the conversation has from `row` on.
torch::Tensor VilaModel::Private::replace(std::int64_t row, const std::vector<TokenId>& tokens, const std::stop_token& stop)
{
    KeptConversation& conversation = conversations.front();
    conversation.cache.truncate(row);
    conversation.keys.resize(std::size_t(row));
    const torch::Tensor logits = prefill(networks.llm->embed(at::tensor(tokens, at::kLong).to(device)), stop);
    conversation.keys.insert(conversation.keys.end(), tokens.begin(), tokens.end());
    return logits;
}

/// The same as a prefill of one row, at the speed of memory.
torch::Tensor VilaModel::Private::singleRow(const torch::Tensor& row)
{
    KeyValueCache& cache = conversations.front().cache;
    const torch::Tensor embedding = row.to(at::kFloat).contiguous();
    const Rotary here = anglesAt(cache.length);
    std::vector<DecoderCache> caches;
    for (const KeyValueCache::Layer& layer : cache.layers) {
        caches.push_back({layer.keys.data_ptr(), layer.values.data_ptr()});
    }
    torch::Tensor logits = at::empty({networks.config.llm.vocabSize}, at::kFloat);
    decoder->step(embedding.data_ptr<float>(), here.cosine.data_ptr<float>(), here.sine.data_ptr<float>(), cache.length, caches,
        cache.layers[0].keys.size(2), logits.data_ptr<float>());
    ++cache.length;
    return logits.narrow(0, 0, std::min(logits.size(0), std::int64_t(tokenizer.size())));
}

/// Rows [T, H] -> logits of the last one [V]. In blocks, which bounds the memory of activations.
torch::Tensor VilaModel::Private::prefill(const torch::Tensor& rows, const std::stop_token& stop)
{
    if (decoder && rows.size(0) == 1) {
        return singleRow(rows);
    }
    best = std::nullopt;
    constexpr std::int64_t kBlock = 1024;
    KeyValueCache& cache = conversations.front().cache;
    const std::int64_t length = cache.length + rows.size(0);
    torch::Tensor hidden;
    for (std::int64_t at = 0; at < rows.size(0); at += kBlock) {
        throwIfStopped(stop);
        hidden = networks.llm->forward(rows.narrow(0, at, std::min(kBlock, rows.size(0) - at)).unsqueeze(0), &cache, length, stop);
    }
    const torch::Tensor logits = networks.llm->logits(hidden[0][hidden.size(1) - 1]);
    // Rows of the vocabulary that the tokenizer does not know cannot be answers: the reference cuts them off at load (1.3).
    return logits.narrow(0, 0, std::min(logits.size(0), std::int64_t(tokenizer.size())));
}

void VilaModel::Private::findStopTokens()
{
    stopTokens = networks.config.generation.eosTokens;
    // Both spellings of an answer's end were trained in different releases.
    for (const char* token : {"<|eot_id|>", "<|end_of_text|>", "</s>"}) {
        if (const auto id = tokenizer.find(token)) {
            stopTokens.push_back(*id);
        }
    }
}

VilaModel::VilaModel(std::unique_ptr<Private> p) : d(std::move(p)) {}
VilaModel::~VilaModel() = default;
const ModelInfo& VilaModel::info() const { return d->info; }

namespace {

torch::ScalarType chooseType(const LoadOptions& options, torch::Device device, torch::ScalarType stored, std::size_t parameters)
{
    constexpr std::size_t kSmall = 200'000'000;
    if (options.dtype == "fp32") {
        return torch::kFloat;
    }
    if (options.dtype == "bf16") {
        return torch::kBFloat16;
    }
    if (options.dtype == "fp16") {
        return torch::kHalf;
    }
    if (options.dtype != "auto") {
        throw Error("unknown dtype '" + options.dtype + "' (known: auto, fp32, bf16, fp16)", "arguments");
    }
    if (device.is_cpu() && stored == torch::kHalf && parameters >= kSmall) {
        return torch::kBFloat16;    // processors multiply bf16, few of them fp16
    }
    // Small models are bound by the overhead of operators, where fp32 is quicker and exact.
    return parameters < kSmall || stored == torch::kDouble ? torch::kFloat : stored;
}

/// A GPU's free memory, else the system's.
std::optional<std::uint64_t> freeMemory(torch::Device device)
{
    const auto memory = runtime::deviceMemory(device);
    return memory ? std::optional(memory->free) : availableMemory();
}

std::string typeName(torch::ScalarType type)
{
    return type == torch::kFloat ? "fp32" : type == torch::kHalf ? "fp16" : "bf16";
}

} // namespace

std::unique_ptr<VilaModel> VilaModel::load(const fs::path& directory, const LoadOptions& options, const Progress& progress, std::stop_token stop)
{
    torch::NoGradGuard noGrad;
    const fs::path root = checkpointRoot(directory);
    const torch::Device device = runtime::chooseDevice(options.device);
    Tokenizer tokenizer = Tokenizer::load(tokenizerFolder(root));
    const VilaConfig config = loadVilaConfig(root);
    const auto quantisation = quantisationOf(config.quantisation != "none" ? config.quantisation : options.quantisation);
    const std::string quantisationName = !quantisation ? "none" : *quantisation == WeightView::Type::Int8 ? "int8" : "int4";
    const StoredWeights stored = storedWeights(root);
    const torch::ScalarType type = chooseType(options, device, stored.type, stored.values);
    if (const auto available = options.memoryLimit ? options.memoryLimit : freeMemory(device)) {
        checkMemory(config, type == torch::kFloat ? 4 : 2, quantisationName, *available);
    }
    // A few seconds for a large model that was never seen before; meanwhile it is loaded.
    std::future<std::string> hash = std::async(std::launch::async, [root] { return weightsSha256(root); });
    const bool isRounded = quantisation && config.quantisation == "none";
    const bool isOnCpu = device.is_cpu();
    const WeightPlace place = isOnCpu ? WeightPlace{} : WeightPlace{type, device, isRounded ? quantisation : std::nullopt};
    auto p = std::make_unique<Private>(loadNetworks(root, place, subProgress(progress, 0, isRounded && isOnCpu ? 0.5 : 1), stop), std::move(tokenizer));
    p->device = device;
    p->type = type;
    if (isOnCpu) {
        if (isRounded) {
            // From what the files hold, as saveQuantised() does.
            p->networks.llm->pack(*quantisation, subProgress(progress, 0.5, 1), stop);
        }
        p->networks.to(device, type);
        p->decoder = p->networks.llm->makeDecoder();
    } else {
        runtime::synchronise(device);
        try {
            p->cudaDecoder = p->networks.llm->makeCudaDecoder(std::min<std::int64_t>(config.llm.vocabSize, std::int64_t(p->tokenizer.size())));
        } catch (const Error& error) {
            p->info.remark = error.what();  // LibTorch's operations do it, more slowly
        }
    }
    constexpr std::uint64_t kMostConversations = 4'000'000'000;
    p->conversationLimit = options.conversationLimit.value_or(std::min(kMostConversations, freeMemory(device).value_or(0) / 4));
    p->findStopTokens();
    ModelInfo& info = p->info;
    info.name = config.hounsfield.name.empty() ? fs::canonical(directory).filename().string() : config.hounsfield.name;
    info.version = config.hounsfield.version;
    info.licence = config.hounsfield.licence;
    info.isDemo = config.hounsfield.isDemo;
    info.sha256 = hash.get();
    info.conversation = !config.hounsfield.conversation.empty() ? config.hounsfield.conversation
        : p->tokenizer.find("<|eot_id|>") ? "llama_3" : "vicuna_v1";
    info.imageSize = config.preprocessor.size;
    info.tokensPerImage = config.tokensPerImage();
    info.parameters = p->networks.parameterCount();
    info.device = isOnCpu ? "cpu" : "cuda:" + std::to_string(int(device.index()));
    info.deviceName = runtime::deviceName(device);
    info.dtype = typeName(p->type);
    info.quantisation = quantisationName;
    info.weightBytes = memoryNeed(config, p->type == torch::kFloat ? 4 : 2, quantisationName).weights;
    info.bytesPerToken = std::size_t(p->decoder ? p->decoder->bytesPerStep() : p->cudaDecoder ? p->cudaDecoder->bytesPerStep() : 0);
    return std::unique_ptr<VilaModel>(new VilaModel(std::move(p)));
}

int VilaModel::promptLength(const std::string& prompt, std::size_t pictures) const
{
    return int(d->promptIds(prompt, pictures).size()) + int(pictures) * (d->networks.config.tokensPerImage() - 1);
}

int VilaModel::longestSequence() const
{
    const VilaConfig& config = d->networks.config;
    return int(config.llm.maxSequence > 0 ? std::min<std::int64_t>(config.llm.maxSequence, config.longestSequence()) : config.longestSequence());
}

Picture VilaModel::preprocessed(const Picture& picture) const
{
    const PreprocessorConfig& config = d->networks.config.preprocessor;
    return preprocess(picture, config.size, d->networks.config.imageAspectRatio, config.padColor());
}

std::size_t VilaModel::cacheBytes() const { return d->cacheBytes; }

std::string VilaModel::generate(const std::string& prompt, std::span<const Picture> pictures, const GenerationOptions& options,
                                const std::function<void(const std::string&)>& onText, std::stop_token stop, GenerationReport* reportOut)
{
    bool anyText = false;
    const auto noted = [&](const std::string& piece) {
        anyText = true;
        if (onText) {
            onText(piece);
        }
    };
    const auto outOfMemory = [](const std::exception& error) {
        const std::string text = error.what();
        // The words of LibTorch's allocators.
        return dynamic_cast<const std::bad_alloc*>(&error) || text.find("not enough memory") != std::string::npos || text.find("out of memory") != std::string::npos ||
            text.find("can't allocate memory") != std::string::npos;
    };
    try {
        return generateOnce(prompt, pictures, options, noted, stop, reportOut);
    } catch (const std::exception& error) {
        if (!outOfMemory(error)) {
            throw;
        }
    }
    d->freeCaches();
    runtime::emptyDeviceCache();
    try {
        if (!anyText) {
            return generateOnce(prompt, pictures, options, noted, stop, reportOut);
        }
    } catch (const std::exception& error) {
        if (!outOfMemory(error)) {
            throw;
        }
        d->freeCaches();
    }
    throw Error("there is not enough memory for this question, although kept results were given up; ask it with a shorter conversation", "memory");
}

std::string VilaModel::generateOnce(const std::string& prompt, std::span<const Picture> pictures, const GenerationOptions& options,
                                    const std::function<void(const std::string&)>& onText, std::stop_token stop, GenerationReport* reportOut)
{
    torch::NoGradGuard noGrad;
    GenerationReport figures;
    const auto start = std::chrono::steady_clock::now();
    const std::vector<TokenId> ids = d->promptIds(prompt, pictures.size());
    std::vector<Picture> squares;
    for (const Picture& picture : pictures) {
        squares.push_back(preprocessed(picture));
    }
    std::vector<RowKey> keys;
    torch::Tensor rows = d->splice(ids, squares, keys, stop);
    throwIfStopped(stop);
    runtime::synchronise(d->device);
    figures.encodeMs = millisecondsSince(start);
    if (const std::int64_t most = d->networks.config.llm.maxSequence; options.cutsPromptEnd && most > 0 && !pictures.empty() && rows.size(0) > most) {
        rows = rows.narrow(0, 0, most);
        keys.resize(std::size_t(most));
    }
    figures.promptTokens = int(rows.size(0));
    const std::int64_t limit = d->networks.config.longestSequence();
    if (rows.size(0) >= limit + (options.cutsPromptEnd ? 1 : 0)) {
        throw Error("the conversation has " + std::to_string(rows.size(0)) + " tokens, the model takes " + std::to_string(limit), "too-long");
    }
    // The reference goes on past the trained length.
    const int maxNew = std::max(0, options.cutsPromptEnd ? options.maxNewTokens : int(std::min<std::int64_t>(options.maxNewTokens, limit - rows.size(0))));
    const std::int64_t reused = d->reuse(keys, rows.size(0) + maxNew);
    figures.cachedTokens = int(reused);
    // The same question again, or one that ends alike: only its last token is new.
    const bool isOneToken = d->cudaDecoder && reused + 1 == rows.size(0) && keys.back() >= 0;
    torch::Tensor logits = isOneToken ? d->advance(keys.back(), stop) : d->prefill(rows.narrow(0, reused, rows.size(0) - reused), stop);
    d->conversations.front().keys = keys;
    d->countCaches();
    runtime::synchronise(d->device);
    figures.prefillMs = millisecondsSince(start) - figures.encodeMs;

    // As the reference: only these are masked at the beginning, not every token that ends an answer.
    Sampler sampler(options, d->networks.config.generation.eosTokens);
    StreamDecoder decoder(d->tokenizer);
    CallGuide guide(options.calls, d->tokenizer);
    std::size_t shown = 0;
    std::vector<TokenId> answer;
    while (int(answer.size()) < maxNew) {
        throwIfStopped(stop);
        const torch::Tensor seen = options.onStep ? logits.to(at::kCPU).clone() : torch::Tensor();
        TokenId drawn = sampler.pick(logits, int(answer.size()), d->best);
        if (!guide.fits(drawn)) {
            const torch::Tensor fitting = logits.to(at::kCPU, at::kFloat).clone();
            guide.restrict({fitting.data_ptr<float>(), std::size_t(fitting.numel())});
            drawn = sampler.pick(fitting, int(answer.size()), std::nullopt);
        }
        const TokenId next = answer.size() < options.forcedTokens.size() ? options.forcedTokens[answer.size()] : drawn;
        if (options.onStep) {
            options.onStep({seen.data_ptr<float>(), std::size_t(seen.numel())}, next);
        }
        const bool isEnd = std::find(d->stopTokens.begin(), d->stopTokens.end(), next) != d->stopTokens.end();
        if (isEnd) {
            guide.end();
        } else {
            guide.push(next, guide.isOpen() ? at::log_softmax(logits.to(at::kFloat), 0)[next].item<double>() : 0);
            answer.push_back(next);
            figures.firstTokenMs = answer.size() == 1 ? millisecondsSince(start) : figures.firstTokenMs;
        }
        if (guide.isDoubtful()) {
            const std::size_t begin = answer.size() - guide.tokens().size();
            const std::vector<TokenId> call = d->likeliestCall(guide, rows.size(0) + std::int64_t(begin), {answer.data(), begin}, stop);
            if (!call.empty() && begin + call.size() < std::size_t(maxNew)) {
                answer.resize(begin);
                answer.insert(answer.end(), call.begin(), call.end());
                guide.choose(call);
                logits = d->replace(rows.size(0) + std::int64_t(begin), call, stop);
                ++figures.guidedCalls;
                continue;
            }
        }
        // A call is shown when it is complete: it may be taken back.
        while (!guide.isOpen() && shown < answer.size()) {
            if (const std::string piece = decoder.push(answer[shown++]); !piece.empty() && onText) {
                onText(piece);
            }
        }
        if (isEnd) {
            break;
        }
        if (int(answer.size()) < maxNew) {
            logits = d->advance(next, stop);
            d->conversations.front().keys.push_back(next);
        }
    }
    std::string rest;
    while (shown < answer.size()) {
        rest += decoder.push(answer[shown++]);
    }
    if (rest += decoder.finish(); !rest.empty() && onText) {
        onText(rest);
    }
    figures.newTokens = int(answer.size());
    figures.decodeMs = millisecondsSince(start) - figures.encodeMs - figures.prefillMs;
    if (reportOut) {
        *reportOut = figures;
    }
    return trimmed(d->tokenizer.decode(answer));
}

} // namespace hf::assistant
