#pragma once

#include "assistant/engine/Prompt.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hf::assistant::evaluate {

/// One question with its truth.
struct Case {
    std::string id;
    std::vector<PromptMessage> messages;    ///< What the model gets; as many "<image>" as pictures.
    std::vector<std::filesystem::path> pictures;
    std::string truth;
    std::string type;                       ///< Class, question type; may be empty.
    bool isOpen = false;                    ///< Not to be answered by yes or no alone.
    std::string cluster;                    ///< Patient where known, else picture: what belongs together when resampling.
    std::string sex;                        ///< "F", "M" or empty.
    std::optional<int> age;                 ///< Years.
    std::string place;                      ///< "FILE:LINE: " where it stands, for messages.
};

enum class Scoring { Exact, ExactUnstripped, Mimic, Findings, Report, ExpertCalls };

struct Benchmark {
    std::string name;                       ///< "vqa-rad"
    std::string title;                      ///< "VQA-RAD"
    Scoring scoring = Scoring::Exact;
    bool withExpert = false;                ///< The questions hold an expert's predictions.
    std::vector<std::string> classes;       ///< Of Findings.
    std::vector<Case> cases;
    std::size_t allCases = 0;               ///< Before a limit was applied.
};

struct BenchmarkFiles {
    std::filesystem::path data;             ///< A file of questions, or a folder with one.
    std::filesystem::path patients;         ///< CSV with the columns image or patient, and sex, age; may be empty.
    std::filesystem::path expertScores;     ///< What `classify --json` wrote, for the findings with expert; may be empty.
    std::size_t limit = 0;                  ///< Only so many cases, spread evenly over the file; 0: all.
    bool needsPictures = true;              ///< Every picture must be there.
};

/// "vqa-rad", "slake", "path-vqa", "mimic-vqa", "chestxray14", "chexpert", "report", "expert-calls".
std::vector<std::string> benchmarkNames();

/// Reads questions, pictures' paths and truths from the public files (reference vila-m3.md 8.1 to 8.4), or the VQA sets' own JSON.
/// @throws Error "usage" for an unknown name; "data" with file and line; "not-found" naming what was looked for.
Benchmark readBenchmark(const std::string& name, const BenchmarkFiles& files);

} // namespace hf::assistant::evaluate
