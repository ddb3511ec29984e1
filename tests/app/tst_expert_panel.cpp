#include "app/desktop/MainWindow.h"
#include "assistant/panel/ChatPanel.h"
#include "experts/panel/ChannelDialog.h"
#include "experts/panel/LabelPanel.h"
#include "experts/panel/ScoreTable.h"
#include "support/BrainStudy.h"
#include "support/ChestFolder.h"
#include "support/RadiographFile.h"
#include "support/TumourFolder.h"
#include "viewer/dicom/Scan.h"
#include "viewer/widgets/Scene.h"

#include <QApplication>
#include <QComboBox>
#include <QLabel>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QTableWidget>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>
#include <QUndoStack>

using namespace hf;

/// Experts in the window: consent, scores, the map of a finding, marked places, series of a brain. Real mouse and key events, the real engine.
class tst_expert_panel : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(m_folder.isValid());
        // A user of their own, with a chest expert whose licence nobody accepted.
        qputenv("XDG_DATA_HOME", path("data").toUtf8());
        qputenv("XDG_CACHE_HOME", path("cache").toUtf8());
        test::writeChestFolder(path("data/hounsfield/experts/cxr").toStdString(), 2);
        test::writeRadiograph(path("chest.dcm").toStdString(), {250, 230, 12, test::chestLikePicture(250, 230), false, {}});
    }

    void init()
    {
        m_window = std::make_unique<app::MainWindow>(app::MainWindow::Options{{HF_ENGINE}, path("findings")});
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
        QApplication::setActiveWindow(m_window.get());
    }

    void cleanup() { m_window.reset(); }

    void aRadiographIsJudgedAfterConsent()
    {
        m_window->openPaths({path("chest.dcm")});
        auto* experts = m_window->labels()->findChild<QComboBox*>("expertChooser");
        auto* run = m_window->labels()->findChild<QPushButton*>("runExpert");
        QTRY_VERIFY_WITH_TIMEOUT(experts->findText("CXR") >= 0, 60000);
        QVERIFY(experts->findText("CXRLUNGS: lungs") >= 0);
        experts->setCurrentIndex(experts->findText("CXR"));
        // The licence is shown; refused, nothing runs.
        answerLicence(QMessageBox::RejectRole);
        QTest::mouseClick(run, Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(m_licence.contains("test weights"), 60000);
        QVERIFY(m_licence.contains("research only"));
        auto* table = m_window->labels()->scores()->table();
        QTRY_COMPARE(m_window->labels()->runningJob(), quint64(0));
        QCOMPARE(table->rowCount(), 0);
        // Accepted, the run goes on by itself.
        answerLicence(QMessageBox::AcceptRole);
        QTest::mouseClick(run, Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(table->rowCount() == 17, 120000);
        QVERIFY(m_window->labels()->scores()->isVisibleTo(m_window->labels()));
        QVERIFY(m_window->labels()->findChild<QLabel*>("scoreSource")->text().contains("For research only: test weights"));
        double last = 1;
        for (int row = 0; row < table->rowCount(); ++row) {
            const double score = QLocale().toDouble(table->item(row, 1)->text());
            QVERIFY(score <= last && score >= 0);
            last = score;
        }
        // A finding that is activated shows its map; it can be undone, and once accepted nothing asks again.
        m_licence.clear();
        table->setFocus();
        table->setCurrentCell(2, 0);
        QTest::keyClick(table, Qt::Key_Return);
        Scene* scene = m_window->scene();
        QTRY_VERIFY_WITH_TIMEOUT(scene->hasMask(), 120000);
        QVERIFY(m_licence.isEmpty());
        QCOMPARE(QString::fromStdString(scene->mask().labels().at(0).name), "strongest influence on " + table->item(2, 0)->text());
        QVERIFY(m_window->labels()->findChild<QLabel*>("maskSource")->text().contains("For research only"));
        scene->undoStack()->undo();
        QVERIFY(!scene->hasMask());
    }

    /// Refused, accepted, a draft: the chat's word that a licence is needed comes from here.
    void theChatAsksForALicenceAndThenAgain()
    {
        const QString consents = path("data/hounsfield/consents.json"), question = "What is this?";
        QFile::remove(consents);
        m_window->openPaths({path("chest.dcm")});
        auto* experts = m_window->labels()->findChild<QComboBox*>("expertChooser");
        QTRY_VERIFY_WITH_TIMEOUT(experts->findText("CXR") >= 0, 60000);
        ChatPanel* chat = m_window->chat();
        auto* input = chat->findChild<QPlainTextEdit*>("question");
        input->setFocus();
        QTest::keyClicks(input, question);
        QTest::keyClick(input, Qt::Key_Return);
        QTRY_VERIFY_WITH_TIMEOUT(!chat->isBusy(), 60000);
        const QString first = chat->conversationText();
        QCOMPARE(first.count(question), 1);
        // Refused: all stays as it is.
        answerLicence(QMessageBox::RejectRole);
        Q_EMIT chat->licenceNeeded("CXR");
        QVERIFY(m_licence.contains("test weights") && m_licence.contains("research only"));
        QVERIFY(!chat->isBusy() && !QFile::exists(consents));
        QCOMPARE(chat->conversationText(), first);
        // Accepted: it is recorded, the question is asked again in the place of its first try, and a draft is kept.
        input->setFocus();
        QTest::keyClicks(input, "And");
        answerLicence(QMessageBox::AcceptRole);
        Q_EMIT chat->licenceNeeded("CXR");
        QVERIFY(chat->isBusy());
        QCOMPARE(chat->question(), QString("And"));
        QTRY_VERIFY_WITH_TIMEOUT(!chat->isBusy(), 60000);
        QCOMPARE(chat->conversationText(), first);
        QVERIFY(QFile::exists(consents));
    }

    /// The model itself calls an expert of tumours whose licence nobody accepted.
    void aCallOfTheModelShowsTheLicenceAndIsAnsweredAfterConsent()
    {
        test::writeTumourFolder(path("data/hounsfield/experts/tumour").toStdString(), false);
        const QString consents = path("data/hounsfield/consents.json"), question = "Segment the brain tumor";
        QFile::remove(consents);
        test::writeBrainSeries(path("head").toStdString(), test::brainSequences().front(), 1);
        m_window->openPaths({path("head")});
        auto* experts = m_window->labels()->findChild<QComboBox*>("expertChooser");
        QTRY_VERIFY_WITH_TIMEOUT(experts->findText("BRATS: brain tumor") >= 0, 60000);
        ChatPanel* chat = m_window->chat();
        answerLicence(QMessageBox::AcceptRole);
        auto* input = chat->findChild<QPlainTextEdit*>("question");
        input->setFocus();
        QTest::keyClicks(input, question);
        QTest::keyClick(input, Qt::Key_Return);
        QTRY_VERIFY2_WITH_TIMEOUT(m_licence.contains("test weights of tumours"), qPrintable(chat->conversationText()), 60000);
        QTRY_VERIFY_WITH_TIMEOUT(!chat->isBusy(), 120000);
        QVERIFY(QFile::exists(consents));
        QVERIFY2(m_window->scene()->hasMask(), qPrintable(chat->conversationText()));
        QCOMPARE(QString::fromStdString(m_window->scene()->mask().provenance().expert), QString("BRATS"));
        QCOMPARE(chat->conversationText().count(question), 1);
    }

    void placesAreMarkedAtTheCrosshair()
    {
        m_window->openPaths({path("chest.dcm")});
        auto* experts = m_window->labels()->findChild<QComboBox*>("expertChooser");
        QTRY_VERIFY_WITH_TIMEOUT(experts->findText("CXR") >= 0, 60000);
        auto* inside = m_window->labels()->findChild<QPushButton*>("clickInside");
        QVERIFY(!inside->isVisibleTo(m_window->labels()));      // no expert of radiographs takes places
    }

    void theSequencesOfABrainAreProposedAndConfirmed()
    {
        int number = 0;
        for (test::BrainSeries series : test::brainSequences()) {
            series.sliceMm = 10;
            test::writeBrainSeries(path("brain").toStdString(), series, ++number);
        }
        const std::vector<std::filesystem::path> paths{path("brain").toStdString()};
        const dicom::ScanResult found = dicom::scan(paths);
        const QStringList channels{"T1 with contrast", "T1", "T2", "FLAIR"};       // as in the published expert's folder
        const ChannelDialog ofBundle("BRATS", {"T1c", "T1", "T2", "FLAIR"}, found.studies.at(0));
        QCOMPARE(QString::fromStdString(ofBundle.chosen().at(0).text.seriesNumber), QString("1"));
        ChannelDialog dialog("BRATS", channels, found.studies.at(0));
        dialog.show();
        QVERIFY(QTest::qWaitForWindowExposed(&dialog));
        for (int n = 0; n < 4; ++n) {
            QVERIFY(dialog.findChild<QComboBox*>("channel" + channels[n])->currentText().startsWith(QString::number(n + 1) + ":"));
            QCOMPARE(QString::fromStdString(dialog.chosen()[std::size_t(n)].text.seriesNumber), QString::number(n + 1));
        }
        // Twice the same: the dialog says so and does not run.
        auto* second = dialog.findChild<QComboBox*>("channelT1");
        QTest::keyClick(second, Qt::Key_Up);
        QVERIFY(dialog.findChild<QLabel*>("channelProblem")->text().contains("twice"));
        QPushButton* run = nullptr;
        for (auto* button : dialog.findChildren<QPushButton*>()) {
            run = button->text() == "Run" ? button : run;
        }
        QVERIFY(run && !run->isEnabled());
        QTest::keyClick(second, Qt::Key_Down);
        QVERIFY(run->isEnabled());
    }

private:
    QString path(const QString& name) const { return m_folder.path() + "/" + name; }

    /// Presses the button of that role when the question comes, and notes what it said.
    void answerLicence(QMessageBox::ButtonRole role)
    {
        m_licence.clear();
        auto* timer = new QTimer(this);
        connect(timer, &QTimer::timeout, this, [this, timer, role] {
            auto* box = qobject_cast<QMessageBox*>(QApplication::activeModalWidget());
            if (!box) {
                return;
            }
            timer->deleteLater();
            timer->stop();
            m_licence = box->text() + box->informativeText();
            for (QAbstractButton* button : box->buttons()) {
                if (box->buttonRole(button) == role) {
                    QTest::mouseClick(button, Qt::LeftButton);
                    return;
                }
            }
        });
        timer->start(50);
    }

    QTemporaryDir m_folder;
    std::unique_ptr<app::MainWindow> m_window;
    QString m_licence;
};

QTEST_MAIN(tst_expert_panel)
#include "tst_expert_panel.moc"
