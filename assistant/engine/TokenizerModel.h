#pragma once

#include "assistant/engine/Tokenizer.h"

#include <functional>
#include <map>

namespace hf::assistant::detail {

/// What the kinds of tokenizers share: the table of tokens, and special ones that are recognised inside text.
struct TokenizerModel {
    virtual ~TokenizerModel() = default;
    /// @param text  valid UTF-8.
    virtual std::vector<TokenId> encode(const std::string& text) const = 0;
    virtual std::optional<TokenId> findPiece(const std::string& piece) const = 0;

    /// @throws Error for an impossible id.
    void place(TokenId id, std::string bytes, bool isSpecial);
    /// A token that is found in text before anything else happens to it.
    void add(TokenId id, const std::string& content, bool isSpecial);
    /// Walks over the text: added tokens (the longest of those that begin at a place) and what lies between them.
    void split(const std::string& text, const std::function<void(const std::string& part)>& onText, const std::function<void(TokenId id)>& onToken) const;

    std::vector<std::string> tokens;    ///< id -> raw bytes (added tokens: their text)
    std::vector<bool> special;
    /// By content; the longer of two with a common beginning comes first.
    std::map<std::string, TokenId, std::greater<>> added;
    bool cleanUpSpaces = false;
    bool dropsFirstSpace = false;       ///< a space that begins the first piece is no part of the decoded text
};

/// SentencePiece with the rules of Llama's tokenizer class for `legacy=False` (reference vila-m3.md 3.4).
/// @param folder  holds tokenizer.model; special tokens come from tokenizer_config.json, special_tokens_map.json, added_tokens.json.
std::unique_ptr<TokenizerModel> loadLlamaSentencePiece(const std::filesystem::path& folder);

} // namespace hf::assistant::detail
