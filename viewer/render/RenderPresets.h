#pragma once

#include "viewer/volume/Volume.h"

#include <QList>
#include <QString>

#include <vector>

namespace hf {

/// How the volume is rendered.
struct RenderPreset {
    QString id;         ///< "bone", "soft", "lung", "vessels", "mip"
    QString name;       ///< Translated.
};

/// One step of a transfer function. Values are HU, or 0 to 1000 from the 0.1 to the 99.9 percentile for everything else.
struct RenderStop { double value, opacity, r, g, b; };

/// The values are Hounsfield units; those of a file that names no modality are taken for such where they reach from air to bone.
bool isCt(const Volume& volume);
/// All presets; those of CT alone are bone and lung.
QList<RenderPreset> renderPresets();
/// Those that mean something for a volume.
QList<RenderPreset> renderPresetsFor(const Volume& volume);
/// Bone for CT, maximum intensity for PET, soft tissue for all others.
QString startPreset(const Volume& volume);
/// @param isHu  the values are Hounsfield units. An unknown preset is soft tissue.
const std::vector<RenderStop>& renderStops(const QString& preset, bool isHu);

} // namespace hf
