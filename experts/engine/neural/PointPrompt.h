#pragma once

#include "experts/engine/neural/Network.h"
#include "experts/engine/neural/Vista3d.h"
#include "viewer/volume/Progress.h"

namespace hf::experts {

/// What a reader's points ask of VISTA3D: one object, of a class or of none. Source: experts.md 1.6, point path.
struct PointPrompt {
    std::vector<Vista3dPoint> points;   ///< In voxels of the prepared image.
    int classId = -1;                   ///< Of the label prompt; -1: none.
};

/// Whether the class overlaps others, so that its points carry the labels 2 and 3.
bool isSpecialClass(int classId);

/// Logits of the object in windows around the points, summed where windows overlap.
/// @param image  [1, 1, D0, D1, D2] float32. @param side  of the windows (128 for the published weights), a multiple of 16.
/// @return [D0, D1, D2] float32 on the host, NaN where no window looked. @throws Cancelled.
at::Tensor pointLogits(const Vista3d& network, Compute compute, const at::Tensor& image, const PointPrompt& prompt, std::int64_t side, const Progress& progress, const std::stop_token& stop);

/// Class and point logits of one window [D0, D1, D2]: those of the points where they change a component of what differs at a point, else those of the class.
at::Tensor mergedLogits(const at::Tensor& classLogits, const at::Tensor& pointLogits, const std::vector<Vista3dPoint>& points);

/// What the logits say is inside, uint8 0 and 1; without a class only the components that hold a positive point.
at::Tensor insideOf(const at::Tensor& logits, const PointPrompt& prompt);

} // namespace hf::experts
