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
    /// Windows are visited in groups along this axis and, within a group, along the first other one; what no later window touches is handed out at once.
    /// 0 adds in the order of the reference.
    int slabAxis = 0;
    /// Row of the slab axis around which to begin (the slice that a reader sees); -1: from the first.
    std::int64_t focus = -1;
    /// Windows that the predictor is given at once, at most; halved where a GPU has no room for them.
    int batch = 1;
};

/// Starts of the windows along one axis of `size` (not smaller than `roi`).
std::vector<std::int64_t> windowStarts(std::int64_t size, std::int64_t roi, double overlap);

/// Weights of one window, float32 of size `roi`: ones, or a Gaussian that is nowhere below 1e-3.
at::Tensor importanceMap(at::IntArrayRef roi, WindowOptions::Blend blend, double sigmaScale = 0.125);

/// [N, C, roi...] to [N, F, roi...], N <= WindowOptions::batch; on the device where the sums shall stay.
using WindowPredictor = std::function<at::Tensor(const at::Tensor& windows)>;

/// Voxels [begin, end) an axis.
struct Part {
    std::vector<std::int64_t> begin, end;
    /// This part of a tensor whose last axes are those of the volume.
    at::Tensor of(at::Tensor whole) const;
    std::int64_t voxels() const;
};

/// A part is final: the mean of all windows, float32 [1, F, size of the part], without padding.
using PartSink = std::function<void(const at::Tensor& mean, const Part& part)>;

/// Runs all windows; keeps only what is not final yet: the overlap of two groups (twice where it begins in the middle) and one row of windows, whatever the
/// length of the slab axis. Sums lie on the device of the predictor, or on the host where that has no room.
/// @param input  [1, C, D0, D1(, D2)] float32 on any device; windows are views of it, or of a padded copy.
/// Progress counts windows ("window 3 of 96, about 40 s left"); a stop is seen between windows, and inside one where the predictor looks. A GPU is at
/// most one window behind.
/// @throws Cancelled; Error "arguments" for options that do not fit the input, "memory" when a GPU has no room for one window.
void slideWindows(const at::Tensor& input, const WindowOptions& options, const WindowPredictor& predict, const PartSink& sink, const Progress& progress = {}, std::stop_token stop = {});

/// The same with the whole result in the host's memory: [1, F, D0, D1(, D2)].
at::Tensor slidingWindow(const at::Tensor& input, const WindowOptions& options, const WindowPredictor& predict, const Progress& progress = {}, std::stop_token stop = {});

} // namespace hf::runtime
