#include "assistant/engine/PackedWeight.h"

#include "assistant/engine/MatMul.h"
#include "assistant/engine/Quantisation.h"
#include "viewer/volume/Error.h"

namespace hf::assistant {

PackedWeight PackedWeight::of(const torch::Tensor& weight, WeightView::Type type)
{
    const torch::Tensor source = weight.to(at::kCPU, weight.scalar_type() == at::kDouble ? at::kFloat : weight.scalar_type()).contiguous();
    PackedWeight packed{type, source.size(0), source.size(1), {}, {}};
    const WeightView target{type, packed.rows, packed.columns, nullptr, nullptr};
    packed.data = at::empty({target.blocks(), target.blockBytes()}, at::kByte);
    packed.scales = at::empty({target.blocks(), target.groups(), WeightView::kBlockRows}, at::kHalf);
    quantiseMatrix(viewOf(source), target, packed.data.data_ptr<std::uint8_t>(), reinterpret_cast<std::uint16_t*>(packed.scales.data_ptr<at::Half>()));
    return packed;
}

WeightView PackedWeight::view() const
{
    return {type, rows, columns, data.data_ptr(), static_cast<const std::uint16_t*>(scales.data_ptr())};
}

torch::Tensor PackedWeight::dense(torch::ScalarType wanted) const
{
    const bool half = wanted == at::kBFloat16;
    torch::Tensor values = at::empty({rows, columns}, half ? at::kBFloat16 : at::kFloat);
    if (half) {
        dequantiseMatrix(view(), static_cast<std::uint16_t*>(values.data_ptr()));
    } else {
        dequantiseMatrix(view(), values.data_ptr<float>());
    }
    return values.to(wanted);
}

torch::Tensor PackedWeight::product(const torch::Tensor& x) const
{
    const torch::Tensor input = x.reshape({-1, columns}).to(x.scalar_type() == at::kBFloat16 ? at::kBFloat16 : at::kFloat).contiguous();
    std::vector<std::int64_t> sizes = x.sizes().vec();
    sizes.back() = rows;
    const torch::Tensor y = at::empty(sizes, input.options());
    multiplyRows(view(), viewOf(input), y.data_ptr());
    return y.to(x.scalar_type());
}

std::optional<WeightView::Type> quantisationOf(const std::string& word)
{
    if (word.empty() || word == "none") {
        return std::nullopt;
    }
    if (word == "int8") {
        return WeightView::Type::Int8;
    }
    if (word == "int4") {
        return WeightView::Type::Int4;
    }
    throw Error("unknown quantisation '" + word + "' (known: none, int8, int4)", "arguments");
}

WeightView viewOf(const torch::Tensor& matrix)
{
    const auto type = matrix.scalar_type();
    HF_ASSERT(matrix.dim() == 2 && matrix.is_contiguous() && matrix.is_cpu() && (type == at::kFloat || type == at::kHalf || type == at::kBFloat16));
    return {type == at::kFloat ? WeightView::Type::Fp32 : type == at::kHalf ? WeightView::Type::Fp16 : WeightView::Type::Bf16, matrix.size(0), matrix.size(1),
        matrix.data_ptr(), nullptr};
}

} // namespace hf::assistant
