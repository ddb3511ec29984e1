#include "app/desktop/Library.h"
#include "app/desktop/LibraryWindow.h"
#include "app/desktop/MainWindow.h"
#include "viewer/dicom/WriteSeries.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/StudyBrowser.h"
#include "viewer/widgets/ViewGrid.h"

#include <QApplication>
#include <QCheckBox>
#include <QDropEvent>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMessageBox>
#include <QMimeData>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QToolButton>
#include <QTreeWidget>

#include <filesystem>

#include <sys/wait.h>
#include <unistd.h>

using namespace hf;
namespace fs = std::filesystem;

/// Studies from a drop to the list and back, in the real window: drops, the study list, a load that is cancelled, keys alone.
class tst_library : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(m_folder.isValid());
        write("/thorax", {6, 6, 8}, "Doe^Jane", "thorax");
        write("/large", {3, 3, 2}, "Roe^Richard", "large");
    }

    void init()
    {
        fs::remove_all(path("/studies").toStdString());
        makeWindow();
    }

    void cleanup() { m_window.reset(); }

    void anEmptyListSaysWhatToDo()
    {
        openLibrary();
        QVERIFY(hint()->isVisible() && hint()->text().contains(app::LibraryWindow::tr("No studies yet. What you open is listed here from then on.\nImport a folder, files, a DICOMDIR or a ZIP archive, or drop them here.")));
        QVERIFY(!find<QPushButton>("libraryOpen")->isEnabled());
    }

    void whatWasDroppedIsListedNextTime()
    {
        drop(m_window.get(), path("/thorax"));
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 30000);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->library()->isBusy(), 30000);
        makeWindow();
        QVERIFY(m_window->scene()->isEmpty());
        openLibrary();
        QCOMPARE(list()->topLevelItemCount(), 1);
        QCOMPARE(list()->topLevelItem(0)->text(0), QStringLiteral("Doe, Jane"));
        QCOMPARE(find<QListWidget>("librarySeries")->count(), 1);
        QVERIFY(!find<QListWidget>("librarySeries")->item(0)->icon().isNull());
        // Typed, found, opened: with keys alone.
        QTest::keyClicks(find<QLineEdit>("librarySearch"), "nobody");
        QCOMPARE(list()->topLevelItemCount(), 0);
        QVERIFY(hint()->isVisible() && !hint()->text().isEmpty());
        find<QLineEdit>("librarySearch")->clear();
        QTest::keyClicks(find<QLineEdit>("librarySearch"), "jane ct");
        QCOMPARE(list()->topLevelItemCount(), 1);
        QTest::keyClick(find<QLineEdit>("librarySearch"), Qt::Key_Down);
        QTRY_VERIFY(list()->hasFocus());
        QTest::keyClick(list(), Qt::Key_Return);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 30000);
        QCOMPARE(m_window->scene()->series().patient.name, std::string("Doe^Jane"));
    }

    void importedCopiesAndRemoval()
    {
        const QString source = path("/medium");
        QVERIFY(QDir().mkpath(source));
        for (const QString& file : QDir(path("/thorax")).entryList(QDir::Files)) {
            QFile::copy(path("/thorax/") + file, source + "/" + file);
        }
        openLibrary();
        QTest::mouseClick(find<QCheckBox>("libraryCopy"), Qt::LeftButton, {}, {8, find<QCheckBox>("libraryCopy")->height() / 2});
        QVERIFY(find<QCheckBox>("libraryCopy")->isChecked());
        drop(window(), source);
        QTRY_COMPARE_WITH_TIMEOUT(list()->topLevelItemCount(), 1, 30000);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->library()->isBusy(), 30000);
        QVERIFY2(find<QLabel>("libraryState")->text().startsWith("Taken in: 1 study, 1 series, "), qPrintable(find<QLabel>("libraryState")->text()));
        QVERIFY(m_window->scene()->isEmpty());      // imported in the background, not opened
        QVERIFY(QDir(source).removeRecursively());
        QTest::keyClick(find<QLineEdit>("librarySearch"), Qt::Key_Return);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 30000);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->library()->isBusy(), 30000);
        openLibrary();
        QTest::keyClick(list(), Qt::Key_Delete);
        auto* question = window()->findChild<QMessageBox*>("removeQuestion");
        QVERIFY(question && question->isVisible());
        QTest::keyClick(question, Qt::Key_Escape);
        QCOMPARE(list()->topLevelItemCount(), 1);
        QTRY_VERIFY(!window()->findChild<QMessageBox*>("removeQuestion"));
        QTest::mouseClick(find<QPushButton>("libraryRemove"), Qt::LeftButton);
        question = window()->findChild<QMessageBox*>("removeQuestion");
        for (QAbstractButton* button : question->buttons()) {
            if (question->buttonRole(button) == QMessageBox::AcceptRole) {
                QTest::mouseClick(button, Qt::LeftButton);
            }
        }
        QTRY_COMPARE(list()->topLevelItemCount(), 0);
        QTRY_VERIFY(QDir(path("/studies/images")).isEmpty());
    }

    void anInterruptedImportIsSeenAndCancelled()
    {
        m_window.reset();
        interruptImport(path("/large"));
        {
            app::Library library(path("/studies"));
            app::LibraryWindow window(&library);
            // At once, whatever the thread has done until now.
            QVERIFY(library.isResuming());
            QVERIFY(window.findChild<QProgressBar*>("libraryProgress")->isVisibleTo(&window));
            QCOMPARE(window.findChild<QLabel*>("libraryState")->text(), app::LibraryWindow::tr("Going on with the import that was interrupted ..."));
            QSignalSpy progressed(&library, &app::Library::progressed), finished(&library, &app::Library::finished);
            window.show();
            QTRY_COMPARE_WITH_TIMEOUT(finished.size(), 1, 30000);
            QVERIFY(!progressed.isEmpty());
            QTRY_COMPARE(window.findChild<QTreeWidget*>("libraryList")->topLevelItemCount(), 1);
            QVERIFY(!library.isResuming() && !window.findChild<QProgressBar*>("libraryProgress")->isVisible());
            QVERIFY(library.list()->interruptedImports().empty());
        }
        fs::remove_all(path("/studies").toStdString());
        interruptImport(path("/large"));
        app::Library library(path("/studies"));
        app::LibraryWindow window(&library);
        QSignalSpy failed(&library, &app::Library::failed);
        // Before the window is shown, which takes longer than the import on a busy machine.
        QVERIFY(window.findChild<QPushButton*>("libraryCancel")->isVisibleTo(&window));
        QTest::keyClick(window.findChild<QPushButton*>("libraryCancel"), Qt::Key_Space);
        window.show();
        QTRY_COMPARE_WITH_TIMEOUT(failed.size(), 1, 30000);
        QCOMPARE(failed[0][0].toString(), QString("cancelled"));
        QTRY_VERIFY(!window.findChild<QPushButton*>("libraryCancel")->isVisible());
        // The reader does not want it: it does not begin again next time.
        QVERIFY(library.list()->interruptedImports().empty());
    }

    /// Asked for, and the program ended before their turn came.
    void importsThatWaitedAreDoneNextTime()
    {
        m_window.reset();
        const pid_t child = fork();
        if (child == 0) {
            {
                app::Library library(path("/studies"));
                library.import({path("/large")}, true);
                library.import({path("/thorax")}, false);
            }
            _exit(0);
        }
        int status = 0;
        QCOMPARE(waitpid(child, &status, 0), child);
        QVERIFY(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        {
            const auto left = database::StudyDatabase(path("/studies").toStdString()).interruptedImports();
            QCOMPARE(left.size(), std::size_t(2));
            QVERIFY(left[0].copies && left[0].paths == std::vector<fs::path>{path("/large").toStdString()});
            QVERIFY(!left[1].copies && left[1].paths == std::vector<fs::path>{path("/thorax").toStdString()});
        }
        makeWindow();
        openLibrary();
        QTRY_COMPARE_WITH_TIMEOUT(list()->topLevelItemCount(), 2, 30000);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->library()->isBusy(), 30000);
        QVERIFY(m_window->library()->list()->interruptedImports().empty());
    }

    void imagesThatMovedAreTold()
    {
        const QString source = path("/moving");
        QVERIFY(QDir().rename(path("/thorax"), source));
        drop(m_window.get(), source);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 30000);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->library()->isBusy(), 30000);
        m_window->closeAll();
        QVERIFY(QDir().rename(source, path("/thorax")));
        openLibrary();
        QTest::keyClick(find<QLineEdit>("librarySearch"), Qt::Key_Return);
        QTRY_VERIFY(m_window->findChild<QMessageBox*>());
        QVERIFY(m_window->findChild<QMessageBox*>()->informativeText().contains("moving"));
        QTest::keyClick(m_window->findChild<QMessageBox*>(), Qt::Key_Escape);
        QVERIFY(m_window->scene()->isEmpty());
        // Opened where they are now, the list knows the new place.
        drop(m_window.get(), path("/thorax"));
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 30000);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->library()->isBusy(), 30000);
        const auto studies = m_window->library()->list()->search("");
        QCOMPARE(studies.size(), std::size_t(1));
        QCOMPARE(database::findFiles(*m_window->library()->list(), studies[0].id).missing, std::size_t(0));
    }

    void aListThatCannotBeUsedDoesNotStopReading()
    {
        m_window.reset();
        QVERIFY(QDir().mkpath(path("/studies")));
        QFile(path("/studies/images")).remove();
        fs::remove_all(path("/studies").toStdString());
        QFile blocker(path("/studies"));
        QVERIFY(blocker.open(QIODevice::WriteOnly));
        blocker.close();
        makeWindow();
        QVERIFY(!m_window->library()->list() && !m_window->library()->problem().isEmpty());
        openLibrary();
        QVERIFY(hint()->isVisible() && hint()->text() == m_window->library()->problem());
        window()->hide();
        drop(m_window.get(), path("/thorax"));
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 30000);
        m_window.reset();
        QVERIFY(blocker.remove());
        makeWindow();
    }

    void aZipAndADicomdirAreDropped_data()
    {
        QTest::addColumn<QString>("file");
        QTest::newRow("zip") << QStringLiteral(HF_SOURCE_DIR "/tests/data/dicom/axial.zip");
        QTest::newRow("DICOMDIR") << QStringLiteral(HF_TEST_DATA_DIR "/dicomdir/DICOMDIR");
    }

    void aZipAndADicomdirAreDropped()
    {
        QFETCH(QString, file);
        if (!QFile::exists(file)) QSKIP("the real data is not there");
        drop(m_window.get(), file);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 30000);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->library()->isBusy(), 30000);
        // From the list again: the archive is what is opened.
        m_window->closeAll();
        openLibrary();
        QVERIFY(list()->topLevelItemCount() >= 1);
        QTest::keyClick(find<QLineEdit>("librarySearch"), Qt::Key_Return);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 30000);
    }

    void theFirstImageIsThereBeforeTheVolume()
    {
        QSignalSpy previews(m_window->loader(), &app::Loader::previewed);
        auto* mark = m_window->findChild<QLabel*>("startMark");
        bool wasEmpty = false, wasShown = false;
        connect(m_window->loader(), &app::Loader::previewed, this, [&](const QImage& picture) {
            wasEmpty = m_window->scene()->isEmpty();
            wasShown = mark->isVisible() && mark->pixmap().size() == picture.size() && std::max(picture.width(), picture.height()) == 512;
        });
        drop(m_window.get(), path("/large"));
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 30000);
        QCOMPARE(previews.size(), 1);
        QVERIFY(wasEmpty && wasShown);
        m_window->closeAll();
        QVERIFY(mark->pixmap().width() < 512);
    }

    void aCancelledLoadLeavesTheStudyThatIsShown()
    {
        drop(m_window.get(), path("/thorax"));
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 30000);
        const auto before = m_window->scene()->volume();
        QSignalSpy changes(m_window->scene(), &Scene::volumeChanged);
        auto* cancel = m_window->findChild<QToolButton*>("cancelLoading");
        int pressed = 0, starts = 0;
        connect(m_window->loader(), &app::Loader::started, this, [&] {
            if (++starts == 2 && cancel->isVisible()) {     // the first looks for files, the second reads
                ++pressed;
                QTest::mouseClick(cancel, Qt::LeftButton);
            }
        });
        QSignalSpy failed(m_window->loader(), &app::Loader::failed);
        drop(m_window.get(), path("/large"));
        QTRY_VERIFY_WITH_TIMEOUT(!failed.isEmpty(), 30000);
        QCOMPARE(failed.at(0).at(0).toString(), QStringLiteral("cancelled"));
        QCOMPARE(pressed, 1);
        QVERIFY(!cancel->isVisible());
        QCOMPARE(m_window->scene()->volume(), before);
        QCOMPARE(m_window->scene()->series().patient.name, std::string("Doe^Jane"));
        QVERIFY(changes.isEmpty());
        QVERIFY(!m_window->findChild<QMessageBox*>());
        disconnect(m_window->loader(), nullptr, this, nullptr);
        // It can still be opened.
        m_window->browser()->chooseSeries(m_window->browser()->studies().back().series.front().key);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->scene()->series().patient.name, std::string("Roe^Richard"), 30000);
    }

    void tabReachesEverything()
    {
        drop(m_window.get(), path("/thorax"));
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->scene()->isEmpty(), 30000);
        m_window->grid()->activeView()->setFocus();
        QTRY_VERIFY(QApplication::focusWidget());
        QSet<QWidget*> reached;
        for (int n = 0; n < 200; ++n) {
            reached.insert(QApplication::focusWidget());
            QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
        }
        QStringList missed;
        for (QWidget* widget : m_window->findChildren<QWidget*>()) {
            const bool wants = widget->isVisible() && widget->isEnabled() && (widget->focusPolicy() & Qt::TabFocus) && !widget->focusProxy() && widget->window() == m_window.get();
            if (wants && !reached.contains(widget)) {
                missed << QStringLiteral("%1 %2 (%3)").arg(widget->metaObject()->className(), widget->objectName(), widget->parentWidget()->metaObject()->className());
            }
        }
        QVERIFY2(missed.isEmpty(), qPrintable(missed.join(", ")));
        QVERIFY(reached.contains(m_window->browser()));
        QVERIFY(reached.size() >= 5);
    }

private:
    QString path(const QString& name) const { return m_folder.path() + name; }

    void write(const QString& name, std::array<double, 3> spacing, const char* patient, const char* seed)
    {
        phantom::CtPhantomOptions options;
        options.spacingMm = spacing;
        dicom::Identity identity;
        identity.patientName = patient;
        identity.uidSeed = seed;
        dicom::writeCtSeries(phantom::makeCtPhantom(options).volume, identity, path(name).toStdString());
    }

    /// As a program leaves it that is ended by force in the middle.
    void interruptImport(const QString& folder)
    {
        const pid_t child = fork();
        if (child == 0) {
            database::StudyDatabase(path("/studies").toStdString()).beginImport({folder.toStdString()}, true);
            _exit(0);
        }
        int status = 0;
        QCOMPARE(waitpid(child, &status, 0), child);
        QVERIFY(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }

    void makeWindow()
    {
        m_window.reset();
        m_window = std::make_unique<app::MainWindow>(app::MainWindow::Options{{HF_ENGINE}, path("/findings"), path("/hanging"), path("/studies")});
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
        QApplication::setActiveWindow(m_window.get());
    }

    /// A drag from a file manager, as the window system tells it to the widget under the pointer.
    void drop(QWidget* onto, const QString& file)
    {
        const QPoint at(onto->width() / 2, onto->height() / 2);
        QWidget* under = onto->childAt(at) ? onto->childAt(at) : onto;
        QMimeData data;
        data.setUrls({QUrl::fromLocalFile(file)});
        QDragEnterEvent enter(under->mapFrom(onto, at), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(under, &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent event(QPointF(under->mapFrom(onto, at)), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(under, &event);
        QVERIFY(event.isAccepted());
    }

    void openLibrary()
    {
        QApplication::setActiveWindow(m_window.get());
        QTest::keyClick(m_window.get(), Qt::Key_D, Qt::ControlModifier);
        QTRY_VERIFY(window() && window()->isVisible());
        QApplication::setActiveWindow(window());
    }

    app::LibraryWindow* window() const { return m_window->findChild<app::LibraryWindow*>(); }
    template <typename Widget> Widget* find(const char* name) const { return window()->findChild<Widget*>(name); }
    QTreeWidget* list() const { return find<QTreeWidget>("libraryList"); }
    QLabel* hint() const { return find<QLabel>("libraryHint"); }

    QTemporaryDir m_folder;
    std::unique_ptr<app::MainWindow> m_window;
};

QTEST_MAIN(tst_library)
#include "tst_library.moc"
