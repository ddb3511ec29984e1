// run-network and bench experts of the real binary: numbers of experts.md section 9, and what is refused.
#include "support/Check.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

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
