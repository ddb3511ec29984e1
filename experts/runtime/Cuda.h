#pragma once

#include "viewer/volume/Error.h"

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <string>

namespace hf::runtime {

/// Opens the CUDA half of LibTorch (libtorch_cuda.so beside libtorch_cpu.so) and our own kernels (libhf_cuda.so), once. The engine is not
/// linked with either, so that one program runs with an NVIDIA driver and without. LibTorch keeps its first answer about CUDA, so this
/// comes before anything that asks it: the commands call it before they load a model. fp32 then means fp32: TF32 is turned off. cuDNN does no
/// attention: it plans anew for each length. Any thread.
/// @return whether a GPU can be used.
bool openCuda();

/// Why not: no driver, no libraries, no device. Empty where a GPU can be used; openCuda() first.
std::string cudaProblem();

/// Our own kernels: libhf_cuda.so beside the program, or the file that HF_CUDA_PLUGIN names; opened once, after CUDA. A handle for dlsym(), null with the
/// reason in `problem` where they cannot be used. Any thread.
void* cudaKernels(std::string* problem = nullptr);

/// While one lives, convolutions on GPUs try their algorithms once for each new shape and keep the fastest (cuDNN). For many windows of one shape; which is
/// found may differ from run to run, and results with it by rounding. One thread at a time.
class TriedConvolutions {
public:
    explicit TriedConvolutions(bool isWanted);
    ~TriedConvolutions();
    TriedConvolutions(const TriedConvolutions&) = delete;
    TriedConvolutions& operator=(const TriedConvolutions&) = delete;

private:
    bool m_before = false;
};

/// "cpu"; "cuda" or "cuda:N"; "auto": the first GPU where there is one, else the CPU. Only "cpu" leaves CUDA unopened.
/// @throws Error "device" with the reason where the device is not there, "arguments" for another word.
at::Device chooseDevice(const std::string& word);

/// "NVIDIA H100 80GB HBM3" or "CPU".
std::string deviceName(at::Device device);

struct DeviceMemory { std::uint64_t free = 0, total = 0; };
/// Memory of a GPU: what other programs and this one left. Nothing for the CPU.
std::optional<DeviceMemory> deviceMemory(at::Device device);

/// Bytes of a GPU that tensors take now, and the most that they took since resetPeakDeviceBytes(); 0 for the CPU.
std::uint64_t deviceBytes(at::Device device);
std::uint64_t peakDeviceBytes(at::Device device);
void resetPeakDeviceBytes(at::Device device);

/// Waits until everything that was asked of the device is done. Nothing for the CPU.
void synchronise(at::Device device);

/// Gives kept, unused blocks of GPU memory back to the system.
void emptyDeviceCache();

/// For work that a GPU has no room for, even after its cache was emptied: Error "memory" with what is free.
Error outOfDeviceMemory(at::Device device, const std::string& work);

} // namespace hf::runtime
