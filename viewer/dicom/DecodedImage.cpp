#include "viewer/dicom/DecodedImage.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

namespace hf::dicom {

namespace {

/// Sign and position of the stored bits (PS3.5 8.1.1).
class SampleReader {
public:
    SampleReader(const StoredFrame& frame, const PixelFormat& format) : m_frame(frame), m_bits(std::min(format.bitsStored, frame.bytesPerSample * 8))
    {
        m_shift = std::clamp(format.highBit + 1 - m_bits, 0, frame.bytesPerSample * 8 - m_bits);
        m_mask = m_bits >= 32 ? 0xFFFFFFFFU : (1U << m_bits) - 1;
    }
    std::int64_t lowest() const { return m_frame.isSigned ? -(std::int64_t(1) << (m_bits - 1)) : 0; }
    std::int64_t highest() const { return lowest() + std::int64_t(m_mask); }
    std::int64_t at(std::size_t n) const
    {
        std::uint32_t raw = 0;
        std::memcpy(&raw, m_frame.bytes.data() + n * std::size_t(m_frame.bytesPerSample), std::size_t(m_frame.bytesPerSample));
        raw = (raw >> m_shift) & m_mask;
        if (m_frame.isSigned && (raw >> (m_bits - 1) & 1U)) {
            return std::int64_t(raw) - (std::int64_t(m_mask) + 1);
        }
        return raw;
    }
    /// All samples of at most 16 bits.
    std::vector<std::int32_t> all(std::size_t count) const
    {
        std::vector<std::int32_t> samples(count);
        m_frame.bytesPerSample == 1 ? readAll<std::uint8_t>(samples) : readAll<std::uint16_t>(samples);
        return samples;
    }

private:
    template <typename Raw> void readAll(std::vector<std::int32_t>& samples) const
    {
        const std::uint8_t* bytes = m_frame.bytes.data();
        const std::int32_t mask = std::int32_t(m_mask), sign = m_frame.isSigned ? std::int32_t(1) << (m_bits - 1) : 0;
        for (std::size_t n = 0; n < samples.size(); ++n) {
            Raw raw = 0;
            std::memcpy(&raw, bytes + n * sizeof(Raw), sizeof(Raw));
            samples[n] = (((std::int32_t(raw) >> m_shift) & mask) ^ sign) - sign;
        }
    }

    const StoredFrame& m_frame;
    int m_bits, m_shift = 0;
    std::uint32_t m_mask = 0;
};

double floatAt(const StoredFrame& frame, std::size_t n)
{
    if (frame.bytesPerSample == 4) {
        float value = 0;
        std::memcpy(&value, frame.bytes.data() + n * 4, 4);
        return value;
    }
    double value = 0;
    std::memcpy(&value, frame.bytes.data() + n * 8, 8);
    return value;
}

/// Luminance in place of the values of an image that has become coloured.
void takeLuminance(DecodedImage& image)
{
    image.whole.resize(image.rgb.size() / 3);
    for (std::size_t n = 0; n < image.whole.size(); ++n) {
        image.whole[n] = std::int32_t(std::lround(0.299F * image.rgb[3 * n] + 0.587F * image.rgb[3 * n + 1] + 0.114F * image.rgb[3 * n + 2]));
    }
    image.values.clear();
    image.minimum = 0;
    image.maximum = 255;
}

std::uint8_t colorAt(const LookupTable& table, std::int32_t stored)
{
    const std::uint16_t value = table.at(stored);
    return std::uint8_t(table.bits > 8 ? value >> (table.bits - 8) : value);
}

void decodeColor(DicomFile& file, const StoredFrame& frame, DecodedImage& image)
{
    const std::size_t pixels = std::size_t(frame.rows) * std::size_t(frame.columns);
    image.isColor = true;
    image.rgb.resize(pixels * 3);
    const PixelFormat& format = file.header().pixels;
    if (frame.photometric == "PALETTE COLOR") {
        const std::array<LookupTable, 3> palette = file.palette();
        const SampleReader samples(frame, format);
        for (std::size_t n = 0; n < pixels; ++n) {
            for (std::size_t c = 0; c < 3; ++c) {
                image.rgb[3 * n + c] = colorAt(palette[c], std::int32_t(samples.at(n)));
            }
        }
    } else if (frame.bytesPerSample == 1) {
        std::copy_n(frame.bytes.begin(), image.rgb.size(), image.rgb.begin());
    } else {
        const SampleReader samples(frame, format);
        const int shift = std::max(0, format.bitsStored - 8);
        for (std::size_t n = 0; n < image.rgb.size(); ++n) {
            image.rgb[n] = std::uint8_t(std::clamp<std::int64_t>(samples.at(n) >> shift, 0, 255));
        }
    }
    takeLuminance(image);
}

struct Rescale {
    double slope, intercept;
    bool isWhole() const { return slope == std::floor(slope) && intercept == std::floor(intercept); }
    /// 16-bit samples stay whole numbers that a float holds exactly.
    bool keepsSamplesWhole() const { return isWhole() && std::abs(slope) * 65536 + std::abs(intercept) < 16777216; }
};

/// The usual case: samples of up to 16 bits, whole numbers after the rescale.
void rescaleWhole(std::vector<std::int32_t> samples, const Rescale& rescale, const Header& header, DecodedImage& image)
{
    if (header.paddingLow) {
        const double low = *header.paddingLow, high = *header.paddingHigh;
        const double a = low * rescale.slope + rescale.intercept, b = high * rescale.slope + rescale.intercept;
        image.paddingSaid = {std::min(a, b), std::max(a, b)};
        if (std::any_of(samples.begin(), samples.end(), [&](std::int32_t stored) { return stored >= low && stored <= high; })) {
            image.padding = image.paddingSaid;
        }
    }
    const std::int32_t slope = std::int32_t(rescale.slope), intercept = std::int32_t(rescale.intercept);
    std::int32_t lowest = std::numeric_limits<std::int32_t>::max(), highest = std::numeric_limits<std::int32_t>::min();
    for (std::int32_t& sample : samples) {
        sample = sample * slope + intercept;
        lowest = std::min(lowest, sample);
        highest = std::max(highest, sample);
    }
    image.minimum = lowest;
    image.maximum = highest;
    image.whole = std::move(samples);
}

/// @param factor  after the rescale (SUV); 1 without.
void decodeGrey(DicomFile& file, const StoredFrame& frame, const FrameHeader& description, double factor, DecodedImage& image)
{
    const Header& header = file.header();
    const std::size_t pixels = std::size_t(frame.rows) * std::size_t(frame.columns);
    const Rescale rescale{description.slope * factor, description.intercept * factor};
    image.isInverted = frame.photometric == "MONOCHROME1";
    image.storedBits = header.pixels.bitsStored;
    const SampleReader samples(frame, header.pixels);
    const std::optional<LookupTable> lut = frame.isFloat ? std::nullopt : file.findModalityLut();
    image.hasLut = lut.has_value();
    image.isInteger = !frame.isFloat && (rescale.isWhole() || lut);
    if (!frame.isFloat && !lut) {
        const double first = double(samples.lowest()) * rescale.slope + rescale.intercept, last = double(samples.highest()) * rescale.slope + rescale.intercept;
        image.storedRange = {std::min(first, last), std::max(first, last)};
    }
    if (!frame.isFloat && !lut && frame.bytesPerSample <= 2 && rescale.keepsSamplesWhole()) {
        rescaleWhole(samples.all(pixels), rescale, header, image);
        return;
    }
    image.values.resize(pixels);
    const auto valueOf = [&](double stored) { return lut ? double(lut->at(std::int32_t(stored))) : stored * rescale.slope + rescale.intercept; };
    // Fractions that come of a rescale are rounded as floats are; what the file holds is not.
    const auto isChanged = [&](double stored, double value) { return frame.isFloat ? frame.bytesPerSample == 8 && double(float(value)) != value : double(float(stored)) != stored; };
    double lowest = INFINITY, highest = -INFINITY;
    bool isPadded = false;
    for (std::size_t n = 0; n < pixels; ++n) {
        double stored = frame.isFloat ? floatAt(frame, n) : double(samples.at(n));
        if (!std::isfinite(float(stored))) {
            stored = 0;
            ++image.notFinite;
        }
        const double value = image.values[n] = valueOf(stored);
        image.needsDouble = image.needsDouble || isChanged(stored, value);
        lowest = std::min(lowest, value);
        highest = std::max(highest, value);
        isPadded = isPadded || (header.paddingLow && stored >= *header.paddingLow && stored <= *header.paddingHigh);
    }
    if (header.paddingLow) {
        const double low = valueOf(*header.paddingLow), high = valueOf(*header.paddingHigh);
        image.paddingSaid = {std::min(low, high), std::max(low, high)};
        image.padding = isPadded ? image.paddingSaid : std::nullopt;
    }
    image.minimum = lowest;
    image.maximum = highest;
}

/// A grey image whose stored values from the first one of its palette on are colours (PS3.3 C.7.6.19); the others keep the grey that the first
/// window of the file gives them, or all of them spread over the greys.
void addSupplement(DicomFile& file, const StoredFrame& frame, DecodedImage& image)
{
    const std::array<LookupTable, 3> palette = file.palette();
    const SampleReader samples(frame, file.header().pixels);
    const std::int32_t first = palette[0].first;
    const auto valueAt = [&](std::size_t n) { return image.values.empty() ? double(image.whole[n]) : image.values[n]; };
    const std::size_t pixels = image.pixels();
    double lowest = INFINITY, highest = -INFINITY;
    for (std::size_t n = 0; n < pixels; ++n) {
        if (samples.at(n) < first) {
            lowest = std::min(lowest, valueAt(n));
            highest = std::max(highest, valueAt(n));
        }
    }
    WindowLevel window{(lowest + highest) / 2, std::max(highest - lowest, 1e-6), {}, VoiFunction::LinearExact};
    window = image.windows.empty() ? window : image.windows.front();
    image.rgb.resize(3 * pixels);
    for (std::size_t n = 0; n < pixels; ++n) {
        const auto stored = std::int32_t(samples.at(n));
        for (std::size_t c = 0; c < 3; ++c) {
            image.rgb[3 * n + c] = stored >= first ? colorAt(palette[c], stored) : std::uint8_t(std::lround(window.map(valueAt(n), !image.isInteger)));
        }
    }
    image.isColor = image.isSupplemented = true;
    image.isInteger = true;
    image.storedBits = 8;
    image.padding = image.paddingSaid = image.storedRange = std::nullopt;
    takeLuminance(image);
}

/// Encodings that always lose something; 91 and 203 need not.
bool isLossySyntax(const std::string& uid)
{
    static const std::set<std::string> kLossy{"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55", "1.2.840.10008.1.2.4.81"};
    return kLossy.contains(uid);
}

/// Windows in SUV where the values are. @param isFloat  a linear window of one unit means all fractions in it, not the threshold that LINEAR is
/// for whole numbers.
std::vector<WindowLevel> scaled(std::vector<WindowLevel> windows, double factor, bool isFloat)
{
    for (WindowLevel& window : windows) {
        window.center *= factor;
        window.width *= factor;
        const bool isExact = factor != 1 || (isFloat && window.width <= 1);
        window.function = isExact && window.function == VoiFunction::Linear ? VoiFunction::LinearExact : window.function;
    }
    return windows;
}

} // namespace

void DecodedImage::dropValues()
{
    // Assigning {} would keep the memory.
    whole = std::vector<std::int32_t>();
    values = std::vector<double>();
    rgb = std::vector<std::uint8_t>();
}

DecodedImage decodeImage(DicomFile& file, int frame, Unit unit)
{
    const Header& header = file.header();
    const FrameHeader& description = header.frames.at(std::size_t(frame));
    const double factor = unit == Unit::Suv ? header.suv.factor : 1;
    DecodedImage image;
    image.windows = scaled(description.windows, factor, header.pixels.kind != PixelKind::Integer);
    image.wasLossy = header.text.lossy || isLossySyntax(header.transferSyntaxUid);
    const StoredFrame stored = file.decode(frame);
    image.wasLossy = image.wasLossy || stored.isLossy;
    if (stored.samples == 3 || stored.photometric == "PALETTE COLOR") {
        decodeColor(file, stored, image);
    } else {
        decodeGrey(file, stored, description, factor, image);
    }
    if (description.supplement == Supplement::Colors && !image.isColor) {
        addSupplement(file, stored, image);
    }
    image.graphics = file.overlays(frame, stored);
    image.hasGraphics = !image.graphics.empty();
    image.shutter = file.shutter();
    image.isDecoded = true;
    return image;
}

} // namespace hf::dicom
