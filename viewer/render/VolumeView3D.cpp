#include "viewer/render/VolumeView3D.h"

#include "viewer/render/SoftwareCanvas.h"
#include "viewer/render/SteppedRendering.h"
#include "viewer/render/VtkData.h"

#include <QVTKOpenGLNativeWidget.h>

#include <vtkActor.h>
#include <vtkBoxRepresentation.h>
#include <vtkBoxWidget2.h>
#include <vtkCallbackCommand.h>
#include <vtkCamera.h>
#include <vtkColorTransferFunction.h>
#include <vtkGenericOpenGLRenderWindow.h>
#include <vtkImageData.h>
#include <vtkInteractorStyleTrackballCamera.h>
#include <vtkNew.h>
#include <vtkObjectFactory.h>
#include <vtkPiecewiseFunction.h>
#include <vtkPlane.h>
#include <vtkPlaneCollection.h>
#include <vtkPlanes.h>
#include <vtkPolyData.h>
#include <vtkPolyDataMapper.h>
#include <vtkProperty.h>
#include <vtkRenderer.h>
#include <vtkSmartVolumeMapper.h>
#include <vtkVolume.h>
#include <vtkVolumeProperty.h>

#include <QComboBox>
#include <QCoreApplication>
#include <QEvent>
#include <QLabel>
#include <QMouseEvent>
#include <QPointer>
#include <QThreadPool>
#include <QTimer>
#include <QVBoxLayout>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>
#include <map>

namespace hf {

namespace {

using Surfaces = std::map<LabelId, vtkSmartPointer<vtkPolyData>>;

/// Where the processor draws, a large volume would only make it slow.
constexpr double kMostVoxels = 24e6, kMostInSoftware = 4e6;

/// Runs on a pool thread; `done` is called on the GUI thread afterwards, if the receiver is still there.
template <typename Work> auto startWork(QObject* receiver, Work work, void (*done)(QObject*))
{
    auto task = std::make_shared<std::packaged_task<decltype(work())()>>(std::move(work));
    auto future = task->get_future();
    QThreadPool::globalInstance()->start([task, done, receiver = QPointer<QObject>(receiver)] {
        (*task)();
        QMetaObject::invokeMethod(qApp, [receiver, done] {
            if (receiver) {
                done(receiver);
            }
        });
    });
    return future;
}

/// The mapper behind the smart one is where the number of rays is told.
class VolumeMapper : public vtkSmartVolumeMapper {
public:
    static VolumeMapper* New();
    vtkTypeMacro(VolumeMapper, vtkSmartVolumeMapper);
    using vtkSmartVolumeMapper::GetGPUMapper;
};
vtkStandardNewMacro(VolumeMapper);

template <typename Result> bool isReady(const std::future<Result>& future) { return future.valid() && future.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

} // namespace

struct VolumeView3D::Private {
    QWidget* widget = nullptr;                  ///< One of the next two.
    QVTKOpenGLNativeWidget* native = nullptr;   ///< Where a graphics processor draws.
    SoftwareCanvas* software = nullptr;         ///< Where the processor draws.
    QComboBox* chooser = nullptr;
    QLabel* mark = nullptr;
    QLabel* speed = nullptr;
    vtkNew<vtkGenericOpenGLRenderWindow> window;
    vtkNew<vtkRenderer> renderer;
    vtkNew<VolumeMapper> mapper;
    vtkNew<vtkVolume> actor;
    vtkNew<vtkBoxWidget2> crop;
    vtkNew<vtkCallbackCommand> cropMoved;
    vtkSmartPointer<vtkPlane> clip;
    std::shared_ptr<const Volume> volume;
    QString preset = "bone";
    bool isChosen = false;          ///< By the reader.
    bool isShaded = true;
    double shift = 0, stretch = 1;
    QPoint pressed;
    double pressedShift = 0, pressedStretch = 1;
    bool isDragging = false;
    std::future<vtkSmartPointer<vtkImageData>> image;
    std::future<Surfaces> shapes;
    LabelMap mask;                  ///< Whose surfaces are shown or being made.
    std::vector<LabelId> hidden;
    std::map<LabelId, vtkSmartPointer<vtkActor>> surfaces;
    bool hasMask = false, hasImage = false;
    bool isQuiet = false;           ///< Several changes, one picture.
    bool wasPrepared = false, isPreparing = false;
    QTimer later;
    std::unique_ptr<SteppedRendering> stepped;  // last: it looks at the others until it goes

    bool isHu() const { return volume && volume->info().unit == Unit::Hu; }

    /// In a turn of the event loop of its own: what asks for it has other work to do, and several changes make one picture.
    void render()
    {
        if (!isQuiet) {
            later.start();
        }
        if (software && !widget->isVisible()) {
            software->forgetPicture();
        }
    }

    /// Renders only what can be seen; a hidden view does it when it is shown.
    void renderNow()
    {
        later.stop();
        if (widget->isVisible()) {
            software ? void(software->draw()) : window->Render();
        }
    }

    /// The present picture; null without OpenGL.
    QImage grab() { return software ? software->draw() : native->grabFramebuffer(); }

    void makeWidget(VolumeView3D* view)
    {
        later.setSingleShot(true);
        later.callOnTimeout(view, [this] { renderNow(); });
        if (SoftwareCanvas::isSoftware()) {
            widget = software = new SoftwareCanvas(window, view);
            connect(software, &SoftwareCanvas::drawWanted, view, [this] { render(); });
        } else {
            widget = native = new QVTKOpenGLNativeWidget(view);
            native->setRenderWindow(window);
        }
    }

    void applyPreset()
    {
        const std::vector<RenderStop>& stops = renderStops(preset, isHu());
        const double middle = (stops[1].value + stops[stops.size() - 2].value) / 2;
        vtkNew<vtkColorTransferFunction> color;
        vtkNew<vtkPiecewiseFunction> opacity;
        for (const RenderStop& stop : stops) {
            const double value = middle + (stop.value - middle) * stretch + shift;
            color->AddRGBPoint(value, stop.r, stop.g, stop.b);
            // A mask is what matters then: the volume steps back.
            opacity->AddPoint(value, stop.opacity * (hasMask ? 0.12 : 1));
        }
        vtkVolumeProperty* property = actor->GetProperty();
        property->SetColor(color);
        property->SetScalarOpacity(opacity);
        property->SetInterpolationTypeToLinear();
        const bool mip = preset == "mip";
        property->SetShade(!mip && isShaded);
        property->SetAmbient(0.25);
        property->SetDiffuse(0.8);
        property->SetSpecular(0.15);
        mip ? mapper->SetBlendModeToMaximumIntensity() : mapper->SetBlendModeToComposite();
        render();
    }

    void removeSurfaces()
    {
        for (auto& [value, surface] : surfaces) {
            renderer->RemoveActor(surface);
        }
        surfaces.clear();
    }

    void showSurfaces(const Surfaces& shapesOfLabels)
    {
        removeSurfaces();
        for (const auto& [value, shape] : shapesOfLabels) {
            vtkNew<vtkPolyDataMapper> surfaceMapper;
            surfaceMapper->SetInputData(shape);
            surfaceMapper->ScalarVisibilityOff();
            auto surface = vtkSmartPointer<vtkActor>::New();
            surface->SetMapper(surfaceMapper);
            surface->GetProperty()->SetInterpolationToGouraud();
            surface->GetProperty()->SetOpacity(0.85);
            renderer->AddActor(surface);
            surfaces[value] = surface;
        }
        cutAll();
        styleSurfaces();
    }

    void styleSurfaces()
    {
        for (const Label& label : mask.labels()) {
            const auto found = surfaces.find(label.value);
            if (found != surfaces.end()) {
                found->second->GetProperty()->SetColor(label.color.r / 255.0, label.color.g / 255.0, label.color.b / 255.0);
                found->second->SetVisibility(std::find(hidden.begin(), hidden.end(), label.value) == hidden.end());
            }
        }
    }

    /// The planes of box and clip on volume and surfaces.
    void cutAll()
    {
        vtkNew<vtkPlaneCollection> planes;
        if (crop->GetEnabled()) {
            vtkNew<vtkPlanes> box;
            static_cast<vtkBoxRepresentation*>(crop->GetRepresentation())->GetPlanes(box);
            for (int n = 0; n < box->GetNumberOfPlanes(); ++n) {
                vtkNew<vtkPlane> plane;
                plane->SetOrigin(box->GetPlane(n)->GetOrigin());
                const double* normal = box->GetPlane(n)->GetNormal();
                plane->SetNormal(normal[0], normal[1], normal[2]);
                planes->AddItem(plane);
            }
        }
        if (clip) {
            planes->AddItem(clip);
        }
        // An empty list would be compiled into the volume's shader.
        mapper->SetClippingPlanes(planes->GetNumberOfItems() > 0 ? planes.Get() : nullptr);
        for (const auto& [value, surface] : surfaces) {
            surface->GetMapper()->SetClippingPlanes(planes);
        }
    }

    void placeCropBox()
    {
        if (hasImage) {
            auto* box = static_cast<vtkBoxRepresentation*>(crop->GetRepresentation());
            box->SetPlaceFactor(1);
            box->PlaceWidget(actor->GetBounds());
        }
    }
};

VolumeView3D::VolumeView3D(QWidget* parent) : QWidget(parent), d(std::make_unique<Private>())
{
    d->makeWidget(this);
    d->window->AddRenderer(d->renderer);
    d->renderer->SetBackground(0.04, 0.045, 0.055);
    d->actor->SetMapper(d->mapper);
    // Coarser rays while the reader moves it. With software OpenGL the steps alone decide about the rays.
    d->mapper->SetInteractiveAdjustSampleDistances(!d->software);
    d->mapper->SetAutoAdjustSampleDistances(!d->software);
    d->stepped = std::make_unique<SteppedRendering>(d->widget, d->renderer, d->mapper, d->mapper->GetGPUMapper(), d->software != nullptr);
    connect(d->stepped.get(), &SteppedRendering::sharpened, this, &VolumeView3D::sharpened);
    vtkNew<vtkInteractorStyleTrackballCamera> style;
    d->window->GetInteractor()->SetInteractorStyle(style);
    vtkNew<vtkBoxRepresentation> box;
    box->HandlesOn();
    box->InsideOutOn();     // VTK keeps what lies where the normals point to: inside
    d->crop->SetRepresentation(box);
    d->crop->SetInteractor(d->window->GetInteractor());
    d->crop->RotationEnabledOff();
    d->cropMoved->SetClientData(d.get());
    d->cropMoved->SetCallback([](vtkObject*, unsigned long, void* client, void*) { static_cast<Private*>(client)->cutAll(); });
    d->crop->AddObserver(vtkCommand::InteractionEvent, d->cropMoved);
    d->widget->installEventFilter(this);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(d->widget);
    setAccessibleName(tr("Volume"));
    d->chooser = new QComboBox(this);
    d->chooser->setObjectName("presetChooser");
    for (const RenderPreset& preset : renderPresets()) {
        d->chooser->addItem(preset.name, preset.id);
    }
    d->chooser->setToolTip(tr("How the volume is rendered"));
    d->chooser->setAccessibleName(tr("How the volume is rendered"));
    d->chooser->move(8, 8);
    const auto label = [this](const char* name, const char* color) {
        auto* text = new QLabel(this);
        text->setObjectName(name);
        text->setStyleSheet(QStringLiteral("color: %1; background: transparent;").arg(color));
        text->setAttribute(Qt::WA_TransparentForMouseEvents);
        text->hide();
        return text;
    };
    d->mark = label("aiMark", "#f2b134");
    d->speed = label("speedMark", "#8d97a3");
    connect(d->chooser, &QComboBox::activated, this, [this] { setPreset(d->chooser->currentData().toString()); });
}

VolumeView3D::~VolumeView3D() { d->crop->SetInteractor(nullptr); }

QSurfaceFormat VolumeView3D::surfaceFormat() { return QVTKOpenGLNativeWidget::defaultFormat(); }

void VolumeView3D::prepare()
{
    if (d->wasPrepared || d->volume || !window()->isVisible()) {
        return;
    }
    d->wasPrepared = d->isPreparing = d->isQuiet = true;
    // The shader is compiled for two powers of two and any number of slices, as most volumes have them.
    const Size3 size{4, 4, 5};
    const Geometry geometry(size, {1, 1, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    d->mapper->SetInputData(toVtkImage(Volume(geometry, std::vector<std::int16_t>(size.voxels(), 300), {})));
    d->renderer->AddVolume(d->actor);
    d->applyPreset();
    d->renderer->ResetCamera();
    const LabelMap label(geometry, std::vector<LabelId>(size.voxels(), 1), {{1, "label", {255, 0, 0}, {}, {}}});
    const auto makeContext = [this] {
        // Without OpenGL there is no picture, and nothing to prepare.
        if (d->software ? !d->software->prepare() : d->native->grabFramebuffer().isNull()) {
            endPreparing();
        }
    };
    prepareNext({makeContext, [this] { drawForNobody(false); }, [this] { drawForNobody(true); }, [this, label] {
        d->showSurfaces(toVtkSurfaces(label));
        drawForNobody(false);
    }, [this] { drawForNobody(true); }});
}

/// One step in a turn of the event loop: each compiles something else.
void VolumeView3D::prepareNext(std::vector<std::function<void()>> steps)
{
    if (steps.empty()) {
        endPreparing();
        return;
    }
    QTimer::singleShot(0, this, [this, steps = std::move(steps)] {
        if (d->isPreparing) {
            steps.front()();
            prepareNext({steps.begin() + 1, steps.end()});
        }
    });
}

/// @param isWhole  with all rays.
void VolumeView3D::drawForNobody(bool isWhole)
{
    d->stepped->setWhole(isWhole);
    d->software ? void(d->software->draw()) : d->window->Render();
    d->stepped->setWhole(false);
}

void VolumeView3D::endPreparing()
{
    if (d->isPreparing) {
        d->removeSurfaces();
        d->renderer->RemoveVolume(d->actor);
        d->isPreparing = d->isQuiet = false;
    }
}

void VolumeView3D::setVolume(std::shared_ptr<const Volume> volume)
{
    endPreparing();
    d->stepped->startOver();
    clearMask();
    d->renderer->RemoveVolume(d->actor);
    d->hasImage = false;
    d->volume = std::move(volume);
    d->image = {};
    d->shift = 0;
    d->stretch = 1;
    setCropShown(false);
    d->speed->hide();
    // Nothing of the volume before stays in sight.
    if (d->software) {
        d->software->forgetPicture();
    }
    d->render();
    if (!d->volume) {
        return;
    }
    const QList<RenderPreset> own = renderPresetsFor(*d->volume);
    const auto has = [&](const QString& id) { return std::any_of(own.begin(), own.end(), [&](const RenderPreset& preset) { return preset.id == id; }); };
    if (!d->isChosen || !has(d->preset)) {
        d->preset = startPreset(*d->volume);
    }
    d->chooser->clear();
    for (const RenderPreset& preset : own) {
        d->chooser->addItem(preset.name, preset.id);
    }
    d->chooser->setCurrentIndex(d->chooser->findData(d->preset));
    d->speed->setText(tr("Building the volume ..."));
    d->speed->show();
    placeMarks();
    const double most = d->software ? kMostInSoftware : kMostVoxels;
    d->image = startWork(this, [volume = d->volume, most] { return toVtkImage(*volume, most); }, [](QObject* self) { static_cast<VolumeView3D*>(self)->takeBuilt(); });
}

void VolumeView3D::takeBuilt()
{
    if (isReady(d->image)) {
        d->mapper->SetInputData(d->image.get());
        d->hasImage = true;
        d->renderer->AddVolume(d->actor);
        d->placeCropBox();
        d->isQuiet = true;
        d->applyPreset();
        resetCamera();
        d->isQuiet = false;
        showFirst();
    }
    if (isReady(d->shapes)) {
        d->showSurfaces(d->shapes.get());
        d->render();
    }
}

void VolumeView3D::showFirst()
{
    d->speed->hide();
    d->renderNow();
    if (d->software) {
        d->speed->setText(tr("Software OpenGL, slow: coarse at first and while moving"));
        d->speed->show();
        placeMarks();
    }
}

const std::shared_ptr<const Volume>& VolumeView3D::volume() const { return d->volume; }

bool VolumeView3D::isBuilding() const { return d->image.valid() || d->shapes.valid(); }

bool VolumeView3D::isSharp() const { return !d->later.isActive() && d->stepped->isSharp(); }

void VolumeView3D::setPreset(const QString& id, bool isChoice)
{
    d->isChosen = isChoice;
    d->preset = id;
    d->shift = 0;
    d->stretch = 1;
    d->chooser->setCurrentIndex(d->chooser->findData(id));
    d->applyPreset();
}

QString VolumeView3D::preset() const { return d->preset; }

void VolumeView3D::setValueWindow(double shift, double stretch)
{
    d->shift = std::clamp(shift, -3000.0, 3000.0);
    d->stretch = std::clamp(stretch, 0.1, 5.0);
    d->applyPreset();
}

double VolumeView3D::valueShift() const { return d->shift; }

double VolumeView3D::valueStretch() const { return d->stretch; }

void VolumeView3D::setMask(const LabelMap& mask, const std::vector<LabelId>& hidden)
{
    if (!d->volume) {
        return;
    }
    const bool isSame = d->hasMask && !d->mask.isEmpty() && d->mask.voxels().data() == mask.voxels().data();
    d->mask = mask;
    d->hidden = hidden;
    d->hasMask = true;
    if (isSame) {
        d->styleSurfaces();
    } else {
        d->stepped->startOver();
        d->removeSurfaces();
        d->shapes = startWork(this, [mask] { return toVtkSurfaces(mask); }, [](QObject* self) { static_cast<VolumeView3D*>(self)->takeBuilt(); });
    }
    d->mark->setText(tr("AI: %1 %2").arg(QString::fromStdString(mask.provenance().expert), QString::fromStdString(mask.provenance().version)));
    d->mark->show();
    placeMarks();
    d->applyPreset();
}

void VolumeView3D::placeMarks()
{
    d->mark->adjustSize();
    d->mark->move(std::max(0, width() - d->mark->width() - 10), 10);
    d->speed->adjustSize();
    d->speed->move(8, std::max(0, height() - d->speed->height() - 6));
}

void VolumeView3D::resizeEvent(QResizeEvent*) { placeMarks(); }

void VolumeView3D::clearMask()
{
    if (!d->hasMask) {
        return;
    }
    d->mark->hide();
    d->removeSurfaces();
    d->shapes = {};
    d->mask = {};
    d->hasMask = false;
    if (d->volume) {
        d->applyPreset();
    }
}

void VolumeView3D::setCropShown(bool shown)
{
    if (shown == isCropShown() || (shown && !d->hasImage)) {
        return;
    }
    if (shown) {
        d->placeCropBox();
    }
    d->crop->SetEnabled(shown);
    d->cutAll();
    d->render();
    Q_EMIT cropShownChanged(shown);
}

bool VolumeView3D::isCropShown() const { return d->crop->GetEnabled() != 0; }

void VolumeView3D::setClipPlane(PointLps point, Vec3 normal)
{
    d->clip = vtkSmartPointer<vtkPlane>::New();
    d->clip->SetOrigin(point.x, point.y, point.z);
    // VTK keeps what lies where its normal points to.
    d->clip->SetNormal(-normal.x, -normal.y, -normal.z);
    d->cutAll();
    d->render();
}

void VolumeView3D::clearClipPlane()
{
    if (d->clip) {
        d->clip = nullptr;
        d->cutAll();
        d->render();
    }
}

void VolumeView3D::setShaded(bool shaded)
{
    d->isShaded = shaded;
    d->applyPreset();
}

void VolumeView3D::resetCamera()
{
    if (d->hasImage) {
        lookFrom({0, -1, 0});
    }
}

void VolumeView3D::lookFrom(Vec3 direction)
{
    vtkCamera* camera = d->renderer->GetActiveCamera();
    camera->SetFocalPoint(0, 0, 0);
    camera->SetPosition(direction.x, direction.y, direction.z);
    const bool vertical = std::abs(direction.z) > 0.9;
    camera->SetViewUp(0, vertical ? -1 : 0, vertical ? 0 : 1);
    d->renderer->ResetCamera();
    camera->Zoom(1.35);
    d->renderer->ResetCameraClippingRange();
    d->render();
}

QImage VolumeView3D::image()
{
    if (d->image.valid()) {
        d->image.wait();
    }
    if (d->shapes.valid()) {
        d->shapes.wait();
    }
    takeBuilt();
    d->stepped->setWhole(true);
    d->later.stop();
    if (d->native && d->native->isVisible()) {
        d->window->Render();
    }
    const QImage picture = d->grab();
    d->stepped->setWhole(false);
    return picture;
}

bool VolumeView3D::dragValues(QEvent* event)
{
    auto* mouse = static_cast<QMouseEvent*>(event);
    if (event->type() == QEvent::MouseButtonPress && mouse->button() == Qt::LeftButton && mouse->modifiers() & Qt::ControlModifier) {
        d->isDragging = true;
        d->pressed = mouse->position().toPoint();
        d->pressedShift = d->shift;
        d->pressedStretch = d->stretch;
        d->window->SetDesiredUpdateRate(15);
        return true;
    }
    if (!d->isDragging) {
        return false;
    }
    if (event->type() == QEvent::MouseMove) {
        // Up is brighter, right is wider, as in the slices: brighter means that lower values show.
        const QPoint by = mouse->position().toPoint() - d->pressed;
        setValueWindow(d->pressedShift + by.y() * 2.0, d->pressedStretch * std::exp(by.x() * 0.004));
    } else if (event->type() == QEvent::MouseButtonRelease) {
        d->isDragging = false;
        d->window->SetDesiredUpdateRate(0.001);
        d->render();
    }
    return event->type() == QEvent::MouseMove || event->type() == QEvent::MouseButtonRelease;
}

bool VolumeView3D::eventFilter(QObject* object, QEvent* event)
{
    if (event->type() == QEvent::MouseButtonDblClick) {
        Q_EMIT maximizeRequested();
        return true;
    }
    if (event->type() == QEvent::Show) {
        d->render();
    }
    return dragValues(event) || QWidget::eventFilter(object, event);
}

} // namespace hf
