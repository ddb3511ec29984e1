#pragma once

#include <ATen/autocast_mode.h>

namespace hf::assistant {

/// While it lives, multiplications on this thread run in bf16; weights and sums between them stay as they are (mixed precision).
class Autocast {
public:
    explicit Autocast(bool on, at::DeviceType device = at::kCPU) : m_device(device), m_before(at::autocast::is_autocast_enabled(device))
    {
        at::autocast::set_autocast_enabled(device, on);
        if (on) {
            at::autocast::set_autocast_dtype(device, at::kBFloat16);
        }
    }
    ~Autocast()
    {
        // Copies that were made without gradients must not be found by those who need them.
        at::autocast::clear_cache();
        at::autocast::set_autocast_enabled(m_device, m_before);
    }
    Autocast(const Autocast&) = delete;
    Autocast& operator=(const Autocast&) = delete;

private:
    at::DeviceType m_device;
    bool m_before;
};

} // namespace hf::assistant
