#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace hf::experts {

/// A TorchScript program as a network: one tensor in, one out. It is code, so it is run only when its bytes were allowed.
class ScriptNetwork {
public:
    /// Reads the file once; exactly what was hashed is loaded.
    /// @throws Error "torchscript" when the hash is not allowed; "weights" when it is no TorchScript.
    ScriptNetwork(const std::filesystem::path& file, const std::function<bool(const std::string& sha256)>& isAllowed, at::Device device = at::kCPU);
    ~ScriptNetwork();

    /// @param x  fp32 [1, C, ...]. @return fp32 [1, F, ...], on the device. @throws Error "network" when the program fails or gives something else.
    at::Tensor forward(const at::Tensor& x) const;

private:
    struct Program;
    std::unique_ptr<Program> m_program;
    std::string m_name;
    at::Device m_device;
};

} // namespace hf::experts
