#include "experts/engine/neural/NormKernels.h"

namespace hf::experts {

const NormKernels& normKernels()
{
    static const bool hasV4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    static const bool hasV3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return hasV4 ? kNormKernelsV4 : hasV3 ? kNormKernelsV3 : kNormKernelsBase;
}

} // namespace hf::experts
