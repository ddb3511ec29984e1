#include "experts/runtime/Safetensors.h"

#include "experts/runtime/MappedFile.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <set>

namespace hf::runtime {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

struct TypeName { const char* name; at::ScalarType type; };
constexpr TypeName kTypes[] = {{"F32", at::kFloat}, {"F16", at::kHalf}, {"BF16", at::kBFloat16}, {"F64", at::kDouble}, {"I64", at::kLong},
    {"I32", at::kInt}, {"I16", at::kShort}, {"I8", at::kChar}, {"U8", at::kByte}, {"BOOL", at::kBool}};

template <typename Test> const TypeName* findType(Test test)
{
    const auto* place = std::find_if(std::begin(kTypes), std::end(kTypes), test);
    return place == std::end(kTypes) ? nullptr : place;
}

struct Entry {
    std::string name;
    at::ScalarType type;
    std::vector<std::int64_t> shape;
    std::uint64_t begin, end;
};

[[noreturn]] void refuse(const MappedFile& file, const std::string& reason)
{
    throw Error(file.name() + " is not a valid safetensors file: " + reason, "weights");
}

/// Elements of a shape, guarded against overflow; so are the strides of an empty one.
std::uint64_t countOf(const MappedFile& file, const std::vector<std::int64_t>& shape)
{
    constexpr std::uint64_t kMost = std::uint64_t(1) << 48;
    std::uint64_t count = 1;
    bool isEmpty = false;
    for (const std::int64_t size : shape) {
        if (size < 0 || (size > 0 && count > kMost / std::uint64_t(size))) {
            refuse(file, "an impossible shape");
        }
        isEmpty = isEmpty || size == 0;
        count *= std::uint64_t(std::max<std::int64_t>(size, 1));
    }
    return isEmpty ? 0 : count;
}

/// The JSON library would round other numbers.
bool areIntegers(const json& list)
{
    return list.is_array() && std::all_of(list.begin(), list.end(), [](const json& item) { return item.is_number_integer(); });
}

Entry parseEntry(const MappedFile& file, const std::string& name, const json& item)
{
    Entry entry{name, at::kFloat, {}, 0, 0};
    std::string type;
    try {
        type = item.at("dtype").get<std::string>();
        if (!areIntegers(item.at("shape")) || !areIntegers(item.at("data_offsets"))) {
            refuse(file, "the entry of tensor " + name);
        }
        entry.shape = item.at("shape").get<std::vector<std::int64_t>>();
        const auto offsets = item.at("data_offsets").get<std::vector<std::int64_t>>();
        if (offsets.size() != 2 || offsets[0] < 0 || offsets[1] < offsets[0]) {
            refuse(file, "the offsets of tensor " + name);
        }
        entry.begin = std::uint64_t(offsets[0]);
        entry.end = std::uint64_t(offsets[1]);
    } catch (const json::exception&) {
        refuse(file, "the entry of tensor " + name);
    }
    const TypeName* known = findType([&](const TypeName& candidate) { return type == candidate.name; });
    if (!known) {
        refuse(file, "tensor " + name + " has the unsupported type " + type);
    }
    entry.type = known->type;
    if (entry.end - entry.begin != countOf(file, entry.shape) * c10::elementSize(entry.type)) {
        refuse(file, "tensor " + name + " does not fill its place");
    }
    return entry;
}

/// Duplicate names are refused; the parser alone would keep the last. So are lists longer than a shape and deep nesting, before they take memory.
json parseHeader(const MappedFile& file, const char* begin, std::size_t size)
{
    constexpr int kDeepest = 8;
    constexpr int kMostAxes = 64;
    std::set<std::string> seen, seenInside;
    int inList = 0;
    const auto callback = [&](int depth, json::parse_event_t event, json& parsed) {
        using Event = json::parse_event_t;
        if (depth >= kDeepest) {
            refuse(file, "the header is nested too deeply");
        }
        if (event == Event::object_start) {
            seenInside.clear();
        }
        if (event == Event::key && !(depth == 1 ? seen : seenInside).insert(parsed.get<std::string>()).second) {
            refuse(file, depth == 1 ? "a tensor that stands twice" : "a member that stands twice");
        }
        inList = event == Event::array_start ? 0 : inList + (event == Event::value);
        if (inList > kMostAxes && event == Event::value && depth > 2) {
            refuse(file, "a list that is too long for a shape");
        }
        return true;
    };
    json header = json::parse(begin, begin + size, callback, false);
    if (!header.is_object()) {
        refuse(file, "the header is not a JSON object");
    }
    return header;
}

/// @param dataBegin  receives where the tensors begin in the file.
std::vector<Entry> parseEntries(const MappedFile& file, std::uint64_t& dataBegin)
{
    constexpr std::uint64_t kLongestHeader = 100'000'000;
    if (file.size() < 10) {
        refuse(file, "shorter than a header");
    }
    if (file.view().starts_with("version https://git-lfs")) {
        refuse(file, "it is only a pointer of Git LFS; fetch the file itself");
    }
    std::uint64_t size = 0;
    std::memcpy(&size, file.bytes(), sizeof size);   // little endian, as x86-64 is
    if (size > kLongestHeader || size > file.size() - 8 || file.bytes()[8] != '{') {
        refuse(file, "the length of the header");
    }
    dataBegin = 8 + size;
    std::vector<Entry> entries;
    const json header = parseHeader(file, file.bytes() + 8, size);
    for (const auto& [name, item] : header.items()) {
        if (name != "__metadata__") {
            entries.push_back(parseEntry(file, name, item));
        }
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
    std::uint64_t place = 0;
    for (const Entry& entry : entries) {
        if (entry.begin != place) {
            refuse(file, "a gap or an overlap at tensor " + entry.name);
        }
        place = entry.end;
    }
    if (place != file.size() - dataBegin) {
        refuse(file, place > file.size() - dataBegin ? "it ends too early (is the download complete?)" : "more data than its tensors have");
    }
    return entries;
}

void readFile(const std::shared_ptr<const MappedFile>& file, TensorMap& tensors)
{
    std::uint64_t dataBegin = 0;
    for (const Entry& entry : parseEntries(*file, dataBegin)) {
        char* place = const_cast<char*>(file->bytes()) + dataBegin + entry.begin;   // views are never written to
        const auto options = at::TensorOptions().dtype(entry.type);
        at::Tensor tensor;
        if (reinterpret_cast<std::uintptr_t>(place) % c10::elementSize(entry.type)) {
            tensor = at::empty(entry.shape, options);   // the format does not promise alignment
            std::memcpy(tensor.data_ptr(), place, entry.end - entry.begin);
        } else {
            tensor = at::from_blob(place, entry.shape, [file](void*) {}, options);
        }
        if (!tensors.emplace(entry.name, std::move(tensor)).second) {
            refuse(*file, "tensor " + entry.name + " stands in another file too");
        }
    }
}

std::vector<fs::path> filesOfIndex(const fs::path& index)
{
    std::ifstream stream(index);
    const json content = json::parse(stream, nullptr, false);
    if (!content.is_object() || !content.contains("weight_map") || !content["weight_map"].is_object()) {
        throw Error(index.string() + " has no weight_map", "weights");
    }
    std::set<fs::path> files;
    for (const auto& [name, shard] : content["weight_map"].items()) {
        const fs::path file = shard.is_string() ? fs::path(shard.get<std::string>()) : fs::path();
        if (file.empty() || file != file.filename()) {
            throw Error(index.string() + " names a shard outside its folder", "weights");
        }
        if (!fs::exists(index.parent_path() / file)) {
            throw Error(index.string() + " names " + file.string() + ", which is not there", "weights");
        }
        files.insert(index.parent_path() / file);
    }
    return {files.begin(), files.end()};
}

} // namespace

std::vector<fs::path> safetensorsFiles(const fs::path& path)
{
    if (!fs::is_directory(path)) {
        return path.extension() == ".json" ? filesOfIndex(path) : std::vector<fs::path>{path};
    }
    // As transformers: one file before an index, which may be left over from before.
    if (const fs::path single = path / "model.safetensors"; fs::exists(single)) {
        return {single};
    }
    if (const fs::path index = path / "model.safetensors.index.json"; fs::exists(index)) {
        return filesOfIndex(index);
    }
    for (const auto& entry : fs::directory_iterator(path)) {
        if (entry.path().extension() == ".bin") {
            throw Error(entry.path().string() + " is in the old PyTorch format, which is not read; convert it to safetensors", "weights");
        }
    }
    throw Error("no model.safetensors and no model.safetensors.index.json in " + path.string(), "weights");
}

TensorMap readSafetensors(const fs::path& path)
{
    TensorMap tensors;
    for (const fs::path& file : safetensorsFiles(path)) {
        readFile(MappedFile::open(file), tensors);
    }
    return tensors;
}

TensorMap readSafetensors(const std::shared_ptr<const MappedFile>& file)
{
    TensorMap tensors;
    readFile(file, tensors);
    return tensors;
}

void writeSafetensors(const fs::path& file, const TensorMap& tensors, const std::map<std::string, std::string>& metadata)
{
    json header = json::object();
    if (!metadata.empty()) {
        header["__metadata__"] = metadata;
    }
    std::uint64_t place = 0;
    std::vector<at::Tensor> ordered;
    for (const auto& [name, tensor] : tensors) {
        const TypeName* type = findType([wanted = tensor.scalar_type()](const TypeName& candidate) { return wanted == candidate.type; });
        if (!type) {
            throw Error("tensor " + name + " has a type that safetensors files do not hold", "weights");
        }
        ordered.push_back(tensor.detach().to(at::kCPU).contiguous());
        const std::uint64_t end = place + std::uint64_t(tensor.numel()) * tensor.element_size();
        header[name] = {{"dtype", type->name}, {"shape", tensor.sizes().vec()}, {"data_offsets", {place, end}}};
        place = end;
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');    // the data begins at a multiple of 8
    const fs::path temporary = file.string() + ".part";
    std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
    const std::uint64_t size = text.size();
    stream.write(reinterpret_cast<const char*>(&size), 8);
    stream.write(text.data(), std::streamsize(text.size()));
    for (const at::Tensor& tensor : ordered) {
        stream.write(static_cast<const char*>(tensor.data_ptr()), std::streamsize(tensor.numel() * std::int64_t(tensor.element_size())));
    }
    stream.close();
    if (!stream) {
        std::error_code error;
        fs::remove(temporary, error);
        throw Error("cannot write " + file.string(), "file");
    }
    fs::rename(temporary, file);
}

} // namespace hf::runtime
