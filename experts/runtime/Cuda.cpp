#include "experts/runtime/Cuda.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <mutex>

#include <dlfcn.h>

namespace hf::runtime {

namespace fs = std::filesystem;

namespace {

struct Opened {
    std::once_flag once;
    std::string problem = "CUDA was not opened";
};

Opened& opened()
{
    static Opened state;
    return state;
}

/// The folder of the LibTorch that this program runs with.
fs::path torchFolder()
{
    Dl_info info{};
    return ::dladdr(reinterpret_cast<const void*>(&at::detail::getCUDAHooks), &info) && info.dli_fname ? fs::path(info.dli_fname).parent_path() : fs::path();
}

std::string loadError()
{
    const char* const text = ::dlerror();
    return text ? text : "unknown";
}

std::string open()
{
    if (!::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_GLOBAL)) {
        return "there is no NVIDIA driver on this machine";
    }
    const fs::path library = torchFolder() / "libtorch_cuda.so";
    if (!fs::exists(library)) {
        return "LibTorch's CUDA libraries are not installed; packaging/setup --cuda installs them";
    }
    if (!::dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
        return "LibTorch's CUDA libraries cannot be opened (" + loadError() + ")";
    }
    if (!at::detail::getCUDAHooks().hasCUDA()) {
        return "the NVIDIA driver answers for no device that this LibTorch can use";
    }
    try {
        // Now, so that memory can be asked about before the first tensor is there.
        at::globalContext().lazyInitDevice(at::kCUDA);
    } catch (const std::exception& error) {
        return std::string("CUDA cannot be started (") + error.what() + ")";
    }
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
    at::globalContext().setSDPUseCuDNN(false);      // Plans anew for each length of a prompt: 50 ms on an H100.
    return {};
}

bool isCuda(at::Device device) { return device.is_cuda(); }

c10::DeviceIndex indexOf(at::Device device) { return device.has_index() ? device.index() : c10::DeviceIndex(0); }

} // namespace

bool openCuda()
{
    Opened& state = opened();
    std::call_once(state.once, [&] { state.problem = open(); });
    return state.problem.empty();
}

void* cudaKernels(std::string* problem)
{
    struct Library {
        void* handle = nullptr;
        std::string problem;
    };
    static const Library library = [] {
        if (!openCuda()) {
            return Library{nullptr, cudaProblem()};
        }
        const char* const named = std::getenv("HF_CUDA_PLUGIN");
        std::error_code error;
        const fs::path file = named && *named ? fs::path(named) : fs::read_symlink("/proc/self/exe", error).parent_path() / "libhf_cuda.so";
        void* const handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        return Library{handle, handle ? "" : "the CUDA plug-in cannot be opened (" + loadError() + ")"};
    }();
    if (problem) {
        *problem = library.problem;
    }
    return library.handle;
}

TriedConvolutions::TriedConvolutions(bool isWanted) : m_before(at::globalContext().benchmarkCuDNN())
{
    at::globalContext().setBenchmarkCuDNN(isWanted || m_before);
}

TriedConvolutions::~TriedConvolutions() { at::globalContext().setBenchmarkCuDNN(m_before); }

std::string cudaProblem() { return opened().problem; }

at::Device chooseDevice(const std::string& word)
{
    if (word == "cpu") {
        return at::kCPU;
    }
    if (word == "auto") {
        return openCuda() ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
    }
    int index = 0;
    const std::string number = word.starts_with("cuda:") ? word.substr(5) : "0";
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), index);
    if ((word != "cuda" && !word.starts_with("cuda:")) || error != std::errc() || end != number.data() + number.size() || index < 0 || index > 127) {
        throw Error("unknown device '" + word + "' (known: auto, cpu, cuda, cuda:N)", "arguments");
    }
    if (!openCuda()) {
        throw Error("device '" + word + "' cannot be used: " + cudaProblem() + "; --device cpu works everywhere", "device");
    }
    if (const int count = at::accelerator::deviceCount(); index >= count) {
        throw Error("device '" + word + "' is not there; this machine has " + std::to_string(count), "device");
    }
    return {at::kCUDA, c10::DeviceIndex(index)};
}

std::string deviceName(at::Device device)
{
    if (!isCuda(device)) {
        return "CPU";
    }
    // The driver's own interface, whose two functions have not changed since its beginning.
    using GetDevice = int (*)(int*, int);
    using GetName = int (*)(char*, int, int);
    const auto getDevice = reinterpret_cast<GetDevice>(::dlsym(RTLD_DEFAULT, "cuDeviceGet"));
    const auto getName = reinterpret_cast<GetName>(::dlsym(RTLD_DEFAULT, "cuDeviceGetName"));
    std::array<char, 256> name{};
    int handle = 0;
    if (!getDevice || !getName || getDevice(&handle, indexOf(device)) || getName(name.data(), int(name.size()) - 1, handle)) {
        return "GPU";
    }
    return name.data();
}

std::optional<DeviceMemory> deviceMemory(at::Device device)
{
    if (!isCuda(device)) {
        return std::nullopt;
    }
    const auto [free, total] = at::accelerator::getMemoryInfo(indexOf(device));
    return DeviceMemory{free, total};
}

namespace {

const auto& bytesOf(const at::CachingDeviceAllocator::DeviceStats& stats)
{
    return stats.allocated_bytes[std::size_t(at::CachingAllocator::StatType::AGGREGATE)];
}

} // namespace

std::uint64_t deviceBytes(at::Device device)
{
    return isCuda(device) ? std::uint64_t(bytesOf(at::accelerator::getDeviceStats(indexOf(device))).current) : 0;
}

std::uint64_t peakDeviceBytes(at::Device device)
{
    return isCuda(device) ? std::uint64_t(bytesOf(at::accelerator::getDeviceStats(indexOf(device))).peak) : 0;
}

void resetPeakDeviceBytes(at::Device device)
{
    if (isCuda(device)) {
        at::accelerator::resetPeakStats(indexOf(device));
    }
}

void synchronise(at::Device device)
{
    if (isCuda(device)) {
        at::accelerator::synchronizeDevice(indexOf(device));
    }
}

void emptyDeviceCache()
{
    if (opened().problem.empty()) {
        at::accelerator::emptyCache();
    }
}

Error outOfDeviceMemory(at::Device device, const std::string& work)
{
    std::string room;
    if (const auto memory = deviceMemory(device)) {
        room = " (" + std::to_string(memory->free >> 20) + " of " + std::to_string(memory->total >> 20) + " MB are free)";
    }
    return Error("the GPU has not enough memory for " + work + room + "; --device cpu works everywhere", "memory");
}

} // namespace hf::runtime
