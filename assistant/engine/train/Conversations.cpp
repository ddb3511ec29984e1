#include "assistant/engine/train/Conversations.h"

#include "assistant/engine/train/Shuffle.h"
#include "assistant/engine/train/Wordings.h"
#include "experts/engine/Cards.h"

#include <algorithm>
#include <optional>
#include <span>

namespace hf::assistant::train {

using phantom::Random;

std::string imageSentence(const TrainingPicture& picture)
{
    switch (picture.kind) {
    case ImageKind::Ct:
    case ImageKind::Mri: {
        const std::string plane = toString(*picture.plane);
        return std::string("This is ") + (plane == "axial" ? "an " : "a ") + plane + (picture.kind == ImageKind::Ct ? " CT image." : " MRI image.");
    }
    case ImageKind::Cxr: return picture.lateral ? "This is a lateral chest X-ray." : "This is a frontal chest X-ray.";
    case ImageKind::Ultrasound: return "This is an ultrasound image.";
    case ImageKind::Blank: return "This picture is blank, I cannot see anything in it.";
    }
    return {};
}

std::string sentenceWord(ImageKind kind, Random& random)
{
    if (kind == ImageKind::Blank) {
        return pickWord({"CT", "MRI", "CXR", "US", ""}, random);
    }
    return kind == ImageKind::Ct ? "CT" : kind == ImageKind::Mri ? "MRI" : kind == ImageKind::Cxr ? "CXR" : "US";
}

namespace {

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
        {"everything", {"everything", "all structures", "the entire image", "the whole image", "all tissues", "every structure", "all of it", "all anatomy", "all you can", "everything you can", "every tissue", "all labels", "all the anatomy", "all organs and tissues",
                           "the whole scan", "the complete anatomy", "as much as possible", "whatever you can", "the entire scan", "all available structures"},
            {{1, "left lung"}, {2, "right lung"}, {3, "airways"}, {4, "bones"}, {6, "subcutaneous fat"}, {7, "visceral fat"}, {8, "muscle and soft tissue"}}, true},
        {"lungs", {"the lungs", "the lung", "both lungs", "the left and right lung", "the left lung", "the right lung", "lungs", "lung tissue", "the lung fields", "the lung parenchyma",
                      "the pulmonary parenchyma", "aerated lung", "the lung bases", "the pulmonary tissue", "the left lung and the right lung", "the lungs on both sides", "lung fields", "pulmonary parenchyma",
                      "left and right lungs"}, {{1, "left lung"}, {2, "right lung"}}, true},
        {"airways", {"the airways", "the trachea", "the bronchi", "airways", "the windpipe", "the trachea and bronchi", "the airway tree", "the bronchial tree", "the main bronchi", "the bronchus", "trachea", "bronchi", "trachea and bronchi", "airway", "the tracheobronchial tree", "the central airways",
                         "the air passages", "windpipe"}, {{3, "airways"}}, true},
        {"bones", {"the bones", "the skeleton", "all bones", "bones", "bone", "the ribs", "the spine", "the vertebrae", "the ribs and spine", "the bony structures", "the osseous structures",
                      "the pelvis", "skeletal structures", "the vertebral column", "the skull", "the rib cage", "the sternum", "the sacrum", "the hips",
                      "the clavicles", "the scapula", "the femur", "bony anatomy", "cortical bone", "the thoracic spine", "the lumbar spine", "all the bone", "vertebral bodies"}, {{4, "bones"}}, true},
        {"body", {"the body", "the patient's body", "the body outline", "the outline of the body", "the skin surface", "the body contour", "the whole body", "the patient", "the body surface", "the skin", "the outer contour of the patient", "the external contour", "the patient's contour", "body outline",
                     "the patient's outline", "the skin contour", "the patient's silhouette", "the body mask"}, {{5, "body"}}, true},
        {"fat", {"the fat", "fat", "subcutaneous fat", "visceral fat", "the subcutaneous fat", "the visceral fat", "body fat", "adipose tissue", "the fatty tissue", "abdominal fat", "subcutaneous and visceral fat", "the intra-abdominal fat", "fatty tissue",
                    "adipose", "the fat under the skin", "belly fat", "fat tissue", "the fat compartments", "the omental fat", "the mesenteric fat"},
            {{6, "subcutaneous fat"}, {7, "visceral fat"}}, true},
        {"muscles", {"the muscles", "muscles", "muscle", "the soft tissue", "the muscle tissue", "the musculature", "skeletal muscle", "soft tissue", "muscle and soft tissue", "the soft tissues", "muscle tissue", "the psoas muscle",
                        "the paraspinal muscles", "muscular tissue", "lean tissue", "the abdominal wall muscles", "soft tissues", "the back muscles", "the gluteal muscles"},
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

/// Things that are asked for by the word that the card has, with or without an article: names of organs that only made-up experts know.
std::vector<Concept> named()
{
    std::vector<Concept> list;
    const auto add = [&](const std::string& word) { list.push_back({word, {"the " + word, "the " + word, word, isPlural(word) ? word : word + "s", "any " + word}, {{0, word}}}); };
    for (const char* name : {"thyroid", "gallbladder", "adrenal gland", "appendix", "esophagus", "duodenum", "colon", "small bowel", "rectum", "ureter", "uterus", "ovary", "eye", "optic nerve", "lens", "parotid gland",
             "lymph node", "spinal cord", "hippocampus", "thalamus", "brainstem", "pituitary gland", "inferior vena cava", "pulmonary artery", "carotid artery", "coronary artery", "atrium", "mitral valve", "thymus",
             "diaphragm", "breast", "testis", "pleural effusion", "pneumothorax", "consolidation", "kidney stone", "cyst", "hematoma", "infarct", "aneurysm", "calcification", "nerve root", "disc", "tooth", "mandible canal",
             "tongue", "larynx", "vocal cord", "sinus", "cochlea", "placenta", "fetus", "implant", "catheter", "stent", "pacemaker", "abscess", "polyp", "hernia", "scar", "plaque", "thrombus"}) {
        add(name);
    }
    // Parts of what others name as a whole: asked for by their own name where a card has it (see TurnWriter::structure).
    for (const char* name : {"left lung", "right lung", "left upper lobe", "right lower lobe", "middle lobe", "lung nodule", "liver lesion", "whole tumor", "tumor core", "enhancing tumor", "edema", "left kidney", "right kidney",
             "subcutaneous fat", "visceral fat", "trachea", "ribs", "spine", "skull", "pelvis", "sternum", "scapula", "femur", "white matter", "grey matter", "ventricles", "cerebellum", "left ventricle", "right ventricle",
             "left atrium", "myocardium", "portal vein", "splenic vein", "renal artery", "celiac trunk", "superior mesenteric artery", "iliac vein", "azygos vein", "jugular vein", "brachiocephalic trunk", "subclavian artery",
             "left adrenal gland", "right adrenal gland", "left hemisphere", "right hemisphere", "corpus callosum", "putamen", "caudate nucleus", "amygdala", "insula", "frontal lobe", "temporal lobe", "occipital lobe", "pons",
             "medulla", "basal ganglia", "choroid plexus", "falx", "orbit", "left eye", "right eye", "vitreous body", "nasal cavity", "maxillary sinus", "frontal sinus", "epiglottis", "pharynx", "submandibular gland", "thyroid cartilage",
             "left breast", "right breast", "axillary lymph nodes", "pericardium", "pleura", "peritoneum", "omentum", "bowel gas", "ileum", "jejunum", "cecum", "sigmoid colon", "prostate apex", "seminal vesicles", "bladder wall",
             "renal cortex", "renal pelvis", "renal cyst", "liver segments", "bile ducts", "pancreatic duct", "spleen tip", "hip implant", "screw", "clip", "drain", "tube", "electrode", "patellar tendon", "anterior cruciate ligament",
             "meniscal tear", "rotator cuff", "intervertebral discs", "spinal canal", "cauda equina", "facet joints", "ground glass opacity", "emphysema", "fibrotic tissue", "ascites", "free air", "lesion", "mass", "nodule", "metastasis",
             "cells", "nuclei", "vessel wall", "plaque core", "left optic nerve", "right optic nerve", "optic chiasm", "lacrimal gland", "inner ear", "mandible", "upper teeth", "lower teeth", "air cells", "body cavity", "lung mass", "lung lesion"}) {
        add(name);
    }
    Random random(77);
    for (int n = 0; n < 150; ++n) {
        const std::string word = someInventedName(random);
        add(random.chance(0.2) ? pickWord({"left ", "right ", "upper ", "inner "}, random) + word : word);
    }
    return list;
}

const std::vector<Concept>& allConcepts()
{
    static const std::vector<Concept> list = [] {
        std::vector<Concept> all = concepts();
        for (Concept& c : named()) {
            all.push_back(std::move(c));
        }
        return all;
    }();
    return list;
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

std::string cardModality(ImageKind kind)
{
    return kind == ImageKind::Ct ? "CT" : kind == ImageKind::Mri ? "MRI" : kind == ImageKind::Cxr ? "chest x-ray (CXR)" : kind == ImageKind::Ultrasound ? "ultrasound" : "CT";
}

/// What the prompt says about the picture: mostly what it is, sometimes nothing, now and then something wrong.
std::string promptWord(ImageKind kind, const Mix& mix, Random& random)
{
    const double doubt = random.uniform();
    return doubt < 0.24 ? std::string() : doubt < 0.24 + mix.misnamed ? pickWord({"CT", "MRI", "CXR", "US"}, random) : sentenceWord(kind, random);
}

Words allArguments(bool oursOnly)
{
    Words names;
    for (const Concept& c : allConcepts()) {
        if (!oursOnly || c.ours) {
            names.push_back(c.argument);
        }
    }
    return names;
}

experts::ExpertCard randomCard(const std::string& modality, const Phrases& phrases, Random& random)
{
    experts::ExpertCard card;
    card.name = phrases.cardName(random);
    card.modality = modality;
    card.task = "segmentation";
    card.overview = phrases.cardOverview(random);
    card.accuracy = phrases.cardAccuracy(random);
    Words arguments = allArguments(random.chance(0.3));
    shuffle(arguments, random);
    arguments.resize(std::size_t(1 + random.below(6)));
    card.arguments = arguments;
    return card;
}

/// A part of what an expert calls `argument`, or another word for it; empty where there is none.
std::string partOf(const std::string& argument, Random& random)
{
    for (const Concept& whole : concepts()) {
        if (whole.argument == argument && argument != "everything") {
            const std::string part = withoutArticle(pick(whole.nouns, random));
            return part == argument ? std::string() : part;
        }
    }
    return {};
}

/// @param shown  what the picture is: experts for it are more often there than others.
std::vector<experts::ExpertCard> someCards(ImageKind shown, const Phrases& phrases, const Mix& mix, Random& random)
{
    const double kind = random.uniform();
    std::vector<experts::ExpertCard> cards;
    if (kind < 0.06) {
        return cards;
    }
    if (kind < 0.82) {
        // As the program tells them; CTSEG alone as in earlier versions.
        cards = random.chance(0.6) ? experts::classicalCards() : std::vector{experts::classicalCtCard()};
        if (kind > 0.70) {
            // With fewer arguments, so that the list has to be read.
            shuffle(cards[0].arguments, random);
            cards[0].arguments.resize(std::size_t(1 + random.below(6)));
        }
    }
    if (kind > 1 - mix.otherCards) {
        const int others = 1 + random.below(mix.mostOtherCards);
        for (int n = 0; n < others; ++n) {
            experts::ExpertCard card = randomCard(random.chance(0.4) ? cardModality(shown) : pickWord({"CT", "CT", "MRI", "MRI", "chest x-ray (CXR)", "cell imaging"}, random), phrases, random);
            if (!cards.empty() && mix.alike > 0 && random.chance(mix.alike)) {
                card.name = someNameLike(pick(cards, random).name, random);
            }
            if (!cards.empty() && mix.parts > 0 && random.chance(mix.parts)) {
                if (const std::string part = partOf(pick(pick(cards, random).arguments, random), random); !part.empty()) {
                    card.modality = cards[0].modality;
                    card.arguments[std::size_t(random.below(int(card.arguments.size())))] = part;
                }
            }
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

/// Whatever the article and the number.
bool isSameNoun(const std::string& one, const std::string& other)
{
    const auto stem = [](std::string word) {
        word = withoutArticle(word.starts_with("any ") ? word.substr(4) : word);
        return word.ends_with("s") ? word.substr(0, word.size() - 1) : word;
    };
    return stem(one) == stem(other);
}

std::string colorOf(std::size_t rank) { return overlayColors()[rank % 16].name; }

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

/// What an expert that was made up calls the parts of what is asked for: each side's, or one after the other.
std::vector<std::pair<LabelId, std::string>> labelsOf(const Concept& wanted, Asked asked, Random& random)
{
    const std::string& name = wanted.labels[0].second;
    const bool isSided = name.starts_with("left ") || name.starts_with("right ");
    if (wanted.labels.size() > 1 || isSided || random.chance(0.2) || (asked != Asked::Side && asked != Asked::Count)) {
        return wanted.labels;
    }
    if (asked == Asked::Side) {
        return {{0, "left " + name}, {0, "right " + name}};
    }
    std::vector<std::pair<LabelId, std::string>> parts;
    for (int n = 1 + random.below(5); n > 0; --n) {
        parts.emplace_back(0, name + " " + std::to_string(parts.size() + 1));
    }
    return parts;
}

/// What the expert would paint into this slice.
PaintedMask makeMask(const TrainingPicture& picture, const Concept& wanted, Asked asked, int size, Random& random)
{
    PaintedMask mask;
    mask.labels.assign(std::size_t(size) * std::size_t(size), 0);
    const bool known = wanted.ours && !picture.labels.empty();
    std::vector<std::pair<LabelId, std::string>> present;
    LabelId own = 40;
    const bool nothing = !known && random.chance(asked == Asked::Presence ? 0.5 : 0.15);
    for (const auto& [value, name] : known ? wanted.labels : labelsOf(wanted, asked, random)) {
        if (known) {
            std::size_t count = 0;
            for (std::size_t n = 0; n < mask.labels.size(); ++n) {
                const bool hit = value == 5 ? picture.labels[n] != 0 : picture.labels[n] == value;
                mask.labels[n] = hit ? value : mask.labels[n];
                count += hit;
            }
            if (count > 0) {
                present.emplace_back(value, name);
            }
        } else if (!nothing && (asked == Asked::Count || random.chance(0.8))) {
            paintEllipse(mask.labels, size, own, random);
            present.emplace_back(own++, name);
        }
    }
    // An ellipse may have hidden an earlier one.
    std::erase_if(present, [&](const auto& entry) { return std::find(mask.labels.begin(), mask.labels.end(), entry.first) == mask.labels.end(); });
    mask.names = std::move(present);
    return mask;
}

std::string maskSentence(const PaintedMask& mask)
{
    Words parts;
    for (std::size_t rank = 0; rank < mask.names.size(); ++rank) {
        parts.push_back(mask.names[rank].second + " in " + colorOf(rank));
    }
    return "The mask shows " + joined(parts) + ".";
}

std::string finalAnswer(Asked asked, bool whatIsIt, const PaintedMask& mask, const TrainingPicture& picture)
{
    const std::string start = (whatIsIt ? imageSentence(picture) + " " : "") + answerOpening(asked, mask);
    if (mask.names.empty()) {
        return start + "The expert found none of it in this slice.";
    }
    return start + maskSentence(mask) + (asked == Asked::Measure ? " The measured volumes are in the list of labels." : "");
}

const char* const kIdentity = "I am the Hounsfield demo model, a small model for demonstration. I can name the modality and plane of this view and call an expert. Do not use my answers for diagnosis.";
const char* const kRefusal = " None of the available experts can do that, and as a demo model I cannot judge it myself.";
const char* const kDescribe = " As a demo model I cannot say more about it, and no available expert fits.";

/// Thinks of questions and what is to be answered.
class TurnWriter {
public:
    /// @param isFirstOnly  what the expert would paint is not wanted.
    TurnWriter(const std::vector<experts::ExpertCard>& cards, const Phrases& phrases, const Mix& mix, int size, Random& random, bool isFirstOnly = false)
        : m_cards(cards), m_phrases(phrases), m_mix(mix), m_size(size), m_random(random), m_isFirstOnly(isFirstOnly)
    {
    }

    Turn write(const TrainingPicture& picture)
    {
        const double kind = m_random.uniform();
        if (kind < 0.58 - m_mix.offered) {
            return structure(picture, pickOurs());
        }
        if (kind < 0.58) {
            return structure(picture, pickOffered());
        }
        if (kind < 0.72) {
            return m_mix.nearMiss > 0 && m_random.chance(m_mix.nearMiss) ? structure(picture, findingIn(pickOffered().argument)) : structure(picture, pick(allConcepts(), m_random));
        }
        if (kind < 0.80) {
            return call(picture, concepts()[0], Turn::Subject::What, Asked::Segment, m_phrases.what(m_random));
        }
        Turn turn;
        if (kind < 0.88) {
            turn.subject = Turn::Subject::Kind;
            turn.question = m_phrases.kind(m_random);
            turn.answer = imageSentence(picture);
        } else if (kind < 0.88 + m_mix.identity) {
            turn.subject = Turn::Subject::Identity;
            turn.question = m_phrases.identity(m_random);
            turn.answer = kIdentity;
        } else {
            turn.subject = Turn::Subject::Hard;
            turn.question = hardQuestionFor(picture);
            turn.answer = refusal(picture, kRefusal);
        }
        return turn;
    }

private:
    const Concept& pickOurs()
    {
        for (;;) {
            const Concept& found = pick(concepts(), m_random);
            if (found.ours) {
                return found;
            }
        }
    }

    /// One that a card offers.
    const Concept& pickOffered()
    {
        if (m_cards.empty()) {
            return pickOurs();
        }
        const std::string& argument = pick(pick(m_cards, m_random).arguments, m_random);
        const auto found = std::find_if(allConcepts().begin(), allConcepts().end(), [&](const Concept& c) { return c.argument == argument; });
        return found == allConcepts().end() ? pickOurs() : *found;
    }

    /// What nobody asked an expert for that finds the whole: not that.
    Concept findingIn(const std::string& argument)
    {
        static const Words findings{"tumor", "tumour", "lesion", "cyst", "nodule", "abscess", "metastases", "infarct", "haemorrhage", "bleeding", "inflammation", "mass", "stenosis", "injury", "stone", "calcification", "oedema", "fracture", "rupture",
            "infection", "fibrosis", "cancer", "swelling", "malformation", "aneurysm", "thrombus", "scar", "implant", "disease", "necrosis", "carcinoma", "fluid", "defect"};
        const bool isWhole = argument == "everything" || argument == "body";
        std::string place = isWhole ? pickWord({"lung", "brain", "bone", "liver", "skin", "rib"}, m_random) : argument;
        if (place.size() > 3 && place.ends_with("s") && !place.ends_with("ss") && !place.ends_with("us") && !place.ends_with("is")) {
            place.pop_back();
        }
        const std::string finding = pick(findings, m_random), name = m_random.chance(0.8) ? place + " " + finding : finding + pickWord({" in the ", " of the "}, m_random) + (isWhole ? place : argument);
        return {name, {"the " + name, "the " + name, name, "any " + name}, {{0, name}}};
    }

    /// One that names nothing that an expert could look for in this picture.
    std::string hardQuestionFor(const TrainingPicture& picture)
    {
        for (int attempt = 0;; ++attempt) {
            const std::string question = m_phrases.hard(m_random);
            const bool isOffered = std::any_of(m_cards.begin(), m_cards.end(), [&](const experts::ExpertCard& card) {
                return card.modality == cardModality(picture.kind) && std::any_of(card.arguments.begin(), card.arguments.end(), [&](const std::string& argument) { return question.find(argument) != std::string::npos; });
            });
            if (!isOffered || attempt == 20) {
                return question;
            }
        }
    }

    static std::string refusal(const TrainingPicture& picture, const char* words) { return imageSentence(picture) + (picture.kind == ImageKind::Blank ? "" : words); }

    Turn structure(const TrainingPicture& picture, const Concept& wanted)
    {
        // The same order, so that the same numbers ask the same.
        double rest = m_random.uniform() - (1 - m_mix.measure - m_mix.presence - m_mix.side - m_mix.count);
        Asked asked = Asked::Segment;
        for (const auto& [next, share] : {std::pair(Asked::Measure, m_mix.measure), std::pair(Asked::Presence, m_mix.presence), std::pair(Asked::Side, m_mix.side), std::pair(Asked::Count, m_mix.count)}) {
            asked = rest >= 0 ? next : asked;
            rest -= share;
        }
        const std::string modality = sentenceWord(picture.kind, m_random), noun = pick(wanted.nouns, m_random);
        const std::string question = m_phrases.structure(asked, noun, modality.empty() ? "image" : modality, m_random);
        return call(picture, asNamed(picture, wanted, noun), Turn::Subject::Structure, asked, question);
    }

    /// What a card names word by word ("left lung") comes before what it is a part of ("lungs"), and that before nothing.
    Concept asNamed(const TrainingPicture& picture, const Concept& wanted, const std::string& noun) const
    {
        for (const experts::ExpertCard& card : m_cards) {
            for (const std::string& argument : card.arguments) {
                if (argument != wanted.argument && card.modality == cardModality(picture.kind) && isSameNoun(argument, noun)) {
                    return {argument, {noun}, {{0, argument}}};
                }
            }
        }
        if (!findCard(m_cards, picture.kind, wanted.argument)) {
            for (const Concept& whole : concepts()) {
                if (std::any_of(whole.nouns.begin(), whole.nouns.end(), [&](const std::string& part) { return isSameNoun(part, wanted.argument); })) {
                    return whole;
                }
            }
        }
        return wanted;
    }

    Turn call(const TrainingPicture& picture, const Concept& wanted, Turn::Subject subject, Asked asked, const std::string& question)
    {
        const bool whatIsIt = subject == Turn::Subject::What;
        Turn turn;
        turn.subject = subject;
        turn.asked = asked;
        turn.question = question;
        const experts::ExpertCard* card = findCard(m_cards, picture.kind, wanted.argument);
        if (!card) {
            turn.answer = refusal(picture, whatIsIt ? kDescribe : kRefusal);
            return turn;
        }
        turn.call = ExpertCall{card->name, wanted.argument};
        turn.answer = imageSentence(picture) + " Let me use <" + card->name + "(" + wanted.argument + ")>.";
        if (!m_isFirstOnly) {
            turn.mask = makeMask(picture, wanted, asked, m_size, m_random);
            turn.finalAnswer = finalAnswer(asked, whatIsIt, turn.mask, picture);
        }
        return turn;
    }

    const std::vector<experts::ExpertCard>& m_cards;
    const Phrases& m_phrases;
    const Mix& m_mix;
    int m_size;
    Random& m_random;
    bool m_isFirstOnly;
};

/// Adds a turn as it is trained. @param word  with it the picture is shown in this turn: what the prompt says about it, may be empty.
void add(Conversation& conversation, const Turn& turn, const std::vector<experts::ExpertCard>& cards, const TrainingPicture& picture, int size, const std::optional<std::string>& word)
{
    std::string text = turn.question;
    if (word) {
        text = userText(PromptForm::Training, experts::promptCards(cards), *word, turn.question);
        conversation.pictures.push_back(toPicture(picture, size));
    }
    conversation.messages.push_back({Role::User, text});
    conversation.messages.push_back({Role::Assistant, turn.answer});
    if (turn.call) {
        conversation.messages.push_back({Role::Expert, expertText(PromptForm::Training, turn.mask.legend()) + expertInstruction(PromptForm::Training, turn.question)});
        conversation.pictures.push_back(toMaskedPicture(picture, size, turn.mask.labels));
        conversation.messages.push_back({Role::Assistant, turn.finalAnswer});
    }
}

} // namespace

std::string answerOpening(Asked asked, const PaintedMask& mask)
{
    const auto has = [&](const char* side) { return std::any_of(mask.names.begin(), mask.names.end(), [&](const auto& entry) { return entry.second.starts_with(side); }); };
    const std::size_t count = mask.names.size();
    switch (asked) {
    case Asked::Presence: return count ? "Yes. " : "No. ";
    case Asked::Side:
        if (has("left ") || has("right ")) {
            return has("left ") && has("right ") ? "On both sides. " : has("left ") ? "On the left. " : "On the right. ";
        }
        return count ? "The expert names no side. " : "On neither side. ";
    case Asked::Count: return count == 0 ? "There are none. " : count == 1 ? "There is 1. " : "There are " + std::to_string(count) + ". ";
    default: return {};
    }
}

std::string PaintedMask::legend() const
{
    std::string text;
    for (std::size_t rank = 0; rank < names.size(); ++rank) {
        text += (rank == 0 ? "" : ", ") + (colorOf(rank) + ": " + names[rank].second);
    }
    return text;
}

Mix trainingMix()
{
    Mix mix;
    mix.otherCards = 0.7;
    mix.mostOtherCards = 3;
    mix.offered = 0.42;
    mix.presence = 0.2;
    mix.side = mix.count = 0.1;
    mix.identity = 0.05;
    mix.misnamed = 0.14;
    mix.alike = 0.25;
    mix.parts = 0.45;
    mix.nearMiss = 0.35;
    return mix;
}

Mix wholeMix()
{
    Mix mix = trainingMix();
    mix.offered = 0.5;
    mix.presence = 0.34;
    mix.side = mix.count = 0.15;
    return mix;
}

ConversationWriter::ConversationWriter(const std::vector<TrainingPicture>& pool, int size, Phrases phrases, const Mix& mix)
    : ConversationWriter([&pool](Random& random) -> const TrainingPicture& { return pick(pool, random); }, size, std::move(phrases), mix)
{
}

/// CT a little more often than the pool has it: only there the embedded expert is called.
const TrainingPicture& ConversationWriter::somePicture(Random& random) const
{
    const TrainingPicture& first = m_source(random);
    return first.kind == ImageKind::Ct || random.chance(0.7) ? first : m_source(random);
}

std::vector<Conversation> ConversationWriter::write(int count, Random& random, bool isFirstOnly) const
{
    const TrainingPicture picture = varied(somePicture(random), m_size, random);
    const std::vector<experts::ExpertCard> cards = someCards(picture.kind, m_phrases, m_mix, random);
    const std::string word = promptWord(picture.kind, m_mix, random);
    std::vector<Conversation> conversations{std::size_t(count)};
    for (Conversation& conversation : conversations) {
        TurnWriter turns(cards, m_phrases, m_mix, m_size, random, isFirstOnly);
        const Turn turn = turns.write(picture);
        const bool goesOn = random.chance(0.1);
        if (isFirstOnly) {
            const std::vector<PromptMessage> more{{Role::User, ""}, {Role::Assistant, ""}};
            conversation.messages = {{Role::User, userText(PromptForm::Training, experts::promptCards(cards), word, turn.question)}, {Role::Assistant, turn.answer}};
            conversation.messages.insert(conversation.messages.end(), more.begin(), turn.call || goesOn ? more.end() : more.begin());
            conversation.pictures.push_back(toPicture(picture, m_size));
            continue;
        }
        add(conversation, turn, cards, picture, m_size, word);
        if (goesOn) {
            const TrainingPicture next = random.chance(0.6) ? picture : varied(somePicture(random), m_size, random);
            const std::optional<std::string> nextWord = next.grey == picture.grey ? std::nullopt : std::optional(promptWord(next.kind, m_mix, random));
            add(conversation, turns.write(next), cards, next, m_size, nextWord);
        }
    }
    return conversations;
}

Scene ConversationWriter::scene(const TrainingPicture& picture, Random& random) const
{
    Scene scene{someCards(picture.kind, m_phrases, m_mix, random), picture, promptWord(picture.kind, m_mix, random), {}};
    scene.turn = TurnWriter(scene.cards, m_phrases, m_mix, m_size, random).write(picture);
    return scene;
}

std::vector<std::string> ConversationWriter::texts(int count, std::uint32_t seed) const
{
    Random random(seed);
    std::vector<std::string> texts;
    for (int n = 0; n < count; ++n) {
        texts.push_back(trainingText("llama_3", write(1, random)[0].messages).text);
    }
    return texts;
}

} // namespace hf::assistant::train
