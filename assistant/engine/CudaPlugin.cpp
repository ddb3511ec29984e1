#include "assistant/engine/CudaPlugin.h"

#include "experts/runtime/Cuda.h"
#include "viewer/volume/Error.h"

#include <array>

#include <dlfcn.h>

namespace hf::assistant {

namespace {

struct Plugin {
    const cuda::Interface* interface = nullptr;
    std::string problem;
};

Plugin openPlugin()
{
    Plugin opened;
    void* const library = runtime::cudaKernels(&opened.problem);
    if (!library) {
        return opened;
    }
    const auto entry = reinterpret_cast<const cuda::Interface* (*)()>(::dlsym(library, "hfCudaInterface"));
    opened.interface = entry ? entry() : nullptr;
    if (!opened.interface || opened.interface->version != cuda::kInterfaceVersion) {
        return {nullptr, "the CUDA plug-in belongs to another version of this program"};
    }
    return opened;
}

const Plugin& plugin()
{
    static const Plugin opened = openPlugin();
    return opened;
}

const cuda::Interface& neededPlugin()
{
    if (!plugin().interface) {
        throw Error(plugin().problem, "device");
    }
    return *plugin().interface;
}

cuda::Type typeOf(torch::ScalarType type) { return type == at::kFloat ? cuda::Type::Fp32 : type == at::kHalf ? cuda::Type::Fp16 : cuda::Type::Bf16; }

std::int64_t bytesOf(const cuda::Matrix& matrix)
{
    constexpr std::int64_t kGroup = WeightView::kGroup;
    const std::int64_t groups = (matrix.columns + kGroup - 1) / kGroup;
    switch (matrix.type) {
    case cuda::Type::Fp32: return matrix.rows * matrix.columns * 4;
    case cuda::Type::Int8: return matrix.rows * groups * (kGroup + 2);
    case cuda::Type::Int4: return matrix.rows * groups * (kGroup / 2 + 2);
    default: return matrix.rows * matrix.columns * 2;
    }
}

constexpr std::size_t kErrorSize = 512;

} // namespace

const cuda::Interface* cudaPlugin(std::string* problem)
{
    if (problem) {
        *problem = plugin().problem;
    }
    return plugin().interface;
}

cuda::Matrix cudaMatrix(const torch::Tensor& weight, std::vector<torch::Tensor>& kept)
{
    const torch::Tensor matrix = weight.detach().contiguous();
    kept.push_back(matrix);
    return {typeOf(matrix.scalar_type()), matrix.size(0), matrix.size(1), matrix.data_ptr(), nullptr};
}

cuda::Matrix cudaMatrix(const LinearImpl& linear, std::vector<torch::Tensor>& kept)
{
    if (!linear.rowPacked) {
        return cudaMatrix(linear.weight, kept);
    }
    kept.push_back(linear.rowPacked->data);
    kept.push_back(linear.rowPacked->scales);
    return {cuda::Type(int(linear.rowPacked->type)), linear.rowPacked->rows, linear.rowPacked->columns, linear.rowPacked->data.data_ptr(), linear.rowPacked->scales.data_ptr()};
}

std::optional<torch::Tensor> unpackedByPlugin(const RowPackedWeight& packed, torch::ScalarType wanted)
{
    if (!packed.data.is_cuda() || !cudaPlugin() || (wanted != at::kFloat && wanted != at::kHalf && wanted != at::kBFloat16)) {
        return std::nullopt;
    }
    // The plug-in counts types as WeightView does.
    static_assert(int(cuda::Type::Int4) == int(WeightView::Type::Int4) && int(cuda::Type::Bf16) == int(WeightView::Type::Bf16));
    const cuda::Matrix matrix{cuda::Type(int(packed.type)), packed.rows, packed.columns, packed.data.data_ptr(), packed.scales.data_ptr()};
    torch::Tensor target = at::empty({packed.rows, packed.columns}, packed.scales.options().dtype(wanted));
    std::array<char, kErrorSize> error{};
    if (cudaPlugin()->dequantise(matrix, typeOf(wanted), target.data_ptr(), error.data(), int(error.size()))) {
        throw Error(error.data(), "device");
    }
    return target;
}

CudaDecoder::CudaDecoder(cuda::Setup setup, std::vector<cuda::Layer> layers, std::vector<torch::Tensor> weights)
    : m_plugin(neededPlugin()), m_weights(std::move(weights))
{
    m_logits = at::empty({setup.head.rows}, at::TensorOptions().dtype(at::kFloat).device(at::kCUDA, c10::DeviceIndex(setup.device)));
    setup.logits = m_logits.data_ptr<float>();
    setup.layer = layers.data();
    setup.layers = int(layers.size());
    std::array<char, kErrorSize> error{};
    // What LibTorch still has to do with the weights is done before another stream reads them.
    runtime::synchronise(m_logits.device());
    m_decoder = m_plugin.create(setup, error.data(), int(error.size()));
    if (!m_decoder) {
        throw Error(error.data(), "device");
    }
    m_bytesPerStep = bytesOf(setup.head);
    for (const cuda::Layer& layer : layers) {
        for (const cuda::Matrix* matrix : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) {
            m_bytesPerStep += bytesOf(*matrix);
        }
    }
}

CudaDecoder::~CudaDecoder() { m_plugin.destroy(m_decoder); }

void CudaDecoder::follow(const KeyValueCache& cache)
{
    std::vector<void*> keys, values;
    for (const KeyValueCache::Layer& layer : cache.layers) {
        keys.push_back(layer.keys.data_ptr());
        values.push_back(layer.values.data_ptr());
    }
    const std::int64_t capacity = cache.layers.at(0).keys.size(2);
    if (keys == m_keys && values == m_values && capacity == m_capacity) {
        return;
    }
    std::array<char, kErrorSize> error{};
    if (m_plugin.setCaches(m_decoder, keys.data(), values.data(), capacity, error.data(), int(error.size()))) {
        throw Error(error.data(), "device");
    }
    m_keys = std::move(keys);
    m_values = std::move(values);
    m_capacity = capacity;
}

CudaDecoder::Step CudaDecoder::step(std::int64_t token, KeyValueCache& cache, const float* cosine, const float* sine)
{
    follow(cache);
    Step result{m_logits, 0};
    std::array<char, kErrorSize> error{};
    if (m_plugin.step(m_decoder, token, cache.length, cosine, sine, &result.best, error.data(), int(error.size()))) {
        throw Error(error.data(), "device");
    }
    ++cache.length;
    return result;
}

} // namespace hf::assistant
