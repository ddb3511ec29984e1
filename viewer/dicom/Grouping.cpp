#include "viewer/dicom/Grouping.h"

#include "viewer/dicom/StackGeometry.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

namespace hf::dicom {

namespace {

/// One image with what grouping needs of it.
struct Candidate {
    const Header* header;
    int frame;
    const FrameHeader& description() const { return header->frames[std::size_t(frame)]; }
    bool isColor() const { return header->pixels.isColor() || description().supplement == Supplement::Colors; }
};

/// As it is compared: without what writers add and leave out.
std::string plainName(const std::string& name)
{
    std::string plain;
    for (const char c : name) {
        if (c != '^' && c != ' ' && c != '=' && c != '.' && c != ',') {
            plain += char(std::toupper(static_cast<unsigned char>(c)));
        }
    }
    return plain;
}

/// Pixel spacings, which differ by rounding: those that are nearly the same have one number.
class SpacingKinds {
public:
    std::size_t kindOf(const std::array<double, 2>& spacing)
    {
        const auto isSame = [&](const std::array<double, 2>& known) {
            return std::abs(known[0] - spacing[0]) <= 1e-3 * spacing[0] && std::abs(known[1] - spacing[1]) <= 1e-3 * spacing[1];
        };
        const auto found = std::find_if(m_known.begin(), m_known.end(), isSame);
        if (found == m_known.end()) {
            m_known.push_back(spacing);
            return m_known.size();
        }
        return std::size_t(found - m_known.begin()) + 1;
    }

private:
    std::vector<std::array<double, 2>> m_known;
};

/// Images with different keys are never one volume. Orientations are compared apart from it: they differ by rounding.
/// @param areFramesKnown  frames of reference tell systems of coordinates apart.
std::string splitKey(const Candidate& c, SpacingKinds& spacings, bool areFramesKnown)
{
    const FrameHeader& f = c.description();
    std::string key = std::to_string(c.header->pixels.rows) + "x" + std::to_string(c.header->pixels.columns) + "|" + std::to_string(c.header->pixels.samples) + "|" + f.group;
    if (f.spacingMm) {
        key += "|" + std::to_string(spacings.kindOf(*f.spacingMm));
    }
    // ORIGINAL\PRIMARY, DERIVED ... : what kind of picture it is. See kindWord().
    for (std::size_t n = 0; n < std::min<std::size_t>(c.header->imageType.size(), 2); ++n) {
        key += "|" + c.header->imageType[n];
    }
    key += "|" + c.header->pixels.photometric;
    key += c.isColor() ? "|color" : "";
    // Never two patients in one picture, whatever the UIDs say; nor two systems of coordinates in one volume.
    key += "|" + c.header->patient.id + "|" + plainName(c.header->patient.name) + "|" + (areFramesKnown && f.orientation && f.position ? c.header->frameOfReferenceUid : std::string());
    const Header& h = *c.header;
    if (isMammography(h.modality)) {
        // The views of both breasts may stand in one series; each has its own place on the screen.
        key += "|" + h.text.laterality + "|" + h.text.viewPosition;
    }
    if (isProjection(h.modality)) {
        key += "|" + h.patientOrientation[0] + "|" + h.patientOrientation[1];   // of the letters at the sides
    }
    return key;
}

/// Third value of Image Type (0008,0008): LOCALIZER, MPR, the kind of an MR image ... (PS3.3 C.8.2.1.1.1, C.8.3.1.1.1).
std::string kindWord(const Candidate& c) { return c.header->imageType.size() > 2 ? c.header->imageType[2] : std::string(); }

/// Words that tell nothing about what the values mean; some writers give one of them to most slices of a stack and another one to the rest.
bool isPlainWord(const std::string& word) { return word.empty() || word == "AXIAL" || word == "OTHER"; }

std::string orientationName(const Candidate& c)
{
    const auto& axes = c.description().orientation;
    if (!axes) {
        return {};
    }
    const Vec3 n = cross((*axes)[0], (*axes)[1]);
    const double x = std::abs(n.x), y = std::abs(n.y), z = std::abs(n.z);
    return z >= x && z >= y ? "axial" : x >= y ? "sagittal" : "coronal";
}

double placeOf(const Candidate& c)
{
    const FrameHeader& f = c.description();
    return f.position && f.orientation ? dot(*f.position - PointLps{}, cross((*f.orientation)[0], (*f.orientation)[1])) : 0;
}

bool comesBefore(const Candidate& a, const Candidate& b)
{
    const auto key = [](const Candidate& c) { return std::tuple(c.description().timeIndex, c.header->acquisitionNumber, c.description().order, c.header->instanceNumber, c.frame); };
    return key(a) < key(b);
}

bool isParallel(const Candidate& a, const Candidate& b)
{
    constexpr double kRounding = 2e-3;  // a tenth of a degree
    const auto &x = a.description().orientation, &y = b.description().orientation;
    if (!x || !y) {
        return !x && !y;
    }
    return length((*x)[0] - (*y)[0]) < kRounding && length((*x)[1] - (*y)[1]) < kRounding;
}

std::vector<std::vector<Candidate>> splitOrientations(const std::vector<Candidate>& list)
{
    std::vector<std::vector<Candidate>> parts;
    for (const Candidate& c : list) {
        const auto same = std::find_if(parts.begin(), parts.end(), [&](const auto& part) { return isParallel(part.front(), c); });
        if (same == parts.end()) {
            parts.push_back({c});
        } else {
            same->push_back(c);
        }
    }
    return parts;
}

bool isPlaced(const std::vector<Candidate>& list)
{
    return std::all_of(list.begin(), list.end(), [](const Candidate& c) { return c.description().position && c.description().orientation; });
}

/// Images nearer to each other than this lie at one place: repeats of a slice differ by rounding.
double toleranceOf(const std::vector<Candidate>& list)
{
    const double spacing = list.front().header->sliceSpacingMm;
    const auto& pixel = list.front().description().spacingMm;
    const auto [low, high] = std::minmax_element(list.begin(), list.end(), [](const Candidate& a, const Candidate& b) { return placeOf(a) < placeOf(b); });
    // Slices may be thicker than they lie apart.
    const double most = std::clamp(0.2 * (placeOf(*high) - placeOf(*low)) / double(list.size()), 1e-3, 0.1);
    return std::clamp(spacing > 0 ? 0.1 * spacing : pixel ? 0.05 * std::min((*pixel)[0], (*pixel)[1]) : 0.01, 1e-3, most);
}

/// Stacks with a wide space between them, in order along the normal. One when there is none, or when all images lie far apart.
std::vector<std::vector<Candidate>> splitStacks(std::vector<Candidate> list)
{
    if (list.size() < 4 || !isPlaced(list)) {
        return {std::move(list)};
    }
    std::stable_sort(list.begin(), list.end(), [](const Candidate& a, const Candidate& b) { return placeOf(a) < placeOf(b); });
    std::vector<double> gaps;
    const double tolerance = toleranceOf(list);
    for (std::size_t n = 1; n < list.size(); ++n) {
        if (const double gap = placeOf(list[n]) - placeOf(list[n - 1]); gap > tolerance) {
            gaps.push_back(gap);
        }
    }
    if (gaps.size() < 3) {
        return {std::move(list)};
    }
    std::nth_element(gaps.begin(), gaps.begin() + std::ptrdiff_t(gaps.size() / 2), gaps.end());
    constexpr double kWide = 10;        // slices that a stack may miss and still be one
    const double most = kWide * gaps[gaps.size() / 2];
    std::vector<std::vector<Candidate>> stacks{{list.front()}};
    for (std::size_t n = 1; n < list.size(); ++n) {
        if (placeOf(list[n]) - placeOf(list[n - 1]) > most) {
            stacks.emplace_back();
        }
        stacks.back().push_back(list[n]);
    }
    return stacks;
}

std::map<long, std::vector<Candidate>> byPlace(const std::vector<Candidate>& list)
{
    std::vector<Candidate> sorted = list;
    std::stable_sort(sorted.begin(), sorted.end(), [](const Candidate& a, const Candidate& b) { return placeOf(a) < placeOf(b); });
    const double tolerance = list.empty() ? 0 : toleranceOf(list);
    std::map<long, std::vector<Candidate>> places;
    long number = 0;
    for (std::size_t n = 0; n < sorted.size(); ++n) {
        number += n > 0 && placeOf(sorted[n]) - placeOf(sorted[n - 1]) > tolerance;
        places[number].push_back(sorted[n]);
    }
    return places;
}

/// How many lists byPlace() makes.
std::size_t countPlaces(const std::vector<Candidate>& list)
{
    std::vector<double> places(list.size());
    std::transform(list.begin(), list.end(), places.begin(), placeOf);
    std::sort(places.begin(), places.end());
    const double tolerance = list.empty() ? 0 : toleranceOf(list);
    std::size_t count = std::min<std::size_t>(1, places.size());
    for (std::size_t n = 1; n < places.size(); ++n) {
        count += places[n] - places[n - 1] > tolerance;
    }
    return count;
}

bool isOneOfEach(const std::vector<Candidate>& list) { return countPlaces(list) == list.size(); }

/// Parallel slices, one of each place, on one even grid; some may be missing.
bool areOnOneGrid(const std::vector<Candidate>& list)
{
    if (!isPlaced(list) || splitOrientations(list).size() > 1 || !isOneOfEach(list)) {
        return false;
    }
    std::vector<PointLps> positions;
    for (const Candidate& c : list) {
        positions.push_back(*c.description().position);
    }
    const StackPlan plan = planStack(positions, *list.front().description().orientation, list.front().header->sliceSpacingMm);
    return std::all_of(plan.notes.begin(), plan.notes.end(), [](const Note& note) { return note.code == "missing-slices" || note.code == "tilt"; });
}

/// Images that differ in the third value of Image Type are apart, but for slices of one stack whose words say nothing.
std::vector<std::vector<Candidate>> joinPlainWords(const std::map<std::string, std::vector<Candidate>>& byWord)
{
    std::vector<std::vector<Candidate>> apart, plain;
    std::vector<Candidate> joined;
    for (const auto& [word, list] : byWord) {
        (isPlainWord(word) ? plain : apart).push_back(list);
        if (isPlainWord(word)) {
            joined.insert(joined.end(), list.begin(), list.end());
        }
    }
    if (plain.size() > 1 && areOnOneGrid(joined)) {
        plain = {std::move(joined)};
    }
    std::move(plain.begin(), plain.end(), std::back_inserter(apart));
    return apart;
}

/// Numbers of some scanners differ a little from slice to slice of one volume.
bool isAlike(const Trait& a, const Trait& b)
{
    constexpr double kRounding = 5e-3;
    return a == b || (a.number != 0 && b.number != 0 && std::abs(a.number - b.number) <= kRounding * std::max(std::abs(a.number), std::abs(b.number)));
}

/// One list for each value, in their order; values that are alike are one.
template <typename ValueOf> std::vector<std::vector<Candidate>> groupsBy(const std::vector<Candidate>& list, const ValueOf& valueOf)
{
    std::map<Trait, std::vector<Candidate>> values;
    for (const Candidate& c : list) {
        values[valueOf(c)].push_back(c);
    }
    std::vector<std::vector<Candidate>> groups;
    const Trait* last = nullptr;
    for (const auto& [value, images] : values) {
        if (!last || !isAlike(*last, value)) {
            groups.emplace_back();
        }
        groups.back().insert(groups.back().end(), images.begin(), images.end());
        last = &value;
    }
    return groups;
}

/// By something that tells images of one place apart: one list for each value, where each covers half of the places at least; else the list as it is.
std::vector<std::vector<Candidate>> splitByTrait(const std::vector<Candidate>& list, std::size_t trait)
{
    const std::size_t places = countPlaces(list);
    std::vector<std::vector<Candidate>> parts;
    for (std::vector<Candidate>& images : groupsBy(list, [trait](const Candidate& c) { return c.description().traits[trait]; })) {
        const std::size_t covered = countPlaces(images);
        if (covered < 2 || covered * 2 < places) {
            return {list};
        }
        parts.push_back(std::move(images));
    }
    return parts;
}

/// By a number that tells acquisitions apart, where no place comes twice with the same number; empty when it does not.
std::vector<std::vector<Candidate>> splitByNumber(const std::vector<Candidate>& list, double (*numberOf)(const Candidate&))
{
    std::map<double, std::vector<Candidate>> groups;
    for (const Candidate& c : list) {
        groups[numberOf(c)].push_back(c);
    }
    const std::size_t places = countPlaces(list);
    std::vector<std::vector<Candidate>> parts;
    for (auto& [number, images] : groups) {
        // The last pass may have been stopped.
        const bool isLast = parts.size() + 1 == groups.size() && (images.size() > 1 || groups.size() > 2);
        if (!isOneOfEach(images) || (!isLast && (images.size() < 2 || images.size() * 2 < places))) {
            return {};
        }
        parts.push_back(std::move(images));
    }
    return parts.size() > 1 ? parts : std::vector<std::vector<Candidate>>();
}

/// One list for each value, where each goes through half of the whole region at least; empty where one does not: then they lie behind each other.
template <typename ValueOf> std::vector<std::vector<Candidate>> splitWholes(const std::vector<Candidate>& list, const ValueOf& valueOf)
{
    const auto extent = [](const std::vector<Candidate>& images) {
        const auto [low, high] = std::minmax_element(images.begin(), images.end(), [](const Candidate& a, const Candidate& b) { return placeOf(a) < placeOf(b); });
        return placeOf(*high) - placeOf(*low);
    };
    const double whole = extent(list);
    std::vector<std::vector<Candidate>> parts = groupsBy(list, valueOf);
    const bool areWhole = std::all_of(parts.begin(), parts.end(), [&](const auto& images) { return images.size() > 1 && extent(images) * 2 >= whole; });
    return areWhole ? parts : std::vector<std::vector<Candidate>>();
}

/// Passes of one region whose slices lie between each other's: by what tells them apart; one list where nothing does.
/// By acquisition numbers alone only where slices as thick as these cannot lie so close in one pass.
std::vector<std::vector<Candidate>> splitInterleaved(const std::vector<Candidate>& list)
{
    const auto [low, high] = std::minmax_element(list.begin(), list.end(), [](const Candidate& a, const Candidate& b) { return placeOf(a) < placeOf(b); });
    const double mean = (placeOf(*high) - placeOf(*low)) / double(list.size() - 1);
    const auto split = [&](const auto& valueOf) { return splitWholes(list, valueOf); };
    for (std::size_t trait = 0; trait < kTraitKinds; ++trait) {
        if (auto parts = split([trait](const Candidate& c) { return c.description().traits[trait]; }); parts.size() > 1) {
            return parts;
        }
    }
    if (auto parts = split([](const Candidate& c) { return Trait{double(c.description().timeIndex), {}}; }); parts.size() > 1) {
        return parts;
    }
    if (list.front().header->sliceSpacingMm > 1.5 * mean) {
        if (auto parts = split([](const Candidate& c) { return Trait{double(c.header->acquisitionNumber), {}}; }); parts.size() > 1) {
            return parts;
        }
    }
    return {list};
}

/// The first image of each place, the second ones ... by what tells acquisitions apart, then by a clock, then by their numbers.
std::vector<std::vector<Candidate>> rankedBy(std::map<long, std::vector<Candidate>> places, std::size_t repeats, double (*clock)(const Candidate&))
{
    const auto key = [clock](const Candidate& c) { return std::tuple(c.description().timeIndex, c.header->acquisitionNumber, c.description().order, clock(c), c.header->instanceNumber, c.frame); };
    std::vector<std::vector<Candidate>> parts(repeats);
    for (auto& [place, images] : places) {
        std::stable_sort(images.begin(), images.end(), [&](const Candidate& a, const Candidate& b) { return key(a) < key(b); });
        for (std::size_t n = 0; n < images.size(); ++n) {
            parts[n].push_back(images[n]);
        }
    }
    return parts;
}

/// Each pass ends before the next one begins.
bool areBehindEachOther(const std::vector<std::vector<Candidate>>& passes, double (*clock)(const Candidate&))
{
    const auto isEarlier = [clock](const Candidate& a, const Candidate& b) { return clock(a) < clock(b); };
    for (std::size_t n = 1; n < passes.size(); ++n) {
        const auto last = std::max_element(passes[n - 1].begin(), passes[n - 1].end(), isEarlier), first = std::min_element(passes[n].begin(), passes[n].end(), isEarlier);
        if (!isEarlier(*last, *first)) {
            return false;
        }
    }
    return true;
}

/// Images at the same places several times over that differ in nothing but when they were taken: one list per time point. One list when they do not.
std::vector<std::vector<Candidate>> splitTimePoints(std::vector<Candidate> list)
{
    std::map<long, std::vector<Candidate>> places = byPlace(list);
    if (places.size() < 2 || places.size() == list.size()) {
        return {std::move(list)};
    }
    double (*const numbersOf[])(const Candidate&) = {[](const Candidate& c) { return double(c.description().timeIndex); },
        [](const Candidate& c) { return double(c.header->acquisitionNumber); }, [](const Candidate& c) { return c.description().order; }};
    for (const auto numberOf : numbersOf) {
        if (auto parts = splitByNumber(list, numberOf); !parts.empty()) {
            return parts;
        }
    }
    // Equally many at each place, or one less where the last pass was stopped. A few images that came twice are none of it.
    std::size_t repeats = 0, full = 0;
    for (const auto& [place, images] : places) {
        repeats = std::max(repeats, images.size());
    }
    bool regular = repeats > 1;
    for (const auto& [place, images] : places) {
        regular = regular && images.size() + 1 >= repeats;
        full += images.size() == repeats;
    }
    if (!regular || (repeats == 2 && full * 2 < places.size())) {
        return {std::move(list)};
    }
    double (*const clocks[])(const Candidate&) = {[](const Candidate& c) { return c.description().secondsOfDay; }, [](const Candidate& c) { return double(c.header->instanceNumber); },
        [](const Candidate& c) { return c.description().contentSeconds; }};
    for (const auto clock : clocks) {
        if (auto parts = rankedBy(places, repeats, clock); areBehindEachOther(parts, clock)) {
            return parts;
        }
    }
    return rankedBy(places, repeats, clocks[0]);
}

/// Images at the same places several times over: one list for each echo, diffusion weighting, energy, kind, time point ... One list when they are not.
std::vector<std::vector<Candidate>> splitRepeats(std::vector<Candidate> list)
{
    // Many images of one place are one cine loop.
    const std::size_t places = isPlaced(list) ? countPlaces(list) : 0;
    if (places < 2) {
        return {std::move(list)};
    }
    if (places == list.size()) {
        return list.size() < 4 ? std::vector<std::vector<Candidate>>{std::move(list)} : splitInterleaved(list);
    }
    // Reconstructions of one region: thick slices are fewer than thin ones.
    std::vector<std::vector<Candidate>> parts = splitWholes(list, [](const Candidate& c) { return c.description().traits[std::size_t(TraitKind::Thickness)]; });
    if (parts.size() < 2) {
        parts = {std::move(list)};
    }
    for (std::size_t trait = 0; trait < kTraitKinds; ++trait) {
        std::vector<std::vector<Candidate>> finer;
        for (const std::vector<Candidate>& part : parts) {
            std::vector<std::vector<Candidate>> own = isOneOfEach(part) ? std::vector<std::vector<Candidate>>{part} : splitByTrait(part, trait);
            std::move(own.begin(), own.end(), std::back_inserter(finer));
        }
        parts = std::move(finer);
    }
    std::vector<std::vector<Candidate>> all;
    for (std::vector<Candidate>& part : parts) {
        std::vector<std::vector<Candidate>> own = splitTimePoints(std::move(part));
        std::move(own.begin(), own.end(), std::back_inserter(all));
    }
    return all;
}

/// What all images of a list have in common and the lists do not share: "b 1000", "TE 80 ms"; of lists that differ in none of it the number of the time point.
std::vector<std::string> namesOf(const std::vector<std::vector<Candidate>>& lists)
{
    const auto traitOf = [](const std::vector<Candidate>& list, std::size_t trait) -> const Trait& { return list.front().description().traits[trait]; };
    std::vector<std::string> names(lists.size());
    for (std::size_t trait = 0; trait < kTraitKinds; ++trait) {
        const bool isCommon = std::all_of(lists.begin(), lists.end(), [&](const auto& list) {
            return std::all_of(list.begin(), list.end(), [&](const Candidate& c) { return isAlike(c.description().traits[trait], traitOf(list, trait)); });
        });
        const bool differs = std::any_of(lists.begin(), lists.end(), [&](const auto& list) { return !isAlike(traitOf(list, trait), traitOf(lists.front(), trait)); });
        for (std::size_t n = 0; isCommon && differs && n < lists.size(); ++n) {
            const std::string& own = traitOf(lists[n], trait).name;
            names[n] += (names[n].empty() || own.empty() ? "" : ", ") + own;
        }
    }
    // Those that share a name differ in time.
    std::map<std::string, int> count, so;
    for (const std::string& name : names) {
        ++count[name];
    }
    for (std::string& name : names) {
        const std::string own = name;
        if (count[own] > 1) {
            name += (own.empty() ? "" : ", ") + ("time point " + std::to_string(++so[own]));
        }
    }
    return names;
}

/// What the values mean, and what a reader must know about that.
void describeUnit(Series& series, const std::vector<Candidate>& list)
{
    if (list.front().isColor()) {
        return;     // colours have none
    }
    const std::string& rescaleType = list.front().header->rescaleType;
    const bool isCapture = series.sopClassUid.rfind("1.2.840.10008.5.1.4.1.1.7", 0) == 0;     // Secondary Capture of some kind: a picture
    const auto& type = list.front().header->imageType;
    const bool isLocalizer = type.size() > 2 && type[2] == "LOCALIZER";
    if (series.modality == "CT" && !isCapture && !isLocalizer && list.front().header->hasRescale) {
        series.unit = rescaleType.empty() || rescaleType == "HU" || rescaleType == "US" ? Unit::Hu : Unit::None;
    } else if (series.modality == "RTDOSE") {
        series.notes.push_back({"dose", "Values are doses as the file gives them, usually Gy."});
    } else if (series.modality == "PT") {
        const auto without = std::find_if(list.begin(), list.end(), [](const Candidate& c) { return !(c.header->suv.factor > 0); });
        if (without == list.end()) {
            series.unit = Unit::Suv;
            series.valueFactor = list.front().header->suv.factor;
            series.notes.push_back({"suv", "Values are standardised uptake values by body weight (g/ml)."});
        } else {
            series.notes.push_back({"no-suv", "No standardised uptake values: the file does not give " + without->header->suv.missing + ". Values are as stored."});
        }
    }
}

void describe(Series& series, const std::vector<Candidate>& list)
{
    const Candidate& first = list.front();
    const Header& header = *first.header;
    const FrameHeader& frame = first.description();
    series.uid = header.seriesUid;
    series.studyUid = header.studyUid;
    series.frameOfReferenceUid = header.frameOfReferenceUid;
    series.sopClassUid = header.sopClassUid;
    series.modality = header.modality;
    series.patient = header.patient;
    series.text = header.text;
    series.rows = header.pixels.rows;
    series.columns = header.pixels.columns;
    series.windows = list[list.size() / 2].description().windows;
    series.patientOrientation = header.patientOrientation;
    series.isQuadruped = header.isQuadruped;
    if (frame.spacingMm) {
        series.spacingMm[0] = (*frame.spacingMm)[1];
        series.spacingMm[1] = (*frame.spacingMm)[0];
    }
    if (header.spacingSource == SpacingSource::None) {
        series.notes.push_back({"no-spacing", "The file gives no pixel spacing; 1 mm was assumed, lengths mean nothing."});
    }
    if (header.spacingSource == SpacingSource::UltrasoundRegions) {
        series.notes.push_back({"region-spacing", "The parts of the image have scales of their own; lengths beside them are pixels."});
    }
    if (header.spacingSource == SpacingSource::Imager) {
        series.notes.push_back({"imager-spacing", "The pixel spacing was measured at the detector, not in the patient."});
    }
    series.spacingMm[2] = header.sliceSpacingMm;
    if (!header.isMosaic) {
        series.orientation = frame.orientation;
    } else {
        series.notes.push_back({"mosaic", "Many slices lie side by side in each image; they are shown as stored."});
    }
    if (series.orientation) {
        const std::string name = orientationName(first);
        series.plane = planeFromString(name);
    }
    describeUnit(series, list);
    static const std::set<std::string> kSections{"CT", "MR", "PT", "NM", "RTDOSE"};
    if (!frame.orientation && kSections.contains(header.modality)) {
        series.notes.push_back({"no-geometry", "The file does not tell how the image lies in the patient; sides are not known."});
    }
    if (header.modality.empty()) {
        series.notes.push_back({"modality-unknown", "The file does not tell the modality."});
    }
    if (std::any_of(list.begin(), list.end(), [](const Candidate& c) { return c.description().supplement == Supplement::LeftOut; })) {
        series.notes.push_back({"colors-left-out", "Some images have colours of a supplemental palette, which are not shown: their highest values are no measured values."});
    }
}

/// Frames that no functional group describes are in no part of the series.
void noteUndescribed(Series& series, const std::vector<Candidate>& list)
{
    std::set<const Header*> headers;
    int missing = 0, frames = 0;
    for (const Candidate& c : list) {
        if (headers.insert(c.header).second) {
            missing += c.header->undescribedFrames();
            frames += c.header->pixels.frames;
        }
    }
    if (missing > 0) {
        series.notes.push_back({"undescribed-frames", "The file does not describe " + std::to_string(missing) + " of its " + std::to_string(frames) + " frames; they are not shown."});
    }
}

bool isVolume(const Series& series, const std::vector<Candidate>& list)
{
    static const std::set<std::string> kFlat{"US", "SC", "OT", "ES", "GM", "SM", "XC"};
    if (list.size() < 2 || !series.orientation || isProjection(series.modality) || kFlat.contains(series.modality) || list.front().header->pixels.samples > 1) {
        return false;
    }
    if (!isPlaced(list)) {
        return false;
    }
    const std::size_t places = countPlaces(list);
    // A few repeats are left out when it is read; a cine loop of one place is none, nor are a few slices far apart.
    if (places < 2 || places * 2 <= list.size()) {
        return false;
    }
    std::vector<PointLps> positions;
    for (const Candidate& c : list) {
        positions.push_back(*c.description().position);
    }
    const StackPlan plan = planStack(positions, *series.orientation, series.spacingMm[2]);
    // Colours are not resampled.
    if (list.front().isColor() && !plan.isStraight()) {
        return false;
    }
    // Two slices and a third one far away are no stack; of more, stacks were made before.
    double nearest = INFINITY, farthest = 0;
    for (std::size_t n = 1; n < plan.placesMm.size(); ++n) {
        nearest = std::min(nearest, plan.placesMm[n] - plan.placesMm[n - 1]);
        farthest = std::max(farthest, plan.placesMm[n] - plan.placesMm[n - 1]);
    }
    if (list.size() < 4 && farthest > 10 * nearest) {
        return false;
    }
    constexpr std::size_t kMostHidden = 10;     // of a hundred images
    return std::size_t(plan.slices) <= 3 * plan.order.size() + 2 && std::size_t(plan.hidden) * 100 <= kMostHidden * plan.order.size();
}

Series makeSeries(std::vector<Candidate> list)
{
    Series series;
    std::stable_sort(list.begin(), list.end(), comesBefore);
    describe(series, list);
    noteUndescribed(series, list);
    series.kind = isVolume(series, list) ? SeriesKind::Volume : list.size() > 1 ? SeriesKind::MultiImage : SeriesKind::SingleImage;
    if (series.kind == SeriesKind::Volume) {
        std::stable_sort(list.begin(), list.end(), [](const Candidate& a, const Candidate& b) { return placeOf(a) < placeOf(b); });
        std::vector<PointLps> positions;
        for (const Candidate& c : list) {
            positions.push_back(*c.description().position);
        }
        const StackPlan plan = planStack(positions, *series.orientation, series.spacingMm[2]);
        series.spacingMm[2] = plan.spacingMm;
        series.notes.insert(series.notes.end(), plan.notes.begin(), plan.notes.end());
    } else if (series.kind == SeriesKind::MultiImage) {
        series.notes.push_back({"frames", "The images are not shown as a volume; they are paged through in their order."});
    }
    series.framesPerSecond = list.front().header->framesPerSecond;
    series.subtraction = list.front().header->subtraction;
    if (series.subtraction && list.front().header->isLinearIntensity && list.front().header->modalityLut == 0) {
        series.notes.push_back({"linear-subtraction", "The frames hold intensities, not their logarithms: what is left after the subtraction depends on what lies behind."});
    }
    for (const Candidate& c : list) {
        const FrameHeader& frame = c.description();
        Image image{c.header->path, c.frame, c.header->sopInstanceUid, c.header->instanceNumber, std::nullopt, {}, {frame.slope, frame.intercept}, c.header->modalityLut};
        if (series.orientation && frame.position && frame.orientation) {
            const std::array<double, 2> spacing = frame.spacingMm.value_or(std::array{1.0, 1.0});
            image.position = frame.position;
            image.steps = {(*frame.orientation)[0] * spacing[1], (*frame.orientation)[1] * spacing[0]};
        }
        series.images.push_back(std::move(image));
    }
    return series;
}

struct Part {
    Series series;
    std::array<Trait, kTraitKinds> traits;      ///< Of its first image.
    std::string orientation;                    ///< "axial" ...
};

/// The parts of images that one volume could hold by their headers, named by what tells them apart.
void addParts(std::vector<Part>& parts, const std::vector<Candidate>& list)
{
    std::size_t stackNumber = 0;
    const std::vector<std::vector<Candidate>> stacks = splitStacks(list);
    for (const std::vector<Candidate>& stack : stacks) {
        ++stackNumber;
        const std::vector<std::vector<Candidate>> repeats = splitRepeats(stack);
        const std::vector<std::string> names = namesOf(repeats);
        for (std::size_t n = 0; n < repeats.size(); ++n) {
            Series part = makeSeries(repeats[n]);
            const auto& type = repeats[n].front().header->imageType;
            part.partName = isMammography(part.modality) ? part.text.laterality + " " + part.text.viewPosition : repeats.size() > 1 ? names[n] : stacks.size() > 1 ? "stack " + std::to_string(stackNumber)
                : type.size() > 2 && type[2] == "LOCALIZER"                          ? "localizer"
                                                                                     : orientationName(repeats[n].front());
            parts.push_back({std::move(part), repeats[n].front().description().traits, orientationName(repeats[n].front())});
        }
    }
}

/// Time points of several stacks: those that still share a name get that of their plane, or a number.
void nameByPlace(const std::vector<Part*>& alike)
{
    std::map<std::string, std::vector<Part*>> byName;
    for (Part* part : alike) {
        byName[part->series.partName].push_back(part);
    }
    for (auto& [name, same] : byName) {
        if (same.size() < 2 || name.empty() || same.front()->orientation == name) {
            continue;
        }
        const bool differ = std::any_of(same.begin(), same.end(), [&](const Part* part) { return part->orientation != same.front()->orientation; });
        for (std::size_t n = 0; n < same.size(); ++n) {
            const std::string own = differ ? same[n]->orientation : "stack " + std::to_string(n + 1);
            same[n]->series.partName += (own.empty() ? "" : ", ") + own;
        }
    }
}

/// Parts that headers keep apart may have one name: what differs between them is added.
void tellApart(std::vector<Part>& parts)
{
    std::map<std::string, std::vector<Part*>> byName;
    for (Part& part : parts) {
        byName[part.series.partName].push_back(&part);
    }
    for (auto& [name, alike] : byName) {
        bool isTold = false;
        for (std::size_t trait = 0; alike.size() > 1 && trait < kTraitKinds; ++trait) {
            const bool differs = std::any_of(alike.begin(), alike.end(), [&](const Part* part) { return !isAlike(part->traits[trait], alike.front()->traits[trait]); });
            // Bare indices say little.
            const bool isWorthy = differs && !(isTold && trait == std::size_t(TraitKind::Dimension));
            for (Part* part : alike) {
                const std::string& own = part->traits[trait].name;
                part->series.partName += isWorthy && !own.empty() ? (part->series.partName.empty() ? "" : ", ") + own : std::string();
            }
            isTold = isTold || differs;
        }
        nameByPlace(alike);
    }
}

/// Do frames of reference tell anything? Some de-identified series have a new one in each image.
bool areFramesOfReferenceKnown(const std::vector<const Header*>& headers)
{
    std::set<std::string> uids;
    std::size_t images = 0;
    for (const Header* header : headers) {
        uids.insert(header->frameOfReferenceUid);
        images += header->frames.size();
    }
    constexpr std::size_t kFewest = 4;  // images that say nothing about the others
    return images < kFewest || uids.size() * 2 <= images;
}

/// All parts of one series.
std::vector<Series> makeParts(const std::vector<const Header*>& headers)
{
    std::map<std::string, std::map<std::string, std::vector<Candidate>>> groups;
    SpacingKinds spacings;
    const bool areFramesKnown = areFramesOfReferenceKnown(headers);
    for (const Header* header : headers) {
        for (int frame = 0; frame < int(header->frames.size()); ++frame) {
            const Candidate image{header, frame};
            groups[splitKey(image, spacings, areFramesKnown)][kindWord(image)].push_back(image);
        }
    }
    std::vector<Part> found;
    for (const auto& [key, byWord] : groups) {
        for (const std::vector<Candidate>& list : joinPlainWords(byWord)) {
            for (const std::vector<Candidate>& parallel : splitOrientations(list)) {
                addParts(found, parallel);
            }
        }
    }
    tellApart(found);
    std::vector<Series> parts;
    for (Part& part : found) {
        parts.push_back(std::move(part.series));
        if (!areFramesKnown && parts.back().kind == SeriesKind::Volume) {
            parts.back().notes.push_back({"frames-of-reference", "The images name different frames of reference; they were taken for one by their positions."});
        }
    }
    // The largest first; equal ones by their first image.
    std::stable_sort(parts.begin(), parts.end(), [](const Series& a, const Series& b) {
        return a.images.size() != b.images.size() ? a.images.size() > b.images.size() : a.images[0].instanceNumber < b.images[0].instanceNumber;
    });
    for (std::size_t n = 0; n < parts.size(); ++n) {
        parts[n].part = int(n);
        parts[n].parts = int(parts.size());
        parts[n].key = parts[n].uid + (n == 0 ? "" : "#" + std::to_string(n + 1));
        if (parts.size() == 1) {
            parts[n].partName.clear();
        } else {
            parts[n].notes.push_back({"split", "The series holds images that cannot be one volume (patient, orientation, kind, place or time); this is part " +
                std::to_string(n + 1) + " of " + std::to_string(parts.size()) + (parts[n].partName.empty() ? "." : ", " + parts[n].partName + ".")});
        }
    }
    return parts;
}

bool seriesBefore(const Series& a, const Series& b)
{
    const auto number = [](const Series& s) { return s.text.seriesNumber.empty() ? 0L : std::strtol(s.text.seriesNumber.c_str(), nullptr, 10); };
    return std::tuple(number(a), a.uid, a.part) < std::tuple(number(b), b.uid, b.part);
}

void sortStudies(std::vector<Study>& studies)
{
    for (Study& study : studies) {
        std::stable_sort(study.series.begin(), study.series.end(), seriesBefore);
        study.patient = study.series.front().patient;
        study.text = study.series.front().text;
    }
    std::stable_sort(studies.begin(), studies.end(), [](const Study& a, const Study& b) {
        return std::tuple(a.patient.name, a.patient.id, a.text.studyDate, a.text.studyTime, a.uid) < std::tuple(b.patient.name, b.patient.id, b.text.studyDate, b.text.studyTime, b.uid);
    });
}

/// Files without a Series Instance UID are their own series; slices that have a place in the patient are one with those beside them.
std::string seriesWithoutUid(const Header& header)
{
    const bool isSlice = header.frames.size() == 1 && header.frames.front().position && header.frames.front().orientation;
    return isSlice ? "folder:" + header.path.parent_path().string() + "|" + header.modality + "|" + header.text.seriesNumber + "|" + header.text.seriesDescription : "file:" + header.path.string();
}

/// Study Instance UID and whose images they are: files without a UID, and those that share one by mistake, never make one study of two patients.
using StudyKey = std::pair<std::string, std::string>;

/// By the Patient ID, else by the name.
std::string whoOf(const Header& header) { return header.patient.id.empty() ? "^" + plainName(header.patient.name) : header.patient.id; }

/// A few letters for a text that is not told itself.
std::string mark(const std::string& text)
{
    std::uint64_t hash = 1469598103934665603ULL;    // FNV-1a
    for (const char c : text) {
        hash = (hash ^ std::uint8_t(c)) * 1099511628211ULL;
    }
    char letters[17];
    std::snprintf(letters, sizeof letters, "%016llx", static_cast<unsigned long long>(hash));
    return letters;
}

} // namespace

std::vector<Study> groupIntoStudies(std::vector<Header> headers)
{
    std::map<StudyKey, std::map<std::string, std::vector<const Header*>>> byStudy;
    std::map<std::string, std::set<StudyKey>> patients;
    for (const Header& header : headers) {
        const StudyKey key{header.studyUid, whoOf(header)};
        byStudy[key][header.seriesUid.empty() ? seriesWithoutUid(header) : header.seriesUid].push_back(&header);
        patients[header.studyUid].insert(key);
    }
    std::vector<Study> studies;
    std::set<std::string> keys;
    for (const auto& [key, bySeries] : byStudy) {
        Study& study = studies.emplace_back();
        study.uid = key.first.empty() || patients[key.first].size() > 1 ? key.first + "#" + mark(key.second) : key.first;
        for (const auto& [name, list] : bySeries) {
            for (Series& part : makeParts(list)) {
                if (part.uid.empty()) {
                    part.key = name;
                    part.key += part.part ? "#" : "";
                    part.key += part.part ? std::to_string(part.part + 1) : "";
                }
                // One Series Instance UID may stand in two studies, by mistake.
                for (int number = part.part + 2; !keys.insert(part.key).second; ++number) {
                    part.key = name + '#';
                    part.key += std::to_string(number);
                }
                part.studyUid = part.studyUid.empty() ? study.uid : part.studyUid;
                study.series.push_back(std::move(part));
            }
        }
    }
    sortStudies(studies);
    return studies;
}

void addSeries(std::vector<Study>& studies, Series series)
{
    Study study;
    study.uid = series.studyUid;
    study.text = series.text;
    study.series.push_back(std::move(series));
    studies.push_back(std::move(study));
}

bool isProjection(const std::string& modality)
{
    static const std::set<std::string> kProjections{"CR", "DX", "RG", "RF", "XA", "MG", "IO", "PX"};
    return kProjections.contains(modality);
}

bool isMammography(const std::string& modality) { return modality == "MG"; }

std::string toString(SeriesKind kind)
{
    return kind == SeriesKind::Volume ? "volume" : kind == SeriesKind::SingleImage ? "single-image" : "multi-image";
}

std::string PatientText::displayName() const
{
    std::vector<std::string> groups;
    for (std::size_t begin = 0; begin <= name.size();) {
        const std::size_t end = std::min(name.find('=', begin), name.size());
        std::string group = name.substr(begin, end - begin);
        const std::size_t caret = group.find('^');
        std::string family = group.substr(0, caret), rest = caret == std::string::npos ? "" : group.substr(caret + 1);
        std::replace(rest.begin(), rest.end(), '^', ' ');
        while (!rest.empty() && rest.back() == ' ') {
            rest.pop_back();
        }
        groups.push_back(family + (family.empty() || rest.empty() ? "" : ", ") + rest);
        begin = end + 1;
    }
    std::string text = groups.empty() ? "" : groups[0];
    for (std::size_t n = 1; n < groups.size(); ++n) {
        if (!groups[n].empty()) {
            text += text.empty() ? groups[n] : " (" + groups[n] + ")";
        }
    }
    return text;
}

const Series* ScanResult::findSeries(const std::string& keyOrUid) const
{
    const Series* byUid = nullptr;
    for (const Study& study : studies) {
        for (const Series& series : study.series) {
            if (series.key == keyOrUid) {
                return &series;
            }
            if (!byUid && series.uid == keyOrUid) {
                byUid = &series;
            }
        }
    }
    return byUid;
}

const Series* ScanResult::mainSeries() const
{
    const Series* best = nullptr;
    for (const Study& study : studies) {
        for (const Series& series : study.series) {
            const bool better = !best || (series.kind == SeriesKind::Volume && (best->kind != SeriesKind::Volume || series.images.size() > best->images.size()));
            best = better ? &series : best;
        }
    }
    return best;
}

} // namespace hf::dicom
