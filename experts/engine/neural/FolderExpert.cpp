#include "experts/engine/neural/FolderExpert.h"

#include "experts/engine/MaskFacts.h"
#include "experts/engine/neural/ChestEnsemble.h"
#include "experts/engine/neural/PointPrompt.h"
#include "experts/engine/neural/ScriptNetwork.h"
#include "experts/engine/neural/Vista3d.h"
#include "experts/runtime/Cuda.h"
#include "experts/runtime/Parallel.h"
#include "experts/runtime/Sha256.h"
#include "experts/runtime/WeightFile.h"
#include "experts/runtime/WeightsHash.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <mutex>
#include <set>
#include <sstream>

namespace hf::experts {

namespace {

namespace fs = std::filesystem;
using runtime::Image;
using runtime::Prepared;

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

/// The ids of the classes of this channel's largest logit, 0 where none is above 0. [...] uint8 on the device of `mean`, as all others.
/// Chunks keep the logits of all classes near 100 MB.
at::Tensor largestPrompt(const at::Tensor& mean, const at::Tensor& embeddings, const at::Tensor& ids)
{
    const at::Tensor flat = mean.select(0, 0).reshape({mean.size(1), -1});
    const std::int64_t voxels = flat.size(1), chunk = std::max<std::int64_t>(1024, 25'000'000 / embeddings.size(0));
    const at::Tensor labels = at::zeros({voxels}, ids.options());
    for (std::int64_t begin = 0; begin < voxels; begin += chunk) {
        const std::int64_t size = std::min(chunk, voxels - begin);
        const auto [best, which] = at::matmul(embeddings, flat.narrow(1, begin, size)).max(0);
        labels.narrow(0, begin, size).copy_(ids.index_select(0, which).masked_fill_(best <= 0, 0));
    }
    return labels.view(mean.sizes().slice(2));
}

/// What labels are made of on the volume's own grid, [1, F, ..] of logits.
at::Tensor valuesOf(const at::Tensor& mean, const PostSpec& post)
{
    return post.inversion == PostSpec::Inversion::Logits ? mean : post.kind == PostSpec::Kind::Argmax ? mean.softmax(1) : mean.sigmoid();
}

/// 0 for a probability of 0.5.
double logitOf(double probability) { return std::log(probability / (1 - probability)); }

/// First region whose logit is that of its threshold or more.
at::Tensor firstRegion(const at::Tensor& mean, const std::vector<PostSpec::Region>& regions)
{
    at::Tensor labels = at::zeros(mean.sizes().slice(2), mean.options().dtype(at::kByte));
    for (auto region = regions.rbegin(); region != regions.rend(); ++region) {
        labels.masked_fill_(mean.select(0, 0).select(0, region->channel) >= logitOf(region->threshold), region->label);
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

/// Makes labels that are not kept background. @return how many voxels each label has then.
std::array<std::size_t, 256> keepOnly(std::vector<LabelId>& voxels, const std::array<bool, 256>& isKept)
{
    std::array<LabelId, 256> table{};
    for (std::size_t value = 0; value < table.size(); ++value) {
        table[value] = isKept[value] ? LabelId(value) : LabelId(0);
    }
    constexpr std::int64_t kAtOnce = std::int64_t(1) << 20;
    constexpr std::size_t kWays = 4;    // neighbours are mostly of one label, and a counter takes several cycles to be ready for the next
    std::array<std::size_t, 256> counts{};
    std::mutex mutex;
    runtime::parallelFor(std::int64_t(voxels.size()), kAtOnce, [&](std::int64_t begin, std::int64_t end) {
        std::array<std::array<std::size_t, 256>, kWays> own{};
        for (std::int64_t n = begin; n < end; ++n) {
            LabelId& voxel = voxels[std::size_t(n)];
            voxel = table[voxel];
            ++own[std::size_t(n) % kWays][voxel];
        }
        const std::lock_guard lock(mutex);
        for (const auto& way : own) {
            std::transform(counts.begin(), counts.end(), way.begin(), counts.begin(), std::plus<>());
        }
    });
    return counts;
}

/// fp16 ends at 65504; what was larger is infinite, and what comes of it no number.
struct HalfOverflow {};

/// What LibTorch says without its call stack; on the host it has no type of its own for lack of memory.
Error failureOf(const c10::Error& error, const std::string& expert)
{
    const std::string text = error.what_without_backtrace();
    if (text.find("can't allocate memory") != std::string::npos) {
        return Error(expert + " needs more memory than this computer has free", "memory");
    }
    return Error(expert + " failed: " + text.substr(0, text.find('\n')), "internal");
}

/// `work(device)`, or `work(host)` where the device has no room for it.
template <typename Work> auto whereRoomIs(at::Device device, const Work& work)
{
    try {
        return work(device);
    } catch (const c10::OutOfMemoryError&) {
        if (!device.is_cuda()) {
            throw;
        }
    }
    runtime::emptyDeviceCache();
    return work(at::Device(at::kCPU));
}

/// Small windows are given several at once, so that a GPU is not left waiting.
int windowsAtOnce(const runtime::WindowOptions& windows, at::IntArrayRef size)
{
    std::int64_t voxels = 1;
    for (std::size_t axis = 0; axis < windows.roi.size(); ++axis) {
        voxels *= windows.roi[axis] > 0 ? windows.roi[axis] : size[axis];
    }
    constexpr std::int64_t kVoxels = 4'000'000;
    return int(std::max<std::int64_t>(1, kVoxels / voxels));
}

/// Voxel coordinates of a place, real-valued.
std::array<double, 3> indexIn(const Image& image, PointLps place)
{
    const at::Tensor index = at::linalg_solve(image.affine, at::tensor({-place.x, -place.y, place.z, 1.0}, at::kDouble));
    return {index[0].item<double>(), index[1].item<double>(), index[2].item<double>()};
}

} // namespace

/// Label of what clicks without a class show.
constexpr LabelId kClicked = 254;
constexpr std::int64_t kMostLabels = 254;

struct FolderExpert::Loaded {
    std::unique_ptr<Network> network;
    std::unique_ptr<Vista3d> vista;
    std::unique_ptr<ChestEnsemble> chest;
    std::unique_ptr<ScriptNetwork> script;
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
    if (!m_manifest.card.isFor(info.bodyPart)) {
        return Refusal{"body-part", name + " is made for " + listed(m_manifest.card.bodyParts) + "; this series shows " + upper(info.bodyPart) + "."};
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

/// TorchScript: only a file that the user has allowed.
std::optional<Refusal> FolderExpert::checkScript() const
{
    if (m_manifest.engine != ExpertManifest::Engine::TorchScript || (m_options.isScriptAllowed && m_options.isScriptAllowed(weightsHash()))) {
        return {};
    }
    const std::string folder = m_manifest.folder.string();
    return Refusal{"torchscript", m_manifest.weights.file + " is TorchScript, which is code: it is loaded only after you have allowed the folder " + folder + ", with: hounsfield-engine models allow " + folder};
}

std::optional<Refusal> FolderExpert::checkClicks(const ExpertRequest& request) const
{
    if (request.clicks.empty()) {
        return {};
    }
    const std::string& name = m_manifest.card.name;
    if (!m_manifest.card.takesClicks) {
        return Refusal{"clicks", name + " takes no clicks."};
    }
    if (!std::all_of(request.clicks.begin(), request.clicks.end(), [&](const Click& click) { return request.volume.valueAt(click.place).has_value(); })) {
        return Refusal{"clicks", "a click lies outside the series."};
    }
    if (std::none_of(request.clicks.begin(), request.clicks.end(), [](const Click& click) { return click.isInside; })) {
        return Refusal{"clicks", name + " needs at least one click inside the structure."};
    }
    return {};
}

std::optional<Refusal> FolderExpert::check(const ExpertRequest& request) const
{
    const Suitability& wanted = m_manifest.suitability;
    const std::size_t given = 1 + request.otherChannels.size();
    if (given != std::size_t(wanted.channels)) {
        const std::string names = wanted.channelNames.empty() ? "" : " (" + listed(wanted.channelNames) + ")";
        return Refusal{"channels", m_manifest.card.name + " needs " + std::to_string(wanted.channels) + " series" + names + "; it was given " + std::to_string(given) + "."};
    }
    for (std::size_t n = 0; n < given; ++n) {
        const Volume& volume = n == 0 ? request.volume : request.otherChannels[n - 1];
        if (auto refusal = checkVolume(volume)) {
            return refusal;
        }
        if (!volume.geometry().sameGridAs(request.volume.geometry())) {
            return Refusal{"grid", "the series of " + m_manifest.card.name + " must lie on one grid; register them first."};
        }
    }
    if (auto refusal = checkClicks(request)) {
        return refusal;
    }
    const bool isChest = m_manifest.task == ExpertManifest::Task::Classification;
    if (isChest ? !m_manifest.card.knows(request.arguments) : !findIds(request.arguments)) {
        const auto& valid = isChest ? m_manifest.card.readerArguments : m_manifest.card.arguments;
        return Refusal{"arguments", m_manifest.card.name + " has no argument '" + request.arguments + "'; valid are " + listed(valid) + "."};
    }
    if (const std::string missing = missingWeights(); !missing.empty()) {
        return Refusal{"weights", "the weights of " + m_manifest.card.name + " are not installed: put " + missing + " into " + m_manifest.folder.string() + "."};
    }
    return checkScript();
}

std::vector<fs::path> FolderExpert::weightFiles() const
{
    std::vector<fs::path> files;
    if (m_manifest.members.empty()) {
        return {m_manifest.folder / m_manifest.weights.file};
    }
    std::transform(m_manifest.members.begin(), m_manifest.members.end(), std::back_inserter(files), [&](const ChestMember& member) { return m_manifest.folder / member.weights.file; });
    return files;
}

std::string FolderExpert::missingWeights() const
{
    const std::vector<fs::path> files = weightFiles();
    const auto missing = std::find_if(files.begin(), files.end(), [](const fs::path& file) { return !fs::exists(file); });
    return missing == files.end() ? std::string() : missing->filename().string();
}

std::string FolderExpert::weightsHash() const { return runtime::sha256OfWeights(weightFiles()); }

std::string FolderExpert::settings() const { return m_manifest.text + m_options.compute.name(); }

void FolderExpert::checkHash(const WeightSpec& weights) const
{
    if (!weights.sha256.empty() && runtime::sha256OfFiles({m_manifest.folder / weights.file}) != weights.sha256) {
        throw Error(weights.file + " is not the file that expert.json names: its SHA-256 is another", "weights");
    }
}

void FolderExpert::load(const Progress& progress)
{
    const std::string hash = weightsHash();
    if (m_loaded && hash == m_manifest.card.weightsSha256) {
        return;     // else the files were replaced
    }
    report(progress, 0, "reading weights");
    auto loaded = std::make_unique<Loaded>();
    const auto tensorsOf = [&](const WeightSpec& weights) {
        checkHash(weights);
        return runtime::readWeights(m_manifest.folder / weights.file);
    };
    switch (m_manifest.engine) {
    case ExpertManifest::Engine::Vista3d: {
        LoadedWeights weights(Vista3d::adapted(tensorsOf(m_manifest.weights)), m_options.compute);
        loaded->vista = std::make_unique<Vista3d>(weights);
        weights.finish(m_manifest.weights.file);
        break;
    }
    case ExpertManifest::Engine::Network:
        loaded->network = std::make_unique<Network>(m_manifest.network, tensorsOf(m_manifest.weights), m_options.compute, m_manifest.weights.file);
        break;
    case ExpertManifest::Engine::ChestEnsemble: {
        // Classifiers are small and their scores are shown: always fp32.
        std::vector<ChestEnsemble::Member> members;
        for (const ChestMember& member : m_manifest.members) {
            members.push_back({member.thresholds, member.isResNet,
                std::make_unique<Network>(NetworkSpec{NetworkSpec::Chest{member.isResNet}}, tensorsOf(member.weights), Compute{at::kFloat, true, m_options.compute.device}, member.weights.file)});
        }
        loaded->chest = std::make_unique<ChestEnsemble>(std::move(members));
        break;
    }
    case ExpertManifest::Engine::TorchScript:
        checkHash(m_manifest.weights);
        loaded->script = std::make_unique<ScriptNetwork>(m_manifest.folder / m_manifest.weights.file, m_options.isScriptAllowed, m_options.compute.device);
        break;
    }
    m_manifest.card.weightsSha256 = hash;
    m_loaded = std::move(loaded);
}

Prepared FolderExpert::prepare(const ExpertRequest& request, at::Device device) const
{
    // A normalisation that leaves 0 out leaves padding out too.
    const bool leavesZeros = std::any_of(m_manifest.pre.begin(), m_manifest.pre.end(), [](const PreStep& step) { return step.kind == PreStep::Kind::Normalize && step.nonZero; });
    const auto fill = leavesZeros ? runtime::PaddingFill::Zero : runtime::PaddingFill::Darkest;
    Image image = runtime::toImage(request.volume, fill, device);
    std::vector<at::Tensor> data{image.data};
    for (const Volume& volume : request.otherChannels) {
        data.push_back(runtime::toImage(volume, fill, device).data);
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

/// Slabs keep memory small, and the slab that the reader sees comes first: along the axis across the view where the volume is not much shorter there
/// than elsewhere, else along the longest.
runtime::WindowOptions FolderExpert::windowsFor(const Prepared& prepared, const Volume& volume, const View& view) const
{
    runtime::WindowOptions options = m_manifest.window;
    const auto sizes = prepared.image.data.sizes().slice(1);
    const Geometry& geometry = volume.geometry();
    const int across = geometry.axisAcross(view.plane);
    const Vec3 way = geometry.direction(across);
    const at::Tensor seenWay = at::linalg_solve(prepared.image.affine.narrow(0, 0, 3).narrow(1, 0, 3), at::tensor({-way.x, -way.y, way.z}, at::kDouble)).abs();
    const int axisOfView = int(seenWay.argmax().item<std::int64_t>()), longest = int(std::max_element(sizes.begin(), sizes.end()) - sizes.begin());
    options.slabAxis = 2 * sizes[std::size_t(axisOfView)] >= sizes[std::size_t(longest)] ? axisOfView : longest;
    ContinuousIndex seen{(geometry.size().i - 1) / 2.0, (geometry.size().j - 1) / 2.0, (geometry.size().k - 1) / 2.0};
    (across == 0 ? seen.i : across == 1 ? seen.j : seen.k) = view.slice;
    const double place = indexIn(prepared.image, geometry.toLps(seen))[std::size_t(options.slabAxis)];
    options.focus = std::clamp<std::int64_t>(std::llround(place), 0, sizes[std::size_t(options.slabAxis)] - 1);
    options.batch = m_options.compute.device.is_cuda() && !m_loaded->script ? windowsAtOnce(options, sizes) : 1;
    return options;
}

at::Tensor FolderExpert::segment(const Prepared& prepared, const runtime::WindowOptions& windows, const std::vector<std::int64_t>& ids, const PartDone& done, const Progress& progress,
                                 std::stop_token stop, at::Tensor* values) const
{
    const at::Tensor input = prepared.image.data.unsqueeze(0);
    // Where the input is: a GPU would wait for each part that goes to the host.
    const at::Tensor labels = at::zeros({1, input.size(2), input.size(3), input.size(4)}, input.options().dtype(at::kByte));
    at::Tensor embeddings, idTable;
    runtime::WindowPredictor predict;
    if (m_loaded->vista) {
        embeddings = m_loaded->vista->embeddings(ids);
        idTable = at::tensor(ids, at::kLong).to(at::kByte).to(m_options.compute.device);
        predict = [&](const at::Tensor& window) {
            const Vista3d& vista = *m_loaded->vista;
            return vista.mapClasses(vista.encode(experts::prepared(window, m_options.compute), false, true, stop).classes);
        };
    } else if (m_loaded->script) {
        predict = [&](const at::Tensor& window) { return m_loaded->script->forward(window); };
    } else {
        predict = [&](const at::Tensor& window) { return m_loaded->network->forward(window, stop); };
    }
    std::int64_t voxelsDone = 0;
    at::Tensor isFinite = at::ones({}, at::TensorOptions().dtype(at::kBool).device(m_options.compute.device));
    const auto labelsNow = [&] {
        if (!isFinite.item<bool>()) {
            throw HalfOverflow();
        }
        return labels;
    };
    const auto keepValues = [&](const at::Tensor& some, const runtime::Part& part) {
        constexpr std::int64_t kMostBytes = 6'000'000'000;
        if (!values->defined()) {
            if (const std::int64_t bytes = some.size(1) * labels.numel() * 4; bytes > kMostBytes) {
                throw Error(m_manifest.card.name + " would keep " + std::to_string(bytes / 1'000'000'000) + " GB of values for this series; with \"invert\": \"labels\" in its expert.json it needs none", "memory");
            }
            *values = at::empty({some.size(1), labels.size(1), labels.size(2), labels.size(3)}, at::kFloat);
        }
        part.of(*values).copy_(some.select(0, 0));
    };
    const runtime::PartSink sink = [&](const at::Tensor& sums, const runtime::Part& part) {
        const at::Tensor mean = sums.to(m_options.compute.device);
        if (m_options.compute.type == at::kHalf) {
            isFinite = isFinite.logical_and(mean.sum().isfinite());
        }
        if (m_manifest.post.kind == PostSpec::Kind::Argmax && mean.size(1) > kMostLabels + 1) {
            throw Error(m_manifest.card.name + " gives " + std::to_string(mean.size(1)) + " channels; a label map holds background and " + std::to_string(kMostLabels) + " labels", "network");
        }
        at::Tensor found;
        switch (m_manifest.post.kind) {
        case PostSpec::Kind::Prompts: found = largestPrompt(mean, embeddings, idTable); break;
        case PostSpec::Kind::Regions: found = firstRegion(mean, m_manifest.post.regions); break;
        case PostSpec::Kind::Argmax: found = mean.select(0, 0).argmax(0).to(at::kByte); break;
        }
        part.of(labels).copy_(found.unsqueeze(0));
        if (values && m_manifest.post.inversion != PostSpec::Inversion::Labels) {
            keepValues(valuesOf(mean, m_manifest.post), part);
        }
        voxelsDone += part.voxels();
        if (done) {
            done(labelsNow, double(voxelsDone) / double(labels.numel()));
        }
    };
    const runtime::TriedConvolutions tried(m_options.compute.device.is_cuda() && m_options.compute.type != at::kFloat);
    runtime::slideWindows(input, windows, predict, sink, progress, stop);
    return labelsNow();
}

/// Labels of values that were brought back to the volume's grid. @param values  float32 [F, D0, D1, D2]. @return uint8 [k, j, i].
at::Tensor FolderExpert::labelsOf(const Prepared& prepared, const at::Tensor& values) const
{
    const auto onGrid = [&](std::int64_t channel) { return prepared.invertedValues(values.narrow(0, channel, 1)); };
    at::Tensor labels, best;
    if (m_manifest.post.kind == PostSpec::Kind::Argmax) {
        for (std::int64_t channel = 0; channel < values.size(0); ++channel) {
            const at::Tensor own = onGrid(channel);
            if (channel == 0) {
                best = own;
                labels = at::zeros(own.sizes(), at::kByte);
                continue;
            }
            labels.masked_fill_(own > best, channel);
            best = at::maximum(best, own);
        }
    } else {
        for (auto region = m_manifest.post.regions.rbegin(); region != m_manifest.post.regions.rend(); ++region) {
            const at::Tensor own = onGrid(region->channel);
            const double threshold = m_manifest.post.inversion == PostSpec::Inversion::Logits ? logitOf(region->threshold) : region->threshold;
            labels = labels.defined() ? labels : at::zeros(own.sizes(), at::kByte);
            labels.masked_fill_(own >= threshold, region->label);
        }
    }
    return labels.permute({2, 1, 0}).contiguous();
}

/// One object around the clicks. @return labels [1, D0, D1, D2]: the class, or kClicked.
at::Tensor FolderExpert::segmentAtClicks(const Prepared& prepared, const ExpertRequest& request, const std::vector<std::int64_t>& ids, const Progress& progress, const std::stop_token& stop) const
{
    PointPrompt prompt;
    prompt.classId = ids.size() == 1 ? int(ids.front()) : -1;
    for (const Click& click : request.clicks) {
        prompt.points.push_back({indexIn(prepared.image, click.place), (click.isInside ? 1 : 0) + (isSpecialClass(prompt.classId) ? 2 : 0)});
    }
    const at::Tensor logits = pointLogits(*m_loaded->vista, m_options.compute, prepared.image.data.unsqueeze(0), prompt, m_manifest.window.roi[0], progress, stop);
    return (insideOf(logits, prompt) * (prompt.classId > 0 ? prompt.classId : int(kClicked))).to(at::kByte).unsqueeze(0);
}

/// Sends what is finished to whom it may interest; bringing it back to the volume's grid takes at most a tenth of the time.
FolderExpert::PartDone FolderExpert::partialSender(const Prepared& prepared, const ExpertRequest& request, const std::vector<std::int64_t>& ids) const
{
    using Clock = std::chrono::steady_clock;
    if (!request.partial) {
        return {};
    }
    return [&, next = Clock::time_point{}](const std::function<at::Tensor()>& labels, double share) mutable {
        const Clock::time_point begin = Clock::now();
        if (begin < next || share >= 1) {
            return;
        }
        request.partial(toLabelMap(backOnVolume(prepared, labels()), ids, request, false), share);
        const Clock::time_point end = Clock::now();
        constexpr int kRest = 9;
        next = end + kRest * (end - begin);
    };
}

Provenance FolderExpert::provenanceOf(const ExpertRequest& request) const
{
    const ExpertCard& card = m_manifest.card;
    std::string arguments = request.arguments;
    if (!request.clicks.empty()) {
        arguments += (arguments.empty() ? "" : ", ") + std::to_string(request.clicks.size()) + (request.clicks.size() == 1 ? " click" : " clicks");
    }
    return {card.name, card.version, card.weightsSha256, arguments, nowUtc(), request.volume.info().seriesUid, card.notice()};
}

/// @param labels  uint8 [1, D0, D1, D2] of the prepared image. @return uint8 [k, j, i], on the device where that has room for it.
at::Tensor FolderExpert::backOnVolume(const Prepared& prepared, const at::Tensor& labels) const
{
    return whereRoomIs(m_options.compute.device, [&](at::Device device) { return prepared.invertedLabels(labels.to(device)).permute({2, 1, 0}).contiguous(); });
}

/// @param labels  of backOnVolume(). @param isWhole  false while a run goes on: steps that need the whole mask are left out.
LabelMap FolderExpert::toLabelMap(const at::Tensor& labels, const std::vector<std::int64_t>& ids, const ExpertRequest& request, bool isWhole) const
{
    const Geometry& geometry = request.volume.geometry();
    std::vector<LabelId> voxels(std::size_t(labels.numel()));
    at::from_blob(voxels.data(), labels.sizes(), at::kByte).copy_(labels);
    std::array<bool, 256> isKept{};
    isKept.fill(ids.empty() || !request.clicks.empty());
    for (const std::int64_t id : ids) {
        if (id >= 0 && std::size_t(id) < isKept.size()) {
            isKept[std::size_t(id)] = true;
        }
    }
    const std::array<std::size_t, 256> counts = keepOnly(voxels, isKept);
    if (isWhole) {
        keepLargest(voxels, geometry, m_manifest.post.largestComponentOf);
    }
    std::vector<Label> found;
    for (const Label& label : m_manifest.labels) {
        if (counts[label.value] > 0) {
            found.push_back(label);
        }
    }
    for (std::size_t value = 1; value < counts.size(); ++value) {
        const bool isNamed = std::any_of(found.begin(), found.end(), [&](const Label& label) { return label.value == value; });
        if (counts[value] > 0 && !isNamed) {
            const std::string name = !request.clicks.empty() && value == kClicked ? "structure at the click" : "label " + std::to_string(value);
            found.push_back({LabelId(value), name, overlayColors()[value % overlayColors().size()].rgb, "", ""});
        }
    }
    return {geometry, std::move(voxels), std::move(found), provenanceOf(request)};
}

ExpertResult FolderExpert::run(const ExpertRequest& given, const Progress& progress, std::stop_token stop)
{
    ExpertRequest request = given;
    if (request.arguments.empty()) {
        request.arguments = m_manifest.card.defaultArgument;
    }
    if (const auto refusal = check(request)) {
        throw Error(refusal->text, refusal->code);
    }
    const bool isChest = m_manifest.task == ExpertManifest::Task::Classification;
    std::vector<std::int64_t> ids = isChest ? std::vector<std::int64_t>() : *findIds(request.arguments);
    if (m_manifest.engine == ExpertManifest::Engine::Vista3d) {
        ids = expandedClassIds(ids);
    }
    const auto find = [&] {
        try {
            return isChest ? classify(request, progress, stop) : ExpertResult{findLabels(request, ids, progress, stop), m_manifest.card.notice()};
        } catch (const c10::OutOfMemoryError&) {
            throw;
        } catch (const c10::Error& error) {
            throw failureOf(error, m_manifest.card.name);
        }
    };
    try {
        return find();
    } catch (const HalfOverflow&) {
        m_options.compute.type = at::kBFloat16;     // the same speed, fewer digits, but the range of fp32
        m_loaded.reset();
    } catch (const c10::OutOfMemoryError&) {
        m_loaded.reset();
        runtime::emptyDeviceCache();
        throw runtime::outOfDeviceMemory(m_options.compute.device, m_manifest.card.name);
    }
    return find();
}

LabelMap FolderExpert::findLabels(const ExpertRequest& request, const std::vector<std::int64_t>& ids, const Progress& progress, const std::stop_token& stop)
{
    load(subProgress(progress, 0, 0.03));
    throwIfStopped(stop);
    report(progress, 0.03, "preparing");
    const Prepared prepared = whereRoomIs(m_options.compute.device, [&](at::Device device) { return prepare(request, device); });
    throwIfStopped(stop);
    const Progress windows = subProgress(progress, 0.06, 0.96);
    at::Tensor values;
    const at::Tensor labels = request.clicks.empty()
        ? segment(prepared, windowsFor(prepared, request.volume, request.view), ids, partialSender(prepared, request, ids), windows, stop, &values)
        : segmentAtClicks(prepared, request, ids, windows, stop);
    report(progress, 0.96, "back to the original grid");
    LabelMap mask = toLabelMap(values.defined() ? labelsOf(prepared, values) : backOnVolume(prepared, labels), ids, request, true);
    report(progress, 1, "done");
    return mask;
}

ExpertResult FolderExpert::classify(const ExpertRequest& request, const Progress& progress, const std::stop_token& stop)
{
    load(subProgress(progress, 0, 0.1));
    const at::Tensor picture = chestPicture(request.volume);
    ExpertResult result;
    result.scores = m_loaded->chest->scores(picture, subProgress(progress, 0.1, request.arguments.empty() ? 1 : 0.4), stop);
    result.sentence = chestSentence(result.scores);
    const auto& labels = chestLabels();
    const auto finding = std::find(labels.begin(), labels.end(), request.arguments);
    if (finding != labels.end()) {
        const at::Tensor map = m_loaded->chest->influence(picture, std::size_t(finding - labels.begin()), subProgress(progress, 0.4, 1), stop);
        result.mask = influenceMap(map, request.arguments, request.volume.geometry(), provenanceOf(request));
    }
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

} // namespace hf::experts
