#include "assistant/engine/VilaNetworks.h"

#include "viewer/volume/Error.h"

namespace hf::assistant {

VilaNetworks::VilaNetworks(const VilaConfig& c)
    : config(c), vision(c.vision, c.visionSelectLayer), projector(c.projectorType, c.vision.hiddenSize, c.llm.hiddenSize), llm(c.llm)
{
}

torch::Tensor VilaNetworks::encode(const torch::Tensor& pixels, const std::stop_token& stop) { return projector(vision(pixels, stop)); }

std::vector<torch::Tensor> VilaNetworks::parameters() const
{
    std::vector<torch::Tensor> all;
    for (const torch::nn::Module* module : {static_cast<const torch::nn::Module*>(vision.get()), static_cast<const torch::nn::Module*>(projector.get()),
             static_cast<const torch::nn::Module*>(llm.get())}) {
        for (const torch::Tensor& parameter : module->parameters()) {
            all.push_back(parameter);
        }
    }
    return all;
}

std::size_t VilaNetworks::parameterCount() const
{
    std::size_t count = 0;
    for (const torch::Tensor& parameter : parameters()) {
        count += std::size_t(parameter.numel());
    }
    for (const auto& module : llm->modules()) {
        const auto* linear = module->as<LinearImpl>();
        if (linear && linear->packed) {
            count += std::size_t(linear->packed->rows * linear->packed->columns);
        } else if (linear && linear->rowPacked) {
            count += std::size_t(linear->rowPacked->rows * linear->rowPacked->columns);
        }
    }
    return count;
}

void VilaNetworks::to(torch::Device device, torch::ScalarType type)
{
    vision->to(device, type);
    projector->to(device, type);
    llm->to(device, type);
}

torch::Tensor pixelTensor(std::span<const Picture> pictures, const PreprocessorConfig& config)
{
    const auto side = std::int64_t(config.size);
    torch::Tensor bytes = at::empty({std::int64_t(pictures.size()), side, side, 3}, at::kByte);
    for (std::size_t n = 0; n < pictures.size(); ++n) {
        const Picture& picture = pictures[n];
        HF_ASSERT(picture.width == config.size && picture.height == config.size && picture.rgb.size() == std::size_t(side * side * 3));
        std::copy(picture.rgb.begin(), picture.rgb.end(), bytes.data_ptr<std::uint8_t>() + std::int64_t(n) * side * side * 3);
    }
    const auto row = [](const std::vector<double>& v) { return at::tensor({float(v[0]), float(v[1]), float(v[2])}).view({1, 3, 1, 1}); };
    // As the reference: the product is made in double precision and rounded to fp32 once.
    const torch::Tensor scaled = (bytes.permute({0, 3, 1, 2}).to(at::kDouble) * config.rescaleFactor).to(at::kFloat);
    return ((scaled - row(config.mean)) / row(config.standardDeviation)).contiguous();
}

} // namespace hf::assistant
