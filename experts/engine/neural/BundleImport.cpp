#include "experts/engine/neural/BundleImport.h"

#include "experts/engine/neural/BundleConfig.h"
#include "experts/engine/neural/ExpertManifest.h"
#include "experts/runtime/Sha256.h"
#include "experts/runtime/WeightFile.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>

#include <unistd.h>

namespace hf::experts {

namespace fs = std::filesystem;
using json = BundleJson;

namespace {

std::string lower(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return text;
}

/// A part of a configuration with the whole for its references: values are literals, "@id#member" of literals, or one of two literals.
class Part {
public:
    Part(const json& root, json value, std::string place) : m_root(&root), m_value(std::move(value)), m_place(std::move(place)) { resolve(); }

    const std::string& place() const { return m_place; }
    bool has(const char* name) const { return m_value.is_object() && m_value.contains(name) && !m_value.at(name).is_null(); }
    Part at(const char* name) const
    {
        if (!has(name)) {
            refuseBundle(m_place + " has no '" + name + "'");
        }
        return {*m_root, m_value.at(name), m_place + "#" + name};
    }
    std::vector<Part> items() const
    {
        std::vector<Part> parts;
        for (std::size_t n = 0; m_value.is_array() && n < m_value.size(); ++n) {
            parts.push_back({*m_root, m_value[n], m_place + "#" + std::to_string(n)});
        }
        return parts;
    }
    template <typename T> T as() const
    {
        if (m_value.is_string() && m_value.get_ref<const std::string&>().starts_with("$")) {
            refuseBundle(m_place + " is the Python expression " + m_value.get<std::string>() + ", which is not evaluated");
        }
        try {
            return m_value.get<T>();
        } catch (const json::exception&) {
            refuseBundle(m_place + " is " + m_value.dump() + ", which is not understood");
        }
    }
    template <typename T> T get(const char* name, T otherwise) const { return has(name) ? at(name).as<T>() : otherwise; }
    /// The text of a member, a Python expression perhaps; empty without.
    std::string expression(const char* name) const { return has(name) && m_value.at(name).is_string() ? m_value.at(name).get<std::string>() : std::string(); }
    bool isNumber() const { return m_value.is_number(); }
    bool isDisabled() const { return get("_disabled_", false); }
    /// The class without its module.
    std::string target() const
    {
        const std::string name = at("_target_").as<std::string>();
        return name.substr(name.rfind('.') + 1);
    }
    /// One text, or a list of texts.
    std::vector<std::string> texts(const char* name) const
    {
        if (!has(name)) {
            return {};
        }
        const Part member = at(name);
        std::vector<std::string> texts;
        for (const Part& part : member.m_value.is_array() ? member.items() : std::vector{member}) {
            texts.push_back(part.as<std::string>());
        }
        return texts;
    }
    /// Each text of a member, if there is one, must be this.
    void expect(const char* name, const std::string& wanted) const
    {
        for (const std::string& text : texts(name)) {
            if (lower(text) != wanted) {
                refuseBundle(m_place + " (" + target() + ") has the " + name + " " + text + ", which is not in the list");
            }
        }
    }
    /// Everything but these would change what is computed.
    void allowOnly(std::set<std::string> names) const
    {
        names.insert({"_target_", "_disabled_", "keys", "allow_missing_keys"});
        for (const auto& [name, value] : m_value.items()) {
            if (!names.contains(name)) {
                refuseBundle(m_place + " (" + target() + ") has the argument '" + name + "', which is not in the list");
            }
        }
    }

private:
    void resolve()
    {
        constexpr int kDeepest = 16;
        for (int depth = 0; m_value.is_string() && depth <= kDeepest; ++depth) {
            const std::string text = m_value.get<std::string>();
            if (const auto choice = findChoice(text)) {
                const Part condition(*m_root, "@" + choice->condition, m_place);
                m_value = condition.as<bool>() ? choice->ifTrue : choice->otherwise;
            } else if (text.starts_with("@")) {
                follow(text.substr(1), depth == kDeepest);
            } else {
                return;
            }
        }
    }

    void follow(const std::string& reference, bool isEndless)
    {
        const json* found = m_root;
        for (std::size_t begin = 0; found && begin <= reference.size();) {
            const std::size_t end = std::min(reference.find_first_of("#:", begin), reference.size());
            const std::string name = reference.substr(begin, end - begin);
            const bool isPlace = found->is_array() && !name.empty() && std::all_of(name.begin(), name.end(), ::isdigit) && name.size() < 6 && std::stoul(name) < found->size();
            found = found->is_object() && found->contains(name) ? &found->at(name) : isPlace ? &found->at(std::stoul(name)) : nullptr;
            begin = end + (reference.compare(end, 2, "::") == 0 ? 2 : 1);
        }
        if (!found || isEndless) {
            refuseBundle(m_place + " refers to " + reference + ", which is not there");
        }
        m_value = json(*found);
    }

    const json* m_root;
    json m_value;
    std::string m_place;
};

json segResNetJson(const Part& network)
{
    network.allowOnly({"spatial_dims", "init_filters", "in_channels", "out_channels", "blocks_down", "blocks_up", "dropout_prob", "upsample_mode", "norm_name"});
    const std::string upsampling = lower(network.get<std::string>("upsample_mode", "nontrainable"));
    if (upsampling != "nontrainable" && upsampling != "deconv") {
        refuseBundle(network.place() + " has the upsample_mode " + upsampling + ", which is not in the list");
    }
    if (lower(network.get<std::string>("norm_name", "group")) != "group") {
        refuseBundle(network.place() + " has a norm_name other than group, which is not in the list");
    }
    return {{"name", "segresnet"}, {"in", network.get("in_channels", 1)}, {"out", network.get("out_channels", 2)}, {"filters", network.get("init_filters", 8)},
        {"blocksDown", network.get("blocks_down", std::vector<int>{1, 2, 2, 4})}, {"blocksUp", network.get("blocks_up", std::vector<int>{1, 1, 1})},
        {"upsampling", upsampling == "deconv" ? "deconvolution" : "interpolation"}};
}

json unetJson(const Part& network)
{
    network.allowOnly({"spatial_dims", "in_channels", "out_channels", "channels", "strides", "num_res_units", "norm", "act", "dropout"});
    const std::string norm = lower(network.get<std::string>("norm", "instance")), activation = lower(network.get<std::string>("act", "prelu"));
    if (network.get("num_res_units", 0) < 1) {
        refuseBundle(network.place() + " is a UNet without residual units, which is not built in");
    }
    return {{"name", "unet"}, {"in", network.at("in_channels").as<int>()}, {"out", network.at("out_channels").as<int>()}, {"channels", network.at("channels").as<std::vector<int>>()},
        {"strides", network.at("strides").as<std::vector<int>>()}, {"residualUnits", network.get("num_res_units", 0)}, {"norm", norm}, {"activation", activation}};
}

/// Without file and hash. Empty when it is not built in.
json networkJson(const Part& network)
{
    const std::string target = network.target();
    if (target != "SegResNet" && target != "UNet") {
        return {};
    }
    if (network.get("spatial_dims", 3) != 3) {
        refuseBundle(network.place() + " works on single slices; only networks of volumes are in the list");
    }
    return target == "UNet" ? unetJson(network) : segResNetJson(network);
}

json spacingJson(const Part& step)
{
    step.allowOnly({"pixdim", "mode", "padding_mode", "align_corners", "diagonal", "scale_extent"});
    if (step.get("align_corners", false) || step.get("diagonal", false) || step.get("scale_extent", false)) {
        refuseBundle(step.place() + " (Spacingd) is used with align_corners, diagonal or scale_extent, which are not in the list");
    }
    step.expect("mode", "bilinear");
    step.expect("padding_mode", "border");
    return {{"do", "spacing"}, {"mm", step.at("pixdim").as<std::vector<double>>()}};
}

json orientationJson(const Part& step)
{
    step.allowOnly({"axcodes", "labels"});
    if (step.at("axcodes").as<std::string>() != "RAS") {
        refuseBundle(step.place() + " (Orientationd) asks for " + step.at("axcodes").as<std::string>() + "; only RAS is in the list");
    }
    return {{"do", "orientationRas"}};
}

json cropJson(const Part& step)
{
    step.allowOnly({"source_key", "margin", "allow_smaller"});
    const std::vector<std::string> keys = step.texts("keys");
    if (std::find(keys.begin(), keys.end(), step.at("source_key").as<std::string>()) == keys.end()) {
        refuseBundle(step.place() + " (CropForegroundd) looks for the foreground of another image, which is not in the list");
    }
    if (step.get("margin", 0) > 0 && !step.get("allow_smaller", false)) {
        refuseBundle(step.place() + " (CropForegroundd) has a margin that may go beyond the image (allow_smaller is not true), which is not in the list");
    }
    return {{"do", "cropForeground"}, {"margin", step.get("margin", 0)}};
}

json scaleRangeJson(const Part& step)
{
    step.allowOnly({"a_min", "a_max", "b_min", "b_max", "clip"});
    return {{"do", "scaleRange"}, {"from", step.at("a_min").as<double>()}, {"to", step.at("a_max").as<double>()}, {"low", step.at("b_min").as<double>()}, {"high", step.at("b_max").as<double>()},
        {"clip", step.get("clip", false)}};
}

json scaleJson(const Part& step)
{
    step.allowOnly({"minv", "maxv"});
    return {{"do", "scaleMinMax"}, {"low", step.get("minv", 0.0)}, {"high", step.get("maxv", 1.0)}};
}

json normalizeJson(const Part& step)
{
    step.allowOnly({"nonzero", "channel_wise"});
    return {{"do", "normalize"}, {"nonZero", step.get("nonzero", false)}, {"perChannel", step.get("channel_wise", false)}};
}

/// The steps of a chain that are always done, all and in their order.
std::vector<Part> transformsOf(const Part& chain)
{
    if (chain.has("_target_") && chain.target() != "Compose") {
        refuseBundle(chain.place() + " is " + chain.target() + "; only Compose is in the list");
    }
    return chain.at("transforms").items();
}

json preprocessingJson(const Part& chain)
{
    static const std::set<std::string> kNothingToDo{"LoadImaged", "EnsureChannelFirstd", "EnsureTyped", "CastToTyped", "ToTensord"};
    static const std::map<std::string, std::function<json(const Part&)>> kSteps{{"Orientationd", orientationJson}, {"Spacingd", spacingJson}, {"CropForegroundd", cropJson},
        {"ScaleIntensityRanged", scaleRangeJson}, {"ScaleIntensityd", scaleJson}, {"NormalizeIntensityd", normalizeJson}};
    json steps = json::array();
    std::string image;
    for (const Part& step : transformsOf(chain)) {
        const std::string target = step.target();
        const std::vector<std::string> keys = step.texts("keys");
        if (image.empty() && !keys.empty()) {
            image = std::find(keys.begin(), keys.end(), "image") != keys.end() ? "image" : keys[0];     // What is loaded.
        }
        const bool isOfImage = keys.empty() || std::find(keys.begin(), keys.end(), image) != keys.end();
        if (step.isDisabled() || kNothingToDo.contains(target) || !isOfImage) {
            continue;
        }
        const auto known = kSteps.find(target);
        if (known == kSteps.end()) {
            refuseBundle(step.place() + " is " + target + ", which is not in the list of steps before a network");
        }
        steps.push_back(known->second(step));
    }
    return steps;
}

json windowJson(const Part& inferer)
{
    if (inferer.target() != "SlidingWindowInferer") {
        refuseBundle(inferer.place() + " is " + inferer.target() + "; only SlidingWindowInferer is in the list");
    }
    inferer.allowOnly({"roi_size", "sw_batch_size", "overlap", "mode", "padding_mode", "cache_roi_weight_map", "progress", "sw_device", "device"});
    return {{"roi", inferer.at("roi_size").as<std::vector<int>>()}, {"overlap", inferer.get("overlap", 0.25)}, {"blend", lower(inferer.get<std::string>("mode", "constant"))},
        {"padding", lower(inferer.get<std::string>("padding_mode", "constant"))}};
}

/// @param channels  of the network's output.
json postprocessingJson(const Part& chain, int channels)
{
    bool isArgmax = false, isThreshold = false, isSoftmax = false, isSigmoid = false;
    std::string inversion = "labels";
    double threshold = 0.5;
    json largest;
    std::vector<std::pair<int, int>> regions;
    for (const Part& step : transformsOf(chain)) {
        const std::string target = step.target();
        if (step.isDisabled() || target == "SaveImaged" || target == "EnsureTyped") {
            continue;
        }
        if (target == "Invertd") {
            const bool isLinear = !step.get("nearest_interp", true);
            const bool isOfValues = isLinear && !isArgmax && !isThreshold;
            inversion = isOfValues ? (isSoftmax || isSigmoid ? "probabilities" : "logits") : "labels";
        } else if (target == "Activationsd") {
            step.allowOnly({"softmax", "sigmoid"});
            isSoftmax = step.get("softmax", false);
            isSigmoid = step.get("sigmoid", false);
        } else if (target == "AsDiscreted") {
            step.allowOnly({"argmax", "threshold"});
            isArgmax = step.get("argmax", false);
            isThreshold = step.has("threshold");
            threshold = step.get("threshold", threshold);
            if (isThreshold && (!isSigmoid || isSoftmax)) {
                refuseBundle(step.place() + " (AsDiscreted) has a threshold of what is no sigmoid, which is not in the list");
            }
            if (isArgmax && isSigmoid && inversion == "probabilities") {
                refuseBundle(step.place() + " (AsDiscreted) takes the largest of sigmoids, which is not in the list");
            }
        } else if (target == "Lambdad" && !findLabelChain(step.expression("func")).empty()) {
            regions = findLabelChain(step.expression("func"));
        } else if (target == "KeepLargestConnectedComponentd") {
            step.allowOnly({"applied_labels"});
            largest = step.has("applied_labels") && step.at("applied_labels").isNumber() ? json{step.at("applied_labels").as<int>()} : json(step.at("applied_labels").as<std::vector<int>>());
        } else {
            refuseBundle(step.place() + " is " + target + ", which is not in the list of steps after a network");
        }
    }
    if (isArgmax == isThreshold) {
        refuseBundle(chain.place() + " does not say by argmax or by threshold how labels are made");
    }
    if (isThreshold && channels == 1 && regions.empty()) {
        regions = {{0, 1}};
    }
    if (isThreshold && regions.empty()) {
        refuseBundle("its " + std::to_string(channels) + " output channels may overlap; which goes first must be said in an expert.json written by hand");
    }
    json post{{"labels", isArgmax ? "argmax" : "regions"}};
    if (isThreshold) {
        for (const auto& [channel, label] : regions) {
            post["regions"].push_back({{"channel", channel}, {"label", label}});
            if (threshold != 0.5) {
                post["regions"].back()["threshold"] = threshold;
            }
        }
    }
    if (inversion != "labels") {
        post["invert"] = inversion;
    }
    if (!largest.is_null()) {
        post["largestComponentOf"] = largest;
    }
    return post;
}

/// Names of an input's or output's channels, from 0.
std::map<int, std::string> channelNames(const json& metadata, const char* side, const char* what)
{
    std::map<int, std::string> names;
    const auto pointer = json::json_pointer(std::string("/network_data_format/") + side + "/" + what + "/channel_def");
    if (metadata.contains(pointer) && metadata[pointer].is_object()) {
        for (const auto& [number, name] : metadata[pointer].items()) {
            if (!number.empty() && number.size() < 4 && std::all_of(number.begin(), number.end(), ::isdigit) && name.is_string()) {
                names[std::stoi(number)] = name;
            }
        }
    }
    return names;
}

/// @param regions  of postprocessingJson(); none: a label for each channel but the first.
json labelsJson(const json& metadata, int channels, const json& regions)
{
    const std::map<int, std::string> names = channelNames(metadata, "outputs", "pred");
    std::map<int, int> channelOf;
    for (int channel = 1; regions.is_null() && channel < channels; ++channel) {
        channelOf[channel] = channel;
    }
    for (const json& region : regions) {
        channelOf.emplace(region["label"].get<int>(), region["channel"].get<int>());
    }
    json labels = json::array();
    for (const auto& [value, channel] : channelOf) {
        const auto name = names.find(channel);
        const Rgb8 rgb = overlayColors()[std::size_t(value - 1) % overlayColors().size()].rgb;
        char color[8];
        std::snprintf(color, sizeof color, "#%02x%02x%02x", rgb.r, rgb.g, rgb.b);
        labels.push_back({{"value", value}, {"name", name == names.end() || name->second.empty() ? "label " + std::to_string(value) : name->second}, {"color", color}});
    }
    return labels;
}

std::string modalityOf(const json& metadata)
{
    const auto pointer = json::json_pointer("/network_data_format/inputs/image/modality");
    const std::string stated = metadata.contains(pointer) && metadata[pointer].is_string() ? metadata[pointer].get<std::string>() : "";
    const std::string modality = stated == "CT" || stated == "MR" ? stated : stated == "MRI" ? "MR" : "";
    if (modality.empty()) {
        refuseBundle("metadata.json does not say whether it is for CT or MR; say it with --modality CT or MR");
    }
    return modality;
}

std::string stringOf(const json& metadata, const char* name, const std::string& otherwise)
{
    return metadata.contains(name) && metadata[name].is_string() && !metadata[name].get_ref<const std::string&>().empty() ? metadata[name].get<std::string>() : otherwise;
}

/// The licence allows every use; one that names a free licence may still limit the weights (VISTA3D's names two).
bool allowsEveryUse(const std::string& licence)
{
    const std::string text = lower(licence);
    const auto names = [&](const char* word) { return text.find(word) != std::string::npos; };
    const bool isLimited = names("non-commercial") || names("noncommercial") || names("research or evaluation") || names("research purposes") || names("research use");
    return !isLimited && (names("apache license") || names("mit license") || licence.find("BSD") != std::string::npos);
}

/// First line that says something, and whether the licence is one that allows every use.
json licenceJson(const fs::path& file, const json& metadata)
{
    const std::string text = file.empty() ? std::string() : textOf(file);
    std::size_t begin = text.find_first_not_of(" \t\r\n");
    const std::string first = begin == std::string::npos ? "no licence is stated" : text.substr(begin, std::min<std::size_t>(text.find_first_of("\r\n", begin) - begin, 200));
    return {{"weights", file.empty() ? first : first + " (LICENSE in the expert's folder)"}, {"researchOnly", !allowsEveryUse(text)}, {"intendedUse", stringOf(metadata, "intended_use", "Not stated by the bundle. Not for diagnosis.")}};
}

std::string nameOf(const fs::path& bundle)
{
    std::string name = fs::weakly_canonical(bundle).filename().string();
    for (char& c : name) {
        c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
    }
    return name.substr(0, kLongestExpertName);
}

} // namespace

ImportedBundle readBundle(const fs::path& bundle, const std::string& wantedModality)
{
    const json metadata = readBundleConfig(bundle / "configs", "metadata"), inference = readBundleConfig(bundle / "configs", "inference");
    const Part root(inference, inference, "inference.json");
    const char* const kNetwork = inference.contains("network_def") ? "network_def" : "network";
    json network = networkJson(root.at(kNetwork));
    ImportedBundle imported{nameOf(bundle), {}, bundle / "models/model.pt", "model.pt", bundle / "LICENSE"};
    const std::map<int, std::string> inputs = channelNames(metadata, "inputs", "image"), outputs = channelNames(metadata, "outputs", "pred");
    int channels = int(outputs.size());
    if (root.has("modelname")) {
        imported.weightsName = root.at("modelname").as<std::string>();
        if (imported.weightsName.empty() || fs::path(imported.weightsName).filename() != imported.weightsName) {
            refuseBundle(root.at("modelname").place() + " is no name of a file in models");
        }
        imported.weights = bundle / "models" / imported.weightsName;
    }
    if (network.empty()) {
        imported.weights = bundle / "models/model.ts";
        imported.weightsName = "model.ts";
        if (!fs::exists(imported.weights)) {
            refuseBundle("its network " + root.at(kNetwork).target() + " is not built in, and there is no TorchScript in models/model.ts");
        }
        network = {{"name", "torchscript"}};
    } else {
        channels = network["out"];
    }
    if (!fs::exists(imported.weights)) {
        refuseBundle("models/" + imported.weightsName + " is not there");
    }
    if (!fs::exists(imported.licence)) {
        imported.licence.clear();
    }
    network["file"] = imported.weightsName;
    network["sha256"] = runtime::sha256OfFiles({imported.weights});
    if (!wantedModality.empty() && wantedModality != "CT" && wantedModality != "MR") {
        throw Error("--modality is CT or MR", "usage");
    }
    const std::string modality = wantedModality.empty() ? modalityOf(metadata) : wantedModality;
    json suitability{{"modalities", {modality}}};
    const int series = network.contains("in") ? network["in"].get<int>() : int(inputs.size());
    for (int n = 0; series > 1 && n < series; ++n) {
        const auto name = inputs.find(n);
        suitability["channels"].push_back(name == inputs.end() || name->second.empty() ? "channel " + std::to_string(n) : name->second);
    }
    const json post = postprocessingJson(root.at("postprocessing"), channels);
    const json manifest{{"format", 1}, {"name", imported.name}, {"version", stringOf(metadata, "version", "0")}, {"task", "segmentation"},
        {"card", {{"modality", modality == "MR" ? "MRI" : modality}, {"overview", stringOf(metadata, "description", stringOf(metadata, "task", imported.name))}, {"accuracy", "as published with the bundle"}}},
        {"suitability", suitability}, {"network", network}, {"preprocessing", preprocessingJson(root.at("preprocessing"))}, {"window", windowJson(root.at("inferer"))},
        {"postprocessing", post}, {"labels", labelsJson(metadata, channels, post.contains("regions") ? post["regions"] : json())}, {"licence", licenceJson(imported.licence, metadata)}};
    imported.manifest = manifest.dump(1, ' ', false, json::error_handler_t::replace) + "\n";     // licences are not always UTF-8
    try {
        parseManifest(imported.manifest, bundle);
    } catch (const Error& error) {
        refuseBundle(std::string("what it asks for is not in the list: ") + error.what());
    }
    return imported;
}

fs::path importBundle(const fs::path& bundle, const fs::path& folder, const std::string& modality)
{
    const ImportedBundle imported = readBundle(bundle, modality);
    const fs::path target = folder / imported.name, part = folder / ("." + imported.name + std::to_string(::getpid()));
    if (fs::exists(target)) {
        throw Error("there is an expert in " + target.string() + " already; remove it first", "exists");
    }
    const ExpertManifest manifest = parseManifest(imported.manifest, bundle);
    if (manifest.engine == ExpertManifest::Engine::Network) {
        Network(manifest.network, runtime::readWeights(imported.weights), Compute::exact(), imported.weightsName);
    }
    std::error_code error;
    fs::create_directories(part, error);
    std::ofstream stream(part / "expert.json", std::ios::binary);
    stream << imported.manifest;
    stream.close();
    fs::copy_file(imported.weights, part / imported.weightsName, error);
    if (!error && !imported.licence.empty()) {
        fs::copy_file(imported.licence, part / "LICENSE", error);
    }
    if (!error && stream) {
        fs::rename(part, target, error);
    }
    if (error || !stream) {
        std::error_code ignored;
        fs::remove_all(part, ignored);
        throw Error("the expert cannot be written to " + target.string(), "write");
    }
    return target;
}

} // namespace hf::experts
