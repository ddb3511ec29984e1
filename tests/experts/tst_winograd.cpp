// The own convolution against LibTorch's in fp32, on the same rounded input.
#include "experts/engine/neural/Layers.h"
#include "experts/runtime/Parallel.h"
#include "support/Check.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>
#include <mutex>
#include <set>
#include <thread>

using namespace hf;
using namespace hf::experts;

namespace {

constexpr auto kLast = at::MemoryFormat::ChannelsLast3d;

struct Case {
    std::int64_t batch, in, out, depth, height, width;
    bool hasBias = false;
};

at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias)
{
    return at::convolution(x, weight, bias.defined() ? std::optional(bias) : std::nullopt, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, false, {0, 0, 0}, 1);
}

/// Errors of rounding: of bf16 weights and inputs at the points, and of the result. All relative to the spread of the result.
void checkNear(const at::Tensor& found, const at::Tensor& expected)
{
    HF_CHECK(found.sizes() == expected.sizes());
    HF_CHECK(found.is_contiguous(kLast));
    const at::Tensor difference = found.to(at::kFloat) - expected;
    const double spread = expected.square().mean().sqrt().item<double>();
    HF_CHECK(difference.square().mean().sqrt().item<double>() < 0.009 * spread);
    HF_CHECK(difference.abs().max().item<double>() < 0.06 * spread);
}

struct Layer {
    at::Tensor x, weight, bias;

    explicit Layer(const Case& c)
        : x(at::randn({c.batch, c.in, c.depth, c.height, c.width}).to(at::kBFloat16).contiguous(kLast)),
          weight(at::randn({c.out, c.in, 3, 3, 3}) / std::sqrt(27.0 * double(c.in))), bias(c.hasBias ? at::randn({c.out}) : at::Tensor())
    {
    }
};

const std::vector<Case>& layers()
{
    // Sizes that are odd, thinner than a tile and longer than a block of tiles; channels for each number of vectors.
    static const std::vector<Case> list{{1, 48, 48, 12, 10, 14}, {1, 16, 16, 9, 7, 121}, {1, 32, 96, 8, 8, 8, true}, {2, 64, 64, 5, 6, 7}, {1, 16, 80, 1, 1, 1, true}, {1, 192, 32, 4, 3, 2},
        {1, 384, 384, 3, 4, 5}, {1, 48, 16, 1, 30, 31}};
    return list;
}

Winograd::Before factorsFor(std::int64_t channels, float slope)
{
    const at::Tensor scale = at::rand({channels}) + 0.5, shift = at::randn({channels});
    return {{scale.data_ptr<float>(), scale.data_ptr<float>() + channels}, {shift.data_ptr<float>(), shift.data_ptr<float>() + channels}, slope};
}

at::Tensor applied(const Winograd::Before& before, const at::Tensor& x)
{
    const auto channels = [](const std::vector<float>& values) { return at::tensor(values).view({1, -1, 1, 1, 1}); };
    return at::leaky_relu(x.to(at::kFloat) * channels(before.scale) + channels(before.shift), double(before.slope));
}

void needProcessor()
{
    if (!Winograd::canRun()) {
        HF_SKIP("this processor has no AVX-512 BF16");
    }
}

} // namespace

HF_TEST(as_the_plain_convolution)
{
    needProcessor();
    at::manual_seed(1);
    for (const Case& c : layers()) {
        const Layer layer(c);
        checkNear(Winograd(layer.weight, layer.bias)(layer.x), convolution(layer.x.to(at::kFloat), layer.weight, layer.bias));
    }
}

HF_TEST(factors_and_activation_before_it_are_not_applied_to_the_padding)
{
    needProcessor();
    at::manual_seed(2);
    for (const float slope : {0.0F, 0.01F, 1.0F}) {
        for (const Case& c : layers()) {
            if (c.batch > 1) {
                continue;
            }
            const Layer layer(c);
            const Winograd::Before before = factorsFor(c.in, slope);
            checkNear(Winograd(layer.weight, layer.bias)(layer.x, &before), convolution(applied(before, layer.x), layer.weight, layer.bias));
        }
    }
}

HF_TEST(adds_in_place)
{
    needProcessor();
    at::manual_seed(3);
    const Layer layer({1, 32, 48, 7, 8, 9, true});
    const Winograd::Before before = factorsFor(32, 0);
    const at::Tensor sum = at::randn({1, 48, 7, 8, 9}).to(at::kBFloat16).contiguous(kLast), copy = sum.clone();
    const at::Tensor found = Winograd(layer.weight, layer.bias).addTo(sum, layer.x, &before);
    HF_CHECK(found.data_ptr() == sum.data_ptr());
    checkNear(found, copy.to(at::kFloat) + convolution(applied(before, layer.x), layer.weight, layer.bias));
}

HF_TEST(the_same_whatever_the_number_of_threads)
{
    needProcessor();
    at::manual_seed(4);
    const Layer layer({1, 48, 48, 20, 20, 20});
    const Winograd winograd(layer.weight, {});
    const int threads = at::get_num_threads();
    const at::Tensor found = winograd(layer.x);
    at::set_num_threads(1);
    const at::Tensor alone = winograd(layer.x);
    at::set_num_threads(threads);
    HF_CHECK(found.equal(alone));
}

HF_TEST(blocks_are_what_they_are_without_it)
{
    needProcessor();
    at::manual_seed(5);
    const Layer first({1, 32, 32, 8, 9, 10}), second({1, 32, 32, 8, 9, 10});
    const auto norm = [] { return GroupNorm(at::rand({32}) + 0.5, at::randn({32}), 8); };
    const auto conv = [](const at::Tensor& weight, bool isOurs) {
        Conv made;
        made.stride = made.padding = {1, 1, 1};
        made.outputPadding = {0, 0, 0};
        if (isOurs) {
            made.winograd = std::make_shared<const Winograd>(weight, at::Tensor());
        } else {
            made.weight = weight;
        }
        return made;
    };
    const GroupNorm norm1 = norm(), norm2 = norm();
    const ResidualBlock plain{norm1, norm2, conv(first.weight, false), conv(second.weight, false)}, ours{norm1, norm2, conv(first.weight, true), conv(second.weight, true)};
    checkNear(ours(first.x.clone()), plain(first.x.to(at::kFloat)));
    const at::Tensor after = conv(first.weight, true).after(norm1, first.x.clone(), Activation::LeakyRelu);
    checkNear(after, conv(first.weight, false).after(norm1, first.x.to(at::kFloat), Activation::LeakyRelu));
}

HF_TEST(parts_run_side_by_side)
{
    if (at::get_num_threads() < 2) {
        HF_SKIP("one thread only");
    }
    std::mutex mutex;
    std::set<std::thread::id> threads;
    std::vector<int> visits(1000);
    runtime::parallelFor(1000, 10, [&](std::int64_t first, std::int64_t last) {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
        for (std::int64_t n = first; n < last; ++n) {
            ++visits[std::size_t(n)];
        }
    });
    HF_CHECK(threads.size() > 1);
    HF_CHECK(visits == std::vector<int>(1000, 1));
    HF_CHECK_THROWS(runtime::parallelFor(1000, 10, [](std::int64_t, std::int64_t) { throw Error("stop"); }), Error);
}

HF_TEST_MAIN()
