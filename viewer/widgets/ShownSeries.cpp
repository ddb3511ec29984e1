#include "viewer/widgets/ShownSeries.h"

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
    cursor = geometry.toLps(index);
    outsideMm = 0;
}

void ShownSeries::centreCursor()
{
    const Size3 size = volume->geometry().size();
    setCursor(volume->geometry().toLps(Index3{size.i / 2, size.j / 2, size.k / 2}));
}

View ShownSeries::view(Plane plane) const
{
    const Geometry& geometry = volume->geometry();
    const int axis = geometry.axisAcross(plane);
    View view;
    view.plane = plane;
    view.slice = std::clamp(int(std::lround(component(geometry.toIndex(cursor), axis))), 0, geometry.size().along(axis) - 1);
    view.window = window;
    view.invert = inverted;
    return view;
}

int ShownSeries::slice(Plane plane) const { return isOblique(plane) ? obliqueSlice(volume->geometry(), normal(plane), cursor) : view(plane).slice; }

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
