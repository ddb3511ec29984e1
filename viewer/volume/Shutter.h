#pragma once

#include "viewer/volume/Picture.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace hf {

/// What covers parts of an image whatever its values are (display shutters, DICOM PS3.3 C.7.6.11 and C.7.6.15): the image is seen inside
/// all shapes, and where no bit of the bitmap is set. Places are x (along the rows of the image) and y in pixels; 0, 0 is the top left corner
/// of the first pixel, whose centre is 0.5, 0.5.
struct Shutter {
    using Point = std::array<double, 2>;
    struct Circle {
        Point center{};
        double radius = 0;          ///< In columns; round in the patient whatever the pixels' shape.
    };
    struct Bitmap {
        int columns = 0, rows = 0;
        std::vector<std::uint8_t> covered;      ///< 1: covered; row by row.
    };
    std::optional<std::array<Point, 2>> rectangle;
    std::optional<Circle> circle;
    std::vector<Point> polygon;
    std::shared_ptr<const Bitmap> bitmap;
    std::uint8_t grey = 0;          ///< What is seen instead.
    bool isAny() const { return rectangle || circle || !polygon.empty() || bitmap; }
};

/// Covers pixels of a picture of a slice. Columns and rows of the image are axes 0 and 1 of `geometry`, `slice` lies along axis 2.
void applyShutter(Picture& picture, const SliceFrame& frame, const Geometry& geometry, int slice, const Shutter& shutter);

} // namespace hf
