#pragma once

#include "viewer/phantom/CtAnatomy.h"
#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Volume.h"

#include <cstdint>

namespace hf::phantom {

// Synthetic images of other kinds, for training and tests. All are pure functions of their seed.

/// T1c: T1 with contrast medium, which a tumour takes up.
enum class HeadContrast { Ct, T1, T2, Flair, T1c };

/// A head around (0, 0, 0), about 160 x 200 x 230 mm; values in HU for Ct, else arbitrary units of 0 to about 1000.
Volume makeHead(std::uint32_t seed, HeadContrast contrast, bool tumor, const Geometry& geometry);

/// The trunk as an MR: tissue intensities, receive field and noise by seed; fat bright or suppressed. uint16-like values in int16.
Volume makeMrTrunk(const CtAnatomy& anatomy, std::uint32_t seed, const Geometry& geometry);

/// A frontal or lateral radiograph of the trunk from the neck to the upper abdomen: one slice, dense parts bright, modality "DX".
Volume makeRadiograph(const CtAnatomy& anatomy, std::uint32_t seed, bool lateral, double pixelMm);
/// On the grid of makeRadiograph() with the same arguments: 1 where a lung nodule lies in the ray of a pixel.
LabelMap noduleOfRadiograph(const CtAnatomy& anatomy, std::uint32_t seed, bool lateral, double pixelMm);

/// A sector of speckle with dark cysts on black, modality "US"; one slice.
Volume makeUltrasound(std::uint32_t seed, int size);

} // namespace hf::phantom
