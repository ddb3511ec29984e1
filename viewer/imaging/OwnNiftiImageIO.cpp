#include "viewer/imaging/OwnNiftiImageIO.h"

#include "viewer/volume/Error.h"

#include <zlib.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <vector>

namespace hf::imaging {

namespace {

using Enum = itk::IOComponentEnum;

struct DataType {
    int code;
    Enum component;
    std::size_t bytes;      ///< Of a component.
    unsigned components;
};

const DataType kTypes[] = {{2, Enum::UCHAR, 1, 1}, {4, Enum::SHORT, 2, 1}, {8, Enum::INT, 4, 1}, {16, Enum::FLOAT, 4, 1}, {64, Enum::DOUBLE, 8, 1}, {128, Enum::UCHAR, 1, 3},
    {256, Enum::CHAR, 1, 1}, {512, Enum::USHORT, 2, 1}, {768, Enum::UINT, 4, 1}, {1024, Enum::LONGLONG, 8, 1}, {1280, Enum::ULONGLONG, 8, 1}, {2304, Enum::UCHAR, 1, 4}};

const DataType* findType(int code)
{
    const auto found = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const DataType& type) { return type.code == code; });
    return found == std::end(kTypes) ? nullptr : found;
}

bool isScaled(const NiftiHeader& header, const DataType& type)
{
    return type.components == 1 && header.isScaled && (header.slope != 1 || header.intercept != 0);
}

/// Scaled values are floats, as ITK makes them, where the file holds no doubles.
bool needsDouble(const DataType& type) { return type.component == Enum::DOUBLE; }

template <typename In, typename Out> void scale(const char* in, Out* out, std::size_t count, const NiftiHeader& header)
{
    const In* values = reinterpret_cast<const In*>(in);
    std::transform(values, values + count, out, [&](In value) { return Out(double(value) * header.slope + header.intercept); });
}

template <typename Out> void scaleTo(const DataType& type, const char* in, void* out, std::size_t count, const NiftiHeader& header)
{
    Out* to = static_cast<Out*>(out);
    switch (type.component) {
    case Enum::UCHAR: return scale<std::uint8_t>(in, to, count, header);
    case Enum::CHAR: return scale<std::int8_t>(in, to, count, header);
    case Enum::SHORT: return scale<std::int16_t>(in, to, count, header);
    case Enum::USHORT: return scale<std::uint16_t>(in, to, count, header);
    case Enum::INT: return scale<std::int32_t>(in, to, count, header);
    case Enum::UINT: return scale<std::uint32_t>(in, to, count, header);
    case Enum::LONGLONG: return scale<std::int64_t>(in, to, count, header);
    case Enum::ULONGLONG: return scale<std::uint64_t>(in, to, count, header);
    case Enum::FLOAT: return scale<float>(in, to, count, header);
    default: return scale<double>(in, to, count, header);
    }
}

void swapBytes(char* bytes, std::size_t count, std::size_t size)
{
    for (std::size_t n = 0; n < count; ++n) {
        std::reverse(bytes + n * size, bytes + (n + 1) * size);
    }
}

} // namespace

void OwnNiftiImageIO::ReadImageInformation()
{
    const DataType* type = findType(m_header.dataType);
    if (!type) {
        throw Error("voxels of this type are not supported", "unsupported");
    }
    this->SetNumberOfDimensions(unsigned(m_header.sizes.size()));
    for (unsigned axis = 0; axis < m_header.sizes.size(); ++axis) {
        if (m_header.sizes[axis] < 1) {
            throw Error("a volume without voxels", "broken");
        }
        this->SetDimensions(axis, std::size_t(m_header.sizes[axis]));
        this->SetSpacing(axis, axis < 3 ? m_header.steps[axis] : 1);
    }
    this->SetNumberOfComponents(type->components);
    this->SetPixelType(type->components == 4 ? itk::IOPixelEnum::RGBA : type->components == 3 ? itk::IOPixelEnum::RGB : itk::IOPixelEnum::SCALAR);
    this->SetComponentType(!isScaled(m_header, *type) ? type->component : needsDouble(*type) ? Enum::DOUBLE : Enum::FLOAT);
}

void OwnNiftiImageIO::Read(void* buffer)
{
    const DataType& type = *findType(m_header.dataType);
    const std::unique_ptr<gzFile_s, decltype(&gzclose)> file(gzopen(m_header.voxelFile.c_str(), "rb"), gzclose);
    if (!file || gzseek(file.get(), z_off_t(m_header.voxelOffset), SEEK_SET) < 0) {
        throw Error("there is no " + m_header.voxelFile.string(), "not-found");
    }
    constexpr std::size_t kAtOnce = 1 << 20;
    std::vector<char> part(kAtOnce * type.bytes);
    char* out = static_cast<char*>(buffer);
    std::size_t left = type.components;
    for (const std::int64_t size : m_header.sizes) {
        left *= std::size_t(size);
    }
    while (left > 0) {
        const std::size_t count = std::min(left, kAtOnce);
        if (gzread(file.get(), part.data(), unsigned(count * type.bytes)) != int(count * type.bytes)) {
            throw Error("the file ends before its voxels do", "broken");
        }
        if (m_header.isSwapped) {
            swapBytes(part.data(), count, type.bytes);
        }
        if (!isScaled(m_header, type)) {
            std::copy_n(part.data(), count * type.bytes, out);
        } else if (needsDouble(type)) {
            scaleTo<double>(type, part.data(), out, count, m_header);
        } else {
            scaleTo<float>(type, part.data(), out, count, m_header);
        }
        out += count * this->GetComponentSize();
        left -= count;
    }
}

void OwnNiftiImageIO::Write(const void*) { throw Error("nothing is written", "write"); }

} // namespace hf::imaging
