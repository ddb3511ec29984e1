#include "experts/engine/neural/ScriptNetwork.h"

#include "experts/runtime/Sha256.h"
#include "viewer/volume/Error.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/csrc/jit/api/module.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace hf::experts {

struct ScriptNetwork::Program {
    mutable torch::jit::Module module;
};

ScriptNetwork::ScriptNetwork(const std::filesystem::path& file, const std::function<bool(const std::string& sha256)>& isAllowed) : m_name(file.filename().string())
{
    std::ifstream stream(file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    if (!isAllowed || !isAllowed(runtime::sha256Of(bytes))) {
        throw Error(m_name + " is TorchScript that was not allowed", "torchscript");
    }
    try {
        std::istringstream program(bytes);
        m_program = std::make_unique<Program>(Program{torch::jit::load(program, at::Device(at::kCPU))});
        m_program->module.eval();
    } catch (const c10::Error& error) {
        throw Error(m_name + " is no TorchScript: " + error.what_without_backtrace(), "weights");
    }
}

ScriptNetwork::~ScriptNetwork() = default;

at::Tensor ScriptNetwork::forward(const at::Tensor& x) const
{
    try {
        const c10::NoGradGuard withoutGradients;
        const c10::IValue result = m_program->module.forward({x.contiguous()});
        if (result.isTensor()) {
            return result.toTensor().to(at::kFloat);
        }
    } catch (const std::exception& error) {
        throw Error(m_name + " failed: " + std::string(error.what()).substr(0, 400), "network");
    }
    throw Error(m_name + " gives no tensor", "network");
}

} // namespace hf::experts
