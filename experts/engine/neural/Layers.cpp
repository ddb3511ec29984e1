#include "experts/engine/neural/Layers.h"

#include "experts/engine/neural/NormKernels.h"
#include "experts/runtime/Cuda.h"
#include "experts/runtime/Parallel.h"
#include "experts/runtime/cuda/NormPlugin.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <tuple>

#include <dlfcn.h>

namespace hf::experts {

namespace {

constexpr double kEpsilon = 1e-5;

std::vector<std::int64_t> weightShape(std::int64_t first, std::int64_t second, const ConvShape& shape)
{
    std::vector<std::int64_t> sizes{first, second};
    sizes.insert(sizes.end(), std::size_t(shape.rank), shape.kernel);
    return sizes;
}

constexpr std::int64_t kVoxelsAtOnce = 4096;

bool isChannelsLast(const at::Tensor& x)
{
    const bool isFormat = (x.dim() == 5 && x.is_contiguous(at::MemoryFormat::ChannelsLast3d)) || (x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast));
    return isFormat && x.size(1) > 1 && x.stride(1) == 1;
}

/// The fused loops take one dense channels-last input on the CPU.
bool canFuseHere(const at::Tensor& x, Activation activation)
{
    const bool isType = x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16;
    return x.device().is_cpu() && isChannelsLast(x) && isType && x.size(0) == 1 && activation != Activation::Gelu;
}

/// The plug-in's normalisation on a GPU; null where it is not there.
const runtime::cuda::NormInterface* deviceNorm()
{
    static const runtime::cuda::NormInterface* const found = []() -> const runtime::cuda::NormInterface* {
        void* const library = runtime::cudaKernels();
        const auto entry = library ? reinterpret_cast<const runtime::cuda::NormInterface* (*)()>(::dlsym(library, "hfNormInterface")) : nullptr;
        const runtime::cuda::NormInterface* const interface = entry ? entry() : nullptr;
        return interface && interface->version == runtime::cuda::kNormInterfaceVersion ? interface : nullptr;
    }();
    return found;
}

/// The same for half values on a GPU.
bool canFuseThere(const at::Tensor& x, Activation activation)
{
    const bool isType = x.scalar_type() == at::kHalf || x.scalar_type() == at::kBFloat16;
    return x.is_cuda() && isType && activation != Activation::Gelu && x.size(0) == 1 && isChannelsLast(x) && runtime::cuda::fits(x.size(1)) &&
        reinterpret_cast<std::uintptr_t>(x.const_data_ptr()) % 16 == 0 && deviceNorm();
}

bool canFuse(const at::Tensor& x, Activation activation) { return canFuseHere(x, activation) || canFuseThere(x, activation); }

/// Of negative results.
float slopeOf(Activation activation) { return activation == Activation::Relu ? 0.0F : activation == Activation::LeakyRelu ? 0.01F : 1.0F; }

/// In place.
at::Tensor activated(at::Tensor x, Activation activation)
{
    switch (activation) {
    case Activation::None: return x;
    case Activation::Relu: return at::relu_(x);
    case Activation::LeakyRelu: return at::leaky_relu_(x, 0.01);
    case Activation::Gelu: return at::gelu_(x);
    }
    return x;
}

/// [C] fp32: a value near each channel's mean, so that squares lose no digits.
at::Tensor firstVoxel(const at::Tensor& x)
{
    at::Tensor row = x.select(0, 0);
    while (row.dim() > 1) {
        row = row.select(1, 0);
    }
    return row.to(at::kFloat).contiguous();
}

/// Sums and squares of (x - pivot) a channel.
std::pair<std::vector<double>, std::vector<double>> channelSums(const char* data, bool isBf16, std::size_t bytes, std::int64_t voxels, const at::Tensor& pivot)
{
    const std::int64_t channels = pivot.numel();
    const NormKernels::Sums kernel = isBf16 ? normKernels().sumsBf16 : normKernels().sumsFloat;
    std::pair<std::vector<double>, std::vector<double>> total{std::vector<double>(std::size_t(channels)), std::vector<double>(std::size_t(channels))};
    // Fixed parts, added in order: the same result whatever the number of threads.
    const std::int64_t parts = std::min<std::int64_t>(64, (voxels + kVoxelsAtOnce - 1) / kVoxelsAtOnce);
    std::vector<std::vector<double>> partial(std::size_t(parts), std::vector<double>(std::size_t(2 * channels)));
    runtime::parallelFor(parts, 1, [&](std::int64_t first, std::int64_t last) {
        std::vector<float> scratch(std::size_t(2 * channels));
        for (std::int64_t part = first; part < last; ++part) {
            const std::int64_t begin = voxels * part / parts, end = voxels * (part + 1) / parts;
            double* sums = partial[std::size_t(part)].data();
            kernel(data + std::size_t(begin * channels) * bytes, end - begin, channels, pivot.const_data_ptr<float>(), scratch.data(), sums, sums + channels);
        }
    });
    for (const std::vector<double>& sums : partial) {
        for (std::size_t c = 0; c < std::size_t(channels); ++c) {
            total.first[c] += sums[c];
            total.second[c] += sums[c + std::size_t(channels)];
        }
    }
    return total;
}

std::vector<std::int64_t> everyAxis(const ConvShape& shape, std::int64_t value) { return std::vector<std::int64_t>(std::size_t(shape.rank), value); }

} // namespace

at::Tensor Conv::operator()(const at::Tensor& x) const
{
    if (winograd) {
        return (*winograd)(x);
    }
    const std::vector<std::int64_t> dilation(stride.size(), 1);
    return at::convolution(x, weight, bias.defined() ? std::optional(bias) : std::nullopt, stride, padding, dilation, isTransposed, outputPadding, 1);
}

at::Tensor Conv::after(const GroupNorm& norm, at::Tensor x, Activation activation) const
{
    if (const auto factors = winograd ? norm.asFactors(x, activation) : std::nullopt) {
        return (*winograd)(x, &*factors);
    }
    return (*this)(norm.over(std::move(x), activation));
}

namespace {

bool canUseWinograd(const Compute& compute, const ConvShape& shape)
{
    const bool isType = compute.device.is_cpu() && compute.type == at::kBFloat16;
    return isType && shape.rank == 3 && shape.kernel == 3 && shape.stride == 1 && Winograd::suits(shape.in, shape.out) && Winograd::isFast();
}

} // namespace

Conv takeConv(WeightSource& source, const std::string& name, const ConvShape& shape)
{
    Conv conv;
    conv.stride = everyAxis(shape, shape.stride);
    conv.padding = everyAxis(shape, shape.kernel / 2);
    conv.outputPadding = everyAxis(shape, 0);
    const std::vector<std::int64_t> sizes = weightShape(shape.out, shape.in, shape);
    if (canUseWinograd(source.compute(), shape)) {
        const at::Tensor weight = source.takeFloat(name + ".weight", sizes), bias = shape.hasBias ? source.takeFloat(name + ".bias", {shape.out}) : at::Tensor();
        if (weight.defined()) {
            conv.winograd = std::make_shared<const Winograd>(weight, bias);
        }
        return conv;
    }
    conv.weight = source.take(name + ".weight", sizes);
    if (shape.hasBias) {
        conv.bias = source.take(name + ".bias", {shape.out});
    }
    return conv;
}

Conv takeDeconv(WeightSource& source, const std::string& name, const ConvShape& shape)
{
    Conv conv;
    conv.weight = source.take(name + ".weight", weightShape(shape.in, shape.out, shape));
    if (shape.hasBias) {
        conv.bias = source.take(name + ".bias", {shape.out});
    }
    const bool isOdd = shape.kernel % 2;
    conv.stride = everyAxis(shape, shape.stride);
    conv.padding = everyAxis(shape, isOdd ? shape.kernel / 2 : 0);
    conv.outputPadding = everyAxis(shape, isOdd ? shape.stride - 1 : 0);
    conv.isTransposed = true;
    return conv;
}

at::Tensor GroupNorm::normed(const at::Tensor& x) const { return x.is_cuda() && isChannelsLast(x) ? keepingFormat(x) : plain(x); }

/// Channels-last on a GPU: the library's kernels of batch normalisation keep the format and take fp32 factors for half values; those of group and
/// instance normalisation would go through the other format and back.
at::Tensor GroupNorm::keepingFormat(const at::Tensor& x) const
{
    if (x.size(0) > 1) {
        const at::Tensor out = at::empty_like(x);
        for (std::int64_t n = 0; n < x.size(0); ++n) {
            out.narrow(0, n, 1).copy_(keepingFormat(x.narrow(0, n, 1)));
        }
        return out;
    }
    const auto weight = m_weight.defined() ? std::optional(m_weight) : std::nullopt, bias = m_bias.defined() ? std::optional(m_bias) : std::nullopt;
    auto [mean, inverse] = at::batch_norm_stats(x, kEpsilon);
    if (m_groups != x.size(1)) {
        std::tie(mean, inverse) = groupMoments(mean, inverse, m_groups);
    }
    return at::batch_norm_elemt(x, weight, bias, mean, inverse, kEpsilon);
}

std::pair<at::Tensor, at::Tensor> groupMoments(const at::Tensor& mean, const at::Tensor& inverseDeviation, std::int64_t groups)
{
    const at::Tensor means = mean.view({groups, -1}), variances = inverseDeviation.view({groups, -1}).pow(-2) - kEpsilon;
    const at::Tensor groupMean = means.mean(1, true);
    const at::Tensor groupVariance = (variances + (means - groupMean).square()).mean(1, true).clamp_min(0);
    const auto eachChannel = [&](const at::Tensor& x) { return x.expand_as(means).reshape({-1}).contiguous(); };
    return {eachChannel(groupMean), eachChannel((groupVariance + kEpsilon).rsqrt())};
}

at::Tensor GroupNorm::plain(const at::Tensor& x) const
{
    const auto scale = m_weight.defined() ? std::optional(m_weight.to(x.scalar_type())) : std::nullopt;
    const auto shift = m_bias.defined() ? std::optional(m_bias.to(x.scalar_type())) : std::nullopt;
    return m_groups == x.size(1) ? at::instance_norm(x, scale, shift, {}, {}, true, 0.1, kEpsilon, false) : at::group_norm(x, m_groups, scale, shift, kEpsilon, false);
}

/// `out` may be `x`; `added` may be undefined.
void GroupNorm::fused(const at::Tensor& x, const at::Tensor& out, const at::Tensor& added, Activation activation) const
{
    if (x.is_cuda()) {
        fusedThere(x, out, added, activation);
        return;
    }
    const std::int64_t channels = x.size(1), voxels = x.numel() / channels;
    const bool isBf16 = x.scalar_type() == at::kBFloat16;
    const std::size_t bytes = x.element_size();
    const auto* data = static_cast<const char*>(x.const_data_ptr());
    const Affine affine = affineOf(x);
    const std::vector<float>&scale = affine.first, &shift = affine.second;
    auto* target = static_cast<char*>(out.data_ptr());
    const char* more = added.defined() ? static_cast<const char*>(added.const_data_ptr()) : nullptr;
    const float slope = slopeOf(activation);
    const NormKernels::Apply apply = isBf16 ? normKernels().applyBf16 : normKernels().applyFloat;
    runtime::parallelFor(voxels, kVoxelsAtOnce, [&](std::int64_t begin, std::int64_t end) {
        const std::size_t offset = std::size_t(begin * channels) * bytes;
        apply(data + offset, target + offset, more ? more + offset : nullptr, end - begin, channels, scale.data(), shift.data(), slope);
    });
}

/// The same on a GPU.
void GroupNorm::fusedThere(const at::Tensor& x, const at::Tensor& out, const at::Tensor& added, Activation activation) const
{
    const at::Tensor scratch = at::empty({3, x.size(1)}, x.options().dtype(at::kDouble).memory_format(at::MemoryFormat::Contiguous));
    runtime::cuda::NormRequest request;
    request.device = x.device().index();
    request.isBf16 = x.scalar_type() == at::kBFloat16;
    request.channels = int(x.size(1));
    request.voxels = x.numel() / x.size(1);
    request.groups = int(m_groups);
    request.eps = float(kEpsilon);
    request.slope = slopeOf(activation);
    request.x = x.const_data_ptr();
    request.added = added.defined() ? added.const_data_ptr() : nullptr;
    request.out = out.data_ptr();
    request.weight = m_weight.defined() ? m_weight.const_data_ptr<float>() : nullptr;
    request.bias = m_bias.defined() ? m_bias.const_data_ptr<float>() : nullptr;
    request.scratch = scratch.data_ptr<double>();
    std::array<char, 256> error{};
    if (deviceNorm()->normalise(request, error.data(), int(error.size()))) {
        throw Error(error.data(), "device");
    }
}

/// Normalisation of `x` as one factor and one addend a channel.
GroupNorm::Affine GroupNorm::affineOf(const at::Tensor& x) const
{
    const std::int64_t voxels = x.numel() / x.size(1);
    const at::Tensor pivot = firstVoxel(x);
    return affineOf(channelSums(static_cast<const char*>(x.const_data_ptr()), x.scalar_type() == at::kBFloat16, x.element_size(), voxels, pivot), pivot, voxels);
}

GroupNorm::Affine GroupNorm::affineOf(const ChannelSums& sums, const at::Tensor& pivot, std::int64_t voxels) const
{
    const std::size_t channels = sums.first.size(), perGroup = channels / std::size_t(m_groups);
    const double count = double(voxels);
    Affine affine{std::vector<float>(channels), std::vector<float>(channels)};
    for (std::size_t begin = 0; begin < channels; begin += perGroup) {
        const auto meanOf = [&](std::size_t c) { return double(pivot.const_data_ptr<float>()[c]) + sums.first[c] / count; };
        double mean = 0, squares = 0;
        for (std::size_t c = begin; c < begin + perGroup; ++c) {
            mean += meanOf(c) / double(perGroup);
        }
        for (std::size_t c = begin; c < begin + perGroup; ++c) {
            const double off = meanOf(c) - mean;
            squares += sums.second[c] - sums.first[c] * sums.first[c] / count + count * off * off;
        }
        const double factor = 1 / std::sqrt(std::max(0.0, squares) / (count * double(perGroup)) + kEpsilon);
        for (std::size_t c = begin; c < begin + perGroup; ++c) {
            const double weight = m_weight.defined() ? m_weight.const_data_ptr<float>()[c] : 1.0, bias = m_bias.defined() ? m_bias.const_data_ptr<float>()[c] : 0.0;
            affine.first[c] = float(factor * weight);
            affine.second[c] = float(bias - mean * factor * weight);
        }
    }
    return affine;
}

at::Tensor GroupNorm::operator()(const at::Tensor& x, Activation activation) const
{
    if (!canFuse(x, activation)) {
        return activated(normed(x), activation);
    }
    const at::Tensor out = at::empty_like(x);
    fused(x, out, {}, activation);
    return out;
}

at::Tensor GroupNorm::over(at::Tensor x, Activation activation) const
{
    if (!canFuse(x, activation)) {
        return activated(normed(x), activation);
    }
    fused(x, x, {}, activation);
    return x;
}

at::Tensor GroupNorm::overAdding(at::Tensor x, const at::Tensor& added, Activation activation) const
{
    if (!canFuse(x, activation) || !canFuse(added, activation) || added.scalar_type() != x.scalar_type()) {
        return activated(normed(x).add_(added), activation);
    }
    fused(x, x, added, activation);
    return x;
}

std::optional<Winograd::Before> GroupNorm::asFactors(const at::Tensor& x, Activation activation) const
{
    if (!canFuseHere(x, activation)) {
        return {};
    }
    auto [scale, shift] = affineOf(x);
    return Winograd::Before{std::move(scale), std::move(shift), slopeOf(activation)};
}

GroupNorm takeNorm(WeightSource& source, const std::string& name, std::int64_t channels, std::int64_t groups)
{
    return {source.takeFloat(name + ".weight", {channels}), source.takeFloat(name + ".bias", {channels}), groups};
}

GroupNorm instanceNorm(std::int64_t channels) { return {{}, {}, channels}; }

at::Tensor ResidualBlock::operator()(at::Tensor x) const
{
    const auto first = conv1.winograd && conv2.winograd ? norm1.asFactors(x, Activation::Relu) : std::nullopt;
    if (!first) {
        return conv2(norm2.over(conv1(norm1(x, Activation::Relu)), Activation::Relu)).add_(x);
    }
    const at::Tensor inner = (*conv1.winograd)(x, &*first);
    const auto second = norm2.asFactors(inner, Activation::Relu);
    HF_ASSERT(second);
    return conv2.winograd->addTo(std::move(x), inner, &*second);
}

at::Tensor Linear::operator()(const at::Tensor& x) const { return at::linear(x, weight, bias); }

Linear takeLinear(WeightSource& source, const std::string& name, std::int64_t in, std::int64_t out)
{
    return {source.takeFloat(name + ".weight", {out, in}), source.takeFloat(name + ".bias", {out})};
}

} // namespace hf::experts
