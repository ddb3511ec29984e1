#include "experts/runtime/Parallel.h"

#include <ATen/Parallel.h>

#ifndef _OPENMP
#error "compile this file for OpenMP: without it, LibTorch's header has one thread only"
#endif

namespace hf::runtime {

void parallelFor(std::int64_t count, std::int64_t grain, const std::function<void(std::int64_t first, std::int64_t last)>& body)
{
    at::parallel_for(0, count, grain, body);
}

} // namespace hf::runtime
