#include "assistant/engine/Llama.h"
#include "assistant/engine/MatMul.h"
#include "assistant/engine/Quantisation.h"
#include "support/Check.h"

#include <torch/utils.h>

#include <cmath>
#include <random>

using namespace hf::assistant;
using Type = WeightView::Type;

namespace {

std::vector<float> randomValues(std::size_t count, unsigned seed)
{
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values) {
        value = normal(random);
    }
    return values;
}

/// A matrix in some form, with what it holds as fp32.
struct Matrix {
    WeightView view;
    std::vector<std::uint8_t> data;
    std::vector<std::uint16_t> scales;
    std::vector<float> values;

    Matrix(Type type, std::int64_t rows, std::int64_t columns, unsigned seed) : view{type, rows, columns, nullptr, nullptr}
    {
        values = randomValues(std::size_t(rows * columns), seed);
        if (view.isQuantised()) {
            data.resize(std::size_t(view.blocks() * view.blockBytes()));
            scales.resize(std::size_t(view.blocks() * view.groups() * WeightView::kBlockRows));
            const WeightView source{Type::Fp32, rows, columns, values.data(), nullptr};
            quantiseMatrix(source, view, data.data(), scales.data());
        } else {
            const auto dtype = type == Type::Fp32 ? at::kFloat : type == Type::Fp16 ? at::kHalf : at::kBFloat16;
            const at::Tensor stored = at::from_blob(values.data(), {rows, columns}).to(dtype).contiguous();
            const auto* bytes = static_cast<const std::uint8_t*>(stored.data_ptr());
            data.assign(bytes, bytes + stored.nbytes());
            const at::Tensor back = stored.to(at::kFloat);
            values.assign(back.data_ptr<float>(), back.data_ptr<float>() + back.numel());
        }
        view.data = data.data();
        view.scales = scales.data();
    }
};

double relativeError(const std::vector<float>& found, const std::vector<double>& wanted)
{
    double error = 0, size = 0;
    for (std::size_t n = 0; n < wanted.size(); ++n) {
        error += (found[n] - wanted[n]) * (found[n] - wanted[n]);
        size += wanted[n] * wanted[n];
    }
    return std::sqrt(error / size);
}

std::vector<double> product(const std::vector<float>& matrix, const std::vector<float>& x, std::int64_t rows)
{
    std::vector<double> result(std::size_t(rows), 0.0);
    for (std::size_t n = 0; n < result.size(); ++n) {
        for (std::size_t k = 0; k < x.size(); ++k) {
            result[n] += double(matrix[n * x.size() + k]) * x[k];
        }
    }
    return result;
}

std::vector<MatVecKind> fastKinds()
{
    std::vector<MatVecKind> kinds;
    for (const MatVecKind kind : {MatVecKind::Avx2, MatVecKind::Avx512}) {
        if (isSupported(kind)) {
            kinds.push_back(kind);
        }
    }
    return kinds;
}

const Type kTypes[] = {Type::Fp32, Type::Fp16, Type::Bf16, Type::Int8, Type::Int4};

LlamaConfig smallConfig()
{
    LlamaConfig config;
    config.hiddenSize = 96;
    config.intermediateSize = 136;
    config.layers = 2;
    config.heads = 6;
    config.keyValueHeads = 2;
    config.headDim = 16;
    config.vocabSize = 101;
    config.ropeTheta = 10000;
    return config;
}

} // namespace

HF_TEST(products_are_those_of_doubles)
{
    // Sizes that fill no block and no group, and ones that do.
    for (const auto& [rows, columns] : {std::pair<std::int64_t, std::int64_t>{37, 77}, {64, 128}, {16, 32}, {1, 5}}) {
        const std::vector<float> x = randomValues(std::size_t(columns), 7);
        for (const Type type : kTypes) {
            const Matrix matrix(type, rows, columns, 3);
            InputVector input;
            input.set(x.data(), columns, matrix.view.isQuantised());
            std::vector<float> plain(std::size_t(rows), NAN);
            multiplyBlocks(matrix.view, input, plain.data(), 0, matrix.view.blocks(), MatVecKind::Plain);
            const std::vector<double> wanted = product(matrix.values, x, rows);
            const double limit = type == Type::Int4 ? 0.16 : type == Type::Int8 ? 0.02 : 1e-5;
            HF_CHECK(relativeError(plain, wanted) < limit);
            for (const MatVecKind kind : fastKinds()) {
                std::vector<float> fast(std::size_t(rows), NAN);
                multiplyBlocks(matrix.view, input, fast.data(), 0, matrix.view.blocks(), kind);
                HF_CHECK(relativeError(fast, wanted) < limit);
                HF_CHECK(relativeError(fast, std::vector<double>(plain.begin(), plain.end())) < 1e-5);
            }
        }
    }
    for (const MatVecKind kind : {MatVecKind::Avx2, MatVecKind::Avx512}) {
        std::printf("%s: %s\n", nameOf(kind), isSupported(kind) ? "tried" : "skipped, this processor has none");
    }
}

HF_TEST(many_rows_give_what_each_gives)
{
    // Rows that fill no tile, matrices that fill no panel.
    for (const auto& [rows, columns] : {std::pair<std::int64_t, std::int64_t>{37, 77}, {64, 128}, {1, 5}}) {
        for (const std::int64_t count : {1, 6, 13}) {
            const std::vector<float> x = randomValues(std::size_t(count * columns), 7);
            for (const Type type : {Type::Int8, Type::Int4}) {
                const Matrix matrix(type, rows, columns, 3);
                std::vector<double> wanted;
                for (std::int64_t row = 0; row < count; ++row) {
                    InputVector input;
                    input.set(x.data() + row * columns, columns, true);
                    std::vector<float> one(std::size_t(rows), NAN);
                    multiplyBlocks(matrix.view, input, one.data(), 0, matrix.view.blocks(), MatVecKind::Plain);
                    wanted.insert(wanted.end(), one.begin(), one.end());
                }
                for (const MatVecKind kind : {MatVecKind::Plain, MatVecKind::Avx2, MatVecKind::Avx512}) {
                    if (isSupported(kind)) {
                        std::vector<float> y(wanted.size(), NAN);
                        multiplyRows(matrix.view, {Type::Fp32, count, columns, x.data(), nullptr}, y.data(), kind);
                        HF_CHECK(relativeError(y, wanted) < 1e-5);
                    }
                }
            }
        }
    }
}

HF_TEST(products_of_packed_weights_are_near_those_of_their_numbers)
{
    torch::manual_seed(2);
    const torch::Tensor weight = torch::randn({70, 200}), x = torch::randn({2, 9, 200});
    for (const Type type : {Type::Int8, Type::Int4}) {
        const PackedWeight packed = PackedWeight::of(weight, type);
        for (const auto dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
            const torch::Tensor input = x.to(dtype), wanted = at::linear(input.to(at::kFloat), packed.dense(at::kFloat));
            const torch::Tensor found = packed.product(input);
            HF_CHECK(found.scalar_type() == dtype && found.sizes() == wanted.sizes());
            const double error = (found.to(at::kFloat) - wanted).norm().item<double>() / wanted.norm().item<double>();
            std::printf("%s, %s: products differ by %.4f of their size\n", type == Type::Int8 ? "int8" : "int4", c10::toString(dtype), error);
            // Steps of the largest of 32 values / 127, about 2.2 sigma / 127, over the square root of 12.
            HF_CHECK(error < 0.008);
        }
    }
}

HF_TEST(blocks_outside_the_range_are_not_touched)
{
    const Matrix matrix(Type::Int4, 64, 64, 5);
    const std::vector<float> x = randomValues(64, 1);
    InputVector input;
    input.set(x.data(), 64, true);
    std::vector<float> y(64, 42.0F);
    multiplyBlocks(matrix.view, input, y.data(), 1, 2);
    HF_CHECK_EQUAL(y[15], 42.0F);
    HF_CHECK(y[16] != 42.0F && y[31] != 42.0F);
    HF_CHECK_EQUAL(y[32], 42.0F);
}

HF_TEST(rounded_weights_come_back_near)
{
    for (const Type type : {Type::Int8, Type::Int4}) {
        const Matrix matrix(type, 50, 70, 9);
        std::vector<float> back(matrix.values.size());
        dequantiseMatrix(matrix.view, back.data());
        const double error = relativeError(back, {matrix.values.begin(), matrix.values.end()});
        std::printf("%s: weights differ by %.4f of their size\n", type == Type::Int8 ? "int8" : "int4", error);
        // Uniform steps over +-4 sigma of a normal distribution: about step / sqrt(12).
        HF_CHECK(error < (type == Type::Int8 ? 0.01 : 0.11));
        const at::Tensor same = at::from_blob(back.data(), {std::int64_t(back.size())}).to(at::kBFloat16);
        for (const MatVecKind kind : {MatVecKind::Plain, MatVecKind::Avx2, MatVecKind::Avx512}) {
            if (isSupported(kind)) {
                std::vector<std::uint16_t> halves(back.size());
                dequantiseMatrix(matrix.view, halves.data(), kind);
                HF_CHECK(std::equal(halves.begin(), halves.end(), static_cast<const std::uint16_t*>(same.data_ptr())));
            }
        }
    }
}

HF_TEST(rows_of_packed_weights_hold_the_same_numbers)
{
    // As a GPU reads them; the operations are the same on every device.
    torch::manual_seed(3);
    for (const auto& [rows, columns] : {std::pair<std::int64_t, std::int64_t>{37, 77}, {64, 128}, {1, 5}}) {
        const torch::Tensor weight = torch::randn({rows, columns}) * 0.02;
        weight[0].zero_();
        for (const Type type : {Type::Int8, Type::Int4}) {
            const PackedWeight blocks = PackedWeight::of(weight, type);
            const torch::Tensor wanted = blocks.dense(at::kFloat);
            const RowPackedWeight same = RowPackedWeight::of(blocks, at::kCPU);
            HF_CHECK(same.dense(at::kFloat).equal(wanted));
            HF_CHECK_EQUAL(same.scales.size(1), (columns + 31) / 32);
            HF_CHECK_EQUAL(same.data.size(1), (columns + 31) / 32 * (type == Type::Int4 ? 16 : 32));
            // Sums in another order may prefer another of two factors that are equally good.
            const torch::Tensor own = RowPackedWeight::of(weight, type).dense(at::kFloat);
            const double differing = (own != wanted).to(at::kFloat).mean().item<double>();
            std::printf("%s %ld x %ld: %.4f of the values differ from those of the blocks\n", type == Type::Int8 ? "int8" : "int4", long(rows), long(columns), differing);
            HF_CHECK(differing < 0.02);
            HF_CHECK((own - weight).square().sum().item<double>() <= 1.0001 * (wanted - weight).square().sum().item<double>());
        }
    }
}

HF_TEST(halves_are_torchs)
{
    for (const float value : {0.0F, -0.0F, 1.0F, 65504.0F, 65519.0F, 65520.0F, 1e-7F, 6e-8F, 3e-8F, 2.9e-8F, 6.1e-5F, 0.1F, -3.14159F, 1e30F}) {
        const at::Tensor half = at::tensor({value}).to(at::kHalf);
        HF_CHECK_EQUAL(halfOfFloat(value), *static_cast<const std::uint16_t*>(half.data_ptr()));
        HF_CHECK_EQUAL(floatOfHalf(halfOfFloat(value)), half.to(at::kFloat).item<float>());
    }
}

HF_TEST(weighted_sums_of_rows)
{
    for (const auto& [rows, columns] : {std::pair<std::int64_t, std::int64_t>{9, 128}, {33, 72}, {1, 12}}) {
        for (const Type type : {Type::Fp32, Type::Fp16, Type::Bf16}) {
            const Matrix matrix(type, rows, columns, 11);
            const std::vector<float> p = randomValues(std::size_t(rows), 2);
            std::vector<float> plain(std::size_t(columns), NAN);
            sumRows(matrix.view, p.data(), plain.data(), MatVecKind::Plain);
            std::vector<double> wanted(std::size_t(columns), 0.0);
            for (std::int64_t n = 0; n < rows; ++n) {
                for (std::int64_t k = 0; k < columns; ++k) {
                    wanted[std::size_t(k)] += double(p[std::size_t(n)]) * matrix.values[std::size_t(n * columns + k)];
                }
            }
            HF_CHECK(relativeError(plain, wanted) < 1e-5);
            for (const MatVecKind kind : fastKinds()) {
                std::vector<float> fast(std::size_t(columns), NAN);
                sumRows(matrix.view, p.data(), fast.data(), kind);
                HF_CHECK(relativeError(fast, wanted) < 1e-5);
            }
        }
    }
}

HF_TEST(every_form_multiplies_the_largest_numbers)
{
    // Weights and values at the ends of their ranges: sums of products in 16 bits would overflow.
    constexpr std::int64_t kColumns = 64;
    for (const Type type : {Type::Int8, Type::Int4}) {
        for (const float sign : {1.0F, -1.0F}) {
            Matrix matrix(type, 16, kColumns, 3);
            std::vector<float> x(kColumns);
            for (std::int64_t n = 0; n < 16 * kColumns; ++n) {
                const bool isLow = n % 8 < 4;
                matrix.values[std::size_t(n)] = isLow ? -1 : type == Type::Int8 ? 127 / 128.0F : 7 / 8.0F;
                x[std::size_t(n % kColumns)] = isLow ? -sign : sign;
            }
            quantiseBlocks(matrix.view, matrix.values.data(), matrix.data.data(), matrix.scales.data(), 0, 1);
            InputVector input;
            input.set(x.data(), kColumns, true);
            const std::vector<double> wanted = product(matrix.values, x, 16);
            for (const MatVecKind kind : {MatVecKind::Plain, MatVecKind::Avx2, MatVecKind::Avx512}) {
                if (isSupported(kind)) {
                    std::vector<float> y(16, NAN);
                    multiplyBlocks(matrix.view, input, y.data(), 0, 1, kind);
                    HF_CHECK(relativeError(y, wanted) < 1e-3);
                    multiplyRows(matrix.view, {Type::Fp32, 1, kColumns, x.data(), nullptr}, y.data(), kind);
                    HF_CHECK(relativeError(y, wanted) < 1e-3);
                }
            }
        }
    }
}

HF_TEST(sixteen_bit_products_in_fp32)
{
    // Rows that fill no part, and what a bias adds.
    torch::manual_seed(1);
    for (const auto type : {at::kBFloat16, at::kHalf}) {
        const torch::Tensor x = torch::randn({2, 3, 40}).to(type), weight = torch::randn({700, 40}).to(type), bias = torch::randn({700}).to(type);
        for (const torch::Tensor& added : {bias, torch::Tensor()}) {
            const torch::Tensor wanted = at::linear(x.to(at::kDouble), weight.to(at::kDouble), added.defined() ? added.to(at::kDouble) : added);
            const torch::Tensor found = productInFloat(x, weight, added);
            HF_CHECK(found.scalar_type() == type && found.sizes() == wanted.sizes());
            // One rounding to 16 bits.
            HF_CHECK(((found.to(at::kDouble) - wanted).abs() <= wanted.abs() * (type == at::kHalf ? 0.0005 : 0.004) + 1e-3).all().item<bool>());
        }
    }
}

/// One row after the other through the decoder gives what the network gives for all of them.
HF_TEST(the_decoder_is_the_network)
{
    torch::NoGradGuard noGrad;
    for (const auto& [dtype, packed, limit] : {std::tuple{at::kFloat, "none", 2e-5}, {at::kBFloat16, "none", 0.05}, {at::kFloat, "int8", 0.05}, {at::kFloat, "int4", 0.05}}) {
        torch::manual_seed(4);
        Llama llm(smallConfig());
        llm->to(dtype);
        if (const auto type = quantisationOf(packed)) {
            llm->pack(*type, {}, {});
        }
        const torch::Tensor rows = torch::randn({1, 12, 96}).to(dtype);
        const torch::Tensor wanted = llm->logits(llm->forward(rows)[0]);
        KeyValueCache cache = llm->makeCache(16);
        llm->forward(rows.narrow(1, 0, 5), &cache);
        const auto decoder = llm->makeDecoder();
        double worst = 0;
        for (std::int64_t n = 5; n < rows.size(1); ++n) {
            const torch::Tensor row = rows[0][n].to(at::kFloat).contiguous();
            const Rotary angles = llm->rotary(n, 1, 0, row);
            std::vector<DecoderCache> caches;
            for (const auto& layer : cache.layers) {
                caches.push_back({layer.keys.data_ptr(), layer.values.data_ptr()});
            }
            torch::Tensor logits = torch::empty({101});
            decoder->step(row.data_ptr<float>(), angles.cosine.data_ptr<float>(), angles.sine.data_ptr<float>(), n, caches, 16, logits.data_ptr<float>());
            worst = std::max(worst, (logits - wanted[n]).abs().max().item<double>());
        }
        std::printf("%s %s: largest difference %.2e, logits reach %.2f\n", c10::toString(dtype), packed, worst, wanted.abs().max().item<double>());
        HF_CHECK(worst < limit);
    }
}

HF_TEST_MAIN()
