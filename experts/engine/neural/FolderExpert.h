#pragma once

#include "experts/engine/neural/ExpertManifest.h"

#include <functional>
#include <memory>
#include <span>

namespace hf::experts {

struct FolderOptions {
    /// Where and how experts of folders compute: networks, and the steps before and after them. Results lie on the host.
    Compute compute = Compute::fastest();
    /// TorchScript is code: a file is loaded only when this says that the user has allowed it, by its SHA-256. Empty: never.
    std::function<bool(const std::string& sha256)> isScriptAllowed{};
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
    std::string weightsHash() const override;
    std::string settings() const override;
    /// Looks at the manifest, headers and arguments; reads no weights.
    std::optional<Refusal> check(const ExpertRequest& request) const override;
    /// A classifier's argument is the finding of which a map is wanted, or empty; its sentence is what the language model is told.
    ExpertResult run(const ExpertRequest& request, const Progress& progress, std::stop_token stop) override;

private:
    struct Loaded;
    void load(const Progress& progress);
    void checkHash(const WeightSpec& weights) const;
    std::vector<std::filesystem::path> weightFiles() const;
    /// Ids of a prompt: an argument of the manifest, or names of its labels, apart by commas. Empty when it is neither.
    std::optional<std::vector<std::int64_t>> findIds(const std::string& arguments) const;
    std::optional<Refusal> checkVolume(const Volume& volume) const;
    std::optional<Refusal> checkClicks(const ExpertRequest& request) const;
    std::optional<Refusal> checkScript() const;
    ExpertResult classify(const ExpertRequest& request, const Progress& progress, const std::stop_token& stop);
    runtime::Prepared prepare(const ExpertRequest& request, at::Device device) const;
    runtime::WindowOptions windowsFor(const runtime::Prepared& prepared, const Volume& volume, const View& view) const;
    /// Called after each part of the volume; `labels` gives what is found so far, where it was made, and waits for it.
    using PartDone = std::function<void(const std::function<at::Tensor()>& labels, double share)>;
    at::Tensor backOnVolume(const runtime::Prepared& prepared, const at::Tensor& labels) const;
    LabelMap findLabels(const ExpertRequest& request, const std::vector<std::int64_t>& ids, const Progress& progress, const std::stop_token& stop);
    at::Tensor labelsOf(const runtime::Prepared& prepared, const at::Tensor& values) const;
    /// @param values  gets, where labels are made of them on the grid of the series, float32 [F, D0, D1, D2]; may be null.
    at::Tensor segment(const runtime::Prepared& prepared, const runtime::WindowOptions& windows, const std::vector<std::int64_t>& ids, const PartDone& partDone, const Progress& progress,
                       std::stop_token stop, at::Tensor* values) const;
    at::Tensor segmentAtClicks(const runtime::Prepared& prepared, const ExpertRequest& request, const std::vector<std::int64_t>& ids, const Progress& progress, const std::stop_token& stop) const;
    PartDone partialSender(const runtime::Prepared& prepared, const ExpertRequest& request, const std::vector<std::int64_t>& ids) const;
    LabelMap toLabelMap(const at::Tensor& labels, const std::vector<std::int64_t>& ids, const ExpertRequest& request, bool isWhole) const;
    Provenance provenanceOf(const ExpertRequest& request) const;

    ExpertManifest m_manifest;
    FolderOptions m_options;
    std::unique_ptr<Loaded> m_loaded;
};

/// VISTA3D: class ids of a prompt as the network takes them. 2, 20 and 21 stand for several; others are kept once, in order.
/// @throws Error "arguments" for ids that have no class (experts.md 1.4).
std::vector<std::int64_t> expandedClassIds(const std::vector<std::int64_t>& ids);

} // namespace hf::experts
