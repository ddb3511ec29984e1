#include "assistant/engine/train/DataSet.h"

#include "assistant/engine/PictureFile.h"
#include "assistant/engine/train/RealSlices.h"
#include "assistant/engine/train/Shuffle.h"
#include "assistant/engine/train/Wordings.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <numeric>
#include <set>

namespace hf::assistant::train {

namespace fs = std::filesystem;
using phantom::Random;

namespace {

const char* const kEverything = "everything";

ImageKind kindOf(const Volume& volume)
{
    const std::string word = modalityWord(volume.info().modality, volume.info().bodyPart);
    if (word.empty()) {
        throw Error("images of modality '" + volume.info().modality + "' are not known", "unsupported");
    }
    return word == "CT" ? ImageKind::Ct : word == "MRI" ? ImageKind::Mri : word == "CXR" ? ImageKind::Cxr : ImageKind::Ultrasound;
}

/// Things that there can be several of.
bool isCounted(const std::string& name)
{
    const Words parts{"lesion", "nodule", "tumor", "tumour", "metastas", "cyst", "stone"};
    return std::any_of(parts.begin(), parts.end(), [&](const std::string& part) { return name.find(part) != std::string::npos; });
}

/// Parts of a label in a picture of w x h pixels that do not touch by a side or corner.
int countParts(const std::vector<LabelId>& labels, int width, LabelId value)
{
    std::vector<bool> seen(labels.size());
    const int height = int(labels.size()) / width;
    int parts = 0;
    for (std::size_t start = 0; start < labels.size(); ++start) {
        if (labels[start] != value || seen[start]) {
            continue;
        }
        ++parts;
        std::vector<std::size_t> open{start};
        seen[start] = true;
        while (!open.empty()) {
            const int x = int(open.back()) % width, y = int(open.back()) / width;
            open.pop_back();
            for (int v = std::max(0, y - 1); v <= std::min(height - 1, y + 1); ++v) {
                for (int u = std::max(0, x - 1); u <= std::min(width - 1, x + 1); ++u) {
                    const std::size_t next = std::size_t(v) * std::size_t(width) + std::size_t(u);
                    if (labels[next] == value && !seen[next]) {
                        seen[next] = true;
                        open.push_back(next);
                    }
                }
            }
        }
    }
    return parts;
}

std::string numberWord(int count)
{
    static const Words words{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"};
    return count < int(words.size()) ? words[std::size_t(count)] : std::to_string(count);
}

std::string sideQuestion(const std::string& noun, Random& random)
{
    return replaced(pickWord({"On which side is the {N}?", "Which side is the {N} on?", "Is the {N} on the left or on the right?", "On what side of the patient does the {N} lie?", "left or right: the {N}?", "Which side of the body shows the {N}?"}, random), "{N}", noun);
}

/// "metastasis" and "metastases" to "metastases", "cyst" to "cysts".
std::string pluralOf(const std::string& noun)
{
    return noun.ends_with("sis") ? noun.substr(0, noun.size() - 2) + "es" : isPlural(noun) ? noun : noun + "s";
}

std::string countQuestion(const std::string& noun, Random& random)
{
    const std::string form = pickWord({"How many {M} are there?", "How many {M} do you see in this slice?", "Count the {M}.", "What is the number of {M} in this picture?", "Is there one {N}, or are there more?"}, random);
    return replaced(replaced(form, "one {N}", isPlural(noun) ? "one of the {M}" : "one " + noun), "{M}", pluralOf(noun));
}

/// One view of a volume and what is in it.
struct LabelledView {
    const LabelledVolume& about;
    ImageKind kind;
    View view;
    Picture picture;
    std::vector<LabelId> present;       ///< Labels in the slice, ascending.
    TrainingPicture described;          ///< Kind, plane and projection only.
};

LabelledView someView(const LabelledVolume& about, Random& random)
{
    LabelledView found{about, kindOf(about.volume), {}, {}, {}, {}};
    const Geometry& geometry = about.volume.geometry();
    std::vector<Plane> planes = usefulPlanes(geometry);
    found.view.plane = planes.empty() ? geometry.acquisitionPlane() : random.chance(0.5) ? planes[0] : pick(planes, random);
    const int slices = geometry.size().along(geometry.axisAcross(found.view.plane));
    found.view.slice = std::min(slices - 1, int(slices * random.uniform(0.1, 0.9)));
    found.view.window = someWindow(about.volume, random);
    found.picture = modelPicture(about.volume, found.view);
    if (!about.labels.isEmpty()) {
        for (const LabelId value : labelsInSlice(about.labels, found.view.plane, found.view.slice)) {
            if (about.labels.findLabel(value)) {
                found.present.push_back(value);
            }
        }
    }
    found.described.kind = found.kind;
    found.described.lateral = about.isLateral;
    if (found.kind == ImageKind::Ct || found.kind == ImageKind::Mri) {
        found.described.plane = found.view.plane;
    }
    return found;
}

std::string cardModality(ImageKind kind) { return kind == ImageKind::Ct ? "CT" : kind == ImageKind::Mri ? "MRI" : kind == ImageKind::Cxr ? "chest x-ray (CXR)" : "ultrasound"; }

/// Cards that have a fitting expert or not; `argument` is one that can be asked for.
std::vector<experts::ExpertCard> cardsFor(const LabelledView& view, const std::string& argument, Random& random)
{
    const std::vector<Label> known = view.about.labels.isEmpty() ? std::vector<Label>() : view.about.labels.labels();
    const auto card = [&](const std::string& modality, bool knowsIt) {
        experts::ExpertCard made;
        made.name = someCardName(random);
        made.modality = modality;
        made.task = "segmentation";
        made.overview = someCardOverview(random);
        made.accuracy = someCardAccuracy(random);
        for (const Label& label : known) {
            if (label.name != argument && random.chance(0.3)) {
                made.arguments.push_back(label.name);
            }
        }
        if (random.chance(0.5) && argument != kEverything && !known.empty()) {
            made.arguments.emplace_back(kEverything);
        }
        if (knowsIt) {
            made.arguments.push_back(argument);
        }
        if (made.arguments.empty()) {
            made.arguments.emplace_back("cells");
        }
        shuffle(made.arguments, random);
        return made;
    };
    const std::string right = cardModality(view.kind), wrong = view.kind == ImageKind::Ct ? "MRI" : "CT";
    // An expert that fits is one whose mask is known.
    const bool isKnown = (argument == kEverything && !known.empty()) || std::any_of(known.begin(), known.end(), [&](const Label& label) { return label.name == argument; });
    std::vector<experts::ExpertCard> cards;
    const double choice = random.uniform();
    if (choice < 0.7) {
        cards.push_back(card(right, isKnown));
    }
    if (choice > 0.4 && choice < 0.95) {
        // For another modality, or without what is asked for.
        const bool otherModality = random.chance(0.5);
        cards.push_back(card(otherModality ? wrong : right, otherModality && !argument.empty()));
    }
    shuffle(cards, random);
    std::set<std::string> names;
    std::erase_if(cards, [&](const experts::ExpertCard& one) { return !names.insert(one.name).second; });
    return cards;
}

const experts::ExpertCard* fittingCard(const std::vector<experts::ExpertCard>& cards, ImageKind kind, const std::string& argument)
{
    const std::string modality = cardModality(kind);
    const auto found = std::find_if(cards.begin(), cards.end(), [&](const experts::ExpertCard& card) {
        return card.modality == modality && std::find(card.arguments.begin(), card.arguments.end(), argument) != card.arguments.end();
    });
    return found == cards.end() ? nullptr : &*found;
}

/// The mask that an expert gives for an argument: one label, or all.
LabelMap maskFor(const LabelledVolume& about, const std::string& argument)
{
    if (argument == kEverything) {
        return about.labels;
    }
    std::vector<LabelId> voxels = about.labels.voxels();
    std::vector<Label> labels;
    std::array<bool, 256> isKept{};
    for (const Label& label : about.labels.labels()) {
        if (label.name == argument) {
            labels.push_back(label);
            isKept[label.value] = true;
        }
    }
    for (LabelId& value : voxels) {
        value = isKept[value] ? value : LabelId(0);
    }
    return LabelMap(about.labels.geometry(), std::move(voxels), std::move(labels));
}

/// Labels of the view's slice, one for each pixel of frameOf().
std::vector<LabelId> labelsOf(const LabelledView& view, const SliceFrame& frame)
{
    const LabelMap& map = view.about.labels;
    std::vector<LabelId> labels;
    for (int y = 0; y < frame.height; ++y) {
        for (int x = 0; x < frame.width; ++x) {
            const auto index = map.geometry().toIndex(frame.toLps(x, y));
            labels.push_back(map.valueAt({int(std::lround(index.i)), int(std::lround(index.j)), int(std::lround(index.k))}));
        }
    }
    return labels;
}

/// LPS x of the middle of what is shown: the mean over what is brighter than air in a slice of CT or MR, else the middle of the picture.
double middleOf(const LabelledView& view, const SliceFrame& frame)
{
    const Volume& volume = view.about.volume;
    std::vector<double> values, places;
    for (int y = 0; y < frame.height; ++y) {
        for (int x = 0; x < frame.width; ++x) {
            const PointLps point = frame.toLps(x, y);
            const auto index = volume.geometry().toIndex(point);
            const Index3 voxel{int(std::lround(index.i)), int(std::lround(index.j)), int(std::lround(index.k))};
            const double value = volume.valueAt(voxel);
            values.push_back(std::isfinite(value) ? value : volume.range().minimum);
            places.push_back(point.x);
        }
    }
    const double count = double(values.size()), least = *std::min_element(values.begin(), values.end()), mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
    const double air = view.kind == ImageKind::Ct ? -300 : view.kind == ImageKind::Mri ? (least + mean) / 2 : least - 1;
    double sum = 0, bright = 0;
    for (std::size_t n = 0; n < values.size(); ++n) {
        if (values[n] > air) {
            sum += places[n];
            ++bright;
        }
    }
    return bright > 0 ? sum / bright : std::accumulate(places.begin(), places.end(), 0.0) / count;
}

/// "the left", "the right" or "both sides": what the name says, else where the label's pixels lie beside the middle.
std::string sideOf(const LabelledView& view, const std::string& name)
{
    for (const std::string side : {"left", "right"}) {
        if (name.starts_with(side + " ")) {
            return "the " + side;
        }
    }
    const SliceFrame frame = frameOf(view.about.labels.geometry(), view.view);
    const std::vector<LabelId> labels = labelsOf(view, frame);
    const double middle = middleOf(view, frame);
    double left = 0, all = 0;
    for (std::size_t n = 0; n < labels.size(); ++n) {
        const Label* label = view.about.labels.findLabel(labels[n]);
        if (label && label->name == name) {
            ++all;
            left += frame.toLps(double(n % std::size_t(frame.width)), double(n / std::size_t(frame.width))).x > middle;
        }
    }
    return left > 0.85 * all ? "the left" : left < 0.15 * all ? "the right" : "both sides";
}

enum class Topic { What, Kind, Hard, Segment, Measure, Presence, Side, Count };

class ViewWriter {
public:
    ViewWriter(const LabelledView& view, Random& random) : m_view(view), m_random(random) {}

    Conversation write()
    {
        const Topic topic = someTopic();
        const std::string noun = topic >= Topic::Segment ? someNoun(topic) : topic == Topic::What && !m_view.present.empty() ? kEverything : "";
        m_cards = cardsFor(m_view, noun, m_random);
        const std::string start = imageSentence(m_view.described);
        const std::string asked = question(topic, noun);
        ask(asked);
        const experts::ExpertCard* card = noun.empty() ? nullptr : fittingCard(m_cards, m_view.kind, noun);
        if (topic == Topic::Kind) {
            answer(start);
        } else if (!card) {
            answer(start + (topic == Topic::What ? " No available expert fits, so I cannot say more about it." : " None of the available experts can do that, and I cannot judge it myself."));
        } else {
            answer(start + " Let me use <" + card->name + "(" + noun + ")>.");
            const MaskedPicture masked = modelMaskedPicture(m_view.about.volume, m_view.view, maskFor(m_view.about, noun));
            tell(masked, asked);
            answer(finalAnswer(topic, noun, masked.legend));
        }
        return std::move(m_conversation);
    }

private:
    bool hasLabels() const { return !m_view.about.labels.isEmpty() && !m_view.about.labels.labels().empty(); }

    Topic someTopic()
    {
        const double choice = m_random.uniform();
        if (choice < 0.12) {
            return Topic::Kind;
        }
        if (choice < 0.24) {
            return Topic::What;
        }
        if (choice < 0.32) {
            return Topic::Hard;
        }
        return choice < 0.55 ? Topic::Segment : choice < 0.65 ? Topic::Measure : choice < 0.8 ? Topic::Presence : choice < 0.9 ? Topic::Side : Topic::Count;
    }

    /// Mostly something in the slice; else something that the patient has elsewhere or not at all.
    std::string someNoun(Topic topic)
    {
        std::vector<LabelId> values = m_view.present;
        if (topic == Topic::Count) {
            std::erase_if(values, [&](LabelId value) { return !isCounted(m_view.about.labels.findLabel(value)->name); });
        }
        if (!values.empty() && (topic == Topic::Side || m_random.chance(0.7))) {
            return m_view.about.labels.findLabel(pick(values, m_random))->name;
        }
        if (hasLabels() && topic != Topic::Side && topic != Topic::Count) {
            return pick(m_view.about.labels.labels(), m_random).name;
        }
        return topic == Topic::Count ? pickWord({"liver lesion", "lung nodule", "brain tumor", "cyst"}, m_random) : pickWord({"thyroid", "gallbladder", "pituitary gland", "placenta", "appendix"}, m_random);
    }

    std::string question(Topic topic, const std::string& noun)
    {
        const std::string modality = modalityWord(m_view.about.volume.info().modality, m_view.about.volume.info().bodyPart);
        switch (topic) {
        case Topic::What: return whatQuestion(m_random);
        case Topic::Kind: return kindQuestion(m_random);
        case Topic::Hard: return hardQuestion(m_random);
        case Topic::Segment: return structureQuestion(Asked::Segment, "the " + noun, modality, m_random);
        case Topic::Measure: return structureQuestion(Asked::Measure, "the " + noun, modality, m_random);
        case Topic::Presence: return structureQuestion(Asked::Presence, "the " + noun, modality, m_random);
        case Topic::Side: return sideQuestion(noun, m_random);
        case Topic::Count: return countQuestion(noun, m_random);
        }
        return {};
    }

    void ask(const std::string& text)
    {
        const std::string word = modalityWord(m_view.about.volume.info().modality, m_view.about.volume.info().bodyPart);
        m_conversation.messages.push_back({Role::User, userText(PromptForm::Training, experts::promptCards(m_cards), m_random.chance(0.8) ? word : std::string(), text)});
        m_conversation.pictures.push_back(m_view.picture);
    }

    void answer(const std::string& text) { m_conversation.messages.push_back({Role::Assistant, text}); }

    void tell(const MaskedPicture& masked, const std::string& asked)
    {
        std::string legend;
        for (const LegendEntry& entry : masked.legend) {
            legend += (legend.empty() ? "" : ", ") + entry.colorName + ": " + entry.labelName;
        }
        m_conversation.messages.push_back({Role::Expert, expertText(PromptForm::Training, legend) + expertInstruction(PromptForm::Training, asked)});
        m_conversation.pictures.push_back(masked.picture);
    }

    std::string finalAnswer(Topic topic, const std::string& noun, const std::vector<LegendEntry>& legend) const
    {
        const std::string start = topic == Topic::What ? imageSentence(m_view.described) + " " : topic == Topic::Presence ? (legend.empty() ? "No. " : "Yes. ") : "";
        const std::string where = m_view.described.plane ? "in this slice." : "in this picture.";
        if (legend.empty()) {
            return start + "The expert found none of it " + where;
        }
        std::string names;
        for (std::size_t n = 0; n < legend.size(); ++n) {
            names += (n == 0 ? "" : n + 1 == legend.size() ? " and " : ", ") + legend[n].labelName + " in " + legend[n].colorName;
        }
        const std::string shown = start + "The mask shows " + names + ".";
        switch (topic) {
        case Topic::Measure: return shown + " The measured volumes are in the list of labels.";
        case Topic::Side: return shown + sideSentence(noun);
        case Topic::Count: {
            const SliceFrame frame = frameOf(m_view.about.labels.geometry(), m_view.view);
            const std::vector<LabelId> labels = labelsOf(m_view, frame);
            int count = 0;
            for (const LegendEntry& entry : legend) {
                count += countParts(labels, frame.width, entry.value);
            }
            return shown + " There " + (count > 1 ? "are " + numberWord(count) + " " + pluralOf(noun) : isPlural(noun) ? "is one" : "is one " + noun) + " " + where;
        }
        default: return shown;
        }
    }

    std::string sideSentence(const std::string& noun) const
    {
        if (m_view.about.isLateral) {
            return " A lateral picture does not tell the side.";
        }
        if (m_view.view.plane == Plane::Sagittal) {
            return " A single sagittal slice does not tell the side.";
        }
        const std::string side = sideOf(m_view, noun);
        return side == "both sides" ? " It lies on both sides of the patient." : " It lies on " + side + " side of the patient.";
    }

    const LabelledView& m_view;
    Random& m_random;
    std::vector<experts::ExpertCard> m_cards;
    Conversation m_conversation;
};

} // namespace

std::map<std::string, std::string> splitByPatient(std::vector<std::string> patients, const DataSetOptions& options)
{
    std::sort(patients.begin(), patients.end());
    patients.erase(std::unique(patients.begin(), patients.end()), patients.end());
    Random random(options.seed + 40503);
    shuffle(patients, random);
    const auto countOf = [&](double share) { return share <= 0 || patients.size() < 3 ? std::size_t(0) : std::max<std::size_t>(1, std::size_t(std::lround(share * double(patients.size())))); };
    const std::size_t test = countOf(options.test), validation = countOf(options.validation);
    std::map<std::string, std::string> split;
    for (std::size_t n = 0; n < patients.size(); ++n) {
        split[patients[n]] = n < test ? "test" : n < test + validation ? "validation" : "train";
    }
    return split;
}

std::vector<Conversation> conversationsAbout(const LabelledVolume& about, const DataSetOptions& options)
{
    // Volumes of one patient are asked about in different ways.
    Random random(options.seed * 1000003ULL + hashOf(about.patient + about.volume.info().seriesUid));
    std::vector<Conversation> conversations;
    for (int n = 0; n < options.views; ++n) {
        const LabelledView view = someView(about, random);
        for (int question = 0; question < options.questions; ++question) {
            conversations.push_back(ViewWriter(view, random).write());
        }
    }
    return conversations;
}

DataSetWriter::DataSetWriter(fs::path folder, std::map<std::string, std::string> split) : m_folder(std::move(folder)), m_split(std::move(split))
{
    if (fs::exists(m_folder / "train.json")) {
        throw Error(m_folder.string() + " holds a data set already; name another folder", "write");
    }
    std::error_code error;
    fs::create_directories(m_folder / "images", error);
    if (error) {
        throw Error("cannot make " + (m_folder / "images").string() + ": " + error.message(), "write");
    }
    for (const char* part : {"train", "validation", "test"}) {
        m_parts[part] = nlohmann::ordered_json::array();
    }
}

void DataSetWriter::add(const std::string& patient, const std::vector<Conversation>& conversations)
{
    int& pictures = m_pictures[patient];
    nlohmann::ordered_json& part = m_parts.at(m_split.at(patient));
    std::map<std::vector<std::uint8_t>, std::string> written;
    for (const Conversation& conversation : conversations) {
        nlohmann::ordered_json images = nlohmann::ordered_json::array(), turns = nlohmann::ordered_json::array();
        for (const Picture& picture : conversation.pictures) {
            std::string& name = written[picture.rgb];
            if (name.empty()) {
                name = "images/" + patient + "-" + std::to_string(pictures++) + ".png";
                writePngFile(m_folder / name, picture);
            }
            images.push_back(name);
        }
        for (const PromptMessage& message : conversation.messages) {
            turns.push_back({{"from", message.role == Role::Assistant ? "gpt" : "human"}, {"value", message.text}});
        }
        part.push_back({{"id", patient + "-q" + std::to_string(part.size())}, {"image", images}, {"conversations", turns}, {"patient", patient}});
    }
}

std::map<std::string, std::size_t> DataSetWriter::finish()
{
    std::map<std::string, std::size_t> counts;
    // The training part last: with it the folder holds a data set.
    for (const char* name : {"validation", "test", "train"}) {
        const fs::path file = m_folder / (std::string(name) + ".json"), unfinished = file.string() + ".part";
        std::ofstream out(unfinished, std::ios::binary);
        out << m_parts[name].dump(1) << "\n";
        if (!out.flush()) {
            throw Error("cannot write " + file.string(), "write");
        }
        out.close();
        fs::rename(unfinished, file);
        counts[name] = m_parts[name].size();
    }
    return counts;
}

} // namespace hf::assistant::train
