#include "app/engine/Wire.h"

#include "viewer/volume/Error.h"
#include "viewer/volume/Shutter.h"

#include <openssl/evp.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace hf::app {

using nlohmann::json;

namespace {

const json& member(const json& object, const char* name)
{
    if (!object.is_object() || !object.contains(name)) {
        throw Error(std::string("the member '") + name + "' is missing", "arguments");
    }
    return object.at(name);
}

template <typename T> T get(const json& object, const char* name)
{
    try {
        return member(object, name).get<T>();
    } catch (const json::exception&) {
        throw Error(std::string("the member '") + name + "' has the wrong type", "arguments");
    }
}

template <typename T> T get(const json& object, const char* name, T otherwise)
{
    return object.is_object() && object.contains(name) && !object.at(name).is_null() ? get<T>(object, name) : otherwise;
}

/// The bytes of a file or memory file. @throws Error when it is shorter than `bytes`.
class MappedFile {
public:
    MappedFile(const std::string& path, std::size_t bytes) : m_bytes(bytes)
    {
        const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        struct stat info {};
        if (file < 0 || fstat(file, &info) != 0) {
            if (file >= 0) close(file);
            throw Error("the voxels cannot be opened", "not-found");
        }
        if (std::size_t(info.st_size) < bytes) {
            close(file);
            throw Error("the voxels are shorter than their size says", "arguments");
        }
        m_data = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
        close(file);
        if (m_data == MAP_FAILED) {
            throw Error("the voxels cannot be mapped", "not-found");
        }
    }
    ~MappedFile() { munmap(m_data, m_bytes); }
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    template <typename T> std::vector<T> copy() const { return {static_cast<const T*>(m_data), static_cast<const T*>(m_data) + m_bytes / sizeof(T)}; }

private:
    void* m_data = nullptr;
    std::size_t m_bytes;
};

Vec3 vectorFrom(const std::vector<double>& values, std::size_t at) { return {values.at(at), values.at(at + 1), values.at(at + 2)}; }

Geometry geometryFrom(const json& object)
{
    const auto size = get<std::vector<int>>(object, "size");
    const auto spacing = get<std::vector<double>>(object, "spacing"), origin = get<std::vector<double>>(object, "origin"), directions = get<std::vector<double>>(object, "directions");
    if (size.size() != 3 || spacing.size() != 3 || origin.size() != 3 || directions.size() != 9) {
        throw Error("size, spacing, origin need three numbers, directions nine", "arguments");
    }
    for (const int n : size) {
        if (n < 1 || n > 65535) {
            throw Error("a size must be between 1 and 65535", "arguments");
        }
    }
    return Geometry({size[0], size[1], size[2]}, {spacing[0], spacing[1], spacing[2]}, {origin[0], origin[1], origin[2]},
        {vectorFrom(directions, 0), vectorFrom(directions, 3), vectorFrom(directions, 6)});
}

json geometryJson(const Geometry& geometry)
{
    const auto spacing = geometry.spacingMm();
    json directions = json::array();
    for (int axis = 0; axis < 3; ++axis) {
        const Vec3 v = geometry.direction(axis);
        directions.insert(directions.end(), {v.x, v.y, v.z});
    }
    return {{"size", {geometry.size().i, geometry.size().j, geometry.size().k}}, {"spacing", spacing},
        {"origin", {geometry.origin().x, geometry.origin().y, geometry.origin().z}}, {"directions", directions}};
}

Volume::Voxels voxelsFrom(const std::string& path, VoxelType type, std::size_t count)
{
    const MappedFile file(path, count * bytesPerVoxel(type));
    switch (type) {
    case VoxelType::Int16: return file.copy<std::int16_t>();
    case VoxelType::UInt8: return file.copy<std::uint8_t>();
    case VoxelType::UInt16: return file.copy<std::uint16_t>();
    case VoxelType::Float32: return file.copy<float>();
    case VoxelType::Float64: return file.copy<double>();
    }
    throw Error("no such voxel type", "arguments");
}

Picture pictureFrom(const json& object)
{
    Picture picture{get<int>(object, "width"), get<int>(object, "height"), fromBase64(get<std::string>(object, "rgb"))};
    if (picture.width < 1 || picture.height < 1 || picture.width > 16384 || picture.height > 16384 || picture.rgb.size() != std::size_t(picture.width) * std::size_t(picture.height) * 3) {
        throw Error("a picture does not fit its size", "arguments");
    }
    return picture;
}

Shutter::Point pointFrom(const json& array)
{
    const bool isPoint = array.is_array() && array.size() == 2 && array[0].is_number() && array[1].is_number();
    if (!isPoint) {
        throw Error("a place in a shutter needs two numbers", "arguments");
    }
    return {array[0].get<double>(), array[1].get<double>()};
}

std::shared_ptr<const Shutter::Bitmap> bitmapFrom(const json& object)
{
    auto bitmap = std::make_shared<Shutter::Bitmap>(Shutter::Bitmap{get<int>(object, "columns"), get<int>(object, "rows"), fromBase64(get<std::string>(object, "covered"))});
    if (bitmap->columns < 1 || bitmap->rows < 1 || bitmap->covered.size() != std::size_t(bitmap->columns) * std::size_t(bitmap->rows)) {
        throw Error("the bitmap of a shutter does not fit its size", "arguments");
    }
    return bitmap;
}

std::shared_ptr<const Shutter> shutterFrom(const json& object)
{
    if (!object.is_object()) {
        throw Error("a shutter must be an object", "arguments");
    }
    auto shutter = std::make_shared<Shutter>();
    shutter->grey = std::uint8_t(std::clamp(get<int>(object, "grey", 0), 0, 255));
    if (object.contains("rectangle")) {
        const auto corners = get<std::vector<json>>(object, "rectangle");
        if (corners.size() != 2) {
            throw Error("a rectangular shutter needs two corners", "arguments");
        }
        shutter->rectangle = {pointFrom(corners[0]), pointFrom(corners[1])};
    }
    if (object.contains("circle")) {
        const json& circle = object.at("circle");
        shutter->circle = {pointFrom(member(circle, "center")), get<double>(circle, "radius")};
    }
    for (const json& corner : get<json>(object, "polygon", json::array())) {
        shutter->polygon.push_back(pointFrom(corner));
    }
    if (object.contains("bitmap")) {
        shutter->bitmap = bitmapFrom(object.at("bitmap"));
    }
    return shutter;
}

} // namespace

Volume volumeFromJson(const json& object)
{
    const Geometry geometry = geometryFrom(object);
    VolumeInfo info;
    info.modality = get<std::string>(object, "modality", {});
    info.unit = unitFromString(get<std::string>(object, "unit", "none"));
    info.seriesUid = get<std::string>(object, "series", {});
    info.bodyPart = get<std::string>(object, "bodyPart", {});
    info.isInverted = get<bool>(object, "inverted", false);
    if (object.contains("padding") && !object.at("padding").is_null()) {
        info.padding = get<std::array<double, 2>>(object, "padding");
    }
    if (object.contains("storedRange") && !object.at("storedRange").is_null()) {
        info.storedRange = get<std::array<double, 2>>(object, "storedRange");
    }
    const std::size_t count = geometry.size().voxels();
    std::vector<std::uint8_t> rgb;
    if (object.contains("colors") && !object.at("colors").is_null()) {
        rgb = MappedFile(get<std::string>(object, "colors"), count * 3).copy<std::uint8_t>();
    }
    return Volume(geometry, voxelsFrom(get<std::string>(object, "path"), voxelTypeFromString(get<std::string>(object, "type")), count), info, std::move(rgb));
}

View viewFromJson(const json& object)
{
    View view;
    view.plane = planeFromString(get<std::string>(object, "plane"));
    view.slice = get<int>(object, "slice");
    const auto window = get<std::vector<double>>(object, "window");
    if (window.size() != 2 || !std::isfinite(window[0]) || !(window[1] > 0)) {
        throw Error("window needs a centre and a width above 0", "arguments");
    }
    const int function = get<int>(object, "function", 0);
    if (function < int(VoiFunction::Automatic) || function > int(VoiFunction::Sigmoid)) {
        throw Error("there is no window function " + std::to_string(function), "arguments");
    }
    view.window = {window[0], window[1], {}, VoiFunction(function)};
    if (object.contains("table")) {
        view.window.table = std::make_shared<const std::vector<float>>(get<std::vector<float>>(object, "table"));
    }
    view.invert = get<bool>(object, "invert", false);
    view.flipHorizontal = get<bool>(object, "flipHorizontal", false);
    view.flipVertical = get<bool>(object, "flipVertical", false);
    if (object.contains("shutter") && !object.at("shutter").is_null()) {
        view.shutter = shutterFrom(object.at("shutter"));
    }
    return view;
}

std::vector<experts::Click> clicksFromJson(const json& array)
{
    std::vector<experts::Click> clicks;
    for (const json& object : array) {
        const auto place = get<std::vector<double>>(object, "place");
        if (place.size() != 3 || !std::all_of(place.begin(), place.end(), [](double value) { return std::isfinite(value); })) {
            throw Error("the place of a click needs three numbers", "arguments");
        }
        clicks.push_back({{place[0], place[1], place[2]}, get<bool>(object, "inside", true)});
    }
    return clicks;
}

std::vector<assistant::ChatMessage> historyFromJson(const json& array)
{
    std::vector<assistant::ChatMessage> history;
    for (const json& object : array) {
        assistant::ChatMessage message;
        const std::string role = get<std::string>(object, "role");
        if (role != "user" && role != "assistant" && role != "expert") {
            throw Error("a message has the unknown role '" + role + "' (known: user, assistant, expert)", "arguments");
        }
        message.role = role == "user" ? assistant::Role::User : role == "assistant" ? assistant::Role::Assistant : assistant::Role::Expert;
        message.text = get<std::string>(object, "text");
        message.modality = get<std::string>(object, "modality", {});
        for (const json& picture : get<json>(object, "pictures", json::array())) {
            message.pictures.push_back(pictureFrom(picture));
        }
        history.push_back(std::move(message));
    }
    return history;
}

json toJson(const Picture& picture) { return {{"width", picture.width}, {"height", picture.height}, {"rgb", base64(picture.rgb)}}; }

json toJson(const assistant::ChatMessage& message)
{
    json pictures = json::array();
    for (const Picture& picture : message.pictures) {
        pictures.push_back(toJson(picture));
    }
    const char* role = message.role == assistant::Role::User ? "user" : message.role == assistant::Role::Assistant ? "assistant" : "expert";
    return {{"role", role}, {"text", message.text}, {"modality", message.modality}, {"pictures", pictures}};
}

json toJson(const experts::ExpertCard& card)
{
    return {{"name", card.name}, {"modality", card.modality}, {"dicomModalities", card.dicomModalities}, {"bodyParts", card.bodyParts}, {"task", card.task}, {"overview", card.overview}, {"accuracy", card.limits.empty() ? card.accuracy : card.limits},
        {"arguments", card.arguments}, {"defaultArgument", card.defaultArgument}, {"version", card.version}, {"licence", card.licence}, {"weightsSha256", card.weightsSha256},
        {"examplePrompts", card.examplePrompts}, {"readerArguments", card.readerArguments}, {"channels", card.channels}, {"intendedUse", card.intendedUse},
        {"researchOnly", card.isResearchOnly}, {"takesClicks", card.takesClicks}};
}

json toJson(const assistant::ModelInfo& info)
{
    return {{"name", info.name}, {"version", info.version}, {"sha256", info.sha256}, {"licence", info.licence}, {"demo", info.isDemo}, {"conversation", info.conversation},
        {"imageSize", info.imageSize}, {"tokensPerImage", info.tokensPerImage}, {"parameters", info.parameters}, {"device", info.device}, {"deviceName", info.deviceName}, {"remark", info.remark}, {"dtype", info.dtype}, {"quantisation", info.quantisation}, {"weightBytes", info.weightBytes}};
}

MaskStore::~MaskStore()
{
    for (const int file : m_files) {
        close(file);
    }
}

json MaskStore::add(const LabelMap& mask)
{
    const int file = memfd_create("hounsfield-mask", MFD_CLOEXEC);
    const std::vector<LabelId>& voxels = mask.voxels();
    std::size_t written = 0;
    while (file >= 0 && written < voxels.size()) {
        const ssize_t count = write(file, voxels.data() + written, voxels.size() - written);
        if (count <= 0) {
            break;
        }
        written += std::size_t(count);
    }
    if (file < 0 || written < voxels.size()) {
        if (file >= 0) close(file);
        throw Error("there is no memory to hand over the mask", "memory");
    }
    m_files.push_back(file);
    constexpr std::size_t kKept = 8;
    if (m_files.size() > kKept) {
        close(m_files.front());
        m_files.pop_front();
    }
    json labels = json::array();
    for (const Label& label : mask.labels()) {
        labels.push_back({{"value", label.value}, {"name", label.name}, {"color", {label.color.r, label.color.g, label.color.b}}, {"code", label.snomedCode}, {"meaning", label.snomedMeaning}});
    }
    const Provenance& p = mask.provenance();
    json result = geometryJson(mask.geometry());
    result["path"] = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file);
    result["bytes"] = voxels.size();
    result["labels"] = labels;
    result["provenance"] = {{"expert", p.expert}, {"version", p.version}, {"weightsSha256", p.weightsSha256}, {"arguments", p.arguments}, {"timeUtc", p.timeUtc}, {"series", p.sourceSeriesUid}, {"notice", p.notice}};
    return result;
}

json toJson(const std::vector<experts::Score>& scores)
{
    json list = json::array();
    for (const experts::Score& score : scores) {
        const bool isTrained = score.trainedModels > 0;
        list.push_back({{"label", score.label}, {"positive", score.isPositive}, {"mean", score.mean}, {"trainedMean", isTrained ? json(score.trainedMean) : json()},
            {"lowest", isTrained ? json(score.lowest) : json()}, {"highest", isTrained ? json(score.highest) : json()}, {"trainedModels", score.trainedModels}, {"models", score.models}});
    }
    return list;
}

json toJson(const assistant::ExpertRun& run)
{
    json facts = json::array(), legend = json::array();
    for (const LabelFacts& fact : run.facts) {
        facts.push_back({{"value", fact.value}, {"voxels", fact.voxels}, {"volumeMl", fact.volumeMl}, {"mean", fact.meanValue}, {"sd", fact.sdValue}, {"min", fact.minValue}, {"max", fact.maxValue},
            {"largestSlice", fact.largestSlice}, {"centroid", {fact.centroid.x, fact.centroid.y, fact.centroid.z}}});
    }
    for (const LegendEntry& entry : run.legend) {
        legend.push_back({{"value", entry.value}, {"color", entry.colorName}, {"name", entry.labelName}});
    }
    return {{"expert", run.card.name}, {"version", run.card.version}, {"arguments", run.arguments}, {"sentence", run.sentence}, {"facts", facts}, {"legend", legend},
        {"scores", toJson(run.result.scores)}, {"licence", run.card.licence}, {"intendedUse", run.card.intendedUse}, {"notice", run.card.notice()}, {"weightsSha256", run.card.weightsSha256},
        {"milliseconds", run.milliseconds}, {"cached", run.wasCached}};
}

json toJson(const assistant::GenerationReport& report)
{
    return {{"promptTokens", report.promptTokens}, {"cachedTokens", report.cachedTokens}, {"newTokens", report.newTokens}, {"guidedCalls", report.guidedCalls}, {"encodeMs", report.encodeMs},
        {"prefillMs", report.prefillMs}, {"decodeMs", report.decodeMs}, {"firstTokenMs", report.firstTokenMs}};
}

std::string base64(std::span<const std::uint8_t> bytes)
{
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), int(bytes.size()));
    text.resize(std::size_t(length));
    return text;
}

std::vector<std::uint8_t> fromBase64(const std::string& text)
{
    std::vector<std::uint8_t> bytes(text.size() / 4 * 3 + 3);
    const int length = EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()), int(text.size()));
    if (length < 0) {
        throw Error("not Base64", "arguments");
    }
    std::size_t padding = 0;
    for (std::size_t n = text.size(); n > 0 && text[n - 1] == '=' && padding < 2; --n) {
        ++padding;
    }
    bytes.resize(std::size_t(length) - padding);
    return bytes;
}

} // namespace hf::app
