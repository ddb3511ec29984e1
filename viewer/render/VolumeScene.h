#pragma once

#include "viewer/volume/LabelMap.h"

#include <QString>

#include <vtkNew.h>
#include <vtkSmartPointer.h>

#include <map>
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
};

/// What VTK draws in the 3D view: a volume and the surfaces of its mask, in a window whose OpenGL context somebody else makes current.
/// Used on one thread, which need not be the GUI thread.
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

    /// Values as toVtkImage() makes them; null shows none.
    void setImage(vtkImageData* image);
    bool hasImage() const;
    /// x0, x1, y0, y1, z0, z1 in LPS mm.
    const double* bounds() const;
    void setLook(const VolumeLook& look);

    /// As toVtkSurfaces() makes them, in place of those before.
    void setSurfaces(const std::map<LabelId, vtkSmartPointer<vtkPolyData>>& shapes);
    void removeSurfaces();
    void styleSurfaces(const std::vector<Label>& labels, const std::vector<LabelId>& hidden);

    /// Volume and surfaces are seen where all planes' normals point to; also those that come later.
    void cut(vtkPlaneCollection* planes);

private:
    vtkNew<vtkGenericOpenGLRenderWindow> m_window;
    vtkNew<vtkRenderer> m_renderer;
    vtkNew<VolumeMapper> m_mapper;
    vtkNew<vtkVolume> m_volume;
    vtkSmartPointer<vtkPlaneCollection> m_planes;
    std::map<LabelId, vtkSmartPointer<vtkActor>> m_surfaces;
    bool m_hasImage = false;
};

} // namespace hf
