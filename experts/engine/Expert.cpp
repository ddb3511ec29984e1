#include "experts/engine/Expert.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

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

bool ExpertCard::isFor(const std::string& bodyPart) const
{
    std::string part = bodyPart;
    std::transform(part.begin(), part.end(), part.begin(), [](unsigned char c) { return char(std::toupper(c)); });
    return part.empty() || bodyParts.empty() || std::find(bodyParts.begin(), bodyParts.end(), part) != bodyParts.end();
}

bool ExpertCard::knows(const std::string& argument) const
{
    const auto has = [&](const std::vector<std::string>& list) { return std::find(list.begin(), list.end(), argument) != list.end(); };
    return has(arguments) || has(readerArguments) || (arguments.empty() && argument.empty());
}

std::string ExpertCard::notice() const { return isResearchOnly ? "For research only: " + licence : std::string(); }

std::string scoreText(const std::vector<Score>& scores)
{
    std::vector<const Score*> sorted;
    for (const Score& score : scores) {
        if (score.trainedModels > 0) {
            sorted.push_back(&score);
        }
    }
    std::stable_sort(sorted.begin(), sorted.end(), [](const Score* a, const Score* b) { return a->trainedMean > b->trainedMean; });
    std::string text;
    for (const Score* score : sorted) {
        char numbers[96];
        std::snprintf(numbers, sizeof numbers, " %.2f (%.2f to %.2f, %d models)", score->trainedMean, score->lowest, score->highest, score->trainedModels);
        text += (text.empty() ? "" : "\n") + score->label + numbers;
    }
    return text;
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

std::vector<std::string> ExpertRegistry::offeredCalls(const std::string& modality) const
{
    std::vector<std::string> calls;
    for (const auto& expert : m_experts) {
        const ExpertCard& card = expert->card();
        const auto& accepted = card.dicomModalities;
        const bool isOther = !modality.empty() && !accepted.empty() && std::find(accepted.begin(), accepted.end(), modality) == accepted.end();
        if (!card.isToldToModel || isOther) {
            continue;
        }
        for (const std::string& argument : card.arguments) {
            calls.push_back(card.name + "(" + argument + ")");
        }
        if (card.arguments.empty() || !card.defaultArgument.empty()) {
            calls.insert(calls.end(), {card.name, card.name + "()"});
        }
    }
    return calls;
}

std::string promptCards(std::span<const ExpertCard> cards)
{
    std::string lines;
    for (const ExpertCard& card : cards) {
        lines += card.isToldToModel ? promptLine(card) + "\n" : std::string();
    }
    return lines.empty() ? lines : "Here is a list of available expert models:\n" + lines + "Give the model <NAME(args)> when selecting a suitable expert model.\n";
}

} // namespace hf::experts
