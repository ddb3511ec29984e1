#include "assistant/engine/train/LabelledVolume.h"

#include "viewer/phantom/Random.h"
#include "viewer/phantom/Scenes.h"

#include <array>

namespace hf::assistant::train {

using phantom::Random;

namespace {

LabelledVolume trunk(std::uint32_t seed, bool ct, Random& random)
{
    phantom::CtPhantomOptions options;
    options.seed = seed;
    options.spacingMm = {3, 3, 6};
    options.noiseSdHu = random.uniform(4, 25);
    options.contrast = random.chance(0.5);
    options.lungNodule = random.chance(0.5);
    options.liverLesion = random.chance(0.5);
    options.table = random.chance(0.7);
    const phantom::CtPhantom made = phantom::makeCtPhantom(options);
    return {ct ? made.volume : phantom::makeMrTrunk(phantom::CtAnatomy(options), seed, made.volume.geometry()), made.truth, {}, false};
}

/// The same head without the tumour has the same noise: where both differ, there it is with its oedema (what BraTS calls the whole tumour).
LabelMap tumorOf(const Volume& with, const Volume& without)
{
    std::vector<LabelId> voxels(with.geometry().size().voxels());
    const auto* ill = static_cast<const std::int16_t*>(with.data());
    const auto* well = static_cast<const std::int16_t*>(without.data());
    for (std::size_t n = 0; n < voxels.size(); ++n) {
        voxels[n] = ill[n] == well[n] ? 0 : 1;
    }
    Label label;
    label.value = 1;
    label.name = "whole tumor";
    return LabelMap(with.geometry(), std::move(voxels), {label});
}

} // namespace

LabelledVolume labelledHead(std::uint32_t seed, bool ct)
{
    Random random(seed + 4242);
    const Geometry geometry({90, 110, 40}, {2, 2, 5}, {-89, -109, -90}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    if (ct) {
        return {phantom::makeHead(seed, phantom::HeadContrast::Ct, false, geometry), {}, {}, false};
    }
    const auto contrast = std::array{phantom::HeadContrast::T1, phantom::HeadContrast::T1c, phantom::HeadContrast::T2, phantom::HeadContrast::Flair}[std::size_t(random.below(4))];
    const bool tumor = random.chance(0.6);
    const Volume volume = phantom::makeHead(seed, contrast, tumor, geometry);
    return {volume, tumorOf(volume, tumor ? phantom::makeHead(seed, contrast, false, geometry) : volume), {}, false};
}

LabelledVolume labelledPhantom(std::uint32_t seed)
{
    Random random(seed);
    LabelledVolume made;
    const double kind = random.uniform();
    if (kind < 0.45) {
        made = trunk(seed, true, random);
    } else if (kind < 0.6) {
        made = trunk(seed, false, random);
    } else if (kind < 0.8) {
        made = labelledHead(seed, false);
    } else if (kind < 0.86) {
        made = labelledHead(seed, true);
    } else if (kind < 0.95) {
        made.isLateral = random.chance(0.2);
        phantom::CtPhantomOptions options;
        options.seed = seed;
        options.lungNodule = random.chance(0.5);
        const phantom::CtAnatomy anatomy(options);
        made.volume = phantom::makeRadiograph(anatomy, seed, made.isLateral, 2.4);
        made.labels = phantom::noduleOfRadiograph(anatomy, seed, made.isLateral, 2.4);
    } else {
        made.volume = phantom::makeUltrasound(seed, 200);
    }
    made.patient = "phantom-" + std::to_string(seed);
    return made;
}

} // namespace hf::assistant::train
