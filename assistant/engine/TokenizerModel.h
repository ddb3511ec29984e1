#pragma once

#include "assistant/engine/Tokenizer.h"

#include <functional>
#include <map>
#include <set>

namespace hf::assistant::detail {

/// What the kinds of tokenizers share: the table of tokens, and special ones that are recognised inside text.
struct TokenizerModel {
    virtual ~TokenizerModel() = default;
    /// @param text  valid UTF-8.
    virtual std::vector<TokenId> encode(const std::string& text) const = 0;
    virtual std::optional<TokenId> findPiece(const std::string& piece) const = 0;

    /// @throws Error for an impossible id.
    void place(TokenId id, std::string bytes, bool isSpecial);
    /// A token that is found in text before anything else happens to it. @param isLate  only in what lies between the others.
    void add(TokenId id, const std::string& content, bool isSpecial, bool isLate = false);
    /// Walks over the text: added tokens (the longest of those that begin at a place, late ones after the others) and what lies between them.
    void split(const std::string& text, const std::function<void(const std::string& part)>& onText, const std::function<void(TokenId id)>& onToken) const;

    std::vector<std::string> tokens;    ///< id -> raw bytes (added tokens: their text)
    std::vector<bool> special;
    /// By content; the longer of two with a common beginning comes first.
    std::map<std::string, TokenId, std::greater<>> added;
    std::set<TokenId> late;             ///< of the added ones
    bool cleanUpSpaces = false;
    bool dropsFirstSpace = false;       ///< a space that begins the first piece is no part of the decoded text
    TokenId spaceByte = -1;             ///< but the one that is a byte is

private:
    void splitAt(bool lateOnes, const std::string& text, const std::function<void(const std::string&)>& onText, const std::function<void(TokenId)>& onToken) const;
};

/// SentencePiece with the rules of Llama's tokenizer class for `legacy=False` (reference vila-m3.md 3.4).
/// @param folder  holds tokenizer.model; special tokens come from tokenizer_config.json, special_tokens_map.json, added_tokens.json.
std::unique_ptr<TokenizerModel> loadLlamaSentencePiece(const std::filesystem::path& folder);

} // namespace hf::assistant::detail
