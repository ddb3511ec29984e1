#pragma once

#include "viewer/volume/WindowLevel.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

class DcmItem;

namespace hf::dicom {

/// How a grayscale softcopy presentation state wants images to be shown (PS3.3 A.33.1): window, inversion and drawn lines. Rotation,
/// shutters, displayed area and texts of a state are not applied; the volume's note "presentation" says so.
struct Presentation {
    /// Images that a part of the state is for, by SOP Instance UID, with their frames (from 1; none: all).
    struct Target {
        std::string sopInstanceUid;
        std::set<int> frames;
    };
    struct Voi {
        std::vector<Target> targets;    ///< None: all images of the state.
        WindowLevel window;
    };
    /// Corners of one open or closed line in pixels of the image: 0, 0 is the top left corner of its first pixel.
    struct Line {
        std::vector<Target> targets;
        std::vector<std::array<double, 2>> points;
    };

    std::filesystem::path path;         ///< Of the state itself, once a scan has found it.
    std::string label;                  ///< Content Label.
    std::string created;                ///< Date and time, sortable.
    std::vector<Target> images;         ///< Every image that the state is for.
    std::vector<Voi> windows;
    std::vector<Line> lines;
    bool isInverted = false;
    bool hasMore = false;               ///< Something in it is not applied.

    bool isFor(const std::string& sopInstanceUid, int frame) const;
    /// For a frame (from 0); empty when the state sets none.
    std::optional<WindowLevel> findWindow(const std::string& sopInstanceUid, int frame) const;
    /// Adds the lines of a frame to a picture of `rows` x `columns`, 1 where drawn; fills an empty one when there are lines.
    void draw(const std::string& sopInstanceUid, int frame, int rows, int columns, std::vector<std::uint8_t>& drawn) const;
};

/// Empty when the data set is none.
std::optional<Presentation> findPresentation(DcmItem& dataset);

} // namespace hf::dicom
