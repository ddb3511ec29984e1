#include "viewer/widgets/ReasonText.h"

#include "viewer/widgets/Sentences.h"

#include <QCoreApplication>
#include <QStringList>

namespace hf {

namespace {

/// What the readers, the volumes and the list of studies say, the more special ones first. A test compares them with the sources.
const char* const kReasons[] = {
    QT_TRANSLATE_NOOP("hf::ReasonText", "not a DICOM or volume file"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "not a DICOM file"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "there is no file %1 with the voxels"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "there is no frame %1"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "there is no %1"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the folder %1 cannot be read"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the DICOMDIR cannot be read"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the DICOMDIR names no files"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "named by the DICOMDIR, but not there"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the same image was found in another file"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a presentation state for images that are not here"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the file cannot be read: %1"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the file cannot be parsed: %1"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the file holds no attributes"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the archive cannot be opened"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "no temporary folder can be made"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the archive has too many entries"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the archive becomes %1 GB when it is unpacked, %2 GB are free in %3"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the archive becomes larger than it says"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the archive is encrypted or broken"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the archive is broken"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the archive does not fit on the disk"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a DICOM object without pixels"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a DICOM segmentation object is not shown as an image"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "an image without rows or columns"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a number of frames that cannot be read"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a number of frames that cannot be right"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the file describes none of its frames"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "%1 samples per pixel of this kind are not supported"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "%1 samples per pixel are not supported"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "colours as %1 are not supported"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "%1 bits allocated per pixel are not supported"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "bits stored and high bit contradict the bits allocated"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "images in the transfer syntax %1 are not supported"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "images in %1 are not supported"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a series without images"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the series has no DICOM images"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "images of one series differ in size"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "images of one series are partly grey, partly coloured"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "slices are shifted by more pixels than an image can have"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the pixel data are shorter than the image"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "pixel data with a wrong value representation"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the size of a frame is not known"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a frame cannot be decoded: %1"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a frame holds more than the header says"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a deflated frame is damaged"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a deflated frame ends early"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "encapsulated pixel data without fragments"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "encapsulated pixel data end early"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "encapsulated frames in pieces without an offset table"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "encapsulated frames in pieces cannot be joined"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "an empty encapsulated frame"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the file ends before this frame"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the compressed image has %1 x %2 pixels of %3 samples, which is not what the header says"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the compressed image has no RLE header"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the compressed image ends early"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the compressed image holds fewer pixels than the header says"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the compressed image holds more pixels than the header says"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the compressed image holds larger values than its header says"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a JPEG 2000 frame does not fit its header: %1"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a JPEG 2000 frame does not fit its header"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a JPEG 2000 frame cannot be decoded: %1"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a JPEG 2000 frame cannot be decoded"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a JPEG 2000 frame with subsampled colour is not supported"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a JPEG-LS frame does not fit its header"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a JPEG-LS frame cannot be decoded: %1"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the picture cannot be decoded"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a lookup table without its description"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a lookup table that is too short"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a segmented palette that is too short"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a segmented palette that ends early"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a segmented palette with an unknown segment"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a segmented palette that begins with a line"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the NIfTI header holds a place that is no number"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the NIfTI header holds an intercept that is no number"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the file ends before its voxels do"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the compressed voxels are damaged"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the checksum of the compressed voxels is wrong"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the NRRD header cannot be read: a line is too long"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the %1 header cannot be read: %2"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the %1 header cannot be read"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a volume of %1 dimensions is not supported"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a volume of size %1 cannot be right"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "voxels of this type are not supported"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the volume needs more than 24 GB"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the voxels of %1 cannot be read: %2"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "%1 is no NIfTI, NRRD or MetaImage file"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a file with %1 values a voxel is not supported"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the volume needs more memory than is free"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the volume needs about %1 GB of memory, %2 GB are free"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "there is not enough memory"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a direction without length"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "voxel axes that are not numbers"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "voxel axes that are not perpendicular"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a volume without voxels"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a voxel spacing that is not positive"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "an origin that is not a number"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "these images cannot be subtracted"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the series cannot be registered: %1"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "another copy of this image was taken in before, which stays"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the list of studies: %1"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the folder of the list of studies cannot be made: %1"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the list of studies was made by a later version of Hounsfield; it is left as it is"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the list of studies is damaged"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the damaged list of studies cannot be moved aside: %1"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "a folder for copies cannot be made: %1"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "copies cannot be moved into place: %1"),
    QT_TRANSLATE_NOOP("hf::ReasonText", "the images cannot be copied: %1"),
};

const char* const kOfFrame = QT_TRANSLATE_NOOP("hf::ReasonText", "%1 (frame %2)");

QString translated(const char* english) { return QCoreApplication::translate("hf::ReasonText", english); }

} // namespace

QString reasonText(const QString& reason)
{
    if (const auto places = findPlaces(reason, kOfFrame); places && (*places)[1].toInt() > 0) {
        return inPlaces(translated(kOfFrame), {reasonText((*places)[0]), (*places)[1]});
    }
    for (const char* english : kReasons) {
        const auto places = findPlaces(reason, english);
        if (!places) {
            continue;
        }
        QStringList words;
        for (const QString& place : *places) {
            words << localisedNumber(place);
        }
        return inPlaces(translated(english), words);
    }
    return reason;
}

} // namespace hf
