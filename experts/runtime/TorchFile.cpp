#include "experts/runtime/TorchFile.h"

#include "experts/runtime/MappedFile.h"
#include "experts/runtime/Pickle.h"
#include "experts/runtime/ZipDirectory.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>

namespace hf::runtime {

namespace {

using Kind = PickleValue::Kind;
using Ref = PickleValue::Ref;

constexpr std::size_t kLongestPickle = 64 << 20;

[[noreturn]] void refuse(const MappedFile& file, const std::string& reason)
{
    throw Error(file.name() + " cannot be read as weights: " + reason, "weights");
}

struct StorageClass { const char* name; at::ScalarType type; };
constexpr StorageClass kStorages[] = {{"FloatStorage", at::kFloat}, {"DoubleStorage", at::kDouble}, {"HalfStorage", at::kHalf},
    {"BFloat16Storage", at::kBFloat16}, {"LongStorage", at::kLong}, {"IntStorage", at::kInt}, {"ShortStorage", at::kShort}, {"CharStorage", at::kChar},
    {"ByteStorage", at::kByte}, {"BoolStorage", at::kBool}, {"UntypedStorage", at::kByte}};
constexpr StorageClass kTypes[] = {{"float32", at::kFloat}, {"float64", at::kDouble}, {"float16", at::kHalf}, {"bfloat16", at::kBFloat16}, {"int64", at::kLong},
    {"int32", at::kInt}, {"int16", at::kShort}, {"int8", at::kChar}, {"uint8", at::kByte}, {"bool", at::kBool}};

template <std::size_t N> const StorageClass* findClass(const StorageClass (&list)[N], std::string_view name)
{
    const auto* found = std::find_if(std::begin(list), std::end(list), [&](const StorageClass& entry) { return name == entry.name; });
    return found == std::end(list) ? nullptr : found;
}

/// The bytes of one storage, or of a part of one.
struct Storage {
    std::string_view bytes;
    at::ScalarType type;
};

using FindStorage = std::function<Storage(const PickleValue& persistent)>;

/// ('storage', class, key, location, numel[, view]) with every member looked at.
struct StorageId {
    at::ScalarType type;
    std::string key;
    std::uint64_t count;
    std::uint64_t viewOffset = 0, viewCount = 0;
};

StorageId parseStorageId(const MappedFile& file, const PickleValue& id)
{
    const auto& items = id.items;
    if (items.size() < 5 || !items[1]->is(Kind::Symbol) || !items[2]->is(Kind::Text) || !items[4]->is(Kind::Int) || items[4]->integer < 0) {
        refuse(file, "a storage without type, key or size");
    }
    const StorageClass* known = items[1]->text.starts_with("torch") ? findClass(kStorages, items[1]->name) : nullptr;
    if (!known) {
        refuse(file, "a storage of the unknown type " + std::string(items[1]->name));
    }
    StorageId parsed{known->type, std::string(items[2]->text), std::uint64_t(items[4]->integer)};
    parsed.viewCount = parsed.count;
    if (items.size() > 5 && !items[5]->is(Kind::None)) {
        const auto& view = items[5]->items;
        if (view.size() != 3 || !view[1]->is(Kind::Int) || !view[2]->is(Kind::Int) || view[1]->integer < 0 || view[2]->integer < 0 ||
            std::uint64_t(view[1]->integer) > parsed.count || std::uint64_t(view[2]->integer) > parsed.count - std::uint64_t(view[1]->integer)) {
            refuse(file, "a part of a storage that lies outside it");
        }
        parsed.viewOffset = std::uint64_t(view[1]->integer);
        parsed.viewCount = std::uint64_t(view[2]->integer);
    }
    return parsed;
}

/// The part that an id means of a storage's bytes. @throws when the bytes are not as many as the id says.
Storage storageOf(const MappedFile& file, const StorageId& id, std::string_view bytes)
{
    const std::uint64_t size = c10::elementSize(id.type);
    if (id.count > bytes.size() || bytes.size() != id.count * size) {
        refuse(file, "storage " + id.key + " has " + std::to_string(bytes.size()) + " bytes, not " + std::to_string(id.count) + " elements");
    }
    return {bytes.substr(id.viewOffset * size, id.viewCount * size), id.type};
}

/// Makes tensors from the values of a pickle and collects them by name.
class TensorCollector {
public:
    TensorCollector(std::shared_ptr<const MappedFile> file, FindStorage findStorage) : m_file(std::move(file)), m_findStorage(std::move(findStorage)) {}

    TensorMap collect(Ref root)
    {
        for (int depth = 0; depth < 4; ++depth) {
            Ref inner = nullptr;
            for (const char* key : {"model", "state_dict", "network", "net"}) {
                const Ref candidate = inner ? nullptr : root->find(key);
                inner = candidate && (candidate->is(Kind::Dict) || isModule(*candidate)) ? candidate : inner;
            }
            if (!inner) {
                break;
            }
            root = inner;
        }
        if (root->is(Kind::Dict)) {
            addDict(*root, "", 0);
        } else if (isModule(*root)) {
            addModule(*root, "", 0);
        } else {
            refuse(*m_file, "it holds neither a state dict nor a module");
        }
        return std::move(m_tensors);
    }

private:
    static bool isModule(const PickleValue& value)
    {
        return value.is(Kind::Record) && value.state && value.state->is(Kind::Dict) && value.state->find("_parameters") && value.state->find("_modules");
    }

    static bool isTensorRecord(const PickleValue& value)
    {
        return value.is(Kind::Record) && (value.symbol->text == "torch._utils" || value.symbol->text == "torch.nn.parameter") && value.symbol->name.starts_with("_rebuild_");
    }

    /// Sharing lets few bytes describe endless trees; what is walked is bounded.
    void spend(std::size_t steps, int depth)
    {
        constexpr std::size_t kMostSteps = 20'000'000;
        constexpr int kDeepest = 64;
        m_steps += steps;
        if (m_steps > kMostSteps || depth > kDeepest) {
            refuse(*m_file, "its modules are nested without end");
        }
    }

    std::string join(const std::string& prefix, const PickleValue& key) const
    {
        constexpr std::size_t kLongestName = 1000;
        if (!key.is(Kind::Text) || prefix.size() + key.text.size() > kLongestName) {
            refuse(*m_file, "a tensor under " + (prefix.empty() ? "the top" : prefix) + " has no usable name");
        }
        return prefix + std::string(key.text);
    }

    void addDict(const PickleValue& dict, const std::string& prefix, int depth)
    {
        spend(dict.items.size(), depth);
        for (std::size_t n = 0; n + 1 < dict.items.size(); n += 2) {
            const PickleValue& value = *dict.items[n + 1];
            if (isTensorRecord(value)) {
                const std::string name = join(prefix, *dict.items[n]);
                add(name, tensorOf(value, name));
            } else if (!isPlainValue(value)) {
                refuse(*m_file, "beside tensors it holds " + describe(value) + " under '" + join(prefix, *dict.items[n]) + "'");
            }
        }
    }

    static bool isPlainValue(const PickleValue& value)
    {
        return value.is(Kind::None) || value.is(Kind::Bool) || value.is(Kind::Int) || value.is(Kind::Float) || value.is(Kind::Text) || value.is(Kind::Bytes);
    }

    static std::string describe(const PickleValue& value)
    {
        if (value.is(Kind::Symbol)) {
            return "the function or class " + std::string(value.text) + "." + std::string(value.name);
        }
        return value.is(Kind::Record) ? "an object of " + std::string(value.symbol->text) + "." + std::string(value.symbol->name) : "a collection";
    }

    void addModule(const PickleValue& module, const std::string& prefix, int depth)
    {
        spend(1 + module.state->items.size(), depth);
        const std::set<std::string_view> skipped = nonPersistent(*module.state, depth);
        for (const char* group : {"_parameters", "_buffers"}) {
            const Ref entries = module.state->find(group);
            for (std::size_t n = 0; entries && n + 1 < entries->items.size(); n += 2) {
                spend(1, depth);
                const PickleValue &key = *entries->items[n], &value = *entries->items[n + 1];
                const std::string name = join(prefix, key);
                if (value.is(Kind::None) || skipped.contains(key.text)) {
                    continue;
                }
                if (!isTensorRecord(value)) {
                    refuse(*m_file, "parameter '" + name + "' is no tensor");
                }
                add(name, tensorOf(value, name));
            }
        }
        const Ref modules = module.state->find("_modules");
        for (std::size_t n = 0; n + 1 < modules->items.size(); n += 2) {
            spend(1, depth);
            const PickleValue& child = *modules->items[n + 1];
            if (child.is(Kind::None)) {
                continue;
            }
            const std::string name = join(prefix, *modules->items[n]);
            if (!isModule(child)) {
                refuse(*m_file, "module '" + name + "' is no module");
            }
            addModule(child, name + ".", depth + 1);
        }
    }

    std::set<std::string_view> nonPersistent(const PickleValue& state, int depth)
    {
        std::set<std::string_view> names;
        const Ref found = state.find("_non_persistent_buffers_set");
        spend(found ? found->items.size() : 0, depth);
        for (std::size_t n = 0; found && n < found->items.size(); ++n) {
            names.insert(found->items[n]->text);
        }
        return names;
    }

    void add(const std::string& name, at::Tensor tensor)
    {
        constexpr std::size_t kMostTensors = 100'000;
        if (m_tensors.size() >= kMostTensors) {
            refuse(*m_file, "it has too many tensors");
        }
        if (!m_tensors.emplace(name, std::move(tensor)).second) {
            refuse(*m_file, "tensor '" + name + "' stands twice");
        }
    }

    /// Unwraps parameters down to the record of a tensor.
    at::Tensor tensorOf(const PickleValue& record, const std::string& name) const
    {
        const PickleValue* tensor = &record;
        for (int depth = 0; depth < 3 && tensor->symbol->name.starts_with("_rebuild_parameter") && !tensor->arguments->items.empty(); ++depth) {
            tensor = tensor->arguments->items[0];
            if (!isTensorRecord(*tensor)) {
                refuse(*m_file, "parameter '" + name + "' is no tensor");
            }
        }
        const auto& arguments = tensor->arguments->items;
        const std::string_view function = tensor->symbol->name;
        const bool isPlain = function == "_rebuild_tensor" || function == "_rebuild_tensor_v2" || function == "_rebuild_tensor_v3";
        if (!isPlain || arguments.size() < 4 || !arguments[0]->is(Kind::Persistent)) {
            refuse(*m_file, "tensor '" + name + "' is of the kind " + std::string(function) + ", which is not read");
        }
        Storage storage = m_findStorage(*arguments[0]);
        if (function == "_rebuild_tensor_v3") {
            storage.type = typeArgument(arguments, name);
        }
        return view(storage, integer(*arguments[1], name), integers(*arguments[2], name), integers(*arguments[3], name), name);
    }

    at::ScalarType typeArgument(const std::vector<Ref>& arguments, const std::string& name) const
    {
        const bool isType = arguments.size() > 6 && arguments[6]->is(Kind::Symbol) && arguments[6]->text == "torch";
        const StorageClass* known = isType ? findClass(kTypes, arguments[6]->name) : nullptr;
        if (!known) {
            refuse(*m_file, "tensor '" + name + "' has a type that is not read");
        }
        return known->type;
    }

    std::int64_t integer(const PickleValue& value, const std::string& name) const
    {
        constexpr std::int64_t kMost = std::int64_t(1) << 48;
        if (!value.is(Kind::Int) || value.integer < 0 || value.integer > kMost) {
            refuse(*m_file, "tensor '" + name + "' has an impossible size or place");
        }
        return value.integer;
    }

    std::vector<std::int64_t> integers(const PickleValue& value, const std::string& name) const
    {
        constexpr std::size_t kMostAxes = 16;
        if ((!value.is(Kind::Tuple) && !value.is(Kind::List)) || value.items.size() > kMostAxes) {
            refuse(*m_file, "tensor '" + name + "' has no shape");
        }
        std::vector<std::int64_t> numbers;
        for (const Ref item : value.items) {
            numbers.push_back(integer(*item, name));
        }
        return numbers;
    }

    at::Tensor view(const Storage& storage, std::int64_t offset, const std::vector<std::int64_t>& sizes, const std::vector<std::int64_t>& strides, const std::string& name) const
    {
        const std::uint64_t itemSize = c10::elementSize(storage.type), available = storage.bytes.size() / itemSize;
        const std::uint64_t needed = elementsNeeded(std::uint64_t(offset), sizes, strides, available, name);
        const auto options = at::TensorOptions().dtype(storage.type);
        if (needed == 0) {
            return at::empty(sizes, options);
        }
        const char* place = storage.bytes.data() + std::uint64_t(offset) * itemSize;
        if (reinterpret_cast<std::uintptr_t>(place) % itemSize == 0) {
            return at::from_blob(const_cast<char*>(place), sizes, strides, [file = m_file](void*) {}, options);  // views are never written to
        }
        // The older stream does not align its data.
        const at::Tensor copy = at::empty({std::int64_t(needed)}, options);
        std::memcpy(copy.data_ptr(), place, needed * itemSize);
        return copy.as_strided(sizes, strides);
    }

    /// Elements from the first to the last that the tensor touches; 0 for an empty one. Strides of 0 or shared places would let a few
    /// bytes pose as a large tensor, so a tensor has no more elements than its storage.
    std::uint64_t elementsNeeded(std::uint64_t offset, const std::vector<std::int64_t>& sizes, const std::vector<std::int64_t>& strides, std::uint64_t available,
        const std::string& name) const
    {
        if (strides.size() != sizes.size()) {
            refuse(*m_file, "tensor '" + name + "' has strides that do not fit its shape");
        }
        if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) {
            checkEmpty(sizes, name);
            return 0;
        }
        unsigned __int128 last = offset, count = 1;
        for (std::size_t n = 0; n < sizes.size(); ++n) {
            last += static_cast<unsigned __int128>(sizes[n] - 1) * std::uint64_t(strides[n]);
            count *= std::uint64_t(sizes[n]);
            if (last >= available || count > available) {
                refuse(*m_file, "tensor '" + name + "' is larger than its storage");
            }
        }
        if (last >= available) {
            refuse(*m_file, "tensor '" + name + "' is larger than its storage");
        }
        return std::uint64_t(last) - offset + 1;
    }

    /// The strides of an empty tensor must be numbers too.
    void checkEmpty(const std::vector<std::int64_t>& sizes, const std::string& name) const
    {
        constexpr std::int64_t kMost = std::int64_t(1) << 48;
        std::int64_t count = 1;
        for (const std::int64_t size : sizes) {
            if (size > 0 && count > kMost / size) {
                refuse(*m_file, "tensor '" + name + "' has an impossible size or place");
            }
            count *= std::max<std::int64_t>(size, 1);
        }
    }

    std::shared_ptr<const MappedFile> m_file;
    FindStorage m_findStorage;
    TensorMap m_tensors;
    std::size_t m_steps = 0;
};

TensorMap readArchive(const std::shared_ptr<const MappedFile>& file)
{
    const auto members = zipMembers(*file);
    constexpr std::string_view kPickle = "/data.pkl";
    std::string root;
    for (const auto& [name, data] : members) {
        if (name.ends_with("/constants.pkl") || name == "constants.pkl") {
            refuse(*file, "it is TorchScript, which is code; give the state dict instead, or allow the folder of the expert");
        }
        if (name.ends_with(kPickle) && name.find('/') == name.size() - kPickle.size()) {
            root = name.substr(0, name.size() - kPickle.size());
        }
    }
    const auto contentOf = [&](const std::string& name) {
        const auto found = members.find(root + name);
        if (found == members.end() || !found->second) {
            refuse(*file, "the archive has no " + name.substr(1) + ", or it is compressed");
        }
        return *found->second;
    };
    if (members.contains(root + "/byteorder") && contentOf("/byteorder") != "little") {
        refuse(*file, "its numbers are big-endian");
    }
    const std::string_view pickled = contentOf(std::string(kPickle));
    if (pickled.size() > kLongestPickle) {
        refuse(*file, "its data.pkl is too long");
    }
    Pickle pickle(pickled);
    const Ref value = pickle.next();
    return TensorCollector(file, [&](const PickleValue& persistent) {
        const StorageId id = parseStorageId(*file, persistent);
        return storageOf(*file, id, contentOf("/data/" + id.key));
    }).collect(value);
}

/// The older stream: magic number, protocol, system, object, keys of the storages, and their data in the order of the keys.
class LegacyStream {
public:
    explicit LegacyStream(std::shared_ptr<const MappedFile> file)
        : m_file(std::move(file)), m_pickle(m_file->view().substr(0, kLongestPickle))
    {
    }

    TensorMap read()
    {
        m_pickle.next();
        const Ref protocol = m_pickle.next(), system = m_pickle.next();
        if (!protocol->is(Kind::Int) || protocol->integer != 1001) {
            refuse(*m_file, "its protocol is not 1001");
        }
        if (const Ref little = system->find("little_endian"); little && !little->integer) {
            refuse(*m_file, "its numbers are big-endian");
        }
        const Ref object = m_pickle.next();
        readStorages(*m_pickle.next());
        return TensorCollector(m_file, [&](const PickleValue& persistent) {
            const StorageId id = parseStorageId(*m_file, persistent);
            const auto found = m_storages.find(id.key);
            if (found == m_storages.end()) {
                refuse(*m_file, "storage " + id.key + " is not in the file");
            }
            return storageOf(*m_file, id, found->second);
        }).collect(object);
    }

private:
    void readStorages(const PickleValue& keys)
    {
        std::map<std::string, std::uint64_t> itemSizes;
        for (const PickleValue& value : m_pickle.values()) {
            if (value.is(Kind::Persistent)) {
                const StorageId id = parseStorageId(*m_file, value);
                itemSizes[id.key] = c10::elementSize(id.type);
            }
        }
        std::string_view rest = m_file->view().substr(m_pickle.position());
        for (const Ref key : keys.items) {
            const auto size = itemSizes.find(std::string(key->text));
            std::uint64_t count = 0;
            if (!key->is(Kind::Text) || size == itemSizes.end() || rest.size() < sizeof count) {
                refuse(*m_file, "its list of storages is broken or cut off");
            }
            std::memcpy(&count, rest.data(), sizeof count);
            rest.remove_prefix(sizeof count);
            if (count > rest.size() / size->second) {
                refuse(*m_file, "it is cut off in storage " + size->first);
            }
            m_storages[size->first] = rest.substr(0, count * size->second);
            rest.remove_prefix(count * size->second);
        }
        if (!rest.empty()) {
            refuse(*m_file, "it does not end with its last storage");
        }
    }

    std::shared_ptr<const MappedFile> m_file;
    Pickle m_pickle;
    std::map<std::string, std::string_view> m_storages;
};

bool isLegacy(std::string_view bytes)
{
    return bytes.starts_with(std::string_view("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15));
}

bool isTar(std::string_view bytes) { return bytes.size() > 262 && bytes.substr(257, 5) == "ustar"; }

} // namespace

TensorMap readTorchFile(const std::shared_ptr<const MappedFile>& file)
{
    const std::string_view bytes = file->view();
    try {
        if (bytes.starts_with("PK\x03\x04")) {
            return readArchive(file);
        }
        if (isLegacy(bytes)) {
            return LegacyStream(file).read();
        }
    } catch (const PickleError& error) {
        refuse(*file, error.what());
    }
    refuse(*file, isTar(bytes) ? "it is the tar of PyTorch before 0.1.10; save it again with a newer PyTorch" : "it is no file that torch.save writes");
}

} // namespace hf::runtime
