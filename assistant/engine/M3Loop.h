#pragma once

#include "assistant/engine/Prompt.h"
#include "assistant/engine/VilaModel.h"
#include "experts/runs/ExpertRunner.h"
#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Picture.h"
#include "viewer/volume/Volume.h"

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace hf::assistant {

/// One message of a conversation as it is kept between questions: its text holds no cards and no marker of its own picture.
struct ChatMessage {
    Role role = Role::User;
    std::string text;
    std::vector<Picture> pictures;  ///< A question: the view, when it changed. An expert: the masked slice.
    std::string modality;           ///< Of a question with a picture: the word of the modality sentence.
};

/// One question about one view.
struct ChatTurn {
    const Volume* volume = nullptr;     ///< Never null.
    View view;
    std::string question;
    std::vector<ChatMessage> history;   ///< Earlier messages, oldest first.
    GenerationOptions generation;
    /// Demo: everything as the published demo program does it ("faithful"), not only the wording. See PROTOCOL.md, Mode.
    PromptForm form = PromptForm::Training;
    /// A call with a badly copied name is mended (CallGuide). Never in the demo form.
    bool guidesCalls = true;
};

using experts::ExpertRun;

/// What happens while a question is answered, in order, on the thread of answer(). Any of them may be empty.
struct ChatEvents {
    std::function<void(int stage, const std::string& prompt)> prompt;   ///< stage 0: the question, 1: after the expert
    std::function<void(int stage, const Picture& picture)> picture;     ///< exactly the pixels that the vision tower gets
    std::function<void(int stage, const std::string& piece)> token;
    std::function<void(const std::string& name, const std::string& arguments)> expertStarted;
    Progress expertProgress;
    std::function<void(const LabelMap& mask, double share)> expertPartial;  ///< labels of the part that is done
    std::function<void(const ExpertRun& run)> expertFinished;           ///< before the second answer begins
};

struct ChatAnswer {
    std::string answer;                 ///< The last answer.
    std::string firstAnswer;            ///< Differs when an expert was asked.
    std::string modality;               ///< Word of the modality sentence; may be empty.
    std::optional<ExpertRun> expert;
    /// Why the expert that the model named did not run, for the reader; never becomes part of the model's context.
    std::string expertErrorCode, expertError;
    int droppedTurns = 0;               ///< Oldest turns of the history that the prompt had no room for.
    std::vector<ChatMessage> newMessages;   ///< To append to the history.
    std::vector<std::string> prompts;
    std::vector<GenerationReport> reports;
    std::map<std::string, double> timingsMs;    ///< "picture", "first_token", "first_answer", "expert", "second_answer", "total"
};

/// The M3 loop: the model looks at the view and answers; when the answer calls an expert, the expert runs on the whole volume, and the
/// model answers again with the masked slice before it. What the model did not say is not done. Source: reference vila-m3.md 6.
class M3Loop {
public:
    /// Both must live longer than the loop.
    M3Loop(VilaModel& model, experts::ExpertRunner& runner) : m_model(model), m_runner(runner) {}

    /// @throws Error, Cancelled. An expert that refuses or fails is no error: see ChatAnswer::expertError.
    ChatAnswer answer(const ChatTurn& turn, const ChatEvents& events, std::stop_token stop);

private:
    struct Dialogue;
    Dialogue fitted(const ChatTurn& turn, const std::vector<ChatMessage>& fresh, const Picture& picture, const std::string& cards, int& dropped) const;
    std::optional<ExpertCall> findCall(const ChatTurn& turn, const std::string& answer) const;
    void checkAsDemo(const ExpertCall& call) const;
    std::string generate(const Dialogue& dialogue, const ChatTurn& turn, int stage, const ChatEvents& events, ChatAnswer& result, const std::stop_token& stop);
    ChatMessage askExpert(const ChatTurn& turn, const ExpertCall& call, const ChatEvents& events, ChatAnswer& result, const std::stop_token& stop);
    VilaModel& m_model;
    experts::ExpertRunner& m_runner;
};

} // namespace hf::assistant
