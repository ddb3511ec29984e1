#include "support/GuiEvents.h"
#include "support/GuiMain.h"
#include "app/desktop/Hanging.h"
#include "app/desktop/MainWindow.h"
#include "app/desktop/SettingsActions.h"
#include "experts/panel/LabelPanel.h"
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
#include <QCheckBox>
#include <QClipboard>
#include <QDialog>
#include <QDir>
#include <QDropEvent>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QMenuBar>
#include <QMessageBox>
#include <QPushButton>
#include <QStatusBar>
#include <QTabBar>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>
#include <QTreeWidget>
#include <QTreeWidgetItemIterator>

#include <filesystem>
#include <functional>

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
        m_window = std::make_unique<app::MainWindow>(app::MainWindow::Options{{HF_ENGINE}, m_folder.path() + "/findings", m_folder.path() + "/hanging", m_folder.path() + "/studies"});
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
        QApplication::setActiveWindow(m_window.get());
    }

    void cleanup()
    {
        // For looking at: HF_SCREENSHOTS=FOLDER
        save(m_window->grab().toImage(), QTest::currentTestFunction());
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
        // Also by keys alone, with the whole path; to be copied.
        QTest::keyClick(view(), Qt::Key_F, Qt::ControlModifier | Qt::ShiftModifier);
        auto* dialog = m_window->findChild<QDialog*>("refusedFiles");
        QVERIFY(dialog && dialog->isVisible());
        auto* list = dialog->findChild<QTreeWidget*>("refusedList");
        QCOMPARE(list->topLevelItemCount(), 1);
        QVERIFY(list->topLevelItem(0)->text(0).endsWith("/broken/broken.dcm") && !list->topLevelItem(0)->text(1).isEmpty());
        auto* copy = dialog->findChild<QPushButton*>("copyRefused");
        copy->setFocus();
        QTest::keyClick(copy, Qt::Key_Space);
        QCOMPARE(QApplication::clipboard()->text(), list->topLevelItem(0)->text(0) + "\t" + list->topLevelItem(0)->text(1) + "\n");
        QTest::keyClick(dialog, Qt::Key_Escape);
        QTRY_VERIFY(!m_window->findChild<QDialog*>("refusedFiles"));
        QApplication::setActiveWindow(m_window.get());
        m_window->closeAll();
        QVERIFY(!m_window->findChild<QAction*>("refusedFiles")->isEnabled());
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

    void moreViewsShowTheRestOfTheStudy()
    {
        open("study");
        const std::string first = m_window->scene()->series().key, second = otherSeries(first);
        QTest::keyClick(view(), Qt::Key_4, Qt::AltModifier);
        QTRY_COMPARE_WITH_TIMEOUT(grid()->seriesOf(1), second, 20000);
        // What was shown stays, and stays active; there is no third series.
        QCOMPARE(grid()->seriesOf(0), first);
        QCOMPARE(grid()->activeCell(), 0);
        QCOMPARE(m_window->scene()->series().key, first);
        QCOMPARE(m_window->browser()->currentSeries(), first);
        QVERIFY(view()->hasFocus());
        QVERIFY(grid()->seriesOf(2).empty() && grid()->seriesOf(3).empty());
        // Fewer views, more views: the active one is kept.
        QTest::keyClick(view(), Qt::Key_F6);
        QCOMPARE(m_window->scene()->series().key, second);
        QTest::keyClick(view(), Qt::Key_1, Qt::AltModifier);
        QCOMPARE(grid()->seriesOf(0), second);
        QTest::keyClick(view(), Qt::Key_2, Qt::AltModifier);
        QTRY_COMPARE_WITH_TIMEOUT(grid()->seriesOf(0) == first ? grid()->seriesOf(1) : grid()->seriesOf(0), second, 20000);
        QTRY_COMPARE_WITH_TIMEOUT(grid()->seriesOf(0) == second ? grid()->seriesOf(1) : grid()->seriesOf(0), first, 20000);
        QVERIFY(!m_window->findChild<QMessageBox*>());
    }

    void aChangedMindWhileViewsAreFilled()
    {
        open("study");
        const std::string first = m_window->scene()->series().key, second = otherSeries(first);
        // Before the second series is read: one view again, then a folder without images.
        QTest::keyClick(view(), Qt::Key_2, Qt::AltModifier);
        QTest::keyClick(view(), Qt::Key_1, Qt::AltModifier);
        QVERIFY(QDir().mkpath(m_folder.path() + "/nothing"));
        m_window->openPaths({m_folder.path() + "/nothing"});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->findChild<QMessageBox*>(), 20000);
        QTest::keyClick(m_window->findChild<QMessageBox*>(), Qt::Key_Escape);
        QTRY_VERIFY(!m_window->findChild<QMessageBox*>());
        QApplication::setActiveWindow(m_window.get());
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->loader()->isBusy(), 20000);
        QCOMPARE(grid()->count(), 1);
        QCOMPARE(grid()->seriesOf(0), first);
        // Series can still be shown.
        m_window->browser()->chooseSeries(second);
        QTRY_COMPARE_WITH_TIMEOUT(grid()->seriesOf(0), second, 20000);
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
        QContextMenuEvent event(QContextMenuEvent::Keyboard, {}, {});
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
        // The answer holds for this pair. Without a window manager nobody gives the keyboard back.
        QTRY_VERIFY(!m_window->findChild<QMessageBox*>("twoPatients"));
        QApplication::setActiveWindow(m_window.get());
        QTest::keyClick(view(), Qt::Key_Delete, Qt::ShiftModifier);
        QVERIFY(!grid()->showsTwoPatients());
        drop(1, first);
        QTRY_VERIFY(!grid()->view(1)->isEmpty());
        QVERIFY(!m_window->findChild<QMessageBox*>("twoPatients"));
        QVERIFY(grid()->showsTwoPatients());
    }

    void theKeysFollowTheMouse()
    {
        open("study");
        const std::string first = m_window->scene()->series().key, second = otherSeries(first);
        StudyBrowser* list = m_window->browser();
        list->setFocus();
        QTest::mouseClick(list->viewport(), Qt::LeftButton, {}, placeInList(second));
        QTRY_COMPARE_WITH_TIMEOUT(m_window->scene()->series().key, second, 20000);
        QTRY_VERIFY(view()->hasFocus());
        const int slice = m_window->scene()->slice(m_window->scene()->activePlane());
        QTest::keyClick(QApplication::focusWidget(), Qt::Key_Up);
        QCOMPARE(m_window->scene()->slice(m_window->scene()->activePlane()), slice + 1);
        QCOMPARE(list->currentSeries(), second);
        // By keys the list keeps them.
        QTest::keyClick(view(), Qt::Key_L, Qt::ControlModifier);
        QTRY_VERIFY(list->hasFocus());
        list->setCurrentSeries(first);
        QTest::keyClick(list, Qt::Key_Return);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->scene()->series().key, first, 20000);
        QVERIFY(list->hasFocus());
        // A dropped series takes them into its view.
        QTest::keyClick(list, Qt::Key_2, Qt::AltModifier);
        drop(1, second);
        QTRY_COMPARE_WITH_TIMEOUT(grid()->seriesOf(1), second, 20000);
        QTRY_VERIFY(grid()->view(1)->hasFocus());
        // The experts' button gives them back when it was clicked.
        if (!std::filesystem::exists(HF_SOURCE_DIR "/resources/models/demo/config.json")) {
            return;
        }
        auto* run = m_window->findChild<QPushButton*>("runExpert");
        QTRY_VERIFY_WITH_TIMEOUT(run->isEnabled(), 30000);
        QTest::mouseClick(run, Qt::LeftButton);
        QVERIFY(view()->hasFocus());
        QTest::keyClick(view(), Qt::Key_Escape);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->labels()->runningJob(), quint64(0), 30000);
        run->setFocus();
        QTest::keyClick(run, Qt::Key_Space);
        QVERIFY(run->hasFocus());
        QTest::keyClick(run, Qt::Key_Escape);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->labels()->runningJob(), quint64(0), 30000);
    }

    void theListMarksWhatIsShownWhenAnotherPatientIsRefused()
    {
        open("study");
        const std::string first = m_window->scene()->series().key;
        m_window->openPaths({m_folder.path() + "/other"});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->scene()->series().patient.id == "OTHER-7", 20000);
        const std::string other = m_window->scene()->series().key;
        m_window->browser()->chooseSeries(first);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->scene()->series().key, first, 20000);
        QTest::keyClick(view(), Qt::Key_2, Qt::AltModifier);
        QTest::keyClick(view(), Qt::Key_F6);
        QCOMPARE(grid()->activeCell(), 1);
        QTest::mouseClick(m_window->browser()->viewport(), Qt::LeftButton, {}, placeInList(other));
        auto* box = m_window->findChild<QMessageBox*>("twoPatients");
        QVERIFY(box && box->isVisible());
        QCOMPARE(m_window->browser()->currentSeries(), other);
        QTest::keyClick(box, Qt::Key_Escape);
        QCOMPARE(m_window->browser()->currentSeries(), m_window->scene()->series().key);
        QVERIFY(m_window->browser()->currentSeries() != other);
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

    void aSavedLayoutIsTold()
    {
        open("study");
        QVERIFY(m_window->statusBar()->currentMessage().isEmpty());
        bool isAsked = false;
        QTimer::singleShot(0, m_window.get(), [&] {
            QWidget* dialog = QApplication::activeModalWidget();
            auto* name = dialog ? dialog->findChild<QLineEdit*>() : nullptr;
            isAsked = name != nullptr;
            if (name) {
                QTest::keyClicks(name, "Chest plan");
                QTest::keyClick(name, Qt::Key_Return);
            }
        });
        QTest::keyClick(view(), Qt::Key_S, Qt::ControlModifier | Qt::ShiftModifier);
        QVERIFY(isAsked);
        QVERIFY2(m_window->statusBar()->currentMessage().contains("\"Chest plan\" was saved"), qPrintable(m_window->statusBar()->currentMessage()));
        save(m_window->grab().toImage(), "saved-layout");
        QVERIFY(QFile::remove(m_folder.path() + "/hanging/Chest_plan.json"));
        m_window->reloadHanging();
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
        for (int n = 0; n < 3; ++n) {
            QTest::keyClick(view(), Qt::Key_BraceRight);
        }
        QVERIFY(std::abs(obliqueAngleDeg(g, Plane::Coronal, m_window->scene()->active().turn) - 32) < 0.1);
        save(m_window->grab().toImage(), "oblique");
        QTest::keyClick(view(), Qt::Key_O, Qt::ShiftModifier);
        QVERIFY(!m_window->scene()->active().turn.isTurned());
    }

    void everyCommandIsReachedByTheKeyboard()
    {
        open("study");
        QStringList mnemonics, lost;
        QList<const QAction*> reached;
        const std::function<void(const QMenu*)> walk = [&](const QMenu* menu) {
            for (const QAction* action : menu->actions()) {
                action->menu() ? walk(action->menu()) : reached.append(action);
            }
        };
        for (const QAction* top : m_window->menuBar()->actions()) {
            const QString text = top->text();
            const int at = int(text.indexOf('&'));
            QVERIFY2(at >= 0 && !mnemonics.contains(text.mid(at + 1, 1).toLower()), qPrintable(text));
            mnemonics << text.mid(at + 1, 1).toLower();
            walk(top->menu());
        }
        int commands = 0;
        for (const QAction* action : m_window->findChildren<QAction*>()) {
            // Commands of the table have a name of their own.
            if (!action->objectName().isEmpty() && action->parent() == m_window.get()) {
                ++commands;
                if (!reached.contains(action) && action->shortcuts().isEmpty()) {
                    lost << action->objectName();
                }
            }
        }
        QCOMPARE(lost, QStringList());
        QVERIFY(commands > 90);
        // The keys that open a menu really do.
        QTest::keyClick(m_window.get(), Qt::Key_L, Qt::AltModifier);
        const auto opened = [] { return qobject_cast<QMenu*>(QApplication::activePopupWidget()); };
        QTRY_VERIFY(opened());
        QVERIFY(opened()->actions().contains(m_window->findChild<QAction*>("layout-3x4")));
        opened()->close();
        QTRY_VERIFY(!opened());
    }

    void everyControlHasAName()
    {
        open("study");
        QStringList nameless;
        for (const QWidget* widget : m_window->findChildren<QWidget*>()) {
            if (!(widget->focusPolicy() & Qt::TabFocus) || !widget->isVisible() || !widget->accessibleName().isEmpty()) {
                continue;
            }
            const auto* button = qobject_cast<const QAbstractButton*>(widget);
            const auto* inner = widget->parentWidget();
            // Parts of a control that has a name speak with it; tabs and docks say their texts.
            const bool isPart = inner && !inner->accessibleName().isEmpty();
            if (!(button && !(button->text() + button->toolTip()).isEmpty()) && !isPart && !qobject_cast<const QTabBar*>(widget)) {
                nameless << QStringLiteral("%1 %2 in %3").arg(widget->metaObject()->className(), widget->objectName(), inner ? inner->metaObject()->className() : "");
            }
        }
        QVERIFY2(nameless.isEmpty(), qPrintable(nameless.join('\n')));
    }

    void panelsAreLightOnDemandAndImagesStayBlack()
    {
        open("study");
        const QImage dark = m_window->grab().toImage();
        QVERIFY(m_window->palette().color(QPalette::Window).lightness() < 60);
        QTest::keyClick(view(), Qt::Key_K, Qt::ControlModifier | Qt::ShiftModifier);
        QTRY_VERIFY(m_window->palette().color(QPalette::Window).lightness() > 200);
        QVERIFY(app::savedTheme() == theme::Kind::Light);
        const QImage light = m_window->grab().toImage();
        QVERIFY(qGray(light.pixel(20, light.height() - 200)) > 180 && qGray(dark.pixel(20, dark.height() - 200)) < 60);
        const QPoint corner = view()->mapTo(m_window.get(), QPoint(30, view()->height() / 4));
        QCOMPARE(light.pixelColor(corner), dark.pixelColor(corner));
        save(light, "light");
        QTest::keyClick(view(), Qt::Key_K, Qt::ControlModifier | Qt::ShiftModifier);
        QTRY_VERIFY(m_window->palette().color(QPalette::Window).lightness() < 60);
        QVERIFY(app::savedTheme() == theme::Kind::Dark);
    }

    void boxesThatAreNotCheckedAreSeen()
    {
        auto* box = m_window->findChild<QCheckBox*>("maskOutline");
        for (const theme::Kind kind : {theme::Kind::Light, theme::Kind::Dark}) {
            theme::apply(*qApp, kind);
            for (const bool isEnabled : {true, false}) {
                box->setEnabled(isEnabled);
                box->setChecked(false);
                QCoreApplication::processEvents();
                const QImage image = box->grab().toImage();
                const int behind = qGray(box->parentWidget()->grab().toImage().pixel(2, 2));
                int contrast = 0;
                for (int x = 0; x < 18; ++x) {
                    contrast = std::max(contrast, std::abs(qGray(image.pixel(x, image.height() / 2)) - behind));
                }
                QVERIFY2(contrast >= (isEnabled ? 90 : 35), qPrintable(QString::number(contrast)));
                box->setChecked(true);
                QVERIFY(box->grab().toImage() != image);
            }
        }
    }

    void theSecondMouseSchemeScrollsLeftAndWindowsRight()
    {
        open("study");
        Scene* scene = m_window->scene();
        QTest::keyClick(view(), Qt::Key_M, Qt::ControlModifier | Qt::ShiftModifier);
        const WindowLevel window = scene->window();
        const double zoom = view()->millimetresPerPixel();
        const int slice = scene->slice(scene->activePlane());
        const QPoint from = view()->rect().center() + QPoint(30, -60);
        test::drag(view(), from, from + QPoint(0, 60), Qt::LeftButton);
        QVERIFY(scene->slice(scene->activePlane()) < slice);
        QVERIFY(scene->window() == window);
        test::drag(view(), from, from + QPoint(50, 0), Qt::RightButton);
        QVERIFY(scene->window().width > window.width);
        QCOMPARE(view()->millimetresPerPixel(), zoom);
        // A chosen tool is still the left button's.
        QTest::keyClick(view(), Qt::Key_Z);
        test::drag(view(), from, from + QPoint(0, -40), Qt::LeftButton);
        QVERIFY(view()->millimetresPerPixel() < zoom);
        QTest::keyClick(view(), Qt::Key_M, Qt::ControlModifier | Qt::ShiftModifier);
        scene->setTool(Tool::Window);
        const WindowLevel now = scene->window();
        test::drag(view(), from, from + QPoint(50, 0), Qt::LeftButton);
        QVERIFY(scene->window().width > now.width);
    }

    void theVolumeIsCroppedAndCutByKey()
    {
        open("study");
        VolumeView3D* volume = grid()->volumeView();
        QTRY_VERIFY_WITH_TIMEOUT(volume->volume() && !volume->isBuilding(), 30000);
        const QImage whole = volume->image();
        QTest::keyClick(view(), Qt::Key_X, Qt::ControlModifier | Qt::ShiftModifier);
        // On a busy machine the window may not be the active one yet, or the picture late.
        QTRY_VERIFY_WITH_TIMEOUT(volume->image() != whole, 10000);
        const QImage cut = volume->image();
        // The cut follows the slice.
        QTest::keyClick(view(), Qt::Key_Up, Qt::ShiftModifier);
        QVERIFY(volume->image() != cut);
        QTest::keyClick(view(), Qt::Key_X, Qt::ControlModifier | Qt::ShiftModifier);
        QTest::keyClick(view(), Qt::Key_E, Qt::ControlModifier | Qt::ShiftModifier);
        QVERIFY(volume->isCropShown());
        QTest::keyClick(view(), Qt::Key_E, Qt::ControlModifier | Qt::ShiftModifier);
        QVERIFY(!volume->isCropShown());
    }

private:
    static void save(const QImage& image, const QString& name)
    {
        if (const QString folder = qEnvironmentVariable("HF_SCREENSHOTS"); !folder.isEmpty()) {
            image.save(folder + "/" + name + ".png");
        }
    }

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

    /// Where a real click chooses a series.
    QPoint placeInList(const std::string& key) const
    {
        StudyBrowser* list = m_window->browser();
        for (QTreeWidgetItemIterator item(list); *item; ++item) {
            if ((*item)->data(0, Qt::UserRole).toString().toStdString() == key) {
                list->scrollToItem(*item);
                return list->visualItemRect(*item).center();
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

int main(int argc, char** argv) { return test::runGuiTest<tst_layouts>(argc, argv); }

#include "tst_layouts.moc"
