#pragma once

#include <memory>
#include <string>
#include <vector>

namespace hf {

/// How the values of a window become grey (VOI LUT Function, DICOM PS3.3 C.11.2.1.3).
enum class VoiFunction {
    Automatic,      ///< Linear; LinearExact for volumes of fractional values and widths under 1. Windows that a reader sets.
    Linear,         ///< C.11.2.1.2.1, with its offsets of 0.5 and 1.
    LinearExact,    ///< C.11.2.1.3.2
    Sigmoid,        ///< C.11.2.1.3.1
};

/// A VOI window, in units of the volume: a function, or a table that its header brought.
struct WindowLevel {
    double center = 40;
    double width = 400;
    std::string name;   ///< Explanation from the header or preset name; may be empty.
    VoiFunction function = VoiFunction::Automatic;
    /// Grey 0..255 of equal steps from center - width / 2 on (VOI LUT, C.11.2.1.1); null for a function. An untouched window has one
    /// entry a value; a reader who drags stretches and moves the table.
    std::shared_ptr<const std::vector<float>> table = {};

    /// 0..255. Linear: x <= c - 0.5 - (w-1)/2 is 0, x > c - 0.5 + (w-1)/2 is 255.
    /// @param exact  the volume holds fractional values (matters for Automatic alone).
    double map(double value, bool exact = false) const;
    /// Of the linear functions: `low` and less is 0, `low + range` and more is 255.
    struct Ramp { double low, range; };
    Ramp ramp(bool exact = false) const;
    bool isLinear() const { return !table && function != VoiFunction::Sigmoid; }
    friend bool operator==(const WindowLevel& a, const WindowLevel& b)
    {
        const bool hasSameTable = a.table == b.table || (a.table && b.table && *a.table == *b.table);
        return a.center == b.center && a.width == b.width && a.function == b.function && hasSameTable;
    }
};

/// A named preset with the number key that selects it (0 means none).
struct WindowPreset {
    int key;
    std::string id;     ///< stable word for settings and command lines: "soft", "lung" ...
    WindowLevel window; ///< name is English; Qt code translates it by id
    bool isSuv = false; ///< In standardised uptake values; else in HU.
};

/// Presets of section 5 of the interface conventions, those of CT first: keys 2 to 9. Keys 0 (auto) and 1 (as stored) are computed.
const std::vector<WindowPreset>& windowPresets();
/// Null when there is none of that name.
const WindowPreset* findPreset(const std::string& id);

} // namespace hf
