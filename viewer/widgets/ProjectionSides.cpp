#include "viewer/widgets/ProjectionSides.h"

#include <cmath>
#include <map>

namespace hf {

namespace {

char opposite(char letter)
{
    switch (letter) {
    case 'A': return 'P';
    case 'P': return 'A';
    case 'L': return 'R';
    case 'R': return 'L';
    case 'H': return 'F';
    case 'F': return 'H';
    default: return 0;
    }
}

/// The other side; empty where a letter is none of those of PS3.3 C.7.6.1.1.1.
std::string oppositeLetters(const std::string& letters)
{
    std::string other;
    for (const char letter : letters) {
        if (opposite(letter) == 0) {
            return {};
        }
        other += opposite(letter);
    }
    return other;
}

/// The same for animals, whose words have one letter or two.
std::string oppositeWords(const std::string& words)
{
    static const std::map<std::string, std::string> kOpposites{{"LE", "RT"}, {"RT", "LE"}, {"CR", "CD"}, {"CD", "CR"}, {"D", "V"}, {"V", "D"}, {"R", "CD"}, {"M", "L"}, {"L", "M"},
        {"PR", "DI"}, {"DI", "PR"}, {"PA", "D"}, {"PL", "D"}};
    std::string other;
    for (std::size_t n = 0; n < words.size();) {
        auto found = kOpposites.find(words.substr(n, 2));
        if (found == kOpposites.end()) {
            found = kOpposites.find(words.substr(n, 1));
        }
        if (found == kOpposites.end()) {
            return {};
        }
        other += found->second;
        n += found->first.size();
    }
    return other;
}

/// Step along rows and columns that runs to a side of the patient; 0, 0 when none does. The first letter says most.
std::array<int, 2> stepTo(const dicom::Series& series, char side)
{
    for (std::size_t axis = 0; axis < 2; ++axis) {
        const std::string& letters = series.patientOrientation[axis];
        const int sign = letters.empty() ? 0 : letters[0] == side ? 1 : letters[0] == opposite(side) ? -1 : 0;
        if (sign != 0) {
            return axis == 0 ? std::array{sign, 0} : std::array{0, sign};
        }
    }
    return {0, 0};
}

} // namespace

std::optional<HungSides> hungSides(const dicom::Series& series)
{
    const std::string& laterality = series.text.laterality;
    if (!dicom::isMammography(series.modality) || (laterality != "R" && laterality != "L")) {
        return std::nullopt;
    }
    const bool isRight = laterality == "R", isFromAbove = series.text.viewPosition.find("CC") != std::string::npos;
    HungSides sides;
    sides.right = stepTo(series, isRight ? 'P' : 'A');
    sides.down = stepTo(series, !isFromAbove ? 'F' : isRight ? 'L' : 'R');
    // Both must be there, along different sides of the picture.
    const bool isWhole = std::abs(sides.right[0] * sides.down[1] - sides.right[1] * sides.down[0]) == 1;
    return isWhole ? std::optional(sides) : std::nullopt;
}

std::string projectionName(const dicom::Series& series)
{
    // Other images of a series may have others; mammograms are listed each.
    const bool isOne = dicom::isMammography(series.modality) || series.images.size() <= 1;
    if (!dicom::isProjection(series.modality) || !isOne) {
        return {};
    }
    const std::string &stored = series.text.laterality, &view = series.text.viewPosition;
    const std::string side = stored == "R" || stored == "L" || stored == "B" ? stored : std::string();
    return side + (side.empty() || view.empty() ? "" : " ") + view;
}

std::string projectionLetters(const dicom::Series& series, double alongRows, double alongColumns)
{
    const bool isRow = std::abs(alongRows) > std::abs(alongColumns);
    const std::string& letters = series.patientOrientation[isRow ? 0 : 1];
    if ((isRow ? alongRows : alongColumns) >= 0) {
        return letters;
    }
    return series.isQuadruped ? oppositeWords(letters) : oppositeLetters(letters);
}

} // namespace hf
