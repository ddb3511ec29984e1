#pragma once

#include "experts/engine/neural/Layers.h"

#include <array>
#include <stop_token>

namespace hf::experts {

/// A click in voxels of the network's input window. Labels: 0 negative, 1 positive, 2 and 3 the same for classes that overlap others, -1 ignored.
struct Vista3dPoint {
    std::array<double, 3> place{};
    int label = 1;
};

/// VISTA3D (network `vista3d132`): one encoder, a decoder and head for class prompts, and a decoder and head for points.
/// Facts: experts.md 1.2 and 1.3. Window sizes must be multiples of 16.
class Vista3d {
public:
    static constexpr int kClasses = 132;        ///< Ids above are prompts of points only.
    static constexpr int kWidth = 48;

    explicit Vista3d(WeightSource& source);

    /// Renames and drops what the research checkpoints (MONAI 1.3) hold otherwise.
    static runtime::TensorMap adapted(runtime::TensorMap tensors);

    struct Features { at::Tensor points, classes; };    ///< [1, 48, D0, D1, D2] each; what was not asked for is undefined.
    Features encode(const at::Tensor& x, bool forPoints, bool forClasses, std::stop_token stop = {}) const;

    /// The class decoder's output after the head's mapping: class logits are its scalar products with embeddings, so means of it over
    /// windows give the mean logits of any number of classes.
    at::Tensor mapClasses(at::Tensor features) const;
    /// [B, 48] fp32, one row an id, on the network's device.
    at::Tensor embeddings(const std::vector<std::int64_t>& ids) const;
    /// @param mapped  [1, 48, ...] of mapClasses() or a mean of several. @return [B, 1, ...].
    static at::Tensor classLogits(const at::Tensor& mapped, const at::Tensor& embeddings);
    /// One object. @param classId  of the label prompt, or -1. @return [1, 1, ...] fp32.
    at::Tensor pointLogits(const at::Tensor& features, const std::vector<Vista3dPoint>& points, int classId) const;

private:
    struct Decoder { std::array<Conv, 4> deconv; std::array<ResidualBlock, 4> block; Conv head; };
    struct Mapping { Conv conv1, conv2; };
    struct Attention { Linear q, k, v, out; };
    struct LayerNorm { at::Tensor weight, bias; at::Tensor operator()(const at::Tensor& x) const; };
    struct TransformerLayer { Attention self, toImage, toTokens; std::array<LayerNorm, 4> norms; Linear mlp1, mlp2; };

    static ResidualBlock takeBlock(WeightSource& source, const std::string& name, std::int64_t channels);
    static Decoder takeDecoder(WeightSource& source, const std::string& name);
    static Attention takeAttention(WeightSource& source, const std::string& name, std::int64_t inner);
    static LayerNorm takeLayerNorm(WeightSource& source, const std::string& name);
    void takePointHead(WeightSource& source);
    static at::Tensor decode(const Decoder& decoder, at::Tensor x, std::vector<at::Tensor> skips, std::stop_token stop);
    static at::Tensor attend(const Attention& attention, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);
    at::Tensor positionCode(const at::Tensor& places) const;
    at::Tensor denseCode(at::IntArrayRef size) const;
    at::Tensor tokensOf(const std::vector<Vista3dPoint>& points, at::IntArrayRef size, int classId) const;
    std::pair<at::Tensor, at::Tensor> transform(at::Tensor keys, const at::Tensor& keyCode, const at::Tensor& tokenCode) const;

    Conv m_first;
    std::array<std::vector<ResidualBlock>, 5> m_levels;
    std::array<Conv, 4> m_shrink;
    Decoder m_pointDecoder, m_classDecoder;

    std::array<Mapping, 2> m_mapping;
    at::Tensor m_classEmbeddings;       ///< [512, 48]
    Linear m_mlp0, m_mlp3;

    std::array<Conv, 2> m_featureShrink;
    std::array<TransformerLayer, 2> m_layers;
    Attention m_finalAttention;
    LayerNorm m_finalNorm;
    at::Tensor m_gaussian;              ///< [3, 24]
    std::array<at::Tensor, 2> m_pointEmbeddings;
    at::Tensor m_notAPoint, m_special, m_maskToken, m_zeroShot, m_supported;
    Conv m_outputDeconv, m_outputConv;
    std::array<Linear, 3> m_hyper;
};

} // namespace hf::experts
