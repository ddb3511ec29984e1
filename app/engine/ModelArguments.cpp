#include "app/engine/ModelArguments.h"

#include "app/engine/Engine.h"

namespace hf::app {

std::set<std::string> modelOptions() { return {"--model", "--device", "--precision", "--quantization"}; }

assistant::LoadOptions loadOptions(const Arguments& arguments)
{
    assistant::LoadOptions options;
    options.device = arguments.value("--device", options.device);
    options.dtype = arguments.value("--precision", options.dtype);
    options.quantisation = arguments.value("--quantization", options.quantisation);
    return options;
}

std::filesystem::path modelFolder(const Arguments& arguments)
{
    return arguments.has("--model") ? std::filesystem::path(arguments.value("--model")) : demoModelFolder();
}

std::unique_ptr<assistant::VilaModel> loadModel(const Arguments& arguments)
{
    return assistant::VilaModel::load(modelFolder(arguments), loadOptions(arguments));
}

} // namespace hf::app
