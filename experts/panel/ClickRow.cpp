#include "experts/panel/ClickRow.h"

#include "viewer/widgets/Scene.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>

namespace hf {

ClickRow::ClickRow(Scene* scene, QWidget* parent) : QWidget(parent), m_scene(scene)
{
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    const auto button = [&](const QString& text, const QString& tip, const char* name) {
        auto* made = new QPushButton(text, this);
        made->setToolTip(tip);
        made->setObjectName(name);
        layout->addWidget(made);
        return made;
    };
    QPushButton* inside = button(tr("+ here"), tr("The crosshair is inside the structure: adds the place for the next run"), "clickInside");
    QPushButton* outside = button(tr("− here"), tr("The crosshair is outside the structure: adds the place for the next run"), "clickOutside");
    m_count = new QLabel(this);
    m_count->setObjectName("clickCount");
    layout->addWidget(m_count, 1);
    m_clear = button(tr("Forget"), tr("Forgets the marked places"), "clickClear");
    connect(inside, &QPushButton::clicked, this, [this] { add(true); });
    connect(outside, &QPushButton::clicked, this, [this] { add(false); });
    connect(m_clear, &QPushButton::clicked, this, [this] { clear(); });
    connect(scene, &Scene::volumeChanged, this, [this] { clear(); });
    update();
}

void ClickRow::add(bool isInside)
{
    if (!m_scene->isEmpty()) {
        m_clicks.append({m_scene->cursor(), isInside});
        update();
    }
}

void ClickRow::clear()
{
    m_clicks.clear();
    update();
}

void ClickRow::update()
{
    m_count->setText(m_clicks.isEmpty() ? tr("the whole volume") : tr("places: %1").arg(m_clicks.size()));
    m_clear->setEnabled(!m_clicks.isEmpty());
}

} // namespace hf
