#include "viewer/widgets/ViewGrid.h"

#include "viewer/render/VolumeView3D.h"
#include "viewer/widgets/PatientGuard.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SeriesMime.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/ViewHistory.h"
#include "viewer/widgets/VolumeAnnotations.h"

#include <QDragEnterEvent>
#include <QGridLayout>
#include <QTimer>

#include <algorithm>
#include <utility>

namespace hf {

namespace {

/// The plane that a cell shows of a series.
Plane planeOf(CellShow show, const ShownSeries& shown)
{
    if (!shown.isEmpty() && (show == CellShow::Images || !shown.isVolume())) {
        return shown.volume->geometry().acquisitionPlane();
    }
    return show == CellShow::Sagittal ? Plane::Sagittal : show == CellShow::Coronal ? Plane::Coronal : Plane::Axial;
}

} // namespace

ViewGrid::ViewGrid(Scene* scene, Findings* findings, QWidget* parent) : QWidget(parent), m_scene(scene), m_findings(findings), m_history(new ViewHistory(scene, this)), m_grid(new QGridLayout(this))
{
    setAcceptDrops(true);
    m_grid->setContentsMargins(0, 0, 0, 0);
    m_grid->setSpacing(2);
    m_volume = new VolumeView3D(this);
    m_volume->setObjectName("volumeView");
    m_volumeTexts = new VolumeAnnotations(m_volume, [this] { return shownAsVolume(); });
    m_volumeTexts->setObjectName("volumeTexts");
    connect(m_volume, &VolumeView3D::maximizeRequested, this, [this] { toggleMaximized(m_volume); });
    connect(scene, &Scene::volumeChanged, this, [this] { sceneChanged(); });
    connect(scene, &Scene::shownChanged, this, [this] {
        updatePatients();
        matchScalesLater();
    });
    connect(scene, &Scene::activePlaneChanged, this, [this] { followPlane(); });
    const auto updateMask = [this] { updateVolume(); };
    connect(scene, &Scene::maskChanged, this, updateMask);
    connect(scene, &Scene::maskStyleChanged, this, updateMask);
    setGridLayout(GridLayout::planes());
}

void ViewGrid::addCell()
{
    const char* names[] = {"axialView", "sagittalView", "coronalView"};
    const auto n = int(m_cells.size());
    auto* view = new SliceView(m_scene, m_findings, n == 1 ? Plane::Sagittal : n == 2 ? Plane::Coronal : Plane::Axial, this);
    view->setObjectName(n < 3 ? QString(names[n]) : QStringLiteral("view%1").arg(n + 1));
    view->setCrosshairShown(m_crosshair);
    view->setTextShown(m_texts);
    view->setReferenceSlices([this, view] { return referencesFor(view); });
    view->setLinkedPlace([this, view] { return linkedPlaceFor(view); });
    view->setScaleOfOthers([this, view] { return scaleOfOthers(view); });
    connect(view, &SliceView::activated, this, [this, n] { setActiveCell(n); });
    connect(view, &SliceView::leavingByTab, this, [this, n](int step, bool& taken) { taken = leaveByTab(n, step); });
    connect(view, &SliceView::maximizeRequested, this, [this](SliceView* asked) { toggleMaximized(asked); });
    connect(view, &SliceView::contextMenuAsked, this, &ViewGrid::contextMenuAsked);
    m_history->addView(view);
    m_cells.push_back({view, {}});
}

void ViewGrid::setGridLayout(const GridLayout& layout)
{
    // A linked layout showed the active series everywhere; it goes on in the first view.
    const std::string active = m_scene->isEmpty() ? std::string() : m_scene->series().key;
    if (m_spec.isLinked && !layout.isLinked) {
        for (Cell& cell : m_cells) {
            cell.key.clear();
        }
    }
    m_spec = layout;
    m_spec.rows = std::clamp(m_spec.rows, 1, GridLayout::kMostRows);
    m_spec.columns = std::clamp(m_spec.columns, 1, GridLayout::kMostColumns);
    while (int(m_cells.size()) < count()) {
        addCell();
    }
    const auto shows = [&](const Cell& cell) { return cell.key == active; };
    if (!m_spec.isLinked && !active.empty() && std::none_of(m_cells.begin(), m_cells.begin() + count(), shows)) {
        m_cells[0].key = active;
    }
    m_maximized = nullptr;
    m_active = 0;
    for (int n = 0; n < count(); ++n) {
        if (!m_spec.isLinked && shows(m_cells[std::size_t(n)])) {
            m_active = n;
            break;
        }
    }
    showCells();
    Q_EMIT layoutChanged();
}

std::string ViewGrid::seriesOf(int cell) const
{
    return m_spec.isLinked ? m_scene->series().key : m_cells[std::size_t(cell)].key;
}

void ViewGrid::showCells()
{
    QSet<QString> used;
    for (int n = 0; n < int(m_cells.size()); ++n) {
        Cell& cell = m_cells[std::size_t(n)];
        if (n >= count()) {
            cell.key.clear();
        }
        if (m_spec.isLinked) {
            cell.view->followActive();
        } else {
            cell.view->setSeries(cell.key);
        }
        if (const Plane plane = planeOf(m_spec.show(n), cell.view->shown()); plane != cell.view->plane()) {
            cell.view->setPlane(plane);
        }
        used.insert(QString::fromStdString(cell.key));
    }
    if (!m_spec.isLinked) {
        m_scene->releaseAllBut(used);
    }
    followPlane();
    arrange();
    updateVolume();
    updatePatients();
    setActiveCell(m_active);
}

void ViewGrid::sceneChanged()
{
    const std::string key = m_scene->series().key;
    if (!m_spec.isLinked && m_scene->isEmpty()) {
        for (Cell& cell : m_cells) {
            cell.key.clear();
        }
        setGridLayout(GridLayout::planes());
    } else if (m_spec.isLinked && key != m_lastKey) {
        m_maximized = nullptr;
        showCells();
    } else if (!m_spec.isLinked && std::none_of(m_cells.begin(), m_cells.begin() + count(), [&](const Cell& cell) { return cell.key == key; })) {
        m_cells[std::size_t(m_active)].key = key;
        showCells();
    } else {
        followPlane();
    }
    m_lastKey = key;
}

void ViewGrid::setActiveCell(int cell)
{
    if (cell < 0 || cell >= count()) {
        return;
    }
    // A cell that shows the volume has no slice to be active.
    m_active = m_spec.show(cell) == CellShow::Volume ? 0 : cell;
    for (int n = 0; n < int(m_cells.size()); ++n) {
        m_cells[std::size_t(n)].view->setActive(n == m_active);
    }
    SliceView* view = activeView();
    if (!view->isEmpty()) {
        m_scene->activate(view->shown().series.key, view->plane());
    }
    Q_EMIT activeChanged();
}

void ViewGrid::followPlane()
{
    // In a linked layout the active plane may be chosen elsewhere.
    if (!m_spec.isLinked || m_scene->isEmpty() || activeView()->plane() == m_scene->activePlane()) {
        return;
    }
    for (int n = 0; n < count(); ++n) {
        if (m_spec.show(n) != CellShow::Volume && view(n)->plane() == m_scene->activePlane()) {
            setActiveCell(n);
            return;
        }
    }
}

void ViewGrid::activateNext(int step)
{
    int next = m_active;
    for (int n = 0; n < count(); ++n) {
        next = (next + step + count()) % count();
        if (view(next)->isVisibleTo(this)) {
            break;
        }
    }
    setActiveCell(next);
    activeView()->setFocus();
}

/// Behind the last view, and before the first, the keyboard goes on to what lies beside the images.
bool ViewGrid::leaveByTab(int cell, int step)
{
    for (int next = cell + step; next >= 0 && next < count(); next += step) {
        if (view(next)->isVisibleTo(this)) {
            setActiveCell(next);
            view(next)->setFocus(step > 0 ? Qt::TabFocusReason : Qt::BacktabFocusReason);
            return true;
        }
    }
    return false;
}

void ViewGrid::place(int cell, const std::string& key)
{
    if (cell < 0 || cell >= count() || !m_scene->find(key)) {
        return;
    }
    if (m_spec.isLinked) {
        for (int n = 0; n < count(); ++n) {
            m_cells[std::size_t(n)].key = m_scene->series().key;
        }
        m_spec.isLinked = false;
        Q_EMIT layoutChanged();
    }
    m_cells[std::size_t(cell)].key = key;
    m_active = cell;
    showCells();
}

void ViewGrid::clearCell(int cell)
{
    if (!m_spec.isLinked && cell >= 0 && cell < count()) {
        m_cells[std::size_t(cell)].key.clear();
        showCells();
    }
}

bool ViewGrid::wouldMixPatients(int cell, const dicom::Series& series) const
{
    for (int n = 0; n < count(); ++n) {
        const ShownSeries& shown = view(n)->shown();
        if (n != cell && !shown.isEmpty() && mayBeOtherPatients(shown.series, series)) {
            return true;
        }
    }
    return false;
}

void ViewGrid::updatePatients()
{
    m_twoPatients = false;
    for (int a = 0; a < count(); ++a) {
        for (int b = 0; b < a; ++b) {
            const ShownSeries &one = view(a)->shown(), &other = view(b)->shown();
            m_twoPatients = m_twoPatients || (!one.isEmpty() && !other.isEmpty() && mayBeOtherPatients(one.series, other.series));
        }
    }
    for (const Cell& cell : m_cells) {
        cell.view->setTwoPatients(m_twoPatients);
    }
    m_volumeTexts->setTwoPatients(m_twoPatients);
}

const ShownSeries* ViewGrid::shownAsVolume() const
{
    const ShownSeries* shown = nullptr;
    for (int n = 0; n < count(); ++n) {
        if (m_spec.show(n) == CellShow::Volume) {
            shown = &view(n)->shown();
        }
    }
    return shown;
}

void ViewGrid::updateVolume()
{
    const ShownSeries* shown = shownAsVolume();
    const bool isVolume = shown && shown->isVolume() && !shown->volume->isColor();
    if (m_volume->volume() != (isVolume ? shown->volume : nullptr)) {
        m_volume->setVolume(isVolume ? shown->volume : nullptr);
    }
    if (isVolume && shown->hasMask() && m_scene->isMaskShown()) {
        m_volume->setMask(shown->mask, m_scene->overlayStyle(*shown).hidden);
    } else {
        m_volume->clearMask();
    }
    m_volumeTexts->update();
}

std::vector<ReferenceSlice> ViewGrid::referencesFor(const SliceView* own) const
{
    std::vector<ReferenceSlice> slices;
    if (!m_references || !own->shown().canBeReferred()) {
        return slices;
    }
    for (int n = 0; n < count(); ++n) {
        const SliceView* other = view(n);
        const ShownSeries& shown = other->shown();
        // The crosshair shows the planes of the same series.
        if (other == own || !other->isVisibleTo(this) || !shown.canBeReferred() || (m_crosshair && shown.series.key == own->shown().series.key)) {
            continue;
        }
        SliceFrame frame = shown.frame(other->plane());
        if (const auto origin = m_scene->link().carry(shown, own->shown(), frame.origin)) {
            frame.origin = *origin;
            slices.push_back({frame, n == m_active});
        }
    }
    return slices;
}

/// The place of the active series; in the view of that series its own place, where another view shows images of the same frame.
std::optional<PointLps> ViewGrid::linkedPlaceFor(const SliceView* own) const
{
    const ShownSeries &shown = own->shown(), &active = m_scene->active();
    if (!shown.canBeReferred() || !active.canBeReferred()) {
        return std::nullopt;
    }
    if (shown.series.key != active.series.key) {
        return m_scene->link().carry(active, shown, active.place);
    }
    for (int n = 0; n < count(); ++n) {
        const ShownSeries& other = view(n)->shown();
        if (view(n)->isVisibleTo(this) && other.canBeReferred() && other.series.key != shown.series.key && m_scene->link().carry(shown, other, shown.place)) {
            return shown.place;
        }
    }
    return std::nullopt;
}

QWidget* ViewGrid::widgetOf(int cell) const
{
    return m_spec.show(cell) == CellShow::Volume ? static_cast<QWidget*>(m_volume) : view(cell);
}

bool ViewGrid::isSingle() const { return m_spec == GridLayout::planes() && !m_scene->isEmpty() && !m_scene->active().isVolume(); }

void ViewGrid::maximize(QWidget* view)
{
    m_maximized = view;
    arrange();
}

QImage ViewGrid::picture() const { return m_maximized == m_volume ? m_volumeTexts->picture() : activeView()->grab().toImage(); }

void ViewGrid::arrange()
{
    QWidget* only = isSingle() ? m_cells[0].view : m_maximized;
    while (QLayoutItem* item = m_grid->takeAt(0)) {
        delete item;
    }
    bool hasVolume = false;
    for (int n = 0; n < int(m_cells.size()); ++n) {
        if (n < count()) {
            QWidget* widget = widgetOf(n);
            hasVolume = hasVolume || widget == m_volume;
            m_grid->addWidget(widget, n / m_spec.columns, n % m_spec.columns);
            widget->setVisible(!only || widget == only);
        }
        if (n >= count() || widgetOf(n) == m_volume) {
            view(n)->hide();
        }
    }
    if (!hasVolume) {
        m_volume->hide();
    }
    const auto isUsed = [&](int row, int column) {
        const QLayoutItem* item = row < m_spec.rows && column < m_spec.columns ? m_grid->itemAtPosition(row, column) : nullptr;
        return item && item->widget() && (!only || item->widget() == only);
    };
    for (int row = 0; row < GridLayout::kMostRows; ++row) {
        bool used = false;
        for (int column = 0; column < GridLayout::kMostColumns; ++column) {
            used = used || isUsed(row, column);
        }
        m_grid->setRowStretch(row, used ? 1 : 0);
    }
    for (int column = 0; column < GridLayout::kMostColumns; ++column) {
        bool used = false;
        for (int row = 0; row < GridLayout::kMostRows; ++row) {
            used = used || isUsed(row, column);
        }
        m_grid->setColumnStretch(column, used ? 1 : 0);
    }
    matchScalesLater();
}

void ViewGrid::resizeEvent(QResizeEvent*) { matchScalesLater(); }

void ViewGrid::matchScalesLater()
{
    if (std::exchange(m_isMatching, true)) {
        return;
    }
    QTimer::singleShot(0, this, [this] {
        m_isMatching = false;
        for (int n = 0; n < count(); ++n) {
            if (view(n)->isVisibleTo(this) && view(n)->isFittedWithOthers()) {
                view(n)->followOthers();
            }
        }
    });
}

double ViewGrid::scaleOfOthers(const SliceView* own) const
{
    double scale = 0;
    for (int n = 0; n < count(); ++n) {
        const SliceView* other = view(n);
        if (other != own && other->isVisibleTo(this) && other->isFittedWithOthers()) {
            scale = std::max(scale, other->fittedScale());
        }
    }
    return scale;
}

int ViewGrid::cellAt(QPoint at) const
{
    for (int n = 0; n < count(); ++n) {
        if (widgetOf(n)->isVisibleTo(this) && widgetOf(n)->geometry().contains(at)) {
            return n;
        }
    }
    return -1;
}

void ViewGrid::dragEnterEvent(QDragEnterEvent* event)
{
    if (hasSeriesKey(event->mimeData())) {
        event->acceptProposedAction();
    }
}

void ViewGrid::dragMoveEvent(QDragMoveEvent* event)
{
    const int cell = cellAt(event->position().toPoint());
    for (int n = 0; n < count(); ++n) {
        view(n)->setDropTarget(n == cell);
    }
    event->setAccepted(cell >= 0);
}

void ViewGrid::dropEvent(QDropEvent* event)
{
    for (int n = 0; n < count(); ++n) {
        view(n)->setDropTarget(false);
    }
    if (const int cell = cellAt(event->position().toPoint()); cell >= 0) {
        event->acceptProposedAction();
        Q_EMIT seriesDropped(cell, seriesKeyOf(event->mimeData()));
    }
}

void ViewGrid::fitAll()
{
    for (const Cell& cell : m_cells) {
        cell.view->fit();
    }
    m_volume->resetCamera();
}

void ViewGrid::resetAll()
{
    for (const Cell& cell : m_cells) {
        cell.view->resetView();
    }
    m_volume->setValueWindow(0, 1);
    m_volume->resetCamera();
}

void ViewGrid::setCrosshairShown(bool shown)
{
    m_crosshair = shown;
    for (const Cell& cell : m_cells) {
        cell.view->setCrosshairShown(shown);
    }
}

void ViewGrid::setTextShown(bool shown)
{
    m_texts = shown;
    for (const Cell& cell : m_cells) {
        cell.view->setTextShown(shown);
    }
    m_volumeTexts->setTextShown(shown);
}

void ViewGrid::setReferenceLinesShown(bool shown)
{
    m_references = shown;
    for (const Cell& cell : m_cells) {
        cell.view->update();
    }
}

} // namespace hf
