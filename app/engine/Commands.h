#pragma once

#include <span>
#include <string>

namespace hf::app {

// Sub-commands of hounsfield-engine. Each gets the words after its name and gives the exit code.
// @throws Error; code "usage" for words that it does not understand.

int serveCommand(std::span<const std::string> words);
/// One question about a view of a volume, or (promptCommand) about a picture file.
int askCommand(std::span<const std::string> words);
int promptCommand(std::span<const std::string> words);
int segmentCommand(std::span<const std::string> words);
int classifyCommand(std::span<const std::string> words);
int modelsCommand(std::span<const std::string> words);
int tokenizeCommand(std::span<const std::string> words);
int quantizeCommand(std::span<const std::string> words);
int checkCommand(std::span<const std::string> words);
/// Speed of a language model; `bench` without `experts`.
int benchModelCommand(std::span<const std::string> words);
/// `bench --training`: conversations a second of a training.
int benchTrainingCommand(std::span<const std::string> words);
/// The paper's benchmarks.
int evaluateCommand(std::span<const std::string> words);
/// Conversations of the expert stage from phantoms and label maps.
int makeDataCommand(std::span<const std::string> words);
int trainCommand(std::span<const std::string> words);
/// train with --data: from conversations in the published form.
int tuneCommand(std::span<const std::string> words);
int runNetworkCommand(std::span<const std::string> words);
/// `bench experts`: time and memory of their networks, of whole volumes, and devices compared.
int benchExpertsCommand(std::span<const std::string> words);
/// One of the three.
int benchCommand(std::span<const std::string> words);

} // namespace hf::app
