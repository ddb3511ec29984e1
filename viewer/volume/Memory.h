#pragma once

namespace hf {

/// Asked before anything large is allocated: a system that overcommits would end the program later.
/// @throws Error "too-large" when fewer than `bytes` and a reserve can be had without swapping.
void requireMemory(double bytes);

} // namespace hf
