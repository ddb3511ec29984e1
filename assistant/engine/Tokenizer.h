#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hf::assistant {

using TokenId = std::int64_t;

namespace detail { struct TokenizerModel; }

/// A checkpoint's tokenizer. Immutable; thread-safe. Two kinds:
/// tokenizer.json, byte-level BPE (Llama 3 and our own models): model BPE (with ignore_merges), pre-tokenizers Split (regular
/// expression, isolated) and ByteLevel, alone or in a sequence; post-processors TemplateProcessing and ByteLevel; added tokens;
/// tokenizer.model, SentencePiece BPE (Llama 2) with the rules of `legacy=False`. Source: reference vila-m3.md 3.3, 3.4.
class Tokenizer {
public:
    /// @param folder  holds tokenizer.json or tokenizer.model, and tokenizer_config.json where there is one.
    /// @throws Error naming the file, and the part of it that is not understood.
    static Tokenizer load(const std::filesystem::path& folder);
    /// @param json  the text of a tokenizer.json.
    static Tokenizer fromJson(const std::string& json, bool cleanUpSpaces = false);

    Tokenizer(Tokenizer&&) noexcept;
    Tokenizer& operator=(Tokenizer&&) noexcept;
    ~Tokenizer();

    /// Ids of UTF-8 text, added tokens recognised inside it, with what the post-processor adds around (BOS).
    std::vector<TokenId> encode(const std::string& text) const;
    /// UTF-8 text; special tokens are left out when `skipSpecial`. Bytes that are no UTF-8 become U+FFFD.
    std::string decode(std::span<const TokenId> ids, bool skipSpecial = true) const;
    /// Raw bytes of one token; empty for a special one.
    std::string bytesOf(TokenId id) const;

    std::optional<TokenId> find(const std::string& token) const;
    bool isSpecial(TokenId id) const;
    /// Number of ids, added tokens included.
    std::size_t size() const;
    bool cleansUpSpaces() const;
    /// A space that begins a decoded text belongs to the tokenizer, not to the text, where its first token is `id`.
    bool dropsFirstSpace(TokenId id) const;
    /// What is broken becomes one U+FFFD a byte, not one for what could have begun a character.
    bool replacesEachByte() const;

private:
    explicit Tokenizer(std::unique_ptr<const detail::TokenizerModel> model);
    std::unique_ptr<const detail::TokenizerModel> m_model;
};

/// Turns a stream of tokens into pieces of valid UTF-8: bytes of a character that is not complete yet are held back.
class StreamDecoder {
public:
    explicit StreamDecoder(const Tokenizer& tokenizer) : m_tokenizer(tokenizer) {}
    std::string push(TokenId id);
    /// What was held back, broken bytes replaced.
    std::string finish();

private:
    const Tokenizer& m_tokenizer;
    std::string m_pending;
    bool m_first = true;
};

/// Bytes to valid UTF-8, each broken byte sequence replaced by U+FFFD.
std::string repairedUtf8(const std::string& bytes);

/// Those of Llama 3's template, the BOS token first.
const std::vector<std::string>& llama3Specials();

/// Trains byte-level BPE with the Llama-3 pre-tokenizer on texts.
/// @param specials  get the ids after the merges, in order; the first is the BOS token of the template text (not added by encode).
/// @return the text of a tokenizer.json; fewer entries where no pair comes twice. The same input gives the same bytes. @throws Error "arguments" for a size
/// below 256 and the special tokens.
std::string trainTokenizer(std::span<const std::string> texts, int vocabSize, std::span<const std::string> specials);

namespace detail {
/// GPT-2's printable stand-in for each byte, UTF-8.
const std::vector<std::string>& byteToSymbol();
/// Llama 3's split pattern.
extern const char* const kLlama3Pattern;
/// Pre-tokens of plain text by a regular expression with Unicode classes; matches and what lies between them, in order.
/// @throws Error for a pattern that does not compile.
class Splitter {
public:
    explicit Splitter(const std::string& pattern);
    std::vector<std::string> split(const std::string& text) const;

private:
    std::shared_ptr<const void> m_code;
};
} // namespace detail

} // namespace hf::assistant
