#pragma once

#include <cstdint>
#include <optional>

namespace hf {

/// What the system can give without swapping; nothing where it does not say.
std::optional<std::uint64_t> availableMemory();

/// Asked before anything large is allocated: a system that overcommits would end the program later.
/// @throws Error "too-large" when fewer than `bytes` and a reserve can be had without swapping.
void requireMemory(double bytes);

} // namespace hf
