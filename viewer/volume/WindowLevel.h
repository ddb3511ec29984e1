#pragma once

#include <string>
#include <vector>

namespace hf {

/// A linear VOI window (DICOM PS3.3 C.11.2.1.2.1), in units of the volume.
struct WindowLevel {
    double center = 40;
    double width = 400;
    std::string name;   ///< Explanation from the header or preset name; may be empty.

    /// 0..255 after the linear function of the standard: x <= c - 0.5 - (w-1)/2 is 0, x > c - 0.5 + (w-1)/2 is 255.
    /// For w < 1 or a float unit the exact form without the 0.5 and 1 is used when `exact`.
    double map(double value, bool exact = false) const;
    friend bool operator==(const WindowLevel& a, const WindowLevel& b) { return a.center == b.center && a.width == b.width; }
};

/// A named preset with the number key that selects it (0 means none).
struct WindowPreset {
    int key;
    std::string id;     ///< stable word for settings and command lines: "soft", "lung" ...
    WindowLevel window; ///< name is English; Qt code translates it by id
};

/// CT presets of section 5 of the interface conventions: keys 2 to 9. Keys 0 (auto) and 1 (as stored) are computed.
const std::vector<WindowPreset>& ctPresets();

} // namespace hf
