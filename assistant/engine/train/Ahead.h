#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace hf::assistant::train {

/// Numbered things that threads make ahead of time, handed out in order.
template <typename Item> class Ahead {
public:
    using Maker = std::function<Item(std::int64_t number)>;
    /// @param newMaker  called once on each thread. @param most  so many are kept.
    Ahead(const std::function<Maker()>& newMaker, int threads, int most) : m_most(most)
    {
        for (int n = 0; n < threads; ++n) {
            m_threads.emplace_back([this, newMaker](const std::stop_token& stop) { work(newMaker, stop); });
        }
    }
    ~Ahead()
    {
        for (std::jthread& thread : m_threads) {
            thread.request_stop();
        }
    }
    Ahead(const Ahead&) = delete;
    Ahead& operator=(const Ahead&) = delete;

    /// Waits for the next one. @throws what a maker threw.
    Item next()
    {
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [&] { return m_failure || m_made.contains(m_given); });
        if (m_failure) {
            std::rethrow_exception(m_failure);
        }
        Item item = std::move(m_made.extract(m_given++).mapped());
        m_changed.notify_all();
        return item;
    }
    /// How many wait to be taken.
    std::size_t waiting()
    {
        const std::lock_guard lock(m_mutex);
        return m_made.size();
    }

private:
    void work(const std::function<Maker()>& newMaker, const std::stop_token& stop)
    {
        try {
            const Maker make = newMaker();
            for (;;) {
                std::unique_lock lock(m_mutex);
                if (!m_changed.wait(lock, stop, [&] { return m_begun < m_given + m_most; })) {
                    return;
                }
                const std::int64_t number = m_begun++;
                lock.unlock();
                Item item = make(number);
                lock.lock();
                m_made.emplace(number, std::move(item));
                m_changed.notify_all();
            }
        } catch (...) {
            const std::lock_guard lock(m_mutex);
            m_failure = std::current_exception();
            m_changed.notify_all();
        }
    }

    std::int64_t m_begun = 0, m_given = 0, m_most;
    std::map<std::int64_t, Item> m_made;
    std::exception_ptr m_failure;
    std::mutex m_mutex;
    std::condition_variable_any m_changed;
    std::vector<std::jthread> m_threads;
};

} // namespace hf::assistant::train
