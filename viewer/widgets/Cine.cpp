#include "viewer/widgets/Cine.h"

#include "viewer/widgets/Scene.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hf {

Cine::Cine(Scene* scene, QObject* parent) : QObject(parent), m_scene(scene)
{
    m_timer.setTimerType(Qt::PreciseTimer);
    connect(&m_timer, &QTimer::timeout, this, [this] { tick(); });
    connect(scene, &Scene::drawingBegan, this, &Cine::stop);
    connect(scene, &Scene::volumeChanged, this, [this] {
        stop();
        followSeries();
    });
}

/// A series that says how fast it runs is played so; others as the reader last chose.
void Cine::followSeries()
{
    const double own = m_scene->isEmpty() || m_scene->active().isVolume() ? 0 : m_scene->series().framesPerSecond;
    if (own > 0) {
        m_chosen = m_chosen ? m_chosen : m_rate;
        changeRate(int(std::lround(std::clamp(own, double(kSlowest), double(kFastest)))));
    } else if (m_chosen) {
        changeRate(std::exchange(m_chosen, 0));
    }
}

void Cine::play()
{
    if (m_scene->isEmpty() || m_scene->sliceCount(m_scene->activePlane()) < 2) {
        return;
    }
    m_plane = m_scene->activePlane();
    restart();
    m_timer.start(1000 / m_rate);
    Q_EMIT changed();
}

void Cine::stop()
{
    if (m_timer.isActive()) {
        m_timer.stop();
        Q_EMIT changed();
    }
}

void Cine::setFramesPerSecond(int rate) { changeRate(std::clamp(rate, kSlowest, kFastest)); }

void Cine::changeRate(int rate)
{
    if (rate == m_rate) {
        return;
    }
    m_rate = rate;
    if (isPlaying()) {
        restart();
        m_timer.start(1000 / m_rate);
    }
    Q_EMIT changed();
}

void Cine::restart()
{
    m_first = m_scene->slice(m_plane);
    m_clock.start();
}

void Cine::tick()
{
    const int count = m_scene->sliceCount(m_plane);
    m_scene->setSlice(m_plane, int((m_first + m_clock.elapsed() * m_rate / 1000) % count));
}

} // namespace hf
