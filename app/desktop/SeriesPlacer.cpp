#include "app/desktop/SeriesPlacer.h"

#include "app/desktop/Loader.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/widgets/Findings.h"
#include "viewer/widgets/PatientGuard.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/StudyBrowser.h"
#include "viewer/widgets/ViewGrid.h"

#include <QMessageBox>
#include <QPushButton>

#include <algorithm>

namespace hf::app {

namespace {

QString text(const std::string& s) { return QString::fromStdString(s); }

QString patientText(const dicom::Series& series)
{
    const dicom::PatientText& patient = series.patient;
    QStringList words{text(patient.displayName()), text(patient.id), text(patient.birthDate)};
    words.removeAll(QString());
    return words.isEmpty() ? SeriesPlacer::tr("unknown patient") : words.join(", ");
}

} // namespace

SeriesPlacer::SeriesPlacer(const Parts& parts, QWidget* window) : QObject(window), m_parts(parts), m_window(window)
{
    connect(parts.grid, &ViewGrid::seriesDropped, this, [this](int cell, const QString& key) {
        if (const dicom::Series* series = m_parts.browser->findSeries(key.toStdString())) {
            showIn(cell, *series);
        }
    });
    connect(parts.grid, &ViewGrid::activeChanged, this, [this] {
        if (const std::string key = m_parts.grid->seriesOf(m_parts.grid->activeCell()); !key.empty()) {
            m_parts.browser->setCurrentSeries(key);
        }
    });
}

void SeriesPlacer::show(const dicom::Series& series)
{
    ViewGrid* grid = m_parts.grid;
    if (!grid->gridLayout().isLinked) {
        showIn(grid->activeCell(), series);
    } else if (m_parts.scene->isEmpty() || m_parts.scene->series().key != series.key) {
        m_waiting.clear();
        start({-1, series});
    }
}

void SeriesPlacer::showIn(int cell, const dicom::Series& series)
{
    if (m_parts.grid->seriesOf(cell) == series.key) {
        m_parts.grid->setActiveCell(cell);
        return;
    }
    guarded(cell, series, [this, cell, series] {
        // The newest wish for a view counts.
        const bool isReading = !m_waiting.empty();
        const auto stale = [cell](const Order& order) { return order.cell == cell || order.cell < 0; };
        m_waiting.erase(std::remove_if(m_waiting.begin() + (isReading ? 1 : 0), m_waiting.end(), stale), m_waiting.end());
        start({cell, series});
    });
}

void SeriesPlacer::arrange(const HangingRule& rule, const std::vector<const dicom::Series*>& series)
{
    m_waiting.clear();
    ViewGrid* grid = m_parts.grid;
    grid->setGridLayout(rule.layout);
    // Nothing of another patient may stand beside while the series are read.
    for (int cell = 0; cell < grid->count(); ++cell) {
        grid->clearCell(cell);
    }
    bool isFirst = true;
    for (int cell = 0; cell < int(series.size()); ++cell) {
        if (series[std::size_t(cell)]) {
            start({rule.layout.isLinked ? -1 : cell, *series[std::size_t(cell)], isFirst, std::size_t(cell) < rule.views.size() ? rule.views[std::size_t(cell)] : HangingView()});
            isFirst = false;
        }
    }
}

/// Those that wait; one that is being read goes on.
void SeriesPlacer::dropFills()
{
    if (!m_waiting.empty()) {
        m_waiting.erase(std::remove_if(m_waiting.begin() + 1, m_waiting.end(), [](const Order& order) { return order.isFill; }), m_waiting.end());
    }
}

void SeriesPlacer::fillEmpty()
{
    dropFills();
    const ViewGrid* grid = m_parts.grid;
    // A scan brings studies that are arranged by themselves.
    if (grid->gridLayout().isLinked || m_parts.scene->isEmpty() || (m_parts.loader->isBusy() && m_waiting.empty())) {
        return;
    }
    std::vector<std::string> taken;
    std::vector<int> empty;
    for (int cell = 0; cell < grid->count(); ++cell) {
        const auto order = std::find_if(m_waiting.begin(), m_waiting.end(), [cell](const Order& one) { return one.cell == cell; });
        if (order != m_waiting.end()) {
            taken.push_back(order->series.key);
        } else if (!grid->seriesOf(cell).empty()) {
            taken.push_back(grid->seriesOf(cell));
        } else if (grid->gridLayout().show(cell) == CellShow::Images) {
            empty.push_back(cell);
        }
    }
    const std::vector<dicom::Study>& studies = m_parts.browser->studies();
    const auto study = std::find_if(studies.begin(), studies.end(), [&](const dicom::Study& one) { return one.uid == m_parts.scene->series().studyUid; });
    std::vector<dicom::Series> left;
    if (study != studies.end()) {
        std::copy_if(study->series.begin(), study->series.end(), std::back_inserter(left), [&](const dicom::Series& one) { return std::find(taken.begin(), taken.end(), one.key) == taken.end(); });
    }
    std::stable_sort(left.begin(), left.end(), [](const dicom::Series& a, const dicom::Series& b) { return a.images.size() > b.images.size(); });
    for (std::size_t n = 0; n < std::min(left.size(), empty.size()); ++n) {
        start({empty[n], left[n], false, {}, true});
    }
}

void SeriesPlacer::setUp(const HangingView& view, int cell)
{
    if (const WindowPreset* preset = findPreset(view.window.toStdString()); preset && fits(*preset, m_parts.scene->volume()->info())) {
        m_parts.scene->setWindow(preset->window);
    }
    if (!view.preset.isEmpty() && cell >= 0 && m_parts.grid->gridLayout().show(cell) == CellShow::Volume) {
        m_parts.grid->volumeView()->setPreset(view.preset, false);
    }
}

void SeriesPlacer::start(Order order)
{
    // What another view shows is here already.
    if (const ShownSeries* shown = m_parts.scene->find(order.series.key)) {
        put(order, shown->asRead());
        return;
    }
    m_waiting.push_back(std::move(order));
    if (m_waiting.size() == 1) {
        m_parts.loader->read(m_waiting.front().series);
    }
}

void SeriesPlacer::next()
{
    while (!m_waiting.empty()) {
        const ShownSeries* shown = m_parts.scene->find(m_waiting.front().series.key);
        if (!shown) {
            m_parts.loader->read(m_waiting.front().series);
            return;
        }
        const Order order = std::move(m_waiting.front());
        m_waiting.pop_front();
        put(order, shown->asRead());
    }
}

void SeriesPlacer::put(const Order& order, const std::shared_ptr<const Volume>& volume)
{
    if (order.cell >= m_parts.grid->count()) {
        return;     // the layout has fewer views by now
    }
    if (order.cell < 0) {
        m_parts.scene->setVolume(volume, order.series);
        setUp(order.view, order.cell);
    } else {
        const int active = m_parts.grid->activeCell();
        if (m_parts.scene->isEmpty()) {
            m_parts.grid->setActiveCell(order.cell);    // the first series goes to the active view
        }
        m_parts.scene->addVolume(volume, order.series);
        m_parts.grid->place(order.cell, order.series.key);
        setUp(order.view, order.cell);
        if (!order.becomesActive && (order.isFill || !m_parts.grid->seriesOf(active).empty())) {
            m_parts.grid->setActiveCell(active);
        }
    }
    m_parts.browser->setCurrentSeries(m_parts.scene->series().key);
}

void SeriesPlacer::loaded(const std::shared_ptr<const Volume>& volume, const dicom::Series& series, const std::vector<UltrasoundRegion>& regions)
{
    Order order{-1, series};
    if (!m_waiting.empty() && m_waiting.front().series.key == series.key) {
        order = std::move(m_waiting.front());
        m_waiting.pop_front();
    }
    m_parts.findings->setUltrasoundRegionsOf(series.key, regions);
    put(order, volume);
    next();
}

/// The list marks what the active view shows.
void SeriesPlacer::markShown()
{
    if (!m_parts.scene->isEmpty()) {
        m_parts.browser->setCurrentSeries(m_parts.scene->series().key);
    }
}

void SeriesPlacer::failed(const QString& code)
{
    if (!m_waiting.empty()) {
        markShown();
    }
    if (code == "memory" || code == "too-large") {
        dropFills();
    }
    if (code == "cancelled") {
        m_waiting.clear();
    } else if (!m_waiting.empty()) {
        m_waiting.pop_front();
        next();
    }
}

void SeriesPlacer::guarded(int cell, const dicom::Series& series, std::function<void()> go)
{
    QString others;
    for (int n = 0; n < m_parts.grid->count(); ++n) {
        const ShownSeries& shown = m_parts.grid->view(n)->shown();
        if (n != cell && !shown.isEmpty() && mayBeOtherPatients(shown.series, series)) {
            others = patientText(shown.series);
        }
    }
    const QString own = patientText(series);
    QStringList both{own, others};
    both.sort();
    const QString pair = both.join('\n');
    if (others.isEmpty() || m_allowed.contains(pair)) {
        go();
        return;
    }
    auto* box = new QMessageBox(QMessageBox::Warning, tr("Two patients"), tr("This series may show another patient than the other views."), QMessageBox::NoButton, m_window);
    box->setObjectName("twoPatients");
    box->setInformativeText(tr("Shown: %1\nThis series: %2\n\nIf both are shown, every view is marked until one of them is gone.").arg(others, own));
    QPushButton* show = box->addButton(tr("Show both patients"), QMessageBox::AcceptRole);
    show->setObjectName("showBothPatients");
    box->setDefaultButton(box->addButton(QMessageBox::Cancel));
    box->setAttribute(Qt::WA_DeleteOnClose);
    connect(show, &QPushButton::clicked, this, [this, pair, go = std::move(go)] {
        m_allowed << pair;
        go();
    });
    connect(box, &QMessageBox::rejected, this, &SeriesPlacer::markShown);
    box->open();
}

} // namespace hf::app
