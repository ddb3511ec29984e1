#pragma once

#include "viewer/volume/Picture.h"

#include <QPoint>
#include <QWidget>

namespace hf {

class Scene;

/// One 2D view, painted by composeSlice: wheel scrolls (Shift by ten, Ctrl zooms about the pointer), left drag window/level, middle drag pans,
/// right drag zooms, left click moves the linked crosshair, double click maximises. Never blocks: composing a screenful takes milliseconds.
class SliceView : public QWidget {
    Q_OBJECT
public:
    SliceView(Scene* scene, Plane plane, QWidget* parent = nullptr);

    Plane plane() const { return m_plane; }
    void setPlane(Plane plane);
    bool isActive() const;
    /// Whole slice in the widget.
    void fit();
    void zoomBy(double factor, QPointF about);
    double millimetresPerPixel() const { return m_mmPerPixel; }

    void setCrosshairShown(bool shown);
    void setTextShown(bool shown);

    /// The sampling grid of the widget's pixels.
    SliceFrame frame() const;
    /// Without texts and lines; what composeSlice gives for frame().
    Picture picture() const;

    QSize minimumSizeHint() const override { return {120, 120}; }

Q_SIGNALS:
    void maximizeRequested(hf::SliceView* view);
    void contextMenuAsked(hf::SliceView* view, QPoint globalPos);

protected:
    void paintEvent(QPaintEvent*) override;
    void resizeEvent(QResizeEvent*) override;
    void wheelEvent(QWheelEvent*) override;
    void mousePressEvent(QMouseEvent*) override;
    void mouseMoveEvent(QMouseEvent*) override;
    void mouseReleaseEvent(QMouseEvent*) override;
    void mouseDoubleClickEvent(QMouseEvent*) override;
    void leaveEvent(QEvent*) override;

private:
    enum class Drag { None, Window, Pan, Zoom };
    void volumeChanged();
    void scrollBy(int slices);
    void dragWindow(QPoint delta);
    void paintTexts(QPainter& painter, const SliceFrame& frame);
    void paintLetters(QPainter& painter, const SliceFrame& frame);
    void paintRuler(QPainter& painter);
    void paintCrosshair(QPainter& painter, const SliceFrame& frame);
    QString valueUnderPointer(const SliceFrame& frame) const;

    Scene* m_scene;
    Plane m_plane;
    double m_mmPerPixel = 1;
    QPointF m_panMm{0, 0};          ///< Of the widget's centre against the slice's centre, along right and down.
    bool m_isFitted = true;
    bool m_crosshair = true, m_texts = true;
    Drag m_drag = Drag::None;
    bool m_moved = false;
    QPoint m_pressed, m_last;
    QPoint m_pointer{-1, -1};
    double m_wheel = 0;
};

} // namespace hf
