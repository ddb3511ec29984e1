#include "viewer/phantom/Scenes.h"

#include "viewer/phantom/Random.h"

#include <algorithm>
#include <cmath>

namespace hf::phantom {

namespace {

enum class Matter { Air, Skin, Fat, Muscle, Bone, Marrow, Csf, Grey, White, Tumor, Edema, Necrosis, Eye };

struct HeadModel {
    std::uint32_t seed;
    double size, fold, ventricle;
    bool tumor;
    PointLps tumorCenter{};
    double tumorRadius = 0;

    HeadModel(std::uint32_t s, bool withTumor) : seed(s), tumor(withTumor)
    {
        Random random(s);
        size = random.uniform(0.92, 1.08);
        fold = random.uniform(9, 12);
        ventricle = random.uniform(0.8, 1.6);
        tumorCenter = {random.uniform(20, 42) * (random.chance(0.5) ? 1 : -1), random.uniform(-45, 45), random.uniform(10, 50)};
        tumorRadius = random.uniform(9, 20);
    }

    static double level(PointLps p, PointLps c, Vec3 r)
    {
        const double x = (p.x - c.x) / r.x, y = (p.y - c.y) / r.y, z = (p.z - c.z) / r.z;
        return x * x + y * y + z * z;
    }

    Matter brain(PointLps p, double depthMm) const
    {
        if (tumor) {
            const double wobble = 1 + 0.25 * smoothNoise(p.x, p.y, p.z, 12, seed + 9);
            const double r = length(p - tumorCenter) / (tumorRadius * wobble);
            if (r < 0.5) {
                return Matter::Necrosis;
            }
            if (r < 1) {
                return Matter::Tumor;
            }
            if (r < 1.7) {
                return Matter::Edema;
            }
        }
        const double ax = std::abs(p.x);
        // Lateral, third and fourth ventricles.
        const double bend = 0.004 * (p.y - 5) * (p.y - 5);
        if (level({ax, p.y, p.z}, {8 + bend * 0.45, 4, 22 - bend * 0.2}, {6 * ventricle, 36, 9 * ventricle}) < 1 || level(p, {0, 6, 6}, {2.5 * ventricle, 14, 10}) < 1) {
            return Matter::Csf;
        }
        if (level({ax, p.y, p.z}, {22, -4, 10}, {8, 22, 13}) < 1 || level({ax, p.y, p.z}, {12, 14, 8}, {9, 13, 9}) < 1) {
            return Matter::Grey;
        }
        // A folded ribbon of grey matter with sulci at the surface; the fissure between the halves.
        if (ax < 1.5 && depthMm < 45 && p.z > 10) {
            return Matter::Csf;
        }
        const double folds = 1.6 * smoothNoise(p.x, p.y, p.z, fold, seed + 1) + 0.8 * smoothNoise(p.x, p.y, p.z, fold / 2, seed + 2);
        const double effective = std::min(depthMm, std::max(0.0, ax - 1.5) + 2) - 9 * std::max(0.0, folds);
        if (effective < -2.5) {
            return Matter::Csf;
        }
        return effective < 3.2 ? Matter::Grey : Matter::White;
    }

    Matter at(PointLps point) const
    {
        const PointLps p{point.x / size, point.y / size, point.z / size};
        const PointLps brainCenter{0, 2, 28};
        const Vec3 brainRadii{65, 83, 64};
        const double skullLevel = level(p, brainCenter, {73, 92, 73});
        const double headLevel = level(p, {0, 2, 24}, {80, 100, 84});
        const double faceLevel = std::pow(std::abs(p.x) / 66, 3) + std::pow(std::abs(p.y + 26) / 76, 3);
        const double neckLevel = std::pow(std::abs(p.x) / 58, 2) + std::pow(std::abs(p.y - 18) / 62, 2);
        const bool face = p.z < 20 && p.z > -105 && faceLevel < 1;
        const bool neck = p.z < 0 && neckLevel < 1;
        const bool nose = level(p, {0, -104, -38}, {13, 18, 24}) < 1;
        if (headLevel >= 1 && !face && !neck && !nose) {
            return Matter::Air;
        }
        const double brainLevel = level(p, brainCenter, brainRadii);
        if (brainLevel < 1 && p.z > -18 + 0.12 * (p.y - 2)) {
            if (brainLevel > 0.955) {
                return Matter::Csf;
            }
            return brain(p, (1 - std::sqrt(brainLevel)) * 65);
        }
        // Cerebellum and brain stem.
        const double cerebellum = level(p, {0, 50, -28}, {48, 32, 26});
        if (cerebellum < 1) {
            return std::fmod(std::abs(p.z * 0.9 + p.y * 0.5 + 400), 7) < 2.4 ? Matter::Csf : cerebellum > 0.5 ? Matter::Grey : Matter::White;
        }
        if (p.z > -110 && p.z < 0 && level({p.x, p.y - 0.15 * (p.z + 20), 0}, {0, 22, 0}, {p.z > -50 ? 15.0 : 7.0, p.z > -50 ? 15.0 : 7.0, 1}) < 1) {
            return Matter::White;
        }
        if (skullLevel < 1 && p.z > -45) {
            return skullLevel > 0.9 && skullLevel < 0.96 ? Matter::Marrow : Matter::Bone;
        }
        if (level({std::abs(p.x), p.y, p.z}, {31, -78, -14}, {13, 13, 13}) < 1) {
            return Matter::Eye;
        }
        // Sinuses, nasal cavity, mouth and throat.
        if (level({std::abs(p.x), p.y, p.z}, {28, -58, -42}, {13, 17, 15}) < 1 || (std::abs(p.x) < 12 && p.y < -25 && p.y > -92 && p.z < -8 && p.z > -55 && std::fmod(std::abs(p.x) + 1, 5) > 1.6) ||
            level(p, {0, -72, 14}, {18, 7, 12}) < 1 || level(p, {0, -12, -70}, {9, 9, 38}) < 1) {
            return Matter::Air;
        }
        const double jaw = std::pow(std::abs(p.x) / 52, 2) + std::pow(std::abs(p.y + 30) / 60, 2);
        if (p.z < -58 && p.z > -98 && p.y < 0 && jaw < 1 && jaw > 0.68) {
            return jaw > 0.93 || jaw < 0.74 ? Matter::Bone : Matter::Marrow;
        }
        if (p.z < -45 && level({p.x, p.y, 0}, {0, 18 + 6, 0}, {14, 12, 1}) < 1.7 && std::fmod(std::abs(p.z), 18) < 14) {
            return Matter::Bone;
        }
        if (headLevel > 0.95 && p.z > -20) {
            return headLevel > 0.985 ? Matter::Skin : Matter::Fat;
        }
        return smoothNoise(p.x, p.y, p.z, 16, seed + 3) > 0.15 ? Matter::Fat : Matter::Muscle;
    }
};

double headValue(Matter matter, HeadContrast contrast)
{
    switch (contrast) {
    case HeadContrast::Ct: {
        constexpr double hu[] = {-1000, 20, -90, 50, 950, 350, 6, 38, 29, 48, 18, 14, 12};
        return hu[int(matter)];
    }
    case HeadContrast::T1: {
        constexpr double t1[] = {12, 420, 950, 450, 45, 620, 160, 460, 640, 760, 380, 240, 180};
        return t1[int(matter)];
    }
    case HeadContrast::T1c: {
        constexpr double t1c[] = {12, 470, 950, 480, 45, 640, 160, 470, 640, 1000, 380, 230, 180};
        return t1c[int(matter)];
    }
    case HeadContrast::T2: {
        constexpr double t2[] = {10, 350, 620, 260, 40, 400, 950, 520, 360, 680, 760, 880, 940};
        return t2[int(matter)];
    }
    case HeadContrast::Flair: {
        constexpr double flair[] = {10, 380, 640, 330, 40, 420, 110, 540, 430, 800, 880, 260, 200};
        return flair[int(matter)];
    }
    }
    return 0;
}

VolumeInfo infoOf(const std::string& modality, std::uint32_t seed)
{
    VolumeInfo info;
    info.modality = modality;
    info.unit = modality == "CT" ? Unit::Hu : Unit::None;
    info.seriesUid = "phantom-" + modality + "-" + std::to_string(seed);
    info.description = "Phantom";
    return info;
}

} // namespace

Volume makeHead(std::uint32_t seed, HeadContrast contrast, bool tumor, const Geometry& geometry)
{
    const HeadModel model(seed, tumor);
    Random random(seed + 77);
    const bool ct = contrast == HeadContrast::Ct;
    const double noise = ct ? random.uniform(2, 6) : random.uniform(8, 30);
    const double fieldX = random.uniform(-0.002, 0.002), fieldY = random.uniform(-0.002, 0.002), fieldZ = random.uniform(-0.002, 0.002);
    const Size3 size = geometry.size();
    std::vector<std::int16_t> voxels(size.voxels());
    for (int k = 0; k < size.k; ++k) {
        for (int j = 0; j < size.j; ++j) {
            for (int i = 0; i < size.i; ++i) {
                double value = 0;
                PointLps p{};
                for (int corner = 0; corner < 4; ++corner) {
                    p = geometry.toLps(ContinuousIndex{i + ((corner & 1) ? 0.25 : -0.25), j + ((corner & 2) ? 0.25 : -0.25), double(k) + (corner == 1 || corner == 2 ? 0.25 : -0.25)});
                    value += headValue(model.at(p), contrast) / 4;
                }
                if (!ct) {
                    value *= 1 + fieldX * p.x + fieldY * p.y + fieldZ * p.z;
                }
                value += noise * random.gaussian();
                voxels[geometry.offset({i, j, k})] = std::int16_t(std::lround(std::clamp(ct ? value : std::abs(value), -1024.0, 3071.0)));
            }
        }
    }
    VolumeInfo info = infoOf(ct ? "CT" : "MR", seed);
    info.bodyPart = "HEAD";
    return Volume(geometry, std::move(voxels), info);
}

Volume makeMrTrunk(const CtAnatomy& anatomy, std::uint32_t seed, const Geometry& geometry)
{
    Random random(seed + 991);
    std::array<double, 32> level{};
    for (double& value : level) {
        value = random.uniform(150, 700);
    }
    const bool fatBright = random.chance(0.6), bloodBright = random.chance(0.5);
    const double fat = fatBright ? random.uniform(750, 1000) : random.uniform(60, 220);
    level[int(CtLabel::Air)] = 8;
    level[int(CtLabel::LeftLung)] = level[int(CtLabel::RightLung)] = random.uniform(15, 60);
    level[int(CtLabel::Airways)] = level[int(CtLabel::BowelGas)] = 8;
    level[int(CtLabel::SubcutaneousFat)] = level[int(CtLabel::VisceralFat)] = fat;
    level[int(CtLabel::Muscle)] = random.uniform(150, 320);
    level[int(CtLabel::Vessels)] = level[int(CtLabel::Heart)] = bloodBright ? random.uniform(700, 1000) : random.uniform(20, 150);
    level[int(CtLabel::SpinalCord)] = random.uniform(200, 1000);
    const double fx = random.uniform(-0.0025, 0.0025), fy = random.uniform(-0.003, 0.003), fz = random.uniform(-0.002, 0.002), noise = random.uniform(6, 28);
    const Size3 size = geometry.size();
    std::vector<std::int16_t> voxels(size.voxels());
    for (int k = 0; k < size.k; ++k) {
        for (int j = 0; j < size.j; ++j) {
            for (int i = 0; i < size.i; ++i) {
                double value = 0;
                PointLps p{};
                for (int corner = 0; corner < 4; ++corner) {
                    p = geometry.toLps(ContinuousIndex{i + ((corner & 1) ? 0.25 : -0.25), j + ((corner & 2) ? 0.25 : -0.25), double(k) + (corner == 1 || corner == 2 ? 0.25 : -0.25)});
                    const CtAnatomy::Tissue tissue = anatomy.at(p);
                    // Dense bone is dark, marrow carries fat.
                    const bool marrow = tissue.label == CtLabel::Bones && tissue.hu < 300;
                    const double bone = marrow ? fat * 0.6 : 60;
                    const bool lungVessel = (tissue.label == CtLabel::LeftLung || tissue.label == CtLabel::RightLung) && tissue.hu > -300;
                    value += (tissue.label == CtLabel::Bones ? bone : lungVessel ? level[int(CtLabel::Vessels)] : level[std::size_t(tissue.label)]) / 4;
                }
                value *= (1 + fx * p.x + fy * p.y + fz * p.z) * (1 + 0.08 * smoothNoise(p.x, p.y, p.z, 6, seed + 4));
                value += noise * random.gaussian();
                voxels[geometry.offset({i, j, k})] = std::int16_t(std::lround(std::clamp(std::abs(value), 0.0, 3071.0)));
            }
        }
    }
    return Volume(geometry, std::move(voxels), infoOf("MR", seed));
}

namespace {

/// What a radiograph shows: millimetres of its left, upper and lower edge, and its size in pixels.
struct RadiographFrame {
    double halfWidth, top, pixelMm;
    bool lateral;
    int columns, rows;

    RadiographFrame(Random& random, double pixel, bool isLateral) : halfWidth(random.uniform(150, 195)), top(random.uniform(210, 250)), pixelMm(pixel), lateral(isLateral)
    {
        const double bottom = random.uniform(-80, -30);
        columns = int(2 * halfWidth / pixelMm);
        rows = int((top - bottom) / pixelMm);
    }

    /// Calls `function(tissue)` along the ray of a pixel, each kStep mm. Frontal: patient right at the left of the picture.
    template <typename Function> void alongRay(const CtAnatomy& anatomy, int column, int row, Function&& function) const
    {
        const double u = -halfWidth + (column + 0.5) * pixelMm, z = top - (row + 0.5) * pixelMm;
        for (double depth = -200; depth < 200; depth += kStep) {
            function(anatomy.at(lateral ? PointLps{depth, u, z} : PointLps{u, depth, z}));
        }
    }

    Geometry geometry() const
    {
        const std::array<Vec3, 3> axes = lateral ? std::array<Vec3, 3>{Vec3{0, 1, 0}, Vec3{0, 0, -1}, Vec3{-1, 0, 0}} : std::array<Vec3, 3>{Vec3{1, 0, 0}, Vec3{0, 0, -1}, Vec3{0, 1, 0}};
        return Geometry({columns, rows, 1}, {pixelMm, pixelMm, 1}, {0, 0, 0}, axes);
    }

    static constexpr double kStep = 4;
};

} // namespace

Volume makeRadiograph(const CtAnatomy& anatomy, std::uint32_t seed, bool lateral, double pixelMm)
{
    Random random(seed + 5);
    const RadiographFrame frame(random, pixelMm, lateral);
    const double gain = random.uniform(250, 420), noise = random.uniform(4, 14);
    std::vector<std::int16_t> voxels;
    for (int r = 0; r < frame.rows; ++r) {
        for (int c = 0; c < frame.columns; ++c) {
            double sum = 0;
            frame.alongRay(anatomy, c, r, [&](const CtAnatomy::Tissue& tissue) {
                sum += tissue.label == CtLabel::Air ? 0 : std::max(0.0, 1 + tissue.hu / 1000.0 * (tissue.hu > 100 ? 1.8 : 1)) * RadiographFrame::kStep;
            });
            const double value = gain * std::log1p(sum * 0.06) + noise * random.gaussian();
            voxels.push_back(std::int16_t(std::clamp(value, 0.0, 4095.0)));
        }
    }
    VolumeInfo info = infoOf("DX", seed);
    info.bodyPart = "CHEST";
    return Volume(frame.geometry(), std::move(voxels), info);
}

LabelMap noduleOfRadiograph(const CtAnatomy& anatomy, std::uint32_t seed, bool lateral, double pixelMm)
{
    Random random(seed + 5);
    const RadiographFrame frame(random, pixelMm, lateral);
    std::vector<LabelId> voxels;
    for (int r = 0; r < frame.rows; ++r) {
        for (int c = 0; c < frame.columns; ++c) {
            bool isHit = false;
            frame.alongRay(anatomy, c, r, [&](const CtAnatomy::Tissue& tissue) { isHit = isHit || tissue.label == CtLabel::LungNodule; });
            voxels.push_back(isHit ? 1 : 0);
        }
    }
    Label label;
    label.value = 1;
    label.name = "lung nodule";
    return LabelMap(frame.geometry(), std::move(voxels), {label});
}

Volume makeUltrasound(std::uint32_t seed, int size)
{
    Random random(seed + 13);
    const double half = random.uniform(0.45, 0.75), near = random.uniform(0.04, 0.2) * size, far = random.uniform(0.85, 1.02) * size;
    struct Blob { double x, y, rx, ry, gain; };
    std::vector<Blob> blobs;
    for (int n = 0; n < 7; ++n) {
        blobs.push_back({random.uniform(0.2, 0.8) * size, random.uniform(0.15, 0.95) * size, random.uniform(0.04, 0.18) * size, random.uniform(0.03, 0.14) * size,
            random.chance(0.5) ? random.uniform(0.02, 0.2) : random.uniform(1.3, 2.2)});
    }
    const bool linear = random.chance(0.3);
    std::vector<std::int16_t> voxels(std::size_t(size) * std::size_t(size));
    for (int y = 0; y < size; ++y) {
        for (int x = 0; x < size; ++x) {
            const double dx = x - size / 2.0, r = std::hypot(dx, double(y)), angle = std::atan2(dx, double(y));
            const bool inside = linear ? std::abs(dx) < 0.4 * size && y > near * 0.3 && y < far * 0.95 : std::abs(angle) < half && r > near && r < far;
            double value = 0;
            if (inside) {
                double gain = 0.55 + 0.3 * smoothNoise(x, y, 0, size / 9.0, seed) + 0.25 * smoothNoise(linear ? x : angle * 300, linear ? y * 4.0 : r * 4, 0, 24, seed + 1);
                for (const Blob& blob : blobs) {
                    const double e = std::pow((x - blob.x) / blob.rx, 2) + std::pow((y - blob.y) / blob.ry, 2);
                    gain *= e < 1 ? blob.gain : e < 1.25 ? 1.4 : 1;
                }
                // Speckle: the length of a random complex number.
                value = 95 * gain * std::hypot(random.gaussian(), random.gaussian()) * std::exp(-r / (1.8 * size));
            }
            voxels[std::size_t(y) * std::size_t(size) + std::size_t(x)] = std::int16_t(std::clamp(value, 0.0, 255.0));
        }
    }
    return Volume(Geometry({size, size, 1}, {0.3, 0.3, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), std::move(voxels), infoOf("US", seed));
}

} // namespace hf::phantom
