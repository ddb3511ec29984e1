#pragma once

#include "viewer/dicom/MaskSubtraction.h"
#include "viewer/dicom/Presentation.h"
#include "viewer/dicom/Study.h"
#include "viewer/dicom/Tables.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// Internal to hf_dicom (and its tests): one DICOM file, its header as plain values, its frames decoded one at a time.
namespace hf::dicom {

enum class PixelKind { None, Integer, Float, Double };

/// How a frame's stored pixels are to be read (PS3.3 C.7.6.3).
struct PixelFormat {
    PixelKind kind = PixelKind::None;
    int rows = 0, columns = 0, frames = 1, samples = 1;
    int bitsAllocated = 0, bitsStored = 0, highBit = 0;
    bool isSigned = false;
    bool isPlanar = false;      ///< Planar Configuration 1: colour by plane.
    std::string photometric;    ///< "MONOCHROME2", "RGB", "PALETTE COLOR" ...
    bool isColor() const { return samples > 1 || photometric == "PALETTE COLOR"; }
};

/// Are the highest stored values of a grey frame colours of a Supplemental Palette (PS3.3 C.8.16.2.1.1.1)? LeftOut: perhaps, as the file does not tell
/// which frames are meant; or the palette is missing.
enum class Supplement { None, Colors, LeftOut };

/// Something that tells images of one place apart.
struct Trait {
    double number = 0;          ///< Orders them; 0 where it is a word.
    std::string name;           ///< "b 1000", "TE 80 ms", "WATER"; empty where the file does not tell.
    auto operator<=>(const Trait&) const = default;
};

/// The traits that images are told apart by, the surest first.
enum class TraitKind { Kind, Contrast, Echo, Inversion, FlipAngle, Voltage, BValue, Gradient, Kernel, Thickness, Dimension };
constexpr std::size_t kTraitKinds = 11;

/// What may differ from frame to frame.
struct FrameHeader {
    std::optional<PointLps> position;
    std::optional<std::array<Vec3, 2>> orientation;         ///< Unit vectors along a row and along a column.
    std::optional<std::array<double, 2>> spacingMm;         ///< Distance of rows, distance of columns (order of the attribute).
    double slope = 1, intercept = 0;
    std::vector<WindowLevel> windows;
    std::string group;          ///< Frames of different groups are never one volume: stack, frame type, echo, b-value.
    int timeIndex = 0;          ///< Temporal Position Index / Identifier; 0 when absent.
    double order = 0;           ///< Trigger time: orders images at one place.
    double secondsOfDay = 0;    ///< When it was acquired; 0 when absent.
    double contentSeconds = 0;  ///< Content Time: when its pixels were made, as seconds of the day; 0 when absent.
    std::array<Trait, kTraitKinds> traits;      ///< By TraitKind.
    Supplement supplement = Supplement::None;
};

/// What turns the values of a PET image after the rescale into SUV by body weight.
struct SuvScale {
    double factor = 0;          ///< 0 when it cannot be told.
    std::string missing;        ///< What the file lacks for it, in a few English words; empty when the image is no PET.
};

/// How sure the distance of pixels is.
enum class SpacingSource { None, Patient, Imager, Ultrasound, UltrasoundRegions };

struct Header {
    std::filesystem::path path;
    std::string sopClassUid, sopInstanceUid, seriesUid, studyUid, frameOfReferenceUid, transferSyntaxUid, modality;
    std::vector<std::string> imageType;
    int instanceNumber = 0, acquisitionNumber = 0;
    std::array<std::string, 2> patientOrientation;
    bool isQuadruped = false;               ///< The words of patientOrientation are those of animals.
    PatientText patient;
    SeriesText text;
    PixelFormat pixels;
    SpacingSource spacingSource = SpacingSource::None;
    double sliceSpacingMm = 0;              ///< Spacing Between Slices, else Slice Thickness; 0 when absent.
    std::optional<double> paddingLow, paddingHigh;  ///< Stored values that mean "no picture here", both included.
    double framesPerSecond = 0;             ///< 0 where the file does not tell.
    std::string rescaleType;                ///< "HU", "US" ...; empty when absent.
    bool hasRescale = false;                ///< The file tells slope or intercept.
    SuvScale suv;
    std::uint64_t modalityLut = 0;          ///< Tells Modality LUTs apart; 0 without.
    std::optional<MaskSubtraction> subtraction;     ///< Of its frames.
    bool isLinearIntensity = false;         ///< Pixel Intensity Relationship is LIN: values are no logarithms.
    bool isMosaic = false;                  ///< Siemens: many slices side by side in one image.
    std::vector<FrameHeader> frames;        ///< One per frame; those behind them, if any, the file does not describe.
    int undescribedFrames() const { return pixels.frames - int(frames.size()); }
};

/// Decoded stored pixels of one frame: host byte order, samples of a pixel together, rows top to bottom.
struct StoredFrame {
    int rows = 0, columns = 0, samples = 1;
    int bytesPerSample = 1;     ///< 1, 2, 4, 8.
    bool isSigned = false;
    bool isFloat = false;
    std::string photometric;    ///< After decoding: the JPEG family gives RGB.
    std::vector<std::uint8_t> bytes;
    bool isLossy = false;       ///< The code stream is of a kind that loses something, whatever the file says.
};

/// An open DICOM file. Not thread-safe; different files may be used by different threads.
class DicomFile {
public:
    /// Parses the data set; pixels stay in the file.
    /// @throws Error "not-an-image" when it is no DICOM, "broken" when it cannot be parsed, "no-image" when it has no pixels and
    ///         `needsPixels`, "unsupported" when its kind of pixels cannot be shown.
    explicit DicomFile(const std::filesystem::path& path, bool needsPixels = true);
    ~DicomFile();
    DicomFile(DicomFile&&) noexcept;

    const Header& header() const;
    /// Empty when the object is no presentation state of a kind that is applied.
    std::optional<Presentation> findPresentation() const;
    /// @throws Error "unsupported" (names the transfer syntax) or "broken".
    StoredFrame decode(int frame);
    /// Red, green, blue of a PALETTE COLOR image. @throws Error "broken" without tables.
    std::array<LookupTable, 3> palette() const;
    /// Empty without one. @throws Error "broken" when it is not readable.
    std::optional<LookupTable> findModalityLut() const;
    /// Overlay planes of a frame (60xx, PS3.3 C.9.2), also those in unused bits of `stored`: bit n where group 6000 + 2n draws; empty without.
    /// Planes that reach beyond the image are cut, unreadable ones left out.
    std::vector<std::uint16_t> overlays(int frame, const StoredFrame& stored) const;
    /// The image's own display shutters; null without. Read once.
    std::shared_ptr<const Shutter> shutter();

    struct Data;

private:
    std::unique_ptr<Data> m_data;
};

/// True when the first bytes look like a DICOM data set, with or without preamble. Cheap.
bool looksLikeDicom(const std::filesystem::path& path);

/// English name of a transfer syntax; the UID itself when unknown.
std::string transferSyntaxName(const std::string& uid);
/// Is there a decoder for it?
bool isDecodable(const std::string& transferSyntaxUid);

} // namespace hf::dicom
