#include "assistant/engine/train/TrainingState.h"

#include "experts/runtime/Safetensors.h"
#include "viewer/volume/Error.h"

#include <torch/utils.h>

namespace hf::assistant::train {

namespace fs = std::filesystem;
using torch::optim::AdamWParamState;

namespace {

/// FNV-1a.
std::int64_t hashOf(const std::string& text)
{
    std::uint64_t hash = 14695981039346656037ULL;
    for (const unsigned char c : text) {
        hash = (hash ^ c) * 1099511628211ULL;
    }
    return std::int64_t(hash);
}

std::string numbered(const char* name, std::size_t n) { return name + std::to_string(n); }

} // namespace

TrainingState::TrainingState(fs::path file, const std::string& settings, std::vector<torch::Tensor> weights, std::vector<torch::Tensor> learned)
    : m_file(std::move(file)), m_settings(hashOf(settings)), m_weights(std::move(weights)), m_learned(std::move(learned))
{
}

void TrainingState::save(torch::optim::AdamW& optimizer, const RunPlace& place) const
{
    runtime::TensorMap tensors;
    tensors["run"] = torch::tensor(std::vector<std::int64_t>{m_settings, place.step, place.milliseconds, place.conversations, place.stream, place.lendsAfter}, torch::kLong);
    for (std::size_t n = 0; n < m_weights.size(); ++n) {
        tensors[numbered("weight.", n)] = m_weights[n].detach().cpu();
    }
    for (std::size_t n = 0; n < m_learned.size(); ++n) {
        const auto found = optimizer.state().find(m_learned[n].unsafeGetTensorImpl());
        if (found == optimizer.state().end()) {
            continue;
        }
        auto& state = static_cast<AdamWParamState&>(*found->second);
        tensors[numbered("mean.", n)] = state.exp_avg().cpu();
        tensors[numbered("square.", n)] = state.exp_avg_sq().cpu();
        tensors[numbered("steps.", n)] = torch::tensor(std::vector<std::int64_t>{state.step()}, torch::kLong);
    }
    runtime::writeSafetensors(m_file, tensors);
}

std::optional<RunPlace> TrainingState::load(torch::optim::AdamW& optimizer)
{
    if (!fs::exists(m_file)) {
        return std::nullopt;
    }
    const torch::NoGradGuard noGrad;
    const runtime::TensorMap tensors = runtime::readSafetensors(m_file);
    const auto need = [&](const std::string& name) -> const torch::Tensor& {
        const auto found = tensors.find(name);
        if (found == tensors.end()) {
            throw Error(m_file.string() + " is no state of a training run: " + name + " is missing", "broken");
        }
        return found->second;
    };
    const torch::Tensor run = need("run").clone();
    if (run.scalar_type() != torch::kLong || run.numel() != 6) {
        throw Error(m_file.string() + " is no state of a training run", "broken");
    }
    const auto* numbers = run.data_ptr<std::int64_t>();
    if (numbers[0] != m_settings) {
        throw Error(m_file.string() + " is of a run with other settings; give the same, or remove the file to begin a new run from its weights", "settings");
    }
    const auto take = [&](const std::string& name, const torch::Tensor& like) {
        const torch::Tensor& found = need(name);
        if (found.sizes() != like.sizes()) {
            throw Error(m_file.string() + " is of another model: " + name + " has another shape", "broken");
        }
        return found.to(like.options(), false, true);
    };
    for (std::size_t n = 0; n < m_weights.size(); ++n) {
        m_weights[n].copy_(take(numbered("weight.", n), m_weights[n]));
    }
    for (std::size_t n = 0; n < m_learned.size(); ++n) {
        if (!tensors.contains(numbered("mean.", n))) {
            continue;
        }
        auto state = std::make_unique<AdamWParamState>();
        state->step(need(numbered("steps.", n)).item<std::int64_t>());
        state->exp_avg(take(numbered("mean.", n), m_learned[n]));
        state->exp_avg_sq(take(numbered("square.", n), m_learned[n]));
        optimizer.state()[m_learned[n].unsafeGetTensorImpl()] = std::move(state);
    }
    return RunPlace{numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
}

void TrainingState::remove() const
{
    std::error_code error;
    fs::remove(m_file, error);
}

} // namespace hf::assistant::train
