#include "app/engine/VolumeFile.h"

#include "app/engine/Wire.h"
#include "assistant/engine/PictureFile.h"
#include "experts/runtime/Sha256.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/NiftiQform.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstring>
#include <fstream>
#include <memory>

namespace hf::app {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kHeaderSize = 348, kDataOffset = 352, kSecondSize = 540;

[[noreturn]] void refuse(const fs::path& file, const std::string& reason) { throw Error(file.filename().string() + ": " + reason, "broken"); }

using GzFile = std::unique_ptr<gzFile_s, int (*)(gzFile)>;

/// All bytes, uncompressed; zlib reads plain files as they are.
std::vector<char> readAll(const fs::path& path)
{
    constexpr std::size_t kLargest = std::size_t(8) << 30;
    const GzFile file(gzopen(path.c_str(), "rb"), &gzclose);
    if (!file) {
        throw Error("cannot read " + path.string(), "file");
    }
    std::vector<char> bytes;
    constexpr unsigned kStep = 8 << 20;
    for (;;) {
        const std::size_t before = bytes.size();
        bytes.resize(before + kStep);
        const int got = gzread(file.get(), bytes.data() + before, kStep);
        if (got < 0 || bytes.size() > kLargest) {
            refuse(path, got < 0 ? "the compressed data are damaged or cut off" : "larger than 8 GB");
        }
        bytes.resize(before + std::size_t(got));
        if (got == 0) {
            break;
        }
    }
    int code = Z_OK;
    gzerror(file.get(), &code);
    if (code != Z_OK && code != Z_STREAM_END) {
        refuse(path, "the compressed data are cut off");
    }
    return bytes;
}

/// The fields of a NIfTI-1 or NIfTI-2 header in either byte order. Sources: nifti1.h and nifti2.h of the NIfTI data format.
class Header {
public:
    Header(const fs::path& file, const std::vector<char>& bytes) : m_bytes(bytes)
    {
        m_isSecond = bytes.size() >= kSecondSize && std::memcmp(bytes.data() + 4, "n+2", 4) == 0;
        if (!m_isSecond && (bytes.size() < kDataOffset || std::memcmp(bytes.data() + 344, "n+1", 4) != 0)) {
            refuse(file, "no NIfTI file with its data");
        }
        const auto size = std::int32_t(m_isSecond ? kSecondSize : kHeaderSize);
        m_isSwapped = at<std::int32_t>(0) != size;
        if (at<std::int32_t>(0) != size) {
            refuse(file, "the size of its header is wrong");
        }
    }
    template <typename T> T at(std::size_t offset) const
    {
        std::array<char, sizeof(T)> raw;
        std::memcpy(raw.data(), m_bytes.data() + offset, sizeof(T));
        if (m_isSwapped) {
            std::reverse(raw.begin(), raw.end());
        }
        return std::bit_cast<T>(raw);
    }
    /// 0 for one that is too long for a volume.
    int dimension(int n) const
    {
        constexpr std::int64_t kMost = 1 << 20;
        const std::int64_t count = m_isSecond ? at<std::int64_t>(16 + 8 * std::size_t(n)) : at<std::int16_t>(40 + 2 * std::size_t(n));
        return int(count > kMost ? 0 : std::max<std::int64_t>(count, -1));
    }
    /// Of the unit that it counts in.
    double millimetres() const { return niftiMillimetres(m_isSecond ? at<std::int32_t>(500) : at<char>(123)); }
    double pixdim(int n) const { return real(76, 104, n) * (n > 0 ? millimetres() : 1); }
    int dataType() const { return m_isSecond ? at<std::int16_t>(12) : at<std::int16_t>(70); }
    double dataOffset() const { return m_isSecond ? double(at<std::int64_t>(168)) : double(at<float>(108)); }
    double leastOffset() const { return double(m_isSecond ? kSecondSize : kDataOffset); }
    double slope() const { return real(112, 176, 0); }
    double intercept() const { return real(116, 184, 0); }
    int qformCode() const { return m_isSecond ? at<std::int32_t>(344) : at<std::int16_t>(252); }
    int sformCode() const { return m_isSecond ? at<std::int32_t>(348) : at<std::int16_t>(254); }
    /// b, c, d, and the place of the first voxel.
    double qform(int n) const { return real(256, 352, n) * (n > 2 ? millimetres() : 1); }
    /// Row by row.
    double sform(int n) const { return real(280, 400, n) * millimetres(); }

private:
    double real(std::size_t first, std::size_t second, int n) const { return m_isSecond ? at<double>(second + 8 * std::size_t(n)) : double(at<float>(first + 4 * std::size_t(n))); }

    const std::vector<char>& m_bytes;
    bool m_isSwapped = false, m_isSecond = false;
};

/// Index to RAS+ millimetres, three rows of four.
std::array<double, 12> matrixOf(const Header& header)
{
    std::array<double, 12> matrix{};
    const std::array<double, 3> steps{header.pixdim(1), header.pixdim(2), header.pixdim(3)};
    if (header.sformCode() > 0) {
        for (int n = 0; n < 12; ++n) {
            matrix[std::size_t(n)] = header.sform(n);
        }
        return matrix;
    }
    if (header.qformCode() > 0) {
        std::array<double, 6> quaternion;
        for (int n = 0; n < 6; ++n) {
            quaternion[std::size_t(n)] = header.qform(n);
        }
        return niftiQform(quaternion, steps, header.pixdim(0) < 0);
    }
    for (std::size_t axis = 0; axis < 3; ++axis) {
        matrix[5 * axis] = steps[axis];     // the diagonal
    }
    return matrix;
}

Geometry geometryOf(const Header& header, Size3 size)
{
    const std::array<double, 12> ras = matrixOf(header);
    std::array<double, 3> spacing;
    std::array<Vec3, 3> directions;
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const Vec3 column{-ras[axis], -ras[4 + axis], ras[8 + axis]};
        spacing[axis] = length(column);
        directions[axis] = normalized(column);
    }
    return {size, spacing, {-ras[3], -ras[7], ras[11]}, directions};
}

template <typename Stored> void convert(const Header& header, std::size_t offset, double slope, double intercept, std::vector<float>& out)
{
    for (std::size_t n = 0; n < out.size(); ++n) {
        out[n] = float(double(header.at<Stored>(offset + n * sizeof(Stored))) * slope + intercept);
    }
}

Volume readNifti(const fs::path& file, const std::string& modality)
{
    const std::vector<char> bytes = readAll(file);
    const Header header(file, bytes);
    const int axes = header.dimension(0);
    for (int n = 1; n <= 7 && n <= axes; ++n) {
        if (header.dimension(n) < 1 || (n > 3 && header.dimension(n) > 1)) {
            refuse(file, n > 3 ? "it holds several volumes; give one" : "an axis without voxels");
        }
    }
    if (axes < 2 || axes > 7) {
        refuse(file, "it is no picture and no volume");
    }
    const Size3 size{header.dimension(1), header.dimension(2), axes > 2 ? header.dimension(3) : 1};
    struct Type { int code; std::size_t bytes; void (*convert)(const Header&, std::size_t, double, double, std::vector<float>&); };
    static constexpr Type kTypes[] = {{2, 1, &convert<std::uint8_t>}, {4, 2, &convert<std::int16_t>}, {8, 4, &convert<std::int32_t>}, {16, 4, &convert<float>}, {64, 8, &convert<double>},
        {256, 1, &convert<std::int8_t>}, {512, 2, &convert<std::uint16_t>}, {768, 4, &convert<std::uint32_t>}, {1024, 8, &convert<std::int64_t>}, {1280, 8, &convert<std::uint64_t>}};
    const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const Type& entry) { return entry.code == header.dataType(); });
    if (type == std::end(kTypes)) {
        refuse(file, "voxels of the type " + std::to_string(header.dataType()) + " are not read");
    }
    const double offset = header.dataOffset();
    if (!(offset >= header.leastOffset()) || offset + double(size.voxels()) * double(type->bytes) > double(bytes.size())) {
        refuse(file, "it is cut off");
    }
    const double slope = header.slope(), intercept = header.intercept();
    const bool isScaled = slope != 0 && std::isfinite(slope) && std::isfinite(intercept);
    std::vector<float> voxels(size.voxels());
    type->convert(header, std::size_t(offset), isScaled ? slope : 1, isScaled ? intercept : 0, voxels);
    VolumeInfo info;
    info.modality = modality;
    info.unit = modality == "CT" ? Unit::Hu : Unit::None;
    info.seriesUid = runtime::sha256Of(std::as_bytes(std::span(bytes)));
    try {
        return Volume(geometryOf(header, size), std::move(voxels), std::move(info));
    } catch (const Error& error) {
        refuse(file, error.what());
    }
}

nlohmann::json parsed(const fs::path& file)
{
    std::ifstream stream(file);
    return stream ? nlohmann::json::parse(stream, nullptr, false) : nlohmann::json();
}

fs::path voxelsIn(const nlohmann::json& header, const fs::path& file)
{
    if (!header.is_object() || !header.contains("path") || !header["path"].is_string()) {
        return {};
    }
    const fs::path voxels = header["path"].get<std::string>();
    return voxels.is_relative() ? file.parent_path() / voxels : voxels;
}

Volume readHeader(const fs::path& file)
{
    nlohmann::json header = parsed(file);
    if (!header.is_object()) {
        throw Error(file.string() + " is no JSON header of a volume", "broken");
    }
    const fs::path voxels = voxelsIn(header, file);
    if (voxels.empty()) {
        throw Error(file.string() + " does not say in 'path' which file holds its voxels", "broken");
    }
    header["path"] = voxels.string();
    return volumeFromJson(header);
}

template <typename T> void put(std::vector<char>& bytes, std::size_t offset, T value) { std::memcpy(bytes.data() + offset, &value, sizeof value); }

/// Little endian, one volume, sform and qform of code 1 (scanner).
std::vector<char> niftiHeader(const Geometry& geometry)
{
    std::vector<char> bytes(kDataOffset, 0);
    const Size3 size = geometry.size();
    put(bytes, 0, std::int32_t(kHeaderSize));
    for (const auto& [n, value] : {std::pair{0, 3}, {1, size.i}, {2, size.j}, {3, size.k}, {4, 1}, {5, 1}, {6, 1}, {7, 1}}) {
        put(bytes, 40 + 2 * std::size_t(n), std::int16_t(value));
    }
    put(bytes, 70, std::int16_t(2));        // uint8
    put(bytes, 72, std::int16_t(8));
    const auto spacing = geometry.spacingMm();
    const std::array<double, 16> affine = geometry.affineRas();
    std::array<std::array<double, 3>, 3> r;
    for (std::size_t row = 0; row < 3; ++row) {
        for (std::size_t column = 0; column < 3; ++column) {
            r[row][column] = affine[4 * row + column] / spacing[column];
        }
    }
    const double determinant = r[0][0] * (r[1][1] * r[2][2] - r[1][2] * r[2][1]) - r[0][1] * (r[1][0] * r[2][2] - r[1][2] * r[2][0]) + r[0][2] * (r[1][0] * r[2][1] - r[1][1] * r[2][0]);
    const double handed = determinant < 0 ? -1 : 1;
    for (auto& row : r) {
        row[2] *= handed;
    }
    put(bytes, 76, float(handed));
    for (std::size_t n = 0; n < 3; ++n) {
        put(bytes, 80 + 4 * n, float(spacing[n]));
    }
    put(bytes, 108, float(kDataOffset));
    put(bytes, 112, 1.0F);
    bytes[123] = 2;                         // millimetres
    put(bytes, 252, std::int16_t(1));
    put(bytes, 254, std::int16_t(1));
    // Quaternion of the rotation from the largest of its four squares: exact for half turns too.
    const double squares[] = {1 + r[0][0] + r[1][1] + r[2][2], 1 + r[0][0] - r[1][1] - r[2][2], 1 - r[0][0] + r[1][1] - r[2][2], 1 - r[0][0] - r[1][1] + r[2][2]};
    const std::size_t largest = std::size_t(std::max_element(squares, squares + 4) - squares);
    const double root = std::sqrt(squares[largest]), s = 0.5 / root;
    std::array<double, 4> q;
    switch (largest) {
    case 0: q = {root / 2, (r[2][1] - r[1][2]) * s, (r[0][2] - r[2][0]) * s, (r[1][0] - r[0][1]) * s}; break;
    case 1: q = {(r[2][1] - r[1][2]) * s, root / 2, (r[0][1] + r[1][0]) * s, (r[0][2] + r[2][0]) * s}; break;
    case 2: q = {(r[0][2] - r[2][0]) * s, (r[0][1] + r[1][0]) * s, root / 2, (r[1][2] + r[2][1]) * s}; break;
    default: q = {(r[1][0] - r[0][1]) * s, (r[0][2] + r[2][0]) * s, (r[1][2] + r[2][1]) * s, root / 2}; break;
    }
    const double sign = q[0] < 0 ? -1 : 1;
    for (std::size_t n = 0; n < 3; ++n) {
        put(bytes, 256 + 4 * n, float(sign * q[n + 1]));
        put(bytes, 268 + 4 * n, float(affine[4 * n + 3]));
        for (std::size_t column = 0; column < 4; ++column) {
            put(bytes, 280 + 16 * n + 4 * column, float(affine[4 * n + column]));
        }
    }
    std::memcpy(bytes.data() + 344, "n+1", 4);
    return bytes;
}

} // namespace

fs::path voxelsOfHeader(const fs::path& header) { return voxelsIn(parsed(header), header); }

Volume readVolumeFile(const fs::path& file, const std::string& modality, int bitsStored)
{
    constexpr int kMostBits = 24;
    if (bitsStored < 0 || bitsStored > kMostBits) {
        throw Error("bits stored are 1 to " + std::to_string(kMostBits), "usage");
    }
    const Volume volume = file.extension() == ".json" ? readHeader(file) : readNifti(file, modality);
    if (bitsStored == 0) {
        return volume;
    }
    VolumeInfo info = volume.info();
    info.storedRange = {0, double((1 << bitsStored) - 1)};
    if (volume.range().minimum < 0 || volume.range().maximum > (*info.storedRange)[1]) {
        refuse(file, "its values do not fit " + std::to_string(bitsStored) + " bits");
    }
    return {volume.geometry(), volume.visit([](auto voxels) { return Volume::Voxels(std::vector(voxels.begin(), voxels.end())); }), std::move(info), {volume.rgb().begin(), volume.rgb().end()}};
}

bool isPictureFile(const fs::path& file)
{
    std::string ending = file.extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

Volume readPictureVolume(const fs::path& file, const std::string& modality)
{
    const Picture picture = assistant::readPictureFile(file);
    std::vector<std::uint8_t> voxels(picture.rgb.size() / 3);
    for (std::size_t n = 0; n < voxels.size(); ++n) {
        voxels[n] = picture.rgb[3 * n];
    }
    VolumeInfo info;
    info.modality = modality;
    info.seriesUid = runtime::sha256Of(std::as_bytes(std::span(picture.rgb)));
    info.storedRange = {0, 255};
    // Frontal: the patient's right at the left of the picture.
    const Geometry geometry({picture.width, picture.height, 1}, {1, 1, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 0, -1}, Vec3{0, 1, 0}});
    return Volume(geometry, std::move(voxels), std::move(info));
}

void writeNifti(const fs::path& path, const LabelMap& mask)
{
    const std::vector<char> header = niftiHeader(mask.geometry());
    const fs::path part = path.string() + ".part";
    {
        // "T" writes without compression.
        const GzFile file(gzopen(part.c_str(), path.extension() == ".gz" ? "wb6" : "wbT"), &gzclose);
        const std::vector<LabelId>& voxels = mask.voxels();
        bool good = file && gzwrite(file.get(), header.data(), unsigned(header.size())) == int(header.size());
        constexpr std::size_t kStep = 64 << 20;
        for (std::size_t n = 0; good && n < voxels.size(); n += kStep) {
            const auto size = unsigned(std::min(kStep, voxels.size() - n));
            good = gzwrite(file.get(), voxels.data() + n, size) == int(size);
        }
        if (!good || gzflush(file.get(), Z_FINISH) != Z_OK) {
            throw Error("cannot write " + part.string(), "write");
        }
    }
    fs::rename(part, path);
}

} // namespace hf::app
