#pragma once

#include "viewer/widgets/SeriesLook.h"
#include "viewer/widgets/ViewPlacement.h"

#include <QObject>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

class QUndoCommand;
class QUndoStack;

namespace hf {

class Scene;
class SliceView;

/// Undo and redo of a window: what the reader changes of how images are seen becomes steps on the stack of their study, beside its drawings
/// and masks. The last step comes first, of whichever study that is shown; its view becomes the active one. A step is passed over where
/// something else has changed the same meanwhile: another series came into the view, the views were arranged anew. Scrolling is no step.
/// GUI thread only.
class ViewHistory : public QObject {
    Q_OBJECT
public:
    explicit ViewHistory(Scene* scene, QObject* parent = nullptr);
    /// From now on its drags and its wheel make steps. The view must live as long as the history is used.
    void addView(SliceView* view);

    /// What `change` does to the active series and to the places of the images in the views is one step, called `what`.
    void change(const QString& what, const std::function<void()>& change);

    bool canUndo() const { return nextUndo().command != nullptr; }
    bool canRedo() const { return nextRedo().command != nullptr; }
    QString undoText() const;
    QString redoText() const;
    void undo();
    void redo();

Q_SIGNALS:
    /// Another step is the next one to be undone or redone.
    void changed();

private:
    struct State {
        std::string key;                        ///< Of the active series.
        SeriesLook look;
        std::vector<ViewPlacement> placements;  ///< As m_views.
    };
    State state() const;
    void begin();
    void end(const QString& what, bool isJoined);
    void push(const State& before, const QString& what, bool isJoined);
    struct Next {
        QUndoStack* stack = nullptr;
        const QUndoCommand* command = nullptr;  ///< Null: there is none.
    };
    Next nextUndo() const;
    Next nextRedo() const;
    /// Of the studies that are seen.
    std::set<QUndoStack*> shownStacks() const;
    void watchStacks();
    void note(const QUndoStack* stack, int index);
    bool activate(const QUndoStack* stack);

    Scene* m_scene;
    std::vector<SliceView*> m_views;
    std::optional<State> m_before;              ///< During a drag: as it was when it began.
    std::map<const QUndoStack*, int> m_indices; ///< Where each stack stood last.
    std::map<const QUndoCommand*, long> m_done, m_undone;   ///< When, as numbers that grow.
    long m_clock = 0;
};

} // namespace hf
