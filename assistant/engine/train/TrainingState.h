#pragma once

#include <torch/optim/adamw.h>
#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hf::assistant::train {

/// How far a run has come.
struct RunPlace {
    std::int64_t step = 0;              ///< Steps that are done.
    std::int64_t milliseconds = 0;      ///< That they took.
    std::int64_t conversations = 0;
    std::int64_t stream = 0;            ///< Where the run's random numbers begin; those of a step depend on this and the step alone.
    /// After which thousandths of the run words lend their embeddings; kNever once they have, or when they do not.
    std::int64_t lendsAfter = kNever;
    static constexpr std::int64_t kNever = -1;
};

/// What a run that was killed needs to go on as if it had not been: all weights in fp32, the optimizer's averages, and its place.
class TrainingState {
public:
    /// @param settings  what must be the same when the run goes on. @param learned  the optimizer's tensors, which are among `weights`.
    TrainingState(std::filesystem::path file, const std::string& settings, std::vector<torch::Tensor> weights, std::vector<torch::Tensor> learned);

    /// Written beside and renamed: the file is whole, whenever the program ends. @throws Error "file".
    void save(torch::optim::AdamW& optimizer, const RunPlace& place) const;
    /// Nothing when there is no file. @throws Error "settings" when it is of a run with other settings, "broken".
    std::optional<RunPlace> load(torch::optim::AdamW& optimizer);
    /// The run is over.
    void remove() const;

private:
    std::filesystem::path m_file;
    std::int64_t m_settings;
    std::vector<torch::Tensor> m_weights, m_learned;
};

} // namespace hf::assistant::train
