#include "viewer/render/VolumeView3D.h"

#include "viewer/render/SoftwareCanvas.h"
#include "viewer/render/VolumeScene.h"
#include "viewer/render/VtkData.h"

#include <QVTKOpenGLNativeWidget.h>

#include <vtkBoxRepresentation.h>
#include <vtkBoxWidget2.h>
#include <vtkCallbackCommand.h>
#include <vtkCamera.h>
#include <vtkGenericOpenGLRenderWindow.h>
#include <vtkImageData.h>
#include <vtkInteractorStyleTrackballCamera.h>
#include <vtkNew.h>
#include <vtkPlane.h>
#include <vtkPlanes.h>
#include <vtkPolyData.h>
#include <vtkRenderer.h>
#include <vtkTransform.h>

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
#include <optional>
#include <utility>

namespace hf {

namespace {

/// Where the processor draws, more would only make it slow.
constexpr double kMostVoxels = 24e6, kMostInSoftware = 16e6, kShareInSoftware = 0.25;

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

template <typename Result> bool isReady(const std::future<Result>& future) { return future.valid() && future.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

} // namespace

struct VolumeView3D::Private {
    QWidget* widget = nullptr;                  ///< One of the next two.
    QVTKOpenGLNativeWidget* native = nullptr;   ///< Where a graphics processor draws.
    SoftwareCanvas* software = nullptr;         ///< Where the processor draws.
    QComboBox* chooser = nullptr;
    QLabel* mark = nullptr;
    QLabel* speed = nullptr;
    VolumeScene scene;              ///< Where the processor draws, only for the camera and the handles: SoftwareCanvas has another one.
    VolumeContent content;
    vtkSmartPointer<vtkImageData> frame;        ///< The image without its values.
    vtkNew<vtkBoxWidget2> crop;
    vtkNew<vtkCallbackCommand> cropMoved;
    vtkNew<vtkCallbackCommand> cameraMoved;     ///< Only where a graphics processor draws.
    std::optional<CutPlane> clip;
    std::shared_ptr<const Volume> volume;
    bool isChosen = false;          ///< The preset, by the reader.
    QPoint pressed;
    double pressedShift = 0, pressedStretch = 1;
    bool isDragging = false;
    std::future<vtkSmartPointer<vtkImageData>> image;
    std::future<Surfaces> shapes;
    LabelMap mask;                  ///< Whose surfaces are shown or being made.
    bool hasMask = false;
    bool isPreparing = false;
    QTimer later;

    bool isHu() const { return volume && isCt(*volume); }

    /// In a turn of the event loop of its own: what asks for it has other work to do, and several changes make one picture.
    void render()
    {
        if (!isPreparing) {
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
            software ? software->show(content, cropBox()) : scene.window()->Render();
        }
    }

    /// The present picture; null without OpenGL.
    QImage grab() { return software ? software->draw(content, cropBox()) : native->grabFramebuffer(); }

    /// The content has changed.
    void changed()
    {
        if (software) {
            VolumeContent own;
            own.image = frame;
            scene.show(own);
        } else {
            scene.show(content);
        }
        render();
    }

    void setImage(vtkSmartPointer<vtkImageData> made)
    {
        content.image = std::move(made);
        frame = nullptr;
        if (content.image) {
            frame = vtkSmartPointer<vtkImageData>::New();
            frame->CopyStructure(content.image);
        }
    }

    void makeWidget(VolumeView3D* view)
    {
        later.setSingleShot(true);
        later.callOnTimeout(view, [this] { renderNow(); });
        if (SoftwareCanvas::isSoftware()) {
            widget = software = new SoftwareCanvas(scene.window(), view);
            connect(software, &SoftwareCanvas::drawWanted, view, [this] { render(); });
            connect(software, &SoftwareCanvas::sharpened, view, &VolumeView3D::sharpened);
            connect(software, &SoftwareCanvas::cameraMoved, view, &VolumeView3D::cameraMoved);
        } else {
            widget = native = new QVTKOpenGLNativeWidget(view);
            native->setRenderWindow(scene.window());
            cameraMoved->SetClientData(view);
            cameraMoved->SetCallback([](vtkObject*, unsigned long, void* client, void*) { Q_EMIT static_cast<VolumeView3D*>(client)->cameraMoved(); });
            scene.renderer()->GetActiveCamera()->AddObserver(vtkCommand::ModifiedEvent, cameraMoved);
        }
    }

    void applyLook()
    {
        content.look.isHu = isHu();
        content.look.isBehindMask = hasMask;
        changed();
    }

    /// Of what is seen.
    CameraPose camera() const { return software ? software->camera() : CameraPose::of(scene.renderer()->GetActiveCamera()); }

    vtkBoxRepresentation* cropShape() const { return static_cast<vtkBoxRepresentation*>(crop->GetRepresentation()); }

    /// The planes of box and clip on volume and surfaces.
    void cutAll()
    {
        content.planes.clear();
        if (crop->GetEnabled()) {
            vtkNew<vtkPlanes> box;
            cropShape()->GetPlanes(box);
            for (int n = 0; n < box->GetNumberOfPlanes(); ++n) {
                const double *origin = box->GetPlane(n)->GetOrigin(), *normal = box->GetPlane(n)->GetNormal();
                content.planes.push_back({{origin[0], origin[1], origin[2]}, {normal[0], normal[1], normal[2]}});
            }
        }
        if (clip) {
            content.planes.push_back(*clip);
        }
        changed();
    }

    /// The handles, for whoever draws them elsewhere.
    std::optional<CropBoxPose> cropBox() const
    {
        if (!crop->GetEnabled()) {
            return {};
        }
        CropBoxPose pose;
        std::copy_n(scene.bounds(), pose.bounds.size(), pose.bounds.begin());
        vtkNew<vtkTransform> transform;
        cropShape()->GetTransform(transform);
        std::copy_n(transform->GetMatrix()->GetData(), pose.transform.size(), pose.transform.begin());
        crop->GetInteractor()->GetEventPosition(pose.pointer.data());
        pose.state = cropShape()->GetInteractionState();
        return pose;
    }

    void placeCropBox()
    {
        if (scene.hasImage()) {
            cropShape()->SetPlaceFactor(1);
            cropShape()->PlaceWidget(const_cast<double*>(scene.bounds()));
        }
    }
};

VolumeView3D::VolumeView3D(QWidget* parent) : QWidget(parent), d(std::make_unique<Private>())
{
    d->makeWidget(this);
    d->scene.setAdjustsRays(true);
    vtkNew<vtkInteractorStyleTrackballCamera> style;
    d->scene.window()->GetInteractor()->SetInteractorStyle(style);
    vtkNew<vtkBoxRepresentation> box;
    box->HandlesOn();
    box->InsideOutOn();     // VTK keeps what lies where the normals point to: inside
    d->crop->SetRepresentation(box);
    d->crop->SetInteractor(d->scene.window()->GetInteractor());
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

VolumeView3D::~VolumeView3D()
{
    d->scene.renderer()->GetActiveCamera()->RemoveObserver(d->cameraMoved);
    d->crop->SetInteractor(nullptr);
}

QSurfaceFormat VolumeView3D::surfaceFormat() { return QVTKOpenGLNativeWidget::defaultFormat(); }

void VolumeView3D::prepare()
{
    if (d->software) {
        d->software->prepare();
        return;
    }
    // While the reader still looks for what to open.
    constexpr int kLaterMs = 200;
    QTimer::singleShot(kLaterMs, this, [this] {
        if (!d->volume && !d->isPreparing && window()->isVisible()) {
            d->isPreparing = true;
            prepareNext(smallContents());
        }
    });
}

/// One in a turn of the event loop: each compiles something else.
void VolumeView3D::prepareNext(std::vector<VolumeContent> contents)
{
    if (contents.empty()) {
        endPreparing();
        return;
    }
    QTimer::singleShot(0, this, [this, contents = std::move(contents)] {
        if (!d->isPreparing) {
            return;
        }
        d->scene.show(contents.front());
        d->scene.renderer()->ResetCamera();
        // Without OpenGL there is no picture, and nothing to prepare.
        const bool hasOpenGl = !d->native->grabFramebuffer().isNull();
        d->scene.show(d->content);
        d->scene.window()->Render();
        hasOpenGl ? prepareNext({contents.begin() + 1, contents.end()}) : endPreparing();
    });
}

void VolumeView3D::endPreparing()
{
    if (std::exchange(d->isPreparing, false)) {
        d->changed();
    }
}

/// Nothing of what was drawn before stays in sight.
void VolumeView3D::forget()
{
    if (d->software) {
        d->software->forgetPicture();
    }
    d->changed();
}

void VolumeView3D::setVolume(std::shared_ptr<const Volume> volume)
{
    endPreparing();
    clearMask();
    d->setImage(nullptr);
    d->volume = std::move(volume);
    d->image = {};
    d->content.look.shift = 0;
    d->content.look.stretch = 1;
    setCropShown(false);
    d->speed->hide();
    forget();
    d->chooser->setVisible(d->volume != nullptr);
    if (!d->volume) {
        d->speed->setText(tr("No 3D view of these images"));
        d->speed->show();
        placeMarks();
        return;
    }
    const QList<RenderPreset> own = renderPresetsFor(*d->volume);
    const auto has = [&](const QString& id) { return std::any_of(own.begin(), own.end(), [&](const RenderPreset& preset) { return preset.id == id; }); };
    if (!d->isChosen || !has(d->content.look.preset)) {
        d->content.look.preset = startPreset(*d->volume);
    }
    d->chooser->clear();
    for (const RenderPreset& preset : own) {
        d->chooser->addItem(preset.name, preset.id);
    }
    d->chooser->setCurrentIndex(d->chooser->findData(d->content.look.preset));
    d->speed->setText(tr("Building the volume ..."));
    d->speed->show();
    placeMarks();
    const double most = d->software ? kMostInSoftware : kMostVoxels;
    d->image = startWork(this, [volume = d->volume, most] { return toVtkImage(*volume, most); }, [](QObject* self) { static_cast<VolumeView3D*>(self)->takeBuilt(); });
}

void VolumeView3D::takeBuilt()
{
    if (isReady(d->image)) {
        d->setImage(d->image.get());
        d->applyLook();
        d->placeCropBox();
        resetCamera();
        if (d->software) {
            d->software->forgetPicture();       // that of nothing, by the camera before
        }
        showFirst();
    }
    if (isReady(d->shapes)) {
        d->content.surfaces = std::make_shared<const Surfaces>(d->shapes.get());
        d->changed();
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

bool VolumeView3D::hasImage() const { return d->volume && d->scene.hasImage() && (!d->software || d->software->hasPicture()); }

bool VolumeView3D::isSharp() const { return !d->later.isActive() && (!d->software || d->software->isSharp()); }

void VolumeView3D::setPreset(const QString& id, bool isChoice)
{
    d->isChosen = isChoice;
    d->content.look.preset = id;
    d->content.look.shift = 0;
    d->content.look.stretch = 1;
    d->chooser->setCurrentIndex(d->chooser->findData(id));
    d->applyLook();
}

QString VolumeView3D::preset() const { return d->content.look.preset; }

void VolumeView3D::setValueWindow(double shift, double stretch)
{
    d->content.look.shift = std::clamp(shift, -3000.0, 3000.0);
    d->content.look.stretch = std::clamp(stretch, 0.1, 5.0);
    d->applyLook();
}

double VolumeView3D::valueShift() const { return d->content.look.shift; }

double VolumeView3D::valueStretch() const { return d->content.look.stretch; }

void VolumeView3D::setMask(const LabelMap& mask, const std::vector<LabelId>& hidden)
{
    if (!d->volume) {
        return;
    }
    const bool isSame = d->hasMask && !d->mask.isEmpty() && d->mask.voxels().data() == mask.voxels().data();
    d->mask = mask;
    d->content.labels = mask.labels();
    d->content.hidden = hidden;
    d->hasMask = true;
    if (!isSame) {
        d->content.surfaces = nullptr;
        d->shapes = startWork(this, [mask, share = d->software ? kShareInSoftware : 1.0] { return toVtkSurfaces(mask, share); }, [](QObject* self) { static_cast<VolumeView3D*>(self)->takeBuilt(); });
    }
    d->mark->setText(tr("AI: %1 %2").arg(QString::fromStdString(mask.provenance().expert), QString::fromStdString(mask.provenance().version)));
    d->mark->show();
    placeMarks();
    d->applyLook();
}

void VolumeView3D::placeMarks()
{
    // The upper corners are those of the texts that tell whose images these are.
    d->chooser->adjustSize();
    d->chooser->move(std::max(0, width() - d->chooser->width() - 8), std::max(0, height() - d->chooser->height() - 6));
    // Beside the presets, else above them.
    const int whole = d->speed->fontMetrics().horizontalAdvance(d->speed->text()) + 4, room = std::max(40, width() - 16);
    d->speed->setWordWrap(whole > room);
    d->speed->resize(std::min(whole, room), whole > room ? d->speed->heightForWidth(room) : d->speed->sizeHint().height());
    const int below = whole < d->chooser->x() - 16 || d->chooser->isHidden() ? height() - 6 : d->chooser->y() - 2;
    d->speed->move(8, std::max(0, below - d->speed->height()));
    d->mark->adjustSize();
    d->mark->move(8, std::max(0, d->speed->y() - d->mark->height() - 2));
}

int VolumeView3D::footer() const
{
    int top = height();
    for (const QWidget* widget : {static_cast<QWidget*>(d->chooser), static_cast<QWidget*>(d->speed)}) {
        top = widget->isHidden() ? top : std::min(top, widget->y());
    }
    return height() - top;
}

void VolumeView3D::resizeEvent(QResizeEvent*) { placeMarks(); }

void VolumeView3D::clearMask()
{
    if (!d->hasMask) {
        return;
    }
    d->mark->hide();
    d->content.surfaces = nullptr;
    d->shapes = {};
    d->mask = {};
    d->hasMask = false;
    if (d->volume) {
        d->applyLook();
    }
}

void VolumeView3D::setCropShown(bool shown)
{
    if (shown == isCropShown() || (shown && !d->scene.hasImage())) {
        return;
    }
    if (shown) {
        d->placeCropBox();
    }
    d->crop->SetEnabled(shown);
    d->cutAll();
    Q_EMIT cropShownChanged(shown);
}

bool VolumeView3D::isCropShown() const { return d->crop->GetEnabled() != 0; }

void VolumeView3D::setClipPlane(PointLps point, Vec3 normal)
{
    d->clip = CutPlane{point, normal * -1.0};
    d->cutAll();
}

void VolumeView3D::clearClipPlane()
{
    if (d->clip) {
        d->clip.reset();
        d->cutAll();
    }
}

void VolumeView3D::setShaded(bool shaded)
{
    d->content.look.isShaded = shaded;
    d->applyLook();
}

void VolumeView3D::resetCamera()
{
    if (d->scene.hasImage()) {
        lookFrom({0, -1, 0});
    }
}

void VolumeView3D::lookFrom(Vec3 direction)
{
    vtkCamera* camera = d->scene.renderer()->GetActiveCamera();
    camera->SetFocalPoint(0, 0, 0);
    camera->SetPosition(direction.x, direction.y, direction.z);
    const bool vertical = std::abs(direction.z) > 0.9;
    camera->SetViewUp(0, vertical ? -1 : 0, vertical ? 0 : 1);
    d->scene.renderer()->ResetCamera();
    camera->Zoom(1.35);
    d->scene.renderer()->ResetCameraClippingRange();
    d->render();
}

Vec3 VolumeView3D::right() const { return d->camera().right(); }

Vec3 VolumeView3D::down() const { return d->camera().down(); }

QImage VolumeView3D::image()
{
    if (d->image.valid()) {
        d->image.wait();
    }
    if (d->shapes.valid()) {
        d->shapes.wait();
    }
    takeBuilt();
    d->later.stop();
    if (d->native && d->native->isVisible()) {
        d->scene.window()->Render();
    }
    return d->grab();
}

bool VolumeView3D::dragValues(QEvent* event)
{
    if (event->type() != QEvent::MouseButtonPress && event->type() != QEvent::MouseMove && event->type() != QEvent::MouseButtonRelease) {
        return false;
    }
    auto* mouse = static_cast<QMouseEvent*>(event);
    if (event->type() == QEvent::MouseButtonPress && mouse->button() == Qt::LeftButton && mouse->modifiers() & Qt::ControlModifier) {
        d->isDragging = true;
        d->pressed = mouse->position().toPoint();
        d->pressedShift = d->content.look.shift;
        d->pressedStretch = d->content.look.stretch;
        d->scene.window()->SetDesiredUpdateRate(15);
        return true;
    }
    if (!d->isDragging) {
        return false;
    }
    if (event->type() == QEvent::MouseMove) {
        // Up is brighter, right is wider, as in the slices: brighter means that lower values show.
        const QPoint by = mouse->position().toPoint() - d->pressed;
        setValueWindow(d->pressedShift + by.y() * 2.0, d->pressedStretch * std::exp(by.x() * 0.004));
        return true;
    }
    if (event->type() == QEvent::MouseButtonRelease) {
        d->isDragging = false;
        d->scene.window()->SetDesiredUpdateRate(0.001);
        d->render();
        return true;
    }
    return false;
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
