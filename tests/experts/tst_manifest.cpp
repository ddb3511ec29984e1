// Experts described by folders: what is refused with which line and reason, which series suit which expert, and whole runs on small networks.
#include "experts/engine/neural/ChestEnsemble.h"
#include "experts/engine/neural/FolderExpert.h"
#include "experts/runs/ExpertRunner.h"
#include "support/Check.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

#include <fstream>

#include <unistd.h>

using namespace hf;
using namespace hf::experts;

namespace {

const std::filesystem::path kResources = HF_SOURCE_DIR "/resources/experts";

// The line numbers of the tests below count from the first line here.
const std::string kGood = R"({
  "format": 1,
  "name": "SMALL",
  "version": "1",
  "task": "segmentation",
  "card": { "modality": "CT", "overview": "a test", "accuracy": "none" },
  "suitability": { "modalities": ["CT"], "bodyParts": ["ABDOMEN"], "maximumSpacingMm": 6, "minimumFieldOfViewMm": 20 },
  "network": { "name": "unet", "in": 1, "out": 3, "channels": [4, 8, 16], "strides": [2, 2], "residualUnits": 2, "norm": "batch", "activation": "prelu", "file": "model.safetensors" },
  "preprocessing": [
    { "do": "orientationRas" },
    { "do": "spacing", "mm": [1.5, 1.5, 2] },
    { "do": "scaleRange", "from": -57, "to": 164 }
  ],
  "window": { "roi": [16, 16, 16], "overlap": 0.5, "blend": "gaussian" },
  "postprocessing": { "labels": "argmax", "largestComponentOf": [1] },
  "labels": [
    { "value": 1, "name": "spleen", "color": "#ff0000", "snomed": "78961009" },
    { "value": 2, "name": "liver", "color": "#00ff00" }
  ],
  "licence": { "weights": "Apache-2.0", "intendedUse": "tests" }
})";

std::string with(const std::string& from, const std::string& to)
{
    std::string text = kGood;
    const std::size_t place = text.find(from);
    HF_CHECK(place != std::string::npos);
    return text.replace(place, from.size(), to);
}

std::string reasonOf(const std::string& text)
{
    try {
        parseManifest(text, "folder");
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}

struct Series { const char* name; std::string modality, bodyPart; Size3 size; double spacingMm; };

Volume volumeOf(const Series& series)
{
    const Geometry geometry(series.size, {series.spacingMm, series.spacingMm, series.spacingMm}, {-10, 20, 30}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    std::vector<std::int16_t> voxels(geometry.size().voxels());
    for (std::size_t n = 0; n < voxels.size(); ++n) {
        voxels[n] = std::int16_t(n * 2654435761U % 1500);
    }
    VolumeInfo info;
    info.modality = series.modality;
    info.bodyPart = series.bodyPart;
    return Volume(geometry, std::move(voxels), info);
}

/// A folder of a test, removed at the end.
class Folder {
public:
    Folder() : path(std::filesystem::temp_directory_path() / ("hf-expert-" + std::to_string(::getpid()))) { std::filesystem::create_directories(path); }
    ~Folder() { std::filesystem::remove_all(path); }
    const std::filesystem::path path;
};

void write(const std::filesystem::path& file, const std::string& text) { std::ofstream(file) << text; }

} // namespace

HF_TEST(a_good_manifest_is_read)
{
    const ExpertManifest manifest = parseManifest(kGood, "folder");
    HF_CHECK_EQUAL(manifest.card.name, "SMALL");
    HF_CHECK(manifest.pre.size() == 3 && manifest.pre[1].spacingMm[2] == 2);
    HF_CHECK(manifest.labels.size() == 2 && manifest.labels[0].color == (Rgb8{255, 0, 0}) && manifest.labels[0].snomedCode == "78961009");
    HF_CHECK(manifest.window.blend == runtime::WindowOptions::Blend::Gaussian);
}

HF_TEST(bad_manifests_are_refused_with_line_and_reason)
{
    struct Case { std::string from, to; int line; const char* reason; };
    const Case cases[] = {
        {"\"format\": 1", "\"format\": 2", 2, "'format': a whole number from 1 to 1"},
        {"\"name\": \"SMALL\"", "\"name\": \"SM ALL\"", 3, "letters, digits and underscores"},
        {"\"version\": \"1\",", "\"version\": \"1\", \"versoin\": \"2\",", 4, "'versoin': is not known here"},
        {"\"version\": \"1\",", "\"version\": \"1\", \"version\": \"2\",", 4, "stands twice"},
        {"\"version\": \"1\",", "", 1, "'version': is missing"},
        {"\"version\": \"1\",", "\"version\": 1,", 4, "a text is expected"},
        {"\"version\": \"1\",", "\"version\": \"1\"", 5, "no valid JSON"},
        {"\"segmentation\"", "\"classification\"", 5, "only chestEnsemble is a classification"},
        {"[\"CT\"]", "[\"\"]", 7, "a list of texts"},
        {"[\"CT\"]", "[]", 7, "at least one DICOM modality"},
        {"\"unet\"", "\"vnet\"", 8, "'vnet' is not known; known are vista3d, brats"},
        {"[2, 2]", "[2, 2, 2]", 8, "one number fewer than channels"},
        {"\"model.safetensors\"", "\"../model.safetensors\"", 8, "without a path"},
        {"\"model.safetensors\"", "\"model.safetensors\", \"sha256\": \"12\"", 8, "64 lower-case hexadecimal digits"},
        {"\"orientationRas\"", "\"python\"", 10, "'python' is not known"},
        {"\"orientationRas\"", "\"cropForeground\"", 9, "spacing must come before cropForeground"},
        {"[1.5, 1.5, 2]", "[1.5, 1.5, 0.001]", 11, "0.01 to 100 mm"},
        {"[1.5, 1.5, 2]", "[1.5, 1.5]", 11, "three numbers"},
        {"[1.5, 1.5, 2]", "[1.5, 1.5, \"2\"]", 11, "a list of numbers"},
        {"\"to\": 164", "\"to\": -164", 12, "must be larger than 'from'"},
        {"[16, 16, 16]", "[16, 16, 18]", 14, "multiples of 4"},
        {"\"overlap\": 0.5", "\"overlap\": 1", 14, "from 0 to 0.95"},
        {"\"argmax\"", "\"prompts\"", 15, "needs the network vista3d"},
        {"\"value\": 2", "\"value\": 1", 18, "another one has it already"},
        {"\"liver\"", "\"spleen\"", 18, "another one has it already"},
        {"\"largestComponentOf\": [1]", "\"largestComponentOf\": [3]", 15, "names 3, which is not among the labels"},
        {"\"78961009\"", "\"spleen\"", 17, "6 to 18 digits"},
        {"\"licence\"", "\"arguments\": {\"all\": [1, 7]}, \"defaultArgument\": \"all\", \"licence\"", 20, "not among the labels"},
        {"#00ff00", "green", 18, "a colour as"},
        {"\"weights\": \"Apache-2.0\", ", "", 20, "'weights': is missing"},
        {"[\"CT\"]", "[\"CT\"], \"channels\": [\"T1\", \"T2\"]", 7, "the network takes 1 channels"},
        {"\"argmax\"", "\"regions\", \"regions\": []", 15, "at least one is needed"},
        {"\"argmax\"", "\"regions\", \"regions\": [{\"channel\": 3, \"label\": 1}]", 15, "a whole number from 0 to 2"},
        {"\"licence\"", "\"arguments\": {\"none\": []}, \"defaultArgument\": \"none\", \"licence\"", 20, "at least one label is needed"},
    };
    for (const Case& item : cases) {
        const std::string reason = reasonOf(with(item.from, item.to));
        if (reason.find("expert.json line " + std::to_string(item.line) + ":") != 0 || reason.find(item.reason) == std::string::npos) {
            test::fail(item.to.c_str(), item.line, "got '" + reason + "', expected '" + item.reason + "'");
        }
    }
    HF_CHECK(!reasonOf("").empty());
    HF_CHECK(!reasonOf("[]").empty());
    HF_CHECK(!reasonOf(std::string(100'000, '[')).empty());
    for (std::size_t size = 0; size < kGood.size(); size += 7) {
        HF_CHECK(!reasonOf(kGood.substr(0, size)).empty());
    }
}

HF_TEST(the_folders_of_the_published_experts_are_good)
{
    const ExpertManifest vista = readManifest(kResources / "vista3d");
    HF_CHECK_EQUAL(vista.prompts.at("everything").size(), 117U);
    HF_CHECK_EQUAL(expandedClassIds(vista.prompts.at("everything")).size(), 117U);
    HF_CHECK(expandedClassIds(vista.prompts.at("hepatic tumor")) == (std::vector<std::int64_t>{1, 26}));
    HF_CHECK(expandedClassIds(vista.prompts.at("lung tumor")) == (std::vector<std::int64_t>{28, 29, 30, 31, 32, 23}));
    HF_CHECK(vista.card.isResearchOnly && vista.card.notice().starts_with("For research only: "));
    HF_CHECK_EQUAL(readManifest(kResources / "brats").suitability.channels, 4);
    HF_CHECK_EQUAL(readManifest(kResources / "chest-xray").members.size(), 8U);
}

HF_TEST(class_ids_are_expanded)
{
    HF_CHECK(expandedClassIds({2, 5, 1}) == (std::vector<std::int64_t>{14, 5, 1}));
    HF_CHECK(expandedClassIds({20}) == (std::vector<std::int64_t>{28, 29, 30, 31, 32}));
    HF_CHECK_EQUAL(expandedClassIds({21}).size(), 62U);
    for (const std::int64_t id : {0, 16, 18, 129, 130, 131, 133, 255}) {
        HF_CHECK_THROWS(expandedClassIds({id}), Error);
    }
}

HF_TEST(suitability_modality_by_expert)
{
    // Nothing is loaded: the folders hold no weights, so a series that suits is refused for those alone.
    const FolderExpert vista(kResources / "vista3d"), brats(kResources / "brats"), chest(kResources / "chest-xray");
    const Series series[] = {{"CT of the abdomen", "CT", "ABDOMEN", {60, 60, 40}, 1.5}, {"CT, part not stated", "CT", "", {60, 60, 40}, 1.5}, {"MR of the head", "MR", "HEAD", {200, 200, 160}, 1},
        {"MR of the knee", "MR", "KNEE", {200, 200, 160}, 1}, {"MR of 5 mm", "MR", "BRAIN", {60, 60, 30}, 5}, {"radiograph of the chest", "DX", "CHEST", {80, 90, 1}, 0.2},
        {"radiograph of the hand", "CR", "HAND", {80, 90, 1}, 0.2}, {"PET", "PT", "CHEST", {60, 60, 40}, 4}, {"ultrasound", "US", "", {60, 60, 1}, 0.3}, {"unknown", "", "", {60, 60, 40}, 1.5},
        {"a small CT", "CT", "", {20, 60, 40}, 1.5}, {"thick CT", "CT", "", {60, 60, 20}, 12}};
    const char* const expected[][3] = {{"weights", "channels", "modality"}, {"weights", "channels", "modality"}, {"modality", "weights", "modality"}, {"modality", "body-part", "modality"},
        {"modality", "spacing", "modality"}, {"modality", "channels", "weights"}, {"modality", "channels", "body-part"}, {"modality", "channels", "modality"},
        {"modality", "channels", "modality"}, {"modality", "channels", "modality"}, {"too-small", "channels", "modality"}, {"spacing", "channels", "modality"}};
    for (std::size_t row = 0; row < std::size(series); ++row) {
        const Volume volume = volumeOf(series[row]);
        const bool isStudy = volume.info().modality == "MR";     // four sequences of it
        const std::vector<Volume> others(isStudy ? 3 : 0, volume);
        const std::optional<Refusal> found[] = {vista.check({volume, "everything", {}}), brats.check({volume, "", {}, {}, others}), chest.check({volume, "", {}})};
        for (std::size_t n = 0; n < 3; ++n) {
            if (!found[n] || found[n]->code != expected[row][n] || found[n]->text.empty()) {
                test::fail(series[row].name, int(n), "got '" + (found[n] ? found[n]->code + ": " + found[n]->text : "no refusal") + "', expected " + expected[row][n]);
            }
        }
    }
    const Volume ct = volumeOf(series[0]);
    HF_CHECK_EQUAL(vista.check({ct, "hippocampus", {}})->code, "arguments");
    HF_CHECK_EQUAL(vista.check({ct, "liver, Spleen", {}})->code, "weights");
    const Volume head = volumeOf(series[2]), shifted = volumeOf({"", "MR", "HEAD", {100, 200, 160}, 1});
    HF_CHECK_EQUAL(brats.check({head, "", {}, {}, {head, shifted, head}})->code, "grid");
}

HF_TEST(torchscript_needs_the_users_word)
{
    const std::string unet = kGood.substr(kGood.find("\"network\": {"), kGood.find('}', kGood.find("\"network\": {")) - kGood.find("\"network\": {") + 1);
    const Folder folder;
    write(folder.path / "expert.json", with(unet, R"("network": { "name": "torchscript", "file": "model.ts" })"));
    // A program whose label is known from the values: 1 above the middle of the window, 2 below.
    torch::jit::Module program("program");
    program.define("def forward(self, x):\n    return torch.cat([x * 0 + 0.1, x - 0.5, 0.5 - x], 1)\n");
    program.save((folder.path / "model.ts").string());
    const Volume ct = volumeOf({"", "CT", "ABDOMEN", {40, 36, 30}, 1.5});
    const ExpertRequest request{ct, "", {}};
    const FolderExpert forbidden(folder.path, {Compute::exact()});
    HF_CHECK_EQUAL(forbidden.check(request)->code, "torchscript");
    HF_CHECK(forbidden.check(request)->text.find("hounsfield-engine models allow " + folder.path.string()) != std::string::npos);
    const Consents consents(folder.path / "consents.json");
    const FolderOptions options{Compute::exact(), [&](const std::string& sha256) { return consents.allowsScript(sha256); }};
    HF_CHECK_EQUAL(FolderExpert(folder.path, options).check(request)->code, "torchscript");
    consents.allowScript(forbidden.weightsHash(), folder.path);
    FolderExpert allowed(folder.path, options);
    HF_CHECK(!allowed.check(request));
    const ExpertResult result = allowed.run(request, {}, {});
    HF_CHECK_EQUAL(result.mask.labels().size(), 2U);
    // More classes than a label map has values.
    torch::jit::Module many("many");
    many.define("def forward(self, x):\n    return torch.cat([x * 0, x.repeat([1, 255, 1, 1, 1])], 1)\n");
    many.save((folder.path / "model.ts").string());
    consents.allowScript(FolderExpert(folder.path, options).weightsHash(), folder.path);
    std::string reason;
    try {
        FolderExpert(folder.path, options).run(request, {}, {});
    } catch (const Error& error) {
        reason = error.what();
    }
    HF_CHECK(reason.find("256 channels") != std::string::npos);
    program.save((folder.path / "model.ts").string());
    // A changed file needs the user's word again, also when it was changed after the check.
    FolderExpert late(folder.path, options);
    HF_CHECK(!late.check(request));
    program.define("def other(self, x):\n    return x\n");
    program.save((folder.path / "model.ts").string());
    HF_CHECK_EQUAL(FolderExpert(folder.path, options).check(request)->code, "torchscript");
    HF_CHECK_THROWS(late.run(request, {}, {}), Error);
    // What is no TorchScript is refused, though allowed.
    write(folder.path / "model.ts", "no program");
    consents.allowScript(late.weightsHash(), folder.path);
    HF_CHECK_THROWS(FolderExpert(folder.path, options).run(request, {}, {}), Error);
}

HF_TEST(a_whole_run_on_a_small_network)
{
    const Folder folder;
    write(folder.path / "expert.json", kGood);
    const ExpertManifest manifest = readManifest(folder.path);
    runtime::writeSafetensors(folder.path / "model.safetensors", hashedWeights(weightList(manifest.network)));
    FolderExpert expert(folder.path, {Compute::exact()});
    const Volume volume = volumeOf({"", "CT", "ABDOMEN", {40, 36, 30}, 1.2});
    const ExpertRequest request{volume, "", {}};
    HF_CHECK(!expert.check(request));
    std::vector<double> shares;
    const ExpertResult result = expert.run(request, [&](double share, const std::string&) { shares.push_back(share); }, {});
    HF_CHECK(result.mask.geometry().sameGridAs(volume.geometry()));
    HF_CHECK(std::is_sorted(shares.begin(), shares.end()) && shares.back() == 1.0);
    HF_CHECK_EQUAL(result.mask.provenance().expert, "SMALL");
    HF_CHECK_EQUAL(result.mask.provenance().weightsSha256.size(), 64U);
    // By the parts alone: the same labels, but for the largest component of label 1.
    const Network network(manifest.network, runtime::readSafetensors(folder.path / "model.safetensors"), Compute::exact(), "weights");
    runtime::Prepared prepared(runtime::toImage(volume));
    prepared.orientToRas();
    prepared.space({1.5, 1.5, 2});
    prepared.image.data = runtime::scaledRange(prepared.image.data, {-57, 164});
    const at::Tensor logits = runtime::slidingWindow(prepared.image.data.unsqueeze(0), manifest.window, [&](const at::Tensor& window) { return network.forward(window); });
    const at::Tensor expected = prepared.invertedLabels(logits[0].argmax(0).to(at::kByte).unsqueeze(0));
    std::size_t different = 0, cleared = 0, labelled = 0;
    for (int k = 0; k < 30; ++k) {
        for (int j = 0; j < 36; ++j) {
            for (int i = 0; i < 40; ++i) {
                const int wanted = expected[i][j][k].item<int>(), found = result.mask.valueAt({i, j, k});
                labelled += found > 0;
                cleared += wanted == 1 && found == 0;
                different += wanted != found && !(wanted == 1 && found == 0);
            }
        }
    }
    std::printf("%zu voxels labelled, %zu outside the largest component, %zu different\n", labelled, cleared, different);
    HF_CHECK(labelled > 100);
    HF_CHECK(different < 40);   // ties of sums in another order
    // Too small to be continued by reflection: told in words of ours, without a call stack.
    write(folder.path / "expert.json", with("\"gaussian\"", "\"gaussian\", \"padding\": \"reflect\""));
    try {
        FolderExpert(folder.path, {Compute::exact()}).run({volumeOf({"", "CT", "", {8, 36, 30}, 1.2}), "", {}}, {}, {});
        HF_CHECK(!"ran");
    } catch (const Error& error) {
        HF_CHECK_EQUAL(error.code(), "too-small");
    }
    write(folder.path / "expert.json", kGood);
    // Cancelled at the next window; a wrong hash is refused.
    std::stop_source stop;
    HF_CHECK_THROWS(expert.run(request, [&](double share, const std::string&) { if (share > 0.1) { stop.request_stop(); } }, stop.get_token()), Cancelled);
    ExpertManifest wrong = manifest;
    wrong.weights.sha256 = std::string(64, '0');
    HF_CHECK_THROWS(FolderExpert(wrong, {}).run(request, {}, {}), Error);
}

HF_TEST(parts_of_a_run_are_shown_from_the_readers_slice_on)
{
    const Folder folder;
    write(folder.path / "expert.json", kGood);
    runtime::writeSafetensors(folder.path / "model.safetensors", hashedWeights(weightList(readManifest(folder.path).network)));
    FolderExpert expert(folder.path, {Compute::exact()});
    const Volume volume = volumeOf({"", "CT", "ABDOMEN", {30, 30, 60}, 1.5});
    View view;
    view.slice = 45;
    std::vector<LabelMap> parts;
    std::vector<double> shares;
    const ExpertRequest request{volume, "", view, {}, {}, [&](const LabelMap& mask, double share) { parts.push_back(mask); shares.push_back(share); }};
    const LabelMap whole = expert.run(request, {}, {}).mask;
    HF_CHECK(!parts.empty() && std::is_sorted(shares.begin(), shares.end()) && shares.back() < 1);
    const auto labelled = [](const LabelMap& mask, int k) {
        std::size_t count = 0;
        for (int n = 0; n < 30 * 30; ++n) {
            count += mask.valueAt({n % 30, n / 30, k}) > 0;
        }
        return count;
    };
    HF_CHECK(labelled(parts.front(), 45) > 0);
    HF_CHECK_EQUAL(labelled(parts.front(), 2), 0U);
    HF_CHECK(labelled(whole, 2) > 0);
    // What was shown early does not change later, but for the largest component of label 1.
    std::size_t different = 0;
    for (std::size_t n = 0; n < whole.voxels().size(); ++n) {
        const LabelId early = parts.front().voxels()[n];
        different += early != 0 && early != 1 && early != whole.voxels()[n];
    }
    HF_CHECK_EQUAL(different, 0U);
}

HF_TEST(a_region_has_a_threshold_of_its_own)
{
    const Folder folder;
    const Volume volume = volumeOf({"", "CT", "ABDOMEN", {24, 20, 16}, 1.5});
    const auto labelled = [&](const char* threshold, const char* inversion) {
        std::string text = with("\"argmax\", \"largestComponentOf\": [1]", std::string("\"regions\", \"regions\": [{\"channel\": 0, \"label\": 1, \"threshold\": ") + threshold + "}], \"invert\": \"" + inversion + "\"");
        write(folder.path / "expert.json", text);
        runtime::writeSafetensors(folder.path / "model.safetensors", hashedWeights(weightList(readManifest(folder.path).network)));
        const LabelMap mask = FolderExpert(folder.path, {Compute::exact()}).run({volume, "", {}}, {}, {}).mask;
        return std::count(mask.voxels().begin(), mask.voxels().end(), LabelId(1));
    };
    for (const char* inversion : {"labels", "probabilities", "logits"}) {
        const auto low = labelled("0.1", inversion), middle = labelled("0.5", inversion), high = labelled("0.9", inversion);
        HF_CHECK(low > middle && middle > high && high > 0);
    }
    HF_CHECK(reasonOf(with("\"argmax\"", "\"regions\", \"regions\": [{\"channel\": 0, \"label\": 1, \"threshold\": 1}]")).find("between 0 and 1") != std::string::npos);
}

HF_TEST(results_are_kept_on_disk)
{
    const Folder folder;
    write(folder.path / "expert.json", kGood);
    runtime::writeSafetensors(folder.path / "model.safetensors", hashedWeights(weightList(readManifest(folder.path).network)));
    const std::filesystem::path cache = folder.path / "results";
    const Consents consents(folder.path / "consents.json");
    const Volume volume = volumeOf({"", "CT", "ABDOMEN", {40, 36, 30}, 1.2});
    /// As another process would: nothing in memory.
    const auto run = [&](const Volume& of, const std::string& argument, std::uintmax_t most = 1 << 20) {
        ExpertRegistry registry;
        registry.add(std::make_unique<FolderExpert>(folder.path, FolderOptions{Compute::exact()}));
        return ExpertRunner(registry, consents, ResultCache(cache, most)).run("SMALL", {of, argument, {}}, {}, {});
    };
    const auto files = [&] { return std::distance(std::filesystem::directory_iterator(cache), std::filesystem::directory_iterator()); };
    // The licence first; nothing runs before.
    try {
        run(volume, "");
        HF_CHECK(!"ran without consent");
    } catch (const Error& error) {
        HF_CHECK_EQUAL(error.code(), "licence");
        HF_CHECK(std::string(error.what()).find("Apache-2.0") != std::string::npos && std::string(error.what()).find("models accept SMALL") != std::string::npos);
    }
    consents.accept(FolderExpert(folder.path));
    const ExpertRun first = run(volume, ""), again = run(volume, "");
    HF_CHECK(!first.wasCached && again.wasCached);
    HF_CHECK(!again.card.weightsSha256.empty() && again.card.weightsSha256 == first.card.weightsSha256);
    HF_CHECK(again.result.mask.voxels() == first.result.mask.voxels());
    HF_CHECK_EQUAL(again.result.mask.labels().size(), first.result.mask.labels().size());
    HF_CHECK(again.result.mask.provenance().timeUtc == first.result.mask.provenance().timeUtc && again.facts[0].voxels == first.facts[0].voxels);
    // Another argument, volume, or setting is another result.
    HF_CHECK(!run(volume, "spleen").wasCached);
    HF_CHECK(!run(volumeOf({"", "CT", "ABDOMEN", {40, 36, 31}, 1.2}), "").wasCached);
    write(folder.path / "expert.json", with("-57", "-58"));
    HF_CHECK(!run(volume, "").wasCached);
    write(folder.path / "expert.json", kGood);
    HF_CHECK(run(volume, "").wasCached);
    // Damaged files count as not there.
    for (const auto& entry : std::filesystem::directory_iterator(cache)) {
        std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(-3, std::ios::end);
        file.put('?');
    }
    HF_CHECK(!run(volume, "").wasCached && run(volume, "").wasCached);
    for (const auto& entry : std::filesystem::directory_iterator(cache)) {
        std::filesystem::resize_file(entry.path(), 10);
    }
    HF_CHECK(!run(volume, "").wasCached);
    // Bounded.
    HF_CHECK(files() > 1);
    run(volume, "liver", 1);
    HF_CHECK_EQUAL(files(), 0);
    // Other weights ask again.
    runtime::TensorMap weights = runtime::readSafetensors(folder.path / "model.safetensors");
    weights.begin()->second = weights.begin()->second + 1;
    runtime::writeSafetensors(folder.path / "model.safetensors", weights);
    HF_CHECK_THROWS(run(volume, ""), Error);
}

HF_TEST(a_volume_at_the_place_of_one_that_is_gone_gets_its_own_mask)
{
    const Folder folder;
    write(folder.path / "expert.json", kGood);
    runtime::writeSafetensors(folder.path / "model.safetensors", hashedWeights(weightList(readManifest(folder.path).network)));
    const Consents consents(folder.path / "consents.json");
    consents.accept(FolderExpert(folder.path));
    ExpertRegistry registry;
    registry.add(std::make_unique<FolderExpert>(folder.path, FolderOptions{Compute::exact()}));
    ExpertRunner runner(registry, consents, {});
    // As files of one size that are read one after the other: the allocator gives the same place again.
    for (const int slices : {30, 30, 20, 30}) {
        const Volume volume = volumeOf({"", "CT", "ABDOMEN", {40, 36, slices}, 1.2});
        const ExpertRun run = runner.run("SMALL", {volume, "", {}}, {}, {});
        HF_CHECK(!run.wasCached);
        HF_CHECK_EQUAL(run.result.mask.geometry().size().k, slices);
        HF_CHECK_EQUAL(run.card.weightsSha256.size(), 64U);
        HF_CHECK(runner.run("SMALL", {volume, "", {}}, {}, {}).wasCached);
    }
}

HF_TEST(chest_sentence_is_that_of_the_protocol)
{
    std::vector<Score> scores;
    for (std::size_t n = 0; n < kChestLabels; ++n) {
        scores.push_back({chestLabels()[n], 0, 0, 0, 0, 1, 1, n == 9 || n == 14});
    }
    const std::string text = chestSentence(scores);
    HF_CHECK(text.starts_with("The resulting predictions are:\natelectasis: no\ncardiomegaly: no\nconsolidation: no\n"));
    HF_CHECK(text.find("\nlung lesion: yes\nlung opacity: no\n") != std::string::npos);
    HF_CHECK(text.find("\npleural thickening: yes\n") != std::string::npos);
    HF_CHECK(text.ends_with("pneumothorax: no\n."));
}

HF_TEST_MAIN()
