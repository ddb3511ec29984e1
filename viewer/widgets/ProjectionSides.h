#pragma once

#include "viewer/dicom/Study.h"

namespace hf {

/// Where the right and the lower side of a hung picture lie in the picture as it is stored: steps along its rows and columns.
struct HungSides {
    std::array<int, 2> right{1, 0}, down{0, 1};
};

/// How a mammogram is hung: the right breast on the left with its chest wall at the right, the left one as its mirror image, so that the
/// chest walls meet; the outer side of a view from above at the top, else the head. Empty for other images, and where laterality or
/// Patient Orientation (PS3.3 C.7.6.1.1.1) does not tell.
std::optional<HungSides> hungSides(const dicom::Series& series);

/// Which side and view a picture taken through the patient shows, "R CC", "L MLO", "PA"; empty for others and where the file does not tell.
std::string projectionName(const dicom::Series& series);

/// "A", "FL" ... for a step along rows and columns of a projection; empty where the file does not tell.
std::string projectionLetters(const dicom::Series& series, double alongRows, double alongColumns);

} // namespace hf
