#pragma once

#include "viewer/widgets/SeriesLink.h"
#include "viewer/widgets/SeriesLook.h"
#include "viewer/widgets/ShownSeries.h"

#include <QObject>

#include <map>
#include <memory>
#include <stop_token>

class QUndoGroup;
class QUndoStack;

namespace hf {

/// What a left drag in a 2D view does.
enum class Tool { Window, Pan, Zoom, Scroll, Magnify, Length, Angle, Cobb, Ellipse, Rectangle, Polygon, Freehand, Arrow, Text, Probe, Axes };

/// What a drag does in a 2D view.
enum class MouseDrag { Window, Pan, Zoom, Scroll, Crosshair };

/// What the buttons do when they are dragged; the left one while no other tool is chosen.
struct MouseMap {
    MouseDrag left = MouseDrag::Window, middle = MouseDrag::Pan, right = MouseDrag::Zoom;
    static MouseMap standard() { return {}; }
    /// For reading long stacks: left scrolls, right changes the window.
    static MouseMap reporting() { return {MouseDrag::Scroll, MouseDrag::Pan, MouseDrag::Window}; }
    /// As in 3D Slicer before a mode is chosen.
    static MouseMap slicer() { return {MouseDrag::Crosshair, MouseDrag::Pan, MouseDrag::Zoom}; }
    friend bool operator==(const MouseMap&, const MouseMap&) = default;
};

/// What the views show: one or more series, each with the place, window, planes and mask that the reader gave it, and the tool. One series
/// is active: the one of the view that was touched last; panels and commands are about it. What the reader did to a series is there again
/// when the series comes back. GUI thread only.
class Scene : public QObject {
    Q_OBJECT
public:
    explicit Scene(QObject* parent = nullptr);
    ~Scene() override;

    bool isEmpty() const { return active().isEmpty(); }
    const std::shared_ptr<const Volume>& volume() const { return active().volume; }
    const dicom::Series& series() const { return active().series; }
    /// The active series; empty without one.
    const ShownSeries& active() const;
    /// A series that has its volume here; null when there is none.
    const ShownSeries* find(const std::string& key) const;
    /// The series of a volume that is here, the active one first; null when there is none.
    const ShownSeries* findVolume(const std::shared_ptr<const Volume>& volume) const;
    /// All series that have their volume here.
    std::vector<const ShownSeries*> all() const;
    /// Shows one series alone: goes to the middle in the volume's own window, without a mask; or to what was left when it was shown before.
    void setVolume(std::shared_ptr<const Volume> volume, dicom::Series series);
    /// Adds a series beside the active one; the first one becomes active.
    void addVolume(std::shared_ptr<const Volume> volume, dicom::Series series);
    /// Makes a series that is here the active one, with the view that was touched.
    void activate(const std::string& key, Plane plane);
    /// Drops the voxels of all series but these and the active one.
    void releaseAllBut(const QSet<QString>& keys);
    /// Forgets all series.
    void clear();

    /// Edits that can be taken back: masks, measurements, and by ViewHistory how images are seen. Each study has its own, which is there again
    /// when the study is.
    QUndoGroup* undoGroup() const { return m_undo; }
    /// Of the active study.
    QUndoStack* undoStack() const;
    /// Of the study of a series.
    QUndoStack* undoStackOf(const dicom::Series& series);
    Tool tool() const { return m_tool; }
    void setTool(Tool tool);
    const MouseMap& mouseMap() const { return m_mouse; }
    void setMouseMap(const MouseMap& map) { m_mouse = map; }

    const WindowLevel& window() const { return active().window; }
    bool isInverted() const { return active().inverted; }
    void setWindow(const WindowLevel& window);
    void setInverted(bool inverted);
    /// Shows what the shutters of the active series cover; closed again by reset().
    bool isShutterOpen() const { return active().isShutterOpen; }
    void setShutterOpen(bool open);
    /// Window that file and presentation state give the image at the cursor.
    WindowLevel storedWindow() const { return active().presentedWindow(); }
    /// The next of several windows of the file after the present one; the first one where the present one is the reader's.
    WindowLevel nextStoredWindow() const;
    /// Applies another presentation state of the active series, by its place in series().presentations; -1: none. Window and inversion are
    /// those of the state then.
    void setPresentation(int presentation);
    /// Are the images of the active series taken from a mask, or about to be? Where neither they nor the state say how, the image at the cursor
    /// becomes the mask.
    bool isSubtracted() const { return active().isSubtracted; }
    void setSubtracted(bool subtracted);
    /// Subtracts with the image at the cursor as the mask of all others.
    void setMaskImage();
    /// Differences are being computed on another thread; subtractionChanged() tells when they are there.
    bool isSubtracting() const { return !m_subtracting.empty(); }
    /// Thick slices in all 2D views; off for another volume.
    const Slab& slab() const { return active().slab; }
    /// Thickness is clamped to 1 to 200 mm; nothing for single images and colour.
    void setSlab(Slab slab);
    /// Window, inversion, slab, planes and place as after setVolume.
    void reset();
    /// All of it at once; nothing for a series that is not here.
    void setLook(const std::string& key, const SeriesLook& look);

    /// The place that the crosshair marks; always inside the volume. Linked series follow.
    PointLps cursor() const { return active().cursor; }
    void setCursor(PointLps point);
    /// One place of a series that is here in all series whose places are known to match, linked or not.
    void pointAt(const std::string& key, PointLps point);
    /// Slice of a plane that holds the cursor.
    int slice(Plane plane) const { return active().slice(plane); }
    int sliceCount(Plane plane) const { return active().sliceCount(plane); }
    /// Clamped to the volume.
    void setSlice(Plane plane, int slice);
    /// The view of a plane as the assistant gets it: straight, also where the reader sees an oblique one.
    View view(Plane plane) const { return active().view(plane); }
    /// Turn of the planes of the active series; nothing for single images.
    void setTurn(const PlaneTurn& turn);

    /// Which series scroll together.
    const SeriesLink& link() const { return m_link; }
    void setLinked(bool linked);
    /// From now on the places where the series stand belong together, whatever their frames of reference. Links them.
    void matchPlaces();
    /// Forgets the places that were matched.
    void clearMatches();
    /// The view that the reader last touched.
    Plane activePlane() const { return m_activePlane; }
    void setActivePlane(Plane plane);

    bool hasMask() const { return active().hasMask(); }
    const LabelMap& mask() const { return active().mask; }
    const std::vector<LabelFacts>& facts() const { return active().facts; }
    void setMask(const LabelMap& mask, const std::vector<LabelFacts>& facts);
    /// As setMask, as one step that can be undone, called `what`.
    void changeMask(const LabelMap& mask, const std::vector<LabelFacts>& facts, const QString& what);
    void changeMaskOf(const std::string& seriesKey, const LabelMap& mask, const std::vector<LabelFacts>& facts, const QString& what);
    /// For a series that need not be the active one.
    void setMaskOf(const std::string& seriesKey, const LabelMap& mask, const std::vector<LabelFacts>& facts);
    /// Can be undone.
    void clearMask();
    bool isLabelVisible(LabelId value) const { return !active().hidden.contains(value); }
    void setLabelVisible(LabelId value, bool visible);
    void setLabelColor(LabelId value, Rgb8 color);
    double maskOpacity() const { return m_opacity; }
    bool maskOutline() const { return m_outline; }
    bool isMaskShown() const { return m_maskShown; }
    void setMaskOpacity(double opacity);
    void setMaskOutline(bool outline);
    void setMaskShown(bool shown);
    OverlayStyle overlayStyle() const { return overlayStyle(active()); }
    OverlayStyle overlayStyle(const ShownSeries& shown) const;
    /// Goes to the slice where the label is largest, in every plane; nothing for an empty label.
    void jumpToLabel(LabelId value);

Q_SIGNALS:
    void aboutToChange();       ///< Another active series, or none, comes next: what is being typed is to be kept now.
    void volumeChanged();       ///< Another active series, or none.
    void shownChanged();        ///< Series beside the active one: added, dropped, moved, masked.
    void turnChanged();
    void linkChanged();
    void windowChanged();
    void presentationChanged(); ///< Another state, or none.
    void subtractionChanged();  ///< Values of a series became differences, or values again.
    void subtractionFailed(const QString& reason);
    void slabChanged();
    void cursorChanged();
    void activePlaneChanged();
    void drawingBegan();        ///< A measurement is drawn or changed by the mouse.
    void toolChanged();
    void maskChanged();         ///< Another mask, or none.
    void maskStyleChanged();    ///< Visibility, colours, opacity, outline.

private:
    ShownSeries& own() { return m_shown[m_key]; }
    void take(std::shared_ptr<const Volume> volume, dicom::Series series);
    /// Brings the volume of a series to what is wanted of it.
    void followSubtraction(const std::string& key);
    void putSubtracted(const std::string& key, std::shared_ptr<const Volume> differences, std::shared_ptr<const Subtraction> how);
    void becomeActive(const std::string& key, Plane plane);
    /// Brings the other series to the place of one.
    void carryFrom(const ShownSeries& from, PointLps point);
    /// Moves the cursor of a series; a window that is the state's own goes on to that of the next image.
    static void moveTo(ShownSeries& shown, PointLps point);

    std::map<std::string, ShownSeries> m_shown;     ///< By key of the series.
    std::string m_key;                              ///< Of the active one.
    std::map<std::string, std::stop_source> m_subtracting;     ///< By key of the series.
    SeriesLink m_link;
    QUndoGroup* m_undo;
    std::map<std::string, QUndoStack*> m_stacks;    ///< By study.
    Tool m_tool = Tool::Window;
    MouseMap m_mouse;
    Plane m_activePlane = Plane::Axial;
    double m_opacity = 0.35;
    bool m_outline = true, m_maskShown = true;
};

} // namespace hf
