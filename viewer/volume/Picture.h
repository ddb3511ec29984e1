#pragma once

#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Volume.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace hf {

/// 8-bit RGB, rows top to bottom, 3 bytes a pixel, no padding.
struct Picture {
    int width = 0, height = 0;
    std::vector<std::uint8_t> rgb;
    Rgb8 at(int x, int y) const;
};

/// A flat sampling grid in the patient: pixel (x, y) has its centre at origin + right * x * pixelMm[0] + down * y * pixelMm[1].
struct SliceFrame {
    PointLps origin;            ///< Centre of pixel (0, 0), top left.
    Vec3 right{1, 0, 0};        ///< Unit vector.
    Vec3 down{0, 1, 0};         ///< Unit vector.
    std::array<double, 2> pixelMm{1, 1};
    int width = 0, height = 0;

    PointLps toLps(double x, double y) const;
    /// Pixel coordinates of the point's projection on the plane.
    std::array<double, 2> toPixel(PointLps point) const;
    Vec3 normal() const { return cross(right, down); }
    friend bool operator==(const SliceFrame&, const SliceFrame&) = default;
};

struct Shutter;

/// What a reader sees in one 2D view, apart from zoom and pan.
struct View {
    Plane plane = Plane::Axial;
    int slice = 0;              ///< 0-based voxel index along geometry.axisAcross(plane).
    WindowLevel window;
    bool invert = false;
    bool flipHorizontal = false;
    bool flipVertical = false;
    std::shared_ptr<const Shutter> shutter = {};    ///< Covers parts of the picture; null without. Only of a slice that is an image.
};

/// The whole slice of a view in radiological orientation: axial and coronal with patient right at the left of the screen,
/// axial anterior up, sagittal anterior at the left and superior up, coronal superior up. Axes follow the voxel axes of an
/// oblique volume. One pixel is one voxel along both directions, so pixelMm is the voxel spacing. Flips are applied.
SliceFrame frameOf(const Geometry& geometry, const View& view);

/// The same slice with square pixels of the finer of the two spacings (what the model is shown).
SliceFrame squareFrameOf(const Geometry& geometry, const View& view);

enum class Interpolation { Nearest, Linear };

/// How masks are laid over the image.
struct OverlayStyle {
    double opacity = 0.3;               ///< 0 to 1, of the fill.
    bool outline = true;                ///< One-pixel border of each label, drawn opaque.
    std::vector<LabelId> hidden;        ///< Labels not shown.
    std::uint16_t planes = 0xFFFF;      ///< Overlay planes of the image that are drawn, one bit each (VolumeInfo::graphics).
    friend bool operator==(const OverlayStyle&, const OverlayStyle&) = default;
};

/// Grey (or mask) pixels of `frame` from `volume`: sample, window, invert, blend. Pixels outside the volume are black.
/// The one function behind the screen, exported files and the model's picture. Thread-safe; no OpenGL.
/// @param mask  may be null; nearest-neighbour sampled on its own grid.
Picture composeSlice(const Volume& volume, const SliceFrame& frame, const WindowLevel& window, bool invert,
                     Interpolation interpolation, const LabelMap* mask = nullptr, const OverlayStyle& style = {});

/// The model's picture of a view: squareFrameOf, linear interpolation, the reader's window and shutter; without a mask.
Picture modelPicture(const Volume& volume, const View& view);

/// A colour of the M3 legend, for one label that is visible in a slice.
struct LegendEntry {
    LabelId value = 0;
    std::string colorName;      ///< "red"
    std::string labelName;      ///< "left lung"
};

struct MaskedPicture {
    Picture picture;
    std::vector<LegendEntry> legend;    ///< Ascending label value; empty when no label is in the slice.
};

/// The picture of the masked slice as VILA-M3 defines it (reference vila-m3.md 6.8): rank r of a label among the labels of
/// the slice gets colour r mod 16; pixel = trunc(255 * (0.3 * colour + 0.7 * grey / 255)); background colour is black.
MaskedPicture modelMaskedPicture(const Volume& volume, const View& view, const LabelMap& mask);

/// Labels with a voxel in the slice of `view`, ascending.
std::vector<LabelId> labelsInSlice(const LabelMap& mask, Plane plane, int slice);

} // namespace hf
