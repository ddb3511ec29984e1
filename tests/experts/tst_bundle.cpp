// MONAI bundles become experts where all their steps are known; otherwise the message says which is not.
#include "experts/engine/neural/BundleImport.h"
#include "experts/engine/neural/FolderExpert.h"
#include "experts/runtime/Safetensors.h"
#include "support/Check.h"
#include "viewer/volume/Error.h"

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>
#include <torch/csrc/jit/api/module.h>

#include <fstream>
#include <iterator>

#include <unistd.h>

using namespace hf;
using namespace hf::experts;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

json step(const char* target, json arguments = json::object())
{
    arguments["_target_"] = target;
    arguments["keys"] = "image";
    return arguments;
}

/// A bundle in the layout of the model zoo; parts are changed before write().
struct Bundle {
    const fs::path root = fs::temp_directory_path() / ("hf-bundle-" + std::to_string(::getpid()));
    const fs::path path = root / "small-spleen", experts = root / "experts";
    json metadata{{"version", "0.1.2"}, {"name", "A spleen"}, {"description", "finds spleens"}, {"intended_use", "an example"},
        {"network_data_format", {{"inputs", {{"image", {{"modality", "CT"}, {"num_channels", 1}, {"channel_def", {{"0", "image"}}}}}}},
            {"outputs", {{"pred", {{"num_channels", 2}, {"channel_def", {{"0", "background"}, {"1", "spleen"}}}}}}}}}};
    json inference{{"imports", {"$import os"}}, {"bundle_root", "."}, {"device", "$torch.device('cpu')"}, {"roi", {32, 32, 32}},
        {"network_def", {{"_target_", "UNet"}, {"spatial_dims", 3}, {"in_channels", 1}, {"out_channels", 2}, {"channels", {4, 8, 16}}, {"strides", {2, 2}}, {"num_res_units", 2}, {"norm", "batch"}}},
        {"network", "$@network_def.to(@device)"},
        {"preprocessing", {{"_target_", "Compose"}, {"transforms", {step("LoadImaged"), step("EnsureChannelFirstd"), step("Orientationd", {{"axcodes", "RAS"}}),
            step("Spacingd", {{"pixdim", {1.5, 1.5, 2.0}}, {"mode", "bilinear"}}), step("monai.transforms.ScaleIntensityRanged", {{"a_min", -57}, {"a_max", 164}, {"b_min", 0}, {"b_max", 1}, {"clip", true}}),
            step("EnsureTyped")}}}},
        {"inferer", {{"_target_", "SlidingWindowInferer"}, {"roi_size", "@roi"}, {"sw_batch_size", 4}, {"overlap", 0.5}}},
        {"postprocessing", {{"_target_", "Compose"}, {"transforms", {step("Activationsd", {{"softmax", true}}), step("Invertd", {{"transform", "@preprocessing"}}), step("AsDiscreted", {{"argmax", true}}),
            step("SaveImaged", {{"output_dir", "$@bundle_root + '/eval'"}})}}}}};

    Bundle()
    {
        fs::create_directories(path / "configs");
        fs::create_directories(path / "models");
        std::ofstream(path / "LICENSE") << "\n   Apache License\n Version 2.0\n";
    }
    ~Bundle() { fs::remove_all(root); }

    void write()
    {
        std::ofstream(path / "configs/metadata.json") << metadata;
        std::ofstream(path / "configs/inference.json") << inference;
    }
    void writeWeights(const UNetShape& shape) { runtime::writeSafetensors(path / "models/model.pt", hashedWeights(weightList(NetworkSpec{shape}))); }
    json& transform(const char* chain, std::size_t n) { return inference[chain]["transforms"][n]; }
    std::string refusal()
    {
        write();
        try {
            importBundle(path, experts);
        } catch (const Error& error) {
            return error.what();
        }
        fs::remove_all(experts);
        return {};
    }
};

UNetShape smallUNet()
{
    UNetShape shape;
    shape.in = 1;
    shape.out = 2;
    shape.channels = {4, 8, 16};
    shape.strides = {2, 2};
    shape.residualUnits = 2;
    return shape;
}

Volume ctOf(Size3 size)
{
    const Geometry geometry(size, {1.2, 1.2, 1.5}, {-10, 20, 30}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    std::vector<std::int16_t> voxels(geometry.size().voxels());
    for (std::size_t n = 0; n < voxels.size(); ++n) {
        voxels[n] = std::int16_t(n * 2654435761U % 1500);
    }
    VolumeInfo info;
    info.modality = "CT";
    info.unit = Unit::Hu;
    return Volume(geometry, std::move(voxels), info);
}

} // namespace

HF_TEST(a_bundle_of_known_steps_becomes_an_expert)
{
    Bundle bundle;
    bundle.writeWeights(smallUNet());
    bundle.write();
    const fs::path made = importBundle(bundle.path, bundle.experts);
    HF_CHECK_EQUAL(made.filename().string(), "small_spleen");
    HF_CHECK(fs::exists(made / "LICENSE"));
    FolderExpert expert(made, {Compute::exact()});
    const ExpertManifest& manifest = expert.manifest();
    HF_CHECK_EQUAL(manifest.card.version, "0.1.2");
    HF_CHECK(manifest.card.licence.starts_with("Apache License") && !manifest.card.isResearchOnly);
    HF_CHECK_EQUAL(manifest.labels.at(0).name, "spleen");
    HF_CHECK_EQUAL(manifest.pre.size(), 3U);
    HF_CHECK_EQUAL(manifest.weights.sha256.size(), 64U);
    HF_CHECK(manifest.window.roi == (std::vector<std::int64_t>{32, 32, 32}));
    const Volume ct = ctOf({40, 40, 30});
    HF_CHECK_EQUAL(expert.run({ct, "", {}}, {}, {}).mask.voxels().size(), 40U * 40 * 30);
    // Nothing is overwritten.
    HF_CHECK_THROWS(importBundle(bundle.path, bundle.experts), Error);
}

HF_TEST(steps_of_other_items_than_the_image_are_not_its_steps)
{
    Bundle bundle;
    json other = step("Spacingd", {{"pixdim", {3, 3, 3}}, {"mode", "nearest"}});
    other["keys"] = "label";
    json& steps = bundle.inference["preprocessing"]["transforms"];
    steps.insert(steps.begin() + 2, other);
    bundle.writeWeights(smallUNet());
    bundle.write();
    const FolderExpert expert(importBundle(bundle.path, bundle.experts), {Compute::exact()});
    HF_CHECK_EQUAL(expert.manifest().pre.size(), 3U);
    HF_CHECK(expert.manifest().pre.at(1).spacingMm == (std::array<double, 3>{1.5, 1.5, 2}));
}

HF_TEST(what_is_not_in_the_list_is_named)
{
    struct Case { const char* reason; std::function<void(Bundle&)> change; };
    const Case cases[] = {
        {"inference.json#preprocessing#transforms#2 is RandFlipd, which is not in the list", [](Bundle& b) { b.transform("preprocessing", 2) = step("RandFlipd"); }},
        {"asks for LPS; only RAS", [](Bundle& b) { b.transform("preprocessing", 2)["axcodes"] = "LPS"; }},
        {"has the argument 'select_fn'", [](Bundle& b) { b.transform("preprocessing", 2) = step("CropForegroundd", {{"source_key", "image"}, {"select_fn", "$lambda x: x > 3"}}); }},
        {"is the Python expression $[1.5] * 3", [](Bundle& b) { b.transform("preprocessing", 3)["pixdim"] = "$[1.5] * 3"; }},
        {"refers to nowhere#1", [](Bundle& b) { b.transform("preprocessing", 3)["pixdim"] = "@nowhere#1"; }},
        {"refers to roi", [](Bundle& b) { b.inference["roi"] = "@roi"; }},
        {"has no 'a_max'", [](Bundle& b) { b.transform("preprocessing", 4).erase("a_max"); }},
        {"is Lambdad, which is not in the list of steps after", [](Bundle& b) { b.transform("postprocessing", 0) = step("Lambdad"); }},
        {"a probability between 0 and 1", [](Bundle& b) { b.transform("postprocessing", 0) = step("Activationsd", {{"sigmoid", true}}); b.transform("postprocessing", 2) = step("AsDiscreted", {{"threshold", 1.5}});
            b.inference["postprocessing"]["transforms"].push_back(step("Lambdad", {{"func", "$lambda x: torch.where(x[[1]] > 0, 4, 0)"}})); }},
        {"may overlap", [](Bundle& b) { b.transform("postprocessing", 0) = step("Activationsd", {{"sigmoid", true}}); b.transform("postprocessing", 2) = step("AsDiscreted", {{"threshold", 0.5}}); }},
        {"does not say by argmax or by threshold", [](Bundle& b) { b.transform("postprocessing", 2)["_disabled_"] = true; }},
        {"is SimpleInferer; only SlidingWindowInferer", [](Bundle& b) { b.inference["inferer"] = {{"_target_", "SimpleInferer"}}; }},
        {"(Spacingd) has the mode nearest", [](Bundle& b) { b.transform("preprocessing", 3)["mode"] = "nearest"; }},
        {"(Spacingd) has the padding_mode zeros", [](Bundle& b) { b.transform("preprocessing", 3)["padding_mode"] = {"zeros"}; }},
        {"the foreground of another image", [](Bundle& b) { b.transform("preprocessing", 2) = step("CropForegroundd", {{"source_key", "mask"}}); }},
        {"may go beyond the image", [](Bundle& b) { b.transform("preprocessing", 2) = step("CropForegroundd", {{"source_key", "image"}, {"margin", 4}}); }},
        {"_disabled_ is the Python expression $not @roi", [](Bundle& b) { b.transform("preprocessing", 3)["_disabled_"] = "$not @roi"; }},
        {"is OneOf; only Compose", [](Bundle& b) { b.inference["preprocessing"]["_target_"] = "OneOf"; }},
        {"a threshold of what is no sigmoid", [](Bundle& b) { b.transform("postprocessing", 2) = step("AsDiscreted", {{"threshold", 0.5}}); }},
        {"the largest of sigmoids", [](Bundle& b) { b.transform("postprocessing", 0) = step("Activationsd", {{"sigmoid", true}}); b.transform("postprocessing", 1)["nearest_interp"] = false; }},
        {"works on single slices", [](Bundle& b) { b.inference["network_def"]["spatial_dims"] = 2; }},
        {"has the argument 'kernel_size'", [](Bundle& b) { b.inference["network_def"]["kernel_size"] = 5; }},
        {"its network SwinUNETR is not built in, and there is no TorchScript", [](Bundle& b) { b.inference["network_def"] = {{"_target_", "SwinUNETR"}}; }},
        {"does not say whether it is for CT or MR", [](Bundle& b) { b.metadata["network_data_format"]["inputs"]["image"]["modality"] = "x"; }},
        {"sizes must be multiples of 4", [](Bundle& b) { b.inference["roi"] = {30, 32, 32}; }},
        {"models/model.pt is not there", [](Bundle& b) { fs::remove(b.path / "models/model.pt"); }},
        {"does not fit the network", [](Bundle& b) { b.inference["network_def"]["channels"] = {4, 8, 32}; }},
    };
    for (const Case& item : cases) {
        Bundle bundle;
        bundle.writeWeights(smallUNet());
        item.change(bundle);
        const std::string found = bundle.refusal();
        if (found.find(item.reason) == std::string::npos) {
            test::fail(item.reason, 0, "got '" + found + "'");
        }
        HF_CHECK(!fs::exists(bundle.experts / "small_spleen"));
    }
    Bundle damaged;
    damaged.write();
    std::ofstream(damaged.path / "configs/inference.json") << "{";
    HF_CHECK_THROWS(importBundle(damaged.path, damaged.experts), Error);
    HF_CHECK_THROWS(importBundle("/nowhere", damaged.experts), Error);
}

/// What FOLDER/expert.json says after the network's steps.
json postprocessingOf(Bundle& bundle)
{
    bundle.writeWeights(smallUNet());
    bundle.write();
    const fs::path made = importBundle(bundle.path, bundle.experts);
    const json post = json::parse(std::ifstream(made / "expert.json"))["postprocessing"];
    fs::remove_all(bundle.experts);
    return post;
}

HF_TEST(labels_are_made_where_the_bundle_makes_them)
{
    Bundle bundle;
    HF_CHECK(!postprocessingOf(bundle).contains("invert"));         // MONAI's Invertd takes the nearest neighbour unless it is told otherwise
    bundle.transform("postprocessing", 1)["nearest_interp"] = false;
    HF_CHECK_EQUAL(postprocessingOf(bundle)["invert"].get<std::string>(), "probabilities");
    std::swap(bundle.transform("postprocessing", 0), bundle.transform("postprocessing", 1));
    HF_CHECK_EQUAL(postprocessingOf(bundle)["invert"].get<std::string>(), "logits");
    // Labels, even where a bundle would blend their numbers.
    std::swap(bundle.transform("postprocessing", 0), bundle.transform("postprocessing", 2));
    std::swap(bundle.transform("postprocessing", 1), bundle.transform("postprocessing", 2));
    HF_CHECK(!postprocessingOf(bundle).contains("invert"));
}

HF_TEST(one_of_two_literals_is_chosen_without_python)
{
    Bundle bundle;
    bundle.inference["displayable"] = {{"highres", true}};
    bundle.inference["mm"] = "$[1.5, 1.5, 2] if @displayable#highres else [3.0, 3.0, 3.0]";
    bundle.inference["modelname"] = "$'model.pt' if @displayable#highres else 'model_lowres.pt'";
    bundle.transform("preprocessing", 3)["pixdim"] = "@mm";
    bundle.writeWeights(smallUNet());
    bundle.write();
    const auto spacing = [&] {
        const json made = json::parse(std::ifstream(importBundle(bundle.path, bundle.experts) / "expert.json"));
        fs::remove_all(bundle.experts);
        return made["preprocessing"][1]["mm"].get<std::vector<double>>();
    };
    HF_CHECK(spacing() == (std::vector<double>{1.5, 1.5, 2}));
    bundle.inference["displayable"]["highres"] = false;
    HF_CHECK(bundle.refusal().find("models/model_lowres.pt is not there") != std::string::npos);
    fs::rename(bundle.path / "models/model.pt", bundle.path / "models/model_lowres.pt");
    HF_CHECK(spacing() == (std::vector<double>{3, 3, 3}));
    bundle.inference["modelname"] = "../elsewhere.pt";
    HF_CHECK(bundle.refusal().find("is no name of a file in models") != std::string::npos);
    bundle.inference["modelname"] = "$open('x') if @displayable#highres else 'y'";
    HF_CHECK(bundle.refusal().find("is the Python expression $open") != std::string::npos);
}

HF_TEST(overlapping_channels_become_labels_in_the_bundles_order)
{
    Bundle bundle;
    bundle.transform("postprocessing", 0) = step("Activationsd", {{"sigmoid", true}});
    bundle.transform("postprocessing", 2) = step("AsDiscreted", {{"threshold", 0.5}});
    bundle.inference["postprocessing"]["transforms"].push_back(step("Lambdad", {{"func", "$lambda x: torch.where(x[[1]] > 0, 4, torch.where(x[[0]] > 0, 1, 0))"}}));
    bundle.writeWeights(smallUNet());
    bundle.write();
    const json made = json::parse(std::ifstream(importBundle(bundle.path, bundle.experts) / "expert.json"));
    HF_CHECK(made["postprocessing"]["regions"] == json::parse(R"([{"channel": 1, "label": 4}, {"channel": 0, "label": 1}])"));
    bundle.transform("postprocessing", 2)["threshold"] = 0.3;
    bundle.write();
    HF_CHECK(json::parse(readBundle(bundle.path).manifest)["postprocessing"]["regions"][1] == json::parse(R"({"channel": 0, "label": 1, "threshold": 0.3})"));
    bundle.transform("postprocessing", 2)["threshold"] = 0.5;
    HF_CHECK_EQUAL(made["labels"].size(), std::size_t(2));
    HF_CHECK(made["labels"][1]["value"] == 4 && made["labels"][1]["name"] == "spleen");
    fs::remove_all(bundle.experts);
    for (const char* other : {"$lambda x: torch.where(x[[1]] > 0, 4, 2)", "$lambda x: torch.where(x[[1]] > 0.2, 4, 0)", "$lambda x: x", "$__import__('os')"}) {
        bundle.inference["postprocessing"]["transforms"].back()["func"] = other;
        HF_CHECK(bundle.refusal().find("is Lambdad, which is not in the list") != std::string::npos);
    }
}

HF_TEST(configurations_in_yaml_are_read)
{
    Bundle bundle;
    bundle.writeWeights(smallUNet());
    bundle.write();
    const std::string expected = readBundle(bundle.path).manifest;
    fs::remove(bundle.path / "configs/inference.json");
    const auto writeYaml = [&](const std::string& text) { std::ofstream(bundle.path / "configs/inference.yaml") << text; };
    const std::string yaml = R"(---
imports:
- "$import os"
roi: &roi [32, 32, 32]
image_key: "image"
network_def:
  _target_: UNet
  spatial_dims: 3
  in_channels: 1
  out_channels: 2
  channels: [4, 8, 16]
  strides: [2, 2]
  num_res_units: 2
  norm: batch     # of each unit
preprocessing:
  _target_: Compose
  transforms:
  - &first {_target_: LoadImaged, keys: "@image_key"}
  - {<<: *first, _target_: EnsureChannelFirstd}
  - _target_: Orientationd
    keys: "@image_key"
    axcodes: RAS
  - _target_: Spacingd
    keys: "@image_key"
    pixdim:
    - 1.5
    - 1.5
    - 2.0
    mode: bilinear
  - _target_: monai.transforms.ScaleIntensityRanged
    keys: "@image_key"
    a_min: -57
    a_max: 164
    b_min: 0
    b_max: 1
    clip: yes
  - {_target_: RandFlipd, keys: image, _disabled_: true}
inferer:
  _target_: SlidingWindowInferer
  roi_size: *roi
  sw_batch_size: 4
  overlap: .5
postprocessing:
  _target_: Compose
  transforms:
  - {_target_: Activationsd, keys: pred, softmax: true}
  - {_target_: Invertd, keys: pred, transform: "@preprocessing"}
  - {_target_: AsDiscreted, keys: pred, argmax: true}
)";
    writeYaml(yaml);
    HF_CHECK_EQUAL(readBundle(bundle.path).manifest, expected);
    // Quoted, a number is a text.
    writeYaml(yaml.substr(0, yaml.find("a_min: -57")) + "a_min: '-57'" + yaml.substr(yaml.find("a_min: -57") + 10));
    HF_CHECK_THROWS(readBundle(bundle.path), Error);
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
    for (int n = 1; n < 12; ++n) {
        const std::string last = "*a" + std::to_string(n - 1), own = "a" + std::to_string(n);
        bomb += own + ": &" + own + " [" + last;
        for (int repeat = 0; repeat < 8; ++repeat) {
            bomb += ", " + last;
        }
        bomb += "]\n";
    }
    for (const std::string& bad : {std::string("a: [1, 2"), std::string("- 1\n- 2\n"), std::string(), bomb, std::string(100'000, '['), std::string("a: &b [*b]\n")}) {
        writeYaml(bad);
        HF_CHECK_THROWS(readBundle(bundle.path), Error);
    }
}

HF_TEST(names_texts_and_channels_of_a_bundle_fit_an_expert)
{
    Bundle bundle;
    UNetShape shape = smallUNet();
    shape.in = 2;
    bundle.writeWeights(shape);
    bundle.inference["network_def"]["in_channels"] = 2;     // the metadata names one
    bundle.inference["displayable"] = {{"plain", true}};
    bundle.transform("preprocessing", 3)["_disabled_"] = "@displayable#plain";
    bundle.metadata["network_data_format"]["outputs"]["pred"]["channel_def"]["1"] = "";
    std::ofstream(bundle.path / "LICENSE") << "Copyright \xa9 Some Institute\n";      // Latin-1
    bundle.write();
    const fs::path longer = bundle.root / "a-bundle-whose-name-is-longer-than-that-of-an-expert";
    fs::rename(bundle.path, longer);
    const fs::path made = importBundle(longer, bundle.experts);
    HF_CHECK_EQUAL(made.filename().string(), "a_bundle_whose_name_is_longer_th");
    const ExpertManifest manifest = readManifest(made);
    HF_CHECK(manifest.suitability.channelNames == (std::vector<std::string>{"image", "channel 1"}));
    HF_CHECK_EQUAL(manifest.labels.at(0).name, "label 1");
    HF_CHECK_EQUAL(manifest.pre.size(), 2U);
    HF_CHECK(manifest.card.licence.starts_with("Copyright \xef\xbf\xbd Some"));
    fs::rename(longer, bundle.path);
    HF_CHECK_THROWS(readBundle(bundle.path, "XX"), Error);
}

HF_TEST(another_network_becomes_torchscript_that_must_be_allowed)
{
    Bundle bundle;
    bundle.inference["network_def"] = {{"_target_", "SwinUNETR"}, {"img_size", 96}};
    bundle.write();
    torch::jit::Module program("program");
    program.define("def forward(self, x):\n    return torch.cat([x * 0 + 0.5, x], 1)\n");
    program.save((bundle.path / "models/model.ts").string());
    const FolderExpert expert(importBundle(bundle.path, bundle.experts));
    const Volume ct = ctOf({40, 40, 30});
    HF_CHECK_EQUAL(expert.check({ct, "", {}})->code, "torchscript");
}

HF_TEST(a_licence_that_is_not_known_to_be_free_counts_as_research_only)
{
    Bundle bundle;
    bundle.writeWeights(smallUNet());
    std::ofstream(bundle.path / "LICENSE") << "Some Institute, non-commercial use\n";
    bundle.write();
    HF_CHECK(FolderExpert(importBundle(bundle.path, bundle.experts)).card().notice().starts_with("For research only: Some Institute"));
    fs::remove_all(bundle.experts);
    // VISTA3D's has two parts, one for the code.
    std::ofstream(bundle.path / "LICENSE") << "Code License\nApache License\nModel Weights License\nThe Work may be used only non-commercially, for research or evaluation purposes.\n";
    HF_CHECK(FolderExpert(importBundle(bundle.path, bundle.experts)).card().isResearchOnly);
}

HF_TEST_MAIN()
