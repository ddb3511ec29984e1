#include "viewer/widgets/ViewHistory.h"

#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"

#include <QUndoGroup>
#include <QUndoStack>

#include <algorithm>
#include <utility>

namespace hf {

namespace {

/// One change of how images are seen. It is there already when the step is made.
class ViewStep : public QUndoCommand {
public:
    struct Look {
        std::string key;
        SeriesLook before, after;
    };
    struct Move {
        SliceView* view = nullptr;
        ViewPlacement before, after;
    };
    ViewStep(Scene* scene, const QString& what, Look look, std::vector<Move> moves, bool isJoined)
        : QUndoCommand(what), m_scene(scene), m_look(std::move(look)), m_moves(std::move(moves)), m_isJoined(isJoined) {}

    /// Nothing else has changed the same since.
    bool canUndo() const { return isAt(m_look.before, m_look.after, &Move::after); }
    bool canRedo() const { return isAt(m_look.after, m_look.before, &Move::before); }

    void undo() override
    {
        canUndo() ? go(m_look.after, m_look.before, &Move::after, &Move::before) : setObsolete(true);
    }

    void redo() override
    {
        if (std::exchange(m_isNew, false)) {
            return;
        }
        canRedo() ? go(m_look.before, m_look.after, &Move::before, &Move::after) : setObsolete(true);
    }

    int id() const override { return m_isJoined ? 1 : -1; }

    bool mergeWith(const QUndoCommand* next) override
    {
        const auto& other = static_cast<const ViewStep&>(*next);    // ids of others are different
        const auto isSameView = [&](const Move& mine, const Move& its) { return mine.view == its.view && mine.after == its.before; };
        if (text() != other.text() || !std::equal(m_moves.begin(), m_moves.end(), other.m_moves.begin(), other.m_moves.end(), isSameView)) {
            return false;
        }
        for (std::size_t n = 0; n < m_moves.size(); ++n) {
            m_moves[n].after = other.m_moves[n].after;
        }
        return true;
    }

private:
    bool isLookAt(const SeriesLook& from, const SeriesLook& to) const
    {
        const ShownSeries* shown = m_scene->find(m_look.key);
        return shown && !(from == to) && withChange(lookOf(*shown), from, to) == lookOf(*shown);
    }

    bool isAt(const SeriesLook& from, const SeriesLook& to, ViewPlacement Move::*placement) const
    {
        const auto isSeen = [&](const Move& move) { return move.view->isVisible() && move.view->placement() == move.*placement; };
        return isLookAt(from, to) || std::any_of(m_moves.begin(), m_moves.end(), isSeen);
    }

    void go(const SeriesLook& from, const SeriesLook& to, ViewPlacement Move::*source, ViewPlacement Move::*target)
    {
        std::vector<const Move*> moves;     // a look may move the views by itself
        for (const Move& move : m_moves) {
            if (move.view->placement() == move.*source) {
                moves.push_back(&move);
            }
        }
        if (isLookAt(to, from)) {
            m_scene->setLook(m_look.key, withChange(lookOf(*m_scene->find(m_look.key)), from, to));
        }
        for (const Move* move : moves) {
            move->view->setPlacement(move->*target);
        }
    }

    Scene* m_scene;
    Look m_look;
    std::vector<Move> m_moves;
    bool m_isJoined, m_isNew = true;
};

} // namespace

ViewHistory::ViewHistory(Scene* scene, QObject* parent) : QObject(parent), m_scene(scene)
{
    const QUndoGroup* group = scene->undoGroup();
    connect(group, &QUndoGroup::indexChanged, this, &ViewHistory::changed);
    connect(group, &QUndoGroup::activeStackChanged, this, &ViewHistory::changed);
    connect(scene, &Scene::volumeChanged, this, [this] {
        m_before.reset();       // the images of the drag are gone
        Q_EMIT changed();
    });
    connect(scene, &Scene::shownChanged, this, &ViewHistory::changed);
}

void ViewHistory::addView(SliceView* view)
{
    m_views.push_back(view);
    connect(view, &SliceView::changeBegan, this, &ViewHistory::begin);
    connect(view, &SliceView::changeEnded, this, &ViewHistory::end);
}

ViewHistory::State ViewHistory::state() const
{
    State now{m_scene->series().key, lookOf(m_scene->active()), {}};
    for (const SliceView* view : m_views) {
        now.placements.push_back(view->placement());
    }
    return now;
}

void ViewHistory::change(const QString& what, const std::function<void()>& change)
{
    if (m_before) {     // part of the drag that goes on
        change();
        return;
    }
    const State before = state();
    change();
    push(before, what, false);
}

void ViewHistory::begin() { m_before = state(); }

void ViewHistory::end(const QString& what, bool isJoined)
{
    if (const auto before = std::exchange(m_before, std::nullopt)) {
        push(*before, what, isJoined);
    }
}

void ViewHistory::push(const State& before, const QString& what, bool isJoined)
{
    const State after = state();
    if (m_scene->isEmpty() || after.key != before.key || after.placements.size() != before.placements.size()) {
        return;     // closed or exchanged meanwhile
    }
    std::vector<ViewStep::Move> moves;
    for (std::size_t n = 0; n < m_views.size(); ++n) {
        if (!(before.placements[n] == after.placements[n])) {
            moves.push_back({m_views[n], before.placements[n], after.placements[n]});
        }
    }
    if (!moves.empty() || !(before.look == after.look)) {
        m_scene->undoStack()->push(new ViewStep(m_scene, what, {before.key, before.look, after.look}, std::move(moves), isJoined));
    }
}

const QUndoCommand* ViewHistory::nextUndo() const
{
    const QUndoStack* stack = m_scene->undoStack();
    for (int n = stack->index() - 1; n >= 0; --n) {
        const auto* step = dynamic_cast<const ViewStep*>(stack->command(n));
        if (!step || step->canUndo()) {
            return stack->command(n);
        }
    }
    return nullptr;
}

const QUndoCommand* ViewHistory::nextRedo() const
{
    const QUndoStack* stack = m_scene->undoStack();
    for (int n = stack->index(); n < stack->count(); ++n) {
        const auto* step = dynamic_cast<const ViewStep*>(stack->command(n));
        if (!step || step->canRedo()) {
            return stack->command(n);
        }
    }
    return nullptr;
}

QString ViewHistory::undoText() const { return canUndo() ? nextUndo()->text() : QString(); }

QString ViewHistory::redoText() const { return canRedo() ? nextRedo()->text() : QString(); }

void ViewHistory::undo()
{
    QUndoStack* stack = m_scene->undoStack();
    const QUndoCommand* next = nextUndo();
    // Steps that are passed over are dropped on the way.
    for (bool isDone = !next; !isDone;) {
        isDone = stack->command(stack->index() - 1) == next;
        stack->undo();
    }
}

void ViewHistory::redo()
{
    QUndoStack* stack = m_scene->undoStack();
    const QUndoCommand* next = nextRedo();
    for (bool isDone = !next; !isDone;) {
        isDone = stack->command(stack->index()) == next;
        stack->redo();
    }
}

} // namespace hf
