#include "app/desktop/Hanging.h"
#include "app/desktop/MainWindow.h"
#include "viewer/dicom/WriteSeries.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SeriesMime.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/StudyBrowser.h"
#include "viewer/widgets/Theme.h"
#include "viewer/widgets/ViewGrid.h"

#include <QAction>
#include <QApplication>
#include <QDir>
#include <QDropEvent>
#include <QFile>
#include <QLabel>
#include <QMenu>
#include <QMessageBox>
#include <QPushButton>
#include <QSurfaceFormat>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>

#include <filesystem>

using namespace hf;

/// Several series in the program's window: dropped, by menu and key, of one patient and of two. Real events.
class tst_layouts : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(m_folder.isValid());
        phantom::CtPhantomOptions options;
        options.spacingMm = {8, 8, 10};
        m_volume = phantom::makeCtPhantom(options).volume;
        dicom::Identity identity;
        write(identity, "study/one");
        identity.seriesNumber = 2;
        identity.seriesDescription = "Second";
        write(identity, "study/two");
        identity = {};
        identity.uidSeed = "other";
        identity.patientName = "Other^Person";
        identity.patientId = "OTHER-7";
        write(identity, "other");
        identity = {};
        identity.uidSeed = "prior";
        identity.studyDate = "20200101";
        write(identity, "prior");
    }

    void init()
    {
        m_window = std::make_unique<app::MainWindow>(app::MainWindow::Options{{}, HF_ENGINE, m_folder.path() + "/findings", m_folder.path() + "/hanging", m_folder.path() + "/studies"});
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
        QApplication::setActiveWindow(m_window.get());
    }

    void cleanup()
    {
        // For looking at: HF_SCREENSHOTS=FOLDER
        if (const QString folder = qEnvironmentVariable("HF_SCREENSHOTS"); !folder.isEmpty()) {
            m_window->grab().save(folder + "/" + QTest::currentTestFunction() + ".png");
        }
        m_window.reset();
    }

    void aRefusedFileIsToldWithItsReason()
    {
        QDir().mkpath(m_folder.path() + "/broken");
        QFile::copy(QDir(m_folder.path() + "/other").filePath("IM0001.dcm"), m_folder.path() + "/broken/good.dcm");
        QFile junk(m_folder.path() + "/broken/broken.dcm");
        QVERIFY(junk.open(QIODevice::WriteOnly));
        junk.write(QByteArray(128, '\0') + "DICM and then nothing of the kind");
        junk.close();
        open("broken");
        auto* state = m_window->findChild<QLabel*>("state");
        QVERIFY2(state->text().contains("1 file could not be used"), qPrintable(state->text()));
        QVERIFY2(state->toolTip().contains("broken.dcm: "), qPrintable(state->toolTip()));
    }

    void aDroppedSeriesComesIntoItsView()
    {
        open("study");
        const std::string first = m_window->scene()->series().key, second = otherSeries(first);
        QTest::keyClick(view(), Qt::Key_2, Qt::AltModifier);
        QCOMPARE(grid()->count(), 2);
        drop(1, second);
        QTRY_COMPARE_WITH_TIMEOUT(grid()->view(1)->shown().series.key, second, 20000);
        QCOMPARE(grid()->view(0)->shown().series.key, first);
        // The view that was filled is active, so panels and list are about it.
        QCOMPARE(m_window->scene()->series().key, second);
        QCOMPARE(m_window->browser()->currentSeries(), second);
        QTest::mouseClick(grid()->view(0), Qt::LeftButton, {}, grid()->view(0)->rect().center());
        QCOMPARE(m_window->browser()->currentSeries(), first);
        // Both series lie in one frame of reference and scroll together.
        m_window->scene()->setSlice(Plane::Axial, 7);
        QCOMPARE(grid()->view(1)->shown().slice(Plane::Axial), 7);
        QTest::keyClick(grid()->view(0), Qt::Key_L);
        QTest::keyClick(grid()->view(0), Qt::Key_Up);
        QCOMPARE(grid()->view(0)->shown().slice(Plane::Axial), 8);
        QCOMPARE(grid()->view(1)->shown().slice(Plane::Axial), 7);
        QTest::keyClick(grid()->view(0), Qt::Key_J);
        QCOMPARE(grid()->view(1)->shown().slice(Plane::Axial), 8);
        // A click in the list goes to the active view, not to all.
        m_window->browser()->chooseSeries(second);
        QCOMPARE(grid()->seriesOf(0), second);
        QTest::keyClick(grid()->view(0), Qt::Key_P, Qt::AltModifier);
        QVERIFY(grid()->gridLayout() == GridLayout::planes());
    }

    void theKeyboardAloneFillsViews()
    {
        open("study");
        const std::string first = m_window->scene()->series().key, second = otherSeries(first);
        QTest::keyClick(view(), Qt::Key_0, Qt::AltModifier);
        QCOMPARE(grid()->count(), 12);
        QTest::keyClick(view(), Qt::Key_F6);
        QTest::keyClick(view(), Qt::Key_F6);
        QCOMPARE(grid()->activeCell(), 2);
        QTest::keyClick(view(), Qt::Key_L, Qt::ControlModifier);
        QVERIFY(m_window->browser()->hasFocus());
        m_window->browser()->setCurrentSeries(second);
        QTest::keyClick(m_window->browser(), Qt::Key_Return, Qt::ShiftModifier);
        QTRY_COMPARE_WITH_TIMEOUT(grid()->seriesOf(2), second, 20000);
        QTest::keyClick(view(), Qt::Key_Delete, Qt::ShiftModifier);
        QVERIFY(grid()->view(2)->isEmpty());
        // The menu of the list names the views.
        QStringList texts;
        QTimer::singleShot(300, [&] {
            if (auto* menu = qobject_cast<QMenu*>(QApplication::activePopupWidget())) {
                for (const QAction* action : menu->actions()) {
                    texts << action->text();
                }
                menu->close();
            }
        });
        m_window->browser()->setCurrentSeries(second);
        QContextMenuEvent event(QContextMenuEvent::Keyboard, {});
        QApplication::sendEvent(m_window->browser()->viewport(), &event);
        QCOMPARE(texts.size(), 13);
        QVERIFY(texts.contains("Show in view &12"));
    }

    void anotherPatientIsAskedAboutOnceAndMarked()
    {
        open("study");
        const std::string first = m_window->scene()->series().key;
        QTest::keyClick(view(), Qt::Key_2, Qt::AltModifier);
        const int before = int(m_window->browser()->studies().size());
        m_window->openPaths({m_folder.path() + "/other"});
        QTRY_VERIFY_WITH_TIMEOUT(int(m_window->browser()->studies().size()) > before, 20000);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->scene()->series().patient.id == "OTHER-7", 20000);
        QVERIFY(!grid()->showsTwoPatients());
        QTest::keyClick(view(), Qt::Key_2, Qt::AltModifier);
        drop(1, first);
        auto* box = m_window->findChild<QMessageBox*>("twoPatients");
        QVERIFY(box && box->isVisible());
        QVERIFY(box->informativeText().contains("OTHER-7") && box->informativeText().contains("PHANTOM-1"));
        QVERIFY(grid()->view(1)->isEmpty());
        QTest::keyClick(box, Qt::Key_Escape);
        QTRY_VERIFY(!m_window->findChild<QMessageBox*>("twoPatients"));
        QVERIFY(grid()->view(1)->isEmpty() && !grid()->showsTwoPatients());
        drop(1, first);
        QTest::mouseClick(m_window->findChild<QPushButton*>("showBothPatients"), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(!grid()->view(1)->isEmpty(), 20000);
        QVERIFY(grid()->showsTwoPatients());
        const QImage image = grid()->view(0)->grab().toImage();
        QCOMPARE(image.pixelColor(2, image.height() / 2), theme::kDanger);
        // The answer holds for this pair.
        QTest::keyClick(view(), Qt::Key_Delete, Qt::ShiftModifier);
        QVERIFY(!grid()->showsTwoPatients());
        drop(1, first);
        QTRY_VERIFY(!grid()->view(1)->isEmpty());
        QVERIFY(!m_window->findChild<QMessageBox*>("twoPatients"));
        QVERIFY(grid()->showsTwoPatients());
    }

    void theCurrentStudyHangsBesideItsPrior()
    {
        m_window->openPaths({m_folder.path() + "/other", m_folder.path() + "/prior", m_folder.path() + "/study/one"});
        // Whichever is the main series: the CT of the patient who has a prior, or the one who has none, alone.
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 20000);
        m_window->browser()->chooseSeries(seriesOfStudy("2024-01-01", "PHANTOM-1"));
        QTRY_COMPARE_WITH_TIMEOUT(m_window->scene()->series().patient.id, std::string("PHANTOM-1"), 20000);
        QTest::keyClick(view(), Qt::Key_H, Qt::ControlModifier | Qt::ShiftModifier);
        QTRY_COMPARE_WITH_TIMEOUT(grid()->view(1)->shown().series.text.studyDate, std::string("2020-01-01"), 20000);
        QCOMPARE(grid()->count(), 2);
        QCOMPARE(grid()->view(0)->shown().series.text.studyDate, std::string("2024-01-01"));
        QCOMPARE(grid()->activeCell(), 0);
        QVERIFY(!grid()->showsTwoPatients());
        // Other frames of reference: scrolling one leaves the other, until the places are matched.
        const int before = grid()->view(1)->shown().slice(Plane::Axial);
        QTest::keyClick(view(), Qt::Key_Up);
        QCOMPARE(grid()->view(1)->shown().slice(Plane::Axial), before);
        QTest::keyClick(view(), Qt::Key_L, Qt::ControlModifier | Qt::ShiftModifier);
        QTest::keyClick(view(), Qt::Key_Up);
        QCOMPARE(grid()->view(1)->shown().slice(Plane::Axial), before + 1);
    }

    void aLayoutIsSavedAndComesBack()
    {
        open("study");
        const std::string first = m_window->scene()->series().key, second = otherSeries(first);
        grid()->setGridLayout({1, 3, false, {CellShow::Coronal, CellShow::Axial, CellShow::Images}});
        drop(2, second);
        QTRY_VERIFY_WITH_TIMEOUT(grid()->seriesOf(2) == second, 20000);
        QVERIFY(!m_window->hanging()->saveLayoutAs("My layout / 1").isEmpty());
        QTest::keyClick(view(), Qt::Key_P, Qt::AltModifier);
        const auto& rules = m_window->hanging()->rules();
        QCOMPARE(rules.front().name(), QString("My layout / 1"));
        m_window->hanging()->apply(rules.front());
        QTRY_VERIFY_WITH_TIMEOUT(grid()->seriesOf(0) == first && grid()->seriesOf(2) == second, 20000);
        QVERIFY(grid()->view(0)->plane() == Plane::Coronal);
        QVERIFY(grid()->seriesOf(1).empty());
        // It is not applied by itself.
        QVERIFY(!rules.front().isAutomatic);
    }

    void aBadRuleFileIsToldWithLineAndReason()
    {
        QFile file(m_folder.path() + "/hanging/mine.json");
        QVERIFY(QDir().mkpath(m_folder.path() + "/hanging") && file.open(QIODevice::WriteOnly));
        file.write("{\"hounsfield-hanging\": 1,\n\"rulez\": []}");
        file.close();
        m_window->reloadHanging();
        auto* box = m_window->findChild<QMessageBox*>();
        QVERIFY(box && box->informativeText().contains("mine.json, line 2: unknown key 'rulez'"));
        QTest::keyClick(box, Qt::Key_Escape);
        file.remove();
        m_window->reloadHanging();
        QVERIFY(m_window->hanging()->problems().isEmpty());
        QVERIFY(m_window->hanging()->rules().size() >= 8);
    }

    void obliquePlanesByKey()
    {
        open("study");
        QTest::keyClick(view(), Qt::Key_BracketRight);
        QTest::keyClick(view(), Qt::Key_BracketRight);
        const Geometry& g = m_window->scene()->volume()->geometry();
        const PlaneTurn turn = m_window->scene()->active().turn;
        QVERIFY(!isOblique(g, Plane::Axial, turn));
        QVERIFY(std::abs(obliqueAngleDeg(g, Plane::Coronal, turn) - 2) < 1e-6);
        QTest::keyClick(view(), Qt::Key_Up, Qt::AltModifier);
        QVERIFY(std::abs(obliqueAngleDeg(g, Plane::Axial, m_window->scene()->active().turn) - 1) < 1e-6);
        QTest::keyClick(view(), Qt::Key_O, Qt::ShiftModifier);
        QVERIFY(!m_window->scene()->active().turn.isTurned());
    }

private:
    void write(const dicom::Identity& identity, const QString& folder) { dicom::writeCtSeries(m_volume, identity, (m_folder.path() + "/" + folder).toStdString()); }

    ViewGrid* grid() const { return m_window->grid(); }
    SliceView* view() const { return grid()->activeView(); }

    void open(const QString& folder)
    {
        m_window->openPaths({m_folder.path() + "/" + folder});
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 20000);
    }

    std::string otherSeries(const std::string& key) const
    {
        for (const dicom::Series& series : m_window->browser()->studies().front().series) {
            if (series.key != key) {
                return series.key;
            }
        }
        return {};
    }

    std::string seriesOfStudy(const std::string& date, const std::string& patient) const
    {
        for (const dicom::Study& study : m_window->browser()->studies()) {
            if (study.text.studyDate == date && study.patient.id == patient) {
                return study.series.front().key;
            }
        }
        return {};
    }

    void drop(int cell, const std::string& key)
    {
        // A new layout is laid out with the next events.
        QTRY_VERIFY(cell == 0 || !grid()->view(cell)->geometry().intersects(grid()->view(0)->geometry()));
        const std::unique_ptr<QMimeData> data(seriesMime(QString::fromStdString(key)));
        const QPointF at = grid()->view(cell)->geometry().center();
        QDragEnterEvent enter(at.toPoint(), Qt::CopyAction, data.get(), Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(grid(), &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent event(at, Qt::CopyAction, data.get(), Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(grid(), &event);
    }

    QTemporaryDir m_folder;
    Volume m_volume;
    std::unique_ptr<app::MainWindow> m_window;
};

int main(int argc, char** argv)
{
    QSurfaceFormat::setDefaultFormat(VolumeView3D::surfaceFormat());
    QLocale::setDefault(QLocale::c());
    QApplication application(argc, argv);
    theme::apply(application);
    tst_layouts test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_layouts.moc"
