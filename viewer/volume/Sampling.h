#pragma once

#include "viewer/volume/Picture.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

namespace hf {

// What pictures are made of, within this library. Values of a frame, rows top to bottom.

/// The labels under the pixels; 0 outside.
std::vector<LabelId> sampleLabels(const LabelMap& mask, const SliceFrame& frame);
/// A channel of a colour volume; NaN outside.
std::vector<float> sampleChannel(const Volume& volume, std::size_t channel, const SliceFrame& frame, Interpolation interpolation);
/// Overlay planes (PS3.3 C.9.2) of a volume that has some: above 0 where they draw.
std::vector<float> sampleGraphics(const Volume& volume, const SliceFrame& frame);

/// Calls `work(first row, row after the last)` for bands of rows, side by side on several threads where there is enough to do.
template <typename Work> void forBands(int rows, int columns, const Work& work)
{
    constexpr std::size_t kEnoughPixels = 200000;
    constexpr unsigned kMostThreads = 4;
    const bool isLarge = std::size_t(rows) * std::size_t(columns) > kEnoughPixels;
    const int bands = isLarge ? int(std::clamp(std::thread::hardware_concurrency(), 1U, kMostThreads)) : 1;
    const auto band = [&](int n) { work(rows * n / bands, rows * (n + 1) / bands); };
    std::vector<std::jthread> others;
    int started = 1;
    try {
        for (; started < bands; ++started) {
            others.emplace_back(band, started);
        }
    } catch (const std::system_error&) {
        // No thread is to be had: what is left is done here.
    }
    band(0);
    for (int n = started; n < bands; ++n) {
        band(n);
    }
}

} // namespace hf
