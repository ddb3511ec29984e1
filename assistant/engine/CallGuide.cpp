#include "assistant/engine/CallGuide.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>

namespace hf::assistant {

namespace {

std::string nameOf(const std::string& call) { return call.substr(0, call.find('(')); }

/// Of "NAME", "NAME()" and "NAME(" nothing.
std::string argumentsOf(const std::string& call)
{
    const std::size_t open = call.find('('), close = call.rfind(')');
    return open == std::string::npos ? std::string() : call.substr(open + 1, close == std::string::npos || close < open ? std::string::npos : close - open - 1);
}

std::string withoutFirstSpace(const std::string& text) { return text.starts_with(' ') ? text.substr(1) : text; }

} // namespace

CallGuide::CallGuide(std::span<const std::string> calls, const Tokenizer& tokenizer) : m_calls(calls.begin(), calls.end()), m_tokenizer(tokenizer) {}

bool CallGuide::isBeginning(const std::string& text) const
{
    const auto place = m_calls.lower_bound(text);
    return place != m_calls.end() && place->starts_with(text);
}

/// What a token's bytes make of a call.
void CallGuide::follow(Call& call, const std::string& bytes) const
{
    constexpr std::size_t kLongest = 200;
    for (const char byte : bytes) {
        if (call.state != State::Open) {
            if (byte == '<') {
                call = {State::Open, {}};
            }
            continue;
        }
        if (byte == '>') {
            call.state = m_calls.contains(call.text) ? State::Offered : State::Broken;
            continue;
        }
        call.text += byte;
        const bool isName = std::isalpha(static_cast<unsigned char>(call.text[0])) || call.text[0] == '_';
        if (!isName || byte == '\n' || call.text.size() > kLongest) {
            call.state = isName ? State::Broken : State::Text;
        }
    }
}

void CallGuide::push(TokenId token, double logChance)
{
    if (m_calls.empty()) {
        return;
    }
    const std::string bytes = m_tokenizer.bytesOf(token);
    const bool wasOpen = isOpen();
    if (!wasOpen) {
        m_call.state = State::Text;
        m_tokens.clear();
        m_logChances = 0;
    }
    follow(m_call, bytes);
    if (wasOpen || isOpen()) {
        m_tokens.push_back(token);
        m_logChances += wasOpen && !m_isChosen ? logChance : 0;
    }
    m_isChosen = m_isChosen && isOpen();
}

void CallGuide::end() { m_call.state = isOpen() ? State::Broken : m_call.state; }

bool CallGuide::isDoubtful() const
{
    return m_call.state == State::Broken && m_tokens.size() > 1 && (hasArguments() || m_logChances / double(m_tokens.size() - 1) < std::log(kCertain));
}

bool CallGuide::hasArguments() const { return !argumentsOf(m_call.text).empty(); }

void CallGuide::choose(std::span<const TokenId> call)
{
    m_call.state = State::Text;
    std::for_each(call.begin(), call.end(), [this](TokenId token) { push(token, 0); });
    m_isChosen = isOpen();
}

bool CallGuide::fits(TokenId token) const
{
    if (!m_isChosen) {
        return true;
    }
    const std::string bytes = m_tokenizer.bytesOf(token);
    Call next = m_call;
    follow(next, bytes);
    // A token without text ends the answer, in the middle of the call.
    return !bytes.empty() && (next.state == State::Offered || (next.state == State::Open && isBeginning(next.text)));
}

void CallGuide::restrict(std::span<float> logits) const
{
    std::vector<std::size_t> others;
    for (std::size_t id = 0; id < logits.size(); ++id) {
        if (!fits(TokenId(id))) {
            others.push_back(id);
        }
    }
    if (others.size() < logits.size()) {
        std::for_each(others.begin(), others.end(), [&](std::size_t id) { logits[id] = -std::numeric_limits<float>::infinity(); });
    }
}

std::vector<std::string> CallGuide::alternatives() const
{
    const std::string written = argumentsOf(m_call.text);
    std::map<std::string, std::string> callOf;      // by name
    for (const std::string& call : m_calls) {
        if (written.empty() && nameOf(call) == nameOf(m_call.text)) {
            return {};
        }
        if (argumentsOf(call) == written) {
            callOf[nameOf(call)] = call;
        }
    }
    std::vector<std::string> calls;
    std::transform(callOf.begin(), callOf.end(), std::back_inserter(calls), [](const auto& one) { return one.second; });
    return calls;
}

std::vector<TokenId> CallGuide::tokensOf(std::span<const TokenId> written, const std::string& call) const
{
    std::string before;
    for (const TokenId token : written) {
        before += m_tokenizer.bytesOf(token);
    }
    const std::string bytes = m_tokenizer.bytesOf(m_tokens.front());
    const std::vector<TokenId> all = m_tokenizer.encode(before + bytes.substr(0, bytes.rfind('<') + 1) + call);
    // What is written may have been written in other tokens than the tokenizer's.
    std::string text;
    for (auto token = all.begin(); token != all.end(); ++token) {
        if (!m_tokenizer.bytesOf(*token).empty() && withoutFirstSpace(text) == withoutFirstSpace(before)) {
            return {token, all.end()};
        }
        text += m_tokenizer.bytesOf(*token);
    }
    return {};
}

} // namespace hf::assistant
