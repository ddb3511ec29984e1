#include "support/GuiEvents.h"
#include "support/GuiMain.h"
#include "app/desktop/InputDialog.h"
#include "app/desktop/MainWindow.h"
#include "app/desktop/SettingsActions.h"
#include "viewer/dicom/WriteSeries.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/widgets/Findings.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/StudyBrowser.h"
#include "viewer/widgets/Theme.h"
#include "viewer/widgets/ViewGrid.h"

#include <QAction>
#include <QApplication>
#include <QComboBox>
#include <QKeySequenceEdit>
#include <QLabel>
#include <QPushButton>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>
#include <QTreeWidget>
#include <QUndoStack>

using namespace hf;

/// Keys and mouse of the program's window: those that are delivered, and those that the reader chooses. Real events.
class tst_input : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(m_folder.isValid());
        phantom::CtPhantomOptions options;
        options.spacingMm = {8, 8, 10};
        const Volume volume = phantom::makeCtPhantom(options).volume;
        dicom::Identity identity;
        dicom::writeCtSeries(volume, identity, (m_folder.path() + "/studies/one").toStdString());
        identity.uidSeed = "later";
        identity.patientName = "Other^Person";
        identity.patientId = "OTHER-7";
        dicom::writeCtSeries(volume, identity, (m_folder.path() + "/studies/two").toStdString());
    }

    void init()
    {
        makeWindow();
        m_window->openPaths({m_folder.path() + "/studies"});
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 20000);
    }

    void cleanup() { m_window.reset(); }

    void aKeyImageIsMarkedFoundAndKept()
    {
        Scene* scene = m_window->scene();
        const Plane plane = scene->activePlane();
        scene->setSlice(plane, 5);
        QTest::keyClick(view(), Qt::Key_K);
        QVERIFY(view()->viewMarks().contains("key image"));
        QCOMPARE(m_window->findings()->all().size(), std::size_t(1));
        QVERIFY(m_window->findings()->all()[0].measurement.kind == MeasurementKind::KeyImage);
        scene->setSlice(plane, 6);
        QVERIFY(!view()->viewMarks().contains("key image"));
        // Nothing of it is in the way of the mouse.
        scene->setSlice(plane, 5);
        QCOMPARE(view()->measurementAt(view()->rect().center()), 0);
        scene->setSlice(plane, 12);
        QTest::keyClick(view(), Qt::Key_N);
        QCOMPARE(scene->slice(plane), 5);
        // Once more takes it away, undo brings it back, and it is there when the study is opened again.
        QTest::keyClick(view(), Qt::Key_K);
        QVERIFY(!view()->viewMarks().contains("key image"));
        QTest::keyClick(view(), Qt::Key_Z, Qt::ControlModifier);
        QVERIFY(view()->viewMarks().contains("key image"));
        m_window.reset();
        init();
        m_window->scene()->setSlice(plane, 5);
        QTRY_VERIFY(view()->viewMarks().contains("key image"));
        QTest::keyClick(view(), Qt::Key_K);
        QVERIFY(m_window->findings()->all().empty());
    }

    void tabGoesThroughTheViewsAndOn()
    {
        grid()->setActiveCell(0);
        grid()->view(0)->setFocus();
        QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
        QCOMPARE(QApplication::focusWidget(), static_cast<QWidget*>(grid()->view(1)));
        QCOMPARE(grid()->activeCell(), 1);
        QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
        QCOMPARE(QApplication::focusWidget(), static_cast<QWidget*>(grid()->view(2)));
        QTest::keyClick(QApplication::focusWidget(), Qt::Key_Backtab);
        QCOMPARE(QApplication::focusWidget(), static_cast<QWidget*>(grid()->view(1)));
        // Nobody is locked in.
        for (int n = 0; n < 3; ++n) {
            QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
        }
        QVERIFY(!qobject_cast<SliceView*>(QApplication::focusWidget()));
    }

    void pageKeysGoFromStudyToStudy()
    {
        const std::string first = m_window->scene()->series().studyUid;
        const bool isLast = m_window->browser()->indexOfTopLevelItem(m_window->browser()->currentItem()->parent()) == m_window->browser()->topLevelItemCount() - 1;
        QTest::keyClick(view(), isLast ? Qt::Key_PageUp : Qt::Key_PageDown);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->scene()->series().studyUid != first, 20000);
        QTest::keyClick(view(), isLast ? Qt::Key_PageDown : Qt::Key_PageUp);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->scene()->series().studyUid == first, 20000);
    }

    void theMouseWorksAsIn3DSlicerOnDemand()
    {
        Scene* scene = m_window->scene();
        action("slicerMouse")->trigger();
        const WindowLevel window = scene->window();
        const PointLps before = scene->cursor();
        const QPoint from = view()->rect().center() + QPoint(40, -40);
        test::drag(view(), from, from + QPoint(30, 20));
        QVERIFY(scene->window() == window);
        QVERIFY(length(scene->cursor() - before) > 5);
        const auto [x, y] = view()->frame().toPixel(scene->cursor());
        QVERIFY2(std::abs(x - from.x() - 30) < 1.5 && std::abs(y - from.y() - 20) < 1.5, "the crosshair is where the button was let go");
        // Shift and left pans.
        const PointLps place = view()->frame().toLps(10, 10);
        test::drag(view(), from, from + QPoint(25, 0), Qt::LeftButton, Qt::ShiftModifier);
        QVERIFY(length(view()->frame().toLps(10, 10) - place) > 1);
        QVERIFY(app::savedMouse() == MouseMap::slicer());
        action("slicerMouse")->trigger();
        QVERIFY(scene->mouseMap() == MouseMap::standard() && action("standardMouse")->isChecked());
    }

    void keysAndButtonsAreChosenInADialogAndKept()
    {
        inDialog([](app::InputDialog& dialog) {
            choose(dialog, "invert");
            press(dialog, "U");
            // A key that another command has is taken from it, and that is said; one that moves in the images is refused.
            choose(dialog, "fit");
            press(dialog, "W");
            QVERIFY(remark(dialog).contains("Window and level"));
            press(dialog, "Up");
            QVERIFY(remark(dialog).contains("choose another key"));
            QCOMPARE(dialog.keys()["fit"], QList<QKeySequence>{QKeySequence("W")});
            auto* middle = dialog.findChild<QComboBox*>("mouseMiddle");
            middle->setCurrentIndex(int(MouseDrag::Scroll));
            QCOMPARE(dialog.findChild<QComboBox*>("mouseScheme")->currentIndex(), 3);
            QTest::keyClick(dialog.findChild<QTreeWidget*>("commandList"), Qt::Key_Escape);
        });
        // Left without OK: all as before.
        QCOMPARE(action("invert")->shortcut(), QKeySequence("I"));
        inDialog([](app::InputDialog& dialog) {
            choose(dialog, "invert");
            press(dialog, "U");
            choose(dialog, "fit");
            press(dialog, "W");
            dialog.findChild<QComboBox*>("mouseMiddle")->setCurrentIndex(int(MouseDrag::Scroll));
            dialog.accept();
        });
        checkChosen();
        m_window.reset();
        init();
        checkChosen();
        inDialog([](app::InputDialog& dialog) {
            for (QPushButton* button : dialog.findChildren<QPushButton*>()) {
                if (button->text().contains("Defaults")) {
                    QTest::mouseClick(button, Qt::LeftButton);
                }
            }
            dialog.accept();
        });
        QCOMPARE(action("invert")->shortcut(), QKeySequence("I"));
        QCOMPARE(action("fit")->shortcut(), QKeySequence("F"));
        QCOMPARE(action("tool-window")->shortcut(), QKeySequence("W"));
        QVERIFY(m_window->scene()->mouseMap() == MouseMap::standard());
    }

    void wordsOfTheSettingsAreReadBack()
    {
        for (const MouseMap& map : {MouseMap::standard(), MouseMap::reporting(), MouseMap::slicer(), MouseMap{MouseDrag::Zoom, MouseDrag::Scroll, MouseDrag::Crosshair}}) {
            QVERIFY(app::mouseMapFromString(app::toString(map)) == map);
        }
        for (const char* broken : {"", "sideways", "window pan", "window pan dance", "window pan zoom scroll"}) {
            QVERIFY(app::mouseMapFromString(broken) == MouseMap::standard());
        }
    }

    void aWindowThatShowsNothingIsToldInRed()
    {
        Scene* scene = m_window->scene();
        const auto redOf = [this] {
            const QImage image = view()->grab().toImage();
            int red = 0;
            for (int y = image.height() * 3 / 4; y < image.height(); ++y) {
                for (int x = 0; x < image.width() / 2; ++x) {
                    const QColor c = image.pixelColor(x, y);
                    red += c.red() > 180 && c.green() < 130 && c.blue() < 130;
                }
            }
            return red;
        };
        QTest::keyClick(view(), Qt::Key_X);     // without the crosshair's colours
        const int before = redOf();
        scene->setWindow({20000, 400, {}});
        QVERIFY2(redOf() > before + 40, qPrintable(QString::number(redOf())));
        scene->setWindow({40, 400, {}});
        QCOMPARE(redOf(), before);
        QTest::keyClick(view(), Qt::Key_X);
    }

private:
    void makeWindow()
    {
        m_window = std::make_unique<app::MainWindow>(app::MainWindow::Options{{HF_ENGINE}, m_folder.path() + "/findings", m_folder.path() + "/hanging", m_folder.path() + "/library"});
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
        QApplication::setActiveWindow(m_window.get());
    }

    void checkChosen()
    {
        Scene* scene = m_window->scene();
        const bool inverted = scene->isInverted();
        QTest::keyClick(view(), Qt::Key_I);
        QCOMPARE(scene->isInverted(), inverted);
        QTest::keyClick(view(), Qt::Key_U);
        QCOMPARE(scene->isInverted(), !inverted);
        QVERIFY(action("tool-window")->shortcuts().isEmpty());
        const int slice = scene->slice(scene->activePlane());
        const QPoint from = view()->rect().center() + QPoint(30, -60);
        test::drag(view(), from, from + QPoint(0, 60), Qt::MiddleButton);
        QVERIFY(scene->slice(scene->activePlane()) < slice);
    }

    /// Opens the dialog by its command and does something in it; it is closed by then.
    void inDialog(const std::function<void(app::InputDialog&)>& what)
    {
        bool isDone = false;
        QTimer::singleShot(0, m_window.get(), [&] {
            auto* dialog = m_window->findChild<app::InputDialog*>("inputDialog");
            QVERIFY(dialog);
            what(*dialog);
            if (dialog->isVisible()) {
                dialog->reject();
            }
            isDone = true;
        });
        action("input")->trigger();
        QVERIFY(isDone);
        QApplication::setActiveWindow(m_window.get());
    }

    static void choose(app::InputDialog& dialog, const QString& id)
    {
        auto* list = dialog.findChild<QTreeWidget*>("commandList");
        for (QTreeWidgetItemIterator at(list); *at; ++at) {
            if ((*at)->data(0, Qt::UserRole).toString() == id) {
                list->setCurrentItem(*at);
                return;
            }
        }
        QFAIL("no such command");
    }

    static void press(app::InputDialog& dialog, const QString& key)
    {
        auto* edit = dialog.findChild<QKeySequenceEdit*>("keyEdit");
        edit->setFocus();
        QTest::keySequence(edit, QKeySequence(key));
        // The field waits whether more keys follow.
        QTRY_VERIFY_WITH_TIMEOUT(edit->keySequence().isEmpty(), 5000);
    }

    static QString remark(const app::InputDialog& dialog) { return dialog.findChild<QLabel*>("keyRemark")->text(); }

    ViewGrid* grid() const { return m_window->grid(); }
    SliceView* view() const { return grid()->activeView(); }
    QAction* action(const QString& id) const { return m_window->findChild<QAction*>(id); }

    QTemporaryDir m_folder;
    std::unique_ptr<app::MainWindow> m_window;
};

int main(int argc, char** argv) { return test::runGuiTest<tst_input>(argc, argv); }

#include "tst_input.moc"
