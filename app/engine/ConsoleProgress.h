#pragma once

#include "viewer/volume/Progress.h"

#include <cstdio>
#include <string>

#include <unistd.h>

namespace hf::app {

/// Shows progress in one line of the terminal; says nothing where standard error is a file or a pipe.
class ConsoleProgress {
public:
    ConsoleProgress() = default;
    ConsoleProgress(const ConsoleProgress&) = delete;
    ConsoleProgress& operator=(const ConsoleProgress&) = delete;
    ~ConsoleProgress()
    {
        if (m_shown >= 0) {
            std::fprintf(stderr, "\n");
        }
    }

    /// Must not outlive this.
    Progress progress()
    {
        return [this](double fraction, const std::string& stage) { show(int(fraction * 100), stage); };
    }

private:
    void show(int percent, const std::string& stage)
    {
        if (m_isTerminal && (percent != m_shown || stage != m_stage)) {
            m_shown = percent;
            m_stage = stage;
            std::fprintf(stderr, "\r%3d %% %-50s", percent, stage.c_str());
        }
    }

    const bool m_isTerminal = isatty(STDERR_FILENO) == 1;
    int m_shown = -1;
    std::string m_stage;
};

} // namespace hf::app
