#include "viewer/widgets/PresentationPainter.h"

#include "viewer/widgets/MeasurementPainter.h"
#include "viewer/widgets/ShownSeries.h"

#include <QImage>
#include <QPainter>

#include <algorithm>

namespace hf {

namespace {

const QColor kPlain{0x7c, 0xf0, 0xc8};      // of drawings that say no colour; none of our own has it

} // namespace

PresentationPainter::PresentationPainter(const ShownSeries& shown, Plane plane, const SliceFrame& frame) : m_shown(shown), m_frame(frame), m_state(shown.stateOn(plane))
{
    if (m_state) {
        m_image = shown.imageOn(plane);
        m_slice = shown.slice(plane);
    }
}

bool PresentationPainter::isShown(const State::Targets& targets) const { return targets.empty() || State::isAmong(targets, m_image->sopInstanceUid, m_image->frame); }

QPointF PresentationPainter::at(const State::Point& point, State::Units units) const
{
    State::Point inImage = point;
    if (units == State::Units::Display) {
        const State::Area* area = m_state->findArea(m_image->sopInstanceUid, m_image->frame);
        const State::Point low = area ? area->low : State::Point{0, 0};
        const State::Point high = area ? area->high : State::Point{double(m_shown.series.columns), double(m_shown.series.rows)};
        const State::Sides sides = m_state->sides();
        for (std::size_t axis = 0; axis < 2; ++axis) {
            const double along = (point[0] - 0.5) * sides.right[axis] + (point[1] - 0.5) * sides.down[axis];
            inImage[axis] = (low[axis] + high[axis]) / 2 + along * (high[axis] - low[axis]);
        }
    }
    // The centre of the first pixel is 0.5, 0.5 in the image and 0, 0 in the volume.
    const auto [x, y] = m_frame.toPixel(m_shown.volume->geometry().toLps(ContinuousIndex{inImage[0] - 0.5, inImage[1] - 0.5, double(m_slice)}));
    return {x, y};
}

QColor PresentationPainter::colorOf(int layer) const
{
    const auto& color = layer < 0 ? std::nullopt : m_state->layers[std::size_t(layer)].color;
    return color ? QColor((*color)[0], (*color)[1], (*color)[2]) : kPlain;
}

void PresentationPainter::paintGraphics(QPainter& painter) const
{
    if (!m_state) {
        return;
    }
    painter.save();
    for (const State::Overlay& overlay : m_state->overlays) {
        paintOverlay(painter, overlay);
    }
    painter.setRenderHint(QPainter::Antialiasing);
    for (const State::Graphic& graphic : m_state->graphics) {
        if (isShown(graphic.targets)) {
            paintGraphic(painter, graphic);
        }
    }
    for (const State::Text& text : m_state->texts) {
        if (isShown(text.targets)) {
            paintText(painter, text);
        }
    }
    painter.restore();
}

/// Each drawn pixel covers one of the image.
void PresentationPainter::paintOverlay(QPainter& painter, const State::Overlay& overlay) const
{
    const auto& bitmap = *overlay.bitmap;
    QImage image(bitmap.covered.data(), bitmap.columns, bitmap.rows, bitmap.columns, QImage::Format_Indexed8);
    image.setColorTable({qRgba(0, 0, 0, 0), colorOf(overlay.layer).rgb()});
    const QPointF origin = at({0, 0}, State::Units::Image), right = at({1, 0}, State::Units::Image) - origin, down = at({0, 1}, State::Units::Image) - origin;
    painter.save();
    painter.setTransform(QTransform(right.x(), right.y(), down.x(), down.y(), origin.x(), origin.y()), true);
    painter.drawImage(0, 0, image);
    painter.restore();
}

void PresentationPainter::paintGraphic(QPainter& painter, const State::Graphic& graphic) const
{
    QPainterPath path;
    if (graphic.isPoint) {
        constexpr double kArm = 5;
        const QPointF p = at(graphic.points.front(), graphic.units);
        path.moveTo(p - QPointF(kArm, 0));
        path.lineTo(p + QPointF(kArm, 0));
        path.moveTo(p - QPointF(0, kArm));
        path.lineTo(p + QPointF(0, kArm));
    } else {
        QPolygonF line;
        for (const State::Point& point : graphic.points) {
            line << at(point, graphic.units);
        }
        path.addPolygon(line);
    }
    const QColor color = colorOf(graphic.layer);
    if (graphic.isFilled && !graphic.isPoint) {
        painter.fillPath(path, color);
    }
    // A dark line below keeps it visible on bone and air alike.
    painter.strokePath(path, QPen(QColor(0, 0, 0, 170), 3.2));
    painter.strokePath(path, QPen(color, 1.5));
}

void PresentationPainter::paintText(QPainter& painter, const State::Text& text) const
{
    const QString words = QString::fromStdString(text.words);
    QFont font = painter.font();
    constexpr int kPlainPixels = 14, kSmallest = 11, kLargest = 40;
    QRectF box;
    int align = Qt::AlignLeft | Qt::AlignTop;
    if (text.box) {
        box = QRectF(at(text.box->topLeft, text.box->units), at(text.box->bottomRight, text.box->units)).normalized();
        align = Qt::AlignVCenter | (text.box->justification == State::Justification::Right ? Qt::AlignRight : text.box->justification == State::Justification::Center ? Qt::AlignHCenter : Qt::AlignLeft);
        font.setPixelSize(std::clamp(int(box.height() / double(words.count('\n') + 1) * 0.7), kSmallest, kLargest));
    } else {
        font.setPixelSize(kPlainPixels);
        const QSizeF size = QFontMetricsF(font).size(0, words);
        box = QRectF(at(text.anchor->point, text.anchor->units) + QPointF(8, -size.height() / 2), size);
    }
    painter.setFont(font);
    paintAnchor(painter, text, box);
    drawRimmedText(painter, box, align | Qt::TextDontClip, words, colorOf(text.layer));
}

/// A line from the text to the place that it is about, or a mark there.
void PresentationPainter::paintAnchor(QPainter& painter, const State::Text& text, const QRectF& box) const
{
    if (!text.anchor || !text.anchor->isVisible) {
        return;
    }
    const QPointF p = at(text.anchor->point, text.anchor->units);
    const QPointF nearest(std::clamp(p.x(), box.left(), box.right()), std::clamp(p.y(), box.top(), box.bottom()));
    for (const QPen& pen : {QPen(QColor(0, 0, 0, 170), 3.2), QPen(colorOf(text.layer), 1.5)}) {
        painter.setPen(pen);
        painter.drawLine(nearest, p);
        painter.drawEllipse(p, 2, 2);
    }
}

} // namespace hf
