#pragma once

#include "viewer/volume/Volume.h"

#include <QString>

namespace hf {

/// A note of a volume as a sentence in the reader's language; numbers are written as there, words of the file stay as they are. What has no
/// translation stays English.
QString noteText(const Note& note);

/// A word of the readers that such a sentence may hold, as what a presentation state has that is not applied.
QString wordText(const QString& word);

/// What tells a part of a series from the others (dicom::Series::partName), in the reader's language; numbers, units and the file's own words stay.
QString partText(const QString& name);

} // namespace hf
