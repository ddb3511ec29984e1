#include "app/desktop/CommandLine.h"
#include "app/desktop/Headless.h"
#include "app/desktop/MainWindow.h"
#include "assistant/panel/ChatPanel.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/volume/Error.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/Theme.h"

#include <QApplication>
#include <QLibraryInfo>
#include <QSurfaceFormat>
#include <QTimer>
#include <QTranslator>

#include <cstdio>
#include <cstring>

namespace {

bool wantsHeadless(int argc, char** argv)
{
    for (int n = 1; n < argc; ++n) {
        if (std::strcmp(argv[n], "--headless") == 0) {
            return true;
        }
    }
    return false;
}

/// The window's languages: the program's own texts and Qt's.
void installTranslations(QApplication& application)
{
    for (const auto& [name, folder] : {std::pair{QStringLiteral("hounsfield"), QApplication::applicationDirPath() + "/../share/hounsfield/translations"},
             std::pair{QStringLiteral("qtbase"), QLibraryInfo::path(QLibraryInfo::TranslationsPath)}}) {
        auto* translator = new QTranslator(&application);
        if (translator->load(QLocale(), name, "_", folder)) {
            application.installTranslator(translator);
        }
    }
}

hf::app::CommandLine parse(const QStringList& words)
{
    QCommandLineParser parser;
    hf::app::CommandLine line = hf::app::parseCommandLine(words, parser);
    if (parser.isSet("help")) {
        parser.showHelp();
    }
    if (parser.isSet("version")) {
        parser.showVersion();
    }
    return line;
}

/// Asks once the study is shown; saves the window when it is answered.
void takeScreenshot(hf::app::MainWindow& window, const QString& file)
{
    QObject::connect(window.scene(), &hf::Scene::volumeChanged, &window, [&window] {
        QTimer::singleShot(1500, &window, [&window] { window.chat()->send(); });
    });
    QObject::connect(window.chat(), &hf::ChatPanel::answered, &window, [&window, file] {
        // Go where the answer is best seen.
        for (const hf::LabelFacts& facts : window.scene()->facts()) {
            if (facts.voxels > 0) {
                window.scene()->jumpToLabel(facts.value);
                break;
            }
        }
        QTimer::singleShot(1500, &window, [&window, file] { QApplication::exit(window.grab().save(file) ? 0 : 1); });
    });
}

int runWindow(int argc, char** argv)
{
    QSurfaceFormat::setDefaultFormat(hf::VolumeView3D::surfaceFormat());
    QApplication application(argc, argv);
    installTranslations(application);
    hf::theme::apply(application);
    const hf::app::CommandLine line = parse(application.arguments());
    hf::app::MainWindow window({line.job.modelFolder, line.job.engineProgram, {}});
    window.show();
    if (!line.job.open.isEmpty()) {
        window.setQuestion(line.job.question);
        window.openPaths(line.job.open);
    } else if (line.sample) {
        window.openSample();
        if (!line.job.question.isEmpty()) {
            window.setQuestion(line.job.question);
        }
    }
    if (!line.screenshot.isEmpty()) {
        takeScreenshot(window, line.screenshot);
    }
    return application.exec();
}

} // namespace

int main(int argc, char** argv)
{
    QCoreApplication::setApplicationName("Hounsfield");
    QCoreApplication::setApplicationVersion(HF_VERSION);
    try {
        if (!wantsHeadless(argc, argv)) {
            return runWindow(argc, argv);
        }
        QCoreApplication application(argc, argv);
        return hf::app::runHeadless(parse(application.arguments()).job);
    } catch (const hf::Error& error) {
        std::fprintf(stderr, "hounsfield: %s\n", error.what());
        return 2;
    }
}
