#include "support/GuiEvents.h"
#include "support/GuiMain.h"
#include "support/ImageCompare.h"
#include "viewer/phantom/CtPhantom.h"
#include "viewer/render/VolumeView3D.h"

#include <QComboBox>
#include <QElapsedTimer>
#include <QLabel>
#include <QSignalSpy>
#include <QTest>

#include <cmath>
#include <numbers>

using namespace hf;

/// The 3D view with real events: sharp pictures in tiles, the handles of the crop box.
class tst_volume_view : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        phantom::CtPhantomOptions options;
        options.spacingMm = {5, 5, 6};
        m_volume = std::make_shared<const Volume>(phantom::makeCtPhantom(options).volume);
    }

    void init()
    {
        m_view = std::make_unique<VolumeView3D>();
        QVERIFY(isShown(*m_view));
        m_view->setVolume(m_volume);
        QTRY_VERIFY_WITH_TIMEOUT(!m_view->isBuilding(), 20000);
    }

    void cleanup() { m_view.reset(); }

    void tilesMakeThePictureThatOneDrawingMakes()
    {
        QTRY_VERIFY_WITH_TIMEOUT(m_view->isSharp(), 120000);
        const QImage tiled = middleOf(m_view->grab().toImage());
        const QImage whole = middleOf(m_view->image());
        QVERIFY2(test::meanDifference(tiled, whole) < 0.2, qPrintable(QString::number(test::meanDifference(tiled, whole))));
        // An odd size: tiles of unequal width.
        m_view->resize(kSide - 13, kSide - 47);
        QTest::mouseClick(canvas(), Qt::LeftButton, {}, {100, 100});
        QTRY_VERIFY_WITH_TIMEOUT(m_view->isSharp() && m_view->grab().toImage().size() == m_view->size(), 120000);
        const double odd = test::meanDifference(middleOf(m_view->grab().toImage()), middleOf(m_view->image()));
        QVERIFY2(odd < 0.2, qPrintable(QString::number(odd)));
    }

    void movingIsCoarseAndBecomesSharpAgain()
    {
        QTRY_VERIFY_WITH_TIMEOUT(m_view->isSharp(), 120000);
        const QImage before = middleOf(m_view->grab().toImage());
        QSignalSpy sharpened(m_view.get(), &VolumeView3D::sharpened);
        test::drag(canvas(), {110, 180}, {170, 180});
        const bool isStepped = !m_view->isSharp();
        QTRY_VERIFY_WITH_TIMEOUT(m_view->isSharp(), 120000);
        QCOMPARE(sharpened.count(), isStepped ? 1 : 0);
        QVERIFY(test::meanDifference(before, middleOf(m_view->grab().toImage())) > 2);      // it was turned
    }

    void whatIsDrawnToPrepareIsNeverSeen()
    {
        VolumeView3D empty;
        QVERIFY(isShown(empty));
        empty.prepare();
        // Without a volume all pixels of the middle are the background, all the time that shaders are prepared.
        const auto isPlain = [&] {
            const QImage middle = middleOf(empty.grab().toImage());
            for (int y = 0; y < middle.height(); ++y) {
                for (int x = 0; x < middle.width(); ++x) {
                    if (middle.pixel(x, y) != middle.pixel(0, 0)) {
                        return false;
                    }
                }
            }
            return true;
        };
        QElapsedTimer clock;
        clock.start();
        constexpr int kLongEnoughMs = 6000;
        while (clock.elapsed() < kLongEnoughMs) {
            QTest::qWait(30);
            QVERIFY(isPlain());
        }
    }

    void imagesWithoutA3DViewSaySo()
    {
        auto* chooser = m_view->findChild<QComboBox*>("presetChooser");
        auto* told = m_view->findChild<QLabel*>("speedMark");
        QVERIFY(chooser->isVisible());
        m_view->setVolume(nullptr);
        QVERIFY(!chooser->isVisible());
        QVERIFY(told->isVisible() && !told->text().isEmpty());
        const QString without = told->text();
        m_view->setVolume(m_volume);
        QVERIFY(chooser->isVisible() && told->text() != without);
    }

    void whatIsToldLiesBesideThePresets()
    {
        auto* chooser = m_view->findChild<QComboBox*>("presetChooser");
        auto* told = m_view->findChild<QLabel*>("speedMark");
        for (const int width : {260, 300, 400, 900}) {
            m_view->resize(width, 300);
            m_view->setVolume(m_volume);
            QVERIFY(told->isVisible());
            QVERIFY(!told->geometry().intersects(chooser->geometry()));
            QVERIFY(m_view->rect().contains(told->geometry()) && m_view->rect().contains(chooser->geometry()));
            QTRY_VERIFY_WITH_TIMEOUT(!m_view->isBuilding(), 20000);
            QVERIFY(!told->geometry().intersects(chooser->geometry()));
            QVERIFY(told->width() >= told->minimumSizeHint().width() && told->height() >= told->heightForWidth(told->width()));
        }
    }

    void changesMakeOnePictureLater()
    {
        QTRY_VERIFY_WITH_TIMEOUT(m_view->isSharp(), 120000);
        const QImage before = m_view->grab().toImage();
        m_view->setPreset("mip");
        m_view->lookFrom({1, 0, 0});
        // Whoever asked for it goes on first.
        QVERIFY(!m_view->isSharp());
        QTRY_VERIFY_WITH_TIMEOUT(m_view->isSharp(), 120000);
        QVERIFY(test::meanDifference(middleOf(before), middleOf(m_view->grab().toImage())) > 2);
    }

    void ofManyChangesTheLastOneIsSeen()
    {
        for (int turn = 0; turn < 20; ++turn) {
            m_view->setValueWindow(turn * 50.0, 1);
            m_view->setPreset(turn % 2 ? "mip" : "bone");
            m_view->lookFrom({turn % 3 - 1.0, 1, 0});
            QTest::qWait(turn % 4 * 7);     // some are being drawn
        }
        QTRY_VERIFY_WITH_TIMEOUT(m_view->isSharp(), 120000);
        const QImage seen = middleOf(m_view->grab().toImage());
        QVERIFY(test::meanDifference(seen, middleOf(m_view->image())) < 0.2);
        m_view->lookFrom({0, 0, 1});
        QVERIFY(test::meanDifference(seen, middleOf(m_view->image())) > 2);
    }

    void nothingOfTheVolumeBeforeStaysInSight()
    {
        QTRY_VERIFY_WITH_TIMEOUT(m_view->isSharp(), 120000);
        QVERIFY(brightPixels(m_view->grab().toImage(), 0, kSide) > 1000);
        if (isSoftware()) {
            m_view->setVolume(std::make_shared<const Volume>(*m_volume));
            QCOMPARE(brightPixels(m_view->grab().toImage(), 0, kSide), 0);
            QTRY_VERIFY_WITH_TIMEOUT(!m_view->isBuilding() && m_view->isSharp(), 120000);
        }
        // Nor while it is hidden.
        m_view->hide();
        m_view->setVolume(nullptr);
        m_view->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_view.get()));
        QTRY_COMPARE(brightPixels(m_view->grab().toImage(), 0, kSide), 0);
    }

    void shadersOfAnotherThreadMakeTheSamePicture()
    {
        const QImage expected = m_view->image();
        VolumeView3D prepared;
        QVERIFY(isShown(prepared));
        prepared.prepare();
        prepared.setVolume(m_volume);
        QVERIFY(prepared.isBuilding());
        QTRY_VERIFY_WITH_TIMEOUT(!prepared.isBuilding() && prepared.isSharp(), 120000);
        QVERIFY(test::meanDifference(middleOf(expected), middleOf(prepared.grab().toImage())) < 0.2);
        // A picture that is wanted at once waits for the thread.
        VolumeView3D hurried;
        QVERIFY(isShown(hurried));
        hurried.prepare();
        hurried.setVolume(m_volume);
        QVERIFY(test::meanDifference(middleOf(expected), middleOf(hurried.image())) < 0.2);
    }

    void shadersAreCompiledAfterAPictureThatIsWanted()
    {
        QVERIFY(!m_view->isSharp() || !isSoftware());
        m_view->prepare();
        QTRY_VERIFY_WITH_TIMEOUT(m_view->isSharp(), 120000);
        const QImage seen = middleOf(m_view->grab().toImage());
        QVERIFY(test::meanDifference(seen, middleOf(m_view->image())) < 0.2);
    }

    void aViewGoesWhileItsShadersAreCompiled()
    {
        const QImage expected = m_view->image();
        for (const int waitMs : {0, 5, 50}) {
            VolumeView3D brief;
            brief.show();
            brief.prepare();
            QTest::qWait(waitMs);
        }
        QVERIFY(test::meanDifference(expected, m_view->image()) < 0.2);
    }

    void softwareOpenGlIsShownWithoutAnOpenGlWidget()
    {
        // With one, Qt would put the whole window together by OpenGL.
        QCOMPARE(canvas()->inherits("QOpenGLWidget"), !isSoftware());
        m_view->hide();
        m_view->resize(kSide + 31, kSide + 17);
        m_view->show();
        QTRY_VERIFY_WITH_TIMEOUT(m_view->isSharp(), 120000);
        QCOMPARE(m_view->image().size(), m_view->size());
    }

    void aHeldHandleOfTheCropBoxIsMarked()
    {
        m_view->setCropShown(true);
        const QImage before = m_view->image();
        const QPoint middle(kSide / 2, kSide / 2);      // the handle of the nearest side, that of the box, or of the farthest
        QTest::mousePress(canvas(), Qt::LeftButton, {}, middle);
        const QImage held = m_view->image();
        QTest::mouseRelease(canvas(), Qt::LeftButton, {}, middle);
        QVERIFY(held.copy(QRect(middle - QPoint(6, 6), QSize(12, 12))) != before.copy(QRect(middle - QPoint(6, 6), QSize(12, 12))));
        QCOMPARE(test::meanDifference(before, m_view->image()), 0.0);
    }

    void aHandleOfTheCropBoxIsDragged()
    {
        const QImage open = m_view->image();
        m_view->setCropShown(true);
        const QImage before = m_view->image();
        // VTK's camera by hand: it looks from the front at the middle of the volume (voxel centre to voxel centre), its distance is the radius
        // over the sine of half of 30 degrees, and the zoom of 1.35 makes the angle smaller.
        const Geometry& geometry = m_volume->geometry();
        const double x = (geometry.size().i - 1) * geometry.spacingMm()[0], y = (geometry.size().j - 1) * geometry.spacingMm()[1], z = (geometry.size().k - 1) * geometry.spacingMm()[2];
        const double degree = std::numbers::pi / 180, distance = std::sqrt(x * x + y * y + z * z) / 2 / std::sin(15 * degree);
        const double pixelsPerMm = kSide / 2.0 / (distance * std::tan(15 / 1.35 * degree));
        // The handle in the middle of the patient's left side, to halfway between it and the middle.
        const QPoint handle(int(std::lround(kSide / 2.0 + x / 2 * pixelsPerMm)), kSide / 2), target(int(std::lround(kSide / 2.0 + x / 4 * pixelsPerMm)), kSide / 2);
        test::drag(canvas(), handle, target);
        const QImage after = m_view->image();
        // The nearer side of the box is larger on the screen than its middle: a margin.
        const int cut = target.x() + 14;
        QVERIFY2(brightPixels(before, cut, kSide) > 400, qPrintable(QString::number(brightPixels(before, cut, kSide))));
        // The lines of the box itself are left.
        QVERIFY2(brightPixels(after, cut, kSide) < brightPixels(before, cut, kSide) * 0.3, qPrintable(QString::number(brightPixels(after, cut, kSide))));
        QVERIFY(brightPixels(after, 0, kSide / 2) > brightPixels(before, 0, kSide / 2) * 0.9);
        m_view->setCropShown(false);
        QVERIFY(test::meanDifference(open, m_view->image()) < 0.5);
    }

private:
    static constexpr int kSide = 300;

    /// Shows a view in the size that these tests count pixels in.
    static bool isShown(VolumeView3D& view)
    {
        view.resize(kSide, kSide);
        view.show();
        return QTest::qWaitForWindowExposed(&view);
    }

    QWidget* canvas() const { return m_view->childAt(kSide / 2, kSide / 2 + 60); }
    bool isSoftware() const { return canvas()->inherits("hf::SoftwareCanvas"); }
    /// Without the labels at the border.
    static QImage middleOf(const QImage& image) { return image.copy(image.rect().adjusted(20, 50, -20, -75)); }

    static int brightPixels(const QImage& image, int left, int right)
    {
        int count = 0;
        for (int y = 40; y < image.height() - 75; ++y) {
            for (int x = left; x < right; ++x) {
                count += qGray(image.pixel(x, y)) > 40;
            }
        }
        return count;
    }

    std::shared_ptr<const Volume> m_volume;
    std::unique_ptr<VolumeView3D> m_view;
};

int main(int argc, char** argv) { return test::runGuiTest<tst_volume_view>(argc, argv); }

#include "tst_volume_view.moc"
