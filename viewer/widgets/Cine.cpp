#include "viewer/widgets/Cine.h"

#include "viewer/widgets/Scene.h"

#include <algorithm>

namespace hf {

Cine::Cine(Scene* scene, QObject* parent) : QObject(parent), m_scene(scene)
{
    m_timer.setTimerType(Qt::PreciseTimer);
    connect(&m_timer, &QTimer::timeout, this, [this] { tick(); });
    connect(scene, &Scene::volumeChanged, this, &Cine::stop);
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

void Cine::setFramesPerSecond(int rate)
{
    rate = std::clamp(rate, kSlowest, kFastest);
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
