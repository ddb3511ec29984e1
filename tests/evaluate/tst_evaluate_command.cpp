#include "support/Check.h"
#include "support/EngineProcess.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

// Drives `hounsfield-engine evaluate` as a user does.

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct Output {
    int code = -1;
    std::string text;
};

/// Runs the engine; with `interruptAfter` it gets SIGINT so many milliseconds later. @param fd  what is read: 1 its results, 2 what it says about its work.
Output run(std::vector<std::string> words, int interruptAfter = 0, int fd = 1)
{
    int out[2];
    if (pipe(out) != 0) {
        throw std::runtime_error("no pipe");
    }
    const pid_t child = hf::test::startEngine(std::move(words), [&] {
        dup2(out[1], fd);
        close(out[0]);
    });
    close(out[1]);
    std::jthread interrupter;
    if (interruptAfter > 0) {
        interrupter = std::jthread([=] {
            std::this_thread::sleep_for(std::chrono::milliseconds(interruptAfter));
            kill(child, SIGINT);
        });
    }
    Output result;
    std::array<char, 4096> bytes;
    for (ssize_t count = 0; (count = read(out[0], bytes.data(), bytes.size())) > 0;) {
        result.text.append(bytes.data(), std::size_t(count));
    }
    close(out[0]);
    result.code = hf::test::exitCode(child);
    return result;
}

struct Folder {
    fs::path path = fs::temp_directory_path() / ("tst_evaluate_command." + std::to_string(getpid()));
    Folder() { fs::create_directories(path); }
    ~Folder() { fs::remove_all(path); }
    fs::path write(const std::string& name, const std::string& text) const
    {
        std::ofstream(path / name, std::ios::binary) << text;
        return path / name;
    }
};

json question(int id) { return {{"id", std::to_string(id)}, {"image", "a.png"}, {"conversations", {{{"from", "human"}, {"value", "Is it CT?"}}, {{"from", "gpt"}, {"value", "yes"}}}}}; }

/// A black picture of one pixel.
const std::string kPng("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDATx\x9c\x63\x60\0\0\0\2\0\1\x48\xaf\xa4\x71\0\0\0\0IEND\xae\x42\x60\x82", 67);

} // namespace

HF_TEST(recorded_answers_are_scored)
{
    const Folder folder;
    const fs::path questions = folder.write("questions.json", json::array({question(1), question(2), question(3)}).dump());
    const fs::path answers = folder.write("answers.jsonl", "{\"question_id\":\"1\",\"prompt\":\"\",\"text\":\"Yes\"}\n{\"question_id\":\"3\",\"prompt\":\"\",\"text\":\"no\"}\n");
    const Output output = run({"evaluate", "--benchmark", "vqa-rad", "--data", questions, "--answers", answers, "--json"});
    HF_CHECK_EQUAL(output.code, 0);
    const json result = json::parse(output.text);
    HF_CHECK_EQUAL(result["figures"][0]["value"].get<double>(), 0.5);
    HF_CHECK_EQUAL(result["partial"].get<bool>(), true);
    HF_CHECK_EQUAL(result["answered"].get<int>(), 2);
    HF_CHECK_EQUAL(result["published"].size(), std::size_t(5));
    HF_CHECK_EQUAL(run({"evaluate", "--benchmark", "vqa-rad"}).code, 2);
    HF_CHECK_EQUAL(run({"evaluate", "--benchmark", "vqa-rad", "--data", "/nowhere"}).code, 1);
    for (const char* limit : {"-1", "1.5", "nan", "1e12"}) {
        HF_CHECK_EQUAL(run({"evaluate", "--benchmark", "vqa-rad", "--data", questions, "--answers", answers, "--limit", limit}).code, 2);
    }
}

HF_TEST(a_tokenizer_is_trained_on_conversations)
{
    const Folder folder;
    json many = json::array();
    for (int n = 0; n < 20; ++n) {
        many.push_back(question(n));
    }
    const fs::path file = folder.path / "tokenizer.json";
    HF_CHECK_EQUAL(run({"tokenize", "--train", "300", "--output", file, folder.write("q.json", many.dump()), folder.write("more.txt", "Is it MRI? Is it MRI?")}).code, 0);
    const json trained = json::parse(std::ifstream(file));
    HF_CHECK(trained["model"]["vocab"].contains("ĠCT") && trained["model"]["vocab"].contains("yes"));
    HF_CHECK_EQUAL(trained["added_tokens"][0]["content"].get<std::string>(), std::string("<|begin_of_text|>"));
    HF_CHECK_EQUAL(run({"tokenize", "--train", "100", "--output", file, folder.path / "q.json"}).code, 1);
    HF_CHECK_EQUAL(run({"tokenize", "--train", "300", "--output", file, folder.write("broken.json", "[{}]")}).code, 1);
    HF_CHECK_EQUAL(run({"tokenize", "--train", "300"}).code, 2);
}

HF_TEST(the_model_answers_and_a_signal_gives_partial_results)
{
    if (!fs::exists(HF_SOURCE_DIR "/resources/models/demo/config.json")) {
        HF_SKIP("the embedded demo model is not there");
    }
    const Folder folder;
    folder.write("a.png", kPng);
    const fs::path few = folder.write("few.json", json::array({question(1), question(2)}).dump());
    const fs::path kept = folder.path / "kept.jsonl";
    const Output output = run({"evaluate", "--benchmark", "vqa-rad", "--data", few, "--write-answers", kept, "--json"});
    HF_CHECK_EQUAL(output.code, 0);
    HF_CHECK_EQUAL(json::parse(output.text)["model"]["name"].get<std::string>(), std::string("Hounsfield demo"));
    // The answers that it kept are scored to the same figures.
    HF_CHECK_EQUAL(json::parse(run({"evaluate", "--benchmark", "vqa-rad", "--data", few, "--answers", kept, "--json"}).text)["figures"].dump(), json::parse(output.text)["figures"].dump());

    HF_CHECK_EQUAL(run({"evaluate", "--benchmark", "vqa-rad", "--data", few, "--write-answers", "/dev/full"}).code, 1);
    // A broken picture is named with its place.
    folder.write("b.png", kPng.substr(0, 40));
    json broken = question(2);
    broken["image"] = "b.png";
    const Output named = run({"evaluate", "--benchmark", "vqa-rad", "--data", folder.write("broken.json", json::array({question(1), broken}).dump(1))}, 0, 2);
    HF_CHECK_EQUAL(named.code, 1);
    HF_CHECK(named.text.find("broken.json:") != std::string::npos && named.text.find("b.png: the PNG file is broken") != std::string::npos);

    json many = json::array();
    for (int n = 0; n < 20000; ++n) {
        many.push_back(question(n));
    }
    const Output interrupted = run({"evaluate", "--benchmark", "vqa-rad", "--data", folder.write("many.json", many.dump()), "--json"}, 4000);
    HF_CHECK_EQUAL(interrupted.code, 130);
    const json partial = json::parse(interrupted.text);
    HF_CHECK(partial["partial"].get<bool>());
    HF_CHECK(partial["answered"].get<int>() < 20000);
}

HF_TEST_MAIN()
