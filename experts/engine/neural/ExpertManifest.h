#pragma once

#include "experts/engine/Expert.h"
#include "experts/engine/neural/ChestXray.h"
#include "experts/engine/neural/Network.h"
#include "experts/runtime/SlidingWindow.h"
#include "experts/runtime/Transforms.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace hf::experts {

constexpr std::size_t kLongestExpertName = 32;

/// One step before the network, of a closed list; named as in expert.json.
struct PreStep {
    enum class Kind { Spacing, OrientationRas, CropForeground, ScaleRange, ScaleMinMax, Normalize };
    Kind kind = Kind::OrientationRas;
    std::array<double, 3> spacingMm{};      ///< spacing
    std::int64_t margin = 0;                ///< cropForeground, voxels
    runtime::IntensityRange range;          ///< scaleRange; low and high of scaleMinMax
    bool nonZero = false, perChannel = false;   ///< normalize
};

/// How the network's channels become labels.
struct PostSpec {
    enum class Kind {
        Argmax,     ///< Label = channel of the largest logit; 0 is background.
        Regions,    ///< First region whose channel has a probability of its threshold or more.
        Prompts     ///< VISTA3D: the asked class of the largest logit, where one is above 0.
    };
    struct Region { int channel = 0; LabelId label = 0; double threshold = 0.5; };
    /// What comes back to the volume's grid: labels (nearest neighbour), or values of each channel (linear), of which labels are made there.
    enum class Inversion { Labels, Probabilities, Logits };
    Kind kind = Kind::Argmax;
    Inversion inversion = Inversion::Labels;
    std::vector<Region> regions;
    std::vector<LabelId> largestComponentOf;    ///< Only the largest component (26 neighbours) of these labels is kept.
};

/// What a volume must be before anything is loaded.
struct Suitability {
    double maximumSpacingMm = 0;            ///< 0: any.
    double minimumFieldOfViewMm = 0;        ///< Along every axis.
    int channels = 1;                       ///< Sequences of one study on one grid.
    std::vector<std::string> channelNames;  ///< In order: "T1c", "T1" ...
};

struct WeightSpec {
    std::string file;           ///< In the expert's folder.
    std::string sha256;         ///< Checked where stated.
};

/// A member of an ensemble of chest classifiers.
struct ChestMember {
    WeightSpec weights;
    bool isResNet = false;
    std::string thresholds;     ///< Name for chestThresholds().
};

/// An expert as its folder describes it: expert.json, version 1. All lists are closed: what is not known is refused, never ignored.
struct ExpertManifest {
    enum class Task { Segmentation, Classification };
    enum class Engine { Network, Vista3d, ChestEnsemble, TorchScript };

    ExpertCard card;
    Task task = Task::Segmentation;
    Engine engine = Engine::Network;
    NetworkSpec network;                    ///< Engine::Network.
    WeightSpec weights;                     ///< All but ChestEnsemble.
    std::vector<ChestMember> members;       ///< ChestEnsemble.
    std::vector<PreStep> pre;
    runtime::WindowOptions window;
    PostSpec post;
    std::vector<Label> labels;
    std::map<std::string, std::vector<std::int64_t>> prompts;   ///< Argument to class ids (Vista3d), or to the labels that are kept; empty: all.
    Suitability suitability;
    std::filesystem::path folder;
    std::string text;                       ///< As it was read.
};

/// Reads FOLDER/expert.json. @throws Error "manifest" as "expert.json line 12: reason", naming the member.
ExpertManifest readManifest(const std::filesystem::path& folder);
/// The same from a text, for `folder`.
ExpertManifest parseManifest(const std::string& text, const std::filesystem::path& folder);

} // namespace hf::experts
