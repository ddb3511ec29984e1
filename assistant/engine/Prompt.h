#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hf::assistant {

/// How questions and expert results are worded around the picture (reference vila-m3.md 7.5). Training is what the models have seen;
/// Demo is, byte by byte, what the published demo program sends.
enum class PromptForm { Training, Demo };

enum class Role { User, Assistant, Expert };

struct PromptMessage {
    Role role = Role::User;
    std::string text;
};

/// The word of the modality sentence from DICOM Modality (0008,0060) and Body Part Examined (0018,0015): CT "CT", MR "MRI",
/// radiographs of the chest (or of no named part) "CXR", US "US"; empty: no sentence.
std::string modalityWord(const std::string& dicomModality, const std::string& bodyPart = {});

/// The user's message with one picture: cards, marker, modality sentence, question (reference 6.4, 7.3). A marker that the reader typed
/// is not kept in the training form, so that markers and pictures always match.
/// @param modality  as of modalityWord(); empty: no sentence.
std::string userText(PromptForm form, const std::string& cards, const std::string& modality, const std::string& question);

/// A message as the models have seen it in training: white space around "<image>" is made the same everywhere (7.3).
std::string withTrainedMarkers(const std::string& text);

/// A question about the picture of the turn before.
std::string followUpQuestion(PromptForm form, const std::string& question);

/// What a segmentation tells the model: "red: left lung, blue: right lung" around the masked picture, and the question again (6.7, 7.4).
/// @param legend  "color: name" pairs joined by ", "; empty when no label is in the slice.
std::string expertText(PromptForm form, const std::string& legend);
std::string expertInstruction(PromptForm form, const std::string& question);

/// The complete prompt of a conversation that waits for an answer. Runs of expert messages become one user message (6.6).
/// @param conversation  "llama_3" or "vicuna_v1" (reference 4). @throws Error for another.
/// In the demo form vicuna_v1 gets no assistant cue, as there; the training form adds it.
std::string buildPrompt(const std::string& conversation, PromptForm form, std::span<const PromptMessage> messages);

/// A finished conversation as it was trained, and the byte ranges [begin, end) of it that are learned: answers with their stop token.
struct TrainingText {
    std::string text;
    std::vector<std::pair<std::size_t, std::size_t>> learned;
};
/// @param conversation  as of buildPrompt(), or "plain": the markers of one question and its answer alone, as in the first stage (reference 4).
TrainingText trainingText(const std::string& conversation, std::span<const PromptMessage> messages);

/// What the model asked for.
struct ExpertCall {
    std::string name;
    std::string arguments;  ///< Empty for `<NAME>` and `<NAME()>`.
};

/// The first `<NAME(args)>` or `<NAME>` in the answer with one of `names`; other angle brackets do not matter.
std::optional<ExpertCall> findExpertCall(const std::string& answer, std::span<const std::string> names);

/// As the published demo decides (6.7): exactly one pair of angle brackets, whose text contains a name (CXR, VISTA3D, BRATS order is the
/// caller's). More than one argument is an error there: `arguments` then holds them joined by ")(".
std::optional<ExpertCall> findExpertCallAsDemo(const std::string& answer, std::span<const std::string> names);

} // namespace hf::assistant
