// Experts without the assistant, through the real desktop and engine programs: from DICOM files to answer.json.
#include "support/Check.h"
#include "support/BrainStudy.h"
#include "support/ChestFolder.h"
#include "support/RadiographFile.h"
#include "support/TumourFolder.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <iterator>

#include <sys/wait.h>
#include <unistd.h>

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr int kRows = 250, kColumns = 230;

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

std::string contentOf(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// A user of their own: the chest expert is installed, nothing was accepted.
class User {
public:
    User()
    {
        setenv("XDG_DATA_HOME", (folder / "data").c_str(), 1);
        setenv("XDG_CACHE_HOME", (folder / "cache").c_str(), 1);
        hf::test::writeChestFolder(folder / "data/hounsfield/experts/cxr", 2);
    }
    ~User() { fs::remove_all(folder); }

    /// @return the exit code; `error` is what stood on stderr.
    int headless(const std::string& arguments)
    {
        const fs::path text = folder / "stderr";
        const std::string command = "env -u DISPLAY -u WAYLAND_DISPLAY " + quoted(HF_PROGRAM) + " --headless " + arguments + " >/dev/null 2>" + quoted(text) + " </dev/null";
        const int status = std::system(command.c_str());
        error = contentOf(text);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    json run(const fs::path& file, const std::string& expert, const std::string& more = "")
    {
        const fs::path out = folder / "out";
        const int code = headless("--open " + quoted(file) + " --expert " + expert + " --export " + quoted(out) + " " + more);
        if (code != 0) {
            std::printf("%s\n", error.c_str());
        }
        HF_CHECK_EQUAL(code, 0);
        return json::parse(contentOf(out / "answer.json"), nullptr, false);
    }

    const fs::path folder = fs::temp_directory_path() / ("hf-user-" + std::to_string(getpid()));
    std::string error;
};

hf::test::Radiograph picture(bool isMonochrome1)
{
    hf::test::Radiograph radiograph{kRows, kColumns, 12, hf::test::chestLikePicture(kRows, kColumns), isMonochrome1, {}};
    for (std::uint16_t& value : radiograph.stored) {
        value = isMonochrome1 ? std::uint16_t(4095 - value) : value;
    }
    return radiograph;
}

std::string textOf(const json& answer, const char* member) { return answer.contains(member) && answer[member].is_string() ? answer[member].get<std::string>() : ""; }

std::map<std::string, double> scoresOf(const json& answer)
{
    std::map<std::string, double> scores;
    for (const json& score : answer["scores"]) {
        scores[score["finding"]] = score["score"];
    }
    return scores;
}

} // namespace

HF_TEST(a_monochrome1_radiograph_is_judged_as_its_monochrome2_twin)
{
    User user;
    const fs::path positive = user.folder / "positive.dcm", negative = user.folder / "negative.dcm", wrong = user.folder / "wrong.dcm", padded = user.folder / "padded.dcm";
    hf::test::writeRadiograph(positive, picture(false));
    hf::test::writeRadiograph(negative, picture(true));
    hf::test::Radiograph other = picture(true);
    other.isMonochrome1 = false;
    hf::test::writeRadiograph(wrong, other);
    // The licence comes first.
    HF_CHECK(user.headless("--open " + quoted(positive) + " --expert CXR --export " + quoted(user.folder / "out")) != 0);
    HF_CHECK(user.error.find("test weights (research only)") != std::string::npos);
    HF_CHECK(!fs::exists(user.folder / "out/answer.json"));
    const json first = user.run(positive, "CXR", "--accept-licence"), second = user.run(negative, "CXR"), third = user.run(wrong, "CXR");
    const auto a = scoresOf(first), b = scoresOf(second), c = scoresOf(third);
    HF_CHECK_EQUAL(a.size(), 17U);
    double apart = 0;
    for (const auto& [finding, score] : a) {
        HF_CHECK_NEAR(b.at(finding), score, 1e-5);
        apart = std::max(apart, std::abs(c.at(finding) - score));
    }
    HF_CHECK(apart > 1e-3);
    HF_CHECK_EQUAL(first["notice"].get<std::string>(), std::string("For research only: test weights"));
    HF_CHECK_EQUAL(first["weights_sha256"].get<std::string>().size(), 64U);
    for (const json& score : first["scores"]) {
        HF_CHECK(score["lowest"] <= score["score"] && score["score"] <= score["highest"] && score["models"].get<int>() >= 1);
    }
    // Padding of 0 around a MONOCHROME2 picture, and of 4095 around its negative.
    hf::test::Radiograph framed[] = {picture(false), picture(true)};
    for (hf::test::Radiograph& one : framed) {
        one.padding = one.isMonochrome1 ? 4095 : 0;
        std::fill_n(one.stored.begin(), 20 * kColumns, std::uint16_t(*one.padding));
    }
    hf::test::writeRadiograph(padded, framed[0]);
    const auto d = scoresOf(user.run(padded, "CXR"));
    hf::test::writeRadiograph(padded, framed[1]);
    for (const auto& [finding, score] : scoresOf(user.run(padded, "CXR"))) {
        HF_CHECK_NEAR(d.at(finding), score, 1e-5);
    }
}

HF_TEST(a_map_of_a_finding_is_written)
{
    User user;
    const fs::path file = user.folder / "positive.dcm";
    hf::test::writeRadiograph(file, picture(false));
    const json answer = user.run(file, "CXR:Effusion", "--accept-licence");
    HF_CHECK_EQUAL(answer["labels"].size(), 3U);
    HF_CHECK_EQUAL(answer["labels"][0]["name"].get<std::string>(), std::string("strongest influence on Effusion"));
    HF_CHECK(fs::exists(user.folder / "out/mask.nii.gz") && fs::exists(user.folder / "out/view.png"));
    HF_CHECK(user.headless("--open " + quoted(file) + " --expert CXR:Toothache --export " + quoted(user.folder / "out")) != 0);
    HF_CHECK(user.error.find("Toothache") != std::string::npos);
    HF_CHECK(user.headless("--open " + quoted(file) + " --expert CXR --clicks 1,2 --export " + quoted(user.folder / "out")) == 2);
}

HF_TEST(the_sequences_of_a_brain_are_found_registered_and_segmented)
{
    User user;
    const fs::path expert = user.folder / "data/hounsfield/experts/brain", study = user.folder / "study";
    hf::test::writeTumourFolder(expert, true);
    int number = 0;
    for (const hf::test::BrainSeries& series : hf::test::brainSequences()) {
        hf::test::writeBrainSeries(study, series, ++number);
    }
    const json answer = user.run(study, "BRATS", "--channels brain --accept-licence");
    HF_CHECK(user.error.find("T1c: series 1\nT1: series 2\nT2: series 3\nFLAIR: series 4\n") != std::string::npos);
    HF_CHECK_EQUAL(textOf(answer, "expert"), "BRATS");
    HF_CHECK(!answer["labels"].empty() && fs::exists(user.folder / "out/mask.nii.gz"));
    // One series is not enough, and what is missing is named.
    HF_CHECK(user.headless("--open " + quoted(study) + " --expert BRATS --export " + quoted(user.folder / "out")) != 0);
    HF_CHECK(user.error.find("needs 4 series (T1c, T1, T2, FLAIR)") != std::string::npos);
    for (const auto& entry : fs::directory_iterator(study)) {
        if (entry.path().filename().string().starts_with("s4-")) {
            fs::remove(entry.path());
        }
    }
    HF_CHECK(user.headless("--open " + quoted(study) + " --expert BRATS --channels brain --export " + quoted(user.folder / "out")) != 0);
    HF_CHECK(user.error.find("not found by its attributes: FLAIR") != std::string::npos);
}

HF_TEST_MAIN()
