#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hf::dicom {

/// One attribute of a file, as a reader is shown it. May tell who the patient is: for the screen alone.
struct TagRow {
    int depth = 0;          ///< 0 for the data set and its file header; items of a sequence and what they hold lie deeper.
    std::string tag;        ///< "(0010,0010)"; empty for an item.
    std::string vr;         ///< "PN"; empty for an item.
    std::string name;       ///< the keyword of the dictionary, "PatientName"; "Item 1"; "Private" where the dictionary has no name.
    std::string value;      ///< UTF-8, one line, at most 400 characters; "(1234 bytes)" for what is no text.
};

/// All attributes of a DICOM file in their order, file header first. Large values are not loaded.
/// @throws Error "broken": it cannot be read as DICOM; the reason.
/// Thread-safe. Source: DICOM PS3.6 (data dictionary, as in DCMTK).
std::vector<TagRow> readTags(const std::filesystem::path& path);

} // namespace hf::dicom
