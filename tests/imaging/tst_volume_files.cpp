#include "support/Check.h"
#include "support/SmallDisk.h"
#include "viewer/imaging/VolumeFile.h"
#include "viewer/volume/Error.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

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
    deflateEnd(&stream);
    return out.substr(0, stream.total_out);
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

/// The same in version 2; the quaternion turns by 90 degrees about z.
struct Nifti2 {
    bool isBig = false;
    std::string bytes = std::string(544, '\0');

    explicit Nifti2(bool big = false) : isBig(big)
    {
        set<std::int32_t>(0, 540);
        bytes.replace(4, 8, std::string("n+2\0\r\n\032\n", 8));
        set<std::int16_t>(12, 4).set<std::int16_t>(14, 16);
        for (int n = 0; n < 8; ++n) {
            set<std::int64_t>(16 + 8 * n, n == 0 ? 3 : n < 4 ? kSide : 1);
            set<double>(104 + 8 * n, n == 0 ? 1 : n < 4 ? double(n + 1) : 0);
        }
        set<std::int64_t>(168, 544).set<double>(176, 1);
        set<double>(368, std::sqrt(0.5)).set<double>(376, 5).set<double>(384, 6).set<double>(392, 7);
        const double rows[] = {0, -3, 0, -50, 2, 0, 0, 60, 0, 0, 4, -70};
        for (int n = 0; n < 12; ++n) {
            set<double>(400 + 8 * n, rows[n]);
        }
        for (int n = 0; n < kSide * kSide * kSide; ++n) {
            bytes += bytesOf(std::int16_t(n + 1), isBig);
        }
    }

    template <typename T> Nifti2& set(int place, T value)
    {
        bytes.replace(std::size_t(place), sizeof value, bytesOf(value, isBig));
        return *this;
    }

    /// The voxels anew, of the type.
    template <typename T> Nifti2& voxels(int type, const std::vector<T>& values)
    {
        set<std::int16_t>(12, std::int16_t(type)).set<std::int16_t>(14, std::int16_t(8 * sizeof(T)));
        bytes.resize(544);
        for (const T value : values) {
            bytes += bytesOf(value, isBig);
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

HF_TEST(nifti_2_is_read_in_both_byte_orders)
{
    for (const bool isBig : {false, true}) {
        Nifti2 file(isBig);
        const auto write2 = [&] { return std::array{write("two.nii", file.bytes), write("two.nii.gz", gzipped(file.bytes))}; };
        // Without a code as version 1 without one.
        for (const fs::path& path : write2()) {
            const Volume read = imaging::readVolumeFile(path);
            HF_CHECK(hasNote(read, "unknown-sides"));
            HF_CHECK(read.type() == VoxelType::Int16);
            HF_CHECK(read.geometry().affineRas() == imaging::readVolumeFile(write("one.nii", Nifti(isBig).bytes)).geometry().affineRas());
            HF_CHECK_EQUAL(read.valueAt(Index3{1, 0, 0}), 2.F);
            HF_CHECK_EQUAL(read.valueAt(Index3{9, 9, 9}), 1000.F);
        }
        file.set<std::int32_t>(344, 1);
        for (const fs::path& path : write2()) {
            checkAffine(path, {0, -3, 0, 5, 2, 0, 0, 6, 0, 0, 4, 7, 0, 0, 0, 1});
            HF_CHECK(!hasNote(imaging::readVolumeFile(path), "unknown-sides"));
        }
        file.set<double>(104, -1).set<std::int32_t>(500, 3);    // micrometres, the third axis the other way
        checkAffine(write2()[0], {0, -3e-3, 0, 5e-3, 2e-3, 0, 0, 6e-3, 0, 0, -4e-3, 7e-3, 0, 0, 0, 1});
        file.set<std::int32_t>(348, 2).set<std::int32_t>(500, 2);
        checkAffine(write2()[1], {0, -3, 0, -50, 2, 0, 0, 60, 0, 0, 4, -70, 0, 0, 0, 1});
        file.set<double>(176, 0.5).set<double>(184, -7);
        HF_CHECK_EQUAL(imaging::readVolumeFile(write2()[0]).valueAt(Index3{9, 9, 9}), 493.F);
        file.set<double>(176, 0);
        HF_CHECK_EQUAL(imaging::readVolumeFile(write2()[0]).valueAt(Index3{9, 9, 9}), 1000.F);
        // Two files, two time points: the first is read.
        file.bytes.replace(4, 4, std::string("ni2\0", 4));
        file.set<std::int64_t>(16, 4).set<std::int64_t>(48, 2).set<std::int64_t>(168, 0);
        write("pair.img", file.bytes.substr(544) + file.bytes.substr(544));
        const Volume pair = imaging::readVolumeFile(write("pair.hdr", file.bytes.substr(0, 540)));
        HF_CHECK(hasNote(pair, "time-points"));
        HF_CHECK_EQUAL(pair.geometry().size().k, kSide);
        HF_CHECK_EQUAL(pair.valueAt(Index3{0, 0, 1}), 101.F);
    }
}

HF_TEST(a_compressed_nifti_is_not_taken_for_the_one_beside_it)
{
    for (const bool isBig : {false, true}) {
        Nifti file(isBig);
        write("both.nii", Nifti().bytes);
        file.set<std::int16_t>(352, 77).set<float>(112, 2).set<float>(116, 1).set<std::int16_t>(252, 1).set<float>(264, float(std::sqrt(0.5))).set<float>(268, 5).set<float>(80, 3);
        const fs::path path = write("both.nii.gz", gzipped(file.bytes));
        HF_CHECK_EQUAL(imaging::readVolumeFile(path).valueAt(Index3{0, 0, 0}), 155.F);
        HF_CHECK_EQUAL(imaging::readVolumeFile(path).valueAt(Index3{1, 0, 0}), 5.F);
        checkAffine(path, {0, -3, 0, 5, 3, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 1});
        HF_CHECK_EQUAL(imaging::readVolumeFile(scratch("both.nii")).valueAt(Index3{0, 0, 0}), 1.F);
    }
}

HF_TEST(nifti_2_of_other_types_is_read)
{
    const std::size_t count = kSide * kSide * kSide;
    for (const bool isBig : {false, true}) {
        std::vector<double> reals(count, 2.5);
        reals[3] = std::numeric_limits<double>::quiet_NaN();
        const Volume real = imaging::readVolumeFile(write("real.nii", Nifti2(isBig).voxels(64, reals).bytes));
        HF_CHECK_EQUAL(real.valueAt(Index3{0, 0, 0}), 2.5F);
        HF_CHECK(hasNote(real, "not-finite"));
        HF_CHECK_EQUAL(imaging::readVolumeFile(write("whole.nii", Nifti2(isBig).voxels(768, std::vector<std::uint32_t>(count, 70000)).set<double>(176, 2).bytes)).valueAt(Index3{1, 1, 1}), 140000.F);
        HF_CHECK_EQUAL(imaging::readVolumeFile(write("byte.nii", Nifti2(isBig).voxels(256, std::vector<std::int8_t>(count, -3)).bytes)).valueAt(Index3{1, 1, 1}), -3.F);
    }
    HF_CHECK_EQUAL(codeOf(write("complex.nii", Nifti2().voxels(32, std::vector<double>(count)).bytes)), std::string("unsupported"));
}

HF_TEST(nifti_2_that_is_broken_is_refused)
{
    const std::string whole = Nifti2().bytes;
    HF_CHECK_EQUAL(codeOf(write("cut2.nii", whole.substr(0, whole.size() - 1)), kEarly), std::string("broken"));
    HF_CHECK_EQUAL(codeOf(write("cut2.nii.gz", gzipped(whole.substr(0, whole.size() - 1))), kEarly), std::string("broken"));
    HF_CHECK_EQUAL(codeOf(write("cut2.nii", whole.substr(0, 400))), std::string("broken"));
    HF_CHECK_EQUAL(codeOf(write("far2.nii", Nifti2().set<std::int64_t>(168, std::numeric_limits<std::int64_t>::max()).bytes), kEarly), std::string("broken"));
    HF_CHECK_EQUAL(codeOf(write("size2.nii", Nifti2().set<std::int64_t>(24, std::int64_t(1) << 40).bytes)), std::string("broken"));
    for (const int place : {24, 32, 40}) {
        HF_CHECK_EQUAL(codeOf(write("none2.nii", Nifti2().set<std::int64_t>(place, 0).bytes)), std::string("broken"));
        HF_CHECK_EQUAL(codeOf(write("none2.nii", Nifti2().set<std::int64_t>(place, -4).bytes)), std::string("broken"));
    }
    for (const int place : {112, 352, 376, 400, 488}) {
        HF_CHECK_EQUAL(codeOf(write("nan2.nii", Nifti2().set<double>(place, std::numeric_limits<double>::quiet_NaN()).set<std::int32_t>(344, 1).bytes), "no number"), std::string("broken"));
    }
}

HF_TEST(colours_are_shown_without_their_opacity)
{
    std::string voxels;
    for (int n = 0; n < 24; ++n) {
        voxels += {char(n), char(2 * n), char(200), char(255 - n)};
    }
    Nifti one;
    one.bytes.resize(352);
    one.set<std::int16_t>(70, 2304).set<std::int16_t>(72, 32).set<std::int16_t>(42, 2).set<std::int16_t>(44, 3).set<std::int16_t>(46, 4);
    Nifti2 two;
    two.voxels<char>(2304, {}).set<std::int64_t>(24, 2).set<std::int64_t>(32, 3).set<std::int64_t>(40, 4);
    const std::string nrrd = "NRRD0004\ntype: uint8\ndimension: 4\nsizes: 4 2 3 4\nspace: LPS\nspace directions: none (1,0,0) (0,1,0) (0,0,1)\nencoding: raw\nkinds: ";
    const fs::path files[] = {write("rgba1.nii", one.bytes + voxels), write("rgba1.nii.gz", gzipped(one.bytes + voxels)), write("rgba2.nii", two.bytes + voxels),
        write("rgba.nrrd", nrrd + "RGBA-color domain domain domain\n\n" + voxels), write("list.nrrd", nrrd + "vector domain domain domain\n\n" + voxels),
        write("rgba.mha", "ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 2 3 4\nElementNumberOfChannels = 4\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n" + voxels)};
    for (const fs::path& path : files) {
        HF_CHECK(imaging::findVolumeFileInfo(path)->color);
        const Volume read = imaging::readVolumeFile(path);
        HF_CHECK(read.isColor());
        HF_CHECK(hasNote(read, "no-opacity"));
        HF_CHECK_EQUAL(read.rgb().size(), std::size_t(3 * 24));
        for (std::size_t n = 0; n < 24; ++n) {
            HF_CHECK(read.rgb()[3 * n] == n && read.rgb()[3 * n + 1] == 2 * n && read.rgb()[3 * n + 2] == 200);
        }
    }
    // Without opacity nothing is left out.
    std::string opaque;
    for (int n = 0; n < 24; ++n) {
        opaque += {char(n), char(2 * n), char(200)};
    }
    for (const fs::path& path : {write("rgb1.nii", one.set<std::int16_t>(70, 128).set<std::int16_t>(72, 24).bytes + opaque), write("rgb2.nii", two.set<std::int16_t>(12, 128).bytes + opaque)}) {
        const Volume read = imaging::readVolumeFile(path);
        HF_CHECK(read.isColor() && !hasNote(read, "no-opacity"));
        HF_CHECK(read.rgb()[3 * 23] == 23 && read.rgb()[3 * 23 + 2] == 200);
    }
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

HF_TEST(voxels_of_a_type_that_does_not_exist_are_refused)
{
    const std::string meta = "ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 2 3 4\nElementType = ", end = "\nElementDataFile = LOCAL\n" + std::string(24, 'x');
    for (const char* type : {"MET_NONE", "MET_OTHER", "-2147483649"}) {
        HF_CHECK_EQUAL(codeOf(write("type.mha", meta + type + end)), std::string("unsupported"));
    }
}

HF_TEST(a_long_line_of_a_nrrd_header_is_refused)
{
    const std::string nrrd = "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 2 3 4\nencoding: raw\n", end = "\n\n" + std::string(24, 'x'), text(5000, 'x');
    for (const char* field : {"space: ", "kinds: ", "dimension: ", "unknown: ", ""}) {
        HF_CHECK_EQUAL(codeOf(write("long.nrrd", nrrd + field + text + end), "too long"), std::string("broken"));
    }
    // What is for people alone may be of any length.
    for (const char* field : {"content: ", "key:=", "# "}) {
        HF_CHECK_EQUAL(imaging::readVolumeFile(write("text.nrrd", nrrd + field + text + end)).geometry().size().k, 4);
    }
}

HF_TEST(signed_bytes_are_whole_numbers)
{
    const std::string meta = "ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 2 3 4\nElementType = MET_CHAR\nElementDataFile = LOCAL\n";
    const Volume volume = imaging::readVolumeFile(write("signed.mha", meta + std::string(23, '\x7f') + '\x80'));
    HF_CHECK(volume.type() == VoxelType::Int16);
    HF_CHECK_EQUAL(volume.valueAt(Index3{0, 0, 0}), 127.F);
    HF_CHECK_EQUAL(volume.valueAt(Index3{1, 2, 3}), -128.F);
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

HF_TEST(a_full_disk_is_told_and_leaves_the_older_file)
{
    const Volume volume(Geometry({40, 40, 40}, {1, 1, 1}, {}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), std::vector<float>(64000, 3.25F), {});
    for (const char* name : {"full.nii", "full.nii.gz"}) {
        const fs::path path = write(name, "what was there");
        {
            const test::SmallDisk disk(60);
            HF_CHECK_THROWS(imaging::writeNifti(volume, path), Error);
        }
        HF_CHECK_EQUAL(fs::file_size(path), std::uintmax_t(14));
        HF_CHECK(!fs::exists(path.parent_path() / (".part-" + path.filename().string())));
        imaging::writeNifti(volume, path);
        HF_CHECK_EQUAL(imaging::readVolumeFile(path).valueAt(Index3{39, 39, 39}), 3.25);
    }
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
