#pragma once

#include "assistant/engine/VilaNetworks.h"
#include "assistant/engine/train/PicturePool.h"

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <functional>
#include <stop_token>

namespace hf::assistant::train {

/// Tells picture classes (pictureClass) from the mean of the normalised features; thrown away after training.
class ClassHeadImpl : public torch::nn::Module {
public:
    explicit ClassHeadImpl(int width);
    /// [n, T, C] -> [n, kPictureClasses]
    torch::Tensor forward(const torch::Tensor& features) { return linear(norm(features).mean(1)); }
    /// Knows nothing and says so: it does not disturb a tower that knows something.
    void forget();

private:
    torch::nn::LayerNorm norm{nullptr};
    torch::nn::Linear linear{nullptr};
};
TORCH_MODULE(ClassHead);

/// Of a tower that learns together with the language model: its learning rate times the others', and what the loss of pictures that are only looked at counts.
constexpr double kTowerRate = 0.5, kLookedWeight = 0.3;

/// [n, S, S], 0 to 255 -> [n, 3, S, S] as the tower takes them.
torch::Tensor towerInput(const torch::Tensor& grey, const PreprocessorConfig& config);

/// Pictures [n, S, S] uint8, varied where they are: zoom, turn, shift, mirror, tone, shade, thick slices, blur and noise -> [n, S, S] fp32, 0 to 255.
/// @param share  of the pictures; the others stay.
torch::Tensor variedThere(const torch::Tensor& grey, double share = 1);

/// Pictures of one size [n, S, S] uint8 and their classes [n] int64, side by side.
struct GreyPictures { torch::Tensor grey, classes; };
/// @param at  the n-th picture, S x S.
GreyPictures greyPictures(std::int64_t count, std::int64_t size, const std::function<const TrainingPicture&(std::int64_t)>& at);

/// Loss (nats a picture) of a class head behind the tower on varied pictures, and the share that is told right; fp32 [] on their device.
struct Looked { torch::Tensor loss, right; };
/// @param grey  [n, S, S] uint8. @param classes  [n] int64 (pictureClass).
Looked look(VilaNetworks& networks, ClassHead& head, const torch::Tensor& grey, const torch::Tensor& classes, bool bf16);

/// How well the class head tells pictures; shares from 0 to 1, -1 where there was nothing to tell.
struct ToldRight {
    double kind = -1;       ///< CT, MRI, radiograph, ultrasound, blank.
    double plane = -1;      ///< Of CT and MRI.
};
ToldRight tryPictures(VilaNetworks& networks, ClassHead& head, const std::vector<TrainingPicture>& pictures);

struct VisionOptions {
    double minutes = 20;
    int variants = 4;               ///< Variations of each picture that are made ahead.
    bool refine = false;            ///< Goes on with a tower that this made, instead of starting one.
    double learningRate = 1.5e-3;
    int batch = 64;
    bool bf16 = true;               ///< Multiplications in bf16.
};

struct VisionReport {
    int step = 0;
    double loss = 0, right = 0;     ///< Means over the last steps, on pictures that are learned from.
    double samplesPerSecond = 0;
    ToldRight heldOut;
};

/// Makes a vision tower that knows modality and plane, before the language model learns to speak about them.
///
/// A vision transformer of this size that starts from random weights needs millions of pictures until it sees layout. So it starts as a reader of
/// regions: patches are whitened into the first half of the channels and positions are kept in the other half; every head of layers 1 and 2
/// looks at one region of the picture, whoever asks. All tokens then get the same sums, the parts that do nothing yet are left out, and a step
/// takes a tenth of the time. The weights are those of an ordinary SigLIP tower, which computes the same function as what was trained.
/// @param heldOut  never learned from, told in the reports. @throws Cancelled, Error for a tower of less than five layers.
void trainVision(VilaNetworks& networks, ClassHead& head, const std::vector<TrainingPicture>& pool, const std::vector<TrainingPicture>& heldOut, const VisionOptions& options,
    phantom::Random& random, const std::function<void(const VisionReport&)>& onReport, const std::stop_token& stop);

} // namespace hf::assistant::train
