#include "experts/engine/neural/Winograd.h"

#include "experts/engine/neural/WinogradKernel.h"
#include "experts/runtime/Parallel.h"
#include "experts/runtime/Processor.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

namespace hf::experts {

namespace {

using Half = unsigned short;

constexpr auto kFormat = at::MemoryFormat::ChannelsLast3d;

/// Weights at the 64 points, in the order of the kernel.
at::Tensor transformed(const at::Tensor& weight)
{
    const at::Tensor g = at::tensor({1.0F, 0.0F, 0.0F, 0.5F, 0.5F, 0.5F, 0.5F, -0.5F, 0.5F, 0.0F, 0.0F, 1.0F}).view({4, 3});
    const std::int64_t out = weight.size(0), in = weight.size(1), together = kWinogradLanes * winogradVectors(out);
    at::Tensor points = weight;                 // each axis in turn: [out, in, 3, 3, 3] to [out, in, 4, 4, 4]
    for (int axis = 0; axis < 3; ++axis) {
        points = at::matmul(points.movedim(2, 4), g.t());
    }
    const at::Tensor parts = points.reshape({out / together, together, in / 2, 2, kWinogradPoints}).permute({4, 0, 2, 1, 3});
    return parts.to(at::kBFloat16).contiguous();
}

} // namespace

bool Winograd::canRun()
{
    static const bool has = __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return has;
}

bool Winograd::isFast() { return canRun() && !runtime::hasMatrixUnit(); }

bool Winograd::suits(std::int64_t in, std::int64_t out) { return in % kWinogradLanes == 0 && out % kWinogradLanes == 0 && in <= 384 && out <= 384; }

Winograd::Winograd(const at::Tensor& weight, const at::Tensor& bias) : m_in(weight.size(1)), m_out(weight.size(0)), m_weights(transformed(weight)), m_bias(bias)
{
    HF_ASSERT(suits(m_in, m_out) && weight.dim() == 5 && weight.scalar_type() == at::kFloat);
}

at::Tensor Winograd::operator()(const at::Tensor& x, const Before* before) const
{
    const at::Tensor input = x.contiguous(kFormat);
    at::Tensor y = at::empty({x.size(0), m_out, x.size(2), x.size(3), x.size(4)}, x.options().memory_format(kFormat));
    HF_ASSERT(!before || x.size(0) == 1);
    for (std::int64_t n = 0; n < x.size(0); ++n) {
        at::Tensor part = y.narrow(0, n, 1);
        run(input.narrow(0, n, 1), part, false, before);
    }
    return y;
}

at::Tensor Winograd::addTo(at::Tensor sum, const at::Tensor& x, const Before* before) const
{
    HF_ASSERT(sum.is_contiguous(kFormat) && sum.size(0) == 1 && sum.size(1) == m_out && sum.sizes().slice(2) == x.sizes().slice(2));
    run(x.contiguous(kFormat), sum, true, before);
    return sum;
}

/// x and y: one volume each, dense channels-last.
void Winograd::run(const at::Tensor& x, at::Tensor& y, bool isAdded, const Before* before) const
{
    HF_ASSERT(x.device().is_cpu() && x.scalar_type() == at::kBFloat16 && y.scalar_type() == at::kBFloat16 && x.size(1) == m_in);
    WinogradJob job;
    job.x = static_cast<const Half*>(x.const_data_ptr());
    job.y = static_cast<Half*>(y.data_ptr());
    job.added = isAdded ? job.y : nullptr;
    job.weights = static_cast<const Half*>(m_weights.const_data_ptr());
    job.bias = m_bias.defined() ? m_bias.const_data_ptr<float>() : nullptr;
    if (before) {
        HF_ASSERT(std::int64_t(before->scale.size()) == m_in && std::int64_t(before->shift.size()) == m_in);
        job.scale = before->scale.data();
        job.shift = before->shift.data();
        job.slope = before->slope;
    }
    job.depth = x.size(2);
    job.height = x.size(3);
    job.width = x.size(4);
    job.in = m_in;
    job.out = m_out;
    // Blocks by turns: cores are not equally fast.
    const std::int64_t blocks = winogradBlocks(job), threads = std::min<std::int64_t>(blocks, at::get_num_threads());
    std::atomic<std::int64_t> next = 0;
    runtime::parallelFor(threads, 1, [&](std::int64_t, std::int64_t) {
        const at::Tensor scratch = at::zeros({winogradScratch(job)}, at::kByte);        // at a multiple of 64
        for (std::int64_t block = next++; block < blocks; block = next++) {
            winogradRun(job, block, block + 1, scratch.data_ptr());
        }
    });
}

} // namespace hf::experts
