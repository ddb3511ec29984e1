#include "support/GuiEvents.h"
#include "support/GuiMain.h"
#include "support/PresentationFile.h"
#include "app/desktop/MainWindow.h"
#include "viewer/dicom/Presentation.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/volume/Error.h"
#include "viewer/widgets/Findings.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/StudyBrowser.h"
#include "viewer/widgets/ViewGrid.h"

#include <QAction>
#include <QApplication>
#include <QMenu>
#include <QProcess>
#include <QScreen>
#include <QTemporaryDir>
#include <QTest>

using namespace hf;
using test::PresentationFile;
using test::append;
using test::put;
using test::putFloats;
using test::require;

namespace {

constexpr int kColumns = 40, kRows = 30, kScale = 8;
const std::string kImage = "2.25.500.4", kOther = "2.25.500.5";
constexpr Uint16 kGround = 200, kBright = 1000;
// Window 500 / 1001 by hand: ((200 - 499.5) / 1000 + 0.5) * 255 = 51.1; 1000 is above the upper end.
constexpr int kGroundGrey = 51, kBrightGrey = 255;

/// A bright square in the top left corner, one bright pixel at column 12, row 18 (from 0).
std::vector<Uint16> pixels()
{
    std::vector<Uint16> stored(std::size_t(kColumns * kRows), kGround);
    for (int y = 0; y < 10; ++y) {
        for (int x = 0; x < 10; ++x) {
            stored[std::size_t(y * kColumns + x)] = kBright;
        }
    }
    stored[18 * kColumns + 12] = kBright;
    return stored;
}

} // namespace

/// Presentation states that DCMTK writes, on screen and without a window. Every expected place and grey is computed by hand from the standard.
class tst_presentation : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        test::writeImage(file("image.dcm"), kImage, kColumns, pixels());
        m_state = std::make_unique<PresentationFile>("READ", "090000", std::vector{kImage});
    }

    void cleanup()
    {
        m_view.reset();
        m_findings.reset();
        m_scene.reset();
    }

    void windowAndPolarityAreTheStates()
    {
        m_state->setWindow("300", "201");       // ((200 - 299.5) / 200 + 0.5) * 255 = 0.6
        put(m_state->data(), DCM_PresentationLUTShape, "INVERSE");
        show({kColumns * kScale, kRows * kScale});
        QCOMPARE(greyAt(200, 200), 254);
        QCOMPARE(greyAt(40, 40), 0);
        m_scene->setPresentation(-1);
        QCOMPARE(greyAt(200, 200), kGroundGrey);
        QCOMPARE(greyAt(40, 40), kBrightGrey);
        m_scene->setPresentation(0);
        QCOMPARE(greyAt(40, 40), 0);
        QVERIFY(m_scene->view(Plane::Coronal).invert);
    }

    void theTurnComesBeforeTheFlip_data()
    {
        QTest::addColumn<int>("degrees");
        QTest::addColumn<bool>("flip");
        QTest::addColumn<QPoint>("square");     // the corner of the view where the bright square is
        QTest::addColumn<QPoint>("pixel");      // the centre of the bright pixel (column 12, row 18), in pixels of the turned image
        QTest::newRow("none") << 0 << false << QPoint(0, 0) << QPoint(12, 18);
        QTest::newRow("90") << 90 << false << QPoint(1, 0) << QPoint(29 - 18, 12);
        QTest::newRow("180") << 180 << false << QPoint(1, 1) << QPoint(39 - 12, 29 - 18);
        QTest::newRow("270") << 270 << false << QPoint(0, 1) << QPoint(18, 39 - 12);
        QTest::newRow("flip") << 0 << true << QPoint(1, 0) << QPoint(39 - 12, 18);
        QTest::newRow("90 and flip") << 90 << true << QPoint(0, 0) << QPoint(18, 12);
        QTest::newRow("270 and flip") << 270 << true << QPoint(1, 1) << QPoint(29 - 18, 39 - 12);
    }

    void theTurnComesBeforeTheFlip()
    {
        QFETCH(int, degrees);
        QFETCH(bool, flip);
        QFETCH(QPoint, square);
        QFETCH(QPoint, pixel);
        const bool isLying = degrees % 180 == 0;
        const QSize size = QSize(isLying ? kColumns : kRows, isLying ? kRows : kColumns) * kScale;
        m_state->setTurn(degrees, flip);
        m_state->setArea({1, 1}, {kColumns, kRows}, "SCALE TO FIT");
        show(size);
        for (const QPoint corner : {QPoint(0, 0), QPoint(1, 0), QPoint(0, 1), QPoint(1, 1)}) {
            const QPoint at(corner.x() ? size.width() - 36 : 36, corner.y() ? size.height() - 36 : 36);
            QCOMPARE(greyAt(at.x(), at.y()), corner == square ? kBrightGrey : kGroundGrey);
        }
        const QPoint centre = pixel * kScale + QPoint(kScale / 2, kScale / 2);
        QVERIFY2(greyAt(centre.x(), centre.y()) > 200, qPrintable(QString::number(greyAt(centre.x(), centre.y()))));
        QCOMPARE(greyAt(centre.x() + 2 * kScale, centre.y()), kGroundGrey);
        QCOMPARE(m_view->isTurned(), degrees != 0 || flip);
        // What the reader does comes on top; a reset brings the state back.
        m_view->turn(true);
        m_view->flip(Qt::Vertical);
        m_view->resetView();
        QCOMPARE(greyAt(centre.x() + 2 * kScale, centre.y()), kGroundGrey);
        QVERIFY(greyAt(centre.x(), centre.y()) > 200);
    }

    void theDisplayedAreaFillsTheView()
    {
        // Columns 11 to 20, rows 16 to 25 on 200 x 200: 20 pixels each; the bright one is the third column, fourth row of them.
        m_state->setArea({11, 16}, {20, 25}, "SCALE TO FIT");
        show({200, 200});
        QVERIFY(greyAt(50, 70) > 240 && greyAt(49, 69) > 240);
        // 8.5 of 20 pixels below the centre, half a pixel beside it: (1000 * 0.575 + 200 * 0.425) * 0.975 + 200 * 0.025 = 648.5, ((648.5 - 499.5) / 1000 + 0.5) * 255.
        QVERIFY(std::abs(greyAt(50, 78) - 165) <= 1);
        QCOMPARE(greyAt(20, 70), kGroundGrey);
        QCOMPARE(greyAt(50, 40), kGroundGrey);
        QCOMPARE(m_view->millimetresPerPixel(), 0.2 / 20);
        m_view->resize(400, 400);
        QVERIFY(greyAt(100, 140) > 240);
        m_view->fit();
        QVERIFY(greyAt(40, 120) == kBrightGrey);    // the square again: 40 columns on 400 pixels, below a margin of 50
    }

    void aMagnifiedAreaLiesInTheMiddle()
    {
        auto& area = m_state->setArea({11, 16}, {20, 25}, "MAGNIFY");
        putFloats(area, DCM_PresentationPixelMagnificationRatio, {4});
        show({200, 200});
        // The middle of the area is 15, 20; the bright pixel's centre 12.5, 18.5.
        QVERIFY(greyAt(100 - 10, 100 - 6) > 200);
        QCOMPARE(greyAt(100, 100), kGroundGrey);
        QCOMPARE(m_view->millimetresPerPixel(), 0.2 / 4);
    }

    void trueSizeUsesTheScreensPixels()
    {
        auto& area = m_state->setArea({1, 1}, {kColumns, kRows}, "TRUE SIZE");
        put(area, DCM_PresentationPixelSpacing, "0.5\\0.5");
        show({200, 200});
        const double pixelOfScreenMm = 25.4 / m_view->screen()->physicalDotsPerInchX();
        // A column of 0.2 mm in the image is to be 0.5 mm wide on the screen.
        QVERIFY(std::abs(0.2 / m_view->millimetresPerPixel() * pixelOfScreenMm - 0.5) < 1e-9);
    }

    void aRectangularShutterCoversTheRest()
    {
        put(m_state->data(), DCM_ShutterShape, "RECTANGULAR");
        put(m_state->data(), DCM_ShutterLeftVerticalEdge, "5");
        put(m_state->data(), DCM_ShutterRightVerticalEdge, "20");
        put(m_state->data(), DCM_ShutterUpperHorizontalEdge, "12");
        put(m_state->data(), DCM_ShutterLowerHorizontalEdge, "25");
        require(m_state->data().putAndInsertUint16(DCM_ShutterPresentationValue, 32768));
        showWhole();
        constexpr int kShutter = 128;       // 32768 / 65535 * 255 = 127.5
        // Columns 5 to 20 of 8 pixels are 32 to 159, rows 12 to 25 are 88 to 199.
        QCOMPARE(greyAt(31, 120), kShutter);
        QCOMPARE(greyAt(32, 120), kGroundGrey);
        QCOMPARE(greyAt(159, 120), kGroundGrey);
        QCOMPARE(greyAt(160, 120), kShutter);
        QCOMPARE(greyAt(40, 87), kShutter);
        QCOMPARE(greyAt(40, 88), kGroundGrey);
        QCOMPARE(greyAt(40, 199), kGroundGrey);
        QCOMPARE(greyAt(40, 200), kShutter);
        m_scene->setPresentation(-1);
        QCOMPARE(greyAt(40, 30), kBrightGrey);
    }

    void roundAndPolygonalShuttersCutEachOther()
    {
        put(m_state->data(), DCM_ShutterShape, "CIRCULAR\\POLYGONAL");
        put(m_state->data(), DCM_CenterOfCircularShutter, "15\\25");        // row, column
        put(m_state->data(), DCM_RadiusOfCircularShutter, "10");
        // A triangle, row and column: right of the middle line, corners far away.
        put(m_state->data(), DCM_VerticesOfThePolygonalShutter, "-100\\25\\130\\25\\15\\200");
        require(m_state->data().putAndInsertUint16(DCM_ShutterPresentationValue, 0));
        showWhole();
        // The centre is column 24.5 * 8 = 196, row 14.5 * 8 = 116 on the screen, the radius 80 pixels.
        QCOMPARE(greyAt(200, 116), kGroundGrey);
        QCOMPARE(greyAt(192, 116), 0);              // left of the triangle
        QCOMPARE(greyAt(196 + 78, 116), kGroundGrey);
        QCOMPARE(greyAt(196 + 82, 116), 0);
        QCOMPARE(greyAt(200, 116 + 77), kGroundGrey);
        QCOMPARE(greyAt(200, 116 + 82), 0);
        QCOMPARE(greyAt(196 + 60, 116 + 60), 0);    // 85 pixels away
    }

    void aBitmapCoversItsPixels()
    {
        putBitmap(m_state->data(), 0x6002, [](int x, int y) { return x >= 20 || y == 3; });
        put(m_state->data(), DCM_ShutterShape, "BITMAP");
        require(m_state->data().putAndInsertUint16(DCM_ShutterOverlayGroup, 0x6002));
        require(m_state->data().putAndInsertUint16(DCM_ShutterPresentationValue, 0x2020));
        showWhole();
        constexpr int kShutter = 0x20;
        QCOMPARE(greyAt(159, 200), kGroundGrey);
        QCOMPARE(greyAt(160, 200), kShutter);
        QCOMPARE(greyAt(40, 23), kBrightGrey);
        QCOMPARE(greyAt(40, 24), kShutter);
        QCOMPARE(greyAt(40, 31), kShutter);
        QCOMPARE(greyAt(40, 32), kBrightGrey);
        QVERIFY(m_scene->series().presentations.front()->notApplied.empty());
    }

    void overlayPlanesOfALayerAreDrawn()
    {
        m_state->addAnnotation();       // with a layer, white
        DcmItem* layer = nullptr;
        require(m_state->data().findAndGetSequenceItem(DCM_GraphicLayerSequence, layer, 0));
        OFString name;
        require(layer->findAndGetOFString(DCM_GraphicLayer, name));
        putBitmap(m_state->data(), 0x6000, [](int x, int y) { return x == 25 && y >= 20; });
        put(m_state->data(), DcmTagKey(0x6000, 0x1001), name.c_str());
        // Its first pixel is column 4, row 3 of the image.
        putBitmap(m_state->data(), 0x6004, [](int x, int y) { return x == 10 && y == 10; });
        const Sint16 origin[] = {4, 5};
        require(m_state->data().putAndInsertSint16Array(DcmTagKey(0x6004, 0x0050), origin, 2));
        put(m_state->data(), DcmTagKey(0x6004, 0x1001), name.c_str());
        putBitmap(m_state->data(), 0x6002, [](int x, int) { return x == 30; });     // on no layer: not displayed
        showWhole();
        const auto isWhite = [](const QImage& image, QPoint p) { return image.pixelColor(p) == QColor(Qt::white); };
        QImage drawn = m_view->grab().toImage();
        const QPoint on[] = {{201, 161}, {206, 166}, {204, 200}, {201, 236}, {14 * 8 + 1, 13 * 8 + 1}, {14 * 8 + 6, 13 * 8 + 6}};
        for (const QPoint p : on) {
            QVERIFY2(isWhite(drawn, p), qPrintable(QStringLiteral("nothing at %1, %2").arg(p.x()).arg(p.y())));
        }
        for (const QPoint p : {QPoint(204, 156), QPoint(198, 200), QPoint(210, 200), QPoint(14 * 8 - 2, 13 * 8 + 4), QPoint(15 * 8 + 2, 13 * 8 + 4), QPoint(14 * 8 + 4, 12 * 8 + 4), QPoint(244, 100)}) {
            QVERIFY2(!isWhite(drawn, p), qPrintable(QStringLiteral("something at %1, %2").arg(p.x()).arg(p.y())));
        }
        QCOMPARE(greyAt(204, 200), kGroundGrey);    // the picture itself stays free of it
        QVERIFY(m_scene->series().presentations.front()->notApplied.empty());
        m_scene->setPresentation(-1);
        drawn = m_view->grab().toImage();
        QVERIFY(!isWhite(drawn, on[0]) && !isWhite(drawn, on[4]));
    }

    void planesOfTheImageAreSeenWhereTheStateSaysSo()
    {
        DcmFileFormat image;
        require(image.loadFile(file("image.dcm").c_str()));
        putBitmap(*image.getDataset(), 0x6000, [](int x, int) { return x == 20; });
        putBitmap(*image.getDataset(), 0x6004, [](int x, int) { return x == 30; });
        require(image.saveFile(file("image.dcm").c_str(), EXS_LittleEndianExplicit));
        m_state->addAnnotation();
        DcmItem* layer = nullptr;
        require(m_state->data().findAndGetSequenceItem(DCM_GraphicLayerSequence, layer, 0));
        OFString name;
        require(layer->findAndGetOFString(DCM_GraphicLayer, name));
        put(m_state->data(), DcmTagKey(0x6004, 0x1001), name.c_str());
        showWhole();
        constexpr int kWhite = 255;
        QVERIFY(greyAt(30 * kScale + 4, 200) == kWhite && greyAt(20 * kScale + 4, 200) == kGroundGrey);
        m_scene->setPresentation(-1);
        QVERIFY(greyAt(30 * kScale + 4, 200) == kWhite && greyAt(20 * kScale + 4, 200) == kWhite);
        const Picture small = dicom::thumbnail(m_scene->series(), kColumns);
        QVERIFY(small.at(30, 25).r == kWhite && small.at(20, 25).r != kWhite);
    }

    void theImagesOwnShutterIsApplied()
    {
        DcmFileFormat image;
        require(image.loadFile(file("image.dcm").c_str()));
        putBitmap(*image.getDataset(), 0x6000, [](int, int y) { return y >= 25; });
        put(*image.getDataset(), DCM_ShutterShape, "RECTANGULAR\\BITMAP");
        put(*image.getDataset(), DCM_ShutterLeftVerticalEdge, "5");
        put(*image.getDataset(), DCM_ShutterRightVerticalEdge, "20");
        put(*image.getDataset(), DCM_ShutterUpperHorizontalEdge, "1");
        put(*image.getDataset(), DCM_ShutterLowerHorizontalEdge, "30");
        require(image.getDataset()->putAndInsertUint16(DCM_ShutterOverlayGroup, 0x6000));
        require(image.getDataset()->putAndInsertUint16(DCM_ShutterPresentationValue, 0x4040));
        require(image.saveFile(file("image.dcm").c_str(), EXS_LittleEndianExplicit));
        showFolder({kColumns * kScale, kRows * kScale});
        m_view->showOneToOne();
        m_view->zoomBy(kScale, {kColumns * kScale / 2.0, kRows * kScale / 2.0});
        constexpr int kShutter = 0x40;
        QCOMPARE(greyAt(16, 40), kShutter);
        QCOMPARE(greyAt(40, 40), kBrightGrey);
        QCOMPARE(greyAt(164, 150), kShutter);
        QCOMPARE(greyAt(156, 150), kGroundGrey);
        QCOMPARE(greyAt(156, 210), kShutter);       // by the bitmap, which is no drawing
        // The model's picture: one pixel for each of the image.
        const Picture seen = modelPicture(*m_scene->volume(), m_scene->view(m_view->plane()));
        QCOMPARE(seen.width, kColumns);
        QCOMPARE(int(seen.at(3, 5).r), kShutter);
        QCOMPARE(int(seen.at(4, 5).r), kBrightGrey);
        QCOMPARE(int(seen.at(19, 15).r), kGroundGrey);
        QCOMPARE(int(seen.at(20, 15).r), kShutter);
        QCOMPARE(int(seen.at(19, 26).r), kShutter);
        const QImage file = rendered({"--size", "320x240", "--annotations", "off"});
        QCOMPARE(qGray(file.pixel(16, 100)), kShutter);
        QCOMPARE(qGray(file.pixel(60, 150)), kGroundGrey);
        // Opened, on the screen and for the model; closed again.
        m_scene->setShutterOpen(true);
        QCOMPARE(greyAt(16, 40), kBrightGrey);
        QCOMPARE(greyAt(156, 210), kGroundGrey);
        QVERIFY(!m_scene->view(m_view->plane()).shutter);
        m_scene->setShutterOpen(false);
        QCOMPARE(greyAt(16, 40), kShutter);
        // A state decides about everything: without shutters in it there are none.
        showWhole();
        QCOMPARE(greyAt(16, 40), kBrightGrey);
        QVERIFY(!m_scene->view(m_view->plane()).shutter);
        m_scene->setPresentation(-1);
        QCOMPARE(greyAt(16, 40), kShutter);
    }

    void theStatesShutterIsInTheModelsPictureToo()
    {
        put(m_state->data(), DCM_ShutterShape, "CIRCULAR");
        put(m_state->data(), DCM_CenterOfCircularShutter, "5\\5");
        put(m_state->data(), DCM_RadiusOfCircularShutter, "3");
        showWhole();
        const Picture seen = modelPicture(*m_scene->volume(), m_scene->view(m_view->plane()));
        int open = 0;
        for (int y = 0; y < kRows; ++y) {
            for (int x = 0; x < kColumns; ++x) {
                const bool isInside = (x - 4) * (x - 4) + (y - 4) * (y - 4) < 9;
                QVERIFY(isInside == (seen.at(x, y).r != 0) || (x - 4) * (x - 4) + (y - 4) * (y - 4) == 9);
                open += isInside;
            }
        }
        QCOMPARE(open, 25);
    }

    void aPresentationTableMakesTheGreys()
    {
        // Grey n of 256 becomes n * n / 255.
        std::vector<Uint16> squares;
        for (int n = 0; n < 256; ++n) {
            squares.push_back(Uint16(n * n / 255.0 / 255.0 * 65535 + 0.5));
        }
        putTable(append(m_state->data(), DCM_PresentationLUTSequence), 0, squares);
        showWhole();
        QCOMPARE(greyAt(200, 200), 10);         // 51 * 51 / 255 = 10.2
        QCOMPARE(greyAt(40, 40), 255);
        QVERIFY(m_scene->series().presentations.front()->notApplied.empty());
        m_scene->setPresentation(-1);
        QCOMPARE(greyAt(200, 200), kGroundGrey);
        m_scene->setPresentation(0);
        QCOMPARE(greyAt(200, 200), 10);
        // The reader may still change the window: the table is stretched.
        WindowLevel moved = m_scene->window();
        moved.center -= 300;
        m_scene->setWindow(moved);
        QVERIFY(greyAt(200, 200) > 50);
    }

    void aModalityTableComesBeforeTheWindow()
    {
        // 200 becomes 823 and 1000 becomes 23; ((823 - 499.5) / 1000 + 0.5) * 255 = 210.0, ((23 - 499.5) / 1000 + 0.5) * 255 = 6.0.
        std::vector<Uint16> reversed;
        for (int n = 0; n < 1024; ++n) {
            reversed.push_back(Uint16(1023 - n));
        }
        putTable(append(m_state->data(), DCM_ModalityLUTSequence), 0, reversed);
        m_state->setWindow("500", "1001");
        showWhole();
        QCOMPARE(greyAt(200, 200), 210);
        QCOMPARE(greyAt(40, 40), 6);
        QCOMPARE(m_scene->volume()->valueAt(Index3{20, 20, 0}), double(kGround));      // the values stay those of the image
    }

    void anotherRescaleComesBeforeTheWindow()
    {
        put(m_state->data(), DCM_RescaleSlope, "2");
        put(m_state->data(), DCM_RescaleIntercept, "-100");
        m_state->setWindow("300", "201");       // 200 becomes 300: ((300 - 299.5) / 200 + 0.5) * 255 = 128.1
        showWhole();
        QCOMPARE(greyAt(200, 200), 128);
        QCOMPARE(greyAt(40, 40), 255);
    }

    void aWindowTableIsOfTheStatesValues()
    {
        // Six entries from 198 on: 200 is the third of them.
        DcmItem& voi = append(m_state->data(), DCM_SoftcopyVOILUTSequence);
        putTable(append(voi, DCM_VOILUTSequence), 198, {0, 10000, 20000, 30000, 40000, 65535});
        showWhole();
        QCOMPARE(greyAt(200, 200), 78);         // 20000 / 65535 * 255 = 77.8
        QCOMPARE(greyAt(40, 40), 255);
    }

    void polarityIsThatOfTheStatesImagesAlone()
    {
        test::writeImage(file("other.dcm"), kOther, kColumns, pixels());
        m_state->setWindow("300", "201");
        put(m_state->data(), DCM_PresentationLUTShape, "INVERSE");
        show({kColumns * kScale, kRows * kScale});
        QCOMPARE(int(m_scene->series().images.size()), 2);
        for (int slice = 0; slice < 2; ++slice) {
            m_scene->setSlice(m_view->plane(), slice);
            const bool isOther = m_scene->series().images[std::size_t(slice)].sopInstanceUid == kOther;
            QCOMPARE(m_scene->window().width, isOther ? 1001.0 : 201.0);
            QCOMPARE(greyAt(200, 200), isOther ? kGroundGrey : 254);
            QCOMPARE(m_scene->view(m_view->plane()).invert, !isOther);
        }
    }

    void theRateOfALoopIsReadFromTheFile_data()
    {
        QTest::addColumn<QString>("recommended");
        QTest::addColumn<QString>("cine");
        QTest::addColumn<QString>("frameMs");
        QTest::addColumn<double>("rate");
        QTest::newRow("none") << "" << "" << "" << 0.0;
        QTest::newRow("recommended") << "25" << "10" << "50" << 25.0;
        QTest::newRow("cine rate") << "" << "10" << "50" << 10.0;
        QTest::newRow("frame time") << "" << "" << "40" << 25.0;
        QTest::newRow("nonsense") << "-3" << "0" << "0" << 0.0;
    }

    void theRateOfALoopIsReadFromTheFile()
    {
        QFETCH(QString, recommended);
        QFETCH(QString, cine);
        QFETCH(QString, frameMs);
        QFETCH(double, rate);
        std::vector<Uint16> two = pixels();
        const std::vector<Uint16> one = two;
        two.insert(two.end(), one.begin(), one.end());
        test::writeImage(file("image.dcm"), kImage, kColumns, two);
        DcmFileFormat image;
        require(image.loadFile(file("image.dcm").c_str()));
        DcmItem& data = *image.getDataset();
        require(image.loadAllDataIntoMemory());     // it is written over
        require(data.putAndInsertUint16(DCM_Rows, kRows));
        put(data, DCM_NumberOfFrames, "2");
        for (const auto& [tag, value] : {std::pair(DCM_RecommendedDisplayFrameRate, recommended), std::pair(DCM_CineRate, cine), std::pair(DCM_FrameTime, frameMs)}) {
            if (!value.isEmpty()) {
                put(data, tag, value.toStdString());
            }
        }
        require(image.saveFile(file("image.dcm").c_str(), EXS_LittleEndianExplicit));
        const std::filesystem::path folder[] = {m_folder->path().toStdString()};
        const dicom::ScanResult found = dicom::scan(folder);
        QVERIFY(found.mainSeries());
        QCOMPARE(int(found.mainSeries()->images.size()), 2);
        QCOMPARE(found.mainSeries()->framesPerSecond, rate);
    }

    void drawingsStandWhereTheStateSays()
    {
        DcmItem& annotation = m_state->addAnnotation();
        PresentationFile::addGraphic(annotation, "POLYLINE", "PIXEL", {2, 27, 30, 27});             // y = 216
        PresentationFile::addGraphic(annotation, "CIRCLE", "PIXEL", {25, 20, 30, 20});              // centre 200, 160; radius 40
        PresentationFile::addGraphic(annotation, "ELLIPSE", "PIXEL", {2, 20, 10, 20, 6, 18, 6, 22});// centre 48, 160; 32 and 16
        PresentationFile::addGraphic(annotation, "POINT", "PIXEL", {36, 25});                       // 288, 200
        PresentationFile::addGraphic(annotation, "INTERPOLATED", "PIXEL", {12, 24, 14, 22, 16, 24, 18, 22});
        PresentationFile::addGraphic(annotation, "POLYLINE", "DISPLAY", {0.75F, 0.3F, 0.95F, 0.3F});// y = 72 from 240 to 304
        showWhole();
        const QImage drawn = m_view->grab().toImage();
        const QPoint onLines[] = {{20, 216}, {200, 216}, {240, 160}, {160, 160}, {200, 200}, {200, 120}, {16, 160}, {80, 160}, {48, 144}, {48, 176}, {288, 200}, {284, 200}, {112, 176}, {128, 192}, {250, 72}, {300, 72}};
        for (const QPoint p : onLines) {
            QVERIFY2(isDrawn(drawn, p), qPrintable(QStringLiteral("nothing at %1, %2").arg(p.x()).arg(p.y())));
        }
        const QPoint beside[] = {{20, 222}, {248, 216}, {200, 160}, {48, 160}, {228, 188 + 8}, {294, 206}, {230, 72}, {310, 72}};
        for (const QPoint p : beside) {
            QVERIFY2(!isDrawn(drawn, p), qPrintable(QStringLiteral("something at %1, %2").arg(p.x()).arg(p.y())));
        }
        // The picture itself stays free of them.
        QCOMPARE(greyAt(200, 216), kGroundGrey);
        m_scene->setPresentation(-1);
        const QImage plain = m_view->grab().toImage();
        for (const QPoint p : onLines) {
            QVERIFY(!isDrawn(plain, p));
        }
    }

    void drawingsTurnWithTheImageAndThoseOfTheDisplayDoNot()
    {
        m_state->setTurn(90, false);
        m_state->setArea({1, kRows}, {kColumns, 1}, "SCALE TO FIT");    // after the turn the lower left corner is at the top left
        DcmItem& annotation = m_state->addAnnotation();
        PresentationFile::addGraphic(annotation, "POLYLINE", "PIXEL", {25, 5, 25, 20});
        PresentationFile::addGraphic(annotation, "POLYLINE", "DISPLAY", {0.1F, 0.9F, 0.4F, 0.9F});
        show({kRows * kScale, kColumns * kScale});
        const QImage drawn = m_view->grab().toImage();
        // Column 25 is 200 pixels down; rows 5 to 20 are 200 to 80 from the left.
        QVERIFY(isDrawn(drawn, {100, 200}) && isDrawn(drawn, {190, 200}) && !isDrawn(drawn, {70, 200}) && !isDrawn(drawn, {210, 200}));
        QVERIFY(isDrawn(drawn, {30, 288}) && isDrawn(drawn, {90, 288}) && !isDrawn(drawn, {110, 288}));
    }

    void aFilledFigureIsFilledInTheColourOfItsLayer()
    {
        DcmItem& annotation = m_state->addAnnotation();
        DcmItem* layer = nullptr;
        require(m_state->data().findAndGetSequenceItem(DCM_GraphicLayerSequence, layer, 0));
        // L 53.2, a 80.1, b 67.2 is red under D65; of D50 54.3, 80.8, 69.9 (encoded as C.10.7.1.1 says).
        const Uint16 lab[] = {Uint16(54.29 / 100 * 65535), Uint16((80.8 + 128) / 255 * 65535), Uint16((69.9 + 128) / 255 * 65535)};
        require(layer->putAndInsertUint16Array(DCM_GraphicLayerRecommendedDisplayCIELabValue, lab, 3));
        put(PresentationFile::addGraphic(annotation, "CIRCLE", "PIXEL", {25, 20, 30, 20}), DCM_GraphicFilled, "Y");
        showWhole();
        const QColor color = m_view->grab().toImage().pixelColor(200, 160);
        QVERIFY2(color.red() > 245 && color.green() < 15 && color.blue() < 15, qPrintable(color.name()));
    }

    void textsStandInTheirBoxesOrAtTheirAnchors()
    {
        DcmItem& annotation = m_state->addAnnotation();
        DcmItem& boxed = PresentationFile::addText(annotation, "L\xC3\xA4sion");
        put(boxed, DCM_BoundingBoxAnnotationUnits, "PIXEL");
        putFloats(boxed, DCM_BoundingBoxTopLeftHandCorner, {20, 18});
        putFloats(boxed, DCM_BoundingBoxBottomRightHandCorner, {38, 24});
        put(boxed, DCM_BoundingBoxTextHorizontalJustification, "RIGHT");
        DcmItem& anchored = PresentationFile::addText(annotation, "Rippe");
        put(anchored, DCM_AnchorPointAnnotationUnits, "DISPLAY");
        putFloats(anchored, DCM_AnchorPoint, {0.1F, 0.9F});         // 32, 216
        put(anchored, DCM_AnchorPointVisibility, "Y");
        PresentationFile empty("EMPTY", "080000", {kImage});
        empty.setArea({1, 1}, {kColumns, kRows}, "SCALE TO FIT");
        empty.save(file("empty.dcm"));
        showWhole();
        QCOMPARE(m_scene->active().state()->texts.front().words, std::string("L\xC3\xA4sion"));
        const QImage drawn = m_view->grab().toImage();
        m_scene->setPresentation(1);
        const QImage without = m_view->grab().toImage();
        const QRect changed = changes(drawn, without, {0, 100, 319, 139});
        // The box is 160 to 304, 144 to 192; the anchor's text begins right of 32.
        const QRect boxChanges = changes(drawn, without, {100, 130, 220, 70}), anchorChanges = changes(drawn, without, {0, 200, 100, 40});
        QVERIFY(QRect(159, 143, 147, 50).contains(boxChanges) && boxChanges.right() > 295 && boxChanges.left() > 165 && boxChanges.height() > 15);
        QVERIFY(anchorChanges.left() >= 28 && anchorChanges.left() < 34 && anchorChanges.right() > 55 && std::abs(anchorChanges.center().y() - 216) < 6);
        QCOMPARE(changed, boxChanges.united(anchorChanges));
    }

    void aPartIsForItsImagesAlone()
    {
        test::writeImage(file("other.dcm"), kOther, kColumns, pixels());
        m_state = std::make_unique<PresentationFile>("READ", "090000", std::vector{kImage, kOther});
        DcmItem& annotation = m_state->addAnnotation();
        PresentationFile::refer(annotation, {kOther});
        PresentationFile::addGraphic(annotation, "POLYLINE", "PIXEL", {2, 27, 30, 27});
        m_state->setWindow("300", "201");
        DcmItem* window = nullptr;
        require(m_state->data().findAndGetSequenceItem(DCM_SoftcopyVOILUTSequence, window, 0));
        PresentationFile::refer(*window, {kOther});
        showWhole();
        QCOMPARE(int(m_scene->series().images.size()), 2);
        for (int slice = 0; slice < 2; ++slice) {
            m_scene->setSlice(m_view->plane(), slice);
            const bool isOther = m_scene->series().images[std::size_t(slice)].sopInstanceUid == kOther;
            QCOMPARE(isDrawn(m_view->grab().toImage(), {100, 216}), isOther);
            QCOMPARE(m_scene->window().width, isOther ? 201.0 : 1001.0);
        }
    }

    void theNewestComesFirstAndEachCanBeChosen()
    {
        m_state->setWindow("300", "201");
        m_state->save(file("new.dcm"));
        PresentationFile old("OLDER", "080000", {kImage});
        old.setWindow("1000", "401");       // 200 is below the lower end
        old.save(file("old.dcm"));
        showFolder({320, 240});
        const auto& states = m_scene->series().presentations;
        QCOMPARE(int(states.size()), 2);
        QCOMPARE(states[0]->label, std::string("READ"));
        QCOMPARE(states[1]->label, std::string("OLDER"));
        QCOMPARE(greyAt(200, 200), 1);      // 0.6
        m_scene->setPresentation(1);
        QCOMPARE(greyAt(200, 200), 0);
        QCOMPARE(greyAt(40, 40), 128);      // ((1000 - 999.5) / 400 + 0.5) * 255 = 127.8
        m_scene->setPresentation(2);        // there is none
        QCOMPARE(m_scene->active().presentation, 1);
    }

    void whatIsNotAppliedIsNamed()
    {
        DcmDataset& data = m_state->data();
        put(data, DCM_ShutterShape, "BITMAP");
        append(data, DCM_PresentationLUTSequence);
        const Uint16 entries[] = {1, 2};
        require(append(data, DCM_ModalityLUTSequence).putAndInsertUint16Array(DcmTag(DCM_LUTData, EVR_US), entries, 2));     // of no first value
        put(data, DcmTagKey(0x6000, 0x1001), "LAYER1");
        const Uint8 nothing[] = {0, 0};
        require(data.putAndInsertUint8Array(DcmTagKey(0x6000, 0x3000), nothing, 2));    // of no rows and columns
        append(data, DCM_MaskSubtractionSequence);
        m_state->setTurn(45, false);
        DcmItem& annotation = m_state->addAnnotation();
        PresentationFile::addGraphic(annotation, "SPIRAL", "PIXEL", {2, 27, 30, 27});
        PresentationFile::addText(annotation, "nowhere");
        append(annotation, DCM_CompoundGraphicSequence);
        show({320, 240});
        const auto& missing = m_scene->series().presentations.front()->notApplied;
        for (const char* word : {"bitmap shutter", "presentation lookup table", "overlay planes", "subtraction", "turn by an angle that is no quarter", "modality lookup table", "some drawings",
                 "some texts", "compound drawings"}) {
            QVERIFY2(std::find(missing.begin(), missing.end(), word) != missing.end(), word);
        }
        const auto& notes = m_scene->volume()->info().notes;
        const auto note = std::find_if(notes.begin(), notes.end(), [](const Note& n) { return n.code == "presentation"; });
        QVERIFY(note != notes.end() && note->text.find("bitmap shutter") != std::string::npos);
    }

    void theWindowSwitchesItOffAndOnByKeyAndMenu()
    {
        m_state->setWindow("300", "201");
        m_state->save(file("state.dcm"));
        QTemporaryDir own;
        app::MainWindow window({{HF_ENGINE}, own.path() + "/findings", own.path() + "/hanging", own.path() + "/studies"});
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        QApplication::setActiveWindow(&window);
        window.openPaths({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(!window.scene()->isEmpty(), 15000);
        QCOMPARE(window.scene()->window().width, 201.0);
        QTest::keyClick(window.grid()->activeView(), Qt::Key_S, Qt::ShiftModifier);
        QCOMPARE(window.scene()->active().presentation, -1);
        QCOMPARE(window.scene()->window().width, 1001.0);
        QTest::keyClick(window.grid()->activeView(), Qt::Key_S, Qt::ShiftModifier);
        QCOMPARE(window.scene()->window().width, 201.0);
        QTest::keyClick(window.grid()->activeView(), Qt::Key_I, Qt::ShiftModifier);
        QVERIFY(window.scene()->isShutterOpen());
        QTest::keyClick(window.grid()->activeView(), Qt::Key_I, Qt::ShiftModifier);
        QVERIFY(!window.scene()->isShutterOpen());
        auto* menu = window.findChild<QMenu*>("presentationMenu");
        menu->popup({100, 100});
        QCOMPARE(int(menu->actions().size()), 2);
        QVERIFY(menu->actions()[1]->isChecked() && menu->actions()[1]->text().contains("READ"));
        QTest::mouseClick(menu, Qt::LeftButton, {}, menu->actionGeometry(menu->actions()[0]).center());
        QCOMPARE(window.scene()->active().presentation, -1);
        // Taken back, with the window that the reader gave it before.
        SliceView* view = window.grid()->activeView();
        QTest::keyClick(view, Qt::Key_Z, Qt::ControlModifier);
        QCOMPARE(window.scene()->active().presentation, 0);
        QCOMPARE(window.scene()->window().width, 201.0);
        test::drag(view, {100, 100}, {160, 100});
        const double dragged = window.scene()->window().width;
        QVERIFY(dragged > 201);
        QTest::keyClick(view, Qt::Key_S, Qt::ShiftModifier);
        QCOMPARE(window.scene()->window().width, 1001.0);
        QTest::keyClick(view, Qt::Key_Z, Qt::ControlModifier);
        QCOMPARE(window.scene()->active().presentation, 0);
        QCOMPARE(window.scene()->window().width, dragged);
        QTest::keyClick(view, Qt::Key_Z, Qt::ControlModifier);
        QCOMPARE(window.scene()->window().width, 201.0);
    }

    void itIsAppliedWithoutAWindowToo()
    {
        m_state->setTurn(90, false);
        m_state->setArea({1, 1}, {kColumns, kRows}, "SCALE TO FIT");
        PresentationFile::addGraphic(m_state->addAnnotation(), "POLYLINE", "PIXEL", {25, 5, 25, 20});
        m_state->save(file("state.dcm"));
        const QImage applied = rendered({"--size", "240x320"}), plain = rendered({"--size", "320x240", "--presentation", "none"});
        QVERIFY(isDrawn(applied, {100, 200}) && !isDrawn(applied, {70, 200}));
        QCOMPARE(qGray(applied.pixel(240 - 36, 50)), kBrightGrey);
        QCOMPARE(qGray(plain.pixel(36, 50)), kBrightGrey);
        QVERIFY(!isDrawn(plain, {200, 100}));
        QVERIFY(rendered({"--presentation", "2"}).isNull());
    }

    /// Window c / 1001 by hand, of the value 200.
    static int greyInWindow(double center) { return int(std::lround(((200 - (center - 0.5)) / 1000 + 0.5) * 255)); }

    void eachSliceOfAVolumeHasItsOwnStoredWindow()
    {
        writeSlices(UID_MRImageStorage, "MR");
        showFolder({320, 240});
        QVERIFY(m_scene->active().isVolume());
        SliceView across(m_scene.get(), m_findings.get(), Plane::Sagittal);
        across.resize(320, 240);
        const int middle = greyInWindow(centerOf(kSlices / 2));
        const auto greyAcross = [&] { return int(across.picture().at(160, 120).r); };
        for (int slice = 0; slice < kSlices; ++slice) {
            m_scene->setSlice(Plane::Axial, slice);
            QCOMPARE(greyAt(160, 120), greyInWindow(centerOf(slice)));
            QCOMPARE(greyAcross(), middle);
            QCOMPARE(m_scene->view(Plane::Axial).window.center, centerOf(slice));       // what the assistant sees
            QCOMPARE(m_scene->view(Plane::Coronal).window.center, centerOf(kSlices / 2));
            QCOMPARE(qGray(rendered({"--size", "320x240", "--annotations", "off", "--slice", QString::number(slice)}).pixel(160, 120)), greyInWindow(centerOf(slice)));
        }
        QCOMPARE(qGray(rendered({"--size", "320x240", "--annotations", "off", "--view", "sagittal"}).pixel(160, 120)), middle);
        // Slices that are put together are no image of the file.
        m_scene->setSlab({SlabMode::Maximum, 4});
        QCOMPARE(greyAt(160, 120), middle);
        m_scene->setSlab({SlabMode::Off, 4});
        // What the reader sets is for all.
        test::drag(m_view.get(), {100, 100}, {100, 60});
        const int dragged = greyAt(160, 120);
        QVERIFY(dragged > greyInWindow(centerOf(kSlices - 1)));
        QCOMPARE(greyAcross(), dragged);
        m_scene->setSlice(Plane::Axial, 0);
        QCOMPARE(greyAt(160, 120), dragged);
    }

    void activitiesOfSlicesAreSeenInOneWindow()
    {
        writeSlices(UID_PositronEmissionTomographyImageStorage, "PT");
        showFolder({320, 240});
        QVERIFY(m_scene->active().isVolume());
        for (int slice = 0; slice < kSlices; ++slice) {
            m_scene->setSlice(Plane::Axial, slice);
            QCOMPARE(m_scene->window().center, centerOf(kSlices / 2));
        }
    }

    void aSupplementalPaletteColoursTheHighestValues()
    {
        // 200 is below the first colour: the window's grey; 1000 is the third of four colours, 16 bits each.
        DcmFileFormat image;
        require(image.loadFile(file("image.dcm").c_str()));
        require(image.loadAllDataIntoMemory());
        DcmItem& data = *image.getDataset();
        put(data, DCM_PixelPresentation, "COLOR");
        putPalette(data, 998);
        require(image.saveFile(file("image.dcm").c_str(), EXS_LittleEndianExplicit));
        showFolder({kColumns * kScale, kRows * kScale});
        QVERIFY(m_scene->volume()->isColor());
        const auto colorAt = [&](int x, int y) {
            const Rgb8 seen = m_view->picture().at(x, y);
            return QColor(seen.r, seen.g, seen.b);
        };
        QCOMPARE(colorAt(200, 200), QColor(kGroundGrey, kGroundGrey, kGroundGrey));
        QCOMPARE(colorAt(40, 40), QColor(30, 130, 230));
        QCOMPARE(rendered({"--size", "320x240", "--annotations", "off"}).pixelColor(40, 50), QColor(30, 130, 230));
        const auto& notes = m_scene->volume()->info().notes;
        QVERIFY(std::any_of(notes.begin(), notes.end(), [](const Note& note) { return note.code == "supplemental-palette"; }));
        // Where only some images are coloured, none is, and that stays on the image.
        put(data, DCM_PixelPresentation, "MIXED");
        require(image.saveFile(file("image.dcm").c_str(), EXS_LittleEndianExplicit));
        showFolder({kColumns * kScale, kRows * kScale});
        QVERIFY(!m_scene->volume()->isColor());
        QCOMPARE(greyAt(40, 40), kBrightGrey);
        const auto& others = m_scene->volume()->info().notes;
        QVERIFY(std::any_of(others.begin(), others.end(), [](const Note& note) { return note.code == "colors-left-out"; }));
        m_view->setTextShown(true);
        const QImage told = m_view->grab().toImage();
        m_view->setTextShown(false);
        QVERIFY(changes(told, m_view->grab().toImage(), {60, 0, 200, 60}).width() > 40);
    }

    void aPaletteThatIsBrokenIsRefusedByName()
    {
        DcmFileFormat image;
        require(image.loadFile(file("image.dcm").c_str()));
        put(*image.getDataset(), DCM_PixelPresentation, "COLOR");
        const Uint16 descriptor[] = {4, 998, 16};
        require(image.getDataset()->putAndInsertUint16Array(DCM_RedPaletteColorLookupTableDescriptor, descriptor, 3));
        require(image.loadAllDataIntoMemory());
        require(image.saveFile(file("image.dcm").c_str(), EXS_LittleEndianExplicit));
        const std::filesystem::path folder[] = {m_folder->path().toStdString()};
        QVERIFY_EXCEPTION_THROWN(dicom::readSeries(*dicom::scan(folder).mainSeries()), Error);
    }

    void theKeyForStoredWindowsIsThatOfTheSlice()
    {
        writeSlices(UID_MRImageStorage, "MR");
        QTemporaryDir own;
        app::MainWindow window({{HF_ENGINE}, own.path() + "/findings", own.path() + "/hanging", own.path() + "/studies"});
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        QApplication::setActiveWindow(&window);
        window.openPaths({m_folder->path()});
        QTRY_VERIFY_WITH_TIMEOUT(!window.scene()->isEmpty(), 15000);
        Scene& scene = *window.scene();
        QTest::keyClick(window.grid()->activeView(), Qt::Key_0);
        const double automatic = scene.window().center;
        QTest::keyClick(window.grid()->activeView(), Qt::Key_Up);
        QCOMPARE(scene.window().center, automatic);
        for (int n = 0; n < 2; ++n) {       // again: there is no other one
            QTest::keyClick(window.grid()->activeView(), Qt::Key_1);
            QCOMPARE(scene.window().center, centerOf(scene.slice(Plane::Axial)));
        }
        QVERIFY(scene.slice(Plane::Axial) != kSlices / 2);
        QTest::keyClick(window.grid()->activeView(), Qt::Key_Up);
        QCOMPARE(scene.window().center, centerOf(scene.slice(Plane::Axial)));
    }

private:
    static constexpr int kSlices = 5;
    static double centerOf(int slice) { return 100.0 * (slice + 1); }

    /// Four colours of the stored values from `first` on: red 10, 20, 30, 40; green 110 ...; blue 210 ...
    static void putPalette(DcmItem& item, Uint16 first)
    {
        const std::tuple<DcmTagKey, DcmTagKey, int> tables[] = {{DCM_RedPaletteColorLookupTableDescriptor, DCM_RedPaletteColorLookupTableData, 0},
            {DCM_GreenPaletteColorLookupTableDescriptor, DCM_GreenPaletteColorLookupTableData, 100}, {DCM_BluePaletteColorLookupTableDescriptor, DCM_BluePaletteColorLookupTableData, 200}};
        for (const auto& [description, values, base] : tables) {
            const Uint16 descriptor[] = {4, first, 16};
            std::vector<Uint16> list;
            for (int n = 1; n <= 4; ++n) {
                list.push_back(Uint16((base + 10 * n) * 257));
            }
            require(item.putAndInsertUint16Array(description, descriptor, 3));
            require(item.putAndInsertUint16Array(values, list.data(), 4));
        }
    }

    /// Slices of the value 200 in place of the radiograph, 2 mm from each other, the window of each another.
    void writeSlices(const char* kind, const char* modality) const
    {
        std::filesystem::remove(file("image.dcm"));
        for (int slice = 0; slice < kSlices; ++slice) {
            const std::string path = file(("slice" + std::to_string(slice) + ".dcm").c_str()).string();
            test::writeImage(path, "2.25.510." + std::to_string(slice + 1), kColumns, std::vector<Uint16>(std::size_t(kColumns * kRows), kGround));
            DcmFileFormat image;
            require(image.loadFile(path.c_str()));
            require(image.loadAllDataIntoMemory());
            DcmItem& data = *image.getDataset();
            put(data, DCM_SOPClassUID, kind);
            put(data, DCM_Modality, modality);
            put(data, DCM_InstanceNumber, std::to_string(slice + 1));
            put(data, DCM_ImagePositionPatient, "0\\0\\" + std::to_string(2 * slice));
            put(data, DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
            put(data, DCM_SliceThickness, "2");
            put(data, DCM_WindowCenter, std::to_string(int(centerOf(slice))));
            require(image.saveFile(path.c_str(), EXS_LittleEndianExplicit));
        }
    }

    std::filesystem::path file(const char* name) const { return std::filesystem::path(m_folder->path().toStdString()) / name; }

    template <typename Covers> static void putBitmap(DcmItem& item, Uint16 group, Covers covers)
    {
        std::vector<Uint16> words(std::size_t(kColumns * kRows / 16));
        for (int n = 0; n < kColumns * kRows; ++n) {
            words[std::size_t(n / 16)] |= covers(n % kColumns, n / kColumns) ? Uint16(1U << (n % 16)) : Uint16(0);
        }
        require(item.putAndInsertUint16(DcmTagKey(group, 0x0010), kRows));
        require(item.putAndInsertUint16(DcmTagKey(group, 0x0011), kColumns));
        put(item, DcmTagKey(group, 0x0040), "G");
        const Sint16 origin[] = {1, 1};
        require(item.putAndInsertSint16Array(DcmTagKey(group, 0x0050), origin, 2));
        require(item.putAndInsertUint16(DcmTagKey(group, 0x0100), 1));
        require(item.putAndInsertUint16(DcmTagKey(group, 0x0102), 0));
        require(item.putAndInsertUint16Array(DcmTagKey(group, 0x3000), words.data(), static_cast<unsigned long>(words.size())));
    }

    static void putTable(DcmItem& item, Uint16 first, const std::vector<Uint16>& values)
    {
        const Uint16 descriptor[] = {Uint16(values.size()), first, 16};
        require(item.putAndInsertUint16Array(DCM_LUTDescriptor, descriptor, 3));
        require(item.putAndInsertUint16Array(DCM_LUTData, values.data(), static_cast<unsigned long>(values.size())));
    }

    void showWhole()
    {
        m_state->setArea({1, 1}, {kColumns, kRows}, "SCALE TO FIT");
        show({kColumns * kScale, kRows * kScale});
    }

    void show(QSize size)
    {
        m_state->save(file("state.dcm"));
        showFolder(size);
    }

    void showFolder(QSize size)
    {
        const std::filesystem::path folder[] = {m_folder->path().toStdString()};
        const dicom::ScanResult found = dicom::scan(folder);
        QCOMPARE(int(found.studies.size()), 1);
        const dicom::Series& series = *found.mainSeries();
        m_scene = std::make_unique<Scene>();
        m_findings = std::make_unique<Findings>(m_scene.get(), m_folder->path() + "/findings");
        const auto volume = std::make_shared<const Volume>(dicom::readSeries(series));
        m_view = std::make_unique<SliceView>(m_scene.get(), m_findings.get(), volume->geometry().acquisitionPlane());
        m_view->resize(size);
        m_view->setTextShown(false);
        m_view->setCrosshairShown(false);
        m_scene->setVolume(volume, series);
        m_view->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_view.get()));
        QCOMPARE(m_view->size(), size);
    }

    int greyAt(int x, int y) const { return m_view->picture().at(x, y).r; }

    /// A white line of 1.5 pixels through the corner of four pixels covers three quarters of two of them.
    static bool isDrawn(const QImage& image, QPoint at)
    {
        int brightest = 0;
        for (int y = -1; y <= 0; ++y) {
            for (int x = -1; x <= 0; ++x) {
                brightest = std::max(brightest, qGray(image.pixel(at + QPoint(x, y))));
            }
        }
        return brightest > 150;
    }

    /// Where two pictures differ.
    static QRect changes(const QImage& a, const QImage& b, QRect within)
    {
        QRect all;
        for (int y = within.top(); y <= within.bottom(); ++y) {
            for (int x = within.left(); x <= within.right(); ++x) {
                if (a.pixel(x, y) != b.pixel(x, y)) {
                    all = all.united(QRect(x, y, 1, 1));
                }
            }
        }
        return all;
    }

    QImage rendered(const QStringList& options) const
    {
        const QString picture = m_folder->path() + "/picture.png";
        QFile::remove(picture);
        QProcess process;
        process.start(HF_PROGRAM, QStringList{"--headless", "--open", m_folder->path(), "--render", picture} + options);
        process.waitForFinished(60000);
        const QImage image(picture);
        QFile::remove(picture);     // it is no part of the study
        return image;
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<PresentationFile> m_state;
    std::unique_ptr<Scene> m_scene;
    std::unique_ptr<Findings> m_findings;
    std::unique_ptr<SliceView> m_view;
};

int main(int argc, char** argv) { return test::runGuiTest<tst_presentation>(argc, argv); }

#include "tst_presentation.moc"
