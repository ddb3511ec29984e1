#include "app/bench/Measure.h"
#include "app/bench/ViewerBench.h"
#include "assistant/client/EngineClient.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/volume/Error.h"
#include "viewer/widgets/Findings.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"

#include <QApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QProcess>
#include <QStandardPaths>
#include <QSurfaceFormat>
#include <QTemporaryDir>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>

// Speed, beside other programs in the same run. Run by hand:
//   hounsfield-bench viewer [--slices 100,512] [--encodings raw,jpegls,j2k] [--size 512] [--json FILE]   generated series
//   hounsfield-bench FOLDER                                                                              a folder; and a question

using namespace hf;

namespace {

double best(int times, const std::function<void()>& work)
{
    double least = 1e300;
    for (int n = 0; n < times; ++n) {
        least = std::min(least, bench::millisecondsOf(work));
    }
    return least;
}

void printTimes(const char* name, const std::vector<double>& times)
{
    const bench::Quantiles q = bench::quantilesOf(times);
    std::printf("%-34s median %6.2f ms   p99 %6.2f ms   (%zu frames)\n", name, q.median, q.p99, times.size());
}

void benchReading(const QString& folder)
{
    const std::vector<std::filesystem::path> paths{folder.toStdString()};
    dicom::ScanResult found;
    const double scan = best(3, [&] { found = dicom::scan(paths); });
    const dicom::Series* series = found.mainSeries();
    if (!series) {
        throw Error("there is no series in the folder", "not-found");
    }
    const double first = best(3, [&] { dicom::thumbnail(*series, 512); });
    const double volume = best(3, [&] { dicom::readSeries(*series); });
    std::printf("series: %zu images of %d x %d\n", series->images.size(), series->columns, series->rows);
    std::printf("%-34s %8.1f ms\n", "folder to first image", scan + first);
    std::printf("%-34s %8.1f ms\n", "folder to full volume", scan + volume);
    const QString peer = QStandardPaths::findExecutable("dcm2niix");
    if (peer.isEmpty()) {
        std::printf("dcm2niix is not installed: no comparison\n");
        return;
    }
    const double other = best(3, [&] {
        QTemporaryDir out;
        QProcess process;
        process.start(peer, {"-v", "0", "-z", "n", "-b", "n", "-o", out.path(), folder});
        process.waitForFinished(-1);
    });
    std::printf("%-34s %8.1f ms   (ratio ours / theirs %.2f)\n", "dcm2niix on the same folder", other, (scan + volume) / other);
}

void benchFrames(const std::shared_ptr<const Volume>& volume, const dicom::Series& series)
{
    Scene scene;
    Findings findings(&scene, QDir::tempPath());
    SliceView view(&scene, &findings, Plane::Axial);
    view.resize(900, 800);
    view.show();
    scene.setVolume(volume, series);
    // Painted into a pixmap: the same work as on the screen, whether the window is exposed or not.
    const auto frame = [&] { return bench::millisecondsOf([&] { view.grab(); }); };
    for (const Plane plane : {Plane::Axial, Plane::Sagittal, Plane::Coronal}) {
        view.setPlane(plane);
        std::vector<double> scrolling;
        for (int slice = 0; slice < scene.sliceCount(plane); ++slice) {
            scene.setSlice(plane, slice);
            scrolling.push_back(frame());
        }
        printTimes(("scrolling, " + toString(plane)).c_str(), scrolling);
    }
    std::vector<double> windowing;
    for (int n = 0; n < 200; ++n) {
        scene.setWindow({40.0 + n, 400.0 + 3 * n, {}});
        windowing.push_back(frame());
    }
    printTimes("window and level", windowing);
}

void benchQuestion(const std::shared_ptr<const Volume>& volume)
{
    assistant::EngineClient client({});
    assistant::ChatRequest request;
    request.volume = volume;
    request.view.plane = volume->geometry().acquisitionPlane();
    request.view.slice = volume->geometry().size().along(volume->geometry().axisAcross(request.view.plane)) / 2;
    request.view.window = volume->defaultWindow();
    for (const char* question : {"Segment the lungs", "Segment the lungs", "Which modality is this?"}) {
        request.question = question;
        QEventLoop loop;
        QElapsedTimer timer;
        double first = -1, expert = 0;
        QObject::connect(&client, &assistant::EngineClient::tokenReceived, &loop, [&] { first = first < 0 ? double(timer.nsecsElapsed()) / 1e6 : first; });
        QObject::connect(&client, &assistant::EngineClient::expertFinished, &loop, [&](quint64, const assistant::ExpertOutcome& outcome) { expert = outcome.milliseconds; });
        QObject::connect(&client, &assistant::EngineClient::chatFinished, &loop, &QEventLoop::quit);
        QObject::connect(&client, &assistant::EngineClient::failed, &loop, [&](quint64, const QString&, const QString& message) {
            std::printf("the question failed: %s\n", qPrintable(message));
            loop.quit();
        });
        timer.start();
        client.chat(request);
        loop.exec();
        std::printf("%-34s first token %6.0f ms   answer %6.0f ms   (of it expert %.0f ms)\n", question, first, double(timer.nsecsElapsed()) / 1e6, expert);
    }
}

} // namespace

int main(int argc, char** argv)
{
    const QString command = argc > 1 ? QString::fromLocal8Bit(argv[1]) : QString();
    const bool asksForWords = std::any_of(argv + 1, argv + argc, [](const QByteArray& word) { return word == "--help" || word == "-h"; });
    if (asksForWords || (command.startsWith('-') && command != "-platform")) {
        std::puts("hounsfield-bench viewer [--slices 100,512,1500] [--encodings raw,jpegls,j2k] [--parts reading,list,window,frames]\n"
                  "                       [--size 512] [--repeat 3] [--view 1000] [--folder DIR] [--json FILE]\n"
                  "    series that it writes: first image, full volume, memory, frame times, stalls, beside dcm2niix and ITK\n"
                  "hounsfield-bench [FOLDER]\n"
                  "    reads FOLDER, and times frames and a question on a phantom\n"
                  "Needs a display; without one: xvfb-run hounsfield-bench ...");
        return asksForWords ? 0 : 2;
    }
    try {
        if (argc == 3 && (command == "read" || command == "read-itk")) {
            const QString folder = QString::fromLocal8Bit(argv[2]);
            return command == "read" ? bench::runReadChild(folder) : bench::runItkChild(folder);
        }
        QSurfaceFormat::setDefaultFormat(VolumeView3D::surfaceFormat());
        QApplication application(argc, argv);
        if (command == "viewer") {
            return bench::runViewerBench(application.arguments().mid(1));
        }
        if (argc > 1) {
            benchReading(QString::fromLocal8Bit(argv[1]));
        }
        const auto volume = std::make_shared<const Volume>(phantom::makeCtPhantom({}).volume);
        dicom::Series series;
        series.kind = dicom::SeriesKind::Volume;
        series.modality = "CT";
        benchFrames(volume, series);
        benchQuestion(volume);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "hounsfield-bench: %s\n", error.what());
        return 1;
    }
}
