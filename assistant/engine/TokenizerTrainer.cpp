#include "assistant/engine/Tokenizer.h"

#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#include <map>
#include <set>

namespace hf::assistant {

namespace {

using nlohmann::ordered_json;

struct Word {
    std::vector<int> parts;
    std::int64_t count = 0;
};

using Pair = std::pair<int, int>;

/// Counts of neighbouring parts over all words, kept up to date while parts are merged.
class PairCounts {
public:
    explicit PairCounts(std::vector<Word> words) : m_words(std::move(words))
    {
        for (std::size_t n = 0; n < m_words.size(); ++n) {
            add(n, +1);
        }
    }

    /// The most frequent pair, the lowest ids on a tie; count 0 when none is left.
    std::pair<Pair, std::int64_t> best() const
    {
        std::pair<Pair, std::int64_t> found{{0, 0}, 0};
        for (const auto& [pair, count] : m_counts) {
            if (count > found.second) {
                found = {pair, count};
            }
        }
        return found;
    }

    void merge(Pair pair, int result)
    {
        const std::set<std::size_t> places = m_places[pair];
        for (const std::size_t n : places) {
            add(n, -1);
            std::vector<int>& parts = m_words[n].parts;
            std::vector<int> merged;
            for (std::size_t at = 0; at < parts.size(); ++at) {
                const bool hit = at + 1 < parts.size() && parts[at] == pair.first && parts[at + 1] == pair.second;
                merged.push_back(hit ? result : parts[at]);
                at += hit;
            }
            parts = std::move(merged);
            add(n, +1);
        }
        m_counts.erase(pair);
        m_places.erase(pair);
    }

private:
    void add(std::size_t n, int sign)
    {
        const Word& word = m_words[n];
        for (std::size_t at = 0; at + 1 < word.parts.size(); ++at) {
            const Pair pair{word.parts[at], word.parts[at + 1]};
            m_counts[pair] += sign * word.count;
            if (sign > 0) {
                m_places[pair].insert(n);
            }
        }
    }

    std::vector<Word> m_words;
    std::map<Pair, std::int64_t> m_counts;
    std::map<Pair, std::set<std::size_t>> m_places;
};

PairCounts countWords(std::span<const std::string> texts, std::span<const std::string> specials)
{
    const detail::Splitter splitter(detail::kLlama3Pattern);
    std::map<std::string, std::int64_t> counts;
    for (std::string text : texts) {
        for (const std::string& special : specials) {
            for (std::size_t at = text.find(special); at != std::string::npos; at = text.find(special, at)) {
                text.replace(at, special.size(), "\n");
            }
        }
        for (const std::string& piece : splitter.split(text)) {
            ++counts[piece];
        }
    }
    std::vector<Word> words;
    for (const auto& [piece, count] : counts) {
        Word word{{}, count};
        for (const char byte : piece) {
            word.parts.push_back(std::uint8_t(byte));
        }
        words.push_back(std::move(word));
    }
    return PairCounts(std::move(words));
}

} // namespace

const std::vector<std::string>& llama3Specials()
{
    static const std::vector<std::string> specials{"<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"};
    return specials;
}

std::string trainTokenizer(std::span<const std::string> texts, int vocabSize, std::span<const std::string> specials)
{
    const int merges = vocabSize - 256 - int(specials.size());
    if (merges < 0) {
        throw Error("a vocabulary needs at least 256 entries and the special tokens", "arguments");
    }
    std::vector<std::string> symbols = detail::byteToSymbol();
    PairCounts counts = countWords(texts, specials);
    ordered_json mergeList = ordered_json::array();
    for (int n = 0; n < merges; ++n) {
        const auto [pair, count] = counts.best();
        if (count < 2) {
            break;
        }
        mergeList.push_back({symbols[std::size_t(pair.first)], symbols[std::size_t(pair.second)]});
        symbols.push_back(symbols[std::size_t(pair.first)] + symbols[std::size_t(pair.second)]);
        counts.merge(pair, int(symbols.size()) - 1);
    }
    ordered_json vocab = ordered_json::object();
    for (std::size_t id = 0; id < symbols.size(); ++id) {
        vocab[symbols[id]] = id;
    }
    ordered_json added = ordered_json::array();
    for (std::size_t n = 0; n < specials.size(); ++n) {
        added.push_back({{"id", symbols.size() + n}, {"content", specials[n]}, {"single_word", false}, {"lstrip", false},
            {"rstrip", false}, {"normalized", false}, {"special", true}});
    }
    const ordered_json byteLevel{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
    ordered_json split{{"type", "Split"}, {"pattern", {{"Regex", detail::kLlama3Pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
    // As Llama 3: encode puts the BOS token in front of every text.
    const ordered_json bosPart{{"SpecialToken", {{"id", specials[0]}, {"type_id", 0}}}};
    const ordered_json textPart{{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
    ordered_json bosTokens = ordered_json::object();
    bosTokens[specials[0]] = {{"id", specials[0]}, {"ids", {symbols.size()}}, {"tokens", {specials[0]}}};
    ordered_json post{{"type", "TemplateProcessing"}, {"single", ordered_json::array({bosPart, textPart})},
        {"pair", ordered_json::array({bosPart, textPart})}, {"special_tokens", bosTokens}};
    const ordered_json file{{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"added_tokens", added}, {"normalizer", nullptr},
        {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", ordered_json::array({split, byteLevel})}}}, {"post_processor", post},
        {"decoder", byteLevel},
        {"model", {{"type", "BPE"}, {"dropout", nullptr}, {"unk_token", nullptr}, {"continuing_subword_prefix", nullptr}, {"end_of_word_suffix", nullptr},
            {"fuse_unk", false}, {"byte_fallback", false}, {"ignore_merges", true}, {"vocab", vocab}, {"merges", mergeList}}}};
    return file.dump(1) + "\n";
}

} // namespace hf::assistant
