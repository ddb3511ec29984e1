#include "app/desktop/CommandLine.h"
#include "app/desktop/Headless.h"
#include "viewer/volume/Error.h"

#include <QCoreApplication>

#include <cstdio>

int main(int argc, char** argv)
{
    QCoreApplication application(argc, argv);
    QCoreApplication::setApplicationName("Hounsfield");
    QCoreApplication::setApplicationVersion(HF_VERSION);
    QCommandLineParser parser;
    try {
        const hf::app::CommandLine line = hf::app::parseCommandLine(application.arguments(), parser);
        return hf::app::runHeadless(line.job);
    } catch (const hf::Error& error) {
        std::fprintf(stderr, "hounsfield: %s\n", error.what());
        return 2;
    }
}
