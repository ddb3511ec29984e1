#pragma once

#include "viewer/database/StudyDatabase.h"
#include "viewer/volume/Progress.h"

#include <stop_token>

namespace hf::database {

struct ImportReport {
    std::size_t studies = 0, series = 0, images = 0;
    std::vector<dicom::Rejected> rejected;      ///< As dicom::scan, and "duplicate" what another copy is kept of.
    /// How many of them are such copies.
    std::size_t repeated() const;
};

/// Takes in what folders, files, DICOMDIRs and archives hold, study by study, and makes thumbnails. An import that the end of the program
/// interrupts is listed by interruptedImports() until it is done.
/// @param copies  images are copied into the database's folder; else they are opened where they are. Volume files of two parts
///                (.mhd, .nhdr, .hdr) are never copied. Images of a copied study that were copied before are not copied again.
/// @param goesOnLater asked when it was stopped: true keeps it listed, as where the program ends; without, the reader has given it up.
/// @throws Error      as dicom::scan; "disk" when copies do not fit.
/// @throws Cancelled  studies that were taken in stay.
ImportReport importStudies(StudyDatabase& database, const std::vector<std::filesystem::path>& paths, bool copies, const Progress& progress = {}, std::stop_token stop = {},
                           const std::function<bool()>& goesOnLater = {});

/// As importStudies, of one that was begun already (StudyDatabase::beginImport), so that it is not lost while it waits.
ImportReport goOnWithImport(StudyDatabase& database, const PendingImport& import, const Progress& progress = {}, std::stop_token stop = {}, const std::function<bool()>& goesOnLater = {});

/// Does again what the end of a program interrupted; what cannot be done any more is dropped. @throws Cancelled; what is not done yet stays listed.
void finishInterrupted(StudyDatabase& database, const Progress& progress = {}, std::stop_token stop = {});

/// As importStudies without copies, for studies that were scanned already.
void recordStudies(StudyDatabase& database, const std::vector<dicom::Study>& studies, std::stop_token stop = {});

/// After the end of a program in the middle of an import: removes what it left half copied and takes in whole copies that the file does
/// not know, also of a file that was damaged. @return studies taken in.
std::size_t recover(StudyDatabase& database, std::stop_token stop = {});

/// Every file that a scanned study is read from, archives instead of their content.
std::vector<std::filesystem::path> filesOfStudy(const dicom::Study& study);

/// The files of a study that are still where they were, and the first one that is not.
struct StudyFiles {
    std::vector<std::filesystem::path> present;
    std::size_t missing = 0;
    std::filesystem::path firstMissing;
};
StudyFiles findFiles(const StudyDatabase& database, std::int64_t study);

} // namespace hf::database
