#include "assistant/engine/train/Samples.h"

#include "viewer/volume/Error.h"

#include <algorithm>

namespace hf::assistant::train {

Sample SampleMaker::make(const Conversation& conversation, int answers) const
{
    const TrainingText text = trainingText("llama_3", conversation.messages);
    Sample sample;
    std::size_t at = 0;
    int answer = 0;
    for (const auto& [begin, end] : text.learned) {
        if (answer == answers) {
            break;
        }
        addPrompt(sample, text.text.substr(at, begin - at));
        add(sample, text.text.substr(begin, end - begin), answer++);
        at = end;
    }
    const auto shown = std::count(sample.ids.begin(), sample.ids.end(), Sample::kImage);
    sample.pictures.assign(conversation.pictures.begin(), conversation.pictures.begin() + shown);
    return sample;
}

void SampleMaker::addPrompt(Sample& sample, const std::string& text) const
{
    const std::string marker = "<image>";
    std::size_t at = 0;
    for (std::size_t hit = text.find(marker); hit != std::string::npos; hit = text.find(marker, at)) {
        add(sample, text.substr(at, hit - at), -1);
        sample.ids.push_back(Sample::kImage);
        sample.answerOf.push_back(-1);
        at = hit + marker.size();
    }
    add(sample, text.substr(at), -1);
}

void SampleMaker::add(Sample& sample, const std::string& text, int answer) const
{
    const bool isFirst = sample.ids.empty();
    if (isFirst && text != m_lastText) {
        m_lastIds = m_tokenizer.encode(text);
        m_lastText = text;
    }
    const std::vector<TokenId> ids = isFirst ? m_lastIds : m_tokenizer.encode(text);
    for (std::size_t n = isFirst ? 0 : m_prefix; n < ids.size(); ++n) {
        sample.ids.push_back(ids[n]);
        sample.answerOf.push_back(answer);
    }
}

namespace {

/// How many tokens of `ids` lie before the place where `beginning` ends: those that it begins with too.
std::size_t tokensOf(const Tokenizer& tokenizer, const std::string& beginning, const std::vector<TokenId>& ids)
{
    const std::vector<TokenId> before = tokenizer.encode(beginning);
    return std::size_t(std::mismatch(ids.begin(), ids.end(), before.begin(), before.end()).first - ids.begin());
}

/// Byte ranges of the text between pictures.
std::vector<std::pair<std::size_t, std::size_t>> chunksOf(const std::string& text)
{
    const std::string marker = "<image>";
    std::vector<std::pair<std::size_t, std::size_t>> chunks;
    std::size_t begin = 0;
    for (std::size_t at = text.find(marker); at != std::string::npos; at = text.find(marker, begin)) {
        chunks.emplace_back(begin, at);
        begin = at + marker.size();
    }
    chunks.emplace_back(begin, text.size());
    return chunks;
}

} // namespace

Sample sampleOf(const Tokenizer& tokenizer, TokenId bos, const TrainingText& text)
{
    Sample sample;
    std::size_t offset = 0;
    for (const auto& [begin, end] : chunksOf(text.text)) {
        const std::string chunk = text.text.substr(begin, end - begin);
        const std::vector<TokenId> ids = tokenizer.encode(chunk);
        std::vector<int> answerOf(ids.size(), -1);
        for (std::size_t answer = 0; answer < text.learned.size(); ++answer) {
            const auto [from, to] = text.learned[answer];
            if (from >= begin && to <= end) {
                const std::size_t first = tokensOf(tokenizer, chunk.substr(0, from - begin), ids), last = tokensOf(tokenizer, chunk.substr(0, to - begin), ids);
                std::fill(answerOf.begin() + std::ptrdiff_t(first), answerOf.begin() + std::ptrdiff_t(std::max(first, last)), int(answer));
            }
        }
        if (begin > 0) {
            sample.ids.push_back(Sample::kImage);
            sample.answerOf.push_back(-1);
        } else if (!ids.empty() && ids[0] == bos) {
            offset = 1;
            sample.ids.push_back(bos);
            sample.answerOf.push_back(-1);
        }
        const auto skipped = std::ptrdiff_t(std::min(offset, ids.size()));
        sample.ids.insert(sample.ids.end(), ids.begin() + skipped, ids.end());
        sample.answerOf.insert(sample.answerOf.end(), answerOf.begin() + skipped, answerOf.end());
    }
    return sample;
}

std::size_t sharedLength(std::span<const Sample> samples)
{
    const std::vector<TokenId>& first = samples[0].ids;
    std::size_t length = first.size();
    for (const Sample& sample : samples) {
        const auto learned = std::find_if(sample.answerOf.begin(), sample.answerOf.end(), [](int answer) { return answer >= 0; });
        const auto most = std::min(length, std::size_t(learned - sample.answerOf.begin()) - 1);
        length = std::size_t(std::mismatch(first.begin(), first.begin() + std::ptrdiff_t(most), sample.ids.begin()).first - first.begin());
    }
    return length;
}

namespace {

/// Writes ids into rows of a tensor; pictures take `tokensPerImage` rows each, whose places are listed.
struct RowWriter {
    int tokensPerImage;
    std::vector<std::int64_t> imageRows;

    std::size_t rows(std::span<const TokenId> ids) const
    {
        return ids.size() + std::size_t(std::count(ids.begin(), ids.end(), Sample::kImage)) * std::size_t(tokensPerImage - 1);
    }

    /// @param data  the row at `at` is the first to be written. @param visit  gets each id's number and row.
    template <typename Visit> void write(std::span<const TokenId> ids, std::int64_t* data, std::int64_t at, Visit&& visit)
    {
        for (std::size_t n = 0; n < ids.size(); ++n) {
            if (ids[n] == Sample::kImage) {
                for (int row = 0; row < tokensPerImage; ++row) {
                    imageRows.push_back(at++);
                }
            } else {
                visit(n, at);
                data[at++] = ids[n];
            }
        }
    }
};

torch::Tensor placed(const torch::Tensor& text, const torch::Tensor& rows, const torch::Tensor& images)
{
    const std::int64_t hidden = text.size(2);
    return text.reshape({-1, hidden}).index_copy(0, rows, images.to(text.scalar_type())).view_as(text);
}

} // namespace

SampleTree makeTree(std::span<const Sample> samples, int tokensPerImage, const PreprocessorConfig& preprocessor)
{
    const std::size_t shared = sharedLength(samples);
    const std::span<const TokenId> beginning(samples[0].ids.data(), shared);
    const auto restOf = [&](const Sample& sample) { return std::span(sample.ids).subspan(shared); };
    RowWriter early{tokensPerImage, {}}, late{tokensPerImage, {}};
    std::size_t width = 0;
    for (const Sample& sample : samples) {
        width = std::max(width, late.rows(restOf(sample)));
    }
    SampleTree tree;
    tree.beginning = torch::zeros({1, std::int64_t(early.rows(beginning))}, torch::kLong);
    tree.branches = torch::zeros({std::int64_t(samples.size()), std::int64_t(width)}, torch::kLong);
    early.write(beginning, tree.beginning.data_ptr<std::int64_t>(), 0, [](std::size_t, std::int64_t) {});
    const auto earlyPictures = std::count(beginning.begin(), beginning.end(), Sample::kImage);
    std::vector<Picture> pictures(samples[0].pictures.begin(), samples[0].pictures.begin() + earlyPictures);
    std::vector<std::int64_t> from, targets;
    for (std::size_t branch = 0; branch < samples.size(); ++branch) {
        const Sample& sample = samples[branch];
        late.write(restOf(sample), tree.branches.data_ptr<std::int64_t>(), std::int64_t(branch * width), [&](std::size_t n, std::int64_t row) {
            if (const int answer = sample.answerOf[shared + n]; answer >= 0) {
                from.push_back(row - 1);
                targets.push_back(sample.ids[shared + n]);
                tree.answers.emplace_back(int(branch), answer);
            }
        });
        pictures.insert(pictures.end(), sample.pictures.begin() + earlyPictures, sample.pictures.end());
    }
    tree.pixels = pixelTensor(pictures, preprocessor);
    tree.beginningRows = torch::tensor(early.imageRows, torch::kLong);
    tree.branchRows = torch::tensor(late.imageRows, torch::kLong);
    tree.from = torch::tensor(from, torch::kLong);
    tree.targets = torch::tensor(targets, torch::kLong);
    return tree;
}

torch::Tensor forward(VilaNetworks& networks, const SampleTree& tree)
{
    const std::int64_t hidden = networks.llm->config().hiddenSize;
    const torch::Tensor images = networks.projector(networks.vision(tree.pixels)).reshape({-1, hidden});
    const std::int64_t early = tree.beginningRows.size(0);
    const torch::Tensor beginning = placed(networks.llm->embed(tree.beginning), tree.beginningRows, images.narrow(0, 0, early));
    const torch::Tensor branches = placed(networks.llm->embed(tree.branches), tree.branchRows, images.narrow(0, early, images.size(0) - early));
    return networks.llm->logits(networks.llm->forwardBranches(beginning, branches).reshape({-1, hidden}).index_select(0, tree.from));
}

void SampleForest::to(torch::Device device)
{
    for (torch::Tensor* tensor : {&beginnings, &lengths, &branches, &pictures, &beginningRows, &branchRows, &from, &targets}) {
        *tensor = device.is_cuda() && tensor->numel() > 0 ? tensor->pin_memory().to(device, tensor->scalar_type(), true) : tensor->to(device);
    }
}

SampleForest makeForest(std::span<const std::vector<Sample>> trees, int tokensPerImage, int imageSize, int multiple)
{
    RowWriter early{tokensPerImage, {}}, late{tokensPerImage, {}};
    const auto side = std::int64_t(imageSize), count = std::int64_t(trees.size());
    const auto padded = [&](std::size_t rows) { return std::int64_t((rows + std::size_t(multiple) - 1) / std::size_t(multiple) * std::size_t(multiple)); };
    std::vector<std::size_t> shared;
    std::size_t longest = 0, width = 0;
    for (const std::vector<Sample>& samples : trees) {
        HF_ASSERT(samples.size() == trees[0].size());
        shared.push_back(sharedLength(samples));
        longest = std::max(longest, early.rows(std::span(samples[0].ids).first(shared.back())));
        for (const Sample& sample : samples) {
            width = std::max(width, late.rows(std::span(sample.ids).subspan(shared.back())));
        }
    }
    SampleForest forest;
    forest.beginnings = torch::zeros({count, padded(longest)}, torch::kLong);
    forest.branches = torch::zeros({count * std::int64_t(trees[0].size()), padded(width)}, torch::kLong);
    std::vector<std::int64_t> lengths, from, targets;
    std::vector<const Picture*> pictures, latePictures;
    for (std::size_t n = 0; n < trees.size(); ++n) {
        const std::vector<Sample>& samples = trees[n];
        const std::span<const TokenId> beginning(samples[0].ids.data(), shared[n]);
        early.write(beginning, forest.beginnings.data_ptr<std::int64_t>(), std::int64_t(n) * forest.beginnings.size(1), [](std::size_t, std::int64_t) {});
        lengths.push_back(std::int64_t(early.rows(beginning)));
        const auto earlyPictures = std::size_t(std::count(beginning.begin(), beginning.end(), Sample::kImage));
        for (std::size_t picture = 0; picture < earlyPictures; ++picture) {
            pictures.push_back(&samples[0].pictures[picture]);
        }
        for (std::size_t which = 0; which < samples.size(); ++which) {
            const Sample& sample = samples[which];
            const auto branch = std::int64_t(n * samples.size() + which);
            late.write(std::span(sample.ids).subspan(shared[n]), forest.branches.data_ptr<std::int64_t>(), branch * forest.branches.size(1), [&](std::size_t at, std::int64_t row) {
                if (const int answer = sample.answerOf[shared[n] + at]; answer >= 0) {
                    from.push_back(row - 1);
                    targets.push_back(sample.ids[shared[n] + at]);
                    forest.answers.emplace_back(int(branch), answer);
                }
            });
            for (std::size_t picture = earlyPictures; picture < sample.pictures.size(); ++picture) {
                latePictures.push_back(&sample.pictures[picture]);
            }
        }
    }
    pictures.insert(pictures.end(), latePictures.begin(), latePictures.end());
    forest.pictures = torch::empty({std::int64_t(pictures.size()), side, side, 3}, torch::kByte);
    for (std::size_t n = 0; n < pictures.size(); ++n) {
        HF_ASSERT(pictures[n]->rgb.size() == std::size_t(side * side * 3));
        std::copy(pictures[n]->rgb.begin(), pictures[n]->rgb.end(), forest.pictures.data_ptr<std::uint8_t>() + std::int64_t(n) * side * side * 3);
    }
    forest.lengths = torch::tensor(lengths, torch::kLong);
    forest.beginningRows = torch::tensor(early.imageRows, torch::kLong);
    forest.branchRows = torch::tensor(late.imageRows, torch::kLong);
    forest.from = torch::tensor(from, torch::kLong);
    forest.targets = torch::tensor(targets, torch::kLong);
    return forest;
}

torch::Tensor forward(VilaNetworks& networks, const SampleForest& forest, const torch::Tensor& pixels)
{
    const std::int64_t hidden = networks.llm->config().hiddenSize, early = forest.beginningRows.size(0);
    const torch::Tensor images = networks.encode(pixels.defined() ? pixels : normalised(forest.pictures, networks.config.preprocessor)).reshape({-1, hidden});
    const torch::Tensor beginnings = placed(networks.llm->embed(forest.beginnings), forest.beginningRows, images.narrow(0, 0, early));
    const torch::Tensor branches = placed(networks.llm->embed(forest.branches), forest.branchRows, images.narrow(0, early, images.size(0) - early));
    const torch::Tensor last = networks.llm->forwardBranches(beginnings, branches, forest.lengths);
    return networks.llm->logits(last.reshape({-1, hidden}).index_select(0, forest.from));
}

torch::Tensor normalised(const torch::Tensor& pictures, const PreprocessorConfig& config)
{
    // Made on the device: a copy would wait for everything that it has to do.
    const auto row = [&](const std::vector<double>& v) {
        const auto one = [&](double value) { return torch::full({1, 1, 1, 1}, value, torch::dtype(torch::kFloat).device(pictures.device())); };
        return torch::cat({one(v[0]), one(v[1]), one(v[2])}, 1);
    };
    const torch::Tensor scaled = pictures.permute({0, 3, 1, 2}).to(torch::kFloat) * config.rescaleFactor;
    return ((scaled - row(config.mean)) / row(config.standardDeviation)).contiguous();
}

namespace {

/// As many ids as fit into so many rows.
std::size_t fitting(const Sample& sample, int tokensPerImage, std::int64_t maxRows)
{
    std::int64_t rows = 0;
    std::size_t count = 0;
    while (count < sample.ids.size() && (rows += sample.ids[count] == Sample::kImage ? tokensPerImage : 1) <= maxRows) {
        ++count;
    }
    return count;
}

} // namespace

void SampleBatch::to(torch::Device device)
{
    for (torch::Tensor* tensor : {&ids, &pixels, &imageRows, &from, &targets}) {
        *tensor = tensor->to(device);
    }
}

SampleBatch makeBatch(std::span<const Sample> samples, int tokensPerImage, const PreprocessorConfig& preprocessor, std::int64_t maxRows)
{
    SampleBatch batch;
    RowWriter writer{tokensPerImage, {}};
    std::vector<std::span<const TokenId>> kept;
    std::size_t width = 0;
    for (const Sample& sample : samples) {
        kept.push_back(std::span(sample.ids).first(maxRows > 0 ? fitting(sample, tokensPerImage, maxRows) : sample.ids.size()));
        batch.cut += kept.back().size() < sample.ids.size();
        const std::size_t rows = writer.rows(kept.back());
        batch.rows += std::int64_t(rows);
        width = std::max(width, rows);
    }
    batch.ids = torch::zeros({std::int64_t(samples.size()), std::int64_t(width)}, torch::kLong);
    std::vector<Picture> pictures;
    std::vector<std::int64_t> from, targets;
    for (std::size_t n = 0; n < samples.size(); ++n) {
        const Sample& sample = samples[n];
        writer.write(kept[n], batch.ids.data_ptr<std::int64_t>(), std::int64_t(n * width), [&](std::size_t at, std::int64_t row) {
            if (sample.answerOf[at] >= 0) {
                from.push_back(row - 1);
                targets.push_back(sample.ids[at]);
            }
        });
        const auto shown = std::count(kept[n].begin(), kept[n].end(), Sample::kImage);
        pictures.insert(pictures.end(), sample.pictures.begin(), sample.pictures.begin() + shown);
    }
    batch.pixels = pixelTensor(pictures, preprocessor);
    batch.imageRows = torch::tensor(writer.imageRows, torch::kLong);
    batch.from = torch::tensor(from, torch::kLong);
    batch.targets = torch::tensor(targets, torch::kLong);
    return batch;
}

torch::Tensor forward(VilaNetworks& networks, const SampleBatch& batch)
{
    const std::int64_t hidden = networks.llm->config().hiddenSize;
    torch::Tensor rows = networks.llm->embed(batch.ids);
    if (batch.pixels.size(0) > 0) {
        rows = placed(rows, batch.imageRows, networks.encode(batch.pixels).reshape({-1, hidden}));
    }
    return networks.llm->logits(networks.llm->forward(rows).reshape({-1, hidden}).index_select(0, batch.from));
}

} // namespace hf::assistant::train
