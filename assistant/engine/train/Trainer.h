#pragma once

#include "experts/runtime/Processor.h"
#include "viewer/volume/Progress.h"

#include <ATen/ATen.h>

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

namespace hf::assistant::train {

/// How the demo model is trained. The defaults made the embedded one; resources/models/demo/README.md has the figures.
struct TrainOptions {
    std::filesystem::path output;           ///< The checkpoint's folder; made when missing.
    std::filesystem::path realVolumes;      ///< See PoolOptions.
    /// Folder as realVolumes that is never learned from, only tried; may be empty.
    std::filesystem::path heldOut;
    std::filesystem::path poolCache;        ///< See PoolOptions::cache.
    int steps = 4000;
    double minutes = 0;                     ///< Above 0: the schedule ends by the clock instead of by steps.
    /// Minutes in which a new vision tower alone learns to tell kinds and planes apart (see VisionTrainer.h); 0 with `resume` keeps the one that there is.
    double visionMinutes = 20;
    int visionVariants = 4;                 ///< See VisionOptions::variants.
    bool refineTower = false;               ///< With `resume`: goes on with the tower that there is instead of making a new one.
    bool tunesTower = false;                ///< The tower learns with the language model, from its pictures and from `looked` more a step.
    bool lend = false;                      ///< With `resume`: words at the beginning of a line borrow the embedding of the same word after a space first.
    int batch = 64;                         ///< Conversations a step.
    int pictures = 6000;
    int vocabSize = 1536;
    double learningRate = 1.2e-3;
    std::uint32_t seed = 1;
    /// Goes on from `output` with its tokenizer and weights: exactly where a run of the same settings was killed, else as the beginning of a new run.
    bool resume = false;
    int unseenTrees = 48;                   ///< Groups of unseen conversations that are tried at each saving.
    int saveEvery = 200;
    bool bf16 = runtime::hasFastBf16();     ///< Multiplications in bf16 (autocast); weights stay fp32.
    std::string version = "0.5";

    /// All parts at once, in large batches (JointTrainer.h); the rest of these options is for that, and `steps` to `refineTower` above but `minutes` are not.
    bool isTogether = false;
    at::Device device = at::kCPU;
    int threads = 0;                        ///< That make pictures and conversations; 0: as many as there are processors, less one.
    int firstPictures = 6000;               ///< Training begins with so many; others come while it goes on.
    int looked = 384;                       ///< Pictures a step that are looked at without a question; with tunesTower, too.
    bool noFusedAttention = false;          ///< Attention in LibTorch's plain operations.
};

struct TrainReport {
    int step = 0, steps = 0;
    double loss = 0;            ///< Mean over the last steps, nats a learned token.
    double samplesPerSecond = 0;
    double exactFirst = -1;     ///< Share of unseen conversations whose first answer is right word by word; -1: not tried now.
    double visionRight = -1;    ///< While the vision tower learns alone: share of pictures that it tells right; else -1.
    double lookedRight = -1;    ///< Share of the pictures only looked at that are told right; -1: none were.
    double exactAll = -1;       ///< The same for all answers, teacher-forced.
    double sentenceRight = -1;  ///< Share of first answers whose first sentence (what the picture is) is right; -1: not tried now.
    double restRight = -1;      ///< Share of first answers in which everything after that sentence (the call, the refusal) is right.
    double heldOutKind = -1;    ///< Share of the held-out slices whose kind (CT, MRI, radiograph) the class head tells right; -1: not tried.
    double heldOutPlane = -1;   ///< Share of those of CT and MRI whose plane it tells right.
    int picturesReady = 0;      ///< While all parts learn at once: pictures so far,
    double waitedShare = 0;     ///< and the share of the time in which conversations were waited for.
};

/// Trains a small VILA-1.5-layout model from nothing on phantoms and composed conversations; writes a checkpoint now and then and at the end, the loss
/// of each step as training.csv and training.svg, and, until the run is over, what it needs to go on after it was killed (training.safetensors).
/// @throws Error, Cancelled (the last checkpoint stays).
void trainDemoModel(const TrainOptions& options, const std::function<void(const TrainReport&)>& onReport, const Progress& progress, std::stop_token stop);

} // namespace hf::assistant::train
