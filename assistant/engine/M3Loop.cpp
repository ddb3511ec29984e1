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

/// The texts and pictures of the messages as the model gets them.
struct Conversation {
    std::vector<PromptMessage> messages;
    std::vector<Picture> pictures;

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

std::string generate(VilaModel& model, const Conversation& conversation, const ChatTurn& turn, int stage, const ChatEvents& events, ChatAnswer& result,
    const std::stop_token& stop)
{
    const std::string prompt = buildPrompt(model.info().conversation, turn.form, conversation.messages);
    result.prompts.push_back(prompt);
    if (events.prompt) {
        events.prompt(stage, prompt);
    }
    GenerationReport report;
    const auto onText = [&](const std::string& piece) {
        if (events.token) {
            events.token(stage, piece);
        }
    };
    const std::string answer = model.generate(prompt, conversation.pictures, turn.generation, onText, stop, &report);
    result.reports.push_back(report);
    return answer;
}

} // namespace

ExpertRun M3Loop::runExpert(const Volume& volume, const View& view, const std::string& name, const std::string& arguments, const Progress& progress,
                            std::stop_token stop)
{
    experts::Expert* expert = m_experts.find(name);
    if (!expert) {
        throw Error("there is no expert " + name, "no-expert");
    }
    const experts::ExpertCard& card = expert->card();
    const std::string chosen = arguments.empty() ? card.defaultArgument : arguments;
    if (!card.arguments.empty() && std::find(card.arguments.begin(), card.arguments.end(), chosen) == card.arguments.end()) {
        throw Error(name + " does not know '" + chosen + "'", "arguments");
    }
    const experts::ExpertRequest request{volume, chosen, view};
    if (const auto refusal = expert->check(request)) {
        throw Error(refusal->text, refusal->code);
    }
    for (const Cached& cached : m_cached) {
        if (cached.voxels == volume.data() && cached.name == name && cached.arguments == chosen) {
            ExpertRun run = cached.run;
            run.wasCached = true;
            run.milliseconds = 0;
            return run;
        }
    }
    const auto start = Clock::now();
    ExpertRun run;
    run.card = card;
    run.arguments = chosen;
    run.result = expert->run(request, progress, stop);
    if (!run.result.mask.isEmpty()) {
        run.facts = measureLabels(run.result.mask, volume);
    }
    run.milliseconds = millisecondsSince(start);
    constexpr std::size_t kKept = 4;
    if (m_cached.size() == kKept) {
        m_cached.erase(m_cached.begin());
    }
    m_cached.push_back({volume.data(), name, chosen, run});
    return run;
}

void M3Loop::forget(const Volume& volume)
{
    std::erase_if(m_cached, [&](const Cached& cached) { return cached.voxels == volume.data(); });
}

ChatAnswer M3Loop::answer(const ChatTurn& turn, const ChatEvents& events, std::stop_token stop)
{
    HF_ASSERT(turn.volume);
    const Volume& volume = *turn.volume;
    const auto start = Clock::now();
    ChatAnswer result;
    result.modality = modalityWord(volume.info().modality, volume.info().bodyPart);

    const std::string cards = m_experts.promptCards();
    Conversation conversation;
    for (const ChatMessage& message : turn.history) {
        conversation.add(message, turn.form, cards);
    }
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
    conversation.add(question, turn.form, cards);
    result.newMessages.push_back(question);

    const auto firstStart = Clock::now();
    result.firstAnswer = generate(m_model, conversation, turn, 0, events, result, stop);
    result.answer = result.firstAnswer;
    result.timingsMs["first_answer"] = millisecondsSince(firstStart);
    result.timingsMs["first_token"] = result.timingsMs["picture"] + result.reports[0].firstTokenMs;
    result.newMessages.push_back({Role::Assistant, result.firstAnswer, {}, {}});

    std::vector<std::string> names;
    for (const auto& expert : m_experts.experts()) {
        names.push_back(expert->card().name);
    }
    if (const auto call = findExpertCall(result.firstAnswer, names)) {
        if (events.expertStarted) {
            events.expertStarted(call->name, call->arguments);
        }
        try {
            ExpertRun run = runExpert(volume, turn.view, call->name, call->arguments, events.expertProgress, stop);
            Picture shown;
            if (run.result.mask.isEmpty()) {
                run.sentence = run.result.sentence;
            } else {
                MaskedPicture masked = modelMaskedPicture(volume, turn.view, run.result.mask);
                run.legend = std::move(masked.legend);
                run.sentence = expertText(turn.form, legendText(run.legend));
                shown = m_model.preprocessed(masked.picture);
            }
            result.timingsMs["expert"] = run.milliseconds;
            result.expert = std::move(run);
            if (events.expertFinished) {
                events.expertFinished(*result.expert);
            }
            ChatMessage told{Role::Expert, result.expert->sentence + expertInstruction(turn.form, turn.question), {}, {}};
            if (!result.expert->result.mask.isEmpty()) {
                told.pictures.push_back(shown);
                if (events.picture) {
                    events.picture(1, shown);
                }
            }
            conversation.add({Role::Assistant, result.firstAnswer, {}, {}}, turn.form, cards);
            conversation.add(told, turn.form, cards);
            const auto secondStart = Clock::now();
            result.answer = generate(m_model, conversation, turn, 1, events, result, stop);
            result.timingsMs["second_answer"] = millisecondsSince(secondStart);
            result.newMessages.push_back(std::move(told));
            result.newMessages.push_back({Role::Assistant, result.answer, {}, {}});
        } catch (const Cancelled&) {
            throw;
        } catch (const Error& error) {
            if (result.expert) {
                throw;
            }
            result.expertErrorCode = error.code();
            result.expertError = error.what();
        }
    }
    result.timingsMs["total"] = millisecondsSince(start);
    return result;
}

} // namespace hf::assistant
