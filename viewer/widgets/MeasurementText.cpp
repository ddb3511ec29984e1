#include "viewer/widgets/MeasurementText.h"

#include <QCoreApplication>
#include <QLocale>

#include <cmath>

namespace hf {

namespace {

struct MeasurementText {
    Q_DECLARE_TR_FUNCTIONS(hf::MeasurementText)
};

QString number(double value, int decimals) { return QLocale().toString(value, 'f', decimals); }

QString lengthText(double value, ScaleSource scale)
{
    switch (scale) {
    case ScaleSource::None: return MeasurementText::tr("%1 px (no scale)").arg(number(value, 1));
    case ScaleSource::Detector: return MeasurementText::tr("%1 mm at the detector").arg(number(value, 1));
    default: return MeasurementText::tr("%1 mm").arg(number(value, 1));
    }
}

QString areaText(double value, ScaleSource scale)
{
    if (scale == ScaleSource::None) {
        return MeasurementText::tr("%1 px² (no scale)").arg(number(value, 0));
    }
    // cm² from a size on where its digits read better.
    const QString text = value < 100 ? MeasurementText::tr("%1 mm²").arg(number(value, 1)) : MeasurementText::tr("%1 cm²").arg(number(value / 100, 2));
    return scale == ScaleSource::Detector ? MeasurementText::tr("%1 at the detector").arg(text) : text;
}

/// Digits that a statistical value of this unit and size deserves: three at least that are not 0 in front.
QString valueText(double value, Unit unit)
{
    constexpr double kSmall = 1e-4;
    if (value != 0 && std::abs(value) < kSmall) {
        return QLocale().toString(value, 'g', 3);
    }
    const int decimals = unit == Unit::Suv || std::abs(value) < 10 ? 2 : 1;
    return number(value, value != 0 && std::abs(value) < 1 ? 2 - int(std::floor(std::log10(std::abs(value)))) : decimals);
}

QString withUnit(const QString& text, Unit unit) { return unit == Unit::Hu ? MeasurementText::tr("%1 HU").arg(text) : unit == Unit::Suv ? MeasurementText::tr("SUV %1").arg(text) : text; }

QStringList regionLines(const RegionFacts& region, const MeasurementFacts& facts)
{
    QStringList lines;
    if (!facts.isColor && region.pixels > 0) {
        lines << MeasurementText::tr("Mean %1  SD %2").arg(withUnit(valueText(region.mean, facts.unit), facts.unit), valueText(region.sd, facts.unit));
        lines << MeasurementText::tr("Min %1  Max %2").arg(valueText(region.minimum, facts.unit), valueText(region.maximum, facts.unit));
    }
    lines << MeasurementText::tr("Area %1").arg(areaText(region.area, facts.scale));
    if (!facts.isColor && region.pixels == 0) {
        lines << MeasurementText::tr("no pixel inside");
    }
    return lines;
}

QStringList valueLines(const Measurement& m, const MeasurementFacts& facts)
{
    if (facts.region) {
        return regionLines(*facts.region, facts);
    }
    if (facts.length) {
        return {lengthText(*facts.length, facts.scale)};
    }
    if (facts.angleDeg) {
        return {m.kind == MeasurementKind::Cobb ? MeasurementText::tr("Cobb %1°").arg(number(*facts.angleDeg, 1)) : MeasurementText::tr("%1°").arg(number(*facts.angleDeg, 1))};
    }
    if (m.kind == MeasurementKind::Probe) {
        return {facts.color ? MeasurementText::tr("R %1  G %2  B %3").arg((*facts.color)[0]).arg((*facts.color)[1]).arg((*facts.color)[2]) : facts.value ? voxelText(*facts.value, facts.unit) : MeasurementText::tr("outside")};
    }
    return {};
}

} // namespace

QString kindName(MeasurementKind kind)
{
    switch (kind) {
    case MeasurementKind::Length: return MeasurementText::tr("Length");
    case MeasurementKind::Angle: return MeasurementText::tr("Angle");
    case MeasurementKind::Cobb: return MeasurementText::tr("Cobb angle");
    case MeasurementKind::Ellipse: return MeasurementText::tr("Ellipse");
    case MeasurementKind::Rectangle: return MeasurementText::tr("Rectangle");
    case MeasurementKind::Polygon: return MeasurementText::tr("Polygon");
    case MeasurementKind::Freehand: return MeasurementText::tr("Freehand outline");
    case MeasurementKind::Arrow: return MeasurementText::tr("Arrow");
    case MeasurementKind::Text: return MeasurementText::tr("Text");
    case MeasurementKind::Probe: return MeasurementText::tr("Probe");
    case MeasurementKind::KeyImage: return MeasurementText::tr("Key image");
    }
    return {};
}

QStringList measurementLines(const Measurement& m, const MeasurementFacts& facts)
{
    QStringList lines = valueLines(m, facts);
    if (!m.text.empty()) {
        lines.prepend(QString::fromStdString(m.text));
    }
    return lines;
}

QString measurementSummary(const Measurement& m, const MeasurementFacts& facts)
{
    if (facts.region && !facts.isColor && facts.region->pixels > 0) {
        return withUnit(MeasurementText::tr("%1 ± %2").arg(valueText(facts.region->mean, facts.unit), valueText(facts.region->sd, facts.unit)), facts.unit);
    }
    return facts.angleDeg ? MeasurementText::tr("%1°").arg(number(*facts.angleDeg, 1)) : valueLines(m, facts).join("  ");
}

QString voxelText(double value, Unit unit)
{
    constexpr double kMostWhole = 9007199254740992;     // 2^53
    constexpr int kDigitsOfFloat = 7, kDigitsOfDouble = 15;
    const int digits = double(float(value)) == value ? kDigitsOfFloat : kDigitsOfDouble;
    return withUnit(value == std::floor(value) && std::abs(value) <= kMostWhole ? number(value, 0) : QLocale().toString(value, 'g', digits), unit);
}

QString placeText(PointLps place)
{
    const auto along = [](double value, const char* positive, const char* negative) { return QString("%1 %2").arg(value < 0 ? negative : positive, number(std::abs(value), 2)); };
    return along(place.x, "L", "R") + " " + along(place.y, "P", "A") + " " + along(place.z, "S", "I");
}

QString scaleText(ScaleSource source)
{
    switch (source) {
    case ScaleSource::Patient: return MeasurementText::tr("Scale: pixel spacing in the patient.");
    case ScaleSource::Detector: return MeasurementText::tr("Scale: pixel spacing at the detector. What lies in the patient is smaller.");
    case ScaleSource::Ultrasound: return MeasurementText::tr("Scale: calibrated region of the ultrasound image.");
    case ScaleSource::None: return MeasurementText::tr("No scale: lengths are pixels.");
    }
    return {};
}

} // namespace hf
