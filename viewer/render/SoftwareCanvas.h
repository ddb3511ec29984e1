#pragma once

#include <QImage>
#include <QWidget>

#include <memory>

class vtkGenericOpenGLRenderWindow;

namespace hf {

/// Shows a VTK window where the processor alone draws OpenGL. The window is drawn in memory and its picture is painted like any other widget:
/// with an OpenGL widget Qt would put the whole window together by OpenGL, each time that anything in it changes. Pictures are drawn by the
/// window's Render() and by draw(), never while widgets are painted. GUI thread only.
class SoftwareCanvas : public QWidget {
    Q_OBJECT
public:
    /// The processor draws OpenGL here (Mesa's llvmpipe or softpipe). Asked once, then known; false where there is no OpenGL.
    static bool isSoftware();

    /// How a window is drawn in memory. Part of what OpenGL compiles: whoever compiles ahead for a canvas sets up its window alike.
    static void setUp(vtkGenericOpenGLRenderWindow* window);

    /// The VTK window gets its interactor here; it outlives the canvas.
    SoftwareCanvas(vtkGenericOpenGLRenderWindow* window, QWidget* parent);
    ~SoftwareCanvas() override;

    /// Makes the context, if there is none yet: nothing can be drawn before. False without OpenGL.
    bool prepare();
    /// Draws now, in the present size of the widget. Null without OpenGL.
    QImage draw();
    /// The last picture is no longer true: nothing is seen until the next.
    void forgetPicture();

Q_SIGNALS:
    void drawWanted();      ///< The widget has another size than the last picture.

protected:
    bool event(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace hf
