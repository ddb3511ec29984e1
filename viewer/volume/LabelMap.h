#pragma once

#include "viewer/volume/Geometry.h"
#include "viewer/volume/Volume.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hf {

using LabelId = std::uint8_t;   ///< 0 is background.

struct Rgb8 {
    std::uint8_t r = 0, g = 0, b = 0;
    friend bool operator==(const Rgb8&, const Rgb8&) = default;
};

/// The 16 colours of the M3 overlay, in order, with the words that the model is told (reference: VILA-M3 demo overlay).
struct NamedColor { const char* name; Rgb8 rgb; };
const std::array<NamedColor, 16>& overlayColors();

struct Label {
    LabelId value = 0;
    std::string name;           ///< English structure name, as the model is told it: "left lung".
    Rgb8 color;                 ///< Colour in list, 3D and 2D overlay.
    std::string snomedCode;     ///< SCT code where known, else empty.
    std::string snomedMeaning;
    friend bool operator==(const Label&, const Label&) = default;
};

/// Where a label map came from.
struct Provenance {
    std::string expert;         ///< Expert name, as in its card.
    std::string version;
    std::string weightsSha256;  ///< Empty for an expert without weights.
    std::string arguments;      ///< As called.
    std::string timeUtc;        ///< ISO 8601, time of the run.
    std::string sourceSeriesUid;
    std::string notice{};       ///< What every showing of the result must say ("Weights for research only: ..."); may be empty.
};

/// The present time as Provenance::timeUtc.
std::string nowUtc();

/// Labels on the voxel grid of a volume. Immutable, cheap to copy. Layout as Volume.
class LabelMap {
public:
    LabelMap() = default;
    /// @throws Error when sizes do not fit.
    LabelMap(Geometry geometry, std::vector<LabelId> voxels, std::vector<Label> labels, Provenance provenance = {});

    bool isEmpty() const { return !m_voxels; }
    const Geometry& geometry() const { return m_geometry; }
    const std::vector<LabelId>& voxels() const { return *m_voxels; }
    const std::vector<Label>& labels() const { return m_labels; }
    const Provenance& provenance() const { return m_provenance; }
    /// The same voxels, not copied, with other names or colours.
    LabelMap withLabels(std::vector<Label> labels) const;
    /// Whether both show the same: the same voxels, not only equal ones, with equal labels.
    bool isSame(const LabelMap& other) const { return m_voxels == other.m_voxels && m_labels == other.m_labels; }
    LabelId valueAt(Index3 index) const { return (*m_voxels)[m_geometry.offset(index)]; }
    const Label* findLabel(LabelId value) const;

private:
    Geometry m_geometry;
    std::shared_ptr<const std::vector<LabelId>> m_voxels;
    std::vector<Label> m_labels;
    Provenance m_provenance;
};

/// What is measured from one label. Computed by code from mask and volume, never by the model.
struct LabelFacts {
    LabelId value = 0;
    std::size_t voxels = 0;
    double volumeMl = 0;
    double meanValue = 0;       ///< In the volume's unit (HU).
    double sdValue = 0;         ///< Population standard deviation.
    double minValue = 0, maxValue = 0;
    /// Index along the voxel axis 0, 1, 2 of the slice with the most voxels (lowest index on a tie); -1 when empty.
    std::array<int, 3> largestSlice{-1, -1, -1};
    PointLps centroid;
};

/// One entry per label of `map`, in its order. @throws Error when the grids differ.
std::vector<LabelFacts> measureLabels(const LabelMap& map, const Volume& volume);

} // namespace hf
