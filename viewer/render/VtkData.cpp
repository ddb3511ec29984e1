#include "viewer/render/VtkData.h"

#include <vtkDiscreteFlyingEdges3D.h>
#include <vtkImageData.h>
#include <vtkMatrix3x3.h>
#include <vtkNew.h>
#include <vtkPointData.h>
#include <vtkPolyData.h>
#include <vtkShortArray.h>
#include <vtkUnsignedCharArray.h>
#include <vtkWindowedSincPolyDataFilter.h>

#include <algorithm>
#include <array>

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

} // namespace

vtkSmartPointer<vtkImageData> toVtkImage(const Volume& volume)
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

std::map<LabelId, vtkSmartPointer<vtkPolyData>> toVtkSurfaces(const LabelMap& mask)
{
    const auto image = vtkSmartPointer<vtkImageData>::New();
    const auto step = stepFor(mask.geometry());
    placeImage(image, mask.geometry(), step);
    vtkNew<vtkUnsignedCharArray> values;
    values->SetNumberOfValues(image->GetNumberOfPoints());
    forVoxels(mask.geometry(), step, [&](vtkIdType n, std::size_t offset) { values->SetValue(n, mask.voxels()[offset]); });
    image->GetPointData()->SetScalars(values);
    std::map<LabelId, vtkSmartPointer<vtkPolyData>> surfaces;
    for (const Label& label : mask.labels()) {
        vtkNew<vtkDiscreteFlyingEdges3D> edges;
        edges->SetInputData(image);
        edges->SetValue(0, label.value);
        edges->Update();
        if (edges->GetOutput()->GetNumberOfCells() == 0) {
            surfaces[label.value] = edges->GetOutput();     // Nothing of it: the next filter would complain.
            continue;
        }
        vtkNew<vtkWindowedSincPolyDataFilter> smooth;
        smooth->SetInputConnection(edges->GetOutputPort());
        smooth->SetNumberOfIterations(15);
        smooth->SetPassBand(0.05);
        smooth->NonManifoldSmoothingOn();
        smooth->NormalizeCoordinatesOn();
        smooth->Update();
        surfaces[label.value] = smooth->GetOutput();
    }
    return surfaces;
}

} // namespace hf
