#include "viewer/dicom/Header.h"

#include "viewer/dicom/Attributes.h"
#include "viewer/dicom/DicomFileData.h"
#include "viewer/dicom/Text.h"
#include "viewer/volume/Error.h"

#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmdata/dcxfer.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <set>

namespace hf::dicom {

namespace {

// --- geometry of a frame ------------------------------------------------------------------------------------------------------------

std::optional<PointLps> parsePosition(DcmItem& item)
{
    const auto values = numbers(item, DCM_ImagePositionPatient);
    return values.size() == 3 ? std::optional(PointLps{values[0], values[1], values[2]}) : std::nullopt;
}

/// Unit vectors at a right angle, which writers round to two digits and more; empty when they are none (then nothing in the patient can be placed by them).
std::optional<std::array<Vec3, 2>> parseOrientation(DcmItem& item)
{
    const auto v = numbers(item, DCM_ImageOrientationPatient);
    if (v.size() != 6) {
        return std::nullopt;
    }
    const Vec3 row{v[0], v[1], v[2]}, column{v[3], v[4], v[5]};
    constexpr double kRounding = 0.02, kExact = 1e-3;
    if (std::abs(length(row) - 1) > kRounding || std::abs(length(column) - 1) > kRounding || std::abs(dot(row, column)) > kRounding) {
        return std::nullopt;
    }
    const Vec3 along = normalized(row), down = normalized(column);
    const double skew = dot(along, down);
    // What is missing to a right angle is shared by both.
    return std::abs(skew) <= kExact ? std::array{along, down} : std::array{normalized(along - down * (skew / 2)), normalized(down - along * (skew / 2))};
}

std::optional<std::array<double, 2>> parseSpacing(DcmItem& item, const DcmTagKey& tag)
{
    const auto values = numbers(item, tag);
    if (values.size() != 2 || !(values[0] > 0) || !(values[1] > 0)) {
        return std::nullopt;
    }
    return std::array{values[0], values[1]};
}

/// The different Physical Deltas of ultrasound regions that are lengths (PS3.3 C.8.5.5.1).
std::set<std::array<double, 2>> parseUltrasoundSpacings(DcmItem& dataset)
{
    constexpr int kCentimetres = 3;
    constexpr int kTissue = 1;
    std::set<std::array<double, 2>> found;
    DcmSequenceOfItems* regions = findSequence(dataset, DCM_SequenceOfUltrasoundRegions);
    for (DcmObject* object = regions ? regions->nextInContainer(nullptr) : nullptr; object; object = regions->nextInContainer(object)) {
        DcmItem& region = *static_cast<DcmItem*>(object);
        if (integer(region, DCM_RegionSpatialFormat) != kTissue || integer(region, DCM_PhysicalUnitsXDirection) != kCentimetres ||
            integer(region, DCM_PhysicalUnitsYDirection) != kCentimetres) {
            continue;
        }
        const auto x = findNumber(region, DCM_PhysicalDeltaX), y = findNumber(region, DCM_PhysicalDeltaY);
        if (!x || !y || *x == 0 || *y == 0) {
            continue;
        }
        found.insert({std::abs(*y) * 10, std::abs(*x) * 10});
    }
    return found;
}

/// Pixel Spacing, else what is known at the detector, else of the ultrasound region.
void parseFlatSpacing(DcmItem& dataset, Header& header, FrameHeader& frame)
{
    if ((frame.spacingMm = parseSpacing(dataset, DCM_PixelSpacing))) {
        // The same as at the detector and no word of a calibration: it is the one at the detector (PS3.3 10.7.1.3).
        const auto detector = parseSpacing(dataset, DCM_ImagerPixelSpacing);
        const bool isDetectors = isProjection(header.modality) && detector == frame.spacingMm && code(dataset, DCM_PixelSpacingCalibrationType).empty();
        header.spacingSource = isDetectors ? SpacingSource::Imager : SpacingSource::Patient;
    } else if ((frame.spacingMm = parseSpacing(dataset, DCM_ImagerPixelSpacing)) ||
               (frame.spacingMm = parseSpacing(dataset, DCM_NominalScannedPixelSpacing))) {
        header.spacingSource = SpacingSource::Imager;
    } else if (const auto regions = parseUltrasoundSpacings(dataset); regions.size() == 1) {
        frame.spacingMm = *regions.begin();
        header.spacingSource = SpacingSource::Ultrasound;
    } else {
        // Lengths are unknown, at least of the whole image, but not whether pixels are square: height and width of one.
        header.spacingSource = regions.empty() ? SpacingSource::None : SpacingSource::UltrasoundRegions;
        frame.spacingMm = parseSpacing(dataset, DCM_PixelAspectRatio);
        if (frame.spacingMm) {
            frame.spacingMm = std::array{(*frame.spacingMm)[0] / (*frame.spacingMm)[1], 1.0};
        }
    }
}

// --- values of a frame --------------------------------------------------------------------------------------------------------------

void parseRescale(DcmItem& item, FrameHeader& frame)
{
    frame.slope = findNumber(item, DCM_RescaleSlope).value_or(1);
    frame.intercept = findNumber(item, DCM_RescaleIntercept).value_or(0);
    if (frame.slope == 0) {
        frame.slope = 1;
    }
}

// --- functional groups of enhanced objects (PS3.3 C.7.6.16) -------------------------------------------------------------------------

/// A functional group of one frame: its own, else the shared one.
class Groups {
public:
    Groups(DcmItem* shared, DcmItem* own) : m_shared(shared), m_own(own) {}
    DcmItem* find(const DcmTagKey& sequence) const
    {
        DcmItem* found = m_own ? findItem(*m_own, sequence) : nullptr;
        return found || !m_shared ? found : findItem(*m_shared, sequence);
    }

private:
    DcmItem* m_shared;
    DcmItem* m_own;
};

// --- what tells images of one place apart ----------------------------------------------------------------------------------------------

Trait& traitOf(FrameHeader& frame, TraitKind kind) { return frame.traits[std::size_t(kind)]; }

void setTrait(FrameHeader& frame, TraitKind kind, std::optional<double> value, const char* before, const char* behind)
{
    if (value) {
        char text[32];
        std::snprintf(text, sizeof text, "%.4g", *value);
        traitOf(frame, kind) = {*value, std::string(before) + text + behind};
    }
}

void setGradient(FrameHeader& frame, const std::vector<double>& direction)
{
    if (direction.size() == 3) {
        char text[64];
        std::snprintf(text, sizeof text, "direction %.3f %.3f %.3f", direction[0], direction[1], direction[2]);
        traitOf(frame, TraitKind::Gradient) = {0, text};
    }
}

/// The first value of a private attribute, also where a writer has made UN of its text; empty where another owner has the group.
std::optional<double> privateNumber(DcmItem& item, const char* owner, std::uint16_t group, std::uint8_t element)
{
    for (std::uint16_t block = 0x10; block < 0x20; ++block) {
        const std::string found = code(item, DcmTagKey(group, block));
        if (found != owner) {
            continue;
        }
        const DcmTagKey tag(group, std::uint16_t(block << 8 | element));
        DcmElement* raw = nullptr;
        Uint8* bytes = nullptr;
        constexpr Uint32 kLongest = 256;
        if (item.findAndGetElement(tag, raw).good() && raw && raw->getVR() == EVR_UN && raw->getLength() > 0 && raw->getLength() <= kLongest && raw->getUint8Array(bytes).good() && bytes) {
            const std::string text(reinterpret_cast<const char*>(bytes), raw->getLength());
            return parseNumber(text.substr(0, text.find('\\')));
        }
        return findNumber(item, tag);
    }
    return std::nullopt;
}

/// Diffusion weighting in s/mm2: the standard's attribute, else those of three makers.
std::optional<double> diffusionOf(DcmItem& item)
{
    auto value = findNumber(item, DCM_DiffusionBValue);
    value = value ? value : privateNumber(item, "SIEMENS MR HEADER", 0x0019, 0x0c);
    value = value ? value : privateNumber(item, "Philips Imaging DD 001", 0x2001, 0x03);
    if (!value && (value = privateNumber(item, "GEMS_PARM_01", 0x0043, 0x39))) {
        // GE adds a large number where directions were computed.
        value = std::fmod(*value, 1e9);
    }
    return value;
}

void parseTraits(DcmItem& dataset, const Header& header, FrameHeader& frame)
{
    std::string kind;
    for (std::size_t n = 3; n < header.imageType.size(); ++n) {
        kind += (n == 3 ? "" : " ") + header.imageType[n];
    }
    const std::string component = code(dataset, DCM_ComplexImageComponent);
    traitOf(frame, TraitKind::Kind) = {0, kind + (kind.empty() || component.empty() ? "" : " ") + component};
    traitOf(frame, TraitKind::Contrast) = code(dataset, DCM_ContrastBolusAgent).empty() ? Trait() : Trait{1, "contrast"};
    setTrait(frame, TraitKind::Echo, findNumber(dataset, DCM_EchoTime), "TE ", " ms");
    setTrait(frame, TraitKind::Inversion, findNumber(dataset, DCM_InversionTime), "TI ", " ms");
    setTrait(frame, TraitKind::FlipAngle, findNumber(dataset, DCM_FlipAngle), "flip angle ", "");
    setTrait(frame, TraitKind::Voltage, findNumber(dataset, DCM_KVP), "", " kV");
    traitOf(frame, TraitKind::Kernel) = {0, header.text.kernel};
    setTrait(frame, TraitKind::Thickness, findNumber(dataset, DCM_SliceThickness), "", " mm");
    if (header.modality == "MR") {
        setTrait(frame, TraitKind::BValue, diffusionOf(dataset), "b ", "");
        setGradient(frame, numbers(dataset, DCM_DiffusionGradientOrientation));
    }
}

/// When a frame was taken among those of its place: in the heart's beat, the breath or the run.
std::optional<double> orderOf(const Groups& groups)
{
    static const struct {
        DcmTagKey sequence;
        std::vector<DcmTagKey> times;
    } kKinds[] = {{DCM_CardiacSynchronizationSequence, {DCM_NominalCardiacTriggerDelayTime, DCM_ActualCardiacTriggerDelayTime, DCM_NominalPercentageOfCardiacPhase}},
        {DCM_RespiratorySynchronizationSequence, {DCM_NominalRespiratoryTriggerDelayTime, DCM_ActualRespiratoryTriggerDelayTime, DCM_NominalPercentageOfRespiratoryPhase}},
        {DCM_TemporalPositionSequence, {DCM_TemporalPositionTimeOffset}}};
    for (const auto& kind : kKinds) {
        DcmItem* item = groups.find(kind.sequence);
        for (std::size_t n = 0; item && n < kind.times.size(); ++n) {
            if (const auto time = findNumber(*item, kind.times[n])) {
                return time;
            }
        }
    }
    return std::nullopt;
}

void parseTraits(const Groups& groups, const std::vector<bool>& tellsApart, FrameHeader& frame)
{
    for (const DcmTagKey& tag : {DCM_MRImageFrameTypeSequence, DCM_CTImageFrameTypeSequence}) {
        if (DcmItem* type = groups.find(tag)) {
            std::string kind;
            const std::vector<std::string> words = codes(*type, DCM_FrameType);
            for (std::size_t n = 3; n < words.size(); ++n) {
                kind += words[n] + " ";
            }
            traitOf(frame, TraitKind::Kind) = {0, kind + code(*type, DCM_ComplexImageComponent)};
        }
    }
    if (DcmItem* echo = groups.find(DCM_MREchoSequence)) {
        setTrait(frame, TraitKind::Echo, findNumber(*echo, DCM_EffectiveEchoTime), "TE ", " ms");
    }
    if (DcmItem* modifier = groups.find(DCM_MRModifierSequence)) {
        setTrait(frame, TraitKind::Inversion, findNumber(*modifier, DCM_InversionTimes), "TI ", " ms");
    }
    if (DcmItem* timing = groups.find(DCM_MRTimingAndRelatedParametersSequence)) {
        setTrait(frame, TraitKind::FlipAngle, findNumber(*timing, DCM_FlipAngle), "flip angle ", "");
    }
    if (DcmItem* details = groups.find(DCM_CTXRayDetailsSequence)) {
        setTrait(frame, TraitKind::Voltage, findNumber(*details, DCM_KVP), "", " kV");
    }
    if (DcmItem* reconstruction = groups.find(DCM_CTReconstructionSequence)) {
        traitOf(frame, TraitKind::Kernel) = {0, code(*reconstruction, DCM_ConvolutionKernel)};
    }
    if (DcmItem* measures = groups.find(DCM_PixelMeasuresSequence)) {
        setTrait(frame, TraitKind::Thickness, findNumber(*measures, DCM_SliceThickness), "", " mm");
    }
    if (DcmItem* diffusion = groups.find(DCM_MRDiffusionSequence)) {
        setTrait(frame, TraitKind::BValue, findNumber(*diffusion, DCM_DiffusionBValue), "b ", "");
        if (DcmItem* direction = findItem(*diffusion, DCM_DiffusionGradientDirectionSequence)) {
            setGradient(frame, numbers(*direction, DCM_DiffusionGradientOrientation));
        }
    }
    frame.order = orderOf(groups).value_or(frame.order);
    if (DcmItem* content = groups.find(DCM_FrameContentSequence)) {
        // Indices of dimensions that are no place: whatever it is that varies there.
        const std::vector<double> indices = numbers(*content, DCM_DimensionIndexValues);
        std::string name;
        for (std::size_t n = 0; n < indices.size() && indices.size() == tellsApart.size(); ++n) {
            if (tellsApart[n]) {
                name += (name.empty() ? "index " : " ") + std::to_string(std::lround(indices[n]));
            }
        }
        traitOf(frame, TraitKind::Dimension) = {0, name};
        const std::string moment = code(*content, DCM_FrameAcquisitionDateTime);
        frame.secondsOfDay = moment.size() > 8 ? secondsOfDay(moment.substr(8)).value_or(0) : 0;
    }
}

/// Which of an object's dimensions are neither place nor time, which are read apart (PS3.3 C.7.6.17).
std::vector<bool> dimensionsThatTellApart(DcmItem& dataset)
{
    static const std::set<DcmTagKey> kPlaces{DCM_StackID, DCM_InStackPositionNumber, DCM_ImagePositionPatient, DCM_ImageOrientationPatient, DCM_FrameAcquisitionNumber,
        DCM_TemporalPositionIndex, DCM_FrameAcquisitionDateTime};
    std::vector<bool> list;
    forEachItem(dataset, DCM_DimensionIndexSequence, [&](DcmItem& item) {
        DcmElement* pointer = nullptr;
        DcmTagKey tag;
        const bool isRead = item.findAndGetElement(DCM_DimensionIndexPointer, pointer).good() && pointer && pointer->getTagVal(tag).good();
        list.push_back(isRead && !kPlaces.contains(tag));
    });
    return list;
}

/// What separates frames into volumes: stack, kind of frame, echo, b-value.
std::string groupOf(const Groups& groups)
{
    std::string key;
    if (DcmItem* content = groups.find(DCM_FrameContentSequence)) {
        key += code(*content, DCM_StackID);
    }
    for (const DcmTagKey& tag : {DCM_MRImageFrameTypeSequence, DCM_CTImageFrameTypeSequence}) {
        if (DcmItem* type = groups.find(tag)) {
            for (const std::string& word : codes(*type, DCM_FrameType)) {
                key += '|' + word;
            }
            key += '|' + code(*type, DCM_ComplexImageComponent);
        }
    }
    if (DcmItem* echo = groups.find(DCM_MREchoSequence)) {
        key += "|TE " + code(*echo, DCM_EffectiveEchoTime);
    }
    if (DcmItem* diffusion = groups.find(DCM_MRDiffusionSequence)) {
        key += "|b " + code(*diffusion, DCM_DiffusionBValue);
    }
    return key;
}

/// @param presentation  Pixel Presentation of the frame where it tells, else of the file.
Supplement supplementOf(DcmItem& dataset, const PixelFormat& pixels, const std::string& presentation)
{
    const bool isPossible = pixels.kind == PixelKind::Integer && pixels.samples == 1 && pixels.bitsAllocated > 1 && pixels.bitsAllocated <= 16 && pixels.photometric == "MONOCHROME2";
    const bool isColored = presentation == "COLOR" || presentation == "TRUE_COLOR";
    if (!isPossible || (!isColored && presentation != "MIXED")) {
        return Supplement::None;
    }
    return isColored && dataset.tagExists(DCM_RedPaletteColorLookupTableDescriptor) ? Supplement::Colors : Supplement::LeftOut;
}

/// Pixel Presentation of a frame; empty where only the file tells it.
std::string presentationOf(const Groups& groups)
{
    for (const DcmTagKey& tag : {DCM_MRImageFrameTypeSequence, DCM_CTImageFrameTypeSequence, DCM_PETFrameTypeSequence}) {
        DcmItem* type = groups.find(tag);
        const std::string own = type ? code(*type, DCM_PixelPresentation) : std::string();
        if (!own.empty()) {
            return own;
        }
    }
    return {};
}

void parseFunctionalGroups(const Groups& groups, Header& header, FrameHeader& frame)
{
    if (DcmItem* item = groups.find(DCM_PlanePositionSequence)) {
        frame.position = parsePosition(*item);
    }
    if (DcmItem* item = groups.find(DCM_PlaneOrientationSequence)) {
        frame.orientation = parseOrientation(*item);
    }
    if (DcmItem* item = groups.find(DCM_PixelMeasuresSequence)) {
        frame.spacingMm = parseSpacing(*item, DCM_PixelSpacing);
    }
    if (DcmItem* item = groups.find(DCM_PixelValueTransformationSequence)) {
        parseRescale(*item, frame);
        header.hasRescale = true;
        header.rescaleType = header.rescaleType.empty() ? code(*item, DCM_RescaleType) : header.rescaleType;
    }
    if (DcmItem* item = groups.find(DCM_FrameVOILUTSequence)) {
        frame.windows = readWindows(*item, header.pixels.isSigned || frame.intercept < 0);
    }
    if (DcmItem* item = groups.find(DCM_FrameContentSequence)) {
        frame.timeIndex = integer(*item, DCM_TemporalPositionIndex);
    }
    frame.group = groupOf(groups);
}

double sliceSpacing(DcmItem& item)
{
    const double distance = std::abs(findNumber(item, DCM_SpacingBetweenSlices).value_or(0));
    return distance > 0 ? distance : std::max(0.0, findNumber(item, DCM_SliceThickness).value_or(0));
}

void parseEnhancedFrames(DcmItem& dataset, DcmSequenceOfItems& perFrame, Header& header)
{
    DcmItem* shared = findItem(dataset, DCM_SharedFunctionalGroupsSequence);
    const std::vector<bool> tellsApart = dimensionsThatTellApart(dataset);
    if (perFrame.card() == 0) {
        throw Error("the file describes none of its frames", "broken");
    }
    header.frames.resize(std::min<std::size_t>(header.frames.size(), perFrame.card()));
    DcmObject* own = nullptr;
    for (FrameHeader& frame : header.frames) {
        own = perFrame.nextInContainer(own);
        const Groups groups(shared, static_cast<DcmItem*>(own));
        parseFunctionalGroups(groups, header, frame);
        parseTraits(groups, tellsApart, frame);
        if (const std::string presentation = presentationOf(groups); !presentation.empty()) {
            frame.supplement = supplementOf(dataset, header.pixels, presentation);
        }
        if (DcmItem* item = groups.find(DCM_PixelMeasuresSequence); item && header.sliceSpacingMm == 0) {
            header.sliceSpacingMm = sliceSpacing(*item);
        }
    }
    if (!header.frames.empty() && header.frames.front().spacingMm) {
        header.spacingSource = SpacingSource::Patient;
    }
}

// --- dose grids (PS3.3 C.8.8.3) ------------------------------------------------------------------------------------------------------

/// Planes of a dose grid lie at offsets along the normal, or at places along z where the first of them is that of the image.
void parseDoseFrames(DcmItem& dataset, Header& header)
{
    const double scaling = findNumber(dataset, DCM_DoseGridScaling).value_or(1);
    const std::vector<double> offsets = numbers(dataset, DCM_GridFrameOffsetVector);
    for (std::size_t n = 0; n < header.frames.size(); ++n) {
        FrameHeader& frame = header.frames[n];
        frame.slope = scaling > 0 ? scaling : 1;
        frame.intercept = 0;
        if (frame.position && frame.orientation && offsets.size() == header.frames.size()) {
            const Vec3 normal = cross((*frame.orientation)[0], (*frame.orientation)[1]);
            const bool isPlace = offsets[0] != 0 && std::abs(offsets[0] - frame.position->z) < 0.01 && std::abs(normal.z) > 0.999;
            frame.position = *frame.position + (isPlace ? Vec3{0, 0, 1} : normal) * (offsets[n] - offsets[0]);
        } else if (header.frames.size() > 1) {
            frame.position.reset();
        }
    }
}

// --- the flat header ----------------------------------------------------------------------------------------------------------------

PatientText parsePatient(const TextReader& reader)
{
    // Empty component groups at the end are padding.
    std::string name = reader.text(DCM_PatientName);
    name.erase(name.find_last_not_of('=') + 1);
    return {name, reader.text(DCM_PatientID), isoDate(reader.text(DCM_PatientBirthDate)),
        reader.text(DCM_PatientSex), reader.text(DCM_PatientAge)};
}

/// How a projection lies in the patient, and what view of the breast it is (View Code Sequence, CID 4014) where View Position is silent.
void parseProjection(DcmItem& dataset, Header& header)
{
    header.patientOrientation = {code(dataset, DCM_PatientOrientation, 0), code(dataset, DCM_PatientOrientation, 1)};
    header.isQuadruped = code(dataset, DCM_AnatomicalOrientationType) == "QUADRUPED";
    DcmItem* view = isMammography(header.modality) && header.text.viewPosition.empty() ? findItem(dataset, DCM_ViewCodeSequence) : nullptr;
    if (!view) {
        return;
    }
    static const std::map<std::string, const char*> kViews{{"R-10242", "CC"}, {"399162004", "CC"}, {"R-10226", "MLO"}, {"399368009", "MLO"}, {"R-10224", "ML"}, {"399260004", "ML"},
        {"R-10228", "LM"}, {"399352003", "LM"}};
    const auto found = kViews.find(code(*view, DCM_CodeValue));
    header.text.viewPosition = found == kViews.end() ? "" : found->second;
}

SeriesText parseSeriesText(const TextReader& reader)
{
    struct Field { DcmTagKey tag; std::string SeriesText::*field; };
    static const Field kFields[] = {
        {DCM_InstitutionName, &SeriesText::institution}, {DCM_StudyDate, &SeriesText::studyDate}, {DCM_StudyTime, &SeriesText::studyTime},
        {DCM_StudyDescription, &SeriesText::studyDescription}, {DCM_StudyID, &SeriesText::studyId},
        {DCM_AccessionNumber, &SeriesText::accessionNumber}, {DCM_ReferringPhysicianName, &SeriesText::referringPhysician},
        {DCM_SeriesDate, &SeriesText::seriesDate}, {DCM_SeriesTime, &SeriesText::seriesTime},
        {DCM_AcquisitionDate, &SeriesText::acquisitionDate}, {DCM_AcquisitionTime, &SeriesText::acquisitionTime},
        {DCM_SeriesDescription, &SeriesText::seriesDescription}, {DCM_SeriesNumber, &SeriesText::seriesNumber},
        {DCM_ProtocolName, &SeriesText::protocol}, {DCM_BodyPartExamined, &SeriesText::bodyPart},
        {DCM_ViewPosition, &SeriesText::viewPosition}, {DCM_PatientPosition, &SeriesText::patientPosition},
        {DCM_Manufacturer, &SeriesText::manufacturer}, {DCM_ManufacturerModelName, &SeriesText::model},
        {DCM_ConvolutionKernel, &SeriesText::kernel}, {DCM_SliceThickness, &SeriesText::sliceThicknessMm}, {DCM_KVP, &SeriesText::kvp},
        {DCM_EchoTime, &SeriesText::echoTimeMs}, {DCM_RepetitionTime, &SeriesText::repetitionTimeMs}};
    SeriesText text;
    for (const Field& field : kFields) {
        text.*field.field = reader.text(field.tag);
    }
    text.laterality = reader.text(DCM_ImageLaterality);
    if (text.laterality.empty()) {
        text.laterality = reader.text(DCM_Laterality);
    }
    for (auto field : {&SeriesText::studyDate, &SeriesText::seriesDate, &SeriesText::acquisitionDate}) {
        text.*field = isoDate(text.*field);
    }
    for (auto field : {&SeriesText::studyTime, &SeriesText::seriesTime, &SeriesText::acquisitionTime}) {
        text.*field = isoTime(text.*field);
    }
    text.lossy = reader.text(DCM_LossyImageCompression) == "01";
    return text;
}

PixelKind kindOfPixels(DcmDataset& dataset)
{
    DcmElement* element = nullptr;
    const auto holds = [&](const DcmTagKey& tag) { return dataset.findAndGetElement(tag, element).good() && element && element->getLength() > 0; };
    // Encapsulated pixels have no length of their own in every state of the element.
    const bool isEncapsulated = dataset.tagExists(DCM_PixelData) && DcmXfer(dataset.getOriginalXfer()).isEncapsulated();
    return isEncapsulated || holds(DCM_PixelData) ? PixelKind::Integer : holds(DCM_FloatPixelData) ? PixelKind::Float
        : holds(DCM_DoubleFloatPixelData)                                        ? PixelKind::Double
                                                                                 : PixelKind::None;
}

void parsePixelFormat(DcmDataset& dataset, PixelFormat& pixels)
{
    pixels.kind = kindOfPixels(dataset);
    pixels.rows = integer(dataset, DCM_Rows);
    pixels.columns = integer(dataset, DCM_Columns);
    pixels.frames = std::max(1, integer(dataset, DCM_NumberOfFrames, 1));
    if (pixels.kind != PixelKind::None && !code(dataset, DCM_NumberOfFrames).empty() && !findNumber(dataset, DCM_NumberOfFrames)) {
        throw Error("a number of frames that cannot be read", "broken");
    }
    pixels.samples = integer(dataset, DCM_SamplesPerPixel, 1);
    pixels.bitsAllocated = integer(dataset, DCM_BitsAllocated);
    pixels.bitsStored = integer(dataset, DCM_BitsStored, pixels.bitsAllocated);
    pixels.highBit = integer(dataset, DCM_HighBit, pixels.bitsStored - 1);
    pixels.isSigned = integer(dataset, DCM_PixelRepresentation) == 1;
    pixels.isPlanar = integer(dataset, DCM_PlanarConfiguration) == 1;
    pixels.photometric = code(dataset, DCM_PhotometricInterpretation);
    if (pixels.kind == PixelKind::Float || pixels.kind == PixelKind::Double) {
        pixels.bitsAllocated = pixels.bitsStored = pixels.kind == PixelKind::Float ? 32 : 64;
        pixels.highBit = pixels.bitsStored - 1;
    }
    if (pixels.photometric.empty()) {
        pixels.photometric = pixels.samples == 3 ? "RGB" : "MONOCHROME2";
    }
}

/// @throws Error when no picture can be made of it.
void checkPixelFormat(const PixelFormat& pixels)
{
    if (pixels.kind == PixelKind::None) {
        throw Error("a DICOM object without pixels", "no-image");
    }
    if (pixels.rows < 1 || pixels.columns < 1 || pixels.rows > 65535 || pixels.columns > 65535) {
        throw Error("an image without rows or columns", "broken");
    }
    const bool mayBeColor = pixels.kind == PixelKind::Integer && pixels.bitsAllocated != 1;
    if (pixels.samples != 1 && (pixels.samples != 3 || !mayBeColor)) {
        throw Error(std::to_string(pixels.samples) + " samples per pixel" + (mayBeColor ? "" : " of this kind") + " are not supported", "unsupported");
    }
    static const std::set<std::string> kColors{"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_RCT", "YBR_ICT"};
    if (pixels.samples == 3 && !kColors.contains(pixels.photometric)) {
        throw Error("colours as " + pixels.photometric + " are not supported", "unsupported");
    }
    const std::set<int> known = pixels.kind == PixelKind::Integer ? std::set{1, 8, 16, 32} : std::set{32, 64};
    if (!known.contains(pixels.bitsAllocated)) {
        throw Error(std::to_string(pixels.bitsAllocated) + " bits allocated per pixel are not supported", "unsupported");
    }
    if (pixels.bitsStored < 1 || pixels.bitsStored > pixels.bitsAllocated || pixels.highBit < pixels.bitsStored - 1 ||
        pixels.highBit >= pixels.bitsAllocated) {
        throw Error("bits stored and high bit contradict the bits allocated", "broken");
    }
}

/// Encodings without a decoder, and kinds of objects whose pixels are not a picture to be read as an image.
void checkKind(const Header& header)
{
    if (header.pixels.kind == PixelKind::Integer && !isDecodable(header.transferSyntaxUid)) {
        throw Error("images in " + transferSyntaxName(header.transferSyntaxUid) + " are not supported", "unsupported");
    }
    if (header.sopClassUid == UID_SegmentationStorage || header.modality == "SEG") {
        throw Error("a DICOM segmentation object is not shown as an image", "unsupported");
    }
}

void parsePadding(DcmItem& dataset, Header& header)
{
    if (header.pixels.kind == PixelKind::Float || header.pixels.kind == PixelKind::Double) {
        const bool isFloat = header.pixels.kind == PixelKind::Float;
        if (const auto value = findNumber(dataset, isFloat ? DCM_FloatPixelPaddingValue : DCM_DoubleFloatPixelPaddingValue)) {
            const double limit = findNumber(dataset, isFloat ? DCM_FloatPixelPaddingRangeLimit : DCM_DoubleFloatPixelPaddingRangeLimit).value_or(*value);
            header.paddingLow = std::min(*value, limit);
            header.paddingHigh = std::max(*value, limit);
        }
        return;
    }
    const auto value = findNumber(dataset, DCM_PixelPaddingValue);
    if (!value) {
        return;
    }
    const double limit = findNumber(dataset, DCM_PixelPaddingRangeLimit).value_or(*value);
    // The VR may be wrong about the sign: the bits count (PS3.3 C.7.5.1.1.2).
    const auto stored = [&](double v) {
        const double modulus = std::ldexp(1.0, header.pixels.bitsAllocated);
        return header.pixels.isSigned && v >= modulus / 2 ? v - modulus : !header.pixels.isSigned && v < 0 ? v + modulus : v;
    };
    header.paddingLow = std::min(stored(*value), stored(limit));
    header.paddingHigh = std::max(stored(*value), stored(limit));
}

/// How fast the frames of a loop are to be shown (PS3.3 C.7.6.5, C.12.1): as recommended, else as they were taken.
double frameRateOf(DcmItem& dataset)
{
    double rate = findNumber(dataset, DCM_RecommendedDisplayFrameRate).value_or(0);
    rate = rate > 0 ? rate : findNumber(dataset, DCM_CineRate).value_or(0);
    double frameMs = rate > 0 ? 0 : findNumber(dataset, DCM_FrameTime).value_or(0);
    if (rate <= 0 && frameMs <= 0) {
        // The time of each frame since the one before it, 0 for the first: on the average.
        const std::vector<double> steps = numbers(dataset, DCM_FrameTimeVector);
        double sum = 0;
        for (std::size_t n = 1; n < steps.size(); ++n) {
            sum += steps[n];
        }
        frameMs = steps.size() > 1 ? sum / double(steps.size() - 1) : 0;
    }
    rate = frameMs > 0 ? 1000 / frameMs : rate;
    return std::isfinite(rate) && rate > 0 ? rate : 0;
}

/// One that cannot be read is one of its own: decoding says what is wrong.
std::uint64_t modalityLutOf(DcmItem& dataset, bool isSigned)
{
    try {
        const auto table = findModalityLut(dataset, isSigned);
        return table ? fingerprint(*table) : 0;
    } catch (const Error&) {
        return 1;
    }
}

// --- reconstructed nuclear medicine (PS3.3 C.8.4.8, C.8.4.15) ---------------------------------------------------------------------------

bool isTomography(const Header& header)
{
    return header.sopClassUid == UID_NuclearMedicineImageStorage && header.pixels.frames > 1 && header.imageType.size() > 2 && header.imageType[2].starts_with("RECON") && header.imageType[2].find("GATED") == std::string::npos;
}

/// Slices begin where the detector's item says and go on along the normal, in the order of the Slice Vector.
void parseTomographyFrames(DcmItem& dataset, Header& header)
{
    DcmItem* detector = findItem(dataset, DCM_DetectorInformationSequence);
    const auto position = detector ? parsePosition(*detector) : std::nullopt;
    const auto orientation = detector ? parseOrientation(*detector) : std::nullopt;
    const auto spacing = findNumber(dataset, DCM_SpacingBetweenSlices);
    const std::vector<double> slices = numbers(dataset, DCM_SliceVector);
    for (std::size_t n = 0; n < header.frames.size(); ++n) {
        FrameHeader& frame = header.frames[n];
        frame.position.reset();
        frame.orientation = orientation;
        if (position && orientation && spacing && *spacing != 0 && (slices.empty() || slices.size() == header.frames.size())) {
            const double slice = slices.empty() ? double(n) : slices[n] - 1;
            frame.position = *position + cross((*orientation)[0], (*orientation)[1]) * (*spacing * slice);
        }
    }
}

void parseFrames(DcmItem& dataset, Header& header)
{
    FrameHeader all;
    all.position = parsePosition(dataset);
    all.orientation = parseOrientation(dataset);
    parseFlatSpacing(dataset, header, all);
    parseRescale(dataset, all);
    all.windows = readWindows(dataset, header.pixels.isSigned || all.intercept < 0);
    all.timeIndex = integer(dataset, DCM_TemporalPositionIdentifier);
    for (const DcmTagKey& tag : {DCM_TriggerTime, DCM_NominalPercentageOfCardiacPhase, DCM_FrameReferenceTime}) {
        all.order = all.order != 0 ? all.order : findNumber(dataset, tag).value_or(0);
    }
    all.secondsOfDay = secondsOfDay(code(dataset, DCM_AcquisitionTime)).value_or(0);
    all.contentSeconds = secondsOfDay(code(dataset, DCM_ContentTime)).value_or(0);
    all.group = code(dataset, DCM_EchoNumbers);
    parseTraits(dataset, header, all);
    all.supplement = supplementOf(dataset, header.pixels, code(dataset, DCM_PixelPresentation));
    header.sliceSpacingMm = sliceSpacing(dataset);
    header.frames.assign(std::size_t(header.pixels.frames), all);
    if (DcmSequenceOfItems* perFrame = findSequence(dataset, DCM_PerFrameFunctionalGroupsSequence)) {
        parseEnhancedFrames(dataset, *perFrame, header);
    } else if (header.sopClassUid == UID_RTDoseStorage) {
        parseDoseFrames(dataset, header);
    } else if (isTomography(header)) {
        parseTomographyFrames(dataset, header);
    } else if (header.pixels.frames > 1) {
        // One position for many frames says nothing about any of them.
        for (FrameHeader& frame : header.frames) {
            frame.position.reset();
        }
    }
}

/// A frame count that the pixels cannot hold is not believed: nothing is allocated for it. Frames that nothing describes need not be there.
void checkFrameCount(DcmItem& dataset, const PixelFormat& pixels)
{
    DcmElement* element = nullptr;
    if (pixels.kind != PixelKind::Integer || dataset.findAndGetElement(DCM_PixelData, element).bad()) {
        return;
    }
    DcmSequenceOfItems* perFrame = findSequence(dataset, DCM_PerFrameFunctionalGroupsSequence);
    const double frames = perFrame ? std::min(double(pixels.frames), double(perFrame->card())) : pixels.frames;
    const double length = double(element->getLengthField());
    const double needed = double(pixels.rows) * pixels.columns * pixels.samples * pixels.bitsAllocated / 8 * frames;
    const bool isEncapsulated = element->getLengthField() == DCM_UndefinedLength;
    const bool subsampled = pixels.photometric == "YBR_FULL_422" || pixels.photometric == "YBR_PARTIAL_422";
    if (!isEncapsulated && length + 1 < (subsampled ? needed * 2 / 3 : needed)) {
        throw Error("the pixel data are shorter than the image", "broken");
    }
    constexpr int kMostFrames = 200'000;
    if (pixels.frames > kMostFrames) {
        throw Error("a number of frames that cannot be right", "broken");
    }
}

} // namespace

Header parseHeader(DcmFileFormat& file, const std::filesystem::path& path, const std::string& transferSyntaxUid, bool needsPixels)
{
    DcmDataset& dataset = *file.getDataset();
    Header header;
    header.path = path;
    header.sopClassUid = code(dataset, DCM_SOPClassUID);
    header.sopInstanceUid = code(dataset, DCM_SOPInstanceUID);
    header.seriesUid = code(dataset, DCM_SeriesInstanceUID);
    header.studyUid = code(dataset, DCM_StudyInstanceUID);
    header.frameOfReferenceUid = code(dataset, DCM_FrameOfReferenceUID);
    header.transferSyntaxUid = transferSyntaxUid;
    header.modality = code(dataset, DCM_Modality);
    header.imageType = codes(dataset, DCM_ImageType);
    header.instanceNumber = integer(dataset, DCM_InstanceNumber);
    header.acquisitionNumber = integer(dataset, DCM_AcquisitionNumber);
    const TextReader reader(dataset);
    header.patient = parsePatient(reader);
    header.text = parseSeriesText(reader);
    parseProjection(dataset, header);
    parsePixelFormat(dataset, header.pixels);
    if (needsPixels) {
        // The encoding first: what colours a video has says less.
        checkKind(header);
        checkPixelFormat(header.pixels);
        checkFrameCount(dataset, header.pixels);
        parsePadding(dataset, header);
        header.rescaleType = code(dataset, DCM_RescaleType);
        header.modalityLut = modalityLutOf(dataset, header.pixels.isSigned);
        header.hasRescale = findNumber(dataset, DCM_RescaleSlope) || findNumber(dataset, DCM_RescaleIntercept) || header.modalityLut != 0;
        header.framesPerSecond = header.pixels.frames > 1 ? frameRateOf(dataset) : 0;
        header.subtraction = header.pixels.frames > 1 ? findMaskSubtraction(dataset) : std::nullopt;
        header.isLinearIntensity = code(dataset, DCM_PixelIntensityRelationship) == "LIN";
        if (header.modality == "PT") {
            header.suv = suvScale(dataset);
        }
        parseFrames(dataset, header);
    }
    header.isMosaic = std::find(header.imageType.begin(), header.imageType.end(), "MOSAIC") != header.imageType.end();
    return header;
}

bool looksLikeDicom(const std::filesystem::path& path)
{
    unsigned char bytes[132] = {};
    std::ifstream stream(path, std::ios::binary);
    stream.read(reinterpret_cast<char*>(bytes), sizeof bytes);
    const std::streamsize count = stream.gcount();
    if (count == sizeof bytes && std::memcmp(bytes + 128, "DICM", 4) == 0) {
        return true;
    }
    if (count < 16) {
        return false;
    }
    // Without preamble: a first element of group 2, 4 or 8, with a VR of two capitals or a short length.
    const auto isKnownGroup = [](int group) { return group == 2 || group == 4 || group == 8; };
    const bool little = isKnownGroup(bytes[0] | bytes[1] << 8), big = isKnownGroup(bytes[0] << 8 | bytes[1]);
    const bool hasVr = bytes[4] >= 'A' && bytes[4] <= 'Z' && bytes[5] >= 'A' && bytes[5] <= 'Z';
    const std::uint32_t length = std::uint32_t(bytes[4]) | std::uint32_t(bytes[5]) << 8 | std::uint32_t(bytes[6]) << 16 | std::uint32_t(bytes[7]) << 24;
    return ((little || big) && hasVr) || (little && length < 1024 && bytes[3] == 0);
}

std::string transferSyntaxName(const std::string& uid)
{
    static const std::pair<const char*, const char*> kLater[] = {
        {"1.2.840.10008.1.2.4.110", "JPEG XL Lossless"}, {"1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression"},
        {"1.2.840.10008.1.2.4.112", "JPEG XL"}, {"1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 Lossless"},
        {"1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression"}, {"1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 RPCL Lossless"}, {"1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000"}};
    for (const auto& [known, name] : kLater) {
        if (uid == known) {
            return name;
        }
    }
    const DcmXfer xfer(uid.c_str());
    return xfer.getXfer() == EXS_Unknown ? uid : std::string(xfer.getXferName());
}

} // namespace hf::dicom
