#include "viewer/dicom/Presentation.h"

#include "viewer/dicom/Attributes.h"
#include "viewer/dicom/Shutters.h"
#include "viewer/dicom/Study.h"
#include "viewer/dicom/Tables.h"
#include "viewer/dicom/Text.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/Volume.h"

#include <dcmtk/dcmdata/dcuid.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hf::dicom {

namespace {

using Point = Presentation::Point;

Presentation::Targets readTargets(DcmItem& item)
{
    Presentation::Targets targets;
    forEachItem(item, DCM_ReferencedImageSequence, [&](DcmItem& image) {
        Presentation::Target target{code(image, DCM_ReferencedSOPInstanceUID), {}};
        for (const double frame : numbers(image, DCM_ReferencedFrameNumber)) {
            target.frames.insert(int(frame));
        }
        targets.push_back(std::move(target));
    });
    return targets;
}

std::vector<Point> pointsOf(DcmItem& item, const DcmTagKey& tag)
{
    const std::vector<double> data = numbers(item, tag);
    std::vector<Point> points;
    for (std::size_t n = 0; n + 1 < data.size(); n += 2) {
        if (std::isfinite(data[n]) && std::isfinite(data[n + 1])) {
            points.push_back({data[n], data[n + 1]});
        }
    }
    return points;
}

/// CIELab of D50 as DICOM encodes it (C.10.7.1.1) in sRGB.
std::array<std::uint8_t, 3> rgbOfLab(const std::vector<double>& encoded)
{
    const double l = encoded[0] * 100 / 65535, a = encoded[1] * 255 / 65535 - 128, b = encoded[2] * 255 / 65535 - 128;
    const double fy = (l + 16) / 116, fx = fy + a / 500, fz = fy - b / 200;
    const auto back = [](double f) { return f > 6.0 / 29 ? f * f * f : 3 * (6.0 / 29) * (6.0 / 29) * (f - 4.0 / 29); };
    const double x = 0.96422 * back(fx), y = back(fy), z = 0.82521 * back(fz);
    // Bradford-adapted from D50 to the white of sRGB.
    const double linear[3] = {3.1338561 * x - 1.6168667 * y - 0.4906146 * z, -0.9787684 * x + 1.9161415 * y + 0.0334540 * z, 0.0719453 * x - 0.2289914 * y + 1.4052427 * z};
    std::array<std::uint8_t, 3> rgb{};
    for (std::size_t c = 0; c < 3; ++c) {
        const double v = std::clamp(linear[c], 0.0, 1.0);
        rgb[c] = std::uint8_t(std::lround(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1 / 2.4) - 0.055)));
    }
    return rgb;
}

void leaveOut(Presentation& state, const std::string& what)
{
    if (std::find(state.notApplied.begin(), state.notApplied.end(), what) == state.notApplied.end()) {
        state.notApplied.push_back(what);
    }
}

// --- layers, drawings, texts (C.10.5, C.10.7) -----------------------------------------------------------------------------------------

void readLayers(DcmItem& dataset, Presentation& state)
{
    forEachItem(dataset, DCM_GraphicLayerSequence, [&](DcmItem& item) {
        Presentation::Layer layer;
        layer.name = code(item, DCM_GraphicLayer);
        layer.order = integer(item, DCM_GraphicLayerOrder);
        if (const auto lab = numbers(item, DCM_GraphicLayerRecommendedDisplayCIELabValue); lab.size() == 3) {
            layer.color = rgbOfLab(lab);
        } else if (const auto grey = findNumber(item, DCM_GraphicLayerRecommendedDisplayGrayscaleValue)) {
            layer.color = {greyOf(*grey), greyOf(*grey), greyOf(*grey)};
        }
        state.layers.push_back(std::move(layer));
    });
}

int layerOf(const Presentation& state, const std::string& name)
{
    const auto found = std::find_if(state.layers.begin(), state.layers.end(), [&](const Presentation::Layer& layer) { return layer.name == name; });
    return found == state.layers.end() ? -1 : int(found - state.layers.begin());
}

int orderOf(const Presentation& state, int layer) { return layer < 0 ? 0 : state.layers[std::size_t(layer)].order; }

std::optional<Presentation::Units> unitsOf(const std::string& word)
{
    return word == "PIXEL" ? std::optional(Presentation::Units::Image) : word == "DISPLAY" ? std::optional(Presentation::Units::Display) : std::nullopt;
}

std::vector<Point> ring(const Point& center, const Point& major, const Point& minor)
{
    constexpr int kSteps = 90;
    std::vector<Point> corners;
    for (int step = 0; step <= kSteps; ++step) {
        const double angle = 2 * std::numbers::pi * step / kSteps, c = std::cos(angle), s = std::sin(angle);
        corners.push_back({center[0] + major[0] * c + minor[0] * s, center[1] + major[1] * c + minor[1] * s});
    }
    return corners;
}

/// A smooth line that runs through all points (Catmull and Rom); closed when its ends are one place.
std::vector<Point> smooth(const std::vector<Point>& p)
{
    if (p.size() < 3) {
        return p;
    }
    constexpr int kSteps = 12;
    const int last = int(p.size()) - 1;
    const bool isClosed = p.front() == p.back();
    const auto at = [&](int n) { return isClosed ? p[std::size_t((n + last) % last)] : p[std::size_t(std::clamp(n, 0, last))]; };
    std::vector<Point> line{p.front()};
    for (int n = 0; n < last; ++n) {
        const Point a = at(n - 1), b = at(n), c = at(n + 1), d = at(n + 2);
        for (int step = 1; step <= kSteps; ++step) {
            const double t = double(step) / kSteps;
            Point q;
            for (std::size_t axis = 0; axis < 2; ++axis) {
                q[axis] = b[axis] + t * ((c[axis] - a[axis]) / 2 + t * (a[axis] - 2.5 * b[axis] + 2 * c[axis] - d[axis] / 2 + t * ((d[axis] - a[axis]) / 2 + 1.5 * (b[axis] - c[axis]))));
            }
            line.push_back(q);
        }
    }
    return line;
}

/// Points of a graphic as corners of a line; empty for kinds that are not known (C.10.5.1.2).
std::vector<Point> cornersOf(const std::string& type, const std::vector<Point>& given)
{
    if (type == "POLYLINE" || (type == "POINT" && given.size() == 1)) {
        return given;
    }
    if (type == "INTERPOLATED") {
        return smooth(given);
    }
    if (type == "CIRCLE" && given.size() == 2) {
        const Point radius{given[1][0] - given[0][0], given[1][1] - given[0][1]};
        return ring(given[0], radius, {-radius[1], radius[0]});
    }
    if (type == "ELLIPSE" && given.size() == 4) {
        const Point center{(given[0][0] + given[1][0]) / 2, (given[0][1] + given[1][1]) / 2};
        return ring(center, {given[1][0] - center[0], given[1][1] - center[1]}, {given[3][0] - center[0], given[3][1] - center[1]});
    }
    return {};
}

void readGraphic(DcmItem& item, const Presentation::Targets& targets, int layer, Presentation& state)
{
    Presentation::Graphic graphic;
    const std::string type = code(item, DCM_GraphicType);
    const auto units = unitsOf(code(item, DCM_GraphicAnnotationUnits));
    graphic.points = cornersOf(type, pointsOf(item, DCM_GraphicData));
    if (!units || graphic.points.empty()) {
        leaveOut(state, "some drawings");
        return;
    }
    graphic.targets = targets;
    graphic.layer = layer;
    graphic.units = *units;
    graphic.isPoint = type == "POINT";
    graphic.isFilled = code(item, DCM_GraphicFilled) == "Y";
    if (findItem(item, DCM_LineStyleSequence) || findItem(item, DCM_FillStyleSequence)) {
        leaveOut(state, "line styles");
    }
    state.graphics.push_back(std::move(graphic));
}

std::string textOf(DcmItem& item, const std::string& characterSets, const DcmTagKey& tag)
{
    std::string words = toUtf8(allValues(item, tag), characterSets);
    std::erase(words, '\r');
    while (!words.empty() && (words.back() == ' ' || words.back() == '\n' || words.back() == '\0')) {
        words.pop_back();
    }
    return words;
}

void readText(DcmItem& item, const std::string& characterSets, const Presentation::Targets& targets, int layer, Presentation& state)
{
    Presentation::Text text;
    text.targets = targets;
    text.layer = layer;
    text.words = textOf(item, characterSets, DCM_UnformattedTextValue);
    const auto boxUnits = unitsOf(code(item, DCM_BoundingBoxAnnotationUnits)), anchorUnits = unitsOf(code(item, DCM_AnchorPointAnnotationUnits));
    const auto first = pointsOf(item, DCM_BoundingBoxTopLeftHandCorner), second = pointsOf(item, DCM_BoundingBoxBottomRightHandCorner), anchor = pointsOf(item, DCM_AnchorPoint);
    if (boxUnits && first.size() == 1 && second.size() == 1) {
        const std::string justification = code(item, DCM_BoundingBoxTextHorizontalJustification);
        text.box = {*boxUnits, first[0], second[0],
            justification == "RIGHT" ? Presentation::Justification::Right : justification == "CENTER" ? Presentation::Justification::Center : Presentation::Justification::Left};
    }
    if (anchorUnits && anchor.size() == 1) {
        text.anchor = {*anchorUnits, anchor[0], code(item, DCM_AnchorPointVisibility) == "Y"};
    }
    if (findItem(item, DCM_TextStyleSequence)) {
        leaveOut(state, "text styles");
    }
    if (text.words.empty() || (!text.box && !text.anchor)) {
        leaveOut(state, "some texts");
    } else {
        state.texts.push_back(std::move(text));
    }
}

void readAnnotations(DcmItem& dataset, Presentation& state)
{
    const std::string characterSets = allValues(dataset, DCM_SpecificCharacterSet);
    forEachItem(dataset, DCM_GraphicAnnotationSequence, [&](DcmItem& annotation) {
        const Presentation::Targets targets = readTargets(annotation);
        const int layer = layerOf(state, code(annotation, DCM_GraphicLayer));
        forEachItem(annotation, DCM_GraphicObjectSequence, [&](DcmItem& item) { readGraphic(item, targets, layer, state); });
        forEachItem(annotation, DCM_TextObjectSequence, [&](DcmItem& item) { readText(item, characterSets, targets, layer, state); });
        if (findItem(annotation, DCM_CompoundGraphicSequence)) {
            leaveOut(state, "compound drawings");
        }
    });
    const auto isBelow = [&](const auto& a, const auto& b) { return orderOf(state, a.layer) < orderOf(state, b.layer); };
    std::stable_sort(state.graphics.begin(), state.graphics.end(), isBelow);
    std::stable_sort(state.texts.begin(), state.texts.end(), isBelow);
}

// --- place on the screen (C.10.4, C.10.6) ---------------------------------------------------------------------------------------------

void readAreas(DcmItem& dataset, Presentation& state)
{
    forEachItem(dataset, DCM_DisplayedAreaSelectionSequence, [&](DcmItem& item) {
        Presentation::Area area;
        area.targets = readTargets(item);
        const auto first = pointsOf(item, DCM_DisplayedAreaTopLeftHandCorner), second = pointsOf(item, DCM_DisplayedAreaBottomRightHandCorner);
        const std::string mode = code(item, DCM_PresentationSizeMode);
        const auto spacing = numbers(item, DCM_PresentationPixelSpacing);
        const auto magnification = findNumber(item, DCM_PresentationPixelMagnificationRatio);
        if (first.size() != 1 || second.size() != 1) {
            leaveOut(state, "displayed area");
            return;
        }
        // Pixels are counted from 1 and both corners are seen. Which of the two lies at the top left depends on the turn.
        for (std::size_t axis = 0; axis < 2; ++axis) {
            area.low[axis] = std::min(first[0][axis], second[0][axis]) - 1;
            area.high[axis] = std::max(first[0][axis], second[0][axis]);
        }
        if (mode == "TRUE SIZE" && spacing.size() == 2 && spacing[1] > 0) {
            area.mode = Presentation::SizeMode::TrueSize;
            area.spacingMm = spacing[1];
        } else if (mode == "MAGNIFY" && magnification.value_or(0) > 0) {
            area.mode = Presentation::SizeMode::Magnify;
            area.magnification = *magnification;
        } else if (mode != "SCALE TO FIT") {
            leaveOut(state, "size on the screen");
        }
        state.areas.push_back(std::move(area));
    });
}

void readTurn(DcmItem& dataset, Presentation& state)
{
    const int rotation = integer(dataset, DCM_ImageRotation);
    state.isFlipped = code(dataset, DCM_ImageHorizontalFlip) == "Y";
    if (rotation % 90 != 0) {
        leaveOut(state, "turn by an angle that is no quarter");
    } else {
        state.rotationDeg = (rotation % 360 + 360) % 360;
    }
}

// --- grey values ----------------------------------------------------------------------------------------------------------------------

void readGrey(DcmItem& dataset, Presentation& state)
{
    forEachItem(dataset, DCM_SoftcopyVOILUTSequence, [&](DcmItem& item) {
        // Values may be below zero after the rescale: tables that start there say so with a signed first value.
        const std::vector<WindowLevel> windows = readWindows(item, true);
        if (!windows.empty()) {
            state.windows.push_back({readTargets(item), windows.front()});
        }
    });
    const std::string shape = code(dataset, DCM_PresentationLUTShape);
    if (shape == "INVERSE" || shape == "IDENTITY") {
        state.isInverted = shape == "INVERSE";
    }
    try {
        if (auto table = findPresentationLut(dataset)) {
            // Its values are greys of the screen: 0 is black, whatever the image says.
            state.presentation = std::make_shared<const LookupTable>(std::move(*table));
            state.isInverted = false;
        }
    } catch (const Error&) {
        leaveOut(state, "presentation lookup table");
    }
    try {
        if (auto table = findModalityLut(dataset, true)) {
            state.modalityLut = fingerprint(*table);
            state.modality = std::make_shared<const LookupTable>(std::move(*table));
        }
    } catch (const Error&) {
        leaveOut(state, "modality lookup table");
    }
    if (const auto slope = findNumber(dataset, DCM_RescaleSlope), intercept = findNumber(dataset, DCM_RescaleIntercept); slope && intercept && *slope != 0) {
        state.rescale = {*slope, *intercept};
    }
}

/// Overlay planes that the state puts on a layer, its own and those of its images: others are not displayed (C.11.7).
void readOverlays(DcmItem& dataset, Presentation& state)
{
    constexpr int kMostPlanes = 16;
    constexpr Uint16 kData = 0x3000, kActivation = 0x1001;
    for (int plane = 0; plane < kMostPlanes; ++plane) {
        const auto group = Uint16(0x6000 + 2 * plane);
        const std::string layer = code(dataset, DcmTagKey(group, kActivation));
        if (group == shutterGroup(dataset) || layer.empty()) {
            continue;
        }
        if (!dataset.tagExistsWithValue(DcmTagKey(group, kData))) {
            state.imagePlanes |= std::uint16_t(1U << plane);
        } else if (auto bitmap = findBitmap(dataset, group)) {
            state.overlays.push_back({layerOf(state, layer), std::move(bitmap)});
        } else {
            leaveOut(state, "overlay planes");
        }
    }
    std::stable_sort(state.overlays.begin(), state.overlays.end(), [&](const auto& a, const auto& b) { return orderOf(state, a.layer) < orderOf(state, b.layer); });
}

/// Subtraction of frames (C.11.13).
void readSubtraction(DcmItem& dataset, Presentation& state)
{
    bool isWhole = true;
    state.subtraction = findMaskSubtraction(dataset, &isWhole);
    if (!isWhole) {
        leaveOut(state, "subtraction");
    }
}

} // namespace

bool Presentation::isAmong(const Targets& targets, const std::string& uid, int frame)
{
    return std::any_of(targets.begin(), targets.end(), [&](const Target& target) { return target.sopInstanceUid == uid && (target.frames.empty() || target.frames.contains(frame + 1)); });
}

bool Presentation::isFor(const std::string& uid, int frame) const { return isAmong(images, uid, frame); }

bool Presentation::isFor(const Image& image) const { return isFor(image.sopInstanceUid, image.frame); }

std::optional<WindowLevel> Presentation::findWindow(const std::string& uid, int frame) const
{
    for (const Voi& voi : windows) {
        if (voi.targets.empty() || isAmong(voi.targets, uid, frame)) {
            return voi.window;
        }
    }
    return std::nullopt;
}

const Presentation::Area* Presentation::findArea(const std::string& uid, int frame) const
{
    const auto found = std::find_if(areas.begin(), areas.end(), [&](const Area& area) { return area.targets.empty() || isAmong(area.targets, uid, frame); });
    return found == areas.end() ? nullptr : &*found;
}

Presentation::Sides Presentation::sides() const
{
    // Clockwise, what was up comes to the right and what was right comes down.
    Sides sides{{1, 0}, {0, 1}};
    for (int turned = 0; turned < rotationDeg; turned += 90) {
        sides = {{-sides.down[0], -sides.down[1]}, sides.right};
    }
    if (isFlipped) {
        sides.right = {-sides.right[0], -sides.right[1]};
    }
    return sides;
}

bool Presentation::inverts(const Volume& volume) const { return !volume.isColor() && isInverted && *isInverted != volume.info().isInverted; }

namespace {

/// Has the state another way than the image from stored values to those of its windows?
bool changesValues(const Presentation& state, const Image& image)
{
    if (image.modalityLut != 0) {
        return false;   // what was stored cannot be told from the values; a scan says so where the tables differ
    }
    constexpr double kSame = 1e-6;
    return state.modality || (state.rescale && (std::abs((*state.rescale)[0] - image.rescale[0]) > kSame || std::abs((*state.rescale)[1] - image.rescale[1]) > kSame));
}

/// What a stored value becomes where changesValues().
double changedValue(const Presentation& state, double stored)
{
    return state.modality ? state.modality->at(std::int32_t(std::lround(stored))) : stored * (*state.rescale)[0] + (*state.rescale)[1];
}

/// The stored value behind one of the volume.
double storedValue(const std::array<double, 2>& rescale, double valueFactor, double value) { return (value / valueFactor - rescale[1]) / rescale[0]; }

/// Grey 0 to 255 of stored values, step by step as PS3.4 N.2 says: modality, window, presentation.
class GreyChain {
public:
    GreyChain(const Presentation& state, const Image& image, const std::optional<WindowLevel>& window, const Volume& volume, double valueFactor)
        : m_state(state), m_image(image), m_volumeWindow(volume.defaultWindow()), m_window(window), m_factor(valueFactor), m_isChanged(!volume.info().isSubtracted && changesValues(state, image)) {}

    /// @param value  of the volume.
    double grey(double value) const
    {
        const double level = m_window ? m_window->map(m_isChanged ? changed(value) : value / m_factor) : m_isChanged ? wholeRange(changed(value)) : m_volumeWindow.map(value);
        return m_state.presentation ? presented(level) : level;
    }

    /// Values of the volume: a state with a modality step and without a window shows all that comes out of them.
    void cover(double low, double high)
    {
        m_lowest = m_state.modality ? 0 : std::min(changed(low), changed(high));
        m_highest = m_state.modality ? double((1U << m_state.modality->bits) - 1) : std::max(changed(low), changed(high));
    }

private:
    double changed(double value) const { return changedValue(m_state, storedValue(m_image.rescale, m_factor, value)); }
    double wholeRange(double value) const { return m_highest > m_lowest ? std::clamp((value - m_lowest) / (m_highest - m_lowest), 0.0, 1.0) * 255 : 0; }
    double presented(double level) const
    {
        const LookupTable& table = *m_state.presentation;
        const auto index = std::int32_t(std::lround(level / 255 * double(table.values.size() - 1)));
        return std::min(255.0, double(table.at(table.first + index)) * 255 / double((1U << table.bits) - 1));
    }

    const Presentation& m_state;
    const Image& m_image;
    WindowLevel m_volumeWindow;
    std::optional<WindowLevel> m_window;
    double m_factor;
    bool m_isChanged;
    double m_lowest = 0, m_highest = 0;
};

/// The whole chain as one table over the values that the volume can have.
WindowLevel tableOf(GreyChain chain, const Volume& volume, double step)
{
    constexpr std::size_t kMostEntries = 65536;
    const std::array<double, 2> range = volume.info().storedRange.value_or(std::array{volume.range().minimum, volume.range().maximum});
    const double low = range[0], high = std::max(double(range[1]), low + step);
    if (isReal(volume.type())) {
        step = (high - low) / double(kMostEntries - 1);
    }
    std::size_t entries = std::size_t(std::min((high - low) / step, double(kMostEntries))) + 1;
    entries = std::min(entries, kMostEntries);
    const double between = std::max(step, (high - low) / double(entries - 1));
    chain.cover(low, high);
    auto levels = std::make_shared<std::vector<float>>(entries);
    for (std::size_t n = 0; n < entries; ++n) {
        (*levels)[n] = float(chain.grey(low + double(n) * between));
    }
    const double width = double(entries) * between;
    return {low + width / 2, width, {}, VoiFunction::Automatic, std::move(levels)};
}

} // namespace

WindowLevel presentedWindow(const Presentation* state, const Volume& volume, const Image& image, double valueFactor)
{
    if (!state || volume.isColor() || !state->isFor(image)) {
        return volume.defaultWindow();
    }
    const bool isOfDifferences = state->subtraction && state->subtraction->isRecommended;
    if (isOfDifferences != volume.info().isSubtracted) {
        return volume.defaultWindow();
    }
    auto window = state->findWindow(image.sopInstanceUid, image.frame);
    const std::string name = window && !window->name.empty() ? window->name : state->label;
    if (state->presentation || (!isOfDifferences && changesValues(*state, image))) {
        WindowLevel table = tableOf({*state, image, window, volume, valueFactor}, volume, std::abs(image.rescale[0] * valueFactor));
        table.name = name;
        return table;
    }
    if (!window) {
        return volume.defaultWindow();
    }
    window->center *= valueFactor;
    window->width *= valueFactor;
    // The offsets of the linear function are of stored values.
    window->function = valueFactor != 1 && window->function == VoiFunction::Linear ? VoiFunction::LinearExact : window->function;
    window->name = name;
    return *window;
}

std::function<double(double)> valueChange(const std::shared_ptr<const Presentation>& state, const Image& image, double valueFactor)
{
    if (!state || !state->isFor(image) || !changesValues(*state, image)) {
        return {};
    }
    return [state, rescale = image.rescale, valueFactor](double value) { return changedValue(*state, storedValue(rescale, valueFactor, value)); };
}

std::optional<Presentation> findPresentation(DcmItem& dataset)
{
    if (code(dataset, DCM_SOPClassUID) != UID_GrayscaleSoftcopyPresentationStateStorage) {
        return std::nullopt;
    }
    Presentation state;
    const std::string characterSets = allValues(dataset, DCM_SpecificCharacterSet);
    state.sopInstanceUid = code(dataset, DCM_SOPInstanceUID);
    state.label = code(dataset, DCM_ContentLabel);
    state.description = textOf(dataset, characterSets, DCM_ContentDescription);
    state.creator = textOf(dataset, characterSets, DCM_ContentCreatorName);
    state.created = code(dataset, DCM_PresentationCreationDate) + code(dataset, DCM_PresentationCreationTime);
    forEachItem(dataset, DCM_ReferencedSeriesSequence, [&](DcmItem& series) {
        const Presentation::Targets targets = readTargets(series);
        state.images.insert(state.images.end(), targets.begin(), targets.end());
    });
    readGrey(dataset, state);
    readLayers(dataset, state);
    readAnnotations(dataset, state);
    readAreas(dataset, state);
    readTurn(dataset, state);
    state.shutter = readShutter(dataset, state.notApplied);
    readOverlays(dataset, state);
    readSubtraction(dataset, state);
    return state;
}

} // namespace hf::dicom
