#pragma once

#include "viewer/dicom/Study.h"
#include "viewer/volume/LabelMap.h"
#include "viewer/volume/Oblique.h"
#include "viewer/volume/Shutter.h"
#include "viewer/volume/Slab.h"
#include "viewer/volume/Subtraction.h"
#include "viewer/volume/Volume.h"

#include <QSet>

#include <memory>

namespace hf {

/// What belongs together over time: the study, or the series alone where it names none.
inline const std::string& studyOf(const dicom::Series& series) { return series.studyUid.empty() ? series.uid : series.studyUid; }

/// One series as the reader left it: its volume, place, window, planes and mask. A value; several views may show it.
struct ShownSeries {
    std::shared_ptr<const Volume> volume;   ///< Null while no view shows the series.
    std::shared_ptr<const Volume> native;   ///< As it was read, while `volume` holds differences of its images; else null.
    std::shared_ptr<const Subtraction> subtraction;     ///< What made `volume` of `native`.
    bool isSubtracted = false;              ///< Wished, where images, state or reader say how.
    int maskSlice = -1;                     ///< The reader's mask; -1: as state or images say.
    dicom::Series series;
    bool wasShown = false;                  ///< Window and cursor are the reader's.
    WindowLevel window;
    bool inverted = false;                  ///< By the reader, against what file and presentation state say.
    bool isShutterOpen = false;             ///< By the reader: what shutters cover is seen.
    int presentation = -1;                  ///< The state that is applied, of series.presentations; -1: none.
    Slab slab;
    PointLps cursor;                        ///< Always inside the volume.
    PointLps place;                         ///< What the cursor stands for: a linked place may lie outside the volume.
    PlaneTurn turn;
    LabelMap mask;
    std::vector<LabelFacts> facts;
    QSet<int> hidden;                       ///< Labels.

    bool isEmpty() const { return !volume; }
    bool hasMask() const { return !mask.isEmpty(); }
    /// The file tells where its images lie in the patient.
    bool isPlaced() const;
    /// Its slices lie in the patient as its geometry says: they can be drawn as lines on others, and others on them.
    bool canBeReferred() const { return isVolume() || (volume && isPlaced() && volume->info().places.empty()); }
    bool isVolume() const { return volume && series.kind == dicom::SeriesKind::Volume; }

    /// The volume as it was read.
    const std::shared_ptr<const Volume>& asRead() const { return native ? native : volume; }
    void releaseVolume();
    /// Images that are paged through can be taken from each other.
    bool canSubtract() const;
    /// By the state that is applied, else by the images themselves; null without.
    const dicom::MaskSubtraction* storedSubtraction() const;
    /// How the images are to be subtracted now; null when they are not, or none has a mask.
    std::shared_ptr<const Subtraction> wantedSubtraction() const;

    void setCursor(PointLps point);
    void centreCursor();
    /// How far outside the volume the place lies.
    double outsideMm() const { return length(place - cursor); }
    /// 0-based number of the slice that a plane shows, and how many it has; counted along the normal of an oblique plane.
    int slice(Plane plane) const;
    int sliceCount(Plane plane) const;
    /// Where the cursor is when a plane shows `slice`, clamped.
    PointLps cursorOn(Plane plane, int slice) const;
    /// The image that a plane shows pixel by pixel; null on other planes and between the images of a stack that was resampled.
    const dicom::Image* imageOn(Plane plane) const;
    /// The state that is applied; null without.
    const dicom::Presentation* state() const { return presentation < 0 ? nullptr : series.presentations[std::size_t(presentation)].get(); }
    /// The same where it is for the image that a plane shows.
    const dicom::Presentation* stateOn(Plane plane) const;
    /// The same where it is for the image at the cursor, on whatever plane; for a middle one between images.
    const dicom::Presentation* stateAtCursor() const;
    /// What covers parts of the image that a plane shows: by the state, else by the image itself; null without, and when the reader opened it.
    std::shared_ptr<const Shutter> shutterOn(Plane plane) const { return isShutterOpen ? nullptr : storedShutterOn(plane); }
    /// The same, open or not.
    std::shared_ptr<const Shutter> storedShutterOn(Plane plane) const;
    /// Window that file and state give the image at the cursor; between the images of a resampled stack that of a middle one.
    WindowLevel presentedWindow() const;
    /// Window that a plane is shown in: `window`, but for planes that are no image of the file that of a middle image, while the images of the
    /// file are shown each in its own.
    WindowLevel windowOn(Plane plane) const;
    /// Against Volume::info().isInverted: by the state and by the reader.
    bool isPictureInverted() const;
    /// The straight view of a plane that holds the cursor, as the assistant gets it.
    View view(Plane plane) const;
    /// Its slice.
    int straightSlice(Plane plane) const;
    bool isOblique(Plane plane) const { return isVolume() && hf::isOblique(volume->geometry(), plane, turn); }
    Vec3 normal(Plane plane) const { return turnedNormal(volume->geometry(), plane, turn); }
    /// The whole slice that a plane shows.
    SliceFrame frame(Plane plane) const;

private:
    const dicom::Image& imageAtCursor() const;
};

} // namespace hf
