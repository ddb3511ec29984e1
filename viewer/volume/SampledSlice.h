#pragma once

#include "viewer/volume/Picture.h"
#include "viewer/volume/Slab.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace hf {

/// What a frame shows, sampled once: while a reader drags the window no voxel is read again. Holds nothing of volume and mask; a few bytes a
/// pixel. Thread-safe.
class SampledSlice {
public:
    /// As composeSlab(). @throws Error "picture" for an empty volume or frame.
    SampledSlice(const Volume& volume, const SliceFrame& frame, Interpolation interpolation, const Slab& slab, const LabelMap* mask, const OverlayStyle& style);
    /// The picture through a window; that of a colour image only turned over.
    Picture compose(const WindowLevel& window, bool invert) const;

private:
    /// What becomes of a level under the mask: red, green and blue in the low bytes, red lowest (of little-endian machines).
    using Levels = std::array<std::uint32_t, 256>;
    void sampleColor(const Volume& volume, const SliceFrame& frame, Interpolation interpolation);
    void layMask(const LabelMap& mask, const SliceFrame& frame, const OverlayStyle& style);
    void composeGreyRow(std::size_t y, const WindowLevel& window, bool invert, std::vector<std::uint8_t>& grey, std::uint8_t* rgb) const;
    void composeColorRow(std::size_t y, bool invert, std::uint8_t* rgb) const;

    int m_width, m_height;
    bool m_isExact, m_isInverted;           ///< Of the volume: real numbers; low values are bright.
    std::optional<std::array<double, 2>> m_padding;
    Samples m_values;                       ///< NaN outside; empty for a colour image.
    std::vector<std::uint8_t> m_rgb;        ///< Of a colour image, 0 outside.
    std::vector<std::uint8_t> m_outside;    ///< Of a colour image: not 0 where nothing was sampled.
    std::vector<std::uint8_t> m_graphics;   ///< Not 0 where an overlay plane draws; empty without.
    std::vector<std::uint16_t> m_layer;     ///< Place in m_tables; empty without a mask.
    std::vector<Levels> m_tables;           ///< First what is not under the mask.
};

} // namespace hf
