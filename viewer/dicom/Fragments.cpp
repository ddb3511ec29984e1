#include "viewer/dicom/Fragments.h"

#include "viewer/volume/Error.h"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpxitem.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace hf::dicom {

namespace {

DcmPixelSequence* sequenceOf(DcmDataset& dataset)
{
    DcmElement* element = nullptr;
    dataset.findAndGetElement(DCM_PixelData, element);
    auto* pixels = dynamic_cast<DcmPixelData*>(element);
    DcmPixelSequence* sequence = nullptr;
    E_TransferSyntax syntax = EXS_Unknown;
    const DcmRepresentationParameter* parameter = nullptr;
    if (!pixels) {
        return nullptr;
    }
    pixels->getOriginalRepresentationKey(syntax, parameter);
    return pixels->getEncapsulatedRepresentation(syntax, parameter, sequence).good() ? sequence : nullptr;
}

/// Extended Offset Table (7FE0,0001): 64 bits a frame.
std::vector<std::uint64_t> extendedOffsets(DcmDataset& dataset)
{
    const Uint64* data = nullptr;
    unsigned long count = 0;
    if (dataset.findAndGetUint64Array(DCM_ExtendedOffsetTable, data, &count).good() && data) {
        return {data, data + count};
    }
    return {};
}

std::uint64_t littleEndian(const std::uint8_t* p) { return std::uint64_t(p[0]) | std::uint64_t(p[1]) << 8 | std::uint64_t(p[2]) << 16 | std::uint64_t(p[3]) << 24; }

} // namespace

Fragments::Fragments(DcmDataset& dataset, int frames, std::uintmax_t fileBytes) : m_sequence(sequenceOf(dataset)), m_fileBytes(fileBytes)
{
    if (!m_sequence || m_sequence->card() < 2) {
        throw Error("encapsulated pixel data without fragments", "broken");
    }
    m_count = m_sequence->card() - 1;
    const std::size_t wanted = std::size_t(frames);
    m_first.assign(wanted, 0);
    if (m_count == wanted) {
        for (std::size_t n = 0; n < wanted; ++n) {
            m_first[n] = n;
        }
    } else if (m_count < wanted) {
        // The end of the file is missing: the frames that are there can still be seen.
        if (!findByOffsets(extendedOffsets(dataset)) && !findByOffsets(basicOffsets(frames)) && !findByMarkers()) {
            for (std::size_t n = 0; n < wanted; ++n) {
                m_first[n] = std::min<std::size_t>(n, m_count);
            }
        }
    } else if (wanted > 1 && !findByOffsets(extendedOffsets(dataset)) && !findByOffsets(basicOffsets(frames)) && !findByMarkers()) {
        throw Error("encapsulated frames in pieces without an offset table", "unsupported");
    }
}

std::vector<std::uint8_t> Fragments::bytes(unsigned long fragment, std::size_t most, DcmFileCache& cache)
{
    DcmPixelItem* item = nullptr;
    if (m_sequence->getItem(item, fragment + 1).bad() || !item) {
        throw Error("encapsulated pixel data end early", "broken");
    }
    const std::size_t count = std::min<std::size_t>(item->getLength(), most);
    if (count > m_fileBytes) {
        throw Error("encapsulated pixel data end early", "broken");     // and nothing is allocated for it
    }
    std::vector<std::uint8_t> data(count);
    if (!data.empty() && item->getPartialValue(data.data(), 0, Uint32(data.size()), &cache, EBO_LittleEndian).bad()) {
        throw Error("encapsulated pixel data end early", "broken");
    }
    return data;
}

std::vector<std::uint64_t> Fragments::basicOffsets(int frames)
{
    DcmPixelItem* item = nullptr;
    Uint8* data = nullptr;
    std::vector<std::uint64_t> offsets;
    if (m_sequence->getItem(item, 0).bad() || !item || item->getLength() < 4U * Uint32(frames) || item->getLength() > m_fileBytes || item->getUint8Array(data).bad() || !data) {
        return offsets;
    }
    for (int n = 0; n < frames; ++n) {
        offsets.push_back(littleEndian(data + 4 * n));
    }
    return offsets;
}

/// Offsets count from the first fragment's item tag. A table that does not hit fragments is not believed.
bool Fragments::findByOffsets(const std::vector<std::uint64_t>& offsets)
{
    if (offsets.size() != m_first.size()) {
        return false;
    }
    std::uint64_t at = 0;
    std::size_t frame = 0;
    for (std::size_t n = 0; n < m_count; ++n) {
        if (frame < offsets.size() && at == offsets[frame]) {
            m_first[frame++] = n;
        }
        DcmPixelItem* item = nullptr;
        m_sequence->getItem(item, n + 1);
        at += 8 + (item ? item->getLength() : 0);
    }
    return areFound(frame, frame < offsets.size() && offsets[frame] >= at);
}

/// Are these all frames, or those that a cut file still has? The others are lost with its end.
bool Fragments::areFound(std::size_t frames, bool isCut)
{
    if (frames > 0 && isCut) {
        std::fill(m_first.begin() + std::ptrdiff_t(frames), m_first.end(), m_count);
        return m_first[0] == 0;
    }
    return frames == m_first.size() && m_first[0] == 0;
}

namespace {

/// The head of an RLE frame (PS3.5 G.5): how many segments, at most 15, and where they begin; the first one behind the head.
bool beginsRle(const std::vector<std::uint8_t>& head)
{
    if (head.size() < 64 || littleEndian(head.data()) < 1 || littleEndian(head.data()) > 15 || littleEndian(head.data() + 4) != 64) {
        return false;
    }
    const std::size_t segments = std::size_t(littleEndian(head.data()));
    for (std::size_t n = 1; n < 15; ++n) {
        const std::uint64_t offset = littleEndian(head.data() + 4 + 4 * n);
        if (n < segments ? offset <= littleEndian(head.data() + 4 * n) : offset != 0) {
            return false;
        }
    }
    return true;
}

/// The beginning of a JPEG, JPEG-LS, JPEG 2000 or RLE stream.
bool beginsStream(const std::vector<std::uint8_t>& head)
{
    const bool isMarked = head.size() >= 3 && head[0] == 0xff && (head[1] == 0xd8 || head[1] == 0x4f) && head[2] == 0xff;
    return isMarked || (head.size() >= 12 && std::memcmp(head.data() + 4, "jP  ", 4) == 0) || beginsRle(head);
}

} // namespace

bool Fragments::findByMarkers()
{
    DcmFileCache cache;
    std::size_t frame = 0;
    for (std::size_t n = 0; n < m_count; ++n) {
        const bool begins = beginsStream(bytes(n, 64, cache));
        if (begins && frame == m_first.size()) {
            return false;
        }
        if (begins) {
            m_first[frame++] = n;
        }
    }
    // Fewer than there should be only where even the pieces are fewer: the end is missing.
    return areFound(frame, frame < m_first.size() && m_count < m_first.size());
}

std::vector<std::uint8_t> Fragments::stream(int frame, DcmFileCache& cache)
{
    const std::size_t first = m_first.at(std::size_t(frame)), end = std::size_t(frame) + 1 < m_first.size() ? m_first[std::size_t(frame) + 1] : m_count;
    if (first >= m_count) {
        throw Error("the file ends before this frame", "broken");
    }
    std::vector<std::uint8_t> joined;
    for (std::size_t n = first; n < end; ++n) {
        const std::vector<std::uint8_t> part = bytes(n, SIZE_MAX, cache);
        joined.insert(joined.end(), part.begin(), part.end());
    }
    if (joined.empty()) {
        throw Error("an empty encapsulated frame", "broken");
    }
    return joined;
}

} // namespace hf::dicom
