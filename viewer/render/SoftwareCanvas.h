#pragma once

#include "viewer/render/PictureThread.h"

#include <QImage>
#include <QWidget>

#include <memory>

class vtkGenericOpenGLRenderWindow;

namespace hf {

/// The 3D view where the processor alone draws OpenGL. Another thread draws the pictures, which are painted like any other widget: with an OpenGL
/// widget Qt would put the whole window together by OpenGL, each time that anything in it changes. The VTK window here is never drawn: it has the
/// camera and takes the mouse. GUI thread only.
class SoftwareCanvas : public QWidget {
    Q_OBJECT
public:
    /// The processor draws OpenGL here (Mesa's llvmpipe or softpipe). Asked once, then known; false where there is no OpenGL.
    static bool isSoftware();

    /// The VTK window gets its interactor here; it outlives the canvas.
    SoftwareCanvas(vtkGenericOpenGLRenderWindow* window, QWidget* parent);
    ~SoftwareCanvas() override;

    /// Compiles what drawing needs, on the other thread.
    void prepare();
    /// As the window's camera sees it, as soon as it is drawn.
    /// @param box  handles of a box; may be none.
    void show(const VolumeContent& content, const std::optional<CropBoxPose>& box);
    /// With all rays; waits for it. Null without OpenGL.
    QImage draw(const VolumeContent& content, const std::optional<CropBoxPose>& box);
    /// The last picture is no longer true: nothing is seen until the next.
    void forgetPicture();
    bool hasPicture() const;
    /// As it stood when what is seen was drawn.
    const CameraPose& camera() const;
    /// What show() was given last is seen with all rays.
    bool isSharp() const;

Q_SIGNALS:
    void drawWanted();      ///< The camera moved, or the widget has another size than the last picture.
    void sharpened();       ///< From now on isSharp().
    void cameraMoved();     ///< camera() is another one, or hasPicture() has changed.

protected:
    bool event(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    struct Private;
    void take(const QImage& picture, const CameraPose& camera, quint64 number, bool isSharp);
    std::unique_ptr<Private> d;
};

} // namespace hf
