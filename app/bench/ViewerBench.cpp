#include "app/bench/ViewerBench.h"

#include "app/bench/GeneratedCt.h"
#include "app/bench/ItkSeries.h"
#include "app/bench/Measure.h"
#include "app/desktop/Library.h"
#include "app/desktop/MainWindow.h"
#include "assistant/panel/ChatPanel.h"
#include "viewer/database/StudyDatabase.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/volume/Error.h"
#include "viewer/widgets/Findings.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/ViewGrid.h"

#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTimer>

#include <sys/resource.h>

#include <cstdio>
#include <functional>
#include <random>

namespace hf::bench {

namespace {

struct Options {
    QStringList slices{"100", "512", "1500"}, encodings{"raw", "jpegls", "j2k"}, parts{"reading", "list", "window", "frames"};
    int size = 512, repeats = 3, viewSize = 1000;
    QString folder, json;
};

Options parse(const QStringList& words)
{
    QCommandLineParser parser;
    const auto add = [&](const char* name, const char* text, const char* value, const QString& standard) { parser.addOption({name, text, value, standard}); };
    Options options;
    add("slices", "Lengths of the generated series.", "N,N", options.slices.join(','));
    add("encodings", "raw, jpegls, j2k.", "NAME,NAME", options.encodings.join(','));
    add("size", "Rows and columns.", "N", QString::number(options.size));
    add("parts", "What is measured: reading, list, window, frames.", "NAME,NAME", options.parts.join(','));
    add("repeat", "Runs of each reading; the fastest counts.", "N", QString::number(options.repeats));
    add("view", "Width and height of the view.", "N", QString::number(options.viewSize));
    add("folder", "Where the series are kept for the next run; empty: a temporary folder.", "DIR", {});
    add("json", "Writes all figures into a file.", "FILE", {});
    if (!parser.parse(words)) {
        throw Error(parser.errorText().toStdString(), "arguments");
    }
    options.slices = parser.value("slices").split(',');
    options.encodings = parser.value("encodings").split(',');
    options.parts = parser.value("parts").split(',');
    options.size = parser.value("size").toInt();
    options.repeats = parser.value("repeat").toInt();
    options.viewSize = parser.value("view").toInt();
    options.folder = parser.value("folder");
    options.json = parser.value("json");
    const bool areSlicesNumbers = std::all_of(options.slices.begin(), options.slices.end(), [](const QString& n) { return n.toInt() > 1; });
    if (options.size < 32 || options.repeats < 1 || options.viewSize < 100 || !areSlicesNumbers) {
        throw Error("a size, a number of slices or of repeats is not sensible", "arguments");
    }
    return options;
}

/// Runs a child some times; the fastest run that succeeded.
ChildRun fastest(int repeats, const std::vector<std::string>& words)
{
    ChildRun best;
    for (int n = 0; n < repeats; ++n) {
        ChildRun run = runChild(words);
        if (run.succeeded && (!best.succeeded || run.milliseconds < best.milliseconds)) {
            best = std::move(run);
        }
    }
    return best;
}

QJsonObject peerFigures(const char* name, const ChildRun& run, double oursMs)
{
    if (!run.succeeded) {
        std::printf("  %-28s not installed, or failed: no comparison\n", name);
        return {};
    }
    std::printf("  %-28s %8.0f ms   ours / theirs %.2f   peak %.0f MB\n", name, run.milliseconds, oursMs / run.milliseconds, run.peakBytes / 1e6);
    return {{"ms", run.milliseconds}, {"ratio", oursMs / run.milliseconds}, {"peak_mb", run.peakBytes / 1e6}};
}

/// Our reading, dcm2niix and ITK of one folder, each in a process of its own, by turns.
QJsonObject benchReading(const GeneratedCt& series, const QString& folder, int repeats)
{
    const std::string self = QCoreApplication::applicationFilePath().toStdString(), path = folder.toStdString();
    const QTemporaryDir out;
    ChildRun best;
    QJsonObject ours;
    double firstMs = 1e300;
    for (int n = 0; n < repeats; ++n) {
        const ChildRun run = runChild({self, "read", path});
        const QJsonObject told = QJsonDocument::fromJson(QByteArray::fromStdString(run.output)).object();
        if (!run.succeeded) {
            throw Error("the generated series cannot be read", "bench");
        }
        firstMs = std::min(firstMs, told["first_ms"].toDouble());
        if (ours.isEmpty() || told["volume_ms"].toDouble() < ours["volume_ms"].toDouble()) {
            ours = told;
        }
    }
    ours["first_ms"] = firstMs;
    const double volumeMs = ours["volume_ms"].toDouble(), raw = series.rawBytes(), peak = ours["peak_mb"].toDouble() * 1e6;
    const double limit = 1.3 * raw + 250e6;
    std::printf("%s, %d slices of %d x %d, %.0f MB raw (load %.1f)\n", series.encoding.c_str(), series.slices, series.size, series.size, raw / 1e6, loadAverage());
    std::printf("  %-28s %8.0f ms   goal 500 ms\n", "folder to first image", firstMs);
    std::printf("  %-28s %8.0f ms   of it headers %.0f ms\n", "folder to full volume", volumeMs, ours["scan_ms"].toDouble());
    std::printf("  %-28s %8.0f MB   of raw %.2f, of the goal (1.3 raw + 250 MB) %.2f\n", "peak memory", peak / 1e6, peak / raw, peak / limit);
    ours["peak_over_raw"] = peak / raw;
    ours["peak_over_goal"] = peak / limit;
    ours["dcm2niix"] = peerFigures("dcm2niix", fastest(repeats, {"dcm2niix", "-v", "0", "-z", "n", "-b", "n", "-w", "1", "-o", out.path().toStdString(), path}), volumeMs);
    ours["itk_gdcm"] = peerFigures("ITK, GDCM", fastest(repeats, {self, "read-itk", path}), volumeMs);
    ours["encoding"] = QString::fromStdString(series.encoding);
    ours["slices"] = series.slices;
    ours["size"] = series.size;
    ours["raw_mb"] = raw / 1e6;
    ours["load"] = loadAverage();
    return ours;
}

struct FrameTimes {
    std::vector<double> wall, processor;
};

QJsonObject frameFigures(const QString& name, const FrameTimes& times, double goalMs)
{
    const Quantiles wall = quantilesOf(times.wall), own = quantilesOf(times.processor);
    std::printf("  %-28s median %6.2f ms   p99 %6.2f ms   (processor time %.2f, %.2f)   goal of p99 %.0f ms\n", qPrintable(name), wall.median, wall.p99, own.median, own.p99, goalMs);
    return {{"name", name}, {"median_ms", wall.median}, {"p99_ms", wall.p99}, {"worst_ms", wall.worst}, {"processor_median_ms", own.median}, {"processor_p99_ms", own.p99}, {"goal_p99_ms", goalMs}};
}

/// 117 labels in blocks, as a whole-body segmentation has them.
LabelMap makeLabels(const Volume& volume)
{
    constexpr int kLabels = 117;
    const Size3 size = volume.geometry().size();
    std::vector<Label> labels;
    for (int n = 1; n <= kLabels; ++n) {
        labels.push_back({LabelId(n), "label " + std::to_string(n), overlayColors()[std::size_t(n) % overlayColors().size()].rgb, {}, {}});
    }
    std::vector<LabelId> voxels(size.voxels());
    for (int k = 0; k < size.k; ++k) {
        for (int j = 0; j < size.j; ++j) {
            LabelId* row = voxels.data() + volume.geometry().offset({0, j, k});
            for (int i = 0; i < size.i; ++i) {
                const int place = i * 12 / size.i + 12 * (j * 10 / size.j) + k / 8;
                row[i] = (i * 60 / size.i) % 5 == 0 ? LabelId(0) : LabelId(1 + place % kLabels);
            }
        }
    }
    return LabelMap(volume.geometry(), std::move(voxels), std::move(labels));
}

/// Frames of one view, painted into a pixmap: the same work as on the screen, whether the window is exposed or not.
QJsonArray benchFrames(const std::shared_ptr<const Volume>& volume, const dicom::Series& series, int viewSize)
{
    constexpr double kScrollGoalMs = 33, kWindowGoalMs = 16;
    const QTemporaryDir findingsFolder;
    Scene scene;
    Findings findings(&scene, findingsFolder.path());
    SliceView view(&scene, &findings, Plane::Axial);
    view.resize(viewSize, viewSize);
    view.show();
    scene.setVolume(volume, series);
    const auto frame = [&](FrameTimes& times) {
        times.wall.push_back(millisecondsOf([&] { times.processor.push_back(processorMillisecondsOf([&] { view.grab(); })); }));
    };
    QJsonArray figures;
    const auto scroll = [&](Plane plane, const QString& name) {
        view.setPlane(plane);
        FrameTimes times;
        const int count = scene.sliceCount(plane), step = std::max(1, count / 300);
        for (int slice = 0; slice < count; slice += step) {
            scene.setSlice(plane, slice);
            frame(times);
        }
        figures.append(frameFigures(name, times, kScrollGoalMs));
    };
    const auto drag = [&](const QString& name) {
        FrameTimes times;
        for (int n = 0; n < 200; ++n) {
            scene.setWindow({40.0 + n, 400.0 + 3 * n, {}});
            frame(times);
        }
        figures.append(frameFigures(name, times, kWindowGoalMs));
    };
    const auto dragPlanes = [&](const QString& name) {
        FrameTimes times;
        for (int n = 0; n < 100; ++n) {
            scene.setTurn(scene.active().turn.turnedAbout(normalized({0.8, 0.6, 0.2}), 0.01));
            frame(times);
        }
        scene.setTurn({});
        figures.append(frameFigures(name, times, kScrollGoalMs));
    };
    std::printf("one view of %d x %d on %d slices (load %.1f)\n", viewSize, viewSize, volume->geometry().size().k, loadAverage());
    for (const Plane plane : {Plane::Axial, Plane::Sagittal, Plane::Coronal}) {
        scroll(plane, "scroll, " + QString::fromStdString(toString(plane)));
    }
    view.setPlane(Plane::Axial);
    drag("window drag");
    dragPlanes("oblique drag");
    scene.setMask(makeLabels(*volume), {});
    scroll(Plane::Axial, "scroll, 117 labels");
    drag("window drag, 117 labels");
    return figures;
}

/// A time in which the event loop did not turn, and how much of it the thread was ready but other work had the processors.
struct Stall { double ms = 0, waitedMs = 0; };

/// Finds the longest time between two turns of the event loop, beyond the timer's own interval.
class Heartbeat : public QObject {
public:
    Heartbeat()
    {
        m_timer.setTimerType(Qt::PreciseTimer);
        m_timer.setInterval(kIntervalMs);
        connect(&m_timer, &QTimer::timeout, this, [this] {
            const double ms = double(m_clock.nsecsElapsed()) / 1e6 - kIntervalMs, waited = waitedMilliseconds();
            if (ms > m_longest.ms) {
                m_longest = {ms, waited - m_waited};
            }
            m_waited = waited;
            m_clock.start();
        });
    }
    void start()
    {
        m_longest = {};
        m_waited = waitedMilliseconds();
        m_clock.start();
        m_timer.start();
    }
    Stall stop()
    {
        m_timer.stop();
        return m_longest;
    }

private:
    static constexpr int kIntervalMs = 5;
    QTimer m_timer;
    QElapsedTimer m_clock;
    Stall m_longest;
    double m_waited = 0;
};

void waitFor(int milliseconds)
{
    QEventLoop loop;
    QTimer::singleShot(milliseconds, &loop, &QEventLoop::quit);
    loop.exec();
}

/// The longest stall of the event loop from `begin` until `isDone`. @throws Error "bench" when that takes longer than `mostMs`.
Stall stallDuring(const std::string& what, const std::function<void()>& begin, const std::function<bool()>& isDone, int mostMs)
{
    constexpr int kLookMs = 20;
    Heartbeat heart;
    heart.start();
    QElapsedTimer clock;
    clock.start();
    begin();
    while (!isDone()) {
        if (clock.elapsed() > mostMs) {
            throw Error(what + " takes longer than " + std::to_string(mostMs / 1000) + " s", "bench");
        }
        waitFor(kLookMs);
    }
    return heart.stop();
}

/// The whole window opens a folder, draws it in 3D, asks about it, and imports it with copies while it asks again, its event loop watched.
QJsonObject benchStalls(const QString& folder)
{
    constexpr double kGoalMs = 100;
    constexpr int kMostMs = 300000, kAfterwardsMs = 1500;
    const QTemporaryDir own;
    app::MainWindow window({{}, own.path(), own.path() + "/hanging", own.path() + "/studies"});
    window.show();
    waitFor(500);
    QElapsedTimer clock;
    clock.start();
    const auto afterwards = [&] { return clock.elapsed() > kAfterwardsMs; };
    QJsonObject figures{{"goal_ms", kGoalMs}, {"load", loadAverage()}};
    std::printf("longest stall of the window's event loop (load %.1f)\n", loadAverage());
    const auto measure = [&](const char* key, const char* name, const std::function<void()>& begin, const std::function<bool()>& isDone) {
        const Stall stall = stallDuring(name, begin, isDone, kMostMs);
        std::printf("  %-28s %8.0f ms   goal %.0f ms   (of it %.0f ms without a processor)\n", name, stall.ms, kGoalMs, stall.waitedMs);
        figures[QString(key) + "_ms"] = stall.ms;
        figures[QString(key) + "_waited_ms"] = stall.waitedMs;
    };
    measure("idle", "idle", [] {}, afterwards);
    measure("open", "opening the folder", [&] { window.openPaths({folder}); }, [&] { return !window.scene()->isEmpty(); });
    const VolumeView3D* volume = window.grid()->volumeView();
    measure("volume", "the first 3D picture", [&] { clock.start(); }, [&] {
        if (volume->isBuilding() || !volume->isSharp()) {
            clock.start();
        }
        return afterwards();
    });
    ChatPanel* chat = window.chat();
    app::Library* library = window.library();
    const auto isBusy = [&] {
        if (chat->isBusy() || library->isBusy() || volume->isBuilding() || !volume->isSharp()) {
            clock.start();
        }
        return !afterwards();
    };
    const auto ask = [&](const char* question) {
        chat->setQuestion(question);
        chat->send();
    };
    measure("ask", "asking, an expert answers", [&] { ask("Please segment the lungs."); }, [&] { return !isBusy(); });
    measure("import", "importing with copies, asking", [&] {
        ask("Please segment the spine.");
        library->import({folder}, true);
    }, [&] { return !isBusy(); });
    return figures;
}

/// Searches in a list of 10,000 series: 2,500 studies of four.
QJsonObject benchDatabase()
{
    constexpr int kStudies = 2500, kSeries = 4;
    constexpr double kGoalMs = 100;
    const QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    const char* const modalities[] = {"CT", "MR", "PT", "CR"};
    {
        database::StudyDatabase list(path);
        for (int n = 0; n < kStudies; ++n) {
            dicom::Study study;
            const std::string number = std::to_string(n);
            study.uid = "2.25.9" + number;
            study.patient = {"Family" + std::to_string(n * 7919 % 1700) + "^Given" + number, "ID" + number, "1960-05-09", "F", ""};
            study.text.studyDate = "20" + std::to_string(10 + n % 15) + "-0" + std::to_string(1 + n % 9) + "-1" + std::to_string(n % 10);
            study.text.studyDescription = "Thorax and abdomen " + std::to_string(n % 40);
            for (int s = 0; s < kSeries; ++s) {
                dicom::Series series;
                series.key = study.uid + "." + std::to_string(s);
                series.modality = modalities[(n + s) % 4];
                series.text.seriesDescription = "Series with kernel " + std::to_string(s);
                series.images.resize(100);
                study.series.push_back(std::move(series));
            }
            list.add(study, {"/data/" + number + "/1", "/data/" + number + "/2"}, false);
        }
    }
    std::unique_ptr<database::StudyDatabase> list;
    const double opening = millisecondsOf([&] { list = std::make_unique<database::StudyDatabase>(path); });
    std::vector<double> times;
    std::size_t found = 0;
    for (int n = 0; n < 60; ++n) {
        for (const std::string& words : {"family" + std::to_string(n * 28), "id" + std::to_string(n), std::string("ct 2014"), std::string("thorax kernel"), std::string("nobody at all")}) {
            times.push_back(millisecondsOf([&] { found += list->search(words).size(); }));
        }
    }
    const Quantiles q = quantilesOf(times);
    std::printf("list of %zu series (load %.1f)\n  %-28s median %6.2f ms   p99 %6.2f ms   goal %.0f ms; opening the list %.1f ms\n", list->seriesCount(), loadAverage(), "search", q.median, q.p99, kGoalMs, opening);
    return {{"series", int(list->seriesCount())}, {"search_median_ms", q.median}, {"search_p99_ms", q.p99}, {"open_ms", opening}, {"found", double(found)}, {"goal_ms", kGoalMs}};
}

QString folderOf(const Options& options, const QTemporaryDir& temporary, const GeneratedCt& series)
{
    const QString base = options.folder.isEmpty() ? temporary.path() : options.folder;
    const QString folder = QStringLiteral("%1/%2-%3-%4").arg(base, QString::fromStdString(series.encoding)).arg(series.size).arg(series.slices);
    if (QDir(folder).entryList(QDir::Files).size() != series.slices) {
        writeGeneratedCt(series, folder.toStdString());
    }
    return folder;
}

} // namespace

int runReadChild(const QString& folder)
{
    const std::vector<std::filesystem::path> paths{folder.toStdString()};
    dicom::ScanResult found;
    const double scan = millisecondsOf([&] { found = dicom::scan(paths); });
    const dicom::Series* series = found.mainSeries();
    if (!series) {
        throw Error("there is no series in the folder", "not-found");
    }
    const double first = millisecondsOf([&] { dicom::thumbnail(*series, 512); });
    Volume volume;
    const double read = millisecondsOf([&] { volume = dicom::readSeries(*series); });
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const QJsonObject told{{"scan_ms", scan}, {"first_ms", scan + first}, {"volume_ms", scan + read}, {"peak_mb", double(used.ru_maxrss) * 1024 / 1e6}};
    std::printf("%s\n", QJsonDocument(told).toJson(QJsonDocument::Compact).constData());
    return volume.geometry().size().k == int(series->images.size()) ? 0 : 1;
}

int runItkChild(const QString& folder)
{
    return readWithItk(folder.toStdString()) > 0 ? 0 : 1;
}

int runViewerBench(const QStringList& words)
{
    const Options options = parse(words);
    const QTemporaryDir temporary;
    QJsonObject all{{"processors", int(sysconf(_SC_NPROCESSORS_ONLN))}};
    const auto isAsked = [&](const char* part) { return options.parts.contains(part); };
    QJsonArray reading;
    QString middle;     // the first uncompressed series of a middle length: for frames and stalls
    for (const QString& encoding : options.encodings) {
        for (const QString& slices : options.slices) {
            const GeneratedCt series{options.size, slices.toInt(), encoding.toStdString()};
            const QString folder = folderOf(options, temporary, series);
            if (isAsked("reading")) {
                reading.append(benchReading(series, folder, options.repeats));
            }
            middle = middle.isEmpty() || slices == options.slices[options.slices.size() / 2] ? (encoding == options.encodings.front() ? folder : middle) : middle;
        }
    }
    all["reading"] = reading;
    if (isAsked("list")) {
        all["database"] = benchDatabase();
    }
    if (isAsked("window")) {
        all["window"] = benchStalls(middle);
    }
    if (isAsked("frames")) {
        const std::vector<std::filesystem::path> paths{middle.toStdString()};
        const dicom::ScanResult found = dicom::scan(paths);
        const auto volume = std::make_shared<const Volume>(dicom::readSeries(*found.mainSeries()));
        all["frames"] = benchFrames(volume, *found.mainSeries(), options.viewSize);
    }
    if (!options.json.isEmpty()) {
        QFile file(options.json);
        if (!file.open(QIODevice::WriteOnly) || file.write(QJsonDocument(all).toJson()) < 0) {
            throw Error("cannot write " + options.json.toStdString(), "write");
        }
    }
    return 0;
}

} // namespace hf::bench
