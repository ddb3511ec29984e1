#include "viewer/render/VolumeScene.h"

#include "viewer/render/RenderPresets.h"
#include "viewer/render/VtkData.h"

#include <vtkActor.h>
#include <vtkColorTransferFunction.h>
#include <vtkGPUVolumeRayCastMapper.h>
#include <vtkGenericOpenGLRenderWindow.h>
#include <vtkImageData.h>
#include <vtkObjectFactory.h>
#include <vtkPiecewiseFunction.h>
#include <vtkPlane.h>
#include <vtkPlaneCollection.h>
#include <vtkPolyData.h>
#include <vtkPolyDataMapper.h>
#include <vtkProperty.h>
#include <vtkRenderer.h>
#include <vtkSmartVolumeMapper.h>
#include <vtkVolume.h>
#include <vtkVolumeProperty.h>

#include <algorithm>

namespace hf {

namespace {

constexpr float kStepForSample = 2.5F;      // pixels for a ray, from which on its samples are farther apart
constexpr double kOpacityBehindMask = 0.12;

} // namespace

/// The mapper behind the smart one is where the number of rays is told.
class VolumeMapper : public vtkSmartVolumeMapper {
public:
    static VolumeMapper* New();
    vtkTypeMacro(VolumeMapper, vtkSmartVolumeMapper);
    using vtkSmartVolumeMapper::GetGPUMapper;
};
vtkStandardNewMacro(VolumeMapper);

VolumeScene::VolumeScene()
{
    m_window->AddRenderer(m_renderer);
    m_renderer->SetBackground(0.04, 0.045, 0.055);
    m_volume->SetMapper(m_mapper);
    setLook({});
}

VolumeScene::~VolumeScene() = default;

vtkGenericOpenGLRenderWindow* VolumeScene::window() const { return m_window; }

vtkRenderer* VolumeScene::renderer() const { return m_renderer; }

void VolumeScene::setAdjustsRays(bool adjusts)
{
    m_mapper->SetInteractiveAdjustSampleDistances(adjusts);
    m_mapper->SetAutoAdjustSampleDistances(adjusts);
}

void VolumeScene::setRays(float step)
{
    m_mapper->GetGPUMapper()->SetImageSampleDistance(step);
    if (auto* image = vtkImageData::SafeDownCast(m_mapper->GetInput())) {
        const double* spacing = image->GetSpacing();
        // Half a voxel, as VTK does; it would keep that of the first volume.
        m_mapper->SetSampleDistance(float((spacing[0] + spacing[1] + spacing[2]) / 6) * std::max(1.0F, step / kStepForSample));
    }
}

void VolumeScene::show(const VolumeContent& content)
{
    if (content.image != m_shown.image) {
        setImage(content.image);
    }
    if (content.look != m_shown.look) {
        setLook(content.look);
    }
    if (content.planes != m_shown.planes) {
        cut(content.planes);
    }
    if (content.surfaces != m_shown.surfaces) {
        setSurfaces(content.surfaces.get());
    }
    styleSurfaces(content.labels, content.hidden);
    m_shown = content;
}

void VolumeScene::setImage(vtkImageData* image)
{
    m_renderer->RemoveVolume(m_volume);
    if (image) {
        m_mapper->SetInputData(image);
        setRays(1);
        m_renderer->AddVolume(m_volume);
    }
}

bool VolumeScene::hasImage() const { return m_shown.image != nullptr; }

const double* VolumeScene::bounds() const { return m_volume->GetBounds(); }

void VolumeScene::setLook(const VolumeLook& look)
{
    const std::vector<RenderStop>& stops = renderStops(look.preset, look.isHu);
    const double middle = (stops[1].value + stops[stops.size() - 2].value) / 2;
    vtkNew<vtkColorTransferFunction> color;
    vtkNew<vtkPiecewiseFunction> opacity;
    for (const RenderStop& stop : stops) {
        const double value = middle + (stop.value - middle) * look.stretch + look.shift;
        color->AddRGBPoint(value, stop.r, stop.g, stop.b);
        opacity->AddPoint(value, stop.opacity * (look.isBehindMask ? kOpacityBehindMask : 1));
    }
    vtkVolumeProperty* property = m_volume->GetProperty();
    property->SetColor(color);
    property->SetScalarOpacity(opacity);
    property->SetInterpolationTypeToLinear();
    const bool isMip = look.preset == "mip";
    property->SetShade(!isMip && look.isShaded);
    property->SetAmbient(0.25);
    property->SetDiffuse(0.8);
    property->SetSpecular(0.15);
    isMip ? m_mapper->SetBlendModeToMaximumIntensity() : m_mapper->SetBlendModeToComposite();
}

void VolumeScene::setSurfaces(const Surfaces* surfaces)
{
    for (const auto& [value, surface] : m_surfaces) {
        m_renderer->RemoveActor(surface);
    }
    m_surfaces.clear();
    for (const auto& [value, shape] : surfaces ? *surfaces : Surfaces()) {
        vtkNew<vtkPolyDataMapper> mapper;
        mapper->SetInputData(shape);
        mapper->ScalarVisibilityOff();
        mapper->SetClippingPlanes(m_planes);
        auto surface = vtkSmartPointer<vtkActor>::New();
        surface->SetMapper(mapper);
        surface->GetProperty()->SetInterpolationToGouraud();
        surface->GetProperty()->SetOpacity(0.85);
        m_renderer->AddActor(surface);
        m_surfaces[value] = surface;
    }
}

void VolumeScene::styleSurfaces(const std::vector<Label>& labels, const std::vector<LabelId>& hidden)
{
    for (const Label& label : labels) {
        const auto found = m_surfaces.find(label.value);
        if (found != m_surfaces.end()) {
            found->second->GetProperty()->SetColor(label.color.r / 255.0, label.color.g / 255.0, label.color.b / 255.0);
            found->second->SetVisibility(std::find(hidden.begin(), hidden.end(), label.value) == hidden.end());
        }
    }
}

void VolumeScene::cut(const std::vector<CutPlane>& planes)
{
    m_planes = nullptr;     // an empty list would be compiled into the volume's shader
    for (const CutPlane& plane : planes) {
        if (!m_planes) {
            m_planes = vtkSmartPointer<vtkPlaneCollection>::New();
        }
        vtkNew<vtkPlane> own;
        own->SetOrigin(plane.point.x, plane.point.y, plane.point.z);
        own->SetNormal(plane.normal.x, plane.normal.y, plane.normal.z);
        m_planes->AddItem(own);
    }
    m_mapper->SetClippingPlanes(m_planes);
    for (const auto& [value, surface] : m_surfaces) {
        surface->GetMapper()->SetClippingPlanes(m_planes);
    }
}

std::vector<VolumeContent> smallContents()
{
    // Two powers of two and any number of slices, as most volumes have: software OpenGL compiles other code for others.
    const Size3 size{4, 4, 5};
    const Geometry geometry(size, {1, 1, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    VolumeContent plain;
    plain.image = toVtkImage(Volume(geometry, std::vector<std::int16_t>(size.voxels(), 300), {}));
    VolumeContent withMask = plain;
    withMask.labels = {{1, "label", {255, 0, 0}, {}, {}}};
    withMask.surfaces = std::make_shared<const Surfaces>(toVtkSurfaces(LabelMap(geometry, std::vector<LabelId>(size.voxels(), 1), withMask.labels)));
    withMask.look.isBehindMask = true;
    return {plain, withMask};
}

} // namespace hf
