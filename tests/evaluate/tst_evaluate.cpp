#include "assistant/engine/DataFile.h"
#include "assistant/engine/evaluate/Evaluation.h"
#include "assistant/engine/evaluate/TextMetrics.h"
#include "support/Check.h"
#include "viewer/volume/Error.h"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>

using namespace hf;
using namespace hf::assistant;
using namespace hf::assistant::evaluate;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// tests/oracles/record_metrics.py: nltk, sacrebleu, rouge-score, pycocoevalcap, scikit-learn, scipy.
const json& oracle()
{
    static const json recorded = json::parse(std::ifstream(HF_SOURCE_DIR "/tests/data/metrics.json"));
    return recorded;
}

BleuCounts corpusCounts()
{
    BleuCounts sums;
    for (const json& pair : oracle()["pairs"]) {
        const BleuCounts one = bleuCounts(wordsOf(pair["answer"]), wordsOf(pair["truth"]));
        for (std::size_t n = 0; n < 4; ++n) {
            sums.matches[n] += one.matches[n];
            sums.totals[n] += one.totals[n];
        }
        sums.answerLength += one.answerLength;
        sums.truthLength += one.truthLength;
    }
    return sums;
}

struct Folder {
    fs::path path = fs::temp_directory_path() / ("tst_evaluate." + std::to_string(getpid()));
    Folder() { fs::create_directories(path); }
    ~Folder() { fs::remove_all(path); }
    fs::path write(const std::string& name, const std::string& text) const
    {
        fs::create_directories((path / name).parent_path());
        std::ofstream(path / name) << text;
        return path / name;
    }
};

std::string errorOf(const std::function<void()>& work)
{
    try {
        work();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

const Estimate* find(const Result& result, const std::string& figure, const std::string& group = "all")
{
    for (const ResultRow& row : result.rows) {
        if (row.figure == figure && row.group == group) {
            return &row.estimate;
        }
    }
    return nullptr;
}

BenchmarkFiles filesAt(const fs::path& data, bool needsPictures = false)
{
    BenchmarkFiles files;
    files.data = data;
    files.needsPictures = needsPictures;
    return files;
}

} // namespace

HF_TEST(tokens_of_reports_are_those_of_the_coco_tools)
{
    for (const json& sentence : oracle()["tokens"]) {
        HF_CHECK_EQUAL(json(reportTokens(sentence["text"])).dump(), sentence["tokens"].dump());
    }
    HF_CHECK_EQUAL(json(reportTokens("Clear lungs. No effusion... ___ -")).dump(), std::string(R"(["clear","lungs","no","effusion","___"])"));
}

HF_TEST(bleu_is_that_of_nltk_sacrebleu_and_the_coco_tools)
{
    const BleuCounts sums = corpusCounts();
    for (int order = 1; order <= 4; ++order) {
        HF_CHECK_NEAR(bleu(sums, order), oracle()["bleuNltk"][std::size_t(order - 1)].get<double>(), 1e-9);
        HF_CHECK_NEAR(bleu(sums, order), oracle()["bleuCoco"][std::size_t(order - 1)].get<double>(), 1e-8);
    }
    HF_CHECK_NEAR(bleu(sums, 4), oracle()["bleuSacre"].get<double>(), 1e-9);
    HF_CHECK_EQUAL(bleu(bleuCounts({"one", "word"}, {"other", "things"}), 1), 0.0);
    HF_CHECK_EQUAL(bleu(bleuCounts({}, {"other"}), 4), 0.0);
}

HF_TEST(rouge_and_words_in_common)
{
    for (std::size_t n = 0; n < oracle()["pairs"].size(); ++n) {
        const json& pair = oracle()["pairs"][n];
        const auto answer = wordsOf(pair["answer"]), truth = wordsOf(pair["truth"]);
        HF_CHECK_NEAR(rougeL(answer, truth), oracle()["rougeLCoco"][n].get<double>(), 1e-9);
        const double p = oracle()["rougeL"][n]["precision"], r = oracle()["rougeL"][n]["recall"];
        HF_CHECK_NEAR(rougeL(answer, truth), (1 + 1.44) * p * r / (r + 1.44 * p), 1e-9);
        const Overlap overlap = wordOverlap(answer, truth);
        HF_CHECK_NEAR(overlap.precision, oracle()["words"][n]["precision"].get<double>(), 1e-9);
        HF_CHECK_NEAR(overlap.recall, oracle()["words"][n]["recall"].get<double>(), 1e-9);
        HF_CHECK_NEAR(overlap.f1, oracle()["words"][n]["f1"].get<double>(), 1e-9);
    }
    HF_CHECK_EQUAL(rougeL({}, {"a"}), 0.0);
}

HF_TEST(f1_is_that_of_scikit_learn)
{
    const json& classes = oracle()["classes"];
    const int count = int(classes["truth"].size());
    Figure macro = f1Figure("F1", count);
    std::vector<std::string> cluster;
    for (int c = 0; c < count; ++c) {
        Figure one = f1Figure("F1", 1);
        const std::size_t cases = classes["truth"][std::size_t(c)].size();
        for (std::size_t n = 0; n < cases; ++n) {
            const bool said = classes["said"][std::size_t(c)][n] == 1, truth = classes["truth"][std::size_t(c)][n] == 1;
            one.rows.push_back(f1Row(1, 0, said, truth));
            macro.rows.push_back(f1Row(count, c, said, truth));
            cluster.push_back(std::to_string(n));
        }
        std::vector<std::size_t> all(cases);
        std::iota(all.begin(), all.end(), 0);
        HF_CHECK_NEAR(estimate(one, cluster, all).value, classes["f1"][std::size_t(c)].get<double>(), 1e-12);
    }
    std::vector<std::size_t> all(macro.rows.size());
    std::iota(all.begin(), all.end(), 0);
    const Estimate found = estimate(macro, cluster, all);
    HF_CHECK_NEAR(found.value, classes["macro"].get<double>(), 1e-12);
    HF_CHECK_EQUAL(found.clusters, 60);
    HF_CHECK(found.low < found.value && found.value < found.high);
}

HF_TEST(intervals_are_those_of_scipy)
{
    Figure figure = shareFigure("accuracy");
    std::vector<std::string> cluster;
    std::vector<std::size_t> all;
    for (const json& right : oracle()["bootstrap"]["right"]) {
        figure.rows.push_back({right.get<double>(), 1});
        cluster.push_back(std::to_string(all.size()));
        all.push_back(all.size());
    }
    const Estimate found = estimate(figure, cluster, all, 9999);
    HF_CHECK_NEAR(found.low, oracle()["bootstrap"]["low"].get<double>(), 0.0051);
    HF_CHECK_NEAR(found.high, oracle()["bootstrap"]["high"].get<double>(), 0.0051);
    HF_CHECK_EQUAL(estimate(figure, cluster, all, 9999).low, found.low);
    // Questions about the same picture are not independent: four of each picture widen the interval.
    std::vector<std::string> pictures;
    Figure repeated = shareFigure("accuracy");
    std::vector<std::size_t> four(all.size() * 4);
    std::iota(four.begin(), four.end(), 0);
    for (const std::size_t n : four) {
        pictures.push_back(std::to_string(n / 4));
        repeated.rows.push_back(figure.rows[n / 4]);
    }
    const Estimate clustered = estimate(repeated, pictures, four, 9999);
    HF_CHECK_NEAR(clustered.low, found.low, 1e-12);
    HF_CHECK_EQUAL(clustered.clusters, int(all.size()));
    // All right: resampling would claim certainty.
    Figure perfect = shareFigure("accuracy");
    perfect.rows.assign(40, {1, 1});
    const std::vector<std::size_t> forty(all.begin(), all.begin() + 40);
    const Estimate sure = estimate(perfect, cluster, forty);
    HF_CHECK_EQUAL(sure.method, std::string("wilson"));
    HF_CHECK_NEAR(sure.low, oracle()["wilson40of40"][0].get<double>(), 1e-9);
    HF_CHECK_EQUAL(sure.high, 1.0);
    // Nor is one patient certain, or a score of 0.
    const std::vector<std::string> same(all.size(), "somebody");
    const Estimate alone = estimate(figure, same, all);
    HF_CHECK(alone.clusters == 1 && alone.method == "none" && std::isnan(alone.low) && std::isnan(alone.high));
    Figure never = f1Figure("F1", 1);
    never.rows.assign(40, f1Row(1, 0, false, true));
    HF_CHECK(estimate(never, cluster, forty).value == 0 && estimate(never, cluster, forty).method == "none");
}

HF_TEST(answers_are_normalised_as_the_vqa_challenge_does)
{
    // Worked by hand from the rules in the header.
    for (const auto& [text, expected] : std::vector<std::pair<std::string, std::string>>{{"The left lung.", "left lung"}, {" Yes ", "yes"}, {"None", "0"}, {"two nodules, both small", "2 nodules both small"},
             {"right/left", "right left"}, {"right/ left", "right left"}, {"dont know", "don't know"}, {"1,200 mL", "1200 ml"}, {"2.5 cm", "2.5 cm"}, {"an AP view", "ap view"}, {"left-sided", "left sided"}, {"", ""}}) {
        HF_CHECK_EQUAL(vqaNormalised(text), expected);
    }
}

HF_TEST(texts_are_compared_as_python_does)
{
    HF_CHECK_EQUAL(stripped("\xC2\xA0 \t\xC3\x89t\xC3\xA9\xC2\xA0\n"), std::string("\xC3\x89t\xC3\xA9"));
    HF_CHECK_EQUAL(lower("\xC3\x9C\xC3\x97 \xCE\x91\xCE\xA9 \xD0\x90\xD0\xAF Aa\xC3"), std::string("\xC3\xBC\xC3\x97 \xCE\xB1\xCF\x89 \xD0\xB0\xD1\x8F aa\xC3"));
}

HF_TEST(yes_and_no_are_read_from_free_answers)
{
    HF_CHECK(yesOrNo("fracture . A: ( b )") == true && yesOrNo("unclear ( b )") == true && yesOrNo(" ( b ) (a)") == true && yesOrNo("(x) b c)") == true);
    HF_CHECK_EQUAL(vqaNormalised("Im sure it couldve been whens"), std::string("im sure it could've been when's"));
    HF_CHECK(yesOrNo("Yes, there is.") == true);
    HF_CHECK(yesOrNo("Answer: no") == false);
    HF_CHECK(yesOrNo("There is no fracture, yes") == false);
    HF_CHECK(yesOrNo("(B)") == true);
    HF_CHECK(!yesOrNo("3"));
    HF_CHECK(!yesOrNo(""));
}

HF_TEST(reports_are_tidied)
{
    // What m3/eval/scripts/report_updated/cleaning.py of the published evaluation makes of them.
    HF_CHECK_EQUAL(cleanedReport("FINDINGS: the lungs are clear.\nNo effusion. No effusion. Is it? ok. Seen at 10 a.m. today by Dr. Who. 3 ribs"), std::string("The lungs are clear. No effusion. Seen at 10 a. M. today by Dr. Who."));
    HF_CHECK_EQUAL(cleanedReport("1. Mild edema! no change. No change in size. (Mild) e.g. 2.5 cm"), std::string("Mild edema! No change. No change in size. Mild) e."));
    HF_CHECK_EQUAL(cleanedReport("Clear lungs.No effusion.2 cm nodule"), std::string("Clear lungs. No effusion.2 cm nodule."));
    HF_CHECK_EQUAL(cleanedReport("Clear lungs? No effusion!  Heart: normal size"), std::string("No effusion! Normal size."));
    HF_CHECK_EQUAL(cleanedReport("A mass\xC3\xA9.A mass.A mass!"), std::string("A mass\xC3\xA9. A mass!"));
    HF_CHECK_EQUAL(cleanedReport("z\xC3\x96" "dem. Mild."), std::string());
    HF_CHECK_EQUAL(cleanedReport(""), std::string());
}

HF_TEST(white_space_around_markers_is_that_of_training)
{
    // The table of reference 7.3.
    HF_CHECK_EQUAL(withTrainedMarkers("an expert model.\n <image>This is a CT image.\nQ"), std::string("an expert model. <image>\nThis is a CT image.\nQ"));
    HF_CHECK_EQUAL(withTrainedMarkers("T1(contrast enhanced): <image>, T1: <image>, T2: <image>, FLAIR: <image> These are"),
        std::string("T1(contrast enhanced): <image>\n, T1: <image>\n, T2: <image>\n, FLAIR: <image>\nThese are"));
    HF_CHECK_EQUAL(withTrainedMarkers("The results are <image>. The colors"), std::string("The results are <image>\n. The colors"));
    HF_CHECK_EQUAL(withTrainedMarkers("Q\n<image>"), std::string("Q <image>\n"));
    HF_CHECK_EQUAL(withTrainedMarkers(" Q "), std::string(" Q "));
}

HF_TEST(vqa_rad_counts_closed_test_questions_and_their_rephrasings)
{
    const Folder folder;
    const fs::path file = folder.write("VQA_RAD Dataset Public.json", R"([
{"qid":"1","phrase_type":"freeform","question":"Training?","question_rephrase":"NULL","answer":"Yes","answer_type":"CLOSED","image_name":"a.jpg"},
{"qid":"2","phrase_type":"test_freeform","question":"Is it big?","question_rephrase":"Is this big?","answer":"Yes","answer_type":"CLOSED ","image_name":"a.jpg"},
{"qid":"3","phrase_type":"test_para","question":"Is it small?","question_rephrase":"NULL","answer":"no ","answer_type":"CLOSED","image_name":"b.jpg"},
{"qid":"4","phrase_type":"test_para","question":"Where?","question_rephrase":"NULL","answer":"left","answer_type":"OPEN","image_name":"b.jpg"}])");
    const Benchmark benchmark = readBenchmark("vqa-rad", filesAt(folder.path));
    HF_CHECK_EQUAL(benchmark.cases.size(), std::size_t(3));
    HF_CHECK_EQUAL(benchmark.cases[0].messages[0].text, std::string("<image>\nIs it big?\nAnswer with the option's letter from the given choices directly."));
    const Result result = score(benchmark, {"yes", "No", " NO\n"});
    HF_CHECK_NEAR(find(result, "accuracy")->value, 2.0 / 3, 1e-12);
    HF_CHECK_EQUAL(find(result, "accuracy")->clusters, 2);
    HF_CHECK(!result.isPartial);
    HF_CHECK(toTable(result, false, "x").find("VILA-M3-8B") != std::string::npos);
    HF_CHECK(score(benchmark, {"yes"}).isPartial && toTable(score(benchmark, {"yes"}), false, "x").find("PARTIAL: 1 of 3") != std::string::npos);
    // The same by the questions file that the published evaluation takes.
    const fs::path published = folder.write("q/questions.json", R"([{"id":"7","image":"a.jpg","conversations":[{"from":"human","value":"<image>\nIs it big?"},{"from":"gpt","value":"Yes"}]}])");
    HF_CHECK_EQUAL(readBenchmark("vqa-rad", filesAt(published)).cases[0].messages[0].text, benchmark.cases[0].messages[0].text);
    BenchmarkFiles strict = filesAt(file, true);
    HF_CHECK_EQUAL(errorOf([&] { readBenchmark("vqa-rad", strict); }), file.string() + ":3: the picture a.jpg is not in " + folder.path.string() + " nor in its folders images, imgs");
    folder.write("images/a.jpg", "");
    strict.limit = 1;
    HF_CHECK_EQUAL(readBenchmark("vqa-rad", strict).cases[0].pictures[0].string(), (folder.path / "images/a.jpg").string());
}

HF_TEST(other_question_sets_count_what_the_paper_counts)
{
    const Folder folder;
    folder.write("slake/test.json", R"([{"qid":1,"img_id":9,"img_name":"xmlab9/source.jpg","question":"Which organ?","answer":"Liver","q_lang":"en","answer_type":"OPEN"},
{"qid":2,"img_id":9,"img_name":"xmlab9/source.jpg","question":"?","answer":"x","q_lang":"zh","answer_type":"OPEN"}])");
    const Benchmark slake = readBenchmark("slake", filesAt(folder.path / "slake"));
    HF_CHECK_EQUAL(slake.cases.size(), std::size_t(1));
    HF_CHECK_EQUAL(find(score(slake, {"liver"}), "accuracy")->value, 1.0);

    const fs::path path = folder.write("path.json", R"([{"id":"a","image":"p.jpg","conversations":[{"from":"human","value":"Is it?"},{"from":"gpt","value":"Yes"}]},
{"id":"b","image":"p.jpg","conversations":[{"from":"human","value":"What?"},{"from":"gpt","value":"a gland"}]}])");
    const Benchmark pathVqa = readBenchmark("path-vqa", filesAt(path));
    HF_CHECK_EQUAL(pathVqa.cases.size(), std::size_t(1));
    HF_CHECK_EQUAL(find(score(pathVqa, {"yes "}), "accuracy")->value, 0.0);

    const fs::path mimic = folder.write("mimic.jsonl", R"({"id":1,"image":"m.jpg","sex":"Female","age":61,"question_type":"presence","answer_type":"closed","conversations":[{"from":"human","value":"Is it?"},{"from":"gpt","value":"yes"}]}
{"id":2,"image":"m.jpg","sex":"F","age":"034Y","question_type":"location","answer_type":"open","conversations":[{"from":"human","value":"Where?"},{"from":"gpt","value":"the left lower lobe"}]}
{"id":3,"image":"n.jpg","sex":"male","age":300,"question_type":"view","answer_type":"closed","conversations":[{"from":"human","value":"Is it AP?"},{"from":"gpt","value":"no"}]}
{"id":4,"image":"n.jpg","question_type":"difference","answer_type":"open","conversations":[{"from":"human","value":"What changed?"},{"from":"gpt","value":"nothing"}]})");
    const Benchmark vqa = readBenchmark("mimic-vqa", filesAt(mimic));
    HF_CHECK_EQUAL(vqa.cases.size(), std::size_t(3));
    const Result result = score(vqa, {"Yes.", "left lobe", "yes"});
    HF_CHECK_NEAR(find(result, "accuracy, closed questions")->value, 0.5, 1e-12);
    HF_CHECK_NEAR(find(result, "recall of words, open questions")->value, 2.0 / 3, 1e-12);
    HF_CHECK_EQUAL(find(result, "accuracy, closed questions", "sex F")->value, 1.0);
    HF_CHECK_EQUAL(find(result, "accuracy, closed questions", "sex M")->value, 0.0);
    HF_CHECK_EQUAL(find(result, "accuracy, closed questions", "age 60-79")->cases, 1);
    HF_CHECK(!find(result, "accuracy, closed questions", "age 80+"));
}

HF_TEST(findings_are_read_from_their_tables)
{
    const Folder folder;
    const fs::path nih = folder.write("nih.csv", "Image Index,Patient ID,Patient Age,Patient Gender,Fracture,Pneumothorax,Airspace opacity,Nodule or mass,Other\n"
                                                 "a.png,1,40,F,YES,NO,NO,NO,x\nb.png,2,70,M,NO,NO,YES,NO,x\n");
    const Benchmark benchmark = readBenchmark("chestxray14", filesAt(nih));
    HF_CHECK_EQUAL(benchmark.cases.size(), std::size_t(6));
    HF_CHECK_EQUAL(benchmark.cases[0].messages[0].text,
        std::string("<image>\nThe following is a question about findings in chest X-ray in the frontal view. Please reply with yes or no.\nQuestion: is there fracture according to the provided X-ray image?\n"));
    // Fracture found, opacity found, one pneumothorax too many, one answer that says nothing.
    const Result result = score(benchmark, {"yes", "yes", "no", "no", "42", "yes"});
    HF_CHECK_NEAR(find(result, "F1, mean over classes")->value, 2.0 / 3, 1e-12);
    HF_CHECK_EQUAL(find(result, "F1 of pneumothorax")->value, 0.0);
    HF_CHECK_EQUAL(find(result, "F1 of fracture", "sex F")->value, 1.0);
    HF_CHECK_EQUAL(result.unread, 1);
    // Without names: counted from the end.
    const fs::path plain = folder.write("plain.csv", "p,c5,c4,c3,c2,c1\na.png,YES,NO,YES,NO,x\n");
    const Benchmark byPlace = readBenchmark("chestxray14", filesAt(plain));
    HF_CHECK_EQUAL(byPlace.cases[0].truth + byPlace.cases[1].truth + byPlace.cases[2].truth, std::string("yesnoyes"));
    // Another table of the same set has other things at these places; that is told instead of counted.
    const fs::path entries = folder.write("entries.csv", "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position\na.png,Effusion|Mass,0,1,58,M,PA\n");
    HF_CHECK_EQUAL(errorOf([&] { readBenchmark("chestxray14", filesAt(entries)); }), entries.string() + ":2: '58' does not say whether there is lung opacity (YES or NO, 1 or 0)");
    // With an expert's scores.
    BenchmarkFiles files = filesAt(nih);
    files.expertScores = folder.write("scores.json", R"({"/x/a.png":{"scores":[{"label":"Fracture","mean":0.7},{"label":"Pneumothorax","mean":0.5},{"label":"Lung Opacity","mean":0.51}]},
"/x/b.png":{"scores":[{"label":"Fracture","mean":0.1},{"label":"Pneumothorax","mean":0.1},{"label":"Lung Opacity","mean":0.1}]}})");
    const Benchmark expert = readBenchmark("chestxray14", files);
    HF_CHECK(expert.cases[0].messages[0].text.find("model:\n fracture: yes\n pneumothorax: no\n lung opacity: yes\nQuestion: is there fracture") != std::string::npos);
    const fs::path chexpert = folder.write("chexpert.csv", "Path,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices\n"
                                                           "v/p1/view1_frontal.jpg,0,1,0,0,1.0,0,0,1,0,0,0,0,0\n");
    const Benchmark five = readBenchmark("chexpert", filesAt(chexpert));
    std::string truths;
    for (const Case& one : five.cases) {
        truths += one.type + ":" + one.truth + " ";
    }
    HF_CHECK_EQUAL(truths, std::string("atelectasis:yes cardiomegaly:yes consolidation:no edema:yes pleural effusion:no "));
}

HF_TEST(studies_of_chexpert_are_their_frontal_pictures)
{
    const Folder folder;
    const std::string columns = "Enlarged Cardiomediastinum,Cardiomegaly,Lung Lesion,Airspace Opacity,Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices\n";
    folder.write("groundtruth.csv", "Study," + columns + "CheXpert-v1.0/test/patient64741/study1,0,1,0,0,0,0,0,0,0,0,0,0,0\nCheXpert-v1.0/test/patient64742/study1,0,0,0,0,1,0,0,0,0,0,0,0,0\n");
    folder.write("test/patient64741/study1/view1_frontal.jpg", "");
    folder.write("test/patient64742/study1/view1_frontal.jpg", "");
    BenchmarkFiles files = filesAt(folder.path, true);
    const Benchmark studies = readBenchmark("chexpert", files);
    HF_CHECK_EQUAL(studies.cases.size(), std::size_t(10));
    HF_CHECK_EQUAL(studies.cases[5].pictures[0].string(), (folder.path / "test/patient64742/study1/view1_frontal.jpg").string());
    HF_CHECK_EQUAL(studies.cases[5].cluster, std::string("patient64742"));
    // All findings of a part of the pictures.
    files.limit = 2;
    HF_CHECK_EQUAL(readBenchmark("chexpert", files).cases.size(), std::size_t(5));

    // The scores of each picture are its own, although all have one name; all that the expert tells is told.
    const auto scores = [](double cardiomegaly) {
        json all = json::array();
        for (const auto& [label, mean] : std::vector<std::pair<std::string, double>>{{"Atelectasis", 0.1}, {"Cardiomegaly", cardiomegaly}, {"Consolidation", 0.1}, {"Edema", 0.1}, {"Effusion", 0.1}, {"Pleural_Thickening", 0.9}}) {
            all.push_back({{"label", label}, {"mean", mean}});
        }
        return json{{"scores", all}};
    };
    files.limit = 0;
    files.expertScores = folder.write("scores.json", json{{"/d/test/patient64741/study1/view1_frontal.jpg", scores(0.9)}, {"/d/test/patient64742/study1/view1_frontal.nii.gz", scores(0.2)}}.dump());
    const Benchmark expert = readBenchmark("chexpert", files);
    HF_CHECK(expert.cases[0].messages[0].text.find("model:\n atelectasis: no\n cardiomegaly: yes\n consolidation: no\n edema: no\n effusion: no\n pleural thickening: yes\nQuestion: is there atelectasis") != std::string::npos);
    HF_CHECK(expert.cases[5].messages[0].text.find(" cardiomegaly: no\n") != std::string::npos);
    files.expertScores = folder.write("scores.json", json{{"view1_frontal.jpg", scores(0.9)}}.dump());
    HF_CHECK_EQUAL(errorOf([&] { readBenchmark("chexpert", files); }),
        (folder.path / "groundtruth.csv").string() + ":3: the expert's scores do not tell which of them are of CheXpert-v1.0/test/patient64742/study1/view1_frontal.jpg");

    // Lateral pictures are not asked about.
    const fs::path valid = folder.write("v/valid.csv", "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding," + columns + "CheXpert-v1.0/valid/patient64541/study1/view1_frontal.jpg,Male,73,Frontal,AP,0.0,1.0,0.0,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n"
                                                       "CheXpert-v1.0/valid/patient64541/study1/view2_lateral.jpg,Male,73,Lateral,,0.0,1.0,0.0,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n");
    const Benchmark frontal = readBenchmark("chexpert", filesAt(valid));
    HF_CHECK_EQUAL(frontal.cases.size(), std::size_t(5));
    HF_CHECK(frontal.cases[0].sex == "M" && frontal.cases[0].age == 73);
}

HF_TEST(patients_are_joined_to_their_pictures)
{
    const Folder folder;
    const auto entry = [](const std::string& picture) { return json{{"image", picture}, {"sex", "F"}, {"conversations", {{{"from", "human"}, {"value", "Is it?"}}, {{"from", "gpt"}, {"value", "yes"}}}}}; };
    BenchmarkFiles files = filesAt(folder.write("q.json", json::array({entry("a.jpg"), entry("b.jpg"), entry("c.jpg")}).dump(1)));
    files.patients = folder.write("patients.csv", "image,patient,sex,age\na.jpg,p1,,nan\nb.jpg,p1,M,44.0\n");
    const Benchmark joined = readBenchmark("path-vqa", files);
    std::string told;
    for (const Case& one : joined.cases) {
        told += one.cluster + one.sex + (one.age ? std::to_string(*one.age) : "-") + " ";
    }
    HF_CHECK_EQUAL(told, std::string("p1F- p1M44 c.jpgF- "));
}

HF_TEST(calls_of_experts_are_compared_by_name_and_argument)
{
    const Folder folder;
    const auto entry = [](const std::string& answer) { return json{{"image", "a.png"}, {"conversations", {{{"from", "human"}, {"value", "cards\n<image>This is a CT image.\nQ"}}, {{"from", "gpt"}, {"value", answer}}}}}; };
    const fs::path file = folder.write("calls.json", json::array({entry("Let me trigger <VISTA3D(lung tumor)>. "), entry("I call <CXR()>."), entry("None fits."), entry("None fits.")}).dump(1));
    const Benchmark benchmark = readBenchmark("expert-calls", filesAt(file));
    HF_CHECK_EQUAL(benchmark.cases[0].messages[0].text, std::string("cards <image>\nThis is a CT image.\nQ"));
    const Result result = score(benchmark, {"<VISTA3D(lung)>", "<CXR>", "I cannot.", "Let me use <CXR()>"});
    HF_CHECK_EQUAL(find(result, "choice: the right expert, or none")->value, 0.75);
    HF_CHECK_EQUAL(find(result, "expert called where one fits")->value, 1.0);
    HF_CHECK_EQUAL(find(result, "name and argument right where one fits")->value, 0.5);
    HF_CHECK_EQUAL(find(result, "none called where none fits")->value, 0.5);
    // What only looks like a call is none, and none hides the call behind it.
    const Result odd = score(benchmark, {"Of the <image> with a mass < 3 cm <VISTA3D ('lung tumor')>", "x < y: <CXR()>", "<3 cm> and a < 5 > c", "<image>"});
    for (const ResultRow& row : odd.rows) {
        HF_CHECK_EQUAL(row.estimate.value, 1.0);
    }
}

HF_TEST(errors_name_file_and_line)
{
    const Folder folder;
    const auto of = [&](const std::string& benchmark, const std::string& name, const std::string& text) {
        const fs::path file = folder.write(name, text);
        const std::string error = errorOf([&] { readBenchmark(benchmark, filesAt(file)); });
        return error.starts_with(file.string()) ? error.substr(file.string().size()) : error;
    };
    HF_CHECK_EQUAL(of("slake", "a.json", "[\n{\"qid\":1,\n\"q_lang\":\"en\"},\n{"), std::string(":4: this is no JSON"));
    HF_CHECK_EQUAL(of("slake", "a.json", "[\n{\"q_lang\":\"zh\"},\n\n{\"a\":[1,{\"b\":\"],{\"}]}]"), std::string(":4: \"q_lang\" is missing"));
    HF_CHECK_EQUAL(of("slake", "a.json", "{}"), std::string(":1: a list of entries was expected"));
    HF_CHECK_EQUAL(of("slake", "a.json", "[1]"), std::string(":1: an object was expected"));
    HF_CHECK_EQUAL(of("report", "a.jsonl", "{\"id\":1,\"image\":\"x\",\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"gpt\",\"value\":\"a\"}]}\n\n{\"id\":2,\"image\":\"x\",\"conversations\":[]}\n"),
        std::string(":3: \"conversations\" with a question and an answer is missing"));
    HF_CHECK_EQUAL(of("chexpert", "a.csv", "a,b\n1,2\n1,\"2\n3\",4\n"), std::string(":3: 3 fields under a heading of 2"));
    HF_CHECK_EQUAL(of("chexpert", "a.csv", "a,b\n1,2\n"), std::string(":1: there is no column for atelectasis"));
    HF_CHECK_EQUAL(of("slake", "a.json", "[]"), std::string(" holds no question that this benchmark counts"));
    HF_CHECK(errorOf([&] { readBenchmark("slake", filesAt(folder.path / "none")); }).ends_with("none is not there"));
    HF_CHECK(errorOf([&] { readBenchmark("path-vqa", filesAt(folder.path)); }).find("name one with --data FILE") != std::string::npos);
    HF_CHECK(errorOf([&] { readBenchmark("nothing", filesAt(folder.path)); }).starts_with("there is no benchmark nothing; known are vqa-rad"));
}

HF_TEST(a_stop_keeps_what_was_answered)
{
    Benchmark benchmark;
    benchmark.cases.resize(5);
    std::stop_source source;
    const auto answers = askAll(benchmark, [&](const Case&) { source.request_stop(); return std::string("x"); }, {}, source.get_token());
    HF_CHECK_EQUAL(answers.size(), std::size_t(1));
}

HF_TEST_MAIN()
