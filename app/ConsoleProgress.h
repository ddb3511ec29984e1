#pragma once

#include "viewer/volume/Progress.h"

#include <cstdio>
#include <string>

#include <unistd.h>

namespace hf::app {

/// Shows progress in one line of the terminal; where standard error is a file or a pipe, one line for each stage.
class ConsoleProgress {
public:
    ConsoleProgress() = default;
    ConsoleProgress(const ConsoleProgress&) = delete;
    ConsoleProgress& operator=(const ConsoleProgress&) = delete;
    ~ConsoleProgress()
    {
        if (m_isTerminal && m_shown >= 0) {
            std::fprintf(stderr, "\n");
        }
    }

    /// Must not outlive this.
    Progress progress()
    {
        return [this](double fraction, const std::string& stage) { show(fraction, stage); };
    }

    void show(double fraction, const std::string& stage)
    {
        const int percent = int(fraction * 100);
        if (stage == m_stage && (percent == m_shown || !m_isTerminal)) {
            return;
        }
        std::fprintf(stderr, m_isTerminal ? "\r%3d %% %-50s" : "%3d %% %s\n", percent, stage.c_str());
        m_shown = percent;
        m_stage = stage;
    }

private:
    const bool m_isTerminal = isatty(STDERR_FILENO) == 1;
    int m_shown = -1;
    std::string m_stage;
};

} // namespace hf::app
