#include "experts/engine/neural/ChestEnsemble.h"

#include "experts/engine/neural/ChestXray.h"
#include "experts/runtime/Transforms.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

namespace hf::experts {

namespace {

int sideOf(const ChestEnsemble::Member& member) { return member.isResNet ? 512 : 224; }

std::string memberStage(std::size_t n, std::size_t count) { return "model " + std::to_string(n + 1) + " of " + std::to_string(count); }

/// [side, side] smoothed by a Gaussian of a 28th of the side: about the size of what such a classifier tells apart.
at::Tensor smoothed(const at::Tensor& map)
{
    const double sigma = double(map.size(0)) / 28;
    const auto reach = std::int64_t(std::ceil(3 * sigma));
    const at::Tensor x = at::arange(-reach, reach + 1, at::kFloat), kernel = at::exp(x * x / (-2 * sigma * sigma));
    const at::Tensor line = (kernel / kernel.sum()).view({1, 1, -1, 1});
    const auto along = [](const at::Tensor& x, const at::Tensor& weight, std::vector<std::int64_t> padding) {
        return at::convolution(x, weight, {}, {1, 1}, padding, {1, 1}, false, {0, 0}, 1);
    };
    return along(along(map.unsqueeze(0).unsqueeze(0), line, {reach, 0}), line.transpose(2, 3), {0, reach}).select(0, 0).select(0, 0);
}

} // namespace

std::vector<Score> ChestEnsemble::scores(const at::Tensor& picture, const Progress& progress, const std::stop_token& stop) const
{
    std::vector<at::Tensor> found;
    for (std::size_t n = 0; n < m_members.size(); ++n) {
        throwIfStopped(stop);
        report(progress, double(n) / double(m_members.size()), memberStage(n, m_members.size()));
        const Member& member = m_members[n];
        const at::Tensor logits = member.network->forward(chestInput(picture, sideOf(member))).to(at::kCPU);
        found.push_back(calibrated(at::sigmoid(logits[0]), chestThresholds(member.thresholds)));
    }
    std::vector<Score> result;
    for (std::size_t label = 0; label < kChestLabels; ++label) {
        Score score{chestLabels()[label], 0, 0, 1, 0, 0, 0, false};
        for (std::size_t n = 0; n < found.size(); ++n) {
            if (!votesOn(m_members[n].thresholds, label)) {
                continue;
            }
            const double value = found[n][std::int64_t(label)].item<float>();
            score.mean += value;
            ++score.models;
            if (isTrainedFor(m_members[n].thresholds, label)) {
                score.trainedMean += value;
                ++score.trainedModels;
                score.lowest = std::min(score.lowest, value);
                score.highest = std::max(score.highest, value);
            }
        }
        if (score.models == 0) {
            continue;   // none of this ensemble's models votes on it
        }
        score.mean /= score.models;
        score.trainedMean = score.trainedModels ? score.trainedMean / score.trainedModels : std::numeric_limits<double>::quiet_NaN();
        score.isPositive = score.mean >= 0.5;
        result.push_back(score);
    }
    report(progress, 1, "done");
    return result;
}

at::Tensor ChestEnsemble::logitGradient(const Member& member, const at::Tensor& picture, std::size_t label)
{
    const c10::AutoGradMode recording(true);
    const at::Tensor input = chestInput(picture, sideOf(member)).detach().clone().requires_grad_(true);
    const at::Tensor logit = member.network->forward(input)[0][std::int64_t(label)];
    return torch::autograd::grad({logit}, {input})[0].select(0, 0).select(0, 0);
}

at::Tensor ChestEnsemble::influence(const at::Tensor& picture, std::size_t label, const Progress& progress, const std::stop_token& stop) const
{
    const std::int64_t rows = picture.size(0), columns = picture.size(1), square = std::min(rows, columns);
    const at::Tensor whole = at::zeros({rows, columns}, at::kFloat);
    const at::Tensor inside = whole.narrow(0, rows / 2 - square / 2, square).narrow(1, columns / 2 - square / 2, square);
    for (std::size_t n = 0; n < m_members.size(); ++n) {
        throwIfStopped(stop);
        report(progress, double(n) / double(m_members.size()), memberStage(n, m_members.size()));
        if (isTrainedFor(m_members[n].thresholds, label)) {
            const at::Tensor map = smoothed(logitGradient(m_members[n], picture, label).abs());
            const at::Tensor large = at::upsample_bilinear2d((map / map.sum().clamp_min(1e-30)).unsqueeze(0).unsqueeze(0), {square, square}, false);
            inside.add_(large.select(0, 0).select(0, 0), double(map.numel()) / double(square * square));
        }
    }
    return whole.div_(whole.max().clamp_min(1e-30));
}

at::Tensor chestPicture(const Volume& radiograph)
{
    const auto [black, white] = runtime::greyRange(radiograph);
    const at::Tensor picture = runtime::toImage(radiograph).data.select(0, 0).select(-1, 0).t();
    return white > black ? ((picture - double(black)) * (2 / (double(white) - double(black))) - 1) * 1024 : at::full_like(picture, -1024);
}

std::string chestSentence(const std::vector<Score>& scores)
{
    std::vector<const Score*> sorted;
    for (const Score& score : scores) {
        sorted.push_back(&score);
    }
    std::sort(sorted.begin(), sorted.end(), [](const Score* a, const Score* b) { return a->label < b->label; });
    std::string text = "The resulting predictions are:\n";
    for (const Score* score : sorted) {
        std::string name = score->label;
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return c == '_' ? ' ' : char(std::tolower(c)); });
        text += name + (score->isPositive ? ": yes" : ": no") + "\n";
    }
    return text + ".";
}

LabelMap influenceMap(const at::Tensor& influence, const std::string& finding, const Geometry& geometry, Provenance provenance)
{
    const at::Tensor flat = influence.contiguous().view({-1});
    const at::Tensor ascending = std::get<0>(flat.sort());
    struct Level { int value; double share; const char* name; Rgb8 color; };
    static constexpr Level kLevels[] = {{3, 0.02, "strongest", {255, 0, 0}}, {2, 0.05, "strong", {255, 140, 0}}, {1, 0.10, "moderate", {255, 255, 0}}};
    std::vector<LabelId> voxels(std::size_t(flat.numel()), 0);
    std::vector<Label> labels;
    for (const Level& level : kLevels) {
        const auto place = std::clamp<std::int64_t>(std::int64_t(double(flat.numel()) * (1 - level.share)), 0, flat.numel() - 1);
        const float least = ascending[place].item<float>();
        labels.push_back({LabelId(level.value), std::string(level.name) + " influence on " + finding, level.color, {}, {}});
        for (std::size_t n = 0; n < voxels.size(); ++n) {
            const float value = flat.const_data_ptr<float>()[n];
            voxels[n] = voxels[n] == 0 && value > 0 && value >= least ? LabelId(level.value) : voxels[n];
        }
    }
    return {geometry, std::move(voxels), std::move(labels), std::move(provenance)};
}

} // namespace hf::experts
