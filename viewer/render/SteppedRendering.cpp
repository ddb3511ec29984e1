#include "viewer/render/SteppedRendering.h"

#include "viewer/render/VolumeScene.h"

#include <vtkCallbackCommand.h>
#include <vtkCamera.h>
#include <vtkGenericOpenGLRenderWindow.h>
#include <vtkNew.h>
#include <vtkRenderer.h>

#include <QElapsedTimer>
#include <QEvent>
#include <QTimer>
#include <QWidget>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace hf {

namespace {

constexpr int kTilePixels = 48;                 // along each side, about, at most
constexpr int kSmallestTile = 12;
constexpr double kTileMs = 10;                  // what a tile may take; where other work comes up, it takes several times as long
constexpr double kForgotten = 0.99;             // of the slowest tile's time, by each that is faster
constexpr int kIdleMs = 250;                    // until the tiles begin
constexpr double kPictureMs = 30;               // what a coarse picture may take
constexpr float kFinest = 2, kCoarsest = 16;    // pixels for a ray along each side

struct Tile { int x0, y0, x1, y1; };

/// Quarters of a tile that takes too long.
std::vector<Tile> split(const Tile& tile)
{
    const int x = (tile.x0 + tile.x1) / 2, y = (tile.y0 + tile.y1) / 2;
    std::vector<Tile> quarters{{tile.x0, tile.y0, x, y}, {x, tile.y0, tile.x1, y}, {tile.x0, y, x, tile.y1}, {x, y, tile.x1, tile.y1}};
    std::erase_if(quarters, [](const Tile& quarter) { return quarter.x1 <= quarter.x0 || quarter.y1 <= quarter.y0; });
    return quarters;
}

/// Whole pixels, those in the middle first.
std::vector<Tile> tilesOf(int width, int height)
{
    std::vector<Tile> tiles;
    const int columns = width / kTilePixels + 1, rows = height / kTilePixels + 1;
    for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < columns; ++column) {
            const Tile tile{width * column / columns, height * row / rows, width * (column + 1) / columns, height * (row + 1) / rows};
            if (tile.x1 > tile.x0 && tile.y1 > tile.y0) {
                tiles.push_back(tile);
            }
        }
    }
    const auto away = [&](const Tile& tile) { return std::hypot(tile.x0 + tile.x1 - width, tile.y0 + tile.y1 - height); };
    std::stable_sort(tiles.begin(), tiles.end(), [&](const Tile& a, const Tile& b) { return away(a) < away(b); });
    return tiles;
}

/// Narrows a renderer and its camera to a tile of the window while it lives; the picture of the tile is that part of the whole one.
class TileView {
public:
    TileView(vtkRenderer* renderer, const Tile& tile, int width, int height) : m_renderer(renderer), m_camera(renderer->GetActiveCamera()), m_angle(m_camera->GetViewAngle())
    {
        const double w = tile.x1 - tile.x0, h = tile.y1 - tile.y0, half = m_angle * std::numbers::pi / 360;
        renderer->SetViewport(double(tile.x0) / width, double(tile.y0) / height, double(tile.x1) / width, double(tile.y1) / height);
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

} // namespace

struct SteppedRendering::Private {
    QWidget* view;
    VolumeScene* scene;
    vtkNew<vtkCallbackCommand> started, ended;
    QTimer timer;
    QElapsedTimer clock;
    std::vector<Tile> tiles;        ///< Still to be drawn.
    float coarse = kCoarsest;
    double slowestTile = 0;         ///< Milliseconds for a pixel; 0 before the first.
    bool isSoftware = false, isWhole = false, isTile = false, isSharp = false;

    /// Grows where pictures take too long, shrinks where there is time.
    void adapt(double tookMs)
    {
        if (tookMs > kPictureMs) {
            coarse = std::min(coarse * 1.5F, kCoarsest);
        } else if (tookMs < kPictureMs / 3) {
            coarse = std::max(coarse / 1.5F, kFinest);
        }
    }

    /// Along each side, from what the others took.
    int sideOfTile() const { return slowestTile > 0 ? std::clamp(int(std::sqrt(kTileMs / slowestTile)), kSmallestTile, kTilePixels) : kSmallestTile; }
};

SteppedRendering::SteppedRendering(QWidget* view, VolumeScene* scene, bool isSoftware) : d(std::make_unique<Private>())
{
    d->view = view;
    d->scene = scene;
    d->isSoftware = isSoftware;
    d->started->SetClientData(this);
    d->started->SetCallback([](vtkObject*, unsigned long, void* self, void*) { static_cast<SteppedRendering*>(self)->pictureStarts(); });
    d->ended->SetClientData(this);
    d->ended->SetCallback([](vtkObject*, unsigned long, void* self, void*) { static_cast<SteppedRendering*>(self)->pictureEnds(); });
    scene->window()->AddObserver(vtkCommand::StartEvent, d->started);
    scene->window()->AddObserver(vtkCommand::EndEvent, d->ended);
    d->timer.setSingleShot(true);
    view->installEventFilter(this);
    connect(&d->timer, &QTimer::timeout, this, [this] { drawNextTile(); });
}

SteppedRendering::~SteppedRendering()
{
    d->scene->window()->RemoveObserver(d->started);
    d->scene->window()->RemoveObserver(d->ended);
}

bool SteppedRendering::isSoftware() const { return d->isSoftware; }

bool SteppedRendering::isSharp() const { return d->isSharp; }

void SteppedRendering::setWhole(bool whole) { d->isWhole = whole; }

void SteppedRendering::startOver()
{
    d->coarse = kCoarsest;
    d->slowestTile = 0;
}

void SteppedRendering::pictureStarts()
{
    d->clock.start();
    d->scene->setRays(d->isSoftware && !d->isWhole && !d->isTile ? d->coarse : 1);
}

void SteppedRendering::pictureEnds()
{
    if (d->isTile) {
        return;
    }
    const bool isEmpty = !d->scene->hasImage();
    if (d->isSoftware && !d->isWhole && !isEmpty) {
        d->adapt(double(d->clock.nsecsElapsed()) / 1e6);
    }
    d->isSharp = !d->isSoftware || d->isWhole || isEmpty;
    d->tiles.clear();
    if (!d->isSharp) {
        d->timer.start(kIdleMs);
    }
}

/// A view that was hidden goes on when it is seen again.
bool SteppedRendering::eventFilter(QObject* object, QEvent* event)
{
    if (event->type() == QEvent::Show && !d->isSharp) {
        d->timer.start(kIdleMs);
    }
    return QObject::eventFilter(object, event);
}

void SteppedRendering::drawNextTile()
{
    if (d->isSharp || !d->view->isVisible()) {
        return;
    }
    vtkGenericOpenGLRenderWindow* window = d->scene->window();
    const int *size = window->GetSize(), width = size[0], height = size[1];
    if (d->tiles.empty()) {
        d->tiles = tilesOf(width, height);
        std::reverse(d->tiles.begin(), d->tiles.end());
    }
    if (d->tiles.empty()) {
        return;
    }
    while (std::max(d->tiles.back().x1 - d->tiles.back().x0, d->tiles.back().y1 - d->tiles.back().y0) > d->sideOfTile() * 3 / 2) {
        const std::vector<Tile> quarters = split(d->tiles.back());
        d->tiles.pop_back();
        d->tiles.insert(d->tiles.end(), quarters.begin(), quarters.end());
    }
    QElapsedTimer clock;
    clock.start();
    {
        const TileView narrowed(d->scene->renderer(), d->tiles.back(), width, height);
        d->isTile = true;
        window->Render();
        d->isTile = false;
    }
    const Tile& drawn = d->tiles.back();
    const double tookMs = double(clock.nsecsElapsed()) / 1e6, perPixel = tookMs / double((drawn.x1 - drawn.x0) * (drawn.y1 - drawn.y0));
    d->slowestTile = std::max(perPixel, d->slowestTile * kForgotten);
    d->tiles.pop_back();
    d->isSharp = d->tiles.empty();
    if (d->isSharp) {
        Q_EMIT sharpened();
    } else {
        d->timer.start(0);
    }
}

} // namespace hf
