#pragma once

#include "app/desktop/Headless.h"

#include <memory>

namespace hf::app {

/// What a 3D view needs to be drawn: a display. Where there is none, a virtual one is started (Xvfb) that ends with this object.
class VirtualDisplay {
public:
    /// Before the QApplication is made. @throws Error "display" when none can be started; says what to install.
    VirtualDisplay();
    ~VirtualDisplay();
    VirtualDisplay(const VirtualDisplay&) = delete;
    VirtualDisplay& operator=(const VirtualDisplay&) = delete;

private:
    struct Private;
    std::unique_ptr<Private> d;
};

/// `hounsfield --headless --render`: writes the picture that a view of the window shows, drawn by the same widget. Needs a QApplication;
/// for 3D one with a display.
/// @return the exit code as runHeadless.
int runRender(const HeadlessOptions& options);

} // namespace hf::app
