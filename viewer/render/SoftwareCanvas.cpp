#include "viewer/render/SoftwareCanvas.h"

#include <QVTKInteractor.h>
#include <QVTKInteractorAdapter.h>

#include <vtkCallbackCommand.h>
#include <vtkCamera.h>
#include <vtkGenericOpenGLRenderWindow.h>
#include <vtkImageData.h>
#include <vtkNew.h>
#include <vtkPolyData.h>
#include <vtkRenderer.h>
#include <vtkRendererCollection.h>
#include <vtkSmartPointer.h>

#include <QOffscreenSurface>
#include <QOpenGLContext>
#include <QOpenGLFunctions>
#include <QPainter>

#include <cstring>

namespace hf {

namespace {

bool askIsSoftware()
{
    QOffscreenSurface surface;
    surface.create();
    QOpenGLContext context;
    if (!context.create() || !context.makeCurrent(&surface)) {
        return false;
    }
    const auto* renderer = reinterpret_cast<const char*>(context.functions()->glGetString(GL_RENDERER));
    return renderer && (std::strstr(renderer, "llvmpipe") || std::strstr(renderer, "softpipe"));
}

} // namespace

struct SoftwareCanvas::Private {
    vtkSmartPointer<vtkGenericOpenGLRenderWindow> window;
    vtkNew<QVTKInteractor> interactor;
    QVTKInteractorAdapter adapter;
    vtkNew<vtkCallbackCommand> moved;
    PictureThread thread;
    QImage picture;
    CameraPose camera;
    quint64 newest = 0, oldest = 0;     ///< Numbers of pictures: what was asked for last, and the first that may still be seen.
    bool isSharp = false;

    vtkRenderer* renderer() const { return window->GetRenderers()->GetFirstRenderer(); }

    /// The VTK window in the pixels of the widget.
    void fitTo(const QWidget& widget)
    {
        const double ratio = widget.devicePixelRatioF();
        const QSize size = widget.size() * ratio;
        const int* own = window->GetSize();
        if (size != QSize(own[0], own[1])) {
            adapter.SetDevicePixelRatio(float(ratio));
            interactor->UpdateSize(size.width(), size.height());
        }
    }

    VolumePicture pictureOf(const VolumeContent& content, const std::optional<CropBoxPose>& box) const
    {
        const int* size = window->GetSize();
        return {content, CameraPose::of(renderer()->GetActiveCamera()), box, QSize(size[0], size[1])};
    }
};

bool SoftwareCanvas::isSoftware()
{
    static const bool isSoftware = askIsSoftware();
    return isSoftware;
}

SoftwareCanvas::SoftwareCanvas(vtkGenericOpenGLRenderWindow* window, QWidget* parent) : QWidget(parent), d(std::make_unique<Private>())
{
    d->window = window;
    window->SetReadyForRendering(false);
    window->SetInteractor(d->interactor);
    d->interactor->Initialize();
    d->interactor->EnableRenderOff();
    d->moved->SetClientData(this);
    d->moved->SetCallback([](vtkObject*, unsigned long, void* self, void*) { Q_EMIT static_cast<SoftwareCanvas*>(self)->drawWanted(); });
    d->interactor->AddObserver(vtkCommand::RenderEvent, d->moved);
    connect(&d->thread, &PictureThread::drawn, this, &SoftwareCanvas::take);
    setAttribute(Qt::WA_OpaquePaintEvent);
    setAttribute(Qt::WA_Hover);
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    for (const Qt::GestureType gesture : {Qt::PinchGesture, Qt::PanGesture, Qt::TapGesture, Qt::TapAndHoldGesture, Qt::SwipeGesture}) {
        grabGesture(gesture);
    }
}

SoftwareCanvas::~SoftwareCanvas() { d->interactor->RemoveObserver(d->moved); }

void SoftwareCanvas::prepare() { d->thread.prepare(); }

void SoftwareCanvas::show(const VolumeContent& content, const std::optional<CropBoxPose>& box)
{
    d->fitTo(*this);
    d->isSharp = false;
    d->newest = d->thread.draw(d->pictureOf(content, box));
}

QImage SoftwareCanvas::draw(const VolumeContent& content, const std::optional<CropBoxPose>& box)
{
    d->fitTo(*this);
    const VolumePicture wanted = d->pictureOf(content, box);
    const QImage picture = d->thread.drawWhole(wanted);
    d->oldest = d->newest + 1;
    take(picture, wanted.camera, d->oldest, true);
    return d->picture;
}

void SoftwareCanvas::take(const QImage& picture, const CameraPose& camera, quint64 number, bool isSharp)
{
    if (number < d->oldest) {
        return;
    }
    d->picture = picture;
    d->picture.setDevicePixelRatio(devicePixelRatioF());
    d->camera = camera;
    update();
    Q_EMIT cameraMoved();
    if (isSharp && number >= d->newest) {
        d->isSharp = true;
        Q_EMIT sharpened();
    }
}

void SoftwareCanvas::forgetPicture()
{
    d->picture = {};
    d->oldest = d->newest + 1;
    d->isSharp = false;
    update();
    Q_EMIT cameraMoved();
}

bool SoftwareCanvas::hasPicture() const { return !d->picture.isNull(); }

const CameraPose& SoftwareCanvas::camera() const { return d->camera; }

bool SoftwareCanvas::isSharp() const { return d->isSharp; }

bool SoftwareCanvas::event(QEvent* event)
{
    d->adapter.ProcessEvent(event, d->interactor);
    return QWidget::event(event);
}

void SoftwareCanvas::paintEvent(QPaintEvent*)
{
    double color[3];
    d->renderer()->GetBackground(color);
    QPainter painter(this);
    painter.fillRect(rect(), QColor::fromRgbF(float(color[0]), float(color[1]), float(color[2])));
    // A picture of another size stays in the middle for the moment until it is drawn anew.
    QRectF place({0, 0}, d->picture.deviceIndependentSize());
    place.moveCenter(QRectF(rect()).center());
    painter.drawImage(place.topLeft(), d->picture);
}

void SoftwareCanvas::resizeEvent(QResizeEvent*)
{
    d->fitTo(*this);
    Q_EMIT drawWanted();
}

} // namespace hf
