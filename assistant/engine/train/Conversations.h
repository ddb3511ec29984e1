#pragma once

#include "assistant/engine/Prompt.h"
#include "assistant/engine/train/PicturePool.h"

#include <string>
#include <vector>

namespace hf::assistant::train {

/// A conversation with the pictures of its "<image>" markers, in the form in which the model is trained.
struct Conversation {
    std::vector<PromptMessage> messages;
    std::vector<Picture> pictures;
};

/// Writes the demo model's conversations: a picture, cards of experts, a question, the call of the expert that fits (or a refusal), the
/// expert's reply, and the answer that rests on it. Texts are composed from lists (Wordings.h); what is true comes from the picture.
class ConversationWriter {
public:
    explicit ConversationWriter(const std::vector<TrainingPicture>& pool, int size) : m_pool(pool), m_size(size) {}
    /// Different questions about the same picture with the same cards: `count` conversations that begin with the same text.
    std::vector<Conversation> write(int count, phantom::Random& random) const;
    /// Texts to train the tokenizer on: complete conversations.
    std::vector<std::string> texts(int count, std::uint32_t seed) const;

private:
    const TrainingPicture& somePicture(phantom::Random& random) const;
    const std::vector<TrainingPicture>& m_pool;
    int m_size;
};

} // namespace hf::assistant::train
