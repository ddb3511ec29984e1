#pragma once

#include "assistant/engine/Tokenizer.h"

#include <set>
#include <span>
#include <string>
#include <vector>

namespace hf::assistant {

/// Watches an answer for calls that nobody offers. Names of experts are the reader's own and often new to a model: a small one copies them badly
/// (MASKNET becomes MKK) or says one that it knows by heart. Such a call could only fail. VilaModel takes the expert that the model finds likeliest
/// among those that are offered with the arguments that it wrote. A call whose arguments nobody offers stays as it is, and so do what is no call
/// ("< 5 mm") and, without arguments to go by, what was written with certainty. Not thread-safe.
class CallGuide {
public:
    /// A wrong call without arguments whose tokens have at least this probability on the geometric mean is what the model wants to say.
    static constexpr double kCertain = 0.97;
    /// The name of a call that is taken instead of one without arguments must have at least this probability a token, on the geometric mean; else the model means none.
    static constexpr double kMeant = 1e-3;

    /// @param calls      what may stand between "<" and ">", complete: "CTSEG(lungs)"; none: whatever is written is left alone. @param tokenizer  must live longer.
    CallGuide(std::span<const std::string> calls, const Tokenizer& tokenizer);

    /// The next token of the answer. @param logChance  logarithm of its probability; looked at where a call is open.
    void push(TokenId token, double logChance);
    /// The answer ended.
    void end();
    /// A call is being written; it may be taken back.
    bool isOpen() const { return m_call.state == State::Open; }
    /// The last token closed a call that nobody offers, with arguments, or written in doubt.
    bool isDoubtful() const;
    /// The last call says what is to be looked for.
    bool hasArguments() const;
    /// Tokens of the last call, from the one with its "<" on.
    std::span<const TokenId> tokens() const { return m_tokens; }
    /// Takes the last call back and begins this one, which is offered. @param call  tokens from the one with the "<" on, without what closes it.
    void choose(std::span<const TokenId> call);
    /// False when `token` would break a call that was chosen.
    bool fits(TokenId token) const;
    /// Takes the tokens that do not fit out of `logits` [V] (minus infinity); nothing is changed where none fits.
    void restrict(std::span<float> logits) const;

    /// What was written after the "<" of the last call.
    const std::string& text() const { return m_call.text; }
    /// Offered calls with the arguments of the last call, each said in one way; for a call without arguments none where its own expert is offered.
    std::vector<std::string> alternatives() const;
    /// The tokens of `call` and what the last call's token with the "<" begins with, as the tokenizer writes them after `written`.
    /// @return nothing where the tokenizer joins them with what is written.
    std::vector<TokenId> tokensOf(std::span<const TokenId> written, const std::string& call) const;

private:
    enum class State { Text, Open, Offered, Broken };
    struct Call {
        State state = State::Text;
        std::string text;               ///< After its "<".
    };
    void follow(Call& call, const std::string& bytes) const;
    bool isBeginning(const std::string& text) const;
    std::set<std::string> m_calls;
    const Tokenizer& m_tokenizer;
    Call m_call;                        ///< The last one.
    std::vector<TokenId> m_tokens;
    double m_logChances = 0;            ///< Of the tokens after the one with the "<".
    bool m_isChosen = false;
};

} // namespace hf::assistant
