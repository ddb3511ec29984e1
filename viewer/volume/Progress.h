#pragma once

#include "viewer/volume/Error.h"

#include <functional>
#include <stop_token>
#include <string>

namespace hf {

/// Called from the working thread with the finished share (0 to 1) and a short English stage name ("reading", "lungs").
/// May be empty: call it through report().
using Progress = std::function<void(double fraction, const std::string& stage)>;

inline void report(const Progress& progress, double fraction, const std::string& stage)
{
    if (progress) {
        progress(fraction, stage);
    }
}

/// @throws Cancelled when `stop` was requested.
inline void throwIfStopped(const std::stop_token& stop)
{
    if (stop.stop_requested()) {
        throw Cancelled();
    }
}

/// Maps a sub-task's 0..1 into [begin, end] of the whole.
Progress subProgress(const Progress& progress, double begin, double end);

} // namespace hf
