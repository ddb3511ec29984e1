#include "assistant/engine/PillowResize.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>

namespace hf::assistant {

namespace {

constexpr int kPrecision = 22;

double cubic(double x)
{
    constexpr double a = -0.5;
    x = std::abs(x);
    if (x < 1) {
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/// Source pixels and fixed-point weights of one output pixel.
struct Taps {
    int first = 0;
    std::vector<int> weights;
};

std::vector<Taps> tapsFor(int in, int out)
{
    const double scale = double(in) / out;
    const double filterScale = std::max(scale, 1.0);
    const double support = 2 * filterScale;
    std::vector<Taps> all(static_cast<std::size_t>(out));
    for (int o = 0; o < out; ++o) {
        const double centre = (o + 0.5) * scale;
        const int first = std::max(0, int(centre - support + 0.5));
        const int last = std::min(in, int(centre + support + 0.5));
        std::vector<double> weights;
        double sum = 0;
        for (int k = 0; k < last - first; ++k) {
            weights.push_back(cubic((k + first - centre + 0.5) / filterScale));
            sum += weights.back();
        }
        Taps& taps = all[std::size_t(o)];
        taps.first = first;
        for (double weight : weights) {
            weight = sum != 0 ? weight / sum : weight;
            taps.weights.push_back(int(weight * (1 << kPrecision) + (weight < 0 ? -0.5 : 0.5)));
        }
    }
    return all;
}

std::uint8_t clipped(std::int64_t sum)
{
    return std::uint8_t(std::clamp<std::int64_t>(sum >> kPrecision, 0, 255));
}

/// One pass over lines of pixels: `step` bytes between pixels of a line, `lineStep` between lines.
void pass(const std::uint8_t* in, std::uint8_t* out, const std::vector<Taps>& taps, int lines, std::size_t inStep, std::size_t inLine,
          std::size_t outStep, std::size_t outLine)
{
    for (int line = 0; line < lines; ++line) {
        for (std::size_t o = 0; o < taps.size(); ++o) {
            for (std::size_t channel = 0; channel < 3; ++channel) {
                std::int64_t sum = std::int64_t(1) << (kPrecision - 1);
                const std::uint8_t* source = in + std::size_t(line) * inLine + std::size_t(taps[o].first) * inStep + channel;
                for (const int weight : taps[o].weights) {
                    sum += std::int64_t(*source) * weight;
                    source += inStep;
                }
                out[std::size_t(line) * outLine + o * outStep + channel] = clipped(sum);
            }
        }
    }
}

} // namespace

Picture resizeBicubic(const Picture& picture, int width, int height)
{
    if (picture.width < 1 || picture.height < 1 || width < 1 || height < 1) {
        throw Error("a picture without pixels cannot be resized", "arguments");
    }
    Picture current = picture;
    if (width != current.width) {
        Picture next{width, current.height, std::vector<std::uint8_t>(std::size_t(width) * std::size_t(current.height) * 3)};
        pass(current.rgb.data(), next.rgb.data(), tapsFor(current.width, width), current.height, 3, std::size_t(current.width) * 3, 3, std::size_t(width) * 3);
        current = std::move(next);
    }
    if (height != current.height) {
        Picture next{width, height, std::vector<std::uint8_t>(std::size_t(width) * std::size_t(height) * 3)};
        const std::size_t row = std::size_t(width) * 3;
        pass(current.rgb.data(), next.rgb.data(), tapsFor(current.height, height), width, row, 3, row, 3);
        current = std::move(next);
    }
    return current;
}

Picture preprocess(const Picture& picture, int size, const std::string& aspectRatio, Rgb8 around)
{
    if (aspectRatio != "pad" || picture.width == picture.height) {
        return resizeBicubic(picture, size, size);
    }
    const int side = std::max(picture.width, picture.height);
    Picture square{side, side, std::vector<std::uint8_t>(std::size_t(side) * std::size_t(side) * 3)};
    for (std::size_t n = 0; n < square.rgb.size(); n += 3) {
        square.rgb[n] = around.r;
        square.rgb[n + 1] = around.g;
        square.rgb[n + 2] = around.b;
    }
    const int left = (side - picture.width) / 2, top = (side - picture.height) / 2;
    for (int y = 0; y < picture.height; ++y) {
        const auto begin = picture.rgb.begin() + std::ptrdiff_t(y) * picture.width * 3;
        std::copy(begin, begin + picture.width * 3, square.rgb.begin() + (std::ptrdiff_t(y + top) * side + left) * 3);
    }
    return resizeBicubic(square, size, size);
}

} // namespace hf::assistant
