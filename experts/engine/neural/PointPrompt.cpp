#include "experts/engine/neural/PointPrompt.h"

#include "experts/engine/MaskFacts.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace hf::experts {

namespace {

using Sizes = std::array<std::int64_t, 3>;

Sizes sizesOf(const at::Tensor& cube) { return {cube.size(0), cube.size(1), cube.size(2)}; }
bool isPositive(const Vista3dPoint& point) { return point.label == 1 || point.label == 3; }

/// Rounded and inside.
Sizes voxelOf(const Vista3dPoint& point, const Sizes& size)
{
    Sizes voxel{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
        voxel[axis] = std::clamp<std::int64_t>(std::llround(point.place[axis]), 0, size[axis] - 1);
    }
    return voxel;
}

/// Number of the component (26 neighbours) of each voxel of a mask [D0, D1, D2], from 1 in memory order of their first voxels; 0 outside: int32.
at::Tensor componentsOf(const at::Tensor& mask)
{
    const at::Tensor bytes = mask.to(at::kByte).contiguous();
    const std::uint8_t* data = bytes.const_data_ptr<std::uint8_t>();
    const Sizes size = sizesOf(bytes);
    const Geometry grid({int(size[2]), int(size[1]), int(size[0])}, {1, 1, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    std::vector<std::int32_t> numbers;
    const std::vector<Component> found = findComponents(LabelMap(grid, std::vector<LabelId>(data, data + bytes.numel()), {}), &numbers);
    // findComponents sorts by size; the rule below needs the order of a scan.
    std::vector<std::size_t> order(found.size());
    for (std::size_t n = 0; n < order.size(); ++n) {
        order[n] = n;
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return grid.offset(found[a].first) < grid.offset(found[b].first); });
    std::vector<std::int32_t> rank(found.size());
    for (std::size_t n = 0; n < order.size(); ++n) {
        rank[order[n]] = std::int32_t(n + 1);
    }
    const at::Tensor ranks = at::zeros(bytes.sizes(), at::kInt);
    std::int32_t* out = ranks.data_ptr<std::int32_t>();
    for (std::size_t n = 0; n < numbers.size(); ++n) {
        out[n] = numbers[n] >= 0 ? rank[std::size_t(numbers[n])] : 0;
    }
    return ranks;
}

at::Tensor boxAround(const at::Tensor& cube, const Sizes& voxel, std::int64_t reach)
{
    at::Tensor box = cube;
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const std::int64_t begin = std::max<std::int64_t>(0, voxel[axis] - reach), end = std::min(cube.size(std::int64_t(axis)), voxel[axis] + reach + 1);
        box = box.narrow(std::int64_t(axis), begin, end - begin);
    }
    return box;
}

/// First voxel of a window of `side` around a place on an axis of `size`.
std::int64_t windowStart(double place, std::int64_t size, std::int64_t side)
{
    const std::int64_t half = side / 2;
    return place - double(half) < 0 ? 0 : place + double(half) > double(size) ? size - side : std::int64_t(place) - half;
}

/// The points that lie strictly inside, in voxels of the window.
std::vector<Vista3dPoint> pointsWithin(const std::vector<Vista3dPoint>& points, const Sizes& start, std::int64_t side)
{
    std::vector<Vista3dPoint> within;
    for (Vista3dPoint point : points) {
        bool isInside = true;
        for (std::size_t axis = 0; axis < 3; ++axis) {
            point.place[axis] -= double(start[axis]);
            isInside = isInside && point.place[axis] > 0 && point.place[axis] < double(side);
        }
        if (isInside) {
            within.push_back(point);
        }
    }
    return within;
}

/// [D0, D1, D2] on the host, where components are found.
at::Tensor windowLogits(const Vista3d& network, Compute compute, const at::Tensor& window, const std::vector<Vista3dPoint>& points, int classId, const std::stop_token& stop)
{
    const bool hasClass = classId > 0 && classId <= Vista3d::kClasses;
    const Vista3d::Features features = network.encode(prepared(window, compute), !points.empty(), hasClass, stop);
    at::Tensor ofClass;
    if (hasClass) {
        ofClass = Vista3d::classLogits(network.mapClasses(features.classes), network.embeddings({classId})).to(at::kFloat).select(0, 0).select(0, 0).to(at::kCPU);
    }
    if (points.empty()) {
        return hasClass ? ofClass : at::full(window.sizes().slice(2), -9999.0, at::kFloat);
    }
    const at::Tensor ofPoints = network.pointLogits(features.points, points, classId).select(0, 0).select(0, 0).to(at::kCPU);
    return hasClass ? mergedLogits(ofClass, ofPoints, points) : ofPoints;
}

} // namespace

bool isSpecialClass(int classId)
{
    static const std::set<int> kSpecial{23, 24, 25, 26, 27, 57, 128};
    return kSpecial.contains(classId);
}

at::Tensor mergedLogits(const at::Tensor& classLogits, const at::Tensor& pointLogits, const std::vector<Vista3dPoint>& points)
{
    const Sizes size = sizesOf(classLogits);
    const at::Tensor byPoints = pointLogits > 0, byClass = classLogits > 0;
    const bool touchesClass = std::any_of(points.begin(), points.end(), [&](const Vista3dPoint& point) {
        const Sizes at = voxelOf(point, size);
        return classLogits[at[0]][at[1]][at[2]].item<float>() > 0;
    });
    const at::Tensor added = componentsOf(touchesClass ? byPoints : byPoints.logical_and(byClass.logical_not())), removed = componentsOf(byClass.logical_and(byPoints.logical_not()));
    at::Tensor changeable = at::zeros(classLogits.sizes(), at::kBool);
    for (const Vista3dPoint& point : points) {
        const at::Tensor& components = isPositive(point) ? added : removed;
        constexpr std::int64_t kFarthest = 2;
        for (std::int64_t reach = 0; reach <= kFarthest; ++reach) {
            const int largest = boxAround(components, voxelOf(point, size), reach).max().item<int>();
            if (largest > 0) {
                changeable = changeable.logical_or(components == largest);
                break;
            }
        }
    }
    return at::where(changeable, pointLogits, classLogits);
}

at::Tensor pointLogits(const Vista3d& network, Compute compute, const at::Tensor& image, const PointPrompt& prompt, std::int64_t side, const Progress& progress, const std::stop_token& stop)
{
    Sizes before{};
    std::vector<std::int64_t> padding;      // last axis first
    for (std::int64_t axis = 3; axis-- > 0;) {
        const std::int64_t missing = std::max<std::int64_t>(0, side - image.size(2 + axis));
        before[std::size_t(axis)] = missing / 2;
        padding.push_back(missing / 2);
        padding.push_back(missing - missing / 2);
    }
    const at::Tensor padded = at::constant_pad_nd(image, padding, 0);
    std::vector<Vista3dPoint> points = prompt.points;
    for (Vista3dPoint& point : points) {
        for (std::size_t axis = 0; axis < 3; ++axis) {
            point.place[axis] += double(before[axis]);
        }
    }
    const at::Tensor sum = at::zeros(padded.sizes().slice(2), at::kFloat), seen = at::zeros_like(sum, at::kBool);
    // A window that several points have counts as often, but runs once.
    std::map<Sizes, int> windows;
    for (const Vista3dPoint& point : points) {
        Sizes start{};
        for (std::size_t axis = 0; axis < 3; ++axis) {
            start[axis] = windowStart(point.place[axis], padded.size(2 + std::int64_t(axis)), side);
        }
        ++windows[start];
    }
    std::size_t done = 0;
    for (const auto& [start, count] : windows) {
        throwIfStopped(stop);
        report(progress, double(done) / double(windows.size()), "window " + std::to_string(done + 1) + " of " + std::to_string(windows.size()));
        at::Tensor window = padded, target = sum, mark = seen;
        for (std::int64_t axis = 0; axis < 3; ++axis) {
            const std::int64_t first = start[std::size_t(axis)];
            window = window.narrow(2 + axis, first, side);
            target = target.narrow(axis, first, side);
            mark = mark.narrow(axis, first, side);
        }
        target.add_(windowLogits(network, compute, window, pointsWithin(points, start, side), prompt.classId, stop), count);
        mark.fill_(true);
        ++done;
    }
    at::Tensor logits = at::where(seen, sum, at::full({}, std::numeric_limits<float>::quiet_NaN()));
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        logits = logits.narrow(axis, before[std::size_t(axis)], image.size(2 + axis));
    }
    report(progress, 1, "points done");
    return logits;
}

at::Tensor insideOf(const at::Tensor& logits, const PointPrompt& prompt)
{
    const at::Tensor inside = logits > 0;   // false for NaN
    if (prompt.classId > 0) {
        return inside.to(at::kByte);
    }
    const at::Tensor components = componentsOf(inside);
    at::Tensor kept = at::zeros(logits.sizes(), at::kBool);
    for (const Vista3dPoint& point : prompt.points) {
        const Sizes voxel = voxelOf(point, sizesOf(logits));
        const int number = components[voxel[0]][voxel[1]][voxel[2]].item<int>();
        if (isPositive(point) && number > 0) {
            kept = kept.logical_or(components == number);
        }
    }
    return kept.to(at::kByte);
}

} // namespace hf::experts
