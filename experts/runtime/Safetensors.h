#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hf::runtime {

class MappedFile;
using TensorMap = std::map<std::string, at::Tensor>;

/// The tensors of a safetensors file, or of all shards of an index, memory-mapped: tensors are read-only views on the file,
/// which stay valid as long as one of them lives. Nothing is executed. Source: experts.md 6.5.
/// @param path  a *.safetensors file, a *.safetensors.index.json file, or a folder that holds one of them
///              (model.safetensors.index.json before model.safetensors).
/// @throws Error naming the file and what is wrong with its header; for a folder with only *.bin files, that name.
TensorMap readSafetensors(const std::filesystem::path& path);
/// The same from one file that is already open.
TensorMap readSafetensors(const std::shared_ptr<const MappedFile>& file);

/// The files that readSafetensors(path) reads, in order.
std::vector<std::filesystem::path> safetensorsFiles(const std::filesystem::path& path);

/// Writes one file (bf16, fp16, fp32, and integer types), names in byte order, written beside and renamed.
/// @throws Error when the file cannot be written.
void writeSafetensors(const std::filesystem::path& file, const TensorMap& tensors, const std::map<std::string, std::string>& metadata = {});

} // namespace hf::runtime
