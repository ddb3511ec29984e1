#pragma once

#include "viewer/volume/Geometry.h"

#include <QObject>

#include <functional>
#include <memory>
#include <vector>

namespace hf {

class VolumeScene;

/// Two powers of two and any number of slices, as most volumes are drawn in 3D.
constexpr Size3 kUsualVolume{4, 4, 5};

/// What makes OpenGL compile all that volumes and masks are usually drawn with, step by step.
/// @param size  of a volume of a few voxels. Software OpenGL compiles other code for axes that are powers of two than for others.
/// @param draw  draws the scene in few rays or in all.
std::vector<std::function<void()>> shaderSteps(VolumeScene& scene, Size3 size, const std::function<void(bool isWhole)>& draw);

/// Compiles what the 3D view draws with on a thread and in a context of its own. Software OpenGL keeps what it compiled on disk (Mesa's shader
/// cache), where the view's context then finds it: at the very first start that saves the window a second of standing still. First what every
/// picture of the usual volume needs and of others that came, then what is asked for later. GUI thread only.
class ShaderWarmUp : public QObject {
    Q_OBJECT
public:
    explicit ShaderWarmUp(QObject* parent = nullptr);
    /// Waits for the thread.
    ~ShaderWarmUp() override;

    /// Does nothing the second time.
    void start();
    /// Before a volume of this size is drawn, once it has been started.
    void prepareFor(Size3 size);
    /// What the pictures need is being compiled.
    bool isBusy() const;
    /// Until it is ready.
    void wait();

Q_SIGNALS:
    void ready();

private:
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace hf
