#pragma once

#include "viewer/dicom/MaskSubtraction.h"
#include "viewer/volume/Geometry.h"
#include "viewer/volume/Volume.h"
#include "viewer/volume/WindowLevel.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hf::dicom {

struct Presentation;

// What a scan of folders and files finds: studies, their series, and what could not be taken. Texts are UTF-8, converted from the
// Specific Character Set of the file (PS3.3 C.12.1.1.2, ISO 2022 included). Patient and series texts are for the screen alone: they
// never go into a log, an error message or VolumeInfo.

/// Who the images show. An attribute that the file lacks is an empty string.
struct PatientText {
    std::string name;       ///< As stored: "Family^Given^Middle", component groups joined by '='.
    std::string id;
    std::string birthDate;  ///< ISO 8601 "1961-05-09"; as stored when it is no DICOM date.
    std::string sex;        ///< "M", "F", "O" or empty.
    std::string age;        ///< As stored, "057Y".

    /// The name as a reader writes it: "Family, Given Middle" of the alphabetic group, then the other groups in brackets.
    std::string displayName() const;
};

/// Texts of a series and its study for corner texts and lists.
struct SeriesText {
    std::string institution;
    std::string studyDate;          ///< ISO 8601 date.
    std::string studyTime;          ///< "14:03:59".
    std::string studyDescription;
    std::string studyId;
    std::string accessionNumber;
    std::string referringPhysician;
    std::string seriesDate;
    std::string seriesTime;
    std::string acquisitionDate;
    std::string acquisitionTime;
    std::string seriesDescription;
    std::string seriesNumber;
    std::string protocol;
    std::string bodyPart;
    std::string laterality;         ///< "L", "R" or empty.
    std::string viewPosition;       ///< "PA", "LL" ...; of a mammogram also by its View Code Sequence: "CC", "MLO", "ML", "LM".
    std::string patientPosition;    ///< "HFS" ...
    std::string manufacturer;
    std::string model;
    std::string kernel;             ///< Convolution kernel of a CT.
    std::string sliceThicknessMm;   ///< As stored.
    std::string kvp;
    std::string echoTimeMs;
    std::string repetitionTimeMs;
    bool lossy = false;             ///< Lossy Image Compression (0028,2110) is 01, or the encoding itself is lossy.
};

/// One 2D image: a file, or one frame of it.
struct Image {
    std::filesystem::path path;
    int frame = 0;                          ///< 0-based frame within the file.
    std::string sopInstanceUid;
    int instanceNumber = 0;
    std::optional<PointLps> position;       ///< Image Position (Patient): centre of the top left voxel.
    std::array<Vec3, 2> steps;              ///< From a pixel to the next one in its row, in its column; mm, with a position only.
    std::array<double, 2> rescale{1, 0};    ///< Slope and intercept of its values.
    std::uint64_t modalityLut = 0;          ///< Tells Modality LUTs apart; 0 without.
};

/// Is this a Modality of pictures taken through the patient onto a detector: radiographs, fluoroscopy, angiography, mammography? Their sides are
/// those of Patient Orientation (0020,0020).
bool isProjection(const std::string& modality);
/// The projections of which each image stands for itself, with side and view of its own (Laterality, View Position), whatever its series is.
bool isMammography(const std::string& modality);

enum class SeriesKind {
    Volume,         ///< Two or more parallel images: planes and 3D make sense.
    SingleImage,    ///< One image, seen as it is (CR, DX, MG, SC, US, a single CT slice).
    MultiImage,     ///< Several images to be paged through (cine, secondary captures); slices of the Volume are the images.
};

std::string toString(SeriesKind kind);      // "volume", "single-image", "multi-image"

enum class SeriesFormat { Dicom, VolumeFile, Picture };  ///< VolumeFile: NIfTI, NRRD, MHA/MHD. Picture: PNG, JPEG.

/// What is shown together. A DICOM series whose images cannot be one volume (orientation, matrix, image type, stack, time point)
/// is split; the parts share `uid` and differ in `key` and `part`. A value; cheap enough to copy into a job.
struct Series {
    std::string key;                ///< Unique in the scan: the UID, with "#2", "#3" ... for later parts.
    std::string uid;                ///< Series Instance UID; for other formats a hash of the path.
    std::string studyUid;
    std::string frameOfReferenceUid;
    std::string sopClassUid;
    std::string modality;           ///< Modality (0008,0060): "CT", "MR" ...; empty when unknown.
    Unit unit = Unit::None;         ///< Of the values that readSeries gives for grey images.
    double valueFactor = 1;         ///< Makes values of `unit` of those after the header's rescale (SUV).
    int part = 0;                   ///< 0-based part of a split series.
    int parts = 1;
    std::string partName;           ///< What tells this part from the others ("time point 2", "coronal", "localizer"); may be empty.
    SeriesFormat format = SeriesFormat::Dicom;
    SeriesKind kind = SeriesKind::SingleImage;
    PatientText patient;
    SeriesText text;
    std::vector<Image> images;      ///< In slice order along the normal, else by instance number and frame.
    int rows = 0, columns = 0;
    int fileSlices = 0;             ///< Of a volume file; 0 for the other formats.
    /// What a reader counts: slices and frames.
    int count() const { return fileSlices > 0 ? fileSlices : int(images.size()); }
    /// Distance of voxel centres along column index, row index, slices; 0 where unknown.
    std::array<double, 3> spacingMm{0, 0, 0};
    /// Unit vectors of growing column index and growing row index (Image Orientation (Patient)); empty for radiographs, ultrasound.
    std::optional<std::array<Vec3, 2>> orientation;
    /// Where the rows and the columns of a projection run to: Patient Orientation (0020,0020), "P", "FL" ...; empty where absent.
    std::array<std::string, 2> patientOrientation;
    /// Those are the words of animals: "LE", "CR", "D" ... (Anatomical Orientation Type).
    bool isQuadruped = false;
    std::optional<Plane> plane;     ///< Plane of acquisition; empty without an orientation.
    std::vector<WindowLevel> windows;
    double framesPerSecond = 0;     ///< At which its frames are to be played; 0 where the file does not tell.
    std::optional<MaskSubtraction> subtraction;     ///< Of its frames, as the image says.
    std::vector<std::shared_ptr<const Presentation>> presentations;     ///< Presentation states for its images, the newest first.
    std::vector<Note> notes;        ///< What the headers alone tell; readSeries adds what only the pixels tell.
    std::shared_ptr<const void> storage;    ///< Keeps files of unpacked archives; hold the Series as long as its files are needed.
};

struct Study {
    std::string uid;
    PatientText patient;
    SeriesText text;                ///< Of its first series; the study's own texts are the same in all.
    std::vector<Series> series;     ///< By series number, then UID, then part.
};

/// Something that was found and could not be taken.
struct Rejected {
    std::filesystem::path path;
    std::string reason;     ///< One English line without patient data: "not a DICOM or volume file".
    std::string code;       ///< Stable: "not-an-image" (other kinds of file), "no-image" (DICOM without pixels), "broken",
                            ///< "missing" (named by a DICOMDIR), "unsupported", "duplicate", "archive".
};

struct ScanResult {
    std::vector<Study> studies;     ///< Stable order: patient, study date and time, UID.
    std::vector<Rejected> rejected;
    std::size_t filesSeen = 0;

    /// By key, else by UID (its first part). Null when there is none.
    const Series* findSeries(const std::string& keyOrUid) const;
    /// What a reader would want to see first: the volume with most images, else the first series; null when nothing was found.
    const Series* mainSeries() const;
};

} // namespace hf::dicom
