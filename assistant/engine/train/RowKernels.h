#pragma once

#include <cstdint>

namespace hf::assistant::train {

/// What a layer does between its matrix products, forward and backward, on rows [first, last) of matrices that lie row by row. Torch-free; everything
/// inside is fp32. `T`, what matrix products take and give: float, or std::uint16_t for bf16, rounded to nearest even.

/// h = x / sqrt(mean(x^2) + eps) * weight; `scales` gets the factor of each row.
template <typename T> void normRows(const float* x, const float* weight, double eps, std::int64_t width, std::int64_t first, std::int64_t last, T* h, float* scales);
/// y = x + d.
template <typename T> void addRows(const float* x, const T* d, std::int64_t width, std::int64_t first, std::int64_t last, float* y);
/// dx += what dh gives back through normRows(); dweight += its share.
template <typename T>
void normRowsBack(const T* dh, const float* x, const float* weight, const float* scales, std::int64_t width, std::int64_t first, std::int64_t last, float* dx, float* dweight);
/// m = silu(gate) * up; a row of `gateUp` has `width` of the one, then of the other.
template <typename T> void gateRows(const T* gateUp, std::int64_t width, std::int64_t first, std::int64_t last, T* m);
template <typename T> void gateRowsBack(const T* gateUp, const T* dm, std::int64_t width, std::int64_t first, std::int64_t last, T* dgateUp);
/// Turns heads of `dim` by the angles of their rows, cosine and sine [rows, dim] of which both halves are alike; those that are not turned are copied.
/// @param sign  -1 turns back. @param strideIn, strideOut  values from row to row.
template <typename In, typename Out>
void turnRows(const In* in, std::int64_t strideIn, const float* cosine, const float* sine, float sign, std::int64_t heads, std::int64_t turned, std::int64_t dim, std::int64_t first, std::int64_t last, Out* out, std::int64_t strideOut);
/// Rows of scores in two parts, `before` [.., past] and `own` [.., width], of which row r sees all of the first and columns 0 to r % width of the second,
/// become shares (softmax of scale * score). What is not seen becomes 0.
void softmaxRows(float* before, std::int64_t past, float* own, std::int64_t width, float scale, std::int64_t first, std::int64_t last);
/// Shares and what is given back to them -> in place what is given back to the scores.
void softmaxRowsBack(const float* before, float* dbefore, std::int64_t past, const float* own, float* down, std::int64_t width, float scale, std::int64_t first, std::int64_t last);

} // namespace hf::assistant::train
