#include "viewer/widgets/MeasureTool.h"

#include "viewer/widgets/Findings.h"
#include "viewer/widgets/MeasurementPainter.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/Theme.h"

#include <QPainter>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace hf {

namespace {

constexpr double kHandleReach = 9, kLineReach = 5;      // pixels
constexpr double kClickReach = 4;                       // less movement than this is a click
constexpr double kFreehandStep = 3;

double distance(QPointF a, QPointF b) { return std::hypot(a.x() - b.x(), a.y() - b.y()); }

QPointF toScreen(const SliceFrame& frame, PointLps p)
{
    const auto [x, y] = frame.toPixel(p);
    return {x, y};
}

double distanceToSegment(QPointF a, QPointF b, QPointF p)
{
    const QPointF d = b - a;
    const double squared = QPointF::dotProduct(d, d);
    const double t = squared > 0 ? std::clamp(QPointF::dotProduct(p - a, d) / squared, 0.0, 1.0) : 0;
    return distance(p, a + d * t);
}

bool isEnter(int key) { return key == Qt::Key_Return || key == Qt::Key_Enter; }

/// Of an arrow key, one pixel.
QPointF stepOf(int key)
{
    return {double((key == Qt::Key_Right) - (key == Qt::Key_Left)), double((key == Qt::Key_Down) - (key == Qt::Key_Up))};
}

bool isClosedByClick(MeasurementKind kind) { return kind == MeasurementKind::Polygon; }

/// A handle of a box is one of its four corners; two of them are points of the measurement.
void moveBoxCorner(Measurement& m, int handle, PointLps to)
{
    const PointLps origin = m.points[0];
    const auto part = [&](PointLps p, Vec3 axis) { return dot(p - origin, axis); };
    const double x0 = part(m.points[0], m.right), y0 = part(m.points[0], m.down), x1 = part(m.points[1], m.right), y1 = part(m.points[1], m.down);
    const double x = part(to, m.right), y = part(to, m.down);
    const auto place = [&](double a, double b) { return origin + m.right * a + m.down * b; };
    switch (handle) {
    case 0: m.points = {place(x, y), place(x1, y1)}; break;
    case 1: m.points = {place(x0, y), place(x, y1)}; break;
    case 2: m.points = {place(x0, y0), place(x, y)}; break;
    case 3: m.points = {place(x, y0), place(x1, y)}; break;
    }
}

} // namespace

std::optional<MeasurementKind> MeasureTool::kindOf(Tool tool)
{
    static const std::map<Tool, MeasurementKind> kinds{{Tool::Length, MeasurementKind::Length}, {Tool::Angle, MeasurementKind::Angle}, {Tool::Cobb, MeasurementKind::Cobb},
        {Tool::Ellipse, MeasurementKind::Ellipse}, {Tool::Rectangle, MeasurementKind::Rectangle}, {Tool::Polygon, MeasurementKind::Polygon},
        {Tool::Freehand, MeasurementKind::Freehand}, {Tool::Arrow, MeasurementKind::Arrow}, {Tool::Text, MeasurementKind::Text}, {Tool::Probe, MeasurementKind::Probe}};
    const auto found = kinds.find(tool);
    return found == kinds.end() ? std::nullopt : std::optional(found->second);
}

std::vector<const Finding*> MeasureTool::findings() const { return m_series.empty() ? m_findings->ofShownSeries() : m_findings->ofSeries(m_series); }

bool MeasureTool::isShown(const Measurement& m, const SliceFrame& frame) const
{
    const ShownSeries* shown = m_series.empty() ? &m_scene->active() : m_scene->find(m_series);
    if (!shown || shown->isEmpty()) {
        return false;
    }
    const Geometry& geometry = shown->volume->geometry();
    // Half the distance of slices along the normal; on a slice the drawing is seen on that slice alone.
    const auto spacing = geometry.spacingMm();
    double thickness = 0;
    for (int axis = 0; axis < 3; ++axis) {
        thickness += std::abs(dot(geometry.direction(axis), frame.normal())) * spacing[std::size_t(axis)];
    }
    return std::abs(dot(m.normal(), frame.normal())) > 0.9999 && distanceToPlaneMm(m, frame.origin) < thickness * 0.5;
}

std::optional<MeasureTool::Hit> MeasureTool::hitAt(const SliceFrame& frame, QPointF at) const
{
    std::optional<Hit> best;
    double nearest = kHandleReach;
    for (const Finding* finding : findings()) {
        const Measurement& m = finding->measurement;
        if (!isShown(m, frame)) {
            continue;
        }
        const std::vector<PointLps> handles = handlesOf(m);
        for (std::size_t n = 0; n < handles.size(); ++n) {
            if (const double d = distance(toScreen(frame, handles[n]), at); d < nearest) {
                nearest = d;
                best = Hit{m.id, int(n)};
            }
        }
    }
    if (best) {
        return best;
    }
    for (const Finding* finding : findings()) {
        const Measurement& m = finding->measurement;
        if (!isShown(m, frame)) {
            continue;
        }
        for (const auto& [a, b] : linesOf(m)) {
            if (distanceToSegment(toScreen(frame, a), toScreen(frame, b), at) < kLineReach) {
                return Hit{m.id, -1};
            }
        }
    }
    return std::nullopt;
}

int MeasureTool::measurementAt(const SliceFrame& frame, QPointF at) const
{
    const auto hit = hitAt(frame, at);
    return hit ? hit->id : 0;
}

int MeasureTool::keyImageAt(const SliceFrame& frame) const
{
    for (const Finding* finding : findings()) {
        if (finding->measurement.kind == MeasurementKind::KeyImage && isShown(finding->measurement, frame)) {
            return finding->measurement.id;
        }
    }
    return 0;
}

std::optional<Qt::CursorShape> MeasureTool::cursorAt(const SliceFrame& frame, QPointF at) const
{
    if (m_draft) {
        return Qt::CrossCursor;
    }
    const auto hit = hitAt(frame, at);
    return !hit ? std::nullopt : std::optional(hit->handle < 0 ? Qt::SizeAllCursor : Qt::PointingHandCursor);
}

PointLps MeasureTool::placeAt(const SliceFrame& frame, QPointF at) const
{
    const PointLps place = frame.toLps(at.x(), at.y());
    const Measurement* own = m_draft ? &*m_draft : m_edit ? &m_edit->before : nullptr;
    return own ? place + own->normal() * dot(own->points.front() - place, own->normal()) : place;
}

bool MeasureTool::press(const SliceFrame& frame, QPointF at)
{
    m_pressed = m_last = at;
    m_isFirstPress = false;
    m_keyCursor.reset();
    if (isEditedByKeys()) {
        finishEdit();
    }
    const PointLps place = placeAt(frame, at);
    if (m_draft) {
        if (isClosedByClick(m_draft->kind) && m_draft->points.size() > pointsOf(m_draft->kind) && distance(toScreen(frame, m_draft->points.front()), at) < kHandleReach) {
            m_draft->points.pop_back();
            commit();
            return true;
        }
        m_draft->points.back() = place;
        return true;
    }
    if (const auto hit = hitAt(frame, at)) {
        m_findings->setSelected(hit->id);
        const Measurement& m = m_findings->find(hit->id)->measurement;
        m_edit = Edit{m, m, hit->handle, place};
        return true;
    }
    m_findings->setSelected(0);
    return startDraft(frame, at);
}

bool MeasureTool::startDraft(const SliceFrame& frame, QPointF at)
{
    const auto kind = kindOf(m_scene->tool());
    if (!kind) {
        return false;
    }
    const PointLps place = frame.toLps(at.x(), at.y());
    Measurement draft;
    draft.kind = *kind;
    draft.right = frame.right;
    draft.down = frame.down;
    draft.points = {place};
    if (*kind == MeasurementKind::Text) {
        m_textPlace = place;
        return true;
    }
    m_draft = std::move(draft);
    m_isFirstPress = true;
    if (*kind == MeasurementKind::Probe) {
        commit();
    } else {
        m_draft->points.push_back(place);
    }
    return true;
}

bool MeasureTool::move(const SliceFrame& frame, QPointF at, bool isPressed)
{
    const PointLps place = placeAt(frame, at);
    if (m_edit) {
        return isEditedByKeys() || moveEdit(place);
    }
    if (!m_draft) {
        return false;
    }
    if (m_draft->kind == MeasurementKind::Freehand) {
        if (isPressed && distance(m_last, at) >= kFreehandStep) {
            m_draft->points.push_back(place);
            m_last = at;
        }
        return true;
    }
    m_draft->points.back() = place;
    // The second line of a Cobb angle begins where it is pressed.
    if (isPressed && m_draft->kind == MeasurementKind::Cobb && m_draft->points.size() == 3 && distance(m_pressed, at) >= kClickReach) {
        m_draft->points.back() = placeAt(frame, m_pressed);
        m_draft->points.push_back(place);
    }
    return true;
}

bool MeasureTool::moveEdit(PointLps to)
{
    Measurement& now = m_edit->now;
    now = m_edit->before;
    if (m_edit->handle < 0) {
        const Vec3 by = to - m_edit->grabbed;
        for (PointLps& p : now.points) {
            p = p + by;
        }
    } else if (now.kind == MeasurementKind::Ellipse || now.kind == MeasurementKind::Rectangle) {
        moveBoxCorner(now, m_edit->handle, to);
    } else {
        now.points[std::size_t(m_edit->handle)] = to;
    }
    return true;
}

bool MeasureTool::release(const SliceFrame& frame, QPointF at)
{
    if (m_edit) {
        const Edit edit = *std::exchange(m_edit, std::nullopt);
        if (distance(m_pressed, at) >= 1) {
            m_findings->replace(edit.now);
        }
        return true;
    }
    if (!m_draft) {
        return false;
    }
    if (m_draft->kind == MeasurementKind::Freehand) {
        m_draft->points.size() > pointsOf(m_draft->kind) ? commit() : cancel();
        return true;
    }
    const bool isClick = distance(m_pressed, at) < kClickReach;
    if (m_isFirstPress && isClick) {
        return true;    // the second point floats until the next click
    }
    addPoint(placeAt(frame, at));
    return true;
}

void MeasureTool::addPoint(PointLps point)
{
    m_draft->points.back() = point;
    if (m_draft->points.size() == pointsOf(m_draft->kind) && m_draft->kind != MeasurementKind::Polygon) {
        commit();
    } else {
        m_draft->points.push_back(point);
    }
}

bool MeasureTool::doubleClick(const SliceFrame&, QPointF)
{
    // The click before it has set the last corner.
    if (m_draft && m_draft->kind == MeasurementKind::Polygon) {
        closePolygon();
        return true;
    }
    return m_draft.has_value();
}

bool MeasureTool::key(const SliceFrame& frame, int key, Qt::KeyboardModifiers modifiers)
{
    if (key == Qt::Key_Escape && isBusy()) {
        cancel();
        return true;
    }
    if (modifiers & ~(Qt::ShiftModifier | Qt::KeypadModifier)) {
        return false;
    }
    if (m_keyCursor && moveKeyCursor(frame, key, modifiers)) {
        return true;
    }
    if (m_keyCursor && !(modifiers & Qt::ShiftModifier) && (isEnter(key) || key == Qt::Key_Space)) {
        setPointByKey(frame);
        return true;
    }
    if (key == Qt::Key_Backspace) {
        return takeBack();
    }
    if (isEnter(key) && m_draft && m_draft->kind == MeasurementKind::Polygon) {
        closePolygon();
        return true;
    }
    return false;
}

bool MeasureTool::takeBack()
{
    // An outline that follows the mouse is drawn in one go.
    if (!m_draft || (m_draft->kind == MeasurementKind::Freehand && !m_keyCursor)) {
        return false;
    }
    if (m_draft->points.size() <= 2) {
        cancel();
    } else if (m_draft->kind == MeasurementKind::Freehand) {
        m_draft->points.pop_back();
        m_keyCursor = m_draft->points.back();
    } else {
        m_draft->points.erase(m_draft->points.end() - 2);
    }
    return true;
}

void MeasureTool::closePolygon()
{
    m_draft->points.pop_back();     // the floating one
    m_draft->points.size() >= pointsOf(m_draft->kind) ? commit() : cancel();
}

bool MeasureTool::moveKeyCursor(const SliceFrame& frame, int key, Qt::KeyboardModifiers modifiers)
{
    const QPointF step = stepOf(key) * (modifiers & Qt::ShiftModifier ? 10 : 1);
    if (step.isNull()) {
        return false;
    }
    const QPointF to = toScreen(frame, *m_keyCursor) + step;
    const QPointF at(std::clamp(to.x(), 0.0, frame.width - 1.0), std::clamp(to.y(), 0.0, frame.height - 1.0));
    m_keyCursor = frame.toLps(at.x(), at.y());
    if (m_edit) {
        moveEdit(placeAt(frame, at));
    } else {
        move(frame, at, m_draft && m_draft->kind == MeasurementKind::Freehand);
    }
    return true;
}

/// As a click there. A second time at the same place closes a polygon, and sets no further point of anything else.
void MeasureTool::setPointByKey(const SliceFrame& frame)
{
    const QPointF at = toScreen(frame, *m_keyCursor);
    if (m_edit) {
        finishEdit();
    } else if (!m_draft) {
        m_pressed = m_last = at;
        startDraft(frame, at);
    } else if (m_draft->kind == MeasurementKind::Freehand) {
        if (m_draft->points.size() > pointsOf(m_draft->kind)) {
            commit();
        }
    } else {
        const auto& points = m_draft->points;
        const bool isPolygon = m_draft->kind == MeasurementKind::Polygon, isSame = distance(toScreen(frame, points[points.size() - 2]), at) < 0.5;
        const bool isClosing = isPolygon && points.size() > pointsOf(m_draft->kind) && (isSame || distance(toScreen(frame, points.front()), at) < kHandleReach);
        if (isClosing) {
            closePolygon();
        } else if (!isSame) {
            addPoint(placeAt(frame, at));
        }
    }
}

bool MeasureTool::editByKeys(const SliceFrame& frame, int id)
{
    for (const Finding* finding : findings()) {
        const Measurement& m = finding->measurement;
        if (m.id == id && m_findings->find(id) == finding && m.kind != MeasurementKind::KeyImage && isShown(m, frame)) {
            cancel();
            m_findings->setSelected(id);
            m_edit = Edit{m, m, -1, {}, true};
            takeHandle(-1);
            return true;
        }
    }
    return false;
}

void MeasureTool::takeNextHandle(int step)
{
    const int count = int(handlesOf(m_edit->now).size()) + 1;
    takeHandle((m_edit->handle + 1 + step + count) % count - 1);
}

/// @param handle  -1: the whole.
void MeasureTool::takeHandle(int handle)
{
    m_edit->before = m_edit->now;
    m_edit->handle = handle;
    m_edit->grabbed = handle < 0 ? m_edit->now.points.front() : handlesOf(m_edit->now)[std::size_t(handle)];
    m_keyCursor = m_edit->grabbed;
}

void MeasureTool::finishEdit()
{
    const Measurement moved = std::exchange(m_edit, std::nullopt)->now;
    if (!kindOf(m_scene->tool())) {
        m_keyCursor.reset();
    }
    m_findings->replace(moved);
}

void MeasureTool::commit()
{
    const Measurement done = *std::exchange(m_draft, std::nullopt);
    m_findings->add(done);
}

void MeasureTool::cancel()
{
    m_draft.reset();
    m_edit.reset();
    if (!kindOf(m_scene->tool())) {
        m_keyCursor.reset();
    }
}

void MeasureTool::paintKeyCursor(QPainter& painter, const SliceFrame& frame) const
{
    if (!m_keyCursor) {
        return;
    }
    constexpr double kGap = 4, kReach = 14;
    const QPointF at = toScreen(frame, *m_keyCursor);
    for (const QPen& pen : {QPen(QColor(0, 0, 0, 160), 3), QPen(theme::kSelectedMeasurement, 1)}) {
        painter.setPen(pen);
        for (const QPointF& step : {QPointF(1, 0), QPointF(-1, 0), QPointF(0, 1), QPointF(0, -1)}) {
            painter.drawLine(at + step * kGap, at + step * kReach);
        }
    }
}

void MeasureTool::paint(QPainter& painter, const SliceFrame& frame) const
{
    const ShownSeries* shown = m_series.empty() ? &m_scene->active() : m_scene->find(m_series);
    MeasurementPainter pen(painter, frame, shown && shown->slab.isOn());
    for (const Finding* finding : findings()) {
        const bool isEdited = m_edit && m_edit->before.id == finding->measurement.id;
        const Measurement& m = isEdited ? m_edit->now : finding->measurement;
        if (isShown(m, frame)) {
            // Numbers are those of a study: another one beside it may have the same.
            const bool isSelected = m_findings->selected() == m.id && m_findings->find(m.id) == finding;
            pen.paint(m, isEdited ? m_findings->measureShown(m) : finding->facts, isSelected);
        }
    }
    if (m_draft) {
        pen.paint(*m_draft, m_findings->measureShown(*m_draft), true);
    }
}

} // namespace hf
