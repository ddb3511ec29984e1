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
    const auto follow = [this] {
        watchStacks();
        Q_EMIT changed();
    };
    connect(scene->undoGroup(), &QUndoGroup::activeStackChanged, this, follow);
    connect(scene, &Scene::shownChanged, this, follow);
    connect(scene, &Scene::volumeChanged, this, [this, follow] {
        m_before.reset();       // the images of the drag are gone
        follow();
    });
    watchStacks();
}

void ViewHistory::watchStacks()
{
    for (const QUndoStack* stack : m_scene->undoGroup()->stacks()) {
        if (m_indices.try_emplace(stack, stack->index()).second) {
            connect(stack, &QUndoStack::indexChanged, this, [this, stack](int index) { note(stack, index); });
        }
    }
}

/// What was done, or undone, last.
void ViewHistory::note(const QUndoStack* stack, int index)
{
    const int before = std::exchange(m_indices[stack], index);
    if (index >= before && index > 0) {
        m_done[stack->command(index - 1)] = ++m_clock;
    } else if (index < stack->count()) {
        m_undone[stack->command(index)] = ++m_clock;
    }
    Q_EMIT changed();
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

std::set<QUndoStack*> ViewHistory::shownStacks() const
{
    std::set<QUndoStack*> stacks{m_scene->undoStack()};
    for (const SliceView* view : m_views) {
        if (view->isVisible() && !view->isEmpty()) {
            stacks.insert(m_scene->undoStackOf(view->shown().series));
        }
    }
    return stacks;
}

namespace {

/// Something else has changed the same since.
bool isPassed(const QUndoCommand* command, bool (ViewStep::*isPossible)() const)
{
    const auto* step = dynamic_cast<const ViewStep*>(command);
    return step && !(step->*isPossible)();
}

long when(const std::map<const QUndoCommand*, long>& times, const QUndoCommand* command)
{
    const auto found = times.find(command);
    return found == times.end() ? 0 : found->second;
}

} // namespace

ViewHistory::Next ViewHistory::nextUndo() const
{
    Next next;
    for (QUndoStack* stack : shownStacks()) {
        int n = stack->index() - 1;
        while (n >= 0 && isPassed(stack->command(n), &ViewStep::canUndo)) {
            --n;
        }
        if (n >= 0 && (!next.command || when(m_done, stack->command(n)) > when(m_done, next.command))) {
            next = {stack, stack->command(n)};
        }
    }
    return next;
}

ViewHistory::Next ViewHistory::nextRedo() const
{
    Next next;
    for (QUndoStack* stack : shownStacks()) {
        int n = stack->index();
        while (n < stack->count() && isPassed(stack->command(n), &ViewStep::canRedo)) {
            ++n;
        }
        if (n < stack->count() && (!next.command || when(m_undone, stack->command(n)) > when(m_undone, next.command))) {
            next = {stack, stack->command(n)};
        }
    }
    return next;
}

QString ViewHistory::undoText() const { return canUndo() ? nextUndo().command->text() : QString(); }

QString ViewHistory::redoText() const { return canRedo() ? nextRedo().command->text() : QString(); }

/// Drawings are those of the active study. @return whether it is the stack's.
bool ViewHistory::activate(const QUndoStack* stack)
{
    const auto isOf = [&](SliceView* view) { return view->isVisible() && !view->isEmpty() && m_scene->undoStackOf(view->shown().series) == stack; };
    const auto view = std::find_if(m_views.begin(), m_views.end(), isOf);
    if (stack != m_scene->undoStack() && view != m_views.end()) {
        (*view)->activate();
    }
    return stack == m_scene->undoStack();
}

void ViewHistory::undo()
{
    const Next next = nextUndo();
    if (!next.command || !activate(next.stack)) {
        return;
    }
    // Steps that are passed over are dropped on the way.
    for (bool isDone = false; !isDone;) {
        isDone = next.stack->command(next.stack->index() - 1) == next.command;
        next.stack->undo();
    }
}

void ViewHistory::redo()
{
    const Next next = nextRedo();
    if (!next.command || !activate(next.stack)) {
        return;
    }
    for (bool isDone = false; !isDone;) {
        isDone = next.stack->command(next.stack->index()) == next.command;
        next.stack->redo();
    }
}

} // namespace hf
