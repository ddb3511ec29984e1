#pragma once

#include "viewer/dicom/Study.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace hf::dicom {

/// The four MR sequences that a brain tumour network looks at, in its order.
enum class BrainSequence { T1Contrast, T1, T2, Flair };
inline constexpr std::size_t kBrainSequences = 4;
std::string toString(BrainSequence sequence);   // "T1c", "T1", "T2", "FLAIR"

/// What a series says about how it was made. Times in ms, 0 where not stated.
struct SequenceFacts {
    double repetitionMs = 0, echoMs = 0, inversionMs = 0;
    std::string agent;          ///< Contrast/Bolus Agent (0018,0010).
    std::string description;    ///< Series Description and Protocol Name, lower case.
    std::string imageType;      ///< Image Type (0008,0008), lower case.
};

/// Read from the first image of the series. @throws Error "broken".
SequenceFacts readSequenceFacts(const Series& series);

/// Which of the four it is; empty for anything else (diffusion, susceptibility, perfusion, maps, localisers, angiography).
/// Times decide; words do where no times are stated. With contrast: an agent is stated, or the description says so.
/// Source: PS3.3 C.8.3.1 (MR Image); usual clinical ranges of times.
std::optional<BrainSequence> sequenceOf(const SequenceFacts& facts);

/// Series of a study for each sequence, best first: volumes with the finest voxels. A reader must confirm them. Unreadable files are left out.
std::array<std::vector<const Series*>, kBrainSequences> findBrainSequences(const Study& study);

} // namespace hf::dicom
