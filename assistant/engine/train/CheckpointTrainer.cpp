#include "assistant/engine/train/CheckpointTrainer.h"

#include "assistant/engine/Autocast.h"
#include "assistant/engine/MemoryNeed.h"
#include "assistant/engine/PictureFile.h"
#include "assistant/engine/PillowResize.h"
#include "assistant/engine/Tokenizer.h"
#include "assistant/engine/train/Dialogues.h"
#include "assistant/engine/train/Samples.h"
#include "assistant/engine/train/Stopwatch.h"
#include "assistant/engine/train/TrainingLog.h"
#include "assistant/engine/train/TrainingState.h"
#include "experts/runtime/Cuda.h"
#include "experts/runtime/Processor.h"
#include "viewer/volume/Error.h"

#include <torch/nn/functional/loss.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <numbers>
#include <optional>
#include <sstream>

namespace hf::assistant::train {

namespace fs = std::filesystem;

namespace {

constexpr double kReportSeconds = 5;
const char* const kState = "training.safetensors";

int stepsOf(const TuneOptions& options, std::int64_t passLength)
{
    const double perStep = double(options.batch) * options.accumulate;
    return options.steps > 0 ? options.steps : std::max(1, int(std::ceil(options.epochs * double(passLength) / perStep)));
}

/// As transformers' cosine schedule: rises from 0 at the first step, then falls to 0.
double rateAt(int step, int steps, const TuneOptions& options, double most)
{
    const int rising = int(std::ceil(options.warmup * steps));
    if (step < rising) {
        return most * step / rising;
    }
    return most * 0.5 * (1 + std::cos(std::numbers::pi * (step - rising) / std::max(1, steps - rising)));
}

/// What must be the same when a killed run goes on.
std::string settingsOf(const TuneOptions& options, const TunedParts& parts, int steps, std::int64_t passLength)
{
    std::ostringstream text;
    text << std::setprecision(17) << options.model.string() << ' ' << nameOf(parts) << ' ' << options.conversation;
    for (const double value : {double(steps), double(passLength), double(options.batch), double(options.accumulate), options.rate, options.warmup, options.weightDecay, options.clip, double(options.bf16), double(options.seed),
             double(options.stage), options.lora ? double(options.lora->rank) : 0, options.lora ? options.lora->alpha : 0}) {
        text << ' ' << value;
    }
    for (const auto& [file, weight] : options.data) {
        text << ' ' << file.string() << ':' << weight;
    }
    return text.str();
}

void checkOptions(const TuneOptions& options)
{
    if (options.data.empty() || options.batch < 1 || options.accumulate < 1 || options.steps < 0 || !(options.epochs > 0) || options.rate < 0 || options.warmup < 0 || options.warmup > 1 || options.heldPart < 0 ||
        options.heldPart >= 1 || options.saveEvery < 1 || options.validateEvery < 1 || options.clip <= 0 || options.weightDecay < 0) {
        throw Error("numbers of a training are above 0, the shares of warm-up and of the held part at most 1", "usage");
    }
    if (options.lora && (options.lora->rank < 1 || !(options.lora->alpha > 0))) {
        throw Error("a LoRA rank is at least 1, its alpha above 0", "usage");
    }
    std::error_code error;
    if (fs::equivalent(options.model, options.output, error)) {
        throw Error("the new checkpoint needs a folder of its own, not that of the model that it begins with", "usage");
    }
    const bool hasState = fs::exists(options.output / kState, error);
    if (hasState && !options.resume) {
        throw Error((options.output / kState).string() + " is of a run that was not finished; --resume goes on with it, remove it to begin anew", "settings");
    }
    if (!hasState && options.resume && fs::exists(options.output / "config.json", error)) {
        throw Error(options.output.string() + " holds a finished checkpoint, and no run to go on with", "settings");
    }
}

/// Weights, and of what is learned gradient and two averages, in fp32.
void checkTrainingMemory(const fs::path& root, const TunedParts& parts, const TuneOptions& options)
{
    const auto available = availableMemory();
    if (!available || options.device != "cpu") {
        return;
    }
    const WithoutWeights withoutWeights;
    const VilaNetworks networks(loadVilaConfig(root));
    const auto bytesOf = [&](const torch::nn::Module& module, bool isTuned) {
        double count = 0;
        for (const torch::Tensor& parameter : module.parameters()) {
            count += double(parameter.numel());
        }
        return count * (isTuned ? 16 : options.bf16 ? 2 : 4);
    };
    const double need = bytesOf(*networks.llm, parts.llm && !options.lora) + bytesOf(*networks.vision, parts.vision && !options.lora) + bytesOf(*networks.projector, parts.projector);
    if (need > double(*available)) {
        throw Error("training this takes at least " + std::to_string(std::int64_t(need / 1e9)) + " GB of memory, " + std::to_string(std::int64_t(double(*available) / 1e9)) + " GB are free" +
            (options.lora ? "" : "; with --lora less is needed"), "memory");
    }
}

/// Dialogues to batches of tensors.
class BatchMaker {
public:
    BatchMaker(const fs::path& root, const VilaConfig& config, const TuneOptions& options) : m_config(config), m_tokenizer(Tokenizer::load(tokenizerFolder(root)))
    {
        m_template = !config.hounsfield.conversation.empty() ? config.hounsfield.conversation : m_tokenizer.find("<|eot_id|>") ? "llama_3" : "vicuna_v1";
        if (!options.conversation.empty()) {
            m_template = options.conversation;
        } else if (options.stage == Stage::Align && m_template == "vicuna_v1") {
            m_template = "plain";
        }
        m_maxRows = config.llm.maxSequence > 0 ? std::min<std::int64_t>(config.llm.maxSequence, config.longestSequence()) : config.longestSequence();
    }

    SampleBatch make(const std::vector<const Dialogue*>& dialogues) const
    {
        std::vector<Sample> samples;
        for (const Dialogue* dialogue : dialogues) {
            samples.push_back(sample(*dialogue));
        }
        return makeBatch(samples, m_config.tokensPerImage(), m_config.preprocessor, m_maxRows);
    }

private:
    Sample sample(const Dialogue& dialogue) const
    {
        Sample made = sampleOf(m_tokenizer, m_config.generation.bosToken, trainingText(m_template, dialogue.messages));
        const auto largest = std::max_element(made.ids.begin(), made.ids.end());
        if (largest != made.ids.end() && *largest >= m_config.llm.vocabSize) {
            throw Error(dialogue.place + "the tokenizer gives the id " + std::to_string(*largest) + ", the language model knows " + std::to_string(m_config.llm.vocabSize), "checkpoint");
        }
        for (const fs::path& file : dialogue.pictures) {
            try {
                made.pictures.push_back(preprocess(readPictureFile(file), m_config.preprocessor.size, m_config.imageAspectRatio, m_config.preprocessor.padColor()));
            } catch (const Error& error) {
                throw Error(dialogue.place + error.what(), error.code());
            }
        }
        return made;
    }

    VilaConfig m_config;
    Tokenizer m_tokenizer;
    std::string m_template;
    std::int64_t m_maxRows;
};

/// Sum of the losses of a batch's learned tokens.
torch::Tensor lossSum(VilaNetworks& networks, const SampleBatch& batch, bool bf16)
{
    torch::Tensor logits;
    {
        const Autocast autocast(bf16, batch.ids.device().type());
        logits = forward(networks, batch);
    }
    return torch::nn::functional::cross_entropy(logits, batch.targets, torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum));
}

torch::optim::AdamW optimizerFor(const std::vector<torch::Tensor>& learned, double rate, double weightDecay)
{
    using torch::optim::AdamWOptions;
    std::vector<torch::Tensor> decayed, plain;
    for (const torch::Tensor& parameter : learned) {
        (parameter.dim() >= 2 ? decayed : plain).push_back(parameter);
    }
    std::vector<torch::optim::OptimizerParamGroup> groups;
    groups.emplace_back(decayed, std::make_unique<AdamWOptions>(AdamWOptions(rate).weight_decay(weightDecay)));
    groups.emplace_back(plain, std::make_unique<AdamWOptions>(AdamWOptions(rate).weight_decay(0)));
    return torch::optim::AdamW(groups, AdamWOptions(rate));
}

/// What is learned from and what is only tried.
struct TrainingData {
    Mixture mixture;
    std::vector<Dialogue> tried;
};

/// At most so many, evenly over the list.
std::vector<Dialogue> someOf(std::vector<Dialogue> list, int limit)
{
    const auto most = std::size_t(std::max(0, limit));
    if (list.size() <= most) {
        return list;
    }
    std::vector<Dialogue> some;
    for (std::size_t n = 0; n < most; ++n) {
        some.push_back(std::move(list[n * list.size() / most]));
    }
    return some;
}

TrainingData readData(const TuneOptions& options)
{
    std::vector<std::pair<std::vector<Dialogue>, double>> files;
    std::vector<Dialogue> tried;
    for (const auto& [file, weight] : options.data) {
        HeldBack parts = holdBack(readDialogues(file), options.validation.empty() ? options.heldPart : 0);
        std::move(parts.tried.begin(), parts.tried.end(), std::back_inserter(tried));
        files.emplace_back(std::move(parts.learned), weight);
    }
    for (const fs::path& file : options.validation) {
        std::vector<Dialogue> more = readDialogues(file);
        std::move(more.begin(), more.end(), std::back_inserter(tried));
    }
    return {Mixture(std::move(files), options.seed), someOf(std::move(tried), options.validationLimit)};
}

/// One run: steps, their reports, and what is kept of them.
class Run {
public:
    Run(const TuneOptions& options, const TunedParts& parts, const fs::path& root, TrainingData data)
        : m_options(options), m_data(std::move(data)), m_device(runtime::chooseDevice(options.device)), m_tuning(root, parts, options.lora, options.bf16, m_device, options.seed), m_maker(root, m_tuning.networks().config, options),
          m_learned(m_tuning.learnedTensors()), m_steps(stepsOf(options, m_data.mixture.passLength())), m_rate(options.rate > 0 ? options.rate : publishedRate(options.stage)),
          m_optimizer(optimizerFor(m_learned, m_rate, options.weightDecay)),
          m_state(options.output / kState, settingsOf(options, parts, m_steps, m_data.mixture.passLength()), m_learned, m_learned)
    {
        m_tuning.networks().llm->setRecomputes(options.checkpointing);
        m_tuning.networks().vision->setRecomputes(options.checkpointing && parts.vision);
    }

    TuneSummary summary() const
    {
        return {m_tuning.parts(), m_tuning.learnedCount(), m_tuning.networks().parameterCount(), m_data.mixture.passLength(), m_data.tried.size(), m_steps, m_rate};
    }

    TuneReport go(const std::function<void(const TuneReport&)>& onReport, const std::stop_token& stop)
    {
        if (m_options.resume) {
            m_place = m_state.load(m_optimizer).value_or(RunPlace{});
        }
        TrainingLog log(m_options.output, int(m_place.step));
        TuneReport report;
        for (int step = int(m_place.step); step < m_steps; ++step) {
            const std::optional<TrainingLog::Row> learned = learn(step, stop);
            if (!learned) {
                save(step, log);
                throw Cancelled();
            }
            const bool isLast = step + 1 == m_steps, tries = (step + 1) % m_options.validateEvery == 0 || isLast;
            TrainingLog::Row row = *learned;
            row.validation = tries ? validationLoss() : -1;
            log.add(row);
            if (tries || m_sinceReport.seconds() >= kReportSeconds) {
                report = reportOf(row);
                onReport(report);
            }
            if ((step + 1) % m_options.saveEvery == 0 && !isLast) {
                save(step + 1, log);
            }
        }
        log.draw();
        m_tuning.save(m_options.output, "stage " + nameOf(m_options.stage) + ", tuned " + nameOf(m_tuning.parts()) + (m_options.lora ? " with LoRA" : "") + ", " + std::to_string(m_steps) + " steps");
        m_state.remove();
        return report;
    }

private:
    /// Nothing when a stop was asked for: then the weights are as they were.
    std::optional<TrainingLog::Row> learn(int step, const std::stop_token& stop)
    {
        const double rate = rateAt(step, m_steps, m_options, m_rate);
        for (auto& group : m_optimizer.param_groups()) {
            static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
        }
        std::int64_t tokens = 0, rows = 0;
        int cut = 0;
        const std::int64_t count = std::int64_t(m_options.batch) * m_options.accumulate;
        m_optimizer.zero_grad();
        double sum = 0;
        for (std::int64_t n = 0; n < count; n += m_options.batch) {
            if (stop.stop_requested()) {
                return std::nullopt;
            }
            std::vector<const Dialogue*> dialogues;
            for (int one = 0; one < m_options.batch; ++one) {
                dialogues.push_back(&m_data.mixture.at(step * count + n + one));
            }
            SampleBatch batch = m_maker.make(dialogues);
            tokens += batch.targets.size(0);
            rows += batch.rows;
            cut += batch.cut;
            if (batch.targets.size(0) == 0) {
                continue;
            }
            batch.to(m_device);
            const torch::Tensor loss = lossSum(m_tuning.networks(), batch, m_options.bf16);
            // A text without a picture tells a projector nothing.
            if (loss.requires_grad()) {
                loss.backward();
            }
            sum += loss.item<double>();
        }
        takeMean(tokens);
        sum /= double(std::max<std::int64_t>(1, tokens));
        if (const double length = torch::nn::utils::clip_grad_norm_(m_learned, m_options.clip); !std::isfinite(sum) || !std::isfinite(length)) {
            throw Error("the loss of step " + std::to_string(step + 1) + " or its gradient is no number; a lower --rate or --precision fp32 may help. The last state that was saved is kept", "diverged");
        }
        m_optimizer.step();
        m_conversations += count;
        m_rows += rows;
        m_cut += cut;
        m_lossSum += sum;
        ++m_lossCount;
        return TrainingLog::Row{step + 1, sum, rate, int(count)};
    }

    /// Gradients of a sum over so many tokens to those of their mean: how many there are is known when all batches were made, which are not kept.
    void takeMean(std::int64_t tokens)
    {
        for (torch::Tensor& tensor : m_learned) {
            if (tensor.grad().defined() && tokens > 0) {
                tensor.mutable_grad().div_(double(tokens));
            }
        }
    }

    /// Mean over the learned tokens of what is only tried; -1 without any.
    double validationLoss()
    {
        const torch::NoGradGuard noGrad;
        double sum = 0;
        std::int64_t tokens = 0;
        for (std::size_t n = 0; n < m_data.tried.size(); n += std::size_t(m_options.batch)) {
            std::vector<const Dialogue*> dialogues;
            for (std::size_t one = n; one < std::min(m_data.tried.size(), n + std::size_t(m_options.batch)); ++one) {
                dialogues.push_back(&m_data.tried[one]);
            }
            SampleBatch batch = m_maker.make(dialogues);
            batch.to(m_device);
            sum += lossSum(m_tuning.networks(), batch, m_options.bf16).item<double>();
            tokens += batch.targets.size(0);
        }
        return tokens > 0 ? sum / double(tokens) : -1;
    }

    TuneReport reportOf(const TrainingLog::Row& row)
    {
        TuneReport report;
        report.step = row.step;
        report.steps = m_steps;
        report.loss = m_lossSum / std::max(1, m_lossCount);
        report.rate = row.rate;
        const double seconds = m_clock.seconds();
        report.samplesPerSecond = double(m_conversations) / seconds;
        report.tokensPerSecond = double(m_rows) / seconds;
        report.secondsLeft = seconds / double(row.step - m_place.step) * (m_steps - row.step);
        report.validationLoss = row.validation;
        report.cut = m_cut;
        m_lossSum = m_lossCount = 0;
        m_sinceReport = Stopwatch();
        return report;
    }

    void save(int step, const TrainingLog& log)
    {
        m_state.save(m_optimizer, {step, m_place.milliseconds + std::int64_t(m_clock.seconds() * 1000), step * std::int64_t(m_options.batch) * m_options.accumulate, 0, RunPlace::kNever});
        log.draw();
    }

    TuneOptions m_options;
    TrainingData m_data;
    torch::Device m_device;
    Tuning m_tuning;
    BatchMaker m_maker;
    std::vector<torch::Tensor> m_learned;
    int m_steps;
    double m_rate;
    torch::optim::AdamW m_optimizer;
    TrainingState m_state;
    RunPlace m_place;
    Stopwatch m_clock, m_sinceReport;
    double m_lossSum = 0;
    int m_lossCount = 0, m_cut = 0;
    std::int64_t m_conversations = 0, m_rows = 0;
};

} // namespace

bool hasFastBf16(const std::string& device) { return runtime::chooseDevice(device).is_cuda() || runtime::hasFastBf16(); }

TuneReport trainCheckpoint(const TuneOptions& options, const std::function<void(const TuneSummary&)>& onStart, const std::function<void(const TuneReport&)>& onReport, std::stop_token stop)
{
    checkOptions(options);
    const TunedParts parts = options.parts.value_or(partsOf(options.stage));
    const fs::path root = checkpointRoot(options.model);
    checkTrainingMemory(root, parts, options);
    Run run(options, parts, root, readData(options));
    if (onStart) {
        onStart(run.summary());
    }
    return run.go(onReport, stop);
}

} // namespace hf::assistant::train
