#include "assistant/engine/evaluate/HeldOutPhrases.h"

namespace hf::assistant::evaluate {

using namespace train;
using phantom::Random;

namespace {

const Words kSegment{
    "Would it be possible to have {N} outlined on this one?", "For the lecture tomorrow, please get {N} coloured.", "I'd be grateful for a segmentation showing {N}.",
    "Run whatever tool can segment {N}.", "We should have {N} marked before the meeting.", "Let the computer contour {N}.", "Have {N} delineated by one of the experts.",
    "I am looking for {N}, please mark what you find.", "Please put {N} into the overlay.", "Could one of your experts extract {N}?",
    "Make {N} stand out in the picture.", "Next thing: a mask that covers {N}.", "Do me a favour and highlight {N}.", "{N}, outlined, please.",
    "a contour of {N}, if possible", "Can you get {N} segmented for this patient?", "Show the extent of {N} with a coloured mask.",
    "Please trace {N} carefully on this slice.", "I want {N} separated from the rest.", "mark {N} in this study, please", "Please outline {N}.",
    "Could you draw a contour around {N} for me?", "I need a mask of {N}, thanks.", "Where is {N}?", "Where would I find {N} in this picture?", "Colour {N} in, please.",
    "Color {N} red.", "Can you delineate {N} on this slice?", "Trace the border of {N}.", "Mark {N} for my students, would you?",
    "Kindly provide a segmentation of {N}.", "give me {N} as an overlay", "Put an overlay on {N}.", "Paint {N} so that I can see the extent.",
    "Show me the location of {N}.", "Point out {N} please", "Would you mind shading {N}?", "I'd like to have {N} outlined.",
    "I can't work out where {N} should be; please mark it on the image.", "Pixel mask for {N}, please.", "Localise {N}.", "Localize {N} for me.",
    "please to show where {N} lies", "Whereabouts in the image do I look for {N}?", "Tint {N} so it stands out.", "Let me see the boundaries of {N}.",
    "My class has trouble finding {N}, so could you light up the region for them?", "Fill in {N} with a colour.", "Run a segmentation on {N}.",
    "Do the segmentation for {N} now", "What part of the image does one call {N}? Please shade it.", "Which pixels belong to {N}?", "Extract {N} as a binary mask.",
    "Isolate {N} from the rest of the image.", "I want that you draw the outline of {N}.", "Can I get {N} highlighted?", "Go ahead and label {N} on the picture.",
    "Annotate {N} with a contour, please.", "Indicate the position of {N}.", "where exactly can I see {N} here", "Could we have {N} marked up on this one?",
    "Pick out {N} in colour for me.", "Locate {N}, if you please.", "Sketch the edges of {N}.", "The outline of {N} is what I'm after.", "Next, segment out {N}.",
    "Show me {N}, please.", "How about colouring {N} in?", "Make {N} visible with an overlay.", "Please can you map out {N}?",
    "I would be grateful for a delineation of {N}.", "Ring {N} for us.", "Separate {N} from the background.", "Display a mask over {N}."};
const Words kMeasure{
    "Could you tell me how large {N} is in this patient?", "I have to report the volume of {N}.", "Please work out how many mL {N} takes up.",
    "What size does {N} have in this scan?", "Volumetry of {N}, please.", "Give an estimate of the size of {N}.", "How many millilitres does {N} come to?",
    "Please measure how big {N} is.", "What's the size of {N}, please?", "Give me the dimensions of {N}.", "Could you tell me the density of {N}?",
    "I need the area of {N} in square millimetres.", "how large is {N} in cm", "How many millilitres do you get for {N}?",
    "Work out the cross-sectional area of {N} for me.", "How wide would {N} be here?", "Diameter of {N}?", "Can you quantify {N} in millilitres?",
    "How much space do you reckon there is inside {N}, in cc?", "Average Hounsfield value in {N}, please.", "I'd like to know the measurements of {N}.",
    "Report the attenuation of {N} in Hounsfield units.", "How dense would you say {N} might be?", "What is the greatest diameter of {N}?", "End-to-end length of {N}?",
    "Would you measure the length and width of {N}?", "please say me the size of {N} in millimeters", "Compute the surface area of {N}.", "What do you measure for {N}?",
    "Volume of {N} in cc?", "Provide height and width for {N}.", "Tell me the extent of {N} in square centimetres.",
    "What percentage of the picture is taken up by {N}?", "Put a ruler on {N} and tell me the result.", "Could I have the volumetry of {N}?",
    "For my worksheet I need a figure in mL for {N}, can you do this?", "What thickness do you get for {N}?",
    "What are the mean and standard deviation of the HU within {N}?", "Gauge the extent of {N} in mm.", "Size up {N} for me, in centimetres.",
    "what would be the approximate volume for {N}", "Determine the average density in {N}."};
const Words kPresence{
    "Does this slice cut through {N}?", "Can {N} be recognised in this picture?", "Tell me whether {N} can be seen.", "Is {N} anywhere on this slice?",
    "Would you say that {N} is visible here?", "Check if {N} is in this image.", "Does this picture show {N}?", "Does the image include {N}?",
    "Can we see {N} at this level?", "Have we got {N} in the field of view?", "any {N} here, yes or no?",
    "Yes or no: {N} in the picture?", "Please tell me if {N} can be recognised in this image.", "Is it possible to see {N} on this film?",
    "Would you say that {N} can be made out here?", "Might {N} be visible in this image?", "Did the scan catch {N}?", "I wonder, did {N} make it into this slice.",
    "Does this slice go through {N}?", "Did {N} fall within the scan range?", "Am I right that one can see {N} here?",
    "Let me know whether or not this image contains {N}.", "Does this contain {N}?", "Can you confirm that {N} can be seen?", "Check if {N} is in the image",
    "Do we have {N} on this one?", "My student says you can see {N} here. Is that true?", "Could you verify whether this view covers {N}?",
    "Can the presence of {N} be confirmed?", "Is {N} in this image?", "is {N} on the picture or not", "Are we able to see {N} in this view?",
    "Can any trace of {N} be found here, yes or no?", "I don't think this shows {N}. Does it?", "Surely you can't see {N} on this slice, can you?",
    "Do you detect {N} anywhere?", "Can one discern {N} in this scan?", "Did the imaging cover {N}?", "Does the field of view take in {N}?",
    "Would a trained eye see {N} here?", "Is at least some of {N} shown?", "Tell me please, is here {N} to see?",
    "Do I have {N} in front of me on this image?", "Can you make out {N}, yes or no?", "Please state whether {N} can be identified in this image.",
    "Did this radiograph or scan capture {N}?", "Did they include {N} in this picture?", "Does one get to see {N} at all on this?",
    "I'd like to know if {N} can be seen in this section.", "Is it true that this image shows {N}?", "Would {N} be visible at this level?", "Are you seeing {N}?",
    "Say whether {N} is there.", "Does one find {N} within the image borders?", "So, does this one have {N} in it?", "Does the cut pass through {N}?",
    "You see {N}, right?", "Could it be that this slice contains {N}?", "There should be {N} on this image, correct?", "Does anything in this image correspond to {N}?"};
const Words kSide{
    "Do we have {N} on the left or on the right here?", "Please tell which side of the patient {N} belongs to.", "Which of the two sides shows {N}?",
    "Is this left or right as far as {N} is concerned?", "On which side is {N}?", "Should I look left or right for {N}?",
    "Do I see {N} on the left, the right or both sides?", "Would you find {N} on both sides or just one?", "On what side of the patient do you see {N}?",
    "{N} - left, right or bilateral?", "What side do I find {N} on?", "Which half of the body contains {N}, left or right?", "Please state the laterality of {N}.",
    "Can {N} be seen on both sides or only on one?", "Would that be the left-hand or right-hand side for {N}?",
    "Can {N} be found to the left or to the right of the midline?", "to which side belongs {N}, left or right?",
    "I always mix up left and right. Which side is it for {N}?", "Would {N} be on the patient's right or the patient's left?",
    "Do we have {N} left-sided, right-sided or bilaterally?", "Which side of the body should I look at for {N}?",
    "Could you tell me on which side of the midline {N} can be found?", "Is {N} bilateral or unilateral in this image?", "Say left, right or both for {N}.",
    "Of the two sides, which one shows {N}?", "I need to know if {N} is right or left.", "Do you see {N} on the right, on the left, or on either side?",
    "In patient terms, right or left for {N}?", "Remind me which side to assign {N} to here.", "For {N}, which side is it please?"};
const Words kCount{
    "Please find out the number of {N} here.", "In how many places do you find {N}?", "What count do you get for {N}?", "Give a count for {N}, please.",
    "How many of {N} can you see?", "How many {N}?", "What's the number of {N} in this image?", "Please count {N} for me.", "How many {N} can be seen on this slice?",
    "Give me a count of {N}.", "I make it three. What number do you get for {N}?", "How many of {N} are in the picture?", "Number of {N}, please.",
    "Tell me how many of {N} there are.", "What total do you get for {N}?", "how many pieces of {N} do you see here", "Can you tell the number of {N} in view?",
    "How many separate instances of {N} does the image show?", "I'd like a head count of {N}.", "Would you enumerate {N} in this image?",
    "How many {N} do we have here?", "Do a count of {N}, please.", "Count of {N}?", "My pupils must count {N}; what's the right number?", "How many {N} did you find?",
    "In total, how many of {N} does this image contain?", "Please say how many {N} you can make out.", "Exactly how many of {N} show up on this film?",
    "Number up {N} and tell me the total.", "What is the quantity of {N} visible here?", "Kindly indicate how many of {N} were captured."};
const Words kWhat{
    "Tell my students what they can see here.", "What does one see on this slice?", "Please give me a short description of this picture.",
    "What structures does this view contain?", "Go through what this image shows.", "Which anatomical structures do we have in this view?",
    "Which structures can be seen here?", "What's in this image?", "Which organs are visible?", "List everything you recognise.", "List the visible anatomy, please.",
    "Could you talk me through this image?", "What can one see on this slice?", "Please give a short description of the image", "Name all the structures you can find.",
    "Explain this picture to a first-year student.", "What anatomy is on display here?", "Which bones and organs are included?", "Which body parts does this cover?",
    "Give me an overview of the anatomy.", "What's all this on the screen?", "I have no idea what I'm looking at, can you help?",
    "Enumerate the organs in this section.", "Would you describe the contents of the image for my class?", "What is there to see?",
    "Which anatomical structures do you identify in this view?", "Walk me through the visible structures.", "What part of the body is this?",
    "Which region of the body has been imaged?", "Can you summarise what's visible?", "please explain me what is on the picture",
    "Sum up this image in a sentence or two.", "What have we got here?", "Show me a list of what you can recognise in this image.",
    "So what is it that this picture depicts?", "Anything you can name in here?", "Run through the anatomy for me.", "What things did you recognize on this one?",
    "Give the names of the visible organs.", "I'd appreciate a description of this image.", "Which structures are present on the current slice?"};
const Words kKind{
    "Tell me which modality and which plane we have here.", "What kind of examination is this, and in what plane?", "How was this picture acquired?",
    "Is this picture a CT, an MRI or something else?", "Name the imaging method of this picture.", "Which method and which plane?", "What kind of scan is this?",
    "Is this an axial slice?", "Is it a coronal or a sagittal view?", "Was this taken with ultrasound?", "What type of image is it?",
    "Which imaging technique was used?", "How was this image acquired: X-ray, CT, MRI or ultrasound?", "In what orientation is the slice?", "what view is that",
    "Is this a radiograph?", "Am I looking at a CT?", "Would this be an MRI?", "Name the imaging modality, please.", "Axial, coronal or sagittal?",
    "Which sort of scanner made this?", "Could you tell me whether this is a sagittal cut?", "Is this image a sonogram?", "State the plane of section.",
    "I can't tell if this is CT or MR. Which is it?", "Is that a plain film?", "From which direction are we looking, front, side or below?",
    "Is this a frontal or a lateral view?", "What sort of imaging is it?", "Please identify the modality.", "Which projection is this?",
    "Is this transverse or longitudinal?", "is it magnetic resonance or computed tomography", "By what method was the picture produced?",
    "Do you think this is a coronal reconstruction?", "Is the slice orientation transversal?", "My teacher says it's an MRI image. Is that right?",
    "What machine does this image come from?", "Which anatomical plane is the image cut in?"};
const Words kIdentity{
    "Tell me who I am speaking with.", "What sort of program are you?", "Are you allowed to make diagnoses?", "Please introduce yourself briefly.",
    "Can I trust your answers?", "Are you a human or a machine?", "May I use you for diagnosis?", "What's your name?", "Are you certified as a medical device?",
    "What sort of questions can I ask you?", "Are you ChatGPT?", "How accurate are you?", "Tell me about yourself.", "Introduce yourself please",
    "Can you be used in clinical routine?", "How reliable are your outlines?", "What are your limitations?", "Do you ever make mistakes?",
    "Am I talking to a real person?", "what is this assistant for", "Are you some kind of AI?", "Were you trained on medical images?",
    "Is it safe to rely on you for patient care?", "Do you have FDA clearance or a CE mark?", "Explain what you're capable of.", "Which languages do you speak?",
    "Should I believe what you tell me?", "Do you replace a radiologist?", "Help! How do I use you?", "What do you know how to do?",
    "Do you send my images to a server?", "How big a neural network are you?", "What were you built for?", "Can my hospital use you with actual patients?",
    "List your abilities.", "hello, who am I speaking with?", "Are you intelligent at all, or just a program?"};
const Words kHard{
    "Do you think that this patient has cancer?", "Please make a diagnosis.", "Is there evidence of pneumonia in this picture?", "Which therapy do you suggest?",
    "Can you exclude a fracture here?", "Please dictate a report for me.", "What is the patient's age?", "Is this finding malignant?", "Are there signs of a stroke?",
    "What is your impression?", "Has anything changed since the previous examination?", "Would you operate on this patient?", "What's your diagnosis?",
    "Do you see a tumour?", "Write a report for this study.", "What treatment would you recommend?", "Compare this with the previous scan.",
    "What's the patient's name?", "Any pathology?", "Are there metastases?", "Rule out a pulmonary embolism, please.", "Does this person need surgery?",
    "Which antibiotic should I give?", "is there a bleed in the brain", "Could it be appendicitis?", "Give me a differential diagnosis.", "What stage is the disease?",
    "Dictate the findings and impression.", "Is the nodule benign or malignant?", "Can you see any pneumothorax?", "Is this patient male or female?",
    "When was the scan performed?", "What's the prognosis?", "How long has the patient got to live?", "Should we follow this up in three months?",
    "What BI-RADS category would you assign?", "Grade the osteoarthritis.", "Any sign of an acute stroke?", "Draft a letter to the referring physician.",
    "What would you do if this were your mother?", "Do I have COVID?", "Why does my back hurt?", "Look for a herniated disc.", "Has the aneurysm grown?",
    "Is contrast needed for the next exam?", "Was contrast given here?", "What dose did the patient receive?", "Does the patient smoke?", "Find the lesion.",
    "What is wrong with this patient?", "Are the findings consistent with tuberculosis?", "Could you tell me the hospital where this was done?",
    "Is it serious, doctor?", "Do you agree with the radiologist's conclusion?", "What did the last report say?", "I believe it's sarcoidosis. What's your opinion?",
    "Is the patient fit for chemotherapy?", "Is the liver fatty?", "Is the heart enlarged?", "Are the kidneys healthy?", "tell me please if there is some illness",
    "Is the tube in the correct position?", "Any incidental findings I ought to mention?", "Has the patient responded to therapy?",
    "Which code should I bill for this exam?", "What's the T-stage?", "Is there a bowel obstruction?", "Do we need a biopsy?",
    "Translate the report into plain English for the family.", "Can this person go home today?", "Is there evidence of multiple sclerosis?", "Where's the tumour?",
    "What's the survival rate for this condition?", "Does it look like emphysema to you?", "Summarise the clinical history.", "Spot the abnormality.",
    "Is there free air under the diaphragm?", "Estimate the bone age of this child.", "How does this compare to the exam from March?",
    "Are these lymph nodes pathological?", "Is it a torn ligament?", "What surgical approach would you choose?"};
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
