#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>

namespace hf::runtime {

/// NumPy's .npy files, versions 1 to 3: little-endian float, integer and bool arrays in C or Fortran order. Source: NumPy, "NPY format".
/// @throws Error "file" or "broken" naming the file and what is wrong; objects and structured types are refused.
at::Tensor readNpy(const std::filesystem::path& file);
/// Written beside and renamed. @throws Error "file".
void writeNpy(const std::filesystem::path& file, const at::Tensor& tensor);

} // namespace hf::runtime
