#include "app/desktop/LibraryJob.h"

#include "viewer/database/Import.h"
#include "viewer/volume/Error.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QStandardPaths>

#include <cstdio>

namespace hf::app {

namespace {

QString text(const std::string& s) { return QString::fromStdString(s); }

void printStudies(const database::StudyDatabase& list, const QString& words)
{
    QJsonArray studies;
    for (const database::StudyEntry& study : list.search(words.toStdString())) {
        const database::StudyFiles files = database::findFiles(list, study.id);
        studies.append(QJsonObject{{"uid", text(study.uid)}, {"patient", text(study.patient.displayName())}, {"patient_id", text(study.patient.id)}, {"date", text(study.date)},
            {"description", text(study.description)}, {"modalities", text(study.modalities)}, {"series", study.series}, {"images", study.images}, {"copied", study.isCopied},
            {"files", int(files.present.size())}, {"files_missing", int(files.missing)}});
    }
    std::printf("%s", QJsonDocument(QJsonObject{{"studies", studies}}).toJson().constData());
}

/// Progress in steps of ten percent on stderr.
Progress stderrProgress()
{
    return [last = -1](double fraction, const std::string& what) mutable {
        const int step = int(fraction * 10);
        if (step != last) {
            std::fprintf(stderr, "hounsfield: %s, %d %%\n", what.c_str(), step * 10);
            last = step;
        }
    };
}

void import(database::StudyDatabase& list, const HeadlessOptions& options)
{
    database::recover(list);
    database::finishInterrupted(list);
    std::vector<std::filesystem::path> paths;
    for (const QString& path : options.importPaths) {
        paths.emplace_back(path.toStdString());
    }
    const database::ImportReport report = database::importStudies(list, paths, options.importCopies, stderrProgress());
    const std::size_t repeated = report.repeated();
    std::printf("%zu studies, %zu series, %zu images; %zu files were no images", report.studies, report.series, report.images, report.rejected.size() - repeated);
    if (repeated > 0) {
        std::printf(", %zu were other copies of images that are there", repeated);
    }
    std::printf("\n");
}

} // namespace

std::filesystem::path libraryFolder(const QString& named)
{
    return (named.isEmpty() ? QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + "/studies" : named).toStdString();
}

int runLibraryJob(const HeadlessOptions& options)
{
    database::StudyDatabase list(libraryFolder(options.libraryFolder));
    if (!list.setAside().empty()) {
        std::fprintf(stderr, "hounsfield: the list of studies was damaged; it is kept as %s\n", list.setAside().c_str());
    }
    if (!options.importPaths.isEmpty()) {
        import(list, options);
    }
    if (options.studies) {
        printStudies(list, *options.studies);
    }
    return 0;
}

} // namespace hf::app
