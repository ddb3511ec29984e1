#include "viewer/dicom/Presentation.h"

#include "viewer/dicom/Attributes.h"
#include "viewer/dicom/Tables.h"

#include <dcmtk/dcmdata/dcuid.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hf::dicom {

namespace {

template <typename Function> void forEachItem(DcmItem& item, const DcmTagKey& tag, Function function)
{
    DcmSequenceOfItems* sequence = findSequence(item, tag);
    for (DcmObject* object = sequence ? sequence->nextInContainer(nullptr) : nullptr; object; object = sequence->nextInContainer(object)) {
        function(*static_cast<DcmItem*>(object));
    }
}

void readTargets(DcmItem& item, std::vector<Presentation::Target>& targets)
{
    forEachItem(item, DCM_ReferencedImageSequence, [&](DcmItem& image) {
        Presentation::Target target{code(image, DCM_ReferencedSOPInstanceUID), {}};
        for (const double frame : numbers(image, DCM_ReferencedFrameNumber)) {
            target.frames.insert(int(frame));
        }
        targets.push_back(std::move(target));
    });
}

bool isAmong(const std::vector<Presentation::Target>& targets, const std::string& uid, int frame)
{
    return std::any_of(targets.begin(), targets.end(), [&](const Presentation::Target& target) { return target.sopInstanceUid == uid && (target.frames.empty() || target.frames.contains(frame + 1)); });
}

/// Points of a graphic as corners of a line; empty for kinds that are not drawn (PS3.3 C.10.5.1.2).
std::vector<std::array<double, 2>> cornersOf(const std::string& type, const std::vector<std::array<double, 2>>& given)
{
    constexpr int kSteps = 90;
    std::vector<std::array<double, 2>> corners;
    if ((type == "POLYLINE" || type == "INTERPOLATED" || type == "POINT") && !given.empty()) {
        return given;
    }
    std::array<double, 2> centre{}, major{}, minor{};
    if (type == "CIRCLE" && given.size() == 2) {
        centre = given[0];
        major = {given[1][0] - centre[0], given[1][1] - centre[1]};
        minor = {-major[1], major[0]};
    } else if (type == "ELLIPSE" && given.size() == 4) {
        centre = {(given[0][0] + given[1][0]) / 2, (given[0][1] + given[1][1]) / 2};
        major = {given[1][0] - centre[0], given[1][1] - centre[1]};
        minor = {given[3][0] - centre[0], given[3][1] - centre[1]};
    } else {
        return corners;
    }
    for (int step = 0; step <= kSteps; ++step) {
        const double angle = 2 * std::numbers::pi * step / kSteps;
        corners.push_back({centre[0] + major[0] * std::cos(angle) + minor[0] * std::sin(angle), centre[1] + major[1] * std::cos(angle) + minor[1] * std::sin(angle)});
    }
    return corners;
}

void readGraphics(DcmItem& dataset, Presentation& state)
{
    forEachItem(dataset, DCM_GraphicAnnotationSequence, [&](DcmItem& annotation) {
        std::vector<Presentation::Target> targets;
        readTargets(annotation, targets);
        state.hasMore = state.hasMore || findItem(annotation, DCM_TextObjectSequence);
        forEachItem(annotation, DCM_GraphicObjectSequence, [&](DcmItem& graphic) {
            const std::vector<double> data = numbers(graphic, DCM_GraphicData);
            std::vector<std::array<double, 2>> given;
            for (std::size_t n = 0; n + 1 < data.size(); n += 2) {
                given.push_back({data[n], data[n + 1]});
            }
            const auto corners = code(graphic, DCM_GraphicAnnotationUnits) == "PIXEL" ? cornersOf(code(graphic, DCM_GraphicType), given) : std::vector<std::array<double, 2>>();
            if (corners.empty()) {
                state.hasMore = true;
            } else {
                state.lines.push_back({targets, corners});
            }
        });
    });
}

} // namespace

bool Presentation::isFor(const std::string& sopInstanceUid, int frame) const { return isAmong(images, sopInstanceUid, frame); }

std::optional<WindowLevel> Presentation::findWindow(const std::string& sopInstanceUid, int frame) const
{
    for (const Voi& voi : windows) {
        if (voi.targets.empty() || isAmong(voi.targets, sopInstanceUid, frame)) {
            return voi.window;
        }
    }
    return std::nullopt;
}

void Presentation::draw(const std::string& sopInstanceUid, int frame, int rows, int columns, std::vector<std::uint8_t>& drawn) const
{
    for (const Line& line : lines) {
        if (!line.targets.empty() && !isAmong(line.targets, sopInstanceUid, frame)) {
            continue;
        }
        drawn.resize(std::size_t(rows) * std::size_t(columns));
        for (std::size_t n = 0; n < line.points.size(); ++n) {
            const auto &from = line.points[n == 0 ? 0 : n - 1], &to = line.points[n];
            // Far away corners do not take forever.
            const double length = std::min(1e5, std::max(std::abs(to[0] - from[0]), std::abs(to[1] - from[1])));
            const int steps = int(std::ceil(length)) + 1;
            for (int step = 0; step <= steps; ++step) {
                const double x = std::floor(from[0] + (to[0] - from[0]) * step / steps), y = std::floor(from[1] + (to[1] - from[1]) * step / steps);
                if (x >= 0 && y >= 0 && x < columns && y < rows) {
                    drawn[std::size_t(y) * std::size_t(columns) + std::size_t(x)] = 1;
                }
            }
        }
    }
}

std::optional<Presentation> findPresentation(DcmItem& dataset)
{
    if (code(dataset, DCM_SOPClassUID) != UID_GrayscaleSoftcopyPresentationStateStorage) {
        return std::nullopt;
    }
    Presentation state;
    state.label = code(dataset, DCM_ContentLabel);
    state.created = code(dataset, DCM_PresentationCreationDate) + code(dataset, DCM_PresentationCreationTime);
    forEachItem(dataset, DCM_ReferencedSeriesSequence, [&](DcmItem& series) { readTargets(series, state.images); });
    forEachItem(dataset, DCM_SoftcopyVOILUTSequence, [&](DcmItem& item) {
        Presentation::Voi voi;
        readTargets(item, voi.targets);
        // Values may be below zero after the rescale: tables that start there say so with a signed first value.
        const std::vector<WindowLevel> windows = readWindows(item, true);
        if (!windows.empty()) {
            voi.window = windows.front();
            state.windows.push_back(std::move(voi));
        }
    });
    state.isInverted = code(dataset, DCM_PresentationLUTShape) == "INVERSE";
    readGraphics(dataset, state);
    const bool isTurned = integer(dataset, DCM_ImageRotation) != 0 || code(dataset, DCM_ImageHorizontalFlip) == "Y";
    state.hasMore = state.hasMore || isTurned || findItem(dataset, DCM_PresentationLUTSequence) || !code(dataset, DCM_ShutterShape).empty();
    return state;
}

} // namespace hf::dicom
