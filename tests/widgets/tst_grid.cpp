#include "support/GuiEvents.h"
#include "support/GuiMain.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/widgets/Findings.h"
#include "viewer/widgets/PatientGuard.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SeriesMime.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/Theme.h"
#include "viewer/widgets/ViewGrid.h"
#include "viewer/widgets/ViewHistory.h"

#include <QApplication>
#include <QDragEnterEvent>
#include <QDropEvent>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QWheelEvent>

#include <cmath>
#include <numbers>

using namespace hf;

/// Several series in one window: grids, the active view, linked places, two patients, oblique planes. Real events.
class tst_grid : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        phantom::CtPhantomOptions options;
        options.spacingMm = {5, 5, 6};
        m_volume = std::make_shared<const Volume>(phantom::makeCtPhantom(options).volume);
        // The same body in other voxels: every second slice, starting one higher.
        const Geometry& g = m_volume->geometry();
        m_coarse = std::make_shared<const Volume>(Geometry({g.size().i, g.size().j, 20}, {5, 5, 12}, g.toLps(Index3{0, 0, 4}), {g.direction(0), g.direction(1), g.direction(2)}),
            std::vector<std::int16_t>(std::size_t(g.size().i) * std::size_t(g.size().j) * 20, 40), m_volume->info());
    }

    void init()
    {
        m_scene = std::make_unique<Scene>();
        m_findings = std::make_unique<Findings>(m_scene.get(), m_folder.path());
        m_grid = std::make_unique<ViewGrid>(m_scene.get(), m_findings.get());
        m_grid->resize(900, 700);
        // Without the volume: rendering it takes long, and other tests do it.
        m_grid->setGridLayout(kPlanes);
        m_grid->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_grid.get()));
        QApplication::setActiveWindow(m_grid.get());
    }

    void cleanup()
    {
        m_grid.reset();
        m_findings.reset();
        m_scene.reset();
    }

    void gridsUpTo3x4ShowAnySeriesInAnyView()
    {
        m_scene->setVolume(m_volume, series("a", "F1"));
        m_grid->setGridLayout(GridLayout::grid(3, 4));
        QCOMPARE(m_grid->count(), 12);
        for (int n = 0; n < 12; ++n) {
            QTRY_VERIFY(m_grid->view(n)->isVisible());
        }
        QVERIFY(!m_grid->volumeView()->isVisible());
        QCOMPARE(m_grid->seriesOf(0), std::string("a"));
        QVERIFY(m_grid->view(7)->isEmpty());
        m_scene->addVolume(m_coarse, series("b", "F1"));
        QCOMPARE(m_scene->series().key, std::string("a"));
        m_grid->place(7, "b");
        // What is put somewhere is what the reader is busy with.
        QCOMPARE(m_grid->activeCell(), 7);
        QCOMPARE(m_scene->series().key, std::string("b"));
        QCOMPARE(m_grid->view(0)->shown().series.key, std::string("a"));
        // Larger than the largest is not made.
        m_grid->setGridLayout(GridLayout::grid(9, 9));
        QCOMPARE(m_grid->count(), 12);
        // Fewer views: the active series stays in sight.
        m_grid->setGridLayout(GridLayout::grid(1, 2));
        QCOMPARE(m_grid->seriesOf(m_grid->activeCell()), std::string("b"));
        m_grid->setGridLayout(kPlanes);
        QCOMPARE(m_grid->view(2)->shown().series.key, std::string("b"));
    }

    void theViewThatIsTouchedIsActive()
    {
        twoSeries("F1", "F2");
        QSignalSpy changed(m_scene.get(), &Scene::volumeChanged);
        m_grid->view(0)->zoomBy(2, {50, 50});
        const double zoom = m_grid->view(0)->millimetresPerPixel();
        QTest::mouseClick(m_grid->view(0), Qt::LeftButton, {}, {60, 60});
        QVERIFY(m_grid->view(0)->isActive() && !m_grid->view(1)->isActive());
        QCOMPARE(m_scene->series().key, std::string("a"));
        QCOMPARE(changed.count(), 1);
        QCOMPARE(m_grid->view(0)->millimetresPerPixel(), zoom);
        // The wheel too, and the keyboard's way.
        wheel(*m_grid->view(1), -120);
        QCOMPARE(m_scene->series().key, std::string("b"));
        m_grid->activateNext(1);
        QCOMPARE(m_scene->series().key, std::string("a"));
        QVERIFY(m_grid->view(0)->hasFocus());
        QCOMPARE(m_grid->view(0)->millimetresPerPixel(), zoom);
        // What is done in one series leaves the other alone.
        const WindowLevel other = m_grid->view(1)->shown().window;
        m_scene->setWindow({-500, 1500, {}});
        QCOMPARE(m_grid->view(0)->shown().window.width, 1500.0);
        QVERIFY(m_grid->view(1)->shown().window == other);
    }

    void aSeriesIsDroppedOnAView()
    {
        twoSeries("F1", "F1");
        QSignalSpy dropped(m_grid.get(), &ViewGrid::seriesDropped);
        const std::unique_ptr<QMimeData> data(seriesMime("c"));
        const QPoint at = m_grid->view(1)->geometry().center();
        QDragEnterEvent enter(at, Qt::CopyAction, data.get(), Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(m_grid.get(), &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent drop(QPointF(at), Qt::CopyAction, data.get(), Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(m_grid.get(), &drop);
        QCOMPARE(dropped.count(), 1);
        QCOMPARE(dropped[0][0].toInt(), 1);
        QCOMPARE(dropped[0][1].toString(), QString("c"));
        // Files are for the window.
        QMimeData files;
        files.setUrls({QUrl::fromLocalFile("/tmp")});
        QDragEnterEvent other(at, Qt::CopyAction, &files, Qt::LeftButton, Qt::NoModifier);
        other.ignore();
        QApplication::sendEvent(m_grid.get(), &other);
        QVERIFY(!other.isAccepted());
    }

    void doubleClickShowsOneViewAndAllAgain()
    {
        twoSeries("F1", "F1");
        QTest::mouseDClick(m_grid->view(1), Qt::LeftButton, {}, {40, 40});
        QVERIFY(m_grid->isMaximized());
        QVERIFY(!m_grid->view(0)->isVisible());
        QTRY_COMPARE(m_grid->view(1)->size(), m_grid->size());
        // Another active series does not bring the others back.
        QTest::mouseClick(m_grid->view(1), Qt::LeftButton, {}, {60, 60});
        QVERIFY(m_grid->isMaximized());
        QTest::mouseDClick(m_grid->view(1), Qt::LeftButton, {}, {40, 40});
        QVERIFY(m_grid->view(0)->isVisible());
    }

    void oneFrameOfReferenceScrollsByMillimetres()
    {
        twoSeries("F1", "F1");
        m_grid->setActiveCell(0);
        for (const int slice : {5, 17, 30}) {
            m_scene->setSlice(Plane::Axial, slice);
            const double z = m_scene->cursor().z;
            const ShownSeries& other = m_grid->view(1)->shown();
            const double shown = other.volume->geometry().toLps(Index3{0, 0, other.slice(Plane::Axial)}).z;
            QVERIFY2(std::abs(shown - z) <= 6.0 + 1e-9, qPrintable(QString::number(shown - z)));
        }
        // Not linked: nothing moves but what is scrolled.
        m_scene->setLinked(false);
        const PointLps before = m_grid->view(1)->shown().cursor;
        m_scene->setSlice(Plane::Axial, 8);
        QVERIFY(m_grid->view(1)->shown().cursor == before);
        // The 3D cursor shows the place all the same.
        SliceView* view = m_grid->view(0);
        const QPoint at = view->rect().center() + QPoint(-40, 30);
        const PointLps place = view->frame().toLps(at.x(), at.y());
        QMouseEvent move(QEvent::MouseMove, at, view->mapToGlobal(at), Qt::NoButton, Qt::NoButton, Qt::ShiftModifier);
        QApplication::sendEvent(view, &move);
        QVERIFY(length(m_scene->cursor() - place) < 0.01);
        QVERIFY(length(m_grid->view(1)->shown().cursor - place) < 0.01);
    }

    void aPlaceOutsideTheOtherSeriesIsTold()
    {
        twoSeries("F1", "F1");
        m_grid->setActiveCell(0);
        m_scene->setSlice(Plane::Axial, 0);
        // The coarse series begins four slices of 6 mm higher.
        QVERIFY(std::abs(m_grid->view(1)->shown().outsideMm() - 24) < 1e-6);
        QCOMPARE(m_grid->view(1)->shown().slice(Plane::Axial), 0);
        m_scene->setSlice(Plane::Axial, 10);
        QCOMPARE(m_grid->view(1)->shown().outsideMm(), 0.0);
    }

    void otherFramesScrollOnlyAfterTheReaderMatchedThem()
    {
        twoSeries("F1", "F2");
        m_grid->setActiveCell(0);
        const PointLps before = m_grid->view(1)->shown().cursor;
        m_scene->setSlice(Plane::Axial, 12);
        QVERIFY(m_grid->view(1)->shown().cursor == before);
        m_scene->pointAt("a", m_scene->cursor());
        QVERIFY(m_grid->view(1)->shown().cursor == before);
        // Slice 12 of the one is slice 5 of the other.
        m_scene->activate("b", Plane::Axial);
        m_scene->setSlice(Plane::Axial, 5);
        m_scene->matchPlaces();
        m_scene->activate("a", Plane::Axial);
        m_scene->setSlice(Plane::Axial, 16);
        QCOMPARE(m_grid->view(1)->shown().slice(Plane::Axial), 7);
        // Both ways, and for another series of the same frame.
        m_scene->activate("b", Plane::Axial);
        m_scene->setSlice(Plane::Axial, 8);
        QCOMPARE(m_scene->find("a")->slice(Plane::Axial), 18);
        m_scene->addVolume(m_coarse, series("c", "F2"));
        m_grid->place(1, "c");
        m_scene->activate("a", Plane::Axial);
        m_scene->setSlice(Plane::Axial, 20);
        QCOMPARE(m_scene->find("c")->slice(Plane::Axial), 9);
        m_scene->clearMatches();
        m_scene->setSlice(Plane::Axial, 12);
        QCOMPARE(m_scene->find("c")->slice(Plane::Axial), 9);
    }

    void referenceLinesAreDrawnOnSingleImagesToo()
    {
        besideALocalizer("F1");
        m_grid->setCrosshairShown(false);
        m_scene->setSlice(Plane::Axial, 3);
        SliceView* view = m_grid->view(0);
        const double y = view->frame().toPixel(m_scene->cursor())[1];
        m_grid->setReferenceLinesShown(true);
        const QImage with = view->grab().toImage();
        m_grid->setReferenceLinesShown(false);
        const QImage without = view->grab().toImage();
        m_grid->setReferenceLinesShown(true);
        int nearby = 0, elsewhere = 0;
        for (int row = 0; row < with.height(); ++row) {
            for (int x = 0; x < with.width(); ++x) {
                (std::abs(row - y) <= 2.5 ? nearby : elsewhere) += with.pixel(x, row) != without.pixel(x, row);
            }
        }
        QVERIFY(nearby > 20);
        QCOMPARE(elsewhere, 0);
    }

    void theLinkedPlaceIsMarkedOnSingleImages_data()
    {
        QTest::addColumn<double>("inFrontMm");
        QTest::addColumn<bool>("isWhole");
        QTest::newRow("in the slice") << 2.0 << true;
        QTest::newRow("in front of it") << 30.0 << false;
        QTest::newRow("behind it") << -30.0 << false;
    }

    void theLinkedPlaceIsMarkedOnSingleImages()
    {
        QFETCH(double, inFrontMm);
        QFETCH(bool, isWhole);
        besideALocalizer("F1");
        m_grid->setReferenceLinesShown(false);
        SliceView *localizer = m_grid->view(0), *stack = m_grid->view(1);
        // A click in the stack, right of and above the middle of the localizer.
        const PointLps middle = m_scene->find("localizer")->cursor;
        m_scene->setSlice(Plane::Axial, 12);
        const auto [x, y] = stack->frame().toPixel(PointLps{middle.x - 30, middle.y + inFrontMm, m_scene->cursor().z});
        QTest::mouseClick(stack, Qt::LeftButton, {}, QPoint(int(std::lround(x)), int(std::lround(y))));
        const PointLps clicked = m_scene->cursor();
        QVERIFY(std::abs(clicked.y - middle.y - inFrontMm) < 2);
        QVERIFY(m_scene->find("localizer")->outsideMm() > 0.1);
        const auto [markX, markY] = localizer->frame().toPixel(clicked);
        const QImage with = localizer->grab().toImage();
        m_grid->setCrosshairShown(false);
        const QImage without = localizer->grab().toImage();
        m_grid->setCrosshairShown(true);
        int count = 0, elsewhere = 0;
        QPointF sum;
        for (int row = 0; row < with.height(); ++row) {
            for (int column = 0; column < with.width(); ++column) {
                const bool isNear = std::abs(row - markY) < 16 && std::abs(column - markX) < 16;
                elsewhere += with.pixel(column, row) != without.pixel(column, row) && !isNear;
                if (with.pixelColor(column, row).blue() > without.pixelColor(column, row).blue() + 60) {
                    ++count;
                    sum += QPointF(column, row);
                }
            }
        }
        QCOMPARE(elsewhere, 0);
        QVERIFY(count > 60);
        QVERIFY2(std::abs(sum.x() / count - markX) < 1.5 && std::abs(sum.y() / count - markY) < 1.5, qPrintable(QStringLiteral("%1, %2").arg(sum.x() / count - markX).arg(sum.y() / count - markY)));
        // Dashes leave out a part of the four arms of 14 pixels.
        QVERIFY2((count > 115) == isWhole, qPrintable(QString::number(count)));
    }

    void aPlaceThatIsNotKnownOnAnImageIsNotMarked()
    {
        // Another frame of reference; a place beside the image; no other images.
        besideALocalizer("F2");
        m_grid->setReferenceLinesShown(false);
        SliceView* localizer = m_grid->view(0);
        const auto isMarked = [&] {
            const QImage with = localizer->grab().toImage();
            m_grid->setCrosshairShown(false);
            const QImage without = localizer->grab().toImage();
            m_grid->setCrosshairShown(true);
            return with != without;
        };
        QVERIFY(!isMarked());
        m_scene->addVolume(m_coarse, series("c", "F1"));
        m_grid->place(1, "c");
        m_scene->activate("c", Plane::Axial);
        m_scene->setSlice(Plane::Axial, 10);
        QVERIFY(isMarked());
        // The localizer is 200 mm wide, the stack much wider.
        m_scene->setCursor(m_coarse->geometry().toLps(Index3{0, 20, 10}));
        QVERIFY(!isMarked());
        // What is clicked in the localizer itself is marked there for the others' sake.
        QTest::mouseClick(localizer, Qt::LeftButton, {}, localizer->rect().center());
        QCOMPARE(m_scene->series().key, std::string("localizer"));
        QVERIFY(isMarked());
        m_grid->clearCell(1);
        QVERIFY(!isMarked());
    }

    void referenceLinesLieWhereTheSlicesCut()
    {
        // An axial slice of one frame seen in a coronal view: a level line at its height.
        m_scene->setVolume(m_volume, series("a", "F1"));
        m_grid->setGridLayout({1, 2, false, {CellShow::Coronal, CellShow::Axial}});
        m_scene->addVolume(m_coarse, series("b", "F1"));
        m_grid->place(1, "b");
        m_scene->setLinked(false);
        m_scene->setSlice(Plane::Axial, 9);
        m_grid->setCrosshairShown(false);
        SliceView* coronal = m_grid->view(0);
        QVERIFY(coronal->plane() == Plane::Coronal);
        const double y = coronal->frame().toPixel(m_scene->cursor())[1];
        const QImage with = coronal->grab().toImage();
        m_grid->setReferenceLinesShown(false);
        const QImage without = coronal->grab().toImage();
        QVERIFY(with != without);
        int longest = 0;
        for (int row = 0; row < with.height(); ++row) {
            int differing = 0;
            for (int x = 0; x < with.width(); ++x) {
                differing += with.pixel(x, row) != without.pixel(x, row);
            }
            if (std::abs(row - y) > 2.5) {
                QCOMPARE(differing, 0);
            }
            longest = std::max(longest, differing);
        }
        // The slice is as wide as the body's volume, which fills the view one way or the other.
        QVERIFY(longest > 150);
    }

    void stepsOfWhatIsNotShownArePassedOver()
    {
        m_scene->setVolume(m_volume, series("a", "F1"));
        ViewHistory* history = m_grid->history();
        SliceView* view = m_grid->view(0);
        const WindowLevel stored = m_scene->window();
        test::drag(view, {100, 100}, {150, 100});
        const WindowLevel dragged = m_scene->window();
        history->change("flip", [view] { view->flip(Qt::Horizontal); });
        QCOMPARE(history->undoText(), QString("flip"));
        // Another series of the study comes into the views; what is undone is what was done to it.
        m_scene->setVolume(m_coarse, series("b", "F1"));
        QVERIFY(!history->canUndo());
        history->undo();
        QVERIFY(!view->isTurned());
        history->change("invert", [this] { m_scene->setInverted(true); });
        history->undo();
        QVERIFY(!m_scene->isInverted());
        QVERIFY(!history->canUndo());
        // The first one comes back neither flipped nor in another window than it was left in.
        m_scene->setVolume(m_volume, series("a", "F1"));
        QVERIFY(m_scene->window() == dragged);
        QVERIFY(!view->isTurned());
        QCOMPARE(history->undoText(), QString("Window and level"));
        history->undo();
        QVERIFY(m_scene->window() == stored);
        QVERIFY(!view->isTurned());
        history->redo();
        QVERIFY(m_scene->window() == dragged);
        QVERIFY(!history->canRedo());
    }

    void stepsOfStudiesBesideEachOtherHaveOneOrder()
    {
        dicom::Series prior = series("p", "F9");
        prior.studyUid = "prior";
        m_scene->setVolume(m_volume, series("a", "F1"));
        m_grid->setGridLayout(GridLayout::grid(1, 2));
        m_scene->addVolume(m_coarse, prior);
        m_grid->place(1, "p");
        QTRY_VERIFY(m_grid->view(1)->width() > 300);
        SliceView *current = m_grid->view(0), *old = m_grid->view(1);
        ViewHistory* history = m_grid->history();
        const WindowLevel stored = m_scene->find("p")->window;
        const auto drawn = [&](const char* key) { return m_findings->ofSeries(key).size(); };
        const auto draw = [&](SliceView* view) {
            m_scene->setTool(Tool::Length);
            test::drag(view, {150, 300}, {220, 340});
            m_scene->setTool(Tool::Window);
        };
        test::drag(old, {100, 100}, {150, 100});
        draw(current);
        draw(old);
        QTest::mouseClick(current, Qt::LeftButton, {}, {80, 200});
        history->change("flip", [current] { current->flip(Qt::Horizontal); });
        // The reader looks at the prior meanwhile; nothing is changed by that.
        QTest::mouseClick(old, Qt::LeftButton, {}, {80, 200});
        QVERIFY(drawn("a") == 1 && drawn("p") == 1 && current->isTurned());
        for (int round = 0; round < 2; ++round) {
            history->undo();
            QVERIFY(drawn("a") == 1 && drawn("p") == 1 && !current->isTurned());
            history->undo();
            QVERIFY(drawn("a") == 1 && drawn("p") == 0);
            QCOMPARE(m_scene->series().key, std::string("p"));
            QCOMPARE(m_grid->activeView(), old);
            history->undo();
            QVERIFY(drawn("a") == 0 && drawn("p") == 0);
            QCOMPARE(m_grid->activeView(), current);
            QVERIFY(!(m_scene->find("p")->window == stored));
            history->undo();
            QVERIFY(m_scene->find("p")->window == stored);
            QVERIFY(!history->canUndo());
            history->redo();
            QVERIFY(!(m_scene->find("p")->window == stored) && drawn("a") == 0);
            history->redo();
            QVERIFY(drawn("a") == 1 && drawn("p") == 0);
            history->redo();
            QVERIFY(drawn("p") == 1 && !current->isTurned());
            history->redo();
            QVERIFY(current->isTurned() && !history->canRedo());
        }
        // A study that is not seen waits.
        m_grid->clearCell(0);
        m_scene->activate("p", Plane::Axial);
        history->undo();
        QVERIFY(drawn("p") == 0 && current->isEmpty());
        history->undo();
        QVERIFY(m_scene->find("p")->window == stored);
        QVERIFY(!history->canUndo());
        m_scene->setVolume(m_volume, series("a", "F1"));
        QCOMPARE(drawn("a"), std::size_t(1));
        m_findings->removeAll();
    }

    void notchesOfTheWheelAreOneStep()
    {
        m_scene->setVolume(m_volume, series("a", "F1"));
        SliceView* view = m_grid->view(0);
        const double fitted = view->millimetresPerPixel();
        for (int n = 0; n < 5; ++n) {
            wheel(*view, 120, Qt::ControlModifier);
        }
        const double zoomed = view->millimetresPerPixel();
        QVERIFY(zoomed < fitted / 1.9);
        test::drag(view, {100, 100}, {130, 110}, Qt::MiddleButton);
        m_grid->history()->undo();
        QCOMPARE(view->millimetresPerPixel(), zoomed);
        m_grid->history()->undo();
        QCOMPARE(view->millimetresPerPixel(), fitted);
        QVERIFY(!m_grid->history()->canUndo());
        m_grid->history()->redo();
        QCOMPARE(view->millimetresPerPixel(), zoomed);
    }

    void theSecondPatientIsMarkedInEveryView()
    {
        twoSeries("F1", "F1");
        QVERIFY(!m_grid->showsTwoPatients());
        const QImage plain = m_grid->view(0)->grab().toImage();
        dicom::Series other = series("c", "F3");
        other.studyUid = "other";
        other.patient = {"Other^Person", "77", "1970-01-01", "F", ""};
        QVERIFY(m_grid->wouldMixPatients(1, other));
        m_scene->addVolume(m_coarse, other);
        m_grid->place(1, "c");
        QVERIFY(m_grid->showsTwoPatients());
        // Unmistakable: red in both views, also without texts.
        m_grid->setTextShown(false);
        for (const int n : {0, 1}) {
            const QImage image = m_grid->view(n)->grab().toImage();
            QCOMPARE(image.pixelColor(40, image.height() - 4), theme::kDanger);
            QCOMPARE(image.pixelColor(2, image.height() / 2), theme::kDanger);
        }
        QVERIFY(plain.pixelColor(2, plain.height() / 2) != theme::kDanger);
        m_grid->clearCell(1);
        QVERIFY(!m_grid->showsTwoPatients());
    }

    void patientsAreComparedWithDoubt_data()
    {
        QTest::addColumn<QStringList>("one");
        QTest::addColumn<QStringList>("other");
        QTest::addColumn<bool>("differ");
        QTest::newRow("same") << QStringList{"Doe^Jane", "1", "1960-01-01", "S1"} << QStringList{"DOE^JANE ", "1", "1960-01-01", "S2"} << false;
        QTest::newRow("id") << QStringList{"Doe^Jane", "1", "1960-01-01", "S1"} << QStringList{"Doe^Jane", "2", "1960-01-01", "S2"} << true;
        QTest::newRow("name") << QStringList{"Doe^Jane", "1", "1960-01-01", "S1"} << QStringList{"Doe^John", "1", "1960-01-01", "S2"} << true;
        QTest::newRow("birth date") << QStringList{"Doe^Jane", "1", "1960-01-01", "S1"} << QStringList{"Doe^Jane", "1", "1961-01-01", "S2"} << true;
        QTest::newRow("nothing known") << QStringList{"", "", "", "S1"} << QStringList{"", "", "", "S2"} << true;
        QTest::newRow("one study, nothing known") << QStringList{"", "", "", "S1"} << QStringList{"", "", "", "S1"} << false;
        QTest::newRow("birth date alone") << QStringList{"", "", "1960-01-01", "S1"} << QStringList{"", "", "1960-01-01", "S2"} << true;
        QTest::newRow("one study, two ids") << QStringList{"Doe^Jane", "1", "", "S1"} << QStringList{"Doe^Jane", "2", "", "S1"} << true;
    }

    void patientsAreComparedWithDoubt()
    {
        const auto made = [](const QStringList& words, const std::string& key) {
            dicom::Series s;
            s.key = key;
            s.patient.name = words[0].toStdString();
            s.patient.id = words[1].toStdString();
            s.patient.birthDate = words[2].toStdString();
            s.studyUid = words[3].toStdString();
            return s;
        };
        QFETCH(QStringList, one);
        QFETCH(QStringList, other);
        QFETCH(bool, differ);
        QCOMPARE(mayBeOtherPatients(made(one, "a"), made(other, "b")), differ);
        QCOMPARE(mayBeOtherPatients(made(other, "b"), made(one, "a")), differ);
    }

    void measurementsOfThePriorAreSeenBesideTheCurrent()
    {
        // Drawn on the prior alone, on another day.
        dicom::Series prior = series("p", "F9");
        prior.studyUid = "prior";
        m_scene->setVolume(m_coarse, prior);
        Measurement length;
        length.points = {m_scene->cursor(), m_scene->cursor() + Vec3{30, 0, 0}};
        m_findings->add(length);
        m_scene->setVolume(m_volume, series("a", "F1"));
        QVERIFY(m_findings->all().empty());
        m_grid->setGridLayout(GridLayout::grid(1, 2));
        m_scene->addVolume(m_coarse, prior);
        const auto beside = m_findings->ofSeries("p");
        QCOMPARE(beside.size(), std::size_t(1));
        QVERIFY(std::abs(*beside[0]->facts.length - 30) < 1e-9);
        m_grid->place(1, "p");
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        m_findings->removeAll();
    }

    void aHandleTurnsTheOtherPlanes()
    {
        m_scene->setVolume(m_volume, series("a", "F1"));
        m_grid->maximize(m_grid->view(0));
        QTRY_COMPARE(m_grid->view(0)->size(), m_grid->size());
        SliceView* view = m_grid->view(0);
        const auto [x, y] = view->frame().toPixel(m_scene->cursor());
        const double reach = 0.3 * std::min(view->width(), view->height());
        const Picture before = view->picture();
        const SliceFrame axial = view->frame();
        // The handle of the coronal line, 30 degrees clockwise on the screen.
        const double angle = std::numbers::pi / 6;
        test::drag(view, QPointF(x + reach, y).toPoint(), QPointF(x + reach * std::cos(angle), y + reach * std::sin(angle)).toPoint());
        QVERIFY(m_scene->active().turn.isTurned());
        const Geometry& g = m_volume->geometry();
        QVERIFY(std::abs(obliqueAngleDeg(g, Plane::Coronal, m_scene->active().turn) - 30) < 0.5);
        QVERIFY(std::abs(obliqueAngleDeg(g, Plane::Sagittal, m_scene->active().turn) - 30) < 0.5);
        // The plane in which it was turned does not move.
        QVERIFY(!m_scene->active().isOblique(Plane::Axial));
        QVERIFY(length(view->frame().right - axial.right) < 1e-12 && length(view->frame().origin - axial.origin) < 1e-9);
        // Clockwise on the axial screen, patient left goes to posterior: the coronal plane's right does too.
        QCOMPARE(orientationLetters(m_grid->view(2)->frame().right), std::string("LP"));
        QCOMPARE(orientationLetters(m_grid->view(1)->frame().right), std::string("PR"));
        QCOMPARE(orientationLetters(m_grid->view(2)->frame().down), std::string("I"));
        m_scene->reset();
        QVERIFY(!m_scene->active().turn.isTurned());
        QVERIFY(view->picture().rgb == before.rgb);
    }

    void obliquePlanesScrollAlongTheirNormal()
    {
        m_scene->setVolume(m_volume, series("a", "F1"));
        m_scene->setTurn(PlaneTurn{}.turnedAbout({1, 0, 0}, 0.4));
        SliceView* view = m_grid->view(0);
        const Vec3 normal = view->frame().normal();
        const PointLps origin = view->frame().origin;
        const int slice = m_scene->slice(Plane::Axial);
        wheel(*view, 120);
        QCOMPARE(m_scene->slice(Plane::Axial), slice + 1);
        const Vec3 step = view->frame().origin - origin;
        // Straight through the plane; the first step comes to rest on a slice, the others are the finest spacing.
        QVERIFY(length(step - normal * dot(step, normal)) < 1e-6);
        wheel(*view, 120);
        const Vec3 next = view->frame().origin - (origin + step);
        QVERIFY(std::abs(dot(next, normal) - 5) < 1e-6);
    }

    void theAxesToolMovesPlanesAndTheCrosshair()
    {
        m_scene->setVolume(m_volume, series("a", "F1"));
        m_scene->setTool(Tool::Axes);
        SliceView* view = m_grid->view(0);
        const auto [x, y] = view->frame().toPixel(m_scene->cursor());
        const PointLps before = m_scene->cursor();
        // The vertical line is the sagittal plane: it moves sideways alone.
        test::drag(view, QPointF(x, y + 40).toPoint(), QPointF(x + 30, y + 60).toPoint());
        QVERIFY(std::abs(m_scene->cursor().y - before.y) < 1e-9);
        QVERIFY(std::abs(m_scene->cursor().x - before.x - 30 * view->millimetresPerPixel()) < 1e-6);
        const QPoint away = view->rect().center() + QPoint(-60, -50);
        const PointLps target = view->frame().toLps(away.x(), away.y());
        test::drag(view, away + QPoint(-20, 15), away);
        QVERIFY(length(m_scene->cursor() - target) < 1e-6);
    }

    void aMeasurementOnAnObliquePlaneIsInMillimetresAndFoundAgain()
    {
        m_scene->setVolume(m_volume, series("a", "F1"));
        const PlaneTurn turn = PlaneTurn{}.turnedAbout({1, 0, 0}, 0.5).turnedAbout({0, 0, 1}, 0.3);
        m_scene->setTurn(turn);
        m_scene->setTool(Tool::Length);
        SliceView* view = m_grid->view(2);
        test::drag(view, view->rect().center() - QPoint(40, 30), view->rect().center() + QPoint(40, 30));
        QCOMPARE(m_findings->all().size(), std::size_t(1));
        QVERIFY(std::abs(*m_findings->all()[0].facts.length - 100 * view->millimetresPerPixel()) < 0.01);
        m_scene->setTool(Tool::Window);
        m_scene->reset();
        // Not on a plane that it does not lie in.
        QCOMPARE(view->measurementAt(view->rect().center()), 0);
        m_findings->jumpTo(m_findings->all()[0].measurement.id);
        QVERIFY(m_scene->active().turn.isTurned());
        const Measurement& m = m_findings->all()[0].measurement;
        bool found = false;
        for (int n = 0; n < 3; ++n) {
            const SliceFrame frame = m_grid->view(n)->frame();
            found = found || (std::abs(dot(frame.normal(), m.normal())) > 0.99999 && distanceToPlaneMm(m, frame.origin) < 1e-6);
        }
        QVERIFY(found);
        m_findings->removeAll();
    }

private:
    const GridLayout kPlanes{1, 3, true, {CellShow::Axial, CellShow::Sagittal, CellShow::Coronal}};

    static dicom::Series series(const std::string& key, const std::string& frame)
    {
        dicom::Series s;
        s.key = s.uid = key;
        s.studyUid = "study";
        s.frameOfReferenceUid = frame;
        s.modality = "CT";
        s.kind = dicom::SeriesKind::Volume;
        s.orientation = std::array{Vec3{1, 0, 0}, Vec3{0, 1, 0}};
        s.patient = {"Phantom^Thorax", "1", "1960-01-01", "O", ""};
        return s;
    }

    /// A coronal localizer of one image, frame "F1", beside the axial stack "b", which is active.
    void besideALocalizer(const std::string& frame)
    {
        const Geometry& stack = m_coarse->geometry();
        const PointLps middle = stack.toLps(Index3{stack.size().i / 2, stack.size().j / 2, stack.size().k / 2});
        const Geometry geometry({200, 200, 1}, {1, 1, 5}, {middle.x - 100, middle.y, middle.z + 100}, {Vec3{1, 0, 0}, Vec3{0, 0, -1}, Vec3{0, 1, 0}});
        dicom::Series localizer = series("localizer", "F1");
        localizer.kind = dicom::SeriesKind::SingleImage;
        localizer.orientation = std::array{Vec3{1, 0, 0}, Vec3{0, 0, -1}};
        dicom::Image image;
        image.position = geometry.origin();
        localizer.images = {image};
        m_scene->setVolume(std::make_shared<const Volume>(geometry, std::vector<std::int16_t>(geometry.size().voxels(), 40), VolumeInfo{}), localizer);
        m_grid->setGridLayout(GridLayout::grid(1, 2));
        m_scene->addVolume(m_coarse, series("b", frame));
        m_grid->place(1, "b");
        QTRY_VERIFY(m_grid->view(1)->width() > 300);
        m_scene->activate("b", Plane::Axial);
    }

    /// "a" and "b" side by side, "b" active.
    void twoSeries(const std::string& frameA, const std::string& frameB)
    {
        m_scene->setVolume(m_volume, series("a", frameA));
        m_grid->setGridLayout(GridLayout::grid(1, 2));
        m_scene->addVolume(m_coarse, series("b", frameB));
        m_grid->place(1, "b");
        QTRY_VERIFY(m_grid->view(1)->width() > 300);
    }

    static void wheel(QWidget& view, int delta, Qt::KeyboardModifiers modifiers = {})
    {
        QWheelEvent event(QPointF(50, 50), view.mapToGlobal(QPointF(50, 50)), {}, {0, delta}, Qt::NoButton, modifiers, Qt::NoScrollPhase, false);
        QApplication::sendEvent(&view, &event);
    }

    std::shared_ptr<const Volume> m_volume, m_coarse;
    QTemporaryDir m_folder;
    std::unique_ptr<Scene> m_scene;
    std::unique_ptr<Findings> m_findings;
    std::unique_ptr<ViewGrid> m_grid;
};

int main(int argc, char** argv) { return test::runGuiTest<tst_grid>(argc, argv); }

#include "tst_grid.moc"
