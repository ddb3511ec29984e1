#include "app/desktop/CommandLine.h"
#include "app/desktop/Headless.h"
#include "app/desktop/MainWindow.h"
#include "app/desktop/Render.h"
#include "app/desktop/SettingsActions.h"
#include "assistant/panel/ChatPanel.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/volume/Error.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/Theme.h"
#include "viewer/widgets/ViewGrid.h"

#include <QApplication>
#include <QLibraryInfo>
#include <QSurfaceFormat>
#include <QTemporaryDir>
#include <QTimer>
#include <QTranslator>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>

namespace {

bool hasOption(int argc, char** argv, const std::string& name)
{
    return std::any_of(argv + 1, argv + argc, [&](const std::string& word) { return word == name || word.rfind(name + "=", 0) == 0; });
}

/// Qt ends the program where it finds none.
bool mayHaveDisplay(int argc, char** argv)
{
    const bool isNamed = hasOption(argc, argv, "-platform") || !qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM");
    return isNamed || !qEnvironmentVariableIsEmpty("DISPLAY") || !qEnvironmentVariableIsEmpty("WAYLAND_DISPLAY");
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

/// Saves the window and ends; waits for the 3D view, which software OpenGL draws coarsely at first.
void saveWhenSharp(hf::app::MainWindow& window, const QString& file)
{
    const hf::VolumeView3D* volume = window.grid()->volumeView();
    if (volume->isVisible() && volume->volume() && !volume->isSharp()) {
        QTimer::singleShot(100, &window, [&window, file] { saveWhenSharp(window, file); });
        return;
    }
    QApplication::exit(window.grab().save(file) ? 0 : 1);
}

/// Asks once the study is shown, where there is a question; saves the window when it is answered. Ends with 1 when nothing can be shown.
void takeScreenshot(hf::app::MainWindow& window, const QString& file)
{
    QObject::connect(window.scene(), &hf::Scene::volumeChanged, &window, [&window, file] {
        QTimer::singleShot(1500, &window, [&window, file] { window.chat()->question().isEmpty() ? saveWhenSharp(window, file) : window.chat()->send(); });
    });
    const auto giveUp = [](const QString& reason) {
        std::fprintf(stderr, "%s\n", qPrintable(reason));
        QApplication::exit(1);
    };
    QObject::connect(window.loader(), &hf::app::Loader::failed, &window, [giveUp](const QString&, const QString& message) { giveUp(message); });
    QObject::connect(window.loader(), &hf::app::Loader::scanned, &window, [giveUp](const hf::dicom::ScanResult& result) {
        if (result.studies.empty()) {
            giveUp(QStringLiteral("nothing that can be shown was found"));
        }
    });
    QObject::connect(window.chat(), &hf::ChatPanel::answered, &window, [&window, file] {
        // Go where the answer is best seen.
        for (const hf::LabelFacts& facts : window.scene()->facts()) {
            if (facts.voxels > 0) {
                window.scene()->jumpToLabel(facts.value);
                break;
            }
        }
        QTimer::singleShot(1500, &window, [&window, file] { saveWhenSharp(window, file); });
    });
}

int runWindow(int argc, char** argv)
{
    QSurfaceFormat::setDefaultFormat(hf::VolumeView3D::surfaceFormat());
    QApplication application(argc, argv);
    installTranslations(application);
    hf::theme::apply(application, hf::app::savedTheme());
    const hf::app::CommandLine line = parse(application.arguments());
    hf::app::MainWindow window({hf::app::savedEngine(line.job.engine), {}, {}, line.job.libraryFolder});
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

/// A picture of one view: 2D without a display, 3D on a virtual one where there is none.
int runPicture(int argc, char** argv)
{
    QStringList words;
    for (int n = 0; n < argc; ++n) {
        words << QString::fromLocal8Bit(argv[n]);
    }
    const hf::app::HeadlessOptions job = parse(words).job;
    // Batch jobs have no session; Qt would say so on stderr.
    const QTemporaryDir session;
    if (qEnvironmentVariableIsEmpty("XDG_RUNTIME_DIR")) {
        qputenv("XDG_RUNTIME_DIR", session.path().toLocal8Bit());
    }
    // A pixel of --size is one of the picture, whatever the reader's screen is.
    for (const char* name : {"QT_SCALE_FACTOR", "QT_SCREEN_SCALE_FACTORS"}) {
        qunsetenv(name);
    }
    qputenv("QT_ENABLE_HIGHDPI_SCALING", "0");
    std::optional<hf::app::VirtualDisplay> display;
    if (job.view != "3d") {
        qputenv("QT_QPA_PLATFORM", "offscreen");
    } else if (qEnvironmentVariableIsEmpty("DISPLAY") && qEnvironmentVariableIsEmpty("WAYLAND_DISPLAY")) {
        display.emplace();
        qputenv("QT_QPA_PLATFORM", "xcb");
    }
    QSurfaceFormat::setDefaultFormat(hf::VolumeView3D::surfaceFormat());
    QApplication application(argc, argv);
    installTranslations(application);
    hf::theme::apply(application);
    const int code = hf::app::runRender(job);
    const bool hasMore = job.info || !job.volumeFile.isEmpty() || !job.exportFolder.isEmpty() || !job.importPaths.isEmpty() || job.studies;
    return code == 0 && hasMore ? hf::app::runHeadless(job) : code;
}

} // namespace

int main(int argc, char** argv)
{
    QCoreApplication::setApplicationName("Hounsfield");
    QCoreApplication::setApplicationVersion(HF_VERSION);
    try {
        // What the program tells about itself needs no display.
        const bool asksForWords = hasOption(argc, argv, "--help") || hasOption(argc, argv, "-h") || hasOption(argc, argv, "--version") || hasOption(argc, argv, "-v");
        if (!hasOption(argc, argv, "--headless") && !asksForWords) {
            if (!mayHaveDisplay(argc, argv)) {
                std::fprintf(stderr, "hounsfield: there is no display; --headless works without one (--help)\n");
                return 2;
            }
            return runWindow(argc, argv);
        }
        if (!asksForWords && hasOption(argc, argv, "--render")) {
            return runPicture(argc, argv);
        }
        QCoreApplication application(argc, argv);
        return hf::app::runHeadless(parse(application.arguments()).job);
    } catch (const hf::Error& error) {
        std::fprintf(stderr, "hounsfield: %s\n", error.what());
        return 2;
    }
}
