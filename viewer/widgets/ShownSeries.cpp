#include "viewer/widgets/ShownSeries.h"

#include "viewer/dicom/Presentation.h"

#include <algorithm>
#include <cmath>

namespace hf {

namespace {

double component(const ContinuousIndex& index, int axis) { return axis == 0 ? index.i : axis == 1 ? index.j : index.k; }

void setComponent(ContinuousIndex& index, int axis, double value) { (axis == 0 ? index.i : axis == 1 ? index.j : index.k) = value; }

} // namespace

void ShownSeries::setCursor(PointLps point)
{
    const Geometry& geometry = volume->geometry();
    ContinuousIndex index = geometry.toIndex(point);
    for (int axis = 0; axis < 3; ++axis) {
        setComponent(index, axis, std::clamp(component(index, axis), 0.0, double(geometry.size().along(axis) - 1)));
    }
    place = cursor = geometry.toLps(index);
}

bool ShownSeries::isPlaced() const
{
    switch (series.format) {
    case dicom::SeriesFormat::Picture: return false;
    case dicom::SeriesFormat::Dicom: return std::all_of(series.images.begin(), series.images.end(), [](const dicom::Image& image) { return image.position.has_value(); });
    case dicom::SeriesFormat::VolumeFile: break;
    }
    const std::vector<Note>& notes = volume->info().notes;
    return std::none_of(notes.begin(), notes.end(), [](const Note& note) { return note.code == "unknown-sides"; });
}

void ShownSeries::releaseVolume()
{
    volume.reset();
    native.reset();
    subtraction.reset();
}

bool ShownSeries::canSubtract() const
{
    return volume && series.kind == dicom::SeriesKind::MultiImage && !volume->isColor() && volume->geometry().size().k == int(series.images.size());
}

const dicom::MaskSubtraction* ShownSeries::storedSubtraction() const
{
    const auto& stored = state() ? state()->subtraction : series.subtraction;
    return stored ? &*stored : nullptr;
}

std::shared_ptr<const Subtraction> ShownSeries::wantedSubtraction() const
{
    const dicom::MaskSubtraction* stored = storedSubtraction();
    if (!isSubtracted || !canSubtract() || (maskSlice < 0 && !stored)) {
        return nullptr;
    }
    Subtraction plan;
    if (maskSlice >= 0) {
        for (int slice = 0; slice < int(series.images.size()); ++slice) {
            plan.slices.push_back({{slice}, {maskSlice}, {0, 0}});
        }
    } else {
        plan = dicom::planSubtraction(*stored, series.images);
    }
    if (state()) {
        for (std::size_t n = 0; n < plan.slices.size() && maskSlice < 0; ++n) {
            plan.slices[n] = state()->isFor(series.images[n]) ? plan.slices[n] : Subtraction::Slice();
        }
        plan.values = dicom::valueChange(series.presentations[std::size_t(presentation)], series.images.front(), series.valueFactor);
    }
    return plan.isAny() ? std::make_shared<const Subtraction>(std::move(plan)) : nullptr;
}

void ShownSeries::centreCursor()
{
    const Size3 size = volume->geometry().size();
    setCursor(volume->geometry().toLps(Index3{size.i / 2, size.j / 2, size.k / 2}));
}

int ShownSeries::straightSlice(Plane plane) const
{
    const Geometry& geometry = volume->geometry();
    const int axis = geometry.axisAcross(plane);
    return std::clamp(int(std::lround(component(geometry.toIndex(cursor), axis))), 0, geometry.size().along(axis) - 1);
}

View ShownSeries::view(Plane plane) const
{
    View view;
    view.plane = plane;
    view.slice = straightSlice(plane);
    view.window = windowOn(plane);
    view.invert = isPictureInverted();
    view.shutter = shutterOn(plane);
    return view;
}

const dicom::Image* ShownSeries::imageOn(Plane plane) const
{
    const Geometry& geometry = volume->geometry();
    const Size3 size = geometry.size();
    constexpr int kAcrossImages = 2;
    const bool isImage = series.format == dicom::SeriesFormat::Dicom && geometry.axisAcross(plane) == kAcrossImages && !isOblique(plane) && size.i == series.columns && size.j == series.rows;
    if (!isImage) {
        return nullptr;
    }
    const int slice = straightSlice(plane);
    const auto& places = volume->info().places;
    constexpr double kSamePlace = 0.01;     // slices
    for (const dicom::Image& image : series.images) {
        const bool isHere = image.position && (places.empty() ? std::abs(geometry.toIndex(*image.position).k - slice) < kSamePlace : places[std::size_t(slice)].first == *image.position);
        if (isHere && series.kind == dicom::SeriesKind::Volume) {
            return &image;
        }
    }
    const bool isPlaced = series.kind == dicom::SeriesKind::Volume && series.images.front().position;
    return !isPlaced && int(series.images.size()) == size.k ? &series.images[std::size_t(slice)] : nullptr;
}

const dicom::Presentation* ShownSeries::stateOn(Plane plane) const
{
    const dicom::Image* image = state() ? imageOn(plane) : nullptr;
    return image && state()->isFor(*image) ? state() : nullptr;
}

const dicom::Image& ShownSeries::imageAtCursor() const
{
    const dicom::Image* image = imageOn(volume->geometry().acquisitionPlane());
    return image ? *image : series.images[series.images.size() / 2];
}

const dicom::Presentation* ShownSeries::stateAtCursor() const { return state() && state()->isFor(imageAtCursor()) ? state() : nullptr; }

std::shared_ptr<const Shutter> ShownSeries::storedShutterOn(Plane plane) const
{
    const dicom::Image* image = imageOn(plane);
    if (image && state() && state()->isFor(*image)) {
        const Shutter& shutter = state()->shutter;
        return shutter.isAny() ? std::shared_ptr<const Shutter>(series.presentations[std::size_t(presentation)], &shutter) : nullptr;
    }
    const auto& own = volume->info().shutters;
    return image && !own.empty() ? own[std::size_t(straightSlice(plane))] : nullptr;
}

WindowLevel ShownSeries::presentedWindow() const
{
    if (native && !subtraction->isSubtracted(straightSlice(volume->geometry().acquisitionPlane()))) {
        return native->defaultWindow();     // an image without a mask
    }
    if (const dicom::Presentation* here = stateAtCursor()) {
        return dicom::presentedWindow(here, *volume, imageAtCursor(), series.valueFactor);
    }
    const auto& windows = volume->info().imageWindows;
    return windows.empty() ? volume->defaultWindow() : windows[std::size_t(straightSlice(volume->geometry().acquisitionPlane()))];
}

WindowLevel ShownSeries::windowOn(Plane plane) const
{
    constexpr int kAcrossImages = 2;
    const bool isImage = volume->geometry().axisAcross(plane) == kAcrossImages && !isOblique(plane) && !slab.isOn();
    const bool isEachItsOwn = isVolume() && !native && !volume->info().imageWindows.empty() && !stateAtCursor() && window == presentedWindow();
    return isEachItsOwn && !isImage ? volume->defaultWindow() : window;
}

bool ShownSeries::isPictureInverted() const
{
    const dicom::Presentation* here = stateAtCursor();
    return inverted != (here && here->inverts(*volume));
}

int ShownSeries::slice(Plane plane) const { return isOblique(plane) ? obliqueSlice(volume->geometry(), normal(plane), cursor) : straightSlice(plane); }

int ShownSeries::sliceCount(Plane plane) const
{
    const Geometry& geometry = volume->geometry();
    return isOblique(plane) ? obliqueSliceCount(geometry, normal(plane)) : geometry.size().along(geometry.axisAcross(plane));
}

PointLps ShownSeries::cursorOn(Plane plane, int slice) const
{
    const Geometry& geometry = volume->geometry();
    slice = std::clamp(slice, 0, sliceCount(plane) - 1);
    if (isOblique(plane)) {
        return onObliqueSlice(geometry, normal(plane), cursor, slice);
    }
    ContinuousIndex index = geometry.toIndex(cursor);
    setComponent(index, geometry.axisAcross(plane), slice);
    return geometry.toLps(index);
}

SliceFrame ShownSeries::frame(Plane plane) const
{
    return isOblique(plane) ? obliqueFrame(volume->geometry(), plane, turn, cursor) : frameOf(volume->geometry(), view(plane));
}

} // namespace hf
