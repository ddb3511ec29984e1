#include "assistant/engine/train/TrainingLog.h"
#include "support/Check.h"
#include "support/EngineProcess.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

// Trains with the real engine, kills it, and goes on.

using hf::assistant::train::TrainingLog;
namespace fs = std::filesystem;

namespace {

struct Folder {
    fs::path path = fs::temp_directory_path() / ("tst_train." + std::to_string(getpid()));
    ~Folder() { fs::remove_all(path); }
};

constexpr int kSteps = 6;

pid_t start(const fs::path& output, std::vector<std::string> more = {})
{
    std::vector<std::string> words{"train", "--output", output, "--pool", "12", "--steps", std::to_string(kSteps), "--batch", "2", "--vision-minutes", "0", "--save-every", "2", "--unseen", "0", "--fp32"};
    words.insert(words.end(), more.begin(), more.end());
    return hf::test::startEngine(std::move(words), [] {
        const int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, 1);
        dup2(nowhere, 2);
    });
}

std::vector<double> losses(const fs::path& folder)
{
    std::vector<double> values;
    std::ifstream in(folder / "training.csv");
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) {
        int step = 0;
        double loss = 0;
        if (std::sscanf(line.c_str(), "%d,%lf", &step, &loss) == 2) {
            values.push_back(loss);
        }
    }
    return values;
}

std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more)
{
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

std::string towerOf(const fs::path& model)
{
    std::ifstream in(model / "vision_tower" / "model.safetensors", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Trains in `folder`, once at a stretch ("whole") and once killed on the way ("parts").
void checkThatKilledRunGoesOn(const fs::path& folder, const std::vector<std::string>& options)
{
    const fs::path whole = folder / "whole", parts = folder / "parts";
    HF_CHECK_EQUAL(hf::test::exitCode(start(whole, options)), 0);
    const std::vector<double> expected = losses(whole);
    HF_CHECK_EQUAL(expected.size(), std::size_t(kSteps));
    HF_CHECK(expected.back() < expected.front());
    HF_CHECK(!fs::exists(whole / "training.safetensors") && fs::exists(whole / "training.svg"));

    const pid_t child = start(parts, options);
    // In the middle of the step after the first that is not saved.
    for (int n = 0; n < 3000 && losses(parts).size() < 3; ++n) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    kill(child, SIGKILL);
    HF_CHECK_EQUAL(hf::test::exitCode(child), -1);
    HF_CHECK(fs::exists(parts / "training.safetensors"));
    HF_CHECK(losses(parts).size() < std::size_t(kSteps));
    // Other settings are another run.
    HF_CHECK_EQUAL(hf::test::exitCode(start(parts, with(options, {"--resume", "--rate", "0.5"}))), 1);
    HF_CHECK_EQUAL(hf::test::exitCode(start(parts, with(options, {"--resume"}))), 0);
    const std::vector<double> found = losses(parts);
    HF_CHECK_EQUAL(found.size(), expected.size());
    for (std::size_t n = 0; n < std::min(found.size(), expected.size()); ++n) {
        HF_CHECK_NEAR(found[n], expected[n], 1e-6);
    }
}

} // namespace

HF_TEST(a_killed_run_goes_on_with_the_same_losses)
{
    const Folder folder;
    checkThatKilledRunGoesOn(folder.path, {});
    checkThatKilledRunGoesOn(folder.path / "seeing", {"--tower", "--looked", "4"});
    // Both began alike; one of the towers learned.
    const std::string left = towerOf(folder.path / "parts"), learned = towerOf(folder.path / "seeing" / "parts");
    HF_CHECK(!left.empty() && left == towerOf(folder.path / "whole"));
    HF_CHECK(learned.size() == left.size() && learned != left);
}

HF_TEST(the_curve_shows_every_step)
{
    std::vector<TrainingLog::Row> rows;
    for (int n = 1; n <= 200; ++n) {
        rows.push_back({n, 4.0 / n, 1e-3, 8});
    }
    const std::string svg = hf::assistant::train::curveSvg(rows);
    HF_CHECK(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    HF_CHECK(svg.find("font-size=\"12\">\n<rect") != std::string::npos);
    HF_CHECK_EQUAL(std::count(svg.begin(), svg.end(), '<'), std::count(svg.begin(), svg.end(), '>'));
    const std::size_t begin = svg.find("points=\"") + 8;
    const std::string points = svg.substr(begin, svg.find('"', begin) - begin);
    HF_CHECK_EQUAL(std::count(points.begin(), points.end(), ','), 200);
    // The first is the highest loss, at the top of the frame.
    HF_CHECK(points.starts_with("63.9,30.0 "));
    HF_CHECK(hf::assistant::train::curveSvg({}).find("nan") == std::string::npos);
}

HF_TEST(a_log_goes_on_after_the_steps_that_count)
{
    const Folder folder;
    {
        TrainingLog log(folder.path, 0);
        for (int n = 1; n <= 5; ++n) {
            log.add({n, 1.0 / n, 1e-3, 2});
        }
    }
    HF_CHECK_EQUAL(TrainingLog(folder.path, 3).rows().size(), std::size_t(3));
    HF_CHECK_EQUAL(losses(folder.path).size(), std::size_t(3));
}

HF_TEST_MAIN()
