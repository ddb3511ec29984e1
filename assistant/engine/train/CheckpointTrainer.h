#pragma once

#include "assistant/engine/train/Tuning.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace hf::assistant::train {

/// Whether a device multiplies bf16 faster than fp32: GPUs, and processors that have instructions for it (others take ten times as long).
bool hasFastBf16(const std::string& device);

/// How a checkpoint is trained further. What is not said otherwise is as published (reference vila-m3.md 7.1).
struct TuneOptions {
    std::filesystem::path model;            ///< The checkpoint to begin with, which stays as it is.
    std::filesystem::path output;           ///< The new checkpoint's folder; made when missing.
    std::vector<std::pair<std::filesystem::path, double>> data;     ///< Files in the published form with their weights in the mixture.
    std::vector<std::filesystem::path> validation;                  ///< Such files that are only tried.
    double heldPart = 0.02;                 ///< Without `validation`: the share of patients (or pictures) in `data` that is only tried.
    int validationLimit = 200;              ///< Conversations that are tried at most.
    Stage stage = Stage::Expert;
    std::optional<TunedParts> parts;        ///< Other parts than the stage's.
    std::optional<LoraOptions> lora;
    std::string conversation;               ///< The template; empty: "plain" for the first stage of a checkpoint of vicuna_v1, as published, else the checkpoint's.
    int steps = 0;                          ///< Of the optimizer; 0: as many as `epochs` passes take.
    double epochs = 1;
    int batch = 4;                          ///< Conversations that are computed at once,
    int accumulate = 1;                     ///< and how many of such batches make a step.
    double rate = 0;                        ///< 0: the stage's.
    double warmup = 0.03;                   ///< Share of the steps in which the rate rises; then it falls as a cosine.
    double weightDecay = 0;                 ///< Of matrices.
    double clip = 1;                        ///< The longest gradient.
    bool bf16 = true;                       ///< Multiplications in bf16; what is learned stays fp32.
    bool checkpointing = false;             ///< Inner values of layers are computed again instead of kept.
    std::string device = "cpu";             ///< "cpu" or "cuda:N"
    std::uint32_t seed = 1;
    int saveEvery = 200, validateEvery = 200;   ///< Steps.
    bool resume = false;                    ///< Goes on where a run of the same settings was killed, if there was one. Without it such a run is not begun over.
};

struct TuneReport {
    int step = 0, steps = 0;
    double loss = 0;                ///< Mean since the last report, nats a learned token.
    double rate = 0;
    double samplesPerSecond = 0, tokensPerSecond = 0;   ///< Of this part of the run; tokens are rows, pictures' too.
    double secondsLeft = 0;
    double validationLoss = -1;     ///< -1: not tried now.
    int cut = 0;                    ///< Conversations so far that were longer than the model takes and lost their end.
};

struct TuneSummary {
    TunedParts parts;
    std::size_t learned = 0, all = 0;       ///< Weights.
    std::int64_t conversations = 0;         ///< In a pass.
    std::size_t tried = 0;
    int steps = 0;
    double rate = 0;
};

/// Trains a VILA-1.5 checkpoint on conversations: the loss is that of the answers' tokens and their stop tokens, the mean over all of a step. Writes the
/// checkpoint at the end, training.csv and training.svg as it goes, and training.safetensors, with which a killed run goes on.
/// @param onStart  may be empty. @return the last report. @throws Error, Cancelled (the run can go on).
TuneReport trainCheckpoint(const TuneOptions& options, const std::function<void(const TuneSummary&)>& onStart, const std::function<void(const TuneReport&)>& onReport, std::stop_token stop);

} // namespace hf::assistant::train
