#include "assistant/engine/train/DemoModel.h"

#include "viewer/volume/Error.h"

#include <torch/utils.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>

namespace hf::assistant::train {

namespace fs = std::filesystem;

namespace {

VilaConfig demoConfig(const TrainOptions& options, const Tokenizer& tokenizer)
{
    VilaConfig config;
    config.vision = {192, 576, 6, 12, 3, 168, 14, 1e-6};
    // Pictures keep their shape, with black around: the mean is what is padded with, whatever it is.
    config.preprocessor.size = 168;
    config.preprocessor.mean = {0, 0, 0};
    config.imageAspectRatio = "pad";
    LlamaConfig& llm = config.llm;
    llm.hiddenSize = 256;
    llm.intermediateSize = 704;
    llm.layers = 6;
    llm.heads = 4;
    llm.keyValueHeads = 2;
    llm.headDim = 64;
    llm.vocabSize = int(tokenizer.size());
    llm.ropeTheta = 10000;
    llm.maxPositions = 4096;
    llm.maxSequence = 4096;
    config.generation.bosToken = *tokenizer.find("<|begin_of_text|>");
    config.generation.eosTokens = {*tokenizer.find("<|end_of_text|>"), *tokenizer.find("<|eot_id|>")};
    config.hounsfield = {"Hounsfield demo", options.version, "Apache-2.0", "llama_3", true};
    return config;
}

void initialise(VilaNetworks& networks, std::uint32_t seed)
{
    torch::NoGradGuard noGrad;
    torch::manual_seed(seed);
    for (torch::nn::Module* module : {static_cast<torch::nn::Module*>(networks.vision.get()), static_cast<torch::nn::Module*>(networks.projector.get()),
             static_cast<torch::nn::Module*>(networks.llm.get())}) {
        for (auto& parameter : module->named_parameters()) {
            torch::Tensor& value = parameter.value();
            value.set_requires_grad(true);
            if (value.dim() >= 2) {
                const bool residual = parameter.key().find("o_proj") != std::string::npos || parameter.key().find("out_proj") != std::string::npos ||
                    parameter.key().find("down_proj") != std::string::npos || parameter.key().find("fc2") != std::string::npos;
                const bool embedding = parameter.key().find("embed") != std::string::npos;
                value.normal_(0, embedding ? 0.02 : (residual ? 0.3 : 0.8) / std::sqrt(double(value.size(1))));
                if (parameter.key().find("patch_embedding") != std::string::npos) {
                    value.normal_(0, 1 / std::sqrt(3 * 14 * 14.0));
                }
            } else if (parameter.key().find("bias") != std::string::npos) {
                value.zero_();
            } else {
                value.fill_(1);
            }
        }
    }
}

void writeText(const fs::path& file, const std::string& text)
{
    fs::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary);
    out << text;
    if (!out.flush()) {
        throw Error("cannot write " + file.string(), "write");
    }
}

} // namespace

Tokenizer demoTokenizer(const TrainOptions& options, const ConversationWriter& writer)
{
    const fs::path folder = options.output / "llm";
    if (!options.resume) {
        const std::vector<std::string> texts = writer.texts(4000, options.seed + 17);
        writeText(folder / "tokenizer.json", trainTokenizer(texts, options.vocabSize, llama3Specials()));
        writeText(folder / "tokenizer_config.json",
            "{\n \"bos_token\": \"<|begin_of_text|>\",\n \"clean_up_tokenization_spaces\": false,\n \"eos_token\": \"<|end_of_text|>\",\n"
            " \"model_max_length\": 4096,\n \"tokenizer_class\": \"PreTrainedTokenizerFast\"\n}\n");
    }
    return Tokenizer::load(folder);
}

VilaNetworks demoNetworks(const TrainOptions& options, const Tokenizer& tokenizer, bool hasNewTower)
{
    VilaNetworks networks = options.resume ? loadNetworks(options.output, torch::kFloat) : VilaNetworks(demoConfig(options, tokenizer));
    if (options.resume && hasNewTower) {
        const Llama spoken = networks.llm;
        networks = VilaNetworks(demoConfig(options, tokenizer));
        initialise(networks, options.seed);
        networks.llm = spoken;
    }
    if (options.resume) {
        for (torch::Tensor& parameter : networks.parameters()) {
            parameter.set_data(parameter.clone());
            parameter.set_requires_grad(true);
        }
    } else {
        initialise(networks, options.seed);
    }
    networks.config.hounsfield.version = options.version;
    return networks;
}

void lendEmbeddings(Llama& llm, const Tokenizer& tokenizer)
{
    torch::NoGradGuard noGrad;
    torch::Tensor rows = llm->named_parameters()["model.embed_tokens.weight"];
    const std::size_t one = tokenizer.encode("").size() + 1;
    for (TokenId id = 0; id < TokenId(tokenizer.size()); ++id) {
        const std::string word = tokenizer.decode(std::span(&id, 1));
        const bool isWord = word.size() > 1 && std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isalpha(c); });
        const std::vector<TokenId> spaced = isWord ? tokenizer.encode(" " + word) : std::vector<TokenId>();
        if (spaced.size() == one && spaced.back() != id) {
            rows[id].copy_(rows[spaced.back()]);
        }
    }
}

std::vector<AnswersRight> compared(const VilaConfig& config, const Tokenizer& tokenizer, const torch::Tensor& best, const torch::Tensor& targets,
    const std::vector<std::pair<int, int>>& answers, std::size_t branches)
{
    const auto ends = [&](TokenId id) { return std::ranges::find(config.generation.eosTokens, id) != config.generation.eosTokens.end(); };
    std::vector<AnswersRight> results(branches);
    std::vector<bool> sentenceOver(branches, false);
    for (std::size_t n = 0; n < answers.size(); ++n) {
        const auto [index, answer] = answers[n];
        AnswersRight& result = results[std::size_t(index)];
        bool& slot = answer > 0 ? result.later : sentenceOver[std::size_t(index)] ? result.rest : result.sentence;
        const TokenId target = TokenId(targets.data_ptr<std::int64_t>()[n]), said = TokenId(best.data_ptr<std::int64_t>()[n]);
        // Which of the two ends it is depends on whether somebody asks again.
        slot = slot && (said == target || (ends(said) && ends(target)));
        if (tokenizer.decode(std::span(&target, 1)).find('.') != std::string::npos) {
            sentenceOver[std::size_t(index)] = true;
        }
    }
    return results;
}

void countRight(const std::vector<AnswersRight>& outcomes, TrainReport& report)
{
    if (outcomes.empty()) {
        return;
    }
    const auto share = [&](auto&& holds) { return double(std::count_if(outcomes.begin(), outcomes.end(), holds)) / double(outcomes.size()); };
    report.sentenceRight = share([](const AnswersRight& r) { return r.sentence; });
    report.restRight = share([](const AnswersRight& r) { return r.rest; });
    report.exactFirst = share([](const AnswersRight& r) { return r.sentence && r.rest; });
    report.exactAll = share([](const AnswersRight& r) { return r.sentence && r.rest && r.later; });
}

} // namespace hf::assistant::train
