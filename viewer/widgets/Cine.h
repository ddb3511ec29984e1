#pragma once

#include "viewer/volume/Geometry.h"

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>

namespace hf {

class Scene;

/// Plays the slices or frames of one plane, round and round, at a speed that holds: a slow machine leaves frames out. GUI thread only.
class Cine : public QObject {
    Q_OBJECT
public:
    explicit Cine(Scene* scene, QObject* parent = nullptr);

    bool isPlaying() const { return m_timer.isActive(); }
    /// Plays the active plane; nothing for a single image.
    void play();
    void stop();
    void toggle() { isPlaying() ? stop() : play(); }

    static constexpr int kSlowest = 1, kFastest = 60;
    int framesPerSecond() const { return m_rate; }
    void setFramesPerSecond(int rate);

Q_SIGNALS:
    void changed();     ///< Playing or speed.

private:
    void tick();
    void followSeries();
    void changeRate(int rate);
    void restart();
    Scene* m_scene;
    QTimer m_timer;
    QElapsedTimer m_clock;
    Plane m_plane = Plane::Axial;
    int m_first = 0;        ///< Slice at the start of the clock.
    int m_rate = 15;
    int m_chosen = 0;       ///< The reader's, while a series is played at its own rate; 0 else.
};

} // namespace hf
