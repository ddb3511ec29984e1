#include "viewer/widgets/SliceView.h"

#include "viewer/widgets/Scene.h"
#include "viewer/widgets/Theme.h"

#include <QLocale>
#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

namespace hf {

namespace {

QString text(const std::string& s) { return QString::fromStdString(s); }

QColor planeColor(Plane plane) { return plane == Plane::Axial ? theme::kAxial : plane == Plane::Sagittal ? theme::kSagittal : theme::kCoronal; }

/// White on a dark rim, readable on any image.
void drawText(QPainter& painter, const QRect& box, int flags, const QString& line, QColor color = theme::kText)
{
    painter.setPen(QColor(0, 0, 0, 200));
    for (const QPoint offset : {QPoint(1, 1), QPoint(-1, 1), QPoint(1, -1), QPoint(-1, -1)}) {
        painter.drawText(box.translated(offset), flags, line);
    }
    painter.setPen(color);
    painter.drawText(box, flags, line);
}

} // namespace

SliceView::SliceView(Scene* scene, Plane plane, QWidget* parent) : QWidget(parent), m_scene(scene), m_plane(plane)
{
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setAttribute(Qt::WA_OpaquePaintEvent);
    const auto repaint = [this] { update(); };
    connect(scene, &Scene::volumeChanged, this, [this] { volumeChanged(); });
    connect(scene, &Scene::windowChanged, this, repaint);
    connect(scene, &Scene::cursorChanged, this, repaint);
    connect(scene, &Scene::maskChanged, this, repaint);
    connect(scene, &Scene::maskStyleChanged, this, repaint);
    connect(scene, &Scene::activePlaneChanged, this, repaint);
}

void SliceView::setPlane(Plane plane)
{
    m_plane = plane;
    volumeChanged();
}

bool SliceView::isActive() const { return m_scene->activePlane() == m_plane; }

void SliceView::volumeChanged()
{
    fit();
    update();
}

void SliceView::fit()
{
    m_isFitted = true;
    m_panMm = {0, 0};
    if (m_scene->isEmpty()) {
        return;
    }
    const SliceFrame base = frameOf(m_scene->volume()->geometry(), m_scene->view(m_plane));
    m_mmPerPixel = std::max(base.width * base.pixelMm[0] / std::max(1, width()), base.height * base.pixelMm[1] / std::max(1, height())) * 1.01;
    update();
}

void SliceView::zoomBy(double factor, QPointF about)
{
    const double next = std::clamp(m_mmPerPixel / factor, 0.01, 50.0);
    const QPointF fromCentre = about - QPointF(width() / 2.0, height() / 2.0);
    m_panMm += fromCentre * (m_mmPerPixel - next);
    m_mmPerPixel = next;
    m_isFitted = false;
    update();
}

void SliceView::setCrosshairShown(bool shown)
{
    m_crosshair = shown;
    update();
}

void SliceView::setTextShown(bool shown)
{
    m_texts = shown;
    update();
}

SliceFrame SliceView::frame() const
{
    const SliceFrame base = frameOf(m_scene->volume()->geometry(), m_scene->view(m_plane));
    SliceFrame frame = base;
    frame.width = std::max(1, width());
    frame.height = std::max(1, height());
    frame.pixelMm = {m_mmPerPixel, m_mmPerPixel};
    const PointLps centre = base.toLps((base.width - 1) / 2.0, (base.height - 1) / 2.0) + base.right * m_panMm.x() + base.down * m_panMm.y();
    frame.origin = centre + base.right * (-(frame.width - 1) / 2.0 * m_mmPerPixel) + base.down * (-(frame.height - 1) / 2.0 * m_mmPerPixel);
    return frame;
}

Picture SliceView::picture() const
{
    const LabelMap* mask = m_scene->hasMask() && m_scene->isMaskShown() ? &m_scene->mask() : nullptr;
    return composeSlice(*m_scene->volume(), frame(), m_scene->window(), m_scene->isInverted(), Interpolation::Linear, mask, m_scene->overlayStyle());
}

void SliceView::resizeEvent(QResizeEvent*)
{
    if (m_isFitted) {
        fit();
    }
}

void SliceView::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    if (m_scene->isEmpty()) {
        painter.fillRect(rect(), Qt::black);
        return;
    }
    const SliceFrame grid = frame();
    const Picture image = picture();
    painter.drawImage(0, 0, QImage(image.rgb.data(), image.width, image.height, 3 * image.width, QImage::Format_RGB888));
    painter.setRenderHint(QPainter::TextAntialiasing);
    if (m_crosshair && m_scene->series().kind == dicom::SeriesKind::Volume) {
        paintCrosshair(painter, grid);
    }
    if (m_texts) {
        paintLetters(painter, grid);
        paintRuler(painter);
        paintTexts(painter, grid);
    }
    painter.setPen(QPen(isActive() ? theme::kAccent : theme::kRaised, isActive() ? 2 : 1));
    painter.drawRect(rect().adjusted(0, 0, -1, -1));
}

void SliceView::paintCrosshair(QPainter& painter, const SliceFrame& grid)
{
    const auto [x, y] = grid.toPixel(m_scene->cursor());
    constexpr double kGap = 12;
    // Each line has the colour of the plane that it stands for.
    const auto across = [&](Vec3 line) {
        const Geometry& geometry = m_scene->volume()->geometry();
        for (const Plane plane : {Plane::Axial, Plane::Sagittal, Plane::Coronal}) {
            const int axis = geometry.axisAcross(plane);
            if (plane != m_plane && std::abs(dot(geometry.direction(axis), line)) < 0.5) {
                return planeColor(plane);
            }
        }
        return theme::kText;
    };
    const auto pen = [](QColor color) {
        color.setAlpha(170);
        return QPen(color, 1);
    };
    painter.setPen(pen(across(grid.right)));
    painter.drawLine(QPointF(0, y), QPointF(x - kGap, y));
    painter.drawLine(QPointF(x + kGap, y), QPointF(width(), y));
    painter.setPen(pen(across(grid.down)));
    painter.drawLine(QPointF(x, 0), QPointF(x, y - kGap));
    painter.drawLine(QPointF(x, y + kGap), QPointF(x, height()));
}

void SliceView::paintLetters(QPainter& painter, const SliceFrame& grid)
{
    if (!m_scene->series().orientation && m_scene->series().format == dicom::SeriesFormat::Dicom) {
        return;     // the file does not tell how the image lies
    }
    const auto letters = [](Vec3 v) { return text(orientationLetters(v)); };
    QFont bold = painter.font();
    bold.setBold(true);
    painter.setFont(bold);
    drawText(painter, rect().adjusted(6, 0, -6, 0), Qt::AlignLeft | Qt::AlignVCenter, letters(grid.right * -1.0));
    drawText(painter, rect().adjusted(6, 0, -6, 0), Qt::AlignRight | Qt::AlignVCenter, letters(grid.right));
    drawText(painter, rect().adjusted(0, 5, 0, -5), Qt::AlignHCenter | Qt::AlignTop, letters(grid.down * -1.0));
    drawText(painter, rect().adjusted(0, 5, 0, -5), Qt::AlignHCenter | Qt::AlignBottom, letters(grid.down));
    bold.setBold(false);
    painter.setFont(bold);
}

void SliceView::paintRuler(QPainter& painter)
{
    const auto& notes = m_scene->volume()->info().notes;
    const bool hasScale = std::none_of(notes.begin(), notes.end(), [](const Note& note) { return note.code == "no-spacing"; });
    if (!hasScale || height() < 200) {
        return;
    }
    double lengthMm = 100;
    for (const double candidate : {100.0, 50.0, 20.0, 10.0, 5.0}) {
        lengthMm = candidate;
        if (candidate / m_mmPerPixel < height() * 0.5) {
            break;
        }
    }
    const double pixels = lengthMm / m_mmPerPixel, x = width() - 14, y = (height() - pixels) / 2 - 12;
    painter.setPen(QPen(QColor(0, 0, 0, 160), 3));
    painter.drawLine(QPointF(x, y), QPointF(x, y + pixels));
    painter.setPen(QPen(theme::kText, 1));
    painter.drawLine(QPointF(x, y), QPointF(x, y + pixels));
    for (int tick = 0; tick <= 10; ++tick) {
        const double at = y + pixels * tick / 10, length = tick % 5 == 0 ? 8 : 4;
        painter.drawLine(QPointF(x - length, at), QPointF(x, at));
    }
    drawText(painter, QRect(int(x) - 64, int(y + pixels) + 2, 70, 16), Qt::AlignRight | Qt::AlignTop, tr("%1 cm").arg(lengthMm / 10));
}

QString SliceView::valueUnderPointer(const SliceFrame& grid) const
{
    if (m_pointer.x() < 0) {
        return {};
    }
    const PointLps p = grid.toLps(m_pointer.x(), m_pointer.y());
    const ContinuousIndex c = m_scene->volume()->geometry().toIndex(p);
    const Index3 index{int(std::lround(c.i)), int(std::lround(c.j)), int(std::lround(c.k))};
    if (!m_scene->volume()->geometry().contains(index)) {
        return {};
    }
    const QString value = QLocale().toString(double(m_scene->volume()->valueAt(index)), 'g', 6);
    return m_scene->volume()->info().unit == Unit::Hu ? tr("%1 HU").arg(value) : value;
}

void SliceView::paintTexts(QPainter& painter, const SliceFrame& grid)
{
    const dicom::Series& series = m_scene->series();
    const Volume& volume = *m_scene->volume();
    const bool small = width() < 340 || height() < 260;
    const QLocale locale;
    const QRect box = rect().adjusted(8, 6, -8, -6);
    QFont font = painter.font();
    font.setPixelSize(small ? 10 : 12);
    painter.setFont(font);

    QStringList topLeft{text(series.patient.displayName())};
    QStringList topRight;
    if (!small) {
        topLeft << text(series.patient.id) << QStringList{text(series.patient.sex), text(series.patient.birthDate)}.join("  ").trimmed();
        topRight << text(series.text.institution) << (text(series.text.studyDate) + " " + text(series.text.studyTime)).trimmed() << text(series.text.studyDescription);
    }
    topRight << text(series.text.seriesDescription);
    topLeft.removeAll(QString());
    topRight.removeAll(QString());
    drawText(painter, box, Qt::AlignLeft | Qt::AlignTop, topLeft.join('\n'));
    drawText(painter, box, Qt::AlignRight | Qt::AlignTop, topRight.join('\n'));

    const WindowLevel& window = m_scene->window();
    QStringList bottomLeft;
    if (!volume.isColor()) {
        bottomLeft << tr("W %1  L %2").arg(locale.toString(window.width, 'f', window.width < 10 ? 1 : 0), locale.toString(window.center, 'f', window.width < 10 ? 1 : 0)) +
                (window.name.empty() ? QString() : "  " + text(window.name));
    }
    const QString value = valueUnderPointer(grid);
    if (!value.isEmpty()) {
        bottomLeft.prepend(value);
    }
    if (!small) {
        bottomLeft << tr("Zoom %1 %").arg(locale.toString(100 * volume.geometry().spacingMm()[0] / m_mmPerPixel, 'f', 0));
    }
    drawText(painter, box, Qt::AlignLeft | Qt::AlignBottom, bottomLeft.join('\n'));

    QStringList bottomRight;
    const QString planeName = m_plane == Plane::Axial ? tr("Axial") : m_plane == Plane::Sagittal ? tr("Sagittal") : tr("Coronal");
    if (series.kind == dicom::SeriesKind::Volume) {
        const bool oblique = volume.geometry().obliquityDeg(m_plane) > 1;
        bottomRight << planeName + (oblique ? tr(" (oblique %1°)").arg(locale.toString(volume.geometry().obliquityDeg(m_plane), 'f', 0)) : QString());
    }
    if (!small && !series.text.seriesNumber.empty()) {
        bottomRight << tr("Series %1").arg(text(series.text.seriesNumber));
    }
    const int count = m_scene->sliceCount(m_plane);
    if (count > 1) {
        bottomRight << tr("Image %1 / %2").arg(m_scene->slice(m_plane) + 1).arg(count);
        const int axis = volume.geometry().axisAcross(m_plane);
        if (series.kind == dicom::SeriesKind::Volume && !small) {
            bottomRight << tr("%1 mm thick").arg(locale.toString(volume.geometry().spacingMm()[std::size_t(axis)], 'f', 1));
        }
    }
    drawText(painter, box, Qt::AlignRight | Qt::AlignBottom, bottomRight.join('\n'));

    // Marks that are never hidden.
    QStringList marks;
    if (m_scene->hasMask() && m_scene->isMaskShown()) {
        marks << tr("AI: %1 %2").arg(text(m_scene->mask().provenance().expert), text(m_scene->mask().provenance().version));
    }
    for (const Note& note : volume.info().notes) {
        static const QStringList kShown{"tilt", "missing-slices", "non-uniform-spacing", "lossy", "partial", "no-spacing", "duplicate-slices"};
        if (kShown.contains(text(note.code))) {
            marks << (note.code == "lossy" ? tr("lossy") : note.code == "tilt" ? tr("gantry tilt, resampled") : note.code == "missing-slices" ? tr("missing slices, interpolated")
                    : note.code == "non-uniform-spacing" ? tr("uneven slices, resampled") : note.code == "partial" ? tr("images missing") : note.code == "no-spacing" ? tr("no scale")
                    : tr("duplicate slices left out"));
        }
    }
    drawText(painter, box.adjusted(0, 44, 0, 0), Qt::AlignHCenter | Qt::AlignTop, marks.join("  ·  "), theme::kWarning);
}

void SliceView::scrollBy(int slices) { m_scene->setSlice(m_plane, m_scene->slice(m_plane) + slices); }

void SliceView::wheelEvent(QWheelEvent* event)
{
    if (m_scene->isEmpty()) {
        return;
    }
    m_scene->setActivePlane(m_plane);
    m_wheel += (event->angleDelta().y() != 0 ? event->angleDelta().y() : event->angleDelta().x()) / 120.0;
    const int steps = int(m_wheel);
    m_wheel -= steps;
    if (steps != 0) {
        if (event->modifiers() & Qt::ControlModifier) {
            zoomBy(std::pow(1.15, steps), event->position());
        } else {
            // Towards the reader is further along the stack: down in the body for a stack that runs to the head.
            scrollBy(-steps * (event->modifiers() & Qt::ShiftModifier ? 10 : 1));
        }
    }
    event->accept();
}

void SliceView::mousePressEvent(QMouseEvent* event)
{
    if (m_scene->isEmpty()) {
        return;
    }
    m_scene->setActivePlane(m_plane);
    m_pressed = m_last = event->position().toPoint();
    m_moved = false;
    m_drag = event->button() == Qt::LeftButton ? Drag::Window : event->button() == Qt::MiddleButton ? Drag::Pan : event->button() == Qt::RightButton ? Drag::Zoom : Drag::None;
}

void SliceView::dragWindow(QPoint delta)
{
    if (m_scene->volume()->isColor()) {
        return;
    }
    // A full drag across the view changes the window by about its own size.
    WindowLevel window = m_scene->window();
    const double step = std::max(window.width, 1e-3) / 300.0;
    window.width = std::max(window.width + delta.x() * step * 1.5, m_scene->volume()->type() == VoxelType::Float32 ? 1e-6 : 1.0);
    window.center -= delta.y() * step * 1.5;
    window.name.clear();
    m_scene->setWindow(window);
}

void SliceView::mouseMoveEvent(QMouseEvent* event)
{
    const QPoint at = event->position().toPoint();
    m_pointer = at;
    if (m_scene->isEmpty()) {
        return;
    }
    if (m_drag == Drag::None) {
        if (event->modifiers() & Qt::ShiftModifier) {
            m_scene->setCursor(frame().toLps(at.x(), at.y()));
        }
        update();
        return;
    }
    if (!m_moved && (at - m_pressed).manhattanLength() < 4) {
        return;
    }
    m_moved = true;
    const QPoint delta = at - m_last;
    m_last = at;
    switch (m_drag) {
    case Drag::Window:
        dragWindow(delta);
        break;
    case Drag::Pan:
        m_panMm -= QPointF(delta) * m_mmPerPixel;
        m_isFitted = false;
        update();
        break;
    case Drag::Zoom:
        zoomBy(std::exp(-delta.y() * 0.006), m_pressed);
        break;
    case Drag::None:
        break;
    }
}

void SliceView::mouseReleaseEvent(QMouseEvent* event)
{
    if (m_scene->isEmpty() || m_drag == Drag::None) {
        return;
    }
    const Drag drag = m_drag;
    m_drag = Drag::None;
    if (!m_moved && drag == Drag::Window) {
        m_scene->setCursor(frame().toLps(event->position().x(), event->position().y()));
    } else if (!m_moved && drag == Drag::Zoom) {
        Q_EMIT contextMenuAsked(this, event->globalPosition().toPoint());
    }
}

void SliceView::mouseDoubleClickEvent(QMouseEvent* event)
{
    if (event->button() == Qt::LeftButton) {
        m_drag = Drag::None;
        Q_EMIT maximizeRequested(this);
    }
}

void SliceView::leaveEvent(QEvent*)
{
    m_pointer = {-1, -1};
    update();
}

} // namespace hf
