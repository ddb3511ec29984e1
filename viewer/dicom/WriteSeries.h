#pragma once

#include "viewer/volume/Progress.h"
#include "viewer/volume/Volume.h"

#include <filesystem>
#include <stop_token>
#include <string>

namespace hf::dicom {

/// Whose images a written series claims to be. For synthetic studies: a fictitious person.
struct Identity {
    std::string patientName = "Phantom^Thorax";
    std::string patientId = "PHANTOM-1";
    std::string birthDate = "19700101";     ///< DICOM DA.
    std::string sex = "O";                  ///< "M", "F", "O".
    std::string studyDescription = "Synthetic chest and abdomen";
    std::string seriesDescription = "Phantom";
    std::string studyDate = "20240101";     ///< DICOM DA.
    std::string studyTime = "120000";       ///< DICOM TM.
    int seriesNumber = 1;
    /// Seeds of the UIDs ("2.25." and a number made from text and geometry): the same input gives the same UIDs.
    std::string uidSeed = "hounsfield-sample";
};

/// Writes one CT Image Storage object a slice: Explicit VR Little Endian, int16 HU (slope 1), files IM0001.dcm ... in `directory`,
/// which is made when missing.
/// @param volume  int16 with unit HU.
/// @throws Error      another type, or a file cannot be written.
/// @throws Cancelled  `stop` was requested; written files are removed.
/// Source: PS3.3 A.3 (CT Image IOD).
void writeCtSeries(const Volume& volume, const Identity& identity, const std::filesystem::path& directory,
                   const Progress& progress = {}, std::stop_token stop = {});

} // namespace hf::dicom
