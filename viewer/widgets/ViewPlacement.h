#pragma once

#include "viewer/volume/Geometry.h"

#include <QPointF>

#include <string>

namespace hf {

/// How the screen's right and down run along the slice's own: rows of a matrix of quarter turns and flips.
struct ViewOrientation {
    int rightX = 1, rightY = 0, downX = 0, downY = 1;
    friend bool operator==(const ViewOrientation&, const ViewOrientation&) = default;
};

/// Where the image of a view lies on it.
struct ViewPlacement {
    std::string seriesKey;
    Plane plane = Plane::Axial;
    ViewOrientation orientation;
    bool isFitted = true;       ///< Zoom follows the size of the view.
    bool isReset = true;        ///< The reader moved nothing: place and zoom are as series and presentation state want them.
    QPointF panMm;              ///< Of the view's centre against the slice's centre, along the slice's own axes.
    double mmPerPixel = 1;

    /// What follows the size of the view by itself is no difference.
    friend bool operator==(const ViewPlacement& a, const ViewPlacement& b)
    {
        if (a.seriesKey != b.seriesKey || a.plane != b.plane || !(a.orientation == b.orientation) || a.isFitted != b.isFitted) {
            return false;
        }
        if (a.isFitted || a.isReset != b.isReset) {
            return a.isReset == b.isReset || (a.isFitted && a.panMm == b.panMm);
        }
        return a.isReset || (a.panMm == b.panMm && a.mmPerPixel == b.mmPerPixel);
    }
};

} // namespace hf
