#pragma once

#include "viewer/volume/Progress.h"
#include "viewer/volume/Volume.h"

#include <array>
#include <functional>
#include <stop_token>
#include <vector>

namespace hf {

/// Which slices are taken from which, as in digital subtraction angiography (DICOM PS3.3 C.7.6.10.1). Slices lie along axis 2.
struct Subtraction {
    struct Slice {
        std::vector<int> contrast;          ///< Averaged; empty: the slice stays as it is.
        std::vector<int> mask;              ///< Averaged, moved, and taken from them.
        std::array<double, 2> shift{0, 0};  ///< Of the mask: towards growing rows and growing columns, pixels.
    };
    std::vector<Slice> slices;              ///< One for each slice of the volume.
    /// What a value of a slice that is subtracted is before; empty: itself.
    std::function<double(double)> values;

    bool isAny() const;
    bool isSubtracted(int slice) const { return !slices[std::size_t(slice)].contrast.empty(); }
};

/// The volume with its slices subtracted, as fp32. Differences have no unit; where one of the values is padding the difference is 0. The
/// window to start with spans the differences; the stored ones, which are of other values, are gone. Any thread; slices share all processors.
/// @throws Error "arguments" for a colour volume or slices that it does not have, Cancelled.
Volume subtracted(const Volume& volume, const Subtraction& subtraction, std::stop_token stop = {});

} // namespace hf
