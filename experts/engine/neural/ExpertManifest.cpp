#include "experts/engine/neural/ExpertManifest.h"

#include "experts/engine/neural/LinedJson.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

namespace hf::experts {

namespace {

namespace fs = std::filesystem;

/// A file in the expert's own folder: no path, no way out of it.
std::string fileName(LinedObject& object, const std::string& name)
{
    const std::string file = object.text(name);
    if (fs::path(file) != fs::path(file).filename() || file == "." || file == "..") {
        object.refuse(name, "a file name in the expert's folder is expected, without a path");
    }
    return file;
}

WeightSpec readWeightSpec(LinedObject& object)
{
    WeightSpec weights{fileName(object, "file"), object.text("sha256", "")};
    const bool isHash = weights.sha256.size() == 64 && weights.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!weights.sha256.empty() && !isHash) {
        object.refuse("sha256", "64 lower-case hexadecimal digits are expected");
    }
    return weights;
}

std::array<double, 3> threeNumbers(LinedObject& object, const std::string& name)
{
    const std::vector<double> numbers = object.numbers(name);
    if (numbers.size() != 3) {
        object.refuse(name, "three numbers are expected");
    }
    return {numbers[0], numbers[1], numbers[2]};
}

/// 0 and below keep the spacing of the series.
std::array<double, 3> spacings(LinedObject& object, const std::string& name)
{
    constexpr double kFinest = 0.01, kCoarsest = 100;
    const std::array<double, 3> mm = threeNumbers(object, name);
    if (std::any_of(mm.begin(), mm.end(), [](double n) { return n > 0 && (n < kFinest || n > kCoarsest); })) {
        object.refuse(name, "0.01 to 100 mm are expected, or 0 to keep the spacing");
    }
    return mm;
}

std::vector<int> blocks(LinedObject& object, const std::string& name)
{
    const std::vector<std::int64_t> numbers = object.integers(name, 1, 16);
    if (numbers.empty() || numbers.size() > 8) {
        object.refuse(name, "one to eight numbers are expected");
    }
    return {numbers.begin(), numbers.end()};
}

SegResNetShape readSegResNet(LinedObject& object)
{
    SegResNetShape shape;
    shape.in = object.integer("in", 1, 16);
    shape.out = object.integer("out", 1, 255);
    shape.filters = object.integer("filters", 8, 128);
    shape.blocksDown = blocks(object, "blocksDown");
    shape.blocksUp = blocks(object, "blocksUp");
    if (shape.blocksUp.size() + 1 != shape.blocksDown.size()) {
        object.refuse("blocksUp", "one number fewer than blocksDown is expected");
    }
    shape.deconvolves = object.choice("upsampling", {"interpolation", "deconvolution"}) == 1;
    if (shape.filters % shape.groups) {
        object.refuse("filters", "a multiple of 8 is expected");
    }
    return shape;
}

UNetShape readUNet(LinedObject& object)
{
    UNetShape shape;
    shape.in = object.integer("in", 1, 16);
    shape.out = object.integer("out", 1, 255);
    shape.channels = object.integers("channels", 1, 2048);
    shape.strides = blocks(object, "strides");
    if (shape.channels.size() < 2 || shape.strides.size() + 1 != shape.channels.size()) {
        object.refuse("strides", "one number fewer than channels is expected");
    }
    shape.residualUnits = int(object.integer("residualUnits", 1, 8));
    shape.norm = object.choice("norm", {"batch", "instance"}) == 0 ? UNetShape::Norm::Batch : UNetShape::Norm::Instance;
    shape.hasPrelu = object.choice("activation", {"prelu", "relu"}) == 0;
    return shape;
}

/// At least one item, read by `readItem`; no two with the same value of the member `key`.
template <typename ReadItem, typename KeyOf> auto distinctItems(LinedObject& parent, const std::string& list, const std::string& key, ReadItem readItem, KeyOf keyOf)
{
    using Item = decltype(readItem(parent));
    std::vector<Item> items;
    for (LinedObject& object : parent.objects(list)) {
        items.push_back(readItem(object));
        const auto isSame = [&](const Item& other) { return keyOf(other) == keyOf(items.back()); };
        if (std::any_of(items.begin(), items.end() - 1, isSame)) {
            object.refuse(key, "another one has it already");
        }
        object.finish();
    }
    if (items.empty()) {
        parent.refuse(list, "at least one is needed");
    }
    return items;
}

ChestMember readMember(LinedObject& object)
{
    static const std::vector<std::string> kThresholds{"all", "nih", "pc", "chex", "rsna", "mimic_nb", "mimic_ch", "resnet50"};
    ChestMember member;
    member.isResNet = object.choice("network", {"densenet121", "resnet50"}) == 1;
    member.thresholds = kThresholds[object.choice("thresholds", kThresholds)];
    member.weights = readWeightSpec(object);
    return member;
}

void readNetwork(LinedObject network, ExpertManifest& manifest)
{
    enum { Vista, Brats, SegResNetKind, UNetKind, Chest, Script };
    const std::size_t kind = network.choice("name", {"vista3d", "brats", "segresnet", "unet", "chestEnsemble", "torchscript"});
    switch (kind) {
    case Vista: manifest.engine = ExpertManifest::Engine::Vista3d; break;
    case Brats: manifest.network.shape = SegResNetShape::brats(); break;
    case SegResNetKind: manifest.network.shape = readSegResNet(network); break;
    case UNetKind: manifest.network.shape = readUNet(network); break;
    case Chest: manifest.engine = ExpertManifest::Engine::ChestEnsemble; break;
    case Script: manifest.engine = ExpertManifest::Engine::TorchScript; break;
    }
    if (kind == Chest) {
        manifest.members = distinctItems(network, "members", "thresholds", readMember, [](const ChestMember& member) { return member.thresholds; });
    } else {
        manifest.weights = readWeightSpec(network);
    }
    network.finish();
}

/// Channels into and out of the network; 0 where only its file knows.
struct Channels { std::int64_t in = 0, out = 0; };

Channels channelsOf(const ExpertManifest& manifest)
{
    if (manifest.engine != ExpertManifest::Engine::Network) {
        return {manifest.engine == ExpertManifest::Engine::TorchScript ? 0 : 1, 0};
    }
    if (const auto* segResNet = std::get_if<SegResNetShape>(&manifest.network.shape)) {
        return {segResNet->in, segResNet->out};
    }
    const auto& unet = std::get<UNetShape>(manifest.network.shape);
    return {unet.in, unet.out};
}

PreStep readPreStep(LinedObject& object)
{
    PreStep step;
    step.kind = PreStep::Kind(object.choice("do", {"spacing", "orientationRas", "cropForeground", "scaleRange", "scaleMinMax", "normalize"}));
    switch (step.kind) {
    case PreStep::Kind::Spacing: step.spacingMm = spacings(object, "mm"); break;
    case PreStep::Kind::OrientationRas: break;
    case PreStep::Kind::CropForeground: step.margin = object.integer("margin", 0, 1000, 0); break;
    case PreStep::Kind::ScaleRange:
        step.range.from = object.number("from");
        step.range.to = object.number("to");
        if (!(step.range.from < step.range.to)) {
            object.refuse("to", "must be larger than 'from'");
        }
        step.range.clips = object.flag("clip", true);
        [[fallthrough]];
    case PreStep::Kind::ScaleMinMax:
        step.range.low = object.number("low", 0);
        step.range.high = object.number("high", 1);
        break;
    case PreStep::Kind::Normalize:
        step.nonZero = object.flag("nonZero", false);
        step.perChannel = object.flag("perChannel", false);
        break;
    }
    object.finish();
    return step;
}

/// Spatial steps in the order that can be undone: spacing, crop, orientation, each once at most. Orientation may come before spacing.
void checkOrder(LinedObject& root, const std::vector<PreStep>& steps)
{
    std::set<PreStep::Kind> seen;
    for (const PreStep& step : steps) {
        const bool isSpatial = step.kind == PreStep::Kind::Spacing || step.kind == PreStep::Kind::OrientationRas || step.kind == PreStep::Kind::CropForeground;
        if (isSpatial && !seen.insert(step.kind).second) {
            root.refuse("preprocessing", "a spatial step stands twice");
        }
        if (step.kind == PreStep::Kind::Spacing && seen.contains(PreStep::Kind::CropForeground)) {
            root.refuse("preprocessing", "spacing must come before cropForeground");
        }
    }
}

void readWindow(LinedObject window, ExpertManifest& manifest)
{
    using Options = runtime::WindowOptions;
    manifest.window.roi = window.integers("roi", 0, 1024);
    if (manifest.window.roi.size() != 3) {
        window.refuse("roi", "three numbers are expected");
    }
    const std::int64_t divisor = manifest.engine == ExpertManifest::Engine::Vista3d ? 16 : std::holds_alternative<SegResNetShape>(manifest.network.shape)
        ? std::get<SegResNetShape>(manifest.network.shape).divisor()
        : std::holds_alternative<UNetShape>(manifest.network.shape) ? std::get<UNetShape>(manifest.network.shape).divisor() : 1;
    for (const std::int64_t n : manifest.window.roi) {
        if (n == 0 || n % divisor) {
            window.refuse("roi", "sizes must be multiples of " + std::to_string(divisor));
        }
    }
    const double overlap = window.number("overlap");
    if (overlap < 0 || overlap > 0.95) {
        window.refuse("overlap", "a number from 0 to 0.95 is expected");
    }
    manifest.window.overlap.assign(3, overlap);
    manifest.window.blend = Options::Blend(window.choice("blend", {"constant", "gaussian"}));
    manifest.window.padding = window.has("padding") ? Options::Padding(window.choice("padding", {"constant", "reflect", "replicate", "circular"})) : Options::Padding::Constant;
    window.finish();
}

Label readLabel(LinedObject& object)
{
    Label label;
    label.value = LabelId(object.integer("value", 1, 254));
    label.name = object.text("name");
    const std::string color = object.text("color");
    if (color.size() != 7 || color[0] != '#' || color.find_first_not_of("0123456789abcdefABCDEF", 1) != std::string::npos) {
        object.refuse("color", "a colour as \"#ff8000\" is expected");
    }
    const auto part = [&](std::size_t n) { return std::uint8_t(std::stoi(color.substr(1 + 2 * n, 2), nullptr, 16)); };
    label.color = {part(0), part(1), part(2)};
    label.snomedCode = object.text("snomed", "");
    const bool isCode = label.snomedCode.size() >= 6 && label.snomedCode.size() <= 18 && label.snomedCode.find_first_not_of("0123456789") == std::string::npos;
    if (!label.snomedCode.empty() && !isCode) {
        object.refuse("snomed", "a SNOMED CT identifier of 6 to 18 digits is expected");
    }
    label.snomedMeaning = object.text("snomedMeaning", "");
    return label;
}

void readPost(LinedObject post, ExpertManifest& manifest)
{
    manifest.post.kind = PostSpec::Kind(post.choice("labels", {"argmax", "regions", "prompts"}));
    const bool isVista = manifest.engine == ExpertManifest::Engine::Vista3d;
    if ((manifest.post.kind == PostSpec::Kind::Prompts) != isVista) {
        post.refuse("labels", isVista ? "vista3d needs 'prompts'" : "'prompts' needs the network vista3d");
    }
    if (post.has("invert")) {
        manifest.post.inversion = PostSpec::Inversion(post.choice("invert", {"labels", "probabilities", "logits"}));
        const bool crops = std::any_of(manifest.pre.begin(), manifest.pre.end(), [](const PreStep& step) { return step.kind == PreStep::Kind::CropForeground; });
        if (manifest.post.inversion != PostSpec::Inversion::Labels && isVista) {
            post.refuse("invert", "vista3d inverts labels");
        }
        if (manifest.post.inversion == PostSpec::Inversion::Logits && crops) {
            post.refuse("invert", "outside of a crop there are no logits; use 'probabilities'");
        }
    }
    if (manifest.post.kind == PostSpec::Kind::Regions) {
        const std::int64_t out = channelsOf(manifest).out;
        for (LinedObject& item : post.objects("regions")) {
            const PostSpec::Region region{int(item.integer("channel", 0, out ? out - 1 : 254)), LabelId(item.integer("label", 1, 254)), item.number("threshold", 0.5)};
            if (region.threshold <= 0 || region.threshold >= 1) {
                item.refuse("threshold", "a probability between 0 and 1 is expected");
            }
            manifest.post.regions.push_back(region);
            item.finish();
        }
        if (manifest.post.regions.empty()) {
            post.refuse("regions", "at least one is needed");
        }
    }
    if (post.has("largestComponentOf")) {
        for (const std::int64_t label : post.integers("largestComponentOf", 1, 254)) {
            manifest.post.largestComponentOf.push_back(LabelId(label));
        }
    }
    post.finish();
}

bool hasLabel(const ExpertManifest& manifest, std::int64_t value)
{
    return std::any_of(manifest.labels.begin(), manifest.labels.end(), [&](const Label& label) { return label.value == value; });
}

void readArguments(LinedObject arguments, ExpertManifest& manifest)
{
    for (const std::string& name : arguments.names()) {
        manifest.prompts[name] = arguments.integers(name, 1, 254);
        if (manifest.prompts[name].empty()) {
            arguments.refuse(name, "at least one label is needed");
        }
        const auto isLabel = [&](std::int64_t value) { return hasLabel(manifest, value); };
        if (manifest.engine != ExpertManifest::Engine::Vista3d && !std::all_of(manifest.prompts[name].begin(), manifest.prompts[name].end(), isLabel)) {
            arguments.refuse(name, "it names a value that is not among the labels");
        }
        manifest.card.arguments.push_back(name);
    }
    arguments.finish();
}

void readSuitability(LinedObject object, ExpertManifest& manifest)
{
    manifest.card.dicomModalities = object.texts("modalities");
    if (manifest.card.dicomModalities.empty()) {
        object.refuse("modalities", "at least one DICOM modality is needed");
    }
    if (object.has("bodyParts")) {
        manifest.card.bodyParts = object.texts("bodyParts");
    }
    manifest.suitability.maximumSpacingMm = object.number("maximumSpacingMm", 0);
    manifest.suitability.minimumFieldOfViewMm = object.number("minimumFieldOfViewMm", 0);
    if (object.has("channels")) {
        manifest.suitability.channelNames = object.texts("channels");
        manifest.suitability.channels = std::max<int>(1, int(manifest.suitability.channelNames.size()));
    }
    object.finish();
}

void readCard(LinedObject card, ExpertManifest& manifest)
{
    manifest.card.modality = card.text("modality");
    manifest.card.overview = card.text("overview");
    manifest.card.accuracy = card.text("accuracy");
    manifest.card.examplePrompts = card.has("examples") ? card.texts("examples") : std::vector<std::string>{};
    card.finish();
}

void checkName(LinedObject& root, const std::string& name)
{
    if (name.size() > kLongestExpertName || name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos) {
        root.refuse("name", "up to " + std::to_string(kLongestExpertName) + " letters, digits and underscores are expected");
    }
}

/// Single structures, or the findings of which a map can be made.
void addReaderArguments(ExpertManifest& manifest)
{
    const auto add = [&](const std::string& name) {
        if (!manifest.card.knows(name)) {
            manifest.card.readerArguments.push_back(name);
        }
    };
    for (const Label& label : manifest.labels) {
        add(label.name);
    }
    for (std::size_t n = 0; manifest.engine == ExpertManifest::Engine::ChestEnsemble && n < kChestLabels; ++n) {
        if (std::any_of(manifest.members.begin(), manifest.members.end(), [&](const ChestMember& member) { return isTrainedFor(member.thresholds, n); })) {
            add(chestLabels()[n]);
        }
    }
}

} // namespace

ExpertManifest parseManifest(const std::string& text, const fs::path& folder)
{
    const LinedJson document(text, "expert.json");
    LinedObject root(document, "");
    root.integer("format", 1, 1);
    ExpertManifest manifest;
    manifest.folder = folder;
    manifest.card.name = root.text("name");
    checkName(root, manifest.card.name);
    manifest.card.version = root.text("version");
    manifest.task = ExpertManifest::Task(root.choice("task", {"segmentation", "classification"}));
    manifest.card.task = root.text("task");
    readCard(root.object("card"), manifest);
    readSuitability(root.object("suitability"), manifest);
    readNetwork(root.object("network"), manifest);
    if (const std::int64_t in = channelsOf(manifest).in; in && in != manifest.suitability.channels) {
        root.refuse("suitability", "the network takes " + std::to_string(in) + " channels; 'channels' must name as many series");
    }
    const bool isChest = manifest.engine == ExpertManifest::Engine::ChestEnsemble;
    if (isChest != (manifest.task == ExpertManifest::Task::Classification)) {
        root.refuse("task", isChest ? "chestEnsemble is a classification" : "only chestEnsemble is a classification");
    }
    if (!isChest) {
        for (LinedObject& step : root.objects("preprocessing")) {
            manifest.pre.push_back(readPreStep(step));
        }
        checkOrder(root, manifest.pre);
        readWindow(root.object("window"), manifest);
        readPost(root.object("postprocessing"), manifest);
        manifest.labels = distinctItems(root, "labels", "value", readLabel, [](const Label& label) { return label.value; });
        distinctItems(root, "labels", "name", readLabel, [](const Label& label) { return label.name; });
        for (const LabelId wanted : manifest.post.largestComponentOf) {
            if (!hasLabel(manifest, wanted)) {
                root.refuse("postprocessing", "'largestComponentOf' names " + std::to_string(wanted) + ", which is not among the labels");
            }
        }
    }
    if (root.has("arguments")) {
        readArguments(root.object("arguments"), manifest);
        manifest.card.defaultArgument = root.text("defaultArgument");
        if (!manifest.prompts.contains(manifest.card.defaultArgument)) {
            root.refuse("defaultArgument", "it is none of the arguments");
        }
    }
    LinedObject licence = root.object("licence");
    manifest.card.licence = licence.text("weights");
    manifest.card.isResearchOnly = licence.flag("researchOnly", false);
    manifest.card.intendedUse = licence.text("intendedUse");
    licence.finish();
    root.finish();
    manifest.text = text;
    manifest.card.takesClicks = manifest.engine == ExpertManifest::Engine::Vista3d;
    manifest.card.channels = manifest.suitability.channelNames;
    addReaderArguments(manifest);
    return manifest;
}

ExpertManifest readManifest(const fs::path& folder)
{
    constexpr std::uintmax_t kLongest = 4 << 20;
    const fs::path file = folder / "expert.json";
    std::error_code error;
    if (fs::file_size(file, error) > kLongest || error) {
        throw Error(folder.string() + " has no readable expert.json", "manifest");
    }
    std::ifstream stream(file, std::ios::binary);
    return parseManifest({std::istreambuf_iterator<char>(stream), {}}, folder);
}

} // namespace hf::experts
