#include "app/desktop/Library.h"

#include "viewer/volume/Error.h"
#include "viewer/volume/Priority.h"
#include "viewer/widgets/ReasonText.h"

#include <QElapsedTimer>

namespace hf::app {

namespace {

QString problemText(const Error& error)
{
    return error.code() == "database-newer"
        ? Library::tr("The list of studies was made by a later version of Hounsfield and is left as it is. Studies can be opened, but they are not kept in the list. Use the later version.")
        : Library::tr("The list of studies cannot be used: %1. Studies can be opened, but they are not kept in the list.").arg(reasonText(QString::fromUtf8(error.what())));
}

/// At most every 40 ms: more is not seen.
Progress throttled(std::function<void(double)> tell)
{
    auto timer = std::make_shared<QElapsedTimer>();
    timer->start();
    return [timer, tell = std::move(tell)](double fraction, const std::string&) {
        if (timer->elapsed() > 40) {
            timer->restart();
            tell(fraction);
        }
    };
}

constexpr int kNicer = 10;      // the images on the screen come first

} // namespace

Library::Library(const QString& folder, QObject* parent) : QObject(parent), m_folder(folder.toStdString())
{
    try {
        m_list = std::make_unique<database::StudyDatabase>(m_folder);
        if (!m_list->setAside().empty()) {
            m_problem = tr("The list of studies was damaged. It is kept as %1; a new list was begun. Copied studies are taken in again, others when you open them.").arg(QString::fromStdString(m_list->setAside().string()));
        }
    } catch (const Error& error) {
        m_problem = problemText(error);
        return;
    }
    m_isResuming = !m_list->interruptedImports().empty();
    m_thread = std::jthread([this](std::stop_token end) { work(end); });
    enqueue([this](database::StudyDatabase& list, std::stop_token stop) { resume(list, stop); });
}

/// What the end of a program interrupted; on the thread.
void Library::resume(database::StudyDatabase& list, std::stop_token stop)
{
    const bool isAny = !list.interruptedImports().empty();
    try {
        database::recover(list, stop);
        database::finishInterrupted(list, importProgress(), stop);
    } catch (const Cancelled&) {
        // The reader does not want it; at the end of the program it stays for the next time.
        if (!m_isEnding) {
            for (const database::PendingImport& left : list.interruptedImports()) {
                list.endImport(left.id);
            }
        }
        deliver([this] { m_isResuming = false; });
        throw;
    }
    deliver([this, isAny] {
        m_isResuming = false;
        if (isAny) {
            Q_EMIT finished(tr("The import that was interrupted is done."));
        }
    });
}

Progress Library::importProgress()
{
    return throttled([this](double fraction) {
        deliver([this, fraction] {
            m_progress = fraction;
            Q_EMIT progressed(fraction);
            Q_EMIT changed();
        });
    });
}

Library::~Library()
{
    m_isEnding = true;
    m_thread.request_stop();
    cancel();
}

void Library::deliver(std::function<void()> action) { QMetaObject::invokeMethod(this, std::move(action), Qt::QueuedConnection); }

void Library::cancel()
{
    const std::lock_guard lock(m_mutex);
    // Also what has not begun yet, but not what will be asked for later.
    if (m_isWorking || !m_queue.empty()) {
        m_stop.request_stop();
    }
}

void Library::enqueue(Job job)
{
    ++m_jobs;
    {
        const std::lock_guard lock(m_mutex);
        m_queue.push_back(std::move(job));
    }
    m_wake.notify_one();
}

/// On the thread: a connection of its own.
void Library::work(const std::stop_token& end)
{
    giveWay(kNicer);
    std::unique_ptr<database::StudyDatabase> list;
    while (true) {
        Job job;
        {
            std::unique_lock lock(m_mutex);
            if (!m_wake.wait(lock, end, [this] { return !m_queue.empty(); }) || end.stop_requested()) {
                return;
            }
            job = std::move(m_queue.front());
            m_queue.pop_front();
            m_isWorking = true;
        }
        try {
            if (!list) {
                list = std::make_unique<database::StudyDatabase>(m_folder);
            }
            job(*list, m_stop.get_token());
        } catch (const Cancelled&) {
            deliver([this] { Q_EMIT failed("cancelled", {}); });
        } catch (const Error& error) {
            deliver([this, code = QString::fromStdString(error.code()), message = reasonText(QString::fromUtf8(error.what()))] { Q_EMIT failed(code, message); });
        } catch (const std::exception& error) {
            deliver([this, message = QString::fromUtf8(error.what())] { Q_EMIT failed("internal", message); });
        }
        {
            const std::lock_guard lock(m_mutex);
            m_isWorking = false;
            m_stop = {};
        }
        deliver([this] {
            --m_jobs;
            Q_EMIT changed();
        });
    }
}

void Library::import(const QStringList& paths, bool copies)
{
    if (!m_list || paths.isEmpty()) {
        return;
    }
    database::PendingImport import{0, {}, copies};
    for (const QString& path : paths) {
        import.paths.emplace_back(path.toStdString());
    }
    Q_EMIT started();
    try {
        // Noted at once: it may wait for others when the program ends.
        import.id = m_list->beginImport(import.paths, copies);
    } catch (const Error& error) {
        Q_EMIT failed(QString::fromStdString(error.code()), reasonText(QString::fromUtf8(error.what())));
        return;
    }
    enqueue([this, import](database::StudyDatabase& database, std::stop_token stop) {
        const database::ImportReport report = database::goOnWithImport(database, import, importProgress(), stop, [this] { return m_isEnding.load(); });
        deliver([this, report] {
            const std::size_t repeated = report.repeated(), others = report.rejected.size() - repeated;
            // Each number has its own singular; English has no catalogue for plural forms.
            const QString studies = report.studies == 1 ? tr("1 study") : tr("%1 studies").arg(report.studies), images = report.images == 1 ? tr("1 image") : tr("%1 images").arg(report.images);
            const QString noImages = others == 0 ? QString() : " " + (others == 1 ? tr("1 file is no image.") : tr("%1 files are no images.").arg(others));
            const QString copies = repeated == 0 ? QString()
                : " " + (repeated == 1 ? tr("1 file was left out: it is another copy of an image that is there.") : tr("%1 files were left out: they are other copies of images that are there.").arg(repeated));
            Q_EMIT finished(tr("Taken in: %1, %2 series, %3.").arg(studies, QString::number(report.series), images) + noImages + copies);
        });
    });
}

void Library::record(const std::vector<dicom::Study>& studies)
{
    if (m_list && !studies.empty()) {
        enqueue([studies](database::StudyDatabase& database, std::stop_token stop) { database::recordStudies(database, studies, stop); });
    }
}

void Library::remove(qint64 study)
{
    if (m_list) {
        enqueue([study](database::StudyDatabase& database, std::stop_token) { database.remove(study); });
    }
}

} // namespace hf::app
