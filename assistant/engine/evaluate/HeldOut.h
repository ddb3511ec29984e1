#pragma once

#include "assistant/engine/M3Loop.h"
#include "assistant/engine/evaluate/Evaluation.h"
#include "assistant/engine/train/Conversations.h"

namespace hf::assistant::evaluate {

struct HeldOutOptions {
    int cases = 300;            ///< Questions; each has a picture and cards of its own.
    int swapped = 100;          ///< Pictures exchanged for one of another kind.
    int blanked = 100;
    int asked = 100;            ///< Further questions whether, on which side and how many, all of which an expert can answer.
    std::uint32_t seed = 1;
    bool guidesCalls = true;    ///< See ChatTurn.
    /// Gets every question with its answer, as they come; may be empty.
    std::function<void(const train::Scene& scene, const ChatAnswer& answer)> onAnswer;
};

/// Tries a model on the demo model's own task: pictures of phantoms of people, cards and wordings that the trainer never makes (HeldOutPhrases.h).
/// Questions go through M3Loop as in a chat: the model decides, the expert that it calls paints, and the model answers again.
/// @return figures of what was asked until a stop was requested.
Result evaluateHeldOut(VilaModel& model, const HeldOutOptions& options, const Progress& progress, const std::stop_token& stop);

/// The answer to a scene by the path of a chat. @param onPicture  gets the picture that the vision tower got; may be empty.
ChatAnswer askScene(VilaModel& model, const train::Scene& scene, int size, bool guidesCalls, const std::function<void(const Picture&)>& onPicture, const std::stop_token& stop);

/// The scene's truth calls the first card that offers what is asked for. Where others of its modality offer the same, they are as good.
bool isRightCall(const ExpertCall& call, const train::Scene& scene);

/// What an answer says about the picture, in fixed words.
struct Said {
    std::string kind;           ///< "CT", "MRI", "X-ray", "ultrasound", "blank", or empty.
    std::string view;           ///< "axial", "sagittal", "coronal", "frontal", "lateral", or empty.
    bool refuses = false;
};
Said saidIn(const std::string& answer);

/// Every structure of the mask named in its colour, and no other; "none" where the mask is empty.
bool namesMask(const std::string& answer, const train::PaintedMask& mask);

} // namespace hf::assistant::evaluate
