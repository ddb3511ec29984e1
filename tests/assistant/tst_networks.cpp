#include "assistant/engine/Attention.h"
#include "assistant/engine/CudaPlugin.h"
#include "assistant/engine/VilaNetworks.h"
#include "experts/runtime/Cuda.h"
#include "support/Check.h"
#include "support/FormulaPicture.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>
#include <torch/utils.h>

#include <array>
#include <fstream>

#include <unistd.h>

using namespace hf;
using namespace hf::assistant;

namespace {

const std::filesystem::path kModel = HF_SOURCE_DIR "/resources/models/demo";

VilaNetworks demo()
{
    if (!std::filesystem::exists(kModel / "config.json")) {
        throw test::Skip{"the embedded demo model is not there"};
    }
    return loadNetworks(kModel, torch::kFloat);
}

torch::Tensor ids(const nlohmann::json& list) { return torch::tensor(list.get<std::vector<std::int64_t>>(), torch::kLong); }

VilaConfig tiny()
{
    VilaConfig config;
    config.vision = {32, 64, 3, 2, 3, 42, 14, 1e-6};
    config.preprocessor.size = 42;
    config.llm.hiddenSize = 48;
    config.llm.intermediateSize = 64;
    config.llm.layers = 2;
    config.llm.heads = 4;
    config.llm.keyValueHeads = 2;
    config.llm.headDim = 12;
    config.llm.vocabSize = 50;
    config.generation = {{1, 2}, 0};
    return config;
}

} // namespace

HF_TEST(attention_of_bf16_rows_is_that_of_fp32)
{
    // More rows than go at once, after others and alone; heads that share keys; a bias instead of the triangle.
    const torch::NoGradGuard noGrad;
    torch::manual_seed(5);
    constexpr std::int64_t kRows = 300, kPast = 40;
    const auto random = [](std::int64_t heads, std::int64_t rows) { return torch::randn({2, rows, heads, 16}).to(at::kBFloat16).transpose(1, 2); };
    const torch::Tensor query = random(4, kRows), none;
    const torch::Tensor bias = torch::zeros({2, 1, kRows, kRows + kPast}, at::kBFloat16).masked_fill_(torch::rand({2, 1, kRows, kRows + kPast}) < 0.5, -INFINITY);
    for (const std::int64_t past : {std::int64_t(0), kPast}) {
        const torch::Tensor key = random(2, past + kRows), value = random(2, past + kRows);
        const auto error = [&](bool causal, const torch::Tensor& added) {
            const torch::Tensor wanted = attention(query.to(at::kFloat), key.to(at::kFloat), value.to(at::kFloat), causal, added.defined() ? added.to(at::kFloat) : added);
            const torch::Tensor found = attention(query, key, value, causal, added);
            HF_CHECK(found.scalar_type() == at::kBFloat16 && found.sizes() == wanted.sizes());
            return (found.to(at::kFloat) - wanted).norm().item<double>() / wanted.norm().item<double>();
        };
        HF_CHECK(error(true, none) < 0.01);
        HF_CHECK(error(false, none) < 0.01);
        HF_CHECK(past == 0 || error(true, bias) < 0.01);
    }
}

HF_TEST(the_forward_pass_is_numpys)
{
    torch::NoGradGuard noGrad;
    VilaNetworks networks = demo();
    const auto recorded = nlohmann::json::parse(std::ifstream(HF_SOURCE_DIR "/tests/data/vila.json"));
    HF_CHECK_EQUAL(weightsSha256(kModel), recorded["weights_sha256"].get<std::string>());
    const Picture picture = test::formulaPicture(networks.config.preprocessor.size, networks.config.preprocessor.size);
    const torch::Tensor rows = networks.encode(pixelTensor(std::span(&picture, 1), networks.config.preprocessor))[0];
    for (std::size_t r = 0; r < recorded["rows"].size(); ++r) {
        for (std::size_t c = 0; c < recorded["rows"][r].size(); ++c) {
            HF_CHECK_NEAR(rows[std::int64_t(r)][std::int64_t(c)].item<double>(), recorded["rows"][r][c].get<double>(), 2e-4);
        }
    }
    const torch::Tensor all = torch::cat({networks.llm->embed(ids(recorded["before"])), rows, networks.llm->embed(ids(recorded["after"]))}, 0).unsqueeze(0);
    const torch::Tensor hidden = networks.llm->forward(all);
    const torch::Tensor logits = networks.llm->logits(hidden[0][hidden.size(1) - 1]);
    double worst = 0;
    for (std::int64_t n = 0; n < logits.size(0); ++n) {
        worst = std::max(worst, std::abs(logits[n].item<double>() - recorded["logits"][std::size_t(n)].get<double>()));
    }
    std::printf("largest difference of %d logits: %.2e\n", int(logits.size(0)), worst);
    HF_CHECK(worst < 2e-3);
}

HF_TEST(a_picture_can_be_stopped)
{
    torch::NoGradGuard noGrad;
    torch::manual_seed(4);
    VilaNetworks networks(tiny());
    const torch::Tensor pixels = torch::randn({1, 3, 42, 42});
    std::stop_source source;
    HF_CHECK(networks.encode(pixels, source.get_token()).equal(networks.encode(pixels)));
    source.request_stop();
    HF_CHECK_THROWS(networks.encode(pixels, source.get_token()), Cancelled);
}

HF_TEST(the_cache_changes_nothing)
{
    torch::NoGradGuard noGrad;
    torch::manual_seed(3);
    VilaNetworks networks(tiny());
    const torch::Tensor rows = torch::randn({1, 20, 48});
    const torch::Tensor whole = networks.llm->forward(rows);
    KeyValueCache cache = networks.llm->makeCache(32);
    const torch::Tensor first = networks.llm->forward(rows.narrow(1, 0, 13), &cache);
    const torch::Tensor middle = networks.llm->forward(rows.narrow(1, 13, 6), &cache);
    const torch::Tensor last = networks.llm->forward(rows.narrow(1, 19, 1), &cache);
    HF_CHECK((torch::cat({first, middle, last}, 1) - whole).abs().max().item<double>() < 1e-5);
    cache.truncate(13);
    const torch::Tensor again = networks.llm->forward(rows.narrow(1, 13, 7), &cache);
    HF_CHECK((again - whole.narrow(1, 13, 7)).abs().max().item<double>() < 1e-5);
}

HF_TEST(branches_are_whole_sequences)
{
    torch::manual_seed(5);
    torch::NoGradGuard noGrad;
    Llama llama(tiny().llm);
    for (torch::Tensor& parameter : llama->parameters()) {
        parameter.normal_(0, 0.3);
    }
    const torch::Tensor beginning = torch::randn({1, 9, 48}), branches = torch::randn({3, 5, 48});
    const torch::Tensor hidden = llama->forwardBranches(beginning, branches);
    for (std::int64_t branch = 0; branch < 3; ++branch) {
        const torch::Tensor whole = llama->forward(torch::cat({beginning, branches.narrow(0, branch, 1)}, 1));
        HF_CHECK((whole.narrow(1, 9, 5) - hidden.narrow(0, branch, 1)).abs().max().item<double>() < 1e-5);
    }
}

HF_TEST(llama3_stretches_long_waves)
{
    VilaConfig config = tiny();
    config.llm.ropeTheta = 10000;
    config.llm.ropeScaling = "llama3";
    config.llm.ropeFactor = 8;
    config.llm.ropeOriginalPositions = 256;
    const Rotary rotary = VilaNetworks(config).llm->rotary(1, 1, 0, torch::zeros({1}));
    // What transformers makes of it.
    const std::array<double, 6> frequencies{1, 0.215443447, 0.017866388, 0.00125, 0.000269304, 5.802e-05};
    for (std::size_t n = 0; n < frequencies.size(); ++n) {
        HF_CHECK(std::abs(rotary.sine[0][std::int64_t(n)].item<double>() - std::sin(frequencies[n])) < 1e-6);
    }
    HF_CHECK_EQUAL(config.longestSequence(), std::int64_t(8192));
}

HF_TEST(downsampling_is_column_major)
{
    // Values are 10 * row + column of a 3 x 3 grid.
    const torch::Tensor grid = torch::tensor({0., 1., 2., 10., 11., 12., 20., 21., 22.}).view({1, 9, 1});
    const torch::Tensor out = downsample(grid);
    HF_CHECK(out.sizes() == (std::vector<std::int64_t>{1, 4, 4}));
    HF_CHECK(out[0][0].equal(torch::tensor({0., 1., 10., 11.}).to(out.dtype())));
    HF_CHECK(out[0][1].equal(torch::tensor({20., 21., 0., 0.}).to(out.dtype())));
    HF_CHECK(out[0][2].equal(torch::tensor({2., 0., 12., 0.}).to(out.dtype())));
}

HF_TEST(a_checkpoint_comes_back)
{
    torch::NoGradGuard noGrad;
    torch::manual_seed(5);
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("hf-checkpoint-" + std::to_string(::getpid()));
    VilaNetworks networks(tiny());
    saveNetworks(networks, folder, torch::kFloat);
    VilaNetworks loaded = loadNetworks(folder, torch::kFloat);
    const Picture picture = test::formulaPicture(42, 42);
    const torch::Tensor pixels = pixelTensor(std::span(&picture, 1), networks.config.preprocessor);
    HF_CHECK(networks.encode(pixels).equal(loaded.encode(pixels)));
    // A wrong size names the tensor.
    networks.config.llm.hiddenSize = 96;
    saveVilaConfig(networks.config, folder);
    std::string message;
    try {
        loadNetworks(folder, torch::kFloat);
    } catch (const Error& error) {
        message = error.what();
    }
    HF_CHECK(message.find("should have the shape") != std::string::npos);
    std::filesystem::remove_all(folder);
}

HF_TEST(devices_are_chosen_by_words)
{
    HF_CHECK(runtime::chooseDevice("cpu").is_cpu());
    HF_CHECK_EQUAL(runtime::deviceName(at::kCPU), std::string("CPU"));
    HF_CHECK(!runtime::deviceMemory(at::kCPU));
    const auto codeFor = [](const std::string& word) {
        try {
            runtime::chooseDevice(word);
        } catch (const Error& error) {
            return error.code();
        }
        return std::string("none");
    };
    for (const char* word : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda:999", "cudax"}) {
        HF_CHECK_EQUAL(codeFor(word), std::string("arguments"));
    }
    HF_CHECK_EQUAL(codeFor("cuda:100"), std::string("device"));
    HF_CHECK_EQUAL(runtime::chooseDevice("auto").is_cuda(), runtime::openCuda());
    HF_CHECK_EQUAL(runtime::cudaProblem().empty(), runtime::openCuda());
}

HF_TEST(a_gpu_generates_what_the_processor_does)
{
    if (!runtime::openCuda()) {
        throw test::Skip{runtime::cudaProblem()};
    }
    std::string problem;
    if (!cudaPlugin(&problem)) {
        throw test::Skip{problem};
    }
    const torch::NoGradGuard noGrad;
    constexpr std::int64_t kRows = 70, kSteps = 20, kCapacity = 128;
    torch::manual_seed(7);
    LlamaConfig config = tiny().llm;
    config.hiddenSize = 256;
    config.intermediateSize = 416;
    for (const auto& [heads, keyValueHeads, headDim] : {std::array{4, 2, 64}, std::array{8, 1, 32}, std::array{2, 2, 128}}) {
        config.heads = heads;
        config.keyValueHeads = keyValueHeads;
        config.headDim = headDim;
        for (const char* quantisation : {"none", "int8", "int4"}) {
            Llama onCpu(config), onGpu(config);
            const auto from = onCpu->named_parameters();
            for (auto& parameter : onGpu->named_parameters()) {
                parameter.value().copy_(from[parameter.key()]);
            }
            onGpu->to(at::Device(at::kCUDA, 0));
            if (const auto type = quantisationOf(quantisation)) {
                onCpu->pack(*type, {}, {});
                onGpu->pack(*type, {}, {});
            }
            const auto fast = onCpu->makeDecoder();
            const auto faster = onGpu->makeCudaDecoder(config.vocabSize);
            KeyValueCache cpuCache = onCpu->makeCache(kCapacity), gpuCache = onGpu->makeCache(kCapacity);
            const torch::Tensor rows = torch::randn({1, kRows, config.hiddenSize}) * 0.1;
            const torch::Tensor hidden = onCpu->forward(rows, &cpuCache), same = onGpu->forward(rows.to(at::kCUDA), &gpuCache);
            HF_CHECK((same.to(at::kCPU) - hidden).abs().max().item<double>() < 1e-4);
            for (std::int64_t n = 0; n < kSteps; ++n) {
                const std::int64_t token = n * 7 % config.vocabSize;
                const torch::Tensor row = onCpu->embed(torch::tensor({token}, torch::kLong)).contiguous();
                const Rotary angles = onCpu->rotary(cpuCache.length, 1, 0, row);
                std::vector<DecoderCache> caches;
                for (const KeyValueCache::Layer& layer : cpuCache.layers) {
                    caches.push_back({layer.keys.data_ptr(), layer.values.data_ptr()});
                }
                torch::Tensor wanted = torch::empty({config.vocabSize});
                fast->step(row.data_ptr<float>(), angles.cosine.data_ptr<float>(), angles.sine.data_ptr<float>(), cpuCache.length, caches, kCapacity, wanted.data_ptr<float>());
                ++cpuCache.length;
                const CudaDecoder::Step step = faster->step(token, gpuCache, angles.cosine.data_ptr<float>(), angles.sine.data_ptr<float>());
                // Rounded vectors may fall to the other side of a step.
                const double difference = (step.logits.to(at::kCPU) - wanted).abs().max().item<double>() / wanted.abs().max().item<double>();
                HF_CHECK(difference < (std::string(quantisation) == "none" ? 1e-4 : 0.03));
                HF_CHECK_EQUAL(step.best, step.logits.argmax().item<std::int64_t>());
            }
        }
    }
}

HF_TEST_MAIN()
