#pragma once

#include "assistant/engine/Tokenizer.h"
#include "assistant/engine/VilaNetworks.h"
#include "assistant/engine/train/Conversations.h"
#include "assistant/engine/train/Trainer.h"

namespace hf::assistant::train {

/// The tokenizer of the output folder; without `resume` one is trained on the writer's texts and written there first.
Tokenizer demoTokenizer(const TrainOptions& options, const ConversationWriter& writer);

/// The networks to train, fp32, on the CPU, wanting gradients: those of the output folder with `resume`, else new ones.
/// @param hasNewTower  with `resume`: a new tower and projector under the language model that there is.
VilaNetworks demoNetworks(const TrainOptions& options, const Tokenizer& tokenizer, bool hasNewTower);

/// A word at the beginning of a line is another token than the same word after a space, and one that few texts hold: it borrows the row of the common one,
/// from where it learns what is its own (as a part of longer words, say).
void lendEmbeddings(Llama& llm, const Tokenizer& tokenizer);

/// Which parts of a conversation's answers greedy decoding would get right word by word.
struct AnswersRight {
    bool sentence = true, rest = true;  ///< Of the first answer: up to its first full stop, and what follows.
    bool later = true;
};

/// For each of `branches` conversations. @param best  the likeliest token [N] for each of `targets` [N], both on the CPU. @param answers  as in SampleTree.
std::vector<AnswersRight> compared(const VilaConfig& config, const Tokenizer& tokenizer, const torch::Tensor& best, const torch::Tensor& targets,
    const std::vector<std::pair<int, int>>& answers, std::size_t branches);

/// The shares of conversations that are right.
void countRight(const std::vector<AnswersRight>& outcomes, TrainReport& report);

} // namespace hf::assistant::train
