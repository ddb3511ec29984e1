#pragma once

#include "viewer/dicom/Study.h"
#include "viewer/volume/Measurement.h"
#include "viewer/widgets/HangingRules.h"

#include <QObject>
#include <QStringList>

#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace hf {
class Findings;
class Scene;
class StudyBrowser;
class ViewGrid;
} // namespace hf

namespace hf::app {

class Loader;

/// Brings series into views: reads what is not here yet, one after the other, and asks before two patients come into one window.
class SeriesPlacer : public QObject {
    Q_OBJECT
public:
    struct Parts {
        Scene* scene;
        Findings* findings;
        Loader* loader;
        StudyBrowser* browser;
        ViewGrid* grid;
    };
    SeriesPlacer(const Parts& parts, QWidget* window);

    /// In the active view, or in all views of a linked layout.
    void show(const dicom::Series& series);
    /// In one view of the grid.
    void showIn(int cell, const dicom::Series& series);
    /// The layout of a rule with the series that hang() chose; the first one becomes active.
    void arrange(const HangingRule& rule, const std::vector<const dicom::Series*>& series);
    /// Puts what the study of the active series has and no view shows yet into empty views, the largest series first.
    void fillEmpty();
    /// Goes on where another job of the loader came between.
    void resume() { next(); }
    /// The loader has read a series.
    void loaded(const std::shared_ptr<const Volume>& volume, const dicom::Series& series, const std::vector<UltrasoundRegion>& regions);
    /// The loader has given up; goes on with the next unless the reader stopped it.
    void failed(const QString& code);
    void clear() { m_waiting.clear(); }

private:
    struct Order {
        int cell;               ///< -1: all views of a linked layout.
        dicom::Series series;
        bool becomesActive = true;
        HangingView view = {};      ///< Its window and preset.
        bool isFill = false;        ///< Nobody asked for it: the reader's wishes come first.
    };
    void dropFills();
    void start(Order order);
    void next();
    void put(const Order& order, const std::shared_ptr<const Volume>& volume);
    void markShown();
    void setUp(const HangingView& view, int cell);
    /// Asks when another patient would come beside; once for each pair of patients.
    void guarded(int cell, const dicom::Series& series, std::function<void()> go);

    Parts m_parts;
    QWidget* m_window;
    std::deque<Order> m_waiting;        ///< The first one is being read.
    QStringList m_allowed;              ///< Pairs of patients that the reader wants beside each other.
};

} // namespace hf::app
