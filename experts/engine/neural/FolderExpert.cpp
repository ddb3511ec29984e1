#include "experts/engine/neural/FolderExpert.h"

#include "experts/engine/MaskFacts.h"
#include "experts/engine/neural/Vista3d.h"
#include "experts/runtime/Sha256.h"
#include "experts/runtime/WeightFile.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <set>
#include <sstream>

namespace hf::experts {

namespace {

namespace fs = std::filesystem;
using runtime::Image;
using runtime::Prepared;

std::string nowUtc()
{
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

std::string upper(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::toupper(c)); });
    return text;
}

std::string listed(const std::vector<std::string>& words)
{
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : ", ") + word;
    }
    return text;
}

std::string millimetres(double value)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.1f mm", value);
    return text;
}

/// The ids of the classes of this channel's largest logit, 0 where none is above 0. [rows, ...] uint8.
/// Chunks keep the logits of all classes near 100 MB.
at::Tensor largestPrompt(const at::Tensor& mean, const at::Tensor& embeddings, const at::Tensor& ids)
{
    const at::Tensor flat = mean.select(0, 0).reshape({mean.size(1), -1});
    const std::int64_t voxels = flat.size(1), chunk = std::max<std::int64_t>(1024, 25'000'000 / embeddings.size(0));
    const at::Tensor labels = at::zeros({voxels}, at::kByte);
    for (std::int64_t begin = 0; begin < voxels; begin += chunk) {
        const std::int64_t size = std::min(chunk, voxels - begin);
        const auto [best, which] = at::matmul(embeddings, flat.narrow(1, begin, size)).max(0);
        labels.narrow(0, begin, size).copy_(at::where(best > 0, ids.index_select(0, which), at::zeros({}, ids.options())));
    }
    return labels.view(mean.sizes().slice(2));
}

/// First region whose logit is not negative: a probability of 0.5 and above.
at::Tensor firstRegion(const at::Tensor& mean, const std::vector<PostSpec::Region>& regions)
{
    at::Tensor labels = at::zeros(mean.sizes().slice(2), at::kByte);
    for (auto region = regions.rbegin(); region != regions.rend(); ++region) {
        labels.masked_fill_(mean.select(0, 0).select(0, region->channel) >= 0, region->label);
    }
    return labels;
}

/// The largest component of each of these labels; the rest of the label becomes background.
void keepLargest(std::vector<LabelId>& voxels, const Geometry& geometry, const std::vector<LabelId>& labels)
{
    if (labels.empty()) {
        return;
    }
    std::vector<std::int32_t> numbers;
    const std::vector<Component> components = findComponents(LabelMap(geometry, voxels, {}), &numbers);
    std::vector<bool> kept(components.size(), true);
    for (std::size_t n = 1; n < components.size(); ++n) {
        const bool isSmaller = components[n].label == components[n - 1].label;
        kept[n] = !isSmaller || std::find(labels.begin(), labels.end(), components[n].label) == labels.end();
    }
    for (std::size_t n = 0; n < voxels.size(); ++n) {
        voxels[n] = numbers[n] >= 0 && !kept[std::size_t(numbers[n])] ? LabelId(0) : voxels[n];
    }
}

/// Which models vote on a label in VILA-M3; empty: all. Source: experts.md 3.5.
const std::set<std::string>& votersOf(const std::string& label)
{
    static const std::set<std::string> everybody, pneumothorax{"resnet50"}, fracture{"all", "nih", "chex", "resnet50"}, common{"all", "chex", "pc", "resnet50"};
    static const std::set<std::string> commonLabels{"Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion"};
    return label == "Pneumothorax" ? pneumothorax : label == "Fracture" ? fracture : commonLabels.contains(label) ? common : everybody;
}

} // namespace

struct FolderExpert::Loaded {
    std::unique_ptr<Network> network;
    std::unique_ptr<Vista3d> vista;
    std::vector<std::unique_ptr<Network>> members;
};

FolderExpert::FolderExpert(const fs::path& folder, FolderOptions options) : FolderExpert(readManifest(folder), std::move(options)) {}

FolderExpert::FolderExpert(ExpertManifest manifest, FolderOptions options) : m_manifest(std::move(manifest)), m_options(std::move(options)) {}

FolderExpert::~FolderExpert() = default;

std::optional<Refusal> FolderExpert::checkVolume(const Volume& volume) const
{
    const std::string& name = m_manifest.card.name;
    const auto& modalities = m_manifest.card.dicomModalities;
    const VolumeInfo& info = volume.info();
    if (std::find(modalities.begin(), modalities.end(), info.modality) == modalities.end()) {
        const std::string is = info.modality.empty() ? "of unknown modality" : info.modality;
        return Refusal{"modality", name + " takes " + listed(modalities) + "; this series is " + is + "."};
    }
    if (volume.isColor()) {
        return Refusal{"modality", name + " takes grey values; this series is in colour."};
    }
    const auto& parts = m_manifest.suitability.bodyParts;
    if (!parts.empty() && !info.bodyPart.empty() && std::find(parts.begin(), parts.end(), upper(info.bodyPart)) == parts.end()) {
        return Refusal{"body-part", name + " is made for " + listed(parts) + "; this series shows " + upper(info.bodyPart) + "."};
    }
    const Size3 size = volume.geometry().size();
    const auto spacing = volume.geometry().spacingMm();
    if (m_manifest.task == ExpertManifest::Task::Classification) {
        return size.k == 1 ? std::nullopt : std::optional(Refusal{"slices", name + " takes one picture; this series has " + std::to_string(size.k) + " slices."});
    }
    if (const double widest = *std::max_element(spacing.begin(), spacing.end()); m_manifest.suitability.maximumSpacingMm > 0 && widest > m_manifest.suitability.maximumSpacingMm) {
        return Refusal{"spacing", name + " needs voxels of at most " + millimetres(m_manifest.suitability.maximumSpacingMm) + "; here they are " + millimetres(widest) + " wide."};
    }
    const double field = std::min({size.i * spacing[0], size.j * spacing[1], size.k * spacing[2]});
    if (field < m_manifest.suitability.minimumFieldOfViewMm) {
        return Refusal{"too-small", name + " needs at least " + millimetres(m_manifest.suitability.minimumFieldOfViewMm) + " along every axis; this series has " + millimetres(field) + "."};
    }
    return {};
}

std::optional<std::vector<std::int64_t>> FolderExpert::findIds(const std::string& arguments) const
{
    if (const auto prompt = m_manifest.prompts.find(arguments); prompt != m_manifest.prompts.end() || arguments.empty()) {
        return arguments.empty() ? std::vector<std::int64_t>{} : prompt->second;
    }
    std::vector<std::int64_t> ids;
    std::istringstream stream(arguments);
    for (std::string name; std::getline(stream, name, ',');) {
        name.erase(0, name.find_first_not_of(' '));
        name.erase(name.find_last_not_of(' ') + 1);
        const auto label = std::find_if(m_manifest.labels.begin(), m_manifest.labels.end(), [&](const Label& entry) { return upper(entry.name) == upper(name); });
        if (label == m_manifest.labels.end()) {
            return {};
        }
        ids.push_back(label->value);
    }
    return ids;
}

std::optional<Refusal> FolderExpert::check(std::span<const Volume> channels, const std::string& arguments) const
{
    const Suitability& wanted = m_manifest.suitability;
    if (channels.size() != std::size_t(wanted.channels)) {
        const std::string names = wanted.channelNames.empty() ? "" : " (" + listed(wanted.channelNames) + ")";
        return Refusal{"channels", m_manifest.card.name + " needs " + std::to_string(wanted.channels) + " series" + names + "; it was given " + std::to_string(channels.size()) + "."};
    }
    for (const Volume& volume : channels) {
        if (auto refusal = checkVolume(volume)) {
            return refusal;
        }
        if (!volume.geometry().sameGridAs(channels[0].geometry())) {
            return Refusal{"grid", "the series of " + m_manifest.card.name + " must lie on one grid; register them first."};
        }
    }
    if (m_manifest.engine == ExpertManifest::Engine::TorchScript) {
        const std::string folder = m_manifest.folder.string();
        return Refusal{"torchscript", m_options.allowsTorchScript ? "this build does not run TorchScript." : "TorchScript is code; it is loaded only after you have allowed the folder " + folder + "."};
    }
    if (!findIds(arguments)) {
        return Refusal{"arguments", m_manifest.card.name + " has no argument '" + arguments + "'; valid are " + listed(m_manifest.card.arguments) + "."};
    }
    if (const std::string missing = missingWeights(); !missing.empty()) {
        return Refusal{"weights", "the weights of " + m_manifest.card.name + " are not installed: put " + missing + " into " + m_manifest.folder.string() + "."};
    }
    return {};
}

std::string FolderExpert::missingWeights() const
{
    std::vector<WeightSpec> files{m_manifest.weights};
    if (!m_manifest.members.empty()) {
        files.clear();
        std::transform(m_manifest.members.begin(), m_manifest.members.end(), std::back_inserter(files), [](const ChestMember& member) { return member.weights; });
    }
    const auto missing = std::find_if(files.begin(), files.end(), [&](const WeightSpec& weights) { return !fs::exists(m_manifest.folder / weights.file); });
    return missing == files.end() ? std::string() : missing->file;
}

std::optional<Refusal> FolderExpert::check(const ExpertRequest& request) const { return check(std::span(&request.volume, 1), request.arguments); }

void FolderExpert::checkHash(const WeightSpec& weights) const
{
    if (!weights.sha256.empty() && runtime::sha256OfFiles({m_manifest.folder / weights.file}) != weights.sha256) {
        throw Error(weights.file + " is not the file that expert.json names: its SHA-256 is another", "weights");
    }
}

void FolderExpert::load(const Progress& progress)
{
    if (m_loaded) {
        return;
    }
    report(progress, 0, "reading weights");
    auto loaded = std::make_unique<Loaded>();
    std::vector<fs::path> files;
    const auto tensorsOf = [&](const WeightSpec& weights) {
        checkHash(weights);
        files.push_back(m_manifest.folder / weights.file);
        return runtime::readWeights(files.back());
    };
    if (m_manifest.engine == ExpertManifest::Engine::Vista3d) {
        LoadedWeights weights(Vista3d::adapted(tensorsOf(m_manifest.weights)), m_options.compute);
        loaded->vista = std::make_unique<Vista3d>(weights);
        weights.finish(m_manifest.weights.file);
    } else if (m_manifest.engine == ExpertManifest::Engine::Network) {
        loaded->network = std::make_unique<Network>(m_manifest.network, tensorsOf(m_manifest.weights), m_options.compute, m_manifest.weights.file);
    } else {
        // Classifiers are small and their scores are shown: always fp32.
        for (const ChestMember& member : m_manifest.members) {
            loaded->members.push_back(std::make_unique<Network>(NetworkSpec{NetworkSpec::Chest{member.isResNet}}, tensorsOf(member.weights), Compute{at::kFloat, true}, member.weights.file));
        }
    }
    m_manifest.card.weightsSha256 = runtime::sha256OfFiles(files);
    m_loaded = std::move(loaded);
}

Prepared FolderExpert::prepare(std::span<const Volume> channels) const
{
    Image image = runtime::toImage(channels[0]);
    std::vector<at::Tensor> data{image.data};
    for (const Volume& volume : channels.subspan(1)) {
        data.push_back(runtime::toImage(volume).data);
    }
    image.data = data.size() == 1 ? image.data : at::cat(data, 0);
    Prepared prepared(std::move(image));
    for (const PreStep& step : m_manifest.pre) {
        at::Tensor& values = prepared.image.data;
        switch (step.kind) {
        case PreStep::Kind::Spacing: prepared.space(step.spacingMm); break;
        case PreStep::Kind::OrientationRas: prepared.orientToRas(); break;
        case PreStep::Kind::CropForeground:
            if (!prepared.cropForeground(step.margin)) {
                throw Error("there is nothing above 0 in this series, so " + m_manifest.card.name + " has nothing to look at", "too-small");
            }
            break;
        case PreStep::Kind::ScaleRange: values = runtime::scaledRange(values, step.range); break;
        case PreStep::Kind::ScaleMinMax: values = runtime::scaled(values, step.range.low, step.range.high); break;
        case PreStep::Kind::Normalize: values = runtime::normalized(values, step.nonZero, step.perChannel); break;
        }
    }
    return prepared;
}

/// Slabs along the longest axis keep memory small; the slab that the reader sees comes first.
runtime::WindowOptions FolderExpert::windowsFor(const Prepared& prepared, const Volume& volume, const View& view) const
{
    runtime::WindowOptions options = m_manifest.window;
    const auto sizes = prepared.image.data.sizes().slice(1);
    options.slabAxis = int(std::max_element(sizes.begin(), sizes.end()) - sizes.begin());
    const Geometry& geometry = volume.geometry();
    ContinuousIndex seen{(geometry.size().i - 1) / 2.0, (geometry.size().j - 1) / 2.0, (geometry.size().k - 1) / 2.0};
    const int across = geometry.axisAcross(view.plane);
    (across == 0 ? seen.i : across == 1 ? seen.j : seen.k) = view.slice;
    const PointLps place = geometry.toLps(seen);
    const at::Tensor world = at::tensor({-place.x, -place.y, place.z, 1.0}, at::kDouble);
    const at::Tensor index = at::linalg_solve(prepared.image.affine, world);
    options.focus = std::clamp<std::int64_t>(std::llround(index[options.slabAxis].item<double>()), 0, sizes[std::size_t(options.slabAxis)] - 1);
    return options;
}

at::Tensor FolderExpert::segment(const Prepared& prepared, const runtime::WindowOptions& windows, const std::vector<std::int64_t>& ids, const Progress& progress, std::stop_token stop) const
{
    const at::Tensor input = prepared.image.data.unsqueeze(0);
    const at::Tensor labels = at::zeros({1, input.size(2), input.size(3), input.size(4)}, at::kByte);
    at::Tensor embeddings, idTable;
    runtime::WindowPredictor predict;
    if (m_loaded->vista) {
        embeddings = m_loaded->vista->embeddings(ids);
        idTable = at::tensor(ids, at::kLong).to(at::kByte);
        predict = [&](const at::Tensor& window) {
            const Vista3d& vista = *m_loaded->vista;
            return vista.mapClasses(vista.encode(experts::prepared(window, m_options.compute), false, true, stop).classes);
        };
    } else {
        predict = [&](const at::Tensor& window) { return m_loaded->network->forward(window, stop); };
    }
    std::int64_t rowsDone = 0;
    const runtime::SlabSink sink = [&](const at::Tensor& mean, std::int64_t begin, std::int64_t end) {
        at::Tensor found;
        switch (m_manifest.post.kind) {
        case PostSpec::Kind::Prompts: found = largestPrompt(mean, embeddings, idTable); break;
        case PostSpec::Kind::Regions: found = firstRegion(mean, m_manifest.post.regions); break;
        case PostSpec::Kind::Argmax: found = mean.select(0, 0).argmax(0).to(at::kByte); break;
        }
        labels.narrow(1 + windows.slabAxis, begin, end - begin).copy_(found.unsqueeze(0));
        rowsDone += end - begin;
        if (m_options.rowsDone) {
            m_options.rowsDone(double(rowsDone) / double(labels.size(1 + windows.slabAxis)));
        }
    };
    runtime::slideWindows(input, windows, predict, sink, progress, stop);
    return labels;
}

LabelMap FolderExpert::toLabelMap(const at::Tensor& labels, const std::vector<std::int64_t>& ids, const Volume& volume, const std::string& arguments) const
{
    const at::Tensor ordered = labels.permute({2, 1, 0}).contiguous();     // i fastest
    std::vector<LabelId> voxels(ordered.const_data_ptr<std::uint8_t>(), ordered.const_data_ptr<std::uint8_t>() + ordered.numel());
    const std::set<std::int64_t> asked(ids.begin(), ids.end());
    std::array<std::size_t, 256> counts{};
    for (LabelId& voxel : voxels) {
        voxel = asked.empty() || asked.contains(voxel) ? voxel : LabelId(0);
        ++counts[voxel];
    }
    keepLargest(voxels, volume.geometry(), m_manifest.post.largestComponentOf);
    std::vector<Label> found;
    for (const Label& label : m_manifest.labels) {
        if (counts[label.value] > 0) {
            found.push_back(label);
        }
    }
    for (std::size_t value = 1; value < counts.size(); ++value) {
        const bool isNamed = std::any_of(found.begin(), found.end(), [&](const Label& label) { return label.value == value; });
        if (counts[value] > 0 && !isNamed) {
            found.push_back({LabelId(value), "label " + std::to_string(value), overlayColors()[value % overlayColors().size()].rgb, "", ""});
        }
    }
    const ExpertCard& card = m_manifest.card;
    return {volume.geometry(), std::move(voxels), std::move(found), {card.name, card.version, card.weightsSha256, arguments, nowUtc(), volume.info().seriesUid}};
}

ExpertResult FolderExpert::run(std::span<const Volume> channels, const std::string& wanted, const View& view, const Progress& progress, std::stop_token stop)
{
    const std::string arguments = wanted.empty() ? m_manifest.card.defaultArgument : wanted;
    if (const auto refusal = check(channels, arguments)) {
        throw Error(refusal->text, refusal->code);
    }
    if (m_manifest.task == ExpertManifest::Task::Classification) {
        return {{}, chestSentence(classify(channels[0], progress, stop))};
    }
    std::vector<std::int64_t> ids = *findIds(arguments);
    if (m_manifest.engine == ExpertManifest::Engine::Vista3d) {
        ids = expandedClassIds(ids);
    }
    load(subProgress(progress, 0, 0.03));
    throwIfStopped(stop);
    report(progress, 0.03, "preparing");
    const Prepared prepared = prepare(channels);
    throwIfStopped(stop);
    const at::Tensor labels = segment(prepared, windowsFor(prepared, channels[0], view), ids, subProgress(progress, 0.06, 0.96), stop);
    report(progress, 0.96, "back to the original grid");
    ExpertResult result{toLabelMap(prepared.invertedLabels(labels), ids, channels[0], arguments), {}};
    if (m_manifest.isResearchOnly) {
        result.sentence = "Weights for research only: " + m_manifest.weightsLicence;
    }
    report(progress, 1, "done");
    return result;
}

ExpertResult FolderExpert::run(const ExpertRequest& request, const Progress& progress, std::stop_token stop)
{
    return run(std::span(&request.volume, 1), request.arguments, request.view, progress, std::move(stop));
}

std::vector<ChestScore> FolderExpert::classify(const Volume& radiograph, const Progress& progress, std::stop_token stop)
{
    if (m_manifest.task != ExpertManifest::Task::Classification) {
        throw Error(m_manifest.card.name + " segments; it does not classify", "arguments");
    }
    if (const auto refusal = check(std::span(&radiograph, 1), "")) {
        throw Error(refusal->text, refusal->code);
    }
    load(progress);
    // Grey values to -1024 .. 1024 over the range of their bits. Source: experts.md 3.3.
    const Image image = runtime::toImage(radiograph);
    const double fewestBits = std::max(8.0, std::ceil(std::log2(double(radiograph.range().maximum) + 1)));
    const double top = std::exp2(m_options.bitsStored > 0 ? m_options.bitsStored : fewestBits) - 1;
    if (radiograph.range().minimum < 0 || radiograph.range().maximum > top) {
        throw Error("the grey values of this radiograph do not fit its number of bits", "range");
    }
    const at::Tensor picture = (image.data.select(0, 0).select(-1, 0).t() * (2 / top) - 1) * 1024;
    std::vector<at::Tensor> scores;
    for (std::size_t n = 0; n < m_loaded->members.size(); ++n) {
        throwIfStopped(stop);
        report(progress, double(n) / double(m_loaded->members.size()), "model " + std::to_string(n + 1) + " of " + std::to_string(m_loaded->members.size()));
        const ChestMember& member = m_manifest.members[n];
        const at::Tensor logits = m_loaded->members[n]->forward(chestInput(picture, member.isResNet ? 512 : 224));
        scores.push_back(calibrated(at::sigmoid(logits[0]), chestThresholds(member.thresholds)));
    }
    std::vector<ChestScore> result;
    for (std::size_t label = 0; label < kChestLabels; ++label) {
        ChestScore score{chestLabels()[label], 0, 0, 1, 0, 0, 0, false};
        const std::set<std::string>& voters = votersOf(score.label);
        for (std::size_t n = 0; n < scores.size(); ++n) {
            const std::string& name = m_manifest.members[n].thresholds;
            if (!voters.empty() && !voters.contains(name)) {
                continue;
            }
            const double value = scores[n][std::int64_t(label)].item<float>();
            score.mean += value;
            ++score.models;
            if (!std::isnan(chestThresholds(name)[label])) {
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

std::vector<std::int64_t> expandedClassIds(const std::vector<std::int64_t>& ids)
{
    const auto groupOf = [](std::int64_t id) -> std::vector<std::int64_t> {
        std::vector<std::int64_t> group;
        const auto add = [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t n = first; n <= last; ++n) {
                group.push_back(n);
            }
        };
        if (id == 2) {
            return {14, 5};
        }
        if (id == 20) {
            add(28, 32);
        } else if (id == 21) {
            add(33, 56);
            add(63, 97);
            group.insert(group.end(), {114, 120, 122});
        } else {
            group.push_back(id);
        }
        return group;
    };
    static const std::set<std::int64_t> kWithout{16, 18, 129, 130, 131};
    std::vector<std::int64_t> expanded;
    std::set<std::int64_t> seen;
    for (const std::int64_t id : ids) {
        if (id < 1 || id > Vista3d::kClasses || kWithout.contains(id)) {
            throw Error("VISTA3D has no class " + std::to_string(id), "arguments");
        }
        for (const std::int64_t member : groupOf(id)) {
            if (seen.insert(member).second) {
                expanded.push_back(member);
            }
        }
    }
    return expanded;
}

std::string chestSentence(const std::vector<ChestScore>& scores)
{
    std::vector<const ChestScore*> sorted;
    for (const ChestScore& score : scores) {
        sorted.push_back(&score);
    }
    std::sort(sorted.begin(), sorted.end(), [](const ChestScore* a, const ChestScore* b) { return a->label < b->label; });
    std::string text = "The resulting predictions are:\n";
    for (const ChestScore* score : sorted) {
        std::string name = score->label;
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return c == '_' ? ' ' : char(std::tolower(c)); });
        text += name + (score->isPositive ? ": yes" : ": no") + "\n";
    }
    return text + ".";
}

} // namespace hf::experts
