#include "assistant/engine/evaluate/Evaluation.h"

#include "assistant/engine/evaluate/TextMetrics.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <functional>
#include <optional>
#include <set>

namespace hf::assistant::evaluate {

namespace {

std::string ageGroup(int age)
{
    return age < 18 ? "0-17" : age < 40 ? "18-39" : age < 60 ? "40-59" : age < 80 ? "60-79" : "80+";
}

std::vector<std::size_t> casesWhere(const std::vector<Case>& cases, std::size_t count, const std::function<bool(const Case&)>& holds)
{
    std::vector<std::size_t> chosen;
    for (std::size_t n = 0; n < count; ++n) {
        if (holds(cases[n])) {
            chosen.push_back(n);
        }
    }
    return chosen;
}

struct Call {
    std::string name, argument;
};

/// "VISTA3D (liver)": what stands between angle brackets, where it is a call.
std::optional<Call> callIn(const std::string& inside)
{
    const std::size_t open = inside.find('('), close = inside.rfind(')');
    const std::string name = stripped(inside.substr(0, open));
    const auto isOfName = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.'; };
    if (name.empty() || !std::isalpha(static_cast<unsigned char>(name[0])) || !std::all_of(name.begin(), name.end(), isOfName) || name == "image") {
        return std::nullopt;
    }
    std::string argument = open == std::string::npos ? "" : stripped(inside.substr(open + 1, (close == std::string::npos || close < open ? inside.size() : close) - open - 1));
    if (argument.size() >= 2 && (argument.front() == '\'' || argument.front() == '"') && argument.back() == argument.front()) {
        argument = argument.substr(1, argument.size() - 2);
    }
    return Call{name, argument};
}

/// The first call of an answer, as the assistant reads it (findExpertCall), whatever the expert's name; without one both are empty.
Call callOf(const std::string& answer)
{
    for (std::size_t close = answer.find('>'); close != std::string::npos; close = answer.find('>', close + 1)) {
        const std::size_t open = answer.rfind('<', close);
        if (const auto call = open == std::string::npos ? std::nullopt : callIn(answer.substr(open + 1, close - open - 1))) {
            return *call;
        }
    }
    return {};
}

/// Fills the rows of figures for one scoring; what a row does not concern stays empty.
class Scorer {
public:
    Scorer(const Benchmark& benchmark, const std::vector<std::string>& answers, Result& result) : m_benchmark(benchmark), m_answers(answers), m_result(result) {}

    void run()
    {
        switch (m_benchmark.scoring) {
        case Scoring::Exact: exact([](const std::string& text) { return stripped(lower(text)); }); break;
        case Scoring::ExactUnstripped: exact(lower); break;
        case Scoring::Mimic: mimic(); break;
        case Scoring::Findings: findings(); break;
        case Scoring::Report: reports(); break;
        case Scoring::ExpertCalls: calls(); break;
        }
    }

private:
    using Row = std::vector<double>;
    static Row share(bool right) { return {right ? 1.0 : 0.0, 1.0}; }

    void fill(Figure figure, bool isHeadline, const std::function<Row(const Case&, const std::string&)>& row)
    {
        for (std::size_t n = 0; n < m_answers.size(); ++n) {
            figure.rows.push_back(row(m_benchmark.cases[n], m_answers[n]));
        }
        if (std::any_of(figure.rows.begin(), figure.rows.end(), [](const Row& one) { return !one.empty(); })) {
            addRows(m_result.rows, figure, m_benchmark.cases, isHeadline);
        }
    }

    void exact(const std::function<std::string(const std::string&)>& form)
    {
        fill(shareFigure("accuracy"), true, [&](const Case& one, const std::string& answer) { return share(form(answer) == form(one.truth)); });
    }

    void mimic()
    {
        fill(shareFigure("accuracy, closed questions"), true,
            [](const Case& one, const std::string& answer) { return one.isOpen ? Row() : share(vqaNormalised(answer) == vqaNormalised(one.truth)); });
        fill(meanFigure("recall of words, open questions"), false,
            [](const Case& one, const std::string& answer) { return one.isOpen ? Row{wordOverlap(wordsOf(vqaNormalised(answer)), wordsOf(vqaNormalised(one.truth))).recall, 1} : Row(); });
        std::set<std::string> types;
        for (const Case& one : m_benchmark.cases) {
            types.insert(one.type);
        }
        for (const std::string& type : types) {
            fill(shareFigure("accuracy, closed questions of " + type), false, [&](const Case& one, const std::string& answer) {
                return one.isOpen || one.type != type ? Row() : share(vqaNormalised(answer) == vqaNormalised(one.truth));
            });
        }
    }

    /// An answer that says neither yes nor no counts as no, for both sets.
    void findings()
    {
        const int classes = int(m_benchmark.classes.size());
        const auto said = [](const std::string& answer) { return yesOrNo(answer).value_or(false); };
        for (const std::string& answer : m_answers) {
            m_result.unread += !yesOrNo(answer);
        }
        fill(f1Figure("F1, mean over classes", classes), true, [&](const Case& one, const std::string& answer) {
            const auto index = std::find(m_benchmark.classes.begin(), m_benchmark.classes.end(), one.type) - m_benchmark.classes.begin();
            return f1Row(classes, int(index), said(answer), one.truth == "yes");
        });
        for (const std::string& name : m_benchmark.classes) {
            fill(f1Figure("F1 of " + name, 1), false, [&](const Case& one, const std::string& answer) { return one.type == name ? f1Row(1, 0, said(answer), one.truth == "yes") : Row(); });
        }
    }

    void reports()
    {
        const auto counts = [](const Case& one, const std::string& answer, bool cleaned) {
            const BleuCounts sums = bleuCounts(reportTokens(cleanedReport(answer)), reportTokens(cleaned ? cleanedReport(one.truth) : one.truth));
            Row row(sums.matches.begin(), sums.matches.end());
            row.insert(row.end(), sums.totals.begin(), sums.totals.end());
            row.push_back(sums.answerLength);
            row.push_back(sums.truthLength);
            return row;
        };
        for (const int order : {4, 3, 2, 1}) {
            const auto of = [order](std::span<const double> sums) {
                BleuCounts all;
                std::copy_n(sums.begin(), 4, all.matches.begin());
                std::copy_n(sums.begin() + 4, 4, all.totals.begin());
                all.answerLength = sums[8];
                all.truthLength = sums[9];
                return bleu(all, order);
            };
            fill({"BLEU-" + std::to_string(order), {}, of, false}, order == 4, [&](const Case& one, const std::string& answer) { return counts(one, answer, false); });
        }
        const auto rouge = [](const Case& one, const std::string& answer, bool cleaned) {
            return Row{rougeL(reportTokens(cleanedReport(answer)), reportTokens(cleaned ? cleanedReport(one.truth) : one.truth)), 1};
        };
        fill(meanFigure("ROUGE-L"), true, [&](const Case& one, const std::string& answer) { return rouge(one, answer, false); });
        fill(meanFigure("ROUGE-L, cleaned references"), false, [&](const Case& one, const std::string& answer) { return rouge(one, answer, true); });
    }

    void calls()
    {
        fill(shareFigure("choice: the right expert, or none"), true, [](const Case& one, const std::string& answer) { return share(callOf(answer).name == callOf(one.truth).name); });
        fill(shareFigure("expert called where one fits"), false,
            [](const Case& one, const std::string& answer) { return callOf(one.truth).name.empty() ? Row() : share(callOf(answer).name == callOf(one.truth).name); });
        fill(shareFigure("name and argument right where one fits"), false, [](const Case& one, const std::string& answer) {
            const Call wanted = callOf(one.truth), given = callOf(answer);
            return wanted.name.empty() ? Row() : share(given.name == wanted.name && given.argument == wanted.argument);
        });
        fill(shareFigure("none called where none fits"), false, [](const Case& one, const std::string& answer) { return callOf(one.truth).name.empty() ? share(callOf(answer).name.empty()) : Row(); });
    }

    const Benchmark& m_benchmark;
    const std::vector<std::string>& m_answers;
    Result& m_result;
};

std::string percent(double value)
{
    char text[32];
    std::snprintf(text, sizeof text, "%5.1f", value * 100);
    return std::isfinite(value) ? text : "    -";
}

} // namespace

void addRows(std::vector<ResultRow>& rows, const Figure& figure, const std::vector<Case>& cases, bool isHeadline)
{
    std::vector<std::string> clusters;
    for (const Case& one : cases) {
        clusters.push_back(one.cluster);
    }
    const std::size_t count = figure.rows.size();
    const auto add = [&](const std::string& group, const std::function<bool(const Case&)>& holds) {
        const Estimate found = estimate(figure, clusters, casesWhere(cases, count, holds));
        if (found.cases > 0) {
            rows.push_back({figure.name, group, found, isHeadline && group == "all"});
        }
    };
    add("all", [](const Case&) { return true; });
    for (const char* sex : {"F", "M"}) {
        add(std::string("sex ") + sex, [&](const Case& one) { return one.sex == sex; });
    }
    for (const char* group : {"0-17", "18-39", "40-59", "60-79", "80+"}) {
        add(std::string("age ") + group, [&](const Case& one) { return one.age && ageGroup(*one.age) == group; });
    }
}

Result score(const Benchmark& benchmark, const std::vector<std::string>& answers)
{
    Result result;
    result.benchmark = benchmark.name;
    result.title = benchmark.title;
    result.cases = benchmark.allCases;
    result.answered = answers.size();
    result.isPartial = answers.size() < benchmark.allCases;
    Scorer(benchmark, answers, result).run();
    return result;
}

std::vector<std::string> askAll(const Benchmark& benchmark, const std::function<std::string(const Case&)>& answer, const Progress& progress, const std::stop_token& stop)
{
    std::vector<std::string> answers;
    try {
        for (const Case& one : benchmark.cases) {
            throwIfStopped(stop);
            report(progress, double(answers.size()) / double(benchmark.cases.size()), "questions");
            answers.push_back(answer(one));
        }
    } catch (const Cancelled&) {
    }
    return answers;
}

std::vector<Published> publishedResults(const std::string& benchmark, const std::string& figure, bool withExpert)
{
    struct Line {
        const char* benchmark;
        const char* figure;
        bool withExpert;
        std::vector<Published> results;
    };
    static const std::vector<Line> lines{
        {"vqa-rad", "accuracy", false, {{"Llava-Med", 84.2}, {"Med-Gemini 1.5T", 78.8}, {"VILA-M3-3B", 78.2}, {"VILA-M3-8B", 84.5}, {"VILA-M3-13B", 80.5}}},
        {"slake", "accuracy", false, {{"Llava-Med", 86.8}, {"Med-Gemini 1.5T", 84.8}, {"VILA-M3-3B", 79.8}, {"VILA-M3-8B", 84.5}, {"VILA-M3-13B", 83.2}}},
        {"path-vqa", "accuracy", false, {{"Llava-Med", 91.7}, {"Med-Gemini 1.5T", 83.3}, {"VILA-M3-3B", 87.9}, {"VILA-M3-8B", 90.0}, {"VILA-M3-13B", 91.0}}},
        {"report", "BLEU-4", false, {{"Llava-Med", 1.0}, {"Llava-Rad", 15.4}, {"Med-Gemini 1.5T", 20.5}, {"VILA-M3-3B", 20.2}, {"VILA-M3-8B", 21.5}, {"VILA-M3-13B", 21.6}}},
        {"report", "ROUGE-L", false, {{"Llava-Med", 13.3}, {"Llava-Rad", 30.6}, {"Med-Gemini 1.5T", 28.3}, {"VILA-M3-3B", 31.7}, {"VILA-M3-8B", 32.3}, {"VILA-M3-13B", 32.1}}},
        {"chestxray14", "F1, mean over classes", false, {{"Med-Gemini 1.5T", 46.7}, {"VILA-M3-3B", 48.4}, {"VILA-M3-8B", 45.9}, {"VILA-M3-13B", 49.9}}},
        {"chestxray14", "F1, mean over classes", true, {{"TorchXRayVision alone", 50}, {"VILA-M3-3B", 51.3}, {"VILA-M3-8B", 50.7}, {"VILA-M3-13B", 51.2}}},
        {"chexpert", "F1, mean over classes", false, {{"Med-Gemini 1.5T", 48.3}, {"VILA-M3-3B", 57.4}, {"VILA-M3-8B", 61.4}, {"VILA-M3-13B", 55.8}}},
        {"chexpert", "F1, mean over classes", true, {{"TorchXRayVision alone", 51.5}, {"VILA-M3-3B", 60.8}, {"VILA-M3-8B", 60.4}, {"VILA-M3-13B", 61.5}}}};
    const auto found = std::find_if(lines.begin(), lines.end(), [&](const Line& line) { return line.benchmark == benchmark && line.figure == figure && line.withExpert == withExpert; });
    return found == lines.end() ? std::vector<Published>() : found->results;
}

std::string toTable(const Result& result, bool withExpert, const std::string& model)
{
    std::string text = result.title + (withExpert ? ", with the expert's predictions" : "") + ": " + model + "\n";
    if (result.isPartial) {
        text += "PARTIAL: " + std::to_string(result.answered) + " of " + std::to_string(result.cases) + " questions; not to be compared with published results\n";
    }
    if (result.unread > 0) {
        text += std::to_string(result.unread) + " answers say neither yes nor no; they count as no\n";
    }
    char line[256];
    std::snprintf(line, sizeof line, "\n%-48s %-10s %6s %18s %7s %9s\n", "figure", "cases of", "%", "95 % interval", "cases", "clusters");
    text += line;
    for (const ResultRow& row : result.rows) {
        const std::string interval = percent(row.estimate.low) + " to " + percent(row.estimate.high) + (row.estimate.method == "wilson" ? " w" : "  ");
        std::snprintf(line, sizeof line, "%-48s %-10s %6s %18s %7d %9d\n", row.figure.c_str(), row.group.c_str(), percent(row.estimate.value).c_str(), interval.c_str(), row.estimate.cases, row.estimate.clusters);
        text += line;
    }
    text += "\nIntervals: 1000 resamples of whole patients or pictures (clusters); w: Wilson, where all or none are right; -: not known.\n";
    for (const ResultRow& row : result.rows) {
        const std::vector<Published> published = row.isHeadline ? publishedResults(result.benchmark, row.figure, withExpert) : std::vector<Published>();
        if (published.empty()) {
            continue;
        }
        text += "\nPublished, " + row.figure + ":\n";
        for (const Published& one : published) {
            std::snprintf(line, sizeof line, "  %-22s %5.1f\n", one.model.c_str(), one.percent);
            text += line;
        }
        std::snprintf(line, sizeof line, "  %-22s %s%s\n", model.c_str(), percent(row.estimate.value).c_str(), result.isPartial ? " (partial)" : "");
        text += line;
    }
    return text;
}

} // namespace hf::assistant::evaluate
