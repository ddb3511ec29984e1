#include "viewer/widgets/MeasurementPainter.h"

#include "viewer/widgets/MeasurementText.h"
#include "viewer/widgets/Theme.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>

namespace hf {

std::vector<PointLps> handlesOf(const Measurement& m)
{
    if (m.kind == MeasurementKind::Freehand || m.kind == MeasurementKind::KeyImage) {
        return {};      // moved as a whole, hundreds of handles help nobody; or nothing to be seen
    }
    if ((m.kind != MeasurementKind::Ellipse && m.kind != MeasurementKind::Rectangle) || m.points.size() < 2) {
        return m.points;
    }
    const double x = dot(m.points[1] - m.points[0], m.right), y = dot(m.points[1] - m.points[0], m.down);
    return {m.points[0], m.points[0] + m.right * x, m.points[1], m.points[0] + m.down * y};
}

std::vector<std::pair<PointLps, PointLps>> linesOf(const Measurement& m)
{
    std::vector<std::pair<PointLps, PointLps>> lines;
    if (m.kind == MeasurementKind::Cobb) {
        for (std::size_t n = 0; n + 1 < m.points.size(); n += 2) {
            lines.emplace_back(m.points[n], m.points[n + 1]);
        }
        return lines;
    }
    const std::vector<PointLps> outline = outlineOf(m);
    const std::vector<PointLps>& points = outline.empty() ? m.points : outline;
    for (std::size_t n = 0; n + 1 < points.size(); ++n) {
        lines.emplace_back(points[n], points[n + 1]);
    }
    if (outline.size() > 2) {
        lines.emplace_back(outline.back(), outline.front());
    }
    return lines;
}

void drawRimmedText(QPainter& painter, const QRectF& box, int flags, const QString& text, QColor color)
{
    painter.setPen(QColor(0, 0, 0, 200));
    for (const QPointF offset : {QPointF(1, 1), QPointF(-1, 1), QPointF(1, -1), QPointF(-1, -1)}) {
        painter.drawText(box.translated(offset), flags, text);
    }
    painter.setPen(color);
    painter.drawText(box, flags, text);
}

QPointF MeasurementPainter::at(PointLps point) const
{
    const auto [x, y] = m_frame.toPixel(point);
    return {x, y};
}

void MeasurementPainter::paint(const Measurement& m, const MeasurementFacts& facts, bool isSelected)
{
    if (m.points.empty() || m.kind == MeasurementKind::KeyImage) {
        return;     // a key image says so at its border
    }
    const QColor color = isSelected ? theme::kSelectedMeasurement : theme::kMeasurement;
    m_painter.save();
    m_painter.setRenderHint(QPainter::Antialiasing);
    m_painter.setBrush(Qt::NoBrush);
    paintLines(m, color);
    if (isSelected) {
        paintHandles(m, color);
    }
    paintText(m, facts, color);
    m_painter.restore();
}

void MeasurementPainter::paintLines(const Measurement& m, const QColor& color) const
{
    std::vector<std::pair<QPointF, QPointF>> lines;
    for (const auto& [a, b] : linesOf(m)) {
        lines.emplace_back(at(a), at(b));
    }
    if (m.kind == MeasurementKind::Probe) {
        const QPointF p = at(m.points[0]);
        lines.emplace_back(p - QPointF(6, 0), p + QPointF(6, 0));
        lines.emplace_back(p - QPointF(0, 6), p + QPointF(0, 6));
    }
    // A dark line below keeps it visible on bone and air alike.
    for (const QPen& pen : {QPen(QColor(0, 0, 0, 170), 3.2), QPen(color, 1.5)}) {
        m_painter.setPen(pen);
        for (const auto& [a, b] : lines) {
            m_painter.drawLine(a, b);
        }
    }
    if (m.kind == MeasurementKind::Length && m.points.size() == 2) {
        const QPointF a = at(m.points[0]), b = at(m.points[1]), d = b - a;
        const double size = std::hypot(d.x(), d.y());
        const QPointF tick = size > 1 ? QPointF(-d.y(), d.x()) * (5 / size) : QPointF(0, 5);
        m_painter.drawLine(a - tick, a + tick);
        m_painter.drawLine(b - tick, b + tick);
    }
    if (m.kind == MeasurementKind::Arrow && m.points.size() == 2) {
        paintArrowHead(at(m.points[0]), at(m.points[1]), color);
    }
    if (m.kind == MeasurementKind::Cobb && m.points.size() == 4) {
        QPen dashed(color, 1, Qt::DashLine);
        m_painter.setPen(dashed);
        m_painter.drawLine((at(m.points[0]) + at(m.points[1])) / 2, (at(m.points[2]) + at(m.points[3])) / 2);
    }
}

void MeasurementPainter::paintArrowHead(QPointF tip, QPointF tail, const QColor& color) const
{
    const QPointF d = tail - tip;
    const double size = std::hypot(d.x(), d.y());
    if (size < 1) {
        return;
    }
    const QPointF along = d / size, side(-along.y(), along.x());
    m_painter.setBrush(color);
    m_painter.drawPolygon(QPolygonF{tip, tip + along * 12 + side * 5, tip + along * 12 - side * 5});
    m_painter.setBrush(Qt::NoBrush);
}

void MeasurementPainter::paintHandles(const Measurement& m, const QColor& color) const
{
    m_painter.setPen(QPen(Qt::black, 1));
    m_painter.setBrush(color);
    for (const PointLps& p : handlesOf(m)) {
        m_painter.drawEllipse(at(p), 4, 4);
    }
    m_painter.setBrush(Qt::NoBrush);
}

QRectF MeasurementPainter::placeText(const Measurement& m, QSizeF size) const
{
    const std::vector<PointLps> outline = handlesOf(m).empty() ? outlineOf(m) : handlesOf(m);
    QRectF around(at(m.points.front()), QSizeF(0, 0));
    for (const PointLps& p : outline) {
        around = around.united(QRectF(at(p), QSizeF(0.1, 0.1)));
    }
    if (m.kind == MeasurementKind::Text) {
        return QRectF(at(m.points.front()) - QPointF(0, size.height() / 2), size);
    }
    constexpr double kGap = 8;
    const QPointF middle = around.center();
    const QPointF places[] = {{around.right() + kGap, middle.y() - size.height() / 2}, {middle.x() - size.width() / 2, around.bottom() + kGap},
        {around.left() - kGap - size.width(), middle.y() - size.height() / 2}, {middle.x() - size.width() / 2, around.top() - kGap - size.height()},
        {around.right() + kGap, around.bottom() + kGap}};
    const QRectF view(4, 4, std::max(1, m_frame.width - 8), std::max(1, m_frame.height - 8));
    for (const QPointF& place : places) {
        const QRectF box(place, size);
        if (view.contains(box) && std::none_of(m_texts.begin(), m_texts.end(), [&](const QRectF& used) { return used.intersects(box); })) {
            return box;
        }
    }
    return QRectF(places[0], size);
}

void MeasurementPainter::paintText(const Measurement& m, const MeasurementFacts& facts, const QColor& color)
{
    QStringList lines = measurementLines(m, facts);
    if (m_isSlab && (facts.region || facts.value)) {
        lines << QCoreApplication::translate("hf::MeasurementText", "(values of the thin slice)");
    }
    const QString text = lines.join('\n');
    if (text.isEmpty()) {
        return;
    }
    const QRectF need = m_painter.fontMetrics().boundingRect(QRect(0, 0, 1000, 1000), Qt::AlignLeft, text);
    QRectF box = placeText(m, need.size() + QSizeF(4, 2));
    // Never outside the view.
    box.moveLeft(std::clamp(box.left(), 4.0, std::max(4.0, m_frame.width - box.width() - 4)));
    box.moveTop(std::clamp(box.top(), 4.0, std::max(4.0, m_frame.height - box.height() - 4)));
    m_texts.push_back(box);
    drawRimmedText(m_painter, box, Qt::AlignLeft | Qt::AlignTop, text, color);
}

} // namespace hf
