#include "viewer/volume/Error.h"
#include "viewer/widgets/HangingRules.h"

#include <QFile>
#include <QTest>

using namespace hf;

namespace {

/// "CT volume 'Thorax' 300", "DX single PA", "MG single L CC": modality, kind, and what else tells series apart.
dicom::Series made(const QString& words, int number)
{
    dicom::Series series;
    const QString quoted = words.section('\'', 1, 1);
    const QStringList parts = QString(words).remove("'" + quoted + "'").split(' ', Qt::SkipEmptyParts);
    series.modality = parts.value(0).toStdString();
    series.kind = parts.value(1) == "volume" ? dicom::SeriesKind::Volume : parts.value(1) == "multi" ? dicom::SeriesKind::MultiImage : dicom::SeriesKind::SingleImage;
    int images = series.kind == dicom::SeriesKind::Volume ? 100 : 1;
    for (const QString& part : parts.mid(2)) {
        bool isNumber = false;
        const int count = part.toInt(&isNumber);
        if (isNumber) {
            images = count;
        } else if (part == "L" || part == "R") {
            series.text.laterality = part.toStdString();
        } else {
            series.text.viewPosition = part.toStdString();
        }
    }
    series.images.resize(std::size_t(images));
    series.text.seriesDescription = quoted.toStdString();
    series.key = words.toStdString() + "#" + std::to_string(number);
    return series;
}

dicom::Study study(const QString& uid, const QString& date, const QStringList& list, const char* patient = "P1")
{
    dicom::Study study;
    study.uid = uid.toStdString();
    study.text.studyDate = date.toStdString();
    study.patient.id = patient;
    int number = 0;
    for (const QString& words : list) {
        study.series.push_back(made(words, ++number));
        dicom::Series& series = study.series.back();
        series.key = study.uid + "/" + series.key;
        series.studyUid = study.uid;
        series.patient = study.patient;
    }
    return study;
}

std::vector<HangingRule> shipped()
{
    QFile file(HF_SOURCE_DIR "/resources/hanging/defaults.json");
    if (!file.open(QIODevice::ReadOnly)) {
        return {};
    }
    return hangingRulesFromJson(file.readAll());
}

/// "rule: key | key | -" of the first rule that fits; keys without the study's own part.
QString arranged(const std::vector<dicom::Study>& studies, const dicom::Series& main)
{
    for (const HangingRule& rule : shipped()) {
        if (const auto chosen = hang(rule, hangingCase(studies, main))) {
            QStringList views;
            for (const dicom::Series* series : *chosen) {
                views << (series ? QString::fromStdString(series->key) : QString("-"));
            }
            return rule.id + ": " + views.join(" | ");
        }
    }
    return "none";
}

} // namespace

/// Which series hangs where, and what a mistake in a rule file is told as.
class tst_hanging : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void studiesHangAsTheirRuleSays_data()
    {
        QTest::addColumn<QStringList>("current");
        QTest::addColumn<QStringList>("prior");
        QTest::addColumn<QString>("expected");
        const QStringList none;
        QTest::newRow("CT") << QStringList{"CT single 'Scout'", "CT volume 'Thorax' 300"} << none << "ct: n/CT volume 'Thorax' 300#2 | - | - | -";
        QTest::newRow("CT, the largest") << QStringList{"CT volume 'thick' 60", "CT volume 'thin' 400"} << none << "ct: n/CT volume 'thin' 400#2 | - | - | -";
        QTest::newRow("CT with prior") << QStringList{"CT volume 'Thorax' 300"} << QStringList{"CT volume 'Thorax' 250", "CT single 'Scout'"}
                                       << "ct-prior: n/CT volume 'Thorax' 300#1 | o/CT volume 'Thorax' 250#1";
        QTest::newRow("CT, prior of another kind") << QStringList{"CT volume 'Thorax' 300"} << QStringList{"DX single PA"} << "ct: n/CT volume 'Thorax' 300#1 | - | - | -";
        QTest::newRow("CT, prior without a volume") << QStringList{"CT volume 'Thorax' 300"} << QStringList{"CT single 'Scout'"} << "ct: n/CT volume 'Thorax' 300#1 | - | - | -";
        QTest::newRow("CT, one slice") << QStringList{"CT single"} << none << "none";
        QTest::newRow("PET/CT") << QStringList{"CT volume 'AC' 200", "PT volume 'FDG' 200"} << none
                                << "petct: n/CT volume 'AC' 200#1 | n/PT volume 'FDG' 200#2 | n/PT volume 'FDG' 200#2 | n/CT volume 'AC' 200#1 | n/PT volume 'FDG' 200#2 | n/PT volume 'FDG' 200#2";
        QTest::newRow("PET alone") << QStringList{"PT volume 'FDG' 200"} << none << "none";
        QTest::newRow("MR brain") << QStringList{"MR volume 'ax T1 SE'", "MR volume 'ax T2 TSE'", "MR volume 'cor FLAIR'", "MR volume 'DWI b1000'"} << none
                                  << "mr-brain: n/MR volume 'cor FLAIR'#3 | n/MR volume 'ax T2 TSE'#2 | n/MR volume 'ax T1 SE'#1 | n/MR volume 'DWI b1000'#4";
        QTest::newRow("MR brain, T2 is the FLAIR") << QStringList{"MR volume 'T2 FLAIR'", "MR volume 'MPRAGE' 190", "MR volume 'ADC'"} << none
                                                   << "mr-brain: n/MR volume 'T2 FLAIR'#1 | - | n/MR volume 'MPRAGE' 190#2 | n/MR volume 'ADC'#3";
        QTest::newRow("MR knee") << QStringList{"MR volume 'PD sag'", "MR volume 'PD cor' 40"} << none << "mr: n/MR volume 'PD sag'#1 | n/MR volume 'PD cor' 40#2 | - | -";
        QTest::newRow("MR knee, three") << QStringList{"MR volume 'PD sag' 30", "MR volume 'PD cor' 40", "MR volume 'PD tra' 50"} << none
                                        << "mr: n/MR volume 'PD tra' 50#3 | n/MR volume 'PD cor' 40#2 | n/MR volume 'PD sag' 30#1 | -";
        QTest::newRow("MR with prior") << QStringList{"MR volume 'T2' 50", "MR volume 'T1' 40"} << QStringList{"MR volume 'T2' 44"} << "mr-prior: n/MR volume 'T2' 50#1 | o/MR volume 'T2' 44#1";
        QTest::newRow("MR, one series") << QStringList{"MR volume 'T1'"} << none << "none";
        QTest::newRow("MG") << QStringList{"MG single L CC", "MG single L MLO", "MG single R CC", "MG single R MLO"} << none
                            << "mg: n/MG single R CC#3 | n/MG single L CC#1 | n/MG single R MLO#4 | n/MG single L MLO#2";
        QTest::newRow("MG, one side") << QStringList{"MG single L CC", "MG single L MLO"} << none << "mg: - | n/MG single L CC#1 | - | n/MG single L MLO#2";
        QTest::newRow("MG, views unknown") << QStringList{"MG single", "MG single"} << none << "none";
        QTest::newRow("CXR") << QStringList{"DX single LL", "DX single PA"} << none << "cxr-2: n/DX single PA#2 | n/DX single LL#1";
        QTest::newRow("CXR, computed radiography") << QStringList{"CR single AP", "CR single LATERAL"} << none << "cxr-2: n/CR single AP#1 | n/CR single LATERAL#2";
        QTest::newRow("CXR with prior") << QStringList{"DX single PA"} << QStringList{"DX single PA"} << "cxr-prior: n/DX single PA#1 | o/DX single PA#1";
        QTest::newRow("CXR alone") << QStringList{"DX single PA"} << none << "none";
        QTest::newRow("US") << QStringList{"US multi", "US single"} << none << "none";
    }

    void studiesHangAsTheirRuleSays()
    {
        QFETCH(QStringList, current);
        QFETCH(QStringList, prior);
        QFETCH(QString, expected);
        std::vector<dicom::Study> studies;
        if (!prior.isEmpty()) {
            studies.push_back(study("o", "2020-01-01", prior));
        }
        studies.push_back(study("n", "2024-01-01", current));
        // Another patient's study is never a prior, however alike.
        studies.push_back(study("x", "2019-01-01", current, "P2"));
        QCOMPARE(arranged(studies, studies[prior.isEmpty() ? 0 : 1].series.front()), expected);
    }

    void priorsNeedADate()
    {
        const std::vector<dicom::Study> studies{study("a", "", {"CT volume 'x'"}), study("b", "", {"CT volume 'x'"})};
        QVERIFY(hangingCase(studies, studies[0].series.front()).prior == nullptr);
        // Opened by its prior, the newest study is the one to read.
        const std::vector<dicom::Study> dated{study("a", "2020-01-01", {"CT volume 'x'"}), study("b", "2024-01-01", {"CT volume 'x'"})};
        QCOMPARE(hangingCase(dated, dated[0].series.front()).current->uid, std::string("b"));
        QCOMPARE(hangingCase(dated, dated[0].series.front()).prior->uid, std::string("a"));
    }

    void aBadFileIsRefusedWithLineAndReason_data()
    {
        QTest::addColumn<QByteArray>("json");
        QTest::addColumn<QString>("reason");
        const QByteArray head = "{\"hounsfield-hanging\": 1, \"rules\": [\n {\"id\": \"good\", \"name\": {\"en\": \"Good\"},\n  \"rows\": 1, \"columns\": 1, \"views\": [{\"show\": \"axial\"}]},\n";
        const auto rule = [&](const char* lines) { return head + " {\"id\": \"bad\", \"name\": {\"en\": \"Bad\"},\n" + lines + "}]}\n"; };
        QTest::newRow("no JSON") << QByteArray("{\n\"hounsfield-hanging\": 1,\n\"rules\": [}\n") << "line 3: ";
        QTest::newRow("version") << QByteArray("{\n\"hounsfield-hanging\": 2,\n\"rules\": []}") << "line 2: this version";
        QTest::newRow("unknown key") << rule("\"rows\": 1,\n\"colums\": 2,\n\"views\": [{\"show\": \"axial\"}]") << "line 6: unknown key 'colums'";
        QTest::newRow("too many rows") << rule("\"columns\": 1,\n\"rows\": 4, \"views\": [{\"show\": \"axial\"}]") << "line 6: 'rows' must be a whole number from 1 to 3";
        QTest::newRow("unknown show") << rule("\"rows\": 1, \"columns\": 1,\n\"views\": [\n{\"show\": \"axail\"}]") << "line 7: 'show' must be one of images, axial, sagittal, coronal, volume";
        QTest::newRow("more views than cells") << rule("\"rows\": 1, \"columns\": 1,\n\"views\": [{\"show\": \"axial\"}, {\"show\": \"axial\"}]") << "line 6: 2 views do not fit into 1 x 1";
        QTest::newRow("expression") << rule("\"views\": [{\"show\": \"axial\", \"series\":\n{\"description\": \"t1(\"}}]") << "line 6: 'description' is no regular expression";
        QTest::newRow("no English name") << QByteArray("{\"hounsfield-hanging\": 1, \"rules\": [\n{\"id\": \"a\",\n\"name\": {\"de\": \"A\"}, \"views\": [{}]}]}") << "line 3: 'name' needs an English text";
        QTest::newRow("twice") << head + " {\"id\": \"good\", \"name\": {\"en\": \"Again\"}, \"views\": [{\"show\": \"axial\"}]}]}" << "the id 'good' is used twice";
        QTest::newRow("views no list") << rule("\"views\": 3") << "line 5: 'views' must be a list";
        QTest::newRow("two volumes") << rule("\"rows\": 1, \"columns\": 2, \"views\": [{\"show\": \"volume\"}, {\"show\": \"volume\"}]") << "line 5: only one view";
        QTest::newRow("rules of another kind") << QByteArray("[1, 2]") << "line 1: this version";
        QTest::newRow("nothing") << QByteArray() << "line 1: ";
    }

    void aBadFileIsRefusedWithLineAndReason()
    {
        QFETCH(QByteArray, json);
        QFETCH(QString, reason);
        QString told;
        try {
            hangingRulesFromJson(json);
        } catch (const Error& error) {
            QCOMPARE(error.code(), std::string("hanging"));
            told = error.what();
        }
        QVERIFY2(told.contains(reason), qPrintable(told));
    }

    void aRuleComesBackFromItsFile()
    {
        for (const HangingRule& rule : shipped()) {
            const std::vector<HangingRule> again = hangingRulesFromJson(toJson(rule));
            QCOMPARE(int(again.size()), 1);
            QCOMPARE(toJson(again[0]), toJson(rule));
            QVERIFY(again[0].layout == rule.layout);
        }
        QVERIFY(shipped().size() >= 8);
    }
};

QTEST_APPLESS_MAIN(tst_hanging)
#include "tst_hanging.moc"
