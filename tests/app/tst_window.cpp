#include "support/GuiEvents.h"
#include "support/GuiMain.h"
#include "app/desktop/MainWindow.h"
#include "assistant/client/EngineClient.h"
#include "assistant/panel/ChatPanel.h"
#include "experts/panel/LabelPanel.h"
#include "viewer/dicom/WriteSeries.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/widgets/Cine.h"
#include "viewer/widgets/Findings.h"
#include "viewer/widgets/NoteText.h"
#include "viewer/widgets/ReasonText.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/MeasurementText.h"
#include "viewer/widgets/SliceAnnotations.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/StudyBrowser.h"
#include "viewer/widgets/TagBrowser.h"
#include "viewer/widgets/ViewGrid.h"
#include "viewer/widgets/ViewHistory.h"

#include <QAction>
#include <QApplication>
#include <QCheckBox>
#include <QComboBox>
#include <QDialog>
#include <QDialogButtonBox>
#include <QDir>
#include <QDockWidget>
#include <QDropEvent>
#include <QJsonObject>
#include <QLabel>
#include <QLibraryInfo>
#include <QLineEdit>
#include <QMessageBox>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QRegularExpression>
#include <QScreen>
#include <QScrollArea>
#include <QScrollBar>
#include <QSignalSpy>
#include <QSlider>
#include <QSpinBox>
#include <QTableWidget>
#include <QTemporaryDir>
#include <QTest>
#include <QTextBrowser>
#include <QTimer>
#include <QToolButton>
#include <QTranslator>
#include <QTreeWidget>
#include <QWheelEvent>

#include <csignal>
#include <filesystem>
#include <random>

using namespace hf;

namespace {
bool hasModel() { return std::filesystem::exists(HF_SOURCE_DIR "/resources/models/demo/config.json"); }
} // namespace

/// The whole program in its window: reading, asking, the mask, a killed engine. Real mouse and key events.
class tst_window : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(m_folder.isValid());
        phantom::CtPhantomOptions options;
        options.spacingMm = {4, 4, 5};
        dicom::writeCtSeries(phantom::makeCtPhantom(options).volume, {}, path());
    }

    void init()
    {
        m_window = std::make_unique<app::MainWindow>(app::MainWindow::Options{{HF_ENGINE}, m_folder.path() + "/findings", m_folder.path() + "/hanging", m_folder.path() + "/studies"});
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
        // There may be no window manager to do it; shortcuts belong to the active window.
        QApplication::setActiveWindow(m_window.get());
    }

    void cleanup() { m_window.reset(); }

    void theWindowFitsTheScreen()
    {
        QVERIFY(m_window->width() <= m_window->screen()->availableGeometry().width());
        QVERIFY(m_window->height() <= m_window->screen()->availableGeometry().height());
        QVERIFY2(m_window->minimumSizeHint().width() <= 1280 && m_window->minimumSizeHint().height() <= 760,
            qPrintable(QStringLiteral("%1 x %2").arg(m_window->minimumSizeHint().width()).arg(m_window->minimumSizeHint().height())));
    }

    void theWindowFitsASmallScreen_data()
    {
        QTest::addColumn<bool>("inGerman");
        QTest::newRow("English") << false;
        QTest::newRow("German") << true;
    }

    /// 1920 x 1000 at 200 %.
    void theWindowFitsASmallScreen()
    {
        QFETCH(bool, inGerman);
        QTranslator german;
        QVERIFY(german.load(HF_BINARY_DIR "/share/hounsfield/translations/hounsfield_de.qm"));
        if (inGerman) {
            QCoreApplication::installTranslator(&german);
            cleanup();
            init();
        }
        const auto isFit = [this] { return m_window->minimumSizeHint().width() <= 960 && m_window->minimumSizeHint().height() <= 500; };
        const auto told = [this] { return QStringLiteral("%1 x %2").arg(m_window->minimumSizeHint().width()).arg(m_window->minimumSizeHint().height()).toUtf8(); };
        QVERIFY2(isFit(), told());
        open();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->engine()->info().has_value(), 30000);
        QTRY_VERIFY2(isFit(), told());
        // Also with a long line about the series.
        m_window->findChild<QLabel*>("state")->setText(QString(400, 'x'));
        m_window->resize(960, 500);
        QTRY_COMPARE(m_window->size(), QSize(960, 500));
        QVERIFY(m_window->grid()->width() >= 200 && m_window->grid()->height() >= 200);
        // The tools that have no room are in the menu behind the bar.
        auto* more = m_window->findChild<QToolButton*>("qt_toolbar_ext_button");
        QTRY_VERIFY(more && more->isVisible());
        QCoreApplication::removeTranslator(&german);
    }

    void panelsScrollOnlyWhereThereIsNoRoom()
    {
        m_window->resize(1500, 940);
        open();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->engine()->info().has_value(), 30000);
        const auto bars = [this] {
            QStringList names;
            for (const char* name : {"assistantDock", "labelsDock", "findingsDock"}) {
                const auto* area = qobject_cast<QScrollArea*>(m_window->findChild<QDockWidget*>(name)->widget());
                if (area->verticalScrollBar()->isVisible()) {
                    names << name;
                }
            }
            return names;
        };
        QTRY_COMPARE(bars(), QStringList());
        m_window->resize(960, 500);
        QTRY_VERIFY(bars().contains("assistantDock"));
        // What has the keyboard is scrolled to.
        auto* question = m_window->findChild<QPlainTextEdit*>("question");
        QTest::keyClick(m_window->grid()->activeView(), Qt::Key_K, Qt::ControlModifier);
        QTRY_VERIFY(question->hasFocus());
        QTRY_VERIFY(question->visibleRegion().boundingRect().height() > 20);
        m_window->resize(1500, 940);
        QTRY_COMPARE(bars(), QStringList());
    }

    void panelsAndTheWholeScreenByKey()
    {
        open();
        const int before = m_window->grid()->width();
        const std::pair<Qt::Key, const char*> docks[] = {{Qt::Key_1, "studiesDock"}, {Qt::Key_2, "findingsDock"}, {Qt::Key_3, "assistantDock"}, {Qt::Key_4, "labelsDock"}};
        for (const auto& [key, name] : docks) {
            QVERIFY(m_window->findChild<QDockWidget*>(name)->isVisible());
            QTest::keyClick(m_window->grid()->activeView(), key, Qt::ControlModifier);
            QVERIFY(!m_window->findChild<QDockWidget*>(name)->isVisible());
        }
        QVERIFY(!m_window->findChild<QAction*>("panel-studies")->isChecked());
        QTRY_VERIFY(m_window->grid()->width() > before + 400);
        // The key that goes to a panel brings it back.
        QTest::keyClick(m_window->grid()->activeView(), Qt::Key_K, Qt::ControlModifier);
        QVERIFY(m_window->findChild<QDockWidget*>("assistantDock")->isVisible());
        QTRY_VERIFY(m_window->findChild<QPlainTextEdit*>("question")->hasFocus());
        QTest::keyClick(m_window->grid()->activeView(), Qt::Key_L, Qt::ControlModifier);
        QVERIFY(m_window->findChild<QDockWidget*>("studiesDock")->isVisible() && m_window->findChild<QAction*>("panel-studies")->isChecked());
        QTest::keyClick(m_window.get(), Qt::Key_F11);
        QTRY_VERIFY(m_window->isFullScreen() && m_window->findChild<QAction*>("fullScreen")->isChecked());
        QTest::keyClick(m_window.get(), Qt::Key_F11);
        QTRY_VERIFY(!m_window->isFullScreen() && !m_window->findChild<QAction*>("fullScreen")->isChecked());
    }

    void anEmptyWindowSaysWhatToDo()
    {
        QVERIFY(m_window->findChild<QPushButton*>("openSample")->isVisible());
        QVERIFY(m_window->chat()->conversationText().contains("Open a study"));
        QTest::keyClick(m_window.get(), Qt::Key_R);
        QTest::keyClick(m_window.get(), Qt::Key_3);
    }

    void aFolderIsRead()
    {
        open();
        QCOMPARE(m_window->browser()->topLevelItemCount(), 1);
        QVERIFY(m_window->windowTitle().startsWith("Phantom"));
        QVERIFY(!m_window->scene()->volume()->isEmpty());
    }

    void aDroppedFolderIsRead()
    {
        QMimeData data;
        data.setUrls({QUrl::fromLocalFile(m_folder.path() + "/dicom")});
        QDragEnterEvent enter(QPoint(100, 100), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(m_window.get(), &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent event(QPointF(100, 100), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(m_window.get(), &event);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 15000);
    }

    void aMissingFolderIsTold()
    {
        m_window->openPaths({"/nowhere/at/all"});
        QTRY_VERIFY(m_window->findChild<QMessageBox*>());
        QVERIFY(!m_window->findChild<QMessageBox*>()->text().isEmpty());
        QTest::keyClick(m_window->findChild<QMessageBox*>(), Qt::Key_Escape);
        QVERIFY(m_window->scene()->isEmpty());
    }

    void keysWork()
    {
        open();
        Scene& scene = *m_window->scene();
        QTest::keyClick(m_window.get(), Qt::Key_3);
        QCOMPARE(scene.window().width, 1500.0);
        QTest::keyClick(m_window.get(), Qt::Key_I);
        QVERIFY(scene.isInverted());
        const int slice = scene.slice(scene.activePlane());
        m_window->grid()->activeView()->setFocus();
        QTest::keyClick(m_window->grid()->activeView(), Qt::Key_Up);
        QCOMPARE(scene.slice(scene.activePlane()), slice + 1);
        QTest::keyClick(m_window.get(), Qt::Key_R);
        QVERIFY(!scene.isInverted());
        QCOMPARE(scene.window().width, 400.0);
        QTest::keyClick(m_window.get(), Qt::Key_M);
        QVERIFY(m_window->grid()->isMaximized());
    }

    void aMeasurementIsDrawnUndoneAndKept()
    {
        open();
        SliceView* view = m_window->grid()->view(0);
        QTest::keyClick(view, Qt::Key_D);
        QCOMPARE(m_window->scene()->tool(), Tool::Length);
        test::drag(view, {120, 120}, {200, 180});
        QCOMPARE(m_window->findings()->all().size(), std::size_t(1));
        QVERIFY(std::abs(*m_window->findings()->all()[0].facts.length - 100 * view->millimetresPerPixel()) < 0.01);
        QCOMPARE(m_window->findChild<QTreeWidget*>("findingsList")->topLevelItemCount(), 1);
        QTest::keyClick(view, Qt::Key_Z, Qt::ControlModifier);
        QVERIFY(m_window->findings()->all().empty());
        QTest::keyClick(view, Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier);
        QCOMPARE(m_window->findings()->all().size(), std::size_t(1));
        // Escape ends the tool; Delete removes what is selected.
        QTest::keyClick(view, Qt::Key_Escape);
        QCOMPARE(m_window->scene()->tool(), Tool::Window);
        m_window->findings()->jumpToNext(1);
        QTest::keyClick(view, Qt::Key_Delete);
        QVERIFY(m_window->findings()->all().empty());
        QTest::keyClick(view, Qt::Key_Z, Qt::ControlModifier);
        // Another window, another day.
        cleanup();
        init();
        open();
        QCOMPARE(m_window->findings()->all().size(), std::size_t(1));
        m_window->findings()->removeAll();
    }

    /// From the tool to the removal without a mouse; the keys have their usual meaning again when the tool is ended.
    void aMeasurementIsMadeMovedAndRemovedByKeysAlone()
    {
        open();
        Scene& scene = *m_window->scene();
        SliceView* view = m_window->grid()->activeView();
        QTRY_VERIFY(view->hasFocus());
        const int slice = scene.slice(scene.activePlane());
        const std::string series = scene.series().key;
        const auto press = [](Qt::Key key, int times = 1, Qt::KeyboardModifiers modifiers = {}) {
            for (int n = 0; n < times; ++n) {
                QTest::keyClick(QApplication::focusWidget(), key, modifiers);
            }
        };
        press(Qt::Key_E);
        press(Qt::Key_Space);
        press(Qt::Key_Right, 5, Qt::ShiftModifier);
        press(Qt::Key_Down, 4, Qt::ShiftModifier);
        if (const QString folder = qEnvironmentVariable("HF_SCREENSHOTS"); !folder.isEmpty()) {
            m_window->grab().save(folder + "/drawn-by-keys.png");
        }
        press(Qt::Key_Space);
        QCOMPARE(m_window->findings()->all().size(), std::size_t(1));
        QVERIFY(scene.isMaskShown());
        QCOMPARE(scene.slice(scene.activePlane()), slice);
        QCOMPARE(scene.series().key, series);
        press(Qt::Key_Escape);
        QCOMPARE(scene.tool(), Tool::Window);
        press(Qt::Key_Up);
        QCOMPARE(scene.slice(scene.activePlane()), slice + 1);
        press(Qt::Key_Space);
        QVERIFY(!scene.isMaskShown());
        press(Qt::Key_Space);
        m_window->findings()->setSelected(0);
        press(Qt::Key_N);
        QVERIFY(m_window->findings()->selected() != 0);
        QCOMPARE(scene.slice(scene.activePlane()), slice);
        const std::vector<PointLps> before = m_window->findings()->all()[0].measurement.points;
        press(Qt::Key_F2, 1, Qt::ShiftModifier);
        press(Qt::Key_Left, 7);
        press(Qt::Key_Tab);
        QVERIFY(view->hasFocus());
        press(Qt::Key_Return);
        const std::vector<PointLps> after = m_window->findings()->all()[0].measurement.points;
        QVERIFY(length(after[0] - before[0] - view->frame().right * (-7 * view->millimetresPerPixel())) < 1e-6);
        QVERIFY(length(after[1] - before[1] - (after[0] - before[0])) < 1e-6);
        // Given up by the key that ends everything.
        press(Qt::Key_F2, 1, Qt::ShiftModifier);
        press(Qt::Key_Left, 7);
        press(Qt::Key_Escape);
        QCOMPARE(m_window->findings()->all()[0].measurement.points, after);
        QVERIFY(!view->measureTool().isBusy());
        press(Qt::Key_Z, 1, Qt::ControlModifier);
        QVERIFY(length(m_window->findings()->all()[0].measurement.points[0] - before[0]) < 1e-9);
        press(Qt::Key_Delete);
        QVERIFY(m_window->findings()->all().empty());
        press(Qt::Key_Up);
        QCOMPARE(scene.slice(scene.activePlane()), slice + 1);
    }

    void whatWasDoneLastIsUndoneFirst()
    {
        open();
        Scene& scene = *m_window->scene();
        SliceView* view = m_window->grid()->view(0);
        const auto* undo = m_window->findChild<QAction*>("undo");
        const auto back = [view] { QTest::keyClick(view, Qt::Key_Z, Qt::ControlModifier); };
        QVERIFY(!undo->isEnabled());
        const WindowLevel stored = scene.window();
        test::drag(view, {150, 150}, {210, 120});
        const WindowLevel dragged = scene.window();
        QVERIFY(!(dragged == stored));
        QCOMPARE(undo->text(), QString("Undo: Window and level"));
        QTest::keyClick(view, Qt::Key_D);
        test::drag(view, {120, 120}, {200, 180});
        QTest::keyClick(view, Qt::Key_Escape);
        QTest::keyClick(view, Qt::Key_H);
        QTest::keyClick(view, Qt::Key_3);
        // Going through the slices is not taken back, and does not stand in the way.
        QTest::keyClick(view, Qt::Key_Up);
        const int slice = scene.slice(Plane::Axial);
        QTest::keyClick(view, Qt::Key_I);
        QCOMPARE(undo->text(), QString("Undo: Invert"));
        back();
        QVERIFY(!scene.isInverted());
        QCOMPARE(scene.window().width, 1500.0);
        back();
        QVERIFY(scene.window() == dragged);
        QVERIFY(view->isTurned());
        QCOMPARE(undo->text(), QString("Undo: Flip left and right"));
        back();
        QVERIFY(!view->isTurned());
        QCOMPARE(m_window->findings()->all().size(), std::size_t(1));
        back();
        QVERIFY(m_window->findings()->all().empty());
        QVERIFY(scene.window() == dragged);
        // The whole drag is one step.
        back();
        QVERIFY(scene.window() == stored);
        QVERIFY(!undo->isEnabled());
        QCOMPARE(scene.slice(Plane::Axial), slice);
        for (int n = 0; n < 5; ++n) {
            QTest::keyClick(view, Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier);
        }
        QVERIFY(scene.isInverted() && view->isTurned());
        QCOMPARE(scene.window().width, 1500.0);
        QCOMPARE(m_window->findings()->all().size(), std::size_t(1));
        m_window->findings()->removeAll();
    }

    /// Whatever the reader does to drawings and views, all of it comes back.
    void manyStepsAreUndoneAndRedone()
    {
        open();
        SliceView* view = m_window->grid()->view(0);
        struct State {
            SeriesLook look;
            std::vector<ViewPlacement> placements;
            std::size_t findings;
            bool operator==(const State&) const = default;
        };
        const auto state = [this] {
            State now{lookOf(m_window->scene()->active()), {}, m_window->findings()->all().size()};
            for (int n = 0; n < 3; ++n) {
                now.placements.push_back(m_window->grid()->view(n)->placement());
            }
            return now;
        };
        const std::pair<Qt::Key, Qt::KeyboardModifiers> keys[] = {{Qt::Key_H, {}}, {Qt::Key_V, {}}, {Qt::Key_R, Qt::ShiftModifier}, {Qt::Key_L, Qt::ShiftModifier}, {Qt::Key_I, {}}, {Qt::Key_0, {}},
            {Qt::Key_1, {}}, {Qt::Key_3, {}}, {Qt::Key_4, {}}, {Qt::Key_B, {}}, {Qt::Key_B, Qt::ControlModifier}, {Qt::Key_B, Qt::ShiftModifier}, {Qt::Key_Period, {}}, {Qt::Key_Comma, {}},
            {Qt::Key_BracketRight, {}}, {Qt::Key_Up, Qt::AltModifier}, {Qt::Key_O, Qt::ShiftModifier}, {Qt::Key_F, {}}, {Qt::Key_F, Qt::ShiftModifier}, {Qt::Key_R, {}}, {Qt::Key_Down, {}}};
        std::mt19937 random(7);
        const auto upTo = [&](int count) { return int(random() % unsigned(count)); };
        const auto place = [&] { return QPoint(40 + upTo(view->width() - 80), 40 + upTo(view->height() - 80)); };
        const State first = state();
        for (int n = 0; n < 250; ++n) {
            if (const int kind = upTo(8); kind > 3) {
                const auto [key, modifiers] = keys[upTo(int(std::size(keys)))];
                QTest::keyClick(view, key, modifiers);
            } else if (kind == 3) {
                const QPointF at = place();
                QWheelEvent wheel(at, view->mapToGlobal(at), {}, {0, upTo(2) ? 120 : -120}, Qt::NoButton, Qt::ControlModifier, Qt::NoScrollPhase, false);
                QApplication::sendEvent(view, &wheel);
            } else {
                const Qt::MouseButton buttons[] = {Qt::LeftButton, Qt::MiddleButton, Qt::RightButton};
                const bool isDrawing = kind == 0 && upTo(2);
                m_window->scene()->setTool(isDrawing ? Tool::Length : Tool::Window);
                test::drag(view, place(), place(), buttons[kind]);
                m_window->scene()->setTool(Tool::Window);
            }
        }
        const State last = state();
        QVERIFY(!(last == first));
        const auto* history = m_window->grid()->history();
        int steps = 0;
        for (; history->canUndo() && steps < 1000; ++steps) {
            QTest::keyClick(view, Qt::Key_Z, Qt::ControlModifier);
        }
        QVERIFY2(steps > 100, qPrintable(QString::number(steps)));
        QVERIFY(state() == first);
        for (; history->canRedo() && steps > 0; --steps) {
            QTest::keyClick(view, Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier);
        }
        QCOMPARE(steps, 0);
        QVERIFY(state() == last);
        m_window->findings()->removeAll();
    }

    void stepsOfAClosedStudyDoNotComeBack()
    {
        open();
        SliceView* view = m_window->grid()->view(0);
        QTest::keyClick(view, Qt::Key_H);
        QTest::keyClick(view, Qt::Key_3);
        m_window->closeAll();
        QVERIFY(!m_window->findChild<QAction*>("undo")->isEnabled());
        open();
        QVERIFY(!m_window->findChild<QAction*>("undo")->isEnabled());
        const WindowLevel window = m_window->scene()->window();
        QTest::keyClick(view, Qt::Key_Z, Qt::ControlModifier);
        QVERIFY(m_window->scene()->window() == window);
        QVERIFY(!view->isTurned());
    }

    void viewKeysWork()
    {
        open();
        SliceView* view = m_window->grid()->activeView();
        QTest::keyClick(view, Qt::Key_H);
        QVERIFY(view->isTurned());
        QTest::keyClick(view, Qt::Key_R);
        QVERIFY(!view->isTurned());
        QTest::keyClick(view, Qt::Key_R, Qt::ShiftModifier);
        QVERIFY(view->isTurned());
        QTest::keyClick(view, Qt::Key_L, Qt::ShiftModifier);
        QVERIFY(!view->isTurned());
        QTest::keyClick(view, Qt::Key_F, Qt::ShiftModifier);
        QCOMPARE(view->millimetresPerPixel(), 4.0 * view->devicePixelRatioF());
        QTest::keyClick(view, Qt::Key_C);
        QVERIFY(m_window->cine()->isPlaying());
        QTest::keyClick(view, Qt::Key_Escape);
        QVERIFY(!m_window->cine()->isPlaying());
    }

    void spacePressesTheButtonThatHasTheFocus()
    {
        open();
        QVERIFY(m_window->scene()->isMaskShown());
        auto* texts = m_window->findChild<QCheckBox*>("maskOutline");
        texts->setEnabled(true);
        texts->setFocus();
        const bool before = texts->isChecked();
        QTest::keyClick(texts, Qt::Key_Space);
        QCOMPARE(texts->isChecked(), !before);
        QVERIFY(m_window->scene()->isMaskShown());
        QTest::keyClick(m_window->grid()->activeView(), Qt::Key_Space);
        QVERIFY(!m_window->scene()->isMaskShown());
    }

    void everyControlHasANameAndEveryKeyIsInTheSheet()
    {
        open();
        QStringList nameless;
        for (QWidget* widget : m_window->findChildren<QWidget*>()) {
            const bool isInput = qobject_cast<QPlainTextEdit*>(widget) || qobject_cast<QTextBrowser*>(widget) || qobject_cast<QComboBox*>(widget) || qobject_cast<QSpinBox*>(widget) ||
                qobject_cast<QSlider*>(widget) || qobject_cast<QTreeWidget*>(widget) || qobject_cast<QTableWidget*>(widget) || qobject_cast<SliceView*>(widget);
            if (isInput && widget->accessibleName().isEmpty()) {
                nameless << widget->objectName() + " " + widget->metaObject()->className();
            }
        }
        QCOMPARE(nameless, QStringList());
        QTest::keyClick(m_window.get(), Qt::Key_F1);
        auto* sheet = m_window->findChild<QDialog*>("keysSheet");
        QVERIFY(sheet && sheet->isVisible());
        const QString text = sheet->findChild<QTextBrowser*>()->toPlainText().simplified();
        int keys = 0;
        QStringList taken;
        for (QAction* action : m_window->findChildren<QAction*>()) {
            for (const QKeySequence& key : action->shortcuts()) {
                QVERIFY2(!taken.contains(key.toString()), qPrintable(key.toString()));
                taken << key.toString();
                ++keys;
                QVERIFY2(text.contains(action->text().remove('&').simplified()), qPrintable(action->text()));
            }
        }
        QVERIFY(keys > 40);
        QTest::keyClick(sheet, Qt::Key_Escape);
    }

    void tagsAreSearchedAndFollowTheSlice()
    {
        open();
        QTest::keyClick(m_window->grid()->activeView(), Qt::Key_I, Qt::ControlModifier);
        auto* tags = m_window->findChild<TagBrowser*>("tagBrowser");
        QVERIFY(tags && tags->isVisible());
        QTRY_VERIFY(tags->list()->topLevelItemCount() > 20);
        QTest::keyClicks(tags->findChild<QLineEdit*>("tagSearch"), "patientname");
        QStringList shown;
        for (int n = 0; n < tags->list()->topLevelItemCount(); ++n) {
            if (!tags->list()->topLevelItem(n)->isHidden()) {
                shown << tags->list()->topLevelItem(n)->text(0) + " " + tags->list()->topLevelItem(n)->text(3);
            }
        }
        QCOMPARE(shown, QStringList{"(0010,0010) Phantom^Thorax"});
        // The file is that of the slice that is shown.
        const auto position = [tags] {
            for (int n = 0; n < tags->list()->topLevelItemCount(); ++n) {
                if (tags->list()->topLevelItem(n)->text(0) == "(0020,0032)") {
                    return tags->list()->topLevelItem(n)->text(3).section('\\', 2).toDouble();
                }
            }
            return std::nan("");
        };
        m_window->scene()->setSlice(Plane::Axial, 3);
        QTRY_VERIFY(std::abs(position() - m_window->scene()->cursor().z) < 1e-3);
        m_window->scene()->setSlice(Plane::Axial, 40);
        QTRY_VERIFY(std::abs(position() - m_window->scene()->cursor().z) < 1e-3);
        // Not by Escape: without a window manager the keyboard may stay with the window behind.
        tags->close();
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->findChild<TagBrowser*>("tagBrowser"), 30000);
    }

    void notesAreToldInTheReadersLanguage()
    {
        QTranslator german;
        QVERIFY(german.load(HF_BINARY_DIR "/share/hounsfield/translations/hounsfield_de.qm"));
        const struct { const char* code; const char* text; } notes[] = {{"duplicate-slices", "3 images lie where another one lies and were left out."},
            {"tilt", "The gantry was tilted by 16.2 degrees; the slices were resampled to a straight grid."},
            {"shifted-slices", "The slices are shifted against each other by up to 2.5 mm; they were resampled to a straight grid."},
            {"missing-slices", "1 slice is missing; the gaps were filled by interpolation."}, {"missing-slices", "4 slices are missing; the gaps were filled by interpolation."},
            {"images-between", "1 image lies so close to another one that the resampled slices hardly show it."},
            {"non-uniform-spacing", "The distances of the slices vary from 1.00 to 2.50 mm; they were resampled to equal distances."},
            {"padding", "The file marks values as padding; they are shown black."}, {"padding-differs", "Values that the file marks as padding differ from image to image; they are shown like others."},
            {"monochrome1", "Low values are bright in this image (MONOCHROME1)."}, {"lossy", "The image was compressed with loss."}, {"modality-lut", "Values come from a modality lookup table."},
            {"rounded", "Whole numbers of more than 53 bits are rounded."}, {"not-finite", "2 voxels hold no number and are shown as 0."},
            {"supplemental-palette", "Colours are those of the file's supplemental palette; greys are seen in the window of the file."},
            {"colors-left-out", "Some images have colours of a supplemental palette, which are not shown: their highest values are no measured values."},
            {"overlays-hidden", "The overlay planes of the images are not shown on resampled slices."}, {"partial", "1 of 3 images could not be decoded: an empty encapsulated frame."},
            {"modality-unknown", "The file does not tell the modality."}, {"time-points", "The file holds 5 volumes; the first is shown."},
            {"no-spacing", "The file gives no pixel spacing; 1 mm was assumed, lengths mean nothing."}, {"imager-spacing", "The pixel spacing was measured at the detector, not in the patient."},
            {"dose", "Values are doses as the file gives them, usually Gy."}, {"suv", "Values are standardised uptake values by body weight (g/ml)."},
            {"no-suv", "No standardised uptake values: the file does not give the patient's weight. Values are as stored."},
            {"mosaic", "Many slices lie side by side in each image; they are shown as stored."}, {"no-geometry", "The file does not tell how the image lies in the patient; sides are not known."},
            {"unknown-sides", "The file does not tell how the image lies in the patient; sides are not known."},
            {"frames", "The images are not shown as a volume; they are paged through in their order."},
            {"linear-subtraction", "The frames hold intensities, not their logarithms: what is left after the subtraction depends on what lies behind."},
            {"split", "The series holds images that cannot be one volume (patient, orientation, kind, place or time); this is part 1 of 2, stack 1."},
            {"frames-of-reference", "The images name different frames of reference; they were taken for one by their positions."},
            {"not-scaled", "The file tells how its values become intensities; they are shown as stored."},
            {"presentation", "Shown first by presentation state READ, the newest of 2; not applied: line styles, some texts."},
            {"no-opacity", "The file tells how opaque each voxel is; its colours are shown without that."},
            {"undescribed-frames", "The file does not describe 2 of its 6 frames; they are not shown."},
            {"region-spacing", "The parts of the image have scales of their own; lengths beside them are pixels."}};
        QStringList known;
        for (const auto& note : notes) {
            known << note.code;
            // The sentence here is the one in the source, as far as to its first number or word.
            QCOMPARE(noteText({note.code, note.text}), QString(note.text));
        }
        // Every note that a reader makes.
        const QRegularExpression made(R"re((?:notes\.push_back\(\{|addNote\([a-z.]*notes, |return \{)"([a-z-]+)", )re");
        int found = 0;
        for (const char* folder : {"dicom", "imaging"}) {
            for (const QFileInfo& source : QDir(HF_SOURCE_DIR "/viewer/" + QString(folder)).entryInfoList({"*.cpp"})) {
                QFile file(source.filePath());
                QVERIFY(file.open(QIODevice::ReadOnly));
                for (auto match = made.globalMatch(QString::fromUtf8(file.readAll())); match.hasNext(); ++found) {
                    const QString code = match.next().captured(1);
                    QVERIFY2(known.contains(code), qPrintable(code));
                }
            }
        }
        QVERIFY(found > 25);
        QCoreApplication::installTranslator(&german);
        QLocale::setDefault(QLocale(QLocale::German));
        for (const auto& note : notes) {
            QVERIFY2(noteText({note.code, note.text}) != QString(note.text), note.text);
        }
        QCOMPARE(noteText({"tilt", notes[1].text}), QStringLiteral("Die Gantry war um 16,2 Grad gekippt; die Schichten wurden auf ein gerades Gitter umgerechnet."));
        QCOMPARE(noteText({"no-suv", notes[24].text}), QStringLiteral("Keine SUV: Die Datei nennt nicht das Gewicht des Patienten. Die Werte sind wie gespeichert."));
        QVERIFY(noteText({"split", notes[30].text}).endsWith(QStringLiteral("dies ist Teil 1 von 2, Stapel 1.")));
        QVERIFY(noteText({"presentation", notes[33].text}).endsWith(QStringLiteral(": Linienarten, einige Texte.")));
        QCoreApplication::removeTranslator(&german);
        QLocale::setDefault(QLocale::c());
    }

    void reasonsAreToldInTheReadersLanguage()
    {
        const auto textOf = [](const QString& path) {
            QFile file(path);
            return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
        };
        QStringList known;
        const QRegularExpression sentence("\"hf::ReasonText\", \"([^\"]+)\"");
        for (auto match = sentence.globalMatch(textOf(HF_SOURCE_DIR "/viewer/widgets/ReasonText.cpp")); match.hasNext();) {
            known << match.next().captured(1);
        }
        // Every word that a reader, a volume or the list of studies refuses something with; tools alone write and take arguments.
        const QRegularExpression made("\\bError\\(([^;]*), \"([a-z-]+)\"\\);|(?:rejected\\.push_back\\(|Rejected)\\{([^;]*)\\}\\)?;|fail\\(job, ([^;]*), \"broken\", 1\\);");
        const QRegularExpression literal("\"([^\"]*)\"");
        const QStringList ofTools{"write", "arguments", "plane"};
        QStringList sources;
        for (const char* folder : {"dicom", "imaging", "database"}) {
            for (const QFileInfo& source : QDir(HF_SOURCE_DIR "/viewer/" + QString(folder)).entryInfoList({"*.cpp", "*.h"})) {
                sources << source.filePath();
            }
        }
        sources << HF_SOURCE_DIR "/viewer/volume/Geometry.cpp" << HF_SOURCE_DIR "/viewer/volume/Memory.cpp" << HF_SOURCE_DIR "/viewer/volume/Subtraction.cpp";
        int found = 0;
        for (const QString& source : sources) {
            for (auto match = made.globalMatch(textOf(source)); match.hasNext();) {
                const auto statement = match.next();
                if (ofTools.contains(statement.captured(2))) {
                    continue;
                }
                QString said = statement.captured(1) + statement.captured(4);
                // Of what is rejected, the code stands last.
                said += statement.captured(3).contains('"') ? statement.captured(3).section(',', 0, -2) : QString();
                for (auto words = literal.globalMatch(said); words.hasNext(); ++found) {
                    const QString word = words.next().captured(1).trimmed();
                    const bool isKnown = word.size() < 3 || std::any_of(known.begin(), known.end(), [&](const QString& one) { return one.contains(word); });
                    QVERIFY2(isKnown, qPrintable(source + ": " + word));
                }
            }
        }
        QVERIFY(found > 90);
        const QString samples[] = {"images in JPEG XL are not supported", "the volume needs about 12.5 GB of memory, 3.0 GB are free", "an empty encapsulated frame (frame 3)", "there is no /a %2 b",
            "these images cannot be subtracted", "the archive becomes 70.0 GB when it is unpacked, 3.5 GB are free in /tmp"};
        for (const QString& sample : samples) {
            QCOMPARE(reasonText(sample), sample);
        }
        QTranslator german;
        QVERIFY(german.load(HF_BINARY_DIR "/share/hounsfield/translations/hounsfield_de.qm"));
        QCoreApplication::installTranslator(&german);
        QLocale::setDefault(QLocale(QLocale::German));
        for (const QString& one : known) {
            QVERIFY2(QCoreApplication::translate("hf::ReasonText", qPrintable(one)) != one, qPrintable(one));
        }
        QCOMPARE(reasonText(samples[0]), QStringLiteral("Bilder in JPEG XL werden nicht unterstützt"));
        QCOMPARE(reasonText(samples[1]), QStringLiteral("das Volumen braucht etwa 12,5 GB Speicher, frei sind 3,0 GB"));
        QCOMPARE(reasonText(samples[2]), QStringLiteral("ein leeres gekapseltes Bild (Bild 3)"));
        QCOMPARE(reasonText(samples[3]), QStringLiteral("/a %2 b gibt es nicht"));
        QCOMPARE(reasonText(samples[4]), QStringLiteral("diese Bilder lassen sich nicht subtrahieren"));
        QCOMPARE(reasonText(samples[5]), QStringLiteral("das Archiv wird entpackt 70,0 GB groß, frei sind 3,5 GB in /tmp"));
        QCOMPARE(reasonText("what nobody has translated"), QStringLiteral("what nobody has translated"));
        QVERIFY(noteText({"partial", "1 of 3 images could not be decoded: an empty encapsulated frame (frame 2)."}).endsWith("ein leeres gekapseltes Bild (Bild 2)."));
        // Where nothing can be shown, and beside what can.
        QTemporaryDir folder;
        QFile broken(folder.filePath("notes.txt"));
        QVERIFY(broken.open(QIODevice::WriteOnly) && broken.write("no image") > 0);
        broken.close();
        m_window->openPaths({folder.path()});
        QTRY_VERIFY(m_window->findChild<QMessageBox*>());
        QCOMPARE(m_window->findChild<QMessageBox*>()->informativeText(), QStringLiteral("keine DICOM- oder Volumendatei"));
        m_window->findChild<QMessageBox*>()->close();
        m_window->openPaths({m_folder.path() + "/dicom", folder.path()});
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 15000);
        QTRY_VERIFY(m_window->findChild<QLabel*>("state")->toolTip().contains("notes.txt: keine DICOM- oder Volumendatei"));
        QCoreApplication::removeTranslator(&german);
        QLocale::setDefault(QLocale::c());
    }

    void theWindowSpeaksGerman()
    {
        QTranslator german;
        QVERIFY(german.load(HF_BINARY_DIR "/share/hounsfield/translations/hounsfield_de.qm"));
        QCoreApplication::installTranslator(&german);
        cleanup();
        init();
        open();
        QStringList texts{m_window->findChild<QPushButton*>("openSample")->text(), m_window->findChild<QPlainTextEdit*>("question")->placeholderText(),
            m_window->findChild<QPushButton*>("runExpert")->text(), planeName(Plane::Coronal), kindName(MeasurementKind::Length)};
        QCOMPARE(texts, (QStringList{"Beispielstudie öffnen", "Frage zur aktiven Ansicht", "Starten", "Koronal", "Strecke"}));
        for (QAction* action : m_window->findChildren<QAction*>()) {
            QVERIFY2(!QStringList({"Undo", "Reset", "Invert", "Window and level", "Ask", "Fit to the window"}).contains(action->text()), qPrintable(action->text()));
        }
        QCoreApplication::removeTranslator(&german);
    }

    void keysAreNamedInGerman()
    {
        QTranslator german, qt;
        QVERIFY(german.load(HF_BINARY_DIR "/share/hounsfield/translations/hounsfield_de.qm"));
        if (!qt.load(QLocale("de_DE"), "qtbase", "_", QLibraryInfo::path(QLibraryInfo::TranslationsPath))) {
            QSKIP("Qt's own translations are not installed (packaging/setup)");
        }
        QCoreApplication::installTranslator(&german);
        QCoreApplication::installTranslator(&qt);
        cleanup();
        init();
        QTest::keyClick(m_window.get(), Qt::Key_F1);
        auto* sheet = m_window->findChild<QDialog*>("keysSheet");
        QVERIFY(sheet && sheet->isVisible());
        const QString text = sheet->findChild<QTextBrowser*>()->toPlainText();
        QVERIFY(text.contains("Strg+O") && !text.contains("Ctrl+"));
        QCOMPARE(sheet->findChild<QDialogButtonBox*>()->button(QDialogButtonBox::Close)->text().remove('&'), QString("Schließen"));
        QTest::keyClick(sheet, Qt::Key_Escape);
        QCoreApplication::removeTranslator(&qt);
        QCoreApplication::removeTranslator(&german);
    }

    void anExpertRunsByItsButton()
    {
        if (!hasModel()) {
            QSKIP("the embedded demo model is not there");
        }
        open();
        auto* chooser = m_window->findChild<QComboBox*>("expertChooser");
        QTRY_VERIFY_WITH_TIMEOUT(chooser->findText("CTSEG: lungs") >= 0, 30000);
        chooser->setCurrentIndex(chooser->findText("CTSEG: lungs"));
        QTest::mouseClick(m_window->findChild<QPushButton*>("runExpert"), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->scene()->hasMask(), 60000);
        QTableWidget* table = m_window->labels()->table();
        QCOMPARE(table->rowCount(), 2);
        QVERIFY(table->item(0, 3)->text().toDouble() > 500);
        // A click on the row goes to the slice where the lung is largest.
        m_window->scene()->setSlice(Plane::Axial, 0);
        QTest::mouseClick(table->viewport(), Qt::LeftButton, {}, table->visualItemRect(table->item(0, 2)).center());
        QCOMPARE(m_window->scene()->slice(Plane::Axial), m_window->scene()->facts()[0].largestSlice[2]);
        // The check box hides it.
        table->item(0, 0)->setCheckState(Qt::Unchecked);
        QVERIFY(!m_window->scene()->isLabelVisible(1));
        QTest::keyClick(m_window->grid()->activeView(), Qt::Key_Space);
        QVERIFY(!m_window->scene()->isMaskShown());
        // Also the surfaces are marked as made by AI.
        QVERIFY(m_window->findChild<QLabel*>("aiMark")->text().contains("CTSEG"));
        // A mask that was removed comes back.
        QTest::mouseClick(m_window->findChild<QPushButton*>("removeMask"), Qt::LeftButton);
        QVERIFY(!m_window->scene()->hasMask());
        QTest::keyClick(m_window->grid()->activeView(), Qt::Key_Z, Qt::ControlModifier);
        QVERIFY(m_window->scene()->hasMask());
        QCOMPARE(table->rowCount(), 2);
    }

    void aQuestionIsAnsweredAndTheEngineMayDie()
    {
        if (!hasModel()) {
            QSKIP("the embedded demo model is not there");
        }
        open();
        ask("Segment the lungs");
        QVERIFY(m_window->scene()->hasMask());
        const QString first = m_window->chat()->conversationText();
        QVERIFY(first.contains("Segment the lungs"));
        QVERIFY(first.contains("CTSEG"));
        QVERIFY(m_window->chat()->behindText().contains("<image>"));
        QVERIFY(m_window->chat()->behindText().contains("ms"));

        // The viewer goes on, the conversation stays, the next question works.
        const qint64 pid = m_window->engine()->processId();
        QVERIFY(pid > 0);
        ::kill(pid_t(pid), SIGKILL);
        QTRY_COMPARE(m_window->engine()->state(), assistant::EngineState::Stopped);
        QTest::keyClick(m_window->grid()->activeView(), Qt::Key_Up);
        QVERIFY(m_window->chat()->conversationText().contains("Segment the lungs"));
        // Another series has its own conversation; this one is there again afterwards.
        dicom::Series other = m_window->scene()->series();
        const dicom::Series shown = other;
        other.key += "#2";
        const auto volume = m_window->scene()->volume();
        m_window->scene()->setVolume(volume, other);
        QVERIFY(!m_window->chat()->conversationText().contains("Segment the lungs"));
        m_window->scene()->setVolume(volume, shown);
        QVERIFY(m_window->chat()->conversationText().contains("Segment the lungs"));
        QVERIFY(m_window->chat()->behindText().contains("<image>"));
        QVERIFY(m_window->scene()->hasMask());
        QVERIFY(m_window->chat()->conversationText().contains("AI answer by"));
        ask("Which modality is this?");
        QVERIFY(m_window->engine()->processId() != pid);
        QVERIFY(m_window->chat()->conversationText().contains("Segment the lungs"));
        QVERIFY(m_window->chat()->conversationText().contains("CT"));
    }

    void theEngineMayDieDuringAQuestion()
    {
        if (!hasModel()) {
            QSKIP("the embedded demo model is not there");
        }
        open();
        QSignalSpy answered(m_window->chat(), &ChatPanel::answered);
        QSignalSpy started(m_window->engine(), &assistant::EngineClient::promptSent);
        type("What can be seen in this scan?");
        QVERIFY(started.wait(30000));
        ::kill(pid_t(m_window->engine()->processId()), SIGKILL);
        QVERIFY(answered.wait(10000));
        QVERIFY(m_window->chat()->conversationText().contains("ended unexpectedly"));
        ask("Which plane is this?");
    }

    void aQuestionCanBeStopped()
    {
        if (!hasModel()) {
            QSKIP("the embedded demo model is not there");
        }
        open();
        QSignalSpy answered(m_window->chat(), &ChatPanel::answered);
        type("What can be seen in this scan?");
        QVERIFY(m_window->chat()->isBusy());
        QTest::keyClick(m_window.get(), Qt::Key_Escape);
        QTRY_VERIFY_WITH_TIMEOUT(answered.count() == 1, 20000);
        QVERIFY(m_window->chat()->conversationText().contains("Stopped"));
        QVERIFY(!m_window->chat()->isBusy());
    }

    void whatCannotBeSavedIsToldAsThat()
    {
        // Where a file lies there can be no folder.
        QTemporaryDir folder;
        QFile blocker(folder.path() + "/findings");
        QVERIFY(blocker.open(QIODevice::WriteOnly));
        blocker.close();
        m_window = std::make_unique<app::MainWindow>(app::MainWindow::Options{{HF_ENGINE}, blocker.fileName(), m_folder.path() + "/hanging", m_folder.path() + "/studies"});
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
        QApplication::setActiveWindow(m_window.get());
        open();
        QTest::keyClick(m_window->grid()->view(0), Qt::Key_D);
        test::drag(m_window->grid()->view(0), {120, 120}, {200, 180});
        QTRY_VERIFY(m_window->findChild<QMessageBox*>());
        QVERIFY2(m_window->findChild<QMessageBox*>()->text().contains("measurements"), qPrintable(m_window->findChild<QMessageBox*>()->text()));
        QTest::keyClick(m_window->findChild<QMessageBox*>(), Qt::Key_Escape);
        QTRY_VERIFY(!m_window->findChild<QMessageBox*>());
        QApplication::setActiveWindow(m_window.get());
        QTimer::singleShot(500, m_window.get(), [&] {
            QWidget* const dialog = QApplication::activeModalWidget();
            QVERIFY(dialog);
            auto* name = dialog->findChild<QLineEdit*>();
            QVERIFY(name);
            name->setText(blocker.fileName() + "/view.png");
            QTest::keyClick(name, Qt::Key_Return);
            if (QApplication::activeModalWidget() == dialog) {
                static_cast<QDialog*>(dialog)->reject();    // the dialog itself knows that it cannot be
            }
        });
        QTest::keyClick(m_window->grid()->view(0), Qt::Key_S, Qt::ControlModifier);
        if (auto* box = m_window->findChild<QMessageBox*>()) {
            QVERIFY2(box->text().contains("picture"), qPrintable(box->text()));
        }
        m_window->showProblem("write", "The picture could not be written to here.");
        QCOMPARE(m_window->findChildren<QMessageBox*>().back()->text(), QString("The picture could not be written to here."));
    }

    void anExpertIsStoppedByEscape()
    {
        if (!hasModel()) {
            QSKIP("the embedded demo model is not there");
        }
        open();
        auto* chooser = m_window->findChild<QComboBox*>("expertChooser");
        QTRY_VERIFY_WITH_TIMEOUT(chooser->findText("CTSEG: lungs") >= 0, 30000);
        QSignalSpy failed(m_window->engine(), &assistant::EngineClient::failed);
        // With keys alone: to the experts, the button beside them.
        QTest::keyClick(m_window->grid()->activeView(), Qt::Key_E, Qt::ControlModifier);
        QTRY_VERIFY(chooser->hasFocus());
        chooser->setCurrentIndex(chooser->findText("CTSEG: lungs"));
        QTest::keyClick(chooser, Qt::Key_Tab);
        auto* button = m_window->findChild<QPushButton*>("runExpert");
        QVERIFY(button->hasFocus());
        QTest::keyClick(button, Qt::Key_Space);
        QVERIFY(m_window->labels()->runningJob() != 0);
        QTest::keyClick(button, Qt::Key_Escape);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->labels()->runningJob(), quint64(0), 30000);
        QCOMPARE(failed.count(), 1);
        QCOMPARE(failed[0][1].toString(), QString("cancelled"));
        QVERIFY(!m_window->scene()->hasMask());
        // Once more by the key that runs it.
        QTest::keyClick(m_window->grid()->activeView(), Qt::Key_R, Qt::ControlModifier);
        QVERIFY(m_window->labels()->runningJob() != 0);
        QTest::keyClick(m_window->grid()->activeView(), Qt::Key_Escape);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->labels()->runningJob(), quint64(0), 30000);
        QVERIFY(!m_window->scene()->hasMask());
    }

    void theAssistantIsSetAnew()
    {
        if (!hasModel()) {
            QSKIP("the embedded demo model is not there");
        }
        open();
        ask("Which plane is this?");
        const qint64 before = m_window->engine()->processId();
        bool isSeen = false;
        QTimer::singleShot(500, m_window.get(), [&] {
            QWidget* const dialog = QApplication::activeModalWidget();
            QVERIFY(dialog);
            auto* device = dialog->findChild<QComboBox*>("device");
            auto* quantisation = dialog->findChild<QComboBox*>("quantisation");
            QVERIFY(device && quantisation);
            QCOMPARE(device->currentData().toString(), QString("auto"));
            QTest::keyClick(device, Qt::Key_Down);
            QTest::keyClick(quantisation, Qt::Key_Down);
            isSeen = true;
            QTest::keyClick(dialog, Qt::Key_Return);
        });
        QTest::keyClick(m_window.get(), Qt::Key_A, Qt::ControlModifier | Qt::ShiftModifier);
        QVERIFY(isSeen);
        QCOMPARE(m_window->engine()->options().device, QString("cpu"));
        QCOMPARE(m_window->engine()->options().quantisation, QString("int8"));
        QVERIFY(m_window->engine()->processId() != before);
        QSignalSpy finished(m_window->engine(), &assistant::EngineClient::chatFinished);
        ask("Which plane is this?");
        QCOMPARE(finished.count(), 1);
        const QJsonObject model = finished[0][1].value<assistant::ChatOutcome>().report["model"].toObject();
        QCOMPARE(model["quantisation"].toString(), QString("int8"));
        QCOMPARE(model["device"].toString(), QString("cpu"));
    }

    void aMissingEngineIsTold()
    {
        app::MainWindow window({{"/nowhere/engine"}, m_folder.path() + "/findings", m_folder.path() + "/hanging", m_folder.path() + "/studies"});
        window.show();
        window.openPaths({m_folder.path() + "/dicom"});
        QTRY_VERIFY_WITH_TIMEOUT(!window.scene()->isEmpty(), 15000);
        QSignalSpy answered(window.chat(), &ChatPanel::answered);
        window.chat()->setQuestion("Segment the lungs");
        window.chat()->send();
        QVERIFY(answered.wait(5000));
        QVERIFY(window.chat()->conversationText().contains("cannot be started"));
    }

private:
    std::filesystem::path path() const { return std::filesystem::path(m_folder.path().toStdString()) / "dicom"; }

    void open()
    {
        m_window->openPaths({m_folder.path() + "/dicom"});
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 15000);
    }

    /// Types and sends with the Enter key.
    void type(const QString& question)
    {
        auto* input = m_window->findChild<QPlainTextEdit*>("question");
        input->setFocus();
        QTest::keyClicks(input, question);
        QTest::keyClick(input, Qt::Key_Return);
    }

    void ask(const QString& question)
    {
        QSignalSpy answered(m_window->chat(), &ChatPanel::answered);
        type(question);
        QVERIFY(answered.wait(90000));
    }

    QTemporaryDir m_folder;
    std::unique_ptr<app::MainWindow> m_window;
};

int main(int argc, char** argv) { return test::runGuiTest<tst_window>(argc, argv); }

#include "tst_window.moc"
