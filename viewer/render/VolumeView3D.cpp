#include "viewer/render/VolumeView3D.h"

#include <QVTKOpenGLNativeWidget.h>

#include <vtkCamera.h>
#include <vtkColorTransferFunction.h>
#include <vtkDiscreteFlyingEdges3D.h>
#include <vtkGenericOpenGLRenderWindow.h>
#include <vtkImageData.h>
#include <vtkInteractorStyleTrackballCamera.h>
#include <vtkMatrix3x3.h>
#include <vtkNew.h>
#include <vtkPiecewiseFunction.h>
#include <vtkPointData.h>
#include <vtkPolyDataMapper.h>
#include <vtkPolyDataNormals.h>
#include <vtkProperty.h>
#include <vtkRenderer.h>
#include <vtkShortArray.h>
#include <vtkSmartVolumeMapper.h>
#include <vtkUnsignedCharArray.h>
#include <vtkVolume.h>
#include <vtkVolumeProperty.h>
#include <vtkWindowedSincPolyDataFilter.h>

#include <QComboBox>
#include <QEvent>
#include <QLabel>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace hf {

namespace {

constexpr double kMostVoxels = 24e6;

/// Geometry of every `step`th voxel.
void placeImage(vtkImageData* image, const Geometry& geometry, std::array<int, 3> step)
{
    const Size3 size = geometry.size();
    const auto count = [](int n, int s) { return (n + s - 1) / s; };
    image->SetDimensions(count(size.i, step[0]), count(size.j, step[1]), count(size.k, step[2]));
    const auto spacing = geometry.spacingMm();
    image->SetSpacing(spacing[0] * step[0], spacing[1] * step[1], spacing[2] * step[2]);
    image->SetOrigin(geometry.origin().x, geometry.origin().y, geometry.origin().z);
    vtkNew<vtkMatrix3x3> directions;
    for (int axis = 0; axis < 3; ++axis) {
        const Vec3 v = geometry.direction(axis);
        directions->SetElement(0, axis, v.x);
        directions->SetElement(1, axis, v.y);
        directions->SetElement(2, axis, v.z);
    }
    image->SetDirectionMatrix(directions);
}

std::array<int, 3> stepFor(const Geometry& geometry)
{
    std::array<int, 3> step{1, 1, 1};
    const auto voxels = [&] {
        return double(geometry.size().i / step[0]) * double(geometry.size().j / step[1]) * double(geometry.size().k / step[2]);
    };
    while (voxels() > kMostVoxels) {
        std::size_t finest = 0;
        for (std::size_t axis = 1; axis < 3; ++axis) {
            finest = geometry.spacingMm()[axis] * step[axis] < geometry.spacingMm()[finest] * step[finest] ? axis : finest;
        }
        ++step[finest];
    }
    return step;
}

template <typename Read> void forVoxels(const Geometry& geometry, std::array<int, 3> step, Read&& read)
{
    const Size3 size = geometry.size();
    vtkIdType n = 0;
    for (int k = 0; k < size.k; k += step[2]) {
        for (int j = 0; j < size.j; j += step[1]) {
            for (int i = 0; i < size.i; i += step[0]) {
                read(n++, geometry.offset({i, j, k}));
            }
        }
    }
}

/// Values scaled to short: HU as they are, others to 0 .. 1000 between the 0.1 and 99.9 percentile.
vtkSmartPointer<vtkImageData> toImage(const Volume& volume)
{
    auto image = vtkSmartPointer<vtkImageData>::New();
    const auto step = stepFor(volume.geometry());
    placeImage(image, volume.geometry(), step);
    vtkNew<vtkShortArray> values;
    values->SetNumberOfValues(image->GetNumberOfPoints());
    const bool hu = volume.info().unit == Unit::Hu;
    const WindowLevel window = volume.percentileWindow();
    const double low = window.center - window.width / 2;
    volume.visit([&](auto voxels) {
        forVoxels(volume.geometry(), step, [&](vtkIdType n, std::size_t offset) {
            const double value = double(voxels[offset]);
            values->SetValue(n, short(std::clamp(hu ? value : (value - low) / window.width * 1000, -1024.0, 3071.0)));
        });
    });
    image->GetPointData()->SetScalars(values);
    return image;
}

struct Stop { double value, opacity, r, g, b; };

const std::map<QString, std::vector<Stop>>& transferFunctions(bool hu)
{
    static const std::map<QString, std::vector<Stop>> ct{
        {"bone", {{-1024, 0, 0, 0, 0}, {120, 0, 0.5, 0.3, 0.2}, {220, 0.25, 0.85, 0.65, 0.45}, {450, 0.75, 0.95, 0.9, 0.8}, {3000, 0.9, 1, 1, 0.97}}},
        {"soft", {{-1024, 0, 0, 0, 0}, {-160, 0, 0.8, 0.6, 0.4}, {-60, 0.02, 0.85, 0.6, 0.4}, {40, 0.12, 0.75, 0.35, 0.28}, {150, 0.35, 0.9, 0.6, 0.5}, {350, 0.8, 0.97, 0.93, 0.85}, {3000, 0.9, 1, 1, 1}}},
        {"lung", {{-1024, 0, 0, 0, 0}, {-980, 0, 0.3, 0.4, 0.6}, {-860, 0.03, 0.4, 0.55, 0.75}, {-700, 0.05, 0.5, 0.65, 0.85}, {-500, 0, 0.6, 0.6, 0.6}, {-100, 0.015, 0.8, 0.5, 0.4}, {200, 0.25, 0.9, 0.8, 0.7}, {3000, 0.5, 1, 1, 1}}},
        {"mip", {{-1024, 0, 0, 0, 0}, {-200, 0, 0, 0, 0}, {800, 1, 1, 1, 1}, {3000, 1, 1, 1, 1}}}};
    static const std::map<QString, std::vector<Stop>> other{
        {"soft", {{0, 0, 0, 0, 0}, {120, 0, 0.2, 0.2, 0.2}, {350, 0.08, 0.6, 0.5, 0.45}, {700, 0.3, 0.85, 0.8, 0.75}, {1000, 0.6, 1, 1, 1}}},
        {"mip", {{0, 0, 0, 0, 0}, {100, 0, 0, 0, 0}, {1000, 1, 1, 1, 1}}}};
    return hu ? ct : other;
}

} // namespace

struct VolumeView3D::Private {
    QVTKOpenGLNativeWidget* widget = nullptr;
    QComboBox* chooser = nullptr;
    QLabel* mark = nullptr;
    vtkNew<vtkGenericOpenGLRenderWindow> window;
    vtkNew<vtkRenderer> renderer;
    vtkNew<vtkSmartVolumeMapper> mapper;
    vtkNew<vtkVolume> actor;
    std::shared_ptr<const Volume> volume;
    QString preset = "bone";
    /// Surfaces of the present mask; kept while only visibility and colours change.
    std::shared_ptr<const void> maskVoxels;
    std::map<LabelId, vtkSmartPointer<vtkActor>> surfaces;
    bool hasMask = false;

    bool isHu() const { return volume && volume->info().unit == Unit::Hu; }

    void applyPreset()
    {
        const auto& all = transferFunctions(isHu());
        const auto found = all.contains(preset) ? all.find(preset) : all.find("soft");
        vtkNew<vtkColorTransferFunction> color;
        vtkNew<vtkPiecewiseFunction> opacity;
        for (const Stop& stop : found->second) {
            color->AddRGBPoint(stop.value, stop.r, stop.g, stop.b);
            // A mask is what matters then: the volume steps back.
            opacity->AddPoint(stop.value, stop.opacity * (hasMask ? 0.12 : 1));
        }
        vtkVolumeProperty* property = actor->GetProperty();
        property->SetColor(color);
        property->SetScalarOpacity(opacity);
        property->SetInterpolationTypeToLinear();
        const bool mip = found->first == "mip";
        property->SetShade(!mip);
        property->SetAmbient(0.25);
        property->SetDiffuse(0.8);
        property->SetSpecular(0.15);
        mip ? mapper->SetBlendModeToMaximumIntensity() : mapper->SetBlendModeToComposite();
        window->Render();
    }

    void removeSurfaces()
    {
        for (auto& [value, surface] : surfaces) {
            renderer->RemoveActor(surface);
        }
        surfaces.clear();
    }

    /// Smoothed surfaces of all labels.
    void makeSurfaces(const LabelMap& mask)
    {
        removeSurfaces();
        const auto image = vtkSmartPointer<vtkImageData>::New();
        const auto step = stepFor(mask.geometry());
        placeImage(image, mask.geometry(), step);
        vtkNew<vtkUnsignedCharArray> values;
        values->SetNumberOfValues(image->GetNumberOfPoints());
        forVoxels(mask.geometry(), step, [&](vtkIdType n, std::size_t offset) { values->SetValue(n, mask.voxels()[offset]); });
        image->GetPointData()->SetScalars(values);
        for (const Label& label : mask.labels()) {
            vtkNew<vtkDiscreteFlyingEdges3D> edges;
            edges->SetInputData(image);
            edges->SetValue(0, label.value);
            vtkNew<vtkWindowedSincPolyDataFilter> smooth;
            smooth->SetInputConnection(edges->GetOutputPort());
            smooth->SetNumberOfIterations(15);
            smooth->SetPassBand(0.05);
            smooth->NonManifoldSmoothingOn();
            smooth->NormalizeCoordinatesOn();
            vtkNew<vtkPolyDataMapper> surfaceMapper;
            surfaceMapper->SetInputConnection(smooth->GetOutputPort());
            surfaceMapper->ScalarVisibilityOff();
            auto surface = vtkSmartPointer<vtkActor>::New();
            surface->SetMapper(surfaceMapper);
            surface->GetProperty()->SetInterpolationToGouraud();
            surface->GetProperty()->SetOpacity(0.85);
            renderer->AddActor(surface);
            surfaces[label.value] = surface;
        }
    }
};

VolumeView3D::VolumeView3D(QWidget* parent) : QWidget(parent), d(std::make_unique<Private>())
{
    d->widget = new QVTKOpenGLNativeWidget(this);
    d->widget->setRenderWindow(d->window);
    d->window->AddRenderer(d->renderer);
    d->renderer->SetBackground(0.04, 0.045, 0.055);
    d->actor->SetMapper(d->mapper);
    d->mapper->SetInteractiveAdjustSampleDistances(true);
    vtkNew<vtkInteractorStyleTrackballCamera> style;
    d->window->GetInteractor()->SetInteractorStyle(style);
    d->widget->installEventFilter(this);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(d->widget);
    d->chooser = new QComboBox(this);
    d->chooser->setObjectName("presetChooser");
    for (const RenderPreset& preset : presets()) {
        d->chooser->addItem(preset.name, preset.id);
    }
    d->chooser->setToolTip(tr("How the volume is rendered"));
    d->chooser->setAccessibleName(tr("How the volume is rendered"));
    d->chooser->move(8, 8);
    d->mark = new QLabel(this);
    d->mark->setObjectName("aiMark");
    d->mark->setStyleSheet("color: #f2b134; background: transparent;");
    d->mark->hide();
    connect(d->chooser, &QComboBox::activated, this, [this] { setPreset(d->chooser->currentData().toString()); });
}

VolumeView3D::~VolumeView3D() = default;

QSurfaceFormat VolumeView3D::surfaceFormat() { return QVTKOpenGLNativeWidget::defaultFormat(); }

QList<RenderPreset> VolumeView3D::presets()
{
    return {{"bone", tr("Bone")}, {"soft", tr("Soft tissue")}, {"lung", tr("Lung")}, {"mip", tr("Maximum intensity")}};
}

void VolumeView3D::setVolume(std::shared_ptr<const Volume> volume)
{
    d->removeSurfaces();
    d->maskVoxels.reset();
    d->hasMask = false;
    d->mark->hide();
    d->renderer->RemoveVolume(d->actor);
    d->volume = std::move(volume);
    if (d->volume) {
        d->mapper->SetInputData(toImage(*d->volume));
        d->renderer->AddVolume(d->actor);
        d->preset = d->isHu() ? "bone" : "soft";
        d->chooser->setCurrentIndex(d->chooser->findData(d->preset));
        d->applyPreset();
        resetCamera();
    } else {
        d->window->Render();
    }
}

void VolumeView3D::setPreset(const QString& id)
{
    d->preset = id;
    d->chooser->setCurrentIndex(d->chooser->findData(id));
    d->applyPreset();
}

const std::shared_ptr<const Volume>& VolumeView3D::volume() const { return d->volume; }

QString VolumeView3D::preset() const { return d->preset; }

void VolumeView3D::setMask(const LabelMap& mask, const std::vector<LabelId>& hidden)
{
    if (!d->volume) {
        return;
    }
    const void* voxels = mask.voxels().data();
    if (d->maskVoxels.get() != voxels) {
        d->makeSurfaces(mask);
        d->maskVoxels = std::shared_ptr<const void>(voxels, [copy = mask](const void*) {});
    }
    for (const Label& label : mask.labels()) {
        const auto found = d->surfaces.find(label.value);
        if (found != d->surfaces.end()) {
            found->second->GetProperty()->SetColor(label.color.r / 255.0, label.color.g / 255.0, label.color.b / 255.0);
            found->second->SetVisibility(std::find(hidden.begin(), hidden.end(), label.value) == hidden.end());
        }
    }
    d->hasMask = true;
    d->mark->setText(tr("AI: %1 %2").arg(QString::fromStdString(mask.provenance().expert), QString::fromStdString(mask.provenance().version)));
    d->mark->adjustSize();
    d->mark->move(std::max(0, width() - d->mark->width() - 10), 10);
    d->mark->show();
    d->applyPreset();
}

void VolumeView3D::resizeEvent(QResizeEvent*) { d->mark->move(std::max(0, width() - d->mark->width() - 10), 10); }

void VolumeView3D::clearMask()
{
    d->mark->hide();
    d->removeSurfaces();
    d->maskVoxels.reset();
    d->hasMask = false;
    if (d->volume) {
        d->applyPreset();
    }
}

void VolumeView3D::resetCamera()
{
    if (d->volume) {
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
    d->window->Render();
}

QImage VolumeView3D::image() const { return d->widget->grabFramebuffer(); }

bool VolumeView3D::eventFilter(QObject* object, QEvent* event)
{
    if (event->type() == QEvent::MouseButtonDblClick) {
        Q_EMIT maximizeRequested();
        return true;
    }
    return QWidget::eventFilter(object, event);
}

} // namespace hf
