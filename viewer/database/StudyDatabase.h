#pragma once

#include "viewer/dicom/Study.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace hf::database {

class Connection;

/// A study as the list shows it. Texts are for the screen alone, as in dicom::Study.
struct StudyEntry {
    std::int64_t id = 0;
    std::string uid;
    dicom::PatientText patient;
    std::string date, time;         ///< ISO 8601.
    std::string description;
    std::string modalities;         ///< "CT, PT".
    int series = 0, images = 0;
    bool isCopied = false;          ///< The images lie in the database's own folder; else where they were found.
};

struct SeriesEntry {
    std::int64_t id = 0;
    std::string key, modality, description;
    int images = 0;
    std::vector<std::uint8_t> thumbnail;    ///< PNG; empty until it is made.
};

/// An import that has not come to its end.
struct PendingImport {
    std::int64_t id = 0;
    std::vector<std::filesystem::path> paths;
    bool copies = false;
};

/// The studies that were opened or imported on this computer: one SQLite file, "studies.db", in a folder of its own, beside it "images"
/// with what was copied. A study is there as a whole or not at all, whenever the program ends. One object belongs to one thread; other
/// threads and processes open their own on the same folder.
///
///     StudyDatabase database(folder);
///     importStudies(database, paths, {}, progress, stop);
///     for (const StudyEntry& study : database.search("doe ct 2024")) ...
class StudyDatabase {
public:
    /// Makes folder and file when missing, readable by their owner alone. A damaged file is moved aside (setAside()); studies that were
    /// copied are taken in again by recover().
    /// @throws Error "database-newer" when a later version made it (the file is left alone), "database" when the folder cannot be used.
    explicit StudyDatabase(const std::filesystem::path& folder);
    ~StudyDatabase();

    const std::filesystem::path& folder() const { return m_folder; }
    /// Where a damaged file was moved to; empty when it was intact.
    const std::filesystem::path& setAside() const { return m_setAside; }

    /// Adds a study, or brings what is known of it up to date, in one step.
    /// @param files  every file that the study is read from: images, presentation states, or archives that hold them. They replace those
    ///               known before.
    /// @param isCopied  the files lie in the database's folder.
    void add(const dicom::Study& study, const std::vector<std::filesystem::path>& files, bool isCopied);
    /// Every word must be found in patient name, ID, dates, modalities or descriptions; capitals and accents do not matter. The newest
    /// study comes first. Empty: all.
    std::vector<StudyEntry> search(const std::string& words, std::size_t most = 1000) const;
    /// By UID; id 0 when it is not there.
    StudyEntry find(const std::string& studyUid) const;
    std::size_t studyCount() const;
    std::size_t seriesCount() const;
    std::vector<SeriesEntry> seriesOf(std::int64_t study) const;
    std::vector<std::filesystem::path> filesOf(std::int64_t study) const;
    void setThumbnail(std::int64_t series, std::span<const std::uint8_t> png);
    /// Forgets a study; images that were copied are deleted, others stay where they are.
    void remove(std::int64_t study);

    /// Imports in work, so that one that was interrupted is finished later.
    std::int64_t beginImport(const std::vector<std::filesystem::path>& paths, bool copies);
    void endImport(std::int64_t import);
    /// Those that no living process works on.
    std::vector<PendingImport> interruptedImports() const;
    /// Folders of whole copies that no study knows; what an interrupted copy left is removed. See recover().
    std::vector<std::filesystem::path> unknownCopies();

    /// A fresh private folder for copies in work; moved into place by keepCopies.
    std::filesystem::path makeIncomingFolder() const;
    std::filesystem::path keepCopies(const std::filesystem::path& incoming) const;

private:
    void open();
    void moveAside();
    std::int64_t putStudy(const dicom::Study& study, bool isCopied);
    void putSeries(std::int64_t study, const dicom::Series& series);
    void updateTotals(std::int64_t study, const dicom::Study& texts);

    std::filesystem::path m_folder, m_setAside;
    std::unique_ptr<Connection> m_connection;
};

/// Text as search compares it: no capitals, no accents.
std::string foldedText(const std::string& text);

} // namespace hf::database
