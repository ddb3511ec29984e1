#pragma once

#include "viewer/volume/Subtraction.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

class DcmItem;

namespace hf::dicom {

struct Image;

/// How frames of a multi-frame image are to be subtracted: what an image (Mask module, PS3.3 C.7.6.10) or a presentation state (C.11.13)
/// says. Frame numbers count from 1, as stored.
struct MaskSubtraction {
    enum class Kind {
        Average,                ///< AVG_SUB: the average of the mask frames is taken from each frame.
        TimeInterval,           ///< TID: from each frame the one that lies `offset` before it.
        ReverseTimeInterval,    ///< REV_TID: from the first of a range the frame `offset` before it, from each following one the frame before the last mask's.
    };
    struct Operation {
        Kind kind = Kind::Average;
        std::vector<std::array<int, 2>> ranges;     ///< Frames that it is for, both ends included; empty: all that have a mask.
        std::vector<int> maskFrames;                ///< Of Average.
        int contrastFrames = 1;                     ///< Averaged, from the frame on.
        int offset = 1;                             ///< Of the two others.
        std::array<double, 2> shift{0, 0};          ///< Of the mask: rows, columns (Mask Sub-pixel Shift).
    };
    std::vector<Operation> operations;
    bool isRecommended = false;     ///< Recommended Viewing Mode is SUB.
};

/// Empty when the data set has none, or none that is known; `isWhole` tells whether something was left out.
std::optional<MaskSubtraction> findMaskSubtraction(DcmItem& dataset, bool* isWhole = nullptr);

/// The same for a volume whose slices are `images`, in this order: frames of a file are matched within the file.
Subtraction planSubtraction(const MaskSubtraction& mask, const std::vector<Image>& images);

} // namespace hf::dicom
