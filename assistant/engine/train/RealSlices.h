#pragma once

#include "assistant/engine/train/PicturePool.h"
#include "viewer/phantom/Random.h"

#include <filesystem>
#include <string>
#include <vector>

namespace hf::assistant::train {

/// A real study to learn from.
struct RealVolume {
    Volume volume;
    ImageKind kind = ImageKind::Ct;
    std::string name;       ///< The file's name without extension.
};

/// The volumes in the folders CT, MR and CXR of `folder`; none for an empty path.
/// @throws Error  a file is not an uncompressed MetaImage file of short integers.
std::vector<RealVolume> readRealVolumes(const std::filesystem::path& folder);

/// A slice as a reader may see it: any plane with enough voxels across, a usual window; often a part of the field of view only, a little
/// turned or tilted as patients lie, now and then only a band of it as across few slices. Some slices of CT get more noise, some become
/// pictures of MR: the same anatomy with another contrast.
TrainingPicture realSlice(const RealVolume& real, std::uint32_t seed, int size);

/// A slice exactly as the program shows it to the model at first: the volume's own window, whole field of view.
TrainingPicture plainSlice(const RealVolume& real, Plane plane, int slice, int size);

/// Planes in which a slice of this volume looks like something: at least 45 mm and 20 voxels in both directions.
std::vector<Plane> usefulPlanes(const Geometry& geometry);

/// The usual CT windows with some play; for others the percentile window.
WindowLevel someWindow(const Volume& volume, phantom::Random& random);

/// S x S pixels over the smallest square around `frame`: the frame of the model's picture, which is padded to a square.
SliceFrame wholeFrame(SliceFrame frame, int size);

/// Labels of the classical expert by HU alone, S x S for a frame of S x S pixels: good enough to be painted.
std::vector<LabelId> labelsByHu(const Volume& volume, const SliceFrame& frame);

/// The red channel.
std::vector<std::uint8_t> redOf(const Picture& picture);

} // namespace hf::assistant::train
