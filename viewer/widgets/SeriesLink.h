#pragma once

#include "viewer/volume/Geometry.h"

#include <map>
#include <optional>
#include <string>

namespace hf {

struct ShownSeries;

/// Which series move together. Series of one frame of reference (0020,0052) share their millimetres. Series of different ones move
/// together only after the reader said which places match; that offset belongs to the frames, so it holds for other series of them.
class SeriesLink {
public:
    bool isOn() const { return m_isOn; }
    void setOn(bool on) { m_isOn = on; }

    /// The place in `to` that belongs to `point` of `from`; empty when nothing is known about how they lie.
    std::optional<PointLps> carry(const ShownSeries& from, const ShownSeries& to, PointLps point) const;
    /// From now on `there` of one belongs to `here` of the other.
    void match(const ShownSeries& one, PointLps here, const ShownSeries& other, PointLps there);
    /// Forgets all matches.
    void clear() { m_offsets.clear(); }
    /// Whether the two are linked by a match of the reader alone; their offset in mm.
    std::optional<Vec3> manualOffset(const ShownSeries& from, const ShownSeries& to) const;

private:
    bool m_isOn = true;
    std::map<std::string, Vec3> m_offsets;  ///< Of a frame against the common place of all matched ones.
};

} // namespace hf
