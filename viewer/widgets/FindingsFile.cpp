#include "viewer/widgets/FindingsFile.h"

#include "viewer/volume/Error.h"

#include <QCryptographicHash>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

#include <algorithm>
#include <cmath>

namespace hf {

namespace {

constexpr int kVersion = 1;
const char* const kScales[] = {"patient", "detector", "ultrasound", "none"};

QJsonArray triple(double x, double y, double z) { return {x, y, z}; }

std::array<double, 3> numbers(const QJsonValue& value)
{
    const QJsonArray array = value.toArray();
    if (array.size() != 3) {
        throw Error("three numbers expected", "findings");
    }
    std::array<double, 3> numbers{};
    for (int n = 0; n < 3; ++n) {
        numbers[std::size_t(n)] = array[n].toDouble(std::nan(""));
        if (!std::isfinite(numbers[std::size_t(n)])) {
            throw Error("a number expected", "findings");
        }
    }
    return numbers;
}

Vec3 unitVector(const QJsonValue& value)
{
    const auto n = numbers(value);
    return normalized({n[0], n[1], n[2]});
}

QJsonObject regionToJson(const RegionFacts& region)
{
    return {{"pixels", double(region.pixels)}, {"mean", region.mean}, {"sd", region.sd}, {"minimum", region.minimum}, {"maximum", region.maximum}, {"area", region.area},
        {"pixelArea", region.pixelArea}, {"perimeter", region.perimeter}};
}

RegionFacts regionFromJson(const QJsonObject& o)
{
    return {std::size_t(std::max(0.0, o["pixels"].toDouble())), o["mean"].toDouble(), o["sd"].toDouble(), o["minimum"].toDouble(), o["maximum"].toDouble(), o["area"].toDouble(),
        o["pixelArea"].toDouble(), o["perimeter"].toDouble()};
}

QJsonObject factsToJson(const MeasurementFacts& facts)
{
    QJsonObject o{{"scale", kScales[int(facts.scale)]}, {"unit", QString::fromStdString(toString(facts.unit))}, {"color", facts.isColor}};
    if (facts.length) {
        o["length"] = *facts.length;
    }
    if (facts.angleDeg) {
        o["angleDeg"] = *facts.angleDeg;
    }
    if (facts.value) {
        o["value"] = *facts.value;
    }
    if (facts.color) {
        o["rgb"] = QJsonArray{(*facts.color)[0], (*facts.color)[1], (*facts.color)[2]};
    }
    if (facts.region) {
        o["region"] = regionToJson(*facts.region);
    }
    return o;
}

MeasurementFacts factsFromJson(const QJsonObject& o)
{
    MeasurementFacts facts;
    const auto scale = std::find(std::begin(kScales), std::end(kScales), o["scale"].toString());
    if (scale == std::end(kScales)) {
        throw Error("unknown scale", "findings");
    }
    facts.scale = ScaleSource(scale - std::begin(kScales));
    facts.unit = unitFromString(o["unit"].toString().toStdString());
    facts.isColor = o["color"].toBool();
    if (o.contains("length")) {
        facts.length = o["length"].toDouble();
    }
    if (o.contains("angleDeg")) {
        facts.angleDeg = o["angleDeg"].toDouble();
    }
    if (o.contains("value")) {
        facts.value = o["value"].toDouble();
    }
    if (o.contains("rgb")) {
        const auto rgb = numbers(o["rgb"]);
        facts.color = {int(rgb[0]), int(rgb[1]), int(rgb[2])};
    }
    if (o.contains("region")) {
        facts.region = regionFromJson(o["region"].toObject());
    }
    return facts;
}

Finding findingFromJson(const QJsonObject& o)
{
    Finding finding;
    Measurement& m = finding.measurement;
    const auto kind = findMeasurementKind(o["kind"].toString().toStdString());
    if (!kind) {
        throw Error("unknown kind of measurement", "findings");
    }
    m.kind = *kind;
    m.id = o["id"].toInt();
    for (const QJsonValue& point : o["points"].toArray()) {
        const auto p = numbers(point);
        m.points.push_back({p[0], p[1], p[2]});
    }
    if (m.id < 1 || m.points.size() < pointsOf(m.kind)) {
        throw Error("a measurement that is not complete", "findings");
    }
    m.right = unitVector(o["right"]);
    m.down = unitVector(o["down"]);
    m.text = o["text"].toString().toStdString();
    m.seriesKey = o["series"].toString().toStdString();
    finding.seriesName = o["seriesName"].toString();
    finding.facts = factsFromJson(o["facts"].toObject());
    return finding;
}

} // namespace

QByteArray toJson(const std::vector<Finding>& findings, int lastId)
{
    QJsonArray list;
    for (const Finding& finding : findings) {
        const Measurement& m = finding.measurement;
        QJsonArray points;
        for (const PointLps& p : m.points) {
            points.append(triple(p.x, p.y, p.z));
        }
        list.append(QJsonObject{{"id", m.id}, {"kind", QString::fromStdString(toString(m.kind))}, {"points", points}, {"right", triple(m.right.x, m.right.y, m.right.z)},
            {"down", triple(m.down.x, m.down.y, m.down.z)}, {"text", QString::fromStdString(m.text)}, {"series", QString::fromStdString(m.seriesKey)},
            {"seriesName", finding.seriesName}, {"facts", factsToJson(finding.facts)}});
    }
    return QJsonDocument(QJsonObject{{"format", "hounsfield-findings"}, {"version", kVersion}, {"lastId", lastId}, {"findings", list}}).toJson();
}

FindingsFile findingsFromJson(const QByteArray& json)
{
    const QJsonObject root = QJsonDocument::fromJson(json).object();
    if (root["format"].toString() != "hounsfield-findings" || root["version"].toInt() != kVersion) {
        throw Error("not a findings file of version 1", "findings");
    }
    FindingsFile file;
    file.lastId = root["lastId"].toInt();
    for (const QJsonValue& value : root["findings"].toArray()) {
        file.findings.push_back(findingFromJson(value.toObject()));
        file.lastId = std::max(file.lastId, file.findings.back().measurement.id);
    }
    return file;
}

QString findingsFileName(const std::string& studyUid)
{
    return QString::fromLatin1(QCryptographicHash::hash(QByteArray::fromStdString(studyUid), QCryptographicHash::Sha256).toHex().left(32)) + ".json";
}

} // namespace hf
