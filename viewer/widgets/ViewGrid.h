#pragma once

#include "viewer/widgets/GridLayout.h"

#include <QWidget>

#include <optional>
#include <string>
#include <vector>

class QGridLayout;

namespace hf {

namespace dicom {
struct Series;
}
class Findings;
class Scene;
class SliceView;
class ViewHistory;
class VolumeAnnotations;
class VolumeView3D;
enum class Plane;
struct PointLps;
struct ReferenceSlice;
struct ShownSeries;

/// The views of the window in rows and columns: the three planes and the volume of one series, or up to 3 x 4 views of any series. One view
/// is active. A single image has one view in the layout of planes. Series are dropped on a view; the owner brings their volumes.
class ViewGrid : public QWidget {
    Q_OBJECT
public:
    ViewGrid(Scene* scene, Findings* findings, QWidget* parent = nullptr);

    const GridLayout& gridLayout() const { return m_spec; }
    /// Series stay in the views that are left; a linked layout shows the active series.
    void setGridLayout(const GridLayout& layout);
    int count() const { return m_spec.count(); }
    /// View of a cell; a cell that shows the volume has one too, hidden.
    SliceView* view(int cell) const { return m_cells[std::size_t(cell)].view; }
    VolumeView3D* volumeView() const { return m_volume; }
    /// Undo and redo, of the views too.
    ViewHistory* history() const { return m_history; }
    SliceView* activeView() const { return view(m_active); }
    int activeCell() const { return m_active; }
    void setActiveCell(int cell);
    /// The next (1) or previous (-1) visible view becomes active and gets the keyboard.
    void activateNext(int step);
    /// Key of the series of a cell; empty for none.
    std::string seriesOf(int cell) const;
    /// Shows a series that the scene has, in one cell of a layout that is not linked any more then; makes it active.
    void place(int cell, const std::string& key);
    /// Empties a cell.
    void clearCell(int cell);
    /// Another patient would come beside those of the other views.
    bool wouldMixPatients(int cell, const dicom::Series& series) const;
    bool showsTwoPatients() const { return m_twoPatients; }

    bool isMaximized() const { return m_maximized != nullptr; }
    /// Shows one view alone, or all again (null).
    void maximize(QWidget* view);
    /// Of the volume where it is shown alone, else of the active view.
    QImage picture() const;
    void toggleMaximized(QWidget* view) { maximize(m_maximized == view ? nullptr : view); }
    void fitAll();
    /// All views as at first: fitted, neither flipped nor turned.
    void resetAll();
    void setCrosshairShown(bool shown);
    void setTextShown(bool shown);
    void setReferenceLinesShown(bool shown);

Q_SIGNALS:
    void contextMenuAsked(hf::SliceView* view, QPoint globalPos);
    /// A series of the study list was dropped on a view.
    void seriesDropped(int cell, const QString& seriesKey);
    void layoutChanged();
    void activeChanged();

protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dragMoveEvent(QDragMoveEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    struct Cell {
        SliceView* view = nullptr;
        std::string key;        ///< Of a layout that is not linked.
    };
    void addCell();
    void sceneChanged();
    void arrange();
    void showCells();
    void updateVolume();
    /// Of the cell that shows the volume; null without.
    const ShownSeries* shownAsVolume() const;
    void updatePatients();
    void followPlane();
    /// Images that are compared are fitted at one scale, once all views have their places.
    void matchScalesLater();
    double scaleOfOthers(const SliceView* own) const;
    QWidget* widgetOf(int cell) const;
    int cellAt(QPoint at) const;
    bool leaveByTab(int cell, int step);
    bool isSingle() const;
    std::vector<ReferenceSlice> referencesFor(const SliceView* own) const;
    std::optional<PointLps> linkedPlaceFor(const SliceView* own) const;

    Scene* m_scene;
    Findings* m_findings;
    ViewHistory* m_history;
    QGridLayout* m_grid;
    GridLayout m_spec = GridLayout::planes();
    std::vector<Cell> m_cells;
    VolumeView3D* m_volume;
    VolumeAnnotations* m_volumeTexts;
    QWidget* m_maximized = nullptr;
    std::string m_lastKey;      ///< Active series of a linked layout.
    int m_active = 0;
    bool m_crosshair = true, m_texts = true, m_references = true, m_twoPatients = false, m_isMatching = false;
};

} // namespace hf
