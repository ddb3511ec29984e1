#pragma once

#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Picture.h"
#include "viewer/volume/Progress.h"
#include "viewer/volume/Volume.h"

#include <functional>
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
    std::vector<std::string> bodyParts{};   ///< Values of Body Part Examined (0018,0015) that it is made for, in capitals; empty: any.
    std::string task;                       ///< "segmentation" or "classification".
    std::string overview;
    std::string accuracy;                   ///< In a few words.
    std::vector<std::string> arguments;     ///< Valid arguments; empty: none.
    std::string defaultArgument;            ///< Used for `<NAME>` and `<NAME()>`.
    std::string version;
    std::string licence;
    std::string weightsSha256;              ///< Empty without weights.
    std::vector<std::string> examplePrompts; ///< Offered by the panel for an image that the expert accepts.
    std::vector<std::string> readerArguments{}; ///< What a reader may ask for besides; the model is not told of it.
    std::vector<std::string> channels{};    ///< Names of the series that it needs, in order; empty: one series.
    std::string intendedUse{};
    std::string limits{};                   ///< For readers: what it does not find, and on what it was not tried.
    bool isResearchOnly = false;            ///< The weights' licence allows research only: every result says so.
    bool takesClicks = false;               ///< A run may be guided by points.
    bool isToldToModel = true;              ///< Whether the language model reads the card.

    /// Valid for the model or a reader; anything goes where there are no arguments at all.
    bool knows(const std::string& argument) const;
    /// False when a body part is named and it is made for others.
    bool isFor(const std::string& bodyPart) const;
    /// "For research only: LICENCE", or empty.
    std::string notice() const;
};

/// The card's line of the prompt, without the newline.
std::string promptLine(const ExpertCard& card);

/// The card block of the prompt (reference vila-m3.md 6.1), of the cards that the model is told; empty without any.
std::string promptCards(std::span<const ExpertCard> cards);

/// Why an expert does not take a request; `text` is one sentence, `code` stable: "modality", "units" (a CT whose values are not in HU), "body-part", "spacing",
/// "too-small", "slices", "channels", "grid", "clicks", "arguments", "torchscript", "weights".
struct Refusal {
    std::string code;
    std::string text;
};

/// A place that a reader marked.
struct Click {
    PointLps place;
    bool isInside = true;   ///< Of the structure that is wanted; else it shows what does not belong to it.
};

struct ExpertRequest {
    const Volume& volume;
    std::string arguments;  ///< One that card() knows.
    View view;              ///< What the reader sees; an expert may begin there.
    std::vector<Click> clicks{};            ///< For an expert that takes them; else empty.
    std::vector<Volume> otherChannels{};    ///< After `volume`, in the order of card().channels, on its grid.
    /// Called with the labels of the part that is done, now and then, on the thread of the run. May be empty.
    std::function<void(const LabelMap& mask, double share)> partial{};
};

/// What a classifier says of one finding. A probability is calibrated: 0.5 is the operating point.
struct Score {
    std::string label;
    double mean = 0;            ///< As the language model is told: over the models of the label, those not trained for it giving exactly 0.5.
    double trainedMean = 0;     ///< Over the trained models only: what a reader is shown. NaN when none is.
    double lowest = 0, highest = 0;     ///< Spread of the trained models.
    int trainedModels = 0, models = 0;
    bool isPositive = false;    ///< mean >= 0.5.
};

struct ExpertResult {
    LabelMap mask;              ///< Empty for a classifier that was not asked for a map.
    std::string sentence;       ///< For a classifier: what the model is told. Segmentations get theirs from the legend.
    std::vector<Score> scores{};    ///< Of a classifier.
};

/// "Effusion 0.71 (0.55 to 0.83, 4 models)" by falling probability, one line a finding that a model was trained for.
std::string scoreText(const std::vector<Score>& scores);

/// A specialist that runs on a whole volume. Never knows the assistant. Thread-safe for one run at a time.
class Expert {
public:
    virtual ~Expert() = default;
    virtual const ExpertCard& card() const = 0;
    /// SHA-256 of all files of weights; empty for an expert without any. May read files. @throws Error when they cannot be read.
    virtual std::string weightsHash() const { return {}; }
    /// What else results depend on, as a text: manifest, precision.
    virtual std::string settings() const { return {}; }
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
    /// What a model that was told the cards may write between "<" and ">" about an image of this Modality (0008,0060), all where it is empty:
    /// "CTSEG(lungs)".
    std::vector<std::string> offeredCalls(const std::string& modality) const;

private:
    std::vector<std::unique_ptr<Expert>> m_experts;
};

} // namespace hf::experts
