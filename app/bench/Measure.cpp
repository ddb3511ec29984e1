#include "app/bench/Measure.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hf::bench {

double millisecondsOf(const std::function<void()>& work)
{
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

double processorMillisecondsOf(const std::function<void()>& work)
{
    const auto now = [] {
        timespec time{};
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
        return double(time.tv_sec) * 1e3 + double(time.tv_nsec) / 1e6;
    };
    const double begin = now();
    work();
    return now() - begin;
}

Quantiles quantilesOf(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return {values[values.size() / 2], values[values.size() * 99 / 100], values.back()};
}

namespace {

/// In the child: stdout into the pipe, then the program.
[[noreturn]] void become(std::vector<char*> words, int out)
{
    const int nowhere = open("/dev/null", O_RDWR);
    dup2(nowhere, 0);
    dup2(out, 1);
    dup2(nowhere, 2);
    execvp(words[0], words.data());
    _exit(127);
}

std::string readAll(int descriptor)
{
    std::string text;
    char buffer[4096];
    for (ssize_t count; (count = read(descriptor, buffer, sizeof buffer)) > 0;) {
        text.append(buffer, std::size_t(count));
    }
    return text;
}

} // namespace

ChildRun runChild(const std::vector<std::string>& words)
{
    std::vector<char*> pointers;
    for (const std::string& word : words) {
        pointers.push_back(const_cast<char*>(word.c_str()));
    }
    pointers.push_back(nullptr);
    int ends[2];
    ChildRun run;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return run;
    }
    int status = -1;
    rusage used{};
    run.milliseconds = millisecondsOf([&] {
        const pid_t child = fork();
        if (child == 0) {
            become(pointers, ends[1]);
        }
        close(ends[1]);
        run.output = readAll(ends[0]);
        wait4(child, &status, 0, &used);
    });
    close(ends[0]);
    run.succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    run.peakBytes = double(used.ru_maxrss) * 1024;
    return run;
}

double waitedMilliseconds()
{
    std::ifstream file("/proc/thread-self/schedstat");
    double ran = 0, waited = 0;
    return file >> ran >> waited ? waited / 1e6 : 0;
}

double loadAverage()
{
    double load = 0;
    return getloadavg(&load, 1) == 1 ? load : 0;
}

} // namespace hf::bench
