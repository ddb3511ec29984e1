#include "assistant/engine/train/PackedTrees.h"

#include "assistant/engine/Autocast.h"
#include "assistant/engine/train/RowKernels.h"
#include "experts/runtime/Parallel.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/utils.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace hf::assistant::train {

namespace {

/// So many rows at least are another thread's task.
constexpr std::int64_t kRowsOfTask = 32;

struct Branch {
    const Sample* sample;
    std::int64_t rows;
};

std::int64_t rowsOf(std::span<const TokenId> ids, int tokensPerImage)
{
    return std::int64_t(ids.size()) + std::count(ids.begin(), ids.end(), Sample::kImage) * (tokensPerImage - 1);
}

/// Ends of groups of branches that are sorted by length: another begins where padding would cost more than calls for one more group do.
std::vector<std::size_t> groupEnds(const std::vector<Branch>& branches)
{
    constexpr std::int64_t kRowsOfGroup = 32;
    std::vector<std::size_t> ends;
    std::int64_t used = 0, begin = 0;
    for (std::size_t n = 0; n < branches.size(); ++n) {
        const std::int64_t count = std::int64_t(n) - begin;
        if (count > 0 && count * branches[n].rows - used > kRowsOfGroup + used / 16) {
            ends.push_back(n);
            begin = std::int64_t(n);
            used = 0;
        }
        used += branches[n].rows;
    }
    ends.push_back(branches.size());
    return ends;
}

/// Collects rows.
class Packer {
public:
    Packer(int tokensPerImage, const PreprocessorConfig& preprocessor) : m_tokensPerImage(tokensPerImage), m_preprocessor(preprocessor) {}

    void add(const std::vector<Sample>& samples)
    {
        const std::size_t shared = sharedLength(samples);
        const std::span<const TokenId> beginning(samples[0].ids.data(), shared);
        PackedLayout::Tree tree{{rows(), 1, rowsOf(beginning, m_tokensPerImage)}, {}};
        write(samples[0], 0, shared, 0, tree.beginning.width, -1);
        std::vector<Branch> branches;
        for (const Sample& sample : samples) {
            branches.push_back({&sample, rowsOf(std::span(sample.ids).subspan(shared), m_tokensPerImage)});
        }
        std::stable_sort(branches.begin(), branches.end(), [](const Branch& a, const Branch& b) { return a.rows < b.rows; });
        std::size_t n = 0;
        for (const std::size_t end : groupEnds(branches)) {
            tree.groups.push_back({rows(), std::int64_t(end - n), branches[end - 1].rows});
            for (; n < end; ++n) {
                write(*branches[n].sample, shared, branches[n].sample->ids.size(), tree.beginning.width, tree.groups.back().width, m_trees.branches + int(branches[n].sample - samples.data()));
            }
        }
        m_trees.branches += int(samples.size());
        m_trees.layout.trees.push_back(std::move(tree));
    }

    PackedTrees packed()
    {
        constexpr std::int64_t kMultiple = 64;
        const auto whole = std::size_t((rows() + kMultiple - 1) / kMultiple * kMultiple);
        m_ids.resize(whole, 0);
        m_positions.resize(whole, 0);
        m_trees.layout.rows = std::int64_t(whole);
        m_trees.ids = torch::tensor(m_ids, torch::kLong);
        m_trees.positions = torch::tensor(m_positions, torch::kFloat);
        m_trees.pixels = pixelTensor(m_pictures, m_preprocessor);
        m_trees.imageRows = torch::tensor(m_imageRows, torch::kLong);
        m_trees.from = torch::tensor(m_from, torch::kLong);
        m_trees.targets = torch::tensor(m_targets, torch::kLong);
        return std::move(m_trees);
    }

private:
    std::int64_t rows() const { return std::int64_t(m_ids.size()); }

    /// Ids [first, last) of a sample, the first at `position`, then padding up to `width` rows. @param branch  below 0: nothing is learned.
    void write(const Sample& sample, std::size_t first, std::size_t last, std::int64_t position, std::int64_t width, int branch)
    {
        const std::int64_t end = rows() + width;
        auto picture = std::size_t(std::count(sample.ids.begin(), sample.ids.begin() + std::ptrdiff_t(first), Sample::kImage));
        for (std::size_t n = first; n < last; ++n) {
            const bool isPicture = sample.ids[n] == Sample::kImage;
            if (isPicture) {
                m_pictures.push_back(sample.pictures[picture++]);
            } else if (branch >= 0 && sample.answerOf[n] >= 0) {
                m_from.push_back(rows() - 1);
                m_targets.push_back(sample.ids[n]);
                m_trees.answers.emplace_back(branch, sample.answerOf[n]);
            }
            for (int row = 0; row < (isPicture ? m_tokensPerImage : 1); ++row) {
                if (isPicture) {
                    m_imageRows.push_back(rows());
                }
                m_ids.push_back(isPicture ? 0 : sample.ids[n]);
                m_positions.push_back(float(position++));
            }
        }
        m_ids.resize(std::size_t(end), 0);
        m_positions.resize(std::size_t(end), 0);
    }

    int m_tokensPerImage;
    const PreprocessorConfig& m_preprocessor;
    PackedTrees m_trees;
    std::vector<std::int64_t> m_ids, m_imageRows, m_from, m_targets;
    std::vector<float> m_positions;
    std::vector<Picture> m_pictures;
};

/// Rows in other threads too.
template <typename Work> void forRows(std::int64_t rows, const Work& work) { runtime::parallelFor(rows, kRowsOfTask, work); }

template <typename T> T* dataOf(const torch::Tensor& tensor) { return static_cast<T*>(tensor.data_ptr()); }

/// The scores' shares of a group of branches for each head: [heads, count, width, past] and [heads, count, width, width].
struct Shares { torch::Tensor before, own; };

/// Attention of packed rows: each branch sees its tree's beginning and its own rows up to each. Keys and values have fewer heads than queries.
class PackedAttention {
public:
    /// @param query  [R, heads * dim], @param key, value [R, keyHeads * dim], all fp32 and contiguous.
    PackedAttention(const PackedLayout& layout, torch::Tensor query, torch::Tensor key, torch::Tensor value, std::int64_t heads, std::int64_t keyHeads, std::int64_t dim)
        : m_layout(layout), m_query(std::move(query)), m_key(std::move(key)), m_value(std::move(value)), m_heads(heads), m_keyHeads(keyHeads), m_dim(dim)
    {
    }

    /// -> [R, heads * dim] fp32
    torch::Tensor forward(std::vector<Shares>& shares) const
    {
        torch::Tensor mixed = torch::zeros_like(m_query);
        forGroups([&](const PackedLayout::Group& beginning, const PackedLayout::Group& group, std::int64_t past) {
            const torch::Tensor query = ownOf(m_query, group, m_heads);
            Shares part;
            part.own = torch::bmm(query, ownOf(m_key, group, m_keyHeads).transpose(1, 2));
            part.before = past > 0 ? torch::bmm(headsOf(m_query, group, m_heads), headsOf(m_key, beginning, m_keyHeads).transpose(1, 2)) : torch::empty({m_heads, group.count * group.width, 0});
            float *own = part.own.data_ptr<float>(), *before = part.before.data_ptr<float>();
            forRows(m_heads * group.count * group.width, [&](std::int64_t first, std::int64_t last) { softmaxRows(before, past, own, group.width, scale(), first, last); });
            torch::Tensor result = torch::bmm(part.own, ownOf(m_value, group, m_keyHeads)).view({m_heads, group.count * group.width, m_dim});
            if (past > 0) {
                result.baddbmm_(part.before, headsOf(m_value, beginning, m_keyHeads));
            }
            rowsOfHeads(mixed, group, m_heads).copy_(result.transpose(0, 1));
            shares.push_back(std::move(part));
        });
        return mixed;
    }

    struct Gradients { torch::Tensor query, key, value; };
    Gradients backward(const torch::Tensor& dmixed, const std::vector<Shares>& shares) const
    {
        Gradients given{torch::zeros_like(m_query), torch::zeros_like(m_key), torch::zeros_like(m_value)};
        std::size_t n = 0;
        forGroups([&](const PackedLayout::Group& beginning, const PackedLayout::Group& group, std::int64_t past) {
            const Shares& part = shares[n++];
            const std::int64_t rows = group.count * group.width;
            const torch::Tensor own = ownOf(dmixed, group, m_heads), whole = headsOf(dmixed, group, m_heads);
            torch::Tensor down = torch::bmm(own, ownOf(m_value, group, m_keyHeads).transpose(1, 2)), dbefore;
            addToKeys(given.value, group, torch::bmm(part.own.transpose(1, 2), own));
            if (past > 0) {
                dbefore = torch::bmm(whole, headsOf(m_value, beginning, m_keyHeads).transpose(1, 2));
                addToKeys(given.value, beginning, torch::bmm(part.before.transpose(1, 2), whole));
            }
            const float *shareBefore = part.before.data_ptr<float>(), *shareOwn = part.own.data_ptr<float>();
            float *back = past > 0 ? dbefore.data_ptr<float>() : nullptr, *backOwn = down.data_ptr<float>();
            forRows(m_heads * rows, [&](std::int64_t first, std::int64_t last) { softmaxRowsBack(shareBefore, back, past, shareOwn, backOwn, group.width, scale(), first, last); });
            torch::Tensor dquery = torch::bmm(down, ownOf(m_key, group, m_keyHeads)).view({m_heads, rows, m_dim});
            addToKeys(given.key, group, torch::bmm(down.transpose(1, 2), ownOf(m_query, group, m_heads)));
            if (past > 0) {
                dquery.baddbmm_(dbefore, headsOf(m_key, beginning, m_keyHeads));
                addToKeys(given.key, beginning, torch::bmm(dbefore.transpose(1, 2), headsOf(m_query, group, m_heads)));
            }
            rowsOfHeads(given.query, group, m_heads).copy_(dquery.transpose(0, 1));
        });
        return given;
    }

private:
    float scale() const { return float(1 / std::sqrt(double(m_dim))); }

    template <typename Visit> void forGroups(const Visit& visit) const
    {
        for (const PackedLayout::Tree& tree : m_layout.trees) {
            visit(tree.beginning, tree.beginning, 0);
            for (const PackedLayout::Group& group : tree.groups) {
                visit(tree.beginning, group, tree.beginning.width);
            }
        }
    }

    /// A group's rows [rows, heads, dim] of a matrix [R, heads * dim].
    torch::Tensor rowsOfHeads(const torch::Tensor& matrix, const PackedLayout::Group& group, std::int64_t heads) const
    {
        return matrix.narrow(0, group.first, group.count * group.width).view({group.count * group.width, heads, m_dim});
    }

    /// [all heads, rows, dim]; keys' heads as often as queries share them.
    torch::Tensor headsOf(const torch::Tensor& matrix, const PackedLayout::Group& group, std::int64_t heads) const
    {
        const torch::Tensor own = rowsOfHeads(matrix, group, heads).transpose(0, 1);
        return heads == m_heads ? own : own.unsqueeze(1).expand({-1, m_heads / heads, -1, -1}).reshape({m_heads, group.count * group.width, m_dim});
    }

    /// [all heads * count, width, dim]
    torch::Tensor ownOf(const torch::Tensor& matrix, const PackedLayout::Group& group, std::int64_t heads) const
    {
        return headsOf(matrix, group, heads).reshape({m_heads * group.count, group.width, m_dim});
    }

    /// Adds what all heads [.., dim] give to the keys or values of a group.
    void addToKeys(const torch::Tensor& sum, const PackedLayout::Group& group, const torch::Tensor& given) const
    {
        const std::int64_t each = m_heads / m_keyHeads;
        rowsOfHeads(sum, group, m_keyHeads).add_(given.view({m_keyHeads, each, group.count * group.width, m_dim}).sum(1).transpose(0, 1));
    }

    const PackedLayout& m_layout;
    torch::Tensor m_query, m_key, m_value;
    std::int64_t m_heads, m_keyHeads, m_dim;
};

/// A layer's weights in the order of the function's inputs.
enum Weight { kInputNorm, kQuery, kKey, kValue, kOutput, kPostNorm, kGate, kUp, kDown, kWeights };
constexpr const char* kWeightNames[kWeights]{"input_layernorm.weight", "self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight", "self_attn.o_proj.weight", "post_attention_layernorm.weight",
    "mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight"};

/// What all layers share.
struct Common {
    const PackedLayout* layout;
    LlamaConfig config;
    torch::Tensor cosine, sine;     ///< [R, dim] fp32
    bool bf16;
};

/// One layer, by hand: what is computed between two products goes over memory once.
template <typename T> class PackedLayer {
public:
    PackedLayer(const Common& common, std::array<torch::Tensor, kWeights> weights) : m_common(common), m_weights(std::move(weights))
    {
        m_project = narrow(torch::cat({m_weights[kQuery], m_weights[kKey], m_weights[kValue]}));
        m_gateUp = narrow(torch::cat({m_weights[kGate], m_weights[kUp]}));
        m_output = narrow(m_weights[kOutput]);
        m_down = narrow(m_weights[kDown]);
    }

    torch::Tensor forward(const torch::Tensor& x)
    {
        const LlamaConfig& c = m_common.config;
        m_x = x;
        m_h = normed(m_x, m_weights[kInputNorm], m_scales);
        const torch::Tensor projected = torch::mm(m_h, m_project.t());
        turn(projected);
        m_mixed = narrow(attention().forward(m_shares));
        const torch::Tensor attended = torch::mm(m_mixed, m_output.t());
        m_x2 = added(m_x, attended);
        m_h2 = normed(m_x2, m_weights[kPostNorm], m_scales2);
        m_gates = torch::mm(m_h2, m_gateUp.t());
        m_gated = torch::empty({rows(), c.intermediateSize}, m_gates.options());
        forRows(rows(), [&](std::int64_t first, std::int64_t last) { gateRows(dataOf<const T>(m_gates), c.intermediateSize, first, last, dataOf<T>(m_gated)); });
        return added(m_x2, torch::mm(m_gated, m_down.t()));
    }

    /// @return what is given back to x; `dweights` are set.
    torch::Tensor backward(const torch::Tensor& dy, std::array<torch::Tensor, kWeights>& dweights)
    {
        const LlamaConfig& c = m_common.config;
        const std::int64_t query = std::int64_t(c.heads) * c.headDim, key = std::int64_t(c.keyValueHeads) * c.headDim;
        const torch::Tensor ddown = narrow(dy), dgated = torch::mm(ddown, m_down);
        dweights[kDown] = wideProduct(ddown, m_gated);
        torch::Tensor dgates = torch::empty_like(m_gates);
        forRows(rows(), [&](std::int64_t first, std::int64_t last) { gateRowsBack(dataOf<const T>(m_gates), dataOf<const T>(dgated), c.intermediateSize, first, last, dataOf<T>(dgates)); });
        const torch::Tensor dgateUp = wideProduct(dgates, m_h2);
        dweights[kGate] = dgateUp.narrow(0, 0, c.intermediateSize);
        dweights[kUp] = dgateUp.narrow(0, c.intermediateSize, c.intermediateSize);
        torch::Tensor dx = dy.clone();
        dweights[kPostNorm] = normedBack(torch::mm(dgates, m_gateUp), m_x2, m_weights[kPostNorm], m_scales2, dx);
        const torch::Tensor dattended = narrow(dx);
        dweights[kOutput] = wideProduct(dattended, m_mixed);
        const torch::Tensor dmixed = torch::mm(dattended, m_output).to(torch::kFloat);
        const torch::Tensor dprojected = turnedBack(attention().backward(dmixed, m_shares));
        const torch::Tensor dproject = wideProduct(dprojected, m_h);
        dweights[kQuery] = dproject.narrow(0, 0, query);
        dweights[kKey] = dproject.narrow(0, query, key);
        dweights[kValue] = dproject.narrow(0, query + key, key);
        dweights[kInputNorm] = normedBack(torch::mm(dprojected, m_project), m_x, m_weights[kInputNorm], m_scales, dx);
        return dx;
    }

private:
    std::int64_t rows() const { return m_common.layout->rows; }
    torch::ScalarType type() const { return m_common.bf16 ? torch::kBFloat16 : torch::kFloat; }
    torch::Tensor narrow(const torch::Tensor& matrix) const { return matrix.to(type()).contiguous(); }
    /// What a product's weight gets: a^T b, fp32.
    static torch::Tensor wideProduct(const torch::Tensor& a, const torch::Tensor& b) { return torch::mm(a.t(), b).to(torch::kFloat); }

    torch::Tensor normed(const torch::Tensor& x, const torch::Tensor& weight, torch::Tensor& scales) const
    {
        torch::Tensor h = torch::empty(x.sizes(), x.options().dtype(type()));
        scales = torch::empty({rows()});
        forRows(rows(), [&](std::int64_t first, std::int64_t last) {
            normRows(x.data_ptr<float>(), weight.data_ptr<float>(), m_common.config.rmsNormEps, x.size(1), first, last, dataOf<T>(h), scales.data_ptr<float>());
        });
        return h;
    }

    torch::Tensor normedBack(const torch::Tensor& dh, const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& scales, const torch::Tensor& dx) const
    {
        // In one thread: all rows add to one sum.
        torch::Tensor dweight = torch::zeros_like(weight);
        normRowsBack(dataOf<const T>(dh), x.data_ptr<float>(), weight.data_ptr<float>(), scales.data_ptr<float>(), x.size(1), 0, rows(), dx.data_ptr<float>(), dweight.data_ptr<float>());
        return dweight;
    }

    torch::Tensor added(const torch::Tensor& x, const torch::Tensor& d) const
    {
        torch::Tensor y = torch::empty_like(x);
        forRows(rows(), [&](std::int64_t first, std::int64_t last) { addRows(x.data_ptr<float>(), dataOf<const T>(d), x.size(1), first, last, y.data_ptr<float>()); });
        return y;
    }

    PackedAttention attention() const
    {
        return {*m_common.layout, m_queries, m_keys, m_values, m_common.config.heads, m_common.config.keyValueHeads, m_common.config.headDim};
    }

    /// [R, (heads + 2 key heads) * dim] -> queries, keys, values.
    void turn(const torch::Tensor& projected)
    {
        const LlamaConfig& c = m_common.config;
        const std::int64_t heads = c.heads, keyHeads = c.keyValueHeads, dim = c.headDim, stride = projected.size(1);
        const auto part = [&](torch::Tensor& to, std::int64_t firstHead, std::int64_t count, std::int64_t turned) {
            to = torch::empty({rows(), count * dim});
            forRows(rows(), [&](std::int64_t first, std::int64_t last) {
                turnRows(dataOf<const T>(projected) + firstHead * dim, stride, m_common.cosine.data_ptr<float>(), m_common.sine.data_ptr<float>(), 1, count, turned, dim, first, last, to.data_ptr<float>(), count * dim);
            });
        };
        part(m_queries, 0, heads, heads);
        part(m_keys, heads, keyHeads, keyHeads);
        part(m_values, heads + keyHeads, keyHeads, 0);
    }

    torch::Tensor turnedBack(const PackedAttention::Gradients& given) const
    {
        const LlamaConfig& c = m_common.config;
        const std::int64_t heads = c.heads, keyHeads = c.keyValueHeads, dim = c.headDim, stride = (heads + 2 * keyHeads) * dim;
        torch::Tensor projected = torch::empty({rows(), stride}, m_project.options());
        const auto part = [&](const torch::Tensor& from, std::int64_t firstHead, std::int64_t count, std::int64_t turned) {
            forRows(rows(), [&](std::int64_t first, std::int64_t last) {
                turnRows(from.data_ptr<float>(), count * dim, m_common.cosine.data_ptr<float>(), m_common.sine.data_ptr<float>(), -1, count, turned, dim, first, last, dataOf<T>(projected) + firstHead * dim, stride);
            });
        };
        part(given.query, 0, heads, heads);
        part(given.key, heads, keyHeads, keyHeads);
        part(given.value, heads + keyHeads, keyHeads, 0);
        return projected;
    }

    const Common& m_common;
    std::array<torch::Tensor, kWeights> m_weights;
    torch::Tensor m_project, m_gateUp, m_output, m_down;
    torch::Tensor m_x, m_h, m_scales, m_queries, m_keys, m_values, m_mixed, m_x2, m_h2, m_scales2, m_gates, m_gated;
    std::vector<Shares> m_shares;
};

/// All layers in a row.
class PackedLayers {
public:
    virtual ~PackedLayers() = default;
    virtual torch::Tensor forward(torch::Tensor x) = 0;
    virtual torch::Tensor backward(torch::Tensor dy, std::vector<torch::Tensor>& dweights) = 0;
};

template <typename T> class PackedLayersOf : public PackedLayers {
public:
    PackedLayersOf(Common common, const std::vector<torch::Tensor>& weights) : m_common(std::move(common))
    {
        for (std::size_t n = 0; n < weights.size(); n += kWeights) {
            std::array<torch::Tensor, kWeights> own;
            std::copy_n(weights.begin() + std::ptrdiff_t(n), kWeights, own.begin());
            m_layers.emplace_back(m_common, std::move(own));
        }
    }

    torch::Tensor forward(torch::Tensor x) override
    {
        for (PackedLayer<T>& layer : m_layers) {
            x = layer.forward(x);
        }
        return x;
    }

    torch::Tensor backward(torch::Tensor dy, std::vector<torch::Tensor>& dweights) override
    {
        while (!m_layers.empty()) {
            std::array<torch::Tensor, kWeights> own;
            dy = m_layers.back().backward(dy, own);
            m_layers.pop_back();    // and what it kept
            dweights.insert(dweights.begin(), own.begin(), own.end());
        }
        return dy;
    }

private:
    Common m_common;
    std::vector<PackedLayer<T>> m_layers;
};

struct Holder : torch::CustomClassHolder {
    explicit Holder(std::shared_ptr<PackedLayers> held) : layers(std::move(held)) {}
    std::shared_ptr<PackedLayers> layers;
};

struct PackedFunction : torch::autograd::Function<PackedFunction> {
    static torch::Tensor forward(torch::autograd::AutogradContext* context, at::TensorList inputs, const Common* common)
    {
        const torch::NoGradGuard noGrad;
        const Autocast without(false);
        std::vector<torch::Tensor> weights;
        for (std::size_t n = 1; n < inputs.size(); ++n) {
            weights.push_back(inputs[n].detach().contiguous());
        }
        std::shared_ptr<PackedLayers> layers;
        if (common->bf16) {
            layers = std::make_shared<PackedLayersOf<std::uint16_t>>(*common, weights);
        } else {
            layers = std::make_shared<PackedLayersOf<float>>(*common, weights);
        }
        context->saved_data["layers"] = torch::IValue::make_capsule(c10::make_intrusive<Holder>(layers));
        return layers->forward(inputs[0].detach().contiguous());
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list dy)
    {
        const torch::NoGradGuard noGrad;
        const auto held = context->saved_data["layers"].toCapsule();
        std::vector<torch::Tensor> given;
        const torch::Tensor dx = static_cast<Holder*>(held.get())->layers->backward(dy[0].contiguous(), given);
        given.insert(given.begin(), dx);
        given.emplace_back();       // of `common`
        return given;
    }
};

} // namespace

PackedTrees packTrees(std::span<const std::vector<Sample>> trees, int tokensPerImage, const PreprocessorConfig& preprocessor)
{
    Packer packer(tokensPerImage, preprocessor);
    for (const std::vector<Sample>& samples : trees) {
        packer.add(samples);
    }
    return packer.packed();
}

torch::Tensor forward(VilaNetworks& networks, const PackedTrees& trees, bool bf16)
{
    Llama& llm = networks.llm;
    const LlamaConfig& config = llm->config();
    torch::Tensor images;
    {
        const Autocast autocast(bf16);
        images = networks.projector(networks.vision(trees.pixels)).reshape({-1, config.hiddenSize}).to(torch::kFloat);
    }
    const torch::Tensor x = llm->embed(trees.ids).to(torch::kFloat).index_copy(0, trees.imageRows, images);
    const Rotary angles = llm->rotaryAt(trees.positions, 0, torch::kFloat);
    const Common common{&trees.layout, config, angles.cosine.contiguous(), angles.sine.contiguous(), bf16};
    std::vector<torch::Tensor> inputs{x};
    const auto parameters = llm->named_parameters();
    for (int layer = 0; layer < config.layers; ++layer) {
        for (const char* name : kWeightNames) {
            inputs.push_back(parameters["model.layers." + std::to_string(layer) + "." + name]);
        }
    }
    const torch::Tensor last = PackedFunction::apply(at::TensorList(inputs), &common);
    const Autocast autocast(bf16);
    return llm->logits(llm->finallyNormed(last.index_select(0, trees.from)));
}

} // namespace hf::assistant::train
