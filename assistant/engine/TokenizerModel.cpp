#include "assistant/engine/TokenizerModel.h"

#include "viewer/volume/Error.h"

namespace hf::assistant::detail {

void TokenizerModel::place(TokenId id, std::string bytes, bool isSpecial)
{
    if (id < 0 || id > 10'000'000) {
        throw Error("a token of the tokenizer has the id " + std::to_string(id), "checkpoint");
    }
    if (std::size_t(id) >= tokens.size()) {
        tokens.resize(std::size_t(id) + 1);
        special.resize(std::size_t(id) + 1, false);
    }
    tokens[std::size_t(id)] = std::move(bytes);
    special[std::size_t(id)] = isSpecial;
}

void TokenizerModel::add(TokenId id, const std::string& content, bool isSpecial, bool isLate)
{
    if (!content.empty()) {
        place(id, content, isSpecial);
        added[content] = id;
        if (isLate) {
            late.insert(id);
        }
    }
}

void TokenizerModel::split(const std::string& text, const std::function<void(const std::string&)>& onText,
                           const std::function<void(TokenId)>& onToken) const
{
    splitAt(false, text, [&](const std::string& part) { late.empty() ? onText(part) : splitAt(true, part, onText, onToken); }, onToken);
}

void TokenizerModel::splitAt(bool lateOnes, const std::string& text, const std::function<void(const std::string&)>& onText,
                             const std::function<void(TokenId)>& onToken) const
{
    std::vector<std::vector<std::pair<std::string, TokenId>>> byFirstByte(256);
    for (const auto& token : added) {
        if (late.contains(token.second) == lateOnes) {
            byFirstByte[std::uint8_t(token.first[0])].push_back(token);
        }
    }
    std::size_t begin = 0, at = 0;
    while (at < text.size()) {
        const std::pair<std::string, TokenId>* found = nullptr;
        for (const auto& token : byFirstByte[std::uint8_t(text[at])]) {
            if (text.compare(at, token.first.size(), token.first) == 0) {
                found = &token;
                break;
            }
        }
        if (!found) {
            ++at;
            continue;
        }
        if (at > begin) {
            onText(text.substr(begin, at - begin));
        }
        onToken(found->second);
        at += found->first.size();
        begin = at;
    }
    if (begin < text.size()) {
        onText(text.substr(begin));
    }
}

} // namespace hf::assistant::detail
