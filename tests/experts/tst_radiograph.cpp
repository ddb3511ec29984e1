// Radiographs: the picture that a classifier gets is the one that a reader sees, whatever the file's polarity, bits and padding; scores and their spread;
// maps of influence.
#include "experts/engine/neural/ChestEnsemble.h"
#include "experts/engine/neural/ChestXray.h"
#include "experts/runtime/Transforms.h"
#include "support/Check.h"
#include "support/ChestFolder.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>

#include <unistd.h>

using namespace hf;
using namespace hf::experts;

namespace {

constexpr int kRows = 260, kColumns = 240;

Volume radiograph(std::vector<std::uint16_t> values, bool isInverted, std::optional<std::array<double, 2>> padding = {}, std::optional<std::array<double, 2>> stored = std::array<double, 2>{0, 4095})
{
    const Geometry geometry({kColumns, kRows, 1}, {0.2, 0.2, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    VolumeInfo info;
    info.modality = "DX";
    info.isInverted = isInverted;
    info.padding = padding;
    info.storedRange = stored;
    return Volume(geometry, std::move(values), info);
}

std::vector<std::uint16_t> negativeOf(std::vector<std::uint16_t> values)
{
    for (std::uint16_t& value : values) {
        value = std::uint16_t(4095 - value);
    }
    return values;
}

double farthest(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

class Folder {
public:
    Folder() : path(std::filesystem::temp_directory_path() / ("hf-chest-" + std::to_string(::getpid()))) { test::writeChestFolder(path, 2); }
    ~Folder() { std::filesystem::remove_all(path); }
    const std::filesystem::path path;
};

} // namespace

HF_TEST(the_picture_is_bright_where_the_reader_sees_it_bright)
{
    const auto values = test::chestLikePicture(kRows, kColumns);
    const at::Tensor positive = chestPicture(radiograph(values, false)), negative = chestPicture(radiograph(negativeOf(values), true));
    HF_CHECK(farthest(positive, negative) < 1e-3);
    // As TorchXRayVision: (2 v / maxval - 1) * 1024.
    for (const auto& [row, column] : {std::pair{0, 0}, {130, 96}, {259, 239}}) {
        HF_CHECK_NEAR(positive[row][column].item<double>(), (2.0 * values[std::size_t(row * kColumns + column)] / 4095 - 1) * 1024, 1e-3);
    }
    // The bits that the file holds decide, not those that the picture happens to use.
    std::vector<std::uint16_t> dark = values;
    for (std::uint16_t& value : dark) {
        value /= 8;
    }
    HF_CHECK_NEAR(chestPicture(radiograph(dark, false))[130][96].item<double>(), (2.0 * dark[130 * kColumns + 96] / 4095 - 1) * 1024, 1e-3);
    HF_CHECK_NEAR(chestPicture(radiograph(dark, false, {}, {}))[130][96].item<double>(), (2.0 * dark[130 * kColumns + 96] / 511 - 1) * 1024, 1e-3);
}

HF_TEST(padding_is_dark_and_scales_nothing)
{
    auto values = test::chestLikePicture(kRows, kColumns);
    const at::Tensor whole = chestPicture(radiograph(values, false));
    for (int row = 0; row < kRows; ++row) {
        values[std::size_t(row * kColumns)] = 4000;      // a bright frame that is no picture
    }
    const at::Tensor framed = chestPicture(radiograph(values, false, {{4000, 4000}}));
    HF_CHECK(farthest(whole.narrow(1, 1, kColumns - 1), framed.narrow(1, 1, kColumns - 1)) < 1e-3);
    HF_CHECK_NEAR(framed[5][0].item<double>(), framed.min().item<double>(), 1e-6);
    // In a negative the padding is that of the stored values.
    auto negative = negativeOf(values);
    for (int row = 0; row < kRows; ++row) {
        negative[std::size_t(row * kColumns)] = 7;
    }
    HF_CHECK(farthest(chestPicture(radiograph(negative, true, {{7, 7}})), framed) < 1e-3);
    // For networks that scale by the smallest and largest value, and for those that leave 0 out.
    const at::Tensor darkest = runtime::toImage(radiograph(values, false, {{4000, 4000}})).data, zero = runtime::toImage(radiograph(values, false, {{4000, 4000}}), runtime::PaddingFill::Zero).data;
    HF_CHECK(darkest.max().item<double>() < 4000 && darkest.min().item<double>() > 0);
    HF_CHECK_EQUAL(zero.min().item<double>(), 0.0);
    // Values with a unit mean what they say, however they are shown.
    VolumeInfo ct;
    ct.unit = Unit::Hu;
    ct.isInverted = true;
    const Volume volume(Geometry({2, 1, 1}, {1, 1, 1}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), std::vector<std::int16_t>{-1000, 40}, ct);
    HF_CHECK_EQUAL(runtime::toImage(volume).data[0][1][0][0].item<double>(), 40.0);
}

HF_TEST(a_negative_gets_the_scores_of_its_positive)
{
    const Folder folder;
    FolderExpert expert(folder.path);
    const auto values = test::chestLikePicture(kRows, kColumns);
    const Volume positive = radiograph(values, false), negative = radiograph(negativeOf(values), true), wrong = radiograph(negativeOf(values), false);
    const ExpertResult first = expert.run({positive, "", {}}, {}, {}), second = expert.run({negative, "", {}}, {}, {}), other = expert.run({wrong, "", {}}, {}, {});
    HF_CHECK_EQUAL(first.scores.size(), 17U);       // nobody here votes on pneumothorax
    double apart = 0;
    for (std::size_t n = 0; n < first.scores.size(); ++n) {
        const Score &a = first.scores[n], &b = second.scores[n];
        HF_CHECK_EQUAL(a.label, b.label);
        HF_CHECK_NEAR(a.mean, b.mean, 1e-5);
        if (a.trainedModels > 0) {
            HF_CHECK(a.lowest <= a.trainedMean && a.trainedMean <= a.highest && a.trainedMean > 0 && a.trainedMean < 1);
        }
        apart = std::max(apart, std::abs(a.mean - other.scores[n].mean));
    }
    HF_CHECK(apart > 1e-3);     // else the test says nothing
    HF_CHECK(first.sentence == second.sentence && first.sentence.starts_with("The resulting predictions are:\n"));
    const std::string text = scoreText(first.scores);
    HF_CHECK(text.find("Consolidation 0.") != std::string::npos && text.find(", 2 models)") != std::string::npos);
    HF_CHECK(first.mask.isEmpty());
}

HF_TEST(the_gradient_is_that_of_finite_differences)
{
    const Folder folder;
    const ExpertManifest manifest = readManifest(folder.path);
    const ChestEnsemble::Member member{"all", false, std::make_unique<Network>(NetworkSpec{NetworkSpec::Chest{false}}, runtime::readSafetensors(folder.path / "all.safetensors"), Compute::exact(), "weights")};
    const at::Tensor picture = chestPicture(radiograph(test::chestLikePicture(kRows, kColumns), false));
    constexpr std::int64_t kFinding = 7;
    const at::Tensor gradient = ChestEnsemble::logitGradient(member, picture, kFinding), input = chestInput(picture, 224);
    // Along a direction, both ways: the central difference of the logit.
    for (const std::int64_t seed : {1, 2, 3}) {
        const at::Tensor way = hashedInput({1, 1, 224, 224}, std::size_t(seed), 1) - 0.5;
        constexpr double kStep = 0.5;
        const auto logit = [&](double along) { return member.network->forward(input + way * along)[0][kFinding].item<double>(); };
        const double expected = (logit(kStep) - logit(-kStep)) / (2 * kStep), found = (gradient * way[0][0]).sum().item<double>();
        std::printf("directional derivative %.4e, difference %.4e\n", found, expected);
        HF_CHECK_NEAR(found, expected, 0.05 * std::abs(expected) + 1e-5);
    }
}

HF_TEST(a_map_shows_where_a_finding_comes_from)
{
    const Folder folder;
    FolderExpert expert(folder.path);
    const Volume volume = radiograph(test::chestLikePicture(kRows, kColumns), false);
    HF_CHECK(expert.card().knows("Effusion") && !expert.card().knows("Pneumothorax") && expert.card().arguments.empty());
    HF_CHECK_EQUAL(expert.check({volume, "Pneumothorax", {}})->code, "arguments");
    const ExpertResult result = expert.run({volume, "Effusion", {}}, {}, {});
    HF_CHECK_EQUAL(result.scores.size(), 17U);
    HF_CHECK_EQUAL(result.mask.labels().size(), 3U);
    HF_CHECK_EQUAL(result.mask.labels()[0].name, "strongest influence on Effusion");
    HF_CHECK(result.mask.provenance().notice.starts_with("For research only: "));
    std::array<double, 4> counts{};
    for (const LabelId value : result.mask.voxels()) {
        counts[value] += 1.0 / (kRows * kColumns);
    }
    HF_CHECK_NEAR(counts[3], 0.02, 0.003);
    HF_CHECK_NEAR(counts[2], 0.03, 0.003);
    HF_CHECK_NEAR(counts[1], 0.05, 0.003);
    // Nothing outside of the square that the classifiers see.
    HF_CHECK_EQUAL(int(result.mask.valueAt({120, 2, 0})), 0);
}

HF_TEST_MAIN()
