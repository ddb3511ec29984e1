#include "experts/runtime/MappedFile.h"
#include "experts/runtime/Safetensors.h"
#include "experts/runtime/WeightFile.h"
#include "support/Check.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>

#include <unistd.h>

using namespace hf;
using namespace hf::runtime;
using namespace std::string_literals;

namespace {

const std::filesystem::path kFolder = HF_SOURCE_DIR "/tests/data/weights";

std::vector<char> bytesOf(const std::filesystem::path& file)
{
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

TensorMap parse(const std::string& bytes) { return readWeights(MappedFile::fromBytes({bytes.begin(), bytes.end()}, "made.pt")); }

/// The reason of a refusal; empty when the file was read.
std::string reasonOf(const std::function<void()>& read)
{
    try {
        read();
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}

const char* nameOf(at::ScalarType type)
{
    switch (type) {
    case at::kFloat: return "float32";
    case at::kDouble: return "float64";
    case at::kHalf: return "float16";
    case at::kBFloat16: return "bfloat16";
    case at::kLong: return "int64";
    case at::kInt: return "int32";
    case at::kShort: return "int16";
    case at::kChar: return "int8";
    case at::kByte: return "uint8";
    case at::kBool: return "bool";
    default: return "?";
    }
}

// A legacy stream around a hand-made pickle of the object; no storages unless given.
std::string legacy(const std::string& object, const std::string& keys = "\x80\x02].", const std::string& data = "")
{
    return "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"s + "\x80\x02M\xe9\x03."s + "\x80\x02}X\x0d\0\0\0little_endian\x88s."s + "\x80\x02"s + object + "." + keys + data;
}

std::string text(const std::string& value) { return "X"s + char(value.size()) + "\0\0\0"s + value; }

/// One tensor under the name "w" over a storage of `count` floats, with a shape and strides given as pickled tuples.
std::string oneTensor(int count, const std::string& offset, const std::string& sizes, const std::string& strides)
{
    const std::string storage = "("s + text("storage") + "ctorch\nFloatStorage\n" + text("7") + text("cpu") + "K"s + char(count) + "NtQ";
    const std::string tensor = "ctorch._utils\n_rebuild_tensor_v2\n("s + storage + offset + sizes + strides + "\x89}t"s + "R";
    std::string data(8, '\0');
    data[0] = char(count);
    return legacy("}"s.append(text("w")).append(tensor) + "s", "\x80\x02]"s + text("7") + "a.", data + std::string(std::size_t(count) * 4, '\0'));
}

} // namespace

HF_TEST(files_of_pytorch_are_read_as_pytorch_reads_them)
{
    const auto expected = nlohmann::json::parse(std::ifstream(kFolder / "expected.json"));
    for (const auto& [file, rows] : expected["files"].items()) {
        const TensorMap tensors = readWeights(kFolder / file);
        HF_CHECK_EQUAL(tensors.size(), rows.size());
        for (const auto& [name, row] : rows.items()) {
            const auto found = tensors.find(name);
            if (found == tensors.end()) {
                test::fail(file.c_str(), 0, "no tensor " + name);
                continue;
            }
            HF_CHECK_EQUAL(nameOf(found->second.scalar_type()), row["dtype"].get<std::string>());
            HF_CHECK(found->second.sizes().vec() == row["shape"].get<std::vector<std::int64_t>>());
            const at::Tensor values = found->second.to(at::kDouble).contiguous();
            for (std::int64_t n = 0; n < values.numel(); ++n) {
                HF_CHECK_EQUAL(values.const_data_ptr<double>()[n], row["values"][std::size_t(n)].get<double>());
            }
        }
    }
}

HF_TEST(tensors_of_an_archive_are_views_on_the_file)
{
    const auto file = MappedFile::open(kFolder / "state_zip.pt");
    const TensorMap tensors = readWeights(file);
    const char* place = static_cast<const char*>(tensors.at("float32").const_data_ptr());
    HF_CHECK(place >= file->bytes() && place < file->bytes() + file->size());
    HF_CHECK(tensors.at("shared.a").const_data_ptr() != tensors.at("shared.b").const_data_ptr());
    HF_CHECK(tensors.at("shared.a")[4].equal(tensors.at("shared.b")[0]));
}

HF_TEST(tensors_outlive_the_reader)
{
    at::Tensor kept;
    {
        kept = readWeights(kFolder / "state_zip.pt").at("float32");
    }
    HF_CHECK_NEAR(kept.sum().item<double>(), 276.0 / 7, 1e-4);
}

HF_TEST(what_is_no_tensor_is_refused_with_the_reason)
{
    HF_CHECK(reasonOf([] { readWeights(kFolder / "torchscript.pt"); }).find("TorchScript, which is code") != std::string::npos);
    HF_CHECK(reasonOf([] { readWeights(kFolder / "with_function.pt"); }).find("print") != std::string::npos);
    HF_CHECK(reasonOf([] { readWeights(kFolder / "no such file"); }).find("cannot read") != std::string::npos);
    HF_CHECK(reasonOf([] { parse("hello"); }).find("no file that torch.save writes") != std::string::npos);
    HF_CHECK(reasonOf([] { parse(""); }).find("no file") != std::string::npos);
    HF_CHECK(reasonOf([] { parse(std::string(257, '\0') + "ustar" + std::string(300, '\0')); }).find("tar") != std::string::npos);
    // A call of os.system stays an inert record, and a record is no state dict.
    HF_CHECK(reasonOf([] { parse(legacy("cos\nsystem\n" + text("touch /tmp/hf-was-run") + "\x85R")); }).find("neither a state dict nor a module") != std::string::npos);
    HF_CHECK(!std::filesystem::exists("/tmp/hf-was-run"));
    HF_CHECK(reasonOf([] { parse(legacy("}"s.append(text("w")) + "cos\nsystem\n)Rs")); }).find("os.system") != std::string::npos);
    // Operation codes that could reach outside: INST, OBJ, PERSID, EXT1.
    for (const char* object : {"(ios\nsystem\n", "(cos\nsystem\no", "Pabc\n", "\x82\x01"}) {
        HF_CHECK(reasonOf([&] { parse(legacy(object)); }).find("is not allowed") != std::string::npos);
    }
    HF_CHECK(reasonOf([] { parse(legacy("}")); }).find("holds no tensors") != std::string::npos);
}

HF_TEST(a_tensor_must_fit_its_storage)
{
    HF_CHECK_EQUAL(parse(oneTensor(6, "K\0"s, "K\x02K\x03\x86", "K\x03K\x01\x86")).at("w").numel(), 6);
    HF_CHECK_EQUAL(parse(oneTensor(6, "K\x05"s, ")", ")")).at("w").dim(), 0);
    // Too far, too many, stride 0, a negative size, a size beyond memory, strides of another rank, an offset past the end.
    for (const std::string& bytes : {oneTensor(6, "K\x01", "K\x02K\x03\x86", "K\x03K\x01\x86"), oneTensor(6, "K\0"s, "K\x02K\x04\x86", "K\x04K\x01\x86"),
             oneTensor(6, "K\0"s, "K\x07\x85", "K\0\x85"s), oneTensor(6, "K\0"s, "J\xff\xff\xff\xff\x85", "K\x01\x85"),
             oneTensor(6, "K\0"s, "\x8a\x07\xff\xff\xff\xff\xff\xff\x7f\x85", "K\x01\x85"), oneTensor(6, "K\0"s, "K\x02\x85", ")"), oneTensor(6, "K\x06", ")", ")")}) {
        HF_CHECK(!reasonOf([&] { parse(bytes); }).empty());
    }
    std::string cut = oneTensor(6, "K\0"s, "K\x06\x85", "K\x01\x85");
    cut.pop_back();
    HF_CHECK(reasonOf([&] { parse(cut); }).find("cut off") != std::string::npos);
}

HF_TEST(endless_structures_end)
{
    // A list that holds itself, as the state of a module that is its own child.
    const std::string self = "cm\nM\n)\x81q\x01}(" + text("_parameters") + "}" + text("_modules") + "}" + text("a") + "h\x01s" + "ub";
    HF_CHECK(reasonOf([&] { parse(legacy(self)); }).find("nested without end") != std::string::npos);
    // Sixty levels, each holding the one below twice: 2^60 modules.
    std::string level = "cm\nM\n)\x81}(" + text("_parameters") + "}" + text("_modules") + "}ub";
    for (int n = 0; n < 60; ++n) {
        level = level + "q\x02" + "0cm\nM\n)\x81}(" + text("_parameters") + "}" + text("_modules") + "}(" + text("a") + "h\x02" + text("b") + "h\x02u" + "ub";
    }
    HF_CHECK(reasonOf([&] { parse(legacy(level)); }).find("nested without end") != std::string::npos);
    // A long list that is copied again and again.
    std::string copies = "](" + std::string(200'000, 'N') + "eq\x01";
    for (int n = 0; n < 2'000; ++n) {
        copies += "cbuiltins\nset\nh\x01\x85R0";
    }
    HF_CHECK(reasonOf([&] { parse(legacy(copies)); }).find("too many values") != std::string::npos);
}

namespace {

/// A safetensors file of four floats.
std::string safetensors(const std::string& header)
{
    std::string size(8, '\0');
    for (std::size_t n = 0; n < 4; ++n) {
        size[n] = char(header.size() >> 8 * n);
    }
    return size + header + std::string(16, '\0');
}

} // namespace

HF_TEST(headers_of_safetensors_are_taken_strictly)
{
    const auto reason = [](const std::string& entry) { return reasonOf([&] { parse(safetensors(entry)); }); };
    const std::string end = "\"data_offsets\":[0,16]}";
    HF_CHECK(reason("{\"a\":{\"dtype\":\"F32\",\"shape\":[4]," + end + "}").empty());
    HF_CHECK(reason("{\"a\":{\"dtype\":\"F32\",\"shape\":[4.7]," + end + "}").find("the entry of tensor a") != std::string::npos);
    HF_CHECK(reason("{\"a\":{\"dtype\":\"F64\",\"dtype\":\"F32\",\"shape\":[4]," + end + "}").find("stands twice") != std::string::npos);
    std::string zeros = "0";
    for (int n = 0; n < 1000; ++n) {
        zeros += ",0";
    }
    HF_CHECK(reason("{\"a\":{\"dtype\":\"F32\",\"shape\":[" + zeros + "]," + end + "}").find("too long for a shape") != std::string::npos);
    HF_CHECK(reason("{\"a\":" + std::string(1000, '[')).find("nested too deeply") != std::string::npos);
}

HF_TEST(an_empty_tensor_of_an_impossible_shape_is_refused)
{
    const std::string header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},\"b\":{\"dtype\":\"F32\",\"shape\":[0,4611686018427387904,4611686018427387904],\"data_offsets\":[16,16]}}";
    HF_CHECK(reasonOf([&] { parse(safetensors(header)); }).find("an impossible shape") != std::string::npos);
    const std::string large = "\x8a\x07\0\0\0\0\0\0\x01"s;      // 2^48
    HF_CHECK(reasonOf([&] { parse(oneTensor(4, "K\0"s, large + large + "K\0\x87"s, "K\x01K\x01K\x01\x87")); }).find("impossible size") != std::string::npos);
}

HF_TEST(damaged_files_are_refused_or_read_but_never_crash)
{
    std::size_t refused = 0, total = 0;
    for (const char* name : {"state_zip.pt", "state_legacy.pt", "wrapped_protocol4.pt", "module_zip.pt", "module_legacy.pt"}) {
        const std::vector<char> whole = bytesOf(kFolder / name);
        const auto attempt = [&](std::vector<char> bytes) {
            ++total;
            refused += !reasonOf([&] { readWeights(MappedFile::fromBytes(std::move(bytes), name)); }).empty();
        };
        for (std::size_t size = 0; size < whole.size(); size += 3) {
            attempt({whole.begin(), whole.begin() + std::ptrdiff_t(size)});
        }
        for (std::size_t place = 0; place < whole.size(); ++place) {
            for (const int flip : {0x01, 0x80, 0xff}) {
                std::vector<char> bytes = whole;
                bytes[place] = char(bytes[place] ^ flip);
                attempt(std::move(bytes));
            }
        }
    }
    std::printf("%zu of %zu damaged files were refused\n", refused, total);
    HF_CHECK(refused > total / 4);
}

HF_TEST(a_cut_file_is_always_refused)
{
    for (const char* name : {"state_zip.pt", "state_legacy.pt", "module_zip.pt", "module_legacy.pt"}) {
        const std::vector<char> whole = bytesOf(kFolder / name);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            if (reasonOf([&] { readWeights(MappedFile::fromBytes({whole.begin(), whole.begin() + std::ptrdiff_t(size)}, name)); }).empty()) {
                test::fail(name, int(size), "a cut file was read");
            }
        }
    }
}

HF_TEST(safetensors_come_back_through_the_same_door)
{
    const auto file = std::filesystem::temp_directory_path() / ("hf-weights-" + std::to_string(::getpid()) + ".bin");
    writeSafetensors(file, {{"network.a", at::arange(6, at::kFloat).view({2, 3})}, {"network.b", at::ones({1}, at::kBFloat16)}});
    const TensorMap tensors = readWeights(file);
    HF_CHECK_EQUAL(tensors.size(), 2U);
    HF_CHECK(tensors.at("a").equal(at::arange(6, at::kFloat).view({2, 3})));
    std::filesystem::remove(file);
}

HF_TEST(one_file_comes_before_an_index)
{
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("hf-index-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "model.safetensors.index.json") << R"({"weight_map": {"a": "model-1.safetensors"}})";
    HF_CHECK(!reasonOf([&] { safetensorsFiles(folder); }).empty());
    std::ofstream(folder / "model.safetensors") << "x";
    HF_CHECK_EQUAL(safetensorsFiles(folder).at(0), folder / "model.safetensors");
    std::filesystem::remove_all(folder);
}

HF_TEST_MAIN()
