#pragma once

#include <QWidget>

class QGridLayout;

namespace hf {

class Findings;
class Scene;
class SliceView;
class VolumeView3D;

/// The views of one case: axial, sagittal, coronal and 3D in 2 x 2, or one of them alone. A single image has one view.
class ViewGrid : public QWidget {
    Q_OBJECT
public:
    ViewGrid(Scene* scene, Findings* findings, QWidget* parent = nullptr);

    SliceView* view(int plane) const { return m_slices[plane]; }
    SliceView* activeView() const;
    VolumeView3D* volumeView() const { return m_volume; }
    bool isMaximized() const { return m_maximized != nullptr; }
    /// Shows one view alone, or all again (null).
    void maximize(QWidget* view);
    void toggleMaximized(QWidget* view) { maximize(m_maximized == view ? nullptr : view); }
    void fitAll();
    /// All views as at first: fitted, neither flipped nor turned.
    void resetAll();
    void setCrosshairShown(bool shown);
    void setTextShown(bool shown);

Q_SIGNALS:
    void contextMenuAsked(hf::SliceView* view, QPoint globalPos);

private:
    void arrange();
    Scene* m_scene;
    QGridLayout* m_layout;
    SliceView* m_slices[3];
    VolumeView3D* m_volume;
    QWidget* m_maximized = nullptr;
};

} // namespace hf
