#include "assistant/engine/VilaNetworks.h"

#include "viewer/volume/Error.h"

#include <array>

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
    const auto side = std::int64_t(config.size), area = side * side;
    // As the reference: the product is made in double precision and rounded to fp32 once.
    std::array<std::array<float, 256>, 3> valueOf{};
    for (std::size_t channel = 0; channel < 3; ++channel) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            valueOf[channel][byte] = (float(double(byte) * config.rescaleFactor) - float(config.mean[channel])) / float(config.standardDeviation[channel]);
        }
    }
    torch::Tensor pixels = at::empty({std::int64_t(pictures.size()), 3, side, side}, at::kFloat);
    auto* target = pixels.data_ptr<float>();
    for (const Picture& picture : pictures) {
        HF_ASSERT(picture.width == config.size && picture.height == config.size && picture.rgb.size() == std::size_t(area * 3));
        for (std::size_t channel = 0; channel < 3; ++channel) {
            for (std::size_t n = 0; n < std::size_t(area); ++n) {
                *target++ = valueOf[channel][picture.rgb[3 * n + channel]];
            }
        }
    }
    return pixels;
}

} // namespace hf::assistant
