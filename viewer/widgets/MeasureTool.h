#pragma once

#include "viewer/volume/Measurement.h"
#include "viewer/volume/Picture.h"

#include <QPointF>
#include <Qt>

#include <optional>

class QPainter;

namespace hf {

class Findings;
struct Finding;
class Scene;
enum class Tool;

/// Draws and edits measurements in one 2D view. Positions are pixels of the view's frame. Drawing: press and drag, or click, move, click; a
/// polygon ends with a double click, Enter or a click on its first point; Backspace takes the last point back, Escape everything. Editing:
/// handles move points, lines move the whole; one drag is one step of undo. By keys: the arrows move a cursor of their own by one pixel, with
/// Shift by ten, Enter and Space set points there or keep what was moved, Tab takes the next handle. What is edited belongs to the active series; the view makes its
/// own series active before it passes a press on.
class MeasureTool {
public:
    MeasureTool(Scene* scene, Findings* findings) : m_scene(scene), m_findings(findings) {}

    /// All return whether the event was for the measurements; then nothing else may come of it.
    bool press(const SliceFrame& frame, QPointF at);
    bool move(const SliceFrame& frame, QPointF at, bool isPressed);
    bool release(const SliceFrame& frame, QPointF at);
    bool doubleClick(const SliceFrame& frame, QPointF at);
    bool key(const SliceFrame& frame, int key, Qt::KeyboardModifiers modifiers);

    /// The cursor of the keyboard, on the plane of the frame that it was last moved in; empty while the mouse draws.
    const std::optional<PointLps>& keyCursor() const { return m_keyCursor; }
    void setKeyCursor(std::optional<PointLps> place) { m_keyCursor = place; }
    void paintKeyCursor(QPainter& painter, const SliceFrame& frame) const;
    /// Takes a measurement that is seen in the frame as a whole, to be moved by keys. @return whether there is such a one.
    bool editByKeys(const SliceFrame& frame, int id);
    bool isEditedByKeys() const { return m_edit && m_edit->isByKeys; }
    /// The next (1) or previous (-1) handle, or the whole, for the arrows to move.
    void takeNextHandle(int step);

    bool isDrawing() const { return m_draft.has_value(); }
    bool isBusy() const { return m_draft || m_edit; }
    /// Gives up what is drawn or moved.
    void cancel();
    /// Over a handle or a line of a measurement.
    std::optional<Qt::CursorShape> cursorAt(const SliceFrame& frame, QPointF at) const;
    /// Measurement whose handle or line is there; 0 when none.
    int measurementAt(const SliceFrame& frame, QPointF at) const;
    /// The mark of a key image on the slice of the frame; 0 when it has none.
    int keyImageAt(const SliceFrame& frame) const;
    /// Where a text was asked for; the view opens an editor there.
    std::optional<PointLps> takeTextPlace() { return std::exchange(m_textPlace, std::nullopt); }

    void paint(QPainter& painter, const SliceFrame& frame) const;
    /// The series that the view shows; empty: the active one.
    void setSeries(const std::string& key) { m_series = key; }

    /// Kind that a tool draws; empty for the tools of the view.
    static std::optional<MeasurementKind> kindOf(Tool tool);

private:
    struct Hit {
        int id = 0;
        int handle = -1;    ///< -1: the line.
    };
    struct Edit {
        Measurement before, now;    ///< As it was when the handle was taken.
        int handle = -1;
        PointLps grabbed;
        bool isByKeys = false;
    };
    std::optional<Hit> hitAt(const SliceFrame& frame, QPointF at) const;
    /// The place under the pointer, on the plane of what is drawn or edited, whatever slice the view has gone to meanwhile.
    PointLps placeAt(const SliceFrame& frame, QPointF at) const;
    bool moveKeyCursor(const SliceFrame& frame, int key, Qt::KeyboardModifiers modifiers);
    void setPointByKey(const SliceFrame& frame);
    void closePolygon();
    bool takeBack();
    void finishEdit();
    void takeHandle(int handle);
    bool startDraft(const SliceFrame& frame, QPointF at);
    void addPoint(PointLps point);
    void commit();
    bool moveEdit(PointLps to);
    /// Whether the measurement lies in the slice of the frame.
    bool isShown(const Measurement& measurement, const SliceFrame& frame) const;

    std::vector<const Finding*> findings() const;

    Scene* m_scene;
    Findings* m_findings;
    std::string m_series;
    std::optional<Measurement> m_draft;     ///< Its last point floats with the pointer.
    std::optional<Edit> m_edit;
    std::optional<PointLps> m_textPlace;
    std::optional<PointLps> m_keyCursor;
    QPointF m_pressed, m_last;
    bool m_isFirstPress = false;
};

} // namespace hf
