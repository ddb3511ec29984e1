#include "app/desktop/Render.h"

#include "viewer/database/WholeFile.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/volume/Error.h"
#include "viewer/widgets/Findings.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/VolumeAnnotations.h"

#include <QCoreApplication>
#include <QImage>
#include <QProcess>
#include <QTemporaryDir>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace hf::app {

struct VirtualDisplay::Private {
    QProcess server;
};

VirtualDisplay::VirtualDisplay() : d(std::make_unique<Private>())
{
    d->server.setStandardErrorFile(QProcess::nullDevice());
    d->server.start("Xvfb", {"-displayfd", "1", "-screen", "0", "1920x1200x24", "-nolisten", "tcp"});
    constexpr int kPatienceMs = 20000;
    if (!d->server.waitForStarted(kPatienceMs) || !d->server.waitForReadyRead(kPatienceMs)) {
        throw Error("a 3D view needs a display, and no virtual one can be started; install xvfb or set DISPLAY", "display");
    }
    qputenv("DISPLAY", ":" + d->server.readLine().trimmed());
}

VirtualDisplay::~VirtualDisplay()
{
    d->server.terminate();
    d->server.waitForFinished(3000);
}

namespace {

/// The slice of a plane whose centre lies nearest to `mm` along the patient axis across it: z of axial, x of sagittal, y of coronal, LPS.
/// @throws Error "usage" where that is beside the volume: by more than a slice, and a millimetre for places that were rounded.
int sliceAt(const Geometry& geometry, Plane plane, double mm)
{
    const int across = geometry.axisAcross(plane), count = geometry.size().along(across);
    const auto placeOf = [&](int slice) {
        ContinuousIndex centre{(geometry.size().i - 1) / 2.0, (geometry.size().j - 1) / 2.0, (geometry.size().k - 1) / 2.0};
        (across == 0 ? centre.i : across == 1 ? centre.j : centre.k) = slice;
        const PointLps p = geometry.toLps(centre);
        return plane == Plane::Axial ? p.z : plane == Plane::Sagittal ? p.x : p.y;
    };
    int best = 0;
    for (int slice = 1; slice < count; ++slice) {
        best = std::abs(placeOf(slice) - mm) < std::abs(placeOf(best) - mm) ? slice : best;
    }
    if (std::abs(placeOf(best) - mm) > std::max(1.0, geometry.spacingMm()[std::size_t(across)])) {
        const auto [from, to] = std::minmax({placeOf(0), placeOf(count - 1)});
        throw Error("--position must be between " + QString::number(from, 'f', 1).toStdString() + " and " + QString::number(to, 'f', 1).toStdString() + " mm in this view", "usage");
    }
    return best;
}

WindowLevel presetWindow(const std::string& name, const Scene& scene)
{
    if (name == "auto") {
        return scene.volume()->percentileWindow();
    }
    if (name == "stored") {
        return scene.storedWindow();
    }
    if (const WindowPreset* preset = findPreset(name)) {
        if (!fits(*preset, scene.volume()->info())) {
            throw Error("--preset " + name + " is meant for " + (preset->isSuv ? "uptake values (SUV)" : "Hounsfield units") + ", which these images do not have", "usage");
        }
        return preset->window;
    }
    std::string known = "auto, stored";
    for (const WindowPreset& preset : windowPresets()) {
        known += ", " + preset.id;
    }
    throw Error("--preset must be one of " + known, "usage");
}

QImage toImage(const Picture& picture) { return QImage(picture.rgb.data(), picture.width, picture.height, 3 * picture.width, QImage::Format_RGB888).copy(); }

QImage renderSlice(const HeadlessOptions& options, const dicom::Series& series, const std::shared_ptr<const Volume>& volume)
{
    const Geometry& geometry = volume->geometry();
    const Plane plane = options.view == "single" ? geometry.acquisitionPlane() : planeFromString(options.view.toStdString());
    // Measurements that the reader keeps elsewhere are not drawn.
    const QTemporaryDir noFindings;
    Scene scene;
    Findings findings(&scene, noFindings.path());
    SliceView view(&scene, &findings, plane);
    view.setFittedToEdges(true);
    view.resize(options.size.value_or(QSize(1024, 1024)));
    scene.setVolume(volume, series);
    if (options.presentation) {
        const int states = int(series.presentations.size());
        if (*options.presentation > states) {
            throw Error("--presentation: the series has " + std::to_string(states) + " presentation states", "usage");
        }
        scene.setPresentation(*options.presentation - 1);
    }
    while (scene.isSubtracting()) {
        QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);
    }
    const int count = scene.sliceCount(plane);
    const int slice = options.positionMm ? sliceAt(geometry, plane, *options.positionMm) : options.slice.value_or(count / 2);
    if (slice < 0 || slice >= count) {
        throw Error("--slice must be between 0 and " + std::to_string(count - 1) + " in this view", "usage");
    }
    scene.setSlice(plane, slice);
    if (options.window) {
        scene.setWindow({options.window->second, options.window->first, {}});
    } else if (!options.preset.isEmpty()) {
        scene.setWindow(presetWindow(options.preset.toStdString(), scene));
    }
    view.resetView();
    view.setCrosshairShown(false);
    return options.annotations ? view.grab().toImage() : toImage(view.picture());
}

QImage renderVolume(const HeadlessOptions& options, const dicom::Series& series, const std::shared_ptr<const Volume>& volume)
{
    ShownSeries shown;
    shown.volume = volume;
    shown.series = series;
    if (!shown.isVolume() || volume->isColor()) {
        throw Error("there is no 3D view of these images: they are no stack of grey slices", "arguments");
    }
    const QSize size = options.size.value_or(QSize(1024, 1024));
    VolumeView3D view;
    VolumeAnnotations texts(&view, [&shown] { return &shown; });
    if (!options.preset.isEmpty()) {
        const QList<RenderPreset> presets = renderPresetsFor(*volume);
        QStringList known;
        for (const RenderPreset& preset : presets) {
            known << preset.id;
        }
        if (!known.contains(options.preset)) {
            throw Error("--preset of this 3D view must be one of " + known.join(", ").toStdString(), "usage");
        }
        view.setPreset(options.preset);
    }
    view.resize(size);
    view.show();
    view.setVolume(volume);
    return options.annotations ? texts.picture() : view.image();
}

} // namespace

int runRender(const HeadlessOptions& options)
{
    return reportingErrors([&] {
        if (options.open.isEmpty()) {
            throw Error("--headless needs --open PATH", "usage");
        }
        const dicom::ScanResult found = scanPaths(options.open);
        const dicom::Series& series = chosenSeries(found, options.series);
        const auto volume = std::make_shared<const Volume>(dicom::readSeries(series));
        const QImage image = options.view == "3d" ? renderVolume(options, series, volume) : renderSlice(options, series, volume);
        if (const QString reason = replacePng(options.pictureFile, image); !reason.isEmpty()) {
            throw Error("cannot write " + options.pictureFile.toStdString() + ": " + reason.toStdString(), "write");
        }
        return 0;
    });
}

} // namespace hf::app
