#include "viewer/render/RenderPresets.h"

#include "viewer/render/VolumeView3D.h"

#include <map>

namespace hf {

bool isCt(const Volume& volume)
{
    constexpr double kAir = -900, kBone = 200;
    const VolumeInfo& info = volume.info();
    return info.unit == Unit::Hu || (mayBeHu(info) && volume.range().minimum <= kAir && volume.range().maximum >= kBone);
}

QList<RenderPreset> renderPresets()
{
    return {{"bone", VolumeView3D::tr("Bone")}, {"soft", VolumeView3D::tr("Soft tissue")}, {"lung", VolumeView3D::tr("Lung")}, {"vessels", VolumeView3D::tr("Vessels")},
        {"mip", VolumeView3D::tr("Maximum intensity")}};
}

QList<RenderPreset> renderPresetsFor(const Volume& volume)
{
    QList<RenderPreset> list = renderPresets();
    if (!isCt(volume)) {
        list.removeIf([](const RenderPreset& preset) { return preset.id == "bone" || preset.id == "lung"; });
    }
    return list;
}

QString startPreset(const Volume& volume) { return isCt(volume) ? "bone" : volume.info().modality == "PT" ? "mip" : "soft"; }

const std::vector<RenderStop>& renderStops(const QString& preset, bool isHu)
{
    static const std::map<QString, std::vector<RenderStop>> ct{
        {"bone", {{-1024, 0, 0, 0, 0}, {120, 0, 0.5, 0.3, 0.2}, {220, 0.25, 0.85, 0.65, 0.45}, {450, 0.75, 0.95, 0.9, 0.8}, {3000, 0.9, 1, 1, 0.97}}},
        {"soft", {{-1024, 0, 0, 0, 0}, {-160, 0, 0.8, 0.6, 0.4}, {-60, 0.02, 0.85, 0.6, 0.4}, {40, 0.12, 0.75, 0.35, 0.28}, {150, 0.35, 0.9, 0.6, 0.5}, {350, 0.8, 0.97, 0.93, 0.85}, {3000, 0.9, 1, 1, 1}}},
        {"lung", {{-1024, 0, 0, 0, 0}, {-980, 0, 0.3, 0.4, 0.6}, {-860, 0.03, 0.4, 0.55, 0.75}, {-700, 0.05, 0.5, 0.65, 0.85}, {-500, 0, 0.6, 0.6, 0.6}, {-100, 0.015, 0.8, 0.5, 0.4}, {200, 0.25, 0.9, 0.8, 0.7}, {3000, 0.5, 1, 1, 1}}},
        {"vessels", {{-1024, 0, 0, 0, 0}, {110, 0, 0.4, 0.05, 0.05}, {170, 0.15, 0.75, 0.12, 0.1}, {320, 0.6, 0.95, 0.4, 0.25}, {600, 0.8, 0.97, 0.85, 0.7}, {3000, 0.85, 1, 1, 0.95}}},
        {"mip", {{-1024, 0, 0, 0, 0}, {-200, 0, 0, 0, 0}, {800, 1, 1, 1, 1}, {3000, 1, 1, 1, 1}}}};
    static const std::map<QString, std::vector<RenderStop>> other{
        {"soft", {{0, 0, 0, 0, 0}, {120, 0, 0.2, 0.2, 0.2}, {350, 0.08, 0.6, 0.5, 0.45}, {700, 0.3, 0.85, 0.8, 0.75}, {1000, 0.6, 1, 1, 1}}},
        {"vessels", {{0, 0, 0, 0, 0}, {550, 0, 0.5, 0.1, 0.1}, {750, 0.2, 0.8, 0.2, 0.15}, {1000, 0.8, 1, 0.7, 0.5}, {2000, 0.9, 1, 1, 0.9}}},
        {"mip", {{0, 0, 0, 0, 0}, {100, 0, 0, 0, 0}, {1000, 1, 1, 1, 1}}}};
    const auto& all = isHu ? ct : other;
    const auto found = all.find(preset);
    return found == all.end() ? all.at("soft") : found->second;
}

} // namespace hf
