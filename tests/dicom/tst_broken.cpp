#include "support/QtMain.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include <unistd.h>

// Damaged files of every kind: reading must end, with a picture or with a reason. Best run with the asan preset. HF_BROKEN_ROUNDS
// (default 4) mutations a file.

using namespace hf;
namespace fs = std::filesystem;

namespace {

const fs::path kData = HF_TEST_DATA_DIR;

std::string contentOf(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// One of: a cut, changed bytes, a piece lost, a piece doubled, a length that cannot be, zeros.
std::string damaged(std::string bytes, std::mt19937& random)
{
    const auto below = [&](std::size_t limit) { return std::size_t(random() % std::max<std::size_t>(1, limit)); };
    // Headers break in more ways than pixels.
    const std::size_t at = below(2) ? below(std::min<std::size_t>(bytes.size(), 2000)) : below(bytes.size());
    const std::size_t count = std::min(bytes.size() - at, 1 + below(64));
    switch (below(6)) {
    case 0: return bytes.substr(0, at);
    case 1:
        for (std::size_t n = 0; n < 1 + below(20); ++n) bytes[below(2) ? below(std::min<std::size_t>(bytes.size(), 2000)) : below(bytes.size())] = char(random());
        return bytes;
    case 2: return bytes.erase(at, count);
    case 3: return bytes.insert(at, bytes.substr(at, count));
    case 4: std::fill_n(bytes.begin() + std::ptrdiff_t(at), std::min<std::size_t>(4, bytes.size() - at), char(below(2) ? 0xff : 0x7f)); return bytes;
    default: std::fill_n(bytes.begin() + std::ptrdiff_t(at), count, '\0'); return bytes;
    }
}

/// Files that are quick to read, of all folders.
std::vector<fs::path> smallFiles()
{
    constexpr std::uintmax_t kMost = 150'000;
    std::vector<fs::path> files;
    for (const char* folder : {"odd", "transfer_syntaxes", "charsets", "cxr", "seg", "sr", "palettes", "dicomdir", "nifti", "ct_vendors"}) {
        for (const fs::directory_entry& entry : fs::recursive_directory_iterator(kData / folder)) {
            const bool isData = entry.is_regular_file() && entry.path().extension() != ".json" && entry.path().extension() != ".md" && entry.path().extension() != ".raw";
            if (isData && entry.file_size() > 0 && entry.file_size() < kMost) {
                files.push_back(entry.path());
            }
        }
    }
    for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(HF_SOURCE_DIR) / "tests/data/dicom")) {
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

struct Count { int pictures = 0, reasons = 0; };

void readAll(const fs::path& file, Count& count)
{
    const std::vector<fs::path> paths{file};
    const dicom::ScanResult found = dicom::scan(paths);
    count.reasons += int(found.rejected.size());
    for (const dicom::Rejected& one : found.rejected) {
        HF_CHECK(!one.reason.empty());
    }
    for (const dicom::Study& study : found.studies) {
        for (const dicom::Series& series : study.series) {
            try {
                count.pictures += dicom::readSeries(series).geometry().size().voxels() > 0;
                dicom::inspect(series);
            } catch (const Error& error) {
                ++count.reasons;
                HF_CHECK(std::string(error.what()).size() > 3);
            }
        }
    }
}

} // namespace

HF_TEST(damaged_files_give_a_picture_or_a_reason)
{
    if (!fs::exists(kData / "odd")) HF_SKIP("the real data is not there");
    const fs::path folder = fs::temp_directory_path() / ("hf-broken-" + std::to_string(getpid()));
    fs::create_directories(folder);
    const char* wanted = std::getenv("HF_BROKEN_ROUNDS");
    const int rounds = wanted ? std::atoi(wanted) : 4;
    Count count;
    int files = 0;
    double longest = 0;
    std::string slowest;
    for (const fs::path& source : smallFiles()) {
        const std::string whole = contentOf(source);
        for (int round = 0; round < rounds; ++round) {
            std::mt19937 random(std::uint32_t(std::hash<std::string>{}(source.filename().string()) + std::uint32_t(round) * 7919U));
            const fs::path file = folder / source.filename();
            std::ofstream(file, std::ios::binary) << damaged(whole, random);
            // Named before it is read: what a crash or a hang leaves behind.
            std::ofstream(folder / "last.txt") << source << " round " << round << "\n";
            const auto start = std::chrono::steady_clock::now();
            try {
                readAll(file, count);
            } catch (const Error&) {
                ++count.reasons;
            }
            const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            if (seconds > longest) {
                longest = seconds;
                slowest = source.filename().string() + " round " + std::to_string(round);
            }
            fs::remove(file);
            ++files;
        }
    }
    std::printf("%d damaged files: %d pictures, %d reasons, the longest took %.1f s: %s\n", files, count.pictures, count.reasons, longest, slowest.c_str());
    HF_CHECK(files > 500 || rounds < 4);
    fs::remove_all(folder);
}

HF_QT_TEST_MAIN()
