#pragma once

#include "experts/engine/neural/ExpertManifest.h"

#include <functional>
#include <memory>
#include <span>

namespace hf::experts {

struct FolderOptions {
    Compute compute = Compute::fastest();
    /// TorchScript is code: it is loaded only when the user has allowed this folder.
    bool allowsTorchScript = false;
    /// DICOM Bits Stored (0028,0101) of a radiograph; 0: the fewest that hold its largest value, at least 8.
    int bitsStored = 0;
    /// Labels of the network's rows that are final, before the run ends: share of rows done, 0 to 1. May be empty.
    std::function<void(double share)> rowsDone;
};

/// Scores of a chest radiograph: one entry a label, in the order of chestLabels().
struct ChestScore {
    std::string label;
    double mean = 0;            ///< As VILA-M3: over the models of the label, those not trained for it giving exactly 0.5.
    double trainedMean = 0;     ///< Over the trained models only: what a reader is shown. NaN when none is.
    double lowest = 0, highest = 0;     ///< Spread of the trained models.
    int trainedModels = 0, models = 0;
    bool isPositive = false;    ///< mean >= 0.5.
};

/// An expert described by a folder. Weights are read on the first run and kept. Not thread-safe.
class FolderExpert : public Expert {
public:
    /// @throws Error "manifest".
    explicit FolderExpert(const std::filesystem::path& folder, FolderOptions options = {});
    FolderExpert(ExpertManifest manifest, FolderOptions options);
    ~FolderExpert() override;

    const ExpertManifest& manifest() const { return m_manifest; }
    /// The first file of weights that is not in the folder; empty when all are.
    std::string missingWeights() const;
    const ExpertCard& card() const override { return m_manifest.card; }
    /// Looks at the manifest, headers and arguments; reads no weights.
    std::optional<Refusal> check(const ExpertRequest& request) const override;
    /// For experts of one channel. A classifier's sentence is what the language model is told.
    ExpertResult run(const ExpertRequest& request, const Progress& progress, std::stop_token stop) override;

    /// The same for several sequences on one grid, in the order of the manifest's channels.
    std::optional<Refusal> check(std::span<const Volume> channels, const std::string& arguments) const;
    ExpertResult run(std::span<const Volume> channels, const std::string& arguments, const View& view, const Progress& progress, std::stop_token stop);
    /// A classification with its numbers. @throws Error for an expert that segments.
    std::vector<ChestScore> classify(const Volume& radiograph, const Progress& progress, std::stop_token stop);

private:
    struct Loaded;
    void load(const Progress& progress);
    void checkHash(const WeightSpec& weights) const;
    /// Ids of a prompt: an argument of the manifest, or names of its labels, apart by commas. Empty when it is neither.
    std::optional<std::vector<std::int64_t>> findIds(const std::string& arguments) const;
    std::optional<Refusal> checkVolume(const Volume& volume) const;
    runtime::Prepared prepare(std::span<const Volume> channels) const;
    runtime::WindowOptions windowsFor(const runtime::Prepared& prepared, const Volume& volume, const View& view) const;
    at::Tensor segment(const runtime::Prepared& prepared, const runtime::WindowOptions& windows, const std::vector<std::int64_t>& ids, const Progress& progress, std::stop_token stop) const;
    LabelMap toLabelMap(const at::Tensor& labels, const std::vector<std::int64_t>& ids, const Volume& volume, const std::string& arguments) const;

    ExpertManifest m_manifest;
    FolderOptions m_options;
    std::unique_ptr<Loaded> m_loaded;
};

/// VISTA3D: class ids of a prompt as the network takes them. 2, 20 and 21 stand for several; others are kept once, in order.
/// @throws Error "arguments" for ids that have no class (experts.md 1.4).
std::vector<std::int64_t> expandedClassIds(const std::vector<std::int64_t>& ids);

/// The lines that the language model is told (vila-m3.md 6.7): labels in byte order, "name: yes".
std::string chestSentence(const std::vector<ChestScore>& scores);

} // namespace hf::experts
