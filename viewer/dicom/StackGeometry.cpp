#include "viewer/dicom/StackGeometry.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

namespace hf::dicom {

namespace {

std::string text(const char* format, double a, double b = 0)
{
    char buffer[160];
    std::snprintf(buffer, sizeof buffer, format, a, b);
    return buffer;
}

void sortAlongNormal(StackPlan& plan, const std::vector<PointLps>& positions, Vec3 normal)
{
    std::vector<double> places(positions.size());
    for (std::size_t n = 0; n < positions.size(); ++n) {
        places[n] = dot(positions[n] - positions[0], normal);
    }
    std::vector<std::size_t> order(positions.size());
    for (std::size_t n = 0; n < order.size(); ++n) {
        order[n] = n;
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return places[a] < places[b]; });
    std::size_t duplicates = 0;
    for (const std::size_t n : order) {
        if (!plan.order.empty() && places[n] - places[plan.order.back()] < 1e-3) {
            ++duplicates;
            continue;
        }
        plan.order.push_back(n);
        plan.placesMm.push_back(places[n] - places[order[0]]);
    }
    if (duplicates > 0) {
        plan.notes.push_back({"duplicate-slices", std::to_string(duplicates) + " images lie where another one lies and were left out."});
    }
}

/// Shifts of the slices in their planes: a tilted gantry where they grow evenly with the place.
void findShifts(StackPlan& plan, const std::vector<PointLps>& positions, const std::array<Vec3, 2>& axes)
{
    constexpr double kRoundingMm = 0.3;     // of stored positions and orientations
    const PointLps first = positions[plan.order.front()];
    const double along = plan.placesMm.back();
    std::vector<std::array<double, 2>> shifts;
    for (const std::size_t n : plan.order) {
        const Vec3 v = positions[n] - first;
        shifts.push_back({dot(v, axes[0]), dot(v, axes[1])});
    }
    const std::array<double, 2> total = shifts.back();
    double uneven = 0;
    for (std::size_t n = 0; n < shifts.size(); ++n) {
        const double share = plan.placesMm[n] / along;
        uneven = std::max(uneven, std::hypot(shifts[n][0] - total[0] * share, shifts[n][1] - total[1] * share));
    }
    const double shift = std::hypot(total[0], total[1]), tiltDeg = std::atan2(shift, along) * 180 / std::numbers::pi;
    // A small angle may be rounding; what it moves in the end is not.
    const bool isTilted = (shift >= kRoundingMm && tiltDeg > 0.1) || shift >= 1;
    if (!isTilted && uneven < kRoundingMm) {
        return;
    }
    plan.shiftsMm = std::move(shifts);
    if (isTilted && tiltDeg > 0.1) {
        plan.tiltDeg = tiltDeg;
        plan.notes.push_back({"tilt", text("The gantry was tilted by %.1f degrees; the slices were resampled to a straight grid.", plan.tiltDeg)});
    }
    if (uneven >= kRoundingMm || !(tiltDeg > 0.1)) {
        plan.notes.push_back({"shifted-slices", text("The slices are shifted against each other by up to %.1f mm; they were resampled to a straight grid.", std::max(uneven, tiltDeg > 0.1 ? 0.0 : shift))});
    }
}

/// Images that no slice of the even grid takes a quarter of its values from.
int hiddenImages(const StackPlan& plan)
{
    std::vector<double> most(plan.placesMm.size(), 0);
    std::size_t next = 1;
    for (int slice = 0; slice < plan.slices; ++slice) {
        const double place = std::min(plan.spacingMm * slice, plan.placesMm.back());
        while (next + 1 < plan.placesMm.size() && plan.placesMm[next] < place) {
            ++next;
        }
        const double share = std::clamp((place - plan.placesMm[next - 1]) / (plan.placesMm[next] - plan.placesMm[next - 1]), 0.0, 1.0);
        most[next - 1] = std::max(most[next - 1], 1 - share);
        most[next] = std::max(most[next], share);
    }
    return int(std::count_if(most.begin(), most.end(), [](double share) { return share < 0.25; }));
}

void planGrid(StackPlan& plan)
{
    std::vector<double> gaps;
    for (std::size_t n = 1; n < plan.placesMm.size(); ++n) {
        gaps.push_back(plan.placesMm[n] - plan.placesMm[n - 1]);
    }
    std::vector<double> sorted = gaps;
    std::sort(sorted.begin(), sorted.end());
    const double median = sorted[sorted.size() / 2];
    const double whole = plan.placesMm.back();
    const double tolerance = std::max(0.01 * median, 0.02);
    // Small differences may add up: each place counts, not each distance alone.
    double drift = 0;
    for (std::size_t n = 0; n < plan.placesMm.size(); ++n) {
        drift = std::max(drift, std::abs(plan.placesMm[n] - whole * double(n) / double(gaps.size())));
    }
    const bool even = sorted.back() - sorted.front() <= 2 * tolerance && std::abs(whole / double(gaps.size()) - median) <= tolerance && drift <= 2 * tolerance;
    if (even) {
        plan.spacingMm = whole / double(gaps.size());
        plan.slices = int(plan.order.size());
        return;
    }
    const bool multiples = std::round(sorted.back() / median) > 1 && std::all_of(gaps.begin(), gaps.end(), [&](double gap) {
        const double steps = std::round(gap / median);
        return steps >= 1 && std::abs(gap - steps * median) <= std::max(0.05 * median, 0.05);
    });
    constexpr int kMostSlices = 20000;
    plan.isEven = false;
    if (multiples) {
        const int missing = int(std::lround(whole / median)) + 1 - int(plan.order.size());
        plan.spacingMm = whole / std::round(whole / median);
        plan.slices = int(std::lround(whole / plan.spacingMm)) + 1;
        plan.notes.push_back({"missing-slices", std::to_string(missing) + (missing == 1 ? " slice is" : " slices are") + " missing; the gaps were filled by interpolation."});
    } else {
        // From the first slice to the last in equal steps, none wider than the closest ones lie, unless that makes very many of few.
        const double finest = std::ceil(whole / sorted.front() - 1e-6), wide = std::ceil(whole / median - 1e-6), most = 3.0 * double(plan.order.size()) + 1;
        const double steps = std::min<double>(kMostSlices - 1, finest <= most ? finest : wide);
        plan.spacingMm = whole / steps;
        plan.slices = int(steps) + 1;
        plan.hidden = hiddenImages(plan);
        if (plan.hidden > 0) {
            plan.notes.push_back({"images-between", std::to_string(plan.hidden) + (plan.hidden == 1 ? " image lies" : " images lie") + " so close to another one that the resampled slices hardly show it."});
        }
        plan.notes.push_back({"non-uniform-spacing", text("The distances of the slices vary from %.2f to %.2f mm; they were resampled to equal distances.", sorted.front(), sorted.back())});
    }
}

} // namespace

StackPlan planStack(const std::vector<PointLps>& positions, const std::array<Vec3, 2>& axes, double fallbackMm)
{
    StackPlan plan;
    sortAlongNormal(plan, positions, cross(axes[0], axes[1]));
    if (plan.order.size() < 2) {
        plan.spacingMm = fallbackMm > 0 ? fallbackMm : 1;
        return plan;
    }
    findShifts(plan, positions, axes);
    planGrid(plan);
    return plan;
}

} // namespace hf::dicom
