#include "viewer/volume/Subtraction.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <future>
#include <thread>

namespace hf {

namespace {

/// Averages of slices as they are before they are subtracted; NaN where one is padding.
template <typename T> class Averages {
public:
    Averages(std::span<const T> voxels, const Volume& volume, const Subtraction& subtraction)
        : m_voxels(voxels), m_size(volume.geometry().size()), m_padding(volume.info().padding), m_values(subtraction.values) {}

    std::vector<float> of(const std::vector<int>& slices) const
    {
        const std::size_t pixels = std::size_t(m_size.i) * std::size_t(m_size.j);
        std::vector<float> sum(pixels, 0.0F);
        for (const int slice : slices) {
            const T* stored = m_voxels.data() + std::size_t(slice) * pixels;
            for (std::size_t n = 0; n < pixels; ++n) {
                sum[n] += value(float(stored[n]));
            }
        }
        for (float& value : sum) {
            value /= float(slices.size());
        }
        return sum;
    }

    float value(float stored) const
    {
        const bool isPadding = m_padding && stored >= float((*m_padding)[0]) && stored <= float((*m_padding)[1]);
        return isPadding ? NAN : m_values ? float(m_values(stored)) : stored;
    }

private:
    std::span<const T> m_voxels;
    Size3 m_size;
    std::optional<std::array<double, 2>> m_padding;
    const std::function<double(double)>& m_values;
};

/// An image moved by parts of pixels, linear; what comes in from outside is its edge.
std::vector<float> moved(const std::vector<float>& image, int columns, int rows, std::array<double, 2> shift)
{
    if (shift[0] == 0 && shift[1] == 0) {
        return image;
    }
    std::vector<float> result(image.size());
    const auto at = [&](int x, int y) { return image[std::size_t(std::clamp(y, 0, rows - 1)) * std::size_t(columns) + std::size_t(std::clamp(x, 0, columns - 1))]; };
    for (int y = 0; y < rows; ++y) {
        const double fromY = std::clamp(y - shift[0], -1.0, double(rows));
        const int y0 = int(std::floor(fromY));
        const auto fy = float(fromY - y0);
        for (int x = 0; x < columns; ++x) {
            const double fromX = std::clamp(x - shift[1], -1.0, double(columns));
            const int x0 = int(std::floor(fromX));
            const auto fx = float(fromX - x0);
            const float above = at(x0, y0) + fx * (at(x0 + 1, y0) - at(x0, y0)), below = at(x0, y0 + 1) + fx * (at(x0 + 1, y0 + 1) - at(x0, y0 + 1));
            result[std::size_t(y) * std::size_t(columns) + std::size_t(x)] = above + fy * (below - above);
        }
    }
    return result;
}

void check(const Volume& volume, const Subtraction& subtraction)
{
    const int count = volume.geometry().size().k;
    const auto isThere = [&](int slice) { return slice >= 0 && slice < count; };
    const bool fits = int(subtraction.slices.size()) == count && std::all_of(subtraction.slices.begin(), subtraction.slices.end(), [&](const Subtraction::Slice& slice) {
        return std::all_of(slice.contrast.begin(), slice.contrast.end(), isThere) && std::all_of(slice.mask.begin(), slice.mask.end(), isThere) &&
            slice.contrast.empty() == slice.mask.empty() && std::isfinite(slice.shift[0]) && std::isfinite(slice.shift[1]);
    });
    if (volume.isColor() || !fits) {
        throw Error("these images cannot be subtracted", "arguments");
    }
}

/// The middle 99.8 % of the differences.
WindowLevel windowOf(const std::vector<float>& voxels, const Subtraction& subtraction, std::size_t pixels)
{
    constexpr std::size_t kMostSamples = 1 << 18;
    std::vector<float> some;
    const auto count = std::size_t(std::count_if(subtraction.slices.begin(), subtraction.slices.end(), [](const auto& slice) { return !slice.contrast.empty(); }));
    const std::size_t step = std::max<std::size_t>(1, count * pixels / kMostSamples);
    for (std::size_t slice = 0; slice < subtraction.slices.size(); ++slice) {
        for (std::size_t n = 0; subtraction.isSubtracted(int(slice)) && n < pixels; n += step) {
            some.push_back(voxels[slice * pixels + n]);
        }
    }
    const auto percentile = [&](double share) {
        const auto place = some.begin() + std::ptrdiff_t(share * double(some.size() - 1));
        std::nth_element(some.begin(), place, some.end());
        return double(*place);
    };
    const double low = percentile(0.001), high = percentile(0.999);
    return {(low + high) / 2, std::max(1.0, high - low), {}};
}

} // namespace

bool Subtraction::isAny() const
{
    return std::any_of(slices.begin(), slices.end(), [](const Slice& slice) { return !slice.contrast.empty(); });
}

Volume subtracted(const Volume& volume, const Subtraction& subtraction, std::stop_token stop)
{
    check(volume, subtraction);
    const Size3 size = volume.geometry().size();
    const std::size_t pixels = std::size_t(size.i) * std::size_t(size.j);
    std::vector<float> voxels(size.voxels());
    volume.visit([&](auto stored) {
        const Averages averages(stored, volume, subtraction);
        std::atomic<int> next = 0;
        const auto work = [&] {
            std::vector<int> maskSlices;    // of the mask that is held: most slices have the one before
            std::vector<float> mask;
            std::array<double, 2> shift{};
            for (int slice = next++; slice < size.k && !stop.stop_requested(); slice = next++) {
                const Subtraction::Slice& one = subtraction.slices[std::size_t(slice)];
                float* const target = voxels.data() + std::size_t(slice) * pixels;
                if (one.contrast.empty()) {
                    const auto first = stored.begin() + std::ptrdiff_t(std::size_t(slice) * pixels);
                    std::transform(first, first + std::ptrdiff_t(pixels), target, [](auto value) { return float(value); });
                    continue;
                }
                if (mask.empty() || maskSlices != one.mask || shift != one.shift) {
                    mask = moved(averages.of(one.mask), size.i, size.j, one.shift);
                    maskSlices = one.mask;
                    shift = one.shift;
                }
                const std::vector<float> contrast = averages.of(one.contrast);
                for (std::size_t n = 0; n < pixels; ++n) {
                    const float difference = contrast[n] - mask[n];
                    target[n] = std::isfinite(difference) ? difference : 0.0F;
                }
            }
        };
        std::vector<std::future<void>> others;
        for (unsigned thread = 1; thread < std::thread::hardware_concurrency(); ++thread) {
            others.push_back(std::async(std::launch::async, work));
        }
        work();
        for (auto& other : others) {
            other.get();
        }
    });
    throwIfStopped(stop);
    VolumeInfo info = volume.info();
    info.unit = Unit::None;
    info.padding.reset();
    info.storedRange.reset();
    info.isSubtracted = true;
    info.windows.clear();
    info.imageWindows.clear();
    if (subtraction.isAny()) {
        info.windows.push_back(windowOf(voxels, subtraction, pixels));
    }
    return Volume(volume.geometry(), std::move(voxels), std::move(info));
}

} // namespace hf
