#pragma once

#include "viewer/dicom/Presentation.h"
#include "viewer/volume/SampledSlice.h"
#include "viewer/widgets/AxesTool.h"
#include "viewer/widgets/MeasureTool.h"
#include "viewer/widgets/ViewPlacement.h"

#include <QPoint>
#include <QWidget>

#include <functional>
#include <memory>
#include <optional>

class QLineEdit;

namespace hf {

class Findings;
class Scene;
struct HungSides;
struct ShownSeries;

/// Where another view's slice lies, for the reference line in this one; its origin already in this view's frame of reference.
struct ReferenceSlice {
    SliceFrame frame;
    bool isActive = false;      ///< Of the view that was touched last.
};

/// One 2D view of the active series or of one of its own, painted by composeSlice in the pixels of the screen. What is done in it makes its
/// series the active one. Wheel scrolls (Shift by ten, Ctrl zooms about the pointer), drags do what the
/// scene's tool and MouseMap say, left click moves the linked crosshair, double click maximises, Tab goes to the next view. Measurements are
/// drawn and edited here. Never blocks: composing a screenful takes milliseconds.
class SliceView : public QWidget {
    Q_OBJECT
public:
    SliceView(Scene* scene, Findings* findings, Plane plane, QWidget* parent = nullptr);

    Plane plane() const { return m_plane; }
    void setPlane(Plane plane);
    /// What the view shows: the active series, whichever that is (at first); a series of its own; or nothing ("").
    void followActive();
    void setSeries(const std::string& key);
    const ShownSeries& shown() const;
    bool isEmpty() const;
    bool isActive() const;
    /// As a touch by the reader: its series becomes the active one.
    void activate();
    /// By the grid, which knows which view was touched last; without a grid the view of the active plane is.
    void setActive(bool active);
    void setTwoPatients(bool two);
    /// A series is being dragged over the view.
    void setDropTarget(bool target);
    void setReferenceSlices(std::function<std::vector<ReferenceSlice>()> source) { m_references = std::move(source); }
    /// The place that other series are at, for the mark on single images, which have no crosshair; in this view's frame of reference.
    void setLinkedPlace(std::function<std::optional<PointLps>()> source) { m_linkedPlace = std::move(source); }
    /// Whole slice in the widget; of images that are compared (isFittedWithOthers) at the scale of the one that needs most room.
    void fit();
    /// A mammogram with a known scale: beside others it is as large as they are, millimetre for millimetre.
    bool isFittedWithOthers() const;
    /// Millimetres a pixel at which the whole slice is seen, whatever the others need.
    double fittedScale() const;
    /// What the others need; 0 for any.
    void setScaleOfOthers(std::function<double()> scale) { m_scaleOfOthers = std::move(scale); }
    /// After the others have changed: fitted anew where it is fitted.
    void followOthers();
    /// One pixel of the image is one of the screen.
    void showOneToOne();
    void zoomBy(double factor, QPointF about);
    double millimetresPerPixel() const { return m_mmPerPixel; }
    void flip(Qt::Orientation orientation);
    /// A quarter turn of the image.
    void turn(bool clockwise);
    /// As the presentation state wants it; without one neither flipped nor turned, and fitted.
    void resetView();
    bool isTurned() const { return !(m_orientation == ViewOrientation{}); }
    ViewPlacement placement() const;
    /// Of the series and plane that the view shows.
    void setPlacement(const ViewPlacement& placement);

    void setCrosshairShown(bool shown);
    /// A fitted image reaches the edges: in a view of its own size each pixel is one of the screen. On the screen a thin border is left.
    void setFittedToEdges(bool isToEdges);
    void setTextShown(bool shown);

    MeasureTool& measureTool() { return m_measure; }
    /// Measurement under a point of the widget; 0 when none.
    int measurementAt(QPoint at) const;
    /// Opens the editor for the text of a measurement.
    void editText(int id);
    /// Takes a measurement that is seen here, to be moved by keys. @return whether it is seen.
    bool editByKeys(int id);
    /// Marks the image in view as a key image, or takes the mark away; one step of undo.
    void toggleKeyImage();

    /// The sampling grid of the widget's pixels.
    SliceFrame frame() const;
    /// What is said on the image about how it is seen: thick slices, presentation state, subtraction, turn.
    QStringList viewMarks() const;
    /// Without texts and lines; what composeSlice gives for frame(), inside the shutters of a presentation state.
    Picture picture() const { return compose(frame()); }

    QSize minimumSizeHint() const override { return {120, 120}; }

Q_SIGNALS:
    /// Tab (1) or its counterpart (-1) leaves the view; `taken` becomes true where another view takes the keyboard.
    void leavingByTab(int step, bool& taken);
    /// Touched by the reader; its series is the active one then.
    void activated(hf::SliceView* view);
    void maximizeRequested(hf::SliceView* view);
    void contextMenuAsked(hf::SliceView* view, QPoint globalPos);
    /// A drag or the wheel begins to change how the images are seen, and has ended; `what` names the change. A joined one goes on with the one
    /// before it, as the next notch of the wheel does.
    void changeBegan();
    void changeEnded(const QString& what, bool isJoined);

protected:
    void paintEvent(QPaintEvent*) override;
    void resizeEvent(QResizeEvent*) override;
    void hideEvent(QHideEvent*) override;
    void wheelEvent(QWheelEvent*) override;
    void mousePressEvent(QMouseEvent*) override;
    void mouseMoveEvent(QMouseEvent*) override;
    void mouseReleaseEvent(QMouseEvent*) override;
    void mouseDoubleClickEvent(QMouseEvent*) override;
    bool event(QEvent*) override;
    void keyPressEvent(QKeyEvent*) override;
    void focusInEvent(QFocusEvent*) override;
    void focusOutEvent(QFocusEvent*) override;
    void leaveEvent(QEvent*) override;
    bool focusNextPrevChild(bool next) override;

private:
    enum class Drag { None, Window, Pan, Zoom, Scroll, Crosshair, Magnify, Measure, Axes };
    void seriesChanged();
    void startOver();
    void setOrientation(const ViewOrientation& orientation);
    /// Turn and flip of a presentation state, against the slice as it is shown without.
    ViewOrientation orientationOf(const dicom::Presentation& state) const;
    void hang(const HungSides& sides);
    void showArea(const dicom::Presentation::Area& area);
    void followPresentation();
    SliceFrame baseFrame() const;
    /// A step on the screen as a step along the slice's own axes.
    QPointF toSlice(QPointF screen) const;
    Picture compose(const SliceFrame& frame) const;
    const LabelMap* shownMask() const;
    /// compose() for the frame that is painted: only what changed since the last time is sampled again.
    Picture composeAgain(const SliceFrame& frame);
    void cover(Picture& picture, const SliceFrame& frame) const;
    Drag dragOf(const QMouseEvent& event) const;
    static QString nameOf(Drag drag);
    /// As the key does: towards the feet in a stack, to the next of images that are paged through.
    void scrollDown(int slices);
    void dragWindow(QPoint delta);
    void dragScroll(QPoint delta);
    void openEditor(PointLps place, int id);
    void commitText();
    void updateCursor();
    void showKeyCursor();
    /// Where the pointer is, or the cursor of the keyboard; empty for neither.
    std::optional<QPointF> pointedAt(const SliceFrame& grid) const;
    void paintImage(QPainter& painter);
    void paintLens(QPainter& painter);
    QString valueUnderPointer(const SliceFrame& frame) const;
    QString placeUnderPointer(const SliceFrame& frame) const;
    QString slabMark() const;
    QStringList subtractionMarks() const;
    QStringList linkMarks() const;
    void paintEmpty(QPainter& painter) const;
    void paintFrame(QPainter& painter) const;
    void paintReferences(QPainter& painter, const SliceFrame& grid) const;

    Scene* m_scene;
    Findings* m_findings;
    MeasureTool m_measure;
    AxesTool m_axes;
    bool m_followsActive = true;
    std::string m_series;                   ///< Its own series; empty: none.
    std::string m_shownKey;                 ///< What it was fitted for.
    std::optional<bool> m_isActive;
    bool m_twoPatients = false, m_dropTarget = false;
    std::function<std::vector<ReferenceSlice>()> m_references;
    std::function<std::optional<PointLps>()> m_linkedPlace;
    std::function<double()> m_scaleOfOthers;
    QLineEdit* m_editor = nullptr;
    Plane m_plane;
    double m_mmPerPixel = 1;
    QPointF m_panMm{0, 0};          ///< Of the widget's centre against the slice's centre, along the slice's own axes.
    ViewOrientation m_orientation;
    double m_fitMargin = 1.01;
    bool m_isFitted = true, m_isReset = true;   ///< Place and zoom follow the view's size; the reader moved nothing since resetView.
    bool m_crosshair = true, m_texts = true;
    Drag m_drag = Drag::None;
    bool m_moved = false;
    QPoint m_pressed, m_last;
    QPoint m_pointer{-1, -1};
    double m_wheel = 0, m_scroll = 0;
    /// What was painted last, apart from the window.
    struct Painted {
        std::weak_ptr<const Volume> volume;
        SliceFrame frame;
        Slab slab;
        LabelMap mask;
        OverlayStyle style;
        SampledSlice slice;
    };
    std::optional<Painted> m_painted;
};

} // namespace hf
