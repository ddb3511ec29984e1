// The engine's own reader of NIfTI files, where ITK is left out.
#include "app/engine/VolumeFile.h"
#include "assistant/engine/PictureFile.h"
#include "support/Check.h"
#include "viewer/volume/Error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

using namespace hf;
namespace fs = std::filesystem;

namespace {

/// 2 x 3 x 4 voxels 1, 2, 3 ... of 2, 3 and 4 mm with a qform turned by 90 degrees about z, and a sform without a code; in both versions.
struct Nifti {
    bool isSecond, isBig;
    std::string bytes;

    Nifti(bool second, bool big) : isSecond(second), isBig(big), bytes(second ? 544 : 352, '\0')
    {
        set(0, std::int32_t(second ? 540 : 348));
        bytes.replace(second ? 4 : 344, 4, second ? std::string("n+2\0", 4) : std::string("n+1\0", 4));
        second ? set(12, std::int16_t(4)) : set(70, std::int16_t(4));
        const int dimensions[] = {3, 2, 3, 4, 1, 1, 1, 1};
        for (int n = 0; n < 8; ++n) {
            second ? set(16 + 8 * n, std::int64_t(dimensions[n])) : set(40 + 2 * n, std::int16_t(dimensions[n]));
            real(76, 104, n, n == 0 ? 1 : n < 4 ? n + 1 : 0);
        }
        second ? set(168, std::int64_t(544)) : set(108, 352.F);
        second ? set(344, std::int32_t(1)) : set(252, std::int16_t(1));
        real(256, 352, 2, std::sqrt(0.5));
        for (int n = 0; n < 3; ++n) {
            real(256, 352, 3 + n, 5 + n);
        }
        const double rows[] = {0, -3, 0, -50, 2, 0, 0, 60, 0, 0, 4, -70};
        for (int n = 0; n < 12; ++n) {
            real(280, 400, n, rows[n]);
        }
        for (int n = 0; n < 24; ++n) {
            bytes += std::string(2, '\0');
            set(int(bytes.size()) - 2, std::int16_t(n + 1));
        }
    }

    template <typename T> Nifti& set(int place, T value)
    {
        std::string part(sizeof value, '\0');
        std::memcpy(part.data(), &value, sizeof value);
        if (isBig) {
            std::reverse(part.begin(), part.end());
        }
        bytes.replace(std::size_t(place), sizeof value, part);
        return *this;
    }

    Nifti& real(int first, int second, int n, double value) { return isSecond ? set(second + 8 * n, value) : set(first + 4 * n, float(value)); }

    fs::path write() const
    {
        const fs::path path = fs::temp_directory_path() / ("hf-engine-volume-" + std::to_string(getpid()) + ".nii");
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }

    Volume read() const { return app::readVolumeFile(write(), "MR"); }
};

void checkAffine(const Volume& volume, const std::array<double, 16>& expected)
{
    const auto affine = volume.geometry().affineRas();
    for (std::size_t n = 0; n < 16; ++n) {
        HF_CHECK_NEAR(affine[n], expected[n], 1e-4);
    }
}

} // namespace

HF_TEST(both_versions_are_read_in_both_byte_orders)
{
    for (const bool isSecond : {false, true}) {
        for (const bool isBig : {false, true}) {
            Nifti file(isSecond, isBig);
            checkAffine(file.read(), {0, -3, 0, 5, 2, 0, 0, 6, 0, 0, 4, 7, 0, 0, 0, 1});
            HF_CHECK_EQUAL(file.read().valueAt(Index3{1, 2, 3}), 24.F);
            isSecond ? file.set(348, std::int32_t(2)) : file.set(254, std::int16_t(2));
            file.real(112, 176, 0, 0.5).real(116, 184, 0, -3);
            checkAffine(file.read(), {0, -3, 0, -50, 2, 0, 0, 60, 0, 0, 4, -70, 0, 0, 0, 1});
            HF_CHECK_EQUAL(file.read().valueAt(Index3{1, 2, 3}), 9.F);
            file.bytes.pop_back();
            HF_CHECK_THROWS(file.read(), Error);
        }
    }
    HF_CHECK_THROWS(Nifti(true, false).set(24, std::int64_t(1) << 40).read(), Error);
    HF_CHECK_THROWS(Nifti(true, false).set(168, std::int64_t(-1)).read(), Error);
    HF_CHECK_THROWS(Nifti(true, false).set(168, std::int64_t(1) << 62).read(), Error);
    fs::remove(Nifti(true, false).write());
}

HF_TEST(other_units_become_millimetres)
{
    for (const bool isSecond : {false, true}) {
        for (const bool isSform : {false, true}) {
            for (const auto& [unit, factor] : {std::pair(1, 1e3), {2, 1.0}, {3, 1e-3}, {0, 1.0}}) {
                Nifti file(isSecond, false);
                constexpr int kSeconds = 8;     // of time, which is not asked for
                isSecond ? file.set(500, std::int32_t(unit + kSeconds)) : file.set(123, char(unit + kSeconds));
                if (isSform) {
                    isSecond ? file.set(348, std::int32_t(1)) : file.set(254, std::int16_t(1));
                }
                const auto affine = file.read().geometry().affineRas();
                HF_CHECK_NEAR(affine[1] / factor, -3, 1e-4);
                HF_CHECK_NEAR(affine[10] / factor, 4, 1e-4);
                HF_CHECK_NEAR(affine[3] / factor, isSform ? -50 : 5, 1e-4);
            }
        }
    }
}

HF_TEST(integers_of_64_bits_are_read)
{
    for (const bool isBig : {false, true}) {
        Nifti file(false, isBig);
        file.bytes.resize(352);
        file.set(70, std::int16_t(1024));
        for (int n = 0; n < 24; ++n) {
            file.bytes += std::string(8, '\0');
            file.set(int(file.bytes.size()) - 8, std::int64_t(n - 1000));
        }
        HF_CHECK_EQUAL(file.read().valueAt(Index3{0, 0, 0}), -1000.F);
        HF_CHECK_EQUAL(file.read().valueAt(Index3{1, 2, 3}), -977.F);
    }
}

HF_TEST(radiographs_of_public_sets_are_pictures)
{
    const fs::path path = fs::temp_directory_path() / ("hf-engine-picture-" + std::to_string(getpid()) + ".PNG");
    Picture picture;
    picture.width = 3;
    picture.height = 2;
    for (int n = 0; n < 18; ++n) {
        picture.rgb.push_back(std::uint8_t(10 * n));
    }
    assistant::writePngFile(path, picture);
    HF_CHECK(app::isPictureFile(path) && !app::isPictureFile("a.nii.gz"));
    const Volume volume = app::readPictureVolume(path, "DX");
    HF_CHECK(volume.geometry().size() == (Size3{3, 2, 1}) && volume.geometry().acquisitionPlane() == Plane::Coronal);
    HF_CHECK_EQUAL(volume.valueAt(Index3{2, 1, 0}), 150.0);
    HF_CHECK(volume.info().storedRange && (*volume.info().storedRange)[1] == 255);
    fs::remove(path);
    HF_CHECK_THROWS(app::readPictureVolume(path, "DX"), Error);
}

HF_TEST_MAIN()
