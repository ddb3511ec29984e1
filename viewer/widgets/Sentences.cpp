#include "viewer/widgets/Sentences.h"

#include <QLocale>
#include <QRegularExpression>

#include <cstring>

namespace hf {

std::optional<QStringList> findPlaces(const QString& said, const char* english)
{
    if (!std::strchr(english, '%')) {
        return said == QLatin1String(english) ? std::optional(QStringList()) : std::nullopt;
    }
    QString pattern = QRegularExpression::escape(QString::fromLatin1(english));
    pattern.replace(QRegularExpression("\\\\?%[0-9]"), "(.+?)");
    const auto match = QRegularExpression("^" + pattern + "$", QRegularExpression::DotMatchesEverythingOption).match(said);
    return match.hasMatch() ? std::optional(match.capturedTexts().mid(1)) : std::nullopt;
}

QString inPlaces(const QString& sentence, const QStringList& words)
{
    QString whole;
    for (qsizetype at = 0; at < sentence.size(); ++at) {
        const int number = sentence[at] == '%' && at + 1 < sentence.size() ? sentence[at + 1].digitValue() : -1;
        if (number >= 1 && number <= words.size()) {
            whole += words[number - 1];
            ++at;
        } else {
            whole += sentence[at];
        }
    }
    return whole;
}

QString localisedNumber(const QString& word)
{
    static const QRegularExpression decimal("^[0-9]+\\.[0-9]+$");
    return decimal.match(word).hasMatch() ? QString(word).replace('.', QLocale().decimalPoint()) : word;
}

} // namespace hf
