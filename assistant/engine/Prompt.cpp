#include "assistant/engine/Prompt.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <array>

namespace hf::assistant {

namespace {

const std::string kMarker = "<image>";

const std::string kLlamaSystem = "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nYou are a helpful language and vision assistant. "
                                 "You are able to understand the visual content that the user provides, and assist the user with a variety of tasks "
                                 "using natural language.";
const std::string kVicunaSystem = "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, "
                                  "and polite answers to the user's questions.";

std::string withoutMarkers(std::string text)
{
    for (std::size_t at = text.find(kMarker); at != std::string::npos; at = text.find(kMarker, at)) {
        text.erase(at, kMarker.size());
    }
    return text;
}

std::string stripped(const std::string& text)
{
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first == std::string::npos ? std::string() : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string modalitySentence(const std::string& modality) { return modality.empty() ? "" : "This is a " + modality + " image.\n"; }

std::string upper(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::toupper(c)); });
    return text;
}

/// Expert messages become user messages, neighbouring ones one message.
std::vector<PromptMessage> squashed(std::span<const PromptMessage> messages)
{
    std::vector<PromptMessage> result;
    bool previousWasExpert = false;
    for (const PromptMessage& message : messages) {
        const bool expert = message.role == Role::Expert;
        if (expert && previousWasExpert) {
            result.back().text += message.text;
        } else {
            result.push_back({expert ? Role::User : message.role, message.text});
        }
        previousWasExpert = expert;
    }
    return result;
}

std::string header(const std::string& role) { return "<|start_header_id|>" + role + "<|end_header_id|>\n\n"; }

/// How a conversation is written.
struct Style {
    bool cue = false;           ///< Adds the header of the answer that is waited for.
    bool emptyIsBare = false;   ///< As the reference: of an empty message only its role, without what ends it.
};

/// Text and the learned ranges of a conversation.
TrainingText llamaText(std::span<const PromptMessage> messages, const Style& style)
{
    TrainingText result;
    result.text = kLlamaSystem + "<|eot_id|>";
    for (std::size_t n = 0; n < messages.size(); ++n) {
        const bool answer = messages[n].role == Role::Assistant;
        result.text += header(answer ? "assistant" : "user");
        if (style.emptyIsBare && messages[n].text.empty()) {
            continue;
        }
        const std::size_t begin = result.text.size();
        result.text += messages[n].text + (n + 1 == messages.size() && !style.cue ? "<|end_of_text|>" : "<|eot_id|>");
        if (answer) {
            result.learned.emplace_back(begin, result.text.size());
        }
    }
    if (style.cue) {
        result.text += header("assistant");
    }
    return result;
}

TrainingText vicunaText(std::span<const PromptMessage> messages, const Style& style)
{
    TrainingText result;
    result.text = kVicunaSystem + " ";
    for (std::size_t n = 0; n < messages.size(); ++n) {
        const bool answer = messages[n].role == Role::Assistant;
        result.text += answer ? "ASSISTANT:" : "USER:";
        if (style.emptyIsBare && messages[n].text.empty()) {
            continue;
        }
        result.text += " ";
        const std::size_t begin = result.text.size();
        // The separator follows the parity of the message, not its role.
        result.text += messages[n].text + (n % 2 == 0 ? " " : "</s>");
        if (answer) {
            result.learned.emplace_back(begin, result.text.size());
        }
    }
    if (style.cue) {
        result.text += "ASSISTANT:";
    }
    return result;
}

/// "<image>" for each picture of the question, the answer and a line end, which are learned.
TrainingText plainText(std::span<const PromptMessage> messages)
{
    if (messages.size() != 2) {
        throw Error("the plain template takes one question and its answer, not " + std::to_string(messages.size()) + " messages", "data");
    }
    TrainingText result;
    for (std::size_t at = messages[0].text.find(kMarker); at != std::string::npos; at = messages[0].text.find(kMarker, at + kMarker.size())) {
        result.text += kMarker;
    }
    const std::size_t begin = result.text.size();
    result.text += messages[1].text + "\n";
    result.learned.emplace_back(begin, result.text.size());
    return result;
}

TrainingText conversationText(const std::string& conversation, std::span<const PromptMessage> messages, const Style& style)
{
    if (conversation == "llama_3") {
        return llamaText(messages, style);
    }
    if (conversation == "vicuna_v1") {
        return vicunaText(messages, style);
    }
    throw Error("unknown conversation template '" + conversation + "' (known: llama_3, vicuna_v1)", "checkpoint");
}

/// Texts of all `<...>` of one line each, in order.
std::vector<std::string> anglePairs(const std::string& text)
{
    std::vector<std::string> found;
    for (std::size_t open = text.find('<'); open != std::string::npos; open = text.find('<', open)) {
        const std::size_t close = text.find('>', open);
        if (close == std::string::npos) {
            break;
        }
        const std::string inside = text.substr(open + 1, close - open - 1);
        if (inside.find('\n') != std::string::npos) {
            ++open;
            continue;
        }
        found.push_back(inside);
        open = close + 1;
    }
    return found;
}

/// Non-greedy `\((.*?)\)`, all of them.
std::vector<std::string> parentheses(const std::string& text)
{
    std::vector<std::string> found;
    for (std::size_t open = text.find('('); open != std::string::npos; open = text.find('(', open)) {
        const std::size_t close = text.find(')', open);
        if (close == std::string::npos) {
            break;
        }
        found.push_back(text.substr(open + 1, close - open - 1));
        open = close + 1;
    }
    return found;
}

} // namespace

std::string modalityWord(const std::string& dicomModality, const std::string& bodyPart)
{
    if (dicomModality == "CT") {
        return "CT";
    }
    if (dicomModality == "MR") {
        return "MRI";
    }
    if (dicomModality == "US") {
        return "US";
    }
    constexpr std::array kRadiographs{"CR", "DX", "DR", "RG"};
    if (std::find(kRadiographs.begin(), kRadiographs.end(), dicomModality) != kRadiographs.end()) {
        const std::string part = upper(bodyPart);
        const bool chest = part.empty() || part.find("CHEST") != std::string::npos || part.find("THORAX") != std::string::npos || part.find("LUNG") != std::string::npos;
        return chest ? "CXR" : "";
    }
    return {};
}

std::string userText(PromptForm form, const std::string& cards, const std::string& modality, const std::string& question)
{
    const std::string sentence = modalitySentence(modality);
    if (form == PromptForm::Demo) {
        return cards + (question.find(kMarker) == std::string::npos ? kMarker : "") + sentence + question;
    }
    const std::string before = stripped(cards);
    return before + (before.empty() ? "" : " ") + kMarker + "\n" + sentence + stripped(withoutMarkers(question));
}

std::string withTrainedMarkers(const std::string& text)
{
    if (text.find(kMarker) == std::string::npos) {
        return text;
    }
    std::string result;
    std::size_t at = 0;
    for (std::size_t hit = text.find(kMarker); hit != std::string::npos; hit = text.find(kMarker, at)) {
        result += stripped(text.substr(at, hit - at)) + " " + kMarker + "\n";
        at = hit + kMarker.size();
    }
    return stripped(result + stripped(text.substr(at))) + (stripped(text.substr(at)).empty() ? "\n" : "");
}

std::string followUpQuestion(PromptForm form, const std::string& question)
{
    return form == PromptForm::Demo ? question : stripped(withoutMarkers(question));
}

std::string expertText(PromptForm form, const std::string& legend)
{
    return "The results are " + kMarker + (form == PromptForm::Training ? "\n" : "") + ". The colors in this image describe " + legend + ". ";
}

std::string expertInstruction(PromptForm form, const std::string& question)
{
    const std::string text = "Use this result to respond to this prompt:\n";
    return form == PromptForm::Demo ? text + question : text + stripped(withoutMarkers(question)) + ".";
}

std::string buildPrompt(const std::string& conversation, PromptForm form, std::span<const PromptMessage> messages)
{
    const bool cue = conversation != "vicuna_v1" || form == PromptForm::Training;
    return conversationText(conversation, squashed(messages), {cue, form == PromptForm::Demo}).text;
}

TrainingText trainingText(const std::string& conversation, std::span<const PromptMessage> messages)
{
    return conversation == "plain" ? plainText(messages) : conversationText(conversation, squashed(messages), {});
}

std::optional<ExpertCall> findExpertCall(const std::string& answer, std::span<const std::string> names)
{
    for (const std::string& pair : anglePairs(answer)) {
        // "smaller than" may stand before a call: the last bracket opens it.
        const std::string inside = pair.substr(pair.rfind('<') + 1);
        const std::size_t open = inside.find('(');
        const std::string name = stripped(inside.substr(0, open));
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            continue;
        }
        if (open == std::string::npos) {
            return ExpertCall{name, {}};
        }
        const std::size_t close = inside.rfind(')');
        const std::size_t end = close == std::string::npos || close < open ? inside.size() : close;
        std::string arguments = stripped(inside.substr(open + 1, end - open - 1));
        if (arguments.size() >= 2 && (arguments.front() == '\'' || arguments.front() == '"') && arguments.back() == arguments.front()) {
            arguments = arguments.substr(1, arguments.size() - 2);
        }
        return ExpertCall{name, arguments};
    }
    return std::nullopt;
}

std::optional<ExpertCall> findExpertCallAsDemo(const std::string& answer, std::span<const std::string> names)
{
    const std::vector<std::string> pairs = anglePairs(answer);
    if (pairs.size() != 1) {
        return std::nullopt;
    }
    for (const std::string& name : names) {
        if (pairs[0].find(name) == std::string::npos) {
            continue;
        }
        const std::vector<std::string> arguments = parentheses(pairs[0].substr(std::min(name.size(), pairs[0].size())));
        std::string joined;
        for (std::size_t n = 0; n < arguments.size(); ++n) {
            joined += (n ? ")(" : "") + arguments[n];
        }
        return ExpertCall{name, joined};
    }
    return std::nullopt;
}

} // namespace hf::assistant
