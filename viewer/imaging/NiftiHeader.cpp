#include "viewer/imaging/NiftiHeader.h"

#include "viewer/imaging/TextHeader.h"
#include "viewer/volume/Error.h"

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

constexpr std::size_t kHeaderBytes = 348;

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
        m_isRead = file && gzread(file.get(), m_bytes.data(), unsigned(m_bytes.size())) == int(m_bytes.size());
        // As the NIfTI library tells the byte order: by a number of dimensions that can be.
        const auto isCount = [&] { return at<std::int16_t>(40) >= 1 && at<std::int16_t>(40) <= 7; };
        m_isSwapped = !isCount();
        m_isRead = m_isRead && isCount() && at<std::int32_t>(0) != kNifti2 && swapped(at<std::int32_t>(0)) != kNifti2;
    }

    bool isRead() const { return m_isRead; }
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
        const double value = at<float>(place);
        if (!(std::abs(value) < 1e9)) {
            throw Error("the NIfTI header holds a place that is no number", "broken");
        }
        return value;
    }

private:
    static constexpr std::int32_t kNifti2 = 540;

    std::array<char, kHeaderBytes> m_bytes{};
    bool m_isRead = false, m_isSwapped = false;
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
    const char magic[] = {raw.at<char>(344), raw.at<char>(345), raw.at<char>(346), raw.at<char>(347)};
    const bool isOneFile = std::memcmp(magic, "n+1", 4) == 0;
    header.isAnalyze = !isOneFile && std::memcmp(magic, "ni1", 4) != 0;
    header.voxelFile = isOfPair && name.ends_with(".hdr") ? partner(path, ".img", ".IMG") : path;
    header.voxelOffset = std::max(raw.placeAt(108), isOneFile ? double(kHeaderBytes) : 0.0);
    header.dataType = raw.at<std::int16_t>(70);
    header.isSwapped = raw.isSwapped();
    header.voxelBytes = bytesOf(header.dataType);
    std::vector<double> places{1};
    for (int axis = 1; axis <= raw.at<std::int16_t>(40); ++axis) {
        header.voxelBytes *= std::max<std::int16_t>(raw.at<std::int16_t>(40 + 2 * std::size_t(axis)), 1);
        places.push_back(raw.placeAt(76 + 4 * std::size_t(axis)));      // also what is not used: ITK looks at all of them
    }
    checkRange(places);
    if (header.isAnalyze) {
        return header;
    }
    const float slope = raw.at<float>(112);
    header.isScaled = slope != 0 && std::isfinite(slope);
    if (header.isScaled && !std::isfinite(raw.at<float>(116))) {
        throw Error("the NIfTI header holds an intercept that is no number", "broken");
    }
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
    const int unit = raw.at<char>(123) & 7;
    header.millimetres = unit == 1 ? 1e3 : unit == 3 ? 1e-3 : 1;    // metres, micrometres
    for (double& value : header.sform) {
        value *= header.millimetres;
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
