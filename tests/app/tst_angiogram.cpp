#include "support/AngiogramFile.h"
#include "support/GuiMain.h"
#include "support/PresentationFile.h"
#include "app/desktop/MainWindow.h"
#include "viewer/dicom/Presentation.h"
#include "viewer/widgets/Findings.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/ViewGrid.h"

#include <QAction>
#include <QApplication>
#include <QProcess>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <cmath>

using namespace hf;
using test::AngiogramFile;
using test::PresentationFile;
using test::put;
using test::require;

namespace {

int value(int frame) { return AngiogramFile::value(frame); }

/// Linear function of the standard, C.11.2.1.2.1.
int grey(double value, double center, double width) { return int(std::lround(std::clamp(((value - (center - 0.5)) / (width - 1) + 0.5) * 255, 0.0, 255.0))); }

} // namespace

/// Subtraction on screen, by key, by presentation state and without a window. Expected numbers are worked out from the formula of the frames.
class tst_angiogram : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_own = std::make_unique<QTemporaryDir>();
        m_run = std::make_unique<AngiogramFile>();
    }

    void cleanup() { m_window.reset(); }

    void aRunThatIsToBeSubtractedIsShownSo()
    {
        AngiogramFile::addOperation(m_run->data(), "AVG_SUB", {1}, {2, 6});
        put(m_run->data(), DCM_RecommendedViewingMode, "SUB");
        open();
        QTRY_VERIFY(scene().volume()->info().isSubtracted);
        QCOMPARE(valueAt(4, 5, 5), double(value(4) - value(1)));
        go(4);
        // 30 to 350, all frames.
        QVERIFY(std::abs(scene().window().center - 190) < 1 && std::abs(scene().window().width - 320) < 2);
        QVERIFY(view().viewMarks().join(' ').contains("subtracted, mask: image 1"));
        const int expected = grey(value(5) - value(1), scene().window().center, scene().window().width);
        QVERIFY(std::abs(view().picture().at(view().width() / 2, view().height() / 2).r - expected) <= 1);
        // The mask itself has none: it is seen as it is, in its own window, and says so.
        go(0);
        QCOMPARE(valueAt(1, 5, 5), value(1) + 3.0 * 5 + 5 * 5);
        QCOMPARE(scene().window().center, 1200.0);
        QVERIFY(view().viewMarks().join(' ').contains("has no mask"));
        go(3);
        QVERIFY(std::abs(scene().window().center - 190) < 1);
        // By key off and on.
        QTest::keyClick(&view(), Qt::Key_M, Qt::ShiftModifier);
        QVERIFY(!scene().volume()->info().isSubtracted && !action("subtract")->isChecked());
        QCOMPARE(scene().window().center, 1200.0);
        QVERIFY(view().viewMarks().contains("not subtracted"));
        QTest::keyClick(&view(), Qt::Key_M, Qt::ShiftModifier);
        QTRY_VERIFY(scene().volume()->info().isSubtracted);
        QVERIFY(action("subtract")->isChecked());
    }

    void theReaderTakesAnImageAsTheMask()
    {
        open();
        QVERIFY(!scene().volume()->info().isSubtracted && view().viewMarks().isEmpty());
        go(2);
        QTest::keyClick(&view(), Qt::Key_M, Qt::ControlModifier);
        QTRY_VERIFY(scene().volume()->info().isSubtracted);
        for (int frame = 1; frame <= AngiogramFile::kFrames; ++frame) {
            QCOMPARE(valueAt(frame, 7, 3), double(value(frame) - value(3)));
        }
        QVERIFY(view().viewMarks().join(' ').contains("mask: image 3"));
        // Another one, then off; on again with the last one.
        go(0);
        QTest::keyClick(&view(), Qt::Key_M, Qt::ControlModifier);
        QTRY_COMPARE(valueAt(6, 7, 3), double(value(6) - value(1)));
        QTest::keyClick(&view(), Qt::Key_M, Qt::ShiftModifier);
        QCOMPARE(valueAt(6, 7, 3), value(6) + 3.0 * 7 + 5 * 3);
        go(4);
        QTest::keyClick(&view(), Qt::Key_M, Qt::ShiftModifier);
        QTRY_COMPARE(valueAt(6, 7, 3), double(value(6) - value(1)));
        // One after the other is taken back, to the images as they were.
        const auto undo = [this] { QTest::keyClick(&view(), Qt::Key_Z, Qt::ControlModifier); };
        undo();
        QCOMPARE(valueAt(6, 7, 3), value(6) + 3.0 * 7 + 5 * 3);
        undo();
        QTRY_COMPARE(valueAt(6, 7, 3), double(value(6) - value(1)));
        undo();
        QTRY_COMPARE(valueAt(6, 7, 3), double(value(6) - value(3)));
        undo();
        QCOMPARE(valueAt(6, 7, 3), value(6) + 3.0 * 7 + 5 * 3);
        QVERIFY(!action("undo")->isEnabled());
    }

    void measurementsAreOfWhatIsSeen()
    {
        open();
        go(3);
        Measurement ellipse;
        ellipse.kind = MeasurementKind::Ellipse;
        ellipse.seriesKey = scene().series().key;
        const Geometry& geometry = scene().volume()->geometry();
        ellipse.points = {geometry.toLps(Index3{4, 4, 3}), geometry.toLps(Index3{14, 10, 3})};
        ellipse.right = geometry.direction(0);
        ellipse.down = geometry.direction(1);
        const int id = m_window->findings()->add(ellipse);
        const auto mean = [&] { return m_window->findings()->find(id)->facts.region->mean; };
        QVERIFY(std::abs(mean() - (value(4) + 3 * 9 + 5 * 7)) < 3);
        go(0);
        QTest::keyClick(&view(), Qt::Key_M, Qt::ControlModifier);
        QTRY_VERIFY(scene().volume()->info().isSubtracted);
        QVERIFY(std::abs(mean() - (value(4) - value(1))) < 1e-3);
        QTest::keyClick(&view(), Qt::Key_M, Qt::ShiftModifier);
        QVERIFY(std::abs(mean() - (value(4) + 3 * 9 + 5 * 7)) < 3);
    }

    void aStateSubtractsItsFrames()
    {
        PresentationFile state("DSA", "090000", {AngiogramFile::kUid});
        AngiogramFile::addOperation(state.data(), "AVG_SUB", {2});
        put(state.data(), DCM_RecommendedViewingMode, "SUB");
        state.setWindow("100", "401");
        state.save(file("state.dcm"));
        open();
        QTRY_VERIFY(scene().volume()->info().isSubtracted);
        QVERIFY(scene().series().presentations.front()->notApplied.empty());
        go(5);
        QCOMPARE(scene().window().center, 100.0);
        QCOMPARE(int(view().picture().at(view().width() / 2, view().height() / 2).r), grey(value(6) - value(2), 100, 401));
        // Without the state the run is as it was stored; its window too.
        QTest::keyClick(&view(), Qt::Key_S, Qt::ShiftModifier);
        QVERIFY(!scene().volume()->info().isSubtracted);
        QCOMPARE(scene().window().center, 1200.0);
        // The state's images without their subtraction are not seen in the window of the differences.
        QTest::keyClick(&view(), Qt::Key_S, Qt::ShiftModifier);
        QTRY_VERIFY(scene().volume()->info().isSubtracted);
        QTest::keyClick(&view(), Qt::Key_M, Qt::ShiftModifier);
        QCOMPARE(scene().window().center, 1200.0);
    }

    void aStatesModalityTableComesBeforeTheSubtraction()
    {
        // Twice the value above 1000, from a table of 16 bits that starts there.
        PresentationFile state("LOG", "090000", {AngiogramFile::kUid});
        AngiogramFile::addOperation(state.data(), "AVG_SUB", {1});
        put(state.data(), DCM_RecommendedViewingMode, "SUB");
        DcmItem& table = test::append(state.data(), DCM_ModalityLUTSequence);
        std::vector<Uint16> squares;
        for (int n = 0; n < 1000; ++n) {
            squares.push_back(Uint16(n * n / 16));
        }
        const Uint16 descriptor[] = {Uint16(squares.size()), 1000, 16};
        require(table.putAndInsertUint16Array(DCM_LUTDescriptor, descriptor, 3));
        put(table, DCM_ModalityLUTType, "US");
        require(table.putAndInsertUint16Array(DCM_LUTData, squares.data(), static_cast<unsigned long>(squares.size())));
        state.save(file("state.dcm"));
        open();
        QTRY_VERIFY(scene().volume()->info().isSubtracted);
        const auto changed = [&](int frame, int x, int y) { return double(squares[std::size_t(value(frame) + 3 * x + 5 * y - 1000)]); };
        for (const int frame : {1, 3, 6}) {
            QCOMPARE(valueAt(frame, 7, 3), changed(frame, 7, 3) - changed(1, 7, 3));
        }
    }

    void anotherSeriesThatComesAndGoesKeepsIt()
    {
        AngiogramFile::addOperation(m_run->data(), "AVG_SUB", {1});
        put(m_run->data(), DCM_RecommendedViewingMode, "SUB");
        open();
        QTRY_VERIFY(scene().volume()->info().isSubtracted);
        const auto read = scene().active().native;
        QVERIFY(read && !read->info().isSubtracted);
        QVERIFY(scene().findVolume(read) == &scene().active());
        // Shown again from what is here.
        scene().setVolume(read, scene().series());
        QTRY_VERIFY(!scene().isSubtracting());
        QVERIFY(scene().volume()->info().isSubtracted);
        QCOMPARE(valueAt(4, 5, 5), double(value(4) - value(1)));
        scene().setMaskImage();     // while it computes everything is closed
        scene().clear();
        QTRY_VERIFY(!scene().isSubtracting() && scene().isEmpty());
    }

    void itIsSubtractedWithoutAWindowToo()
    {
        AngiogramFile::addOperation(m_run->data(), "AVG_SUB", {1});
        put(m_run->data(), DCM_RecommendedViewingMode, "SUB");
        m_run->save(file("run.dcm"));
        const QString picture = m_own->path() + "/picture.png";
        QProcess process;
        process.start(HF_PROGRAM, {"--headless", "--open", m_folder->path(), "--render", picture, "--slice", "4", "--window", "401,100", "--size", "240x160", "--annotations", "off"});
        QVERIFY(process.waitForFinished(60000));
        const QImage image(picture);
        QCOMPARE(qGray(image.pixel(120, 80)), grey(value(5) - value(1), 100, 401));
        QCOMPARE(qGray(image.pixel(60, 40)), grey(value(5) - value(1), 100, 401));
    }

private:
    std::filesystem::path file(const char* name) const { return std::filesystem::path(m_folder->path().toStdString()) / name; }
    Scene& scene() const { return *m_window->scene(); }
    SliceView& view() const { return *m_window->grid()->activeView(); }
    double valueAt(int frame, int x, int y) const { return scene().volume()->valueAt(Index3{x, y, frame - 1}); }
    void go(int image) const { scene().setSlice(scene().volume()->geometry().acquisitionPlane(), image); }
    QAction* action(const char* name) const { return m_window->findChild<QAction*>(name); }

    void open()
    {
        m_run->save(file("run.dcm"));
        const QString own = m_own->path();
        m_window = std::make_unique<app::MainWindow>(app::MainWindow::Options{{HF_ENGINE}, own + "/findings", own + "/hanging", own + "/studies"});
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
        QApplication::setActiveWindow(m_window.get());
        m_window->openPaths({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(!scene().isEmpty(), 15000);
    }

    std::unique_ptr<QTemporaryDir> m_folder, m_own;
    std::unique_ptr<AngiogramFile> m_run;
    std::unique_ptr<app::MainWindow> m_window;
};

int main(int argc, char** argv) { return test::runGuiTest<tst_angiogram>(argc, argv); }

#include "tst_angiogram.moc"
