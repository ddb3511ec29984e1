#include "viewer/volume/WindowLevel.h"

#include <algorithm>
#include <cmath>

namespace hf {

namespace {

double tableLevel(const WindowLevel& window, double value)
{
    const std::vector<float>& table = *window.table;
    const double place = (value - (window.center - window.width / 2)) / window.width * double(table.size());
    const double clamped = std::clamp(place, 0.0, double(table.size() - 1));
    const std::size_t low = std::size_t(clamped), high = std::min(low + 1, table.size() - 1);
    return table[low] + (table[high] - table[low]) * (clamped - double(low));
}

} // namespace

double WindowLevel::map(double value, bool exact) const
{
    if (table && !table->empty() && width > 0) {
        return tableLevel(*this, value);
    }
    if (function == VoiFunction::Sigmoid && width > 0) {
        return 255 / (1 + std::exp(-4 * (value - center) / width));
    }
    const auto [low, range] = ramp(exact);
    if (!(range > 0)) {
        return value <= low ? 0 : 255;
    }
    return std::clamp((value - low) / range * 255, 0.0, 255.0);
}

WindowLevel::Ramp WindowLevel::ramp(bool exact) const
{
    const bool isExact = function == VoiFunction::LinearExact || width < 1 || (function == VoiFunction::Automatic && exact);
    const double range = isExact ? width : width - 1;
    return {center - (isExact ? 0.0 : 0.5) - range / 2, range};
}

const std::vector<WindowPreset>& windowPresets()
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
        {0, "pet-5", {2.5, 5, "PET 0 to 5", VoiFunction::LinearExact}, true},
        {0, "pet-10", {5, 10, "PET 0 to 10", VoiFunction::LinearExact}, true},
    };
    return presets;
}

const WindowPreset* findPreset(const std::string& id)
{
    const auto found = std::find_if(windowPresets().begin(), windowPresets().end(), [&](const WindowPreset& preset) { return preset.id == id; });
    return found == windowPresets().end() ? nullptr : &*found;
}

} // namespace hf
