#pragma once

#include "support/DicomBytes.h"
#include "viewer/volume/Volume.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace hf::test {

/// How one series of a synthetic brain is made.
struct BrainSeries {
    std::string description;
    double repetitionMs = 0, echoMs = 0, inversionMs = 0;
    std::string agent;
    std::array<double, 4> greys{};      ///< Of scalp, brain, fluid and lesion.
    double shiftMm = 0, angleDeg = 0;   ///< The head was moved along x and turned about the axis of the body.
    double sliceMm = 3;
};

/// Values of the brain at a place of the resting head: an egg with two ventricles, a rind and a lesion, so that every motion shows.
inline double brainAt(const BrainSeries& series, double x, double y, double z)
{
    const auto ellipsoid = [](double dx, double dy, double dz, double rx, double ry, double rz) { return std::sqrt(dx * dx / rx / rx + dy * dy / ry / ry + dz * dz / rz / rz); };
    double value = 0;
    if (ellipsoid(x, y, z, 74, 92, 66) < 1) value = series.greys[0];
    if (ellipsoid(x, y - 3, z, 66, 84, 58) < 1) value = series.greys[2];
    if (ellipsoid(x, y - 3, z, 62, 80, 54) < 1) value = series.greys[1] * (1 + 0.08 * std::sin(x / 7) * std::sin(y / 9) * std::sin(z / 8));
    if (ellipsoid(x - 14, y, z - 4, 8, 34, 14) < 1 || ellipsoid(x + 14, y, z - 4, 8, 30, 14) < 1) value = series.greys[2];
    if (ellipsoid(x + 30, y - 30, z + 10, 14, 12, 12) < 1) value = series.greys[3];
    return value;
}

/// @param size  voxels along i and j of 2 mm; slices cover 120 mm.
inline Volume makeBrain(const BrainSeries& series, int size = 100)
{
    const int slices = int(120 / series.sliceMm);
    const Geometry geometry({size, size, slices}, {2, 2, series.sliceMm}, {-double(size) + 1, -double(size) + 1, -60 + series.sliceMm / 2}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    std::vector<std::uint16_t> voxels(geometry.size().voxels());
    const double angle = series.angleDeg * 3.14159265358979 / 180, c = std::cos(angle), s = std::sin(angle);
    for (std::size_t n = 0; n < voxels.size(); ++n) {
        const PointLps p = geometry.toLps(Index3{int(n % std::size_t(size)), int(n / std::size_t(size)) % size, int(n / std::size_t(size * size))});
        const double x = p.x - series.shiftMm;
        voxels[n] = std::uint16_t(std::lround(std::max(0.0, brainAt(series, c * x + s * p.y, -s * x + c * p.y, p.z)))) + std::uint16_t((n * 2654435761U >> 8) % 9);
    }
    VolumeInfo info;
    info.modality = "MR";
    return Volume(geometry, std::move(voxels), info);
}

/// Writes it as an MR series, one file a slice.
inline void writeBrainSeries(const std::filesystem::path& folder, const BrainSeries& series, int number)
{
    const Volume volume = makeBrain(series);
    const Size3 size = volume.geometry().size();
    const std::string mr = "1.2.840.10008.5.1.4.1.1.4", uid = "2.25.91";
    std::filesystem::create_directories(folder);
    const auto text = [](double value) {
        char buffer[24];
        std::snprintf(buffer, sizeof buffer, "%.6g", value);
        return std::string(buffer);
    };
    for (int k = 0; k < size.k; ++k) {
        const std::string instance = uid + "." + std::to_string(number) + "." + std::to_string(k + 1);
        DicomBytes bytes;
        bytes.add(8, 8, "CS", "ORIGINAL\\PRIMARY\\M");
        bytes.add(8, 0x16, "UI", mr);
        bytes.add(8, 0x18, "UI", instance);
        bytes.add(8, 0x60, "CS", "MR");
        bytes.add(8, 0x103E, "LO", series.description);
        bytes.add(0x10, 0x10, "PN", "Phantom^Brain");
        if (!series.agent.empty()) {
            bytes.add(0x18, 0x10, "LO", series.agent);
        }
        bytes.add(0x18, 0x15, "CS", "BRAIN");
        bytes.add(0x18, 0x50, "DS", text(series.sliceMm));
        bytes.add(0x18, 0x80, "DS", text(series.repetitionMs));
        bytes.add(0x18, 0x81, "DS", text(series.echoMs));
        if (series.inversionMs > 0) {
            bytes.add(0x18, 0x82, "DS", text(series.inversionMs));
        }
        bytes.add(0x20, 0xD, "UI", uid);
        bytes.add(0x20, 0xE, "UI", uid + "." + std::to_string(number));
        bytes.add(0x20, 0x11, "IS", std::to_string(number));
        bytes.add(0x20, 0x13, "IS", std::to_string(k + 1));
        const PointLps place = volume.geometry().toLps(Index3{0, 0, k});
        bytes.add(0x20, 0x32, "DS", text(place.x) + "\\" + text(place.y) + "\\" + text(place.z));
        bytes.add(0x20, 0x37, "DS", "1\\0\\0\\0\\1\\0");
        bytes.add(0x20, 0x52, "UI", uid + ".9");
        bytes.addShort(0x28, 2, 1);
        bytes.add(0x28, 4, "CS", "MONOCHROME2");
        bytes.addShort(0x28, 0x10, size.j);
        bytes.addShort(0x28, 0x11, size.i);
        bytes.add(0x28, 0x30, "DS", "2\\2");
        bytes.addShort(0x28, 0x100, 16);
        bytes.addShort(0x28, 0x101, 16);
        bytes.addShort(0x28, 0x102, 15);
        bytes.addShort(0x28, 0x103, 0);
        const auto* voxels = static_cast<const std::uint16_t*>(volume.data()) + volume.geometry().offset({0, 0, k});
        bytes.addPixels({voxels, voxels + size.i * size.j});
        bytes.write(folder / ("s" + std::to_string(number) + "-" + std::to_string(k + 1) + ".dcm"), mr, instance);
    }
}

/// The four sequences of a study, in the order T1c, T1, T2, FLAIR: of different contrast, slices, and place of the head.
inline std::array<BrainSeries, 4> brainSequences()
{
    return {{{"t1_mprage_sag_gd", 2000, 3, 900, "Gadovist", {900, 500, 150, 1200}, 0, 0, 3}, {"t1_se_tra", 500, 12, 0, "", {850, 520, 140, 380}, 4, 3, 3},
        {"t2_tse_tra", 4500, 100, 0, "", {300, 400, 1200, 800}, -3, -2, 4}, {"t2_flair_tra", 9000, 110, 2500, "", {350, 480, 90, 900}, 2, 4, 4}}};
}

} // namespace hf::test
