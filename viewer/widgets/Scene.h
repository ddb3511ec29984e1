#pragma once

#include "viewer/dicom/Study.h"
#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Slab.h"
#include "viewer/volume/Volume.h"

#include <QObject>
#include <QSet>

#include <map>
#include <memory>
#include <optional>

class QUndoStack;

namespace hf {

/// What a left drag in a 2D view does.
enum class Tool { Window, Pan, Zoom, Scroll, Magnify, Length, Angle, Cobb, Ellipse, Rectangle, Polygon, Freehand, Arrow, Text, Probe };

/// What all views of one case show together: the volume, the place that they are linked at, window, mask, tool. What the reader did to a
/// series (place, window, mask) is there again when the series comes back. GUI thread only.
class Scene : public QObject {
    Q_OBJECT
public:
    explicit Scene(QObject* parent = nullptr);

    bool isEmpty() const { return !m_volume; }
    const std::shared_ptr<const Volume>& volume() const { return m_volume; }
    const dicom::Series& series() const { return m_series; }
    /// Goes to the middle in the volume's own window, without a mask; or to what was left when this series was shown before.
    void setVolume(std::shared_ptr<const Volume> volume, dicom::Series series);
    /// Forgets all series.
    void clear();

    /// Edits that can be taken back: masks and measurements. Empty for another study.
    QUndoStack* undoStack() const { return m_undo; }
    Tool tool() const { return m_tool; }
    void setTool(Tool tool);

    const WindowLevel& window() const { return m_window; }
    bool isInverted() const { return m_inverted; }
    void setWindow(const WindowLevel& window);
    void setInverted(bool inverted);
    /// Thick slices in all 2D views; off for another volume.
    const Slab& slab() const { return m_slab; }
    /// Thickness is clamped to 1 to 200 mm; nothing for single images and colour.
    void setSlab(Slab slab);
    /// Window, inversion, slab and place as after setVolume.
    void reset();

    /// The place that the crosshair marks; always inside the volume.
    PointLps cursor() const { return m_cursor; }
    void setCursor(PointLps point);
    /// Slice of a plane that holds the cursor.
    int slice(Plane plane) const;
    int sliceCount(Plane plane) const;
    /// Clamped to the volume.
    void setSlice(Plane plane, int slice);
    /// The view of a plane as the assistant gets it.
    View view(Plane plane) const;
    /// The view that the reader last touched.
    Plane activePlane() const { return m_activePlane; }
    void setActivePlane(Plane plane);

    bool hasMask() const { return !m_mask.isEmpty(); }
    const LabelMap& mask() const { return m_mask; }
    const std::vector<LabelFacts>& facts() const { return m_facts; }
    void setMask(const LabelMap& mask, const std::vector<LabelFacts>& facts);
    /// As setMask, as one step that can be undone, called `what`.
    void changeMask(const LabelMap& mask, const std::vector<LabelFacts>& facts, const QString& what);
    /// For a series that need not be the one shown.
    void setMaskOf(const std::string& seriesKey, const LabelMap& mask, const std::vector<LabelFacts>& facts);
    /// Can be undone.
    void clearMask();
    bool isLabelVisible(LabelId value) const { return !m_hidden.contains(value); }
    void setLabelVisible(LabelId value, bool visible);
    void setLabelColor(LabelId value, Rgb8 color);
    double maskOpacity() const { return m_opacity; }
    bool maskOutline() const { return m_outline; }
    bool isMaskShown() const { return m_maskShown; }
    void setMaskOpacity(double opacity);
    void setMaskOutline(bool outline);
    void setMaskShown(bool shown);
    OverlayStyle overlayStyle() const;
    /// Goes to the slice where the label is largest, in every plane; nothing for an empty label.
    void jumpToLabel(LabelId value);

Q_SIGNALS:
    void volumeChanged();
    void windowChanged();
    void slabChanged();
    void cursorChanged();
    void activePlaneChanged();
    void toolChanged();
    void maskChanged();         ///< Another mask, or none.
    void maskStyleChanged();    ///< Visibility, colours, opacity, outline.

private:
    /// What is kept of a series while another one is shown.
    struct SeriesState {
        std::optional<WindowLevel> window;  ///< Empty: not shown yet.
        bool inverted = false;
        PointLps cursor;
        LabelMap mask;
        std::vector<LabelFacts> facts;
        QSet<int> hidden;
    };
    void keepState();
    void takeState();

    std::shared_ptr<const Volume> m_volume;
    dicom::Series m_series;
    std::map<std::string, SeriesState> m_states;
    QUndoStack* m_undo;
    Tool m_tool = Tool::Window;
    WindowLevel m_window;
    bool m_inverted = false;
    Slab m_slab;
    PointLps m_cursor;
    Plane m_activePlane = Plane::Axial;
    LabelMap m_mask;
    std::vector<LabelFacts> m_facts;
    QSet<int> m_hidden;
    double m_opacity = 0.35;
    bool m_outline = true, m_maskShown = true;
};

} // namespace hf
