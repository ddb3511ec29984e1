#pragma once

#include <QString>
#include <QStringList>

#include <optional>

// Internal to hf_widgets. The readers below know no translations: their English sentences are recognised by their words.
namespace hf {

/// What stands in the places (%1, %2 ...) of an English sentence; empty when `said` is another one.
std::optional<QStringList> findPlaces(const QString& said, const char* english);

/// A sentence with `words` in its places, all at once: a word of the file may look like a place.
QString inPlaces(const QString& sentence, const QStringList& words);

/// A number with the reader's decimal point; other words as they are.
QString localisedNumber(const QString& word);

} // namespace hf
