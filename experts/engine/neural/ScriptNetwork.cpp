#include "experts/engine/neural/ScriptNetwork.h"

#include "experts/runtime/Sha256.h"
#include "viewer/volume/Error.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/tensorexpr_fuser.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace hf::experts {

struct ScriptNetwork::Program {
    mutable torch::jit::Module module;
};

ScriptNetwork::ScriptNetwork(const std::filesystem::path& file, const std::function<bool(const std::string& sha256)>& isAllowed, at::Device device)
    : m_name(file.filename().string()), m_device(device)
{
    std::ifstream stream(file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    if (!isAllowed || !isAllowed(runtime::sha256Of(bytes))) {
        throw Error(m_name + " is TorchScript that was not allowed", "torchscript");
    }
    try {
        std::istringstream program(bytes);
        m_program = std::make_unique<Program>(Program{torch::jit::load(program, device)});
        m_program->module.eval();
        // Its kernels would be compiled on the first windows, with a compiler that may not be there.
        torch::jit::setTensorExprFuserEnabled(false);
    } catch (const c10::Error& error) {
        throw Error(m_name + " is no TorchScript: " + error.what_without_backtrace(), "weights");
    }
}

ScriptNetwork::~ScriptNetwork() = default;

at::Tensor ScriptNetwork::forward(const at::Tensor& x) const
{
    try {
        const c10::NoGradGuard withoutGradients;
        const c10::IValue result = m_program->module.forward({x.to(m_device).contiguous()});
        if (result.isTensor()) {
            return result.toTensor().to(at::kFloat);
        }
    } catch (const std::exception& error) {
        throw Error(m_name + " failed: " + std::string(error.what()).substr(0, 400), "network");
    }
    throw Error(m_name + " gives no tensor", "network");
}

} // namespace hf::experts
