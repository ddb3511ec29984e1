#include "assistant/engine/train/Wordings.h"

#include "assistant/engine/train/Forms.h"

#include <algorithm>
#include <cctype>

namespace hf::assistant::train {

using phantom::Random;

std::string pickWord(std::initializer_list<const char*> list, Random& random) { return *(list.begin() + random.below(int(list.size()))); }

std::string replaced(std::string text, const std::string& from, const std::string& to)
{
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

std::string withoutArticle(const std::string& noun)
{
    for (const std::string article : {"the ", "both ", "all the ", "all "}) {
        if (noun.starts_with(article)) {
            return noun.substr(article.size());
        }
    }
    return noun;
}

bool isPlural(const std::string& noun)
{
    const std::string bare = withoutArticle(noun);
    const bool isOne = bare.ends_with("us") || bare.ends_with("is") || bare.ends_with("as") || bare.ends_with("ss") || bare.starts_with("any ");
    return noun.starts_with("both ") || noun.starts_with("all ") || noun.find(" and ") != std::string::npos || (bare.ends_with("s") && !isOne) || bare.ends_with("bronchi") || bare.ends_with("vertebrae");
}

std::string someInventedName(Random& random)
{
    std::string name;
    const int syllables = 2 + random.below(3);
    for (int n = 0; n < syllables; ++n) {
        name += pickWord({"b", "br", "c", "d", "dr", "f", "g", "gl", "h", "k", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "tr", "v", "z"}, random);
        name += pickWord({"a", "e", "i", "o", "u", "ia", "ea", "y"}, random);
    }
    return name + pickWord({"", "l", "n", "r", "s", "x", "m", "th", "ctus", "ris", "lon"}, random);
}

namespace {

/// The noun as somebody may put it: mostly as it is, else bare or with another determiner.
std::string phrase(const std::string& noun, Random& random)
{
    if (noun.starts_with("all") || noun.starts_with("every") || noun.starts_with("any") || noun.starts_with("as ") || noun.starts_with("whatever") || random.chance(0.6)) {
        return noun;
    }
    const std::string bare = withoutArticle(noun);
    return replaced(pickWord({"{B}", "{B}", "the {B}", "all the {B}", "all {B}", "the patient's {B}", "this patient's {B}", "the visible {B}", "this {B}", "these {B}", "his {B}", "her {B}", "the whole {B}", "the entire {B}"}, random),
        "{B}", bare.starts_with("patient") ? "body" : bare);
}

std::string place(const std::string& modality, Random& random)
{
    if (random.chance(0.45)) {
        return {};
    }
    return replaced(pickWord({" in this image", " in this scan", " in the image", " on this slice", " in this slice", " here", " in this study", " in the volume", " in this {M}", " on this {M}", " in this {M} scan",
                                 " on the {M} image", " in this picture", " in this patient", " of this patient", " on the scan", " for this {M}", " in the current view", " in this view", " in my patient", " from this scan"},
                        random),
        "{M}", modality);
}

std::string verb(Random& random)
{
    return pickWord({"segment", "segment", "segment", "segment", "outline the border of", "outline the extent of", "show", "show", "show me", "show me", "mark", "delineate", "contour", "highlight", "find", "locate", "label", "draw", "draw in", "trace", "colour",
                        "color", "extract", "annotate", "display", "paint", "detect", "isolate", "identify", "overlay", "visualize", "visualise", "map", "map out", "mask", "mask out", "separate", "pick out", "indicate",
                        "fill in", "shade", "demarcate", "circle", "select", "capture", "tag", "segment out", "auto-segment", "recognize", "outline and label", "mark up", "draw around", "trace out", "give me", "get", "get me",
                        "create a mask of", "make a mask of", "make a mask for", "create a segmentation of", "do a segmentation of", "perform a segmentation of", "run a segmentation of", "generate a mask for", "produce a mask of",
                        "put a mask on", "put a contour around", "draw a contour around", "draw the outline of", "draw the borders of", "add an overlay for", "compute a mask of", "find and segment", "let me see", "bring up", "present",
                        "pull out", "look for", "search for", "single out", "split off", "render", "colour in", "color in", "try to segment", "go ahead and segment", "start with"}, random);
}

/// How it is to be done; mostly nothing is said about that.
std::string manner(Random& random)
{
    if (random.chance(0.8)) {
        return {};
    }
    return pickWord({" with care", " precisely", " thoroughly", " neatly", " exactly", " as well as you can", " in detail", " slowly", " roughly", " completely", " properly", " accurately", " attentively", " well", " cleanly", " by hand", " in full",
                        " as usual", " step by step", " closely", " so that all can follow", " so that its borders are plain", " so that I may compare it", " that I may see how far it goes", " for us to look at"}, random);
}

/// Somebody else is to do it.
std::string byOthers(Random& random)
{
    return pickWord({"have {N} ", "get {N} ", "let {N} be ", "I'd have {N} ", "please get {N} ", "may I get {N} ", "see that {N} gets ", "make sure that {N} gets ", "I want to have {N} ", "we would like to have {N} "}, random) +
        pickWord({"segmented", "outlined", "marked", "traced", "highlighted", "coloured", "contoured", "drawn", "masked", "labelled", "painted", "circled", "shown", "extracted"}, random) +
        pickWord({"", " by an expert", " by the computer", " by a tool", " by whoever can", " automatically", " for me", " by the program", " by some model", " in the picture", " by you"}, random);
}

/// A question in its form, a request in what it says.
std::string possibly(Random& random)
{
    return pickWord({"is it feasible to have {N} ", "is there a way to get {N} ", "would you mind having {N} ", "could we get {N} ", "might I have {N} ", "is there any chance to have {N} ", "would it be all right to get {N} ", "can one have {N} ",
                        "could one see {N} ", "am I able to get {N} ", "would there be a means to get {N} ", "is it allowed to have {N} ", "do you have a tool to get {N} ", "would anybody get {N} ", "is it hard to get {N} ", "how do I get {N} "}, random) +
        pickWord({"segmented", "outlined", "marked", "traced", "highlighted", "coloured", "contoured", "drawn", "masked", "labelled", "encircled", "delineated", "shaded", "extracted"}, random) +
        pickWord({"", "", " on the screen", " in this one", " for a moment", " in colour", " here", " for the lesson", " on the present slice"}, random);
}

/// Who has trouble with what, and what would help.
std::string forSomebody(Random& random)
{
    return pickWord({"my students ", "our trainees ", "the children ", "my neighbours ", "the others ", "some of us ", "my pupils ", "the new people ", "most of the group ", "the visitors ", "two of my colleagues ", "the beginners "}, random) +
        pickWord({"cannot find ", "do not recognise ", "keep missing ", "overlook ", "have a hard time with ", "ask for ", "are looking for ", "get lost at ", "do not know where to look for ", "fail to see ", "mix up ", "wonder about ", "struggle to find "}, random) + "{N}" +
        pickWord({", so ", "; ", ": ", ". ", " - ", ", therefore ", " and I'd like you to ", ", can you ", ", could you ", ", please "}, random) +
        pickWord({"mark it for them", "colour it in for all", "show it to them", "help with a mask", "draw it in", "give us an outline", "make it stand out", "point it out", "put some colour on it", "let them see it", "highlight that part", "trace it for the group",
                     "paint over the place", "lend a hand with an overlay"}, random);
}

/// For a verb phrase in {V}.
std::string courtesy(Random& random)
{
    if (random.chance(0.42)) {
        return "{V}";
    }
    return pickWord({"please {V}", "please {V}", "{V} please", "can you {V}", "can you {V}", "could you {V}", "could you {V}", "can you please {V}", "could you please {V}", "would you {V}", "would you please {V}", "will you {V}",
                        "I want you to {V}", "I'd like you to {V}", "I would like you to {V}", "I need you to {V}", "kindly {V}", "now {V}", "just {V}", "next {V}", "then {V}", "first {V}", "OK {V}", "let's {V}", "let us {V}",
                        "help me {V}", "help me to {V}", "are you able to {V}", "is it possible to {V}", "hey, {V}", "hi, can you {V}", "hello, please {V}", "use an expert to {V}", "we need to {V}", "I want to {V}", "I would like to {V}",
                        "can we {V}", "could we {V}", "may I ask you to {V}", "I'm asking you to {V}", "go on and {V}", "{V} for me", "{V} for me please", "{V} now", "{V} if you can", "{V} again", "{V}, thanks", "{V}, thank you",
                        "{V} for my students", "as a next step {V}", "quickly {V}", "{V} automatically", "try and {V}", "be so kind and {V}"}, random);
}

/// Requests of few words.
std::string terse(Random& random)
{
    return pickWord({"{N}", "{N}", "{B}", "{B}", "{B}", "{N} please", "{B} please", "{N}, please", "{B} pls", "{N} pls", "pls {B}", "{B}?", "{N}?", "{N} mask", "{B} mask", "{B} mask please", "{B} segmentation", "{B} seg", "{B} overlay",
                        "{B} contour", "{B} contours", "{B} outline", "{B} only", "only {N}", "just {N}", "{B} now", "now {N}", "next {N}", "do {N}", "{N} next", "also {N}", "and {N}", "segmentation {B}", "mask {B}", "contour {B}", "seg {B}",
                        "mask of {N}", "mask for {N}", "outline of {N}", "contours of {N}", "overlay of {N}", "segmentation of {N}", "{B} in colour", "{B} for planning", "{B} label", "{B} ROI", "{B} extraction", "{B} highlighted",
                        "{B} visible", "{B} mask for RT", "{B} mask for the tumour board", "auto {B} mask", "quick {B} mask"}, random);
}

/// Requests that are no sentence with a verb of doing.
std::string wish(Random& random)
{
    return pickWord({"I need {N}", "I want {N}", "I'd like {N}", "I want to see {N}", "I would like to see {N}", "I'd like to see {N}", "I'd like {N} segmented", "I'd like {N} marked", "I want {N} outlined", "I would like {N} highlighted",
                        "I need {N} segmented", "I need {N} contoured", "I need a mask of {N}", "I need a mask for {N}", "I need a segmentation of {N}", "I'd like a mask of {N}", "I would like a contour of {N}", "can I see {N}", "may I see {N}",
                        "can I get {N}", "could I get a mask of {N}", "could I have {N}", "can I have {N} outlined", "please have {N} segmented", "what about {N}", "how about {N}", "and what about {N}", "same for {N}", "{N} in color", "{N} outlined please",
                        "can I have {N} overlaid", "can I have {N} in colour", "could you overlay {N} in colour", "I'd like {N} overlaid", "may I have {N} marked", "could {N} be marked", "can {N} be segmented", "{N} should be marked", "{N} should be segmented", "please do {N}",
                        "where is {N} to be seen", "where is {N} to be found", "where do {N} lie", "where does {N} lie", "where are {N} located", "where is {N} located", "where can I find {N}", "where can {N} be found", "where exactly is {N}",
                        "where do you see {N}", "where do I look for {N}", "where does {N} begin and end", "tell me where {N} are", "tell me where {N} is", "show me where {N} is", "show me where {N} are", "show where {N} lie",
                        "which pixels are {N}", "which parts are {N}", "which part of this is {N}", "which voxels belong to {N}", "which area is {N}", "which region is {N}", "what here is {N}", "what part is {N}", "what belongs to {N}",
                        "how far do {N} reach", "how does {N} look", "what do {N} look like", "what is the outline of {N}", "what is the extent of {N}", "how are {N} shaped"}, random);
}

std::string measure(Random& random)
{
    const std::string quantity = pickWord({"volume", "volume", "volume", "size", "total volume", "mean HU", "density", "mean density", "average HU", "attenuation", "mean attenuation", "extent", "amount", "average density", "volume in mL",
                                              "overall size", "mean HU value", "capacity"}, random);
    const std::string unit = pickWord({"mL", "ml", "millilitres", "milliliters", "cc", "cubic centimetres", "cubic centimeters", "litres", "liters"}, random);
    const std::string form = pickWord({"how large are {N}", "how large is {N}", "how big are {N}", "how big is {N}", "how much of this is {N}", "how much {B} is there", "how much {B} do you see", "how much {B} is in this scan",
                                          "how much {B} does this patient have", "how much {B} does the patient have", "what volume do {N} have", "what volume does {N} have", "how many {U} are {N}", "how many {U} of {B}",
                                          "how many {U} of {B} are there", "how many {U} of {B} do you measure", "how many {U} does {N} have", "how many {U} do {N} have", "what is the {Q} of {N}", "what is the {Q} of {N}",
                                          "what's the {Q} of {N}", "{Q} of {N}", "{Q} of {N} please", "{B} {Q}", "measure {N}", "measure the {Q} of {N}", "quantify {N}", "compute the {Q} of {N}", "calculate the {Q} of {N}",
                                          "determine the {Q} of {N}", "estimate the {Q} of {N}", "tell me the {Q} of {N}", "give me the {Q} of {N}", "work out the {Q} of {N}", "report the {Q} of {N}", "find out the {Q} of {N}",
                                          "get the {Q} of {N}", "can you measure {N}", "could you measure the {Q} of {N}", "please measure {N}", "please calculate the {Q} of {N}", "I need the {Q} of {N}", "I'd like to know the {Q} of {N}",
                                          "I want to know how large {N} is", "I want to know how big {N} are", "do you know the {Q} of {N}", "segment {N} and measure the {Q}", "segment {N} and tell me the {Q}", "how dense is {N}",
                                          "how dense are {N}", "what is {N} in {U}", "what fraction is {N}", "what percentage is {N}", "how voluminous are {N}", "{N} in {U}"}, random);
    return replaced(replaced(form, "{Q}", quantity), "{U}", unit);
}

/// What shows something: of a sentence whose verb is "shows".
std::string shower(Random& random)
{
    return pickWord({"this image", "this slice", "the slice", "the scan", "this scan", "this view", "the view", "this picture", "the picture", "this plane", "the plane", "the current slice", "the field of view", "the level shown", "this section",
                        "the section", "this one", "it", "the present image", "this part of the volume"}, random);
}

std::string shows(Random& random)
{
    return pickWord({"show", "include", "contain", "cover", "reach", "hit", "cross", "touch", "meet", "display", "depict", "go through", "pass through", "run through", "intersect", "have", "catch", "capture", "comprise", "extend to"}, random);
}

std::string shown(Random& random)
{
    return pickWord({"visible", "present", "shown", "included", "covered", "in view", "in the picture", "to be seen", "there", "depicted", "displayed", "in the plane", "part of this slice", "within this slice", "inside the scanned region",
                        "among what is shown", "on the image", "on it", "touched by this plane", "contained", "in the section", "at this level", "represented", "captured"}, random);
}

std::string seen(Random& random)
{
    return pickWord({"seen", "found", "made out", "identified", "spotted", "detected", "noticed", "discerned", "distinguished", "perceived", "located", "picked out", "observed", "told apart", "viewed"}, random);
}

std::string see(Random& random)
{
    return pickWord({"see", "find", "make out", "spot", "identify", "notice", "detect", "discern", "perceive", "distinguish", "observe", "point to", "get to see", "locate", "come across"}, random);
}

std::string somebody(Random& random) { return pickWord({"you", "you", "we", "one", "I", "a reader", "my students", "the expert"}, random); }

/// A verb for the third person: "show" -> "shows", "go through" -> "goes through".
std::string thirdPerson(const std::string& verb)
{
    const std::size_t end = std::min(verb.find(' '), verb.size());
    const std::string first = verb.substr(0, end);
    return (first == "have" ? "has" : first + (first == "go" || first == "pass" || first == "reach" || first == "touch" || first == "catch" ? "es" : "s")) + verb.substr(end);
}

/// Whether something is there, put together from parts: many more forms than can be listed.
std::string composedPresence(Random& random)
{
    const std::string degree = pickWord({"", "", "", " even", " really", " still", " at all", " partly", " at least in part", " already", " also", " clearly", " just", " fully", " somewhere", " in some part", " to any extent"}, random);
    switch (random.below(6)) {
    case 0: return pickWord({"does ", "does ", "did ", "will ", "could ", "might "}, random) + shower(random) + degree + " " + shows(random) + pickWord({" {N}", " {N}", " {N}", " any {B}", " any part of {N}", " some of {N}"}, random);
    case 1: return "is {N}" + degree + " " + shown(random);
    case 2: return pickWord({"can", "can", "could", "might"}, random) + " {N}" + degree + " be " + seen(random);
    case 3: return pickWord({"can", "do", "do", "could", "did", "are we sure that"}, random) + " " + somebody(random) + degree + " " + see(random) + pickWord({" {N}", " {N}", " any {B}", " any trace of {N}", " anything of {N}", " some {B}"}, random);
    case 4: return pickWord({"is there", "are there", "was there", "do we have", "have we got", "is there possibly"}, random) + pickWord({" {B}", " any {B}", " any {B}", " some {B}", " anything of {N}", " a part of {N}", " something of {N}"}, random);
    default: break;
    }
    const std::string stated = random.chance(0.5) ? "{N} is " + shown(random) : random.chance(0.5) ? shower(random) + " " + thirdPerson(shows(random)) + " {N}" : somebody(random) + " can " + see(random) + " {N}";
    return pickWord({"tell me if", "say if", "let me know if", "check whether", "verify that", "find out if", "I wonder whether", "do you think", "I'd like to know whether", "please confirm that", "can you tell if", "would you know whether",
                        "have a look whether", "make sure that", "is it the case that", "does it look as if", "I doubt that", "I need to know if", "it would help to know whether", "answer me whether", "could you tell me if", "I assume that",
                        "correct me if I am wrong:", "is it right that", "look whether", "determine if", "establish whether", "judge if", "just say if", "true or false:", "am I mistaken or", "would it be right that", "could one say that", "can we state that", "may I assume that", "do you believe that", "would you agree that", "do I see it right that", "are we to believe that",
                        "have I understood that", "is it so that", "I take it that", "could it be that", "does it seem to you that", "please tell whether", "look up if", "be so kind and say if"}, random) + " " + stated;
}

/// A statement that is to be agreed with or not: "the section has {N} in it, does it not?"
std::string claimedPresence(Random& random)
{
    if (random.chance(0.2)) {
        return pickWord({"there ought to be ", "there must be ", "there has to be ", "there would be ", "I expect ", "one expects ", "we should see ", "you should have ", "this ought to show ", "we should be seeing ", "one should make out ", "there should certainly be ",
                            "here should be "}, random) + pickWord({"{N}", "{N}", "{B}", "some {B}", "a part of {N}"}, random) +
            pickWord({" on this slice", " in this view", " here", " on the screen", " on this one", " in the picture", " at this level", " in the section", ""}, random) +
            pickWord({", correct", ", right", ", true", ", is that so", ", yes", ", or not", ", am I right", ", is there", ", agreed", ", isn't that so", ", don't you think", ", is it so", ", no"}, random) + "?";
    }
    const std::string claim = random.chance(0.3) ? "{N} is " + shown(random) : random.chance(0.5) ? shower(random) + " " + thirdPerson(shows(random)) + " {N}" :
        pickWord({"there is {B}", "we have {N} here", "this has {N} in it", "part of {N} is there", "I see {N}", "we see {N}", "{N} can be " , "{N} shows up", "{N} turns up", "some {B} is left", "{N} is in here", "{N} made it into the frame", "the plane cuts {N}",
                     "you found {N}", "{N} lies within", "it shows {N}", "one sees {N}", "{N} has been caught", "{N} must be in it", "there must be {B}", "there has to be {B} in it", "{N} ought to show", "one should find {N} here", "we should have {N} in this one",
                     "{N} should have been caught", "we ought to see {N}", "{N} has to be somewhere in it", "there ought to be some {B}", "this level should have {N}"}, random);
    const std::string whole = claim.ends_with("be ") ? claim + seen(random) : claim;
    switch (random.below(4)) {
    case 0: return whole + pickWord({", isn't it", ", right", ", yes", ", yes or no", ", or not", ", correct", ", true", ", don't you think", ", am I right", ", no", ", would you agree", ", true or false", ", or am I mistaken", ", is that so", ", agreed", ", do you agree",
                                        ", or does it only look so", ", wouldn't you say", ", eh", ", is that correct", ", I suppose", ", or is it not", ", surely", " - yes or no", " (y/n)", ", isn't that so", ", or have I got that wrong"}, random) + "?";
    case 1: return pickWord({"would you say", "is it likely that", "is it plausible that", "can you confirm", "can you confirm that", "any chance that", "how sure are you that", "my question is whether", "the question is whether", "be honest, is it true that",
                                "would a radiologist say that", "can it be said that", "do the pixels suggest that", "may I write down that", "is it fair to claim that", "would you sign that", "I wonder whether", "I wonder if", "I was wondering if", "I am asking if",
                                "I am curious whether", "please check that", "please check if", "somebody claims that", "my colleague insists that", "I was told that", "is it your opinion that", "is it a fact that", "am I to believe that", "is it evident that",
                                "does it follow that", "do we agree that", "do I understand rightly that", "will you confirm that", "is there any doubt that", "let us know if", "inform me whether", "clarify whether", "try to tell whether", "I'd be glad to hear whether",
                                "what would you say if I asked you whether", "is it imaginable that", "can we rely on it that", "have I seen rightly that", "could I claim that", "would it be wrong to say that", "is one right to say that", "do tell me whether"}, random) + " " + whole;
    case 2: return pickWord({"yes or no: ", "yes or no, ", "true or false: ", "right or wrong: ", "agree or disagree: ", "y/n: ", "quick check: ", "to be sure: ", "is that right: ", "question: ", "please answer yes or no: ", "correct? ", "surely ", "so ", "hm, ", "I think "}, random) + whole;
    default: return pickWord({"{B} present", "{B} y/n", "{B} yes/no", "{B} there", "{B} or none", "{B} seen", "presence of {N}", "presence of {B}", "{B}: present or absent", "any {B}", "any {B} in there", "{B} in slice", "{B} detectable", "with or without {B}", "{B} in or out",
                                "seeing any {B}", "spot any {B}", "got any {B}", "{N} in it", "{N}: seen", "{N}: there or not", "{N} in this one", "{N} - visible", "visible: {N}", "no {B}", "no {B}, right", "there is no {B}, is there", "you don't see {N}, do you",
                                "{N} isn't in here, is it", "so no {B}, correct", "see {N}", "see any {B}", "some {B} in it", "{B} captured", "{B} existing", "{N} within the cut", "{B} or not"}, random) + pickWord({"?", "?", "?", " yes or no?", " please?", ""}, random);
    }
}

std::string presence(Random& random)
{
    if (random.chance(0.35)) {
        return claimedPresence(random);
    }
    if (random.chance(0.5)) {
        return composedPresence(random);
    }
    if (random.chance(0.4)) {
        const std::string clause = pickWord({"{N} is shown here", "we can see {N}", "{N} is in the slice", "there is {B}", "this contains {N}", "{N} was hit by this plane", "{N} appears", "the image shows {N}", "you see {N}",
                                                "{N} lies in this slice", "any {B} is left to see", "{N} is part of this view", "the slice goes through {N}", "{N} was scanned", "one can make out {N}",
                                                "this is a slice of {N}"}, random);
        return pickWord({"tell me if", "let me know if", "I wonder if", "do you think that", "find out whether", "I would like to know if", "can you say whether", "please say if", "is it true that", "am I right that", "I want to know whether",
                            "could you verify that", "are you sure that", "I ask myself whether", "please verify that", "say whether", "can you confirm that", "decide if", "do you agree that", "yes or no:"}, random) + " " + clause;
    }
    return pickWord({"are {N} visible", "is {N} visible", "can you see {N}", "do you see {N}", "does this show {N}", "is there any sign of {N}", "are {N} in this slice", "is {N} in the picture", "are there any {B}", "do we see {N}",
                        "is {N} shown", "are {N} shown", "is any part of {N} visible", "is there {B}", "is there any {B}", "does this slice show {N}", "does this image contain {N}", "does this scan include {N}", "can {N} be seen",
                        "can you make out {N}", "is {N} included", "are {N} included", "is {N} in view", "are {N} in the field of view", "is {N} covered", "are {N} on this slice", "any {B} here", "any {B} visible", "any {B} in this slice",
                        "do I see {N}", "is {N} present", "are {N} present", "do {N} appear", "does {N} appear", "is some of {N} visible", "can we see {N}", "is {N} cut by this slice", "does the scan reach {N}"}, random);
}

std::string composedSide(Random& random)
{
    const std::string half = pickWord({"side", "side", "side", "half", "flank", "half of the body", "half of the image", "part of the body", "side of the midline"}, random);
    const std::string either = pickWord({"on the left or on the right", "left or right", "on the left, on the right or on both sides", "on one side or on both", "right or left", "on the right or the left", "left-sided, right-sided or on both sides",
                                            "on the left side or the right side", "to the left or to the right", "left, right or both", "on the right, the left or both"}, random);
    switch (random.below(5)) {
    case 0: return pickWord({"on which", "on what", "in which", "which", "what", "at which"}, random) + " " + half + pickWord({" is {N} to be found", " do you see {N}", " do you find {N}", " can one see {N}", " does {N} lie", " holds {N}", " has {N}", " is taken up by {N}",
                                                                                                                                 " does {N} sit", " was {N} found", " did the expert find {N}", " contains {N}", " is {N} situated", " would {N} be"}, random);
    case 1: return pickWord({"is {N} ", "does {N} lie ", "does {N} appear ", "do you see {N} ", "do we find {N} ", "is {N} seen ", "is {N} located ", "are we looking at {N} ", "did the expert mark {N} "}, random) + either;
    case 2: return pickWord({"is {N}", "are {N}", "would you call {N}", "do you see {N}", "was {N} marked", "does {N} appear", "should I note {N}", "do you count {N}"}, random) +
        pickWord({" as one-sided or two-sided", " on one side alone", " in one half or in both", " on both of the sides or on a single one", " on a single side", " on one side, and on which", " in both halves", " one-sidedly", " as one-sided", " on just one of the sides"}, random) + pickWord({"", "", " here", ", please", ", what do you say"}, random);
    case 3: return pickWord({"tell me ", "say ", "state ", "I need ", "report ", "what is ", "give me ", "let me know ", "I'd like to know ", "name ", "note down ", "decide on "}, random) + "the " + pickWord({"side", "laterality", "half", "left or right side", "body side"}, random) + pickWord({" of {N}", " of {N}", " where {N} is", " on which {N} lies", " that {N} is on"}, random);
    default: return pickWord({"{N}: ", "{N}, ", "{B}: ", "for {N}: ", "as to {N}: "}, random) + pickWord({"left or right", "which side", "L or R", "one side or both", "which half", "left, right, both", "right or left", "what side"}, random);
    }
}

std::string side(Random& random)
{
    return random.chance(0.5) ? composedSide(random) : pickWord({"on which side are {N}", "which side is {N} on", "which side are {N} on", "on which side do you see {N}", "on what side of the patient is {N}", "on what side of the body are {N}", "which side shows {N}",
                        "is {N} on the left or on the right", "are {N} on the left or the right", "left or right: {N}", "is it the left or the right {B}", "{B}, left or right", "{N}: which side", "which side does {N} lie on",
                        "do you see {N} on the left, on the right or on both sides", "is {N} left-sided or right-sided", "are {N} on one side or on both", "on which sides are {N} visible", "which side of the patient has {N}",
                        "tell me the side of {N}", "tell me on which side {N} is", "name the side of {N}", "find out on which side {N} lies", "is the {B} seen here the left or the right one", "which {B} is this, left or right",
                        "do we see the left or the right {B}", "can you tell which side {N} is on", "what is the laterality of {N}", "laterality of {N}", "state the laterality of {N}"}, random);
}

std::string composedHowMany(Random& random)
{
    const std::string amount = pickWord({"number", "number", "count", "quantity", "tally", "total", "exact number", "total number"}, random);
    const std::string thing = pickWord({"{B}", "{B}", "{B}", "separate {B}", "single {B}", "different {B}", "distinct {B}", "instances of {B}", "pieces of {B}", "parts of {N}", "sites of {B}", "regions of {B}", "labels of {B}"}, random);
    switch (random.below(6)) {
    case 5: return pickWord({"what ", "which ", "what "}, random) + pickWord({"number", "total", "sum", "figure", "tally", "amount", "result", "quantity"}, random) +
        pickWord({" do you arrive at", " do you reach", " do you come to", " do you end up with", " comes out", " results", " have you", " would you write down", " did you find", " do you note", " can I put down", " does the mask give",
                     " does one obtain", " is reached", " may I enter", " do we have"}, random) + pickWord({" for ", " for ", " for ", " with ", " as to ", " in the case of ", " when counting "}, random) + pickWord({"{N}", "{N}", "{B}", "all of {N}"}, random);
    case 0: return "how many " + thing + pickWord({" are visible", " do you find", " does it show", " can be counted", " could you find", " have you found", " do we have", " appear", " exist", " are marked", " can I see", " did the expert find", " are there to see",
                                                      " lie in this slice", " show up", " were found", " did you count", " make up the mask", " can one tell apart", ""}, random);
    case 1: return pickWord({"", "please ", "can you ", "could you ", "I want you to ", "let us ", "kindly ", "try to "}, random) + pickWord({"count ", "enumerate ", "number ", "tally ", "add up ", "count up ", "go and count "}, random) + pickWord({"{N}", "the {B}", "all the {B}", "each of {N}"}, random);
    case 2: return pickWord({"", "tell me the ", "give me the ", "report the ", "state the ", "I need the ", "work out the ", "determine the ", "let me know the ", "I want the ", "I'd like the ", "what would be the ", "what is the ", "establish the ", "note the ", "can I have the "}, random) +
        amount + " of " + thing;
    case 3: return pickWord({"{N}: ", "{B}: ", "{N}, ", "{B}, ", "for {N}, ", "as to {N}: ", "about {N}: ", "{B} - "}, random) + pickWord({"the tally", "the total", "total", "how many in all", "what's the total", "what's the sum", "the number", "number", "quantity", "n", "one, two or more", "count and report",
                                "a number please", "give the total", "how many all told", "what total", "which number", "how numerous"}, random);
    default: return pickWord({"tell me", "say", "report", "I need to know", "work out", "determine", "let me know", "I'd like to know", "I wonder", "do you know", "can you tell", "could you say", "state", "let's see", "show me", "remind me"}, random) + " how many " + thing +
        pickWord({" there are", " you see", " it has", " are shown", " we see", " exist", " it contains", " can be found", " are left"}, random);
    }
}

std::string howMany(Random& random)
{
    return random.chance(0.5) ? composedHowMany(random) : pickWord({"how often does {B} occur", "how many times do you see {N}", "{N}: how many", "what is the total of {B}", "do a count of {N}", "a count of {N}", "the count of {B}", "into how many pieces does {N} fall",
                        "at how many sites is there {B}", "how many pieces of {B} are left", "can you say how many {B} we have", "counting {N}, where do you end", "please report how many {B} exist", "is it one {B} or two",
                        "how many {B} are there", "how many {B} do you see", "how many {B} can you find", "how many {B} are visible", "how many {B} does the patient have", "how many {B} are in this slice", "how many {B} does this show",
                        "count {N}", "count the {B}", "can you count {N}", "could you count {N}", "please count {N}", "number of {B}", "the number of {B}", "what is the number of {B}", "what's the number of {B}", "tell me the number of {B}",
                        "tell me how many {B} there are", "give me the number of {B}", "find out how many {B} there are", "how many separate {B} are there", "is there one {B} or are there several", "one {B} or more", "how many of {N} are there",
                        "how many parts of {N} do you find", "do you see more than one {B}", "I need the number of {B}", "I want to know how many {B} there are", "segment {N} and count them", "mark {N} and tell me how many there are"}, random);
}

/// Two letters exchanged, or one lost, in one of the longer words.
std::string misspelt(std::string text, Random& random)
{
    if (text.size() > 8) {
        const std::size_t at = 1 + std::size_t(random.below(int(text.size()) - 2));
        if (std::isalpha(static_cast<unsigned char>(text[at])) && std::isalpha(static_cast<unsigned char>(text[at - 1])) && std::isalpha(static_cast<unsigned char>(text[at + 1]))) {
            random.chance(0.5) ? std::swap(text[at], text[at + 1]) : (void)text.erase(at, 1);
        }
    }
    return text;
}

std::string lower(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return text;
}

std::string upper(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::toupper(c)); });
    return text;
}

std::string finished(std::string text, Random& random, double smallLetters = 0.22)
{
    const bool small = random.chance(smallLetters);
    if (small) {
        text = lower(text);
    } else {
        text[0] = char(std::toupper(static_cast<unsigned char>(text[0])));
    }
    if (random.chance(0.08)) {
        text = misspelt(text, random);
    }
    return text;
}

std::string listed(Random& random, std::initializer_list<const char*> list) { return finished(pickWord(list, random), random); }

/// "is {N}" or "are {N}" as the noun wants it; now and then as people write who do not care.
std::string agreeing(std::string form, const std::string& noun, Random& random)
{
    if (random.chance(0.05)) {
        return form;
    }
    const std::vector<std::pair<std::string, std::string>> pairs{{"are {N}", "is {N}"}, {"{N} are", "{N} is"}, {"do {N}", "does {N}"}};
    for (const auto& [many, one] : pairs) {
        form = isPlural(noun) ? replaced(form, one, many) : replaced(form, many, one);
    }
    return form;
}

/// What somebody says beside the request. None of it tells what is wanted.
std::string withContext(const std::string& asked, Random& random)
{
    const std::string context = pickWord({"I am in a hurry.", "The patient is {A} years old.", "This is for my thesis.", "We have a case conference in an hour.", "Sorry for the many questions.", "I am new here.", "My colleague asked me about it.",
                                             "The scan was made this morning.", "I hope that this works.", "It is for a textbook.", "Good morning.", "Hello!", "Hi there.", "OK.", "Well.", "Fine.", "Thanks so far.", "That was helpful.",
                                             "I do not have much time.", "We need it for the operation on Friday.", "The referring doctor wants to know.", "It is important.", "The quality is not great, I know.", "Take your time.",
                                             "I have used other programs before.", "This is the second scan of this person.", "The previous report was lost.", "Let me try something else.", "One more thing.", "I would do it by hand otherwise.",
                                             "The family asked for it.", "I want to compare it later.", "You can keep it short.", "No rush.", "Please be precise.", "It need not be perfect.", "We will print it.", "My screen is small.",
                                             "The contrast seems low.", "This is case {A}.", "As before.", "I will check it myself.", "The student next to me is curious.", "Thank you very much.", "Thanks a lot!", "Best regards", "Cheers.", "My pupils are waiting.", "I teach this tomorrow.", "The group at the back cannot follow.",
                                             "Nobody here is a doctor.", "We are a class of {A}.", "I have no training in this.", "Can you help me?", "Please help.", "The others could not tell me."}, random);
    const std::string said = replaced(context, "{A}", std::to_string(2 + random.below(95)));
    if (random.chance(0.6)) {
        return said + " " + asked;
    }
    return asked + (std::isalpha(static_cast<unsigned char>(asked.back())) ? ". " : " ") + said;
}

/// The noun among words that say nothing: whatever the wording, it is the noun that counts.
std::string amongWords(const std::string& noun, Random& random)
{
    static const Words kWords{"a", "able", "about", "above", "after", "again", "all", "also", "am", "and", "around", "as", "ask", "at", "away", "back", "be", "because", "been", "before", "begin", "below", "best", "better", "big", "box", "bring",
        "but", "by", "call", "came", "careful", "case", "certain", "change", "clear", "close", "come", "could", "current", "day", "did", "different", "do", "doctor", "done", "down", "draw", "each", "early", "edge", "either", "else", "end",
        "even", "every", "exact", "far", "few", "file", "find", "fine", "first", "follow", "for", "form", "found", "four", "from", "full", "gave", "get", "give", "go", "good", "got", "great", "group", "had", "hand", "has", "have", "he",
        "help", "here", "high", "hold", "how", "however", "I", "idea", "if", "in", "into", "it", "its", "job", "just", "keep", "kind", "know", "large", "last", "late", "later", "left over", "less", "let", "level", "like", "line", "list",
        "little", "long", "look", "low", "made", "main", "make", "many", "may", "me", "mean", "might", "mine", "more", "most", "move", "much", "must", "my", "name", "near", "need", "never", "new", "next", "nice", "no problem", "not sure",
        "note", "now", "number", "of", "off", "often", "old", "on", "once", "one", "only", "open", "or", "order", "other", "our", "out", "over", "own", "page", "part", "people", "perhaps", "place", "plan", "point", "possible", "press",
        "put", "quick", "quite", "ready", "really", "red", "rest", "result", "right now", "room", "round", "run", "said", "same", "saw", "say", "second", "see", "seem", "send", "set", "several", "share", "she", "short", "should", "show",
        "simple", "since", "slow", "small", "so", "some", "soon", "start", "step", "still", "stop", "sure", "take", "talk", "team", "tell", "than", "thank", "that", "their", "them", "then", "there", "these", "they", "thing", "think",
        "third", "this", "those", "three", "through", "time", "to", "today", "together", "told", "too", "tool", "top", "toward", "true", "try", "turn", "two", "under", "until", "up", "us", "use", "used", "useful", "usual", "very", "view",
        "wait", "want", "was", "watch", "way", "we", "week", "well", "were", "what", "when", "where", "which", "while", "who", "whole", "why", "will", "with", "without", "word", "work", "would", "year", "yes", "yet", "you", "your"};
    std::string text;
    const int before = random.below(8), after = random.below(random.chance(0.5) ? 1 : 6);
    for (int n = 0; n < before + after; ++n) {
        text += (n == before ? noun + " " : std::string()) + pick(kWords, random) + (random.chance(0.05) ? ", " : " ");
    }
    text = (after == 0 ? text + noun + " " : text);
    text.pop_back();
    return finished(text, random, 0.5) + pickWord({"", ".", "?", "!"}, random);
}

bool isQuestion(const std::string& text)
{
    constexpr const char* kStarts[] = {"can", "could", "where", "which", "would", "may", "will", "are", "is", "do ", "does", "how", "what", "any", "and what"};
    const std::string start = lower(text.substr(0, 8));
    return std::any_of(std::begin(kStarts), std::end(kStarts), [&](const char* word) { return start.starts_with(word); });
}

std::string punctuated(const std::string& text, Random& random)
{
    if (text.find_last_of("?.!") == text.size() - 1 || random.chance(0.25)) {
        return text;
    }
    return text + (isQuestion(text) ? (random.chance(0.85) ? "?" : "") : pickWord({".", ".", "", "", "!"}, random));
}

} // namespace

std::string structureQuestion(Asked asked, const std::string& noun, const std::string& modality, Random& random)
{
    std::string form;
    bool isTerse = false;
    const bool isWritten = random.chance(0.5);
    switch (asked) {
    case Asked::Segment: {
        const double kind = random.uniform();
        form = kind < 0.42 ? replaced(courtesy(random), "{V}", verb(random) + " {N}" + manner(random)) : kind < 0.45 ? byOthers(random) : kind < 0.50 ? possibly(random) : kind < 0.58 ? forSomebody(random) : kind < 0.8 ? terse(random) : wish(random);
        isTerse = kind >= 0.58 && kind < 0.8;
        break;
    }
    case Asked::Measure: form = measure(random); break;
    case Asked::Presence: form = presence(random); break;
    case Asked::Side: form = side(random); break;
    case Asked::Count: form = howMany(random); break;
    }
    if (isWritten) {
        form = pick(structureForms(asked), random);
    }
    const std::string named = phrase(noun, random);
    std::string text = replaced(replaced(agreeing(form, named, random), "{N}", named), "{B}", withoutArticle(noun)) + (isWritten || (isTerse && random.chance(0.8)) ? std::string() : place(modality, random));
    text = replaced(replaced(replaced(text, "any the ", "any "), "the the ", "the "), "any any ", "any ");
    const std::string question = punctuated(finished(text, random, isTerse ? 0.6 : 0.3), random);
    const double around = random.uniform();
    // How an answer ends depends on more than the noun.
    const bool isNounEnough = asked == Asked::Segment;
    return around < 0.12 ? withContext(question, random) : around < 0.20 && isNounEnough ? amongWords(named, random) : question;
}

/// Kinds of things side by side: no question about one of them.
std::string composedWhat(Random& random)
{
    const auto things = [&] {
        return pickWord({"organs", "bones", "structures", "tissues", "vessels", "muscles", "parts of the body", "landmarks", "soft tissues", "cavities", "organ systems", "joints", "spaces", "regions", "fat layers", "airways"}, random);
    };
    const std::string first = things();
    std::string second = things();
    for (; second == first; second = things()) {
    }
    return pickWord({"which ", "what ", "which ", "what ", "all the ", "list the ", "name the ", "tell me which ", "tell me what ", "say which ", "do tell what ", "now which "}, random) + first + pickWord({" and ", " and ", " or ", ", ", " as well as "}, random) + second +
        pickWord({" are there", " do we see", " do you see", " lie in this slice", " can be told apart", " have we got", " does the slice pass", " come into view", " were caught", " make up this picture", " do you make out", " appear",
                     " belong to this level", " are in the frame", " may be seen", " do I have before me", " are on show", " did you find", " does it contain", " does this plane cut", " turn up here", " will I meet here"}, random);
}

/// About the part of the body: what is seen tells it.
std::string composedRegion(Random& random)
{
    const std::string part = pickWord({"area", "part", "section", "portion", "region", "level", "piece", "stretch"}, random);
    const std::string whole = pickWord({"the patient", "the person", "the trunk", "the human body", "a human being", "this man or woman", "the body"}, random);
    return random.chance(0.6) ? pickWord({"which ", "what "}, random) + part + " of " + whole + pickWord({" was scanned", " did we scan", " is depicted", " was covered", " do I have here", " are we in", " are we at", " went through the scanner", " do you recognise",
                                                                                                     " did they examine", " is it", " do these pixels show", " is that", " appears here", " lies before us", " is on display"}, random) :
        pickWord({"where in ", "whereabouts in ", "at what level of ", "in which area of "}, random) + whole + pickWord({" are we", " was this taken", " is this slice", " does this come from", " does this belong"}, random);
}

std::string whatQuestion(Random& random)
{
    if (random.chance(0.07)) {
        return punctuated(finished(composedRegion(random), random), random);
    }
    if (random.chance(0.12)) {
        return punctuated(finished(composedWhat(random), random), random);
    }
    if (random.chance(0.5)) {
        return punctuated(finished(pick(whatForms(), random), random), random);
    }
    const std::string thing = pickWord({"image", "scan", "picture", "slice", "view", "CT", "study", "image here"}, random);
    const std::string form = pickWord({"what can be seen in this {T}", "can you describe what's in the {T}", "what does the {T} depict", "what is displayed in the {T}", "can you identify what's shown here", "what is illustrated in this {T}",
                                          "what's visible in the {T}", "can you tell me what's in the {T}", "what does the {T} show", "what does this {T} show", "what is represented in the {T}", "what's in the {T}", "what's shown here",
                                          "what do you see", "what's this", "what's depicted", "what's visible", "what is it", "what is in this {T}", "describe this {T}", "describe the {T} in detail", "what structures are visible",
                                          "what is shown in this {T}", "what do you see in this {T}", "what do you see on this {T}", "what can you see", "what can you see here", "describe what you see", "tell me about this {T}", "what is this",
                                          "explain this {T}", "which structures can be seen", "which organs are visible in this {T}", "what anatomy is shown", "which anatomy do you recognize", "describe the {T}", "describe it",
                                          "please describe this {T}", "please describe what this {T} shows", "could you describe this {T}", "could you explain what I see here", "what am I looking at", "what are we looking at",
                                          "what do we see here", "what do we see in this {T}", "name the structures", "name what you see", "list what is visible", "list the structures in this {T}", "give me an overview",
                                          "give me an overview of this {T}", "give a description of the {T}", "give me a description", "I want to know what is in this {T}", "tell me what you see", "tell me what this {T} shows",
                                          "what tissues are there", "which tissues do you see", "what parts of the body are shown", "what is on the {T}", "what is going on in this {T}", "show me what is in this {T}", "what is seen here",
                                          "put this {T} into words", "condense what is here", "give the gist of this {T}", "in one line, what have we got", "tell me briefly what this {T} holds", "wrap this {T} up for me", "a short account of this {T}", "help me understand this {T}", "walk me through this {T}", "talk me through the {T}", "what are the structures in this {T}"}, random);
    return punctuated(finished(replaced(form, "{T}", thing), random), random);
}

std::string composedKind(Random& random)
{
    const auto one = [&] {
        return pickWord({"a CT", "an MRI", "CT", "MR", "an ultrasound", "an X-ray", "a radiograph", "a CT scan", "an MR image", "MRI", "a chest film", "a tomogram", "an axial slice", "a coronal slice", "a sagittal slice", "axial", "coronal", "sagittal",
                            "a CT slice", "a frontal view", "a lateral view", "an ultrasound scan", "transaxial", "horizontal", "a horizontal slice", "lengthwise", "cut across the body", "cut along the body", "an upright slice", "a cross-section",
                            "a lengthwise section", "transverse", "a transverse slice", "a longitudinal section"}, random);
    };
    const std::string thing = pickWord({"this", "it", "that", "this image", "the image", "this scan", "this slice", "what we see", "this one", "the present image", "what is shown"}, random);
    switch (random.below(7)) {
    case 0: return "is " + thing + " " + one() + ", " + one() + pickWord({" or another kind of image", " or none of them", " or neither", " or what else", " or some other method", " or another plane"}, random);
    case 1: return pickWord({"is ", "is ", "was "}, random) + thing + " " + one() + " or " + one() + pickWord({"", "", " or not", ", please", " in your opinion"}, random);
    case 2: return pickWord({"does this come from", "was this made with", "is this from", "did they use", "do I look at"}, random) + " " + pickWord({"a CT", "an MR", "an ultrasound", "an X-ray"}, random) + " " + pickWord({"scanner", "machine", "device", "unit"}, random) +
        pickWord({"", " or something different", " or another one", " or not"}, random);
    case 3: return pickWord({"am I right to call ", "am I correct in calling ", "may I call ", "may I take ", "should I call ", "would you call ", "do you call ", "do we call ", "can one call ", "was I right to call ", "is it wrong to call ", "would it be right to call ", "must one call ",
                                "do I rightly call ", "are we to call ", "have I rightly named "}, random) + thing + " " + one() + pickWord({"", "", " or not", " or something else", " or rather something else"}, random);
    case 4: return pickWord({"am I dealing with ", "have I opened ", "have I loaded ", "do I have before me ", "am I faced with ", "have we got here ", "do we have before us ", "was I sent ", "was I given ", "have they sent me ", "did I open "}, random) + one() +
        (random.chance(0.3) ? " or " + one() : pickWord({"", "", " or not", " here"}, random));
    case 5: return pickWord({"the label reads ", "the file name says ", "the worklist has it as ", "a friend takes it for ", "somebody wrote ", "the caption reads ", "the technician noted ", "my notes say ", "I was told it was ", "the sender calls it ", "the header claims ", "I had expected ", "I'd say ",
                                "I would call it ", "I take it for ", "I guess ", "the archive lists it as ", "they promised me ", "my list has "}, random) + one() +
        pickWord({", correct", ", does that fit", ". Do you agree", "; true", ", or is it not", ". Is it so", ", right or wrong", ". And you", "; does the picture agree", ", agreed", ". Was it", ", do you think so too", ", would you too"}, random);
    default: return pickWord({"CT or MR", "CT or MRI", "MRI or CT", "X-ray or CT", "axial or coronal", "sagittal or coronal", "ultrasound or MRI", "CT, MRI or ultrasound"}, random) + pickWord({"", " here", ", which one", ", what do you think", ": which is it"}, random);
    }
}

std::string kindQuestion(Random& random)
{
    if (random.chance(0.5)) {
        return punctuated(finished(pick(kindForms(), random), random), random);
    }
    if (random.chance(0.4)) {
        return punctuated(finished(composedKind(random), random), random);
    }
    if (random.chance(0.5)) {
        const std::string asked = pickWord({"the modality", "the plane", "the modality and the plane", "the imaging method", "the orientation", "the kind of examination", "the imaging technique", "the type of scan", "the viewing plane",
                                               "the method and the plane", "the slice orientation"}, random);
        const std::string clause = pickWord({"which modality this is", "which plane this is", "what kind of image this is", "what kind of scan this is", "what sort of examination this is", "how this was acquired", "in which plane this was cut",
                                                "how this slice is oriented", "which imaging method was used", "whether this is CT or MR", "if this is a CT", "if this is an MRI or a CT", "what modality and plane these are",
                                                "if this slice is axial or coronal", "with which technique this was made", "along which anatomical plane this was taken", "in what direction the body was cut", "which of the three planes this is", "what plane the section lies in"}, random);
        const std::string form = pickWord({"tell me {A}{P}", "tell me {C}", "please tell me {A}{P}", "please tell me {C}", "can you tell me {C}", "could you say {C}", "do you know {C}", "name {A}{P}", "please name {A}{P}", "state {A}{P}",
                                              "give me {A}{P}", "I would like to know {C}", "I want to know {A}{P}", "I wonder {C}", "what is {A}{P}", "what is {A} here", "can you see {C}", "determine {A}{P}", "identify {A}{P}", "{A}{P}",
                                              "for my students: {C}", "say {C}", "explain {C}", "can you recognize {A}{P}", "first of all, {A}"}, random);
        const std::string place = pickWord({"", " of this scan", " of this view", " of this slice", " of the image", " of the study", " please"}, random);
        return punctuated(finished(replaced(replaced(replaced(form, "{A}", asked), "{C}", clause), "{P}", place), random), random);
    }
    return listed(random, {"which modality is this?", "what modality is this?", "what kind of image is this?", "what type of scan is this?", "which plane is this?", "what plane is shown?", "is this a CT or an MRI?",
                              "is this axial, sagittal or coronal?", "what imaging modality was used?", "name the modality and the plane.", "in which plane is this slice?", "is this a CT?", "is this an MRI?", "is this an X-ray?",
                              "which orientation does this slice have?", "what imaging technique is this?", "what modality and plane is this", "which view is this?", "tell me the modality and plane of this view.",
                              "which modality and plane is this?", "what is the modality?", "what is the plane?", "is this slice axial?", "is this a coronal slice?", "is this a sagittal view?", "how was this image made?", "what sort of scan is it?",
                              "what kind of scan am I looking at?", "which imaging method is this?", "modality?", "plane?", "modality and plane please", "is it CT or MR?", "is that a radiograph?", "which kind of study is this?",
                              "how is this slice oriented?", "along which plane is this cut?", "is this an ultrasound image?", "what projection is this?", "in what anatomical plane was the section made?", "what plane does the section lie in?", "which of the planes is it?", "in which direction was the patient cut?",
                              "which anatomical plane do I see?", "what cutting plane was used?"});
}

std::string identityQuestion(Random& random)
{
    if (random.chance(0.5)) {
        return punctuated(finished(pick(identityForms(), random), random), random);
    }
    if (random.chance(0.4)) {
        const std::string what = pickWord({"able to diagnose", "certified for patients", "licensed", "meant for the clinic", "approved by anybody", "permitted to write reports", "good enough for a hospital", "supposed to replace a radiologist",
                                              "a medical product", "trained by doctors", "a language model", "some kind of robot", "a person", "the same as the big models", "just a demonstration", "qualified to judge this", "reliable"}, random);
        const std::string doing = pickWord({"diagnose patients", "use your answers in a report", "rely on what you say", "treat patients with your help", "replace a reading with your answers", "trust a small model", "show your answers to a doctor",
                                               "make a diagnosis with you"}, random);
        const std::string thing = pickWord({"type of software", "kind of tool", "sort of assistant", "kind of program", "type of model", "sort of network", "kind of AI"}, random);
        const std::string form = pickWord({"are you {W}", "are you really {W}", "you are {W}, aren't you", "may I {D}", "can one {D}", "is it safe to {D}", "should I {D}", "do people {D}", "what {T} is this", "which {T} are you",
                                              "what {T} do I use here", "what {T} answers me", "with what {T} do I talk", "who is it that answers here", "please say a few words about yourself", "what should I know about you", "can you diagnose",
                                              "do you give diagnoses", "do you know what you are doing", "what do you call yourself"}, random);
        return punctuated(finished(replaced(replaced(replaced(form, "{W}", what), "{D}", doing), "{T}", thing), random), random);
    }
    if (random.chance(0.5)) {
        const std::string clause = pickWord({"who you are", "what you are", "what you can do", "which model you are", "what kind of model this is", "who I talk to", "what your purpose is", "how reliable you are", "what your limits are",
                                                "whether you are a doctor", "what sort of assistant answers me", "whom I am dealing with", "if I may trust you", "what you were made for", "which program answers here", "how you work", "whether your answers are certified"}, random);
        const std::string form = pickWord({"tell me {C}", "please tell me {C}", "can you tell me {C}", "could you explain {C}", "explain {C}", "say {C}", "I would like to know {C}", "I want to know {C}", "do you know {C}",
                                              "before we start: {C}", "describe yourself and {C}", "let me know {C}", "I wonder {C}"}, random);
        return punctuated(finished(replaced(form, "{C}", clause), random), random);
    }
    return listed(random, {"who are you?", "what are you?", "which model are you?", "what is your name?", "are you a real radiologist?", "can I rely on your answers?", "are you a demo?", "can I use this for diagnosis?",
                              "who made you?", "what can you do?", "help", "what model is this?", "which version are you?", "hello", "hi", "how do you work?", "can I trust you?", "introduce yourself.", "what are your limits?",
                              "what are you able to do?", "how can you help me?", "what should I ask you?", "are you a doctor?", "are you certified?", "is this a medical device?", "who am I talking to?", "good morning", "hey there"});
}

std::string composedHard(Random& random)
{
    const std::string judgement = pickWord({"diagnosis", "diagnosis", "diagnosis", "differential diagnosis", "conclusion", "assessment", "prognosis", "opinion", "interpretation", "verdict", "judgement", "report", "summary of the findings", "finding", "second opinion"}, random);
    switch (random.below(5)) {
    case 0: return pickWord({"", "please ", "can you ", "could you ", "I want you to ", "I need you to ", "try to ", "help me to "}, random) + pickWord({"give", "state", "propose", "name", "formulate", "offer", "suggest", "write down", "settle on", "come to", "arrive at", "find",
                                                                                                                                                     "think of", "tell me", "reach", "establish", "confirm"}, random) + " " + pickWord({"a", "the", "your", "one", "the most probable", "my"}, random) + " " + judgement + pickWord({"", "", " for this patient", " of this case", " here"}, random);
    case 1: return pickWord({"what is", "tell me", "do you know", "give me", "can you read", "I would like to know", "state"}, random) + " " + pickWord({"the patient's", "this patient's", "her", "his"}, random) + " " +
        pickWord({"name", "weight", "height", "birthday", "sex", "history", "address", "blood pressure", "temperature", "blood group", "hospital number", "occupation", "date of birth", "year of birth", "gender", "insurance", "body weight"}, random);
    case 2: return pickWord({"should", "must", "can", "could", "shall", "may", "do you think that", "ought"}, random) + " " + pickWord({"we", "I", "the surgeon", "one", "the team", "they", "somebody"}, random) + " " +
        pickWord({"operate", "operate on him", "take a biopsy", "treat this", "stop the therapy", "begin a chemotherapy", "repeat the scan", "send him home", "admit her", "refer him to a specialist", "wait and see", "call the surgeon", "give antibiotics", "cancel the operation"}, random) + pickWord({"", " now", " at once", " in this case"}, random);
    case 3: return pickWord({"did it", "has it", "is it", "have they", "has the lesion", "has this", "did the finding", "are they"}, random) + " " + pickWord({"grow", "grown", "become smaller", "shrunk", "got worse", "improved", "progressed", "respond to the therapy", "stayed the same", "come back", "spread", "healing"}, random) +
        pickWord({"", " since the last scan", " compared with before", " since last year", " over time", " in comparison with the earlier study"}, random);
    default: return pickWord({"what is new", "what is different", "is there progression", "is there a difference", "is there regression", "compare this", "what did change", "is it stable", "which differences do you see"}, random) + " " +
        pickWord({"compared with the last scan", "since the earlier study", "compared with last year", "against the prior", "with the images of last month", "compared with the former examination", "since the operation", "since the therapy began"}, random);
    }
}

std::string hardQuestion(Random& random)
{
    if (random.chance(0.5)) {
        return punctuated(finished(pick(hardForms(), random), random), random);
    }
    if (random.chance(0.35)) {
        return punctuated(finished(composedHard(random), random), random);
    }
    if (random.chance(0.5)) {
        const std::string finding = pickWord({"fracture", "pneumonia", "tumor", "tumour", "bleeding", "pneumothorax", "infarct", "metastasis", "metastatic disease", "aneurysm", "abnormality", "enlarged lymph nodes", "hemorrhage",
                                                 "pleural effusion", "gallstones", "appendicitis", "cancer", "stroke", "embolism", "dissection", "stenosis", "infection", "edema", "fibrosis", "emphysema", "cirrhosis", "obstruction",
                                                 "ascites", "hydrocephalus", "disc herniation", "osteoporosis", "arthritis", "pancreatitis", "diverticulitis", "a malignant lesion", "cardiomegaly", "a bone marrow lesion", "any disease"}, random);
        return punctuated(finished(replaced(pickWord({"is there a {F}", "is there any {F}", "is there {F}", "does the patient have {F}", "does this patient suffer from {F}", "do you see signs of {F}", "could this be {F}", "is this {F}",
                                                         "can you rule out {F}", "any evidence of {F}", "are there signs of {F}", "how severe is the {F}", "is the {F} getting worse", "does this look like {F}", "check for {F}",
                                                         "look for signs of {F}", "how likely is {F}", "could there be {F}", "I am worried about {F}", "do we have to think of {F}", "is {F} possible", "how sure are you about {F}",
                                                         "has the {F} healed", "is it {F} or something else", "would that fit with {F}", "what do you think about {F} here"}, random), "{F}", finding), random), random);
    }
    return listed(random, {"is this cancer?", "what is the diagnosis?", "what is your diagnosis?", "what is the most likely diagnosis?", "write a report.", "write the report for this scan", "draft an impression", "dictate the findings",
                              "is this normal?", "what treatment is needed?", "how old is the patient?", "are there any findings?", "which disease is it?", "is the patient healthy?", "compare this with the prior study.", "what is the prognosis?",
                              "give me the findings and impression.", "what glioma grade is shown in the image?", "should this patient have surgery?", "what should we do next?", "is the patient a man or a woman?", "does this need a follow-up?",
                              "has it grown since last time?", "what stage is it?", "is it benign or malignant?", "what is the differential diagnosis?", "is there something wrong?", "does it look pathological?", "which drug should I give?",
                              "what caused this?", "summarize the findings.", "what is abnormal here?", "is biopsy needed?", "what is the patient's name?", "when was this scan made?", "which contrast agent was used?", "how many lesions are there?",
                              "what would you recommend?", "what do you make of it?", "do we need another scan?", "can the patient go home?", "which treatment would help?", "how bad is it?", "is it serious?", "should I be worried?",
                              "tell me what is wrong with him", "what does she suffer from?", "what illness could this be?", "interpret this for me", "give me your opinion.", "what does the radiologist say?", "is this urgent?",
                              "how much does the patient weigh?", "who is the patient?", "where was this made?", "which dose was given?", "grade this please", "is chemotherapy indicated?", "how long will he live?", "did the treatment work?",
                              "is it getting better?", "what changed?", "what should I write into the report?", "conclude.", "are the findings acute or old?", "what is the cause of the pain?", "please rule out anything dangerous"});
}

std::string someNameLike(const std::string& name, Random& random)
{
    const std::size_t kept = name.size() <= 4 || random.chance(0.5) ? name.size() : 4 + std::size_t(random.below(int(name.size()) - 4));
    const std::string invented = upper(someInventedName(random));
    const std::string ending = random.chance(0.5) ? invented.substr(0, std::size_t(1 + random.below(5))) :
        pickWord({"X", "O", "IN", "ARY", "LINE", "CORE", "WISE", "ON", "FLOW", "GRAPH", "LYZER", "KIT", "BOX", "EYE", "RAY", "DEEP", "PRIME", "ECHO", "3", "7", "9", "V2", "FORM", "TAG", "BASE", "ROI", "EDGE", "WORKS", "IS", "AL", "ERA", "IUM"}, random);
    return name.substr(0, kept) + ending;
}

std::string someCardName(Random& random)
{
    const double kind = random.uniform();
    std::string name;
    if (kind < 0.25) {
        // Few as they are: a name that is known by heart is said in place of those that begin as it does.
        const std::string known = pickWord({"VISTA3D", "BODYSEG", "ORGANS", "LUNGNET", "ANATOMY", "SEGNET", "CTSEG", "TISSUE", "ATLAS", "SCOUT", "MASKER", "TOTALSEG", "VISTA2D", "BRATS", "MRSEG", "XSEG", "UNET3D", "FINDER",
            "NODULES", "SKELETON1", "ABDO", "THORAX2", "DEEPSEG", "ORGANNET"}, random);
        return random.chance(0.3) ? known : someNameLike(known, random);
    }
    if (kind < 0.5) {
        for (int length = 3 + random.below(7); length > 0; --length) {
            name += char('A' + random.below(26));
        }
    } else if (kind < 0.75) {
        name = upper(someInventedName(random));
    } else {
        name = pickWord({"LUNG", "BONE", "NEURO", "SPINE", "PELVI", "BRAIN", "TUMOR", "NODE", "VESSEL", "ADIPO", "SKIN", "HEART", "RIB", "AORTA", "COLON", "HIP", "KNEE", "LOBE", "MUSCLE", "GLAND", "NERVE", "LESION", "SLICE", "TRUNK"}, random);
        name += pickWord({"NET", "SEG", "MAP", "NER", "MASK", "AI", "MODEL", "TOOL", "FIND", "LAB", "SCAN", "PRO", "CUT", "QUANT", "PAINT", "FORMER", "LINE"}, random);
    }
    return random.chance(0.25) ? name + char('0' + random.below(10)) : name;
}

std::string someCardOverview(Random& random)
{
    return pickWord({"segmentation of organs", "pre-trained model for anatomy", "deep network trained on many scans", "interactive foundation model", "classical image processing", "model for research use",
        "segments common structures", "A pre-trained model for volumetric (3D) segmentation"}, random);
}

std::string someCardAccuracy(Random& random)
{
    return pickWord({"0.79 Dice on average", "Good accuracy", "Average: 0.8518", "not measured", "0.9 Dice", "high"}, random);
}

} // namespace hf::assistant::train
