#pragma once

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <stop_token>
#include <thread>

namespace hf::app {

/// Turns SIGINT and SIGTERM into a request to stop while it lives. Made before other threads start, so that none of them gets the signal; a second
/// signal ends the program at once.
class StopOnSignal {
public:
    StopOnSignal()
    {
        sigemptyset(&m_signals);
        sigaddset(&m_signals, SIGINT);
        sigaddset(&m_signals, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &m_signals, nullptr);
        m_watcher = std::jthread([this](const std::stop_token& over) {
            const timespec tenth{0, 100'000'000};
            while (!over.stop_requested()) {
                if (sigtimedwait(&m_signals, nullptr, &tenth) > 0) {
                    if (m_source.stop_requested()) {
                        _exit(130);
                    }
                    m_source.request_stop();
                }
            }
        });
    }
    ~StopOnSignal()
    {
        m_watcher = {};
        pthread_sigmask(SIG_UNBLOCK, &m_signals, nullptr);
    }
    StopOnSignal(const StopOnSignal&) = delete;
    StopOnSignal& operator=(const StopOnSignal&) = delete;
    std::stop_token token() const { return m_source.get_token(); }

private:
    std::stop_source m_source;
    sigset_t m_signals{};
    std::jthread m_watcher;
};

} // namespace hf::app
