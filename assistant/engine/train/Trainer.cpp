#include "assistant/engine/train/Trainer.h"

#include "assistant/engine/Tokenizer.h"
#include "assistant/engine/VilaNetworks.h"
#include "assistant/engine/train/Conversations.h"
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
    std::vector<int> classes;
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
        sample.classes = conversation.classes;
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
    torch::Tensor classes;      // [n] int64, of the pictures
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
    std::vector<std::int64_t> imageRows, from, targets, classes;
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
        classes.insert(classes.end(), sample.classes.begin(), sample.classes.end());
    }
    batch.classes = torch::tensor(classes, torch::kLong);
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

/// Tells picture classes from the mean of the features; thrown away after training.
class ClassHeadImpl : public torch::nn::Module {
public:
    explicit ClassHeadImpl(int width)
    {
        norm = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})));
        linear = register_module("linear", torch::nn::Linear(width, kPictureClasses));
    }
    /// [n, T, C] -> [n, classes]
    torch::Tensor forward(const torch::Tensor& features) { return linear(norm(features).mean(1)); }

private:
    torch::nn::LayerNorm norm{nullptr};
    torch::nn::Linear linear{nullptr};
};
TORCH_MODULE(ClassHead);

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
    config.vision = {192, 576, 6, 4, 3, 168, 14, 1e-6};
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

std::vector<torch::Tensor> parametersOf(const torch::nn::Module& a, const torch::nn::Module& b)
{
    std::vector<torch::Tensor> all = a.parameters();
    const std::vector<torch::Tensor> more = b.parameters();
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

/// Position embeddings as sines and cosines of row and column, as strong as the patches': small random ones take very long to mean a place.
void placePositions(VilaNetworks& networks)
{
    torch::NoGradGuard noGrad;
    const std::int64_t side = networks.config.vision.patchesPerSide(), width = networks.config.vision.hiddenSize, quarter = width / 4;
    for (auto& parameter : networks.vision->named_parameters()) {
        if (parameter.key().find("position_embedding") == std::string::npos) {
            continue;
        }
        const torch::Tensor frequency = torch::pow(100.0, -torch::arange(quarter, torch::kFloat) / double(quarter));
        const torch::Tensor place = torch::outer(torch::arange(side, torch::kFloat), frequency);    // [side, quarter]
        const torch::Tensor waves = torch::cat({place.sin(), place.cos()}, 1);                      // [side, width / 2]
        const torch::Tensor rows = waves.unsqueeze(1).expand({side, side, 2 * quarter}), columns = waves.unsqueeze(0).expand({side, side, 2 * quarter});
        parameter.value().copy_(0.2 * torch::cat({rows, columns}, 2).reshape({side * side, width}));
    }
}

/// A fresh vision tower. Patch filters whiten the pool's patches (principal components, each scaled to the same strength): random ones see little but the mean.
void initialiseVision(VilaNetworks& networks, const std::vector<TrainingPicture>& pool)
{
    torch::NoGradGuard noGrad;
    const std::int64_t size = networks.config.vision.imageSize, patch = networks.config.vision.patchSize, side = size / patch, area = patch * patch, width = networks.config.vision.hiddenSize;
    torch::Tensor covariance = torch::zeros({area, area}, torch::kDouble), sum = torch::zeros({area}, torch::kDouble);
    double count = 0;
    for (std::size_t n = 0; n < std::min<std::size_t>(pool.size(), 1500); ++n) {
        const torch::Tensor grey = torch::from_blob(const_cast<std::uint8_t*>(pool[n].grey.data()), {size, size}, torch::kByte).to(torch::kDouble) / 127.5 - 1;
        const torch::Tensor patches = grey.view({side, patch, side, patch}).permute({0, 2, 1, 3}).reshape({side * side, area});
        covariance += patches.t().mm(patches);
        sum += patches.sum(0);
        count += double(side * side);
    }
    const torch::Tensor mean = sum / count;
    covariance = covariance / count - torch::outer(mean, mean);
    const auto [values, vectors] = torch::linalg_eigh(covariance, "L");
    // Ascending: the strongest come last. Weak components are noise and stay weak.
    const std::int64_t kept = std::min(width, area);
    const torch::Tensor strong = values.narrow(0, area - kept, kept).clamp_min(0), basis = vectors.narrow(1, area - kept, kept);
    // Weak against what the layers add, so that they count from the start.
    const torch::Tensor filters = (basis / (strong + 2e-3 * strong.max().clamp_max(1.0) + 1e-3).sqrt().unsqueeze(0)).t() * 0.15;   // [kept, area]
    for (auto& parameter : networks.vision->named_parameters()) {
        if (parameter.key().find("patch_embedding.weight") != std::string::npos) {
            torch::Tensor weight = torch::zeros({width, 3, patch, patch}, torch::kDouble);
            weight.narrow(0, 0, kept).copy_((filters / 3).view({kept, 1, patch, patch}).expand({kept, 3, patch, patch}));
            parameter.value().copy_(weight + 0.003 * torch::randn_like(weight));
        } else if (parameter.key().find("encoder") != std::string::npos && parameter.value().dim() == 2) {
            // By the number of inputs: attention that tells places and contents apart from the first step.
            const bool residual = parameter.key().find("out_proj") != std::string::npos || parameter.key().find("fc2") != std::string::npos;
            parameter.value().normal_(0, (residual ? 0.5 : 1.0) / std::sqrt(double(parameter.value().size(1))));
        } else if (parameter.key().find("encoder") != std::string::npos) {
            parameter.key().find("bias") != std::string::npos ? parameter.value().zero_() : parameter.value().fill_(1);
        } else if (parameter.key().find("patch_embedding.bias") != std::string::npos) {
            parameter.value().zero_();
            parameter.value().narrow(0, 0, kept).copy_(-filters.mv(mean));
        }
    }
}

/// The vision tower learns to tell kinds and planes of pictures apart, before it learns to speak about them.
void trainVision(VilaNetworks& networks, ClassHead& head, const std::vector<TrainingPicture>& pool, const TrainOptions& options, Random& random,
    const std::function<void(const TrainReport&)>& onReport, const std::stop_token& stop)
{
    constexpr int kBatch = 64;
    torch::optim::AdamW optimizer(parametersOf(*networks.vision, *head), torch::optim::AdamWOptions(1e-3).betas({0.9, 0.98}).weight_decay(0.05));
    const auto start = Clock::now();
    double lossSum = 0, right = 0;
    int count = 0;
    for (int step = 0;; ++step) {
        const double done = secondsSince(start) / (options.visionMinutes * 60);
        if (done >= 1) {
            return;
        }
        throwIfStopped(stop);
        std::vector<Picture> pictures;
        std::vector<std::int64_t> classes;
        for (int n = 0; n < kBatch; ++n) {
            const TrainingPicture picture = varied(pool[std::size_t(random.below(int(pool.size())))], 168, random);
            const bool masked = !picture.labels.empty() && random.chance(0.2);
            pictures.push_back(masked ? toMaskedPicture(picture, 168, picture.labels) : toPicture(picture, 168));
            classes.push_back(pictureClass(picture));
        }
        const double rate = 1e-3 * std::min(1.0, (step + 1) / 60.0) * (0.05 + 0.95 * 0.5 * (1 + std::cos(std::numbers::pi * done)));
        static_cast<torch::optim::AdamWOptions&>(optimizer.param_groups()[0].options()).lr(rate);
        optimizer.zero_grad();
        const torch::Tensor targets = torch::tensor(classes, torch::kLong);
        torch::Tensor loss, logits;
        {
            const Autocast autocast(options.bf16);
            logits = head(networks.vision(pixelTensor(pictures, networks.config.preprocessor)).to(torch::kFloat)).to(torch::kFloat);
            loss = torch::nn::functional::cross_entropy(logits, targets);
        }
        loss.backward();
        torch::nn::utils::clip_grad_norm_(networks.vision->parameters(), 1.0);
        optimizer.step();
        lossSum += loss.item<double>();
        right += logits.argmax(1).eq(targets).to(torch::kFloat).mean().item<double>();
        if (++count == 20) {
            TrainReport report;
            report.step = step + 1;
            report.loss = lossSum / count;
            report.samplesPerSecond = (step + 1) * kBatch / secondsSince(start);
            report.visionRight = right / count;
            onReport(report);
            lossSum = right = count = 0;
        }
    }
}

/// Cuts the shares of conversations that are right word by word (what greedy decoding would give).
void tryUnseen(VilaNetworks& networks, const std::vector<Sample>& samples, const TrainOptions& options, TrainReport& report)
{
    torch::NoGradGuard noGrad;
    const Autocast autocast(options.bf16);
    int first = 0, all = 0;
    const int tokensPerImage = networks.config.tokensPerImage();
    for (std::size_t at = 0; at < samples.size(); at += std::size_t(options.batch)) {
        const std::span<const Sample> part(samples.data() + at, std::min(samples.size() - at, std::size_t(options.batch)));
        const Batch batch = makeBatch(part, tokensPerImage, networks.config.preprocessor);
        const torch::Tensor right = forward(networks, batch, networks.vision(batch.pixels)).argmax(1).eq(batch.targets).contiguous();
        std::vector<bool> firstRight(part.size(), true), allRight(part.size(), true);
        for (std::size_t n = 0; n < batch.answers.size(); ++n) {
            const auto [sample, answer] = batch.answers[n];
            if (!right.data_ptr<bool>()[n]) {
                allRight[std::size_t(sample)] = false;
                if (answer == 0) {
                    firstRight[std::size_t(sample)] = false;
                }
            }
        }
        first += int(std::count(firstRight.begin(), firstRight.end(), true));
        all += int(std::count(allRight.begin(), allRight.end(), true));
    }
    report.exactFirst = double(first) / double(samples.size());
    report.exactAll = double(all) / double(samples.size());
}

} // namespace

void trainDemoModel(const TrainOptions& options, const std::function<void(const TrainReport&)>& onReport, const Progress& progress, std::stop_token stop)
{
    const PoolOptions poolOptions{options.pictures, 168, options.seed, options.realVolumes};
    const std::vector<TrainingPicture> pool = makePool(poolOptions, progress, stop);
    PoolOptions unseenOptions = poolOptions;
    unseenOptions.pictures = std::min(400, options.pictures);
    unseenOptions.seed = options.seed + 5000;
    const std::vector<TrainingPicture> unseenPool = makePool(unseenOptions, progress, stop);
    const ConversationWriter writer(pool, 168), unseenWriter(unseenPool, 168);

    const Tokenizer tokenizer = prepareTokenizer(options, writer);
    VilaNetworks networks = options.resume ? loadNetworks(options.output, torch::kFloat) : VilaNetworks(demoConfig(options, tokenizer));
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

    ClassHead head(networks.config.vision.hiddenSize);
    if (!options.resume || options.newPositions) {
        placePositions(networks);
        initialiseVision(networks, pool);
    }
    if (options.visionMinutes > 0) {
        trainVision(networks, head, pool, options, random, onReport, stop);
    }
    std::vector<torch::Tensor> decayed, plain;
    for (const std::vector<torch::Tensor>& list : {networks.parameters(), head->parameters()}) {
        for (const torch::Tensor& parameter : list) {
            (parameter.dim() >= 2 ? decayed : plain).push_back(parameter);
        }
    }
    using torch::optim::AdamWOptions;
    std::vector<torch::optim::OptimizerParamGroup> groups;
    groups.emplace_back(decayed, std::make_unique<AdamWOptions>(AdamWOptions(options.learningRate).betas({0.9, 0.98}).weight_decay(0.05)));
    groups.emplace_back(plain, std::make_unique<AdamWOptions>(AdamWOptions(options.learningRate).betas({0.9, 0.98}).weight_decay(0)));
    torch::optim::AdamW optimizer(groups, AdamWOptions(options.learningRate));

    const auto start = Clock::now();
    // The clock may decide: `done` is the share of the whole run that is over.
    const auto share = [&](int step) { return options.minutes > 0 ? secondsSince(start) / (options.minutes * 60) : double(step) / options.steps; };
    double lossSum = 0;
    int lossCount = 0;
    std::vector<std::vector<Sample>> queue;
    const auto save = [&] { saveNetworks(networks, options.output, torch::kBFloat16); };
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
        const double rate = options.learningRate * warm * (0.03 + 0.97 * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, done))));
        for (auto& group : optimizer.param_groups()) {
            static_cast<AdamWOptions&>(group.options()).lr(rate);
        }
        optimizer.zero_grad();
        torch::Tensor loss;
        {
            const Autocast autocast(options.bf16);
            const torch::Tensor features = networks.vision(batch.pixels);
            loss = torch::nn::functional::cross_entropy(forward(networks, batch, features), batch.targets);
            // What was learned about pictures is kept while the rest learns.
            const torch::Tensor told = head(features.to(torch::kFloat)).to(torch::kFloat);
            loss = loss + 0.2 * torch::nn::functional::cross_entropy(told, batch.classes);
        }
        loss.backward();
        torch::nn::utils::clip_grad_norm_(networks.parameters(), 1.0);
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
                tryUnseen(networks, unseen, options, report);
                save();
            }
            onReport(report);
        }
    }
    save();
    TrainReport report;
    report.step = report.steps = step;
    tryUnseen(networks, unseen, options, report);
    onReport(report);
}

} // namespace hf::assistant::train
