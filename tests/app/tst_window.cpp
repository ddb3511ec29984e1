#include "app/desktop/MainWindow.h"
#include "assistant/client/EngineClient.h"
#include "assistant/panel/ChatPanel.h"
#include "experts/panel/LabelPanel.h"
#include "viewer/dicom/WriteSeries.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/render/VolumeView3D.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/StudyBrowser.h"
#include "viewer/widgets/Theme.h"
#include "viewer/widgets/ViewGrid.h"

#include <QApplication>
#include <QComboBox>
#include <QDropEvent>
#include <QMessageBox>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableWidget>
#include <QTemporaryDir>
#include <QTest>

#include <csignal>
#include <filesystem>

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
        m_window = std::make_unique<app::MainWindow>(QString(), HF_ENGINE);
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
        // There may be no window manager to do it; shortcuts belong to the active window.
        QApplication::setActiveWindow(m_window.get());
    }

    void cleanup() { m_window.reset(); }

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

    void aMissingEngineIsTold()
    {
        app::MainWindow window(QString(), "/nowhere/engine");
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

int main(int argc, char** argv)
{
    QSurfaceFormat::setDefaultFormat(VolumeView3D::surfaceFormat());
    QLocale::setDefault(QLocale::c());
    QApplication application(argc, argv);
    theme::apply(application);
    tst_window test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_window.moc"
