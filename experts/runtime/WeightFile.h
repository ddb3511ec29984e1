#pragma once

#include "experts/runtime/Safetensors.h"

namespace hf::runtime {

/// The tensors of a weight file in any format that is read: safetensors (also a folder or an index), or what torch.save wrote (TorchFile.h).
/// The format is told from the first bytes, never from the name. Uniform prefixes (`module.`, `model.`, `network.`) are taken off.
/// Nothing is executed.
/// @throws Error "file" when it cannot be read, "weights" with the reason when it is refused.
TensorMap readWeights(const std::filesystem::path& path);
TensorMap readWeights(const std::shared_ptr<const MappedFile>& file);

} // namespace hf::runtime
