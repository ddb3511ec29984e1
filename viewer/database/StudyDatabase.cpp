#include "viewer/database/StudyDatabase.h"

#include "viewer/database/Sqlite.h"
#include "viewer/volume/Error.h"

#include <QDateTime>
#include <QString>
#include <QUuid>

#include <algorithm>
#include <csignal>
#include <set>

#include <unistd.h>

namespace hf::database {

namespace fs = std::filesystem;

namespace {

constexpr int kVersion = 1;
constexpr const char* kTables = R"(
    CREATE TABLE study(id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, patient_name TEXT, patient_id TEXT, birth_date TEXT, sex TEXT, age TEXT,
        date TEXT, time TEXT, description TEXT, modalities TEXT, series INTEGER, images INTEGER, is_copied INTEGER NOT NULL, search TEXT NOT NULL DEFAULT '');
    CREATE INDEX study_by_date ON study(date DESC, time DESC);
    CREATE TABLE series(id INTEGER PRIMARY KEY, study INTEGER NOT NULL REFERENCES study(id) ON DELETE CASCADE, key TEXT NOT NULL, number INTEGER,
        modality TEXT, description TEXT, images INTEGER, thumbnail BLOB, UNIQUE(study, key));
    CREATE TABLE file(study INTEGER NOT NULL REFERENCES study(id) ON DELETE CASCADE, path TEXT NOT NULL, PRIMARY KEY(study, path)) WITHOUT ROWID;
    CREATE TABLE import(id INTEGER PRIMARY KEY, process INTEGER NOT NULL, copies INTEGER NOT NULL);
    CREATE TABLE import_path(import INTEGER NOT NULL REFERENCES import(id) ON DELETE CASCADE, path TEXT NOT NULL);
)";

bool isAlive(std::int64_t process) { return process > 0 && (kill(pid_t(process), 0) == 0 || errno == EPERM); }

/// The first number of "<process>-<name>".
std::int64_t processOf(const fs::path& incoming) { return std::strtoll(incoming.filename().c_str(), nullptr, 10); }

StudyEntry entryOf(const Statement& row)
{
    StudyEntry entry;
    entry.id = row.number(0);
    entry.uid = row.text(1);
    entry.patient = {row.text(2), row.text(3), row.text(4), row.text(5), row.text(6)};
    entry.date = row.text(7);
    entry.time = row.text(8);
    entry.description = row.text(9);
    entry.modalities = row.text(10);
    entry.series = int(row.number(11));
    entry.images = int(row.number(12));
    entry.isCopied = row.number(13) != 0;
    return entry;
}

constexpr const char* kEntryColumns = "SELECT id, uid, patient_name, patient_id, birth_date, sex, age, date, time, description, modalities, series, images, is_copied FROM study ";

/// % and _ of a word are no wild cards.
std::string likePattern(const std::string& word)
{
    std::string pattern = "%";
    for (const char c : word) {
        if (c == '%' || c == '_' || c == '\\') {
            pattern += '\\';
        }
        pattern += c;
    }
    return pattern + "%";
}

std::vector<std::string> wordsOf(const std::string& text)
{
    std::vector<std::string> words;
    for (const QString& word : QString::fromStdString(foldedText(text)).split(' ', Qt::SkipEmptyParts)) {
        words.push_back(word.toStdString());
    }
    return words;
}

/// "2024-03-09" as readers type it: also without dashes, and day first.
std::string dateForms(const std::string& iso)
{
    return iso.size() != 10 ? iso : iso + " " + iso.substr(0, 4) + iso.substr(5, 2) + iso.substr(8, 2) + " " + iso.substr(8, 2) + "." + iso.substr(5, 2) + "." + iso.substr(0, 4);
}

} // namespace

std::string foldedText(const std::string& text)
{
    QString folded;
    for (const QChar c : QString::fromStdString(text).normalized(QString::NormalizationForm_KD).toCaseFolded()) {
        if (c.category() != QChar::Mark_NonSpacing) {
            folded += c == '^' || c == '=' || c == ',' ? QChar(' ') : c;
        }
    }
    return folded.toStdString();
}

StudyDatabase::StudyDatabase(const fs::path& folder) : m_folder(folder)
{
    std::error_code error;
    fs::create_directories(folder / "images", error);
    fs::create_directories(folder / "incoming", error);
    if (error) {
        throw Error("the folder of the list of studies cannot be made: " + folder.string(), "database");
    }
    fs::permissions(folder, fs::perms::owner_all, error);
    try {
        open();
    } catch (const Error& problem) {
        if (problem.code() != "database-damaged") {
            throw;
        }
        moveAside();
        open();
    }
}

StudyDatabase::~StudyDatabase() = default;

void StudyDatabase::open()
{
    m_connection = std::make_unique<Connection>(m_folder / "studies.db");
    const std::int64_t version = m_connection->number("PRAGMA user_version");
    if (version > kVersion) {
        throw Error("the list of studies was made by a later version of Hounsfield; it is left as it is", "database-newer");
    }
    m_connection->run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    Statement check(m_connection->get(), "PRAGMA quick_check(1)");
    if (check.step() && check.text(0) != "ok") {
        throw Error("the list of studies is damaged", "database-damaged");
    }
    check.reset();
    if (version < kVersion) {
        Transaction transaction(*m_connection);
        // Another process may have been faster.
        if (m_connection->number("PRAGMA user_version") == 0) {
            m_connection->run(kTables);
            m_connection->run("PRAGMA user_version = " + std::to_string(kVersion));
        }
        transaction.commit();
    }
}

void StudyDatabase::moveAside()
{
    m_connection.reset();
    const std::string stamp = QDateTime::currentDateTimeUtc().toString("yyyyMMdd-HHmmss").toStdString();
    m_setAside = m_folder / ("studies-damaged-" + stamp + ".db");
    std::error_code error;
    fs::rename(m_folder / "studies.db", m_setAside, error);
    if (error) {
        throw Error("the damaged list of studies cannot be moved aside: " + error.message(), "database");
    }
    for (const char* tail : {"-wal", "-shm"}) {
        fs::rename(m_folder / (std::string("studies.db") + tail), m_setAside.string() + tail, error);
    }
}

void StudyDatabase::add(const dicom::Study& study, const std::vector<fs::path>& files, bool isCopied)
{
    Transaction transaction(*m_connection);
    const std::int64_t id = putStudy(study, isCopied);
    std::set<std::string> keys;
    for (const dicom::Series& series : study.series) {
        putSeries(id, series);
        keys.insert(series.key);
    }
    for (const SeriesEntry& known : seriesOf(id)) {
        if (!keys.contains(known.key)) {
            Statement(m_connection->get(), "DELETE FROM series WHERE id = ?").add(known.id).run();
        }
    }
    Statement(m_connection->get(), "DELETE FROM file WHERE study = ?").add(id).run();
    Statement put(m_connection->get(), "INSERT OR IGNORE INTO file(study, path) VALUES(?, ?)");
    for (const fs::path& file : files) {
        put.reset();
        put.add(id).add(fs::absolute(file).string()).run();
    }
    updateTotals(id, study);
    transaction.commit();
}

std::int64_t StudyDatabase::putStudy(const dicom::Study& study, bool isCopied)
{
    Statement put(m_connection->get(), R"(INSERT INTO study(uid, patient_name, patient_id, birth_date, sex, age, date, time, description, is_copied) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT(uid) DO UPDATE SET patient_name = excluded.patient_name, patient_id = excluded.patient_id, birth_date = excluded.birth_date, sex = excluded.sex, age = excluded.age,
        date = excluded.date, time = excluded.time, description = excluded.description, is_copied = excluded.is_copied RETURNING id)");
    const dicom::PatientText& patient = study.patient;
    const std::string description = study.text.studyDescription.empty() && !study.series.empty() && study.series.front().format != dicom::SeriesFormat::Dicom
        ? study.series.front().text.seriesDescription : study.text.studyDescription;
    put.add(study.uid).add(patient.name).add(patient.id).add(patient.birthDate).add(patient.sex).add(patient.age).add(study.text.studyDate).add(study.text.studyTime)
        .add(description).add(std::int64_t(isCopied));
    put.step();
    const std::int64_t id = put.number(0);
    put.run();
    return id;
}

void StudyDatabase::putSeries(std::int64_t study, const dicom::Series& series)
{
    Statement put(m_connection->get(), R"(INSERT INTO series(study, key, number, modality, description, images) VALUES(?, ?, ?, ?, ?, ?)
        ON CONFLICT(study, key) DO UPDATE SET number = excluded.number, modality = excluded.modality, description = excluded.description, images = excluded.images)");
    put.add(study).add(series.key).add(std::int64_t(std::atoll(series.text.seriesNumber.c_str()))).add(series.modality).add(series.text.seriesDescription)
        .add(std::int64_t(series.images.size())).run();
}

/// Sums over the series, and the text that is searched.
void StudyDatabase::updateTotals(std::int64_t study, const dicom::Study& texts)
{
    std::set<std::string> modalities;
    std::string descriptions;
    std::int64_t images = 0, count = 0;
    for (const SeriesEntry& series : seriesOf(study)) {
        modalities.insert(series.modality);
        descriptions += " " + series.description;
        images += series.images;
        ++count;
    }
    modalities.erase("");
    std::string list;
    for (const std::string& modality : modalities) {
        list += (list.empty() ? "" : ", ") + modality;
    }
    const std::string search = foldedText(texts.patient.name + " " + texts.patient.id + " " + dateForms(texts.patient.birthDate) + " " + dateForms(texts.text.studyDate) + " " + list + " " +
        texts.text.studyDescription + " " + texts.text.accessionNumber + descriptions);
    Statement update(m_connection->get(), "UPDATE study SET modalities = ?, series = ?, images = ?, search = ? WHERE id = ?");
    update.add(list).add(count).add(images).add(search).add(study).run();
}

std::vector<StudyEntry> StudyDatabase::search(const std::string& words, std::size_t most) const
{
    std::string sql = kEntryColumns;
    const std::vector<std::string> list = wordsOf(words);
    for (std::size_t n = 0; n < list.size(); ++n) {
        sql += std::string(n == 0 ? "WHERE" : "AND") + " search LIKE ? ESCAPE '\\' ";
    }
    Statement find(m_connection->get(), sql + "ORDER BY date DESC, time DESC, id DESC LIMIT ?");
    for (const std::string& word : list) {
        find.add(likePattern(word));
    }
    find.add(std::int64_t(most));
    std::vector<StudyEntry> found;
    while (find.step()) {
        found.push_back(entryOf(find));
    }
    return found;
}

StudyEntry StudyDatabase::find(const std::string& studyUid) const
{
    Statement find(m_connection->get(), std::string(kEntryColumns) + "WHERE uid = ?");
    find.add(studyUid);
    return find.step() ? entryOf(find) : StudyEntry();
}

std::size_t StudyDatabase::studyCount() const { return std::size_t(m_connection->number("SELECT count(*) FROM study")); }
std::size_t StudyDatabase::seriesCount() const { return std::size_t(m_connection->number("SELECT count(*) FROM series")); }

std::vector<SeriesEntry> StudyDatabase::seriesOf(std::int64_t study) const
{
    Statement find(m_connection->get(), "SELECT id, key, modality, description, images, thumbnail FROM series WHERE study = ? ORDER BY number, key");
    find.add(study);
    std::vector<SeriesEntry> found;
    while (find.step()) {
        found.push_back({find.number(0), find.text(1), find.text(2), find.text(3), int(find.number(4)), find.bytes(5)});
    }
    return found;
}

std::vector<fs::path> StudyDatabase::filesOf(std::int64_t study) const
{
    Statement find(m_connection->get(), "SELECT path FROM file WHERE study = ? ORDER BY path");
    find.add(study);
    std::vector<fs::path> found;
    while (find.step()) {
        found.emplace_back(find.text(0));
    }
    return found;
}

void StudyDatabase::setThumbnail(std::int64_t series, std::span<const std::uint8_t> png)
{
    Statement(m_connection->get(), "UPDATE series SET thumbnail = ? WHERE id = ?").add(png).add(series).run();
}

void StudyDatabase::remove(std::int64_t study)
{
    const std::vector<fs::path> files = filesOf(study);
    Statement(m_connection->get(), "DELETE FROM study WHERE id = ?").add(study).run();
    // Only what lies in the own folder; a file that stays after all is found again by recover().
    const fs::path images = fs::absolute(m_folder / "images");
    std::error_code error;
    for (const fs::path& file : files) {
        if (file.parent_path().parent_path() == images) {
            fs::remove_all(file.parent_path(), error);
        }
    }
}

std::int64_t StudyDatabase::beginImport(const std::vector<fs::path>& paths, bool copies)
{
    Transaction transaction(*m_connection);
    Statement(m_connection->get(), "INSERT INTO import(process, copies) VALUES(?, ?)").add(std::int64_t(getpid())).add(std::int64_t(copies)).run();
    const std::int64_t id = m_connection->lastRow();
    for (const fs::path& path : paths) {
        Statement(m_connection->get(), "INSERT INTO import_path(import, path) VALUES(?, ?)").add(id).add(fs::absolute(path).string()).run();
    }
    transaction.commit();
    return id;
}

void StudyDatabase::endImport(std::int64_t import) { Statement(m_connection->get(), "DELETE FROM import WHERE id = ?").add(import).run(); }

std::vector<PendingImport> StudyDatabase::interruptedImports() const
{
    std::vector<PendingImport> found;
    Statement find(m_connection->get(), "SELECT id, process, copies FROM import ORDER BY id");
    while (find.step()) {
        if (!isAlive(find.number(1))) {
            found.push_back({find.number(0), {}, find.number(2) != 0});
            Statement paths(m_connection->get(), "SELECT path FROM import_path WHERE import = ?");
            paths.add(found.back().id);
            while (paths.step()) {
                found.back().paths.emplace_back(paths.text(0));
            }
        }
    }
    return found;
}

std::vector<fs::path> StudyDatabase::unknownCopies()
{
    std::error_code error;
    for (const auto& left : fs::directory_iterator(m_folder / "incoming", error)) {
        if (!isAlive(processOf(left.path()))) {
            fs::remove_all(left.path(), error);
        }
    }
    std::set<fs::path> known;
    Statement find(m_connection->get(), "SELECT path FROM file JOIN study ON study.id = file.study WHERE is_copied");
    while (find.step()) {
        known.insert(fs::path(find.text(0)).parent_path());
    }
    std::vector<fs::path> unknown;
    for (const auto& entry : fs::directory_iterator(m_folder / "images", error)) {
        if (!known.contains(fs::absolute(entry.path()))) {
            unknown.push_back(entry.path());
        }
    }
    return unknown;
}

fs::path StudyDatabase::makeIncomingFolder() const
{
    const fs::path folder = m_folder / "incoming" / (std::to_string(getpid()) + "-" + QUuid::createUuid().toString(QUuid::WithoutBraces).toStdString());
    std::error_code error;
    if (!fs::create_directory(folder, error)) {
        throw Error("a folder for copies cannot be made: " + error.message(), "database");
    }
    return folder;
}

fs::path StudyDatabase::keepCopies(const fs::path& incoming) const
{
    const std::string name = incoming.filename().string();
    const fs::path kept = fs::absolute(m_folder / "images" / name.substr(name.find('-') + 1));
    std::error_code error;
    fs::rename(incoming, kept, error);
    if (error) {
        throw Error("copies cannot be moved into place: " + error.message(), "database");
    }
    return kept;
}

} // namespace hf::database
