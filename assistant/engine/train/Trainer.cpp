#include "assistant/engine/train/Trainer.h"

#include "assistant/engine/Tokenizer.h"
#include "assistant/engine/VilaNetworks.h"
#include "assistant/engine/train/Conversations.h"
#include "assistant/engine/train/VisionTrainer.h"
#include "viewer/volume/Error.h"

#include <ATen/autocast_mode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <numbers>

namespace hf::assistant::train {

namespace fs = std::filesystem;
using phantom::Random;

namespace {

using Clock = std::chrono::steady_clock;
double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

constexpr TokenId kImage = -200;

/// Ids of a conversation (kImage for a picture) and which of them are learned.
struct Sample {
    std::vector<TokenId> ids;
    std::vector<bool> learned;
    std::vector<int> answerOf;      ///< Number of the answer of a learned token, else -1.
    std::vector<Picture> pictures;
    std::size_t rows = 0;           ///< Length with the pictures' rows.
};

/// Tokenises as the program does at run time: prompts and answers apart, pictures apart, BOS kept once in front (reference 3.2).
class SampleMaker {
public:
    SampleMaker(const Tokenizer& tokenizer, int tokensPerImage) : m_tokenizer(tokenizer), m_tokensPerImage(tokensPerImage)
    {
        m_prefix = tokenizer.encode("").size();
    }

    Sample make(const Conversation& conversation) const
    {
        const TrainingText text = trainingText("llama_3", conversation.messages);
        Sample sample;
        sample.pictures = conversation.pictures;
        std::size_t at = 0;
        int answer = 0;
        for (const auto& [begin, end] : text.learned) {
            addPrompt(sample, text.text.substr(at, begin - at));
            add(sample, text.text.substr(begin, end - begin), answer++);
            at = end;
        }
        addPrompt(sample, text.text.substr(at));
        sample.rows = sample.ids.size() + sample.pictures.size() * std::size_t(m_tokensPerImage - 1);
        return sample;
    }

private:
    void addPrompt(Sample& sample, const std::string& text) const
    {
        const std::string marker = "<image>";
        std::size_t at = 0;
        for (std::size_t hit = text.find(marker); hit != std::string::npos; hit = text.find(marker, at)) {
            add(sample, text.substr(at, hit - at), -1);
            sample.ids.push_back(kImage);
            sample.learned.push_back(false);
            sample.answerOf.push_back(-1);
            at = hit + marker.size();
        }
        add(sample, text.substr(at), -1);
    }

    void add(Sample& sample, const std::string& text, int answer) const
    {
        const std::vector<TokenId> ids = m_tokenizer.encode(text);
        for (std::size_t n = sample.ids.empty() ? 0 : m_prefix; n < ids.size(); ++n) {
            sample.ids.push_back(ids[n]);
            sample.learned.push_back(answer >= 0);
            sample.answerOf.push_back(answer);
        }
    }

    const Tokenizer& m_tokenizer;
    int m_tokensPerImage;
    std::size_t m_prefix = 0;
};

/// A batch as tensors; B sequences of T rows, right side padded.
struct Batch {
    torch::Tensor ids;          // [B, T] int64, 0 where a picture's row or padding is
    torch::Tensor pixels;       // [n, 3, S, S] fp32
    torch::Tensor imageRows;    // [n * tokensPerImage] int64, places in B * T
    torch::Tensor from;         // [L] int64, rows (in B * T) whose next token is learned
    torch::Tensor targets;      // [L] int64
    std::vector<std::pair<int, int>> answers;   ///< Of each learned token: sample, answer.
};

Batch makeBatch(std::span<const Sample> samples, int tokensPerImage, const PreprocessorConfig& preprocessor)
{
    std::size_t longest = 0;
    for (const Sample& sample : samples) {
        longest = std::max(longest, sample.rows);
    }
    const auto width = std::int64_t(longest);
    Batch batch;
    batch.ids = torch::zeros({std::int64_t(samples.size()), width}, torch::kLong);
    std::vector<Picture> pictures;
    std::vector<std::int64_t> imageRows, from, targets;
    for (std::size_t b = 0; b < samples.size(); ++b) {
        const Sample& sample = samples[b];
        std::int64_t* row = batch.ids.data_ptr<std::int64_t>() + std::int64_t(b) * width;
        std::int64_t at = 0;
        for (std::size_t n = 0; n < sample.ids.size(); ++n) {
            if (sample.ids[n] == kImage) {
                for (int r = 0; r < tokensPerImage; ++r) {
                    imageRows.push_back(std::int64_t(b) * width + at++);
                }
                continue;
            }
            row[at] = sample.ids[n];
            if (sample.learned[n]) {
                from.push_back(std::int64_t(b) * width + at - 1);
                targets.push_back(sample.ids[n]);
                batch.answers.emplace_back(int(b), sample.answerOf[n]);
            }
            ++at;
        }
        pictures.insert(pictures.end(), sample.pictures.begin(), sample.pictures.end());
    }
    batch.pixels = pixelTensor(pictures, preprocessor);
    batch.imageRows = torch::tensor(imageRows, torch::kLong);
    batch.from = torch::tensor(from, torch::kLong);
    batch.targets = torch::tensor(targets, torch::kLong);
    return batch;
}

/// Logits of the learned tokens [L, V]. @param features  the vision tower's output for batch.pixels.
torch::Tensor forward(VilaNetworks& networks, const Batch& batch, const torch::Tensor& features)
{
    const torch::Tensor text = networks.llm->embed(batch.ids);
    const std::int64_t hidden = text.size(2);
    const torch::Tensor images = networks.projector(features).reshape({-1, hidden}).to(text.scalar_type());
    const torch::Tensor rows = text.reshape({-1, hidden}).index_copy(0, batch.imageRows, images).view_as(text);
    const torch::Tensor out = networks.llm->forward(rows).reshape({-1, hidden});
    return networks.llm->logits(out.index_select(0, batch.from));
}

class Autocast {
public:
    explicit Autocast(bool on) : m_on(on)
    {
        if (on) {
            at::autocast::set_autocast_enabled(at::kCPU, true);
            at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
        }
    }
    ~Autocast()
    {
        if (m_on) {
            at::autocast::clear_cache();
            at::autocast::set_autocast_enabled(at::kCPU, false);
        }
    }
    Autocast(const Autocast&) = delete;
    Autocast& operator=(const Autocast&) = delete;

private:
    bool m_on;
};

VilaConfig demoConfig(const TrainOptions& options, const Tokenizer& tokenizer)
{
    VilaConfig config;
    config.vision = {192, 576, 6, 12, 3, 168, 14, 1e-6};
    config.preprocessor.size = 168;
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

Tokenizer prepareTokenizer(const TrainOptions& options, const ConversationWriter& writer)
{
    const fs::path folder = options.output / "llm";
    if (!options.resume) {
        const std::vector<std::string> texts = writer.texts(4000, options.seed + 17);
        const std::vector<std::string> specials{"<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"};
        writeText(folder / "tokenizer.json", trainTokenizer(texts, options.vocabSize, specials));
        writeText(folder / "tokenizer_config.json",
            "{\n \"bos_token\": \"<|begin_of_text|>\",\n \"clean_up_tokenization_spaces\": false,\n \"eos_token\": \"<|end_of_text|>\",\n"
            " \"model_max_length\": 4096,\n \"tokenizer_class\": \"PreTrainedTokenizerFast\"\n}\n");
    }
    return Tokenizer::load(folder);
}

/// Which parts of a conversation's answers greedy decoding would get right word by word.
struct AnswersRight {
    bool sentence = true, rest = true;  ///< Of the first answer: up to its first full stop, and what follows.
    bool later = true;
};

/// The shares of unseen conversations that are right word by word (teacher-forced, which is what greedy decoding gives while all is right).
void tryUnseen(VilaNetworks& networks, const Tokenizer& tokenizer, const std::vector<Sample>& samples, const TrainOptions& options, TrainReport& report)
{
    torch::NoGradGuard noGrad;
    const Autocast autocast(options.bf16);
    std::vector<AnswersRight> outcomes;
    const int tokensPerImage = networks.config.tokensPerImage();
    for (std::size_t at = 0; at < samples.size(); at += std::size_t(options.batch)) {
        const std::span<const Sample> part(samples.data() + at, std::min(samples.size() - at, std::size_t(options.batch)));
        const Batch batch = makeBatch(part, tokensPerImage, networks.config.preprocessor);
        const torch::Tensor right = forward(networks, batch, networks.vision(batch.pixels)).argmax(1).eq(batch.targets).contiguous();
        std::vector<AnswersRight> results(part.size());
        std::vector<bool> sentenceOver(part.size(), false);
        for (std::size_t n = 0; n < batch.answers.size(); ++n) {
            const auto [index, answer] = batch.answers[n];
            AnswersRight& result = results[std::size_t(index)];
            bool& slot = answer > 0 ? result.later : sentenceOver[std::size_t(index)] ? result.rest : result.sentence;
            slot = slot && right.data_ptr<bool>()[n];
            const TokenId target = TokenId(batch.targets.data_ptr<std::int64_t>()[n]);
            if (tokenizer.decode(std::span(&target, 1)).find('.') != std::string::npos) {
                sentenceOver[std::size_t(index)] = true;
            }
        }
        outcomes.insert(outcomes.end(), results.begin(), results.end());
    }
    const auto share = [&](auto&& holds) { return double(std::count_if(outcomes.begin(), outcomes.end(), holds)) / double(outcomes.size()); };
    report.sentenceRight = share([](const AnswersRight& r) { return r.sentence; });
    report.restRight = share([](const AnswersRight& r) { return r.rest; });
    report.exactFirst = share([](const AnswersRight& r) { return r.sentence && r.rest; });
    report.exactAll = share([](const AnswersRight& r) { return r.sentence && r.rest && r.later; });
}

/// Decays matrices only.
torch::optim::AdamW optimizerFor(const std::vector<torch::Tensor>& learned, double learningRate)
{
    using torch::optim::AdamWOptions;
    std::vector<torch::Tensor> decayed, plain;
    for (const torch::Tensor& parameter : learned) {
        (parameter.dim() >= 2 ? decayed : plain).push_back(parameter);
    }
    std::vector<torch::optim::OptimizerParamGroup> groups;
    groups.emplace_back(decayed, std::make_unique<AdamWOptions>(AdamWOptions(learningRate).betas({0.9, 0.98}).weight_decay(0.05)));
    groups.emplace_back(plain, std::make_unique<AdamWOptions>(AdamWOptions(learningRate).betas({0.9, 0.98}).weight_decay(0)));
    return torch::optim::AdamW(groups, AdamWOptions(learningRate));
}

void learnToSee(VilaNetworks& networks, const std::vector<TrainingPicture>& pool, const TrainOptions& options, Random& random,
    const std::function<void(const TrainReport&)>& onReport, const std::stop_token& stop)
{
    const std::vector<TrainingPicture> heldOut = plainPictures(options.heldOut, networks.config.vision.imageSize);
    ClassHead head(networks.config.vision.hiddenSize);
    VisionOptions vision;
    vision.minutes = options.visionMinutes;
    const auto tell = [&](const VisionReport& seen) {
        TrainReport report;
        report.step = seen.step;
        report.loss = seen.loss;
        report.visionRight = seen.right;
        report.samplesPerSecond = seen.samplesPerSecond;
        report.heldOutKind = seen.heldOut.kind;
        report.heldOutPlane = seen.heldOut.plane;
        onReport(report);
    };
    trainVision(networks, head, pool, heldOut, vision, random, tell, stop);
    VisionReport last;
    last.heldOut = tryPictures(networks, head, heldOut);
    tell(last);
}

} // namespace

void trainDemoModel(const TrainOptions& options, const std::function<void(const TrainReport&)>& onReport, const Progress& progress, std::stop_token stop)
{
    const PoolOptions poolOptions{options.pictures, 168, options.seed, options.realVolumes, options.poolCache};
    const std::vector<TrainingPicture> pool = makePool(poolOptions, progress, stop);
    PoolOptions unseenOptions = poolOptions;
    unseenOptions.pictures = std::min(400, options.pictures);
    unseenOptions.seed = options.seed + 5000;
    unseenOptions.cache.clear();
    const std::vector<TrainingPicture> unseenPool = makePool(unseenOptions, progress, stop);
    const ConversationWriter writer(pool, 168), unseenWriter(unseenPool, 168);

    const Tokenizer tokenizer = prepareTokenizer(options, writer);
    VilaNetworks networks = options.resume ? loadNetworks(options.output, torch::kFloat) : VilaNetworks(demoConfig(options, tokenizer));
    if (options.resume && options.visionMinutes > 0) {
        // A new tower and projector under the language model that there is.
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
    const int tokensPerImage = networks.config.tokensPerImage();
    const SampleMaker maker(tokenizer, tokensPerImage);
    Random random(options.seed * 31 + (options.resume ? std::uint64_t(Clock::now().time_since_epoch().count()) : 0));
    Random unseenRandom(options.seed + 999);
    std::vector<Sample> unseen;
    for (int n = 0; n < 320; ++n) {
        unseen.push_back(maker.make(unseenWriter.write(unseenRandom)));
    }
    std::sort(unseen.begin(), unseen.end(), [](const Sample& a, const Sample& b) { return a.rows < b.rows; });

    const auto save = [&] { saveNetworks(networks, options.output, torch::kBFloat16); };
    if (options.visionMinutes > 0) {
        learnToSee(networks, pool, options, random, onReport, stop);
        save();
    }
    // From here on the tower stays as it is: half of the time goes into the language model that way.
    for (const torch::Tensor& parameter : networks.vision->parameters()) {
        parameter.requires_grad_(false);
    }
    std::vector<torch::Tensor> learned = networks.projector->parameters();
    for (const torch::Tensor& parameter : networks.llm->parameters()) {
        learned.push_back(parameter);
    }
    torch::optim::AdamW optimizer = optimizerFor(learned, options.learningRate);

    const auto start = Clock::now();
    // The clock may decide: `done` is the share of the whole run that is over.
    const auto share = [&](int step) { return options.minutes > 0 ? secondsSince(start) / (options.minutes * 60) : double(step) / options.steps; };
    double lossSum = 0;
    int lossCount = 0;
    std::vector<std::vector<Sample>> queue;
    int step = 0;
    for (double done = 0; (done = share(step)) < 1; ++step) {
        if (stop.stop_requested()) {
            save();
            throw Cancelled();
        }
        if (queue.empty()) {
            // Eight batches at once, sorted, so that little is padding.
            std::vector<Sample> samples;
            for (int n = 0; n < 8 * options.batch; ++n) {
                samples.push_back(maker.make(writer.write(random)));
            }
            std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) { return a.rows < b.rows; });
            for (int n = 0; n < 8; ++n) {
                const auto first = samples.begin() + std::ptrdiff_t(n) * options.batch;
                queue.emplace_back(std::make_move_iterator(first), std::make_move_iterator(first + options.batch));
            }
            for (std::size_t n = queue.size(); n > 1; --n) {
                std::swap(queue[n - 1], queue[std::size_t(random.below(int(n)))]);
            }
        }
        const Batch batch = makeBatch(queue.back(), tokensPerImage, networks.config.preprocessor);
        queue.pop_back();
        const double warm = std::min(1.0, (step + 1) / 150.0);
        const double rate = options.learningRate * warm * (0.02 + 0.98 * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, done))));
        for (auto& group : optimizer.param_groups()) {
            static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
        }
        optimizer.zero_grad();
        torch::Tensor loss;
        {
            const Autocast autocast(options.bf16);
            loss = torch::nn::functional::cross_entropy(forward(networks, batch, networks.vision(batch.pixels)), batch.targets);
        }
        loss.backward();
        torch::nn::utils::clip_grad_norm_(learned, 1.0);
        optimizer.step();
        lossSum += loss.item<double>();
        ++lossCount;
        if ((step + 1) % 20 == 0) {
            TrainReport report;
            report.step = step + 1;
            report.steps = options.minutes > 0 ? int((step + 1) / std::max(1e-6, share(step))) : options.steps;
            report.loss = lossSum / lossCount;
            report.samplesPerSecond = (step + 1) * options.batch / secondsSince(start);
            lossSum = lossCount = 0;
            if ((step + 1) % options.saveEvery == 0) {
                tryUnseen(networks, tokenizer, unseen, options, report);
                save();
            }
            onReport(report);
        }
    }
    save();
    TrainReport report;
    report.step = report.steps = step;
    tryUnseen(networks, tokenizer, unseen, options, report);
    onReport(report);
}

} // namespace hf::assistant::train
