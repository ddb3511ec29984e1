#include "viewer/widgets/Scene.h"

#include "viewer/dicom/Presentation.h"
#include "viewer/volume/Error.h"

#include <QCoreApplication>
#include <QPointer>
#include <QThreadPool>
#include <QUndoGroup>
#include <QUndoStack>

#include <algorithm>
#include <cmath>

namespace hf {

namespace {

/// One mask for another, on the series that it was made for.
class MaskCommand : public QUndoCommand {
public:
    struct Side { LabelMap mask; std::vector<LabelFacts> facts; };
    MaskCommand(Scene* scene, std::string series, Side before, Side after, const QString& what)
        : QUndoCommand(what), m_scene(scene), m_series(std::move(series)), m_before(std::move(before)), m_after(std::move(after)) {}
    void undo() override { m_scene->setMaskOf(m_series, m_before.mask, m_before.facts); }
    void redo() override { m_scene->setMaskOf(m_series, m_after.mask, m_after.facts); }

private:
    Scene* m_scene;
    std::string m_series;
    Side m_before, m_after;
};

} // namespace

Scene::Scene(QObject* parent) : QObject(parent), m_undo(new QUndoGroup(this)) { m_undo->setActiveStack(undoStackOf({})); }

Scene::~Scene()
{
    for (auto& [key, stop] : m_subtracting) {
        stop.request_stop();
    }
}

QUndoStack* Scene::undoStack() const { return m_undo->activeStack(); }

QUndoStack* Scene::undoStackOf(const dicom::Series& series)
{
    QUndoStack*& stack = m_stacks[studyOf(series)];
    if (!stack) {
        stack = new QUndoStack(m_undo);
    }
    return stack;
}

const ShownSeries& Scene::active() const
{
    static const ShownSeries none;
    const auto found = m_shown.find(m_key);
    return found == m_shown.end() ? none : found->second;
}

const ShownSeries* Scene::find(const std::string& key) const
{
    const auto found = m_shown.find(key);
    return found == m_shown.end() || found->second.isEmpty() ? nullptr : &found->second;
}

const ShownSeries* Scene::findVolume(const std::shared_ptr<const Volume>& volume) const
{
    const auto isOf = [&](const ShownSeries& shown) { return shown.volume == volume || shown.native == volume; };
    if (!volume || isOf(active())) {
        return volume ? &active() : nullptr;
    }
    const auto found = std::find_if(m_shown.begin(), m_shown.end(), [&](const auto& entry) { return isOf(entry.second); });
    return found == m_shown.end() ? nullptr : &found->second;
}

std::vector<const ShownSeries*> Scene::all() const
{
    std::vector<const ShownSeries*> list;
    for (const auto& [key, shown] : m_shown) {
        if (!shown.isEmpty()) {
            list.push_back(&shown);
        }
    }
    return list;
}

void Scene::take(std::shared_ptr<const Volume> volume, dicom::Series series)
{
    ShownSeries& shown = m_shown[series.key];
    if (volume != shown.native) {
        shown.releaseVolume();
        shown.volume = std::move(volume);
    }
    shown.series = std::move(series);
    shown.slab.mode = SlabMode::Off;
    // A study that was read again may have other states.
    shown.presentation = std::min(shown.presentation, int(shown.series.presentations.size()) - 1);
    if (shown.wasShown) {
        shown.setCursor(shown.cursor);
    } else {
        shown.centreCursor();
        shown.presentation = shown.series.presentations.empty() ? -1 : 0;
        shown.isSubtracted = shown.storedSubtraction() && shown.storedSubtraction()->isRecommended;
        shown.window = shown.presentedWindow();
    }
    shown.wasShown = true;
    shown.maskSlice = std::min(shown.maskSlice, int(shown.series.images.size()) - 1);
    followSubtraction(shown.series.key);
    // A mask of another grid would be a wrong picture.
    if (shown.hasMask() && !shown.mask.geometry().sameGridAs(shown.volume->geometry())) {
        shown.mask = {};
        shown.facts.clear();
    }
}

void Scene::becomeActive(const std::string& key, Plane plane)
{
    Q_EMIT aboutToChange();
    m_key = key;
    m_undo->setActiveStack(undoStackOf(active().series));
    m_activePlane = plane;
    Q_EMIT volumeChanged();
    Q_EMIT maskChanged();
}

void Scene::setVolume(std::shared_ptr<const Volume> volume, dicom::Series series)
{
    const std::string key = series.key;
    const Plane plane = volume->geometry().acquisitionPlane();
    Q_EMIT aboutToChange();
    take(std::move(volume), std::move(series));
    for (auto& [other, shown] : m_shown) {
        if (other != key) {
            shown.releaseVolume();
        }
    }
    becomeActive(key, plane);
}

void Scene::addVolume(std::shared_ptr<const Volume> volume, dicom::Series series)
{
    const std::string key = series.key;
    const bool isFirst = isEmpty();
    const Plane plane = volume->geometry().acquisitionPlane();
    take(std::move(volume), std::move(series));
    if (isFirst || key == m_key) {
        becomeActive(key, plane);
    }
    Q_EMIT shownChanged();
}

void Scene::activate(const std::string& key, Plane plane)
{
    if (!find(key)) {
        return;
    }
    if (key != m_key) {
        becomeActive(key, plane);
    }
    setActivePlane(plane);
}

void Scene::releaseAllBut(const QSet<QString>& keys)
{
    for (auto& [key, shown] : m_shown) {
        if (key != m_key && !keys.contains(QString::fromStdString(key))) {
            shown.releaseVolume();
        }
    }
    Q_EMIT shownChanged();
}

void Scene::clear()
{
    Q_EMIT aboutToChange();
    for (auto& [key, stop] : m_subtracting) {
        stop.request_stop();
    }
    m_subtracting.clear();
    m_shown.clear();
    m_key.clear();
    m_link.clear();
    m_undo->setActiveStack(undoStackOf({}));
    for (const auto& [study, stack] : m_stacks) {
        stack->clear();
    }
    Q_EMIT volumeChanged();
    Q_EMIT maskChanged();
}

void Scene::setTool(Tool tool)
{
    if (tool != m_tool) {
        m_tool = tool;
        Q_EMIT toolChanged();
    }
}

void Scene::setWindow(const WindowLevel& window)
{
    if (isEmpty() || !(window.width > 0) || !std::isfinite(window.center) || window == active().window) {
        return;
    }
    own().window = window;
    Q_EMIT windowChanged();
}

WindowLevel Scene::nextStoredWindow() const
{
    std::vector<WindowLevel> all{storedWindow()};
    const VolumeInfo& info = volume()->info();
    for (const WindowLevel& stored : info.windows) {
        // The first is that of a middle image, where each has its own.
        const bool isOfOther = !info.imageWindows.empty() && stored == info.windows.front();
        if (!isOfOther && std::find(all.begin(), all.end(), stored) == all.end()) {
            all.push_back(stored);
        }
    }
    const auto present = std::find(all.begin(), all.end(), window());
    return present == all.end() || present + 1 == all.end() ? all.front() : *(present + 1);
}

void Scene::setInverted(bool inverted)
{
    if (!isEmpty() && inverted != active().inverted) {
        own().inverted = inverted;
        Q_EMIT windowChanged();
    }
}

void Scene::setShutterOpen(bool open)
{
    if (!isEmpty() && open != active().isShutterOpen) {
        own().isShutterOpen = open;
        Q_EMIT windowChanged();
    }
}

void Scene::setPresentation(int presentation)
{
    if (isEmpty() || presentation < -1 || presentation >= int(series().presentations.size()) || presentation == active().presentation) {
        return;
    }
    own().presentation = presentation;
    own().inverted = false;
    own().maskSlice = -1;
    own().isSubtracted = active().storedSubtraction() && active().storedSubtraction()->isRecommended;
    followSubtraction(m_key);
    own().window = active().presentedWindow();
    Q_EMIT presentationChanged();
    Q_EMIT windowChanged();
}

void Scene::setSubtracted(bool subtracted)
{
    if (!active().canSubtract() || subtracted == isSubtracted()) {
        return;
    }
    if (subtracted && !active().storedSubtraction() && active().maskSlice < 0) {
        setMaskImage();
        return;
    }
    own().isSubtracted = subtracted;
    followSubtraction(m_key);
    Q_EMIT subtractionChanged();
}

void Scene::setMaskImage()
{
    if (!active().canSubtract()) {
        return;
    }
    own().maskSlice = active().straightSlice(volume()->geometry().acquisitionPlane());
    own().isSubtracted = true;
    followSubtraction(m_key);
    Q_EMIT subtractionChanged();
}

void Scene::followSubtraction(const std::string& key)
{
    if (const auto running = m_subtracting.find(key); running != m_subtracting.end()) {
        running->second.request_stop();
        m_subtracting.erase(running);
    }
    const ShownSeries& shown = m_shown[key];
    const auto how = shown.wantedSubtraction();
    if (!how) {
        putSubtracted(key, nullptr, nullptr);
        return;
    }
    const std::stop_source stop = m_subtracting[key];
    QThreadPool::globalInstance()->start([self = QPointer<Scene>(this), key, how, stop, from = shown.asRead()] {
        std::shared_ptr<const Volume> differences;
        QString reason;
        try {
            differences = std::make_shared<const Volume>(subtracted(*from, *how, stop.get_token()));
        } catch (const Cancelled&) {
            return;
        } catch (const std::bad_alloc&) {
            reason = tr("there is not enough memory");
        } catch (const std::exception& error) {
            reason = QString::fromUtf8(error.what());
        }
        QMetaObject::invokeMethod(QCoreApplication::instance(), [self, key, how, stop, differences, reason] {
            if (!self || stop.stop_requested()) {
                return;
            }
            self->m_subtracting.erase(key);
            if (!differences) {
                self->m_shown[key].isSubtracted = false;
            }
            self->putSubtracted(key, differences, how);
            Q_EMIT self->subtractionChanged();
            if (!differences) {
                Q_EMIT self->subtractionFailed(reason);
            }
        });
    });
}

void Scene::putSubtracted(const std::string& key, std::shared_ptr<const Volume> differences, std::shared_ptr<const Subtraction> how)
{
    ShownSeries& shown = m_shown[key];
    if (!shown.volume || (!differences && !shown.native)) {
        return;
    }
    if (!shown.native) {
        shown.native = shown.volume;
    }
    if (differences) {
        shown.volume = std::move(differences);
        shown.subtraction = std::move(how);
    } else {
        shown.volume = std::move(shown.native);
        shown.native.reset();
        shown.subtraction.reset();
    }
    // The window was of other values.
    shown.window = shown.presentedWindow();
    if (key == m_key) {
        Q_EMIT windowChanged();
    }
}

void Scene::setSlab(Slab slab)
{
    slab.thicknessMm = std::clamp(slab.thicknessMm, 1.0, 200.0);
    if (!active().isVolume() || volume()->isColor() || slab == active().slab) {
        return;
    }
    own().slab = slab;
    Q_EMIT slabChanged();
}

void Scene::reset()
{
    if (isEmpty()) {
        return;
    }
    setInverted(false);
    setShutterOpen(false);
    setSlab({SlabMode::Off, slab().thicknessMm});
    setTurn({});
    setWindow(storedWindow());
    ShownSeries middle = active();
    middle.centreCursor();
    setCursor(middle.cursor);
}

void Scene::setLook(const std::string& key, const SeriesLook& look)
{
    if (!find(key)) {
        return;
    }
    ShownSeries& shown = m_shown[key];
    const SeriesLook before = lookOf(shown);
    const bool isOtherState = look.presentation != before.presentation;
    const bool areOtherValues = isOtherState || look.isSubtracted != before.isSubtracted || look.maskSlice != before.maskSlice;
    shown.presentation = std::clamp(look.presentation, -1, int(shown.series.presentations.size()) - 1);
    shown.isSubtracted = look.isSubtracted;
    shown.maskSlice = look.maskSlice;
    if (areOtherValues) {
        followSubtraction(key);
    }
    shown.inverted = look.inverted;
    shown.isShutterOpen = look.isShutterOpen;
    shown.slab = look.slab;
    shown.turn = look.turn;
    shown.window = look.window.value_or(shown.presentedWindow());
    if (isOtherState) {
        Q_EMIT presentationChanged();
    }
    if (areOtherValues) {
        Q_EMIT subtractionChanged();
    }
    Q_EMIT windowChanged();
    Q_EMIT slabChanged();
    Q_EMIT turnChanged();
}

void Scene::moveTo(ShownSeries& shown, PointLps point)
{
    const bool isFollowing = (shown.state() || shown.native || !shown.volume->info().imageWindows.empty()) && shown.window == shown.presentedWindow();
    shown.setCursor(point);
    if (isFollowing) {
        shown.window = shown.presentedWindow();
    }
}

void Scene::setCursor(PointLps point)
{
    if (isEmpty()) {
        return;
    }
    const WindowLevel before = window();
    moveTo(own(), point);
    if (m_link.isOn()) {
        carryFrom(active(), active().cursor);
    }
    if (!(window() == before)) {
        Q_EMIT windowChanged();
    }
    Q_EMIT cursorChanged();
}

void Scene::carryFrom(const ShownSeries& from, PointLps point)
{
    bool any = false;
    for (auto& [key, shown] : m_shown) {
        if (&shown == &from || shown.isEmpty()) {
            continue;
        }
        if (const auto place = m_link.carry(from, shown, point)) {
            moveTo(shown, *place);
            shown.place = *place;
            any = true;
        }
    }
    if (any) {
        Q_EMIT shownChanged();
    }
}

void Scene::pointAt(const std::string& key, PointLps point)
{
    if (!find(key)) {
        return;
    }
    ShownSeries& shown = m_shown[key];
    moveTo(shown, point);
    carryFrom(shown, shown.cursor);
    Q_EMIT cursorChanged();
    Q_EMIT shownChanged();
}

void Scene::setSlice(Plane plane, int slice)
{
    if (!isEmpty()) {
        setCursor(active().cursorOn(plane, slice));
    }
}

void Scene::setTurn(const PlaneTurn& turn)
{
    if (active().isVolume() && !(turn == active().turn)) {
        own().turn = turn;
        Q_EMIT turnChanged();
    }
}

void Scene::setLinked(bool linked)
{
    if (linked != m_link.isOn()) {
        m_link.setOn(linked);
        Q_EMIT linkChanged();
    }
}

void Scene::matchPlaces()
{
    for (const auto& [key, shown] : m_shown) {
        if (key != m_key && !shown.isEmpty()) {
            m_link.match(active(), active().cursor, shown, shown.cursor);
        }
    }
    m_link.setOn(true);
    Q_EMIT linkChanged();
}

void Scene::clearMatches()
{
    m_link.clear();
    Q_EMIT linkChanged();
}

void Scene::setActivePlane(Plane plane)
{
    if (plane != m_activePlane) {
        m_activePlane = plane;
        Q_EMIT activePlaneChanged();
    }
}

void Scene::setMask(const LabelMap& mask, const std::vector<LabelFacts>& facts)
{
    if (!isEmpty()) {
        setMaskOf(m_key, mask, facts);
    }
}

void Scene::changeMask(const LabelMap& mask, const std::vector<LabelFacts>& facts, const QString& what)
{
    changeMaskOf(m_key, mask, facts, what);
}

void Scene::changeMaskOf(const std::string& seriesKey, const LabelMap& mask, const std::vector<LabelFacts>& facts, const QString& what)
{
    const ShownSeries& shown = m_shown[seriesKey];
    undoStackOf(shown.series)->push(new MaskCommand(this, seriesKey, {shown.mask, shown.facts}, {mask, facts}, what));
}

void Scene::setMaskOf(const std::string& seriesKey, const LabelMap& mask, const std::vector<LabelFacts>& facts)
{
    ShownSeries& shown = m_shown[seriesKey];
    shown.mask = mask;
    shown.facts = facts;
    shown.hidden.clear();
    if (seriesKey == m_key) {
        m_maskShown = true;
        Q_EMIT maskChanged();
    } else {
        Q_EMIT shownChanged();
    }
}

void Scene::clearMask()
{
    if (hasMask()) {
        changeMask({}, {}, tr("Remove the mask"));
    }
}

void Scene::setLabelVisible(LabelId value, bool visible)
{
    if (visible == isLabelVisible(value)) {
        return;
    }
    visible ? void(own().hidden.remove(value)) : void(own().hidden.insert(value));
    Q_EMIT maskStyleChanged();
}

void Scene::setLabelColor(LabelId value, Rgb8 color)
{
    const LabelMap& old = active().mask;
    if (old.isEmpty()) {
        return;
    }
    std::vector<Label> labels = old.labels();
    for (Label& label : labels) {
        if (label.value == value) {
            label.color = color;
        }
    }
    own().mask = old.withLabels(std::move(labels));
    Q_EMIT maskStyleChanged();
}

void Scene::setMaskOpacity(double opacity)
{
    m_opacity = std::clamp(opacity, 0.0, 1.0);
    Q_EMIT maskStyleChanged();
}

void Scene::setMaskOutline(bool outline)
{
    m_outline = outline;
    Q_EMIT maskStyleChanged();
}

void Scene::setMaskShown(bool shown)
{
    if (shown != m_maskShown) {
        m_maskShown = shown;
        Q_EMIT maskStyleChanged();
    }
}

OverlayStyle Scene::overlayStyle(const ShownSeries& shown) const
{
    OverlayStyle style;
    style.opacity = m_opacity;
    style.outline = m_outline;
    if (const dicom::Presentation* state = shown.isEmpty() ? nullptr : shown.stateAtCursor()) {
        style.planes = state->imagePlanes;
    }
    for (const int value : shown.hidden) {
        style.hidden.push_back(LabelId(value));
    }
    return style;
}

void Scene::jumpToLabel(LabelId value)
{
    for (const LabelFacts& facts : active().facts) {
        if (facts.value == value && facts.voxels > 0) {
            setLabelVisible(value, true);
            setMaskShown(true);
            const auto& s = facts.largestSlice;
            setCursor(volume()->geometry().toLps(Index3{s[0], s[1], s[2]}));
            return;
        }
    }
}

} // namespace hf
