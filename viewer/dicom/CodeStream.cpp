#include "viewer/dicom/CodeStream.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace hf::dicom {

namespace {

int bigEndian(std::span<const std::uint8_t> bytes, std::size_t at) { return bytes[at] << 8 | bytes[at + 1]; }

std::uint32_t littleEndian(std::span<const std::uint8_t> bytes, std::size_t at)
{
    return std::uint32_t(bytes[at]) | std::uint32_t(bytes[at + 1]) << 8 | std::uint32_t(bytes[at + 2]) << 16 | std::uint32_t(bytes[at + 3]) << 24;
}

/// Bytes that a segment unpacks to.
std::size_t unpackedBytes(std::span<const std::uint8_t> segment)
{
    std::size_t count = 0;
    for (std::size_t at = 0; at < segment.size();) {
        const auto control = std::int8_t(segment[at]);
        if (control >= 0) {
            const std::size_t literal = std::size_t(control) + 1;
            count += std::min(literal, segment.size() - at - 1);
            at += 1 + literal;
        } else {
            const bool isWhole = at + 1 < segment.size();
            count += control == -128 || !isWhole ? 0 : std::size_t(1 - control);
            at += control == -128 ? 1 : 2;
        }
    }
    return count;
}

} // namespace

std::optional<JpegFrame> findJpegFrame(std::span<const std::uint8_t> stream)
{
    constexpr std::uint8_t kMarker = 0xFF;
    std::optional<bool> isYcc;
    bool isAdobe = false;
    for (std::size_t at = 0; at + 9 < stream.size();) {
        if (stream[at] != kMarker) {
            return std::nullopt;
        }
        const std::uint8_t code = stream[at + 1];
        const bool isFrame = code >= 0xC0 && code <= 0xCF && code != 0xC4 && code != 0xC8 && code != 0xCC;
        const bool isAlone = code == 0xD8 || code == 0x01 || (code >= 0xD0 && code <= 0xD7);
        if (isFrame) {
            // JFIF knows baseline, extended and progressive streams alone; writers of lossless ones put its marker there all the same.
            const bool isLossy = code <= 0xC2;
            return JpegFrame{bigEndian(stream, at + 5), bigEndian(stream, at + 7), stream[at + 9], stream[at + 4], isAdobe || isLossy ? isYcc : std::nullopt, code != 0xC3 && code != 0xC7 && code != 0xCB && code != 0xCF};
        }
        const auto holds = [&](const char* word) { return at + 4 + std::strlen(word) <= stream.size() && std::memcmp(stream.data() + at + 4, word, std::strlen(word)) == 0; };
        if (code == 0xE0 && holds("JFIF") && !isYcc) {
            isYcc = true;
        } else if (code == 0xEE && holds("Adobe") && at + 15 < stream.size()) {
            isYcc = stream[at + 15] != 0;
            isAdobe = true;
        }
        at += code == kMarker ? 1 : isAlone ? 2 : 2 + std::size_t(bigEndian(stream, at + 2));
    }
    return std::nullopt;
}

bool isIrreversible(std::span<const std::uint8_t> stream)
{
    static constexpr std::uint8_t kBegin[] = {0xFF, 0x4F, 0xFF, 0x51};
    constexpr int kCod = 0xFF52, kSot = 0xFF90;
    const auto begin = std::search(stream.begin(), stream.end(), std::begin(kBegin), std::end(kBegin));
    for (std::size_t at = std::size_t(begin - stream.begin()) + 2; at + 14 <= stream.size();) {
        const int marker = bigEndian(stream, at);
        if (marker == kCod) {
            constexpr std::size_t kTransformation = 13;     // behind style, progression, layers, colour, levels, two sizes and their style
            return stream[at + kTransformation] == 0;
        }
        if (marker == kSot || marker < 0xFF00) {
            break;
        }
        at += 2 + std::size_t(bigEndian(stream, at + 2));
    }
    return false;
}

void checkJpeg(const JpegFrame& frame, const PixelFormat& format)
{
    if ((frame.rows != 0 && frame.rows != format.rows) || frame.columns != format.columns || frame.samples != format.samples) {
        throw Error("the compressed image has " + std::to_string(frame.columns) + " x " + std::to_string(frame.rows) + " pixels of " + std::to_string(frame.samples) +
            " samples, which is not what the header says", "broken");
    }
}

void checkRle(std::span<const std::uint8_t> stream, const PixelFormat& format)
{
    constexpr std::size_t kHeader = 64, kMostSegments = 15;
    const std::size_t segments = stream.size() < kHeader ? 0 : littleEndian(stream, 0), pixels = std::size_t(format.rows) * std::size_t(format.columns);
    if (segments == 0 || segments > kMostSegments) {
        throw Error("the compressed image has no RLE header", "broken");
    }
    for (std::size_t n = 0; n < segments; ++n) {
        const std::size_t begin = littleEndian(stream, 4 + 4 * n), end = n + 1 < segments ? littleEndian(stream, 8 + 4 * n) : stream.size();
        if (begin < kHeader || begin > end || end > stream.size()) {
            throw Error("the compressed image ends early", "broken");
        }
        const std::size_t count = unpackedBytes(stream.subspan(begin, end - begin));
        // The last run may go on over the end by what fills it.
        constexpr std::size_t kLongestRun = 128;
        if (count < pixels || count > pixels + kLongestRun) {
            throw Error(count < pixels ? "the compressed image holds fewer pixels than the header says" : "the compressed image holds more pixels than the header says", "broken");
        }
    }
}

} // namespace hf::dicom
