#pragma once

#include "assistant/engine/Tokenizer.h"

#include <set>
#include <span>
#include <string>
#include <vector>

namespace hf::assistant {

/// Watches an answer for calls of experts that nobody offers. Names of experts are the reader's own and often new to a model, and a small one
/// copies them badly (MASKNET becomes MKK), letter by letter in doubt; what it means is in its logits all the same. VilaModel then takes the
/// offered call that the model finds likeliest. A call that was written with certainty is another expert's, and stays, and so does what is no
/// call ("< 5 mm"). Not thread-safe.
class CallGuide {
public:
    /// A wrong call whose tokens have at least this probability on the geometric mean is what the model wants to say.
    static constexpr double kCertain = 0.97;
    /// The likeliest offered call must have at least this chance after "<" (see VilaModel.cpp), else the model means none of them.
    static constexpr double kMeant = 1e-5;

    /// @param calls      what may stand between "<" and ">", complete: "CTSEG(lungs)"; none: whatever is written is left alone. @param tokenizer  must live longer.
    CallGuide(std::span<const std::string> calls, const Tokenizer& tokenizer);

    /// The next token of the answer. @param logChance  logarithm of its probability; looked at where a call is open.
    void push(TokenId token, double logChance);
    /// The answer ended.
    void end();
    /// A call is being written; it may be taken back.
    bool isOpen() const { return m_state == State::Open; }
    /// The last token closed a call that nobody offers, and that was written in doubt.
    bool isDoubtful() const;
    /// Tokens of the last call, from the one with its "<" on.
    std::span<const TokenId> tokens() const { return m_tokens; }
    /// Takes the last call back and begins this one, which is offered. @param call  tokens from the one with the "<" on, without what closes it.
    void choose(std::span<const TokenId> call);
    /// False when `token` would break a call that was chosen.
    bool fits(TokenId token) const;
    /// Takes the tokens that do not fit out of `logits` [V] (minus infinity); nothing is changed where none fits.
    void restrict(std::span<float> logits) const;

    /// What the calls begin with, without arguments: the experts' names. Sorted.
    std::vector<std::string> names() const;
    /// The calls of these experts, each said in one way: without arguments only where there are none.
    std::vector<std::string> callsOf(std::span<const std::string> names) const;
    /// The tokens of `call` and what the token with its "<" begins with, as the tokenizer writes them after `written`.
    /// @param opening  the token with the "<". @return nothing where the tokenizer joins them with what is written.
    std::vector<TokenId> tokensOf(std::span<const TokenId> written, TokenId opening, const std::string& call) const;

private:
    enum class State { Text, Open, Offered, Broken };
    void follow(const std::string& bytes);
    bool isBeginning(const std::string& text) const;
    std::set<std::string> m_calls;
    const Tokenizer& m_tokenizer;
    State m_state = State::Text;
    std::string m_text;                 ///< Of the call, after its "<".
    std::vector<TokenId> m_tokens;
    double m_logChances = 0;            ///< Of the tokens after the one with the "<".
    bool m_isChosen = false;
};

} // namespace hf::assistant
