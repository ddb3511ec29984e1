#pragma once

#include "experts/runtime/Safetensors.h"

#include <ATen/core/Tensor.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace hf::experts {

/// How and where a network computes: fp32 as the reference, or half precision where the device gains from it; activations channels-last or as the
/// reference. A CUDA device comes from runtime::chooseDevice(), which opens CUDA.
struct Compute {
    at::ScalarType type = at::kFloat;
    bool channelsLast = false;
    at::Device device = at::kCPU;

    /// fp32, dense as the reference.
    static Compute exact(at::Device device = at::kCPU) { return {at::kFloat, false, device}; }
    /// What is fastest on this device, channels-last: fp16 on a GPU; on the CPU bf16 where it has AVX-512 BF16 or AMX, else fp32.
    static Compute fastest(at::Device device = at::kCPU);
    /// "fastest", "exact", "fp32", "bf16" or "fp16" (GPU only). @throws Error "usage".
    static Compute named(const std::string& precision, at::Device device);
    /// "exact", "fp32", "bf16" or "fp16", with " cuda" on a GPU: what results depend on.
    std::string name() const;
};

/// Gives a network its tensors by the names of its checkpoint; a network's constructor says with it which it needs, of which shape.
class WeightSource {
public:
    virtual ~WeightSource() = default;
    /// A weight of a convolution or matrix, or its bias: in the computing type, rank 4 and 5 in its memory format.
    virtual at::Tensor take(const std::string& name, at::IntArrayRef shape) = 0;
    /// The same in fp32: what normalises, embeds or calibrates.
    virtual at::Tensor takeFloat(const std::string& name, at::IntArrayRef shape) = 0;
    /// A tensor that stands in checkpoints, but takes no part in inference.
    virtual void skip(const std::string& name, at::IntArrayRef shape) = 0;
    /// What the tensors are for.
    virtual Compute compute() const = 0;
};

/// Takes from a weight file, each tensor once: what was taken is let go at once, so that a network does not stand in memory twice. After the network is
/// built call finish().
class LoadedWeights : public WeightSource {
public:
    LoadedWeights(runtime::TensorMap tensors, Compute compute) : m_tensors(std::move(tensors)), m_compute(compute) {}
    at::Tensor take(const std::string& name, at::IntArrayRef shape) override;
    at::Tensor takeFloat(const std::string& name, at::IntArrayRef shape) override;
    void skip(const std::string& name, at::IntArrayRef shape) override;
    Compute compute() const override { return m_compute; }
    /// @param origin  for the message.
    /// @throws Error "weights" listing missing, misshapen and unexpected tensors (counters of training steps do not count).
    void finish(const std::string& origin) const;

private:
    at::Tensor find(const std::string& name, at::IntArrayRef shape);

    runtime::TensorMap m_tensors;
    Compute m_compute;
    std::set<std::string> m_used;
    std::vector<std::string> m_missing, m_misshapen;
};

/// Only lists names and shapes, in the order of the network; the tensors that it gives are empty.
class WeightList : public WeightSource {
public:
    using Entry = std::pair<std::string, std::vector<std::int64_t>>;
    at::Tensor take(const std::string& name, at::IntArrayRef shape) override;
    at::Tensor takeFloat(const std::string& name, at::IntArrayRef shape) override { return take(name, shape); }
    void skip(const std::string& name, at::IntArrayRef shape) override { take(name, shape); }
    Compute compute() const override { return {}; }
    const std::vector<Entry>& entries() const { return m_entries; }

private:
    std::vector<Entry> m_entries;
};

/// Deterministic weights of experts.md section 9 for the listed tensors: for tests and benchmarks without a checkpoint.
runtime::TensorMap hashedWeights(const WeightList& list);
/// Input of experts.md section 9: float32 of `shape`, values in [low, high).
at::Tensor hashedInput(at::IntArrayRef shape, double low, double high);

} // namespace hf::experts
