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
        {"threshold other than 0.5", [](Bundle& b) { b.transform("postprocessing", 2) = step("AsDiscreted", {{"threshold", 0.3}}); }},
        {"may overlap", [](Bundle& b) { b.transform("postprocessing", 2) = step("AsDiscreted", {{"threshold", 0.5}}); }},
        {"does not say by argmax or by threshold", [](Bundle& b) { b.transform("postprocessing", 2)["_disabled_"] = true; }},
        {"is SimpleInferer; only SlidingWindowInferer", [](Bundle& b) { b.inference["inferer"] = {{"_target_", "SimpleInferer"}}; }},
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
}

HF_TEST_MAIN()
