#pragma once

#include "viewer/volume/Volume.h"

#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace hf {

/// What a reader draws on an image. Points that each kind has:
enum class MeasurementKind {
    Length,     ///< 2: the ends.
    Angle,      ///< 3: end, corner, end.
    Cobb,       ///< 4: the ends of two lines (end plates).
    Ellipse,    ///< 2: opposite corners of its box; axes run along the directions of the plane.
    Rectangle,  ///< 2: opposite corners; sides run along the directions of the plane.
    Polygon,    ///< 3 or more corners, closed.
    Freehand,   ///< As Polygon, drawn in one stroke.
    Arrow,      ///< 2: tip, tail.
    Text,       ///< 1: where it stands.
    Probe,      ///< 1: the place whose value is told.
    KeyImage,   ///< 1: the middle of an image that the reader marked as a whole.
};

/// "length", "angle", ...: the words in files.
std::string toString(MeasurementKind kind);
/// Empty for any other word.
std::optional<MeasurementKind> findMeasurementKind(const std::string& word);
/// Points that complete the kind; the fewest for Polygon and Freehand.
std::size_t pointsOf(MeasurementKind kind);
/// Whether the kind encloses pixels.
bool isRegion(MeasurementKind kind);

/// A drawing on one plane of a volume. A value; points and axes are LPS, mm.
struct Measurement {
    int id = 0;                     ///< Unique in a study, never used again.
    MeasurementKind kind = MeasurementKind::Length;
    std::vector<PointLps> points;
    Vec3 right{1, 0, 0}, down{0, 1, 0};     ///< Unit vectors of the plane, as on the screen when it was drawn.
    std::string text;               ///< The reader's own words; may be empty.
    std::string seriesKey;          ///< The series that it was drawn on.

    Vec3 normal() const { return cross(right, down); }
    friend bool operator==(const Measurement&, const Measurement&) = default;
};

/// Where the millimetres of an image come from.
enum class ScaleSource {
    Patient,        ///< Pixel Spacing, in the patient.
    Detector,       ///< Imager Pixel Spacing of a projection: at the detector, larger than in the patient.
    Ultrasound,     ///< A calibrated ultrasound region (PS3.3 C.8.5.5).
    None            ///< Unknown: lengths are pixels.
};

/// One calibrated part of an ultrasound image; pixel bounds are inclusive, as in the file.
struct UltrasoundRegion {
    int left = 0, top = 0, right = 0, bottom = 0;
    double xMm = 0, yMm = 0;        ///< Size of a pixel.
    int firstSlice = 0, lastSlice = std::numeric_limits<int>::max();    ///< Along axis 2, both included: the images that have it.
    friend bool operator==(const UltrasoundRegion&, const UltrasoundRegion&) = default;
};

/// How an image is calibrated. With `regions`, lengths inside one of them are its millimetres and all others are pixels.
struct ImageScale {
    ScaleSource source = ScaleSource::Patient;
    std::vector<UltrasoundRegion> regions;
};

/// What the notes of a volume tell; without regions.
ImageScale scaleOf(const Volume& volume);

/// What lies in an outline. A pixel belongs to it when its centre is inside or on the outline.
struct RegionFacts {
    std::size_t pixels = 0;
    double mean = 0, sd = 0, minimum = 0, maximum = 0;  ///< Population SD. Meaningless without pixels or for colour.
    double area = 0;                ///< Of the outline as drawn; of the pixels where it crosses itself. mm^2 or pixels^2.
    double pixelArea = 0;           ///< Of the pixels that were counted.
    double perimeter = 0;           ///< mm or pixels.
};

struct MeasurementFacts {
    ScaleSource scale = ScaleSource::Patient;   ///< Of this measurement: pixels for ScaleSource::None.
    Unit unit = Unit::None;                     ///< Of value and region.
    bool isColor = false;                       ///< The image has colours: no statistics, no value.
    std::optional<double> length;               ///< Length only.
    std::optional<double> angleDeg;             ///< Angle 0 to 180; Cobb 0 to 180 with both lines taken towards `right`.
    std::optional<RegionFacts> region;
    std::optional<double> value;                ///< Probe: of the nearest voxel; empty outside the volume and for colour.
    std::optional<std::array<int, 3>> color;    ///< Probe of a colour image: red, green, blue, 0 to 255.
};

/// Lengths in mm where the scale is known, else in pixels (voxels). Regions count the voxels of the nearest slice where the plane runs
/// along the voxel axes; on any other plane, points in steps of the finest spacing, by linear interpolation.
/// A measurement that lacks points has no facts. Thread-safe.
MeasurementFacts measure(const Measurement& measurement, const Volume& volume, const ImageScale& scale);

/// The outline of a region as a closed polygon on its plane, for drawing and hit tests (an ellipse in 96 steps).
std::vector<PointLps> outlineOf(const Measurement& measurement);

/// Distance along the normal from the plane of the measurement, mm; its points are taken as flat.
double distanceToPlaneMm(const Measurement& measurement, PointLps point);

} // namespace hf
