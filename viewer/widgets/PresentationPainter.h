#pragma once

#include "viewer/dicom/Presentation.h"
#include "viewer/volume/Picture.h"

#include <QPainterPath>

namespace hf {

struct ShownSeries;

/// Lays drawings and texts of the presentation state of a series over the picture of one of its images. Nothing on planes that
/// are no image of the state. Painter coordinates are pixels of the frame, whose centres are whole numbers.
class PresentationPainter {
public:
    PresentationPainter(const ShownSeries& shown, Plane plane, const SliceFrame& frame);

    /// Drawings and texts, layer by layer.
    void paintGraphics(QPainter& painter) const;

private:
    using State = dicom::Presentation;
    bool isShown(const State::Targets& targets) const;
    QPointF at(const State::Point& point, State::Units units = State::Units::Image) const;
    QColor colorOf(int layer) const;
    void paintOverlay(QPainter& painter, const State::Overlay& overlay) const;
    void paintGraphic(QPainter& painter, const State::Graphic& graphic) const;
    void paintText(QPainter& painter, const State::Text& text) const;
    void paintAnchor(QPainter& painter, const State::Text& text, const QRectF& box) const;

    const ShownSeries& m_shown;
    const SliceFrame& m_frame;
    const State* m_state;               ///< Null: nothing to do.
    const dicom::Image* m_image = nullptr;
    int m_slice = 0;
};

} // namespace hf
