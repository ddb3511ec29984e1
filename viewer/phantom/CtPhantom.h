#pragma once

#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Volume.h"

#include <array>
#include <cstdint>
#include <optional>

namespace hf::phantom {

/// How a synthetic chest-abdomen CT is made. Same options give the same bytes on every machine.
struct CtPhantomOptions {
    std::uint32_t seed = 1;             ///< Varies body size, organ places and sizes, texture.
    std::array<double, 3> spacingMm{1.5, 1.5, 3.0};
    /// Patient-space box to sample, LPS mm; empty: the whole phantom (chest and abdomen).
    std::optional<std::array<PointLps, 2>> box;
    /// Rotation of the voxel grid about the patient's x and z axes, degrees (an oblique acquisition).
    double tiltXDeg = 0, tiltZDeg = 0;
    double noiseSdHu = 12;
    bool contrast = false;              ///< Enhanced vessels and organs.
    bool lungNodule = true;
    bool liverLesion = true;
    bool table = true;                  ///< The couch below the patient.
};

/// Labels of the ground truth (LabelMap values).
enum class CtLabel : LabelId {
    Air = 0, LeftLung, RightLung, Airways, Bones, SubcutaneousFat, VisceralFat, Muscle, Heart, Liver, Spleen,
    LeftKidney, RightKidney, Stomach, Bowel, BowelGas, Vessels, SpinalCord, LungNodule, LiverLesion, Skin
};

struct CtPhantom {
    Volume volume;      ///< int16 HU, modality "CT".
    LabelMap truth;     ///< CtLabel values; the table and air outside are 0.
};

CtPhantom makeCtPhantom(const CtPhantomOptions& options);

class CtAnatomy;
/// Samples a trunk on any grid (single slices too); options give noise and seed. Where tissues meet, a voxel's HU is the mean of places
/// spread over it (at most 2 mm apart up to 8 mm voxels) and its truth is the tissue of most of these places; elsewhere both are those of its centre.
CtPhantom sampleCtPhantom(const CtAnatomy& anatomy, const CtPhantomOptions& options, const Geometry& geometry);

} // namespace hf::phantom
