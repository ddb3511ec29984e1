#include "viewer/widgets/NoteText.h"

#include "viewer/widgets/ReasonText.h"
#include "viewer/widgets/Sentences.h"

#include <QCoreApplication>
#include <QStringList>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace hf {

namespace {

/// The sentences of the readers below, which know no translations; of one code the longer ones first. A test compares them with the sources.
struct Sentence { const char* code; const char* english; };
const Sentence kSentences[] = {
    {"duplicate-slices", QT_TRANSLATE_NOOP("hf::NoteText", "%1 images lie where another one lies and were left out.")},
    {"tilt", QT_TRANSLATE_NOOP("hf::NoteText", "The gantry was tilted by %1 degrees; the slices were resampled to a straight grid.")},
    {"shifted-slices", QT_TRANSLATE_NOOP("hf::NoteText", "The slices are shifted against each other by up to %1 mm; they were resampled to a straight grid.")},
    {"missing-slices", QT_TRANSLATE_NOOP("hf::NoteText", "%1 slice is missing; the gaps were filled by interpolation.")},
    {"missing-slices", QT_TRANSLATE_NOOP("hf::NoteText", "%1 slices are missing; the gaps were filled by interpolation.")},
    {"images-between", QT_TRANSLATE_NOOP("hf::NoteText", "%1 image lies so close to another one that the resampled slices hardly show it.")},
    {"images-between", QT_TRANSLATE_NOOP("hf::NoteText", "%1 images lie so close to another one that the resampled slices hardly show it.")},
    {"non-uniform-spacing", QT_TRANSLATE_NOOP("hf::NoteText", "The distances of the slices vary from %1 to %2 mm; they were resampled to equal distances.")},
    {"padding", QT_TRANSLATE_NOOP("hf::NoteText", "The file marks values as padding; they are shown black.")},
    {"padding-differs", QT_TRANSLATE_NOOP("hf::NoteText", "Values that the file marks as padding differ from image to image; they are shown like others.")},
    {"monochrome1", QT_TRANSLATE_NOOP("hf::NoteText", "Low values are bright in this image (MONOCHROME1).")},
    {"lossy", QT_TRANSLATE_NOOP("hf::NoteText", "The image was compressed with loss.")},
    {"modality-lut", QT_TRANSLATE_NOOP("hf::NoteText", "Values come from a modality lookup table.")},
    {"rounded", QT_TRANSLATE_NOOP("hf::NoteText", "Whole numbers of more than 53 bits are rounded.")},
    {"not-finite", QT_TRANSLATE_NOOP("hf::NoteText", "%1 voxels hold no number and are shown as 0.")},
    {"supplemental-palette", QT_TRANSLATE_NOOP("hf::NoteText", "Colours are those of the file's supplemental palette; greys are seen in the window of the file.")},
    {"colors-left-out", QT_TRANSLATE_NOOP("hf::NoteText", "Some images have colours of a supplemental palette, which are not shown: their highest values are no measured values.")},
    {"overlays-hidden", QT_TRANSLATE_NOOP("hf::NoteText", "The overlay planes of the images are not shown on resampled slices.")},
    {"partial", QT_TRANSLATE_NOOP("hf::NoteText", "%1 of %2 images could not be decoded: %3.")},
    {"modality-unknown", QT_TRANSLATE_NOOP("hf::NoteText", "The file does not tell the modality.")},
    {"time-points", QT_TRANSLATE_NOOP("hf::NoteText", "The file holds %1 volumes; the first is shown.")},
    {"no-opacity", QT_TRANSLATE_NOOP("hf::NoteText", "The file tells how opaque each voxel is; its colours are shown without that.")},
    {"no-spacing", QT_TRANSLATE_NOOP("hf::NoteText", "The file gives no pixel spacing; 1 mm was assumed, lengths mean nothing.")},
    {"region-spacing", QT_TRANSLATE_NOOP("hf::NoteText", "The parts of the image have scales of their own; lengths beside them are pixels.")},
    {"imager-spacing", QT_TRANSLATE_NOOP("hf::NoteText", "The pixel spacing was measured at the detector, not in the patient.")},
    {"dose", QT_TRANSLATE_NOOP("hf::NoteText", "Values are doses as the file gives them, usually Gy.")},
    {"suv", QT_TRANSLATE_NOOP("hf::NoteText", "Values are standardised uptake values by body weight (g/ml).")},
    {"no-suv", QT_TRANSLATE_NOOP("hf::NoteText", "No standardised uptake values: the file does not give %1. Values are as stored.")},
    {"mosaic", QT_TRANSLATE_NOOP("hf::NoteText", "Many slices lie side by side in each image; they are shown as stored.")},
    {"no-geometry", QT_TRANSLATE_NOOP("hf::NoteText", "The file does not tell how the image lies in the patient; sides are not known.")},
    {"unknown-sides", QT_TRANSLATE_NOOP("hf::NoteText", "The file does not tell how the image lies in the patient; sides are not known.")},
    {"frames", QT_TRANSLATE_NOOP("hf::NoteText", "The images are not shown as a volume; they are paged through in their order.")},
    {"undescribed-frames", QT_TRANSLATE_NOOP("hf::NoteText", "The file does not describe %1 of its %2 frames; they are not shown.")},
    {"linear-subtraction", QT_TRANSLATE_NOOP("hf::NoteText", "The frames hold intensities, not their logarithms: what is left after the subtraction depends on what lies behind.")},
    {"split", QT_TRANSLATE_NOOP("hf::NoteText", "The series holds images that cannot be one volume (patient, orientation, kind, place or time); this is part %1 of %2, %3.")},
    {"split", QT_TRANSLATE_NOOP("hf::NoteText", "The series holds images that cannot be one volume (patient, orientation, kind, place or time); this is part %1 of %2.")},
    {"frames-of-reference", QT_TRANSLATE_NOOP("hf::NoteText", "The images name different frames of reference; they were taken for one by their positions.")},
    {"not-scaled", QT_TRANSLATE_NOOP("hf::NoteText", "The file tells how its values become intensities; they are shown as stored.")},
    {"presentation", QT_TRANSLATE_NOOP("hf::NoteText", "Shown first by presentation state %1, the newest of %2; not applied: %3.")},
    {"presentation", QT_TRANSLATE_NOOP("hf::NoteText", "Shown first by presentation state %1; not applied: %2.")},
    {"presentation", QT_TRANSLATE_NOOP("hf::NoteText", "Shown first by presentation state %1, the newest of %2.")},
    {"presentation", QT_TRANSLATE_NOOP("hf::NoteText", "Shown first by presentation state %1.")},
};

/// What may stand in their places.
[[maybe_unused]] const char* const kWords[] = {
    QT_TRANSLATE_NOOP("hf::NoteText", "a plausible injected dose"),
    QT_TRANSLATE_NOOP("hf::NoteText", "the injected dose"),
    QT_TRANSLATE_NOOP("hf::NoteText", "a decay correction"),
    QT_TRANSLATE_NOOP("hf::NoteText", "the half-life"),
    QT_TRANSLATE_NOOP("hf::NoteText", "a time of injection before the scan"),
    QT_TRANSLATE_NOOP("hf::NoteText", "SUV by body weight"),
    QT_TRANSLATE_NOOP("hf::NoteText", "an activity concentration"),
    QT_TRANSLATE_NOOP("hf::NoteText", "the patient's weight"),
    QT_TRANSLATE_NOOP("hf::NoteText", "a correction for attenuation and decay"),
    QT_TRANSLATE_NOOP("hf::NoteText", "some drawings"),
    QT_TRANSLATE_NOOP("hf::NoteText", "line styles"),
    QT_TRANSLATE_NOOP("hf::NoteText", "text styles"),
    QT_TRANSLATE_NOOP("hf::NoteText", "some texts"),
    QT_TRANSLATE_NOOP("hf::NoteText", "compound drawings"),
    QT_TRANSLATE_NOOP("hf::NoteText", "displayed area"),
    QT_TRANSLATE_NOOP("hf::NoteText", "size on the screen"),
    QT_TRANSLATE_NOOP("hf::NoteText", "turn by an angle that is no quarter"),
    QT_TRANSLATE_NOOP("hf::NoteText", "presentation lookup table"),
    QT_TRANSLATE_NOOP("hf::NoteText", "modality lookup table"),
    QT_TRANSLATE_NOOP("hf::NoteText", "overlay planes"),
    QT_TRANSLATE_NOOP("hf::NoteText", "subtraction"),
    QT_TRANSLATE_NOOP("hf::NoteText", "bitmap shutter"),
    QT_TRANSLATE_NOOP("hf::NoteText", "shutter"),
};

QString translated(const char* english) { return QCoreApplication::translate("hf::NoteText", english); }

/// What stood in a place of a sentence: a list of words of ours, a number, or the file's own.
QString localised(const QString& piece)
{
    QStringList words;
    for (const QString& word : piece.split(", ")) {
        words << wordText(localisedNumber(word));
    }
    return words.join(", ");
}

} // namespace

QString wordText(const QString& word) { return translated(word.toUtf8().constData()); }

QString noteText(const Note& note)
{
    const QString said = QString::fromStdString(note.text);
    for (const Sentence& sentence : kSentences) {
        const auto places = note.code == sentence.code ? findPlaces(said, sentence.english) : std::nullopt;
        if (!places) {
            continue;
        }
        QStringList pieces;
        for (qsizetype n = 0; n < places->size(); ++n) {
            const QString& place = (*places)[n];
            pieces << (note.code == "split" && n == 2 ? partText(place) : note.code == "partial" && n == 2 ? reasonText(place) : localised(place));
        }
        return inPlaces(translated(sentence.english), pieces);
    }
    return said;
}

QString partText(const QString& name)
{
    struct Word { const char* english; const char* text; };
    static const Word kWords[] = {{"time point ", QT_TRANSLATE_NOOP("hf::StudyBrowser", "time point %1")}, {"stack ", QT_TRANSLATE_NOOP("hf::StudyBrowser", "stack %1")},
        {"flip angle ", QT_TRANSLATE_NOOP("hf::StudyBrowser", "flip angle %1")}, {"direction ", QT_TRANSLATE_NOOP("hf::StudyBrowser", "direction %1")},
        {"index ", QT_TRANSLATE_NOOP("hf::StudyBrowser", "index %1")}, {"contrast", QT_TRANSLATE_NOOP("hf::StudyBrowser", "contrast agent")},
        {"localizer", QT_TRANSLATE_NOOP("hf::StudyBrowser", "localizer")}, {"axial", QT_TRANSLATE_NOOP("hf::StudyBrowser", "axial")},
        {"sagittal", QT_TRANSLATE_NOOP("hf::StudyBrowser", "sagittal")}, {"coronal", QT_TRANSLATE_NOOP("hf::StudyBrowser", "coronal")}};
    QStringList parts;
    for (const QString& part : name.split(", ")) {
        const auto word = std::find_if(std::begin(kWords), std::end(kWords), [&](const Word& known) { return part.startsWith(QLatin1String(known.english)); });
        if (word == std::end(kWords)) {
            parts << part;
            continue;
        }
        const QString said = QCoreApplication::translate("hf::StudyBrowser", word->text);
        parts << (said.contains("%1") ? said.arg(part.mid(qsizetype(std::strlen(word->english)))) : said);
    }
    return parts.join(", ");
}

} // namespace hf
