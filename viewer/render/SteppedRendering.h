#pragma once

#include <QObject>

#include <memory>

class QWidget;

namespace hf {

class VolumeScene;

/// Keeps a window alive whose volume the processor alone draws (software OpenGL): every picture is drawn at once with few rays; when nothing
/// has changed for a moment it is drawn again with all rays, one tile after the other between the events of the loop. Does nothing where a
/// graphics processor draws. GUI thread only.
class SteppedRendering : public QObject {
    Q_OBJECT
public:
    /// Both outlive it. @param isSoftware  the processor draws.
    SteppedRendering(QWidget* view, VolumeScene* scene, bool isSoftware);
    ~SteppedRendering() override;

    bool isSoftware() const;
    /// Pictures are drawn with all rays and at once while this is on: for those that are kept.
    void setWhole(bool whole);
    /// Something else will be drawn: how long it takes is to be learnt anew, from few rays and small tiles on.
    void startOver();
    /// All rays were drawn for what is seen.
    bool isSharp() const;

Q_SIGNALS:
    void sharpened();

protected:
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    struct Private;
    void pictureStarts();
    void pictureEnds();
    void drawNextTile();
    std::unique_ptr<Private> d;
};

} // namespace hf
