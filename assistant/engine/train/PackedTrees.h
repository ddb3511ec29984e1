#pragma once

#include "assistant/engine/train/Samples.h"

#include <cstdint>
#include <vector>

namespace hf::assistant::train {

/// Where the rows of trees lie in one matrix: of each tree the beginning, then its branches in groups of nearly the same length, padded to the longest of
/// each. Branches of one tree differ several times in length; side by side, padded to one length, most of their rows would be padding.
struct PackedLayout {
    struct Group { std::int64_t first, count, width; };
    struct Tree {
        Group beginning;                ///< Of one branch.
        std::vector<Group> groups;
    };
    std::vector<Tree> trees;
    std::int64_t rows = 0;              ///< A multiple of 64, so that products of few different sizes are prepared; the last rows may be padding.
};

/// Trees as the CPU learns from them: SampleTree without most of its padding.
struct PackedTrees {
    torch::Tensor ids;              ///< [R] int64, 0 where a picture's row or padding is.
    torch::Tensor positions;        ///< [R] fp32: places in their conversation.
    torch::Tensor pixels;           ///< [n, 3, S, S] fp32
    torch::Tensor imageRows;        ///< [.] int64, places of pictures' rows in R.
    torch::Tensor from;             ///< [N] int64, places in R whose next token is learned.
    torch::Tensor targets;          ///< [N] int64
    std::vector<std::pair<int, int>> answers;   ///< Of each learned token: branch, answer.
    int branches = 0;
    PackedLayout layout;
};

/// @param trees  of each the samples, as makeTree() takes them.
PackedTrees packTrees(std::span<const std::vector<Sample>> trees, int tokensPerImage, const PreprocessorConfig& preprocessor);

/// Logits of the learned tokens [N, V] in fp32, for training on a CPU: forward() of trees with layers whose backward pass is written by hand, in few passes over memory.
/// @param bf16  matrix products take and give bf16; attention, sums and what lies between stay fp32. Gradients of what is not learned are not computed
/// for the vision tower; the language model's matrices have no adapters.
torch::Tensor forward(VilaNetworks& networks, const PackedTrees& trees, bool bf16);

} // namespace hf::assistant::train
