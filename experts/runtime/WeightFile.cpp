#include "experts/runtime/WeightFile.h"

#include "experts/runtime/MappedFile.h"
#include "experts/runtime/TorchFile.h"
#include "viewer/volume/Error.h"

#include <algorithm>

namespace hf::runtime {

namespace {

bool looksLikeSafetensors(std::string_view bytes) { return bytes.size() > 8 && bytes[8] == '{' && !bytes.starts_with("PK"); }

/// Takes off one prefix that every name carries; false when there is none.
bool stripPrefix(TensorMap& tensors)
{
    for (const std::string prefix : {"module.", "model.", "network."}) {
        if (tensors.empty() || !std::all_of(tensors.begin(), tensors.end(), [&](const auto& entry) { return entry.first.starts_with(prefix); })) {
            continue;
        }
        TensorMap stripped;
        for (auto& [name, tensor] : tensors) {
            stripped.emplace(name.substr(prefix.size()), std::move(tensor));
        }
        tensors = std::move(stripped);
        return true;
    }
    return false;
}

TensorMap finish(TensorMap tensors, const std::string& name)
{
    if (tensors.empty()) {
        throw Error(name + " cannot be read as weights: it holds no tensors", "weights");
    }
    while (stripPrefix(tensors)) {
    }
    return tensors;
}

} // namespace

TensorMap readWeights(const std::shared_ptr<const MappedFile>& file)
{
    return finish(looksLikeSafetensors(file->view()) ? readSafetensors(file) : readTorchFile(file), file->name());
}

TensorMap readWeights(const std::filesystem::path& path)
{
    if (std::filesystem::is_directory(path) || path.extension() == ".json") {
        return finish(readSafetensors(path), path.filename().string());
    }
    return readWeights(MappedFile::open(path));
}

} // namespace hf::runtime
