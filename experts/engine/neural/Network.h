#pragma once

#include "experts/engine/neural/SegResNet.h"
#include "experts/engine/neural/UNet.h"

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <variant>

namespace hf::experts {

/// Which network of one input and one output, by its built-in name; VISTA3D, which takes prompts, is its own class.
struct NetworkSpec {
    struct Chest { bool isResNet = false; };
    std::variant<SegResNetShape, UNetShape, Chest> shape;

    /// "brats", "densenet121" or "resnet50". @throws Error "arguments".
    static NetworkSpec named(const std::string& name);
};

/// A network in evaluation mode with its weights. Safe to call from several threads.
class Network {
public:
    /// @throws Error "weights" as LoadedWeights::finish().
    Network(const NetworkSpec& spec, runtime::TensorMap weights, Compute compute, const std::string& origin);
    ~Network();
    Network(Network&&) noexcept;
    /// Sizes of the input must be multiples of this.
    std::int64_t divisor() const;
    /// @param x  fp32 [N, in, ...], on any device. @return fp32 logits, on the device that computes.
    at::Tensor forward(const at::Tensor& x, std::stop_token stop = {}) const;

private:
    struct Parts;
    std::unique_ptr<Parts> m_parts;
    Compute m_compute;
};

/// Names and shapes of a network's tensors.
WeightList weightList(const NetworkSpec& spec);

/// The input on the device, in the type and memory format of the computation.
at::Tensor prepared(const at::Tensor& x, Compute compute);

} // namespace hf::experts
