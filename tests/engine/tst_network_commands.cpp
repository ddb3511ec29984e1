// run-network and bench experts of the real binary: numbers of experts.md section 9, and what is refused.
#include "experts/engine/neural/ExpertManifest.h"
#include "experts/runtime/Safetensors.h"
#include "support/Check.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace hf;
using nlohmann::json;

namespace {

struct Ran { int code = -1; std::string text; };

/// Output and errors together.
Ran engine(const std::string& words)
{
    Ran ran;
    std::FILE* pipe = ::popen((std::string(HF_ENGINE) + " " + words + " 2>&1").c_str(), "r");
    std::array<char, 4096> part{};
    while (pipe && std::fgets(part.data(), int(part.size()), pipe)) {
        ran.text += part.data();
    }
    const int status = pipe ? ::pclose(pipe) : -1;
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
}

bool has(const Ran& ran, const char* part) { return ran.text.find(part) != std::string::npos; }

const std::string kDense = "run-network --network densenet121 --weights hashed ";

} // namespace

HF_TEST(a_network_is_compared_with_the_reference)
{
    const Ran same = engine(kDense + "--input hashed:1,1,224,224:-1024,1024 --precision exact --compare");
    HF_CHECK_EQUAL(same.code, 0);
    HF_CHECK(has(same, "densenet121 [1, 18]") && has(same, "largest difference 0, 0 of the standard deviation"));
    const Ran other = engine(kDense + "--input hashed:1,1,224,224:-1024,1024 --precision fp32 --compare");
    const std::string start = "difference ";
    const std::size_t place = other.text.find(start);
    HF_CHECK(place != std::string::npos);
    const double largest = place == std::string::npos ? 1 : std::stod(other.text.substr(place + start.size()));
    HF_CHECK(largest > 0 && largest < 0.01);    // of logits that lie 63 apart
}

HF_TEST(what_cannot_be_run_is_said)
{
    HF_CHECK_EQUAL(engine(kDense + "--input hashed:1,1,0,224 --compare").code, 2);
    HF_CHECK_EQUAL(engine(kDense + "--input hashed:1,1,224,224:5 --compare").code, 2);
    HF_CHECK_EQUAL(engine(kDense + "--input hashed:99999999,9999999 --compare").code, 2);
    HF_CHECK_EQUAL(engine(kDense + "--input hashed:1,1,224,224").code, 2);      // no output
    HF_CHECK_EQUAL(engine(kDense + "--input hashed:1,1,224,224 --compare --precision fp16").code, 2);
    const Ran flat = engine(kDense + "--input hashed:224,224 --compare");
    HF_CHECK(flat.code == 1 && !has(flat, "frame #"));      // no call stack of a library
    HF_CHECK(has(engine(kDense + "--input hashed:1,1,224,224 --compare --device quantum"), "unknown device 'quantum'"));
    HF_CHECK_EQUAL(engine("bench experts --volume 64x64").code, 2);
    HF_CHECK_EQUAL(engine("bench experts --volume 64x64x-3").code, 2);
    HF_CHECK_EQUAL(engine("bench experts --network brats --volume 64x64x64").code, 2);
    const Ran gpu = engine("bench experts --network densenet121 --device cuda:90");
    HF_CHECK(gpu.code == 1 && has(gpu, "cuda:90"));
}

HF_TEST(segment_loses_no_file)
{
    // All of it is said before weights are asked for.
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("hf-segment-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder / "a");
    const auto at = [&](const char* name) { return (folder / name).string(); };
    for (const char* name : {"scan.nii.gz", "scan.json", "scan_mask.nii.gz"}) {
        std::ofstream(folder / name) << "x";
    }
    const std::string segment = "segment --device cpu --modality CT --expert " HF_SOURCE_DIR "/resources/experts/vista3d ";
    struct Case { std::string words; int code; const char* reason; };
    const Case cases[] = {{at("a/scan.nii.gz") + " " + at("scan.nii.gz") + " " + at("out"), 2, "two inputs would be written to"}, {at("scan.nii.gz") + " " + at("scan.nii.gz"), 2, "written over the input"},
        {at("scan.json") + " " + at("scan.raw"), 2, "written over the input"}, {at("scan.nii.gz") + " " + at("scan_mask.nii.gz") + " " + folder.string(), 2, "written over the input"},
        {at("scan.nii.gz") + " " + at("mask.nrrd"), 2, "OUT is a .nii, .nii.gz or .raw file"}, {at("scan.nii.gz") + " " + at("nowhere/mask.nii.gz"), 1, "cannot write to the folder"},
        {at("scan.nii.gz") + " " + at("b.nii.gz") + " " + at("scan.json"), 1, "is no folder and cannot become one"}};
    for (const Case& item : cases) {
        const Ran ran = engine(segment + item.words);
        HF_CHECK_EQUAL(ran.code, item.code);
        if (!has(ran, item.reason)) {
            test::fail(item.reason, 0, "got '" + ran.text + "'");
        }
    }
    HF_CHECK(!std::filesystem::exists(folder / "mask.nrrd"));
    std::filesystem::remove_all(folder);
}

HF_TEST(several_files_get_their_own_masks_and_the_notice_of_the_weights)
{
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("hf-several-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder / "expert");
    ::setenv("XDG_DATA_HOME", (folder / "data").c_str(), 1);
    ::setenv("XDG_CACHE_HOME", (folder / "cache").c_str(), 1);
    std::ofstream(folder / "expert/expert.json") << R"({"format": 1, "name": "SMALL", "version": "1", "task": "segmentation", "card": {"modality": "CT", "overview": "o", "accuracy": "a"},
        "suitability": {"modalities": ["CT"]}, "network": {"name": "unet", "in": 1, "out": 2, "channels": [4, 8], "strides": [2], "residualUnits": 1, "norm": "batch", "activation": "prelu",
        "file": "model.safetensors"}, "preprocessing": [{"do": "normalize"}], "window": {"roi": [16, 16, 16], "overlap": 0.25, "blend": "constant"}, "postprocessing": {"labels": "argmax"},
        "labels": [{"value": 1, "name": "one", "color": "#ff0000"}], "licence": {"weights": "Some Institute", "researchOnly": true, "intendedUse": "tests"}})";
    const experts::NetworkSpec network = experts::readManifest(folder / "expert").network;
    runtime::writeSafetensors(folder / "expert/model.safetensors", experts::hashedWeights(experts::weightList(network)));
    std::string inputs;
    for (const int seed : {1, 2, 3}) {
        const std::string name = "scan" + std::to_string(seed);
        std::vector<std::int16_t> voxels(64 * 64 * 32);     // large enough for the allocator to give the same place again
        for (std::size_t n = 0; n < voxels.size(); ++n) {
            voxels[n] = std::int16_t((n * 2654435761U + n * n * std::size_t(seed)) % 1500);
        }
        std::ofstream(folder / (name + ".raw"), std::ios::binary).write(reinterpret_cast<const char*>(voxels.data()), std::streamsize(voxels.size() * 2));
        std::ofstream(folder / (name + ".json")) << json{{"path", name + ".raw"}, {"type", "int16"}, {"size", {64, 64, 32}}, {"spacing", {1, 1, 1}}, {"origin", {0, 0, 0}}, {"directions", {1, 0, 0, 0, 1, 0, 0, 0, 1}},
            {"modality", "CT"}, {"unit", "HU"}};
        inputs += (folder / (name + ".json")).string() + " ";
    }
    const std::string segment = "segment --device cpu --precision exact --accept-licence --expert " + (folder / "expert").string() + " ";
    ::setenv("HOUNSFIELD_RESULT_CACHE", "0", 1);
    const Ran ran = engine(segment + inputs + (folder / "together").string());
    HF_CHECK(ran.code == 0 && has(ran, "3 of 3 done, 0 failed") && has(ran, "\nFor research only: Some Institute\n"));
    std::filesystem::copy(folder / "scan1.json", folder / "other.json");
    const Ran over = engine(segment + (folder / "other.json").string() + " " + (folder / "scan1.raw").string());
    HF_CHECK(over.code != 0 && has(over, "would be written over the input"));
    for (const char* name : {"scan1", "scan2", "scan3"}) {
        const auto mask = [&](const std::string& file) {
            const json labels = json::parse(std::ifstream(folder / file), nullptr, false);
            return labels.is_object() && !labels["labels"].empty() ? labels["labels"][0]["voxels"].get<int>() : -1;
        };
        HF_CHECK_EQUAL(engine(segment + (folder / name).string() + ".json " + (folder / name).string() + "_alone.nii.gz").code, 0);
        HF_CHECK(mask(std::string(name) + "_alone.json") > 0);
        HF_CHECK_EQUAL(mask(std::string("together/") + name + "_mask.json"), mask(std::string(name) + "_alone.json"));
    }
    std::filesystem::remove_all(folder);
}

HF_TEST(the_bench_of_a_window_is_json)
{
    const json result = json::parse(engine("bench experts --network densenet121 --precision fp32 --passes 1 --json").text, nullptr, false);
    HF_CHECK(result.is_object());
    if (result.is_object()) {
        HF_CHECK_EQUAL(result.value("network", ""), std::string("densenet121"));
        HF_CHECK(result.value("window_ms", 0.0) > 0 && result.value("peak_rss_bytes", 0.0) > 1e7);
        HF_CHECK_EQUAL(result.value("peak_device_bytes", -1), 0);
    }
}

HF_TEST_MAIN()
