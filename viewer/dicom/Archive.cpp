#include "viewer/dicom/Archive.h"

#include "viewer/volume/Error.h"
#include "viewer/volume/Progress.h"

#include <zip.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
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

namespace {

using Zip = std::unique_ptr<zip_t, decltype(&zip_discard)>;
using ZipFile = std::unique_ptr<zip_file_t, decltype(&zip_fclose)>;

/// Entries are numbered: their own names may be long, hostile or the same but for case. Folders do not matter to a scan.
fs::path unpackedName(const fs::path& folder, zip_int64_t index, const std::string& name)
{
    const bool isDirectory = fs::path(name).filename() == "DICOMDIR";
    const std::string extension = fs::path(name).extension().string();
    const bool keeps = extension.size() <= 8 && extension.find_first_of("/\\") == std::string::npos;
    const std::string doubled = name.size() > 7 && name.ends_with(".nii.gz") ? ".nii.gz" : keeps ? extension : "";
    return folder / (std::to_string(index) + (isDirectory ? "" : doubled));
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

std::shared_ptr<const UnpackedArchive> unpackZip(const fs::path& path, std::stop_token stop)
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
    unpacked->archive = path;
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
        if (!name || std::string(name).ends_with('/')) {
            continue;
        }
        const ZipFile file(zip_fopen_index(archive.get(), zip_uint64_t(n), 0), zip_fclose);
        if (!file) {
            throw Error("the archive is encrypted or broken", "archive");
        }
        std::ofstream out(unpackedName(unpacked->folder, n, name), std::ios::binary);
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
