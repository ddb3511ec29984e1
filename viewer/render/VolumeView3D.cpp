#include "viewer/render/VolumeView3D.h"

#include "viewer/render/ShaderWarmUp.h"
#include "viewer/render/SoftwareCanvas.h"
#include "viewer/render/SteppedRendering.h"
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
#include <vtkMatrix4x4.h>
#include <vtkNew.h>
#include <vtkPlane.h>
#include <vtkPlaneCollection.h>
#include <vtkPlanes.h>
#include <vtkPolyData.h>
#include <vtkRenderer.h>

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
constexpr double kMostVoxels = 24e6, kMostInSoftware = 4e6, kShareInSoftware = 0.06;

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
    VolumeScene scene;
    vtkNew<vtkBoxWidget2> crop;
    vtkNew<vtkCallbackCommand> cropMoved, cameraMoved;
    vtkSmartPointer<vtkPlane> clip;
    std::shared_ptr<const Volume> volume;
    VolumeLook look;
    bool isChosen = false;          ///< Its preset, by the reader.
    QPoint pressed;
    double pressedShift = 0, pressedStretch = 1;
    bool isDragging = false;
    std::future<vtkSmartPointer<vtkImageData>> image;
    std::future<Surfaces> shapes;
    LabelMap mask;                  ///< Whose surfaces are shown or being made.
    std::vector<LabelId> hidden;
    bool hasMask = false;
    bool isQuiet = false;           ///< Several changes, one picture.
    bool isPreparing = false;
    ShaderWarmUp warmUp;
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
        // A thread that compiles for it will have it drawn.
        if (widget->isVisible() && !warmUp.isBusy()) {
            draw();
        }
    }

    void draw() { software ? void(software->draw()) : scene.window()->Render(); }

    /// The present picture; null without OpenGL.
    QImage grab() { return software ? software->draw() : native->grabFramebuffer(); }

    void makeWidget(VolumeView3D* view)
    {
        later.setSingleShot(true);
        later.callOnTimeout(view, [this] { renderNow(); });
        if (SoftwareCanvas::isSoftware()) {
            widget = software = new SoftwareCanvas(scene.window(), view);
            connect(software, &SoftwareCanvas::drawWanted, view, [this] { render(); });
        } else {
            widget = native = new QVTKOpenGLNativeWidget(view);
            native->setRenderWindow(scene.window());
        }
    }

    void applyLook()
    {
        look.isHu = isHu();
        look.isBehindMask = hasMask;
        scene.setLook(look);
        render();
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
        scene.cut(planes);
    }

    void placeCropBox()
    {
        if (scene.hasImage()) {
            auto* box = static_cast<vtkBoxRepresentation*>(crop->GetRepresentation());
            box->SetPlaceFactor(1);
            box->PlaceWidget(const_cast<double*>(scene.bounds()));
        }
    }
};

VolumeView3D::VolumeView3D(QWidget* parent) : QWidget(parent), d(std::make_unique<Private>())
{
    d->makeWidget(this);
    // With software OpenGL the steps alone decide about the rays.
    d->scene.setAdjustsRays(!d->software);
    d->stepped = std::make_unique<SteppedRendering>(d->widget, &d->scene, d->software != nullptr);
    connect(&d->warmUp, &ShaderWarmUp::ready, this, &VolumeView3D::goOn);
    connect(d->stepped.get(), &SteppedRendering::sharpened, this, &VolumeView3D::sharpened);
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
    d->cameraMoved->SetClientData(this);
    d->cameraMoved->SetCallback([](vtkObject*, unsigned long, void* client, void*) { Q_EMIT static_cast<VolumeView3D*>(client)->cameraMoved(); });
    d->scene.renderer()->GetActiveCamera()->AddObserver(vtkCommand::ModifiedEvent, d->cameraMoved);
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
        d->warmUp.start();
    } else {
        // While the reader still looks for what to open.
        constexpr int kLaterMs = 200;
        QTimer::singleShot(kLaterMs, this, [this] { goOn(); });
    }
}

/// When the other thread has compiled what there is, or there is none.
void VolumeView3D::goOn()
{
    if (d->volume) {
        takeBuilt();
        return;
    }
    if (d->isPreparing || !window()->isVisible()) {
        return;
    }
    d->isPreparing = d->isQuiet = true;
    std::vector<std::function<void()>> steps = shaderSteps(d->scene, kUsualVolume, [this](bool isWhole) { drawForNobody(isWhole); });
    steps.insert(steps.begin(), [this] {
        // Without OpenGL there is no picture, and nothing to prepare.
        if (d->software ? !d->software->prepare() : d->native->grabFramebuffer().isNull()) {
            endPreparing();
        }
    });
    prepareNext(std::move(steps));
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
    d->draw();
    d->stepped->setWhole(false);
    forget();
}

/// Nothing of what was drawn before stays in sight.
void VolumeView3D::forget()
{
    if (d->software) {
        d->software->forgetPicture();
    }
    d->render();
}

void VolumeView3D::endPreparing()
{
    if (d->isPreparing) {
        d->scene.removeSurfaces();
        d->scene.setImage(nullptr);
        d->isPreparing = d->isQuiet = false;
        forget();
    }
}

void VolumeView3D::setVolume(std::shared_ptr<const Volume> volume)
{
    endPreparing();
    d->stepped->startOver();
    clearMask();
    d->scene.setImage(nullptr);
    d->volume = std::move(volume);
    d->image = {};
    d->look.shift = 0;
    d->look.stretch = 1;
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
    if (!d->isChosen || !has(d->look.preset)) {
        d->look.preset = startPreset(*d->volume);
    }
    d->chooser->clear();
    for (const RenderPreset& preset : own) {
        d->chooser->addItem(preset.name, preset.id);
    }
    d->chooser->setCurrentIndex(d->chooser->findData(d->look.preset));
    d->speed->setText(tr("Building the volume ..."));
    d->speed->show();
    placeMarks();
    const double most = d->software ? kMostInSoftware : kMostVoxels;
    d->warmUp.prepareFor(vtkImageSize(d->volume->geometry(), most));
    d->image = startWork(this, [volume = d->volume, most] { return toVtkImage(*volume, most); }, [](QObject* self) { static_cast<VolumeView3D*>(self)->takeBuilt(); });
}

void VolumeView3D::takeBuilt()
{
    // Before the shaders are there, this thread would have to compile them.
    if (d->warmUp.isBusy()) {
        return;
    }
    if (isReady(d->image)) {
        d->scene.setImage(d->image.get());
        d->placeCropBox();
        d->isQuiet = true;
        d->applyLook();
        resetCamera();
        d->isQuiet = false;
        showFirst();
    }
    if (isReady(d->shapes)) {
        d->scene.setSurfaces(d->shapes.get());
        d->scene.styleSurfaces(d->mask.labels(), d->hidden);
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

bool VolumeView3D::hasImage() const { return d->volume && d->scene.hasImage(); }

bool VolumeView3D::isSharp() const { return !d->later.isActive() && d->stepped->isSharp(); }

void VolumeView3D::setPreset(const QString& id, bool isChoice)
{
    d->isChosen = isChoice;
    d->look.preset = id;
    d->look.shift = 0;
    d->look.stretch = 1;
    d->chooser->setCurrentIndex(d->chooser->findData(id));
    d->applyLook();
}

QString VolumeView3D::preset() const { return d->look.preset; }

void VolumeView3D::setValueWindow(double shift, double stretch)
{
    d->look.shift = std::clamp(shift, -3000.0, 3000.0);
    d->look.stretch = std::clamp(stretch, 0.1, 5.0);
    d->applyLook();
}

double VolumeView3D::valueShift() const { return d->look.shift; }

double VolumeView3D::valueStretch() const { return d->look.stretch; }

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
        d->scene.styleSurfaces(mask.labels(), hidden);
    } else {
        d->stepped->startOver();
        d->scene.removeSurfaces();
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
    d->scene.removeSurfaces();
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
    d->look.isShaded = shaded;
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

Vec3 VolumeView3D::right() const
{
    const vtkMatrix4x4* axes = d->scene.renderer()->GetActiveCamera()->GetViewTransformMatrix();
    return {axes->GetElement(0, 0), axes->GetElement(0, 1), axes->GetElement(0, 2)};
}

Vec3 VolumeView3D::down() const
{
    const vtkMatrix4x4* axes = d->scene.renderer()->GetActiveCamera()->GetViewTransformMatrix();
    return Vec3{axes->GetElement(1, 0), axes->GetElement(1, 1), axes->GetElement(1, 2)} * -1.0;
}

QImage VolumeView3D::image()
{
    if (d->image.valid()) {
        d->image.wait();
    }
    if (d->shapes.valid()) {
        d->shapes.wait();
    }
    d->warmUp.wait();
    takeBuilt();
    d->stepped->setWhole(true);
    d->later.stop();
    if (d->native && d->native->isVisible()) {
        d->scene.window()->Render();
    }
    const QImage picture = d->grab();
    d->stepped->setWhole(false);
    return picture;
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
        d->pressedShift = d->look.shift;
        d->pressedStretch = d->look.stretch;
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
