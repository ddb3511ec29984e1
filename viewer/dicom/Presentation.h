#pragma once

#include "viewer/dicom/MaskSubtraction.h"
#include "viewer/volume/Shutter.h"
#include "viewer/volume/WindowLevel.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

class DcmItem;

namespace hf {
class Volume;
} // namespace hf

namespace hf::dicom {

struct Image;
struct LookupTable;

/// How a grayscale softcopy presentation state wants images to be shown (PS3.3 A.33.1): window, polarity, turn and flip, the area that is
/// displayed, shutters, drawings and texts. What a state holds besides is named in `notApplied`.
///
/// Places in an image are x (along its rows), y (along its columns) in pixels; 0, 0 is the top left corner of the first pixel, whose centre
/// is 0.5, 0.5 (C.10.5.1.2). Places on the display are fractions of the displayed area, 0, 0 its top left corner on the screen.
struct Presentation {
    using Point = std::array<double, 2>;    ///< x, y

    /// Images that a part of the state is for, by SOP Instance UID, with their frames (from 1; none: all).
    struct Target {
        std::string sopInstanceUid;
        std::set<int> frames;
    };
    using Targets = std::vector<Target>;    ///< Of a part; none: all images of the state.

    struct Voi {
        Targets targets;
        WindowLevel window;
    };

    enum class SizeMode {
        Fit,            ///< As large as the view allows.
        TrueSize,       ///< A millimetre of the image is one of the screen.
        Magnify,        ///< Pixels of the screen for one of the image.
    };
    /// Displayed area selection (C.10.4).
    struct Area {
        Targets targets;
        Point low{}, high{};            ///< Corners in the image; may lie outside of it.
        SizeMode mode = SizeMode::Fit;
        double spacingMm = 0;           ///< True size: of the image's columns.
        double magnification = 1;
    };

    enum class Units { Image, Display };
    struct Layer {
        std::string name;
        int order = 0;
        std::optional<std::array<std::uint8_t, 3>> color;   ///< sRGB.
    };
    /// Drawing (C.10.5): a line through its points.
    struct Graphic {
        Targets targets;
        int layer = -1;                 ///< Index into `layers`; -1 without.
        Units units = Units::Image;
        std::vector<Point> points;
        bool isPoint = false;           ///< One place, marked at a fixed size on the screen.
        bool isFilled = false;
    };
    /// An overlay plane that the state holds (C.9.2) and puts on a layer (C.11.7), on all of its images.
    struct Overlay {
        int layer = -1;
        std::shared_ptr<const Shutter::Bitmap> bitmap;      ///< From the image's first pixel on; 1: drawn.
    };
    enum class Justification { Left, Center, Right };
    struct Text {
        struct Box {
            Units units = Units::Image;
            Point topLeft{}, bottomRight{};     ///< As seen on the screen.
            Justification justification = Justification::Left;
        };
        struct Anchor {
            Units units = Units::Image;
            Point point{};
            bool isVisible = false;
        };
        Targets targets;
        int layer = -1;
        std::string words;              ///< UTF-8; lines end with '\n'.
        std::optional<Box> box;
        std::optional<Anchor> anchor;   ///< One of the two is there.
    };

    std::filesystem::path path;         ///< Of the state itself, once a scan has found it.
    std::string sopInstanceUid;
    std::string label;                  ///< Content Label.
    std::string description, creator;   ///< UTF-8; may be empty.
    std::string created;                ///< Date and time, sortable.
    Targets images;                     ///< Every image that the state is for.
    std::vector<Voi> windows;
    std::optional<bool> isInverted;     ///< Decides about the polarity whatever the image says; empty: as the image.
    int rotationDeg = 0;                ///< Clockwise, 0, 90, 180, 270; then
    bool isFlipped = false;             ///< left and right are exchanged on the screen (C.10.6).
    std::vector<Area> areas;
    std::vector<Layer> layers;
    std::vector<Graphic> graphics;      ///< From the lowest layer up.
    std::vector<Text> texts;
    std::vector<Overlay> overlays;      ///< From the lowest layer up.
    std::uint16_t imagePlanes = 0;      ///< Overlay planes of its images that it displays, bit n for group 6000 + 2n (C.11.7).
    Shutter shutter;
    /// How stored values become those that the windows are of: slope and intercept, or a table. Without either as the image says.
    std::optional<std::array<double, 2>> rescale;
    std::shared_ptr<const LookupTable> modality;
    std::uint64_t modalityLut = 0;                  ///< As Header::modalityLut.
    std::shared_ptr<const LookupTable> presentation;    ///< From the greys of the window to those of the screen; null for a straight line.
    std::optional<MaskSubtraction> subtraction;     ///< Of the frames that it is for.
    std::vector<std::string> notApplied;            ///< In English: "presentation lookup table", "bitmap shutter" ...

    bool isFor(const std::string& sopInstanceUid, int frame) const;
    bool isFor(const Image& image) const;
    /// Is a part of the state for a frame (from 0) of an image?
    static bool isAmong(const Targets& targets, const std::string& sopInstanceUid, int frame);
    /// For a frame (from 0); empty when the state sets none.
    std::optional<WindowLevel> findWindow(const std::string& sopInstanceUid, int frame) const;
    /// Null when the state sets none.
    const Area* findArea(const std::string& sopInstanceUid, int frame) const;
    /// Its pictures of a volume are turned over against Volume::info().isInverted.
    bool inverts(const Volume& volume) const;
    /// Where the right and the lower side of the screen lie in the image: steps in x and y.
    struct Sides { Point right, down; };
    Sides sides() const;
};

/// How a state shows the values of an image of a volume: its window, or a table where it holds lookup tables or another rescale; the volume's
/// own window where the state sets none, or is not for the image.
/// A state that wants its images subtracted has windows of differences, others of values: where the volume holds the other of the two, its own
/// window is given.
/// @param state        may be null.
/// @param valueFactor  Series::valueFactor.
WindowLevel presentedWindow(const Presentation* state, const Volume& volume, const Image& image, double valueFactor);

/// What values of an image become before they are subtracted, where the state has another way to them than the image; else empty.
std::function<double(double)> valueChange(const std::shared_ptr<const Presentation>& state, const Image& image, double valueFactor);

/// Empty when the data set is none.
std::optional<Presentation> findPresentation(DcmItem& dataset);

} // namespace hf::dicom
