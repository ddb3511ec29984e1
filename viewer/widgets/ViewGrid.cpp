#include "viewer/widgets/ViewGrid.h"

#include "viewer/render/VolumeView3D.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"

#include <QGridLayout>

namespace hf {

ViewGrid::ViewGrid(Scene* scene, Findings* findings, QWidget* parent) : QWidget(parent), m_scene(scene), m_layout(new QGridLayout(this))
{
    m_layout->setContentsMargins(0, 0, 0, 0);
    m_layout->setSpacing(2);
    const Plane planes[] = {Plane::Axial, Plane::Sagittal, Plane::Coronal};
    const char* names[] = {"axialView", "sagittalView", "coronalView"};
    for (int n = 0; n < 3; ++n) {
        m_slices[n] = new SliceView(scene, findings, planes[n], this);
        m_slices[n]->setObjectName(names[n]);
        connect(m_slices[n], &SliceView::maximizeRequested, this, [this](SliceView* view) { toggleMaximized(view); });
        connect(m_slices[n], &SliceView::contextMenuAsked, this, &ViewGrid::contextMenuAsked);
    }
    m_volume = new VolumeView3D(this);
    m_volume->setObjectName("volumeView");
    connect(m_volume, &VolumeView3D::maximizeRequested, this, [this] { toggleMaximized(m_volume); });
    m_layout->addWidget(m_slices[0], 0, 0);
    m_layout->addWidget(m_slices[1], 0, 1);
    m_layout->addWidget(m_slices[2], 1, 0);
    m_layout->addWidget(m_volume, 1, 1);
    for (int n = 0; n < 2; ++n) {
        m_layout->setRowStretch(n, 1);
        m_layout->setColumnStretch(n, 1);
    }
    connect(scene, &Scene::volumeChanged, this, [this] {
        m_maximized = nullptr;
        arrange();
        const bool isVolume = !m_scene->isEmpty() && m_scene->series().kind == dicom::SeriesKind::Volume && !m_scene->volume()->isColor();
        m_volume->setVolume(isVolume ? m_scene->volume() : nullptr);
    });
    const auto updateMask = [this] {
        if (m_scene->hasMask() && m_scene->isMaskShown()) {
            m_volume->setMask(m_scene->mask(), m_scene->overlayStyle().hidden);
        } else {
            m_volume->clearMask();
        }
    };
    connect(scene, &Scene::maskChanged, this, updateMask);
    connect(scene, &Scene::maskStyleChanged, this, updateMask);
    arrange();
}

SliceView* ViewGrid::activeView() const { return m_slices[int(m_scene->activePlane())]; }

void ViewGrid::maximize(QWidget* view)
{
    m_maximized = view;
    arrange();
}

void ViewGrid::arrange()
{
    const bool single = !m_scene->isEmpty() && m_scene->series().kind != dicom::SeriesKind::Volume;
    QWidget* only = single ? m_slices[int(m_scene->volume()->geometry().acquisitionPlane())] : m_maximized;
    QWidget* const all[] = {m_slices[0], m_slices[1], m_slices[2], m_volume};
    for (QWidget* view : all) {
        view->setVisible(!only || view == only);
    }
    for (int n = 0; n < 2; ++n) {
        const auto used = [&](int row, int column) {
            const QLayoutItem* item = m_layout->itemAtPosition(row, column);
            return item && item->widget() && (!only || item->widget() == only);
        };
        m_layout->setRowStretch(n, used(n, 0) || used(n, 1) ? 1 : 0);
        m_layout->setColumnStretch(n, used(0, n) || used(1, n) ? 1 : 0);
    }
}

void ViewGrid::fitAll()
{
    for (SliceView* view : m_slices) {
        view->fit();
    }
    m_volume->resetCamera();
}

void ViewGrid::resetAll()
{
    for (SliceView* view : m_slices) {
        view->resetView();
    }
    m_volume->resetCamera();
}

void ViewGrid::setCrosshairShown(bool shown)
{
    for (SliceView* view : m_slices) {
        view->setCrosshairShown(shown);
    }
}

void ViewGrid::setTextShown(bool shown)
{
    for (SliceView* view : m_slices) {
        view->setTextShown(shown);
    }
}

} // namespace hf
