// What transformers' SiglipVisionModel and LlamaForCausalLM with VILA's projector and splice rule, and the Python tokenizers, gave
// (tests/oracles/make_vila.py), on weights that are a formula of their name and place.
#include "assistant/engine/MemoryNeed.h"
#include "assistant/engine/Tokenizer.h"
#include "assistant/engine/VilaModel.h"
#include "assistant/engine/VilaNetworks.h"
#include "experts/runtime/Safetensors.h"
#include "support/Check.h"
#include "support/FormulaPicture.h"
#include "support/TinyCheckpoint.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include <sys/resource.h>
#include <unistd.h>

using namespace hf;
using namespace hf::assistant;
using Checkpoint = hf::test::TinyCheckpoint;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const fs::path kData = HF_SOURCE_DIR "/tests/data";

json readJson(const char* name) { return json::parse(std::ifstream(kData / name)); }

double largestDifference(const std::vector<float>& found, const json& wanted)
{
    double worst = found.size() == wanted.size() ? 0 : INFINITY;
    for (std::size_t n = 0; n < std::min(found.size(), wanted.size()); ++n) {
        worst = std::max(worst, std::abs(found[n] - wanted[n].get<double>()));
    }
    return worst;
}

LoadOptions inFp32()
{
    LoadOptions options;
    options.device = "cpu";
    options.dtype = "fp32";
    return options;
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

} // namespace

HF_TEST(tokens_are_those_of_python)
{
    const json samples = readJson("vila_tokens.json");
    for (const char* kind : {"llama2", "llama3"}) {
        const Tokenizer tokenizer = Tokenizer::load(kData / "tokenizers" / kind);
        const json& sample = samples[kind];
        HF_CHECK(sample["texts"].size() > 500);
        for (std::size_t n = 0; n < sample["texts"].size(); ++n) {
            const auto ids = sample["ids"][n].get<std::vector<TokenId>>();
            HF_CHECK(tokenizer.encode(sample["texts"][n]) == ids);
            HF_CHECK_EQUAL(tokenizer.decode(ids), sample["decoded"][n].get<std::string>());
        }
    }
}

HF_TEST(a_first_space_that_is_a_byte_stays)
{
    const Tokenizer tokenizer = Tokenizer::load(kData / "tokenizers/llama2");
    const std::vector<TokenId> byte{*tokenizer.find("<0x20>"), *tokenizer.find("<0x41>")}, piece{*tokenizer.find("\xE2\x96\x81"), *tokenizer.find("<0x41>")};
    HF_CHECK_EQUAL(tokenizer.decode(byte), std::string(" A"));
    HF_CHECK_EQUAL(tokenizer.decode(piece), std::string("A"));
    StreamDecoder stream(tokenizer);
    HF_CHECK_EQUAL(stream.push(byte[0]) + stream.push(byte[1]), std::string(" A"));
}

HF_TEST(answers_are_those_of_transformers)
{
    const json shapes = readJson("vila_reference.json");
    HF_CHECK_EQUAL(shapes.size(), std::size_t(5));
    for (const auto& [name, shape] : shapes.items()) {
        const Checkpoint checkpoint(shape);
        const auto model = VilaModel::load(checkpoint.folder(), inFp32());
        const Picture picture = test::formulaPicture(131, 90);
        std::vector<std::int64_t> ids;
        std::vector<float> first, last;
        GenerationOptions options;
        options.maxNewTokens = 200;
        options.onStep = [&](std::span<const float> logits, std::int64_t id) {
            ids.push_back(id);
            last.assign(logits.begin(), logits.end());
            first = first.empty() ? last : first;
        };
        const std::string answer = model->generate(shape["prompt"], std::span(&picture, 1), options, {}, {});
        HF_CHECK_EQUAL(answer, shape["answer"].get<std::string>());
        HF_CHECK(ids == shape["ids"].get<std::vector<std::int64_t>>());
        const double atFirst = largestDifference(first, shape["first"]), atLast = largestDifference(last, shape["last"]);
        std::printf("%s: %zu tokens, largest difference of logits %.1e at the first, %.1e at the last\n", name.c_str(), ids.size(), atFirst, atLast);
        HF_CHECK(atFirst < 1e-3 && atLast < 1e-3);
        // The same question again: everything but the last row comes from the cache, and nothing changes.
        const std::vector<std::int64_t> before = ids;
        ids.clear();
        GenerationReport report;
        HF_CHECK_EQUAL(model->generate(shape["prompt"], std::span(&picture, 1), options, {}, {}, &report), answer);
        HF_CHECK(ids == before);
        HF_CHECK(name == "dynamic" || report.cachedTokens == report.promptTokens - 1);
    }
}

HF_TEST(several_conversations_are_kept)
{
    const Checkpoint checkpoint(readJson("vila_reference.json")["3b"]);
    const auto prompt = [](const std::string& word) {
        std::string text = "A conversation.";
        for (int n = 0; n < 30; ++n) {
            text += " " + word + std::to_string(n);
        }
        return text;
    };
    GenerationOptions options;
    options.maxNewTokens = 4;
    const auto ask = [&](VilaModel& model, const std::string& word, GenerationReport& report) { return model.generate(prompt(word), {}, options, {}, {}, &report); };
    for (const std::uint64_t limit : {std::uint64_t(1) << 30, std::uint64_t(0)}) {
        LoadOptions load = inFp32();
        load.conversationLimit = limit;
        const auto model = VilaModel::load(checkpoint.folder(), load);
        GenerationReport report;
        const std::string first = ask(*model, "lung", report);
        HF_CHECK_EQUAL(report.cachedTokens, 0);
        const std::string second = ask(*model, "spleen", report);
        // What both begin with is not computed again.
        HF_CHECK(report.cachedTokens > 0 && report.cachedTokens < report.promptTokens / 2);
        const std::size_t bytes = model->cacheBytes();
        for (const auto& [word, answer] : {std::pair{"lung", first}, {"spleen", second}, {"lung", first}}) {
            HF_CHECK_EQUAL(ask(*model, word, report), answer);
            HF_CHECK(limit ? report.cachedTokens == report.promptTokens - 1 : report.cachedTokens < report.promptTokens / 2);
        }
        HF_CHECK_EQUAL(model->cacheBytes(), bytes);
    }
}

HF_TEST(what_is_wrong_with_a_checkpoint_is_named)
{
    const json shapes = readJson("vila_reference.json");
    const Checkpoint checkpoint(shapes["3b"]);
    const auto load = [&] { VilaModel::load(checkpoint.folder(), inFp32()); };
    const fs::path projector = checkpoint.folder() / "mm_projector/model.safetensors";
    runtime::TensorMap tensors;
    for (const auto& [name, tensor] : runtime::readSafetensors(projector)) {
        tensors[name] = tensor.clone();
    }
    tensors["layers.2.bias"] = torch::zeros({7}, torch::kBFloat16);
    runtime::writeSafetensors(projector, tensors);
    const std::string shape = messageOf(load);
    HF_CHECK(shape.find("layers.2.bias") != std::string::npos && shape.find("[160]") != std::string::npos && shape.find("[7]") != std::string::npos);
    tensors.erase("layers.2.bias");
    runtime::writeSafetensors(projector, tensors);
    const std::string missing = messageOf(load);
    HF_CHECK(missing.find("layers.2.bias") != std::string::npos && missing.find("160") != std::string::npos);
    std::ofstream(projector) << "version https://git-lfs.github.com/spec/v1\nsize 123\n";
    HF_CHECK(messageOf(load).find("mm_projector/model.safetensors") != std::string::npos && messageOf(load).find("LFS") != std::string::npos);
    fs::remove(projector);
    std::ofstream(checkpoint.folder() / "mm_projector/pytorch_model.bin") << "x";
    HF_CHECK(messageOf(load).find("pytorch_model.bin") != std::string::npos);
    fs::remove(checkpoint.folder() / "llm/model-1.safetensors");
    HF_CHECK(messageOf(load).find("model-1.safetensors, which is not there") != std::string::npos);
}

HF_TEST(a_configuration_that_means_another_network_is_refused)
{
    const json shapes = readJson("vila_reference.json");
    const Checkpoint checkpoint(shapes["8b"]);
    struct Case { const char *file, *key; json value; };
    const std::vector<Case> cases{{"llm/config.json", "hidden_size", 128.5}, {"llm/config.json", "hidden_size", 1e30}, {"llm/config.json", "num_hidden_layers", 99999999999},
        {"llm/config.json", "rope_scaling", {{"rope_type", "yarn"}, {"factor", 2.0}}}, {"llm/config.json", "rope_scaling", {{"rope_type", "llama3"}, {"factor", 2.0}}},
        {"llm/config.json", "rms_norm_eps", -1}, {"llm/config.json", "rope_theta", 0}, {"llm/config.json", "max_position_embeddings", 0}, {"llm/config.json", "rope_scaling", "linear"},
        {"vision_tower/config.json", "hidden_act", "gelu"}, {"vision_tower/config.json", "layer_norm_eps", -1}, {"vision_tower/preprocessor_config.json", "image_std", {0, 0, 0}},
        {"vision_tower/preprocessor_config.json", "resample", 2}, {"vision_tower/preprocessor_config.json", "do_normalize", false},
        {"vision_tower/preprocessor_config.json", "size", {{"height", 42}, {"width", 42}}}, {"config.json", "mm_use_im_start_end", true},
        {"mm_projector/config.json", "mm_projector_type", "mlp0x_gelu"}, {"mm_projector/config.json", "mm_projector_type", "mlp99999999999x_gelu"}};
    for (const Case& one : cases) {
        const fs::path file = checkpoint.folder() / one.file;
        json content = shapes["8b"]["files"][one.file];
        content[one.key] = one.value;
        std::ofstream(file) << content.dump();
        const std::string message = messageOf([&] { VilaNetworks networks(loadVilaConfig(checkpoint.folder())); });
        HF_CHECK(message.find(one.key) != std::string::npos || message.find("low_freq_factor") != std::string::npos || message.find("42 pixels") != std::string::npos);
        std::ofstream(file) << shapes["8b"]["files"][one.file].dump();
    }
    HF_CHECK_EQUAL(messageOf([&] { loadVilaConfig(checkpoint.folder()); }), std::string());
}

HF_TEST(rotary_numbers_and_the_first_token_are_found_where_libraries_wrote_them)
{
    const json shapes = readJson("vila_reference.json");
    const Checkpoint checkpoint(shapes["8b"]);
    const VilaConfig before = loadVilaConfig(checkpoint.folder());
    json llm = shapes["8b"]["files"]["llm/config.json"];
    llm["rope_parameters"] = {{"rope_type", "linear"}, {"factor", 2.0}, {"rope_theta", llm["rope_theta"]}};
    llm.erase("rope_theta");
    llm["bos_token_id"] = before.generation.bosToken;
    llm["tokenizer_model_max_length"] = 1e30;
    std::ofstream(checkpoint.folder() / "llm/config.json") << llm.dump();
    std::ofstream(checkpoint.folder() / "llm/generation_config.json") << R"({"eos_token_id": [1, 2]})";
    const VilaConfig after = loadVilaConfig(checkpoint.folder());
    HF_CHECK_EQUAL(after.llm.ropeTheta, before.llm.ropeTheta);
    HF_CHECK_EQUAL(after.llm.ropeScaling, std::string("linear"));
    HF_CHECK_EQUAL(after.llm.ropeFactor, 2.0);
    HF_CHECK_EQUAL(after.llm.maxSequence, 0);
    HF_CHECK_EQUAL(after.generation.bosToken, before.generation.bosToken);
    HF_CHECK(after.generation.eosTokens == std::vector<std::int64_t>({1, 2}));
}

HF_TEST(a_model_sub_folder_is_found)
{
    const json shapes = readJson("vila_reference.json");
    const Checkpoint checkpoint(shapes["13b"]);
    const fs::path outer = checkpoint.folder().string() + "-outer";
    fs::create_directories(outer);
    fs::rename(checkpoint.folder(), outer / "model");
    HF_CHECK_EQUAL(VilaModel::load(outer, inFp32())->info().conversation, std::string("vicuna_v1"));
    fs::remove_all(outer);
}

HF_TEST(bf16_weights_are_the_file)
{
    torch::NoGradGuard noGrad;
    const json shapes = readJson("vila_reference.json");
    const Checkpoint checkpoint(shapes["8b"]);
    VilaNetworks networks = loadNetworks(checkpoint.folder(), std::nullopt);
    networks.to(torch::kCPU, torch::kBFloat16);
    std::ifstream maps("/proc/self/maps");
    std::vector<std::pair<std::uintptr_t, std::uintptr_t>> ranges;
    for (std::string line; std::getline(maps, line);) {
        unsigned long begin = 0, end = 0;
        if (line.find(".safetensors") != std::string::npos && std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) == 2) {
            ranges.emplace_back(begin, end);
        }
    }
    HF_CHECK(!ranges.empty());
    for (const torch::Tensor& parameter : networks.llm->parameters()) {
        const auto place = reinterpret_cast<std::uintptr_t>(parameter.data_ptr());
        HF_CHECK(std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) { return place >= range.first && place < range.second; }));
    }
}

HF_TEST(a_model_that_does_not_fit_is_refused)
{
    const json shapes = readJson("vila_reference.json");
    const Checkpoint checkpoint(shapes["3b"]);
    LoadOptions options = inFp32();
    options.memoryLimit = 1000;
    const std::string message = messageOf([&] { VilaModel::load(checkpoint.folder(), options); });
    HF_CHECK(message.find("needs") != std::string::npos && message.find("1000 bytes") != std::string::npos);
    const VilaConfig config = loadVilaConfig(checkpoint.folder());
    const auto need = [&](int bytesPerValue, const char* quantisation) { return memoryNeed(config, bytesPerValue, quantisation).total(); };
    HF_CHECK(messageOf([&] { checkMemory(config, 4, "none", need(2, "none")); }).find("with --precision bf16 it needs") != std::string::npos);
    HF_CHECK(messageOf([&] { checkMemory(config, 2, "none", need(2, "int8")); }).find("with --quantization int8") != std::string::npos);
    HF_CHECK(messageOf([&] { checkMemory(config, 2, "none", need(2, "int4") - 1); }).find("no quantisation") != std::string::npos);
    checkMemory(config, 2, "none", need(2, "none"));
}

HF_TEST(an_answer_is_stripped_as_python_strips)
{
    const json shapes = readJson("vila_reference.json");
    const Checkpoint checkpoint(shapes["8b"]);
    const auto model = VilaModel::load(checkpoint.folder(), inFp32());
    const Picture picture = test::formulaPicture(131, 90);
    for (const std::string middle : {"", "x\xC2\xA0 y", "\xE2\x80\x8B"}) {
        GenerationOptions options;
        options.forcedTokens = Tokenizer::load(checkpoint.folder() / "llm").encode(" \xE2\x80\x83\x1C\xC2\x85" + middle + "\xE3\x80\x80\n\xE2\x80\xAF ");
        options.forcedTokens.erase(options.forcedTokens.begin());
        options.maxNewTokens = int(options.forcedTokens.size());
        HF_CHECK_EQUAL(model->generate(shapes["8b"]["prompt"], std::span(&picture, 1), options, {}, {}), middle);
    }
}

HF_TEST(memory_that_runs_out_fails_one_question)
{
#ifdef __SANITIZE_ADDRESS__
    throw test::Skip{"the address sanitizer ends a program that asks for so much"};
#endif
    const json shapes = readJson("vila_reference.json");
    const Checkpoint checkpoint(shapes["8b"]);
    const auto model = VilaModel::load(checkpoint.folder(), inFp32());
    const Picture picture = test::formulaPicture(131, 90);
    GenerationOptions options;
    options.maxNewTokens = 4;
    const auto ask = [&] { return model->generate(shapes["8b"]["prompt"], std::span(&picture, 1), options, {}, {}); };
    const std::string answer = ask();
    rlimit before{};
    getrlimit(RLIMIT_AS, &before);
    const rlimit less{std::min<rlim_t>(before.rlim_max, rlim_t(1) << 36), before.rlim_max};
    setrlimit(RLIMIT_AS, &less);
    options.maxNewTokens = 2'000'000'000;   // keys and values of more than 64 GB
    options.cutsPromptEnd = true;
    std::string code;
    try {
        ask();
    } catch (const Error& error) {
        code = error.code();
    }
    setrlimit(RLIMIT_AS, &before);
    HF_CHECK_EQUAL(code, std::string("memory"));
    options.maxNewTokens = 4;
    options.cutsPromptEnd = false;
    HF_CHECK_EQUAL(ask(), answer);
}

HF_TEST(a_quantised_copy_is_the_model_quantised_at_load)
{
    const json shapes = readJson("vila_reference.json");
    const Checkpoint checkpoint(shapes["8b"]);
    const fs::path copy = checkpoint.folder().string() + "-int4";
    fs::remove_all(copy);
    saveQuantised(checkpoint.folder(), copy, WeightView::Type::Int4);
    LoadOptions options = inFp32();
    const Picture picture = test::formulaPicture(131, 90);
    const auto logitsOf = [&](const fs::path& folder) {
        std::vector<float> all;
        GenerationOptions generation;
        generation.maxNewTokens = 6;
        generation.onStep = [&](std::span<const float> logits, std::int64_t) { all.insert(all.end(), logits.begin(), logits.end()); };
        VilaModel::load(folder, options)->generate(shapes["8b"]["prompt"], std::span(&picture, 1), generation, {}, {});
        return all;
    };
    const std::vector<float> saved = logitsOf(copy);
    HF_CHECK_EQUAL(VilaModel::load(copy, options)->info().quantisation, std::string("int4"));
    HF_CHECK(saved != logitsOf(checkpoint.folder()));
    options.quantisation = "int4";
    HF_CHECK(saved == logitsOf(checkpoint.folder()));
    // Also where the files are finer than what is computed in.
    fs::remove_all(copy);
    {
        const torch::NoGradGuard noGrad;
        VilaNetworks networks = loadNetworks(checkpoint.folder(), torch::kFloat);
        for (torch::Tensor& parameter : networks.parameters()) {
            parameter.mul_(1.0013);
        }
        saveNetworks(networks, checkpoint.folder(), torch::kFloat);
    }
    // One that is stopped leaves nothing in the way of the next.
    std::stop_source stop;
    const auto stopsHalfway = [&](double share, const std::string&) { share > 0.5 ? void(stop.request_stop()) : void(); };
    HF_CHECK_THROWS(saveQuantised(checkpoint.folder(), copy, WeightView::Type::Int4, stopsHalfway, stop.get_token()), Cancelled);
    HF_CHECK(!fs::exists(copy));
    saveQuantised(checkpoint.folder(), copy, WeightView::Type::Int4);
    options.dtype = "bf16";
    HF_CHECK(logitsOf(copy) == logitsOf(checkpoint.folder()));
    fs::remove_all(copy);
}

HF_TEST_MAIN()
