#pragma once

#include "viewer/render/RenderPresets.h"
#include "viewer/volume/LabelMap.h"

#include <QImage>
#include <QSurfaceFormat>
#include <QWidget>

#include <memory>
#include <vector>

namespace hf {

struct VolumeContent;

/// The 3D view: volume rendering with a preset, masks as surfaces. Left drag turns, middle drag pans, right drag zooms, Ctrl + left drag
/// shifts and stretches the preset's values. Volumes and surfaces are made on another thread and appear when they are done. Pictures are
/// drawn in later turns of the event loop, by software OpenGL on a thread of its own. With SoftwareCanvas
/// the one class that knows how a VTK window meets a Qt one.
class VolumeView3D : public QWidget {
    Q_OBJECT
public:
    explicit VolumeView3D(QWidget* parent = nullptr);
    ~VolumeView3D() override;

    /// Must be the default format before the QApplication is made.
    static QSurfaceFormat surfaceFormat();
    /// Compiles what drawing needs, with a volume of a few voxels that nobody sees: software OpenGL on another thread, others in later turns of
    /// the event loop, if the window is shown and there is no volume yet.
    void prepare();
    /// Null shows nothing. A preset that the reader chose stays where the new volume has it.
    void setVolume(std::shared_ptr<const Volume> volume);
    const std::shared_ptr<const Volume>& volume() const;
    /// @param isChoice  the reader wants it, also for the next volume.
    void setPreset(const QString& id, bool isChoice = true);
    QString preset() const;
    /// Moves the values of the preset: `shift` in its units, `stretch` about its middle. 0 and 1 are the preset itself.
    void setValueWindow(double shift, double stretch);
    double valueShift() const;
    double valueStretch() const;
    void setMask(const LabelMap& mask, const std::vector<LabelId>& hidden);
    void clearMask();
    /// A box with handles that cuts away what is outside; off shows everything again.
    void setCropShown(bool shown);
    bool isCropShown() const;
    /// Cuts away what lies on the side that the normal points to.
    void setClipPlane(PointLps point, Vec3 normal);
    void clearClipPlane();
    void setShaded(bool shaded);
    void resetCamera();
    /// From the front, the left, above ...: unit vector from which the camera looks.
    void lookFrom(Vec3 direction);
    /// Unit vectors of the patient (LPS) that point to the right and to the lower edge of what is seen.
    Vec3 right() const;
    Vec3 down() const;
    /// Height of what lies at the lower edge: presets, and how fast the view is.
    int footer() const;
    /// Waits for what is still being made; with all rays.
    QImage image();
    bool isBuilding() const;
    /// Something of the volume is seen.
    bool hasImage() const;
    /// What is seen was drawn with all rays; with software OpenGL that comes in tiles, when nothing moves.
    bool isSharp() const;

Q_SIGNALS:
    void maximizeRequested();
    void cameraMoved();
    void sharpened();       ///< Software OpenGL drew the last tile.
    void cropShownChanged(bool shown);

protected:
    bool eventFilter(QObject* object, QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    struct Private;
    void takeBuilt();
    void prepareNext(std::vector<VolumeContent> contents);
    void endPreparing();
    void forget();
    void placeMarks();
    /// Renders a volume that has just been built, and says when that is slow.
    void showFirst();
    bool dragValues(QEvent* event);
    std::unique_ptr<Private> d;
};

} // namespace hf
