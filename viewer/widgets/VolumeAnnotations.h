#pragma once

#include "viewer/volume/Geometry.h"

#include <QImage>
#include <QWidget>

#include <functional>

namespace hf {

class VolumeView3D;
struct ShownSeries;

/// The texts over a 3D view, which it lies on: whose images they are, the sides of the patient at its four edges, and what must be known of the
/// volume.
class VolumeAnnotations : public QWidget {
public:
    /// @param shown  gives the series of the view; null without.
    VolumeAnnotations(VolumeView3D* view, std::function<const ShownSeries*()> shown);

    /// Marks are seen even without texts.
    void setTextShown(bool shown);
    void setTwoPatients(bool two);
    /// What is seen of the view, sharp, with the texts. Null without OpenGL.
    QImage picture();

protected:
    bool eventFilter(QObject* object, QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    void paintOver(QPaintDevice* picture);

    VolumeView3D* m_view;
    std::function<const ShownSeries*()> m_shown;
    Vec3 m_right, m_down;       ///< As painted.
    bool m_hasLetters = false;  ///< While the volume is being built, the camera looks at the one before.
    bool m_texts = true, m_twoPatients = false;
};

} // namespace hf
