#include "support/Check.h"
#include "viewer/database/Import.h"
#include "viewer/dicom/Scan.h"
#include "viewer/dicom/WriteSeries.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/volume/Error.h"

#include <sqlite3.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace hf;
using namespace hf::database;
namespace fs = std::filesystem;

namespace {

constexpr int kSlices = 3;

fs::path scratch(const std::string& name)
{
    const fs::path folder = fs::temp_directory_path() / ("hf-database-" + std::to_string(getpid())) / name;
    fs::remove_all(folder);
    fs::create_directories(folder);
    return folder;
}

/// A study of three small slices.
void writeStudy(const fs::path& folder, const std::string& seed, const std::string& name, const std::string& date = "20240309", int seriesNumber = 1)
{
    std::vector<std::int16_t> voxels(16 * 16 * kSlices, std::int16_t(seriesNumber * 10));
    const Volume volume(Geometry({16, 16, kSlices}, {1, 1, 2}, {}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), std::move(voxels), {.modality = "CT", .unit = Unit::Hu});
    dicom::Identity identity;
    identity.patientName = name;
    identity.patientId = "ID-" + seed;
    identity.studyDate = date;
    identity.studyDescription = "Thorax " + seed;
    identity.uidSeed = seed;
    identity.seriesNumber = seriesNumber;
    dicom::writeCtSeries(volume, identity, folder);
}

std::size_t entriesOf(const fs::path& folder) { return std::size_t(std::distance(fs::directory_iterator(folder), fs::directory_iterator())); }

std::string bytesOf(const fs::path& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// Where the SOP Instance UID of an explicit little endian file stands, and how long it is.
std::pair<std::size_t, std::size_t> uidIn(const std::string& bytes)
{
    const std::size_t at = bytes.find(std::string("\x08\x00\x18\x00UI", 6)) + 8;
    return {at, std::size_t(std::uint8_t(bytes[at - 2]))};
}

void execute(const fs::path& database, const char* sql)
{
    sqlite3* handle = nullptr;
    sqlite3_open(database.c_str(), &handle);
    HF_CHECK_EQUAL(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(handle);
}

/// The real program, without its output.
pid_t start(const std::vector<std::string>& words)
{
    const pid_t child = fork();
    if (child == 0) {
        const int nowhere = open("/dev/null", O_RDWR);
        dup2(nowhere, 1);
        dup2(nowhere, 2);
        std::vector<char*> pointers;
        for (const std::string& word : words) {
            pointers.push_back(const_cast<char*>(word.c_str()));
        }
        pointers.push_back(nullptr);
        execv(pointers[0], pointers.data());
        _exit(127);
    }
    return child;
}

int waitFor(pid_t child)
{
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

HF_TEST(studies_are_there_next_time_and_found_by_what_readers_type)
{
    const fs::path images = scratch("images"), folder = scratch("list");
    writeStudy(images / "a", "a", "Müller^Änne", "20240309");
    writeStudy(images / "b", "b", "Doe^John", "20230102");
    writeStudy(images / "b2", "b", "Doe^John", "20230102", 2);
    {
        StudyDatabase list(folder);
        HF_CHECK(list.setAside().empty());
        HF_CHECK(list.search("").empty());
        const ImportReport report = importStudies(list, {images}, false);
        HF_CHECK(report.studies == 2 && report.series == 3 && report.images == 9);
    }
    StudyDatabase list(folder);
    const std::vector<StudyEntry> all = list.search("");
    HF_CHECK_EQUAL(all.size(), std::size_t(2));
    HF_CHECK(all[0].patient.name == "Müller^Änne" && all[0].date == "2024-03-09" && all[0].modalities == "CT" && !all[0].isCopied);     // the newest first
    HF_CHECK(all[1].series == 2 && all[1].images == 2 * kSlices);
    for (const char* words : {"muller", "MÜLLER änne", "anne", "id-a", "2024-03", "20240309", "09.03.2024", "ct thorax muller"}) {
        const auto found = list.search(words);
        HF_CHECK(found.size() == 1 && found[0].uid == all[0].uid);
    }
    HF_CHECK_EQUAL(list.search("ct").size(), std::size_t(2));
    HF_CHECK_EQUAL(list.search("doe phantom").size(), std::size_t(1));     // the series' description
    for (const char* words : {"%", "_", "mr", "muller doe", "'", "\\", "2025"}) {
        HF_CHECK(list.search(words).empty());
    }
    const auto series = list.seriesOf(all[1].id);
    HF_CHECK(series.size() == 2 && series[0].images == kSlices);
    for (const SeriesEntry& one : series) {
        HF_CHECK(one.thumbnail.size() > 8 && one.thumbnail[1] == 'P' && one.thumbnail[2] == 'N' && one.thumbnail[3] == 'G');
    }
    HF_CHECK_EQUAL(list.filesOf(all[1].id).size(), std::size_t(2 * kSlices));
    HF_CHECK((fs::status(folder).permissions() & (fs::perms::group_all | fs::perms::others_all)) == fs::perms::none);
    // What was opened in place is forgotten, not deleted.
    list.remove(all[1].id);
    HF_CHECK(list.search("doe").empty() && list.find(all[1].uid).id == 0);
    HF_CHECK_EQUAL(entriesOf(images / "b"), std::size_t(kSlices));
}

HF_TEST(parts_that_come_later_make_one_study)
{
    const fs::path images = scratch("parts");
    StudyDatabase list(scratch("parts-list"));
    for (const bool copies : {false, true}) {
        const std::string seed = copies ? "copied" : "placed";
        writeStudy(images / seed / "1", seed, "Doe^Jane");
        writeStudy(images / seed / "2", seed, "Doe^Jane", "20240309", 2);
        importStudies(list, {images / seed / "1" / "IM0001.dcm"}, copies);
        HF_CHECK_EQUAL(list.search("ID-" + seed).at(0).images, 1);
        importStudies(list, {images / seed / "1"}, copies);
        importStudies(list, {images / seed / "2"}, copies);
        importStudies(list, {images / seed}, copies);
        const StudyEntry study = list.search("ID-" + seed).at(0);
        HF_CHECK(study.series == 2 && study.images == 2 * kSlices && study.isCopied == copies);
        HF_CHECK_EQUAL(list.filesOf(study.id).size(), std::size_t(2 * kSlices));
        const dicom::ScanResult opened = dicom::scan(list.filesOf(study.id));
        HF_CHECK(opened.rejected.empty() && opened.studies.size() == 1 && opened.studies[0].series.size() == 2);
    }
}

HF_TEST(copies_outlive_their_source_and_go_with_their_study)
{
    const fs::path images = scratch("source"), folder = scratch("copies");
    writeStudy(images, "c", "Doe^Jane");
    StudyDatabase list(folder);
    importStudies(list, {images}, false);
    HF_CHECK(!list.search("").at(0).isCopied);
    importStudies(list, {images}, true);
    fs::remove_all(images);
    const StudyEntry study = list.search("").at(0);
    HF_CHECK(study.isCopied && findFiles(list, study.id).missing == 0);
    HF_CHECK_EQUAL(dicom::scan(list.filesOf(study.id)).studies.at(0).series.at(0).images.size(), std::size_t(kSlices));
    list.remove(study.id);
    HF_CHECK_EQUAL(entriesOf(folder / "images"), std::size_t(0));
    HF_CHECK_EQUAL(entriesOf(folder / "incoming"), std::size_t(0));
}

HF_TEST(images_that_share_a_uid_are_copied_each_and_other_copies_are_told)
{
    const fs::path images = scratch("shared");
    writeStudy(images / "all", "s", "Doe^Jane");
    const std::string first = bytesOf(images / "all/IM0001.dcm");
    std::string second = bytesOf(images / "all/IM0002.dcm");
    const auto [from, length] = uidIn(first);
    const auto [to, otherLength] = uidIn(second);
    HF_CHECK_EQUAL(length, otherLength);
    second.replace(to, length, first.substr(from, length));
    std::string changed = first;
    changed.back() = char(changed.back() ^ 1);
    const auto take = [&](StudyDatabase& list, const std::string& name, const std::string& bytes) {
        const fs::path folder = scratch("shared-" + name);
        write(folder / "a.dcm", bytes);
        return importStudies(list, {folder}, true);
    };
    StudyDatabase list(scratch("shared-list"));
    const auto copied = [&] { return list.filesOf(list.search("").at(0).id).size(); };
    HF_CHECK(take(list, "first", first).rejected.empty() && copied() == 1);
    // Another slice with the UID of the first one.
    HF_CHECK(take(list, "second", second).rejected.empty() && copied() == 2);
    HF_CHECK_EQUAL(dicom::scan(list.filesOf(list.search("").at(0).id)).studies.at(0).series.at(0).images.size(), std::size_t(2));
    // The same again, and the first slice with another pixel.
    HF_CHECK(take(list, "again", second).rejected.empty() && take(list, "again", first).rejected.empty() && copied() == 2);
    for (int n = 0; n < 2; ++n) {
        const ImportReport other = take(list, "changed", changed);
        HF_CHECK(other.rejected.size() == 1 && other.rejected[0].code == "duplicate" && other.rejected[0].path.filename() == "a.dcm" && copied() == 2);
    }
    // A larger file, as of a copy that was cut before, is what a scan shows.
    const std::string longer = changed + std::string("\xfc\xff\xfc\xffOB\x00\x00\x02\x00\x00\x00\x00\x00", 14);
    HF_CHECK(take(list, "longer", longer).rejected.empty() && copied() == 3);
    HF_CHECK(take(list, "longer", longer).rejected.empty() && copied() == 3);
}

HF_TEST(files_that_are_gone_are_told)
{
    const fs::path images = scratch("gone");
    writeStudy(images, "g", "Doe^Jane");
    StudyDatabase list(scratch("gone-list"));
    importStudies(list, {images}, false);
    fs::remove(images / "IM0002.dcm");
    const StudyFiles files = findFiles(list, list.search("").at(0).id);
    HF_CHECK(files.present.size() == kSlices - 1 && files.missing == 1 && files.firstMissing.filename() == "IM0002.dcm");
}

HF_TEST(a_later_version_is_left_alone_and_damage_is_set_aside)
{
    const fs::path images = scratch("damage-images"), folder = scratch("damage");
    writeStudy(images / "kept", "kept", "Doe^Jane");
    writeStudy(images / "placed", "placed", "Doe^John");
    {
        StudyDatabase list(folder);
        importStudies(list, {images / "kept"}, true);
        importStudies(list, {images / "placed"}, false);
    }
    execute(folder / "studies.db", "PRAGMA user_version = 99");
    const auto size = fs::file_size(folder / "studies.db");
    std::string code;
    try {
        StudyDatabase list(folder);
    } catch (const Error& error) {
        code = error.code();
    }
    HF_CHECK_EQUAL(code, std::string("database-newer"));
    HF_CHECK_EQUAL(fs::file_size(folder / "studies.db"), size);
    execute(folder / "studies.db", "PRAGMA user_version = 1; PRAGMA wal_checkpoint(TRUNCATE)");
    // Broken in the middle, and no database at all.
    for (const std::uintmax_t from : {std::uintmax_t(4096), std::uintmax_t(0)}) {
        {
            std::fstream file(folder / "studies.db", std::ios::in | std::ios::out | std::ios::binary);
            file.seekp(std::streamoff(from));
            file << std::string(6000, char(0x5a));
        }
        StudyDatabase list(folder);
        HF_CHECK(fs::exists(list.setAside()) && fs::file_size(list.setAside()) > 6000);
        HF_CHECK(list.search("").empty());
        HF_CHECK_EQUAL(recover(list), std::size_t(1));      // what was copied is taken in again
        HF_CHECK(list.search("").at(0).patient.id == "ID-kept" && list.search("").at(0).isCopied);
        HF_CHECK_EQUAL(recover(list), std::size_t(0));
        fs::rename(list.setAside(), list.setAside().string() + std::to_string(from));     // two damages in one second
    }
}

HF_TEST(a_stop_keeps_what_was_taken_in)
{
    const fs::path images = scratch("stop");
    for (int n = 0; n < 6; ++n) writeStudy(images / std::to_string(n), "s" + std::to_string(n), "Doe^Jane");
    StudyDatabase list(scratch("stop-list"));
    std::stop_source stop;
    bool isCancelled = false;
    try {
        importStudies(list, {images}, true, [&](double fraction, const std::string&) { if (fraction > 0.7) stop.request_stop(); }, stop.get_token());
    } catch (const Cancelled&) {
        isCancelled = true;
    }
    HF_CHECK(isCancelled);
    const std::size_t taken = list.search("").size();
    HF_CHECK(taken >= 1 && taken < 6);
    HF_CHECK_EQUAL(entriesOf(list.folder() / "incoming"), std::size_t(0));
    HF_CHECK_EQUAL(entriesOf(list.folder() / "images"), taken);
    HF_CHECK(list.interruptedImports().empty());
    bool isRefused = false;
    try {
        importStudies(list, {"/nowhere/at/all"}, false);
    } catch (const Error& error) {
        isRefused = error.code() == "not-found";
    }
    HF_CHECK(isRefused && list.interruptedImports().empty());
}

/// A program that stops its import in the middle: because it ends, or because its reader has given it up.
void importInAnotherProgram(const fs::path& folder, const fs::path& images, bool isEnd)
{
    const pid_t child = fork();
    if (child == 0) {
        std::stop_source stop;
        try {
            StudyDatabase list(folder);
            importStudies(list, {images}, true, [&](double fraction, const std::string&) { if (fraction > 0.7) stop.request_stop(); }, stop.get_token(), [isEnd] { return isEnd; });
        } catch (const Cancelled&) {
            _exit(0);
        }
        _exit(1);
    }
    int status = 0;
    HF_CHECK_EQUAL(waitpid(child, &status, 0), child);
    HF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

HF_TEST(an_import_that_the_end_of_the_program_stops_goes_on_later)
{
    const fs::path images = scratch("end");
    for (int n = 0; n < 6; ++n) writeStudy(images / std::to_string(n), "e" + std::to_string(n), "Doe^Jane");
    const fs::path folder = scratch("end-list"), given = scratch("given-list");
    importInAnotherProgram(folder, images, true);
    StudyDatabase list(folder);
    HF_CHECK(list.search("").size() < 6);
    HF_CHECK_EQUAL(list.interruptedImports().size(), std::size_t(1));
    // Ended once more in the middle, and finished then.
    std::stop_source again;
    again.request_stop();
    HF_CHECK_THROWS(finishInterrupted(list, {}, again.get_token()), Cancelled);
    HF_CHECK_EQUAL(list.interruptedImports().size(), std::size_t(1));
    finishInterrupted(list);
    HF_CHECK_EQUAL(list.search("").size(), std::size_t(6));
    HF_CHECK(list.interruptedImports().empty());
    importInAnotherProgram(given, images, false);
    HF_CHECK(StudyDatabase(given).interruptedImports().empty());
}

HF_TEST(a_killed_import_loses_nothing)
{
    constexpr int kStudies = 25;
    const fs::path images = scratch("kill"), folder = scratch("kill-list");
    for (int n = 0; n < kStudies; ++n) writeStudy(images / std::to_string(n), "k" + std::to_string(n), "Doe^" + std::to_string(n));
    const std::vector<std::string> program{HF_PROGRAM, "--headless", "--library", folder.string(), "--copy", "--import", images.string()};
    std::set<std::size_t> counts;
    // Killed when it has taken in some more studies, whatever it does at that moment.
    std::size_t wanted = 1;
    int killed = 0;
    for (int attempt = 0; attempt < 8; ++attempt) {
        const pid_t child = start(program);
        const auto begin = std::chrono::steady_clock::now();
        bool isOver = false;
        while (!isOver && std::chrono::steady_clock::now() - begin < std::chrono::seconds(60)) {
            std::this_thread::sleep_for(std::chrono::milliseconds(3));
            std::error_code error;
            std::size_t there = 0;
            for (fs::directory_iterator entry(folder / "images", error); !error && entry != fs::directory_iterator(); ++entry) ++there;
            isOver = there >= wanted;
        }
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        killed += WIFSIGNALED(status);
        StudyDatabase list(folder);
        HF_CHECK(list.setAside().empty());
        const auto studies = list.search("");
        counts.insert(studies.size());
        for (const StudyEntry& study : studies) {
            const StudyFiles files = findFiles(list, study.id);
            HF_CHECK(study.images == kSlices && study.series == 1 && files.missing == 0 && files.present.size() == kSlices);
        }
        HF_CHECK(studies.size() == kStudies || !list.interruptedImports().empty());
        wanted = std::min<std::size_t>(kStudies - 1, wanted + 3);
    }
    HF_CHECK(killed >= 5);
    HF_CHECK(counts.size() >= 3);
    std::printf("killed %d times, with %zu different numbers of studies taken in\n", killed, counts.size());
    // The next run finishes what the others left, though it is asked for another folder.
    const fs::path other = scratch("kill-other");
    writeStudy(other, "other", "Roe^Jane");
    HF_CHECK_EQUAL(waitFor(start({HF_PROGRAM, "--headless", "--library", folder.string(), "--import", other.string()})), 0);
    StudyDatabase list(folder);
    HF_CHECK_EQUAL(list.search("").size(), std::size_t(kStudies + 1));
    HF_CHECK(list.interruptedImports().empty());
    HF_CHECK_EQUAL(entriesOf(folder / "incoming"), std::size_t(0));
    HF_CHECK_EQUAL(entriesOf(folder / "images"), std::size_t(kStudies));
    for (const StudyEntry& study : list.search("doe")) {
        HF_CHECK(findFiles(list, study.id).present.size() == kSlices && !list.seriesOf(study.id).at(0).thumbnail.empty());
    }
}

HF_TEST_MAIN()
