#pragma once

#include "assistant/engine/Tokenizer.h"
#include "assistant/engine/VilaNetworks.h"
#include "assistant/engine/train/Conversations.h"

#include <span>
#include <vector>

namespace hf::assistant::train {

/// Ids of a conversation and which of them are learned.
struct Sample {
    static constexpr TokenId kImage = -200;     ///< Stands for all rows of a picture.
    std::vector<TokenId> ids;
    std::vector<int> answerOf;                  ///< Number of the answer that a learned token belongs to, else -1.
    std::vector<Picture> pictures;
};

/// Tokenises as the program does at run time: prompts and answers apart, pictures apart, BOS kept once in front (reference 3.2).
class SampleMaker {
public:
    /// One for each thread: it remembers the tokens of the last text before a picture, which the next conversation often shares.
    explicit SampleMaker(const Tokenizer& tokenizer) : m_tokenizer(tokenizer), m_prefix(tokenizer.encode("").size()) {}
    /// @param answers  what follows this many answers is left out.
    Sample make(const Conversation& conversation, int answers) const;

private:
    void addPrompt(Sample& sample, const std::string& text) const;
    void add(Sample& sample, const std::string& text, int answer) const;
    const Tokenizer& m_tokenizer;
    std::size_t m_prefix;
    mutable std::string m_lastText;
    mutable std::vector<TokenId> m_lastIds;
};

/// A conversation as a checkpoint's tokenizer sees it in training: the text between two pictures is tokenised as a whole, and learned are the tokens that
/// hold any of an answer or of the stop token after it (reference 3.2, 7.1). Pictures are the caller's.
/// @param bos  the token that is kept once in front.
Sample sampleOf(const Tokenizer& tokenizer, TokenId bos, const TrainingText& text);

/// How many ids all samples begin with; the row before the first learned token is never among them, as something is learned from it.
std::size_t sharedLength(std::span<const Sample> samples);

/// Samples that begin alike, as tensors: P rows that all share, then K branches of L rows, right side padded. Cards and picture are most of a
/// prompt, and are computed once for all the questions about them.
struct SampleTree {
    torch::Tensor beginning;        ///< [1, P] int64, 0 where a picture's row is.
    torch::Tensor branches;         ///< [K, L] int64, 0 where a picture's row or padding is.
    torch::Tensor pixels;           ///< [n, 3, S, S] fp32, those of the beginning first.
    torch::Tensor beginningRows;    ///< [.] int64, places of pictures' rows in P.
    torch::Tensor branchRows;       ///< [.] int64, places of pictures' rows in K * L.
    torch::Tensor from;             ///< [N] int64, places in K * L whose next token is learned.
    torch::Tensor targets;          ///< [N] int64
    std::vector<std::pair<int, int>> answers;   ///< Of each learned token: branch, answer.
};

/// @param samples  at least one; their beginnings that are the same word by word are shared. Samples whose pictures differ must differ in text
/// before.
SampleTree makeTree(std::span<const Sample> samples, int tokensPerImage, const PreprocessorConfig& preprocessor);

/// Logits of the learned tokens [N, V].
torch::Tensor forward(VilaNetworks& networks, const SampleTree& tree);

/// Trees side by side, right side padded: what keeps a GPU busy.
struct SampleForest {
    torch::Tensor beginnings;       ///< [B, P] int64, 0 where a picture's row or padding is.
    torch::Tensor lengths;          ///< [B] int64: rows of each beginning.
    torch::Tensor branches;         ///< [B * K, L] int64, 0 where a picture's row or padding is.
    torch::Tensor pictures;         ///< [n, S, S, 3] uint8, those of the beginnings first.
    torch::Tensor beginningRows;    ///< [.] int64, places of pictures' rows in B * P.
    torch::Tensor branchRows;       ///< [.] int64, places of pictures' rows in B * K * L.
    torch::Tensor from;             ///< [N] int64, places in B * K * L whose next token is learned.
    torch::Tensor targets;          ///< [N] int64
    std::vector<std::pair<int, int>> answers;   ///< Of each learned token: branch, answer.
    /// To a GPU through pinned memory, without waiting.
    void to(torch::Device device);
};

/// @param trees  of each the samples, as makeTree() takes them and as many of each. @param multiple  P and L are multiples of it.
SampleForest makeForest(std::span<const std::vector<Sample>> trees, int tokensPerImage, int imageSize, int multiple = 1);

/// Logits of the learned tokens [N, V]. @param pixels  [n, 3, S, S] that are seen instead of the forest's pictures; may be undefined.
torch::Tensor forward(VilaNetworks& networks, const SampleForest& forest, const torch::Tensor& pixels = {});

/// 8-bit pictures [n, S, S, 3] on any device -> [n, 3, S, S] fp32 there, as pixelTensor() within rounding.
torch::Tensor normalised(const torch::Tensor& pictures, const PreprocessorConfig& config);

/// Samples side by side, right side padded.
struct SampleBatch {
    torch::Tensor ids;              ///< [B, T] int64, 0 where a picture's row or padding is.
    torch::Tensor pixels;           ///< [n, 3, S, S] fp32; n may be 0.
    torch::Tensor imageRows;        ///< [.] int64, places of pictures' rows in B * T.
    torch::Tensor from;             ///< [N] int64, places in B * T whose next token is learned.
    torch::Tensor targets;          ///< [N] int64
    std::int64_t rows = 0;          ///< Without padding.
    int cut = 0;                    ///< Samples that lost their end.
    void to(torch::Device device);
};

/// @param samples  with the pictures of their markers. @param maxRows  what lies behind is cut off (reference 3.5), a picture as a whole; 0: no limit.
SampleBatch makeBatch(std::span<const Sample> samples, int tokensPerImage, const PreprocessorConfig& preprocessor, std::int64_t maxRows);

/// Logits of the learned tokens [N, V].
torch::Tensor forward(VilaNetworks& networks, const SampleBatch& batch);

} // namespace hf::assistant::train
