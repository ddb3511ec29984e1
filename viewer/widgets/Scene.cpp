#include "viewer/widgets/Scene.h"

#include <QUndoStack>

#include <algorithm>
#include <cmath>

namespace hf {

namespace {

double component(const ContinuousIndex& index, int axis) { return axis == 0 ? index.i : axis == 1 ? index.j : index.k; }

void setComponent(ContinuousIndex& index, int axis, double value) { (axis == 0 ? index.i : axis == 1 ? index.j : index.k) = value; }

PointLps middleOf(const Geometry& geometry)
{
    const Size3 size = geometry.size();
    return geometry.toLps(Index3{size.i / 2, size.j / 2, size.k / 2});
}

/// One mask for another, on the series that it was made for.
class MaskCommand : public QUndoCommand {
public:
    struct Side { LabelMap mask; std::vector<LabelFacts> facts; };
    MaskCommand(Scene* scene, Side before, Side after, const QString& what)
        : QUndoCommand(what), m_scene(scene), m_series(scene->series().key), m_before(std::move(before)), m_after(std::move(after)) {}
    void undo() override { m_scene->setMaskOf(m_series, m_before.mask, m_before.facts); }
    void redo() override { m_scene->setMaskOf(m_series, m_after.mask, m_after.facts); }

private:
    Scene* m_scene;
    std::string m_series;
    Side m_before, m_after;
};

} // namespace

Scene::Scene(QObject* parent) : QObject(parent), m_undo(new QUndoStack(this)) {}

void Scene::setVolume(std::shared_ptr<const Volume> volume, dicom::Series series)
{
    keepState();
    if (series.studyUid != m_series.studyUid) {
        m_undo->clear();
    }
    m_volume = std::move(volume);
    m_series = std::move(series);
    m_slab.mode = SlabMode::Off;
    m_activePlane = m_volume->geometry().acquisitionPlane();
    takeState();
    Q_EMIT volumeChanged();
    Q_EMIT maskChanged();
}

void Scene::keepState()
{
    if (m_volume) {
        m_states[m_series.key] = {m_window, m_inverted, m_cursor, m_mask, m_facts, m_hidden};
    }
}

void Scene::takeState()
{
    SeriesState& state = m_states[m_series.key];
    m_window = state.window.value_or(m_volume->defaultWindow());
    m_cursor = state.window ? state.cursor : middleOf(m_volume->geometry());
    m_inverted = state.inverted;
    // A mask of another grid would be a wrong picture.
    const bool fits = !state.mask.isEmpty() && state.mask.geometry().sameGridAs(m_volume->geometry());
    m_mask = fits ? state.mask : LabelMap();
    m_facts = fits ? state.facts : std::vector<LabelFacts>();
    m_hidden = state.hidden;
}

void Scene::clear()
{
    m_volume.reset();
    m_series = {};
    m_states.clear();
    m_undo->clear();
    m_mask = {};
    m_facts.clear();
    Q_EMIT volumeChanged();
    Q_EMIT maskChanged();
}

void Scene::setTool(Tool tool)
{
    if (tool != m_tool) {
        m_tool = tool;
        Q_EMIT toolChanged();
    }
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

void Scene::setSlab(Slab slab)
{
    slab.thicknessMm = std::clamp(slab.thicknessMm, 1.0, 200.0);
    if (isEmpty() || m_series.kind != dicom::SeriesKind::Volume || m_volume->isColor() || slab == m_slab) {
        return;
    }
    m_slab = slab;
    Q_EMIT slabChanged();
}

void Scene::reset()
{
    if (isEmpty()) {
        return;
    }
    setInverted(false);
    setSlab({SlabMode::Off, m_slab.thicknessMm});
    setWindow(m_volume->defaultWindow());
    setCursor(middleOf(m_volume->geometry()));
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

void Scene::changeMask(const LabelMap& mask, const std::vector<LabelFacts>& facts, const QString& what)
{
    m_undo->push(new MaskCommand(this, {m_mask, m_facts}, {mask, facts}, what));
}

void Scene::setMaskOf(const std::string& seriesKey, const LabelMap& mask, const std::vector<LabelFacts>& facts)
{
    if (m_volume && m_series.key == seriesKey) {
        setMask(mask, facts);
    } else {
        m_states[seriesKey].mask = mask;
        m_states[seriesKey].facts = facts;
    }
}

void Scene::clearMask()
{
    if (hasMask()) {
        changeMask({}, {}, tr("Remove the mask"));
    }
}

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
