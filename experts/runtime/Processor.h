#pragma once

namespace hf::runtime {

/// Whether this processor multiplies bf16 faster than fp32 (AVX-512 BF16 or AMX). Others take several times as long for it.
inline bool hasFastBf16()
{
    static const bool has = __builtin_cpu_supports("avx512bf16") || __builtin_cpu_supports("amx-bf16");
    return has;
}

/// Whether this processor multiplies tiles of bf16 (AMX): faster than products of int8 vectors.
inline bool hasMatrixUnit()
{
    static const bool has = __builtin_cpu_supports("amx-bf16");
    return has;
}

} // namespace hf::runtime
