#pragma once

#include <cstdint>
#include <functional>

namespace hf::runtime {

/// As at::parallel_for over [0, count), in LibTorch's threads: body(first, last) for parts of at least `grain`. LibTorch's own header runs everything in
/// one thread where the including file is not compiled for OpenMP, as ours are not. An exception of the body is thrown on.
void parallelFor(std::int64_t count, std::int64_t grain, const std::function<void(std::int64_t first, std::int64_t last)>& body);

} // namespace hf::runtime
