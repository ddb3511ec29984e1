#pragma once

#include "app/desktop/Headless.h"

#include <QCommandLineParser>

namespace hf::app {

/// All options of `hounsfield`.
struct CommandLine {
    bool headless = false;
    bool sample = false;
    QString screenshot;         ///< With a window: ask, save a picture of it here, quit.
    HeadlessOptions job;        ///< With a window, `open`, `question` and `engine` are taken from here.
};

/// @throws Error "usage". Handles --help and --version itself.
CommandLine parseCommandLine(const QStringList& words, QCommandLineParser& parser);

} // namespace hf::app
