#include "viewer/imaging/VolumeFile.h"

#include "viewer/volume/Error.h"

#include <itkImageIOBase.h>
#include <itkMetaDataObject.h>
#include <itkMetaImageIO.h>
#include <itkNiftiImageIO.h>
#include <itkNrrdImageIO.h>

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>

namespace hf::imaging {

namespace fs = std::filesystem;

namespace {

std::string lower(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return text;
}

enum class Format { None, Nifti, Nrrd, Meta };

Format formatByName(const fs::path& path)
{
    const std::string name = lower(path.filename().string());
    const auto ends = [&](const char* suffix) { return name.ends_with(suffix); };
    return ends(".nii") || ends(".nii.gz") || ends(".hdr") || ends(".img") || ends(".img.gz") ? Format::Nifti : ends(".nrrd") || ends(".nhdr") ? Format::Nrrd
        : ends(".mha") || ends(".mhd")                                                                                                      ? Format::Meta
                                                                                                                                            : Format::None;
}

itk::ImageIOBase::Pointer openHeader(const fs::path& path, std::string& format)
{
    itk::ImageIOBase::Pointer io;
    switch (formatByName(path)) {
    case Format::None: return nullptr;
    case Format::Nifti:
        io = itk::NiftiImageIO::New();
        format = "NIfTI";
        break;
    case Format::Nrrd:
        io = itk::NrrdImageIO::New();
        format = "NRRD";
        break;
    case Format::Meta:
        io = itk::MetaImageIO::New();
        format = "MetaImage";
        break;
    }
    if (!fs::exists(path)) {
        throw Error("there is no " + path.string(), "not-found");
    }
    try {
        io->SetFileName(path.string());
        if (!io->CanReadFile(path.string().c_str())) {
            throw Error("the " + format + " header cannot be read", "broken");
        }
        io->ReadImageInformation();
    } catch (const itk::ExceptionObject& error) {
        throw Error("the " + format + " header cannot be read: " + error.GetDescription(), "broken");
    }
    const unsigned dimensions = io->GetNumberOfDimensions();
    if (dimensions < 2 || dimensions > 7) {
        throw Error("a volume of " + std::to_string(dimensions) + " dimensions is not supported", "unsupported");
    }
    for (unsigned axis = 0; axis < dimensions; ++axis) {
        if (io->GetDimensions(axis) < 1 || io->GetDimensions(axis) > 1'000'000) {
            throw Error("a volume of size " + std::to_string(io->GetDimensions(axis)) + " cannot be right", "broken");
        }
    }
    return io;
}

Size3 sizeOf(const itk::ImageIOBase& io)
{
    return {int(io.GetDimensions(0)), int(io.GetDimensions(1)), io.GetNumberOfDimensions() > 2 ? int(io.GetDimensions(2)) : 1};
}

int timePointsOf(const itk::ImageIOBase& io)
{
    double count = 1;
    for (unsigned axis = 3; axis < io.GetNumberOfDimensions(); ++axis) {
        count *= double(io.GetDimensions(axis));
    }
    return int(std::min(count, 1e9));
}

/// ITK gives LPS. Axes that are no right angle are taken as they are by Geometry's own check.
Geometry geometryOf(const itk::ImageIOBase& io)
{
    std::array<double, 3> spacing{1, 1, 1};
    PointLps origin;
    std::array<Vec3, 3> axes{Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}};
    const unsigned dimensions = std::min(3U, io.GetNumberOfDimensions());
    std::array<double, 3> from{0, 0, 0};
    for (unsigned axis = 0; axis < dimensions; ++axis) {
        spacing[axis] = std::abs(io.GetSpacing(axis));
        from[axis] = io.GetOrigin(axis);
        const std::vector<double> direction = io.GetDirection(axis);
        const auto at = [&](std::size_t n) { return n < direction.size() ? direction[n] : 0.0; };
        axes[axis] = {at(0), at(1), at(2)};
    }
    origin = {from[0], from[1], from[2]};
    if (dimensions == 2) {
        axes[2] = cross(axes[0], axes[1]);
    }
    return Geometry(sizeOf(io), spacing, origin, axes);
}

template <typename T> const T* typed(const std::vector<char>& bytes) { return reinterpret_cast<const T*>(bytes.data()); }

struct Converted {
    Volume::Voxels voxels;
    std::size_t notFinite = 0;
};

/// int16 where every value fits, else float32.
template <typename T> Converted narrowed(const std::vector<char>& bytes, std::size_t count)
{
    const T* values = typed<T>(bytes);
    Converted result;
    bool fits = std::is_integral_v<T>;
    if constexpr (std::is_integral_v<T>) {
        for (std::size_t n = 0; n < count && fits; ++n) {
            fits = values[n] <= T(32767) && (std::is_unsigned_v<T> || double(values[n]) >= -32768);
        }
    }
    if (fits) {
        result.voxels = std::vector<std::int16_t>(count);
        auto& out = std::get<std::vector<std::int16_t>>(result.voxels);
        std::transform(values, values + count, out.begin(), [](T v) { return std::int16_t(v); });
        return result;
    }
    std::vector<float> out(count);
    for (std::size_t n = 0; n < count; ++n) {
        const float value = float(values[n]);
        result.notFinite += !std::isfinite(value);
        out[n] = std::isfinite(value) ? value : 0;
    }
    result.voxels = std::move(out);
    return result;
}

template <typename T> Converted same(const std::vector<char>& bytes, std::size_t count)
{
    return {std::vector<T>(typed<T>(bytes), typed<T>(bytes) + count), 0};
}

Converted convert(itk::IOComponentEnum type, const std::vector<char>& bytes, std::size_t count)
{
    using Enum = itk::IOComponentEnum;
    switch (type) {
    case Enum::UCHAR: return same<std::uint8_t>(bytes, count);
    case Enum::SHORT: return same<std::int16_t>(bytes, count);
    case Enum::USHORT: return same<std::uint16_t>(bytes, count);
    case Enum::CHAR: return narrowed<std::int8_t>(bytes, count);
    case Enum::UINT: return narrowed<std::uint32_t>(bytes, count);
    case Enum::INT: return narrowed<std::int32_t>(bytes, count);
    case Enum::ULONG: return narrowed<unsigned long>(bytes, count);
    case Enum::LONG: return narrowed<long>(bytes, count);
    case Enum::ULONGLONG: return narrowed<unsigned long long>(bytes, count);
    case Enum::LONGLONG: return narrowed<long long>(bytes, count);
    case Enum::FLOAT: return narrowed<float>(bytes, count);
    case Enum::DOUBLE: return narrowed<double>(bytes, count);
    default: throw Error("voxels of this type are not supported", "unsupported");
    }
}

std::string fileHash(const fs::path& path)
{
    std::error_code error;
    const std::string key = fs::absolute(path, error).string() + "|" + std::to_string(fs::file_size(path, error)) + "|" +
        std::to_string(fs::last_write_time(path, error).time_since_epoch().count());
    std::uint64_t hash = 1469598103934665603ULL;
    for (const char c : key) {
        hash = (hash ^ std::uint8_t(c)) * 1099511628211ULL;
    }
    char text[24];
    std::snprintf(text, sizeof text, "file-%016llx", static_cast<unsigned long long>(hash));
    return text;
}

/// A file that ends early reads as zeros in the NIfTI library: the bytes are counted before. @throws Error "broken".
void checkLength(const fs::path& path, std::size_t voxelBytes)
{
    if (formatByName(path) != Format::Nifti || lower(path.filename().string()).find(".hdr") != std::string::npos) {
        return;
    }
    const std::unique_ptr<gzFile_s, decltype(&gzclose)> file(gzopen(path.c_str(), "rb"), gzclose);
    std::vector<char> block(1 << 20);
    std::size_t total = 0;
    int count = 0;
    while (file && total < voxelBytes && (count = gzread(file.get(), block.data(), unsigned(block.size()))) > 0) {
        total += std::size_t(count);
    }
    if (total < voxelBytes || count < 0) {
        throw Error("the file ends before its voxels do", "broken");
    }
}

/// Reads the first volume only, also of a compressed 4D file.
std::vector<char> readFirst(itk::ImageIOBase& io, std::size_t bytes, const fs::path& path)
{
    itk::ImageIORegion region(io.GetNumberOfDimensions());
    for (unsigned axis = 0; axis < io.GetNumberOfDimensions(); ++axis) {
        region.SetIndex(axis, 0);
        region.SetSize(axis, axis < 3 ? io.GetDimensions(axis) : 1);
    }
    const std::size_t whole = std::size_t(io.GetImageSizeInBytes());
    if (double(whole) > 24e9) {
        throw Error("the volume needs more than 24 GB", "too-large");
    }
    checkLength(path, whole);
    std::vector<char> buffer(std::max(bytes, whole));
    itk::ImageIORegion all(io.GetNumberOfDimensions());
    for (unsigned axis = 0; axis < io.GetNumberOfDimensions(); ++axis) {
        all.SetIndex(axis, 0);
        all.SetSize(axis, io.GetDimensions(axis));
    }
    io.SetIORegion(all);
    try {
        io.Read(buffer.data());
    } catch (const itk::ExceptionObject& error) {
        throw Error("the voxels of " + path.filename().string() + " cannot be read: " + error.GetDescription(), "broken");
    }
    buffer.resize(bytes);
    return buffer;
}

} // namespace

bool findVolumeFileInfoByName(const fs::path& path) { return formatByName(path) != Format::None; }

std::optional<VolumeFileInfo> findVolumeFileInfo(const fs::path& path)
{
    VolumeFileInfo info;
    const itk::ImageIOBase::Pointer io = openHeader(path, info.format);
    if (!io) {
        return std::nullopt;
    }
    const Geometry geometry = geometryOf(*io);
    info.size = geometry.size();
    info.spacingMm = geometry.spacingMm();
    info.timePoints = timePointsOf(*io);
    info.color = io->GetNumberOfComponents() == 3;
    info.plane = geometry.acquisitionPlane();
    return info;
}

Volume readVolumeFile(const fs::path& path)
{
    std::string format;
    const itk::ImageIOBase::Pointer io = openHeader(path, format);
    if (!io) {
        throw Error(path.filename().string() + " is no NIfTI, NRRD or MetaImage file", "unsupported");
    }
    const Geometry geometry = geometryOf(*io);
    const std::size_t components = io->GetNumberOfComponents();
    const bool color = components == 3 && io->GetComponentType() == itk::IOComponentEnum::UCHAR;
    if (components != 1 && !color) {
        throw Error("a file with " + std::to_string(components) + " values a voxel is not supported", "unsupported");
    }
    const std::size_t count = geometry.size().voxels() * components;
    const std::vector<char> bytes = readFirst(*io, count * io->GetComponentSize(), path);
    VolumeInfo info;
    info.seriesUid = fileHash(path);
    info.description = path.filename().string();
    info.notes.push_back({"modality-unknown", "The file does not tell the modality."});
    if (timePointsOf(*io) > 1) {
        info.notes.push_back({"time-points", "The file holds " + std::to_string(timePointsOf(*io)) + " volumes; the first is shown."});
    }
    if (color) {
        std::vector<std::uint8_t> rgb(bytes.begin(), bytes.end()), grey(geometry.size().voxels());
        for (std::size_t n = 0; n < grey.size(); ++n) {
            grey[n] = std::uint8_t(std::lround(0.299 * rgb[3 * n] + 0.587 * rgb[3 * n + 1] + 0.114 * rgb[3 * n + 2]));
        }
        return Volume(geometry, std::move(grey), info, std::move(rgb));
    }
    Converted converted = convert(io->GetComponentType(), bytes, count);
    if (converted.notFinite > 0) {
        info.notes.push_back({"not-finite", std::to_string(converted.notFinite) + " voxels hold no number and are shown as 0."});
    }
    return Volume(geometry, std::move(converted.voxels), info);
}

namespace {

/// NIfTI through ITK's writer, which makes qform and sform from LPS axes.
/// @param components  1, or 3 for colour by voxel.
void writeVoxels(const Geometry& geometry, itk::IOComponentEnum type, unsigned components, const void* data, const fs::path& path)
{
    const auto io = itk::NiftiImageIO::New();
    io->SetFileName(path.string());
    io->SetNumberOfDimensions(3);
    io->SetComponentType(type);
    io->SetPixelType(components == 3 ? itk::IOPixelEnum::RGB : itk::IOPixelEnum::SCALAR);
    io->SetNumberOfComponents(components);
    const double origin[] = {geometry.origin().x, geometry.origin().y, geometry.origin().z};
    itk::ImageIORegion region(3);
    for (unsigned axis = 0; axis < 3; ++axis) {
        io->SetDimensions(axis, std::size_t(geometry.size().along(int(axis))));
        io->SetSpacing(axis, geometry.spacingMm()[axis]);
        io->SetOrigin(axis, origin[axis]);
        const Vec3 v = geometry.direction(int(axis));
        io->SetDirection(axis, std::vector<double>{v.x, v.y, v.z});
        region.SetIndex(axis, 0);
        region.SetSize(axis, std::size_t(geometry.size().along(int(axis))));
    }
    io->SetIORegion(region);
    io->SetUseCompression(path.extension() == ".gz");
    try {
        io->Write(data);
    } catch (const itk::ExceptionObject& error) {
        throw Error("cannot write " + path.string() + ": " + error.GetDescription(), "write");
    }
}

} // namespace

void writeNifti(const Volume& volume, const fs::path& path)
{
    using Enum = itk::IOComponentEnum;
    if (volume.isColor()) {
        writeVoxels(volume.geometry(), Enum::UCHAR, 3, volume.rgb().data(), path);
        return;
    }
    const Enum type = volume.type() == VoxelType::Int16 ? Enum::SHORT : volume.type() == VoxelType::UInt8 ? Enum::UCHAR : volume.type() == VoxelType::UInt16 ? Enum::USHORT : Enum::FLOAT;
    writeVoxels(volume.geometry(), type, 1, volume.data(), path);
}

void writeNifti(const LabelMap& labels, const fs::path& path)
{
    writeVoxels(labels.geometry(), itk::IOComponentEnum::UCHAR, 1, labels.voxels().data(), path);
}

} // namespace hf::imaging
