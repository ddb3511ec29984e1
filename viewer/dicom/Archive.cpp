#include "viewer/dicom/Archive.h"

#include "viewer/volume/Error.h"
#include "viewer/volume/Progress.h"

#include <zip.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace hf::dicom {

namespace fs = std::filesystem;

bool looksLikeZip(const fs::path& path)
{
    std::ifstream stream(path, std::ios::binary);
    std::array<char, 4> bytes{};
    stream.read(bytes.data(), 4);
    return stream.gcount() == 4 && bytes == std::array<char, 4>{'P', 'K', 3, 4};
}

UnpackedArchive::~UnpackedArchive()
{
    std::error_code ignored;
    fs::remove_all(folder, ignored);
}

fs::path UnpackedArchive::placeOf(const fs::path& file) const
{
    const std::string number = file.parent_path().filename().string();
    const bool isNumber = !number.empty() && number.size() < 8 && std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
    const std::size_t n = isNumber ? std::stoul(number) : folders.size();
    return n < folders.size() ? fs::path(shown.string() + "/" + folders[n] + (folders[n].empty() ? "" : "/") + file.filename().string()) : file;
}

namespace {

using Zip = std::unique_ptr<zip_t, decltype(&zip_discard)>;
using ZipFile = std::unique_ptr<zip_file_t, decltype(&zip_fclose)>;

/// A name that is safe and that a scan looks at: others are numbered.
std::string unpackedName(const std::string& name, zip_int64_t index)
{
    constexpr std::size_t kLongest = 120;
    const bool isPlain = !name.empty() && name.size() <= kLongest && name.front() != '.' &&
        std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == '/' || c == '\\' || c == ':'; });
    return isPlain ? name : std::to_string(index);
}

/// Where an entry is unpacked to; its folder is made. Names of folders may be long, hostile or the same but for case: they are numbered.
fs::path placeFor(UnpackedArchive& unpacked, std::map<std::string, std::size_t>& numbers, const std::string& name, zip_int64_t index)
{
    const std::size_t slash = name.find_last_of("/\\");
    const std::string folder = slash == std::string::npos ? std::string() : name.substr(0, slash);
    const auto [known, isNew] = numbers.emplace(folder, unpacked.folders.size());
    const fs::path parent = unpacked.folder / std::to_string(known->second);
    if (isNew) {
        unpacked.folders.push_back(folder);
        std::error_code error;
        fs::create_directory(parent, error);
    }
    const fs::path place = parent / unpackedName(name.substr(slash == std::string::npos ? 0 : slash + 1), index);
    // The same name twice is allowed in an archive.
    return fs::exists(place) ? parent / (std::to_string(index) + "-" + place.filename().string()) : place;
}

/// What an archive may become on the disk of the temporary folder. Sizes are those that the archive declares; a lie ends the unpacking later.
std::uint64_t declaredBytes(zip_t* archive, zip_int64_t entries)
{
    std::uint64_t total = 0;
    for (zip_int64_t n = 0; n < entries; ++n) {
        zip_stat_t about;
        if (zip_stat_index(archive, zip_uint64_t(n), 0, &about) == 0 && (about.valid & ZIP_STAT_SIZE)) {
            total += std::min<std::uint64_t>(about.size, std::uint64_t(1) << 50);
        }
    }
    return total;
}

std::string gigabytes(double bytes)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.1f GB", bytes / 1e9);
    return text;
}

} // namespace

std::shared_ptr<const UnpackedArchive> unpackZip(const fs::path& path, const UnpackedArchive* outer, std::stop_token stop)
{
    int code = 0;
    const Zip archive(zip_open(path.c_str(), ZIP_RDONLY, &code), zip_discard);
    if (!archive) {
        throw Error("the archive cannot be opened", "archive");
    }
    std::string pattern = (fs::temp_directory_path() / "hounsfield-XXXXXX").string();
    if (!mkdtemp(pattern.data())) {
        throw Error("no temporary folder can be made", "archive");
    }
    auto unpacked = std::make_shared<UnpackedArchive>();
    unpacked->folder = pattern;
    unpacked->archive = outer ? outer->archive : path;
    unpacked->shown = outer ? outer->placeOf(path) : path;
    std::map<std::string, std::size_t> folders;
    const zip_int64_t entries = zip_get_num_entries(archive.get(), 0);
    constexpr zip_int64_t kMostEntries = 1'000'000;
    constexpr std::uint64_t kMostBytes = 100'000'000'000, kLeftFree = 500'000'000;
    if (entries > kMostEntries) {
        throw Error("the archive has too many entries", "archive");
    }
    std::error_code unknown;
    const std::uint64_t free = fs::space(unpacked->folder, unknown).available, room = unknown ? kMostBytes : free > kLeftFree ? free - kLeftFree : 0;
    if (const std::uint64_t needed = declaredBytes(archive.get(), entries); needed > std::min(room, kMostBytes)) {
        throw Error("the archive becomes " + gigabytes(double(needed)) + " when it is unpacked, " + gigabytes(double(std::min(room, kMostBytes))) + " are free in " + fs::temp_directory_path().string(), "archive");
    }
    std::uint64_t total = 0;
    std::vector<char> buffer(1 << 20);
    for (zip_int64_t n = 0; n < entries; ++n) {
        throwIfStopped(stop);
        const char* name = zip_get_name(archive.get(), zip_uint64_t(n), 0);
        // Hidden files are none of a study's; in folders they are left out too.
        if (!name || std::string(name).ends_with('/') || fs::path(name).filename().string().starts_with('.')) {
            continue;
        }
        const ZipFile file(zip_fopen_index(archive.get(), zip_uint64_t(n), 0), zip_fclose);
        if (!file) {
            throw Error("the archive is encrypted or broken", "archive");
        }
        std::ofstream out(placeFor(*unpacked, folders, name, n), std::ios::binary);
        for (zip_int64_t count; (count = zip_fread(file.get(), buffer.data(), buffer.size())) != 0;) {
            throwIfStopped(stop);
            total += count > 0 ? std::uint64_t(count) : 0;
            if (count < 0 || total > std::min(room, kMostBytes)) {
                throw Error(count < 0 ? "the archive is broken" : "the archive becomes larger than it says", "archive");
            }
            out.write(buffer.data(), count);
        }
        if (!out.flush()) {
            throw Error("the archive does not fit on the disk", "archive");
        }
    }
    return unpacked;
}

} // namespace hf::dicom
