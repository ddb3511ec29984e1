#include "viewer/dicom/DicomFileData.h"

#include "viewer/dicom/Attributes.h"
#include "viewer/dicom/Shutters.h"

#include <algorithm>
#include <cstring>

namespace hf::dicom {

namespace {

DcmTagKey tagOf(int plane, Uint16 element) { return DcmTagKey(Uint16(0x6000 + 2 * plane), element); }

/// One overlay plane (PS3.3 C.9.2): a bitmap of its own size, placed on the image.
struct OverlayPlane {
    int rows = 0, columns = 0;
    int top = 0, left = 0;          ///< 0-based pixel of the image under its first pixel.
    int frames = 1, firstFrame = 0; ///< 0-based frame of the image that its first frame belongs to.
    int bitPosition = 0;
    const Uint8* bits = nullptr;    ///< Null when the plane lies in unused bits of the pixels.
    unsigned long bytes = 0;
};

std::optional<OverlayPlane> findPlane(DcmItem& dataset, int number)
{
    OverlayPlane plane;
    plane.rows = integer(dataset, tagOf(number, 0x0010));
    plane.columns = integer(dataset, tagOf(number, 0x0011));
    if (plane.rows < 1 || plane.columns < 1) {
        return std::nullopt;
    }
    const std::vector<double> origin = numbers(dataset, tagOf(number, 0x0050));
    if (origin.size() == 2) {
        plane.top = int(origin[0]) - 1;
        plane.left = int(origin[1]) - 1;
    }
    plane.frames = std::max(1, integer(dataset, tagOf(number, 0x0015), 1));
    plane.firstFrame = integer(dataset, tagOf(number, 0x0051), 1) - 1;
    plane.bitPosition = integer(dataset, tagOf(number, 0x0102));
    const DcmTagKey data = tagOf(number, 0x3000);
    const Uint16* words = nullptr;
    unsigned long count = 0;
    // OW by the standard; OB in some files.
    if (dataset.findAndGetUint16Array(data, words, &count).good() && words) {
        plane.bits = reinterpret_cast<const Uint8*>(words);
        plane.bytes = count * 2;
    } else if (dataset.findAndGetUint8Array(data, plane.bits, &count).good() && plane.bits) {
        plane.bytes = count;
    } else if (plane.bitPosition == 0) {
        return std::nullopt;
    }
    return plane;
}

/// Bits of a plane of its own, lowest first (PS3.5 8.1.2): sets `mark` where it draws.
template <typename Mark> void drawBitmap(const OverlayPlane& plane, int frame, int rows, int columns, std::vector<Mark>& drawn, Mark mark)
{
    const int own = plane.frames == 1 && plane.firstFrame == 0 ? 0 : frame - plane.firstFrame;
    if (own < 0 || own >= plane.frames) {
        return;
    }
    const std::size_t first = std::size_t(own) * std::size_t(plane.rows) * std::size_t(plane.columns);
    for (int y = std::max(0, -plane.top); y < plane.rows && y + plane.top < rows; ++y) {
        for (int x = std::max(0, -plane.left); x < plane.columns && x + plane.left < columns; ++x) {
            const std::size_t bit = first + std::size_t(y) * std::size_t(plane.columns) + std::size_t(x);
            if (bit / 8 < plane.bytes && (plane.bits[bit / 8] >> (bit % 8) & 1)) {
                drawn[std::size_t(y + plane.top) * std::size_t(columns) + std::size_t(x + plane.left)] |= mark;
            }
        }
    }
}

/// Retired: the plane is one of the unused bits of each pixel.
void drawUnusedBits(const OverlayPlane& plane, const StoredFrame& stored, std::vector<std::uint16_t>& drawn, std::uint16_t mark)
{
    for (std::size_t n = 0; n < drawn.size(); ++n) {
        std::uint16_t word = 0;
        std::memcpy(&word, stored.bytes.data() + 2 * n, 2);
        drawn[n] |= word >> plane.bitPosition & 1 ? mark : std::uint16_t(0);
    }
}

} // namespace

std::shared_ptr<const Shutter::Bitmap> findBitmap(DcmItem& dataset, std::uint16_t group)
{
    constexpr std::uint16_t kFirst = 0x6000, kLast = 0x601E;
    const auto plane = group >= kFirst && group <= kLast && group % 2 == 0 ? findPlane(dataset, (group - kFirst) / 2) : std::nullopt;
    if (!plane || !plane->bits) {
        return nullptr;
    }
    auto bitmap = std::make_shared<Shutter::Bitmap>();
    bitmap->columns = plane->columns + std::max(0, plane->left);
    bitmap->rows = plane->rows + std::max(0, plane->top);
    bitmap->covered.resize(std::size_t(bitmap->rows) * std::size_t(bitmap->columns));
    drawBitmap(*plane, plane->firstFrame, bitmap->rows, bitmap->columns, bitmap->covered, std::uint8_t(1));
    return bitmap;
}

std::vector<std::uint16_t> DicomFile::overlays(int frame, const StoredFrame& stored) const
{
    constexpr int kMostPlanes = 16;
    DcmDataset& dataset = *m_data->file.getDataset();
    const PixelFormat& format = m_data->header.pixels;
    const bool isNative = !DcmXfer(dataset.getOriginalXfer()).isEncapsulated();
    std::vector<std::uint16_t> drawn;
    const std::uint16_t shutter = shutterGroup(dataset);
    for (int number = 0; number < kMostPlanes; ++number) {
        const auto plane = findPlane(dataset, number);
        if (!plane || tagOf(number, 0).getGroup() == shutter) {
            continue;
        }
        const bool isUnusedBit = !plane->bits && isNative && stored.samples == 1 && stored.bytesPerSample == 2 && plane->bitPosition < 16 &&
            (plane->bitPosition > format.highBit || plane->bitPosition <= format.highBit - format.bitsStored);
        drawn.resize(std::size_t(stored.rows) * std::size_t(stored.columns));
        if (plane->bits) {
            drawBitmap(*plane, frame, stored.rows, stored.columns, drawn, std::uint16_t(1U << number));
        } else if (isUnusedBit) {
            drawUnusedBits(*plane, stored, drawn, std::uint16_t(1U << number));
        }
    }
    return std::all_of(drawn.begin(), drawn.end(), [](std::uint16_t planes) { return planes == 0; }) ? std::vector<std::uint16_t>() : drawn;
}

} // namespace hf::dicom
