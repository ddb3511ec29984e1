#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace hf::assistant::evaluate {

// Comparisons of an answer with the truth, as the benchmarks of the paper define them (reference vila-m3.md 8). All texts are UTF-8; Latin
// (ASCII and Latin-1), Greek and Cyrillic letters change case.

std::string lower(std::string text);
/// Without white space, no-break spaces too, at both ends.
std::string stripped(const std::string& text);
/// At white space.
std::vector<std::string> wordsOf(const std::string& text);

/// As the VQA challenge compares: lower case, punctuation removed (kept inside numbers), articles dropped, number words as digits ("none" is 0),
/// apostrophes of contractions restored.
std::string vqaNormalised(const std::string& text);

/// Words that answer and truth have in common, counted as the published evaluation of MIMIC-VQA does: a word of both counts as often as the answer has
/// it, a missed one as often as the truth has it. All 0 without a common word.
struct Overlap {
    double precision = 0, recall = 0, f1 = 0;
};
Overlap wordOverlap(const std::vector<std::string>& answer, const std::vector<std::string>& truth);

/// Yes or no in a free answer as the published evaluation reads it (8.3): "yes" or "no" anywhere, also inside words; else a choice letter, a or b, first in
/// parentheses. Nothing: not to be read.
std::optional<bool> yesOrNo(const std::string& answer);

/// Tokens of a report as for BLEU and ROUGE: lower case, split as the Penn Treebank does, punctuation dropped.
std::vector<std::string> reportTokens(const std::string& text);

/// A generated report made tidy before it is compared (8.4), as the published program does it: sentences begin at a letter and after their first ": ", are
/// capitalised and end with a full stop; those of up to 6 characters, questions and repetitions are dropped.
std::string cleanedReport(const std::string& text);

/// What BLEU sums over a corpus. [n]: of n + 1 words.
struct BleuCounts {
    std::array<double, 4> matches{}, totals{};
    double answerLength = 0, truthLength = 0;
};
BleuCounts bleuCounts(const std::vector<std::string>& answer, const std::vector<std::string>& truth);
/// Corpus BLEU of up to `order` words with the brevity penalty, 0 to 1; 0 when one of the orders never matches.
double bleu(const BleuCounts& sums, int order);

/// ROUGE-L of one text: F of the longest common subsequence with beta 1.2, as the COCO caption tools.
double rougeL(const std::vector<std::string>& answer, const std::vector<std::string>& truth);

} // namespace hf::assistant::evaluate
