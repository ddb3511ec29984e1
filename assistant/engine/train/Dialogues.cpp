#include "assistant/engine/train/Dialogues.h"

#include "assistant/engine/DataFile.h"
#include "assistant/engine/train/Shuffle.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hf::assistant::train {

namespace fs = std::filesystem;
using nlohmann::json;
using phantom::Random;

namespace {

const std::string kMarker = "<image>";

std::size_t countMarkers(const std::string& text)
{
    std::size_t count = 0;
    for (std::size_t at = text.find(kMarker); at != std::string::npos; at = text.find(kMarker, at + 1)) {
        ++count;
    }
    return count;
}

std::vector<PromptMessage> messagesOf(const JsonEntry& entry)
{
    const json& value = entry.value();
    if (!value.contains("conversations") || !value["conversations"].is_array() || value["conversations"].empty()) {
        entry.fail("\"conversations\" with a question and an answer is missing");
    }
    std::vector<PromptMessage> messages;
    for (const json& turn : value["conversations"]) {
        const bool isAnswer = messages.size() % 2 == 1;
        const char* const speaker = isAnswer ? "gpt" : "human";
        if (!turn.is_object() || !turn.contains("value") || !turn["value"].is_string() || !turn.contains("from") || turn["from"] != speaker) {
            entry.fail("turn " + std::to_string(messages.size() + 1) + " should be {\"from\": \"" + speaker + "\", \"value\": TEXT}");
        }
        messages.push_back({isAnswer ? Role::Assistant : Role::User, turn["value"].get<std::string>()});
        if (isAnswer && countMarkers(messages.back().text) > 0) {
            entry.fail("turn " + std::to_string(messages.size()) + " is an answer and holds " + kMarker);
        }
    }
    if (messages.back().role != Role::Assistant) {
        entry.fail("the conversation does not end with an answer");
    }
    return messages;
}

std::vector<std::string> pictureNames(const JsonEntry& entry)
{
    std::vector<std::string> names;
    if (!entry.has("image")) {
        return names;
    }
    const json& images = entry.value()["image"];
    for (const json& image : images.is_array() ? images : json::array({images})) {
        if (!image.is_string()) {
            entry.fail("\"image\" should be a text or a list of texts");
        }
        names.push_back(image.get<std::string>());
    }
    return names;
}

/// Puts the markers as trained; one in front of the first question where pictures have none.
void placeMarkers(Dialogue& dialogue, std::size_t pictures, const JsonEntry& entry)
{
    std::size_t markers = 0;
    for (const PromptMessage& message : dialogue.messages) {
        markers += countMarkers(message.text);
    }
    if (markers == 0 && pictures == 1) {
        dialogue.messages[0].text = kMarker + "\n" + dialogue.messages[0].text;
        markers = 1;
    }
    if (markers != pictures) {
        entry.fail(std::to_string(markers) + " " + kMarker + " markers for " + std::to_string(pictures) + " pictures");
    }
    for (PromptMessage& message : dialogue.messages) {
        message.text = withTrainedMarkers(message.text);
    }
}

Dialogue dialogueOf(const fs::path& file, const JsonEntry& entry)
{
    Dialogue dialogue;
    dialogue.place = placeOf(file, entry.line());
    dialogue.messages = messagesOf(entry);
    const std::vector<std::string> names = pictureNames(entry);
    placeMarkers(dialogue, names.size(), entry);
    for (const std::string& name : names) {
        const auto found = findPicture(file.parent_path(), name);
        if (!found) {
            throw Error(dialogue.place + "the picture " + name + " is neither beside the file nor in its folders images, imgs", "not-found");
        }
        dialogue.pictures.push_back(*found);
    }
    dialogue.id = entry.textOfAny({"id", "question_id"});
    dialogue.group = entry.textOfAny({"patient", "patient_id", "subject_id"});
    if (dialogue.group.empty()) {
        dialogue.group = names.empty() ? dialogue.id : names[0];
    }
    return dialogue;
}

} // namespace

std::vector<Dialogue> readDialogues(const fs::path& file)
{
    std::vector<Dialogue> dialogues;
    for (const JsonEntry& entry : readJsonEntries(file)) {
        dialogues.push_back(dialogueOf(file, entry));
    }
    if (dialogues.empty()) {
        throw Error(file.string() + " holds no conversation", "data");
    }
    return dialogues;
}

std::pair<fs::path, double> fileAndWeight(const std::string& word)
{
    const std::size_t colon = word.rfind(':');
    if (colon == std::string::npos || word.find_first_not_of("0123456789.", colon + 1) != std::string::npos) {
        return {word, 1};
    }
    const std::string number = word.substr(colon + 1);
    const double weight = number.empty() || std::count(number.begin(), number.end(), '.') > 1 || number == "." ? 0 : std::stod(number);
    if (!(weight > 0) || weight > 1e6) {
        throw Error("'" + word + "': the weight after the colon is a number above 0", "usage");
    }
    return {word.substr(0, colon), weight};
}

HeldBack holdBack(std::vector<Dialogue> dialogues, double share)
{
    HeldBack parts;
    for (Dialogue& dialogue : dialogues) {
        (Random(hashOf(dialogue.group)).uniform() < share ? parts.tried : parts.learned).push_back(std::move(dialogue));
    }
    return parts;
}

Mixture::Mixture(std::vector<std::pair<std::vector<Dialogue>, double>> files, std::uint32_t seed) : m_files(std::move(files)), m_seed(seed)
{
    for (const auto& [dialogues, weight] : m_files) {
        m_passLength += std::llround(weight * double(dialogues.size()));
    }
    if (m_passLength < 1) {
        throw Error("there is no conversation to learn from", "data");
    }
}

const Dialogue& Mixture::at(std::int64_t n)
{
    if (n / m_passLength != m_pass) {
        order(n / m_passLength);
    }
    const auto [file, conversation] = m_order[std::size_t(n % m_passLength)];
    return m_files[file].first[conversation];
}

void Mixture::order(std::int64_t pass)
{
    Random random(m_seed * 1000003ULL + std::uint64_t(pass));
    m_order.clear();
    for (std::size_t file = 0; file < m_files.size(); ++file) {
        const auto& [dialogues, weight] = m_files[file];
        std::vector<std::uint32_t> part(dialogues.size());
        std::iota(part.begin(), part.end(), 0U);
        std::int64_t left = std::llround(weight * double(dialogues.size()));
        while (left > 0) {
            // A broken part is a random choice: the whole list is put into another order first.
            if (left < std::int64_t(part.size())) {
                shuffle(part, random);
                part.resize(std::size_t(left));
            }
            for (const std::uint32_t conversation : part) {
                m_order.emplace_back(std::uint32_t(file), conversation);
            }
            left -= std::int64_t(part.size());
        }
    }
    shuffle(m_order, random);
    m_pass = pass;
}

} // namespace hf::assistant::train
