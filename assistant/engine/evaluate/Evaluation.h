#pragma once

#include "assistant/engine/evaluate/Benchmark.h"
#include "assistant/engine/evaluate/Estimate.h"
#include "viewer/volume/Progress.h"

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace hf::assistant::evaluate {

/// A figure over all cases, or over those of one sex or age group.
struct ResultRow {
    std::string figure;     ///< "accuracy"
    std::string group;      ///< "all", "sex F", "age 40-59"
    Estimate estimate;
    bool isHeadline = false;    ///< What is published of this benchmark.
};

struct Result {
    std::string benchmark, title;
    std::size_t cases = 0;      ///< Of the files, before any limit.
    std::size_t answered = 0;
    bool isPartial = false;     ///< Not all of the cases were answered.
    int unread = 0;             ///< Answers to yes-or-no questions that say neither.
    std::vector<ResultRow> rows;
};

/// Figures of the first answers.size() cases. @param answers  at most one a case, in order.
Result score(const Benchmark& benchmark, const std::vector<std::string>& answers);

/// Asks for each case in order until all are answered or a stop is requested: what was answered so far is returned then.
/// @param answer  @throws Cancelled when it was interrupted, Error (which ends everything).
std::vector<std::string> askAll(const Benchmark& benchmark, const std::function<std::string(const Case&)>& answer, const Progress& progress, const std::stop_token& stop);

/// Rows for all, each sex and each age group (0-17, 18-39, 40-59, 60-79, 80+) that the cases have.
void addRows(std::vector<ResultRow>& rows, const Figure& figure, const std::vector<Case>& cases, bool isHeadline);

/// A published figure of this benchmark (reference vila-m3.md 8.5), in per cent.
struct Published {
    std::string model;
    double percent;
};
std::vector<Published> publishedResults(const std::string& benchmark, const std::string& figure, bool withExpert);

/// For people: figures with intervals and numbers of cases, then the published ones.
std::string toTable(const Result& result, bool withExpert, const std::string& model);

} // namespace hf::assistant::evaluate
