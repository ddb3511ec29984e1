#include "viewer/widgets/AxesTool.h"

#include "viewer/widgets/MeasureTool.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceAnnotations.h"

#include <QPainter>

#include <algorithm>
#include <cmath>

namespace hf {

namespace {

constexpr double kHandleReach = 9, kLineReach = 5, kHandleRadius = 4.5;    // pixels
constexpr int kSmallestView = 200;

struct Line {
    Plane plane;
    QPointF direction;      ///< On the screen, unit length.
};

/// The cuts of the other planes with the plane of a view.
std::vector<Line> linesIn(const ShownSeries& shown, const SliceFrame& frame, Plane own)
{
    std::vector<Line> lines;
    for (const Plane plane : {Plane::Axial, Plane::Sagittal, Plane::Coronal}) {
        const Vec3 along = cross(frame.normal(), shown.normal(plane));
        if (plane != own && length(along) > 1e-3) {
            const Vec3 unit = normalized(along);
            lines.push_back({plane, {dot(unit, frame.right), dot(unit, frame.down)}});
        }
    }
    return lines;
}

QPointF centreIn(const ShownSeries& shown, const SliceFrame& frame)
{
    const auto [x, y] = frame.toPixel(shown.cursor);
    return {x, y};
}

double handleDistance(QSize size) { return 0.3 * std::min(size.width(), size.height()); }

double length(QPointF p) { return std::hypot(p.x(), p.y()); }

double angleOf(QPointF p) { return std::atan2(p.y(), p.x()); }

} // namespace

std::optional<AxesTool::Grip> AxesTool::gripAt(const ShownSeries& shown, const SliceFrame& frame, Plane plane, QSize size, QPointF at) const
{
    if (!shown.isVolume() || std::min(size.width(), size.height()) < kSmallestView) {
        return std::nullopt;
    }
    const QPointF centre = centreIn(shown, frame);
    const std::vector<Line> lines = linesIn(shown, frame, plane);
    for (const Line& line : lines) {
        for (const double side : {-1.0, 1.0}) {
            if (length(centre + line.direction * side * handleDistance(size) - at) < kHandleReach) {
                return Grip{Part::Handle, line.plane};
            }
        }
    }
    if (m_scene->tool() != Tool::Axes) {
        return std::nullopt;
    }
    for (const Line& line : lines) {
        const QPointF from = at - centre;
        if (std::abs(from.x() * line.direction.y() - from.y() * line.direction.x()) < kLineReach && length(from) > 2 * kHandleReach) {
            return Grip{Part::Line, line.plane};
        }
    }
    return Grip{Part::Cursor, plane};
}

bool AxesTool::press(const SliceFrame& frame, Plane plane, QSize size, QPointF at)
{
    // Where a measurement is being drawn, nothing else may take the press.
    if (MeasureTool::kindOf(m_scene->tool())) {
        return false;
    }
    const ShownSeries& shown = m_scene->active();
    const auto grip = gripAt(shown, frame, plane, size, at);
    if (!grip) {
        return false;
    }
    m_drag = Drag{*grip, shown.turn, shown.cursor, frame.toLps(at.x(), at.y()), angleOf(at - centreIn(shown, frame))};
    if (grip->part == Part::Cursor) {
        m_scene->setCursor(m_drag->grabbed);
    }
    return true;
}

bool AxesTool::move(const SliceFrame& frame, QPointF at)
{
    if (!m_drag) {
        return false;
    }
    const PointLps place = frame.toLps(at.x(), at.y());
    switch (m_drag->grip.part) {
    case Part::Handle: m_scene->setTurn(m_drag->turn.turnedAbout(frame.normal(), angleOf(at - centreIn(m_scene->active(), frame)) - m_drag->angle)); break;
    case Part::Line: {
        const Vec3 normal = m_scene->active().normal(m_drag->grip.plane);
        m_scene->setCursor(m_drag->cursor + normal * dot(place - m_drag->grabbed, normal));
        break;
    }
    case Part::Cursor: m_scene->setCursor(place); break;
    }
    return true;
}

std::optional<Qt::CursorShape> AxesTool::cursorAt(const ShownSeries& shown, const SliceFrame& frame, Plane plane, QSize size, QPointF at) const
{
    if (MeasureTool::kindOf(m_scene->tool())) {
        return std::nullopt;
    }
    const auto grip = gripAt(shown, frame, plane, size, at);
    return !grip ? std::nullopt : std::optional(grip->part == Part::Handle ? Qt::PointingHandCursor : grip->part == Part::Line ? Qt::SizeAllCursor : Qt::CrossCursor);
}

void AxesTool::paintHandles(QPainter& painter, const ShownSeries& shown, const SliceFrame& frame, Plane plane, QSize size) const
{
    if (std::min(size.width(), size.height()) < kSmallestView) {
        return;
    }
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    const QPointF centre = centreIn(shown, frame);
    for (const Line& line : linesIn(shown, frame, plane)) {
        QColor color = planeColor(line.plane);
        color.setAlpha(m_scene->tool() == Tool::Axes || m_drag ? 255 : 130);
        painter.setPen(QPen(color, 1.5));
        painter.setBrush(m_drag && m_drag->grip.part == Part::Handle ? QBrush(color) : QBrush(QColor(0, 0, 0, 120)));
        for (const double side : {-1.0, 1.0}) {
            painter.drawEllipse(centre + line.direction * side * handleDistance(size), kHandleRadius, kHandleRadius);
        }
    }
    painter.restore();
}

} // namespace hf
