#include "assistant/engine/evaluate/TextMetrics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <sstream>
#include <string_view>

namespace hf::assistant::evaluate {

namespace {

const char* const kNoBreakSpace = "\xC2\xA0";

bool isSpace(char c) { return std::strchr(" \t\r\n\f\v", c) != nullptr && c != '\0'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string joined(const std::vector<std::string>& words)
{
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : " ") + word;
    }
    return text;
}

/// "," between two digits anywhere in the text: then no mark of the list below becomes a space.
bool hasCommaInNumber(const std::string& text)
{
    for (std::size_t n = 1; n + 1 < text.size(); ++n) {
        if (text[n] == ',' && isDigit(text[n - 1]) && isDigit(text[n + 1])) {
            return true;
        }
    }
    return false;
}

/// The rule of the challenge: a mark that somewhere stands beside a space is removed everywhere, another becomes a space.
std::string withoutPunctuation(const std::string& text)
{
    const bool commaInNumber = hasCommaInNumber(text);
    std::string result = text;
    for (const char mark : std::string_view(";/[]\"{}()=+\\_-><@`,?!")) {
        const bool removed = commaInNumber || text.find(std::string(1, mark) + " ") != std::string::npos || text.find(std::string(" ") + mark) != std::string::npos;
        if (removed) {
            std::erase(result, mark);
        } else {
            std::replace(result.begin(), result.end(), mark, ' ');
        }
    }
    std::string kept;
    for (std::size_t n = 0; n < result.size(); ++n) {
        if (result[n] != '.' || (n + 1 < result.size() && isDigit(result[n + 1]))) {
            kept += result[n];
        }
    }
    return kept;
}

const std::map<std::string, std::string>& digits()
{
    static const std::map<std::string, std::string> words{{"none", "0"}, {"zero", "0"}, {"one", "1"}, {"two", "2"}, {"three", "3"}, {"four", "4"}, {"five", "5"}, {"six", "6"}, {"seven", "7"}, {"eight", "8"}, {"nine", "9"},
        {"ten", "10"}};
    return words;
}

/// Words with their apostrophes restored: those of the published evaluation.
const std::map<std::string, std::string>& contractions()
{
    static const std::map<std::string, std::string> words = [] {
        std::map<std::string, std::string> all{{"couldn'tve", "couldn't've"}, {"couldnt've", "couldn't've"}, {"hadnt've", "hadn't've"}, {"hadn'tve", "hadn't've"}, {"hed've", "he'd've"}, {"he'dve", "he'd've"},
            {"itd've", "it'd've"}, {"it'dve", "it'd've"}, {"mightnt've", "mightn't've"}, {"mightn'tve", "mightn't've"}, {"ow's'at", "'ow's'at"}, {"'ows'at", "'ow's'at"},
            {"'ow'sat", "'ow's'at"}, {"shed've", "she'd've"}, {"she'dve", "she'd've"}, {"shouldnt've", "shouldn't've"}, {"shouldn'tve", "shouldn't've"},
            {"somebody'd", "somebodyd"}, {"somebodyd've", "somebody'd've"}, {"somebody'dve", "somebody'd've"}, {"someoned've", "someone'd've"}, {"someone'dve", "someone'd've"},
            {"somethingd've", "something'd've"}, {"something'dve", "something'd've"}, {"thered've", "there'd've"}, {"there'dve", "there'd've"}, {"theyd've", "they'd've"},
            {"they'dve", "they'd've"}, {"wed've", "we'd've"}, {"we'dve", "we'd've"}, {"whod've", "who'd've"}, {"who'dve", "who'd've"}, {"wouldnt've", "wouldn't've"},
            {"wouldn'tve", "wouldn't've"}, {"yall'll", "y'all'll"}, {"y'allll", "y'all'll"}, {"yall'd've", "y'all'd've"}, {"y'alld've", "y'all'd've"},
            {"y'all'dve", "y'all'd've"}, {"youd've", "you'd've"}, {"you'dve", "you'd've"}};
        for (const std::string whole : {"ain't", "aren't", "can't", "could've", "couldn't", "didn't", "doesn't", "don't", "hadn't", "hasn't", "haven't", "he'd", "he's", "how'd", "how'll", "how's",
                 "isn't", "it'd", "it'll", "ma'am", "mightn't", "might've", "mustn't", "must've", "needn't", "not've", "o'clock", "oughtn't", "shan't", "should've", "shouldn't",
                 "somebody'll", "somebody's", "someone'd", "someone'll", "someone's", "something'd", "something'll", "that's", "there'd", "there're", "there's", "they'd", "they'll",
                 "they're", "they've", "'twas", "wasn't", "we've", "weren't", "what'll", "what're", "what's", "what've", "when's", "where'd", "where's", "where've", "who'd",
                 "who'll", "who's", "who've", "why'll", "why're", "why's", "won't", "would've", "wouldn't", "y'all", "you'd", "you'll", "you're", "you've"}) {
            std::string bare = whole;
            std::erase(bare, '\'');
            all[bare] = whole;
        }
        return all;
    }();
    return words;
}

std::string without(std::string text, const std::string& part)
{
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at)) {
        text.erase(at, part.size());
    }
    return text;
}

/// Endings that the Penn Treebank makes tokens of their own.
std::size_t cliticLength(const std::string& word)
{
    for (const std::string_view ending : {"n't", "'ll", "'re", "'ve", "'s", "'m", "'d"}) {
        if (word.size() > ending.size() && word.ends_with(ending)) {
            return ending.size();
        }
    }
    return 0;
}

/// "i.e.", "a.m.", "dr.", "l.": their last stop belongs to them.
bool isAbbreviation(const std::string& word)
{
    static const std::set<std::string> known{"dr.", "mr.", "mrs.", "ms.", "st.", "vs.", "prof.", "jr.", "cf.", "etc.", "al.", "ft.", "jan.", "feb.", "mar.", "apr.", "aug.", "sept.", "oct.", "nov.", "dec."};
    const std::size_t inner = word.find('.');
    const bool hasInner = word.ends_with(".") && inner > 0 && inner + 2 < word.size() && isLetter(word[inner - 1]) && isLetter(word[inner + 1]);
    return hasInner || known.contains(word) || (word.size() == 2 && isLetter(word[0]) && word[1] == '.');
}

/// Where "1.5cm", "10:45am" (behind the number) and "views.2" (before the stop) are two tokens; 0: they are one.
std::size_t cutOf(const std::string& word)
{
    const std::size_t mark = word.find_first_of(".:");
    if (mark == std::string::npos || mark == 0 || mark + 1 >= word.size() || !isDigit(word[mark + 1])) {
        return 0;
    }
    if (word[mark] == '.' && std::any_of(word.begin(), word.begin() + std::ptrdiff_t(mark), isLetter)) {
        return mark;
    }
    const std::size_t end = word.find_first_not_of("0123456789.:,");
    return end != std::string::npos && end > mark && isLetter(word[end]) ? end : 0;
}

/// Adds a token, its contraction apart.
/// @param beforeNumber  "no." is an abbreviation there.
void addWord(std::vector<std::string>& tokens, std::string word, bool beforeNumber)
{
    while (!word.empty() && (word.back() == '\'' || (word.back() == '.' && !isAbbreviation(word) && !(beforeNumber && word == "no.")))) {
        word.pop_back();
    }
    while (!word.empty() && word.front() == '\'') {
        word.erase(0, 1);
    }
    if (word.empty() || word == "-") {
        return;
    }
    const std::size_t clitic = cliticLength(word), cut = word == "cannot" ? 3 : clitic > 0 ? word.size() - clitic : cutOf(word);
    if (cut > 0) {
        tokens.push_back(word.substr(0, cut));
    }
    tokens.push_back(word.substr(cut));
}

/// What the tokenizer of the COCO tools writes for a bracket; empty for other characters.
std::string bracketToken(char c)
{
    static const std::map<char, std::string> tokens{{'(', "-lrb-"}, {')', "-rrb-"}, {'[', "-lsb-"}, {']', "-rsb-"}, {'{', "-lcb-"}, {'}', "-rcb-"}, {'<', "<"}, {'>', ">"}};
    const auto found = tokens.find(c);
    return found == tokens.end() ? std::string() : found->second;
}

/// At full stops, which are left out, but those after "a.m", "p.m" and "Dr" and before a digit; and behind question and exclamation marks.
std::vector<std::string> splitAtStops(const std::string& text)
{
    const auto follows = [&](std::size_t at, std::string_view before) { return at >= before.size() && text.compare(at - before.size(), before.size(), before) == 0; };
    std::vector<std::string> parts;
    std::size_t begin = 0;
    for (std::size_t n = 0; n < text.size(); ++n) {
        const bool isStop = text[n] == '.' && !follows(n, "a.m") && !follows(n, "p.m") && !follows(n, "Dr") && !(n + 1 < text.size() && isDigit(text[n + 1]));
        if (isStop || text[n] == '!' || text[n] == '?') {
            parts.push_back(text.substr(begin, n + (isStop ? 0 : 1) - begin));
            begin = n + 1;
        }
    }
    parts.push_back(text.substr(begin));
    return parts;
}

/// Sentences with the character that follows the first place of their words in the text, as published: mostly their full stop.
std::vector<std::string> sentencesOf(const std::string& text)
{
    std::vector<std::string> parts = splitAtStops(text), sentences;
    for (std::size_t n = 0; n < parts.size(); ++n) {
        std::string sentence = stripped(parts[n]);
        if (!sentence.empty()) {
            const std::size_t end = text.find(parts[n]) + parts[n].size();
            std::size_t next = end + 1;
            while (next < text.size() && (std::uint8_t(text[next]) & 0xC0) == 0x80) {
                ++next;
            }
            sentences.push_back(sentence + (n + 1 < parts.size() ? text.substr(end, next - end) : ""));
        }
    }
    return sentences;
}

} // namespace

std::string lower(std::string text)
{
    for (std::size_t n = 0; n < text.size(); ++n) {
        const auto byte = std::uint8_t(text[n]), next = std::uint8_t(n + 1 < text.size() ? text[n + 1] : 0);
        if (byte >= 'A' && byte <= 'Z') {
            text[n] = char(byte + 0x20);
        } else if ((byte == 0xC3 && next >= 0x80 && next <= 0x9E && next != 0x97) || (byte == 0xCE && next >= 0x91 && next <= 0x9F) || (byte == 0xD0 && next >= 0x90 && next <= 0x9F)) {
            text[n + 1] = char(next + 0x20);
        } else if ((byte == 0xCE && next >= 0xA0 && next <= 0xA9) || (byte == 0xD0 && next >= 0xA0 && next <= 0xAF)) {
            text[n] = char(byte + 1);
            text[n + 1] = char(next - 0x20);
        }
    }
    return text;
}

std::string stripped(const std::string& text)
{
    std::size_t begin = 0, end = text.size();
    while (begin < end) {
        if (isSpace(text[begin])) {
            ++begin;
        } else if (text.compare(begin, 2, kNoBreakSpace) == 0) {
            begin += 2;
        } else {
            break;
        }
    }
    while (begin < end) {
        if (isSpace(text[end - 1])) {
            --end;
        } else if (end - begin >= 2 && text.compare(end - 2, 2, kNoBreakSpace) == 0) {
            end -= 2;
        } else {
            break;
        }
    }
    return text.substr(begin, end - begin);
}

std::vector<std::string> wordsOf(const std::string& text)
{
    std::vector<std::string> words;
    std::istringstream stream(text);
    for (std::string word; stream >> word;) {
        words.push_back(word);
    }
    return words;
}

std::string vqaNormalised(const std::string& text)
{
    std::string line = text;
    std::replace_if(line.begin(), line.end(), isSpace, ' ');
    std::vector<std::string> kept;
    for (const std::string& word : wordsOf(lower(withoutPunctuation(stripped(line))))) {
        if (word == "a" || word == "an" || word == "the") {
            continue;
        }
        const auto digit = digits().find(word);
        const auto contraction = contractions().find(word);
        kept.push_back(digit != digits().end() ? digit->second : contraction != contractions().end() ? contraction->second : word);
    }
    return joined(kept);
}

Overlap wordOverlap(const std::vector<std::string>& answer, const std::vector<std::string>& truth)
{
    if (answer.empty() || truth.empty()) {
        return {};
    }
    std::map<std::string, std::pair<int, int>> counts;
    for (const std::string& word : answer) {
        ++counts[word].first;
    }
    for (const std::string& word : truth) {
        ++counts[word].second;
    }
    double common = 0, missed = 0;
    for (const auto& [word, count] : counts) {
        common += count.second > 0 ? count.first : 0;
        missed += count.first > 0 ? 0 : count.second;
    }
    if (common == 0) {
        return {};
    }
    const double precision = common / double(answer.size()), recall = common / (common + missed);
    return {precision, recall, 2 * precision * recall / (precision + recall)};
}

std::optional<bool> yesOrNo(const std::string& answer)
{
    std::string text = stripped(lower(answer));
    if (text.find("answer: ") != std::string::npos) {
        text = stripped(without(text, "answer:"));
    }
    text = stripped(without(text, "a: "));
    const std::size_t yes = text.find("yes"), no = text.find("no");
    if (yes != no) {
        return yes < no;
    }
    // A choice in parentheses goes before other letters.
    const std::size_t open = text.find('('), close = text.rfind(')');
    if (open != std::string::npos && close != std::string::npos && close > open + 1) {
        text = text.substr(open + 1, close - open - 1);
    }
    const std::size_t letter = text.find_first_of("abcd");
    if (letter == std::string::npos || text[letter] > 'b') {
        return std::nullopt;
    }
    return text[letter] == 'b';
}

std::vector<std::string> reportTokens(const std::string& text)
{
    std::vector<std::string> tokens;
    const std::string low = lower(text);
    std::string word;
    const auto finish = [&](std::size_t at) {
        const std::size_t next = low.find_first_not_of(" \t\r\n", at);
        addWord(tokens, word, next != std::string::npos && isDigit(low[next]));
        word.clear();
    };
    for (std::size_t n = 0; n < low.size(); ++n) {
        const char c = low[n];
        const bool beforeDigit = n + 1 < low.size() && isDigit(low[n + 1]);
        if (isSpace(c)) {
            finish(n);
        } else if (const std::string bracket = bracketToken(c); !bracket.empty()) {
            finish(n);
            tokens.push_back(bracket);
        } else if (std::strchr("?!;\"`", c) || ((c == ',' || c == ':') && !beforeDigit)) {
            finish(n);
        } else if (std::strchr("@#$%&", c)) {
            finish(n);
            tokens.emplace_back(1, c);
        } else if ((c == '-' || c == '.') && n + 1 < low.size() && low[n + 1] == c) {
            finish(n);
            n = std::min(low.find_first_not_of(c, n), low.size()) - 1;
        } else {
            word += c;
        }
    }
    finish(low.size());
    return tokens;
}

std::string cleanedReport(const std::string& text)
{
    std::string line = text;
    std::erase_if(line, [](char c) { return c == '\n' || c == '\r'; });
    std::vector<std::string> kept;
    for (std::string sentence : sentencesOf(joined(wordsOf(line)))) {
        if (const std::size_t colon = sentence.find(": "); colon != std::string::npos) {
            sentence = sentence.substr(colon + 2);
        }
        const auto begin = std::find_if(sentence.begin(), sentence.end(), [](char c) { return isLetter(c) || std::uint8_t(c) >= 0x80; });
        sentence.erase(sentence.begin(), begin);
        if (std::count_if(sentence.begin(), sentence.end(), [](char c) { return (std::uint8_t(c) & 0xC0) != 0x80; }) <= 6) {
            continue;
        }
        sentence[0] = sentence[0] >= 'a' && sentence[0] <= 'z' ? char(sentence[0] - 'a' + 'A') : sentence[0];
        sentence = stripped(sentence);
        if (!sentence.ends_with(".") && !sentence.ends_with("!") && !sentence.ends_with("?")) {
            sentence += ".";
        }
        if (sentence.find('?') == std::string::npos && std::find(kept.begin(), kept.end(), sentence) == kept.end()) {
            kept.push_back(sentence);
        }
    }
    return joined(kept);
}

BleuCounts bleuCounts(const std::vector<std::string>& answer, const std::vector<std::string>& truth)
{
    BleuCounts counts;
    counts.answerLength = double(answer.size());
    counts.truthLength = double(truth.size());
    const auto grams = [](const std::vector<std::string>& words, std::size_t n) {
        std::map<std::vector<std::string>, int> all;
        for (std::size_t at = 0; at + n <= words.size(); ++at) {
            ++all[{words.begin() + std::ptrdiff_t(at), words.begin() + std::ptrdiff_t(at + n)}];
        }
        return all;
    };
    for (std::size_t n = 1; n <= 4; ++n) {
        const auto wanted = grams(truth, n);
        for (const auto& [gram, count] : grams(answer, n)) {
            const auto found = wanted.find(gram);
            counts.matches[n - 1] += found == wanted.end() ? 0 : std::min(count, found->second);
            counts.totals[n - 1] += count;
        }
    }
    return counts;
}

double bleu(const BleuCounts& sums, int order)
{
    double logs = 0;
    for (std::size_t n = 0; n < std::size_t(order); ++n) {
        if (sums.matches[n] <= 0) {
            return 0;
        }
        logs += std::log(sums.matches[n] / sums.totals[n]) / order;
    }
    const double brevity = sums.answerLength < sums.truthLength ? std::exp(1 - sums.truthLength / sums.answerLength) : 1;
    return brevity * std::exp(logs);
}

double rougeL(const std::vector<std::string>& answer, const std::vector<std::string>& truth)
{
    std::vector<int> row(truth.size() + 1, 0);
    for (const std::string& word : answer) {
        int diagonal = 0;
        for (std::size_t n = 0; n < truth.size(); ++n) {
            const int above = row[n + 1];
            row[n + 1] = word == truth[n] ? diagonal + 1 : std::max(above, row[n]);
            diagonal = above;
        }
    }
    const double common = row.back();
    if (common == 0) {
        return 0;
    }
    constexpr double kBetaSquared = 1.2 * 1.2;
    const double precision = common / double(answer.size()), recall = common / double(truth.size());
    return (1 + kBetaSquared) * precision * recall / (recall + kBetaSquared * precision);
}

} // namespace hf::assistant::evaluate
