#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <string>
#include <vector>

namespace hf {
class Volume;
}

namespace hf::runtime {

/// Channels of voxels and where they lie. Axis D0 of the tensor is the first voxel index i, D2 the last, k.
struct Image {
    at::Tensor data;        ///< [C, D0, D1, D2] float32; labels uint8.
    at::Tensor affine;      ///< [4, 4] float64: voxel index (i, j, k, 1) to RAS+ mm.
};

enum class Interpolation { Linear, Nearest };

/// What stands in an image for values that are no picture (VolumeInfo::padding) or no numbers (NaN, infinity).
enum class PaddingFill { Darkest /* the least other value */, Zero };

/// One channel in the polarity that a reader sees: bright is high. Values without a unit are turned over where low ones are bright (MONOCHROME1).
/// @return data [1, i, j, k] float32, dense, on the device.
Image toImage(const Volume& volume, PaddingFill fill = PaddingFill::Darkest, at::Device device = at::kCPU);

/// Black and white of a picture without a unit: what its file's bits can hold; else 0 to 2^n - 1 for the fewest bits (at least 8) that hold its values, or
/// the range of these where some are negative or no whole numbers.
std::array<float, 2> greyRange(const Volume& volume);

// Transforms of MONAI on tensors, with its rules of size, origin and rounding. Source: experts.md 5. Voxels may lie on any device and stay there;
// affines lie on the host.

/// Column norms of the affine; a norm of zero counts as 1.
std::array<double, 3> spacingOf(const at::Tensor& affine);

/// The grid that Spacing makes: `affine` [4, 4] and `size`, for the wanted voxel sizes in mm (0 or less: as it is).
struct Grid {
    at::Tensor affine;
    std::array<std::int64_t, 3> size;
};
Grid spacedGrid(const at::Tensor& affine, const std::array<std::int64_t, 3>& size, const std::array<double, 3>& spacingMm);

/// Values at the voxels of another grid, border values repeated outside. In fp64 as the reference, one channel and a few slabs at a time; float32, or with
/// Nearest the type of the image.
/// The result's affine is `image.affine` times the map from its indices to those of the image.
Image resampled(const Image& image, const Grid& grid, Interpolation interpolation);
/// Resampling to a voxel size; the same image when it already has it.
Image spaced(const Image& image, const std::array<double, 3>& spacingMm, Interpolation interpolation = Interpolation::Linear);

/// How axes were flipped and swapped.
struct AxisOrder {
    std::array<int, 3> source{0, 1, 2};     ///< Source axis of each new axis.
    std::array<bool, 3> flipped{};          ///< Whether that source axis runs the other way.
    bool isIdentity() const { return source == std::array<int, 3>{0, 1, 2} && flipped == std::array<bool, 3>{}; }
};
/// The order that brings an affine to axes running to Right, Anterior, Superior.
AxisOrder orderToRas(const at::Tensor& affine);
AxisOrder inverseOf(const AxisOrder& order);
/// Flips and swaps axes; no interpolation. The affine follows.
Image reordered(const Image& image, const AxisOrder& order);

/// First and one past the last index an axis.
struct Box {
    std::array<std::int64_t, 3> begin, end;
};
/// The box of voxels > 0 on any channel, `margin` more on each side, clipped to the image. Empty (end <= begin) without any.
Box foregroundBox(const at::Tensor& data, std::int64_t margin);
Image cropped(const Image& image, const Box& box);
/// Undoes a crop: zeros around.
Image uncropped(const Image& image, const Box& box, const std::array<std::int64_t, 3>& size);

/// (x - from) / (to - from), clipped to [0, 1] when `clips`, scaled to [low, high].
struct IntensityRange {
    double from = 0, to = 1, low = 0, high = 1;
    bool clips = true;
};
at::Tensor scaledRange(const at::Tensor& data, const IntensityRange& range);
/// Linear from the smallest and largest value of the whole tensor; a constant one becomes x * low.
at::Tensor scaled(const at::Tensor& data, double low, double high);
/// Mean 0 and population standard deviation 1 of each channel (or of all), of the voxels that are not 0 only when `nonZero`; others stay.
at::Tensor normalized(const at::Tensor& data, bool nonZero, bool perChannel);

/// An image on its way to a network, with the spatial steps that brought it there, so that labels find back.
class Prepared {
public:
    explicit Prepared(Image image) : image(std::move(image)) {}

    void space(const std::array<double, 3>& spacingMm);
    void orientToRas();
    /// Crops to the box of foregroundBox(). @return false, and nothing is done, when there is none.
    bool cropForeground(std::int64_t margin);
    /// Labels on the grid of `image` [1, D0, D1, D2] back on the first grid, steps undone from the last to the first: nearest neighbour, 0 outside a crop.
    /// @return uint8 [i, j, k], on the device of the labels.
    at::Tensor invertedLabels(const at::Tensor& labels) const;
    /// One channel of values [1, D0, D1, D2] likewise, linear between them. @return float32 [i, j, k].
    at::Tensor invertedValues(const at::Tensor& values) const;

    Image image;        ///< The present one; intensities may be changed freely.

private:
    struct Step {
        enum class Kind { Spacing, Orientation, Crop };
        Kind kind;
        Grid before;
        AxisOrder order{};
        Box box{};
    };
    at::Tensor inverted(const at::Tensor& data, Interpolation interpolation) const;
    Grid grid() const { return {image.affine, {image.data.size(1), image.data.size(2), image.data.size(3)}}; }

    std::vector<Step> m_steps;
};

} // namespace hf::runtime
