#pragma once

#include "viewer/dicom/Study.h"
#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Picture.h"
#include "viewer/volume/Volume.h"

#include <QObject>
#include <QSet>

#include <memory>
#include <optional>

namespace hf {

/// What all views of one case show together: the volume, the place that they are linked at, window, mask. GUI thread only.
class Scene : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

    bool isEmpty() const { return !m_volume; }
    const std::shared_ptr<const Volume>& volume() const { return m_volume; }
    const dicom::Series& series() const { return m_series; }
    /// Forgets the mask, goes to the middle, takes the volume's own window.
    void setVolume(std::shared_ptr<const Volume> volume, dicom::Series series);
    void clear();

    const WindowLevel& window() const { return m_window; }
    bool isInverted() const { return m_inverted; }
    void setWindow(const WindowLevel& window);
    void setInverted(bool inverted);
    /// Window, inversion and place as after setVolume.
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
    void cursorChanged();
    void activePlaneChanged();
    void maskChanged();         ///< Another mask, or none.
    void maskStyleChanged();    ///< Visibility, colours, opacity, outline.

private:
    std::shared_ptr<const Volume> m_volume;
    dicom::Series m_series;
    WindowLevel m_window;
    bool m_inverted = false;
    PointLps m_cursor;
    Plane m_activePlane = Plane::Axial;
    LabelMap m_mask;
    std::vector<LabelFacts> m_facts;
    QSet<int> m_hidden;
    double m_opacity = 0.35;
    bool m_outline = true, m_maskShown = true;
};

} // namespace hf
