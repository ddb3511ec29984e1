#include "viewer/render/SoftwareCanvas.h"

#include <QVTKInteractor.h>
#include <QVTKRenderWindowAdapter.h>

#include <vtkCallbackCommand.h>
#include <vtkGenericOpenGLRenderWindow.h>
#include <vtkNew.h>
#include <vtkRenderer.h>
#include <vtkRendererCollection.h>
#include <vtkSmartPointer.h>
#include <vtkUnsignedCharArray.h>

#include <QOffscreenSurface>
#include <QOpenGLContext>
#include <QOpenGLFunctions>
#include <QPainter>

#include <cstring>
#include <utility>

namespace hf {

namespace {

/// A context of its own that draws nowhere on the screen.
struct OffscreenContext {
    QOffscreenSurface surface;
    QOpenGLContext context;

    /// Makes it and makes it current.
    bool create()
    {
        surface.create();
        return context.create() && context.makeCurrent(&surface);
    }
};

bool askIsSoftware()
{
    OffscreenContext asked;
    if (!asked.create()) {
        return false;
    }
    const auto* renderer = reinterpret_cast<const char*>(asked.context.functions()->glGetString(GL_RENDERER));
    return renderer && (std::strstr(renderer, "llvmpipe") || std::strstr(renderer, "softpipe"));
}

} // namespace

struct SoftwareCanvas::Private {
    vtkSmartPointer<vtkGenericOpenGLRenderWindow> window;
    OffscreenContext gl;
    std::unique_ptr<QVTKRenderWindowAdapter> adapter;   ///< Null until the context is there.
    vtkNew<vtkCallbackCommand> drawn;
    QImage picture;
    double ratio = 1;           ///< Pixels of the picture for one of the widget's.
    bool wasTried = false;

    /// The VTK window in the pixels of the widget.
    void fitTo(const QWidget& widget)
    {
        ratio = widget.devicePixelRatioF();
        const QSize size = widget.size() * ratio;
        const int* own = window->GetSize();
        if (size != QSize(own[0], own[1])) {
            adapter->resize(widget.width(), widget.height());
        }
    }

    /// What the window has just drawn.
    void takePicture()
    {
        const int *size = window->GetSize(), width = size[0], height = size[1];
        vtkNew<vtkUnsignedCharArray> pixels;
        window->GetPixelData(0, 0, width - 1, height - 1, 1, pixels.Get(), 0);
        // OpenGL begins below.
        picture = QImage(pixels->GetPointer(0), width, height, 3 * width, QImage::Format_RGB888).mirrored().convertToFormat(QImage::Format_RGB32);
        picture.setDevicePixelRatio(ratio);
    }
};

bool SoftwareCanvas::isSoftware()
{
    static const bool isSoftware = askIsSoftware();
    return isSoftware;
}

void SoftwareCanvas::setUp(vtkGenericOpenGLRenderWindow* window)
{
    window->SetFrameBlitModeToNoBlit();
    window->SetMultiSamples(0);     // they would take most of the time
}

SoftwareCanvas::SoftwareCanvas(vtkGenericOpenGLRenderWindow* window, QWidget* parent) : QWidget(parent), d(std::make_unique<Private>())
{
    d->window = window;
    window->SetReadyForRendering(false);
    setUp(window);
    vtkNew<QVTKInteractor> interactor;
    window->SetInteractor(interactor);
    interactor->Initialize();
    d->drawn->SetClientData(d.get());
    d->drawn->SetCallback([](vtkObject*, unsigned long, void* self, void*) { static_cast<Private*>(self)->takePicture(); });
    window->AddObserver(vtkCommand::WindowFrameEvent, d->drawn);
    setAttribute(Qt::WA_OpaquePaintEvent);
    setAttribute(Qt::WA_Hover);
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    for (const Qt::GestureType gesture : {Qt::PinchGesture, Qt::PanGesture, Qt::TapGesture, Qt::TapAndHoldGesture, Qt::SwipeGesture}) {
        grabGesture(gesture);
    }
}

SoftwareCanvas::~SoftwareCanvas()
{
    d->window->RemoveObserver(d->drawn);
    if (d->adapter) {
        d->gl.context.makeCurrent(&d->gl.surface);
        d->adapter.reset();
    }
}

bool SoftwareCanvas::prepare()
{
    if (!std::exchange(d->wasTried, true) && d->gl.create()) {
        d->adapter = std::make_unique<QVTKRenderWindowAdapter>(&d->gl.context, d->window, this);
    }
    return d->adapter != nullptr;
}

QImage SoftwareCanvas::draw()
{
    if (!prepare()) {
        return {};
    }
    d->fitTo(*this);
    d->window->Render();
    return d->picture;
}

void SoftwareCanvas::forgetPicture()
{
    d->picture = {};
    update();
}

bool SoftwareCanvas::event(QEvent* event)
{
    if (d->adapter) {
        d->adapter->handleEvent(event);
    }
    return QWidget::event(event);
}

void SoftwareCanvas::paintEvent(QPaintEvent*)
{
    double color[3];
    d->window->GetRenderers()->GetFirstRenderer()->GetBackground(color);
    QPainter painter(this);
    painter.fillRect(rect(), QColor::fromRgbF(float(color[0]), float(color[1]), float(color[2])));
    // A picture of another size stays in the middle for the moment until it is drawn anew.
    QRectF place({0, 0}, d->picture.deviceIndependentSize());
    place.moveCenter(QRectF(rect()).center());
    painter.drawImage(place.topLeft(), d->picture);
}

void SoftwareCanvas::resizeEvent(QResizeEvent*) { Q_EMIT drawWanted(); }

} // namespace hf
