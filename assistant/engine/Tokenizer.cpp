#include "assistant/engine/Tokenizer.h"

#include "assistant/engine/TokenizerModel.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <map>
#include <queue>
#include <sstream>
#include <unordered_map>

namespace hf::assistant {

namespace fs = std::filesystem;
using nlohmann::json;

namespace detail {

const char* const kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

const char* const kGpt2Pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

std::string utf8(unsigned codepoint)
{
    if (codepoint < 0x80) {
        return std::string(1, char(codepoint));
    }
    return {char(0xC0 | (codepoint >> 6)), char(0x80 | (codepoint & 0x3F))};
}

/// PCRE2's own \s has U+180E besides, which Unicode took out of its spaces.
std::string withUnicodeSpaces(const std::string& pattern)
{
    std::string result;
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        if (pattern[at] != '\\' || at + 1 == pattern.size()) {
            result += pattern[at];
            continue;
        }
        const char letter = pattern[++at];
        result += letter == 's' ? "\\p{White_Space}" : letter == 'S' ? "\\P{White_Space}" : std::string{'\\', letter};
    }
    return result;
}

} // namespace

const std::vector<std::string>& byteToSymbol()
{
    static const std::vector<std::string> table = [] {
        std::vector<std::string> symbols(256);
        unsigned next = 256;
        for (unsigned byte = 0; byte < 256; ++byte) {
            const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
            symbols[byte] = utf8(printable ? byte : next++);
        }
        return symbols;
    }();
    return table;
}

Splitter::Splitter(const std::string& written)
{
    const std::string pattern = withUnicodeSpaces(written);
    int error = 0;
    PCRE2_SIZE where = 0;
    pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
        PCRE2_UTF | PCRE2_UCP | PCRE2_NO_UTF_CHECK, &error, &where, nullptr);
    if (!code) {
        std::array<PCRE2_UCHAR, 256> text{};
        pcre2_get_error_message(error, text.data(), text.size());
        throw Error("tokenizer.json: the split pattern is not understood at character " + std::to_string(where) + ": " +
            reinterpret_cast<const char*>(text.data()), "checkpoint");
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    m_code = std::shared_ptr<const void>(code, [](const void* p) { pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(p))); });
}

std::vector<std::string> Splitter::split(const std::string& text) const
{
    const auto* code = static_cast<const pcre2_code*>(m_code.get());
    std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> match(pcre2_match_data_create_from_pattern(code, nullptr), &pcre2_match_data_free);
    std::vector<std::string> pieces;
    std::size_t at = 0;
    while (at < text.size()) {
        const int found = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at, PCRE2_NO_UTF_CHECK, match.get(), nullptr);
        const PCRE2_SIZE* range = pcre2_get_ovector_pointer(match.get());
        if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
            throw Error("the tokenizer's split pattern gives up on a text of " + std::to_string(text.size()) + " bytes", "too-long");
        }
        if (found < 0 || range[1] <= at) {
            break;
        }
        if (range[0] > at) {
            pieces.push_back(text.substr(at, range[0] - at));
        }
        pieces.push_back(text.substr(range[0], range[1] - range[0]));
        at = range[1];
    }
    if (at < text.size()) {
        pieces.push_back(text.substr(at));
    }
    return pieces;
}

} // namespace detail

namespace {

constexpr int kUnfinished = 0;

/// Length of the valid UTF-8 character at `at`; the negative length of what is broken; kUnfinished when more bytes may complete it.
int characterLength(const std::string& bytes, std::size_t at)
{
    const auto byte = [&](std::size_t n) { return std::uint8_t(bytes[n]); };
    const std::uint8_t first = byte(at);
    const int length = first < 0x80 ? 1 : first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3 : first >= 0xF0 && first < 0xF5 ? 4 : -1;
    for (int n = 1; n < length; ++n) {
        if (at + std::size_t(n) >= bytes.size()) {
            return kUnfinished;
        }
        const std::uint8_t next = byte(at + std::size_t(n));
        const std::uint8_t low = n != 1 ? 0x80 : first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
        const std::uint8_t high = n != 1 ? 0xBF : first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
        if (next < low || next > high) {
            return -n;
        }
    }
    return length;
}

/// Moves complete characters of `bytes` to the result; an unfinished end stays unless `last`. What is broken becomes one U+FFFD as far as
/// it could have begun a character (as Python and Rust do), or one a byte (as SentencePiece does).
std::string takeCharacters(std::string& bytes, bool last, bool eachByte)
{
    std::string text;
    std::size_t at = 0;
    while (at < bytes.size()) {
        const int length = characterLength(bytes, at);
        if (length == kUnfinished && !last) {
            break;
        }
        if (length > 0) {
            text.append(bytes, at, std::size_t(length));
            at += std::size_t(length);
        } else {
            text += "\xEF\xBF\xBD";
            at += eachByte ? 1 : length == kUnfinished ? bytes.size() - at : std::size_t(-length);
        }
    }
    bytes.erase(0, at);
    return text;
}

struct PairHash {
    std::size_t operator()(const std::pair<int, int>& p) const
    {
        return std::hash<std::uint64_t>()((std::uint64_t(std::uint32_t(p.first)) << 32) | std::uint32_t(p.second));
    }
};

struct Merge { int rank; int result; };

/// A piece of a word while it is merged; -1 where there is no neighbour.
struct Part { int id, previous, next; };

/// Two neighbouring parts that make a token; the lowest rank comes first, then the left-most.
struct Neighbours {
    Merge merge;
    std::pair<int, int> ids;    ///< when they were found
    int left, right;
    bool operator<(const Neighbours& other) const { return merge.rank != other.merge.rank ? merge.rank > other.merge.rank : left > other.left; }
};

[[noreturn]] void unsupported(const std::string& what)
{
    throw Error("tokenizer.json: " + what + " is not supported", "checkpoint");
}

} // namespace

std::string repairedUtf8(const std::string& bytes)
{
    std::string rest = bytes;
    return takeCharacters(rest, true, false);
}

namespace {

/// Byte-level BPE from a tokenizer.json.
struct BytePairTokenizer : detail::TokenizerModel {
    std::unordered_map<std::string, TokenId> vocab;             ///< symbols -> id
    std::unordered_map<std::pair<int, int>, Merge, PairHash> merges;
    std::array<int, 256> byteIds{};
    bool ignoreMerges = false;
    std::vector<detail::Splitter> splitters;
    std::vector<TokenId> before, after;

    std::vector<TokenId> encode(const std::string& text) const override;
    std::optional<TokenId> findPiece(const std::string& token) const override;
    void readModel(const json& model);
    void readAdded(const json& list);
    void readPreTokenizer(const json& step);
    void readPostProcessor(const json& step);
    void encodeWord(const std::string& word, std::vector<TokenId>& ids) const;
    void encodePlain(const std::string& text, std::vector<TokenId>& ids) const;
};

/// Symbols of byte-level BPE back to bytes; the text itself when it holds other characters.
std::string symbolsToBytes(const std::string& symbols)
{
    static const std::unordered_map<std::string, char> inverse = [] {
        std::unordered_map<std::string, char> map;
        for (int byte = 0; byte < 256; ++byte) {
            map[detail::byteToSymbol()[std::size_t(byte)]] = char(byte);
        }
        return map;
    }();
    std::string bytes;
    for (std::size_t at = 0; at < symbols.size();) {
        const int length = std::max(1, characterLength(symbols, at));
        const auto found = inverse.find(symbols.substr(at, std::size_t(length)));
        if (found == inverse.end()) {
            return symbols;
        }
        bytes += found->second;
        at += std::size_t(length);
    }
    return bytes;
}

void BytePairTokenizer::readModel(const json& model)
{
    if (model.value("type", "BPE") != "BPE" || model.value("byte_fallback", false)) {
        unsupported("a model other than byte-level BPE");
    }
    ignoreMerges = model.value("ignore_merges", false);
    for (const auto& [symbols, id] : model.at("vocab").items()) {
        vocab[symbols] = id.get<TokenId>();
        place(id.get<TokenId>(), symbolsToBytes(symbols), false);
    }
    for (int byte = 0; byte < 256; ++byte) {
        const auto found = vocab.find(detail::byteToSymbol()[std::size_t(byte)]);
        byteIds[std::size_t(byte)] = found == vocab.end() ? -1 : int(found->second);
    }
    int rank = 0;
    for (const json& entry : model.at("merges")) {
        std::string left, right;
        if (entry.is_array()) {
            left = entry.at(0).get<std::string>();
            right = entry.at(1).get<std::string>();
        } else {
            const std::string both = entry.get<std::string>();
            const std::size_t space = both.find(' ', 1);
            left = both.substr(0, space);
            right = space == std::string::npos ? "" : both.substr(space + 1);
        }
        const auto l = vocab.find(left), r = vocab.find(right), whole = vocab.find(left + right);
        if (l == vocab.end() || r == vocab.end() || whole == vocab.end()) {
            throw Error("tokenizer.json: merge " + std::to_string(rank) + " names a token that is not in the vocabulary", "checkpoint");
        }
        merges.try_emplace({int(l->second), int(r->second)}, Merge{rank, int(whole->second)});
        ++rank;
    }
}

void BytePairTokenizer::readAdded(const json& list)
{
    for (const json& token : list) {
        if (token.value("lstrip", false) || token.value("rstrip", false) || token.value("single_word", false)) {
            unsupported("an added token that takes part of its surroundings");
        }
        const bool isSpecial = token.value("special", false);
        // As the library: those that a normaliser would reach are looked for last, also where there is none.
        add(token.at("id").get<TokenId>(), token.at("content").get<std::string>(), isSpecial, token.value("normalized", !isSpecial));
    }
}

void BytePairTokenizer::readPreTokenizer(const json& step)
{
    if (step.is_null()) {
        return;
    }
    const std::string type = step.at("type");
    if (type == "Sequence") {
        for (const json& inner : step.at("pretokenizers")) {
            readPreTokenizer(inner);
        }
    } else if (type == "Split") {
        const json& pattern = step.at("pattern");
        if (!pattern.contains("Regex") || step.value("behavior", "Isolated") != "Isolated" || step.value("invert", false)) {
            unsupported("this kind of Split pre-tokenizer");
        }
        splitters.emplace_back(pattern.at("Regex").get<std::string>());
    } else if (type == "ByteLevel") {
        if (step.value("add_prefix_space", false)) {
            unsupported("a ByteLevel pre-tokenizer with a prefix space");
        }
        if (step.value("use_regex", true)) {
            splitters.emplace_back(detail::kGpt2Pattern);
        }
    } else {
        unsupported("the pre-tokenizer '" + type + "'");
    }
}

void BytePairTokenizer::readPostProcessor(const json& step)
{
    if (step.is_null()) {
        return;
    }
    const std::string type = step.at("type");
    if (type == "Sequence") {
        for (const json& inner : step.at("processors")) {
            readPostProcessor(inner);
        }
    } else if (type == "TemplateProcessing") {
        bool seen = false;
        for (const json& part : step.at("single")) {
            if (part.contains("Sequence")) {
                seen = true;
                continue;
            }
            const std::string name = part.at("SpecialToken").at("id");
            for (const json& id : step.at("special_tokens").at(name).at("ids")) {
                (seen ? after : before).push_back(id.get<TokenId>());
            }
        }
    } else if (type != "ByteLevel") {
        unsupported("the post-processor '" + type + "'");
    }
}

void BytePairTokenizer::encodeWord(const std::string& word, std::vector<TokenId>& ids) const
{
    if (ignoreMerges) {
        std::string symbols;
        for (const char byte : word) {
            symbols += detail::byteToSymbol()[std::uint8_t(byte)];
        }
        if (const auto whole = vocab.find(symbols); whole != vocab.end()) {
            ids.push_back(whole->second);
            return;
        }
    }
    std::vector<Part> parts;
    for (const char byte : word) {
        if (const int id = byteIds[std::uint8_t(byte)]; id >= 0) {
            parts.push_back({id, int(parts.size()) - 1, int(parts.size()) + 1});
        }
    }
    if (parts.empty()) {
        return;
    }
    parts.back().next = -1;
    std::priority_queue<Neighbours> queue;
    const auto consider = [&](int left, int right) {
        if (left >= 0 && right >= 0) {
            const std::pair both(parts[std::size_t(left)].id, parts[std::size_t(right)].id);
            if (const auto found = merges.find(both); found != merges.end()) {
                queue.push({found->second, both, left, right});
            }
        }
    };
    for (int n = 1; n < int(parts.size()); ++n) {
        consider(n - 1, n);
    }
    while (!queue.empty()) {
        const Neighbours best = queue.top();
        queue.pop();
        Part& left = parts[std::size_t(best.left)];
        Part& right = parts[std::size_t(best.right)];
        if (std::pair(left.id, right.id) != best.ids || left.next != best.right) {
            continue;   // one of them has changed since
        }
        left.id = best.merge.result;
        left.next = right.next;
        right.id = -1;
        if (left.next >= 0) {
            parts[std::size_t(left.next)].previous = best.left;
        }
        consider(left.previous, best.left);
        consider(best.left, left.next);
    }
    for (int n = 0; n >= 0; n = parts[std::size_t(n)].next) {
        ids.push_back(parts[std::size_t(n)].id);
    }
}

void BytePairTokenizer::encodePlain(const std::string& text, std::vector<TokenId>& ids) const
{
    std::vector<std::string> words{text};
    for (const detail::Splitter& splitter : splitters) {
        std::vector<std::string> finer;
        for (const std::string& word : words) {
            for (std::string& piece : splitter.split(word)) {
                finer.push_back(std::move(piece));
            }
        }
        words = std::move(finer);
    }
    for (const std::string& word : words) {
        encodeWord(word, ids);
    }
}

std::vector<TokenId> BytePairTokenizer::encode(const std::string& text) const
{
    std::vector<TokenId> ids = before;
    split(text, [&](const std::string& part) { encodePlain(part, ids); }, [&](TokenId id) { ids.push_back(id); });
    ids.insert(ids.end(), after.begin(), after.end());
    return ids;
}

std::optional<TokenId> BytePairTokenizer::findPiece(const std::string& piece) const
{
    const auto found = vocab.find(piece);
    return found == vocab.end() ? std::nullopt : std::optional(found->second);
}

} // namespace

Tokenizer::Tokenizer(std::unique_ptr<const detail::TokenizerModel> model) : m_model(std::move(model)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::fromJson(const std::string& text, bool cleanUpSpaces)
{
    auto p = std::make_unique<BytePairTokenizer>();
    try {
        const json content = json::parse(text);
        if (content.contains("normalizer") && !content["normalizer"].is_null()) {
            unsupported("a normalizer");
        }
        p->cleanUpSpaces = cleanUpSpaces;
        p->readModel(content.at("model"));
        p->readAdded(content.value("added_tokens", json::array()));
        p->readPreTokenizer(content.value("pre_tokenizer", json()));
        p->readPostProcessor(content.value("post_processor", json()));
    } catch (const json::exception& error) {
        throw Error(std::string("tokenizer.json cannot be read: ") + error.what(), "checkpoint");
    }
    return Tokenizer(std::move(p));
}

namespace {

/// As the reference, which asks for the slow class: tokenizer.model where there is one, unless the files name the generic fast class.
bool usesSentencePiece(const fs::path& folder)
{
    if (!fs::exists(folder / "tokenizer.model")) {
        return false;
    }
    std::ifstream stream(folder / "tokenizer_config.json");
    const json config = json::parse(stream, nullptr, false);
    const bool generic = config.is_object() && config.value("tokenizer_class", json()) == "PreTrainedTokenizerFast";
    return !(generic && fs::exists(folder / "tokenizer.json"));
}

} // namespace

Tokenizer Tokenizer::load(const fs::path& folder)
{
    if (usesSentencePiece(folder)) {
        return Tokenizer(detail::loadLlamaSentencePiece(folder));
    }
    std::ifstream stream(folder / "tokenizer.json", std::ios::binary);
    if (!stream) {
        throw Error(folder.string() + " has neither tokenizer.json nor tokenizer.model", "checkpoint");
    }
    std::ostringstream text;
    text << stream.rdbuf();
    bool cleanUp = false;
    if (std::ifstream config(folder / "tokenizer_config.json"); config) {
        const json content = json::parse(config, nullptr, false);
        cleanUp = content.is_object() && content.contains("clean_up_tokenization_spaces") && content["clean_up_tokenization_spaces"] == true;
    }
    return fromJson(text.str(), cleanUp);
}

std::vector<TokenId> Tokenizer::encode(const std::string& text) const { return m_model->encode(repairedUtf8(text)); }

namespace {

std::string withoutExtraSpaces(std::string text)
{
    static const std::pair<const char*, const char*> kRules[] = {{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"},
        {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (const auto& [from, to] : kRules) {
        const std::string what = from;
        for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
            text.replace(at, what.size(), to);
        }
    }
    return text;
}

} // namespace

std::string Tokenizer::decode(std::span<const TokenId> ids, bool skipSpecial) const
{
    std::string bytes;
    bool isFirst = true;
    for (const TokenId id : ids) {
        if (id < 0 || std::size_t(id) >= size() || (skipSpecial && isSpecial(id))) {
            continue;
        }
        const std::string& token = m_model->tokens[std::size_t(id)];
        bytes += isFirst && dropsFirstSpace(id) && token.starts_with(' ') ? token.substr(1) : token;
        isFirst = false;
    }
    const std::string text = takeCharacters(bytes, true, replacesEachByte());
    return m_model->cleanUpSpaces ? withoutExtraSpaces(text) : text;
}

std::string Tokenizer::bytesOf(TokenId id) const
{
    return id < 0 || std::size_t(id) >= size() || isSpecial(id) ? std::string() : m_model->tokens[std::size_t(id)];
}

std::optional<TokenId> Tokenizer::find(const std::string& token) const
{
    const auto added = m_model->added.find(token);
    return added != m_model->added.end() ? std::optional(added->second) : m_model->findPiece(token);
}

bool Tokenizer::isSpecial(TokenId id) const { return id >= 0 && std::size_t(id) < size() && m_model->special[std::size_t(id)]; }
std::size_t Tokenizer::size() const { return m_model->tokens.size(); }
bool Tokenizer::cleansUpSpaces() const { return m_model->cleanUpSpaces; }
bool Tokenizer::dropsFirstSpace(TokenId id) const { return m_model->dropsFirstSpace && id != m_model->spaceByte; }
bool Tokenizer::replacesEachByte() const { return m_model->dropsFirstSpace; }

std::string StreamDecoder::push(TokenId id)
{
    std::string bytes = m_tokenizer.bytesOf(id);
    if (!bytes.empty() && m_first) {
        m_first = false;
        if (m_tokenizer.dropsFirstSpace(id) && bytes.starts_with(' ')) {
            bytes.erase(0, 1);
        }
    }
    m_pending += bytes;
    return takeCharacters(m_pending, false, m_tokenizer.replacesEachByte());
}

std::string StreamDecoder::finish() { return takeCharacters(m_pending, true, m_tokenizer.replacesEachByte()); }

} // namespace hf::assistant
