#pragma once

#include "assistant/client/EngineClient.h"

#include <QWidget>

class QLabel;
class QPushButton;

namespace hf {

class Scene;

/// Places for an expert that is guided by points: the crosshair's place is added as inside or outside of the structure. Forgets them with the volume.
class ClickRow : public QWidget {
    Q_OBJECT
public:
    explicit ClickRow(Scene* scene, QWidget* parent = nullptr);
    const QList<assistant::ExpertClick>& clicks() const { return m_clicks; }

private:
    void add(bool isInside);
    void clear();
    void update();

    Scene* m_scene;
    QLabel* m_count;
    QPushButton* m_clear;
    QList<assistant::ExpertClick> m_clicks;
};

} // namespace hf
