#include "assistant/engine/SentencePiece.h"
#include "assistant/engine/TokenizerModel.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>

namespace hf::assistant::detail {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

const std::string kSpace = "\xE2\x96\x81";  // U+2581

std::string replaced(std::string text, const std::string& what, const std::string& with)
{
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
    return text;
}

json readObject(const fs::path& file)
{
    std::ifstream stream(file);
    if (!stream) {
        return json::object();
    }
    json content = json::parse(stream, nullptr, false);
    if (!content.is_object()) {
        throw Error(file.string() + " is not a JSON object", "checkpoint");
    }
    return content;
}

/// A special token's text, written as a string or as an object with `content`.
std::string contentOf(const json& token)
{
    return token.is_string() ? token.get<std::string>() : token.is_object() ? token.value("content", "") : "";
}

struct LlamaSentencePiece : TokenizerModel {
    SentencePiece model;
    std::string unknown = "<unk>";
    std::size_t unknownLength = 0;      ///< pieces of the unknown token's text
    TokenId bos = 1, eos = 2;
    std::optional<TokenId> space;       ///< the piece U+2581
    bool addsBos = true, addsEos = false;

    explicit LlamaSentencePiece(SentencePiece m) : model(std::move(m)) { dropsFirstSpace = true; }

    std::vector<TokenId> encode(const std::string& text) const override;
    std::optional<TokenId> findPiece(const std::string& piece) const override;
    std::vector<TokenId> encodePart(const std::string& part) const;
    void readSpecials(const fs::path& folder);
    void placePieces();
    TokenId idOf(const std::string& token) const;
};

/// A part that begins with a space is encoded behind the unknown token's text, which is removed again: so leading spaces survive.
std::vector<TokenId> LlamaSentencePiece::encodePart(const std::string& part) const
{
    if (!part.starts_with(' ') && !part.starts_with(kSpace)) {
        return model.encode(part);
    }
    std::vector<TokenId> ids = model.encode(unknown + part);
    ids.erase(ids.begin(), ids.begin() + std::ptrdiff_t(std::min(unknownLength, ids.size())));
    return ids;
}

std::vector<TokenId> LlamaSentencePiece::encode(const std::string& text) const
{
    std::vector<TokenId> ids;
    if (addsBos) {
        ids.push_back(bos);
    }
    if (!text.empty()) {
        const std::size_t first = ids.size();
        split(kSpace + replaced(text, kSpace, " "),
            [&](const std::string& part) {
                const std::vector<TokenId> more = encodePart(part);
                ids.insert(ids.end(), more.begin(), more.end());
            },
            [&](TokenId id) {
                if (ids.size() == first + 1 && space && ids[first] == *space && special[std::size_t(id)]) {
                    ids.pop_back();
                }
                ids.push_back(id);
            });
    }
    if (addsEos) {
        ids.push_back(eos);
    }
    return ids;
}

std::optional<TokenId> LlamaSentencePiece::findPiece(const std::string& piece) const
{
    const auto& pieces = model.pieces();
    const auto found = std::find_if(pieces.begin(), pieces.end(), [&](const auto& p) { return p.text == piece; });
    return found == pieces.end() ? std::nullopt : std::optional(TokenId(found - pieces.begin()));
}

void LlamaSentencePiece::placePieces()
{
    TokenId id = 0;
    for (const SentencePiece::Piece& piece : model.pieces()) {
        unsigned byte = 0;
        const bool isByte = piece.type == SentencePiece::Type::Byte && std::sscanf(piece.text.c_str(), "<0x%02X>", &byte) == 1;
        spaceByte = isByte && byte == ' ' ? id : spaceByte;
        place(id++, isByte ? std::string(1, char(byte)) : replaced(piece.text, kSpace, " "), piece.type == SentencePiece::Type::Control);
    }
}

TokenId LlamaSentencePiece::idOf(const std::string& token) const
{
    const auto known = added.find(token);
    const auto piece = known != added.end() ? std::optional(known->second) : findPiece(token);
    if (!piece) {
        throw Error("the tokenizer's files name the special token '" + token + "', which has no id", "checkpoint");
    }
    return *piece;
}

void LlamaSentencePiece::readSpecials(const fs::path& folder)
{
    const json config = readObject(folder / "tokenizer_config.json"), map = readObject(folder / "special_tokens_map.json");
    const json more = readObject(folder / "added_tokens.json");
    for (const auto& [content, id] : more.items()) {
        add(id.get<TokenId>(), content, false);
    }
    const json table = config.value("added_tokens_decoder", json::object());
    for (const auto& [id, token] : table.items()) {
        if (token.value("lstrip", false) || token.value("rstrip", false) || token.value("single_word", false)) {
            throw Error("tokenizer_config.json: the added token '" + contentOf(token) + "' takes part of its surroundings, which is not supported", "checkpoint");
        }
        add(std::stoll(id), contentOf(token), token.value("special", false));
    }
    const auto role = [&](const char* key, const std::string& otherwise) {
        const json& token = config.contains(key) ? config[key] : map.contains(key) ? map[key] : json();
        const std::string content = contentOf(token).empty() ? otherwise : contentOf(token);
        if (!content.empty()) {
            add(idOf(content), content, true);
        }
        return content;
    };
    unknown = role("unk_token", "<unk>");
    bos = idOf(role("bos_token", "<s>"));
    eos = idOf(role("eos_token", "</s>"));
    role("pad_token", "");
    space = findPiece(kSpace);
    unknownLength = model.encode(unknown).size();
    addsBos = config.value("add_bos_token", true);
    addsEos = config.value("add_eos_token", false);
    cleanUpSpaces = config.value("clean_up_tokenization_spaces", false);
}

} // namespace

std::unique_ptr<TokenizerModel> loadLlamaSentencePiece(const fs::path& folder)
{
    auto tokenizer = std::make_unique<LlamaSentencePiece>(SentencePiece::load(folder / "tokenizer.model"));
    tokenizer->placePieces();
    try {
        tokenizer->readSpecials(folder);
    } catch (const json::exception& error) {
        throw Error(folder.string() + ": the tokenizer's files cannot be read: " + error.what(), "checkpoint");
    } catch (const std::invalid_argument&) {
        throw Error(folder.string() + "/tokenizer_config.json: an added token without a number", "checkpoint");
    }
    return tokenizer;
}

} // namespace hf::assistant::detail
