#pragma once

#include "viewer/volume/Oblique.h"
#include "viewer/volume/Slab.h"
#include "viewer/volume/WindowLevel.h"

#include <optional>

namespace hf {

struct ShownSeries;

/// How the reader has a series shown, apart from the place and from what is drawn on it: what one step of undo gives back.
struct SeriesLook {
    std::optional<WindowLevel> window;  ///< Empty: the one that file and presentation state give the image in view, whichever that is.
    bool inverted = false;
    bool isShutterOpen = false;
    Slab slab;
    PlaneTurn turn;
    int presentation = -1;              ///< As in ShownSeries, as are the two that follow.
    bool isSubtracted = false;
    int maskSlice = -1;

    friend bool operator==(const SeriesLook&, const SeriesLook&) = default;
};

SeriesLook lookOf(const ShownSeries& shown);

/// `look` with what differs between `from` and `to` as in `to`; the rest stays.
SeriesLook withChange(SeriesLook look, const SeriesLook& from, const SeriesLook& to);

} // namespace hf
