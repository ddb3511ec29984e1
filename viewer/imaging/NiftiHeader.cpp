#include "viewer/imaging/NiftiHeader.h"

#include "viewer/imaging/TextHeader.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/NiftiQform.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hf::imaging {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kHeaderBytes = 348, kSecondBytes = 540;

template <typename T> T swapped(T value)
{
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    std::reverse(bytes, bytes + sizeof value);
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

class RawHeader {
public:
    explicit RawHeader(const fs::path& path)
    {
        const std::unique_ptr<gzFile_s, decltype(&gzclose)> file(gzopen(path.c_str(), "rb"), gzclose);
        const int count = file ? gzread(file.get(), m_bytes.data(), unsigned(m_bytes.size())) : 0;
        const auto size = at<std::int32_t>(0);
        if (size == std::int32_t(kSecondBytes) || swapped(size) == std::int32_t(kSecondBytes)) {
            m_isSecond = true;
            m_isSwapped = size != std::int32_t(kSecondBytes);
            m_isRead = count == int(kSecondBytes) && at<std::int64_t>(16) >= 1 && at<std::int64_t>(16) <= 7;
            return;
        }
        // As the NIfTI library tells the byte order: by a number of dimensions that can be.
        const auto isCount = [&] { return at<std::int16_t>(40) >= 1 && at<std::int16_t>(40) <= 7; };
        m_isSwapped = !isCount();
        m_isRead = count >= int(kHeaderBytes) && isCount();
    }

    bool isRead() const { return m_isRead; }
    bool isSecond() const { return m_isSecond; }
    bool isSwapped() const { return m_isSwapped; }

    template <typename T> T at(std::size_t place) const
    {
        T value;
        std::memcpy(&value, m_bytes.data() + place, sizeof value);
        return m_isSwapped ? swapped(value) : value;
    }

    /// @throws Error for what is no number, or beyond all that can be a length.
    double placeAt(std::size_t place) const
    {
        const double value = m_isSecond ? at<double>(place) : double(at<float>(place));
        if (!(std::abs(value) < 1e9)) {
            throw Error("the NIfTI header holds a place that is no number", "broken");
        }
        return value;
    }

private:
    std::array<char, kSecondBytes> m_bytes{};
    bool m_isRead = false, m_isSwapped = false, m_isSecond = false;
};

/// The other file of a pair, plain or compressed, in the case of the first.
fs::path partner(const fs::path& path, const char* small, const char* large)
{
    const fs::path base = lower(path.extension().string()) == ".gz" ? path.stem().stem() : path.stem();
    for (const char* extension : {small, large}) {
        for (const char* packed : {"", ".gz"}) {
            const fs::path other = path.parent_path() / (base.string() + extension + packed);
            if (fs::exists(other)) {
                return other;
            }
        }
    }
    return path;
}

/// Of one voxel of a NIfTI data type; 0 for one that does not exist.
double bytesOf(int dataType)
{
    static const std::map<int, double> kBytes{{2, 1}, {4, 2}, {8, 4}, {16, 4}, {32, 8}, {64, 8}, {128, 3}, {256, 1}, {512, 2}, {768, 4}, {1024, 8}, {1280, 8}, {1536, 16}, {1792, 16},
        {2048, 32}, {2304, 4}};
    const auto found = kBytes.find(dataType);
    return found == kBytes.end() ? 0 : found->second;
}

/// The singular values that ITK looks for never come to an end where the quotient of two places is too small for a float.
void checkRange(std::vector<double> places)
{
    std::erase(places, 0);
    for (double& place : places) {
        place = std::abs(place);
    }
    if (!places.empty() && *std::min_element(places.begin(), places.end()) < *std::max_element(places.begin(), places.end()) * 1e-36) {
        throw Error("the NIfTI header holds a place that is no number", "broken");
    }
}

/// What ITK would make of the header, where it is not for it. @param quaternion  its places in millimetres.
void readForOwnReader(const RawHeader& raw, const std::array<double, 6>& quaternion, NiftiHeader& header)
{
    header.isForItk = false;
    for (std::size_t axis = 0; axis < std::min<std::size_t>(header.sizes.size(), 3); ++axis) {
        const double step = std::abs(raw.isSecond() ? raw.placeAt(112 + 8 * axis) : raw.placeAt(80 + 4 * axis));
        header.steps[axis] = (step > 0 ? step : 1) * header.millimetres;
    }
    if (header.sformCode <= 0 && header.qformCode > 0) {
        header.sform = niftiQform(quaternion, header.steps, (raw.isSecond() ? raw.at<double>(104) : double(raw.at<float>(76))) < 0);
        header.sformCode = header.qformCode;
    }
}

void setScale(double slope, double intercept, NiftiHeader& header)
{
    header.slope = slope;
    header.intercept = intercept;
    header.isScaled = slope != 0 && std::isfinite(slope);
    if (header.isScaled && !std::isfinite(intercept)) {
        throw Error("the NIfTI header holds an intercept that is no number", "broken");
    }
}

/// The fields of NIfTI-2 (nifti2.h of the NIfTI Data Format Working Group) behind the magic.
/// @param header  what both versions share is set.
void readSecond(const RawHeader& raw, NiftiHeader& header)
{
    header.dataType = raw.at<std::int16_t>(12);
    header.voxelBytes = bytesOf(header.dataType);
    for (std::size_t axis = 1; axis <= std::size_t(raw.at<std::int64_t>(16)); ++axis) {
        header.sizes.push_back(raw.at<std::int64_t>(16 + 8 * axis));
        header.voxelBytes *= double(std::max<std::int64_t>(header.sizes.back(), 1));
    }
    header.millimetres = niftiMillimetres(raw.at<std::int32_t>(500));
    setScale(raw.at<double>(176), raw.at<double>(184), header);
    header.qformCode = raw.at<std::int32_t>(344);
    header.sformCode = raw.at<std::int32_t>(348);
    std::array<double, 6> quaternion;
    for (std::size_t n = 0; n < quaternion.size(); ++n) {
        quaternion[n] = raw.placeAt(352 + 8 * n) * (n < 3 ? 1 : header.millimetres);
    }
    for (std::size_t n = 0; n < header.sform.size(); ++n) {
        header.sform[n] = raw.placeAt(400 + 8 * n) * header.millimetres;
    }
    readForOwnReader(raw, quaternion, header);
}

/// Has the library inside ITK another file for the voxels of this one?
bool isShadowed(const fs::path& path)
{
    return lower(path.extension().string()) == ".gz" && fs::exists(fs::path(path).replace_extension());
}

} // namespace

std::optional<NiftiHeader> findNiftiHeader(const fs::path& path)
{
    const std::string name = lower(path.filename().string());
    const bool isOfPair = !name.ends_with(".nii") && !name.ends_with(".nii.gz");
    const RawHeader raw(isOfPair && !name.ends_with(".hdr") ? partner(path, ".hdr", ".HDR") : path);
    if (!raw.isRead()) {
        return std::nullopt;
    }
    NiftiHeader header;
    const std::size_t magicAt = raw.isSecond() ? 4 : 344;
    const char magic[] = {raw.at<char>(magicAt), raw.at<char>(magicAt + 1), raw.at<char>(magicAt + 2), raw.at<char>(magicAt + 3)};
    const bool isOneFile = std::memcmp(magic, raw.isSecond() ? "n+2" : "n+1", 4) == 0;
    header.isAnalyze = !isOneFile && std::memcmp(magic, raw.isSecond() ? "ni2" : "ni1", 4) != 0;
    if (raw.isSecond() && header.isAnalyze) {
        return std::nullopt;
    }
    header.voxelFile = isOfPair && name.ends_with(".hdr") ? partner(path, ".img", ".IMG") : path;
    const double offset = raw.isSecond() ? double(raw.at<std::int64_t>(168)) : raw.placeAt(108);
    header.voxelOffset = std::max(offset, !isOneFile ? 0.0 : raw.isSecond() ? double(kSecondBytes) : double(kHeaderBytes));
    header.isSwapped = raw.isSwapped();
    if (raw.isSecond()) {
        readSecond(raw, header);
        return header;
    }
    header.dataType = raw.at<std::int16_t>(70);
    header.voxelBytes = bytesOf(header.dataType);
    std::vector<double> places{1};
    for (int axis = 1; axis <= raw.at<std::int16_t>(40); ++axis) {
        header.sizes.push_back(std::max<std::int16_t>(raw.at<std::int16_t>(40 + 2 * std::size_t(axis)), 1));
        header.voxelBytes *= double(header.sizes.back());
        places.push_back(raw.placeAt(76 + 4 * std::size_t(axis)));      // also what is not used: ITK looks at all of them
    }
    checkRange(places);
    if (header.isAnalyze) {
        return header;
    }
    setScale(raw.at<float>(112), raw.at<float>(116), header);
    header.qformCode = raw.at<std::int16_t>(252);
    header.sformCode = raw.at<std::int16_t>(254);
    std::array<double, 6> quaternion;
    for (std::size_t n = 0; n < quaternion.size(); ++n) {
        quaternion[n] = raw.placeAt(256 + 4 * n);
    }
    places.insert(places.end(), quaternion.begin(), quaternion.end());
    places.insert(places.end(), {quaternion[0] * quaternion[1], quaternion[0] * quaternion[2], quaternion[1] * quaternion[2]});    // of its matrix
    for (std::size_t n = 0; n < 12; ++n) {
        header.sform[n] = raw.placeAt(280 + 4 * n);
        places.push_back(header.sform[n]);
    }
    checkRange(std::move(places));
    header.millimetres = niftiMillimetres(raw.at<char>(123));
    for (double& value : header.sform) {
        value *= header.millimetres;
    }
    if (isOneFile && isShadowed(path)) {
        for (std::size_t n = 3; n < quaternion.size(); ++n) {
            quaternion[n] *= header.millimetres;
        }
        readForOwnReader(raw, quaternion, header);
    }
    return header;
}

namespace {

/// @param file  before the first voxel.
template <typename T> std::size_t countNotFinite(gzFile file, std::size_t voxels, bool isSwapped)
{
    constexpr std::size_t kAtOnce = 65536;
    std::vector<T> part(std::min(voxels, kAtOnce));
    std::size_t found = 0;
    for (std::size_t left = voxels; left > 0; left -= std::min(left, kAtOnce)) {
        part.resize(std::min(left, kAtOnce));
        if (gzread(file, part.data(), unsigned(part.size() * sizeof(T))) != int(part.size() * sizeof(T))) {
            return found;       // reading the voxels says what is wrong
        }
        found += std::size_t(std::count_if(part.begin(), part.end(), [&](T value) { return !std::isfinite(isSwapped ? swapped(value) : value); }));
    }
    return found;
}

} // namespace

std::size_t countNotFinite(const NiftiHeader& header, std::size_t voxels)
{
    constexpr int kFloat = 16, kDouble = 64;
    const std::unique_ptr<gzFile_s, decltype(&gzclose)> file(gzopen(header.voxelFile.c_str(), "rb"), gzclose);
    if ((header.dataType != kFloat && header.dataType != kDouble) || !file || gzseek(file.get(), z_off_t(header.voxelOffset), SEEK_SET) < 0) {
        return 0;
    }
    return header.dataType == kFloat ? countNotFinite<float>(file.get(), voxels, header.isSwapped) : countNotFinite<double>(file.get(), voxels, header.isSwapped);
}

} // namespace hf::imaging
