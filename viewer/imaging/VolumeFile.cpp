#include "viewer/imaging/VolumeFile.h"

#include "viewer/imaging/NiftiHeader.h"
#include "viewer/imaging/OwnNiftiImageIO.h"
#include "viewer/imaging/StoredVoxels.h"
#include "viewer/imaging/TextHeader.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/Memory.h"

#include <itkImageIOBase.h>
#include <itkMetaImageIO.h>
#include <itkNiftiImageIO.h>
#include <itkNrrdImageIO.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <new>
#include <set>

namespace hf::imaging {

namespace fs = std::filesystem;

namespace {

enum class Format { None, Nifti, Nrrd, Meta };

Format formatByName(const fs::path& path)
{
    const std::string name = lower(path.filename().string());
    const auto ends = [&](const char* suffix) { return name.ends_with(suffix); };
    return ends(".nii") || ends(".nii.gz") || ends(".hdr") || ends(".img") || ends(".img.gz") ? Format::Nifti : ends(".nrrd") || ends(".nhdr") ? Format::Nrrd
        : ends(".mha") || ends(".mhd")                                                                                                      ? Format::Meta
                                                                                                                                            : Format::None;
}

/// A file whose header was read; `io` is null when the name belongs to none of the formats.
struct OpenFile {
    itk::ImageIOBase::Pointer io;
    std::string format;
    std::optional<NiftiHeader> nifti;
    TextHeader text;                    ///< Of NRRD and MetaImage.
    std::optional<StoredVoxels> stored; ///< Empty where the voxels are spread over many files.
    double storedBytes = 0;             ///< Of all voxels, unpacked.
};

/// Of all voxels in the type that ITK reads; a double, as the sizes of a broken header have any product.
double bytesOf(const itk::ImageIOBase& io)
{
    double bytes = double(io.GetComponentSize()) * io.GetNumberOfComponents();
    for (unsigned axis = 0; axis < io.GetNumberOfDimensions(); ++axis) {
        bytes *= double(io.GetDimensions(axis));
    }
    return bytes;
}

/// ITK adds the intercept where a slope of 0 says that nothing is scaled, and makes whole numbers real for it.
void forgetScale(itk::NiftiImageIO& io, int dataType)
{
    using Enum = itk::IOComponentEnum;
    static const std::map<int, Enum> kWhole{{2, Enum::UCHAR}, {4, Enum::SHORT}, {8, Enum::INT}, {256, Enum::CHAR}, {512, Enum::USHORT}, {768, Enum::UINT}, {1024, Enum::LONGLONG}, {1280, Enum::ULONGLONG}};
    io.SetRescaleSlope(1);
    io.SetRescaleIntercept(0);
    if (const auto found = kWhole.find(dataType); found != kWhole.end()) {
        io.SetComponentType(found->second);
    }
}

OpenFile openHeader(const fs::path& path)
{
    OpenFile file;
    itk::ImageIOBase::Pointer& io = file.io;
    const Format format = formatByName(path);
    switch (format) {
    case Format::None: return file;
    case Format::Nifti:
        io = itk::NiftiImageIO::New();
        file.format = "NIfTI";
        break;
    case Format::Nrrd:
        io = itk::NrrdImageIO::New();
        file.format = "NRRD";
        break;
    case Format::Meta:
        io = itk::MetaImageIO::New();
        file.format = "MetaImage";
        break;
    }
    if (!fs::exists(path)) {
        throw Error("there is no " + path.string(), "not-found");
    }
    if (format == Format::Nifti) {
        file.nifti = findNiftiHeader(path);     // first: a place that is no number ends the program in ITK
        if (file.nifti && !file.nifti->isForItk) {
            const auto own = OwnNiftiImageIO::New();
            own->setHeader(*file.nifti);
            io = own;
        }
    }
    if (format == Format::Nrrd) {
        file.text = readNrrdHeader(path);
        constexpr std::size_t kLongestField = 700;      // the library writes one it does not understand into a message of 1024 bytes, whatever its length
        if (file.text.longestField > kLongestField) {
            throw Error("the NRRD header cannot be read: a line is too long", "broken");
        }
    }
    try {
        io->SetFileName(path.string());
        if (!io->CanReadFile(path.string().c_str())) {
            throw Error("the " + file.format + " header cannot be read", "broken");
        }
        io->ReadImageInformation();
        if (file.nifti && file.nifti->isForItk && !file.nifti->isAnalyze && !file.nifti->isScaled) {
            forgetScale(dynamic_cast<itk::NiftiImageIO&>(*io), file.nifti->dataType);
        }
    } catch (const itk::ExceptionObject& error) {
        throw Error("the " + file.format + " header cannot be read: " + error.GetDescription(), "broken");
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
    if (io->GetComponentType() == itk::IOComponentEnum::UNKNOWNCOMPONENTTYPE) {
        throw Error("voxels of this type are not supported", "unsupported");    // ITK has no size for them
    }
    file.storedBytes = bytesOf(*io);
    if (file.nifti) {
        file.storedBytes = file.nifti->voxelBytes;      // ITK tells the type after the rescale
        const bool isPacked = lower(file.nifti->voxelFile.extension().string()) == ".gz";
        file.stored = isPacked ? StoredVoxels{file.nifti->voxelFile, 0, file.nifti->voxelOffset, StoredVoxels::Packing::Deflate} : StoredVoxels{file.nifti->voxelFile, file.nifti->voxelOffset};
    } else if (format != Format::Nifti) {
        if (format == Format::Meta) {
            file.text = readMetaHeader(path);
        }
        file.stored = format == Format::Nrrd ? findNrrdVoxels(file.text, path) : findMetaVoxels(file.text, path);
    }
    return file;
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

/// The sform counts where its code says so; ITK prefers the qform. Axes without length, as in flat images, are left as they are.
void placeBySform(const NiftiHeader& nifti, std::array<Vec3, 3>& axes, std::array<double, 3>& spacing, PointLps& origin)
{
    const std::array<double, 12>& m = nifti.sform;
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const Vec3 step{-m[axis], -m[4 + axis], m[8 + axis]};
        if (axis < 2 || length(step) > 0) {
            spacing[axis] = length(step);
            axes[axis] = step;
        }
    }
    origin = {-m[3], -m[7], m[11]};
}

/// ITK 5.2 turns x in place of y for this space of NRRD.
void placeByLeftAnteriorSuperior(const TextHeader& header, std::array<Vec3, 3>& axes, PointLps& origin)
{
    const std::string directions = header.field("spacedirections"), place = header.field("spaceorigin");
    std::size_t from = 0;
    for (Vec3& axis : axes) {
        Vec3 step;
        from = directions.find('(', from);
        if (from == std::string::npos || std::sscanf(directions.c_str() + from++, "(%lf,%lf,%lf)", &step.x, &step.y, &step.z) != 3) {
            break;
        }
        axis = {step.x, -step.y, step.z};
    }
    if (Vec3 at; std::sscanf(place.c_str(), "(%lf,%lf,%lf)", &at.x, &at.y, &at.z) == 3) {
        origin = {at.x, -at.y, at.z};
    }
}

std::string spaceOf(const TextHeader& header) { return lower(header.field("space")); }

/// ITK gives LPS. Axes that are no right angle are taken as they are by Geometry's own check.
Geometry geometryOf(const OpenFile& file)
{
    const itk::ImageIOBase& io = *file.io;
    std::array<double, 3> spacing{1, 1, 1};
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
    PointLps origin{from[0], from[1], from[2]};
    if (dimensions == 2) {
        axes[2] = cross(axes[0], axes[1]);
    }
    if (file.nifti && file.nifti->sformCode > 0) {
        placeBySform(*file.nifti, axes, spacing, origin);
    } else if (file.nifti && file.nifti->qformCode > 0) {
        // ITK 5.2 turns the distances into millimetres, but not the place.
        const double unit = file.nifti->millimetres;
        origin = {origin.x * unit, origin.y * unit, origin.z * unit};
    } else if (const std::string space = spaceOf(file.text); space == "left-anterior-superior" || space == "las") {
        placeByLeftAnteriorSuperior(file.text, axes, origin);
    } else if (space == "right-anterior-superior-time" || space == "rast") {
        // With a time it is not turned to LPS.
        for (Vec3& axis : axes) {
            axis = {-axis.x, -axis.y, axis.z};
        }
        origin = {-origin.x, -origin.y, origin.z};
    } else if (space == "left-anterior-superior-time" || space == "last") {
        for (Vec3& axis : axes) {
            axis = {axis.x, -axis.y, axis.z};
        }
        origin = {origin.x, -origin.y, origin.z};
    }
    return Geometry(sizeOf(io), spacing, origin, axes);
}

/// Does the file tell where left is?
bool hasSides(const OpenFile& file)
{
    if (file.format == "NIfTI") {
        return !file.nifti || (!file.nifti->isAnalyze && (file.nifti->qformCode > 0 || file.nifti->sformCode > 0));
    }
    static const std::set<std::string> kOfPatient{"right-anterior-superior", "ras", "left-anterior-superior", "las", "left-posterior-superior", "lps",
        "right-anterior-superior-time", "rast", "left-anterior-superior-time", "last", "left-posterior-superior-time", "lpst"};
    return file.format != "NRRD" || kOfPatient.contains(spaceOf(file.text));
}

template <typename T> const T* typed(const std::vector<char>& bytes) { return reinterpret_cast<const T*>(bytes.data()); }

struct Converted {
    Volume::Voxels voxels;
    std::size_t notFinite = 0;
    bool isRounded = false;         ///< Some whole number is none that a double holds.
};

/// int16 where every value fits, else float32, where a float would change some value float64.
template <typename T> Converted narrowed(const std::vector<char>& bytes, std::size_t count)
{
    const T* values = typed<T>(bytes);
    Converted result;
    bool fits = std::is_integral_v<T>;
    if constexpr (std::is_integral_v<T>) {
        for (std::size_t n = 0; n < count && fits; ++n) {
            fits = (sizeof(T) == 1 || values[n] <= T(32767)) && (std::is_unsigned_v<T> || double(values[n]) >= -32768);
        }
    }
    if (fits) {
        result.voxels = std::vector<std::int16_t>(count);
        auto& out = std::get<std::vector<std::int16_t>>(result.voxels);
        std::transform(values, values + count, out.begin(), [](T v) { return std::int16_t(v); });
        return result;
    }
    const auto fill = [&]<typename Out>(std::vector<Out> out) {
        for (std::size_t n = 0; n < count; ++n) {
            const bool isNumber = std::isfinite(float(values[n]));
            result.notFinite += !isNumber;
            out[n] = isNumber ? Out(values[n]) : Out(0);
        }
        result.voxels = std::move(out);
    };
    const bool areFloats = std::is_same_v<T, float> || std::all_of(values, values + count, [](T value) { return !std::isfinite(float(value)) || double(float(value)) == double(value); });
    areFloats ? fill(std::vector<float>(count)) : fill(std::vector<double>(count));
    if constexpr (std::is_integral_v<T> && sizeof(T) > 4) {
        constexpr T kLargestExact = T(1) << 53;
        result.isRounded = std::any_of(values, values + count, [](T value) { return value > kLargestExact || (std::is_signed_v<T> && value < T(0) - kLargestExact); });
    }
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

/// Red, green, blue, and perhaps how opaque: 8 bits each, whatever the file calls them.
bool isColor(const itk::ImageIOBase& io)
{
    const unsigned components = io.GetNumberOfComponents();
    return (components == 3 || components == 4) && io.GetComponentType() == itk::IOComponentEnum::UCHAR;
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

/// Reads the first volume only, also of a compressed 4D file.
std::vector<char> readFirst(const OpenFile& file, std::size_t bytes, const fs::path& path)
{
    itk::ImageIOBase& io = *file.io;
    const double read = bytesOf(io);
    if (read > 24e9) {
        throw Error("the volume needs more than 24 GB", "too-large");
    }
    if (file.stored) {
        checkLength(*file.stored, file.storedBytes);
    }
    requireMemory(file.storedBytes + read + double(bytes));     // a library's copy, ours, and the converted
    if (file.stored) {
        checkStream(*file.stored, file.storedBytes);
    }
    std::vector<char> buffer(std::max(bytes, std::size_t(read)));
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
    const OpenFile file = openHeader(path);
    if (!file.io) {
        return std::nullopt;
    }
    const Geometry geometry = geometryOf(file);
    info.format = file.format;
    info.size = geometry.size();
    info.spacingMm = geometry.spacingMm();
    info.timePoints = timePointsOf(*file.io);
    info.color = isColor(*file.io);
    info.plane = geometry.acquisitionPlane();
    return info;
}

namespace {

Volume readOpenFile(const OpenFile& file, const fs::path& path)
{
    const itk::ImageIOBase::Pointer& io = file.io;
    if (!io) {
        throw Error(path.filename().string() + " is no NIfTI, NRRD or MetaImage file", "unsupported");
    }
    const Geometry geometry = geometryOf(file);
    const std::size_t components = io->GetNumberOfComponents();
    const bool color = isColor(*io);
    if (components != 1 && !color) {
        throw Error("a file with " + std::to_string(components) + " values a voxel is not supported", "unsupported");
    }
    const std::size_t count = geometry.size().voxels() * components;
    const std::vector<char> bytes = readFirst(file, count * io->GetComponentSize(), path);
    VolumeInfo info;
    info.seriesUid = fileHash(path);
    info.description = path.filename().string();
    info.notes.push_back({"modality-unknown", "The file does not tell the modality."});
    if (!hasSides(file)) {
        info.notes.push_back({"unknown-sides", "The file does not tell how the image lies in the patient; sides are not known."});
    }
    if (timePointsOf(*io) > 1) {
        info.notes.push_back({"time-points", "The file holds " + std::to_string(timePointsOf(*io)) + " volumes; the first is shown."});
    }
    if (color) {
        std::vector<std::uint8_t> grey(geometry.size().voxels()), rgb(3 * grey.size());
        if (components == 4) {
            info.notes.push_back({"no-opacity", "The file tells how opaque each voxel is; its colours are shown without that."});
        }
        for (std::size_t n = 0; n < grey.size(); ++n) {
            std::copy_n(bytes.begin() + std::ptrdiff_t(components * n), 3, rgb.begin() + std::ptrdiff_t(3 * n));
            grey[n] = std::uint8_t(std::lround(0.299 * rgb[3 * n] + 0.587 * rgb[3 * n + 1] + 0.114 * rgb[3 * n + 2]));
        }
        return Volume(geometry, std::move(grey), info, std::move(rgb));
    }
    Converted converted = convert(io->GetComponentType(), bytes, count);
    converted.notFinite += file.nifti ? countNotFinite(*file.nifti, count) : 0;
    if (converted.notFinite > 0) {
        info.notes.push_back({"not-finite", std::to_string(converted.notFinite) + " voxels hold no number and are shown as 0."});
    }
    if (converted.isRounded) {
        info.notes.push_back({"rounded", "Whole numbers of more than 53 bits are rounded."});
    }
    const auto scaled = [&](const char* field, double usual) {
        const std::string text = file.text.field(field);
        return !text.empty() && std::strtod(text.c_str(), nullptr) != usual;
    };
    if (file.format == "MetaImage" && (scaled("elementtointensityfunctionslope", 1) || scaled("elementtointensityfunctionoffset", 0))) {
        info.notes.push_back({"not-scaled", "The file tells how its values become intensities; they are shown as stored."});
    }
    return Volume(geometry, std::move(converted.voxels), info);
}

} // namespace

Volume readVolumeFile(const fs::path& path)
{
    try {
        return readOpenFile(openHeader(path), path);
    } catch (const std::bad_alloc&) {
        throw Error("the volume needs more memory than is free", "too-large");
    }
}

namespace {

/// ITK's writer says nothing when the disk is full.
void checkWhole(const fs::path& path, double voxelBytes)
{
    constexpr double kHeaderBytes = 352;
    const bool isPacked = path.extension() == ".gz";
    const StoredVoxels stored{path, isPacked ? 0 : kHeaderBytes, isPacked ? kHeaderBytes : 0, isPacked ? StoredVoxels::Packing::Deflate : StoredVoxels::Packing::None};
    try {
        checkLength(stored, voxelBytes);
        checkStream(stored, voxelBytes);
    } catch (const Error&) {
        throw Error("there is not enough room on the disk", "write");
    }
}

/// NIfTI through ITK's writer, which makes qform and sform from LPS axes.
/// @param components  1, or 3 for colour by voxel.
void writeVoxels(const Geometry& geometry, itk::IOComponentEnum type, unsigned components, const void* data, const fs::path& path)
{
    // It takes the place of an older file only when it is whole.
    const fs::path part = path.parent_path() / (".part-" + path.filename().string());
    if (!std::ofstream(part, std::ios::binary)) {
        // ITK's writer would not say why.
        throw Error("cannot write " + path.string() + ": " + std::generic_category().message(errno), "write");
    }
    const auto io = itk::NiftiImageIO::New();
    io->SetFileName(part.string());
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
    std::string reason;
    try {
        io->Write(data);
        checkWhole(part, bytesOf(*io));
        fs::rename(part, path);
    } catch (const itk::ExceptionObject& error) {
        reason = error.GetDescription();
    } catch (const std::exception& error) {
        reason = error.what();
    }
    if (!reason.empty()) {
        std::error_code ignored;
        fs::remove(part, ignored);
        throw Error("cannot write " + path.string() + ": " + reason, "write");
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
    static const std::map<VoxelType, Enum> kTypes{{VoxelType::Int16, Enum::SHORT}, {VoxelType::UInt8, Enum::UCHAR}, {VoxelType::UInt16, Enum::USHORT}, {VoxelType::Float32, Enum::FLOAT},
        {VoxelType::Float64, Enum::DOUBLE}};
    writeVoxels(volume.geometry(), kTypes.at(volume.type()), 1, volume.data(), path);
}

void writeNifti(const LabelMap& labels, const fs::path& path)
{
    writeVoxels(labels.geometry(), itk::IOComponentEnum::UCHAR, 1, labels.voxels().data(), path);
}

} // namespace hf::imaging
