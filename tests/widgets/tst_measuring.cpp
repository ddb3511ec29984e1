#include "support/GuiMain.h"
#include "support/SmallDisk.h"
#include "viewer/volume/Error.h"
#include "viewer/widgets/Findings.h"
#include "viewer/widgets/FindingsFile.h"
#include "viewer/widgets/FindingsPanel.h"
#include "viewer/widgets/MeasurementText.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"

#include <QApplication>
#include <QDir>
#include <QLineEdit>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QTreeWidget>
#include <QUndoStack>
#include <QWheelEvent>

#include <cmath>
#include <random>

using namespace hf;

/// Measurements drawn, edited, undone, kept: real mouse and key events on a view of one pixel a voxel.
class tst_measuring : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        // Value = column: means and extremes are known without a computer.
        std::vector<std::int16_t> voxels;
        for (int n = 0; n < kSize * kSize * kSlices; ++n) {
            voxels.push_back(std::int16_t(n % kSize));
        }
        m_volume = std::make_shared<const Volume>(Geometry({kSize, kSize, kSlices}, {kSpacing, kSpacing, 3}, {-50, -40, 10}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), std::move(voxels),
            VolumeInfo{.modality = "CT", .unit = Unit::Hu});
        m_series.key = m_series.uid = "1.2.3.1";
        m_series.studyUid = "1.2.3";
        m_series.modality = "CT";
        m_series.kind = dicom::SeriesKind::Volume;
        m_series.patient.name = "Secret^Name";
        m_series.orientation = std::array{Vec3{1, 0, 0}, Vec3{0, 1, 0}};
    }

    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        open();
    }

    void cleanup() { close(); }

    void aDistanceIsDraggedAndKnown()
    {
        m_scene->setTool(Tool::Length);
        drag({100, 100}, {160, 180});
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        QVERIFY(std::abs(*facts().length - 100 * kSpacing) < 1e-6);
        QCOMPARE(measurementLines(m_findings->all()[0].measurement, facts()), QStringList{"50.0 mm"});
        // Window and place are untouched by the tool.
        QCOMPARE(m_scene->window().width, m_volume->defaultWindow().width);
    }

    void aDistanceIsClickedToo()
    {
        m_scene->setTool(Tool::Length);
        click({100, 100});
        QVERIFY(m_findings->all().empty());
        move({130, 140});
        click({130, 140});
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        QVERIFY(std::abs(*facts().length - 50 * kSpacing) < 1e-6);
    }

    void anAngleTakesThreeClicks()
    {
        m_scene->setTool(Tool::Angle);
        click({200, 100});
        click({100, 100});
        click({100, 200});
        QVERIFY(std::abs(*facts().angleDeg - 90) < 1e-6);
    }

    void aCobbAngleTakesTwoDrags()
    {
        m_scene->setTool(Tool::Cobb);
        drag({100, 100}, {200, 100});
        drag({100, 200}, {200, 300});
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        QVERIFY(std::abs(*facts().angleDeg - 45) < 1e-6);
    }

    void regionsTellTheirPixels()
    {
        m_scene->setTool(Tool::Rectangle);
        drag(pixelOf(20, 30), pixelOf(40, 60));
        QCOMPARE(facts().region->pixels, std::size_t(21 * 31));
        QVERIFY(std::abs(facts().region->mean - 30) < 1e-9);
        QCOMPARE(facts().region->minimum, 20.0);
        QCOMPARE(facts().region->maximum, 40.0);
        // Population SD of 20 .. 40.
        QVERIFY(std::abs(facts().region->sd - std::sqrt((21.0 * 21.0 - 1) / 12)) < 1e-9);
        QVERIFY(std::abs(facts().region->area - 20 * 30 * kSpacing * kSpacing) < 1e-6);
        m_scene->setTool(Tool::Ellipse);
        drag(pixelOf(80, 80), pixelOf(120, 120));
        QVERIFY(std::abs(facts().region->mean - 100) < 1e-9);
        QVERIFY(std::abs(facts().region->area - M_PI * 20 * 20 * kSpacing * kSpacing) < 1e-6);
    }

    void aPolygonIsClosedByDoubleClickEnterOrItsFirstPoint()
    {
        m_scene->setTool(Tool::Polygon);
        const QList<QPoint> corners{pixelOf(20, 20), pixelOf(60, 20), pixelOf(60, 50)};
        for (const QPoint& p : corners) {
            click(p);
        }
        QTest::mouseDClick(m_view.get(), Qt::LeftButton, {}, corners.back());
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        QVERIFY(std::abs(facts().region->area - 0.5 * 40 * 30 * kSpacing * kSpacing) < 1e-6);
        for (const QPoint& p : corners) {
            click(p + QPoint(0, 150));
        }
        QTest::keyClick(m_view.get(), Qt::Key_Return);
        QCOMPARE(m_findings->all().size(), std::size_t(2));
        for (const QPoint& p : corners) {
            click(p + QPoint(150, 150));
        }
        click(corners.front() + QPoint(150, 150));
        QCOMPARE(m_findings->all().size(), std::size_t(3));
        QCOMPARE(m_findings->all()[2].measurement.points.size(), std::size_t(3));
        QVERIFY(std::abs(m_findings->all()[2].facts.region->area - m_findings->all()[0].facts.region->area) < 1e-6);
    }

    void backspaceAndEscapeTakeBack()
    {
        m_scene->setTool(Tool::Polygon);
        click({50, 50});
        click({150, 50});
        click({150, 150});
        QTest::keyClick(m_view.get(), Qt::Key_Backspace);
        click({60, 150});
        QTest::keyClick(m_view.get(), Qt::Key_Return);
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        QVERIFY(length(m_findings->all()[0].measurement.points[2] - m_view->frame().toLps(60, 150)) < 1e-9);
        click({200, 200});
        QTest::keyClick(m_view.get(), Qt::Key_Escape);
        QVERIFY(!m_view->measureTool().isDrawing());
        QCOMPARE(m_findings->all().size(), std::size_t(1));
    }

    void keysAloneDraw()
    {
        focus();
        m_scene->setTool(Tool::Length);
        const PointLps middle = m_view->frame().toLps(m_view->rect().center().x(), m_view->rect().center().y());
        key(Qt::Key_Left, 3);
        key(Qt::Key_Return);
        QVERIFY(m_view->measureTool().isDrawing());
        key(Qt::Key_Right, 4, Qt::ShiftModifier);
        key(Qt::Key_Down, 3, Qt::ShiftModifier);
        key(Qt::Key_Return);
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        QVERIFY(std::abs(*facts().length - 50 * kSpacing) < 1e-6);
        QVERIFY(length(m_findings->all()[0].measurement.points[0] - (middle + Vec3{-3 * kSpacing, 0, 0})) < 1e-6);
        // Twice at one place is no distance; Backspace and Escape give it up.
        key(Qt::Key_Space);
        key(Qt::Key_Space);
        QVERIFY(m_view->measureTool().isDrawing());
        key(Qt::Key_Backspace);
        QVERIFY(!m_view->measureTool().isDrawing());
        key(Qt::Key_Space);
        key(Qt::Key_Escape);
        QVERIFY(!m_view->measureTool().isDrawing());
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        // It goes no farther than the view does.
        key(Qt::Key_Left, 100, Qt::ShiftModifier);
        key(Qt::Key_Return);
        key(Qt::Key_Right, 200, Qt::ShiftModifier);
        key(Qt::Key_Return);
        QVERIFY(std::abs(*facts().length - (m_view->width() - 1) * kSpacing) < 1e-6);
    }

    void keysDrawEveryKind_data()
    {
        QTest::addColumn<Tool>("tool");
        QTest::addColumn<int>("points");
        QTest::newRow("angle") << Tool::Angle << 3;
        QTest::newRow("Cobb angle") << Tool::Cobb << 4;
        QTest::newRow("ellipse") << Tool::Ellipse << 2;
        QTest::newRow("rectangle") << Tool::Rectangle << 2;
        QTest::newRow("arrow") << Tool::Arrow << 2;
        QTest::newRow("probe") << Tool::Probe << 1;
    }

    void keysDrawEveryKind()
    {
        QFETCH(Tool, tool);
        QFETCH(int, points);
        focus();
        m_scene->setTool(tool);
        for (int n = 0; n < points; ++n) {
            QVERIFY(m_findings->all().empty());
            key(Qt::Key_Return);
            key(n % 2 ? Qt::Key_Down : Qt::Key_Right, 5, Qt::ShiftModifier);
        }
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        QCOMPARE(int(m_findings->all()[0].measurement.points.size()), points);
        QVERIFY(!m_view->measureTool().isDrawing());
    }

    void keysCloseAPolygon()
    {
        focus();
        m_scene->setTool(Tool::Polygon);
        key(Qt::Key_Return);
        key(Qt::Key_Right, 4, Qt::ShiftModifier);
        key(Qt::Key_Return);
        key(Qt::Key_Return);        // two corners close nothing
        key(Qt::Key_Up, 7, Qt::ShiftModifier);
        key(Qt::Key_Return);
        key(Qt::Key_Backspace);     // elsewhere after all
        key(Qt::Key_Down, 10, Qt::ShiftModifier);
        key(Qt::Key_Return);
        QVERIFY(m_findings->all().empty());
        key(Qt::Key_Return);
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        QCOMPARE(m_findings->all()[0].measurement.points.size(), std::size_t(3));
        QVERIFY(std::abs(facts().region->area - 0.5 * 40 * 30 * kSpacing * kSpacing) < 1e-6);
        // On its first corner, too.
        const std::pair<Qt::Key, int> steps[] = {{Qt::Key_Right, 4}, {Qt::Key_Down, 3}, {Qt::Key_Left, 4}, {Qt::Key_Up, 3}};
        key(Qt::Key_Return);
        for (const auto& [direction, count] : steps) {
            key(direction, count, Qt::ShiftModifier);
            key(Qt::Key_Return);
        }
        QCOMPARE(m_findings->all().size(), std::size_t(2));
        QVERIFY(std::abs(facts().region->area - 40 * 30 * kSpacing * kSpacing) < 1e-6);
    }

    void keysDrawAnOutlineAndAText()
    {
        focus();
        m_scene->setTool(Tool::Freehand);
        key(Qt::Key_Return);
        key(Qt::Key_Right, 3, Qt::ShiftModifier);
        key(Qt::Key_Down, 4, Qt::ShiftModifier);
        key(Qt::Key_Down, 1, Qt::ShiftModifier);
        key(Qt::Key_Backspace);
        key(Qt::Key_Left, 3, Qt::ShiftModifier);
        key(Qt::Key_Return);
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        QVERIFY(std::abs(facts().region->area - 30 * 40 * kSpacing * kSpacing) < 1e-6);
        m_scene->setTool(Tool::Text);
        key(Qt::Key_Return);
        auto* editor = m_view->findChild<QLineEdit*>("measurementText");
        QVERIFY(editor);
        QTest::keyClicks(editor, "node");
        QTest::keyClick(editor, Qt::Key_Return);
        QCOMPARE(m_findings->all().size(), std::size_t(2));
        QCOMPARE(m_findings->all()[1].measurement.text, std::string("node"));
    }

    void keysMoveWhatIsDrawn()
    {
        focus();
        m_scene->setTool(Tool::Length);
        drag({100, 100}, {160, 100});
        m_scene->setTool(Tool::Window);
        const Measurement before = m_findings->all()[0].measurement;
        const int id = before.id, steps = m_scene->undoStack()->count();
        QVERIFY(m_view->editByKeys(id));
        key(Qt::Key_Down, 2, Qt::ShiftModifier);
        // The second end alone, the mouse does not disturb.
        key(Qt::Key_Tab, 2);
        move({30, 30}, {});
        key(Qt::Key_Right, 5);
        QCOMPARE(m_findings->all()[0].measurement.points, before.points);      // not kept yet
        key(Qt::Key_Return);
        const auto& points = m_findings->all()[0].measurement.points;
        QVERIFY(length(points[0] - (before.points[0] + Vec3{0, 20 * kSpacing, 0})) < 1e-6);
        QVERIFY(length(points[1] - (before.points[1] + Vec3{5 * kSpacing, 20 * kSpacing, 0})) < 1e-6);
        QVERIFY(std::abs(*facts().length - 65 * kSpacing) < 1e-6);
        QCOMPARE(m_scene->undoStack()->count(), steps + 1);
        // Once more, and given up; from the first end back to the whole.
        QVERIFY(m_view->editByKeys(id));
        key(Qt::Key_Tab);
        key(Qt::Key_Tab, 1, Qt::ShiftModifier);
        key(Qt::Key_Up, 9);
        key(Qt::Key_Escape);
        QVERIFY(std::abs(*facts().length - 65 * kSpacing) < 1e-6);
        QCOMPARE(m_scene->undoStack()->count(), steps + 1);
        m_scene->undoStack()->undo();
        QCOMPARE(m_findings->all()[0].measurement.points, before.points);
        // On another slice there is nothing to be moved.
        m_scene->setSlice(Plane::Axial, m_scene->slice(Plane::Axial) + 1);
        QVERIFY(!m_view->editByKeys(id));
        QVERIFY(!m_view->measureTool().keyCursor());
    }

    void theMouseTakesOverFromTheKeys()
    {
        focus();
        m_scene->setTool(Tool::Length);
        QVERIFY(m_view->measureTool().keyCursor());
        const QImage with = m_view->grab().toImage();
        move({120, 80}, {});
        QVERIFY(!m_view->measureTool().keyCursor());
        QVERIFY(with != m_view->grab().toImage());
        key(Qt::Key_Right);         // the window's
        QVERIFY(!m_view->measureTool().keyCursor());
        // Back at the pointer; the key that brings it sets nothing.
        key(Qt::Key_Return);
        QVERIFY(m_view->measureTool().keyCursor() && !m_view->measureTool().isDrawing());
        QVERIFY(length(*m_view->measureTool().keyCursor() - m_view->frame().toLps(120, 80)) < 1e-6);
        m_scene->setTool(Tool::Window);
        QVERIFY(!m_view->measureTool().keyCursor());
        key(Qt::Key_Return);
        QVERIFY(!m_view->measureTool().keyCursor());
    }

    void freehandFollowsThePointer()
    {
        m_scene->setTool(Tool::Freehand);
        press({250, 200});
        for (int deg = 5; deg <= 360; deg += 5) {
            move(QPoint(int(std::lround(200 + 50 * std::cos(deg * M_PI / 180))), int(std::lround(200 + 50 * std::sin(deg * M_PI / 180)))), Qt::LeftButton);
        }
        release({250, 200});
        QVERIFY(std::abs(facts().region->area / (M_PI * 50 * 50 * kSpacing * kSpacing) - 1) < 0.01);
    }

    void textArrowAndProbe()
    {
        m_scene->setTool(Tool::Text);
        click({120, 90});
        auto* editor = m_view->findChild<QLineEdit*>("measurementText");
        QVERIFY(editor && editor->isVisible());
        QTest::keyClicks(editor, "cyst?");
        QTest::keyClick(editor, Qt::Key_Return);
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        QCOMPARE(m_findings->all()[0].measurement.text, std::string("cyst?"));
        m_scene->setTool(Tool::Arrow);
        drag({200, 200}, {240, 240});
        QVERIFY(m_findings->all()[1].measurement.kind == MeasurementKind::Arrow);
        m_scene->setTool(Tool::Probe);
        click(pixelOf(77, 30));
        QCOMPARE(*facts().value, 77.0);
        QCOMPARE(measurementSummary(m_findings->all()[2].measurement, facts()), QString("77 HU"));
    }

    void valuesAndPlacesHaveTheirDigits()
    {
        QCOMPARE(voxelText(16777217, Unit::None), QString("16777217"));
        QCOMPARE(voxelText(-2147483648.0, Unit::None), QString("-2147483648"));
        QCOMPARE(voxelText(double(0.1F), Unit::None), QString("0.1"));
        QCOMPARE(voxelText(0.00123, Unit::None), QString("0.00123"));
        QCOMPARE(voxelText(2.5, Unit::Suv), QString("SUV 2.5"));
        QCOMPARE(voxelText(-1000, Unit::Hu), QString("-1000 HU"));
        QCOMPARE(placeText({12.344, -0.5, -101.556}), QString("L 12.34 A 0.50 I 101.56"));
        QCOMPARE(placeText({-3, 4, 5}), QString("R 3.00 P 4.00 S 5.00"));
        // Statistics of small values do not become 0.
        Measurement region;
        region.kind = MeasurementKind::Ellipse;
        MeasurementFacts facts;
        facts.region = RegionFacts{9, 0.00123, 0.0456, 1.5e-6, 0.5, 12, 12, 12};
        QCOMPARE(measurementLines(region, facts).mid(0, 2), QStringList({"Mean 0.00123  SD 0.0456", "Min 1.5e-06  Max 0.500"}));
    }

    void handlesAndLinesAreDragged()
    {
        m_scene->setTool(Tool::Length);
        drag({100, 100}, {200, 100});
        m_scene->setTool(Tool::Window);     // editing works with every tool
        drag({200, 100}, {200, 175});
        QVERIFY(std::abs(*facts().length - 125 * kSpacing) < 1e-6);
        QCOMPARE(m_scene->window().width, m_volume->defaultWindow().width);
        const auto before = m_findings->all()[0].measurement.points;
        drag({152, 139}, {172, 149});       // the line itself
        const auto after = m_findings->all()[0].measurement.points;
        QVERIFY(length((after[0] - before[0]) - Vec3{20 * kSpacing, 10 * kSpacing, 0}) < 1e-6);
        QVERIFY(length((after[1] - before[1]) - Vec3{20 * kSpacing, 10 * kSpacing, 0}) < 1e-6);
        m_scene->undoStack()->undo();
        QVERIFY(m_findings->all()[0].measurement.points == before);
        // The four corners of a box, also those that are no points of it.
        m_scene->setTool(Tool::Rectangle);
        drag({300, 300}, {340, 340});
        drag({340, 300}, {350, 290});
        QVERIFY(std::abs(facts().region->area - 50 * 50 * kSpacing * kSpacing) < 1e-6);
        drag({300, 340}, {290, 350});
        QVERIFY(std::abs(facts().region->area - 60 * 60 * kSpacing * kSpacing) < 1e-6);
    }

    void everythingIsUndoneAndRedone()
    {
        // 200 random edits by mouse and list; undone to nothing and redone to the same.
        std::mt19937 random(7);
        const auto upTo = [&](int n) { return int(random() % unsigned(n)); };
        const Tool tools[] = {Tool::Length, Tool::Arrow, Tool::Ellipse, Tool::Rectangle, Tool::Probe};
        std::vector<QByteArray> states{toJson(m_findings->all(), 0)};
        for (int n = 0; n < 200; ++n) {
            const int choice = upTo(6);
            if (choice < 3 || m_findings->all().empty()) {
                m_scene->setTool(tools[upTo(5)]);
                const QPoint from(30 + upTo(300), 30 + upTo(300));
                drag(from, from + QPoint(20 + upTo(40), 20 + upTo(40)));
            } else {
                const Finding chosen = m_findings->all()[std::size_t(upTo(int(m_findings->all().size())))];
                if (choice == 3) {
                    m_findings->remove(chosen.measurement.id);
                } else {
                    Measurement changed = chosen.measurement;
                    changed.text = "text " + std::to_string(n);
                    m_findings->replace(changed);
                }
            }
            if (m_scene->undoStack()->index() == int(states.size())) {
                states.push_back(toJson(m_findings->all(), 0));
            }
        }
        QVERIFY(states.size() > 100);
        for (int n = int(states.size()) - 1; n > 0; --n) {
            QCOMPARE(toJson(m_findings->all(), 0), states[std::size_t(n)]);
            m_scene->undoStack()->undo();
        }
        QCOMPARE(toJson(m_findings->all(), 0), states[0]);
        QVERIFY(!m_scene->undoStack()->canUndo());
        while (m_scene->undoStack()->canRedo()) {
            m_scene->undoStack()->redo();
        }
        QCOMPARE(toJson(m_findings->all(), 0), states.back());
    }

    void aDrawingIsSeenOnItsSliceAlone()
    {
        m_scene->setTool(Tool::Length);
        drag({100, 100}, {160, 180});
        m_findings->setSelected(0);
        QVERIFY(m_view->measurementAt({130, 140}) != 0);
        m_scene->setSlice(Plane::Axial, m_scene->slice(Plane::Axial) + 1);
        QCOMPARE(m_view->measurementAt({130, 140}), 0);
        m_view->setPlane(Plane::Coronal);
        QCOMPARE(m_view->measurementAt({130, 140}), 0);
        m_view->setPlane(Plane::Axial);
        m_findings->jumpToNext(1);
        m_view->showOneToOne();
        QVERIFY(m_view->measurementAt({130, 140}) != 0);
        QCOMPARE(m_findings->selected(), m_findings->all()[0].measurement.id);
    }

    void aMeasurementTurnsWithItsImage()
    {
        m_scene->setTool(Tool::Length);
        drag({100, 100}, {160, 180});
        const double before = *facts().length;
        m_view->turn(true);
        m_view->flip(Qt::Horizontal);
        const auto [x, y] = m_view->frame().toPixel(m_findings->all()[0].measurement.points[0]);
        QVERIFY(m_view->measurementAt(QPointF(x, y).toPoint()) != 0);
        // The handle goes where it is dragged, whichever way the image lies.
        m_scene->setTool(Tool::Window);
        const QPoint to(90, 250);
        drag(QPointF(x, y).toPoint(), to);
        QVERIFY(length(m_findings->all()[0].measurement.points[0] - m_view->frame().toLps(to.x(), to.y())) < 0.3);
        QVERIFY(*facts().length != before);
    }

    void eachStudyKeepsItsEditsToTakeBack()
    {
        m_scene->setTool(Tool::Length);
        drag({100, 100}, {180, 190});
        drag({60, 60}, {90, 190});
        m_scene->undoStack()->undo();
        QCOMPARE(int(m_findings->all().size()), 1);
        dicom::Series other = m_series;
        other.studyUid = "9.9";
        other.key = other.uid = "9.9.1";
        m_scene->setVolume(m_volume, other);
        QVERIFY(!m_scene->undoStack()->canUndo() && !m_scene->undoStack()->canRedo());
        drag({100, 100}, {180, 190});
        m_scene->setVolume(m_volume, m_series);
        QCOMPARE(int(m_findings->all().size()), 1);
        m_scene->undoStack()->redo();
        QCOMPARE(int(m_findings->all().size()), 2);
        m_scene->undoStack()->undo();
        m_scene->undoStack()->undo();
        QVERIFY(m_findings->all().empty());
        QVERIFY(!m_scene->undoStack()->canUndo());
        // What was done in the other study in between is still there, with its own history.
        m_scene->setVolume(m_volume, other);
        QCOMPARE(int(m_findings->all().size()), 1);
        m_scene->undoStack()->undo();
        QVERIFY(m_findings->all().empty());
        m_scene->clear();
        QVERIFY(!m_scene->undoStack()->canRedo());
    }

    void whatWasMeasuredIsThereAgain()
    {
        m_scene->setTool(Tool::Ellipse);
        drag({100, 100}, {180, 190});
        Measurement named = m_findings->all()[0].measurement;
        named.text = "Läsion";
        m_findings->replace(named);
        const QByteArray before = toJson(m_findings->all(), 1);
        close();
        // One file, and nothing in its name tells who the patient is.
        const QStringList files = QDir(m_folder->path()).entryList(QDir::Files);
        QCOMPARE(files.size(), 1);
        QVERIFY(!files[0].contains("Secret", Qt::CaseInsensitive) && !files[0].contains("1.2.3"));
        open();
        QCOMPARE(toJson(m_findings->all(), 1), before);
        QVERIFY(!m_scene->undoStack()->canUndo());
        // Another study has none of them, and coming back finds them.
        dicom::Series other = m_series;
        other.studyUid = "9.9";
        other.key = other.uid = "9.9.1";
        m_scene->setVolume(m_volume, other);
        QVERIFY(m_findings->all().empty());
        m_scene->setVolume(m_volume, m_series);
        QCOMPARE(m_findings->all().size(), std::size_t(1));
    }

    void aFullDiskLeavesTheOlderFileAndIsTold()
    {
        m_scene->setTool(Tool::Length);
        drag({100, 100}, {160, 180});
        const QByteArray before = contentOf(m_findings->filePath());
        QVERIFY(!before.isEmpty());
        QSignalSpy problem(m_findings.get(), &Findings::problem);
        {
            const test::SmallDisk disk(20);
            drag({200, 100}, {260, 180});
        }
        QCOMPARE(problem.count(), 1);
        QCOMPARE(contentOf(m_findings->filePath()), before);
        // With room again both are kept.
        drag({100, 200}, {160, 280});
        QCOMPARE(problem.count(), 1);
        close();
        open();
        QCOMPARE(m_findings->all().size(), std::size_t(3));
    }

    void whatAnotherWindowSavedMeanwhileIsKept()
    {
        m_scene->setTool(Tool::Length);
        drag({100, 100}, {160, 180});
        Scene scene;
        Findings other(&scene, m_folder->path());
        scene.setVolume(m_volume, m_series);
        QCOMPARE(other.all().size(), std::size_t(1));
        Measurement second = other.all()[0].measurement;
        second.text = "of the other window";
        other.replace(second);
        QSignalSpy problem(m_findings.get(), &Findings::problem);
        drag({200, 100}, {260, 180});
        QCOMPARE(problem.count(), 1);
        const QStringList aside = QDir(m_folder->path()).entryList({"*.other-*"}, QDir::Files);
        QCOMPARE(aside.size(), 1);
        QVERIFY(contentOf(m_folder->filePath(aside.front())).contains("of the other window"));
        drag({100, 200}, {160, 280});
        QCOMPARE(problem.count(), 1);
    }

    void aDrawingStaysInItsSlice()
    {
        const int slice = m_scene->slice(Plane::Axial);
        m_scene->setTool(Tool::Length);
        QSignalSpy began(m_scene.get(), &Scene::drawingBegan);
        click({100, 100});
        QCOMPARE(began.count(), 1);
        // The wheel does not scroll while something is drawn; what scrolls otherwise leaves it where it began.
        wheel({120, 120}, -120);
        QCOMPARE(m_scene->slice(Plane::Axial), slice);
        m_scene->setSlice(Plane::Axial, slice + 2);
        click({160, 180});
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        const Measurement drawn = m_findings->all()[0].measurement;
        QVERIFY(std::abs(drawn.points[0].z - drawn.points[1].z) < 1e-9);
        QVERIFY(std::abs(*facts().length - 100 * kSpacing) < 1e-6);
        m_scene->setSlice(Plane::Axial, slice);
        press({160, 180});
        m_scene->setSlice(Plane::Axial, slice + 1);
        move({100, 180}, Qt::LeftButton);
        release({100, 180});
        QVERIFY(std::abs(m_findings->all()[0].measurement.points[1].z - drawn.points[0].z) < 1e-9);
        QVERIFY(std::abs(*facts().length - 80 * kSpacing) < 1e-6);
        wheel({120, 120}, -120);
        QVERIFY(m_scene->slice(Plane::Axial) != slice + 1);
    }

    void aTextThatIsBeingTypedIsKeptOrGivenUp()
    {
        const auto typeText = [this](QPoint at, const QString& words) {
            m_scene->setTool(Tool::Text);
            click(at);
            auto* editor = m_view->findChild<QLineEdit*>("measurementText");
            QTest::keyClicks(editor, words);
            return editor;
        };
        QTest::keyClick(typeText({120, 90}, "no"), Qt::Key_Escape);
        QVERIFY(m_findings->all().empty());
        QVERIFY(m_scene->tool() == Tool::Text);
        QTRY_VERIFY(!m_view->findChild<QLineEdit*>("measurementText"));
        typeText({120, 90}, "kept");
        m_scene->clear();
        m_scene->setVolume(m_volume, m_series);
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        QCOMPARE(m_findings->all()[0].measurement.text, std::string("kept"));
    }

    void aDamagedFileIsKeptAndTold()
    {
        m_scene->setTool(Tool::Length);
        drag({100, 100}, {160, 180});
        const QString path = m_findings->filePath();
        close();
        QFile file(path);
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("{ \"format\": \"hounsfield-findings\", \"version\": 1, \"findings\": [ {\"kind\": \"length\"");
        file.close();
        m_scene = std::make_unique<Scene>();
        m_findings = std::make_unique<Findings>(m_scene.get(), m_folder->path());
        QSignalSpy problem(m_findings.get(), &Findings::problem);
        m_scene->setVolume(m_volume, m_series);
        QCOMPARE(problem.count(), 1);
        QVERIFY(QFile::exists(path + ".unreadable"));
        QVERIFY(m_findings->all().empty());
    }

    void filesOfOthersAreRefused_data()
    {
        QTest::addColumn<QByteArray>("json");
        QTest::newRow("nothing") << QByteArray();
        QTest::newRow("list") << QByteArray("[]");
        QTest::newRow("version") << QByteArray(R"({"format":"hounsfield-findings","version":2,"findings":[]})");
        QTest::newRow("kind") << QByteArray(R"({"format":"hounsfield-findings","version":1,"findings":[{"id":1,"kind":"circle"}]})");
        QTest::newRow("points") << QByteArray(R"({"format":"hounsfield-findings","version":1,"findings":[{"id":1,"kind":"length","points":[[1,2,3]],"right":[1,0,0],"down":[0,1,0]}]})");
        QTest::newRow("axis") << QByteArray(R"({"format":"hounsfield-findings","version":1,"findings":[{"id":1,"kind":"probe","points":[[1,2,3]],"right":[0,0,0],"down":[0,1,0]}]})");
        QTest::newRow("number") << QByteArray(R"({"format":"hounsfield-findings","version":1,"findings":[{"id":1,"kind":"probe","points":[[1,"x",3]],"right":[1,0,0],"down":[0,1,0]}]})");
    }
    void filesOfOthersAreRefused()
    {
        QFETCH(QByteArray, json);
        QVERIFY_EXCEPTION_THROWN(findingsFromJson(json), Error);
    }

    void theListShowsAndJumps()
    {
        FindingsPanel panel(m_scene.get(), m_findings.get());
        panel.resize(360, 300);
        panel.show();
        QVERIFY(QTest::qWaitForWindowExposed(&panel));
        m_scene->setTool(Tool::Length);
        drag({100, 100}, {160, 180});
        const int first = m_scene->slice(Plane::Axial);
        m_scene->setSlice(Plane::Axial, first + 3);
        drag({110, 100}, {170, 180});
        QCOMPARE(panel.list()->topLevelItemCount(), 2);
        QCOMPARE(panel.list()->topLevelItem(0)->text(1), QString("50.0 mm"));
        QCOMPARE(panel.list()->topLevelItem(0)->text(2), QString("Axial %1").arg(first + 1));
        QTest::mouseClick(panel.list()->viewport(), Qt::LeftButton, {}, panel.list()->visualItemRect(panel.list()->topLevelItem(0)).center());
        QCOMPARE(m_scene->slice(Plane::Axial), first);
        QTest::keyClick(panel.list(), Qt::Key_Down);
        QCOMPARE(m_scene->slice(Plane::Axial), first + 3);
        QVERIFY(panel.asText().contains("50.0 mm\tAxial"));
        // Drawn on a series that is not shown: its row asks for it.
        dicom::Series other = m_series;
        other.key = other.uid = "1.2.3.2";
        m_scene->setVolume(m_volume, other);
        QSignalSpy wanted(m_findings.get(), &Findings::seriesWanted);
        m_findings->setSelected(0);
        m_findings->jumpTo(m_findings->all()[0].measurement.id);
        QCOMPARE(wanted.count(), 1);
        m_scene->setVolume(m_volume, m_series);
        QCOMPARE(m_scene->slice(Plane::Axial), first);
    }

    void aScaleThatIsNotOfThePatientIsSaid_data()
    {
        QTest::addColumn<QString>("note");
        QTest::addColumn<QString>("text");
        QTest::newRow("no scale") << "no-spacing" << "100.0 px (no scale)";
        QTest::newRow("detector") << "imager-spacing" << "50.0 mm at the detector";
    }
    void aScaleThatIsNotOfThePatientIsSaid()
    {
        QFETCH(QString, note);
        QFETCH(QString, text);
        VolumeInfo info = m_volume->info();
        info.notes = {{note.toStdString(), ""}};
        const auto voxels = m_volume->visit([](auto span) { return std::vector<std::int16_t>(span.begin(), span.end()); });
        dicom::Series other = m_series;
        other.key = "other";
        m_scene->setVolume(std::make_shared<const Volume>(m_volume->geometry(), voxels, info), other);
        m_view->showOneToOne();
        m_scene->setTool(Tool::Length);
        drag({100, 100}, {160, 180});
        QCOMPARE(measurementLines(m_findings->all()[0].measurement, facts()), QStringList{text});
        QVERIFY(!scaleText(facts().scale).isEmpty());
    }

private:
    static constexpr int kSize = 400, kSlices = 8;
    static constexpr double kSpacing = 0.5;

    void open()
    {
        m_scene = std::make_unique<Scene>();
        m_findings = std::make_unique<Findings>(m_scene.get(), m_folder->path());
        m_view = std::make_unique<SliceView>(m_scene.get(), m_findings.get(), Plane::Axial);
        m_view->resize(kSize, kSize);
        m_scene->setVolume(m_volume, m_series);
        m_view->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_view.get()));
        m_view->showOneToOne();
        QCOMPARE(m_view->millimetresPerPixel(), kSpacing);
    }

    void close()
    {
        m_view.reset();
        m_findings.reset();
        m_scene.reset();
    }

    const MeasurementFacts& facts() const { return m_findings->all().back().facts; }

    QPoint pixelOf(int column, int row) const
    {
        const auto [x, y] = m_view->frame().toPixel(m_volume->geometry().toLps(Index3{column, row, m_scene->slice(Plane::Axial)}));
        return QPointF(x, y).toPoint();
    }

    /// So that keys come to the view.
    void focus()
    {
        QApplication::setActiveWindow(m_view.get());
        m_view->setFocus();
        QVERIFY(m_view->hasFocus());
    }

    void key(Qt::Key key, int times = 1, Qt::KeyboardModifiers modifiers = {})
    {
        for (int n = 0; n < times; ++n) {
            QTest::keyClick(m_view.get(), key, modifiers);
        }
    }

    void press(QPoint at) { QTest::mousePress(m_view.get(), Qt::LeftButton, {}, at); }
    void release(QPoint at) { QTest::mouseRelease(m_view.get(), Qt::LeftButton, {}, at); }
    void click(QPoint at)
    {
        move(at);
        press(at);
        release(at);
    }
    void move(QPoint at, Qt::MouseButtons buttons = Qt::NoButton)
    {
        QMouseEvent event(QEvent::MouseMove, at, m_view->mapToGlobal(at), Qt::NoButton, buttons, {});
        QApplication::sendEvent(m_view.get(), &event);
    }
    void wheel(QPoint at, int delta)
    {
        QWheelEvent event(QPointF(at), m_view->mapToGlobal(QPointF(at)), {}, {0, delta}, Qt::NoButton, {}, Qt::NoScrollPhase, false);
        QApplication::sendEvent(m_view.get(), &event);
    }
    static QByteArray contentOf(const QString& path)
    {
        QFile file(path);
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    }
    void drag(QPoint from, QPoint to)
    {
        press(from);
        for (int n = 1; n <= 4; ++n) {
            move(from + (to - from) * n / 4, Qt::LeftButton);
        }
        release(to);
    }

    std::shared_ptr<const Volume> m_volume;
    dicom::Series m_series;
    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<Scene> m_scene;
    std::unique_ptr<Findings> m_findings;
    std::unique_ptr<SliceView> m_view;
};

int main(int argc, char** argv) { return test::runGuiTest<tst_measuring>(argc, argv); }

#include "tst_measuring.moc"
