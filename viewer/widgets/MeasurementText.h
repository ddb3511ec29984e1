#pragma once

#include "viewer/volume/Measurement.h"

#include <QString>
#include <QStringList>

namespace hf {

/// "Length", "Cobb angle" ... translated.
QString kindName(MeasurementKind kind);

/// What stands beside a drawing: the reader's text, then values with their units and, where the scale is not of the patient, where it comes
/// from. Translated.
QStringList measurementLines(const Measurement& measurement, const MeasurementFacts& facts);

/// The same in one line, for lists.
QString measurementSummary(const Measurement& measurement, const MeasurementFacts& facts);

/// A voxel's value with all the digits that it has, and its unit.
QString voxelText(double value, Unit unit);

/// A place in the patient, mm: "L 12.30 P 4.00 S 101.55", by the letters of the directions that it lies in from the origin.
QString placeText(PointLps place);

/// One sentence on the source of the scale.
QString scaleText(ScaleSource source);

} // namespace hf
