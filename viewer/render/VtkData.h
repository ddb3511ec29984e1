#pragma once

#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Volume.h"

#include <vtkSmartPointer.h>

#include <map>

class vtkImageData;
class vtkPolyData;

namespace hf {

// Conversions to VTK's data. They take long for large volumes and need no render window: any thread may run them.

/// Values scaled to short: HU as they are, others to 0 .. 1000 between the 0.1 and 99.9 percentile. Every second, third ... voxel along the
/// finest axes where there are more than `mostVoxels`.
vtkSmartPointer<vtkImageData> toVtkImage(const Volume& volume, double mostVoxels = 24e6);

/// Smoothed, closed surfaces of all labels, LPS mm; empty of those without voxels. Of a label in a large box every
/// second, third ... voxel along the finest axes is taken: 2 million at most, fewer where there are many labels.
/// @param share  of these most voxels: what the processor draws has fewer.
std::map<LabelId, vtkSmartPointer<vtkPolyData>> toVtkSurfaces(const LabelMap& mask, double share = 1);

} // namespace hf
