#pragma once

#include "experts/engine/neural/Layers.h"

#include <array>
#include <memory>
#include <span>
#include <string>

namespace hf::experts {

/// Labels of TorchXRayVision's classifiers, by output index. Source: experts.md 3.4.
inline constexpr std::size_t kChestLabels = 18;
const std::array<const char*, kChestLabels>& chestLabels();

/// A classifier of chest radiographs of TorchXRayVision, in evaluation mode.
class ChestClassifier {
public:
    virtual ~ChestClassifier() = default;
    /// Side of the square picture that it takes.
    virtual int side() const = 0;
    /// @param x  [N, 1, side, side], values -1024 to 1024. @return logits [N, 18].
    virtual at::Tensor forward(const at::Tensor& x) const = 0;
};

/// DenseNet-121 with one channel, 224 x 224. Names and shapes: experts.md 3.1.
std::unique_ptr<ChestClassifier> makeDenseNet121(WeightSource& source);
/// ResNet-50 with one channel, 512 x 512.
std::unique_ptr<ChestClassifier> makeResNet50(WeightSource& source);

/// Thresholds by weights name ("all", "nih", "pc", "chex", "rsna", "mimic_nb", "mimic_ch", "resnet50"); NaN: not trained.
/// @throws Error "arguments" for another name.
const std::array<float, kChestLabels>& chestThresholds(const std::string& weights);

/// Whether a member of that thresholds name votes on the label in VILA-M3 and was trained for it. Source: experts.md 3.4 and 3.5.
bool votesOn(const std::string& weights, std::size_t label);
bool isTrainedFor(const std::string& weights, std::size_t label);

/// Probabilities to scores whose threshold is 0.5; exactly 0.5 where the threshold is NaN. Source: experts.md 3.4.
at::Tensor calibrated(const at::Tensor& probabilities, std::span<const float> thresholds);

/// A radiograph as the classifiers take it: centre crop to a square and, where the size differs, a bilinear resize.
/// @param picture  [H, W] float32, already -1024 to 1024. @param antialias  as TorchXRayVision 1.3.2 and later; without it as before.
/// @return [1, 1, side, side].
at::Tensor chestInput(const at::Tensor& picture, int side, bool antialias = true);

} // namespace hf::experts
