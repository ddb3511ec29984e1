#include "viewer/phantom/CtPhantom.h"

#include "viewer/phantom/CtAnatomy.h"
#include "viewer/phantom/Random.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <numbers>
#include <thread>

namespace hf::phantom {

namespace {

struct Info { CtLabel label; const char* name; Rgb8 color; };
constexpr Info kLabels[] = {
    {CtLabel::LeftLung, "left lung", {90, 160, 230}}, {CtLabel::RightLung, "right lung", {120, 200, 230}}, {CtLabel::Airways, "airways", {180, 230, 250}},
    {CtLabel::Bones, "bones", {240, 225, 190}}, {CtLabel::SubcutaneousFat, "subcutaneous fat", {240, 210, 90}},
    {CtLabel::VisceralFat, "visceral fat", {230, 170, 60}}, {CtLabel::Muscle, "muscle", {190, 80, 80}}, {CtLabel::Heart, "heart", {210, 60, 70}},
    {CtLabel::Liver, "liver", {160, 90, 60}}, {CtLabel::Spleen, "spleen", {140, 70, 130}}, {CtLabel::LeftKidney, "left kidney", {170, 110, 60}},
    {CtLabel::RightKidney, "right kidney", {190, 130, 80}}, {CtLabel::Stomach, "stomach", {220, 150, 170}}, {CtLabel::Bowel, "bowel", {200, 160, 120}},
    {CtLabel::BowelGas, "bowel gas", {90, 90, 110}}, {CtLabel::Vessels, "vessels", {220, 70, 60}}, {CtLabel::SpinalCord, "spinal canal", {220, 220, 120}},
    {CtLabel::LungNodule, "lung nodule", {90, 220, 90}}, {CtLabel::LiverLesion, "liver lesion", {60, 200, 140}}, {CtLabel::Skin, "skin", {230, 190, 160}}};

Geometry makeGeometry(const CtPhantomOptions& options, const std::array<PointLps, 2>& box)
{
    const double rx = options.tiltXDeg * std::numbers::pi / 180, rz = options.tiltZDeg * std::numbers::pi / 180;
    const auto turn = [&](Vec3 v) {
        const Vec3 a{std::cos(rz) * v.x - std::sin(rz) * v.y, std::sin(rz) * v.x + std::cos(rz) * v.y, v.z};
        return Vec3{a.x, std::cos(rx) * a.y - std::sin(rx) * a.z, std::sin(rx) * a.y + std::cos(rx) * a.z};
    };
    const std::array<Vec3, 3> axes{turn({1, 0, 0}), turn({0, 1, 0}), turn({0, 0, 1})};
    const Vec3 extent = box[1] - box[0];
    const std::array<double, 3> lengths{extent.x, extent.y, extent.z};
    std::array<int, 3> size{};
    Vec3 half{};
    for (std::size_t n = 0; n < 3; ++n) {
        size[n] = std::max(1, int(std::floor(lengths[n] / options.spacingMm[n] + 1e-6)) + 1);
        half = half + axes[n] * (options.spacingMm[n] * (size[n] - 1) / 2);
    }
    const PointLps center{(box[0].x + box[1].x) / 2, (box[0].y + box[1].y) / 2, (box[0].z + box[1].z) / 2};
    return Geometry({size[0], size[1], size[2]}, options.spacingMm, center + half * -1.0, axes);
}

/// Gaussian noise that depends on the voxel alone.
double voxelNoise(std::size_t voxel, std::uint32_t seed)
{
    std::uint64_t h = (std::uint64_t(voxel) + 1) * 0x9E3779B97F4A7C15ULL + seed * 0xD1B54A32D192ED03ULL;
    double sum = 0;
    for (int n = 0; n < 2; ++n) {
        h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9ULL;
        h = (h ^ (h >> 27)) * 0x94D049BB133111EBULL;
        h ^= h >> 31;
        sum += double(h & 0xFFFF) + double(h >> 16 & 0xFFFF) + double(h >> 32 & 0xFFFF) + double(h >> 48);
    }
    // Sum of eight uniform numbers: mean 4, variance 8 / 12.
    return (sum / 65535.0 - 4) / std::sqrt(8.0 / 12.0);
}

/// How many places along each axis of a voxel are looked at where tissues meet: two, more where a cortex would fall between them.
std::array<int, 3> placesInVoxel(const Geometry& geometry)
{
    const auto places = [&](std::size_t axis) { return std::clamp(int(std::ceil(geometry.spacingMm()[axis] / 1.5)), 2, 4); };
    return {places(0), places(1), places(2)};
}

struct Mixture {
    LabelId most = 0;   ///< The label with most places; of equal ones the smallest.
    double meanHu = 0;
};

Mixture mixtureOf(const CtAnatomy& anatomy, const Geometry& geometry, Index3 voxel, const std::array<int, 3>& places)
{
    std::array<int, 32> counts{};
    double sum = 0;
    const auto at = [](int voxelIndex, int place, int count) { return voxelIndex + (place + 0.5) / count - 0.5; };
    for (int z = 0; z < places[2]; ++z) {
        for (int y = 0; y < places[1]; ++y) {
            for (int x = 0; x < places[0]; ++x) {
                const ContinuousIndex index{at(voxel.i, x, places[0]), at(voxel.j, y, places[1]), at(voxel.k, z, places[2])};
                const CtAnatomy::Tissue tissue = anatomy.at(geometry.toLps(index));
                ++counts[std::size_t(tissue.label)];
                sum += tissue.hu;
            }
        }
    }
    const auto most = std::max_element(counts.begin(), counts.end());
    return {LabelId(most - counts.begin()), sum / (double(places[0]) * places[1] * places[2])};
}

void forSlices(int count, const std::function<void(int)>& body)
{
    std::atomic<int> next = 0;
    const auto work = [&] {
        for (int k = next++; k < count; k = next++) {
            body(k);
        }
    };
    std::vector<std::jthread> others;
    const int threads = std::min(count, int(std::clamp(std::thread::hardware_concurrency(), 1U, 8U)));
    for (int n = 1; n < threads; ++n) {
        others.emplace_back(work);
    }
    work();
}

} // namespace

CtPhantom makeCtPhantom(const CtPhantomOptions& options)
{
    const CtAnatomy anatomy(options);
    return sampleCtPhantom(anatomy, options, makeGeometry(options, options.box.value_or(anatomy.box())));
}

CtPhantom sampleCtPhantom(const CtAnatomy& anatomy, const CtPhantomOptions& options, const Geometry& geometry)
{
    const Size3 size = geometry.size();
    std::vector<LabelId> centreLabels(size.voxels());
    std::vector<float> centreHu(size.voxels());
    forSlices(size.k, [&](int k) {
        for (int j = 0; j < size.j; ++j) {
            for (int i = 0; i < size.i; ++i) {
                const CtAnatomy::Tissue tissue = anatomy.at(geometry.toLps(Index3{i, j, k}));
                const std::size_t offset = geometry.offset({i, j, k});
                centreLabels[offset] = LabelId(tissue.label);
                centreHu[offset] = tissue.hu;
            }
        }
    });
    std::vector<std::int16_t> voxels(size.voxels());
    std::vector<LabelId> labels = centreLabels;
    const std::array<int, 3> places = placesInVoxel(geometry);
    forSlices(size.k, [&](int k) {
        for (int j = 0; j < size.j; ++j) {
            for (int i = 0; i < size.i; ++i) {
                const std::size_t offset = geometry.offset({i, j, k});
                double hu = centreHu[offset];
                const auto differs = [&](int di, int dj, int dk) {
                    const Index3 n{i + di, j + dj, k + dk};
                    const std::size_t other = geometry.contains(n) ? geometry.offset(n) : offset;
                    return centreLabels[other] != centreLabels[offset] || std::abs(centreHu[other] - centreHu[offset]) > 12;
                };
                if (differs(-1, 0, 0) || differs(1, 0, 0) || differs(0, -1, 0) || differs(0, 1, 0) || differs(0, 0, -1) || differs(0, 0, 1)) {
                    const Mixture mixture = mixtureOf(anatomy, geometry, {i, j, k}, places);
                    labels[offset] = mixture.most;
                    hu = mixture.meanHu;
                }
                hu += options.noiseSdHu * voxelNoise(offset, options.seed);
                voxels[offset] = std::int16_t(std::lround(std::clamp(hu, -1024.0, 3071.0)));
            }
        }
    });
    VolumeInfo info;
    info.modality = "CT";
    info.unit = Unit::Hu;
    info.seriesUid = "phantom-ct-" + std::to_string(options.seed);
    info.description = "Phantom";
    info.bodyPart = "CHEST";
    info.windows = {{40, 400, "Soft tissue"}};
    std::vector<Label> table;
    for (const Info& entry : kLabels) {
        table.push_back({LabelId(entry.label), entry.name, entry.color, {}, {}});
    }
    Provenance provenance;
    provenance.expert = "phantom";
    return {Volume(geometry, std::move(voxels), info), LabelMap(geometry, std::move(labels), std::move(table), provenance)};
}

} // namespace hf::phantom
