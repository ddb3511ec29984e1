#include "viewer/widgets/SliceAnnotations.h"

#include "viewer/volume/Measurement.h"
#include "viewer/volume/Slab.h"
#include "viewer/widgets/MeasurementPainter.h"
#include "viewer/widgets/ProjectionSides.h"
#include "viewer/widgets/ShownSeries.h"
#include "viewer/widgets/Theme.h"

#include <QLocale>
#include <QPainter>

#include <algorithm>
#include <cmath>
#include <map>

namespace hf {

namespace {

constexpr int kMargin = 8;

QString text(const std::string& s) { return QString::fromStdString(s); }

/// An Age String "034Y" as "34 Y" (PS3.5 6.2 AS); anything else as it is.
std::string ageOf(const std::string& stored)
{
    const std::size_t digits = stored.find_first_not_of('0');
    const bool isAge = stored.size() == 4 && std::string("DWMY").find(stored[3]) != std::string::npos && std::all_of(stored.begin(), stored.end() - 1, [](char c) { return c >= '0' && c <= '9'; });
    return isAge ? stored.substr(std::min<std::size_t>(digits, 2), 3 - std::min<std::size_t>(digits, 2)) + " " + stored[3] : stored;
}

} // namespace

QColor planeColor(Plane plane) { return plane == Plane::Axial ? theme::kAxial : plane == Plane::Sagittal ? theme::kSagittal : theme::kCoronal; }

namespace {

/// Short form of a note that must stay on the image; empty for the others.
QString noteMark(const std::string& code)
{
    static const std::map<std::string, const char*> marks{{"tilt", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "gantry tilt, resampled")},
        {"missing-slices", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "missing slices, interpolated")}, {"non-uniform-spacing", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "uneven slices, resampled")},
        {"lossy", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "lossy")}, {"partial", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "images missing")},
        {"no-spacing", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "no scale")}, {"region-spacing", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "scale by parts of the image")}, {"duplicate-slices", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "duplicate slices left out")},
        {"shifted-slices", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "shifted slices, resampled")}, {"split", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "part of a series")},
        {"mosaic", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "mosaic, as stored")}, {"no-geometry", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "sides unknown")},
        {"unknown-sides", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "sides unknown")}, {"images-between", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "images between the slices")}, {"not-scaled", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "values as stored")}, {"not-finite", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "values missing")}, {"no-suv", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "no SUV")},
        {"colors-left-out", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "colours not shown")},
        {"frames-of-reference", QT_TRANSLATE_NOOP("hf::SliceAnnotations", "frames of reference differ")}};
    const auto found = marks.find(code);
    return found == marks.end() ? QString() : SliceAnnotations::tr(found->second);
}

} // namespace

QString planeName(Plane plane) { return plane == Plane::Axial ? SliceAnnotations::tr("Axial") : plane == Plane::Sagittal ? SliceAnnotations::tr("Sagittal") : SliceAnnotations::tr("Coronal"); }

SliceAnnotations::SliceAnnotations(QPainter& painter, QRect rect, const ShownSeries& shown, const SliceFrame& frame, State state)
    : m_painter(painter), m_rect(rect), m_shown(shown), m_frame(frame), m_state(std::move(state)), m_isSmall(rect.width() < 340 || rect.height() < 260)
{
    QFont font = painter.font();
    font.setPixelSize(m_isSmall ? 10 : 12);
    painter.setFont(font);
}

void SliceAnnotations::paintCrosshair()
{
    const auto [x, y] = m_frame.toPixel(m_shown.cursor);
    constexpr double kGap = 12;
    // Each line is the cut of another plane and has its colour.
    for (const Plane plane : {Plane::Axial, Plane::Sagittal, Plane::Coronal}) {
        const Vec3 line = cross(m_frame.normal(), m_shown.normal(plane));
        if (plane == m_state.plane || length(line) < 1e-3) {
            continue;
        }
        const Vec3 along = normalized(line);
        const QPointF step(dot(along, m_frame.right), dot(along, m_frame.down));
        const double reach = m_rect.width() + m_rect.height();
        QColor color = planeColor(plane);
        color.setAlpha(170);
        m_painter.setPen(QPen(color, 1));
        const QPointF centre(x, y);
        m_painter.drawLine(centre + step * kGap, centre + step * reach);
        m_painter.drawLine(centre - step * kGap, centre - step * reach);
    }
}

void SliceAnnotations::paintLinkedPlace(PointLps place)
{
    const Geometry& geometry = m_shown.volume->geometry();
    const Vec3 normal = m_frame.normal();
    const double offMm = dot(place - m_frame.origin, normal);
    const ContinuousIndex onSlice = geometry.toIndex(place + normal * -offMm);
    if (!geometry.contains({int(std::lround(onSlice.i)), int(std::lround(onSlice.j)), int(std::lround(onSlice.k))})) {
        return;
    }
    const bool isInSlice = std::abs(offMm) <= sliceStepMm(geometry, normal) / 2;
    const auto [x, y] = m_frame.toPixel(place);
    constexpr double kGap = 3, kReach = 13;
    QPen pen(theme::kReference, 2, Qt::SolidLine, Qt::FlatCap);
    if (!isInSlice) {
        pen.setDashPattern({2, 1.5});
    }
    m_painter.save();
    m_painter.setRenderHint(QPainter::Antialiasing);
    m_painter.setPen(pen);
    // Aslant: reference lines run through it.
    for (const QPointF& step : {QPointF(1, 1), QPointF(-1, 1), QPointF(1, -1), QPointF(-1, -1)}) {
        m_painter.drawLine(QPointF(x, y) + step * kGap, QPointF(x, y) + step * kReach);
    }
    m_painter.restore();
}

void SliceAnnotations::paintLetters()
{
    const dicom::Series& series = m_shown.series;
    const bool isProjection = !series.orientation && series.format == dicom::SeriesFormat::Dicom;
    const std::vector<Note>& notes = m_shown.volume->info().notes;
    const bool isUnknown = series.format == dicom::SeriesFormat::Picture || std::any_of(notes.begin(), notes.end(), [](const Note& note) { return note.code == "unknown-sides"; });
    if (isUnknown || (isProjection && series.patientOrientation[0].empty())) {
        return;     // the file does not tell how the image lies
    }
    const Geometry& geometry = m_shown.volume->geometry();
    const auto letters = [&](Vec3 v) { return text(isProjection ? projectionLetters(series, dot(v, geometry.direction(0)), dot(v, geometry.direction(1))) : orientationLetters(v)); };
    const QFont plain = m_painter.font();
    const int bar = patientBarHeight();
    QFont bold = plain;
    bold.setBold(true);
    bold.setPixelSize(plain.pixelSize() + 2);
    m_painter.setFont(bold);
    drawRimmedText(m_painter, m_rect.adjusted(6, 0, -6, 0), Qt::AlignLeft | Qt::AlignVCenter, letters(m_frame.right * -1.0), theme::kText);
    drawRimmedText(m_painter, m_rect.adjusted(6, 0, -6, 0), Qt::AlignRight | Qt::AlignVCenter, letters(m_frame.right), theme::kText);
    drawRimmedText(m_painter, m_rect.adjusted(0, 5, 0, -5), Qt::AlignHCenter | Qt::AlignTop, letters(m_frame.down * -1.0), theme::kText);
    drawRimmedText(m_painter, m_rect.adjusted(0, 5, 0, -5 - bar), Qt::AlignHCenter | Qt::AlignBottom, letters(m_frame.down), theme::kText);
    m_painter.setFont(plain);
}

void SliceAnnotations::paintRuler()
{
    const ScaleSource source = scaleOf(*m_shown.volume).source;
    if (source == ScaleSource::None || m_rect.height() < 200) {
        return;
    }
    // Above the letter of the right edge, below the texts of the corner.
    const double room = m_rect.height() / 2.0 - 14 - m_topTexts - 22;
    double lengthMm = 0;
    for (const double candidate : {100.0, 50.0, 20.0, 10.0, 5.0}) {
        if (candidate / m_frame.pixelMm[1] < std::min(room, m_rect.height() * 0.35)) {
            lengthMm = candidate;
            break;
        }
    }
    if (lengthMm == 0) {
        return;
    }
    const double pixels = lengthMm / m_frame.pixelMm[1], x = m_rect.width() - 12, y = m_rect.height() / 2.0 - 14 - pixels;
    for (const QPen& pen : {QPen(QColor(0, 0, 0, 160), 3), QPen(theme::kText, 1)}) {
        m_painter.setPen(pen);
        m_painter.drawLine(QPointF(x, y), QPointF(x, y + pixels));
        for (int tick = 0; tick <= 10; ++tick) {
            const double at = y + pixels * tick / 10, length = tick % 5 == 0 ? 8 : 4;
            m_painter.drawLine(QPointF(x - length, at), QPointF(x, at));
        }
    }
    const QString centimetres = QLocale().toString(lengthMm / 10, 'g', 3);
    const QString label = source == ScaleSource::Detector ? SliceAnnotations::tr("%1 cm at the detector").arg(centimetres) : SliceAnnotations::tr("%1 cm").arg(centimetres);
    drawRimmedText(m_painter, QRectF(x - 194, y - 18, 200, 16), Qt::AlignRight | Qt::AlignBottom, label, theme::kText);
}

QStringList SliceAnnotations::topLeft() const
{
    const dicom::Series& series = m_shown.series;
    const QString birth = text(series.patient.birthDate.empty() ? ageOf(series.patient.age) : series.patient.birthDate);
    // Whose images these are is told in the smallest view too.
    return {text(series.patient.displayName()), text(series.patient.id), QStringList{text(series.patient.sex), birth}.join("  ").trimmed()};
}

QStringList SliceAnnotations::topRight() const
{
    const dicom::SeriesText& series = m_shown.series.text;
    if (m_isSmall) {
        return {text(series.studyDate), text(series.seriesDescription)};
    }
    QStringList lines{text(series.institution), (text(series.studyDate) + " " + text(series.studyTime)).trimmed()};
    const bool isOtherDay = !series.seriesDate.empty() && series.seriesDate != series.studyDate, isOtherTime = !series.seriesTime.empty() && series.seriesTime != series.studyTime;
    if (isOtherDay || isOtherTime) {
        lines << SliceAnnotations::tr("Series of %1").arg(((isOtherDay ? text(series.seriesDate) + " " : QString()) + text(series.seriesTime)).trimmed());
    }
    return lines << text(series.studyDescription) << text(series.seriesDescription);
}

/// Width and level, with the name of the preset; empty for colour.
QString SliceAnnotations::windowText() const
{
    if (m_shown.volume->isColor()) {
        return {};
    }
    const QLocale locale;
    const WindowLevel window = m_shown.windowOn(m_state.plane);
    const int decimals = window.width < 10 ? 2 : 0;
    const QString name = window.name.empty() ? QString() : "  " + QCoreApplication::translate("WindowPreset", window.name.c_str());
    return SliceAnnotations::tr("W %1  L %2").arg(locale.toString(window.width, 'f', decimals), locale.toString(window.center, 'f', decimals)) + name;
}

/// Nothing in the images has a value that this window tells apart: all is black, or all white.
bool SliceAnnotations::isWindowOutside() const
{
    const Volume::Range range = m_shown.volume->range();
    const WindowLevel window = m_shown.windowOn(m_state.plane);
    return !m_shown.volume->isColor() && (window.center + window.width / 2 < range.minimum || window.center - window.width / 2 > range.maximum);
}

/// Of the bar that names two patients at the bottom; 0 without.
int SliceAnnotations::patientBarHeight() const { return m_state.areTwoPatients ? m_painter.fontMetrics().height() + 6 : 0; }

/// Half of the width for each corner, with room for the letter in the middle.
int SliceAnnotations::cornerWidth() const { return m_rect.width() / 2 - kMargin - 16; }

QStringList SliceAnnotations::bottomLeft() const
{
    const QLocale locale;
    QStringList lines{m_state.value, windowText()};
    if (!m_isSmall) {
        const QString withUnit = SliceAnnotations::tr("%1 mm").arg(m_state.place);
        lines.prepend(m_state.place.isEmpty() || m_painter.fontMetrics().horizontalAdvance(withUnit) > cornerWidth() ? m_state.place : withUnit);
        lines << SliceAnnotations::tr("Zoom %1 %, linear").arg(locale.toString(m_state.zoomPercent, 'f', 0));
    }
    return lines;
}

QStringList SliceAnnotations::bottomRight() const
{
    const QLocale locale;
    const dicom::Series& series = m_shown.series;
    const Geometry& geometry = m_shown.volume->geometry();
    const Plane plane = m_state.plane;
    const bool isVolume = series.kind == dicom::SeriesKind::Volume;
    QStringList lines{text(projectionName(series))};
    if (isVolume) {
        const double oblique = obliqueAngleDeg(geometry, plane, m_shown.turn);
        lines << (oblique > 1 || m_shown.isOblique(plane) ? SliceAnnotations::tr("%1 (oblique %2°)").arg(planeName(plane), locale.toString(oblique, 'f', 0)) : planeName(plane));
    }
    if (!m_isSmall && !series.text.seriesNumber.empty()) {
        lines << SliceAnnotations::tr("Series %1").arg(text(series.text.seriesNumber));
    }
    if (m_shown.sliceCount(plane) > 1) {
        lines << SliceAnnotations::tr("Image %1 / %2").arg(m_shown.slice(plane) + 1).arg(m_shown.sliceCount(plane));
    }
    if (isVolume && !m_isSmall) {
        const Vec3 normal = m_shown.isOblique(plane) ? m_shown.normal(plane) : geometry.direction(geometry.axisAcross(plane));
        const double position = dot(m_shown.volume->inPatient(m_frame.origin) - PointLps{}, normal);
        lines << SliceAnnotations::tr("%1 mm, %2 mm thick").arg(locale.toString(position, 'f', 1), locale.toString(sliceStepMm(geometry, normal), 'f', 1));
    }
    return lines;
}

/// @param alarming  a line that is drawn in red. @return the height that was used.
int SliceAnnotations::paintCorner(const QStringList& lines, Qt::Alignment corner, const QString& alarming)
{
    QStringList shown, red;
    const int width = cornerWidth();
    for (const QString& line : lines) {
        if (!line.isEmpty()) {
            shown << m_painter.fontMetrics().elidedText(line, Qt::ElideRight, width);
            red << (line == alarming ? shown.back() : QString());
        }
    }
    const QRect box = m_rect.adjusted(kMargin, 6, -kMargin, -6 - patientBarHeight());
    drawRimmedText(m_painter, box, int(corner), shown.join('\n'), theme::kText);
    if (!alarming.isEmpty()) {
        // The same lines, of which all others are empty: it lands on its place.
        m_painter.setPen(theme::kAlarm);
        m_painter.drawText(box, int(corner), red.join('\n'));
    }
    return int(shown.size()) * m_painter.fontMetrics().lineSpacing();
}

void SliceAnnotations::paintPatientBar()
{
    const QString who = text(m_shown.series.patient.displayName());
    const QString words = SliceAnnotations::tr("TWO PATIENTS: %1").arg(who.isEmpty() ? SliceAnnotations::tr("name unknown") : who);
    const int height = patientBarHeight();
    const QRect bar(m_rect.left(), m_rect.bottom() - height + 1, m_rect.width(), height);
    m_painter.fillRect(bar, theme::kDanger);
    m_painter.setPen(Qt::white);
    m_painter.drawText(bar.adjusted(6, 0, -6, 0), Qt::AlignCenter, m_painter.fontMetrics().elidedText(words, Qt::ElideRight, bar.width() - 12));
    for (const QRect& side : {QRect(m_rect.left(), m_rect.top(), 4, m_rect.height()), QRect(m_rect.right() - 3, m_rect.top(), 4, m_rect.height())}) {
        m_painter.fillRect(side, theme::kDanger);
    }
}

void SliceAnnotations::paintIdentity()
{
    m_topTexts = paintCorner(topLeft(), Qt::AlignLeft | Qt::AlignTop);
    m_topTexts = std::max(m_topTexts, paintCorner(topRight(), Qt::AlignRight | Qt::AlignTop));
}

void SliceAnnotations::paintTexts()
{
    paintIdentity();
    paintCorner(bottomLeft(), Qt::AlignLeft | Qt::AlignBottom, isWindowOutside() ? windowText() : QString());
    paintCorner(bottomRight(), Qt::AlignRight | Qt::AlignBottom);
}

void SliceAnnotations::paintMarks()
{
    if (m_state.areTwoPatients) {
        paintPatientBar();
    }
    QStringList marks = m_state.marks;
    if (m_shown.hasMask() && m_state.isMaskShown) {
        marks.prepend(SliceAnnotations::tr("AI: %1 %2").arg(text(m_shown.mask.provenance().expert), text(m_shown.mask.provenance().version)));
    }
    for (const Note& note : m_shown.volume->info().notes) {
        if (const QString mark = noteMark(note.code); !mark.isEmpty()) {
            marks << mark;
        }
    }
    if (m_shown.series.format == dicom::SeriesFormat::Picture) {
        marks << SliceAnnotations::tr("sides unknown");
    }
    const QRect box = m_rect.adjusted(28, std::max(m_topTexts, 16) + 10, -28, 0);
    drawRimmedText(m_painter, box, Qt::AlignHCenter | Qt::AlignTop | Qt::TextWordWrap, marks.join("  ·  "), theme::kWarning);
}

} // namespace hf
