#include "experts/classical/WorkGrid.h"

#include "viewer/volume/Error.h"

#include <itkBinShrinkImageFilter.h>
#include <itkConnectedComponentImageFilter.h>
#include <itkImportImageFilter.h>
#include <itkRelabelComponentImageFilter.h>
#include <itkSignedMaurerDistanceMapImageFilter.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

namespace hf::experts::classical {

namespace {

/// Runs a filter; a stop aborts it at its next sign of progress.
template <typename Filter> typename Filter::OutputImageType::Pointer run(Filter* filter, const std::stop_token& stop)
{
    throwIfStopped(stop);
    filter->AddObserver(itk::ProgressEvent(), [filter, &stop](const itk::EventObject&) {
        if (stop.stop_requested()) {
            filter->AbortGenerateDataOn();
        }
    });
    try {
        filter->Update();
    } catch (const itk::ProcessAborted&) {
        throw Cancelled();
    } catch (const itk::ExceptionObject& error) {
        throwIfStopped(stop);
        throw Error(std::string("image processing failed: ") + error.GetDescription(), "expert");
    }
    throwIfStopped(stop);
    typename Filter::OutputImageType::Pointer output = filter->GetOutput();
    output->DisconnectPipeline();
    return output;
}

HuImage::Pointer toImage(const Volume& volume)
{
    const auto image = HuImage::New();
    const Size3 size = volume.geometry().size();
    HuImage::SizeType itkSize;
    itkSize[0] = itk::SizeValueType(size.i);
    itkSize[1] = itk::SizeValueType(size.j);
    itkSize[2] = itk::SizeValueType(size.k);
    image->SetRegions(itkSize);
    image->SetSpacing(volume.geometry().spacingMm().data());
    image->Allocate();
    std::int16_t* out = image->GetBufferPointer();
    volume.visit([&](auto voxels) {
        std::transform(voxels.begin(), voxels.end(), out, [](auto value) { return std::int16_t(std::clamp(double(value), -1024.0, 3071.0)); });
    });
    return image;
}

} // namespace

WorkGrid makeWorkGrid(const Volume& volume, double targetMm, std::stop_token stop)
{
    WorkGrid grid;
    grid.stop = stop;
    const Geometry& geometry = volume.geometry();
    const auto shrink = itk::BinShrinkImageFilter<HuImage, HuImage>::New();
    bool shrinks = false;
    for (unsigned axis = 0; axis < 3; ++axis) {
        grid.factor[axis] = std::max(1, std::min(int(targetMm / geometry.spacingMm()[axis] + 1e-6), geometry.size().along(int(axis))));
        shrink->SetShrinkFactor(axis, unsigned(grid.factor[axis]));
        shrinks = shrinks || grid.factor[axis] > 1;
    }
    grid.hu = toImage(volume);
    if (shrinks) {
        shrink->SetInput(grid.hu);
        grid.hu = run(shrink.GetPointer(), stop);
    }
    const auto size = grid.hu->GetLargestPossibleRegion().GetSize();
    for (std::size_t axis = 0; axis < 3; ++axis) {
        grid.size[axis] = int(size[unsigned(axis)]);
        grid.spacingMm[axis] = geometry.spacingMm()[axis] * grid.factor[axis];
    }
    grid.hu->SetSpacing(grid.spacingMm.data());
    const double origin[3] = {0, 0, 0};
    grid.hu->SetOrigin(origin);
    grid.axial = geometry.axisAcross(Plane::Axial);
    grid.cranialIsHigh = geometry.direction(grid.axial).z > 0;
    grid.sideways = geometry.axisAcross(Plane::Sagittal);
    grid.leftIsHigh = geometry.direction(grid.sideways).x > 0;
    return grid;
}

Mask::Pointer makeMask(const WorkGrid& grid)
{
    const auto mask = Mask::New();
    mask->CopyInformation(grid.hu);
    mask->SetRegions(grid.hu->GetLargestPossibleRegion());
    mask->Allocate(true);
    return mask;
}

Mask::Pointer maskWhere(const WorkGrid& grid, const std::function<bool(std::size_t)>& test)
{
    const Mask::Pointer mask = makeMask(grid);
    std::uint8_t* out = mask->GetBufferPointer();
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        out[n] = test(n);
    }
    throwIfStopped(grid.stop);
    return mask;
}

std::vector<std::size_t> whereParallel(const WorkGrid& grid, const std::function<bool(std::size_t)>& test, const Progress& progress)
{
    constexpr std::size_t kPart = 1 << 14;
    const std::size_t parts = (grid.voxels() + kPart - 1) / kPart;
    std::vector<std::vector<std::size_t>> found(parts);
    std::atomic<std::size_t> next = 0;
    const auto work = [&](bool reports) {
        for (std::size_t part = next++; part < parts && !grid.stop.stop_requested(); part = next++) {
            for (std::size_t n = part * kPart; n < std::min(grid.voxels(), (part + 1) * kPart); ++n) {
                if (test(n)) {
                    found[part].push_back(n);
                }
            }
            if (reports) {
                report(progress, double(part) / double(parts), "bones");
            }
        }
    };
    {
        std::vector<std::jthread> others;
        for (unsigned n = 1; n < std::clamp(std::thread::hardware_concurrency(), 1U, 16U); ++n) {
            others.emplace_back(work, false);
        }
        work(true);
    }
    throwIfStopped(grid.stop);
    std::vector<std::size_t> all;
    for (const std::vector<std::size_t>& part : found) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

std::size_t countSet(const Mask* mask, const WorkGrid& grid)
{
    const std::uint8_t* values = mask->GetBufferPointer();
    return std::size_t(std::count_if(values, values + grid.voxels(), [](std::uint8_t v) { return v != 0; }));
}

double millilitresOf(const Mask* mask, const WorkGrid& grid) { return double(countSet(mask, grid)) * grid.voxelMm3() / 1000; }

Distances::Pointer distanceTo(const Mask* mask, const WorkGrid& grid)
{
    if (countSet(mask, grid) == 0) {
        const auto far = Distances::New();
        far->CopyInformation(grid.hu);
        far->SetRegions(grid.hu->GetLargestPossibleRegion());
        far->Allocate();
        far->FillBuffer(1e6F);
        return far;
    }
    const auto filter = itk::SignedMaurerDistanceMapImageFilter<Mask, Distances>::New();
    filter->SetInput(mask);
    filter->SetSquaredDistance(false);
    filter->SetUseImageSpacing(true);
    filter->SetInsideIsPositive(false);
    filter->SetBackgroundValue(0);
    const Distances::Pointer distances = run(filter.GetPointer(), grid.stop);
    float* values = distances->GetBufferPointer();
    std::transform(values, values + grid.voxels(), values, [](float d) { return std::max(0.F, d); });
    return distances;
}

Mask::Pointer dilated(const Mask* mask, double mm, const WorkGrid& grid)
{
    const Distances::Pointer distance = distanceTo(mask, grid);
    const float* d = distance->GetBufferPointer();
    return maskWhere(grid, [&](std::size_t n) { return d[n] <= float(mm); });
}

Mask::Pointer eroded(const Mask* mask, double mm, const WorkGrid& grid)
{
    const std::uint8_t* m = mask->GetBufferPointer();
    const Mask::Pointer outside = maskWhere(grid, [&](std::size_t n) { return !m[n]; });
    const Distances::Pointer distance = distanceTo(outside, grid);
    const float* d = distance->GetBufferPointer();
    return maskWhere(grid, [&](std::size_t n) { return d[n] > float(mm); });
}

Mask::Pointer closed(const Mask* mask, double mm, const WorkGrid& grid) { return eroded(dilated(mask, mm, grid), mm, grid); }

Components components(const Mask* mask, const WorkGrid& grid)
{
    const auto connect = itk::ConnectedComponentImageFilter<Mask, Labels>::New();
    connect->SetInput(mask);
    connect->FullyConnectedOff();
    const Labels::Pointer connected = run(connect.GetPointer(), grid.stop);
    const auto relabel = itk::RelabelComponentImageFilter<Labels, Labels>::New();
    relabel->SetInput(connected);
    Components result;
    result.labels = run(relabel.GetPointer(), grid.stop);
    result.sizes.push_back(0);
    for (const auto size : relabel->GetSizeOfObjectsInPixels()) {
        result.sizes.push_back(std::size_t(size));
    }
    return result;
}

std::vector<Region> regionsOfSlice(const WorkGrid& grid, int axis, int index, const std::function<bool(std::size_t)>& inside)
{
    const int a = axis == 0 ? 1 : 0, b = axis == 2 ? 1 : 2;
    const int sizeA = grid.size[std::size_t(a)], sizeB = grid.size[std::size_t(b)];
    const std::size_t strideA = grid.stride(a), strideB = grid.stride(b), start = std::size_t(index) * grid.stride(axis);
    std::vector<std::uint8_t> seen(std::size_t(sizeA) * std::size_t(sizeB));
    std::vector<std::array<int, 2>> stack;
    std::vector<Region> regions;
    const auto visit = [&](int x, int y) {
        if (x < 0 || y < 0 || x >= sizeA || y >= sizeB) {
            regions.back().touchesBorder = true;
            return;
        }
        std::uint8_t& mark = seen[std::size_t(y) * std::size_t(sizeA) + std::size_t(x)];
        const std::size_t voxel = start + std::size_t(x) * strideA + std::size_t(y) * strideB;
        if (!mark && inside(voxel)) {
            mark = 1;
            regions.back().voxels.push_back(voxel);
            stack.push_back({x, y});
        }
    };
    for (int y = 0; y < sizeB; ++y) {
        for (int x = 0; x < sizeA; ++x) {
            if (seen[std::size_t(y) * std::size_t(sizeA) + std::size_t(x)] || !inside(start + std::size_t(x) * strideA + std::size_t(y) * strideB)) {
                continue;
            }
            regions.emplace_back();
            visit(x, y);
            while (!stack.empty()) {
                const auto [cx, cy] = stack.back();
                stack.pop_back();
                visit(cx - 1, cy);
                visit(cx + 1, cy);
                visit(cx, cy - 1);
                visit(cx, cy + 1);
            }
        }
    }
    return regions;
}

void fillSlices(Mask* mask, const WorkGrid& grid, int axis, const std::function<bool(const Region&)>& accept)
{
    std::uint8_t* m = mask->GetBufferPointer();
    for (int index = 0; index < grid.size[std::size_t(axis)]; ++index) {
        throwIfStopped(grid.stop);
        for (const Region& hole : regionsOfSlice(grid, axis, index, [&](std::size_t n) { return !m[n]; })) {
            if (!hole.touchesBorder && accept(hole)) {
                for (const std::size_t voxel : hole.voxels) {
                    m[voxel] = 1;
                }
            }
        }
    }
}

double medianHu(const WorkGrid& grid, const std::vector<std::size_t>& voxels)
{
    if (voxels.empty()) {
        return 0;
    }
    std::vector<std::int16_t> values;
    values.reserve(voxels.size());
    for (const std::size_t voxel : voxels) {
        values.push_back(grid.values()[voxel]);
    }
    std::nth_element(values.begin(), values.begin() + std::ptrdiff_t(values.size() / 2), values.end());
    return values[values.size() / 2];
}

void sumInBox(const WorkGrid& grid, std::vector<float>& values, const std::array<int, 3>& radius)
{
    std::vector<float> line;
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const std::size_t stride = grid.stride(int(axis));
        const int count = grid.size[axis], r = radius[axis];
        line.resize(std::size_t(count));
        for (std::size_t start = 0; start < grid.voxels(); ++start) {
            if (grid.indexAlong(start, int(axis)) != 0) {
                continue;
            }
            for (int n = 0; n < count; ++n) {
                line[std::size_t(n)] = values[start + std::size_t(n) * stride];
            }
            float sum = 0;
            for (int n = 0; n < std::min(r, count); ++n) {
                sum += line[std::size_t(n)];
            }
            for (int n = 0; n < count; ++n) {
                sum += n + r < count ? line[std::size_t(n + r)] : 0;
                values[start + std::size_t(n) * stride] = sum;
                sum -= n - r >= 0 ? line[std::size_t(n - r)] : 0;
            }
        }
        throwIfStopped(grid.stop);
    }
}

WorkGrid smoothed(const WorkGrid& grid)
{
    std::vector<float> sum(grid.values(), grid.values() + grid.voxels()), count(grid.voxels(), 1.F);
    sumInBox(grid, sum, {1, 1, 1});
    sumInBox(grid, count, {1, 1, 1});
    WorkGrid result = grid;
    result.hu = HuImage::New();
    result.hu->CopyInformation(grid.hu);
    result.hu->SetRegions(grid.hu->GetLargestPossibleRegion());
    result.hu->Allocate();
    std::int16_t* out = result.hu->GetBufferPointer();
    for (std::size_t n = 0; n < grid.voxels(); ++n) {
        out[n] = std::int16_t(std::lround(sum[n] / count[n]));
    }
    return result;
}

} // namespace hf::experts::classical
