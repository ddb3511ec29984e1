#pragma once

#include "viewer/volume/LabelMap.h"

#include <QString>

#include <vtkNew.h>
#include <vtkSmartPointer.h>

#include <map>
#include <memory>
#include <vector>

class vtkActor;
class vtkGenericOpenGLRenderWindow;
class vtkImageData;
class vtkPlaneCollection;
class vtkPolyData;
class vtkRenderer;
class vtkVolume;

namespace hf {

class VolumeMapper;

/// How a volume is drawn: a preset whose values are shifted (in their units) and stretched about their middle.
struct VolumeLook {
    QString preset = "bone";
    double shift = 0, stretch = 1;
    bool isHu = false, isShaded = true;
    bool isBehindMask = false;      ///< The mask is what matters: the volume steps back.

    bool operator==(const VolumeLook&) const = default;
};

using Surfaces = std::map<LabelId, vtkSmartPointer<vtkPolyData>>;

/// What the normal points to is seen, the rest is cut away.
struct CutPlane {
    PointLps point;
    Vec3 normal;

    bool operator==(const CutPlane&) const = default;
};

/// What is to be seen in 3D. Image and surfaces do not change while somebody has them.
struct VolumeContent {
    vtkSmartPointer<vtkImageData> image;        ///< As toVtkImage() makes it; null shows nothing.
    VolumeLook look;
    std::shared_ptr<const Surfaces> surfaces;   ///< As toVtkSurfaces() makes them; may be null.
    std::vector<Label> labels;                  ///< Whose colours the surfaces have.
    std::vector<LabelId> hidden;
    std::vector<CutPlane> planes;               ///< Only what all of them leave is seen.
};

/// A few voxels, then with a mask: what makes OpenGL compile nearly all that volumes are drawn with.
std::vector<VolumeContent> smallContents();

/// What VTK draws in the 3D view, in a window whose OpenGL context somebody else makes current. Used on one thread, which need not be the GUI thread.
class VolumeScene {
public:
    VolumeScene();
    ~VolumeScene();

    vtkGenericOpenGLRenderWindow* window() const;
    vtkRenderer* renderer() const;
    /// Coarser rays while the reader moves the camera are VTK's choice; off where setRays() decides.
    void setAdjustsRays(bool adjusts);
    /// @param step  pixels for a ray along each side. Few rays have few samples too.
    void setRays(float step);

    /// In place of what was shown before; what has not changed is kept. Drawn by the window's Render().
    void show(const VolumeContent& content);
    bool hasImage() const;
    /// Of the image: x0, x1, y0, y1, z0, z1 in LPS mm.
    const double* bounds() const;

private:
    void setImage(vtkImageData* image);
    void setLook(const VolumeLook& look);
    void setSurfaces(const Surfaces* surfaces);
    void styleSurfaces(const std::vector<Label>& labels, const std::vector<LabelId>& hidden);
    void cut(const std::vector<CutPlane>& planes);

    vtkNew<vtkGenericOpenGLRenderWindow> m_window;
    vtkNew<vtkRenderer> m_renderer;
    vtkNew<VolumeMapper> m_mapper;
    vtkNew<vtkVolume> m_volume;
    vtkSmartPointer<vtkPlaneCollection> m_planes;
    std::map<LabelId, vtkSmartPointer<vtkActor>> m_surfaces;
    VolumeContent m_shown;
};

} // namespace hf
