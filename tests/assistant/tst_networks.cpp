#include "assistant/engine/VilaNetworks.h"
#include "support/Check.h"
#include "support/FormulaPicture.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

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

HF_TEST_MAIN()
