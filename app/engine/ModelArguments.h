#pragma once

#include "app/engine/Arguments.h"
#include "assistant/engine/VilaModel.h"

#include <memory>

namespace hf::app {

/// The options of every command that loads a model: --model FOLDER, --device auto|cpu|cuda:N, --precision auto|fp32|bf16|fp16,
/// --quantization none|int8|int4.
std::set<std::string> modelOptions();
assistant::LoadOptions loadOptions(const Arguments& arguments);
/// The folder of --model, else the embedded demo model's.
std::filesystem::path modelFolder(const Arguments& arguments);
std::unique_ptr<assistant::VilaModel> loadModel(const Arguments& arguments);

} // namespace hf::app
