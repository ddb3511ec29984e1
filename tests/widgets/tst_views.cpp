#include "support/GuiMain.h"
#include "support/ImageCompare.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/widgets/Cine.h"
#include "viewer/widgets/Findings.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/ViewGrid.h"
#include "viewer/widgets/VolumeAnnotations.h"

#include <QApplication>
#include <QComboBox>
#include <QElapsedTimer>
#include <QLabel>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QUndoStack>
#include <QWheelEvent>

using namespace hf;

/// The views with real mouse events, and their pictures against baselines.
class tst_views : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        phantom::CtPhantomOptions options;
        options.spacingMm = {3, 3, 4};
        m_made = phantom::makeCtPhantom(options);
        m_volume = std::make_shared<const Volume>(m_made.volume);
        m_series.modality = "CT";
        m_series.kind = dicom::SeriesKind::Volume;
        m_series.key = m_series.uid = "phantom";
        m_series.orientation = std::array{Vec3{1, 0, 0}, Vec3{0, 1, 0}};
        m_series.patient.name = "Phantom^Thorax";
        m_series.text.seriesNumber = "1";
    }

    void init()
    {
        m_scene = std::make_unique<Scene>();
        m_findings = std::make_unique<Findings>(m_scene.get(), m_folder.path());
        m_view = std::make_unique<SliceView>(m_scene.get(), m_findings.get(), Plane::Axial);
        m_view->resize(420, 360);
        m_scene->setVolume(m_volume, m_series);
        m_view->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_view.get()));
    }

    void cleanup()
    {
        m_view.reset();
        m_findings.reset();
        m_scene.reset();
    }

    void anEmptyViewIsBlackAndQuiet()
    {
        Scene empty;
        Findings findings(&empty, m_folder.path());
        SliceView view(&empty, &findings, Plane::Coronal);
        view.resize(200, 200);
        view.show();
        wheel(view, 120);
        QTest::mouseClick(&view, Qt::LeftButton, {}, {50, 50});
        QTest::mouseDClick(&view, Qt::LeftButton, {}, {50, 50});
        QCOMPARE(view.grab().toImage().pixelColor(100, 100), QColor(Qt::black));
    }

    void theWheelScrolls()
    {
        const int before = m_scene->slice(Plane::Axial);
        // Down is towards the feet, as with the key.
        wheel(*m_view, -120);
        QCOMPARE(m_scene->slice(Plane::Axial), before - 1);
        wheel(*m_view, 120, Qt::ShiftModifier);
        QCOMPARE(m_scene->slice(Plane::Axial), before + 9);
        for (int n = 0; n < 100; ++n) {
            wheel(*m_view, -120, Qt::ShiftModifier);
        }
        QCOMPARE(m_scene->slice(Plane::Axial), 0);
    }

    void controlWheelZoomsAboutThePointer()
    {
        const PointLps before = m_view->frame().toLps(100, 90);
        wheel(*m_view, 120, Qt::ControlModifier, {100, 90});
        const PointLps after = m_view->frame().toLps(100, 90);
        QVERIFY(length(after - before) < m_view->millimetresPerPixel());
    }

    void leftDragChangesTheWindow()
    {
        const WindowLevel before = m_scene->window();
        drag(Qt::LeftButton, {200, 200}, {260, 200});
        QVERIFY(m_scene->window().width > before.width + 20);
        QCOMPARE(m_scene->window().center, before.center);
        // Up is brighter: lower values show.
        drag(Qt::LeftButton, {200, 200}, {200, 150});
        QVERIFY(m_scene->window().center < before.center - 10);
        m_scene->setInverted(true);
        drag(Qt::LeftButton, {200, 200}, {200, 100});
        QVERIFY(m_scene->window().center > before.center + 10);
    }

    void middleDragPansAndRightDragZooms()
    {
        const PointLps before = m_view->frame().toLps(150, 150);
        drag(Qt::MiddleButton, {150, 150}, {190, 170});
        QVERIFY(length(m_view->frame().toLps(190, 170) - before) < 0.01);
        const double zoom = m_view->millimetresPerPixel();
        drag(Qt::RightButton, {150, 150}, {150, 100});
        QVERIFY(m_view->millimetresPerPixel() < zoom * 0.9);
    }

    void aClickMovesTheCrosshairInAllPlanes()
    {
        const PointLps target = m_view->frame().toLps(300, 120);
        QTest::mouseClick(m_view.get(), Qt::LeftButton, {}, {300, 120});
        QVERIFY(length(m_scene->cursor() - target) < 0.01);
        const ContinuousIndex index = m_volume->geometry().toIndex(target);
        QCOMPARE(m_scene->slice(Plane::Sagittal), int(std::lround(index.i)));
        QCOMPARE(m_scene->slice(Plane::Coronal), int(std::lround(index.j)));
    }

    void doubleClickMaximisesAndBack()
    {
        Scene scene;
        Findings findings(&scene, m_folder.path());
        ViewGrid grid(&scene, &findings);
        grid.resize(700, 600);
        scene.setVolume(m_volume, m_series);
        grid.show();
        QVERIFY(QTest::qWaitForWindowExposed(&grid));
        QTest::mouseDClick(grid.view(0), Qt::LeftButton, {}, {60, 60});
        QVERIFY(grid.isMaximized());
        QVERIFY(!grid.view(1)->isVisible());
        QTRY_COMPARE(grid.view(0)->size(), grid.size());
        QTest::mouseDClick(grid.view(0), Qt::LeftButton, {}, {60, 60});
        QVERIFY(grid.view(1)->isVisible() && grid.volumeView()->isVisible());
    }

    void flipsAndTurnsMoveTheLettersAndComeBack()
    {
        const auto letters = [&] { return std::array{orientationLetters(m_view->frame().right), orientationLetters(m_view->frame().down)}; };
        QCOMPARE(letters()[0], std::string("L"));
        QCOMPARE(letters()[1], std::string("P"));
        m_view->flip(Qt::Horizontal);
        QCOMPARE(letters()[0], std::string("R"));
        QCOMPARE(letters()[1], std::string("P"));
        m_view->flip(Qt::Vertical);
        QCOMPARE(letters()[1], std::string("A"));
        m_view->resetView();
        // Clockwise: what was up (A) is right then, what was right (L) is down.
        m_view->turn(true);
        QCOMPARE(letters()[0], std::string("A"));
        QCOMPARE(letters()[1], std::string("L"));
        QVERIFY(m_view->isTurned());
        m_view->turn(false);
        QVERIFY(!m_view->isTurned());
        for (int n = 0; n < 4; ++n) {
            m_view->turn(true);
        }
        QVERIFY(!m_view->isTurned());
        // The picture is the very same one, mirrored.
        m_view->showOneToOne();
        const QImage before = toImage(m_view->picture());
        m_view->flip(Qt::Horizontal);
        QCOMPARE(toImage(m_view->picture()), before.mirrored(true, false));
    }

    void panningAndZoomingWorkOnATurnedView()
    {
        m_view->turn(true);
        m_view->flip(Qt::Vertical);
        const PointLps before = m_view->frame().toLps(150, 150);
        drag(Qt::MiddleButton, {150, 150}, {190, 170});
        QVERIFY(length(m_view->frame().toLps(190, 170) - before) < 0.01);
        const PointLps under = m_view->frame().toLps(100, 90);
        wheel(*m_view, 120, Qt::ControlModifier, {100, 90});
        QVERIFY(length(m_view->frame().toLps(100, 90) - under) < m_view->millimetresPerPixel());
    }

    void oneToOneIsOnePixelAVoxel()
    {
        m_view->showOneToOne();
        QCOMPARE(m_view->millimetresPerPixel(), 3.0 * m_view->devicePixelRatioF());
    }

    void toolsDecideWhatALeftDragDoes()
    {
        const WindowLevel window = m_scene->window();
        m_scene->setTool(Tool::Pan);
        const PointLps before = m_view->frame().toLps(150, 150);
        drag(Qt::LeftButton, {150, 150}, {190, 170});
        QVERIFY(length(m_view->frame().toLps(190, 170) - before) < 0.01);
        m_scene->setTool(Tool::Zoom);
        const double zoom = m_view->millimetresPerPixel();
        drag(Qt::LeftButton, {150, 150}, {150, 100});
        QVERIFY(m_view->millimetresPerPixel() < zoom * 0.9);
        m_scene->setTool(Tool::Scroll);
        const int slice = m_scene->slice(Plane::Axial);
        drag(Qt::LeftButton, {150, 100}, {150, 200});
        QVERIFY(m_scene->slice(Plane::Axial) < slice - 10);
        QVERIFY(m_scene->window() == window);
    }

    void theMagnifierShowsThePlaceLarger()
    {
        m_scene->setTool(Tool::Magnify);
        const QImage plain = m_view->grab().toImage();
        QTest::mousePress(m_view.get(), Qt::LeftButton, {}, {210, 180});
        const QImage lens = m_view->grab().toImage();
        QVERIFY(lens.copy(160, 130, 100, 100) != plain.copy(160, 130, 100, 100));
        // What is under the pointer stays under it.
        QVERIFY(std::abs(qGray(lens.pixel(210, 180)) - qGray(plain.pixel(210, 180))) < 40);
        QTest::mouseRelease(m_view.get(), Qt::LeftButton, {}, {210, 180});
        QCOMPARE(m_view->grab().toImage().copy(160, 130, 100, 100), plain.copy(160, 130, 100, 100));
    }

    // Only what changed is sampled again; what is painted must not be of an earlier window, slice, mask, colour or place.
    void whatIsPaintedIsWhatIsShownNow()
    {
        m_view->setTextShown(false);
        m_view->setCrosshairShown(false);
        const QRect inside(60, 130, 280, 150);     // without the marks of a mask
        const auto isPainted = [&] { return m_view->grab().toImage().convertToFormat(QImage::Format_RGB888).copy(inside) == toImage(m_view->picture()).convertToFormat(QImage::Format_RGB888).copy(inside); };
        QVERIFY(isPainted());
        m_scene->setWindow({-600, 1500, {}});
        QVERIFY(isPainted());
        m_scene->setSlice(Plane::Axial, m_scene->slice(Plane::Axial) + 3);
        QVERIFY(isPainted());
        m_scene->setMask(m_made.truth, {});
        QVERIFY(isPainted());
        m_scene->setMaskOpacity(0.7);
        QVERIFY(isPainted());
        m_scene->setMaskOutline(false);
        QVERIFY(isPainted());
        std::vector<Label> recoloured = m_made.truth.labels();
        for (Label& label : recoloured) {
            label.color = {1, 2, 3};
        }
        m_scene->setMask(m_made.truth.withLabels(recoloured), {});
        QVERIFY(isPainted());
        m_scene->setMaskShown(false);
        QVERIFY(isPainted());
        m_scene->setMaskShown(true);
        m_scene->setSlab({SlabMode::Maximum, 30});
        QVERIFY(isPainted());
        drag(Qt::MiddleButton, {150, 150}, {190, 170});
        QVERIFY(isPainted());
        m_view->flip(Qt::Horizontal);
        QVERIFY(isPainted());
        m_scene->clearMask();
        QVERIFY(isPainted());
        auto other = phantom::CtPhantomOptions();
        other.spacingMm = {3, 3, 4};
        other.seed = 5;
        dicom::Series series = m_series;
        series.key = "other";
        m_scene->setVolume(std::make_shared<const Volume>(phantom::makeCtPhantom(other).volume), series);
        QVERIFY(isPainted());
    }

    void aThickSliceIsShownAndSaid()
    {
        const QImage thin = toImage(m_view->picture());
        QSignalSpy changed(m_scene.get(), &Scene::slabChanged);
        m_scene->setSlab({SlabMode::Maximum, 30});
        QCOMPARE(changed.count(), 1);
        const QImage thick = toImage(m_view->picture());
        // Nothing gets darker in a maximum projection.
        int brighter = 0;
        for (int y = 0; y < thin.height(); ++y) {
            for (int x = 0; x < thin.width(); ++x) {
                QVERIFY(qGray(thick.pixel(x, y)) >= qGray(thin.pixel(x, y)));
                brighter += qGray(thick.pixel(x, y)) > qGray(thin.pixel(x, y));
            }
        }
        QVERIFY(brighter > 1000);
        // At the end of the stack there are fewer slices to take in.
        const double step = m_volume->geometry().spacingMm()[2];
        const auto told = [this](double mm) { return m_view->viewMarks().contains(QStringLiteral("MIP of %1 mm").arg(mm)); };
        m_scene->setSlab({SlabMode::Maximum, 5 * step});
        QVERIFY2(told(5 * step), qPrintable(m_view->viewMarks().join('|')));
        m_scene->setSlice(Plane::Axial, 1);
        QCOMPARE(m_view->viewMarks().first(), QStringLiteral("MIP of %1 mm instead of %2 mm: end of the images").arg(4 * step).arg(5 * step));
        m_scene->setSlice(Plane::Axial, 2);
        QVERIFY(told(5 * step));
        m_scene->setSlab({SlabMode::Maximum, 1e9});
        QCOMPARE(m_scene->slab().thicknessMm, 200.0);
        m_scene->reset();
        QVERIFY(!m_scene->slab().isOn());
        QCOMPARE(toImage(m_view->picture()), thin);
        // A single image has no thickness.
        dicom::Series single = m_series;
        single.kind = dicom::SeriesKind::SingleImage;
        single.key = "single";
        m_scene->setVolume(m_volume, single);
        m_scene->setSlab({SlabMode::Mean, 20});
        QVERIFY(!m_scene->slab().isOn());
    }

    void storedWindowsComeOneAfterTheOther()
    {
        VolumeInfo info = m_volume->info();
        info.windows = {{-500, 1500, "LUNG", VoiFunction::Linear}, {50, 350, "MEDIASTINUM", VoiFunction::Linear}, {400, 2000, "BONE", VoiFunction::Linear}};
        const auto voxels = m_volume->visit([](auto list) { return Volume::Voxels(std::vector(list.begin(), list.end())); });
        m_scene->setVolume(std::make_shared<const Volume>(m_volume->geometry(), voxels, info), m_series);
        m_scene->setWindow({1, 2, {}});
        for (const char* name : {"LUNG", "MEDIASTINUM", "BONE", "LUNG"}) {
            m_scene->setWindow(m_scene->nextStoredWindow());
            QCOMPARE(QString::fromStdString(m_scene->window().name), QString(name));
        }
    }

    void aLoopIsPlayedAtTheSpeedOfItsFile()
    {
        Cine cine(m_scene.get());
        cine.setFramesPerSecond(9);
        dicom::Series loop = m_series;
        loop.key = "loop";
        loop.kind = dicom::SeriesKind::MultiImage;
        loop.framesPerSecond = 29.97;
        m_scene->setVolume(m_volume, loop);
        QCOMPARE(cine.framesPerSecond(), 30);
        cine.setFramesPerSecond(12);
        QCOMPARE(cine.framesPerSecond(), 12);
        m_scene->setVolume(m_volume, m_series);
        QCOMPARE(cine.framesPerSecond(), 9);        // as the reader left it
        loop.framesPerSecond = 1e9;
        m_scene->setVolume(m_volume, loop);
        QCOMPARE(cine.framesPerSecond(), int(Cine::kFastest));
    }

    void cinePlaysAtItsSpeedAndStops()
    {
        Cine cine(m_scene.get());
        cine.setFramesPerSecond(20);
        const int first = m_scene->slice(Plane::Axial);
        QElapsedTimer clock;
        clock.start();
        cine.play();
        QTRY_VERIFY(m_scene->slice(Plane::Axial) >= first + 10);
        // However slow the machine is, it is never ahead of the clock.
        QVERIFY(m_scene->slice(Plane::Axial) - first <= clock.elapsed() * 20 / 1000);
        QVERIFY(clock.elapsed() >= 480);
        cine.stop();
        QVERIFY(!cine.isPlaying());
        cine.setFramesPerSecond(1000);
        QCOMPARE(cine.framesPerSecond(), int(Cine::kFastest));
        // From the end it goes on at the beginning.
        m_scene->setSlice(Plane::Axial, m_scene->sliceCount(Plane::Axial) - 1);
        cine.play();
        QTRY_VERIFY(m_scene->slice(Plane::Axial) < 20);
        cine.stop();
    }

    void longTextsAreElidedNotOverlaid()
    {
        dicom::Series series = m_series;
        series.patient.name = std::string(120, 'W') + "^Name";
        series.text.studyDescription = std::string(200, 'M');
        m_scene->setVolume(m_volume, series);
        m_view->resize(700, 300);
        // Between the two columns of text there is room for the letter of the upper edge.
        const QImage image = m_view->grab().toImage();
        for (int y = 8; y < 60; ++y) {
            for (const int x : {350 - 14, 350 + 14}) {
                QVERIFY(qGray(image.pixel(x, y)) < 250);
            }
        }
    }

    void aSeriesComesBackAsItWasLeft()
    {
        m_scene->setWindow({300, 1500, {}});
        m_scene->setSlice(Plane::Axial, 5);
        m_scene->setMask(lungsOnly(), measureLabels(lungsOnly(), m_made.volume));
        dicom::Series other = m_series;
        other.key = "other";
        m_scene->setVolume(m_volume, other);
        QVERIFY(!m_scene->hasMask());
        QVERIFY(m_scene->slice(Plane::Axial) != 5);
        m_scene->setVolume(m_volume, m_series);
        QVERIFY(m_scene->hasMask());
        QCOMPARE(m_scene->slice(Plane::Axial), 5);
        QCOMPARE(m_scene->window().width, 1500.0);
    }

    void aRemovedMaskIsUndone()
    {
        m_scene->changeMask(lungsOnly(), measureLabels(lungsOnly(), m_made.volume), "Mask");
        m_scene->clearMask();
        QVERIFY(!m_scene->hasMask());
        m_scene->undoStack()->undo();
        QVERIFY(m_scene->hasMask());
        QCOMPARE(m_scene->facts().size(), std::size_t(2));
        m_scene->undoStack()->redo();
        QVERIFY(!m_scene->hasMask());
        // Undone while another series of the study is shown: only its own series gets the mask.
        dicom::Series other = m_series;
        other.key = "other";
        m_scene->setVolume(m_volume, other);
        m_scene->undoStack()->undo();
        QVERIFY(!m_scene->hasMask());
        m_scene->setVolume(m_volume, m_series);
        QVERIFY(m_scene->hasMask());
    }

    void jumpGoesToTheLargestSlice()
    {
        m_scene->setMask(m_made.truth, measureLabels(m_made.truth, m_made.volume));
        m_scene->jumpToLabel(LabelId(phantom::CtLabel::LiverLesion));
        const auto shown = labelsInSlice(m_made.truth, Plane::Axial, m_scene->slice(Plane::Axial));
        QVERIFY(std::find(shown.begin(), shown.end(), LabelId(phantom::CtLabel::LiverLesion)) != shown.end());
    }

    void picturesMatchTheirBaselines()
    {
        m_scene->setCursor({0, 0, 80});
        QVERIFY(test::matchesBaseline(toImage(m_view->picture()), "axial", 0.5));
        m_scene->setMask(lungsOnly(), measureLabels(lungsOnly(), m_made.volume));
        QVERIFY(test::matchesBaseline(toImage(m_view->picture()), "axial-mask", 0.5));
        m_view->setPlane(Plane::Coronal);
        m_scene->setWindow({-600, 1500, {}});
        QVERIFY(test::matchesBaseline(toImage(m_view->picture()), "coronal-lung", 0.5));
        // With texts: fonts may differ a little.
        QVERIFY(test::matchesBaseline(m_view->grab().toImage(), "coronal-texts", 3));
    }

    void theVolumeIsRenderedWithSurfaces()
    {
        VolumeView3D view;
        view.resize(320, 320);
        view.show();
        QVERIFY(QTest::qWaitForWindowExposed(&view));
        view.setVolume(m_volume);
        // Software OpenGL of other versions samples a little differently.
        QVERIFY(test::matchesBaseline(view.image(), "volume-bone", 4));
        view.setMask(lungsOnly(), {});
        QVERIFY(test::matchesBaseline(view.image(), "volume-lungs", 4));
        view.setMask(lungsOnly(), {1, 2});
        const QImage hidden = view.image();
        view.setMask(lungsOnly(), {});
        QVERIFY(test::meanDifference(hidden, view.image()) > 2);
        view.setVolume(nullptr);
    }

    void theVolumeIsBuiltBesideTheWindowsThread()
    {
        VolumeView3D view;
        view.resize(200, 200);
        view.show();
        QVERIFY(QTest::qWaitForWindowExposed(&view));
        view.setVolume(m_volume);
        QVERIFY(view.isBuilding());
        QVERIFY(view.findChild<QLabel*>("speedMark")->text().contains("Building"));
        QTRY_VERIFY_WITH_TIMEOUT(!view.isBuilding(), 20000);
        view.setMask(lungsOnly(), {});
        QVERIFY(view.isBuilding());
        // Another volume in between: what was being made for the old one is never shown.
        view.setVolume(nullptr);
        QVERIFY(!view.isBuilding());
        QVERIFY(view.findChild<QLabel*>("aiMark")->isHidden());
    }

    void presetsFitTheKindOfVolume()
    {
        VolumeView3D view;
        view.resize(200, 200);
        view.setVolume(m_volume);
        QCOMPARE(view.preset(), QString("bone"));
        auto* chooser = view.findChild<QComboBox*>("presetChooser");
        QCOMPARE(chooser->count(), 5);
        view.setPreset("vessels");
        view.setVolume(nullptr);
        view.setVolume(m_volume);
        // What the reader chose stays.
        QCOMPARE(view.preset(), QString("vessels"));
        view.setPreset("lung");
        const Volume mr(m_volume->geometry(), std::vector<std::int16_t>(m_volume->geometry().size().voxels(), 7), {.modality = "MR"});
        view.setVolume(std::make_shared<const Volume>(mr));
        QCOMPARE(view.preset(), QString("soft"));
        QCOMPARE(chooser->count(), 3);
    }

    void aFileThatNamesNoModalityMayBeCt()
    {
        const auto presetsOf = [&](short least, short most, const std::string& modality) {
            std::vector<std::int16_t> values(m_volume->geometry().size().voxels(), least);
            values[0] = most;
            return renderPresetsFor(Volume(m_volume->geometry(), std::move(values), {.modality = modality})).size();
        };
        QCOMPARE(presetsOf(-1024, 1500, ""), 5);
        QCOMPARE(presetsOf(-1024, 100, ""), 3);
        QCOMPARE(presetsOf(0, 1500, ""), 3);
        QCOMPARE(presetsOf(-1024, 1500, "MR"), 3);
    }

    void theVolumeSaysWhoseItIsAndHowItLies()
    {
        VolumeView3D view;
        ShownSeries shown;
        shown.volume = m_volume;
        shown.series = m_series;
        VolumeAnnotations texts(&view, [&] { return &shown; });
        view.resize(420, 400);
        view.show();
        QVERIFY(QTest::qWaitForWindowExposed(&view));
        view.setVolume(m_volume);
        QTRY_VERIFY_WITH_TIMEOUT(!view.isBuilding(), 20000);
        // From the front the patient's left is at the right, from the left the back, from above as in a view of axial slices from the head.
        struct Row { Vec3 from, right, down; };
        for (const Row& row : {Row{{0, -1, 0}, {1, 0, 0}, {0, 0, -1}}, Row{{0, 1, 0}, {-1, 0, 0}, {0, 0, -1}}, Row{{1, 0, 0}, {0, 1, 0}, {0, 0, -1}}, Row{{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}},
                 Row{{0, 0, -1}, {1, 0, 0}, {0, 1, 0}}, Row{{0, 0, 1}, {-1, 0, 0}, {0, 1, 0}}}) {
            view.lookFrom(row.from);
            // With the picture, not before.
            QTRY_VERIFY_WITH_TIMEOUT(length(view.right() - row.right) < 1e-9 && length(view.down() - row.down) < 1e-9, 20000);
        }
        // Where the texts differ from the bare picture.
        const QRect leftEdge(0, 170, 24, 40), corner(0, 0, 80, 30);
        const auto differs = [&](QRect where) { return texts.picture().copy(where) != view.image().copy(where); };
        view.lookFrom({0, -1, 0});
        const QImage fromFront = texts.picture().copy(leftEdge);
        QVERIFY(differs(leftEdge) && differs(corner));
        view.lookFrom({0, 1, 0});
        QVERIFY(texts.picture().copy(leftEdge) != fromFront);
        texts.setTextShown(false);
        QVERIFY(!differs(leftEdge) && !differs(corner));
        // What is unsafe stays.
        VolumeInfo info = m_volume->info();
        info.notes.push_back({"tilt", "Gantry tilt."});
        shown.volume = std::make_shared<const Volume>(m_volume->geometry(), std::vector<std::int16_t>(m_volume->geometry().size().voxels(), 40), info);
        view.setVolume(shown.volume);
        QVERIFY(differs(QRect(0, 0, 420, 60)));
        texts.setTwoPatients(true);
        QVERIFY(differs(QRect(0, 0, 4, 400)));
    }

    void cutsTakeAwayTheirSide()
    {
        VolumeView3D view;
        view.resize(240, 240);
        view.show();
        QVERIFY(QTest::qWaitForWindowExposed(&view));
        view.setVolume(m_volume);
        const auto brightness = [&](int left, int right) {
            const QImage image = view.image();
            double sum = 0;
            for (int y = 40; y < 200; ++y) {
                for (int x = left; x < right; ++x) {
                    sum += qGray(image.pixel(x, y)) > 30;
                }
            }
            return sum;
        };
        const double left = brightness(0, 112), right = brightness(128, 240);
        QVERIFY(left > 1000 && right > 1000);
        // Seen from the front, patient left is right on the screen.
        const Size3 size = m_volume->geometry().size();
        const PointLps middle = m_volume->geometry().toLps(Index3{size.i / 2, size.j / 2, size.k / 2});
        view.setClipPlane(middle, {1, 0, 0});
        QVERIFY(brightness(128, 240) < right * 0.05);
        QVERIFY(brightness(0, 112) > left * 0.8);
        view.setClipPlane(middle, {-1, 0, 0});
        QVERIFY(brightness(0, 112) < left * 0.05);
        view.clearClipPlane();
        QCOMPARE(brightness(0, 112), left);
        // The box first holds everything.
        view.setCropShown(true);
        QVERIFY(view.isCropShown());
        QVERIFY(brightness(0, 112) > left * 0.9);
        view.setCropShown(false);
        QCOMPARE(brightness(0, 112), left);
    }

    void controlDragMovesTheValuesOfThePreset()
    {
        VolumeView3D view;
        view.resize(240, 240);
        view.show();
        QVERIFY(QTest::qWaitForWindowExposed(&view));
        view.setVolume(m_volume);
        const QImage before = view.image();
        QWidget* canvas = view.childAt(120, 200);
        QTest::mousePress(canvas, Qt::LeftButton, Qt::ControlModifier, {120, 120});
        QMouseEvent move(QEvent::MouseMove, QPointF(150, 60), canvas->mapToGlobal(QPointF(150, 60)), Qt::NoButton, Qt::LeftButton, Qt::ControlModifier);
        QApplication::sendEvent(canvas, &move);
        QTest::mouseRelease(canvas, Qt::LeftButton, Qt::ControlModifier, {150, 60});
        QCOMPARE(view.valueShift(), -120.0);
        QVERIFY(view.valueStretch() > 1.1);
        QVERIFY(test::meanDifference(before, view.image()) > 1);
        view.setPreset("bone");
        QCOMPARE(view.valueShift(), 0.0);
        QVERIFY(test::meanDifference(before, view.image()) < 1);
    }

private:
    static void wheel(QWidget& view, int delta, Qt::KeyboardModifiers modifiers = {}, QPoint at = {150, 150})
    {
        QWheelEvent event(at, view.mapToGlobal(at), {}, {0, delta}, Qt::NoButton, modifiers, Qt::NoScrollPhase, false);
        QApplication::sendEvent(&view, &event);
    }

    void drag(Qt::MouseButton button, QPoint from, QPoint to)
    {
        QTest::mousePress(m_view.get(), button, {}, from);
        for (int n = 1; n <= 5; ++n) {
            const QPoint at = from + (to - from) * n / 5;
            QMouseEvent move(QEvent::MouseMove, at, m_view->mapToGlobal(at), Qt::NoButton, button, {});
            QApplication::sendEvent(m_view.get(), &move);
        }
        QTest::mouseRelease(m_view.get(), button, {}, to);
    }

    static QImage toImage(const Picture& picture) { return QImage(picture.rgb.data(), picture.width, picture.height, 3 * picture.width, QImage::Format_RGB888).copy(); }

    LabelMap lungsOnly() const
    {
        std::vector<LabelId> voxels = m_made.truth.voxels();
        for (LabelId& voxel : voxels) {
            voxel = voxel <= 2 ? voxel : 0;
        }
        return LabelMap(m_made.truth.geometry(), std::move(voxels), {{1, "left lung", {86, 156, 230}, {}, {}}, {2, "right lung", {88, 200, 120}, {}, {}}}, {"CTSEG", "1.0", {}, "lungs", {}, {}});
    }

    phantom::CtPhantom m_made;
    std::shared_ptr<const Volume> m_volume;
    dicom::Series m_series;
    QTemporaryDir m_folder;
    std::unique_ptr<Scene> m_scene;
    std::unique_ptr<Findings> m_findings;
    std::unique_ptr<SliceView> m_view;
};

int main(int argc, char** argv) { return test::runGuiTest<tst_views>(argc, argv); }

#include "tst_views.moc"
