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
#include <vtkUnsignedCharArray.h>

#include <QElapsedTimer>
#include <QOffscreenSurface>
#include <QOpenGLContext>
#include <QThread>

#include <algorithm>
#include <bit>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

namespace hf {

namespace {

// Pixels of the window that nobody sees. Not powers of two, neither divided by the few rays: other code is compiled for those.
constexpr int kWidth = 150, kHeight = 213;
constexpr float kFewRays = 16;
constexpr int kWrittenMs = 30;              // until what was compiled last is on disk
constexpr int kMostRounds = 4;
constexpr qint64 kNothingNewMs = 120;       // what a round takes at most that compiled nothing, on a fast machine that has nothing else to do
constexpr double kAsBefore = 0.85;

using Draw = std::function<void(bool isWhole)>;
using Pictures = std::function<void(VolumeScene& scene, Size3 size, const Draw& draw)>;

/// As the view does it, which has drawn the usual volume before it draws another: what was drawn before is part of what is compiled.
void drawTheFirst(VolumeScene& scene, Size3 size, const Draw& draw)
{
    for (const Size3& next : size == kUsualVolume ? std::vector{size} : std::vector{kUsualVolume, size}) {
        scene.removeSurfaces();
        scene.setImage(nullptr);
        for (const std::function<void()>& step : shaderSteps(scene, next, draw)) {
            step();
        }
    }
}

/// What is asked for later than the first pictures, in the order of how likely it is.
void drawTheRest(VolumeScene& scene, Size3 size, const Draw& draw)
{
    shaderSteps(scene, size, draw).front()();
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

/// The smallest volume that software OpenGL compiles the same for.
Size3 likeSize(Size3 size)
{
    const auto like = [](int n) { return std::has_single_bit(unsigned(n)) ? 4 : 5; };
    return {like(size.i), like(size.j), like(size.k)};
}

/// What is to be compiled, asked for by one thread and done by another.
class Wishes {
public:
    /// Nothing where it was asked for before.
    void add(Size3 size)
    {
        const std::lock_guard lock(m_mutex);
        if (std::find(m_known.begin(), m_known.end(), size) == m_known.end()) {
            m_known.push_back(size);
            m_first.push_back(size);
            m_changed.notify_all();
        }
    }

    bool isEmpty() const
    {
        const std::lock_guard lock(m_mutex);
        return m_first.empty();
    }

    void waitUntilEmpty() const
    {
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [this] { return m_first.empty() || m_hasEnded; });
    }

    /// Nothing more is done.
    void end()
    {
        const std::lock_guard lock(m_mutex);
        m_hasEnded = true;
        m_changed.notify_all();
    }

    struct Next { Size3 size; bool isFirst; };

    /// Waits for one; those for the first pictures come first. None: it has ended.
    std::optional<Next> next()
    {
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [this] { return m_hasEnded || !m_first.empty() || !m_rest.empty(); });
        if (m_hasEnded) {
            return {};
        }
        if (!m_first.empty()) {
            return Next{m_first.front(), true};
        }
        return Next{m_rest.front(), false};
    }

    /// What next() gave is done.
    void done(const Next& next)
    {
        const std::lock_guard lock(m_mutex);
        if (next.isFirst) {
            m_first.erase(m_first.begin());
            m_rest.push_back(next.size);
        } else {
            m_rest.erase(m_rest.begin());
        }
        m_changed.notify_all();
    }

private:
    mutable std::mutex m_mutex;
    mutable std::condition_variable m_changed;
    std::vector<Size3> m_known, m_first, m_rest;
    bool m_hasEnded = false;
};

class Thread : public QThread {
public:
    /// @param afterFirst  called on this thread when what the pictures need is compiled.
    Thread(Wishes& wishes, std::function<void()> afterFirst) : m_wishes(wishes), m_afterFirst(std::move(afterFirst)) { m_surface.create(); }

protected:
    void run() override
    {
        while (const auto next = m_wishes.next()) {
            m_isRest = !next->isFirst;
            drawAgainAndAgain(next->isFirst ? drawTheFirst : drawTheRest, next->size);
            if (isUnwanted() && !isInterruptionRequested()) {
                continue;       // the rest again, later
            }
            m_wishes.done(*next);
            if (next->isFirst) {
                m_afterFirst();
            }
        }
    }

private:
    /// The window waits for something else.
    bool isUnwanted() const { return isInterruptionRequested() || (m_isRest && !m_wishes.isEmpty()); }

    /// Until nothing new is compiled: Mesa makes other code of a program that it has just translated than of one that it finds translated on disk,
    /// which is what the view's context will find, and it finds some only the next time. A round that compiles takes much longer than one that does not.
    void drawAgainAndAgain(const Pictures& pictures, Size3 size)
    {
        qint64 before = std::numeric_limits<qint64>::max();
        for (int round = 0; round < kMostRounds && !isUnwanted(); ++round) {
            QElapsedTimer clock;
            clock.start();
            drawOnce(pictures, size);
            const qint64 took = clock.elapsed();
            msleep(kWrittenMs);
            if (took < kNothingNewMs || double(took) > kAsBefore * double(before)) {
                break;
            }
            before = took;
        }
    }

    /// In a context without a past, whose state is part of what is compiled.
    void drawOnce(const Pictures& pictures, Size3 size)
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
        vtkNew<vtkUnsignedCharArray> pixels;
        pictures(scene, size, [&](bool isWhole) {
            if (!isUnwanted()) {
                scene.setRays(isWhole ? 1 : kFewRays);
                window->Render();
                window->GetPixelData(0, 0, kWidth - 1, kHeight - 1, 1, pixels.Get(), 0);
            }
        });
        window->Finalize();
    }

    QOffscreenSurface m_surface;
    Wishes& m_wishes;
    std::function<void()> m_afterFirst;
    bool m_isRest = false;
};

} // namespace

std::vector<std::function<void()>> shaderSteps(VolumeScene& scene, Size3 size, const Draw& draw)
{
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
    Wishes wishes;
    std::unique_ptr<Thread> thread;     ///< Null before the start.
};

ShaderWarmUp::ShaderWarmUp(QObject* parent) : QObject(parent), d(std::make_unique<Private>()) {}

ShaderWarmUp::~ShaderWarmUp()
{
    if (d->thread) {
        d->thread->requestInterruption();
        d->wishes.end();
        d->thread->wait();
    }
}

void ShaderWarmUp::start()
{
    if (d->thread) {
        return;
    }
    d->wishes.add(kUsualVolume);
    d->thread = std::make_unique<Thread>(d->wishes, [this] { QMetaObject::invokeMethod(this, &ShaderWarmUp::ready); });
    d->thread->start(QThread::LowPriority);
}

void ShaderWarmUp::prepareFor(Size3 size)
{
    if (d->thread) {
        d->wishes.add(likeSize(size));
    }
}

bool ShaderWarmUp::isBusy() const { return !d->wishes.isEmpty(); }

void ShaderWarmUp::wait() { d->wishes.waitUntilEmpty(); }

} // namespace hf
