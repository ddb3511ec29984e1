#include "viewer/dicom/Scan.h"

#include "viewer/dicom/Archive.h"
#include "viewer/dicom/Attributes.h"
#include "viewer/dicom/Grouping.h"
#include "viewer/dicom/Header.h"
#include "viewer/imaging/VolumeFile.h"
#include "viewer/volume/Error.h"

#include <QCryptographicHash>
#include <QFileInfo>
#include <QImageReader>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcuid.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>

namespace hf::dicom {

namespace fs = std::filesystem;

namespace {

/// A file to be looked at, and what keeps it alive.
struct FoundFile {
    fs::path path;
    std::shared_ptr<const UnpackedArchive> storage;

    /// As a reader is told: in an archive by its place there.
    fs::path shownPath() const { return storage ? storage->placeOf(path) : path; }
};

bool isNamedDicomDir(const fs::path& path)
{
    const std::string name = path.filename().string(), usual = "DICOMDIR";
    return std::equal(name.begin(), name.end(), usual.begin(), usual.end(), [](unsigned char a, unsigned char b) { return std::toupper(a) == b; });
}

/// The directory of a medium, under whatever name: its meta header tells the SOP class (PS3.10 7.1).
bool isDicomDir(const fs::path& path)
{
    std::string head(512, '\0');
    std::ifstream stream(path, std::ios::binary);
    stream.read(head.data(), std::streamsize(head.size()));
    head.resize(std::size_t(stream.gcount()));
    return isNamedDicomDir(path) || (head.size() > 132 && head.compare(128, 4, "DICM") == 0 && head.find(UID_MediaStorageDirectoryStorage) != std::string::npos);
}

class Collector {
public:
    Collector(ScanResult& result, std::stop_token stop) : m_result(result), m_stop(std::move(stop)) {}

    void add(const fs::path& path)
    {
        std::error_code error;
        if (!fs::exists(path, error) || error) {
            throw Error("there is no " + path.string(), "not-found");
        }
        if (fs::is_directory(path)) {
            addFolder(path, nullptr);
        } else if (fs::is_regular_file(path)) {
            addFile(path, nullptr, true);
        } else {
            // A pipe would be waited for.
            refuse({path, "not a DICOM or volume file", "not-an-image"});
        }
    }
    std::vector<FoundFile> take() { return std::move(m_files); }

private:
    void addFolder(const fs::path& folder, const std::shared_ptr<const UnpackedArchive>& storage)
    {
        std::vector<fs::path> paths;
        std::error_code walking, looking;
        fs::recursive_directory_iterator entry(folder, walking);
        if (walking) {
            throw Error(unreadable(folder), "not-found");
        }
        for (; entry != fs::recursive_directory_iterator(); entry.increment(walking)) {
            throwIfStopped(m_stop);
            const std::string name = entry->path().filename().string();
            const bool isFolder = entry->is_directory(looking), isHidden = !name.empty() && name[0] == '.';
            if (isFolder && !isHidden && !entry->is_symlink(looking) && !isReadable(entry->path())) {
                refuse({FoundFile{entry->path(), storage}.shownPath(), unreadable(entry->path()), "not-found"});
                entry.disable_recursion_pending();
            } else if (isFolder && isHidden) {
                entry.disable_recursion_pending();
            } else if (!isHidden && entry->is_regular_file(looking)) {
                paths.push_back(entry->path());
            }
        }
        if (walking) {
            refuse({FoundFile{folder, storage}.shownPath(), unreadable(folder), "not-found"});     // to its end
        }
        std::sort(paths.begin(), paths.end());
        for (const fs::path& path : paths) {
            addFile(path, storage, false);
        }
    }

    static std::string unreadable(const fs::path& folder) { return "the folder " + folder.string() + " cannot be read"; }

    static bool isReadable(const fs::path& folder)
    {
        std::error_code error;
        const fs::directory_iterator opened(folder, error);
        return !error;
    }

    /// What nothing can be found in.
    void refuse(Rejected file)
    {
        ++m_result.filesSeen;
        m_result.rejected.push_back(std::move(file));
    }

    void addFile(const fs::path& path, const std::shared_ptr<const UnpackedArchive>& storage, bool named)
    {
        throwIfStopped(m_stop);
        // A path that was named twice, or a file inside a folder that was named too.
        std::error_code error;
        if (!m_seen.insert(fs::weakly_canonical(path, error)).second) {
            return;
        }
        if (looksLikeZip(path) && !imaging::findVolumeFileInfoByName(path)) {
            try {
                const auto unpacked = unpackZip(path, storage.get(), m_stop);
                addFolder(unpacked->folder, unpacked);
            } catch (const Cancelled&) {
                throw;
            } catch (const Error& problem) {
                m_result.rejected.push_back({FoundFile{path, storage}.shownPath(), problem.what(), problem.code()});
            }
            return;
        }
        if (named && isDicomDir(path)) {
            addDicomDir(path);
            return;
        }
        m_files.push_back({path, storage});
    }

    void addDicomDir(const fs::path& path)
    {
        ++m_result.filesSeen;
        DcmFileFormat file;
        DcmSequenceOfItems* records = nullptr;
        if (file.loadFile(path.c_str()).bad() || !(records = findSequence(*file.getDataset(), DCM_DirectoryRecordSequence))) {
            m_result.rejected.push_back({path, "the DICOMDIR cannot be read", "broken"});
            return;
        }
        bool namesFiles = false;
        for (DcmObject* object = records->nextInContainer(nullptr); object; object = records->nextInContainer(object)) {
            const std::vector<std::string> parts = codes(*static_cast<DcmItem*>(object), DCM_ReferencedFileID);
            if (parts.empty()) {
                continue;
            }
            namesFiles = true;
            const fs::path target = findIgnoringCase(path.parent_path(), parts);
            if (target.empty()) {
                fs::path named = path.parent_path();
                for (const std::string& part : parts) {
                    named /= part;
                }
                m_result.rejected.push_back({named, "named by the DICOMDIR, but not there", "missing"});
            } else {
                addFile(target, nullptr, false);
            }
        }
        if (!namesFiles) {
            m_result.rejected.push_back({path, "the DICOMDIR names no files", "no-image"});
        }
    }

    /// Media are often copied with other capitals.
    static fs::path findIgnoringCase(fs::path folder, const std::vector<std::string>& parts)
    {
        for (const std::string& part : parts) {
            // A record must not lead out of its medium.
            if (part == ".." || part.find('/') != std::string::npos) {
                return {};
            }
            std::error_code error;
            if (fs::exists(folder / part, error)) {
                folder /= part;
                continue;
            }
            const auto same = [&](const std::string& name) {
                return std::equal(name.begin(), name.end(), part.begin(), part.end(), [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
            };
            fs::path found;
            for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator(); entry.increment(error)) {
                if (same(entry->path().filename().string()) || same(entry->path().stem().string())) {
                    found = entry->path();
                    break;
                }
            }
            if (found.empty()) {
                return {};
            }
            folder = found;
        }
        return folder;
    }

    ScanResult& m_result;
    std::stop_token m_stop;
    std::vector<FoundFile> m_files;
    std::set<fs::path> m_seen;
};

/// By the place, so that it is the same each time; of an archive's file by the place there.
std::string fileUid(const fs::path& path)
{
    return "file-" + QCryptographicHash::hash(QByteArray::fromStdString(fs::absolute(path).string()), QCryptographicHash::Sha1).toHex().left(24).toStdString();
}

Series seriesOfFile(const FoundFile& file, SeriesFormat format)
{
    Series series;
    series.uid = series.key = fileUid(file.shownPath());
    series.studyUid = "study-" + series.uid;
    series.format = format;
    series.text.seriesDescription = file.path.filename().string();
    series.images.push_back({file.path, 0, {}, 1, std::nullopt});
    series.notes.push_back({"modality-unknown", "The file does not tell the modality."});
    return series;
}

/// NIfTI, NRRD, MetaImage; empty when it is none of them. @throws Error
std::optional<Series> findVolumeSeries(const FoundFile& file)
{
    const auto info = imaging::findVolumeFileInfo(file.path);
    if (!info) {
        return std::nullopt;
    }
    Series series = seriesOfFile(file, SeriesFormat::VolumeFile);
    series.rows = info->size.j;
    series.columns = info->size.i;
    series.fileSlices = info->size.k;
    series.spacingMm = info->spacingMm;
    series.kind = info->size.k > 1 ? SeriesKind::Volume : SeriesKind::SingleImage;
    series.plane = info->plane;
    if (info->timePoints > 1) {
        series.notes.push_back({"time-points", "The file holds " + std::to_string(info->timePoints) + " volumes; the first is shown."});
    }
    return series;
}

std::optional<Series> findPicture(const FoundFile& file)
{
    QImageReader reader(QString::fromStdString(file.path.string()));
    reader.setDecideFormatFromContent(true);
    static const QList<QByteArray> kFormats{"png", "jpeg", "jpg"};
    if (!reader.canRead() || !kFormats.contains(reader.format()) || !reader.size().isValid()) {
        return std::nullopt;
    }
    Series series = seriesOfFile(file, SeriesFormat::Picture);
    series.columns = reader.size().width();
    series.rows = reader.size().height();
    series.notes.push_back({"no-spacing", "The file gives no pixel spacing; 1 mm was assumed, lengths mean nothing."});
    return series;
}

bool hasExtension(const fs::path& path, const char* wanted)
{
    std::string extension = path.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return extension == wanted;
}

/// The voxels of a header beside it (NIfTI pairs, Analyze), which is listed itself.
bool isSecondOfPair(const Series& series, const std::vector<Series>& all)
{
    const fs::path& path = series.images.front().path;
    return series.format == SeriesFormat::VolumeFile && hasExtension(path, ".img") && std::any_of(all.begin(), all.end(), [&](const Series& other) {
        const fs::path& first = other.images.front().path;
        return hasExtension(first, ".hdr") && first.parent_path() == path.parent_path() && first.stem() == path.stem();
    });
}

/// What one file turned out to be.
struct Look {
    std::optional<Header> header;
    std::optional<Series> series;
    std::optional<Presentation> presentation;
    std::optional<Rejected> rejected;
};

/// Of a DICOM object without pixels.
std::optional<Presentation> presentationOf(const fs::path& path)
{
    try {
        return DicomFile(path, false).findPresentation();
    } catch (const std::exception&) {
        return std::nullopt;    // the reason why it is no image stands
    }
}

Look lookAt(const FoundFile& file)
{
    Look look;
    try {
        if (looksLikeDicom(file.path)) {
            look.header = DicomFile(file.path).header();
            return look;
        }
        look.series = findVolumeSeries(file);
        if (!look.series) {
            look.series = findPicture(file);
        }
        if (!look.series) {
            look.rejected = Rejected{file.path, "not a DICOM or volume file", "not-an-image"};
        }
    } catch (const Error& error) {
        look.presentation = error.code() == "no-image" ? presentationOf(file.path) : std::nullopt;
        if (!look.presentation) {
            look.rejected = Rejected{file.path, error.what(), error.code()};
        }
    } catch (const std::exception& error) {    // a library's own exception about a broken file
        look.rejected = Rejected{file.path, std::string("the file cannot be read: ") + error.what(), "broken"};
    }
    return look;
}

std::vector<Look> lookAtAll(const std::vector<FoundFile>& files, const Progress& progress, const std::stop_token& stop)
{
    std::vector<Look> looks(files.size());
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;
    const auto work = [&] {
        for (std::size_t n = next++; n < files.size() && !stop.stop_requested(); n = next++) {
            looks[n] = lookAt(files[n]);
            const std::lock_guard lock(mutex);
            report(progress, double(n + 1) / double(files.size()), "reading headers");
        }
    };
    {
        std::vector<std::jthread> others;
        const std::size_t threads = std::min<std::size_t>(files.size(), std::clamp(std::thread::hardware_concurrency(), 1U, 8U));
        for (std::size_t n = 1; n < threads; ++n) {
            others.emplace_back(work);
        }
        work();
    }
    throwIfStopped(stop);
    return looks;
}

/// The images of a scan, each once: of copies the largest file, which is neither cut nor compressed more than another.
class FoundImages {
public:
    void add(const FoundFile& file, Header header, std::vector<Rejected>& rejected)
    {
        std::error_code unknown;
        const std::uintmax_t bytes = fs::file_size(file.path, unknown);
        const auto [known, isNew] = m_known.emplace(identityOf(header), m_headers.size());
        if (isNew || header.sopInstanceUid.empty()) {
            m_headers.push_back(std::move(header));
            m_sources.push_back({file.shownPath(), unknown ? 0 : bytes});
            return;
        }
        Source other{file.shownPath(), unknown ? 0 : bytes};
        if (Source& first = m_sources[known->second]; other.bytes > first.bytes) {
            m_headers[known->second] = std::move(header);
            std::swap(first, other);
        }
        rejected.push_back({other.path, "the same image was found in another file", "duplicate"});
    }
    const std::vector<Header>& headers() const { return m_headers; }
    std::vector<Header> take() { return std::move(m_headers); }

private:
    struct Source {
        fs::path path;
        std::uintmax_t bytes;
    };

    /// The UID alone is not believed: some writers give it to all images of a series.
    static std::tuple<std::string, int, std::size_t, std::array<double, 3>> identityOf(const Header& header)
    {
        const PointLps place = header.frames.front().position.value_or(PointLps{});
        return {header.sopInstanceUid, header.instanceNumber, header.frames.size(), {place.x, place.y, place.z}};
    }

    std::vector<Header> m_headers;
    std::vector<Source> m_sources;      ///< Of the headers.
    std::map<std::tuple<std::string, int, std::size_t, std::array<double, 3>>, std::size_t> m_known;
};

/// What was stored cannot be told from the values that a table of an image made: only a state with the same table is shown as it was meant.
void compareTables(Presentation& state, const std::vector<Header>& headers)
{
    const auto differs = [&](const Header& header) { return header.modalityLut != 0 && header.modalityLut != state.modalityLut && std::any_of(state.images.begin(), state.images.end(), [&](const auto& image) { return image.sopInstanceUid == header.sopInstanceUid; }); };
    if (std::any_of(headers.begin(), headers.end(), differs)) {
        state.notApplied.emplace_back("modality lookup table");
    }
}

std::string joined(const std::vector<std::string>& words)
{
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : ", ") + word;
    }
    return text;
}

/// One sentence about the states of a series: which is shown first, and what of it is not.
Note presentationNote(const Series& series)
{
    const Presentation& first = *series.presentations.front();
    const std::size_t count = series.presentations.size();
    return {"presentation", "Shown first by presentation state " + first.label + (count > 1 ? ", the newest of " + std::to_string(count) : std::string()) +
        (first.notApplied.empty() ? "." : "; not applied: " + joined(first.notApplied) + ".")};
}

/// Gives each series the states that are for one of its images, the newest first.
void attachPresentations(std::vector<Study>& studies, const std::vector<std::shared_ptr<const Presentation>>& states)
{
    for (Study& study : studies) {
        for (Series& series : study.series) {
            std::copy_if(states.begin(), states.end(), std::back_inserter(series.presentations), [&](const auto& state) {
                return std::any_of(series.images.begin(), series.images.end(), [&](const Image& image) { return state->isFor(image.sopInstanceUid, image.frame); });
            });
            std::stable_sort(series.presentations.begin(), series.presentations.end(), [](const auto& a, const auto& b) { return a->created > b->created; });
            if (!series.presentations.empty()) {
                series.notes.push_back(presentationNote(series));
            }
        }
    }
}

bool isAttached(const Presentation& state, const std::vector<Study>& studies)
{
    const auto has = [&](const Series& series) { return std::any_of(series.presentations.begin(), series.presentations.end(), [&](const auto& own) { return own.get() == &state; }); };
    return std::any_of(studies.begin(), studies.end(), [&](const Study& study) { return std::any_of(study.series.begin(), study.series.end(), has); });
}

/// Each series holds the archives that its images and states lie in.
void keepArchives(std::vector<Study>& studies, const std::vector<FoundFile>& files)
{
    std::map<fs::path, std::shared_ptr<const UnpackedArchive>> byFile;
    for (const FoundFile& file : files) {
        if (file.storage) {
            byFile[file.path] = file.storage;
        }
    }
    if (byFile.empty()) {
        return;
    }
    for (Study& study : studies) {
        for (Series& series : study.series) {
            auto archives = std::make_shared<UnpackedArchives>();
            const auto keep = [&](const fs::path& path) {
                const auto found = byFile.find(path);
                if (found != byFile.end() && std::find(archives->begin(), archives->end(), found->second) == archives->end()) {
                    archives->push_back(found->second);
                }
            };
            for (const Image& image : series.images) {
                keep(image.path);
            }
            for (const auto& state : series.presentations) {
                keep(state->path);
            }
            series.storage = archives->empty() ? nullptr : std::move(archives);
        }
    }
}

} // namespace

ScanResult scan(std::span<const fs::path> paths, const Progress& progress, std::stop_token stop)
{
    ScanResult result;
    report(progress, 0, "looking for files");
    Collector collector(result, stop);
    for (const fs::path& path : paths) {
        collector.add(path);
    }
    const std::vector<FoundFile> files = collector.take();
    std::vector<Look> looks = lookAtAll(files, progress, stop);

    FoundImages images;
    std::vector<Series> others;
    std::vector<Presentation> states;
    std::set<std::string> stateUids;
    for (std::size_t n = 0; n < files.size(); ++n) {
        ++result.filesSeen;
        Look& look = looks[n];
        if (look.rejected) {
            // The directory of a medium is no image, but nothing is wrong with it.
            if (!isNamedDicomDir(files[n].path)) {
                look.rejected->path = files[n].shownPath();
                result.rejected.push_back(std::move(*look.rejected));
            }
        } else if (look.presentation) {
            const std::string& uid = look.presentation->sopInstanceUid;
            if (uid.empty() || stateUids.insert(uid).second) {
                look.presentation->path = files[n].path;
                states.push_back(std::move(*look.presentation));
            }
        } else if (look.header) {
            images.add(files[n], std::move(*look.header), result.rejected);
        } else if (look.series) {
            others.push_back(std::move(*look.series));
        }
    }
    std::vector<std::shared_ptr<const Presentation>> shared;
    for (Presentation& state : states) {
        compareTables(state, images.headers());
        shared.push_back(std::make_shared<const Presentation>(std::move(state)));
    }
    result.studies = groupIntoStudies(images.take());
    attachPresentations(result.studies, shared);
    for (const auto& state : shared) {
        if (!isAttached(*state, result.studies)) {
            result.rejected.push_back({state->path, "a presentation state for images that are not here", "no-image"});
        }
    }
    for (const Series& series : others) {
        if (!isSecondOfPair(series, others)) {
            addSeries(result.studies, series);
        }
    }
    keepArchives(result.studies, files);
    return result;
}

namespace {

/// The archive that a file was unpacked from; null without.
const UnpackedArchive* archiveOf(const Series& series, const fs::path& file)
{
    // A scan puts nothing else there.
    const auto* archives = static_cast<const UnpackedArchives*>(series.storage.get());
    for (std::size_t n = 0; archives && n < archives->size(); ++n) {
        if ((*archives)[n]->holds(file)) {
            return (*archives)[n].get();
        }
    }
    return nullptr;
}

} // namespace

fs::path sourceOf(const Series& series, const fs::path& file)
{
    const UnpackedArchive* archive = archiveOf(series, file);
    return archive ? archive->archive : file;
}

fs::path shownPathOf(const Series& series, const fs::path& file)
{
    const UnpackedArchive* archive = archiveOf(series, file);
    return archive ? archive->placeOf(file) : file;
}

} // namespace hf::dicom
