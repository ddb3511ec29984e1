#pragma once

#include "assistant/engine/Prompt.h"
#include "assistant/engine/train/PicturePool.h"
#include "assistant/engine/train/Wordings.h"
#include "experts/engine/Expert.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace hf::assistant::train {

/// A conversation with the pictures of its "<image>" markers, in the form in which the model is trained.
struct Conversation {
    std::vector<PromptMessage> messages;
    std::vector<Picture> pictures;
};

/// Where words come from. The defaults are what the model is trained with; others are for trying it.
struct Phrases {
    using Source = std::function<std::string(phantom::Random&)>;
    std::function<std::string(Asked asked, const std::string& noun, const std::string& modality, phantom::Random&)> structure = structureQuestion;
    Source what = whatQuestion, kind = kindQuestion, identity = identityQuestion, hard = hardQuestion;
    Source cardName = someCardName, cardOverview = someCardOverview, cardAccuracy = someCardAccuracy;
};

/// How much of what is written. The defaults are those by which models are tried.
struct Mix {
    double otherCards = 0.4;            ///< Share of scenes with cards of other experts than CTSEG.
    int mostOtherCards = 2;
    double offered = 0.2;               ///< Share of questions about something that a card offers, else most are about what CTSEG finds.
    double measure = 0.1, presence = 0.14, side = 0.07, count = 0.07;   ///< Shares of the questions about a structure; the others ask for its mask.
    double identity = 0.03;             ///< Share of questions about the model itself.
    double misnamed = 0.1;              ///< Share of prompts that call the picture something else than it is, or what it is by chance.
    double alike = 0;                   ///< Share of other experts whose name begins as that of another card.
    double parts = 0;                   ///< Share of other experts that name a part of what another card offers.
    double nearMiss = 0;                ///< Share of the questions that no card may answer about a finding in what a card offers ("brain tumor" where it has "brain").
};
/// What the demo model learns from: more of what is hard for it.
Mix trainingMix();
/// The same for conversations of which the answers after the expert are learned too: how such an answer begins depends on the question alone.
Mix wholeMix();

/// What an expert paints into the slice: values of `labels` (one a pixel) with their names, ascending.
struct PaintedMask {
    std::vector<LabelId> labels;
    std::vector<std::pair<LabelId, std::string>> names;
    /// "red: left lung, blue: right lung"
    std::string legend() const;
};

/// What an answer that rests on a mask says before it: "Yes. ", "On the left. ", "There are 3. "; nothing where only the mask was asked for.
std::string answerOpening(Asked asked, const PaintedMask& mask);

/// A question, what is to be answered first, and, when that calls an expert, what it paints and what is to be answered then.
struct Turn {
    enum class Subject { Structure, What, Kind, Identity, Hard };
    Subject subject = Subject::Structure;
    Asked asked = Asked::Segment;           ///< Of a structure.
    std::string question, answer;
    std::optional<ExpertCall> call;
    PaintedMask mask;
    std::string finalAnswer;
};

/// A turn with everything that it is about.
struct Scene {
    std::vector<experts::ExpertCard> cards;
    TrainingPicture picture;
    std::string word;                       ///< What the prompt says about the picture; may be empty or wrong.
    Turn turn;
};

/// Writes the demo model's conversations: a picture, cards of experts, a question, the call of the expert that fits (or a refusal), the
/// expert's reply, and the answer that rests on it. Texts are composed from lists (Wordings.h); what is true comes from the picture.
class ConversationWriter {
public:
    /// Any picture that there is.
    using PictureSource = std::function<const TrainingPicture&(phantom::Random&)>;

    explicit ConversationWriter(const std::vector<TrainingPicture>& pool, int size, Phrases phrases = {}, const Mix& mix = {});
    ConversationWriter(PictureSource source, int size, Phrases phrases = {}, const Mix& mix = {}) : m_source(std::move(source)), m_size(size), m_phrases(std::move(phrases)), m_mix(mix) {}
    /// Different questions about the same picture with the same cards: `count` conversations that begin with the same text.
    /// @param isFirstOnly  what follows the first answer is not thought of, only that something follows.
    std::vector<Conversation> write(int count, phantom::Random& random, bool isFirstOnly = false) const;
    /// Texts to train the tokenizer on: complete conversations.
    std::vector<std::string> texts(int count, std::uint32_t seed) const;
    /// One question about this picture.
    Scene scene(const TrainingPicture& picture, phantom::Random& random) const;

private:
    const TrainingPicture& somePicture(phantom::Random& random) const;
    PictureSource m_source;
    int m_size;
    Phrases m_phrases;
    Mix m_mix;
};

/// What an answer says first: "This is an axial CT image."
std::string imageSentence(const TrainingPicture& picture);
/// The word of the prompt for what the picture is; any of some for a blank one.
std::string sentenceWord(ImageKind kind, phantom::Random& random);

} // namespace hf::assistant::train
