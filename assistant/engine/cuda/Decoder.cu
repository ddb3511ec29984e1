#include "assistant/engine/cuda/Kernels.cuh"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace hf::assistant::cuda {

namespace {

void check(cudaError_t error, const char* what)
{
    if (error != cudaSuccess) {
        // The next call is not to be blamed for it.
        cudaGetLastError();
        throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
    }
}

/// While one lives, this thread's calls go to the device.
class OnDevice {
public:
    explicit OnDevice(int device)
    {
        check(cudaGetDevice(&m_before), "cudaGetDevice");
        check(cudaSetDevice(device), "cudaSetDevice");
    }
    ~OnDevice() { cudaSetDevice(m_before); }
    OnDevice(const OnDevice&) = delete;
    OnDevice& operator=(const OnDevice&) = delete;

private:
    int m_before = 0;
};

/// Memory of the device.
template <typename Value> class Array {
public:
    void allocate(std::size_t count)
    {
        check(cudaMalloc(&m_data, count * sizeof(Value)), "cudaMalloc");
        check(cudaMemset(m_data, 0, count * sizeof(Value)), "cudaMemset");
    }
    Array() = default;
    ~Array() { cudaFree(m_data); }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    Value* data() const { return static_cast<Value*>(m_data); }

private:
    void* m_data = nullptr;
};

bool isPacked(Type type) { return type == Type::Int8 || type == Type::Int4; }

int columnsOfPiece(Type type)
{
    switch (type) {
    case Type::Fp32: return kColumns<Type::Fp32>;
    default: return kColumns<Type::Bf16>;
    }
}

Rows rowsOf(const Matrix& matrix, float* result)
{
    const long long groups = (matrix.columns + kGroup - 1) / kGroup;
    const long long stride = matrix.type == Type::Int8 ? groups * kGroup : matrix.type == Type::Int4 ? groups * kGroup / 2 : matrix.columns * (matrix.type == Type::Fp32 ? 4 : 2);
    return {static_cast<const char*>(matrix.data), static_cast<const __half*>(matrix.scales), stride, int(matrix.rows), result};
}

/// Shared memory for a vector in the form that the weights want.
std::size_t vectorBytes(Type type, int columns)
{
    const std::size_t groups = std::size_t(columns + kGroup - 1) / kGroup;
    return isPacked(type) ? groups * (kGroup + sizeof(float) + sizeof(int)) : std::size_t(columns) * sizeof(float);
}

using MultiplyKernel = void (*)(MultiplyArguments);
using AttendKernel = void (*)(AttendArguments);

template <Output kOutput> MultiplyKernel multiplyOf(Type type)
{
    switch (type) {
    case Type::Fp32: return multiply<Type::Fp32, kOutput>;
    case Type::Fp16: return multiply<Type::Fp16, kOutput>;
    case Type::Bf16: return multiply<Type::Bf16, kOutput>;
    case Type::Int8: return multiply<Type::Int8, kOutput>;
    default: return multiply<Type::Int4, kOutput>;
    }
}

MultiplyKernel multiplyOf(Type type, Output output)
{
    switch (output) {
    case Output::Store: return multiplyOf<Output::Store>(type);
    case Output::Add: return multiplyOf<Output::Add>(type);
    case Output::Gate: return multiplyOf<Output::Gate>(type);
    default: return multiplyOf<Output::Head>(type);
    }
}

template <Type kType> AttendKernel attendOf(int group)
{
    return group == 1 ? attend<kType, 1> : group == 2 ? attend<kType, 2> : group <= 4 ? attend<kType, 4> : attend<kType, 8>;
}

AttendKernel attendOf(Type type, int group)
{
    return type == Type::Fp32 ? attendOf<Type::Fp32>(group) : type == Type::Fp16 ? attendOf<Type::Fp16>(group) : attendOf<Type::Bf16>(group);
}

class Decoder {
public:
    explicit Decoder(const Setup& setup) : m_setup(setup), m_layers(setup.layer, setup.layer + setup.layers)
    {
        m_setup.layer = nullptr;
        checkShapes();
        const OnDevice onDevice(setup.device);
        int processors = 0, major = 0;
        check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, setup.device), "cudaDeviceGetAttribute");
        check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, setup.device), "cudaDeviceGetAttribute");
        m_processors = processors;
        m_overlaps = major >= 9;
        m_splits = std::clamp((processors + setup.keyValueHeads - 1) / setup.keyValueHeads, 1, kMostSplits);

        const std::size_t hidden = std::size_t(setup.hiddenSize), query = std::size_t(setup.heads) * setup.headDim, key = std::size_t(setup.keyValueHeads) * setup.headDim;
        m_row.allocate(hidden);
        m_query.allocate(query);
        m_key.allocate(key);
        m_value.allocate(key);
        m_mixed.allocate(query);
        m_inner.allocate(std::size_t(setup.innerSize));
        m_parts.allocate(std::size_t(setup.heads) * m_splits * (setup.headDim + 2));
        m_finished.allocate(std::size_t(setup.keyValueHeads));
        m_keys.allocate(std::size_t(setup.layers));
        m_values.allocate(std::size_t(setup.layers));
        m_capacity.allocate(1);
        m_best.allocate(1);
        m_input.allocate(1);
        check(cudaMallocHost(&m_hostInput, sizeof(StepInput)), "cudaMallocHost");
        check(cudaMallocHost(&m_hostBest, sizeof(unsigned long long)), "cudaMallocHost");
        check(cudaStreamCreate(&m_stream), "cudaStreamCreate");
        capture();
    }

    ~Decoder()
    {
        int before = 0;
        cudaGetDevice(&before);
        cudaSetDevice(m_setup.device);
        cudaDeviceSynchronize();
        if (m_graph) {
            cudaGraphExecDestroy(m_graph);
        }
        if (m_stream) {
            cudaStreamDestroy(m_stream);
        }
        cudaFreeHost(m_hostInput);
        cudaFreeHost(m_hostBest);
        cudaSetDevice(before);
    }

    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;

    void setCaches(void* const* keys, void* const* values, std::int64_t capacity)
    {
        const OnDevice onDevice(m_setup.device);
        const std::size_t bytes = m_layers.size() * sizeof(void*);
        const long long rows = capacity;
        check(cudaMemcpy(m_keys.data(), keys, bytes, cudaMemcpyHostToDevice), "cudaMemcpy");
        check(cudaMemcpy(m_values.data(), values, bytes, cudaMemcpyHostToDevice), "cudaMemcpy");
        check(cudaMemcpy(m_capacity.data(), &rows, sizeof rows, cudaMemcpyHostToDevice), "cudaMemcpy");
        m_rows = capacity;
    }

    std::int64_t step(std::int64_t token, std::int64_t position, const float* cosine, const float* sine)
    {
        if (position < 0 || position >= m_rows || token < 0 || token >= m_setup.embedding.rows) {
            throw std::runtime_error("token " + std::to_string(token) + " at position " + std::to_string(position) + " is outside of the cache or the vocabulary");
        }
        const OnDevice onDevice(m_setup.device);
        m_hostInput->token = int(token);
        m_hostInput->position = int(position);
        std::copy_n(cosine, m_setup.headDim, m_hostInput->cosine);
        std::copy_n(sine, m_setup.headDim, m_hostInput->sine);
        // This stream and the default one wait for each other, so what was asked of that one is done first.
        check(cudaGraphLaunch(m_graph, m_stream), "cudaGraphLaunch");
        check(cudaStreamSynchronize(m_stream), "a step on the GPU");
        return std::int64_t(0xFFFFFFFFU - unsigned(*m_hostBest & 0xFFFFFFFFU));
    }

private:
    void checkShapes() const
    {
        const auto refuse = [](const std::string& what) { throw std::runtime_error("the GPU's kernels for single tokens do not take " + what); };
        const int group = m_setup.keyValueHeads > 0 ? m_setup.heads / m_setup.keyValueHeads : 0;
        if (m_setup.headDim > kMostHeadDim || m_setup.headDim % 4 || m_setup.headDim < 4) {
            refuse("heads of " + std::to_string(m_setup.headDim));
        }
        if (group < 1 || group > 8 || group * m_setup.keyValueHeads != m_setup.heads) {
            refuse(std::to_string(m_setup.heads) + " heads with " + std::to_string(m_setup.keyValueHeads) + " of keys");
        }
        const auto checkMatrix = [&](const Matrix& matrix) {
            if (matrix.columns % columnsOfPiece(matrix.type) || matrix.columns > 32768 || matrix.rows > 1 << 30 || !matrix.data || reinterpret_cast<std::uintptr_t>(matrix.data) % 16) {
                refuse("matrices of " + std::to_string(matrix.columns) + " columns");
            }
        };
        for (const Layer& layer : m_layers) {
            for (const Matrix* matrix : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) {
                checkMatrix(*matrix);
            }
            if (layer.q.type != layer.k.type || layer.q.type != layer.v.type || layer.gate.type != layer.up.type) {
                refuse("matrices of several types");
            }
        }
        checkMatrix(m_setup.head);
    }

    template <typename Kernel, typename... Arguments> void launch(Kernel kernel, dim3 grid, int threads, std::size_t shared, bool overlaps, Arguments... arguments)
    {
        if (shared > 48 * 1024) {
            check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared)), "cudaFuncSetAttribute");
        }
        cudaLaunchAttribute attribute{};
        attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
        attribute.val.programmaticStreamSerializationAllowed = 1;
        cudaLaunchConfig_t config{};
        config.gridDim = grid;
        config.blockDim = dim3(unsigned(threads));
        config.dynamicSmemBytes = shared;
        config.stream = m_stream;
        config.attrs = &attribute;
        config.numAttrs = overlaps && m_overlaps ? 1 : 0;
        check(cudaLaunchKernelEx(&config, kernel, arguments...), "cudaLaunchKernelEx");
    }

    void launchMultiply(Output output, const std::vector<Rows>& rows, Type type, std::int64_t columns, const float* x, const float* norm)
    {
        MultiplyArguments arguments{};
        std::copy(rows.begin(), rows.end(), arguments.rows);
        arguments.parts = int(rows.size());
        arguments.columns = int(columns);
        arguments.x = x;
        arguments.norm = norm;
        arguments.eps = m_setup.rmsNormEps;
        arguments.choices = int(m_setup.choices);
        arguments.best = m_best.data();
        launch(multiplyOf(type, output), dim3(unsigned(m_processors * kBlocks)), kThreads, vectorBytes(type, int(columns)), true, arguments);
    }

    void launchLayer(std::size_t number)
    {
        const Layer& layer = m_layers[number];
        launchMultiply(Output::Store, {rowsOf(layer.q, m_query.data()), rowsOf(layer.k, m_key.data()), rowsOf(layer.v, m_value.data())}, layer.q.type, layer.q.columns,
            m_row.data(), layer.inputNorm);
        AttendArguments attention{};
        attention.input = m_input.data();
        attention.query = m_query.data();
        attention.key = m_key.data();
        attention.value = m_value.data();
        attention.keys = m_keys.data() + number;
        attention.values = m_values.data() + number;
        attention.capacity = m_capacity.data();
        attention.heads = m_setup.heads;
        attention.keyValueHeads = m_setup.keyValueHeads;
        attention.headDim = m_setup.headDim;
        attention.parts = m_parts.data();
        attention.finished = m_finished.data();
        attention.mixed = m_mixed.data();
        launch(attendOf(m_setup.cacheType, m_setup.heads / m_setup.keyValueHeads), dim3(unsigned(m_setup.keyValueHeads), unsigned(m_splits)), kAttendThreads, 0, true, attention);
        launchMultiply(Output::Add, {rowsOf(layer.o, m_row.data())}, layer.o.type, layer.o.columns, m_mixed.data(), nullptr);
        launchMultiply(Output::Gate, {rowsOf(layer.gate, m_inner.data()), rowsOf(layer.up, nullptr)}, layer.gate.type, layer.gate.columns, m_row.data(), layer.postAttentionNorm);
        launchMultiply(Output::Add, {rowsOf(layer.down, m_row.data())}, layer.down.type, layer.down.columns, m_inner.data(), nullptr);
    }

    void capture()
    {
        check(cudaStreamBeginCapture(m_stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
        cudaGraph_t graph = nullptr;
        try {
            check(cudaMemcpyAsync(m_input.data(), m_hostInput, sizeof(StepInput), cudaMemcpyHostToDevice, m_stream), "cudaMemcpyAsync");
            launch(embed, dim3(unsigned((m_setup.hiddenSize + 255) / 256)), 256, 0, false, static_cast<const StepInput*>(m_input.data()), m_setup.embedding.type,
                m_setup.embedding.data, m_setup.hiddenSize, m_row.data(), m_best.data());
            for (std::size_t layer = 0; layer < m_layers.size(); ++layer) {
                launchLayer(layer);
            }
            launchMultiply(Output::Head, {rowsOf(m_setup.head, m_setup.logits)}, m_setup.head.type, m_setup.head.columns, m_row.data(), m_setup.finalNorm);
            check(cudaMemcpyAsync(m_hostBest, m_best.data(), sizeof(unsigned long long), cudaMemcpyDeviceToHost, m_stream), "cudaMemcpyAsync");
        } catch (...) {
            cudaStreamEndCapture(m_stream, &graph);
            if (graph) {
                cudaGraphDestroy(graph);
            }
            throw;
        }
        check(cudaStreamEndCapture(m_stream, &graph), "cudaStreamEndCapture");
        const cudaError_t error = cudaGraphInstantiate(&m_graph, graph, 0);
        cudaGraphDestroy(graph);
        check(error, "cudaGraphInstantiate");
    }

    Setup m_setup;
    std::vector<Layer> m_layers;
    int m_processors = 1, m_splits = 1;
    bool m_overlaps = false;
    std::int64_t m_rows = 0;
    Array<float> m_row, m_query, m_key, m_value, m_mixed, m_inner, m_parts;
    Array<unsigned> m_finished;
    Array<void*> m_keys, m_values;
    Array<long long> m_capacity;
    Array<unsigned long long> m_best;
    Array<StepInput> m_input;
    StepInput* m_hostInput = nullptr;
    unsigned long long* m_hostBest = nullptr;
    cudaStream_t m_stream = nullptr;
    cudaGraphExec_t m_graph = nullptr;
};

/// Runs it; what it throws becomes text.
template <typename Body> int guarded(char* error, int errorSize, const Body& body)
{
    try {
        body();
        return 0;
    } catch (const std::exception& exception) {
        std::snprintf(error, std::size_t(errorSize), "%s", exception.what());
        return 1;
    }
}

void* createDecoder(const Setup& setup, char* error, int errorSize)
{
    Decoder* decoder = nullptr;
    guarded(error, errorSize, [&] { decoder = new Decoder(setup); });
    return decoder;
}

void destroyDecoder(void* decoder) { delete static_cast<Decoder*>(decoder); }

int setCaches(void* decoder, void* const* keys, void* const* values, std::int64_t capacity, char* error, int errorSize)
{
    return guarded(error, errorSize, [&] { static_cast<Decoder*>(decoder)->setCaches(keys, values, capacity); });
}

int step(void* decoder, std::int64_t token, std::int64_t position, const float* cosine, const float* sine, std::int64_t* best, char* error, int errorSize)
{
    return guarded(error, errorSize, [&] { *best = static_cast<Decoder*>(decoder)->step(token, position, cosine, sine); });
}

int dequantiseMatrix(const Matrix& matrix, Type type, void* target, char* error, int errorSize)
{
    return guarded(error, errorSize, [&] {
        constexpr int kBlock = 256;
        const std::int64_t groups = (matrix.columns + kGroup - 1) / kGroup;
        const std::int64_t pieces = matrix.rows * groups * (matrix.type == Type::Int8 ? 4 : 2);
        const auto kernel = matrix.type == Type::Int8 ? dequantise<Type::Int8> : dequantise<Type::Int4>;
        kernel<<<unsigned((pieces + kBlock - 1) / kBlock), kBlock>>>(static_cast<const uint2*>(matrix.data), static_cast<const __half*>(matrix.scales), matrix.rows,
            int(matrix.columns), type, target);
        check(cudaGetLastError(), "unpacking a matrix");
    });
}

} // namespace

} // namespace hf::assistant::cuda

extern "C" const hf::assistant::cuda::Interface* hfCudaInterface()
{
    using namespace hf::assistant::cuda;
    static const Interface interface{kInterfaceVersion, createDecoder, destroyDecoder, setCaches, step, dequantiseMatrix};
    return &interface;
}
