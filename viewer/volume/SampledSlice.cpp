#include "viewer/volume/SampledSlice.h"

#include "viewer/volume/Error.h"
#include "viewer/volume/Sampling.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

namespace hf {

namespace {

/// The usual case, without branches: wide instructions are made of it. What is not a number becomes 0.
template <typename Value> void toGreyLinear(std::span<const Value> values, Value low, Value slope, bool invert, std::uint8_t* grey)
{
    const int turn = invert ? 255 : 0, sign = invert ? -1 : 1;
    for (std::size_t n = 0; n < values.size(); ++n) {
        const Value value = values[n], level = (value - low) * slope;
        const Value above = level > 0 ? level : 0, within = above < 255 ? above : 255;
        const int rounded = turn + sign * int(within + Value(0.5));
        grey[n] = std::uint8_t(value == value ? rounded : 0);
    }
}

/// 8-bit grey after the window; 0 where nothing was sampled and where the values are padding.
template <typename Value>
void toGrey(std::span<const Value> values, const WindowLevel& window, bool exact, bool invert, const std::optional<std::array<double, 2>>& padding, std::uint8_t* grey)
{
    // The linear functions once, as slope and offset: map(v) = clamp((v - low) * slope).
    const auto [start, range] = window.ramp(exact);
    const auto low = Value(start);
    const Value slope = range > 0 ? Value(255 / range) : Value(std::numeric_limits<float>::max());
    if (window.isLinear()) {
        toGreyLinear<Value>(values, low, slope, invert, grey);
    }
    for (std::size_t n = 0; n < values.size() && (padding || !window.isLinear()); ++n) {
        if (std::isnan(values[n]) || (padding && values[n] >= Value((*padding)[0]) && values[n] <= Value((*padding)[1]))) {
            grey[n] = 0;
        } else if (!window.isLinear()) {
            const auto rounded = std::uint8_t(float(window.map(values[n], exact)) + 0.5F);
            grey[n] = invert ? std::uint8_t(255 - rounded) : rounded;
        }
    }
}

std::uint32_t packed(std::uint32_t r, std::uint32_t g, std::uint32_t b) { return r | g << 8 | b << 16; }

std::uint32_t blended(std::uint32_t under, std::uint8_t over, double opacity) { return std::uint32_t(std::lround(under + (over - double(under)) * opacity)); }

/// Whether a pixel of a row has a neighbour of another label; outside the picture there is none. Without branches: wide instructions are made
/// of it.
void findBorder(const LabelId* row, const LabelId* above, const LabelId* below, std::size_t width, std::vector<std::uint8_t>& isBorder)
{
    for (std::size_t x = 0; x < width; ++x) {
        isBorder[x] = std::uint8_t((above[x] ^ row[x]) | (below[x] ^ row[x]));
    }
    for (std::size_t x = 1; x < width; ++x) {
        isBorder[x] |= std::uint8_t(row[x - 1] ^ row[x]);
    }
    for (std::size_t x = 0; x + 1 < width; ++x) {
        isBorder[x] |= std::uint8_t(row[x + 1] ^ row[x]);
    }
    isBorder[0] |= row[0];
    isBorder[width - 1] |= row[width - 1];
}

} // namespace

SampledSlice::SampledSlice(const Volume& volume, const SliceFrame& frame, Interpolation interpolation, const Slab& slab, const LabelMap* mask, const OverlayStyle& style)
    : m_width(frame.width), m_height(frame.height)
{
    if (volume.isEmpty() || frame.width < 1 || frame.height < 1) {
        throw Error("nothing to compose: no volume or an empty frame", "picture");
    }
    const VolumeInfo& info = volume.info();
    m_isExact = isReal(volume.type());
    m_isInverted = info.isInverted;
    m_padding = info.padding;
    const bool isThick = slab.isOn() && !volume.isColor();
    if (volume.isColor()) {
        sampleColor(volume, frame, interpolation);
    } else {
        m_values = isThick ? sampleSlab(volume, frame, interpolation, slab) : sampleValues(volume, frame, interpolation);
    }
    if (info.graphics && !isThick) {
        const std::vector<float> drawn = sampleGraphics(volume, frame);
        m_graphics.resize(drawn.size());
        std::transform(drawn.begin(), drawn.end(), m_graphics.begin(), [&](float value) { return std::uint8_t(!std::isnan(value) && (std::uint16_t(value) & style.planes) != 0); });
    }
    if (mask && !mask->isEmpty()) {
        layMask(*mask, frame, style);
    }
}

/// A colour volume as three interleaved channels, each sampled like a grey volume.
void SampledSlice::sampleColor(const Volume& volume, const SliceFrame& frame, Interpolation interpolation)
{
    const std::size_t pixels = std::size_t(m_width) * std::size_t(m_height);
    m_rgb.resize(3 * pixels);
    m_outside.resize(pixels);
    for (std::size_t c = 0; c < 3; ++c) {
        const std::vector<float> values = sampleChannel(volume, c, frame, interpolation);
        for (std::size_t n = 0; n < pixels; ++n) {
            m_outside[n] |= std::uint8_t(std::isnan(values[n]));
            m_rgb[3 * n + c] = m_outside[n] ? std::uint8_t(0) : std::uint8_t(values[n] + 0.5F);
        }
    }
}

/// The labels that are shown, each filled in its own way, their borders opaque.
void SampledSlice::layMask(const LabelMap& mask, const SliceFrame& frame, const OverlayStyle& style)
{
    std::array<const Label*, 256> shown{};
    for (const Label& label : mask.labels()) {
        if (label.value != 0 && std::find(style.hidden.begin(), style.hidden.end(), label.value) == style.hidden.end()) {
            shown[label.value] = &label;
        }
    }
    std::vector<LabelId> labels = sampleLabels(mask, frame);
    std::array<bool, 256> isSeen{};
    for (LabelId& label : labels) {
        label = shown[label] ? label : LabelId(0);
        isSeen[label] = true;
    }
    std::array<std::uint16_t, 256> fill{};
    m_tables.resize(1);
    for (std::uint32_t level = 0; level < 256; ++level) {
        m_tables[0][level] = packed(level, level, level);
    }
    for (std::size_t value = 1; value < 256; ++value) {
        if (!isSeen[value]) {
            continue;
        }
        const Rgb8 color = shown[value]->color;
        fill[value] = std::uint16_t(m_tables.size());
        Levels& inside = m_tables.emplace_back();
        for (std::uint32_t level = 0; level < 256; ++level) {
            inside[level] = packed(blended(level, color.r, style.opacity), blended(level, color.g, style.opacity), blended(level, color.b, style.opacity));
        }
        m_tables.emplace_back().fill(packed(color.r, color.g, color.b));
    }
    const auto width = std::size_t(m_width), height = std::size_t(m_height);
    m_layer.resize(labels.size());
    const std::vector<LabelId> nothing(width);
    forBands(m_height, m_width, [&](int first, int last) {
        std::vector<std::uint8_t> isBorder(width);
        for (auto y = std::size_t(first); y < std::size_t(last); ++y) {
            const LabelId* row = labels.data() + y * width;
            if (style.outline) {
                findBorder(row, y > 0 ? row - width : nothing.data(), y + 1 < height ? row + width : nothing.data(), width, isBorder);
            }
            std::uint16_t* out = m_layer.data() + y * width;
            for (std::size_t x = 0; x < width; ++x) {
                const std::uint16_t place = fill[row[x]];
                out[x] = std::uint16_t(place + (place && isBorder[x] ? 1 : 0));
            }
        }
    });
}

void SampledSlice::composeGreyRow(std::size_t y, const WindowLevel& window, bool invert, std::vector<std::uint8_t>& grey, std::uint8_t* rgb) const
{
    const auto width = std::size_t(m_width);
    std::visit([&]<typename Value>(const std::vector<Value>& values) {
        toGrey<Value>(std::span(values).subspan(y * width, width), window, m_isExact, invert != m_isInverted, m_padding, grey.data());
    }, m_values);
    for (std::size_t x = 0; !m_graphics.empty() && x < width; ++x) {
        grey[x] = m_graphics[y * width + x] ? std::uint8_t(255) : grey[x];
    }
    if (m_layer.empty()) {
        for (const std::uint8_t level : grey) {
            rgb[0] = rgb[1] = rgb[2] = level;
            rgb += 3;
        }
        return;
    }
    const std::uint16_t* layer = m_layer.data() + y * width;
    const auto colorAt = [&](std::size_t x) { return m_tables[layer[x]][grey[x]]; };
    // Four bytes at once; the next pixel mends the fourth.
    for (std::size_t x = 0; x + 1 < width; ++x, rgb += 3) {
        const std::uint32_t color = colorAt(x);
        std::memcpy(rgb, &color, 4);
    }
    const std::uint32_t color = colorAt(width - 1);
    std::memcpy(rgb, &color, 3);
}

void SampledSlice::composeColorRow(std::size_t y, bool invert, std::uint8_t* rgb) const
{
    const auto width = std::size_t(m_width);
    for (std::size_t x = 0; x < width; ++x, rgb += 3) {
        const std::size_t n = y * width + x;
        const bool isDrawn = !m_graphics.empty() && m_graphics[n];
        for (std::size_t c = 0; c < 3; ++c) {
            const std::uint8_t level = isDrawn ? std::uint8_t(255) : invert && !m_outside[n] ? std::uint8_t(255 - m_rgb[3 * n + c]) : m_rgb[3 * n + c];
            rgb[c] = m_layer.empty() ? level : std::uint8_t(m_tables[m_layer[n]][level] >> 8 * c);
        }
    }
}

Picture SampledSlice::compose(const WindowLevel& window, bool invert) const
{
    const auto width = std::size_t(m_width);
    Picture picture{m_width, m_height, std::vector<std::uint8_t>(width * std::size_t(m_height) * 3)};
    forBands(m_height, m_width, [&](int first, int last) {
        std::vector<std::uint8_t> grey(width);
        for (auto y = std::size_t(first); y < std::size_t(last); ++y) {
            std::uint8_t* row = picture.rgb.data() + y * width * 3;
            if (m_rgb.empty()) {
                composeGreyRow(y, window, invert, grey, row);
            } else {
                composeColorRow(y, invert, row);
            }
        }
    });
    return picture;
}

} // namespace hf
