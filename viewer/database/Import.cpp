#include "viewer/database/Import.h"

#include "viewer/dicom/Presentation.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/volume/Error.h"

#include <QBuffer>
#include <QImage>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <set>
#include <tuple>

namespace hf::database {

std::size_t ImportReport::repeated() const
{
    return std::size_t(std::count_if(rejected.begin(), rejected.end(), [](const dicom::Rejected& file) { return file.code == "duplicate"; }));
}

namespace fs = std::filesystem;

namespace {

constexpr int kThumbnail = 96;

std::vector<std::uint8_t> thumbnailPng(const dicom::Series& series, const std::stop_token& stop)
{
    try {
        const Picture picture = dicom::thumbnail(series, kThumbnail, stop);
        QBuffer buffer;
        buffer.open(QIODevice::WriteOnly);
        QImage(picture.rgb.data(), picture.width, picture.height, 3 * picture.width, QImage::Format_RGB888).save(&buffer, "PNG");
        return {buffer.data().begin(), buffer.data().end()};
    } catch (const Cancelled&) {
        throw;
    } catch (const Error&) {
        return {};      // opening the series says what is wrong
    }
}

void makeThumbnails(StudyDatabase& database, const dicom::Study& study, const std::stop_token& stop)
{
    const std::int64_t id = database.find(study.uid).id;
    for (const SeriesEntry& entry : database.seriesOf(id)) {
        throwIfStopped(stop);
        const auto series = std::find_if(study.series.begin(), study.series.end(), [&](const dicom::Series& one) { return one.key == entry.key; });
        if (series == study.series.end() || !entry.thumbnail.empty()) {
            continue;
        }
        const std::vector<std::uint8_t> png = thumbnailPng(*series, stop);
        if (!png.empty()) {
            database.setThumbnail(entry.id, png);
        }
    }
}

bool hasSecondPart(const fs::path& path)
{
    const std::string extension = path.extension().string();
    return extension == ".mhd" || extension == ".nhdr" || extension == ".hdr" || extension == ".img";
}

/// Copies need no names of their own; volume files are known by their extension.
std::string copyName(std::size_t number, const fs::path& path)
{
    const std::string name = path.filename().string(), extension = path.extension().string();
    return std::to_string(number) + (name.ends_with(".nii.gz") ? ".nii.gz" : extension.size() <= 8 ? extension : "");
}

/// Every file that images lie in, unpacked ones too.
std::set<fs::path> imageFiles(const dicom::Study& study)
{
    std::set<fs::path> files;
    for (const dicom::Series& series : study.series) {
        for (const dicom::Image& image : series.images) {
            files.insert(image.path);
        }
        for (const auto& state : series.presentations) {
            files.insert(state->path);
        }
    }
    return files;
}

std::set<fs::path> filesIn(const fs::path& folder)
{
    std::set<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder)) {
        files.insert(fs::absolute(entry.path()));
    }
    return files;
}

/// @return the folder with the copies.
fs::path copyFiles(const StudyDatabase& database, const std::set<fs::path>& files, const std::stop_token& stop)
{
    const fs::path incoming = database.makeIncomingFolder();
    std::error_code error;
    try {
        std::size_t number = 0;
        for (const fs::path& file : files) {
            throwIfStopped(stop);
            if (!fs::copy_file(file, incoming / copyName(++number, file), error)) {
                throw Error("the images cannot be copied: " + error.message(), "disk");
            }
        }
        return database.keepCopies(incoming);
    } catch (const Error&) {
        fs::remove_all(incoming, error);
        throw;
    }
}

/// Adds what `files` and the files known before make together: a study that comes in parts is seen as a whole.
/// @param scanned  what `files` alone make, where that is known.
void addWhole(StudyDatabase& database, const std::string& uid, std::set<fs::path> files, bool isCopied, const dicom::Study* scanned, const std::stop_token& stop)
{
    const StudyEntry known = database.find(uid);
    const std::size_t fresh = files.size();
    if (known.isCopied == isCopied) {
        const std::vector<fs::path> present = findFiles(database, known.id).present;
        files.insert(present.begin(), present.end());
    }
    const std::vector<fs::path> all(files.begin(), files.end());
    std::vector<dicom::Study> found = scanned && files.size() == fresh ? std::vector{*scanned} : dicom::scan(all, {}, stop).studies;
    // An archive may hold other studies too; a volume file's UID comes from its place.
    if (std::any_of(found.begin(), found.end(), [&](const dicom::Study& one) { return one.uid == uid; })) {
        std::erase_if(found, [&](const dicom::Study& one) { return one.uid != uid; });
    }
    for (const dicom::Study& study : found) {
        database.add(study, all, isCopied);
        makeThumbnails(database, study, stop);
    }
}

/// 0 where it is not there any more.
std::uintmax_t sizeOf(const fs::path& path)
{
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    return error ? 0 : size;
}

bool haveSameBytes(const fs::path& one, const fs::path& other)
{
    if (sizeOf(one) != sizeOf(other)) {
        return false;
    }
    std::ifstream a(one, std::ios::binary), b(other, std::ios::binary);
    std::vector<char> left(1 << 18), right(left.size());
    while (a && b) {
        a.read(left.data(), std::streamsize(left.size()));
        b.read(right.data(), std::streamsize(right.size()));
        if (a.gcount() != b.gcount() || !std::equal(left.begin(), left.begin() + a.gcount(), right.begin())) {
            return false;
        }
    }
    return a.eof() && b.eof();
}

/// What a scan tells images apart by: some writers give one UID to all images of a series.
using Identity = std::tuple<std::string, int, int, std::array<double, 3>>;

Identity identityOf(const dicom::Image& image)
{
    const PointLps place = image.position.value_or(PointLps{});
    return {image.sopInstanceUid, image.instanceNumber, image.frame, {place.x, place.y, place.z}};
}

/// The files of a study that were copied before.
class Copies {
public:
    Copies(const StudyDatabase& database, std::int64_t study, const std::stop_token& stop)
    {
        for (const dicom::Study& one : dicom::scan(database.filesOf(study), {}, stop).studies) {
            for (const dicom::Series& series : one.series) {
                for (const dicom::Image& image : series.images) {
                    m_images.emplace(identityOf(image), image.path);
                }
                for (const auto& state : series.presentations) {
                    m_states.insert(state->path);
                }
            }
        }
    }

    /// Other: of the same image, but not the same bytes, and no larger file than the copy, which is the one that a scan shows.
    enum class Found { None, Same, Other };
    Found find(const dicom::Image& image) const
    {
        const auto [first, last] = m_images.equal_range(identityOf(image));
        if (std::any_of(first, last, [&](const auto& copy) { return haveSameBytes(copy.second, image.path); })) {
            return Found::Same;
        }
        const bool isTold = std::any_of(first, last, [&](const auto& copy) { return sizeOf(copy.second) >= sizeOf(image.path); });
        return isTold && !image.sopInstanceUid.empty() ? Found::Other : Found::None;
    }
    bool hasState(const fs::path& path) const
    {
        return std::any_of(m_states.begin(), m_states.end(), [&](const fs::path& copy) { return haveSameBytes(copy, path); });
    }

private:
    std::multimap<Identity, fs::path> m_images;
    std::set<fs::path> m_states;
};

/// Files of images that were not copied before.
/// @param rejected  gets those that are left out although they are not the same.
std::set<fs::path> filesToCopy(const StudyDatabase& database, const dicom::Study& study, std::vector<dicom::Rejected>& rejected, const std::stop_token& stop)
{
    const StudyEntry known = database.find(study.uid);
    if (!known.isCopied) {
        return imageFiles(study);
    }
    const Copies copies(database, known.id, stop);
    std::set<fs::path> files, seen;
    for (const dicom::Series& series : study.series) {
        for (const dicom::Image& image : series.images) {
            throwIfStopped(stop);
            if (!seen.insert(image.path).second) {
                continue;       // a frame of the same file
            }
            const Copies::Found found = copies.find(image);
            if (found == Copies::Found::None) {
                files.insert(image.path);
            } else if (found == Copies::Found::Other) {
                rejected.push_back({dicom::shownPathOf(series, image.path), "another copy of this image was taken in before, which stays", "duplicate"});
            }
        }
        for (const auto& state : series.presentations) {
            if (!copies.hasState(state->path)) {
                files.insert(state->path);
            }
        }
    }
    return files;
}

/// @param rejected  gets what is left out of it.
void takeIn(StudyDatabase& database, const dicom::Study& study, bool copies, std::vector<dicom::Rejected>& rejected, const std::stop_token& stop)
{
    const std::set<fs::path> images = imageFiles(study);
    if (copies && std::none_of(images.begin(), images.end(), hasSecondPart)) {
        const std::set<fs::path> fresh = filesToCopy(database, study, rejected, stop);
        if (!fresh.empty()) {
            addWhole(database, study.uid, filesIn(copyFiles(database, fresh, stop)), true, nullptr, stop);
            return;
        }
    } else if (!database.find(study.uid).isCopied) {
        const std::vector<fs::path> files = filesOfStudy(study);
        addWhole(database, study.uid, {files.begin(), files.end()}, false, &study, stop);
        return;
    }
    // All is there; only pictures may be missing after an interruption.
    makeThumbnails(database, study, stop);
}

} // namespace

std::vector<fs::path> filesOfStudy(const dicom::Study& study)
{
    std::set<fs::path> files;
    for (const dicom::Series& series : study.series) {
        for (const dicom::Image& image : series.images) {
            files.insert(fs::absolute(dicom::sourceOf(series, image.path)));
        }
        for (const auto& state : series.presentations) {
            files.insert(fs::absolute(dicom::sourceOf(series, state->path)));
        }
    }
    return {files.begin(), files.end()};
}

namespace {

/// An import that the list knows already.
ImportReport takeInAll(StudyDatabase& database, const std::vector<fs::path>& paths, bool copies, const Progress& progress, const std::stop_token& stop)
{
    ImportReport report;
    dicom::ScanResult found = dicom::scan(paths, [&](double fraction, const std::string& what) { hf::report(progress, 0.5 * fraction, what); }, stop);
    report.rejected = std::move(found.rejected);
    for (std::size_t n = 0; n < found.studies.size(); ++n) {
        throwIfStopped(stop);
        const dicom::Study& study = found.studies[n];
        takeIn(database, study, copies, report.rejected, stop);
        ++report.studies;
        report.series += study.series.size();
        for (const dicom::Series& series : study.series) {
            report.images += series.images.size();
        }
        hf::report(progress, 0.5 + 0.5 * double(n + 1) / double(found.studies.size()), "taking in studies");
    }
    return report;
}

} // namespace

ImportReport importStudies(StudyDatabase& database, const std::vector<fs::path>& paths, bool copies, const Progress& progress, std::stop_token stop, const std::function<bool()>& goesOnLater)
{
    return goOnWithImport(database, {database.beginImport(paths, copies), paths, copies}, progress, stop, goesOnLater);
}

ImportReport goOnWithImport(StudyDatabase& database, const PendingImport& import, const Progress& progress, std::stop_token stop, const std::function<bool()>& goesOnLater)
{
    try {
        ImportReport report = takeInAll(database, import.paths, import.copies, progress, stop);
        database.endImport(import.id);
        return report;
    } catch (const Cancelled&) {
        if (!goesOnLater || !goesOnLater()) {
            database.endImport(import.id);
        }
        throw;
    } catch (const Error&) {
        // It cannot be done: it is not tried again.
        database.endImport(import.id);
        throw;
    }
}

void finishInterrupted(StudyDatabase& database, const Progress& progress, std::stop_token stop)
{
    for (const PendingImport& left : database.interruptedImports()) {
        try {
            takeInAll(database, left.paths, left.copies, progress, stop);
        } catch (const Cancelled&) {
            throw;
        } catch (const Error&) {
            // The medium is gone. What was taken in stays.
        }
        database.endImport(left.id);
    }
}

void recordStudies(StudyDatabase& database, const std::vector<dicom::Study>& studies, std::stop_token stop)
{
    for (const dicom::Study& study : studies) {
        throwIfStopped(stop);
        std::vector<dicom::Rejected> none;      // nothing is copied
        takeIn(database, study, false, none, stop);
    }
}

std::size_t recover(StudyDatabase& database, std::stop_token stop)
{
    std::size_t taken = 0;
    for (const fs::path& folder : database.unknownCopies()) {
        const std::vector<fs::path> one{folder};
        for (const dicom::Study& study : dicom::scan(one, {}, stop).studies) {
            addWhole(database, study.uid, filesIn(folder), true, nullptr, stop);
            ++taken;
        }
    }
    return taken;
}

StudyFiles findFiles(const StudyDatabase& database, std::int64_t study)
{
    StudyFiles files;
    for (const fs::path& path : database.filesOf(study)) {
        std::error_code error;
        if (fs::exists(path, error)) {
            files.present.push_back(path);
        } else {
            files.firstMissing = files.missing++ == 0 ? path : files.firstMissing;
        }
    }
    return files;
}

} // namespace hf::database
