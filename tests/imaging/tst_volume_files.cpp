#include "support/Check.h"
#include "viewer/imaging/VolumeFile.h"
#include "viewer/volume/Error.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include <unistd.h>

using namespace hf;
namespace fs = std::filesystem;

namespace {

fs::path scratch(const std::string& name)
{
    static const fs::path folder = [] {
        const fs::path made = fs::temp_directory_path() / ("hf-volume-files-" + std::to_string(getpid()));
        fs::create_directories(made);
        return made;
    }();
    return folder / name;
}

fs::path write(const std::string& name, const std::string& bytes)
{
    const fs::path path = scratch(name);
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
}

/// windowBits as deflateInit2 takes them: 31 for gzip, 15 for zlib.
std::string deflated(const std::string& bytes, int windowBits)
{
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY);
    std::string out(bytes.size() + 1000, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = uInt(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = uInt(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(out.size() - stream.avail_out);
    deflateEnd(&stream);
    return out;
}

std::string gzipped(const std::string& bytes) { return deflated(bytes, 31); }

template <typename T> std::string bytesOf(T value, bool isBig = false)
{
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    if (isBig) {
        std::reverse(bytes.begin(), bytes.end());
    }
    return bytes;
}

constexpr int kSide = 10;

/// The header of 10 x 10 x 10 voxels of 2, 3 and 4 mm without codes, and the voxels 1, 2, 3 ...
struct Nifti {
    bool isBig = false;
    std::string bytes = std::string(352, '\0');

    explicit Nifti(bool big = false) : isBig(big)
    {
        set<std::int32_t>(0, 348);
        for (int n = 0; n < 8; ++n) {
            set<std::int16_t>(40 + 2 * n, n == 0 ? 3 : n < 4 ? kSide : 1);
            set<float>(76 + 4 * n, n < 4 ? float(n + 1) : 0);
        }
        set<std::int16_t>(70, 4);
        set<std::int16_t>(72, 16);
        set<float>(108, 352);
        set<float>(112, 1);
        bytes.replace(344, 4, std::string("n+1\0", 4));
        for (int n = 0; n < kSide * kSide * kSide; ++n) {
            bytes += bytesOf(std::int16_t(n + 1), isBig);
        }
    }

    template <typename T> Nifti& set(int place, T value)
    {
        bytes.replace(std::size_t(place), sizeof value, bytesOf(value, isBig));
        return *this;
    }

    Nifti& sform(int code, const std::array<float, 12>& rows)
    {
        set<std::int16_t>(254, std::int16_t(code));
        for (int n = 0; n < 12; ++n) {
            set<float>(280 + 4 * n, rows[std::size_t(n)]);
        }
        return *this;
    }
};

std::string codeOf(const fs::path& path, const std::string& word = "")
{
    try {
        imaging::readVolumeFile(path);
    } catch (const Error& error) {
        return std::string(error.what()).find(word) == std::string::npos ? std::string(error.what()) : error.code();
    }
    return "";
}

bool hasNote(const Volume& volume, const std::string& code)
{
    const auto& notes = volume.info().notes;
    return std::any_of(notes.begin(), notes.end(), [&](const Note& note) { return note.code == code; });
}

void checkAffine(const fs::path& path, const std::array<double, 16>& expected)
{
    const auto affine = imaging::readVolumeFile(path).geometry().affineRas();
    for (std::size_t n = 0; n < 16; ++n) {
        HF_CHECK_NEAR(affine[n], expected[n], 1e-4);
    }
}

const std::string kEarly = "ends before its voxels";

} // namespace

HF_TEST(a_nifti_place_that_is_no_number_is_refused)
{
    const float bad[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e38F, 1e-45F};
    const int places[] = {80, 84, 88, 256, 260, 264, 268, 272, 276, 280, 284, 308, 324};
    for (const bool isBig : {false, true}) {
        for (const float value : bad) {
            for (const int place : places) {
                for (const int codes : {0, 1, 2, 3}) {
                    Nifti file(isBig);
                    file.sform(codes & 1, {2, 0, 0, 1, 0, 3, 0, 2, 0, 0, 4, 3}).set<std::int16_t>(252, std::int16_t(codes >> 1)).set<float>(place, value);
                    HF_CHECK_EQUAL(codeOf(write("nan.nii", file.bytes), "no number"), std::string("broken"));
                    HF_CHECK_EQUAL(codeOf(write("nan.nii.gz", gzipped(file.bytes)), "no number"), std::string("broken"));
                    file.bytes.replace(344, 4, std::string("ni1\0", 4));
                    file.set<float>(108, 0);
                    write("nan.img", file.bytes.substr(352));
                    HF_CHECK_EQUAL(codeOf(write("nan.hdr", file.bytes.substr(0, 348)), "no number"), std::string("broken"));
                    HF_CHECK_EQUAL(codeOf(scratch("nan.img"), "no number"), std::string("broken"));
                }
            }
        }
    }
}

HF_TEST(nifti_slope_and_intercept_are_applied_to_whole_numbers)
{
    for (const bool isBig : {false, true}) {
        Nifti file(isBig);
        file.set<float>(112, 0.25F).set<float>(116, -7);
        for (const fs::path& path : {write("slope.nii", file.bytes), write("slope.nii.gz", gzipped(file.bytes))}) {
            const Volume read = imaging::readVolumeFile(path);
            HF_CHECK_NEAR(read.valueAt(Index3{0, 0, 0}), 0.25 * 1 - 7, 1e-5);
            HF_CHECK_NEAR(read.valueAt(Index3{9, 9, 9}), 0.25 * 1000 - 7, 1e-5);
        }
        for (const float none : {0.F, std::numeric_limits<float>::quiet_NaN()}) {
            const Volume read = imaging::readVolumeFile(write("slope.nii", file.set<float>(112, none).set<float>(116, 5).bytes));
            HF_CHECK_EQUAL(read.valueAt(Index3{1, 0, 0}), 2.F);
            HF_CHECK(read.type() == VoxelType::Int16);
        }
        HF_CHECK_EQUAL(codeOf(write("slope.nii", file.set<float>(112, 2).set<float>(116, std::numeric_limits<float>::infinity()).bytes), "intercept"), std::string("broken"));
    }
}

HF_TEST(nifti_files_that_end_early_are_refused)
{
    const std::string whole = Nifti().bytes, packed = gzipped(whole);
    HF_CHECK_EQUAL(codeOf(write("cut.nii", whole)), std::string());
    for (const std::size_t cut : {1, 100, 300, 352, 400, 1999}) {
        HF_CHECK_EQUAL(codeOf(write("cut.nii", whole.substr(0, whole.size() - cut)), kEarly), std::string("broken"));
        HF_CHECK_EQUAL(codeOf(write("cut.nii.gz", gzipped(whole.substr(0, whole.size() - cut))), kEarly), std::string("broken"));
        if (cut < packed.size()) {
            HF_CHECK_EQUAL(codeOf(write("cut.nii.gz", packed.substr(0, packed.size() - cut)), kEarly), std::string("broken"));
        }
    }
    HF_CHECK_EQUAL(codeOf(write("cut.nii", Nifti().set<float>(108, 1e8F).bytes), kEarly), std::string("broken"));
    Nifti pair;
    pair.bytes.replace(344, 4, std::string("ni1\0", 4));
    pair.set<float>(108, 0);
    write("cut.hdr", pair.bytes.substr(0, 348));
    HF_CHECK_EQUAL(codeOf(write("cut.img", pair.bytes.substr(352))), std::string());
    write("cut.img", pair.bytes.substr(352, 1999));
    HF_CHECK_EQUAL(codeOf(scratch("cut.img"), kEarly), std::string("broken"));
    HF_CHECK_EQUAL(codeOf(scratch("cut.hdr"), kEarly), std::string("broken"));
    std::string damaged = packed;
    damaged[damaged.size() - 6] ^= 1;   // of the checksum
    HF_CHECK_EQUAL(codeOf(write("damaged.nii.gz", damaged)), std::string("broken"));
    // Several streams in one file are what bgzip writes.
    HF_CHECK_EQUAL(codeOf(write("two.nii.gz", gzipped(whole.substr(0, 1000)) + gzipped(whole.substr(1000)))), std::string());
}

HF_TEST(meta_and_nrrd_files_that_end_early_are_refused)
{
    const std::string voxels = Nifti().bytes.substr(352), zlib = deflated(voxels, 15), gzip = gzipped(voxels);
    // Float voxels, two of which are no numbers.
    Nifti holes;
    holes.bytes.resize(352);
    holes.set<std::int16_t>(70, 16).set<std::int16_t>(72, 32);
    for (int n = 0; n < kSide * kSide * kSide; ++n) {
        holes.bytes += bytesOf(n == 7 ? std::numeric_limits<float>::quiet_NaN() : n == 8 ? std::numeric_limits<float>::infinity() : float(n));
    }
    const Volume holed = imaging::readVolumeFile(write("holes.nii", holes.bytes));
    HF_CHECK(hasNote(holed, "not-finite"));
    HF_CHECK(std::any_of(holed.info().notes.begin(), holed.info().notes.end(), [](const Note& note) { return note.text.starts_with("2 voxels"); }));
    HF_CHECK_EQUAL(holed.valueAt(Index3{7, 0, 0}), 0.F);
    HF_CHECK_EQUAL(holed.valueAt(Index3{9, 0, 0}), 9.F);
    const std::string meta = "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nDimSize = 10 10 10\nElementType = MET_SHORT\n";
    const std::string packed = "CompressedData = True\nCompressedDataSize = " + std::to_string(zlib.size()) + "\n";
    const std::string nrrd = "NRRD0004\ntype: int16\ndimension: 3\nsizes: 10 10 10\nendian: little\nspace: LPS\nspace directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n";
    struct File { std::string name, header, voxels, detached; };
    const File files[] = {{"local.mha", meta + "ElementDataFile = LOCAL\n", voxels, ""}, {"packed.mha", meta + packed + "ElementDataFile = LOCAL\n", zlib, ""},
        {"raw.mhd", meta + "ElementDataFile = raw.raw\n", voxels, "raw.raw"}, {"zraw.mhd", meta + packed + "ElementDataFile = zraw.zraw\n", zlib, "zraw.zraw"},
        {"raw.nrrd", nrrd + "encoding: raw\n\n", voxels, ""}, {"gzip.nrrd", nrrd + "encoding: gzip\n\n", gzip, ""},
        {"raw.nhdr", nrrd + "encoding: raw\ndata file: n.raw\n", voxels, "n.raw"}, {"gzip.nhdr", nrrd + "encoding: gzip\ndata file: n.raw.gz\n", gzip, "n.raw.gz"}};
    for (const File& file : files) {
        for (const std::size_t cut : {0, 1, 20, 300}) {
            const std::string stored = file.voxels.substr(0, file.voxels.size() - cut);
            if (!file.detached.empty()) {
                write(file.detached, stored);
            }
            const fs::path path = write(file.name, file.detached.empty() ? file.header + stored : file.header);
            HF_CHECK_EQUAL(codeOf(path, kEarly), cut == 0 ? std::string() : std::string("broken"));
            if (cut == 0) {
                HF_CHECK_EQUAL(imaging::readVolumeFile(path).valueAt(Index3{9, 9, 9}), 1000.F);
            }
        }
    }
    HF_CHECK_EQUAL(codeOf(write("zero.nrrd", nrrd + "encoding: raw\ndata file: /dev/zero\n\n")), std::string("broken"));
}

HF_TEST(headers_that_declare_more_than_the_file_can_hold_are_refused_at_once)
{
    const auto start = std::chrono::steady_clock::now();
    const std::string nrrd = "NRRD0004\ntype: int16\ndimension: 3\nendian: little\nsizes: ", meta = "ObjectType = Image\nNDims = 3\nBinaryData = True\nElementType = MET_SHORT\nDimSize = ";
    HF_CHECK_EQUAL(codeOf(write("big.nrrd", nrrd + "2000 2000 1500\nencoding: raw\n\nabc"), kEarly), std::string("broken"));
    HF_CHECK_EQUAL(codeOf(write("big.nrrd", nrrd + "2000 2000 1500\nencoding: gzip\n\nabc"), kEarly), std::string("broken"));
    HF_CHECK_EQUAL(codeOf(write("big.mha", meta + "2000 2000 1000\nElementDataFile = LOCAL\nabc"), kEarly), std::string("broken"));
    HF_CHECK_EQUAL(codeOf(write("big.mha", meta + "2000 2000 1000\nCompressedData = True\nElementDataFile = LOCAL\nabc"), kEarly), std::string("broken"));
    HF_CHECK_EQUAL(codeOf(write("big.nii.gz", gzipped(Nifti().set<std::int16_t>(42, 2000).set<std::int16_t>(44, 2000).set<std::int16_t>(46, 1000).bytes)), kEarly), std::string("broken"));
    // A file that is long enough, without blocks on the disk.
    const fs::path sparse = write("sparse.mha", meta + "100000 100000 1000\nElementDataFile = LOCAL\n");
    std::error_code failed;     // where the disk has no room for its length
    fs::resize_file(sparse, std::uintmax_t(21) * 1000 * 1000 * 1000 * 1000, failed);
    HF_CHECK(codeOf(sparse) == "too-large" || fs::file_size(sparse) < 1000);
    HF_CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

HF_TEST(a_nifti_lies_by_its_sform_where_that_has_a_code)
{
    const std::array<float, 12> rows{0, -3, 0, -50, 2, 0, 0, 60, 0, 0, 4, -70};
    for (const int qform : {0, 1, 2}) {
        for (const int sform : {1, 2, 4}) {
            Nifti file;
            file.sform(sform, rows).set<std::int16_t>(252, std::int16_t(qform)).set<float>(268, 5).set<float>(264, 0.6F);
            checkAffine(write("sform.nii", file.bytes), {0, -3, 0, -50, 2, 0, 0, 60, 0, 0, 4, -70, 0, 0, 0, 1});
        }
    }
    Nifti file;
    file.sform(0, rows).set<std::int16_t>(252, 1).set<float>(268, 5).set<float>(272, 6).set<float>(276, 7);
    checkAffine(write("qform.nii", file.bytes), {2, 0, 0, 5, 0, 3, 0, 6, 0, 0, 4, 7, 0, 0, 0, 1});
    file.sform(1, {2, 1, 0, 0, 0, 3, 0, 0, 0, 0, 4, 0});
    HF_CHECK_EQUAL(codeOf(write("sheared.nii", file.bytes), "not perpendicular"), std::string("geometry"));
}

HF_TEST(nrrd_spaces_name_where_the_axes_point)
{
    const auto check = [](const char* space, double x, double y) {
        const std::string header = std::string("NRRD0004\ntype: uint8\ndimension: 3\nsizes: 2 3 4\nspace: ") + space +
            "\nspace directions: (2,0,0) (0,3,0) (0,0,4)\nspace origin: (10,20,30)\nencoding: raw\n\n";
        checkAffine(write("space.nrrd", header + std::string(24, 'x')), {2 * x, 0, 0, 10 * x, 0, 3 * y, 0, 20 * y, 0, 0, 4, 30, 0, 0, 0, 1});
    };
    for (const char* space : {"right-anterior-superior", "RAS"}) check(space, 1, 1);
    for (const char* space : {"left-anterior-superior", "LAS"}) check(space, -1, 1);
    for (const char* space : {"left-posterior-superior", "LPS"}) check(space, -1, -1);
    // With time points: the first is read, where it lies.
    const auto checkTime = [](const char* space, double x, double y) {
        const std::string header = std::string("NRRD0004\ntype: uint8\ndimension: 4\nsizes: 2 3 4 2\nspace: ") + space +
            "\nspace directions: (2,0,0,0) (0,3,0,0) (0,0,4,0) (0,0,0,1)\nspace origin: (10,20,30,0)\nencoding: raw\n\n";
        const fs::path path = write("time.nrrd", header + std::string(48, 'x'));
        checkAffine(path, {2 * x, 0, 0, 10 * x, 0, 3 * y, 0, 20 * y, 0, 0, 4, 30, 0, 0, 0, 1});
        HF_CHECK(!hasNote(imaging::readVolumeFile(path), "unknown-sides"));
    };
    for (const char* space : {"right-anterior-superior-time", "RAST"}) checkTime(space, 1, 1);
    for (const char* space : {"left-anterior-superior-time", "LAST"}) checkTime(space, -1, 1);
    for (const char* space : {"left-posterior-superior-time", "LPST"}) checkTime(space, -1, -1);
}

HF_TEST(a_nifti_in_metres_or_micrometres_lies_where_it_says)
{
    for (const auto& [unit, factor] : {std::pair{1, 1e3}, {2, 1.0}, {3, 1e-3}}) {
        Nifti file;
        file.set<std::int16_t>(252, 1).set<float>(268, 5).set<float>(272, 6).set<float>(276, 7);
        file.bytes[123] = char(unit);
        checkAffine(write("unit.nii", file.bytes), {2 * factor, 0, 0, 5 * factor, 0, 3 * factor, 0, 6 * factor, 0, 0, 4 * factor, 7 * factor, 0, 0, 0, 1});
    }
}

HF_TEST(values_that_a_float_would_change_are_doubles)
{
    Nifti whole;
    whole.bytes.resize(352);
    whole.set<std::int16_t>(70, 8).set<std::int16_t>(72, 32);
    Nifti real = whole;
    real.set<std::int16_t>(70, 64).set<std::int16_t>(72, 64);
    for (int n = 0; n < kSide * kSide * kSide; ++n) {
        whole.bytes += bytesOf(std::int32_t(n == 5 ? 16777217 : n == 6 ? -2147483647 : 40000));
        real.bytes += bytesOf(n == 5 ? 0.1 : n == 6 ? std::numeric_limits<double>::infinity() : 0.5 * n);
    }
    const Volume integers = imaging::readVolumeFile(write("whole.nii", whole.bytes));
    HF_CHECK(integers.type() == VoxelType::Float64 && !hasNote(integers, "rounded"));
    HF_CHECK_EQUAL(integers.valueAt(Index3{5, 0, 0}), 16777217.0);
    HF_CHECK_EQUAL(integers.range().minimum, -2147483647.0);
    const Volume reals = imaging::readVolumeFile(write("real.nii", real.bytes));
    HF_CHECK(reals.type() == VoxelType::Float64 && hasNote(reals, "not-finite"));
    HF_CHECK_EQUAL(reals.valueAt(Index3{5, 0, 0}), 0.1);
    HF_CHECK_EQUAL(reals.valueAt(Index3{6, 0, 0}), 0.0);
    // Written and read again they are the same; what a float holds stays one.
    const fs::path copy = write("copy.nii", "");
    imaging::writeNifti(integers, copy);
    HF_CHECK_EQUAL(imaging::readVolumeFile(copy).valueAt(Index3{6, 0, 0}), -2147483647.0);
    whole.set<std::int32_t>(352 + 4 * 5, 16777216).set<std::int32_t>(352 + 4 * 6, -2147483648);
    HF_CHECK(imaging::readVolumeFile(write("whole.nii", whole.bytes)).type() == VoxelType::Float32);
}

HF_TEST(what_is_not_shown_exactly_is_told)
{
    constexpr std::int64_t kLargest = std::int64_t(1) << 53;
    Nifti large;
    large.bytes.resize(352);
    large.set<std::int16_t>(70, 1024).set<std::int16_t>(72, 64);
    for (int n = 0; n < kSide * kSide * kSide; ++n) {
        large.bytes += bytesOf(n == 5 ? kLargest + 1 : 40000);
    }
    HF_CHECK(hasNote(imaging::readVolumeFile(write("large.nii", large.bytes)), "rounded"));
    large.set<std::int64_t>(352 + 8 * 5, -kLargest);
    HF_CHECK(!hasNote(imaging::readVolumeFile(write("large.nii", large.bytes)), "rounded"));
    const std::string meta = "ObjectType = Image\nNDims = 3\nDimSize = 2 3 4\nElementType = MET_UCHAR\nElementSpacing = 1 1 1\n";
    HF_CHECK(!hasNote(imaging::readVolumeFile(write("plain.mha", meta + "ElementDataFile = LOCAL\n" + std::string(24, 'x'))), "not-scaled"));
    HF_CHECK(hasNote(imaging::readVolumeFile(write("slope.mha", meta + "ElementToIntensityFunctionSlope = 2\nElementDataFile = LOCAL\n" + std::string(24, 'x'))), "not-scaled"));
}

HF_TEST(files_that_do_not_tell_sides_say_so)
{
    HF_CHECK(hasNote(imaging::readVolumeFile(write("none.nii", Nifti().bytes)), "unknown-sides"));
    HF_CHECK(!hasNote(imaging::readVolumeFile(write("q.nii", Nifti().set<std::int16_t>(252, 1).bytes)), "unknown-sides"));
    HF_CHECK(!hasNote(imaging::readVolumeFile(write("s.nii", Nifti().sform(1, {2, 0, 0, 1, 0, 3, 0, 2, 0, 0, 4, 3}).bytes)), "unknown-sides"));
    Nifti analyze;
    analyze.bytes.replace(344, 4, std::string(4, '\0'));
    analyze.set<float>(108, 0);
    write("analyze.img", analyze.bytes.substr(352));
    HF_CHECK(hasNote(imaging::readVolumeFile(write("analyze.hdr", analyze.bytes.substr(0, 348))), "unknown-sides"));
    const std::string nrrd = "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 2 3 4\nencoding: raw\n";
    HF_CHECK(hasNote(imaging::readVolumeFile(write("none.nrrd", nrrd + "spacings: 1 1 1\n\n" + std::string(24, 'x'))), "unknown-sides"));
}

HF_TEST_MAIN()
