#pragma once

#include "assistant/engine/train/Trainer.h"

#include <torch/types.h>

namespace hf::assistant::train {

/// Trains all parts of the demo model at the same time, in large batches: the way for a GPU (TrainOptions::isTogether). Each step learns from questions
/// about some pictures and, with a class head that is thrown away, from many more pictures alone. Conversations and pictures are made on other threads
/// ahead of time; the device varies the pictures that are only looked at. Ends by the clock; a run that was killed begins anew from its last checkpoint.
/// @throws Error, Cancelled (the last checkpoint stays).
void trainTogether(const TrainOptions& options, const std::function<void(const TrainReport&)>& onReport, const Progress& progress, std::stop_token stop);

/// AdamW for tensors of one device in few operations, with the gradient cut to a length. A step with a gradient that is not finite is left out.
class FusedAdamW {
public:
    struct Group {
        std::vector<torch::Tensor> parameters;
        double rate = 1;        ///< Times the step's.
        double decay = 0;
    };
    explicit FusedAdamW(std::vector<Group> groups);
    void forgetGradients();
    void step(double rate, double longestGradient);

private:
    struct State { std::vector<torch::Tensor> means, squares, steps; };
    std::vector<Group> m_groups;
    std::vector<State> m_states;
};

} // namespace hf::assistant::train
