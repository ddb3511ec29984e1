#pragma once

#include "viewer/volume/Measurement.h"
#include "viewer/volume/Picture.h"

#include <QPainter>

#include <utility>
#include <vector>

namespace hf {

/// Places that can be dragged: the points, or the four corners of a box.
std::vector<PointLps> handlesOf(const Measurement& measurement);
/// What is drawn as lines, without the ornaments.
std::vector<std::pair<PointLps, PointLps>> linesOf(const Measurement& measurement);

/// White or coloured on a dark rim, readable on any image.
void drawRimmedText(QPainter& painter, const QRectF& box, int flags, const QString& text, QColor color);

/// Draws measurements on a 2D view; painter coordinates are pixels of the frame. Texts keep clear of those that were drawn before.
class MeasurementPainter {
public:
    /// @param isSlab  the view shows a slab: values are said to be of the thin slice.
    MeasurementPainter(QPainter& painter, const SliceFrame& frame, bool isSlab) : m_painter(painter), m_frame(frame), m_isSlab(isSlab) {}
    /// @param isSelected  with handles, brighter.
    void paint(const Measurement& measurement, const MeasurementFacts& facts, bool isSelected);

private:
    QPointF at(PointLps point) const;
    void paintLines(const Measurement& measurement, const QColor& color) const;
    void paintArrowHead(QPointF tip, QPointF tail, const QColor& color) const;
    void paintHandles(const Measurement& measurement, const QColor& color) const;
    void paintText(const Measurement& measurement, const MeasurementFacts& facts, const QColor& color);
    QRectF placeText(const Measurement& measurement, QSizeF size) const;

    QPainter& m_painter;
    const SliceFrame& m_frame;
    bool m_isSlab;
    std::vector<QRectF> m_texts;    ///< Where texts stand already.
};

} // namespace hf
