#pragma once

#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Volume.h"

#include <string>

namespace hf::assistant::train {

/// A volume of a patient with what is known to be in it.
struct LabelledVolume {
    Volume volume;
    LabelMap labels;        ///< On the volume's grid; empty: nothing is known but what kind of image it is.
    std::string patient;    ///< Volumes of one patient go into the same part of a data set.
    bool isLateral = false; ///< Of a radiograph.
};

/// A synthetic patient: a trunk as CT or MR with all organs labelled, a head as MR (T1, T1 with contrast medium, T2 or FLAIR, with or
/// without a tumour, which is labelled) or CT, a radiograph with or without a lung nodule, which is labelled, or an ultrasound image. A pure function of the seed.
LabelledVolume labelledPhantom(std::uint32_t seed);

/// A head: MR with a tumour in six of ten, or CT without.
LabelledVolume labelledHead(std::uint32_t seed, bool ct);

} // namespace hf::assistant::train
