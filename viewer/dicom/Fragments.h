#pragma once

#include "viewer/dicom/Header.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcfcache.h>
#include <dcmtk/dcmdata/dcpixseq.h>

#include <cstdint>
#include <vector>

// Internal to hf_dicom.
namespace hf::dicom {

/// Which fragments of encapsulated pixel data belong to which frame (PS3.5 A.4): one each, or by the basic or extended offset table, or
/// by the marker that a code stream of the JPEG families begins with.
class Fragments {
public:
    /// @param fileBytes  of the file that they are in: of a fragment that says it is longer nothing is read.
    /// @throws Error "broken" without fragments, "unsupported" when nothing tells where frames begin.
    Fragments(DcmDataset& dataset, int frames, std::uintmax_t fileBytes);

    /// The code stream of a frame, its fragments joined.  @throws Error "broken" when there is none.
    std::vector<std::uint8_t> stream(int frame, DcmFileCache& cache);
    bool isOneEach() const { return m_count == m_first.size(); }
    /// False for a frame that a cut file has lost.
    bool has(int frame) const { return m_first.at(std::size_t(frame)) < m_count; }

private:
    std::vector<std::uint8_t> bytes(unsigned long fragment, std::size_t most, DcmFileCache& cache);
    bool findByOffsets(const std::vector<std::uint64_t>& offsets);
    bool findByMarkers();
    std::vector<std::uint64_t> basicOffsets(int frames);
    bool areFound(std::size_t frames, bool isCut);

    DcmPixelSequence* m_sequence = nullptr;
    std::uintmax_t m_fileBytes = 0;
    std::size_t m_count = 0;                ///< Fragments, without the offset table; numbered from 0.
    std::vector<std::size_t> m_first;       ///< Of each frame; a frame ends where the next begins.
};

} // namespace hf::dicom
