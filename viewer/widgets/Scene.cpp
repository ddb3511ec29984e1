#include "viewer/widgets/Scene.h"

#include <algorithm>
#include <cmath>

namespace hf {

namespace {

double component(const ContinuousIndex& index, int axis) { return axis == 0 ? index.i : axis == 1 ? index.j : index.k; }

void setComponent(ContinuousIndex& index, int axis, double value) { (axis == 0 ? index.i : axis == 1 ? index.j : index.k) = value; }

} // namespace

void Scene::setVolume(std::shared_ptr<const Volume> volume, dicom::Series series)
{
    m_mask = {};
    m_facts.clear();
    m_hidden.clear();
    m_volume = std::move(volume);
    m_series = std::move(series);
    m_activePlane = m_volume->geometry().acquisitionPlane();
    m_window = m_volume->defaultWindow();
    m_inverted = false;
    const Size3 size = m_volume->geometry().size();
    m_cursor = m_volume->geometry().toLps(Index3{size.i / 2, size.j / 2, size.k / 2});
    Q_EMIT volumeChanged();
    Q_EMIT maskChanged();
}

void Scene::clear()
{
    m_volume.reset();
    m_mask = {};
    m_facts.clear();
    Q_EMIT volumeChanged();
    Q_EMIT maskChanged();
}

void Scene::setWindow(const WindowLevel& window)
{
    if (!(window.width > 0) || !std::isfinite(window.center) || window == m_window) {
        return;
    }
    m_window = window;
    Q_EMIT windowChanged();
}

void Scene::setInverted(bool inverted)
{
    if (inverted != m_inverted) {
        m_inverted = inverted;
        Q_EMIT windowChanged();
    }
}

void Scene::reset()
{
    if (isEmpty()) {
        return;
    }
    setInverted(false);
    setWindow(m_volume->defaultWindow());
    const Size3 size = m_volume->geometry().size();
    setCursor(m_volume->geometry().toLps(Index3{size.i / 2, size.j / 2, size.k / 2}));
}

void Scene::setCursor(PointLps point)
{
    if (isEmpty()) {
        return;
    }
    const Geometry& geometry = m_volume->geometry();
    ContinuousIndex index = geometry.toIndex(point);
    for (int axis = 0; axis < 3; ++axis) {
        setComponent(index, axis, std::clamp(component(index, axis), 0.0, double(geometry.size().along(axis) - 1)));
    }
    m_cursor = geometry.toLps(index);
    Q_EMIT cursorChanged();
}

int Scene::slice(Plane plane) const
{
    const Geometry& geometry = m_volume->geometry();
    const int axis = geometry.axisAcross(plane);
    return std::clamp(int(std::lround(component(geometry.toIndex(m_cursor), axis))), 0, geometry.size().along(axis) - 1);
}

int Scene::sliceCount(Plane plane) const { return m_volume->geometry().size().along(m_volume->geometry().axisAcross(plane)); }

void Scene::setSlice(Plane plane, int slice)
{
    if (isEmpty()) {
        return;
    }
    const Geometry& geometry = m_volume->geometry();
    ContinuousIndex index = geometry.toIndex(m_cursor);
    setComponent(index, geometry.axisAcross(plane), std::clamp(slice, 0, sliceCount(plane) - 1));
    setCursor(geometry.toLps(index));
}

View Scene::view(Plane plane) const
{
    View view;
    view.plane = plane;
    view.slice = slice(plane);
    view.window = m_window;
    view.invert = m_inverted;
    return view;
}

void Scene::setActivePlane(Plane plane)
{
    if (plane != m_activePlane) {
        m_activePlane = plane;
        Q_EMIT activePlaneChanged();
    }
}

void Scene::setMask(const LabelMap& mask, const std::vector<LabelFacts>& facts)
{
    m_mask = mask;
    m_facts = facts;
    m_hidden.clear();
    m_maskShown = true;
    Q_EMIT maskChanged();
}

void Scene::clearMask() { setMask({}, {}); }

void Scene::setLabelVisible(LabelId value, bool visible)
{
    if (visible == isLabelVisible(value)) {
        return;
    }
    visible ? void(m_hidden.remove(value)) : void(m_hidden.insert(value));
    Q_EMIT maskStyleChanged();
}

void Scene::setLabelColor(LabelId value, Rgb8 color)
{
    std::vector<Label> labels = m_mask.labels();
    for (Label& label : labels) {
        if (label.value == value) {
            label.color = color;
        }
    }
    m_mask = LabelMap(m_mask.geometry(), m_mask.voxels(), std::move(labels), m_mask.provenance());
    Q_EMIT maskStyleChanged();
}

void Scene::setMaskOpacity(double opacity)
{
    m_opacity = std::clamp(opacity, 0.0, 1.0);
    Q_EMIT maskStyleChanged();
}

void Scene::setMaskOutline(bool outline)
{
    m_outline = outline;
    Q_EMIT maskStyleChanged();
}

void Scene::setMaskShown(bool shown)
{
    if (shown != m_maskShown) {
        m_maskShown = shown;
        Q_EMIT maskStyleChanged();
    }
}

OverlayStyle Scene::overlayStyle() const
{
    OverlayStyle style;
    style.opacity = m_opacity;
    style.outline = m_outline;
    for (const int value : m_hidden) {
        style.hidden.push_back(LabelId(value));
    }
    return style;
}

void Scene::jumpToLabel(LabelId value)
{
    for (const LabelFacts& facts : m_facts) {
        if (facts.value == value && facts.voxels > 0) {
            setLabelVisible(value, true);
            setMaskShown(true);
            const auto& s = facts.largestSlice;
            setCursor(m_volume->geometry().toLps(Index3{s[0], s[1], s[2]}));
            return;
        }
    }
}

} // namespace hf
