#include "experts/runtime/Npy.h"

#include "experts/runtime/MappedFile.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <fstream>

namespace hf::runtime {

namespace {

struct Type { const char* code; at::ScalarType type; };
constexpr Type kTypes[] = {{"<f4", at::kFloat}, {"<f8", at::kDouble}, {"<f2", at::kHalf}, {"<i8", at::kLong}, {"<i4", at::kInt}, {"<i2", at::kShort}, {"|i1", at::kChar},
    {"|u1", at::kByte}, {"|b1", at::kBool}};
constexpr std::string_view kMagic("\x93NUMPY", 6);

[[noreturn]] void refuse(const MappedFile& file, const std::string& reason) { throw Error(file.name() + " is not a readable .npy file: " + reason, "broken"); }

/// The text after 'key': in the header's dictionary.
std::string_view valueOf(const MappedFile& file, std::string_view header, const std::string& key)
{
    const std::size_t place = header.find("'" + key + "'");
    const std::size_t colon = place == std::string_view::npos ? place : header.find(':', place);
    if (colon == std::string_view::npos) {
        refuse(file, "no " + key);
    }
    const std::size_t begin = header.find_first_not_of(' ', colon + 1);
    return begin == std::string_view::npos ? std::string_view() : header.substr(begin);
}

std::vector<std::int64_t> shapeOf(const MappedFile& file, std::string_view text)
{
    const std::size_t end = text.find(')');
    if (!text.starts_with('(') || end == std::string_view::npos) {
        refuse(file, "no shape");
    }
    std::vector<std::int64_t> shape;
    std::int64_t number = -1;
    for (const char c : text.substr(1, end)) {
        if (c >= '0' && c <= '9' && number < (std::int64_t(1) << 40)) {
            number = std::max<std::int64_t>(number, 0) * 10 + (c - '0');
        } else if ((c == ',' || c == ')') && number >= 0) {
            shape.push_back(number);
            number = -1;
        } else if (c != ' ' && c != ',' && c != ')') {
            refuse(file, "no shape");
        }
    }
    return shape;
}

at::ScalarType typeOf(const MappedFile& file, std::string_view text)
{
    for (const Type& type : kTypes) {
        if (text.size() >= 5 && text.substr(1, 3) == type.code) {
            return type.type;
        }
    }
    refuse(file, "a type that is not read (" + std::string(text.substr(0, text.find(','))) + ")");
}

} // namespace

at::Tensor readNpy(const std::filesystem::path& path)
{
    const auto file = MappedFile::open(path);
    const std::string_view bytes = file->view();
    const bool isNew = bytes.size() > 12 && bytes[6] >= 2;
    if (!bytes.starts_with(kMagic) || bytes.size() < 12 || bytes[6] < 1 || bytes[6] > 3) {
        refuse(*file, "another kind of file");
    }
    std::uint32_t length = 0;
    std::memcpy(&length, bytes.data() + 8, isNew ? 4 : 2);
    const std::size_t begin = isNew ? 12 : 10;
    if (length > bytes.size() - begin) {
        refuse(*file, "cut off");
    }
    const std::string_view header = bytes.substr(begin, length), data = bytes.substr(begin + length);
    const at::ScalarType type = typeOf(*file, valueOf(*file, header, "descr"));
    std::vector<std::int64_t> shape = shapeOf(*file, valueOf(*file, header, "shape"));
    unsigned __int128 size = c10::elementSize(type);
    for (const std::int64_t n : shape) {
        size *= std::uint64_t(n);
        if (size > data.size()) {
            refuse(*file, "cut off");
        }
    }
    if (size != data.size()) {
        refuse(*file, "more data than its shape says");
    }
    const bool isFortran = valueOf(*file, header, "fortran_order").starts_with("True");
    if (isFortran) {
        std::reverse(shape.begin(), shape.end());
    }
    const at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(type));
    std::memcpy(tensor.data_ptr(), data.data(), data.size());
    return isFortran ? tensor.permute([&] {
        std::vector<std::int64_t> axes(shape.size());
        for (std::size_t n = 0; n < axes.size(); ++n) {
            axes[n] = std::int64_t(axes.size() - 1 - n);
        }
        return axes;
    }()).contiguous() : tensor;
}

void writeNpy(const std::filesystem::path& path, const at::Tensor& any)
{
    const at::Tensor tensor = (any.scalar_type() == at::kBFloat16 ? any.to(at::kFloat) : any).contiguous();
    const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const Type& entry) { return entry.type == tensor.scalar_type(); });
    if (type == std::end(kTypes)) {
        throw Error("a tensor of this type has no .npy form", "file");
    }
    std::string header = "{'descr': '" + std::string(type->code) + "', 'fortran_order': False, 'shape': (";
    for (const std::int64_t n : tensor.sizes()) {
        header += std::to_string(n) + ",";
    }
    header += "), }";
    header.resize((header.size() + 10 + 64) / 64 * 64 - 11, ' ');     // the data begins at a multiple of 64
    header += '\n';
    const std::filesystem::path part = path.string() + ".part";
    std::ofstream stream(part, std::ios::binary | std::ios::trunc);
    const auto length = std::uint16_t(header.size());
    stream << kMagic << '\x01' << '\0';
    stream.write(reinterpret_cast<const char*>(&length), 2);
    stream << header;
    stream.write(static_cast<const char*>(tensor.const_data_ptr()), std::streamsize(std::uint64_t(tensor.numel()) * tensor.element_size()));
    stream.close();
    if (!stream) {
        throw Error("cannot write " + part.string(), "file");
    }
    std::filesystem::rename(part, path);
}

} // namespace hf::runtime
