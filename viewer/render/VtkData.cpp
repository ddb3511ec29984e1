#include "viewer/render/VtkData.h"

#include "viewer/render/RenderPresets.h"

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

constexpr double kMostOfALabel = 2e6, kMostOfAllLabels = 8e6, kLeastOfALabel = 3e4;

/// Some voxels of a geometry, both ends included.
struct Box {
    std::array<int, 3> low{0, 0, 0}, high{-1, -1, -1};
    int along(std::size_t axis) const { return high[axis] - low[axis] + 1; }
    bool isEmpty() const { return high[0] < low[0]; }
};

Box wholeOf(Size3 size) { return {{0, 0, 0}, {size.i - 1, size.j - 1, size.k - 1}}; }

/// Geometry of every `step`th voxel of a box, which may reach beyond the volume.
void placeImage(vtkImageData* image, const Geometry& geometry, const Box& box, std::array<int, 3> step)
{
    const auto count = [&](std::size_t axis) { return (box.along(axis) + step[axis] - 1) / step[axis]; };
    image->SetDimensions(count(0), count(1), count(2));
    const auto spacing = geometry.spacingMm();
    image->SetSpacing(spacing[0] * step[0], spacing[1] * step[1], spacing[2] * step[2]);
    const PointLps origin = geometry.toLps(Index3{box.low[0], box.low[1], box.low[2]});
    image->SetOrigin(origin.x, origin.y, origin.z);
    vtkNew<vtkMatrix3x3> directions;
    for (int axis = 0; axis < 3; ++axis) {
        const Vec3 v = geometry.direction(axis);
        directions->SetElement(0, axis, v.x);
        directions->SetElement(1, axis, v.y);
        directions->SetElement(2, axis, v.z);
    }
    image->SetDirectionMatrix(directions);
}

/// The finest axes are taken coarser first.
std::array<int, 3> stepFor(const Geometry& geometry, const Box& box, double most)
{
    std::array<int, 3> step{1, 1, 1};
    const auto voxels = [&] { return double(box.along(0) / step[0]) * double(box.along(1) / step[1]) * double(box.along(2) / step[2]); };
    while (voxels() > most) {
        std::size_t finest = 0;
        for (std::size_t axis = 1; axis < 3; ++axis) {
            finest = geometry.spacingMm()[axis] * step[axis] < geometry.spacingMm()[finest] * step[finest] ? axis : finest;
        }
        ++step[finest];
    }
    return step;
}

/// `read(n, index)` for every `step`th voxel of a box.
template <typename Read> void forVoxels(const Box& box, std::array<int, 3> step, Read&& read)
{
    vtkIdType n = 0;
    for (int k = box.low[2]; k <= box.high[2]; k += step[2]) {
        for (int j = box.low[1]; j <= box.high[1]; j += step[1]) {
            for (int i = box.low[0]; i <= box.high[0]; i += step[0]) {
                read(n++, Index3{i, j, k});
            }
        }
    }
}

/// Where the voxels of each label lie.
std::array<Box, 256> boxesOf(const LabelMap& mask)
{
    std::array<Box, 256> boxes;
    const Size3 size = mask.geometry().size();
    const LabelId* voxel = mask.voxels().data();
    const auto grow = [&](LabelId value, int i, int j, int k) {
        Box& box = boxes[value];
        if (box.isEmpty()) {
            box = {{i, j, k}, {i, j, k}};
        }
        box.low = {std::min(box.low[0], i), std::min(box.low[1], j), std::min(box.low[2], k)};
        box.high = {std::max(box.high[0], i), std::max(box.high[1], j), std::max(box.high[2], k)};
    };
    for (int k = 0; k < size.k; ++k) {
        for (int j = 0; j < size.j; ++j, voxel += size.i) {
            // Borders between labels say where they begin and end.
            for (int i = 0; i < size.i; ++i) {
                if (voxel[i] != 0 && (i == 0 || i + 1 == size.i || voxel[i - 1] != voxel[i] || voxel[i + 1] != voxel[i])) {
                    grow(voxel[i], i, j, k);
                }
            }
        }
    }
    return boxes;
}

/// A label as 0 and 1, with a border of 0 all around: its surface is closed at the end of the volume too.
vtkSmartPointer<vtkImageData> imageOfLabel(const LabelMap& mask, LabelId value, Box box, double mostVoxels)
{
    const std::array<int, 3> step = stepFor(mask.geometry(), box, mostVoxels);
    for (std::size_t axis = 0; axis < 3; ++axis) {
        box.low[axis] -= step[axis];
        box.high[axis] += 2 * step[axis] - 1;
    }
    auto image = vtkSmartPointer<vtkImageData>::New();
    placeImage(image, mask.geometry(), box, step);
    vtkNew<vtkUnsignedCharArray> values;
    values->SetNumberOfValues(image->GetNumberOfPoints());
    unsigned char* out = values->GetPointer(0);
    forVoxels(box, step, [&](vtkIdType n, Index3 index) { out[n] = mask.geometry().contains(index) && mask.valueAt(index) == value ? 1 : 0; });
    image->GetPointData()->SetScalars(values);
    return image;
}

vtkSmartPointer<vtkPolyData> surfaceOf(vtkImageData* image)
{
    vtkNew<vtkDiscreteFlyingEdges3D> edges;
    edges->SetInputData(image);
    edges->SetValue(0, 1);
    edges->Update();
    if (edges->GetOutput()->GetNumberOfCells() == 0) {
        return edges->GetOutput();      // Nothing of it: the next filter would complain.
    }
    vtkNew<vtkWindowedSincPolyDataFilter> smooth;
    smooth->SetInputConnection(edges->GetOutputPort());
    smooth->SetNumberOfIterations(15);
    smooth->SetPassBand(0.05);
    smooth->NonManifoldSmoothingOn();
    smooth->NormalizeCoordinatesOn();
    smooth->Update();
    vtkSmartPointer<vtkPolyData> surface = smooth->GetOutput();
    surface->GetPointData()->Initialize();      // the value of the label at every corner
    surface->ComputeBounds();
    return surface;
}

} // namespace

vtkSmartPointer<vtkImageData> toVtkImage(const Volume& volume, double mostVoxels)
{
    auto image = vtkSmartPointer<vtkImageData>::New();
    const Box whole = wholeOf(volume.geometry().size());
    const auto step = stepFor(volume.geometry(), whole, mostVoxels);
    placeImage(image, volume.geometry(), whole, step);
    vtkNew<vtkShortArray> values;
    values->SetNumberOfValues(image->GetNumberOfPoints());
    const bool hu = isCt(volume);
    const WindowLevel window = volume.percentileWindow();
    const double low = window.center - window.width / 2;
    short* out = values->GetPointer(0);
    volume.visit([&](auto voxels) {
        forVoxels(whole, step, [&](vtkIdType n, Index3 index) {
            const double value = double(voxels[volume.geometry().offset(index)]);
            out[n] = short(std::clamp(hu ? value : (value - low) / window.width * 1000, -1024.0, 3071.0));
        });
    });
    image->GetPointData()->SetScalars(values);
    // Kept by the array: who draws it need not look at all values again.
    values->GetRange(0);
    values->GetFiniteRange(0);
    return image;
}

std::map<LabelId, vtkSmartPointer<vtkPolyData>> toVtkSurfaces(const LabelMap& mask, double share)
{
    const std::array<Box, 256> boxes = boxesOf(mask);
    const auto count = std::count_if(boxes.begin(), boxes.end(), [](const Box& box) { return !box.isEmpty(); });
    const double most = std::clamp(share * kMostOfAllLabels / double(std::max<std::ptrdiff_t>(1, count)), kLeastOfALabel, share * kMostOfALabel);
    std::map<LabelId, vtkSmartPointer<vtkPolyData>> surfaces;
    for (const Label& label : mask.labels()) {
        const Box& box = boxes[label.value];
        surfaces[label.value] = label.value == 0 || box.isEmpty() ? vtkSmartPointer<vtkPolyData>::New() : surfaceOf(imageOfLabel(mask, label.value, box, most));
    }
    return surfaces;
}

} // namespace hf
