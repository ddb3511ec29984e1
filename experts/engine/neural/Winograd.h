#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace hf::experts {

/// A 3 x 3 x 3 convolution of stride 1 and padding 1 in bf16 on the processor, by a third of the products (WinogradKernel.h). Its results are rounded once
/// more than those of a plain convolution in bf16: about 0.5 % of their spread instead of 0.25 %.
class Winograd {
public:
    /// Whether this processor has AVX-512 BF16.
    static bool canRun();
    /// Whether it gains by it: it can run it, and has no AMX (whose plain products are reckoned to be faster).
    static bool isFast();
    /// Whether channels fit: multiples of 16, and at most 384, beyond which the larger weights cost more memory than time is won.
    static bool suits(std::int64_t in, std::int64_t out);

    /// @param weight  fp32 [out, in, 3, 3, 3]. @param bias  fp32 [out] or undefined.
    Winograd(const at::Tensor& weight, const at::Tensor& bias);

    /// Of each channel before the convolution: t > 0 ? t : t * slope for t = x * scale + shift.
    struct Before { std::vector<float> scale, shift; float slope; };

    /// @param x  bf16 [N, in, D, H, W] on the CPU. @param before  null: the convolution of x itself; else N is 1.
    at::Tensor operator()(const at::Tensor& x, const Before* before = nullptr) const;
    /// The same, added to `sum`, which is overwritten and returned: bf16 [1, out, D, H, W], dense channels-last.
    at::Tensor addTo(at::Tensor sum, const at::Tensor& x, const Before* before) const;

private:
    void run(const at::Tensor& x, at::Tensor& y, bool isAdded, const Before* before) const;

    std::int64_t m_in, m_out;
    at::Tensor m_weights;       ///< bf16, as the kernel lays them out.
    at::Tensor m_bias;
};

} // namespace hf::experts
