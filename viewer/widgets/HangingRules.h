#pragma once

#include "viewer/dicom/Study.h"
#include "viewer/widgets/GridLayout.h"

#include <QByteArray>
#include <QMap>
#include <QRegularExpression>
#include <QString>
#include <QStringList>

#include <optional>
#include <vector>

namespace hf {

/// What a series must be to stand in a view. Empty fields do not matter.
struct SeriesWanted {
    bool ofPrior = false;
    QStringList modalities, views;      ///< One of them.
    QString kind, plane, laterality;
    QRegularExpression description, bodyPart;
    bool isAny = true;                  ///< The rule says nothing about the series.
};

struct HangingView {
    CellShow show = CellShow::Images;
    SeriesWanted series;
    bool isOptional = false;
    QString window, preset;
};

/// One rule of resources/hanging/README.md.
struct HangingRule {
    QString id;
    QMap<QString, QString> names;       ///< By language.
    bool isAutomatic = true;
    QStringList modalities;             ///< Each may be several, joined by '|'.
    std::optional<bool> withPrior;
    int seriesAtLeast = 1;
    QRegularExpression description;
    GridLayout layout;
    std::vector<HangingView> views;

    /// In the language of the program, else English.
    QString name() const;
};

/// @throws Error "hanging": "line 12: unknown key 'colums'".
std::vector<HangingRule> hangingRulesFromJson(const QByteArray& json);
/// A file that hangingRulesFromJson reads.
QByteArray toJson(const HangingRule& rule);

/// A study to read and the earlier one beside it.
struct HangingCase {
    const dicom::Study* current = nullptr;
    const dicom::Study* prior = nullptr;
};
/// The newest listed study of the patient of `main` that has its modality, and the newest one before it.
HangingCase hangingCase(const std::vector<dicom::Study>& studies, const dicom::Series& main);

/// What the rule puts into each view, null for an empty one; no value when it does not fit. For a linked layout the first entry counts.
std::optional<std::vector<const dicom::Series*>> hang(const HangingRule& rule, const HangingCase& hanging);

} // namespace hf
