#pragma once

#include <cstdint>
#include <vector>

namespace hf::assistant {

/// A weight matrix as one step of generation reads it: once, from beginning to end. No torch, no ownership.
///
/// Fp32, Bf16, Fp16: rows one after the other, as a checkpoint stores them.
/// Int8, Int4: blocks of 16 rows; within a block, groups of 32 columns; a group holds, for each 4 columns, the 16 rows' 4 values side by
/// side (int8: 64 bytes; int4: 32 bytes, columns 0 to 15 of the group in the low halves, 16 to 31 in the high ones). Values are unsigned,
/// 128 or 8 stands for zero. `scales` holds, for each block and group, the 16 rows' factors as fp16.
/// Rows are padded to blocks, columns to groups, with zero factors.
struct WeightView {
    enum class Type { Fp32, Fp16, Bf16, Int8, Int4 };
    Type type = Type::Fp32;
    std::int64_t rows = 0, columns = 0;
    const void* data = nullptr;
    const std::uint16_t* scales = nullptr;

    static constexpr int kBlockRows = 16, kGroup = 32;
    std::int64_t blocks() const { return (rows + kBlockRows - 1) / kBlockRows; }
    std::int64_t groups() const { return (columns + kGroup - 1) / kGroup; }
    bool isQuantised() const { return type == Type::Int8 || type == Type::Int4; }
    /// Bytes of one block of 16 rows in `data`.
    std::int64_t blockBytes() const;
    /// All bytes that one step reads.
    std::int64_t bytes() const;
};

/// A vector to multiply with, in the forms that the kernels take. For quantised weights it is rounded to int8 with a factor for each
/// 32 values, so that products are made of integers.
class InputVector {
public:
    void set(const float* values, std::int64_t count, bool quantised);
    const float* values() const { return m_values; }
    const std::int8_t* bytes() const { return m_bytes.data(); }
    const float* factors() const { return m_factors.data(); }   ///< of each group
    const std::int32_t* sums() const { return m_sums.data(); }  ///< of each group's bytes

private:
    const float* m_values = nullptr;
    std::vector<std::int8_t> m_bytes;
    std::vector<float> m_factors;
    std::vector<std::int32_t> m_sums;
};

/// What the processor can do; found at run time. `Plain` is written without intrinsics and is the oracle of the others.
enum class MatVecKind { Plain, Avx2, Avx512 };
bool isSupported(MatVecKind kind);
MatVecKind bestMatVec();
const char* nameOf(MatVecKind kind);

/// y[n] = sum over k of W[n, k] x[k] for the blocks [firstBlock, endBlock) of 16 rows; y is the whole result, [rows].
void multiplyBlocks(const WeightView& weights, const InputVector& x, float* y, std::int64_t firstBlock, std::int64_t endBlock,
                    MatVecKind kind = bestMatVec());

/// y[k] = sum over n of p[n] W[n, k], for Fp32, Fp16 and Bf16; y is [columns].
void sumRows(const WeightView& weights, const float* p, float* y, MatVecKind kind = bestMatVec());

/// Reads every byte once, as fast as a thread can; a sum, so that nothing is left out. `count` is a multiple of 256.
/// @param ahead  with hints of what comes next: which way is faster depends on the processor.
std::uint64_t readAll(const char* bytes, std::int64_t count, bool ahead, MatVecKind kind = bestMatVec());

/// The value at place `at` of an Fp32, Fp16 or Bf16 matrix.
float valueAt(const WeightView& weights, std::int64_t at);

float floatOfHalf(std::uint16_t bits);
std::uint16_t halfOfFloat(float value);

/// Rounds a matrix [rows, columns] of fp32 to int8 or int4 in the layout above. The factor of each group of 32 is the one of a few
/// candidates with the least squared error. `data` has blocks() * blockBytes() bytes, `scales` blocks() * groups() * 16 entries.
/// Only `blocks` blocks from `firstBlock` on are written; `values` begins with the first of them.
void quantiseBlocks(const WeightView& target, const float* values, std::uint8_t* data, std::uint16_t* scales, std::int64_t firstBlock, std::int64_t blocks);

} // namespace hf::assistant
