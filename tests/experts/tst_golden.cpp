// Networks on deterministic weights against numbers of the original Python code (experts.md section 9).
#include "experts/engine/neural/ChestXray.h"
#include "experts/engine/neural/NormKernels.h"
#include "experts/engine/neural/SegResNet.h"
#include "experts/engine/neural/UNet.h"
#include "experts/engine/neural/Vista3d.h"
#include "support/Check.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>

using namespace hf;
using namespace hf::experts;

namespace {

/// Builds a network on the hashed weights of its own list of tensors.
template <typename Make> auto onHashedWeights(const Make& make, std::size_t expectedTensors, Compute compute = Compute::exact())
{
    WeightList list;
    make(list);
    HF_CHECK_EQUAL(list.entries().size(), expectedTensors);
    LoadedWeights weights(hashedWeights(list), compute);
    auto network = make(weights);
    weights.finish("the hashed weights");
    return network;
}

double at3(const at::Tensor& x, std::int64_t n, std::int64_t i, std::int64_t j, std::int64_t k) { return x[n][0][i][j][k].item<double>(); }

/// Tolerance 1e-3 of the standard deviation.
void checkMoments(const at::Tensor& x, double mean, double deviation)
{
    HF_CHECK_NEAR(x.mean().item<double>(), mean, 1e-3 * deviation);
    HF_CHECK_NEAR(x.std(true).item<double>(), deviation, 1e-3 * deviation);
}

const Vista3d& vista()
{
    static const Vista3d network = onHashedWeights([](WeightSource& source) { return Vista3d(source); }, 259);
    return network;
}

const at::Tensor& vistaInput()
{
    static const at::Tensor input = hashedInput({1, 1, 32, 32, 32}, 0, 1);
    return input;
}

} // namespace

HF_TEST(the_fill_is_as_written_down)
{
    WeightList list;
    Vista3d{list};
    const runtime::TensorMap weights = hashedWeights(list);
    const float* first = weights.at("class_head.class_embeddings.weight").const_data_ptr<float>();
    HF_CHECK_NEAR(first[0], 0.01159588, 1e-7);
    HF_CHECK_NEAR(first[1], -0.10790376, 1e-7);
    HF_CHECK_NEAR(first[2], -0.07651307, 1e-7);
    const float* convolution = weights.at("image_encoder.encoder.conv_init.weight").const_data_ptr<float>();
    HF_CHECK_NEAR(convolution[0], 0.22154316, 1e-7);
    HF_CHECK_NEAR(convolution[2], -0.04433563, 1e-7);
    std::int64_t parameters = 0;
    for (const auto& [name, tensor] : weights) {
        parameters += name.ends_with("gaussian_matrix") ? 0 : tensor.numel();
    }
    HF_CHECK(std::abs(parameters - 217'964'982) <= 72);     // the matrix is a buffer
    const at::Tensor input = hashedInput({3}, 0, 1);
    HF_CHECK_NEAR(input[0].item<double>(), 0.66198367, 1e-7);
    HF_CHECK_NEAR(input[2].item<double>(), 0.20818186, 1e-7);
}

HF_TEST(vista3d_class_prompts)
{
    const Vista3d::Features features = vista().encode(vistaInput(), true, true);
    HF_CHECK_NEAR(at3(features.points, 0, 0, 0, 0), 0.00196835, 1e-3);
    HF_CHECK_NEAR(features.points[0][47][16][16][16].item<double>(), 1.7347, 2e-3);
    HF_CHECK_NEAR(at3(features.classes, 0, 0, 0, 0), -0.772925, 1e-3);
    HF_CHECK_NEAR(features.classes[0][47][16][16][16].item<double>(), 0.8401, 1e-3);
    const at::Tensor logits = Vista3d::classLogits(vista().mapClasses(features.classes), vista().embeddings({1, 3, 132}));
    HF_CHECK(logits.sizes() == (std::vector<std::int64_t>{3, 1, 32, 32, 32}));
    HF_CHECK_NEAR(at3(logits, 0, 0, 0, 0), 1.50675, 5e-3);
    HF_CHECK_NEAR(at3(logits, 0, 16, 16, 16), -3.24757, 5e-3);
    HF_CHECK_NEAR(at3(logits, 1, 5, 10, 20), -6.59752, 5e-3);
    HF_CHECK_NEAR(at3(logits, 2, 31, 31, 31), 4.21817, 5e-3);
    checkMoments(logits, 0.795631, 4.76744);
}

HF_TEST(vista3d_points)
{
    const at::Tensor features = vista().encode(vistaInput(), true, false).points;
    for (const int classId : {3, -1}) {
        const at::Tensor logits = vista().pointLogits(features, {{{10, 12, 14}, 1}, {{20, 8, 9}, 0}}, classId);
        HF_CHECK_NEAR(at3(logits, 0, 0, 0, 0), -0.24506, 1.5e-3);
        HF_CHECK_NEAR(at3(logits, 0, 10, 12, 14), -0.737888, 1.5e-3);
        HF_CHECK_NEAR(at3(logits, 0, 20, 8, 9), -1.27041, 1.5e-3);
        HF_CHECK_NEAR(at3(logits, 0, 31, 31, 31), -0.194005, 1.5e-3);
        checkMoments(logits, -0.0911846, 1.49162);
    }
    const at::Tensor zeroShot = vista().pointLogits(features, {{{10, 12, 14}, 3}, {{20, 8, 9}, 2}}, 200);
    HF_CHECK_NEAR(at3(zeroShot, 0, 0, 0, 0), -0.355154, 1.5e-3);
    HF_CHECK_NEAR(at3(zeroShot, 0, 10, 12, 14), -1.04665, 1.5e-3);
    checkMoments(zeroShot, -0.171372, 1.3718);
}

HF_TEST(brats)
{
    const SegResNet network = onHashedWeights([](WeightSource& source) { return SegResNet(SegResNetShape::brats(), source); }, 83);
    const at::Tensor logits = network.forward(hashedInput({1, 4, 32, 40, 24}, -2, 2));
    HF_CHECK_NEAR(at3(logits, 0, 0, 0, 0), 0.129371, 6e-4);
    HF_CHECK_NEAR(logits[0][1][16][20][12].item<double>(), 0.122891, 6e-4);
    HF_CHECK_NEAR(logits[0][2][31][39][23].item<double>(), 0.572804, 6e-4);
    checkMoments(logits, 0.361216, 0.56536);
}

HF_TEST(moments_of_groups_come_from_those_of_channels)
{
    const at::Tensor x = hashedInput({1, 12, 5, 6, 7}, -3, 9) * at::arange(1, 13).view({1, 12, 1, 1, 1}) + 4;
    const auto [variance, mean] = at::var_mean(x, at::IntArrayRef{0, 2, 3, 4}, false);
    const auto [groupMean, inverse] = groupMoments(mean, (variance + 1e-5).rsqrt(), 3);
    const at::Tensor normed = (x - groupMean.view({1, 12, 1, 1, 1})) * inverse.view({1, 12, 1, 1, 1});
    HF_CHECK((normed - at::group_norm(x, 3, {}, {}, 1e-5, false)).abs().max().item<double>() < 1e-5);
}

HF_TEST(computing_by_name)
{
    HF_CHECK_EQUAL(Compute::named("exact", at::kCPU).name(), "exact");
    HF_CHECK_EQUAL(Compute::named("fp32", at::kCPU).name(), "fp32");
    HF_CHECK_EQUAL(Compute::named("bf16", at::kCPU).name(), "bf16");
    HF_CHECK_EQUAL(Compute::named("fastest", at::Device(at::kCUDA, 0)).name(), "fp16 cuda");
    HF_CHECK_EQUAL(Compute::named("exact", at::Device(at::kCUDA, 0)).name(), "exact cuda");
    HF_CHECK_THROWS(Compute::named("fp16", at::kCPU), Error);
    HF_CHECK_THROWS(Compute::named("fp8", at::kCPU), Error);
}

HF_TEST(densenet121)
{
    const auto network = onHashedWeights([](WeightSource& source) { return makeDenseNet121(source); }, 606);
    const at::Tensor logits = network->forward(hashedInput({1, 1, 224, 224}, -1024, 1024));
    HF_CHECK_NEAR(logits[0][0].item<double>(), -51.9372, 0.06);
    HF_CHECK_NEAR(logits[0][9].item<double>(), -117.62, 0.06);
    HF_CHECK_NEAR(logits[0][17].item<double>(), 91.9241, 0.06);
    checkMoments(logits, -17.4552, 62.9351);
    const auto half = onHashedWeights([](WeightSource& source) { return makeDenseNet121(source); }, 606, {at::kBFloat16, true});
    const at::Tensor rough = half->forward(hashedInput({1, 1, 224, 224}, -1024, 1024).to(at::kBFloat16));
    HF_CHECK(rough.scalar_type() == at::kFloat);
    HF_CHECK((rough - logits).abs().max().item<double>() < 0.1 * 62.9351);
}

HF_TEST(resnet50)
{
    const auto network = onHashedWeights([](WeightSource& source) { return makeResNet50(source); }, 267);
    const at::Tensor logits = network->forward(hashedInput({1, 1, 512, 512}, -1024, 1024));
    HF_CHECK_NEAR(logits[0][0].item<double>(), 3739.18, 1.4);
    HF_CHECK_NEAR(logits[0][9].item<double>(), -1087.96, 1.4);
    HF_CHECK_NEAR(logits[0][17].item<double>(), 2365.41, 1.4);
    checkMoments(logits, 631.954, 1397.68);
}

HF_TEST(calibration)
{
    const std::array<float, 4> thresholds{0.05F, 0.05F, 0.2F, std::numeric_limits<float>::quiet_NaN()};
    const at::Tensor scores = calibrated(at::tensor({0.01F, 0.05F, 0.3F, 0.9F}), thresholds);
    for (const auto& [n, expected] : {std::pair{0, 0.1}, {1, 0.5}, {2, 0.5625}, {3, 0.5}}) {
        HF_CHECK_NEAR(scores[n].item<double>(), expected, 1e-6);
    }
    HF_CHECK_THROWS(chestThresholds("none"), Error);
    // A threshold that is stated maps to one half exactly; trained outputs of each model: experts.md 3.5.
    for (const auto& [name, trained] : {std::pair{"all", 18}, {"nih", 14}, {"pc", 15}, {"chex", 11}, {"rsna", 2}, {"mimic_nb", 11}, {"mimic_ch", 11}, {"resnet50", 16}}) {
        const auto& values = chestThresholds(name);
        HF_CHECK_EQUAL(std::count_if(values.begin(), values.end(), [](float t) { return t == t; }), trained);
        HF_CHECK(calibrated(at::tensor(at::ArrayRef<float>(values.data(), values.size())), values).nan_to_num(0.5).sub(0.5).abs().max().item<double>() < 1e-6);
    }
}

HF_TEST(radiographs_are_cropped_and_resized)
{
    const at::Tensor x = at::arange(10, at::kFloat);
    const at::Tensor rows = (x * x).expand({10, 10});
    const at::Tensor smooth = chestInput(rows, 4)[0][0][0], plain = chestInput(rows, 4, false)[0][0][0];
    const double expectedSmooth[] = {1.727273, 11.56, 34.24, 64.72728}, expectedPlain[] = {0.75, 10.75, 33.25, 68.25};
    for (int n = 0; n < 4; ++n) {
        HF_CHECK_NEAR(smooth[n].item<double>(), expectedSmooth[n], 1e-4);
        HF_CHECK_NEAR(plain[n].item<double>(), expectedPlain[n], 1e-4);
    }
    // The square in the middle of a wide picture: columns 2, 3, 4 of 7.
    HF_CHECK(chestInput(at::arange(7, at::kFloat).expand({3, 7}), 3)[0][0][0].equal(at::tensor({2.F, 3.F, 4.F})));
}

HF_TEST(fused_normalisation_is_the_librarys)
{
    at::manual_seed(4);
    // A mean far from zero: squares must not lose the digits.
    const at::Tensor dense = at::randn({1, 48, 9, 21, 40}) * 3 + 200, added = at::randn({1, 48, 9, 21, 40});
    const at::Tensor weight = at::rand({48}) + 0.5, bias = at::randn({48});
    const auto last = [](const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast3d); };
    for (const std::int64_t groups : {48, 8, 1}) {
        const GroupNorm affine(weight, bias, groups), bare({}, {}, groups);
        for (const GroupNorm& norm : {affine, bare}) {
            HF_CHECK((norm(last(dense), Activation::Relu) - norm(dense, Activation::Relu)).abs().max().item<double>() < 2e-5);
            HF_CHECK((norm.over(last(dense), Activation::LeakyRelu) - norm(dense, Activation::LeakyRelu)).abs().max().item<double>() < 2e-5);
            const at::Tensor expected = at::leaky_relu(norm(dense) + added, 0.01);
            HF_CHECK((norm.overAdding(last(dense), last(added), Activation::LeakyRelu) - expected).abs().max().item<double>() < 2e-5);
            // bf16: the same of the rounded input, then one rounding.
            const at::Tensor rounded = dense.to(at::kBFloat16);
            const at::Tensor exact = at::relu(norm(rounded.to(at::kFloat)));
            HF_CHECK(((norm(last(rounded), Activation::Relu).to(at::kFloat) - exact).abs() - exact.abs() / 256).max().item<double>() < 2e-5);
        }
    }
}

HF_TEST(every_level_of_instructions_gives_the_same)
{
    std::vector<const NormKernels*> levels{&kNormKernelsBase};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        levels.push_back(&kNormKernelsV3);
    }
    if (&normKernels() == &kNormKernelsV4) {
        levels.push_back(&kNormKernelsV4);
    }
    const at::Tensor x = at::randn({700, 24}), y = x.to(at::kBFloat16), scale = at::rand({24}), shift = at::randn({24}), pivot = at::zeros({24});
    at::Tensor first, firstBf16;
    for (const NormKernels* level : levels) {
        const at::Tensor out = at::empty_like(x), outBf16 = at::empty_like(y);
        level->applyFloat(x.const_data_ptr(), out.data_ptr(), nullptr, 700, 24, scale.const_data_ptr<float>(), shift.const_data_ptr<float>(), 0);
        level->applyBf16(y.const_data_ptr(), outBf16.data_ptr(), y.const_data_ptr(), 700, 24, scale.const_data_ptr<float>(), shift.const_data_ptr<float>(), 0.01F);
        std::vector<float> scratch(48);
        std::vector<double> sums(48), sumsBf16(48);
        level->sumsFloat(x.const_data_ptr(), 700, 24, pivot.const_data_ptr<float>(), scratch.data(), sums.data(), sums.data() + 24);
        level->sumsBf16(y.const_data_ptr(), 700, 24, pivot.const_data_ptr<float>(), scratch.data(), sumsBf16.data(), sumsBf16.data() + 24);
        HF_CHECK((out - at::relu(x * scale + shift)).abs().max().item<double>() < 1e-5);
        const at::Tensor exact = at::leaky_relu(y.to(at::kFloat) * scale + shift + y.to(at::kFloat), 0.01);
        HF_CHECK(((outBf16.to(at::kFloat) - exact).abs() - exact.abs() / 256).max().item<double>() < 1e-5);
        for (std::int64_t c = 0; c < 24; ++c) {
            HF_CHECK_NEAR(sums[std::size_t(c)], x.select(1, c).to(at::kDouble).sum().item<double>(), 1e-3);
            HF_CHECK_NEAR(sums[std::size_t(c + 24)], x.select(1, c).to(at::kDouble).square().sum().item<double>(), 1e-2);
            HF_CHECK_NEAR(sumsBf16[std::size_t(c)], y.select(1, c).to(at::kDouble).sum().item<double>(), 1e-3);
        }
    }
    std::printf("%zu levels of instructions\n", levels.size());
}

HF_TEST(channels_last_and_bf16_keep_the_result)
{
    const at::Tensor input = hashedInput({1, 4, 32, 40, 24}, -2, 2);
    const auto make = [](WeightSource& source) { return SegResNet(SegResNetShape::brats(), source); };
    const at::Tensor exact = onHashedWeights(make, 83).forward(input);
    const auto last = [](const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast3d); };
    const at::Tensor fused = onHashedWeights(make, 83, {at::kFloat, true}).forward(last(input));
    HF_CHECK((fused - exact).abs().max().item<double>() < 1e-4);
    const at::Tensor half = onHashedWeights(make, 83, {at::kBFloat16, true}).forward(last(input.to(at::kBFloat16))).to(at::kFloat);
    // Dice of the thresholded regions, the measure that counts.
    const at::Tensor a = exact >= 0, b = half >= 0;
    const double dice = 2 * a.logical_and(b).sum().item<double>() / (a.sum().item<double>() + b.sum().item<double>());
    std::printf("bf16 against fp32: Dice %.4f, mean difference %.4f of a standard deviation\n", dice, ((half - exact).abs().mean() / exact.std(true)).item<double>());
    HF_CHECK(dice > 0.99);
}

HF_TEST(wrong_weights_are_named)
{
    WeightList list;
    SegResNet(SegResNetShape::brats(), list);
    runtime::TensorMap tensors = hashedWeights(list);
    tensors.erase("convInit.conv.weight");
    tensors["up_layers.0.0.norm1.weight"] = at::ones({7});
    tensors["something.else"] = at::ones({1});
    LoadedWeights weights(tensors, Compute::exact());
    SegResNet(SegResNetShape::brats(), weights);
    std::string message;
    try {
        weights.finish("model.pt");
    } catch (const Error& error) {
        message = error.what();
    }
    for (const char* part : {"Missing: convInit.conv.weight", "up_layers.0.0.norm1.weight should be [64], is [7]", "Unexpected: something.else"}) {
        HF_CHECK(message.find(part) != std::string::npos);
    }
}

HF_TEST(research_checkpoints_are_renamed)
{
    const runtime::TensorMap adapted = Vista3d::adapted({{"point_head.transformer.layers.0.mlp.lin1.weight", at::ones({1})}, {"weight_mapper.0.weight", at::ones({1})},
        {"point_head.output_add_hypernetworks_mlps.0.layers.0.bias", at::ones({1})}, {"point_head.transformer.layers.1.mlp.linear2.bias", at::ones({1})}});
    HF_CHECK_EQUAL(adapted.size(), 2U);
    HF_CHECK(adapted.contains("point_head.transformer.layers.0.mlp.linear1.weight"));
    HF_CHECK(adapted.contains("point_head.transformer.layers.1.mlp.linear2.bias"));
}

HF_TEST_MAIN()
