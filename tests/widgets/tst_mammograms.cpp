#include "support/DcmtkItems.h"
#include "viewer/dicom/ReadSeries.h"
#include "viewer/dicom/Scan.h"
#include "viewer/widgets/Findings.h"
#include "viewer/widgets/HangingRules.h"
#include "viewer/widgets/ProjectionSides.h"
#include "viewer/widgets/Scene.h"
#include "viewer/widgets/SliceView.h"
#include "viewer/widgets/StudyBrowser.h"
#include "viewer/widgets/ViewGrid.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace hf;

namespace {

constexpr int kSide = 20;
constexpr Uint16 kInside = 100, kUpper = 600, kChestWall = 1000;

/// How far a pixel lies towards a side of the patient, 0 to 1, by what the letters mean.
double towards(char side, const std::string& rows, const std::string& columns, double u, double v)
{
    static const std::string kOpposite = "APLRHF";
    const auto other = [](char c) { return kOpposite[kOpposite.find(c) ^ 1U]; };
    return rows[0] == side ? u : rows[0] == other(side) ? 1 - u : columns[0] == side ? v : columns[0] == other(side) ? 1 - v : -1;
}

/// A breast that is bright at its chest wall and grey at the side that belongs to the top of the screen.
void writeMammogram(const std::string& path, int number, const std::string& laterality, const std::string& view, const std::string& rows, const std::string& columns,
    const std::string& spacing = "0.1")
{
    const char upper = view != "CC" ? 'H' : laterality == "R" ? 'R' : 'L';
    std::vector<Uint16> stored;
    for (int y = 0; y < kSide; ++y) {
        for (int x = 0; x < kSide; ++x) {
            const double u = (x + 0.5) / kSide, v = (y + 0.5) / kSide;
            stored.push_back(towards('P', rows, columns, u, v) > 0.75 ? kChestWall : towards(upper, rows, columns, u, v) > 0.75 ? kUpper : kInside);
        }
    }
    using namespace test;
    DcmFileFormat file;
    DcmDataset& data = *file.getDataset();
    put(data, DCM_SOPClassUID, UID_DigitalMammographyXRayImageStorageForPresentation);
    put(data, DCM_SOPInstanceUID, "2.25.600.3." + std::to_string(number));
    put(data, DCM_StudyInstanceUID, "2.25.600.1");
    put(data, DCM_SeriesInstanceUID, "2.25.600.2");     // all views in one series
    put(data, DCM_Modality, "MG");
    put(data, DCM_InstanceNumber, std::to_string(number));
    put(data, DCM_ImageLaterality, laterality);
    put(data, DCM_PatientOrientation, rows + "\\" + columns);
    put(data, DCM_ImagerPixelSpacing, spacing + "\\" + spacing);
    put(data, DCM_WindowCenter, "500");
    put(data, DCM_WindowWidth, "1001");
    put(append(data, DCM_ViewCodeSequence), DCM_CodeValue, view == "CC" ? "399162004" : "R-10226");
    putPixels(data, kSide, stored);
    require(file.saveFile(path.c_str(), EXS_LittleEndianExplicit));
}

} // namespace

/// Mammograms by the hanging convention, whichever way round they are stored.
class tst_mammograms : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void theChestWallsMeetInTheMiddle_data()
    {
        QTest::addColumn<QString>("laterality");
        QTest::addColumn<QString>("view");
        QTest::addColumn<QString>("rows");
        QTest::addColumn<QString>("columns");
        QTest::newRow("R CC as it hangs") << "R" << "CC" << "P" << "L";
        QTest::newRow("R CC upside down") << "R" << "CC" << "A" << "R";
        QTest::newRow("R CC mirrored") << "R" << "CC" << "A" << "L";
        QTest::newRow("R CC lying") << "R" << "CC" << "L" << "P";
        QTest::newRow("L CC as it hangs") << "L" << "CC" << "A" << "R";
        QTest::newRow("L CC mirrored") << "L" << "CC" << "P" << "R";
        QTest::newRow("L CC lying") << "L" << "CC" << "L" << "A";
        QTest::newRow("R MLO as it hangs") << "R" << "MLO" << "P" << "FL";
        QTest::newRow("R MLO head down") << "R" << "MLO" << "A" << "HR";
        QTest::newRow("L MLO as it hangs") << "L" << "MLO" << "A" << "FR";
        QTest::newRow("L MLO mirrored") << "L" << "MLO" << "P" << "FR";
    }

    void theChestWallsMeetInTheMiddle()
    {
        QFETCH(QString, laterality);
        QFETCH(QString, view);
        QFETCH(QString, rows);
        QFETCH(QString, columns);
        const QTemporaryDir folder;
        writeMammogram((folder.path() + "/image.dcm").toStdString(), 1, laterality.toStdString(), view.toStdString(), rows.toStdString(), columns.toStdString());
        const auto found = scanned(folder);
        const dicom::Series& series = *found.mainSeries();
        Scene scene;
        Findings findings(&scene, folder.path() + "/findings");
        const auto volume = std::make_shared<const Volume>(dicom::readSeries(series));
        SliceView shown(&scene, &findings, volume->geometry().acquisitionPlane());
        shown.resize(400, 200);
        scene.setVolume(volume, series);
        shown.show();
        QVERIFY(QTest::qWaitForWindowExposed(&shown));
        // The picture is a square of 198 pixels, at the right border for the right breast, at the left one for the left.
        const bool isRight = laterality == "R";
        const auto inward = [&](int x) { return isRight ? 399 - x : x; };
        const Picture picture = shown.picture();
        QVERIFY(picture.at(inward(10), 100).r > 250);       // chest wall
        QVERIFY(std::abs(picture.at(inward(120), 15).r - 153) < 4);     // ((600 - 499.5) / 1000 + 0.5) * 255 = 153.1
        QVERIFY(std::abs(picture.at(inward(120), 150).r - 26) < 4);     // ((100 - 499.5) / 1000 + 0.5) * 255 = 25.6
        QCOMPARE(int(picture.at(inward(300), 100).r), 0);   // outside
        // Side and view stand on the image: other words, another text in the corner.
        const QRect corner(200, 160, 200, 40);
        const QImage named = shown.grab(corner).toImage();
        dicom::Series unnamed = series;
        unnamed.text.viewPosition.clear();
        scene.setVolume(volume, unnamed);
        QVERIFY(shown.grab(corner).toImage() != named);
        scene.setVolume(volume, series);
        QCOMPARE(shown.grab(corner).toImage(), named);
        shown.fit();
        QVERIFY(shown.picture().at(isRight ? 290 : 110, 100).r > 250);  // in the middle of the view then
    }

    void breastsBesideEachOtherAreShownAtOneScale()
    {
        const QTemporaryDir folder;
        writeMammogram((folder.path() + "/right.dcm").toStdString(), 1, "R", "CC", "P", "L", "0.1");
        writeMammogram((folder.path() + "/left.dcm").toStdString(), 2, "L", "CC", "A", "R", "0.2");     // twice as wide
        const auto found = scanned(folder);
        QCOMPARE(int(found.studies.front().series.size()), 2);
        Scene scene;
        Findings findings(&scene, folder.path() + "/findings");
        ViewGrid grid(&scene, &findings);
        grid.setGridLayout(GridLayout{1, 2, false, {}});
        grid.resize(600, 300);
        grid.show();
        QVERIFY(QTest::qWaitForWindowExposed(&grid));
        int cell = 0;
        for (const dicom::Series& series : found.studies.front().series) {
            scene.addVolume(std::make_shared<const Volume>(dicom::readSeries(series)), series);
            grid.place(cell++, series.key);
        }
        const auto scale = [&](int view) { return grid.view(view)->millimetresPerPixel(); };
        const auto expected = [&] { return 4.0 / std::min(grid.view(0)->width(), grid.view(0)->height()) * 1.01; };     // 20 pixels of 0.2 mm
        QTRY_COMPARE(scale(0), scale(1));
        QVERIFY(std::abs(scale(0) - expected()) < expected() * 0.02);
        // The chest walls still meet: that of the smaller breast too, half as high as the other.
        const int right = grid.view(0)->shown().series.text.laterality == "R" ? 0 : 1;
        const Picture small = grid.view(right)->picture();
        QVERIFY(small.at(small.width - 4, small.height / 2).r > 250);
        QCOMPARE(int(small.at(small.width - 4, small.height / 2 - int(1.2 / scale(0))).r), 0);
        // Another size of the window, one view alone, both again.
        grid.resize(900, 500);
        QTRY_VERIFY(std::abs(scale(0) - expected()) < expected() * 0.02 && scale(0) == scale(1));
        grid.maximize(grid.view(right));
        QTRY_VERIFY(scale(right) < scale(1 - right) * 0.8);
        grid.maximize(nullptr);
        QTRY_COMPARE(scale(0), scale(1));
        // A reader who zooms is left alone.
        grid.view(right)->zoomBy(2, {100, 100});
        const double zoomed = scale(right);
        grid.resize(800, 450);
        QTRY_VERIFY(std::abs(scale(1 - right) - expected()) < expected() * 0.02);
        QCOMPARE(scale(right), zoomed);
    }

    void theLettersAreThoseOfThePatient()
    {
        dicom::Series series;
        QCOMPARE(projectionLetters(series, 1, 0), std::string());
        series.patientOrientation = {"P", "FL"};
        QCOMPARE(projectionLetters(series, 1, 0), std::string("P"));
        QCOMPARE(projectionLetters(series, -1, 0), std::string("A"));
        QCOMPARE(projectionLetters(series, 0, 1), std::string("FL"));
        QCOMPARE(projectionLetters(series, 0, -1), std::string("HR"));
        // Animals have words of their own.
        series.isQuadruped = true;
        for (const auto& [side, other] : {std::pair{"LE", "RT"}, {"RT", "LE"}, {"CR", "CD"}, {"CDV", "CRD"}, {"D", "V"}, {"LERT", "RTLE"}, {"PR", "DI"}, {"PA", "D"}, {"X", ""}}) {
            series.patientOrientation = {side, "V"};
            QCOMPARE(projectionLetters(series, 1, 0), std::string(side));
            QCOMPARE(projectionLetters(series, -1, 0), std::string(other));
        }
        series.isQuadruped = false;
        series.patientOrientation = {"X", "F"};
        QCOMPARE(projectionLetters(series, -1, 0), std::string());
    }

    void sideAndViewAreNamed()
    {
        dicom::Series series;
        const auto name = [&](const char* modality, const char* side, const char* view) {
            series.modality = modality;
            series.text.laterality = side;
            series.text.viewPosition = view;
            return projectionName(series);
        };
        QCOMPARE(name("MG", "R", "CC"), std::string("R CC"));
        QCOMPARE(name("DX", "", "PA"), std::string("PA"));
        QCOMPARE(name("CR", "L", ""), std::string("L"));
        QCOMPARE(name("DX", "U", "AP"), std::string("AP"));
        QCOMPARE(name("XA", "L", "PA"), std::string("L PA"));
        QCOMPARE(name("CT", "R", "CC"), std::string());
    }

    /// On the image and in the list: a reader must not have to guess from the letters which breast it is.
    void sideAndViewAreShown()
    {
        const QTemporaryDir folder;
        writeMammogram((folder.path() + "/1.dcm").toStdString(), 1, "R", "CC", "P", "L");
        const dicom::ScanResult found = scanned(folder);
        dicom::Series series = *found.mainSeries();
        const auto volume = std::make_shared<const Volume>(dicom::readSeries(series));
        const QTemporaryDir findingsFolder;
        const auto corner = [&](const dicom::Series& shown) {
            Scene scene;
            Findings findings(&scene, findingsFolder.path());
            SliceView view(&scene, &findings, Plane::Axial);
            view.resize(400, 400);
            scene.setVolume(volume, shown);
            return view.grab().toImage().copy(200, 340, 200, 60);
        };
        const QImage whole = corner(series);
        series.text.viewPosition = "XCCL";
        QVERIFY(corner(series) != whole);
        StudyBrowser browser;
        browser.addStudies(found.studies);
        QVERIFY(browser.topLevelItem(0)->child(0)->text(0).startsWith("MG  R CC"));
    }

    void nothingIsTurnedThatIsNotKnown()
    {
        dicom::Series series;
        series.modality = "MG";
        series.text.laterality = "R";
        QVERIFY(!hungSides(series));                        // no Patient Orientation
        series.patientOrientation = {"P", "A"};
        QVERIFY(!hungSides(series));                        // it cannot be
        series.patientOrientation = {"A", "F"};
        QVERIFY(hungSides(series));
        series.text.laterality = "B";
        QVERIFY(!hungSides(series));
        series.text.laterality = "R";
        series.modality = "DX";
        QVERIFY(!hungSides(series));
    }

    void viewsOfOneSeriesHangApart()
    {
        const QTemporaryDir folder;
        int number = 0;
        for (const auto& [laterality, view, rows, columns] : {std::array{"L", "MLO", "A", "FR"}, std::array{"R", "CC", "P", "L"}, std::array{"L", "CC", "A", "R"}, std::array{"R", "MLO", "P", "FL"}}) {
            ++number;
            writeMammogram((folder.path() + QStringLiteral("/%1.dcm").arg(number)).toStdString(), number, laterality, view, rows, columns);
        }
        const dicom::ScanResult found = scanned(folder);
        QCOMPARE(int(found.studies.front().series.size()), 4);
        QFile file(HF_SOURCE_DIR "/resources/hanging/defaults.json");
        QVERIFY(file.open(QIODevice::ReadOnly));
        const auto hanging = hangingCase(found.studies, *found.mainSeries());
        QStringList places;
        for (const HangingRule& rule : hangingRulesFromJson(file.readAll())) {
            const auto chosen = hang(rule, hanging);
            if (rule.id == "mg" && chosen) {
                for (const dicom::Series* series : *chosen) {
                    places << (series ? QString::fromStdString(series->text.laterality + " " + series->text.viewPosition) : "-");
                }
            }
        }
        QCOMPARE(places, (QStringList{"R CC", "L CC", "R MLO", "L MLO"}));
    }

private:
    static dicom::ScanResult scanned(const QTemporaryDir& folder)
    {
        const std::filesystem::path paths[] = {folder.path().toStdString()};
        return dicom::scan(paths);
    }
};

QTEST_MAIN(tst_mammograms)
#include "tst_mammograms.moc"
