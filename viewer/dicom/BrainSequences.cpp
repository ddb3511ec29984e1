#include "viewer/dicom/BrainSequences.h"

#include "viewer/dicom/Tags.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <initializer_list>

namespace hf::dicom {

namespace {

std::string lower(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return text;
}

/// First value of the attribute, wherever it stands (functional groups of enhanced images too).
std::string valueOf(const std::vector<TagRow>& rows, const char* tag)
{
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const TagRow& one) { return one.tag == tag && !one.value.empty(); });
    return row == rows.end() ? std::string() : row->value;
}

bool holdsAny(const std::string& text, std::initializer_list<const char*> words)
{
    return std::any_of(words.begin(), words.end(), [&](const char* word) { return text.find(word) != std::string::npos; });
}

/// A word of its own: "+c", "gd", "ce" must not be found within other words.
bool holdsWord(const std::string& text, std::initializer_list<const char*> words)
{
    const auto isLetter = [&](std::size_t at) { return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])); };
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
        for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
            if ((at == 0 || !isLetter(at - 1)) && !isLetter(at + word.size())) {
                return true;
            }
        }
        return false;
    });
}

bool isSomethingElse(const SequenceFacts& facts)
{
    return holdsAny(facts.imageType, {"diffusion", "adc", "perfusion", "localizer", "mip", "projection", "phase map", "subtract"}) ||
        holdsWord(facts.description, {"dwi", "adc", "trace", "dti", "swi", "swan", "t2*", "gre", "perf", "dsc", "dce", "asl", "cbv", "cbf", "tof", "mra", "mip", "loc", "localizer", "scout", "survey", "spine", "b0", "b1000"}) ||
        holdsAny(facts.description, {"diffusion", "perfusion", "subtraction", "spectro"});
}

bool hasContrast(const SequenceFacts& facts)
{
    const std::string agent = lower(facts.agent);
    const bool isStated = !agent.empty() && !holdsWord(agent, {"no", "none", "n", "without"});
    // An agent given before a series that is called native was given for others of the study.
    const bool isDenied = holdsWord(facts.description, {"pre", "nativ", "native", "plain", "without", "w/o", "wo"});
    return !isDenied && (isStated || holdsWord(facts.description, {"+c", "c+", "gd", "gad", "post", "ce", "contrast", "km", "t1c", "t1ce", "t1gd", "mdc"}));
}

std::optional<BrainSequence> weighted(bool isT1, const SequenceFacts& facts)
{
    return isT1 ? hasContrast(facts) ? BrainSequence::T1Contrast : BrainSequence::T1 : BrainSequence::T2;
}

} // namespace

std::string toString(BrainSequence sequence)
{
    static const std::array<const char*, kBrainSequences> names{"T1c", "T1", "T2", "FLAIR"};
    return names[std::size_t(sequence)];
}

SequenceFacts readSequenceFacts(const Series& series)
{
    if (series.images.empty() || series.format != SeriesFormat::Dicom) {
        throw Error("the series has no DICOM images", "broken");
    }
    const std::vector<TagRow> rows = readTags(series.images[series.images.size() / 2].path);
    const auto number = [&](std::initializer_list<const char*> tags) {
        for (const char* tag : tags) {
            if (const double value = std::atof(valueOf(rows, tag).c_str()); value > 0) {
                return value;
            }
        }
        return 0.0;
    };
    SequenceFacts facts;
    facts.repetitionMs = number({"(0018,0080)"});
    facts.echoMs = number({"(0018,9082)", "(0018,0081)"});          // Effective Echo Time of enhanced images first
    facts.inversionMs = number({"(0018,0082)", "(0018,9079)"});
    facts.agent = valueOf(rows, "(0018,0010)");
    facts.description = lower(valueOf(rows, "(0008,103e)") + " " + valueOf(rows, "(0018,1030)"));
    facts.imageType = lower(valueOf(rows, "(0008,0008)"));
    return facts;
}

std::optional<BrainSequence> sequenceOf(const SequenceFacts& facts)
{
    if (isSomethingElse(facts)) {
        return {};
    }
    // Fluid is dark after a long inversion; a short one is that of fat (STIR), about a second that of a T1 (MPRAGE, T1 FLAIR).
    constexpr double kFluidMs = 1500, kFatMs = 300, kShortEchoMs = 35, kLongEchoMs = 65, kLongRepetitionMs = 1800;
    const bool saysFlair = holdsAny(facts.description, {"flair", "tirm", "dark fluid", "dark-fluid"}) && !holdsAny(facts.description, {"t1"});
    if (facts.echoMs > 0) {
        if (facts.echoMs >= kLongEchoMs && (facts.inversionMs >= kFluidMs || saysFlair)) {
            return BrainSequence::Flair;
        }
        if (facts.echoMs >= kLongEchoMs && facts.inversionMs < kFatMs && (facts.repetitionMs == 0 || facts.repetitionMs >= kLongRepetitionMs)) {
            return BrainSequence::T2;
        }
        const bool isInverted = facts.inversionMs > kFatMs && facts.inversionMs < kFluidMs;
        const bool isT1 = facts.echoMs <= kShortEchoMs && (isInverted || (facts.inversionMs == 0 && facts.repetitionMs > 0 && facts.repetitionMs < kLongRepetitionMs) || holdsWord(facts.description, {"t1", "mprage", "bravo", "t1w"}));
        // 3D turbo spin echo has an effective echo time of its own: what its name says counts then.
        return isT1 && !saysFlair && !holdsWord(facts.description, {"t2", "t2w"}) ? weighted(true, facts) : std::nullopt;
    }
    if (saysFlair) {
        return BrainSequence::Flair;
    }
    if (holdsWord(facts.description, {"t1", "t1w", "t1c", "t1ce", "t1gd", "mprage"})) {
        return weighted(true, facts);
    }
    return holdsWord(facts.description, {"t2", "t2w"}) ? weighted(false, facts) : std::nullopt;
}

std::array<std::vector<const Series*>, kBrainSequences> findBrainSequences(const Study& study)
{
    std::array<std::vector<const Series*>, kBrainSequences> found;
    for (const Series& series : study.series) {
        if (series.modality != "MR" || series.kind != SeriesKind::Volume) {
            continue;
        }
        try {
            if (const auto sequence = sequenceOf(readSequenceFacts(series))) {
                found[std::size_t(*sequence)].push_back(&series);
            }
        } catch (const Error&) {
            // Not chosen; the reader still can.
        }
    }
    const auto voxelMm3 = [](const Series* series) { return series->spacingMm[0] * series->spacingMm[1] * series->spacingMm[2]; };
    for (auto& list : found) {
        std::stable_sort(list.begin(), list.end(), [&](const Series* a, const Series* b) { return voxelMm3(a) < voxelMm3(b); });
    }
    return found;
}

} // namespace hf::dicom
