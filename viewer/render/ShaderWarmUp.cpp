#include "viewer/render/ShaderWarmUp.h"

#include "viewer/render/SoftwareCanvas.h"
#include "viewer/render/VolumeScene.h"
#include "viewer/render/VtkData.h"

#include <vtkBoxRepresentation.h>
#include <vtkCallbackCommand.h>
#include <vtkGenericOpenGLRenderWindow.h>
#include <vtkImageData.h>
#include <vtkNew.h>
#include <vtkPlane.h>
#include <vtkPlaneCollection.h>
#include <vtkPolyData.h>
#include <vtkRenderer.h>

#include <QElapsedTimer>
#include <QOffscreenSurface>
#include <QOpenGLContext>
#include <QThread>

#include <atomic>
#include <utility>

namespace hf {

namespace {

// Pixels of the window that nobody sees. Not powers of two, neither divided by the few rays: other code is compiled for those.
constexpr int kWidth = 150, kHeight = 117;
constexpr float kFewRays = 16;
constexpr int kWrittenMs = 30;              // until what was compiled last is on disk
constexpr int kMostRounds = 4;
constexpr qint64 kNothingNewMs = 250;       // what a round takes at most that compiled nothing

using Draw = std::function<void(bool isWhole)>;
using Pictures = std::function<void(VolumeScene& scene, const Draw& draw)>;

/// What is asked for later than the first pictures, in the order of how likely it is.
void drawTheRest(VolumeScene& scene, const Draw& draw)
{
    shaderSteps(scene, draw).front()();
    scene.setLook({.preset = "mip"});
    draw(false);
    draw(true);
    vtkNew<vtkBoxRepresentation> box;
    box->HandlesOn();
    box->PlaceWidget(const_cast<double*>(scene.bounds()));
    scene.renderer()->AddViewProp(box);
    vtkNew<vtkPlaneCollection> planes;
    vtkNew<vtkPlane> plane;
    planes->AddItem(plane);
    scene.cut(planes);
    scene.setLook({});
    draw(false);
    draw(true);
    scene.renderer()->RemoveViewProp(box);
    scene.cut(nullptr);
    scene.setLook({.isShaded = false});
    draw(false);
    draw(true);
}

class Thread : public QThread {
public:
    /// @param afterFirst  called on this thread when what every picture needs is compiled.
    explicit Thread(std::function<void()> afterFirst) : m_afterFirst(std::move(afterFirst)) { m_surface.create(); }

protected:
    void run() override
    {
        drawAgainAndAgain([](VolumeScene& scene, const Draw& draw) {
            for (const std::function<void()>& step : shaderSteps(scene, draw)) {
                step();
            }
        });
        m_afterFirst();
        drawAgainAndAgain(drawTheRest);
    }

private:
    /// Until nothing new is compiled: Mesa makes other code of a program that it has just translated than of one that it finds translated on
    /// disk, which is what the view's context will find.
    void drawAgainAndAgain(const Pictures& pictures)
    {
        qint64 took = kNothingNewMs;
        for (int round = 0; round < kMostRounds && took >= kNothingNewMs && !isInterruptionRequested(); ++round) {
            QElapsedTimer clock;
            clock.start();
            drawOnce(pictures);
            took = clock.elapsed();
            msleep(kWrittenMs);
        }
    }

    /// In a context without a past, whose state is part of what is compiled.
    void drawOnce(const Pictures& pictures)
    {
        QOpenGLContext context;
        if (!context.create() || !context.makeCurrent(&m_surface)) {
            return;
        }
        VolumeScene scene;
        vtkGenericOpenGLRenderWindow* window = scene.window();
        SoftwareCanvas::setUp(window);
        window->SetOwnContext(0);
        window->SetSize(kWidth, kHeight);
        vtkNew<vtkCallbackCommand> isCurrent;
        isCurrent->SetCallback([](vtkObject*, unsigned long, void*, void* answer) { *static_cast<bool*>(answer) = true; });
        window->AddObserver(vtkCommand::WindowIsCurrentEvent, isCurrent);
        window->SetForceMaximumHardwareLineWidth(1);
        window->SetReadyForRendering(true);
        window->OpenGLInitContext();
        scene.setAdjustsRays(false);
        pictures(scene, [&](bool isWhole) {
            if (!isInterruptionRequested()) {
                scene.setRays(isWhole ? 1 : kFewRays);
                window->Render();
            }
        });
        window->Finalize();
    }

    QOffscreenSurface m_surface;
    std::function<void()> m_afterFirst;
};

} // namespace

std::vector<std::function<void()>> shaderSteps(VolumeScene& scene, const Draw& draw)
{
    // The shader is compiled for two powers of two and any number of slices, as most volumes have them.
    const Size3 size{4, 4, 5};
    const Geometry geometry(size, {1, 1, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    const auto showVolume = [&scene, draw, geometry, size] {
        scene.setImage(toVtkImage(Volume(geometry, std::vector<std::int16_t>(size.voxels(), 300), {})));
        scene.setLook({});
        scene.renderer()->ResetCamera();
        draw(false);
    };
    const auto showMask = [&scene, draw, geometry, size] {
        scene.setSurfaces(toVtkSurfaces(LabelMap(geometry, std::vector<LabelId>(size.voxels(), 1), {{1, "label", {255, 0, 0}, {}, {}}})));
        draw(false);
    };
    const auto drawWhole = [draw] { draw(true); };
    const auto drawTile = [&scene, draw] {
        scene.renderer()->SetViewport(0.25, 0.25, 0.5, 0.5);
        draw(true);
        scene.renderer()->SetViewport(0, 0, 1, 1);
    };
    return {showVolume, drawWhole, drawTile, showMask, drawWhole};
}

struct ShaderWarmUp::Private {
    std::unique_ptr<Thread> thread;     ///< Null before the start.
    std::atomic<bool> isBusy = false;   ///< With what is needed first.

    void endFirst()
    {
        isBusy = false;
        isBusy.notify_all();
    }
};

ShaderWarmUp::ShaderWarmUp(QObject* parent) : QObject(parent), d(std::make_unique<Private>()) {}

ShaderWarmUp::~ShaderWarmUp()
{
    if (d->thread) {
        d->thread->requestInterruption();
        d->thread->wait();
    }
}

void ShaderWarmUp::start()
{
    if (d->thread) {
        return;
    }
    d->thread = std::make_unique<Thread>([this] {
        d->endFirst();
        QMetaObject::invokeMethod(this, &ShaderWarmUp::ready);
    });
    d->isBusy = true;
    d->thread->start(QThread::LowPriority);
}

bool ShaderWarmUp::isBusy() const { return d->isBusy; }

void ShaderWarmUp::wait() { d->isBusy.wait(true); }

} // namespace hf
