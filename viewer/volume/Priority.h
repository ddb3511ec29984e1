#pragma once

namespace hf {

/// The calling thread, and those that it starts from now on, take what others leave of the processors: what is on the screen comes first.
/// @param nicer  as for nice(2). Does nothing where it is not allowed, or where threads have no priority of their own.
void giveWay(int nicer);

} // namespace hf
