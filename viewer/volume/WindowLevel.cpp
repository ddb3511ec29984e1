#include "viewer/volume/WindowLevel.h"

#include <algorithm>

namespace hf {

double WindowLevel::map(double value, bool exact) const
{
    // PS3.3 C.11.2.1.2.1 (linear) and C.11.2.1.3.2 (linear exact), output range 0 to 255.
    const double shift = exact || width < 1 ? 0.0 : 0.5;
    const double range = exact || width < 1 ? width : width - 1;
    const double low = center - shift - range / 2;
    if (!(range > 0)) {
        return value <= low ? 0 : 255;
    }
    return std::clamp((value - low) / range * 255, 0.0, 255.0);
}

const std::vector<WindowPreset>& ctPresets()
{
    static const std::vector<WindowPreset> presets{
        {2, "soft", {40, 400, "Soft tissue"}},
        {3, "lung", {-600, 1500, "Lung"}},
        {4, "bone", {400, 2000, "Bone"}},
        {5, "brain", {40, 80, "Brain"}},
        {6, "subdural", {75, 215, "Subdural"}},
        {7, "liver", {90, 150, "Liver"}},
        {8, "angiography", {200, 600, "Angiography"}},
        {9, "stroke", {40, 40, "Stroke"}},
        {0, "mediastinum", {50, 350, "Mediastinum"}},
        {0, "spine", {50, 250, "Spine"}},
        {0, "temporal-bone", {700, 4000, "Temporal bone"}},
    };
    return presets;
}

} // namespace hf
