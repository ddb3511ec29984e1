#include "experts/engine/Expert.h"

#include "viewer/volume/Error.h"

#include <algorithm>

namespace hf::experts {

namespace {

/// 'a', 'b', or 'c' as the published cards write it; "None" without arguments.
std::string argumentList(const std::vector<std::string>& arguments)
{
    if (arguments.empty()) {
        return "None";
    }
    std::string text;
    for (std::size_t n = 0; n < arguments.size(); ++n) {
        const bool last = n + 1 == arguments.size();
        text += n == 0 ? "" : !last ? ", " : arguments.size() == 2 ? " or " : ", or ";
        text += "'" + arguments[n] + "'";
    }
    return text;
}

} // namespace

std::string promptLine(const ExpertCard& card)
{
    return "<" + card.name + "(args)> Modality: " + card.modality + ", Task: " + card.task + ", Overview: " + card.overview + ", Accuracy: " +
        card.accuracy + ", Valid args are: " + argumentList(card.arguments);
}

void ExpertRegistry::add(std::unique_ptr<Expert> expert)
{
    HF_ASSERT(expert && !find(expert->card().name));
    m_experts.push_back(std::move(expert));
}

Expert* ExpertRegistry::find(const std::string& name) const
{
    const auto found = std::find_if(m_experts.begin(), m_experts.end(), [&](const auto& expert) { return expert->card().name == name; });
    return found == m_experts.end() ? nullptr : found->get();
}

std::string ExpertRegistry::promptCards() const
{
    std::vector<ExpertCard> cards;
    for (const auto& expert : m_experts) {
        cards.push_back(expert->card());
    }
    return experts::promptCards(cards);
}

std::string promptCards(std::span<const ExpertCard> cards)
{
    if (cards.empty()) {
        return {};
    }
    std::string text = "Here is a list of available expert models:\n";
    for (const ExpertCard& card : cards) {
        text += promptLine(card) + "\n";
    }
    return text + "Give the model <NAME(args)> when selecting a suitable expert model.\n";
}

} // namespace hf::experts
