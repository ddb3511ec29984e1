#include "experts/engine/neural/Network.h"

#include "experts/engine/neural/ChestXray.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>

namespace hf::experts {

namespace {

using AnyNetwork = std::variant<SegResNet, UNet, std::unique_ptr<ChestClassifier>>;

AnyNetwork make(const NetworkSpec& spec, WeightSource& source)
{
    if (const auto* segResNet = std::get_if<SegResNetShape>(&spec.shape)) {
        return SegResNet(*segResNet, source);
    }
    if (const auto* unet = std::get_if<UNetShape>(&spec.shape)) {
        return UNet(*unet, source);
    }
    return std::get<NetworkSpec::Chest>(spec.shape).isResNet ? makeResNet50(source) : makeDenseNet121(source);
}

std::int64_t divisorOf(const NetworkSpec& spec)
{
    if (const auto* segResNet = std::get_if<SegResNetShape>(&spec.shape)) {
        return segResNet->divisor();
    }
    const auto* unet = std::get_if<UNetShape>(&spec.shape);
    return unet ? unet->divisor() : 1;
}

} // namespace

struct Network::Parts {
    AnyNetwork network;
    std::int64_t divisor;
};

NetworkSpec NetworkSpec::named(const std::string& name)
{
    if (name == "brats") {
        return {SegResNetShape::brats()};
    }
    if (name == "densenet121" || name == "resnet50") {
        return {Chest{name == "resnet50"}};
    }
    throw Error("there is no built-in network '" + name + "' (known: vista3d, brats, densenet121, resnet50)", "arguments");
}

Network::Network(const NetworkSpec& spec, runtime::TensorMap tensors, Compute compute, const std::string& origin) : m_compute(compute)
{
    LoadedWeights weights(std::move(tensors), compute);
    AnyNetwork network = make(spec, weights);
    weights.finish(origin);
    m_parts = std::make_unique<Parts>(Parts{std::move(network), divisorOf(spec)});
}

Network::~Network() = default;
Network::Network(Network&&) noexcept = default;

std::int64_t Network::divisor() const { return m_parts->divisor; }

at::Tensor prepared(const at::Tensor& x, Compute compute)
{
    const at::Tensor typed = x.to(compute.device).to(compute.type);
    if (!compute.channelsLast || typed.dim() < 4) {
        return typed.contiguous();
    }
    if (typed.size(1) == 1) {
        // One channel is of either format; only strides of this one make the first convolution give it.
        std::vector<std::int64_t> strides = typed.contiguous().strides().vec();
        strides[1] = 1;
        return typed.contiguous().as_strided(typed.sizes(), strides);
    }
    return typed.contiguous(typed.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d);
}

at::Tensor Network::forward(const at::Tensor& x, std::stop_token stop) const
{
    for (std::int64_t axis = 2; axis < x.dim(); ++axis) {
        if (x.size(axis) % m_parts->divisor) {
            throw Error("axis " + std::to_string(axis) + " of the input must be a multiple of " + std::to_string(m_parts->divisor), "arguments");
        }
    }
    const at::Tensor input = prepared(x, m_compute);
    const at::Tensor logits = std::visit([&](const auto& network) {
        if constexpr (std::is_same_v<std::decay_t<decltype(network)>, SegResNet>) {
            return network.forward(input, stop);
        } else if constexpr (std::is_same_v<std::decay_t<decltype(network)>, UNet>) {
            return network.forward(input);
        } else {
            return network->forward(input);
        }
    }, m_parts->network);
    return logits.to(at::kFloat);
}

WeightList weightList(const NetworkSpec& spec)
{
    WeightList list;
    make(spec, list);
    return list;
}

} // namespace hf::experts
