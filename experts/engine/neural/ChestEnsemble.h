#pragma once

#include "experts/engine/Expert.h"
#include "experts/engine/neural/Network.h"

#include <functional>

namespace hf::experts {

/// Several classifiers of chest radiographs that vote, as VILA-M3 asks TorchXRayVision's. Source: experts.md 3.3 to 3.5.
class ChestEnsemble {
public:
    struct Member {
        std::string thresholds;     ///< Name for chestThresholds().
        bool isResNet = false;
        std::unique_ptr<Network> network;
    };
    explicit ChestEnsemble(std::vector<Member> members) : m_members(std::move(members)) {}

    /// One entry a label that a member votes on, in the order of chestLabels().
    /// @param picture  of chestPicture().
    std::vector<Score> scores(const at::Tensor& picture, const Progress& progress, const std::stop_token& stop) const;

    /// Where the trained members look for a finding: the size of the logit's gradient by the picture, smoothed, the mean of the members.
    /// @return [rows, columns] of the picture, not negative, largest value 1; 0 outside the square that the classifiers see.
    at::Tensor influence(const at::Tensor& picture, std::size_t label, const Progress& progress, const std::stop_token& stop) const;

    /// Gradient of a member's logit by the picture that it takes: [side, side].
    static at::Tensor logitGradient(const Member& member, const at::Tensor& picture, std::size_t label);

private:
    std::vector<Member> m_members;
};

/// Grey values to -1024 .. 1024 over the range of their bits, bright is dense: [rows, columns] float32.
at::Tensor chestPicture(const Volume& radiograph);

/// The lines that the language model is told (vila-m3.md 6.7): labels in byte order, "name: yes".
std::string chestSentence(const std::vector<Score>& scores);

/// The strongest 2, 5 and 10 percent of influence() as labels 3, 2, 1 of one slice.
LabelMap influenceMap(const at::Tensor& influence, const std::string& finding, const Geometry& geometry, Provenance provenance);

} // namespace hf::experts
