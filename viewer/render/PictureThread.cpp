#include "viewer/render/PictureThread.h"

#include "viewer/volume/Priority.h"

#include <vtkBoxRepresentation.h>
#include <vtkCallbackCommand.h>
#include <vtkCamera.h>
#include <vtkGenericOpenGLRenderWindow.h>
#include <vtkImageData.h>
#include <vtkNew.h>
#include <vtkPolyData.h>
#include <vtkRenderer.h>
#include <vtkTransform.h>
#include <vtkUnsignedCharArray.h>

#include <QElapsedTimer>
#include <QOffscreenSurface>
#include <QOpenGLContext>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <future>
#include <mutex>
#include <numbers>
#include <utility>
#include <vector>

namespace hf {

namespace {

using namespace std::chrono_literals;

constexpr int kTilePixels = 48;                 // along each side, about, at most
constexpr int kSmallestTile = 12;
constexpr double kTileMs = 25;                  // what a tile may take: until then nothing newer is drawn
constexpr double kForgotten = 0.99;             // of the slowest tile's time, by each that is faster
constexpr auto kIdle = 250ms;                   // until the tiles begin
constexpr qint64 kShowMs = 100;                 // after so long tiles are shown
constexpr double kPictureMs = 30;               // what a coarse picture may take
constexpr float kFinest = 2, kCoarsest = 16;    // pixels for a ray along each side
constexpr QSize kSmallPicture(150, 213);
constexpr int kNicer = 4;

struct Tile { int x0, y0, x1, y1; };

/// Quarters of a tile that takes too long.
std::vector<Tile> split(const Tile& tile)
{
    const int x = (tile.x0 + tile.x1) / 2, y = (tile.y0 + tile.y1) / 2;
    std::vector<Tile> quarters{{tile.x0, tile.y0, x, y}, {x, tile.y0, tile.x1, y}, {tile.x0, y, x, tile.y1}, {x, y, tile.x1, tile.y1}};
    std::erase_if(quarters, [](const Tile& quarter) { return quarter.x1 <= quarter.x0 || quarter.y1 <= quarter.y0; });
    return quarters;
}

/// Whole pixels, those in the middle last.
std::vector<Tile> tilesOf(QSize size)
{
    std::vector<Tile> tiles;
    const int width = size.width(), height = size.height(), columns = width / kTilePixels + 1, rows = height / kTilePixels + 1;
    for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < columns; ++column) {
            const Tile tile{width * column / columns, height * row / rows, width * (column + 1) / columns, height * (row + 1) / rows};
            if (tile.x1 > tile.x0 && tile.y1 > tile.y0) {
                tiles.push_back(tile);
            }
        }
    }
    const auto away = [&](const Tile& tile) { return std::hypot(tile.x0 + tile.x1 - width, tile.y0 + tile.y1 - height); };
    std::stable_sort(tiles.begin(), tiles.end(), [&](const Tile& a, const Tile& b) { return away(a) > away(b); });
    return tiles;
}

/// Narrows a renderer and its camera to a tile of the window while it lives; the picture of the tile is that part of the whole one.
class TileView {
public:
    TileView(vtkRenderer* renderer, const Tile& tile, QSize size) : m_renderer(renderer), m_camera(renderer->GetActiveCamera()), m_angle(m_camera->GetViewAngle())
    {
        const double width = size.width(), height = size.height(), w = tile.x1 - tile.x0, h = tile.y1 - tile.y0, half = m_angle * std::numbers::pi / 360;
        renderer->SetViewport(tile.x0 / width, tile.y0 / height, tile.x1 / width, tile.y1 / height);
        m_camera->SetViewAngle(std::atan(std::tan(half) * h / height) * 360 / std::numbers::pi);
        m_camera->SetWindowCenter((tile.x0 + tile.x1 - width) / w, (tile.y0 + tile.y1 - height) / h);
    }
    ~TileView()
    {
        m_renderer->SetViewport(0, 0, 1, 1);
        m_camera->SetViewAngle(m_angle);
        m_camera->SetWindowCenter(0, 0);
    }
    TileView(const TileView&) = delete;
    TileView& operator=(const TileView&) = delete;

private:
    vtkRenderer* m_renderer;
    vtkCamera* m_camera;
    double m_angle;
};

double millisecondsOf(const QElapsedTimer& clock) { return double(clock.nsecsElapsed()) / 1e6; }

/// The thread's own scene in its own context, which must be current.
class Painter {
public:
    Painter()
    {
        vtkGenericOpenGLRenderWindow* window = m_scene.window();
        window->SetFrameBlitModeToNoBlit();
        window->SetMultiSamples(0);     // they would take most of the time
        window->SetOwnContext(0);
        m_isCurrent->SetCallback([](vtkObject*, unsigned long, void*, void* answer) { *static_cast<bool*>(answer) = true; });
        window->AddObserver(vtkCommand::WindowIsCurrentEvent, m_isCurrent);
        window->SetForceMaximumHardwareLineWidth(1);
        window->SetReadyForRendering(true);
        window->OpenGLInitContext();
        m_scene.setAdjustsRays(false);
        m_box->HandlesOn();
        m_box->SetPlaceFactor(1);
        m_box->SetRenderer(m_scene.renderer());
    }
    ~Painter() { m_scene.window()->Finalize(); }
    Painter(const Painter&) = delete;
    Painter& operator=(const Painter&) = delete;

    /// With few rays; more, or fewer, the next time, as it took.
    QImage drawCoarse(const VolumePicture& picture)
    {
        const bool isOther = picture.content.image != m_shown.image || picture.content.surfaces != m_shown.surfaces;
        show(picture);
        if (isOther) {
            m_coarse = kCoarsest;
            m_slowestTile = 0;
        }
        QElapsedTimer clock;
        clock.start();
        render(m_coarse);
        const double tookMs = millisecondsOf(clock);
        if (tookMs > kPictureMs) {
            m_coarse = std::min(m_coarse * 1.5F, kCoarsest);
        } else if (tookMs < kPictureMs / 3) {
            m_coarse = std::max(m_coarse / 1.5F, kFinest);
        }
        m_tiles = picture.content.image ? tilesOf(picture.size) : std::vector<Tile>();
        return pixels();
    }

    QImage drawWhole(const VolumePicture& picture)
    {
        show(picture);
        render(1);
        m_tiles.clear();
        return pixels();
    }

    /// Nothing is left to be drawn with all rays.
    bool isSharp() const { return m_tiles.empty(); }

    /// A part of what drawCoarse() drew, with all rays.
    void drawTile()
    {
        while (std::max(m_tiles.back().x1 - m_tiles.back().x0, m_tiles.back().y1 - m_tiles.back().y0) > sideOfTile() * 3 / 2) {
            const std::vector<Tile> quarters = split(m_tiles.back());
            m_tiles.pop_back();
            m_tiles.insert(m_tiles.end(), quarters.begin(), quarters.end());
        }
        const Tile tile = m_tiles.back();
        m_tiles.pop_back();
        QElapsedTimer clock;
        clock.start();
        {
            const TileView narrowed(m_scene.renderer(), tile, m_size);
            render(1);
        }
        const double perPixel = millisecondsOf(clock) / double((tile.x1 - tile.x0) * (tile.y1 - tile.y0));
        m_slowestTile = std::max(perPixel, m_slowestTile * kForgotten);
    }

    /// What the window shows.
    QImage pixels()
    {
        const int width = m_size.width(), height = m_size.height();
        m_scene.window()->GetPixelData(0, 0, width - 1, height - 1, 1, m_pixels.Get(), 0);
        // OpenGL begins below.
        return QImage(m_pixels->GetPointer(0), width, height, 3 * width, QImage::Format_RGB888).mirrored().convertToFormat(QImage::Format_RGB32);
    }

private:
    void show(const VolumePicture& picture)
    {
        vtkRenderer* renderer = m_scene.renderer();
        if (picture.size != m_size) {
            m_size = picture.size;
            m_scene.window()->SetSize(m_size.width(), m_size.height());
        }
        m_scene.show(picture.content);
        m_shown = picture.content;
        picture.camera.applyTo(renderer->GetActiveCamera());
        renderer->RemoveViewProp(m_box);
        if (picture.box) {
            renderer->AddViewProp(m_box);
            picture.box->applyTo(m_box);
        }
        renderer->ResetCameraClippingRange();
    }

    void render(float step)
    {
        m_scene.setRays(step);
        m_scene.window()->Render();
    }

    /// Along each side, from what the others took.
    int sideOfTile() const { return m_slowestTile > 0 ? std::clamp(int(std::sqrt(kTileMs / m_slowestTile)), kSmallestTile, kTilePixels) : kSmallestTile; }

    VolumeScene m_scene;
    vtkNew<vtkCallbackCommand> m_isCurrent;
    vtkNew<vtkBoxRepresentation> m_box;
    vtkNew<vtkUnsignedCharArray> m_pixels;
    VolumeContent m_shown;
    QSize m_size;
    std::vector<Tile> m_tiles;      ///< Still to be drawn, the next one last.
    float m_coarse = kCoarsest;
    double m_slowestTile = 0;       ///< Milliseconds for a pixel; 0 before the first.
};

} // namespace

CameraPose CameraPose::of(vtkCamera* camera)
{
    CameraPose pose;
    camera->GetPosition(pose.position.x, pose.position.y, pose.position.z);
    camera->GetFocalPoint(pose.focalPoint.x, pose.focalPoint.y, pose.focalPoint.z);
    camera->GetViewUp(pose.viewUp.x, pose.viewUp.y, pose.viewUp.z);
    pose.viewAngle = camera->GetViewAngle();
    return pose;
}

Vec3 CameraPose::right() const { return normalized(cross(focalPoint - position, viewUp)); }

Vec3 CameraPose::down() const { return normalized(cross(focalPoint - position, right())); }

void CameraPose::applyTo(vtkCamera* camera) const
{
    camera->SetPosition(position.x, position.y, position.z);
    camera->SetFocalPoint(focalPoint.x, focalPoint.y, focalPoint.z);
    camera->SetViewUp(viewUp.x, viewUp.y, viewUp.z);
    camera->SetViewAngle(viewAngle);
}

void CropBoxPose::applyTo(vtkBoxRepresentation* box) const
{
    std::array<double, 6> placed = bounds;
    box->PlaceWidget(placed.data());
    vtkNew<vtkTransform> own;
    own->SetMatrix(transform.data());
    box->SetTransform(own);
    if (state != vtkBoxRepresentation::Outside) {
        // The handle that is held has another colour.
        box->ComputeInteractionState(pointer[0], pointer[1]);
    }
    box->SetInteractionState(state);
}

struct PictureThread::Private {
    struct Wanted { VolumePicture picture; quint64 number; };
    struct Kept { VolumePicture picture; std::promise<QImage> image; };

    QOffscreenSurface surface;      // made and destroyed on the GUI thread
    std::mutex mutex;
    std::condition_variable changed;
    // What the thread is to do, under the mutex.
    std::optional<Wanted> wanted;
    std::vector<Kept> kept;
    bool isPrepareWanted = false, hasEnded = false;
    // GUI thread.
    quint64 lastNumber = 0;

    bool isIdle() const { return !wanted && kept.empty() && !hasEnded; }

    bool isInterrupted()
    {
        const std::lock_guard lock(mutex);
        return !isIdle();
    }

    void prepare(Painter& painter)
    {
        VolumePicture picture{{}, {{0, -30, 0}, {}, {0, 0, 1}, 30}, {}, kSmallPicture};
        for (const VolumeContent& content : smallContents()) {
            picture.content = content;
            for (const auto draw : {&Painter::drawCoarse, &Painter::drawWhole}) {
                if (isInterrupted()) {
                    return;
                }
                (painter.*draw)(picture);
            }
        }
    }
};

PictureThread::PictureThread(QObject* parent) : QThread(parent), d(std::make_unique<Private>())
{
    d->surface.create();
    start();
}

PictureThread::~PictureThread()
{
    {
        const std::lock_guard lock(d->mutex);
        d->hasEnded = true;
    }
    d->changed.notify_all();
    wait();
}

void PictureThread::prepare()
{
    {
        const std::lock_guard lock(d->mutex);
        d->isPrepareWanted = true;
    }
    d->changed.notify_all();
}

quint64 PictureThread::draw(VolumePicture picture)
{
    {
        const std::lock_guard lock(d->mutex);
        d->wanted = {std::move(picture), ++d->lastNumber};
    }
    d->changed.notify_all();
    return d->lastNumber;
}

QImage PictureThread::drawWhole(VolumePicture picture)
{
    std::future<QImage> image;
    {
        const std::lock_guard lock(d->mutex);
        d->wanted.reset();
        d->kept.push_back({std::move(picture), {}});
        image = d->kept.back().image.get_future();
    }
    d->changed.notify_all();
    return image.get();
}

void PictureThread::run()
{
    giveWay(kNicer);
    QOpenGLContext context;
    const bool hasOpenGl = context.create() && context.makeCurrent(&d->surface);
    std::optional<Painter> painter;
    if (hasOpenGl) {
        painter.emplace();
    }
    CameraPose camera;
    quint64 number = 0;
    auto tilesFrom = std::chrono::steady_clock::now();
    QElapsedTimer shown;
    std::unique_lock lock(d->mutex);
    while (!d->hasEnded) {
        if (!d->kept.empty()) {
            std::vector<Private::Kept> kept = std::exchange(d->kept, {});
            lock.unlock();
            for (Private::Kept& next : kept) {
                next.image.set_value(painter ? painter->drawWhole(next.picture) : QImage());
            }
            lock.lock();
        } else if (d->wanted && painter) {
            const Private::Wanted next = *std::exchange(d->wanted, {});
            lock.unlock();
            number = next.number;
            camera = next.picture.camera;
            const QImage picture = painter->drawCoarse(next.picture);
            Q_EMIT drawn(picture, camera, number, painter->isSharp());
            tilesFrom = std::chrono::steady_clock::now() + kIdle;
            shown.start();
            lock.lock();
        } else if (!painter || (painter->isSharp() && !d->isPrepareWanted)) {
            d->changed.wait(lock);
        } else if (painter->isSharp()) {
            // Only now: what it draws takes the place of tiles that are still to come.
            d->isPrepareWanted = false;
            lock.unlock();
            d->prepare(*painter);
            lock.lock();
        } else if (d->changed.wait_until(lock, tilesFrom, [this] { return !d->isIdle(); })) {
            continue;
        } else {
            lock.unlock();
            painter->drawTile();
            if (painter->isSharp() || shown.elapsed() >= kShowMs) {
                Q_EMIT drawn(painter->pixels(), camera, number, painter->isSharp());
                shown.start();
            }
            lock.lock();
        }
    }
    for (Private::Kept& next : d->kept) {
        next.image.set_value({});
    }
    lock.unlock();
    painter.reset();
}

} // namespace hf
