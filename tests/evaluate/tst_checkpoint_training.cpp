// Trains checkpoints on conversations in the published form. Losses are compared with transformers and torch in Python (tests/oracles/record_training.py).
#include "assistant/engine/PictureFile.h"
#include "assistant/engine/VilaModel.h"
#include "assistant/engine/train/CheckpointTrainer.h"
#include "assistant/engine/train/Dialogues.h"
#include "experts/runtime/Safetensors.h"
#include "support/Check.h"
#include "support/EngineProcess.h"
#include "support/FormulaPicture.h"
#include "support/TinyCheckpoint.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <map>
#include <stop_token>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

using namespace hf;
using namespace hf::assistant;
using namespace hf::assistant::train;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

json readJson(const char* name) { return json::parse(std::ifstream(fs::path(HF_SOURCE_DIR "/tests/data") / name)); }
const json& recorded()
{
    static const json content = readJson("training.json");
    return content;
}

struct Folder {
    fs::path path = fs::temp_directory_path() / ("tst_checkpoint_training." + std::to_string(getpid()));
    Folder()
    {
        fs::remove_all(path);
        fs::create_directories(path / "images");
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
};

/// The recorded conversations as a file with pictures; `copies` of each.
fs::path writeData(const fs::path& folder, int copies = 1)
{
    json list = json::array();
    for (int copy = 0; copy < copies; ++copy) {
        for (const json& one : recorded()["conversations"]) {
            json images = json::array(), turns = json::array();
            for (const json& size : one["pictures"]) {
                const std::string name = std::to_string(size[0].get<int>()) + ".png";
                writePngFile(folder / "images" / name, test::formulaPicture(size[0], size[1]));
                images.push_back(name);
            }
            for (const json& text : one["turns"]) {
                turns.push_back({{"from", turns.size() % 2 ? "gpt" : "human"}, {"value", text}});
            }
            json entry{{"id", "q" + std::to_string(list.size())}, {"patient", "p" + std::to_string(list.size() % 7)}, {"conversations", turns}};
            if (!images.empty()) {
                entry["image"] = images;
            }
            list.push_back(entry);
        }
    }
    std::ofstream(folder / "data.json") << list.dump(1);
    return folder / "data.json";
}

json shape(const char* name) { return readJson("vila_reference.json")[name]; }

/// As recorded: all conversations in each step.
TuneOptions recordedRun(const fs::path& model, const Folder& folder, const fs::path& data)
{
    TuneOptions options;
    options.model = model;
    options.output = folder.path / "out";
    options.data = {{data, 1}};
    options.heldPart = 0;
    options.steps = recorded()["steps"];
    options.batch = 3;
    options.rate = recorded()["rate"];
    options.warmup = recorded()["warmup"];
    options.bf16 = false;
    return options;
}

struct Outcome {
    std::vector<double> losses;
    TuneReport last;
    TuneSummary summary;
};

std::vector<double> column(const fs::path& folder, int number)
{
    std::vector<double> values;
    std::ifstream in(folder / "training.csv");
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) {
        std::stringstream fields(line);
        std::string field;
        for (int n = 0; n <= number; ++n) {
            std::getline(fields, field, ',');
        }
        values.push_back(field.empty() ? -1 : std::stod(field));
    }
    return values;
}

Outcome run(const TuneOptions& options)
{
    Outcome outcome;
    outcome.last = trainCheckpoint(options, [&](const TuneSummary& summary) { outcome.summary = summary; }, [](const TuneReport&) {}, {});
    outcome.losses = column(options.output, 1);
    return outcome;
}

double worstDifference(const std::vector<double>& found, const std::vector<double>& wanted)
{
    double worst = found.size() == wanted.size() && !found.empty() ? 0 : 1e9;
    for (std::size_t n = 0; n < std::min(found.size(), wanted.size()); ++n) {
        worst = std::max(worst, std::abs(found[n] - wanted[n]));
    }
    return worst;
}

std::string messageOf(const std::function<void()>& action)
{
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}

std::string messageOfData(const Folder& folder, const std::string& text)
{
    std::ofstream(folder.path / "broken.json", std::ios::trunc) << text;
    return messageOf([&] { readDialogues(folder.path / "broken.json"); });
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Tensors of a part that are not the same in two checkpoints.
std::size_t changedTensors(const fs::path& one, const fs::path& other, const char* part)
{
    const runtime::TensorMap first = runtime::readSafetensors(one / part), second = runtime::readSafetensors(other / part);
    HF_CHECK_EQUAL(first.size(), second.size());
    std::size_t changed = 0;
    for (const auto& [name, tensor] : first) {
        HF_CHECK(second.contains(name) && second.at(name).scalar_type() == tensor.scalar_type());
        changed += !second.contains(name) || !torch::equal(tensor, second.at(name));
    }
    return changed;
}

} // namespace

HF_TEST(losses_are_those_of_python)
{
    for (const char* name : {"3b", "8b"}) {
        const test::TinyCheckpoint checkpoint(shape(name));
        const json& wanted = recorded()["shapes"][name];
        for (const char* tuned : {"projector", "projector,llm", "all"}) {
            const Folder folder;
            TuneOptions options = recordedRun(checkpoint.folder(), folder, writeData(folder.path));
            options.parts = partsOf(std::string(tuned) == "all" ? "vision,projector,llm" : tuned);
            const double worst = worstDifference(run(options).losses, wanted[tuned].get<std::vector<double>>());
            std::printf("%s, tuned %s: largest difference of the losses of four steps %.1e\n", name, tuned, worst);
            HF_CHECK(worst < 1e-4);
        }
    }
}

HF_TEST(stages_tune_the_parts_that_were_published)
{
    HF_CHECK_EQUAL(nameOf(partsOf(Stage::Align)), std::string("projector"));
    HF_CHECK_EQUAL(nameOf(partsOf(Stage::Pretrain)), std::string("projector,llm"));
    HF_CHECK_EQUAL(nameOf(partsOf(stageOf("instruct"))), std::string("vision,projector,llm"));
    HF_CHECK_EQUAL(nameOf(partsOf(stageOf("expert"))), std::string("vision,projector,llm"));
    HF_CHECK_NEAR(publishedRate(Stage::Expert), 2e-5, 0);
    HF_CHECK_EQUAL(messageOf([] { partsOf("vision,tower"); }), std::string("a model has no part 'tower' to tune; the parts are vision, projector, llm"));
    HF_CHECK(contains(messageOf([] { stageOf("four"); }), "align, pretrain, instruct, expert"));

    const test::TinyCheckpoint checkpoint(shape("8b"));
    const Folder folder;
    TuneOptions options = recordedRun(checkpoint.folder(), folder, writeData(folder.path));
    options.stage = Stage::Align;
    const Outcome outcome = run(options);
    HF_CHECK(outcome.summary.parts == partsOf(Stage::Align));
    HF_CHECK_EQUAL(changedTensors(checkpoint.folder(), options.output, "mm_projector"), std::size_t(6));
    HF_CHECK_EQUAL(changedTensors(checkpoint.folder(), options.output, "llm"), std::size_t(0));
    HF_CHECK_EQUAL(changedTensors(checkpoint.folder(), options.output, "vision_tower"), std::size_t(0));
    const json config = json::parse(std::ifstream(options.output / "config.json"));
    HF_CHECK(config["tune_mm_projector"] == true && config["tune_language_model"] == false);
}

HF_TEST(smaller_batches_and_recomputed_layers_change_nothing)
{
    const test::TinyCheckpoint checkpoint(shape("3b"));
    const auto losses = [&](const std::function<void(TuneOptions&)>& change) {
        const Folder folder;
        TuneOptions options = recordedRun(checkpoint.folder(), folder, writeData(folder.path));
        change(options);
        return run(options).losses;
    };
    const std::vector<double> plain = losses([](TuneOptions&) {});
    HF_CHECK(worstDifference(losses([](TuneOptions& o) { o.batch = 1, o.accumulate = 3; }), plain) < 1e-4);
    HF_CHECK(worstDifference(losses([](TuneOptions& o) { o.checkpointing = true; }), plain) < 1e-5);
    const std::vector<double> narrow = losses([](TuneOptions& o) { o.bf16 = true; });
    std::printf("bf16: losses %.4f to %.4f, in fp32 %.4f to %.4f\n", narrow.front(), narrow.back(), plain.front(), plain.back());
    HF_CHECK_NEAR(narrow.front(), plain.front(), 0.05);
    HF_CHECK_NEAR(narrow.back(), plain.back(), 0.3);
    HF_CHECK(worstDifference(losses([](TuneOptions& o) { o.bf16 = o.checkpointing = true; }), narrow) < 1e-3);
    // With adapters nothing that enters the first layer wants a gradient.
    const auto lora = [](TuneOptions& o) { o.lora = LoraOptions{4, 8}, o.parts = partsOf("llm"), o.rate = 0.01; };
    const std::vector<double> adapted = losses(lora);
    HF_CHECK(adapted.back() < adapted.front());
    HF_CHECK(worstDifference(losses([&](TuneOptions& o) { lora(o), o.checkpointing = true; }), adapted) < 1e-5);
}

HF_TEST(adapters_are_merged_into_a_checkpoint_that_loads)
{
    const test::TinyCheckpoint checkpoint(shape("8b"));
    const Folder folder;
    const fs::path data = writeData(folder.path);
    TuneOptions options = recordedRun(checkpoint.folder(), folder, data);
    options.lora = LoraOptions{4, 8};
    options.rate = 0.02;
    options.steps = 12;
    options.validation = {data};
    const Outcome outcome = run(options);
    HF_CHECK_NEAR(outcome.losses[0], recorded()["shapes"]["8b"]["all"][0].get<double>(), 1e-4);
    HF_CHECK(outcome.last.validationLoss < 0.9 * outcome.losses[0]);
    // The matrices of the layers, but not the head, the embeddings and the norms.
    HF_CHECK_EQUAL(changedTensors(checkpoint.folder(), options.output, "llm"), std::size_t(3 * 7));
    const runtime::TensorMap adapters = runtime::readSafetensors(options.output / "adapters/llm/adapter_model.safetensors");
    HF_CHECK_EQUAL(adapters.size(), std::size_t(2 * 3 * 7));
    HF_CHECK(adapters.at("base_model.model.model.layers.2.self_attn.q_proj.lora_A.weight").sizes() == at::IntArrayRef({4, 128}));
    HF_CHECK(adapters.at("base_model.model.model.layers.2.self_attn.q_proj.lora_B.weight").sizes() == at::IntArrayRef({128, 4}));
    HF_CHECK(fs::exists(options.output / "adapters/vision_tower/adapter_config.json"));

    TuneOptions again = recordedRun(options.output, folder, data);
    again.output = folder.path / "again";
    again.steps = 1;
    // Weights were rounded to bf16.
    HF_CHECK_NEAR(run(again).losses[0], outcome.last.validationLoss, 0.1);
    const auto model = VilaModel::load(options.output, {});
    GenerationOptions generation;
    generation.maxNewTokens = 4;
    const Picture picture = test::formulaPicture(131, 90);
    HF_CHECK(model->info().conversation == "llama_3");
    model->generate("<|begin_of_text|><image>\nSegment", std::span(&picture, 1), generation, {}, {});
}

HF_TEST(a_killed_run_goes_on_with_the_same_losses)
{
    const test::TinyCheckpoint checkpoint(shape("8b"));
    const Folder folder;
    const fs::path data = writeData(folder.path, 5);
    const auto start = [&](const fs::path& output, std::vector<std::string> more = {}) {
        std::vector<std::string> words{"train", "--data", data.string() + ":0.8", "--model", checkpoint.folder(), "--output", output, "--steps", "24", "--batch", "2", "--accumulate", "2", "--rate", "0.0005", "--precision", "fp32",
            "--held-part", "0.2", "--save-every", "3", "--validate-every", "4", "--stage", "pretrain"};
        words.insert(words.end(), more.begin(), more.end());
        return test::startEngine(std::move(words), [] {
            const int nowhere = open("/dev/null", O_WRONLY);
            dup2(nowhere, 1);
            dup2(nowhere, 2);
        });
    };
    const fs::path whole = folder.path / "whole", parts = folder.path / "parts";
    HF_CHECK_EQUAL(test::exitCode(start(whole)), 0);
    const std::vector<double> losses = column(whole, 1), tried = column(whole, 4);
    HF_CHECK_EQUAL(losses.size(), std::size_t(24));
    HF_CHECK(tried[2] < 0 && tried[3] > 0 && tried[23] > 0 && tried[23] < tried[3]);
    HF_CHECK(!fs::exists(whole / "training.safetensors") && fs::exists(whole / "training.svg"));

    const pid_t child = start(parts);
    for (int n = 0; n < 20000 && (!fs::exists(parts / "training.safetensors") || column(parts, 1).size() < 5); ++n) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    kill(child, SIGKILL);
    HF_CHECK_EQUAL(test::exitCode(child), -1);
    HF_CHECK(!fs::exists(parts / "config.json"));
    // Other settings are another run.
    HF_CHECK_EQUAL(test::exitCode(start(parts, {"--resume", "--rate", "0.5"})), 1);
    // Its state is not thrown away by who forgets to say that it goes on.
    HF_CHECK_EQUAL(test::exitCode(start(parts)), 1);
    HF_CHECK(fs::exists(parts / "training.safetensors"));
    HF_CHECK_EQUAL(test::exitCode(start(parts, {"--resume"})), 0);
    HF_CHECK_EQUAL(test::exitCode(start(parts, {"--resume"})), 1);
    HF_CHECK(worstDifference(column(parts, 1), losses) < 1e-6);
    HF_CHECK(worstDifference(column(parts, 4), tried) < 1e-6);
    HF_CHECK_EQUAL(changedTensors(whole, parts, "llm"), std::size_t(0));
    HF_CHECK_EQUAL(test::exitCode(start(parts, {"--tune", "nose"})), 2);
}

HF_TEST(an_earlier_checkpoint_stays_whole)
{
    const test::TinyCheckpoint checkpoint(shape("8b"));
    const Folder folder;
    TuneOptions options = recordedRun(checkpoint.folder(), folder, writeData(folder.path));
    run(options);
    const auto bytesOf = [&](const char* file) {
        std::ifstream in(options.output / file, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    const auto all = [&] { return bytesOf("config.json") + bytesOf("llm/model.safetensors") + bytesOf("vision_tower/model.safetensors") + bytesOf("mm_projector/model.safetensors"); };
    const std::string before = all();

    // A loss that is no number ends a run before it spoils the weights.
    options.rate = 1e30;
    options.steps = 6;
    HF_CHECK(contains(messageOf([&] { run(options); }), "or its gradient is no number"));
    HF_CHECK(all() == before);
    // Files that may not be larger than so, as on a full disk: some parts fit, one does not.
    options.rate = 1e-3;
    std::uintmax_t most = 0;
    for (const char* part : {"llm", "vision_tower", "mm_projector"}) {
        most = std::max(most, fs::file_size(options.output / part / "model.safetensors"));
    }
    const auto previous = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    rlimit small = limit;
    small.rlim_cur = most - 1;
    setrlimit(RLIMIT_FSIZE, &small);
    const std::string message = messageOf([&] { run(options); });
    setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, previous);
    HF_CHECK(contains(message, "cannot write "));
    HF_CHECK(all() == before && !fs::exists(options.output / "unfinished"));
    run(options);
    HF_CHECK(all() != before && !fs::exists(options.output / "unfinished"));
}

HF_TEST(a_stop_acts_within_a_step)
{
    const test::TinyCheckpoint checkpoint(shape("8b"));
    const Folder folder;
    TuneOptions options = recordedRun(checkpoint.folder(), folder, writeData(folder.path));
    options.accumulate = 1'000'000;
    std::stop_source stop;
    const std::jthread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        stop.request_stop();
    });
    HF_CHECK_THROWS(trainCheckpoint(options, {}, [](const TuneReport&) {}, stop.get_token()), Cancelled);
    HF_CHECK(fs::exists(options.output / "training.safetensors"));
}

HF_TEST(what_is_wrong_with_data_is_named_with_its_place)
{
    const Folder folder;
    const std::string place = (folder.path / "broken.json").string() + ":";
    HF_CHECK_EQUAL(messageOfData(folder, "[\n {\"id\": 1,\n"), place + "3: this is no JSON");
    HF_CHECK_EQUAL(messageOfData(folder, "[]"), (folder.path / "broken.json").string() + " holds no conversation");
    HF_CHECK_EQUAL(messageOfData(folder, "[\n\n{\"id\": \"a\"}]"), place + "3: \"conversations\" with a question and an answer is missing");
    const auto entry = [](const std::string& image, const std::string& question, const std::string& turns) {
        return "[\n{\"id\": \"a\", " + image + "\"conversations\": [{\"from\": \"human\", \"value\": \"" + question + "\"}" + turns + "]}]";
    };
    const std::string answer = ", {\"from\": \"gpt\", \"value\": \"A\"}";
    HF_CHECK_EQUAL(messageOfData(folder, entry("\"image\": \"x.png\", ", "<image>Q", answer)), place + "2: the picture x.png is neither beside the file nor in its folders images, imgs");
    HF_CHECK_EQUAL(messageOfData(folder, entry("", "<image>Q", answer)), place + "2: 1 <image> markers for 0 pictures");
    HF_CHECK_EQUAL(messageOfData(folder, entry("", "Q", "")), place + "2: the conversation does not end with an answer");
    HF_CHECK_EQUAL(messageOfData(folder, entry("", "Q", answer + answer)), place + "2: turn 3 should be {\"from\": \"human\", \"value\": TEXT}");
    HF_CHECK_EQUAL(messageOfData(folder, entry("", "Q", ", {\"from\": \"gpt\", \"value\": \"<image>\"}")), place + "2: turn 2 is an answer and holds <image>");
    HF_CHECK_EQUAL(messageOfData(folder, entry("\"image\": [1], ", "Q", answer)), place + "2: \"image\" should be a text or a list of texts");
    HF_CHECK(contains(messageOf([&] { readDialogues(folder.path / "nowhere.json"); }), "nowhere.json"));
    // A picture that is none is named with the entry when its turn comes.
    std::ofstream(folder.path / "images/x.png") << "no picture";
    std::ofstream(folder.path / "data.json") << entry("\"image\": \"x.png\", ", "<image>Q", answer);
    const test::TinyCheckpoint checkpoint(shape("8b"));
    const std::string message = messageOf([&] { run(recordedRun(checkpoint.folder(), folder, folder.path / "data.json")); });
    HF_CHECK(contains(message, "data.json:2: ") && contains(message, "x.png"));
    TuneOptions onItself = recordedRun(checkpoint.folder(), folder, writeData(folder.path));
    onItself.output = checkpoint.folder();
    HF_CHECK(contains(messageOf([&] { run(onItself); }), "a folder of its own"));
}

HF_TEST(markers_are_put_as_in_training)
{
    const Folder folder;
    writeData(folder.path);
    std::ofstream(folder.path / "source.json") << R"([{"id": "a", "image": "131.png", "conversations": [{"from": "human", "value": "cards\n <image>This is a CT image.\nQ"}, {"from": "gpt", "value": "A"}]},
        {"id": "b", "image": "images/131.png", "conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]}])";
    const std::vector<Dialogue> dialogues = readDialogues(folder.path / "source.json");
    HF_CHECK_EQUAL(dialogues[0].messages[0].text, std::string("cards <image>\nThis is a CT image.\nQ"));
    HF_CHECK_EQUAL(dialogues[1].messages[0].text, std::string("<image>\nQ"));
    HF_CHECK_EQUAL(dialogues[1].pictures.size(), std::size_t(1));
}

HF_TEST(files_are_mixed_by_their_weights)
{
    HF_CHECK(fileAndWeight("a/b.json:2.5") == std::pair(fs::path("a/b.json"), 2.5));
    HF_CHECK(fileAndWeight("a/b.json") == std::pair(fs::path("a/b.json"), 1.0));
    HF_CHECK(!messageOf([] { fileAndWeight("b.json:0"); }).empty() && !messageOf([] { fileAndWeight("b.json:"); }).empty());
    const auto list = [](const std::string& name, int count) {
        std::vector<Dialogue> dialogues(static_cast<std::size_t>(count));
        for (int n = 0; n < count; ++n) {
            dialogues[std::size_t(n)].id = name + std::to_string(n);
            dialogues[std::size_t(n)].group = "patient " + std::to_string(n / 2);
        }
        return dialogues;
    };
    Mixture mixture({{list("a", 10), 2.5}, {list("b", 4), 0.5}}, 7), same({{list("a", 10), 2.5}, {list("b", 4), 0.5}}, 7);
    HF_CHECK_EQUAL(mixture.passLength(), std::int64_t(27));
    std::vector<std::string> passes[2];
    for (std::int64_t pass = 0; pass < 2; ++pass) {
        std::map<std::string, int> seen;
        int fromB = 0;
        for (std::int64_t n = 0; n < 27; ++n) {
            const std::string id = mixture.at(pass * 27 + n).id;
            ++seen[id];
            fromB += id[0] == 'b';
            passes[pass].push_back(id);
        }
        HF_CHECK_EQUAL(fromB, 2);
        for (int n = 0; n < 10; ++n) {
            const int times = seen["a" + std::to_string(n)];
            HF_CHECK(times == 2 || times == 3);
        }
    }
    HF_CHECK(passes[0] != passes[1]);
    // Any place of a run without what came before.
    HF_CHECK_EQUAL(same.at(30).id, passes[1][3]);
    HF_CHECK_EQUAL(same.at(3).id, passes[0][3]);

    const HeldBack parts = holdBack(list("a", 400), 0.2);
    HF_CHECK(parts.tried.size() > 40 && parts.tried.size() < 130 && parts.tried.size() + parts.learned.size() == 400);
    for (const Dialogue& tried : parts.tried) {
        HF_CHECK(std::none_of(parts.learned.begin(), parts.learned.end(), [&](const Dialogue& learned) { return learned.group == tried.group; }));
    }
}

HF_TEST_MAIN()
