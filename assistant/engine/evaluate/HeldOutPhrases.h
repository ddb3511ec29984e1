#pragma once

#include "assistant/engine/train/Conversations.h"

namespace hf::assistant::evaluate {

/// Wordings and names of experts for trying a model: written apart from those of the trainer (Wordings.h) and never to be trained with.
train::Phrases heldOutPhrases();

} // namespace hf::assistant::evaluate
