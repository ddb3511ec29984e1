#pragma once

#include <QObject>

#include <functional>
#include <memory>
#include <vector>

namespace hf {

class VolumeScene;

/// What makes OpenGL compile all that volumes and masks are usually drawn with: a volume of a few voxels, step by step.
/// @param draw  draws the scene in few rays or in all.
std::vector<std::function<void()>> shaderSteps(VolumeScene& scene, const std::function<void(bool isWhole)>& draw);

/// Compiles what the 3D view draws with on a thread and in a context of its own. Software OpenGL keeps what it compiled on disk (Mesa's shader
/// cache), where the view's context then finds it: at the very first start that saves the window a second of standing still. First what every
/// picture needs, then what is asked for later. GUI thread only.
class ShaderWarmUp : public QObject {
    Q_OBJECT
public:
    explicit ShaderWarmUp(QObject* parent = nullptr);
    /// Waits for the thread.
    ~ShaderWarmUp() override;

    /// Does nothing the second time.
    void start();
    /// What every picture needs is being compiled.
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
