#pragma once

#include "viewer/database/Import.h"

#include <QObject>
#include <QStringList>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace hf::app {

/// The list of studies on this computer, and the one thread that fills it. GUI thread only; signals come there.
class Library : public QObject {
    Q_OBJECT
public:
    /// Opens the list, finishes what an interrupted import left. A list that cannot be used is told by problem().
    explicit Library(const QString& folder, QObject* parent = nullptr);
    ~Library() override;

    /// Null when it cannot be used.
    const database::StudyDatabase* list() const { return m_list.get(); }
    /// What the reader must know about the list itself, with what to do; empty when all is well.
    QString problem() const { return m_problem; }
    bool isBusy() const { return m_jobs > 0; }
    /// It goes on with an import that the end of the program interrupted: from the start, before anybody can see started().
    bool isResuming() const { return m_isResuming; }
    /// Of the import in work.
    double progress() const { return m_progress; }

    /// After those that were asked for before. What the end of the program leaves waiting is done the next time.
    void import(const QStringList& paths, bool copies);
    /// Studies that were opened: silently, where they are.
    void record(const std::vector<dicom::Study>& studies);
    void remove(qint64 study);
    /// Stops the import in work; what was taken in stays.
    void cancel();

Q_SIGNALS:
    void changed();             ///< Studies came or went.
    void started();             ///< An import; not of opened studies.
    void progressed(double fraction);
    void finished(const QString& report);
    void failed(const QString& code, const QString& message);

private:
    using Job = std::function<void(database::StudyDatabase&, std::stop_token)>;
    void enqueue(Job job);
    void work(const std::stop_token& end);
    void deliver(std::function<void()> action);
    void resume(database::StudyDatabase& list, std::stop_token stop);
    Progress importProgress();

    std::filesystem::path m_folder;
    std::unique_ptr<database::StudyDatabase> m_list;
    QString m_problem;
    int m_jobs = 0;
    bool m_isResuming = false;
    double m_progress = 0;
    std::atomic<bool> m_isEnding = false;
    std::mutex m_mutex;
    std::condition_variable_any m_wake;
    std::deque<Job> m_queue;
    std::stop_source m_stop;        ///< Of the job in work, or of the next.
    bool m_isWorking = false;       ///< Like both of these under the mutex.
    std::jthread m_thread;
};

} // namespace hf::app
