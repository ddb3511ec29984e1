#include "assistant/engine/M3Loop.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace hf::assistant {

namespace {

using Clock = std::chrono::steady_clock;

double millisecondsSince(Clock::time_point start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }

std::string legendText(const std::vector<LegendEntry>& legend)
{
    std::string text;
    for (const LegendEntry& entry : legend) {
        text += (text.empty() ? "" : ", ") + entry.colorName + ": " + entry.labelName;
    }
    return text;
}

/// True when the last picture that a reader's question showed is this one.
bool showsAlready(const std::vector<ChatMessage>& history, const Picture& picture)
{
    for (auto message = history.rbegin(); message != history.rend(); ++message) {
        if (message->role == Role::User && !message->pictures.empty()) {
            const Picture& last = message->pictures.back();
            return last.width == picture.width && last.height == picture.height && last.rgb == picture.rgb;
        }
    }
    return false;
}

/// Where a turn begins: messages that a reader wrote.
std::size_t nextTurn(const std::vector<ChatMessage>& history, std::size_t from)
{
    while (from < history.size() && history[from].role != Role::User) {
        ++from;
    }
    return from;
}

} // namespace

/// The texts and pictures of the messages as the model gets them.
struct M3Loop::Dialogue {
    std::vector<PromptMessage> messages;
    std::vector<Picture> pictures;
    std::string prompt;

    void add(const ChatMessage& message, PromptForm form, const std::string& cards)
    {
        std::string text = message.text;
        if (message.role == Role::User) {
            text = message.pictures.empty() ? followUpQuestion(form, message.text) : userText(form, cards, message.modality, message.text);
        }
        messages.push_back({message.role, text});
        pictures.insert(pictures.end(), message.pictures.begin(), message.pictures.end());
    }
};

/// The conversation with `fresh` (the question and what followed) at its end. Oldest turns go until the prompt leaves room for an answer; the
/// question shows its picture again when the turn that showed it is gone. The demo form keeps everything.
M3Loop::Dialogue M3Loop::fitted(const ChatTurn& turn, const std::vector<ChatMessage>& fresh, const Picture& picture, const std::string& cards, int& dropped) const
{
    const int longest = m_model.longestSequence();
    const int room = std::min(turn.generation.maxNewTokens, longest / 4);
    dropped = 0;
    for (std::size_t begin = 0;; begin = nextTurn(turn.history, begin + 1), ++dropped) {
        const std::vector<ChatMessage> kept(turn.history.begin() + std::ptrdiff_t(std::min(begin, turn.history.size())), turn.history.end());
        Dialogue dialogue;
        for (const ChatMessage& message : kept) {
            dialogue.add(message, turn.form, cards);
        }
        ChatMessage question = fresh.front();
        if (question.pictures.empty() && !showsAlready(kept, picture)) {
            question.pictures.push_back(picture);
        }
        dialogue.add(question, turn.form, cards);
        for (std::size_t n = 1; n < fresh.size(); ++n) {
            dialogue.add(fresh[n], turn.form, cards);
        }
        dialogue.prompt = buildPrompt(m_model.info().conversation, turn.form, dialogue.messages);
        if (turn.form == PromptForm::Demo || begin >= turn.history.size() || m_model.promptLength(dialogue.prompt, dialogue.pictures.size()) + room <= longest) {
            return dialogue;
        }
    }
}

std::string M3Loop::generate(const Dialogue& dialogue, const ChatTurn& turn, int stage, const ChatEvents& events, ChatAnswer& result, const std::stop_token& stop)
{
    result.prompts.push_back(dialogue.prompt);
    if (events.prompt) {
        events.prompt(stage, dialogue.prompt);
    }
    GenerationReport report;
    GenerationOptions options = turn.generation;
    options.cutsPromptEnd = turn.form == PromptForm::Demo;
    if (stage == 0 && turn.guidesCalls && turn.form == PromptForm::Training) {
        options.calls = m_runner.registry().offeredCalls(turn.volume->info().modality);
    }
    const auto onText = [&](const std::string& piece) {
        if (events.token) {
            events.token(stage, piece);
        }
    };
    const std::string answer = m_model.generate(dialogue.prompt, dialogue.pictures, options, onText, stop, &report);
    result.reports.push_back(report);
    return answer;
}

std::optional<ExpertCall> M3Loop::findCall(const ChatTurn& turn, const std::string& answer) const
{
    std::vector<std::string> names;
    for (const auto& expert : m_runner.registry().experts()) {
        names.push_back(expert->card().name);
    }
    if (turn.form == PromptForm::Training) {
        return findExpertCall(answer, names);
    }
    // The demo tries its experts in this order.
    const std::vector<std::string> order{"CXR", "VISTA3D", "BRATS"};
    std::stable_sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
        return std::find(order.begin(), order.end(), a) < std::find(order.begin(), order.end(), b);
    });
    return findExpertCallAsDemo(answer, names);
}

/// The demo's own sentences for arguments that it does not take (reference 6.7).
void M3Loop::checkAsDemo(const ExpertCall& call) const
{
    const experts::Expert* expert = m_runner.registry().find(call.name);
    if (!expert || expert->card().arguments.empty() || call.arguments.empty()) {
        return;
    }
    if (call.arguments.find(")(") != std::string::npos) {
        throw Error("Multiple expert model arguments are provided in the same prompt, which is not supported in this version.", "arguments");
    }
    const auto& known = expert->card().arguments;
    if (std::find(known.begin(), known.end(), call.arguments) == known.end()) {
        throw Error("Label group " + call.arguments + " is not accepted by the " + (call.name == "VISTA3D" ? "VISTA-3D" : call.name) + " model.", "arguments");
    }
}

/// Runs the expert; the message is what the model is told. result.expert is set as soon as it ran.
ChatMessage M3Loop::askExpert(const ChatTurn& turn, const ExpertCall& call, const ChatEvents& events, ChatAnswer& result, const std::stop_token& stop)
{
    if (turn.form == PromptForm::Demo) {
        checkAsDemo(call);
    }
    ExpertRun run = m_runner.run(call.name, {*turn.volume, call.arguments, turn.view, {}, {}, events.expertPartial}, events.expertProgress, stop);
    ChatMessage told{Role::Expert, {}, {}, {}};
    if (!run.result.mask.isEmpty()) {
        MaskedPicture masked = modelMaskedPicture(*turn.volume, turn.view, run.result.mask);
        run.legend = std::move(masked.legend);
        run.sentence = expertText(turn.form, legendText(run.legend));
        told.pictures.push_back(m_model.preprocessed(masked.picture));
    }
    told.text = run.sentence;
    result.timingsMs["expert"] = run.milliseconds;
    result.expert = std::move(run);
    if (events.expertFinished) {
        events.expertFinished(*result.expert);
    }
    return told;
}

ChatAnswer M3Loop::answer(const ChatTurn& turn, const ChatEvents& events, std::stop_token stop)
{
    HF_ASSERT(turn.volume);
    const Volume& volume = *turn.volume;
    const auto start = Clock::now();
    ChatAnswer result;
    result.modality = modalityWord(volume.info().modality, volume.info().bodyPart);
    const std::string cards = m_runner.registry().promptCards();
    // Kept as the vision tower takes it, so that a conversation stays small.
    const Picture picture = m_model.preprocessed(modelPicture(volume, turn.view));
    result.timingsMs["picture"] = millisecondsSince(start);
    if (events.picture) {
        events.picture(0, picture);
    }
    ChatMessage question{Role::User, turn.question, {}, result.modality};
    if (!showsAlready(turn.history, picture)) {
        question.pictures.push_back(picture);
    }
    result.newMessages.push_back(std::move(question));

    const auto firstStart = Clock::now();
    result.firstAnswer = generate(fitted(turn, result.newMessages, picture, cards, result.droppedTurns), turn, 0, events, result, stop);
    result.answer = result.firstAnswer;
    result.timingsMs["first_answer"] = millisecondsSince(firstStart);
    result.timingsMs["first_token"] = result.timingsMs["picture"] + result.reports[0].firstTokenMs;
    result.newMessages.push_back({Role::Assistant, result.firstAnswer, {}, {}});

    const auto call = findCall(turn, result.firstAnswer);
    if (call && events.expertStarted) {
        events.expertStarted(call->name, call->arguments);
    }
    std::optional<ChatMessage> told;
    try {
        if (call) {
            told = askExpert(turn, *call, events, result, stop);
        }
    } catch (const Cancelled&) {
        throw;
    } catch (const Error& error) {
        if (result.expert) {
            throw;
        }
        result.expertErrorCode = error.code();
        result.expertError = error.what();
        if (turn.form == PromptForm::Demo) {
            result.newMessages.push_back({Role::Expert, "Sorry I met an error: " + result.expertError, {}, {}});
        }
    }
    if (told) {
        // The demo takes an answer that says so for the final one (reference 6.7); a classifier's result is always given back.
        const bool isFinal = turn.form == PromptForm::Demo && !told->pictures.empty() && result.firstAnswer.find("segmented") != std::string::npos;
        if (!told->pictures.empty() && events.picture) {
            events.picture(1, told->pictures.front());
        }
        if (!isFinal) {
            told->text += expertInstruction(turn.form, turn.question);
        }
        result.newMessages.push_back(std::move(*told));
        if (!isFinal) {
            const auto secondStart = Clock::now();
            result.answer = generate(fitted(turn, result.newMessages, picture, cards, result.droppedTurns), turn, 1, events, result, stop);
            result.timingsMs["second_answer"] = millisecondsSince(secondStart);
            result.newMessages.push_back({Role::Assistant, result.answer, {}, {}});
        }
    }
    result.timingsMs["total"] = millisecondsSince(start);
    return result;
}

} // namespace hf::assistant
