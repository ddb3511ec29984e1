#pragma once

#include "viewer/render/VolumeScene.h"

#include <QImage>
#include <QSize>
#include <QThread>

#include <array>
#include <memory>
#include <optional>

class vtkBoxRepresentation;
class vtkCamera;

namespace hf {

/// Where a camera stands, LPS mm, degrees.
struct CameraPose {
    Vec3 position{0, 0, 1}, focalPoint, viewUp{0, 1, 0};
    double viewAngle = 30;

    static CameraPose of(vtkCamera* camera);
    /// Unit vectors to the right and to the lower edge of what it sees.
    Vec3 right() const;
    Vec3 down() const;
    void applyTo(vtkCamera* camera) const;
};

/// The box with handles, as the reader has it in hand.
struct CropBoxPose {
    std::array<double, 6> bounds{};         ///< As it was placed first: x0, x1, y0, y1, z0, z1.
    std::array<double, 16> transform{};     ///< Of those to the present ones, rows first.
    std::array<int, 2> pointer{};           ///< Pixels, from below.
    int state = 0;                          ///< vtkBoxRepresentation's: what is being moved.

    void applyTo(vtkBoxRepresentation* box) const;
};

/// All that a picture depends on.
struct VolumePicture {
    VolumeContent content;
    CameraPose camera;
    std::optional<CropBoxPose> box;
    QSize size;                             ///< Pixels.
};

/// Draws pictures of the 3D view where the processor alone draws OpenGL, on a thread and in a context of its own: what takes long, and what is
/// compiled at the very first start, keeps nobody waiting. Of several wishes the newest is drawn: at once with few rays; when nothing new is
/// wanted for a moment, again with all rays, one tile after the other. GUI thread only, but for the signal.
class PictureThread : public QThread {
    Q_OBJECT
public:
    explicit PictureThread(QObject* parent = nullptr);
    /// Waits until the present tile is drawn.
    ~PictureThread() override;

    /// Compiles what most pictures need, with a volume of a few voxels that nobody sees. A wish that comes before or
    /// meanwhile is drawn first, with all its rays.
    void prepare();
    /// In place of what was wanted before. Pictures come by drawn() with the number that is given here, which grows.
    quint64 draw(VolumePicture picture);
    /// With all rays; waits for it. Null without OpenGL. What was wanted before is not drawn any more.
    QImage drawWhole(VolumePicture picture);

Q_SIGNALS:
    /// Sent by the thread. @param camera  as it stood. @param isSharp  with all rays everywhere: no more of this number will come.
    void drawn(const QImage& picture, const hf::CameraPose& camera, quint64 number, bool isSharp);

protected:
    void run() override;

private:
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace hf
