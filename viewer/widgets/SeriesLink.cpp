#include "viewer/widgets/SeriesLink.h"

#include "viewer/widgets/ShownSeries.h"

namespace hf {

namespace {

/// Positions can be trusted only where the file tells how its images lie.
bool hasFrame(const ShownSeries& shown) { return !shown.series.frameOfReferenceUid.empty() && shown.series.orientation.has_value(); }

/// Name of a frame of reference; a series without one is a frame of its own.
std::string frameName(const ShownSeries& shown) { return hasFrame(shown) ? shown.series.frameOfReferenceUid : "series " + shown.series.key; }

bool sharesFrame(const ShownSeries& a, const ShownSeries& b) { return frameName(a) == frameName(b); }

} // namespace

std::optional<PointLps> SeriesLink::carry(const ShownSeries& from, const ShownSeries& to, PointLps point) const
{
    if (sharesFrame(from, to)) {
        return point;
    }
    const auto offset = manualOffset(from, to);
    return offset ? std::optional(point + *offset) : std::nullopt;
}

std::optional<Vec3> SeriesLink::manualOffset(const ShownSeries& from, const ShownSeries& to) const
{
    const auto a = m_offsets.find(frameName(from)), b = m_offsets.find(frameName(to));
    if (sharesFrame(from, to) || a == m_offsets.end() || b == m_offsets.end()) {
        return std::nullopt;
    }
    return b->second - a->second;
}

void SeriesLink::match(const ShownSeries& one, PointLps here, const ShownSeries& other, PointLps there)
{
    if (!sharesFrame(one, other)) {
        const Vec3 base = m_offsets.try_emplace(frameName(one)).first->second;
        m_offsets[frameName(other)] = base + (there - here);
    }
}

} // namespace hf
