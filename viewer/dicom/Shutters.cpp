#include "viewer/dicom/Shutters.h"

#include "viewer/dicom/Attributes.h"

#include <algorithm>
#include <cmath>

namespace hf::dicom {

namespace {

using Point = Shutter::Point;

/// Pairs of row and column, counted from 1, as places of pixel centres.
std::vector<Point> placesOf(DcmItem& item, const DcmTagKey& tag)
{
    const std::vector<double> data = numbers(item, tag);
    std::vector<Point> places;
    for (std::size_t n = 0; n + 1 < data.size(); n += 2) {
        if (std::isfinite(data[n]) && std::isfinite(data[n + 1])) {
            places.push_back({data[n + 1] - 0.5, data[n] - 0.5});
        }
    }
    return places;
}

/// @return whether the shape could be read.
bool readShape(DcmItem& dataset, const std::string& shape, Shutter& shutter)
{
    constexpr std::size_t kMostVertices = 1024;     // more would only be slow
    if (shape == "RECTANGULAR") {
        const auto left = findNumber(dataset, DCM_ShutterLeftVerticalEdge), right = findNumber(dataset, DCM_ShutterRightVerticalEdge);
        const auto upper = findNumber(dataset, DCM_ShutterUpperHorizontalEdge), lower = findNumber(dataset, DCM_ShutterLowerHorizontalEdge);
        if (!left || !right || !upper || !lower || !(*left <= *right) || !(*upper <= *lower)) {
            return false;
        }
        shutter.rectangle = {Point{*left - 1, *upper - 1}, Point{*right, *lower}};
        return true;
    }
    if (shape == "CIRCULAR") {
        const auto center = placesOf(dataset, DCM_CenterOfCircularShutter);
        const double radius = findNumber(dataset, DCM_RadiusOfCircularShutter).value_or(0);
        if (center.size() != 1 || !(radius > 0)) {
            return false;
        }
        shutter.circle = {center[0], radius};
        return true;
    }
    if (shape == "POLYGONAL") {
        const auto vertices = placesOf(dataset, DCM_VerticesOfThePolygonalShutter);
        if (vertices.size() < 3 || vertices.size() > kMostVertices) {
            return false;
        }
        shutter.polygon = vertices;
        return true;
    }
    if (shape == "BITMAP") {
        shutter.bitmap = findBitmap(dataset, shutterGroup(dataset));
        return shutter.bitmap != nullptr;
    }
    return false;
}

} // namespace

std::uint8_t greyOf(double value) { return std::uint8_t(std::lround(std::clamp(value, 0.0, 65535.0) / 257)); }

std::uint16_t shutterGroup(DcmItem& dataset)
{
    const std::vector<std::string> shapes = codes(dataset, DCM_ShutterShape);
    return std::find(shapes.begin(), shapes.end(), "BITMAP") == shapes.end() ? std::uint16_t(0) : std::uint16_t(integer(dataset, DCM_ShutterOverlayGroup));
}

Shutter readShutter(DcmItem& dataset, std::vector<std::string>& leftOut)
{
    Shutter shutter;
    for (const std::string& shape : codes(dataset, DCM_ShutterShape)) {
        const std::string name = shape == "BITMAP" ? "bitmap shutter" : "shutter";
        if (!readShape(dataset, shape, shutter) && std::find(leftOut.begin(), leftOut.end(), name) == leftOut.end()) {
            leftOut.push_back(name);
        }
    }
    shutter.grey = greyOf(findNumber(dataset, DCM_ShutterPresentationValue).value_or(0));
    return shutter;
}

} // namespace hf::dicom
