#include "viewer/volume/Shutter.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hf {

namespace {

using Point = Shutter::Point;
using Polygon = std::vector<Point>;

/// Corners of each shape in the image.
std::vector<Polygon> openings(const Shutter& shutter, const Geometry& geometry)
{
    std::vector<Polygon> shapes;
    if (shutter.rectangle) {
        const auto& [low, high] = *shutter.rectangle;
        shapes.push_back({low, {high[0], low[1]}, high, {low[0], high[1]}});
    }
    if (shutter.circle) {
        constexpr int kCorners = 360;
        const double rows = shutter.circle->radius * geometry.spacingMm()[0] / geometry.spacingMm()[1];
        Polygon ring;
        for (int n = 0; n < kCorners; ++n) {
            const double angle = 2 * std::numbers::pi * n / kCorners;
            ring.push_back({shutter.circle->center[0] + shutter.circle->radius * std::cos(angle), shutter.circle->center[1] + rows * std::sin(angle)});
        }
        shapes.push_back(std::move(ring));
    }
    if (!shutter.polygon.empty()) {
        shapes.push_back(shutter.polygon);
    }
    return shapes;
}

/// Where a row of pixel centres crosses the border of a polygon, from left to right: inside from each odd one to the next.
std::vector<double> crossings(const Polygon& polygon, double y)
{
    std::vector<double> places;
    for (std::size_t n = 0; n < polygon.size(); ++n) {
        const Point &a = polygon[n], &b = polygon[(n + 1) % polygon.size()];
        if ((a[1] <= y) != (b[1] <= y)) {
            const double place = a[0] + (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]);
            places.push_back(std::isfinite(place) ? place : 0);     // corners beyond all measure
        }
    }
    std::sort(places.begin(), places.end());
    return places;
}

void cover(Picture& picture, int y, int first, int last, std::uint8_t grey)
{
    const auto row = picture.rgb.begin() + std::ptrdiff_t(y) * picture.width * 3;
    std::fill(row + 3 * std::clamp(first, 0, picture.width), row + 3 * std::clamp(last, 0, picture.width), grey);
}

/// The first pixel at a place or right of it.
int pixelFrom(double place, int width) { return int(std::ceil(std::clamp(place, 0.0, double(width)))); }

void coverOutside(Picture& picture, const Polygon& polygon, std::uint8_t grey)
{
    for (int y = 0; y < picture.height; ++y) {
        int covered = 0;
        const std::vector<double> places = crossings(polygon, y);
        for (std::size_t n = 0; n + 1 < places.size(); n += 2) {
            cover(picture, y, covered, pixelFrom(places[n], picture.width), grey);
            covered = pixelFrom(places[n + 1], picture.width);
        }
        cover(picture, y, covered, picture.width, grey);
    }
}

void coverBitmap(Picture& picture, const SliceFrame& frame, const Geometry& geometry, const Shutter& shutter)
{
    const Shutter::Bitmap& bitmap = *shutter.bitmap;
    const ContinuousIndex start = geometry.toIndex(frame.origin), right = geometry.toIndex(frame.toLps(1, 0)), down = geometry.toIndex(frame.toLps(0, 1));
    for (int y = 0; y < picture.height; ++y) {
        for (int x = 0; x < picture.width; ++x) {
            const double i = std::floor(start.i + (right.i - start.i) * x + (down.i - start.i) * y + 0.5);
            const double j = std::floor(start.j + (right.j - start.j) * x + (down.j - start.j) * y + 0.5);
            if (i >= 0 && j >= 0 && i < bitmap.columns && j < bitmap.rows && bitmap.covered[std::size_t(j) * std::size_t(bitmap.columns) + std::size_t(i)]) {
                cover(picture, y, x, x + 1, shutter.grey);
            }
        }
    }
}

} // namespace

void applyShutter(Picture& picture, const SliceFrame& frame, const Geometry& geometry, int slice, const Shutter& shutter)
{
    for (Polygon& shape : openings(shutter, geometry)) {
        for (Point& corner : shape) {
            corner = frame.toPixel(geometry.toLps(ContinuousIndex{corner[0] - 0.5, corner[1] - 0.5, double(slice)}));
        }
        coverOutside(picture, shape, shutter.grey);
    }
    if (shutter.bitmap) {
        coverBitmap(picture, frame, geometry, shutter);
    }
}

} // namespace hf
