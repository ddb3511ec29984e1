#include "assistant/engine/RowPackedWeight.h"

#include "assistant/engine/CudaPlugin.h"

#include <algorithm>
#include <limits>

namespace hf::assistant {

namespace {

constexpr std::int64_t kGroup = WeightView::kGroup, kHalf = kGroup / 2;

/// The factor of each group [.., 32] with the least squared error among a few around the one that just reaches the largest value, fp32 [.., 1].
torch::Tensor bestFactors(const torch::Tensor& groups, double least, double most)
{
    const torch::Tensor largest = groups.gather(-1, groups.abs().argmax(-1, true));
    // int8 is fine enough as it is.
    const int steps = least < -8 ? 0 : 4;
    torch::Tensor best = at::zeros_like(largest), bestError = at::full_like(largest, std::numeric_limits<float>::infinity());
    for (int step = -steps; step <= steps; ++step) {
        const torch::Tensor factor = (largest / float(least - 0.15F * float(step))).to(at::kHalf).to(at::kFloat);
        const torch::Tensor error = (groups - (groups * factor.reciprocal()).round().clamp(least, most) * factor).square().sum(-1, true);
        // Not where the factor is zero or infinite: the error is no number there.
        const torch::Tensor isBetter = (error < bestError).logical_and(factor != 0).logical_and(factor.isfinite());
        best = at::where(isBetter, factor, best);
        bestError = at::where(isBetter, error, bestError);
    }
    return best;
}

} // namespace

RowPackedWeight RowPackedWeight::of(const torch::Tensor& weight, WeightView::Type type)
{
    constexpr std::int64_t kValuesAtOnce = 1 << 25;
    const bool isInt4 = type == WeightView::Type::Int4;
    const std::int64_t rows = weight.size(0), columns = weight.size(1), count = (columns + kGroup - 1) / kGroup;
    const double zero = isInt4 ? 8 : 128;
    const auto bytes = weight.options().dtype(at::kByte).requires_grad(false);
    RowPackedWeight packed{type, rows, columns, at::empty({rows, count * (isInt4 ? kHalf : kGroup)}, bytes), at::empty({rows, count}, bytes.dtype(at::kHalf))};
    const std::int64_t part = std::max<std::int64_t>(1, kValuesAtOnce / (count * kGroup));
    for (std::int64_t first = 0; first < rows; first += part) {
        const std::int64_t size = std::min(part, rows - first);
        const torch::Tensor groups = at::constant_pad_nd(weight.narrow(0, first, size).to(at::kFloat), {0, count * kGroup - columns}).view({size, count, kGroup});
        const torch::Tensor factors = bestFactors(groups, -zero, zero - 1);
        const torch::Tensor inverse = at::where(factors != 0, factors.reciprocal(), factors);
        torch::Tensor values = ((groups * inverse).round().clamp(-zero, zero - 1) + zero).to(at::kByte);
        if (isInt4) {
            values = values.narrow(2, 0, kHalf) + values.narrow(2, kHalf, kHalf) * 16;
        }
        packed.data.narrow(0, first, size).copy_(values.reshape({size, -1}));
        packed.scales.narrow(0, first, size).copy_(factors.squeeze(-1));
    }
    return packed;
}

RowPackedWeight RowPackedWeight::of(const PackedWeight& packed, torch::Device device)
{
    const WeightView view = packed.view();
    const std::int64_t fours = packed.type == WeightView::Type::Int4 ? kHalf / 4 : kGroup / 4;
    // [block, group, four columns, row, column in four] -> rows first.
    const torch::Tensor data = packed.data.to(device).view({view.blocks(), view.groups(), fours, WeightView::kBlockRows, 4}).permute({0, 3, 1, 2, 4});
    const torch::Tensor scales = packed.scales.to(device).permute({0, 2, 1});
    return {packed.type, packed.rows, packed.columns, data.reshape({-1, view.groups() * fours * 4}).narrow(0, 0, packed.rows).contiguous(),
        scales.reshape({-1, view.groups()}).narrow(0, 0, packed.rows).contiguous()};
}

torch::Tensor RowPackedWeight::dense(torch::ScalarType wanted) const
{
    if (const auto unpacked = unpackedByPlugin(*this, wanted)) {
        return *unpacked;
    }
    const std::int64_t count = scales.size(1);
    torch::Tensor values = data.view({rows, count, -1});
    if (type == WeightView::Type::Int4) {
        values = at::cat({values.bitwise_and(15), values.bitwise_right_shift(4)}, 2);
    }
    const double zero = type == WeightView::Type::Int4 ? 8 : 128;
    return ((values.to(at::kFloat) - zero) * scales.to(at::kFloat).unsqueeze(-1)).view({rows, -1}).narrow(1, 0, columns).to(wanted).contiguous();
}

} // namespace hf::assistant
