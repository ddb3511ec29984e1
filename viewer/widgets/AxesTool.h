#pragma once

#include "viewer/volume/Oblique.h"

#include <QPointF>
#include <QRect>
#include <Qt>

#include <optional>

class QPainter;

namespace hf {

class Scene;
struct ShownSeries;

/// Turns and moves the planes of a volume by the lines of the crosshair: the round handles turn the two other planes about the view's
/// normal; with the tool chosen a line moves its plane, and anywhere else the crosshair follows the pointer. Changes the active series.
class AxesTool {
public:
    explicit AxesTool(Scene* scene) : m_scene(scene) {}

    /// Both return whether the event was for the axes.
    bool press(const SliceFrame& frame, Plane plane, QSize size, QPointF at);
    bool move(const SliceFrame& frame, QPointF at);
    void release() { m_drag.reset(); }
    bool isBusy() const { return m_drag.has_value(); }
    std::optional<Qt::CursorShape> cursorAt(const ShownSeries& shown, const SliceFrame& frame, Plane plane, QSize size, QPointF at) const;
    void paintHandles(QPainter& painter, const ShownSeries& shown, const SliceFrame& frame, Plane plane, QSize size) const;

private:
    enum class Part { Handle, Line, Cursor };
    struct Grip {
        Part part = Part::Cursor;
        Plane plane = Plane::Axial;     ///< Whose line it is.
    };
    struct Drag {
        Grip grip;
        PlaneTurn turn;
        PointLps cursor, grabbed;
        double angle = 0;
    };
    std::optional<Grip> gripAt(const ShownSeries& shown, const SliceFrame& frame, Plane plane, QSize size, QPointF at) const;

    Scene* m_scene;
    std::optional<Drag> m_drag;
};

} // namespace hf
