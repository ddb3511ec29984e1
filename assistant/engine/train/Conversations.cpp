#include "assistant/engine/train/Conversations.h"

#include "experts/engine/Cards.h"

#include <algorithm>
#include <span>

namespace hf::assistant::train {

using phantom::Random;

namespace {

using Words = std::vector<std::string>;

/// Something that can be asked for, the argument that an expert calls it by, and what its mask shows.
struct Concept {
    std::string argument;
    Words nouns;
    std::vector<std::pair<LabelId, std::string>> labels;    ///< Values of TrainingPicture::labels; 0: not painted there.
    bool ours = false;                                      ///< One of the classical CT expert.
};

const std::vector<Concept>& concepts()
{
    static const std::vector<Concept> list{
        {"everything", {"everything", "all structures", "the entire image", "the whole image", "all tissues", "every structure", "all of it", "all anatomy", "all you can"},
            {{1, "left lung"}, {2, "right lung"}, {3, "airways"}, {4, "bones"}, {6, "subcutaneous fat"}, {7, "visceral fat"}, {8, "muscle and soft tissue"}}, true},
        {"lungs", {"the lungs", "the lung", "both lungs", "the left and right lung", "the left lung", "the right lung", "lungs", "lung tissue", "the lung fields", "the lung parenchyma",
                      "the pulmonary parenchyma", "aerated lung", "the lung bases"}, {{1, "left lung"}, {2, "right lung"}}, true},
        {"airways", {"the airways", "the trachea", "the bronchi", "airways", "the windpipe", "the trachea and bronchi", "the airway tree", "the bronchial tree", "the main bronchi"}, {{3, "airways"}}, true},
        {"bones", {"the bones", "the skeleton", "all bones", "bones", "bone", "the ribs", "the spine", "the vertebrae", "the ribs and spine", "the bony structures", "the osseous structures",
                      "the pelvis", "skeletal structures", "the vertebral column"}, {{4, "bones"}}, true},
        {"body", {"the body", "the patient's body", "the body outline", "the outline of the body", "the skin surface", "the body contour", "the whole body", "the patient", "the body surface"}, {{5, "body"}}, true},
        {"fat", {"the fat", "fat", "subcutaneous fat", "visceral fat", "the subcutaneous fat", "the visceral fat", "body fat", "adipose tissue", "the fatty tissue", "abdominal fat", "subcutaneous and visceral fat"},
            {{6, "subcutaneous fat"}, {7, "visceral fat"}}, true},
        {"muscles", {"the muscles", "muscles", "muscle", "the soft tissue", "the muscle tissue", "the musculature", "skeletal muscle", "soft tissue", "muscle and soft tissue", "the soft tissues"},
            {{8, "muscle and soft tissue"}}, true},
        {"liver", {"the liver", "liver", "the hepatic parenchyma", "liver tissue"}, {{0, "liver"}}},
        {"kidneys", {"the kidneys", "the left kidney", "the right kidney", "both kidneys", "kidneys"}, {{0, "left kidney"}, {0, "right kidney"}}},
        {"spleen", {"the spleen", "spleen"}, {{0, "spleen"}}},
        {"heart", {"the heart", "heart", "the cardiac chambers", "the left ventricle"}, {{0, "heart"}}},
        {"aorta", {"the aorta", "aorta", "the abdominal aorta", "the aortic arch"}, {{0, "aorta"}}},
        {"pancreas", {"the pancreas", "pancreas"}, {{0, "pancreas"}}},
        {"stomach", {"the stomach", "stomach"}, {{0, "stomach"}}},
        {"bladder", {"the bladder", "the urinary bladder"}, {{0, "bladder"}}},
        {"hepatic tumor", {"the hepatic tumor", "the liver tumor", "liver lesions", "the liver metastases", "hepatic tumors", "the liver mass"}, {{0, "liver"}, {0, "hepatic tumor"}}},
        {"lung tumor", {"the lung tumor", "the lung nodule", "lung nodules", "the pulmonary nodule", "the lung mass"}, {{0, "lung tumor"}}},
        {"bone lesion", {"the bone lesion", "bone metastases", "the lytic lesion"}, {{0, "bone lesion"}}},
        {"brain tumor", {"the brain tumor", "the glioma", "any tumors in the brain", "the brain lesion", "the tumor core"}, {{0, "tumor core"}, {0, "edema"}}},
        {"brain", {"the brain", "the grey matter", "the ventricles", "the white matter", "the cerebellum"}, {{0, "brain"}, {0, "ventricles"}}},
        {"prostate", {"the prostate", "prostate gland"}, {{0, "prostate"}}},
        {"vessels", {"the vessels", "the blood vessels", "the arteries", "the portal vein"}, {{0, "vessels"}}},
        {"cartilage", {"the cartilage", "the meniscus"}, {{0, "cartilage"}}}};
    return list;
}

template <typename T> const T& pick(const std::vector<T>& list, Random& random) { return list[std::size_t(random.below(int(list.size())))]; }
std::string pickWord(std::initializer_list<const char*> list, Random& random) { return *(list.begin() + random.below(int(list.size()))); }

std::string replaced(std::string text, const std::string& from, const std::string& to)
{
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

/// "a", "a and b", "a, b and c".
std::string joined(const Words& parts)
{
    std::string text;
    for (std::size_t n = 0; n < parts.size(); ++n) {
        text += (n == 0 ? "" : n + 1 == parts.size() ? " and " : ", ") + parts[n];
    }
    return text;
}

enum class Asked { Segment, Measure, Presence };

std::string structureQuestion(Asked asked, const std::string& noun, const std::string& modality, Random& random)
{
    const std::string place = pickWord({"", "", "", "", " in this image", " in this scan", " in the image", " on this slice", " in this slice", " here", " in this study", " please", " for me", " in the volume",
                                           " in this {M}", " on this {M}", " in this {M} scan", " on the {M} image"}, random);
    std::string form;
    switch (asked) {
    case Asked::Segment:
        form = pickWord({"Segment {N}", "Segment {N}", "Segment {N}", "segment {N}", "Outline {N}", "Show {N}", "Show me {N}", "Mark {N}", "Delineate {N}", "Contour {N}", "Highlight {N}", "Find {N}", "Locate {N}",
                            "Please segment {N}", "Can you segment {N}", "Could you segment {N}", "Can you outline {N}", "Could you outline {N}", "Please outline {N}", "Label {N}", "Draw {N}", "Where are {N}",
                            "Where is {N}", "Isolate {N}", "Identify {N}", "Overlay {N}", "I want to see {N}", "I would like to see {N}", "Make a mask of {N}", "Create a segmentation of {N}", "Give me {N}",
                            "Trace {N}", "Color {N}", "Extract {N}", "Annotate {N}", "Point out {N}", "Please show me {N}", "Please mark {N}", "Can you show {N}", "Can you find {N}", "Would you segment {N}",
                            "Do a segmentation of {N}", "Perform a segmentation of {N}", "{N} segmentation", "Which pixels are {N}", "Let me see {N}", "Display {N}", "Paint {N}", "Detect {N}",
                            "{N}", "{N}, please", "I need {N}", "I need a mask of {N}", "Can I see {N}", "May I see {N}", "Run a segmentation of {N}", "Segment out {N}", "Go ahead and segment {N}", "Find and segment {N}",
                            "Separate {N}", "Pick out {N}", "Let us segment {N}", "Could you please segment {N}", "Could you highlight {N}", "Can you mark {N}", "Can you delineate {N}", "Please delineate {N}", "Please highlight {N}",
                            "Please find {N}", "Mask {N}", "Get me {N}", "Produce a mask for {N}", "Generate a segmentation of {N}", "Draw the outline of {N}", "Draw a contour around {N}", "Put a mask on {N}", "Mark out {N}",
                            "Show where {N} are", "Show me where {N} is", "Tell me where {N} are", "Colour {N}", "Shade {N}", "Visualize {N}", "Could I get {N}", "Segmentation of {N}", "Mask of {N}", "Outline of {N}"}, random);
        break;
    case Asked::Measure:
        form = pickWord({"How large are {N}", "How large is {N}", "How big are {N}", "What is the volume of {N}", "Measure {N}", "Measure the volume of {N}", "How much of this is {N}", "What volume do {N} have",
                            "Compute the volume of {N}", "Please measure {N}", "How many mL are {N}", "Quantify {N}", "What is the mean HU of {N}", "What is the size of {N}", "Determine the volume of {N}",
                            "How much {N} is there", "Calculate the volume of {N}", "Tell me the volume of {N}", "Volume of {N}", "How much volume do {N} have", "What volume does {N} have", "Give me the volume of {N}",
                            "Estimate the volume of {N}", "What is the density of {N}", "Segment {N} and measure the volume", "Segment {N} and tell me the volume"}, random);
        break;
    case Asked::Presence:
        form = pickWord({"Are {N} visible", "Is {N} visible", "Can you see {N}", "Do you see {N}", "Does this show {N}", "Is there any sign of {N}", "Are {N} in this slice", "Is {N} in the picture", "Are there any {N}",
                            "Do we see {N}", "Is {N} shown", "Are {N} shown", "Is any part of {N} visible", "Is there {N}", "Does this slice show {N}", "Can {N} be seen", "Is {N} included", "Are {N} included"}, random);
        break;
    }
    const bool question = asked != Asked::Segment || form.starts_with("Can") || form.starts_with("Could") || form.starts_with("Where") || form.starts_with("Which") ||
        form.starts_with("Would") || form.starts_with("May");
    const std::string start = random.chance(0.88) ? "" : pickWord({"Now ", "OK, ", "Hi, ", "Hello, ", "And ", "Next, ", "First ", "Please, ", "So, "}, random);
    if (!start.empty()) {
        form[0] = char(std::tolower(static_cast<unsigned char>(form[0])));
    }
    std::string text = start + replaced(form, "{N}", noun) + replaced(place, "{M}", modality);
    text = replaced(replaced(text, "any the ", "any "), "the the ", "the ");
    if (random.chance(0.75)) {
        text += question ? (random.chance(0.85) ? "?" : "") : pickWord({".", "", "", "!"}, random);
    }
    if (random.chance(0.12)) {
        std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    }
    return text;
}

std::string whatQuestion(Random& random)
{
    return pickWord({"What can be seen in this scan?", "Can you describe what's in the image?", "What does the image depict?", "What is displayed in the picture?", "Can you identify what's shown here?",
                        "What is illustrated in the image?", "What's visible in the scan?", "Can you tell me what's in the image?", "What does the scan show?", "What is represented in the image?", "What's in the image?",
                        "What's shown here?", "What's in the scan?", "What do you see?", "What's this?", "What's depicted?", "What's visible?", "What is it?", "What is in this picture?", "Describe this image.",
                        "Describe the image in detail.", "What structures are visible?", "What is shown in this image?", "What do you see in this image?", "What can you see?", "Describe what you see.",
                        "Tell me about this image", "what is this", "Explain this image.", "Which structures can be seen?"}, random);
}

std::string kindQuestion(Random& random)
{
    return pickWord({"Which modality is this?", "What modality is this?", "What kind of image is this?", "What type of scan is this?", "Which plane is this?", "What plane is shown?", "Is this a CT or an MRI?",
                        "Is this axial, sagittal or coronal?", "What imaging modality was used?", "Name the modality and the plane.", "In which plane is this slice?", "Is this a CT?", "Is this an MRI?", "Is this an X-ray?",
                        "Which orientation does this slice have?", "What imaging technique is this?", "what modality and plane is this", "Which view is this?", "Tell me the modality and plane of this view."}, random);
}

std::string identityQuestion(Random& random)
{
    return pickWord({"Who are you?", "What are you?", "Which model are you?", "What is your name?", "Are you a real radiologist?", "Can I rely on your answers?", "Are you a demo?", "Can I use this for diagnosis?",
                        "Who made you?", "What can you do?", "Help", "What model is this?", "Which version are you?", "Hello", "Hi", "How do you work?", "Can I trust you?", "Introduce yourself."}, random);
}

std::string hardQuestion(Random& random)
{
    return pickWord({"Is there a fracture?", "Is this cancer?", "What is the diagnosis?", "Does the patient have pneumonia?", "Is there a tumor?", "Is there any bleeding?", "Write a report.", "Is this normal?",
                        "What treatment is needed?", "How old is the patient?", "Is there a pneumothorax?", "Are there any findings?", "Is there an infarct?", "Which disease is it?", "Is the patient healthy?",
                        "Is there metastatic disease?", "Compare this with the prior study.", "Is there an aneurysm?", "Is there any abnormality?", "Are there enlarged lymph nodes?", "Is there a hemorrhage?",
                        "What is the prognosis?", "Is there a pleural effusion?", "Give me the findings and impression.", "Are there gallstones?", "Is there appendicitis?", "What glioma grade is shown in the image?"}, random);
}

std::string planeWord(Plane plane) { return toString(plane); }

/// "This is an axial CT image." What the picture shows, whatever the prompt says.
std::string imageSentence(const TrainingPicture& picture)
{
    switch (picture.kind) {
    case ImageKind::Ct:
    case ImageKind::Mri: {
        const std::string plane = planeWord(*picture.plane);
        return std::string("This is ") + (plane == "axial" ? "an " : "a ") + plane + (picture.kind == ImageKind::Ct ? " CT image." : " MRI image.");
    }
    case ImageKind::Cxr: return picture.lateral ? "This is a lateral chest X-ray." : "This is a frontal chest X-ray.";
    case ImageKind::Ultrasound: return "This is an ultrasound image.";
    case ImageKind::Blank: return "This picture is blank, I cannot see anything in it.";
    }
    return {};
}

std::string cardModality(ImageKind kind)
{
    return kind == ImageKind::Ct ? "CT" : kind == ImageKind::Mri ? "MRI" : kind == ImageKind::Cxr ? "chest x-ray (CXR)" : kind == ImageKind::Ultrasound ? "ultrasound" : "CT";
}

std::string sentenceWord(ImageKind kind, Random& random)
{
    if (kind == ImageKind::Blank) {
        return pickWord({"CT", "MRI", ""}, random);
    }
    return kind == ImageKind::Ct ? "CT" : kind == ImageKind::Mri ? "MRI" : kind == ImageKind::Cxr ? "CXR" : "US";
}

Words allArguments(bool oursOnly)
{
    Words names;
    for (const Concept& c : concepts()) {
        if (!oursOnly || c.ours) {
            names.push_back(c.argument);
        }
    }
    return names;
}

void shuffle(auto& list, Random& random)
{
    for (std::size_t n = list.size(); n > 1; --n) {
        std::swap(list[n - 1], list[std::size_t(random.below(int(n)))]);
    }
}

experts::ExpertCard randomCard(const std::string& modality, Random& random)
{
    experts::ExpertCard card;
    card.name = pickWord({"VISTA3D", "BODYSEG", "ORGANS", "LUNGNET", "ANATOMY", "SEGNET", "CTSEG", "TISSUE", "ATLAS", "SCOUT", "MASKER", "TOTALSEG", "VISTA2D", "BRATS", "MRSEG", "XSEG", "UNET3D", "FINDER",
        "NODULES", "SKELETON1", "ABDO", "THORAX2", "DEEPSEG", "ORGANNET"}, random);
    if (random.chance(0.35)) {
        card.name = {};
        const int length = 3 + random.below(4);
        for (int n = 0; n < length; ++n) {
            card.name += char('A' + random.below(26));
        }
        if (random.chance(0.4)) {
            card.name += char('0' + random.below(10));
        }
    }
    card.modality = modality;
    card.task = "segmentation";
    card.overview = pickWord({"segmentation of organs", "pre-trained model for anatomy", "deep network trained on many scans", "interactive foundation model", "classical image processing", "model for research use",
        "segments common structures", "A pre-trained model for volumetric (3D) segmentation"}, random);
    card.accuracy = pickWord({"0.79 Dice on average", "Good accuracy", "Average: 0.8518", "not measured", "0.9 Dice", "high"}, random);
    Words arguments = allArguments(random.chance(0.3));
    shuffle(arguments, random);
    arguments.resize(std::size_t(1 + random.below(6)));
    card.arguments = arguments;
    return card;
}

std::vector<experts::ExpertCard> someCards(Random& random)
{
    const double kind = random.uniform();
    std::vector<experts::ExpertCard> cards;
    if (kind < 0.06) {
        return cards;
    }
    if (kind < 0.82) {
        cards.push_back(experts::classicalCtCard());
        if (kind > 0.70) {
            // With fewer arguments, so that the list has to be read.
            shuffle(cards[0].arguments, random);
            cards[0].arguments.resize(std::size_t(1 + random.below(6)));
        }
    }
    if (kind > 0.76) {
        const int others = 1 + random.below(2);
        for (int n = 0; n < others; ++n) {
            const experts::ExpertCard card = randomCard(pickWord({"CT", "CT", "MRI", "MRI", "chest x-ray (CXR)", "cell imaging"}, random), random);
            const bool taken = std::any_of(cards.begin(), cards.end(), [&](const auto& c) { return c.name == card.name; });
            if (!taken) {
                cards.push_back(card);
            }
        }
        shuffle(cards, random);
    }
    return cards;
}

/// The first card that fits modality and argument.
const experts::ExpertCard* findCard(const std::vector<experts::ExpertCard>& cards, ImageKind kind, const std::string& argument)
{
    if (kind == ImageKind::Blank) {
        return nullptr;
    }
    for (const experts::ExpertCard& card : cards) {
        if (card.modality == cardModality(kind) && std::find(card.arguments.begin(), card.arguments.end(), argument) != card.arguments.end()) {
            return &card;
        }
    }
    return nullptr;
}

struct Legend {
    std::vector<std::pair<std::string, std::string>> entries;   ///< colour, name
    std::vector<LabelId> labels;                                ///< per pixel

    std::string text() const
    {
        std::string all;
        for (const auto& [color, name] : entries) {
            all += (all.empty() ? "" : ", ") + color + ": " + name;
        }
        return all;
    }
};

void paintEllipse(std::vector<LabelId>& labels, int size, LabelId value, Random& random)
{
    const double cx = random.uniform(0.25, 0.75) * size, cy = random.uniform(0.25, 0.75) * size, rx = random.uniform(0.05, 0.2) * size, ry = random.uniform(0.05, 0.2) * size;
    for (int y = 0; y < size; ++y) {
        for (int x = 0; x < size; ++x) {
            if ((x - cx) * (x - cx) / (rx * rx) + (y - cy) * (y - cy) / (ry * ry) < 1) {
                labels[std::size_t(y) * std::size_t(size) + std::size_t(x)] = value;
            }
        }
    }
}

/// What the expert would paint into this slice.
Legend makeLegend(const TrainingPicture& picture, const Concept& wanted, int size, Random& random)
{
    Legend legend;
    legend.labels.assign(std::size_t(size) * std::size_t(size), 0);
    const bool known = wanted.ours && !picture.labels.empty();
    std::vector<std::pair<LabelId, std::string>> present;
    LabelId own = 40;
    const bool nothing = !known && random.chance(0.15);
    for (const auto& [value, name] : wanted.labels) {
        if (known) {
            std::size_t count = 0;
            for (std::size_t n = 0; n < legend.labels.size(); ++n) {
                const bool hit = value == 5 ? picture.labels[n] != 0 : picture.labels[n] == value;
                legend.labels[n] = hit ? value : legend.labels[n];
                count += hit;
            }
            if (count > 0) {
                present.emplace_back(value, name);
            }
        } else if (!nothing && random.chance(0.8)) {
            paintEllipse(legend.labels, size, own, random);
            present.emplace_back(own++, name);
        }
    }
    // An ellipse may have hidden an earlier one.
    std::erase_if(present, [&](const auto& entry) { return std::find(legend.labels.begin(), legend.labels.end(), entry.first) == legend.labels.end(); });
    for (std::size_t rank = 0; rank < present.size(); ++rank) {
        legend.entries.emplace_back(overlayColors()[rank % 16].name, present[rank].second);
    }
    return legend;
}

std::string maskSentence(const Legend& legend)
{
    Words parts;
    for (const auto& [color, name] : legend.entries) {
        parts.push_back(name + " in " + color);
    }
    return "The mask shows " + joined(parts) + ".";
}

std::string finalAnswer(Asked asked, bool whatIsIt, const Legend& legend, const TrainingPicture& picture)
{
    const std::string start = whatIsIt ? imageSentence(picture) + " " : "";
    if (legend.entries.empty()) {
        return start + (asked == Asked::Presence ? "No. " : "") + "The expert found none of it in this slice.";
    }
    return start + (asked == Asked::Presence ? "Yes. " : "") + maskSentence(legend) + (asked == Asked::Measure ? " The measured volumes are in the list of labels." : "");
}

const char* const kIdentity = "I am the Hounsfield demo model, a small model for demonstration. I can name the modality and plane of this view and call an expert. Do not use my answers for diagnosis.";
const char* const kRefusal = " None of the available experts can do that, and as a demo model I cannot judge it myself.";
const char* const kDescribe = " As a demo model I cannot say more about it, and no available expert fits.";

/// Adds one question and its answers.
class TurnWriter {
public:
    TurnWriter(Conversation& conversation, const std::vector<experts::ExpertCard>& cards, int size, Random& random)
        : m_conversation(conversation), m_cards(cards), m_size(size), m_random(random)
    {
    }

    void write(const TrainingPicture& picture, bool withPicture)
    {
        const double kind = m_random.uniform();
        if (kind < 0.60) {
            structure(picture, withPicture, pickOurs());
        } else if (kind < 0.70) {
            structure(picture, withPicture, concepts()[std::size_t(m_random.below(int(concepts().size())))]);
        } else if (kind < 0.78) {
            what(picture, withPicture);
        } else if (kind < 0.88) {
            ask(picture, withPicture, kindQuestion(m_random), imageSentence(picture));
        } else if (kind < 0.92) {
            ask(picture, withPicture, identityQuestion(m_random), kIdentity);
        } else {
            ask(picture, withPicture, hardQuestion(m_random), imageSentence(picture) + (picture.kind == ImageKind::Blank ? "" : kRefusal));
        }
    }

private:
    const Concept& pickOurs()
    {
        for (;;) {
            const Concept& found = concepts()[std::size_t(m_random.below(int(concepts().size())))];
            if (found.ours) {
                return found;
            }
        }
    }

    void ask(const TrainingPicture& picture, bool withPicture, const std::string& question, const std::string& answer)
    {
        std::string text = question;
        if (withPicture) {
            std::string word = sentenceWord(picture.kind, m_random);
            const double doubt = m_random.uniform();
            if (doubt < 0.2) {
                word = {};
            } else if (doubt < 0.25) {
                word = pickWord({"CT", "MRI", "CXR"}, m_random);
            }
            text = userText(PromptForm::Training, experts::promptCards(m_cards), word, question);
            m_conversation.pictures.push_back(toPicture(picture, m_size));
        }
        m_conversation.messages.push_back({Role::User, text});
        m_conversation.messages.push_back({Role::Assistant, answer});
    }

    void structure(const TrainingPicture& picture, bool withPicture, const Concept& wanted)
    {
        const double kind = m_random.uniform();
        const Asked asked = kind < 0.72 ? Asked::Segment : kind < 0.87 ? Asked::Measure : Asked::Presence;
        const std::string modality = sentenceWord(picture.kind, m_random);
        call(picture, withPicture, wanted, asked, false, structureQuestion(asked, pick(wanted.nouns, m_random), modality.empty() ? "image" : modality, m_random));
    }

    void what(const TrainingPicture& picture, bool withPicture)
    {
        call(picture, withPicture, concepts()[0], Asked::Segment, true, whatQuestion(m_random));
    }

    void call(const TrainingPicture& picture, bool withPicture, const Concept& wanted, Asked asked, bool whatIsIt, const std::string& question)
    {
        const experts::ExpertCard* card = findCard(m_cards, picture.kind, wanted.argument);
        if (!card) {
            ask(picture, withPicture, question, imageSentence(picture) + (picture.kind == ImageKind::Blank ? "" : whatIsIt ? kDescribe : kRefusal));
            return;
        }
        ask(picture, withPicture, question, imageSentence(picture) + " Let me use <" + card->name + "(" + wanted.argument + ")>.");
        const Legend legend = makeLegend(picture, wanted, m_size, m_random);
        m_conversation.messages.push_back({Role::Expert, expertText(PromptForm::Training, legend.text()) + expertInstruction(PromptForm::Training, question)});
        m_conversation.pictures.push_back(toMaskedPicture(picture, m_size, legend.labels));
        m_conversation.messages.push_back({Role::Assistant, finalAnswer(asked, whatIsIt, legend, picture)});
    }

    Conversation& m_conversation;
    const std::vector<experts::ExpertCard>& m_cards;
    int m_size;
    Random& m_random;
};

} // namespace

/// CT a little more often than the pool has it: only there the embedded expert is called.
const TrainingPicture& ConversationWriter::somePicture(Random& random) const
{
    const TrainingPicture& first = pick(m_pool, random);
    return first.kind == ImageKind::Ct || random.chance(0.7) ? first : pick(m_pool, random);
}

Conversation ConversationWriter::write(Random& random) const
{
    Conversation conversation;
    const std::vector<experts::ExpertCard> cards = someCards(random);
    TurnWriter turns(conversation, cards, m_size, random);
    const TrainingPicture picture = varied(somePicture(random), m_size, random);
    turns.write(picture, true);
    if (random.chance(0.1)) {
        const bool same = random.chance(0.6);
        turns.write(same ? picture : varied(somePicture(random), m_size, random), !same);
    }
    return conversation;
}

std::vector<std::string> ConversationWriter::texts(int count, std::uint32_t seed) const
{
    Random random(seed);
    std::vector<std::string> texts;
    for (int n = 0; n < count; ++n) {
        texts.push_back(trainingText("llama_3", write(random).messages).text);
    }
    return texts;
}

} // namespace hf::assistant::train
