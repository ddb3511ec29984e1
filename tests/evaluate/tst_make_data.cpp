#include "assistant/engine/PictureFile.h"
#include "assistant/engine/evaluate/Evaluation.h"
#include "assistant/engine/train/DataSet.h"
#include "support/Check.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

using namespace hf;
using namespace hf::assistant;
using namespace hf::assistant::train;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct Folder {
    fs::path path = fs::temp_directory_path() / ("tst_make_data." + std::to_string(getpid()));
    ~Folder() { fs::remove_all(path); }
};

/// A block with a mass in the patient's left half and two in the right, in an axial slice.
LabelledVolume masses()
{
    const Geometry geometry({60, 60, 3}, {4, 4, 4}, {-118, -118, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    std::vector<LabelId> labels(geometry.size().voxels(), 1);
    std::vector<std::int16_t> voxels(labels.size(), 40);
    const auto put = [&](int i, int j, LabelId value) {
        for (int k = 0; k < 3; ++k) {
            labels[geometry.offset({i, j, k})] = labels[geometry.offset({i + 1, j, k})] = value;
        }
    };
    put(45, 30, 2);
    put(10, 20, 3);
    put(14, 40, 3);
    VolumeInfo info;
    info.modality = "CT";
    info.unit = Unit::Hu;
    std::vector<Label> table;
    for (const auto& [value, name] : std::vector<std::pair<LabelId, std::string>>{{1, "body"}, {2, "liver lesion"}, {3, "lung nodule"}, {4, "spleen"}}) {
        Label label;
        label.value = value;
        label.name = name;
        table.push_back(label);
    }
    return {Volume(geometry, std::move(voxels), info), LabelMap(geometry, std::move(labels), table), "someone", false};
}

/// A patient in air with three masses in the left half and nothing else labelled; two of them have a value of their own, but the same name.
LabelledVolume massesAlone(const std::string& name, const std::string& series = {})
{
    const Geometry geometry({60, 60, 1}, {4, 4, 4}, {-118, -118, 0}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
    std::vector<LabelId> labels(geometry.size().voxels(), 0);
    std::vector<std::int16_t> voxels(labels.size(), -1000);
    for (int j = 10; j < 50; ++j) {
        for (int i = 5; i < 55; ++i) {
            voxels[geometry.offset({i, j, 0})] = 40;
        }
    }
    labels[geometry.offset({40, 20, 0})] = labels[geometry.offset({50, 30, 0})] = 2;
    labels[geometry.offset({45, 40, 0})] = 3;
    VolumeInfo info;
    info.modality = "CT";
    info.unit = Unit::Hu;
    info.seriesUid = series;
    Label first, second;
    first.value = 2;
    second.value = 3;
    first.name = second.name = name;
    return {Volume(geometry, std::move(voxels), info), LabelMap(geometry, std::move(labels), {first, second}), "someone", false};
}

DataSetOptions many()
{
    DataSetOptions options;
    options.views = 60;
    options.questions = 10;
    return options;
}

std::string allFiles(const fs::path& folder)
{
    std::string all;
    std::set<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file()) {
            files.insert(entry.path());
        }
    }
    for (const fs::path& file : files) {
        std::ifstream in(file, std::ios::binary);
        all += fs::relative(file, folder).string() + "\n" + std::string(std::istreambuf_iterator<char>(in), {});
    }
    return all;
}

void makeSet(const fs::path& folder, std::uint32_t seed, std::uint32_t count)
{
    DataSetOptions options;
    options.seed = seed;
    options.views = 2;
    std::vector<std::string> patients;
    std::vector<LabelledVolume> volumes;
    for (std::uint32_t n = 0; n < count; ++n) {
        volumes.push_back(labelledPhantom(seed * 100 + n));
        patients.push_back(volumes.back().patient);
    }
    DataSetWriter writer(folder, splitByPatient(patients, options));
    for (const LabelledVolume& one : volumes) {
        writer.add(one.patient, conversationsAbout(one, options));
    }
    writer.finish();
}

} // namespace

HF_TEST(answers_are_true_of_the_labels)
{
    int sides = 0, counts = 0, absent = 0, refusals = 0, calls = 0;
    for (const Conversation& one : conversationsAbout(masses(), many())) {
        const std::string& question = one.messages[0].text;
        const std::string& answer = one.messages.back().text;
        const bool isCalled = one.messages.size() == 4;
        calls += isCalled;
        HF_CHECK_EQUAL(one.pictures.size(), std::size_t(isCalled ? 2 : 1));
        HF_CHECK(one.messages[1].text.starts_with("This is a") && one.messages[1].text.find("CT image.") != std::string::npos);
        if (isCalled) {
            // Only what a card offers is called.
            const std::string call = one.messages[1].text.substr(one.messages[1].text.find('<') + 1);
            const std::string name = call.substr(0, call.find('(')), argument = call.substr(call.find('(') + 1, call.find(')') - call.find('(') - 1);
            const std::size_t line = question.find("<" + name);
            HF_CHECK(line != std::string::npos);
            const std::string card = question.substr(line, question.find('\n', line) - line);
            HF_CHECK(card.find("'" + argument + "'") != std::string::npos && card.find("Modality: CT") != std::string::npos);
        }
        if (answer.find("It lies on ") != std::string::npos) {
            ++sides;
            const bool isLesion = answer.find("liver lesion in") != std::string::npos, isNodule = answer.find("lung nodule in") != std::string::npos;
            HF_CHECK(answer.find(isLesion ? "the left side" : isNodule ? "the right side" : "both sides") != std::string::npos);
        }
        if (answer.find(" in this slice.") != std::string::npos && answer.find("There ") != std::string::npos && question.find("This is a CT") != std::string::npos) {
            ++counts;
            const bool isAxial = one.messages[1].text.find("axial") != std::string::npos;
            if (isAxial && answer.find("liver lesion in") != std::string::npos) {
                HF_CHECK(answer.find("There is one liver lesion") != std::string::npos);
            } else if (isAxial) {
                HF_CHECK(answer.find("There are two lung nodules") != std::string::npos);
            }
        }
        absent += isCalled && answer.find("found none of it") != std::string::npos;
        HF_CHECK(answer.find("spleen in") == std::string::npos);
        refusals += !isCalled && answer.find("None of the available experts") != std::string::npos;
    }
    std::printf("       %d sides, %d counts, %d absent, %d refusals, %d calls\n", sides, counts, absent, refusals, calls);
    HF_CHECK(sides > 5 && counts > 2 && absent > 5 && refusals > 25 && calls > 75);
}

HF_TEST(sides_are_those_of_the_patient_and_parts_of_one_name_are_counted_together)
{
    for (const auto& [name, plural] : std::map<std::string, std::string>{{"liver lesion", "liver lesions"}, {"liver metastasis", "liver metastases"}, {"liver metastases", "liver metastases"}}) {
        int sides = 0, counts = 0;
        for (const Conversation& one : conversationsAbout(massesAlone(name), many())) {
            const std::string& question = one.messages[0].text;
            const std::string& answer = one.messages.back().text;
            if (answer.find("It lies on ") != std::string::npos) {
                ++sides;
                HF_CHECK(answer.find("It lies on the left side of the patient.") != std::string::npos);
            }
            if (answer.find("in this slice.") != std::string::npos && answer.find("There ") != std::string::npos) {
                ++counts;
                HF_CHECK(answer.find("There are three " + plural + " in this slice.") != std::string::npos);
            }
            HF_CHECK((question + answer).find(plural + "s") == std::string::npos);
        }
        HF_CHECK(sides > 5 && counts > 5);
    }
}

HF_TEST(the_same_seed_gives_the_same_bytes)
{
    const Folder folder;
    makeSet(folder.path / "a", 3, 4);
    makeSet(folder.path / "b", 3, 4);
    makeSet(folder.path / "c", 4, 1);
    HF_CHECK(allFiles(folder.path / "a") == allFiles(folder.path / "b"));
    HF_CHECK(allFiles(folder.path / "a") != allFiles(folder.path / "c"));
    HF_CHECK_THROWS(makeSet(folder.path / "a", 3, 4), Error);

    // Each patient is in one part; every picture is there and can be read; markers and pictures agree; `evaluate` reads it.
    std::map<std::string, std::string> partOf;
    for (const std::string part : {"train", "validation", "test"}) {
        const json list = json::parse(std::ifstream(folder.path / "a" / (part + ".json")));
        HF_CHECK(!list.empty());
        for (const json& entry : list) {
            const std::string patient = entry["patient"];
            HF_CHECK(partOf.emplace(patient, part).first->second == part);
            std::size_t markers = 0;
            for (std::size_t n = 0; n < entry["conversations"].size(); ++n) {
                const json& turn = entry["conversations"][n];
                HF_CHECK_EQUAL(turn["from"].get<std::string>(), std::string(n % 2 ? "gpt" : "human"));
                const std::string text = turn["value"];
                for (std::size_t at = text.find("<image>"); at != std::string::npos; at = text.find("<image>", at + 1)) {
                    ++markers;
                }
                HF_CHECK_EQUAL(withTrainedMarkers(text), text);
            }
            HF_CHECK_EQUAL(entry["image"].size(), markers);
            for (const json& image : entry["image"]) {
                HF_CHECK(readPictureFile(folder.path / "a" / image.get<std::string>()).width > 0);
            }
        }
    }
    HF_CHECK_EQUAL(partOf.size(), std::size_t(4));
    evaluate::BenchmarkFiles files;
    files.data = folder.path / "a";
    const evaluate::Benchmark calls = evaluate::readBenchmark("expert-calls", files);
    std::vector<std::string> truths;
    for (const evaluate::Case& one : calls.cases) {
        truths.push_back(one.truth);
    }
    for (const evaluate::ResultRow& row : evaluate::score(calls, truths).rows) {
        HF_CHECK_EQUAL(row.estimate.value, 1.0);
    }
}

HF_TEST(lateral_radiographs_tell_no_side)
{
    const LabelledVolume body = massesAlone("lung nodule");
    VolumeInfo info = body.volume.info();
    info.modality = "DX";
    info.unit = Unit::None;
    std::vector<std::int16_t> voxels(body.labels.voxels().size(), 40);
    const LabelledVolume lateral{Volume(body.volume.geometry(), std::move(voxels), info), body.labels, "someone", true};
    int told = 0;
    for (const Conversation& one : conversationsAbout(lateral, many())) {
        const std::string& answer = one.messages.back().text;
        HF_CHECK(answer.find("It lies on ") == std::string::npos && answer.find("slice") == std::string::npos);
        told += answer.find("A lateral picture does not tell the side.") != std::string::npos;
    }
    HF_CHECK(told > 5);
}

HF_TEST(volumes_of_one_patient_are_asked_about_in_different_ways)
{
    const auto questions = [](const std::string& series) {
        std::string texts;
        for (const Conversation& one : conversationsAbout(massesAlone("liver lesion", series), {})) {
            texts += one.messages[0].text;
        }
        return texts;
    };
    HF_CHECK(questions("T1") == questions("T1"));
    HF_CHECK(questions("T1") != questions("T2"));
}

HF_TEST(parts_are_by_patient_and_none_is_empty)
{
    const auto split = splitByPatient({"a", "b", "c", "a", "d"}, {});
    HF_CHECK_EQUAL(split.size(), std::size_t(4));
    std::map<std::string, int> counts;
    for (const auto& [patient, part] : split) {
        ++counts[part];
    }
    HF_CHECK(counts["test"] == 1 && counts["validation"] == 1 && counts["train"] == 2);
    HF_CHECK_EQUAL(splitByPatient({"a"}, {}).at("a"), std::string("train"));
}

HF_TEST(a_brain_tumour_is_where_the_pictures_differ)
{
    int with = 0, without = 0;
    for (std::uint32_t seed = 1; seed < 9; ++seed) {
        const LabelledVolume one = labelledHead(seed, false);
        const auto& voxels = one.labels.voxels();
        const auto count = std::count(voxels.begin(), voxels.end(), LabelId(1));
        (count ? with : without) += 1;
        // A tumour of 9 to 20 mm radius with oedema of 1.7 times that, in voxels of 20 cubic millimetres.
        HF_CHECK(count == 0 || (count > 250 && count < 15000));
    }
    HF_CHECK(with > 0 && without > 0);
}

HF_TEST_MAIN()
