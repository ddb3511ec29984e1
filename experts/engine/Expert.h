#pragma once

#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Picture.h"
#include "viewer/volume/Progress.h"
#include "viewer/volume/Volume.h"

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace hf::experts {

/// What the language model reads about an expert, and what the reader is shown. One line of the prompt is made from it:
/// "<NAME(args)> Modality: .., Task: .., Overview: .., Accuracy: .., Valid args are: 'a', 'b', or 'c'".
struct ExpertCard {
    std::string name;                       ///< "CTSEG"; letters, digits, underscore.
    std::string modality;                   ///< As in the prompt: "CT", "MRI", "chest x-ray (CXR)".
    std::vector<std::string> dicomModalities; ///< (0008,0060) values that it accepts: {"CT"}.
    std::string task;                       ///< "segmentation" or "classification".
    std::string overview;
    std::string accuracy;
    std::vector<std::string> arguments;     ///< Valid arguments; empty: none.
    std::string defaultArgument;            ///< Used for `<NAME>` and `<NAME()>`.
    std::string version;
    std::string licence;
    std::string weightsSha256;              ///< Empty without weights.
    std::vector<std::string> examplePrompts; ///< Offered by the panel for an image that the expert accepts.
};

/// The card's line of the prompt, without the newline.
std::string promptLine(const ExpertCard& card);

/// The card block of the prompt (reference vila-m3.md 6.1); empty without cards.
std::string promptCards(std::span<const ExpertCard> cards);

/// Why an expert does not take a request; `code` is stable ("modality", "arguments", "too-small"), `text` one sentence.
struct Refusal {
    std::string code;
    std::string text;
};

struct ExpertRequest {
    const Volume& volume;
    std::string arguments;  ///< One of card().arguments.
    View view;              ///< What the reader sees; an expert may begin there.
};

struct ExpertResult {
    LabelMap mask;              ///< Empty for a classifier.
    std::string sentence;       ///< For a classifier: what the model is told. Segmentations get theirs from the legend.
};

/// A specialist that runs on a whole volume. Never knows the assistant. Thread-safe for one run at a time.
class Expert {
public:
    virtual ~Expert() = default;
    virtual const ExpertCard& card() const = 0;
    /// Empty when the request can be run. Cheap: looks at headers and arguments only.
    virtual std::optional<Refusal> check(const ExpertRequest& request) const = 0;
    /// @throws Error, Cancelled. Checks `stop` at least every 100 ms.
    virtual ExpertResult run(const ExpertRequest& request, const Progress& progress, std::stop_token stop) = 0;
};

/// The experts of this engine, in the order of their cards. Built once at start.
class ExpertRegistry {
public:
    void add(std::unique_ptr<Expert> expert);
    const std::vector<std::unique_ptr<Expert>>& experts() const { return m_experts; }
    /// Case-sensitive; null when there is none.
    Expert* find(const std::string& name) const;
    /// The block of all cards, in order.
    std::string promptCards() const;

private:
    std::vector<std::unique_ptr<Expert>> m_experts;
};

} // namespace hf::experts
