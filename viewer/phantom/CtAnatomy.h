#pragma once

#include "viewer/phantom/CtPhantom.h"

#include <memory>
#include <vector>

namespace hf::phantom {

/// A synthetic trunk as functions of place: LPS mm, the carina near (0, 25, 130), lung bases near z = 0, pelvis near z = -230. Sizes and
/// places vary with the seed. No image data went into it: distances are those of textbooks, rounded.
class CtAnatomy {
public:
    explicit CtAnatomy(const CtPhantomOptions& options);
    ~CtAnatomy();

    struct Tissue {
        CtLabel label = CtLabel::Air;
        float hu = -1000;
    };
    /// Thread-safe.
    Tissue at(PointLps p) const;

    /// The box that holds the whole trunk.
    std::array<PointLps, 2> box() const;

private:
    struct Private;
    std::unique_ptr<const Private> d;
};

} // namespace hf::phantom
