#include "support/Check.h"
#include "viewer/phantom/CtAnatomy.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/phantom/Scenes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

using namespace hf;

namespace {

phantom::CtPhantom coarse(std::uint32_t seed)
{
    phantom::CtPhantomOptions options;
    options.seed = seed;
    options.spacingMm = {4, 4, 4};
    return phantom::makeCtPhantom(options);
}

} // namespace

HF_TEST(the_same_seed_gives_the_same_voxels)
{
    const auto a = coarse(2), b = coarse(2), c = coarse(3);
    HF_CHECK(a.truth.voxels() == b.truth.voxels());
    HF_CHECK(std::memcmp(a.volume.data(), b.volume.data(), a.volume.bytes()) == 0);
    HF_CHECK(a.truth.voxels() != c.truth.voxels());
}

HF_TEST(organs_have_plausible_sizes_and_densities)
{
    for (std::uint32_t seed = 1; seed <= 4; ++seed) {
        const auto made = coarse(seed);
        double lungs = 0;
        for (const LabelFacts& facts : measureLabels(made.truth, made.volume)) {
            const std::string name = made.truth.findLabel(facts.value)->name;
            if (name == "left lung" || name == "right lung") {
                lungs += facts.volumeMl;
                HF_CHECK(facts.meanValue < -700 && facts.meanValue > -920);
                // LPS: the left lung lies at positive x.
                HF_CHECK((facts.centroid.x > 0) == (name == "left lung"));
            }
            if (name == "liver") HF_CHECK(facts.volumeMl > 800 && facts.volumeMl < 2600 && facts.centroid.x < 0);
            if (name == "bones") HF_CHECK(facts.volumeMl > 900 && facts.volumeMl < 3000 && facts.meanValue > 150);
            if (name == "left kidney") HF_CHECK(facts.centroid.x > 0 && facts.volumeMl > 60);
        }
        HF_CHECK(lungs > 2500 && lungs < 8000);
    }
}

HF_TEST(a_thick_voxel_holds_what_lies_in_it)
{
    phantom::CtPhantomOptions options;
    options.noiseSdHu = 0;
    options.spacingMm = {5, 5, 5};
    options.box = std::array{PointLps{-170, -90, 40}, PointLps{170, 120, 70}};
    const phantom::CtAnatomy anatomy(options);
    const phantom::CtPhantom made = phantom::makeCtPhantom(options);
    const Size3 size = made.volume.geometry().size();
    // Six times finer than the voxels, from the anatomy itself.
    double error = 0, mixed = 0, agree = 0;
    for (int k = 0; k < size.k; k += 6) {
        for (int j = 0; j < size.j; ++j) {
            for (int i = 0; i < size.i; ++i) {
                std::array<int, 32> counts{};
                double sum = 0;
                for (int n = 0; n < 216; ++n) {
                    const ContinuousIndex place{i + (n % 6 - 2.5) / 6, j + (n / 6 % 6 - 2.5) / 6, k + (n / 36 - 2.5) / 6};
                    const phantom::CtAnatomy::Tissue tissue = anatomy.at(made.volume.geometry().toLps(place));
                    sum += tissue.hu;
                    ++counts[std::size_t(tissue.label)];
                }
                const std::size_t most = std::size_t(std::max_element(counts.begin(), counts.end()) - counts.begin());
                if (counts[most] < 216) {
                    ++mixed;
                    error += std::abs(made.volume.valueAt(Index3{i, j, k}) - sum / 216);
                    agree += made.truth.voxels()[made.volume.geometry().offset({i, j, k})] == most;
                }
            }
        }
    }
    std::printf("%.0f voxels of several tissues: mean error %.1f HU, %.1f %% have the label of the most\n", mixed, error / mixed, 100 * agree / mixed);
    HF_CHECK(mixed > 1000);
    HF_CHECK(error / mixed < 25);
    HF_CHECK(agree / mixed > 0.92);
}

HF_TEST(other_scenes_have_their_modality)
{
    const Geometry slice({64, 64, 1}, {4, 4, 4}, {-128, -128, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    HF_CHECK_EQUAL(phantom::makeHead(1, phantom::HeadContrast::T1, true, slice).info().modality, std::string("MR"));
    HF_CHECK_EQUAL(phantom::makeHead(1, phantom::HeadContrast::Ct, false, slice).info().modality, std::string("CT"));
    HF_CHECK_EQUAL(phantom::makeUltrasound(1, 64).info().modality, std::string("US"));
    const phantom::CtAnatomy anatomy(phantom::CtPhantomOptions{});
    const Volume radiograph = phantom::makeRadiograph(anatomy, 1, false, 8);
    HF_CHECK_EQUAL(radiograph.info().modality, std::string("DX"));
    HF_CHECK(radiograph.range().maximum > radiograph.range().minimum + 100);
    // The nodule is where radiographs with and without it differ: noise and frame are the same.
    phantom::CtPhantomOptions without;
    without.lungNodule = false;
    for (const bool lateral : {false, true}) {
        const Volume ill = phantom::makeRadiograph(anatomy, 1, lateral, 8), well = phantom::makeRadiograph(phantom::CtAnatomy(without), 1, lateral, 8);
        const LabelMap nodule = phantom::noduleOfRadiograph(anatomy, 1, lateral, 8);
        HF_CHECK(nodule.geometry().sameGridAs(ill.geometry()));
        int pixels = 0;
        for (std::size_t n = 0; n < nodule.voxels().size(); ++n) {
            const bool differs = static_cast<const std::int16_t*>(ill.data())[n] != static_cast<const std::int16_t*>(well.data())[n];
            HF_CHECK(nodule.voxels()[n] == 1 || !differs);
            pixels += differs;
        }
        HF_CHECK(pixels > 0);
    }
    HF_CHECK(phantom::makeHead(1, phantom::HeadContrast::T1c, true, slice).range().maximum > 0);
}

HF_TEST_MAIN()
