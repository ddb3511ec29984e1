#include "experts/engine/neural/WeightSource.h"

#include "experts/runtime/Processor.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace hf::experts {

namespace {

std::string textOf(at::IntArrayRef shape)
{
    std::ostringstream text;
    text << shape;
    return text.str();
}

/// At most a few names of a list, for a message.
std::string joined(const std::vector<std::string>& names)
{
    constexpr std::size_t kMost = 8;
    std::string text;
    for (std::size_t n = 0; n < std::min(names.size(), kMost); ++n) {
        text += (n ? ", " : "") + names[n];
    }
    return names.size() > kMost ? text + " and " + std::to_string(names.size() - kMost) + " more" : text;
}

std::uint32_t hashOf(std::uint64_t n)
{
    auto h = std::uint32_t(n);
    h ^= h >> 16;
    h *= 2246822519U;
    return h ^ h >> 13;
}

bool endsWith(const std::string& name, const char* ending) { return name.ends_with(ending); }

/// Values u in [-0.5, 0.5) to what the tensor's name asks for.
at::Tensor hashedTensor(const WeightList::Entry& entry, std::uint64_t number)
{
    const auto& [name, shape] = entry;
    const at::Tensor tensor = at::empty(shape, at::kFloat);
    const std::int64_t count = tensor.numel();
    const bool isVariance = endsWith(name, "running_var"), isScale = endsWith(name, ".weight");
    const double spread = isVariance ? 0.5 : shape.size() >= 2 ? std::sqrt(12.0 / (double(count) / double(shape[0]))) : 0.2;
    const double centre = isVariance || (shape.size() < 2 && isScale) ? 1 : 0;
    float* values = tensor.data_ptr<float>();
    for (std::int64_t i = 0; i < count; ++i) {
        const double u = double(hashOf(std::uint64_t(i) * 2654435761U + number * 40503U + 1)) / 4294967296.0 - 0.5;
        values[i] = float(centre + spread * u);
    }
    return tensor;
}

} // namespace

Compute Compute::fastest(at::Device device)
{
    return {device.is_cuda() ? at::kHalf : runtime::hasFastBf16() ? at::kBFloat16 : at::kFloat, true, device};
}

Compute Compute::named(const std::string& precision, at::Device device)
{
    if (precision == "fastest") {
        return fastest(device);
    }
    if (precision == "exact") {
        return exact(device);
    }
    if (precision == "fp16" && !device.is_cuda()) {
        throw Error("fp16 is for GPUs; on the CPU --precision is fastest, exact, fp32 or bf16", "usage");
    }
    if (precision != "fp32" && precision != "bf16" && precision != "fp16") {
        throw Error("--precision is fastest, exact, fp32, bf16 or fp16", "usage");
    }
    return {precision == "fp32" ? at::kFloat : precision == "bf16" ? at::kBFloat16 : at::kHalf, true, device};
}

std::string Compute::name() const
{
    const char* const word = type == at::kBFloat16 ? "bf16" : type == at::kHalf ? "fp16" : channelsLast ? "fp32" : "exact";
    return device.is_cuda() ? std::string(word) + " cuda" : word;
}

/// Undefined where it is missing or of another shape.
at::Tensor LoadedWeights::find(const std::string& name, at::IntArrayRef shape)
{
    const bool isFirst = m_used.insert(name).second;
    HF_ASSERT(isFirst);
    const auto found = m_tensors.find(name);
    if (found == m_tensors.end()) {
        m_missing.push_back(name);
        return {};
    }
    if (found->second.sizes() != shape || !found->second.is_floating_point()) {
        m_misshapen.push_back(name + " should be " + textOf(shape) + ", is " + textOf(found->second.sizes()));
        return {};
    }
    return std::exchange(found->second, {});
}

at::Tensor LoadedWeights::take(const std::string& name, at::IntArrayRef shape)
{
    const at::Tensor found = find(name, shape);
    if (!found.defined()) {
        return {};
    }
    const at::Tensor tensor = found.to(m_compute.device).to(m_compute.type);
    if (!m_compute.channelsLast || shape.size() < 4) {
        return tensor.contiguous();
    }
    return tensor.contiguous(shape.size() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d);
}

at::Tensor LoadedWeights::takeFloat(const std::string& name, at::IntArrayRef shape)
{
    const at::Tensor found = find(name, shape);
    return found.defined() ? found.to(m_compute.device).to(at::kFloat).contiguous() : at::Tensor();
}

void LoadedWeights::skip(const std::string& name, at::IntArrayRef) { m_used.insert(name); }

void LoadedWeights::finish(const std::string& origin) const
{
    std::vector<std::string> unexpected;
    for (const auto& [name, tensor] : m_tensors) {
        if (!m_used.contains(name) && !endsWith(name, "num_batches_tracked")) {
            unexpected.push_back(name);
        }
    }
    if (m_missing.empty() && m_misshapen.empty() && unexpected.empty()) {
        return;
    }
    std::string text = origin + " does not fit the network.";
    for (const auto& [what, names] : {std::pair{" Missing: ", &m_missing}, {" Wrong: ", &m_misshapen}, {" Unexpected: ", static_cast<const std::vector<std::string>*>(&unexpected)}}) {
        text += names->empty() ? "" : what + joined(*names) + ".";
    }
    throw Error(text, "weights");
}

at::Tensor WeightList::take(const std::string& name, at::IntArrayRef shape)
{
    m_entries.emplace_back(name, shape.vec());
    return {};
}

runtime::TensorMap hashedWeights(const WeightList& list)
{
    std::vector<WeightList::Entry> sorted = list.entries();
    std::sort(sorted.begin(), sorted.end());
    runtime::TensorMap tensors;
    for (std::size_t n = 0; n < sorted.size(); ++n) {
        tensors.emplace(sorted[n].first, hashedTensor(sorted[n], n));
    }
    return tensors;
}

at::Tensor hashedInput(at::IntArrayRef shape, double low, double high)
{
    const at::Tensor tensor = at::empty(shape, at::kFloat);
    float* values = tensor.data_ptr<float>();
    for (std::int64_t i = 0; i < tensor.numel(); ++i) {
        values[i] = float(low + (high - low) * double(hashOf(std::uint64_t(i) * 2654435761U + 7)) / 4294967296.0);
    }
    return tensor;
}

} // namespace hf::experts
