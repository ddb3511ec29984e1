#include "assistant/engine/evaluate/HeldOutPhrases.h"

namespace hf::assistant::evaluate {

using namespace train;
using phantom::Random;

namespace {

const Words kSegment{"Would it be possible to have {N} outlined on this one?", "For the lecture tomorrow, please get {N} coloured.", "I'd be grateful for a segmentation showing {N}.", "Run whatever tool can segment {N}.",
    "We should have {N} marked before the meeting.", "Let the computer contour {N}.", "Have {N} delineated by one of the experts.", "I am looking for {N}, please mark what you find.", "Please put {N} into the overlay.",
    "Could one of your experts extract {N}?", "Make {N} stand out in the picture.", "Next thing: a mask that covers {N}.", "Do me a favour and highlight {N}.", "{N}, outlined, please.", "a contour of {N}, if possible",
    "Can you get {N} segmented for this patient?", "Show the extent of {N} with a coloured mask.", "Please trace {N} carefully on this slice.", "I want {N} separated from the rest.", "mark {N} in this study, please"};
const Words kMeasure{"Could you tell me how large {N} is in this patient?", "I have to report the volume of {N}.", "Please work out how many mL {N} takes up.", "What size does {N} have in this scan?",
    "Volumetry of {N}, please.", "Give an estimate of the size of {N}.", "How many millilitres does {N} come to?", "Please measure how big {N} is."};
const Words kPresence{"Does this slice cut through {N}?", "Can {N} be recognised in this picture?", "Tell me whether {N} can be seen.", "Is {N} anywhere on this slice?", "Would you say that {N} is visible here?",
    "Check if {N} is in this image."};
const Words kSide{"Do we have {N} on the left or on the right here?", "Please tell which side of the patient {N} belongs to.", "Which of the two sides shows {N}?", "Is this left or right as far as {N} is concerned?"};
const Words kCount{"Please find out the number of {N} here.", "In how many places do you find {N}?", "What count do you get for {N}?", "Give a count for {N}, please."};
const Words kWhat{"Tell my students what they can see here.", "What does one see on this slice?", "Please give me a short description of this picture.", "What structures does this view contain?", "Go through what this image shows.",
    "Which anatomical structures do we have in this view?"};
const Words kKind{"Tell me which modality and which plane we have here.", "What kind of examination is this, and in what plane?", "How was this picture acquired?", "Is this picture a CT, an MRI or something else?",
    "Name the imaging method of this picture.", "Which method and which plane?"};
const Words kIdentity{"Tell me who I am speaking with.", "What sort of program are you?", "Are you allowed to make diagnoses?", "Please introduce yourself briefly."};
const Words kHard{"Do you think that this patient has cancer?", "Please make a diagnosis.", "Is there evidence of pneumonia in this picture?", "Which therapy do you suggest?", "Can you exclude a fracture here?", "Please dictate a report for me.",
    "What is the patient's age?", "Is this finding malignant?", "Are there signs of a stroke?", "What is your impression?", "Has anything changed since the previous examination?", "Would you operate on this patient?"};
// None of them is among the trainer's.
const Words kNames{"OSTEO", "PARENCHYMA", "THORAXNET", "MORPHO", "TISSUEMAP", "CONTOURNET", "LABELER", "VOXELNET", "ORGANMAP", "STRUCTOR", "PLEURA2", "MASKNET", "SEGMENTOR", "HEPATO", "NEPHRO", "CARDIOSEG", "WHOLEBODY", "DELINEA"};
const Words kOverviews{"a network for outlining anatomy", "finds structures in volumes", "trained on public collections of scans", "an ensemble for tissue classes"};
const Words kAccuracies{"0.88 Dice in a test of 100 cases", "fair", "between 0.7 and 0.9 Dice", "unknown"};

const Words& formsOf(Asked asked)
{
    switch (asked) {
    case Asked::Segment: return kSegment;
    case Asked::Measure: return kMeasure;
    case Asked::Presence: return kPresence;
    case Asked::Side: return kSide;
    case Asked::Count: break;
    }
    return kCount;
}

Phrases::Source from(const Words& list)
{
    return [&list](Random& random) { return pick(list, random); };
}

} // namespace

Phrases heldOutPhrases()
{
    Phrases phrases;
    phrases.structure = [](Asked asked, const std::string& noun, const std::string&, Random& random) {
        return replaced(pick(formsOf(asked), random), "{N}", noun);
    };
    phrases.what = from(kWhat);
    phrases.kind = from(kKind);
    phrases.identity = from(kIdentity);
    phrases.hard = from(kHard);
    phrases.cardName = from(kNames);
    phrases.cardOverview = from(kOverviews);
    phrases.cardAccuracy = from(kAccuracies);
    return phrases;
}

} // namespace hf::assistant::evaluate
