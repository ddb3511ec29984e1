#include "viewer/widgets/Findings.h"

#include "viewer/database/WholeFile.h"
#include "viewer/volume/Error.h"
#include "viewer/widgets/FindingsFile.h"
#include "viewer/widgets/Scene.h"

#include <QDateTime>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QStandardPaths>
#include <QUndoStack>

#include <algorithm>
#include <cmath>
#include <optional>

namespace hf {

namespace {

/// All findings before and after one edit; they are few and small.
class FindingsCommand : public QUndoCommand {
public:
    FindingsCommand(Findings* findings, std::vector<Finding> before, std::vector<Finding> after, const QString& what)
        : QUndoCommand(what), m_findings(findings), m_before(std::move(before)), m_after(std::move(after)) {}
    void undo() override { m_findings->setAll(m_before); }
    void redo() override { m_findings->setAll(m_after); }

private:
    Findings* m_findings;
    std::vector<Finding> m_before, m_after;
};

/// Empty where there is no file.
QByteArray contentOf(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

constexpr double kSamePlane = 0.9999;   // of a cosine: as the views compare them

auto withId(int id)
{
    return [id](const Finding& finding) { return finding.measurement.id == id; };
}

/// Middle of the points.
PointLps middleOf(const Measurement& measurement)
{
    Vec3 sum;
    for (const PointLps& p : measurement.points) {
        sum = sum + (p - measurement.points.front());
    }
    return measurement.points.front() + sum * (1.0 / double(measurement.points.size()));
}

/// The smallest turn of the planes that shows a measurement in one of them; empty where they show it already.
std::optional<PlaneTurn> turnToShow(const ShownSeries& shown, const Measurement& measurement)
{
    if (!shown.isVolume()) {
        return std::nullopt;
    }
    Vec3 nearest;
    double best = -1;
    for (const PlaneTurn& turn : {shown.turn, PlaneTurn()}) {
        for (const Plane plane : {Plane::Axial, Plane::Sagittal, Plane::Coronal}) {
            const Vec3 normal = turnedNormal(shown.volume->geometry(), plane, turn);
            const double along = dot(normal, measurement.normal());
            if (std::abs(along) > kSamePlane) {
                return turn == shown.turn ? std::nullopt : std::optional(turn);
            }
            if (turn == PlaneTurn() && std::abs(along) > best) {
                best = std::abs(along);
                nearest = along < 0 ? normal * -1.0 : normal;
            }
        }
    }
    return PlaneTurn::between(nearest, measurement.normal());
}

ImageScale scaleWith(const Volume& volume, const std::vector<UltrasoundRegion>& regions)
{
    ImageScale scale = scaleOf(volume);
    if (!regions.empty()) {
        scale.regions = regions;
        scale.source = ScaleSource::Ultrasound;
    }
    return scale;
}

} // namespace

Findings::Findings(Scene* scene, const QString& folder, QObject* parent) : QObject(parent), m_scene(scene), m_folder(folder)
{
    if (m_folder.isEmpty()) {
        m_folder = QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + "/findings";
    }
    connect(scene, &Scene::volumeChanged, this, [this] { sceneChanged(); });
    connect(scene, &Scene::shownChanged, this, [this] { loadOthers(); });
    connect(scene, &Scene::subtractionChanged, this, [this] { sceneChanged(); });
    sceneChanged();
}

void Findings::sceneChanged()
{
    const dicom::Series& series = m_scene->series();
    m_scale = m_scene->isEmpty() ? ImageScale() : scaleWith(*m_scene->volume(), m_regions[series.key]);
    const std::string study = m_scene->isEmpty() ? std::string() : studyOf(series);
    if (study != m_studyUid) {
        m_studyUid = study;
        m_selected = 0;
        load();
    }
    remeasure();
    m_others.clear();
    loadOthers();
    Q_EMIT changed();
    if (const int wanted = std::exchange(m_wanted, 0); const Finding* finding = find(wanted)) {
        if (finding->measurement.seriesKey == series.key) {
            jumpTo(wanted);
        }
    }
}

const Finding* Findings::find(int id) const
{
    const auto found = std::find_if(m_findings.begin(), m_findings.end(), withId(id));
    return found == m_findings.end() ? nullptr : &*found;
}

std::vector<const Finding*> Findings::ofShownSeries() const { return m_scene->isEmpty() ? std::vector<const Finding*>() : ofSeries(m_scene->series().key); }

std::vector<const Finding*> Findings::ofSeries(const std::string& key) const
{
    std::vector<const Finding*> list;
    const auto collect = [&](const std::vector<Finding>& findings) {
        for (const Finding& finding : findings) {
            if (finding.measurement.seriesKey == key) {
                list.push_back(&finding);
            }
        }
    };
    collect(m_findings);
    for (const auto& [study, findings] : m_others) {
        collect(findings);
    }
    return list;
}

void Findings::loadOthers()
{
    bool any = false;
    for (const ShownSeries* shown : m_scene->all()) {
        const std::string study = studyOf(shown->series);
        if (study == m_studyUid || m_others.contains(study)) {
            continue;
        }
        std::vector<Finding>& findings = m_others[study];
        QFile file(filePathOf(study));
        if (!file.open(QIODevice::ReadOnly)) {
            continue;
        }
        try {
            findings = findingsFromJson(file.readAll()).findings;
        } catch (const Error&) {
            continue;   // told when the study becomes the active one
        }
        for (Finding& finding : findings) {
            if (const ShownSeries* own = m_scene->find(finding.measurement.seriesKey)) {
                finding.facts = measure(finding.measurement, *own->volume, scaleWith(*own->volume, m_regions[own->series.key]));
            }
        }
        any = true;
    }
    if (any) {
        Q_EMIT changed();
    }
}

MeasurementFacts Findings::measureShown(const Measurement& measurement) const
{
    return m_scene->isEmpty() ? MeasurementFacts() : measure(measurement, *m_scene->volume(), m_scale);
}

int Findings::add(Measurement measurement)
{
    Finding finding;
    measurement.id = ++m_lastId;
    measurement.seriesKey = m_scene->series().key;
    finding.facts = measureShown(measurement);
    finding.seriesName = QString::fromStdString(m_scene->series().text.seriesDescription);
    finding.measurement = std::move(measurement);
    std::vector<Finding> after = m_findings;
    after.push_back(std::move(finding));
    push(std::move(after), tr("Add a measurement"));
    setSelected(m_lastId);
    return m_lastId;
}

void Findings::replace(const Measurement& measurement)
{
    std::vector<Finding> after = m_findings;
    const auto found = std::find_if(after.begin(), after.end(), withId(measurement.id));
    if (found == after.end() || found->measurement == measurement) {
        return;
    }
    const bool isShape = !(found->measurement.points == measurement.points);
    found->measurement = measurement;
    if (isShape) {
        found->facts = measureShown(measurement);
    }
    push(std::move(after), isShape ? tr("Change a measurement") : tr("Change a text"));
}

void Findings::remove(int id)
{
    std::vector<Finding> after = m_findings;
    if (std::erase_if(after, withId(id)) > 0) {
        push(std::move(after), tr("Remove a measurement"));
    }
}

void Findings::removeAll()
{
    if (!m_findings.empty()) {
        push({}, tr("Remove all measurements"));
    }
}

void Findings::push(std::vector<Finding> after, const QString& what) { m_scene->undoStack()->push(new FindingsCommand(this, m_findings, std::move(after), what)); }

void Findings::setAll(std::vector<Finding> findings)
{
    m_findings = std::move(findings);
    if (!find(m_selected)) {
        setSelected(0);
    }
    save();
    Q_EMIT changed();
}

void Findings::setSelected(int id)
{
    if (id != m_selected) {
        m_selected = find(id) ? id : 0;
        Q_EMIT selectedChanged();
    }
}

void Findings::jumpTo(int id)
{
    const Finding* finding = find(id);
    if (!finding) {
        return;
    }
    setSelected(id);
    if (m_scene->isEmpty() || finding->measurement.seriesKey != m_scene->series().key) {
        m_wanted = id;
        Q_EMIT seriesWanted(QString::fromStdString(finding->measurement.seriesKey));
        return;
    }
    // Drawn on an oblique plane, it is seen on that plane alone.
    const ShownSeries& shown = m_scene->active();
    if (const auto turn = turnToShow(shown, finding->measurement)) {
        m_scene->setTurn(*turn);
    }
    m_scene->setCursor(middleOf(finding->measurement));
}

void Findings::jumpToNext(int step)
{
    if (m_findings.empty()) {
        return;
    }
    const auto count = int(m_findings.size());
    const auto found = std::find_if(m_findings.begin(), m_findings.end(), withId(m_selected));
    const int at = found == m_findings.end() ? (step > 0 ? -1 : count) : int(found - m_findings.begin());
    jumpTo(m_findings[std::size_t((at + step + count) % count)].measurement.id);
}

void Findings::setUltrasoundRegions(std::vector<UltrasoundRegion> regions) { setUltrasoundRegionsOf(m_scene->series().key, std::move(regions)); }

void Findings::setUltrasoundRegionsOf(const std::string& seriesKey, std::vector<UltrasoundRegion> regions)
{
    m_regions[seriesKey] = std::move(regions);
    if (!m_scene->isEmpty() && seriesKey == m_scene->series().key) {
        m_scale = scaleWith(*m_scene->volume(), m_regions[seriesKey]);
        remeasure();
        Q_EMIT changed();
    }
}

void Findings::remeasure()
{
    for (Finding& finding : m_findings) {
        if (!m_scene->isEmpty() && finding.measurement.seriesKey == m_scene->series().key) {
            finding.facts = measureShown(finding.measurement);
        }
    }
}

QString Findings::filePath() const { return m_studyUid.empty() ? QString() : filePathOf(m_studyUid); }

QString Findings::filePathOf(const std::string& studyUid) const { return m_folder + "/" + findingsFileName(studyUid); }

void Findings::load()
{
    m_findings.clear();
    m_lastId = 0;
    m_isReadable = true;
    m_saved.clear();
    QFile file(filePath());
    if (m_studyUid.empty() || !file.exists()) {
        return;
    }
    try {
        if (!file.open(QIODevice::ReadOnly)) {
            throw Error(file.errorString().toStdString(), "findings");
        }
        m_saved = file.readAll();
        FindingsFile read = findingsFromJson(m_saved);
        m_findings = std::move(read.findings);
        m_lastId = read.lastId;
    } catch (const Error&) {
        // What cannot be read must not be overwritten either.
        const QString aside = filePath() + ".unreadable";
        QFile::remove(aside);
        m_isReadable = QFile::rename(filePath(), aside);
        Q_EMIT problem(m_isReadable ? tr("The saved measurements of this study cannot be read. The file was kept as %1.").arg(aside)
                                    : tr("The saved measurements of this study cannot be read; new ones will not be saved."));
    }
}

void Findings::save()
{
    if (m_studyUid.empty() || !m_isReadable) {
        return;
    }
    // The file replaces the old one only when it is complete.
    QDir().mkpath(m_folder);
    if (const QByteArray there = contentOf(filePath()); !there.isEmpty() && there != m_saved) {
        const QString aside = filePath() + ".other-" + QDateTime::currentDateTime().toString("yyyyMMdd-HHmmss-zzz");
        if (QFile::rename(filePath(), aside)) {
            Q_EMIT problem(tr("Another window has changed the measurements of this study meanwhile. Its file was kept as %1.").arg(aside));
        }
    }
    const QByteArray json = toJson(m_findings, m_lastId);
    if (const QString reason = replaceFile(filePath(), json); !reason.isEmpty()) {
        Q_EMIT problem(tr("The measurements could not be saved: %1").arg(reason));
        return;
    }
    m_saved = json;
    QFile::setPermissions(filePath(), QFileDevice::ReadOwner | QFileDevice::WriteOwner);
}

} // namespace hf
