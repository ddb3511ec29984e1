#include "viewer/widgets/SliceView.h"

#include "viewer/widgets/Findings.h"
#include "viewer/widgets/MeasurementText.h"
#include "viewer/widgets/PresentationPainter.h"
#include "viewer/widgets/ProjectionSides.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceAnnotations.h"
#include "viewer/widgets/Theme.h"

#include <QLineEdit>
#include <QLocale>
#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>
#include <QScreen>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>
#include <functional>

namespace hf {

SliceView::SliceView(Scene* scene, Findings* findings, Plane plane, QWidget* parent) : QWidget(parent), m_scene(scene), m_findings(findings), m_measure(scene, findings), m_axes(scene), m_plane(plane)
{
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setAttribute(Qt::WA_OpaquePaintEvent);
    setAccessibleName(planeName(plane));
    const auto repaint = [this] { update(); };
    connect(scene, &Scene::aboutToChange, this, &SliceView::commitText);
    connect(scene, &Scene::volumeChanged, this, [this] { seriesChanged(); });
    connect(scene, &Scene::shownChanged, this, [this] { seriesChanged(); });
    connect(scene, &Scene::turnChanged, this, repaint);
    connect(scene, &Scene::linkChanged, this, repaint);
    connect(scene, &Scene::windowChanged, this, repaint);
    connect(scene, &Scene::slabChanged, this, repaint);
    connect(scene, &Scene::subtractionChanged, this, repaint);
    connect(scene, &Scene::cursorChanged, this, [this] { followPresentation(); });
    connect(scene, &Scene::presentationChanged, this, [this] {
        if (&shown() == &m_scene->active()) {
            resetView();
        }
    });
    connect(scene, &Scene::maskChanged, this, repaint);
    connect(scene, &Scene::maskStyleChanged, this, repaint);
    connect(scene, &Scene::activePlaneChanged, this, repaint);
    connect(scene, &Scene::toolChanged, this, [this] {
        m_measure.cancel();
        m_measure.setKeyCursor(std::nullopt);
        if (hasFocus()) {
            showKeyCursor();
        }
        updateCursor();
        update();
    });
    connect(findings, &Findings::changed, this, repaint);
    connect(findings, &Findings::selectedChanged, this, repaint);
}

void SliceView::setPlane(Plane plane)
{
    m_plane = plane;
    setAccessibleName(planeName(plane));
    startOver();
}

void SliceView::followActive()
{
    m_followsActive = true;
    m_series.clear();
    m_measure.setSeries({});
    seriesChanged();
}

void SliceView::setSeries(const std::string& key)
{
    m_followsActive = false;
    m_series = key;
    m_measure.setSeries(key);
    seriesChanged();
}

const ShownSeries& SliceView::shown() const
{
    static const ShownSeries none;
    if (m_followsActive) {
        return m_scene->active();
    }
    const ShownSeries* own = m_scene->find(m_series);
    return own ? *own : none;
}

bool SliceView::isEmpty() const { return shown().isEmpty(); }

bool SliceView::isActive() const { return m_isActive.value_or(m_scene->activePlane() == m_plane); }

void SliceView::setActive(bool active)
{
    m_isActive = active;
    update();
}

void SliceView::setTwoPatients(bool two)
{
    m_twoPatients = two;
    update();
}

void SliceView::setDropTarget(bool target)
{
    m_dropTarget = target;
    update();
}

void SliceView::activate()
{
    if (!isEmpty()) {
        m_followsActive ? m_scene->setActivePlane(m_plane) : m_scene->activate(m_series, m_plane);
    }
    Q_EMIT activated(this);
}

void SliceView::seriesChanged()
{
    // Another view that becomes active, or a place that moves, must not undo the reader's zoom.
    if (shown().series.key != m_shownKey || isEmpty()) {
        startOver();
    }
    followPresentation();
}

void SliceView::startOver()
{
    m_shownKey = isEmpty() ? std::string() : shown().series.key;
    m_measure.cancel();
    m_measure.setKeyCursor(std::nullopt);
    m_axes.release();
    resetView();
    updateCursor();
}

SliceFrame SliceView::baseFrame() const { return shown().frame(m_plane); }

void SliceView::fit()
{
    m_isFitted = true;
    m_isReset = false;
    m_panMm = {0, 0};
    if (isEmpty()) {
        return;
    }
    m_mmPerPixel = fittedScale();
    if (m_scaleOfOthers && isFittedWithOthers()) {
        m_mmPerPixel = std::max(m_mmPerPixel, m_scaleOfOthers());
    }
    update();
}

bool SliceView::isFittedWithOthers() const { return !isEmpty() && shown().series.spacingMm[0] > 0 && hungSides(shown().series); }

double SliceView::fittedScale() const
{
    const SliceFrame base = baseFrame();
    double widthMm = base.width * base.pixelMm[0], heightMm = base.height * base.pixelMm[1];
    if (m_orientation.rightX == 0) {
        std::swap(widthMm, heightMm);
    }
    return std::max(widthMm / std::max(1, width()), heightMm / std::max(1, height())) * m_fitMargin;
}

void SliceView::followOthers()
{
    if (m_isReset) {
        resetView();
    } else if (m_isFitted) {
        fit();
    }
}

void SliceView::showOneToOne()
{
    if (isEmpty()) {
        return;
    }
    const SliceFrame base = baseFrame();
    m_mmPerPixel = std::min(base.pixelMm[0], base.pixelMm[1]) * devicePixelRatioF();
    m_isFitted = m_isReset = false;
    update();
}

void SliceView::zoomBy(double factor, QPointF about)
{
    const double next = std::clamp(m_mmPerPixel / factor, 0.005, 50.0);
    const QPointF fromCentre = about - QPointF(width() / 2.0, height() / 2.0);
    m_panMm += toSlice(fromCentre * (m_mmPerPixel - next));
    m_mmPerPixel = next;
    m_isFitted = m_isReset = false;
    update();
}

QPointF SliceView::toSlice(QPointF screen) const
{
    const ViewOrientation& o = m_orientation;
    return {screen.x() * o.rightX + screen.y() * o.downX, screen.x() * o.rightY + screen.y() * o.downY};
}

void SliceView::setOrientation(const ViewOrientation& orientation)
{
    m_orientation = orientation;
    m_isReset = false;
    if (m_isFitted) {
        fit();
    }
    update();
}

void SliceView::flip(Qt::Orientation direction)
{
    ViewOrientation o = m_orientation;
    if (direction == Qt::Horizontal) {
        o.rightX = -o.rightX;
        o.rightY = -o.rightY;
    } else {
        o.downX = -o.downX;
        o.downY = -o.downY;
    }
    setOrientation(o);
}

void SliceView::turn(bool clockwise)
{
    // Clockwise, what was up comes to the right and what was right comes down.
    const ViewOrientation o = m_orientation;
    setOrientation(clockwise ? ViewOrientation{-o.downX, -o.downY, o.rightX, o.rightY} : ViewOrientation{o.downX, o.downY, -o.rightX, -o.rightY});
}

ViewOrientation SliceView::orientationOf(const dicom::Presentation& state) const
{
    const SliceFrame base = baseFrame();
    const Geometry& geometry = shown().volume->geometry();
    const dicom::Presentation::Sides sides = state.sides();
    const auto inPatient = [&](const dicom::Presentation::Point& step) { return geometry.direction(0) * step[0] + geometry.direction(1) * step[1]; };
    const Vec3 right = inPatient(sides.right), down = inPatient(sides.down);
    const auto share = [](Vec3 a, Vec3 b) { return int(std::lround(dot(a, b))); };
    return {share(right, base.right), share(right, base.down), share(down, base.right), share(down, base.down)};
}

/// A mammogram by the convention: its chest wall at the inner border of the view, where that of the other breast is.
void SliceView::hang(const HungSides& sides)
{
    m_orientation = {sides.right[0], sides.right[1], sides.down[0], sides.down[1]};
    fit();
    const SliceFrame base = baseFrame();
    const double widthMm = m_orientation.rightX != 0 ? base.width * base.pixelMm[0] : base.height * base.pixelMm[1];
    const double freeMm = width() * m_mmPerPixel - widthMm;
    m_panMm = toSlice(QPointF(shown().series.text.laterality == "R" ? -freeMm / 2 : freeMm / 2, 0));
}

/// The displayed area in the middle of the view (PS3.3 C.10.4).
void SliceView::showArea(const dicom::Presentation::Area& area)
{
    const SliceFrame base = baseFrame();
    const Geometry& geometry = shown().volume->geometry();
    const ContinuousIndex middle{(area.low[0] + area.high[0] - 1) / 2, (area.low[1] + area.high[1] - 1) / 2, double(shown().slice(m_plane))};
    const Vec3 offset = geometry.toLps(middle) - base.toLps((base.width - 1) / 2.0, (base.height - 1) / 2.0);
    m_panMm = {dot(offset, base.right), dot(offset, base.down)};
    m_isFitted = false;
    const double columnMm = geometry.spacingMm()[0];
    double widthMm = (area.high[0] - area.low[0]) * columnMm, heightMm = (area.high[1] - area.low[1]) * geometry.spacingMm()[1];
    if (shown().state()->rotationDeg % 180 != 0) {
        std::swap(widthMm, heightMm);
    }
    switch (area.mode) {
    case dicom::Presentation::SizeMode::Fit: m_mmPerPixel = std::max(widthMm / std::max(1, width()), heightMm / std::max(1, height())); break;
    case dicom::Presentation::SizeMode::TrueSize: m_mmPerPixel = columnMm / area.spacingMm * (25.4 / screen()->physicalDotsPerInchX()); break;
    case dicom::Presentation::SizeMode::Magnify: m_mmPerPixel = columnMm * devicePixelRatioF() / area.magnification; break;
    }
    m_mmPerPixel = std::clamp(m_mmPerPixel, 1e-4, 1e4);     // whatever the file says
}

void SliceView::resetView()
{
    const dicom::Presentation* state = isEmpty() ? nullptr : shown().stateOn(m_plane);
    const auto hung = isEmpty() || state ? std::nullopt : hungSides(shown().series);
    m_orientation = state ? orientationOf(*state) : ViewOrientation{};
    fit();
    if (hung) {
        hang(*hung);
    }
    if (state) {
        const dicom::Image* image = shown().imageOn(m_plane);
        if (const auto* area = state->findArea(image->sopInstanceUid, image->frame)) {
            showArea(*area);
        }
    }
    m_isReset = true;
    update();
}

ViewPlacement SliceView::placement() const { return {m_shownKey, m_plane, m_orientation, m_isFitted, m_isReset, m_panMm, m_mmPerPixel}; }

void SliceView::setPlacement(const ViewPlacement& placement)
{
    if (placement.isReset) {
        resetView();
        return;
    }
    setOrientation(placement.orientation);
    m_isFitted = placement.isFitted;
    m_panMm = placement.panMm;
    m_mmPerPixel = placement.mmPerPixel;
    if (m_isFitted) {
        fit();
    }
}

/// Each image may have its own place on the screen, until the reader moves it.
void SliceView::followPresentation()
{
    if (m_isReset && !isEmpty() && shown().state()) {
        resetView();
    }
    update();
}

void SliceView::setFittedToEdges(bool isToEdges)
{
    m_fitMargin = isToEdges ? 1 : 1.01;
    followOthers();
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
    const SliceFrame base = baseFrame();
    const ViewOrientation& o = m_orientation;
    SliceFrame frame;
    frame.width = std::max(1, width());
    frame.height = std::max(1, height());
    frame.pixelMm = {m_mmPerPixel, m_mmPerPixel};
    frame.right = base.right * o.rightX + base.down * o.rightY;
    frame.down = base.right * o.downX + base.down * o.downY;
    const PointLps centre = base.toLps((base.width - 1) / 2.0, (base.height - 1) / 2.0) + base.right * m_panMm.x() + base.down * m_panMm.y();
    frame.origin = centre + frame.right * (-(frame.width - 1) / 2.0 * m_mmPerPixel) + frame.down * (-(frame.height - 1) / 2.0 * m_mmPerPixel);
    return frame;
}

const LabelMap* SliceView::shownMask() const
{
    const ShownSeries& own = shown();
    return own.hasMask() && m_scene->isMaskShown() ? &own.mask : nullptr;
}

Picture SliceView::compose(const SliceFrame& grid) const
{
    const ShownSeries& own = shown();
    Picture picture = composeSlab(*own.volume, grid, own.windowOn(m_plane), own.isPictureInverted(), Interpolation::Linear, own.slab, shownMask(), m_scene->overlayStyle(own));
    cover(picture, grid);
    return picture;
}

Picture SliceView::composeAgain(const SliceFrame& grid)
{
    const ShownSeries& own = shown();
    const LabelMap* mask = shownMask();
    static const LabelMap none;
    const LabelMap& held = mask ? *mask : none;
    const OverlayStyle style = m_scene->overlayStyle(own);
    const bool isSame = m_painted && m_painted->volume.lock() == own.volume && m_painted->frame == grid && m_painted->slab == own.slab && m_painted->mask.isSame(held) && m_painted->style == style;
    if (!isSame) {
        m_painted.emplace(own.volume, grid, own.slab, held, style, SampledSlice(*own.volume, grid, Interpolation::Linear, own.slab, mask, style));
    }
    Picture picture = m_painted->slice.compose(own.windowOn(m_plane), own.isPictureInverted());
    cover(picture, grid);
    return picture;
}

/// The shutters of a presentation state.
void SliceView::cover(Picture& picture, const SliceFrame& grid) const
{
    const ShownSeries& own = shown();
    if (const auto shutter = own.shutterOn(m_plane)) {
        applyShutter(picture, grid, own.volume->geometry(), own.straightSlice(m_plane), *shutter);
    }
}

void SliceView::hideEvent(QHideEvent*) { m_painted.reset(); }

void SliceView::resizeEvent(QResizeEvent*)
{
    if (m_isReset) {
        resetView();
    } else if (m_isFitted) {
        fit();
    }
}

namespace {

/// A text that is typed on the image; Escape gives it up.
class TextEditor : public QLineEdit {
public:
    TextEditor(QWidget* parent, std::function<void()> given) : QLineEdit(parent), m_given(std::move(given)) {}

protected:
    bool event(QEvent* event) override
    {
        const bool isEscape = (event->type() == QEvent::ShortcutOverride || event->type() == QEvent::KeyPress) && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape;
        if (!isEscape) {
            return QLineEdit::event(event);
        }
        event->accept();    // it is no shortcut here
        if (event->type() == QEvent::KeyPress) {
            m_given();
            hide();
            deleteLater();
        }
        return true;
    }

private:
    std::function<void()> m_given;
};


/// The part of a frame from `topLeft` on, in `ratio` times finer pixels.
SliceFrame refined(const SliceFrame& frame, QPointF topLeft, QSize size, double ratio)
{
    SliceFrame fine = frame;
    fine.pixelMm = {frame.pixelMm[0] / ratio, frame.pixelMm[1] / ratio};
    fine.width = size.width();
    fine.height = size.height();
    // The first fine pixel lies inside the first coarse one: its centre is nearer to the corner.
    fine.origin = frame.toLps(topLeft.x() - 0.5 + 0.5 / ratio, topLeft.y() - 0.5 + 0.5 / ratio);
    return fine;
}

QImage toImage(const Picture& picture) { return QImage(picture.rgb.data(), picture.width, picture.height, 3 * picture.width, QImage::Format_RGB888).copy(); }

} // namespace

void SliceView::paintImage(QPainter& painter)
{
    const double ratio = devicePixelRatioF();
    const Picture picture = composeAgain(refined(frame(), {0, 0}, (QSizeF(size()) * ratio).toSize(), ratio));
    QImage image(picture.rgb.data(), picture.width, picture.height, 3 * picture.width, QImage::Format_RGB888);
    image.setDevicePixelRatio(ratio);
    painter.drawImage(0, 0, image);
}

void SliceView::paintLens(QPainter& painter)
{
    constexpr int kRadius = 90;
    constexpr double kPower = 2.5;
    const double ratio = devicePixelRatioF();
    const QPointF corner = QPointF(m_pointer) - QPointF(kRadius, kRadius) / kPower;
    QImage image = toImage(compose(refined(frame(), corner, (QSizeF(2 * kRadius, 2 * kRadius) * ratio).toSize(), kPower * ratio)));
    image.setDevicePixelRatio(ratio);
    painter.save();
    QPainterPath circle;
    circle.addEllipse(QPointF(m_pointer), kRadius, kRadius);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setClipPath(circle);
    painter.drawImage(QPointF(m_pointer) - QPointF(kRadius, kRadius), image);
    painter.setClipping(false);
    painter.setPen(QPen(theme::kAccent, 2));
    painter.drawPath(circle);
    painter.restore();
}

void SliceView::paintEmpty(QPainter& painter) const
{
    painter.fillRect(rect(), Qt::black);
    if (!m_followsActive) {
        painter.setPen(theme::kImageDim);
        painter.drawText(rect().adjusted(12, 12, -12, -12), int(Qt::AlignCenter) | int(Qt::TextWordWrap), tr("Drag a series here, or choose one in the list."));
        paintFrame(painter);
    }
}

void SliceView::paintFrame(QPainter& painter) const
{
    painter.setPen(QPen(isActive() ? theme::kAccent : theme::kImageFrame, isActive() ? 2 : 1));
    painter.drawRect(rect().adjusted(0, 0, -1, -1));
    if (m_dropTarget) {
        QColor tint = theme::kAccent;
        tint.setAlpha(60);
        painter.fillRect(rect(), tint);
    }
}

void SliceView::paintReferences(QPainter& painter, const SliceFrame& grid) const
{
    if (!m_references) {
        return;
    }
    for (const ReferenceSlice& slice : m_references()) {
        if (const auto line = cutLine(grid, slice.frame)) {
            const auto at = [&](PointLps p) {
                const auto [x, y] = grid.toPixel(p);
                return QPointF(x, y);
            };
            QColor color = theme::kReference;
            color.setAlpha(slice.isActive ? 230 : 110);
            painter.setPen(QPen(color, slice.isActive ? 1.5 : 1, slice.isActive ? Qt::SolidLine : Qt::DashLine));
            painter.drawLine(at(line->first), at(line->second));
        }
    }
}

void SliceView::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    if (isEmpty()) {
        m_painted.reset();
        paintEmpty(painter);
        return;
    }
    const ShownSeries& own = shown();
    const SliceFrame grid = frame(), base = baseFrame();
    paintImage(painter);
    painter.setRenderHint(QPainter::TextAntialiasing);
    const double zoom = 100 * std::min(base.pixelMm[0], base.pixelMm[1]) * devicePixelRatioF() / m_mmPerPixel;
    SliceAnnotations annotations(painter, rect(), own, grid, {m_plane, valueUnderPointer(grid), placeUnderPointer(grid), zoom, viewMarks(), m_scene->isMaskShown(), m_twoPatients});
    // Centres of the frame's pixels are half a pixel inside the painter's.
    painter.translate(0.5, 0.5);
    PresentationPainter(own, m_plane, grid).paintGraphics(painter);
    paintReferences(painter, grid);
    if (m_crosshair && own.isVolume()) {
        annotations.paintCrosshair();
        m_axes.paintHandles(painter, own, grid, m_plane, size());
    } else if (m_crosshair && m_linkedPlace) {
        if (const auto place = m_linkedPlace()) {
            annotations.paintLinkedPlace(*place);
        }
    }
    m_measure.paint(painter, grid);
    if (hasFocus()) {
        m_measure.paintKeyCursor(painter, grid);
    }
    painter.translate(-0.5, -0.5);
    if (m_texts) {
        annotations.paintTexts();
        annotations.paintLetters();
        annotations.paintRuler();
    }
    annotations.paintMarks();
    if (m_drag == Drag::Magnify) {
        paintLens(painter);
    }
    paintFrame(painter);
}

void SliceView::toggleKeyImage()
{
    if (isEmpty()) {
        return;
    }
    if (const int id = m_measure.keyImageAt(frame())) {
        m_findings->remove(id);
        return;
    }
    const SliceFrame base = baseFrame();
    Measurement mark;
    mark.kind = MeasurementKind::KeyImage;
    mark.points = {base.toLps((base.width - 1) / 2.0, (base.height - 1) / 2.0)};
    mark.right = base.right;
    mark.down = base.down;
    m_findings->add(mark);
}

QStringList SliceView::viewMarks() const
{
    QStringList marks;
    if (m_measure.keyImageAt(frame())) {
        marks << tr("key image");
    }
    if (shown().slab.isOn()) {
        marks << slabMark();
    }
    if (const dicom::Presentation* state = shown().stateOn(m_plane)) {
        const QString label = QString::fromStdString(state->label);
        marks << (state->notApplied.empty() ? tr("presentation state %1").arg(label) : tr("presentation state %1, in part").arg(label));
    } else if (const dicom::Presentation* grey = shown().stateAtCursor()) {
        marks << tr("grey values of presentation state %1").arg(QString::fromStdString(grey->label));
    }
    marks << subtractionMarks();
    if (shown().isShutterOpen && shown().storedShutterOn(m_plane)) {
        marks << tr("shutter open");
    }
    if (isTurned()) {
        const ViewOrientation& o = m_orientation;
        marks << (o.rightX * o.downY - o.rightY * o.downX < 0 ? tr("flipped") : tr("turned"));
    }
    if (shown().isOblique(m_plane)) {
        marks << tr("oblique %1°").arg(QLocale().toString(obliqueAngleDeg(shown().volume->geometry(), m_plane, shown().turn), 'f', 0));
    }
    return marks + linkMarks();
}

/// How thick the slice is; near the end of the images that is less than what the reader chose.
QString SliceView::slabMark() const
{
    const Slab& slab = shown().slab;
    const Geometry& geometry = shown().volume->geometry();
    const SliceFrame grid = frame();
    const QLocale locale;
    const QString mode = slab.mode == SlabMode::Maximum ? tr("MIP") : slab.mode == SlabMode::Minimum ? tr("MinIP") : tr("Mean");
    const double whole = shownThicknessMm(geometry, grid.normal(), slab.thicknessMm), inside = thicknessInVolumeMm(geometry, grid.origin, grid.normal(), slab.thicknessMm);
    return inside < whole ? tr("%1 of %2 mm instead of %3 mm: end of the images").arg(mode, locale.toString(inside, 'g', 4), locale.toString(whole, 'g', 4))
                          : tr("%1 of %2 mm").arg(mode, locale.toString(whole, 'g', 4));
}

QStringList SliceView::subtractionMarks() const
{
    const ShownSeries& own = shown();
    if (!own.native) {
        const bool isWanted = own.wantedSubtraction() != nullptr;
        const bool isRecommended = own.canSubtract() && own.storedSubtraction() && own.storedSubtraction()->isRecommended;
        return isWanted ? QStringList(tr("being subtracted")) : isRecommended ? QStringList(tr("not subtracted")) : QStringList();
    }
    const Subtraction::Slice& slice = own.subtraction->slices[std::size_t(own.straightSlice(m_plane))];
    if (slice.contrast.empty()) {
        return {tr("not subtracted: this image has no mask")};
    }
    QStringList masks;
    for (const int mask : slice.mask) {
        masks << QString::number(mask + 1);
    }
    constexpr qsizetype kMost = 4;
    if (masks.size() > kMost) {
        masks = {masks.first(), "…", masks.last()};
    }
    return {tr("subtracted, mask: image %1").arg(masks.join(' '))};
}

QStringList SliceView::linkMarks() const
{
    const ShownSeries& own = shown();
    QStringList marks;
    if (m_scene->link().isOn() && m_scene->link().manualOffset(m_scene->active(), own)) {
        marks << tr("place matched by hand");
    }
    if (own.outsideMm() > sliceStepMm(own.volume->geometry(), own.normal(m_plane))) {
        marks << tr("place is %1 mm outside this series").arg(QLocale().toString(own.outsideMm(), 'f', 0));
    }
    return marks;
}

std::optional<QPointF> SliceView::pointedAt(const SliceFrame& grid) const
{
    if (m_measure.keyCursor() && hasFocus()) {
        const auto [x, y] = grid.toPixel(*m_measure.keyCursor());
        return QPointF(x, y);
    }
    return m_pointer.x() < 0 ? std::nullopt : std::optional(QPointF(m_pointer));
}

QString SliceView::valueUnderPointer(const SliceFrame& grid) const
{
    const auto at = pointedAt(grid);
    if (!at) {
        return {};
    }
    const Volume& volume = *shown().volume;
    const ContinuousIndex c = volume.geometry().toIndex(grid.toLps(at->x(), at->y()));
    const Index3 index{int(std::lround(c.i)), int(std::lround(c.j)), int(std::lround(c.k))};
    if (!volume.geometry().contains(index)) {
        return {};
    }
    if (volume.isColor()) {
        const auto rgb = volume.rgb().subspan(3 * volume.geometry().offset(index), 3);
        return tr("R %1  G %2  B %3").arg(rgb[0]).arg(rgb[1]).arg(rgb[2]);
    }
    double under = volume.valueAt(index);
    if (shown().slab.isOn()) {
        SliceFrame pixel = grid;
        pixel.origin = grid.toLps(at->x(), at->y());
        pixel.width = pixel.height = 1;
        under = std::visit([](const auto& values) { return double(values.front()); }, sampleSlab(volume, pixel, Interpolation::Nearest, shown().slab));
    }
    return voxelText(under, volume.info().unit);
}

/// Where the pointer is in the patient; empty where the file does not tell.
QString SliceView::placeUnderPointer(const SliceFrame& grid) const
{
    const ShownSeries& own = shown();
    const auto pointed = pointedAt(grid);
    if (!pointed || !own.isPlaced()) {
        return {};
    }
    const PointLps at = grid.toLps(pointed->x(), pointed->y());
    const ContinuousIndex c = own.volume->geometry().toIndex(at);
    return own.volume->geometry().contains({int(std::lround(c.i)), int(std::lround(c.j)), int(std::lround(c.k))}) ? placeText(own.volume->inPatient(at)) : QString();
}

int SliceView::measurementAt(QPoint at) const { return isEmpty() ? 0 : m_measure.measurementAt(frame(), at); }

void SliceView::scrollDown(int slices) { m_scene->setSlice(m_plane, m_scene->slice(m_plane) + (shown().isVolume() ? -slices : slices)); }

void SliceView::wheelEvent(QWheelEvent* event)
{
    if (isEmpty()) {
        return;
    }
    activate();
    m_wheel += (event->angleDelta().y() != 0 ? event->angleDelta().y() : event->angleDelta().x()) / 120.0;
    const int steps = int(m_wheel);
    m_wheel -= steps;
    if (steps != 0) {
        if (event->modifiers() & Qt::ControlModifier) {
            Q_EMIT changeBegan();
            zoomBy(std::pow(1.15, steps), event->position());
            Q_EMIT changeEnded(nameOf(Drag::Zoom), true);
        } else if (!m_measure.isBusy()) {       // a drawing lies in one slice
            scrollDown(-steps * (event->modifiers() & Qt::ShiftModifier ? 10 : 1));
        }
    }
    event->accept();
}

SliceView::Drag SliceView::dragOf(const QMouseEvent& event) const
{
    const auto dragFor = [](MouseDrag drag) {
        switch (drag) {
        case MouseDrag::Window: return Drag::Window;
        case MouseDrag::Pan: return Drag::Pan;
        case MouseDrag::Zoom: return Drag::Zoom;
        case MouseDrag::Scroll: return Drag::Scroll;
        case MouseDrag::Crosshair: return Drag::Crosshair;
        }
        return Drag::None;
    };
    const MouseMap& mouse = m_scene->mouseMap();
    switch (event.button()) {
    case Qt::MiddleButton: return dragFor(mouse.middle);
    case Qt::RightButton: return dragFor(mouse.right);
    case Qt::LeftButton: break;
    default: return Drag::None;
    }
    switch (m_scene->tool()) {
    case Tool::Window: return event.modifiers() & Qt::ShiftModifier ? Drag::Pan : dragFor(mouse.left);
    case Tool::Pan: return Drag::Pan;
    case Tool::Zoom: return Drag::Zoom;
    case Tool::Scroll: return Drag::Scroll;
    case Tool::Magnify: return Drag::Magnify;
    default: return dragFor(mouse.left);
    }
}

/// Of those that make a step of undo; empty for the others.
QString SliceView::nameOf(Drag drag)
{
    switch (drag) {
    case Drag::Window: return tr("Window and level");
    case Drag::Pan: return tr("Pan");
    case Drag::Zoom: return tr("Zoom");
    case Drag::Axes: return tr("Turn the planes");
    default: return {};
    }
}

void SliceView::mousePressEvent(QMouseEvent* event)
{
    activate();
    if (isEmpty()) {
        return;
    }
    m_pressed = m_last = m_pointer = event->position().toPoint();
    m_moved = false;
    m_scroll = 0;
    const bool isMeasure = event->button() == Qt::LeftButton && m_measure.press(frame(), event->position());
    if (isMeasure) {
        Q_EMIT m_scene->drawingBegan();
    }
    const bool isAxes = !isMeasure && event->button() == Qt::LeftButton && m_crosshair && m_axes.press(frame(), m_plane, size(), event->position());
    m_drag = isMeasure ? Drag::Measure : isAxes ? Drag::Axes : dragOf(*event);
    if (!nameOf(m_drag).isEmpty()) {
        Q_EMIT changeBegan();
    }
    update();
}

void SliceView::dragWindow(QPoint delta)
{
    if (m_scene->volume()->isColor()) {
        return;
    }
    // A full drag across the view changes the window by about its own size.
    WindowLevel window = shown().windowOn(m_plane);
    const double step = std::max(window.width, 1e-3) / 300.0;
    window.width = std::max(window.width + delta.x() * step * 1.5, isReal(m_scene->volume()->type()) ? 1e-6 : 1.0);
    // Up is brighter, also where low values are bright.
    const bool isLowBright = shown().volume->info().isInverted != shown().isPictureInverted();
    window.center += (isLowBright ? -1 : 1) * delta.y() * step * 1.5;
    window.name.clear();
    m_scene->setWindow(window);
}

void SliceView::dragScroll(QPoint delta)
{
    m_scroll += delta.y() * std::max(0.1, double(m_scene->sliceCount(m_plane)) / std::max(1, height()));
    const int steps = int(m_scroll);
    m_scroll -= steps;
    scrollDown(steps);
}

void SliceView::mouseMoveEvent(QMouseEvent* event)
{
    const QPoint at = event->position().toPoint();
    if (at != m_pointer && !m_measure.isEditedByKeys()) {
        m_measure.setKeyCursor(std::nullopt);   // the mouse draws now
    }
    m_pointer = at;
    if (isEmpty()) {
        return;
    }
    if (m_drag == Drag::None || m_drag == Drag::Measure) {
        if (!m_measure.move(frame(), event->position(), m_drag == Drag::Measure) && event->modifiers() & Qt::ShiftModifier) {
            m_scene->pointAt(shown().series.key, frame().toLps(at.x(), at.y()));
        }
        updateCursor();
        update();
        return;
    }
    if (m_drag == Drag::Axes) {
        m_moved = true;
        m_axes.move(frame(), event->position());
        return;
    }
    if (!m_moved && (at - m_pressed).manhattanLength() < 4) {
        return;
    }
    m_moved = true;
    const QPoint delta = at - m_last;
    m_last = at;
    switch (m_drag) {
    case Drag::Window: dragWindow(delta); break;
    case Drag::Scroll: dragScroll(delta); break;
    case Drag::Crosshair: m_scene->setCursor(frame().toLps(at.x(), at.y())); break;
    case Drag::Zoom: zoomBy(std::exp(-delta.y() * 0.006), m_pressed); break;
    case Drag::Pan:
        m_panMm -= toSlice(QPointF(delta)) * m_mmPerPixel;
        m_isFitted = m_isReset = false;
        break;
    default: break;
    }
    update();
}

void SliceView::mouseReleaseEvent(QMouseEvent* event)
{
    if (isEmpty() || m_drag == Drag::None) {
        return;
    }
    const Drag drag = m_drag;
    m_drag = Drag::None;
    m_axes.release();
    if (!nameOf(drag).isEmpty()) {
        Q_EMIT changeEnded(nameOf(drag), false);
    }
    if (drag == Drag::Measure) {
        m_measure.release(frame(), event->position());
        if (const auto place = m_measure.takeTextPlace()) {
            openEditor(*place, 0);
        }
    } else if (!m_moved && event->button() == Qt::RightButton) {
        Q_EMIT contextMenuAsked(this, event->globalPosition().toPoint());
    } else if (!m_moved && event->button() == Qt::LeftButton && (drag == Drag::Window || m_scene->tool() == Tool::Window) && !MeasureTool::kindOf(m_scene->tool())) {
        m_scene->setCursor(frame().toLps(event->position().x(), event->position().y()));
    }
    updateCursor();
    update();
}

void SliceView::mouseDoubleClickEvent(QMouseEvent* event)
{
    if (event->button() != Qt::LeftButton || isEmpty()) {
        return;
    }
    if (m_measure.doubleClick(frame(), event->position())) {
        update();
        return;
    }
    if (const int id = measurementAt(event->position().toPoint())) {
        editText(id);
    } else if (!MeasureTool::kindOf(m_scene->tool())) {
        m_drag = Drag::None;
        Q_EMIT maximizeRequested(this);
    }
}

bool SliceView::event(QEvent* event)
{
    // It sets a point here and is no shortcut then.
    const auto isSpace = [event] { return static_cast<QKeyEvent*>(event)->key() == Qt::Key_Space && static_cast<QKeyEvent*>(event)->modifiers() == Qt::NoModifier; };
    if (event->type() == QEvent::ShortcutOverride && m_measure.keyCursor() && isSpace()) {
        event->accept();
        return true;
    }
    return QWidget::event(event);
}

void SliceView::keyPressEvent(QKeyEvent* event)
{
    const bool isEnter = (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) && !(event->modifiers() & ~Qt::KeypadModifier);
    if (isEmpty()) {
        QWidget::keyPressEvent(event);
        return;
    }
    if (m_measure.keyCursor() && (isEnter || event->key() == Qt::Key_Space)) {
        activate();     // what is drawn belongs to the series of this view
        Q_EMIT m_scene->drawingBegan();
    }
    if (m_measure.key(frame(), event->key(), event->modifiers())) {
        if (const auto place = m_measure.takeTextPlace()) {
            openEditor(*place, 0);
        }
        update();
    } else if (isEnter && MeasureTool::kindOf(m_scene->tool())) {
        showKeyCursor();
    } else {
        QWidget::keyPressEvent(event);
    }
}

/// With a tool that draws: where the pointer is, else in the middle.
void SliceView::showKeyCursor()
{
    if (isEmpty() || !MeasureTool::kindOf(m_scene->tool())) {
        return;
    }
    const QPointF at = rect().contains(m_pointer) ? QPointF(m_pointer) : QPointF(rect().center());
    m_measure.setKeyCursor(frame().toLps(at.x(), at.y()));
    update();
}

bool SliceView::editByKeys(int id)
{
    if (isEmpty() || !m_measure.editByKeys(frame(), id)) {
        return false;
    }
    activate();
    setFocus();
    update();
    return true;
}

void SliceView::focusInEvent(QFocusEvent* event)
{
    const bool isByKeys = event->reason() != Qt::MouseFocusReason && event->reason() != Qt::ActiveWindowFocusReason && event->reason() != Qt::PopupFocusReason;
    if (isByKeys && !m_measure.keyCursor()) {
        showKeyCursor();
    }
    QWidget::focusInEvent(event);
}

void SliceView::focusOutEvent(QFocusEvent* event)
{
    if (m_measure.isEditedByKeys() && event->reason() != Qt::PopupFocusReason && event->reason() != Qt::ActiveWindowFocusReason) {
        m_measure.cancel();
    }
    QWidget::focusOutEvent(event);
}

/// Ends the typing of a text and keeps it.
void SliceView::commitText()
{
    if (m_editor) {
        Q_EMIT m_editor->editingFinished();
    }
}

void SliceView::editText(int id)
{
    if (const Finding* finding = m_findings->find(id)) {
        openEditor(finding->measurement.points.front(), id);
    }
}

void SliceView::openEditor(PointLps place, int id)
{
    commitText();
    m_editor = new TextEditor(this, [this] { m_editor = nullptr; setFocus(); });
    m_editor->setObjectName("measurementText");
    m_editor->setAccessibleName(tr("Text on the image"));
    m_editor->setPlaceholderText(tr("Text, then Enter"));
    const Finding* finding = m_findings->find(id);
    if (finding) {
        m_editor->setText(QString::fromStdString(finding->measurement.text));
        m_editor->selectAll();
    }
    const SliceFrame grid = frame();
    const auto [x, y] = grid.toPixel(place);
    m_editor->resize(220, m_editor->sizeHint().height());
    m_editor->move(std::clamp(int(x), 0, std::max(0, width() - m_editor->width())), std::clamp(int(y) - m_editor->height() / 2, 0, std::max(0, height() - m_editor->height())));
    m_editor->show();
    m_editor->setFocus();
    connect(m_editor, &QLineEdit::editingFinished, this, [this, place, id, right = grid.right, down = grid.down] {
        QLineEdit* editor = std::exchange(m_editor, nullptr);
        if (!editor) {
            return;
        }
        const std::string words = editor->text().trimmed().toStdString();
        editor->deleteLater();
        setFocus();
        if (const Finding* changed = m_findings->find(id)) {
            Measurement measurement = changed->measurement;
            measurement.text = words;
            if (measurement.kind != MeasurementKind::Text || !words.empty()) {
                m_findings->replace(measurement);
            }
        } else if (!words.empty()) {
            Measurement measurement;
            measurement.kind = MeasurementKind::Text;
            measurement.points = {place};
            measurement.right = right;
            measurement.down = down;
            measurement.text = words;
            m_findings->add(measurement);
        }
    });
}

void SliceView::updateCursor()
{
    if (isEmpty()) {
        unsetCursor();
        return;
    }
    if (m_drag == Drag::None && m_pointer.x() >= 0) {
        if (const auto shape = m_measure.cursorAt(frame(), m_pointer)) {
            QWidget::setCursor(*shape);
            return;
        }
        if (const auto shape = m_crosshair ? m_axes.cursorAt(shown(), frame(), m_plane, size(), m_pointer) : std::nullopt) {
            QWidget::setCursor(*shape);
            return;
        }
    }
    if (MeasureTool::kindOf(m_scene->tool())) {
        QWidget::setCursor(Qt::CrossCursor);
    } else if (m_scene->tool() == Tool::Pan) {
        QWidget::setCursor(Qt::OpenHandCursor);
    } else {
        unsetCursor();
    }
}

bool SliceView::focusNextPrevChild(bool next)
{
    if (m_measure.isEditedByKeys()) {
        m_measure.takeNextHandle(next ? 1 : -1);
        update();
        return true;
    }
    bool isTaken = false;
    Q_EMIT leavingByTab(next ? 1 : -1, isTaken);
    return isTaken || QWidget::focusNextPrevChild(next);
}

void SliceView::leaveEvent(QEvent*)
{
    m_pointer = {-1, -1};
    update();
}

} // namespace hf
