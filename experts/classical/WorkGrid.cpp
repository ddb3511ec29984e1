#include "experts/classical/WorkGrid.h"

#include "viewer/volume/Error.h"

#include <itkBinShrinkImageFilter.h>
#include <itkConnectedComponentImageFilter.h>
#include <itkImportImageFilter.h>
#include <itkRelabelComponentImageFilter.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
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

void inParallel(std::size_t count, const std::stop_token& stop, const std::function<void(std::size_t)>& work)
{
    std::atomic<std::size_t> next = 0;
    std::exception_ptr problem;
    std::mutex guard;
    const auto run = [&] {
        try {
            for (std::size_t n = next++; n < count && !stop.stop_requested(); n = next++) {
                work(n);
            }
        } catch (...) {     // is thrown again below, on the caller's thread
            next = count;
            const std::lock_guard lock(guard);
            problem = std::current_exception();
        }
    };
    {
        std::vector<std::jthread> others;
        for (unsigned n = 1; n < std::clamp(std::thread::hardware_concurrency(), 1U, 16U) && n < count; ++n) {
            others.emplace_back(run);
        }
        run();
    }
    if (problem) {
        std::rethrow_exception(problem);
    }
    throwIfStopped(stop);
}

Mask::Pointer maskWhere(const WorkGrid& grid, const std::function<bool(std::size_t)>& test)
{
    constexpr std::size_t kPart = 1 << 16;
    const Mask::Pointer mask = makeMask(grid);
    std::uint8_t* out = mask->GetBufferPointer();
    inParallel((grid.voxels() + kPart - 1) / kPart, grid.stop, [&](std::size_t part) {
        for (std::size_t n = part * kPart; n < std::min(grid.voxels(), (part + 1) * kPart); ++n) {
            out[n] = test(n);
        }
    });
    return mask;
}

std::vector<std::size_t> whereParallel(const WorkGrid& grid, const std::function<bool(std::size_t)>& test, const Progress& progress)
{
    constexpr std::size_t kPart = 1 << 14;
    const std::size_t parts = (grid.voxels() + kPart - 1) / kPart;
    std::vector<std::vector<std::size_t>> found(parts);
    std::atomic<std::size_t> done = 0;
    const std::thread::id caller = std::this_thread::get_id();
    inParallel(parts, grid.stop, [&](std::size_t part) {
        for (std::size_t n = part * kPart; n < std::min(grid.voxels(), (part + 1) * kPart); ++n) {
            if (test(n)) {
                found[part].push_back(n);
            }
        }
        ++done;
        if (std::this_thread::get_id() == caller) {
            report(progress, double(done) / double(parts), "bones");
        }
    });
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

Box boxAround(const Mask* mask, const WorkGrid& grid, const std::array<int, 3>& margin)
{
    const std::uint8_t* m = mask->GetBufferPointer();
    std::array<int, 3> low = grid.size, high{-1, -1, -1};
    for (int k = 0; k < grid.size[2]; ++k) {
        for (int j = 0; j < grid.size[1]; ++j) {
            const std::uint8_t* row = m + std::size_t(j) * grid.stride(1) + std::size_t(k) * grid.stride(2);
            const auto isSet = [](std::uint8_t v) { return v != 0; };
            const int first = int(std::find_if(row, row + grid.size[0], isSet) - row);
            if (first == grid.size[0]) {
                continue;
            }
            const int last = grid.size[0] - 1 - int(std::find_if(std::reverse_iterator(row + grid.size[0]), std::reverse_iterator(row), isSet) - std::reverse_iterator(row + grid.size[0]));
            low = {std::min(low[0], first), std::min(low[1], j), std::min(low[2], k)};
            high = {std::max(high[0], last), std::max(high[1], j), k};
        }
    }
    Box box;
    for (std::size_t axis = 0; axis < 3 && high[2] >= 0; ++axis) {
        box.begin[axis] = std::max(0, low[axis] - margin[axis]);
        box.end[axis] = std::min(grid.size[axis], high[axis] + margin[axis] + 1);
    }
    return box;
}

namespace {

constexpr float kFarMm = 1e6F, kFarMm2 = kFarMm * kFarMm;

/// Squared distances in mm along a row to its nearest voxel where set(i).
template <typename IsSet> void squaresOfRow(float* out, int begin, int end, double spacing, double most, const IsSet& isSet)
{
    constexpr int kNone = 1 << 20;
    const auto square = [&](int steps) { return steps < kNone && steps * spacing <= most ? float(steps * spacing * steps * spacing) : kFarMm2; };
    for (int i = begin, steps = kNone; i < end; ++i) {
        steps = isSet(i) ? 0 : std::min(steps + 1, kNone);
        out[i] = square(steps);
    }
    for (int i = end - 1, steps = kNone; i >= begin; --i) {
        steps = isSet(i) ? 0 : std::min(steps + 1, kNone);
        out[i] = std::min(out[i], square(steps));
    }
}

/// out = min(out, row + add), value by value.
void takeNearer(float* __restrict out, const float* __restrict row, float add, int count)
{
    for (int i = 0; i < count; ++i) {
        out[i] = std::min(out[i], row[i] + add);
    }
}

/// The lower envelope along one axis of the parabolas that stand on each row of a plane; rows `stride` apart, `count` values each.
void lowerEnvelope(float* first, std::size_t stride, int rows, int count, double spacing, double most, std::vector<float>& before)
{
    before.resize(std::size_t(rows) * std::size_t(count));
    for (int n = 0; n < rows; ++n) {
        std::copy_n(first + std::size_t(n) * stride, count, before.begin() + std::ptrdiff_t(n) * count);
    }
    for (int n = 0; n < rows; ++n) {
        float* out = first + std::size_t(n) * stride;
        for (int step = 1; step < rows && step * spacing <= most; ++step) {
            const float add = float(step * spacing * step * spacing);
            constexpr int kSometimes = 8;
            if (step % kSometimes == 0 && *std::max_element(out, out + count) <= add) {
                break;      // nothing beyond can be nearer
            }
            if (n - step >= 0) {
                takeNearer(out, before.data() + std::size_t(n - step) * std::size_t(count), add, count);
            }
            if (n + step < rows) {
                takeNearer(out, before.data() + std::size_t(n + step) * std::size_t(count), add, count);
            }
        }
    }
}

/// Distances to the voxels of the box where (mask != 0) is `value`.
Distances::Pointer distances(const Mask* mask, bool value, const WorkGrid& grid, double most, const Box& box)
{
    const auto image = Distances::New();
    image->CopyInformation(grid.hu);
    image->SetRegions(grid.hu->GetLargestPossibleRegion());
    image->Allocate();
    image->FillBuffer(kFarMm);
    if (box.end[2] <= box.begin[2]) {
        return image;
    }
    const std::uint8_t* m = mask->GetBufferPointer();
    float* d = image->GetBufferPointer();
    const std::size_t j = grid.stride(1), k = grid.stride(2);
    const int columns = box.end[0] - box.begin[0], rows = box.end[1] - box.begin[1], slices = box.end[2] - box.begin[2];
    inParallel(std::size_t(slices), grid.stop, [&](std::size_t slice) {
        float* plane = d + (slice + std::size_t(box.begin[2])) * k;
        for (int row = box.begin[1]; row < box.end[1]; ++row) {
            const std::uint8_t* values = m + (plane - d) + std::size_t(row) * j;
            squaresOfRow(plane + std::size_t(row) * j, box.begin[0], box.end[0], grid.spacingMm[0], most, [&](int i) { return (values[i] != 0) == value; });
        }
        std::vector<float> before;
        lowerEnvelope(plane + std::size_t(box.begin[1]) * j + std::size_t(box.begin[0]), j, rows, columns, grid.spacingMm[1], most, before);
    });
    inParallel(std::size_t(rows), grid.stop, [&](std::size_t row) {
        float* plane = d + std::size_t(box.begin[2]) * k + (row + std::size_t(box.begin[1])) * j + std::size_t(box.begin[0]);
        std::vector<float> before;
        lowerEnvelope(plane, k, slices, columns, grid.spacingMm[2], most, before);
        for (int slice = 0; slice < slices; ++slice) {
            float* values = plane + std::size_t(slice) * k;
            for (int i = 0; i < columns; ++i) {
                values[i] = std::sqrt(values[i]);
            }
            std::replace_if(values, values + columns, [&](float mm) { return mm > float(most); }, kFarMm);
        }
    });
    return image;
}

/// Voxels that a way of some mm takes along each axis.
std::array<int, 3> stepsOf(double mm, const WorkGrid& grid)
{
    return {int(mm / grid.spacingMm[0]) + 1, int(mm / grid.spacingMm[1]) + 1, int(mm / grid.spacingMm[2]) + 1};
}

} // namespace

Distances::Pointer distanceTo(const Mask* mask, const WorkGrid& grid, double mostMm, const Box& box) { return distances(mask, true, grid, mostMm, box); }

Distances::Pointer distanceTo(const Mask* mask, const WorkGrid& grid, double mostMm) { return distanceTo(mask, grid, mostMm, boxAround(mask, grid, stepsOf(mostMm, grid))); }

Mask::Pointer dilated(const Mask* mask, double mm, const WorkGrid& grid)
{
    const Distances::Pointer distance = distanceTo(mask, grid, mm);
    const float* d = distance->GetBufferPointer();
    return maskWhere(grid, [=](std::size_t n) { return d[n] <= float(mm); });
}

Mask::Pointer eroded(const Mask* mask, double mm, const WorkGrid& grid)
{
    const Distances::Pointer distance = distances(mask, false, grid, mm, boxAround(mask, grid, {1, 1, 1}));
    const float* d = distance->GetBufferPointer();
    const std::uint8_t* m = mask->GetBufferPointer();
    return maskWhere(grid, [=](std::size_t n) { return m[n] && d[n] > float(mm); });
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

namespace {

template <typename Inside> std::vector<Region> regionsWhere(const WorkGrid& grid, int axis, int index, const Inside& inside)
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

} // namespace

std::vector<Region> regionsOfSlice(const WorkGrid& grid, int axis, int index, const std::function<bool(std::size_t)>& inside) { return regionsWhere(grid, axis, index, inside); }

void fillSlices(Mask* mask, const WorkGrid& grid, int axis, const std::function<bool(const Region&)>& accept)
{
    std::uint8_t* m = mask->GetBufferPointer();
    inParallel(std::size_t(grid.size[std::size_t(axis)]), grid.stop, [&](std::size_t index) {
        for (const Region& hole : regionsWhere(grid, axis, int(index), [m](std::size_t n) { return !m[n]; })) {
            if (!hole.touchesBorder && accept(hole)) {
                for (const std::size_t voxel : hole.voxels) {
                    m[voxel] = 1;
                }
            }
        }
    });
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

namespace {

/// Running sums along one axis of `count` lines side by side, `stride` from one value of a line to the next.
void sumAlong(float* first, std::size_t stride, int length, int count, int radius, std::vector<float>& scratch)
{
    scratch.assign(std::size_t(length + 1) * std::size_t(count), 0.F);
    float* sum = scratch.data();
    const auto before = [&](int n) { return scratch.data() + std::size_t(n + 1) * std::size_t(count); };
    for (int n = 0; n < length; ++n) {
        for (int i = 0; i < count; ++i) {
            before(n)[i] = first[std::size_t(n) * stride + std::size_t(i)];
        }
    }
    for (int n = 0; n < std::min(radius, length); ++n) {
        for (int i = 0; i < count; ++i) {
            sum[i] += before(n)[i];
        }
    }
    for (int n = 0; n < length; ++n) {
        const float* entering = n + radius < length ? before(n + radius) : nullptr;
        const float* leaving = n - radius >= 0 ? before(n - radius) : nullptr;
        float* out = first + std::size_t(n) * stride;
        for (int i = 0; i < count; ++i) {
            sum[i] += entering ? entering[i] : 0;
            out[i] = sum[i];
            sum[i] -= leaving ? leaving[i] : 0;
        }
    }
}

} // namespace

void sumInBox(const WorkGrid& grid, std::vector<float>& values, const std::array<int, 3>& radius)
{
    const std::size_t j = grid.stride(1), k = grid.stride(2);
    inParallel(std::size_t(grid.size[2]), grid.stop, [&](std::size_t slice) {
        std::vector<float> scratch;
        for (int row = 0; row < grid.size[1]; ++row) {
            sumAlong(values.data() + slice * k + std::size_t(row) * j, 1, grid.size[0], 1, radius[0], scratch);
        }
        sumAlong(values.data() + slice * k, j, grid.size[1], grid.size[0], radius[1], scratch);
    });
    inParallel(std::size_t(grid.size[1]), grid.stop, [&](std::size_t row) {
        std::vector<float> scratch;
        sumAlong(values.data() + row * j, k, grid.size[2], grid.size[0], radius[2], scratch);
    });
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
