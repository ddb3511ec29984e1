#pragma once

#include "viewer/volume/Progress.h"

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace hf::runtime {

/// How a volume is cut into windows and put together again, as MONAI's sliding_window_inference. Source: experts.md 4.
struct WindowOptions {
    enum class Blend { Constant, Gaussian };
    enum class Padding { Constant, Reflect, Replicate, Circular };

    std::vector<std::int64_t> roi;          ///< Size an axis; 0 or less: the whole axis.
    std::vector<double> overlap;            ///< Share an axis, 0 <= overlap < 1.
    Blend blend = Blend::Constant;
    double sigmaScale = 0.125;              ///< Gaussian: sigma as share of the window.
    Padding padding = Padding::Constant;    ///< Where the volume is smaller than a window.
    double paddingValue = 0;
    /// Windows are visited in groups along this axis, and rows that no later group touches are handed out at once. 0 adds in the order of the reference.
    int slabAxis = 0;
    /// Row of the slab axis around which to begin (the slice that a reader sees); -1: from the first.
    std::int64_t focus = -1;
};

/// Starts of the windows along one axis of `size` (not smaller than `roi`).
std::vector<std::int64_t> windowStarts(std::int64_t size, std::int64_t roi, double overlap);

/// Weights of one window, float32 of size `roi`: ones, or a Gaussian that is nowhere below 1e-3.
at::Tensor importanceMap(at::IntArrayRef roi, WindowOptions::Blend blend, double sigmaScale = 0.125);

/// [1, C, roi...] to [1, F, roi...].
using WindowPredictor = std::function<at::Tensor(const at::Tensor& window)>;
/// Rows [begin, end) of the slab axis are final: the mean of all windows, float32 [1, F, ...] with end - begin rows on the slab axis. Without padding.
using SlabSink = std::function<void(const at::Tensor& mean, std::int64_t begin, std::int64_t end)>;

/// Runs all windows; keeps only what is not final yet, so that memory does not grow with the length of the slab axis.
/// @param input  [1, C, D0, D1(, D2)] float32; windows are views of it, or of a padded copy.
/// Progress counts windows ("window 3 of 96, about 40 s left"); a stop is seen between windows, and inside one where the predictor looks.
/// @throws Cancelled; Error "arguments" for options that do not fit the input.
void slideWindows(const at::Tensor& input, const WindowOptions& options, const WindowPredictor& predict, const SlabSink& sink, const Progress& progress = {}, std::stop_token stop = {});

/// The same with the whole result in memory: [1, F, D0, D1(, D2)].
at::Tensor slidingWindow(const at::Tensor& input, const WindowOptions& options, const WindowPredictor& predict, const Progress& progress = {}, std::stop_token stop = {});

} // namespace hf::runtime
