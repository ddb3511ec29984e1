#pragma once

#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Volume.h"

#include <QImage>
#include <QSurfaceFormat>
#include <QWidget>

#include <memory>

namespace hf {

/// How the volume is rendered.
struct RenderPreset {
    QString id;         ///< "bone", "soft", "lung", "mip", "surface"
    QString name;       ///< Translated.
};

/// The 3D view: volume rendering with a preset, masks as surfaces. Left drag turns, middle drag pans, right drag zooms. The one class that
/// knows how a VTK window meets a Qt one.
class VolumeView3D : public QWidget {
    Q_OBJECT
public:
    explicit VolumeView3D(QWidget* parent = nullptr);
    ~VolumeView3D() override;

    /// Must be the default format before the QApplication is made.
    static QSurfaceFormat surfaceFormat();
    static QList<RenderPreset> presets();
    /// Null shows nothing.
    void setVolume(std::shared_ptr<const Volume> volume);
    const std::shared_ptr<const Volume>& volume() const;
    void setPreset(const QString& id);
    QString preset() const;
    void setMask(const LabelMap& mask, const std::vector<LabelId>& hidden);
    void clearMask();
    void resetCamera();
    /// From the front, the left, above ...: unit vector from which the camera looks.
    void lookFrom(Vec3 direction);
    QImage image() const;

Q_SIGNALS:
    void maximizeRequested();

protected:
    bool eventFilter(QObject* object, QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace hf
